package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// got is what a test sees of what a Reader hands out.
type got struct {
	Format, Raw string
	Num         uint64
	Offset      int64
	File        string
	Bad         string // of a RecordError
}

// readAll reads everything; it fails the test when the Reader does not come to an end.
func readAll(t testing.TB, d *Decoder, r io.Reader, file string) []got {
	t.Helper()
	rd := d.NewReader(r, file)
	var out []got
	for range 1 << 20 {
		rec, err := rd.Next()
		var bad *RecordError
		switch {
		case errors.Is(err, io.EOF):
			return out
		case errors.As(err, &bad):
			if bad.File == "" || bad.Error() == "" {
				t.Errorf("an error without its place: %+v", bad)
			}
			out = append(out, got{Num: bad.Num, Offset: bad.Offset, File: bad.File, Bad: bad.Reason})
		case err != nil:
			t.Fatalf("%s: %v", file, err)
		default:
			out = append(out, got{Format: rec.Format.Name, Raw: string(rec.Raw()), Num: rec.Num, Offset: rec.Offset, File: rec.File})
		}
	}
	t.Fatalf("%s: the reader does not end", file)
	return nil
}

func newDecoder(t testing.TB, o Options) *Decoder {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// trail is a CloudTrail record with a given name.
func trail(name string) string {
	return `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333"},` +
		`"eventTime":"2024-05-01T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"` + name + `","awsRegion":"us-east-1",` +
		`"sourceIPAddress":"192.0.2.1","eventID":"11111111-2222-4333-8444-` + fmt.Sprintf("%012x", len(name)) + `","recipientAccountId":"111122223333"}`
}

func raws(list []got) []string {
	var out []string
	for _, g := range list {
		if g.Bad != "" {
			out = append(out, "! "+g.Bad)
			continue
		}
		out = append(out, g.Raw)
	}
	return out
}

// TestShapes reads the ways in which records are put together.
func TestShapes(t *testing.T) {
	a, b := trail("A"), trail("BB")
	pretty := "{\n  \"eventName\": \"A\",\n  \"eventSource\": \"iam.amazonaws.com\",\n  \"x\": [\n    {\n      \"y\": 1\n    }\n  ]\n}"
	many := strings.Repeat(`{"q":1},`, maxField/8+10) + `{"r":2}`
	manyRecords := strings.Split(strings.ReplaceAll(many, "},", "}\n"), "\n")
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"one", a, []string{a}},
		{"lines", a + "\n" + b + "\n", []string{a, b}},
		{"lines with returns and blank lines", "\r\n" + a + "\r\n\r\n" + b, []string{a, b}},
		{"put end to end", a + b + a, []string{a, b, a}},
		{"pretty, put end to end", pretty + "\n" + pretty, []string{pretty, pretty}},
		{"RFC 7464", "\x1e" + a + "\n\x1e" + b + "\n", []string{a, b}},
		{"array", "[" + a + " ,\n" + b + "]", []string{a, b}},
		{"empty array", "[]", nil},
		{"nothing", "", nil},
		{"white space", " \n\n ", nil},
		{"arrays in arrays", "[[" + a + "],[]," + b + "]", []string{a, b}},
		{"arrays in lines", "[" + a + "]\n[" + b + "]\n", []string{a, b}},
		{"Records", `{"Records":[` + a + "," + b + "]}", []string{a, b}},
		{"Records, pretty", "{\n \"Records\" : [\n" + a + "\n,\n" + b + "\n]\n}\n", []string{a, b}},
		{"Records, in lines", `{"Records":[` + a + "]}\n" + `{"Records":[` + b + "]}\n", []string{a, b}},
		{"Records after records", a + "\n" + `{"Records":[` + b + "," + a + "]}\n" + b, []string{a, b, a, b}},
		{"Records in an array", `[{"Records":[` + a + `]},{"Records":[` + b + `]}]`, []string{a, b}},
		{"no Records", `{"Records":[]}`, nil},
		{"records", `{"records":[` + a + "," + b + "]}", []string{a, b}},
		{"records of Firehose", `{"invocationId":"i","deliveryStreamArn":"arn:aws:firehose:us-east-1:111122223333:deliverystream/d","region":"us-east-1","records":[` + a + "]}", []string{a}},
		{"value of Graph", `{"@odata.context":"https://graph.example.com/v1.0/$metadata","@odata.count":1,"value":[` + a + `],"@odata.nextLink":"https://graph.example.com/x"}`, []string{a}},
		{"value, empty", `{"@odata.context":"c","value":[]}`, nil},
		{"value of unknown records", `{"value":[{"q":1},{"q":2}]}`, []string{`{"q":1}`, `{"q":2}`}},
		{"value of known records beside unknown keys", `{"q":1,"value":[` + a + `]}`, []string{a}},
		{"value that is a field", `{"q":1,"value":[{"r":1}]}`, []string{`{"q":1,"value":[{"r":1}]}`}},
		{"value that is a field, other order", `{"value":[{"r":1}],"q":1}`, []string{`{"value":[{"r":1}],"q":1}`}},
		{"value that is a field, after a record", `{"q":1}` + "\n" + `{"q":2,"value":[{"r":1},{"r":2}]}`, []string{`{"q":1}`, `{"q":2,"value":[{"r":1},{"r":2}]}`}},
		{"value of many unknown records beside unknown keys", `{"value":[` + many + `],"q":1}`, manyRecords},
		{"value of unknown records, cut short", `{"value":[{"q":1},{"q":`, []string{`{"q":1}`, "! the text ends inside a record"}},
		{"value of scalars", `{"value":[1,2]}`, []string{`{"value":[1,2]}`}},
		{"events", `{"events":[` + a + `],"nextForwardToken":"f"}`, []string{a}},
		{"items of Kubernetes", `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"q":1}]}`, []string{`{"q":1}`}},
		{"entries", `{"entries":[` + a + `],"nextPageToken":"t"}`, []string{a}},
		{"unknown", `{"hello":"world"}`, []string{`{"hello":"world"}`}},
		{"unknown, lines", "{\"q\":1}\n{\"q\":2}\n", []string{`{"q":1}`, `{"q":2}`}},
		{"byte order mark", "\ufeff" + a + "\n\ufeff" + b, []string{a, b}},
		{"scalars", "1\n\"x\"\ntrue\nnull\n", []string{"1", `"x"`, "true", "null"}},
		{"scalar in the last line", "0\n   \"eventVersion\"", []string{"0", `"eventVersion"`}},
		{"number in the last line", "0\n12345678", []string{"0", "12345678"}},
		{"scalars before blank lines", "0\n   \"eventVersion\"  \n 12345678 \n\n", []string{"0", `"eventVersion"`, "12345678"}},
		{"workspace activity", `{"kind":"admin#reports#activity","actor":{"email":"ann@example.com"},"events":[{"type":"T","name":"N"}]}`,
			[]string{`{"kind":"admin#reports#activity","actor":{"email":"ann@example.com"},"events":[{"type":"T","name":"N"}]}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(t, Options{})
			list := readAll(t, d, strings.NewReader(c.text), "f.json")
			if diff := cmp.Diff(c.want, raws(list)); diff != "" {
				t.Fatalf("records (-want +got):\n%s", diff)
			}
			for i, g := range list {
				if g.Num != uint64(i+1) || g.Bad == "" && !strings.HasPrefix(c.text[g.Offset:], g.Raw) {
					t.Errorf("record %d: number %d, offset %d", i+1, g.Num, g.Offset)
				}
				if want := "aws.cloudtrail"; strings.Contains(g.Raw, "amazonaws") && g.Format != want && g.Raw != pretty {
					t.Errorf("record %d: format %s, want %s", i+1, g.Format, want)
				}
			}
			pieces := io.Reader(iotest.OneByteReader(strings.NewReader(c.text)))
			if len(c.text) > 64<<10 { // byte by byte takes too long
				pieces = &inPieces{strings.NewReader(c.text), 1009}
			}
			for name, r := range map[string]io.Reader{
				"one byte": pieces,
				"half":     iotest.HalfReader(strings.NewReader(c.text)),
				"data+err": iotest.DataErrReader(strings.NewReader(c.text)),
			} {
				if diff := cmp.Diff(list, readAll(t, d, r, "f.json")); diff != "" {
					t.Errorf("read by %s (-whole +%s):\n%s", name, name, diff)
				}
			}
		})
	}
}

func TestUTF16(t *testing.T) {
	a := strings.Replace(trail("A"), "ann", "añn😀", 1)
	for name, mark := range map[string][]byte{"little": {0xff, 0xfe}, "big": {0xfe, 0xff}} {
		text := bytes.Clone(mark)
		for _, u := range utf16Encode(a + "\n" + a) {
			if name == "little" {
				text = append(text, byte(u), byte(u>>8))
			} else {
				text = append(text, byte(u>>8), byte(u))
			}
		}
		list := readAll(t, newDecoder(t, Options{}), iotest.OneByteReader(bytes.NewReader(text)), "f")
		if diff := cmp.Diff([]string{a, a}, raws(list)); diff != "" {
			t.Errorf("%s endian (-want +got):\n%s", name, diff)
		}
	}
}

func utf16Encode(s string) []uint16 { return utf16.Encode([]rune(s)) }

// TestReaderAllocations says that what a Reader allocates does not grow with the
// records.
func TestReaderAllocations(t *testing.T) {
	d := newDecoder(t, Options{Want: wantRules})
	few, many := gzipped(madeTrail(10)), gzipped(madeTrail(3000))
	readCount(t, d, many)
	a := testing.AllocsPerRun(5, func() { readCount(t, d, few) })
	b := testing.AllocsPerRun(5, func() { readCount(t, d, many) })
	if b > a+20 {
		t.Errorf("%v allocations for 10 records, %v for 3000", a, b)
	}
}

// inPieces gives at most size bytes at a time.
type inPieces struct {
	src  io.Reader
	size int
}

func (r *inPieces) Read(p []byte) (int, error) { return r.src.Read(p[:min(len(p), r.size)]) }
