package sentinel

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// keys are those of a rule. What stands in without is read by portals alone.
var (
	keys = []string{"id", "name", "displayName", "kind", "description", "severity", "status", "enabled", "query", "language",
		"queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold", "tactics", "techniques", "relevantTechniques", "subTechniques",
		"entityMappings", "sentinelEntitiesMappings", "customDetails", "alertDetailsOverride", "eventGroupingSettings", "incidentConfiguration",
		"suppressionDuration", "suppressionEnabled", "tags", "alertRuleTemplateName", "templateVersion", "yagura", "author", "references"}
	without = []string{"version", "metadata", "requiredDataConnectors", "tenantId", "lastModifiedUtc", "lastUpdatedDateUTC", "createdDateUTC", "previouslyDeployed",
		"alertRulesCreatedByTemplateCount", "etag", "type", "apiVersion", "location", "productFilter", "$schema", "dataTypes", "connectorId", "startTimeUtc"}
)

func (p *reader) rule(o Options) *Rule {
	p.title = strings.Trim(strings.TrimSpace(cmp.Or(scalar(p.node, "name"), scalar(p.node, "displayName"))), "'")
	p.keys = p.mapping(p.node, "the rule", allowed(strings.ToLower(cmp.Or(p.kind, scalar(p.node, "kind")))))
	r := &Rule{Rule: rule.Rule{Engine: yagura.EngineKQL, File: p.file.Path, Line: p.at.Line}, Language: KQL}
	r.Title = strings.Trim(strings.TrimSpace(cmp.Or(p.text(p.keys["name"], "name"), p.text(p.keys["displayName"], "displayName"))), "'")
	if r.Title == "" {
		p.refuse(nil, "the rule has no name", "write name: what it finds")
	}
	kind := strings.ToLower(cmp.Or(p.kind, p.text(p.keys["kind"], "kind")))
	switch kind {
	case "", "scheduled", "nrt", kindUnusual:
	default:
		p.refuse(cmp.Or(p.keys["kind"], value(p.at, "kind")), fmt.Sprintf("kind %s has no query: only Microsoft's service can judge it", cut(kind)), "rules of kind Scheduled and NRT can run here")
		return nil
	}
	r.ID, r.template = p.id(r.Title)
	r.Description = unquoted(p.text(p.keys["description"], "description"))
	r.Status = p.text(p.keys["status"], "status")
	r.Author = p.text(p.keys["author"], "author")
	r.References = p.texts(p.keys["references"], "references")
	if r.Disabled = !p.boolean(p.keys["enabled"], "enabled", true); strings.EqualFold(r.Status, "disabled") {
		r.Disabled = true
	}
	if kind == kindUnusual {
		r.Schedule = &Schedule{} // so that it must have a severity
		p.suppression(r)
	} else {
		p.language(r)
		p.schedule(r, kind)
		p.entities(r)
		p.grouping(r)
	}
	p.severity(r)
	p.attack(r)
	p.details(r)
	p.alert(r)
	p.incident(r)
	p.sideCar(r)
	if kind == kindUnusual {
		p.unusual(r, o)
	} else {
		p.query(r, o)
	}
	return r
}

// id is the rule's own, or that of the template it was made of, or one of its name.
func (p *reader) id(title string) (id string, template bool) {
	for i, s := range []string{p.text(p.keys["id"], "id"), p.name, p.text(p.keys["alertRuleTemplateName"], "alertRuleTemplateName")} {
		if s != "" && !strings.HasPrefix(s, "[") { // an expression of a template is no id
			return s[strings.LastIndexByte(s, '/')+1:], i == 2
		}
	}
	sum := sha256.Sum256([]byte(title))
	return "kql-" + hex.EncodeToString(sum[:8]), false
}

