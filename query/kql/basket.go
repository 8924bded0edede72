package kql

import (
	"strconv"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// basketColumns is how many columns basket() combines at most: every subset of
// them is counted.
const basketColumns = 10

// basket finds every combination of values that a share of the rows has. The
// first argument is the share, the third the most columns of one combination.
func (b *binder) basket(r *rel, n *callNode, e *env) (*rel, error) {
	share, most := 0.05, int64(5)
	for i, a := range n.args {
		x, err := b.scalar(a.value, e)
		if err != nil {
			return nil, err
		}
		if x.Const == nil || x.Const.Null || x.Type == fn.String {
			if x.Const != nil && (x.Const.Str == "~" || x.Const.Null) {
				continue // the default
			}
			return nil, b.errAt(a.Span, "", "basket() takes constants: the share, a weight column, the most dimensions")
		}
		switch i {
		case 0:
			share = x.Const.Real
			if x.Type == fn.Long {
				share = float64(x.Const.Int)
			}
		case 2:
			most = x.Const.Int
		default:
			return nil, b.errAt(a.Span, "leave it out", "argument %d of basket() is not supported", i+1)
		}
	}
	if len(r.fields) == 0 || len(r.fields) > basketColumns {
		return nil, b.errAt(n.Span, "project the columns that matter first", "basket() combines up to %d columns, not %d", basketColumns, len(r.fields))
	}
	in, num := b.counted(r)
	seg, count, percent := b.newColumn("SegmentId", fn.Long), b.newColumn("Count", fn.Long), b.newColumn("Percent", fn.Real)
	seg.nonull, count.nonull, percent.nonull = true, true, true
	q := &rel{fields: []field{{"SegmentId", seg}, {"Count", count}, {"Percent", percent}}}
	cols := []*column{seg, count, percent}
	total := b.newColumn("total", fn.Long)
	dims := b.newColumn("dims", fn.Long)
	sel := S("SELECT row_number() OVER (ORDER BY ", count, " DESC, ", dims, " DESC) - 1 AS ", seg, ", ", count, ", 100.0 * ", count, " / ", total, " AS ", percent)
	inner := S("SELECT CAST(sum(", num, ") AS BIGINT) AS ", count, ", max(", total, ") AS ", total)
	set := Frag{}
	dim := Frag{}
	needs := Frag{num}
	for i, f := range in.fields {
		c := b.newColumn(f.name, f.col.typ)
		c.deps = []*column{f.col}
		cols = append(cols, c)
		q.fields = append(q.fields, field{q.fresh(f.name), c})
		sel = S(sel, ", ", c)
		rest := "NULL"
		if f.col.typ == fn.String {
			rest = "''"
		}
		inner = S(inner, ", CASE WHEN GROUPING(", f.col, ") = 0 THEN ", f.col, " ELSE "+rest+" END AS ", c)
		if i > 0 {
			set, dim = S(set, ", "), S(dim, " + ")
		}
		set, dim = S(set, f.col), S(dim, "1 - GROUPING(", f.col, ")")
		needs = append(needs, f.col)
	}
	head := S("(", sel, " FROM (", inner, ", ", dim, " AS ", dims, " FROM (SELECT *, sum(", num, ") OVER () AS ", total, " FROM ")
	tail := S(") GROUP BY CUBE (", set, ")) WHERE ", count, " > "+strconv.FormatFloat(share, 'g', -1, 64)+" * ", total, " AND ", dims, " BETWEEN 1 AND "+itoa(int(most)), ")")
	q.op = &raw{ins: []*rel{in}, needs: []Frag{needs}, cols: cols, sql: func() string { return head.String() + in.from() + tail.String() }}
	q.order = []sortKey{{col: seg, nulls: "FIRST"}}
	return q, nil
}

// counted groups equal rows, with their number: what is counted further gets small.
func (b *binder) counted(r *rel) (*rel, *column) {
	g := &group{in: r}
	in := &rel{op: g}
	for _, f := range r.fields {
		k := b.computed(f.name, ref(f.col))
		g.keys = append(g.keys, k)
		in.fields = append(in.fields, field{f.name, k})
	}
	num := b.computed("n", E(fn.Long, "count(*)"))
	g.aggs = append(g.aggs, num)
	in.hidden = append(in.hidden, num)
	return in, num
}
