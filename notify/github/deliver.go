package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// slack is how far our clock and GitHub's may differ when something is looked for.
const slack = 10 * time.Minute

// Deliver brings a notice to GitHub.
func (s *Sink) Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	switch n.Op {
	case yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpClose, yagura.OpReopen, yagura.OpComment:
	case yagura.OpTest:
		if err := s.Test(ctx); err != nil {
			return yagura.Receipt{}, verdict(err, n.Uncertain)
		}
		return yagura.Receipt{Detail: "credential and repository are good; nothing was written"}, nil
	case yagura.OpAsk:
		return yagura.Receipt{Detail: "GitHub asks nobody in private: not sent"}, nil
	case yagura.OpDigest:
		return yagura.Receipt{Detail: "GitHub takes no digests: not sent"}, nil
	default:
		return yagura.Receipt{Detail: fmt.Sprintf("operation %q is none of GitHub's: not sent", n.Op)}, nil
	}
	if n.Issue == nil || !plainID(n.Issue.ID) || !plainID(n.ID) {
		return yagura.Receipt{}, verdict(notify.Permanent("notice %q: want an issue and ids of letters and digits", n.ID), false)
	}
	d := &delivery{Sink: s, n: n, text: s.text(n)}
	r, err := d.run(ctx)
	if err == nil || !verdict(err, false).NotSent {
		// It is made, or may be by now: that it was not there before says nothing any more.
		s.mu.Lock()
		for _, key := range d.looked {
			delete(s.absent, key)
		}
		s.mu.Unlock()
	}
	if err != nil {
		return yagura.Receipt{}, verdict(err, n.Uncertain || d.made)
	}
	return r, nil
}

// delivery is one attempt with one notice.
type delivery struct {
	*Sink
	n       *yagura.Notice
	text    *notify.Text
	details []string
	doubled bool
	unknown string   // assignee that GitHub does not know
	looked  []string // keys in absent
	made    bool     // a part of the notice is there: the next attempt has to look
}

func (d *delivery) say(format string, args ...any) {
	d.details = append(d.details, fmt.Sprintf(format, args...))
}

func (d *delivery) receipt(r ref, page string) yagura.Receipt {
	return yagura.Receipt{Ref: r.String(), URL: page, Detail: strings.Join(d.details, "; "), Doubled: d.doubled}
}

func (d *delivery) run(ctx context.Context) (yagura.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return yagura.Receipt{}, &broken{call: call{method: http.MethodGet}, err: err}
	}
	if err := d.limits.ready(); err != nil {
		return yagura.Receipt{}, err
	}
	if _, err := d.whoami(ctx, or(d.n.Issue.AccountInfo.Repository, d.o.Repository)); err != nil {
		return yagura.Receipt{}, err
	}
	if d.n.Ref == "" {
		return d.first(ctx)
	}
	r, err := parseRef(d.n.Ref)
	if err != nil {
		return yagura.Receipt{}, notify.Permanent("%w", err)
	}
	i, now, gone, err := d.get(ctx, r, false)
	if err != nil {
		return yagura.Receipt{}, err
	}
	if gone {
		return d.deleted(ctx, r)
	}
	if now != r {
		d.say("moved from %s to %s", r, now)
	}
	info, err := d.repository(ctx, now.repo)
	if err != nil {
		return yagura.Receipt{}, err
	}
	now.repo = info.name
	return d.onto(ctx, now, i)
}

