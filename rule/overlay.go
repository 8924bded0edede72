package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// Overlay is a side-car that stands in a file of its own, for rules that somebody
// else wrote. It names its rules and replaces those parts of their side-cars that
// it gives.
type Overlay struct {
	File         string
	Line, Column int
	// Rules are ids, names or titles. Empty means every rule of Engine.
	Rules []string
	// Engine narrows the overlay to rules of one language; "" means any.
	Engine yagura.Engine
	// SideCar holds what the overlay gives; the zero value of a part leaves the
	// rule's own.
	SideCar  SideCar
	Japanese Words
	// Enabled switches rules on or off; nil leaves them as they are.
	Enabled *bool
	// Changed says who wrote the overlay, for overlays that a program writes.
	Changed Changed
	names   []*yaml.Node // of Rules, for warnings
}

// Changed is who changed something, when and why.
type Changed struct{ By, At, Reason string }

const (
	maxOverlayFile = 4 << 20
	maxOverlays    = 100_000
)

// ParseOverlay reads the overlay documents of one file. An overlay with a fault is
// refused alone; the others of the file are returned.
//
//	overlay:
//	  rules: [Assume Role Misuse]   # ids, names or titles; or engine: falco for all of them
//	  enabled: false                # they do not run
//	  mode: count
//	  severity: {level: low, reason: every role of ours does this all day}
func ParseOverlay(f File) ([]Overlay, []Refusal) {
	if len(f.Data) > maxOverlayFile {
		return nil, []Refusal{{File: f.Path, Reason: fmt.Sprintf("overlay file of %d bytes is larger than %d", len(f.Data), maxOverlayFile)}}
	}
	var overlays []Overlay
	var refusals []Refusal
	dec := yaml.NewDecoder(bytes.NewReader(f.Data))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			return overlays, refusals
		} else if err != nil {
			line := yamlErrorLine(err)
			return overlays, append(refusals, Refusal{File: f.Path, Line: line, Column: min(line, 1), Reason: err.Error()})
		}
		if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
			continue
		}
		o, bad := parseOverlayDocument(doc.Content[0], f.Path)
		refusals = append(refusals, bad...)
		if o != nil {
			overlays = append(overlays, *o)
		}
		if len(overlays) > maxOverlays {
			return overlays, append(refusals, Refusal{File: f.Path, Reason: fmt.Sprintf("more than %d overlays in one file", maxOverlays)})
		}
	}
}

// yamlErrorLine returns the line that a YAML syntax error names, or 0.
func yamlErrorLine(err error) int {
	var line int
	if _, scanErr := fmt.Sscanf(err.Error(), "yaml: line %d:", &line); scanErr != nil {
		return 0
	}
	return line
}

func parseOverlayDocument(top *yaml.Node, file string) (*Overlay, []Refusal) {
	p := &sideCarParser{file: file}
	body := p.mapping(top, "overlay document", []string{"overlay"}).at("overlay")
	if body == nil {
		if p.ok() {
			p.refuse(top, "document has no key overlay", "an overlay file holds overlay documents only")
		}
		return nil, p.refusals
	}
	keys := p.parse(body, []string{"rules", "engine", "enabled", "changed"})
	o := &Overlay{File: file, Line: body.Line, Column: body.Column}
	if n := keys.at("rules"); n != nil {
		for _, item := range p.items(n, "rules") {
			name := p.text(item, "rules entry")
			if name != "" && slices.Contains(o.Rules, name) {
				p.refuse(item, fmt.Sprintf("rules names %q twice", name), "keep one of them")
			}
			o.Rules = append(o.Rules, name)
			o.names = append(o.names, item)
		}
	}
	if n := keys.at("engine"); n != nil {
		o.Engine = yagura.Engine(p.choice(n, "engine", string(yagura.EngineSigma), string(yagura.EngineFalco), string(yagura.EngineKQL)))
	}
	if n := keys.at("enabled"); n != nil {
		on := p.choice(n, "enabled", "true", "false") == "true"
		o.Enabled = &on
	}
	changes := len(keys)
	for _, key := range []string{"rules", "engine", "changed"} {
		if keys.has(key) {
			changes--
		}
	}
	if n := keys.at("changed"); n != nil {
		who := p.mapping(n, "changed", []string{"by", "at", "reason"})
		for key, to := range map[string]*string{"by": &o.Changed.By, "at": &o.Changed.At, "reason": &o.Changed.Reason} {
			if who.has(key) {
				*to = p.text(who.at(key), "changed."+key)
			}
		}
	}
	switch {
	case !p.ok():
	case !keys.has("rules") && !keys.has("engine"):
		p.refuse(body, "overlay names no rules", "write rules: [id or title], or engine: falco for every Falco rule")
	case changes == 0:
		p.refuse(body, "overlay changes nothing", "give at least one of enabled, kind, cause_key, resolved_by, noted_by, entities, severity, mode, ja")
	}
	if !p.ok() {
		return nil, p.refusals
	}
	o.SideCar, o.Japanese = p.car, p.words
	return o, p.refusals
}

