package ruletest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

const (
	maxFile   = 16 << 20
	maxEvents = 10_000
	maxCases  = 10_000
)

// IsTest says whether a file of this name is a test file and not a rule.
func IsTest(name string) bool {
	base := strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	for _, ext := range []string{".yml", ".yaml"} {
		if stem, ok := strings.CutSuffix(base, ext); ok {
			return stem == "test" || strings.HasSuffix(stem, "_test") || strings.HasSuffix(stem, ".test")
		}
	}
	return false
}

// suite is one document of a test file: the cases of one rule.
type suite struct {
	file     string
	at       *yaml.Node
	rule     string // id, name or title; "" is the rule of the folder
	ruleAt   *yaml.Node
	fires    []*testCase
	misses   []*testCase
	resolves []*testCase
	quiet    []*testCase
}

// testCase is one run: a list of events and what must come of it.
type testCase struct {
	at       *yaml.Node
	name     string
	of       string
	ofAt     *yaml.Node
	events   []*value
	count    int // findings expected, 0: at least one
	severity yagura.Severity
	entities []yagura.Entity
	causeKey string
	output   string
	change   *change
}

// change is what a near miss does to the firing case.
type change struct {
	at    *yaml.Node
	event int
	path  string
	to    *value // nil: removed
}

// parse reads the documents of a test file.
func parse(f rule.File) ([]*suite, *fault) {
	if len(f.Data) > maxFile {
		return nil, &fault{reason: fmt.Sprintf("the file is larger than %d bytes", maxFile)}
	}
	var out []*suite
	dec := yaml.NewDecoder(bytes.NewReader(f.Data))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			var line int
			_, _ = fmt.Sscanf(err.Error(), "yaml: line %d:", &line)
			return nil, &fault{line: line, column: min(line, 1), reason: err.Error()}
		}
		if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
			continue
		}
		s, flt := parseSuite(f.Path, doc.Content[0])
		if flt != nil {
			return nil, flt
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, &fault{reason: "the file holds no tests"}
	}
	return out, nil
}

