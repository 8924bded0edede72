package triage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// PolicyCase is one test that a team writes beside its policy.
type PolicyCase struct {
	Name  string
	Place string // file:line:column
	// AccountID is the account that the case names by id only: its Input.Account is what
	// the registry says of it.
	AccountID string
	Input     Input
	expect    expected
}

// expected is what a case wants; what it does not name is not compared.
type expected struct {
	severity   yagura.Severity
	suppressed *bool
	texts      map[string]placed // assignee, fold, ask
	lists      map[string]placed // routes, labels, clauses
}

type placed struct {
	text  string
	list  []string
	place string
}

// CaseResult is what became of one case.
type CaseResult struct {
	Name        string       `json:"name"`
	Place       string       `json:"place"`
	Differences []Difference `json:"differences"` // empty: it passed
	Decisions   []string     `json:"decisions"`   // all that was decided
}

// Difference is one thing that came out otherwise than the case expects.
type Difference struct {
	What  string `json:"what"`
	Place string `json:"place"` // of the expectation
	Want  string `json:"want"`
	Got   string `json:"got"`
}

const maxCases = 10_000

// ParseCases reads the tests of a policy. docs/policy.md has the form.
func ParseCases(file string, data []byte) ([]PolicyCase, []Problem) {
	r := &reader{file: file}
	top := r.document(data, maxPolicyFile)
	if top == nil {
		if len(r.problems) == 0 {
			r.fault(nil, "there are no tests", "write tests: and a list of cases")
		}
		return nil, r.problems
	}
	var out []PolicyCase
	r.mapping(top, "the file", []string{"tests"}, func(_, list *yaml.Node) {
		if list.Kind != yaml.SequenceNode || len(list.Content) > maxCases {
			r.fault(list, "tests is "+kindName(list), fmt.Sprintf("write a list of at most %d cases", maxCases))
			return
		}
		for i, item := range list.Content {
			c := PolicyCase{Name: fmt.Sprintf("test %d", i+1), Place: r.place(item)}
			r.caseOf(&c, item)
			out = append(out, c)
		}
	})
	if len(out) == 0 && len(r.problems) == 0 {
		r.fault(top, "there are no tests", "write tests: and a list of cases")
	}
	if Refused(r.problems) {
		return nil, r.problems
	}
	return out, r.problems
}

func (r *reader) caseOf(c *PolicyCase, n *yaml.Node) {
	f := &yagura.Finding{V: 1, ID: "test", Kind: yagura.Behaviour, Severity: yagura.SeverityMedium}
	c.Input.Finding = f
	c.Input.Now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	hasExpect, hasOriginal := false, false
	r.mapping(n, "a test", []string{"name", "finding", "event", "account", "issue", "usual", "now", "expect"}, func(key, v *yaml.Node) {
		switch key.Value {
		case "name":
			c.Name = r.text(v, "name", maxText)
		case "finding":
			r.into(v, "finding", f)
			hasOriginal = f.SeverityOriginal != ""
		case "event":
			c.Input.Event = r.jsonOf(v, "event")
		case "account":
			if v.Kind == yaml.ScalarNode {
				c.AccountID = r.text(v, "account", maxText)
				c.Input.Account.ID = c.AccountID
				return
			}
			c.Input.Account.Listed = true
			r.into(v, "account", &c.Input.Account)
		case "issue":
			c.Input.Issue = &yagura.Issue{V: 1, ID: "test", Episode: 1, Status: yagura.StatusOpen, Severity: yagura.SeverityMedium}
			r.into(v, "issue", c.Input.Issue)
		case "usual":
			r.usualOfCase(f, v)
		case "now":
			t, err := time.Parse(time.RFC3339, v.Value)
			if err != nil {
				r.fault(v, fmt.Sprintf("now is %q", v.Value), "write a time like 2026-11-27T03:00:00Z")
			}
			c.Input.Now = t
		case "expect":
			hasExpect = true
			r.expect(&c.expect, v)
		}
	})
	if n.Kind == yaml.MappingNode && !hasExpect {
		r.fault(n, "the test expects nothing", "write expect: {severity: high}")
	}
	if !hasOriginal {
		f.SeverityOriginal = f.Severity.String()
	}
	if f.Entities == nil {
		f.Entities = []yagura.Entity{}
	}
	// An account that is said once is meant in both places.
	if f.Event.Account == "" {
		f.Event.Account = c.Input.Account.ID
	} else if c.Input.Account.ID == "" {
		c.Input.Account.ID = f.Event.Account
		if c.AccountID == "" && !c.Input.Account.Listed {
			c.AccountID = f.Event.Account
		}
	}
}

