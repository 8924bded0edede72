package view

import (
	"maps"
	"slices"
	"strings"
)

// asimTables are the normalised tables of ASIM, each under the names that queries use for it.
// What has no place in a format is empty: a filter on it finds nothing there.
func asimTables() []spec {
	var out []spec
	for _, s := range asim() {
		for _, name := range s.names {
			t := spec{name: name, title: s.title, group: "asim", columns: override(asimShared, s.columns), from: s.from}
			out = append(out, t)
		}
	}
	return out
}

// normal is one schema of ASIM.
type normal struct {
	schema  string
	names   []string
	title   string
	columns string
	from    []feed
}

func names(schema string, more ...string) []string {
	return append([]string{"_Im_" + schema, "_ASim_" + schema, "im" + schema, "ASim" + schema}, more...)
}

const asimShared = `
TimeGenerated datetime = h."time"
EventCount int = 1
EventStartTime datetime = h."time"
EventEndTime datetime = h."time"
EventType string -
EventSubType string -
EventResult string = ` + result + `
EventResultDetails string -
EventOriginalResultDetails string = h."error"
EventOriginalType string = h."action"
EventOriginalUid string = h."id"
EventUid string = replace(CAST(h."key" AS VARCHAR), '-', '')
EventMessage string -
EventSeverity string = CASE h."outcome" WHEN 'failure' THEN 'Low' ELSE 'Informational' END
EventVendor string -
EventProduct string -
EventSchema string -
EventSchemaVersion string = '0.1'
EventResourceId string -
Dvc string = h."service"
DvcId string -
DvcHostname string -
DvcIpAddr string -
DvcDomain string -
DvcFQDN string -
DvcAction string -
Computer string -
AdditionalFields dynamic -
`

const result = `CASE h."outcome" WHEN 'success' THEN 'Success' WHEN 'failure' THEN 'Failure' ELSE 'NA' END`

// of says a source of a schema: vendor, product, and the columns with their own places.
func of(format, vendor, product string, where expr, columns string) feed {
	return feed{format: format, where: where,
		columns: "EventVendor string = " + quote(vendor) + "\nEventProduct string = " + quote(product) + "\n" + columns}
}

// details is why a sign-in was refused, in the words of ASIM, for what a source says.
func details(said string, of map[string]string) string {
	var b strings.Builder
	b.WriteString("CASE WHEN h.\"outcome\" <> 'failure' THEN ''")
	for _, s := range slices.Sorted(maps.Keys(of)) {
		b.WriteString(" WHEN " + said + " = " + quote(s) + " THEN " + quote(of[s]))
	}
	return b.String() + " ELSE 'Other' END"
}

// entraDetails are the codes of Entra ID (AADSTS…), oktaDetails the reasons of Okta.
var (
	entraDetails = map[string]string{
		"50034": "No such user or password", "50059": "No such user or password", "50064": "No such user or password", "50126": "No such user or password",
		"51004": "No such user or password", "50056": "Incorrect password", "50053": "User locked", "50057": "User disabled",
		"50055": "Password expired", "50132": "Password expired", "50133": "Password expired", "50144": "Password expired", "50173": "Password expired",
		"50011": "Logon violates policy", "50058": "Logon violates policy", "50072": "Logon violates policy", "50076": "Logon violates policy",
		"50079": "Logon violates policy", "50105": "Logon violates policy", "53003": "Logon violates policy", "80012": "Logon violates policy",
		"70043": "Session expired", "70044": "Session expired",
	}
	oktaDetails = map[string]string{ //nolint:gosec // words of refusals, no credentials
		"INVALID_CREDENTIALS": "No such user or password", "VERIFICATION_ERROR": "No such user or password", "LOCKED_OUT": "User locked",
		"PASSWORD_EXPIRED": "Password expired", "SIGN_ON_DENIED": "Logon violates policy",
	}
)

