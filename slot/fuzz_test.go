package slot

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// fuzzFields cover what a path can do.
var fuzzFields = []Field{
	{Paths: []Path{{}}},
	{Paths: []Path{Keys("a")}},
	{Paths: []Path{Keys("a", "b"), Keys("b", "a")}},
	{Paths: []Path{{Segs: []Seg{{Key: "A"}, {Key: "B"}}, Fold: true}}},
	{Paths: []Path{{Segs: []Seg{{Key: "a"}, {Key: "0"}}, Exact: true}}},
	{Paths: []Path{{Segs: []Seg{{Key: "a"}, {Key: "B"}}, Exact: true, Fold: true}, Keys("a", "b")}},
	{Paths: []Path{{Segs: []Seg{{Key: "a"}, {IsIndex: true, Index: 1}, {Key: "longerThanEight"}}}}},
	{Paths: []Path{Keys("longerThanEight", "longerThanSixteenBytes")}},
	{Paths: []Path{{Segs: []Seg{{IsIndex: true}}}}},
}

// FuzzScan says of any bytes that Scan, Skip and Valid agree with encoding/json (but
// for the depth), that a value cut short is short and nothing else, and that the
// slots are those of the reference.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{}`, `[]`, `{"a":{"b":1}}`, `{"a":[1,{"b":"x\u00e9\n"}]}`, `{"a.b":-1.5e+10,"A":{"B":null}}`,
		`{"a":"{\"b\":[true]}"}`, `{"a":"%7B%22b%22:[1]%7D"}`, `{"\u0061":[false,{"longerThanEight":""}]}`, ` [ "a" , {"a" : {"b":1} } ] `, `{"a":1,"a":{"b":2}}`,
		`"`, `{"a`, `{"a":tru`, `[1,]`, `{"a":01}`, `1e`, `-`, `"\ud83d\ude00\ud800"`, "\"\x01\"", "\"\xff\"", `nul`, `{"longerThanEight":{"longerThanSixteenBytes":1}}`} {
		f.Add([]byte(s))
	}
	b := NewBuilder()
	ids := make([]ID, len(fuzzFields))
	for i, x := range fuzzFields {
		ids[i] = b.Slot(x)
	}
	plan := b.Plan()
	f.Fuzz(func(t *testing.T, data []byte) {
		doc := plan.NewDoc()
		n, err := plan.Scan(data, doc)
		m, serr := Skip(data)
		if (err == nil) != (serr == nil) || errors.Is(err, ErrShort) != errors.Is(serr, ErrShort) || err == nil && n != m {
			t.Fatalf("Scan %d %v, Skip %d %v", n, err, m, serr)
		}
		valid := json.Valid(data)
		if depth(data) <= MaxDepth {
			if Valid(data) != valid {
				t.Fatalf("Valid says %v", !valid)
			}
			// encoding/json says the same of where the value ends.
			var raw json.RawMessage
			jerr := json.NewDecoder(bytes.NewReader(data)).Decode(&raw)
			if (err == nil) != (jerr == nil) && !loose(data, n) {
				t.Fatalf("Scan %v, encoding/json %v", err, jerr)
			}
		}
		if err != nil {
			if len(doc.Filled()) > 0 || doc.Record() != nil {
				t.Fatalf("a Doc that is not empty after %v", err)
			}
			return
		}
		rec := doc.Record()
		if !json.Valid(rec) || !bytes.HasSuffix(data[:n], rec) {
			t.Fatalf("record %q", rec)
		}
		for cut := range rec[:min(len(rec), 200)] {
			if _, err := plan.Scan(rec[:cut], doc); err == nil && rec[0] != '-' && (rec[0] < '0' || rec[0] > '9') {
				t.Fatalf("%q is taken for whole", rec[:cut])
			} else if err != nil && !errors.Is(err, ErrShort) {
				t.Fatalf("%q: %v", rec[:cut], err)
			}
		}
		if _, err := plan.Scan(rec, doc); err != nil {
			t.Fatal(err)
		}
		if got, want := Compact(nil, rec), compactReference(t, rec); string(got) != want {
			t.Fatalf("Compact %q, want %q", got, want)
		}
		if !utf8.Valid(rec) {
			return
		}
		tree, err := parseReference(rec)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range fuzzFields {
			if diff := cmp.Diff(reference(tree, x), hits(doc, ids[i])); diff != "" {
				t.Fatalf("field %+v (-want +got):\n%s", x, diff)
			}
		}
	})
}

// depth is how deep brackets nest, strings left out.
func depth(data []byte) (deepest int) {
	d, in := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case in && c == '\\':
			i++
		case c == '"':
			in = !in
		case !in && (c == '{' || c == '['):
			d++
			deepest = max(deepest, d)
		case !in && (c == '}' || c == ']'):
			d--
		}
	}
	return deepest
}

// loose says that data goes on right behind its first value in a way that matters to
// the decoder of encoding/json, which looks one byte ahead.
func loose(data []byte, n int) bool { return n < len(data) }
