package notify

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/yagura-sec/yagura"
)

// Sink is where notices go. notify/notifytest holds every Sink to this contract.
type Sink interface {
	// Name is the sink's name in the configuration.
	Name() string
	// Kind is the package's: "github", "pagerduty", "slack", "securityhub", "cloudwatch", "webhook", "falcosidekick".
	Kind() string
	// Deliver brings one notice to the sink and says what the sink calls the ticket. It does
	// not retry (the caller does) beyond what one call needs, and returns within ctx. An
	// error is an [*Error]; any other is taken for one that may be tried again and left the
	// outcome uncertain. When n.Uncertain is set and the sink can be read back, it must look
	// before it makes anything. An operation that has no meaning at the sink returns a
	// Receipt whose Detail says so.
	Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error)
}

// Error says what a failed delivery means for the next.
type Error struct {
	// Permanent: it will never work; the notice becomes a dead letter.
	Permanent bool
	// NotSent: the sink surely has not acted on it (a refused connection, a limit), so the
	// next attempt need not look.
	NotSent bool
	// After is how long to wait at least, as the sink said; 0 leaves it to the caller.
	After time.Duration
	// All says that After holds for the whole sink (a rate limit), not for this issue only.
	All bool
	Err error
}

// Error returns the reason.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Permanent makes an error of which no retry will help.
func Permanent(format string, args ...any) *Error {
	return &Error{Permanent: true, Err: fmt.Errorf(format, args...)}
}

// Tester is a sink that can prove its credentials and permissions without telling anybody.
type Tester interface {
	Test(ctx context.Context) error
}

// Reader is a sink that can be read back, for the reconciler.
type Reader interface {
	// Actual calls yield for every ticket of ours that changed at the sink since a time
	// (zero: all), and once for each of refs: as it stands, though nobody touched it, or
	// gone. What people did is told of those that changed. An error of yield ends it.
	Actual(ctx context.Context, since time.Time, refs []string, yield func(Ticket) error) error
}

// Ticket is what a sink has of an issue.
type Ticket struct {
	IssueID  string // as its hidden marker says
	Ref      string
	URL      string
	Gone     bool // deleted, or moved where we cannot see it
	Open     bool
	Assignee string
	Labels   []string
	Updated  time.Time
	// Notices are the ids of the notices that are seen in it, where the sink tells.
	Notices []string
	// Changes are what people did there, as far as it can be read back; their ids are those
	// that a webhook would have given, or stable ones of their own.
	Changes []yagura.Change
}

// Inbound is a sink whose people answer: over HTTP, or over a connection of the sink's own.
type Inbound interface {
	// Handler takes the sink's webhooks; nil when it has none. It answers only after
	// Inbox has the change.
	Handler(in Inbox) http.Handler
	// Listen keeps a connection of the sink's own (Slack's Socket Mode) until ctx ends; it
	// returns nil at once when there is none.
	Listen(ctx context.Context, in Inbox) error
}

// Inbox takes what people do at sinks.
type Inbox interface {
	// Apply applies a change once; done is false when it was applied before. An
	// [*Unknown] says that there is no such issue.
	Apply(ctx context.Context, c yagura.Change) (done bool, err error)
	// Find lists issues for people who ask: by id or its beginning, else by text in title,
	// account or entities; status "" is all. The newest come first.
	Find(ctx context.Context, text string, status yagura.Status, limit int) ([]yagura.Issue, error)
}

// Unknown says that a change is about no issue of ours.
type Unknown struct{ What string }

// Error says which.
func (u *Unknown) Error() string { return "no such issue: " + u.What }