// jsonOf writes a YAML value as JSON.
func (r *reader) jsonOf(n *yaml.Node, what string) []byte {
	if n.Kind == yaml.ScalarNode && strings.HasPrefix(strings.TrimSpace(n.Value), "{") {
		if !json.Valid([]byte(n.Value)) {
			r.fault(n, what+" is no JSON", "")
		}
		return []byte(n.Value)
	}
	v, ok := r.plain(n, 0)
	if !ok {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		r.fault(n, what+" cannot be written as JSON: "+err.Error(), "")
	}
	return data
}

// plain makes of a YAML value what JSON can hold.
func (r *reader) plain(n *yaml.Node, deep int) (any, bool) {
	switch {
	case deep > 100:
		r.fault(n, "is nested deeper than 100", "")
		return nil, false
	case n.Kind == yaml.AliasNode:
		r.fault(n, "aliases are not read here", "write the value out")
		return nil, false
	case n.Kind == yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			v, ok := r.plain(item, deep+1)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	case n.Kind == yaml.MappingNode:
		out := map[string]any{}
		good := r.mapping(n, "this", nil, func(key, v *yaml.Node) {
			if x, ok := r.plain(v, deep+1); ok {
				out[key.Value] = x
			}
		})
		return out, good
	}
	switch n.Tag {
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value), true
		}
		var f float64
		if n.Decode(&f) == nil {
			if _, err := json.Marshal(f); err == nil {
				return f, true
			}
		}
		return n.Value, true
	case "!!bool":
		return n.Value == "true" || n.Value == "True" || n.Value == "TRUE", true
	case "!!null":
		return nil, true
	}
	return n.Value, true
}

// into reads a mapping into a struct by its JSON names, over what it holds. An unknown
// name or a wrong value is a fault at its place.
func (r *reader) into(n *yaml.Node, what string, v any) {
	if n.Kind != yaml.MappingNode {
		r.fault(n, what+" is "+kindName(n), "write key: value pairs")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Tag == "!!null" {
			r.fault(value, what+"."+key.Value+" is empty", "write a value, or leave the key out")
			continue
		}
		one := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column, Content: []*yaml.Node{key, value}}
		x, ok := r.plain(one, 0)
		if !ok {
			return
		}
		data, err := json.Marshal(textual(x, key.Value))
		if err == nil {
			dec := json.NewDecoder(bytes.NewReader(data))
			dec.DisallowUnknownFields()
			err = dec.Decode(v)
		}
		if err != nil {
			r.fault(value, what+"."+key.Value+": "+strings.TrimPrefix(err.Error(), "json: "), "the names are those of docs/contracts.md")
		}
	}
}

// textual makes texts of the numbers that YAML reads where the contracts have texts: an
// account's id that was written without quotes.
func textual(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = textual(x, k)
		}
	case json.Number:
		if !slices.Contains([]string{"v", "episode", "count", "version", "days", "total", "known_days", "peers", "peers_with"}, name) {
			return v.String()
		}
	}
	return v
}

