package api

import (
	"context"
	"time"

	"github.com/yagura-sec/yagura"
)

// Overviews sum everything up.
type Overviews interface {
	// Overview is what there is within a reach; what is new is so since a time.
	Overview(ctx context.Context, reach Reach, since time.Time) (*Overview, error)
}

// Overview is how the watch does. Where a list lies behind a number, q is the question to it.
type Overview struct {
	At         time.Time   `json:"at" doc:"When it was added up: up to a minute ago."`
	Since      time.Time   `json:"since" doc:"What new_since counts from."`
	Open       []OpenLevel `json:"open" doc:"Issues that are not closed, critical first."`
	NewSince   Behind      `json:"new_since" doc:"Issues that were opened, or opened again, since."`
	Unassigned Behind      `json:"unassigned" doc:"Issues that are not closed and nobody's."`
	Suppressed Behind      `json:"suppressed" doc:"Issues that are not closed and kept quiet."`

	Acknowledge Acknowledged `json:"acknowledge"`
	Noisy       []NoisyRule  `json:"noisy" doc:"The ten rules with the most findings of 7 days."`
	Hours       []HourFlow   `json:"hours" doc:"Every hour of the last 7 days, the oldest first."`
	EventsKnown bool         `json:"events_known" doc:"Whether the lake could be asked for the events of the hours."`

	Countries []CountryFlow `json:"countries,omitempty" doc:"Events of 7 days by the country that their records say, the most first, those that say none last; absent where it is not known."`

	Attack *Attack `json:"attack,omitempty" doc:"Of a running service alone."`

	Sources     []SourceBrief `json:"sources,omitempty" doc:"Only for who sees everything, as sinks and lake."`
	Sinks       []SinkBrief   `json:"sinks,omitempty"`
	Lake        *LakeBrief    `json:"lake,omitempty"`
	DeadLetters Behind        `json:"dead_letters" doc:"Those that wait for a retry."`
}

// Behind is a number with the question to the list behind it.
type Behind struct {
	N int64  `json:"n"`
	Q string `json:"q"`
}

// OpenLevel counts the issues of a severity that are not closed.
type OpenLevel struct {
	Severity     yagura.Severity `json:"severity"`
	Open         int64           `json:"open"`
	Acknowledged int64           `json:"acknowledged"`
	Q            string          `json:"q"`
}

// Acknowledged is how long it took until somebody took issues on.
type Acknowledged struct {
	Days       int          `json:"days" doc:"How far back issues were looked at."`
	N          int64        `json:"n"`
	Median     int64        `json:"median_s"`
	P90        int64        `json:"p90_s"`
	BySeverity []AckedLevel `json:"by_severity" doc:"Severities of which there is an issue."`
}

// AckedLevel is how long it took with a severity.
type AckedLevel struct {
	Severity yagura.Severity `json:"severity"`
	N        int64           `json:"n"`
	Median   int64           `json:"median_s"`
	P90      int64           `json:"p90_s"`
}

// NoisyRule is a rule that finds much.
type NoisyRule struct {
	Rule     NamedRule `json:"rule"`
	Findings int64     `json:"findings"`
	Issues   int64     `json:"issues" doc:"That are not closed."`
	PerDay   float64   `json:"per_day"`
	Q        string    `json:"q" doc:"To the list of findings."`
}

// NamedRule is a rule by its name.
type NamedRule struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	TitleJA string `json:"title_ja,omitempty"`
}

// HourFlow is what came in an hour: events by their own time, findings when they were judged,
// and what was broken when it was kept.
type HourFlow struct {
	At       time.Time `json:"at"`
	Events   int64     `json:"events"`
	Findings int64     `json:"findings"`
	Broken   int64     `json:"broken"`
}

// CountryFlow is what came from a country in 7 days. Nothing is looked up: it is what the records
// of sign-ins and the like say themselves.
type CountryFlow struct {
	Country  string `json:"country" doc:"ISO 3166-1 alpha-2, or the text of the record where it is no country that is known; empty: an address, and no country."`
	Events   int64  `json:"events"`
	Findings *int64 `json:"findings,omitempty" doc:"About these events; absent where it is not known."`
	Q        string `json:"q" doc:"To the list of events."`
}

// Attack is what the rules look for in ATT&CK, and what they found in 7 days.
type Attack struct {
	Tactics    []string          `json:"tactics"`
	Techniques []AttackTechnique `json:"techniques" doc:"Those that rules look for."`
}

// AttackTechnique is a technique that rules look for.
type AttackTechnique struct {
	ID       string   `json:"id"`
	Name     string   `json:"name,omitempty"`
	Tactics  []string `json:"tactics"`
	Rules    int      `json:"rules"`
	Findings int64    `json:"findings"`
	Issues   int64    `json:"issues" doc:"That are not closed."`
	Q        string   `json:"q"`
}

// SourceBrief is a source in short.
type SourceBrief struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	State     string    `json:"state" enum:"ok,late,silent,failing,waiting" doc:"As GET /sources has it."`
	Lag       int64     `json:"lag_s"`
	LastEvent time.Time `json:"last_event,omitzero"`
	Waiting   int64     `json:"waiting"`
	Error     string    `json:"error,omitempty"`
	Q         string    `json:"q"`
}

// SinkBrief is a sink in short.
type SinkBrief struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	State   string    `json:"state" enum:"ok,late,failing" doc:"As GET /sinks has it."`
	Waiting int64     `json:"waiting"`
	Dead    int64     `json:"dead"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Q       string    `json:"q"`
}

// LakeBrief is the lake in short.
type LakeBrief struct {
	Bytes    int64     `json:"bytes" doc:"Of its files."`
	RawBytes int64     `json:"raw_bytes" doc:"Of the records as they came."`
	Files    int64     `json:"files"`
	Records  int64     `json:"records"`
	Oldest   time.Time `json:"oldest,omitzero"`
	Newest   time.Time `json:"newest,omitzero"`

	In            string `json:"in" doc:"folder, or the scheme of an object store: s3, gs, azblob …"`
	RetentionDays int64  `json:"retention_days" doc:"How long records are kept; 0: for good. What the configuration says of single formats and accounts is not in it."`
	RawDays       int64  `json:"raw_days" doc:"How long the record itself is kept; behind that its header alone is."`
	MostBytes     int64  `json:"most_bytes,omitempty" doc:"Above which the oldest go."`
	PerDay        int64  `json:"per_day_bytes,omitempty" doc:"What a day of events comes to: the mean of the whole days of the last week."`
}

type overviewIn struct {
	Since time.Time `query:"since" doc:"What new_since counts from; usually 24 hours ago."`
}

func (a *API) overview(ctx context.Context, c *Call[overviewIn]) (*Overview, error) {
	since := c.In.Since
	if since.IsZero() {
		since = c.Now().Add(-24 * time.Hour)
	}
	return a.parts.Overviews.Overview(ctx, c.Reach, since.UTC())
}
