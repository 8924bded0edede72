package api

import (
	"context"
	"time"

	"github.com/yagura-sec/yagura"
)

// Rules are the detections that are loaded, and those that were refused.
type Rules interface {
	ListRules(ctx context.Context, reach Reach, ask Ask) (*List[Rule], error)
	Rule(ctx context.Context, reach Reach, id string) (*RuleText, error)
	// TestRule judges stored events by the text of a rule.
	TestRule(ctx context.Context, reach Reach, in RuleTrial) (*RuleTried, error)
	// TuneRule switches a rule on or off, or changes how its findings count.
	TuneRule(ctx context.Context, who, id string, t RuleTuning) (*RuleText, error)
	// PutRule writes the file of a rule of the team's own.
	PutRule(ctx context.Context, who, id, text string) (*RuleText, error)
	DeleteRule(ctx context.Context, who, id string) error
	Coverage(ctx context.Context, reach Reach) (*Coverage, error)
}

// Rule is a detection as it is listed.
type Rule struct {
	ID         string        `json:"id"`
	Title      string        `json:"title"`
	TitleJA    string        `json:"title_ja,omitempty"`
	Engine     yagura.Engine `json:"engine,omitempty"`
	Kind       yagura.Kind   `json:"kind,omitempty"`
	Severity   string        `json:"severity,omitempty" enum:"critical,high,medium,low,none" doc:"Of its findings, before the policy."`
	Original   string        `json:"severity_original,omitempty" doc:"As the file writes it."`
	State      string        `json:"state" enum:"on,off,waiting,refused" doc:"on, off, waiting (for values of placeholders) or refused"`
	Enabled    bool          `json:"enabled"`
	Mode       string        `json:"mode,omitempty" doc:"count: its findings are counted and tell nobody."`
	Techniques []string      `json:"techniques"`
	Tactics    []string      `json:"tactics"`
	Tags       []string      `json:"tags"`
	Formats    []string      `json:"formats" doc:"The log types that it judges; none is all."`
	File       string        `json:"file"`
	Line       int           `json:"line,omitempty"`
	Author     string        `json:"author,omitempty"`
	Shipped    bool          `json:"shipped,omitempty"`
	Own        bool          `json:"own,omitempty" doc:"Its file was made in the console and can be changed there."`
	Every      string        `json:"every,omitempty" doc:"How often it runs, of a rule on a schedule."`
	Tuned      *RuleTuned    `json:"tuned,omitempty"`
	Findings   int64         `json:"findings_7d"`
	PerDay     float64       `json:"per_day"`
	LastFired  time.Time     `json:"last_fired,omitzero" doc:"For who sees a part of the data: in it, within the last days."`
	Refusal    *RuleRefusal  `json:"refusal,omitempty"`
}

// RuleTuned is what the team changed of a rule.
type RuleTuned struct {
	RuleTuning
	By string    `json:"by,omitempty"`
	At time.Time `json:"at,omitzero"`
}

// RuleTuning is a change of a rule; what is left out stays as it is, and "" takes what was
// tuned away.
type RuleTuning struct {
	Enabled  *bool   `json:"enabled,omitempty"`
	Severity *string `json:"severity,omitempty" enum:"critical,high,medium,low,none,"`
	Mode     *string `json:"mode,omitempty" enum:"count,notify,"`
	Reason   string  `json:"reason,omitempty"`
}

// RuleRefusal says why a rule was not loaded, or what is to know of one that was.
type RuleRefusal struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Reason  string `json:"reason"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty" doc:"The rule was loaded all the same."`
}

// RuleText is one rule, whole.
type RuleText struct {
	Rule
	Description    string          `json:"description,omitempty"`
	DescriptionJA  string          `json:"description_ja,omitempty"`
	References     []string        `json:"references,omitempty"`
	FalsePositives []string        `json:"false_positives,omitempty"`
	Reason         string          `json:"reason,omitempty" doc:"Why it has its level."`
	Runbook        *yagura.Runbook `json:"runbook,omitempty"`
	Needs          []string        `json:"needs,omitempty" doc:"Logs that must be there."`
	Waits          []string        `json:"waits,omitempty" doc:"Placeholders that have no value."`
	Correlates     []string        `json:"correlates,omitempty" doc:"Rules that it is made of."`
	Warnings       []RuleRefusal   `json:"warnings,omitempty"`
	Text           string          `json:"text" doc:"Of the whole file."`
	ETag           string          `json:"etag"`
}

