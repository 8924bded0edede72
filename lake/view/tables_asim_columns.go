package view

const authentication = `
EventSchema string = 'SCHEMA'
EventType string = 'Logon'
TargetUsername string = h."actor_name"
TargetUsernameType string = CASE WHEN h."actor_name" LIKE '%@%' THEN 'UPN' ELSE 'Simple' END
TargetUserId string = h."actor_id"
TargetUserIdType string -
TargetUserType string = CASE h."actor_type" WHEN 'service_principal' THEN 'ServicePrincipal' ELSE 'Regular' END
TargetSessionId string -
TargetAppName string -
TargetAppId string -
TargetAppType string -
TargetUrl string -
TargetHostname string -
TargetDvcHostname string -
TargetIpAddr string -
TargetDomain string -
ActorUsername string -
ActorUserId string -
ActingAppName string -
SrcIpAddr string = h."src_ip"
SrcDvcIpAddr string = h."src_ip"
SrcHostname string -
SrcDvcHostname string -
SrcDvcId string -
SrcDvcIdType string -
SrcDeviceType string -
SrcDomain string -
SrcFQDN string -
SrcGeoLatitude real -
SrcGeoLongitude real -
SrcRiskLevel int -
ActorUserIdType string -
ActorUsernameType string -
ActorUserType string -
ActorOriginalUserType string -
ActorSessionId string -
ActingAppId string -
ActingAppType string -
TargetOriginalUserType string -
TargetPortNumber int -
TargetFQDN string -
TargetDescription string -
TargetDeviceType string -
TargetDvcId string -
TargetDvcOs string -
TargetGeoCountry string -
TargetGeoRegion string -
TargetGeoCity string -
EventOriginalSubType string -
EventOriginalSeverity string -
EventProductVersion string -
EventOwner string -
EventReportUrl string -
RuleName string -
RuleNumber int -
ThreatId string -
ThreatName string -
ThreatCategory string -
ThreatRiskLevel int -
ThreatConfidence int -
ThreatIsActive bool -
ThreatField string -
ThreatIpAddr string -
DvcMacAddr string -
DvcZone string -
DvcOs string -
DvcOsVersion string -
DvcIdType string -
DvcDomainType string -
DvcOriginalAction string -
SrcDvcOs string -
SrcGeoCountry string -
SrcGeoRegion string -
SrcGeoCity string -
SrcIsp string -
SrcPortNumber int -
LogonMethod string -
LogonProtocol string -
LogonTarget string -
HttpUserAgent string = h."user_agent"
User string = h."actor_name"
Src string = h."src_ip"
IpAddr string = h."src_ip"
Application string -
Dst string -
`

const networkSession = `
SrcGeoCity string -
SrcGeoRegion string -
SrcGeoLatitude real -
SrcGeoLongitude real -
EventSchema string = 'SCHEMA'
EventType string = 'NetworkSession'
DvcAction string = CASE h."outcome" WHEN 'success' THEN 'Allow' WHEN 'failure' THEN 'Deny' ELSE '' END
SrcIpAddr string = h."src_ip"
SrcPortNumber int -
SrcHostname string -
SrcDomain string -
SrcDvcId string -
SrcUsername string -
SrcMacAddr string -
SrcZone string -
SrcGeoCountry string -
SrcBytes long -
SrcPackets long -
DstIpAddr string = h."target_id"
DstPortNumber int -
DstHostname string -
DstDomain string -
DstUsername string -
DstMacAddr string -
DstZone string -
DstGeoCountry string -
DstBytes long -
DstPackets long -
DstAppName string -
NetworkProtocol string -
NetworkApplicationProtocol string -
NetworkDirection string -
NetworkDuration int -
NetworkBytes long -
NetworkPackets long -
NetworkSessionId string -
NetworkRuleName string -
NetworkRuleNumber int -
DvcInterface string -
ThreatName string -
ThreatCategory string -
Rule string -
Src string = h."src_ip"
Dst string = h."target_id"
IpAddr string = h."src_ip"
Hostname string -
User string -
`

