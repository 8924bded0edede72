package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

// reference is what encoding/json writes of a finding.
func reference(t *testing.T, f yagura.Finding) string {
	t.Helper()
	f.Rule.Tags, f.Events, f.Entities, f.Why = list(f.Rule.Tags), list(f.Events), list(f.Entities), list(f.Why)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func FuzzAppendFinding(f *testing.F) {
	f.Add("plain", "with \"quotes\" \\ and \x00\x1f\x7f\b\f\n\r\t", "bytes \xff\xc3(\u2028\u2029 日本 \ufffd 🙂 <&>", int64(1_772_442_900_123_456_789), uint8(3))
	f.Add("", "", "", int64(0), uint8(0))
	f.Fuzz(func(t *testing.T, a, b, c string, nanos int64, n uint8) {
		x := yagura.Finding{V: int(n), ID: a, CauseKey: b, Kind: yagura.Kind(c), Rule: yagura.RuleRef{ID: b, Title: c, Engine: yagura.Engine(a), File: c},
			Severity: yagura.Severity(n%5 + 1), SeverityOriginal: a, Format: b, Source: c, Time: time.Unix(0, nanos).UTC(),
			Event:  yagura.EventRef{ID: c, Key: yagura.Key{n, 0xff, 1}, Account: a, Region: b, Action: c, Actor: yagura.Actor{Type: a, ID: b, SessionOf: c}, SrcIP: b, Outcome: a},
			Output: c, Mode: a}
		for i := range n % 4 {
			x.Rule.Tags, x.Events, x.Caps = append(x.Rule.Tags, a), append(x.Events, b), append(x.Caps, c)
			x.Entities = append(x.Entities, yagura.Entity{Type: a, ID: c})
			x.Why = append(x.Why, yagura.Why{Field: a, Op: b, Value: c, Actual: string(rune(i))})
		}
		// What is remembered of a rule must not outlive a change of any part of it.
		rules := ruleTexts{}
		for _, change := range []func(*yagura.Finding){
			func(*yagura.Finding) {},
			func(x *yagura.Finding) { x.Kind += "k" },
			func(x *yagura.Finding) { x.Rule.Title += "t" },
			func(x *yagura.Finding) { x.Rule.Engine += "e" },
			func(x *yagura.Finding) { x.Rule.File += "f" },
			func(x *yagura.Finding) { x.Rule.Tags = append(slices.Clone(x.Rule.Tags), "tag") },
			func(x *yagura.Finding) { x.Severity = x.Severity%5 + 1 },
			func(x *yagura.Finding) { x.SeverityOriginal += "o" },
			func(x *yagura.Finding) { x.Format += "m" },
			func(x *yagura.Finding) { x.Source += "s" },
			func(x *yagura.Finding) { x.Rule.ID += "i" },
			func(x *yagura.Finding) { x.Event.Time = x.Time },
			func(x *yagura.Finding) { x.Retro = true },
		} {
			change(&x)
			got, err := rules.appendFinding(nil, &x)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(reference(t, x), string(got)+"\n"); d != "" {
				t.Error(d)
			}
		}
	})
}

func TestAppendRefusesNoSeverity(t *testing.T) {
	if _, err := (ruleTexts{}).appendFinding(nil, &yagura.Finding{}); err == nil {
		t.Error("a finding without a severity was written")
	}
}

func BenchmarkAppendFinding(b *testing.B) {
	f := finding(1, "Trail stopped", yagura.SeverityHigh)
	var buf []byte
	rules := ruleTexts{}
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = rules.appendFinding(buf[:0], f); err != nil {
			b.Fatal(err)
		}
	}
}
