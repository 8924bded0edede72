package view

// saasTables are the tables of Sentinel's connectors for other services.
func saasTables() []spec {
	cloudflare := []feed{
		{format: "cloudflare.http"}, {format: "cloudflare.firewall"}, {format: "cloudflare.audit"}, {format: "cloudflare.access"},
		{format: "cloudflare.gateway"}, {format: "cloudflare.dns"},
	}
	return []spec{
		{name: "OktaV2_CL", title: "System Log of Okta", system: "Okta", columns: oktaV2, from: []feed{{format: "okta.system"}}},
		{name: "OktaSSO", title: "System Log of Okta, in the names of Sentinel's parser", system: "Okta", columns: okta + oktaParser, from: []feed{{format: "okta.system"}}},
		{name: "Okta_CL", title: "System Log of Okta, in the names of the older connector", system: "Okta", columns: okta, from: []feed{{format: "okta.system"}}},
		{name: "GitHubAuditLogPolling_CL", title: "audit log of GitHub", system: "GitHub", columns: github, from: []feed{{format: "github.audit"}}},
		{name: "GitHubAuditLogsV2_CL", title: "audit log of GitHub, in the names of the newer connector", system: "GitHub", columns: githubV2, from: []feed{{format: "github.audit"}}},
		{name: "GitHubAuditLogsV3_CL", title: "audit log of GitHub, in the names of the newest connector", system: "GitHub", columns: githubV2, from: []feed{{format: "github.audit"}}},
		{name: "GitHubAudit", title: "audit log of GitHub, in the names of Sentinel's first parser", system: "GitHub", columns: githubFirst, from: []feed{{format: "github.audit"}}},
		{name: "GitHubAuditData", title: "audit log of GitHub, in the names of Sentinel's parser", system: "GitHub", columns: githubParser, from: []feed{{format: "github.audit"}}},
		{name: "Cloudflare_CL", title: "logs of Cloudflare", system: "Cloudflare", columns: cloudflareOld, from: cloudflare},
		{name: "SlackAudit_CL", title: "audit logs of Slack", system: "Slack", columns: slack, from: []feed{{format: "slack.audit"}}},
		{name: "SlackAudit", title: "audit logs of Slack, in the names of Sentinel's parser", system: "Slack", columns: slackParser, from: []feed{{format: "slack.audit"}}},
		{name: "DuoSecurityAuthentication_CL", title: "sign-ins through Duo", system: "Duo", columns: duo, from: []feed{{format: "duo.auth"}}},
		{name: "OneLogin_CL", title: "events of OneLogin", system: "OneLogin", columns: oneLogin, from: []feed{{format: "onelogin.events"}}},
	}
}

