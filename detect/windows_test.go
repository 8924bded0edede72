package detect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// small is an event of a test: names are the base rules that match it.
type small struct {
	key   int
	at    int // seconds
	names string
	group []string
	value []string
}

func (s small) record() string {
	m := map[string]any{"names": strings.Split(s.names, "")}
	if s.group != nil {
		m["g"] = s.group
	}
	if s.value != nil {
		m["v"] = s.value
	}
	b, _ := json.Marshal(m)
	return string(b)
}

func (s small) event() *yagura.Event {
	return &yagura.Event{ID: fmt.Sprint("e", s.key), Key: yagura.Key{byte(s.key >> 8), byte(s.key)}, Format: testFormat,
		Source: "file", Time: time.Unix(int64(s.at), 0).UTC(), Account: "111122223333", Actor: yagura.Actor{Type: "user", ID: "alice"}}
}

// baseRule matches events with a name; its captures are the group and the value.
func baseRule(name string) *rule.Rule {
	r := simple(name, pred(field("names"), query.Eq, name))
	r.Name, r.Silent = name, true
	r.Captures = []query.Field{field("g"), field("v")}
	return r
}

func corr(id string, typ rule.CorrelationType, span int, bases []*rule.Rule, grouped bool, bounds ...rule.Bound) *rule.Rule {
	c := &rule.Correlation{Type: typ, Rules: bases, Timespan: time.Duration(span) * time.Second, Bounds: bounds, Percentile: 75}
	for _, b := range bases {
		c.RuleNames = append(c.RuleNames, b.Name)
		cap := rule.BaseCapture{}
		if grouped {
			cap.Group = []int{0}
		}
		if strings.HasPrefix(string(typ), "value") {
			cap.Values = []int{1}
			c.Fields = []string{"v"}
		}
		c.Base = append(c.Base, cap)
	}
	if grouped {
		c.GroupBy = []string{"g"}
	}
	return &rule.Rule{ID: id, Title: "Title of " + id, Engine: yagura.EngineSigma, File: id + ".yml",
		Severity: yagura.SeverityHigh, SeverityOriginal: "high", Correlation: c}
}

