package sigma_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
	"github.com/yagura-sec/yagura/slot"
)

// This file is an evaluator of expressions that shares nothing with the engine: it
// reads a record into a tree with encoding/json and asks it in the plainest way.

// tree is a JSON value with its members in order.
type tree struct {
	raw   string // compact
	kind  slot.Kind
	text  string // of a string, escapes resolved
	keys  []string
	elems []*tree
}

func parseTree(data []byte) (*tree, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return nil, err
	}
	t := &tree{raw: compact.String()}
	switch c := t.raw[0]; {
	case c == 'n':
		t.kind = slot.Null
	case c == 't' || c == 'f':
		t.kind = slot.Bool
	case c == '"':
		t.kind = slot.String
		return t, json.Unmarshal(data, &t.text)
	case c == '{' || c == '[':
		t.kind = slot.Array
		if c == '{' {
			t.kind = slot.Object
		}
		dec := json.NewDecoder(strings.NewReader(t.raw))
		if _, err := dec.Token(); err != nil {
			return nil, err
		}
		for dec.More() {
			if t.kind == slot.Object {
				key, err := dec.Token()
				if err != nil {
					return nil, err
				}
				t.keys = append(t.keys, key.(string))
			}
			var raw json.RawMessage
			if err := dec.Decode(&raw); err != nil {
				return nil, err
			}
			x, err := parseTree(raw)
			if err != nil {
				return nil, err
			}
			t.elems = append(t.elems, x)
		}
	default:
		t.kind = slot.Number
	}
	return t, nil
}

func (t *tree) String() string {
	if t.kind == slot.String {
		return t.text
	}
	return t.raw
}

// find returns the values at a path: any member of arrays, dotted keys, JSON in strings.
func (t *tree) find(segs []slot.Seg, fold bool) []*tree {
	if len(segs) == 0 {
		if t.kind == slot.Array {
			return append([]*tree{t}, t.elems...)
		}
		return []*tree{t}
	}
	var out []*tree
	switch t.kind {
	case slot.String:
		s := t.text
		if strings.HasPrefix(s, "%") {
			s, _ = url.PathUnescape(s)
		}
		if s = strings.TrimSpace(s); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
			if x, err := parseTree([]byte(s)); err == nil {
				return x.find(segs, fold)
			}
		}
	case slot.Array:
		for i, x := range t.elems {
			if !segs[0].IsIndex {
				out = append(out, x.find(segs, fold)...)
			} else if i == segs[0].Index {
				out = append(out, x.find(segs[1:], fold)...)
			}
		}
	case slot.Object:
		for j := 1; j <= len(segs) && !segs[j-1].IsIndex; j++ {
			var keys []string
			for _, s := range segs[:j] {
				keys = append(keys, s.Key)
			}
			want := strings.Join(keys, ".")
			for i, k := range t.keys {
				if k == want || fold && strings.EqualFold(k, want) {
					out = append(out, t.elems[i].find(segs[j:], fold)...)
				}
			}
		}
	}
	return out
}

func (t *tree) field(f query.Field) []*tree {
	var out []*tree
	for _, p := range f.Paths {
		out = append(out, t.find(p.Segs, p.Fold)...)
	}
	return out
}

// holds is the evaluator.
func (t *tree) holds(e query.Expr) bool {
	switch e := e.(type) {
	case *query.And:
		return !slices.ContainsFunc(e.X, func(x query.Expr) bool { return !t.holds(x) })
	case *query.Or:
		return slices.ContainsFunc(e.X, t.holds)
	case *query.Not:
		return !t.holds(e.X)
	case query.Const:
		return bool(e)
	case *query.Each:
		var members []*tree
		for _, p := range e.Field.Paths {
			for _, v := range t.find(p.Segs, p.Fold) {
				if v.kind == slot.Array {
					members = append(members, v.elems...)
					break // find gives the members of a final array too
				}
				if v.kind != slot.Null {
					members = append(members, v)
				}
			}
		}
		any := slices.ContainsFunc(members, func(m *tree) bool { return m.holds(e.Where) })
		every := !slices.ContainsFunc(members, func(m *tree) bool { return !m.holds(e.Where) })
		switch e.Quant {
		case query.EachAny:
			return any
		case query.EachAll:
			return len(members) > 0 && every
		case query.EachAllOrEmpty:
			return every
		}
		return !any
	case *query.Pred:
		return t.pred(e)
	}
	panic(fmt.Sprintf("%T", e))
}

