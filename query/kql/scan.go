package kql

import (
	"maps"
	"slices"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// mostScanSteps is how many steps scan takes at most: each adds to the state that goes
// from row to row.
const mostScanSteps = 8

// scanStep is one step of scan while it is bound. The state of step k holds what the
// steps up to k have matched: state[j][c] is the column that keeps c of step j.
type scanStep struct {
	it      *item
	state   []map[string]*column
	active  *column
	id      *column
	c1, c2  *column // the row matches from the state before, or goes on in this one
	out     *column
	assign  map[string]*column
	tests   Frag // c1 and c2
	changes Frag
}

// scan binds scan: the rows go one by one, in their order, past the steps, and what
// matches goes from state to state. It is a recursion over the number of the row, in
// which all parts of a partition go at once.
func (b *binder) scan(r *rel, op *opNode, e *env, part *column) (*rel, error) {
	if len(r.order) == 0 && !r.serial {
		return nil, b.errAt(op.Span, "put sort or serialize before", "scan needs rows in an order")
	}
	if len(op.items) > mostScanSteps {
		return nil, b.errAt(op.Span, "", "scan takes up to %d steps, not %d", mostScanSteps, len(op.items))
	}
	// What the steps declare, and which columns of which step are looked at later.
	defaults := map[string]*Expr{}
	types := map[string]Type{}
	for i, d := range op.cols {
		if r.find(d.name) != nil {
			return nil, b.errAt(d.Span, "", "there is a column '%s' already", d.name)
		}
		types[d.name] = d.typ
		x := constExpr(d.typ, &Value{Null: true})
		if def := op.legs[i]; def != nil {
			v, err := b.scalar(def, e)
			if err != nil {
				return nil, err
			}
			var ok bool
			if x, ok = implicit(v, d.typ); !ok {
				return nil, b.errAt(def.span(), "", "the default of %s is no %s", d.name, d.typ)
			}
		}
		defaults[d.name] = x
	}
	for _, f := range r.fields {
		types[f.name] = f.col.typ
	}
	cols := slices.Clone(op.cols)
	for _, it := range op.items {
		for a := it.sub; a != nil; a = a.sub {
			name := a.names[0]
			if types[name] == "" {
				return nil, b.errAt(a.Span, "scan declare ("+name+": long) …", "scan assigns '%s', which is not declared", name)
			}
			if !slices.ContainsFunc(cols, func(c colDecl) bool { return c.name == name }) {
				cols = append(cols, colDecl{name: name, typ: types[name], Span: a.Span})
			}
		}
	}
	at := map[string]int{}
	for i, it := range op.items {
		if _, ok := at[it.step]; ok {
			return nil, b.errAt(it.Span, "", "two steps are called '%s'", it.step)
		}
		at[it.step] = i
	}
	looked := make([]map[string]bool, len(op.items))
	for i := range looked {
		looked[i] = map[string]bool{}
	}
	var wrong error
	look := func(n node) {
		eachMember(n, func(m *memberNode, step string) {
			i, ok := at[step]
			if !ok {
				return
			}
			if types[m.key] == "" {
				wrong = b.errAt(m.Span, "a column of the table or of declare", "step '%s' has no column '%s'", step, m.key)
				return
			}
			looked[i][m.key] = true
		})
	}
	for _, it := range op.items {
		look(it.value)
		for s := it.sub; s != nil; s = s.sub {
			look(s.value)
		}
	}
	if wrong != nil {
		return nil, wrong
	}

	steps := make([]*scanStep, len(op.items))
	for k, it := range op.items {
		s := &scanStep{it: it, active: b.newColumn("active", fn.Bool), id: b.newColumn("match", fn.Long), c1: b.newColumn("from", fn.Bool), c2: b.newColumn("on", fn.Bool),
			out: b.newColumn("out", fn.Bool), assign: map[string]*column{}}
		for j := range k + 1 {
			m := map[string]*column{}
			for c := range looked[j] {
				m[c] = b.newColumn(c, types[c])
			}
			s.state = append(s.state, m)
		}
		for _, d := range cols {
			s.assign[d.name] = b.newColumn(d.name, d.typ)
		}
		steps[k] = s
	}
	// in is the scope in which the state of step k is seen; -1 sees none.
	in := func(k int) *scope {
		s := &scope{env: e, rel: r, steps: map[string]map[string]*Expr{}}
		for j, it := range op.items {
			m := map[string]*Expr{}
			for c := range looked[j] {
				x := constExpr(types[c], &Value{Null: true})
				if k >= j {
					x = ref(steps[k].state[j][c])
					if types[c] == fn.String {
						x = str(steps[k].state[j][c])
					}
					if d := defaults[c]; d != nil && d.Const != nil && !d.Const.Null {
						x = E(types[c], "coalesce(", steps[k].state[j][c], ", ", d, ")")
					}
				} else if d := defaults[c]; d != nil {
					x = d
				}
				m[c] = x
			}
			s.steps[it.step] = m
		}
		return s
	}
	w := &scanner{b: b, r: r, op: op, cols: cols, steps: steps, types: types, defaults: defaults,
		seq: b.newColumn("seq", fn.Long), num: b.newColumn("rn", fn.Long), key: b.newColumn("part", fn.Long), match: b.newColumn(op.opts["with_match_id"], fn.Long)}
	for k := range steps {
		if err := w.layer(k, in); err != nil {
			return nil, err
		}
	}
	return w.plan(part), nil
}

// scanner writes what scan does as SQL.
type scanner struct {
	b             *binder
	r             *rel
	op            *opNode
	cols          []colDecl // declared, and those of the table that a step assigns
	steps         []*scanStep
	types         map[string]Type
	defaults      map[string]*Expr
	seq, num, key *column
	match         *column // the number of the match, in the result
}

// layer makes what step k adds to a row: whether it matches, from which state, and how
// the states change.
func (w *scanner) layer(k int, in func(k int) *scope) error {
	b, s := w.b, w.steps[k]
	on, err := b.condition(s.it.value, in(k))
	if err != nil {
		return err
	}
	from, going := S("false"), S("true")
	if k > 0 {
		x, err := b.condition(s.it.value, in(k-1))
		if err != nil {
			return err
		}
		from, going = S("(", w.steps[k-1].active, " AND coalesce(", x, ", false))"), S(s.active)
	}
	s.tests = S(from, " AS ", s.c1, ", (NOT ", from, " AND ", going, " AND coalesce(", on, ", false)) AS ", s.c2)
	hit := S("(", s.c1, " OR ", s.c2, ")")
	value := map[string]Frag{} // of these columns, where the step matches
	for _, d := range w.cols {
		if def := w.defaults[d.name]; def != nil {
			value[d.name] = S(def)
		} else {
			value[d.name] = S(w.r.find(d.name))
		}
	}
	for a := s.it.sub; a != nil; a = a.sub {
		name := a.names[0]
		var both [2]Frag
		for i, sc := range []*scope{in(k - 1), in(k)} {
			x, err := b.expr(a.value, sc)
			if err != nil {
				return err
			}
			both[i] = convert(x, w.types[name]).SQL
		}
		value[name] = S("CASE WHEN ", s.c1, " THEN ", both[0], " ELSE ", both[1], " END")
	}
	var set Frag
	put := func(c *column, parts ...any) {
		if len(set) > 0 {
			set = append(set, ", ")
		}
		set = S(set, S(parts...), " AS ", c)
	}
	for _, d := range w.cols {
		put(s.assign[d.name], "CASE WHEN ", hit, " THEN ", value[d.name], " END")
	}
	for j := range s.state {
		for _, c := range inOrder(s.state[j]) {
			col := s.state[j][c]
			was, now := Frag(nil), S(col)
			switch {
			case j < k:
				was = S(w.steps[k-1].state[j][c])
			case value[c] != nil:
				was, now = value[c], value[c]
			default:
				was, now = S(w.r.find(c)), S(w.r.find(c))
			}
			put(col, "CASE WHEN ", s.c1, " THEN ", was, " WHEN ", s.c2, " THEN ", now, " ELSE ", col, " END")
		}
	}
	if k > 0 { // the state before is promoted, and is empty now
		p := w.steps[k-1]
		put(p.active, "(", p.active, " AND NOT ", s.c1, ")")
		for j := range p.state {
			for _, c := range inOrder(p.state[j]) {
				put(p.state[j][c], "CASE WHEN ", s.c1, " THEN NULL ELSE ", p.state[j][c], " END")
			}
		}
		put(s.id, "CASE WHEN ", s.c1, " THEN ", p.id, " ELSE ", s.id, " END")
	} else {
		begins := S("(", s.c2, " AND NOT ", s.active, ")")
		put(s.id, "CASE WHEN ", begins, " THEN ", w.seq, " + 1 ELSE ", s.id, " END")
		put(w.seq, "CASE WHEN ", begins, " THEN ", w.seq, " + 1 ELSE ", w.seq, " END")
	}
	if s.it.output == "none" {
		put(s.out, "false")
	} else {
		put(s.out, hit)
	}
	put(s.active, "(", hit, " OR ", s.active, ")")
	s.changes = set
	return nil
}

// plan puts the layers into a recursion over the number of the row.
func (w *scanner) plan(part *column) *rel {
	b, r := w.b, w.r
	b.ctes++
	src, rec := "scan"+itoa(b.ctes)+"_rows", "scan"+itoa(b.ctes)
	cols := r.columns()
	over := Frag{"row_number() OVER ("}
	group := S("0")
	if part != nil {
		over, group = S(over, "PARTITION BY ", part, " "), S("dense_rank() OVER (ORDER BY ", part, ")")
	}
	if len(r.order) > 0 {
		over = S(over, orderClause(r.order))
	}
	over = S(over, ")")
	all, needs := Frag{}, Frag{}
	for _, c := range cols {
		all, needs = append(all, c, ", "), append(needs, c)
	}
	if part != nil {
		needs = append(needs, part)
	}
	rows := S("SELECT ", all, over, " AS ", w.num, ", ", group, " AS ", w.key, " FROM ")

	state := []*column{w.key, w.num, w.seq}
	first := S("SELECT DISTINCT ", w.key, ", CAST(0 AS BIGINT) AS ", w.num, ", CAST(-1 AS BIGINT) AS ", w.seq)
	add := func(c *column, sql string) {
		state = append(state, c)
		first = S(first, ", ", sql, " AS ", c)
	}
	for _, s := range w.steps {
		add(s.active, "false")
		add(s.id, "CAST(NULL AS BIGINT)")
		add(s.out, "false")
		for j := range s.state {
			for _, c := range inOrder(s.state[j]) {
				add(s.state[j][c], "CAST(NULL AS "+w.types[c].SQL()+")")
			}
		}
		for _, d := range w.cols {
			add(s.assign[d.name], "CAST(NULL AS "+d.typ.SQL()+")")
		}
	}
	list := Frag{}
	for i, c := range state {
		if i > 0 {
			list = append(list, ", ")
		}
		list = append(list, c)
	}
	// The steps are tried from the last to the first.
	walk := S("SELECT p.* EXCLUDE (", w.num, "), s.* EXCLUDE (", w.key, ") FROM "+rec+" AS p JOIN "+src+" AS s ON s.", w.key, " = p.", w.key, " AND s.", w.num, " = p.", w.num, " + 1")
	for _, s := range slices.Backward(w.steps) {
		walk = S("SELECT * EXCLUDE (", s.c1, ", ", s.c2, ") REPLACE (", s.changes, ") FROM (SELECT *, ", s.tests, " FROM (", walk, "))")
	}
	q := &rel{label: r.label, fields: slices.Clone(r.fields), hidden: slices.Clone(r.hidden)}
	made := []*column{}
	found, shown := Frag{}, Frag{}
	for k, s := range w.steps {
		if k > 0 {
			found = append(found, " UNION ALL ")
		}
		found = S(found, "SELECT ", w.key, ", ", w.num, ", ", s.id, " AS ", w.match)
		for i, d := range w.cols {
			if k == 0 {
				c := b.newColumn(d.name, d.typ)
				made = append(made, c)
				shown = S(shown, ", ", c)
				if j := slices.IndexFunc(q.fields, func(f field) bool { return f.name == d.name }); j >= 0 {
					q.fields[j].col = c
				} else {
					q.fields = append(q.fields, field{d.name, c})
				}
			}
			x := S(s.assign[d.name])
			if d.typ == fn.String {
				x = S("coalesce(", x, ", '')")
			}
			found = S(found, ", ", x, " AS ", made[i])
		}
		found = S(found, ", "+itoa(k)+" AS \"step\" FROM "+rec+" WHERE ", s.out)
		if s.it.output == "last" { // what repeats a match of the step has its number
			found = S(found, " QUALIFY row_number() OVER (PARTITION BY ", w.key, ", ", s.id, " ORDER BY ", w.num, " DESC) = 1")
		}
	}
	if w.op.opts["with_match_id"] != "" {
		q.fields = append(q.fields, field{q.fresh(w.match.name), w.match})
	}
	pos := b.newColumn("position", fn.Long)
	tail := S(" SELECT ", all, w.match, shown, ", s.", w.num, " * "+itoa(mostScanSteps)+" - o.\"step\" AS ", pos, " FROM "+src+" AS s JOIN (", found, ") AS o ON s.", w.key, " = o.", w.key, " AND s.", w.num, " = o.", w.num, ")")
	q.op = &raw{ins: []*rel{r}, needs: []Frag{needs}, cols: append(append(slices.Clone(cols), w.match, pos), made...), sql: func() string {
		return "(WITH RECURSIVE " + src + " AS MATERIALIZED (" + rows.String() + r.from() + "), " + rec + " AS (" + first.String() + " FROM " + src +
			" UNION ALL SELECT " + list.String() + " FROM (" + walk.String() + "))" + tail.String()
	}}
	q.order = []sortKey{{col: pos, nulls: "FIRST"}}
	q.hidden = keepOrder(q)
	q.serial = true
	return q
}

func inOrder(m map[string]*column) []string { return slices.Sorted(maps.Keys(m)) }

// eachMember visits every name.key in an expression.
func eachMember(n node, visit func(m *memberNode, base string)) {
	walk(n, func(n node) {
		if m, ok := n.(*memberNode); ok {
			if base, ok := m.base.(*nameNode); ok {
				visit(m, base.name)
			}
		}
	})
}
