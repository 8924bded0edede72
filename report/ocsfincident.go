package report

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/ocsf"
)

// Incident writes a notice as one OCSF object: an Incident Finding (class 2005) of its
// issue, with the Detection Finding (2004) that caused it and what OCSF has no place for
// below unmapped. A notice of no issue (a digest, a test) is a base event. cut counts texts
// and lists that the caller has shortened; link is the address of the issue's page, or "".
func Incident(n *yagura.Notice, cut int, link string, o Options) ([]byte, error) {
	unmapped := ocsf.Of("notice", n.ID, "op", string(n.Op), "sink", n.Sink, "seq", n.Seq, "to", n.To)
	if cut > 0 {
		unmapped.Set("cut", cut)
	}
	if n.Entry != nil {
		unmapped.Set("entry", asJSON(n.Entry))
	}
	is := n.Issue
	if is == nil {
		m := ocsf.ClassBaseEvent.Begin(99, string(n.Op))
		m.Set("time", ocsf.Millis(n.Created))
		m.Set("severity_id", 1)
		m.Set("severity", ocsf.SeverityName(1))
		m.Set("message", n.Text)
		m.Set("metadata", metadata(o.Version, n.ID, ""))
		m.Set("unmapped", unmapped)
		return m.Append(nil), nil
	}
	activity := 2
	switch n.Op {
	case yagura.OpOpen:
		activity = 1
	case yagura.OpClose:
		activity = 3
	}
	m := ocsf.ClassIncidentFinding.Begin(activity, "")
	m.Set("time", ocsf.Millis(n.Created))
	m.Set("severity_id", severityID(is.Severity))
	m.Set("severity", ocsf.SeverityName(severityID(is.Severity)))
	setCaption(&m, "status", incidentStatus(is))
	setCaption(&m, "priority", priority(is.Severity))
	setCaption(&m, "verdict", verdict(is.Conclusion))
	title := is.Title
	if o.Japanese {
		title = cmp.Or(is.TitleJA, title)
	}
	m.Set("message", title)
	if e := n.Entry; e != nil && (n.Op == yagura.OpComment || n.Op == yagura.OpClose) {
		m.Set("comment", e.Text)
	}
	// The schema wants one of both.
	if is.Assignee != "" {
		m.Set("assignee", ocsf.Of("name", is.Assignee))
	} else {
		m.Set("assignee_group", ocsf.Of("name", cmp.Or(is.AccountInfo.Owner, "unassigned")))
	}
	region := ""
	if is.Latest != nil {
		m.Set("desc", is.Latest.Output)
		region = is.Latest.Event.Region
	}
	m.Set("src_url", link)
	info := ocsf.Of("uid", cmp.Or(is.ID, "unknown"), "title", title, "types", []string{string(is.Kind)}, "analytic", analytic(is.Rule))
	if !is.FirstSeen.IsZero() {
		m.Set("start_time", ocsf.Millis(is.FirstSeen))
		info.Set("first_seen_time", ocsf.Millis(is.FirstSeen))
		info.Set("created_time", ocsf.Millis(is.FirstSeen))
	}
	if !is.LastSeen.IsZero() {
		m.Set("end_time", ocsf.Millis(is.LastSeen))
		info.Set("last_seen_time", ocsf.Millis(is.LastSeen))
	}
	m.Set("attacks", attacks(is.Rule.Tags))
	m.Set("finding_info_list", []ocsf.Object{info})
	withCloud(&m, metadata(o.Version, n.ID, ""), is.Format, is.Account, region, func(string) string { return is.AccountInfo.Name }, "incident")
	unmapped.Set("issue", is.ID)
	unmapped.Set("cause_key", is.CauseKey)
	unmapped.Set("kind", string(is.Kind))
	unmapped.Set("episode", int64(is.Episode))
	unmapped.Set("count", int64(is.Count))
	unmapped.Set("account", is.Account)
	unmapped.Set("severity_original", is.SeverityOriginal)
	unmapped.Set("labels", asJSON(list(is.Labels)))
	unmapped.Set("conclusion", string(is.Conclusion))
	unmapped.Set("close_reason", string(is.CloseReason))
	unmapped.Set("umbrella", is.Umbrella)
	unmapped.Set("owner", is.AccountInfo.Owner)
	unmapped.Set("environment", is.AccountInfo.Environment)
	if is.Flapping {
		unmapped.Set("flapping", true)
	}
	if !is.SuppressedUntil.IsZero() {
		unmapped.Set("suppressed_until", asJSON(is.SuppressedUntil.UTC()))
	}
	if f := cmp.Or(n.Finding, is.Latest); f != nil {
		w := &ocsfFindings{version: o.Version, title: o.Title, account: o.Account}
		unmapped.Set("finding", w.detection(Item{Finding: f, Offset: -1}))
	}
	m.Set("unmapped", unmapped)
	ocsf.Observables(&m, is.Entities)
	return m.Append(nil), nil
}

// caption is a number of an enumeration with its name.
type caption struct {
	id   int
	name string
}

func setCaption(m *ocsf.Object, attribute string, c caption) {
	m.Set(attribute+"_id", c.id)
	m.Set(attribute, c.name)
}

// incidentStatus is an issue's status in the words of incidents.
func incidentStatus(is *yagura.Issue) caption {
	switch {
	case is.Status == yagura.StatusClosed && is.CloseReason == yagura.ClosedByHuman:
		return caption{5, "Closed"}
	case is.Status == yagura.StatusClosed:
		return caption{4, "Resolved"}
	case !is.SuppressedUntil.IsZero():
		return caption{3, "On Hold"}
	case is.Status == yagura.StatusAcknowledged:
		return caption{2, "In Progress"}
	}
	return caption{1, "New"}
}

func priority(s yagura.Severity) caption {
	switch s {
	case yagura.SeverityCritical:
		return caption{4, "Critical"}
	case yagura.SeverityHigh:
		return caption{3, "High"}
	case yagura.SeverityMedium:
		return caption{2, "Medium"}
	case yagura.SeverityLow, yagura.SeverityNone:
		return caption{1, "Low"}
	}
	return caption{0, "Unknown"}
}

func verdict(c yagura.Conclusion) caption {
	switch c {
	case yagura.ConcludedNothing:
		return caption{0, "Unknown"}
	case yagura.ConcludedTruePositive:
		return caption{2, "True Positive"}
	case yagura.ConcludedFalsePositive:
		return caption{1, "False Positive"}
	case yagura.ConcludedBenign:
		return caption{5, "Benign"}
	}
	return caption{99, strings.ToUpper(string(c[:1])) + string(c[1:])}
}
