package hunt

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Words are a text in the languages of the program.
type Words struct{ En, Ja string }

// In is the text in Japanese or English; the other where one is missing.
func (w Words) In(ja bool) string {
	if ja && w.Ja != "" || w.En == "" {
		return w.Ja
	}
	return w.En
}

// Saved is a hunt with a name. As a file:
//
//	name: console-logins                 # lower case, digits, hyphens; the file's name
//	title: {en: Console logins, ja: コンソールへのサインイン}
//	description: {en: …, ja: …}
//	tactics: [initial-access]            # of ATT&CK, as in its ids
//	techniques: [T1078.004]
//	language: kql                        # or sql
//	range: 30d                           # how far back when no range is given
//	parameters:
//	  - name: user                       # $user in SQL, declare query_parameters in KQL
//	    type: string                     # string int real bool datetime timespan list
//	    default: alice                   # without one it must be given
//	    title: {en: The user, ja: 利用者}
//	query: |
//	  …
type Saved struct {
	Name                string
	Title, Description  Words
	Tactics, Techniques []string
	Language            Language
	Range               time.Duration
	Parameters          []Parameter
	Query               string
	File                string // where it was read from
	Line                int    // of the query's first line in the file
	Shipped             bool
}

// Parameter is a value that a saved hunt takes.
type Parameter struct {
	Name    string
	Type    string
	Default any // of the type; nil: it must be given
	Title   Words
}

// ParameterTypes are the types of parameters.
var parameterTypes = []string{"string", "int", "real", "bool", "datetime", "timespan", "list"}

var tactics = []string{"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation",
	"defense-evasion", "credential-access", "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact"}

var (
	nameForm      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	paramForm     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	techniqueForm = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	spanForm      = regexp.MustCompile(`^(\d{1,7})(d|h|m|w)$`)
)

const (
	maxSaved   = 256 << 10
	maxSavedIn = 5000
)

// CheckName says what is wrong with the name of a hunt or watchlist.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("%q is no name (hint: lower case, digits and hyphens, at most 64)", name)
	}
	return nil
}

// reader reads one file and collects what is wrong with it.
type reader struct {
	file string
	errs []error
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s:%d:%d: %w", r.file, n.Line, n.Column, fmt.Errorf(format, args...)))
}

// Read reads a saved hunt from a file's content.
func Read(file string, data []byte) (*Saved, error) {
	if len(data) > maxSaved {
		return nil, fmt.Errorf("%s:1:1: the file has %d bytes, the limit is %d", file, len(data), maxSaved)
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s:%w", file, place(err))
	}
	r := &reader{file: file}
	s := &Saved{File: file}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:1:1: a hunt is a mapping with name, title, language and query", file)
	}
	root := doc.Content[0]
	seen := r.fields(root, map[string]func(*yaml.Node){
		"name":        func(n *yaml.Node) { s.Name = r.text(n) },
		"title":       func(n *yaml.Node) { s.Title = r.words(n) },
		"description": func(n *yaml.Node) { s.Description = r.words(n) },
		"tactics": func(n *yaml.Node) {
			s.Tactics = r.list(n, func(v string) bool { return slices.Contains(tactics, v) }, "a tactic of ATT&CK, such as "+tactics[2])
		},
		"techniques": func(n *yaml.Node) {
			s.Techniques = r.list(n, techniqueForm.MatchString, "a technique of ATT&CK, such as T1078.004")
		},
		"language": func(n *yaml.Node) {
			if s.Language = Language(r.text(n)); s.Language != SQL && s.Language != KQL {
				r.fail(n, "language %q (hint: sql or kql)", s.Language)
			}
		},
		"range": func(n *yaml.Node) {
			d, err := ParseSpan(r.text(n))
			if err != nil || d <= 0 {
				r.fail(n, "range %q (hint: such as 30d or 12h)", n.Value)
			}
			s.Range = d
		},
		"parameters": func(n *yaml.Node) { s.Parameters = r.parameters(n) },
		"query": func(n *yaml.Node) {
			s.Query, s.Line = r.text(n), n.Line
			if n.Style == yaml.LiteralStyle || n.Style == yaml.FoldedStyle {
				s.Line++
			}
		},
	})
	for _, key := range []string{"name", "title", "language", "query"} {
		if seen[key] == nil {
			r.fail(root, "the key %s is missing", key)
		}
	}
	if n := seen["name"]; n != nil && CheckName(s.Name) != nil {
		r.fail(n, "name: %w", CheckName(s.Name))
	}
	if n := seen["query"]; n != nil && strings.TrimSpace(s.Query) == "" {
		r.fail(n, "the query is empty")
	}
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	return s, nil
}

