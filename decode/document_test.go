package decode

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/slot"
)

// documents writes random JSON text and keeps which records it holds and where.
type documents struct {
	*rand.Rand
	text  bytes.Buffer
	want  []got
	lines bool // white space may hold line ends
	flat  bool // records hold no lists
}

func (d *documents) write(of ...string) { d.text.WriteString(of[d.IntN(len(of))]) }

func (d *documents) gap() {
	for range d.IntN(3) {
		if d.lines {
			d.write("\n", " ", "\t", "\n\n", "\r\n", "\n  ", "")
		} else {
			d.write(" ", "\t", "", "")
		}
	}
}

// row writes up to n things between brackets, with commas and white space.
func (d *documents) row(brackets string, n int, one func(i int)) {
	d.text.WriteByte(brackets[0])
	d.gap()
	for i := range d.IntN(n + 1) {
		if i > 0 {
			d.text.WriteByte(',')
			d.gap()
		}
		one(i)
		d.gap()
	}
	d.text.WriteByte(brackets[1])
}

func (d *documents) value(depth int) {
	switch k := d.IntN(9); {
	case k < 2 && depth > 0:
		d.row("{}", 3, func(int) {
			d.write(`"a"`, `"b\""`, `"name"`, `"value"`, `"Records"`, `"items"`, `"status"`)
			d.gap()
			d.text.WriteByte(':')
			d.gap()
			d.value(depth - 1)
		})
	case k < 4 && depth > 0 && !d.flat:
		d.row("[]", 3, func(int) { d.value(depth - 1) })
	default:
		d.write(`1`, `-2.5e3`, `true`, `null`, `"a"`, `""`, `"\"},{\\"`, `"]},"`, `"[{"`, `"\u00e9"`, `"\\"`, `{}`)
	}
}

// keep notes that a record stands in the text since a place.
func (d *documents) keep(format string, from int) {
	d.want = append(d.want, got{Format: format, Raw: d.text.String()[from:], Num: uint64(len(d.want) + 1), Offset: int64(from), File: "f"})
}

func (d *documents) record() {
	from, n := d.text.Len(), len(d.want)
	format := "json"
	if d.IntN(2) == 0 {
		fmt.Fprintf(&d.text, `{"own":%d`, n)
	} else {
		format = "aws.cloudtrail"
		d.text.WriteString(strings.TrimSuffix(trail(fmt.Sprint("N", n)), "}"))
	}
	d.text.WriteString(`,"more":`)
	d.gap()
	d.value(3)
	if d.IntN(20) == 0 {
		d.text.WriteString(`,"long":"` + strings.Repeat(`{\"`, d.IntN(2000)) + `"`)
	}
	d.gap()
	d.text.WriteByte('}')
	d.keep(format, from)
}

// document writes a record, or a list of documents with or without an object around it.
func (d *documents) document(depth int) {
	member := func(i int) { // the first tells what an object around a list is
		if i > 0 && d.IntN(12) == 0 {
			from := d.text.Len()
			d.write(`1`, `"x"`, `null`)
			d.keep("json", from)
			return
		}
		d.document(depth - 1)
	}
	switch k := d.IntN(6); {
	case depth == 0 || k < 3:
		d.record()
	case k < 5:
		d.row("[]", 4, member)
	default:
		d.write("{", `{"count": 3,`, "{ \n")
		d.write(`"Records"`, `"records"`)
		d.gap()
		d.text.WriteByte(':')
		d.gap()
		d.row("[]", 4, func(i int) {
			if i == 0 {
				d.record()
			} else {
				member(i)
			}
		})
		d.gap()
		d.write("}", "}", `,"foot": [{"a":1},[2]]}`)
	}
}

// seeds is how many random cases a test tries.
func seeds(few uint64) uint64 {
	if os.Getenv("YAGURA_PROVE") != "" {
		return 100 * few
	}
	return few
}

