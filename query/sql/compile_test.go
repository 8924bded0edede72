package sql

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

func name() query.Field {
	return query.Field{Name: "name", Paths: []slot.Path{slot.Keys("name")}}
}

// TestRefused holds what SQL cannot say to its place and reason.
func TestRefused(t *testing.T) {
	deep := query.Expr(query.Const(true))
	for range maxDepth + 2 {
		deep = &query.Not{X: &query.And{X: []query.Expr{deep, &query.Pred{Field: name(), Op: query.Exists}}}}
	}
	derived := query.Field{Name: "ct.user", Derive: &query.Derived{Name: "d", Fn: func(query.Input, *query.Values) {}}}
	at := query.Span{Line: 3, Column: 7}
	for what, c := range map[string]struct {
		expr query.Expr
		want string
	}{
		"a function":     {&query.Pred{Field: name(), Op: query.Func, Test: func([]byte) bool { return true }, Span: at}, `3:7: field "name": the operator is a function in Go`},
		"a derived one":  {&query.Pred{Field: derived, Op: query.Exists, Span: at}, `3:7: field "ct.user": is computed`},
		"null of it":     {&query.Pred{Field: derived, Op: query.IsNull}, `field "ct.user": is computed`},
		"a derived ref":  {&query.Pred{Field: name(), Op: query.Eq, Ref: &derived}, `field "ct.user": is computed`},
		"not UTF-8":      {&query.Pred{Field: name(), Op: query.Eq, Args: []query.Arg{{Text: "a\xff"}}}, "not UTF-8"},
		"inner keywords": {&query.Each{Field: name(), Where: &query.Pred{Op: query.Keyword, Args: []query.Arg{{Text: "a"}}}}, "keywords inside"},
		"folded order":   {&query.Pred{Field: name(), Op: query.StrLt, Fold: true, Args: []query.Arg{{Text: "é"}}}, "order of texts"},
		"depth":          {deep, "nested deeper"},
	} {
		_, err := Compile(c.expr, Options{})
		if no := (*Refusal)(nil); !errors.As(err, &no) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "(hint: ") {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	if _, err := Compile(&query.Pred{Field: name(), Op: query.Glob, Args: []query.Arg{{Text: "a"}}}, Options{}); err == nil {
		t.Error("a malformed expression has SQL")
	}
}

// TestLiteral writes texts that could end a string or a statement.
func TestLiteral(t *testing.T) {
	for text, want := range map[string]string{"": `''`, "a'b": `'a''b'`, "a\x00b": `('a' || chr(0) || 'b')`, "\n": `chr(10)`, "'; DROP": `'''; DROP'`, "日本": `'日本'`} {
		got, err := literal(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// TestNumbers reads what a rule writes as a number.
func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{"403": "403", "403.0": "403", "+7": "7", "-0": "0", "1.5": "", "4.03e2": ""} {
		if n, ok := readNumber(text); !ok || n.whole != want {
			t.Errorf("%s: %+v %v, want %q", text, n, ok, want)
		}
	}
	for _, text := range []string{"", "-", "1.", ".5", "1e", "1e+", "0x1", "1_0", " 1", "1-2", "e5", "1.2.3", "1e2.5", "inf", "nan"} {
		if n, ok := readNumber(text); ok {
			t.Errorf("%q is taken for the number %+v", text, n)
		}
	}
}
