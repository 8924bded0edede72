package slack

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// command is what Slack sends of a slash command.
type command struct {
	Command string `json:"command"`
	Text    string `json:"text"`
	User    string `json:"user_id"`
	Team    string `json:"team_id"`
	Trigger string `json:"trigger_id"`
	Answer  string `json:"response_url"`
}

const (
	shown  = 15  // issues of one answer
	looked = 500 // issues that a list is picked from
)

// slash answers /yagura. What it says only the person who asked can see.
func (s *Sink) slash(ctx context.Context, in notify.Inbox, c *command) (any, error) {
	if !userID.MatchString(c.User) || len(c.Text) > 4000 {
		return nil, errPayload
	}
	if ok, err := s.member(ctx, c.Team); err != nil || !ok {
		return nil, err
	}
	w := s.words()
	verb, rest, _ := strings.Cut(strings.TrimSpace(plain(c.Text)), " ")
	rest = strings.TrimSpace(rest)
	var body string
	var err error
	switch strings.ToLower(verb) {
	case "", "help":
		body = entities.Replace(w.Help)
	case "list":
		body, err = s.list(ctx, in, c, strings.ToLower(rest))
	case "mute":
		body, err = s.mute(ctx, in, c, rest)
	default:
		var list []yagura.Issue
		list, err = in.Find(ctx, strings.TrimSpace(verb+" "+rest), "", shown+1)
		body = s.rows(list)
	}
	if err != nil {
		return ephemeral(w.CommandFailed), fmt.Errorf("slack: /yagura %s: %w", verb, err)
	}
	return ephemeral(body), nil
}

// ephemeral is the answer to a command; body is mrkdwn.
func ephemeral(body string) map[string]any {
	blocks, used := []block{}, 0
	for _, piece := range split(body, maxSection) {
		if used += size(piece); used > maxText {
			break
		}
		blocks = append(blocks, section(piece))
	}
	return map[string]any{"response_type": "ephemeral", "text": "Yagura", "blocks": blocks}
}

func (s *Sink) list(ctx context.Context, in notify.Inbox, c *command, what string) (string, error) {
	status, keep := yagura.Status(""), func(i *yagura.Issue) bool { return i.Status != yagura.StatusClosed }
	switch what {
	case "":
	case "open", "acknowledged", "closed":
		status, keep = yagura.Status(what), func(*yagura.Issue) bool { return true }
	case "mine":
		me := "slack:" + c.User
		keep = func(i *yagura.Issue) bool {
			return i.Status != yagura.StatusClosed && (i.Assignee == me || strings.HasPrefix(i.Assignee, me+" "))
		}
	default:
		level, err := yagura.ParseSeverity(what)
		if err != nil {
			return entities.Replace(s.words().UnknownCommand), nil
		}
		keep = func(i *yagura.Issue) bool { return i.Status != yagura.StatusClosed && i.Severity >= level }
	}
	var list []yagura.Issue
	// What is closed is most of it in time, so the living are asked for by their status.
	for _, st := range []yagura.Status{yagura.StatusOpen, yagura.StatusAcknowledged, yagura.StatusClosed} {
		if status != "" && st != status || status == "" && st == yagura.StatusClosed {
			continue
		}
		all, err := in.Find(ctx, "", st, looked)
		if err != nil {
			return "", err
		}
		for i := range all {
			if keep(&all[i]) {
				list = append(list, all[i])
			}
		}
	}
	return s.rows(list), nil
}

// rows shows issues, one to two lines each.
func (s *Sink) rows(list []yagura.Issue) string {
	w, v := s.words(), notify.Words(s.o.Language)
	if len(list) == 0 {
		return Escape(w.NothingFound)
	}
	var b strings.Builder
	for k := range list {
		i := &list[k]
		if k == shown {
			fmt.Fprintf(&b, "+ "+v.More+"\n", len(list)-k)
			break
		}
		t := s.text(&yagura.Notice{Op: yagura.OpUpdate, Issue: i, IssueID: i.ID})
		title := Escape(v.Cut(t.Headline, 200))
		if s.o.IssueURL != nil {
			if u := s.o.IssueURL(i.ID); isURL(u) {
				title = Link(u, v.Cut(t.Headline, 200))
			}
		}
		fmt.Fprintf(&b, "%s%s\n      %s · %s", sign(i), title, Code(i.ID), Escape(t.Status))
		if t.Account != "" {
			b.WriteString(" · " + Code(v.Cut(t.Account, 100)))
		}
		if t.Assignee != "" {
			b.WriteString(" · " + Escape(v.Cut(t.Assignee, 100)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (s *Sink) mute(ctx context.Context, in notify.Inbox, c *command, args string) (string, error) {
	w := s.words()
	f := strings.Fields(args)
	if len(f) < 3 || !issueID.MatchString(f[0]) || !triggr.MatchString(c.Trigger) {
		return entities.Replace(w.WantID), nil
	}
	d, ok := duration(f[1])
	if !ok {
		return Escape(w.BadDuration), nil
	}
	// Find knows text too; here only ids count.
	list, err := in.Find(ctx, f[0], "", 50)
	if err != nil {
		return "", err
	}
	var hits []yagura.Issue
	for _, i := range list {
		if strings.EqualFold(i.ID, f[0]) {
			hits = []yagura.Issue{i}
			break
		}
		if len(i.ID) > len(f[0]) && strings.EqualFold(i.ID[:len(f[0])], f[0]) {
			hits = append(hits, i)
		}
	}
	switch len(hits) {
	case 0:
		return Escape(w.NoSuchIssue), nil
	case 1:
	default:
		return Escape(fmt.Sprintf(w.Ambiguous, len(hits))) + "\n" + s.rows(hits), nil
	}
	now := s.o.Now().UTC()
	reason := strings.Join(f[2:], " ")
	fresh, err := in.Apply(ctx, yagura.Change{ID: "cmd:" + c.Trigger, Via: s.o.Name, IssueID: hits[0].ID, Who: s.who(ctx, c.User), At: now,
		What: yagura.ChangeSuppress, Until: now.Add(d), Text: reason})
	var unknown *notify.Unknown
	switch {
	case errors.As(err, &unknown):
		return Escape(w.NoSuchIssue), nil
	case err != nil:
		return "", err
	case !fresh:
		return Escape(w.DoneBefore), nil
	}
	return fmt.Sprintf(w.Muted, Code(hits[0].ID), Escape(now.Add(d).In(s.o.Zone).Format("2006-01-02 15:04 MST"))), nil
}

// duration reads 30m, 12h, 3d, 2w.
func duration(s string) (time.Duration, bool) {
	if len(s) < 2 {
		return 0, false
	}
	unit, ok := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 31)
	const most = 366 * 24 * time.Hour
	if !ok || err != nil || n == 0 || n > uint64(most/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}
