package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/recheck"
	"github.com/yagura-sec/yagura/source/s3"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// recheckRule is the rule of findings about an account that cannot be asked.
var recheckRule = yagura.RuleRef{ID: "yagura-recheck-fails", Title: "Open issues of an account cannot be re-checked", Engine: yagura.EngineBuiltin, Tags: []string{}}

// The pace of looks at the cloud.
const (
	recheckEvery     = 30 * time.Minute
	recheckPerMinute = 60
	// recheckConfirm is how soon a good look is followed by the one that confirms it.
	recheckConfirm = 10 * time.Minute
	// recheckFailures of one issue in a row are a finding, one a day and account.
	recheckFailures = 10
)

// looks asks the cloud about open posture issues.
type looks struct {
	s      *Serve
	c      config.Recheck
	reader *recheck.Reader

	mu   sync.Mutex
	base aws.Config
	as   map[string]aws.Config // by account

	open, fixed, gone, failed atomic.Int64
}

// newLooks returns nil where nothing is to be asked.
func newLooks(ctx context.Context, s *Serve, c config.Recheck) (*looks, error) {
	if !c.Enabled {
		return nil, nil
	}
	if c.Every == 0 {
		c.Every = config.Duration(recheckEvery)
	}
	if c.PerMinute == 0 {
		c.PerMinute = recheckPerMinute
	}
	base, err := s3.Config(ctx, s3.Options{Region: c.Region, MaxAttempts: 2, Stall: 10 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("recheck: %w", err)
	}
	l := &looks{s: s, c: c, base: base, as: map[string]aws.Config{}}
	l.reader = &recheck.Reader{As: l.account, Endpoint: c.Endpoint, Now: s.o.Now}
	return l, nil
}

// account is the configuration of the role of an account, which [looks.may] has allowed.
func (l *looks) account(id string) aws.Config {
	l.mu.Lock()
	defer l.mu.Unlock()
	cfg, ok := l.as[id]
	if !ok {
		cfg = s3.Assume(l.base, s3.Role{ARN: strings.Replace(l.c.Role, accountMark, id, 1), ExternalID: l.c.ExternalID.Reveal()}, l.c.Endpoint)
		l.as[id] = cfg
	}
	return cfg
}

// accountMark stands for the account in the role of re-checks.
const accountMark = "{account}"

// may reports whether an account is asked: one of the registry, and of those that the
// configuration names. Whose account it is comes from a log; no role is taken on for that.
func (l *looks) may(account string) bool {
	return l.s.registry.load().Lookup(account).Listed && (len(l.c.Accounts) == 0 || slices.Contains(l.c.Accounts, account))
}

// dueLook is one look that is due.
type dueLook struct {
	id      string
	episode int
	due     time.Time
	target  recheck.Target
}

// round looks at what is due, the longest due first. An account that does not answer is left
// alone until the next round.
func (l *looks) round(ctx context.Context, now time.Time) error {
	list, err := l.due(ctx, now)
	if err != nil {
		return err
	}
	left := map[string]bool{}
	asked := 0
	for i := range list {
		x := &list[i]
		if left[x.target.Account] {
			continue
		}
		if asked == l.c.PerMinute || ctx.Err() != nil {
			break
		}
		mine, err := l.claim(ctx, x, now)
		if err != nil {
			return err
		}
		if !mine {
			continue
		}
		asked++
		answered, err := l.ask(ctx, x)
		if err != nil {
			return err
		}
		left[x.target.Account] = !answered
	}
	return nil
}

// due lists the looks that are due, and forgets those of issues that are not open any more.
func (l *looks) due(ctx context.Context, now time.Time) ([]dueLook, error) {
	dues := map[string]time.Time{}
	for after, more := "", true; more; {
		err := l.s.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			after, err = tx.Rechecks(ctx, after, 1000, dues)
			return err
		})
		if err != nil {
			return nil, err
		}
		more = after != ""
	}
	var out []dueLook
	var rules []string
	for _, k := range recheck.Kinds() {
		if rules = append(rules, k.Rule); k.Joined != "" {
			rules = append(rules, k.Joined)
		}
	}
	err := eachPage(ctx, l.s.db, issuesThat(notClosed(), being("rule", rules...)), func(list []yagura.Issue) error {
		for i := range list {
			is := &list[i]
			due := dues[is.ID]
			delete(dues, is.ID)
			if due.After(now) {
				continue
			}
			if t, ok := recheck.TargetOf(is); ok && l.may(t.Account) {
				out = append(out, dueLook{is.ID, is.Episode, due, t})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b dueLook) int { return cmp.Or(a.due.Compare(b.due), strings.Compare(a.id, b.id)) })
	if len(dues) == 0 {
		return out, nil
	}
	var ended []string
	for id := range dues {
		ended = append(ended, id)
	}
	slices.Sort(ended)
	return out, l.s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.DropRechecks(ctx, ended) })
}

// claim takes a look, so that no other replica asks the same; one of them may have closed the
// issue since it was listed here. A name that is of one region, and was seen in several, is no
// name of one thing: it is not asked about.
func (l *looks) claim(ctx context.Context, x *dueLook, now time.Time) (mine bool, err error) {
	err = l.s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if mine, err = tx.ClaimRecheck(ctx, x.id, now, now.Add(time.Duration(l.c.Every))); err != nil || !mine {
			return err
		}
		is, ok, err := bookTx{tx}.Issue(ctx, x.id, yagura.LockNone)
		if err != nil {
			return err
		}
		if !ok || is.Status == yagura.StatusClosed {
			mine = false
			return tx.DropRechecks(ctx, []string{x.id})
		}
		if !x.target.Local() {
			return nil
		}
		list, next, err := tx.Findings(ctx, x.id, "", 1000)
		mine = next == "" && !slices.ContainsFunc(list, func(f yagura.Filed) bool { return f.Finding.Event.Region != x.target.Region })
		return err
	})
	return mine, err
}

