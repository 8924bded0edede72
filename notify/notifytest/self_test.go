package notifytest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

// board is a sink that is its own service: a list of posts in memory.
type board struct {
	fault string // how this one breaks the contract, "" for a good one

	mu    sync.Mutex
	at    time.Time
	posts []notifytest.Thing
	open  map[string]bool
	fail  notifytest.Fault
	left  int
	bad   []string
}

func (b *board) Sink() notify.Sink { return b }
func (b *board) Name() string      { return "board" }
func (b *board) Kind() string      { return "board" }

func (b *board) Made() []notifytest.Thing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]notifytest.Thing(nil), b.posts...)
}

func (b *board) Ticket(ref string) (open, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	open, ok = b.open[ref]
	return open, ok
}

func (b *board) Refusals() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bad
}

func (b *board) Fail(f notifytest.Fault, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail, b.left = f, n
	return true
}

func (b *board) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *board) Advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func (b *board) Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return yagura.Receipt{}, &notify.Error{NotSent: !n.Uncertain, Err: err}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch n.Op {
	case yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpClose, yagura.OpReopen, yagura.OpComment:
	default:
		if b.fault == "says nothing" {
			return yagura.Receipt{}, nil
		}
		return yagura.Receipt{Detail: "not here"}, nil
	}
	ref := "board/" + n.IssueID
	if n.Uncertain && b.fault != "does not look" {
		for _, p := range b.posts {
			if p.Notice == n.ID {
				b.open[ref] = n.Issue.Status != yagura.StatusClosed
				return yagura.Receipt{Ref: ref, Detail: "there already"}, nil
			}
		}
	}
	var f notifytest.Fault
	if b.left > 0 {
		if b.fail.Pass > 0 {
			b.fail.Pass--
		} else {
			b.left--
			f = b.fail
		}
	}
	switch f.Kind {
	case notifytest.Answer, notifytest.Limit:
		limit := f.Kind == notifytest.Limit || f.Status == 429
		after := f.RetryAfter
		if b.fault == "does not wait" {
			after = 0
		}
		return yagura.Receipt{}, &notify.Error{NotSent: !n.Uncertain && limit, All: limit, After: after, Permanent: b.fault == "gives up" && f.Status == 503, Err: errors.New("fault")}
	case notifytest.Refuse:
		return yagura.Receipt{}, notify.Permanent("refused")
	}
	text := notify.NewText(n, notify.TextOptions{})
	body := fmt.Sprintf("%+v", *text)
	if b.fault == "shows secrets" && n.Finding != nil {
		body = n.Finding.Output + n.Issue.Title
	}
	if b.fault == "sends anything" && len(n.Issue.Title) > 1000 {
		b.bad = append(b.bad, "the title is too long")
	}
	b.posts = append(b.posts, notifytest.Thing{Ref: ref, Notice: n.ID, Text: body})
	if b.open == nil {
		b.open = map[string]bool{}
	}
	b.open[ref] = n.Issue.Status != yagura.StatusClosed || b.fault == "never closes"
	if f.Kind == notifytest.Lose || f.Kind == notifytest.Hang {
		err := errors.New("no answer")
		if b.fault == "leaks" {
			err = errors.New("no answer to s3cret")
		}
		return yagura.Receipt{}, &notify.Error{NotSent: b.fault == "says not sent", Err: err}
	}
	return yagura.Receipt{Ref: ref, Detail: "posted"}, nil
}

func harness(fault string) notifytest.Harness {
	return notifytest.Harness{Guarantee: notifytest.ReadBack, Tickets: true, Secrets: []string{"s3cret"},
		New: func(*testing.T) notifytest.Bench {
			return &board{fault: fault, at: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
		}}
}

func TestGood(t *testing.T) { notifytest.Run(t, harness("")) }

// TestBroken runs the suite on sinks that break the contract, each in a process of its own,
// and wants it to fail.
func TestBroken(t *testing.T) {
	if fault := os.Getenv("NOTIFYTEST_FAULT"); fault != "" {
		notifytest.Run(t, harness(fault))
		return
	}
	for fault, where := range map[string]string{
		"does not look": "told_again", "gives up": "faults/503", "does not wait": "faults/429_with_Retry-After", "shows secrets": "hostile",
		"says nothing": "operations", "never closes": "life", "says not sent": "no_answer", "leaks": "no_answer", "sends anything": "extremes",
	} {
		t.Run(fault, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBroken$")
			cmd.Env = append(os.Environ(), "NOTIFYTEST_FAULT="+fault)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestBroken/"+where) {
				t.Errorf("the suite let it pass (%v):\n%s", err, out)
			}
		})
	}
}
