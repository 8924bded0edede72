package ocsf

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// gcpFlow maps VPC flow logs of Google Cloud.
func (b *build) gcpFlow() {
	r := b.r
	p := r.get("jsonPayload")
	if p.n == 0 {
		p = r
	}
	b.vendor, b.product, b.feature = "Google", "VPC Flow Logs", p.str("reporter")
	if rule := p.str("rule_details.reference"); rule != "" {
		b.product = "Cloud Next Generation Firewall"
		b.more.Set("firewall_rule", Of("uid", rule, "name", lastName(rule)))
	}
	b.meta.Set("log_provider", r.str("logName"))
	b.meta.Set("logged_time", r.time("receiveTimestamp"))
	c := p.get("connection")
	end := func(addr, at, instance, vpc string) Object {
		o := flowEnd(c.str(addr), "", c.num(at), "")
		vm := p.get(instance)
		o.Set("instance_uid", vm.str("vm_name"))
		o.Set("zone", vm.str("zone"))
		o.Set("vpc_uid", p.get(vpc).str("vpc_name"))
		o.Set("subnet_uid", p.get(vpc).str("subnetwork_name"))
		return o
	}
	b.src = end("src_ip", "src_port", "src_instance", "src_vpc")
	b.dst = end("dest_ip", "dest_port", "dest_instance", "dest_vpc")
	info := connection(c.num("protocol"), c.str("protocol"), nil)
	b.more.Set("connection_info", *info)
	b.more.Set("traffic", Of("bytes", p.num("bytes_sent"), "packets", p.num("packets_sent")))
	b.more.Set("start_time", p.time("start_time"))
	b.more.Set("end_time", p.time("end_time"))
	b.flow(strings.ToLower(p.str("disposition")))
}

// azureFlow maps a flow of a network security group or of a virtual network.
func (b *build) azureFlow() {
	r := b.r
	b.vendor, b.product, b.feature = "Microsoft", "Azure Network Watcher", "Flow logs"
	b.src = flowEnd(r.looseStr("srcip", "sourceip", "sourceaddress", "srcips"), "", r.looseNum("srcport", "sourceport"), "")
	b.dst = flowEnd(r.looseStr("destip", "destinationip", "dstip", "destinationaddress"), "", r.looseNum("destport", "destinationport", "dstport"), "")
	b.src.Set("mac", mac(r.looseStr("mac", "macaddress")))
	name := map[string]string{"t": "tcp", "u": "udp"}[strings.ToLower(r.looseStr("protocol", "l4protocol"))]
	info := connection(r.looseNum("protocol", "l4protocol"), cmp.Or(name, r.looseStr("protocol", "l4protocol")), nil)
	switch strings.ToLower(r.looseStr("direction", "flowdirection", "trafficflow")) {
	case "i", "inbound":
		setDirection(info, 1)
	case "o", "outbound":
		setDirection(info, 2)
	}
	b.more.Set("connection_info", *info)
	b.more.Set("traffic", Of("bytes_out", r.looseNum("bytessrctodest", "bytessent"), "bytes_in", r.looseNum("bytesdesttosrc", "bytesreceived"),
		"packets_out", r.looseNum("packetssrctodest", "packetssent"), "packets_in", r.looseNum("packetsdesttosrc", "packetsreceived")))
	b.flow(r.looseStr("decision", "trafficdecision", "action", "flowstatus"))
	b.unmapped.Set("rule", r.looseStr("rule", "rulename", "aclrule", "nsgrule"))
}

// mac writes a hardware address as the schema wants it, "" for what is none.
func mac(s string) string {
	hex := strings.NewReplacer(":", "", "-", "", ".", "").Replace(s)
	if len(hex) != 12 || strings.Trim(hex, "0123456789abcdefABCDEF") != "" {
		return ""
	}
	var out strings.Builder
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			out.WriteByte(':')
		}
		out.WriteString(hex[i : i+2])
	}
	return out.String()
}

