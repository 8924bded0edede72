package rule

import (
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
)

// Rule is one detection, compiled from its file. Exactly one of When and
// Correlation is set; a rule that runs on a schedule (rule/sentinel) has neither.
type Rule struct {
	ID     string // Sigma's id, or for a language without ids the name
	Name   string // Sigma's short name, by which correlations refer to it
	Title  string
	Engine yagura.Engine
	File   string
	Line   int
	Tags   []string

	Severity         yagura.Severity
	SeverityOriginal string // as the file writes it

	Description    string
	Author         string
	License        string
	Status         string
	References     []string
	FalsePositives []string
	// Japanese holds title and description in Japanese where the side-car gives them.
	Japanese Words

	// Formats are the log types that the rule judges; nil means every one. For a rule
	// with routing off it is nil.
	Formats []string
	When    query.Expr
	// Checked says that the front end has compiled When: an engine need not prove it again.
	Checked bool
	// Fields lists the fields that the rule reads, for `rule check`.
	Fields []query.Field
	// Counted is there where the rule asks for the number of a record or the time since
	// the first one ([query.Meta]): the records that have a value in it are those that
	// are counted. All rules of one format that have it have the same.
	Counted *query.Field
	// Captures are fields whose values the engine hands on with every match: the
	// group-by fields and value fields of the correlations that refer to this rule.
	Captures []query.Field

	Correlation *Correlation
	// Silent rules feed correlations and make no finding of their own.
	Silent bool
	// Disabled rules are whole, and do not run: their file or configuration says so.
	Disabled bool
	// Waits names placeholders of the rule that have no value; it is disabled until they do.
	Waits []string
	// Exclusive, where not empty, names a group of rules of which only one speaks: of
	// those that match one event the first in load order makes its finding and the
	// others make none (Falco's rule_matching: first).
	Exclusive string

	// Output is the text of a finding; nil means the title.
	Output Output

	// Variants says, by format, what stands in place of When and its like for records
	// of a format in which the rule's fields are found elsewhere.
	Variants map[string]Variant

	SideCar SideCar
	// SideFields are fields that the side-car and overlays name and that the records
	// call otherwise (pipelines map their names). What is neither here nor among
	// Fields is the path that its name spells.
	SideFields []query.Field
}

// Variant is how a rule judges the records of one format. Its fields have the names
// and the order of the rule's own.
type Variant struct {
	When    query.Expr
	Fields  []query.Field
	Counted *query.Field
	Output  Output
}

// WholeFormats lists the formats of which the rule judges every record: those without
// a variant, which is about some records of a format. It is nil where Formats is.
func (r *Rule) WholeFormats() []string {
	if len(r.Variants) == 0 {
		return r.Formats
	}
	return slices.DeleteFunc(slices.Clone(r.Formats), func(f string) bool { _, part := r.Variants[f]; return part })
}

// On returns the rule as it judges records of a format.
func (r *Rule) On(format string) *Rule {
	v, ok := r.Variants[format]
	if !ok {
		return r
	}
	out := *r
	out.When, out.Fields, out.Counted, out.Output = v.When, v.Fields, v.Counted, v.Output
	return &out
}

// Words is text for people in one language.
type Words struct {
	Title, Description string
	Runbook            Runbook
}

// Runbook is what a person does about a finding, each in a sentence of its own.
type Runbook struct {
	Check []string // what to find out
	Do    []string // what to do where it is what it seems
}

// Output renders the text of a finding.
type Output interface {
	// Fields lists what the text needs.
	Fields() []query.Field
	// Render writes the text; in.Dep(i) holds the values of Fields()[i].
	Render(in query.Input) string
}

// SideCar is what Yagura knows of a rule beyond the rule's own language.
type SideCar struct {
	Kind yagura.Kind
	// CauseKey lists the parts that, with rule, account and tenant, make two findings
	// one cause: field names of the rule's records or header words such as "actor";
	// word=field gives the part another name, see [CausePart].
	// Empty means actor and first target.
	CauseKey []string
	// FormerCauseKeys are lists like CauseKey that the rule had before: findings carry the
	// keys that they would have made. The caller sets them, before the engine is made.
	FormerCauseKeys [][]string
	// Entries are lists of the record whose members are causes of their own, in groups: a
	// call with several entries is judged like as many calls of one. Of the groups the
	// first counts whose entries match; those of others add their CauseAlias where they
	// are the same cause. Lists may lie in members of others.
	Entries [][]string
	// CauseAlias lists parts like CauseKey, of a second name of the same cause, by which
	// the rule of ResolvedBy may know it too.
	CauseAlias []string
	// ResolvedBy names the rule (id or title) whose finding with the same cause key
	// closes the issue of this one.
	ResolvedBy string
	// NotedBy names, for a behaviour, the rule whose finding with the same cause key goes on
	// the timeline of this one's issue. It closes nothing.
	NotedBy string
	// Joins names another rule (id or title): a finding with the same cause key is of that
	// one's issue. Two logs that show one deed, a request and its grant, or a call and the
	// state that it left, have one issue this way. What joins a rule that resolves another
	// resolves it too. In place of a rule it may be [JoinsSharper] or [JoinsEvent].
	Joins string
	// Reason says why the rule has its level.
	Reason string
	// Data lists the logs that must be there for the rule to fire, each the name of a format
	// and, where more must be switched on than its own, what: "aws.cloudtrail S3 data events".
	Data []string
	// Runbook is in the language of the rule; Rule.Japanese has the other.
	Runbook Runbook
	// Entities adds entities to a finding.
	Entities []EntityField
	// Severity overrides the rule's own level; Reason says why.
	Severity       yagura.Severity
	SeverityReason string
	// Mode is "notify" (or "") or "count": counted and shown but not notified.
	Mode string
	// Named says where the side-car names other rules.
	Named []Named
}

