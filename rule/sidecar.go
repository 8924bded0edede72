package rule

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// Modes of a [SideCar].
const (
	ModeNotify = "notify"
	ModeCount  = "count"
)

// Words that stand in [SideCar].Joins for no rule in particular: a finding is of the issue
// of what another rule finds in the same event at the rule's level or above, and has its own
// where none does. JoinsSharper is for a general rule, beside which others know more of the
// same deed; JoinsEvent for one that says how something was done (past the pipeline, with a
// tool of attackers), which goes to the issue of a general rule too.
const (
	JoinsSharper = "sharper"
	JoinsEvent   = "event"
)

// HeaderWords are the words of a cause key that mean a part of the event's header
// and not a field of the record.
func HeaderWords() []string {
	return []string{"account", "region", "actor", "target", "src_ip", "action"}
}

// CausePart splits one entry of [SideCar.CauseKey]. An entry is a header word, a
// field, or word=field: the field under a word of its own, so that two rules that
// read the same thing from different fields write the same key
// (allocation=responseElements.allocationId). Without a word the field is its own.
func CausePart(entry string) (word, field string) {
	entry, _, _ = strings.Cut(entry, "!=")
	if word, field, ok := strings.Cut(entry, "="); ok {
		return word, field
	}
	return entry, entry
}

// CauseExcept returns the value that an entry of [SideCar.CauseKey] counts as none:
// port=fromPort!=-1 is a part where the port is another than -1. It is "" for none.
func CauseExcept(entry string) string {
	_, value, _ := strings.Cut(entry, "!=")
	return value
}

// entityTypes lists the entity types that a side-car may name.
var entityTypes = []string{
	yagura.EntityUser, yagura.EntityRole, yagura.EntitySession, yagura.EntityServicePrincipal, yagura.EntityKey,
	yagura.EntityIP, yagura.EntityDomain, yagura.EntityHost, yagura.EntityResource, yagura.EntityAccount,
}

// sideCarKeys are the keys of a side-car, in the order of the reference.
var sideCarKeys = []string{"kind", "cause_key", "cause_alias", "entries", "resolved_by", "noted_by", "joins", "entities", "severity", "reason", "mode", "data", "runbook", "ja"}

// maxSideCarList bounds the lists of a side-car.
const maxSideCarList = 64

// EffectiveSeverity returns the severity of the rule's findings: that of the
// side-car where it names one, else the rule's own.
func (r *Rule) EffectiveSeverity() yagura.Severity {
	if r.SideCar.Severity != 0 {
		return r.SideCar.Severity
	}
	return r.Severity
}

// ParseSideCar reads the value of the top-level key `yagura` of a rule. Words is
// the Japanese title and description. Every refusal but a warning means that the
// rule must be refused; the file, line and column are those of the fault. The
// form is written out in docs/detections.md.
func ParseSideCar(node *yaml.Node, file string) (SideCar, Words, []Refusal) {
	p := &sideCarParser{file: file}
	given := p.parse(node, nil)
	if given.has("resolved_by") && p.car.Kind == yagura.Behaviour {
		p.refuse(given.at("resolved_by"), "resolved_by in a rule of kind behaviour",
			"a behaviour never closes by itself; use kind: posture, or noted_by, which puts the event on the timeline")
	}
	if given.has("noted_by") && p.car.Kind == yagura.Posture {
		p.refuse(given.at("noted_by"), "noted_by in a rule of kind posture", "use resolved_by, which closes the issue")
	}
	if p.ok() && p.car.Kind == "" {
		p.refuse(node, "kind is missing", "write kind: posture or kind: behaviour")
	}
	if !p.ok() {
		return SideCar{}, Words{}, p.refusals
	}
	return p.car, p.words, p.refusals
}

// given holds the value node of each key that a side-car or overlay names.
type given map[string]*yaml.Node

func (g given) has(key string) bool      { return g[key] != nil }
func (g given) at(key string) *yaml.Node { return g[key] }

// sideCarParser reads one side-car and collects what is wrong with it.
type sideCarParser struct {
	file     string
	car      SideCar
	words    Words
	refusals []Refusal
}

func (p *sideCarParser) ok() bool {
	return !slices.ContainsFunc(p.refusals, func(r Refusal) bool { return !r.Warning })
}

