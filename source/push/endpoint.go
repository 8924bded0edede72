package push

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// Resolve reads a message that may name S3 objects (an S3 notification in any of its
// wrappings, CloudTrail's own list of keys). named says that the message is of that
// kind, also when it names nothing that is to be read (a test message); a message that
// is not is a record itself. An error says that the message is of that kind and cannot
// be read: it is kept as a dead letter.
type Resolve func(ctx context.Context, body []byte) (objects []source.Object, named bool, err error)

// Common is what every endpoint has.
type Common struct {
	// Name is the name of the source in the configuration.
	Name string
	// Log keeps what was received. The endpoint closes it.
	Log Log
	// Resolve, if it is set, finds the S3 objects that messages name.
	Resolve Resolve
	Limits  Limits
	// Memory bounds the bodies of all endpoints that share it; nil: [NewMemory](0). Strangers
	// bounds those whose sender only a signature over the whole body can tell, so that they
	// take no room from those who have a credential; nil: Memory.
	Memory, Strangers *Memory
	// Batch is the most messages that Receive returns at a time; 0: 64.
	Batch int
	// Poll is how often Receive looks into the log without being told to; 0: 1 s. It
	// matters where other processes append to or release into the same log.
	Poll time.Duration
	// Logger gets one line for each refused request (ten a second at most; more are
	// counted), and at debug level one for each that was taken. nil: none. No line has a
	// credential, a body, a query, or the part of the path behind the mount.
	Logger *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// protocol is what differs between the endpoints.
type protocol interface {
	// admit judges a request by its headers alone, before the body is read.
	admit(r *http.Request) *refusal
	// known says of an admitted request that its sender is known before its body is read.
	known(r *http.Request) bool
	// accept judges the body. It returns what is to be kept, or an answer that keeps
	// nothing, or a refusal.
	accept(r *http.Request, body *received) (accepted, *refusal)
	// open says what a payload that was kept holds.
	open(ctx context.Context, o opened) ([]source.Object, error)
	// challenge is the WWW-Authenticate of a 401.
	challenge() string
	// with is the same with other credentials.
	with(a Access, k WebhookKeys) (protocol, error)
}

// accepted is what a request came to.
type accepted struct {
	// identity is of [identity]; "" for a request that is like no other.
	identity string
	payload  []byte
	// joins says that the payload may share an object with others.
	joins bool
	// done answers 200 with this word and keeps nothing; "" keeps the payload.
	done string
}

// opened is a message that came out of the log.
type opened struct {
	payload []byte
	object  func() source.Object // the payload as an object
}

// Endpoint takes requests and hands out what they brought.
type Endpoint struct {
	common   Common
	protocol atomic.Pointer[protocol]
	log      Log
	gather   *gather
	wake     chan struct{}
	active   atomic.Int64
	retained atomic.Int64 // bytes of payloads that messages hold which are out
	closing  context.Context
	end      context.CancelFunc
	counts   counts
}

// Counts are what an endpoint did since it started.
type Counts struct {
	Stored  uint64 // requests that were made durable
	Known   uint64 // requests that were there already
	Bytes   uint64 // of bodies that were stored, unpacked
	Refused map[int]uint64
}

type counts struct {
	stored, known, bytes atomic.Uint64
	refused              [600]atomic.Uint64
	lines                atomic.Int64 // seconds<<16 | refusals logged in it
	unsaid               atomic.Uint64
}

// Counts returns the counts.
func (e *Endpoint) Counts() Counts {
	c := Counts{Stored: e.counts.stored.Load(), Known: e.counts.known.Load(), Bytes: e.counts.bytes.Load(), Refused: map[int]uint64{}}
	for i := range e.counts.refused {
		if n := e.counts.refused[i].Load(); n > 0 {
			c.Refused[i] = n
		}
	}
	return c
}

func newEndpoint(room string, c Common, p protocol) (*Endpoint, error) {
	if c.Name == "" {
		return nil, optionError(room, "name", "is empty")
	}
	if c.Log == nil {
		return nil, optionError(room, c.Name, "has no log")
	}
	if err := c.Limits.defaults(); err != nil {
		return nil, optionError(room, c.Name, err.Error())
	}
	if c.Memory == nil {
		c.Memory = NewMemory(0)
	}
	if c.Strangers == nil {
		c.Strangers = c.Memory
	}
	if c.Batch <= 0 {
		c.Batch = 64
	}
	if c.Poll <= 0 {
		c.Poll = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	e := &Endpoint{common: c, log: c.Log, wake: make(chan struct{}, 1)}
	e.protocol.Store(&p)
	e.closing, e.end = context.WithCancel(context.Background())
	e.gather = newGather(c.Log, e.nudge)
	return e, nil
}

// Renew has the endpoint ask for other credentials, from the next request on: what is under
// way is judged by those that it began with. With an error nothing has changed.
func (e *Endpoint) Renew(a Access, k WebhookKeys) error {
	p, err := e.speaks().with(a, k)
	if err != nil {
		return optionError("push", e.common.Name, err.Error())
	}
	e.protocol.Store(&p)
	return nil
}

func (e *Endpoint) speaks() protocol { return *e.protocol.Load() }

func (e *Endpoint) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// ServeHTTP takes a request.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := e.common.Now()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		// A probe: it says that somebody listens, and nothing else.
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte("ok\n"))
		return
	}
	word, size, no := e.take(w, r)
	if no != nil {
		e.answer(w, r, no)
		e.say(r, no, start)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if word == "stored" {
		_, _ = w.Write(storedBody)
	} else {
		_, _ = w.Write([]byte(`{"status":"` + word + `"}` + "\n"))
	}
	if e.common.Logger.Enabled(r.Context(), slog.LevelDebug) {
		e.common.Logger.LogAttrs(r.Context(), slog.LevelDebug, "received", slog.String("source", e.common.Name),
			slog.String("result", word), slog.Int("bytes", size), slog.String("from", from(r)), slog.Duration("took", e.common.Now().Sub(start)))
	}
}

