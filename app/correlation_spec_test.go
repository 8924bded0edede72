package app

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// correlationCase is a correlation over base rules a, b, c and d, which match the
// actions A, B, C and D, and AB matches a and b. Events are written as second, action,
// user, address and value: "10A/alice@192.0.2.1=5". The event numbers are their places.
type correlationCase struct {
	name, correlation, events string
	want                      string // findings: title, events, what was measured; one a line
}

const correlationBases = `title: Rule a
id: 00000000-0000-4000-8000-00000000000a
name: a
logsource: {product: aws, service: cloudtrail}
level: low
detection: {s: {eventName: [A, AB]}, condition: s}
---
title: Rule b
name: b
logsource: {product: aws, service: cloudtrail}
level: low
detection: {s: {eventName: [B, AB]}, condition: s}
---
title: Rule c
name: c
logsource: {product: aws, service: cloudtrail}
level: low
detection: {s: {eventName: C}, condition: s}
---
title: Rule d
logsource: {product: okta, service: okta}
level: low
detection: {s: {eventType: D}, condition: s}
`

var eventForm = regexp.MustCompile(`^(\d+)([A-Z]+)(?:/([^@=]*))?(?:@([^=]*))?(?:=(.*))?$`)

// correlationEvents writes events in the short form as records.
func correlationEvents(t *testing.T, events string) (records []string) {
	t.Helper()
	for i, text := range strings.Fields(events) {
		m := eventForm.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("event %q", text)
		}
		sec, _ := strconv.Atoi(m[1])
		at := fmt.Sprintf("2026-03-%02dT%02d:%02d:%02dZ", 2+sec/86400, sec/3600%24, sec/60%60, sec%60)
		identity, params := `{"type":"IAMUser"}`, `{}`
		if m[3] != "" {
			identity = fmt.Sprintf(`{"type":"IAMUser","userName":%q}`, m[3])
		}
		if m[5] != "" {
			params = `{"v":` + m[5] + `}`
		}
		if m[2] == "D" {
			records = append(records, fmt.Sprintf(`{"uuid":"d-%d","published":%q,"eventType":"D","actor":{"type":"User","alternateId":%q},"outcome":{"result":"SUCCESS"}}`, i+1, at, m[3]))
			continue
		}
		records = append(records, trailRecord(t, i+1, fmt.Sprintf(`"eventTime":%q,"eventName":%q,"userIdentity":%s,"sourceIPAddress":%q,"requestParameters":%s`, at, m[2], identity, m[4], params)))
	}
	return records
}

// shortFinding writes a finding as title, event numbers, group and measures.
func shortFinding(t *testing.T, line string) string {
	t.Helper()
	var f struct {
		Severity string
		Rule     struct{ Title string }
		Events   []string
		Why      []struct{ Field, Op, Value, Actual string }
	}
	if err := json.Unmarshal([]byte(line), &f); err != nil {
		t.Fatal(err)
	}
	s := f.Rule.Title
	if f.Severity != "low" {
		s += " " + f.Severity
	}
	for i, id := range f.Events {
		id = strings.TrimLeft(strings.TrimPrefix(id[max(0, len(id)-12):], "d-"), "0-")
		s += map[bool]string{true: " ", false: ","}[i == 0] + id
	}
	for _, w := range f.Why {
		switch {
		case w.Op == "group-by":
			s += " " + w.Field[strings.LastIndexByte(w.Field, '.')+1:] + "=" + w.Actual
		case strings.Contains(w.Field, "_"):
			s += " " + w.Op + " " + w.Actual
		}
	}
	return s
}