func (p *sideCarParser) refuse(n *yaml.Node, reason, hint string) {
	r := Refusal{File: p.file, Reason: reason, Hint: hint}
	if n != nil {
		r.Line, r.Column = n.Line, n.Column
	}
	p.refusals = append(p.refusals, r)
}

// mapping returns the pairs of a mapping whose keys are all in allowed.
func (p *sideCarParser) mapping(n *yaml.Node, what string, allowed []string) given {
	n = resolved(n)
	if n == nil || n.Kind != yaml.MappingNode {
		p.refuse(n, what+" is not a mapping", "write "+strings.Join(allowed, ", ")+" as keys")
		return nil
	}
	out := given{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		switch {
		case key.Kind != yaml.ScalarNode || !slices.Contains(allowed, key.Value):
			p.refuse(key, fmt.Sprintf("unknown key %q in %s", key.Value, what), didYouMean(key.Value, allowed))
		case out[key.Value] != nil:
			p.refuse(key, fmt.Sprintf("key %q appears twice in %s", key.Value, what), "keep one of them")
		case value == nil:
			p.refuse(key, fmt.Sprintf("key %q has no value", key.Value), "")
		default:
			out[key.Value] = value
		}
	}
	return out
}

// text returns a scalar that is not empty.
func (p *sideCarParser) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.refuse(n, what+" is not text", "")
		return ""
	}
	s := strings.TrimSpace(n.Value)
	if s == "" {
		p.refuse(n, what+" is empty", "write a value or drop the key")
	}
	return s
}

// choice returns one of words.
func (p *sideCarParser) choice(n *yaml.Node, what string, words ...string) string {
	s := p.text(n, what)
	if s != "" && !slices.Contains(words, s) {
		p.refuse(n, fmt.Sprintf("unknown %s %q", what, s), didYouMean(s, words))
		return ""
	}
	return s
}

// texts returns a list of scalars; one scalar stands for a list of one.
func (p *sideCarParser) texts(n *yaml.Node, what string) []string {
	var out []string
	for _, item := range p.items(n, what) {
		s := p.text(item, what+" entry")
		if s == "" {
			continue
		}
		if slices.Contains(out, s) {
			p.refuse(item, fmt.Sprintf("%s names %q twice", what, s), "keep one of them")
			continue
		}
		out = append(out, s)
	}
	return out
}

// items returns the members of a list; anything else stands for a list of one.
func (p *sideCarParser) items(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	if len(n.Content) == 0 {
		p.refuse(n, what+" is empty", "write a value or drop the key")
	}
	if len(n.Content) > maxSideCarList {
		p.refuse(n, fmt.Sprintf("%s has %d entries, more than %d", what, len(n.Content), maxSideCarList), "")
		return nil
	}
	out := make([]*yaml.Node, 0, len(n.Content))
	for _, item := range n.Content {
		if item = resolved(item); item != nil {
			out = append(out, item)
		}
	}
	return out
}

// parse reads the keys of a side-car, and those in more, which it leaves to the
// caller.
func (p *sideCarParser) parse(node *yaml.Node, more []string) given {
	what := "yagura"
	if more != nil {
		what = "overlay"
	}
	keys := p.mapping(node, what, append(slices.Clone(more), sideCarKeys...))
	if n := keys.at("kind"); n != nil {
		p.car.Kind = yagura.Kind(p.choice(n, "kind", string(yagura.Posture), string(yagura.Behaviour)))
	}
	if n := keys.at("cause_key"); n != nil {
		p.car.CauseKey = p.parts(n, "cause_key")
	}
	if n := keys.at("cause_alias"); n != nil {
		p.car.CauseAlias = p.parts(n, "cause_alias")
	}
	if n := keys.at("entries"); n != nil {
		for _, item := range p.items(n, "entries") {
			p.car.Entries = append(p.car.Entries, p.texts(item, "entries"))
		}
	}
	p.car.ResolvedBy = p.other(keys, "resolved_by")
	p.car.NotedBy = p.other(keys, "noted_by")
	p.car.Joins = p.other(keys, "joins")
	if n := keys.at("reason"); n != nil {
		p.car.Reason = p.text(n, "reason")
	}
	if n := keys.at("data"); n != nil {
		p.car.Data = p.texts(n, "data")
	}
	if n := keys.at("runbook"); n != nil {
		p.car.Runbook = p.runbook(n, "runbook")
	}
	if n := keys.at("mode"); n != nil {
		p.car.Mode = p.choice(n, "mode", ModeNotify, ModeCount)
	}
	if n := keys.at("entities"); n != nil {
		for _, item := range p.items(n, "entities") {
			p.entity(item)
		}
	}
	if n := keys.at("severity"); n != nil {
		p.severity(n)
	}
	if n := keys.at("ja"); n != nil {
		ja := p.mapping(n, "ja", []string{"title", "description", "runbook"})
		for key, to := range map[string]*string{"title": &p.words.Title, "description": &p.words.Description} {
			if v := ja.at(key); v != nil {
				*to = p.text(v, "ja."+key)
			}
		}
		if v := ja.at("runbook"); v != nil {
			p.words.Runbook = p.runbook(v, "ja.runbook")
		}
	}
	return keys
}

