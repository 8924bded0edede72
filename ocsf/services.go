package ocsf

import (
	"cmp"
	"strings"
)

// macie maps the findings of Amazon Macie: sensitive data, and buckets that are too open.
func (b *build) macie() {
	r, e := b.r, b.e
	b.vendor, b.product, b.feature, b.productVersion = "AWS", "Amazon Macie", r.str("category"), r.str("schemaVersion")
	open := 1
	if r.flag("archived") == true {
		open = 5
	}
	bucket, object := r.at("resourcesAffected.s3Bucket"), r.at("resourcesAffected.s3Object")
	b.resources = nil
	if arn := bucket.str("arn"); arn != "" {
		b.resources = append(b.resources, Of("uid", arn, "name", bucket.str("name"), "type", "AWS::S3::Bucket"))
	}
	if path := object.str("path"); path != "" {
		b.resources = append(b.resources, Of("uid", path, "name", object.str("key"), "type", "S3 object"))
	}
	b.report(detectionFinding, finding{uid: r.str("id"), title: r.str("title"), desc: r.str("description"), types: []string{e.Action}, created: r.time("createdAt"),
		modified: r.time("updatedAt"), analytic: r.str("type"), severity: level(r.str("severity.description")), open: open})
	b.evidence("data", data(r.get("classificationDetails")))
	b.more.Set("count", r.num("count"))
}

// azureResource maps the resource logs of Azure's services, such as those of a key vault:
// calls of the service.
func (b *build) azureResource() {
	r, e := b.r, b.e
	in := both(r)
	id := cmp.Or(r.str("resourceId"), r.str("_ResourceId"))
	provider, parts := id, strings.Split(id, "/")
	for i, p := range parts[:len(parts)-1] {
		if strings.EqualFold(p, "providers") {
			provider = parts[i+1]
		}
	}
	b.vendor, b.product, b.feature, b.productVersion = "Microsoft", cmp.Or(provider, "Azure"), r.str("category"), r.str("operationVersion")
	b.meta.Set("correlation_uid", r.str("correlationId"))
	b.meta.Set("original_time", r.str("time", "TimeGenerated"))
	claim := r.any("identity.claim", "identity.claims")
	user := User(e.Actor)
	if len(user) > 0 {
		googleType(&user, e.Actor.Type)
		user.Set("uid_alt", cmp.Or(claim.get("http://schemas.microsoft.com/identity/claims/objectidentifier").scalar(), claim.str("oid")))
	}
	b.actor = Of("user", user, "app_uid", claim.str("appid"))
	b.http = Of("user_agent", in("clientInfo", "userAgentHeader").scalar())
	if uri := in("requestUri", "uri").scalar(); uri != "" {
		b.http.Set("url", Of("url_string", uri))
	}
	code := in("httpStatusCode", "statusCode").num("")
	b.statusCode = cmp.Or(in("resultSignature").scalar(), in("httpStatusCode", "statusCode").scalar())
	b.statusDetail = in("resultDescription", "statusText").scalar()
	b.api = Of("operation", orUnknown(e.Action), "service", Of("name", provider), "request", Of("uid", r.str("correlationId")), "response", Of("code", code, "message", b.statusDetail))
	activity := crud(e.Action)
	if activity == other { // SecretGet, GetBlob, SecretList
		for _, word := range []struct {
			end string
			is  int
		}{{"get", 2}, {"list", 2}, {"set", 3}, {"update", 3}, {"create", 1}, {"import", 1}, {"delete", 4}, {"purge", 4}} {
			if strings.HasSuffix(strings.ToLower(e.Action), word.end) {
				activity = word.is
			}
		}
	}
	b.is(apiActivity, activity, e.Action)
}

// envelope fills in what every entry of Cloud Logging has.
func (b *build) envelope(product string) value {
	r := b.r
	b.vendor, b.product, b.feature = "Google", product, gcpLog(r.str("logName"))
	b.meta.Set("log_provider", r.str("logName"))
	b.meta.Set("original_time", r.str("timestamp"))
	b.meta.Set("logged_time", r.time("receiveTimestamp"))
	b.meta.Set("log_level", r.str("severity"))
	b.cloud = b.gcpCloud(r.str("logName"))
	if p := r.get("jsonPayload"); p.n != 0 {
		return p
	}
	return r
}

