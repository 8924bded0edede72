package report

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yagura-sec/yagura"
)

// tableOf writes findings as a table with reasons.
func tableOf(t *testing.T, findings []yagura.Finding) string {
	t.Helper()
	var out bytes.Buffer
	w, err := New("table", &out, Options{Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range findings {
		if err := w.Write(Item{Finding: &findings[i]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestTableAnyOrder: findings in another order give the same table.
func TestTableAnyOrder(t *testing.T) {
	day := time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	var findings []yagura.Finding
	for i := range 40 {
		f := yagura.Finding{V: 1, ID: fmt.Sprint("f", i), CauseKey: fmt.Sprint("cause", i%3), Severity: yagura.SeverityHigh,
			Rule: yagura.RuleRef{ID: "r", Title: "Opened"}, Time: day.Add(time.Duration(i/4) * time.Minute), Events: []string{fmt.Sprint("e", i), fmt.Sprint("d", i)},
			Event: yagura.EventRef{Account: "1", Actor: yagura.Actor{Name: fmt.Sprint("user", i)}}, Why: []yagura.Why{{Field: "f", Op: "equals", Value: fmt.Sprint(i)}}}
		if i%10 == 0 {
			f.Time, f.Severity = time.Time{}, yagura.SeverityMedium
		}
		findings = append(findings, f)
	}
	want := tableOf(t, findings)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r.Shuffle(len(findings), func(i, j int) { findings[i], findings[j] = findings[j], findings[i] })
		if diff := cmp.Diff(want, tableOf(t, findings)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestTableResolved: a rule that resolves another has its cause key, and says the
// opposite. Neither is counted in the row of the other, whichever comes first.
func TestTableResolved(t *testing.T) {
	opened := yagura.Finding{V: 1, ID: "a", CauseKey: "repo x", Severity: yagura.SeverityHigh, Rule: yagura.RuleRef{ID: "open", Title: "Made public"}}
	closed := yagura.Finding{V: 1, ID: "b", CauseKey: "repo x", Severity: yagura.SeverityNone, Rule: yagura.RuleRef{ID: "close", Title: "Made private"}, Mode: "count"}
	for _, order := range [][]yagura.Finding{{opened, closed, closed}, {closed, opened, closed}} {
		got := strings.Join(strings.Fields(tableOf(t, order)), " ")
		if want := "SEVERITY RULE COUNT ACCOUNT ACTOR TARGET TIME (UTC) high Made public 1 none Made private [counted only] 2"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestTableJoined: findings of one cause are one row, of the rule whose cause it is where
// another is not worse.
func TestTableJoined(t *testing.T) {
	own := yagura.Finding{V: 1, ID: "z", CauseKey: "1 opened group=g", Severity: yagura.SeverityMedium, Rule: yagura.RuleRef{ID: "opened", Title: "Opened"}}
	general := yagura.Finding{V: 1, ID: "a", CauseKey: "1 opened group=g", Severity: yagura.SeverityMedium, Rule: yagura.RuleRef{ID: "changed", Title: "Changed"}}
	worse := general
	worse.Severity = yagura.SeverityHigh
	for want, findings := range map[string][]yagura.Finding{"medium Opened 2": {general, own}, "high Changed 2": {own, worse}} {
		got := strings.Join(strings.Fields(tableOf(t, findings)), " ")
		if !strings.Contains(got, want) || strings.Count(got, "ed ") != 1 {
			t.Errorf("got %s, want the row %s alone", got, want)
		}
	}
}

// TestTableCount: COUNT is of events, each once, whichever rules found it; a cause that only
// windows know counts these.
func TestTableCount(t *testing.T) {
	of := func(rule string, n byte) yagura.Finding {
		id := fmt.Sprint("e", n)
		return yagura.Finding{V: 1, ID: fmt.Sprint(rule, n), CauseKey: "1 root", Severity: yagura.SeverityHigh, Rule: yagura.RuleRef{ID: rule, Title: "Key created"},
			Time: time.Date(2026, 3, 14, 0, 0, int(n), 0, time.UTC), Event: yagura.EventRef{ID: id, Key: yagura.Key{n}}, Events: []string{id}}
	}
	window := of("many", 2)
	window.Events = []string{"e1", "e2"}
	again := of("many", 3)
	again.Events = []string{"e2", "e3"}
	for _, c := range []struct {
		want     string
		findings []yagura.Finding
	}{
		{"Key created 1 2026-03-14 00:00:01 events e1", []yagura.Finding{of("root", 1), of("key", 1)}},
		{"Key created 2 2026-03-14 00:00:01 – 00:00:02 events e1, e2", []yagura.Finding{of("root", 1), of("key", 1), of("root", 2), of("key", 2)}},
		{"Key created 2 2026-03-14 00:00:01 – 00:00:02 events e1, e2", []yagura.Finding{of("root", 1), of("root", 2), window}},
		{"Key created 2 2026-03-14 00:00:02 – 00:00:03 events e1, e2, e3$", []yagura.Finding{window, again}},
	} {
		if got := strings.Join(strings.Fields(tableOf(t, c.findings)), " "); !strings.Contains(got+"$", c.want) {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
	}
}
