package kql

import (
	"github.com/yagura-sec/yagura/query/kql/fn"
	"strings"
)

// join joins two relations. Columns of either side keep their names; where a side
// may be missing its columns are made anew.
type join struct {
	kind        string // INNER, LEFT, RIGHT, FULL, SEMI, ANTI
	left, right *rel
	dedupe      []*column // innerunique: keep one left row for each
	on          Frag
	fill        []*column // columns with definitions over both sides
}

func (n *join) mark() {
	needFrag(n.on)
	for _, c := range n.dedupe {
		need(c)
	}
	n.left.op.mark()
	n.right.op.mark()
}
func (n *join) write(out []*column) *sel {
	l := n.left.write()
	lf := l.from0()
	if len(n.dedupe) > 0 {
		if !l.flat {
			l = wrap(l)
		}
		var keys []string
		l = l.open(Frag{})
		for _, c := range n.dedupe {
			keys = append(keys, quote(c.sql))
		}
		for _, it := range l.items {
			if !it.plain {
				l = wrap(l)
				break
			}
		}
		l.head = "DISTINCT ON (" + strings.Join(keys, ", ") + ") "
		lf = "(" + l.SQL() + ")"
	}
	s := &sel{flat: true}
	s.body = lf + " AS l " + n.kind + " JOIN " + n.right.from() + " AS r ON " + n.on.String()
	have := map[*column]bool{}
	for _, c := range n.fill {
		if c.used {
			s.items = append(s.items, selItem{c, c.def.SQL.String(), false})
		}
		have[c] = true
	}
	for _, c := range out {
		if !have[c] {
			s.items = append(s.items, selItem{c, quote(c.sql), true})
		}
	}
	return s.pick(out)
}

// union appends relations. Each leg gives the columns in one order.
type union struct {
	legs []*rel
	cols []*column // cols[i].deps[j] is what leg j gives for it, nil for nothing
	vals []map[*column]*column
	tag  *column
	tags []string
}

func (n *union) mark() {
	for _, l := range n.legs {
		l.op.mark()
	}
}
func (n *union) write(out []*column) *sel {
	var parts []string
	for j, l := range n.legs {
		s := l.write()
		var fs []Frag
		for _, c := range out {
			if v := n.vals[j][c]; v != nil {
				fs = append(fs, Frag{v})
			}
		}
		s = s.open(fs...)
		byCol := map[*column]selItem{}
		for _, it := range s.items {
			byCol[it.col] = it
		}
		s.items = nil
		for _, c := range out {
			v := n.vals[j][c]
			switch {
			case c == n.tag:
				s.items = append(s.items, selItem{c, QuoteString(n.tags[j]), false})
			case v != nil:
				it := byCol[v]
				s.items = append(s.items, selItem{c, it.sql, false})
			case c.typ == fn.String:
				s.items = append(s.items, selItem{c, "''", false})
			default:
				s.items = append(s.items, selItem{c, "CAST(NULL AS " + c.typ.SQL() + ")", false})
			}
		}
		parts = append(parts, s.SQL())
	}
	s := &sel{body: "(" + strings.Join(parts, " UNION ALL ") + ")", flat: true}
	for _, c := range out {
		s.items = append(s.items, selItem{c, quote(c.sql), true})
	}
	return s
}

// shared is a relation with a name that may be used several times. What is used
// once is written in place; else it is a common table expression.
type shared struct {
	b     *binder
	in    *rel
	uses  int
	name  string // of the CTE
	mat   bool   // materialize()
	done  bool
	label string
}

// again is one use of a shared relation, with columns of its own.
type again struct {
	of   *shared
	cols []*column // deps[0] is the column of the shared one
}

func (n *again) mark() {
	if !n.of.done {
		n.of.done = true
		n.of.in.op.mark()
	}
}
func (n *again) write(out []*column) *sel {
	if n.of.uses == 1 && !n.of.mat {
		s := n.of.in.write()
		s = s.open()
		for i, it := range s.items {
			for _, c := range n.cols {
				if c.deps[0] == it.col {
					s.items[i] = selItem{c, it.sql, it.plain && c.sql == it.col.sql}
				}
			}
		}
		return s.again(n, out)
	}
	s := &sel{body: quote(n.of.name), flat: true}
	for _, c := range out {
		q := quote(c.deps[0].sql)
		s.items = append(s.items, selItem{c, q, c.sql == c.deps[0].sql})
	}
	return s
}

func (s *sel) again(n *again, out []*column) *sel {
	// A column may be shown under two names: both take the one item.
	w := &sel{body: s.body, where: s.where, tail: s.tail, head: s.head, flat: s.flat}
	for _, c := range out {
		for _, it := range s.items {
			if it.col == c || it.col.deps != nil && c.deps != nil && len(it.col.deps) == 1 && it.col.deps[0] == c.deps[0] {
				w.items = append(w.items, selItem{c, it.sql, it.plain && it.sql == quote(c.sql)})
				break
			}
		}
	}
	return w
}

// subquery is a relation inside an expression.
type subquery struct {
	in    *rel
	first bool // one value
	done  bool
}

func (q *subquery) mark() {
	if q.done {
		return
	}
	q.done = true
	need(q.in.fields[0].col)
	for _, k := range q.in.order {
		if q.first {
			need(k.col)
		}
	}
	q.in.op.mark()
}

func (q *subquery) write(b *strings.Builder) {
	c := q.in.fields[0].col
	s := q.in.write()
	if q.first && len(q.in.order) > 0 {
		s = s.open(orderFrag(q.in.order))
		if s.tail != "" {
			s = wrap(s)
		}
		s.tail = orderBy(q.in.order)
	}
	b.WriteString("(SELECT " + quote(c.sql) + " FROM (" + s.SQL() + ")")
	if q.first {
		b.WriteString(" LIMIT 1")
	}
	b.WriteString(")")
}