// gcpFirewall maps the firewall rules' log of Google Cloud.
func (b *build) gcpFirewall() {
	p := b.envelope("Firewall Rules Logging")
	c, rule, vm := p.get("connection"), p.get("rule_details"), p.get("instance")
	b.src = flowEnd(c.str("src_ip"), "", c.num("src_port"), "")
	b.dst = flowEnd(c.str("dest_ip"), "", c.num("dest_port"), "")
	info := connection(c.num("protocol"), c.str("protocol"), nil)
	own := &b.dst
	switch rule.str("direction") {
	case "INGRESS":
		setDirection(info, 1)
	case "EGRESS":
		setDirection(info, 2)
		own = &b.src
	}
	own.Set("instance_uid", vm.str("vm_name"))
	own.Set("zone", vm.str("zone"))
	own.Set("vpc_uid", p.str("vpc.vpc_name"))
	own.Set("subnet_uid", p.str("vpc.subnetwork_name"))
	b.more.Set("connection_info", *info)
	b.flow(p.str("disposition"))
	if name := rule.str("reference"); name != "" {
		if !b.more.Has("action_id") {
			b.control(0, 0)
		}
		b.more.Set("firewall_rule", Of("uid", name, "name", lastName(name), "type", rule.str("action")))
	}
}

// gcpDNS maps the queries that Cloud DNS answered.
func (b *build) gcpDNS() {
	e := b.e
	p := b.envelope("Cloud DNS")
	b.src = Endpoint(orUnknown(cmp.Or(e.SrcIP, p.str("sourceIP"))))
	b.src.Set("instance_uid", p.str("vmInstanceName", "vmInstanceIdString"))
	b.src.Set("zone", p.str("vmZoneName"))
	b.src.Set("vpc_uid", p.str("sourceNetwork"))
	b.dst = Of("ip", ip(p.str("destinationIP")))
	b.more.Set("connection_info", *connection(nil, p.str("protocol"), nil))
	if name := p.str("queryName"); name != "" {
		b.more.Set("query", Of("hostname", name, "type", p.str("queryType")))
	}
	var answers []Object
	for line := range strings.SplitSeq(p.str("rdata"), "\n") {
		if f := strings.Fields(line); len(f) >= 5 && len(answers) < 100 {
			answers = append(answers, Of("rdata", strings.Join(f[4:], " "), "type", strings.ToUpper(f[3]), "class", f[2], "ttl", whole(f[1])))
		}
	}
	b.more.Set("answers", answers)
	b.dns(p.str("responseCode"))
	b.is(dnsActivity, 6, "")
}

// gcpLoadBalancer maps the requests that a load balancer of Google Cloud took, with what
// Cloud Armor decided.
func (b *build) gcpLoadBalancer() {
	r, e := b.r, b.e
	p := b.envelope("Cloud Load Balancing")
	q := r.get("httpRequest")
	address, at := hostPort(q.str("remoteIp"))
	b.src = Endpoint(orUnknown(cmp.Or(e.SrcIP, address)))
	b.src.Set("port", port(whole(at)))
	server, at := hostPort(q.str("serverIp"))
	b.dst = Of("ip", ip(server), "port", port(whole(at)), "svc_name", r.str("resource.labels.backend_service_name"))
	b.web(web{method: q.str("requestMethod"), url: q.str("requestUrl"), version: q.str("protocol"), agent: q.str("userAgent"), referrer: q.str("referer"),
		code: q.num("status"), received: q.num("requestSize"), sent: q.num("responseSize")})
	if policy := p.get("enforcedSecurityPolicy"); policy.str("name") != "" {
		switch policy.str("outcome") {
		case "DENY":
			b.control(2, 2)
		case "ACCEPT":
			b.control(1, 1)
		default:
			b.control(0, 0)
		}
		b.more.Set("policy", Of("name", policy.str("name")))
		b.more.Set("firewall_rule", Of("name", policy.str("name"), "uid", policy.str("priority"), "type", policy.str("configuredAction"),
			"match_details", policy.get("preconfiguredExprIds").strings(20)))
	}
	b.statusDetail = p.str("statusDetails")
	b.unmapped.Set("resource", data(r.get("resource")))
}

// transparency maps Access Transparency: what Google's own people did.
func (b *build) transparency() {
	r, e := b.r, b.e
	p := b.envelope("Access Transparency")
	b.actor = Of("user", User(e.Actor), "app_name", p.str("product"))
	b.api = Of("operation", orUnknown(e.Action), "service", Of("name", p.str("product")), "request", Of("uid", cmp.Or(r.str("insertId"), e.ID)))
	country := p.str("location.principalPhysicalLocationCountry")
	b.src = Endpoint(orUnknown(e.SrcIP))
	b.src.Set("location", location(country, "", "", nil, nil))
	b.unmapped.Set("reason", p.get("reason"))
	b.unmapped.Set("principalJobTitle", p.str("principalJobTitle"))
	b.is(apiActivity, crud(e.Action), e.Action)
}

