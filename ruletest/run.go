package ruletest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// Options say how events are read and judged.
type Options struct {
	Decode decode.Options // Want is set by Run
	Detect detect.Options
}

// Report is what a run of tests says.
type Report struct {
	Rules    int // rules that were tested
	Cases    int
	Failures []Failure
}

// Failure is one case that did not come out as it must, or a test file that
// cannot be read.
type Failure struct {
	File         string
	Line, Column int
	Rule         string // its title, where it is known
	Case         string
	Reason       string
	Hint         string
}

// String writes file:line:column: rule: case: reason (hint: …).
func (f Failure) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, max(f.Column, 1))
	}
	b.WriteString(": ")
	if f.Rule != "" {
		fmt.Fprintf(&b, "rule %q: ", f.Rule)
	}
	if f.Case != "" {
		fmt.Fprintf(&b, "case %q: ", f.Case)
	}
	b.WriteString(f.Reason)
	if f.Hint != "" {
		b.WriteString(" (hint: " + f.Hint + ")")
	}
	return b.String()
}

// Run runs the tests of test files with the rules given. A test file tests the rule
// that it names, or else the only one of its folder that makes findings.
func Run(rules []*rule.Rule, tests []rule.File, o Options) Report {
	var rep Report
	// One engine serves all tests, as one serves all rules of a scan. Where a rule
	// cannot be compiled, every test gets its own and only those of that rule fail.
	shared, err := newBench(rules, o)
	for _, f := range tests {
		suites, flt := parse(f)
		if flt != nil {
			rep.fail(f.Path, flt, "", "")
			continue
		}
		for _, s := range suites {
			if err != nil {
				rep.suite(rules, s, nil, o)
			} else {
				rep.suite(rules, s, shared, o)
			}
		}
	}
	return rep
}

func (rep *Report) fail(file string, f *fault, rule, name string) {
	rep.Failures = append(rep.Failures, Failure{File: file, Line: f.line, Column: f.column, Rule: rule, Case: name, Reason: f.reason, Hint: f.hint})
}

// suite runs the cases of one rule.
func (rep *Report) suite(rules []*rule.Rule, s *suite, b *bench, o Options) {
	r, flt := s.find(rules)
	if flt != nil {
		rep.fail(s.file, flt, "", "")
		return
	}
	rep.Rules++
	resolver := resolverOf(rules, r)
	if b == nil {
		own := []*rule.Rule{r}
		if resolver != nil && resolver != r {
			own = append(own, resolver)
		}
		var err error
		if b, err = newBench(own, o); err != nil {
			rep.fail(s.file, faultAt(s.at, "", "%v", err), r.Title, "")
			return
		}
	}
	fail := func(c *testCase, flt *fault) { rep.fail(s.file, flt, r.Title, c.name) }
	opened := map[*testCase][]yagura.Finding{} // by each firing case
	for _, c := range s.fires {
		rep.Cases++
		found, flt := b.run(r, c, c.events)
		if flt == nil {
			flt = c.judge(r, found)
		}
		if flt != nil {
			fail(c, flt)
			continue
		}
		opened[c] = found
	}
	for _, c := range s.misses {
		rep.Cases++
		events, flt := s.miss(c)
		if flt == nil {
			var found []yagura.Finding
			if found, flt = b.run(r, c, events); flt == nil && len(found) > 0 {
				flt = faultAt(c.at, whyText(found[0]), "the rule fired on a near miss")
			}
		}
		if flt != nil {
			fail(c, flt)
		}
	}
	for _, c := range s.quiet {
		rep.Cases++
		found, flt := b.run(r, c, c.events)
		if flt == nil && len(found) > 0 {
			flt = faultAt(c.at, whyText(found[0]), "the rule fired where it must be quiet")
		}
		if flt != nil {
			fail(c, flt)
		}
	}
	for _, c := range s.resolves {
		rep.Cases++
		if flt := s.resolve(b, r, resolver, c, opened); flt != nil {
			fail(c, flt)
		}
	}
}

