package decode

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const flowLine = "2 111122223333 eni-0a1b2c3d 192.0.2.10 10.0.0.12 51234 22 6 20 4249 1709632800 1709632860 ACCEPT OK"

// textFixtures are the fixtures that are text.
func textFixtures(t testing.TB) []string {
	t.Helper()
	var list []string
	for _, files := range fixtures(t) {
		for _, f := range files {
			if !strings.HasSuffix(f, ".json") {
				list = append(list, f)
			}
		}
	}
	if len(list) < 3 {
		t.Fatalf("only %d fixtures of text", len(list))
	}
	return list
}

// TestTextHoweverItComes reads every text byte by byte, in gzip, in a zip archive, in
// UTF-16 and with line ends of Windows, and asks for the same records as from the plain file.
func TestTextHoweverItComes(t *testing.T) {
	for _, file := range textFixtures(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plain := func(r io.Reader) []got {
			list := readAll(t, standard(), r, "x")
			for i := range list {
				list[i].Offset, list[i].File = 0, ""
			}
			return list
		}
		want := plain(bytes.NewReader(data))
		same := func(how string, r io.Reader) {
			t.Helper()
			if diff := cmp.Diff(want, plain(r)); diff != "" {
				t.Errorf("%s, %s (-plain +got)\n%s", file, how, diff)
			}
		}
		same("byte by byte", iotest.OneByteReader(bytes.NewReader(data)))
		var gz bytes.Buffer
		w := gzip.NewWriter(&gz)
		_, _ = w.Write(data)
		_ = w.Close()
		same("gzip", &gz)
		var archive bytes.Buffer
		z := zip.NewWriter(&archive)
		m, _ := z.Create("a.log")
		_, _ = m.Write(data)
		_ = z.Close()
		same("zip", bytes.NewReader(archive.Bytes()))
		if !bytes.HasPrefix(data, utf8BOM) {
			same("with a byte order mark", bytes.NewReader(append(bytes.Clone(utf8BOM), data...)))
		}
		if !bytes.Contains(data, []byte(`"`)) { // else a line end may be inside a cell
			same("with CR LF", bytes.NewReader(bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))))
		}
		same("without its last line end", bytes.NewReader(bytes.TrimRight(data, "\n")))
	}
}

// TestTextIsJSON: the object that was made of a line is JSON, and is read to the same event
// when it comes alone.
func TestTextIsJSON(t *testing.T) {
	for _, file := range textFixtures(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events(t, data, file) {
			sameAgain(t, e.Raw)
		}
	}
}

// kept reads data and returns what an event keeps of each record.
func kept(t *testing.T, data []byte) (list []got) {
	t.Helper()
	for r := standard().NewReader(bytes.NewReader(data), "x"); ; {
		rec, err := r.Next()
		bad := (*RecordError)(nil)
		switch {
		case err == io.EOF:
			return list
		case errors.As(err, &bad):
			list = append(list, got{Bad: bad.Reason})
		case err != nil:
			t.Fatal(err)
		default:
			e := rec.Event()
			list = append(list, got{Format: e.Format, Raw: string(e.Raw)})
		}
	}
}

// sameAgain decodes a record that was made of a line, twice.
func sameAgain(t *testing.T, raw []byte) {
	t.Helper()
	if !json.Valid(raw) {
		t.Fatalf("this is no JSON: %q", raw)
	}
	list := kept(t, raw)
	if len(list) != 1 || list[0].Bad != "" {
		t.Fatalf("%d records of %s: %+v", len(list), raw, list)
	}
	if list[0].Raw != string(raw) {
		t.Fatalf("%s is kept as %s", raw, list[0].Raw)
	}
}

