package detect

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// liveGroup is what a store keeps of one group.
type liveGroup struct {
	rows     map[string]yagura.WindowRow
	sealed   []byte
	reported map[string]bool // findings that are not final
	dirty    bool
	due      time.Time
}

// liveStore is the least that serves the evaluation of groups.
type liveStore struct {
	t        *testing.T
	e        *Engine
	groups   map[string]*liveGroup // by correlation and group
	findings map[string]yagura.Finding
	dropped  int
}

func (s *liveStore) group(r yagura.WindowRow) *liveGroup {
	k := string(r.Corr[:]) + string(r.Group)
	if s.groups[k] == nil {
		s.groups[k] = &liveGroup{rows: map[string]yagura.WindowRow{}, reported: map[string]bool{}}
	}
	return s.groups[k]
}

func (s *liveStore) add(rows []yagura.WindowRow) {
	for _, r := range rows {
		g := s.group(r)
		if _, ok := g.rows[string(r.Sort)]; !ok {
			g.rows[string(r.Sort)], g.dirty = r, true
		}
	}
}

// replace puts the rows that findings made in the place of those they made before.
func (s *liveStore) replace(origins map[string][]yagura.WindowRow) {
	for origin, rows := range origins {
		keep := map[string]bool{}
		for _, r := range rows {
			keep[string(r.Corr[:])+string(r.Group)+string(r.Sort)+string(r.Body)] = true
		}
		for k, g := range s.groups {
			for sortKey, r := range g.rows {
				if r.Origin == origin && !keep[k+sortKey+string(r.Body)] {
					delete(g.rows, sortKey)
					g.dirty = true
				}
			}
		}
		s.add(rows)
	}
}