// find returns the rule that a suite tests.
func (s *suite) find(rules []*rule.Rule) (*rule.Rule, *fault) {
	dir := path.Dir(slashed(s.file))
	var here, named []*rule.Rule
	for _, r := range rules {
		if path.Dir(slashed(r.File)) == dir && !r.Silent {
			here = append(here, r)
		}
		if s.rule != "" && slices.Contains([]string{r.ID, r.Name, r.Title}, s.rule) {
			named = append(named, r)
		}
	}
	switch {
	case s.rule == "" && len(here) == 1:
		return here[0], nil
	case s.rule == "" && len(here) == 0:
		return nil, faultAt(s.at, "put the test beside its rule, or name the rule: key rule", "there is no loaded rule in the folder of the test")
	case s.rule == "":
		return nil, faultAt(s.at, "name the one that is meant: key rule", "the folder holds %d rules", len(here))
	case len(named) == 0:
		return nil, faultAt(s.ruleAt, "use the id, name or exact title of a rule that is loaded", "no loaded rule is called %q", s.rule)
	case len(named) > 1:
		// Of several rules with one name the one beside the test is meant.
		near := slices.DeleteFunc(slices.Clone(named), func(r *rule.Rule) bool { return path.Dir(slashed(r.File)) != dir })
		if len(near) != 1 {
			return nil, faultAt(s.ruleAt, "use the id", "%d loaded rules are called %q", len(named), s.rule)
		}
		return near[0], nil
	}
	return named[0], nil
}

