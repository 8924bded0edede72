package decode

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCutLineOfLists: in a file with one list of records a line, a line that is cut short
// costs what is missing of it and is reported, and the lines after it are read.
func TestCutLineOfLists(t *testing.T) {
	d, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	record := func(id string) string {
		return `{"eventVersion":"1.11","eventName":"GetTrail","eventSource":"cloudtrail.amazonaws.com","awsRegion":"eu-west-1","eventID":"` + id + `","tags":[{"k":"v"}]}`
	}
	pair := record("e-1") + `,` + record("e-2")
	whole := len(record("e-1"))
	for _, c := range []struct{ name, before, after string }{
		{"Records", `{"Records":[`, `]}`},
		{"weak list", `{"value":[`, `]}`},
		{"keys around it", `{"a":"b","records":[`, `],"x":{"y":1}}`},
		{"array", `[`, `]`},
		{"two lists in one another", `{"Records":[{"records":[`, `]}]}`},
	} {
		line := c.before + pair + c.after
		for cut := 1; cut < len(line); cut++ {
			good := 0
			if cut >= len(c.before)+whole {
				good++
			}
			if cut >= len(c.before)+len(pair) {
				good++
			}
			for _, end := range []string{"\n", "\r\n"} {
				lines := []string{line, line[:cut], line, line, line[:cut], line}
				text := strings.Join(lines, end)
				for _, size := range []int{1, 1 << 20} {
					if size == 1 && cut%7 != 0 {
						continue
					}
					r := d.NewReader(&small{strings.NewReader(text), size}, "x")
					got, broken := 0, 0
					for {
						rec, err := r.Next()
						if _, ok := errors.AsType[*RecordError](err); ok {
							broken++
							continue
						}
						if err != nil {
							break
						}
						if rec.Format.Name == "aws.cloudtrail" {
							got++
						}
					}
					if want := 8 + 2*good; got != want || broken != 2 {
						t.Errorf("%s cut at %d by %d bytes: %d records and %d broken, want %d and 2: …%q", c.name, cut, size, got, broken, want, line[max(0, cut-20):cut])
					}
				}
			}
		}
	}
}

// TestListInBrokenRecord: the end of a list inside a broken record is not that of the
// list of records, though quotes are out of step.
func TestListInBrokenRecord(t *testing.T) {
	d, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	record := func(id string) string {
		return `{"eventVersion":"1.11","eventName":"GetTrail","eventSource":"cloudtrail.amazonaws.com","awsRegion":"eu-west-1","key":"k","resources":[{"a":"b"},{"c":"d"}],"eventID":"` + id + `"}`
	}
	good := record("e")
	for _, list := range []struct{ before, after string }{{"[", "]"}, {`{"Records":[`, `]}`}, {`{"value":[`, `],"@odata.nextLink":"x"}`}, {`{"count":4,"records":[`, "]}\n"}} {
		for _, broken := range []string{
			strings.Replace(good, `"key":"k"`, `"key":k"`, 1),
			strings.Replace(good, `"key":"k"`, "\"ke\ny\":\"k\"", 1),
			strings.Replace(good, `"eventName":"GetTrail"`, `"eventName":GetTrail"`, 1),
			strings.Replace(good, `"a":"b"}`, `"a":b"}`, 1),
			strings.Replace(good, `"a":"b"}`, `"a":"b}`, 1),
		} {
			for at := range 4 {
				records := []string{good, good, good, good}
				records[at] = broken
				text := list.before + strings.Join(records, ",") + list.after
				r := d.NewReader(strings.NewReader(text), "x")
				got, bad := 0, 0
				for {
					rec, err := r.Next()
					if _, ok := errors.AsType[*RecordError](err); ok {
						bad++
						continue
					}
					if err != nil {
						break
					}
					if rec.Format.Name == "aws.cloudtrail" {
						got++
					}
				}
				if got != 3 || bad != 1 {
					t.Errorf("%d records and %d broken, want 3 and 1: %s", got, bad, text)
				}
			}
		}
	}
}

// TestSpaceInTornList: what is read does not depend on how the bytes come, however much
// white space there is behind a bracket.
func TestSpaceInTornList(t *testing.T) {
	d, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for spaces := range 300 {
		gap := strings.Repeat(" ", spaces)
		text := `[{"a":x,"b":[{"c":1},{"d":2}]` + gap + `,"e":3},` + gap + `{"a":4}]` + gap + `,{"a":5}]`
		var want []got
		for _, size := range []int{1 << 20, 1, 7, 100} {
			list := fuzzRead(t, d, &small{strings.NewReader(text), size})
			if want == nil {
				want = list
			}
			if diff := cmp.Diff(want, list); diff != "" {
				t.Fatalf("%d spaces, by %d bytes (-whole +pieces):\n%s", spaces, size, diff)
			}
		}
	}
}
