package triage

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// The bounds of an issue's life.
const (
	// updateEvery is how often at most sinks hear that an issue goes on as before.
	updateEvery = 15 * time.Minute
	// storied is how many findings of an episode have an entry of their own in the timeline;
	// beyond it every doubling has one.
	storied = 100
	// flapEpisodes within flapWithin make an issue flap: it is held open.
	flapEpisodes = 3
	flapWithin   = 24 * time.Hour
	// settleFlap is how long a flapping posture has to stay fixed before it is closed.
	settleFlap = 6 * time.Hour
	// maxIssueEntities bounds who and what an issue names.
	maxIssueEntities = 200
)

// turn is what one transaction does to one issue: the issue as it becomes, and what
// has to be written beside it.
type turn struct {
	now     time.Time
	newID   func() string
	who     string
	is      *yagura.Issue
	changed bool // the issue's row has to be written
	entries []yagura.Entry
	notices []yagura.Notice
	episode *yagura.Episode // to be written
	counted yagura.Count
	aliases []string // further keys of the cause
}

func (t *turn) entry(kind yagura.EntryKind, text string) *yagura.Entry {
	t.entries = append(t.entries, yagura.Entry{IssueID: t.is.ID, At: t.now, Who: t.who, What: kind, Text: text})
	return &t.entries[len(t.entries)-1]
}

func (t *turn) findingEntry(kind yagura.EntryKind, text string, f *yagura.Finding) {
	e := t.entry(kind, text)
	e.EventTime, e.FindingID, e.Rule = f.Time, f.ID, f.Rule.Title
}

// ownership of notices is given at the end of the turn, when the issue is as it will be.
type owed struct {
	op      yagura.Op
	sinks   []string
	finding *yagura.Finding
	entry   *yagura.Entry
	to      string
}

// owe makes the notices of an operation for sinks. The issue is filled in by settle.
func (t *turn) owe(o owed) {
	for _, sink := range o.sinks {
		n := yagura.Notice{ID: t.newID(), IssueID: t.is.ID, Sink: sink, Op: o.op, Created: t.now, Finding: o.finding, To: o.to}
		if o.entry != nil {
			e := *o.entry
			n.Entry = &e
		}
		t.notices = append(t.notices, n)
	}
}

// settle ends the turn: every notice carries the issue as it is now.
func (t *turn) settle() {
	if !t.changed {
		return
	}
	t.is.Version++
	t.is.Updated = t.now
	for i := range t.notices {
		is := *t.is
		t.notices[i].Issue = &is
	}
}

// muted reports whether nobody is to be told of the issue at the moment.
func (t *turn) muted() bool {
	return t.is.Umbrella != "" || t.is.SuppressedUntil.After(t.now)
}

// finding is one judged finding of this issue's cause.
type finding struct {
	f        *yagura.Finding
	j        Judgement
	titleJA  string
	runbook  *yagura.Runbook // of an issue that this finding may give its name
	account  yagura.AccountInfo
	tellJust bool // it changed what is already filed (a window grew)
}

// born makes the issue of a new cause.
func born(now time.Time, newID func() string, key string, x *finding) *turn {
	f := x.f
	is := &yagura.Issue{V: 1, ID: newID(), CauseKey: key, Kind: f.Kind, Title: title(f), TitleJA: x.titleJA, Runbook: x.runbook, Rule: f.Rule, Format: f.Format,
		Severity: x.j.Severity, SeverityOriginal: f.SeverityOriginal, Status: yagura.StatusOpen, Episode: 1, Opened: now, Updated: now,
		FirstSeen: f.Time, LastSeen: f.Time, Account: f.Event.Account, AccountInfo: x.account, Actor: f.Event.Actor}
	t := &turn{now: now, newID: newID, who: "yagura", is: is, changed: true}
	t.episode = &yagura.Episode{IssueID: is.ID, N: 1, Opened: now}
	t.judged(x)
	t.findingEntry(yagura.EntryOpened, f.Output, f)
	t.tell(yagura.OpOpen, x)
	t.ask(x)
	return t
}

func title(f *yagura.Finding) string {
	if f.Rule.Title != "" {
		return f.Rule.Title
	}
	return f.Rule.ID
}

