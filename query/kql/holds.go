package kql

import (
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// Cond is a condition that holds for every row of a table that a plan needs: a reader may
// leave out rows for which it is not true.
type Cond struct {
	SQL     string   // over the table's columns
	Columns []string // those that it names
}

// Hold says that every row of a table that a plan needs has one of some texts, without
// regard to case, in the text of one of some columns.
type Hold struct {
	Any []Text
}

// Text is a text in a column.
type Text struct {
	Column, Text string
}

// hold is a text in what a column of a table holds.
type hold struct {
	col  *column
	text string
}

// mostBack is how many names and computations a column is followed back through at most. What
// lies further away is not told, which costs time and no rows.
const mostBack = 40

// named is the column that c is another name of.
func (c *column) named() *column {
	for range mostBack {
		switch {
		case c.def != nil && c.def.col != nil:
			c = c.def.col
		case c.def == nil && len(c.deps) == 1:
			c = c.deps[0]
		default:
			return c
		}
	}
	return c
}

// origin is the column of a table whose text, or a part of it, an expression is; nil where
// there is none, or where something was computed.
func origin(e *Expr) *column {
	for range mostBack {
		switch {
		case e.Type != fn.String && e.Type != fn.Dynamic:
			return nil
		case e.from != nil:
			return e.from
		case e.col == nil:
			return nil
		}
		c := e.col.named()
		if c.def == nil {
			if c.source == "" || c.typ != fn.String && c.typ != fn.Dynamic {
				return nil
			}
			return c
		}
		e = c.def
	}
	return nil
}

// holding notes that e is true only where x has one of the texts. A text that is not known
// now makes it say nothing.
func (e *Expr) holding(x *Expr, texts ...*Expr) {
	c := origin(x)
	if c == nil {
		return
	}
	var out []hold
	for _, t := range texts {
		if t.Const == nil || t.Const.Null || t.Type != fn.String || t.Const.Str == "" {
			return
		}
		out = append(out, hold{c, t.Const.Str})
	}
	e.holds = out
}

// joined is what a condition of two says: both where it is an or, either where it is an and.
func joined(op string, l, r []hold) []hold {
	if op == "or" {
		if l == nil || r == nil {
			return nil
		}
		return slices.Concat(l, r)
	}
	if l == nil {
		return r
	}
	return l
}

// rowwise is the table whose rows an operator passes on one by one: nothing but conditions
// and columns computed of one row lies between. nil where there is none.
func rowwise(p plan) *scan {
	for {
		switch n := p.(type) {
		case *scan:
			return n
		case *filter:
			p = n.in.op
		case *calc:
			if n.win {
				return nil
			}
			p = n.in.op
		case *again:
			if n.of.uses != 1 || n.of.mat {
				return nil
			}
			p = n.of.in.op
		default:
			return nil
		}
	}
}

// needed notes at the table what a filter says of the rows that are needed of it.
func (n *filter) needed() {
	s := rowwise(n.in.op)
	if s == nil {
		return
	}
	if cond, ok := s.cond(n.where); ok {
		s.conds = append(s.conds, cond)
	}
	var h Hold
	for _, t := range n.holds {
		if !slices.Contains(s.cols, t.col) {
			return
		}
		h.Any = append(h.Any, Text{t.col.source, t.text})
	}
	if h.Any != nil {
		s.holds = append(s.holds, h)
	}
}

// cond writes a condition over the table's own columns.
func (s *scan) cond(f Frag) (Cond, bool) {
	var c Cond
	var b strings.Builder
	for _, p := range f {
		switch p := p.(type) {
		case string:
			if chancy(p) {
				return c, false
			}
			b.WriteString(p)
		case *column:
			p = p.named()
			if !slices.Contains(s.cols, p) {
				return c, false
			}
			b.WriteString(quote(p.source))
			if !slices.Contains(c.Columns, p.source) {
				c.Columns = append(c.Columns, p.source)
			}
		default:
			return c, false
		}
	}
	c.SQL = b.String()
	return c, len(c.Columns) > 0
}

// tables tells which columns of which tables the plan reads, and of a table that it reads in
// one place what it says of the rows that it needs.
func (b *binder) tables() []Use {
	var out []Use
	reads := map[string]int{}
	for _, sc := range b.scans {
		i := slices.IndexFunc(out, func(u Use) bool { return u.Table == sc.table.Name })
		if i < 0 {
			i = len(out)
			out = append(out, Use{Table: sc.table.Name, SQL: sc.table.SQL})
		}
		for _, c := range sc.cols {
			if c.used && !slices.Contains(out[i].Columns, c.source) {
				out[i].Columns = append(out[i].Columns, c.source)
			}
		}
		if reads[sc.table.Name] += sc.written; sc.written == 1 {
			out[i].Where, out[i].Holds = sc.conds, sc.holds
		}
	}
	for i := range out {
		if reads[out[i].Table] != 1 {
			out[i].Where, out[i].Holds = nil, nil
		}
	}
	return out
}