// ApplyOverlays changes the side-cars of rules. Overlays apply in their order, so a
// later one wins. An overlay that names a rule which is not loaded is a warning; one
// that would make a behaviour close by itself is refused and not applied.
func ApplyOverlays(rules []*Rule, overlays []Overlay) []Refusal {
	byName := map[string][]*Rule{}
	for _, r := range rules {
		seen := map[string]bool{"": true}
		for _, name := range []string{r.ID, r.Name, r.Title} {
			if !seen[name] {
				seen[name] = true
				byName[name] = append(byName[name], r)
			}
		}
	}
	var refusals []Refusal
	for i := range overlays {
		o := &overlays[i]
		if len(o.Rules) == 0 {
			for _, r := range rules {
				if r.Engine == o.Engine {
					refusals = append(refusals, o.apply(r)...)
				}
			}
			continue
		}
		done := map[*Rule]bool{}
		for j, name := range o.Rules {
			found := false
			for _, r := range byName[name] {
				if o.Engine != "" && r.Engine != o.Engine {
					continue
				}
				found = true
				if !done[r] {
					done[r] = true
					refusals = append(refusals, o.apply(r)...)
				}
			}
			if !found {
				w := Refusal{File: o.File, Line: o.Line, Column: o.Column, Warning: true,
					Reason: fmt.Sprintf("overlay names %q, which is no loaded rule", name),
					Hint:   "use the rule's id, name or exact title"}
				if j < len(o.names) {
					w.Line, w.Column = o.names[j].Line, o.names[j].Column
				}
				refusals = append(refusals, w)
			}
		}
	}
	return refusals
}

// apply lays o over one rule.
func (o *Overlay) apply(r *Rule) []Refusal {
	car, ja := r.SideCar, r.Japanese
	car.Named = slices.DeleteFunc(slices.Clone(car.Named), func(n Named) bool { // what the overlay replaces
		return n.Key == "resolved_by" && o.SideCar.Kind == yagura.Behaviour ||
			slices.ContainsFunc(o.SideCar.Named, func(x Named) bool { return x.Key == n.Key })
	})
	car.Named = append(car.Named, o.SideCar.Named...)
	if o.SideCar.Kind != "" {
		car.Kind = o.SideCar.Kind
		if car.Kind == yagura.Behaviour {
			car.ResolvedBy = ""
		}
	}
	if o.SideCar.CauseKey != nil {
		car.CauseKey = o.SideCar.CauseKey
	}
	if o.SideCar.CauseAlias != nil {
		car.CauseAlias = o.SideCar.CauseAlias
	}
	if o.SideCar.Entries != nil {
		car.Entries = o.SideCar.Entries
	}
	if o.SideCar.NotedBy != "" {
		car.NotedBy = o.SideCar.NotedBy
	}
	if o.SideCar.ResolvedBy != "" {
		car.ResolvedBy = o.SideCar.ResolvedBy
	}
	if o.SideCar.Joins != "" {
		car.Joins = o.SideCar.Joins
	}
	if o.SideCar.Reason != "" {
		car.Reason = o.SideCar.Reason
	}
	if o.SideCar.Data != nil {
		car.Data = o.SideCar.Data
	}
	if o.SideCar.Runbook.Check != nil || o.SideCar.Runbook.Do != nil {
		car.Runbook = o.SideCar.Runbook
	}
	if o.SideCar.Entities != nil {
		car.Entities = o.SideCar.Entities
	}
	if o.SideCar.Severity != 0 {
		car.Severity, car.SeverityReason = o.SideCar.Severity, o.SideCar.SeverityReason
	}
	if o.SideCar.Mode != "" {
		car.Mode = o.SideCar.Mode
	}
	if o.Japanese.Title != "" {
		ja.Title = o.Japanese.Title
	}
	if o.Japanese.Description != "" {
		ja.Description = o.Japanese.Description
	}
	if o.Japanese.Runbook.Check != nil || o.Japanese.Runbook.Do != nil {
		ja.Runbook = o.Japanese.Runbook
	}
	if car.ResolvedBy != "" && car.Kind != yagura.Posture {
		return []Refusal{{File: o.File, Line: o.Line, Column: o.Column, Rule: r.Title,
			Reason: "overlay gives resolved_by to a rule that is not of kind posture",
			Hint:   "a behaviour never closes by itself; add kind: posture, or drop resolved_by"}}
	}
	if r.Correlation != nil && (car.Entries != nil || car.CauseAlias != nil) {
		return []Refusal{{File: o.File, Line: o.Line, Column: o.Column, Rule: r.Title,
			Reason: "overlay gives entries or cause_alias to a correlation", Hint: "give them to the base rules"}}
	}
	r.SideCar, r.Japanese = car, ja
	if o.Enabled == nil {
		return nil
	}
	if *o.Enabled && len(r.Waits) > 0 {
		return []Refusal{{File: o.File, Line: o.Line, Column: o.Column, Rule: r.Title, Warning: true,
			Reason: "the rule is switched on and stays off until its placeholders have values", Hint: "placeholders: in the configuration"}}
	}
	r.Disabled = !*o.Enabled
	return nil
}
