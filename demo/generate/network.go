package generate

import (
	"fmt"
	"time"
)

// network is what passes at the borders: flow logs, the load balancer, the web firewall.
func (g *gen) network() {
	busy := shoppers(g.from)
	for range g.some(60 + 480*busy) {
		m := one(g, machines)
		remote, port, packets := g.shopper(), 443, 8+g.IntN(60)
		if g.chance(0.5) {
			remote, port = "10.20.3.15", 5432
		}
		local := 32768 + g.IntN(28000)
		if g.chance(0.5) {
			g.flow(g.moment(), Production, m.eni, m.ip, remote, local, port, packets, packets*(200+g.IntN(900)), true)
		} else {
			g.flow(g.moment(), Production, m.eni, remote, m.ip, port, local, packets, packets*(200+g.IntN(900)), true)
		}
	}
	for range g.some(16) { // the noise of the internet
		g.flow(g.moment(), Production, machines[0].eni, fmt.Sprintf("203.0.113.%d", 241+g.IntN(4)), machines[0].ip, 40000+g.IntN(20000), one(g, []int{23, 8080, 5900, 445, 3389, 22}), 1, 40, false)
	}
	for range g.some(40 + 320*busy) {
		path := one(g, []string{"/", "/products/%d", "/products/%d", "/cart", "/api/cart", "/api/search?q=tenugui", "/api/search?q=%E6%80%A5%E9%A0%88", "/login", "/static/app.js", "/api/orders/%d"})
		if path[len(path)-1] == 'd' {
			path = fmt.Sprintf(path, 1000+g.IntN(4000))
		}
		status := 200
		from := g.shopper()
		if g.chance(0.01) { // an old link, which few still have
			status, from = one(g, []int{404, 404, 302, 499}), fmt.Sprintf("203.0.113.%d", 100+g.IntN(28))
		}
		g.request(g.moment(), from, "GET", path, status, one(g, []string{agentBrowser, agentMac, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"}))
	}
	g.webScanner()
	if !g.from.Before(g.w.wafSilent()) {
		return
	}
	for range g.some(20) {
		g.firewall(g.moment(), g.shopper(), "/login", "ALLOW", "Default_Action", "REGULAR")
	}
	for range g.some(3) {
		g.firewall(g.moment(), scraperFrom, "/wp-login.php", "BLOCK", "AWS-AWSManagedRulesCommonRuleSet", "MANAGED_RULE_GROUP")
	}
}

// wafSilent is when the delivery of the web firewall's log stops; nobody noticed.
func (w *Week) wafSilent() time.Time { return w.end.Add(-31 * time.Hour) }

// webScanner is the vulnerability scanner of the company: three times each night it tries
// paths that lead nowhere, from its own address. It is the noise that a newcomer silences.
func (g *gen) webScanner() {
	hour := g.from.In(tokyo).Hour()
	if hour != 1 && hour != 4 && hour != 22 {
		return
	}
	start := g.from.Add(time.Duration(5+g.IntN(40)) * time.Minute)
	paths := []string{"/.env", "/.git/config", "/wp-config.php.bak", "/phpinfo.php", "/server-status", "/admin/", "/backup.zip", "/.aws/credentials", "/actuator/env", "/api/swagger.json", "/console/", "/id_rsa", "/config.json", "/debug/pprof/", "/solr/admin/"}
	for i := range 90 {
		path := paths[i%len(paths)]
		if i >= len(paths) {
			path = fmt.Sprintf("%s.%d", path, i/len(paths))
		}
		g.request(start.Add(time.Duration(i)*2*time.Second), scannerWeb, "GET", path, 404, "Kogarashi-VulnScan/4.2 (+https://scan."+domain+")")
	}
}

// shopper is the address of somebody who buys.
func (g *gen) shopper() string {
	if g.chance(0.25) {
		return fmt.Sprintf("2001:db8:%x:%x::%x", 0x200+g.IntN(64), g.IntN(4096), 1+g.IntN(250))
	}
	return fmt.Sprintf("203.0.113.%d", 100+g.IntN(28))
}

// flow is a line of a VPC flow log.
func (g *gen) flow(t time.Time, account, eni, from, to string, fromPort, toPort, packets, bytes int, accept bool) {
	action := "ACCEPT"
	if !accept {
		action = "REJECT"
	}
	end := t.Unix()
	g.put(FlowLogs, account, t, fmt.Appendf(nil, "2 %s %s %s %s %d %d 6 %d %d %d %d %s OK", account, eni, from, to, fromPort, toPort, packets, bytes, end-int64(20+g.IntN(40)), end, action))
}

// request is a line of the access log of the shop's load balancer.
func (g *gen) request(t time.Time, from, method, path string, status int, agent string) {
	target := one(g, machines).ip
	client := from
	if len(from) > 15 { // IPv6 stands in brackets
		client = "[" + from + "]"
	}
	g.put(LoadLogs, Production, t, fmt.Appendf(nil, `h2 %s app/shop-web/50dc6c495c0c9188 %s:%d %s:8080 0.001 0.%03d 0.000 %d %d %d %d "%s https://shop.%s:443%s HTTP/2.0" "%s" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:%s:%s:targetgroup/shop-web/73e2d6bc24d8a067 "Root=1-%x-%s" "shop.%s" "arn:aws:acm:%s:%s:certificate/1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809" 0 %s "forward" "-" "-" "%s:8080" "%d" "-" "-" TID_%s`,
		micros(t), client, 30000+g.IntN(30000), target, 3+g.IntN(180), status, status, 120+g.IntN(400), 300+g.IntN(30000), method, domain, path, agent, region, Production,
		t.Unix(), g.hex(24), domain, region, Production, micros(t.Add(-20*time.Millisecond)), target, status, g.hex(32)))
}

// firewall is a record of the web firewall.
func (g *gen) firewall(t time.Time, from, uri, action, rule, kind string) {
	g.put(WAF, Production, t, []byte(doc("timestamp", t.UnixMilli(), "formatVersion", 1, "webaclId", "arn:aws:wafv2:"+region+":"+Production+":regional/webacl/shop/3f1e2d4c-5b6a-4798-8a9b-0c1d2e3f4a5b",
		"terminatingRuleId", rule, "terminatingRuleType", kind, "action", action, "terminatingRuleMatchDetails", list(), "httpSourceName", "ALB", "httpSourceId", Production+"-app/shop-web/50dc6c495c0c9188",
		"ruleGroupList", list(), "rateBasedRuleList", list(), "nonTerminatingMatchingRules", list(), "requestHeadersInserted", null, "responseCodeSent", null,
		"httpRequest", doc("clientIp", from, "country", "-", "headers", list(doc("name", "host", "value", "shop."+domain), doc("name", "user-agent", "value", agentBrowser)), "uri", uri, "args", "", "httpVersion", "HTTP/2.0", "httpMethod", "GET", "requestId", "1-"+g.hex(8)+"-"+g.hex(24)))))
}

// alert is a finding of GuardDuty, as its export to a bucket writes it.
func (g *gen) alert(t time.Time, id, kind, title, text string, severity float64, resource, service raw) {
	g.put(GuardDuty, Production, t, []byte(doc("schemaVersion", "2.0", "accountId", Production, "region", region, "partition", "aws", "id", id, "arn", "arn:aws:guardduty:"+region+":"+Production+":detector/12abc34d567e8fa901bc2d34e56789f0/finding/"+id,
		"type", kind, "resource", resource, "service", service, "severity", severity, "createdAt", millis(t.Add(-2*time.Minute)), "updatedAt", millis(t), "title", title, "description", text)))
}