// ask asks about one issue and notes what was said.
func (l *looks) ask(ctx context.Context, x *dueLook) (answered bool, err error) {
	s := l.s
	began := s.o.Now()
	answer, failure := l.reader.Read(ctx, x.target)
	if failure != nil {
		if ctx.Err() != nil {
			return false, nil // we stop; it is looked at again at its time
		}
		return false, l.failedLook(ctx, x, began, failure)
	}
	said := triage.Looked{IssueID: x.id, Episode: x.episode, Began: began, Text: answer.Text}
	count := &l.open
	switch answer.State {
	case recheck.Fixed:
		said.Good, count = yagura.ClosedFixed, &l.fixed
	case recheck.Gone:
		said.Good, count = yagura.ClosedGone, &l.gone
	}
	count.Add(1)
	err = s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		was, err := readLook(ctx, tx, x.id)
		if err != nil {
			return err
		}
		now, goes, err := s.desk.Look(ctx, bookTx{tx}, was, said)
		if err != nil {
			return err
		}
		if !goes {
			return tx.DropRechecks(ctx, []string{x.id})
		}
		pause := time.Duration(l.c.Every)
		if now.Good != "" && now.Since.Equal(began) {
			pause = min(pause, recheckConfirm)
		}
		return putLook(ctx, tx, x.id, began.Add(pause), now)
	})
	if err == nil {
		s.wake()
	}
	return true, err
}

// failedLook notes a look without an answer. It changes nothing about the issue.
func (l *looks) failedLook(ctx context.Context, x *dueLook, began time.Time, failure error) error {
	l.failed.Add(1)
	reason := notify.Words(notify.English).Cut(notify.Line(notify.Mask(failure.Error())), 400)
	l.s.log.Warn("an issue could not be re-checked: it stays as it is", "issue", x.id, "account", x.target.Account, "error", reason)
	failures := 0
	err := l.s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		was, err := readLook(ctx, tx, x.id)
		if err != nil {
			return err
		}
		if was.Episode != x.episode {
			was = triage.Look{Episode: x.episode, Failures: was.Failures}
		}
		was.At, was.Error = began, reason
		was.Failures++
		failures = was.Failures
		return putLook(ctx, tx, x.id, began.Add(time.Duration(l.c.Every)), was)
	})
	if err != nil || failures < recheckFailures {
		return err
	}
	account := x.target.Account
	f := builtinFinding(recheckRule, yagura.SeverityLow, account+"/"+day(began), "account="+account,
		fmt.Sprintf("%d looks in a row at an open issue of account %s had no answer, so it does not close by itself: %s", failures, account, reason), began)
	f.CauseKey = account + f.CauseKey[1:]
	f.Event.Account = account
	return l.s.take(ctx, f)
}

func readLook(ctx context.Context, tx *store.Tx, id string) (l triage.Look, err error) {
	body, err := tx.Recheck(ctx, id)
	if err != nil || len(body) == 0 {
		return l, err
	}
	if err := json.Unmarshal(body, &l); err != nil {
		return l, fmt.Errorf("what was noted of re-checks of issue %s: %w", id, err)
	}
	return l, nil
}

func putLook(ctx context.Context, tx *store.Tx, id string, due time.Time, l triage.Look) error {
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return tx.PutRecheck(ctx, id, due, body)
}

// recheck says what is re-checked.
func (k *check) recheck() {
	c := k.cfg
	if !c.Recheck.Enabled {
		return
	}
	var names []string
	for _, x := range recheck.Kinds() {
		names = append(names, x.Name)
	}
	list := strings.Join(slices.Compact(names), ", ")
	k.ok("re-checked are the issues of "+list, "再確認の対象: "+list)
	if accounts, err := LoadAccounts(c); err == nil && accounts.Empty() && !c.Organizations.Enabled {
		k.warn("recheck", "the registry lists no account: nothing is asked", "台帳にアカウントがないため、何も確認しません")
	}
}

// recheckRole takes on the role of one account after another, as far as they are known, and
// asks nothing.
func (k *check) recheckRole(ctx context.Context) {
	registry, err := LoadAccounts(k.cfg)
	if err != nil {
		return // it is said elsewhere
	}
	listed, err := KeptAccounts(k.cfg)
	if err != nil {
		return
	}
	s := &Serve{o: ServeOptions{Now: k.o.Now}}
	s.registry.set(registry, listed)
	l, err := newLooks(ctx, s, k.cfg.Recheck)
	if err != nil {
		k.at("recheck", err)
		return
	}
	good := 0
	for _, a := range s.registry.load().List() {
		if !l.may(a.ID) || a.Cloud != "" && a.Cloud != "aws" {
			continue
		}
		if _, err := l.account(a.ID).Credentials.Retrieve(ctx); err != nil {
			k.at("recheck.role", fmt.Errorf("account %s: %s", a.ID, strings.TrimPrefix(err.Error(), "failed to refresh cached credentials, "))) // the SDK's own words
			if ctx.Err() != nil {
				return
			}
			continue
		}
		good++
	}
	k.ok(fmt.Sprintf("recheck: the role of %d accounts can be taken on", good), fmt.Sprintf("再確認: %d アカウントのロールを引き受けられます", good))
}
