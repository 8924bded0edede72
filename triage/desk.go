package triage

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
)

// Issues is what the desk needs of the issues, in one transaction.
type Issues interface {
	// IssuesByCause returns those that exist, by the asked key, aliases resolved; rows are
	// locked in the order of their cause keys.
	IssuesByCause(ctx context.Context, keys []string, lock yagura.Lock) (map[string]*yagura.Issue, error)
	Issue(ctx context.Context, id string, lock yagura.Lock) (*yagura.Issue, bool, error)
	PutIssue(ctx context.Context, is *yagura.Issue) error
	AddCounts(ctx context.Context, counts []yagura.Count) error
	// PutAlias returns [ErrTaken] for the key of another issue, and changes nothing.
	PutAlias(ctx context.Context, key, issueID string) error
}

// ErrTaken says that a key belongs to another issue.
var ErrTaken = errors.New("triage: the key belongs to another issue")

// History is what is written beside issues.
type History interface {
	PutFindings(ctx context.Context, rows []yagura.Filed) ([]yagura.FiledState, error)
	AddEntries(ctx context.Context, entries []yagura.Entry) error
	PutEpisode(ctx context.Context, e yagura.Episode) error
	Episodes(ctx context.Context, issueID string) ([]yagura.Episode, error)
}

// Outbox takes what is owed.
type Outbox interface {
	Owe(ctx context.Context, notices []yagura.Notice) error
}

// Book is one transaction of the store.
type Book interface {
	Issues
	History
	Outbox
	// SeenChange reports whether a change is new.
	SeenChange(ctx context.Context, via, id string, now time.Time) (bool, error)
	// NoteCounter notes that the counter-event of a cause key happened at a time.
	NoteCounter(ctx context.Context, causeKey string, when time.Time) error
	// LastCounter returns the event time of the last counter-event of a cause key, zero for
	// none, and holds the key until the transaction ends: of two that file a cause and its
	// counter-event at the same moment the second knows of the first.
	LastCounter(ctx context.Context, causeKey string) (time.Time, error)
}

// Desk judges findings and keeps the issues. Its methods run inside a transaction of the
// caller and may run again; between them they keep nothing but the counters of a storm.
type Desk struct {
	// Policy returns the policy that holds now; Account what the registry knows.
	Policy  func() *Policy
	Account func(id string) yagura.AccountInfo
	// Counter reports whether a rule is one that resolves another, so that its findings
	// are counter-events.
	Counter func(ruleID string) bool
	// Routes turns the words of a policy into names of sinks.
	Routes func(words []string) []string
	// Japanese is the Japanese title of a rule.
	Japanese func(ref yagura.RuleRef) string
	// Runbook is that of a rule, nil for none.
	Runbook func(ref yagura.RuleRef) *yagura.Runbook
	// Usual finds out how usual the values of findings are, in some dimensions, and writes it
	// into them; nil: nobody knows. It comes back soon, see [Desk.Learn].
	Usual func(ctx context.Context, cases []*Found, of []string)
	Now   func() time.Time
	NewID func() string
	// Stopped is told of a judgement in which a stage panicked; nil: nobody is.
	Stopped func(part, why string)
	Tenant  string
	// StormLimit is how many new issues a minute are told one by one; 0, or no function, means
	// 60.
	StormLimit func() int

	mu    sync.Mutex
	storm storm
}

// Found is one finding to judge, with the record it is about where there is one.
type Found struct {
	Finding    yagura.Finding
	Event      []byte
	Generation string
	// Avoid is a sink that is not told: the one that the finding is about.
	Avoid string
	// Quiet says that nobody is told: the finding is about the past.
	Quiet bool
	// Alert says that the finding is a vendor's own. Its source closes the issue, whatever
	// its kind: Resolved says that it holds the thing to be over. Such a finding opens
	// nothing, and a later one that is not resolved opens the same issue again.
	Alert    bool
	Resolved bool
}

// Taken says what Take did.
type Taken struct {
	Fresh   int      // findings that were not there before
	Issues  []string // ids of the issues that were opened, re-opened or rose
	Notices int
}

// judged is a case with its judgement and its cause.
type judged struct {
	c       *Found
	j       Judgement
	key     string
	also    []string // further keys of the cause, by which a counter-event may name it
	account yagura.AccountInfo
	counter bool
	loose   bool // of no issue: only counted
	state   yagura.FiledState
}

// idle reports whether a finding changes nothing.
func (x *judged) idle() bool { return x.loose && !x.counter || x.state == yagura.FiledKnown }

