package slack

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Deliver brings one notice to Slack. The thread's first message is edited before a reply
// is posted: an edit can be repeated, so the reply, which cannot, comes last and decides.
func (s *Sink) Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	switch n.Op {
	case yagura.OpDigest, yagura.OpTest:
		return s.deliverNote(ctx, n)
	case yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpClose, yagura.OpReopen, yagura.OpComment, yagura.OpAsk:
	default:
		return yagura.Receipt{Detail: fmt.Sprintf("nothing to post: operation %q means nothing here", n.Op)}, nil
	}
	if n.Issue == nil {
		return yagura.Receipt{}, notify.Permanent("slack: notice %s (%s) has no issue", n.ID, n.Op)
	}
	if n.Op == yagura.OpAsk {
		return s.deliverAsk(ctx, n)
	}
	return s.deliverThread(ctx, n)
}

// part says what a message of ours is, in its metadata.
const (
	partThread = "thread"
	partReply  = "reply"
	partAsk    = "ask"
	partNote   = "note"
)

// deliverThread keeps the issue's thread.
func (s *Sink) deliverThread(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	t := s.text(n)
	if n.Ref == "" {
		if n.Op == yagura.OpClose {
			return yagura.Receipt{Detail: "nothing to close: the issue has no thread here"}, nil
		}
		return s.begin(ctx, n, t, "", "", false)
	}
	channel, ts, ok := splitRef(n.Ref)
	if !ok {
		return yagura.Receipt{}, notify.Permanent("slack: reference %q is not one of a thread", n.Ref)
	}
	frozen, err := s.edit(ctx, n, t, channel, ts)
	switch {
	case codeIs(err, gone...):
		return s.begin(ctx, n, t, channel, ts, true)
	case codeIs(err, closed...):
		// The channel went away. If the account or the configuration names another by now,
		// the thread goes on there.
		if to, cerr := s.channel(ctx, first(s.wanted(n))); cerr == nil && to != channel {
			return s.begin(ctx, n, t, channel, ts, true)
		}
		return yagura.Receipt{}, err
	case err != nil:
		return yagura.Receipt{}, err
	}
	r := yagura.Receipt{Ref: n.Ref, URL: s.link(ctx, channel, ts), Detail: "the thread's first message shows it"}
	if frozen {
		r.Detail = "the first message can no longer be edited"
	}
	if n.Op == yagura.OpUpdate {
		return r, nil
	}
	done, err := s.reply(ctx, n, t, channel, ts)
	if codeIs(err, gone...) {
		return s.begin(ctx, n, t, channel, ts, true)
	}
	if err != nil {
		return yagura.Receipt{}, err
	}
	r.Detail, r.Doubled = done.detail, done.doubled
	if frozen {
		r.Detail += "; the first message can no longer be edited"
	}
	return r, nil
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// begin makes the issue's thread; with moved, a new one that goes on from (oldChannel, oldTS).
func (s *Sink) begin(ctx context.Context, n *yagura.Notice, t *notify.Text, oldChannel, oldTS string, moved bool) (yagura.Receipt, error) {
	var detail string
	var doubled bool
	var channel, ts string
	if n.Uncertain {
		found, err := s.findThread(ctx, n, moved, oldTS)
		if err != nil {
			return yagura.Receipt{}, acted(err)
		}
		if len(found) > 0 {
			channel, ts, doubled, detail = found[0].channel, found[0].TS, len(found) > 1, "already there"
		}
	}
	if ts == "" {
		before := ""
		if moved {
			before = s.link(ctx, oldChannel, oldTS)
		}
		m, err := s.parent(n, t, before, moved)
		if err != nil {
			return yagura.Receipt{}, err
		}
		to, err := s.channel(ctx, first(s.wanted(n)))
		if err != nil {
			return yagura.Receipt{}, err
		}
		if channel, ts, err = s.post(ctx, to, "", m, s.metadata(n, partThread, 1, 1, n.ID), false); err != nil {
			return yagura.Receipt{}, err
		}
		detail = "posted a new thread"
		if moved {
			detail = "the thread was gone: posted a new one with a link to the old"
		}
	}
	s.first.put(joinRef(channel, ts), n.ID)
	r := yagura.Receipt{Ref: joinRef(channel, ts), URL: s.link(ctx, channel, ts), Detail: detail, Doubled: doubled}
	if n.Op == yagura.OpOpen || n.Op == yagura.OpUpdate {
		return r, nil
	}
	done, err := s.reply(ctx, n, t, channel, ts)
	if err != nil {
		return yagura.Receipt{}, acted(err)
	}
	r.Detail += "; " + done.detail
	r.Doubled = r.Doubled || done.doubled
	return r, nil
}

// edit shows the issue's state in the thread's first message. frozen says that Slack does
// not let it be edited any more.
func (s *Sink) edit(ctx context.Context, n *yagura.Notice, t *notify.Text, channel, ts string) (frozen bool, err error) {
	m, err := s.parent(n, t, "", false)
	if err != nil {
		return false, err
	}
	maker, err := s.maker(ctx, channel, ts)
	if err != nil {
		return false, s.looking(n, err)
	}
	// An edit that does not say parse is parsed as if a person had typed it, unlike a post.
	args := map[string]any{"channel": channel, "ts": ts, "text": m.text, "blocks": m.blocks, "metadata": s.metadata(n, partThread, 1, 1, maker),
		"parse": "none", "link_names": false}
	err = s.c.write(ctx, "chat.update", channel, args, nil)
	if codeIs(err, fixed...) {
		return true, nil
	}
	return false, s.looking(n, err)
}

// looking keeps a notice uncertain whose attempt ended before it was looked for.
func (s *Sink) looking(n *yagura.Notice, err error) error {
	if err != nil && n.Uncertain {
		return acted(err)
	}
	return err
}

// maker is the id of the notice that made a thread; the metadata of its first message keeps
// it through all edits.
func (s *Sink) maker(ctx context.Context, channel, ts string) (string, error) {
	ref := joinRef(channel, ts)
	if id, ok := s.first.get(ref); ok {
		return id, nil
	}
	m, err := s.message(ctx, channel, ts)
	if err != nil {
		return "", err
	}
	id := m.payload().First
	s.first.put(ref, id)
	return id, nil
}

// done is the outcome of posting the parts of a notice.
type done struct {
	detail  string
	doubled bool
}

// reply posts what happened below the thread's first message.
func (s *Sink) reply(ctx context.Context, n *yagura.Notice, t *notify.Text, channel, ts string) (done, error) {
	body, err := s.render("reply", t)
	if err != nil {
		return done{}, err
	}
	fallback, err := s.fallback(t)
	if err != nil {
		return done{}, err
	}
	// A rise is for everybody in the channel, not only for those who follow the thread.
	return s.postAll(ctx, n, channel, ts, partReply, s.messages(fallback, body), n.Op == yagura.OpRise)
}

// postAll posts the messages of a notice, but for those that are there already.
func (s *Sink) postAll(ctx context.Context, n *yagura.Notice, channel, ts, part string, all []message, broadcast bool) (done, error) {
	have := map[int]int{}
	if n.Uncertain {
		var err error
		if have, err = s.findParts(ctx, n, channel, ts, part); err != nil {
			return done{}, acted(err)
		}
	}
	d := done{detail: "already there"}
	posted := len(have) > 0
	for i, m := range all {
		if k := have[i+1]; k > 0 {
			d.doubled = d.doubled || k > 1
			continue
		}
		if _, _, err := s.post(ctx, channel, ts, m, s.metadata(n, part, i+1, len(all), ""), broadcast && i == 0); err != nil {
			if posted {
				return done{}, acted(err)
			}
			return done{}, err
		}
		posted = true
		d.detail = "posted"
		if ts != "" {
			d.detail = "posted below the thread"
		}
	}
	return d, nil
}

// post posts one message.
func (s *Sink) post(ctx context.Context, channel, thread string, m message, metadata map[string]any, broadcast bool) (ch, ts string, err error) {
	args := map[string]any{"channel": channel, "text": m.text, "blocks": m.blocks, "metadata": metadata,
		"unfurl_links": false, "unfurl_media": false, "parse": "none", "link_names": false}
	if thread != "" {
		args["thread_ts"] = thread
		if broadcast {
			args["reply_broadcast"] = true
		}
	}
	var out struct {
		Channel string `json:"channel"`
		TS      string `json:"ts"`
	}
	if err := s.c.write(ctx, "chat.postMessage", channel, args, &out); err != nil {
		return "", "", err
	}
	if !channelID.MatchString(out.Channel) || !messageTS.MatchString(out.TS) {
		return "", "", &notify.Error{Err: fmt.Errorf("slack: chat.postMessage: the answer names no message")}
	}
	return out.Channel, out.TS, nil
}

// eventType is the type of our metadata.
const eventType = "yagura_notice"

// metadata is what a message says of itself to whoever reads it back.
func (s *Sink) metadata(n *yagura.Notice, part string, i, of int, maker string) map[string]any {
	p := map[string]any{"notice_id": n.ID, "part": part}
	if n.Issue != nil {
		p["issue_id"], p["status"] = n.Issue.ID, string(n.Issue.Status)
	}
	if of > 1 {
		p["n"] = strconv.Itoa(i) + "/" + strconv.Itoa(of)
	}
	if maker != "" {
		p["first_notice_id"] = maker
	}
	return map[string]any{"event_type": eventType, "event_payload": p}
}

// deliverNote posts what is of no issue: a digest, a test.
func (s *Sink) deliverNote(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	t := s.text(n)
	body, err := s.render("note", t)
	if err != nil {
		return yagura.Receipt{}, err
	}
	name := s.o.Channel
	if n.Op == yagura.OpDigest && s.o.DigestChannel != "" {
		name = s.o.DigestChannel
	}
	channel, err := s.channel(ctx, name)
	if err != nil {
		return yagura.Receipt{}, s.looking(n, err)
	}
	d, err := s.postAll(ctx, n, channel, "", partNote, s.messages(Escape(t.Lead), "*"+Escape(t.Lead)+"*\n"+body), false)
	if err != nil {
		return yagura.Receipt{}, err
	}
	return yagura.Receipt{Detail: d.detail, Doubled: d.doubled}, nil
}

// deliverAsk asks the person concerned, in a conversation with that person alone. Where
// nobody can be asked, the issue's thread says so.
func (s *Sink) deliverAsk(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	t := s.text(n)
	user, conversation, err := s.reach(ctx, n.To)
	if err != nil {
		if !codeIs(err, nobody...) && !errors.Is(err, errNobody) {
			return yagura.Receipt{}, s.looking(n, err)
		}
		return s.askNobody(ctx, n, t, err)
	}
	m, err := s.askMessage(n, t, user)
	if err != nil {
		return yagura.Receipt{}, err
	}
	d, err := s.postAll(ctx, n, conversation, "", partAsk, []message{m}, false)
	if err != nil {
		return yagura.Receipt{}, err
	}
	return yagura.Receipt{Detail: "asked slack:" + user + ": " + d.detail, Doubled: d.doubled}, nil
}

// nobody are the codes of a person who is not there or gets no messages.
var nobody = []string{"users_not_found", "user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot", "not_allowed_for_user"}

var errNobody = errors.New("names nobody at Slack")

// reach finds a person by e-mail or id and opens the conversation.
func (s *Sink) reach(ctx context.Context, to string) (user, conversation string, err error) {
	to = strings.TrimPrefix(strings.TrimSpace(to), "slack:")
	to, _, _ = strings.Cut(to, " ")
	switch {
	case userID.MatchString(to):
		user = to
	case strings.Contains(to, "@") && len(to) <= 320:
		if user, err = s.byEmail(ctx, to); err != nil {
			return "", "", err
		}
	default:
		return "", "", errNobody
	}
	var out struct {
		Channel struct {
			ID string `json:"id"`
		} `json:"channel"`
	}
	if err := s.c.write(ctx, "conversations.open", "", map[string]any{"users": user}, &out); err != nil {
		return "", "", err
	}
	if !channelID.MatchString(out.Channel.ID) {
		return "", "", &notify.Error{NotSent: true, Err: fmt.Errorf("slack: conversations.open: the answer names no conversation")}
	}
	return user, out.Channel.ID, nil
}

// askNobody tells the issue's thread that nobody could be asked.
func (s *Sink) askNobody(ctx context.Context, n *yagura.Notice, t *notify.Text, why error) (yagura.Receipt, error) {
	detail := fmt.Sprintf("nobody was asked: %v", why)
	channel, ts, ok := splitRef(n.Ref)
	if !ok {
		return yagura.Receipt{Detail: detail + "; the issue has no thread here"}, nil
	}
	to := t.To
	if to == "" {
		to = "–"
	}
	body := fmt.Sprintf(s.words().AskNobody, Code(to))
	d, err := s.postAll(ctx, n, channel, ts, partReply, []message{{text: Escape(t.Lead), blocks: []block{section(body)}}}, false)
	if codeIs(err, gone...) {
		return yagura.Receipt{Detail: detail + "; the issue's thread is gone"}, nil
	}
	if err != nil {
		return yagura.Receipt{}, err
	}
	return yagura.Receipt{Ref: n.Ref, URL: s.link(ctx, channel, ts), Detail: detail + "; " + d.detail, Doubled: d.doubled}, nil
}
