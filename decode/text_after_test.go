package decode

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestTextAfter: a later part of a text is read with the names at its start, which are told
// apart from lines.
func TestTextAfter(t *testing.T) {
	for _, c := range []struct{ name, head, part, format, holds string }{
		{"flow log", "srcaddr dstaddr action log-status\n192.0.2.1 192.0.2.2 ACCEPT OK\n", "192.0.2.3 192.0.2.4 REJECT OK\n", "aws.vpcflow", `"action":"REJECT"`},
		{"W3C", "#Version: 1.0\n#Fields: date c-ip cs-method x-edge-location\n", "2024-03-05\t192.0.2.3\tGET\tFRA\n", "aws.cloudfront", `"cs-method":"GET"`},
		{"table", "TimeGenerated,user,action\n2024-03-05T10:00:00Z,a,b\n", "2024-03-05T10:00:01Z,alice,login\n", "json", `"user":"alice"`},
		{"a header that is cut", "time,user,act", "2024-03-05T10:00:01Z,alice,login\n", "", ""},
		{"JSON", `{"a":1}` + "\n", `{"eventName":1}` + "\n", "json", `"eventName":1`},
		{"text behind JSON lines", "time,user,action\n1,2,3\n", `{"user":"alice"}` + "\n", "json", `"user":"alice"`},
	} {
		r := standard().NewReader(strings.NewReader(c.part), "x")
		r.After([]byte(c.head))
		rec, err := r.Next()
		if c.format == "" {
			if err == nil {
				t.Errorf("%s: a record without names: %s", c.name, rec.Doc.Record())
			}
			r.Close()
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if raw := string(rec.Doc.Record()); rec.Format.Name != c.format || !strings.Contains(raw, c.holds) || rec.Offset != 0 {
			t.Errorf("%s: %s at %d: %s", c.name, rec.Format.Name, rec.Offset, raw)
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: then %v", c.name, err)
		}
	}
}