func (t *tree) pred(p *query.Pred) bool {
	switch p.Op {
	case query.Keyword:
		return t.word(p)
	case query.Exists:
		return (len(t.field(p.Field)) > 0) == p.Args[0].Bool
	case query.IsNull:
		values := t.field(p.Field)
		return len(values) == 0 || slices.ContainsFunc(values, func(v *tree) bool { return v.kind == slot.Null })
	}
	for _, v := range t.field(p.Field) {
		if v.kind == slot.Null {
			continue
		}
		texts := []string{v.String()}
		if v.kind >= slot.Object && p.Op != query.Eq && p.Ref == nil {
			texts = append(texts, strings.ReplaceAll(v.raw, `\"`, `"`))
		}
		for _, s := range texts {
			if p.Ref != nil {
				for _, r := range t.field(*p.Ref) {
					if r.kind != slot.Null && compareText(p, s, r.String(), v.kind == slot.Number || r.kind == slot.Number, nil) {
						return true
					}
				}
				continue
			}
			for i := range p.Args {
				if compareText(p, s, p.Args[i].Text, p.Args[i].Number || v.kind == slot.Number, &p.Args[i]) {
					return true
				}
			}
		}
	}
	return false
}

// word looks for a keyword in every scalar and key.
func (t *tree) word(p *query.Pred) bool {
	in := func(s string) bool {
		return slices.ContainsFunc(p.Args, func(a query.Arg) bool {
			if a.Pattern != nil {
				return globRegexp(a.Pattern, p.Fold).MatchString(s)
			}
			return strings.Contains(folded(s, p.Fold), folded(a.Text, p.Fold))
		})
	}
	switch t.kind {
	case slot.Null:
		return false
	case slot.Array, slot.Object:
		return slices.ContainsFunc(t.keys, in) || slices.ContainsFunc(t.elems, func(x *tree) bool { return x.word(p) })
	}
	return in(t.String())
}

// folded maps every rune to the least of its case variants.
func folded(s string, fold bool) string {
	if !fold {
		return s
	}
	return strings.Map(func(r rune) rune {
		least := r
		for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
			least = min(least, x)
		}
		return least
	}, s)
}

