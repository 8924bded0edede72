package view

import "strings"

// googleTables are the tables of Google Cloud and Google Workspace.
func googleTables() []spec {
	return []spec{
		{name: "GCPAuditLogs", title: "audit logs of Google Cloud", system: "GCP", columns: gcpAudit, from: []feed{{format: "gcp.audit"}}},
		{name: "GCPVPCFlow", title: "flow logs of VPCs of Google Cloud", system: "GCP", columns: gcpFlow, from: []feed{{format: "gcp.vpcflow"}}},
		{name: "GCPDNS", title: "DNS queries of Google Cloud", system: "GCP", columns: gcpDNS, from: []feed{{format: "gcp.dns"}}},
		{name: "GCPFirewallLogs", title: "what firewall rules of Google Cloud decided", system: "GCP", columns: gcpFirewall, from: []feed{{format: "gcp.firewall"}}},
		{name: "GCPLoadBalancerLogs_CL", title: "requests to load balancers of Google Cloud", system: "GCP", columns: gcpBalancer, from: []feed{{format: "gcp.loadbalancer"}}},
		{name: "GoogleCloudSCC", title: "findings of Security Command Center", system: "GCP", columns: gcpSCC, from: []feed{{format: "gcp.scc"}}},
		{name: "GCP_IAM_CL", title: "audit logs of Google Cloud, in the names of the older connector", system: "GCP", columns: gcpOld,
			from: []feed{{format: "gcp.audit", where: `h."service" = 'iam.googleapis.com'`}}},
		{name: "GCP_IAM", title: "audit logs of Google Cloud's IAM, in the names of Sentinel's parser", system: "GCP", columns: withExported(gcpIAM),
			from: []feed{{format: "gcp.audit", where: `h."service" = 'iam.googleapis.com' OR h."action" ILIKE '%SetIamPolicy%'`}}},
		{name: "GWorkspaceActivityReports", title: "activities of Google Workspace, in the names of Sentinel's parser", system: "GWorkspace",
			columns: workspace, from: []feed{{format: "google_workspace.audit"}}},
		workspaceTable("admin"), workspaceTable("calendar"), workspaceTable("drive"), workspaceTable("login"), workspaceTable("mobile"),
		workspaceTable("token"), workspaceTable("user_accounts"),
	}
}

func workspaceTable(app string) spec {
	return spec{name: "GWorkspace_ReportsAPI_" + app + "_CL", title: "activities of Google Workspace: " + app, system: "GWorkspace",
		columns: workspaceOld, from: []feed{{format: "google_workspace.audit", where: expr(`{id.applicationName} = '` + app + `'`)}}}
}

// The payload stands below protoPayload, or as BigQuery and the older table name it.
const gcpAudit = `
TimeGenerated datetime = h."time"
Timestamp datetime timestamp Timestamp
AuthenticationInfo dynamic protoPayload.authenticationInfo protopayload_auditlog.authenticationInfo AuthenticationInfo
AuthorizationInfo dynamic protoPayload.authorizationInfo protopayload_auditlog.authorizationInfo AuthorizationInfo
GCPResourceName string = h."resource_name"
GCPResourceType string = h."resource_type"
InsertId string insertId InsertId
LogName string = h."log_name"
Metadata dynamic protoPayload.metadata protopayload_auditlog.metadataJson Metadata
MethodName string = h."action"
NumResponseItems string protoPayload.numResponseItems NumResponseItems
PrincipalEmail string = CASE WHEN contains(h."actor_id", '@') AND NOT contains(h."actor_id", ':') THEN h."actor_id" ELSE '' END
ProjectId string resource.labels.project_id ProjectId
Request dynamic protoPayload.request protopayload_auditlog.requestJson Request
RequestMetadata dynamic protoPayload.requestMetadata protopayload_auditlog.requestMetadata RequestMetadata
ResourceLocation dynamic protoPayload.resourceLocation protopayload_auditlog.resourceLocation ResourceLocation
ResourceOriginalState dynamic protoPayload.resourceOriginalState ResourceOriginalState
Response dynamic protoPayload.response protopayload_auditlog.responseJson Response
ServiceData dynamic protoPayload.serviceData protopayload_auditlog.servicedata_v1_iam ServiceData
ServiceName string = h."service"
Severity string = h."severity"
Status dynamic protoPayload.status protopayload_auditlog.status Status
StatusMessage string = h."error_message"
Subscription string Subscription
Resource dynamic resource Resource
`

