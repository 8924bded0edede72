package coverage

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

//go:embed attack.tsv
var attack string

// Endpoint is the word in [Technique.Logs] for what no log of a cloud shows.
const Endpoint = "endpoint"

// Technique is one technique of ATT&CK's matrix for clouds, software as a service,
// identity providers, office suites and containers.
type Technique struct {
	ID        string
	Name      string
	Tactics   []string
	Platforms []string
	// Logs are the formats that would show it, the best first; see [Endpoint].
	Logs []string
}

// Matrix lists the techniques of ATT&CK's cloud matrix, by their ids.
func Matrix() []Technique {
	var out []Technique
	for line := range strings.Lines(attack) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		out = append(out, Technique{ID: f[0], Name: f[1], Tactics: strings.Fields(f[2]), Platforms: strings.Fields(f[3]), Logs: strings.Fields(f[4])})
	}
	return out
}

// Tactics lists the tactics of ATT&CK Enterprise in its own order.
func Tactics() []string {
	return []string{"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation",
		"defense-evasion", "credential-access", "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact"}
}

// State says whether a technique would be found.
type State string

// States of a [Cell].
const (
	Covered State = "covered" // a rule names it, and its logs are there
	NoData  State = "no_data" // a rule names it, and none of the logs that it judges is there
	NoRule  State = "no_rule" // no rule names it, nor one of its sub-techniques
)

// Cell is one technique of the matrix with what is known of it.
type Cell struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Tactics   []string `json:"tactics"`
	Platforms []string `json:"platforms"` // none: a technique that rules name and that is not of the cloud matrix
	State     State    `json:"state"`
	Rules     []Rule   `json:"rules"`   // that can fire; where none can, those that could with more logs
	Formats   []string `json:"formats"` // the logs that these rules judge; "*" is every log
	// Missing are logs to collect: those that the rules want, or that would show a technique
	// without a rule. "endpoint" is what no log of a cloud shows.
	Missing []string `json:"missing"`
}

// Cloud lays rules over ATT&CK's cloud matrix. Have are the formats of the logs that
// there are; nil means all. A technique is covered by rules of its sub-techniques too.
func Cloud(rules []*rule.Rule, have []string) []Cell {
	var can, cannot []*rule.Rule
	for _, r := range rules {
		if have == nil || fed(r, have) {
			can = append(can, r)
		} else {
			cannot = append(cannot, r)
		}
	}
	fires, waits := byID(Table(can)), byID(Table(cannot))
	var out []Cell
	known := map[string]bool{}
	for _, t := range Matrix() {
		known[t.ID] = true
		c := Cell{ID: t.ID, Name: t.Name, Tactics: t.Tactics, Platforms: t.Platforms, Rules: []Rule{}, Formats: []string{}, Missing: []string{}}
		switch rows := of(fires, t.ID); {
		case len(rows) > 0:
			c.State, c.Rules, c.Formats = Covered, rulesOf(rows), formatsIn(rows)
		default:
			if rows = of(waits, t.ID); len(rows) > 0 {
				c.State, c.Rules, c.Formats = NoData, rulesOf(rows), formatsIn(rows)
				c.Missing = without(c.Formats, have)
			} else {
				c.State, c.Missing = NoRule, without(t.Logs, have)
			}
		}
		out = append(out, c)
	}
	for id, row := range fires {
		if !known[id] {
			out = append(out, Cell{ID: id, Tactics: row.Tactics, Platforms: []string{}, State: Covered, Rules: row.Rules, Formats: row.Formats, Missing: []string{}})
		}
	}
	slices.SortFunc(out, func(a, b Cell) int { return natural(a.ID, b.ID) })
	return out
}

// fed says whether each of the rules that a rule is made of has a log to judge.
func fed(r *rule.Rule, have []string) bool {
	if r.Correlation != nil {
		for _, base := range r.Correlation.Rules {
			if !fed(base, have) {
				return false
			}
		}
		return true
	}
	return r.Formats == nil || slices.ContainsFunc(r.Formats, func(f string) bool { return slices.Contains(have, f) })
}

func byID(rows []Row) map[string]Row {
	out := make(map[string]Row, len(rows))
	for _, r := range rows {
		out[r.ID] = r
	}
	return out
}

// of returns the rows of a technique and of its sub-techniques.
func of(rows map[string]Row, id string) []Row {
	var out []Row
	for other, row := range rows {
		if other == id || strings.HasPrefix(other, id+".") {
			out = append(out, row)
		}
	}
	slices.SortFunc(out, func(a, b Row) int { return natural(a.ID, b.ID) })
	return out
}

// rulesOf lists the rules of rows, each once, the highest severity first.
func rulesOf(rows []Row) []Rule {
	var out []Rule
	for _, row := range rows {
		for _, r := range row.Rules {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Rule) int { return int(b.Severity) - int(a.Severity) })
	return out
}

func formatsIn(rows []Row) []string {
	set := map[string]bool{}
	for _, row := range rows {
		for _, f := range row.Formats {
			set[f] = true
		}
	}
	return sorted(set)
}

func without(list, have []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(f string) bool { return slices.Contains(have, f) })
}

// Highest is the highest severity of rules; 0 for none.
func Highest(rules []Rule) (s yagura.Severity) {
	for _, r := range rules {
		s = max(s, r.Severity)
	}
	return s
}
