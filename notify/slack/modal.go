package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// private is what a modal carries to its submission.
type private struct {
	Issue  string `json:"i"`
	Answer string `json:"a,omitempty"` // response_url of the button
}

// The blocks of our modals; an error is shown at its block.
const (
	blockConclusion = "conclusion"
	blockReason     = "reason"
	blockUntil      = "until"
	field           = "value"
)

var conclusions = []yagura.Conclusion{yagura.ConcludedTruePositive, yagura.ConcludedBenign, yagura.ConcludedFalsePositive, yagura.ConcludedAccepted}

// modal asks what a close or a suppression needs.
func (s *Sink) modal(action string, p private) map[string]any {
	w, v := s.words(), notify.Words(s.o.Language)
	if !s.hook(p.Answer) {
		p.Answer = ""
	}
	reason := block{"type": "input", "block_id": blockReason, "label": plainText(w.Reason, 2000), "hint": plainText(w.ReasonHint, 2000),
		"element": map[string]any{"type": "plain_text_input", "action_id": field, "multiline": true, "min_length": 1, "max_length": 2000}}
	title, submit, first := w.CloseTitle, v.Close, block(nil)
	if action == actionClose {
		options := make([]any, len(conclusions))
		for i, c := range conclusions {
			options[i] = map[string]any{"text": plainText(v.ConclusionWord(c), 75), "value": string(c)}
		}
		first = block{"type": "input", "block_id": blockConclusion, "label": plainText(v.Conclusion, 2000),
			"element": map[string]any{"type": "static_select", "action_id": field, "options": options}}
	} else {
		title, submit = w.SuppressTitle, v.Suppress
		first = block{"type": "input", "block_id": blockUntil, "label": plainText(w.Until, 2000),
			"element": map[string]any{"type": "datepicker", "action_id": field, "initial_date": s.o.Now().In(s.o.Zone).AddDate(0, 0, 7).Format(time.DateOnly)}}
	}
	return map[string]any{"type": "modal", "callback_id": action, "private_metadata": strings.TrimSpace(string(encode(p))),
		"title": plainText(title, 24), "submit": plainText(submit, 24), "close": plainText(w.Cancel, 24), "blocks": []block{first, reason}}
}

// submitted takes a modal. What is wrong with it is shown in it.
func (s *Sink) submitted(ctx context.Context, in notify.Inbox, p *interaction) (any, error) {
	w := s.words()
	var m private
	if p.View.Callback != actionClose && p.View.Callback != actionSuppress {
		return nil, nil
	}
	if len(p.View.Private) > 3000 || json.Unmarshal([]byte(p.View.Private), &m) != nil || !issueID.MatchString(m.Issue) || !triggr.MatchString(p.View.ID) {
		return nil, errPayload
	}
	wrong := map[string]string{}
	values := p.View.State.Values
	reason := notify.Words(notify.English).Cut(strings.TrimSpace(values[blockReason][field].Value), 2000)
	if reason == "" {
		wrong[blockReason] = w.WantReason
	}
	c := yagura.Change{ID: "view:" + p.View.ID, Via: s.o.Name, IssueID: m.Issue, At: s.o.Now().UTC(), Text: reason}
	if p.View.Callback == actionClose {
		c.What = yagura.ChangeClose
		verdict, err := yagura.ParseConclusion(values[blockConclusion][field].Selected.Value)
		if err != nil || verdict == yagura.ConcludedNothing {
			wrong[blockConclusion] = w.WantConclusion
		}
		c.Verdict = verdict
	} else {
		c.What = yagura.ChangeSuppress
		var problem string
		if c.Until, problem = s.day(values[blockUntil][field].Date); problem != "" {
			wrong[blockUntil] = problem
		}
	}
	if len(wrong) > 0 {
		return map[string]any{"response_action": "errors", "errors": wrong}, nil
	}
	c.Who = s.who(ctx, p.User.ID)
	fresh, err := in.Apply(ctx, c)
	var unknown *notify.Unknown
	switch {
	case errors.As(err, &unknown):
		return map[string]any{"response_action": "errors", "errors": map[string]string{blockReason: w.NoSuchIssue}}, nil
	case err != nil:
		return map[string]any{"response_action": "errors", "errors": map[string]string{blockReason: w.Failed}}, fmt.Errorf("slack: apply %s: %w", c.ID, err)
	case !fresh:
		s.tell(ctx, m.Answer, w.DoneBefore)
	default:
		s.tell(ctx, m.Answer, w.Done)
	}
	return nil, nil
}

// day is the end of a day in the team's zone: from today on, at most a year away.
func (s *Sink) day(date string) (until time.Time, problem string) {
	d, err := time.ParseInLocation(time.DateOnly, date, s.o.Zone)
	if err != nil {
		return time.Time{}, s.words().WantDate
	}
	until = d.AddDate(0, 0, 1)
	now := s.o.Now()
	switch {
	case !until.After(now):
		return time.Time{}, s.words().PastDate
	case until.After(now.AddDate(0, 0, 367)):
		return time.Time{}, s.words().Later
	}
	return until.UTC(), ""
}
