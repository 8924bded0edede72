package slot

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func index(i int) Seg  { return Seg{IsIndex: true, Index: i} }
func key(k string) Seg { return Seg{Key: k} }

func path(segs ...Seg) Path    { return Path{Segs: segs} }
func pointer(segs ...Seg) Path { return Path{Segs: segs, Exact: true} }
func folded(segs ...Seg) Path  { return Path{Segs: segs, Fold: true} }

// TestPaths pins what field.go says, one rule a line.
func TestPaths(t *testing.T) {
	str := func(s string) hit { return hit{String, s} }
	num := func(s string) hit { return hit{Number, s} }
	obj, arr := hit{Kind: Object}, hit{Kind: Array}
	for _, c := range []struct {
		name string
		doc  string
		p    []Path
		want []hit
	}{
		{"a key", `{"a":"x"}`, []Path{Keys("a")}, []hit{str("x")}},
		{"absent", `{"b":"x"}`, []Path{Keys("a")}, nil},
		{"null is not absent", `{"a":null}`, []Path{Keys("a")}, []hit{{Null, "null"}}},
		{"empty is not absent", `{"a":""}`, []Path{Keys("a")}, []hit{str("")}},
		{"kinds", `{"a":[true,false,-1.50e+3,{},[]]}`, []Path{Keys("a")}, []hit{arr, {Bool, "true"}, {Bool, "false"}, num("-1.50e+3"), obj, arr}},
		{"a huge number stays text", `{"a":123456789012345678901234567890.5}`, []Path{Keys("a")}, []hit{num("123456789012345678901234567890.5")}},
		{"a key with escapes", `{"\u0065ventName":"x"}`, []Path{Keys("eventName")}, []hit{str("x")}},
		{"a long key with escapes", `{"requestPa\u0072ameters\/":"x"}`, []Path{Keys("requestParameters/")}, []hit{str("x")}},
		{"duplicate keys all count", `{"a":1,"a":2}`, []Path{Keys("a")}, []hit{num("1"), num("2")}},
		{"duplicate keys on the way", `{"a":{"b":1},"a":{"b":2}}`, []Path{Keys("a", "b")}, []hit{num("1"), num("2")}},
		{"case counts", `{"A":1}`, []Path{Keys("a")}, nil},
		{"case does not count", `{"A":{"bC":1}}`, []Path{folded(key("a"), key("Bc"))}, []hit{num("1")}},
		{"only ASCII is folded", `{"Ä":1}`, []Path{folded(key("ä"))}, nil},
		{"dots in a key", `{"a.b":1,"a":{"b":2}}`, []Path{Keys("a", "b")}, []hit{num("1"), num("2")}},
		{"dots in keys on the way", `{"a.b":{"c.d":1},"a":{"b.c":{"d":2}}}`, []Path{Keys("a", "b", "c", "d")}, []hit{num("1"), num("2")}},
		{"a key that is written with dots", `{"a.b":1,"a":{"b":2}}`, []Path{Keys("a.b")}, []hit{num("1")}},
		{"arrays fan out", `{"a":[{"b":1},{"c":0},{"b":[2,[3]]}]}`, []Path{Keys("a", "b")}, []hit{num("1"), arr, num("2"), arr, num("3")}},
		{"arrays in arrays", `{"a":[[{"b":1}],[[{"b":2}]]]}`, []Path{Keys("a", "b")}, []hit{num("1"), num("2")}},
		{"an index", `{"a":["x","y"]}`, []Path{path(key("a"), index(1))}, []hit{str("y")}},
		{"an index does not fan out", `{"a":[["x","y"],["z","w"]]}`, []Path{path(key("a"), index(1))}, []hit{arr, str("z"), str("w")}},
		{"index after index", `{"a":[["x","y"],["z","w"]]}`, []Path{path(key("a"), index(1), index(0))}, []hit{str("z")}},
		{"an index after a fan-out", `{"a":[{"b":[1,2]},{"b":[3]}]}`, []Path{path(key("a"), key("b"), index(0))}, []hit{num("1"), num("3")}},
		{"an index of the record", `[1,2]`, []Path{path(index(1))}, []hit{num("2")}},
		{"the record itself", `{"a":1}`, []Path{{}}, []hit{obj}},
		{"a scalar record", `"x"`, []Path{{}}, []hit{str("x")}},
		{"aliases, in document order", `{"b":1,"a":2}`, []Path{Keys("a"), Keys("b")}, []hit{num("1"), num("2")}},
		{"aliases of one value", `{"a":[1]}`, []Path{Keys("a"), path(key("a"), index(0)), folded(key("A"))}, []hit{arr, num("1")}},
		{"a container before what is in it", `{"a":{"b":1}}`, []Path{Keys("a", "b"), Keys("a")}, []hit{obj, num("1")}},
		{"pointer", `{"a":{"b":1}}`, []Path{pointer(key("a"), key("b"))}, []hit{num("1")}},
		{"pointer to an array is one value", `{"a":[1,2]}`, []Path{pointer(key("a"))}, []hit{arr}},
		{"pointer does not fan out", `{"a":[{"b":1}]}`, []Path{pointer(key("a"), key("b"))}, nil},
		{"pointer with an index", `{"a":[{"b":1}]}`, []Path{pointer(key("a"), index(0), key("b"))}, []hit{num("1")}},
		{"pointer with a decimal key", `{"a":[1,2],"b":{"1":3}}`, []Path{pointer(key("a"), key("1")), pointer(key("b"), key("1"))}, []hit{num("2"), num("3")}},
		{"pointer with a decimal key of another form", `{"a":[1,2]}`, []Path{pointer(key("a"), key("01"))}, nil},
		{"pointer: the first of duplicate keys", `{"a":1,"a":2}`, []Path{pointer(key("a"))}, []hit{num("1")}},
		{"pointer: the first on the way", `{"a":{"c":1},"a":{"b":2}}`, []Path{pointer(key("a"), key("b"))}, nil},
		{"pointer: the first without regard to case", `{"A":1,"a":2}`, []Path{{Segs: []Seg{key("a")}, Exact: true, Fold: true}}, []hit{num("1")}},
		{"pointer: dots are dots", `{"a.b":1}`, []Path{pointer(key("a"), key("b"))}, nil},
		{"pointer and path in one field", `{"a":1,"a":2}`, []Path{pointer(key("a")), Keys("a")}, []hit{num("1"), num("2")}},
		{"JSON in a string", `{"a":"{\"b\":{\"c\":\"x\\n\"}}"}`, []Path{Keys("a", "b", "c")}, []hit{str("x\n")}},
		{"JSON in a string without escapes", `{"a":"[1,[2]]"}`, []Path{path(key("a"), index(1))}, []hit{arr, num("2")}},
		{"percent-encoded JSON in a string", `{"a":"%7B%22b%22%3a%22x%20%25+%C3%BC%5c%22%22%7D"}`, []Path{Keys("a", "b")}, []hit{str("x %+ü\"")}},
		{"percent-encoded array, encoded line break", `{"a":"%0A%5b1,%7B%22b%22:2%7D]"}`, []Path{Keys("a", "b")}, []hit{num("2")}},
		{"percent sign without digits", `{"a":"%7B%22b%22:2%7D%"}`, []Path{Keys("a", "b")}, nil},
		{"percent sign with wrong digits", `{"a":"%7B%22b%22:%2g%7D"}`, []Path{Keys("a", "b")}, nil},
		{"percent-encoded, not UTF-8", `{"a":"%7B%22b%22:%22%FF%22%7D"}`, []Path{Keys("a", "b")}, nil},
		{"percent sign written as an escape", `{"a":"\u00257B%22b%22:2%7D"}`, []Path{Keys("a", "b")}, []hit{num("2")}},
		{"percent-encoded text", `{"a":"%22x%22"}`, []Path{Keys("a", "b")}, nil},
		{"JSON in a string, and the string", `{"a":"[1]"}`, []Path{Keys("a")}, []hit{str("[1]")}},
		{"JSON in JSON in a string", `{"a":"{\"b\":\"{\\\"c\\\":1}\"}"}`, []Path{Keys("a", "b", "c")}, []hit{num("1")}},
		{"text that is not JSON", `{"a":"{\"b\":"}`, []Path{Keys("a", "b")}, nil},
		{"JSON and more in a string", `{"a":"{\"b\":1} x"}`, []Path{Keys("a", "b")}, nil},
		{"white space around JSON in a string", `{"a":" \n{\"b\":1}\t"}`, []Path{Keys("a", "b")}, []hit{num("1")}},
		{"a scalar in a string is text", `{"a":"1"}`, []Path{path(key("a"), index(0))}, nil},
		{"pointer does not enter strings", `{"a":"{\"b\":1}"}`, []Path{pointer(key("a"), key("b"))}, nil},
		{"a lone surrogate", `{"a":"\ud800x\udc00"}`, []Path{Keys("a")}, []hit{str("\ufffdx\ufffd")}},
		{"a pair of surrogates", `{"a":"\ud83d\ude00"}`, []Path{Keys("a")}, []hit{str("😀")}},
		{"invalid UTF-8 stays", "{\"a\":\"\xff\xfe\"}", []Path{Keys("a")}, []hit{str("\xff\xfe")}},
		{"an empty key", `{"":{"":1}}`, []Path{Keys("", "")}, []hit{num("1")}},
		{"no path", `{"a":1}`, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder()
			b.Slot(Field{Paths: []Path{Keys("z")}})
			id := b.Slot(Field{Paths: c.p})
			if again := b.Slot(Field{Paths: c.p}); again != id {
				t.Errorf("the same field has slots %d and %d", id, again)
			}
			p := b.Plan()
			d := p.NewDoc()
			for round := range 2 { // the second time with the order of keys known
				n, err := p.Scan([]byte(c.doc), d)
				if err != nil || n != len(c.doc) {
					t.Fatalf("read %d of %d bytes: %v", n, len(c.doc), err)
				}
				if diff := cmp.Diff(c.want, hits(d, id)); diff != "" {
					t.Errorf("round %d (-want +got):\n%s", round, diff)
				}
				if want := min(1, len(c.want)); len(d.Filled()) != want {
					t.Errorf("%d slots are filled, want %d", len(d.Filled()), want)
				}
			}
		})
	}
}

