package detect

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// correlation is a rule about several events, ready to be evaluated. Correlations
// are numbered so that one comes after those that it is built on.
type correlation struct {
	num  int // of the rule in the engine
	rule *rule.Rule
	*rule.Correlation
	shape shape
	// positive has, by base rule, whether the condition of a temporal type names it
	// without a Not.
	positive []bool
	cond     cond
}

// shape says how windows of a correlation are cut; see doc.go.
type shape uint8

const (
	sliding  shape = iota // fires as soon as it holds, and more events change nothing
	tumbling              // judged when the window ends
	absence               // temporal with a rule that must not occur
)

// cond answers a condition from the base rules that occurred.
type cond func(occurred func(base int) bool) bool

func (e *Engine) newCorrelation(num int, number map[*rule.Rule]int) (*correlation, error) {
	r := e.rules[num]
	c := &correlation{num: num, rule: r, Correlation: r.Correlation}
	if len(c.Rules) == 0 || len(c.Base) != len(c.Rules) {
		return nil, fmt.Errorf("a correlation needs base rules, each with its captures")
	}
	if len(c.Rules) > math.MaxUint16 { // a record has two bytes for the base rule
		return nil, fmt.Errorf("a correlation of %d rules; at most %d are told apart", len(c.Rules), math.MaxUint16)
	}
	if c.Timespan < time.Nanosecond {
		return nil, fmt.Errorf("timespan %s: want more than zero", c.Timespan)
	}
	if r.EffectiveSeverity() == 0 {
		return nil, fmt.Errorf("severity is empty")
	}
	if r.Output != nil {
		return nil, fmt.Errorf("a correlation has no output template")
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	for _, entry := range r.SideCar.CauseKey {
		_, name := rule.CausePart(entry)
		if !isHeaderWord(name) && !slices.Contains(c.GroupBy, name) {
			return nil, fmt.Errorf("cause_key: %q is neither a word of the header nor a group-by field", name)
		}
	}
	for _, x := range r.SideCar.Entities {
		if !slices.Contains(c.GroupBy, x.Field) {
			return nil, fmt.Errorf("entities: %q is not a group-by field", x.Field)
		}
	}
	for i, base := range c.Rules {
		b := number[base]
		if err := c.checkBase(base, c.Base[i]); err != nil {
			return nil, fmt.Errorf("base rule %q: %w", base.Title, err)
		}
		e.info[b].feeds = append(e.info[b].feeds, feed{corr: len(e.corrs), base: i})
	}
	return c, nil
}

// checkBase compares where the values of a base rule stand with what it has.
func (c *correlation) checkBase(base *rule.Rule, at rule.BaseCapture) error {
	width, single := len(base.Captures), len(base.Captures)
	if base.Correlation != nil {
		single = len(base.Correlation.GroupBy)
		width = single + len(base.Correlation.Carry)
	}
	if len(at.Group) != len(c.GroupBy) {
		return fmt.Errorf("%d group fields, want %d", len(at.Group), len(c.GroupBy))
	}
	if c.valued() && len(at.Values) != len(c.Fields) {
		return fmt.Errorf("%d value fields, want %d", len(at.Values), len(c.Fields))
	}
	if len(at.Carry) != len(c.Carry) {
		return fmt.Errorf("%d fields to carry, want %d", len(at.Carry), len(c.Carry))
	}
	for _, k := range slices.Concat(at.Group, at.Values, at.Carry) {
		if k < 0 || k >= width {
			return fmt.Errorf("it hands on %d fields, want field %d", width, k)
		}
	}
	if c.valued() && c.Type != rule.ValueCount && at.Values[0] >= single {
		return fmt.Errorf("a finding has no one number in field %d", at.Values[0])
	}
	return nil
}

// valued reports whether c measures the values of a field.
func (c *correlation) valued() bool {
	switch c.Type {
	case rule.EventCount, rule.Temporal, rule.TemporalOrdered:
		return false
	}
	return true
}

func (c *correlation) temporal() bool {
	return c.Type == rule.Temporal || c.Type == rule.TemporalOrdered
}

// check refuses what cannot be evaluated, and chooses the shape.
func (c *correlation) check() error {
	for _, b := range c.Bounds {
		switch b.Op {
		case "gt", "gte":
		case "lt", "lte", "eq", "neq":
			c.shape = tumbling
		default:
			return fmt.Errorf("unknown comparison %q", b.Op)
		}
	}
	switch c.Type {
	case rule.EventCount, rule.ValueCount, rule.ValueSum:
	case rule.ValueAvg, rule.ValueMedian, rule.ValuePercentile:
		c.shape = tumbling
		if c.Type == rule.ValuePercentile && !(c.Percentile >= 0 && c.Percentile <= 100) {
			return fmt.Errorf("percentile %v: want 0 to 100", c.Percentile)
		}
	case rule.Temporal, rule.TemporalOrdered:
		return c.checkTemporal()
	default:
		return fmt.Errorf("unknown correlation type %q", c.Type)
	}
	if c.Condition != nil {
		return fmt.Errorf("type %s takes no condition over rules", c.Type)
	}
	if len(c.Bounds) == 0 {
		return fmt.Errorf("type %s needs a condition", c.Type)
	}
	if c.valued() && len(c.Fields) == 0 {
		return fmt.Errorf("type %s needs a field", c.Type)
	}
	if c.Type != rule.ValueCount && len(c.Fields) > 1 {
		return fmt.Errorf("type %s takes one field", c.Type)
	}
	return nil
}

func (c *correlation) checkTemporal() error {
	if len(c.Bounds) > 0 {
		return fmt.Errorf("type %s takes no comparison", c.Type)
	}
	c.positive = make([]bool, len(c.Rules))
	if c.Condition == nil {
		for i := range c.positive {
			c.positive[i] = true
		}
		n := len(c.Rules)
		c.cond = func(occurred func(int) bool) bool {
			for i := range n {
				if !occurred(i) {
					return false
				}
			}
			return true
		}
		c.shape = sliding
		return nil
	}
	negated := make([]bool, len(c.Rules))
	f, err := c.compileCond(c.Condition, false, negated, 0)
	if err != nil {
		return err
	}
	c.cond = f
	if f(func(int) bool { return false }) {
		return fmt.Errorf("the condition holds without any event")
	}
	// With an order, what is named and what is not decides together; without a Not, more
	// events never undo what holds.
	c.shape = absence
	if c.Type == rule.Temporal && !slices.Contains(negated, true) {
		c.shape = sliding
	}
	if !slices.Contains(c.positive, true) {
		return fmt.Errorf("the condition names no rule that must occur")
	}
	return nil
}

// maxCondDepth bounds the levels of a condition: more than any that is loaded, as a
// refusal here is one of all rules.
const maxCondDepth = 1000

// compileCond reads a condition whose predicates name base rules by their field.
func (c *correlation) compileCond(x query.Expr, not bool, negated []bool, depth int) (cond, error) {
	if depth > maxCondDepth {
		return nil, fmt.Errorf("condition nested deeper than %d", maxCondDepth)
	}
	list := func(terms []query.Expr, all bool) (cond, error) {
		var fs []cond
		for _, t := range terms {
			f, err := c.compileCond(t, not, negated, depth+1)
			if err != nil {
				return nil, err
			}
			fs = append(fs, f)
		}
		return func(occurred func(int) bool) bool {
			for _, f := range fs {
				if f(occurred) != all {
					return !all
				}
			}
			return all
		}, nil
	}
	switch x := x.(type) {
	case *query.And:
		return list(x.X, true)
	case *query.Or:
		return list(x.X, false)
	case *query.Not:
		f, err := c.compileCond(x.X, !not, negated, depth+1)
		if err != nil {
			return nil, err
		}
		return func(occurred func(int) bool) bool { return !f(occurred) }, nil
	case query.Const:
		return func(func(int) bool) bool { return bool(x) }, nil
	case *query.Pred:
		i := slices.Index(c.RuleNames, x.Field.Name)
		if i < 0 {
			return nil, fmt.Errorf("the condition names %q, which is none of its rules", x.Field.Name)
		}
		if not {
			negated[i] = true
		} else {
			c.positive[i] = true
		}
		return func(occurred func(int) bool) bool { return occurred(i) }, nil
	}
	return nil, fmt.Errorf("unknown condition %T", x)
}
