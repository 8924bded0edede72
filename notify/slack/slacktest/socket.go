package slacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// conn is one connection of Socket Mode.
type conn struct {
	ws      *websocket.Conn
	done    chan struct{}
	leaving bool // a disconnect was announced

	mu      sync.Mutex
	waiting map[string]chan json.RawMessage
}

func (s *Server) connectionsOpen(args) (map[string]any, *refusal) {
	if len(s.conns) >= 10 {
		return nil, refuse("too_many_websockets")
	}
	ticket := fmt.Sprintf("t%d", s.next())
	s.tickets[ticket] = true
	return map[string]any{"url": strings.Replace(s.http.URL, "http", "ws", 1) + "/link?ticket=" + ticket}, nil
}

func (s *Server) link(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	ok := s.tickets[ticket]
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !ok {
		http.Error(w, "the ticket is not valid", http.StatusForbidden)
		return
	}
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	c := &conn{ws: ws, done: make(chan struct{}), waiting: map[string]chan json.RawMessage{}}
	defer func() { _ = ws.CloseNow() }()
	ctx := context.Background()
	if err := ws.Write(ctx, websocket.MessageText, []byte(`{"type":"hello","num_connections":1,"connection_info":{"app_id":"A0APP"},"debug_info":{"approximate_connection_time":18060}}`)); err != nil {
		return
	}
	s.with(func() {
		s.conns = append(s.conns, c)
		s.links++
		s.wake()
	})
	s.mu.Lock()
	stalled := s.stalled
	s.mu.Unlock()
	if stalled {
		<-s.closing // nobody reads, so nobody answers a ping
		return
	}
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			break
		}
		var a struct {
			Envelope string          `json:"envelope_id"`
			Payload  json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(data, &a) != nil || a.Envelope == "" {
			break // Slack closes on what is no acknowledgement
		}
		c.mu.Lock()
		ch := c.waiting[a.Envelope]
		delete(c.waiting, a.Envelope)
		c.mu.Unlock()
		if ch != nil {
			s.with(func() { s.acks++ })
			ch <- a.Payload
		}
	}
	close(c.done)
	s.with(func() {
		for i, o := range s.conns {
			if o == c {
				s.conns = append(s.conns[:i:i], s.conns[i+1:]...)
				break
			}
		}
		s.wake()
	})
}

// wake tells Connected that something changed. The lock is held.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait waits until what is counted is n.
func (s *Server) wait(ctx context.Context, what string, n int, count func() int) error {
	for {
		s.mu.Lock()
		have, changed := count(), s.changed
		s.mu.Unlock()
		if have == n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d %s, not %d: %w", have, what, n, ctx.Err())
		case <-changed:
		}
	}
}

// Connected waits until there are n connections that Slack did not ask to leave.
func (s *Server) Connected(ctx context.Context, n int) error {
	return s.wait(ctx, "connections", n, func() (have int) {
		for _, c := range s.conns {
			if !c.leaving {
				have++
			}
		}
		return have
	})
}

// Open waits until n connections are open, those that are being left among them.
func (s *Server) Open(ctx context.Context, n int) error {
	return s.wait(ctx, "open connections", n, func() int { return len(s.conns) })
}

// Links waits until n connections were made since the start.
func (s *Server) Links(ctx context.Context, n int) error {
	return s.wait(ctx, "connections made", n, func() int { return s.links })
}

// WaitTold waits until a person was told n things.
func (s *Server) WaitTold(ctx context.Context, user string, n int) error {
	return s.wait(ctx, "lines", n, func() int { return len(s.told[user]) })
}

// Stall has new connections say hello and then neither read nor answer pings.
func (s *Server) Stall(on bool) { s.with(func() { s.stalled = on }) }

// Acks counts the acknowledgements.
func (s *Server) Acks() (n int) { s.with(func() { n = s.acks }); return n }

// Disconnect announces the end of the connections that are there: reason is
// "refresh_requested", "warning" or "link_disabled". They stay open.
func (s *Server) Disconnect(reason string) {
	s.mu.Lock()
	all := append([]*conn(nil), s.conns...)
	for _, c := range all {
		c.leaving = true
	}
	s.wake()
	s.mu.Unlock()
	for _, c := range all {
		_ = c.ws.Write(context.Background(), websocket.MessageText, []byte(`{"type":"disconnect","reason":"`+reason+`","debug_info":{"host":"applink-1"}}`))
	}
}

// Drop breaks all connections.
func (s *Server) Drop() {
	s.mu.Lock()
	all := append([]*conn(nil), s.conns...)
	s.mu.Unlock()
	for _, c := range all {
		_ = c.ws.CloseNow()
	}
}

// Raw sends bytes on all connections, whatever they are.
func (s *Server) Raw(text string) {
	s.mu.Lock()
	all := append([]*conn(nil), s.conns...)
	s.mu.Unlock()
	for _, c := range all {
		_ = c.ws.Write(context.Background(), websocket.MessageText, []byte(text))
	}
}

var errNotAcked = errors.New("the envelope was not acknowledged within three seconds")

// sendSocket sends an envelope on one connection, an old one while it is still open, and
// again on another when it is not acknowledged because its connection broke.
func (s *Server) sendSocket(ctx context.Context, kind string, payload map[string]any) (*Answer, error) {
	for try := range 3 {
		s.mu.Lock()
		if len(s.conns) == 0 {
			s.mu.Unlock()
			return nil, errors.New("the app is not connected")
		}
		c := s.conns[try%len(s.conns)]
		id := fmt.Sprintf("env-%d", s.next())
		s.mu.Unlock()
		ch := make(chan json.RawMessage, 1)
		c.mu.Lock()
		c.waiting[id] = ch
		c.mu.Unlock()
		text, _ := json.Marshal(map[string]any{"type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": kind != "events_api"})
		if err := c.ws.Write(ctx, websocket.MessageText, text); err != nil {
			continue
		}
		timer := time.NewTimer(3 * time.Second)
		select {
		case p := <-ch:
			timer.Stop()
			return &Answer{Status: http.StatusOK, Payload: p}, nil
		case <-c.done:
			timer.Stop()
		case <-timer.C:
			s.with(func() { s.late++ })
			if kind != "events_api" {
				return nil, errNotAcked
			}
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
	return nil, errNotAcked
}
