package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

const (
	maxCauses = 10_000
	maxEvents = 5 // native ids shown per cause
	maxWhys   = 20
	maxShown  = 300 // characters of one value
)

// table groups findings by cause and prints them at the end: worst first, and within
// a severity in the order of time, so that an incident reads from top to bottom.
type table struct {
	w       io.Writer
	o       Options
	byCause map[rowKey]*cause
	order   []*cause
	rest    map[rowKey]*cause // beyond the bound: one row per rule
}

// rowKey is what makes a row: a cause, whichever rules find it, or of a rule that is only
// counted its own part. One that resolves another has that one's cause key, and says the
// opposite of it: they are never one row.
type rowKey struct{ cause, rule, file string }

// cause is one row: findings with the same cause key. What it shows is of the worst of
// them, of these of the rule whose cause it is, of these the earliest, so that it does not
// depend on the order in which they come.
type cause struct {
	id          string    // of the finding that is shown
	time        time.Time // and when it happened
	severity    yagura.Severity
	rule        yagura.RuleRef
	mode        string
	joined      int // see [joined]
	shown       bool
	count       int        // of events, each once
	lastKey     yagura.Key // of the event that was counted last
	windows     int        // of findings about several events
	inWindows   int        // the events that these name
	account     string
	actor       string
	target      string // what else makes it a cause of its own
	file        bool   // target is the name of a file
	first, last time.Time
	output      string
	why         []yagura.Why
	caps        []string
	events      []namedEvent // the earliest
	overflow    bool
}

// namedEvent is a native id, and where it stands among those of a cause.
type namedEvent struct {
	time    time.Time
	finding string
	nth     int
	id      string
}

func (e namedEvent) compare(o namedEvent) int {
	return cmp.Or(compareTimes(e.time, o.time), cmp.Compare(e.finding, o.finding), cmp.Compare(e.nth, o.nth))
}

