package kql

import (
	"regexp"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// parse binds parse and parse-where: the pattern becomes one regular expression,
// and its groups the columns.
func (b *binder) parse(r *rel, op *opNode, s *scope) (*rel, error) {
	x, err := b.expr(op.x, s)
	if err != nil {
		return nil, err
	}
	src, ok := textOf(x)
	if !ok {
		return nil, b.errAt(op.x.span(), "convert it with tostring()", "parse takes text, not %s", x.Type)
	}
	kind := op.opts["kind"]
	if kind != "" && kind != "simple" && kind != "relaxed" && kind != "regex" {
		return nil, b.errAt(op.optAt["kind"], "simple, regex or relaxed", "unknown kind of parse '%s'", kind)
	}
	// In the simple kinds the pattern is anchored by what it says and * skips as
	// little as it can; in kind=regex texts are regular expressions.
	var re strings.Builder
	flags := op.opts["flags"]
	re.WriteString("(?")
	if !strings.Contains(flags, "s") {
		re.WriteString("s")
	}
	for _, f := range flags {
		if strings.ContainsRune("imsU", f) {
			re.WriteRune(f)
		}
	}
	re.WriteString(")")
	if kind != "regex" {
		re.WriteString("^")
	}
	type out struct {
		name string
		typ  Type
	}
	var outs []out
	lazy := ".*?"
	if strings.Contains(flags, "U") {
		lazy = ".*"
	}
	for i, it := range op.items {
		last := i == len(op.items)-1
		switch {
		case it.nulls == "text":
			t := it.step
			if kind != "regex" {
				t = regexp.QuoteMeta(t)
			} else {
				if _, err := re2(t); err != nil {
					return nil, b.errAt(it.Span, "", "bad regular expression: %v", err)
				}
				t = uncapture(t)
			}
			re.WriteString(t)
		case it.wild != "":
			if last {
				re.WriteString(".*")
			} else {
				re.WriteString(lazy)
			}
		default:
			g := "(" + lazy + ")"
			if last || kind == "regex" {
				g = "(.*)" // a column of a regular expression takes what it can
			}
			next := i+1 < len(op.items) && op.items[i+1].nulls != "text"
			switch it.typ {
			case fn.Long, fn.Int:
				if kind != "relaxed" || next {
					g = `\s*([+-]?\d+)`
				}
			case fn.Real, fn.Decimal:
				if kind != "relaxed" || next {
					g = `\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)`
				}
			}
			re.WriteString(g)
			outs = append(outs, out{it.names[0], it.typ})
		}
	}
	if kind != "regex" {
		re.WriteString("$")
	}
	if len(outs) > 200 {
		return nil, b.errAt(op.Span, "", "parse has more than 200 columns")
	}
	pattern := re.String()
	if _, err := re2(pattern); err != nil {
		return nil, b.errAt(op.Span, "", "bad pattern: %v", err)
	}
	// The groups are a struct, computed once.
	f := Frag{"regexp_extract("}
	f = append(f, src.SQL...)
	f = append(f, ", "+QuoteString(pattern))
	if len(outs) > 0 {
		f = append(f, ", [")
		for i := range outs {
			if i > 0 {
				f = append(f, ", ")
			}
			f = append(f, "'g"+itoa(i)+"'")
		}
		f = append(f, "]")
	}
	f = append(f, ")")
	groups := b.computed("parse", &Expr{Type: fn.Dynamic, SQL: f})
	hit := b.computed("hit", E(fn.Bool, "regexp_matches(", src, ", ", QuoteString(pattern), ")"))
	first := &calc{in: r, defs: []*column{groups, hit}}
	mid := *r
	mid.op = first
	mid.hidden = append(slices.Clone(r.hidden), groups, hit)
	c := &calc{in: &mid}
	q := *r
	q.op = c
	q.fields = slices.Clone(r.fields)
	// Unless the kind is relaxed a row fits as a whole or not at all: a text that is
	// no value of its column's type empties the other columns too.
	strict, typed := kind != "relaxed", 0
	conv := Frag{hit}
	vals := make([]*Expr, len(outs))
	for i, o := range outs {
		text := E(fn.String, groups, ".g"+itoa(i)).NotNull()
		vals[i] = text
		if o.typ != fn.String {
			vals[i] = convert(E(fn.String, "nullif(", text, ",'')"), o.typ)
			typed++
			if strict {
				conv = S(conv, " AND (", vals[i], " IS NOT NULL OR ", text, " = '')")
			}
		}
	}
	if op.name == "parse" && strict && typed > 0 && len(outs) > 1 {
		whole := b.computed("whole", E(fn.Bool, "(", conv, ")"))
		c2 := &calc{in: &mid, defs: []*column{whole}}
		fits := mid
		fits.op, fits.hidden = c2, append(slices.Clone(mid.hidden), whole)
		c.in = &fits
		for i, v := range vals {
			if v.Type == fn.String {
				vals[i] = E(fn.String, "CASE WHEN ", whole, " THEN ", v, " ELSE '' END").NotNull()
			} else {
				vals[i] = E(v.Type, "CASE WHEN ", whole, " THEN ", v, " END")
			}
		}
	}
	for i, o := range outs {
		col := b.computed(o.name, vals[i])
		c.defs = append(c.defs, col)
		if j := slices.IndexFunc(q.fields, func(f field) bool { return f.name == o.name }); j >= 0 {
			q.fields[j].col = col
		} else {
			q.fields = append(q.fields, field{o.name, col})
		}
	}
	q.hidden = keepOrder(&q)
	if op.name == "parse-where" {
		c.in = &rel{op: &filter{in: &mid, where: S("(", conv, ")")}, fields: mid.fields, hidden: mid.hidden, order: mid.order}
	}
	return &q, nil
}

// uncapture makes the groups of a regular expression not count.
func uncapture(re string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(re); i++ {
		switch {
		case re[i] == '\\' && i+1 < len(re):
			b.WriteString(re[i : i+2])
			i++
			continue
		case re[i] == '[':
			class = true
		case re[i] == ']':
			class = false
		case re[i] == '(' && !class && (i+1 >= len(re) || re[i+1] != '?'):
			b.WriteString("(?:")
			continue
		}
		b.WriteByte(re[i])
	}
	return b.String()
}

// parseKV binds parse-kv: the value of each key is found by a regular expression.
func (b *binder) parseKV(r *rel, op *opNode, s *scope) (*rel, error) {
	x, err := b.expr(op.x, s)
	if err != nil {
		return nil, err
	}
	src, ok := textOf(x)
	if !ok {
		return nil, b.errAt(op.x.span(), "", "parse-kv takes text, not %s", x.Type)
	}
	pair, kv, quoteBy := op.opts["with pair_delimiter"], op.opts["with kv_delimiter"], op.opts["with quote"]
	esc := op.opts["with escape"]
	if op.opts["with regex"] != "" {
		re := op.opts["with regex"]
		if _, err := re2(re); err != nil {
			return nil, b.errAt(op.Span, "", "bad regular expression: %v", err)
		}
	}
	c := &calc{in: r}
	q := *r
	q.op = c
	q.fields = slices.Clone(r.fields)
	for _, d := range op.cols {
		var v *Expr
		if re := op.opts["with regex"]; re != "" {
			list := S("list_zip(regexp_extract_all(", src, ", ", QuoteString(re), ", 1), regexp_extract_all(", src, ", ", QuoteString(re), ", 2))")
			v = str("list_filter(", list, ", lambda e : e[1] = ", QuoteString(d.name), ")[1][2]")
		} else {
			v = str("nullif(regexp_extract(", src, ", ", QuoteString(kvPattern(d.name, pair, kv, quoteBy, esc, op.opts["with greedy"] == "true")), ", 1), '')")
			if quoteBy != "" {
				open, end := quoteBy[:1], quoteBy[len(quoteBy)-1:]
				inner := S("regexp_extract(", v, ", ", QuoteString("(?s)^"+regexp.QuoteMeta(open)+"(.*)"+regexp.QuoteMeta(end)+"$"), ", 1)")
				v = str("CASE WHEN starts_with(", v, ", ", QuoteString(open), ") AND ends_with(", v, ", ", QuoteString(end), ") AND length(", v, ") > 1 THEN ", inner, " ELSE ", v, " END")
				if esc != "" {
					v = str("replace(replace(", v, ", ", QuoteString(esc+end), ", ", QuoteString(end), "), ", QuoteString(esc+esc), ", ", QuoteString(esc), ")")
				}
			}
		}
		y := v
		if d.typ != fn.String {
			y = convert(v, d.typ)
		}
		col := b.computed(d.name, y)
		c.defs = append(c.defs, col)
		if j := slices.IndexFunc(q.fields, func(f field) bool { return f.name == d.name }); j >= 0 {
			q.fields[j].col = col
		} else {
			q.fields = append(q.fields, field{d.name, col})
		}
	}
	q.hidden = keepOrder(&q)
	return &q, nil
}

// kvPattern finds key<kv>value; without a pair delimiter a pair ends before any
// sign that is no letter, digit or part of a value.
func kvPattern(key, pair, kv, quoteBy, esc string, greedy bool) string {
	var v string
	if quoteBy != "" {
		open, end := regexp.QuoteMeta(quoteBy[:1]), regexp.QuoteMeta(quoteBy[len(quoteBy)-1:])
		if esc != "" {
			e := regexp.QuoteMeta(esc)
			v = open + "(?:" + e + ".|[^" + end + e + "])*" + end + "|"
		} else {
			v = open + "[^" + end + "]*" + end + "|"
		}
	}
	key = regexp.QuoteMeta(key)
	if quoteBy != "" {
		key = regexp.QuoteMeta(quoteBy[:1]) + `?` + key + regexp.QuoteMeta(quoteBy[len(quoteBy)-1:]) + `?`
	} else {
		key = `"?` + key + `"?`
	}
	before := `(?:^|[^\w])`
	if pair != "" {
		p := regexp.QuoteMeta(pair)
		before = `(?:^|` + p + `)\s*`
		if greedy {
			v += `.*?)(?:\s*` + p + `[^` + p + `]+?` + regexp.QuoteMeta(kv) + `|\s*$)`
		} else {
			v += `.*?)(?:\s*` + p + `|\s*$)`
		}
	} else {
		v += `[^\s,;|&]+)`
	}
	sep := regexp.QuoteMeta(kv)
	if kv == "" {
		sep = "[=:]"
	}
	return `(?s)` + before + key + `\s*` + sep + `\s*(` + v
}
