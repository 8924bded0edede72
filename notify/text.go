package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// Text is a notice in words: every piece that sinks show, in the sink's language, on plain
// lines, with secrets masked and hidden characters written out, and bounded in length. It
// is not escaped for any sink: GitHub's Markdown, Slack's blocks and plain text do that and
// lay it out, which is all that is left to them. Strings are "" and lists empty where the
// notice says nothing.
type Text struct {
	Lang     Lang
	Words    *Vocabulary
	Op       string // "open", "close" …: what [yagura.Op] says
	NoticeID string
	IssueID  string

	Headline string // "[High] Port open to the internet"
	Title    string // one line
	Lead     string // what this notice says, in a few words: "Severity rose from medium to high"

	Level            string // "high", in English in every language: to compare with
	Severity         string // "High", "高"
	SeverityOriginal string // as the rule wrote it
	Kind             string // "posture" or "behaviour", as a word

	What     string // what happened; may have several lines
	Facts    []Fact // what, who, where, when, how often, in the order of reading
	Why      []Clause
	WhyMore  int // clauses that were left out
	Entities []Named
	// EntitiesMore counts entities that were left out.
	EntitiesMore int
	Caps         []string // bounds that cut the finding short

	// Check and Do are the runbook of the rule, in the language of the text.
	Check, Do []string

	Status      string
	Open        bool // open or acknowledged
	Conclusion  string
	CloseReason string
	Episode     int
	Count       uint64
	Flapping    bool
	Suppressed  string // until when, "" for not at all

	Account     string // "123456789012 (payments-production)"
	Owner       string
	Environment string
	Region      string
	Assignee    string
	Labels      []string

	RuleTitle  string
	RuleID     string
	Techniques []string // "T1562.008"

	Entry   string // the timeline line: when, who, what
	Comment string // the text of a comment, digest or test; may have several lines
	To      string // of an ask
	Links   []yagura.Link
	Updated string // when the notice was made
}

// Fact is one thing to know, with its label.
type Fact struct {
	Key   string // stable: "who", "where" …
	Label string
	Value string // one line
	Code  bool   // an identifier: monospace where the sink can
}

// Clause is one clause of the rule that held.
type Clause struct {
	Field, Op, Value, Actual string
}

// Named is an entity with the word for its type.
type Named struct {
	Type, Label, ID string
}

// The bounds of a text. What is cut says so.
const (
	maxTitle    = 200   // runes
	maxValue    = 500   // runes of a fact, an entity, a side of a clause
	maxWhat     = 2000  // runes
	maxComment  = 20000 // runes
	maxClauses  = 30
	maxEntities = 30
	maxLabels   = 40
	maxLinks    = 20
)

// TextOptions say how a text is made.
type TextOptions struct {
	Lang Lang
	Zone *time.Location // of times; nil is UTC
}

// maker makes the pieces of one text.
type maker struct {
	v    *Vocabulary
	zone *time.Location
}

// NewText makes the text of a notice.
func NewText(n *yagura.Notice, o TextOptions) *Text {
	m := maker{v: Words(o.Lang), zone: o.Zone}
	if o.Lang != Japanese {
		o.Lang = English
	}
	if m.zone == nil {
		m.zone = time.UTC
	}
	t := &Text{Lang: o.Lang, Words: m.v, Op: string(n.Op), NoticeID: n.ID, IssueID: n.IssueID,
		Comment: m.block(n.Text, maxComment), To: m.line(n.To, maxValue), Updated: m.time(n.Created)}
	f := n.Finding
	if i := n.Issue; i != nil {
		if f == nil {
			f = i.Latest
		}
		m.issue(t, i)
	}
	if f != nil {
		m.finding(t, f)
	}
	if n.Entry != nil {
		t.Entry = m.entry(n.Entry)
		if t.Comment == "" && (n.Op == yagura.OpComment || n.Op == yagura.OpAsk) {
			t.Comment = m.block(m.v.entryText(n.Entry), maxComment)
		}
	}
	m.facts(t, n, f)
	t.Lead = m.lead(n)
	if t.Title == "" {
		t.Title = t.Lead
	}
	t.Headline = t.Title
	if t.Severity != "" {
		t.Headline = "[" + t.Severity + "] " + t.Title
	}
	return t
}

// EntryLine writes one line of a timeline: when, who, what.
func EntryLine(e *yagura.Entry, o TextOptions) string {
	m := maker{v: Words(o.Lang), zone: o.Zone}
	if m.zone == nil {
		m.zone = time.UTC
	}
	return m.entry(e)
}

// line makes a text of somebody else fit for one line.
func (m maker) line(s string, n int) string { return m.v.Cut(Line(Mask(s)), n) }

// block makes a text of somebody else fit for several lines.
func (m maker) block(s string, n int) string {
	return m.v.Cut(strings.Trim(Visible(Mask(s)), "\n"), n)
}

func (m maker) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(m.zone).Format("2006-01-02 15:04:05 MST")
}

