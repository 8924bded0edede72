package ocsf

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

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
