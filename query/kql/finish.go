package kql

import (
	"fmt"
	"strconv"
	"strings"
)

func itoa(i int) string { return strconv.Itoa(i) }

// plan marks what is needed from the result downwards and writes the SQL.
func (b *binder) plan(r *rel) (*Plan, error) {
	b.bound()
	for _, sc := range b.scans {
		sc.written, sc.conds, sc.holds = 0, nil, nil
	}
	for _, f := range r.fields {
		need(f.col)
	}
	for _, k := range r.order {
		need(k.col)
	}
	r.op.mark()
	p := &Plan{Missing: b.missing, Chart: b.chart}
	var with []string
	for _, s := range b.shared {
		if s.done && (s.uses > 1 || s.mat) {
			mat := "NOT MATERIALIZED"
			if s.mat {
				mat = "MATERIALIZED"
			}
			with = append(with, quote(s.name)+" AS "+mat+" ("+s.in.write().SQL()+")")
		}
	}
	s := r.write()
	if !s.flat || len(r.order) > 0 {
		s = s.open(orderFrag(r.order))
	}
	byCol := map[*column]selItem{}
	for _, it := range s.items {
		byCol[it.col] = it
	}
	s.items = nil
	seen := map[*column]bool{}
	for _, f := range r.fields {
		it, ok := byCol[f.col]
		if !ok {
			return nil, fmt.Errorf("kql: the compiler lost column %s", f.name)
		}
		if seen[f.col] { // one column under two names
			c := b.newColumn(f.name, f.col.typ)
			it = selItem{c, it.sql, false}
		}
		seen[f.col] = true
		s.items = append(s.items, it)
		p.Columns = append(p.Columns, Column{Name: f.name, Type: f.col.typ})
	}
	if len(r.order) > 0 {
		p.Ordered = true
		s.tail += orderBy(r.order)
	}
	p.SQL = s.SQL()
	if len(with) > 0 {
		p.SQL = "WITH " + strings.Join(with, ", ") + " " + p.SQL
	}
	p.Tables = b.tables()
	for _, sc := range b.scans {
		p.Bounded = p.Bounded || sc.where != nil
	}
	return p, nil
}
