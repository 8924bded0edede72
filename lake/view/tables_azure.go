package view

import "strings"

// azureTables are the Activity log and the resource logs of Azure.
func azureTables() []spec {
	return append([]spec{
		{name: "AzureActivity", title: "Activity log of Azure subscriptions", system: "Azure", shape: lowered, columns: activityColumns(),
			from: []feed{{format: "azure.activity"}}},
		{name: "AzureDiagnostics", title: "resource logs of Azure", system: "Azure", shape: lowered, aliases: "clientIp_s type_s", columns: azureDiagnostics + diagnosticsLines(),
			from: []feed{{format: "azure.resource"}, {format: "kubernetes.audit", where: `h."account" = ''`, columns: kubeAudit}}},
		{name: "StorageBlobLogs", title: "requests to blobs", system: "Azure", shape: diagnosed, columns: storageLogs,
			from: []feed{{format: "azure.resource", where: `(coalesce({resourceId}, {_ResourceId}, {ResourceId}, '') ILIKE '%/blobservices/%' OR {Type} = 'StorageBlobLogs' OR {ServiceType} = 'blob')`}}},
		{name: "StorageFileLogs", title: "requests to file shares", system: "Azure", shape: diagnosed, columns: storageLogs,
			from: []feed{{format: "azure.resource", where: `(coalesce({resourceId}, {_ResourceId}, {ResourceId}, '') ILIKE '%/fileservices/%' OR {Type} = 'StorageFileLogs' OR {ServiceType} = 'file')`}}},
		{name: "StorageQueueLogs", title: "requests to queues", system: "Azure", shape: diagnosed, columns: storageLogs,
			from: []feed{{format: "azure.resource", where: `(coalesce({resourceId}, {_ResourceId}, {ResourceId}, '') ILIKE '%/queueservices/%' OR {Type} = 'StorageQueueLogs')`}}},
		{name: "StorageTableLogs", title: "requests to tables", system: "Azure", shape: diagnosed, columns: storageLogs,
			from: []feed{{format: "azure.resource", where: `(coalesce({resourceId}, {_ResourceId}, {ResourceId}, '') ILIKE '%/tableservices/%' OR {Type} = 'StorageTableLogs')`}}},
		{name: "AZKVAuditLogs", title: "requests to key vaults", system: "Azure", shape: diagnosed, columns: keyVault,
			from: []feed{{format: "azure.resource", where: `(coalesce({resourceId}, {_ResourceId}, {ResourceId}, '') ILIKE '%/microsoft.keyvault/%' AND coalesce({category}, {Category}, '') = 'AuditEvent' OR {Type} = 'AZKVAuditLogs')`}}},
		{name: "AppServiceHTTPLogs", title: "requests to web apps", system: "Azure", shape: diagnosed, columns: appServiceHTTP,
			from: []feed{{format: "azure.resource", where: `coalesce({category}, {Category}, {Type}) = 'AppServiceHTTPLogs'`}}},
		{name: "NetworkSecurityGroupFlow", title: "flows of network security groups and virtual networks", system: "Azure", group: "house",
			columns: nsgFlow, from: []feed{{format: "azure.nsgflow"}}},
		{name: "AzureNetworkAnalytics_CL", title: "flows of network security groups, as Traffic Analytics has them", system: "Azure",
			columns: networkAnalytics, from: []feed{{format: "azure.nsgflow"}}},
		{name: "AKSAudit", title: "audit log of Kubernetes clusters", system: "Azure", columns: kubernetes, from: []feed{{format: "kubernetes.audit"}}},
		{name: "AKSAuditAdmin", title: "audit log of Kubernetes clusters, without reads", system: "Azure", columns: kubernetes,
			from: []feed{{format: "kubernetes.audit", where: `lower(coalesce({verb}, {Verb}, '')) NOT IN ('get', 'list', 'watch')`}}},
	}, backupTables()...)
}

