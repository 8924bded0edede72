package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/yagura-sec/yagura/notify"
)

// socketTimes are the times of Socket Mode.
type socketTimes struct {
	ack   time.Duration // by when an envelope is acknowledged: Slack waits for 3 s
	work  time.Duration // how long handling one may go on
	hello time.Duration // for a connection to begin
	ping  time.Duration // between our pings
	pong  time.Duration // for their answer
	grace time.Duration // an old connection is still read, while a new one has taken over
	wait  func(attempt int) time.Duration
}

var defaultTimes = socketTimes{ack: 2 * time.Second, work: 30 * time.Second, hello: 15 * time.Second, ping: 20 * time.Second, pong: 10 * time.Second, grace: 30 * time.Second,
	wait: func(attempt int) time.Duration {
		d := min(time.Second<<min(attempt, 6), time.Minute)
		return d/2 + rand.N(d/2+1) //nolint:gosec // chance, not a secret
	}}

const (
	maxFrame = 4 << 20
	// atOnce is how many envelopes are worked on at a time; more wait unread.
	atOnce = 32
)

// frame is one message of Socket Mode.
type frame struct {
	Type     string          `json:"type"`
	Envelope string          `json:"envelope_id"`
	Reason   string          `json:"reason"`
	Accepts  bool            `json:"accepts_response_payload"`
	Payload  json.RawMessage `json:"payload"`
}

// errDisabled ends Socket Mode: somebody switched it off for the app.
var errDisabled = errors.New("slack: Socket Mode was switched off for the app (hint: enable it, or use the signed HTTP requests)")

// Listen keeps a Socket Mode connection until ctx ends. Slack renews connections every few
// hours and says so before: the next one is open before the old one is left. It returns an
// error only for what waiting does not change (a revoked token, Socket Mode switched off).
func (s *Sink) Listen(ctx context.Context, in notify.Inbox) error {
	if s.o.AppToken == "" {
		return nil
	}
	l := &listener{s: s, in: in, slots: make(chan struct{}, atOnce)}
	defer l.all.Wait()
	for attempt := 0; ctx.Err() == nil; {
		conn, err := s.connect(ctx)
		if err != nil {
			var e *notify.Error
			if ctx.Err() != nil {
				return nil
			}
			if errors.As(err, &e) && e.Permanent {
				return err
			}
			wait := s.socket.wait(attempt)
			if e != nil {
				wait = max(wait, e.After)
			}
			s.o.Log.WarnContext(ctx, "slack: no Socket Mode connection", "sink", s.o.Name, "error", err, "again_in", wait)
			attempt++
			if !pause(ctx, wait) {
				return nil
			}
			continue
		}
		began, next := time.Now(), make(chan error, 1)
		l.all.Go(func() {
			l.serve(ctx, conn, next)
		})
		select {
		case <-ctx.Done():
			return nil
		case err = <-next:
		}
		switch {
		case errors.Is(err, errDisabled):
			return err
		case err == nil:
			attempt = 0 // a renewal
			continue
		case time.Since(began) > time.Minute:
			attempt = 0
		}
		s.o.Log.InfoContext(ctx, "slack: the Socket Mode connection ended", "sink", s.o.Name, "error", err)
		if !pause(ctx, s.socket.wait(attempt)) {
			return nil
		}
		attempt++
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// connect opens a connection and waits for its hello.
func (s *Sink) connect(ctx context.Context) (*websocket.Conn, error) {
	var out struct {
		URL string `json:"url"`
	}
	if _, err := s.c.call(ctx, "apps.connections.open", "", s.o.AppToken, "application/x-www-form-urlencoded", nil, &out); err != nil {
		return nil, err
	}
	u, err := url.Parse(out.URL)
	// The address holds a ticket, so it stands in no error.
	if err != nil || u.Host == "" || u.Scheme != "wss" && (u.Scheme != "ws" || strings.HasPrefix(s.o.API, "https:")) {
		return nil, errors.New("slack: apps.connections.open: the answer names no address to connect to")
	}
	ctx, cancel := context.WithTimeout(ctx, s.socket.hello)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, out.URL, &websocket.DialOptions{HTTPClient: s.c.http})
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return nil, fmt.Errorf("slack: Socket Mode: connect: %s", strings.ReplaceAll(err.Error(), out.URL, u.Host))
	}
	conn.SetReadLimit(maxFrame)
	var f frame
	if err := read(ctx, conn, &f); err != nil {
		_ = conn.CloseNow()
		return nil, fmt.Errorf("slack: Socket Mode: hello: %w", err)
	}
	if f.Type != "hello" {
		_ = conn.CloseNow()
		return nil, fmt.Errorf("slack: Socket Mode: %s instead of hello: %s", code(f.Type), code(f.Reason))
	}
	return conn, nil
}

func read(ctx context.Context, conn *websocket.Conn, f *frame) error {
	_, data, err := conn.Read(ctx)
	if err != nil {
		return err
	}
	*f = frame{}
	return json.Unmarshal(data, f)
}

