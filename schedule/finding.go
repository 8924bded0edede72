package schedule

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

// The bounds of a finding. What is cut is said in Caps.
const (
	maxEvents   = 1000
	maxEntities = 100
	maxWhy      = 60
	maxOutput   = 4000
	maxFindings = 2000 // of one window
)

// group is the rows of one finding.
type group struct {
	id   string
	rows []*row
}

// Judge says what the rows of a window come to. The result is a function of the rule, the
// window and the set of rows; the order of rows does not matter.
func Judge(r *sentinel.Rule, w Window, rows *Rows) []yagura.Finding {
	list := newRows(rows)
	if r.Schedule == nil || !r.Schedule.Holds(int64(len(list))) {
		return nil
	}
	groups := groupRows(r, w, list)
	var caps []string
	if rows.Cut != "" {
		caps = append(caps, rows.Cut)
	}
	if n := len(groups); n > maxFindings {
		groups = groups[:maxFindings]
		caps = append(caps, fmt.Sprintf("findings: the first %d of this window are there, %d more are not", maxFindings, n-maxFindings))
	}
	out := make([]yagura.Finding, len(groups))
	for i, g := range groups {
		out[i] = finding(r, w, g, len(list), caps)
	}
	return out
}

// groupRows puts rows into groups, in the order of their ids.
func groupRows(r *sentinel.Rule, w Window, list []*row) []group {
	end := strconv.FormatInt(w.To.Unix(), 10)
	name := func(kind string, parts ...string) string {
		d := digest(append([]string{"schedule", r.ID, kind}, parts...)...)
		return hex.EncodeToString(d[:])
	}
	if r.Grouping == sentinel.Single || len(list) == 0 {
		return []group{{name("window", end), list}}
	}
	at := map[string]int{}
	var out []group
	for _, x := range list {
		id := ""
		switch event, es := x.event(), entities(r, x); {
		case event != "":
			id = name("event", event)
		case len(es) > 0 && r.Grouping == sentinel.ByCause:
			parts := []string{end}
			for _, e := range sorted(es) {
				parts = append(parts, e.Type, e.ID)
			}
			id = name("entities", parts...)
		default:
			id = name("texts", end, x.stable())
		}
		if r.Grouping == sentinel.PerRow { // rows that cannot be told apart are numbered
			for n := 1; ; n++ {
				if _, ok := at[id]; !ok {
					break
				}
				id = name("next", id, strconv.Itoa(n))
			}
		}
		i, ok := at[id]
		if !ok {
			i = len(out)
			at[id] = i
			out = append(out, group{id: id})
		}
		out[i].rows = append(out[i].rows, x)
	}
	slices.SortFunc(out, func(a, b group) int { return strings.Compare(a.id, b.id) })
	return out
}

func sorted(es []yagura.Entity) []yagura.Entity {
	es = slices.Clone(es)
	slices.SortFunc(es, func(a, b yagura.Entity) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.ID, b.ID))
	})
	return slices.Compact(es)
}

func finding(r *sentinel.Rule, w Window, g group, rows int, caps []string) yagura.Finding {
	f := yagura.Finding{V: 1, ID: g.id, Kind: cmp.Or(r.SideCar.Kind, yagura.Behaviour),
		Rule:     yagura.RuleRef{ID: r.ID, Title: r.Title, Engine: yagura.EngineKQL, File: r.File, Tags: slices.Clone(r.Tags)},
		Severity: r.EffectiveSeverity(), SeverityOriginal: r.SeverityOriginal, Source: "lake", Time: w.To.Add(-time.Microsecond),
		Events: []string{}, Entities: []yagura.Entity{}, Why: []yagura.Why{}, Caps: slices.Clone(caps)}
	if r.SideCar.Mode == rule.ModeCount {
		f.Mode = rule.ModeCount
	}
	if len(r.Formats) == 1 {
		f.Format = r.Formats[0]
	}
	var content []string
	var latest time.Time
	for _, x := range g.rows {
		content = append(content, x.content)
		if t := x.latest(w); t.After(latest) {
			latest = t
		}
		f.Entities = append(f.Entities, entities(r, x)...)
		f.Events = append(f.Events, x.events()...)
	}
	if !latest.IsZero() {
		f.Time = latest
	}
	f.Entities = unique(f.Entities)
	slices.Sort(f.Events)
	f.Events = slices.Compact(f.Events)
	f.Event = eventOf(g.rows, f.Entities)
	if counted(r) { // the number of all rows is evidence too
		content = append(content, strconv.Itoa(rows))
	} else {
		rows = len(g.rows)
	}
	f.Event.Time, f.Event.Key = f.Time, digest(content...)
	if a := f.Event.Account; a != "" {
		f.Entities = unique(append(f.Entities, yagura.Entity{Type: yagura.EntityAccount, ID: a}))
	}
	if len(g.rows) > 0 {
		overrides(r, g.rows[0], &f)
	}
	f.CauseKey = causeKey(r, g, &f)
	f.Why = why(r, g, rows, w)
	f.Output = output(r, g)
	if len(f.Events) == 0 { // the contract: the key of one that has no id
		f.Events = []string{f.Event.Key.String()}
	}
	if n := len(f.Events); n > maxEvents {
		f.Events = f.Events[:maxEvents]
		f.Caps = append(f.Caps, fmt.Sprintf("events: the first %d are named, %d more are not", maxEvents, n-maxEvents))
	}
	if n := len(f.Entities); n > maxEntities {
		f.Entities = f.Entities[:maxEntities]
		f.Caps = append(f.Caps, fmt.Sprintf("entities: the first %d are named, %d more are not", maxEntities, n-maxEntities))
	}
	return f
}

