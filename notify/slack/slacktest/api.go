package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// method is one method of the Web API.
type method struct {
	scopes []string // any of them
	json   bool     // takes JSON besides a form
	args   string   // all arguments that it knows
	do     func(s *Server, a args) (map[string]any, *refusal)
}

type args map[string]any

func (a args) str(key string) string { v, _ := a[key].(string); return v }

// refusal is an answer with ok: false.
type refusal struct {
	code     string
	messages []string
	needed   string
	retry    int
}

// malformed are the refusals of what is not of the schema.
var malformed = []string{"invalid_json", "invalid_form_data", "invalid_arguments", "msg_too_long", "invalid_blocks_format", "invalid_blocks", "msg_blocks_too_long",
	"no_text", "invalid_metadata_format", "metadata_too_large", "invalid_limit", "invalid_cursor"}

// Refused is what was said of calls that are not of the schema.
func (s *Server) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

func refuse(code string, messages ...string) *refusal {
	return &refusal{code: code, messages: messages}
}

var methods = map[string]method{
	"auth.test":             {json: true, do: (*Server).authTest},
	"apps.connections.open": {json: true, do: (*Server).connectionsOpen},
	"chat.postMessage": {scopes: []string{"chat:write"}, json: true, do: (*Server).postMessage,
		args: "channel text blocks metadata thread_ts reply_broadcast unfurl_links unfurl_media parse link_names"},
	"chat.update":           {scopes: []string{"chat:write"}, json: true, do: (*Server).update, args: "channel ts text blocks metadata parse link_names"},
	"conversations.history": {scopes: []string{"channels:history", "groups:history", "im:history"}, do: (*Server).history, args: "channel cursor include_all_metadata inclusive latest limit oldest"},
	"conversations.replies": {scopes: []string{"channels:history", "groups:history", "im:history"}, do: (*Server).replies, args: "channel ts cursor include_all_metadata inclusive latest limit oldest"},
	"conversations.info":    {scopes: []string{"channels:read", "groups:read"}, do: (*Server).info, args: "channel include_num_members"},
	"conversations.open":    {scopes: []string{"im:write"}, json: true, do: (*Server).open, args: "users channel return_im prevent_creation"},
	"users.conversations":   {scopes: []string{"channels:read", "groups:read"}, do: (*Server).userConversations, args: "cursor exclude_archived limit types user"},
	"users.lookupByEmail":   {scopes: []string{"users:read.email"}, do: (*Server).lookup, args: "email"},
	"users.info":            {scopes: []string{"users:read"}, do: (*Server).userInfo, args: "user include_locale"},
	"views.open":            {json: true, do: (*Server).viewsOpen, args: "trigger_id view"},
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// api takes a call: the faults first, then token, scope, form and arguments, then the method.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	if s.take(w, r) {
		<-r.Context().Done()
	}
}

// take answers a call, or says that nobody ever will.
func (s *Server) take(w http.ResponseWriter, r *http.Request) (hang bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.PathValue("method")
	s.calls[name]++
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return false
	}
	f := s.fault(name)
	if f != nil && f.status != 0 {
		if f.retry > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.retry))
		}
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, http.StatusText(f.status))
		return false
	}
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.scopes, ","))
	out, no := map[string]any(nil), (*refusal)(nil)
	if f != nil && f.code != "" {
		no = refuse(f.code)
	} else {
		out, no = s.call(name, r, body)
		if no != nil && (len(no.messages) > 0 || slices.Contains(malformed, no.code)) {
			s.refused = append(s.refused, name+": "+no.code+" "+strings.Join(no.messages, "; "))
		}
	}
	if f != nil && f.hang {
		return true
	}
	if f != nil && f.lose {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = c.Close()
		}
		return false
	}
	switch {
	case no != nil && no.retry > 0:
		w.Header().Set("Retry-After", strconv.Itoa(no.retry))
		say(w, http.StatusTooManyRequests, map[string]any{"ok": false, "error": "ratelimited"})
	case no != nil:
		a := map[string]any{"ok": false, "error": no.code}
		if no.needed != "" {
			a["needed"], a["provided"] = no.needed, strings.Join(s.scopes, ",")
		}
		if len(no.messages) > 0 {
			a["response_metadata"] = map[string]any{"messages": no.messages}
		}
		say(w, http.StatusOK, a)
	default:
		if out == nil {
			out = map[string]any{}
		}
		out["ok"] = true
		say(w, http.StatusOK, out)
	}
	return false
}

