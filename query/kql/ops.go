package kql

import (
	"fmt"
	"slices"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// named is one expression of a list with the name of its column.
type named struct {
	name string
	auto bool // the name was made here
	expr *Expr
}

// items binds one item of a list; it gives several columns where the expression is
// a call that does.
func (b *binder) items(it *item, s *scope) ([]named, error) {
	if c, ok := it.value.(*callNode); ok {
		if m, ok := multiFuncs[c.name.text]; ok && s.env.find(c.name.text) == nil {
			outs, err := m(b, c, s)
			if err != nil {
				return nil, err
			}
			var list []named
			for i, o := range outs {
				n := named{name: o.Name, expr: o.Expr, auto: o.Name == ""}
				if i < len(it.names) && it.names[i] != "" {
					n.name, n.auto = it.names[i], false
				}
				if len(it.names) > 0 && len(it.names) != 1 && i >= len(it.names) {
					break
				}
				list = append(list, n)
			}
			return list, nil
		}
	}
	x, err := b.expr(it.value, s)
	if err != nil {
		return nil, err
	}
	if len(it.names) > 0 {
		return []named{{name: it.names[0], expr: x}}, nil
	}
	_, plain := it.value.(*nameNode)
	if n, ok := it.value.(*nameNode); ok && x.Name == "" {
		x.Name = n.name
	}
	return []named{{name: x.Name, auto: !plain, expr: x}}, nil
}

// operator binds one operator over a relation.
func (b *binder) operator(r *rel, op *opNode, e *env) (*rel, error) {
	s := &scope{env: e, rel: r, win: true}
	switch op.name {
	case "where":
		return b.where(r, op.x, s)
	case "extend", "serialize":
		if op.name == "serialize" {
			r = b.serialize(r)
			s.rel = r
		}
		return b.extend(r, op.items, s)
	case "project":
		return b.project(r, op.items, s)
	case "project-by-names":
		return b.projectByNames(r, op, s)
	case "top-hitters":
		return b.topHitters(r, op, e)
	case "project-away", "project-keep", "project-reorder", "project-rename":
		return b.reshape(r, op)
	case "summarize":
		return b.summarize(r, op, e)
	case "distinct":
		return b.distinct(r, op, s)
	case "count":
		name := "Count"
		if len(op.items) > 0 {
			name = op.items[0].names[0]
		}
		c := b.computed(name, E(fn.Long, "count(*)").NotNull())
		return &rel{op: &group{in: r, aggs: []*column{c}}, fields: []field{{name, c}}}, nil
	case "sort":
		return b.sort(r, op.items, s)
	case "top":
		q, err := b.sort(r, op.items, s)
		if err != nil {
			return nil, err
		}
		return b.take(q, op, e)
	case "take", "sample":
		return b.take(r, op, e)
	case "sample-distinct":
		d, err := b.distinct(r, op, s)
		if err != nil {
			return nil, err
		}
		return b.take(d, op, e)
	case "join", "lookup":
		return b.join(r, op, e)
	case "union":
		return b.union(r, op, e)
	case "mv-expand":
		return b.mvExpand(r, op, s)
	case "mv-apply":
		return b.mvApply(r, op, s)
	case "parse", "parse-where":
		return b.parse(r, op, s)
	case "parse-kv":
		return b.parseKV(r, op, s)
	case "make-series":
		return b.makeSeries(r, op, e)
	case "top-nested":
		return b.topNested(r, op, e)
	case "getschema":
		return b.getschema(r), nil
	case "render":
		b.chart = op.opts["kind"]
		return r, nil
	case "consume":
		return &rel{op: &limit{in: r, n: Frag{"0"}}, fields: r.fields}, nil
	case "evaluate":
		return b.evaluate(r, op, e)
	case "invoke":
		return b.invoke(r, op, e)
	case "search":
		return b.search(r, op, e)
	case "facet":
		return nil, b.errAt(op.Span, "summarize count() by each column in a query of its own", "facet gives several tables and is not supported")
	case "partition":
		return b.partition(r, op, e)
	case "scan":
		return b.scan(r, op, e, nil)
	}
	return nil, b.errAt(op.Span, "it begins a query", "%s cannot follow |", op.name)
}

func (b *binder) where(r *rel, x node, s *scope) (*rel, error) {
	fs, win, err := b.conjuncts(x, s)
	if err != nil {
		return nil, err
	}
	for _, f := range fs {
		b.timed(f.loose(), 0)
	}
	r = b.layers(r, s)
	if win != nil { // a window function is computed before rows are filtered
		r = b.windowed(r, win)
	}
	q := *r
	for _, f := range fs {
		in := q
		q.op = &filter{in: &in, where: f.loose(), holds: f.holds}
	}
	return &q, nil
}

// conjuncts are the parts of a condition that "and" joins.
func (b *binder) conjuncts(x node, s *scope) ([]*Expr, []*column, error) {
	if n, ok := x.(*binNode); ok && n.op == "and" {
		l, lw, err := b.conjuncts(n.l, s)
		if err != nil {
			return nil, nil, err
		}
		r, rw, err := b.conjuncts(n.r, s)
		if err != nil {
			return nil, nil, err
		}
		return append(l, r...), append(lw, rw...), nil
	}
	e, err := b.condition(x, s)
	if err != nil {
		return nil, nil, err
	}
	if e.win {
		c := b.computed("w", e)
		return []*Expr{{Type: fn.Bool, SQL: Frag{c}}}, []*column{c}, nil
	}
	return []*Expr{e}, nil, nil
}

// condition binds an expression that must be a bool.
func (b *binder) condition(x node, s *scope) (*Expr, error) {
	e, err := b.expr(x, s)
	if err != nil {
		return nil, err
	}
	if y, ok := truth(e); ok {
		return y, nil
	}
	return nil, b.errAt(x.span(), "compare it with something", "a condition must be a bool, not %s", e.Type)
}

// windowed computes window columns, hidden.
func (b *binder) windowed(r *rel, cols []*column) *rel {
	q := *r
	q.op = &calc{in: r, defs: cols, win: true}
	q.hidden = append(slices.Clone(r.hidden), cols...)
	return &q
}

// layers computes what window functions need before them.
func (b *binder) layers(r *rel, s *scope) *rel {
	for _, l := range s.pre {
		r = b.windowed(r, l)
	}
	s.pre = nil
	return r
}

// serialize gives the rows an order of their own, if they have none.
func (b *binder) serialize(r *rel) *rel {
	if len(r.order) > 0 {
		return r
	}
	c := b.computed("row_order", E(fn.Long, "row_number() OVER ()"))
	q := *r
	q.op = &calc{in: r, defs: []*column{c}, win: true}
	q.hidden = append(slices.Clone(r.hidden), c)
	q.order = []sortKey{{col: c, nulls: "FIRST"}}
	q.serial = true
	return &q
}

func (b *binder) extend(r *rel, items []*item, s *scope) (*rel, error) {
	if len(items) == 0 {
		return r, nil
	}
	c := &calc{in: r}
	q := *r
	q.op = c
	q.fields = slices.Clone(r.fields)
	auto := 0
	for _, it := range items {
		xs, err := b.items(it, s)
		if err != nil {
			return nil, err
		}
		for _, x := range xs {
			name := x.name
			if name == "" {
				auto++
				name = fmt.Sprintf("Column%d", auto)
			}
			col := x.expr.col
			if col == nil || x.expr.Type != col.typ {
				col = b.computed(name, x.expr)
				c.defs = append(c.defs, col)
				c.win = c.win || x.expr.win
			}
			j := slices.IndexFunc(q.fields, func(f field) bool { return f.name == name })
			switch {
			case j >= 0 && !x.auto:
				q.fields[j].col = col
			case j >= 0:
				q.fields = append(q.fields, field{freshIn(q.fields, name), col})
			default:
				q.fields = append(q.fields, field{name, col})
			}
		}
	}
	c.in = b.layers(r, s)
	// The columns that are no longer shown may still be in the order.
	q.hidden = keepOrder(&q)
	return &q, nil
}

// keepOrder lists the columns of the order, which stay though they are not shown.
func keepOrder(r *rel) []*column {
	out := slices.Clone(r.hidden)
	for _, k := range r.order {
		if !slices.Contains(out, k.col) {
			out = append(out, k.col)
		}
	}
	return out
}

func (b *binder) project(r *rel, items []*item, s *scope) (*rel, error) {
	c := &calc{in: r}
	q := &rel{op: c, order: r.order, serial: r.serial, label: r.label, hidden: r.hidden}
	auto := 0
	for _, it := range items {
		xs, err := b.items(it, s)
		if err != nil {
			return nil, err
		}
		for _, x := range xs {
			name := x.name
			if name == "" {
				auto++
				name = fmt.Sprintf("Column%d", auto)
			}
			col := x.expr.col
			if col == nil {
				col = b.computed(name, x.expr)
				c.defs = append(c.defs, col)
				c.win = c.win || x.expr.win
			}
			q.fields = append(q.fields, field{q.fresh(name), col})
		}
	}
	c.in = b.layers(r, s)
	q.hidden = keepOrder(q)
	return q, nil
}

// reshape is project-away, -keep, -reorder and -rename: no column is computed.
func (b *binder) reshape(r *rel, op *opNode) (*rel, error) {
	q := *r
	pick := func(it *item) ([]field, error) {
		if it.wild != "" {
			var out []field
			for _, f := range r.fields {
				if matchName(it.wild, f.name) {
					out = append(out, f)
				}
			}
			return out, nil
		}
		n, ok := it.value.(*nameNode)
		if !ok {
			return nil, b.errAt(it.Span, "", "expected the name of a column")
		}
		for _, f := range r.fields {
			if f.name == n.name {
				return []field{f}, nil
			}
		}
		return nil, b.noColumn(n.name, n.Span, r)
	}
	has := func(fs []field, n string) bool {
		return slices.ContainsFunc(fs, func(f field) bool { return f.name == n })
	}
	var named []field
	if op.name == "project-rename" {
		q.fields = slices.Clone(r.fields)
		for _, it := range op.items {
			n, ok := it.value.(*nameNode)
			if !ok || len(it.names) != 1 {
				return nil, b.errAt(it.Span, "project-rename new = old", "project-rename takes names of columns")
			}
			i := slices.IndexFunc(r.fields, func(f field) bool { return f.name == n.name })
			if i < 0 {
				return nil, b.noColumn(n.name, n.Span, r)
			}
			if j := slices.IndexFunc(q.fields, func(f field) bool { return f.name == it.names[0] }); j >= 0 && j != i {
				return nil, b.errAt(it.Span, "", "there is a column '%s' already", it.names[0])
			}
			q.fields[i].name = it.names[0]
		}
		return &q, nil
	}
	for _, it := range op.items {
		fs, err := pick(it)
		if err != nil {
			return nil, err
		}
		if it.asc || it.desc {
			slices.SortStableFunc(fs, func(a, b field) int {
				c := compareNames(a.name, b.name)
				if it.desc {
					c = -c
				}
				return c
			})
		}
		for _, f := range fs {
			if !has(named, f.name) {
				named = append(named, f)
			}
		}
	}
	q.fields = nil
	switch op.name {
	case "project-reorder":
		q.fields = named
		for _, f := range r.fields {
			if !has(named, f.name) {
				q.fields = append(q.fields, f)
			}
		}
	default:
		for _, f := range r.fields {
			if has(named, f.name) == (op.name == "project-keep") {
				q.fields = append(q.fields, f)
			}
		}
	}
	q.hidden = keepOrder(&q)
	return &q, nil
}

func compareNames(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (b *binder) distinct(r *rel, op *opNode, s *scope) (*rel, error) {
	items := op.items
	if len(items) == 1 {
		if _, ok := items[0].value.(*starNode); ok {
			items = nil
			for _, f := range r.fields {
				items = append(items, &item{names: []string{f.name}, value: &nameNode{op.Span, f.name}})
			}
		}
	}
	s.win = false
	g := &group{in: r}
	q := &rel{op: g, label: r.label}
	auto := 0
	for _, it := range items {
		xs, err := b.items(it, s)
		if err != nil {
			return nil, err
		}
		for _, x := range xs {
			name := x.name
			if name == "" {
				auto++
				name = fmt.Sprintf("Column%d", auto)
			}
			col := b.computed(name, x.expr)
			g.keys = append(g.keys, col)
			q.fields = append(q.fields, field{q.fresh(name), col})
		}
	}
	return q, nil
}

// sort orders the rows: desc unless said otherwise; nulls are the smallest.
func (b *binder) sort(r *rel, items []*item, s *scope) (*rel, error) {
	c := &calc{in: r}
	q := *r
	q.order, q.hidden = nil, slices.Clone(r.hidden)
	for _, it := range items {
		x, err := b.expr(it.value, s)
		if err != nil {
			return nil, err
		}
		col := x.col
		if col == nil {
			col = b.computed("sort", x)
			c.defs = append(c.defs, col)
			c.win = c.win || x.win
		}
		k := sortKey{col: col, desc: !it.asc, nulls: "FIRST"}
		if k.desc {
			k.nulls = "LAST"
		}
		switch it.nulls {
		case "first":
			k.nulls = "FIRST"
		case "last":
			k.nulls = "LAST"
		}
		q.order = append(q.order, k)
	}
	// Rows that are equal stay as they were, where they had an order.
	for _, k := range r.order {
		if !slices.ContainsFunc(q.order, func(o sortKey) bool { return o.col == k.col }) {
			q.order = append(q.order, k)
		}
	}
	q.hidden = keepOrder(&q)
	if len(c.defs) > 0 {
		q.op = c
	}
	q.serial = true
	return &q, nil
}

func (b *binder) take(r *rel, op *opNode, e *env) (*rel, error) {
	x, err := b.scalar(op.x, e)
	if err != nil {
		return nil, err
	}
	n := convert(x, fn.Long)
	if x.Const != nil && (!isNumber(x.Type) || x.Const.Int < 0) {
		return nil, b.errAt(op.x.span(), "", "%s needs a number of rows", op.name)
	}
	f := S("(", n, ")")
	if x.Const != nil {
		f = S(itoa(int(x.Const.Int)))
	}
	q := *r
	q.op = &limit{in: r, order: r.order, n: f}
	return &q, nil
}

func (b *binder) getschema(r *rel) *rel {
	names := map[Type]string{fn.Bool: "System.SByte", fn.Int: "System.Int32", fn.Long: "System.Int64", fn.Real: "System.Double", fn.Decimal: "System.Data.SqlTypes.SqlDecimal", fn.String: "System.String", fn.GUID: "System.Guid", fn.Datetime: "System.DateTime", fn.Timespan: "System.TimeSpan", fn.Dynamic: "System.Object"}
	cols := []*column{b.newColumn("ColumnName", fn.String), b.newColumn("ColumnOrdinal", fn.Long), b.newColumn("DataType", fn.String), b.newColumn("ColumnType", fn.String)}
	var f Frag
	f = append(f, "(VALUES ")
	for i, c := range r.fields {
		if i > 0 {
			f = append(f, ", ")
		}
		f = append(f, fmt.Sprintf("(%s, CAST(%d AS BIGINT), '%s', '%s')", QuoteString(c.name), i, names[c.col.typ], c.col.typ))
	}
	f = append(f, ") AS t(", cols[0], ", ", cols[1], ", ", cols[2], ", ", cols[3], ")")
	q := &rel{op: &raw{cols: cols, sql: f.String}}
	for _, c := range cols {
		q.fields = append(q.fields, field{c.name, c})
	}
	q.order = []sortKey{{col: cols[1], nulls: "FIRST"}}
	return q
}