// counted reports whether a rule asks for more than that there is a row.
func counted(r *sentinel.Rule) bool {
	return r.Schedule.Trigger != sentinel.Greater || r.Schedule.Threshold != 0
}

// unique keeps the first of equal entities.
func unique(es []yagura.Entity) []yagura.Entity {
	seen := map[yagura.Entity]bool{}
	return slices.DeleteFunc(es, func(e yagura.Entity) bool {
		again := seen[e]
		seen[e] = true
		return again
	})
}

// eventOf is what all rows of a group agree on.
func eventOf(rows []*row, es []yagura.Entity) (ref yagura.EventRef) {
	same := func(of func(*row) string) (out string) {
		for i, x := range rows {
			if s := of(x); i > 0 && s != out {
				return ""
			} else {
				out = s
			}
		}
		return out
	}
	in := func(names []string) string { return same(func(x *row) string { return x.one(names) }) }
	ref = yagura.EventRef{ID: same((*row).event), Account: in(accountColumns), Region: in(regionColumns), Action: in(actionColumns), Outcome: yagura.OutcomeUnknown}
	var actors, addresses []yagura.Entity
	for _, e := range es {
		switch {
		case isActor(e.Type):
			actors = append(actors, e)
		case e.Type == yagura.EntityIP:
			addresses = append(addresses, e)
		}
	}
	if len(actors) == 1 {
		ref.Actor = yagura.Actor{Type: actors[0].Type, ID: actors[0].ID}
	}
	if ref.SrcIP = in(addressColumns); ref.SrcIP == "" && len(addresses) == 1 {
		ref.SrcIP = addresses[0].ID
	}
	if ref.Account == "" && strings.HasPrefix(ref.Actor.ID, "arn:") {
		if parts := strings.SplitN(ref.Actor.ID, ":", 6); len(parts) == 6 {
			ref.Account = parts[4]
		}
	}
	ref.ID, ref.Account, ref.Region = plain(ref.ID, maxEntity), plain(ref.Account, 200), plain(ref.Region, 200)
	ref.Action, ref.SrcIP = plain(ref.Action, 200), plain(ref.SrcIP, 200)
	return ref
}

// overrides takes level and tactics from the row where the rule says so.
func overrides(r *sentinel.Rule, x *row, f *yagura.Finding) {
	if r.Alert.Severity != "" && r.SideCar.Severity == 0 {
		s, _ := x.column(r.Alert.Severity)
		if level := sentinel.Level(s); level != 0 {
			f.Severity, f.SeverityOriginal = level, s
		}
	}
	if r.Alert.Tactics != "" {
		for _, s := range x.members(r.Alert.Tactics) {
			for t := range strings.SplitSeq(s, ",") {
				if tag := "attack." + sentinel.Tactic(plain(t, 60)); strings.TrimSpace(t) != "" && !slices.Contains(f.Rule.Tags, tag) {
					f.Rule.Tags = append(f.Rule.Tags, tag)
				}
			}
		}
	}
}

// why lists what the rows hold: the number of rows, the custom details, then the columns of
// the first row.
func why(r *sentinel.Rule, g group, rows int, w Window) []yagura.Why {
	out := []yagura.Why{
		{Field: "rows", Op: string(r.Schedule.Trigger), Value: strconv.FormatInt(r.Schedule.Threshold, 10), Actual: strconv.Itoa(rows)},
		{Field: "window", Op: "within", Value: w.From.UTC().Format(time.RFC3339) + "/" + w.To.UTC().Format(time.RFC3339), Actual: strconv.Itoa(len(g.rows))},
	}
	if len(g.rows) == 0 {
		return out
	}
	x := g.rows[0]
	add := func(field, column string) {
		var values []string
		for _, x := range g.rows[:min(len(g.rows), 20)] {
			if s, _ := x.column(column); s != "" && !slices.Contains(values, s) {
				values = append(values, s)
			}
		}
		if len(values) > 0 && len(out) < maxWhy {
			out = append(out, yagura.Why{Field: plain(field, 200), Op: "is", Value: column, Actual: plain(strings.Join(values, ", "), maxValue)})
		}
	}
	for _, list := range [][]sentinel.Detail{r.Details, r.Alert.Properties} {
		for _, d := range list {
			add(d.Name, d.Column)
		}
	}
	for _, c := range x.head {
		add(c.Name, c.Name)
	}
	return out
}