func (s *Server) fault(method string) *fault {
	group, _, _ := strings.Cut(method, ".")
	for _, key := range []string{method, group + ".*", ""} {
		for len(s.faults[key]) > 0 {
			f := s.faults[key][0]
			if f.n <= 0 {
				s.faults[key] = s.faults[key][1:]
				continue
			}
			f.n--
			return f
		}
	}
	return nil
}

func (s *Server) call(name string, r *http.Request, body []byte) (map[string]any, *refusal) {
	m, ok := methods[name]
	if !ok {
		return nil, refuse("unknown_method")
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok || token == "":
		return nil, refuse("not_authed")
	case token != s.Token && token != s.AppToken:
		return nil, refuse("invalid_auth")
	case (name == "apps.connections.open") != (token == s.AppToken):
		return nil, refuse("not_allowed_token_type")
	}
	if len(m.scopes) > 0 && !slices.ContainsFunc(m.scopes, func(x string) bool { return slices.Contains(s.scopes, x) }) {
		return nil, &refusal{code: "missing_scope", needed: strings.Join(m.scopes, ",")}
	}
	a := args{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind == "application/json" && m.json:
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, refuse("invalid_json")
		}
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, refuse("invalid_form_data")
		}
		for k := range form {
			a[k] = form.Get(k)
		}
	default:
		return nil, refuse("invalid_arguments", "[ERROR] "+name+" does not take "+kind)
	}
	known := strings.Fields(m.args)
	for k := range a {
		if !slices.Contains(known, k) {
			return nil, refuse("invalid_arguments", "[ERROR] unknown argument "+k)
		}
	}
	return m.do(s, a)
}

func (s *Server) authTest(args) (map[string]any, *refusal) {
	return map[string]any{"url": s.http.URL + "/", "team": "Example", "team_id": s.Team, "user": "yagura", "user_id": s.BotUser, "bot_id": s.Bot}, nil
}

