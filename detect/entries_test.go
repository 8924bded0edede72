package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// opened is a rule about open entries in two groups of lists, one with a list in a list.
func opened() *rule.Rule {
	r := simple("r", &query.Or{X: []query.Expr{
		pred(field("in", "ranges", "cidr"), query.Suffix, "/0"),
		pred(field("out", "cidr"), query.Suffix, "/0"),
		pred(field("names"), query.Eq, "all"),
	}})
	r.SideCar = rule.SideCar{Kind: yagura.Posture,
		CauseKey:   []string{"name", "port=in.port!=-1", "port=out.port!=-1", "cidr=in.ranges.cidr", "cidr=out.cidr", "who=names"},
		CauseAlias: []string{"name", "entry=out.id"},
		Entries:    [][]string{{"in", "in.ranges", "names"}, {"out"}}}
	return r
}

func (s *stand) keys(record string) (out []string) {
	s.t.Helper()
	for _, h := range s.match(record) {
		for f := range s.m.Findings(h, &yagura.Event{Account: "1"}) {
			out = append(out, strings.TrimPrefix(f.CauseKey, "1 r ")+" "+strings.Join(f.AliasKeys, ";"))
		}
	}
	return out
}

// TestEntries: a record with several entries is judged like several records with one.
func TestEntries(t *testing.T) {
	s := newStand(t, Options{}, opened())
	for _, c := range []struct {
		record string
		want   []string
	}{
		{`{"name":"g","in":[{"port":22,"ranges":[{"cidr":"0.0.0.0/0"}]}]}`, []string{"name=g port=22 cidr=0.0.0.0/0 "}},
		{`{"name":"g","in":[{"port":22,"ranges":[{"cidr":"0.0.0.0/0"},{"cidr":"10.0.0.0/8"}]},{"port":80,"ranges":[{"cidr":"10.0.0.0/8"}]}]}`,
			[]string{"name=g port=22 cidr=0.0.0.0/0 "}},
		{"  \n" + `{"name":"[\"g\\\\]","in" : [ {"port":22,"x":"]},\"{","ranges":[ {"cidr":"0.0.0.0/0","t":"a,\"]}b"} , {"cidr":"::/0"}, 7, null, "s" ]} , {"port":-1,"ranges":[{"cidr":"0.0.0.0/0"}]}, {"port":3,"ranges":[]} ] }  `,
			[]string{`"name"`, "", ""}},
		{`{"name":"g","names":["bob","all","all","carol"]}`, []string{"name=g who=all "}},
		{`{"name":"g","names":"all"}`, []string{"name=g who=all "}},
		// The first group that matches counts; the others name its causes for what comes later.
		{`{"name":"g","in":[{"port":22,"ranges":[{"cidr":"0.0.0.0/0"}]},{"ranges":[{"cidr":"::/0"}]},{"port":2,"ranges":[{"cidr":"/0"}]}],"out":[{"id":"a","port":22,"cidr":"0.0.0.0/0"},{"id":"b","port":-1,"cidr":"::/0"},{"id":"c","port":1,"cidr":"10.0.0.0/8"},{"id":"d","port":3,"cidr":"/0"}]}`,
			[]string{"name=g port=22 cidr=0.0.0.0/0 1 r name=g entry=a", "name=g cidr=::/0 1 r name=g entry=b", "name=g port=2 cidr=/0 "}},
		{`{"name":"g","in":[{"port":22,"ranges":[{"cidr":"10.0.0.0/8"}]}],"out":[{"id":"a","port":22,"cidr":"0.0.0.0/0"},{"id":"b","port":-1,"cidr":"::/0"}]}`,
			[]string{"name=g port=22 cidr=0.0.0.0/0 1 r name=g entry=a", "name=g cidr=::/0 1 r name=g entry=b"}},
		// Lists inside the text of a string are not taken apart.
		{`{"name":"g","out":"[{\"id\":\"a\",\"port\":1,\"cidr\":\"0.0.0.0/0\"},{\"id\":\"b\",\"port\":2,\"cidr\":\"::/0\"}]"}`,
			[]string{"name=g port=1,2 cidr=0.0.0.0/0,::/0 1 r name=g entry=a,b"}},
	} {
		got := s.keys(c.record)
		if c.want[0] == `"name"` {
			c.want = []string{`name="[\"g\\\\]" port=22 cidr=0.0.0.0/0 `, `name="[\"g\\\\]" port=22 cidr=::/0 `, `name="[\"g\\\\]" cidr=0.0.0.0/0 `}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.record, diff)
		}
	}
}

