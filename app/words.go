package app

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
)

// maxArgs is how many of a predicate's values are written out.
const maxArgs = 50

// Explain writes what a rule is and when it fires, in words: the compiled condition,
// not the text of its file, so that it shows what will be asked of an event. In
// Japanese title, description and severity are; what is asked stays as it is written.
func Explain(w io.Writer, r *rule.Rule, all *Rules, japanese bool) error {
	e := &explainer{rules: all, japanese: japanese}
	e.rule(r)
	_, err := io.WriteString(w, e.b.String())
	return err
}

type explainer struct {
	b        strings.Builder
	rules    *Rules
	japanese bool
}

func (e *explainer) line(indent int, format string, args ...any) {
	e.b.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(&e.b, format, args...)
	e.b.WriteByte('\n')
}

// fact writes one line of the head, nothing for an empty text.
func (e *explainer) fact(name, text string) {
	if text != "" {
		e.line(1, "%-12s %s", name, report.Escape(text))
	}
}

func (e *explainer) rule(r *rule.Rule) {
	titles := []string{r.Title, r.Japanese.Title}
	if e.japanese {
		slices.Reverse(titles)
	}
	for _, title := range titles {
		if title != "" {
			e.line(0, "%s", report.Escape(title))
		}
	}
	if r.ID != r.Title {
		e.fact("id", r.ID)
	}
	e.fact("name", r.Name)
	e.fact("file", r.File+":"+strconv.Itoa(max(r.Line, 1)))
	level := r.EffectiveSeverity().String()
	if r.SeverityOriginal != "" && r.SeverityOriginal != level {
		level += " (written as " + r.SeverityOriginal + ")"
	}
	if e.japanese {
		level = r.EffectiveSeverity().Japanese() + " (" + level + ")"
	}
	if r.SideCar.SeverityReason != "" {
		level += ": " + r.SideCar.SeverityReason
	}
	e.fact("severity", level)
	e.fact("language", string(r.Engine))
	formats := "every log type"
	if r.Formats != nil {
		formats = strings.Join(r.Formats, ", ")
	}
	e.fact("judges", formats)
	e.sideCar(r)
	e.fact("tags", strings.Join(r.Tags, ", "))
	e.fact("status", r.Status)
	e.fact("author", r.Author)
	e.fact("licence", r.License)
	if r.Silent {
		e.fact("silent", "it feeds correlations and makes no finding of its own")
	}
	description := r.Description
	if e.japanese && r.Japanese.Description != "" {
		description = r.Japanese.Description
	}
	if description != "" {
		e.line(0, "")
		e.line(1, "%s", report.Escape(strings.Join(strings.Fields(description), " ")))
	}
	for _, x := range r.References {
		e.fact("see", x)
	}
	e.line(0, "")
	if r.Correlation != nil {
		e.correlation(r.Correlation)
	} else {
		e.line(0, "fires on an event when")
		e.expr(1, r.When)
	}
	if names := fieldNames(r); names != nil {
		e.line(0, "")
		e.fact("reads", strings.Join(names, ", "))
	}
}

func (e *explainer) sideCar(r *rule.Rule) {
	c := &r.SideCar
	kind := string(c.Kind)
	if kind == "" {
		kind = "behaviour"
	}
	parts := "actor and first target"
	switch {
	case len(c.CauseKey) > 0:
		parts = strings.Join(c.CauseKey, ", ")
	case r.Correlation != nil: // a window has neither
		parts = strings.Join(r.Correlation.GroupBy, ", ")
	}
	if parts != "" {
		parts = " and " + parts
	}
	e.fact("kind", kind+"; one cause per account"+parts)
	if c.ResolvedBy != "" {
		by := c.ResolvedBy
		if found := e.rules.Lookup(by); len(found) == 1 && found[0].Title != by {
			by += " (" + found[0].Title + ")"
		}
		e.fact("resolved by", by)
	}
	for _, x := range c.Entities {
		e.fact("entity", x.Type+" from "+x.Field)
	}
	if c.Mode == rule.ModeCount {
		e.fact("mode", "counted and shown, not notified")
	}
}

