package schedule_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/schedule"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func scheduled(change func(r *sentinel.Rule)) *sentinel.Rule {
	r := &sentinel.Rule{Rule: rule.Rule{ID: "r", Title: "Title", Severity: yagura.SeverityLow, Tags: []string{}},
		Schedule: &sentinel.Schedule{Every: time.Hour, Period: 2 * time.Hour, Trigger: sentinel.Greater},
		Entities: []sentinel.Entity{{Type: "Account", Fields: []sentinel.EntityField{{Identifier: "Name", Column: "User"}, {Identifier: "UPNSuffix", Column: "Domain"}}}, {Type: "IP", Fields: []sentinel.EntityField{{Identifier: "Address", Column: "IPs"}}}}}
	if change != nil {
		change(r)
	}
	return r
}

func grouped(values ...[]any) *schedule.Rows {
	return &schedule.Rows{Columns: []schedule.Column{{Name: "User", Type: "string"}, {Name: "Domain", Type: "string"}, {Name: "IPs", Type: "dynamic"}, {Name: "n", Type: "long"}, {Name: "EndTime", Type: "datetime"}}, Values: values}
}

func judge(r *sentinel.Rule, rows *schedule.Rows) []yagura.Finding {
	return schedule.Judge(r, schedule.WindowAt(r.Schedule, noon), rows)
}

// TestIdentity: what a late event changes in a row does not change the finding's id; who it is
// about does.
func TestIdentity(t *testing.T) {
	r := scheduled(nil)
	at := noon.Add(-time.Minute)
	first := judge(r, grouped([]any{"alice", "example.com", `["192.0.2.1"]`, int64(3), at}))
	later := judge(r, grouped([]any{"alice", "example.com", `["192.0.2.1"]`, int64(4), at.Add(time.Second)}))
	other := judge(r, grouped([]any{"carol", "example.com", `["192.0.2.1"]`, int64(3), at}))
	if len(first) != 1 || len(later) != 1 || first[0].ID != later[0].ID || first[0].ID == other[0].ID {
		t.Errorf("ids: %v %v %v", first, later, other)
	}
	if first[0].Event.Key == later[0].Event.Key {
		t.Error("rows that differ have one digest: the store would not see that the finding grew")
	}
	next := schedule.Judge(r, schedule.WindowAt(r.Schedule, noon.Add(time.Hour)), grouped([]any{"alice", "example.com", `["192.0.2.1"]`, int64(3), at}))
	if next[0].ID == first[0].ID {
		t.Error("two windows have one finding")
	}
	want := []yagura.Entity{{Type: "user", ID: "alice@example.com"}, {Type: "ip", ID: "192.0.2.1"}}
	if d := cmp.Diff(want, first[0].Entities); d != "" {
		t.Error(d)
	}
	if got := first[0].CauseKey; got != "- r user=alice@example.com" {
		t.Errorf("cause key %q", got)
	}
	if !first[0].Time.Equal(at) {
		t.Errorf("time %v", first[0].Time)
	}
}

// TestOrder: the order of rows, and of what lists hold, does not matter.
func TestOrder(t *testing.T) {
	for _, grouping := range []sentinel.Grouping{sentinel.ByCause, sentinel.Single, sentinel.PerRow} {
		r := scheduled(func(r *sentinel.Rule) { r.Grouping = grouping })
		values := [][]any{
			{"alice", "example.com", `["192.0.2.1","192.0.2.2"]`, int64(1), noon.Add(-time.Hour)},
			{"alice", "example.com", `["192.0.2.1","192.0.2.2"]`, int64(2), noon.Add(-time.Minute)},
			{"carol", "", `[]`, int64(1), nil},
			{"", "", `null`, int64(1), nil},
		}
		want := judge(r, grouped(values...))
		if n := map[sentinel.Grouping]int{sentinel.ByCause: 3, sentinel.Single: 1, sentinel.PerRow: 4}[grouping]; len(want) != n {
			t.Errorf("%q: %d findings, want %d", grouping, len(want), n)
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			mixed := slices.Clone(values)
			rnd.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			for i := range mixed {
				mixed[i] = slices.Clone(mixed[i])
				if mixed[i][2] == `["192.0.2.1","192.0.2.2"]` && rnd.IntN(2) == 0 {
					mixed[i][2] = `["192.0.2.2","192.0.2.1"]`
				}
			}
			if d := cmp.Diff(want, judge(r, grouped(mixed...))); d != "" {
				t.Fatalf("%q: %s", grouping, d)
			}
		}
	}
}