func newTable(w io.Writer, o Options) *table {
	if o.MaxCauses == 0 {
		o.MaxCauses = maxCauses
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	return &table{w: w, o: o, byCause: map[rowKey]*cause{}, rest: map[rowKey]*cause{}}
}

// Write adds one finding to its cause.
func (t *table) Write(it Item) error {
	f := it.Finding
	key := rowKey{cause: f.CauseKey}
	if f.Mode != "" {
		key.rule, key.file = f.Rule.ID, f.Rule.File
	}
	c := t.byCause[key]
	if c == nil {
		if len(t.order) < t.o.MaxCauses {
			c = &cause{}
			t.byCause[key] = c
			t.order = append(t.order, c)
		} else if key = (rowKey{rule: f.Rule.ID, file: f.Rule.File}); t.rest[key] == nil {
			c = &cause{overflow: true}
			t.rest[key] = c
		} else {
			c = t.rest[key]
		}
	}
	if !c.shown || c.before(f) {
		t.show(c, it)
	}
	if !f.Time.IsZero() {
		if c.first.IsZero() || f.Time.Before(c.first) {
			c.first = f.Time
		}
		if f.Time.After(c.last) {
			c.last = f.Time
		}
	}
	if c.take(f) && t.o.Explain {
		c.name(f)
	}
	return nil
}

// take counts what a finding is about, and says whether it is new. An event that two rules
// find is judged once: its findings follow each other, and it is known by the last key.
func (c *cause) take(f *yagura.Finding) bool {
	switch key := f.Event.Key; {
	case len(f.Events) > 1:
		c.windows++
		c.inWindows += len(f.Events)
	case key == (yagura.Key{}): // it is about a file
		c.count++
	case key == c.lastKey:
		return false
	default:
		c.count++
		c.lastKey = key
	}
	return true
}

// number is what a row shows as its count: of the events of the cause, or where it is
// known by windows alone, of these. The events of a window are those that its base rules
// found, and windows may share them.
func (c *cause) number() int {
	if c.count == 0 {
		return c.windows
	}
	return c.count
}

// before says whether f is shown in place of the finding that is.
func (c *cause) before(f *yagura.Finding) bool {
	return cmp.Or(-cmp.Compare(f.Severity, c.severity), joined(f)-c.joined, compareTimes(f.Time, c.time), cmp.Compare(f.ID, c.id)) < 0
}

// joined is 1 for a finding of the cause of another rule than its own.
func joined(f *yagura.Finding) int {
	if strings.Contains(f.CauseKey, " "+f.Rule.ID) {
		return 0
	}
	return 1
}

// show makes a finding the one that its row shows.
func (t *table) show(c *cause, it Item) {
	f := it.Finding
	c.shown = true
	c.id, c.time, c.severity, c.rule, c.mode, c.joined = f.ID, f.Time, f.Severity, f.Rule, f.Mode, joined(f)
	if !c.overflow {
		c.account, c.actor, c.target = keep(f.Event.Account), keep(actorOf(f)), keep(target(f))
		if t.o.Account != nil {
			if name := t.o.Account(c.account); name != "" {
				c.account = name
			}
		}
		if f.Rule.Engine == yagura.EngineBuiltin {
			c.target = keep(f.Event.ID)
			if c.target == "" { // it is about a file, and there is no event to name
				c.target, c.file = it.File, true
			}
		}
	}
	if t.o.Explain {
		c.output, c.caps, c.why = keep(f.Output), f.Caps, c.why[:0]
		for _, y := range f.Why[:min(len(f.Why), maxWhys)] {
			y.Value, y.Actual = keep(y.Value), keep(y.Actual)
			c.why = append(c.why, y)
		}
	}
}

// name takes the events of a finding among those that a row names.
func (c *cause) name(f *yagura.Finding) {
	for i, id := range f.Events[:min(len(f.Events), maxEvents)] {
		e := namedEvent{f.Time, f.ID, i, id}
		at, _ := slices.BinarySearchFunc(c.events, e, namedEvent.compare)
		if at == maxEvents {
			return // what follows comes later yet
		}
		if slices.ContainsFunc(c.events, func(x namedEvent) bool { return x.id == keep(id) }) {
			c.inWindows-- // another window, or a finding of its own, names it, too
			continue
		}
		e.id = keep(id)
		c.events = slices.Insert(c.events[:min(len(c.events), maxEvents-1)], at, e)
	}
}

// keep bounds a text that a cause holds until the end, and holds nothing but it. What
// is shown of it is shorter yet.
func keep(s string) string {
	if len(s) <= 4*maxShown {
		return strings.Clone(s)
	}
	return strings.ToValidUTF8(s[:4*maxShown], "") + "…"
}

// actorOf names who did what a finding is about: the actor of its event, or the address
// of a window that is of an address alone, whose last event names but one of those whom
// it tried.
func actorOf(f *yagura.Finding) string {
	if ofAddress(f) {
		return f.Event.SrcIP
	}
	return actorName(f.Event.Actor)
}

// ofAddress says whether the events of a window have nothing but their source address in
// common, and the account.
func ofAddress(f *yagura.Finding) bool {
	found := false
	for _, y := range f.Why {
		switch {
		case y.Op != "group-by" || y.Actual == f.Event.Account:
		case y.Actual == f.Event.SrcIP && y.Actual != "":
			found = true
		default:
			return false
		}
	}
	return found
}

// actorName is the name of an actor, and of whom a session is.
func actorName(a yagura.Actor) string {
	name := cmp.Or(a.Name, lastPart(a.ID))
	if of := lastPart(a.SessionOf); of != "" && of != name {
		name += " (" + of + ")"
	}
	return name
}

// lastPart shortens an ARN to the name at its end.
func lastPart(id string) string {
	part := strings.SplitN(id, ":", 6)
	if len(part) < 6 || part[0] != "arn" {
		return id
	}
	name := part[5]
	if i := strings.LastIndexByte(name, '/'); i >= 0 && i < len(name)-1 {
		name = name[i+1:]
	}
	return name
}

// Flush prints nothing: a table is known at its end.
func (t *table) Flush() error { return nil }

// Close prints the table.
func (t *table) Close() error {
	out := bufio.NewWriter(t.w)
	if len(t.order) > 0 {
		t.print(out)
	}
	return out.Flush()
}

type words struct {
	heads                             [columnCount]string
	because, events, more, causes, is string
	absent, counted, capped           string
}

var english = words{heads: [columnCount]string{"SEVERITY", "RULE", "COUNT", "ACCOUNT", "ACTOR", "TARGET", "TIME (%s)"},
	because: "because", events: "events", more: "and %d more", causes: "(further causes)", is: "is", absent: "absent",
	counted: "counted only",
	capped:  "more than %d causes: the further ones are counted per rule"}

var japanese = words{heads: [columnCount]string{"重大度", "ルール", "件数", "アカウント", "実行者", "対象", "時刻 (%s)"},
	because: "理由", events: "イベント", more: "ほか %d 件", causes: "(その他の原因)", is: "実際の値", absent: "値なし",
	counted: "件数のみ",
	capped:  "原因が %d 件を超えたため、以降はルールごとの件数だけを示します"}

func (t *table) words() *words {
	if t.o.Japanese {
		return &japanese
	}
	return &english
}

func (t *table) print(out *bufio.Writer) {
	rows := slices.Clone(t.order)
	for _, c := range t.rest {
		rows = append(rows, c)
	}
	slices.SortStableFunc(rows, func(a, b *cause) int {
		return cmp.Or(-cmp.Compare(a.severity, b.severity), compareTimes(a.first, b.first), cmp.Compare(a.rule.ID, b.rule.ID),
			cmp.Compare(a.account, b.account), cmp.Compare(a.actor, b.actor), cmp.Compare(a.target, b.target), cmp.Compare(a.rule.File, b.rule.File))
	})
	w := t.words()
	l := t.layout(rows, w)
	l.head(out)
	for _, c := range rows {
		l.row(out, c)
		if t.o.Explain {
			t.explain(out, c, w)
		}
	}
	if len(t.rest) > 0 {
		fmt.Fprintf(out, w.capped+"\n", t.o.MaxCauses)
	}
}

// compareTimes puts what has no time behind what has one.
func compareTimes(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		return -a.Compare(b)
	}
	return a.Compare(b)
}

