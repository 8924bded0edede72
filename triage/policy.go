package triage

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// Policy is a team's ordered clauses, read and compiled. It may be used by many
// goroutines at once. docs/policy.md is the reference of its language.
type Policy struct {
	file    string
	zone    *time.Location
	clauses []*clause
	levels  [int(yagura.SeverityCritical) + 1]words // the routes of each level
	sinks   []SinkName
	usual   []string // dimensions that clauses ask
}

// PolicyOptions is what a policy is read with.
type PolicyOptions struct {
	// Now bounds the dates of suppressions: none may be more than a year ahead. The
	// zero time leaves that to [Policy.Check].
	Now time.Time
	// Sinks are those that the words of routes can mean. Nil leaves the words as they
	// are: Judgement.Routes holds them in place of names.
	Sinks []SinkName
}

// SinkName is a sink as the configuration calls it. A word of a route means the sink of
// that name; without one, every sink of that kind.
type SinkName struct{ Name, Kind string }

// SinkKinds lists the kinds of sinks.
func SinkKinds() []string {
	return []string{"github", "pagerduty", "slack", "securityhub", "cloudwatch", "webhook", "falcosidekick"}
}

// Problem is one thing that is wrong, or worth a look, in a policy, a test of it or a
// registry of accounts.
type Problem struct {
	File         string
	Line, Column int
	Clause       string // of a policy: the name of the clause, "" outside of clauses
	Code         string // a stable word for what [Policy.Check] finds: "never", "shadowed", …
	Reason       string
	Hint         string
	// Warning says that what was read is used all the same.
	Warning bool
}

// Error returns file:line:column: reason (hint: …).
func (p *Problem) Error() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d:%d", p.Line, max(p.Column, 1))
	}
	if p.Clause != "" {
		s += fmt.Sprintf(": clause %q", p.Clause)
	}
	s += ": " + p.Reason
	if p.Hint != "" {
		s += " (hint: " + p.Hint + ")"
	}
	return s
}

// Refused says whether one of problems keeps what was read from being used.
func Refused(problems []Problem) bool {
	for i := range problems {
		if !problems[i].Warning {
			return true
		}
	}
	return false
}

//go:embed policy.yaml
var defaultPolicy string

// DefaultPolicy returns the policy that holds where the team wrote none: medium and
// above become GitHub issues, high and critical page through PagerDuty too, low goes
// to Slack only, none is recorded.
func DefaultPolicy() *Policy {
	p, problems := ParsePolicy("policy.yaml", []byte(defaultPolicy), PolicyOptions{})
	if Refused(problems) {
		panic("the shipped policy: " + problems[0].Error()) // TestDefaultPolicy keeps this from happening
	}
	return p
}

// DefaultPolicyText returns the shipped policy as it is written, with its comments.
func DefaultPolicyText() string { return defaultPolicy }

// For returns the policy with its routes leading to other sinks.
func (p *Policy) For(sinks []SinkName) *Policy {
	q := *p
	q.sinks = sinks
	return &q
}

// Behind returns the policy with the clauses of another before its own. Routes and time zone
// are its own.
func (p *Policy) Behind(first *Policy) *Policy {
	q := *p
	q.clauses = slices.Concat(first.clauses, p.clauses)
	q.usual = namedUsual(q.clauses)
	return &q
}

// File returns the name that the policy was read by.
func (p *Policy) File() string { return p.file }

// ReadsEvent says whether a clause looks into the record of a finding, so that
// Input.Event is wanted.
func (p *Policy) ReadsEvent() bool {
	for _, c := range p.clauses {
		if c.mentions("event") {
			return true
		}
	}
	return false
}

// Judge says what the policy makes of a finding. It never fails: a clause that cannot be
// evaluated does not match, and the judgement says so.
func (p *Policy) Judge(in Input) Judgement { return p.run(in).Judgement }

func (p *Policy) run(in Input) *Case {
	c := &Case{Input: in, policy: p}
	c.Severity = in.Finding.Severity
	for _, s := range stages {
		if s.Run != nil {
			c.stage(s)
		}
	}
	return c
}

// stage runs one stage. One that panics decides nothing more, and the judgement says so.
func (c *Case) stage(s Stage) {
	defer func() {
		if p := recover(); p != nil {
			c.Stopped = fmt.Sprintf("stage %s: %v", s.Name, p)
			c.say(s.Name, nil, "it panicked, and decides no more: %v", p)
		}
	}()
	s.Run(c)
}

// ClauseCount counts what became of one clause since the policy was read.
type ClauseCount struct {
	Clause  string
	Place   string
	Matched uint64
	// Absent counts evaluations that ended at a member of the event that is not there.
	Absent uint64
	// Errors counts those that ended in another error.
	Errors uint64
}

// Counts returns what became of each clause, in order.
func (p *Policy) Counts() []ClauseCount {
	out := make([]ClauseCount, len(p.clauses))
	for i, c := range p.clauses {
		out[i] = ClauseCount{Clause: c.name, Place: c.place, Matched: c.matched.Load(), Absent: c.absent.Load(), Errors: c.failed.Load()}
	}
	return out
}

// meant returns the sinks that words mean; the words themselves where sinks is nil.
func meant(list []string, sinks []SinkName) []string {
	if sinks == nil {
		return list
	}
	var out []string
	for _, w := range list {
		out = union(out, mean(w, sinks))
	}
	return out
}

func mean(w string, sinks []SinkName) (names []string) {
	for _, s := range sinks {
		if s.Name == w {
			return []string{w}
		}
	}
	for _, s := range sinks {
		if s.Kind == w {
			names = append(names, s.Name)
		}
	}
	return names
}

func quoteAll(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// Suppression is a clause that suppresses.
type Suppression struct {
	Clause, Place string
	When          string // its condition, "" for always
	Until         time.Time
	Reason        string
}

// Suppressions lists the clauses that suppress, in order.
func (p *Policy) Suppressions() (out []Suppression) {
	for _, c := range p.clauses {
		if c.pause == nil {
			continue
		}
		s := Suppression{Clause: c.name, Place: c.place, Until: c.pause.until, Reason: c.pause.reason}
		if c.when != nil {
			s.When = c.when.text
		}
		out = append(out, s)
	}
	return out
}
