package triage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// Bounds of what is read.
const (
	maxPolicyFile = 1 << 20
	maxClauses    = 1000
	maxList       = 64  // members of a list of an action
	maxText       = 500 // bytes of a name, a reason, a person or a team
	maxLabel      = 50  // characters: GitHub takes no more
	maxWhen       = 16 << 10
	// maxPause is the longest suppression: a year, and the day that a leap year has more.
	maxPause = 366 * 24 * time.Hour
)

// words are names with the place where they stand.
type words struct {
	list  []string
	nodes []*yaml.Node
}

// reader reads one YAML file and collects what is wrong with it.
type reader struct {
	file     string
	src      *source
	problems []Problem
	clause   string // that is being read
}

func (r *reader) fault(n *yaml.Node, reason, hint string) { r.add(n, reason, hint, false) }

func (r *reader) add(n *yaml.Node, reason, hint string, warning bool) {
	p := Problem{File: r.file, Clause: r.clause, Reason: reason, Hint: hint, Warning: warning}
	if n != nil {
		p.Line, p.Column = max(n.Line, 1), max(n.Column, 1)
	}
	r.problems = append(r.problems, p)
}

func (r *reader) place(n *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d", r.file, max(n.Line, 1), max(n.Column, 1))
}

// document reads the one document of a file of at most so many bytes; nil where it has
// none, or is no YAML.
func (r *reader) document(data []byte, most int) *yaml.Node {
	if len(data) > most {
		r.fault(nil, fmt.Sprintf("the file has %d bytes, more than %d", len(data), most), "")
		return nil
	}
	r.src = newSource(data)
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return nil
	} else if err != nil {
		r.syntax(err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		r.fault(&second, "there is a second document", "keep one")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	if doc.Content[0].Tag == "!!null" {
		return nil
	}
	return doc.Content[0]
}

func (r *reader) syntax(err error) {
	line, text := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if _, scanErr := fmt.Sscanf(text, "line %d:", &line); scanErr == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	r.fault(&yaml.Node{Line: line, Column: 1}, text, "")
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.Tag == "!!null":
		return "empty"
	}
	return "one value"
}

// mapping calls each for the pairs of a mapping, whose keys are all in allowed; nil
// allows every key.
func (r *reader) mapping(n *yaml.Node, what string, allowed []string, each func(key, value *yaml.Node)) bool {
	if n.Kind != yaml.MappingNode {
		r.fault(n, what+" is "+kindName(n), "write key: value pairs")
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			r.fault(key, "this key of "+what+" is not text", "")
		case seen[key.Value]:
			r.fault(key, fmt.Sprintf("%s is there twice", key.Value), "keep one")
		case allowed != nil && !slices.Contains(allowed, key.Value):
			r.fault(key, fmt.Sprintf("%s has no key %q", what, key.Value), near(key.Value, allowed))
		case value.Kind == yaml.AliasNode:
			r.fault(value, "aliases are not read here", "write the value out")
		default:
			seen[key.Value] = true
			each(key, value)
		}
	}
	return true
}

// near is a hint that names the nearest of words, or all of a few.
func near(word string, words []string) string {
	limit := min(3, len(word)/2+1)
	best := ""
	for _, w := range words {
		if d := rule.Distance(strings.ToLower(word), strings.ToLower(w), limit); d < limit {
			limit, best = d, w
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "known here: " + strings.Join(words, ", ")
}

// text reads a scalar that is not empty, on one line and not too long.
func (r *reader) text(n *yaml.Node, what string, most int) string {
	s := strings.TrimSpace(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null" || s == "":
		r.fault(n, what+" is "+strings.Replace(kindName(n), "one value", "empty", 1), "write text, or leave the key out")
	case len(s) > most:
		r.fault(n, fmt.Sprintf("%s has %d bytes, more than %d", what, len(s), most), "")
	case strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7F || c == '\u2028' || c == '\u2029' }):
		r.fault(n, what+" holds a control character or a line break", "")
	default:
		return s
	}
	return ""
}

// items returns the members of a list; one value stands for a list of one.
func (r *reader) items(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	if len(n.Content) > maxList {
		r.fault(n, fmt.Sprintf("%s has %d members, more than %d", what, len(n.Content), maxList), "")
		return nil
	}
	return n.Content
}

// words reads a list of names, each once; an empty list is one of none.
func (r *reader) words(n *yaml.Node, what string) words {
	w := words{list: []string{}}
	for _, item := range r.items(n, what) {
		s := r.text(item, what, maxText)
		if s == "" {
			continue
		}
		if slices.Contains(w.list, s) {
			r.fault(item, fmt.Sprintf("%s names %q twice", what, s), "keep one")
			continue
		}
		w.list = append(w.list, s)
		w.nodes = append(w.nodes, item)
	}
	return w
}

