package ocsf

import (
	"cmp"
	"slices"
	"strings"
)

// finding is what the alerts of all vendors have.
type finding struct {
	uid, title, desc, url, product string
	types                          []string
	created, modified, first, last any
	analytic                       string // id of the rule, control or kind
	analyticName                   string
	severity                       int // severity_id
	open                           int // status_id: 1 New, 2 In Progress, 3 Suppressed, 4 Resolved, 5 Archived
	remediation                    string
	attacks                        []string // techniques
}

// report fills in what an alert of a class is.
func (b *build) report(c *class, f finding) {
	e := b.e
	f.uid = cmp.Or(f.uid, e.ID, e.Key.String())
	if e.Action != "" && e.Action != f.title && !slices.Contains(f.types, e.Action) {
		f.types = append(f.types, e.Action)
	}
	info := Of("uid", f.uid, "title", cmp.Or(f.title, e.Action), "desc", f.desc, "types", f.types, "created_time", f.created,
		"modified_time", f.modified, "first_seen_time", f.first, "last_seen_time", f.last, "src_url", f.url, "product_uid", f.product)
	if f.analytic != "" || f.analyticName != "" {
		info.Set("analytic", Of("uid", f.analytic, "name", f.analyticName, "type_id", 1, "type", "Rule"))
	}
	info.Set("attacks", techniques(f.attacks))
	b.more.Set("finding_info", info)
	b.severity = max(f.severity, 0)
	b.message = cmp.Or(f.title, e.Action)
	activity := 1
	if f.open == 0 {
		f.open = 1
	}
	if f.open >= 4 {
		activity = 3
	} else if first, ok := f.created.(int64); ok {
		if at, ok := f.modified.(int64); ok && at > first {
			activity = 2
		}
	}
	b.status, b.statusText = f.open, [...]string{"", "New", "In Progress", "Suppressed", "Resolved", "Archived"}[f.open]
	b.more.Set("start_time", f.first)
	b.more.Set("end_time", f.last)
	if f.remediation != "" && c != vulnerabilityFinding {
		b.more.Set("remediation", Of("desc", f.remediation))
	}
	if c == detectionFinding {
		b.more.Set("is_alert", activity != 3)
	}
	b.is(c, activity, "")
}

// evidence adds who and from where, as the header and the alert tell it.
func (b *build) evidence(extra ...any) {
	e := b.e
	ev := Of("actor", Actor(e.Actor))
	if e.SrcIP != "" {
		ev.Set("src_endpoint", Endpoint(e.SrcIP))
	}
	for i := 0; i+1 < len(extra); i += 2 {
		ev.Set(extra[i].(string), extra[i+1])
	}
	if len(ev) > 0 {
		b.more.Set("evidences", []Object{ev})
	}
}

func techniques(ids []string) []Object {
	var out []Object
	for _, id := range ids {
		id = strings.ToUpper(id)
		t, sub, _ := strings.Cut(id, ".")
		if len(t) != 5 || t[0] != 'T' || whole(t[1:]) == nil || len(out) == 50 {
			continue
		}
		a := Of("technique", Of("uid", t))
		if sub != "" {
			a.Set("sub_technique", Of("uid", id))
		}
		out = append(out, a)
	}
	return out
}

// level reads a severity by its word.
func level(word string) int {
	switch strings.ToLower(word) {
	case "informational", "info", "none", "unspecified", "debug":
		return 1
	case "low", "minimal", "notice":
		return 2
	case "medium", "moderate", "warning":
		return 3
	case "high", "error", "important":
		return 4
	case "critical", "alert", "emergency":
		return 5
	}
	return 0
}

// scc maps the findings of Security Command Center.
func (b *build) scc() {
	r, e := b.r, b.e
	f := r
	if inner := r.any("finding", "jsonPayload.finding", "jsonPayload"); inner.n != 0 {
		f = inner
	}
	b.vendor, b.product = "Google", "Security Command Center"
	b.feature = f.str("parentDisplayName", "sourceProperties.ScannerName", "sourceProperties.detectionCategory.indicator")
	severity := level(f.str("severity"))
	if severity == 0 {
		severity = level(f.str("sourceProperties.SeverityLevel", "detectionPriority"))
	}
	open := 1
	if f.str("state") == "INACTIVE" {
		open = 4
	} else if f.str("mute") == "MUTED" {
		open = 3
	}
	category := cmp.Or(f.str("category"), e.Action)
	x := finding{uid: f.str("name", "canonicalName"), title: category, desc: f.str("description", "sourceProperties.Explanation"), types: []string{cmp.Or(f.str("findingClass"), "finding")},
		created: f.time("createTime"), modified: f.time("eventTime"), last: f.time("eventTime"), url: f.str("externalUri"), analytic: category, severity: severity, open: open,
		remediation: cmp.Or(f.str("nextSteps"), f.str("sourceProperties.Recommendation")), product: f.str("parent")}
	x.attacks = append(f.at("mitreAttack.primaryTechniques").strings(20), f.at("mitreAttack.additionalTechniques").strings(20)...)
	if name := f.str("resourceName"); name != "" {
		b.resources = []Object{Of("uid", name, "name", cmp.Or(r.str("resource.displayName"), lastName(name)), "type", r.str("resource.type"))}
	}
	cve := f.str("vulnerability.cve.id")
	switch {
	case cve != "":
		var scores []Object
		if score := decimal(f.str("vulnerability.cve.cvssv3.baseScore")); score != nil {
			scores = []Object{Of("base_score", score, "version", "3.1")}
		}
		b.report(vulnerabilityFinding, x)
		b.more.Set("vulnerabilities", []Object{vulnerability(cve, scores, nil, nil, x, "")})
	case f.str("findingClass") == "MISCONFIGURATION", f.get("compliances").n != 0, f.str("sourceProperties.ScannerName") != "":
		var standards []string
		f.get("compliances").each(func(c value) bool {
			standards = append(standards, strings.TrimSpace(c.str("standard")+" "+c.str("version")))
			return len(standards) < 20
		})
		if standards == nil {
			standards = []string{"Security Health Analytics"}
		}
		status := "FAILED"
		if open == 4 {
			status = "PASSED"
		}
		b.report(complianceFinding, x)
		b.compliance(status, category, standards, f.at("compliances").get("ids"))
	default:
		b.report(detectionFinding, x)
		b.evidence("data", data(f.get("sourceProperties")))
	}
	b.statusCode = f.str("state")
}

