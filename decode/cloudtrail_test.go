package decode

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// TestCloudTrailEmptyErrorCode: a call that went well has no errorCode, or an empty one
// where an export writes every field. Rules see null beside the empty text; what is kept
// is the record as it came.
func TestCloudTrailEmptyErrorCode(t *testing.T) {
	for _, c := range []struct {
		name, member, outcome string
		want                  []string
	}{
		{"absent", ``, yagura.OutcomeSuccess, nil},
		{"empty", `,"errorCode":""`, yagura.OutcomeSuccess, []string{`""`, "null"}},
		{"empty, with its message", `,"errorCode":"","errorMessage":""`, yagura.OutcomeSuccess, []string{`""`, "null"}},
		{"null", `,"errorCode":null`, yagura.OutcomeSuccess, []string{"null"}},
		{"a failure", `,"errorCode":"AccessDenied"`, yagura.OutcomeFailure, []string{`"AccessDenied"`}},
		{"twice", `,"errorCode":"","errorCode":"AccessDenied"`, yagura.OutcomeFailure, []string{`""`, `"AccessDenied"`}},
		{"no text", `,"errorCode":{}`, yagura.OutcomeSuccess, []string{"{}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			record := `{"eventVersion":"1.09","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"` + c.member + `}`
			ids := map[string]slot.ID{}
			dec, err := New(Options{Want: func(format string, b *slot.Builder) {
				ids[format] = b.Slot(slot.Field{Paths: []slot.Path{slot.Keys("errorCode")}})
			}})
			if err != nil {
				t.Fatal(err)
			}
			rec, err := dec.NewReader(strings.NewReader(record), "a").Next()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for v := rec.Doc.First(ids[rec.Format.Name]); v >= 0; v = rec.Doc.Next(v) {
				text := string(rec.Doc.Raw(v))
				if rec.Doc.Kind(v) == slot.String {
					text = `"` + text + `"`
				}
				got = append(got, text)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("errorCode (-want +got):\n%s", d)
			}
			var e yagura.Event
			rec.Format.Header(rec, &e)
			if e.Outcome != c.outcome {
				t.Errorf("outcome %s, want %s", e.Outcome, c.outcome)
			}
			if string(rec.Raw()) != record {
				t.Errorf("kept %s", rec.Raw())
			}
		})
	}
}