// judged takes over what the policy says, all but the severity.
func (t *turn) judged(x *finding) {
	is := t.is
	f := *x.f
	is.Latest = &f
	is.AccountInfo = x.account
	is.Explained = is.Explained[:0:0]
	for _, d := range x.j.Clauses {
		is.Explained = append(is.Explained, explain(d))
	}
	for _, e := range x.f.Entities {
		if len(is.Entities) < maxIssueEntities && !slices.Contains(is.Entities, e) {
			is.Entities = append(is.Entities, e)
		}
	}
	if is.Entities == nil {
		is.Entities = []yagura.Entity{}
	}
	for _, l := range x.j.Labels {
		if !slices.Contains(is.Labels, l) {
			is.Labels = append(is.Labels, l)
		}
	}
	if is.Assignee == "" {
		is.Assignee = x.j.Assignee
	}
	for _, r := range x.j.Routes {
		if !slices.Contains(is.Routes, r) {
			is.Routes = append(is.Routes, r)
		}
	}
	if until := x.j.SuppressUntil; until.After(t.now) && !t.is.SuppressedUntil.Equal(until) {
		is.SuppressedUntil, is.SuppressReason = until, x.j.SuppressReason
		t.entry(yagura.EntrySuppressed, fmt.Sprintf("suppressed until %s: %s", until.UTC().Format(time.RFC3339), x.j.SuppressReason))
	}
}

// tell owes op to all sinks that know the issue, and an opening to those that are new.
func (t *turn) tell(op yagura.Op, x *finding) {
	if t.muted() {
		return
	}
	var f *yagura.Finding
	if x != nil {
		f = x.f
	}
	is := t.is
	fresh := slices.DeleteFunc(slices.Clone(is.Routes), func(s string) bool { return slices.Contains(is.Told, s) })
	if op != yagura.OpOpen {
		if is.ToldClosed && is.Status != yagura.StatusClosed {
			op = yagura.OpReopen // it was opened again while nobody was to be told
			is.ToldClosed = false
		}
		t.owe(owed{op: op, sinks: is.Told, finding: f})
	}
	if len(fresh) > 0 && is.Status != yagura.StatusClosed {
		t.owe(owed{op: yagura.OpOpen, sinks: fresh, finding: f})
		is.Told = append(slices.Clone(is.Told), fresh...)
	}
	is.Announced = is.Severity
}

// quiet reports whether a finding changes nothing but the counts of the issue: then its
// row needs not be locked, which keeps a hot cause fast.
func quiet(is *yagura.Issue, x *finding, now time.Time) bool {
	if is == nil || is.Status == yagura.StatusClosed || x.tellJust {
		return false
	}
	suppress := x.j.SuppressUntil.After(now) && !x.j.SuppressUntil.Equal(is.SuppressedUntil)
	news := slices.ContainsFunc(x.j.Routes, func(r string) bool { return !slices.Contains(is.Routes, r) }) ||
		slices.ContainsFunc(x.j.Labels, func(l string) bool { return !slices.Contains(is.Labels, l) })
	return x.j.Severity <= is.Severity && !lowers(is, x.j) && !suppress && !news && !storyPoint(is.Count, 1) && now.Sub(is.Updated) < updateEvery
}

// storyPoint reports whether the count passes a number that is worth an entry, when n
// findings are added to a count.
func storyPoint(count, n uint64) bool {
	if count < storied {
		return true
	}
	return bits.Len64(count) != bits.Len64(count+n)
}

// more takes a further finding of the cause.
func (t *turn) more(x *finding) {
	is, f := t.is, x.f
	t.count(f)
	if is.Status == yagura.StatusClosed {
		if old := late(is, f); old != "" {
			t.changed = true
			t.findingEntry(yagura.EntryFinding, fmt.Sprintf("%s (%s)", f.Output, old), f)
			return
		}
		t.reopen(x)
		return
	}
	told := storyPoint(is.Count+t.counted.Findings-1, 1)
	if told {
		t.findingEntry(yagura.EntryFinding, f.Output, f)
	}
	was := is.Severity
	routes := len(is.Routes)
	t.judged(x)
	t.changed = true
	switch {
	case x.j.Severity > was:
		t.name(x)
		t.rise(x.j.Severity, decisive(x.j), x)
	case lowers(is, x.j):
		t.lower(x.j)
		t.tell(yagura.OpUpdate, x)
	case len(is.Routes) > routes, told && t.now.Sub(is.Updated) >= time.Minute, t.now.Sub(is.Updated) >= updateEvery:
		t.tell(yagura.OpUpdate, x)
	}
}

