package kql

import (
	"slices"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// expand gives one row for each element of dynamic values: all lists side by side.
type expand struct {
	in    *rel // with the lists as columns
	lists []*column
	elems []*column // elems[i] is over lists[i] and idx
	idx   *column   // counts from 1
	most  Frag      // limit on elements of one row
	defs  []*column // further columns over idx
}

func (n *expand) mark() {
	need(n.idx)
	for _, l := range n.lists {
		need(l)
	}
	n.in.op.mark()
}

func (n *expand) write(out []*column) *sel {
	s := n.in.write().open()
	if !s.flat {
		s = wrap(s)
	}
	for _, it := range s.items {
		if !it.plain {
			s = wrap(s)
			break
		}
	}
	// The longest list says how many rows there are.
	subscripts := "kql_subscripts(" + quote(n.lists[0].sql) + ")"
	for i := 1; i < len(n.lists); i++ {
		l, rest := n.lists[i], "0"
		for _, m := range n.lists[:i] {
			rest = "greatest(" + rest + ", coalesce(len(" + quote(m.sql) + "), 0))"
		}
		subscripts = "CASE WHEN coalesce(len(" + quote(l.sql) + "), 0) > " + rest + " THEN kql_subscripts(" + quote(l.sql) + ") ELSE " + subscripts + " END"
	}
	if n.most != nil {
		subscripts = "(" + subscripts + ")[1:greatest(0, " + n.most.String() + ")]"
	}
	s.items = append(s.items, selItem{n.idx, "unnest(" + subscripts + ")", false})
	s.flat = false
	w := wrap(s)
	for _, d := range slices.Concat(n.elems, n.defs) {
		if d.used {
			w.items = append(w.items, selItem{d, d.def.SQL.String(), false})
		}
	}
	return w.pick(out)
}

// mvExpand binds mv-expand.
func (b *binder) mvExpand(r *rel, op *opNode, s *scope) (*rel, error) {
	ex, q, err := b.expandItems(r, op, s)
	if err != nil {
		return nil, err
	}
	if name := op.opts["with_itemindex"]; name != "" {
		d := b.computed(name, E(fn.Long, "(", ex.idx, " - 1)"))
		ex.defs = append(ex.defs, d)
		q.fields = append(q.fields, field{q.fresh(name), d})
	}
	return q, nil
}

func (b *binder) expandItems(r *rel, op *opNode, s *scope) (*expand, *rel, error) {
	pre := &calc{in: r}
	in := *r
	in.op = pre
	in.hidden = slices.Clone(r.hidden)
	ex := &expand{in: &in, idx: b.newColumn("idx", fn.Long)}
	q := *r
	q.op = ex
	q.fields = slices.Clone(r.fields)
	arrays := op.opts["bagexpansion"] == "array" || op.opts["kind"] == "array"
	s.win = false
	for _, it := range op.items {
		x, err := b.expr(it.value, s)
		if err != nil {
			return nil, nil, err
		}
		if x.Type != fn.Dynamic {
			if x.Type != fn.String && len(op.items) == 0 {
				return nil, nil, b.errAt(it.Span, "parse_json() makes a dynamic value", "mv-expand takes dynamic values, not %s", x.Type)
			}
			x = convert(x, fn.Dynamic)
		}
		name := x.Name
		if len(it.names) > 0 {
			name = it.names[0]
		}
		if name == "" {
			name = "Column1"
		}
		f := "kql_items("
		if arrays {
			f = "kql_items_pairs("
		}
		l := b.computed("list", E(fn.Dynamic, f, x, ")"))
		pre.defs = append(pre.defs, l)
		in.hidden = append(in.hidden, l)
		ex.lists = append(ex.lists, l)
		e := E(fn.Dynamic, l, "[", ex.idx, "]")
		if it.typ != "" && it.typ != fn.Dynamic {
			e = convert(e, it.typ)
		}
		d := b.computed(name, e)
		ex.elems = append(ex.elems, d)
		i := slices.IndexFunc(q.fields, func(f field) bool { return f.name == name })
		if i >= 0 {
			q.fields[i].col = d
		} else {
			q.fields = append(q.fields, field{name, d})
		}
	}
	if op.x != nil {
		x, err := b.scalar(op.x, s.env)
		if err != nil {
			return nil, nil, err
		}
		ex.most = convert(x, fn.Long).SQL
	}
	if len(r.order) > 0 {
		q.order = append(slices.Clone(r.order), sortKey{col: ex.idx, nulls: "FIRST"})
	}
	q.hidden = keepOrder(&q)
	return ex, &q, nil
}

// mvApply binds mv-apply: the operators run over the elements of each row by
// themselves. A number for each row keeps them apart: it is a group key of what
// the operators summarize, and the partition of what they sort.
func (b *binder) mvApply(r *rel, op *opNode, s *scope) (*rel, error) {
	num := b.computed("row", E(fn.Long, "row_number() OVER ()"))
	in := *r
	in.op = &calc{in: r, defs: []*column{num}, win: true}
	in.hidden = append(slices.Clone(r.hidden), num)
	sh := b.share(&in, "apply")
	sh.mat = true
	left, err := b.use(sh, op.Span)
	if err != nil {
		return nil, err
	}
	right, err := b.use(sh, op.Span)
	if err != nil {
		return nil, err
	}
	hiddenOf := func(x *rel, of *column) *column {
		for _, c := range x.op.(*again).cols {
			if c.deps[0] == of {
				return c
			}
		}
		c := b.newColumn(of.name, of.typ)
		c.deps = []*column{of}
		x.op.(*again).cols = append(x.op.(*again).cols, c)
		x.hidden = append(x.hidden, c)
		return c
	}
	ln, rn := hiddenOf(left, num), hiddenOf(right, num)
	sub := *s
	sub.rel = right
	ex, q, err := b.expandItems(right, op, &sub)
	if err != nil {
		return nil, err
	}
	if name := op.opts["with_itemindex"]; name != "" {
		d := b.computed(name, E(fn.Long, "(", ex.idx, " - 1)"))
		ex.defs = append(ex.defs, d)
		q.fields = append(q.fields, field{q.fresh(name), d})
	}
	// Elements come in their order unless the operators sort.
	q.order = []sortKey{{col: ex.idx, nulls: "FIRST"}}
	q.serial = true
	q.hidden = keepOrder(q)
	if !slices.Contains(q.hidden, rn) {
		q.hidden = append(q.hidden, rn)
	}
	res, key, err := b.perRow(q, op.sub, s.env, rn)
	if err != nil {
		return nil, err
	}
	// The columns of the row itself come from the left; those that the operators
	// made or that hold elements from the right.
	var fields []field
	made := map[string]bool{}
	for _, e := range ex.elems {
		made[e.name] = true
	}
	j := &join{kind: "INNER", left: left, right: res, on: S("(", ln, " = ", key, ")")}
	for _, f := range left.fields {
		if !made[f.name] && res.find(f.name) == nil {
			fields = append(fields, f)
		} else if !made[f.name] {
			if c := res.find(f.name); c != nil {
				if isSame(c, right.find(f.name)) {
					fields = append(fields, f)
				}
			}
		}
	}
	for _, f := range res.fields {
		if slices.ContainsFunc(fields, func(g field) bool { return g.name == f.name }) {
			continue
		}
		fields = append(fields, f)
	}
	out := &rel{op: j, fields: fields}
	if r.part != nil {
		out.part = hiddenOf(left, r.part)
		out.hidden = []*column{out.part}
	}
	return out, nil
}

func isSame(a, c *column) bool { return a == c }

// perRow binds operators that run for each value of a key by itself.
func (b *binder) perRow(r *rel, ops []*opNode, e *env, key *column) (*rel, *column, error) {
	for _, op := range ops {
		if err := b.count(op.Span); err != nil {
			return nil, nil, err
		}
		one := *r
		one.part = key
		r = &one
		switch op.name {
		case "top-hitters":
			sum, top, err := b.hitters(r, op, e)
			if err != nil {
				return nil, nil, err
			}
			if r, key, err = b.perRow(r, []*opNode{sum, top}, e, key); err != nil {
				return nil, nil, err
			}
		case "sample-distinct":
			var err error
			some := *op
			some.name = "distinct"
			few := *op
			few.name = "take"
			if r, key, err = b.perRow(r, []*opNode{&some, &few}, e, key); err != nil {
				return nil, nil, err
			}
		case "mv-apply":
			q, err := b.mvApply(r, op, &scope{env: e, rel: r})
			if err != nil {
				return nil, nil, err
			}
			r, key = q, q.part
		case "make-series":
			q, err := b.makeSeries(r, op, e)
			if err != nil {
				return nil, nil, err
			}
			r, key = q, q.part
		case "summarize", "count", "distinct":
			s := &scope{env: e, rel: r}
			var q *rel
			var err error
			switch op.name {
			case "summarize":
				q, err = b.summarize(r, op, e)
			case "count":
				q, err = b.operator(r, op, e)
			default:
				q, err = b.distinct(r, op, s)
			}
			if err != nil {
				return nil, nil, err
			}
			g := q.op.(*group)
			k := b.computed("row", ref(key))
			g.keys = append([]*column{k}, g.keys...)
			q.hidden = append(q.hidden, k)
			r, key = q, k
		case "top", "take", "sample":
			q := r
			s := &scope{env: e, rel: r}
			var err error
			if op.name == "top" {
				if q, err = b.sort(r, op.items, s); err != nil {
					return nil, nil, err
				}
			}
			x, err := b.scalar(op.x, e)
			if err != nil {
				return nil, nil, err
			}
			f := Frag{"row_number() OVER (PARTITION BY ", key}
			if len(q.order) > 0 {
				f = append(f, " ")
				f = append(f, orderClause(q.order)...)
			}
			f = append(f, ")")
			rn := b.computed("n", &Expr{Type: fn.Long, SQL: f})
			w := b.windowed(q, []*column{rn})
			out := *w
			out.op = &filter{in: w, where: S("(", rn, " <= ", convert(x, fn.Long), ")")}
			r = &out
		case "scan":
			q, err := b.scan(r, op, e, key)
			if err != nil {
				return nil, nil, err
			}
			r = q
		case "where", "extend", "project", "project-away", "project-keep", "project-rename", "project-reorder", "project-by-names", "mv-expand", "sort",
			"parse", "parse-where", "parse-kv", "search", "serialize":
			q, err := b.operator(r, op, e)
			if err != nil {
				return nil, nil, err
			}
			if !slices.Contains(q.hidden, key) {
				q.hidden = append(slices.Clone(q.hidden), key)
			}
			r = q
		default:
			return nil, nil, b.errAt(op.Span, "use where, extend, summarize or top", "%s is not supported here", op.name)
		}
		if !slices.Contains(r.hidden, key) {
			r.hidden = append(slices.Clone(r.hidden), key)
		}
	}
	all := *r
	all.part = nil
	return &all, key, nil
}

// partition runs operators for each value of a column.
func (b *binder) partition(r *rel, op *opNode, e *env) (*rel, error) {
	x, err := b.expr(op.items[0].value, &scope{env: e, rel: r})
	if err != nil {
		return nil, err
	}
	col := x.col
	if col == nil {
		return nil, b.errAt(op.items[0].Span, "extend it first", "partition takes a column")
	}
	q := *r
	q.hidden = append(slices.Clone(r.hidden), col)
	out, _, err := b.perRow(&q, op.sub, e, col)
	return out, err
}
