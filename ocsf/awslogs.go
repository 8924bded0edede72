package ocsf

import (
	"cmp"
	"strconv"
	"strings"
)

// vpcFlow maps VPC flow logs of any version. An address that a packet really came from or
// went to stands before that of the interface.
func (b *build) vpcFlow() {
	r := b.r
	b.vendor, b.product, b.feature, b.productVersion = "AWS", "Amazon VPC", "Flowlogs", r.looseStr("version")
	src, dst := r.looseStr("srcaddr", "sourceaddress"), r.looseStr("dstaddr", "destinationaddress")
	b.src = flowEnd(src, r.looseStr("pktsrcaddr"), r.looseNum("srcport", "sourceport"), r.looseStr("pktsrcawsservice"))
	b.dst = flowEnd(dst, r.looseStr("pktdstaddr"), r.looseNum("dstport", "destport", "destinationport"), r.looseStr("pktdstawsservice"))
	own := &b.dst // the interface that the log is of
	info := connection(r.looseNum("protocol"), r.looseStr("protocol"), r.looseNum("tcpflags"))
	switch strings.ToLower(r.looseStr("flowdirection")) {
	case "ingress":
		setDirection(info, 1)
	case "egress":
		setDirection(info, 2)
		own = &b.src
	}
	own.Set("interface_uid", r.looseStr("interfaceid"))
	own.Set("vpc_uid", r.looseStr("vpcid"))
	own.Set("subnet_uid", r.looseStr("subnetid"))
	own.Set("instance_uid", r.looseStr("instanceid"))
	if v := strings.TrimPrefix(r.looseStr("type"), "IPv"); v == "4" || v == "6" {
		info.Set("protocol_ver_id", int(v[0]-'0'))
		info.Set("protocol_ver", "Internet Protocol version "+v+" (IPv"+v+")")
	}
	b.more.Set("connection_info", *info)
	b.more.Set("traffic", Of("bytes", r.looseNum("bytes"), "packets", r.looseNum("packets")))
	b.more.Set("start_time", millis(r.looseStr("start", "starttime")))
	b.more.Set("end_time", millis(r.looseStr("end", "endtime")))
	b.statusCode = r.looseStr("logstatus")
	b.flow(r.looseStr("action"))
	b.unmapped.Set("traffic_path", r.looseStr("trafficpath"))
	b.unmapped.Set("reject_reason", r.looseStr("rejectreason"))
}

// flowEnd is one end of a flow. A flow of no data has none.
func flowEnd(addr, packet string, at any, service string) Object {
	o := Of("ip", ip(cmp.Or(packet, addr)), "port", port(at), "svc_name", service)
	if packet != "" && packet != addr && isIP(addr) {
		o.Set("intermediate_ips", []string{addr})
	}
	if o.Get("ip") == nil && o.Get("svc_name") == nil {
		o.Set("name", "unknown")
	}
	return o
}

// connection describes a connection by the number or name of its protocol.
func connection(num any, name string, flags any) *Object {
	o := Of("direction_id", 0, "direction", "Unknown")
	if n, ok := num.(int64); ok && n >= 0 && n < 256 {
		o.Set("protocol_num", n)
		name = ""
		switch n {
		case 1:
			name = "icmp"
		case 6:
			name = "tcp"
		case 17:
			name = "udp"
		case 58:
			name = "ipv6-icmp"
		}
	}
	o.Set("protocol_name", strings.ToLower(name))
	o.Set("tcp_flags", flags)
	return &o
}

func setDirection(o *Object, id int) {
	o.Set("direction_id", id)
	o.Set("direction", [...]string{"Unknown", "Inbound", "Outbound", "Lateral"}[id])
}

// flow sets class and disposition of a flow by what was done with it.
func (b *build) flow(action string) {
	switch strings.ToLower(action) {
	case "reject", "deny", "denied", "d", "drop":
		b.is(networkActivity, 5, "")
		b.control(2, 2)
	case "accept", "allow", "allowed", "a":
		b.is(networkActivity, 6, "")
		b.control(1, 1)
	default:
		b.is(networkActivity, 6, "")
	}
}

// control applies the security control profile: what was decided, and what became of it.
func (b *build) control(action, disposition int) {
	b.profiles = append(b.profiles, "security_control")
	b.more.Set("action_id", action)
	b.more.Set("action", [...]string{"Unknown", "Allowed", "Denied"}[action])
	b.more.Set("disposition_id", disposition)
	b.more.Set("disposition", dispositionName(disposition))
}

