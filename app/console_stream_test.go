package app

import (
	"bufio"
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// watching is a stream that a test reads.
type watching struct {
	t      *testing.T
	resp   *http.Response
	lines  chan string
	cancel context.CancelFunc
}

func (h *consoleHouse) watch(c *caller, last string) *watching {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/stream", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		h.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	w := &watching{t: h.t, resp: resp, lines: make(chan string, 1000), cancel: cancel}
	go func() {
		defer close(w.lines)
		s := bufio.NewScanner(resp.Body)
		for s.Scan() {
			w.lines <- s.Text()
		}
	}()
	h.t.Cleanup(w.close)
	return w
}

func (w *watching) close() {
	w.cancel()
	w.resp.Body.Close() //nolint:errcheck // the test is done with it
}

// next returns the next event: its id, name and data.
func (w *watching) next() (id, event, data string) {
	w.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case <-limit:
			w.t.Fatal("no event came")
		case line, ok := <-w.lines:
			if !ok {
				return "", "end", ""
			}
			name, value, _ := strings.Cut(line, ": ")
			switch {
			case line == "" && event != "":
				return id, event, data
			case name == "id":
				id = value
			case name == "event":
				event = value
			case name == "data":
				data = value
			}
		}
	}
}

// TestStream: who watches learns of what is within reach alone, goes on where it was, begins
// anew where that is not known, and leaves nothing behind.
func TestStream(t *testing.T) {
	h := newConsoleHouse(t)
	ctx, stop := context.WithCancel(t.Context())
	tick := make(chan time.Time)
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.hub.Run(ctx, &feed{c: h.c, told: map[string]time.Time{}}, tick, func(err error) { t.Error(err) })
	}()
	defer func() { stop(); <-done }()
	whole := h.badgeOf("whole", yagura.Binding{Role: yagura.RoleViewer})
	part := h.badgeOf("part", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Tenants: []string{"home"}}})
	before := runtime.NumGoroutine()

	a, b := h.watch(whole, ""), h.watch(part, "")
	start, event, _ := a.next()
	if event != "hello" {
		t.Fatalf("first %s", event)
	}
	if _, event, _ := b.next(); event != "hello" {
		t.Fatalf("first %s", event)
	}
	tick <- time.Time{} // it looks for the first time: nothing is new
	tick <- time.Time{}
	h.find(theirAccount, theirFormat, "foreign-eve")
	own := h.find(ourAccount, ourFormat, "carol")
	h.hub.Wake() // as a commit of this process does
	seen := map[string]bool{}
	for range 6 {
		_, event, data := a.next()
		seen[event+" "+data] = true
	}
	lastID := ""
	for range 3 {
		id, event, data := b.next()
		if !strings.Contains(data, own.ID) || event != "issue" && event != "finding" && event != "notice" {
			t.Errorf("%s %s is told within a scope", event, data)
		}
		lastID = id
	}
	if len(seen) != 6 {
		t.Errorf("who sees everything was told %v", seen)
	}
	b.close()

	// It was away for a moment, and something happened.
	next := h.find(ourAccount, ourFormat, "dave")
	h.find(theirAccount, theirFormat, "foreign-frank")
	h.hub.Wake()
	for range 6 {
		a.next()
	}
	b = h.watch(part, lastID)
	for range 3 {
		if _, event, data := b.next(); !strings.Contains(data, next.ID) {
			t.Errorf("after it came back: %s %s", event, data)
		}
	}
	// Ids of another run, from the future, and nonsense begin anew.
	for _, id := range []string{"other-1", "boot-999999", "boot-x", "\u00e9", strings.Repeat("9", 300)} {
		w := h.watch(part, id)
		if _, event, _ := w.next(); event != "reset" {
			t.Errorf("%q: %s", id, event)
		}
		w.close()
	}
	// One that everything was told to gets it again, in order.
	w := h.watch(whole, start)
	if id, event, _ := w.next(); event == "reset" || id == start {
		t.Errorf("%s %s", id, event)
	}
	w.close()
	a.close()
	b.close()
	limit := time.Now().Add(20 * time.Second)
	for h.hub.Watching() > 0 || runtime.NumGoroutine() > before+4 {
		h.server.Client().CloseIdleConnections()
		if time.Now().After(limit) {
			t.Fatalf("%d streams, %d goroutines, %d before", h.hub.Watching(), runtime.NumGoroutine(), before)
		}
		<-time.After(10 * time.Millisecond)
	}
	// The end of the server ends them all.
	w = h.watch(whole, "")
	w.next()
	h.hub.Close()
	if _, event, _ := w.next(); event != "end" {
		t.Errorf("after the end: %s", event)
	}
	var p api.Problem
	whole.call(503, "GET", "/stream", "", &p)
}