// TestDocuments: text without faults gives the records that were written into it, each at
// its place, however they are put together and however the bytes come.
func TestDocuments(t *testing.T) {
	dec := newDecoder(t, Options{})
	for seed := range seeds(100) {
		d := &documents{Rand: rand.New(rand.NewPCG(seed, 1)), lines: seed%2 == 0}
		d.write("", "", "\ufeff")
		for range d.IntN(6) {
			d.write("", "", "\x1e")
			d.document(3)
			d.write("\n", "\r\n", "\n\n", " \n ")
		}
		text := d.text.Bytes()
		for name, r := range map[string]io.Reader{
			"whole":           bytes.NewReader(text),
			"byte by byte":    iotest.OneByteReader(bytes.NewReader(text)),
			"in pieces":       &small{bytes.NewReader(text), 2 + d.IntN(700)},
			"gzip":            bytes.NewReader(gzipped(text)),
			"gzip, in pieces": &small{bytes.NewReader(gzipped(text)), 1 + d.IntN(50)},
			"zstd":            bytes.NewReader(zstdOf(text)),
		} {
			if diff := cmp.Diff(d.want, readAll(t, dec, r, "f")); diff != "" {
				t.Fatalf("seed %d, %s (-want +got):\n%s\n%s", seed, name, diff, text)
			}
		}
	}
}

// TestDamagedRecord: damage to a record is reported and costs no other that stands in a
// line of its own.
func TestDamagedRecord(t *testing.T) {
	dec := newDecoder(t, Options{})
	framings := []struct{ before, between, after string }{
		{"", "\n", ""}, {"", "\n\n", "\n"}, {"", "\r\n", "\r\n"}, {"\x1e", "\n\x1e", "\n"},
		{"[", "]\n[", "]\n"}, {`{"Records":[`, "]}\n{\"Records\":[", "]}\n"}, {"\x1e[", "]\n\x1e[", "]\n"},
		// In one list: a bracket in the damage may well be the list's.
		{"[\n", ",\n", "\n]"}, {"[\r\n", ",\r\n", "\r\n]\r\n"}, {"[[", ",\n", "]]\n"},
		{"{\"Records\":[\n", ",\n", "\n]}"}, {`{"value":[`, ",\n", "\n],\"@odata.nextLink\":\"x\"}"},
	}
	for seed := range seeds(1000) {
		d := &documents{Rand: rand.New(rand.NewPCG(seed, 2))}
		f := framings[d.IntN(len(framings))]
		marks := []string{"{", "}", `"`, ",", ":", `\`, "x", "\n", "\x00"}
		if d.flat = strings.Contains(f.between, ","); !d.flat {
			marks = append(marks, "[", "]")
		}
		n := 2 + d.IntN(4)
		for range n {
			d.record()
		}
		at := d.IntN(n)
		x := d.want[at].Raw
		p := d.IntN(len(x))
		mark := marks[d.IntN(len(marks))]
		x = []string{x[:p], x[:p] + x[p+1:], x[:p] + mark + x[p+1:], x[:p] + mark + x[p:]}[d.IntN(4)]
		if strings.TrimSpace(x) == "" || slot.Valid([]byte(x)) {
			continue
		}
		var text strings.Builder
		want := map[got]bool{}
		for i, w := range d.want {
			text.WriteString([]string{f.between, f.before}[max(0, 1-i)])
			if i == at {
				text.WriteString(x)
				continue
			}
			want[got{Format: w.Format, Raw: w.Raw, Offset: int64(text.Len()), File: "f"}] = true
			text.WriteString(w.Raw)
		}
		text.WriteString(f.after)
		list := readAll(t, dec, strings.NewReader(text.String()), "f")
		if diff := cmp.Diff(list, readAll(t, dec, &small{strings.NewReader(text.String()), 1 + d.IntN(5)}, "f")); diff != "" {
			t.Fatalf("seed %d (-whole +pieces):\n%s\n%s", seed, diff, text.String())
		}
		broken := 0
		for _, g := range list {
			if g.Bad != "" {
				broken++
			}
			g.Num = 0
			delete(want, g)
		}
		if broken == 0 || len(want) > 0 {
			t.Errorf("seed %d: %d broken, lost %v, damaged %q:\n%q", seed, broken, want, x, text.String())
		}
	}
}
