package ruletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxNodes = 200_000 // of one event, aliases counted as often as they are used
	maxDepth = 200
)

// value is one JSON value whose members keep their order.
type value struct {
	scalar string // JSON text of a scalar
	keys   []string
	vals   []*value
	object bool
	array  bool
}

// fault is what is wrong with a test file, and where.
type fault struct {
	line, column int
	reason, hint string
}

func faultAt(n *yaml.Node, hint, format string, args ...any) *fault {
	f := &fault{reason: fmt.Sprintf(format, args...), hint: hint}
	if n != nil {
		f.line, f.column = n.Line, n.Column
	}
	return f
}

// valueOf makes a value of a YAML node. budget is how many nodes may still follow.
func valueOf(n *yaml.Node, budget *int, depth int) (*value, *fault) {
	if *budget--; *budget < 0 || depth > maxDepth {
		return nil, faultAt(n, "", "the event is too large or too deep")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return valueOf(n.Alias, budget, depth+1)
	case yaml.MappingNode:
		v := &value{object: true}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				return nil, faultAt(key, "write the members out", "a key that is not text")
			}
			if v.member(key.Value) != nil {
				return nil, faultAt(key, "keep one of them", "key %q appears twice", key.Value)
			}
			x, f := valueOf(n.Content[i+1], budget, depth+1)
			if f != nil {
				return nil, f
			}
			v.keys, v.vals = append(v.keys, key.Value), append(v.vals, x)
		}
		return v, nil
	case yaml.SequenceNode:
		v := &value{array: true}
		for _, item := range n.Content {
			x, f := valueOf(item, budget, depth+1)
			if f != nil {
				return nil, f
			}
			v.vals = append(v.vals, x)
		}
		return v, nil
	}
	switch n.Tag {
	case "!!null":
		return &value{scalar: "null"}, nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return nil, faultAt(n, "", "%q is no truth value", n.Value)
		}
		return &value{scalar: strconv.FormatBool(b)}, nil
	case "!!int", "!!float":
		if !json.Valid([]byte(n.Value)) {
			return nil, faultAt(n, "put it in quotes if it is text", "%q is not a number in JSON", n.Value)
		}
		return &value{scalar: n.Value}, nil
	}
	return text(n.Value), nil
}

func text(s string) *value {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A string always encodes.
	_ = enc.Encode(s)
	return &value{scalar: strings.TrimSuffix(b.String(), "\n")}
}

// parseJSON makes a value of JSON text, for events that are pasted as they are.
func parseJSON(s string) (*value, error) {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	budget := maxNodes
	v, err := jsonValue(dec, &budget, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("text after the event")
	}
	return v, nil
}

func jsonValue(dec *json.Decoder, budget *int, depth int) (*value, error) {
	if *budget--; *budget < 0 || depth > maxDepth {
		return nil, fmt.Errorf("the event is too large or too deep")
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Delim:
		v := &value{object: t == '{', array: t == '['}
		for dec.More() {
			if v.object {
				key, err := dec.Token()
				if err != nil {
					return nil, err
				}
				if v.member(key.(string)) != nil {
					return nil, fmt.Errorf("key %q appears twice", key)
				}
				v.keys = append(v.keys, key.(string))
			}
			x, err := jsonValue(dec, budget, depth+1)
			if err != nil {
				return nil, err
			}
			v.vals = append(v.vals, x)
		}
		_, err := dec.Token()
		return v, err
	case string:
		return text(t), nil
	case json.Number:
		return &value{scalar: t.String()}, nil
	case bool:
		return &value{scalar: strconv.FormatBool(t)}, nil
	}
	return &value{scalar: "null"}, nil
}

// member returns the member of an object, nil when it has none of that name.
func (v *value) member(key string) *value {
	if i := slices.Index(v.keys, key); i >= 0 {
		return v.vals[i]
	}
	return nil
}

