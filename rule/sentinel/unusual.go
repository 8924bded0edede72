package sentinel

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/usual"
)

// kindUnusual is the kind, ours, of rules about what is unusual for an entity. They say no
// query: it is made of what they say.
const kindUnusual = "unusual"

var (
	// unusualKeys are those of rules of kind Unusual alone.
	unusualKeys = []string{"entity", "new", "rare", "travel", "where", "among", "formats", "period", "learning", "events", "fresh", "restless"}
	// queryKeys are those that such a rule cannot have.
	queryKeys = []string{"query", "language", "queryPeriod", "triggerOperator", "triggerThreshold", "entityMappings", "sentinelEntitiesMappings", "eventGroupingSettings"}
)

// allowed are the keys of a rule of a kind.
func allowed(kind string) []string {
	if kind == kindUnusual {
		return slices.Concat(keys, without, unusualKeys)
	}
	return slices.Concat(keys, without)
}

// unusual reads a rule of kind Unusual.
func (p *reader) unusual(r *Rule, o Options) {
	for _, k := range queryKeys {
		if n := p.keys[k]; n != nil {
			p.refuse(n, "a rule of kind Unusual has no "+k, "its query, and what its rows mean, are made of entity and new, rare or travel")
		}
	}
	s := &usual.Spec{Kind: usual.Actor}
	if n := p.keys["entity"]; n != nil {
		if s.Kind = usual.Kind(strings.ToLower(p.text(n, "entity"))); !slices.Contains(usual.Kinds(), s.Kind) {
			p.refuse(n, fmt.Sprintf("unknown entity %q", cut(n.Value)), "actor, access_key, account or address")
		}
	}
	p.unusualWhat(s)
	s.Every, s.Period = time.Hour, usual.DefaultPeriod
	if n := p.keys["queryFrequency"]; n != nil {
		s.Every = p.duration(n, "queryFrequency", time.Minute, 14*24*time.Hour)
	}
	if n := p.keys["period"]; n != nil {
		s.Period = p.duration(n, "period", time.Hour, 366*24*time.Hour)
	}
	s.Learning = usual.DefaultLearning
	if n := p.keys["learning"]; n != nil {
		s.Learning = p.duration(n, "learning", time.Minute, 366*24*time.Hour)
	}
	if s.Period > 0 && s.Every > 0 && s.Learning+s.Every > s.Period {
		p.refuse(cmp.Or(p.keys["period"], p.keys["learning"], p.keys["queryFrequency"]), fmt.Sprintf("the period of %s is not longer than learning (%s) and queryFrequency (%s) together", s.Period, s.Learning, s.Every),
			"nobody would ever be known for long enough")
	}
	if n := p.keys["fresh"]; n != nil {
		s.Fresh = p.duration(n, "fresh", time.Minute, 31*24*time.Hour)
	}
	s.Events = int64(p.number(p.keys["events"], "events", 1, 1_000_000))
	s.Restless = int(p.number(p.keys["restless"], "restless", 1, 1_000_000))
	s.Where, s.Among = p.condition("where"), p.condition("among")
	s.Formats = p.texts(p.keys["formats"], "formats")
	if slices.ContainsFunc(p.refusals, notWarning) {
		return
	}
	r.Unusual, r.Language, r.Query = s, SQL, s.Query()
	r.Schedule = &Schedule{Every: s.Every, Period: s.Period, Trigger: Greater}
	p.unusualRows(r, s)
	if o.Check == nil {
		return
	}
	c, fault := o.Check(SQL, r.Query)
	if fault != nil {
		p.refuse(cmp.Or(p.keys["where"], p.keys["among"]), fault.Reason, fault.Hint)
		return
	}
	for i, t := range s.Tables() {
		if !slices.Contains(c.Tables, t) {
			p.refuse(p.keys["formats"], fmt.Sprintf("unknown format %q", cut(s.Formats[i])), "docs/formats.md lists them")
		}
	}
	r.Tables, r.Formats, r.Columns = c.Tables, c.Formats, usual.RuleColumns
	if s.Travel {
		r.Columns = usual.TravelColumns
	}
	p.columns(r)
}