// Named is a place at which a side-car names another rule.
type Named struct {
	Key          string // resolved_by, noted_by or joins
	Rule         string // id or title
	File         string
	Line, Column int
}

// FieldNames lists the fields that the side-car names.
func (c *SideCar) FieldNames() []string {
	var out []string
	for _, list := range append([][]string{c.CauseKey, c.CauseAlias}, c.FormerCauseKeys...) {
		for _, entry := range list {
			if word, name := CausePart(entry); !slices.Contains(HeaderWords(), word) {
				out = append(out, name)
			}
		}
	}
	for _, list := range c.Entries {
		out = append(out, list...)
	}
	for _, x := range c.Entities {
		out = append(out, x.Field)
	}
	return out
}

// EntityField takes an entity from a field of the record.
type EntityField struct {
	Type  string // a yagura.EntityType constant
	Field string
}

// Correlation is a rule about several events.
type Correlation struct {
	Type CorrelationType
	// Rules are the base rules, resolved; they may be correlations themselves.
	Rules []*Rule
	// RuleNames are the names by which Condition refers to Rules (same order).
	RuleNames []string
	// GroupBy names the group's fields. Base[i].Group says which Captures of Rules[i] hold them.
	GroupBy []string
	Base    []BaseCapture
	// Carry names fields beyond GroupBy whose values, of all base matches of a window, its
	// finding hands on to the correlations that are built on this one.
	Carry []string
	// Timespan is the longest distance of the first and the last event of a window.
	Timespan time.Duration
	// Bounds are the comparisons that the count (or sum, average, percentile,
	// median) must all satisfy: gte 10, or a range of two.
	Bounds []Bound
	// Percentile is the rank of value_percentile, 0–100.
	Percentile float64
	// Condition is an extended condition over RuleNames for the temporal types; nil
	// means that every base rule must match.
	Condition query.Expr
	// Fields names the value fields of the value_ types; value_count may have several.
	Fields []string
}

// BaseCapture says where the values of one base rule stand, as indexes into its
// Captures; for a base that is a correlation, into its GroupBy and from len(GroupBy)
// on into its Carry.
type BaseCapture struct {
	Group  []int // for each GroupBy
	Values []int // for each value field; of numbers none may be in a base's Carry
	Carry  []int // for each Carry
}

// CorrelationType is what a correlation measures.
type CorrelationType string

// The types of Sigma 2.1.
const (
	EventCount      CorrelationType = "event_count"
	ValueCount      CorrelationType = "value_count"
	ValueSum        CorrelationType = "value_sum"
	ValueAvg        CorrelationType = "value_avg"
	ValuePercentile CorrelationType = "value_percentile"
	ValueMedian     CorrelationType = "value_median"
	Temporal        CorrelationType = "temporal"
	TemporalOrdered CorrelationType = "temporal_ordered"
)

// Bound is one comparison of a correlation's condition.
type Bound struct {
	Op    string // gt gte lt lte eq neq
	Value float64
}

// Refusal says why a rule, or a whole file, was not loaded.
type Refusal struct {
	File         string
	Line, Column int
	Rule         string // title or name, where known
	Code         string // a stable code where the language has one (LOAD_ERR_YAML_PARSE …)
	Reason       string
	Hint         string
	// Warning is true when the rule was loaded all the same, or was left out because it
	// asks for that itself.
	Warning bool
}

// Error makes a Refusal an error: file:line:column: reason (hint: …).
func (r *Refusal) Error() string {
	s := r.File
	if r.Line > 0 {
		s += fmt.Sprintf(":%d:%d", r.Line, max(r.Column, 1))
	}
	if r.Rule != "" {
		s += fmt.Sprintf(": rule %q", r.Rule)
	}
	s += ": " + r.Reason
	if r.Hint != "" {
		s += " (hint: " + r.Hint + ")"
	}
	return s
}

// File is one rule file as read by the caller: this room does no I/O.
type File struct {
	Path string
	Data []byte
	// Tree is Data parsed, as the language that reads it writes it down; empty where it is
	// not there, or another version wrote it.
	Tree []byte
}