// other reads a key that names another rule.
func (p *sideCarParser) other(keys given, key string) string {
	n := keys.at(key)
	if n == nil {
		return ""
	}
	name := p.text(n, key)
	if name != "" && (key != "joins" || name != JoinsSharper && name != JoinsEvent) {
		p.car.Named = append(p.car.Named, Named{key, name, p.file, n.Line, n.Column})
	}
	return name
}

func (p *sideCarParser) runbook(n *yaml.Node, what string) (out Runbook) {
	keys := p.mapping(n, what, []string{"check", "do"})
	for key, to := range map[string]*[]string{"check": &out.Check, "do": &out.Do} {
		if v := keys.at(key); v != nil {
			*to = p.texts(v, what+"."+key)
		}
	}
	return out
}

// parts reads the entries of a cause key.
func (p *sideCarParser) parts(n *yaml.Node, what string) []string {
	list := p.texts(n, what)
	for _, entry := range list {
		word, field := CausePart(entry)
		switch {
		case word == "" || field == "" || strings.Contains(field, "=") || strings.HasSuffix(entry, "!="):
			p.refuse(n, fmt.Sprintf("%s entry %q is not word=field", what, entry), "write a header word, a field, one word=field, or word=field!=value")
		case (word != field || CauseExcept(entry) != "") && (slices.Contains(HeaderWords(), word) || slices.Contains(HeaderWords(), field)):
			p.refuse(n, fmt.Sprintf("%s entry %q gives a header word another name or meaning", what, entry), "header words stand alone: "+strings.Join(HeaderWords(), ", "))
		}
	}
	return list
}

func (p *sideCarParser) entity(n *yaml.Node) {
	keys := p.mapping(n, "entities entry", []string{"type", "field"})
	if keys == nil {
		return
	}
	var e EntityField
	for _, key := range []string{"type", "field"} {
		v := keys.at(key)
		switch {
		case v == nil:
			p.refuse(n, "entities entry has no "+key, "write {type: user, field: requestParameters.userName}")
		case key == "type":
			e.Type = p.choice(v, "entity type", entityTypes...)
		default:
			e.Field = p.text(v, "entity field")
		}
	}
	if e.Type != "" && e.Field != "" {
		p.car.Entities = append(p.car.Entities, e)
	}
}

func (p *sideCarParser) severity(n *yaml.Node) {
	keys := p.mapping(n, "severity", []string{"level", "reason"})
	if keys == nil {
		return
	}
	level, reason := keys.at("level"), keys.at("reason")
	if level == nil {
		p.refuse(n, "severity has no level", "write {level: low, reason: why}")
		return
	}
	if name := p.text(level, "severity level"); name != "" {
		sev, err := yagura.ParseSeverity(name)
		if err != nil {
			p.refuse(level, err.Error(), "")
		}
		p.car.Severity = sev
	}
	if reason == nil {
		p.refuse(n, "severity has no reason", "say in one sentence why the rule's own level does not fit")
		return
	}
	p.car.SeverityReason = p.text(reason, "severity reason")
}

// resolved follows an alias to the node it names. One step is enough, as an anchor
// cannot be an alias; and no more than one is safe, as an alias may stand inside itself.
func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// didYouMean returns a hint with the word of words nearest to got, or all of them.
func didYouMean(got string, words []string) string {
	best, dist := "", 3
	for _, w := range words {
		if d := Distance(strings.ToLower(got), w, dist); d < dist {
			best, dist = w, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "one of " + strings.Join(words, ", ")
}
