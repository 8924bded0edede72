package kql

import (
	"fmt"
	"github.com/yagura-sec/yagura/query/kql/fn"
	"regexp"
	"slices"
	"strings"
)

// oneRow is a relation of one row without columns.
func (b *binder) oneRow() *rel {
	return &rel{op: &raw{sql: func() string { return "(SELECT 1 AS \"_\")" }}}
}

// sourceOp binds an operator that begins a query.
func (b *binder) sourceOp(op *opNode, e *env) (*rel, error) {
	s := &scope{env: e}
	switch op.name {
	case "print":
		in := b.oneRow()
		c := &calc{in: in}
		r := &rel{op: c}
		for i, it := range op.items {
			xs, err := b.items(it, s)
			if err != nil {
				return nil, err
			}
			for j, x := range xs {
				name := x.name
				if name == "" || len(it.names) == 0 && len(xs) == 1 && !strings.HasSuffix(name, "_sorted") {
					name = fmt.Sprintf("print_%d", i)
					if j > 0 {
						name = fmt.Sprintf("print_%d_%d", i, j)
					}
				}
				col := b.computed(name, x.expr)
				c.defs = append(c.defs, col)
				r.fields = append(r.fields, field{r.fresh(name), col})
			}
		}
		return r, nil
	case "range":
		return b.rangeOp(op, s)
	case "datatable":
		return b.datatable(op, s)
	case "union":
		return b.union(nil, op, e)
	case "search":
		return b.search(nil, op, e)
	case "find":
		return b.find(op, e)
	case "externaldata":
		return b.external(op)
	}
	return nil, b.errAt(op.Span, "a query begins with a table", "%s cannot begin a query", op.name)
}

// external reads a list from outside, where the caller allows the address and has
// it as a table. The table gives its columns as text.
func (b *binder) external(op *opNode) (*rel, error) {
	var uris []string
	for _, it := range op.items {
		uris = append(uris, it.step)
	}
	var t *Table
	if b.o.External != nil {
		if list, ok := b.o.External(uris, op.opts["with format"], len(op.cols)); ok {
			t = list
		}
	}
	if t == nil {
		return nil, b.errAt(op.Span, "import the list with yagura watchlist import --address URL", "externaldata reaches outside and is not supported")
	}
	if len(t.Columns) < len(op.cols) {
		return nil, b.errAt(op.Span, "", "the list has %d columns, not %d", len(t.Columns), len(op.cols))
	}
	r := b.scanTable(t)
	c := &calc{in: r}
	q := &rel{op: c, label: t.Name}
	for i, d := range op.cols {
		col := b.computed(d.name, convert(ref(r.fields[i].col), d.typ))
		c.defs = append(c.defs, col)
		q.fields = append(q.fields, field{q.fresh(d.name), col})
	}
	return q, nil
}

// fresh is a name that no field has: name, name1, name2 and so on.
func (r *rel) fresh(name string) string { return freshIn(r.fields, name) }

func freshIn(fs []field, name string) string {
	has := func(n string) bool {
		return slices.ContainsFunc(fs, func(f field) bool { return f.name == n })
	}
	if !has(name) {
		return name
	}
	for i := 1; ; i++ {
		if n := fmt.Sprintf("%s%d", name, i); !has(n) {
			return n
		}
	}
}

func (b *binder) rangeOp(op *opNode, s *scope) (*rel, error) {
	var xs []*Expr
	for _, l := range op.legs {
		x, err := b.expr(l, s)
		if err != nil {
			return nil, err
		}
		xs = append(xs, x)
	}
	t := xs[0].Type
	switch {
	case t == fn.Datetime || t == fn.Timespan:
	case isNumber(t) || t == fn.Dynamic:
		t = fn.Long
		for _, x := range xs {
			if x.Type == fn.Real || x.Type == fn.Decimal {
				t = fn.Real
			}
		}
	default:
		return nil, b.errAt(op.legs[0].span(), "", "range counts numbers, datetimes and timespans, not %s", t)
	}
	name := op.items[0].names[0]
	c := b.newColumn(name, t)
	ord := b.newColumn(name+"_order", fn.Long)
	lo, hi, step := convert(xs[0], t), convert(xs[1], t), convert(xs[2], t)
	var f Frag
	// The number of rows is bounded: an endless range must not run.
	const most = "10000000"
	switch t {
	case fn.Datetime:
		step = convert(xs[2], fn.Timespan)
		us := S("(", step, " // 10)")
		f = S("(SELECT ", lo, " + to_microseconds(i * ", us, ") AS ", c, ", i AS ", ord, " FROM range(0, least(greatest((epoch_us(", hi, ") - epoch_us(", lo, ")) // nullif(", us, ",0) + 1, 0), "+most+")) AS t(i))")
	case fn.Real:
		f = S("(SELECT ", lo, " + i * ", step, " AS ", c, ", i AS ", ord, " FROM range(0, CAST(least(greatest(floor((", hi, " - ", lo, ") / nullif(", step, ",0) + 1e-9) + 1, 0), "+most+") AS BIGINT)) AS t(i))")
	default:
		f = S("(SELECT ", lo, " + i * ", step, " AS ", c, ", i AS ", ord, " FROM range(0, least(greatest(((", hi, ") - (", lo, ")) // nullif(", step, ",0) + 1, 0), "+most+")) AS t(i))")
	}
	r := &rel{op: &raw{needs: []Frag{f}, sql: f.String}, fields: []field{{name, c}}, hidden: []*column{ord}, order: nil, serial: true}
	return r, nil
}

func (b *binder) datatable(op *opNode, s *scope) (*rel, error) {
	r := &rel{serial: true}
	var cols []*column
	for _, d := range op.cols {
		c := b.newColumn(d.name, d.typ)
		cols = append(cols, c)
		r.fields = append(r.fields, field{r.fresh(d.name), c})
	}
	rows := []Frag{}
	var f Frag
	f = append(f, "(SELECT ")
	for i, c := range cols {
		if i > 0 {
			f = append(f, ", ")
		}
		f = append(f, fmt.Sprintf("CAST(c%d AS %s) AS ", i, c.typ.SQL()), c)
	}
	f = append(f, " FROM (VALUES ")
	for i := 0; i < len(op.items); i += len(cols) {
		row := Frag{"("}
		for j := range cols {
			x, err := b.expr(op.items[i+j].value, s)
			if err != nil {
				return nil, err
			}
			y, ok := implicit(x, cols[j].typ)
			if !ok {
				y = convert(x, cols[j].typ)
			}
			if j > 0 {
				row = append(row, ", ")
			}
			row = append(row, y.SQL...)
		}
		rows = append(rows, append(row, ")"))
	}
	for i, row := range rows {
		if i > 0 {
			f = append(f, ", ")
		}
		f = append(f, row...)
	}
	if len(rows) == 0 {
		f = append(f, "(")
		for i := range cols {
			if i > 0 {
				f = append(f, ", ")
			}
			f = append(f, "NULL")
		}
		f = append(f, ")")
	}
	f = append(f, ") AS t(")
	for i := range cols {
		if i > 0 {
			f = append(f, ", ")
		}
		f = append(f, fmt.Sprintf("c%d", i))
	}
	f = append(f, ")")
	if len(rows) == 0 {
		f = append(f, " WHERE false")
	}
	f = append(f, ")")
	r.op = &raw{needs: []Frag{f}, cols: cols, sql: f.String}
	return r, nil
}

// matchName says whether a name fits a pattern with *.
func matchName(pattern, name string) bool {
	re := "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
	ok, err := regexp.MatchString(re, name)
	return err == nil && ok
}