// decisive is the last thing that a policy decided about the severity, for people; where it
// decided nothing about it, the last of all.
func decisive(j Judgement) string {
	if len(j.Clauses) == 0 {
		return ""
	}
	for _, d := range slices.Backward(j.Clauses) {
		if d.Stage == "policy" && strings.HasPrefix(d.Text, "severity ") {
			return explain(d)
		}
	}
	return explain(j.Clauses[len(j.Clauses)-1])
}

// explain writes a decision for people.
func explain(d Decision) string {
	if d.Clause == "" {
		return d.Text
	}
	return d.Clause + ": " + d.Text
}

// late says why a finding of a closed issue re-opens nothing, "" when it does.
func late(is *yagura.Issue, f *yagura.Finding) string {
	switch {
	case f.Time.IsZero():
		return ""
	case f.Time.Before(is.Fixed): // of the same second is what comes behind it
		return "it happened before the fix and came late"
	case !is.Known.IsZero() && !f.Time.After(is.Known):
		return "it happened before the issue was closed and came late"
	}
	return ""
}

func (t *turn) count(f *yagura.Finding) {
	c := &t.counted
	c.IssueID = t.is.ID
	c.Findings++
	if !f.Time.IsZero() {
		if c.First.IsZero() || f.Time.Before(c.First) {
			c.First = f.Time
		}
		if f.Time.After(c.Last) {
			c.Last = f.Time
		}
	}
}

// rise lifts the severity; people are told when it is above what they know.
func (t *turn) rise(to yagura.Severity, why string, x *finding) {
	is := t.is
	t.entry(yagura.EntrySeverity, reasoned(fmt.Sprintf("severity %s → %s", is.Severity, to), why))
	is.Severity = to
	t.changed = true
	t.alone()
	if is.SuppressedUntil.After(t.now) && is.Announced != 0 && to > is.Announced {
		is.SuppressedUntil, is.SuppressReason = time.Time{}, ""
		t.entry(yagura.EntrySuppressed, "no longer suppressed: the severity rose above what was known")
	}
	t.tell(yagura.OpRise, x)
}

// name calls the issue after the rule of the finding that its severity is from: several
// rules may share a cause, a request and its grant.
func (t *turn) name(x *finding) {
	is := t.is
	if namedBy(is, x.f) {
		return
	}
	is.Rule, is.Title, is.TitleJA, is.Runbook = x.f.Rule, title(x.f), x.titleJA, x.runbook
	t.changed = true
}

// namedBy reports whether an issue is called after the rule of a finding.
func namedBy(is *yagura.Issue, f *yagura.Finding) bool {
	return is.Rule.ID == f.Rule.ID && is.Rule.Title == f.Rule.Title
}

// alone takes the issue from under its umbrella, which does not tell of what happens now.
func (t *turn) alone() {
	if t.is.Umbrella != "" {
		t.is.Umbrella = ""
		t.entry(yagura.EntryStorm, "told of by itself from now on")
	}
}

// confirmed is the label of an issue about which the person concerned said: that was me.
const confirmed = "answered:yes"

// lowers reports whether a policy lowers an issue: only after the person concerned said yes,
// and never what is high or critical.
func lowers(is *yagura.Issue, j Judgement) bool {
	return j.Severity < is.Severity && is.Severity <= yagura.SeverityMedium && slices.Contains(is.Labels, confirmed)
}

// lower takes the severity down where the policy may. Whoever knows the issue is told by the
// update that the answer owes.
func (t *turn) lower(j Judgement) {
	if is := t.is; is.Status != yagura.StatusClosed && lowers(is, j) {
		t.entry(yagura.EntrySeverity, reasoned(fmt.Sprintf("severity %s → %s", is.Severity, j.Severity), decisive(j)))
		is.Severity, is.Announced, t.changed = j.Severity, min(is.Announced, j.Severity), true
	}
}

func reasoned(text, why string) string {
	if why == "" {
		return text
	}
	return text + ": " + why
}