// listener handles the envelopes of all connections, of which there may be two for a while.
type listener struct {
	s     *Sink
	in    notify.Inbox
	slots chan struct{}
	all   sync.WaitGroup
}

// serve reads one connection until it ends. next gets nil when Slack asks for another
// connection, else why this one ended.
func (l *listener) serve(ctx context.Context, conn *websocket.Conn, next chan<- error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { _ = conn.CloseNow() }()
	l.all.Go(func() {
		l.ping(ctx, conn)
	})
	tell := sync.OnceFunc(func() { next <- nil })
	for {
		var f frame
		err := read(ctx, conn, &f)
		if err != nil {
			var syntax *json.SyntaxError
			var kind *json.UnmarshalTypeError
			if errors.As(err, &syntax) || errors.As(err, &kind) {
				continue // one bad frame is not the end of the others
			}
			select {
			case next <- err:
			default: // a renewal was asked for before
			}
			return
		}
		switch f.Type {
		case "disconnect":
			if f.Reason == "link_disabled" {
				select {
				case next <- errDisabled:
				default:
				}
				return
			}
			tell()
			// Slack still sends what is under way here; then it closes, or we do.
			l.all.Go(func() {
				if pause(ctx, l.s.socket.grace) {
					_ = conn.Close(websocket.StatusNormalClosure, "")
				}
			})
		case "interactive", "slash_commands", "events_api":
			if f.Envelope == "" || len(f.Envelope) > 200 {
				continue
			}
			select {
			case l.slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			l.all.Go(func() {
				defer func() { <-l.slots }()
				l.envelope(ctx, conn, &f)
			})
		}
	}
}

// ping finds a connection that is dead without saying so.
func (l *listener) ping(ctx context.Context, conn *websocket.Conn) {
	for pause(ctx, l.s.socket.ping) {
		pctx, cancel := context.WithTimeout(ctx, l.s.socket.pong)
		err := conn.Ping(pctx)
		cancel()
		if err != nil {
			_ = conn.CloseNow()
			return
		}
	}
}

// envelope handles one envelope and acknowledges it: after it was taken down when that is
// quick, and else in time, while the work goes on.
func (l *listener) envelope(ctx context.Context, conn *websocket.Conn, f *frame) {
	type result struct {
		answer any
		err    error
	}
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.s.socket.work)
	defer cancel()
	done := make(chan result, 1)
	l.all.Go(func() {
		answer, err := l.handle(work, f)
		done <- result{answer, err}
	})
	timer := time.NewTimer(l.s.socket.ack)
	defer timer.Stop()
	select {
	case r := <-done:
		if r.err != nil {
			l.s.o.Log.WarnContext(ctx, "slack: an envelope was not handled", "sink", l.s.o.Name, "type", f.Type, "error", r.err)
			if f.Type == "events_api" && !errors.Is(r.err, errPayload) {
				return // without an acknowledgement Slack sends an event again
			}
		}
		l.ack(ctx, conn, f, r.answer)
	case <-timer.C:
		l.ack(ctx, conn, f, nil)
		r := <-done
		if r.err != nil {
			l.s.o.Log.WarnContext(ctx, "slack: an envelope was not handled", "sink", l.s.o.Name, "type", f.Type, "error", r.err)
		}
		l.late(work, f, r.answer)
	}
}

func (l *listener) handle(ctx context.Context, f *frame) (any, error) {
	switch f.Type {
	case "interactive":
		return l.s.interactive(ctx, l.in, f.Payload)
	case "slash_commands":
		var c command
		if err := json.Unmarshal(f.Payload, &c); err != nil {
			return nil, fmt.Errorf("%w: %w", errPayload, err)
		}
		return l.s.slash(ctx, l.in, &c)
	}
	return nil, l.s.event(ctx, l.in, f.Payload)
}

func (l *listener) ack(ctx context.Context, conn *websocket.Conn, f *frame, answer any) {
	a := map[string]any{"envelope_id": f.Envelope}
	if answer != nil && f.Accepts {
		a["payload"] = answer
	}
	wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.s.socket.pong)
	defer cancel()
	if err := conn.Write(wctx, websocket.MessageText, encode(a)); err != nil {
		// Slack sends the envelope again; the change's id knows it.
		l.s.o.Log.DebugContext(ctx, "slack: an envelope was not acknowledged", "sink", l.s.o.Name, "error", err)
	}
}

// late brings an answer that came after the acknowledgement by the response_url.
func (l *listener) late(ctx context.Context, f *frame, answer any) {
	var to struct {
		Answer string `json:"response_url"`
		View   struct {
			Private string `json:"private_metadata"`
		} `json:"view"`
	}
	if answer == nil || json.Unmarshal(f.Payload, &to) != nil {
		return
	}
	if f.Type == "slash_commands" {
		l.s.answer(ctx, to.Answer, answer)
		return
	}
	// The modal is closed by now; what was wrong with it cannot be shown in it.
	var p private
	if json.Unmarshal([]byte(to.View.Private), &p) == nil {
		l.s.tell(ctx, p.Answer, l.s.words().Failed)
	}
}
