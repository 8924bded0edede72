package kql

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// member is a step into a dynamic value.
func (b *binder) member(x *Expr, st step, sp Span) (*Expr, error) {
	if x.Type != fn.Dynamic && x.Type != fn.String {
		return nil, b.errAt(sp, "only dynamic values have members", "a %s has no member", x.Type)
	}
	base, path, text := x, []step(nil), x.Type == fn.String
	if x.base != nil {
		base, path, text = x.base, x.path, x.text
	}
	path = append(append([]step(nil), path...), st)
	e := &Expr{Type: fn.Dynamic, base: base, path: path, text: text, agg: x.agg, win: x.win}
	e.SQL = pathSQL("json_extract", base, path, text)
	e.from = origin(x)
	if x.Name != "" || x.base != nil {
		e.Name = x.Name + "_" + stepName(st)
	}
	return e, nil
}

func stepName(s step) string {
	if s.isKey {
		return s.key
	}
	return itoa(int(s.index))
}

// pathSQL reads a path in one call. Text that is not JSON has nothing in it.
func pathSQL(f string, base *Expr, path []step, text bool) Frag {
	var p strings.Builder
	p.WriteString("$")
	for _, s := range path {
		if s.isKey {
			p.WriteString(`."` + strings.ReplaceAll(strings.ReplaceAll(s.key, `\`, `\\`), `"`, `\"`) + `"`)
		} else if s.index < 0 {
			p.WriteString("[#" + itoa(int(s.index)) + "]")
		} else {
			p.WriteString("[" + itoa(int(s.index)) + "]")
		}
	}
	if text && !triable(base) {
		return S(f, "(kql_parse_json_loose(", base, "),", QuoteString(p.String()), ")")
	}
	if text {
		if base.Loose != nil {
			return S("TRY(", f, "(nullif(", base.Loose, ",''),", QuoteString(p.String()), "))")
		}
		return S("TRY(", f, "(nullif(", base, ",''),", QuoteString(p.String()), "))")
	}
	return S(f, "(", base, ",", QuoteString(p.String()), ")")
}

func (b *binder) negate(x *Expr, sp Span) (*Expr, error) {
	if x.Type == fn.Dynamic {
		x = convert(x, fn.Real)
	}
	if !isNumber(x.Type) && x.Type != fn.Timespan {
		return nil, b.errAt(sp, "", "a %s cannot be negated", x.Type)
	}
	if v := x.Const; v != nil && !v.Null && x.Type != fn.Decimal && v.Int != math.MinInt64 {
		return constExpr(x.Type, &Value{Int: -v.Int, Real: -v.Real}), nil
	}
	e := E(x.Type, "(-", x, ")")
	if x.Type == fn.Long || x.Type == fn.Timespan {
		e = E(x.Type, fits("(-", x, ")"))
	}
	e.agg, e.win = x.agg, x.win
	return e, nil
}

func (b *binder) binary(n *binNode, s *scope) (*Expr, error) {
	if n.op == "and" || n.op == "or" {
		l, err := b.condition(n.l, s)
		if err != nil {
			return nil, err
		}
		r, err := b.condition(n.r, s)
		if err != nil {
			return nil, err
		}
		e := E(fn.Bool, "(", l, " "+strings.ToUpper(n.op)+" ", r, ")")
		if l.Loose != nil || r.Loose != nil {
			e.Loose = S("(", l.loose(), " "+strings.ToUpper(n.op)+" ", r.loose(), ")")
		}
		e.holds = joined(n.op, l.holds, r.holds)
		e.agg, e.win, e.NonNull = l.agg || r.agg, l.win || r.win, l.NonNull && r.NonNull
		return e, nil
	}
	var l *Expr
	var err error
	if star, ok := n.l.(*starNode); ok && s.rel != nil {
		return b.anyColumn(n, star, s)
	}
	if l, err = b.expr(n.l, s); err != nil {
		return nil, err
	}
	r, err := b.expr(n.r, s)
	if err != nil {
		return nil, err
	}
	var e *Expr
	switch n.op {
	case "==", "!=", "<>", "<", ">", "<=", ">=":
		e, err = b.compare(n.op, l, r, n.Span)
	case "+", "-", "*", "/", "%":
		e, err = b.arith(n.op, l, r, n.Span)
	default:
		e, err = b.textOp(n.op, l, r, n.Span)
	}
	if err != nil {
		return nil, err
	}
	e.agg, e.win = l.agg || r.agg, l.win || r.win
	return e, nil
}

// anyColumn is * op "text": the condition holds for some column that is text.
func (b *binder) anyColumn(n *binNode, star *starNode, s *scope) (*Expr, error) {
	r, err := b.expr(n.r, s)
	if err != nil {
		return nil, err
	}
	var parts []*Expr
	for _, f := range s.rel.fields {
		x := ref(f.col)
		if f.col.typ == fn.Dynamic {
			x = str("CAST(", f.col, " AS VARCHAR)")
		}
		if x.Type != r.Type && x.Type != fn.String {
			continue
		}
		var e *Expr
		switch n.op {
		case "==", "!=", "<", ">", "<=", ">=":
			e, err = b.compare(n.op, x, r, n.Span)
		default:
			e, err = b.textOp(n.op, x, r, n.Span)
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	if len(parts) == 0 {
		return constExpr(fn.Bool, &Value{}), nil
	}
	return E(fn.Bool, "(", List(" OR ", parts), ")"), nil
}

// common finds the type in which two values are compared.
func common(l, r *Expr) (Type, bool) {
	a, c := l.Type, r.Type
	switch {
	case a == c:
		return a, true
	case a == fn.Dynamic:
		return c, true
	case c == fn.Dynamic:
		return a, true
	case isNumber(a) && isNumber(c):
		if a == fn.Real || c == fn.Real {
			return fn.Real, true
		}
		if a == fn.Decimal || c == fn.Decimal {
			return fn.Decimal, true
		}
		return fn.Long, true
	case a == fn.String && l.Const != nil && (c == fn.Datetime || c == fn.Timespan || c == fn.GUID):
		return c, true
	case c == fn.String && r.Const != nil && (a == fn.Datetime || a == fn.Timespan || a == fn.GUID):
		return a, true
	case a == fn.String && c == fn.GUID || a == fn.GUID && c == fn.String:
		return fn.String, true
	case a == fn.String && isNumber(c):
		// Sentinel compares text with numbers: ResultType == 0.
		if r.Const != nil {
			return fn.String, true
		}
		return fn.Real, true
	case c == fn.String && isNumber(a):
		if l.Const != nil {
			return fn.String, true
		}
		return fn.Real, true
	case a == fn.Bool && (c == fn.Long || c == fn.Int):
		return fn.Bool, true
	case c == fn.Bool && (a == fn.Long || a == fn.Int):
		return fn.Bool, true
	}
	return "", false
}

var sqlOps = map[string]string{"==": "=", "!=": "<>", "<>": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">="}

func (b *binder) compare(op string, l, r *Expr, sp Span) (*Expr, error) {
	t, ok := common(l, r)
	if ok && t == fn.String && op != "==" && op != "!=" && op != "<>" && l.Type != r.Type && (isNumber(l.Type) || isNumber(r.Type)) {
		t = fn.Real
	}
	if !ok {
		return nil, b.errAt(sp, "convert one of them, for instance with tostring()", "a %s cannot be compared with a %s", l.Type, r.Type)
	}
	if t == fn.Dynamic {
		t = fn.String
	}
	if l.Type == fn.Bool && t == fn.Bool && r.Type != fn.Bool || r.Type == fn.Bool && l.Type != fn.Bool && t == fn.Bool {
		l, r = convert(l, t), convert(r, t)
	}
	lf, rf := l, r
	if l.Type != t && !(isNumber(l.Type) && isNumber(t)) || t == fn.Real && l.Type == fn.String {
		lf = convert(l, t)
	}
	if r.Type != t && !(isNumber(r.Type) && isNumber(t)) {
		rf = convert(r, t)
	}
	ls, rs := lf.SQL, rf.SQL
	var loose Frag
	if t == fn.String {
		// Against text that is not empty, NULL and '' are the same unless the
		// condition is negated.
		switch {
		case rf.Const != nil && rf.Const.Str != "" && lf.Loose != nil && op == "==":
			loose = S("(", lf.Loose, " = ", rs, ")")
		case lf.Const != nil && lf.Const.Str != "" && rf.Loose != nil && op == "==":
			loose = S("(", ls, " = ", rf.Loose, ")")
		}
	}
	nonnull := lf.NonNull && rf.NonNull
	if !nonnull && (op == "==" || op == "!=" || op == "<>") {
		return equality(op, lf, rf), nil
	}
	e := E(fn.Bool, "(", ls, " "+sqlOps[op]+" ", rs, ")")
	e.NonNull, e.Loose = nonnull, loose
	if op == "==" && t == fn.String {
		e.holding(l, rf)
		if e.holds == nil {
			e.holding(r, lf)
		}
	}
	return e, nil
}

// equality compares values of one type that may be null: null is not equal to what
// is not null, and of two nulls nobody knows. To where both are the same.
func equality(op string, l, r *Expr) *Expr {
	plain, known := S("(", l, " = ", r, ")"), S("coalesce(", l, " = ", r, ", false)")
	if op != "==" {
		plain = S("(", l, " IS DISTINCT FROM ", r, ")")
		known = plain
	}
	e := E(fn.Bool, known).NotNull()
	if !l.NonNull && !r.NonNull {
		e = E(fn.Bool, "(CASE WHEN ", l, " IS NOT NULL OR ", r, " IS NOT NULL THEN ", known, " END)")
	}
	e.Loose = plain
	return e
}

func (b *binder) arith(op string, l, r *Expr, sp Span) (*Expr, error) {
	bad := func() error {
		return b.errAt(sp, "convert them first", "%s %s %s is not possible", l.Type, op, r.Type)
	}
	// A dynamic value takes the type of the other side.
	if l.Type == fn.Dynamic && r.Type == fn.Dynamic {
		l, r = convert(l, fn.Real), convert(r, fn.Real)
	} else if l.Type == fn.Dynamic {
		t := r.Type
		if t == fn.Int {
			t = fn.Long
		}
		if t == fn.Timespan && op != "/" {
			t = fn.Datetime
		}
		l = convert(l, t)
	} else if r.Type == fn.Dynamic {
		t := l.Type
		if t == fn.Int {
			t = fn.Long
		}
		r = convert(r, t)
	}
	if l.Type == fn.String && l.Const != nil && r.Type == fn.Timespan {
		l = convert(l, fn.Datetime)
	}
	a, c := l.Type, r.Type
	lc, rc := l.Const, r.Const
	known := lc != nil && rc != nil && !lc.Null && !rc.Null
	switch {
	case a == fn.Datetime && c == fn.Timespan && (op == "+" || op == "-"):
		if known {
			d := rc.Int / 10
			if op == "-" {
				d = -d
			}
			return constExpr(fn.Datetime, &Value{Time: addMicros(lc.Time, d)}), nil
		}
		if rc != nil && !rc.Null {
			return E(fn.Datetime, "(", l, " "+op+" to_microseconds("+itoa(int(rc.Int/10))+"))"), nil
		}
		return E(fn.Datetime, "(", l, " "+op+" to_microseconds(", r, " // 10))"), nil
	case a == fn.Timespan && c == fn.Datetime && op == "+":
		return b.arith(op, r, l, sp)
	case a == fn.Datetime && c == fn.Datetime && op == "-":
		if known {
			return constExpr(fn.Timespan, &Value{Int: (lc.Time.UnixMicro() - rc.Time.UnixMicro()) * 10}), nil
		}
		return E(fn.Timespan, "((epoch_us(", l, ") - epoch_us(", r, ")) * 10)"), nil
	case a == fn.Timespan && c == fn.Timespan:
		switch op {
		case "+", "-":
			if known {
				v := lc.Int + rc.Int
				if op == "-" {
					v = lc.Int - rc.Int
				}
				return constExpr(fn.Timespan, &Value{Int: v}), nil
			}
			return E(fn.Timespan, fits("(", l, " "+op+" ", r, ")")), nil
		case "/":
			return E(fn.Real, "(CAST(", l, " AS DOUBLE) / ", r, ")"), nil
		case "%":
			return E(fn.Timespan, "(", l, " % ", r, ")"), nil
		}
		return nil, bad()
	case a == fn.Timespan && isNumber(c) && (op == "*" || op == "/"):
		if known && (c == fn.Long || c == fn.Int) {
			if op == "*" && mulFits(lc.Int, rc.Int) {
				return constExpr(fn.Timespan, &Value{Int: lc.Int * rc.Int}), nil
			}
			if op == "/" && rc.Int != 0 {
				return constExpr(fn.Timespan, &Value{Int: lc.Int / rc.Int}), nil
			}
		}
		if c == fn.Long || c == fn.Int {
			if op == "/" {
				return E(fn.Timespan, fits("(", l, " // ", r, ")")), nil
			}
			return E(fn.Timespan, fits("(", l, " * ", r, ")")), nil
		}
		return E(fn.Timespan, "TRY_CAST(", l, " "+op+" ", r, " AS BIGINT)"), nil
	case isNumber(a) && c == fn.Timespan && op == "*":
		return b.arith(op, r, l, sp)
	case isNumber(a) && isNumber(c):
		t := fn.Long
		if a == fn.Decimal || c == fn.Decimal {
			t = fn.Decimal
		} else if a == fn.Real || c == fn.Real {
			t = fn.Real
		}
		if known && t == fn.Long {
			switch {
			case op == "+" && addFits(lc.Int, rc.Int):
				return constExpr(t, &Value{Int: lc.Int + rc.Int}), nil
			case op == "-" && rc.Int != math.MinInt64 && addFits(lc.Int, -rc.Int):
				return constExpr(t, &Value{Int: lc.Int - rc.Int}), nil
			case op == "*" && mulFits(lc.Int, rc.Int):
				return constExpr(t, &Value{Int: lc.Int * rc.Int}), nil
			case op == "/" && rc.Int != 0 && (rc.Int != -1 || lc.Int != math.MinInt64):
				return constExpr(t, &Value{Int: lc.Int / rc.Int}), nil
			}
		}
		if a == fn.Int {
			l = convert(l, t)
		}
		if c == fn.Int {
			r = convert(r, t)
		}
		sign := op
		if op == "/" && t == fn.Long {
			sign = "//"
		}
		if op == "%" && t == fn.Long {
			// The remainder takes the sign that makes it positive.
			return E(t, "kql_mod_long(", l, ", ", r, ")"), nil
		}
		if op == "%" { // as of longs
			f := S("kql_mod(", l, ", ", r, ")")
			if t == fn.Decimal {
				f = S("TRY_CAST(", f, " AS DECIMAL(38,18))")
			}
			return E(t, f), nil
		}
		if t == fn.Long { // what does not fit is null
			return E(t, fits("(", l, " "+sign+" ", r, ")")), nil
		}
		e := E(t, "(", l, " "+sign+" ", r, ")")
		if t == fn.Decimal {
			e = E(t, "TRY_CAST(", l, " "+sign+" ", r, " AS DECIMAL(38,18))")
		}
		e.NonNull = l.NonNull && r.NonNull && sign != "/" && sign != "//"
		return e, nil
	}
	return nil, bad()
}

// fits is what parts of whole numbers come to, or null where that is no long. Where
// the engine does not try, the numbers are wider.
func fits(parts ...any) Frag {
	if triable(parts...) {
		return S("TRY(", S(parts...), ")")
	}
	for i, p := range parts {
		if x, ok := p.(*Expr); ok {
			parts[i] = S("CAST(", x, " AS HUGEINT)")
		}
	}
	return S("TRY_CAST(", S(parts...), " AS BIGINT)")
}

// orNull is an expression over arguments, or null where the engine would end the query with an
// error, if it lets TRY stand there: a value that somebody put into a log shall not do that.
func orNull(e *Expr, args ...*Expr) *Expr {
	for _, a := range args {
		if !triable(a) {
			return e
		}
	}
	if e.Type == fn.String && e.Loose != nil {
		return str("TRY(", e.Loose, ")")
	}
	return E(e.Type, "TRY(", e, ")")
}

// tried is f, [orNull] where one of the arguments named is known only when the query runs.
func tried(f Func, at ...int) Func {
	bind := f.Bind
	f.Bind = func(c *Call) (*Expr, error) {
		e, err := bind(c)
		if err == nil && slices.ContainsFunc(at, func(i int) bool { return i < len(c.Args) && c.Args[i].Const == nil }) {
			e = orNull(e, c.Args...)
		}
		return e, err
	}
	return f
}

// triable says whether the engine lets TRY stand before parts: not before what has an
// aggregate, a window, a query or chance in it.
func triable(parts ...any) bool {
	for _, p := range parts {
		switch x := p.(type) {
		case string:
			if chancy(x) {
				return false
			}
		case *subquery:
			return false
		case Frag:
			if !triable(x...) {
				return false
			}
		case *Expr:
			if x.agg || x.win || !triable(x.SQL) {
				return false
			}
		}
	}
	return true
}

// chancy says whether a piece of SQL may give something else the next time.
func chancy(sql string) bool {
	return strings.Contains(sql, "random()") || strings.Contains(sql, "uuid()")
}

func addFits(a, c int64) bool {
	s := a + c
	return (s > a) == (c > 0)
}

func mulFits(a, c int64) bool {
	if a == 0 || c == 0 {
		return true
	}
	p := a * c
	return p/c == a && !(a == -1 && c == math.MinInt64) && !(c == -1 && a == math.MinInt64)
}

func addMicros(t time.Time, us int64) time.Time {
	return time.UnixMicro(t.UnixMicro() + us).UTC()
}

func (b *binder) between(n *betweenNode, s *scope) (*Expr, error) {
	x, err := b.expr(n.x, s)
	if err != nil {
		return nil, err
	}
	lo, err := b.expr(n.lo, s)
	if err != nil {
		return nil, err
	}
	hi, err := b.expr(n.hi, s)
	if err != nil {
		return nil, err
	}
	// datetime between (start .. 2d) counts from the start.
	if hi.Type == fn.Timespan && (lo.Type == fn.Datetime || x.Type == fn.Datetime) {
		if lo.Type != fn.Datetime {
			lo = convert(lo, fn.Datetime)
		}
		if hi, err = b.arith("+", lo, hi, n.hi.span()); err != nil {
			return nil, err
		}
	}
	a, err := b.compare(">=", x, lo, n.Span)
	if err != nil {
		return nil, err
	}
	c, err := b.compare("<=", x, hi, n.Span)
	if err != nil {
		return nil, err
	}
	f := S("(", a, " AND ", c, ")")
	if n.not {
		f = S("(NOT coalesce(", f, ", false))")
	}
	e := E(fn.Bool, f)
	e.agg, e.win = x.agg || lo.agg || hi.agg, x.win || lo.win || hi.win
	e.NonNull = a.NonNull && c.NonNull
	return e, nil
}
