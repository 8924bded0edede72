package query

import (
	"bytes"
	"encoding/json"
	"math/big"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/slot"
)

// FuzzPattern compares patterns with a plain matcher that tries everything.
func FuzzPattern(f *testing.F) {
	for _, s := range [][2]string{{"a*b", "a\nb"}, {"*a?c*", "xabcx"}, {"**", ""}, {"a*a", "a"}, {"?*?", "日本"}, {"*ab*ab", "abab"}, {"", ""}, {"\xff*", "\xff"}, {"*\xe4", "\xe4\xb8\xad\xe4"}} {
		f.Add(s[0], s[1], true)
		f.Add(s[0], s[1], false)
	}
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		if len(pattern) > 40 || len(text) > 60 || !utf8.ValidString(pattern) {
			return
		}
		p := glob(pattern).Pattern
		want := wildcards([]rune(pattern), chars(text, fold), fold)
		if got := p.Match([]byte(text), fold); got != want {
			t.Errorf("%q on %q (fold %v): got %v", pattern, text, fold, got)
		}
		form := func(s string) string {
			if fold {
				return string(AppendFold(nil, []byte(s)))
			}
			return s
		}
		if op, lit, ok := p.Literal(); ok {
			a, b := form(text), form(lit)
			var plain bool
			switch op {
			case Eq:
				plain = a == b
			case Prefix:
				plain = strings.HasPrefix(a, b)
			case Suffix:
				plain = strings.HasSuffix(a, b)
			case Contains:
				plain = strings.Contains(a, b)
			}
			if plain != want {
				t.Errorf("%q on %q (fold %v): the plainer question answers %v", pattern, text, fold, plain)
			}
		}
		if lit, _ := compilePattern(p, fold).literal(); want && !strings.Contains(form(text), string(lit)) {
			t.Errorf("%q matches %q, which lacks %q", pattern, text, lit)
		}
	})
}

// chars splits a text into characters; bytes that are not UTF-8 are one each, below 0.
func chars(text string, fold bool) []rune {
	var out []rune
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			r = -1 - rune(text[i])
		} else if fold {
			r = foldRune(r)
		}
		out = append(out, r)
		i += n
	}
	return out
}

func wildcards(p, text []rune, fold bool) bool {
	// reach[i]: the pattern so far can match text[:i].
	reach := make([]bool, len(text)+1)
	reach[0] = true
	for _, c := range p {
		next := make([]bool, len(text)+1)
		for i := range reach {
			switch {
			case c == '*':
				next[i] = reach[i] || i > 0 && next[i-1]
			case i == 0:
			case c == '?':
				next[i] = reach[i-1]
			default:
				if fold {
					c = foldRune(c)
				}
				next[i] = reach[i-1] && text[i-1] == c
			}
		}
		reach = next
	}
	return reach[len(text)]
}

// FuzzFold compares folded forms with strings.EqualFold.
func FuzzFold(f *testing.F) {
	for _, s := range [][2]string{{"a", "A"}, {"kelvin", "\u212Aelvin"}, {"ſ", "S"}, {"Σ", "ς"}, {"İ", "i"}, {"ß", "ẞ"}, {"ǅ", "ǆ"}, {"abcdefgh", "abcdefgH"}, {"[`{@", "[`{@"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		fa := string(AppendFold(nil, []byte(a)))
		if isFolded([]byte(a)) && fa != a {
			t.Errorf("%q is said to be folded, but folds to %q", a, fa)
		}
		if again := string(AppendFold(nil, []byte(fa))); again != fa {
			t.Errorf("%q folds to %q, and that to %q", a, fa, again)
		}
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return // strings.EqualFold takes all bytes that are not UTF-8 for equal
		}
		for _, s := range []string{b, strings.ToUpper(a), strings.ToLower(a), strings.ToTitle(a)} {
			if got, want := bytes.Equal(AppendFold(nil, []byte(a)), AppendFold(nil, []byte(s))), strings.EqualFold(a, s); got != want {
				t.Errorf("%q and %q: got %v", a, s, got)
			}
		}
	})
}

// FuzzAddr compares addresses with net/netip.
func FuzzAddr(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "::", "::1", "1::", "2001:db8::1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:192.0.2.1", "fe80::1%eth0",
		"01.2.3.4", "256.1.1.1", "1.2.3", "1::2::3", ":1", "1:", "12345::", "::1.2.3.4.5", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "1:2:3:4::5:6:7:8", ":::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		ok := err == nil && want.Zone() == ""
		got, gotOK := parseAddr([]byte(s))
		if gotOK != ok || ok && got != want {
			t.Errorf("%q: got %v %v, want %v %v", s, got, gotOK, want, ok)
		}
	})
}