// unusualWhat reads which of new, rare and travel the rule is about.
func (p *reader) unusualWhat(s *usual.Spec) {
	var given []*yaml.Node
	for _, k := range []string{"new", "rare", "travel"} {
		if n := p.keys[k]; n != nil {
			given = append(given, n)
		}
	}
	if len(given) != 1 {
		p.refuse(cmp.Or(append(given, nil)...), fmt.Sprintf("the rule has %d of new, rare and travel", len(given)), "write one, such as new: network")
		return
	}
	dimension := func(n *yaml.Node, what string) {
		if n == nil {
			p.refuse(p.keys["rare"], "rare names no dimension", "rare: {of: api, below: 0.01, days: 3}")
			return
		}
		of, err := usual.ParseDimension(p.text(n, what))
		if s.Of = of; err != nil {
			p.refuse(n, what+": "+err.Error(), "")
		}
	}
	switch {
	case p.keys["new"] != nil:
		dimension(p.keys["new"], "new")
	case p.keys["rare"] != nil:
		m := p.mapping(p.keys["rare"], "rare", []string{"of", "below", "days"})
		s.Rare = true
		dimension(m["of"], "of")
		s.Share = p.number(m["below"], "below", 0, 1)
		s.Days = int(p.number(m["days"], "days", 1, 366))
	default:
		s.Travel = true
		var m map[string]*yaml.Node
		if n := p.keys["travel"]; n.Kind == yaml.ScalarNode {
			if !p.boolean(n, "travel", true) {
				p.refuse(n, "travel is false, so the rule is about nothing", "travel: true, or travel: {speed: 900, distance: 500}")
			}
		} else {
			m = p.mapping(n, "travel", []string{"speed", "distance", "shared"})
		}
		s.Speed = p.number(m["speed"], "speed", 1, 100_000)
		s.Distance = p.number(m["distance"], "distance", 1, 20_000)
		s.Shared = int(p.number(m["shared"], "shared", 1, 1_000_000))
		if s.Kind != usual.Actor && s.Kind != usual.AccessKey {
			p.refuse(cmp.Or(p.keys["entity"], p.keys["travel"]), fmt.Sprintf("an entity of the kind %s does not travel", s.Kind), "entity: actor or access_key")
		}
	}
	if s.Of != "" && (s.Kind == usual.Address && (s.Of == usual.Network || s.Of == usual.Country) || s.Kind == usual.OfAccount && s.Of == usual.Account) {
		p.refuse(cmp.Or(p.keys["new"], p.keys["rare"]), fmt.Sprintf("an entity of the kind %s has one %s and never another", s.Kind, s.Of), "")
	}
}

// number reads a number within bounds; 0, the default, where it is not there.
func (p *reader) number(n *yaml.Node, what string, least, most float64) float64 {
	if n == nil {
		return 0
	}
	v, err := strconv.ParseFloat(p.text(n, what), 64)
	if err != nil || !(v >= least && v <= most) || v == 0 {
		p.refuse(n, fmt.Sprintf("%s %q is no number from %g to %g", what, cut(n.Value), least, most), "")
		return 0
	}
	return v
}

// condition reads a condition of SQL, and places what is wrong with it.
func (p *reader) condition(key string) string {
	n := p.keys[key]
	if n == nil {
		return ""
	}
	text := p.text(n, key)
	at, err := usual.CheckCondition(n.Value)
	if err != nil {
		before := n.Value[:min(at, len(n.Value))]
		line, column, ok := placeOf(n, p.file.Data).at(1+strings.Count(before, "\n"), len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))+1)
		if !ok {
			line, column = n.Line, n.Column
		}
		p.refuse(&yaml.Node{Line: line, Column: column}, key+": "+err.Error(), "one condition over the columns of events: service = 'iam.amazonaws.com' AND outcome = 'success'")
	}
	return text
}

// unusualRows says what the rows of the rule mean.
func (p *reader) unusualRows(r *Rule, s *usual.Spec) {
	column := func(entity, identifier, name string) {
		r.Entities = append(r.Entities, Entity{Type: entity, Fields: []EntityField{{identifier, name}}})
	}
	if s.Kind != usual.Address {
		column("Account", "FullName", "actor")
	}
	column("IP", "Address", "src_ip")
	if s.Of == usual.Resource {
		column("AzureResource", "ResourceId", "target_id")
	}
	r.Details = append([]Detail{{"unusual", "unusual"}}, r.Details...)
	if r.Alert.Description == "" {
		r.Alert.Description = "{{unusual}}"
	}
	if len(r.SideCar.CauseKey) == 0 {
		switch s.Kind {
		case usual.AccessKey:
			r.SideCar.CauseKey = []string{"access_key"}
		case usual.OfAccount:
			r.SideCar.CauseKey = []string{"value"}
		case usual.Address:
			r.SideCar.CauseKey = []string{"src_ip"}
		}
	}
}