// TestBrokenText: a broken line is reported with its place, and the others are read.
func TestBrokenText(t *testing.T) {
	long := strings.Repeat("x", maxLine+10)
	for _, c := range []struct {
		name, text string
		records    int
		bad        []int64 // offsets
	}{
		{"a line too short", flowLine + "\n2 111122223333 eni-0a1b2c3d\n" + flowLine + "\n", 2, []int64{int64(len(flowLine)) + 1}},
		{"a line too long", flowLine + "\n" + flowLine + " " + long + "\n" + flowLine + "\n", 2, []int64{int64(len(flowLine)) + 1}},
		{"a row too short", "time,user,action\n1,b,c\n1,b\n2,d,e\n", 2, []int64{23}},
		{"a quotation mark never closed", "time,user,action\n1,b,c\n2,\"b,c\n3,d,e\n4,f,g", 3, []int64{23}},
		{"quotation marks out of step", "time,user,action\n1,b,c\n2,b\"x,c\n3,d,e\n4,\"f\",g\n", 3, []int64{23}},
		{"a table whose first row has a cell of two lines", "one,two,three\n1,\"x\ny\",2\n3,4,5\n", 2, nil},
		{"another order of fields follows", flowLine + "\n3 eni-0a1b2c3d 111122223333 vpc-1 subnet-1 i-1 192.0.2.1 10.0.0.1 1 2 6 2 IPv4 192.0.2.1 10.0.0.1 ACCEPT OK\n" + flowLine + "\n", 3, nil},
		{"another form follows", flowLine + "\ninterface-id srcaddr dstaddr\neni-1 192.0.2.1 192.0.2.2\n", 2, nil},
		{"something before", "this log was begun by hand\nand so on\n" + flowLine + "\n" + flowLine, 2, []int64{0}},
		{"JSON before", `{"a":1}` + "\n" + flowLine + "\n" + `{"a":2}` + "\n" + flowLine, 4, nil},
		{"nothing known", "this is prose\nand so is this\n", 0, []int64{0}},
	} {
		records := 0
		var bad []int64
		for _, g := range readAll(t, standard(), strings.NewReader(c.text), "x.log") {
			if g.Bad != "" {
				bad = append(bad, g.Offset)
				continue
			}
			records++
		}
		if records != c.records || !cmp.Equal(bad, c.bad) {
			t.Errorf("%s: %d records and errors at %v, want %d and %v", c.name, records, bad, c.records, c.bad)
		}
	}
}

// TestTextLines counts the records of given text logs: each line that is no comment and no
// header is one, of the format that it is.
func TestTextLines(t *testing.T) {
	data := sharedData(t)
	for _, c := range []struct {
		file, format string
		records      int
	}{
		{"aws/vpcflow-opensearch.log", "aws.vpcflow", 22},
		{"aws/elb/opensearch-elb-raw.log", "aws.elb", 63},
		{"aws/elb/plaso-aws_elb_access.log", "aws.elb", 16},
		{"aws/elb/XXXXXXXXXXXX_elasticloadbalancing_us-east-1_app.ApplicationLoadBalancer.fa87e1db7badc175_20230424T2110Z_X.X.X.X_4c8scnzy.log.gz", "aws.elb", 100},
		{"aws/elb/E3HXCM7PFRG6HT.2023-04-24-21.d740d76bCloudFront.gz", "aws.cloudfront", 152},
		{"aws/cloudfront/cf-access-log-sample.gz", "aws.cloudfront", 28949},
		{"aws/cloudfront/opensearch-cloudfront-raw.log", "aws.cloudfront", 40},
		{"aws/s3access/opensearch-s3-raw.log", "aws.s3access", 18},
		{"entra/sentinel-lab-signin.csv", "entra.signin", 56},
		{"entra/sentinel-lab-disabled_accounts_signin.csv", "entra.signin", 4},
		{"azure/activity/sentinel-lab-azure_activity.csv", "azure.activity", 325},
		{"ti/mstic-Indicators.csv", "json", 237},
	} {
		in, err := os.Open(filepath.Join(data, c.file))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, g := range readAll(t, standard(), in, c.file) {
			if g.Bad != "" || g.Format != c.format {
				t.Errorf("%s: record %d at %d: %s %s", c.file, g.Num, g.Offset, g.Format, g.Bad)
			}
			n++
		}
		_ = in.Close()
		if n != c.records {
			t.Errorf("%s: %d records, want %d", c.file, n, c.records)
		}
	}
}

// TestSyslogYear: a time without a year is the nearest to when the text was written that is not
// well after it, and the object keeps its year.
func TestSyslogYear(t *testing.T) {
	for _, c := range []struct{ around, line, want string }{
		{"2024-03-05T12:00:00Z", "<13>Mar  5 10:00:00 web app: x", "2024-03-05T10:00:00Z"},
		{"2024-01-01T00:10:00Z", "<13>Dec 31 23:59:00 web app: x", "2023-12-31T23:59:00Z"},
		{"2023-12-31T23:59:00Z", "<13>Jan  1 00:10:00 web app: x", "2024-01-01T00:10:00Z"},
		{"2024-03-05T12:00:00Z", "<13>Mar  9 10:00:00 web CEF:0|a|b|1|2|c|3|src=192.0.2.1", "2023-03-09T10:00:00Z"},
		{"2024-03-05T12:00:00Z", "<13>2023-03-05T10:00:00Z web app: x", "2023-03-05T10:00:00Z"},
		{"", "<13>Mar  5 10:00:00 web app: x", "0001-01-01T00:00:00Z"},
	} {
		r := standard().NewReader(strings.NewReader(c.line), "x")
		at, _ := time.Parse(time.RFC3339, c.around)
		r.Around(at)
		rec, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", c.line, err)
		}
		e := rec.Event()
		if got := e.Time.Format(time.RFC3339); got != c.want {
			t.Errorf("%s around %s is of %s, want %s", c.line, c.around, got, c.want)
		}
		if again := events(t, e.Raw, "x"); !again[0].Time.Equal(e.Time) {
			t.Errorf("%s is of %s when it is read again", e.Raw, again[0].Time)
		}
		r.Close()
	}
}