// str returns the text of a string.
func (v *value) str() (string, bool) {
	var s string
	if !strings.HasPrefix(v.scalar, `"`) || json.Unmarshal([]byte(v.scalar), &s) != nil {
		return "", false
	}
	return s, true
}

func (v *value) clone() *value {
	c := *v
	c.keys = slices.Clone(v.keys)
	c.vals = make([]*value, len(v.vals))
	for i, x := range v.vals {
		c.vals[i] = x.clone()
	}
	return &c
}

// appendJSON writes v as compact JSON.
func (v *value) appendJSON(b []byte) []byte {
	switch {
	case v.object:
		b = append(b, '{')
		for i, k := range v.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(b, text(k).scalar...), ':')
			b = v.vals[i].appendJSON(b)
		}
		return append(b, '}')
	case v.array:
		b = append(b, '[')
		for i, x := range v.vals {
			if i > 0 {
				b = append(b, ',')
			}
			b = x.appendJSON(b)
		}
		return append(b, ']')
	}
	return append(b, v.scalar...)
}

// splitPath cuts a path at its dots. A dot behind a backslash belongs to the key.
func splitPath(path string) []string {
	var keys []string
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path) && (path[i+1] == '.' || path[i+1] == '\\'):
			i++
			b.WriteByte(path[i])
		case path[i] == '.':
			keys = append(keys, b.String())
			b.Reset()
		default:
			b.WriteByte(path[i])
		}
	}
	return append(keys, b.String())
}

// set puts x at path, or removes what is there when x is nil. Objects on the way are
// made; members of arrays are not.
func (v *value) set(path []string, x *value) error {
	key, rest := path[0], path[1:]
	var at *value
	var i int // negative when the key is not there
	switch {
	case v.object:
		i = slices.Index(v.keys, key)
	case v.array:
		n, err := strconv.Atoi(key)
		if err != nil || n < 0 || n >= len(v.vals) {
			return fmt.Errorf("the array has no member %q", key)
		}
		i = n
	default:
		return fmt.Errorf("no %q in a value that is neither object nor array", key)
	}
	if i >= 0 {
		at = v.vals[i]
	}
	switch {
	case x == nil && at == nil:
		return fmt.Errorf("there is no %q to remove", key)
	case len(rest) > 0:
		if at == nil {
			at = &value{object: true}
			v.keys, v.vals = append(v.keys, key), append(v.vals, at)
		}
		return at.set(rest, x)
	case x == nil:
		v.vals = slices.Delete(v.vals, i, i+1)
		if v.object {
			v.keys = slices.Delete(v.keys, i, i+1)
		}
	case at == nil:
		v.keys, v.vals = append(v.keys, key), append(v.vals, x)
	default:
		v.vals[i] = x
	}
	return nil
}

// differences lists the paths at which a and b differ, the outermost ones, at most
// limit of them. A member that only one of them has is one difference.
func differences(a, b *value, at string, limit int) []string {
	switch {
	case a.object && b.object:
		var out []string
		for i, k := range a.keys {
			if o := b.member(k); o == nil {
				out = append(out, join(at, k))
			} else {
				out = append(out, differences(a.vals[i], o, join(at, k), limit-len(out))...)
			}
			if len(out) >= limit {
				return out
			}
		}
		for _, k := range b.keys {
			if a.member(k) == nil && len(out) < limit {
				out = append(out, join(at, k))
			}
		}
		return out
	case a.array && b.array:
		var out []string
		for i := range max(len(a.vals), len(b.vals)) {
			if len(out) >= limit {
				break
			}
			p := join(at, strconv.Itoa(i))
			if i >= len(a.vals) || i >= len(b.vals) {
				out = append(out, p)
				continue
			}
			out = append(out, differences(a.vals[i], b.vals[i], p, limit-len(out))...)
		}
		return out
	case a.object == b.object && a.array == b.array && a.scalar == b.scalar:
		return nil
	}
	return []string{at}
}

func join(at, key string) string {
	key = strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(key)
	if at == "" {
		return key
	}
	return at + "." + key
}