// run judges events in some order with some matchers, and returns the findings as
// JSON, sorted.
func run(t testing.TB, o Options, events []small, workers int, rules ...*rule.Rule) ([]yagura.Finding, Stats) {
	t.Helper()
	s := newStand(t, o, rules...)
	w := s.e.NewWindows()
	defer w.Close()
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			m, doc := s.e.NewMatcher(), s.plan.NewDoc()
			for i := k; i < len(events); i += workers {
				if _, err := s.plan.Scan([]byte(events[i].record()), doc); err != nil {
					t.Error(err)
					return
				}
				ev := events[i].event()
				for _, h := range m.Match(testFormat, doc, query.Meta{}) {
					if err := w.Add(m.Base(h, ev)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	var out []yagura.Finding
	if err := w.Finish(func(f yagura.Finding) error { out = append(out, f); return nil }); err != nil {
		t.Fatal(err)
	}
	return out, w.Stats()
}

func bound(op string, v float64) rule.Bound { return rule.Bound{Op: op, Value: v} }

// brief writes a finding as rule, events and what the bounds saw.
func brief(list []yagura.Finding) []string {
	out := []string{}
	for _, f := range list {
		actual := ""
		for _, w := range f.Why {
			if w.Op == "group-by" {
				actual += " " + w.Field + "=" + w.Actual
			}
			if strings.HasPrefix(w.Field, "value") || strings.HasPrefix(w.Field, "event") {
				actual += " " + w.Op + w.Value + ":" + w.Actual
			}
		}
		ids := slices.Clone(f.Events)
		sort.Strings(ids)
		out = append(out, f.Rule.ID+" "+strings.Join(ids, ",")+actual)
	}
	sort.Strings(out)
	return out
}

func TestWindows(t *testing.T) {
	a, b, c := baseRule("a"), baseRule("b"), baseRule("c")
	ev := func(key, at int, names, group string, values ...string) small {
		return small{key: key, at: at, names: names, group: []string{group}, value: values}
	}
	named := func(name string) query.Expr {
		return &query.Pred{Field: query.Field{Name: name}, Op: query.Exists, Args: []query.Arg{{Bool: true}}}
	}
	abNotC := corr("x", rule.Temporal, 60, []*rule.Rule{a, b, c}, true)
	abNotC.Correlation.Condition = &query.And{X: []query.Expr{named("a"), named("b"), &query.Not{X: named("c")}}}
	cases := []struct {
		name   string
		rule   *rule.Rule
		events []small
		want   []string
	}{
		{"count", corr("x", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 3)),
			[]small{ev(1, 0, "a", "g"), ev(2, 30, "a", "g"), ev(3, 61, "a", "g"), ev(4, 62, "a", "g"), ev(5, 91, "a", "g"), ev(6, 500, "a", "g")},
			[]string{"x e2,e3,e4 g=g gte3:3"}},
		{"window is no longer than its timespan", corr("x", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 3)),
			[]small{ev(1, 0, "a", "g"), ev(2, 30, "a", "g"), ev(3, 61, "a", "g"), ev(4, 92, "a", "g")}, []string{}},
		{"groups apart", corr("x", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 2)),
			[]small{ev(1, 0, "a", "g"), ev(2, 1, "a", "h"), ev(3, 2, "a", "g")}, []string{"x e1,e3 g=g gte2:2"}},
		{"no second finding for the same events", corr("x", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gt", 1)),
			[]small{ev(1, 0, "a", "g"), ev(2, 1, "a", "g"), ev(3, 2, "a", "g"), ev(4, 60, "a", "g"), ev(5, 61, "a", "g"), ev(6, 62, "a", "g")},
			[]string{"x e1,e2,e3,e4 g=g gt1:4", "x e5,e6 g=g gt1:2"}},
		{"repeats count once", corr("x", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 2)),
			[]small{ev(1, 0, "a", "g"), ev(1, 0, "a", "g")}, []string{}},
		{"an event of two base rules counts once", corr("x", rule.EventCount, 60, []*rule.Rule{a, b}, true, bound("gte", 2)),
			[]small{ev(1, 0, "ab", "g")}, []string{}},
		{"no group-by", corr("x", rule.EventCount, 60, []*rule.Rule{a}, false, bound("gte", 2)),
			[]small{ev(1, 0, "a", "g"), ev(2, 1, "a", "h")}, []string{"x e1,e2 gte2:2"}},
		{"lt at the end", corr("x", rule.EventCount, 60, []*rule.Rule{a}, true, bound("lt", 3)),
			[]small{ev(1, 0, "a", "g"), ev(2, 1, "a", "g"), ev(3, 2, "a", "g"), ev(4, 100, "a", "g")}, []string{"x e4 g=g lt3:1"}},
		{"eq", corr("x", rule.EventCount, 60, []*rule.Rule{a}, true, bound("eq", 2)),
			[]small{ev(1, 0, "a", "g"), ev(2, 1, "a", "g"), ev(3, 100, "a", "g")}, []string{"x e1,e2 g=g eq2:2"}},
		{"range", corr("x", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 2), bound("lte", 3)),
			[]small{ev(1, 0, "a", "g"), ev(2, 1, "a", "g"), ev(3, 2, "a", "g"), ev(4, 3, "a", "g"), ev(5, 100, "a", "g"), ev(6, 101, "a", "g")},
			[]string{"x e5,e6 g=g gte2:2 lte3:2"}},
		{"value count", corr("x", rule.ValueCount, 60, []*rule.Rule{a}, true, bound("gte", 3)),
			[]small{ev(1, 0, "a", "g", "u"), ev(2, 1, "a", "g", "u"), ev(3, 2, "a", "g", "v"), ev(4, 3, "a", "g", "w"), ev(5, 4, "a", "g", "w")},
			[]string{"x e1,e2,e3,e4,e5 g=g gte3:3"}},
		{"value count slides", corr("x", rule.ValueCount, 60, []*rule.Rule{a}, true, bound("gte", 2)),
			[]small{ev(1, 0, "a", "g", "u"), ev(2, 61, "a", "g", "v"), ev(3, 121, "a", "g", "u")}, []string{"x e2,e3 g=g gte2:2"}},
		{"sum", corr("x", rule.ValueSum, 60, []*rule.Rule{a}, true, bound("gte", 1)),
			[]small{ev(1, 0, "a", "g", "0.1", "0.2"), ev(2, 1, "a", "g", "0.3"), ev(3, 2, "a", "g", "0.4")}, []string{"x e1,e2,e3 g=g gte1:1"}},
		{"sum after a negative number", corr("x", rule.ValueSum, 60, []*rule.Rule{a}, true, bound("gt", 10)),
			[]small{ev(1, 0, "a", "g", "-50"), ev(2, 1, "a", "g", "30"), ev(3, 100, "a", "g", "-50"), ev(4, 130, "a", "g", "9"), ev(5, 150, "a", "g", "4"), ev(6, 300, "a", "g", "1")},
			[]string{"x e2 g=g gt10:30", "x e4,e5 g=g gt10:13"}},
		{"sum after a negative number, at the end", corr("x", rule.ValueSum, 60, []*rule.Rule{a}, true, bound("gte", -1)),
			[]small{ev(1, 0, "a", "g", "-50"), ev(2, 1, "a", "g", "-2"), ev(3, 2, "a", "g", "1")}, []string{"x e2,e3 g=g gte-1:-1"}},
		{"average", corr("x", rule.ValueAvg, 60, []*rule.Rule{a}, true, bound("gt", 2)),
			[]small{ev(1, 0, "a", "g", "4"), ev(2, 1, "a", "g", "1"), ev(3, 100, "a", "g", "1"), ev(4, 101, "a", "g", "1")}, []string{"x e1,e2 g=g gt2:2.5"}},
		{"median", corr("x", rule.ValueMedian, 60, []*rule.Rule{a}, true, bound("eq", 5)),
			[]small{ev(1, 0, "a", "g", "9"), ev(2, 1, "a", "g", "1"), ev(3, 2, "a", "g", "5")}, []string{"x e1,e2,e3 g=g eq5:5"}},
		{"percentile", corr("x", rule.ValuePercentile, 60, []*rule.Rule{a}, true, bound("gte", 4)),
			[]small{ev(1, 0, "a", "g", "1"), ev(2, 1, "a", "g", "2"), ev(3, 2, "a", "g", "3"), ev(4, 3, "a", "g", "4"), ev(5, 4, "a", "g", "5")},
			[]string{"x e1,e2,e3,e4,e5 g=g gte4:4"}},
		{"temporal", corr("x", rule.Temporal, 60, []*rule.Rule{a, b, c}, true),
			[]small{ev(1, 0, "c", "g"), ev(2, 10, "a", "g"), ev(3, 60, "b", "g"), ev(4, 100, "a", "h")}, []string{"x e1,e2,e3 g=g"}},
		{"temporal too far", corr("x", rule.Temporal, 60, []*rule.Rule{a, b, c}, true),
			[]small{ev(1, 0, "c", "g"), ev(2, 10, "a", "g"), ev(3, 61, "b", "g")}, []string{}},
		{"ordered", corr("x", rule.TemporalOrdered, 60, []*rule.Rule{a, b, c}, true),
			[]small{ev(1, 0, "a", "g"), ev(2, 10, "b", "g"), ev(3, 20, "c", "g")}, []string{"x e1,e2,e3 g=g"}},
		{"ordered wrong at the end", corr("x", rule.TemporalOrdered, 60, []*rule.Rule{a, b, c}, true),
			[]small{ev(1, 0, "a", "g"), ev(2, 10, "c", "g"), ev(3, 20, "b", "g")}, []string{}},
		{"ordered same second", corr("x", rule.TemporalOrdered, 60, []*rule.Rule{a, b}, true),
			[]small{ev(2, 5, "a", "g"), ev(1, 5, "b", "g")}, []string{"x e1,e2 g=g"}},
		{"ordered with more between", corr("x", rule.TemporalOrdered, 60, []*rule.Rule{a, b}, true),
			[]small{ev(1, 0, "b", "g"), ev(2, 30, "a", "g"), ev(3, 90, "b", "g")}, []string{"x e2,e3 g=g"}},
		{"not", abNotC, []small{ev(1, 0, "a", "g"), ev(2, 50, "a", "g"), ev(3, 65, "b", "g")}, []string{"x e2,e3 g=g"}},
		{"not, before", abNotC, []small{ev(1, 0, "c", "g"), ev(2, 10, "a", "g"), ev(3, 20, "b", "g")}, []string{}},
		{"not, after", abNotC, []small{ev(1, 0, "a", "g"), ev(2, 10, "b", "g"), ev(3, 60, "c", "g")}, []string{}},
		{"not, far before", abNotC, []small{ev(1, 0, "c", "g"), ev(2, 50, "a", "g"), ev(3, 61, "b", "g")}, []string{"x e2,e3 g=g"}},
		{"two groups of one event", corr("x", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 2)),
			[]small{{key: 1, at: 0, names: "a", group: []string{"g", "h"}}, ev(2, 1, "a", "h")}, []string{"x e1,e2 g=h gte2:2"}},
	}
	for _, x := range cases {
		got, _ := run(t, Options{}, x.events, 1, x.rule)
		if diff := cmp.Diff(x.want, brief(got)); diff != "" {
			t.Errorf("%s: %s", x.name, diff)
		}
		for _, f := range got {
			if d := f.Time.Sub(x.events[0].event().Time); f.Time.IsZero() || d < 0 || len(f.ID) != 32 || f.CauseKey == "" || f.Output == "" {
				t.Errorf("%s: %+v", x.name, f)
			}
		}
	}
	_, st := run(t, Options{}, []small{{key: 1, names: "a"}, {key: 2, at: -1 << 40, names: "a", group: []string{"g"}}}, 1, cases[0].rule)
	if st.NoGroup != 1 || st.NoTime != 1 || st.Matches != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestChain(t *testing.T) {
	a, b := baseRule("a"), baseRule("b")
	many := corr("many", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 2))
	many.Silent, many.Name = true, "many"
	then := corr("then", rule.TemporalOrdered, 300, []*rule.Rule{many, b}, true)
	var events []small
	for i, at := range []int{0, 1, 2, 200} {
		name := "a"
		if i == 3 {
			name = "b"
		}
		events = append(events, small{key: i + 1, at: at, names: name, group: []string{"g"}})
	}
	got, _ := run(t, Options{}, events, 1, then, many)
	want := []string{"then e1,e2,e3,e4 g=g"}
	if diff := cmp.Diff(want, brief(got)); diff != "" {
		t.Error(diff)
	}
	many.Silent = false
	got, _ = run(t, Options{}, events, 1, then, many)
	if diff := cmp.Diff([]string{"many e1,e2,e3 g=g gte2:3", want[0]}, brief(got)); diff != "" {
		t.Error(diff)
	}
}

