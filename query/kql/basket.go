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
	p, err := b.patterns(r, n)
	if err != nil {
		return nil, err
	}
	sel := S("SELECT row_number() OVER (ORDER BY ", p.count, " DESC, ", p.dims, " DESC) - 1 AS ", p.seg, ", ", p.count, ", 100.0 * ", p.count, " / ", p.total, " AS ", p.percent)
	inner := S("SELECT CAST(sum(", p.num, ") AS BIGINT) AS ", p.count, ", max(", p.total, ") AS ", p.total)
	for i, f := range p.in.fields {
		c := p.shown[i]
		sel = S(sel, ", ", c)
		inner = S(inner, ", CASE WHEN GROUPING(", f.col, ") = 0 THEN ", f.col, " ELSE "+open(c)+" END AS ", c)
	}
	head := S("(", sel, " FROM (", inner, ", ", p.fixed, " AS ", p.dims, " FROM (SELECT *, sum(", p.num, ") OVER () AS ", p.total, " FROM ")
	tail := S(") GROUP BY CUBE (", p.keys, ")) WHERE ", p.count, " > "+strconv.FormatFloat(share, 'g', -1, 64)+" * ", p.total, " AND ", p.dims, " BETWEEN 1 AND "+itoa(int(most)), ")")
	return p.result(head, tail), nil
}

// patterns are combinations of the values of columns, with the number of rows that have
// each, while basket() and autocluster() write them.
type patterns struct {
	in                  *rel    // equal rows are one there,
	num                 *column // which says how many
	seg, count, percent *column
	total, dims         *column   // the number of all rows, and of the columns that are fixed
	shown               []*column // the result's column for each one of in
	keys, fixed         Frag      // the columns of in as a list, and how many of them are grouped by
}

func (b *binder) patterns(r *rel, n *callNode) (*patterns, error) {
	if len(r.fields) == 0 || len(r.fields) > basketColumns {
		return nil, b.errAt(n.Span, "project the columns that matter first", "%s() combines up to %d columns, not %d", n.name.text, basketColumns, len(r.fields))
	}
	p := &patterns{}
	p.in, p.num = b.counted(r)
	p.seg, p.count, p.percent = b.newColumn("SegmentId", fn.Long), b.newColumn("Count", fn.Long), b.newColumn("Percent", fn.Real)
	p.seg.nonull, p.count.nonull, p.percent.nonull = true, true, true
	p.total, p.dims = b.newColumn("total", fn.Long), b.newColumn("dims", fn.Long)
	for i, f := range p.in.fields {
		c := b.newColumn(f.name, f.col.typ)
		c.deps = []*column{f.col}
		p.shown = append(p.shown, c)
		if i > 0 {
			p.keys, p.fixed = S(p.keys, ", "), S(p.fixed, " + ")
		}
		p.keys, p.fixed = S(p.keys, f.col), S(p.fixed, "1 - GROUPING(", f.col, ")")
	}
	return p, nil
}

// result is what reads the counted rows between head and tail.
func (p *patterns) result(head, tail Frag) *rel {
	q := &rel{fields: []field{{"SegmentId", p.seg}, {"Count", p.count}, {"Percent", p.percent}}}
	needs := Frag{p.num}
	for i, f := range p.in.fields {
		q.fields = append(q.fields, field{q.fresh(f.name), p.shown[i]})
		needs = append(needs, f.col)
	}
	cols := append([]*column{p.seg, p.count, p.percent}, p.shown...)
	q.op = &raw{ins: []*rel{p.in}, needs: []Frag{needs}, cols: cols, sql: func() string { return head.String() + p.in.from() + tail.String() }}
	q.order = []sortKey{{col: p.seg, nulls: "FIRST"}}
	return q
}

// open is what stands in a column that a pattern does not fix.
func open(c *column) string {
	if c.typ == fn.String {
		return "''"
	}
	return "NULL"
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
