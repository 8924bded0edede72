package sigma

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// Bounds of one rule file.
const (
	maxFile      = 4 << 20 // bytes
	maxDocuments = 10_000
	maxNodes     = 200_000 // nodes of one file, aliases expanded
	maxDepth     = 100
)

// fault is a reason to refuse, with its place in the rule's file.
type fault struct {
	at     query.Span
	reason string
	hint   string
}

func (f *fault) Error() string { return f.reason }

func faultAt(at query.Span, hint, format string, args ...any) *fault {
	return &fault{at: at, reason: fmt.Sprintf(format, args...), hint: hint}
}

func faultNode(n *yaml.Node, hint, format string, args ...any) *fault {
	return faultAt(spanOf(n), hint, format, args...)
}

func spanOf(n *yaml.Node) query.Span {
	if n == nil {
		return query.Span{}
	}
	return query.Span{Line: n.Line, Column: n.Column}
}

// refusal makes the fault a refusal of file and rule.
func (f *fault) refusal(file, name string) rule.Refusal {
	return rule.Refusal{File: file, Line: f.at.Line, Column: f.at.Column, Rule: name, Reason: f.reason, Hint: f.hint}
}

// expand resolves aliases and merge keys within a budget of nodes, and refuses
// keys that appear twice in one mapping.
func expand(n *yaml.Node, budget *int, depth int) (*yaml.Node, *fault) {
	if *budget--; *budget < 0 {
		return nil, faultNode(n, "write the values out instead of using aliases", "the file holds more than %d values with its aliases expanded", maxNodes)
	}
	if depth > maxDepth {
		return nil, faultNode(n, "", "nested more than %d levels deep", maxDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		out, f := expand(n.Alias, budget, depth+1)
		if f != nil {
			return nil, f
		}
		moved := *out
		moved.Line, moved.Column = n.Line, n.Column
		return &moved, nil
	case yaml.ScalarNode:
		return n, nil
	}
	out := *n
	out.Content = make([]*yaml.Node, 0, len(n.Content))
	if n.Kind != yaml.MappingNode {
		for _, c := range n.Content {
			x, f := expand(c, budget, depth+1)
			if f != nil {
				return nil, f
			}
			out.Content = append(out.Content, x)
		}
		return &out, nil
	}
	seen := make(map[string]bool, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, f := expand(n.Content[i], budget, depth+1)
		if f != nil {
			return nil, f
		}
		value, f := expand(n.Content[i+1], budget, depth+1)
		if f != nil {
			return nil, f
		}
		if key.Kind != yaml.ScalarNode {
			return nil, faultNode(key, "a key is plain text", "a key is a list or a map")
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if seen[key.Value] {
			return nil, faultNode(key, "put the values in one list, or in two selections", "key %q appears twice", key.Value)
		}
		seen[key.Value] = true
		out.Content = append(out.Content, key, value)
	}
	for _, m := range merged {
		sources := []*yaml.Node{m}
		if m.Kind == yaml.SequenceNode {
			sources = m.Content
		}
		for _, s := range sources {
			if s.Kind != yaml.MappingNode {
				return nil, faultNode(s, "", "the merge key << wants a map")
			}
			for i := 0; i+1 < len(s.Content); i += 2 {
				if !seen[s.Content[i].Value] {
					seen[s.Content[i].Value] = true
					out.Content = append(out.Content, s.Content[i], s.Content[i+1])
				}
			}
		}
	}
	return &out, nil
}

// get returns the value of a key of a mapping, nil when it is missing.
func get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// scalarKind is the type of a YAML scalar by the core schema of YAML 1.2.
type scalarKind uint8

const (
	scalarText scalarKind = iota
	scalarNull
	scalarBool
	scalarInt
	scalarFloat
)

var (
	coreInt   = regexp.MustCompile(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreFloat = regexp.MustCompile(`^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
)

// kindOf resolves a scalar as YAML 1.2 does: y, no and dates are text.
func kindOf(n *yaml.Node) scalarKind {
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.ShortTag() {
		case "!!null":
			return scalarNull
		case "!!bool":
			if _, ok := boolOf(n.Value); ok {
				return scalarBool
			}
		case "!!int":
			if coreInt.MatchString(n.Value) {
				return scalarInt
			}
		case "!!float":
			if coreInt.MatchString(n.Value) || coreFloat.MatchString(n.Value) {
				return scalarFloat
			}
		}
		return scalarText
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return scalarText
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return scalarNull
	}
	if _, ok := boolOf(n.Value); ok {
		return scalarBool
	}
	if c := n.Value[0]; c > '9' || c < '+' || c == ',' || c == '/' {
		return scalarText // no number starts so
	}
	switch {
	case coreInt.MatchString(n.Value):
		return scalarInt
	case coreFloat.MatchString(n.Value):
		return scalarFloat
	}
	return scalarText
}

func boolOf(s string) (value, ok bool) {
	switch s {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

func isNull(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.ScalarNode && kindOf(n) == scalarNull
}

// numberOf returns a scalar's value and its canonical text: an integer in decimal
// with all its digits, a float that is a whole number without its point.
func numberOf(s string) (float64, string, bool) {
	switch {
	case strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0o"):
		v, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			return 0, "", false
		}
		return float64(v), strconv.FormatUint(v, 10), true
	case coreInt.MatchString(s):
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, "", false
		}
		text := strings.TrimPrefix(s, "+")
		digits := strings.TrimPrefix(text, "-")
		if trimmed := strings.TrimLeft(digits, "0"); trimmed != digits {
			if trimmed == "" {
				return 0, "0", true
			}
			text = strings.TrimSuffix(text, digits) + trimmed
		}
		return v, text, true
	case !coreFloat.MatchString(s):
		return 0, "", false
	}
	v, err := strconv.ParseFloat(strings.ToLower(strings.Replace(strings.ToLower(s), ".inf", "inf", 1)), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, "", false
	}
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return v, strconv.FormatInt(int64(v), 10), true
	}
	return v, strconv.FormatFloat(v, 'g', -1, 64), true
}

// text returns a scalar as text, "" for anything else.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || isNull(n) {
		return ""
	}
	return n.Value
}

// texts returns a scalar or a list of scalars as texts.
func texts(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.SequenceNode {
		var out []string
		for _, c := range n.Content {
			if s := text(c); s != "" {
				out = append(out, s)
			}
		}
		return out
	}
	if s := text(n); s != "" {
		return []string{s}
	}
	return nil
}

// size is how many values a node holds: one, or those of a list.
func size(n *yaml.Node) int {
	if n.Kind == yaml.SequenceNode {
		return len(n.Content)
	}
	return 1
}

// nearest returns "did you mean x?" for the known word that is closest to word, or "".
func nearest(word string, known []string) string {
	best, bestDistance := "", min(max(len(word)/3, 1), 3)
	for _, k := range known {
		if strings.EqualFold(word, k) {
			return "did you mean " + k + "?"
		}
		if d := rule.Distance(word, k, bestDistance+1); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}
