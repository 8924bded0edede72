package api

import (
	"encoding"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// jsonField is a field as encoding/json sees it.
type jsonField struct {
	name     string
	typ      reflect.Type
	optional bool // may be absent
	doc      string
	enum     []string
	index    []int
}

// jsonFields returns the fields of a struct's JSON, those of embedded structs in their place.
func jsonFields(t reflect.Type) []jsonField {
	var out []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if f.Anonymous && tag == "" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				for _, g := range jsonFields(inner) {
					g.index = append([]int{i}, g.index...)
					out = slices.DeleteFunc(out, func(x jsonField) bool { return x.name == g.name && len(x.index) > len(g.index) })
					if !slices.ContainsFunc(out, func(x jsonField) bool { return x.name == g.name }) {
						out = append(out, g)
					}
				}
				continue
			}
		}
		if tag == "" {
			tag = f.Name
		}
		out = slices.DeleteFunc(out, func(x jsonField) bool { return x.name == tag })
		words := strings.Split(options, ",")
		x := jsonField{name: tag, typ: f.Type, optional: slices.Contains(words, "omitempty") || slices.Contains(words, "omitzero"),
			doc: f.Tag.Get("doc"), index: []int{i}}
		if e := f.Tag.Get("enum"); e != "" {
			x.enum = strings.Split(e, ",")
		}
		out = append(out, x)
	}
	return out
}

// enums are the types of text that have few values.
var enums = map[reflect.Type][]string{
	reflect.TypeFor[yagura.Severity]():    names(yagura.Severities(), yagura.Severity.String),
	reflect.TypeFor[yagura.Status]():      {"open", "acknowledged", "closed"},
	reflect.TypeFor[yagura.Conclusion]():  {"", "true_positive", "benign", "false_positive", "accepted"},
	reflect.TypeFor[yagura.CloseReason](): {"", "fixed_verified", "resolved_by_source", "resource_gone", "human"},
	reflect.TypeFor[yagura.Kind]():        {"posture", "behaviour"},
	reflect.TypeFor[yagura.Engine]():      {"sigma", "falco", "kql", "builtin"},
	reflect.TypeFor[yagura.Role]():        names(yagura.Roles(), func(r yagura.Role) string { return string(r) }),
	reflect.TypeFor[yagura.Permission]():  names(yagura.RoleAdmin.Permissions(), func(p yagura.Permission) string { return string(p) }),
	reflect.TypeFor[yagura.NoticeState](): {"waiting", "delivered", "dead"},
	reflect.TypeFor[yagura.ChangeKind]():  {"acknowledge", "close", "reopen", "assign", "label", "unlabel", "comment", "conclude", "suppress", "answer"},
	reflect.TypeFor[Code](): func() (out []string) {
		for c := range statuses {
			out = append(out, string(c))
		}
		slices.Sort(out)
		return out
	}(),
}

func names[T any](list []T, name func(T) string) (out []string) {
	for _, v := range list {
		out = append(out, name(v))
	}
	return out
}

// object is a JSON object; encoding/json sorts its keys, so that a description is the same
// whenever it is made.
type object = map[string]any

// schemas collects the components of a description.
type schemas struct {
	named map[reflect.Type]string
	taken map[string]reflect.Type
	all   object
}

func newSchemas() *schemas {
	return &schemas{named: map[reflect.Type]string{}, taken: map[string]reflect.Type{}, all: object{}}
}

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	timeType      = reflect.TypeFor[time.Time]()
	rawType       = reflect.TypeFor[json.RawMessage]()
)

// of returns the schema of a type.
func (s *schemas) of(t reflect.Type) object {
	if enums[t] != nil {
		return s.ref(t)
	}
	switch {
	case t == timeType:
		return object{"type": "string", "format": "date-time"}
	case t == rawType || t.Kind() == reflect.Interface:
		return object{}
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem())
	case t.Implements(textMarshaler) || reflect.PointerTo(t).Implements(textMarshaler):
		return object{"type": "string"}
	case t.Implements(jsonMarshaler) || reflect.PointerTo(t).Implements(jsonMarshaler):
		return object{}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.ref(t)
	}
	panic(fmt.Sprintf("api: no schema for %s", t))
}

// ref makes a component of a struct or of a type of few values once, and names it.
func (s *schemas) ref(t reflect.Type) object {
	if t.Name() == "" {
		return s.structure(t)
	}
	name, ok := s.named[t]
	if !ok {
		name = componentName(t)
		if other := s.taken[name]; other != nil && other != t {
			room := path.Base(t.PkgPath())
			name = strings.ToUpper(room[:1]) + room[1:] + name
		}
		if other := s.taken[name]; other != nil && other != t {
			panic(fmt.Sprintf("api: %s and %s have one name", t, other))
		}
		s.named[t], s.taken[name] = name, t
		if values := enums[t]; values != nil {
			s.all[name] = object{"type": "string", "enum": values}
		} else {
			s.all[name] = s.structure(t)
		}
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// componentName is the name of a type for other languages: List[…Issue] is IssueList.
func componentName(t reflect.Type) string {
	name, of, generic := strings.Cut(t.Name(), "[")
	if generic {
		of = strings.TrimSuffix(of, "]")
		of = of[strings.LastIndexByte(of, '.')+1:]
		name = strings.ToUpper(of[:1]) + of[1:] + name
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func (s *schemas) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range jsonFields(t) {
		x := s.of(f.typ)
		if f.enum != nil {
			x = object{"type": "string", "enum": f.enum}
		}
		if f.doc != "" {
			if _, ref := x["$ref"]; ref {
				x = object{"allOf": []any{x}}
			}
			x["description"] = f.doc
		}
		if f.typ.Kind() == reflect.Pointer && !f.optional {
			x = object{"anyOf": []any{x, object{"type": "null"}}}
		}
		properties[f.name] = x
		if !f.optional {
			required = append(required, f.name)
		}
	}
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// fill makes an empty array of every slice that the description calls an array and that is
// nil: clients need not tell the two apart.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			fill(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 || flat(v.Type().Elem()) {
			return
		}
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return
		}
		for i := range v.NumField() {
			f, t := v.Field(i), v.Type().Field(i)
			if !t.IsExported() {
				continue
			}
			if f.Kind() == reflect.Slice && f.IsNil() && f.CanSet() && f.Type() != rawType && !strings.Contains(t.Tag.Get("json"), ",omit") {
				f.Set(reflect.MakeSlice(f.Type(), 0, 0))
			}
			fill(f)
		}
	}
}

// flat says that nothing of a type holds a slice.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Struct, reflect.Pointer, reflect.Interface, reflect.Map, reflect.Array:
		return false
	}
	return true
}