func (m maker) issue(t *Text, i *yagura.Issue) {
	t.IssueID = i.ID
	title := i.Title
	if m.v == &japanese && i.TitleJA != "" {
		title = i.TitleJA
	}
	t.Title = m.line(title, maxTitle)
	t.Level, t.Severity = i.Severity.String(), m.v.SeverityWord(i.Severity)
	t.SeverityOriginal = m.line(i.SeverityOriginal, 40)
	t.Kind = or(m.v.kinds[i.Kind], m.line(string(i.Kind), 40))
	t.Status, t.Open = m.v.StatusWord(i.Status), i.Status != yagura.StatusClosed
	t.Conclusion, t.CloseReason = m.v.ConclusionWord(i.Conclusion), m.v.ReasonWord(i.CloseReason)
	t.Episode, t.Count, t.Flapping = i.Episode, i.Count, i.Flapping
	t.Suppressed = m.time(i.SuppressedUntil)
	t.Account = m.account(i.Account, i.AccountInfo.Name)
	t.Owner, t.Environment = m.line(i.AccountInfo.Owner, maxValue), m.line(i.AccountInfo.Environment, maxValue)
	t.Assignee = m.line(i.Assignee, maxValue)
	for _, l := range i.Labels[:min(len(i.Labels), maxLabels)] {
		t.Labels = append(t.Labels, m.line(l, 100))
	}
	for _, l := range i.Links[:min(len(i.Links), maxLinks)] {
		t.Links = append(t.Links, yagura.Link{Title: m.line(or(l.Title, l.URL), maxTitle), URL: Line(Mask(l.URL))})
	}
	check, do := i.Runbook.In(m.v == &japanese)
	t.Check, t.Do = m.steps(check), m.steps(do)
	m.rule(t, i.Rule)
	m.entities(t, i.Entities)
}

// maxSteps bounds the sentences of a runbook.
const maxSteps = 12

func (m maker) steps(list []string) (out []string) {
	for _, s := range list[:min(len(list), maxSteps)] {
		out = append(out, m.line(s, maxValue))
	}
	return out
}

func (m maker) account(id, name string) string {
	id, name = m.line(id, maxValue), m.line(name, maxValue)
	if name == "" || name == id {
		return id
	}
	if id == "" {
		return name
	}
	return id + " (" + name + ")"
}

func (m maker) rule(t *Text, r yagura.RuleRef) {
	t.RuleTitle, t.RuleID = m.line(r.Title, maxTitle), m.line(r.ID, maxTitle)
	t.Techniques = Techniques(r.Tags)
}

func (m maker) entities(t *Text, all []yagura.Entity) {
	for k, e := range all {
		if k == maxEntities {
			t.EntitiesMore = len(all) - k
			break
		}
		t.Entities = append(t.Entities, Named{Type: m.line(e.Type, 40), Label: m.line(m.v.EntityWord(e.Type), 40), ID: m.line(e.ID, maxValue)})
	}
}

func (m maker) finding(t *Text, f *yagura.Finding) {
	t.What = m.block(f.Output, maxWhat)
	if m.v == &japanese && f.Output == f.Rule.Title && t.Title != "" {
		t.What = t.Title // the rule says no more of it than its name
	}
	t.Region = m.line(f.Event.Region, 100)
	if t.Title == "" {
		t.Title = m.line(f.Rule.Title, maxTitle)
		t.Level, t.Severity = f.Severity.String(), m.v.SeverityWord(f.Severity)
		m.rule(t, f.Rule)
		m.entities(t, f.Entities)
		t.Account = m.line(f.Event.Account, maxValue)
	}
	for k, w := range f.Why {
		if k == maxClauses {
			t.WhyMore = len(f.Why) - k
			break
		}
		t.Why = append(t.Why, Clause{Field: m.line(w.Field, maxValue), Op: m.v.OpWord(m.line(w.Op, 40)),
			Value: m.v.Cut(Line(MaskNamed(w.Field, w.Value)), maxValue), Actual: m.v.Cut(Line(MaskNamed(w.Field, w.Actual)), maxValue)})
	}
	for _, c := range f.Caps {
		t.Caps = append(t.Caps, m.line(c, maxValue))
	}
}

