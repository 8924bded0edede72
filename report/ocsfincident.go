package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Incident writes a notice as one OCSF object: an Incident Finding (class 2005) of its
// issue, with the Detection Finding (2004) that caused it and what OCSF has no place for
// below unmapped. A notice of no issue (a digest, a test) is a base event. cut counts texts
// and lists that the caller has shortened; link is the address of the issue's page, or "".
func Incident(n *yagura.Notice, cut int, link string, o Options) ([]byte, error) {
	m := object{"time": millis(n.Created), "metadata": metadata(o.Version, n.ID, "")}
	unmapped := object{"notice": n.ID, "op": string(n.Op), "sink": n.Sink, "seq": n.Seq}
	unmapped.set("to", n.To)
	if cut > 0 {
		unmapped["cut"] = cut
	}
	m["unmapped"] = unmapped
	if n.Entry != nil {
		unmapped["entry"] = n.Entry
	}
	is := n.Issue
	if is == nil {
		class(m, 0, "Uncategorized", 0, "Base Event", 99, "Other")
		m["activity_name"] = string(n.Op)
		m["severity_id"], m["severity"] = 1, "Informational"
		m["message"] = n.Text
		return encode(m)
	}
	activity, name := 2, "Update"
	switch n.Op {
	case yagura.OpOpen:
		activity, name = 1, "Create"
	case yagura.OpClose:
		activity, name = 3, "Close"
	}
	class(m, 2, "Findings", 2005, "Incident Finding", activity, name)
	m["severity_id"], m["severity"] = severityID(is.Severity), ocsfSeverity(is.Severity)
	m["status_id"], m["status"] = incidentStatus(is)
	m["priority_id"], m["priority"] = priority(is.Severity)
	m["verdict_id"], m["verdict"] = verdict(is.Conclusion)
	title := is.Title
	if o.Japanese {
		title = cmp.Or(is.TitleJA, title)
	}
	m["message"] = title
	if e := n.Entry; e != nil && (n.Op == yagura.OpComment || n.Op == yagura.OpClose) {
		m.set("comment", e.Text)
	}
	// The schema wants one of both.
	if is.Assignee != "" {
		m["assignee"] = object{"name": is.Assignee}
	} else {
		m["assignee_group"] = object{"name": cmp.Or(is.AccountInfo.Owner, "unassigned")}
	}
	if is.Latest != nil {
		m.set("desc", is.Latest.Output)
	}
	m.set("src_url", link)
	if !is.FirstSeen.IsZero() {
		m["start_time"] = millis(is.FirstSeen)
	}
	if !is.LastSeen.IsZero() {
		m["end_time"] = millis(is.LastSeen)
	}
	if a := attacks(is.Rule.Tags); a != nil {
		m["attacks"] = a
	}
	info := object{"uid": is.ID, "title": title, "types": []string{string(is.Kind)},
		"analytic": object{"uid": is.Rule.ID, "name": is.Rule.Title, "type_id": 1, "type": "Rule", "category": string(is.Rule.Engine)}}
	if !is.FirstSeen.IsZero() {
		info["first_seen_time"], info["created_time"] = millis(is.FirstSeen), millis(is.FirstSeen)
	}
	if !is.LastSeen.IsZero() {
		info["last_seen_time"] = millis(is.LastSeen)
	}
	m["finding_info_list"] = []object{info}
	m["observables"] = observables(is.Entities)
	region := ""
	if is.Latest != nil {
		region = is.Latest.Event.Region
	}
	withCloud(m, is.Format, is.Account, region, func(string) string { return is.AccountInfo.Name })
	unmapped["issue"] = is.ID
	unmapped["cause_key"] = is.CauseKey
	unmapped["kind"] = string(is.Kind)
	unmapped["episode"] = is.Episode
	unmapped["count"] = is.Count
	unmapped["account"] = is.Account
	unmapped["severity_original"] = is.SeverityOriginal
	unmapped["labels"] = list(is.Labels)
	unmapped.set("conclusion", string(is.Conclusion)).set("close_reason", string(is.CloseReason)).set("umbrella", is.Umbrella)
	unmapped.set("owner", is.AccountInfo.Owner).set("environment", is.AccountInfo.Environment)
	if is.Flapping {
		unmapped["flapping"] = true
	}
	if !is.SuppressedUntil.IsZero() {
		unmapped["suppressed_until"] = is.SuppressedUntil.UTC()
	}
	if f := cmp.Or(n.Finding, is.Latest); f != nil {
		var detection bytes.Buffer
		w := newOCSF(&detection, o)
		if err := w.Write(Item{Finding: f, Offset: -1}); err != nil {
			return nil, err
		}
		if err := w.Flush(); err != nil {
			return nil, err
		}
		unmapped["finding"] = json.RawMessage(bytes.TrimSpace(detection.Bytes()))
	}
	return encode(m)
}

func encode(m object) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(m)
	return bytes.TrimSpace(out.Bytes()), err
}

// incidentStatus is an issue's status in the words of incidents.
func incidentStatus(is *yagura.Issue) (int, string) {
	switch {
	case is.Status == yagura.StatusClosed && is.CloseReason == yagura.ClosedByHuman:
		return 5, "Closed"
	case is.Status == yagura.StatusClosed:
		return 4, "Resolved"
	case !is.SuppressedUntil.IsZero():
		return 3, "On Hold"
	case is.Status == yagura.StatusAcknowledged:
		return 2, "In Progress"
	}
	return 1, "New"
}

func priority(s yagura.Severity) (int, string) {
	switch s {
	case yagura.SeverityCritical:
		return 4, "Critical"
	case yagura.SeverityHigh:
		return 3, "High"
	case yagura.SeverityMedium:
		return 2, "Medium"
	case yagura.SeverityLow, yagura.SeverityNone:
		return 1, "Low"
	}
	return 0, "Unknown"
}

func verdict(c yagura.Conclusion) (int, string) {
	switch c {
	case yagura.ConcludedNothing:
		return 0, "Unknown"
	case yagura.ConcludedTruePositive:
		return 2, "True Positive"
	case yagura.ConcludedFalsePositive:
		return 1, "False Positive"
	case yagura.ConcludedBenign:
		return 5, "Benign"
	}
	return 99, strings.ToUpper(string(c[:1])) + string(c[1:])
}