// output is the text of a finding: what the rule's formats say of the first row.
func output(r *sentinel.Rule, g group) string {
	if len(g.rows) == 0 {
		return r.Title
	}
	fill := func(format string) string {
		return sentinel.Fill(plain(format, maxOutput), func(c string) (string, bool) {
			s, ok := g.rows[0].column(c)
			return plain(s, 200), ok
		})
	}
	s := cmp.Or(fill(r.Alert.Name), r.Title)
	if d := fill(r.Alert.Description); d != "" {
		s += ": " + d
	}
	if n := len(g.rows); n > 1 {
		s += fmt.Sprintf(" (%d rows)", n)
	}
	return plain(s, maxOutput)
}

// causeKey builds the key of the finding's cause as streaming rules do: account, rule, parts.
func causeKey(r *sentinel.Rule, g group, f *yagura.Finding) string {
	account := f.Event.Account
	if account == "" {
		account = "-"
	}
	b := appendQuoted(nil, account)
	b = appendQuoted(append(b, ' '), r.ID)
	part := func(name string, values ...string) {
		values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
		slices.Sort(values)
		if values = slices.Compact(values); len(values) > 0 {
			b = appendQuoted(append(b, ' '), name)
			b = appendQuoted(append(b, '='), strings.Join(values, ","))
		}
	}
	all := func(keep func(yagura.Entity) bool) {
		byType := map[string][]string{}
		for _, e := range f.Entities {
			if keep(e) && e.Type != yagura.EntityAccount {
				byType[e.Type] = append(byType[e.Type], e.ID)
			}
		}
		for _, t := range []string{yagura.EntityUser, yagura.EntityRole, yagura.EntitySession, yagura.EntityServicePrincipal, yagura.EntityKey,
			yagura.EntityIP, yagura.EntityDomain, yagura.EntityHost, yagura.EntityResource} {
			part(t, byType[t]...)
		}
	}
	everything := func(yagura.Entity) bool { return true }
	switch {
	case len(r.SideCar.CauseKey) > 0:
		for _, entry := range r.SideCar.CauseKey {
			word, column := rule.CausePart(entry)
			part(word, slices.DeleteFunc(causeValues(word, column, g, f), func(s string) bool { return s == rule.CauseExcept(entry) })...)
		}
	case r.Incident.Match == sentinel.AnyAlert:
	case r.Incident.Match == sentinel.AllEntities:
		all(everything)
	case r.Incident.Match == sentinel.Selected:
		all(func(e yagura.Entity) bool {
			return slices.ContainsFunc(r.Incident.Entities, func(t string) bool { return sentinel.EntityType(t) == e.Type || t == "Account" && isActor(e.Type) })
		})
		for _, d := range r.Details {
			if slices.Contains(r.Incident.Details, d.Name) {
				part(d.Name, causeValues(d.Name, d.Column, g, f)...)
			}
		}
	case r.Grouping == sentinel.Single: // one finding for all: one cause
	case slices.ContainsFunc(f.Entities, func(e yagura.Entity) bool {
		return isActor(e.Type) || e.Type == yagura.EntityResource || e.Type == yagura.EntityHost
	}):
		all(func(e yagura.Entity) bool { return e.Type != yagura.EntityIP })
	case slices.ContainsFunc(f.Entities, func(e yagura.Entity) bool { return e.Type != yagura.EntityAccount }):
		all(everything)
	}
	return string(b)
}

// causeValues are the values of one part of a cause key: a header word, or a column.
func causeValues(word, column string, g group, f *yagura.Finding) (out []string) {
	switch word {
	case "account":
		return nil // it stands first in every key
	case "region":
		return []string{f.Event.Region}
	case "action":
		return []string{f.Event.Action}
	case "src_ip":
		return []string{f.Event.SrcIP}
	case "actor", "target":
		for _, e := range f.Entities {
			if isActor(e.Type) == (word == "actor") && e.Type != yagura.EntityIP && e.Type != yagura.EntityAccount {
				out = append(out, e.ID)
			}
		}
		return out
	}
	for _, x := range g.rows {
		out = append(out, x.members(column)...)
	}
	return out
}

// maxPart bounds one part of a cause key in bytes.
const maxPart = 200

// appendQuoted writes a text as the parts of cause keys are written: with a space, a quote or
// what cannot be printed it is quoted, and a long one ends in a hash of the whole.
func appendQuoted(b []byte, s string) []byte {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return r == '"' || r == '\\' || r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r)
	}) {
		s = strconv.Quote(s)
	}
	if len(s) <= maxPart {
		return append(b, s...)
	}
	sum := digest(s)
	end := maxPart - 20
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return hex.AppendEncode(append(append(b, s[:end]...), "…"...), sum[:8])
}
