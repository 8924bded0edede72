package api

import (
	"context"
	"io"
	"time"

	"github.com/yagura-sec/yagura"
)

// Parts are what the API asks. Whatever reads takes the [Reach] of the call as its second
// argument and gives nothing beyond it; a single thing beyond it is [NotFound].
type Parts struct {
	Trail     Trail
	Server    Server
	People    People
	Register  Register
	Issues    Issues
	Desk      Desk
	Findings  Findings
	Records   Records
	Entities  Entities
	Events    Events
	Views     Views
	Searcher  Searcher
	Values    Values // nil: queries are completed without values
	Lists     Lists
	Registers Registers
	// SignOutAt says where users whom a provider let in sign out there; nil, or "", is nowhere.
	SignOutAt func(via string) string

	Flows     Flows
	Overviews Overviews
	Dead      DeadLetters
	Accounts  Accounts
	Outbox    Outbox

	// Of a running service alone.
	Hunts         Hunts
	Rules         Rules
	Policy        Policy
	Suppressions  Suppressions
	Documents     Documents
	Configuration Configuration
	TeamFiles     TeamFiles
}

// Trail is the audit trail.
type Trail interface {
	// Audit adds a line by itself, for what nobody wrote with its write.
	Audit(ctx context.Context, line yagura.Audit) error
}

// Lists reads lists that are asked in the grammar of filter.
type Lists interface {
	ListIssues(ctx context.Context, reach Reach, ask Ask) (*List[yagura.Issue], error)
	CountIssues(ctx context.Context, reach Reach, ask Ask) (*IssueCounts, error)
	ListFindings(ctx context.Context, reach Reach, ask Ask) (*List[FindingRow], error)
}

// Registers reads lists of which more is in the store than a page shows, and that have little
// to do with issues.
type Registers interface {
	ListNotices(ctx context.Context, reach Reach, ask Ask) (*List[Notice], error)
	ListUsers(ctx context.Context, ask Ask) (*List[yagura.User], error)
	ListTokens(ctx context.Context, ask Ask) (*List[yagura.Token], error)
	ListAudit(ctx context.Context, ask Ask) (*List[yagura.Audit], error)
	CheckAudit(ctx context.Context) (*AuditCheck, error)
}

// Server says what this server is.
type Server interface {
	About(ctx context.Context) (*About, error)
}

// About is what a page must know of the server.
type About struct {
	Version string    `json:"version"`
	Tenant  string    `json:"tenant,omitempty" doc:"How the organisation is called."`
	Zone    string    `json:"zone,omitempty" doc:"IANA name of the team's time zone."`
	Demo    bool      `json:"demo,omitempty"`
	Time    time.Time `json:"time"`
	Build   string    `json:"build" doc:"Changes with every build: a page of another build reloads itself."`
}

// Issues reads issues.
type Issues interface {
	Issue(ctx context.Context, reach Reach, id string) (*IssuePage, error)
	Timeline(ctx context.Context, reach Reach, id string, ask Ask) (*List[yagura.Entry], error)
	IssueFindings(ctx context.Context, reach Reach, id string, ask Ask) (*List[FindingRow], error)
	IssueNotices(ctx context.Context, reach Reach, id string, ask Ask) (*List[Notice], error)
	RelatedIssues(ctx context.Context, reach Reach, id string) (*Related, error)
}

// Desk is where people work on issues.
type Desk interface {
	// Change applies a change once. done is false where it was applied before.
	Change(ctx context.Context, reach Reach, change yagura.Change) (is *yagura.Issue, done bool, err error)
}

// Records reads raw events back.
type Records interface {
	IssueEvents(ctx context.Context, reach Reach, id string, ask Ask) (*List[EventMatch], error)
	FindingEvents(ctx context.Context, reach Reach, id string) ([]EventMatch, error)
	// Evidence writes everything that is known of an issue, as a zip archive.
	Evidence(ctx context.Context, reach Reach, id string, w io.Writer) error
}

// Findings reads findings.
type Findings interface {
	Finding(ctx context.Context, reach Reach, id string) (*FindingRow, error)
}

// Entities reads what is known of entities, and what hangs together.
type Entities interface {
	ListEntities(ctx context.Context, reach Reach, ask Ask) (*List[EntityRow], error)
	IssueGraph(ctx context.Context, reach Reach, id string, depth int) (*Graph, error)
	Entity(ctx context.Context, reach Reach, e yagura.Entity) (*EntityPage, error)
	EntityGraph(ctx context.Context, reach Reach, e yagura.Entity, depth int) (*Graph, error)
}

// Views keeps lists that people named.
type Views interface {
	ListViews(ctx context.Context, owner, list string) ([]yagura.View, error)
	View(ctx context.Context, owner, id string) (*yagura.View, error)
	PutView(ctx context.Context, v *yagura.View) error
	DeleteView(ctx context.Context, id string) error
}

// Values offers values of a list's field that begin with what was typed, or hold it.
type Values interface {
	Values(ctx context.Context, reach Reach, list, field, typed string, limit int) ([]string, error)
	// Said says what a value that was offered is, for people; "" where it says so itself.
	Said(field, value string) string
}