// Take judges findings and brings their issues up to date. It is to be given all findings
// of the transaction at once, because it locks issues in the order of their keys. After
// [ErrUpgrade] the transaction is run again with force.
func (d *Desk) Take(ctx context.Context, b Book, cases []Found, force bool) (Taken, error) {
	var out Taken
	if len(cases) == 0 {
		return out, nil
	}
	now := d.Now()
	list, err := d.judge(ctx, b, cases, now)
	if err != nil {
		return out, err
	}
	// Findings are written before issues are locked: whoever meets the same finding waits
	// there, and holds no issue. Ids of issues never change, so they are known without a lock.
	issues, err := b.IssuesByCause(ctx, causes(list), yagura.LockNone)
	if err != nil {
		return out, err
	}
	turns := map[string]*turn{} // by cause key
	filed := make([]yagura.Filed, len(list))
	ids := map[string]string{} // of issues that are not there yet, by cause key
	for i := range list {
		x := &list[i]
		filed[i] = yagura.Filed{Finding: x.c.Finding, Severity: x.j.Severity, Suppressed: x.j.SuppressUntil.After(now), Generation: x.c.Generation, Seen: now}
		for _, c := range x.j.Clauses {
			filed[i].Clauses = append(filed[i].Clauses, explain(c))
		}
		if x.loose {
			continue
		}
		switch is := issues[x.key]; {
		case is != nil:
			filed[i].IssueID, filed[i].Episode = is.ID, is.Episode
		case !x.counter:
			if ids[x.key] == "" {
				ids[x.key] = d.NewID()
			}
			filed[i].IssueID, filed[i].Episode = ids[x.key], 1
		}
	}
	states, err := b.PutFindings(ctx, filed)
	if err != nil {
		return out, err
	}
	for i := range list {
		list[i].state = states[i]
	}
	noted, err := counters(ctx, b, list, issues)
	if err != nil {
		return out, err
	}
	if issues, err = d.lockIssues(ctx, b, list, issues, now, force); err != nil {
		return out, err
	}
	for key := range ids {
		if issues[key] != nil {
			return out, ErrUpgrade // somebody else opened it meanwhile
		}
	}
	var order []string
	for i := range list {
		x := &list[i]
		if is := issues[x.key]; is != nil && is.CauseKey != x.key { // another name, which it got meanwhile
			x.key, issues[is.CauseKey] = is.CauseKey, is
		}
		if states[i] == yagura.FiledNew {
			out.Fresh++
		}
		if x.idle() {
			continue
		}
		t, err := d.step(ctx, b, turns[x.key], issues[x.key], ids[x.key], x, noted, now)
		if err != nil {
			return out, err
		}
		if t != nil {
			t.aliases = append(t.aliases, x.also...)
		}
		if t != nil && turns[x.key] == nil {
			turns[x.key] = t
			order = append(order, x.key)
		}
	}
	slices.Sort(order)
	all := make([]*turn, len(order))
	for i, key := range order {
		all[i] = turns[key]
	}
	if err := d.calm(ctx, b, all, now); err != nil {
		return out, err
	}
	for _, t := range all {
		t.settle()
		if t.changed && (t.is.Opened.Equal(now) || len(t.notices) > 0) {
			out.Issues = append(out.Issues, t.is.ID)
		}
		out.Notices += len(t.notices)
	}
	return out, write(ctx, b, all)
}

// step applies one finding to the turn of its cause.
func (d *Desk) step(ctx context.Context, b Book, t *turn, is *yagura.Issue, id string, x *judged, noted map[string]time.Time, now time.Time) (*turn, error) {
	state := x.state
	f := &finding{f: &x.c.Finding, j: x.j, account: x.account, tellJust: state == yagura.FiledChanged}
	if d.Japanese != nil {
		f.titleJA = d.Japanese(f.f.Rule)
	}
	known := is
	if t != nil {
		known = t.is
	}
	if d.Runbook != nil && (known == nil || !namedBy(known, f.f)) {
		f.runbook = d.Runbook(f.f.Rule)
	}
	if t == nil && is != nil {
		t = &turn{now: now, newID: d.NewID, who: "yagura", is: is}
	}
	if x.counter && !f.f.Time.IsZero() {
		if err := b.NoteCounter(ctx, x.key, f.f.Time); err != nil {
			return nil, err
		}
		if f.f.Time.After(noted[x.key]) {
			noted[x.key] = f.f.Time
		}
	}
	// What undid it may have come before it.
	var fixed time.Time
	if !x.counter && (f.f.Kind == yagura.Posture || x.c.Alert) {
		for _, key := range append(x.also, x.key) {
			if when := noted[key]; when.After(f.f.Time) && when.After(fixed) {
				fixed = when
			}
		}
	}
	if t != nil && t.is.Status == yagura.StatusClosed && fixed.After(t.is.Fixed) {
		t.is.Fixed, t.changed = fixed, true
	}
	switch {
	case x.counter && t == nil:
		return nil, nil // nothing was open
	case x.counter:
		episodes, err := b.Episodes(ctx, t.is.ID)
		if err != nil {
			return nil, err
		}
		t.counter(f.f, recentEpisodes(episodes, now), x.c.Resolved)
	case t == nil:
		t = born(now, d.idOnce(id), x.key, f)
		t.newID = d.NewID
		t.count(f.f)
	case state == yagura.FiledChanged:
		t.grown(f)
	case t.changed || !quiet(t.is, f, now):
		t.more(f)
	default:
		t.count(f.f)
	}
	if !fixed.IsZero() && t.is.Status != yagura.StatusClosed && !fixed.Before(t.lastSeen()) {
		t.is.Fixed, t.changed = fixed, true
		switch {
		case t.is.Flapping: // held open
		case x.c.Alert:
			t.close(yagura.ClosedBySource, "yagura", "its source had resolved it before it was known here")
		default:
			t.close(yagura.ClosedFixed, "yagura", "it was undone before it was known here")
		}
	}
	return t, nil
}

