package api

import (
	"context"
	"time"
)

// Suppressions are what keeps findings quiet, each until a time and for a reason.
type Suppressions interface {
	ListSuppressions(ctx context.Context, reach Reach, ask Ask) (*List[Suppression], error)
	// Suppress makes one. It holds within reach only.
	Suppress(ctx context.Context, reach Reach, who string, in SuppressionIn) (*Suppression, error)
	// ReplaySuppression says what one would have kept quiet.
	ReplaySuppression(ctx context.Context, reach Reach, in SuppressionTrial) (*SuppressionReplay, error)
	LiftSuppression(ctx context.Context, reach Reach, who, id string) error
}

// Suppression keeps findings quiet.
type Suppression struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind" enum:"made,policy,issue" doc:"made (in the console), policy (a clause of the team's policy) or issue (somebody suppressed one issue)"`
	Rule    string    `json:"rule,omitempty"`
	Title   string    `json:"title,omitempty" doc:"Of the rule, or of the issue."`
	TitleJA string    `json:"title_ja,omitempty"`
	Query   string    `json:"q,omitempty" doc:"What it holds for, in the grammar of lists."`
	When    string    `json:"when,omitempty" doc:"What it holds for, as the policy has it."`
	Issue   string    `json:"issue,omitempty"`
	Until   time.Time `json:"until"`
	Reason  string    `json:"reason"`
	By      string    `json:"by,omitempty"`
	Created time.Time `json:"created,omitzero"`
	State   string    `json:"state" enum:"active,ended" doc:"active or ended"`
	Place   string    `json:"place,omitempty" doc:"file:line:column of the clause"`
}

// SuppressionIn asks for one: for a rule, or for what a query says.
type SuppressionIn struct {
	Rule   string    `json:"rule,omitempty" doc:"The id of a rule."`
	Query  string    `json:"q,omitempty" doc:"In the grammar of the list of issues: rule:\"…\" account:1234."`
	Until  time.Time `json:"until" doc:"At most a year from now."`
	Reason string    `json:"reason"`
}

// SuppressionTrial asks what one would have kept quiet.
type SuppressionTrial struct {
	Rule  string    `json:"rule,omitempty"`
	Query string    `json:"q,omitempty"`
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to,omitzero"`
}

// SuppressionReplay says it.
type SuppressionReplay struct {
	Judged     int             `json:"judged" doc:"Findings that were looked at."`
	Quiet      int             `json:"quiet" doc:"Findings that would have told nobody."`
	Already    int             `json:"already" doc:"Of them, those that told nobody anyhow."`
	Issues     []string        `json:"issues" doc:"Issues of findings that would have been quiet; the first hundred."`
	Rules      []ReplayedRule  `json:"rules"`
	Sinks      []ReplayedSink  `json:"sinks"`
	BySeverity map[string]int  `json:"by_severity" doc:"Findings that would have been quiet."`
	Causes     ReplayedNumbers `json:"causes"`
	When       string          `json:"when" doc:"The condition, as the policy has it."`
	Cut        bool            `json:"cut,omitempty"`
}

type suppressionsIn struct{ ListIn }

func (a *API) suppressions(ctx context.Context, c *Call[suppressionsIn]) (*List[Suppression], error) {
	if err := served(a.parts.Suppressions != nil); err != nil {
		return nil, err
	}
	return a.parts.Suppressions.ListSuppressions(ctx, c.Reach, c.Ask)
}

type suppressIn struct{ Body SuppressionIn }

func (a *API) suppress(ctx context.Context, c *Call[suppressIn]) (*Suppression, error) {
	if err := served(a.parts.Suppressions != nil); err != nil {
		return nil, err
	}
	c.Did("suppression.add", "rule/"+c.In.Body.Rule, c.In.Body.Query+" "+c.In.Body.Reason)
	return a.parts.Suppressions.Suppress(ctx, c.Reach, c.Who.Who, c.In.Body)
}

type replaySuppressionIn struct{ Body SuppressionTrial }

func (a *API) replaySuppression(ctx context.Context, c *Call[replaySuppressionIn]) (*SuppressionReplay, error) {
	if err := served(a.parts.Suppressions != nil); err != nil {
		return nil, err
	}
	return a.parts.Suppressions.ReplaySuppression(ctx, c.Reach, c.In.Body)
}

type suppressionIDIn struct {
	ID string `path:"id"`
}

func (a *API) liftSuppression(ctx context.Context, c *Call[suppressionIDIn]) (Nothing, error) {
	if err := served(a.parts.Suppressions != nil); err != nil {
		return Nothing{}, err
	}
	c.Did("suppression.lift", "suppression/"+c.In.ID, "")
	return Nothing{}, a.parts.Suppressions.LiftSuppression(ctx, c.Reach, c.Who.Who, c.In.ID)
}
