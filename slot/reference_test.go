package slot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The reference: the rules of field.go written once more, over a decoded tree, one
// path at a time, without regard to cost.

type refMember struct {
	key string
	val *refValue
}

type refValue struct {
	kind    Kind
	text    string // scalar text
	members []refMember
	elems   []*refValue
	num     int // in document order
}

type refTree struct{ count int }

// parseReference decodes one JSON value, keeping duplicate keys and order.
func parseReference(data []byte) (*refValue, error) {
	if !json.Valid(data) {
		return nil, fmt.Errorf("not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	t := &refTree{}
	return t.value(dec)
}

func (t *refTree) value(dec *json.Decoder) (*refValue, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	v := &refValue{num: t.count}
	t.count++
	switch x := tok.(type) {
	case nil:
		v.kind, v.text = Null, "null"
	case bool:
		v.kind, v.text = Bool, strconv.FormatBool(x)
	case json.Number:
		v.kind, v.text = Number, x.String()
	case string:
		v.kind, v.text = String, x
	case json.Delim:
		if x == '{' {
			v.kind = Object
			for dec.More() {
				k, err := dec.Token()
				if err != nil {
					return nil, err
				}
				m, err := t.value(dec)
				if err != nil {
					return nil, err
				}
				v.members = append(v.members, refMember{k.(string), m})
			}
		} else {
			v.kind = Array
			for dec.More() {
				m, err := t.value(dec)
				if err != nil {
					return nil, err
				}
				v.elems = append(v.elems, m)
			}
		}
		if _, err := dec.Token(); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// hit is a value found: its kind and text (of a container only the kind).
type hit struct {
	Kind Kind
	Text string
}

// reference returns the values of a field in document order.
func reference(root *refValue, f Field) []hit {
	found := map[string]hit{}
	for _, p := range f.Paths {
		follow(root, p, p.Segs, false, 0, fmt.Sprintf("%06d", root.num), found)
	}
	var out []hit
	keys := make([]string, 0, len(found))
	for k := range found {
		keys = append(keys, k)
	}
	sortStrings(keys)
	for _, k := range keys {
		out = append(out, found[k])
	}
	return out
}

func sortStrings(s []string) {
	for i := range s {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}

// follow walks the segments left. spent says that v is a member of an array that the
// path has fanned out over, level how many strings were entered, at names the place.
func follow(v *refValue, p Path, segs []Seg, spent bool, level int, at string, found map[string]hit) {
	if len(segs) == 0 {
		text := v.text
		found[at] = hit{v.kind, text}
		if !p.Exact && v.kind == Array {
			for _, e := range v.elems {
				follow(e, p, segs, true, level, place(at, e), found)
			}
		}
		return
	}
	seg := segs[0]
	if p.Exact {
		switch {
		case v.kind == Array:
			i := seg.Index
			if !seg.IsIndex {
				n, err := strconv.Atoi(seg.Key)
				if err != nil || strconv.Itoa(n) != seg.Key {
					return
				}
				i = n
			}
			if i >= 0 && i < len(v.elems) {
				follow(v.elems[i], p, segs[1:], false, level, place(at, v.elems[i]), found)
			}
		case v.kind == Object && !seg.IsIndex:
			for _, m := range v.members {
				if sameKey(m.key, seg.Key, p.Fold) {
					follow(m.val, p, segs[1:], false, level, place(at, m.val), found)
					return
				}
			}
		}
		return
	}
	switch v.kind {
	case Object:
		name := ""
		for j := 0; j < len(segs) && !segs[j].IsIndex; j++ {
			if j > 0 {
				name += "."
			}
			name += segs[j].Key
			for _, m := range v.members {
				if sameKey(m.key, name, p.Fold) {
					follow(m.val, p, segs[j+1:], false, level, place(at, m.val), found)
				}
			}
		}
	case Array:
		if seg.IsIndex && !spent && seg.Index >= 0 && seg.Index < len(v.elems) {
			follow(v.elems[seg.Index], p, segs[1:], false, level, place(at, v.elems[seg.Index]), found)
		}
		// Index steps do not fan out, key steps do. Behind a fanned-out array an index step
		// is spent.
		if !seg.IsIndex {
			for _, e := range v.elems {
				follow(e, p, segs, true, level, place(at, e), found)
			}
		}
	case String:
		if level == maxTexts || !utf8.ValidString(v.text) {
			return
		}
		text := v.text
		if strings.HasPrefix(text, "%") {
			var err error
			if text, err = url.PathUnescape(text); err != nil || !utf8.ValidString(text) {
				return
			}
		}
		in, err := parseReference([]byte(text))
		if err != nil || in.kind != Object && in.kind != Array {
			return
		}
		follow(in, p, segs, spent, level+1, place(at, in)+"t", found)
	}
}

func place(at string, v *refValue) string { return at + fmt.Sprintf("/%06d", v.num) }

func sameKey(a, b string, fold bool) bool {
	if fold {
		a, b = asciiLower(a), asciiLower(b)
	}
	return a == b
}

func asciiLower(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 32
		}
		b.WriteByte(c)
	}
	return b.String()
}