// falco maps the alerts of Falco.
func (b *build) falco() {
	r, e := b.r, b.e
	b.vendor, b.product, b.feature = "Falco", "Falco", r.str("source")
	fields := r.get("output_fields")
	var tags []string
	for _, t := range r.get("tags").strings(50) {
		if strings.HasPrefix(t, "T1") {
			tags = append(tags, t)
		}
	}
	b.report(detectionFinding, finding{uid: cmp.Or(r.str("uuid"), e.ID), title: r.str("rule"), desc: r.str("output"), types: r.get("tags").strings(20), analytic: r.str("rule"), analyticName: r.str("rule"),
		created: r.time("time"), severity: level(r.str("priority")), attacks: tags})
	var process, container any
	if pid := fields.get("proc.pid").num(""); pid != nil {
		process = Of("pid", pid, "name", fields.get("proc.name").scalar(), "cmd_line", fields.get("proc.cmdline").scalar())
	}
	if c := Of("uid", fields.get("container.id").scalar(), "name", fields.get("container.name").scalar()); len(c) > 0 {
		container = c
	}
	b.evidence("process", process, "container", container, "data", data(fields))
	if host := r.str("hostname"); host != "" {
		b.more.Set("device", Of("hostname", host, "type_id", 0, "type", "Unknown"))
	}
	b.message = cmp.Or(r.str("output"), e.Action)
}

// entraRisk maps the detections of ID Protection and the users that are at risk.
func (b *build) entraRisk() {
	r, e := b.r, b.e
	in := both(r)
	b.vendor, b.product = "Microsoft", "Microsoft Entra ID Protection"
	b.meta.Set("correlation_uid", in("correlationId", "requestId").scalar())
	b.meta.Set("event_code", in("category").scalar())
	open := map[string]int{"remediated": 4, "dismissed": 3, "confirmedsafe": 3}[strings.ToLower(in("riskState").scalar())]
	kind := cmp.Or(in("riskEventType").scalar(), e.Action)
	b.report(detectionFinding, finding{uid: e.ID, title: kind, desc: in("additionalInfo", "riskDetail").scalar(), types: []string{kind}, analytic: kind,
		created: in("detectedDateTime", "activityDateTime").time(""), modified: in("riskLastUpdatedDateTime", "lastUpdatedDateTime").time(""),
		severity: level(in("riskLevel").scalar()), open: open})
	b.evidence()
	b.unmapped.Set("riskState", in("riskState").scalar())
	b.unmapped.Set("riskLevel", in("riskLevel").scalar())
}

// microsoftAlert maps alerts of Defender and of Graph's security API.
func (b *build) microsoftAlert() {
	r, e := b.r, b.e
	in := both(r)
	b.vendor = "Microsoft"
	b.product = cmp.Or(in("productName", "serviceSource", "vendorInformation.provider", "ProviderName").scalar(), "Microsoft Defender")
	open := map[string]int{"inprogress": 2, "dismissed": 3, "resolved": 4}[strings.ToLower(in("status").scalar())]
	f := finding{uid: cmp.Or(in("id", "systemAlertId", "alertId").scalar(), e.ID), title: cmp.Or(in("title", "alertDisplayName", "displayName").scalar(), e.Action),
		desc: in("description").scalar(), types: in("category", "alertType", "intent").strings(5), created: in("createdDateTime", "timeGeneratedUtc", "timeGenerated").time(""),
		modified: in("lastUpdateDateTime", "lastModifiedDateTime", "processingEndTimeUtc").time(""), first: in("firstActivityDateTime", "eventDateTime", "startTimeUtc").time(""),
		last: in("lastActivityDateTime", "endTimeUtc").time(""), url: in("alertWebUrl", "alertUri", "alertLink").scalar(), analytic: cmp.Or(in("detectorId", "alertType").scalar(), e.Action),
		severity: level(in("severity").scalar()), open: open, attacks: in("mitreTechniques", "techniques").strings(20), remediation: in("recommendedActions", "remediationSteps").scalar()}
	b.report(detectionFinding, f)
	b.evidence("data", data(in("additionalData", "extendedProperties")))
	b.unmapped.Set("incidentId", in("incidentId").scalar())
}
