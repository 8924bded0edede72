package slacktest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// trigger can be exchanged for a modal once, within three seconds.
type trigger struct {
	user string
	made time.Time
	used bool
	view *View
}

// View is an open modal.
type View struct {
	ID       string
	User     string
	Callback string
	Private  string
	Raw      map[string]any
}

// hook is a response URL: five uses within half an hour.
type hook struct {
	user    string
	channel string
	ts      string
	made    time.Time
	uses    int
}

// Answer is how the app answered.
type Answer struct {
	Status  int             // of HTTP; 200 for an acknowledged envelope
	Payload json.RawMessage // of the answer
	View    *View           // a modal that was opened
}

// Errors are the errors that a modal shows, by block.
func (a *Answer) Errors() map[string]string {
	var p struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
	}
	_ = json.Unmarshal(a.Payload, &p)
	if p.Action != "errors" {
		return nil
	}
	return p.Errors
}

// ViaHTTP sends interactions as signed requests to an address, "" by Socket Mode again.
func (s *Server) ViaHTTP(address string) { s.with(func() { s.handler = address }) }

// next numbers what must be unique. The lock is held.
func (s *Server) next() int { s.number++; return s.number }

func (s *Server) trigger(user string) string {
	id := fmt.Sprintf("%d.%d.abcdef", s.next(), s.now().Unix())
	s.triggers[id] = &trigger{user: user, made: s.now()}
	return id
}

func (s *Server) hook(user, channel, ts string) string {
	id := fmt.Sprintf("R%d", s.next())
	s.answers[id] = &hook{user: user, channel: channel, ts: ts, made: s.now()}
	return s.Hooks() + id
}

func (s *Server) person(user string) map[string]any {
	team := s.Team
	if u := s.users[user]; u != nil {
		team = u.Team
	}
	return map[string]any{"id": user, "username": user, "team_id": team}
}

// Press presses a button of a message as a person. Forge, when not nil, changes the payload
// before it is sent, as somebody who can talk to the app but is not Slack might.
func (s *Server) Press(ctx context.Context, user, channel, ts, action string, forge ...func(map[string]any)) (*Answer, error) {
	s.mu.Lock()
	c := s.channels[channel]
	m := c.find(ts)
	if m == nil || m.Deleted {
		s.mu.Unlock()
		return nil, fmt.Errorf("no message %s", ts)
	}
	b := find(m.Blocks, action)
	if b == nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("the message has no button %s", action)
	}
	trig := s.trigger(user)
	p := map[string]any{"type": "block_actions", "team": map[string]any{"id": s.Team}, "user": s.person(user), "api_app_id": "A0APP", "trigger_id": trig,
		"container": map[string]any{"type": "message", "message_ts": ts, "channel_id": channel}, "channel": map[string]any{"id": channel},
		"message": s.show(c, m, false), "response_url": s.hook(user, channel, ts),
		"actions": []any{map[string]any{"type": "button", "action_id": action, "block_id": "yagura", "value": b["value"], "action_ts": s.stamp()}}}
	s.mu.Unlock()
	for _, f := range forge {
		f(p)
	}
	a, err := s.send(ctx, "interactive", p)
	if err != nil {
		return nil, err
	}
	s.with(func() { a.View = s.triggers[trig].view })
	return a, nil
}

// find looks for a button by its action.
func find(blocks json.RawMessage, action string) (hit map[string]any) {
	var v []struct {
		Elements []json.RawMessage `json:"elements"`
	}
	_ = json.Unmarshal(blocks, &v)
	for _, b := range v {
		for _, raw := range b.Elements {
			var e map[string]any
			if json.Unmarshal(raw, &e) == nil && e["action_id"] == action {
				hit = e
			}
		}
	}
	return hit
}

// Buttons lists the actions of a message's buttons.
func (m *Message) Buttons() (all []string) {
	var v []struct {
		Elements []struct {
			Action string `json:"action_id"`
		} `json:"elements"`
	}
	_ = json.Unmarshal(m.Blocks, &v)
	for _, b := range v {
		for _, e := range b.Elements {
			if e.Action != "" {
				all = append(all, e.Action)
			}
		}
	}
	return all
}

// Submit submits a modal with a value per block: a text, a date, or the value of an option.
func (s *Server) Submit(ctx context.Context, v *View, values map[string]string) (*Answer, error) {
	state := map[string]any{}
	blocks, _ := v.Raw["blocks"].([]any)
	for _, b := range blocks {
		m, _ := b.(map[string]any)
		e, _ := m["element"].(map[string]any)
		id, _ := m["block_id"].(string)
		if e == nil {
			continue
		}
		value := values[id]
		el := map[string]any{"type": e["type"]}
		switch e["type"] {
		case "plain_text_input":
			el["value"] = nil
			if value != "" {
				el["value"] = value
			}
		case "datepicker":
			el["selected_date"] = nil
			if value != "" {
				el["selected_date"] = value
			}
		case "static_select":
			el["selected_option"] = nil
			if value != "" {
				el["selected_option"] = map[string]any{"value": value, "text": map[string]any{"type": "plain_text", "text": value}}
			}
		}
		action, _ := e["action_id"].(string)
		state[id] = map[string]any{action: el}
	}
	s.mu.Lock()
	p := map[string]any{"type": "view_submission", "team": map[string]any{"id": s.Team}, "user": s.person(v.User), "api_app_id": "A0APP", "trigger_id": s.trigger(v.User),
		"view": map[string]any{"id": v.ID, "type": "modal", "callback_id": v.Callback, "private_metadata": v.Private, "hash": "1.abc", "state": map[string]any{"values": state}}, "response_urls": []any{}}
	s.mu.Unlock()
	return s.send(ctx, "interactive", p)
}