// TestLevels says how many strings in strings are entered.
func TestLevels(t *testing.T) {
	b := NewBuilder()
	var segs []string
	for range maxTexts + 3 {
		segs = append(segs, "a")
	}
	ids := map[int]ID{}
	for n := range segs {
		ids[n+1] = b.Slot(Field{Paths: []Path{Keys(segs[:n+1]...)}})
	}
	p := b.Plan()
	d := p.NewDoc()
	text := `{"a":1}`
	for range maxTexts + 2 {
		text = fmt.Sprintf(`{"a":%q}`, text)
	}
	if _, err := p.Scan([]byte(text), d); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= len(segs); n++ {
		if found := d.First(ids[n]) >= 0; found != (n <= maxTexts+1) {
			t.Errorf("level %d is found: %v", n, found)
		}
	}
}

func TestText(t *testing.T) {
	b := NewBuilder()
	id := b.Slot(Field{Paths: []Path{Keys("a")}})
	p := b.Plan()
	d := p.NewDoc()
	text := `{"x":"y" , "a" : { "b" : [ 1 , "c \" d" ] , "e" : { } } }  next`
	n, err := p.Scan([]byte(text), d)
	if err != nil || text[n:] != "  next" {
		t.Fatalf("read %d, %v", n, err)
	}
	v := d.First(id)
	if got := string(d.Text(v)); got != `{"b":[1,"c \" d"],"e":{}}` {
		t.Errorf("Text %s", got)
	}
	if got := string(d.Raw(v)); got != `{ "b" : [ 1 , "c \" d" ] , "e" : { } }` {
		t.Errorf("Raw %s", got)
	}
	if first := d.Text(v); &first[0] != &d.Text(v)[0] {
		t.Error("Text is computed twice")
	}
	if got := string(d.Record()); got != text[:n] {
		t.Errorf("Record %s", got)
	}
	if _, err := p.Scan([]byte(`{"a":"q\tr"}`), d); err != nil {
		t.Fatal(err)
	}
	v = d.First(id)
	if got := string(d.Raw(v)) + "|" + string(d.Text(v)) + "|" + string(d.JSON(v)); got != `q\tr|`+"q\tr"+`|"q\tr"` {
		t.Errorf("Raw, Text and JSON of a string: %s", got)
	}
	if d.Kind(-1) != Absent || d.Next(v) >= 0 {
		t.Error("the end of a slot")
	}
}