func fieldNames(r *rule.Rule) []string {
	var names []string
	seen := map[string]bool{}
	for _, f := range r.Fields {
		if !seen[f.Name] {
			seen[f.Name] = true
			names = append(names, f.Name)
		}
	}
	return names
}

func (e *explainer) correlation(c *rule.Correlation) {
	what := map[rule.CorrelationType]string{
		rule.EventCount: "the number of events", rule.ValueCount: "the number of different values of " + strings.Join(c.Fields, ", "),
		rule.ValueSum: "the sum of " + strings.Join(c.Fields, ", "), rule.ValueAvg: "the average of " + strings.Join(c.Fields, ", "),
		rule.ValueMedian:     "the median of " + strings.Join(c.Fields, ", "),
		rule.ValuePercentile: fmt.Sprintf("the %g. percentile of %s", c.Percentile, strings.Join(c.Fields, ", ")),
	}[c.Type]
	e.line(0, "fires on a window of at most %s%s when", spanText(c.Timespan), groupText(c.GroupBy))
	switch c.Type {
	case rule.Temporal, rule.TemporalOrdered:
		order := "in any order"
		if c.Type == rule.TemporalOrdered {
			order = "in this order"
		}
		if c.Condition == nil {
			e.line(1, "all of these match, %s", order)
		} else {
			e.line(1, "these match, %s, as far as", order)
			e.expr(2, c.Condition)
		}
	default:
		bounds := make([]string, len(c.Bounds))
		for i, b := range c.Bounds {
			bounds[i] = fmt.Sprintf("%s %g", opWords(b.Op), b.Value)
		}
		e.line(1, "%s is %s, counted over", what, strings.Join(bounds, " and "))
	}
	for i, r := range c.Rules {
		name := r.Title
		if i < len(c.RuleNames) && c.RuleNames[i] != r.Title && c.RuleNames[i] != r.ID {
			name = c.RuleNames[i] + " (" + r.Title + ")"
		}
		e.line(1, "- %s", report.Escape(name))
		if r.When != nil {
			e.expr(3, r.When)
		}
	}
}

