package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Actual reads the threads of refs back. The channels are read in pages first, which tells
// of hundreds of threads in one call which are there and when they were answered last; only
// threads with something new are read themselves, of the others the first message. Edits replace each other: of the notices
// that only edited the first message, the last one is seen.
func (s *Sink) Actual(ctx context.Context, since time.Time, refs []string, yield func(notify.Ticket) error) error {
	me, err := s.c.whoami(ctx)
	if err != nil {
		return err
	}
	byChannel := map[string][]string{}
	var channels []string
	for _, ref := range refs {
		channel, ts, ok := splitRef(ref)
		if !ok {
			return fmt.Errorf("slack: reference %q is not one of a thread", ref)
		}
		if _, ok := byChannel[channel]; !ok {
			channels = append(channels, channel)
		}
		byChannel[channel] = append(byChannel[channel], ts)
	}
	for _, channel := range channels {
		list := byChannel[channel]
		slices.SortFunc(list, cmp.Compare)
		if err := s.actual(ctx, me, since, channel, slices.Compact(list), yield); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sink) actual(ctx context.Context, me self, since time.Time, channel string, list []string, yield func(notify.Ticket) error) error {
	heads, whole, err := s.heads(ctx, channel, list)
	if codeIs(err, closed...) {
		for _, ts := range list {
			if err := yield(notify.Ticket{Ref: joinRef(channel, ts), Gone: true}); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	for _, ts := range list {
		head := heads[ts]
		if head == nil && whole {
			if err := yield(notify.Ticket{Ref: joinRef(channel, ts), Gone: true}); err != nil {
				return err
			}
			continue
		}
		if last := ts; head != nil && !since.IsZero() {
			if head.Latest != "" {
				last = head.Latest
			}
			if when(last).Before(since) && when(ts).Before(since) {
				// Nobody answered; what its first message shows may still be wrong.
				if p := head.payload(); head.ours(me) {
					if err := yield(notify.Ticket{IssueID: p.Issue, Ref: joinRef(channel, ts), Open: p.Status != string(yagura.StatusClosed), Updated: when(last)}); err != nil {
						return err
					}
				}
				continue
			}
		}
		t, err := s.thread(ctx, me, since, channel, ts)
		if err != nil {
			return err
		}
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

// heads reads the channel over the span of the threads. It stops where reading thread by
// thread is cheaper; whole says that it did not.
func (s *Sink) heads(ctx context.Context, channel string, list []string) (map[string]*found, bool, error) {
	wanted := make(map[string]bool, len(list))
	for _, ts := range list {
		wanted[ts] = true
	}
	heads, read, most, whole := map[string]*found{}, 0, 200*max(10, len(list)/2), true
	args := url.Values{"oldest": {list[0]}, "latest": {list[len(list)-1]}, "inclusive": {"true"}}
	err := s.patient(ctx, func() error {
		clear(heads)
		read, whole = 0, true
		args.Del("cursor")
		return s.walk(ctx, "conversations.history", channel, args, func(m *found) bool {
			if wanted[m.TS] && m.Subtype != "tombstone" {
				heads[m.TS] = m
			}
			read++
			whole = read < most
			return whole
		})
	})
	return heads, whole, err
}

// thread reads one thread.
func (s *Sink) thread(ctx context.Context, me self, since time.Time, channel, ts string) (notify.Ticket, error) {
	t := notify.Ticket{Ref: joinRef(channel, ts), Gone: true, URL: s.link(ctx, channel, ts)}
	err := s.patient(ctx, func() error {
		t.Gone, t.Notices, t.Changes, t.Updated = true, nil, nil, time.Time{}
		return s.walk(ctx, "conversations.replies", channel, url.Values{"ts": {ts}}, func(m *found) bool {
			if at := when(m.TS); at.After(t.Updated) {
				t.Updated = at
			}
			if m.TS == ts {
				if m.Subtype == "tombstone" {
					return true
				}
				t.Gone = false
			}
			if p := m.payload(); m.ours(me) {
				for _, id := range []string{p.First, p.Notice} {
					if id != "" && !slices.Contains(t.Notices, id) {
						t.Notices = append(t.Notices, id)
					}
				}
				if m.TS == ts {
					t.IssueID, t.Open = p.Issue, p.Status != string(yagura.StatusClosed)
				}
				return true
			}
			if m.TS != ts && !when(m.TS).Before(since) {
				m.Thread = ts
				if c, ok := s.comment(ctx, m); ok {
					c.Ref = joinRef(channel, ts)
					t.Changes = append(t.Changes, c)
				}
			}
			return true
		})
	})
	if codeIs(err, gone...) {
		return notify.Ticket{Ref: joinRef(channel, ts), Gone: true}, nil
	}
	for i := range t.Changes {
		t.Changes[i].IssueID = t.IssueID
	}
	return t, err
}

// patient waits as long as Slack asks for: nobody waits for the reconciler.
func (s *Sink) patient(ctx context.Context, f func() error) error {
	for try := 0; ; try++ {
		err := f()
		var e *notify.Error
		if err == nil || try == 5 || !errors.As(err, &e) || e.After == 0 || e.Permanent || !pause(ctx, min(e.After, 5*time.Minute)) {
			return err
		}
	}
}

// scopes are what the sink needs, with what for.
var scopes = []struct {
	any  []string
	what string
}{
	{[]string{"chat:write"}, "to post and edit messages"},
	{[]string{"channels:history", "groups:history"}, "to read back what was posted"},
	{[]string{"channels:read", "groups:read"}, "to find channels"},
	{[]string{"im:write"}, "to ask the person concerned"},
	{[]string{"im:history"}, "to read back what was asked"},
	{[]string{"users:read"}, "to name people"},
	{[]string{"users:read.email"}, "to find the person concerned by e-mail"},
	{[]string{"commands"}, "for the command /yagura"},
}

// Test proves the tokens, the scopes, and that the app is in its channels.
func (s *Sink) Test(ctx context.Context) error {
	_, have, err := s.c.authTest(ctx)
	if err != nil {
		return err
	}
	for _, need := range scopes {
		if !slices.ContainsFunc(need.any, func(scope string) bool { return slices.Contains(have, scope) }) {
			return notify.Permanent("slack: the bot token lacks the scope %s, %s (hint: add it to the app's manifest and install the app again)", strings.Join(need.any, " or "), need.what)
		}
	}
	all := []string{s.o.Channel}
	if s.o.DigestChannel != "" {
		all = append(all, s.o.DigestChannel)
	}
	for _, level := range yagura.Severities() {
		if c := s.o.BySeverity[level]; c != "" {
			all = append(all, c)
		}
	}
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		if err := s.testChannel(ctx, name); err != nil {
			return fmt.Errorf("channel %s: %w", name, err)
		}
	}
	if s.o.AppToken != "" {
		if _, err := s.c.call(ctx, "apps.connections.open", "", s.o.AppToken, "application/x-www-form-urlencoded", nil, nil); err != nil {
			return fmt.Errorf("app token: %w", err)
		}
	}
	return nil
}

func (s *Sink) testChannel(ctx context.Context, name string) error {
	id, err := s.channel(ctx, name)
	if err != nil {
		return err
	}
	var out struct {
		Channel struct {
			Member   bool `json:"is_member"`
			Archived bool `json:"is_archived"`
		} `json:"channel"`
	}
	if err := s.c.read(ctx, "conversations.info", id, url.Values{"channel": {id}}, &out); err != nil {
		return err
	}
	for what, bad := range map[string]bool{"is_archived": out.Channel.Archived, "not_in_channel": !out.Channel.Member} {
		if bad {
			return &notify.Error{Permanent: true, NotSent: true, Err: &apiError{Method: "conversations.info", Channel: id, Code: what}}
		}
	}
	return nil
}
