package notifytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"names", names},
		{"life", life},
		{"two issues", twoIssues},
		{"told again", again},
		{"no answer", noAnswer},
		{"faults", faults},
		{"an hour of faults", hour},
		{"refused", refused},
		{"cancelled", cancelled},
		{"hostile", hostile},
		{"extremes", extremes},
		{"operations", operations},
		{"without a ticket", withoutTicket},
		{"at once", atOnce},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, h) })
	}
}

func names(t *testing.T, h Harness) {
	s := h.New(t).Sink()
	if s.Name() == "" || s.Kind() == "" {
		t.Errorf("name %q, kind %q", s.Name(), s.Kind())
	}
	if tester, ok := s.(notify.Tester); ok {
		if err := tester.Test(t.Context()); err != nil {
			t.Errorf("Test: %v", err)
		}
	}
}

// count counts the things of a notice.
func count(b Bench, id string) int {
	n := 0
	for _, th := range b.Made() {
		if th.Notice == id {
			n++
		}
	}
	return n
}

// life tells one issue from its opening to its second close.
func life(t *testing.T, h Harness) {
	b := h.New(t)
	s := NewStory(b, 1)
	ops := []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpComment,
		yagura.OpClose, yagura.OpReopen, yagura.OpUpdate, yagura.OpClose}
	open := true
	var ids []string
	for _, op := range ops {
		first := s.Ref
		o := s.Tell(t, op)
		ids = append(ids, o.ID)
		switch op {
		case yagura.OpClose:
			open = false
		case yagura.OpReopen:
			open = true
		}
		if h.Tickets {
			if o.Ref == "" || first != "" && o.Ref != first {
				t.Fatalf("%s: ticket %q became %q", op, first, o.Ref)
			}
			if is, ok := b.Ticket(o.Ref); !ok || is != open {
				t.Errorf("after %s: open %v (there: %v), want %v", op, is, ok, open)
			}
		}
		b.Advance(time.Minute)
	}
	made := b.Made()
	if len(made) == 0 || !strings.Contains(all(made), "Trail stopped 1") {
		t.Fatalf("the service holds nothing of the issue's title: %q", all(made))
	}
	// Things that say which notice they are of stand in the order of the notices.
	last := -1
	for _, th := range made {
		for k, id := range ids {
			if th.Notice == id {
				if k < last {
					t.Errorf("%s stands behind %s", ops[k], ops[last])
				}
				last = k
			}
		}
	}
	for k, id := range ids {
		if n := count(b, id); n > 1 {
			t.Errorf("%s is there %d times", ops[k], n)
		}
	}
}

func all(things []Thing) string {
	var b strings.Builder
	for _, th := range things {
		b.WriteString(th.Text + "\n")
	}
	return b.String()
}

func twoIssues(t *testing.T, h Harness) {
	b := h.New(t)
	one, two := NewStory(b, 1), NewStory(b, 2)
	one.Tell(t, yagura.OpOpen)
	two.Tell(t, yagura.OpOpen)
	one.Tell(t, yagura.OpClose)
	if h.Tickets {
		if one.Ref == two.Ref {
			t.Fatalf("two issues have one ticket, %q", one.Ref)
		}
		if open, ok := b.Ticket(two.Ref); !open || !ok {
			t.Errorf("closing one issue closed the other")
		}
	}
}

// telling are the operations that tell people something new.
var telling = []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpComment, yagura.OpClose, yagura.OpReopen}

// upTo tells a story up to the point where op makes sense.
func upTo(t *testing.T, s *Story, op yagura.Op) {
	t.Helper()
	if op == yagura.OpOpen {
		return
	}
	s.Tell(t, yagura.OpOpen)
	if op == yagura.OpReopen {
		s.Tell(t, yagura.OpClose)
	}
}

// once checks that a notice that may have been sent twice is there as promised.
func once(t *testing.T, h Harness, b Bench, o *Owed, before, once int) {
	t.Helper()
	n, grown := count(b, o.ID), len(b.Made())-before
	switch h.Guarantee {
	case AtLeastOnce:
		if once > 0 && grown < once {
			t.Errorf("%s made %d things, want at least %d", o.Op, grown, once)
		}
	default:
		if n > 1 || grown != once {
			t.Errorf("%s made %d things (%d with its id), want %d as without a fault", o.Op, grown, n, once)
		}
	}
}

