package ocsf

import (
	"cmp"
	"strings"
)

// describe reads the record by its format. A format without a function of its own is
// described by its header, and so is a record that cannot be read: it has no fields.
func (b *build) describe() {
	family, kind, _ := strings.Cut(b.e.Format, ".")
	switch b.e.Format {
	case "aws.cloudtrail":
		b.cloudTrail()
	case "aws.guardduty":
		b.guardDuty()
	case "aws.securityhub":
		b.securityHub()
	case "aws.inspector":
		b.inspector()
	case "aws.accessanalyzer":
		b.accessAnalyzer()
	case "aws.config":
		b.configItem()
	case "aws.vpcflow":
		b.vpcFlow()
	case "aws.elb", "aws.alb", "aws.nlb", "aws.clb":
		b.elb()
	case "aws.cloudfront":
		b.cloudFront()
	case "aws.s3access":
		b.s3Access()
	case "aws.waf":
		b.waf()
	case "aws.route53resolver":
		b.route53()
	case "aws.route53":
		b.hostedZone()
	case "aws.macie":
		b.macie()
	case "entra.audit":
		b.entraAudit()
	case "entra.provisioning":
		b.entraProvisioning()
	case "entra.signin":
		b.entraSignIn()
	case "entra.risk":
		b.entraRisk()
	case "azure.activity":
		b.azureActivity()
	case "azure.resource":
		b.azureResource()
	case "azure.nsgflow", "azure.vnetflow":
		b.azureFlow()
	case "m365.audit":
		b.m365()
	case "microsoft.graph_activity":
		b.graphActivity()
	case "microsoft.alert":
		b.microsoftAlert()
	case "gcp.audit":
		b.gcpAudit()
	case "gcp.scc":
		b.scc()
	case "gcp.asset":
		b.asset()
	case "gcp.vpcflow":
		b.gcpFlow()
	case "gcp.firewall":
		b.gcpFirewall()
	case "gcp.dns":
		b.gcpDNS()
	case "gcp.loadbalancer":
		b.gcpLoadBalancer()
	case "gcp.accesstransparency":
		b.transparency()
	case "google_workspace.alert":
		b.workspaceAlert()
	case "prowler.finding":
		b.prowler()
	case "datadog.audit":
		b.datadog()
	case "google_workspace.audit":
		b.workspace()
	case "okta.system":
		b.okta()
	case "github.audit":
		b.github()
	case "kubernetes.audit":
		b.kubernetes()
	case "slack.audit":
		b.slack()
	case "duo.auth":
		b.duoAuth()
	case "duo.admin":
		b.duoAdmin()
	case "bitbucket.audit":
		b.bitbucket()
	case "onelogin.events":
		b.oneLogin()
	case "falco.alert":
		b.falco()
	default:
		if family == "cloudflare" {
			b.cloudflare(kind)
			return
		}
		b.general(family)
	}
}

// unknown are the families whose records say what they are in words of their own.
func unknown(family string) bool {
	switch family {
	case "", "json", "generic", "syslog", "cef", "leef", "text":
		return true
	}
	return false
}

// general describes an event by its header alone: a call where a format says what was done,
// else a base event.
func (b *build) general(family string) {
	e := b.e
	b.vendor, b.product = cmp.Or(Provider(e.Format), family), e.Format
	if unknown(family) {
		b.vendor, b.product = b.r.looseStr("vendor", "devicevendor", "vendorname"), cmp.Or(b.r.looseStr("product", "deviceproduct", "productname"), e.Format)
	}
	if e.Action == "" || unknown(family) {
		b.actor = Actor(e.Actor)
		b.message = b.r.str("message", "msg")
		activity := 0
		if e.Action != "" {
			activity = other
		}
		b.resources = nil
		b.is(baseEvent, activity, e.Action)
		return
	}
	b.api = Of("operation", e.Action, "service", Of("name", family), "request", Of("uid", e.ID))
	b.is(apiActivity, crud(e.Action), e.Action)
}
