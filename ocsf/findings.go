package ocsf

import (
	"cmp"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
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

// guardDuty maps the findings of GuardDuty.
func (b *build) guardDuty() {
	r, e := b.r, b.e
	if inner := r.get("finding"); inner.n != 0 && r.get("id").n == 0 {
		r = inner
	}
	b.vendor, b.product, b.productVersion = "AWS", "GuardDuty", r.str("schemaVersion")
	severity := 0
	if s, ok := decimal(r.str("severity")).(float64); ok {
		switch {
		case s >= 9:
			severity = 5
		case s >= 7:
			severity = 4
		case s >= 4:
			severity = 3
		default:
			severity = 2
		}
	}
	service := r.get("service")
	open := 1
	if service.flag("archived") == true {
		open = 5
	}
	b.more.Set("count", service.num("count"))
	action := service.get("action")
	call := action.get("awsApiCallAction")
	var api, dns any
	if name := call.str("api"); name != "" {
		api = Of("operation", name, "service", Of("name", call.str("serviceName")), "response", Of("error", call.str("errorCode")))
	}
	if name := action.str("dnsRequestAction.domain"); name != "" {
		dns = Of("hostname", name)
	}
	remote := action.any("awsApiCallAction.remoteIpDetails", "networkConnectionAction.remoteIpDetails", "portProbeAction.portProbeDetails.remoteIpDetails",
		"kubernetesApiCallAction.remoteIpDetails", "rdsLoginAttemptAction.remoteIpDetails")
	var src any
	if address := cmp.Or(e.SrcIP, remote.str("ipAddressV4", "ipAddressV6")); address != "" {
		s := Endpoint(address)
		s.Set("location", location(remote.str("country.countryCode"), "", remote.str("city.cityName"), decimal(remote.str("geoLocation.lat")), decimal(remote.str("geoLocation.lon"))))
		if n := remote.num("organization.asn"); n != nil {
			s.Set("autonomous_system", Of("number", n, "name", remote.str("organization.asnOrg")))
		}
		src = s
	}
	b.report(detectionFinding, finding{uid: r.str("id"), title: r.str("title"), desc: r.str("description"), types: []string{e.Action},
		created: r.time("createdAt"), modified: r.time("updatedAt"), first: service.time("eventFirstSeen"), last: service.time("eventLastSeen"),
		analytic: r.str("type"), severity: severity, open: open, product: r.str("arn")})
	b.evidence("api", api, "query", dns, "src_endpoint", src)
	b.unmapped.Set("severity", r.str("severity"))
	b.unmapped.Set("detectorId", service.str("detectorId"))
	b.unmapped.Set("resource", data(r.get("resource")))
}

// securityHub maps findings in the AWS Security Finding Format: a check is a Compliance
// Finding, a weakness with its number a Vulnerability Finding, all others are detections.
func (b *build) securityHub() {
	r, e := b.r, b.e
	b.vendor, b.product, b.productVersion = cmp.Or(r.str("CompanyName"), "AWS"), cmp.Or(r.str("ProductName"), "Security Hub"), r.str("SchemaVersion")
	open := map[string]int{"NOTIFIED": 2, "SUPPRESSED": 3, "RESOLVED": 4}[r.str("Workflow.Status")]
	if r.str("RecordState") == "ARCHIVED" {
		open = 5
	}
	f := finding{uid: r.str("Id"), title: r.str("Title"), desc: r.str("Description"), types: r.get("Types").strings(20), url: r.str("SourceUrl"), product: r.str("ProductArn"),
		created: r.time("CreatedAt"), modified: r.time("UpdatedAt"), first: r.time("FirstObservedAt"), last: r.time("LastObservedAt"),
		analytic: cmp.Or(r.str("Compliance.SecurityControlId"), r.str("GeneratorId")), severity: asffSeverity(r), open: open,
		remediation: r.str("Remediation.Recommendation.Text")}
	b.resources = asffResources(r.get("Resources"), e)
	b.unmapped.Set("ProductFields", data(r.get("ProductFields")))
	status := r.str("Compliance.Status")
	switch {
	case r.str("Vulnerabilities.Id") != "":
		b.report(vulnerabilityFinding, f)
		b.more.Set("vulnerabilities", asffVulnerabilities(r.get("Vulnerabilities"), f))
	case status != "":
		b.report(complianceFinding, f)
		b.compliance(status, r.str("Compliance.SecurityControlId"), asffStandards(r), r.get("Compliance.RelatedRequirements"))
		b.evidence()
	default:
		b.report(detectionFinding, f)
		b.evidence("api", apiOf(r.str("Action.AwsApiCallAction.Api"), r.str("Action.AwsApiCallAction.ServiceName")))
	}
}

func apiOf(operation, service string) any {
	if operation == "" {
		return nil
	}
	return Of("operation", operation, "service", Of("name", service))
}

func asffSeverity(r value) int {
	if id := level(r.str("Severity.Label")); id != 0 {
		return id
	}
	if n, ok := r.num("Severity.Normalized").(int64); ok {
		switch {
		case n >= 90:
			return 5
		case n >= 70:
			return 4
		case n >= 40:
			return 3
		case n >= 1:
			return 2
		}
		return 1
	}
	return 0
}

func asffResources(list value, e *yagura.Event) []Object {
	var out []Object
	list.each(func(x value) bool {
		if id := x.str("Id"); id != "" {
			out = append(out, Of("uid", id, "name", lastName(id), "type", x.str("Type"), "cloud_partition", x.str("Partition"), "region", x.str("Region"),
				"owner", ownerOf(x.str("ResourceOwnerAccountId"))))
		}
		return len(out) < maxObservables
	})
	if out == nil {
		out = resources(e.Targets)
	}
	return out
}

func ownerOf(account string) any {
	if account == "" {
		return nil
	}
	return Of("account", Of("uid", account))
}

// asffStandards are the standards that a check is of, by the record or by its generator.
func asffStandards(r value) []string {
	var out []string
	r.at("Compliance.AssociatedStandards").each(func(s value) bool {
		if id := s.str("StandardsId"); id != "" {
			out = append(out, id)
		}
		return len(out) < 20
	})
	if arn := r.str("ProductFields.StandardsArn", "ProductFields.StandardsGuideArn"); out == nil && arn != "" {
		out = []string{arn}
	}
	if out == nil {
		out = []string{cmp.Or(r.str("GeneratorId"), r.str("ProductName"), "AWS Security Hub")}
	}
	return out
}

// compliance fills in how a check went.
func (b *build) compliance(status, control string, standards []string, requirements value) {
	id, caption := other, status
	switch strings.ToUpper(status) {
	case "PASSED", "PASS", "COMPLIANT":
		id, caption = 1, "Pass"
	case "WARNING":
		id, caption = 2, "Warning"
	case "FAILED", "FAIL", "NON_COMPLIANT":
		id, caption = 3, "Fail"
	case "NOT_AVAILABLE", "":
		id, caption = 0, "Unknown"
	}
	b.more.Set("compliance", Of("standards", standards, "control", control, "requirements", requirements.strings(50), "status_id", id, "status", caption, "status_code", status))
	b.statusCode = status
}

func asffVulnerabilities(list value, f finding) []Object {
	var out []Object
	list.each(func(v value) bool {
		id := v.str("Id")
		if id == "" {
			return true
		}
		var scores []Object
		v.get("Cvss").each(func(c value) bool {
			if score := decimal(c.str("BaseScore")); score != nil {
				scores = append(scores, Of("base_score", score, "version", orUnknown(c.str("Version")), "vector_string", c.str("BaseVector"), "vendor_name", c.str("Source")))
			}
			return len(scores) < 10
		})
		var packages []Object
		v.get("VulnerablePackages").each(func(p value) bool {
			if name := p.str("Name"); name != "" {
				packages = append(packages, Of("name", name, "version", orUnknown(p.str("Version")), "architecture", p.str("Architecture"),
					"package_manager", p.str("PackageManager"), "path", p.str("FilePath"), "fixed_in_version", p.str("FixedInVersion")))
			}
			return len(packages) < 50
		})
		out = append(out, vulnerability(id, scores, packages, v.get("ReferenceUrls").strings(20), f, v.str("Vendor.Name")))
		return len(out) < 50
	})
	return out
}

// vulnerability is one weakness. What has no number of its own is told as a CVE by the
// number that it has, which the schema requires.
func vulnerability(id string, scores, packages []Object, urls []string, f finding, vendor string) Object {
	return Of("cve", Of("uid", id, "cvss", scores, "references", urls), "title", f.title, "desc", f.desc, "severity", SeverityName(f.severity),
		"affected_packages", packages, "vendor_name", vendor, "first_seen_time", f.first, "last_seen_time", f.last, "references", urls,
		"remediation", remediationOf(f.remediation))
}

func remediationOf(text string) any {
	if text == "" {
		return nil
	}
	return Of("desc", text)
}

// inspector maps the findings of Amazon Inspector.
func (b *build) inspector() {
	r, e := b.r, b.e
	b.vendor, b.product = "AWS", "Amazon Inspector"
	open := map[string]int{"SUPPRESSED": 3, "CLOSED": 4}[strings.ToUpper(r.str("status"))]
	f := finding{uid: r.str("findingArn"), title: r.str("title"), desc: r.str("description"), types: r.get("type").strings(1), url: r.at("packageVulnerabilityDetails").str("sourceUrl"),
		created: r.time("firstObservedAt"), modified: r.time("updatedAt"), first: r.time("firstObservedAt"), last: r.time("lastObservedAt"),
		severity: level(strings.ReplaceAll(r.str("severity"), "UNTRIAGED", "")), open: open, remediation: r.str("remediation.recommendation.text")}
	b.resources = nil
	r.get("resources").each(func(x value) bool {
		if id := x.str("id"); id != "" {
			b.resources = append(b.resources, Of("uid", id, "name", lastName(id), "type", x.str("type"), "region", x.str("region"), "cloud_partition", x.str("partition")))
		}
		return len(b.resources) < maxObservables
	})
	d := r.get("packageVulnerabilityDetails")
	id := cmp.Or(d.str("vulnerabilityId"), r.str("codeVulnerabilityDetails.cwes"))
	if id == "" {
		f.analytic = e.Action
		b.report(detectionFinding, f)
		b.evidence()
		return
	}
	var scores, packages []Object
	d.get("cvss").each(func(c value) bool {
		if score := decimal(c.str("baseScore")); score != nil {
			scores = append(scores, Of("base_score", score, "version", orUnknown(c.str("version")), "vector_string", c.str("scoringVector"), "vendor_name", c.str("source")))
		}
		return len(scores) < 10
	})
	d.get("vulnerablePackages").each(func(p value) bool {
		if name := p.str("name"); name != "" {
			packages = append(packages, Of("name", name, "version", orUnknown(p.str("version")), "architecture", p.str("arch"), "package_manager", p.str("packageManager"),
				"path", p.str("filePath"), "fixed_in_version", p.str("fixedInVersion"), "release", p.str("release")))
		}
		return len(packages) < 50
	})
	b.report(vulnerabilityFinding, f)
	b.more.Set("vulnerabilities", []Object{vulnerability(id, scores, packages, d.get("referenceUrls").strings(20), f, d.str("source"))})
}

// accessAnalyzer maps the findings of IAM Access Analyzer.
func (b *build) accessAnalyzer() {
	r, e := b.r, b.e
	b.vendor, b.product = "AWS", "IAM Access Analyzer"
	open := map[string]int{"ARCHIVED": 5, "RESOLVED": 4}[strings.ToUpper(r.str("status"))]
	kind := cmp.Or(r.str("findingType", "type"), e.Action, "ExternalAccess")
	b.report(detectionFinding, finding{uid: r.str("id", "findingId", "arn"), title: cmp.Or(e.Action, kind), types: []string{kind}, created: r.time("createdAt"), modified: r.time("updatedAt"),
		last: r.time("analyzedAt"), analytic: kind, severity: 3, open: open})
	b.evidence("data", data(r))
	if resource := r.str("resource"); resource != "" {
		b.resources = []Object{Of("uid", resource, "name", lastName(resource), "type", r.str("resourceType"), "owner", ownerOf(r.str("resourceOwnerAccount")))}
	}
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

// configItem maps a resource's configuration as AWS Config records it: an inventory. What a
// rule of Config says of a resource is a Compliance Finding.
func (b *build) configItem() {
	r, e := b.r, b.e
	if status := r.str("newEvaluationResult.complianceType"); status != "" {
		b.configRule(status)
		return
	}
	if r.str("messageType") == "ComplianceChangeNotification" {
		b.configJudgement()
		return
	}
	if inner := r.any("configurationItem", "configurationItemSummary"); inner.n != 0 {
		r = inner
	}
	b.vendor, b.product, b.productVersion = "AWS", "AWS Config", r.str("version", "configurationItemVersion")
	b.meta.Set("original_time", r.str("configurationItemCaptureTime"))
	id := cmp.Or(r.str("ARN", "arn"), r.str("resourceId"))
	if id != "" {
		b.resources = []Object{Of("uid", id, "name", cmp.Or(r.str("resourceName"), lastName(id)), "type", r.str("resourceType"), "region", r.str("awsRegion"),
			"owner", ownerOf(r.str("awsAccountId", "accountId")), "data", data(r.get("configuration")))}
	}
	b.more.Set("region", cmp.Or(e.Region, r.str("awsRegion")))
	b.statusCode = r.str("configurationItemStatus")
	b.is(inventoryInfo, 1, "")
}

// configRule maps the judgement of a rule of AWS Config.
func (b *build) configRule(status string) {
	r := b.r
	b.vendor, b.product, b.productVersion = "AWS", "AWS Config", r.str("recordVersion")
	b.meta.Set("original_time", r.str("notificationCreationTime"))
	rule := r.str("configRuleName")
	f := finding{uid: strings.Trim(r.str("configRuleARN", "configRuleName")+"/"+r.str("resourceId"), "/"), title: rule, desc: r.str("newEvaluationResult.annotation"),
		analytic: cmp.Or(r.str("configRuleARN"), rule), analyticName: rule, modified: r.time("newEvaluationResult.resultRecordedTime"), severity: 3}
	if status == "COMPLIANT" {
		f.open = 4
	}
	if id := r.str("resourceId"); id != "" {
		b.resources = []Object{Of("uid", id, "name", lastName(id), "type", r.str("resourceType"), "region", r.str("awsRegion"), "owner", ownerOf(r.str("awsAccountId")))}
	}
	b.report(complianceFinding, f)
	b.compliance(status, rule, []string{cmp.Or(rule, "AWS Config")}, value{})
}

// asset maps a resource as Google's Asset Inventory has it.
func (b *build) asset() {
	r, e := b.r, b.e
	a := r
	if inner := r.get("asset"); inner.n != 0 {
		a = inner
	}
	b.vendor, b.product = "Google", "Cloud Asset Inventory"
	b.meta.Set("original_time", cmp.Or(a.str("updateTime"), r.str("window.startTime")))
	if name := a.str("name"); name != "" {
		b.resources = []Object{Of("uid", name, "name", lastName(name), "type", a.str("assetType"), "data", data(a.at("resource.data")))}
	}
	b.more.Set("region", e.Region)
	b.unmapped.Set("iamPolicy", data(a.get("iamPolicy")))
	b.unmapped.Set("deleted", r.flag("deleted"))
	b.is(inventoryInfo, 1, "")
}

// configJudgement maps the notification that a rule of AWS Config judges a resource otherwise
// than before.
func (b *build) configJudgement() {
	r, e := b.r, b.e
	b.vendor, b.product = "AWS", "AWS Config"
	rule, id, compliance := e.Action, r.str("resourceId"), r.str("newEvaluationResult.complianceType")
	open := 1
	if compliance != "NON_COMPLIANT" && compliance != "INSUFFICIENT_DATA" {
		open = 4
	}
	b.report(complianceFinding, finding{uid: strings.TrimSpace(cmp.Or(r.str("configRuleARN"), rule) + " " + r.str("resourceType") + " " + id), title: rule, desc: r.str("newEvaluationResult.annotation"),
		types: []string{"Config rule"}, modified: r.time("newEvaluationResult.resultRecordedTime"), analytic: rule, severity: 3, open: open})
	b.compliance(compliance, rule, []string{"AWS Config"}, r.get("none"))
	if id != "" {
		b.resources = []Object{Of("uid", id, "name", lastName(id), "type", r.str("resourceType"), "region", r.str("awsRegion"), "owner", ownerOf(r.str("awsAccountId")))}
	}
}
