package kql

import (
	"errors"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

var joinKinds = map[string]string{
	"": "innerunique", "innerunique": "innerunique", "inner": "inner", "leftouter": "leftouter", "rightouter": "rightouter",
	"fullouter": "fullouter", "leftanti": "leftanti", "anti": "leftanti", "leftantisemi": "leftanti", "rightanti": "rightanti",
	"rightantisemi": "rightanti", "leftsemi": "leftsemi", "semi": "leftsemi", "rightsemi": "rightsemi",
}

func (b *binder) join(l *rel, op *opNode, e *env) (*rel, error) {
	lookup := op.name == "lookup"
	kind, ok := joinKinds[op.opts["kind"]]
	if lookup && op.opts["kind"] == "" {
		kind = "leftouter"
	}
	if !ok || lookup && kind != "leftouter" && kind != "inner" {
		return nil, b.errAt(op.optAt["kind"], "such as inner, leftouter or leftanti", "unknown kind of %s '%s'", op.name, op.opts["kind"])
	}
	r, err := b.tabular(op.legs[0], e)
	if err != nil {
		return nil, err
	}
	if len(op.items) == 0 {
		return nil, b.errAt(op.Span, "on column, or on $left.a == $right.b", "%s has no on", op.name)
	}
	var lk, rk []*Expr
	var on []*Expr
	var pair func(n node) error
	pair = func(n node) error {
		if x, ok := n.(*binNode); ok && x.op == "and" {
			if err := pair(x.l); err != nil {
				return err
			}
			return pair(x.r)
		}
		if x, ok := n.(*nameNode); ok && x.name != "true" {
			a, c := l.find(x.name), r.find(x.name)
			if a == nil {
				return b.noColumn(x.name, x.Span, l)
			}
			if c == nil {
				return b.noColumn(x.name, x.Span, r)
			}
			lk, rk = append(lk, ref(a)), append(rk, ref(c))
			return nil
		}
		if x, ok := n.(*binNode); ok && x.op == "==" {
			a, err := b.side(x.l, l, r, e)
			if err != nil {
				return err
			}
			c, err := b.side(x.r, l, r, e)
			if err != nil {
				return err
			}
			if a.free == "right" && c.free != "right" {
				a, c = c, a
			}
			lk, rk = append(lk, a), append(rk, c)
			return nil
		}
		return b.errAt(n.span(), "on column, or on $left.a == $right.b", "a join condition is an equality")
	}
	for _, it := range op.items {
		if err := pair(it.value); err != nil {
			return nil, err
		}
	}
	for i := range lk {
		x, err := b.compare("==", lk[i], rk[i], op.items[min(i, len(op.items)-1)].Span)
		if err != nil {
			return nil, err
		}
		on = append(on, E(fn.Bool, x.loose()))
	}
	cond := List(" AND ", on)
	j := &join{left: l, right: r, on: cond}
	q := &rel{op: j}
	shown := func(side *rel, missing, suffix bool, skip []*Expr) {
		made := map[*column]*column{}
		for _, f := range side.fields {
			if slices.ContainsFunc(skip, func(x *Expr) bool { return x.col == f.col }) {
				continue
			}
			c := f.col
			if missing && c.typ == fn.String {
				if made[c] == nil {
					d := b.computed(c.name, str(c))
					j.fill = append(j.fill, d)
					made[c] = d
				}
				c = made[c]
			} else if missing && c.nonull {
				if made[c] == nil {
					d := b.newColumn(c.name, c.typ)
					d.def = E(c.typ, c)
					j.fill = append(j.fill, d)
					made[c] = d
				}
				c = made[c]
			}
			q.fields = append(q.fields, field{q.fresh(f.name), c})
		}
	}
	switch kind {
	case "innerunique", "inner":
		j.kind = "INNER"
		if kind == "innerunique" {
			l, keys := b.keyed(l, lk)
			j.left, j.dedupe = l, keys
			// The condition is over the keys as they are computed now.
			var on []*Expr
			for i, k := range keys {
				x, err := b.compare("==", ref(k), rk[i], op.Span)
				if err != nil {
					return nil, err
				}
				on = append(on, E(fn.Bool, x.loose()))
			}
			j.on = List(" AND ", on)
		}
		shown(l, false, false, nil)
		if lookup {
			shown(r, false, true, rk)
		} else {
			shown(r, false, true, nil)
		}
	case "leftouter":
		j.kind = "LEFT"
		shown(l, false, false, nil)
		if lookup {
			shown(r, true, true, rk)
		} else {
			shown(r, true, true, nil)
		}
	case "rightouter":
		j.kind = "RIGHT"
		shown(l, true, false, nil)
		shown(r, false, true, nil)
	case "fullouter":
		j.kind = "FULL"
		shown(l, true, false, nil)
		shown(r, true, true, nil)
	case "leftsemi":
		j.kind = "SEMI"
		shown(l, false, false, nil)
	case "leftanti":
		j.kind = "ANTI"
		shown(l, false, false, nil)
	case "rightsemi":
		j.kind = "SEMI"
		j.left, j.right = r, l
		shown(r, false, false, nil)
	case "rightanti":
		j.kind = "ANTI"
		j.left, j.right = r, l
		shown(r, false, false, nil)
	}
	return q, nil
}

// keyed makes sure that the keys are columns of the relation.
func (b *binder) keyed(l *rel, keys []*Expr) (*rel, []*column) {
	c := &calc{in: l}
	q := *l
	q.hidden = slices.Clone(l.hidden)
	var out []*column
	for _, k := range keys {
		col := k.col
		if col == nil {
			col = b.computed("key", k)
			c.defs = append(c.defs, col)
			q.hidden = append(q.hidden, col)
		}
		out = append(out, col)
	}
	if len(c.defs) > 0 {
		q.op = c
		return &q, out
	}
	return l, out
}

// side binds one side of a join condition and says which relation it is about.
func (b *binder) side(n node, l, r *rel, e *env) (*Expr, error) {
	x, err := b.expr(n, &scope{env: e, rel: l, right: r})
	if err != nil {
		return nil, err
	}
	y := *x
	for c := range x.SQL.uses {
		if slices.Contains(r.columns(), c) {
			y.free = "right"
		}
	}
	return &y, nil
}

// union appends relations; r is the first, if the operator follows a |.
func (b *binder) union(r *rel, op *opNode, e *env) (*rel, error) {
	fuzzy := op.opts["isfuzzy"] == "true"
	var left error
	var legs []*rel
	if r != nil {
		legs = append(legs, r)
	}
	for _, n := range op.legs {
		if m, ok := n.(*nameNode); ok && hasStar(m.name) {
			found, err := b.likeNamed(m, e)
			switch {
			case err != nil:
				return nil, err
			case len(found) == 0 && !fuzzy:
				return nil, b.noneLike(m)
			case len(found) == 0:
				b.leaveOut(m.name)
			}
			legs = append(legs, found...)
			continue
		}
		x, err := b.tabular(n, e)
		if err != nil {
			// A leg that cannot be resolved is left out of a fuzzy union, and said.
			var m *missingTable
			var where *Error
			switch {
			case fuzzy && errors.As(err, &m):
				b.leaveOut(m.name)
				continue
			case fuzzy && errors.As(err, &where) && strings.HasPrefix(where.Message, "there is no column"):
				b.leaveOut(where.Error())
				left = err
				continue
			}
			return nil, err
		}
		legs = append(legs, x)
	}
	if len(legs) == 0 && left != nil {
		return nil, left
	}
	if len(legs) == 0 {
		return nil, b.errAt(op.Span, "", "union has no table that is here")
	}
	tag := op.opts["withsource"]
	if len(legs) == 1 && tag == "" {
		q := *legs[0]
		return &q, nil
	}
	return b.append(legs, tag, op.opts["kind"] == "inner"), nil
}

func (b *binder) leaveOut(what string) {
	if !slices.Contains(b.missing, what) {
		b.missing = append(b.missing, what)
	}
}

func hasStar(s string) bool {
	for i := range len(s) {
		if s[i] == '*' {
			return true
		}
	}
	return false
}

// append makes the union. Columns of one name and type are one column; columns of
// one name and several types get the type as a suffix.
func (b *binder) append(legs []*rel, tag string, inner bool) *rel {
	u := &union{legs: legs}
	q := &rel{op: u}
	if tag != "" {
		u.tag = b.newColumn(tag, fn.String)
		q.fields = append(q.fields, field{tag, u.tag})
		for i, l := range legs {
			t := l.label
			if t == "" {
				t = "union_arg" + itoa(i)
			}
			u.tags = append(u.tags, t)
		}
	}
	types := map[string][]Type{}
	var order []string
	count := map[string]int{}
	for _, l := range legs {
		for _, f := range l.fields {
			if !slices.Contains(types[f.name], f.col.typ) {
				types[f.name] = append(types[f.name], f.col.typ)
			}
			if count[f.name] == 0 {
				order = append(order, f.name)
			}
			count[f.name]++
		}
	}
	for range legs {
		u.vals = append(u.vals, map[*column]*column{})
	}
	// A column that keeps its name goes before one that gets a suffix, so that
	// the latter moves out of the way: x_long of a leg, x_long1 of x.
	taken := map[string]bool{tag: tag != ""}
	for _, n := range order {
		if len(types[n]) == 1 {
			taken[n] = true
		}
	}
	for _, n := range order {
		if inner && count[n] < len(legs) {
			continue
		}
		for _, t := range types[n] {
			name := n
			if len(types[n]) > 1 {
				name = n + "_" + string(t)
				for i := 1; taken[name]; i++ {
					name = n + "_" + string(t) + itoa(i)
				}
				taken[name] = true
			}
			c := b.newColumn(name, t)
			for j, l := range legs {
				for _, f := range l.fields {
					if f.name == n && f.col.typ == t {
						u.vals[j][c] = f.col
						c.deps = append(c.deps, f.col)
					}
				}
			}
			u.cols = append(u.cols, c)
			q.fields = append(q.fields, field{name, c})
		}
	}
	return q
}

// likeNamed are the tables whose names fit the pattern that a leg of union, search or find
// is; there may be none.
func (b *binder) likeNamed(m *nameNode, e *env) ([]*rel, error) {
	var names []string
	if s, ok := b.schema.(interface{ Names() []string }); ok {
		names = s.Names()
	} else if t, ok := b.schema.(Tables); ok {
		for _, x := range t {
			names = append(names, x.Name)
		}
	}
	for v := e; v != nil; v = v.parent {
		if v.rel != nil || v.lazy != nil && b.looksTabular(v.lazy, v.in) || v.fun != nil && v.fun.view {
			if !slices.Contains(names, v.name) {
				names = append(names, v.name)
			}
		}
	}
	slices.Sort(names)
	var out []*rel
	for _, t := range names {
		if matchName(m.name, t) {
			x, err := b.tableName(&nameNode{m.Span, t}, e)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
	}
	return out, nil
}

func (b *binder) noneLike(m *nameNode) error {
	return b.errAt(m.Span, "", "no table is named like '%s'", m.name)
}