const dns = `
EventSchema string = 'SCHEMA'
EventType string = 'Query'
DnsQuery string = h."target_id"
DnsQueryType int -
DnsQueryTypeName string -
DnsResponseCode int -
DnsResponseCodeName string = h."error"
DnsResponseName string -
DnsFlags string -
DnsNetworkDuration int -
DnsSessionId string -
SrcIpAddr string = h."src_ip"
SrcPortNumber int -
SrcHostname string -
SrcDvcId string -
SrcUsername string -
DstIpAddr string -
DstPortNumber int -
NetworkProtocol string -
TransactionIdHex string -
UrlCategory string -
ThreatCategory string -
Domain string = h."target_id"
DomainCategory string -
Src string = h."src_ip"
Dst string -
IpAddr string = h."src_ip"
Hostname string -
Query string = h."target_id"
QueryTypeName string -
ResponseCodeName string = h."error"
ResponseName string -
User string -
`

const webSession = `
EventSchema string = 'SCHEMA'
EventType string = 'HTTPsession'
DvcAction string -
Url string -
UrlCategory string -
UrlOriginal string -
HttpVersion string -
HttpRequestMethod string -
HttpStatusCode string -
HttpContentType string -
HttpReferrer string -
HttpUserAgent string = h."user_agent"
UserAgent string = h."user_agent"
FileName string -
FileMD5 string -
FileSHA1 string -
FileSHA256 string -
FileSize long -
RuleName string -
Rule string -
SrcIpAddr string = h."src_ip"
SrcPortNumber int -
SrcHostname string -
SrcUsername string = h."actor_name"
SrcBytes long -
DstIpAddr string -
DstPortNumber int -
DstHostname string -
DstDomain string -
DstBytes long -
NetworkDuration int -
NetworkProtocol string -
NetworkApplicationProtocol string -
NetworkSessionId string -
ThreatName string -
ThreatCategory string -
ThreatRiskLevel int -
Src string = h."src_ip"
Dst string -
IpAddr string = h."src_ip"
Hostname string -
User string = h."actor_name"
`

const auditEvent = `
EventSchema string = 'SCHEMA'
EventType string = 'Other'
Operation string = h."action"
Object string = h."target_id"
ObjectType string = h."target_type"
OriginalObjectType string = h."target_type"
ObjectId string = h."target_id"
OldValue string -
NewValue string -
Value string -
ActorUsername string = h."actor_name"
ActorUsernameType string = CASE WHEN h."actor_name" LIKE '%@%' THEN 'UPN' ELSE 'Simple' END
ActorUserId string = h."actor_id"
ActorUserType string = h."actor_type"
ActorScopeId string = h."account"
ActorSessionId string -
ActingAppName string -
ActingAppId string -
TargetAppName string = h."service"
TargetAppType string = 'Service'
TargetHostname string -
TargetUrl string -
SrcIpAddr string = h."src_ip"
SrcHostname string -
SrcGeoCountry string -
SrcGeoRegion string = h."region"
HttpUserAgent string = h."user_agent"
DvcScopeId string = h."account"
User string = h."actor_name"
Src string = h."src_ip"
IpAddr string = h."src_ip"
Application string = h."service"
`

const userManagement = `
EventSchema string = 'SCHEMA'
ActorUsername string = h."actor_name"
ActorUsernameType string = CASE WHEN h."actor_name" LIKE '%@%' THEN 'UPN' ELSE 'Simple' END
ActorUserId string = h."actor_id"
ActorUserType string = h."actor_type"
TargetUsername string = CASE h."target_type" WHEN 'user' THEN h."target_id" ELSE '' END
TargetUserId string = CASE h."target_type" WHEN 'user' THEN h."target_id" ELSE '' END
TargetUserType string -
GroupName string -
GroupId string = CASE h."target_type" WHEN 'group' THEN h."target_id" ELSE '' END
PreviousPropertyValue string -
NewPropertyValue string -
UpdatedPropertyName string -
SrcIpAddr string = h."src_ip"
SrcHostname string -
HttpUserAgent string = h."user_agent"
ActingAppName string -
User string = h."actor_name"
Src string = h."src_ip"
IpAddr string = h."src_ip"
Hostname string -
`

const processEvent = `
EventSchema string = 'SCHEMA'
EventType string = 'ProcessCreated'
ActorUsername string -
ActorUserId string -
ActorSessionId string -
ActingProcessCommandLine string -
ActingProcessName string -
ActingProcessId string -
ActingProcessMD5 string -
ActingProcessSHA1 string -
ActingProcessSHA256 string -
ParentProcessName string -
ParentProcessId string -
TargetUsername string -
TargetUserId string -
TargetProcessName string -
TargetProcessCommandLine string -
TargetProcessId string -
TargetProcessMD5 string -
TargetProcessSHA1 string -
TargetProcessSHA256 string -
TargetProcessIntegrityLevel string -
TargetProcessCreationTime datetime -
TargetProcessFilename string -
CommandLine string -
Process string -
FileName string -
FilePath string -
AccountName string -
User string -
Hash string -
MD5 string -
SHA1 string -
SHA256 string -
`

