package detect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/rule"
)

// carrying makes a correlation hand on the field v of its base rules.
func carrying(r *rule.Rule) *rule.Rule {
	r.Correlation.Carry = []string{"v"}
	for i := range r.Correlation.Base {
		r.Correlation.Base[i].Carry = []int{1}
	}
	r.Silent, r.Name = true, r.ID
	return r
}

// byCarried groups a correlation by the field v that its first base carries.
func byCarried(r *rule.Rule, bases ...[]int) *rule.Rule {
	r.Correlation.GroupBy = []string{"v"}
	for i, at := range bases {
		r.Correlation.Base[i] = rule.BaseCapture{Group: at}
	}
	return r
}

// TestCarry: the finding of a correlation is in the groups of the values of all its
// events where a correlation built on it groups by what it does not.
func TestCarry(t *testing.T) {
	ev := func(key, at int, names, group string, values ...string) small {
		return small{key: key, at: at, names: names, group: []string{group}, value: values}
	}
	a, b := baseRule("a"), baseRule("b")
	inner := func() *rule.Rule {
		return carrying(corr("in", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 2)))
	}
	then := func() *rule.Rule {
		return byCarried(corr("out", rule.TemporalOrdered, 600, []*rule.Rule{inner(), b}, false), []int{1}, []int{1})
	}
	distinct := func(n float64) *rule.Rule {
		r := corr("out", rule.ValueCount, 600, []*rule.Rule{inner()}, false, bound("gte", n))
		r.Correlation.Base[0] = rule.BaseCapture{Values: []int{1}}
		return r
	}
	// The group of the inner one is counted, in groups of the field that it carries.
	far := strings.Repeat("far", 20)
	long := func(n float64) *rule.Rule {
		r := byCarried(corr("out", rule.ValueCount, 600, []*rule.Rule{inner()}, false, bound("gte", n)))
		r.Correlation.Base[0] = rule.BaseCapture{Group: []int{1}, Values: []int{0}}
		return r
	}
	// The field passes a correlation that neither groups by it nor counts it.
	deep := func() *rule.Rule {
		mid := carrying(corr("mid", rule.EventCount, 600, []*rule.Rule{inner()}, true, bound("gte", 2)))
		return byCarried(corr("out", rule.EventCount, 6000, []*rule.Rule{mid}, false, bound("gte", 1)), []int{1})
	}
	cases := []struct {
		name   string
		rule   *rule.Rule
		events []small
		want   []string
	}{
		{"each value of the window", then(), []small{ev(1, 0, "a", "g", "x"), ev(2, 1, "a", "g", "y"), ev(3, 2, "b", "h", "x"), ev(4, 3, "b", "h", "y"), ev(5, 4, "b", "h", "z")},
			[]string{"out e1,e2,e3 v=x", "out e1,e2,e4 v=y"}},
		{"an event with two values", then(), []small{ev(1, 0, "a", "g", "x", "y"), ev(2, 1, "a", "g"), ev(3, 2, "b", "h", "y", "y")}, []string{"out e1,e2,e3 v=y"}},
		{"no values", then(), []small{ev(1, 0, "a", "g"), ev(2, 1, "a", "g"), ev(3, 2, "b", "g", "x")}, []string{}},
		{"windows apart", then(), []small{ev(1, 0, "a", "g", "x"), ev(2, 61, "a", "g", "x"), ev(3, 62, "b", "g", "x")}, []string{}},
		{"different values", distinct(3), []small{ev(1, 0, "a", "g", "x"), ev(2, 1, "a", "g", "y"), ev(3, 100, "a", "g", "z"), ev(4, 101, "a", "g", "x")}, []string{"out e1,e2,e3,e4 gte3:3"}},
		{"too few different values", distinct(3), []small{ev(1, 0, "a", "g", "x"), ev(2, 1, "a", "g", "y"), ev(3, 100, "a", "g", "y"), ev(4, 101, "a", "g", "x")}, []string{}},
		{"a long value in several rows is one", long(2), []small{ev(1, 0, "a", far+"1", "x"), ev(2, 1, "a", far+"1", "y"), ev(3, 100, "a", far+"1", "y"), ev(4, 101, "a", far+"1", "y")}, []string{}},
		{"long values in several rows", long(2), []small{ev(1, 0, "a", far+"1", "x"), ev(2, 1, "a", far+"1", "y"), ev(3, 100, "a", far+"2", "y"), ev(4, 101, "a", far+"2", "y")}, []string{"out e1,e2,e3,e4 v=y gte2:2"}},
		{"through two correlations", deep(), []small{ev(1, 0, "a", "g", "x"), ev(2, 1, "a", "g", "y"), ev(3, 100, "a", "g", "z"), ev(4, 101, "a", "g", "x"), ev(5, 102, "a", "h", "w"), ev(6, 103, "a", "h", "w")},
			[]string{"out e1,e2,e3,e4 v=x gte1:1", "out e1,e2,e3,e4 v=y gte1:1", "out e1,e2,e3,e4 v=z gte1:1"}},
	}
	for _, x := range cases {
		got, _ := run(t, Options{}, x.events, 2, x.rule)
		if diff := cmp.Diff(x.want, brief(got)); diff != "" {
			t.Errorf("%s: %s", x.name, diff)
		}
	}
	_, st := run(t, Options{}, cases[2].events, 1, then())
	if st.NoGroup != 1 {
		t.Errorf("%+v", st)
	}
}