// TestEventRow: a row about one event is one finding, whichever window sees it.
func TestEventRow(t *testing.T) {
	r := scheduled(nil)
	rows := &schedule.Rows{Columns: []schedule.Column{{Name: "TimeGenerated", Type: "datetime"}, {Name: "AwsEventId", Type: "string"}, {Name: "User", Type: "string"}},
		Values: [][]any{{noon.Add(-90 * time.Minute), "e-1", "alice"}}}
	a := judge(r, rows)
	b := schedule.Judge(r, schedule.WindowAt(r.Schedule, noon.Add(-time.Hour)), rows)
	if len(a) != 1 || len(b) != 1 || a[0].ID != b[0].ID {
		t.Errorf("%v %v", a, b)
	}
	if d := cmp.Diff([]string{"e-1"}, a[0].Events); d != "" || a[0].Event.ID != "e-1" {
		t.Error(d, a[0].Event.ID)
	}
}

// TestTrigger: thresholds count rows, and a rule may fire for want of any.
func TestTrigger(t *testing.T) {
	row := []any{"alice", "", `[]`, int64(1), nil}
	for _, c := range []struct {
		op        sentinel.Operator
		threshold int64
		rows      int
		want      int
	}{{sentinel.Greater, 0, 0, 0}, {sentinel.Greater, 0, 1, 1}, {sentinel.Greater, 1, 1, 0}, {sentinel.Less, 1, 0, 1}, {sentinel.Less, 1, 1, 0}, {sentinel.Equal, 2, 2, 1}, {sentinel.NotEqual, 2, 2, 0}} {
		r := scheduled(func(r *sentinel.Rule) { r.Schedule.Trigger, r.Schedule.Threshold = c.op, c.threshold })
		values := make([][]any, c.rows)
		for i := range values {
			values[i] = row
		}
		if got := len(judge(r, grouped(values...))); got != c.want {
			t.Errorf("%s %d of %d rows: %d findings, want %d", c.op, c.threshold, c.rows, got, c.want)
		}
	}
}

// TestHostile: what a log says does not steer a screen or grow without bound.
func TestHostile(t *testing.T) {
	r := scheduled(func(r *sentinel.Rule) {
		r.Alert.Name, r.Alert.Severity = "{{User}} did {{n}} {{Gone}}", "Domain"
	})
	f := judge(r, grouped([]any{"al\x1b[31mice\u202e\n{{n}}", "High", `[`, int64(7), nil}))[0]
	if want := `al\u{1B}[31mice\u{202E} {{n}} did 7 {{Gone}}`; f.Output != want {
		t.Errorf("output %q, want %q", f.Output, want)
	}
	if f.Severity != yagura.SeverityHigh || f.SeverityOriginal != "High" {
		t.Errorf("severity %v (%s)", f.Severity, f.SeverityOriginal)
	}
	long := judge(r, grouped([]any{strings.Repeat("é", 1<<20), "", strings.Repeat("[", 1<<20), int64(7), nil}))[0]
	for _, w := range long.Why {
		if len(w.Actual) > 2000 {
			t.Errorf("%s has %d bytes", w.Field, len(w.Actual))
		}
	}
	if len(long.CauseKey) > 1000 || len(long.Output) > 5000 {
		t.Errorf("cause key of %d, output of %d bytes", len(long.CauseKey), len(long.Output))
	}
}

// TestWindows: windows end at whole multiples, and an event is in as many as look at it.
func TestWindows(t *testing.T) {
	s := &sentinel.Schedule{Every: time.Hour, Period: 3 * time.Hour}
	hours := func(ts []time.Time) (out []int) {
		for _, x := range ts {
			out = append(out, int(x.Sub(noon)/time.Hour))
		}
		return out
	}
	ends, left := schedule.Ends(s, noon, noon.Add(4*time.Hour+time.Minute), 3)
	if d := cmp.Diff([]int{2, 3, 4}, hours(ends)); d != "" || left != 1 {
		t.Error(d, left)
	}
	ends, left = schedule.Ends(s, noon.Add(-time.Nanosecond), noon, 10)
	if d := cmp.Diff([]int{0}, hours(ends)); d != "" || left != 0 {
		t.Error(d, left)
	}
	// [T-3h, T) holds an event at noon for T in (0, 3].
	if d := cmp.Diff([]int{1, 2, 3}, hours(schedule.Touched(s, noon, noon, noon.Add(-24*time.Hour), noon.Add(24*time.Hour)))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{3}, hours(schedule.Touched(s, noon, noon, noon.Add(2*time.Hour), noon.Add(24*time.Hour)))); d != "" {
		t.Error(d)
	}
}
