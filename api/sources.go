package api

import (
	"context"
	"time"
)

// Flows are what comes in by sources and goes out by sinks. They belong to the whole
// installation and are of no account, so that only who sees everything is shown them.
type Flows interface {
	ListSources(ctx context.Context, ask Ask) (*List[Source], error)
	ListSinks(ctx context.Context, ask Ask) (*List[Sink], error)
	// TestSink owes a sink a notice that says only that it is a test, and returns its id.
	TestSink(ctx context.Context, name string) (string, error)
	Ledger(ctx context.Context) (*Ledger, error)
}

// Source is one way that records come in.
type Source struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind" doc:"sqs, bucket, folder, push, sns, eventbridge or falco; empty of one that is in the books and no longer in the configuration."`
	State     string    `json:"state" enum:"ok,late,silent,failing,waiting" doc:"ok, late (something waits longer than the configured lateness), silent (every account has been quiet longer than it ever is), failing (the last attempt to receive went wrong) or waiting (nothing came yet)"`
	Lag       int64     `json:"lag_s" doc:"How long the oldest that waits has waited, at the source or with us."`
	LastEvent time.Time `json:"last_event,omitzero"`
	Waiting   int64     `json:"waiting" doc:"Records that were received and are not judged."`
	Queued    *int64    `json:"queued,omitempty" doc:"Messages that wait at the source, where that is known."`
	Oldest    time.Time `json:"oldest,omitzero"`

	Received    int64 `json:"received"`
	Judged      int64 `json:"judged"`
	Kept        int64 `json:"kept"`
	Repeats     int64 `json:"repeats"`
	Broken      int64 `json:"broken"`
	Own         int64 `json:"own" doc:"Calls of this program itself."`
	Findings    int64 `json:"findings"`
	Objects     int64 `json:"objects"`
	ObjectsDone int64 `json:"objects_done"`

	Error    string          `json:"error,omitempty"`
	ErrorAt  time.Time       `json:"error_at,omitzero"`
	Accounts []SourceAccount `json:"accounts" doc:"That send by it."`
}

// SourceAccount is an account that sends by a source.
type SourceAccount struct {
	ID     string    `json:"id"`
	Name   string    `json:"name,omitempty"`
	Last   time.Time `json:"last,omitzero" doc:"When something came last."`
	Silent bool      `json:"silent,omitempty" doc:"It has been quiet longer than it ever is."`
}

// Sink is one way that people are told.
type Sink struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind" doc:"github, slack, pagerduty, securityhub, cloudwatch, webhook or falcosidekick; empty of one that is in the books and no longer in the configuration."`
	State     string    `json:"state" enum:"ok,late,failing" doc:"ok, late (a notice has waited for ten minutes) or failing (the last attempt went wrong)"`
	Owed      int64     `json:"owed"`
	Delivered int64     `json:"delivered"`
	Waiting   int64     `json:"waiting"`
	Dead      int64     `json:"dead"`
	Folded    int64     `json:"folded" doc:"Updates that were folded into one that waited."`
	Doubled   int64     `json:"doubled" doc:"Messages that may be there twice."`
	Oldest    time.Time `json:"oldest,omitzero" doc:"When the oldest notice that waits was made."`
	Error     string    `json:"error,omitempty"`
}

// Ledger is the books, as the store counts them: nothing is made to balance.
type Ledger struct {
	At          time.Time      `json:"at"`
	Sources     []LedgerSource `json:"sources"`
	Sinks       []LedgerSink   `json:"sinks"`
	Total       LedgerTotal    `json:"total"`
	DeadLetters LedgerDead     `json:"dead_letters"`
	Checked     bool           `json:"checked" doc:"Every line balances."`
	Faults      []string       `json:"faults,omitempty" doc:"Where one does not."`
}

// LedgerSource balances when received = judged + waiting.
type LedgerSource struct {
	Name        string    `json:"name"`
	Received    int64     `json:"received"`
	Judged      int64     `json:"judged"`
	Waiting     int64     `json:"waiting"`
	Kept        int64     `json:"kept"`
	Repeats     int64     `json:"repeats"`
	Broken      int64     `json:"broken"`
	Own         int64     `json:"own"`
	Findings    int64     `json:"findings"`
	Objects     int64     `json:"objects"`
	ObjectsDone int64     `json:"objects_done"`
	Oldest      time.Time `json:"oldest,omitzero"`
	Balanced    bool      `json:"balanced"`
}

// LedgerSink balances when owed = delivered + waiting + dead.
type LedgerSink struct {
	Name      string    `json:"name"`
	Owed      int64     `json:"owed"`
	Delivered int64     `json:"delivered"`
	Waiting   int64     `json:"waiting"`
	Dead      int64     `json:"dead"`
	Folded    int64     `json:"folded"`
	Doubled   int64     `json:"doubled"`
	Oldest    time.Time `json:"oldest,omitzero"`
	Balanced  bool      `json:"balanced"`
}

// LedgerTotal adds the lines up.
type LedgerTotal struct {
	Received       int64 `json:"received"`
	Judged         int64 `json:"judged"`
	Waiting        int64 `json:"waiting"`
	Owed           int64 `json:"owed"`
	Delivered      int64 `json:"delivered"`
	DeadNotices    int64 `json:"dead_notices"`
	WaitingNotices int64 `json:"waiting_notices"`
}

// LedgerDead counts dead letters.
type LedgerDead struct {
	N       int64 `json:"n"`
	Retried int64 `json:"retried" doc:"That a retry judged."`
}

type sourcesIn struct{ ListIn }

func (a *API) sources(ctx context.Context, c *Call[sourcesIn]) (*List[Source], error) {
	return a.parts.Flows.ListSources(ctx, c.Ask)
}

func (a *API) sinks(ctx context.Context, c *Call[sourcesIn]) (*List[Sink], error) {
	return a.parts.Flows.ListSinks(ctx, c.Ask)
}

type sinkIn struct {
	Name string `path:"name" doc:"Name of the sink in the configuration."`
}

// SinkTest is the notice that a test owes.
type SinkTest struct {
	ID string `json:"id" doc:"Of the notice; GET /notices?q=id: says what became of it."`
}

func (a *API) testSink(ctx context.Context, c *Call[sinkIn]) (*SinkTest, error) {
	c.Did("sink.test", "sink/"+c.In.Name, "")
	id, err := a.parts.Flows.TestSink(ctx, c.In.Name)
	return &SinkTest{ID: id}, err
}

func (a *API) ledger(ctx context.Context, _ *Call[struct{}]) (*Ledger, error) {
	return a.parts.Flows.Ledger(ctx)
}
