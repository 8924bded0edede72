package kql

import (
	"cmp"
	"slices"
	"strings"
)

// rel is a relation: an operator and the columns it gives.
type rel struct {
	op     plan
	fields []field
	hidden []*column                          // columns kept for the order only
	order  []sortKey                          // how the rows are sorted; nil if they are not
	serial bool                               // the order is that of serialize or of a source that has one
	part   *column                            // rows of different values of it are apart: windows end there
	label  string                             // the name that union withsource shows
	bag    *column                            // bag_unpack: names that are no column are keys of this bag
	open   func(name string) (*column, error) // pivot: makes a column of a name that is none
	prefix string                             // what bag_unpack puts before the keys
	late   *[]*column                         // columns that open has made; the relations that pass them on share it
	at     Span                               // where that pivot stands
}

type field struct {
	name string
	col  *column
}

type sortKey struct {
	col   *column
	desc  bool
	nulls string // "FIRST" or "LAST"
}

// plan is one operator. mark marks the columns that it needs itself, and goes on to
// what it reads; write makes its SQL with the columns that are used.
type plan interface {
	mark()
	write(out []*column) *sel
}

func (r *rel) find(name string) *column {
	for _, f := range r.fields {
		if f.name == name {
			return f.col
		}
	}
	return nil
}

