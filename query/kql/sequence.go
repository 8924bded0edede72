package kql

import (
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// mostSteps is how many steps sequence_detect() follows at most: every one is a join.
const mostSteps = 8

// sequenceDetect binds sequence_detect(time, most between two steps, most of all,
// step = condition, …, dimension, …): every chain of moments at which the conditions
// hold in turn, within the same dimensions. Of rows that are equal in moment and
// dimensions there is one.
func (b *binder) sequenceDetect(r *rel, n *callNode, e *env) (*rel, error) {
	if len(n.args) < 4 {
		return nil, b.errAt(n.Span, "such as sequence_detect(TimeGenerated, 10m, 1h, first = (A == 1), then = (A == 2), User)", "sequence_detect() takes a time, two timespans, conditions and dimensions")
	}
	row := &scope{env: e, rel: r}
	at, err := b.expr(n.args[0].value, row)
	if err != nil {
		return nil, err
	}
	timeName := at.Name
	if at.Type != fn.Datetime {
		return nil, b.errAt(n.args[0].Span, "convert it with todatetime()", "the timeline of sequence_detect() is a datetime, not %s", at.Type)
	}
	var within [2]*Expr
	for i := range within {
		x, err := b.scalar(n.args[i+1].value, e)
		if err != nil {
			return nil, err
		}
		y, ok := implicit(x, fn.Timespan)
		if !ok {
			return nil, b.errAt(n.args[i+1].Span, "such as 10m", "argument %d of sequence_detect() is a timespan, not %s", i+2, x.Type)
		}
		within[i] = y
	}
	pre := &calc{in: r}
	in := &rel{op: pre}
	add := func(name string, x *Expr) {
		c := b.computed(name, x)
		pre.defs = append(pre.defs, c)
		in.fields = append(in.fields, field{name, c})
	}
	add("at", at)
	var steps, dims []string
	var conds, keys []*Expr
	for _, a := range n.args[3:] {
		x, err := b.expr(a.value, row)
		if err != nil {
			return nil, err
		}
		name := x.Name
		if len(a.names) > 0 {
			name = a.names[0]
		}
		if x.Type != fn.Bool {
			if name == "" {
				name = "Column" + itoa(len(dims)+1)
			}
			dims, keys = append(dims, name), append(keys, x)
			continue
		}
		if len(dims) > 0 {
			return nil, b.errAt(a.Span, "put the conditions before the dimensions", "a condition of sequence_detect() behind a dimension")
		}
		if name == "" {
			name = "Step" + itoa(len(steps)+1)
		}
		steps, conds = append(steps, name), append(conds, x)
	}
	if len(steps) < 2 || len(steps) > mostSteps {
		return nil, b.errAt(n.Span, "such as first = (A == 1), then = (A == 2)", "sequence_detect() follows 2 to %d conditions, not %d", mostSteps, len(steps))
	}
	for i, x := range keys {
		add(dims[i], x)
	}
	for i, x := range conds {
		add(steps[i], x)
	}
	sh := b.share(in, "sequence")
	sh.mat = true

	var legs []*rel
	var cols []*column
	var needs Frag
	var parts []leg
	q := &rel{}
	sel := Frag{"SELECT DISTINCT "}
	var times []*column
	for i := range steps {
		u, err := b.use(sh, n.Span)
		if err != nil {
			return nil, err
		}
		legs = append(legs, u)
		t, cond := u.fields[0].col, u.fields[1+len(dims)+i].col
		needs = append(needs, t, cond)
		p := leg{head: S("(SELECT DISTINCT ", t), where: S(cond)}
		if i > 0 {
			p.on = S(t, " > ", times[i-1],
				" AND epoch_us(", t, ") - epoch_us(", times[i-1], ") <= ", within[0], " // 10",
				" AND epoch_us(", t, ") - epoch_us(", times[0], ") <= ", within[1], " // 10")
		}
		for j := range dims {
			k := u.fields[1+j].col
			needs = append(needs, k)
			p.head = S(p.head, ", ", k)
			if i > 0 {
				p.on = S(p.on, " AND ", k, " IS NOT DISTINCT FROM ", legs[0].fields[1+j].col)
				continue
			}
			q.fields = append(q.fields, field{q.fresh(dims[j]), k})
			cols = append(cols, k)
			sel = S(sel, k, ", ")
		}
		parts = append(parts, p)
		times = append(times, t)
		sel = S(sel, t, ", ")
	}
	for i, t := range times {
		q.fields = append(q.fields, field{q.fresh(steps[i] + "_" + timeName), t})
		cols = append(cols, t)
	}
	d := b.newColumn("Duration", fn.Timespan)
	sel = S(sel, "(epoch_us(", times[len(times)-1], ") - epoch_us(", times[0], ")) * 10 AS ", d)
	q.fields = append(q.fields, field{q.fresh("Duration"), d})
	q.op = &raw{ins: legs, needs: []Frag{needs}, cols: append(cols, d), sql: func() string {
		var s strings.Builder
		s.WriteString("(" + sel.String() + " FROM ")
		for i, p := range parts {
			if i > 0 {
				s.WriteString(" JOIN ")
			}
			s.WriteString(p.head.String() + " FROM " + legs[i].from() + " WHERE " + p.where.String() + ") AS s" + itoa(i))
			if i > 0 {
				s.WriteString(" ON " + p.on.String())
			}
		}
		return s.String() + ")"
	}}
	return q, nil
}

// leg is one step of a sequence while it is written.
type leg struct{ head, where, on Frag }
