package ocsf

import (
	"cmp"
	"strings"
)

// route53Public maps the log of the queries for a public zone of Route 53.
func (b *build) route53Public() {
	r := b.r
	b.vendor, b.product, b.feature, b.productVersion = "AWS", "Route 53", "Public DNS Query Logs", r.str("version")
	b.src = Endpoint(cmp.Or(r.str("resolver_ip"), b.e.SrcIP, "unknown"))
	b.dst = Of("zone", r.str("edge_location"))
	b.more.Set("connection_info", *connection(nil, r.str("protocol"), nil))
	b.query(r.str("query_name"), r.str("query_type"))
	b.more.Set("query_time", r.time("query_timestamp"))
	b.unmapped.Set("hosted_zone_id", r.str("hosted_zone_id"))
	b.dns(r.str("response_code"))
	b.is(dnsActivity, 6, "")
}

// gcpDNS maps the query logs of Cloud DNS, also as a row of Sentinel's table.
func (b *build) gcpDNS() {
	r := b.r
	p := func(name string) string { return r.str("jsonPayload."+name, "payload_"+name+"_s") }
	b.vendor, b.product = "Google", "Cloud DNS"
	b.meta.Set("log_provider", r.str("logName", "log_name_s"))
	b.src = Endpoint(cmp.Or(p("sourceIP"), b.e.SrcIP, "unknown"))
	b.src.Set("instance_uid", p("vmInstanceName"))
	b.src.Set("vpc_uid", p("sourceNetwork"))
	b.more.Set("connection_info", *connection(nil, p("protocol"), nil))
	b.query(p("queryName"), p("queryType"))
	var answers []Object
	for line := range strings.SplitSeq(p("rdata"), "\n") { // name, TTL, class, type and data
		if f := strings.Split(line, "\t"); len(f) == 5 && len(answers) < 100 {
			answers = append(answers, Of("rdata", f[4], "type", strings.ToUpper(f[3]), "class", f[2]))
		}
	}
	b.more.Set("answers", answers)
	b.dns(p("responseCode"))
	b.is(dnsActivity, 6, "")
}

// query sets what was asked for.
func (b *build) query(name, kind string) {
	if name != "" {
		b.more.Set("query", Of("hostname", name, "type", kind))
	}
}

// gcpBalancer maps the requests to Google Cloud's load balancers, with what Cloud Armor did.
func (b *build) gcpBalancer() {
	r := b.r
	q, p, labels := r.get("httpRequest"), r.get("jsonPayload"), r.get("resource.labels")
	b.vendor, b.product = "Google", "Cloud Load Balancing"
	b.meta.Set("log_provider", r.str("logName"))
	b.meta.Set("correlation_uid", r.str("trace"))
	client, clientPort := hostPort(q.str("remoteIp"))
	b.src = Endpoint(cmp.Or(client, b.e.SrcIP, "unknown"))
	b.src.Set("port", port(whole(clientPort)))
	if server, serverPort := hostPort(q.str("serverIp")); server != "" {
		b.dst = Endpoint(server)
		b.dst.Set("port", port(whole(serverPort)))
	} else {
		b.dst = Of("svc_name", labels.str("backend_service_name", "backend_name"))
	}
	b.web(web{method: q.str("requestMethod"), url: q.str("requestUrl"), version: q.str("protocol"), agent: q.str("userAgent"), referrer: q.str("referer"),
		code: q.num("status"), received: q.num("requestSize"), sent: q.num("responseSize"), uid: r.str("insertId")})
	b.unmapped.Set("statusDetails", p.str("statusDetails"))
	b.unmapped.Set("forwarding_rule_name", labels.str("forwarding_rule_name"))
	armor := p.get("enforcedSecurityPolicy")
	if name := armor.str("name"); name != "" {
		b.more.Set("firewall_rule", Of("uid", armor.str("priority"), "name", name, "type", armor.str("configuredAction"), "match_details", armor.get("preconfiguredExprIds").strings(20)))
	}
	switch armor.str("outcome") {
	case "DENY":
		b.control(2, 2)
		b.status, b.statusText = 2, "Failure"
	case "ACCEPT":
		b.control(1, 1)
	default:
		if armor.str("name") != "" {
			b.control(0, 0)
		}
	}
}

// macie maps the findings of Amazon Macie.
func (b *build) macie() {
	r, e := b.r, b.e
	b.vendor, b.product, b.productVersion = "AWS", "Amazon Macie", r.str("schemaVersion")
	open := 1
	if r.flag("archived") == true {
		open = 5
	}
	b.more.Set("count", r.num("count"))
	b.report(detectionFinding, finding{uid: r.str("id"), title: r.str("title"), desc: r.str("description"), types: []string{e.Action}, created: r.time("createdAt"),
		modified: r.time("updatedAt"), analytic: e.Action, severity: level(r.str("severity.description")), open: open})
	var api any
	if name := r.str("policyDetails.action.apiCallDetails.api"); name != "" {
		api = Of("operation", name, "service", Of("name", r.str("policyDetails.action.apiCallDetails.apiServiceName")))
	}
	b.evidence("api", api, "data", data(r))
}

// workspaceAlert maps the alerts of Google Workspace's Alert Center.
func (b *build) workspaceAlert() {
	r, e := b.r, b.e
	b.vendor, b.product, b.feature = "Google", "Google Workspace Alert Center", r.str("source")
	open := map[string]int{"IN_PROGRESS": 2, "CLOSED": 4}[r.str("metadata.status")]
	if r.flag("deleted") == true {
		open = 5
	}
	b.report(detectionFinding, finding{uid: r.str("alertId"), title: e.Action, desc: r.str("data.description", "data.header"), types: []string{e.Action}, created: r.time("createTime"),
		modified: r.time("updateTime"), first: r.time("startTime"), last: r.time("endTime"), analytic: cmp.Or(r.str("data.@type"), e.Action), analyticName: e.Action,
		severity: level(r.str("metadata.severity")), open: open, url: r.str("securityInvestigationToolLink")})
	b.evidence("data", data(r))
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
