package kql

import (
	"strconv"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// leastShare is the share of rows that a pattern of autocluster() has at least, and
// mostPatterns how many there are of them at most.
const (
	leastShare   = 0.01
	mostPatterns = 50
)

// autocluster finds the patterns that say most of the rows: combinations of values
// that many rows share (coverage) and that fix many columns (shared values). A pattern's
// score is the weighted geometric mean of the two; one stays if no pattern that is more
// general or more special has a higher score. Kusto searches from seeds for the same
// score; here every combination is looked at, so the seeds are read and not used.
func (b *binder) autocluster(r *rel, n *callNode, e *env) (*rel, error) {
	weight := 0.5
	wild := map[Type]*Expr{}
	for i, a := range n.args {
		x, err := b.scalar(a.value, e)
		if err != nil {
			return nil, err
		}
		if x.Const == nil {
			return nil, b.errAt(a.Span, "such as autocluster(0.6)", "autocluster() takes constants: the weight of coverage, a weight column, the seeds, wildcards")
		}
		if x.Const.Null || x.Type == fn.String && x.Const.Str == "~" {
			continue // the default
		}
		switch {
		case i == 0 && isNumber(x.Type):
			if weight = x.Const.Real; x.Type != fn.Real {
				weight = float64(x.Const.Int)
			}
			if weight < 0 || weight > 1 {
				return nil, b.errAt(a.Span, "such as 0.5", "the weight of autocluster() is between 0 and 1")
			}
		case i == 2 && isNumber(x.Type):
		case i > 2:
			wild[x.Type] = x
		default:
			return nil, b.errAt(a.Span, "leave it out, or write '~'", "argument %d of autocluster() is not supported", i+1)
		}
	}
	p, err := b.patterns(r, n)
	if err != nil {
		return nil, err
	}
	mask, score := b.newColumn("mask", fn.Long), b.newColumn("score", fn.Real)
	var shown, same Frag
	for i, f := range p.in.fields {
		bit := strconv.Itoa(1 << (len(p.in.fields) - 1 - i))
		rest := Frag{open(f.col)}
		if w := wild[f.col.typ]; w != nil {
			rest = w.SQL
		}
		shown = S(shown, ", CASE WHEN (p.", mask, " & "+bit+") = 0 THEN p.", f.col, " ELSE ", rest, " END AS ", p.shown[i])
		same = S(same, " AND (((p.", mask, " | o.", mask, ") & "+bit+") > 0 OR p.", f.col, " IS NOT DISTINCT FROM o.", f.col, ")")
	}
	all := strconv.Itoa(len(p.in.fields))
	w := strconv.FormatFloat(weight, 'g', -1, 64)
	// The patterns, with a bit in mask for every column that is open.
	head := S("(WITH p AS MATERIALIZED (SELECT *, pow(", p.count, " / ", p.total, ", "+w+") * pow(", p.dims, " / "+all+", 1 - "+w+") AS ", score,
		" FROM (SELECT ", p.keys, ", CAST(sum(", p.num, ") AS BIGINT) AS ", p.count, ", max(", p.total, ") AS ", p.total, ", GROUPING(", p.keys, ") AS ", mask, ", ", p.fixed, " AS ", p.dims,
		" FROM (SELECT *, sum(", p.num, ") OVER () AS ", p.total, " FROM ")
	tail := S(") GROUP BY CUBE (", p.keys, ")) WHERE ", p.dims, " > 0 AND ", p.count, " >= "+strconv.FormatFloat(leastShare, 'g', -1, 64)+" * ", p.total, ")",
		" SELECT row_number() OVER (ORDER BY p.", score, " DESC, p.", p.count, " DESC, p.", mask, ") - 1 AS ", p.seg, ", p.", p.count, ", 100.0 * p.", p.count, " / p.", p.total, " AS ", p.percent, shown,
		" FROM p WHERE NOT EXISTS (SELECT 1 FROM p AS o WHERE (o.", score, " > p.", score, " OR o.", score, " = p.", score, " AND o.", p.dims, " > p.", p.dims, ")",
		" AND (p.", mask, " & o.", mask, ") IN (p.", mask, ", o.", mask, ")", same, ") ORDER BY ", p.seg, " LIMIT "+strconv.Itoa(mostPatterns)+")")
	return p.result(head, tail), nil
}