// settle evaluates what is dirty or due until nothing is.
func (s *liveStore) settle(late Lateness) {
	for again := true; again; {
		again = false
		keys := make([]string, 0, len(s.groups))
		for k := range s.groups {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			g := s.groups[k]
			if !g.dirty && (g.due.IsZero() || g.due.After(late.Now)) {
				continue
			}
			again, g.dirty = true, false
			out, known, err := s.e.EvaluateGroup(yagura.Key([]byte(k[:16])), []byte(k[16:]), g.sealed, late, func(yield func(yagura.WindowRow) error) error {
				for _, x := range sortedKeys(g.rows) {
					if err := yield(g.rows[x]); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil || !known {
				s.t.Fatal(known, err)
			}
			origins := map[string][]yagura.WindowRow{}
			gone := g.reported
			g.reported = map[string]bool{}
			for id := range gone {
				origins[id] = nil
			}
			for _, w := range out.Windows {
				delete(gone, w.Finding.ID)
				if !w.Final {
					g.reported[w.Finding.ID] = true
				}
				if w.Finds {
					s.findings[w.Finding.ID] = w.Finding
				}
				origins[w.Finding.ID] = w.Chain
			}
			for id := range gone {
				delete(s.findings, id)
			}
			s.replace(origins)
			g.sealed, g.due = out.Sealed, out.Due
			if out.Sealed != nil {
				keep := binaryTime(out.KeepFrom)
				for x := range g.rows {
					if bytes.Compare([]byte(x[:8]), keep) < 0 {
						delete(g.rows, x)
						s.dropped++
					}
				}
			}
		}
	}
}

func sortedKeys(m map[string]yagura.WindowRow) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func binaryTime(t time.Time) []byte {
	return encodeKey(nil, feed{}, nil, t.UnixNano(), yagura.Key{})[4:12]
}

// TestLiveEqualsBatch: base matches that come late, out of order, a few at a time and more
// than once give, in the end, exactly the findings of one look at all of them.
func TestLiveEqualsBatch(t *testing.T) {
	a, b, c := baseRule("a"), baseRule("b"), baseRule("c")
	bases := []*rule.Rule{a, b, c}
	dropped := 0
	for seed := range long(20, 400) {
		g := rand.New(rand.NewPCG(seed, 11))
		not := corr("absent", rule.Temporal, 1+g.IntN(40), bases, true)
		not.Correlation.Condition = &query.And{X: []query.Expr{named("a"), named("b"), &query.Not{X: named("c")}}}
		inner := corr("count", rule.EventCount, 1+g.IntN(60), bases[:1+g.IntN(3)], true, bound("gte", float64(1+g.IntN(6))))
		outer := corr("outer", rule.EventCount, 100, []*rule.Rule{inner}, true, bound("gte", float64(1+g.IntN(3))))
		rules := []*rule.Rule{
			inner, outer, not,
			corr("below", rule.EventCount, 1+g.IntN(60), bases[:1+g.IntN(3)], true, bound([]string{"lt", "lte", "eq", "neq"}[g.IntN(4)], float64(1+g.IntN(6)))),
			corr("global", rule.EventCount, 1+g.IntN(30), bases[1:], false, bound("gt", float64(1+g.IntN(9)))),
			corr("values", rule.ValueCount, 1+g.IntN(60), bases[:1+g.IntN(3)], true, bound("gte", float64(1+g.IntN(4)))),
			corr("sum", rule.ValueSum, 1+g.IntN(60), bases[:1], true, bound("gte", float64(1+g.IntN(12)))),
			corr("avg", rule.ValueAvg, 1+g.IntN(60), bases[:1], true, bound("lte", float64(1+g.IntN(4)))),
			corr("all", rule.Temporal, 1+g.IntN(60), bases[:2+g.IntN(2)], true),
			corr("order", rule.TemporalOrdered, 1+g.IntN(60), bases[:2+g.IntN(2)], true),
		}
		late := 60 + g.IntN(100) // the pause between two looks is shorter
		type arrival struct {
			small
			when int
		}
		var list []arrival
		var all []small
		for i := range 20 + g.IntN(150) {
			e := small{key: i, at: g.IntN(1000), names: []string{"a", "b", "c", "ab", "bc", "d"}[g.IntN(6)], group: []string{string(rune('p' + g.IntN(2)))}, value: []string{fmt.Sprint(g.IntN(5))}}
			all = append(all, e)
			for {
				list = append(list, arrival{e, e.at + g.IntN(late)})
				if g.IntN(8) > 0 {
					break
				}
			}
		}
		want, _ := run(t, Options{}, all, 1, rules...)
		slices.SortFunc(list, func(x, y arrival) int { return x.when - y.when })
		s := newStand(t, Options{}, rules...)
		m, doc := s.e.NewMatcher(), s.plan.NewDoc()
		store := &liveStore{t: t, e: s.e, groups: map[string]*liveGroup{}, findings: map[string]yagura.Finding{}}
		settled := 0
		for i, x := range list {
			if _, err := s.plan.Scan([]byte(x.record()), doc); err != nil {
				t.Fatal(err)
			}
			for _, h := range m.Match(testFormat, doc, query.Meta{}) {
				rows := s.e.Rows(m.Base(h, x.event()))
				for i := range rows {
					rows[i].Arrived = time.Unix(int64(x.when), 0)
				}
				store.add(rows)
			}
			if (g.IntN(4) == 0 || x.when-settled > late/2) && i+1 < len(list) && list[i+1].when > x.when {
				settled = x.when
				store.settle(Lateness{time.Unix(int64(x.when), 0), time.Duration(late) * time.Second})
			}
		}
		store.settle(Lateness{time.Unix(int64(list[len(list)-1].when+1), 0), time.Duration(late) * time.Second})
		store.settle(Lateness{time.Unix(100_000, 0), time.Duration(late) * time.Second})
		var got []yagura.Finding
		for _, f := range store.findings {
			got = append(got, f)
		}
		byID := func(x, y yagura.Finding) int { return bytes.Compare([]byte(x.ID), []byte(y.ID)) }
		slices.SortFunc(got, byID)
		slices.SortFunc(want, byID)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
		dropped += store.dropped
	}
	if dropped == 0 {
		t.Error("no row was ever settled for good")
	}
}

func named(rule string) query.Expr { return &query.Pred{Field: query.Field{Name: rule}} }