func TestCaps(t *testing.T) {
	a := baseRule("a")
	r := corr("x", rule.EventCount, 3600, []*rule.Rule{a}, true, bound("gte", 5))
	var events []small
	for i := range 2000 {
		events = append(events, small{key: i, at: i, names: "a", group: []string{"g"}})
	}
	got, _ := run(t, Options{Windows: WindowOptions{MaxEvents: 100}}, events, 2, r)
	if len(got) != 1 || len(got[0].Events) != 100 || len(got[0].Caps) != 1 || got[0].Caps[0] != "events: the first 100 of 2000 are named" {
		t.Errorf("%d findings, caps %v", len(got), got[0].Caps)
	}
	v := corr("x", rule.ValueCount, 3600, []*rule.Rule{a}, true, bound("gte", 2))
	for i := range events {
		events[i].value = []string{"same"}
	}
	events[1999].value = []string{"other"}
	got, st := run(t, Options{Windows: WindowOptions{MaxWindow: 50, MaxEvents: 3000}}, events, 2, v)
	if len(got) != 1 || len(got[0].Caps) != 0 || len(got[0].Events) != 2000 || st.Trimmed != 0 {
		t.Errorf("%d findings, stats %+v", len(got), st)
	}
}

// reference finds the windows of one correlation by its definition, trying every
// start.
func reference(c *rule.Correlation, id string, events []small) []string {
	groups := map[string][]small{}
	seen := map[int]bool{}
	for _, e := range events {
		if seen[e.key] {
			continue
		}
		seen[e.key] = true
		matches := false
		for _, n := range c.RuleNames {
			matches = matches || strings.Contains(e.names, n)
		}
		if !matches || len(c.Fields) > 0 && e.value == nil {
			continue
		}
		if c.GroupBy == nil {
			groups[""] = append(groups[""], e)
			continue
		}
		for _, g := range e.group {
			groups[g] = append(groups[g], e)
		}
	}
	lower := true
	for _, b := range c.Bounds {
		lower = lower && (b.Op == "gt" || b.Op == "gte")
	}
	var out []string
	for g, list := range groups {
		sort.Slice(list, func(i, j int) bool {
			if list[i].at != list[j].at {
				return list[i].at < list[j].at
			}
			return list[i].key < list[j].key
		})
		span := int(c.Timespan / time.Second)
		for i := 0; i < len(list); {
			j := i
			for j < len(list) && list[j].at-list[i].at <= span {
				j++
			}
			win := list[i:j]
			held, actual := measureWindow(c, win)
			if c.Type == rule.TemporalOrdered {
				// A window starts when the first rule matches.
				held = held && slices.ContainsFunc(win, func(e small) bool { return e.at == win[0].at && strings.Contains(e.names, c.RuleNames[0]) })
			}
			if !held {
				if lower {
					i++
				} else {
					i = j
				}
				continue
			}
			var ids []string
			for _, e := range win {
				ids = append(ids, fmt.Sprint("e", e.key))
			}
			sort.Strings(ids)
			s := id + " " + strings.Join(ids, ",")
			if c.GroupBy != nil {
				s += " g=" + g
			}
			for _, b := range c.Bounds {
				s += " " + b.Op + float(b.Value) + ":" + float(actual)
			}
			out = append(out, s)
			i = j
		}
	}
	sort.Strings(out)
	return out
}

