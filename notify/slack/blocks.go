package slack

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"crypto/hmac"
	"crypto/sha256"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// The limits of Block Kit and of a message.
const (
	maxHeader  = 150
	maxSection = 3000
	// maxText is how much text one message holds here. Slack documents 40,000 characters and
	// refuses blocks well below: msg_blocks_too_long comes at some 13,000.
	maxText     = 9000
	maxFallback = 1000
)

// The actions of our buttons and the views of our modals.
const (
	actionAck      = "yagura_ack"
	actionClose    = "yagura_close"
	actionSuppress = "yagura_suppress"
	actionOpen     = "yagura_open"
	actionYes      = "yagura_yes"
	actionNo       = "yagura_no"
)

type block map[string]any

// message is what chat.postMessage and chat.update take of it.
type message struct {
	text   string // the fallback, for notifications and screen readers
	blocks []block
}

func plainText(s string, limit int) map[string]any {
	return map[string]any{"type": "plain_text", "text": cutRunes(s, limit), "emoji": false}
}

func mrkdwn(s string) map[string]any {
	return map[string]any{"type": "mrkdwn", "text": s, "verbatim": true}
}

func section(s string) block { return block{"type": "section", "text": mrkdwn(s)} }
func context1(s string) block {
	return block{"type": "context", "elements": []any{mrkdwn(s)}}
}

func button(action, value, text, style string) map[string]any {
	b := map[string]any{"type": "button", "action_id": action, "value": value, "text": plainText(text, 75)}
	if style != "" {
		b["style"] = style
	}
	return b
}

// cutRunes cuts at limit, with a sign.
func cutRunes(s string, limit int) string {
	if size(s) <= limit {
		return s
	}
	n := 0
	for i, r := range s {
		w := 1
		if r > 0xffff {
			w = 2
		}
		if n+w > limit-1 {
			return s[:i] + "…"
		}
		n += w
	}
	return s
}

func (s *Sink) text(n *yagura.Notice) *notify.Text {
	return notify.NewText(n, notify.TextOptions{Lang: s.o.Language, Zone: s.o.Zone})
}

func (s *Sink) words() *words { return texts[s.o.Language] }

// render runs a template; one of the user's may fail on what the samples did not show.
func (s *Sink) render(name string, t *notify.Text) (string, error) {
	out, err := s.templates.Render(name, t)
	if err != nil {
		return "", notify.Permanent("slack: %w", err)
	}
	return out, nil
}

// fallback is the one line that notifications show.
func (s *Sink) fallback(t *notify.Text) (string, error) {
	out, err := s.render("fallback", t)
	if err != nil {
		return "", err
	}
	if pieces := split(strings.ReplaceAll(out, "\n", " "), maxFallback); len(pieces) > 0 {
		return pieces[0], nil
	}
	return "Yagura", nil
}

// sign shows a level or the end in colour.
func sign(i *yagura.Issue) string {
	if i.Status == yagura.StatusClosed {
		return "✅ "
	}
	switch i.Severity {
	case yagura.SeverityCritical:
		return "🟥 "
	case yagura.SeverityHigh:
		return "🟧 "
	case yagura.SeverityMedium:
		return "🟨 "
	case yagura.SeverityLow:
		return "🟦 "
	}
	return "⬜ "
}

// parent is the first message of a thread: the issue as it is. before is the address of an
// older thread that this one goes on from.
func (s *Sink) parent(n *yagura.Notice, t *notify.Text, before string, moved bool) (message, error) {
	fallback, err := s.fallback(t)
	if err != nil {
		return message{}, err
	}
	body, err := s.render("body", t)
	if err != nil {
		return message{}, err
	}
	w := s.words()
	m := message{text: fallback, blocks: []block{{"type": "header", "text": plainText(sign(n.Issue)+t.Headline, maxHeader)}}}
	if moved {
		line := w.NewThread
		if before != "" {
			line += " " + Link(before, w.HistoryLink)
		}
		m.blocks = append(m.blocks, context1(line))
	}
	used, cut := 0, false
	for _, piece := range split(body, maxSection) {
		if used += size(piece); used > maxText {
			cut = true
			break
		}
		m.blocks = append(m.blocks, section(piece))
	}
	if cut {
		m.blocks = append(m.blocks, context1(w.Shortened))
	}
	if buttons := s.buttons(n.Issue); len(buttons) > 0 {
		m.blocks = append(m.blocks, block{"type": "actions", "block_id": "yagura", "elements": buttons})
	}
	m.blocks = append(m.blocks, context1(Code(n.Issue.ID)+" · "+Escape(t.Updated)))
	return m, nil
}