// TestStampedLines: a time that a collector put before a record is none of it.
func TestStampedLines(t *testing.T) {
	text := "2024-03-05T10:00:00.000Z " + flowLine + "\n" +
		"2024-03-05T10:00:01.000Z {\"eventVersion\":\"1.08\",\"eventSource\":\"s3.amazonaws.com\",\"eventName\":\"ListBuckets\",\"awsRegion\":\"eu-west-1\"}\n" +
		"2024-03-05T10:00:02.123456789Z stdout F {\"a\":1}\n" +
		"2024-03-05T10:00:03.000Z nothing that is known\n" +
		"2024-03-05T10:00:04.000Z " + flowLine + "\n"
	var have []string
	for _, g := range readAll(t, standard(), strings.NewReader(text), "x") {
		if g.Bad != "" {
			g.Format = "bad"
		}
		have = append(have, g.Format)
	}
	if diff := cmp.Diff([]string{"aws.vpcflow", "aws.cloudtrail", "json", "bad", "aws.vpcflow"}, have); diff != "" {
		t.Error(diff)
	}
}

// TestQuotedEvent: what somebody sent does not turn a line into an event of another form.
func TestQuotedEvent(t *testing.T) {
	for line, format := range map[string]string{
		"<38>Mar  5 10:00:00 web sshd[8]: Failed password for CEF:0|a|b|c|d|e|f|src=198.51.100.9 from 192.0.2.10 port 5 ssh2":                                                    "syslog",
		`https 2024-03-05T10:00:00.186641Z app/a/0 192.0.2.10:1 10.0.0.1:80 0 0 0 200 200 1 1 "GET https://a/ HTTP/1.1" " CEF:0|a|b|c|d|e|f|src=198.51.100.9" - - - "-" "-" "-"`: "aws.elb",
		"<13>Mar  5 10:00:00 web cefd: CEF:0|a|b|c|d|e|f|src=192.0.2.10":                                                                                                         "cef",
		"Mar  5 10:00:00 CEF:0|a|b|c|d|e|f|src=192.0.2.10":                                                                                                                       "cef",
	} {
		list := events(t, []byte(line), "x")
		if len(list) != 1 || list[0].Format != format || list[0].SrcIP != "192.0.2.10" {
			t.Errorf("%s is %+v", line, list)
		}
	}
}

// FuzzText sends text through the reader: nothing panics, and what is made of a line is JSON
// that is read to the same record again.
func FuzzText(f *testing.F) {
	for _, file := range textFixtures(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, hostile := range []string{
		"CEF:0|a\\|b|c|d|e|f|g|=x k= k=\\= cs1Label=k cs1=\xff", "LEEF:2.0|a|b|c|d|x00|k=v", "<191>1 - - - - - [a b=\"]\\\"\"][] x",
		"TimeGenerated,a.b,a,a.b.c\n1,\"[[[\",{},\n", "#Fields: a #Fields: b\n#\n-\t-", "2024-03-05T10:00:00Z 2024-03-05T10:00:00Z {}",
	} {
		f.Add([]byte(hostile))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, ok := firstOf(data)
		if !ok || startLines(l, false) == nil {
			return
		}
		for _, g := range readAll(t, standard(), bytes.NewReader(data), "x") {
			if g.Bad == "" && !json.Valid([]byte(g.Raw)) {
				t.Fatalf("this is no JSON: %q", g.Raw)
			}
		}
		lines := startLines(l, false)
		object, err := lines.read(nil, l.line)
		if err != nil || len(object) == 0 {
			return
		}
		for _, g := range kept(t, object) {
			if g.Bad != "" {
				t.Fatalf("%q of %q: %s", object, l.line, g.Bad)
			}
			again := kept(t, []byte(g.Raw))
			if len(again) != 1 || again[0].Format != g.Format || again[0].Raw != g.Raw {
				t.Fatalf("%s %s is read again as %+v", g.Format, g.Raw, again)
			}
		}
	})
}