// Tag is what If-Match is compared with.
func (r *RuleText) Tag() string { return r.ETag }

// RuleTrial asks what a rule would find.
type RuleTrial struct {
	Text  string `json:"text"`
	Hours int    `json:"hours,omitempty" doc:"How far back: 1 to 720, usually 24."`
	Limit int    `json:"limit,omitempty" doc:"Most hits: 1 to 200, usually 50."`
}

// RuleTried says what it would find.
type RuleTried struct {
	Refusals []RuleRefusal `json:"refusals"`
	Hits     []RuleHit     `json:"hits"`
	Total    int           `json:"total" doc:"Findings, those beyond the limit too."`
	Records  uint64        `json:"records" doc:"Records that were judged."`
	From     time.Time     `json:"from,omitzero"`
	To       time.Time     `json:"to,omitzero"`
	Cut      string        `json:"cut,omitempty" doc:"time or records: the bound at which the test ended before the end."`
	MS       int64         `json:"ms"`
}

// RuleHit is a finding that a rule would make.
type RuleHit struct {
	Finding yagura.Finding `json:"finding"`
}

// Coverage is which techniques the rules look for.
type Coverage struct {
	Techniques []CoveredTechnique `json:"techniques"`
	Tactics    []string           `json:"tactics"`
}

// CoveredTechnique is a technique of ATT&CK.
type CoveredTechnique struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Tactics  []string `json:"tactics"`
	State    string   `json:"state"`
	Rules    []string `json:"rules" doc:"Ids of the rules."`
	Findings int64    `json:"findings_7d"`
}

type rulesIn struct{ ListIn }

func (a *API) rules(ctx context.Context, c *Call[rulesIn]) (*List[Rule], error) {
	if err := served(a.parts.Rules != nil); err != nil {
		return nil, err
	}
	return a.parts.Rules.ListRules(ctx, c.Reach, c.Ask)
}

type ruleIn struct {
	ID string `path:"id" doc:"Id of the rule; its title where its language has no ids."`
}

func (a *API) rule(ctx context.Context, c *Call[ruleIn]) (*RuleText, error) {
	if err := served(a.parts.Rules != nil); err != nil {
		return nil, err
	}
	return a.parts.Rules.Rule(ctx, c.Reach, c.In.ID)
}

type ruleTestIn struct{ Body RuleTrial }

func (a *API) testRule(ctx context.Context, c *Call[ruleTestIn]) (*RuleTried, error) {
	if err := served(a.parts.Rules != nil); err != nil {
		return nil, err
	}
	return a.parts.Rules.TestRule(ctx, c.Reach, c.In.Body)
}

type tuneRuleIn struct {
	ID   string `path:"id"`
	Body RuleTuning
}

func (a *API) tuneRule(ctx context.Context, c *Call[tuneRuleIn]) (*RuleText, error) {
	if err := served(a.parts.Rules != nil); err != nil {
		return nil, err
	}
	what := "rule.tune"
	if on := c.In.Body.Enabled; on != nil {
		what = map[bool]string{true: "rule.enable", false: "rule.disable"}[*on]
	}
	c.Did(what, "rule/"+c.In.ID, c.In.Body.Reason)
	return a.parts.Rules.TuneRule(ctx, c.Who.Who, c.In.ID, c.In.Body)
}

// RuleFile is the text of a rule's file.
type RuleFile struct {
	Text string `json:"text"`
}

type putRuleIn struct {
	ID   string `path:"id"`
	Body RuleFile
}

func (a *API) putRule(ctx context.Context, c *Call[putRuleIn]) (*RuleText, error) {
	if err := served(a.parts.Rules != nil); err != nil {
		return nil, err
	}
	c.Did("rule.put", "rule/"+c.In.ID, "")
	return a.parts.Rules.PutRule(ctx, c.Who.Who, c.In.ID, c.In.Body.Text)
}

func (a *API) deleteRule(ctx context.Context, c *Call[ruleIn]) (Nothing, error) {
	if err := served(a.parts.Rules != nil); err != nil {
		return Nothing{}, err
	}
	c.Did("rule.delete", "rule/"+c.In.ID, "")
	return Nothing{}, a.parts.Rules.DeleteRule(ctx, c.Who.Who, c.In.ID)
}

func (a *API) coverage(ctx context.Context, c *Call[struct{}]) (*Coverage, error) {
	if err := served(a.parts.Rules != nil); err != nil {
		return nil, err
	}
	return a.parts.Rules.Coverage(ctx, c.Reach)
}