func dispositionName(id int) string {
	switch id {
	case 1:
		return "Allowed"
	case 2:
		return "Blocked"
	case 17:
		return "Logged"
	case 20:
		return "Count"
	case 22:
		return "Captcha"
	case 23:
		return "Challenge"
	case 19:
		return "Alert"
	}
	return "Unknown"
}

// web maps a request that was answered: method, address, answer. line is the request line
// of the log ("GET https://example.com:443/ HTTP/1.1"), where it has one.
type web struct {
	method, url, host, path, query, version, line string
	scheme                                        string
	agent, referrer, forwarded, uid               string
	code, received, sent                          any
}

func (b *build) web(w web) {
	if w.line != "" {
		parts := strings.Fields(w.line)
		if len(parts) > 0 {
			w.method = cmp.Or(w.method, parts[0])
		}
		if len(parts) > 1 {
			w.url = cmp.Or(w.url, parts[1])
		}
		if len(parts) > 2 {
			w.version = cmp.Or(w.version, parts[2])
		}
	}
	if rest := w.url; rest != "" {
		if scheme, more, ok := strings.Cut(rest, "://"); ok {
			w.scheme, rest = cmp.Or(w.scheme, scheme), more
			host, path, _ := strings.Cut(rest, "/")
			w.host, rest = cmp.Or(w.host, host), "/"+path
		}
		path, query, _ := strings.Cut(rest, "?")
		w.path, w.query = cmp.Or(w.path, path), cmp.Or(w.query, query)
	}
	host, at := hostPort(w.host)
	url := Of("hostname", host, "port", port(whole(at)), "path", w.path, "query_string", w.query, "scheme", w.scheme)
	if strings.Contains(w.url, "://") {
		url.Set("url_string", w.url)
	}
	if !url.Has("path") && !url.Has("url_string") {
		if len(url) > 0 {
			url.Set("path", "/")
		}
	}
	method := strings.ToUpper(w.method)
	b.http = Of("http_method", knownMethod(method), "url", url, "user_agent", w.agent, "referrer", w.referrer,
		"version", w.version, "uid", w.uid, "length", w.received)
	var through []string
	for s := range strings.SplitSeq(w.forwarded, ",") {
		if s = strings.TrimSpace(s); isIP(s) && len(through) < 20 {
			through = append(through, s)
		}
	}
	b.http.Set("x_forwarded_for", through)
	if code, ok := w.code.(int64); ok {
		b.answer = Of("code", code, "length", w.sent)
		if code >= 400 {
			b.status, b.statusText = 2, "Failure"
		} else if code > 0 {
			b.status, b.statusText = 1, "Success"
		}
	}
	if len(b.http) == 0 && len(b.answer) == 0 {
		b.http = Of("version", "unknown")
	}
	activity := other
	for id, name := range httpActivity.activities {
		if strings.EqualFold(name, method) {
			activity = id
		}
	}
	if method == "" {
		activity = 0
	}
	b.is(httpActivity, activity, method)
}

// knownMethod returns a method that the schema lists, else "".
func knownMethod(m string) string {
	switch m {
	case "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE":
		return m
	}
	return ""
}