// facts lists what a reader wants to know first, in order.
func (m maker) facts(t *Text, n *yagura.Notice, f *yagura.Finding) {
	v := m.v
	add := func(key, label, value string, code bool) {
		if value != "" {
			t.Facts = append(t.Facts, Fact{key, label, value, code})
		}
	}
	add("severity", v.Severity, t.Severity, false)
	add("status", v.Status, m.status(t), false)
	var actor yagura.Actor
	if n.Issue != nil {
		actor = n.Issue.Actor
	}
	if f != nil {
		add("action", v.Action, m.line(f.Event.Action, maxValue), true)
		if f.Event.Actor.ID != "" || f.Event.Actor.Name != "" {
			actor = f.Event.Actor
		}
	}
	who := or(actor.Name, actor.ID)
	if actor.Name != "" && actor.ID != "" && actor.Name != actor.ID {
		who = actor.Name + " (" + actor.ID + ")"
	}
	add("who", v.Who, m.line(who, maxValue), true)
	if actor.SessionOf != actor.ID && actor.SessionOf != actor.Name {
		add("behalf_of", v.BehalfOf, m.line(actor.SessionOf, maxValue), true)
	}
	if f != nil {
		add("from", v.From, m.line(f.Event.SrcIP, maxValue), true)
	}
	add("account", v.Account, t.Account, true)
	add("region", v.Region, t.Region, true)
	if n.Issue != nil {
		add("organisation", v.Organisation, m.line(n.Issue.AccountInfo.Organisation, maxValue), false)
	}
	add("owner", v.Owner, t.Owner, false)
	add("environment", v.Environment, t.Environment, false)
	if f != nil {
		add("outcome", v.Outcome, v.outcomes[f.Event.Outcome], false)
		add("when", v.When, m.time(f.Time), false)
	}
	if i := n.Issue; i != nil {
		if i.Count > 1 {
			add("first_seen", v.FirstSeen, m.time(i.FirstSeen), false)
			add("last_seen", v.LastSeen, m.time(i.LastSeen), false)
			add("count", v.Count, fmt.Sprint(i.Count), false)
		}
		if i.Episode > 1 {
			add("episode", v.Episode, fmt.Sprint(i.Episode), false)
		}
		add("assignee", v.Assignee, t.Assignee, false)
	}
	rule := t.RuleTitle
	if t.RuleID != "" && t.RuleID != rule {
		rule = strings.TrimSpace(rule + " (" + t.RuleID + ")")
	}
	add("rule", v.Rule, rule, false)
	add("techniques", v.Techniques, strings.Join(t.Techniques, ", "), false)
}

func (m maker) status(t *Text) string {
	s := t.Status
	if t.CloseReason != "" && !t.Open {
		s += ", " + t.CloseReason
	}
	if t.Conclusion != "" {
		s += ", " + t.Conclusion
	}
	if t.Flapping {
		s += ". " + m.v.Flapping
	}
	if t.Suppressed != "" {
		s += ". " + fmt.Sprintf(m.v.Suppressed, t.Suppressed)
	}
	return s
}

// lead says in a few words what the notice tells.
func (m maker) lead(n *yagura.Notice) string {
	v, who := m.v, ""
	if n.Entry != nil && n.Entry.Who != "yagura" {
		who = m.line(n.Entry.Who, 100)
	}
	by := func(with, without string) string {
		if who == "" {
			return without
		}
		return fmt.Sprintf(with, who)
	}
	i := n.Issue
	if i == nil {
		i = &yagura.Issue{}
	}
	switch n.Op {
	case yagura.OpOpen:
		if i.Episode > 1 {
			return fmt.Sprintf(v.NewEpisode, i.Episode)
		}
		return v.NewIssue
	case yagura.OpRise:
		if i.Announced != 0 && i.Announced < i.Severity {
			return fmt.Sprintf(v.RoseFrom, v.SeverityWord(i.Announced), v.SeverityWord(i.Severity))
		}
		return fmt.Sprintf(v.Rose, v.SeverityWord(i.Severity))
	case yagura.OpAck:
		return by(v.AckedBy, v.Acked)
	case yagura.OpClose:
		if i.CloseReason == yagura.ClosedByHuman && who != "" {
			return fmt.Sprintf(v.ClosedBy, who)
		}
		return fmt.Sprintf(v.Closed, or(v.ReasonWord(i.CloseReason), v.StatusWord(yagura.StatusClosed)))
	case yagura.OpReopen:
		return fmt.Sprintf(v.Reopened, max(i.Episode, 1))
	case yagura.OpComment:
		return by(v.NoteBy, v.Note)
	case yagura.OpAsk:
		return v.WasThisYou
	case yagura.OpDigest:
		return v.Digest
	case yagura.OpTest:
		return v.Test
	}
	return v.UpdatedIssue
}

// entry writes one line of a timeline.
func (m maker) entry(e *yagura.Entry) string {
	s := m.time(e.At) + " · " + m.line(or(e.Who, "yagura"), 100) + " · " + m.line(m.v.EntryWord(e.What), 40)
	if text := m.line(m.v.entryText(e), maxValue); text != "" {
		s += " · " + text
	}
	if !e.EventTime.IsZero() && !e.EventTime.Equal(e.At) {
		s += " (" + m.time(e.EventTime) + ")"
	}
	return s
}

// Techniques returns the ATT&CK techniques that the tags of a rule name: "attack.t1562.008"
// is T1562.008.
func Techniques(tags []string) []string {
	var out []string
	for _, tag := range tags {
		id, ok := strings.CutPrefix(strings.ToLower(tag), "attack.t")
		if !ok || len(id) != 4 && len(id) != 8 || strings.Trim(id, "0123456789.") != "" || len(id) == 8 && id[4] != '.' || strings.Count(id, ".") != len(id)/8 {
			continue
		}
		if id = "T" + id; !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
