package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/ocsf/ocsftest"
)

// TestOCSFGoldens holds what the goldens of OCSF say to the schema.
func TestOCSFGoldens(t *testing.T) {
	schema := ocsftest.Load()
	for _, name := range []string{"findings.ocsf.jsonl", "events.ocsf.jsonl"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			for _, wrong := range schema.Check(line) {
				t.Errorf("%s: %s\n%s", name, wrong, line)
			}
		}
	}
}

// TestOCSFExtremes: a finding of which little is known, or whose texts are hostile, is valid
// too.
func TestOCSFExtremes(t *testing.T) {
	schema := ocsftest.Load()
	odd := finding(1, "T", yagura.SeverityHigh)
	odd.Format, odd.Event.SrcIP = "json", "nowhere\x00\xff"
	odd.Event.Actor = yagura.Actor{SessionOf: "role"}
	odd.Entities = []yagura.Entity{{Type: "", ID: "x"}, {Type: "ip", ID: "not an address"}, {Type: "key", ID: "AKIA"}, {Type: "ip", ID: ""}}
	odd.Rule.Tags = []string{"attack.t1078", "attack.T1078.004", "attack.t1", "attack.tx078"}
	odd.Time = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, f := range []*yagura.Finding{{}, odd, {Rule: yagura.RuleRef{ID: "r"}, Severity: 9, Events: []string{""}, Event: yagura.EventRef{Account: "1", Action: "a"}, Format: "aws.x"}} {
		line := strings.TrimSuffix(render(t, "ocsf", Options{Account: func(string) string { return "prod" }}, Item{Finding: f, Offset: -1}), "\n")
		if wrong := schema.Check([]byte(line)); wrong != nil || strings.Contains(line, "\n") {
			t.Errorf("%v\n%s", wrong, line)
		}
	}
}