// elb maps the access logs of load balancers: application and classic ones as HTTP, network
// ones and classic ones without HTTP as connections.
func (b *build) elb() {
	r := b.r
	b.vendor, b.product, b.feature = "AWS", "Elastic Load Balancing", "Access Logs"
	b.meta.Set("correlation_uid", r.looseStr("traceid"))
	end := func(ip, port, both string) (string, string) { // in two columns, or in one with a colon
		if addr := r.looseStr(ip); addr != "" {
			return addr, r.looseStr(port)
		}
		return hostPort(r.looseStr(port, both))
	}
	client, clientPort := end("clientip", "clientport", "client")
	target, targetPort := end("targetip", "targetport", "target")
	if target == "" {
		target, targetPort = end("backendip", "backendport", "destination")
	}
	b.src = Endpoint(cmp.Or(client, b.e.SrcIP, "unknown"))
	b.src.Set("port", port(whole(clientPort)))
	if target != "" {
		b.dst = Endpoint(target)
		b.dst.Set("port", port(whole(targetPort)))
	}
	if name := r.looseStr("elb", "elbname"); name != "" {
		if b.dst == nil {
			b.dst = Of("name", name)
		}
		b.unmapped.Set("elb", name)
	}
	b.unmapped.Set("target_group_arn", r.looseStr("targetgrouparn"))
	b.unmapped.Set("matched_rule_priority", r.looseStr("matchedrulepriority"))
	b.unmapped.Set("actions_executed", r.looseStr("actionsexecuted"))
	if cipher, version := r.looseStr("sslcipher", "tlscipher"), r.looseStr("sslprotocol", "tlsprotocolversion", "tlsprotocol"); version != "" {
		b.more.Set("tls", Of("version", version, "cipher", cipher, "sni", r.looseStr("domainname")))
	}
	line := r.looseStr("request")
	if line == "" && r.looseStr("requestverb", "requestmethod", "httpmethod") == "" {
		info := connection(int64(6), "", nil)
		b.more.Set("connection_info", *info)
		b.more.Set("traffic", Of("bytes_out", r.looseNum("receivedbytes"), "bytes_in", r.looseNum("sentbytes")))
		b.is(networkActivity, 6, "")
		return
	}
	if strings.HasPrefix(line, "- ") { // a connection without a request
		line = ""
	}
	b.web(web{line: line, method: r.looseStr("requestverb", "requestmethod", "httpmethod"), url: r.looseStr("requesturl", "url"),
		version: r.looseStr("requestproto", "requesthttpversion"), agent: r.looseStr("useragent"),
		code: r.looseNum("elbstatuscode", "statuscode"), received: r.looseNum("receivedbytes"), sent: r.looseNum("sentbytes"), uid: r.looseStr("traceid")})
}

// cloudFront maps both forms of CloudFront's access logs.
func (b *build) cloudFront() {
	r := b.r
	b.vendor, b.product, b.feature = "AWS", "Amazon CloudFront", "Access Logs"
	b.src = Endpoint(cmp.Or(r.looseStr("cip"), b.e.SrcIP, "unknown"))
	b.src.Set("port", port(r.looseNum("cport")))
	if country := r.looseStr("ccountry"); country != "" {
		b.src.Set("location", Of("country", country))
	}
	b.dst = Of("hostname", r.looseStr("xhostheader", "cshost"), "domain", r.looseStr("cshost"), "ip", ip(r.looseStr("sip")))
	agent := strings.ReplaceAll(r.looseStr("csuseragent"), "%20", " ")
	b.web(web{method: r.looseStr("csmethod"), host: r.looseStr("xhostheader", "cshost"), path: r.looseStr("csuristem"),
		query: r.looseStr("csuriquery"), version: r.looseStr("csprotocolversion"), scheme: r.looseStr("csprotocol"),
		agent: agent, referrer: r.looseStr("csreferer"), forwarded: r.looseStr("xforwardedfor"),
		uid: r.looseStr("xedgerequestid"), code: r.looseNum("scstatus"), received: r.looseNum("csbytes"), sent: r.looseNum("scbytes")})
	if version := r.looseStr("sslprotocol"); version != "" {
		b.more.Set("tls", Of("version", version, "cipher", r.looseStr("sslcipher")))
	}
	b.unmapped.Set("x_edge_result_type", r.looseStr("xedgeresulttype"))
	b.unmapped.Set("x_edge_location", r.looseStr("xedgelocation"))
	b.unmapped.Set("distribution", r.looseStr("distributionid", "distribution"))
}