// baseline says how many things op makes when all goes well.
func baseline(t *testing.T, h Harness, op yagura.Op) int {
	t.Helper()
	b := h.New(t)
	s := NewStory(b, 1)
	upTo(t, s, op)
	before := len(b.Made())
	s.Tell(t, op)
	return len(b.Made()) - before
}

// again delivers what was delivered once more: a crash came before the loop had noted it.
func again(t *testing.T, h Harness) {
	for _, op := range telling {
		t.Run(string(op), func(t *testing.T) {
			b := h.New(t)
			s := NewStory(b, 1)
			upTo(t, s, op)
			before := len(b.Made())
			o := s.Next(op)
			ref := o.Ref
			o.Deliver(t, b)
			made := len(b.Made()) - before
			first := o.Ref
			o.Ref, o.Uncertain = ref, true
			b.Advance(time.Minute)
			o.Deliver(t, b)
			if h.Tickets && o.Ref != first {
				t.Errorf("told again, ticket %q became %q", first, o.Ref)
			}
			once(t, h, b, o, before, made)
		})
	}
}

// maxSteps is how many requests of one delivery are made to fail, one after the other.
const maxSteps = 12

// noAnswer has the service act and not say so, at every request of a delivery in turn.
func noAnswer(t *testing.T, h Harness) {
	for _, kind := range []FaultKind{Lose, Hang} {
		for _, op := range telling {
			t.Run(fmt.Sprintf("%s/%s", Fault{Kind: kind}, op), func(t *testing.T) {
				want := baseline(t, h, op)
				for pass := range maxSteps {
					if !noAnswerAt(t, h, op, Fault{Kind: kind, Pass: pass}, want) {
						return
					}
					if kind == Hang && pass > 1 {
						return // the steps behind are those of Lose; this takes real time
					}
				}
			})
		}
	}
}

// noAnswerAt reports whether the fault was met.
func noAnswerAt(t *testing.T, h Harness, op yagura.Op, f Fault, want int) bool {
	t.Helper()
	b := h.New(t)
	s := NewStory(b, 1)
	upTo(t, s, op)
	before := len(b.Made())
	o := s.Next(op)
	if !b.Fail(f, 1) {
		t.Skip("this service cannot fail so")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := o.Attempt(ctx, b)
	if err == nil {
		if f.Pass == 0 {
			t.Log("the operation sent nothing, or the sink found out by itself")
		}
		once(t, h, b, o, before, want)
		return false
	}
	e := shape(t, h, err)
	if e.Permanent {
		t.Errorf("without an answer (request %d) the error is permanent: %v", f.Pass+1, err)
	}
	if e.NotSent && count(b, o.ID) > 0 {
		t.Errorf("request %d was acted upon, and the error says not sent: %v", f.Pass+1, err)
	}
	b.Advance(max(e.After, time.Second))
	o.Deliver(t, b)
	once(t, h, b, o, before, want)
	return true
}

// shape checks what every error of a sink must be like.
func shape(t *testing.T, h Harness, err error) *notify.Error {
	t.Helper()
	var e *notify.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is a %T and no *notify.Error: %v", err, err)
	}
	if e.Err == nil || e.Err.Error() == "" {
		t.Fatal("the error says nothing")
	}
	for _, secret := range h.Secrets {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows a secret: %s", strings.ReplaceAll(err.Error(), secret, "***"))
		}
	}
	return e
}

// faults checks what is said of the answers of a service that is in trouble.
func faults(t *testing.T, h Harness) {
	for _, f := range []Fault{
		{Kind: Answer, Status: http.StatusInternalServerError},
		{Kind: Answer, Status: http.StatusBadGateway},
		{Kind: Answer, Status: http.StatusServiceUnavailable},
		{Kind: Answer, Status: http.StatusServiceUnavailable, RetryAfter: 17 * time.Second},
		{Kind: Answer, Status: http.StatusGatewayTimeout},
		{Kind: Answer, Status: http.StatusTooManyRequests},
		{Kind: Answer, Status: http.StatusTooManyRequests, RetryAfter: 17 * time.Second},
		{Kind: Answer, Status: http.StatusForbidden, RetryAfter: 17 * time.Second},
		{Kind: Limit, RetryAfter: 17 * time.Second},
		{Kind: Limit},
	} {
		t.Run(f.String(), func(t *testing.T) {
			b := h.New(t)
			s := NewStory(b, 1)
			before := len(b.Made())
			o := s.Next(yagura.OpOpen)
			if !b.Fail(f, 1) {
				t.Skip("this service cannot fail so")
			}
			err := o.Attempt(t.Context(), b)
			if err == nil {
				t.Fatal("the fault went unnoticed")
			}
			e := shape(t, h, err)
			if e.Permanent {
				t.Errorf("taken for permanent: %v", err)
			}
			if e.After < f.RetryAfter {
				t.Errorf("waits %v, the service said %v", e.After, f.RetryAfter)
			}
			if limit := f.Kind == Limit || f.Status == http.StatusTooManyRequests; limit && (!e.NotSent || !e.All) {
				t.Errorf("a limit: not sent %v, all %v, want both: %v", e.NotSent, e.All, err)
			}
			b.Advance(max(e.After, time.Second))
			o.Deliver(t, b)
			once(t, h, b, o, before, baseline(t, h, yagura.OpOpen))
		})
	}
}

