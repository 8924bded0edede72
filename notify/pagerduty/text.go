package pagerduty

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

const clientName = "Yagura"

// severity is PagerDuty's name of a level.
func severity(s yagura.Severity) string {
	switch s {
	case yagura.SeverityCritical:
		return "critical"
	case yagura.SeverityHigh:
		return "error"
	case yagura.SeverityMedium:
		return "warning"
	}
	return "info"
}

// when is the first of the times that the format of stamps can write and a record may have.
func when(times ...time.Time) time.Time {
	for _, t := range times {
		if t.Year() >= 1970 && t.Year() < 9999 {
			return t
		}
	}
	return time.Unix(0, 0)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// fill writes what a trigger tells of an issue. PagerDuty shows it as text, so nothing is
// escaped; [notify.Text] masked it, wrote hidden characters out, and gave everything an end.
func (s *Sink) fill(e *event, n *yagura.Notice) {
	is, t := n.Issue, notify.NewText(n, notify.TextOptions{Lang: s.o.Language, Zone: s.o.Zone})
	line := t.Headline
	if t.Account != "" {
		line += " – " + t.Account
	}
	e.Client = clientName
	if s.o.IssueURL != nil {
		if u := s.o.IssueURL(is.ID); isURL(u) {
			e.ClientURL = u
		}
	}
	for _, l := range t.Links {
		if isURL(l.URL) && len(e.Links) < 10 {
			e.Links = append(e.Links, link{Href: l.URL, Text: short(l.Title, 100)})
		}
	}
	e.Payload = &payload{
		Summary: summary(line), Source: or(short(t.Account, 255), "yagura"), Severity: severity(is.Severity),
		Timestamp: stamp(when(is.LastSeen, is.Opened, n.Created)), Component: short(t.RuleTitle, 255), Group: short(t.Owner, 255),
		Class: short(notify.Line(notify.Mask(is.Format)), 255), Details: details(n, t),
	}
}

// details is what the on-call person wants to see first. The keys are the same in every
// language, so that rules of PagerDuty's event orchestration can name them.
func details(n *yagura.Notice, t *notify.Text) map[string]any {
	is := n.Issue
	d := map[string]any{
		"issue_id": is.ID, "notice_id": n.ID, "level": t.Level, "status": t.Status, "kind": t.Kind,
		"count": is.Count, "episode": is.Episode, "news": t.Lead,
	}
	for _, f := range t.Facts {
		if _, taken := d[f.Key]; !taken {
			d[f.Key] = f.Value
		}
	}
	put := func(key, value string) {
		if value != "" {
			d[key] = value
		}
	}
	put("what", t.What)
	put("severity_original", t.SeverityOriginal)
	put("rule_id", t.RuleID)
	put("suppressed_until", t.Suppressed)
	if n.Finding != nil {
		put("event_id", short(notify.Line(notify.Mask(n.Finding.Event.ID)), 300))
	}
	list := func(key string, all []string, more int) {
		if more > 0 {
			all = append(all, "… "+fmt.Sprintf(t.Words.More, more))
		}
		if len(all) > 0 {
			d[key] = all
		}
	}
	var entities, why []string
	for _, e := range t.Entities {
		entities = append(entities, e.Label+" "+e.ID)
	}
	list("entities", entities, t.EntitiesMore)
	for _, c := range t.Why {
		text := strings.TrimSpace(c.Field + " " + c.Op + " " + c.Value)
		if c.Actual != "" {
			text += " → " + c.Actual
		}
		why = append(why, text)
	}
	list("why", why, t.WhyMore)
	list("labels", t.Labels, 0)
	list("limits", t.Caps, 0)
	return d
}

// summary is one line within PagerDuty's limit.
func summary(s string) string { return or(short(s, maxSummary), "Yagura") }

// short is a text within a limit of characters.
func short(s string, limit int) string { return notify.Words(notify.English).Cut(s, limit) }

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http") && len(s) <= 2048
}
