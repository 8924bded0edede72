package slacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Message is one message of a channel.
type Message struct {
	Channel   string
	TS        string
	Thread    string // thread_ts: TS itself for a parent with replies
	User      string
	Bot       string
	Text      string
	Blocks    json.RawMessage
	Metadata  *Metadata
	Broadcast bool
	Deleted   bool // a parent with replies leaves a tombstone
	Edits     int
	Unfurl    bool
	Parsed    bool // Slack makes links and mentions of bare names and addresses in the text
}

// Metadata is a message's metadata.
type Metadata struct {
	EventType string         `json:"event_type"`
	Payload   map[string]any `json:"event_payload"`
}

// Payload returns a text of the metadata's payload.
func (m *Message) Payload(key string) string {
	if m.Metadata == nil {
		return ""
	}
	v, _ := m.Metadata.Payload[key].(string)
	return v
}

type channel struct {
	ID, Name string
	Member   bool
	Archived bool
	IM       string // the other person of a direct message
	messages []*Message
}

// User is a person.
type User struct {
	ID, Name, Email, Team string
	Deleted               bool
}

type fault struct {
	n      int
	status int
	retry  int
	code   string
	lose   bool
	hang   bool
}

// Server is the fake.
type Server struct {
	// Token and AppToken are the tokens that it takes; SigningSecret signs its requests.
	Token, AppToken, SigningSecret string
	// Team is the workspace; BotUser and Bot are ours.
	Team, BotUser, Bot string

	http *httptest.Server

	mu       sync.Mutex
	now      func() time.Time
	last     int64 // micros of the last ts
	scopes   []string
	channels map[string]*channel
	order    []string
	users    map[string]*User
	faults   map[string][]*fault
	calls    map[string]int
	posts    int // attempts to post
	refused  []string
	every    time.Duration
	free     map[string]time.Time
	pages    int
	frozen   bool
	triggers map[string]*trigger
	views    map[string]*View
	answers  map[string]*hook
	told     map[string][]string
	tickets  map[string]bool
	conns    []*conn
	changed  chan struct{}
	number   int
	late     int
	handler  string
	acks     int
	links    int
	stalled  bool
	closing  chan struct{}
}

