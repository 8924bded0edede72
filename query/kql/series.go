package kql

import (
	"fmt"
	"slices"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// makeSeries binds make-series: the rows are summarized by bin and key, and for
// each key the bins are laid side by side, with a default where there is none.
func (b *binder) makeSeries(r *rel, op *opNode, e *env) (*rel, error) {
	row := &scope{env: e, rel: r}
	axis, err := b.expr(op.legs[0], row)
	if err != nil {
		return nil, err
	}
	axisName := axis.Name
	if n := op.opts["axis"]; n != "" {
		axisName = n
	}
	step, err := b.scalar(op.legs[3], e)
	if err != nil {
		return nil, err
	}
	t := axis.Type
	if t == fn.Dynamic {
		t = fn.Datetime
		axis = convert(axis, t)
	}
	// Everything counts in whole numbers: microseconds, ticks or longs; reals stay.
	unit := func(x *Expr) *Expr {
		switch t {
		case fn.Datetime:
			return E(fn.Long, "epoch_us(", convert(x, fn.Datetime), ")")
		case fn.Real, fn.Decimal:
			return convert(x, fn.Real)
		}
		return convert(x, fn.Long)
	}
	var st *Expr
	switch t {
	case fn.Datetime:
		y, ok := implicit(step, fn.Timespan)
		if !ok {
			return nil, b.errAt(op.legs[3].span(), "such as 1h", "the step must be a timespan")
		}
		st = E(fn.Long, "(", y, " // 10)")
	case fn.Timespan, fn.Long, fn.Int, fn.Real, fn.Decimal:
		st = unit(step)
	default:
		return nil, b.errAt(op.legs[0].span(), "", "make-series goes along a datetime, a timespan or a number, not %s", t)
	}
	var from, to *Expr
	if op.legs[1] != nil {
		x, err := b.scalar(op.legs[1], e)
		if err != nil {
			return nil, err
		}
		from = unit(x)
	}
	if op.legs[2] != nil {
		x, err := b.scalar(op.legs[2], e)
		if err != nil {
			return nil, err
		}
		to = unit(x)
	}
	if op.num == 1 { // in range(): the end counts
		to = E(to.Type, "(", to, " + 1)")
	}
	// 1. the place of each row on the axis.
	at := b.computed("at", unit(axis))
	pre := &calc{in: r, defs: []*column{at}}
	in := *r
	in.op = pre
	in.hidden = append(slices.Clone(r.hidden), at)
	// What has no place on the axis is left out.
	some := S("(", at, " IS NOT NULL)")
	if at.typ == fn.Real {
		some = S("isfinite(", at, ")")
	}
	bounded := &rel{op: &filter{in: &in, where: some}, fields: in.fields, hidden: in.hidden, order: in.order}
	if from != nil || to != nil {
		b.timed(Frag{at}, 0)
	}
	if from != nil {
		bounded = &rel{op: &filter{in: bounded, where: S("(", at, " >= ", from, ")")}, fields: in.fields, hidden: in.hidden, order: in.order}
	}
	if to != nil {
		bounded = &rel{op: &filter{in: bounded, where: S("(", at, " < ", to, ")")}, fields: in.fields, hidden: in.hidden, order: in.order}
	}
	// 2. summarize by key and bin. Bins count from the start; without one they
	// count from zero.
	base := E(fn.Long, "0")
	if from != nil {
		base = from
	}
	nth := E(fn.Long, "CAST(floor((", ref(at), " - ", base, ") / ", st, ") AS BIGINT)")
	// In whole numbers (ten ticks are one of time) and after the start, // is the same.
	if from != nil && at.typ == fn.Long && step.Const != nil && step.Const.Int >= 10 {
		nth = E(fn.Long, "((", ref(at), " - ", base, ") // ", st, ")")
	}
	bin := b.computed("bin", nth)
	g := &group{in: bounded}
	sum := &rel{op: g}
	for _, it := range op.by {
		xs, err := b.items(it, row)
		if err != nil {
			return nil, err
		}
		for i, x := range xs {
			name := x.name
			if name == "" {
				name = fmt.Sprintf("Column%d", i+1)
			}
			k := b.computed(name, x.expr)
			g.keys = append(g.keys, k)
			sum.fields = append(sum.fields, field{sum.fresh(name), k})
		}
	}
	over := S(" OVER ()")
	if r.part != nil { // within partition each part has an axis of its own
		k := b.computed(r.part.name, ref(r.part))
		g.keys = append(g.keys, k)
		over = S(" OVER (PARTITION BY ", k, ")")
	}
	keys := slices.Clone(g.keys)
	g.keys = append(g.keys, bin)
	sum.hidden = []*column{bin}
	s := &scope{env: e, rel: bounded, agg: true, keys: g.keys}
	type series struct {
		col *column
		def *Expr
	}
	var aggs []series
	for _, it := range op.items {
		ns, err := b.aggItems(it, s)
		if err != nil {
			return nil, err
		}
		x := ns[0]
		if x.name == "" {
			x.name = fmt.Sprintf("Column%d", len(aggs)+1)
		}
		c := b.computed(x.name, x.expr)
		c.nonull = false
		g.aggs = append(g.aggs, c)
		sum.hidden = append(sum.hidden, c)
		def := constExpr(fn.Long, &Value{})
		if it.others != nil {
			if def, err = b.scalar(it.others, e); err != nil {
				return nil, err
			}
		}
		def = convert(def, x.expr.Type)
		if x.expr.Type == fn.Datetime && it.others == nil {
			def = constExpr(fn.Datetime, &Value{Null: true})
		}
		aggs = append(aggs, series{c, def})
	}
	// 3. for each key, a list of bins; then the bins side by side.
	var fs []Frag
	out := &rel{}
	var cols []*column
	outKeys := make([]*column, len(keys))
	for i, k := range keys {
		c := b.newColumn(k.name, k.typ)
		c.deps, c.nonull = []*column{k}, k.nonull
		outKeys[i] = c
		cols = append(cols, c)
		if i < len(sum.fields) {
			out.fields = append(out.fields, field{sum.fields[i].name, c})
		} else {
			out.part, out.hidden = c, []*column{c}
		}
	}
	first, last := S("min(", bin, ")", over), S("max(", bin, ")", over)
	if from != nil {
		first = S("CAST(0 AS BIGINT)")
	}
	if to != nil {
		last = S("CAST(ceil(CAST(", to, " - ", base, " AS DOUBLE) / ", st, ") AS BIGINT) - 1")
	}
	f := Frag{"(SELECT "}
	for i := range keys {
		f = append(f, outKeys[i], ", ")
	}
	axisCol := b.newColumn(axisName, fn.Dynamic)
	place := S("(", base, " + i * ", st, ")")
	shown := E(t, place)
	switch t {
	case fn.Datetime:
		shown = E(fn.Datetime, "make_timestamp(CAST(", place, " AS BIGINT))")
	case fn.Int, fn.Long, fn.Timespan:
		shown = E(t, "CAST(", place, " AS BIGINT)")
	case fn.Real, fn.Decimal:
		shown = E(fn.Real, "CAST(", place, " AS DOUBLE)")
	}
	var tail Frag
	for i, a := range aggs {
		c := b.newColumn(a.col.name, fn.Dynamic)
		c.deps = []*column{a.col}
		cols = append(cols, c)
		out.fields = append(out.fields, field{out.fresh(a.col.name), c})
		v := E(a.col.typ, fmt.Sprintf("coalesce(m[i].v%d, ", i), a.def, ")")
		tail = append(tail, S("to_json(list_transform(range(lo, hi + 1), lambda i : ", asDynamic(v), ")) AS ", c, ", ")...)
	}
	cols = append(cols, axisCol)
	out.fields = append(out.fields, field{out.fresh(axisName), axisCol})
	f = append(f, tail...)
	f = append(f, S("to_json(list_transform(range(lo, hi + 1), lambda i : ", asDynamic(shown), ")) AS ", axisCol)...)
	// m maps a bin to its aggregates.
	f = append(f, " FROM (SELECT ")
	for i, k := range keys {
		f = append(f, k, " AS ", outKeys[i], ", ")
	}
	f = append(f, "map_from_entries(list({'k': ", bin, ", 'v': {")
	for i, a := range aggs {
		if i > 0 {
			f = append(f, ", ")
		}
		f = append(f, fmt.Sprintf("'v%d': ", i), a.col)
	}
	lo, hi := S("min(lo)"), S("max(hi)")
	if from != nil && to != nil { // known without a row
		lo, hi = first, last
	}
	f = append(f, "}})) AS m, ")
	f = append(f, S(lo, " AS lo, ", hi, " AS hi FROM (SELECT ")...)
	for _, k := range keys {
		f = append(f, k, ", ")
	}
	f = append(f, bin)
	for _, a := range aggs {
		f = append(f, ", ", a.col)
	}
	f = append(f, ", ")
	f = append(f, first...)
	f = append(f, " AS lo, ")
	f = append(f, last...)
	f = append(f, " AS hi FROM ")
	head := f
	end := Frag{")"}
	if len(keys) > 0 {
		end = append(end, " GROUP BY ")
		for i := range keys {
			if i > 0 {
				end = append(end, ", ")
			}
			end = append(end, itoa(i+1))
		}
	} else if op.opts["kind"] != "nonempty" {
		end = append(end, " HAVING count(*) > 0")
	}
	end = append(end, "))")
	needs := Frag{bin}
	for _, k := range keys {
		needs = append(needs, k)
	}
	for _, a := range aggs {
		needs = append(needs, a.col)
	}
	fs = append(fs, needs, head)
	rw := &raw{ins: []*rel{sum}, needs: fs, cols: cols}
	rw.sql = func() string { return head.String() + sum.from() + end.String() }
	out.op = rw
	return out, nil
}