// FuzzNumber compares decimal forms with exact fractions.
func FuzzNumber(f *testing.F) {
	for _, s := range [][2]string{{"403", "403.0"}, {"4.03e2", "403"}, {"-0", "0"}, {"0e5", "0.000"}, {"1e3", "1000"}, {"9007199254740993", "9007199254740992"}, {"+1", "01"}, {"0.10", "1e-1"}, {"1e-400", "1e-401"}, {"-9007199254740993", "-9007199254740992"}, {"-1", "1e-9"}, {"99", "100"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		rat := func(s string) *big.Rat {
			if !isNumber([]byte(s)) {
				return nil
			}
			if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > 5 {
				return nil
			}
			r, ok := new(big.Rat).SetString(s)
			if !ok {
				t.Errorf("%q is taken for a number", s)
			}
			return r
		}
		ra, rb := rat(a), rat(b)
		if ra == nil || rb == nil {
			return
		}
		da, _ := appendDecimal(nil, []byte(a))
		db, _ := appendDecimal([]byte("x"), []byte(b))
		if (string(da) == string(db[1:])) != (ra.Cmp(rb) == 0) {
			t.Errorf("%s is %s, %s is %s", a, da, b, db)
		}
		if got := compareDecimal(da, db[1:]); got < 0 != (ra.Cmp(rb) < 0) || got > 0 != (ra.Cmp(rb) > 0) {
			t.Errorf("%s against %s is %d, want %d", a, b, got, ra.Cmp(rb))
		}
		fa, ok := parseNumber([]byte(a))
		if want, _ := ra.Float64(); !ok || fa != want {
			t.Errorf("%s reads as %v, want %v", a, fa, want)
		}
	})
}

// FuzzTime compares times with time.Parse, and must not fail on any text.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-02-03T04:05:06Z", "2026-02-03T04:05:06.789+09:00", "2026-02-30T00:00:00Z", "2026-02-03", "1767225600", "1767225600123", "2026-02-03T24:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTime([]byte(s))
		want, err := time.Parse(time.RFC3339, s)
		strict := strings.IndexByte(s, ':') == len("2006-01-02T15") // package time reads an hour of one digit too
		if err == nil && strict && want.Year() > 0 && (!ok || !got.Equal(want.Truncate(time.Second))) {
			t.Errorf("%q: got %v %v, want %v", s, got, ok, want)
		}
		if ok && (got.Month() < 1 || got.Day() < 1) {
			t.Errorf("%q: %v", s, got)
		}
	})
}

// FuzzGroup compares predicates that are judged together with the same ones asked
// one by one, and checks that where one holds its witness is met.
func FuzzGroup(f *testing.F) {
	f.Add(`{"a":"abcdef"}`, "bcde", "ABC", true)
	f.Add(`{"a":{"b":"{\"c\":\"d\"}"}}`, `"c":"d"`, "c", true)
	f.Add(`{"a":[1.0,"1",null,true,{"x":[]}]}`, "1", "true", false)
	f.Add(`{"a":"10.1.2.3","10":1e1}`, "10", "1", false)
	f.Add(`{"a":"\u212A\uD83D\uDE00aaaaaaaaaaaa"}`, "k", "aaaaa", true)
	f.Fuzz(func(t *testing.T, record, x, y string, fold bool) {
		exprs := groupable(x, y, fold)
		b := slot.NewBuilder()
		together, apart := NewSet(b), NewSet(b)
		apart.alone = true
		var ps, qs []*Program
		for _, e := range exprs {
			p, err := together.Add(e)
			if err != nil {
				t.Fatal(err)
			}
			q, err := apart.Add(e)
			if err != nil {
				t.Fatal(err)
			}
			ps, qs = append(ps, p), append(qs, q)
		}
		wits := together.Witnesses()
		together.Seal()
		apart.Seal()
		plan := b.Plan()
		doc := plan.NewDoc()
		if n, err := plan.Scan([]byte(record), doc); err != nil || strings.TrimSpace(record[n:]) != "" {
			return
		}
		st := together.NewState()
		// What a group said of a text is remembered: the record comes again after another.
		other, err := json.Marshal(map[string]string{"a": x})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range []string{record, string(other), record, record} {
			if _, err := plan.Scan([]byte(rec), doc); err != nil {
				t.Fatal(err)
			}
			st.Begin(doc, Meta{})
			compareGroups(t, rec, exprs, ps, qs, wits, doc, st)
		}
	})
}

