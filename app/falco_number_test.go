package app

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestFalcoNumbers holds evt.num and evt.reltime against what Falco's plugin counts:
// not broken records, those of Insights, and those without a type or a time; and
// every file for itself, so that other files and workers change nothing.
func TestFalcoNumbers(t *testing.T) {
	t.Chdir(t.TempDir())
	insight := strings.Replace(event(900, 1, "Insight", "eve"), `"AwsApiCall"`, `"AwsCloudTrailInsight"`, 1)
	untyped := strings.Replace(event(901, 12, "Untyped", "eve"), `"eventType":"AwsApiCall",`, "", 1)
	undated := strings.Replace(event(902, 3, "Undated", "eve"), "2026-03-02T00:03:00Z", "yesterday", 1)
	writeFile(t, "a.jsonl", insight, event(1, 10, "A1", "bob"), untyped, `{"eventVersion" 1}`, event(2, 11, "A2", "bob"), undated, event(3, 12, "A3", "bob"))
	writeFile(t, "b.jsonl", event(4, 20, "B1", "bob"), event(5, 21, "B2", "bob"))
	rules := rulesFor(t, `
- rule: numbered
  desc: the number of every record
  condition: evt.num > 0
  output: "%ct.name %evt.num %evt.reltime.s"
  priority: INFO
  source: aws_cloudtrail
`)
	outputs := func(o ScanOptions, paths ...string) []string {
		lines, _, _ := runScan(t, rules, o, paths...)
		var out []string
		for _, l := range lines {
			var f struct{ Output string }
			if err := json.Unmarshal([]byte(l), &f); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(f.Output, "could not be decoded") {
				out = append(out, f.Output)
			}
		}
		return out
	}
	a := []string{"Insight 1 <NA>", "A1 1 0", "Untyped 2 120", "A2 2 60", "Undated 3 <NA>", "A3 3 120"}
	b := []string{"B1 1 0", "B2 2 60"}
	for _, workers := range []int{1, 4} {
		if diff := cmp.Diff(append(a, b...), outputs(ScanOptions{Workers: workers}, "a.jsonl", "b.jsonl")); diff != "" {
			t.Errorf("%d workers: %s", workers, diff)
		}
		if diff := cmp.Diff(append(b, a...), outputs(ScanOptions{Workers: workers}, "b.jsonl", "a.jsonl")); diff != "" {
			t.Errorf("%d workers, the other order: %s", workers, diff)
		}
	}
	late := outputs(ScanOptions{Since: time.Date(2026, 3, 2, 0, 10, 30, 0, time.UTC)}, "a.jsonl")
	if diff := cmp.Diff([]string{"Untyped 2 120", "A2 2 60", "Undated 3 <NA>", "A3 3 120"}, late); diff != "" {
		t.Errorf("with --since: %s", diff)
	}
}