const okta = `
TimeGenerated datetime = h."time"
uuid_g string = h."id"
published_t datetime = h."time"
eventType_s string = h."action"
displayMessage_s string = h."display_message"
severity_s string severity
version_s string version
legacyEventType_s string legacyEventType
actor_id_s string actor.id
actor_type_s string actor.type
actor_alternateId_s string actor.alternateId
actor_displayName_s string actor.displayName
client_ipAddress_s string = h."src_ip"
client_device_s string client.device
client_zone_s string client.zone
client_userAgent_rawUserAgent_s string = h."user_agent"
client_userAgent_os_s string client.userAgent.os
client_userAgent_browser_s string client.userAgent.browser
client_geographicalContext_country_s string = h."country"
client_geographicalContext_state_s string client.geographicalContext.state
client_geographicalContext_city_s string client.geographicalContext.city
client_geographicalContext_postalCode_s string client.geographicalContext.postalCode
client_geographicalContext_geolocation_lat_d real client.geographicalContext.geolocation.lat
client_geographicalContext_geolocation_lon_d real client.geographicalContext.geolocation.lon
outcome_result_s string = h."result"
outcome_reason_s string = h."error"
target_s string target
transaction_id_s string transaction.id
transaction_type_s string transaction.type
authenticationContext_authenticationStep_d real authenticationContext.authenticationStep
authenticationContext_externalSessionId_s string authenticationContext.externalSessionId
authenticationContext_credentialType_s string authenticationContext.credentialType
securityContext_asNumber_d real securityContext.asNumber
securityContext_asOrg_s string securityContext.asOrg
securityContext_isp_s string securityContext.isp
securityContext_domain_s string securityContext.domain
securityContext_isProxy_b bool securityContext.isProxy
actor_detailEntry_s string actor.detailEntry
client_id_s string client.id
authenticationContext_authenticationProvider_s string authenticationContext.authenticationProvider
authenticationContext_credentialProvider_s string authenticationContext.credentialProvider
authenticationContext_interface_s string authenticationContext.interface
authenticationContext_issuerId_s string authenticationContext.issuer.id
authenticationContext_issuerType_s string authenticationContext.issuer.type
transaction_details_s string transaction.detail
domain_s string securityContext.domain
debugContext_debugData_s string debugContext.debugData
debugContext_debugData_authnRequestId_s string debugContext.debugData.authnRequestId
debugContext_debugData_changedAttributes_s string debugContext.debugData.changedAttributes
debugContext_debugData_deviceFingerprint_s string debugContext.debugData.deviceFingerprint
debugContext_debugData_dtHash_s string debugContext.debugData.dtHash
debugContext_debugData_factor_s string debugContext.debugData.factor
debugContext_debugData_factorIntent_s string debugContext.debugData.factorIntent
debugContext_debugData_initiationType_s string debugContext.debugData.initiationType
debugContext_debugData_oktaUserAgentExtended_s string debugContext.debugData.oktaUserAgentExtended
debugContext_debugData_origin_s string debugContext.debugData.origin
debugContext_debugData_privilegeGranted_s string debugContext.debugData.privilegeGranted
debugContext_debugData_proxyType_s string debugContext.debugData.proxyType
debugContext_debugData_pushOnlyResponseType_s string debugContext.debugData.pushOnlyResponseType
debugContext_debugData_pushWithNumberChallengeResponseType_s string debugContext.debugData.pushWithNumberChallengeResponseType
debugContext_debugData_requestId_s string debugContext.debugData.requestId
debugContext_debugData_signOnMode_s string debugContext.debugData.signOnMode
debugContext_debugData_suspiciousActivityEventType_s string debugContext.debugData.suspiciousActivityEventType
debugContext_debugData_targetEventHookIds_s string debugContext.debugData.targetEventHookIds
debugContext_debugData_threatDetections_s string debugContext.debugData.threatDetections
debugContext_debugData_threatSuspected_s string debugContext.debugData.threatSuspected
debugContext_debugData_tunnels_s string debugContext.debugData.tunnels
debugContext_debugData_url_s string debugContext.debugData.url
debugContext_debugData_requestUri_s string debugContext.debugData.requestUri
debugContext_debugData_behaviors_s string debugContext.debugData.behaviors
debugContext_debugData_risk_s string debugContext.debugData.risk
debugContext_debugData_logOnlySecurityData_s string debugContext.debugData.logOnlySecurityData
request_ipChain_s string request.ipChain
debugContext_debugData_appname_s string debugContext.debugData.appname
debugContext_debugData_attributesAdded_s string debugContext.debugData.attributesAdded
debugContext_debugData_attributesDeleted_s string debugContext.debugData.attributesDeleted
debugContext_debugData_attributesModified_s string debugContext.debugData.attributesModified
debugContext_debugData_countryCallingCode_s string debugContext.debugData.countryCallingCode
debugContext_debugData_detailedmessage_s string debugContext.debugData.detailedmessage
debugContext_debugData_deviceFingerprint_g string debugContext.debugData.deviceFingerprint
debugContext_debugData_groupAppAssignmentId_s string debugContext.debugData.groupAppAssignmentId
debugContext_debugData_importLastToken_s string debugContext.debugData.importLastToken
debugContext_debugData_importTrigger_s string debugContext.debugData.importTrigger
debugContext_debugData_importType_s string debugContext.debugData.importType
debugContext_debugData_jobId_s string debugContext.debugData.jobId
debugContext_debugData_loginResult_s string debugContext.debugData.loginResult
debugContext_debugData_smsProvider_s string debugContext.debugData.smsProvider
debugContext_debugData_transactionId_g string debugContext.debugData.transactionId
MG string -
ManagementGroupName string -
Computer string -
RawData string -
`

