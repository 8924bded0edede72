package falco

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// expr compiles a condition whose macros are put in.
func (c *compiler) expr(n node) (query.Expr, *syntaxError) {
	switch n := n.(type) {
	case *boolean:
		kids := make([]query.Expr, len(n.kids))
		for i, kid := range n.kids {
			k, err := c.expr(kid)
			if err != nil {
				return nil, err
			}
			kids[i] = k
		}
		if n.or {
			return &query.Or{X: kids}, nil
		}
		return &query.And{X: kids}, nil
	case *negation:
		kid, err := c.expr(n.kid)
		if err != nil {
			return nil, err
		}
		return &query.Not{X: kid}, nil
	case *check:
		return c.check(n)
	}
	return nil, &syntaxError{msg: "filter error: unexpected identifier", at: n.where()}
}

// comparable says why an operator cannot be used with a type, "" if it can.
func comparable(op string, typ ftype, list bool) string {
	if op == "exists" {
		return ""
	}
	allowed, kind := "= != < <= > >= contains icontains startswith endswith glob iglob regex pmatch in intersects", "for string filters"
	switch {
	case list:
		allowed, kind = "in intersects", "list filters"
	case typ == tBool:
		allowed, kind = "= != in intersects", "for numeric filters"
	case typ.numeric():
		allowed, kind = "= != < <= > >= in intersects", "for numeric filters"
	}
	if slices.Contains(strings.Fields(allowed), op) {
		return ""
	}
	return fmt.Sprintf("filter error: '%s' operator not supported %s", op, kind)
}

func (c *compiler) check(n *check) (query.Expr, *syntaxError) {
	left, err := c.value(n.left)
	if err != nil {
		return nil, err
	}
	for _, note := range left.notes {
		c.warn("", note, "", n.at)
	}
	if left.window > 0 {
		return nil, &syntaxError{msg: left.shown + " counts over time and can only stand alone, or joined by and, as " +
			left.shown + " >= N", at: n.at, hint: "split the rule"}
	}
	if msg := comparable(n.op, left.typ, left.list); msg != "" {
		e := &syntaxError{msg: msg, at: n.at}
		if left.list {
			e.hint = "write in (…) for all members of the list, intersects (…) for any"
		}
		return nil, e
	}
	line, column := n.at.where()
	pred := query.Pred{Field: left.field, OpName: n.op, Span: query.Span{Line: line, Column: column}}
	if n.mod != "" {
		pred.OpName += " " + n.mod
	}
	if n.op == "exists" {
		if left.always {
			return query.Const(true), nil
		}
		pred.Op, pred.Args = query.Exists, []query.Arg{{Bool: true}}
		return &pred, nil
	}
	var values []literal
	switch right := n.right.(type) {
	case *literal:
		values = []literal{*right}
	case *literals:
		values = right.values
	default:
		return c.compareFields(n, left, pred)
	}
	elements := make([]element, len(values))
	for i, v := range values {
		c.adviseValue(n.op, v.text, v.at)
		e, msg := newElement(n.op, left.typ, v.text)
		if msg != "" {
			return nil, &syntaxError{msg: msg, at: n.right.place(), hint: elementHint(n.op, v.text)}
		}
		elements[i] = e
	}
	c.adviseCheck(n, left, values)
	if left.list {
		return listCheck(n.op, left, pred, values), nil
	}
	return combine(n, left, pred, elements), nil
}

// combine joins the comparisons with each value of a check.
func combine(n *check, left *value, pred query.Pred, elements []element) query.Expr {
	mod := n.mod
	if mod == "" {
		mod = "anyof" // one value, or a set operator
	}
	if len(elements) == 0 {
		return query.Const(false)
	}
	single := func(e element) query.Expr {
		p := pred
		p.Args = []query.Arg{e.arg}
		if p.Op = e.op; !e.native {
			p.Op, p.Test = query.Func, e.test
		}
		return present(&p, left, e.test)
	}
	switch {
	case len(elements) == 1:
		return single(elements[0])
	case mod == "allof":
		kids := make([]query.Expr, len(elements))
		for i, e := range elements {
			kids[i] = single(e)
		}
		return &query.And{X: kids}
	case mod == "anyof" && sameNative(elements):
		pred.Op = elements[0].op
		for _, e := range elements {
			pred.Args = append(pred.Args, e.arg)
		}
		return present(&pred, left, anyOf(elements))
	}
	test := anyOf(elements)
	if mod == "oneof" {
		test = func(text []byte) bool {
			matches := 0
			for _, e := range elements {
				if e.test(text) {
					matches++
				}
			}
			return matches == 1
		}
	}
	pred.Op, pred.Test = query.Func, test
	for _, e := range elements {
		pred.Args = append(pred.Args, e.arg)
	}
	return present(&pred, left, test)
}

// present makes a predicate hold for a field that reads as "" where the record
// lacks it, if it holds for "".
func present(pred *query.Pred, left *value, test func([]byte) bool) query.Expr {
	if !left.always || !test(nil) {
		return pred
	}
	absent := query.Pred{
		Field: pred.Field, Op: query.Exists, Args: []query.Arg{{Bool: false}},
		OpName: pred.OpName, Span: pred.Span,
	}
	return &query.Or{X: []query.Expr{pred, &absent}}
}