// TestNoAllocations says that a warm Doc costs no memory, whatever the record.
func TestNoAllocations(t *testing.T) {
	p := trailPlan()
	d := p.NewDoc()
	recs := trailRecords(50)
	recs = append(recs, []byte(`{"requestParameters":{"policyDocument":"{\"Statement\":[{\"Effect\":\"Allow\"}]}","k":[[[{"z":"\u00e9"}]]]}, "eventName" : "x\ny"}`))
	all := func() {
		for _, r := range recs {
			if _, err := p.Scan(r, d); err != nil {
				t.Fatal(err)
			}
			for _, id := range d.Filled() {
				for v := d.First(id); v >= 0; v = d.Next(v) {
					_ = d.Text(v)
				}
			}
		}
	}
	all()
	if n := testing.AllocsPerRun(20, all); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestManyFields says that a plan for thousands of fields finds each of them.
func TestManyFields(t *testing.T) {
	b := NewBuilder()
	var ids []ID
	for i := range 5000 {
		f := Field{Paths: []Path{Keys("requestParameters", fmt.Sprintf("key%d", i), "x"), Keys(fmt.Sprintf("k%d", i%700), "y", "z")}}
		if i%3 == 0 {
			f.Paths[0].Fold = true
		}
		ids = append(ids, b.Slot(f))
	}
	p := b.Plan()
	d := p.NewDoc()
	for _, i := range []int{0, 1, 2, 699, 700, 4999} {
		if _, err := p.Scan(fmt.Appendf(nil, `{"requestParameters":{"key%d":{"x":1}}}`, i), d); err != nil || d.First(ids[i]) < 0 || len(d.Filled()) != 1 {
			t.Errorf("field %d: %v, %d filled", i, err, len(d.Filled()))
		}
	}
}

// TestLongPath: a key may stand for so many steps of a path and no more, as the number of
// such keys would otherwise grow with the square of the steps.
func TestLongPath(t *testing.T) {
	steps := make([]string, 1000)
	for i := range steps {
		steps[i] = "k" + strconv.Itoa(i)
	}
	b := NewBuilder()
	whole, short, long := b.Slot(Field{Paths: []Path{Keys(steps...)}}), b.Slot(Field{Paths: []Path{Keys(steps[:maxDotted]...)}}), b.Slot(Field{Paths: []Path{Keys(steps[:maxDotted+1]...)}})
	plan := b.Plan()
	if plan.keys > 3*maxDotted*len(steps) {
		t.Errorf("%d keys", plan.keys)
	}
	doc := plan.NewDoc()
	for n, want := range map[int][3]bool{1: {true, true, true}, maxDotted: {false, true, false}, maxDotted + 1: {}} {
		var record string
		if n == 1 {
			record = `{"` + strings.Join(steps, `":{"`) + `":1` + strings.Repeat("}", len(steps))
		} else {
			record = `{"` + strings.Join(steps[:n], ".") + `":1}`
		}
		if _, err := plan.Scan([]byte(record), doc); err != nil {
			t.Fatal(err)
		}
		if got := [3]bool{doc.First(whole) >= 0, doc.First(short) >= 0, doc.First(long) >= 0}; got != want {
			t.Errorf("%d steps in a key: %v, want %v", n, got, want)
		}
	}
}