// pairs calls f for the keys of a mapping, which must be among allowed.
func pairs(n *yaml.Node, what string, allowed []string, f func(key string, v *yaml.Node) *fault) *fault {
	if n.Kind != yaml.MappingNode {
		return faultAt(n, "write "+strings.Join(allowed, ", ")+" as keys", "%s is not a mapping", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		if !slices.Contains(allowed, key.Value) {
			return faultAt(key, "one of "+strings.Join(allowed, ", "), "unknown key %q in %s", key.Value, what)
		}
		if seen[key.Value] {
			return faultAt(key, "keep one of them", "key %q appears twice in %s", key.Value, what)
		}
		seen[key.Value] = true
		if v.Kind == yaml.AliasNode {
			v = v.Alias
		}
		if flt := f(key.Value, v); flt != nil {
			return flt
		}
	}
	return nil
}

func parseSuite(file string, n *yaml.Node) (*suite, *fault) {
	s := &suite{file: file, at: n}
	flt := pairs(n, "the test file", []string{"rule", "fires", "near_misses", "resolves", "quiet"}, func(key string, v *yaml.Node) *fault {
		switch key {
		case "rule":
			s.rule, s.ruleAt = v.Value, v
			if v.Kind != yaml.ScalarNode || v.Value == "" {
				return faultAt(v, "write the id, name or title of a rule", "rule is not text")
			}
			return nil
		case "fires":
			return parseCases(v, &s.fires, "name", "event", "events", "repeat", "count", "severity", "entities", "cause_key", "output")
		case "near_misses":
			return parseCases(v, &s.misses, "name", "of", "set", "unset", "event", "events", "repeat")
		case "resolves":
			return parseCases(v, &s.resolves, "name", "of", "event", "events", "repeat")
		}
		return parseCases(v, &s.quiet, "name", "event", "events", "repeat")
	})
	if flt != nil {
		return nil, flt
	}
	if len(s.fires) == 0 {
		return nil, faultAt(n, "write at least one event under fires", "no event that must fire")
	}
	return s, nil
}

func parseCases(n *yaml.Node, into *[]*testCase, allowed ...string) *fault {
	if n.Kind != yaml.SequenceNode {
		return faultAt(n, "write a list of cases", "not a list")
	}
	if len(n.Content) > maxCases {
		return faultAt(n, "", "more than %d cases", maxCases)
	}
	for _, item := range n.Content {
		c := &testCase{at: item}
		if flt := c.parse(item, allowed); flt != nil {
			return flt
		}
		if c.name == "" {
			return faultAt(item, "say in a few words what happens", "a case without a name")
		}
		if slices.ContainsFunc(*into, func(o *testCase) bool { return o.name == c.name }) {
			return faultAt(item, "", "two cases are called %q", c.name)
		}
		if len(c.events) == 0 && c.change == nil {
			hint := "write event, events"
			if slices.Contains(allowed, "set") {
				hint += ", set or unset"
			}
			return faultAt(item, hint, "case %q has no event", c.name)
		}
		*into = append(*into, c)
	}
	return nil
}

func (c *testCase) parse(n *yaml.Node, allowed []string) *fault {
	var repeat *yaml.Node
	flt := pairs(n, "a case", allowed, func(key string, v *yaml.Node) *fault {
		switch key {
		case "name":
			c.name = v.Value
		case "of":
			c.of, c.ofAt = v.Value, v
		case "output":
			c.output = v.Value
		case "cause_key":
			c.causeKey = v.Value
		case "count":
			count, err := strconv.Atoi(v.Value)
			if err != nil || count < 1 {
				return faultAt(v, "write a number from 1", "count %q", v.Value)
			}
			c.count = count
		case "severity":
			sev, err := yagura.ParseSeverity(v.Value)
			if err != nil {
				return faultAt(v, "", "%v", err)
			}
			c.severity = sev
		case "entities":
			return c.parseEntities(v)
		case "event", "events":
			if len(c.events) > 0 {
				return faultAt(v, "keep one of them", "both event and events")
			}
			return c.parseEvents(key, v)
		case "repeat":
			repeat = v
		case "set", "unset":
			if c.change != nil {
				return faultAt(v, "one near miss changes one field", "both set and unset")
			}
			return c.parseChange(key, v)
		}
		return nil
	})
	switch {
	case flt != nil:
		return flt
	case c.change != nil && (len(c.events) > 0 || repeat != nil):
		return faultAt(n, "write the whole event, or the change of the firing one", "both a change and an event")
	case repeat != nil:
		return c.repeat(repeat)
	}
	return nil
}

func (c *testCase) parseEntities(n *yaml.Node) *fault {
	if n.Kind != yaml.SequenceNode {
		return faultAt(n, "write {type: user, id: alice}", "entities is not a list")
	}
	for _, item := range n.Content {
		var e yagura.Entity
		flt := pairs(item, "an entity", []string{"type", "id"}, func(key string, v *yaml.Node) *fault {
			if key == "type" {
				e.Type = v.Value
			} else {
				e.ID = v.Value
			}
			return nil
		})
		if flt != nil {
			return flt
		}
		c.entities = append(c.entities, e)
	}
	return nil
}

func (c *testCase) parseEvents(key string, n *yaml.Node) *fault {
	list := []*yaml.Node{n}
	if key == "events" {
		if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
			return faultAt(n, "", "events is not a list")
		}
		list = n.Content
	}
	if len(list) > maxEvents {
		return faultAt(n, "", "more than %d events", maxEvents)
	}
	budget := maxNodes
	for _, item := range list {
		v, flt := eventOf(item, &budget)
		if flt != nil {
			return flt
		}
		c.events = append(c.events, v)
	}
	return nil
}