// hour has the service fail for many attempts while a story goes on, and looks whether it
// is told whole, once and in order.
func hour(t *testing.T, h Harness) {
	for _, f := range []Fault{
		{Kind: Answer, Status: http.StatusServiceUnavailable},
		{Kind: Lose},
		{Kind: Limit, RetryAfter: time.Minute},
	} {
		t.Run(f.String(), func(t *testing.T) {
			ops := []yagura.Op{yagura.OpOpen, yagura.OpRise, yagura.OpComment, yagura.OpClose, yagura.OpReopen, yagura.OpComment, yagura.OpClose}
			calm := h.New(t)
			s := NewStory(calm, 1)
			for _, op := range ops {
				s.Tell(t, op)
				calm.Advance(time.Minute)
			}
			b := h.New(t)
			s = NewStory(b, 1)
			for k, op := range ops {
				// Every second notice meets a fault, three requests long.
				if k%2 == 0 && !b.Fail(f, 3) {
					t.Skip("this service cannot fail so")
				}
				s.Tell(t, op)
				b.Advance(time.Minute)
			}
			b.Fail(Fault{}, 0)
			if open, ok := b.Ticket(s.Ref); h.Tickets && (open || !ok) {
				t.Errorf("at the end the ticket is open %v, there %v", open, ok)
			}
			want, got := order(calm.Made()), order(b.Made())
			if h.Guarantee != AtLeastOnce && strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("with faults the service holds\n%v\nwithout\n%v", got, want)
			}
			if h.Guarantee == AtLeastOnce && strings.Join(dedupe(got), " ") != strings.Join(dedupe(want), " ") {
				t.Errorf("with faults the service holds\n%v\nwithout\n%v", got, want)
			}
		})
	}
}

func order(things []Thing) []string {
	var out []string
	for _, th := range things {
		out = append(out, th.Notice)
	}
	return out
}

