package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// interaction is what Slack sends of a pressed button or a submitted modal.
type interaction struct {
	Type string `json:"type"`
	User struct {
		ID     string `json:"id"`
		TeamID string `json:"team_id"`
	} `json:"user"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
	Actions     []struct {
		ID    string `json:"action_id"`
		Value string `json:"value"`
		TS    string `json:"action_ts"`
	} `json:"actions"`
	View struct {
		ID       string `json:"id"`
		Callback string `json:"callback_id"`
		Private  string `json:"private_metadata"`
		State    struct {
			Values map[string]map[string]struct {
				Value    string `json:"value"`
				Date     string `json:"selected_date"`
				Selected struct {
					Value string `json:"value"`
				} `json:"selected_option"`
			} `json:"values"`
		} `json:"state"`
	} `json:"view"`
}

// event is what the Events API sends; only messages matter here.
type event struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	Event     struct {
		Type    string `json:"type"`
		Subtype string `json:"subtype"`
		Channel string `json:"channel"`
		User    string `json:"user"`
		Bot     string `json:"bot_id"`
		Text    string `json:"text"`
		TS      string `json:"ts"`
		Thread  string `json:"thread_ts"`
	} `json:"event"`
}

// errPayload says that a payload is none that Slack would send.
var errPayload = errors.New("slack: the payload is not valid")

var (
	issueID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	triggr  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,255}$`)
)

// interactive handles a button or a modal. It returns what goes into the answer. An error
// but errPayload means that the change was not taken down, and that the person knows.
func (s *Sink) interactive(ctx context.Context, in notify.Inbox, raw []byte) (any, error) {
	var p interaction
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("%w: %w", errPayload, err)
	}
	if !userID.MatchString(p.User.ID) {
		return nil, errPayload
	}
	if ok, err := s.member(ctx, p.User.TeamID); err != nil || !ok {
		return nil, err
	}
	switch p.Type {
	case "block_actions":
		for _, a := range p.Actions {
			if !messageTS.MatchString(a.TS) || len(a.Value) > 2000 {
				return nil, errPayload
			}
			if err := s.pressed(ctx, in, &p, a.ID, a.Value, a.TS); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case "view_submission":
		return s.submitted(ctx, in, &p)
	}
	return nil, nil // shortcuts, closed modals: nothing of ours
}

// member says whether a user is of the workspace that the app is installed in: in a shared
// channel, people of other companies see the buttons too.
func (s *Sink) member(ctx context.Context, team string) (bool, error) {
	if team == "" || slices.Contains(s.o.Teams, team) {
		return true, nil
	}
	me, err := s.c.whoami(ctx)
	if err != nil {
		return false, err
	}
	return me.TeamID == "" || me.TeamID == team, nil
}

func (s *Sink) pressed(ctx context.Context, in notify.Inbox, p *interaction, action, value, ts string) error {
	w := s.words()
	switch action {
	case actionYes, actionNo:
		return s.answered(ctx, in, p, value, ts, action == actionYes)
	case actionAck, actionClose, actionSuppress:
	default:
		return nil // a link button, or one of another app's
	}
	if !issueID.MatchString(value) {
		s.tell(ctx, p.ResponseURL, w.BadButton)
		return nil
	}
	if action == actionAck {
		return s.apply(ctx, in, p.ResponseURL, yagura.Change{ID: strings.Join([]string{"act", p.User.ID, action, ts}, ":"), IssueID: value,
			Who: s.who(ctx, p.User.ID), At: when(ts), What: yagura.ChangeAck})
	}
	if !triggr.MatchString(p.TriggerID) {
		return errPayload
	}
	view := s.modal(action, private{Issue: value, Answer: p.ResponseURL})
	if err := s.c.write(ctx, "views.open", "", map[string]any{"trigger_id": p.TriggerID, "view": view}, nil); err != nil {
		s.o.Log.WarnContext(ctx, "slack: a modal was not opened", "sink", s.o.Name, "error", err)
		s.tell(ctx, p.ResponseURL, w.Failed)
	}
	return nil
}

// apply brings a change to the inbox and tells the person how it went.
func (s *Sink) apply(ctx context.Context, in notify.Inbox, answer string, c yagura.Change) error {
	w := s.words()
	c.Via = s.o.Name
	fresh, err := in.Apply(ctx, c)
	var unknown *notify.Unknown
	switch {
	case errors.As(err, &unknown):
		s.tell(ctx, answer, w.NoSuchIssue)
	case err != nil:
		s.tell(context.WithoutCancel(ctx), answer, w.Failed)
		return fmt.Errorf("slack: apply %s: %w", c.ID, err)
	case !fresh:
		s.tell(ctx, answer, w.DoneBefore)
	default:
		s.tell(ctx, answer, w.Done)
	}
	return nil
}