func measureWindow(c *rule.Correlation, win []small) (bool, float64) {
	var v float64
	switch c.Type {
	case rule.EventCount:
		v = float64(len(win))
	case rule.ValueCount:
		set := map[string]bool{}
		for _, e := range win {
			for _, x := range e.value {
				set[x] = true
			}
		}
		v = float64(len(set))
	case rule.ValueSum, rule.ValueAvg:
		n := 0
		for _, e := range win {
			for _, x := range e.value {
				f, _ := strconv.ParseFloat(x, 64)
				v += f
				n++
			}
		}
		if c.Type == rule.ValueAvg {
			v /= float64(n)
		}
	case rule.Temporal:
		for _, n := range c.RuleNames {
			if !slices.ContainsFunc(win, func(e small) bool { return strings.Contains(e.names, n) }) {
				return false, 0
			}
		}
		return true, 0
	case rule.TemporalOrdered:
		// Try all choices: from is the earliest time at which the next rule may match.
		from := win[0].at
		for _, n := range c.RuleNames {
			k := slices.IndexFunc(win, func(e small) bool { return e.at >= from && strings.Contains(e.names, n) })
			if k < 0 {
				return false, 0
			}
			from = win[k].at
		}
		return true, 0
	}
	for _, b := range c.Bounds {
		ok := map[string]bool{"gt": v > b.Value, "gte": v >= b.Value, "lt": v < b.Value, "lte": v <= b.Value, "eq": v == b.Value, "neq": v != b.Value}[b.Op]
		if !ok {
			return false, v
		}
	}
	return true, v
}

