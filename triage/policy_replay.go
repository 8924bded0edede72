package triage

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// ReplayOptions says what a replay knows beside the findings.
type ReplayOptions struct {
	Accounts *Accounts
	Tenant   string
	// Event returns the record of a finding as JSON, nil where it is not kept any more.
	// Without it no finding has one.
	Event func(*yagura.Filed) ([]byte, error)
	// Examples bounds the examples of each move; 0 means 3.
	Examples int
}

// Comparison is what findings come to by two policies.
type Comparison struct {
	Findings int       `json:"findings"`
	First    time.Time `json:"first,omitzero"` // when the first was judged
	Last     time.Time `json:"last,omitzero"`
	// NoRecord counts findings whose record is gone while a policy asks for it.
	NoRecord int `json:"no_record"`
	// NoUsual counts findings of which it is not known what is usual, while a policy asks.
	NoUsual int           `json:"no_usual"`
	Levels  []LevelChange `json:"levels"` // highest first
	Moves   []Move        `json:"moves"`  // of causes, the most findings first
	// Rules are the moves again, told apart by rule, the most findings first.
	Rules []RuleMove   `json:"rules"`
	Sinks []SinkChange `json:"sinks"`
	// Causes counts issues: causes of findings that are not merely counted.
	Causes     Change `json:"causes"`
	Suppressed Change `json:"suppressed"` // findings
	// Errors counts expressions of the edited policy that could not be evaluated.
	Errors int `json:"errors"`
	// Caps says in words what was too much to look at.
	Caps []string `json:"caps,omitempty"`
}

// Change is a number by the policy in force and by the edited one.
type Change struct {
	Before int `json:"before"`
	After  int `json:"after"`
}

// LevelChange counts findings, and causes by the highest of their findings.
type LevelChange struct {
	Severity yagura.Severity `json:"severity"`
	Findings Change          `json:"findings"`
	Causes   Change          `json:"causes"`
}

// Move is findings that come to another level, or into or out of suppression.
type Move struct {
	From     string    `json:"from"` // a level, "suppressed" after it where it is
	To       string    `json:"to"`
	Findings int       `json:"findings"`
	Causes   int       `json:"causes"`
	Examples []Example `json:"examples"`
}

// RuleMove is findings of one rule that come to another level, or into or out of suppression.
type RuleMove struct {
	Rule     string `json:"rule"` // its id
	Title    string `json:"title"`
	From     string `json:"from"`
	To       string `json:"to"`
	Findings int    `json:"findings"`
	// Issues are those of the findings, as many as there are examples of a move.
	Issues  []string `json:"issues"`
	Clauses []string `json:"clauses"` // decisions of the edited policy about the first
}

// maxRuleMoves bounds the rows of Comparison.Rules.
const maxRuleMoves = 10_000

// Example is a finding that moves; of one cause there is one.
type Example struct {
	Finding  string   `json:"finding"`
	Rule     string   `json:"rule"`
	Account  string   `json:"account"`
	CauseKey string   `json:"cause_key"`
	Clauses  []string `json:"clauses"` // decisions of the edited policy
}

// SinkChange counts what a sink is told: the first ticket of each cause, and each rise of
// its severity. Updates are not counted.
type SinkChange struct {
	Sink    string `json:"sink"`
	Tickets Change `json:"tickets"`
	Rises   Change `json:"rises"`
}

// maxReplayCauses bounds the causes that are told apart; what comes beyond is counted by
// finding only.
const maxReplayCauses = 1_000_000

// replayed is one policy's side of a replay.
type replayed struct {
	policy *Policy // nil: as the findings were filed
	causes map[string]*replayedCause
	sinks  map[string]*sinkCount
	levels [int(yagura.SeverityCritical) + 1]int
	quiet  int
	cut    int
	failed int
}

type replayedCause struct {
	highest yagura.Severity
	told    yagura.Severity // the highest that sinks know of
	sinks   []string
}

type sinkCount struct{ tickets, rises int }