var storedBody = []byte(`{"status":"stored"}` + "\n")

// take runs a request through to the log. word says what became of it.
func (e *Endpoint) take(w http.ResponseWriter, r *http.Request) (word string, size int, no *refusal) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return "", 0, refuse(http.StatusMethodNotAllowed, "%.20s is not taken here (hint: POST)", r.Method)
	}
	if n := e.active.Add(1); n > int64(e.common.Limits.Concurrent) {
		e.active.Add(-1)
		return "", 0, &refusal{status: http.StatusTooManyRequests, reason: "too many requests at a time", retry: 1}
	}
	defer e.active.Add(-1)
	speaks := e.speaks()
	if no := speaks.admit(r); no != nil {
		return "", 0, no
	}
	if no := checkType(r); no != nil {
		return "", 0, no
	}
	body, no := e.readBody(w, r, speaks.known(r))
	if no != nil {
		return "", 0, no
	}
	defer body.free()
	a, no := speaks.accept(r, body)
	if no != nil {
		return "", 0, no
	}
	if a.done != "" {
		return a.done, 0, nil
	}
	p := &pending{identity: a.identity, received: e.common.Now().UTC(), payload: a.payload, joins: a.joins, done: make(chan outcome, 1)}
	known, err := e.gather.store(p)
	if err != nil {
		return "", 0, unstored(err)
	}
	if known {
		e.counts.known.Add(1)
		return "known", len(a.payload), nil
	}
	e.counts.stored.Add(1)
	e.counts.bytes.Add(uint64(len(a.payload)))
	return "stored", len(a.payload), nil
}

// unstored answers for a log that could not keep a request. The sender must come
// again: what it brought may or may not be there.
func unstored(err error) *refusal {
	no := &refusal{status: http.StatusServiceUnavailable, reason: "the request could not be stored now", retry: 5, cause: err}
	if errors.Is(err, ErrFull) {
		no.reason, no.retry = "there is no room for more until what waits is judged", 30
	}
	return no
}

// answer writes a refusal.
func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request, no *refusal) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if no.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(no.retry))
	}
	switch no.status {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", "GET, HEAD, POST, PUT")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", e.speaks().challenge())
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusLengthRequired:
		h.Set("Connection", "close")
	case http.StatusUnsupportedMediaType:
		h.Set("Accept-Encoding", "gzip, zstd, deflate")
	}
	body, err := json.Marshal(map[string]string{"error": no.reason})
	if err != nil {
		body = []byte("{}")
	}
	w.WriteHeader(no.status)
	_, _ = w.Write(append(body, '\n'))
}

// say logs a refusal, ten a second at most.
func (e *Endpoint) say(r *http.Request, no *refusal, start time.Time) {
	e.counts.refused[no.status].Add(1)
	now := e.common.Now()
	second := now.Unix() << 16
	for {
		was := e.counts.lines.Load()
		next := was + 1
		if was&^0xffff != second {
			next = second + 1
		}
		if next&0xffff > 10 {
			e.counts.unsaid.Add(1)
			return
		}
		if e.counts.lines.CompareAndSwap(was, next) {
			break
		}
	}
	attrs := []slog.Attr{slog.String("source", e.common.Name), slog.Int("status", no.status), slog.String("reason", no.reason),
		slog.String("method", clip(r.Method, 20)), slog.String("from", from(r)), slog.Duration("took", now.Sub(start))}
	if no.cause != nil {
		attrs = append(attrs, slog.String("error", no.cause.Error()))
	}
	if n := e.counts.unsaid.Swap(0); n > 0 {
		attrs = append(attrs, slog.Uint64("more_before", n))
	}
	e.common.Logger.LogAttrs(r.Context(), slog.LevelWarn, "request refused", attrs...)
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func from(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// checkType refuses what surely is no JSON and no text. Senders disagree about the name: SNS
// says text/plain.
func checkType(r *http.Request) *refusal {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch kind {
	case "", "text/plain", "text/json", "text/csv", "application/octet-stream", "binary/octet-stream", "application/json-seq",
		"application/gzip", "application/x-gzip", "application/zstd":
		return nil
	}
	if strings.Contains(kind, "json") {
		return nil
	}
	return refuse(http.StatusUnsupportedMediaType, "Content-Type %.60q is not taken (hint: application/json or application/x-ndjson)", kind)
}