// spanText writes a duration in its greatest whole unit.
func spanText(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d / u.unit; n > 0 && d%u.unit == 0 {
			if n == 1 {
				return "1 " + u.name
			}
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return d.String()
}

func groupText(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return " for each " + strings.Join(fields, ", ")
}

// expr writes a condition, one clause per line.
func (e *explainer) expr(indent int, x query.Expr) {
	switch x := x.(type) {
	case *query.And:
		e.list(indent, "all of", "always", flat(x.X, func(inner query.Expr) []query.Expr {
			if and, ok := inner.(*query.And); ok {
				return and.X
			}
			return nil
		}))
	case *query.Or:
		e.list(indent, "one of", "never", flat(x.X, func(inner query.Expr) []query.Expr {
			if or, ok := inner.(*query.Or); ok {
				return or.X
			}
			return nil
		}))
	case *query.Not:
		e.line(indent, "not")
		e.expr(indent+1, x.X)
	case query.Const:
		e.line(indent, "%s", map[bool]string{true: "always", false: "never"}[bool(x)])
	case *query.Each:
		e.line(indent, "%s of %s:", map[query.Quant]string{query.EachAny: "a member", query.EachAll: "every member (one at least)",
			query.EachAllOrEmpty: "every member (or it is empty)", query.EachNone: "no member"}[x.Quant], report.Escape(x.Field.Name))
		e.expr(indent+1, x.Where)
	case *query.Pred:
		e.line(indent, "%s", report.Escape(predText(x)))
	}
}

// flat puts the parts of a list inside a list of the same kind into the outer one.
func flat(list []query.Expr, same func(query.Expr) []query.Expr) []query.Expr {
	var out []query.Expr
	for _, x := range list {
		if inner := same(x); len(inner) > 0 {
			out = append(out, flat(inner, same)...)
			continue
		}
		out = append(out, x)
	}
	return out
}

func (e *explainer) list(indent int, head, empty string, list []query.Expr) {
	switch len(list) {
	case 0:
		e.line(indent, "%s", empty)
	case 1:
		e.expr(indent, list[0])
	default:
		e.line(indent, "%s", head)
		for _, x := range list {
			e.expr(indent+1, x)
		}
	}
}

// opText says the question of an operator in words.
var opText = [...]string{
	query.Eq: "equals", query.Prefix: "starts with", query.Suffix: "ends with", query.Contains: "contains", query.Glob: "is like",
	query.Regex: "matches", query.CIDR: "is an address in", query.Lt: "is less than", query.Lte: "is at most", query.Gt: "is more than",
	query.Gte: "is at least", query.StrLt: "sorts before", query.StrLte: "sorts before or equals", query.StrGt: "sorts after",
	query.StrGte: "sorts after or equals", query.TimePart: "has as part of its time", query.Func: "satisfies", query.ListFunc: "satisfies",
}

func predText(p *query.Pred) string {
	switch p.Op {
	case query.Exists:
		if len(p.Args) > 0 && !p.Args[0].Bool {
			return p.Field.Name + " is absent"
		}
		return p.Field.Name + " is present"
	case query.IsNull:
		return p.Field.Name + " is absent or null"
	}
	s := p.Field.Name + " "
	if p.Op == query.Keyword {
		s = "any value "
	}
	switch {
	case p.Op == query.Keyword:
		s += "contains"
	case p.OpName != "" && (p.Op == query.Func || p.Op == query.ListFunc):
		s += p.OpName
	default:
		s += opText[p.Op]
	}
	if p.Ref != nil {
		return s + " the field " + p.Ref.Name + caseText(p)
	}
	args := make([]string, 0, min(len(p.Args), maxArgs))
	for i := range p.Args {
		if i == maxArgs {
			args = append(args, fmt.Sprintf("%d more", len(p.Args)-i))
			break
		}
		args = append(args, argText(p.Op, &p.Args[i]))
	}
	if len(args) == 0 {
		return s
	}
	return s + " " + strings.Join(args, " or ") + caseText(p)
}

// caseText says that a comparison of text tells capitals apart.
func caseText(p *query.Pred) string {
	switch p.Op {
	case query.Eq, query.Prefix, query.Suffix, query.Contains, query.Glob, query.Keyword:
		if !p.Fold {
			return " (case counts)"
		}
	}
	return ""
}

func argText(op query.Op, a *query.Arg) string {
	switch {
	case a.Shown != "":
		return strconv.Quote(a.Shown)
	case op == query.Regex && a.Regexp != nil:
		return "/" + a.Regexp.String() + "/"
	case op == query.CIDR:
		return a.Net.String()
	case a.Pattern != nil && a.Text == "":
		return strconv.Quote(a.Pattern.String())
	case op >= query.Lt && op <= query.Gte && a.Text == "":
		return strconv.FormatFloat(a.Num, 'g', -1, 64)
	case op == query.TimePart:
		unit := [...]string{query.Minute: "minute", query.Hour: "hour", query.Day: "day", query.Week: "week", query.Month: "month", query.Year: "year"}[a.Unit]
		cmp := ""
		if a.Cmp != query.Eq {
			cmp = " " + strings.TrimPrefix(opText[a.Cmp], "is")
		}
		return unit + cmp + " " + strconv.FormatFloat(a.Num, 'g', -1, 64)
	}
	return strconv.Quote(a.Text)
}

func opWords(op string) string {
	if w := map[string]string{"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most", "eq": "", "neq": "not"}[op]; w != "" {
		return w
	}
	return "exactly"
}