// TestWindowsReference compares random streams with the reference, in several
// orders, with repeats, with spilling, and with 1 to 8 workers.
func TestWindowsReference(t *testing.T) {
	a, b, c := baseRule("a"), baseRule("b"), baseRule("c")
	bases := []*rule.Rule{a, b, c}
	for seed := range long(8, 200) {
		g := rand.New(rand.NewPCG(seed, 7))
		rules := []*rule.Rule{
			corr("count", rule.EventCount, 1+g.IntN(60), bases[:1+g.IntN(3)], true, bound("gte", float64(1+g.IntN(6)))),
			corr("below", rule.EventCount, 1+g.IntN(60), bases[:1+g.IntN(3)], true, bound([]string{"lt", "lte", "eq", "neq"}[g.IntN(4)], float64(1+g.IntN(6)))),
			corr("global", rule.EventCount, 1+g.IntN(30), bases[1:], false, bound("gt", float64(1+g.IntN(9)))),
			corr("values", rule.ValueCount, 1+g.IntN(60), bases[:1+g.IntN(3)], true, bound("gte", float64(1+g.IntN(4)))),
			corr("sum", rule.ValueSum, 1+g.IntN(60), bases[:1], true, bound("gte", float64(1+g.IntN(12)))),
			corr("avg", rule.ValueAvg, 1+g.IntN(60), bases[:1], true, bound("lte", float64(1+g.IntN(4)))),
			corr("all", rule.Temporal, 1+g.IntN(60), bases[:2+g.IntN(2)], true),
			corr("order", rule.TemporalOrdered, 1+g.IntN(60), bases[:2+g.IntN(2)], true),
		}
		var events []small
		for i := range 20 + g.IntN(200) {
			e := small{key: i, at: g.IntN(400), names: []string{"a", "b", "c", "ab", "bc", "d"}[g.IntN(6)], group: []string{string(rune('p' + g.IntN(3)))}}
			if g.IntN(5) > 0 {
				e.value = []string{fmt.Sprint(g.IntN(5))}
			}
			if g.IntN(10) == 0 {
				e.group = append(e.group, "q\x00")
			}
			events = append(events, e)
			for g.IntN(8) == 0 {
				events = append(events, e)
			}
		}
		want := []string{}
		for _, r := range rules {
			uniq := events
			want = append(want, reference(r.Correlation, r.ID, dedupeGroups(uniq))...)
		}
		sort.Strings(want)
		var first []byte
		for workers := 1; workers <= 8; workers++ {
			o := Options{}
			if workers%2 == 0 {
				o.Windows = WindowOptions{SpillDir: t.TempDir(), SpillBytes: int64(200 + 300*workers)}
			}
			got, st := run(t, o, events, workers, rules...)
			if diff := cmp.Diff(want, brief(got)); diff != "" {
				t.Fatalf("seed %d, %d workers: %s", seed, workers, diff)
			}
			if workers%2 == 0 && st.Spilled == 0 {
				t.Fatalf("seed %d: nothing was spilled", seed)
			}
			enc, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = enc
			} else if !bytes.Equal(first, enc) {
				t.Fatalf("seed %d, %d workers: other findings\n%s\n%s", seed, workers, first, enc)
			}
			ids := map[string]bool{}
			for _, f := range got {
				if ids[f.ID] {
					t.Fatalf("seed %d: id %s twice", seed, f.ID)
				}
				ids[f.ID] = true
			}
			g.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		}
	}
}