// TestCarryIsBounded: what a window hands on is bounded, and what is left out counted.
func TestCarryIsBounded(t *testing.T) {
	a := baseRule("a")
	inner := carrying(corr("in", rule.EventCount, 6000, []*rule.Rule{a}, true, bound("gte", 2)))
	r := byCarried(corr("out", rule.EventCount, 60, []*rule.Rule{inner}, false, bound("gte", 1)), []int{1})
	var events []small
	for i := range maxRows + 50 {
		events = append(events, small{key: i, at: i, names: "a", group: []string{"g"}, value: []string{fmt.Sprint("v", i)}})
	}
	got, st := run(t, Options{}, events, 2, r)
	if len(got) != maxRows || st.Cut != 50 {
		t.Errorf("%d findings, %+v", len(got), st)
	}
}

// TestCarryRefused: what the engine cannot evaluate.
func TestCarryRefused(t *testing.T) {
	a := baseRule("a")
	inner := carrying(corr("in", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 2)))
	sum := corr("out", rule.ValueSum, 60, []*rule.Rule{inner}, false, bound("gte", 2))
	beyond := byCarried(corr("out", rule.EventCount, 60, []*rule.Rule{inner}, false, bound("gte", 2)), []int{2})
	short := corr("out", rule.EventCount, 60, []*rule.Rule{a}, false, bound("gte", 2))
	short.Correlation.Carry = []string{"v"}
	for _, c := range []struct {
		r    *rule.Rule
		want string
	}{{sum, "no one number"}, {beyond, "hands on 2 fields, want field 2"}, {short, "0 fields to carry, want 1"}} {
		if _, err := New([]*rule.Rule{c.r}, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// burst is a window of the reference.
type burst struct {
	events []small
	last   int
}

// bursts finds the windows with at least least events by the definition.
func bursts(list []small, span, least int) (out []burst) {
	sort.Slice(list, func(i, j int) bool {
		return list[i].at < list[j].at || list[i].at == list[j].at && list[i].key < list[j].key
	})
	for i := 0; i < len(list); {
		j := i
		for j < len(list) && list[j].at-list[i].at <= span {
			j++
		}
		if j-i < least {
			i++
			continue
		}
		out = append(out, burst{list[i:j], list[j-1].at})
		i = j
	}
	return out
}

// TestCarryReference compares random streams with the definition, in several orders,
// with spilling, and with several workers.
func TestCarryReference(t *testing.T) {
	for seed := range long(10, 300) {
		g := rand.New(rand.NewPCG(seed, 11))
		span, outerSpan, least, outerLeast := 1+g.IntN(30), 1+g.IntN(200), 1+g.IntN(4), 1+g.IntN(4)
		a := baseRule("a")
		inner := carrying(corr("in", rule.EventCount, span, []*rule.Rule{a}, true, bound("gte", float64(least))))
		outer := byCarried(corr("out", rule.EventCount, outerSpan, []*rule.Rule{inner}, false, bound("gte", float64(outerLeast))), []int{1})
		var events []small
		for i := range 20 + g.IntN(150) {
			e := small{key: i, at: g.IntN(300), names: "a", group: []string{string(rune('p' + g.IntN(3)))}}
			for range g.IntN(3) {
				e.value = append(e.value, string(rune('u'+g.IntN(4))))
			}
			events = append(events, e)
		}
		groups := map[string][]small{}
		for _, e := range events {
			groups[e.group[0]] = append(groups[e.group[0]], e)
		}
		found := map[string][]small{} // by carried value: windows as events
		inside := map[int][]string{}
		number := 0
		for _, name := range []string{"p", "q", "r"} {
			for _, b := range bursts(groups[name], span, least) {
				number++
				seen := map[string]bool{}
				for _, e := range b.events {
					inside[number] = append(inside[number], fmt.Sprint("e", e.key))
					for _, v := range e.value {
						if !seen[v] {
							seen[v] = true
							found[v] = append(found[v], small{key: number, at: b.last})
						}
					}
				}
			}
		}
		want := []string{}
		for v, list := range found {
			for _, b := range bursts(list, outerSpan, outerLeast) {
				var ids []string
				for _, e := range b.events {
					ids = append(ids, inside[e.key]...)
				}
				sort.Strings(ids)
				want = append(want, fmt.Sprintf("out %s v=%s gte%d:%d", strings.Join(slices.Compact(ids), ","), v, outerLeast, len(b.events)))
			}
		}
		sort.Strings(want)
		var first []byte
		for workers := 1; workers <= 4; workers++ {
			o := Options{}
			if workers%2 == 0 {
				o.Windows = WindowOptions{SpillDir: t.TempDir(), SpillBytes: int64(500 * workers)}
			}
			got, _ := run(t, o, events, workers, outer)
			if diff := cmp.Diff(want, brief(got)); diff != "" {
				t.Fatalf("seed %d, %d workers: %s", seed, workers, diff)
			}
			enc, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = enc
			} else if !bytes.Equal(first, enc) {
				t.Fatalf("seed %d, %d workers: other findings", seed, workers)
			}
			g.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		}
	}
}

// TestChainedTimes: to a temporal correlation a finding happened when it was known to
// hold and when its last event did, and it is one finding.
func TestChainedTimes(t *testing.T) {
	a, b, c := baseRule("a"), baseRule("b"), baseRule("c")
	many := corr("many", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 2))
	many.Silent, many.Name = true, "many"
	burst := []small{{key: 1, at: 0, names: "a"}, {key: 2, at: 10, names: "a"}, {key: 3, at: 50, names: "a"}}
	cases := []struct {
		name  string
		rule  *rule.Rule
		other small
		want  []string
	}{
		{"after it held", corr("x", rule.TemporalOrdered, 100, []*rule.Rule{many, b}, true), small{key: 9, at: 10, names: "b"}, []string{"x e1,e2,e3,e9 g=g"}},
		{"before it held", corr("x", rule.TemporalOrdered, 100, []*rule.Rule{many, b}, true), small{key: 9, at: 9, names: "b"}, []string{}},
		{"long after its end", corr("x", rule.TemporalOrdered, 100, []*rule.Rule{many, b}, true), small{key: 9, at: 150, names: "b"}, []string{"x e1,e2,e3,e9 g=g"}},
		{"too long after its end", corr("x", rule.TemporalOrdered, 100, []*rule.Rule{many, b}, true), small{key: 9, at: 151, names: "b"}, []string{}},
		{"before its end", corr("x", rule.TemporalOrdered, 100, []*rule.Rule{b, many}, true), small{key: 9, at: 50, names: "b"}, []string{"x e1,e2,e3,e9 g=g"}},
		{"after its end", corr("x", rule.TemporalOrdered, 100, []*rule.Rule{b, many}, true), small{key: 9, at: 51, names: "b"}, []string{}},
	}
	for _, x := range cases {
		x.other.group = []string{"g"}
		events := slices.Clone(burst)
		for i := range events {
			events[i].group = []string{"g"}
		}
		got, _ := run(t, Options{}, append(events, x.other), 2, x.rule)
		if diff := cmp.Diff(x.want, brief(got)); diff != "" {
			t.Errorf("%s: %s", x.name, diff)
		}
		for _, f := range got {
			for _, w := range f.Why {
				if w.Op == "occurs" && w.Actual != "1" {
					t.Errorf("%s: %+v", x.name, w)
				}
			}
			if !strings.Contains(f.Output, ": 4 events in ") {
				t.Errorf("%s: %s", x.name, f.Output)
			}
		}
	}
	// A window that ends before its condition is known is a finding at its end alone.
	few := corr("few", rule.EventCount, 60, []*rule.Rule{a}, true, bound("lt", 9))
	few.Silent, few.Name = true, "few"
	events := []small{{key: 1, at: 0, names: "a", group: []string{"g"}}, {key: 2, at: 50, names: "a", group: []string{"g"}}, {key: 3, at: 20, names: "c", group: []string{"g"}}}
	if got, _ := run(t, Options{}, events, 1, corr("x", rule.TemporalOrdered, 100, []*rule.Rule{few, c}, true)); len(got) > 0 {
		t.Errorf("%v", brief(got))
	}
}