func (t *table) explain(out *bufio.Writer, c *cause, w *words) {
	label := max(columns(w.because), columns(w.events))
	say := func(name, text string) { fmt.Fprintf(out, "    %s  %s\n", fit(name, label), text) }
	if said := strings.TrimPrefix(c.output, c.rule.Title+": "); said != "" && said != c.rule.Title {
		fmt.Fprintf(out, "    %s\n", cut(Escape(said)))
	}
	name := w.because
	for _, y := range c.why {
		say(name, whyText(y, w))
		name = ""
	}
	for _, x := range c.caps {
		say("", Escape(x))
	}
	if len(c.events) > 0 {
		names := make([]string, len(c.events))
		for i, e := range c.events {
			names[i] = e.id
		}
		ids := cut(Escape(strings.Join(names, ", ")))
		all := c.count
		if all == 0 {
			all = c.inWindows
		}
		if more := all - len(names); more > 0 {
			ids += " " + fmt.Sprintf(w.more, more)
		}
		say(w.events, ids)
	}
}

// whyText writes one clause that held: field op "value" (is "actual").
func whyText(y yagura.Why, w *words) string {
	if y.Op == "group-by" {
		return Escape(y.Field) + " = " + quote(y.Actual)
	}
	s := Escape(y.Field) + " " + Escape(y.Op)
	if y.Value != "" {
		s += " " + quote(y.Value)
	}
	switch {
	case y.Actual == "":
		s += " (" + w.absent + ")"
	case y.Actual != y.Value:
		s += " (" + w.is + " " + quote(y.Actual) + ")"
	}
	return s
}

// quote puts a value between quotation marks, or where it holds some, between backquotes.
func quote(s string) string {
	mark := `"`
	if strings.Contains(s, mark) && !strings.Contains(s, "`") {
		mark = "`"
	}
	return mark + cut(Escape(s)) + mark
}

// cut bounds what one value takes of a terminal.
func cut(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxShown {
			return s[:i] + "…"
		}
	}
	return s
}

func (t *table) dim(s string) string {
	if !t.o.Color {
		return s
	}
	return "\x1b[2m" + s + "\x1b[0m"
}

func (t *table) bold(s string) string {
	if !t.o.Color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

func (t *table) paint(s yagura.Severity, text string) string {
	if !t.o.Color {
		return text
	}
	code := map[yagura.Severity]string{yagura.SeverityCritical: "1;35", yagura.SeverityHigh: "31",
		yagura.SeverityMedium: "33", yagura.SeverityLow: "36", yagura.SeverityNone: "2"}[s]
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
