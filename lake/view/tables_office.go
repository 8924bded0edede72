package view

import (
	"fmt"
	"sort"
	"strings"
)

// officeTables are the tables of Microsoft 365.
func officeTables() []spec {
	return []spec{{name: "OfficeActivity", title: "unified audit log of Microsoft 365", system: "OfficeActivityManager",
		columns: strings.NewReplacer("RECORDTYPE", words(`h."record_type"`, recordTypes), "USERTYPE", words(`h."user_type"`, userTypes),
			"LOGONTYPE", words("{LogonType}", logonTypes)).Replace(officeActivity),
		from: []feed{{format: "m365.audit"}}}}
}

// words writes the expression of a column that has a word for each number of the record's
// schema. The table says the word, the API the number.
func words(value string, of map[int]string) string {
	var nums []int
	for n := range of {
		nums = append(nums, n)
	}
	sort.Ints(nums)
	var b strings.Builder
	fmt.Fprintf(&b, "CASE %s", value)
	for _, n := range nums {
		fmt.Fprintf(&b, " WHEN '%d' THEN '%s'", n, of[n])
	}
	fmt.Fprintf(&b, " ELSE coalesce(%s, '') END", value)
	return b.String()
}

// recordTypes are the numbers of AuditLogRecordType.
var recordTypes = map[int]string{
	1: "ExchangeAdmin", 2: "ExchangeItem", 3: "ExchangeItemGroup", 4: "SharePoint", 6: "SharePointFileOperation", 7: "OneDrive",
	8: "AzureActiveDirectory", 9: "AzureActiveDirectoryAccountLogon", 10: "DataCenterSecurityCmdlet", 11: "ComplianceDLPSharePoint",
	13: "ComplianceDLPExchange", 14: "SharePointSharingOperation", 15: "AzureActiveDirectoryStsLogon", 16: "SkypeForBusinessPSTNUsage",
	17: "SkypeForBusinessUsersBlocked", 18: "SecurityComplianceCenterEOPCmdlet", 19: "ExchangeAggregatedOperation", 20: "PowerBIAudit",
	21: "CRM", 22: "Yammer", 23: "SkypeForBusinessCmdlets", 24: "Discovery", 25: "MicrosoftTeams", 28: "ThreatIntelligence",
	29: "MailSubmission", 30: "MicrosoftFlow", 31: "AeD", 32: "MicrosoftStream", 33: "ComplianceDLPSharePointClassification",
	34: "ThreatFinder", 35: "Project", 36: "SharePointListOperation", 37: "SharePointCommentOperation", 38: "DataGovernance",
	39: "Kaizala", 40: "SecurityComplianceAlerts", 41: "ThreatIntelligenceUrl", 42: "SecurityComplianceInsights", 43: "MIPLabel",
	44: "WorkplaceAnalytics", 45: "PowerAppsApp", 46: "PowerAppsPlan", 47: "ThreatIntelligenceAtpContent", 48: "LabelContentExplorer",
	49: "TeamsHealthcare", 50: "ExchangeItemAggregated", 51: "HygieneEvent", 52: "DataInsightsRestApiAudit",
	53: "InformationBarrierPolicyApplication", 54: "SharePointListItemOperation", 55: "SharePointContentTypeOperation",
	56: "SharePointFieldOperation", 57: "MicrosoftTeamsAdmin", 58: "HRSignal", 59: "MicrosoftTeamsDevice", 60: "MicrosoftTeamsAnalytics",
	61: "InformationWorkerProtection", 62: "Campaign", 63: "DLPEndpoint", 64: "AirInvestigation", 65: "Quarantine", 66: "MicrosoftForms",
	67: "ApplicationAudit", 68: "ComplianceSupervisionExchange", 69: "CustomerKeyServiceEncryption", 70: "OfficeNative",
	71: "MipAutoLabelSharePointItem", 72: "MipAutoLabelSharePointPolicyLocation", 73: "MicrosoftTeamsShifts",
}

var userTypes = map[int]string{0: "Regular", 1: "Reserved", 2: "Admin", 3: "DcAdmin", 4: "System", 5: "Application",
	6: "ServicePrincipal", 7: "CustomPolicy", 8: "SystemPolicy"}

var logonTypes = map[int]string{0: "Owner", 1: "Admin", 2: "Delegated", 3: "Transport", 4: "SystemService", 5: "BestAccess", 6: "DelegatedAdmin"}

// A row has some values twice, under a second name that ends in _, and the times of a start and
// of an elevation also where its record has none.
const officeActivity = `
TimeGenerated datetime = h."time"
Operation string = h."action"
OfficeWorkload string = h."service"
RecordType string = RECORDTYPE
UserId string = h."actor_id"
UserId_ string = h."actor_id"
UserKey string UserKey
UserType string = USERTYPE
ResultStatus string = h."result_status"
ClientIP string = h."client_ip"
ClientIP_ string = h."client_ip"
Client_IPAddress string ClientIPAddress Client_IPAddress
ActorIpAddress string
OfficeId string = h."id"
OfficeObjectId string ObjectId OfficeObjectId
OfficeTenantId string OrganizationId OfficeTenantId
OfficeTenantId_ string OrganizationId OfficeTenantId
OrganizationId string
OrganizationId_ string OrganizationId
OrganizationName string
UserAgent string
UserDomain string
Activity string
Actor string
ActorContextId string
AADTarget string Target AADTarget
AADGroupId string
AddOnGuid string
AddonName string AddOnName AddonName
AddOnType string
AffectedItems string
AppAccessContext string
AppDistributionMode string
AppId string
AppPoolName string
Application string
ApplicationId string
AzureActiveDirectory_EventType string AzureActiveDirectoryEventType AzureActiveDirectory_EventType
AzureADAppId string
ChannelGuid string
ChannelName string
ChannelType string
ChatName string
ChatThreadId string
Client string
ClientAppId string
ClientInfoString string
ClientMachineName string
ClientProcessName string
ClientVersion string
CommunicationType string
CrossMailboxOperations bool CrossMailboxOperation CrossMailboxOperations
CustomEvent string
DataCenterSecurityEventType int
DestFolder string
DestinationFileExtension string
DestinationFileName string
DestinationRelativeUrl string
DestMailboxId string
DestMailboxOwnerMasterAccountSid string
DestMailboxOwnerSid string
DestMailboxOwnerUPN string
EffectiveOrganization string
ElevationApprovedTime datetime
ElevationApprover string
ElevationDuration int
ElevationRequestId string
ElevationRole string
ElevationTime datetime = coalesce(TRY_CAST({ElevationTime} AS TIMESTAMP), h."time")
Event_Data string EventData Event_Data
EventSource string
ExtendedProperties string
ExternalAccess string
ExtraProperties dynamic
Folder string
Folders string
GenericInfo string
InternalLogonType int
InterSystemsId string
IntraSystemId string
IsManagedDevice bool
Item string
ItemName string
ItemType string
LoginStatus int
Logon_Type string = LOGONTYPE
LogonUserDisplayName string
LogonUserSid string
MachineDomainInfo string
MachineId string
MailboxGuid string
MailboxOwnerMasterAccountSid string
MailboxOwnerSid string
MailboxOwnerUPN string
Members dynamic
MessageId string
ModifiedObjectResolvedName string
ModifiedProperties string
Name string
NewValue string
OldValue string
OperationProperties dynamic
OperationScope string
OriginatingServer string
Parameters string
PolicyDetails string
PatternsFound string
ResultReasonType string = coalesce({ResultReasonType}, h."result_status")
SendAsUserMailboxGuid string
SendAsUserSmtp string
SendonBehalfOfUserMailboxGuid string SendOnBehalfOfUserMailboxGuid SendonBehalfOfUserMailboxGuid
SendOnBehalfOfUserSmtp string
SharingType string
Site_ string Site Site_
Site_Url string = h."site_url"
Site_Url_ string = h."site_url"
Source_Name string SourceName Source_Name
SourceFileExtension string
SourceFileName string
SourceFileName_ string SourceFileName
SourceRecordId string = coalesce({SourceRecordId}, h."id")
SourceRelativeUrl string
SourceRelativeUrl_ string SourceRelativeUrl
SRPolicyId string
SRPolicyName string
SRRuleMatchDetails dynamic
Start_Time datetime = coalesce(TRY_CAST({StartTime} AS TIMESTAMP), TRY_CAST({Start_Time} AS TIMESTAMP), h."time")
SubjectsMail string
SupportTicketId string
TabType string
TargetContextId string
TargetUserId string
TargetUserOrGroupName string
TargetUserOrGroupType string
TeamGuid string
TeamName string
UniqueSharingId string
UserSharedWith string
WebId string
ListId string
ListItemUniqueId string
CorrelationId string
`