// idOnce gives id first, and new ids afterwards.
func (d *Desk) idOnce(id string) func() string {
	return func() string {
		if id != "" {
			first := id
			id = ""
			return first
		}
		return d.NewID()
	}
}

// grown takes the finding of a window that has more events than before: it is no further
// finding, but its severity and words may differ.
func (t *turn) grown(x *finding) {
	t.judged(x)
	t.changed = true
	if x.f.Time.After(t.is.LastSeen) {
		t.counted.IssueID = t.is.ID
		t.counted.First, t.counted.Last = x.f.Time, x.f.Time
	}
	if t.is.Status != yagura.StatusClosed && x.j.Severity > t.is.Severity {
		t.rise(x.j.Severity, decisive(x.j), x)
	}
}

// ErrUpgrade says that rows which were only shared have to be changed after all: the
// transaction is to be run again with force set.
var ErrUpgrade = errors.New("triage: an issue changed meanwhile")

// lockIssues locks the issues of all causes. When all of them only count on they are shared,
// so that many writers of one hot cause do not wait for each other; else they are held for
// change. All locks of a transaction are taken at once and in one order, so nobody waits
// in a circle.
func (d *Desk) lockIssues(ctx context.Context, b Book, list []judged, seen map[string]*yagura.Issue, now time.Time, force bool) (map[string]*yagura.Issue, error) {
	var work []judged
	for i := range list {
		if !list[i].idle() {
			work = append(work, list[i])
		}
	}
	if len(work) == 0 {
		return nil, nil
	}
	lock := yagura.LockChange
	if !force && allQuiet(work, seen, now) {
		lock = yagura.LockShare
	}
	issues, err := b.IssuesByCause(ctx, causes(work), lock)
	if err == nil && lock == yagura.LockShare && !allQuiet(work, issues, now) {
		err = ErrUpgrade
	}
	return issues, err
}

func allQuiet(list []judged, issues map[string]*yagura.Issue, now time.Time) bool {
	for i := range list {
		x := &list[i]
		if x.counter && issues[x.key] != nil || len(x.also) > 0 || !x.counter && !quiet(issues[x.key], &finding{f: &x.c.Finding, j: x.j}, now) {
			return false
		}
	}
	return true
}

// write puts everything that the turns made into the transaction.
func write(ctx context.Context, b Book, turns []*turn) error {
	var entries []yagura.Entry
	var notices []yagura.Notice
	var counts []yagura.Count
	for _, t := range turns {
		if t.changed {
			if err := b.PutIssue(ctx, t.is); err != nil {
				return err
			}
		}
		for _, key := range t.aliases {
			if err := b.PutAlias(ctx, key, t.is.ID); err != nil && !errors.Is(err, ErrTaken) {
				return err
			}
		}
		if t.episode != nil {
			if err := b.PutEpisode(ctx, *t.episode); err != nil {
				return err
			}
		}
		entries = append(entries, t.entries...)
		notices = append(notices, t.notices...)
		if t.counted.IssueID != "" {
			counts = append(counts, t.counted)
		}
	}
	if len(entries) > 0 {
		if err := b.AddEntries(ctx, entries); err != nil {
			return err
		}
	}
	if len(counts) > 0 {
		if err := b.AddCounts(ctx, counts); err != nil {
			return err
		}
	}
	if len(notices) > 0 {
		return b.Owe(ctx, notices)
	}
	return nil
}