// place puts the line of an error of the YAML reader where lines stand.
func place(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, msg, ok := strings.Cut(rest, ": "); ok {
			return fmt.Errorf("%s:1: %s", line, msg)
		}
	}
	return errors.New("1:1: " + text)
}

func (r *reader) fields(n *yaml.Node, known map[string]func(*yaml.Node)) map[string]*yaml.Node {
	seen := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "a mapping is wanted")
		return seen
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case read == nil:
			var names []string
			for k := range known {
				names = append(names, k)
			}
			slices.Sort(names)
			r.fail(key, "the key %q is not known (hint: %s)", key.Value, strings.Join(names, ", "))
		case seen[key.Value] != nil:
			r.fail(key, "the key %q stands twice", key.Value)
		case value.Kind == yaml.AliasNode:
			r.fail(value, "aliases are not read")
		default:
			seen[key.Value] = value
			read(value)
		}
	}
	return seen
}

func (r *reader) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		r.fail(n, "a text is wanted")
		return ""
	}
	return n.Value
}

func (r *reader) words(n *yaml.Node) (w Words) {
	if n.Kind == yaml.ScalarNode {
		return Words{En: n.Value}
	}
	r.fields(n, map[string]func(*yaml.Node){"en": func(n *yaml.Node) { w.En = r.text(n) }, "ja": func(n *yaml.Node) { w.Ja = r.text(n) }})
	return w
}

func (r *reader) list(n *yaml.Node, ok func(string) bool, what string) (out []string) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "a list is wanted")
		return nil
	}
	for _, c := range n.Content {
		v := r.text(c)
		if !ok(v) {
			r.fail(c, "%q is not %s", v, what)
		}
		out = append(out, v)
	}
	return out
}

func (r *reader) parameters(n *yaml.Node) (out []Parameter) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "a list is wanted")
		return nil
	}
	for _, c := range n.Content {
		var p Parameter
		var def *yaml.Node
		seen := r.fields(c, map[string]func(*yaml.Node){
			"name":    func(n *yaml.Node) { p.Name = r.text(n) },
			"type":    func(n *yaml.Node) { p.Type = r.text(n) },
			"default": func(n *yaml.Node) { def = n },
			"title":   func(n *yaml.Node) { p.Title = r.words(n) },
		})
		switch {
		case seen["name"] == nil || !paramForm.MatchString(p.Name):
			r.fail(c, "a parameter has a name of letters, digits and _")
		case slices.ContainsFunc(out, func(o Parameter) bool { return strings.EqualFold(o.Name, p.Name) }):
			r.fail(c, "the parameter %s stands twice", p.Name)
		}
		if seen["type"] == nil {
			p.Type = "string"
		} else if !slices.Contains(parameterTypes, p.Type) {
			r.fail(seen["type"], "type %q (hint: %s)", p.Type, strings.Join(parameterTypes, ", "))
			continue
		}
		if def != nil {
			text := def.Value
			if def.Kind == yaml.SequenceNode {
				text = strings.Join(r.list(def, func(string) bool { return true }, ""), ",")
			}
			v, err := p.Value(text)
			if err != nil {
				r.fail(def, "default: %w", err)
			}
			p.Default = v
		}
		out = append(out, p)
	}
	return out
}

// Value reads a parameter's value from a text.
func (p Parameter) Value(text string) (any, error) {
	switch p.Type {
	case "int":
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no whole number", text)
		}
		return v, nil
	case "real":
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", text)
		}
		return v, nil
	case "bool":
		v, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return v, nil
	case "datetime":
		for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
			if v, err := time.Parse(form, text); err == nil {
				return v.UTC(), nil
			}
		}
		return nil, fmt.Errorf("%q is no time (hint: 2026-05-01 or 2026-05-01T12:00:00Z)", text)
	case "timespan":
		d, err := ParseSpan(text)
		if err != nil {
			return nil, err
		}
		return d, nil
	case "list":
		out := []string{}
		for v := range strings.SplitSeq(text, ",") {
			if v = strings.TrimSpace(v); v != "" {
				out = append(out, v)
			}
		}
		return out, nil
	}
	return text, nil
}

// ParseSpan reads a span of time: 30d, 12h, 2w, or as Go has it.
func ParseSpan(text string) (time.Duration, error) {
	if m := spanForm.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, err
		}
		per := map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "w": 7 * 24 * time.Hour}[m[2]]
		return time.Duration(n) * per, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no span of time (hint: 30d, 12h, 90m)", text)
	}
	return d, nil
}

