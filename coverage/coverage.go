package coverage

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// Row is one technique or control with the rules that cover it.
type Row struct {
	ID      string   `json:"id"`      // "T1562.008", or the control as the standard writes it
	Tactics []string `json:"tactics"` // of techniques: the tactics that the rules name beside it, sorted
	Rules   []Rule   `json:"rules"`   // highest severity first, then by title
	Formats []string `json:"formats"` // the logs that the rules judge, sorted; "*" is every log
}

// Rule is a rule as coverage shows it.
type Rule struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Severity yagura.Severity `json:"severity"`
	File     string          `json:"file"`
}

// Standards lists the standards that [Standard] knows, by the first part of their tags.
func Standards() []string { return []string{"cis-aws", "nist-800-53", "nist-800-190", "pci-dss"} }

var technique = regexp.MustCompile(`^(?i:attack\.)?([tT][0-9]{4}(?:\.[0-9]{3})?)$`)

// tactics are the tactics of ATT&CK Enterprise, by their names in tags.
var tactics = map[string]bool{
	"reconnaissance": true, "resource-development": true, "initial-access": true, "execution": true,
	"persistence": true, "privilege-escalation": true, "defense-evasion": true, "credential-access": true,
	"discovery": true, "lateral-movement": true, "collection": true, "command-and-control": true,
	"exfiltration": true, "impact": true,
}

// Table returns the techniques that rules cover, by their ids. Rules that make no
// finding of their own, and rules that only end what another opened, cover nothing.
func Table(rules []*rule.Rule) []Row {
	return table(rules, func(tag string) string {
		if m := technique.FindStringSubmatch(tag); m != nil {
			return strings.ToUpper(m[1])
		}
		return ""
	})
}

// Standard returns the controls of a standard that rules cover, in their natural
// order. The error is about a standard that is not one of [Standards].
func Standard(rules []*rule.Rule, standard string) ([]Row, error) {
	if !slices.Contains(Standards(), standard) {
		return nil, fmt.Errorf("standard %q: want %s", standard, strings.Join(Standards(), ", "))
	}
	return table(rules, func(tag string) string {
		control, ok := strings.CutPrefix(strings.ToLower(tag), standard+".")
		if !ok {
			return ""
		}
		return strings.ToUpper(control)
	}), nil
}

// Tags returns the techniques and tactics that the tags of a rule name, sorted.
func Tags(tags []string) (techniques, named []string) {
	ids, names := map[string]bool{}, map[string]bool{}
	for _, tag := range tags {
		if m := technique.FindStringSubmatch(tag); m != nil {
			ids[strings.ToUpper(m[1])] = true
		}
		if t := tacticOf(tag); t != "" {
			names[t] = true
		}
	}
	return sorted(ids), sorted(names)
}

// tacticOf is the tactic that a tag names, "" for none.
func tacticOf(tag string) string {
	t := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(tag), "attack."), "_", "-")
	if !tactics[t] {
		return ""
	}
	return t
}

func table(rules []*rule.Rule, of func(tag string) string) []Row {
	type acc struct {
		rules            []Rule
		tactics, formats map[string]bool
	}
	all := map[string]*acc{}
	ends := map[string]bool{} // rules that end what others opened, by id or title
	for _, r := range rules {
		if by := r.SideCar.ResolvedBy; by != "" {
			ends[by] = true
		}
	}
	for _, r := range rules {
		if r.Silent || r.SideCar.Mode == rule.ModeCount && (ends[r.ID] || ends[r.Title]) {
			continue
		}
		named := map[string]bool{}
		for _, tag := range r.Tags {
			if t := tacticOf(tag); t != "" {
				named[t] = true
			}
		}
		formats := formatsOf(r, map[*rule.Rule]bool{})
		ids := map[string]bool{}
		for _, tag := range r.Tags {
			if id := of(tag); id != "" {
				ids[id] = true
			}
		}
		for id := range ids {
			a := all[id]
			if a == nil {
				a = &acc{tactics: map[string]bool{}, formats: map[string]bool{}}
				all[id] = a
			}
			a.rules = append(a.rules, Rule{ID: r.ID, Title: r.Title, Severity: r.EffectiveSeverity(), File: r.File})
			maps.Copy(a.tactics, named)
			for _, f := range formats {
				a.formats[f] = true
			}
		}
	}
	out := make([]Row, 0, len(all))
	for id, a := range all {
		slices.SortFunc(a.rules, func(x, y Rule) int {
			return cmp.Or(cmp.Compare(y.Severity, x.Severity), cmp.Compare(x.Title, y.Title), cmp.Compare(x.File, y.File))
		})
		out = append(out, Row{ID: id, Rules: a.rules, Tactics: sorted(a.tactics), Formats: sorted(a.formats)})
	}
	slices.SortFunc(out, func(x, y Row) int { return natural(x.ID, y.ID) })
	return out
}

