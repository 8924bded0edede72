package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
)

// News is one thing that happened, for those who watch.
type News struct {
	Event string // "issue", "finding", "notice", "source"
	Data  any
	// Tenant, Account and Format say whose it is; Everybody that it is told regardless of
	// scopes.
	Tenant, Account, Format string
	Everybody               bool
}

// Feed finds what is new in the store, whoever wrote it: this process, another replica, a
// command line. Each call returns what is new since the one before; the first returns none.
// lost says that there was more than could be told: watchers read their lists again.
type Feed interface {
	News(ctx context.Context) (news []News, lost bool, err error)
}

// Hub brings news to those who watch. It keeps the last of them, so that a watcher who was
// away for a moment goes on where it was.
type Hub struct {
	boot string // names this run: ids of another run say nothing here
	wake chan struct{}
	done chan struct{}
	end  sync.Once

	mu   sync.Mutex
	seq  uint64
	ring []told // the last, in order
	subs map[*watcher]string
	by   map[string]int
	idle int // rounds without a watcher
}

type told struct {
	seq  uint64
	news News
	text []byte // the frame; made once for all
}

// watcher is one stream.
type watcher struct {
	reach Reach
	ready chan struct{} // has room for one: there is something to read
	from  uint64        // seq that was read last; under Hub.mu
}

// The bounds of a hub.
const (
	ringSize     = 2048
	mostWatchers = 512
	mostOfOne    = 16
	heartbeat    = 15 * time.Second
	retryAfter   = 2 * time.Second
)

// NewHub makes one. boot must differ from run to run.
func NewHub(boot string) *Hub {
	return &Hub{boot: boot, wake: make(chan struct{}, 1), done: make(chan struct{}), subs: map[*watcher]string{}, by: map[string]int{}}
}

// Wake says that something was committed: the feed is asked at once. A nil hub has no
// watchers.
func (h *Hub) Wake() {
	if h == nil {
		return
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Close ends all streams; no more begin.
func (h *Hub) Close() {
	if h != nil {
		h.end.Do(func() { close(h.done) })
	}
}

// Run asks the feed at every tick and after every Wake, until ctx ends. While nobody watches,
// and nobody did a moment ago, it asks nothing.
func (h *Hub) Run(ctx context.Context, feed Feed, tick <-chan time.Time, trouble func(error)) {
	for {
		if h.wanted() {
			news, lost, err := feed.News(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				trouble(err)
			default:
				if lost {
					h.forget()
				}
				h.Tell(news...)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-h.done:
			return
		case <-tick:
		case <-h.wake:
		}
	}
}

// idleTicks is how long the feed is still asked when the last watcher has gone: one whose
// connection broke comes back within it.
const idleTicks = 60

func (h *Hub) wanted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.subs) > 0 {
		h.idle = 0
		return true
	}
	h.idle++
	if h.idle == idleTicks {
		h.ring = h.ring[:0]
		h.seq++ // what happens from here on is not known: whoever comes back begins anew
	}
	return h.idle < idleTicks
}

// Tell brings news to whoever may know.
func (h *Hub) Tell(news ...News) {
	if len(news) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range news {
		data, err := json.Marshal(n.Data)
		if err != nil {
			continue // it is a struct of ours: a test would have found it
		}
		h.seq++
		h.ring = append(h.ring, told{h.seq, n, frame(n.Event, h.id(h.seq), data)})
	}
	if over := len(h.ring) - ringSize; over > 0 {
		h.ring = append(h.ring[:0], h.ring[over:]...)
	}
	h.nudge()
}

// forget drops what is kept, so that all watchers start anew.
func (h *Hub) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring = h.ring[:0]
	h.seq++
	h.nudge()
}

func (h *Hub) nudge() {
	for w := range h.subs {
		select {
		case w.ready <- struct{}{}:
		default:
		}
	}
}

func (h *Hub) id(seq uint64) string { return h.boot + "-" + strconv.FormatUint(seq, 10) }

func frame(event, id string, data []byte) []byte {
	var b bytes.Buffer
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", event, data) // the JSON has no line breaks
	return b.Bytes()
}

