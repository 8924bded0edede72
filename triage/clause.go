package triage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// clause is one clause of a policy.
type clause struct {
	name, place, because string
	line, column         int
	when                 *expr // nil: always
	level                yagura.Severity
	raise, lower         int
	keep                 bool
	pause                *suppression
	fold                 []foldPart
	route                *routes
	assign               *value
	labels               []value
	ask                  *value
	askActor             bool
	stop                 bool

	matched, absent, failed atomic.Uint64
}

type suppression struct {
	until  time.Time
	reason string
	node   *yaml.Node
}

// routes says how a clause changes who is told; set is nil where it does not set.
type routes struct {
	set, add, remove []string
	words            words
}

// value is a text, or an expression that makes one.
type value struct {
	text string
	from *expr
}

// foldPart is one key of a fold; account is the word, which needs no expression.
type foldPart struct {
	name string
	from *expr
}

func (c *clause) mentions(name string) bool {
	for _, x := range c.expressions() {
		if slices.Contains(x.roots, name) {
			return true
		}
	}
	return false
}

// expressions lists all of the clause.
func (c *clause) expressions() (out []*expr) {
	if c.when != nil {
		out = append(out, c.when)
	}
	for _, f := range c.fold {
		if f.from != nil {
			out = append(out, f.from)
		}
	}
	for _, v := range append(slices.Clone(c.labels), deref(c.assign), deref(c.ask)) {
		if v.from != nil {
			out = append(out, v.from)
		}
	}
	return out
}

func deref(v *value) value {
	if v == nil {
		return value{}
	}
	return *v
}

// holds says whether the clause matches; what keeps it from being evaluated is said.
func (cl *clause) holds(c *Case) bool {
	if cl.when == nil {
		cl.matched.Add(1)
		return true
	}
	v, err := cl.when.eval(c)
	if err != nil {
		if isAbsent(err) {
			cl.absent.Add(1)
		} else {
			cl.fail(c, "does not match, its condition cannot be evaluated: "+shortError(err))
		}
		return false
	}
	if v != types.True {
		if v != types.False { // a condition over the event may come to anything
			cl.fail(c, fmt.Sprintf("does not match, its condition came to a %s and not to true or false", v.Type().TypeName()))
		}
		return false
	}
	cl.matched.Add(1)
	return true
}

// fail says what keeps the clause from being evaluated.
func (cl *clause) fail(c *Case, text string) {
	cl.failed.Add(1)
	c.failed++
	c.Clauses = append(c.Clauses, Decision{Stage: "policy", Clause: cl.name, Place: cl.place, Text: text})
}

// apply does what the clause says, but for suppression, fold and routes, which are
// stages of their own.
func (cl *clause) apply(c *Case) {
	before := c.Severity
	switch {
	case cl.level != 0:
		c.Severity = cl.level
	case cl.raise > 0:
		c.Severity = min(before+yagura.Severity(cl.raise), yagura.SeverityCritical)
	case cl.lower > 0:
		c.Severity = yagura.Severity(max(int(before)-cl.lower, int(yagura.SeverityNone)))
	case cl.keep:
		c.Severity = c.Finding.Severity
	}
	switch {
	case cl.keep && c.Severity == before:
		c.say("policy", cl, "severity %s kept, as the source says (%s)", before, originalOf(c.Finding))
	case cl.keep:
		c.say("policy", cl, "severity %s → %s, as the source says (%s)", before, c.Severity, originalOf(c.Finding))
	case c.Severity != before:
		c.say("policy", cl, "severity %s → %s", before, c.Severity)
	case cl.level != 0 || cl.raise > 0 || cl.lower > 0:
		c.say("policy", cl, "severity stays %s", before)
	}
	if cl.assign != nil {
		if s := cl.assign.of(c, cl, "assign"); s != "" {
			c.Assignee = s
			c.say("policy", cl, "assigned to %s", shortText(s))
		}
	}
	var added []string
	for i := range cl.labels {
		if s := cl.labels[i].of(c, cl, "label"); s != "" && !slices.Contains(c.Labels, s) {
			s = cutRunes(s, maxLabel)
			c.Labels = append(c.Labels, s)
			added = append(added, shortText(s))
		}
	}
	if len(added) > 0 {
		c.say("policy", cl, "labelled %s", strings.Join(added, ", "))
	}
	if cl.ask != nil || cl.askActor {
		if s := cl.person(c); s != "" {
			c.Ask = s
			c.say("policy", cl, "%s is asked", shortText(s))
		} else {
			c.say("policy", cl, "nobody is asked: no person is found")
		}
	}
	if cl.pause != nil {
		c.pauses = append(c.pauses, pause{cl, cl.pause.until, cl.pause.reason})
	}
	if cl.fold != nil {
		c.folds = append(c.folds, cl)
	}
	if cl.route != nil {
		c.routes = append(c.routes, routing{cl, *cl.route})
	}
}

func originalOf(f *yagura.Finding) string {
	if f.SeverityOriginal == "" {
		return f.Severity.String()
	}
	return shortText(f.SeverityOriginal)
}

// person finds who is asked.
func (cl *clause) person(c *Case) string {
	if cl.ask != nil {
		return cl.ask.of(c, cl, "ask")
	}
	a := &c.Finding.Event.Actor
	for _, s := range []string{a.SessionOf, a.Name, a.ID} {
		if e := emailIn(s); e != "" {
			return e
		}
	}
	return ""
}

// of returns the text; "" where it cannot be made, which is said.
func (v *value) of(c *Case, cl *clause, what string) string {
	if v.from == nil {
		return v.text
	}
	got, err := v.from.eval(c)
	s, ok := got.(types.String)
	switch {
	case err != nil && !isAbsent(err):
		cl.fail(c, what+" cannot be evaluated: "+shortError(err))
		return ""
	case err != nil, !ok:
		return ""
	}
	return cutRunes(oneLine(string(s)), maxText/2)
}

// oneLine takes control characters and line breaks out of a text of the event.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7F || c == '\u2028' || c == '\u2029' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

func shortText(s string) string { return cutRunes(oneLine(s), 100) }

func cutRunes(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// foldKey writes the key of the finding's cause under the clause's fold, see [CauseKey].
// It is an error where it cannot be folded: a posture, or a key without a value.
func (cl *clause) foldKey(c *Case) (string, error) {
	if c.Finding.Kind == yagura.Posture {
		return "", errors.New("a posture closes by the counter-event with its own cause key")
	}
	account := "*"
	var b []byte
	for _, f := range cl.fold {
		if f.from == nil {
			account = c.Finding.Event.Account
			if account == "" {
				account = c.Account.ID
			}
			if account == "" {
				return "", errors.New("account is empty")
			}
			continue
		}
		v, err := f.from.eval(c)
		if err != nil && !isAbsent(err) {
			cl.failed.Add(1)
			c.failed++
			return "", fmt.Errorf("%s: %s", f.name, shortError(err))
		}
		var text string
		if err == nil {
			text = foldText(v)
		}
		if text == "" {
			return "", fmt.Errorf("%s is empty", f.name)
		}
		b = appendPart(b, f.name, text)
	}
	return foldPrefix(account) + string(b), nil
}

// foldText writes the value of a key; a list is sorted, each member once.
func foldText(v any) string {
	switch v := v.(type) {
	case types.String:
		return string(v)
	case types.Int:
		return strconv.FormatInt(int64(v), 10)
	case types.Double:
		return strconv.FormatFloat(float64(v), 'g', -1, 64)
	case types.Bool:
		return strconv.FormatBool(bool(v))
	case level:
		return yagura.Severity(v).String()
	}
	return listText(v)
}