// New starts a workspace with the app installed and all scopes granted.
func New() *Server {
	s := &Server{Token: "xoxb-1234567890-abcdefghij", AppToken: "xapp-1-A0APP-123-abc", SigningSecret: "0123456789abcdef0123456789abcdef",
		Team: "T0000TEAM1", BotUser: "U0000YAGURA", Bot: "B0000YAGURA",
		now: time.Now, channels: map[string]*channel{}, users: map[string]*User{}, faults: map[string][]*fault{}, calls: map[string]int{},
		free: map[string]time.Time{}, triggers: map[string]*trigger{}, views: map[string]*View{}, answers: map[string]*hook{}, told: map[string][]string{},
		tickets: map[string]bool{}, changed: make(chan struct{}), closing: make(chan struct{}), pages: 999,
		scopes: []string{"chat:write", "channels:history", "groups:history", "channels:read", "groups:read", "im:write", "im:history", "users:read", "users:read.email", "commands"}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/{method}", s.api)
	mux.HandleFunc("POST /hooks/{id}", s.hooked)
	mux.HandleFunc("GET /link", s.link)
	s.http = httptest.NewServer(mux)
	return s
}

// Close ends it.
func (s *Server) Close() {
	close(s.closing)
	s.Drop()
	s.http.CloseClientConnections()
	s.http.Close()
}

// API is the root of the Web API.
func (s *Server) API() string { return s.http.URL + "/api/" }

// Hooks is the root of the response URLs.
func (s *Server) Hooks() string { return s.http.URL + "/hooks/" }

func (s *Server) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Clock sets the server's clock.
func (s *Server) Clock(now func() time.Time) { s.with(func() { s.now = now }) }

// Scopes replaces what the bot token may do.
func (s *Server) Scopes(all ...string) { s.with(func() { s.scopes = all }) }

// Fail answers the next n calls of a method ("chat.*" for all that post or edit, "" for
// any) with an HTTP status.
func (s *Server) Fail(method string, n, status, retryAfter int) {
	s.with(func() { s.faults[method] = append(s.faults[method], &fault{n: n, status: status, retry: retryAfter}) })
}

// Refuse answers the next n calls of a method with ok: false.
func (s *Server) Refuse(method string, n int, code string) {
	s.with(func() { s.faults[method] = append(s.faults[method], &fault{n: n, code: code}) })
}

// Lose carries out the next n calls of a method and ends the connection without an answer.
func (s *Server) Lose(method string, n int) {
	s.with(func() { s.faults[method] = append(s.faults[method], &fault{n: n, lose: true}) })
}

// Hang carries out the next n calls of a method and never answers.
func (s *Server) Hang(method string, n int) {
	s.with(func() { s.faults[method] = append(s.faults[method], &fault{n: n, hang: true}) })
}

// Heal forgets all faults.
func (s *Server) Heal() { s.with(func() { s.faults = map[string][]*fault{} }) }

// Limit refuses messages that come to a channel faster than one per d, after three at once.
func (s *Server) Limit(d time.Duration) { s.with(func() { s.every = d }) }

// Pages bounds the size of all pages.
func (s *Server) Pages(n int) { s.with(func() { s.pages = n }) }

// Freeze keeps messages from being edited.
func (s *Server) Freeze(on bool) { s.with(func() { s.frozen = on }) }

// Calls counts the calls of a method.
func (s *Server) Calls(method string) (n int) { s.with(func() { n = s.calls[method] }); return n }

// AddChannel makes a channel and returns its id; member says that the app is in it.
func (s *Server) AddChannel(name string, member bool) (id string) {
	s.with(func() {
		id = fmt.Sprintf("C%09d", len(s.channels)+1)
		s.channels[id] = &channel{ID: id, Name: name, Member: member}
		s.order = append(s.order, id)
	})
	return id
}

// AddUser makes a person and returns the id.
func (s *Server) AddUser(name, email string) (id string) {
	s.with(func() {
		id = fmt.Sprintf("U%09d", len(s.users)+1)
		s.users[id] = &User{ID: id, Name: name, Email: email, Team: s.Team}
	})
	return id
}

// SetUser changes a person.
func (s *Server) SetUser(id string, f func(*User)) { s.with(func() { f(s.users[id]) }) }

// Archive archives a channel, Invite and Kick bring the app in and out.
func (s *Server) Archive(id string) { s.with(func() { s.channels[id].Archived = true }) }

// Invite brings the app into a channel.
func (s *Server) Invite(id string) { s.with(func() { s.channels[id].Member = true }) }

// Kick takes the app out of a channel.
func (s *Server) Kick(id string) { s.with(func() { s.channels[id].Member = false }) }

// Messages are a channel's messages, oldest first, replies among them, without deleted ones.
func (s *Server) Messages(channel string) (all []Message) {
	s.with(func() {
		if c := s.channels[channel]; c != nil {
			for _, m := range c.messages {
				if !m.Deleted {
					all = append(all, *m)
				}
			}
		}
	})
	return all
}

// IM is the channel of the app's conversation with a person, "" before there is one.
func (s *Server) IM(user string) (id string) {
	s.with(func() {
		for _, c := range s.channels {
			if c.IM == user {
				id = c.ID
			}
		}
	})
	return id
}

// Copies counts how often each part of a notice stands anywhere: "id part n".
func (s *Server) Copies() map[string]int {
	all := map[string]int{}
	s.with(func() {
		for _, c := range s.channels {
			for _, m := range c.messages {
				if m.Deleted || m.Metadata == nil {
					continue
				}
				id := m.Payload("notice_id")
				if m.Payload("part") == "thread" {
					id = m.Payload("first_notice_id")
				}
				all[strings.TrimSpace(id+" "+m.Payload("part")+" "+m.Payload("n"))]++
			}
		}
	})
	return all
}

// Inject puts a message into a channel that neither the app nor [Server.Say] wrote, and
// returns its ts: another app's, or one that a lying service made.
func (s *Server) Inject(channel string, m Message) (ts string) {
	s.with(func() {
		m.Channel, m.TS = channel, s.stamp()
		s.channels[channel].messages = append(s.channels[channel].messages, &m)
	})
	return m.TS
}

// Told are the lines that only this person saw.
func (s *Server) Told(user string) (all []string) {
	s.with(func() { all = slices.Clone(s.told[user]) })
	return all
}

// Late counts envelopes that were not acknowledged within three seconds.
func (s *Server) Late() (n int) { s.with(func() { n = s.late }); return n }

// Delete removes a message, as a person would. A parent with replies leaves a tombstone.
func (s *Server) Delete(channel, ts string) {
	s.with(func() {
		c := s.channels[channel]
		for i, m := range c.messages {
			if m.TS != ts {
				continue
			}
			if slices.ContainsFunc(c.messages, func(r *Message) bool { return r.Thread == ts && r.TS != ts }) {
				m.Deleted, m.Metadata, m.Blocks, m.Text = true, nil, nil, "This message was deleted."
			} else {
				c.messages = slices.Delete(c.messages, i, i+1)
			}
			return
		}
	})
}

// stamp is the next ts, unique in the workspace.
func (s *Server) stamp() string {
	us := s.now().UnixMicro()
	if us <= s.last {
		us = s.last + 1
	}
	s.last = us
	return fmt.Sprintf("%d.%06d", us/1e6, us%1e6)
}

// Controls lists what Slack would make a mention, a link or a date of: everything between <
// and > in the texts that it parses.
func (m *Message) Controls() (all []string) {
	find := func(s string) {
		for {
			i := strings.IndexByte(s, '<')
			if i < 0 {
				return
			}
			j := strings.IndexByte(s[i:], '>')
			if j < 0 {
				return
			}
			all = append(all, s[i:i+j+1])
			s = s[i+j+1:]
		}
	}
	find(m.Text)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["type"] == "mrkdwn" {
				text, _ := v["text"].(string)
				find(text)
				return
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	var blocks any
	_ = json.Unmarshal(m.Blocks, &blocks)
	walk(blocks)
	slices.Sort(all)
	return all
}