const oktaParser = `
EventVendor string = 'Okta'
EventProduct string = 'Okta SSO'
SrcIpAddr string = h."src_ip"
EventResult string outcome.result
ActorDetailEntry string actor.detailEntry
`

const oktaV2 = `
TimeGenerated datetime = h."time"
OriginalActorAlternateId string actor.alternateId
ActorDisplayName string actor.displayName
ActorUserId string actor.id
ActorUserIdType string = CASE WHEN {actor.id} IS NULL THEN '' ELSE 'OktaId' END
OriginalUserId string actor.id
ActorUserType string actor.type
OriginalUserType string actor.type
ActorUsername string actor.alternateId
ActorUsernameType string = CASE WHEN {actor.alternateId} LIKE '%@%' THEN 'UPN' WHEN {actor.alternateId} IS NULL THEN '' ELSE 'Simple' END
ActorDetailEntry dynamic actor.detailEntry
ActorSessionId string authenticationContext.externalSessionId
AuthenticationContextAuthenticationProvider string authenticationContext.authenticationProvider
AuthenticationContextAuthenticationStep real authenticationContext.authenticationStep
AuthenticationContextCredentialProvider string authenticationContext.credentialProvider
AuthenticationContextIssuerId string authenticationContext.issuer.id
AuthenticationContextIssuerType string authenticationContext.issuer.type
AuthenticationContextInterface string authenticationContext.interface
LogonMethod string authenticationContext.credentialType
DomainName string securityContext.domain
SrcDeviceType string client.device
OriginalClientDevice string client.device
SrcDvcId string client.id
SrcDvcIdType string = CASE WHEN {client.id} IS NULL THEN '' ELSE 'OktaId' END
SrcDvcOs string client.userAgent.os
HttpUserAgent string = h."user_agent"
ActingAppName string client.userAgent.browser
ActingAppType string client.userAgent.browser
SrcIpAddr string = h."src_ip"
SrcZone string client.zone
SrcGeoCity string client.geographicalContext.city
SrcGeoCountry string = h."country"
SrcGeoRegion string client.geographicalContext.state
SrcGeoLatitude real client.geographicalContext.geolocation.lat
SrcGeoLongitude real client.geographicalContext.geolocation.lon
SrcGeoLongtitude real client.geographicalContext.geolocation.lon
SrcGeoPostalCode string client.geographicalContext.postalCode
SrcIsp string securityContext.isp
SecurityContextAsNumber real securityContext.asNumber
SecurityContextAsOrg string securityContext.asOrg
SecurityContextDomain string securityContext.domain
SecurityContextIsProxy bool securityContext.isProxy
DebugData dynamic debugContext.debugData
DvcAction string outcome.result
EventMessage string = h."display_message"
EventOriginalType string = h."action"
EventOriginalUid string = h."id"
EventOriginalResultDetails string = h."error"
EventResult string = CASE h."outcome" WHEN 'success' THEN 'Success' WHEN 'failure' THEN 'Failure' ELSE 'NA' END
OriginalOutcomeResult string = h."result"
OriginalSeverity string severity
EventSeverity string severity
LegacyEventType string legacyEventType
OriginalTarget dynamic target
Request dynamic request
TransactionId string transaction.id
TransactionType string transaction.type
TransactionDetail dynamic transaction.detail
Version string version
`

