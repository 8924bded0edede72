package sigma

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// unquote returns the text of a JSON string.
func unquote(text []byte) (string, bool) {
	var s string
	if len(text) < 2 || text[0] != '"' || json.Unmarshal(text, &s) != nil {
		return "", false
	}
	return s, true
}

// unquoted is a field with the values of another that are JSON strings inside a
// string, read.
func unquoted(f query.Field) query.Field {
	return query.Field{Name: f.Name, Derive: &query.Derived{Name: "unquoted " + placeNames(f.Paths), Deps: []query.Field{f},
		Fn: func(in query.Input, out *query.Values) {
			for i := range in.Dep(0).Len() {
				if s, ok := unquote(in.Dep(0).At(i)); ok {
					out.AddString(s)
				}
			}
		}}}
}

// placeNames tells paths apart.
func placeNames(paths []slot.Path) string {
	var b strings.Builder
	for _, p := range paths {
		b.WriteString(strconv.FormatBool(p.Fold))
		for _, s := range p.Segs {
			b.WriteString(" " + strconv.Quote(s.Key) + strconv.Itoa(s.Index))
		}
		b.WriteByte(';')
	}
	return b.String()
}

// fieldOf makes one field of all the places that a name has in a log: the values of
// each, those of a bag without the quotes of JSON inside a string. Objects and lists
// are values only where there is no other.
func fieldOf(name string, plain []string, bags []bag, fold bool) query.Field {
	places := make([][]slot.Seg, len(plain))
	for i, n := range plain {
		places[i] = segments(n)
	}
	return fieldAt(name, places, bags, fold)
}

// fieldAt is fieldOf with the steps of the plain places.
func fieldAt(name string, plain [][]slot.Seg, bags []bag, fold bool) query.Field {
	var paths []slot.Path
	for _, segs := range plain {
		paths = append(paths, slot.Path{Segs: segs, Fold: fold})
	}
	if len(bags) == 0 {
		return query.Field{Name: name, Paths: paths}
	}
	p := &standing{}
	var deps []query.Field
	var id strings.Builder
	id.WriteString("places")
	// Each place is read in two ways that together tell a text from what is none.
	read := func(paths []slot.Path) {
		deps = append(deps, query.Field{Name: name, Paths: paths, Conv: query.ConvRaw}, query.Field{Name: name, Paths: paths, Conv: query.ConvString})
		id.WriteString("|" + placeNames(paths))
	}
	if len(paths) > 0 {
		read(paths)
		p.members = append(p.members, nil)
	}
	for _, b := range bags {
		read([]slot.Path{{Segs: b.list, Fold: fold}})
		p.members = append(p.members, newMember(b, fold))
		id.WriteString(strconv.Quote(b.name) + placeNames([]slot.Path{{Segs: b.key}, {Segs: b.value}}))
	}
	return query.Field{Name: name, Derive: &query.Derived{Name: id.String(), Deps: deps, Fn: p.values}}
}

// standing is where a field may stand; a nil member is a plain place.
type standing struct{ members []*member }

func (p *standing) values(in query.Input, out *query.Values) {
	var containers [][]byte
	for i, m := range p.members {
		raw, text := in.Dep(2*i), in.Dep(2*i+1)
		for k := range raw.Len() {
			v := raw.At(k)
			isText := len(text.At(k)) > 0 || len(v) == 0
			switch {
			case m != nil:
				containers = m.read(v, isText, out, containers)
			case isText:
				out.Add(v)
			case v[0] == '{' || v[0] == '[':
				containers = append(containers, v)
			case v[0] != 'n': // null
				out.Add(v)
			}
		}
	}
	if out.Len() == 0 {
		for _, c := range containers {
			out.Add(c)
		}
	}
}

// member reads the value of a bag's member with one name.
type member struct {
	plan       *slot.Plan
	key, value slot.ID
	name       []byte // folded
}

func newMember(b bag, fold bool) *member {
	build := slot.NewBuilder()
	m := &member{name: query.AppendFold(nil, []byte(b.name))}
	m.key = build.Slot(slot.Field{Paths: []slot.Path{{Segs: b.key, Fold: fold}}})
	m.value = build.Slot(slot.Field{Paths: []slot.Path{{Segs: b.value, Fold: fold}}})
	m.plan = build.Plan()
	return m
}

// read reads one value of the list: a member, or the list as text. Of a list that is
// not text the members follow.
func (m *member) read(v []byte, isText bool, out *query.Values, containers [][]byte) [][]byte {
	switch {
	case len(v) == 0:
		return containers
	case v[0] == '[' && isText:
		var list []json.RawMessage
		if json.Unmarshal(v, &list) != nil {
			return containers
		}
		for _, x := range list {
			if x[0] == '{' {
				containers = m.read(x, false, out, containers)
			}
		}
		return containers
	case v[0] != '{':
		return containers
	}
	doc := m.plan.NewDoc()
	if _, err := m.plan.Scan(v, doc); err != nil {
		return containers
	}
	found := false
	for k := doc.First(m.key); k >= 0 && !found; k = doc.Next(k) {
		found = bytes.Equal(query.AppendFold(nil, doc.Text(k)), m.name)
	}
	for x := doc.First(m.value); x >= 0 && found; x = doc.Next(x) {
		switch text := doc.Text(x); doc.Kind(x) {
		case slot.Null:
		case slot.Object, slot.Array:
			containers = append(containers, bytes.Clone(text))
		default:
			if s, ok := unquote(text); ok {
				out.AddString(s)
			} else {
				out.Add(text)
			}
		}
	}
	return containers
}
