package app

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// liar is a transport that answers changes with success and does nothing, while it lies.
type liar struct {
	http.RoundTripper
	lies atomic.Bool
}

func (l *liar) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := ""
	switch {
	case !l.lies.Load():
	case r.Method == http.MethodPatch && !strings.Contains(r.URL.Path, "/comments/"): // GitHub: what is there already
		read := r.Clone(r.Context())
		read.Method, read.Body, read.ContentLength = http.MethodGet, nil, 0
		return l.RoundTripper.RoundTrip(read)
	case strings.HasSuffix(r.URL.Path, "/chat.update"):
		answer = `{"ok":true,"channel":"C1","ts":"1.000001"}`
	case r.URL.Path == "/findings/import":
		answer = `{"FailedCount":0,"SuccessCount":1,"FailedFindings":[]}`
	}
	if answer == "" {
		return l.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer))}, nil
}

// shows says which of the sinks that can be read back show an issue as open.
func (y *yard) shows(issue string) (open map[string]bool) {
	open = map[string]bool{}
	for _, at := range y.gh.Issues(yardRepo) {
		if marker(at.Body, "yagura:issue=") == issue {
			open["github"] = at.Open
		}
	}
	for _, m := range y.slack.Messages(y.channel) {
		if m.Payload("part") == "thread" && m.Payload("issue_id") == issue {
			open["slack"] = m.Payload("status") != "closed"
		}
	}
	for _, f := range y.hub.Findings() {
		if f["Id"] == "yagura/issue/"+issue {
			open["hub"] = f["RecordState"] == "ACTIVE"
		}
	}
	return open
}

// TestLies: a sink says that it closed an issue, or opened it again, and did not. Nobody
// touched the ticket since, and the reconciler finds it, once.
func TestLies(t *testing.T) {
	w := newWatch(t, "")
	lie := &liar{RoundTripper: http.DefaultTransport}
	w.end()
	w.yard.transport = lie
	w.begin()
	w.find(0, yagura.SeverityHigh)
	w.catchUp()
	id := w.issue(0).ID
	pass := func() {
		t.Helper()
		for range 10 {
			w.clock.advance(time.Minute)
		}
		w.reconcile(true)
		w.catchUp()
	}
	all := func(open bool) {
		t.Helper()
		got := w.yard.shows(id)
		for _, sink := range []string{"github", "slack", "hub"} {
			if is, there := got[sink]; is != open || !there {
				t.Errorf("%s shows the issue as open: %v (there: %v), want %v", sink, is, there, open)
			}
		}
	}
	pass()
	pass() // what was made is long ago
	all(true)
	for _, what := range []yagura.ChangeKind{yagura.ChangeClose, yagura.ChangeReopen} {
		closed := what == yagura.ChangeClose
		w.clock.advance(5 * time.Minute)
		lie.lies.Store(true)
		w.change(0, what)
		w.catchUp()
		all(closed) // nothing was done
		lie.lies.Store(false)
		pass()
		all(!closed)
	}
	before := w.owed()
	pass()
	pass()
	if after := w.owed(); after != before {
		t.Errorf("the reconciler told %d more, and everything was as it should be", after-before)
	}

	// What a person deleted is made again, once.
	w.yard.gh.Delete(yardRepo, 1, "mary")
	w.yard.hub.Delete("yagura/issue/" + id)
	for _, m := range w.yard.slack.Messages(w.yard.channel) {
		if m.Payload("part") == "thread" {
			w.yard.slack.Delete(w.yard.channel, m.TS)
		}
	}
	pass()
	all(true)
	before = w.owed()
	pass()
	pass()
	if after := w.owed(); after != before {
		t.Errorf("the reconciler made %d more of what was made again", after-before)
	}
}

// owed counts all notices that there ever were.
func (w *watch) owed() (n int64) {
	w.t.Helper()
	for _, s := range w.totals() {
		n += s.Owed
	}
	return n
}

// between is a sink that is read, and before what was read is told something happens.
type between struct {
	notify.Sink
	happens func()
}

func (b *between) Actual(ctx context.Context, since time.Time, refs []string, yield func(notify.Ticket) error) error {
	var all []notify.Ticket
	err := b.Sink.(notify.Reader).Actual(ctx, since, refs, func(t notify.Ticket) error { all = append(all, t); return nil })
	if err != nil {
		return err
	}
	b.happens()
	for _, t := range all {
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

// TestReadBehind: an issue is closed, or opened again, and its sinks are told, while the
// reconciler still holds what it read before. It tells nobody a second time.
func TestReadBehind(t *testing.T) {
	w := newWatch(t, "")
	w.find(0, yagura.SeverityHigh)
	w.catchUp()
	w.clock.advance(10 * time.Minute)
	for _, what := range []yagura.ChangeKind{yagura.ChangeClose, yagura.ChangeReopen} {
		for _, sink := range w.serve.sinks {
			if _, ok := sink.(notify.Reader); !ok {
				continue
			}
			did := false
			behind := &between{sink, func() {
				if !did {
					did = true
					w.change(0, what)
					w.catchUp()
				}
			}}
			if err := w.serve.reconcile(t.Context(), sink, behind, w.clock.now()); err != nil {
				t.Fatal(err)
			}
			w.catchUp()
			w.check()
			back := yagura.ChangeReopen
			if what == back {
				back = yagura.ChangeClose
			}
			w.clock.advance(10 * time.Minute)
			w.change(0, back)
			w.catchUp()
			w.clock.advance(10 * time.Minute)
		}
		w.change(0, what)
		w.catchUp()
		w.clock.advance(10 * time.Minute)
	}
	w.check()
}