// dedupeGroups leaves out that a record names a group twice.
func dedupeGroups(events []small) []small {
	out := slices.Clone(events)
	for i := range out {
		g := slices.Clone(out[i].group)
		slices.Sort(g)
		out[i].group = slices.Compact(g)
	}
	return out
}

// BenchmarkWindows measures a million base matches of ten thousand groups, from
// taking them in to the findings.
func BenchmarkWindows(b *testing.B) {
	const n = 1_000_000
	r := corr("x", rule.EventCount, 600, []*rule.Rule{baseRule("a")}, true, bound("gte", 5))
	e, err := New([]*rule.Rule{r}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		g := rand.New(rand.NewPCG(1, 1))
		w := e.NewWindows()
		ev := small{}.event()
		found := 0
		for i := range n {
			ev.Key = yagura.Key{byte(i), byte(i >> 8), byte(i >> 16)}
			at := int64(g.IntN(86400)) * 1e9
			rec := encodeKey(nil, feed{}, appendPart(nil, fmt.Append(nil, g.IntN(10_000))), at, ev.Key)
			if err := w.Add(&BaseMatch{records: [][]byte{encodeHead(append(rec, 0), ev)}}); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Finish(func(yagura.Finding) error { found++; return nil }); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(w.Stats().Spilled)/1e6, "spilledMB")
		b.ReportMetric(float64(found), "findings")
		w.Close()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "matches/s")
}

// TestFormerKeysOfWindows: those of a window too, but for templates of another group.
func TestFormerKeysOfWindows(t *testing.T) {
	x := corr("x", rule.EventCount, 60, []*rule.Rule{baseRule("a")}, true, bound("gte", 2))
	x.SideCar.CauseKey = []string{"who=" + x.Correlation.GroupBy[0]}
	x.SideCar.FormerCauseKeys = [][]string{nil, {"other"}, {"region", x.Correlation.GroupBy[0]}}
	got, _ := run(t, Options{}, []small{{key: 1, names: "a", group: []string{"g"}}, {key: 2, at: 1, names: "a", group: []string{"g"}}}, 1, x)
	if len(got) != 1 || len(got[0].FormerKeys) != 2 || !strings.HasSuffix(got[0].CauseKey, " who=g") ||
		!strings.HasSuffix(got[0].FormerKeys[0], " "+x.Correlation.GroupBy[0]+"=g") || !strings.Contains(got[0].FormerKeys[1], " region=") {
		t.Errorf("%+v", got)
	}
}