// room is the channel of a call that reads or writes in it.
func (s *Server) room(a args) (*channel, *refusal) {
	c := s.channels[a.str("channel")]
	switch {
	case c == nil:
		return nil, refuse("channel_not_found")
	case !c.Member:
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

var eventTypes = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.]{0,254}$`)

// content checks and takes what a message is made of.
func (s *Server) content(a args, m *Message) *refusal {
	m.Text = a.str("text")
	if len([]rune(m.Text)) > 40000 {
		return refuse("msg_too_long")
	}
	if b, ok := a["blocks"]; ok {
		blocks, ok := b.([]any)
		if !ok {
			return refuse("invalid_blocks_format")
		}
		if problems := checkBlocks(blocks, 50, false); len(problems) > 0 {
			return refuse("invalid_blocks", problems...)
		}
		m.Blocks, _ = json.Marshal(blocks)
		if n := chars(blocks); n > 13000 {
			return refuse("msg_blocks_too_long", fmt.Sprintf("[ERROR] %d characters", n))
		}
	}
	if m.Text == "" && len(m.Blocks) == 0 {
		return refuse("no_text")
	}
	if raw, ok := a["metadata"]; ok {
		text, _ := json.Marshal(raw)
		var meta Metadata
		if err := json.Unmarshal(text, &meta); err != nil || !eventTypes.MatchString(meta.EventType) || meta.Payload == nil {
			return refuse("invalid_metadata_format")
		}
		if len(text) > 8000 {
			return refuse("metadata_too_large")
		}
		m.Metadata = &meta
	}
	return nil
}

func (s *Server) postMessage(a args) (map[string]any, *refusal) {
	s.posts++
	c, no := s.room(a)
	if no != nil {
		return nil, no
	}
	if c.Archived {
		return nil, refuse("is_archived")
	}
	if s.every > 0 {
		now := s.now()
		full := s.free[c.ID]
		if full.Before(now) {
			full = now
		}
		if full.Sub(now) >= 3*s.every {
			return nil, &refusal{code: "ratelimited", retry: max(1, int(s.every/time.Second))}
		}
		s.free[c.ID] = full.Add(s.every)
	}
	m := &Message{Channel: c.ID, User: s.BotUser, Bot: s.Bot, Parsed: a["parse"] != nil && a["parse"] != "none"}
	if no := s.content(a, m); no != nil {
		return nil, no
	}
	if a["parse"] == "full" || a["link_names"] == true {
		return nil, refuse("invalid_arguments", "[ERROR] this sink must not have Slack parse names")
	}
	m.Unfurl = a["unfurl_links"] != false || a["unfurl_media"] != false
	if thread := a.str("thread_ts"); thread != "" {
		p := c.find(thread)
		if p == nil || p.Thread != "" && p.Thread != p.TS {
			return nil, refuse("thread_not_found")
		}
		p.Thread, m.Thread = thread, thread
		m.Broadcast = a["reply_broadcast"] == true
	}
	m.TS = s.stamp()
	c.messages = append(c.messages, m)
	return map[string]any{"channel": c.ID, "ts": m.TS, "message": s.show(c, m, false)}, nil
}

func (c *channel) find(ts string) *Message {
	for _, m := range c.messages {
		if m.TS == ts {
			return m
		}
	}
	return nil
}

// bare writes the signs that Slack escapes; what is an entity already stays as it is.
var bare = strings.NewReplacer("&amp;", "&amp;", "&lt;", "&lt;", "&gt;", "&gt;", "&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *Server) update(a args) (map[string]any, *refusal) {
	c, no := s.room(a)
	if no != nil {
		return nil, no
	}
	if c.Archived {
		return nil, refuse("is_archived")
	}
	m := c.find(a.str("ts"))
	switch {
	case m == nil || m.Deleted:
		return nil, refuse("message_not_found")
	case m.Bot != s.Bot:
		return nil, refuse("cant_update_message")
	case s.frozen:
		return nil, refuse("edit_window_closed")
	}
	// The text of an edit may have 4,000 bytes, counted with its entities.
	if n := len(bare.Replace(a.str("text"))); n > 4000 {
		return nil, refuse("msg_too_long", fmt.Sprintf("[ERROR] %d bytes", n))
	}
	edited := *m
	if no := s.content(a, &edited); no != nil {
		return nil, no
	}
	edited.Edits++
	edited.Parsed = a["parse"] != "none" // the default of an edit is client
	*m = edited
	return map[string]any{"channel": c.ID, "ts": m.TS, "text": m.Text}, nil
}

// show is a message as the API gives it.
func (s *Server) show(c *channel, m *Message, metadata bool) map[string]any {
	v := map[string]any{"type": "message", "ts": m.TS, "user": m.User, "text": m.Text}
	if m.Thread != "" {
		v["thread_ts"] = m.Thread
	}
	if m.Deleted {
		v["subtype"], v["user"] = "tombstone", "USLACKBOT"
		return v
	}
	if m.Bot != "" {
		v["bot_id"], v["app_id"] = m.Bot, "A0APP"
	}
	if m.Broadcast {
		v["subtype"] = "thread_broadcast"
	}
	if len(m.Blocks) > 0 {
		v["blocks"] = m.Blocks
	}
	if metadata && m.Metadata != nil {
		v["metadata"] = m.Metadata
	}
	if m.Thread == m.TS {
		n := 0
		for _, r := range c.messages {
			if r.Thread == m.TS && r != m {
				n++
				v["latest_reply"] = r.TS
			}
		}
		v["reply_count"] = n
	}
	return v
}

// page cuts a page out of messages that are in their order already.
func (s *Server) page(c *channel, a args, all []*Message, head *Message) (map[string]any, *refusal) {
	limit := 100
	if v := a.str("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 999 {
			return nil, refuse("invalid_limit")
		}
		limit = n
	}
	limit = min(limit, s.pages)
	oldest, latest, inclusive := a.str("oldest"), a.str("latest"), a.str("inclusive") == "true" || a.str("inclusive") == "1"
	all = slices.DeleteFunc(slices.Clone(all), func(m *Message) bool {
		at := number(m.TS)
		if oldest != "" && (at < number(oldest) || at == number(oldest) && !inclusive) {
			return true
		}
		return latest != "" && (at > number(latest) || at == number(latest) && !inclusive)
	})
	from := 0
	if cur := a.str("cursor"); cur != "" {
		// A cursor names the message where the page begins, so new messages do not move it.
		ts, ok := strings.CutPrefix(cur, "next_ts:")
		if from = slices.IndexFunc(all, func(m *Message) bool { return m.TS == ts }); !ok || from < 0 {
			return nil, refuse("invalid_cursor")
		}
	}
	to := min(len(all), from+limit)
	messages := []any{}
	meta := a.str("include_all_metadata") == "true" || a.str("include_all_metadata") == "1"
	if head != nil {
		messages = append(messages, s.show(c, head, meta))
	}
	for _, m := range all[from:to] {
		messages = append(messages, s.show(c, m, meta))
	}
	out := map[string]any{"messages": messages, "has_more": to < len(all)}
	if to < len(all) {
		out["response_metadata"] = map[string]any{"next_cursor": "next_ts:" + all[to].TS}
	}
	return out, nil
}

func number(ts string) float64 { f, _ := strconv.ParseFloat(ts, 64); return f }

func (s *Server) history(a args) (map[string]any, *refusal) {
	c, no := s.room(a)
	if no != nil {
		return nil, no
	}
	var all []*Message
	for _, m := range slices.Backward(c.messages) {
		if m.Thread == "" || m.Thread == m.TS || m.Broadcast {
			all = append(all, m)
		}
	}
	return s.page(c, a, all, nil)
}

func (s *Server) replies(a args) (map[string]any, *refusal) {
	c, no := s.room(a)
	if no != nil {
		return nil, no
	}
	head := c.find(a.str("ts"))
	if head == nil {
		return nil, refuse("thread_not_found")
	}
	var all []*Message
	for _, m := range c.messages {
		if m.Thread == head.TS && m != head {
			all = append(all, m)
		}
	}
	return s.page(c, a, all, head)
}

func (s *Server) info(a args) (map[string]any, *refusal) {
	c := s.channels[a.str("channel")]
	if c == nil {
		return nil, refuse("channel_not_found")
	}
	return map[string]any{"channel": map[string]any{"id": c.ID, "name": c.Name, "is_member": c.Member, "is_archived": c.Archived}}, nil
}

func (s *Server) open(a args) (map[string]any, *refusal) {
	u := s.users[a.str("users")]
	switch {
	case a.str("users") == "":
		return nil, refuse("users_list_not_supplied")
	case u == nil:
		return nil, refuse("user_not_found")
	case u.Deleted:
		return nil, refuse("user_disabled")
	}
	for _, c := range s.channels {
		if c.IM == u.ID {
			return map[string]any{"channel": map[string]any{"id": c.ID}, "already_open": true}, nil
		}
	}
	c := &channel{ID: fmt.Sprintf("D%09d", len(s.channels)+1), IM: u.ID, Member: true}
	s.channels[c.ID] = c
	return map[string]any{"channel": map[string]any{"id": c.ID}}, nil
}

func (s *Server) userConversations(a args) (map[string]any, *refusal) {
	var all []any
	from := 0
	if cur := a.str("cursor"); cur != "" {
		n, err := strconv.Atoi(cur)
		if err != nil {
			return nil, refuse("invalid_cursor")
		}
		from = n
	}
	limit, err := strconv.Atoi(a.str("limit"))
	if err != nil {
		limit = 100
	}
	limit = min(limit, s.pages)
	var ids []string
	for _, id := range s.order {
		if c := s.channels[id]; c.Member && (!c.Archived || a.str("exclude_archived") != "true") {
			ids = append(ids, id)
		}
	}
	to := min(len(ids), from+limit)
	for _, id := range ids[min(from, len(ids)):to] {
		all = append(all, map[string]any{"id": id, "name": s.channels[id].Name})
	}
	out := map[string]any{"channels": all}
	if to < len(ids) {
		out["response_metadata"] = map[string]any{"next_cursor": strconv.Itoa(to)}
	}
	return out, nil
}

func (s *Server) lookup(a args) (map[string]any, *refusal) {
	for _, u := range s.users {
		if u.Email != "" && strings.EqualFold(u.Email, a.str("email")) && !u.Deleted {
			return map[string]any{"user": u.show()}, nil
		}
	}
	return nil, refuse("users_not_found")
}

func (u *User) show() map[string]any {
	return map[string]any{"id": u.ID, "team_id": u.Team, "name": strings.ToLower(u.Name), "real_name": u.Name, "deleted": u.Deleted, "is_bot": false, "profile": map[string]any{"real_name": u.Name, "email": u.Email}}
}

func (s *Server) userInfo(a args) (map[string]any, *refusal) {
	u := s.users[a.str("user")]
	if u == nil {
		return nil, refuse("user_not_found")
	}
	return map[string]any{"user": u.show()}, nil
}
