package report

import (
	"cmp"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// ocsfVersion is the version of the Open Cybersecurity Schema Framework that is written,
// the first in which a Detection Finding has is_alert.
const ocsfVersion = "1.4.0"

// object is one OCSF object. A value of "" is left out by [object.set].
type object map[string]any

func (o object) set(key string, value any) object {
	switch v := value.(type) {
	case string:
		if v == "" {
			return o
		}
	case object:
		if len(v) == 0 {
			return o
		}
	}
	o[key] = value
	return o
}

type ocsf struct {
	lines
	version string
	title   func(yagura.RuleRef) string
	account func(string) string
}

func newOCSF(w io.Writer, o Options) *ocsf {
	return &ocsf{newLines(w), o.Version, o.Title, o.Account}
}

// Write writes a Detection Finding (class 2004).
func (o *ocsf) Write(it Item) error {
	f := it.Finding
	title := f.Rule.Title
	if o.title != nil {
		title = o.title(f.Rule)
	}
	info := object{"uid": f.ID, "title": title, "types": []string{string(f.Kind)},
		"analytic": object{"uid": f.Rule.ID, "name": f.Rule.Title, "type_id": 1, "type": "Rule", "category": string(f.Rule.Engine)}}
	if !f.Time.IsZero() {
		info["created_time"] = millis(f.Time)
		info["last_seen_time"] = millis(f.Time)
	}
	if f.Format != "" {
		info["data_sources"] = []string{f.Format}
	}
	var related []object
	for _, id := range f.Events {
		related = append(related, object{"uid": id})
	}
	if related != nil {
		info["related_events"] = related
	}
	if a := attacks(f.Rule.Tags); a != nil {
		info["attacks"] = a
	}
	why := make([]object, len(f.Why))
	for i, y := range f.Why {
		why[i] = object{"field": y.Field, "op": y.Op, "value": y.Value, "actual": y.Actual}
	}
	evidence := object{"data": object{"why": why, "event_uid": f.Event.ID, "file": it.File, "offset": it.Offset}}
	evidence.set("actor", actorObject(f.Event.Actor))
	evidence.set("src_endpoint", endpoint(f.Event.SrcIP))
	evidence.set("api", object{}.set("operation", f.Event.Action))
	m := object{
		"activity_id": 1, "activity_name": "Create", "category_uid": 2, "category_name": "Findings",
		"class_uid": 2004, "class_name": "Detection Finding", "type_uid": 200401, "type_name": "Detection Finding: Create",
		"time": millis(f.Time), "severity_id": severityID(f.Severity), "severity": ocsfSeverity(f.Severity),
		"status_id": 1, "status": "New", "message": cmp.Or(f.Output, title), "is_alert": f.Mode == "",
		"finding_info": info, "metadata": metadata(o.version, f.ID, f.Format),
		"evidences":   []object{evidence},
		"observables": observables(f.Entities),
		"unmapped":    object{"cause_key": f.CauseKey, "kind": string(f.Kind), "severity_original": f.SeverityOriginal, "caps": list(f.Caps)},
	}
	withCloud(m, f.Format, f.Event.Account, f.Event.Region, o.account)
	return o.enc.Encode(m)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func metadata(version, uid, format string) object {
	m := object{"version": ocsfVersion, "product": object{"name": "Yagura", "vendor_name": "Yagura", "version": cmp.Or(version, "unknown")}}
	return m.set("uid", uid).set("log_name", format)
}

func severityID(s yagura.Severity) int { return int(s) } // both count from 1 (informational) to 5

func ocsfSeverity(s yagura.Severity) string {
	return [...]string{"Unknown", "Informational", "Low", "Medium", "High", "Critical"}[min(int(s), 5)]
}

func actorObject(a yagura.Actor) object {
	user := object{}.set("uid", a.ID).set("name", a.Name)
	if len(user) > 0 { // the schema wants one of these
		user.set("type", a.Type)
	}
	out := object{}.set("user", user)
	if a.SessionOf != "" {
		out["session"] = object{"issuer": a.SessionOf}
	}
	return out
}

// endpoint is where a call came from. The schema has a form for addresses, which what a
// log has in their place (251.234.045.249) does not keep.
func endpoint(address string) object {
	if _, err := netip.ParseAddr(address); err != nil {
		return object{}.set("name", address)
	}
	return object{"ip": address}
}

// provider names the cloud of a format, "" where there is none.
func provider(format string) string {
	family, _, _ := strings.Cut(format, ".")
	switch family {
	case "aws":
		return "AWS"
	case "gcp":
		return "GCP"
	case "azure", "entra", "m365":
		return "Azure"
	}
	return ""
}

// withCloud applies the cloud profile to m.
func withCloud(m object, format, account, region string, name func(string) string) {
	p := provider(format)
	if p == "" {
		return
	}
	acc := object{}.set("uid", account)
	if name != nil && account != "" {
		acc.set("name", name(account))
	}
	m["cloud"] = object{"provider": p}.set("region", region).set("account", acc)
	m["metadata"].(object)["profiles"] = []string{"cloud"}
}

// observables lists entities by the schema's types: 1 hostname, 2 IP address,
// 4 user name, 10 resource uid, 99 other.
func observables(entities []yagura.Entity) []object {
	out := make([]object, 0, len(entities))
	for _, e := range entities {
		id, kind := 99, e.Type
		switch e.Type {
		case yagura.EntityHost, yagura.EntityDomain:
			id, kind = 1, "Hostname"
		case yagura.EntityIP:
			id, kind = 2, "IP Address"
		case yagura.EntityUser:
			id, kind = 4, "User Name"
		case yagura.EntityResource:
			id, kind = 10, "Resource UID"
		}
		out = append(out, object{"name": "entities." + e.Type, "type_id": id, "type": kind, "value": e.ID})
	}
	return out
}

var technique = regexp.MustCompile(`^attack\.(t\d{4})(\.\d{3})?$`)

// attacks reads techniques from tags such as attack.t1562.008.
func attacks(tags []string) []object {
	var out []object
	for _, tag := range tags {
		m := technique.FindStringSubmatch(strings.ToLower(tag))
		if m == nil {
			continue
		}
		t := strings.ToUpper(m[1])
		a := object{"technique": object{"uid": t}}
		if m[2] != "" {
			a["sub_technique"] = object{"uid": t + m[2]}
		}
		out = append(out, a)
	}
	return out
}
