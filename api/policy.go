package api

import (
	"context"
	"time"
)

// Policy is the severity policy as text.
type Policy interface {
	Policy(ctx context.Context) (*PolicyText, error)
	CheckPolicy(ctx context.Context, text string) (*PolicyChecked, error)
	// ReplayPolicy judges stored findings anew by a text, and says what would change.
	ReplayPolicy(ctx context.Context, in PolicyTrial) (*Replayed, error)
	// PutPolicy writes the text and has it hold. match is called with the ETag of what holds
	// before anything is written.
	PutPolicy(ctx context.Context, who string, in PolicyPut, match func(tag string) error) (*PolicyText, error)
	// PolicyVersions are the texts that held before, the latest first.
	PolicyVersions(ctx context.Context) ([]PolicyVersion, error)
	PolicyVersion(ctx context.Context, id string) (*PolicyVersion, error)
}

// PolicyText is the policy that holds.
type PolicyText struct {
	Text    string `json:"text"`
	ETag    string `json:"etag"`
	File    string `json:"file"`
	Shipped bool   `json:"shipped" doc:"The team wrote none: this one comes with the program."`
}

// Tag is what If-Match is compared with.
func (p *PolicyText) Tag() string { return p.ETag }

// PolicyIn is a text.
type PolicyIn struct {
	Text string `json:"text"`
}

// PolicyPut is a text that is to hold.
type PolicyPut struct {
	Text   string `json:"text"`
	Reason string `json:"reason,omitempty" doc:"Why; kept with the version."`
}

// PolicyChecked says what is wrong with a policy, and what in it cannot be what was meant.
type PolicyChecked struct {
	Problems []PolicyProblem `json:"problems"`
	Refused  bool            `json:"refused" doc:"It cannot hold as it is."`
	Clauses  int             `json:"clauses"`
}

// PolicyProblem is one of it.
type PolicyProblem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Clause  string `json:"clause,omitempty"`
	Code    string `json:"code,omitempty"`
	Reason  string `json:"reason"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

// PolicyTrial asks what a text would have come to.
type PolicyTrial struct {
	Text string    `json:"text"`
	From time.Time `json:"from,omitzero" doc:"By when findings were judged; without it 7 days before the end."`
	To   time.Time `json:"to,omitzero" doc:"Without it, now."`
}

// Replayed says what would have been otherwise.
type Replayed struct {
	Judged     int             `json:"judged" doc:"Findings."`
	From       time.Time       `json:"from"`
	To         time.Time       `json:"to"`
	Cut        bool            `json:"cut,omitempty" doc:"There are more findings than were judged: the oldest are left out."`
	Changed    []ReplayedRule  `json:"changed"`
	BySeverity ReplayedLevels  `json:"by_severity"`
	Sinks      []ReplayedSink  `json:"sinks"`
	Suppressed ReplayedNumbers `json:"suppressed" doc:"Findings that tell nobody."`
	Causes     ReplayedNumbers `json:"causes" doc:"Issues."`
	NoRecord   int             `json:"no_record,omitempty" doc:"Findings whose record is gone while a clause asks for it."`
	Errors     int             `json:"errors,omitempty" doc:"Expressions that could not be evaluated."`
}

// ReplayedRule is findings of a rule that would have come to something else.
type ReplayedRule struct {
	Rule    string   `json:"rule"`
	Title   string   `json:"title"`
	TitleJA string   `json:"title_ja,omitempty"`
	Before  string   `json:"before" doc:"A severity, with suppressed behind it where it is."`
	After   string   `json:"after"`
	N       int      `json:"n"`
	Issues  []string `json:"issues"`
	Why     []string `json:"why"`
}

// ReplayedLevels are findings by severity.
type ReplayedLevels struct {
	Before map[string]int `json:"before"`
	After  map[string]int `json:"after"`
}

// ReplayedNumbers is a number before and after.
type ReplayedNumbers struct {
	Before int `json:"before"`
	After  int `json:"after"`
}

// ReplayedSink is what a sink would have been told: first notices, and rises of severity.
type ReplayedSink struct {
	Sink    string          `json:"sink"`
	Notices ReplayedNumbers `json:"notices"`
	Rises   ReplayedNumbers `json:"rises"`
}

// PolicyVersion is a text that held.
type PolicyVersion struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at" doc:"When it was replaced."`
	By     string    `json:"by,omitempty" doc:"Who replaced it."`
	Reason string    `json:"reason,omitempty"`
	Text   string    `json:"text,omitempty" doc:"Not in lists."`
}

func (a *API) policy(ctx context.Context, _ *Call[struct{}]) (*PolicyText, error) {
	if err := served(a.parts.Policy != nil); err != nil {
		return nil, err
	}
	return a.parts.Policy.Policy(ctx)
}

type checkPolicyIn struct{ Body PolicyIn }

func (a *API) checkPolicy(ctx context.Context, c *Call[checkPolicyIn]) (*PolicyChecked, error) {
	if err := served(a.parts.Policy != nil); err != nil {
		return nil, err
	}
	return a.parts.Policy.CheckPolicy(ctx, c.In.Body.Text)
}

type replayPolicyIn struct{ Body PolicyTrial }

func (a *API) replayPolicy(ctx context.Context, c *Call[replayPolicyIn]) (*Replayed, error) {
	if err := served(a.parts.Policy != nil); err != nil {
		return nil, err
	}
	return a.parts.Policy.ReplayPolicy(ctx, c.In.Body)
}

type putPolicyIn struct{ Body PolicyPut }

func (a *API) putPolicy(ctx context.Context, c *Call[putPolicyIn]) (*PolicyText, error) {
	if err := served(a.parts.Policy != nil); err != nil {
		return nil, err
	}
	c.Did("policy.put", "policy", c.In.Body.Reason)
	return a.parts.Policy.PutPolicy(ctx, c.Who.Who, c.In.Body, c.Match)
}

func (a *API) policyVersions(ctx context.Context, _ *Call[struct{}]) (*List[PolicyVersion], error) {
	if err := served(a.parts.Policy != nil); err != nil {
		return nil, err
	}
	list, err := a.parts.Policy.PolicyVersions(ctx)
	return &List[PolicyVersion]{Items: list}, err
}

type policyVersionIn struct {
	ID string `path:"id"`
}

func (a *API) policyVersion(ctx context.Context, c *Call[policyVersionIn]) (*PolicyVersion, error) {
	if err := served(a.parts.Policy != nil); err != nil {
		return nil, err
	}
	return a.parts.Policy.PolicyVersion(ctx, c.In.ID)
}