func sorted(set map[string]bool) []string {
	out := slices.AppendSeq([]string{}, maps.Keys(set))
	slices.Sort(out)
	return out
}

// formatsOf returns the formats of a rule, those of its base rules for a correlation.
func formatsOf(r *rule.Rule, seen map[*rule.Rule]bool) []string {
	if seen[r] {
		return nil
	}
	seen[r] = true
	if r.Correlation == nil {
		if r.Formats == nil {
			return []string{"*"}
		}
		return r.Formats
	}
	var out []string
	for _, base := range r.Correlation.Rules {
		out = append(out, formatsOf(base, seen)...)
	}
	return out
}

// natural compares texts with their numbers as numbers: 1.9 before 1.10.
func natural(a, b string) int {
	digit := func(s string) int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return n
	}
	for a != "" && b != "" {
		if i, j := digit(a), digit(b); i > 0 && j > 0 {
			x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(i, j)); c != 0 {
				return c
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// layer is the form of the ATT&CK Navigator, layer format 4.5.
type layer struct {
	Name         string            `json:"name"`
	Versions     map[string]string `json:"versions"`
	Domain       string            `json:"domain"`
	Description  string            `json:"description"`
	Layout       map[string]string `json:"layout"`
	Techniques   []layerTechnique  `json:"techniques"`
	Gradient     layerGradient     `json:"gradient"`
	Sorting      int               `json:"sorting"`
	HideDisabled bool              `json:"hideDisabled"`
}

type layerTechnique struct {
	TechniqueID string `json:"techniqueID"`
	Score       int    `json:"score"`
	Comment     string `json:"comment"`
	Enabled     bool   `json:"enabled"`
}

type layerGradient struct {
	Colors   []string `json:"colors"`
	MinValue int      `json:"minValue"`
	MaxValue int      `json:"maxValue"`
}

// maxNamed is how many rules the comment of a technique names.
const maxNamed = 20

// Navigator writes what [Table] returns as a layer of the ATT&CK Navigator: the score
// is the number of rules, the comment names them.
func Navigator(w io.Writer, name string, rules []*rule.Rule) error {
	l := layer{Name: name, Versions: map[string]string{"layer": "4.5", "navigator": "4.9.0"}, Domain: "enterprise-attack",
		Layout:     map[string]string{"expandedSubtechniques": "annotated"}, // most rules name sub-techniques
		Techniques: []layerTechnique{}, Sorting: 3,
		// The greatest value must be more than the least, whatever the rules cover.
		Gradient: layerGradient{Colors: []string{"#cfe8ff", "#0b4f9c"}, MinValue: 0, MaxValue: 1}}
	counted := map[string]bool{}
	for _, row := range Table(rules) {
		var lines []string
		for i, r := range row.Rules {
			counted[r.File+"\x00"+r.ID+"\x00"+r.Title] = true
			if i < maxNamed {
				lines = append(lines, fmt.Sprintf("%s (%s)", r.Title, r.Severity))
			}
		}
		if more := len(row.Rules) - maxNamed; more > 0 {
			lines = append(lines, fmt.Sprintf("and %d more", more))
		}
		l.Techniques = append(l.Techniques, layerTechnique{TechniqueID: row.ID, Score: len(row.Rules), Comment: strings.Join(lines, "\n"), Enabled: true})
		l.Gradient.MaxValue = max(l.Gradient.MaxValue, len(row.Rules))
	}
	l.Description = fmt.Sprintf("Techniques covered by %d rules", len(counted))
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(l); err != nil {
		return fmt.Errorf("write navigator layer: %w", err)
	}
	return nil
}
