package report

import (
	"cmp"
	"encoding/json"
	"io"
	"regexp"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/ocsf"
)

type ocsfFindings struct {
	lines
	version string
	title   func(yagura.RuleRef) string
	account func(string) string
}

func newOCSF(w io.Writer, o Options) *ocsfFindings {
	return &ocsfFindings{newLines(w), o.Version, o.Title, o.Account}
}

// Write writes a Detection Finding (class 2004).
func (o *ocsfFindings) Write(it Item) error {
	b := append(o.detection(it).Append(nil), '\n')
	_, err := o.out.Write(b)
	return err
}

func (o *ocsfFindings) detection(it Item) ocsf.Object {
	f := it.Finding
	title := f.Rule.Title
	if o.title != nil {
		title = o.title(f.Rule)
	}
	title = cmp.Or(title, f.Rule.Title)
	info := ocsf.Of("uid", cmp.Or(f.ID, "unknown"), "title", title, "types", []string{string(f.Kind)}, "analytic", analytic(f.Rule))
	if !f.Time.IsZero() {
		info.Set("created_time", ocsf.Millis(f.Time))
		info.Set("last_seen_time", ocsf.Millis(f.Time))
	}
	if f.Format != "" {
		info.Set("data_sources", []string{f.Format})
	}
	var related []ocsf.Object
	for _, id := range f.Events {
		if id != "" {
			related = append(related, ocsf.Of("uid", id))
		}
	}
	info.Set("related_events", related)
	info.Set("attacks", attacks(f.Rule.Tags))
	evidence := ocsf.Of("actor", ocsf.Actor(f.Event.Actor), "src_endpoint", ocsf.Endpoint(f.Event.SrcIP))
	if f.Event.Action != "" {
		evidence.Set("api", ocsf.Of("operation", f.Event.Action))
	}
	evidence.Set("data", ocsf.Of("why", asJSON(list(f.Why)), "event_uid", f.Event.ID, "file", it.File, "offset", it.Offset))
	m := ocsf.ClassDetectionFinding.Begin(1, "")
	m.Set("time", ocsf.Millis(f.Time))
	m.Set("severity_id", severityID(f.Severity))
	m.Set("severity", ocsf.SeverityName(severityID(f.Severity)))
	m.Set("status_id", 1)
	m.Set("status", "New")
	m.Set("message", cmp.Or(f.Output, title))
	m.Set("is_alert", f.Mode == "")
	m.Set("finding_info", info)
	m.Set("evidences", []ocsf.Object{evidence})
	m.Set("unmapped", ocsf.Of("cause_key", f.CauseKey, "kind", string(f.Kind), "severity_original", f.SeverityOriginal, "caps", asJSON(list(f.Caps)), "retro", retro(f)))
	withCloud(&m, metadata(o.version, f.ID, f.Format), f.Format, f.Event.Account, f.Event.Region, o.account)
	ocsf.Observables(&m, f.Entities)
	return m
}

// analytic is a rule, nothing for one without id and title.
func analytic(r yagura.RuleRef) ocsf.Object {
	if r.ID == "" && r.Title == "" {
		return nil
	}
	return ocsf.Of("uid", r.ID, "name", r.Title, "type_id", 1, "type", "Rule", "category", string(r.Engine))
}

func metadata(version, uid, format string) ocsf.Object {
	return ocsf.Of("version", ocsf.Version, "product", ocsf.Of("name", "Yagura", "vendor_name", "Yagura", "version", cmp.Or(version, "unknown")),
		"uid", uid, "log_name", format)
}

func severityID(s yagura.Severity) int { return int(min(s, 5)) } // both count from 1 (informational) to 5

// withCloud sets the metadata of m and, for what is of a cloud, the cloud profile.
func withCloud(m *ocsf.Object, meta ocsf.Object, format, account, region string, name func(string) string, profiles ...string) {
	cloud := ocsf.Cloud(format, account, region, name)
	if len(cloud) > 0 {
		profiles = append(profiles, "cloud")
	}
	meta.Set("profiles", profiles)
	m.Set("metadata", meta)
	m.Set("cloud", cloud)
}

var technique = regexp.MustCompile(`^attack\.(t\d{4})(\.\d{3})?$`)

// attacks reads techniques from tags such as attack.t1562.008.
func attacks(tags []string) []ocsf.Object {
	var out []ocsf.Object
	for _, tag := range tags {
		m := technique.FindStringSubmatch(strings.ToLower(tag))
		if m == nil {
			continue
		}
		t := strings.ToUpper(m[1])
		a := ocsf.Of("technique", ocsf.Of("uid", t))
		if m[2] != "" {
			a.Set("sub_technique", ocsf.Of("uid", t+m[2]))
		}
		out = append(out, a)
	}
	return out
}

// asJSON is a value of ours as it stands in an object of OCSF: texts, times and lists of
// them, which always have a form.
func asJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

// retro is true for a finding about the past; others do not say.
func retro(f *yagura.Finding) any {
	if f.Retro {
		return true
	}
	return nil
}