// compareGroups holds the answers of programs judged together against those judged apart.
func compareGroups(t *testing.T, record string, exprs []Expr, ps, qs []*Program, wits []Witness, doc *slot.Doc, st *State) {
	su := qs[0].NewState()
	su.Begin(doc, Meta{})
	fired := map[PredID]bool{}
	for _, p := range st.Fired() {
		fired[p] = true
	}
	for i := range exprs {
		p := exprs[i].(*Pred)
		got, want := ps[i].Holds(st), qs[i].Holds(su)
		if got != want {
			t.Errorf("record %q: op %s, conv %d, fold %v, args %v: together %v, apart %v", record, opName(p.Op), p.Field.Conv, p.Fold, allArgs(p), got, want)
		}
		if !want {
			continue
		}
		met := wits[i].Always
		for _, p := range wits[i].Preds {
			met = met || fired[p]
		}
		for _, s := range wits[i].Slots {
			met = met || doc.First(s) >= 0
		}
		if !met {
			t.Errorf("record %q: %s %s holds, but its witness is not met", record, opName(p.Op), allArgs(p))
		}
		if why, err := json.Marshal(ps[i].Why(st)); err != nil || len(why) < 3 {
			t.Errorf("no explanation: %s %v", why, err)
		}
	}
}

// groupable makes predicates of every kind that looks for texts.
func groupable(x, y string, fold bool) []Expr {
	var exprs []Expr
	valid := utf8.ValidString(x) && utf8.ValidString(y)
	for _, args := range [][]string{{x}, {y}, {x, y}, {x + y}, {y + x, x}} {
		for _, o := range []Op{Eq, Prefix, Suffix, Contains} {
			exprs = append(exprs, op(o, fold, args...), raw(op(o, fold, args...)), str(op(o, fold, args...)))
		}
		exprs = append(exprs, typed(op(Eq, fold, args...)), keyword(op(Contains, fold, args...)))
		if !valid {
			continue
		}
		var globs []string
		for _, s := range args {
			globs = append(globs, s+"*", "*"+s, "*"+s+"?*", s)
		}
		for i := range globs {
			exprs = append(exprs, patterns(fold, globs[i]), keyword(patterns(fold, globs[i])))
		}
		exprs = append(exprs, patterns(fold, globs...))
		for _, s := range args {
			for _, e := range []string{regexp.QuoteMeta(s), "(?i)" + regexp.QuoteMeta(s), "^" + regexp.QuoteMeta(s) + "+", s} {
				if _, err := regexp.Compile(e); err == nil && len(e) < 100 {
					exprs = append(exprs, re(e))
				}
			}
		}
	}
	return append(exprs, cidr("10.0.0.0/8"), cidr("::/0", "10.1.0.0/16"), cidr("0.0.0.0/0"))
}

// FuzzWalk compares the walks over members and words with encoding/json.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{`[1, "a\"]," ,{"k":[null,true]},[""],""]`, `[]`, `{"a":{"b":["x",-1.5e3,false]}}`, `[[[]],{}]`} {
		f.Add(s)
	}
	plan := slot.NewBuilder().Plan()
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) || !utf8.ValidString(s) || strings.Contains(s, `\u`) {
			return // encoding/json and we read lone surrogates and bytes that are not UTF-8 alike, but write them apart
		}
		doc := plan.NewDoc()
		if _, err := plan.Scan([]byte(s), doc); err != nil {
			return
		}
		var want []json.RawMessage
		if json.Unmarshal([]byte(s), &want) == nil && strings.HasPrefix(strings.TrimSpace(s), "[") {
			var got []json.RawMessage
			members(doc.Record(), func(raw []byte) bool { got = append(got, raw); return true })
			if len(got) != len(want) {
				t.Fatalf("%s: %d members, want %d", s, len(got), len(want))
			}
			for i := range got {
				if a, b := strings.TrimSpace(string(got[i])), string(want[i]); a != b {
					t.Errorf("%s: member %d is %s, want %s", s, i, a, b)
				}
			}
		}
		p, err := Compile(Const(true), slot.NewBuilder())
		if err != nil {
			t.Fatal(err)
		}
		st := p.NewState()
		st.Begin(doc, Meta{})
		var words []string
		st.words(func(it *item) bool { words = append(words, string(it.text)); return true })
		var tokens []string
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		for {
			tok, err := dec.Token()
			if err != nil {
				break
			}
			switch x := tok.(type) {
			case string:
				tokens = append(tokens, x)
			case json.Number:
				tokens = append(tokens, x.String())
			case bool:
				tokens = append(tokens, strconv.FormatBool(x))
			}
		}
		if strings.Join(words, "|") != strings.Join(tokens, "|") {
			t.Errorf("%s: words %q, want %q", s, words, tokens)
		}
	})
}