// s3Access maps the server access logs of S3: what was done with an object of a bucket.
func (b *build) s3Access() {
	r, e := b.r, b.e
	b.vendor, b.product, b.feature = "AWS", "Amazon S3", "Server Access Logs"
	operation := r.looseStr("operation")
	requester := r.looseStr("requester")
	if requester != "" {
		b.actor = Of("user", Of("uid", cmp.Or(e.Actor.ID, requester), "uid_alt", requester, "name", e.Actor.Name))
	} else if e.Actor.ID == "" {
		b.actor = Of("user", Of("name", "Anonymous", "type_id", 0, "type", "Unknown"))
	}
	b.src = Endpoint(cmp.Or(r.looseStr("remoteip"), e.SrcIP, "unknown"))
	b.web(web{line: r.looseStr("requesturi"), agent: r.looseStr("useragent"), referrer: r.looseStr("referrer", "referer"),
		host: r.looseStr("hostheader", "endpoint"), uid: r.looseStr("requestid"), code: r.looseNum("httpstatus", "status"), sent: r.looseNum("bytessent")})
	b.api = Of("operation", cmp.Or(operation, e.Action, "unknown"), "service", Of("name", "s3.amazonaws.com"),
		"request", Of("uid", r.looseStr("requestid")), "response", Of("code", r.looseNum("httpstatus", "status"), "error", r.looseStr("errorcode")))
	b.statusCode = r.looseStr("errorcode")
	b.dst = Of("hostname", hostOnly(r.looseStr("hostheader", "endpoint")))
	activity := other
	switch verb, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(operation, "REST."), "BATCH."), "."); verb {
	case "GET", "HEAD", "OPTIONS", "WEBSITE", "SELECT":
		activity = 1
		if strings.HasSuffix(operation, ".BUCKET") || strings.Contains(operation, "VERSIONS") {
			activity = 8
		}
	case "PUT", "POST", "COPY", "UPLOAD":
		activity = 5
	case "DELETE":
		activity = 7
	}
	b.is(datastoreActivity, activity, cmp.Or(operation, e.Action))
	bucket := Of("name", cmp.Or(r.looseStr("bucket", "bucketname"), "unknown"), "type_id", 1, "type", "S3")
	if bucket.Get("name") != "unknown" {
		bucket.Set("uid", "arn:aws:s3:::"+r.looseStr("bucket", "bucketname"))
	}
	if key := r.looseStr("key", "objectkey"); key != "" {
		bucket.Set("file", Of("name", cmp.Or(lastName(key), key), "path", key, "type_id", 1, "type", "Regular File", "size", r.looseNum("objectsize")))
	}
	if owner := r.looseStr("bucketowner", "owner"); owner != "" {
		bucket.Set("owner", Of("uid", owner))
	}
	b.more.Set("databucket", bucket)
	b.more.Set("type_id", 2)
	b.more.Set("type", "Databucket")
}

func hostOnly(s string) string { h, _ := hostPort(s); return h }

// waf maps AWS WAF's logs: the request, the rule that ended its judgement, and what was done.
func (b *build) waf() {
	r := b.r
	b.vendor, b.product, b.feature, b.productVersion = "AWS", "AWS WAF", "WAF", r.str("formatVersion")
	q := r.get("httpRequest")
	header := func(name string) string { return named(q.get("headers"), name).scalar() }
	b.src = Endpoint(cmp.Or(q.str("clientIp"), b.e.SrcIP, "unknown"))
	b.src.Set("location", location(q.str("country"), "", "", nil, nil))
	b.dst = Of("svc_name", r.str("httpSourceName"), "uid", r.str("httpSourceId"))
	b.web(web{method: q.str("httpMethod"), host: cmp.Or(header("Host"), q.str("host")), path: q.str("uri"), query: q.str("args"),
		version: q.str("httpVersion"), scheme: q.str("scheme"), agent: header("User-Agent"), referrer: header("Referer"),
		forwarded: header("X-Forwarded-For"), uid: q.str("requestId"), code: r.num("responseCodeSent")})
	b.http.Set("args", q.str("args"))
	var labels []string
	r.get("labels").each(func(l value) bool {
		if name := l.str("name"); name != "" {
			labels = append(labels, name)
		}
		return len(labels) < 100
	})
	b.meta.Set("labels", labels)
	action := r.str("action")
	b.message = action
	switch strings.ToUpper(action) {
	case "ALLOW":
		b.control(1, 1)
	case "BLOCK":
		b.control(2, 2)
		b.status, b.statusText = 2, "Failure"
	case "COUNT":
		b.control(1, 20)
	case "CAPTCHA":
		b.control(2, 22)
	case "CHALLENGE":
		b.control(2, 23)
	default:
		b.control(0, 0)
	}
	match := r.get("terminatingRuleMatchDetails")
	rule := Of("uid", r.str("terminatingRuleId"), "name", r.str("rateBasedRuleList.rateBasedRuleName"), "type", r.str("terminatingRuleType"),
		"condition", match.str("conditionType"), "match_location", match.str("location"),
		"match_details", match.get("matchedData").strings(20), "rate_limit", r.num("rateBasedRuleList.maxRateAllowed"))
	if rule.Has("uid") || rule.Has("name") {
		b.more.Set("firewall_rule", rule)
	}
	b.unmapped.Set("webaclId", r.str("webaclId"))
}