// TestEntryIDs: the finding of one cause has the id that it has without entries, those of
// several have one each, and a replay has the same.
func TestEntryIDs(t *testing.T) {
	s := newStand(t, Options{}, opened())
	ids := func(record string) (out []string) {
		for _, h := range s.match(record) {
			for f := range s.m.Findings(h, &yagura.Event{Key: yagura.Key{1}}) {
				out = append(out, f.ID)
			}
			out = append(out, s.m.finding(h, s.m.st, &yagura.Event{Key: yagura.Key{1}}).ID)
		}
		return out
	}
	if got := ids(`{"names":["all","bob"]}`); len(got) != 2 || got[0] != got[1] {
		t.Errorf("one cause: %v", got)
	}
	two := `{"in":[{"port":1,"ranges":[{"cidr":"0.0.0.0/0"},{"cidr":"::/0"}]}]}`
	got := ids(two)
	if len(got) != 3 || got[0] == got[1] || got[0] == got[2] || got[1] == got[2] || len(got[0]) != 32 {
		t.Errorf("two causes: %v", got)
	}
	if again := ids(two); !slices.Equal(got, again) {
		t.Errorf("%v, again %v", got, again)
	}
}

// TestEntriesBounds: what is beyond the bound is one finding together, which says so, and
// nothing is lost.
func TestEntriesBounds(t *testing.T) {
	s := newStand(t, Options{}, opened())
	var items []string
	for i := range maxEntries + 40 {
		items = append(items, fmt.Sprintf(`{"id":"e%d","port":%d,"cidr":"0.0.0.0/0"}`, i, i))
	}
	n := 0
	var last yagura.Finding
	for _, h := range s.match(`{"name":"g","out":[` + strings.Join(items, ",") + `]}`) {
		for f := range s.m.Findings(h, &yagura.Event{}) {
			last = f
			n++
		}
	}
	if n != maxEntries+1 || !slices.Equal(last.Caps, []string{"entries: 40 of 296 are one finding"}) || !strings.Contains(last.CauseKey, "port=256,257,") {
		t.Errorf("%d findings, the last %v %s", n, last.Caps, last.CauseKey)
	}
	// A record that is large beside its entries is not copied for each of them.
	big := `{"name":"g","pad":"` + strings.Repeat("x", 1<<20) + `","out":[` + strings.Join(items[:100], ",") + `]}`
	n = 0
	for _, h := range s.match(big) {
		for f := range s.m.Findings(h, &yagura.Event{}) {
			last = f
			n++
		}
	}
	if n > 20 || len(last.Caps) != 1 {
		t.Errorf("%d findings, %v", n, last.Caps)
	}
}

// TestEntriesUnnamed: an answer that belongs to another call names nothing.
func TestEntriesUnnamed(t *testing.T) {
	s := newStand(t, Options{}, opened())
	got := s.keys(`{"name":"g","in":[{"port":22,"ranges":[{"cidr":"0.0.0.0/0"}]}],"out":[{"id":"a","port":3389,"cidr":"0.0.0.0/0"}]}`)
	if want := []string{"name=g port=22 cidr=0.0.0.0/0 "}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzEntries: whatever the record, every entry is valid JSON of its own, and no entry of
// the whole gets lost when all are cut out at once.
func FuzzEntries(f *testing.F) {
	f.Add(`{"name":"g","in":[{"port":22,"ranges":[{"cidr":"0.0.0.0/0"},[["x"]],"]"]}],"out":[1,[2,{}],"\"],["]}`)
	f.Add(`{"in":{"ranges":[[],[{"ranges":[1,2]}]]},"in":[[{"ranges":[{"cidr":"/0"}]}]],"names":["all"]}`)
	s, o := newStand(f, Options{}, opened()), newStand(f, Options{}, opened())
	f.Fuzz(func(t *testing.T, record string) {
		if n, err := s.plan.Scan([]byte(record), s.doc); err != nil || n == 0 {
			return
		}
		s.m.Match(testFormat, s.doc, query.Meta{Format: testFormat})
		lists, groups := s.m.listsOf(&s.m.cur.rules[0])
		whole := s.m.splitter.cut(s.doc.Record(), lists, 0, len(groups))
		count := func(b []byte) int {
			if n, err := o.plan.Scan(b, o.doc); err != nil || n != len(b) {
				t.Fatalf("%q is cut to %q: %v", record, b, err)
			}
			o.m.Match(testFormat, o.doc, query.Meta{Format: testFormat})
			_, groups := o.m.listsOf(&o.m.cur.rules[0])
			return len(groups)
		}
		if got := count(whole); got != len(groups) {
			t.Fatalf("%q has %d entries, %q %d", record, len(groups), whole, got)
		}
		for i := range min(len(groups), 50) {
			if got := count(s.m.splitter.cut(s.doc.Record(), lists, i, i+1)); got != 1 {
				t.Fatalf("%q: entry %d has %d entries", record, i, got)
			}
		}
	})
}
