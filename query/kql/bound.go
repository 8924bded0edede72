package kql

import "github.com/yagura-sec/yagura/query/kql/fn"

// timed notes that a condition is about the time column of a table.
func (b *binder) timed(f Frag, depth int) {
	if depth > 40 {
		return
	}
	for c := range f.uses {
		b.timedColumn(c, depth)
	}
}

func (b *binder) timedColumn(c *column, depth int) {
	if c.typ != fn.Datetime && c.typ != fn.Long && c.typ != fn.Timespan || depth > 40 {
		return
	}
	if c.source != "" {
		for _, s := range b.scans {
			if s.table.Time != c.source {
				continue
			}
			for _, x := range s.cols {
				if x == c {
					s.timed = true
				}
			}
		}
		return
	}
	if c.def != nil {
		b.timed(c.def.SQL, depth+1)
	}
	for _, d := range c.deps {
		b.timedColumn(d, depth+1)
	}
}

// bound puts the time range on the tables that the query does not bound itself.
func (b *binder) bound() {
	if b.o.From.IsZero() && b.o.To.IsZero() {
		return
	}
	for _, s := range b.scans {
		if s.table.Time == "" || s.timed && !b.o.Always || s.where != nil {
			continue
		}
		for _, c := range s.cols {
			if c.source != s.table.Time || c.typ != fn.Datetime {
				continue
			}
			var f Frag
			if !b.o.From.IsZero() {
				f = S(c, " >= ", constExpr(fn.Datetime, &Value{Time: b.o.From}))
			}
			if !b.o.To.IsZero() {
				if f != nil {
					f = S(f, " AND ")
				}
				f = S(f, c, " < ", constExpr(fn.Datetime, &Value{Time: b.o.To}))
			}
			s.where = f
		}
	}
}