// listCheck asks whether all members of a list (in), or any (intersects), are among
// the values.
func listCheck(op string, left *value, pred query.Pred, values []literal) query.Expr {
	if len(values) == 0 || left.nul {
		return query.Const(false)
	}
	set := map[string]bool{}
	for _, v := range values {
		set[v.text] = true
		pred.Args = append(pred.Args, query.Arg{Text: v.text})
	}
	pred.Op = query.Eq
	if op == "intersects" {
		return &pred
	}
	all := pred
	all.Op = query.ListFunc
	all.ListTest = func(list query.Texts) bool {
		for i := range list.Len() {
			if !set[string(list.At(i))] {
				return false
			}
		}
		return list.Len() > 0
	}
	return &query.And{X: []query.Expr{&pred, &all}}
}

// compareFields compiles a check whose right side is a field or a transformer.
func (c *compiler) compareFields(n *check, left *value, pred query.Pred) (query.Expr, *syntaxError) {
	right, err := c.value(n.right)
	if err != nil {
		return nil, err
	}
	for _, note := range right.notes {
		c.warn("", note, "", n.at)
	}
	at := n.right.place()
	if n.op == "pmatch" || n.op == "regex" {
		return nil, &syntaxError{msg: fmt.Sprintf("operator '%s' doesn't support right-hand side fields", strings.ToUpper(n.op)), at: at}
	}
	if left.typ != right.typ || left.list != right.list {
		kind := func(v *value) string {
			if v.list {
				return v.typ.String() + " (list)"
			}
			return v.typ.String()
		}
		return nil, &syntaxError{at: at, msg: fmt.Sprintf(
			"field '%s' has type '%s' while the right-hand side field '%s' has incompatible type '%s'",
			left.base, kind(left), right.base, kind(right))}
	}
	set := n.op == "in" || n.op == "intersects"
	if set && (right.nul && !left.list || left.list && left.nul != right.nul) {
		c.warn("", fmt.Sprintf("%s %s %s never holds: Falco counts a NUL at the end of a transformed text", left.shown, n.op, right.shown),
			"compare with = instead", n.at)
		return query.Const(false), nil
	}
	compare := pairTest(n.op, left.typ)
	test := func(l, r query.Texts) bool { return r.Len() > 0 && compare(l.At(0), r.At(0)) }
	if left.list {
		among := func(x []byte, list query.Texts) bool {
			for i := range list.Len() {
				if string(list.At(i)) == string(x) {
					return true
				}
			}
			return false
		}
		test = func(l, r query.Texts) bool {
			for i := range l.Len() {
				if among(l.At(i), r) != (n.op == "in") {
					return n.op != "in"
				}
			}
			return n.op == "in"
		}
	}
	shown := right.shown
	if t, ok := n.right.(*transform); ok && t.name == "val" {
		shown = "val(" + shown + ")"
	}
	pred.Args = []query.Arg{{Text: shown}}
	pred.Field = query.Field{Name: left.shown, Derive: &query.Derived{
		Name: "falco " + c.src.key + " " + left.shown + " " + n.op + " " + shown,
		Deps: []query.Field{c.full(left), c.full(right)},
		Fn: func(in query.Input, out *query.Values) {
			if l, r := in.Dep(0), in.Dep(1); l.Len() > 0 && test(l, r) {
				out.Add(l.At(0))
			}
		},
	}}
	pred.Op, pred.Test = query.Func, func([]byte) bool { return true }
	return &pred, nil
}

// pairTest compares two texts that both come from the event.
func pairTest(op string, typ ftype) func(l, r []byte) bool {
	order := bytes.Compare
	if typ.numeric() {
		order = func(l, r []byte) int { // decimal without leading zeros
			if len(l) != len(r) {
				return len(l) - len(r)
			}
			return bytes.Compare(l, r)
		}
	}
	switch op {
	case "!=":
		return func(l, r []byte) bool { return !bytes.Equal(l, r) }
	case "<":
		return func(l, r []byte) bool { return order(l, r) < 0 }
	case "<=":
		return func(l, r []byte) bool { return order(l, r) <= 0 }
	case ">":
		return func(l, r []byte) bool { return order(l, r) > 0 }
	case ">=":
		return func(l, r []byte) bool { return order(l, r) >= 0 }
	case "contains":
		return bytes.Contains
	case "startswith":
		return bytes.HasPrefix
	case "endswith":
		return bytes.HasSuffix
	case "icontains":
		return func(l, r []byte) bool { return containsFold(l, lowerASCII(string(r))) }
	case "glob", "iglob":
		fold := op == "iglob"
		return func(l, r []byte) bool {
			if len(r) > maxGlob {
				return false
			}
			parts, ok := parseGlob(string(r), fold)
			return ok && matchGlob(parts, l, fold)
		}
	}
	return bytes.Equal
}
