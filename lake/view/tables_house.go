package view

import "strings"

// head are the columns that every head file has, under their own names.
const head = `
time datetime = h."time"
seen datetime = h."seen"
row long = h."row"
key string = replace(CAST(h."key" AS VARCHAR), '-', '')
id string = h."id"
format string = h."format"
source string = h."source"
object string = h."object"
number long = h."number"
account string = h."account"
region string = h."region"
service string = h."service"
action string = h."action"
actor_type string = h."actor_type"
actor_id string = h."actor_id"
actor_name string = h."actor_name"
session_of string = h."session_of"
access_key string = h."access_key"
src_ip string = h."src_ip"
user_agent string = h."user_agent"
outcome string = h."outcome"
error string = h."error"
target_type string = h."target_type"
target_id string = h."target_id"
targets dynamic = TRY_CAST(nullif(h."targets", '') AS JSON)
size int = h."size"
`

// own are the columns that head files of a format have behind those, all of them text.
var own = map[string]string{
	"aws.cloudtrail":           "event_type read_only principal_id identity_type error_message issuer_arn mfa category",
	"aws.guardduty":            "finding_type severity title resource_type count archived",
	"aws.s3access":             "bucket object_key status bytes_sent",
	"aws.vpcflow":              "dst_ip src_port dst_port protocol packets bytes start end interface_id status direction vpc_id instance_id",
	"aws.waf":                  "web_acl rule country uri method host",
	"azure.activity":           "category status resource_group correlation_id level",
	"azure.resource":           "category result correlation_id",
	"cloudflare.audit":         "resource_type",
	"entra.audit":              "category correlation_id result",
	"entra.signin":             "category app_id app_name client_app country conditional_access risk_level correlation_id",
	"gcp.audit":                "error_message log_name resource_name resource_type severity",
	"github.audit":             "org repo country access_type token_id",
	"github.webhook":           "repo org",
	"kubernetes.audit":         "verb namespace resource subresource name uri stage decision",
	"m365.audit":               "record_type result_status user_type app_id site_url client_ip",
	"microsoft.graph_activity": "uri method app_id scopes",
	"okta.system":              "country severity session_id result display_message",
	"onelogin.events":          "app",
	"slack.audit":              "session_id",
}

// ownLines writes the columns of a format's own.
func ownLines(format string) string {
	var b strings.Builder
	for c := range strings.FieldsSeq(own[format]) {
		b.WriteString(c + ` string = h."` + c + "\"\n")
	}
	return b.String()
}

// formats are those of the decode room. A test holds them to it.
var formats = []string{
	"aws.accessanalyzer", "aws.cloudfront", "aws.cloudtrail", "aws.config", "aws.elb", "aws.guardduty", "aws.inspector",
	"aws.macie", "aws.route53", "aws.route53resolver", "aws.s3access", "aws.securityhub", "aws.vpcflow", "aws.waf",
	"azure.activity", "azure.nsgflow", "azure.resource", "bitbucket.audit", "cef", "cloudflare.access", "cloudflare.audit",
	"cloudflare.dns", "cloudflare.firewall", "cloudflare.gateway", "cloudflare.http", "datadog.audit", "duo.activity",
	"duo.admin", "duo.auth", "entra.audit", "entra.provisioning", "entra.risk", "entra.signin", "falco.alert",
	"gcp.accesstransparency", "gcp.asset", "gcp.audit", "gcp.dns", "gcp.firewall", "gcp.loadbalancer", "gcp.scc",
	"gcp.vpcflow", "github.audit", "github.webhook", "google_workspace.alert", "google_workspace.audit", "json",
	"kubernetes.audit", "leef", "m365.audit", "microsoft.alert", "microsoft.graph_activity", "ocsf.event", "ocsf.finding",
	"okta.system", "onelogin.events", "prowler.finding", "slack.audit", "syslog",
}

// houseTables are the tables in Yagura's own words: events, and one table for each format.
func houseTables() []spec {
	const raw = "raw string = {$}\n"
	out := []spec{{name: "events", title: "every record of every format", group: "house", plain: true, columns: head + raw,
		from: []feed{{format: anyFormat}}}}
	for _, f := range formats {
		out = append(out, spec{name: strings.ReplaceAll(f, ".", "_"), title: "records of the format " + f, group: "house",
			plain: true, columns: head + ownLines(f) + raw, from: []feed{{format: f}}})
	}
	return out
}
