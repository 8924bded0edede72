package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// decodeFile reads one YAML document into a struct, collecting every fault, and into at where
// each key stands.
func decodeFile(name string, data []byte, into any, at places) faults {
	d := decoder{file: name, at: at}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		line, reason := yamlError(err)
		hint := ""
		if strings.Contains(reason, "expected ',' or '}'") && bytes.Contains(data, []byte("?")) {
			hint = "within { } a value that has ? , or : stands between quotes"
		}
		return faults{{Where: fmt.Sprintf("%s:%d:1", name, line), Reason: reason, Hint: hint}}
	}
	d.node(doc.Content[0], reflect.ValueOf(into).Elem(), "")
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		d.fault(&second, "there is a second document", "keep one")
	}
	return d.bad
}

// yamlError takes "yaml: line 3: reason" apart.
func yamlError(err error) (line int, reason string) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if _, scanErr := fmt.Sscanf(text, "line %d:", &line); scanErr == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	return max(line, 1), text
}

type decoder struct {
	file string
	at   places
	bad  faults
}

func (d *decoder) place(n *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d", d.file, max(n.Line, 1), max(n.Column, 1))
}

func (d *decoder) fault(n *yaml.Node, reason, hint string) {
	d.bad = append(d.bad, &Fault{Where: d.place(n), Reason: reason, Hint: hint})
}

var severityType = reflect.TypeFor[yagura.Severity]()

// node decodes n into v; path names the key for messages.
func (d *decoder) node(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.AliasNode {
		d.fault(n, "aliases are not read here", "write the value out")
		return
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		// A key without a value is as if it were not there, but for a severity, whose
		// absence may not be an oversight, and for the member of a list.
		if v.Type() == severityType || strings.HasSuffix(path, "]") {
			d.fault(n, path+" is empty", "want "+wanted(v)+", or leave it out")
		}
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		d.node(n, p.Elem(), path)
		v.Set(p)
	case v.Kind() == reflect.Struct:
		d.mapping(n, path, func(key, value *yaml.Node) { d.field(key, value, v, path) })
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		d.mapping(n, path, func(key, value *yaml.Node) {
			d.at[join(path, key.Value)] = d.place(value)
			item := reflect.New(v.Type().Elem()).Elem()
			d.node(value, item, join(path, key.Value))
			v.SetMapIndex(reflect.ValueOf(key.Value), item)
		})
	case v.Kind() == reflect.Slice:
		items := []*yaml.Node{n} // one value is a list of one
		if n.Kind == yaml.SequenceNode {
			items = n.Content
		}
		list := reflect.MakeSlice(v.Type(), len(items), len(items))
		for i, item := range items {
			d.at[fmt.Sprintf("%s[%d]", path, i)] = d.place(item)
			d.node(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
		v.Set(list)
	case n.Kind != yaml.ScalarNode:
		d.fault(n, path+" is "+kindName(n)+" here", "want "+wanted(v))
	default:
		if err := setScalar(v, n.Value); err != nil {
			d.fault(n, path+": "+err.Error(), "")
		}
	}
}

func (d *decoder) mapping(n *yaml.Node, path string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		name := path
		if name == "" {
			name = "the file"
		}
		d.fault(n, name+" is "+kindName(n)+" here", "want key: value pairs")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			d.fault(key, fmt.Sprintf("key %q is there twice", key.Value), "keep one")
			continue
		}
		seen[key.Value] = true
		each(key, n.Content[i+1])
	}
}

func (d *decoder) field(key, value *yaml.Node, v reflect.Value, path string) {
	names := keys(v.Type())
	for i, name := range names {
		if name == key.Value {
			d.at[join(path, name)] = d.place(value)
			d.node(value, v.Field(i), join(path, name))
			return
		}
		if v.Field(i).Type() == reflect.TypeFor[Secret]() && name+"_file" == key.Value {
			d.at[join(path, name)] = d.place(value)
			d.secretFile(value, v.Field(i), join(path, key.Value))
			return
		}
	}
	hint := "known here: " + strings.Join(names, ", ")
	if near := nearest(key.Value, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.fault(key, fmt.Sprintf("unknown key %q", join(path, key.Value)), hint)
}

func (d *decoder) secretFile(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		d.fault(n, path+" names no file", "want the name of a file that holds the secret and nothing else")
		return
	}
	if err := setSecretFile(v, n.Value); err != nil {
		d.fault(n, path+": "+err.Error(), "")
	}
}

func setScalar(v reflect.Value, text string) error {
	switch {
	case v.Type() == severityType:
		s, err := yagura.ParseSeverity(text)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(s))
	case v.Type() == reflect.TypeFor[Duration]():
		d, err := ParseDuration(text)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(d))
	case v.Type() == reflect.TypeFor[Bytes]():
		b, err := ParseBytes(text)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(b))
	case v.Type() == reflect.TypeFor[Price]():
		p, err := ParsePrice(text)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(p))
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is not true or false", text)
		}
		v.SetBool(b)
	case v.Kind() == reflect.Int:
		i, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(i))
	}
	return nil
}

func setSecretFile(v reflect.Value, name string) error {
	if v.String() != "" {
		return errors.New("the secret is given twice, as text and as a file")
	}
	data, err := readFile(name)
	if err != nil {
		return err
	}
	v.SetString(strings.TrimRight(string(data), "\r\n"))
	return nil
}

// keys lists the YAML keys of a struct in field order.
func keys(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("yaml")
	}
	return names
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "one value"
}

func wanted(v reflect.Value) string {
	switch {
	case v.Type() == severityType:
		return "critical, high, medium, low or none"
	case v.Type() == reflect.TypeFor[Duration]():
		return "a length of time such as 15m"
	case v.Type() == reflect.TypeFor[Bytes]():
		return "a size such as 512MB"
	case v.Type() == reflect.TypeFor[Price]():
		return "a price such as 0.023"
	case v.Kind() == reflect.Bool:
		return "true or false"
	case v.Kind() == reflect.Int:
		return "a whole number"
	}
	return "text"
}

// nearest returns the name that differs least from word, "" when none is near.
func nearest(word string, names []string) string {
	best, at := min(3, len(word)/2+1), ""
	for _, n := range names {
		if d := distance(word, n); d < best {
			best, at = d, n
		}
	}
	return at
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