func (r *reader) expect(e *expected, n *yaml.Node) {
	e.texts, e.lists = map[string]placed{}, map[string]placed{}
	keys := []string{"severity", "suppressed", "routes", "labels", "assignee", "fold", "ask", "clauses"}
	r.mapping(n, "expect", keys, func(key, v *yaml.Node) {
		switch key.Value {
		case "severity":
			e.severity = r.severity(v, "expect.severity")
			e.texts["severity"] = placed{place: r.place(v)}
		case "suppressed":
			b := r.flag(v, "expect.suppressed")
			e.suppressed = &b
			e.texts["suppressed"] = placed{place: r.place(v)}
		case "assignee", "fold", "ask":
			if v.Kind != yaml.ScalarNode {
				r.fault(v, "expect."+key.Value+" is "+kindName(v), `write text, or "" for none`)
			}
			e.texts[key.Value] = placed{text: v.Value, place: r.place(v)}
		default:
			e.lists[key.Value] = placed{list: r.words(v, "expect."+key.Value).list, place: r.place(v)}
		}
	})
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		r.fault(n, "the test expects nothing", "write expect: {severity: high}")
	}
}

// Test runs cases. Accounts tells what the registry has of an account that a case names
// by its id.
func (p *Policy) Test(cases []PolicyCase, accounts *Accounts) []CaseResult {
	out := make([]CaseResult, len(cases))
	for i := range cases {
		c := &cases[i]
		in := c.Input
		if c.AccountID != "" {
			in.Account = accounts.Lookup(c.AccountID)
		}
		j := p.Judge(in)
		out[i] = CaseResult{Name: c.Name, Place: c.Place, Differences: c.expect.differences(&j, in.Now), Decisions: []string{}}
		for _, d := range j.Clauses {
			out[i].Decisions = append(out[i].Decisions, d.String())
		}
	}
	return out
}

// String writes a decision on one line, as findings and issues keep it.
func (d Decision) String() string {
	if d.Clause == "" {
		return d.Stage + ": " + d.Text
	}
	return fmt.Sprintf("%s: %s: %s", d.Place, d.Clause, d.Text)
}

func (e *expected) differences(j *Judgement, now time.Time) []Difference {
	out := []Difference{}
	differ := func(what, place, want, got string) {
		if want != got {
			out = append(out, Difference{what, place, want, got})
		}
	}
	if e.severity != 0 {
		differ("severity", e.texts["severity"].place, e.severity.String(), j.Severity.String())
	}
	if e.suppressed != nil {
		differ("suppressed", e.texts["suppressed"].place, fmt.Sprint(*e.suppressed), fmt.Sprint(j.SuppressUntil.After(now)))
	}
	for what, got := range map[string]string{"assignee": j.Assignee, "fold": j.Fold, "ask": j.Ask} {
		if w, ok := e.texts[what]; ok {
			differ(what, w.place, w.text, got)
		}
	}
	var clauses []string
	for _, d := range j.Clauses {
		if d.Clause != "" && !slices.Contains(clauses, d.Clause) {
			clauses = append(clauses, d.Clause)
		}
	}
	for what, got := range map[string][]string{"routes": j.Routes, "labels": j.Labels, "clauses": clauses} {
		if w, ok := e.lists[what]; ok {
			if what == "clauses" { // those that are named are among those that decided
				if i := slices.IndexFunc(w.list, func(s string) bool { return !slices.Contains(got, s) }); i >= 0 {
					differ(what, w.place, strings.Join(w.list, ", "), strings.Join(got, ", "))
				}
				continue
			}
			differ(what, w.place, joined(w.list), joined(got))
		}
	}
	slices.SortFunc(out, func(a, b Difference) int { return strings.Compare(a.What, b.What) })
	return out
}

// joined writes a list whose order says nothing.
func joined(list []string) string {
	sorted := slices.Sorted(slices.Values(list))
	if len(sorted) == 0 {
		return "none"
	}
	return strings.Join(sorted, ", ")
}
