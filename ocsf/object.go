package ocsf

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// Object is one OCSF object: its attributes in the order in which they were set. The zero
// value is an empty object.
type Object []attribute

type attribute struct {
	name  string
	value any
}

// Of makes an object of names and values, in turn. Empty values are left out, as by
// [Object.Set].
func Of(pairs ...any) Object {
	o := make(Object, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

// Set gives an attribute a value, in place of the one that it has. An empty text, object or
// list is no value: the attribute is left as it is. Numbers and truth values are never empty.
func (o *Object) Set(name string, v any) {
	if empty(v) {
		return
	}
	for i := range *o {
		if (*o)[i].name == name {
			(*o)[i].value = v
			return
		}
	}
	*o = append(*o, attribute{name, v})
}

// Get returns an attribute's value, nil where there is none.
func (o Object) Get(name string) any {
	for i := range o {
		if o[i].name == name {
			return o[i].value
		}
	}
	return nil
}

// Has says whether an attribute is set.
func (o Object) Has(name string) bool { return o.Get(name) != nil }

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case Object:
		return len(v) == 0
	case []Object:
		return len(v) == 0
	case []string:
		return len(v) == 0
	case []int:
		return len(v) == 0
	case json.RawMessage:
		return len(v) == 0
	case value:
		return v.empty()
	}
	return false
}

// MarshalJSON returns the object as JSON without HTML escapes.
func (o Object) MarshalJSON() ([]byte, error) { return o.Append(nil), nil }

// Append appends the object as JSON to b.
func (o Object) Append(b []byte) []byte {
	b = append(b, '{')
	for i := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, o[i].name), ':')
		b = appendAny(b, o[i].value)
	}
	return append(b, '}')
}

func appendAny(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendText(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, '0')
		}
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	case bool:
		return strconv.AppendBool(b, v)
	case Object:
		return v.Append(b)
	case []Object:
		return appendList(b, v, func(b []byte, o Object) []byte { return o.Append(b) })
	case []string:
		return appendList(b, v, appendText)
	case []int:
		return appendList(b, v, func(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) })
	case json.RawMessage:
		return append(b, v...)
	case value:
		return v.append(b)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}

func appendList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, v)
	}
	return append(b, ']')
}

// appendText appends s as a JSON string: controls are escaped, bytes that are not UTF-8
// become U+FFFD.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, n := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		b = append(b, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\t':
			b = append(b, '\\', 't')
		case c >= utf8.RuneSelf:
			b = append(b, "\ufffd"...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