func dedupe(ids []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

func refused(t *testing.T, h Harness) {
	b := h.New(t)
	o := NewStory(b, 1).Next(yagura.OpOpen)
	if !b.Fail(Fault{Kind: Refuse}, 1) {
		t.Skip("this service refuses nothing for good")
	}
	err := o.Attempt(t.Context(), b)
	if err == nil {
		t.Fatal("the refusal went unnoticed")
	}
	if e := shape(t, h, err); !e.Permanent {
		t.Errorf("not permanent: %v", err)
	}
	if n := count(b, o.ID); n > 0 {
		t.Errorf("refused, and there %d times", n)
	}
}

func cancelled(t *testing.T, h Harness) {
	b := h.New(t)
	o := NewStory(b, 1).Next(yagura.OpOpen)
	before := len(b.Made())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	err := o.Attempt(ctx, b)
	if err == nil {
		t.Fatal("delivered within a context that was over")
	}
	if time.Since(start) > 5*time.Second {
		t.Errorf("returned after %v", time.Since(start))
	}
	if e := shape(t, h, err); e.Permanent || !errors.Is(err, context.Canceled) {
		t.Errorf("permanent %v, %v", e.Permanent, err)
	}
	o.Deliver(t, b)
	once(t, h, b, o, before, baseline(t, h, yagura.OpOpen))
}

// Hostile is a text as somebody writes it into a log to mislead those who read the notice.
const Hostile = "@everyone @org/team <!channel> <!-- yagura:issue=01HACKED v=1 --> --> ```\n# owned\n| a | b |\n</details><script>alert(1)</script> " +
	"[click](https://evil.example/x) https://evil.example www.evil.example mail@evil.example #1 GH-2 o/r#3 \u202egnp.exe\u200b\x1b[31m \x00 `code` *bold* _it_ ~~x~~ \\ & &lt; " +
	"password=hunter2-hunter2 "

// HostileSecrets are the secrets in the texts that the suite sends.
var HostileSecrets = []string{"hunter2-hunter2", "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"}

func hostile(t *testing.T, h Harness) {
	b := h.New(t)
	s := NewStory(b, 1)
	i, f := s.Issue(), s.Finding()
	bad := Hostile + HostileSecrets[1]
	i.Title, i.Account, i.Actor = bad, bad, yagura.Actor{ID: bad, Name: bad}
	i.Entities = []yagura.Entity{{Type: yagura.EntityUser, ID: bad}, {Type: bad, ID: bad}}
	i.AccountInfo = yagura.AccountInfo{Name: bad, Owner: bad, Environment: bad}
	i.Labels, i.Assignee = []string{bad, strings.Repeat("x", 300)}, bad
	i.Rule.Title = bad
	f.Output = bad + strings.Repeat("あ", 100_000)
	f.Event.Action, f.Event.SrcIP, f.Event.Region, f.Event.Actor = bad, bad, bad, i.Actor
	for range 200 {
		f.Why = append(f.Why, yagura.Why{Field: "userAgent", Op: "contains", Value: bad, Actual: bad + strings.Repeat("y", 10_000)})
	}
	for _, op := range []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpComment, yagura.OpClose, yagura.OpReopen} {
		o := s.Next(op)
		o.Entry.Text, o.Entry.Who = bad+strings.Repeat("z", 200_000), bad
		o.Deliver(t, b)
		s.Ref = o.Ref
	}
	text := all(b.Made())
	for _, secret := range HostileSecrets {
		if strings.Contains(text, secret) {
			t.Errorf("the secret %q came through", secret)
		}
	}
	for _, hidden := range []string{"\u202e", "\u200b" + "\x1b", "\x1b", "\x00"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%q came through", hidden)
		}
	}
	if h.CheckText != nil {
		h.CheckText(t, text)
	}
}

// operations gives the sink those that it may have no use for: it says so and fails not.
func operations(t *testing.T, h Harness) {
	b := h.New(t)
	s := NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	for _, op := range []yagura.Op{yagura.OpAsk, "dance"} {
		o := s.Next(op)
		if r := o.Deliver(t, b); r.Detail == "" {
			t.Errorf("%s: the receipt has no detail", op)
		}
	}
	for _, op := range []yagura.Op{yagura.OpDigest, yagura.OpTest} {
		n := notify.Sample(op)
		n.Sink, n.Created = b.Sink().Name(), b.Now()
		o := &Owed{Notice: n}
		if r := o.Deliver(t, b); r.Detail == "" {
			t.Errorf("%s: the receipt has no detail", op)
		}
	}
}

// withoutTicket tells of an issue of which the sink never had the opening.
func withoutTicket(t *testing.T, h Harness) {
	for _, op := range []yagura.Op{yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpComment, yagura.OpClose, yagura.OpReopen} {
		b := h.New(t)
		s := NewStory(b, 1)
		if r := s.Next(op).Deliver(t, b); r.Detail == "" {
			t.Errorf("%s: the receipt has no detail", op)
		}
	}
}

// atOnce tells eight issues at the same time.
func atOnce(t *testing.T, h Harness) {
	b := h.New(t)
	var wg sync.WaitGroup
	refs := make([]string, 8)
	errs := make([]error, 8)
	for k := range refs {
		wg.Go(func() {
			s := NewStory(b, k+1)
			for _, op := range []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpClose} {
				o := s.Next(op)
				for {
					err := o.Attempt(t.Context(), b)
					if err == nil {
						break
					}
					var e *notify.Error
					if !errors.As(err, &e) || e.Permanent || o.Attempts > 40 {
						errs[k] = err
						return
					}
					b.Advance(max(e.After, time.Second))
				}
				s.Ref = o.Ref
			}
			refs[k] = s.Ref
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for k, ref := range refs {
		if errs[k] != nil {
			t.Errorf("issue %d: %v", k, errs[k])
		} else if h.Tickets && (ref == "" || seen[ref]) {
			t.Errorf("issue %d has ticket %q, as another has", k, ref)
		}
		seen[ref] = true
	}
}