// first handles a notice of an issue that has no ticket yet.
func (d *delivery) first(ctx context.Context) (yagura.Receipt, error) {
	if d.n.Op == yagura.OpClose && !d.n.Uncertain {
		return yagura.Receipt{Detail: "was never filed here: nothing to close"}, nil
	}
	name := or(d.n.Issue.AccountInfo.Repository, d.o.Repository)
	if !validRepo(name) {
		return yagura.Receipt{}, notify.Permanent("account %s: repository %q: want owner/name", d.n.Issue.Account, name)
	}
	info, err := d.repository(ctx, name)
	if err != nil {
		return yagura.Receipt{}, err
	}
	if d.n.Uncertain {
		i, r, err := d.find(ctx, info.name, 0)
		if err != nil {
			return yagura.Receipt{}, err
		}
		if i != nil {
			d.say("already there: %s", r)
			if d.n.Op == yagura.OpOpen || readMarks(i.Body).notice == d.n.ID {
				return d.receipt(r, i.HTMLURL), nil
			}
			return d.onto(ctx, r, i)
		}
		if d.n.Op == yagura.OpClose {
			return yagura.Receipt{Detail: "was never filed here: nothing to close"}, nil
		}
	}
	return d.file(ctx, info.name, 0, "")
}

// deleted handles a notice of an issue that people deleted at GitHub: its story goes on in a
// new one, once.
func (d *delivery) deleted(ctx context.Context, old ref) (yagura.Receipt, error) {
	if d.n.Op == yagura.OpClose || d.n.Op == yagura.OpAck {
		return yagura.Receipt{Detail: fmt.Sprintf("%s was deleted at GitHub: nothing to do", old)}, nil
	}
	if old.refiled > 0 {
		return yagura.Receipt{}, notify.Permanent("%s was deleted at GitHub, as the one before it: not filed again (hint: suppress the issue by policy if nobody wants it)", old)
	}
	name := or(d.n.Issue.AccountInfo.Repository, old.repo)
	if !validRepo(name) {
		name = old.repo
	}
	info, err := d.repository(ctx, name)
	if err != nil {
		return yagura.Receipt{}, err
	}
	if d.n.Uncertain {
		i, r, err := d.find(ctx, info.name, 1)
		if err != nil {
			return yagura.Receipt{}, err
		}
		if i != nil {
			d.say("already there: %s", r)
			return d.receipt(r, i.HTMLURL), nil
		}
	}
	d.say("%s was deleted at GitHub", old)
	r, err := d.file(ctx, info.name, 1, old.String())
	if err == nil {
		d.mu.Lock()
		d.stats.Refiled++
		d.mu.Unlock()
	}
	return r, err
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// settle says whether something that a look did not find is surely not there: it was not
// found the settling time ago either. Otherwise it returns when to look again.
func (d *delivery) settle(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.o.Now()
	d.looked = append(d.looked, what)
	first, ok := d.absent[what]
	if !ok {
		if len(d.absent) > 100_000 {
			clear(d.absent)
		}
		d.absent[what] = now
		first = now
	}
	if wait := d.o.Settle - now.Sub(first); wait > 0 {
		return &notify.Error{NotSent: true, After: wait, Err: fmt.Errorf("an earlier attempt had no answer; %s is not there yet: looking again", what)}
	}
	return nil
}

// since is from when on what earlier attempts made can be.
func (d *delivery) since() time.Time {
	if d.n.FirstTried.IsZero() {
		return time.Time{}
	}
	return d.n.FirstTried.Add(-slack)
}

// find looks for the issue that an earlier attempt may have made. It returns nil when it is
// surely not there.
func (d *delivery) find(ctx context.Context, repo string, refiled int) (*apiIssue, ref, error) {
	var found []apiIssue
	err := d.list(ctx, repo, d.since(), false, func(i apiIssue) error {
		if m := readMarks(i.Body); m.issue == d.n.Issue.ID && m.refiled == refiled {
			found = append(found, i)
		}
		return nil
	})
	if err != nil {
		return nil, ref{}, fmt.Errorf("look for the issue: %w", err)
	}
	if len(found) == 0 {
		return nil, ref{}, d.settle("the issue of " + d.n.ID)
	}
	slices.SortFunc(found, func(a, b apiIssue) int { return a.Number - b.Number })
	for k := range found[1:] {
		d.doubled = true
		if err := d.closeDouble(ctx, repo, &found[k+1], &found[0]); err != nil {
			return nil, ref{}, err
		}
		d.say("closed the double %s#%d", repo, found[k+1].Number)
	}
	return &found[0], ref{repo: repo, number: found[0].Number, refiled: refiled}, nil
}

// file makes the issue.
func (d *delivery) file(ctx context.Context, repo string, refiled int, previous string) (yagura.Receipt, error) {
	labels := wanted(d.n.Issue)
	if err := d.makeLabels(ctx, repo, labels); err != nil {
		return yagura.Receipt{}, err
	}
	login := d.login(d.n.Issue.Assignee)
	if login == "" {
		d.unknown = d.text.Assignee
	}
	var made apiIssue
	for limit := maxBody - 1000; ; {
		title, body, err := d.story(refiled, previous, limit)
		if err != nil {
			return yagura.Receipt{}, err
		}
		req := map[string]any{"title": title, "body": body, "labels": labels}
		if login != "" {
			req["assignees"] = []string{login}
		}
		err = d.do(ctx, call{method: http.MethodPost, path: "/repos/" + repo + "/issues", body: req, repo: repo, content: true}, &made)
		var e *apiError
		if errors.As(err, &e) && e.location != "" {
			// Moved since we looked: look again, and say to come again.
			if _, rerr := d.repo(ctx, repo, true); rerr != nil {
				return yagura.Receipt{}, rerr
			}
			return yagura.Receipt{}, &notify.Error{NotSent: true, After: time.Second, Err: err}
		}
		if errors.As(err, &e) && e.status == http.StatusUnprocessableEntity {
			// What GitHub will not have is left out, and said.
			switch {
			case login != "" && e.about("assignee"):
				d.unknown, login = d.text.Assignee, ""
				d.say("assignee %s is not known there", d.text.Assignee)
				continue
			case len(labels) > 2 && e.about("label"):
				labels = []string{ourLabel, "severity/" + d.n.Issue.Severity.String()}
				d.say("GitHub refused some labels")
				continue
			case limit > 10_000 && e.about("body"):
				limit = 10_000
				d.say("GitHub wanted a shorter body")
				continue
			}
		}
		if err != nil {
			return yagura.Receipt{}, err
		}
		break
	}
	r := ref{repo: or(made.repo(), repo), number: made.Number, refiled: refiled}
	d.say("created %s", r)
	if login != "" && !made.assigned(login) {
		d.say("assignee %s was not taken", login)
	}
	if !made.label(ourLabel) {
		d.say("GitHub left the labels out: the credential may not label (hint: Issues: read and write)")
	}
	return d.receipt(r, made.HTMLURL), nil
}

// about says whether a refusal names a field.
func (e *apiError) about(field string) bool {
	for _, f := range e.errors {
		if strings.HasPrefix(strings.ToLower(f.Field), field) || strings.EqualFold(f.Resource, field) || f.Field == "" && strings.Contains(strings.ToLower(f.Message), field) {
			return true
		}
	}
	return len(e.errors) == 0 && strings.Contains(strings.ToLower(e.message), field)
}

// story makes title and body of the issue.
func (d *delivery) story(refiled int, previous string, limit int) (title, body string, err error) {
	p := &page{Text: d.text, Previous: previous, Unknown: d.unknown}
	if title, err = d.title(); err != nil {
		return "", "", err
	}
	if body, err = d.templates.RenderData("body", p); err != nil {
		return "", "", notify.Permanent("template: %w", err)
	}
	head := issueMarks(d.n.Issue.ID, d.n.ID, refiled) + "\n"
	return title, head + fit(body, limit-len(head), d.text.Words), nil
}

// title is the one text that is not escaped for Markdown: GitHub shows titles as they are.
func (d *delivery) title() (string, error) {
	p := *d.text
	t, err := plainTitles(d.templates, &p)
	if err != nil {
		return "", notify.Permanent("template: %w", err)
	}
	return t, nil
}

// onto brings a notice to the issue that is there.
func (d *delivery) onto(ctx context.Context, r ref, i *apiIssue) (yagura.Receipt, error) {
	if m := readMarks(i.Body); !d.ours(i.User.Login) || m.issue != "" && m.issue != d.n.Issue.ID {
		return yagura.Receipt{}, notify.Permanent("%s is not the issue that was filed for %s", r, d.n.Issue.ID)
	}
	open := d.n.Issue.Status != yagura.StatusClosed
	switch d.n.Op {
	case yagura.OpOpen:
		// There by an earlier way: it may be closed and wanted open.
		d.say("already there: %s", r)
	case yagura.OpComment:
		err := d.comment(ctx, r)
		return d.receipt(r, i.HTMLURL), err
	case yagura.OpClose:
		open = false
	case yagura.OpReopen:
		open = true
	}
	byHuman := d.n.Op == yagura.OpClose && !i.open() && !d.n.Uncertain
	if err := d.state(ctx, r, i, open); err != nil {
		return yagura.Receipt{}, err
	}
	switch d.n.Op {
	case yagura.OpRise:
		if err := d.comment(ctx, r); err != nil {
			return yagura.Receipt{}, err
		}
	case yagura.OpClose:
		if byHuman {
			d.say("was closed there already")
			return d.receipt(r, i.HTMLURL), nil
		}
		if err := d.comment(ctx, r); err != nil {
			return yagura.Receipt{}, err
		}
		if i.open() {
			if _, err := d.patchIssue(ctx, r, map[string]any{"state": "closed", "state_reason": stateReason(d.n.Issue.Conclusion)}); err != nil {
				return yagura.Receipt{}, err
			}
		}
		d.say("closed %s", r)
	case yagura.OpReopen, yagura.OpOpen:
		if open && !i.open() {
			if _, err := d.patchIssue(ctx, r, map[string]any{"state": "open", "state_reason": "reopened"}); err != nil {
				return yagura.Receipt{}, err
			}
			d.say("re-opened %s", r)
		}
		if d.n.Op == yagura.OpReopen {
			if err := d.comment(ctx, r); err != nil {
				return yagura.Receipt{}, err
			}
		}
	}
	return d.receipt(r, i.HTMLURL), nil
}

func stateReason(c yagura.Conclusion) string {
	if c == yagura.ConcludedFalsePositive || c == yagura.ConcludedAccepted {
		return "not_planned"
	}
	return "completed"
}

// comment adds the notice's comment, once.
func (d *delivery) comment(ctx context.Context, r ref) error {
	if d.n.Uncertain {
		found := false
		err := d.comments(ctx, r, d.since(), false, func(c apiComment) error {
			found = found || d.ours(c.User.Login) && readMarks(c.Body).notice == d.n.ID
			return nil
		})
		if err != nil {
			return fmt.Errorf("look for the comment: %w", err)
		}
		if found {
			d.say("the comment is there already")
			return nil
		}
		if err := d.settle("the comment of " + d.n.ID); err != nil {
			return err
		}
	}
	body, err := d.templates.RenderData("comment", &page{Text: d.text})
	if err != nil {
		return notify.Permanent("template: %w", err)
	}
	head := noticeMark(d.n.ID) + "\n"
	c, err := d.postComment(ctx, r, head+fit(body, maxBody-1000-len(head), d.text.Words))
	if err != nil {
		return fmt.Errorf("comment: %w", err)
	}
	d.made = true
	d.say("commented %d", c.ID)
	return nil
}

// plainTitles runs the title block without Markdown's escaping.
func plainTitles(t *notify.Templates, text *notify.Text) (string, error) {
	s, err := t.RenderPlain("title", &page{Text: text})
	return plainTitle(s), err
}