const github = `
TimeGenerated datetime = h."time"
action_s string = h."action"
actor_s string actor
actor_id_d real actor_id
actor_location_country_code_s string actor_location.country_code
actor_ip_s string = h."src_ip"
business_s string business
org_s string = h."org"
org_id_d real org_id
repo_s string repo
repository_s string repository repo
repository_id_d real repository_id repo_id
repository_public_b bool repository_public public_repo
user_s string user
user_id_d real user_id
team_s string team
visibility_s string visibility
previous_visibility_s string previous_visibility
permission_s string permission
old_permission_s string old_permission
name_s string name
hook_id_d real hook_id
events_s string events
created_at_d real created_at
document_id_s string = h."id"
_document_id_s string = h."id"
operation_type_s string operation_type
programmatic_access_type_s string programmatic_access_type
user_agent_s string = h."user_agent"
external_identity_nameid_s string external_identity_nameid
external_identity_username_s string external_identity_username
transport_protocol_name_s string transport_protocol_name
branch_s string branch
country string actor_location.country_code
actor_is_bot_b bool actor_is_bot
blocked_user_s string blocked_user
business_id_d real business_id
invitee_s string invitee
inviter_s string inviter
new_repo_permission_s string new_repo_permission
old_permissions_admin_b bool old_permissions.admin
old_permissions_maintain_b bool old_permissions.maintain
old_permissions_pull_b bool old_permissions.pull
old_permissions_push_b bool old_permissions.push
old_permissions_triage_b bool old_permissions.triage
old_repo_base_role_s string old_repo_base_role
old_repo_permission_s string old_repo_permission
public_repo_b bool public_repo
pull_request_id_d real pull_request_id
pull_request_title_s string pull_request_title
pull_request_url_s string pull_request_url
repo_id_d real repo_id
repository_selection_s string repository_selection
user_programmatic_access_name_s string user_programmatic_access_name
_timestamp_d real "@timestamp"
MG string -
ManagementGroupName string -
Computer string -
RawData string -
`

// githubFirst has the names of the parser of the connector that read GitHub's GraphQL.
const githubFirst = `
TimeGenerated datetime = h."time"
Organization string = h."org"
Action string = h."action"
OperationType string operation_type
Repository string repo repository
Actor string actor
IPaddress string = h."src_ip"
City string actor_location.city
Country string actor_location.country_code
ImpactedUser string user
ImpactedUserEmail string user_email
InvitedUserPermission string permission
Visibility string visibility
OauthApplication string oauth_application_name
OauthApplicationUrl string oauth_application_url
OauthApplicationState string oauth_application_state
UserCanInviteCollaborators string user_can_invite_collaborators
MembershipType string membership_types
CurrentPermission string permission
PreviousPermission string old_permission
TeamName string team
Reason string reason
User string user
BlockedUser string blocked_user
CanCreateRepository string can_create_repository
`

const githubV2 = `
TimeGenerated datetime = h."time"
Action string = h."action"
Actor string actor
ActorId string actor_id
ActorIp string = h."src_ip"
ActorLocation dynamic actor_location
Business string business
Org string org
OrgId string org_id
Repo string repo repository
RepositoryPublic bool repository_public public_repo
User string user
UserId string user_id
Team string team
Visibility string visibility
PreviousVisibility string previous_visibility
Permission string permission
OldPermission string old_permission
BlockedUser string blocked_user
CountryCode string actor_location.country_code
CreatedAt long created_at
OperationType string operation_type
ProgrammaticAccessType string programmatic_access_type
UserAgent string = h."user_agent"
DocumentId string = h."id"
AdditionalFields dynamic = {{$}}
`

const githubParser = `
TimeGenerated datetime = h."time"
Action string = h."action"
Actor string actor
Country string actor_location.country_code
Repository string repo repository
Organization string org
BlockedUser string blocked_user
ImpactedUser string user
InvitedUserPermission string permission
Visibility string visibility
PreviousVisibility string previous_visibility
CurrentPermission string permission
PreviousPermission string old_permission
TeamName string team
OAuthApplication string oauth_application_name
Method string operation_type
Ip string = h."src_ip"
UserAgent string = h."user_agent"
Id string = h."id"
`