// watch begins a stream for somebody, behind the id that was read last. fresh says that what
// lies between is not known: the watcher reads its lists anew.
func (h *Hub) watch(who string, reach Reach, last string) (w *watcher, fresh bool, err error) {
	select {
	case <-h.done:
		return nil, false, &Problem{Code: CodeUnavailable, Detail: "the server stops", DetailJA: "サーバーを停止しています", retry: retryAfter}
	default:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.subs) >= mostWatchers || h.by[who] >= mostOfOne {
		return nil, false, &Problem{Code: CodeRateLimited, Detail: "there are too many streams", DetailJA: "接続中のストリームが多すぎます", retry: time.Minute}
	}
	w = &watcher{reach: reach, ready: make(chan struct{}, 1), from: h.seq}
	if last != "" {
		boot, number, _ := strings.Cut(last, "-")
		n, err := strconv.ParseUint(number, 10, 64)
		fresh = err != nil || boot != h.boot || n > h.seq || n < h.oldest()
		if !fresh {
			w.from = n
			w.ready <- struct{}{}
		}
	}
	h.subs[w] = who
	if h.idle >= idleTicks {
		h.Wake()
	}
	h.by[who]++
	return w, fresh, nil
}

// oldest is the seq behind which everything is still kept.
func (h *Hub) oldest() uint64 {
	if len(h.ring) == 0 {
		return h.seq
	}
	return h.ring[0].seq - 1
}

func (h *Hub) leave(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	who, ok := h.subs[w]
	if !ok {
		return
	}
	delete(h.subs, w)
	if h.by[who]--; h.by[who] == 0 {
		delete(h.by, who)
	}
}

// Watching counts the streams.
func (h *Hub) Watching() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs)
}

// next returns the frames that a watcher has not read. fresh says that it was too slow, and
// some are gone.
func (h *Hub) next(w *watcher) (frames [][]byte, fresh bool, last string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fresh = w.from < h.oldest()
	for _, t := range h.ring {
		if t.seq > w.from && (t.news.Everybody || w.reach.Holds(t.news.Tenant, t.news.Account, t.news.Format)) {
			frames = append(frames, t.text)
		}
	}
	w.from = h.seq
	return frames, fresh, h.id(h.seq)
}

type streamIn struct {
	Last string `query:"last" doc:"As Last-Event-ID, for clients that cannot set it."`
}

// stream is the endpoint of news.
func (a *API) stream(ctx context.Context, c *Call[streamIn]) (*Stream, error) {
	if a.hub == nil {
		return nil, Refuse(CodeUnavailable, "there is no stream beside a server", "サーバーなしではストリームを使えません")
	}
	last := c.r.Header.Get("Last-Event-ID")
	if last == "" {
		last = c.In.Last
	}
	w, fresh, err := a.hub.watch(c.Who.Who, c.Reach, cutText(last))
	if err != nil {
		return nil, err
	}
	return &Stream{func(out http.ResponseWriter) {
		defer a.hub.leave(w)
		a.pour(ctx, out, c.r, c.Who.Who, w, fresh)
	}}, nil
}

// pour writes frames until somebody ends it: the client, the server, or who may watch.
func (a *API) pour(ctx context.Context, out http.ResponseWriter, r *http.Request, who string, w *watcher, fresh bool) {
	control := http.NewResponseController(out)
	h := out.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	_ = control.SetReadDeadline(time.Time{}) // the deadline of the request would end the stream
	send := func(parts ...[]byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writeWithin))
		for _, p := range parts {
			if _, err := out.Write(p); err != nil {
				return false
			}
		}
		return control.Flush() == nil
	}
	first := [][]byte{fmt.Appendf(nil, "retry: %d\n\n", retryAfter.Milliseconds())}
	if fresh {
		first = append(first, frame("reset", a.hub.id(w.from), []byte("{}")))
	} else if len(w.ready) == 0 {
		first = append(first, frame("hello", a.hub.id(w.from), []byte("{}")))
	}
	if !send(first...) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.hub.done:
			return
		case <-beat.C:
			// Whoever was signed out meanwhile, or may see less, begins anew or not at all.
			id, err := a.gate.Identify(r)
			if err != nil || id == nil || id.Who != who || !sameReach(ReachOf(id, yagura.PermitView), w.reach) || !send([]byte(": ping\n\n")) {
				return
			}
		case <-w.ready:
			frames, fresh, last := a.hub.next(w)
			if fresh {
				frames = [][]byte{frame("reset", last, []byte("{}"))}
			}
			if len(frames) > 0 && !send(frames...) {
				return
			}
		}
	}
}

func sameReach(a, b Reach) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}