func asim() []normal {
	schema := func(name, columns string) string {
		return strings.ReplaceAll(columns, "SCHEMA", name)
	}
	return []normal{
		{schema: "Authentication", names: names("Authentication", "ASimAuthenticationEventLogs"), title: "sign-ins of all kinds, normalised",
			columns: schema("Authentication", authentication), from: []feed{
				of("aws.cloudtrail", "AWS", "CloudTrail", `h."action" IN ('ConsoleLogin', 'SwitchRole')`, "TargetAppName string = 'AWS Console'\nEventResultDetails string = "+details(`h."error_message"`, map[string]string{
					"Failed authentication": "Incorrect password", "No username found in supplied account": "No such user"})),
				of("entra.signin", "Microsoft", "Entra ID", "", `
TargetAppName string = h."app_name"
TargetAppId string = h."app_id"
EventResultDetails string = `+details(`h."error"`, entraDetails)+`
EventOriginalResultDetails string = h."error"
LogonMethod string properties.authenticationRequirement AuthenticationRequirement authenticationRequirement
SrcGeoCountry string = h."country"
SrcGeoCity string properties.location.city location.city LocationDetails.city
SrcGeoRegion string properties.location.state location.state LocationDetails.state
SrcDvcId string properties.deviceDetail.deviceId deviceDetail.deviceId DeviceDetail.deviceId
SrcHostname string properties.deviceDetail.displayName deviceDetail.displayName DeviceDetail.displayName
SrcDvcHostname string properties.deviceDetail.displayName deviceDetail.displayName DeviceDetail.displayName
SrcDvcOs string properties.deviceDetail.operatingSystem deviceDetail.operatingSystem DeviceDetail.operatingSystem
TargetSessionId string properties.sessionId SessionId sessionId
`),
				of("okta.system", "Okta", "Okta", `(h."action" LIKE 'user.session.%' OR h."action" LIKE 'user.authentication.%')`, `
TargetUsername string = h."actor_name"
EventResultDetails string = `+details(`h."error"`, oktaDetails)+`
SrcGeoCountry string client.geographicalContext.country
SrcGeoCity string client.geographicalContext.city
SrcIsp string securityContext.isp
LogonMethod string authenticationContext.credentialType
TargetSessionId string authenticationContext.externalSessionId
EventMessage string displayMessage
`),
				of("google_workspace.audit", "Google", "Workspace", `h."action" LIKE 'login%' OR h."action" LIKE 'logout%'`, "TargetAppName string = 'Google Workspace'"),
				of("duo.auth", "Cisco", "Duo", "", "TargetAppName string application.name\nLogonMethod string factor"),
				of("onelogin.events", "OneLogin", "OneLogin", "", "TargetAppName string app_name"),
				of("m365.audit", "Microsoft", "Microsoft 365", `h."action" IN ('UserLoggedIn', 'UserLoginFailed')`, "TargetAppId string ApplicationId"),
				of("syslog", "Linux", "OpenSSH", `h."action" = 'ssh_login'`, "DvcHostname string hostname HostName\nComputer string hostname HostName\nTargetAppName string = 'sshd'\nLogonProtocol string = 'ssh'"),
			}},
		{schema: "NetworkSession", names: names("NetworkSession", "ASimNetworkSessionLogs"), title: "connections, normalised",
			columns: schema("NetworkSession", networkSession), from: []feed{
				of("aws.vpcflow", "AWS", "VPC", `h."action" IN ('accept', 'reject')`, `
DstIpAddr string = h."dst_ip"
Dst string = h."dst_ip"
SrcPortNumber int = TRY_CAST(h."src_port" AS INTEGER)
DstPortNumber int = TRY_CAST(h."dst_port" AS INTEGER)
NetworkProtocol string = h."protocol"
NetworkBytes long = TRY_CAST(h."bytes" AS BIGINT)
NetworkPackets long = TRY_CAST(h."packets" AS BIGINT)
DvcInterface string = h."interface_id"
`),
				of("azure.nsgflow", "Microsoft", "Azure NSG", "", `
DstIpAddr string dstIp
SrcPortNumber int srcPort
DstPortNumber int dstPort
NetworkProtocol string protocol
NetworkDirection string direction
NetworkRuleName string rule
SrcBytes long bytesSent
DstBytes long bytesReceived
EventResourceId string resourceId
`),
				of("gcp.vpcflow", "Google", "VPC", "", `
DstIpAddr string jsonPayload.connection.dest_ip
SrcPortNumber int jsonPayload.connection.src_port
DstPortNumber int jsonPayload.connection.dest_port
NetworkProtocol string jsonPayload.connection.protocol
SrcBytes long jsonPayload.bytes_sent
`),
				of("gcp.firewall", "Google", "Firewall", "", `
DstIpAddr string jsonPayload.connection.dest_ip
SrcPortNumber int jsonPayload.connection.src_port
DstPortNumber int jsonPayload.connection.dest_port
NetworkProtocol string jsonPayload.connection.protocol
NetworkRuleName string jsonPayload.rule_details.reference
`),
				of("cef", "", "", "", `
EventVendor string deviceVendor DeviceVendor
EventProduct string deviceProduct DeviceProduct
DvcAction string act DeviceAction
SrcIpAddr string src SourceIP
DstIpAddr string dst DestinationIP
SrcPortNumber int spt SourcePort
DstPortNumber int dpt DestinationPort
NetworkProtocol string proto Protocol
SrcBytes long out SentBytes
DstBytes long in ReceivedBytes
SrcHostname string shost SourceHostName
DstHostname string dhost DestinationHostName
Dvc string dvchost DeviceName dvc
DvcHostname string dvchost DeviceName
Computer string dvchost DeviceName Computer
`),
				of("json", "Microsoft", "VMConnection", `{Type} = 'VMConnection'`, `
SrcIpAddr string SourceIp
DstIpAddr string DestinationIp
DstPortNumber int DestinationPort
NetworkProtocol string Protocol
Computer string Computer
`),
			}},
		{schema: "Dns", names: names("Dns", "ASimDnsActivityLogs"), title: "DNS queries, normalised", columns: schema("Dns", dns), from: []feed{
			of("aws.route53resolver", "AWS", "Route 53 Resolver", "", `
DnsQuery string query_name
DnsQueryTypeName string query_type
DnsResponseCodeName string rcode
DnsResponseName string answers
SrcIpAddr string srcaddr
NetworkProtocol string transport
DvcAction string firewall_rule_action
`),
			of("aws.route53", "AWS", "Route 53", "", "DnsQuery string query_name\nDnsQueryTypeName string query_type\nDnsResponseCodeName string response_code"),
			of("gcp.dns", "Google", "Cloud DNS", "", `
DnsQuery string jsonPayload.queryName payload_queryName_s
DnsQueryTypeName string jsonPayload.queryType payload_queryType_s
DnsResponseCodeName string jsonPayload.responseCode payload_responseCode_s
DnsResponseName string jsonPayload.rdata payload_rdata_s
`),
			of("cloudflare.dns", "Cloudflare", "DNS", "", "DnsQuery string QueryName\nDnsQueryType int QueryType\nDnsResponseCode int ResponseCode"),
			of("cloudflare.gateway", "Cloudflare", "Gateway", `{QueryName} IS NOT NULL`, "DnsQuery string QueryName\nDnsQueryTypeName string QueryTypeName\nDvcAction string ResolverDecision"),
			of("json", "Microsoft", "DNS Server", `{Type} = 'DnsEvents'`, `
DnsQuery string Name
DnsQueryTypeName string QueryType
DnsResponseCode int ResultCode
DnsResponseName string IPAddresses
SrcIpAddr string ClientIP
Computer string Computer
Dvc string Computer
`),
		}},
		{schema: "WebSession", names: names("WebSession", "ASimWebSessionLogs"), title: "HTTP requests, normalised", columns: schema("WebSession", webSession), from: []feed{
			of("aws.elb", "AWS", "Elastic Load Balancing", `h."action" <> 'connect'`, `
Url string request_url
HttpRequestMethod string = h."action"
HttpStatusCode string elb_status_code
EventResultDetails string elb_status_code
DstHostname string request_host domain_name
SrcBytes long received_bytes
DstBytes long sent_bytes
`),
			of("aws.cloudfront", "AWS", "CloudFront", "", `
Url string = coalesce({"cs-protocol"}, {cs_protocol}, 'https') || '://' || coalesce({"x-host-header"}, {x_host_header}, {"cs(Host)"}, {cs_host}, '') || coalesce({"cs-uri-stem"}, {cs_uri_stem}, '')
HttpRequestMethod string = h."action"
HttpStatusCode string "sc-status" sc_status
EventResultDetails string "sc-status" sc_status
DstHostname string "x-host-header" x_host_header
`),
			of("aws.waf", "AWS", "WAF", "", `
Url string = coalesce({httpRequest.uri}, {HttpRequest.uri}, '') || CASE WHEN coalesce({httpRequest.args}, {HttpRequest.args}, '') = '' THEN '' ELSE '?' || coalesce({httpRequest.args}, {HttpRequest.args}) END
HttpRequestMethod string httpRequest.httpMethod HttpRequest.httpMethod HttpMethod
DvcAction string = h."action"
`),
			of("cloudflare.http", "Cloudflare", "HTTP", "", `
Url string = coalesce({ClientRequestScheme}, 'https') || '://' || coalesce({ClientRequestHost}, '') || coalesce({ClientRequestURI}, '')
HttpRequestMethod string = h."action"
HttpStatusCode string EdgeResponseStatus
EventResultDetails string EdgeResponseStatus
DstHostname string ClientRequestHost
`),
			of("gcp.loadbalancer", "Google", "Load Balancer", "", `
Url string httpRequest.requestUrl
HttpRequestMethod string httpRequest.requestMethod
HttpStatusCode string httpRequest.status
EventResultDetails string httpRequest.status
`),
			of("cef", "", "", `coalesce({request}, {RequestURL}, '') <> ''`, `
EventVendor string deviceVendor DeviceVendor
EventProduct string deviceProduct DeviceProduct
Url string request RequestURL
DvcAction string act DeviceAction
SrcIpAddr string src SourceIP
DstIpAddr string dst DestinationIP
SrcUsername string suser SourceUserName
HttpRequestMethod string requestMethod RequestMethod
HttpUserAgent string requestClientApplication RequestClientApplication
DstHostname string dhost DestinationHostName
Dvc string dvchost DeviceName dvc
`),
			of("json", "Microsoft", "IIS", `{Type} = 'W3CIISLog'`, `
Url string csUriStem
HttpRequestMethod string csMethod
HttpStatusCode string scStatus
HttpUserAgent string csUserAgent
SrcIpAddr string cIP
DstIpAddr string sIP
SrcUsername string csUserName
Computer string Computer
`),
		}},
		{schema: "AuditEvent", names: names("AuditEvent", "ASimAuditEventLogs"), title: "what was done in the clouds, normalised", columns: schema("AuditEvent", auditEvent), from: []feed{
			of("aws.cloudtrail", "AWS", "CloudTrail", "", ""),
			of("entra.audit", "Microsoft", "Entra ID", "", ""),
			of("azure.activity", "Microsoft", "Azure", "", ""),
			of("gcp.audit", "Google", "Cloud Audit Logs", "", ""),
			of("m365.audit", "Microsoft", "Microsoft 365", "", ""),
			of("okta.system", "Okta", "Okta", "", ""),
			of("github.audit", "GitHub", "GitHub", "", ""),
			of("google_workspace.audit", "Google", "Workspace", "", ""),
			of("kubernetes.audit", "CNCF", "Kubernetes", "", ""),
			of("slack.audit", "Slack", "Slack", "", ""),
			of("cloudflare.audit", "Cloudflare", "Cloudflare", "", ""),
		}},
		{schema: "UserManagement", names: names("UserManagement", "ASimUserManagementActivityLogs"), title: "users made, changed and removed, normalised",
			columns: schema("UserManagement", userManagement), from: []feed{
				of("entra.audit", "Microsoft", "Entra ID", `h."action" ILIKE '%user%' OR h."action" ILIKE '%member%' OR h."action" ILIKE '%group%'`,
					"EventType string = CASE WHEN h.\"action\" ILIKE 'add user%' THEN 'UserCreated' WHEN h.\"action\" ILIKE 'delete user%' THEN 'UserDeleted' WHEN h.\"action\" ILIKE 'disable account%' THEN 'UserDisabled' WHEN h.\"action\" ILIKE 'add member to group%' THEN 'UserAddedToGroup' WHEN h.\"action\" ILIKE 'remove member from group%' THEN 'UserRemovedFromGroup' WHEN h.\"action\" ILIKE '%password%' THEN 'PasswordReset' WHEN h.\"action\" ILIKE 'add group%' THEN 'GroupCreated' WHEN h.\"action\" ILIKE 'delete group%' THEN 'GroupDeleted' ELSE 'UserModified' END"),
				of("aws.cloudtrail", "AWS", "CloudTrail", `h."service" = 'iam.amazonaws.com' AND h."action" IN ('CreateUser', 'DeleteUser', 'UpdateUser', 'AddUserToGroup', 'RemoveUserFromGroup', 'CreateGroup', 'DeleteGroup', 'CreateLoginProfile', 'UpdateLoginProfile', 'DeleteLoginProfile', 'ChangePassword')`,
					"EventType string = CASE h.\"action\" WHEN 'CreateUser' THEN 'UserCreated' WHEN 'DeleteUser' THEN 'UserDeleted' WHEN 'AddUserToGroup' THEN 'UserAddedToGroup' WHEN 'RemoveUserFromGroup' THEN 'UserRemovedFromGroup' WHEN 'CreateGroup' THEN 'GroupCreated' WHEN 'DeleteGroup' THEN 'GroupDeleted' WHEN 'ChangePassword' THEN 'PasswordChanged' WHEN 'UpdateLoginProfile' THEN 'PasswordReset' ELSE 'UserModified' END"),
				of("okta.system", "Okta", "Okta", `h."action" LIKE 'user.lifecycle.%' OR h."action" LIKE 'group.user_membership.%'`,
					"EventType string = CASE h.\"action\" WHEN 'user.lifecycle.create' THEN 'UserCreated' WHEN 'user.lifecycle.delete.initiated' THEN 'UserDeleted' WHEN 'user.lifecycle.deactivate' THEN 'UserDisabled' WHEN 'user.lifecycle.activate' THEN 'UserEnabled' WHEN 'group.user_membership.add' THEN 'UserAddedToGroup' WHEN 'group.user_membership.remove' THEN 'UserRemovedFromGroup' ELSE 'UserModified' END"),
			}},
		{schema: "ProcessEvent", names: names("ProcessEvent", "ASimProcessEventLogs", "imProcess", "imProcessCreate", "imProcessTerminate", "_Im_ProcessCreate", "_ASim_ProcessCreate"),
			title: "processes, normalised", columns: schema("ProcessEvent", processEvent), from: []feed{
				of("json", "Microsoft", "M365 Defender for Endpoint", `({Type} = 'DeviceProcessEvents' OR {category} = 'AdvancedHunting-DeviceProcessEvents')`, process),
				of("json", "Microsoft", "Security Events", `{Type} = 'SecurityEvent' AND {EventID} = '4688'`, `
CommandLine string CommandLine
TargetProcessCommandLine string CommandLine
TargetProcessName string NewProcessName
Process string NewProcessName
FilePath string NewProcessName
FileName string Process
ActingProcessName string ParentProcessName
ActorUsername string Account
User string Account
AccountName string SubjectUserName
Dvc string Computer
DvcHostname string Computer
Computer string Computer
`),
			}},
		{schema: "FileEvent", names: names("FileEvent", "ASimFileEventLogs"), title: "files, normalised", columns: schema("FileEvent", fileEvent), from: []feed{
			of("json", "Microsoft", "M365 Defender for Endpoint", `({Type} = 'DeviceFileEvents' OR {category} = 'AdvancedHunting-DeviceFileEvents')`, file),
		}},
		{schema: "RegistryEvent", names: names("RegistryEvent", "ASimRegistryEventLogs", "imRegistry", "_Im_Registry"), title: "the registry of Windows, normalised", columns: registryEvent, from: []feed{
			of("json", "Microsoft", "M365 Defender for Endpoint", `({Type} = 'DeviceRegistryEvents' OR {category} = 'AdvancedHunting-DeviceRegistryEvents')`, `
Username string InitiatingProcessAccountName properties.InitiatingProcessAccountName
RegistryKey string RegistryKey properties.RegistryKey
RegistryValue string RegistryValueName properties.RegistryValueName
RegistryValueData string RegistryValueData properties.RegistryValueData
DvcId string DeviceId properties.DeviceId
Dvc string DeviceName properties.DeviceName
EventType string = CASE coalesce({ActionType}, {properties.ActionType}) WHEN 'RegistryKeyCreated' THEN 'RegistryKeyCreated' WHEN 'RegistryValueSet' THEN 'RegistryValueSet' WHEN 'RegistryKeyDeleted' THEN 'RegistryKeyDeleted' ELSE coalesce({ActionType}, {properties.ActionType}, '') END
`),
		}},
	}
}