// correlate scans records in some files by some rules and returns the findings.
func correlate(t *testing.T, rules *Rules, workers int, files ...[]string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	var paths []string
	for i, records := range files {
		paths = append(paths, fmt.Sprintf("%d.jsonl", i))
		writeFile(t, paths[i], records...)
	}
	lines, problems, _ := runScan(t, rules, ScanOptions{Workers: workers, RepeatWindow: 100_000}, paths...)
	for _, p := range problems {
		t.Error(p)
	}
	var out []string
	for _, l := range lines {
		if l != "" {
			out = append(out, shortFinding(t, l))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// TestCorrelationSpec runs every kind and corner of correlations from files to
// findings: in the order of the events, backwards, and in files that are cut anywhere.
func TestCorrelationSpec(t *testing.T) {
	for _, c := range correlationCases {
		t.Run(c.name, func(t *testing.T) {
			text := c.correlation
			if !strings.Contains(text, "correlation:") {
				text = "title: X\nlevel: high\ncorrelation:\n  " + strings.ReplaceAll(text, "\n", "\n  ")
			}
			rules := rulesFor(t, text+"\n---\n"+correlationBases)
			records := correlationEvents(t, c.events)
			back := slices.Clone(records)
			slices.Reverse(back)
			third, last := len(records)/3, len(records)-len(records)/3
			want := strings.TrimSpace(c.want)
			for name, got := range map[string]string{
				"in order":  correlate(t, rules, 1, records),
				"backwards": correlate(t, rules, 1, back),
				"cut":       correlate(t, rules, 3, records[last:], records[:third], records[third:last]),
				"twice":     correlate(t, rules, 2, records, back),
			} {
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
		})
	}
}

// TestCorrelationRefused refuses what the specification does not allow, with its
// place, and leaves the base rules speaking.
func TestCorrelationRefused(t *testing.T) {
	for _, c := range []struct{ correlation, want string }{
		{"type: event_count\nrules: [nobody]\ntimespan: 5m\ncondition: {gte: 2}", "nobody"},
		{"type: event_count\nrules: [a]\ntimespan: 5w\ncondition: {gte: 2}", "7d"},
		{"type: event_count\nrules: [a]\ntimespan: 5M\ncondition: {gte: 2}", "30d"},
		{"type: event_count\nrules: [a]\ntimespan: five\ncondition: {gte: 2}", "timespan"},
		{"type: event_count\nrules: [a]\ntimespan: 0s\ncondition: {gte: 2}", "nothing"},
		{"type: event_count\nrules: [a]\ntimeframe: 5m\ncondition: {gte: 2}", "timespan"},
		{"type: event_count\nrules: [a]\ncondition: {gte: 2}", "timespan"},
		{"type: event_count\nrules: [a]\ntimespan: 5m", "condition"},
		{"type: event_count\nrules: [a]\ntimespan: 5m\ncondition: {atleast: 2}", "atleast"},
		{"type: event_count\nrules: [a]\ntimespan: 5m\ncondition: {gte: many}", "many"},
		{"type: event_counts\nrules: [a]\ntimespan: 5m\ncondition: {gte: 2}", "event_count"},
		{"rules: [a]\ntimespan: 5m\ncondition: {gte: 2}", "type"},
		{"type: value_count\nrules: [a]\ntimespan: 5m\ncondition: {gte: 2}", "field"},
		{"type: value_percentile\nrules: [a]\ntimespan: 5m\ncondition: {gte: 2, field: x}", "percentile"},
		{"type: value_percentile\nrules: [a]\ntimespan: 5m\ncondition: {gte: 2, field: x, percentile: 101}", "percentile"},
		{"type: temporal\nrules: [a, b]\ntimespan: 5m\ncondition: not a", "without any event"},
		{"type: temporal\nrules: [a, b]\ntimespan: 5m\ncondition: a and e", "e"},
		{"type: event_count\nrules: [X]\ntimespan: 5m\ncondition: {gte: 2}", "itself"},
		{"type: event_count\nrules: [a]\ngroup-by: [who]\ntimespan: 5m\naliases: {who: {b: x}}\ncondition: {gte: 2}", "who"},
	} {
		name := "rules.yml"
		t.Chdir(t.TempDir())
		writeFile(t, name, "title: X\ncorrelation:\n  "+strings.ReplaceAll(c.correlation, "\n", "\n  ")+"\n---\n"+correlationBases)
		rules, err := LoadRules(RuleOptions{Paths: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		if rules.Refused() != 1 || !strings.Contains(rules.Refusals[0].Error(), c.want) || !strings.HasPrefix(rules.Refusals[0].Error(), "rules.yml:") {
			t.Errorf("%s\n%v", c.correlation, rules.Refusals)
			continue
		}
		if got := correlate(t, rules, 1, correlationEvents(t, "0A/x")); got != "Rule a 1" {
			t.Errorf("%s: %q", c.correlation, got)
		}
	}
}