// workspaceAlert maps the alert center of Google Workspace.
func (b *build) workspaceAlert() {
	r := b.r
	if p := r.get("jsonPayload"); p.n != 0 && r.get("type").n == 0 {
		r = p
	}
	b.vendor, b.product, b.feature = "Google", "Google Workspace Alert Center", r.str("source")
	open := map[string]int{"IN_PROGRESS": 2, "CLOSED": 4}[r.str("metadata.status")]
	b.report(detectionFinding, finding{uid: r.str("alertId"), title: r.str("type"), types: []string{r.str("type")}, created: r.time("createTime"), modified: r.time("updateTime"),
		first: r.time("startTime"), last: r.time("endTime"), analytic: r.str("type"), severity: level(r.str("metadata.severity")), open: open})
	b.evidence("data", data(r.get("data")))
}

// prowler maps the findings of Prowler's own formats: checks that passed or failed.
func (b *build) prowler() {
	r, e := b.r, b.e
	b.vendor, b.product = "Prowler", "Prowler"
	b.meta.Set("original_time", r.looseStr("assessmentstarttime", "timestamp"))
	check := cmp.Or(r.looseStr("checkid", "controlid"), e.Action)
	var standards []string
	for i := r.loose("compliance").opened().node().child; i != 0 && len(standards) < 20; i = r.t.nodes[i].next {
		if key := r.t.nodes[i].key; key != "" {
			standards = append(standards, key)
		}
	}
	if standards == nil {
		standards = []string{cmp.Or(r.looseStr("level"), "Prowler")}
	}
	status := r.looseStr("status")
	f := finding{uid: cmp.Or(r.looseStr("findinguniqueid", "findinguid"), e.ID), title: cmp.Or(r.looseStr("checktitle", "control"), e.Action),
		desc: r.looseStr("statusextended", "message", "description"), types: r.loose("checktype").strings(10), analytic: check,
		severity: level(r.looseStr("severity")), url: r.looseStr("relatedurl", "doclink")}
	if strings.EqualFold(status, "PASS") {
		f.open = 4
	}
	b.cloud = prowlerCloud(r, b.e.Account, b.e.Region)
	b.report(complianceFinding, f)
	b.compliance(status, check, standards, value{})
	b.evidence()
}

// prowlerCloud is the cloud that was checked.
func prowlerCloud(r value, account, region string) Object {
	provider := map[string]string{"": "AWS", "aws": "AWS", "gcp": "GCP", "azure": "Azure", "m365": "Azure"}[strings.ToLower(r.looseStr("provider"))]
	if provider == "" {
		provider = r.looseStr("provider")
	}
	return Of("provider", provider, "region", region, "account", Of("uid", account))
}

// datadog maps Datadog's audit trail.
func (b *build) datadog() {
	r, e := b.r, b.e
	b.vendor, b.product, b.feature = "Datadog", "Datadog Audit Trail", r.str("evt.name")
	b.meta.Set("original_time", r.str("timestamp"))
	b.meta.Set("event_code", r.str("evt.name"))
	user := User(e.Actor)
	if len(user) > 0 {
		googleType(&user, e.Actor.Type)
		user.Set("uid_alt", r.str("usr.uuid"))
		user.Set("email_addr", email(r.str("usr.email")))
	}
	b.actor = Of("user", user)
	b.http = Of("user_agent", r.str("http.useragent"), "http_method", knownMethod(r.str("http.method")))
	b.statusCode = r.str("http.status_code")
	b.api = Of("operation", orUnknown(e.Action), "service", Of("name", cmp.Or(r.str("evt.name"), "Datadog")), "request", Of("uid", e.ID), "response", Of("code", r.num("http.status_code")))
	if r.str("evt.name") == "Authentication" && (r.str("action") == "login" || r.str("action") == "logout") {
		activity := 1
		if r.str("action") == "logout" {
			activity = 2
		}
		if e.SrcIP != "" {
			b.src = Endpoint(e.SrcIP)
		}
		b.user = user
		b.more.Set("service", Of("name", "Datadog"))
		b.is(authentication, activity, e.Action)
		return
	}
	b.is(apiActivity, crud(cmp.Or(r.str("action"), e.Action)), e.Action)
}
