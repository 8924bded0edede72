package detect

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// TestQueue compares a queue with a slice, with next to no memory of its own.
func TestQueue(t *testing.T) {
	e, err := New([]*rule.Rule{corr("x", rule.EventCount, 60, []*rule.Rule{baseRule("a")}, false, bound("gte", 3))}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for seed := range long(20, 400) {
		g := rand.New(rand.NewPCG(seed, 5))
		q := &queue{dir: dir, limit: int64(1 + g.IntN(3000)), corrs: e.corrs}
		var want []int64
		next := int64(0)
		for range 600 {
			switch k := g.IntN(40); {
			case k < 22:
				rec := encodeHead(append(encodeKey(nil, feed{}, nil, next, yagura.Key{1}), 0), small{key: int(next)}.event())
				r := &record{}
				if err := decodeRecord(rec, e.corrs, r); err != nil {
					t.Fatal(err)
				}
				if err := q.push(r); err != nil {
					t.Fatal(err)
				}
				want = append(want, next)
				next++
			case k < 36 && len(want) > 0:
				r, err := q.first()
				if err != nil || r.time != want[0] {
					t.Fatalf("seed %d: first %+v, %v, want %d", seed, r, err, want[0])
				}
				q.pop()
				want = want[1:]
			case k < 38:
				at := next - 1 - int64(g.IntN(30))
				r, err := q.find(func(r *record) bool { return r.time >= at })
				i := slices.IndexFunc(want, func(n int64) bool { return n >= at })
				if err != nil || (r == nil) != (i < 0) || r != nil && r.time != want[i] {
					t.Fatalf("seed %d: found %+v, %v", seed, r, err)
				}
			case k < 39:
				got := []int64{}
				if err := q.drain(func(r *record) error { got = append(got, r.time); return nil }); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(append([]int64{}, want...), got); diff != "" {
					t.Fatalf("seed %d: %s", seed, diff)
				}
				want = nil
			case g.IntN(4) == 0:
				q.reset()
				want = nil
			}
			if got := len(q.front) + q.onDisk + len(q.back); got != len(want) {
				t.Fatalf("seed %d: %d base matches, want %d", seed, got, len(want))
			}
		}
		if err := q.close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

// TestTemporaryFileHasNoName: where a file may be without a name, none is left behind by a
// process that is killed.
func TestTemporaryFileHasNoName(t *testing.T) {
	dir := t.TempDir()
	f, err := createTemp(dir)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || runtime.GOOS != "windows" && len(names) > 0 {
		t.Errorf("%v, %v", names, err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Error(err)
	}
	if err := f.close(); err != nil {
		t.Error(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("%v, %v", names, err)
	}
}

// TestLongWindows: what a window is made of is not bounded by memory, so no sum, count or
// order is missed in a window of very many base matches.
func TestLongWindows(t *testing.T) {
	a, b := baseRule("a"), baseRule("b")
	const n = 1000
	var events []small
	for i := range n {
		events = append(events, small{key: i, at: i, names: "a", group: []string{"g"}, value: []string{"1"}})
	}
	events = append(events, small{key: n, at: n, names: "b", group: []string{"g"}})
	o := WindowOptions{MaxWindow: 10, MaxEvents: 2 * n, SpillDir: t.TempDir(), SpillBytes: 4000}
	for _, r := range []*rule.Rule{
		corr("sum", rule.ValueSum, 3600, []*rule.Rule{a}, true, bound("gte", n)),
		corr("sum in a range", rule.ValueSum, 3600, []*rule.Rule{a}, true, bound("gte", n), bound("lte", n)),
		corr("average", rule.ValueAvg, 3600, []*rule.Rule{a}, true, bound("gte", 1)),
		corr("count", rule.EventCount, 3600, []*rule.Rule{a}, true, bound("gte", n)),
		corr("temporal", rule.Temporal, 3600, []*rule.Rule{a, b}, true),
		corr("ordered", rule.TemporalOrdered, 3600, []*rule.Rule{a, b}, true),
	} {
		got, st := run(t, Options{Windows: o}, events, 1, r)
		if len(got) != 1 || len(got[0].Events) < n || len(got[0].Caps) > 0 || st.Trimmed > 0 || st.Spilled == 0 {
			t.Errorf("%s: %d findings, %+v", r.ID, len(got), st)
		}
	}
	// The many equal values of the beginning do not hide the different ones of the end.
	for i := n / 2; i < n; i++ {
		events[i].value = []string{fmt.Sprint(i)}
	}
	if got, _ := run(t, Options{Windows: o}, events, 1, corr("x", rule.ValueCount, 3600, []*rule.Rule{a}, true, bound("lt", 5))); len(got) > 0 {
		t.Errorf("%d findings of few values", len(got))
	}
}

// TestManyExcluded: a condition that never holds costs no more than one that does,
// however many base matches are near one another.
func TestManyExcluded(t *testing.T) {
	r := condition(corr("x", rule.Temporal, 86400, []*rule.Rule{baseRule("a"), baseRule("b"), baseRule("c")}, false), "a and b and not c")
	e, err := New([]*rule.Rule{r}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := e.NewWindows()
	defer w.Close()
	// With a look at each pair of them this would be 10^11 steps.
	for i := range 300_000 {
		rec := encodeKey(nil, feed{base: i % 2 * 2}, nil, int64(i), yagura.Key{})
		if err := w.Add(&BaseMatch{records: [][]byte{encodeHead(append(rec, 0), &yagura.Event{})}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(func(yagura.Finding) error { t.Error("a finding"); return nil }); err != nil {
		t.Fatal(err)
	}
}

// condition gives a temporal correlation a condition of names, and, or and not (of one
// name), in which and binds closer.
func condition(r *rule.Rule, text string) *rule.Rule {
	named := func(name string) query.Expr {
		return &query.Pred{Field: query.Field{Name: name}, Op: query.Exists, Args: []query.Arg{{Bool: true}}}
	}
	var or query.Or
	for part := range strings.SplitSeq(text, " or ") {
		var and query.And
		for name := range strings.SplitSeq(part, " and ") {
			if rest, ok := strings.CutPrefix(name, "not "); ok {
				and.X = append(and.X, &query.Not{X: named(rest)})
			} else {
				and.X = append(and.X, named(name))
			}
		}
		or.X = append(or.X, &and)
	}
	r.Correlation.Condition = &or
	return r
}

// absent finds the windows of a condition with a Not by their definition.
func absent(text string, ordered bool, span int, events []small) (out []string) {
	var may, not []small
	positive := func(name string) bool {
		return slices.Contains(strings.Fields(strings.ReplaceAll(text, "not ", "not-")), name)
	}
	for _, e := range events {
		for name := range strings.SplitSeq(e.names, "") {
			x := e
			x.names = name
			if positive(name) {
				may = append(may, x)
			} else {
				not = append(not, x)
			}
		}
	}
	sort.SliceStable(may, func(i, j int) bool { return may[i].at < may[j].at })
	for i := 0; i < len(may); {
		start, j := may[i].at, i
		for j < len(may) && may[j].at-start <= span {
			j++
		}
		win := may[i:j]
		last := win[len(win)-1].at
		there := func(name string) bool {
			return slices.ContainsFunc(win, func(e small) bool { return e.names == name }) ||
				slices.ContainsFunc(not, func(e small) bool { return e.names == name && e.at >= last-span && e.at <= start+span })
		}
		holds := false
		for part := range strings.SplitSeq(text, " or ") {
			all := true
			for name := range strings.SplitSeq(part, " and ") {
				rest, no := strings.CutPrefix(name, "not ")
				all = all && there(rest) != no
			}
			holds = holds || all
		}
		if ordered && holds {
			from, first := start, true
			for _, name := range []string{"a", "b", "c"} {
				if !slices.ContainsFunc(win, func(e small) bool { return e.names == name }) {
					continue
				}
				k := slices.IndexFunc(win, func(e small) bool { return e.names == name && e.at >= from })
				if k < 0 || first && win[k].at != start {
					holds = false
					break
				}
				from, first = win[k].at, false
			}
		}
		if !holds {
			for i < len(may) && may[i].at == start {
				i++
			}
			continue
		}
		var ids []string
		for _, e := range win {
			ids = append(ids, fmt.Sprint("e", e.key))
		}
		sort.Strings(ids)
		out = append(out, "x "+strings.Join(slices.Compact(ids), ","))
		i = j
	}
	sort.Strings(out)
	return out
}

// TestAbsenceReference compares conditions with a Not with their definition, on random
// events at clumped times.
func TestAbsenceReference(t *testing.T) {
	bases := []*rule.Rule{baseRule("a"), baseRule("b"), baseRule("c")}
	found := 0
	for seed := range long(60, 2000) {
		g := rand.New(rand.NewPCG(seed, 3))
		text := []string{"a and not b", "a and b and not c", "a and c and not b", "b and c and not a", "a and not b or b and not c", "c and not a", "a or b"}[g.IntN(7)]
		ordered := g.IntN(2) == 0
		typ := rule.Temporal
		if ordered {
			typ = rule.TemporalOrdered
		} else if text == "a or b" {
			continue // slides
		}
		span := 1 + g.IntN(20)
		var events []small
		for i := range 3 + g.IntN(60) {
			events = append(events, small{key: i, at: g.IntN(1 + g.IntN(300)), names: []string{"a", "a", "b", "b", "c", "ab", "bc", "abc"}[g.IntN(8)]})
		}
		want := absent(text, ordered, span, events)
		found += len(want)
		for k, o := range []WindowOptions{{}, {SpillDir: t.TempDir(), SpillBytes: int64(200 + g.IntN(4000))}} {
			got, _ := run(t, Options{Windows: o}, events, 1+k, condition(corr("x", typ, span, bases, false), text))
			if diff := cmp.Diff(append([]string{}, want...), brief(got)); diff != "" {
				t.Fatalf("seed %d, %s, ordered %v, span %d: %s", seed, text, ordered, span, diff)
			}
		}
	}
	if found < 50 {
		t.Errorf("%d findings: the test says nothing", found)
	}
}

// TestTimesFarApart: events at the ends of what a clock may say are not near each other.
func TestTimesFarApart(t *testing.T) {
	at := func(year int) int { return int(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix()) }
	a, b := baseRule("a"), baseRule("b")
	events := []small{{key: 1, at: at(1700), names: "a"}, {key: 2, at: at(2250), names: "a"}, {key: 3, at: at(2189), names: "a"}, {key: 4, at: at(1901), names: "b"}}
	got, st := run(t, Options{}, events, 1, corr("x", rule.EventCount, 60, []*rule.Rule{a, b}, false, bound("gte", 2)),
		corr("y", rule.Temporal, 60, []*rule.Rule{a, b}, false), corr("z", rule.EventCount, 60, []*rule.Rule{a, b}, false, bound("eq", 2)))
	if len(got) > 0 || st.NoTime != 2 {
		t.Errorf("%v, %+v", brief(got), st)
	}
}

// TestManyValuesOfOneEvent: a list of many values is measured whole, and what is beyond
// the bound is counted.
func TestManyValuesOfOneEvent(t *testing.T) {
	a := baseRule("a")
	list := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprint(i))
		}
		return out
	}
	rules := []*rule.Rule{corr("values", rule.ValueCount, 60, []*rule.Rule{a}, false, bound("gte", 300)),
		corr("sum", rule.ValueSum, 60, []*rule.Rule{a}, false, bound("gte", 300*299/2))}
	got, st := run(t, Options{}, []small{{key: 1, names: "a", value: list(300)}}, 1, rules...)
	if len(got) != 2 || st.Cut != 0 {
		t.Errorf("%v, %+v", brief(got), st)
	}
	if _, st := run(t, Options{}, []small{{key: 1, names: "a", value: list(maxValues + 7)}}, 1, rules...); st.Cut != 14 {
		t.Errorf("%+v", st)
	}
}

// TestOneEventOfTwoRules: an event that two base rules match is one event.
func TestOneEventOfTwoRules(t *testing.T) {
	a, b := baseRule("a"), baseRule("b")
	got, _ := run(t, Options{}, []small{{key: 1, names: "ab"}}, 1, corr("x", rule.Temporal, 60, []*rule.Rule{a, b}, false))
	if len(got) != 1 || !strings.Contains(got[0].Output, ": 1 event in ") {
		t.Errorf("%+v", got)
	}
}

// TestEmptyList: an event whose list of groups or values has no member is in no group,
// and has no value.
func TestEmptyList(t *testing.T) {
	a := baseRule("a")
	events := []small{{key: 1, names: "a", group: []string{}, value: []string{"x"}}, {key: 2, names: "a", group: []string{"g"}, value: []string{}}}
	got, st := run(t, Options{}, events, 1, corr("count", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 1)),
		corr("values", rule.ValueCount, 60, []*rule.Rule{a}, false, bound("gte", 1)))
	if diff := cmp.Diff([]string{"count e2 g=g gte1:1", "values e1 gte1:1"}, brief(got)); diff != "" || st.NoGroup != 1 || st.NoValue != 1 {
		t.Errorf("%s, %+v", diff, st)
	}
}

// TestEventsWithoutIDs: a finding names an event that has no native id by its key.
func TestEventsWithoutIDs(t *testing.T) {
	a := baseRule("a")
	s := newStand(t, Options{}, corr("x", rule.EventCount, 60, []*rule.Rule{a}, false, bound("gte", 2)), simple("y", pred(field("names"), query.Eq, "a")))
	w := s.e.NewWindows()
	defer w.Close()
	var got [][]string
	for i := range 2 {
		ev := small{key: i, names: "a"}.event()
		ev.ID = ""
		m, doc := s.e.NewMatcher(), s.plan.NewDoc()
		if _, err := s.plan.Scan([]byte(small{names: "a"}.record()), doc); err != nil {
			t.Fatal(err)
		}
		for _, h := range m.Match(testFormat, doc, query.Meta{}) {
			if h.Finds {
				got = append(got, m.finding(h, m.st, ev).Events)
			}
			if err := w.Add(m.Base(h, ev)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Finish(func(f yagura.Finding) error { got = append(got, f.Events); return nil }); err != nil {
		t.Fatal(err)
	}
	zero, one := yagura.Key{0, 0}.String(), yagura.Key{0, 1}.String()
	if diff := cmp.Diff([][]string{{zero}, {one}, {zero, one}}, got); diff != "" {
		t.Error(diff)
	}
}
