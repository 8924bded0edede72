package kql

import (
	"strconv"
	"strings"

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
	if len(r.fields) == 0 || len(r.fields) > basketColumns {
		return nil, b.errAt(n.Span, "project the columns that matter first", "autocluster() combines up to %d columns, not %d", basketColumns, len(r.fields))
	}
	in, num := b.counted(r)
	seg, count, percent := b.newColumn("SegmentId", fn.Long), b.newColumn("Count", fn.Long), b.newColumn("Percent", fn.Real)
	seg.nonull, count.nonull, percent.nonull = true, true, true
	q := &rel{fields: []field{{"SegmentId", seg}, {"Count", count}, {"Percent", percent}}}
	cols := []*column{seg, count, percent}
	total, dims, mask, score := b.newColumn("total", fn.Long), b.newColumn("dims", fn.Long), b.newColumn("mask", fn.Long), b.newColumn("score", fn.Real)
	needs := Frag{num}
	var keys, fixed, shown, same Frag
	for i, f := range in.fields {
		c := b.newColumn(f.name, f.col.typ)
		c.deps = []*column{f.col}
		cols = append(cols, c)
		q.fields = append(q.fields, field{q.fresh(f.name), c})
		needs = append(needs, f.col)
		bit := "(mask_ & " + strconv.Itoa(1<<(len(in.fields)-1-i)) + ")"
		rest := Frag{"NULL"}
		if f.col.typ == fn.String {
			rest = Frag{"''"}
		}
		if w := wild[f.col.typ]; w != nil {
			rest = w.SQL
		}
		if i > 0 {
			keys, fixed = S(keys, ", "), S(fixed, " + ")
		}
		keys, fixed = S(keys, f.col), S(fixed, "1 - GROUPING(", f.col, ")")
		shown = S(shown, ", CASE WHEN ", strings.ReplaceAll(bit, "mask_", "p."+quote(mask.sql)), " = 0 THEN p.", f.col, " ELSE ", rest, " END AS ", c)
		same = S(same, " AND (", strings.ReplaceAll(bit, "mask_", "(p."+quote(mask.sql)+" | o."+quote(mask.sql)+")"), " > 0 OR p.", f.col, " IS NOT DISTINCT FROM o.", f.col, ")")
	}
	all := strconv.Itoa(len(in.fields))
	w := strconv.FormatFloat(weight, 'g', -1, 64)
	// The patterns, with a bit in mask for every column that is open.
	head := S("(WITH p AS MATERIALIZED (SELECT *, pow(", count, " / ", total, ", "+w+") * pow(", dims, " / "+all+", 1 - "+w+") AS ", score,
		" FROM (SELECT ", keys, ", CAST(sum(", num, ") AS BIGINT) AS ", count, ", max(", total, ") AS ", total, ", GROUPING(", keys, ") AS ", mask, ", ", fixed, " AS ", dims,
		" FROM (SELECT *, sum(", num, ") OVER () AS ", total, " FROM ")
	tail := S(") GROUP BY CUBE (", keys, ")) WHERE ", dims, " > 0 AND ", count, " >= "+strconv.FormatFloat(leastShare, 'g', -1, 64)+" * ", total, ")",
		" SELECT row_number() OVER (ORDER BY p.", score, " DESC, p.", count, " DESC, p.", mask, ") - 1 AS ", seg, ", p.", count, ", 100.0 * p.", count, " / p.", total, " AS ", percent, shown,
		" FROM p WHERE NOT EXISTS (SELECT 1 FROM p AS o WHERE (o.", score, " > p.", score, " OR o.", score, " = p.", score, " AND o.", dims, " > p.", dims, ")",
		" AND (p.", mask, " & o.", mask, ") IN (p.", mask, ", o.", mask, ")", same, ") ORDER BY ", seg, " LIMIT "+strconv.Itoa(mostPatterns)+")")
	q.op = &raw{ins: []*rel{in}, needs: []Frag{needs}, cols: cols, sql: func() string { return head.String() + in.from() + tail.String() }}
	q.order = []sortKey{{col: seg, nulls: "FIRST"}}
	return q, nil
}
