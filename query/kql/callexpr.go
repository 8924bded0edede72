package kql

import (
	"fmt"
	"sort"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// names lists the names of a table of functions.
func namesOf[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// call binds a call that gives a value.
func (b *binder) call(n *callNode, s *scope) (*Expr, error) {
	name := n.name.text
	if v := s.env.find(name); v != nil && (v.fun != nil) {
		_, x, err := b.apply(v, n, s.env, s)
		if err != nil {
			return nil, err
		}
		if x == nil {
			return b.toscalar(n, s)
		}
		y := *x
		return &y, nil
	}
	if f, ok := special[name]; ok {
		return f(b, n, s)
	}
	if to, ok := oldNames[name]; ok {
		name = to
	}
	f, isFunc := scalars[name]
	if a, ok := aggs[name]; ok && (s.agg || !isFunc) {
		if !s.agg {
			return nil, b.errAt(n.name.Span, "use it in summarize", "%s() is an aggregate", name)
		}
		outs, err := b.aggregate(a, n, s)
		if err != nil {
			return nil, err
		}
		if len(outs) == 0 {
			return nil, b.errAt(n.Span, "", "%s() gives no column", name)
		}
		x := outs[0].Expr
		x.agg = true
		if x.Name == "" {
			x.Name = outs[0].Name
		}
		return x, nil
	}
	if !isFunc {
		if s.rel != nil && b.looksTabular(n, s.env) {
			return b.toscalar(n, s)
		}
		hint := "see docs/kql.md for the functions there are"
		all := append(namesOf(scalars), namesOf(aggs)...)
		all = append(all, namesOf(special)...)
		for e := s.env; e != nil; e = e.parent {
			all = append(all, e.name)
		}
		if m := nearest(name, all); m != "" {
			hint = "did you mean " + m + "?"
		}
		return nil, b.errAt(n.name.Span, hint, "unknown function '%s'", name)
	}
	c, err := b.bindCall(n, s, f.Min, f.Max)
	if err != nil {
		return nil, err
	}
	if name == "indexof" || name == "indexof_regex" { // these two take anything as text
		for i := range min(2, len(c.Args)) {
			c.Args[i] = convert(c.Args[i], fn.String)
		}
	}
	x, err := f.Bind(c)
	if err != nil {
		return nil, err
	}
	y := *x
	if len(c.Args) > 0 && (f.FirstName || f.OnlyName && len(c.Args) == 1) {
		y.Name = c.Args[0].Name
		if names := n.args[0].names; len(names) > 0 && names[0] != "" {
			y.Name = names[0] // round(Rate = 100 * x)
		}
	} else if f.Prefix != "" && len(c.Args) > 0 && c.Args[0].Name != "" {
		y.Name = f.Prefix + c.Args[0].Name
	} else if !f.FirstName && x.Name != "" && len(c.Args) > 0 {
		y.Name = ""
	}
	for _, a := range c.Args {
		y.agg = y.agg || a.agg
		y.win = y.win || a.win
	}
	y.col = nil
	if x.col != nil && f.FirstName && x.col.name == y.Name {
		y.col = nil
	}
	return &y, nil
}

// oldNames are functions that had another name once.
var oldNames = map[string]string{"arraylength": "array_length"}

// bindCall binds the arguments and checks their number.
func (b *binder) bindCall(n *callNode, s *scope, least, most int) (*Call, error) {
	c := &Call{Name: n.name.text, b: b, node: n}
	if len(n.args) < least || most >= 0 && len(n.args) > most {
		want := fmt.Sprint(least)
		switch {
		case most < 0:
			want = fmt.Sprintf("%d or more", least)
		case most != least:
			want = fmt.Sprintf("%d to %d", least, most)
		}
		return nil, b.errAt(n.Span, "", "%s() takes %s arguments, not %d", c.Name, want, len(n.args))
	}
	for _, a := range n.args {
		if _, ok := a.value.(*starNode); ok && c.Name == "pack_array" && s.rel != nil { // of all columns
			for _, f := range s.rel.fields {
				c.Args = append(c.Args, ref(f.col))
			}
			continue
		}
		x, err := b.expr(a.value, s)
		if err != nil {
			return nil, err
		}
		c.Args = append(c.Args, x)
	}
	return c, nil
}

// aggregate binds a call of an aggregate: its arguments are over single rows.
func (b *binder) aggregate(a Agg, n *callNode, s *scope) ([]Out, error) {
	in := *s
	in.agg = false
	star := false
	args := n.args
	if len(args) > 0 {
		if _, ok := args[len(args)-1].value.(*starNode); ok {
			star = true
			args = args[:len(args)-1]
		}
	}
	m := *n
	m.args = args
	least, most := a.Min, a.Max
	if star {
		least = min(least, len(args))
	}
	c, err := b.bindCall(&m, &in, least, most)
	if err != nil {
		return nil, err
	}
	if most < 0 {
		// arg_max(Time, Rule = Title, ...) gives a column the name that stands before it.
		for i, it := range args {
			if len(it.names) > 0 && it.names[0] != "" {
				x := *c.Args[i]
				x.Name = it.names[0]
				c.Args[i] = &x
			}
		}
	}
	ac := &AggCall{Call: *c, Order: s.order, Star: star}
	ac.node = &m
	if star {
		for _, f := range s.rel.fields {
			// A column that is shown under two names is left out under the one that
			// the query says.
			skip := false
			for _, k := range s.keys {
				if k.def != nil && k.def.col == f.col && (f.name == k.def.Name || f.name == k.name) {
					skip = true
				}
			}
			for _, x := range c.Args {
				if x.col == f.col && f.name == x.Name {
					skip = true
				}
			}
			if !skip {
				x := ref(f.col)
				x.Name = f.name
				ac.Rest = append(ac.Rest, x)
			}
		}
	}
	outs, err := a.Bind(ac)
	if err != nil {
		return nil, err
	}
	for i := range outs {
		outs[i].Expr.agg = true
		if outs[i].Name == "" && i == 0 {
			first := ""
			if len(c.Args) > 0 {
				first = c.Args[0].Name
			}
			outs[i].Name = a.Prefix + first
		}
	}
	return outs, nil
}

// multiFuncs are functions that give several columns.
var multiFuncs = map[string]func(b *binder, n *callNode, s *scope) ([]Out, error){}

// special are functions that need more than typed arguments.
var special map[string]func(b *binder, n *callNode, s *scope) (*Expr, error)

func init() {
	special = map[string]func(b *binder, n *callNode, s *scope) (*Expr, error){
		"toscalar":           fnToscalar,
		"materialize":        fnToscalar,
		"column_ifexists":    fnColumn,
		"columnifexists":     fnColumn,
		"row_number":         fnRowNumber,
		"prev":               fnPrevNext,
		"next":               fnPrevNext,
		"row_cumsum":         fnCumsum,
		"row_rank_dense":     fnRank,
		"row_rank_min":       fnRank,
		"row_window_session": fnSession,
		"now":                fnNow,
		"ago":                fnNow,
		"ingestion_time":     fnIngestion,
		"isnull":             fnNull,
		"isnotnull":          fnNull,
		"isempty":            fnEmpty,
		"isnotempty":         fnEmpty,
		"notempty":           fnEmpty,
		"notnull":            fnNull,
		"typeof":             fnTypeof,
		"row_rank":           fnRank,
		"bin_auto":           fnBinAuto,
		"pack_all":           fnPackAll,
		"bag_pack_columns":   fnPackColumns,
		"column_names_of":    fnColumnNames,
		"estimate_data_size": fnDataSize,
		"iscolumnexists":     fnColumnExists,
	}
	for _, n := range []string{"array_sort_asc", "array_sort_desc"} {
		multiFuncs[n] = fnArraySort
		special[n] = func(b *binder, n *callNode, s *scope) (*Expr, error) {
			outs, err := fnArraySort(b, n, s)
			if err != nil {
				return nil, err
			}
			if len(outs) == 1 {
				return outs[0].Expr, nil
			}
			var xs []*Expr
			agg, win := false, false
			for _, o := range outs {
				xs = append(xs, o.Expr)
				agg, win = agg || o.Expr.agg, win || o.Expr.win
			}
			x := E(fn.Dynamic, "json_array(", List(", ", xs), ")")
			x.agg, x.win = agg, win
			return x, nil
		}
	}
}

func fnToscalar(b *binder, n *callNode, s *scope) (*Expr, error) {
	if len(n.args) < 1 {
		return nil, b.errAt(n.Span, "", "%s() takes a query", n.name.text)
	}
	a := n.args[0].value
	if b.looksTabular(a, s.env) {
		return b.toscalar(a, s)
	}
	return b.expr(a, s)
}

// fnColumn is column_ifexists(name, default).
func fnColumn(b *binder, n *callNode, s *scope) (*Expr, error) {
	if len(n.args) != 2 || s.rel == nil {
		return nil, b.errAt(n.Span, "", "column_ifexists() takes a name and a default")
	}
	name, err := b.columnName(n.args[0], s)
	if err != nil {
		return nil, err
	}
	if col := s.rel.find(name); col != nil {
		return ref(col), nil
	}
	x, err := b.expr(n.args[1].value, s)
	if err != nil {
		return nil, err
	}
	if s.rel.bag != nil {
		m, err := b.member(ref(s.rel.bag), step{key: strings.TrimPrefix(name, s.rel.prefix), isKey: true}, n.Span)
		if err != nil {
			return nil, err
		}
		v := E(x.Type, "coalesce(", E(x.Type, "nullif(", convert(m, x.Type), ",", constExpr(fn.String, &Value{}), ")"), ",", x, ")")
		if x.Type != fn.String {
			v = E(x.Type, "coalesce(", convert(m, x.Type), ",", x, ")")
		}
		v.Name, v.NonNull = name, x.NonNull
		return v, nil
	}
	y := *x
	y.Name, y.col = name, x.col
	return &y, nil
}

// columnName is the name of a column that an argument says in quotes.
func (b *binder) columnName(a *item, s *scope) (string, error) {
	x, err := b.expr(a.value, s)
	if err != nil {
		return "", err
	}
	if x.Const == nil || x.Type != fn.String {
		return "", b.errAt(a.Span, "write it in quotes", "the name of the column must be a constant")
	}
	return x.Const.Str, nil
}

// fnTypeof is the name of a type, for functions that convert what they find.
func fnTypeof(b *binder, n *callNode, s *scope) (*Expr, error) {
	if len(n.args) == 1 {
		if t, ok := n.args[0].value.(*nameNode); ok {
			if ty, ok := typeNames[t.name]; ok {
				return constExpr(fn.String, &Value{Str: string(ty)}), nil
			}
		}
	}
	return nil, b.errAt(n.Span, "such as typeof(long)", "typeof() takes a type")
}

func fnNow(b *binder, n *callNode, s *scope) (*Expr, error) {
	now := constExpr(fn.Datetime, &Value{Time: b.o.Now.UTC()})
	if n.name.text == "now" && len(n.args) == 0 {
		return now, nil
	}
	if len(n.args) != 1 {
		return nil, b.errAt(n.Span, "", "%s() takes one timespan", n.name.text)
	}
	x, err := b.expr(n.args[0].value, s)
	if err != nil {
		return nil, err
	}
	x, ok := implicit(x, fn.Timespan)
	if !ok {
		return nil, b.errAt(n.args[0].Span, "such as 1d or 2h", "%s() takes a timespan", n.name.text)
	}
	op := "+"
	if n.name.text == "ago" {
		op = "-"
	}
	return b.arith(op, now, x, n.Span)
}

// fnIngestion is the time a record arrived; a table that does not keep it answers
// with its time.
func fnIngestion(b *binder, n *callNode, s *scope) (*Expr, error) {
	if s.rel != nil {
		for _, name := range []string{"_TimeReceived", "TimeGenerated"} {
			if c := s.rel.find(name); c != nil && c.typ == fn.Datetime {
				x := ref(c)
				x.Name = "$IngestionTime"
				x.col = nil
				return x, nil
			}
		}
	}
	return E(fn.Datetime, "CAST(NULL AS TIMESTAMP)"), nil
}

func fnNull(b *binder, n *callNode, s *scope) (*Expr, error) {
	c, err := b.bindCall(n, s, 1, 1)
	if err != nil {
		return nil, err
	}
	x := c.Args[0]
	not := n.name.text != "isnull"
	word := " IS NULL"
	if not {
		word = " IS NOT NULL"
	}
	var e *Expr
	switch {
	case x.Type == fn.String:
		e = constExpr(fn.Bool, &Value{Bool: not})
	case x.base != nil:
		e = E(fn.Bool, "(nullif(", x, ", 'null')"+word+")").NotNull()
	case x.Type == fn.Dynamic:
		e = E(fn.Bool, "(nullif(CAST(", x, " AS VARCHAR), 'null')"+word+")").NotNull()
	default:
		e = E(fn.Bool, "(", x, word, ")").NotNull()
	}
	e.agg, e.win = x.agg, x.win
	return e, nil
}

func fnEmpty(b *binder, n *callNode, s *scope) (*Expr, error) {
	c, err := b.bindCall(n, s, 1, 1)
	if err != nil {
		return nil, err
	}
	x := c.Args[0]
	not := n.name.text != "isempty"
	var e *Expr
	switch {
	case x.Type == fn.String && not && x.Loose != nil:
		e = E(fn.Bool, "(", x, " <> '')").NotNull()
		e.Loose = S("(", x.Loose, " <> '')")
	case x.Type == fn.String || x.Type == fn.Dynamic:
		op := " = "
		if not {
			op = " <> "
		}
		e = E(fn.Bool, "(", convert(x, fn.String), op, "'')").NotNull()
	default:
		op := " IS NULL)"
		if not {
			op = " IS NOT NULL)"
		}
		e = E(fn.Bool, "(", x, op).NotNull()
	}
	e.agg, e.win = x.agg, x.win
	return e, nil
}

func fnPackAll(b *binder, n *callNode, s *scope) (*Expr, error) {
	if s.rel == nil {
		return nil, b.errAt(n.Span, "", "pack_all() packs the columns of a row")
	}
	skip := false
	if len(n.args) > 0 {
		x, err := b.expr(n.args[0].value, s)
		if err != nil {
			return nil, err
		}
		skip = x.Const != nil && x.Const.Bool
	}
	f := Frag{"json_object("}
	for i, c := range s.rel.fields {
		if i > 0 {
			f = append(f, ", ")
		}
		f = append(f, QuoteString(c.name), ", ")
		x := asDynamic(ref(c.col))
		f = append(f, x.SQL...)
	}
	f = append(f, ")")
	if skip {
		f = S("kql_bag_without_empty(", f, ")")
	}
	return E(fn.Dynamic, f), nil
}

// fnArraySort sorts arrays; each argument gives a column.
func fnArraySort(b *binder, n *callNode, s *scope) ([]Out, error) {
	c, err := b.bindCall(n, s, 1, -1)
	if err != nil {
		return nil, err
	}
	last := "true"
	args := c.Args
	if k := len(args); k > 1 && args[k-1].Type == fn.Bool {
		if args[k-1].Const != nil {
			last = boolText(args[k-1].Const.Bool)
		}
		args = args[:k-1]
	}
	desc := boolText(n.name.text == "array_sort_desc")
	var outs []Out
	for i, a := range args {
		name := "array" + itoa(i+1) + "_sorted"
		if a.Name != "" {
			name = a.Name + "_sorted"
		}
		k, v := asDynamic(args[0]), asDynamic(a)
		x := E(fn.Dynamic, "kql_array_sort(", k, ", ", v, ", "+desc+", "+last+")")
		x.agg, x.win = args[0].agg || a.agg, args[0].win || a.win
		outs = append(outs, Out{Name: name, Expr: x})
	}
	return outs, nil
}