func globRegexp(p *query.Pattern, fold bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?s")
	if fold {
		b.WriteByte('i')
	}
	b.WriteString(`)\A`)
	for i, piece := range p.Pieces {
		if i > 0 || p.OpenStart {
			b.WriteString(".*")
		}
		for j, r := range piece.Runes {
			if piece.Any[j] {
				b.WriteByte('.')
			} else {
				b.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
	}
	if p.OpenEnd || len(p.Pieces) == 0 && p.OpenStart {
		b.WriteString(".*")
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

func compareText(p *query.Pred, have, want string, number bool, a *query.Arg) bool {
	x, y := folded(have, p.Fold), folded(want, p.Fold)
	switch p.Op {
	case query.Eq:
		if x == y {
			return true
		}
		m, ok := new(big.Rat).SetString(have)
		n, ok2 := new(big.Rat).SetString(want)
		return number && ok && ok2 && m.Cmp(n) == 0
	case query.Prefix:
		return strings.HasPrefix(x, y)
	case query.Suffix:
		return strings.HasSuffix(x, y)
	case query.Contains:
		return strings.Contains(x, y)
	case query.Glob:
		return globRegexp(a.Pattern, p.Fold).MatchString(have)
	case query.Regex:
		return a.Regexp.MatchString(have)
	case query.CIDR:
		addr, err := netip.ParseAddr(have)
		return err == nil && a.Net.Contains(addr)
	case query.Lt, query.Lte, query.Gt, query.Gte:
		n, ok := new(big.Rat).SetString(have)
		if !ok {
			return false
		}
		c := n.Cmp(new(big.Rat).SetFloat64(a.Num))
		return p.Op == query.Lt && c < 0 || p.Op == query.Lte && c <= 0 || p.Op == query.Gt && c > 0 || p.Op == query.Gte && c >= 0
	}
	panic(fmt.Sprintf("operator %d", p.Op))
}

// givenEvents reads the records of the given JSON files: one a line, or a list.
func givenEvents(t testing.TB, dirs ...string) [][]byte {
	t.Helper()
	var out [][]byte
	add := func(raw json.RawMessage) {
		if len(raw) > 0 && raw[0] == '{' {
			out = append(out, raw)
		}
	}
	for _, dir := range dirs {
		err := filepath.WalkDir(shared(t, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.Contains(filepath.Ext(p), ".json") {
				return err
			}
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
			for dec.More() {
				var raw json.RawMessage
				if err := dec.Decode(&raw); err != nil {
					break // not all of the files are JSON
				}
				var list []json.RawMessage
				var wrapped struct {
					Event   json.RawMessage `json:"event"`
					Records []json.RawMessage
				}
				switch {
				case json.Unmarshal(raw, &list) == nil:
					for _, x := range list {
						add(x)
					}
				case json.Unmarshal(raw, &wrapped) == nil && wrapped.Records != nil:
					for _, x := range wrapped.Records {
						add(x)
					}
				case len(wrapped.Event) > 0 && wrapped.Event[0] == '{':
					add(wrapped.Event)
				default:
					add(raw)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestGivenRulesAgreeWithReference holds the engine against the evaluator: every
// given rule on every given event, without routing.
func TestGivenRulesAgreeWithReference(t *testing.T) {
	events := givenEvents(t, "data/aws/cloudtrail/stratus-detonation", "data/entra", "data/azure", "data/gcp/audit", "data/aws/cloudtrail/opensearch-catalog.jsonl")
	rules, _ := sigma.Load(ruleFiles(t, shared(t, "data/rules/sigma")), sigma.Options{NoRouting: true})
	all := judgeAll(t, rules)
	fired, differ, judged := 0, 0, 0
	for i, e := range events {
		tree, err := parseTree(e)
		if err != nil {
			t.Fatal(err)
		}
		all.begin(t, e)
		for k, r := range rules {
			got := all.progs[k].Holds(all.st)
			if got {
				fired++
			} else if !everything() && (i+k)%8 != 0 {
				continue // of what does not fire one in eight is looked at twice
			}
			judged++
			if want := tree.holds(r.When); got != want {
				if differ++; differ < 5 {
					t.Errorf("%s: engine %v, reference %v on %s", r.File, got, want, e)
				}
			}
		}
	}
	t.Logf("%d rules on %d events: %d fire, %d of %d compared differ", len(rules), len(events), fired, differ, judged)
}

// together judges records by many rules at once.
type together struct {
	progs []*query.Program
	plan  *slot.Plan
	doc   *slot.Doc
	st    *query.State
}

func judgeAll(t testing.TB, rules []*rule.Rule) *together {
	t.Helper()
	b := slot.NewBuilder()
	set := query.NewSet(b)
	all := &together{}
	for _, r := range rules {
		p, err := set.Add(r.When)
		if err != nil {
			t.Fatal(err)
		}
		all.progs = append(all.progs, p)
	}
	set.Seal()
	all.plan = b.Plan()
	all.doc, all.st = all.plan.NewDoc(), set.NewState()
	return all
}

func (all *together) begin(t testing.TB, record []byte) {
	t.Helper()
	if _, err := all.plan.Scan(record, all.doc); err != nil {
		t.Fatalf("%s: %v", record, err)
	}
	all.st.Begin(all.doc, query.Meta{})
}

// everything is true in a long run.
func everything() bool { return os.Getenv("YAGURA_PROVE") != "" }

// TestCloudTrailExpected compares with the expected answers of an independent
// evaluator for SigmaHQ's AWS rules.
func TestCloudTrailExpected(t *testing.T) {
	data, err := os.ReadFile(shared(t, "data/oracle/sigma/cloudtrail-expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	type hit struct {
		Event string `json:"event_id"`
		Rule  string `json:"rule_id"`
	}
	want := map[hit]bool{}
	for dec := json.NewDecoder(bytes.NewReader(data)); dec.More(); {
		var h hit
		if err := dec.Decode(&h); err != nil {
			t.Fatal(err)
		}
		want[h] = true
	}
	got := map[hit]bool{}
	rules, _ := sigma.Load(ruleFiles(t, shared(t, "data/rules/sigma")), sigma.Options{})
	events := givenEvents(t, "data/aws/cloudtrail/stratus-detonation", "data/aws/cloudtrail/opensearch-catalog.jsonl")
	rules = slices.DeleteFunc(rules, func(r *rule.Rule) bool { return !slices.Contains(r.Formats, "aws.cloudtrail") })
	all := judgeAll(t, rules)
	for _, e := range events {
		var id struct {
			ID string `json:"eventID"`
		}
		if err := json.Unmarshal(e, &id); err != nil {
			t.Fatal(err)
		}
		all.begin(t, e)
		for k, r := range rules {
			if all.progs[k].Holds(all.st) {
				got[hit{id.ID, r.ID}] = true
			}
		}
	}
	for h := range want {
		if !got[h] {
			t.Errorf("missed: %+v", h)
		}
	}
	for h := range got {
		if !want[h] {
			t.Errorf("false: %+v", h)
		}
	}
	t.Logf("%d expected, %d found", len(want), len(got))
}

// TestRandomRulesAgreeWithReference makes rules and records of a few words and holds
// the engine against the evaluator.
func TestRandomRulesAgreeWithReference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	values := func() string {
		return pick(`foo`, `FOO`, `'f*'`, `'*o'`, `'*oo*'`, `'f?o'`, `''`, `null`, `5`, `5.0`, `'5'`, `true`, `'TRUE'`, `'a\*b'`, `'"b":"foo"'`, `über`, `'*'`, `[foo, bar]`, `[5, foo]`)
	}
	field := func() string { return pick("a", "b", "a.b", "a.b.c", "c") }
	key := func() string {
		switch rnd.IntN(10) {
		case 0:
			return field() + "|" + pick("contains", "startswith", "endswith", "cased", "neq") + ": " + pick("foo", "o", "F", "'o*'", "über", "'[f, o]'")
		case 1:
			return field() + "|" + pick("contains|all", "all|endswith") + ": [f, o]"
		case 2:
			return field() + "|" + pick("gt", "gte", "lt", "lte") + ": " + pick("5", "4.5", "-1")
		case 3:
			return field() + "|" + pick("re", "re|i") + ": " + pick("'^fo+$'", "'O'", "'[0-9]'")
		case 4:
			return field() + "|exists: " + pick("true", "false")
		case 5:
			return field() + "|cidr: " + pick("10.0.0.0/8", "'2001:db8::/32'")
		case 6:
			return field() + "|fieldref" + pick("", "|endswith", "|contains") + ": " + field()
		case 7:
			return "'a[" + pick("any", "all", "all_or_empty", "none") + "]" + pick("", ".b", ".c") + "': " + values()
		}
		return field() + ": " + values()
	}
	var record func(depth int) string
	record = func(depth int) string {
		switch n := rnd.IntN(12); {
		case n < 6 || depth > 2:
			return pick(`"foo"`, `"Foo"`, `"xfoox"`, `""`, `null`, `5`, `5.0`, `"5"`, `true`, `"10.1.2.3"`, `"a*b"`, `"ÜBER"`, `"2001:db8::1"`, `"bar"`, `50e-1`)
		case n < 9:
			var parts []string
			for _, k := range []string{"a", "b", "c"} {
				if rnd.IntN(2) == 0 {
					parts = append(parts, fmt.Sprintf("%q:%s", k, record(depth+1)))
				}
			}
			return "{" + strings.Join(parts, ",") + "}"
		case n < 11:
			var parts []string
			for range rnd.IntN(3) {
				if x := record(depth + 1); x[0] != '[' {
					parts = append(parts, x)
				}
			}
			return "[" + strings.Join(parts, ",") + "]"
		}
		return pick(`"{\"b\":\"foo\"}"`, `"[{\"b\":5}]"`)
	}
	compared, held := 0, 0
	rounds := 600
	if everything() {
		rounds = 20_000
	}
	for range rounds {
		var b strings.Builder
		b.WriteString("title: t\nsigma-version: 3\nlogsource: {product: x}\ndetection:\n")
		for _, s := range []string{"x", "y"} {
			fmt.Fprintf(&b, "  %s:\n    %s\n", s, key())
			if second := key(); rnd.IntN(3) == 0 && !strings.Contains(b.String(), "    "+second[:strings.Index(second, ":")]+":") {
				fmt.Fprintf(&b, "    %s\n", second)
			}
		}
		fmt.Fprintf(&b, "  k: [%s]\n", pick("foo", "'f*o'", "5", "b"))
		fmt.Fprintf(&b, "  condition: %s\n", pick("x", "x and y", "x or y", "not x", "x and not y", "1 of them", "all of *", "2 of them", "k and x", "not k or y"))
		rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(b.String())}}, bare)
		if len(rules) != 1 {
			for _, x := range refusals {
				if !strings.Contains(x.Reason, "appears twice") {
					t.Fatalf("%s\n%s", b.String(), x.Error())
				}
			}
			continue
		}
		m := newMatcher(t, rules[0].When)
		for range 40 {
			rec := fmt.Sprintf(`{"a":%s,"b":%s}`, record(0), record(0))
			x, err := parseTree([]byte(rec))
			if err != nil {
				t.Fatal(err)
			}
			got, want := m.match(t, rec), x.holds(rules[0].When)
			if got != want {
				t.Fatalf("engine %v, reference %v\n%s\n%s", got, want, b.String(), rec)
			}
			compared++
			if got {
				held++
			}
		}
	}
	if compared < 10_000 || held < compared/10 || held > compared*9/10 {
		t.Errorf("%d pairs compared, %d held: the words are badly chosen", compared, held)
	}
	t.Logf("%d pairs of rule and record agree, %d held", compared, held)
}
