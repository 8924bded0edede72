package slack

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// lookBack is how far before the first attempt a message is looked for: our clock and
// Slack's are not the same.
const lookBack = 5 * time.Minute

// found is a message as Slack gives it back.
type found struct {
	channel  string // not Slack's: where it was read
	Type     string `json:"type"`
	Subtype  string `json:"subtype"`
	TS       string `json:"ts"`
	Thread   string `json:"thread_ts"`
	User     string `json:"user"`
	Bot      string `json:"bot_id"`
	Text     string `json:"text"`
	Latest   string `json:"latest_reply"`
	Metadata struct {
		Type    string         `json:"event_type"`
		Payload map[string]any `json:"event_payload"`
	} `json:"metadata"`
}

// payload is our metadata of a message.
type payload struct {
	Notice, Issue, Part, First, Status string
	N                                  int
}

func (m *found) payload() payload {
	get := func(key string) string { v, _ := m.Metadata.Payload[key].(string); return v }
	if m.Metadata.Type != eventType {
		return payload{}
	}
	p := payload{Notice: get("notice_id"), Issue: get("issue_id"), Part: get("part"), First: get("first_notice_id"), Status: get("status"), N: 1}
	if i, _, ok := strings.Cut(get("n"), "/"); ok {
		p.N, _ = strconv.Atoi(i)
	}
	return p
}

// ours says whether the bot wrote a message: other apps can write metadata of any type.
func (m *found) ours(me self) bool {
	return m.Metadata.Type == eventType && (me.Bot != "" && m.Bot == me.Bot || me.User != "" && m.User == me.User)
}

// when is a message's time, which its ts is.
func when(ts string) time.Time {
	sec, micro, _ := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(sec, 10, 64)
	if err != nil {
		return time.Time{}
	}
	us, _ := strconv.ParseInt(micro, 10, 64)
	return time.Unix(s, us*1000).UTC()
}

// stamp is a time as Slack's parameters want it.
func stamp(t time.Time) string {
	if t.Unix() <= 0 {
		return "0"
	}
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}

// walk reads pages of a method until visit says that it has enough.
func (s *Sink) walk(ctx context.Context, method, channel string, args url.Values, visit func(*found) (more bool)) error {
	args.Set("channel", channel)
	args.Set("include_all_metadata", "true")
	if args.Get("limit") == "" {
		args.Set("limit", pageSize)
	}
	for range maxPages {
		var out struct {
			Messages []found `json:"messages"`
			paged
		}
		if err := s.c.read(ctx, method, channel, args, &out); err != nil {
			return err
		}
		for i := range out.Messages {
			m := &out.Messages[i]
			m.channel = channel
			if !visit(m) {
				return nil
			}
		}
		cursor := out.next()
		if cursor == "" {
			return nil
		}
		args.Set("cursor", cursor)
	}
	return &notify.Error{Err: fmt.Errorf("slack: %s: channel %s: more than %d pages", method, channel, maxPages)}
}

// since bounds a search by the first attempt; without one, a day.
func (s *Sink) since(n *yagura.Notice) string {
	from := n.FirstTried
	if from.IsZero() {
		from = s.o.Now().Add(-24 * time.Hour)
	}
	return stamp(from.Add(-lookBack))
}

// findThread looks for the first message of the issue's thread, which an earlier attempt
// may have posted, in all channels where it may be: the configuration may have changed
// since. A thread that replaces a lost one is known by the notice that made it.
func (s *Sink) findThread(ctx context.Context, n *yagura.Notice, moved bool, oldTS string) ([]found, error) {
	me, err := s.c.whoami(ctx)
	if err != nil {
		return nil, err
	}
	var all []found
	for i, name := range s.wanted(n) {
		channel, err := s.channel(ctx, name)
		if err == nil {
			err = s.walk(ctx, "conversations.history", channel, url.Values{"oldest": {s.since(n)}, "inclusive": {"true"}}, func(m *found) bool {
				p := m.payload()
				if m.ours(me) && p.Part == partThread && p.Issue == n.Issue.ID && m.TS != oldTS && (!moved || p.First == n.ID) {
					all = append(all, *m)
				}
				return true
			})
		}
		if err != nil && (i == 0 || !codeIs(err, closed...)) {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.TS, b.TS) })
	return all, nil
}

// findParts looks which messages of a notice are there, and how often.
func (s *Sink) findParts(ctx context.Context, n *yagura.Notice, channel, ts, part string) (map[int]int, error) {
	me, err := s.c.whoami(ctx)
	if err != nil {
		return nil, err
	}
	method, args := "conversations.history", url.Values{"oldest": {s.since(n)}, "inclusive": {"true"}}
	if ts != "" {
		method = "conversations.replies"
		args.Set("ts", ts)
	}
	have := map[int]int{}
	err = s.walk(ctx, method, channel, args, func(m *found) bool {
		if p := m.payload(); m.ours(me) && p.Notice == n.ID && p.Part == part && m.TS != ts {
			have[p.N]++
		}
		return true
	})
	if ts != "" && codeIs(err, gone...) {
		return have, nil // the post will find out too
	}
	return have, err
}

// message reads one message of a channel.
func (s *Sink) message(ctx context.Context, channel, ts string) (*found, error) {
	var hit *found
	err := s.walk(ctx, "conversations.history", channel, url.Values{"latest": {ts}, "oldest": {ts}, "inclusive": {"true"}, "limit": {"1"}}, func(m *found) bool {
		if m.TS == ts && m.Subtype != "tombstone" {
			hit = m
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	if hit == nil {
		return nil, &notify.Error{NotSent: true, Err: &apiError{Method: "conversations.history", Channel: channel, Code: "message_not_found"}}
	}
	return hit, nil
}