// Bind gives a hunt's parameters their values.
func (s *Saved) Bind(given map[string]string) (map[string]any, error) {
	out := map[string]any{}
	for _, p := range s.Parameters {
		text, ok := given[p.Name]
		switch {
		case ok:
			v, err := p.Value(text)
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
			}
			out[p.Name] = v
		case p.Default == nil:
			return nil, fmt.Errorf("the hunt %s wants the parameter %s (hint: --param %s=…)", s.Name, p.Name, p.Name)
		default:
			out[p.Name] = p.Default
		}
	}
	for name := range given {
		if !slices.ContainsFunc(s.Parameters, func(p Parameter) bool { return p.Name == name }) {
			var names []string
			for _, p := range s.Parameters {
				names = append(names, p.Name)
			}
			return nil, fmt.Errorf("the hunt %s has no parameter %s (hint: %s)", s.Name, name, strings.Join(names, ", "))
		}
	}
	return out, nil
}

// ReadAll reads the hunts of a folder, by name. What is wrong with single files is
// one error; the others are there.
func ReadAll(dir fs.FS, base string, shipped bool) ([]*Saved, error) {
	entries, err := fs.ReadDir(dir, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("saved hunts: %w", err)
	}
	var out []*Saved
	var errs []error
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if e.IsDir() || ext != ".yaml" && ext != ".yml" {
			continue
		}
		if len(out) >= maxSavedIn {
			errs = append(errs, fmt.Errorf("%s: more than %d hunts", base, maxSavedIn))
			break
		}
		data, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		file := filepath.Join(base, e.Name())
		s, err := Read(file, data)
		if err == nil && s.Name != strings.TrimSuffix(e.Name(), ext) {
			err = fmt.Errorf("%s:1:1: the hunt is named %s (hint: a file has the name of its hunt)", file, s.Name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.Shipped = shipped
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Saved) int { return strings.Compare(a.Name, b.Name) })
	return out, errors.Join(errs...)
}

// Write writes a hunt into a folder, durably enough that half a file never stands
// under its name.
func (s *Saved) Write(dir string) (string, error) {
	if err := CheckName(s.Name); err != nil {
		return "", err
	}
	data, err := s.YAML()
	if err != nil {
		return "", err
	}
	if _, err := Read(s.Name+".yaml", data); err != nil {
		return "", err
	}
	path := filepath.Join(dir, s.Name+".yaml")
	return path, replaceFile(path, data)
}

// replaceFile writes a file beside and gives it its name.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// YAML is the hunt as a file.
func (s *Saved) YAML() ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	add := func(key string, value *yaml.Node) {
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	}
	scalar := func(v string) *yaml.Node { n := &yaml.Node{}; n.SetString(v); return n }
	words := func(w Words) *yaml.Node {
		if w.Ja == "" {
			return scalar(w.En)
		}
		n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		n.Content = append(n.Content, scalar("en"), scalar(w.En), scalar("ja"), scalar(w.Ja))
		return n
	}
	list := func(l []string) *yaml.Node {
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, v := range l {
			n.Content = append(n.Content, scalar(v))
		}
		return n
	}
	add("name", scalar(s.Name))
	add("title", words(s.Title))
	if s.Description != (Words{}) {
		add("description", words(s.Description))
	}
	if len(s.Tactics) > 0 {
		add("tactics", list(s.Tactics))
	}
	if len(s.Techniques) > 0 {
		add("techniques", list(s.Techniques))
	}
	add("language", scalar(string(s.Language)))
	if s.Range > 0 {
		add("range", scalar(strconv.Itoa(int((s.Range+time.Minute-1)/time.Minute))+"m"))
	}
	if len(s.Parameters) > 0 {
		seq := &yaml.Node{Kind: yaml.SequenceNode}
		for _, p := range s.Parameters {
			m := &yaml.Node{Kind: yaml.MappingNode}
			m.Content = append(m.Content, scalar("name"), scalar(p.Name), scalar("type"), scalar(p.Type))
			if p.Default != nil {
				m.Content = append(m.Content, scalar("default"), scalar(p.Shown()))
			}
			seq.Content = append(seq.Content, m)
		}
		add("parameters", seq)
	}
	q := scalar(strings.TrimRight(s.Query, "\n") + "\n")
	q.Style = yaml.LiteralStyle
	add("query", q)
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(root), enc.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Shown is a parameter's default as Value reads it.
func (p Parameter) Shown() string {
	switch v := p.Default.(type) {
	case []string:
		return strings.Join(v, ",")
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case time.Duration:
		return v.String()
	}
	return fmt.Sprint(p.Default)
}