// cloudflare maps the logs of Cloudflare by what they have: requests, DNS queries, firewall
// decisions, sign-ins through Access, and the audit log.
func (b *build) cloudflare(kind string) {
	r, e := b.r, b.e
	b.vendor, b.product, b.feature = "Cloudflare", "Cloudflare", kind
	b.meta.Set("original_time", r.str("EdgeStartTimestamp", "Datetime", "Timestamp", "when", "When", "CreatedAt"))
	switch {
	case r.str("QueryName") != "":
		b.src = Endpoint(orUnknown(cmp.Or(e.SrcIP, r.str("SourceIP", "SrcIP", "ClientIP"))))
		b.dst = Of("ip", ip(r.str("DstIP", "DestinationIP")), "port", port(r.num("DstPort", "DestinationPort")))
		b.more.Set("query", Of("hostname", r.str("QueryName"), "type", r.str("QueryTypeName", "QueryType")))
		b.gateway()
		b.dns(r.str("ResponseCode", "RCode"))
		b.is(dnsActivity, 6, "")
	case r.get("ClientRequestMethod").n != 0 || r.get("ClientRequestHost").n != 0:
		b.src = Endpoint(orUnknown(cmp.Or(e.SrcIP, r.str("ClientIP"))))
		b.src.Set("port", port(r.num("ClientSrcPort")))
		b.src.Set("location", location(strings.ToUpper(r.str("ClientCountry", "ClientCountryName")), "", "", nil, nil))
		if n := r.num("ClientASN"); n != nil {
			b.src.Set("autonomous_system", Of("number", n))
		}
		b.dst = Of("hostname", r.str("ClientRequestHost"), "ip", ip(r.str("EdgeServerIP", "OriginIP")))
		b.web(web{method: r.str("ClientRequestMethod"), host: r.str("ClientRequestHost"), url: r.str("ClientRequestURI", "ClientRequestPath"),
			query: strings.TrimPrefix(r.str("ClientRequestQuery"), "?"), version: r.str("ClientRequestProtocol"), scheme: r.str("ClientRequestScheme"),
			agent: r.str("ClientRequestUserAgent"), referrer: r.str("ClientRequestReferer"), uid: r.str("RayID"),
			code: r.num("EdgeResponseStatus"), received: r.num("ClientRequestBytes"), sent: r.num("EdgeResponseBytes")})
		b.gateway()
	case kind == "gateway":
		b.src = Endpoint(orUnknown(cmp.Or(e.SrcIP, r.str("SourceIP", "SrcIP"))))
		b.src.Set("port", port(r.num("SourcePort", "SrcPort")))
		b.dst = Of("hostname", r.str("HTTPHost", "SNI"), "ip", ip(r.str("DestinationIP", "DstIP")), "port", port(r.num("DestinationPort", "DstPort")))
		if r.str("HTTPMethod") != "" {
			b.web(web{method: r.str("HTTPMethod"), host: r.str("HTTPHost"), url: r.str("URL"), version: r.str("HTTPVersion"), agent: r.str("UserAgent"),
				referrer: r.str("Referer"), uid: r.str("RequestID"), code: r.num("HTTPStatusCode")})
		} else {
			b.more.Set("connection_info", *connection(nil, r.str("Transport", "Protocol"), nil))
			b.is(networkActivity, 6, "")
		}
		b.gateway()
	case r.get("AppDomain").n != 0 || kind == "access":
		b.user = Of("uid", cmp.Or(e.Actor.ID, r.str("UserUID", "user_uid")), "name", cmp.Or(e.Actor.Name, r.str("Email", "user_email")), "email_addr", email(r.str("Email", "user_email")))
		b.actor = Of("user", b.user)
		b.src = Endpoint(orUnknown(cmp.Or(e.SrcIP, r.str("IPAddress", "ip_address"))))
		b.more.Set("service", Of("name", cmp.Or(r.str("AppDomain", "app_domain"), "Cloudflare Access"), "uid", r.str("AppUUID", "app_uid")))
		b.is(authentication, 1, e.Action)
		if strings.EqualFold(r.str("Action"), "logout") {
			b.activity = 2
		}
	default:
		user := Of("uid", cmp.Or(e.Actor.ID, r.str("actor.id", "ActorID")), "name", cmp.Or(e.Actor.Name, r.str("actor.email", "ActorEmail")),
			"email_addr", email(r.str("actor.email", "ActorEmail")))
		if len(user) > 0 {
			googleType(&user, yagura.EntityUser)
		}
		b.actor = Of("user", user)
		b.api = Of("operation", orUnknown(e.Action), "service", Of("name", cmp.Or(r.str("interface", "Interface"), "Cloudflare")), "request", Of("uid", r.str("id", "ID")))
		b.unmapped.Set("metadata", data(r.any("metadata", "Metadata")))
		b.is(apiActivity, crud(e.Action), e.Action)
	}
}

// gateway is what Cloudflare decided about a request, query or connection.
func (b *build) gateway() {
	r := b.r
	action := strings.ToLower(r.str("Action", "SecurityAction", "FirewallMatchesActions", "ResolverDecision"))
	switch {
	case strings.HasPrefix(action, "block"), action == "drop", action == "connection_close", strings.HasPrefix(action, "isolate"):
		b.control(2, 2)
	case strings.Contains(action, "challenge"):
		b.control(2, 23)
	case strings.HasPrefix(action, "allow"), action == "skip", action == "bypass":
		b.control(1, 1)
	case action == "log":
		b.control(1, 17)
	}
	if rule := r.str("RuleID", "SecurityRuleID", "WAFRuleID", "PolicyID"); rule != "" {
		if !b.more.Has("action_id") {
			b.control(0, 0)
		}
		b.more.Set("firewall_rule", Of("uid", rule, "name", r.str("SecurityRuleDescription", "Description", "PolicyName")))
	}
	if who := Actor(b.e.Actor); len(who) > 0 {
		b.unmapped.Set("actor", who)
	}
}