// withExported adds to every path that of a row of the older connector's table:
// protoPayload.status.code stands there as payload_status_code_s.
func withExported(text string) string {
	var b strings.Builder
	for l := range strings.SplitSeq(text, "\n") {
		b.WriteString(l)
		if f := strings.Fields(l); len(f) > 2 && f[2] != "=" {
			for _, path := range f[2:] {
				path = strings.Replace(path, "protoPayload", "payload", 1)
				b.WriteString(" " + strings.NewReplacer(".", "_", "@", "_").Replace(path) + "_s")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// gcpIAM has the names that the parser GCP_IAM gives to what the older connector took in.
const gcpIAM = `
TimeGenerated datetime = h."time"
EventEndTime datetime = h."time"
EventSeverity string = h."severity"
EventVendor string = 'Google'
EventProduct string = 'GCP IAM'
InsertId string insertId
LogName string = h."log_name"
SrcIpAddr string = h."src_ip"
HttpUserAgentOriginal string = h."user_agent"
PayloadType string protoPayload.@type
PayloadMethodname string = h."action"
PayloadServicename string = h."service"
PayloadResourcename string = h."resource_name"
PayloadAuthenticationinfoPrincipalemail string protoPayload.authenticationInfo.principalEmail
PayloadAuthenticationinfoPrincipalsubject string protoPayload.authenticationInfo.principalSubject
PayloadAuthorizationinfo string protoPayload.authorizationInfo
PayloadStatusCode string protoPayload.status.code
PayloadStatusMessage string protoPayload.status.message
PayloadServicedataType string protoPayload.serviceData.@type
PayloadServicedataPolicydeltaBindingdeltas string protoPayload.serviceData.policyDelta.bindingDeltas
PayloadServicedataPermissiondeltaAddedpermissions string protoPayload.serviceData.permissionDelta.addedPermissions
PayloadServicedataPermissiondeltaRemovedpermissions string protoPayload.serviceData.permissionDelta.removedPermissions
PayloadRequestmetadataRequestattributesTime string protoPayload.requestMetadata.requestAttributes.time
PayloadRequestType string protoPayload.request.@type
PayloadRequestName string protoPayload.request.name
PayloadRequestParent string protoPayload.request.parent
PayloadRequestResource string protoPayload.request.resource
PayloadRequestView string protoPayload.request.view
PayloadRequestAccountId string protoPayload.request.account_id
PayloadRequestServiceAccountDescription string protoPayload.request.service_account.description
PayloadRequestServiceAccountDisplayName string protoPayload.request.service_account.display_name
PayloadRequestPrivateKeyType string protoPayload.request.private_key_type
PayloadRequestKeyTypes string protoPayload.request.key_types
PayloadRequestFullResourceName string protoPayload.request.full_resource_name
PayloadRequestOptionsRequestedPolicyVersion string protoPayload.request.options.requested_policy_version
PayloadRequestPageSize string protoPayload.request.page_size
PayloadRequestPageToken string protoPayload.request.page_token
PayloadRequestShowDeleted string protoPayload.request.show_deleted
PayloadRequestSkipVisibilityCheck string protoPayload.request.skip_visibility_check
PayloadRequestRemoveDeletedServiceAccounts string protoPayload.request.remove_deleted_service_accounts
PayloadRequestPolicyBindings string protoPayload.request.policy.bindings
PayloadRequestPolicyAuditconfigs string protoPayload.request.policy.auditConfigs protoPayload.request.policy.audit_configs
PayloadRequestPolicyEtag string protoPayload.request.policy.etag
PayloadRequestRoleId string protoPayload.request.role_id
PayloadRequestRoleTitle string protoPayload.request.role.title
PayloadRequestRoleDescription string protoPayload.request.role.description
PayloadRequestRoleIncludedPermissions string protoPayload.request.role.included_permissions
PayloadRequestUpdateMaskPaths string protoPayload.request.update_mask.paths
PayloadResponseType string protoPayload.response.@type
PayloadResponseName string protoPayload.response.name
PayloadResponseTitle string protoPayload.response.title
PayloadResponseEmail string protoPayload.response.email
PayloadResponseEtag string protoPayload.response.etag
PayloadResponseUniqueId string protoPayload.response.unique_id
PayloadResponseProjectId string protoPayload.response.project_id
PayloadResponseDescription string protoPayload.response.description
PayloadResponseDisplayName string protoPayload.response.display_name
PayloadResponseOauth2ClientId string protoPayload.response.oauth2_client_id
PayloadResponseGroupName string protoPayload.response.group_name
PayloadResponseGroupTitle string protoPayload.response.group_title
PayloadResponseIncludedPermissions string protoPayload.response.included_permissions
PayloadResponseBindings string protoPayload.response.bindings
PayloadResponseAuditconfigs string protoPayload.response.auditConfigs protoPayload.response.audit_configs
PayloadResponseKeyType string protoPayload.response.key_type
PayloadResponseKeyOrigin string protoPayload.response.key_origin
PayloadResponseKeyAlgorithm string protoPayload.response.key_algorithm
PayloadResponsePrivateKeyType string protoPayload.response.private_key_type
PayloadResponseValidAfterTimeSeconds string protoPayload.response.valid_after_time.seconds
PayloadResponseValidBeforeTimeSeconds string protoPayload.response.valid_before_time.seconds
ResourceType string resource.type
ResourceLabelsEmailId string resource.labels.email_id
ResourceLabelsProjectId string resource.labels.project_id
ResourceLabelsUniqueId string resource.labels.unique_id
ResourceLabelsRoleName string resource.labels.role_name
ResourceLabelsTopicId string resource.labels.topic_id
ResourceLabelsLocation string resource.labels.location
ResourceLabelsMethod string resource.labels.method
ResourceLabelsService string resource.labels.service
ResourceLabelsVersion string resource.labels.version
`

const gcpFlow = `
TimeGenerated datetime = h."time"
Timestamp datetime timestamp
InsertId string insertId
LogName string logName
ProjectId string = h."account"
SrcIp string = h."src_ip"
SrcPort int jsonPayload.connection.src_port
DestIp string jsonPayload.connection.dest_ip
DestPort int jsonPayload.connection.dest_port
Protocol int jsonPayload.connection.protocol
BytesSent long jsonPayload.bytes_sent
PacketsSent long jsonPayload.packets_sent
StartTime datetime jsonPayload.start_time
EndTime datetime jsonPayload.end_time
Reporter string jsonPayload.reporter
SrcInstance dynamic jsonPayload.src_instance
DestInstance dynamic jsonPayload.dest_instance
SrcVpc dynamic jsonPayload.src_vpc
DestVpc dynamic jsonPayload.dest_vpc
SrcLocation dynamic jsonPayload.src_location
DestLocation dynamic jsonPayload.dest_location
Severity string severity
GCPResourceType string resource.type
`

const gcpDNS = `
TimeGenerated datetime = h."time"
Timestamp datetime timestamp
InsertId string insertId
LogName string logName
ProjectId string = h."account"
QueryName string jsonPayload.queryName payload_queryName_s
QueryType string jsonPayload.queryType payload_queryType_s
ResponseCode string jsonPayload.responseCode payload_responseCode_s
Rdata string jsonPayload.rdata payload_rdata_s
SourceIP string = h."src_ip"
SourceNetwork string jsonPayload.sourceNetwork payload_sourceNetwork_s
VmInstanceName string jsonPayload.vmInstanceName jsonPayload.vmInstanceNameString
VmInstanceId string jsonPayload.vmInstanceId jsonPayload.vmInstanceIdString
Protocol string jsonPayload.protocol
ServerLatency int jsonPayload.serverLatency
AuthAnswer bool jsonPayload.authAnswer
Severity string severity
GCPResourceType string resource.type
`

const gcpFirewall = `
TimeGenerated datetime = h."time"
Timestamp datetime timestamp
InsertId string insertId
LogName string logName
ProjectId string = h."account"
Disposition string jsonPayload.disposition
SrcIp string = h."src_ip"
SrcPort int jsonPayload.connection.src_port
DestIp string jsonPayload.connection.dest_ip
DestPort int jsonPayload.connection.dest_port
Protocol int jsonPayload.connection.protocol
RuleDetails dynamic jsonPayload.rule_details
Instance dynamic jsonPayload.instance
Vpc dynamic jsonPayload.vpc
RemoteInstance dynamic jsonPayload.remote_instance
RemoteLocation dynamic jsonPayload.remote_location
RemoteVpc dynamic jsonPayload.remote_vpc
Severity string severity
`

const gcpBalancer = `
TimeGenerated datetime = h."time"
Timestamp datetime timestamp
InsertId string insertId
LogName string logName
ProjectId string = h."account"
RequestMethod string httpRequest.requestMethod
RequestUrl string httpRequest.requestUrl
RequestSize long httpRequest.requestSize
Status int httpRequest.status
ResponseSize long httpRequest.responseSize
UserAgent string httpRequest.userAgent
RemoteIp string = h."src_ip"
Referer string httpRequest.referer
Latency string httpRequest.latency
StatusDetails string jsonPayload.statusDetails
EnforcedSecurityPolicy dynamic jsonPayload.enforcedSecurityPolicy
BackendTargetProjectNumber string jsonPayload.backendTargetProjectNumber
GCPResourceType string resource.type
`

const gcpSCC = `
TimeGenerated datetime = h."time"
FindingsName string = h."id"
Category string = h."action"
State string finding.state state
Severity string finding.severity severity
Mute string finding.mute mute
FindingsClass string finding.findingClass findingClass
Description string finding.description description
EventTime datetime finding.eventTime eventTime
CreateTime datetime finding.createTime createTime
Findings dynamic = coalesce({{finding}}, {{$}})
FindingsResource dynamic resource
SourceProperties dynamic finding.sourceProperties sourceProperties
Indicator dynamic finding.indicator indicator
`

const gcpOld = `
TimeGenerated datetime = h."time"
logName_s string logName logName_s
insertId_s string insertId insertId_s
severity_s string severity severity_s
payload_methodName_s string = h."action"
payload_serviceName_s string = h."service"
payload_resourceName_s string protoPayload.resourceName payload_resourceName_s
payload_authenticationInfo_principalEmail_s string protoPayload.authenticationInfo.principalEmail payload_authenticationInfo_principalEmail_s
payload_requestMetadata_callerIp_s string = h."src_ip"
payload_requestMetadata_callerSuppliedUserAgent_s string = h."user_agent"
payload_authorizationInfo_s string protoPayload.authorizationInfo payload_authorizationInfo_s
payload_request_s string protoPayload.request
payload_response_s string protoPayload.response
payload_serviceData_policyDelta_bindingDeltas_s string protoPayload.serviceData.policyDelta.bindingDeltas payload_serviceData_policyDelta_bindingDeltas_s
resource_labels_project_id_s string resource.labels.project_id resource_labels_project_id_s
resource_type_s string resource.type resource_type_s
`

const workspace = `
TimeGenerated datetime = h."time"
EventVendor string = 'Google'
EventProduct string = 'Workspace'
EventOriginalType string = h."action"
EventMessage string events[0].type
EventCategory string id.applicationName
EventOriginalUid string = h."id"
ActorEmail string actor.email
ActorProfileId string actor.profileId
ActorCallerType string actor.callerType
ActorKey string actor.key
SrcIpAddr string = h."src_ip"
ActorUserName string actor.email
UserEmail string actor.email
CustomerId string id.customerId
UserDomain string ownerDomain
EventResult string = CASE h."outcome" WHEN 'success' THEN 'Success' WHEN 'failure' THEN 'Failure' ELSE 'NA' END
Parameters dynamic events[0].parameters
Events dynamic events
EventName string = h."action"
EventType string events[0].type
`

const workspaceOld = `
TimeGenerated datetime = h."time"
kind_s string kind
id_time_t datetime id.time
id_uniqueQualifier_s string id.uniqueQualifier
id_applicationName_s string id.applicationName
id_customerId_s string id.customerId
etag_s string etag
actor_email_s string actor.email
actor_profileId_s string actor.profileId
actor_callerType_s string actor.callerType
actor_key_s string actor.key
ownerDomain_s string ownerDomain
ipAddress string = h."src_ip"
IPAddress_s string = h."src_ip"
event_name_s string = h."action"
event_type_s string events[0].type
events_s string events
Events dynamic events
`