// number reads a whole number from 1 to most.
func (r *reader) number(n *yaml.Node, what string, most int) int {
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || i < 1 || i > most {
		r.fault(n, fmt.Sprintf("%s is %q", what, n.Value), fmt.Sprintf("write a whole number from 1 to %d", most))
		return 0
	}
	return i
}

// severity reads the name of a level.
func (r *reader) severity(n *yaml.Node, what string) yagura.Severity {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		r.fault(n, what+" is empty", "want "+levelNames)
		return 0
	}
	s, err := yagura.ParseSeverity(n.Value)
	if err != nil {
		r.fault(n, fmt.Sprintf("%s: there is no severity %q", what, n.Value), "want "+levelNames)
	}
	return s
}

const levelNames = "critical, high, medium, low or none (緊急, 高, 中, 低, 対応不要)"

// flag reads true or false.
func (r *reader) flag(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
		r.fault(n, fmt.Sprintf("%s is %q", what, n.Value), "want true or false")
	}
	return n.Value == "true"
}

// ParsePolicy reads a policy. All that is wrong is said at once; the policy is nil where
// one of the problems is no warning. File is the name that places are said with.
func ParsePolicy(file string, data []byte, o PolicyOptions) (*Policy, []Problem) {
	r := &reader{file: file}
	top := r.document(data, maxPolicyFile)
	p := &Policy{file: file, zone: time.UTC, sinks: o.Sinks}
	if top == nil {
		if len(r.problems) == 0 {
			r.fault(nil, "the policy is empty", "yagura policy default prints the one that holds without a file")
		}
		return nil, r.problems
	}
	var list, levels *yaml.Node
	version := false
	whole := r.mapping(top, "the policy", []string{"version", "zone", "routes", "clauses"}, func(key, value *yaml.Node) {
		switch key.Value {
		case "version":
			version = true
			if value.Value != "1" {
				r.fault(value, fmt.Sprintf("version is %q", value.Value), "this program reads version 1")
			}
		case "zone":
			p.zone = r.zone(value)
		case "routes":
			levels = value
		case "clauses":
			list = value
		}
	})
	if whole && !version {
		r.fault(top, "the policy does not say its version", "write version: 1 at its top")
	}
	r.levels(p, levels)
	if list != nil {
		r.clauses(p, list, o)
	}
	if Refused(r.problems) {
		return nil, r.problems
	}
	p.usual = namedUsual(p.clauses)
	return p, r.problems
}

func (r *reader) zone(n *yaml.Node) *time.Location {
	name := r.text(n, "zone", 100)
	if name == "" {
		return time.UTC
	}
	loc, err := location(name)
	if err != nil {
		r.fault(n, fmt.Sprintf("there is no time zone %q", name), "write a name like Asia/Tokyo, or UTC")
		return time.UTC
	}
	return loc
}

// levels reads the routes of each level. Without the key they are those of the shipped
// policy; with it, a level that is not named is told nobody, and that has to be written.
func (r *reader) levels(p *Policy, n *yaml.Node) {
	if n == nil {
		shipped, _ := parseLevels(defaultPolicy)
		p.levels = shipped
		return
	}
	r.readLevels(p, n)
}

func (r *reader) readLevels(p *Policy, n *yaml.Node) {
	var there [len(p.levels)]bool
	ok := r.mapping(n, "routes", nil, func(key, value *yaml.Node) {
		level := r.severity(key, "routes")
		if level == 0 {
			return
		}
		if there[level] {
			r.fault(key, fmt.Sprintf("routes has %s twice", level), "keep one")
		}
		there[level] = true
		p.levels[level] = r.words(value, "routes."+level.String())
		if level == yagura.SeverityNone && len(p.levels[level].list) > 0 {
			r.fault(value, "routes.none names a sink", "what is none is recorded and never pushed; use low")
		}
	})
	for _, level := range yagura.Severities() {
		if ok && !there[level] && level != yagura.SeverityNone {
			r.fault(n, fmt.Sprintf("routes does not say where %s goes", level), fmt.Sprintf("add %s: [names or kinds of sinks], or [] for nobody", level))
		}
	}
}

// parseLevels reads the routes of the shipped policy.
func parseLevels(text string) (levels [int(yagura.SeverityCritical) + 1]words, problems []Problem) {
	r := &reader{file: "policy.yaml"}
	var p Policy
	r.mapping(r.document([]byte(text), maxPolicyFile), "the policy", nil, func(key, value *yaml.Node) {
		if key.Value == "routes" {
			r.readLevels(&p, value)
		}
	})
	return p.levels, r.problems
}