// activityProperties are the properties of a row of AzureActivity: a workspace puts what the
// record says elsewhere beside the properties that the record has. The resource is named by the
// names in its id, without their types.
const activityProperties = `CASE WHEN json_type(OWN) = 'OBJECT' AND json_extract_string(OWN, 'activityStatusValue') IS NULL THEN
 json_merge_patch(OWN, json_object('caller', nullif(h."actor_id", ''), 'eventDataId', nullif(h."id", ''),
 'eventSubmissionTimestamp', strftime(h."time", '%Y-%m-%dT%H:%M:%S.%fZ'), 'httpRequest', CASE WHEN h."src_ip" <> '' THEN json_object('clientIpAddress', h."src_ip")::VARCHAR END,
 'resource', nullif(regexp_replace(regexp_extract(lower(h."target_id"), '/providers/[^/]+/(.*)$', 1), '[^/]+/([^/]+)(/|$)', '\1\2', 'g'), ''),
 'resourceGroup', nullif(upper(coalesce(nullif(h."resource_group", ''), regexp_extract(h."target_id", '(?i)/resourcegroups/([^/]+)', 1))), ''),
 'resourceProviderValue', nullif(upper(coalesce(nullif(regexp_extract(h."target_id", '(?i).*/providers/([^/]+)', 1), ''), h."service")), ''),
 'subscriptionId', nullif(h."account", ''), 'activityStatusValue', nullif(h."status", ''),
 'activitySubstatusValue', coalesce({ActivitySubstatusValue}, {subStatus.value}, {sub_status.value}, {resultSignature})))
 ELSE OWN END`

func activityColumns() string {
	of := strings.NewReplacer("\n", "", "OWN", `coalesce(TRY_CAST(coalesce({properties}, {Properties}) AS JSON), json_object())`).Replace(activityProperties)
	return strings.ReplaceAll(azureActivity, "PROPERTIES", of)
}

// A record of an Event Hub says Start, Success, Failure and Accept; the older columns have the
// words of the older API for that.
const azureActivity = `
TimeGenerated datetime = h."time"
OperationName string operationName.localizedValue operation_name.localized_value OperationName operationName.value operationName
OperationNameValue string = h."action"
Level string = h."level"
ActivityStatus string = CASE h."status" WHEN 'Start' THEN 'Started' WHEN 'Success' THEN 'Succeeded' WHEN 'Failure' THEN 'Failed' WHEN 'Accept' THEN 'Accepted' ELSE h."status" END
ActivityStatusValue string = h."status"
ActivitySubstatus string subStatus.localizedValue sub_status.localized_value ActivitySubstatus subStatus.value resultSignature
ActivitySubstatusValue string ActivitySubstatusValue subStatus.value sub_status.value resultSignature ActivitySubstatus
ResourceGroup string = coalesce(nullif(h."resource_group", ''), regexp_extract(h."target_id", '(?i)/resourcegroups/([^/]+)', 1))
SubscriptionId string = h."account"
CorrelationId string = h."correlation_id"
Caller string = h."actor_id"
CallerIpAddress string = h."src_ip"
Category string = h."category"
CategoryValue string = h."category"
HTTPRequest string = coalesce({httpRequest}, {http_request}, {HTTPRequest}, CASE WHEN h."src_ip" <> '' THEN json_object('clientIpAddress', h."src_ip")::VARCHAR END)
Properties string = (PROPERTIES)::VARCHAR
Properties_d dynamic = coalesce(TRY_CAST({Properties_d} AS JSON), PROPERTIES)
EventSubmissionTimestamp datetime = coalesce(TRY_CAST(coalesce({submissionTimestamp}, {submission_timestamp}, {EventSubmissionTimestamp}) AS TIMESTAMP), h."time")
Authorization string identity.authorization authorization Authorization
Authorization_d dynamic Authorization_d identity.authorization authorization Authorization
Claims string identity.claims claims Claims
Claims_d dynamic Claims_d identity.claims claims Claims
Hierarchy string Hierarchy properties.hierarchy
EventDataId string = h."id"
OperationId string operationId OperationId operation_id
Resource string = coalesce({Resource}, nullif(regexp_extract(h."target_id", '([^/]*)$', 1), ''), '')
ResourceId string = h."target_id"
ResourceProvider string = coalesce({resourceProviderName.localizedValue}, {ResourceProvider}, {resourceProviderName.value}, nullif(regexp_extract(h."target_id", '(?i).*/providers/([^/]+)', 1), ''), '')
ResourceProviderValue string = coalesce(nullif(regexp_extract(h."target_id", '(?i).*/providers/([^/]+)', 1), ''), h."service")
TenantId string TenantId
_ResourceId string = lower(h."target_id")
_SubscriptionId string = lower(h."account")
`

