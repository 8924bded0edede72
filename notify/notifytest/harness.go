package notifytest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Guarantee is what a sink promises of a notice that was delivered, with attempts that
// ended without an answer before.
type Guarantee int

// The guarantees.
const (
	ReadBack    Guarantee = iota // looked for before it is made again: there once
	Keyed                        // the service drops doubles by a key: there once
	AtLeastOnce                  // there once or more, always with the same id
)

// Harness is a sink and what it promises.
type Harness struct {
	Guarantee Guarantee
	// Tickets says that the sink keeps one ticket for an issue, of which Bench.Ticket tells.
	Tickets bool
	// New starts a fresh fake service with a sink on it. Everything that it starts ends
	// with t.
	New func(t *testing.T) Bench
	// Secrets are the sink's credentials: no error may show them.
	Secrets []string
	// CheckText looks at everything that the fake holds after hostile notices: the escaping
	// that only this service needs. May be nil.
	CheckText func(t *testing.T, text string)
}

// Bench is one fake service with one sink on it. Its methods may be called while the sink
// delivers.
type Bench interface {
	Sink() notify.Sink
	// Made lists what the service holds, the oldest first: tickets, comments, messages,
	// events. What was edited in place is one thing with its newest text.
	Made() []Thing
	// Ticket tells of a ticket; ok is false when there is none.
	Ticket(ref string) (open, ok bool)
	// Fail has the service treat the next n requests that would make or change something
	// like f; false says that this service cannot fail so.
	Fail(f Fault, n int) bool
	// Now is the clock of sink and fake; Advance moves it.
	Now() time.Time
	Advance(d time.Duration)
}

// Thing is one thing that a service holds.
type Thing struct {
	Ref    string // of the ticket that it is or belongs to, "" where there are none
	Notice string // id of the notice that it was made for, "" where it does not say
	Text   string // all that is stored of it, as sent
}

// Fault is a way to fail.
type Fault struct {
	Kind       FaultKind
	Status     int           // of Answer
	RetryAfter time.Duration // of Answer: the header, absent when 0
	// Pass lets as many requests that make or change something through before the first
	// that fails.
	Pass int
}

// FaultKind says when and how a request fails.
type FaultKind int

// The kinds of faults.
const (
	Answer FaultKind = iota + 1 // nothing is done, and the answer is Status
	Lose                        // it is done, and the connection breaks before the answer
	Hang                        // it is done, and the answer never comes
	Refuse                      // nothing is done, and the answer is a refusal for good, as the service words it
	Limit                       // nothing is done: the service's own rate limit, as it words it, with RetryAfter
)

// String names the fault.
func (f Fault) String() string {
	switch f.Kind {
	case Answer:
		s := fmt.Sprint(f.Status)
		if f.RetryAfter > 0 {
			s += " with Retry-After"
		}
		return s
	case Lose:
		return "answer lost"
	case Hang:
		return "no answer"
	case Refuse:
		return "refused"
	case Limit:
		return "limited"
	}
	return "no fault"
}

// Owed is a notice on its way, with the book-keeping of the delivery loop.
type Owed struct {
	*yagura.Notice
	Errors []error
	Done   yagura.Receipt
}

// Attempt brings a notice to the sink once, as the delivery loop does.
func (o *Owed) Attempt(ctx context.Context, b Bench) error {
	if o.FirstTried.IsZero() {
		o.FirstTried = b.Now()
	}
	receipt, err := b.Sink().Deliver(ctx, o.Notice)
	o.Attempts++
	if err == nil {
		o.Done = receipt
		if receipt.Ref != "" {
			o.Ref = receipt.Ref
		}
		return nil
	}
	o.Errors = append(o.Errors, err)
	if e := (*notify.Error)(nil); !errors.As(err, &e) || !e.NotSent {
		o.Uncertain = true
	}
	return err
}

// Deliver attempts until the sink has the notice, and waits as long as the sink says (one
// minute where it does not say). It ends the test when the sink refuses, or after 40
// attempts.
func (o *Owed) Deliver(t *testing.T, b Bench) yagura.Receipt {
	t.Helper()
	for range 40 {
		err := o.Attempt(t.Context(), b)
		if err == nil {
			return o.Done
		}
		wait := time.Minute
		if e := (*notify.Error)(nil); errors.As(err, &e) {
			if e.Permanent {
				t.Fatalf("%s: refused: %v", o.Op, err)
			}
			if e.After > 0 {
				wait = e.After
			}
		}
		b.Advance(wait)
	}
	t.Fatalf("%s: not delivered in 40 attempts; the last: %v", o.Op, o.Errors[len(o.Errors)-1])
	return yagura.Receipt{}
}

