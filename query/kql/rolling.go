package kql

import "github.com/yagura-sec/yagura/query/kql/fn"

// rollingPercentile binds rolling_percentile(value, percentile, index, size of a bin,
// bins, dimension, …): for each bin of the index, and each combination of dimensions, the
// percentile of the values in it and the bins before.
func (b *binder) rollingPercentile(r *rel, n *callNode, e *env) (*rel, error) {
	if len(n.args) < 5 {
		return nil, b.errAt(n.Span, "such as rolling_percentile(Bytes, 95, TimeGenerated, 1d, 7)", "rolling_percentile() takes a value, a percentile, an index, the size of a bin and a number of bins")
	}
	row := &scope{env: e, rel: r}
	x, err := b.expr(n.args[0].value, row)
	if err != nil {
		return nil, err
	}
	if !isNumber(x.Type) && x.Type != fn.Timespan && x.Type != fn.Datetime {
		return nil, b.errAt(n.args[0].Span, "", "rolling_percentile() takes numbers or times, not %s", x.Type)
	}
	at, err := b.expr(n.args[2].value, row)
	if err != nil {
		return nil, err
	}
	var known [3]*Expr // percentile, size, bins
	for i, j := range []int{1, 3, 4} {
		if known[i], err = b.scalar(n.args[j].value, e); err != nil {
			return nil, err
		}
		if known[i].Const == nil || known[i].Const.Null {
			return nil, b.errAt(n.args[j].Span, "", "argument %d of rolling_percentile() must be a constant", j+1)
		}
	}
	p, bins := known[0], known[2]
	if !isNumber(p.Type) || bins.Type != fn.Long && bins.Type != fn.Int || bins.Const.Int < 1 {
		return nil, b.errAt(n.Span, "such as rolling_percentile(Bytes, 95, TimeGenerated, 1d, 7)", "rolling_percentile() takes a percentile and a number of bins")
	}
	call := &callNode{Span: n.Span, name: token{kind: kIdent, text: "bin", Span: n.Span}, args: []*item{n.args[2], n.args[3]}}
	start, err := b.call(call, row)
	if err != nil {
		return nil, err
	}
	bin := b.computed(at.Name, start)
	pre := &calc{in: r, defs: []*column{bin}}
	in := &rel{op: pre, hidden: []*column{bin}}
	in.hidden = append(in.hidden, r.columns()...)
	part, by := Frag{}, []*column{bin}
	names := []string{at.Name}
	for i, a := range n.args[5:] {
		d, err := b.expr(a.value, row)
		if err != nil {
			return nil, err
		}
		name := d.Name
		if name == "" {
			name = "Column" + itoa(i+1)
		}
		c := b.computed(name, d)
		pre.defs = append(pre.defs, c)
		in.hidden = append(in.hidden, c)
		if i > 0 {
			part = append(part, ", ")
		}
		part, by, names = append(part, c), append(by, c), append(names, name)
	}
	// The index as a number, so that a window can be so many of it wide.
	index, width := S(bin), S("(", bins, " - 1) * (", known[1], ")")
	if bin.typ == fn.Datetime {
		index, width = S("epoch_us(", bin, ")"), S("(", bins, " - 1) * (", known[1], ") // 10")
	}
	over := S(" OVER (")
	if len(part) > 0 {
		over = S(over, "PARTITION BY ", part, " ")
	}
	over = S(over, "ORDER BY ", index, " RANGE BETWEEN ", width, " PRECEDING AND CURRENT ROW)")
	val := b.computed("rolling", E(x.Type, "quantile_disc(", x, ", greatest(0.0, least(1.0, ", convert(p, fn.Real), " / 100.0)))", over))
	some := *in
	some.op = &filter{in: in, where: S("(", bin, " IS NOT NULL)")}
	g := &group{in: b.windowed(&some, []*column{val})}
	q := &rel{op: g}
	for i, c := range by {
		k := b.computed(names[i], ref(c))
		g.keys = append(g.keys, k)
		q.fields = append(q.fields, field{q.fresh(names[i]), k})
	}
	name := "rolling_" + itoa(int(bins.Const.Int)) + "_percentile_" + x.Name + "_" + percentText(p)
	v := b.computed(name, E(x.Type, "any_value(", val, ")"))
	g.aggs = []*column{v}
	q.fields = append(q.fields, field{q.fresh(name), v})
	return q, nil
}

// mostSets is how many sketches dcount_intersect() takes.
const mostSets = 16

// dcountIntersect binds dcount_intersect(hll, hll, …): to each row how many values the
// first sketch has, the first two have in common, and so on.
func (b *binder) dcountIntersect(r *rel, n *callNode, e *env) (*rel, error) {
	if len(n.args) < 2 || len(n.args) > mostSets {
		return nil, b.errAt(n.Span, "", "dcount_intersect() takes 2 to %d values of hll()", mostSets)
	}
	c := &calc{in: r}
	q := &rel{op: c}
	var common Frag
	for i, a := range n.args {
		x, err := b.expr(a.value, &scope{env: e, rel: r})
		if err != nil {
			return nil, err
		}
		if x.Type != fn.Dynamic {
			return nil, b.errAt(a.Span, "summarize hll(…)", "dcount_intersect() takes values of hll(), not %s", x.Type)
		}
		set := S("coalesce(TRY_CAST(", x, " AS BIGINT[]), [])")
		if i == 0 {
			common = set
		} else {
			common = S("list_intersect(", common, ", ", set, ")")
		}
		name := "s" + itoa(i)
		d := b.computed(name, E(fn.Long, "len(list_distinct(", common, "))"))
		c.defs = append(c.defs, d)
		q.fields = append(q.fields, field{name, d})
	}
	return q, nil
}
