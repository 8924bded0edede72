package falco

import (
	"strconv"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// The fields okta.mfa.failure.countlast[N] and okta.mfa.deny.countlast[N] are not in
// the record: Falco's plugin counts, for each failed or denied second factor, how
// many times the same happened to the same actor in the last N seconds. A rule that
// compares such a count is a window, and is compiled to one: the moments at which it
// happened are counted over N seconds for each kind of event and actor. Falco alerts
// again at each further event of a series; a window makes one finding of them.

// windowCheck is a comparison with a count over time.
type windowCheck struct {
	check   *check
	field   *fieldRef
	seconds int
	bound   rule.Bound
}

// findWindow looks for one comparison with a count over time among the parts of a
// condition that are joined by `and`. It returns the other parts too.
func findWindow(c *compiler, n node) (found *windowCheck, rest []node) {
	if b, ok := n.(*boolean); ok && !b.or {
		for _, kid := range b.kids {
			w, others := findWindow(c, kid)
			if w != nil && found != nil {
				return nil, nil // two of them cannot be one window
			}
			if w != nil {
				found = w
			}
			rest = append(rest, others...)
		}
		return found, rest
	}
	ch, ok := n.(*check)
	if !ok {
		return nil, []node{n}
	}
	f, ok := ch.left.(*fieldRef)
	if !ok || c.src.fields[f.name] == nil || !c.src.fields[f.name].window {
		return nil, []node{n}
	}
	v, isLiteral := ch.right.(*literal)
	if !isLiteral || ch.mod != "" || ch.op != ">" && ch.op != ">=" {
		return nil, []node{n}
	}
	limit, err := strconv.ParseUint(v.text, 10, 32)
	if err != nil || badIndex(f.arg) != "" || index(f.arg) < 1 {
		return nil, []node{n}
	}
	op := map[string]string{">": "gt", ">=": "gte"}[ch.op]
	return &windowCheck{ch, f, index(f.arg), rule.Bound{Op: op, Value: float64(limit)}}, nil
}

// window compiles a rule with a count over time: r becomes a correlation over a
// silent rule for the events that are counted. Its output is the title, as with every
// correlation: there is no one event to take the fields from.
func (c *compiler) window(r *rule.Rule, w *windowCheck, rest []node) *syntaxError {
	kind := query.Field{Name: "okta.evt.type", Paths: textAt("eventType").Paths, Conv: query.ConvString}
	result := query.Field{Name: "okta.result", Paths: textAt("outcome", "result").Paths, Conv: query.ConvString}
	line, column := w.check.at.where()
	is := func(f query.Field, v string) query.Expr {
		return &query.Pred{Field: f, Op: query.Eq, Args: []query.Arg{{Text: v}}, OpName: "=", Span: query.Span{Line: line, Column: column}}
	}
	parts := []query.Expr{&query.Or{X: []query.Expr{
		is(kind, "user.mfa.okta_verify.deny_push"),
		&query.And{X: []query.Expr{is(kind, "user.authentication.auth_via_mfa"), is(result, "FAILURE")}},
	}}}
	for _, n := range rest {
		e, err := c.expr(n)
		if err != nil {
			return err
		}
		parts = append(parts, e)
	}
	actor := query.Field{Name: "okta.actor.id", Paths: textAt("actor", "id").Paths, Conv: query.ConvString}
	moment := query.Field{Name: "okta.published", Paths: textAt("published").Paths, Conv: query.ConvString}
	base := &rule.Rule{
		ID: r.ID + " (counted events)", Name: "counted", Title: r.Title + " (counted events)", Engine: yagura.EngineFalco,
		File: r.File, Line: r.Line, Tags: r.Tags, Severity: yagura.SeverityNone, SeverityOriginal: r.SeverityOriginal,
		Formats: r.Formats, When: &query.And{X: parts}, Fields: []query.Field{kind, result, actor, moment},
		Captures: []query.Field{kind, actor, moment}, Silent: true,
	}
	if c.counts {
		base.Counted = &c.src.delivered
	}
	r.Output = nil
	r.Correlation = &rule.Correlation{
		Type: rule.ValueCount, Rules: []*rule.Rule{base}, RuleNames: []string{base.Name},
		GroupBy: []string{kind.Name, actor.Name}, Fields: []string{moment.Name},
		Base:     []rule.BaseCapture{{Group: []int{0, 1}, Values: []int{2}}},
		Timespan: time.Duration(w.seconds) * time.Second, Bounds: []rule.Bound{w.bound},
	}
	c.fields = append(c.fields, kind, result, actor, moment)
	return nil
}
