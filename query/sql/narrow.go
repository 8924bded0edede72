package sql

import (
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// Columns say what a coarse question may look at.
type Columns struct {
	// Raw is the SQL of the record's text; "" asks nothing of it.
	Raw string
	// Heads are the SQL of columns by the path of the field that they hold, its keys joined
	// with points: {"eventName": `h."action"`}. Whoever gives them vouches that a column is
	// the text of the field's only value, or '' where there is no such one: then nothing
	// is lost. A column that holds the first of several values is not one of these.
	Heads map[string]string
}

// Narrow writes a condition that holds for every record for which the expression holds, and
// for others: what can be told from columns and from the bare text of the record, without
// reading it as JSON. It is "true" where nothing can be told.
func Narrow(expr query.Expr, c Columns) string {
	if text := c.narrow(expr, 0); text != "" {
		return text
	}
	return "true"
}

// narrow returns "" for what cannot be told.
func (c Columns) narrow(expr query.Expr, depth int) string {
	if depth > maxDepth {
		return ""
	}
	switch x := expr.(type) {
	case *query.And:
		var terms []string
		for _, kid := range x.X {
			if t := c.narrow(kid, depth+1); t != "" && !slices.Contains(terms, t) {
				terms = append(terms, t)
			}
		}
		return joined(terms, " AND ")
	case *query.Or:
		var terms []string
		for _, kid := range x.X {
			t := c.narrow(kid, depth+1)
			if t == "" {
				return ""
			}
			terms = append(terms, t)
		}
		return joined(terms, " OR ")
	case *query.Each:
		if x.Quant == query.EachAny || x.Quant == query.EachAll {
			inner := Columns{Raw: c.Raw} // paths inside begin at the member
			return inner.narrow(x.Where, depth+1)
		}
	case *query.Pred:
		return c.pred(x)
	}
	return ""
}

func joined(terms []string, op string) string {
	switch len(terms) {
	case 0:
		return ""
	case 1:
		return terms[0]
	}
	return "(" + strings.Join(terms, op) + ")"
}

// maxNarrow is how many alternatives are asked for; more are not worth it.
const maxNarrow = 200

func (c Columns) pred(x *query.Pred) string {
	if x.Ref != nil || x.Field.Derive != nil || len(x.Args) == 0 || len(x.Args) > maxNarrow {
		return ""
	}
	head := c.head(x)
	if head == "" && c.Raw == "" {
		return ""
	}
	var terms []string
	for k := range x.Args {
		a := &x.Args[k]
		op, text := x.Op, a.Text
		if x.Op == query.Glob || x.Op == query.Keyword {
			op = query.Contains
			if a.Pattern != nil {
				if text = longest(a.Pattern); text == "" {
					return ""
				}
				if lop, lit, ok := a.Pattern.Literal(); ok && x.Op == query.Glob {
					op, text = lop, lit
				}
			}
		}
		if _, number := readNumber(text); number && op == query.Eq {
			return "" // a number is equal however it is written
		}
		if op != query.Eq && op != query.Prefix && op != query.Suffix && op != query.Contains || !isASCII(text) {
			return ""
		}
		lit, err := literal(lowerASCII(text))
		if err != nil {
			return ""
		}
		switch {
		case head != "" && text != "":
			terms = append(terms, map[query.Op]string{query.Eq: "lower(" + head + ") = " + lit, query.Prefix: "starts_with(lower(" + head + "), " + lit + ")",
				query.Suffix: "ends_with(lower(" + head + "), " + lit + ")", query.Contains: "contains(lower(" + head + "), " + lit + ")"}[op])
		case c.Raw != "" && len(text) >= 3 && isWord(text):
			terms = append(terms, "contains(lower("+c.Raw+"), "+lit+")")
		default:
			return ""
		}
	}
	// A text beyond ASCII may fold to letters, and one with escapes spells them otherwise.
	if head != "" {
		return "(" + head + " = '' OR strlen(" + head + ") <> length(" + head + ") OR " + strings.Join(terms, " OR ") + ")"
	}
	return "(" + strings.Join(terms, " OR ") + ` OR contains(` + c.Raw + `, '\u') OR contains(` + c.Raw + `, '%') OR strlen(` + c.Raw + `) <> length(` + c.Raw + "))"
}

// head returns the column that holds a predicate's field.
func (c Columns) head(x *query.Pred) string {
	if x.Op == query.Keyword || len(x.Field.Paths) != 1 || x.Field.Conv != query.ConvAny {
		return ""
	}
	var keys []string
	for _, seg := range x.Field.Paths[0].Segs {
		if seg.IsIndex {
			return ""
		}
		keys = append(keys, seg.Key)
	}
	return c.Heads[strings.Join(keys, ".")]
}

// longest returns the longest run of plain characters of a pattern.
func longest(p *query.Pattern) string {
	best := ""
	for _, piece := range p.Pieces {
		from := 0
		for i := 0; i <= len(piece.Runes); i++ {
			if i < len(piece.Runes) && !piece.Any[i] {
				continue
			}
			if run := string(piece.Runes[from:i]); len(run) > len(best) {
				best = run
			}
			from = i + 1
		}
	}
	return best
}