// Story makes the notices of one issue.
type Story struct {
	b     Bench
	issue yagura.Issue
	find  yagura.Finding
	seq   int64
	entry int64
	Ref   string
}

// NewStory starts an issue; n tells several of one test apart.
func NewStory(b Bench, n int) *Story {
	sample := notify.Sample(yagura.OpOpen)
	s := &Story{b: b, issue: *sample.Issue, find: *sample.Finding}
	at := b.Now().UTC().Truncate(time.Second)
	s.issue.ID = fmt.Sprintf("01JDP6ISSUE%015d", n)
	s.issue.CauseKey = fmt.Sprintf("cause-%d", n)
	s.issue.Title = fmt.Sprintf("Trail stopped %d", n)
	s.issue.Assignee, s.issue.Episode, s.issue.Announced = "", 1, s.issue.Severity
	s.issue.Opened, s.issue.Updated, s.issue.FirstSeen, s.issue.LastSeen = at, at, at, at
	s.issue.Latest = &s.find
	return s
}

// Issue is the issue as it stands; the notices to come carry it.
func (s *Story) Issue() *yagura.Issue { return &s.issue }

// Finding is the finding that the notices to come carry.
func (s *Story) Finding() *yagura.Finding { return &s.find }

// Next makes the next notice of the issue and changes the issue as triage would have.
func (s *Story) Next(op yagura.Op) *Owed {
	at := s.b.Now().UTC().Truncate(time.Second)
	s.seq++
	s.entry++
	what := yagura.EntryFinding
	text := "one more finding"
	switch op {
	case yagura.OpOpen:
		what, text = yagura.EntryOpened, "opened"
	case yagura.OpRise:
		s.issue.Announced = s.issue.Severity
		s.issue.Severity = min(s.issue.Severity+1, yagura.SeverityCritical)
		what, text = yagura.EntrySeverity, "severity rose"
	case yagura.OpAck:
		s.issue.Status, s.issue.Acked = yagura.StatusAcknowledged, at
		what, text = yagura.EntryAcked, "acknowledged"
	case yagura.OpClose:
		s.issue.Status, s.issue.Closed, s.issue.CloseReason = yagura.StatusClosed, at, yagura.ClosedFixed
		what, text = yagura.EntryClosed, "closed"
	case yagura.OpReopen:
		s.issue.Status, s.issue.Closed, s.issue.CloseReason, s.issue.Acked = yagura.StatusOpen, time.Time{}, "", time.Time{}
		s.issue.Episode++
		s.issue.Opened = at
		what, text = yagura.EntryReopened, "re-opened"
	case yagura.OpComment:
		what, text = yagura.EntryNote, "a note"
	case yagura.OpUpdate:
		s.issue.Count++
		s.issue.LastSeen = at
	}
	s.issue.Updated = at
	s.issue.Version++
	i, f := s.issue, s.find
	i.Latest = &f
	n := &yagura.Notice{ID: fmt.Sprintf("%s%04d", s.issue.ID[:22], s.seq), IssueID: i.ID, Sink: s.b.Sink().Name(), Seq: s.seq, Op: op,
		Created: at, Issue: &i, Finding: &f, Ref: s.Ref,
		Entry: &yagura.Entry{IssueID: i.ID, Seq: s.entry, At: at, Who: "yagura", What: what, Text: text}}
	// The id of a notice is of the issue and the sequence, so that no two are the same.
	n.ID = fmt.Sprintf("01JDP6N%s%06d", s.issue.ID[13:], s.seq)
	if op == yagura.OpAsk {
		n.To = "mary@example.com"
	}
	return &Owed{Notice: n}
}

// Tell makes the next notice and delivers it.
func (s *Story) Tell(t *testing.T, op yagura.Op) *Owed {
	t.Helper()
	o := s.Next(op)
	o.Deliver(t, s.b)
	s.Ref = o.Ref
	return o
}