// eventOf reads one event: a mapping, or text that is the record as JSON.
func eventOf(n *yaml.Node, budget *int) (*value, *fault) {
	var v *value
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		var err error
		if v, err = parseJSON(n.Value); err != nil {
			return nil, faultAt(n, "", "the event is not JSON: %v", err)
		}
	} else {
		var flt *fault
		if v, flt = valueOf(n, budget, 0); flt != nil {
			return nil, flt
		}
	}
	if !v.object {
		return nil, faultAt(n, "write the record as a mapping, or as JSON text", "the event is not an object")
	}
	return v, nil
}

func (c *testCase) parseChange(key string, n *yaml.Node) *fault {
	ch := &change{at: n, path: n.Value}
	if key == "set" {
		if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
			return faultAt(n, "write set: {field: value}", "a near miss changes exactly one field")
		}
		budget := maxNodes
		to, flt := valueOf(n.Content[1], &budget, 0)
		if flt != nil {
			return flt
		}
		ch.path, ch.to = n.Content[0].Value, to
	} else if n.Kind != yaml.ScalarNode {
		return faultAt(n, "write unset: field", "unset names exactly one field")
	}
	if rest, ok := strings.CutPrefix(ch.path, "["); ok {
		num, tail, ok := strings.Cut(rest, "].")
		i, err := strconv.Atoi(num)
		if !ok || err != nil || i < 0 {
			return faultAt(n, "write [2].field for a field of the third event", "path %q", ch.path)
		}
		ch.event, ch.path = i, tail
	}
	if ch.path == "" {
		return faultAt(n, "", "no field is named")
	}
	c.change = ch
	return nil
}

// repeat makes many events of one: {n} in their texts becomes the number of the
// repetition in five digits, from 0, and the field that `time` names moves on by `step`.
func (c *testCase) repeat(n *yaml.Node) *fault {
	times, step, field := 0, time.Duration(0), ""
	flt := pairs(n, "repeat", []string{"times", "step", "time"}, func(key string, v *yaml.Node) (flt *fault) {
		var err error
		switch key {
		case "times":
			times, err = strconv.Atoi(v.Value)
		case "step":
			step, err = time.ParseDuration(v.Value)
		default:
			field = v.Value
		}
		if err != nil {
			return faultAt(v, "write {times: 10, step: 5s, time: eventTime}", "%s %q", key, v.Value)
		}
		return nil
	})
	switch {
	case flt != nil:
		return flt
	case len(c.events) != 1:
		return faultAt(n, "", "repeat needs exactly one event")
	case times < 1 || times > maxEvents:
		return faultAt(n, fmt.Sprintf("a number from 1 to %d", maxEvents), "times is %d", times)
	case step != 0 && field == "":
		return faultAt(n, "name the field that holds the time of the event", "step without time")
	}
	one := c.events[0]
	if size := len(one.appendJSON(nil)); size*times > maxFile {
		return faultAt(n, "", "the repeated event would be larger than %d bytes", maxFile)
	}
	c.events = nil
	for i := range times {
		e := one.clone()
		e.number(fmt.Sprintf("%05d", i))
		if step != 0 {
			if err := e.shift(splitPath(field), time.Duration(i)*step); err != nil {
				return faultAt(n, "a time is written as RFC 3339, or as a number of milliseconds since 1970", "time %s: %v", field, err)
			}
		}
		c.events = append(c.events, e)
	}
	return nil
}

// number replaces {n} in every text below v.
func (v *value) number(n string) {
	for _, x := range v.vals {
		x.number(n)
	}
	if strings.Contains(v.scalar, "{n}") {
		v.scalar = strings.ReplaceAll(v.scalar, "{n}", n)
	}
}

// shift moves the time at path by d.
func (v *value) shift(path []string, d time.Duration) error {
	at := v
	for _, key := range path {
		if at = at.member(key); at == nil {
			return fmt.Errorf("there is no such field")
		}
	}
	if s, ok := at.str(); ok {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return err
		}
		at.scalar = text(t.Add(d).Format(time.RFC3339Nano)).scalar
		return nil
	}
	ms, err := strconv.ParseInt(at.scalar, 10, 64)
	if err != nil {
		return err
	}
	at.scalar = strconv.FormatInt(ms+d.Milliseconds(), 10)
	return nil
}