func slashed(p string) string { return strings.ReplaceAll(p, `\`, "/") }

// resolverOf returns the rule that ends what r opens, nil when there is none.
func resolverOf(rules []*rule.Rule, r *rule.Rule) *rule.Rule {
	by := r.SideCar.ResolvedBy
	if by == "" {
		return nil
	}
	for _, x := range rules {
		if x.ID == by || x.Title == by {
			return x
		}
	}
	return nil
}

// firing returns the firing case that another refers to.
func (s *suite) firing(c *testCase) (*testCase, *fault) {
	if c.of == "" {
		if len(s.fires) > 1 {
			return nil, faultAt(c.at, "write of: the name of a firing case", "it does not say which firing case it belongs to")
		}
		return s.fires[0], nil
	}
	for _, f := range s.fires {
		if f.name == c.of {
			return f, nil
		}
	}
	return nil, faultAt(c.ofAt, "", "there is no firing case %q", c.of)
}

// miss returns the events of a near miss, and refuses one that is not near.
func (s *suite) miss(c *testCase) ([]*value, *fault) {
	of, flt := s.firing(c)
	if flt != nil {
		return nil, flt
	}
	events := c.events
	if ch := c.change; ch != nil {
		if ch.event >= len(of.events) {
			return nil, faultAt(ch.at, "", "the firing case has no event %d", ch.event)
		}
		events = nil
		for _, e := range of.events {
			events = append(events, e.clone())
		}
		if err := events[ch.event].set(splitPath(ch.path), ch.to); err != nil {
			return nil, faultAt(ch.at, "", "%s: %v", ch.path, err)
		}
	}
	if len(events) != len(of.events) {
		return nil, faultAt(c.at, "a near miss has the events of the firing case, with one field changed", "it has %d events, the firing case %d", len(events), len(of.events))
	}
	var diff []string
	for i, e := range events {
		diff = append(diff, differences(of.events[i], e, "", 3)...)
	}
	switch len(diff) {
	case 1:
		return events, nil
	case 0:
		return nil, faultAt(c.at, "", "it does not differ from the firing case")
	}
	return nil, faultAt(c.at, "a near miss changes one field; put other events under quiet", "it differs from the firing case in %s", strings.Join(diff, ", "))
}

// judge compares what came of a firing case with what must.
func (c *testCase) judge(r *rule.Rule, found []yagura.Finding) *fault {
	if len(found) == 0 {
		return faultAt(c.at, "yagura rule explain says what the rule asks for", "the rule did not fire")
	}
	if c.count > 0 && len(found) != c.count {
		return faultAt(c.at, "", "%d findings, want %d", len(found), c.count)
	}
	f := found[0]
	if c.severity != 0 && f.Severity != c.severity {
		return faultAt(c.at, "", "severity is %s, want %s", f.Severity, c.severity)
	}
	if c.causeKey != "" && f.CauseKey != c.causeKey {
		return faultAt(c.at, "", "cause key is %q, want %q", f.CauseKey, c.causeKey)
	}
	if c.output != "" && f.Output != c.output {
		return faultAt(c.at, "", "output is %q, want %q", f.Output, c.output)
	}
	for _, e := range c.entities {
		if !slices.Contains(f.Entities, e) {
			return faultAt(c.at, "", "no entity %s %q among %v", e.Type, e.ID, f.Entities)
		}
	}
	return nil
}

// resolve judges a counter-event: the rule that resolves must fire on it, and each of its
// findings must have the key of a cause of the firing case.
func (s *suite) resolve(b *bench, r, resolver *rule.Rule, c *testCase, opened map[*testCase][]yagura.Finding) *fault {
	of, flt := s.firing(c)
	if flt != nil {
		return flt
	}
	switch {
	case r.SideCar.ResolvedBy == "":
		return faultAt(c.at, "give the rule resolved_by", "the rule names no rule that resolves it")
	case resolver == nil:
		return faultAt(c.at, "load it too", "the rule %q that resolves this one is not loaded", r.SideCar.ResolvedBy)
	}
	var keys []string
	for _, f := range opened[of] {
		keys = append(append(keys, f.CauseKey), f.AliasKeys...)
	}
	if keys == nil {
		return faultAt(c.at, "", "its firing case failed")
	}
	found, flt := b.run(resolver, c, c.events)
	switch {
	case flt != nil:
		return flt
	case len(found) == 0:
		return faultAt(c.at, "", "the rule that resolves, %q, did not fire", resolver.Title)
	}
	for _, f := range found {
		if !slices.Contains(keys, f.CauseKey) {
			return faultAt(c.at, "give both the same cause_key; word=field lets one word stand for different fields",
				"the cause keys differ: opened %q, resolved %q", strings.Join(keys, `", "`), f.CauseKey)
		}
	}
	return nil
}

// whyText says why a rule fired.
func whyText(f yagura.Finding) string {
	var out []string
	for _, w := range f.Why {
		out = append(out, fmt.Sprintf("%s %s %q: %q", w.Field, w.Op, w.Value, w.Actual))
		if len(out) == 8 {
			break
		}
	}
	return "it held because " + strings.Join(out, "; ")
}

// bench is an engine and the decoder that goes with it.
type bench struct {
	eng *detect.Engine
	dec *decode.Decoder
}

func newBench(rules []*rule.Rule, o Options) (*bench, error) {
	eng, err := detect.New(rules, o.Detect)
	if err != nil {
		return nil, err
	}
	o.Decode.Want = eng.Want
	dec, err := decode.New(o.Decode)
	if err != nil {
		return nil, err
	}
	return &bench{eng: eng, dec: dec}, nil
}

// run judges the events of a case and returns the findings of one rule.
func (b *bench) run(r *rule.Rule, c *testCase, events []*value) ([]yagura.Finding, *fault) {
	var data []byte
	for _, e := range events {
		data = append(e.appendJSON(data), '\n')
	}
	found, format, err := b.judge(r, data, len(events))
	if err != nil {
		return nil, faultAt(c.at, "", "%v", err)
	}
	formats := judged(r)
	if formats != nil && len(formats) == 0 {
		return nil, faultAt(c.at, "give a pipeline that names the log; --pipeline takes the place of the shipped ones, which the word shipped keeps",
			"the rule judges no log: no pipeline knows its logsource")
	}
	if len(found) == 0 && formats != nil && !slices.Contains(formats, format) {
		return nil, faultAt(c.at, "the event must look like a record of that log", "the event was taken for %s, but the rule judges %s", format, strings.Join(formats, ", "))
	}
	return found, nil
}

// judged lists the formats of a rule, those of its base rules for a correlation; nil
// means every one.
func judged(r *rule.Rule) []string {
	if r.Correlation == nil {
		return r.Formats
	}
	var all []string
	for _, base := range r.Correlation.Rules {
		formats := judged(base)
		if formats == nil {
			return nil
		}
		all = append(all, formats...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// judge reads records and returns the findings of r, and the format of the first record.
func (b *bench) judge(r *rule.Rule, data []byte, want int) (found []yagura.Finding, format string, err error) {
	m, w := b.eng.NewMatcher(), b.eng.NewWindows()
	defer func() { err = errors.Join(err, w.Close()) }()
	keep := func(f yagura.Finding) {
		if f.Rule.ID == r.ID && f.Rule.Title == r.Title && f.Rule.File == r.File {
			found = append(found, f)
		}
	}
	rd := b.dec.NewReader(bytes.NewReader(data), "event.json")
	defer rd.Close()
	num := 0
	for {
		rec, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, "", err
		}
		if num++; num == 1 {
			format = rec.Format.Name
		}
		ev := rec.Event()
		ev.Source = "test"
		meta := query.Meta{Num: uint64(num), Time: rec.Format.Time(rec), Format: rec.Format.Name, File: rec.File}
		for _, h := range m.Match(rec.Format.Name, rec.Doc, meta) {
			if h.Feeds {
				if err := w.Add(m.Base(h, &ev)); err != nil {
					return nil, "", err
				}
			}
			if h.Finds {
				for f := range m.Findings(h, &ev) {
					keep(f)
				}
			}
		}
	}
	if num != want {
		return nil, "", fmt.Errorf("the decoder made %d records of %d events: write one record, without its envelope, for each", num, want)
	}
	err = w.Finish(func(f yagura.Finding) error { keep(f); return nil })
	return found, format, err
}