// TestStreamMatrix opens the stream as every role, without a scope and within one: whoever sees
// everything is told of everything, and who sees a part of nothing else. A stranger, and
// somebody without a role, is refused.
func TestStreamMatrix(t *testing.T) {
	h := newConsoleHouse(t)
	var p api.Problem
	h.stranger().call(401, "GET", "/stream", "", &p)
	if p.Code != api.CodeUnauthenticated {
		t.Errorf("a stranger: %+v", p)
	}
	h.badgeOf("none").call(403, "GET", "/stream", "", &p)
	if p.Code != api.CodeForbidden {
		t.Errorf("somebody without a role: %+v", p)
	}
	type person struct {
		name   string
		scoped bool
		*watching
	}
	var people []person
	for _, role := range yagura.Roles() {
		for kind, scope := range map[string]yagura.Scope{"all": {}, "part": {Accounts: []string{ourAccount}}, "home": {Tenants: []string{"home"}}, "logs": {Formats: []string{ourFormat}}} {
			name := kind + "-" + string(role)
			people = append(people, person{name, kind != "all", h.watch(h.badgeOf(name, yagura.Binding{Role: role, Scope: scope}), "")})
		}
	}
	f := &feed{c: h.c, told: map[string]time.Time{}}
	news := func() []api.News {
		list, lost, err := f.News(t.Context())
		if err != nil || lost {
			t.Fatal(err, lost)
		}
		return list
	}
	now := h.now()
	h.c.now = func() time.Time { return now }
	news() // the first is of nothing
	source := func(judged int64) {
		h.update(func(ctx context.Context, tx *store.Tx) error {
			return tx.PutDeliveries(ctx, []yagura.Delivery{{Source: "in", Object: "foreign-object", Received: h.now(), Judged: judged, Total: judged, Done: h.now()}})
		})
	}
	source(3)
	now = now.Add(sourceEvery)
	theirs, ours := h.find(theirAccount, theirFormat, "foreign-eve"), h.find(ourAccount, ourFormat, "carol")
	h.hub.Tell(news()...)
	for _, n := range news() {
		t.Errorf("told again: %+v", n)
	}
	h.hub.Tell(api.News{Event: "end", Data: "end", Everybody: true})
	for _, x := range people {
		told := map[string]int{}
		for event, data := "", ""; event != "end"; {
			_, event, data = x.next()
			if event == "source" {
				told["source"]++
				if !strings.Contains(data, `{"name":"in","received":3,"judged":3,"waiting":0`) {
					t.Errorf("of the source %s", data)
				}
			}
			for name, is := range map[string]*yagura.Issue{"theirs": &theirs, "ours": &ours} {
				if strings.Contains(data, is.ID) {
					told[name]++
				}
			}
			if x.scoped && (strings.Contains(data, "foreign") || strings.Contains(data, theirAccount)) {
				t.Errorf("%s is told %s %s", x.name, event, data)
			}
		}
		if told["ours"] != 3 || !x.scoped && told["theirs"] != 3 || !x.scoped && told["source"] != 1 || x.scoped && told["theirs"]+told["source"] != 0 {
			t.Errorf("%s is told %v", x.name, told)
		}
	}
}

// TestStreamOfBusySource: a source that changes at once again is told of later, and then.
func TestStreamOfBusySource(t *testing.T) {
	h := newConsoleHouse(t)
	now := h.now()
	h.c.now = func() time.Time { return now }
	f := &feed{c: h.c, told: map[string]time.Time{}}
	judged := int64(0)
	look := func(after time.Duration) (told []SourceNews) {
		judged++
		h.update(func(ctx context.Context, tx *store.Tx) error {
			return tx.PutDeliveries(ctx, []yagura.Delivery{{Source: "in", Object: strings.Repeat("o", int(judged)), Received: now, Judged: 1, Total: 1, Done: now}})
		})
		now = now.Add(after)
		list, _, err := f.News(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			if s, ok := n.Data.(SourceNews); ok {
				told = append(told, s)
			}
		}
		return told
	}
	look(0) // the first look is quiet
	if got := look(sourceEvery / 2); len(got) != 0 {
		t.Errorf("at once: %+v", got)
	}
	if got := look(sourceEvery); len(got) != 1 || got[0].Judged != 3 {
		t.Errorf("later: %+v", got)
	}
}

// TestStreamBounds: one identity has a few streams, and one that was too slow begins anew.
func TestStreamBounds(t *testing.T) {
	h := newConsoleHouse(t)
	c := h.badgeOf("whole", yagura.Binding{Role: yagura.RoleViewer})
	var open []*watching
	for range 16 {
		open = append(open, h.watch(c, ""))
	}
	var p api.Problem
	c.call(429, "GET", "/stream", "", &p)
	open[0].next()
	news := make([]api.News, 5000)
	for i := range news {
		news[i] = api.News{Event: "issue", Data: i, Everybody: true}
	}
	h.hub.Tell(news...)
	if id, event, _ := open[0].next(); event != "reset" || id != "boot-5000" {
		t.Errorf("%s %s, want a reset", id, event)
	}
	h.hub.Tell(api.News{Event: "issue", Data: "after", Everybody: true})
	if id, _, data := open[0].next(); data != `"after"` || id != "boot-5001" {
		t.Errorf("%s %s", id, data)
	}
}