// reopen begins the next episode of the same issue.
func (t *turn) reopen(x *finding) {
	is := t.is
	t.begin(is.Episode + 1)
	t.name(x)
	is.Severity = x.j.Severity
	t.judged(x)
	t.findingEntry(yagura.EntryReopened, x.f.Output, x.f)
	t.tell(yagura.OpReopen, x)
	t.ask(x)
}

// ask owes the question "was this you?" to the person whom the policy names. Sinks that
// cannot ask anybody say so.
func (t *turn) ask(x *finding) {
	if x.j.Ask != "" && !t.muted() {
		t.owe(owed{op: yagura.OpAsk, sinks: t.is.Told, finding: x.f, to: x.j.Ask})
	}
}

// begin opens episode n.
func (t *turn) begin(n int) {
	is := t.is
	is.Status, is.Episode, is.Opened = yagura.StatusOpen, n, t.now
	is.Closed, is.CloseReason, is.Acked, is.Fixed, is.Known = time.Time{}, "", time.Time{}, time.Time{}, time.Time{}
	is.Conclusion = yagura.ConcludedNothing
	t.changed = true
	t.alone()
	t.episode = &yagura.Episode{IssueID: is.ID, N: n, Opened: t.now}
}

// counter takes the counter-event: a finding of the rule that resolves this issue's, with
// the identical cause key; or, bySource, the vendor's word that its own alert is over, which
// ends a behaviour too. Recent are the episodes that began within [flapWithin].
func (t *turn) counter(f *yagura.Finding, recent int, bySource bool) {
	is := t.is
	t.changed = true
	switch {
	case is.Kind != yagura.Posture && !bySource:
		t.findingEntry(yagura.EntryCounter, f.Output+" (a behaviour stays open until a person closes it)", f)
		if is.Status != yagura.StatusClosed {
			t.tell(yagura.OpUpdate, nil)
		}
		return
	case !f.Time.IsZero() && f.Time.Before(t.lastSeen()):
		t.findingEntry(yagura.EntryCounter, f.Output+" (it happened before the latest finding and came late)", f)
		return
	case is.Status == yagura.StatusClosed:
		t.findingEntry(yagura.EntryCounter, f.Output, f)
		if f.Time.After(is.Fixed) {
			is.Fixed = f.Time
		}
		return
	}
	is.Fixed = f.Time
	if recent > flapEpisodes && is.Kind == yagura.Posture {
		t.findingEntry(yagura.EntryCounter, f.Output, f)
		t.flap(recent, "")
		return
	}
	t.findingEntry(yagura.EntryCounter, f.Output, f)
	if bySource {
		t.close(yagura.ClosedBySource, "yagura", "its source resolved it")
		return
	}
	t.close(yagura.ClosedFixed, "yagura", "the counter-event was seen: "+f.Rule.Title)
}

// lastSeen is the time of the latest finding, those of this turn included.
func (t *turn) lastSeen() time.Time {
	if t.counted.Last.After(t.is.LastSeen) {
		return t.counted.Last
	}
	return t.is.LastSeen
}

// close ends the episode.
func (t *turn) close(reason yagura.CloseReason, by, why string) {
	is := t.is
	if is.Status == yagura.StatusClosed {
		return
	}
	is.Status, is.Closed, is.CloseReason, is.Known = yagura.StatusClosed, t.now, reason, t.lastSeen()
	if reason == yagura.ClosedFixed {
		is.Known = time.Time{} // Fixed says it better
		if is.Fixed.IsZero() {
			is.Fixed = t.now
		}
	}
	t.changed = true
	t.entry(yagura.EntryClosed, why)
	t.episode = &yagura.Episode{IssueID: is.ID, N: is.Episode, Opened: is.Opened, Acked: is.Acked, Closed: t.now, CloseReason: reason, ClosedBy: by}
	t.tellAlways(yagura.OpClose)
}

// tellAlways owes op to the sinks that know the issue, muted or not: what they show must
// not stay open for good.
func (t *turn) tellAlways(op yagura.Op) {
	t.owe(owed{op: op, sinks: t.is.Told})
	t.is.ToldClosed = t.is.ToldClosed || op == yagura.OpClose && len(t.is.Told) > 0
}