// answered takes the answer of the person concerned. Whose it is says Slack's user of the
// payload, compared with the signed value of the button; nothing else counts.
func (s *Sink) answered(ctx context.Context, in notify.Inbox, p *interaction, value, ts string, yes bool) error {
	w := s.words()
	q, ok := s.unseal(value)
	if !ok || !issueID.MatchString(q.Issue) {
		s.tell(ctx, p.ResponseURL, w.BadButton)
		return nil
	}
	if q.User != p.User.ID {
		s.tell(ctx, p.ResponseURL, w.NotYours)
		return nil
	}
	over := false
	if list, err := in.Find(ctx, q.Issue, "", 2); err == nil {
		for _, i := range list {
			over = over || i.ID == q.Issue && i.Status == yagura.StatusClosed
		}
	}
	fresh, err := in.Apply(ctx, yagura.Change{ID: "ask:" + q.Notice, Via: s.o.Name, IssueID: q.Issue, Who: s.who(ctx, p.User.ID), At: when(ts), What: yagura.ChangeAnswer, Yes: yes})
	var unknown *notify.Unknown
	switch {
	case errors.As(err, &unknown):
		s.tell(ctx, p.ResponseURL, w.NoSuchIssue)
	case err != nil:
		s.tell(context.WithoutCancel(ctx), p.ResponseURL, w.Failed)
		return fmt.Errorf("slack: apply answer to %s: %w", q.Notice, err)
	case !fresh:
		s.tell(ctx, p.ResponseURL, w.AnsweredBefore)
	default:
		said := w.AnsweredNo
		if yes {
			said = w.AnsweredYes
		}
		text := fmt.Sprintf(w.Answered, said)
		if over {
			text += " " + w.AnswerClosed
		}
		// The question has no notice that would follow, so its buttons go at once.
		s.answer(ctx, p.ResponseURL, map[string]any{"replace_original": true, "text": text, "blocks": []block{section("*" + Escape(w.AskLead) + "*"), section(Escape(text))}})
	}
	return nil
}

// tell writes a line that only the person who acted sees.
func (s *Sink) tell(ctx context.Context, to, text string) {
	s.answer(ctx, to, map[string]any{"response_type": "ephemeral", "replace_original": false, "text": Escape(text)})
}

// answer posts to the response_url of an interaction. It goes to Slack's own host only, and
// an answer that is lost loses nothing else.
func (s *Sink) answer(ctx context.Context, to string, body any) {
	if !s.hook(to) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(encode(body)))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := s.c.http.Do(req)
	if err != nil {
		s.o.Log.DebugContext(ctx, "slack: a confirmation was not sent", "sink", s.o.Name, "error", strings.ReplaceAll(err.Error(), to, "the response URL"))
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	_ = res.Body.Close()
}

// hook says whether an address is one of Slack's for answers.
func (s *Sink) hook(address string) bool {
	want, err := url.Parse(s.o.Hooks)
	if err != nil || len(address) > 2000 {
		return false
	}
	u, err := url.Parse(address)
	return err == nil && u.Scheme == want.Scheme && u.Host == want.Host && u.User == nil && u.Fragment == "" && strings.HasPrefix(u.Path, want.Path) && !strings.Contains(u.Path, "..")
}

// event handles a message that somebody wrote below a thread of ours.
func (s *Sink) event(ctx context.Context, in notify.Inbox, raw []byte) error {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("%w: %w", errPayload, err)
	}
	m := found{channel: e.Event.Channel, Type: e.Event.Type, Subtype: e.Event.Subtype, TS: e.Event.TS, Thread: e.Event.Thread, User: e.Event.User, Bot: e.Event.Bot, Text: e.Event.Text}
	c, ok := s.comment(ctx, &m)
	if !ok {
		return nil
	}
	c.Ref = joinRef(m.channel, m.Thread)
	_, err := in.Apply(ctx, c)
	if _, ok := errors.AsType[*notify.Unknown](err); ok {
		return nil // a thread of somebody else
	}
	if err != nil {
		return fmt.Errorf("slack: apply %s: %w", c.ID, err)
	}
	return nil
}

// comment makes a change of what a person wrote in a thread. Its id is the message, so that
// the event and the reading back are one change.
func (s *Sink) comment(ctx context.Context, m *found) (yagura.Change, bool) {
	if m.Type != "message" || m.Bot != "" || m.Thread == "" || m.Thread == m.TS || !userID.MatchString(m.User) ||
		!channelID.MatchString(m.channel) || !messageTS.MatchString(m.TS) || !messageTS.MatchString(m.Thread) ||
		m.Subtype != "" && m.Subtype != "thread_broadcast" && m.Subtype != "file_share" {
		return yagura.Change{}, false
	}
	text := notify.Words(notify.English).Cut(strings.TrimSpace(plain(m.Text)), 10000)
	if text == "" {
		return yagura.Change{}, false
	}
	return yagura.Change{ID: joinRef(m.channel, m.TS), Via: s.o.Name, Who: s.who(ctx, m.User), At: when(m.TS), What: yagura.ChangeComment, Text: text}, true
}

var (
	marked   = regexp.MustCompile(`<[^<>\n]+>`)
	unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// plain makes the text of a message what its reader saw.
func plain(s string) string {
	s = marked.ReplaceAllStringFunc(s, func(m string) string {
		body, label, labelled := strings.Cut(m[1:len(m)-1], "|")
		switch {
		case strings.HasPrefix(body, "@"):
			if labelled && label != "" {
				return "@" + strings.TrimPrefix(label, "@")
			}
			return body
		case strings.HasPrefix(body, "#"):
			if labelled && label != "" {
				return "#" + label
			}
			return body
		case strings.HasPrefix(body, "!"):
			if labelled && label != "" {
				return label
			}
			name, _, _ := strings.Cut(body[1:], "^")
			return "@" + name
		case labelled && label != "" && label != body:
			return label + " (" + body + ")"
		}
		return body
	})
	return unescape.Replace(s)
}