const process = `
CommandLine string ProcessCommandLine properties.ProcessCommandLine
TargetProcessCommandLine string ProcessCommandLine properties.ProcessCommandLine
TargetProcessName string FolderPath properties.FolderPath
TargetProcessFilename string FileName properties.FileName
TargetProcessId string ProcessId properties.ProcessId
TargetProcessSHA1 string SHA1 properties.SHA1
TargetProcessSHA256 string SHA256 properties.SHA256
TargetProcessMD5 string MD5 properties.MD5
SHA1 string SHA1 properties.SHA1
SHA256 string SHA256 properties.SHA256
MD5 string MD5 properties.MD5
Process string FolderPath properties.FolderPath
FileName string FileName properties.FileName
FilePath string FolderPath properties.FolderPath
AccountName string AccountName properties.AccountName
ActorUsername string InitiatingProcessAccountName properties.InitiatingProcessAccountName
User string AccountName properties.AccountName
TargetUsername string AccountName properties.AccountName
ActingProcessName string InitiatingProcessFolderPath properties.InitiatingProcessFolderPath
ActingProcessCommandLine string InitiatingProcessCommandLine properties.InitiatingProcessCommandLine
ParentProcessName string InitiatingProcessParentFileName properties.InitiatingProcessParentFileName
DvcId string DeviceId properties.DeviceId
Dvc string DeviceName properties.DeviceName
DvcHostname string DeviceName properties.DeviceName
Computer string DeviceName properties.DeviceName
`

const fileEvent = `
EventSchema string = 'SCHEMA'
ActorUsername string -
ActorUserId string -
ActingProcessName string -
ActingProcessCommandLine string -
ActingProcessId string -
TargetFileName string -
TargetFilePath string -
TargetFileDirectory string -
TargetFileMD5 string -
TargetFileSHA1 string -
TargetFileSHA256 string -
TargetFileSize long -
TargetUrl string -
SrcFileName string -
SrcFilePath string -
SrcIpAddr string -
HttpUserAgent string -
CommandLine string -
Process string -
FileName string -
FilePath string -
FileSHA1 string -
FileSHA256 string -
FileMD5 string -
Hash string -
User string -
AccountName string -
`

const file = `
EventType string = coalesce({ActionType}, {properties.ActionType}, '')
TargetFileName string FileName properties.FileName
TargetFilePath string FolderPath properties.FolderPath
TargetFileSHA1 string SHA1 properties.SHA1
TargetFileSHA256 string SHA256 properties.SHA256
TargetFileMD5 string MD5 properties.MD5
TargetFileSize long FileSize properties.FileSize
FileName string FileName properties.FileName
FilePath string FolderPath properties.FolderPath
FileSHA1 string SHA1 properties.SHA1
FileSHA256 string SHA256 properties.SHA256
FileMD5 string MD5 properties.MD5
ActingProcessName string InitiatingProcessFolderPath properties.InitiatingProcessFolderPath
ActingProcessCommandLine string InitiatingProcessCommandLine properties.InitiatingProcessCommandLine
CommandLine string InitiatingProcessCommandLine properties.InitiatingProcessCommandLine
Process string InitiatingProcessFolderPath properties.InitiatingProcessFolderPath
ActorUsername string InitiatingProcessAccountName properties.InitiatingProcessAccountName
User string InitiatingProcessAccountName properties.InitiatingProcessAccountName
AccountName string InitiatingProcessAccountName properties.InitiatingProcessAccountName
DvcId string DeviceId properties.DeviceId
Dvc string DeviceName properties.DeviceName
DvcHostname string DeviceName properties.DeviceName
Computer string DeviceName properties.DeviceName
`

const registryEvent = `
Username string -
EventSchema string = 'RegistryEvent'
RegistryKey string -
RegistryValue string -
RegistryValueType string -
RegistryValueData string -
RegistryPreviousKey string -
RegistryPreviousValue string -
RegistryPreviousValueData string -
ActorUsername string -
ActingProcessName string -
ActingProcessCommandLine string -
CommandLine string -
Process string -
User string -
`
