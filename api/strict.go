package api

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// mostDepth is how deep a body may be nested.
const mostDepth = 32

// strictJSON reads a body. Keys that the type does not have, keys that are there twice, and
// anything behind the value are refused with their place: what is not read would be taken
// for done.
func strictJSON(data []byte, to any) error {
	if !utf8.Valid(data) {
		return Refuse(CodeBadRequest, "the body is not UTF-8", "本文が UTF-8 ではありません")
	}
	s := &strictly{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	if err := s.value(reflect.TypeOf(to).Elem(), "", 0); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(data[s.dec.InputOffset():]); len(rest) > 0 {
		return s.at(s.dec.InputOffset(), "there is more behind the value", "値の後ろに余分な内容があります")
	}
	if err := json.Unmarshal(data, to); err != nil {
		return s.wrong(err)
	}
	return nil
}

type strictly struct {
	data []byte
	dec  *json.Decoder
}

func (s *strictly) at(offset int64, reason, ja string) *Problem {
	before := s.data[:min(int(offset), len(s.data))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return Refuse(CodeBadRequest, fmt.Sprintf("%d:%d: %s", line, column, reason), fmt.Sprintf("%d:%d: %s", line, column, ja)).
		At(Place{Line: line, Column: column, Start: len(before), End: len(before)})
}

// wrong says what encoding/json found, without the names of our types.
func (s *strictly) wrong(err error) error {
	switch e := err.(type) {
	case *json.SyntaxError:
		return s.at(max(e.Offset-1, 0), strings.TrimPrefix(e.Error(), "json: "), "JSON の構文が正しくありません")
	case *json.UnmarshalTypeError:
		return s.at(e.Offset, fmt.Sprintf("%s: a %s does not belong here", e.Field, e.Value), fmt.Sprintf("%s: 値の型が違います (%s)", e.Field, e.Value))
	}
	reason := err.Error()
	if strings.HasPrefix(reason, "unexpected EOF") || reason == "EOF" {
		return s.at(int64(len(s.data)), "the JSON ends too early", "JSON が途中で終わっています")
	}
	return s.at(s.dec.InputOffset(), reason, "値が正しくありません: "+reason)
}

var textUnmarshaler, jsonUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler](), reflect.TypeFor[json.Unmarshaler]()

// value walks one value beside its type; t is nil where any value is fine.
func (s *strictly) value(t reflect.Type, path string, depth int) error {
	if depth > mostDepth {
		return s.at(s.dec.InputOffset(), fmt.Sprintf("it is nested more than %d deep", mostDepth), "入れ子が深すぎます")
	}
	token, err := s.dec.Token()
	if err != nil {
		return s.wrong(err)
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && (reflect.PointerTo(t).Implements(jsonUnmarshaler) || reflect.PointerTo(t).Implements(textUnmarshaler)) {
		t = nil
	}
	switch token {
	case json.Delim('['):
		var elem reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			elem = t.Elem()
		}
		for i := 0; s.dec.More(); i++ {
			if err := s.value(elem, fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
				return err
			}
		}
		_, err = s.dec.Token()
	case json.Delim('{'):
		err = s.object(t, path, depth)
	}
	if err != nil {
		if p, ok := err.(*Problem); ok {
			return p
		}
		return s.wrong(err)
	}
	return nil
}

func (s *strictly) object(t reflect.Type, path string, depth int) error {
	var fields map[string]reflect.Type
	var elem reflect.Type
	if t != nil && t.Kind() == reflect.Struct {
		fields = map[string]reflect.Type{}
		for _, f := range jsonFields(t) {
			fields[f.name] = f.typ
		}
	} else if t != nil && t.Kind() == reflect.Map {
		elem = t.Elem()
	}
	seen := map[string]bool{}
	for s.dec.More() {
		token, err := s.dec.Token()
		if err != nil {
			return s.wrong(err)
		}
		key, _ := token.(string)
		// The decoder stands behind the key: its place is where it begins.
		start := int64(bytes.LastIndexByte(s.data[:max(s.dec.InputOffset()-1, 0)], '"'))
		if start < 0 {
			start = s.dec.InputOffset()
		}
		name := strings.TrimPrefix(path+"."+cutText(key), ".")
		if seen[key] {
			return s.at(start, fmt.Sprintf("the key %q is there twice", name), fmt.Sprintf("キー %q が重複しています", name))
		}
		seen[key] = true
		typ := elem
		if fields != nil {
			var ok bool
			if typ, ok = fields[key]; !ok {
				return s.at(start, fmt.Sprintf("there is no key %q", name), fmt.Sprintf("キー %q はありません", name))
			}
		}
		if err := s.value(typ, name, depth+1); err != nil {
			return err
		}
	}
	_, err := s.dec.Token()
	return err
}