// buttons are what can be done with an issue as it is.
func (s *Sink) buttons(i *yagura.Issue) []any {
	var all []any
	v := notify.Words(s.o.Language)
	if i.Status == yagura.StatusOpen {
		all = append(all, button(actionAck, i.ID, v.Acknowledge, "primary"))
	}
	if i.Status != yagura.StatusClosed {
		all = append(all, button(actionClose, i.ID, v.Close, ""), button(actionSuppress, i.ID, v.Suppress, ""))
	}
	if s.o.IssueURL != nil {
		if u := s.o.IssueURL(i.ID); isURL(u) {
			b := button(actionOpen, i.ID, s.words().OpenIssue, "")
			b["url"] = u
			all = append(all, b)
		}
	}
	return all
}

func isURL(u string) bool { return len(u) <= 3000 && strings.HasPrefix(Link(u, "x"), "<") }

// messages lays a rendered text out as one message, or as several where one does not hold it.
func (s *Sink) messages(fallback, body string) []message {
	var all []message
	cur, used := message{text: fallback}, 0
	for _, piece := range split(body, maxSection) {
		if n := size(piece); used+n > maxText && len(cur.blocks) > 0 {
			all = append(all, cur)
			cur, used = message{text: fallback}, 0
		}
		used += size(piece)
		cur.blocks = append(cur.blocks, section(piece))
	}
	if len(cur.blocks) > 0 || len(all) == 0 {
		if len(cur.blocks) == 0 {
			cur.blocks = []block{section(fallback)}
		}
		all = append(all, cur)
	}
	return all
}

// question is the private value of a "was this you?" button. What it says is signed, so a
// payload that was made elsewhere, or for another person, is not taken.
type question struct {
	Notice string `json:"n"`
	Issue  string `json:"i"`
	User   string `json:"u"`
}

func (s *Sink) seal(q question) string {
	text := base64.RawURLEncoding.EncodeToString(encode(q))
	return text + "." + base64.RawURLEncoding.EncodeToString(s.mac(text))
}

func (s *Sink) mac(text string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("ask v1 " + text))
	return mac.Sum(nil)
}

func (s *Sink) unseal(value string) (q question, ok bool) {
	text, sum, _ := strings.Cut(value, ".")
	got, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil || len(value) > 2000 || !hmac.Equal(got, s.mac(text)) {
		return q, false
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(data, &q) != nil {
		return question{}, false
	}
	return q, true
}

// askMessage is what the person concerned gets.
func (s *Sink) askMessage(n *yagura.Notice, t *notify.Text, user string) (message, error) {
	w, v := s.words(), notify.Words(s.o.Language)
	body, err := s.render("ask", t)
	if err != nil {
		return message{}, err
	}
	m := message{text: w.AskLead, blocks: []block{section("*" + Escape(w.AskLead) + "*")}}
	used := 0
	for _, piece := range split(body, maxSection) {
		if used += size(piece); used > maxText {
			m.blocks = append(m.blocks, context1(w.Shortened))
			break
		}
		m.blocks = append(m.blocks, section(piece))
	}
	value := s.seal(question{Notice: n.ID, Issue: t.IssueID, User: user})
	m.blocks = append(m.blocks,
		block{"type": "actions", "block_id": "yagura_ask", "elements": []any{button(actionYes, value, v.Yes, ""), button(actionNo, value, v.No, "danger")}},
		context1(Escape(w.AskOnly)))
	return m, nil
}