// TestRowsOfWindow: a window keeps each row once, and only so many.
func TestRowsOfWindow(t *testing.T) {
	var win window
	for range 3 {
		for i := range maxRows - 10 {
			win.carry([][]byte{fmt.Append(nil, i)})
		}
	}
	if len(win.rows) != maxRows-10 || win.cut != 0 {
		t.Errorf("%d rows, %d cut", len(win.rows), win.cut)
	}
	for i := range 15 {
		win.carry([][]byte{fmt.Append(nil, "x", i)})
	}
	if len(win.rows) != maxRows || win.cut != 5 {
		t.Errorf("%d rows, %d cut", len(win.rows), win.cut)
	}
}

// TestChainedValuesOnce: values and rows that several events of a window have are in a
// chained base match once.
func TestChainedValuesOnce(t *testing.T) {
	a := baseRule("a")
	inner := carrying(corr("in", rule.EventCount, 60, []*rule.Rule{a}, true, bound("gte", 2)))
	outer := corr("out", rule.ValueCount, 600, []*rule.Rule{inner}, false, bound("gte", 1))
	outer.Correlation.Base[0] = rule.BaseCapture{Values: []int{1}}
	e, err := New([]*rule.Rule{outer}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	row := func(values ...string) []byte {
		var parts [][]byte
		for _, v := range values {
			parts = append(parts, appendPart(nil, []byte(v)))
		}
		return encodeRow([][][]byte{parts})
	}
	w := e.NewWindows()
	defer w.Close()
	win := &window{rows: [][]byte{row("x", "y"), row("y"), row(), row("z", "x")}}
	groups, err := w.chainGroups(e.corrs[0], e.corrs[1], outer.Correlation.Base[0], []string{"g"}, win)
	if err != nil || len(groups) != 1 {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	var got []string
	for _, v := range groups[0].values {
		parts, _ := splitTuple(v, 1)
		got = append(got, parts...)
	}
	if diff := cmp.Diff([]string{"x", "y", "z"}, got); diff != "" {
		t.Error(diff)
	}
}