// Command sends /yagura with a text.
func (s *Server) Command(ctx context.Context, user, text string) (*Answer, error) {
	s.mu.Lock()
	p := map[string]any{"command": "/yagura", "text": text, "user_id": user, "user_name": user, "team_id": s.person(user)["team_id"], "channel_id": "C000000001",
		"api_app_id": "A0APP", "trigger_id": s.trigger(user), "response_url": s.hook(user, "", "")}
	s.mu.Unlock()
	a, err := s.send(ctx, "slash_commands", p)
	if err == nil && len(a.Payload) > 0 {
		s.with(func() { s.told[user] = append(s.told[user], string(a.Payload)) })
	}
	return a, err
}

// Say writes a message as a person and tells the app of it. A thread "" is the channel.
func (s *Server) Say(ctx context.Context, user, channel, thread, text string) (ts string, err error) {
	s.mu.Lock()
	c := s.channels[channel]
	m := &Message{Channel: channel, User: user, Text: text, TS: s.stamp(), Thread: thread}
	c.messages = append(c.messages, m)
	e := s.show(c, m, false)
	if thread != "" {
		if p := c.find(thread); p != nil {
			p.Thread = thread
		}
	}
	e["channel"] = channel
	p := map[string]any{"type": "event_callback", "team_id": s.Team, "api_app_id": "A0APP", "event_id": fmt.Sprintf("Ev%d", s.next()), "event": e}
	listening := s.handler != "" || len(s.conns) > 0
	s.mu.Unlock()
	if !listening {
		return m.TS, nil
	}
	_, err = s.send(ctx, "events_api", p)
	return m.TS, err
}

// send brings a payload to the app.
func (s *Server) send(ctx context.Context, kind string, payload map[string]any) (*Answer, error) {
	s.mu.Lock()
	address := s.handler
	s.mu.Unlock()
	if address == "" {
		return s.sendSocket(ctx, kind, payload)
	}
	var body []byte
	contentType := "application/x-www-form-urlencoded"
	switch kind {
	case "interactive":
		raw, _ := json.Marshal(payload)
		body = []byte(url.Values{"payload": {string(raw)}}.Encode())
	case "slash_commands":
		form := url.Values{}
		for k, v := range payload {
			form.Set(k, fmt.Sprint(v))
		}
		body = []byte(form.Encode())
	default:
		contentType = "application/json"
		body, _ = json.Marshal(payload)
	}
	return s.Post(ctx, address, contentType, body)
}

// Post sends a signed request.
func (s *Server) Post(ctx context.Context, address, contentType string, body []byte) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	now := s.now()
	s.mu.Unlock()
	req.Header.Set("Content-Type", contentType)
	Sign(req.Header, s.SigningSecret, now, body)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	a := &Answer{Status: res.StatusCode}
	if json.Valid(text) {
		a.Payload = text
	}
	return a, err
}

// Sign puts the time and signature of a request into its header.
func Sign(h http.Header, secret string, now time.Time, body []byte) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	h.Set("X-Slack-Request-Timestamp", stamp)
	h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

func (s *Server) viewsOpen(a args) (map[string]any, *refusal) {
	t := s.triggers[a.str("trigger_id")]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case s.now().Sub(t.made) > 3*time.Second:
		return nil, refuse("expired_trigger_id")
	}
	if problems := checkView(a["view"]); len(problems) > 0 {
		return nil, refuse("invalid_arguments", problems...)
	}
	raw := a["view"].(map[string]any)
	v := &View{ID: fmt.Sprintf("V%09d", s.next()), User: t.user, Raw: raw}
	v.Callback, _ = raw["callback_id"].(string)
	v.Private, _ = raw["private_metadata"].(string)
	t.used, t.view = true, v
	s.views[v.ID] = v
	return map[string]any{"view": map[string]any{"id": v.ID}}, nil
}

// hooked takes what the app posts to a response URL.
func (s *Server) hooked(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.answers[r.PathValue("id")]
	var p struct {
		Type    string          `json:"response_type"`
		Text    string          `json:"text"`
		Replace bool            `json:"replace_original"`
		Blocks  json.RawMessage `json:"blocks"`
	}
	switch {
	case h == nil:
		http.Error(w, "no_service", http.StatusNotFound)
		return
	case h.uses >= 5 || s.now().Sub(h.made) > 30*time.Minute:
		http.Error(w, "used_url", http.StatusNotFound)
		return
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") || json.Unmarshal(body, &p) != nil:
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	h.uses++
	if len(p.Blocks) > 0 {
		var blocks []any
		if json.Unmarshal(p.Blocks, &blocks) != nil || len(checkBlocks(blocks, 50, false)) > 0 {
			http.Error(w, "invalid_blocks", http.StatusBadRequest)
			return
		}
	}
	if p.Replace {
		if c := s.channels[h.channel]; c != nil {
			if m := c.find(h.ts); m != nil {
				m.Text, m.Blocks = p.Text, slices.Clone(p.Blocks)
			}
		}
	} else {
		text := p.Text
		if len(p.Blocks) > 0 {
			text = string(p.Blocks)
		}
		s.told[h.user] = append(s.told[h.user], text)
		s.wake()
	}
	_, _ = io.WriteString(w, "ok")
}