// The columns of AzureDiagnostics that have a type behind their name stand below properties
// in an Event Hub.
const azureDiagnostics = `
TimeGenerated datetime = h."time"
Category string = h."category"
OperationName string = h."action"
OperationVersion string operationVersion OperationVersion
ResultType string = h."result"
ResultSignature string resultSignature ResultSignature
ResultDescription string resultDescription ResultDescription
DurationMs long durationMs DurationMs
CallerIPAddress string = h."src_ip"
CorrelationId string = h."correlation_id"
Level string level Level
Resource string = coalesce({Resource}, upper(nullif(regexp_extract(coalesce({resourceId}, {ResourceId}, {_ResourceId}, ''), '([^/]*)$', 1), '')), '')
ResourceGroup string = coalesce({ResourceGroup}, upper(nullif(regexp_extract(coalesce({resourceId}, {ResourceId}, {_ResourceId}, ''), '(?i)/resourcegroups/([^/]+)', 1), '')), '')
ResourceId string resourceId ResourceId _ResourceId
ResourceProvider string = coalesce({ResourceProvider}, upper(nullif(regexp_extract(coalesce({resourceId}, {ResourceId}, {_ResourceId}, ''), '(?i).*/providers/([^/]+)', 1), '')), '')
ResourceType string = coalesce({ResourceType}, upper(nullif(regexp_extract(coalesce({resourceId}, {ResourceId}, {_ResourceId}, ''), '(?i).*/providers/[^/]+/([^/]+)', 1), '')), '')
SubscriptionId string = h."account"
Message string Message properties.Message properties.message
action_s string action_s properties.action
AdditionalFields dynamic AdditionalFields
clientIP_s string clientIP_s properties.clientIP properties.clientIp
clientInfo_s string clientInfo_s properties.clientInfo
clientPort_d real clientPort_d properties.clientPort
client_ip_s string client_ip_s properties.client_ip
details_message_s string details_message_s properties.details.message
details_data_s string details_data_s properties.details.data
hostname_s string hostname_s properties.hostname
host_s string host_s properties.host
httpMethod_s string httpMethod_s properties.httpMethod
httpStatus_d real httpStatus_d properties.httpStatus
httpStatusCode_d real httpStatusCode_d properties.httpStatusCode
httpVersion_s string httpVersion_s properties.httpVersion
id_s string id_s properties.id
identity_claim_appid_g string identity_claim_appid_g identity.claim.appid
identity_claim_appid_s string identity_claim_appid_s identity.claim.appid
identity_claim_oid_g string identity_claim_oid_g identity.claim.oid
identity_claim_ipaddr_s string identity_claim_ipaddr_s identity.claim.ipaddr
resultDescription_ChildJobs_s string resultDescription_ChildJobs_s resultDescription.ChildJobs
resultDescription_ErrorJobs_s string resultDescription_ErrorJobs_s resultDescription.ErrorJobs
identity_claim_upn_s string identity_claim_upn_s identity.claim.upn
identity_claim_http_schemas_xmlsoap_org_ws_2005_05_identity_claims_upn_s string identity_claim_http_schemas_xmlsoap_org_ws_2005_05_identity_claims_upn_s identity.claim."http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g string identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g identity.claim."http://schemas.microsoft.com/identity/claims/objectidentifier"
identity_claim_xms_mirid_s string identity_claim_xms_mirid_s identity.claim.xms_mirid
isAccessPolicyMatch_b bool isAccessPolicyMatch_b properties.isAccessPolicyMatch
msg_s string msg_s properties.msg
policy_s string policy_s properties.policy
requestUri_s string requestUri_s properties.requestUri
requestQuery_s string requestQuery_s properties.requestQuery
requestBody_s string requestBody_s properties.requestBody
ruleName_s string ruleName_s properties.ruleName
ruleSetType_s string ruleSetType_s properties.ruleSetType
ruleSetVersion_s string ruleSetVersion_s properties.ruleSetVersion
ruleId_s string ruleId_s properties.ruleId
ruleGroup_s string ruleGroup_s properties.ruleGroup
serverRouted_s string serverRouted_s properties.serverRouted
site_s string site_s properties.site
systemId_g string systemId_g systemId
socketIP_s string socketIP_s properties.socketIP properties.socketIp
trackingReference_s string trackingReference_s properties.trackingReference
transactionId_g string transactionId_g properties.transactionId
userAgent_s string userAgent_s properties.userAgent
vaultProperties_softDeleteRetentionInDays_d real vaultProperties_softDeleteRetentionInDays_d properties.vaultProperties.softDeleteRetentionInDays
OriginalHost_s string originalHost_s properties.originalHost
attrs_s string attrs_s properties.attrs
log_s string log_s properties.log
pod_s string pod_s properties.pod
containerID_s string containerID_s properties.containerID
stream_s string stream_s properties.stream
event_s string event_s properties.event
application_name_s string application_name_s properties.application_name
client_tls_version_d real client_tls_version_d properties.client_tls_version
database_name_s string database_name_s properties.database_name
database_principal_name_s string database_principal_name_s properties.database_principal_name
server_principal_name_s string server_principal_name_s properties.server_principal_name
session_server_principal_name_s string session_server_principal_name_s properties.session_server_principal_name
server_instance_name_s string server_instance_name_s properties.server_instance_name
LogicalServerName_s string LogicalServerName_s properties.LogicalServerName LogicalServerName
statement_s string statement_s properties.statement
object_name_s string object_name_s properties.object_name
action_id_s string action_id_s properties.action_id
action_name_s string action_name_s properties.action_name
affected_rows_d real affected_rows_d properties.affected_rows
response_rows_d real response_rows_d properties.response_rows
data_sensitivity_information_s string data_sensitivity_information_s properties.data_sensitivity_information
duration_milliseconds_d real duration_milliseconds_d properties.duration_milliseconds
host_name_s string host_name_s properties.host_name
is_server_level_audit_s string is_server_level_audit_s properties.is_server_level_audit
succeeded_s string succeeded_s properties.succeeded
additional_information_s string additional_information_s properties.additional_information
DeviceEventClassID_s string DeviceEventClassID_s properties.DeviceEventClassID
PublicIPAddresses_s string PublicIPAddresses_s properties.PublicIPAddresses
Type_s string Type_s properties.Type properties.type
ResourceId_s string ResourceId_s properties.ResourceId
_ResourceId string = lower(coalesce({_ResourceId}, {resourceId}, {ResourceId}, ''))
_SubscriptionId string = lower(h."account")
`

const storageLogs = `
TimeGenerated datetime = h."time"
AccountName string properties.accountName AccountName
Protocol string protocol Protocol properties.protocol
OperationName string = h."action"
OperationVersion string operationVersion OperationVersion
Category string category Category
AuthenticationType string identity.type AuthenticationType
AuthenticationHash string identity.tokenHash AuthenticationHash
AuthorizationDetails dynamic identity.authorization AuthorizationDetails authorization
RequesterObjectId string identity.requester.objectId RequesterObjectId
RequesterTenantId string identity.requester.tenantId RequesterTenantId
RequesterAppId string identity.requester.appId RequesterAppId
RequesterAudience string identity.requester.audience RequesterAudience
RequesterTokenIssuer string identity.requester.tokenIssuer RequesterTokenIssuer
RequesterUpn string identity.requester.upn RequesterUpn
RequesterUserName string RequesterUserName
StatusCode string statusCode StatusCode
StatusText string statusText StatusText
DurationMs real durationMs DurationMs
ServerLatencyMs real properties.serverLatencyMs ServerLatencyMs
CallerIpAddress string callerIpAddress CallerIpAddress
CorrelationId string correlationId CorrelationId
Uri string uri Uri
UserAgentHeader string
ReferrerHeader string
ClientRequestId string
RequestHeaderSize long
RequestBodySize long
ResponseHeaderSize long
ResponseBodySize long
ContentLengthHeader long
RequestMd5 string
ResponseMd5 string
Etag string
LastModifiedTime datetime
ConditionsUsed string
ServiceType string
OperationCount int
ObjectKey string
MetricResponseType string
TlsVersion string
AccessTier string
SourceAccessTier string
RehydratePriority string
SchemaVersion string
SourceUri string
DestinationUri string
SasExpiryStatus string
Location string location Location
_ResourceId string = lower(coalesce({_ResourceId}, {resourceId}, {ResourceId}, ''))
_SubscriptionId string = lower(h."account")
`

const keyVault = `
TimeGenerated datetime = h."time"
OperationName string = h."action"
OperationVersion string operationVersion OperationVersion
ResultType string = h."result"
ResultSignature string resultSignature ResultSignature
ResultDescription string resultDescription ResultDescription
DurationMs int durationMs DurationMs
CallerIpAddress string = h."src_ip"
CorrelationId string = h."correlation_id"
Identity dynamic identity Identity
Properties dynamic properties Properties
Tlsversion string properties.tlsVersion Tlsversion
AddressAuthorizationType string
Algorithm string
AppliedAssignmentId string
CertificateIssuerProperties dynamic
CertificatePolicyProperties dynamic
CertificateProperties dynamic
CertificateRequestProperties dynamic
ClientInfo string
EnabledForDeployment bool
EnabledForDiskEncryption bool
EnabledForTemplateDeployment bool
EnablePurgeProtection bool
EnableRbacAuthorization bool
EnableSoftDelete bool
HsmPoolResourceId string
HttpStatusCode int
Id string
IsAccessPolicyMatch bool
IsAddressAuthorized bool
IsRbacAuthorized bool
KeyProperties dynamic
NetworkAcls dynamic
Nsp dynamic
RequestUri string
SecretProperties dynamic
Sku dynamic
SoftDeleteRetentionInDays int
StorageAccountProperties dynamic
StorageSasDefinitionProperties dynamic
SubnetId string
TrustedService string
VaultProperties dynamic
_ResourceId string = lower(coalesce({_ResourceId}, {resourceId}, {ResourceId}, ''))
_SubscriptionId string = lower(h."account")
`

const appServiceHTTP = `
TimeGenerated datetime = h."time"
Category string category Category
OperationName string = h."action"
CIp string properties.CIp CIp
ComputerName string properties.ComputerName ComputerName
Cookie string properties.Cookie Cookie
CsBytes long properties.CsBytes CsBytes
CsHost string properties.CsHost CsHost
CsMethod string properties.CsMethod CsMethod
CsUriQuery string properties.CsUriQuery CsUriQuery
CsUriStem string properties.CsUriStem CsUriStem
CsUsername string properties.CsUsername CsUsername
Protocol string properties.Protocol Protocol
Referer string properties.Referer Referer
Result string properties.Result Result
ScBytes long properties.ScBytes ScBytes
ScStatus int properties.ScStatus ScStatus
ScSubStatus int properties.ScSubStatus ScSubStatus
ScWin32Status int properties.ScWin32Status ScWin32Status
SPort string properties.SPort SPort
TimeTaken int properties.TimeTaken TimeTaken
UserAgent string properties.UserAgent UserAgent
_ResourceId string = lower(coalesce({_ResourceId}, {resourceId}, {ResourceId}, ''))
`

const nsgFlow = `
TimeGenerated datetime = h."time"
SrcIp string = h."src_ip"
DestIp string dstIp
SrcPort int srcPort
DestPort int dstPort
L4Protocol string protocol
FlowDirection string direction
FlowStatus string decision
FlowState string state
NsgRule string rule
MacAddress string macAddress
PacketsSent long packetsSent
BytesSent long bytesSent
PacketsReceived long packetsReceived
BytesReceived long bytesReceived
_ResourceId string = lower(coalesce({resourceId}, ''))
_SubscriptionId string = lower(h."account")
`

const networkAnalytics = `
Computer string Computer
AzureRegion_s string AzureRegion_s
Subnet1_s string Subnet1_s
Subnet2_s string Subnet2_s
Subscription1_g string = h."account"
Tags_s string Tags_s
SchemaVersion_s string SchemaVersion_s
TimeProcessed_t datetime = h."seen"
DiscoveryRegion_s string DiscoveryRegion_s
VirtualMachine_s string VirtualMachine_s
PrivateIPAddresses_s string PrivateIPAddresses_s
PublicIPAddresses_s string PublicIPAddresses_s
PublicFrontendIPs_s string PublicFrontendIPs_s
Name_s string Name_s
DestinationPortRange_s string DestinationPortRange_s
NSG_s string NSG_s
Subnetwork_s string Subnetwork_s
TimeGenerated datetime = h."time"
SubType_s string = 'FlowLog'
FlowType_s string FlowType_s
FlowStartTime_t datetime = h."time"
FlowEndTime_t datetime = h."time"
SrcIP_s string = h."src_ip"
DestIP_s string dstIp
SrcPublicIPs_s string = CASE WHEN lower({direction}) = 'inbound' THEN h."src_ip" ELSE '' END
DestPublicIPs_s string = CASE WHEN lower({direction}) = 'outbound' THEN coalesce({dstIp}, '') ELSE '' END
PublicIPs_s string = CASE WHEN lower({direction}) = 'inbound' THEN h."src_ip" ELSE coalesce({dstIp}, '') END
VMIP_s string = CASE WHEN lower({direction}) = 'inbound' THEN coalesce({dstIp}, '') ELSE h."src_ip" END
SrcPort_d real srcPort
DestPort_d real dstPort
L4Protocol_s string = upper(left(coalesce({protocol}, ''), 1))
L7Protocol_s string L7Protocol_s
FlowDirection_s string = upper(left(coalesce({direction}, ''), 1))
FlowStatus_s string = upper(left(coalesce({decision}, ''), 1))
NSGList_s string = coalesce({resourceId}, '')
NSGRule_s string rule
NSGRuleType_s string NSGRuleType_s
MACAddress_s string macAddress
Subscription_g string = h."account"
Region_s string = h."region"
VM_s string VM_s
VM1_s string VM1_s
VM2_s string VM2_s
NIC_s string NIC_s
Subnet_s string Subnet_s
Country_s string Country_s
AllowedInFlows_d real AllowedInFlows_d
AllowedOutFlows_d real AllowedOutFlows_d
DeniedInFlows_d real DeniedInFlows_d
DeniedOutFlows_d real DeniedOutFlows_d
InboundPackets_d real packetsReceived
OutboundPackets_d real packetsSent
InboundBytes_d real bytesReceived
OutboundBytes_d real bytesSent
FASchemaVersion_s string = '2'
`

const kubernetes = `
TimeGenerated datetime = h."time"
Level string level Level
AuditId string auditID AuditId
Stage string stage Stage
RequestUri string requestURI RequestUri
Verb string verb Verb
User dynamic user User
ImpersonatedUser dynamic impersonatedUser ImpersonatedUser
SourceIps dynamic sourceIPs SourceIps
UserAgent string userAgent UserAgent
ObjectRef dynamic objectRef ObjectRef
ResponseStatus dynamic responseStatus ResponseStatus
RequestObject dynamic requestObject RequestObject
ResponseObject dynamic responseObject ResponseObject
RequestReceivedTime datetime requestReceivedTimestamp RequestReceivedTime
StageReceivedTime datetime stageTimestamp StageReceivedTime
Annotations dynamic annotations Annotations
PodName string PodName
`
