package slot

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hits returns the values of a slot; containers without their text.
func hits(d *Doc, id ID) []hit {
	var out []hit
	for v := d.First(id); v >= 0; v = d.Next(v) {
		h := hit{d.Kind(v), string(d.Text(v))}
		if h.Kind >= Object {
			h.Text = ""
		}
		out = append(out, h)
	}
	return out
}

// TestRandomPlans compares random plans over random documents with the reference.
func TestRandomPlans(t *testing.T) {
	rounds := 10000
	if testing.Short() {
		rounds = 3000
	}
	filled := 0
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 7))
		b := NewBuilder()
		fields := make([]Field, 1+r.IntN(8))
		ids := make([]ID, len(fields))
		for i := range fields {
			fields[i] = randomField(r)
			ids[i] = b.Slot(fields[i])
		}
		doc := b.Plan()
		d := doc.NewDoc()
		for range 3 {
			data := []byte(randomJSON(r, 0, 0))
			tree, err := parseReference(data)
			if err != nil {
				t.Fatalf("seed %d: the generator made %s: %v", seed, data, err)
			}
			n, err := doc.Scan(data, d)
			if err != nil || strings.TrimSpace(string(data[n:])) != "" {
				t.Fatalf("seed %d: scan %s: n %d, %v", seed, data, n, err)
			}
			for i, f := range fields {
				want, got := reference(tree, f), hits(d, ids[i])
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: field %+v of %s (-want +got):\n%s", seed, f, data, diff)
				}
				filled += len(got)
			}
		}
	}
	if filled < rounds {
		t.Fatalf("only %d values in %d rounds: the generator is of no use", filled, rounds)
	}
}

var words = []string{"a", "b", "A", "a.b", "a.b.c", "0", "1", "responseElements", "responseSlements", "requestParameters", "c", "", "longerThanEight"}

func randomField(r *rand.Rand) Field {
	var f Field
	for range 1 + r.IntN(3) {
		p := Path{Fold: r.IntN(3) == 0, Exact: r.IntN(3) == 0}
		for range r.IntN(4) {
			if r.IntN(4) == 0 {
				p.Segs = append(p.Segs, Seg{IsIndex: true, Index: r.IntN(3)})
			} else {
				p.Segs = append(p.Segs, Seg{Key: words[r.IntN(len(words))]})
			}
		}
		f.Paths = append(f.Paths, p)
	}
	return f
}

func randomJSON(r *rand.Rand, depth, texts int) string {
	ws := func() string { return []string{"", "", "", "", " ", "\n\t", "            "}[r.IntN(7)] }
	kind := r.IntN(9)
	if depth > 5 {
		kind = r.IntN(5)
	}
	switch kind {
	case 0:
		return []string{"null", "true", "false"}[r.IntN(3)]
	case 1:
		return []string{"0", "-1", "1.5e+300", "12345678901234567890123", "-0.0", "1E5"}[r.IntN(6)]
	case 2:
		return []string{`""`, `"x"`, `"\u0061\ud83d\ude00\n"`, `"\ud800"`, `"ein längerer Text mit Umlauten"`, `"{"`, `"[1,"`, `"\"\\\/"`, `"` + strings.Repeat("y", r.IntN(40)) + `"`}[r.IntN(9)]
	case 3, 4:
		if texts > 2 || depth > 5 && texts > 0 {
			return `"t"`
		}
		s, _ := json.Marshal(ws() + randomJSON(r, depth, texts+1) + ws())
		return string(s)
	case 5, 6, 7:
		var parts []string
		for range r.IntN(5) {
			k := words[r.IntN(len(words))]
			key := `"` + k + `"`
			if r.IntN(8) == 0 && k != "" {
				key = fmt.Sprintf(`"\u%04x%s"`, k[0], k[1:])
			}
			parts = append(parts, ws()+key+ws()+":"+ws()+randomJSON(r, depth+1, texts)+ws())
		}
		return "{" + ws() + strings.Join(parts, ",") + "}"
	default:
		var parts []string
		for range r.IntN(4) {
			parts = append(parts, ws()+randomJSON(r, depth+1, texts)+ws())
		}
		return "[" + ws() + strings.Join(parts, ",") + "]"
	}
}

func TestDepth(t *testing.T) {
	b := NewBuilder()
	id := b.Slot(Field{Paths: []Path{{}}})
	_ = id
	b.Slot(Field{Paths: []Path{Keys("a", "b")}})
	p := b.Plan()
	d := p.NewDoc()
	for _, open := range []string{"[", `{"a":`} {
		shut := map[string]string{"[": "]", `{"a":`: "}"}[open]
		good := strings.Repeat(open, MaxDepth) + "[]"[:0] + "1" + strings.Repeat(shut, MaxDepth)
		if n, err := p.Scan([]byte(good), d); err != nil || n != len(good) {
			t.Errorf("%d levels of %s: n %d, %v", MaxDepth, open, n, err)
		}
		if !Valid([]byte(good)) {
			t.Errorf("Valid refuses %d levels of %s", MaxDepth, open)
		}
		deep := strings.Repeat(open, 100000)
		var bad *SyntaxError
		if _, err := p.Scan([]byte(deep), d); !errors.As(err, &bad) || bad.Offset != int64(MaxDepth*len(open)) {
			t.Errorf("100000 levels of %s: %v", open, err)
		}
		if _, err := Skip([]byte(deep)); !errors.As(err, &bad) || !strings.Contains(bad.Error(), "1000 levels") {
			t.Errorf("Skip of 100000 levels of %s: %v", open, err)
		}
	}
}

func TestSpan(t *testing.T) {
	b := NewBuilder()
	a, text := b.Slot(Field{Paths: []Path{Keys("a")}}), b.Slot(Field{Paths: []Path{Keys("s", "a")}})
	p := b.Plan()
	d := p.NewDoc()
	if d.Plan() != p {
		t.Error("a Doc does not know its plan")
	}
	for _, before := range []string{"", " \n"} {
		buf := before + `{"a": [1, "x"], "s": "{\"a\":[2]}"} {"a":[9]}`
		if _, err := p.Scan([]byte(buf), d); err != nil {
			t.Fatal(err)
		}
		start, end, ok := d.Span(d.First(a))
		if !ok || string(d.Record()[start:end]) != `[1, "x"]` {
			t.Errorf("%q: %d to %d, %t", buf, start, end, ok)
		}
		if _, _, ok := d.Span(d.Next(d.Next(d.First(a)))); ok {
			t.Error("a string has a span")
		}
		if _, _, ok := d.Span(d.First(text)); ok {
			t.Error("what is inside a text has a span in the record")
		}
	}
}