const cloudflareOld = `
TimeGenerated datetime = h."time"
Action_s string Action
ActionType_s string ActionType
ActionResult_b bool ActionResult
ActorEmail_s string ActorEmail
ActorIP_s string ActorIP
ActorID_g string ActorID
ActorType_s string ActorType
ClientIP_s string ClientIP
ClientASN_d real ClientASN
ClientCountry_s string ClientCountry
ClientDeviceType_s string ClientDeviceType
ClientIPClass_s string ClientIPClass
ClientRequestBytes_d real ClientRequestBytes
ClientRequestHost_s string ClientRequestHost
ClientRequestMethod_s string ClientRequestMethod
ClientRequestPath_s string ClientRequestPath
ClientRequestProtocol_s string ClientRequestProtocol
ClientRequestQuery_s string ClientRequestQuery
ClientRequestReferer_s string ClientRequestReferer
ClientRequestScheme_s string ClientRequestScheme
ClientRequestURI_s string ClientRequestURI
ClientRequestUserAgent_s string ClientRequestUserAgent
ClientSSLProtocol_s string ClientSSLProtocol
ClientSrcPort_d real ClientSrcPort
CacheCacheStatus_s string CacheCacheStatus
Datetime_t datetime Datetime
EdgeColoCode_s string EdgeColoCode
EdgeResponseBytes_d real EdgeResponseBytes
EdgeResponseStatus_d real EdgeResponseStatus
EdgeServerIP_s string EdgeServerIP
EdgeStartTimestamp_t datetime EdgeStartTimestamp
EdgeEndTimestamp_t datetime EdgeEndTimestamp
FirewallMatchesActions_s string FirewallMatchesActions
FirewallMatchesRuleIDs_s string FirewallMatchesRuleIDs
FirewallMatchesSources_s string FirewallMatchesSources
ID_g string ID
Interface_s string Interface
Kind_s string Kind
OriginIP_s string OriginIP
OriginResponseStatus_d real OriginResponseStatus
OriginResponseTime_d real OriginResponseTime
OwnerID_g string OwnerID
QueryName_s string QueryName
QueryType_d real QueryType
RayID_s string RayID
ResourceID_s string ResourceID
ResourceType_s string ResourceType
ResponseCode_d real ResponseCode
RuleID_s string RuleID
SecurityLevel_s string SecurityLevel
Source_s string Source
SourceIP_s string SourceIP
WAFAction_s string WAFAction
WAFRuleID_s string WAFRuleID
WAFRuleMessage_s string WAFRuleMessage
When_t datetime When
WorkerStatus_s string WorkerStatus
ZoneID_d real ZoneID
ZoneName_s string ZoneName
`

const slack = `
TimeGenerated datetime = h."time"
id_g string = h."id"
date_create_d real date_create
action_s string = h."action"
actor_type_s string actor.type
actor_user_id_s string actor.user.id
actor_user_name_s string actor.user.name
actor_user_email_s string actor.user.email
entity_type_s string entity.type
entity_user_email_s string entity.user.email
entity_s string entity
context_location_type_s string context.location.type
context_location_name_s string context.location.name
context_location_domain_s string context.location.domain
context_ua_s string = h."user_agent"
context_ip_address_s string = h."src_ip"
details_s string details
`

const slackParser = `
TimeGenerated datetime = h."time"
EventOriginalUid string = h."id"
DvcAction string = h."action"
SrcUserName string actor.user.name
SrcUserEmail string actor.user.email
SrcUserUid string actor.user.id
SrcIpAddr string = h."src_ip"
HttpUserAgentOriginal string = h."user_agent"
EntityType string entity.type
EntityUserEmail string entity.user.email
EntityFileName string entity.file.name
EntityFileType string entity.file.filetype
EntityChannelName string entity.channel.name
`

const duo = `
TimeGenerated datetime = h."time"
txid_g string txid
event_type_s string event_type
factor_s string factor
result_s string result
reason_s string reason
user_name_s string user.name
user_key_s string user.key
email_s string email
access_device_ip_s string = h."src_ip"
access_device_location_country_s string access_device.location.country
access_device_location_city_s string access_device.location.city
auth_device_name_s string auth_device.name
application_name_s string application.name
isotimestamp_t datetime isotimestamp
`

const oneLogin = `
TimeGenerated datetime = h."time"
event_type_id_d real event_type_id
actor_user_name_s string actor_user_name
actor_user_id_d real actor_user_id
user_name_s string user_name
user_id_d real user_id
app_name_s string app_name
app_id_d real app_id
ipaddr_s string = h."src_ip"
notes_s string notes
error_description_s string error_description
account_id_d real account_id
created_at_t datetime = h."time"
`