// Replay judges findings by the policy in force and by an edited one, and says what would
// have been otherwise. Before nil takes the judgements as they were filed, of which the
// sinks are not known. The findings are read once, in the order of their judging.
func Replay(findings func(yield func(yagura.Filed) error) error, before, after *Policy, o ReplayOptions) (*Comparison, error) {
	sides := [2]*replayed{newReplayed(before), newReplayed(after)}
	out := &Comparison{}
	type move struct{ from, to string }
	moves := map[move]*Move{}
	type ruleMove struct {
		move
		rule, title string
	}
	byRule := map[ruleMove]*RuleMove{}
	moved := map[string]bool{}
	reads := after.ReadsEvent() || before != nil && before.ReadsEvent()
	habits := after.Usual()
	if before != nil {
		habits = append(habits, before.Usual()...)
	}
	o.Examples = cmp.Or(o.Examples, 3)
	err := findings(func(f yagura.Filed) error {
		out.Findings++
		if out.First.IsZero() || f.Seen.Before(out.First) {
			out.First = f.Seen
		}
		if f.Seen.After(out.Last) {
			out.Last = f.Seen
		}
		in := Input{Finding: &f.Finding, Account: o.Accounts.Lookup(f.Finding.Event.Account), Now: f.Seen}
		if reads {
			if o.Event != nil {
				var err error
				if in.Event, err = o.Event(&f); err != nil {
					return err
				}
			}
			if in.Event == nil {
				out.NoRecord++
			}
		}
		if slices.ContainsFunc(f.Finding.Usual, func(u yagura.Usual) bool { return u.Unknown != "" && slices.Contains(habits, u.Of) }) {
			out.NoUsual++
		}
		var js [2]Judgement
		for i, s := range sides {
			js[i] = s.judge(&f, in, o.Tenant)

		}
		m := move{stateOf(&js[0], f.Seen), stateOf(&js[1], f.Seen)}
		if m.from == m.to {
			return nil
		}
		mv := moves[m]
		if mv == nil {
			mv = &Move{From: m.from, To: m.to, Examples: []Example{}}
			moves[m] = mv
		}
		mv.Findings++
		rm := ruleMove{m, f.Finding.Rule.ID, f.Finding.Rule.Title}
		if r := byRule[rm]; r == nil && len(byRule) < maxRuleMoves {
			byRule[rm] = &RuleMove{Rule: rm.rule, Title: rm.title, From: m.from, To: m.to, Issues: []string{}, Clauses: decisionTexts(js[1].Clauses)}
		}
		if r := byRule[rm]; r != nil {
			r.Findings++
			if f.IssueID != "" && len(r.Issues) < o.Examples && !slices.Contains(r.Issues, f.IssueID) {
				r.Issues = append(r.Issues, f.IssueID)
			}
		}
		key := CauseKey(o.Tenant, &f.Finding, js[1].Fold)
		if id := m.from + " " + m.to + " " + key; !moved[id] && len(moved) < maxReplayCauses {
			moved[id] = true
			mv.Causes++
			if len(mv.Examples) < o.Examples {
				mv.Examples = append(mv.Examples, Example{Finding: f.Finding.ID, Rule: f.Finding.Rule.Title, Account: f.Finding.Event.Account,
					CauseKey: key, Clauses: decisionTexts(js[1].Clauses)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.fill(sides)
	out.Errors = sides[1].failed
	out.Moves = slices.SortedFunc(func(yield func(Move) bool) {
		for _, m := range moves {
			if !yield(*m) {
				return
			}
		}
	}, func(a, b Move) int {
		return cmp.Or(b.Findings-a.Findings, strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
	if out.Moves == nil {
		out.Moves = []Move{}
	}
	out.Rules = []RuleMove{}
	for _, r := range byRule {
		out.Rules = append(out.Rules, *r)
	}
	slices.SortFunc(out.Rules, func(a, b RuleMove) int {
		return cmp.Or(b.Findings-a.Findings, strings.Compare(a.Title, b.Title), strings.Compare(a.Rule, b.Rule), strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
	return out, nil
}

func decisionTexts(list []Decision) []string {
	out := []string{}
	for _, d := range list {
		out = append(out, d.String())
	}
	return out
}

func newReplayed(p *Policy) *replayed {
	return &replayed{policy: p, causes: map[string]*replayedCause{}, sinks: map[string]*sinkCount{}}
}

func stateOf(j *Judgement, now time.Time) string {
	if j.SuppressUntil.After(now) {
		return j.Severity.String() + " suppressed"
	}
	return j.Severity.String()
}

func (s *replayed) judge(f *yagura.Filed, in Input, tenant string) Judgement {
	var j Judgement
	if s.policy != nil {
		c := s.policy.run(in)
		s.failed += c.failed
		j = c.Judgement
	} else {
		j.Severity = f.Severity
		if f.Suppressed {
			j.SuppressUntil = f.Seen.Add(1)
		}
	}
	quiet := j.SuppressUntil.After(f.Seen)
	s.levels[j.Severity]++
	if quiet {
		s.quiet++
	}
	if f.Finding.Mode != "" { // counted only: it has no issue
		return j
	}
	key := CauseKey(tenant, &f.Finding, j.Fold)
	if s.policy == nil && f.IssueID != "" {
		key = f.IssueID
	}
	c := s.causes[key]
	if c == nil {
		if len(s.causes) >= maxReplayCauses {
			s.cut++
			return j
		}
		c = &replayedCause{}
		s.causes[key] = c
	}
	c.highest = max(c.highest, j.Severity)
	if quiet {
		return j
	}
	rises := c.told != 0 && j.Severity > c.told
	for _, sink := range j.Routes {
		n := s.sinks[sink]
		if n == nil {
			n = &sinkCount{}
			s.sinks[sink] = n
		}
		if !slices.Contains(c.sinks, sink) {
			c.sinks = append(c.sinks, sink)
			n.tickets++
		} else if rises {
			n.rises++
		}
	}
	if len(j.Routes) > 0 {
		c.told = max(c.told, j.Severity)
	}
	return j
}

func (c *Comparison) fill(sides [2]*replayed) {
	var causes [2][len(sides[0].levels)]int
	for i, s := range sides {
		for _, x := range s.causes {
			causes[i][x.highest]++
		}
		if s.cut > 0 && len(c.Caps) == 0 {
			c.Caps = append(c.Caps, "causes: more than a million; the findings of others are counted by level only")
		}
	}
	for _, level := range yagura.Severities() {
		c.Levels = append(c.Levels, LevelChange{Severity: level, Findings: Change{sides[0].levels[level], sides[1].levels[level]},
			Causes: Change{causes[0][level], causes[1][level]}})
	}
	c.Causes = Change{len(sides[0].causes), len(sides[1].causes)}
	c.Suppressed = Change{sides[0].quiet, sides[1].quiet}
	c.Sinks = []SinkChange{}
	names := maps.Clone(sides[0].sinks)
	maps.Copy(names, sides[1].sinks)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		x := SinkChange{Sink: name}
		if n := sides[0].sinks[name]; n != nil {
			x.Tickets.Before, x.Rises.Before = n.tickets, n.rises
		}
		if n := sides[1].sinks[name]; n != nil {
			x.Tickets.After, x.Rises.After = n.tickets, n.rises
		}
		c.Sinks = append(c.Sinks, x)
	}
}