// rcodes are the answers of a name server by name.
var rcodes = map[string]int{"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5, "YXDOMAIN": 6,
	"YXRRSET": 7, "NXRRSET": 8, "NOTAUTH": 9, "NOTZONE": 10}

func rcodeName(id int) string {
	return [...]string{"NoError", "FormError", "ServError", "NXDomain", "NotImp", "Refused", "YXDomain", "YXRRSet", "NXRRSet", "NotAuth", "NotZone"}[id]
}

// dns fills in what an answer of a name server says.
func (b *build) dns(rcode string) {
	if id, ok := rcodes[strings.ToUpper(rcode)]; ok {
		b.more.Set("rcode_id", id)
		b.more.Set("rcode", rcodeName(id))
		b.status, b.statusText = 1, "Success"
		if id != 0 {
			b.status, b.statusText = 2, "Failure"
		}
	} else if n, err := strconv.Atoi(rcode); err == nil && n >= 0 && n <= 10 {
		b.more.Set("rcode_id", n)
		b.more.Set("rcode", rcodeName(n))
	} else if rcode != "" {
		b.more.Set("rcode_id", other)
		b.more.Set("rcode", rcode)
	}
}

// hostedZone maps the query logs of public zones in Route 53: who asks is a resolver.
func (b *build) hostedZone() {
	r := b.r
	b.vendor, b.product, b.feature, b.productVersion = "AWS", "Route 53", "Query Logs", r.looseStr("version", "logformatversion")
	b.src = Endpoint(cmp.Or(b.e.SrcIP, r.looseStr("resolverip", "resolveripaddress"), "unknown"))
	b.dst = Of("zone", r.looseStr("edgelocation", "route53edgelocation"), "uid", r.looseStr("hostedzoneid"))
	b.more.Set("connection_info", *connection(nil, r.looseStr("protocol"), nil))
	if name := r.looseStr("queryname"); name != "" {
		b.more.Set("query", Of("hostname", name, "type", r.looseStr("querytype")))
	}
	b.more.Set("query_time", millis(r.looseStr("querytimestamp")))
	b.dns(r.looseStr("responsecode"))
	b.unmapped.Set("edns_client_subnet", r.looseStr("ednsclientsubnet"))
	b.is(dnsActivity, 6, "")
}

// route53 maps the query logs of the Route 53 resolver.
func (b *build) route53() {
	r := b.r
	b.vendor, b.product, b.feature, b.productVersion = "AWS", "Route 53", "Resolver Query Logs", r.str("version")
	b.src = Endpoint(cmp.Or(r.str("srcaddr"), b.e.SrcIP, "unknown"))
	b.src.Set("port", port(r.num("srcport")))
	b.src.Set("vpc_uid", r.str("vpc_id"))
	b.src.Set("instance_uid", r.str("srcids.instance"))
	b.dst = Of("instance_uid", r.str("srcids.resolver_endpoint"), "interface_uid", r.str("srcids.resolver_network_interface"))
	b.more.Set("connection_info", *connection(nil, r.str("transport"), nil))
	if name := r.str("query_name"); name != "" {
		b.more.Set("query", Of("hostname", name, "type", r.str("query_type"), "class", r.str("query_class")))
	}
	b.more.Set("query_time", r.time("query_timestamp"))
	var answers []Object
	r.get("answers").each(func(a value) bool {
		if data := a.str("Rdata"); data != "" {
			answers = append(answers, Of("rdata", data, "type", a.str("Type"), "class", a.str("Class")))
		}
		return len(answers) < 100
	})
	b.more.Set("answers", answers)
	b.dns(r.str("rcode"))
	switch strings.ToUpper(r.str("firewall_rule_action")) {
	case "BLOCK":
		b.control(2, 2)
	case "ALLOW":
		b.control(1, 1)
	case "ALERT":
		b.control(1, 19)
	}
	if id := r.str("firewall_rule_group_id"); id != "" {
		b.more.Set("firewall_rule", Of("uid", id))
		if !b.more.Has("action_id") {
			b.control(0, 0)
		}
	}
	b.is(dnsActivity, 6, "")
}
