package kql

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// textOf is x as text for an operator on text.
func textOf(x *Expr) (*Expr, bool) {
	switch x.Type {
	case fn.String:
		return x, true
	case fn.Dynamic:
		// A bag or an array is searched as it is written.
		return convert(x, fn.String), true
	case fn.Bool:
		return nil, false
	}
	return convert(x, fn.String), true
}

// caseless reports whether a text stands in another exactly where it does without regard to
// case: an address, a number, a sign.
func caseless(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool {
		return c >= utf8.RuneSelf || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}) < 0
}

// inASCII is the condition that a pattern of terms matches x where x is ASCII, and else what
// the slower exact says. A class of all the world's letters takes the engine milliseconds to
// make ready, for each pattern of a query, and lower case a copy of the text for each row.
func inASCII(x Frag, pattern string, cs bool, exact Frag) Frag {
	if !cs {
		pattern = "(?i)" + pattern
	}
	return S("CASE WHEN strlen(", x, ") = length(", x, ") THEN regexp_matches(", x, ", ", QuoteString(pattern), ") ELSE ", exact, " END")
}

// The border of a term in ASCII, on its left and on its right.
const (
	borderLeft  = `(?:^|[^0-9A-Za-z])`
	borderRight = `(?:$|[^0-9A-Za-z])`
)

// termPattern is the regular expression for a term in ASCII text: no letter or
// digit stands beside it.
func termPattern(term string, left, right bool) string {
	l, r := fn.Borders(term)
	p := regexp.QuoteMeta(term)
	if left && l {
		p = borderLeft + p
	}
	if right && r {
		p += borderRight
	}
	return p
}

func (b *binder) textOp(op string, l, r *Expr, sp Span) (*Expr, error) {
	lt, ok1 := textOf(l)
	rt, ok2 := textOf(r)
	if !ok1 || !ok2 {
		return nil, b.errAt(sp, "convert it with tostring()", "%s needs text, not %s and %s", op, l.Type, r.Type)
	}
	not := strings.HasPrefix(op, "!") && op != "!~"
	name := strings.TrimPrefix(op, "!")
	var f Frag
	if op == "!~" {
		name, not = "=~", true
	}
	if op == "matches regex" {
		return b.matchesRegex(lt, rt, sp)
	}
	cs := strings.HasSuffix(name, "_cs") || rt.Const != nil && caseless(rt.Const.Str)
	name = strings.TrimSuffix(name, "_cs")
	ls := lt.SQL
	low := func(f Frag, e *Expr) Frag {
		if cs || e.lower {
			return f
		}
		if e.Const != nil {
			return S(QuoteString(strings.ToLower(e.Const.Str)))
		}
		return S("lower(", f, ")")
	}
	lv, rv := low(ls, lt), low(rt.SQL, rt)
	switch name {
	case "=~":
		f = S("(", lv, " = ", rv, ")")
	case "contains":
		f = S("contains(", lv, ", ", rv, ")")
	case "startswith":
		f = S("starts_with(", lv, ", ", rv, ")")
	case "endswith":
		f = S("ends_with(", lv, ", ", rv, ")")
	case "has", "hasprefix", "hassuffix":
		left, right := name != "hassuffix", name != "hasprefix"
		if rt.Const == nil {
			f = S("kql_term(", lv, ", ", rv, ", "+boolText(left)+", "+boolText(right)+")")
			break
		}
		term := rt.Const.Str
		if !cs {
			term = strings.ToLower(term)
		}
		if term == "" {
			f = S("true")
			break
		}
		exact := S("kqlg_bordered(", lv, ", ", QuoteString(term), ", ", boolText(left), ", ", boolText(right), ")")
		f = S("(contains(", lv, ", ", QuoteString(term), ") AND ", inASCII(ls, termPattern(term, left, right), cs, exact), ")")
	default:
		return nil, b.errAt(sp, "", "operator %s is not supported", op)
	}
	if not {
		return E(fn.Bool, "(NOT ", f, ")").NotNull(), nil
	}
	e := E(fn.Bool, f).NotNull()
	e.holding(l, rt)
	return e, nil
}

func boolText(v bool) string {
	if v {
		return "true"
	}
	return "false"
}

func (b *binder) matchesRegex(l, r *Expr, sp Span) (*Expr, error) {
	if r.Const == nil {
		return orNull(E(fn.Bool, "regexp_matches(", l, ", ", r, ", 's')"), l, r), nil
	}
	p, err := re2(r.Const.Str)
	if err != nil {
		return nil, b.errAt(sp, "the syntax is RE2's: no look-ahead, no back-references", "bad regular expression: %v", err)
	}
	return E(fn.Bool, "regexp_matches(", l, ", ", QuoteString(p), ")").NotNull(), nil
}

// re2 checks a regular expression.
func re2(p string) (string, error) {
	if len(p) > 10_000 {
		p = p[:10_000]
	}
	if _, err := regexp.Compile(p); err != nil {
		return "", err
	}
	return p, nil
}
