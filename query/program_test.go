package query

import (
	"net/netip"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

func f(keys ...string) Field {
	name := ""
	for i, k := range keys {
		if i > 0 {
			name += "."
		}
		name += k
	}
	return Field{Name: name, Paths: []slot.Path{slot.Keys(keys...)}}
}

func texts(list ...string) []Arg {
	var args []Arg
	for _, s := range list {
		args = append(args, Arg{Text: s})
	}
	return args
}

// glob makes an Arg of a pattern with * and ?.
func glob(s string) Arg {
	var b PatternBuilder
	for _, r := range s {
		switch r {
		case '*':
			b.Star()
		case '?':
			b.Any()
		default:
			b.Rune(r)
		}
	}
	return Arg{Pattern: b.Pattern(), Shown: s}
}

func raw(p *Pred) *Pred { p.Field.Conv = ConvRaw; return p }
func str(p *Pred) *Pred { p.Field.Conv = ConvString; return p }

func eq(field string, fold bool, values ...string) *Pred {
	return &Pred{Field: f(field), Op: Eq, Fold: fold, Args: texts(values...)}
}

func num(op Op, v float64) *Pred {
	return &Pred{Field: f("a"), Op: op, Args: []Arg{{Num: v}}}
}

func op(o Op, fold bool, values ...string) *Pred {
	return &Pred{Field: f("a"), Op: o, Fold: fold, Args: texts(values...)}
}

func patterns(fold bool, list ...string) *Pred {
	p := &Pred{Field: f("a"), Op: Glob, Fold: fold}
	for _, s := range list {
		p.Args = append(p.Args, glob(s))
	}
	return p
}

func re(expr string) *Pred {
	return &Pred{Field: f("a"), Op: Regex, Args: []Arg{{Regexp: regexp.MustCompile(expr)}}}
}

func cidr(nets ...string) *Pred {
	p := &Pred{Field: f("a"), Op: CIDR}
	for _, n := range nets {
		p.Args = append(p.Args, Arg{Net: netip.MustParsePrefix(n)})
	}
	return p
}

func exists(want bool) *Pred { return &Pred{Field: f("a"), Op: Exists, Args: []Arg{{Bool: want}}} }

func refer(o Op, fold bool) *Pred {
	b := f("b")
	return &Pred{Field: f("a"), Op: o, Fold: fold, Ref: &b}
}

func part(u TimeUnit, cmp Op, v float64) *Pred {
	return &Pred{Field: f("a"), Op: TimePart, Args: []Arg{{Unit: u, Cmp: cmp, Num: v}}}
}

func typed(p *Pred) *Pred {
	for i := range p.Args {
		p.Args[i].Number = true
	}
	return p
}

func keyword(p *Pred) *Pred { p.Op = Keyword; return p }

func eachOf(q Quant, where Expr) *Each { return &Each{Field: f("a"), Quant: q, Where: where} }

var self = Field{Paths: []slot.Path{{}}}

var upper = Field{Name: "upper(a)", Derive: &Derived{Name: "upper(a)", Deps: []Field{f("a")}, Fn: func(in Input, out *Values) {
	var buf [64]byte
	for i := range in.Dep(0).Len() {
		b := append(buf[:0], in.Dep(0).At(i)...)
		for j, c := range b {
			if 'a' <= c && c <= 'z' {
				b[j] = c - 32
			}
		}
		out.Add(b)
	}
}}}

var semantics = []struct {
	name   string
	expr   Expr
	record string
	want   bool
}{
	{"eq", eq("a", false, "foo"), `{"a":"foo"}`, true},
	{"eq case", eq("a", false, "FOO"), `{"a":"foo"}`, false},
	{"eq fold", eq("a", true, "FOO"), `{"a":"foo"}`, true},
	{"eq fold kelvin", eq("a", true, "kilo"), `{"a":"\u212Ailo"}`, true},
	{"eq one of", eq("a", true, "x", "Foo"), `{"a":"foo"}`, true},
	{"eq absent", eq("a", true, ""), `{"b":1}`, false},
	{"eq empty", eq("a", true, ""), `{"a":""}`, true},
	{"eq null", eq("a", true, "null"), `{"a":null}`, false},
	{"eq empty null", eq("a", true, ""), `{"a":null}`, false},
	{"tree escape", op(Contains, false, "0"), `{"a":["x\u006fy"]}`, false},
	{"tree escape resolved", op(Contains, false, "xoy"), `{"a":["x\u006fy"]}`, true},
	{"tree slash", op(Contains, false, "s3://b"), `{"a":{"k":"s3:\/\/b"}}`, true},
	{"tree quote", op(Contains, false, `"k":"v"`), `{"a":["{\u0022k\u0022:\"v\"}"]}`, true},
	{"eq escape", eq("a", true, "a\"b"), `{"a":"a\"b"}`, true},
	{"number as text", eq("a", true, "403"), `{"a":"403"}`, true},
	{"number", eq("a", true, "403"), `{"a":403}`, true},
	{"number by value", eq("a", true, "403"), `{"a":403.0}`, true},
	{"number exponent", eq("a", true, "403"), `{"a":4.03e2}`, true},
	{"number thousand", eq("a", true, "1000"), `{"a":1e3}`, true},
	{"number text not by value", eq("a", true, "1.0"), `{"a":"1"}`, false},
	{"typed number text by value", typed(eq("a", true, "403")), `{"a":"403.0"}`, true},
	{"typed number other text", typed(eq("a", true, "403")), `{"a":"403.1"}`, false},
	{"big numbers differ", eq("a", true, "9007199254740993"), `{"a":9007199254740992}`, false},
	{"big numbers equal", eq("a", true, "9007199254740993"), `{"a":9007199254740993.0}`, true},
	{"minus zero", eq("a", true, "0"), `{"a":-0}`, true},
	{"bool", eq("a", true, "false"), `{"a":false}`, true},
	{"bool text", eq("a", true, "true"), `{"a":"true"}`, true},
	{"array member", eq("a", true, "yy"), `{"a":["x","yy"]}`, true},
	{"array text", eq("a", true, "[]"), `{"a":[ ]}`, true},
	{"array path", &Pred{Field: f("a", "b"), Op: Eq, Args: texts("yy")}, `{"a":[{"b":"x"},{"b":"yy"}]}`, true},
	{"object text", op(Contains, true, `"k":"V"`), `{"a":{"k": "v"}}`, true},
	{"inner json", op(Contains, true, `"Effect":"Allow"`), `{"a":{"doc":"{\"Effect\":\"Allow\"}"}}`, true},
	{"inner json escaped form", op(Contains, true, `\"Effect\":`), `{"a":{"doc":"{\"Effect\":\"Allow\"}"}}`, true},
	{"object not equal", eq("a", true, `{"k":"w"}`), `{"a":{"k":"v"}}`, false},
	{"object equal", eq("a", true, `{"k":"v"}`), `{"a":{ "k":"v"}}`, true},
	{"prefix", op(Prefix, true, "AB"), `{"a":"abc"}`, true},
	{"prefix no", op(Prefix, true, "bc"), `{"a":"abc"}`, false},
	{"suffix", op(Suffix, true, "x", "BC"), `{"a":"abc"}`, true},
	{"suffix no", op(Suffix, true, "ab"), `{"a":"abc"}`, false},
	{"contains", op(Contains, true, "B"), `{"a":"abc"}`, true},
	{"contains umlaut", op(Contains, true, "ÜBER"), `{"a":"xüberx"}`, true},
	{"contains case", op(Contains, false, "B"), `{"a":"abc"}`, false},
	{"contains all of four", op(Contains, true, "zzzz", "yyyyy", "vvvv", "wwww", "bcde"), `{"a":"abcdef"}`, true},
	{"contains none of four", op(Contains, true, "zzzz", "yyyyy", "vvvv", "wwww", "bcdd"), `{"a":"abcdef"}`, false},
	{"contains empty", op(Contains, true, ""), `{"a":"abc"}`, true},
	{"contains empty absent", op(Contains, true, ""), `{}`, false},
	{"glob", patterns(true, "v*.Delete"), `{"a":"v1.delete"}`, true},
	{"glob one", patterns(true, "v?.Delete"), `{"a":"v1.Delete"}`, true},
	{"glob one no", patterns(true, "v?.Delete"), `{"a":"v12.Delete"}`, false},
	{"glob newline", patterns(true, "a*b"), `{"a":"a\nb"}`, true},
	{"glob star", patterns(true, "*"), `{"a":""}`, true},
	{"glob star absent", patterns(true, "*"), `{"b":""}`, false},
	{"glob star null", patterns(true, "*"), `{"a":null}`, false},
	{"glob star object", patterns(true, "*"), `{"a":{}}`, true},
	{"glob star number", patterns(true, "*"), `{"a":1}`, true},
	{"glob inner", patterns(true, `*"Effect":"A*w"*`), `{"a":{"doc":"{\"Effect\":\"Allow\"}"}}`, true},
	{"glob needs order", patterns(true, "*b*a*"), `{"a":"ab"}`, false},
	{"glob no overlap", patterns(true, "ab*ba"), `{"a":"aba"}`, false},
	{"glob any unicode", patterns(true, "?"), `{"a":"日"}`, true},
	{"regex", re(`^0oa.*`), `{"a":"0oaXX"}`, true},
	{"regex case", re(`^ABC`), `{"a":"abc"}`, false},
	{"regex fold", re(`(?i)^ABC`), `{"a":"abc"}`, true},
	{"regex class", re(`^[0-9]+$`), `{"a":123}`, true},
	{"regex literal inside", re(`a+(bcd)+e?`), `{"a":"xxabcd"}`, true},
	{"regex object", re(`"Effect":"A`), `{"a":{"doc":"{\"Effect\":\"Allow\"}"}}`, true},
	{"cidr", cidr("10.0.0.0/8"), `{"a":"10.1.2.3"}`, true},
	{"cidr no", cidr("10.0.0.0/8", "192.168.0.0/16"), `{"a":"11.1.2.3"}`, false},
	{"cidr second", cidr("10.0.0.0/8", "192.168.0.0/16"), `{"a":"192.168.1.1"}`, true},
	{"cidr v6", cidr("2001:db8::/32"), `{"a":"2001:db8::1"}`, true},
	{"cidr mapped", cidr("10.0.0.0/8"), `{"a":"::ffff:10.0.0.1"}`, true},
	{"cidr mapped net", cidr("::ffff:10.0.0.0/104"), `{"a":"10.0.0.1"}`, true},
	{"cidr not masked", cidr("10.1.2.3/8"), `{"a":"10.9.9.9"}`, true},
	{"cidr zone", cidr("fe80::/10"), `{"a":"fe80::1%eth0"}`, false},
	{"cidr not an address", cidr("0.0.0.0/0"), `{"a":"ec2.amazonaws.com"}`, false},
	{"gt", num(Gt, 5), `{"a":7}`, true},
	{"gt equal", num(Gt, 5), `{"a":5}`, false},
	{"gte text", num(Gte, 5), `{"a":"5"}`, true},
	{"lt", num(Lt, 1.5), `{"a":1.25}`, true},
	{"lt word", num(Lt, 5), `{"a":"x"}`, false},
	{"lt hex", num(Lt, 500), `{"a":"0x10"}`, false},
	{"lt absent", num(Lt, 5), `{}`, false},
	{"str gt", op(StrGt, false, "5"), `{"a":"10"}`, false},
	{"str lt", op(StrLt, false, "5"), `{"a":"10"}`, true},
	{"exists", exists(true), `{"a":""}`, true},
	{"exists null", exists(true), `{"a":null}`, true},
	{"exists not", exists(true), `{"b":""}`, false},
	{"exists false", exists(false), `{"b":""}`, true},
	{"null absent", &Pred{Field: f("a"), Op: IsNull}, `{}`, true},
	{"null", &Pred{Field: f("a"), Op: IsNull}, `{"a":null}`, true},
	{"null empty", &Pred{Field: f("a"), Op: IsNull}, `{"a":""}`, false},
	{"ref", refer(Eq, false), `{"a":"x","b":"x"}`, true},
	{"reference number among others", refer(Eq, true), `{"a":"5.0","b":["x",5]}`, true},
	{"reference text among numbers", refer(Eq, true), `{"a":"5.0","b":[7,"5"]}`, false},
	{"reference number in a list of text", refer(Eq, false), `{"a":["x","50e-1"],"b":["y",null,{"c":1},5]}`, true},
	{"reference of a number", refer(Eq, true), `{"a":[true,5.0],"b":["x","5"]}`, true},
	{"reference of equal text of numbers", refer(Eq, true), `{"a":"5.0","b":"5"}`, false},
	{"ref fold", refer(Eq, true), `{"a":"x","b":"X"}`, true},
	{"ref case", refer(Eq, false), `{"a":"x","b":"X"}`, false},
	{"ref number", refer(Eq, false), `{"a":1,"b":1.0}`, true},
	{"ref absent", refer(Eq, false), `{"a":"x"}`, false},
	{"ref both absent", refer(Eq, false), `{}`, false},
	{"ref suffix", refer(Suffix, false), `{"a":"arn/x","b":"x"}`, true},
	{"ref gt", refer(Gt, false), `{"a":10,"b":"9"}`, true},
	{"ref list", refer(Eq, false), `{"a":["p","q"],"b":["r","q"]}`, true},
	{"hour", part(Hour, Eq, 3), `{"a":"2026-01-01T03:04:05Z"}`, true},
	{"hour zone", part(Hour, Eq, 2), `{"a":"2026-01-01T03:04:05+01:00"}`, true},
	{"week", part(Week, Eq, 1), `{"a":"2026-01-01"}`, true},
	{"year gte", part(Year, Gte, 2025), `{"a":"2026-01-01 03:04"}`, true},
	{"epoch", part(Year, Eq, 2026), `{"a":1767225600123}`, true},
	{"keyword", keyword(op(Contains, true, "break-glass")), `{"z":{"b":["x Break-Glass y"]}}`, true},
	{"keyword key", keyword(op(Contains, true, "break-glass")), `{"z":{"x/break-glass":"true"}}`, true},
	{"keyword escaped", keyword(op(Contains, true, `a"b`)), `{"z":"a\"b"}`, true},
	{"keyword no", keyword(op(Contains, true, "break-glass")), `{"z":"breakglass"}`, false},
	{"keyword number", keyword(op(Contains, true, "40")), `{"z":140.5}`, true},
	{"keyword pattern", keyword(patterns(true, "*a?c*")), `{"z":"xabcx"}`, true},
	{"and", &And{[]Expr{eq("a", true, "x"), eq("b", true, "y")}}, `{"a":"x","b":"y"}`, true},
	{"and no", &And{[]Expr{eq("a", true, "x"), eq("b", true, "y")}}, `{"a":"x","b":"z"}`, false},
	{"or", &Or{[]Expr{eq("a", true, "x"), eq("b", true, "y")}}, `{"b":"y"}`, true},
	{"not absent", &Not{eq("a", true, "x")}, `{}`, true},
	{"not member", &Not{eq("a", true, "x")}, `{"a":["y","x"]}`, false},
	{"empty and", &And{}, `{}`, true},
	{"empty or", &Or{}, `{}`, false},
	{"const", &And{[]Expr{Const(true), &Not{Const(false)}}}, `{}`, true},
	{"raw null", raw(eq("a", false, "null")), `{"a":null}`, true},
	{"raw number", raw(eq("a", false, "3.5")), `{"a":3.50}`, false},
	{"raw object", raw(eq("a", false, `{"k":1}`)), `{"a":{"k": 1}}`, true},
	{"string number", str(eq("a", false, "")), `{"a":3}`, true},
	{"string null", str(eq("a", false, "")), `{"a":null}`, true},
	{"string absent", str(eq("a", false, "")), `{}`, false},
	{"derived", &Pred{Field: upper, Op: Eq, Args: texts("XY")}, `{"a":"xy"}`, true},
	{"derived absent", &Pred{Field: upper, Op: Exists}, `{"b":"xy"}`, false},
	{"func", &Pred{Field: f("a"), Op: Func, Test: func(t []byte) bool { return len(t) == 3 }}, `{"a":["x","abc"]}`, true},
	{"list func", &Pred{Field: f("a"), Op: ListFunc, ListTest: func(l Texts) bool { return l.Len() == 0 }}, `{"b":1}`, true},
	{"each any", eachOf(EachAny, &And{[]Expr{eq("p", true, "tcp"), eq("q", true, "22")}}), `{"a":[{"p":"tcp","q":1},{"p":"TCP","q":22}]}`, true},
	{"each any apart", eachOf(EachAny, &And{[]Expr{eq("p", true, "tcp"), eq("q", true, "22")}}), `{"a":[{"p":"tcp","q":1},{"p":"udp","q":22}]}`, false},
	{"each all", eachOf(EachAll, eq("p", true, "x")), `{"a":[{"p":"x"},{"p":"x"}]}`, true},
	{"each all one not", eachOf(EachAll, eq("p", true, "x")), `{"a":[{"p":"x"},{"p":"y"}]}`, false},
	{"each all empty", eachOf(EachAll, eq("p", true, "x")), `{"a":[]}`, false},
	{"each all or empty", eachOf(EachAllOrEmpty, eq("p", true, "x")), `{"a":[]}`, true},
	{"each all or absent", eachOf(EachAllOrEmpty, eq("p", true, "x")), `{}`, true},
	{"each none", eachOf(EachNone, eq("p", true, "x")), `{"a":[{"p":"y"}]}`, true},
	{"each none absent", eachOf(EachNone, eq("p", true, "x")), `{}`, true},
	{"each none one", eachOf(EachNone, eq("p", true, "x")), `{"a":[{"p":"y"},{"p":"x"}]}`, false},
	{"each scalar", eachOf(EachAll, &Pred{Field: self, Op: Prefix, Args: texts("5")}), `{"a":["50", 51 ,""]}`, false},
	{"each scalars", eachOf(EachAll, &Pred{Field: self, Op: Prefix, Args: texts("5")}), `{"a":["50", 51 ,"5\"],["]}`, true},
	{"each empty texts", eachOf(EachAll, &Pred{Field: self, Op: Func, Test: func(b []byte) bool { return len(b) == 0 }}), `{"a":["",[""],"",{"":""}]}`, false},
	{"each empty text counts", eachOf(EachNone, &Pred{Field: self, Op: Eq, Args: texts("")}), `{"x":1,"a":"" }`, false},
	{"each no array", eachOf(EachAny, eq("p", true, "x")), `{"a":{"p":"x"}}`, true},
	{"each nested", eachOf(EachAny, &Each{Field: f("ip"), Quant: EachAll, Where: &Pred{Field: self, Op: Prefix, Args: texts("10.")}}),
		`{"a":[{"ip":["10.1","11"]},{"ip":["10.1","10.2"]}]}`, true},
}

// allocates is set where counting allocations says nothing.
var allocates bool

func TestSemantics(t *testing.T) {
	// All in one set, so that groups are full, and each alone.
	b := slot.NewBuilder()
	set := NewSet(b)
	var progs []*Program
	for _, c := range semantics {
		p, err := set.Add(c.expr)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		progs = append(progs, p)
	}
	set.Seal()
	plan := b.Plan()
	doc, st := plan.NewDoc(), set.NewState()
	for i, c := range semantics {
		if _, err := plan.Scan([]byte(c.record), doc); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := progs[i].Match(doc, st); got != c.want {
			t.Errorf("%s: %s: got %v", c.name, c.record, got)
		}
		if why := progs[i].Explain(doc, st); (why != nil) != c.want {
			t.Errorf("%s: explanation %v", c.name, why)
		}
		one := slot.NewBuilder()
		p, err := Compile(c.expr, one)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		pl := one.Plan()
		d := pl.NewDoc()
		if _, err := pl.Scan([]byte(c.record), d); err != nil {
			t.Fatal(err)
		}
		if got := p.Match(d, nil); got != c.want {
			t.Errorf("%s: alone: %s: got %v", c.name, c.record, got)
		}
	}
	// Judging all records by all programs allocates nothing once warm.
	var records [][]byte
	for _, c := range semantics {
		records = append(records, []byte(c.record))
	}
	run := func() {
		for _, record := range records {
			if _, err := plan.Scan(record, doc); err != nil {
				t.Fatal(err)
			}
			st.Begin(doc, Meta{})
			for _, p := range progs {
				p.Holds(st)
			}
		}
	}
	run()
	if n := testing.AllocsPerRun(10, run); n > 0 && !allocates {
		t.Errorf("%v allocations for %d records", n, len(records))
	}
}

func TestExplain(t *testing.T) {
	expr := &And{[]Expr{
		&Pred{Field: f("eventName"), Op: Eq, Fold: true, Args: texts("StartLogging", "StopLogging"), Span: Span{3, 1}},
		&Not{&Pred{Field: f("userAgent"), Op: Contains, Args: texts("terraform", "pulumi"), Span: Span{5, 1}}},
		&Not{&Pred{Field: f("errorCode"), Op: Exists, Args: []Arg{{Bool: true}}, Span: Span{6, 1}}},
		&Or{[]Expr{eq("a", true, "1"), eq("a", true, "2")}},
	}}
	b := slot.NewBuilder()
	p, err := Compile(expr, b)
	if err != nil {
		t.Fatal(err)
	}
	plan := b.Plan()
	doc := plan.NewDoc()
	if _, err := plan.Scan([]byte(`{"eventName":"stoplogging","userAgent":"aws-cli","a":2}`), doc); err != nil {
		t.Fatal(err)
	}
	want := []yagura.Why{
		{Field: "a", Op: "equals", Value: "2", Actual: "2"},
		{Field: "eventName", Op: "equals", Value: "StopLogging", Actual: "stoplogging"},
		{Field: "userAgent", Op: "not contains", Value: "terraform, pulumi", Actual: "aws-cli"},
		{Field: "errorCode", Op: "exists", Value: "false"},
	}
	if diff := cmp.Diff(want, p.Explain(doc, nil)); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	for _, x := range []Expr{
		&Pred{Field: f("a"), Op: Glob, Args: texts("x")},
		&Pred{Field: f("a"), Op: Regex, Args: texts("x")},
		&Pred{Field: f("a"), Op: CIDR, Args: texts("x")},
		&Pred{Field: f("a"), Op: Func},
		&Pred{Field: f("a"), Op: 99},
		&And{[]Expr{nil}},
	} {
		if err := Check(x); err == nil {
			t.Errorf("%#v was compiled", x)
		}
	}
	var deep Expr = Const(true)
	for range maxDepth + 2 {
		deep = &And{[]Expr{deep}}
	}
	if Check(deep) == nil {
		t.Error("an expression nested too deeply was compiled")
	}
}
