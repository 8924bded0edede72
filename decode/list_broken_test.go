package decode

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestBrokenMemberOfWeakList: a broken member of a list that might have been a field
// of a record costs that member, not the file.
func TestBrokenMemberOfWeakList(t *testing.T) {
	const known = `{"eventVersion":"1.11","eventName":"GetTrail","eventSource":"cloudtrail.amazonaws.com","awsRegion":"eu-west-1","eventID":"e-1"}`
	d, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text         string
		good, broken int
	}{
		{`{"value":[{"a":nothing},` + known + `,` + known + `]}`, 2, 1},
		{`{"@odata.context":"x","value":[{"a":nothing},` + known + `]}`, 1, 1},
		{`{"events":[{"door":1},{"a":"\x"},` + known + `]}`, 2, 1},
		{`{"items":[{"door":1},` + known + `,{"a":1,,"b":2},` + known + `],"kind":"x"}`, 3, 1},
		{`{"value":[{"a":1}],"x":1}`, 1, 0}, // a record with a field of that name stays one
		{`{"a":"b","value":[{"a":nothing}]}`, 0, 1},
		{`[{"a":1},,{"a":2}]`, 2, 1},
		{`[,` + strings.Repeat(" ,", 5000) + `{"a":2}]`, 1, 1}, // a run of commas is one broken place
		{`[` + strings.Repeat(`{"a":x},`, 3000) + `{"a":2}]`, 1, 3000},
	} {
		// However the bytes come.
		for _, size := range []int{1, 7, 4096} {
			r := d.NewReader(&small{strings.NewReader(c.text), size}, "x")
			good, broken := 0, 0
			for {
				_, err := r.Next()
				if bad, ok := errors.AsType[*RecordError](err); ok {
					broken += int(max(bad.Records, 1))
					if bad.Reason == "" {
						t.Errorf("an error without a reason: %v", bad)
					}
					continue
				}
				if err != nil {
					break
				}
				good++
			}
			if good != c.good || broken != c.broken {
				t.Errorf("%s by %d bytes: %d records and %d broken, want %d and %d", c.text, size, good, broken, c.good, c.broken)
			}
		}
	}
}

// small reads a few bytes at a time.
type small struct {
	r io.Reader
	n int
}

func (s *small) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }
