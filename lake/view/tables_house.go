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

// own are the columns that head files of a format have behind those.
var own = map[string]string{
	"aws.cloudtrail": `
event_type string = h."event_type"
read_only string = CAST(h."read_only" AS VARCHAR)
principal_id string = h."principal_id"
identity_type string = h."identity_type"
error_message string = h."error_message"
issuer_arn string = h."issuer_arn"
mfa string = CAST(h."mfa" AS VARCHAR)
category string = h."category"
`,
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
	raw := "raw dynamic {{$}}\n"
	raw = strings.Replace(raw, "{{$}}", "= {{$}}", 1)
	out := []spec{{name: "events", title: "every record of every format", group: "house", plain: true, columns: head + raw,
		from: []feed{{format: anyFormat}}}}
	for _, f := range formats {
		out = append(out, spec{name: strings.ReplaceAll(f, ".", "_"), title: "records of the format " + f, group: "house",
			plain: true, columns: head + own[f] + raw, from: []feed{{format: f}}})
	}
	return out
}