// columns are all columns of the relation, shown or hidden, each once.
func (r *rel) columns() []*column {
	out := make([]*column, 0, len(r.fields)+len(r.hidden))
	seen := make(map[*column]bool, len(r.fields))
	for _, f := range r.fields {
		if !seen[f.col] {
			seen[f.col] = true
			out = append(out, f.col)
		}
	}
	more := r.hidden
	if r.late != nil {
		more = slices.Concat(more, *r.late)
	}
	for _, c := range more {
		if !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}

// live are the columns that something above needs.
func (r *rel) live() []*column {
	var out []*column
	for _, c := range r.columns() {
		if c.used {
			out = append(out, c)
		}
	}
	return out
}

func (r *rel) write() *sel { return r.op.write(r.live()) }

// from writes the relation to stand after FROM.
func (r *rel) from() string { return r.write().from0() }

// need marks a column and what it is computed from.
func need(c *column) {
	if c.used {
		return
	}
	c.used = true
	if c.def != nil {
		needExpr(c.def)
	}
	for _, d := range c.deps {
		need(d)
	}
}

func needExpr(e *Expr) { needFrag(e.SQL) }

func needFrag(f Frag) {
	for _, p := range f {
		switch p := p.(type) {
		case *column:
			need(p)
		case *subquery:
			p.mark()
		}
	}
}

// uses lists the columns in a fragment.
func (f Frag) uses(yield func(*column) bool) {
	for _, p := range f {
		if c, ok := p.(*column); ok && !yield(c) {
			return
		}
	}
}

// sel is one SELECT while it is written.
type sel struct {
	items []selItem
	body  string // FROM …, without the word
	where []string
	tail  string // GROUP BY, ORDER BY, LIMIT …
	head  string // DISTINCT …
	flat  bool   // nothing but FROM and WHERE: filters and columns can be added
}

type selItem struct {
	col   *column
	sql   string
	plain bool // the column is what FROM calls it
}

// SQL writes the SELECT.
func (s *sel) SQL() string {
	var b strings.Builder
	b.WriteString("SELECT ")
	b.WriteString(s.head)
	for i, it := range s.items {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(it.sql)
		if q := quote(it.col.sql); it.sql != q {
			b.WriteString(" AS " + q)
		}
	}
	if len(s.items) == 0 {
		b.WriteString("1 AS \"_\"")
	}
	if s.body != "" {
		b.WriteString(" FROM " + s.body)
	}
	for i, w := range s.where {
		if i == 0 {
			b.WriteString(" WHERE ")
		} else {
			b.WriteString(" AND ")
		}
		b.WriteString(w)
	}
	b.WriteString(s.tail)
	return b.String()
}

// from0 writes the SELECT to stand after FROM.
func (s *sel) from0() string {
	if s.flat && len(s.where) == 0 && s.body != "" && s.head == "" && !slices.ContainsFunc(s.items, func(i selItem) bool { return !i.plain }) && !strings.ContainsAny(s.body, " (") {
		return s.body
	}
	return "(" + s.SQL() + ")"
}

// wrap puts a SELECT into brackets.
func wrap(s *sel) *sel {
	w := &sel{body: "(" + s.SQL() + ")", flat: true}
	for _, it := range s.items {
		w.items = append(w.items, selItem{it.col, quote(it.col.sql), true})
	}
	return w
}

// pick keeps the items of the columns, in their order.
func (s *sel) pick(out []*column) *sel {
	items := make([]selItem, 0, len(out))
	for _, c := range out {
		i := slices.IndexFunc(s.items, func(i selItem) bool { return i.col == c })
		if i >= 0 {
			items = append(items, s.items[i])
		}
	}
	s.items = items
	return s
}

// open makes sure that SQL over the columns in the fragments can be added to the
// SELECT: each must be what FROM calls it.
func (s *sel) open(fs ...Frag) *sel {
	if !s.flat {
		return wrap(s)
	}
	for _, f := range fs {
		for c := range f.uses {
			for _, it := range s.items {
				if it.col == c && !it.plain {
					return wrap(s)
				}
			}
		}
	}
	return s
}

// scan reads a table.
type scan struct {
	table *Table
	cols  []*column
	where Frag
	timed bool // the query has a condition on the time column

	written int // how often it stands in the SQL, and what is known of the rows then
	conds   []Cond
	holds   []Hold
}

func (n *scan) mark() {
	if n.where != nil {
		needFrag(n.where)
	}
}

func (n *scan) write(out []*column) *sel {
	n.written++
	s := &sel{body: quote(cmp.Or(n.table.SQL, n.table.Name)), flat: true}
	for _, c := range out {
		q := quote(c.source)
		s.items = append(s.items, selItem{c, q, c.sql == c.source})
	}
	if n.where != nil {
		s = s.open(n.where)
		s.where = append(s.where, n.where.String())
	}
	return s
}

// filter keeps the rows for which a condition is true.
type filter struct {
	in    *rel
	where Frag
	holds []hold
}

func (n *filter) mark() { needFrag(n.where); n.in.op.mark() }
func (n *filter) write(out []*column) *sel {
	s := n.in.write().open(n.where)
	s.where = append(s.where, n.where.String())
	n.needed()
	return s.pick(out)
}

// calc computes columns.
type calc struct {
	in   *rel
	defs []*column
	win  bool // some definition is a window function
}

func (n *calc) mark() { n.in.op.mark() }
func (n *calc) write(out []*column) *sel {
	s := n.in.write()
	var fs []Frag
	for _, d := range n.defs {
		if d.used {
			fs = append(fs, d.def.SQL)
		}
	}
	s = s.open(fs...)
	for _, d := range n.defs {
		if d.used {
			s.items = append(s.items, selItem{d, d.def.SQL.String(), false})
		}
	}
	s = s.pick(out)
	if n.win {
		s.flat = false
	}
	return s
}

// group is summarize and distinct.
type group struct {
	in   *rel
	keys []*column
	aggs []*column
}

func (n *group) mark() {
	for _, k := range n.keys {
		need(k)
	}
	n.in.op.mark()
}
func (n *group) write(out []*column) *sel {
	var fs []Frag
	for _, c := range slices.Concat(n.keys, n.aggs) {
		if c.used {
			fs = append(fs, c.def.SQL)
		}
	}
	s := n.in.write().open(fs...)
	s.items = nil
	for _, k := range n.keys {
		s.items = append(s.items, selItem{k, k.def.SQL.String(), false})
	}
	for _, a := range n.aggs {
		if a.used {
			s.items = append(s.items, selItem{a, a.def.SQL.String(), false})
		}
	}
	s.flat = false
	if len(n.keys) > 0 {
		var b strings.Builder
		b.WriteString(" GROUP BY ")
		for i := range n.keys {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(itoa(i + 1))
		}
		s.tail = b.String()
	} else if len(s.items) == 0 {
		c := &column{sql: "_", used: true}
		s.items = []selItem{{c, "count(*)", false}}
	}
	return s
}

// limit is take, top and sort with a limit.
type limit struct {
	in    *rel
	order []sortKey
	n     Frag
}

func (n *limit) mark() {
	for _, k := range n.order {
		need(k.col)
	}
	needFrag(n.n)
	n.in.op.mark()
}
func (n *limit) write(out []*column) *sel {
	s := n.in.write().open(orderFrag(n.order), n.n)
	s.tail = orderBy(n.order) + " LIMIT " + n.n.String()
	s.flat = false
	return s.pick(out)
}

func orderFrag(ks []sortKey) Frag {
	var f Frag
	for _, k := range ks {
		f = append(f, k.col)
	}
	return f
}

func orderBy(ks []sortKey) string {
	if len(ks) == 0 {
		return ""
	}
	return " " + orderClause(ks).String()
}

// orderClause writes ORDER BY.
func orderClause(ks []sortKey) Frag {
	f := Frag{"ORDER BY "}
	for i, k := range ks {
		if i > 0 {
			f = append(f, ", ")
		}
		f = append(f, k.col)
		if k.desc {
			f = append(f, " DESC")
		}
		f = append(f, " NULLS "+k.nulls)
	}
	return f
}

// raw is a relation written by hand: its columns stand by their names in what the
// fragments give. It covers operators that have one form of SQL.
type raw struct {
	ins   []*rel
	needs []Frag
	cols  []*column // columns that it makes; all are written
	sql   func() string
}

func (n *raw) mark() {
	for _, f := range n.needs {
		needFrag(f)
	}
	for _, in := range n.ins {
		in.op.mark()
	}
}
func (n *raw) write(out []*column) *sel {
	s := &sel{body: n.sql(), flat: true}
	for _, c := range out {
		s.items = append(s.items, selItem{c, quote(c.sql), true})
	}
	return s
}