// unquoted drops the quotes that many rules have around a text within a block.
func unquoted(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 1 && s[0] == '\'' && s[len(s)-1] == '\'' {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}

func (p *reader) language(r *Rule) {
	if n := p.keys["language"]; n != nil {
		switch l := Language(strings.ToLower(p.text(n, "language"))); l {
		case KQL, SQL:
			r.Language = l
		default:
			p.refuse(n, fmt.Sprintf("unknown language %q", cut(n.Value)), "kql or sql")
		}
	}
}

// nearEvery is how often a rule of kind NRT runs.
const nearEvery = time.Minute

func (p *reader) schedule(r *Rule, kind string) {
	every, period := p.keys["queryFrequency"], p.keys["queryPeriod"]
	if kind == "nrt" {
		for _, n := range []*yaml.Node{every, period, p.keys["triggerOperator"], p.keys["triggerThreshold"]} {
			if n != nil {
				p.refuse(n, "a rule of kind NRT has no schedule of its own", "drop the key, or write kind: Scheduled")
			}
		}
		r.Schedule = &Schedule{Every: nearEvery, Period: nearEvery, Near: true, Trigger: Greater}
		return
	}
	if every == nil && period == nil && p.keys["triggerOperator"] == nil && kind == "" && !p.arm {
		return // a hunting query
	}
	s := &Schedule{Trigger: Greater}
	r.Schedule = s
	if every == nil {
		p.refuse(nil, "the rule has no queryFrequency", "write queryFrequency: 1h; a hunting query has neither queryFrequency nor kind")
	}
	s.Every = p.duration(every, "queryFrequency", time.Minute, 14*24*time.Hour)
	s.Period = s.Every
	if period != nil {
		if s.Period = p.duration(period, "queryPeriod", time.Minute, 366*24*time.Hour); s.Period > 0 && s.Every > s.Period {
			p.refuse(period, fmt.Sprintf("queryPeriod %s is shorter than queryFrequency %s", period.Value, every.Value), "events between two runs would never be looked at")
		}
	}
	if n := p.keys["triggerOperator"]; n != nil {
		op, ok := map[string]Operator{"gt": Greater, "greaterthan": Greater, "lt": Less, "lessthan": Less, "eq": Equal, "equal": Equal,
			"ne": NotEqual, "notequal": NotEqual}[strings.ToLower(p.text(n, "triggerOperator"))]
		if s.Trigger = op; !ok {
			p.refuse(n, fmt.Sprintf("unknown triggerOperator %q", cut(n.Value)), "gt, lt, eq, ne, or GreaterThan, LessThan, Equal, NotEqual")
		}
	}
	if n := p.keys["triggerThreshold"]; n != nil {
		v, err := strconv.ParseInt(p.text(n, "triggerThreshold"), 10, 64)
		if s.Threshold = v; err != nil || v < 0 || v > 10_000 {
			p.refuse(n, fmt.Sprintf("triggerThreshold %q is no number from 0 to 10000", cut(n.Value)), "")
		}
	}
	p.suppression(r)
}

func (p *reader) suppression(r *Rule) {
	if p.boolean(p.keys["suppressionEnabled"], "suppressionEnabled", p.keys["suppressionDuration"] != nil && !p.arm && p.keys["suppressionEnabled"] == nil) {
		if p.keys["suppressionDuration"] == nil {
			p.refuse(p.keys["suppressionEnabled"], "suppression is switched on without suppressionDuration", "write suppressionDuration: 5h")
		}
		r.Suppress = p.duration(p.keys["suppressionDuration"], "suppressionDuration", time.Minute, 31*24*time.Hour)
	}
}

func (p *reader) duration(n *yaml.Node, what string, least, most time.Duration) time.Duration {
	if n == nil {
		return 0
	}
	d, err := ParseDuration(p.text(n, what))
	switch {
	case err != nil:
		p.refuse(n, what+": "+err.Error(), "5m, 1h, 14d, or PT5M, P14D")
		return 0
	case d < least || d > most:
		p.refuse(n, fmt.Sprintf("%s %s is not between %s and %s", what, n.Value, least, most), "")
		return 0
	}
	return d
}

// Levels are what Sentinel's levels are here.
var levels = map[string]yagura.Severity{"high": yagura.SeverityHigh, "medium": yagura.SeverityMedium, "low": yagura.SeverityLow, "informational": yagura.SeverityNone}

// Level returns the severity that one of Sentinel's levels means, 0 for a word that is none.
func Level(word string) yagura.Severity { return levels[strings.ToLower(strings.TrimSpace(word))] }

func (p *reader) severity(r *Rule) {
	n := p.keys["severity"]
	r.SeverityOriginal = p.text(n, "severity")
	switch r.Severity = Level(r.SeverityOriginal); {
	case r.Severity != 0:
	case n != nil:
		p.refuse(n, fmt.Sprintf("unknown severity %q", cut(n.Value)), "High, Medium, Low or Informational")
	case r.Schedule != nil:
		p.refuse(nil, "the rule has no severity", "write severity: High, Medium, Low or Informational")
	default: // a hunting query finds nothing by itself
		r.Severity = yagura.SeverityNone
	}
}

var technique = regexp.MustCompile(`(?i)^t\d{4}(\.\d{3})?$`)

// attack makes tags of tactics and techniques, in the form of Sigma's.
func (p *reader) attack(r *Rule) {
	tag := func(s string) {
		if !slices.Contains(r.Tags, s) {
			r.Tags = append(r.Tags, s)
		}
	}
	for _, t := range p.texts(p.keys["tactics"], "tactics") {
		tag("attack." + Tactic(t))
	}
	for _, key := range []string{"relevantTechniques", "techniques", "subTechniques"} {
		for _, t := range p.texts(p.keys[key], key) {
			if !technique.MatchString(t) {
				p.warn(p.keys[key], fmt.Sprintf("%s %q is no technique of ATT&CK, and counts for none", key, cut(t)), "T1098 or T1098.001")
				continue
			}
			tag("attack." + strings.ToLower(t))
		}
	}
	for _, n := range p.items(p.keys["tags"], "tags") {
		if n.Kind == yaml.ScalarNode { // others describe the schema that the query expects
			tag(strings.TrimSpace(n.Value))
		}
	}
	if r.Tags == nil {
		r.Tags = []string{}
	}
}

// Tactic returns the name of a tactic as tags have it: PrivilegeEscalation is
// privilege-escalation.
func Tactic(s string) string {
	var b strings.Builder
	for i, c := range strings.TrimSpace(s) {
		switch {
		case c == ' ' || c == '_':
			c = '-'
		case c >= 'A' && c <= 'Z':
			if t := b.String(); i > 0 && !strings.HasSuffix(t, "-") {
				b.WriteByte('-')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (p *reader) sideCar(r *Rule) {
	r.SideCar.Kind = yagura.Behaviour
	if n := p.keys["yagura"]; n != nil {
		car, words, bad := rule.ParseSideCar(n, p.file.Path)
		p.refusals = append(p.refusals, bad...)
		if car.Kind != "" {
			r.SideCar, r.Japanese = car, words
		}
		if len(car.Entries) > 0 || len(car.CauseAlias) > 0 {
			p.refuse(n, "entries and cause_alias are of rules that judge single records", "name the columns of the rows in cause_key")
		}
	}
	if !r.Incident.Create && r.SideCar.Mode == "" {
		r.SideCar.Mode = rule.ModeCount
	}
}

// query has the query checked, and moves what is wrong to its place in the file.
func (p *reader) query(r *Rule, o Options) {
	n := p.keys["query"]
	if n == nil || p.text(n, "query") == "" {
		p.refuse(n, "the rule has no query", "")
		return
	}
	if len(n.Value) > maxQuery {
		p.refuse(n, fmt.Sprintf("the query has %d bytes, more than %d", len(n.Value), maxQuery), "")
		return
	}
	r.Query, r.query = n.Value, placeOf(n, p.file.Data)
	if o.Check == nil {
		return
	}
	c, fault := o.Check(r.Language, r.Query)
	if fault != nil {
		line, column, ok := r.query.at(fault.Line, fault.Column)
		reason := fault.Reason
		if !ok {
			reason = fmt.Sprintf("query line %d, column %d: %s", fault.Line, fault.Column, reason)
		}
		p.refusals = append(p.refusals, rule.Refusal{File: p.file.Path, Line: line, Column: column, Rule: p.title, Reason: reason, Hint: fault.Hint})
		return
	}
	r.Tables, r.Columns, r.Formats = c.Tables, c.Columns, c.Formats
	p.columns(r)
}
