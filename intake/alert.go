package intake

import (
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/triage"
)

// The bounds of what is taken over of an alert, whose texts were written by others.
const (
	maxAlertRule     = 200
	maxAlertTitle    = 300
	maxAlertText     = 4 << 10
	maxAlertEntities = 200
)

// Alert makes the finding of a record that is a vendor's own; ok is false for every other
// record. Its rule is named after the vendor's: alert-guardduty/Recon:EC2/Portscan. Its
// cause is the vendor's own name of the thing, so every version of one alert is of one issue.
func Alert(rec *decode.Record, source string) (c triage.Found, ok bool) {
	if rec.Format.Alert == nil {
		return c, false
	}
	a, ok := rec.Format.Alert(rec)
	if !ok {
		return c, false
	}
	var e yagura.Event
	rec.Head(&e)
	id := e.ID
	if id == "" {
		id = e.Key.String()
	}
	rule := yagura.RuleRef{ID: bounded("alert-"+a.Family+"/"+a.Rule, maxAlertRule), Title: bounded(a.Title, maxAlertTitle), Engine: yagura.EngineBuiltin, Tags: a.Tags}
	if rule.Title == "" {
		rule.Title = rule.ID
	}
	if rule.Tags == nil {
		rule.Tags = []string{}
	}
	f := yagura.Finding{V: 1, ID: hash(rule.ID, e.Key.String(), fmt.Sprintf("%x", e.Content)), CauseKey: triage.AlertKey(e.Account, a.Scope, a.Key),
		Kind: yagura.Behaviour, Rule: rule, Severity: a.Severity, SeverityOriginal: bounded(a.Original, 64), Format: e.Format, Source: source, Time: e.Time,
		Event: e.Ref(), Events: []string{id}, Entities: e.Entities[:min(len(e.Entities), maxAlertEntities)],
		Why: []yagura.Why{{Field: alertField, Op: alertOp, Value: AlertRule(a.Rule), Actual: bounded(a.Key, maxAlertTitle)}}, Output: rule.Title}
	if n := len(e.Entities) - maxAlertEntities; n > 0 {
		f.Caps = []string{fmt.Sprintf("%d more entities", n)}
	}
	if f.SeverityOriginal == "" {
		f.SeverityOriginal = "none given"
	}
	if a.Posture {
		f.Kind = yagura.Posture
	}
	if a.Text != "" && a.Text != a.Title {
		f.Output = bounded(rule.Title+": "+a.Text, maxAlertText)
	}
	if a.State != "" {
		f.Output += " (" + bounded(a.State, 64) + ")"
	}
	return triage.Found{Finding: f, Alert: true, Resolved: a.Resolved}, true
}

// The clause of an alert: what the vendor found, and the vendor's own name of the thing.
const (
	alertField = "alert"
	alertOp    = "says"
)

// OfAlert says whether a clause is that of a vendor's alert, whose value is what was found.
func OfAlert(w yagura.Why) bool { return w.Field == alertField && w.Op == alertOp }

// AlertRule is the name of what a vendor found as the clause of an alert has it.
func AlertRule(name string) string { return bounded(name, maxAlertRule) }

// bounded is a text of somebody else on one line, in UTF-8 and at most n bytes.
func bounded(s string, n int) string {
	if len(s) > 4*n {
		s = s[:4*n]
	}
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-len("…")], "") + "…"
}
