package view

import "strings"

// declaredTables are tables of Log Analytics that no built-in format is about. A query may
// name them beside others, so they are known, and empty where there is nothing. Rows
// exported from a workspace (as JSON or CSV, with the table's name in the column Type) and
// rows that Defender XDR streams (category AdvancedHunting-…) are of the format json; those
// are their rows.
func declaredTables() []spec {
	var out []spec
	for _, d := range declared {
		where := expr(`{Type} = ` + quote(d.name) + ` OR {category} = ` + quote("AdvancedHunting-"+d.name))
		columns := d.columns
		if strings.HasPrefix(d.name, "Device") {
			columns = xdr + columns
		}
		aliases := ""
		if d.name == "IdentityInfo" {
			aliases = "AccountUpn" // as Defender XDR writes it
		}
		out = append(out, spec{name: d.name, aliases: aliases, title: d.title, group: "declared", shape: exported,
			columns: "TimeGenerated datetime = h.\"time\"\n" + inLines(columns), from: []feed{{format: "json", where: where}}})
	}
	return out
}

// inLines writes "string: A B C" as a line for each column.
func inLines(text string) string {
	var b strings.Builder
	for l := range strings.SplitSeq(text, "\n") {
		typ, names, ok := strings.Cut(strings.TrimSpace(l), ":")
		if !ok {
			continue
		}
		for n := range strings.FieldsSeq(names) {
			b.WriteString(n + " " + typ + "\n")
		}
	}
	return b.String()
}

// xdr are the columns that tables of devices have in common.
const xdr = `
datetime: Timestamp
string: DeviceId DeviceName ActionType ReportId
`

const initiating = `
string: InitiatingProcessAccountDomain InitiatingProcessAccountName InitiatingProcessAccountSid InitiatingProcessAccountUpn InitiatingProcessAccountObjectId InitiatingProcessLogonId InitiatingProcessIntegrityLevel InitiatingProcessTokenElevation InitiatingProcessSHA1 InitiatingProcessSHA256 InitiatingProcessMD5 InitiatingProcessFileName InitiatingProcessFolderPath InitiatingProcessCommandLine InitiatingProcessParentFileName InitiatingProcessVersionInfoCompanyName InitiatingProcessVersionInfoProductName InitiatingProcessVersionInfoProductVersion InitiatingProcessVersionInfoInternalFileName InitiatingProcessVersionInfoOriginalFileName InitiatingProcessVersionInfoFileDescription InitiatingProcessSignerType InitiatingProcessSignatureStatus AppGuardContainerId MachineGroup
long: InitiatingProcessId InitiatingProcessParentId InitiatingProcessFileSize
datetime: InitiatingProcessCreationTime InitiatingProcessParentCreationTime
`

var declared = []struct{ name, title, columns string }{
	{"SecurityEvent", "security log of Windows", `
string: Account AccountType Computer EventSourceName Channel Task Level EventData Activity PartitionKey RowKey StorageAccount AzureDeploymentID AzureTableName
int: EventID
string: AccessMask AccountDomain AccountExpires AccountName AccountSessionIdentifier AdditionalInfo AdditionalInfo2 AllowedToDelegateTo Attributes AuditPolicyChanges AuditsDiscarded AuthenticationLevel AuthenticationPackageName AuthenticationProvider AuthenticationServer AuthenticationService AuthenticationType CACertificateHash CalledStationID CallerProcessId CallerProcessName CallingStationID CAPublicKeyHash CategoryId CertificateDatabaseHash ClassId ClassName ClientAddress ClientIPAddress ClientName CommandLine CompatibleIds DCDNSName DeviceDescription DeviceId DisplayName Disposition DomainBehaviorVersion DomainName DomainPolicyChanged DomainSid EAPType ElevatedToken ErrorCode ExtendedQuarantineState FailureReason FileHash FilePath FilePathNoUser Filter ForceLogoff Fqbn FullyQualifiedSubjectMachineName FullyQualifiedSubjectUserName GroupMembership HandleId HardwareIds HomeDirectory HomePath ImpersonationLevel InterfaceUuid IpAddress IpPort KeyLength LmPackageName LocationInformation LockoutDuration LockoutObservationWindow LockoutThreshold LoggingResult LogonGuid LogonHours LogonID LogonProcessName LogonTypeName MachineAccountQuota MachineInventory MachineLogon MandatoryLabel MaxPasswordAge MemberName MemberSid MinPasswordAge MinPasswordLength MixedDomainMode NASIdentifier NASIPv4Address NASIPv6Address NASPort NASPortType NetworkPolicyName NewDate NewMaxUsers NewProcessId NewProcessName NewRemark NewShareFlags NewTime NewUacValue NewValue NewValueType ObjectName ObjectServer ObjectType ObjectValueName OemInformation OldMaxUsers OldRemark OldShareFlags OldUacValue OldValue OldValueType OperationType PackageName ParentProcessName PasswordHistoryLength PasswordLastSet PasswordProperties PreviousDate PreviousTime PrimaryGroupId PrivateKeyUsageCount PrivilegeList Process ProcessId ProcessName Properties ProfilePath ProtocolSequence ProxyPolicyName QuarantineHelpURL QuarantineSessionID QuarantineSessionIdentifier QuarantineState QuarantineSystemHealthResult RelativeTargetName RemoteIpAddress RemotePort Requester RequestId RestrictedAdminMode RowsDeleted SamAccountName ScriptPath SecurityDescriptor ServiceAccount ServiceFileName ServiceName ServiceStartType ServiceType SessionName ShareLocalPath ShareName SidHistory Status SubjectAccount SubcategoryGuid SubcategoryId Subject SubjectDomainName SubjectKeyIdentifier SubjectLogonId SubjectMachineName SubjectMachineSID SubjectUserName SubjectUserSid SubStatus TableId TargetAccount TargetDomainName TargetInfo TargetLinkedLogonId TargetLogonGuid TargetLogonId TargetOutboundDomainName TargetOutboundUserName TargetServerName TargetSid TargetUser TargetUserName TargetUserSid TemplateContent TemplateDSObjectFQDN TemplateInternalName TemplateOID TemplateSchemaVersion TemplateVersion TokenElevationType TransmittedServices UserAccountControl UserParameters UserPrincipalName UserWorkstations VirtualAccount VendorIds Workstation WorkstationName SourceComputerId ManagementGroupName EventOriginId EventRecordId EventLevelName Opcode Keywords Correlation SystemProcessId SystemThreadId SystemUserId Version
int: LogonType
datetime: TimeCollected`},
	{"WindowsEvent", "events of Windows that are forwarded", `
string: Computer Channel Provider EventLevelName Task Opcode Keywords EventRecordId Correlation SystemUserId ManagementGroupName EventOriginId RawEventData Version
int: EventID EventLevel SystemProcessId SystemThreadId
dynamic: EventData
datetime: TimeCreated`},
	{"Event", "event log of Windows", `
string: Source EventLog Computer EventCategory EventLevelName UserName ParameterXml EventData RenderedDescription ManagementGroupName Message AzureDeploymentID Role
int: EventLevel EventID`},
	{"SysmonEvent", "events of Sysmon", `
string: Computer Source EventLog UserName RenderedDescription CommandLine Image ParentImage ParentCommandLine User Hashes TargetFilename TargetObject Details
int: EventID
dynamic: EventData`},
	{"DeviceEvents", "events of Defender for Endpoint", initiating + `
string: FileName FolderPath SHA1 SHA256 MD5 AccountDomain AccountName AccountSid RemoteUrl RemoteDeviceName ProcessCommandLine ProcessTokenElevation RegistryKey RegistryValueName RegistryValueData RemoteIP LocalIP FileOriginUrl FileOriginIP LogonId
int: RemotePort LocalPort
long: ProcessId FileSize
datetime: ProcessCreationTime
dynamic: AdditionalFields`},
	{"DeviceProcessEvents", "processes that Defender for Endpoint saw", initiating + `
string: FileName FolderPath SHA1 SHA256 MD5 ProcessVersionInfoCompanyName ProcessVersionInfoProductName ProcessVersionInfoProductVersion ProcessVersionInfoInternalFileName ProcessVersionInfoOriginalFileName ProcessVersionInfoFileDescription ProcessCommandLine ProcessIntegrityLevel ProcessTokenElevation AccountDomain AccountName AccountSid AccountUpn AccountObjectId LogonId
long: ProcessId FileSize
datetime: ProcessCreationTime
dynamic: AdditionalFields`},
	{"DeviceFileEvents", "files that Defender for Endpoint saw", initiating + `
string: FileName FolderPath SHA1 SHA256 MD5 FileOriginUrl FileOriginReferrerUrl FileOriginIP PreviousFolderPath PreviousFileName RequestProtocol RequestSourceIP RequestAccountName RequestAccountDomain RequestAccountSid ShareName SensitivityLabel SensitivitySubLabel
int: RequestSourcePort
long: FileSize
bool: IsAzureInfoProtectionApplied
dynamic: AdditionalFields`},
	{"DeviceNetworkEvents", "connections that Defender for Endpoint saw", initiating + `
string: RemoteIP RemoteUrl LocalIP Protocol LocalIPType RemoteIPType
int: RemotePort LocalPort
dynamic: AdditionalFields`},
	{"DeviceRegistryEvents", "changes of the registry that Defender for Endpoint saw", initiating + `
string: RegistryKey RegistryValueType RegistryValueName RegistryValueData PreviousRegistryKey PreviousRegistryValueName PreviousRegistryValueData`},
	{"DeviceLogonEvents", "sign-ins to machines that Defender for Endpoint saw", initiating + `
string: AccountDomain AccountName AccountSid Protocol FailureReason LogonType RemoteDeviceName RemoteIP RemoteIPType LogonId
bool: IsLocalAdmin
int: RemotePort
dynamic: AdditionalFields`},
	{"DeviceImageLoadEvents", "libraries that Defender for Endpoint saw loaded", initiating + `
string: FileName FolderPath SHA1 SHA256 MD5
long: FileSize`},
	{"DeviceInfo", "machines of Defender for Endpoint", `
string: ClientVersion PublicIP OSArchitecture OSPlatform OSVersion OSBuild JoinType AadDeviceId LoggedOnUsers RegistryDeviceTag MachineGroup OnboardingStatus DeviceType ExposureLevel
bool: IsAzureADJoined
dynamic: AdditionalFields`},
	{"DeviceNetworkInfo", "network adapters of machines", `
string: MacAddress NetworkAdapterName NetworkAdapterStatus NetworkAdapterType TunnelType IPv4Dhcp IPv6Dhcp
dynamic: ConnectedNetworks DnsAddresses IPAddresses DefaultGateways`},
	{"EmailEvents", "mails that Defender for Office saw", `
datetime: Timestamp
string: NetworkMessageId InternetMessageId SenderMailFromAddress SenderFromAddress SenderDisplayName SenderObjectId SenderMailFromDomain SenderFromDomain SenderIPv4 SenderIPv6 RecipientEmailAddress RecipientObjectId Subject EmailDirection DeliveryAction DeliveryLocation ThreatTypes ThreatNames DetectionMethods ConfidenceLevel EmailAction Connectors AuthenticationDetails ReportId
int: AttachmentCount UrlCount EmailActionPolicyGuid
dynamic: AdditionalFields`},
	{"EmailUrlInfo", "addresses in mails", `
datetime: Timestamp
string: NetworkMessageId Url UrlDomain UrlLocation ReportId`},
	{"EmailAttachmentInfo", "files in mails", `
datetime: Timestamp
string: NetworkMessageId SenderFromAddress SenderDisplayName SenderObjectId RecipientEmailAddress RecipientObjectId FileName FileType SHA256 ThreatTypes ThreatNames DetectionMethods ReportId`},
	{"CloudAppEvents", "activities that Defender for Cloud Apps saw", `
datetime: Timestamp
string: ActionType Application AccountObjectId AccountId AccountDisplayName AccountType DeviceType OSPlatform IPAddress IPCategory City CountryCode ISP UserAgent ActivityType ReportId ObjectName ObjectType ObjectId
int: ApplicationId AppInstanceId
bool: IsAdminOperation IsAnonymousProxy IsExternalUser IsImpersonated
dynamic: ActivityObjects IPTags UserAgentTags RawEventData AdditionalFields`},
	{"IdentityLogonEvents", "sign-ins that Defender for Identity saw", `
datetime: Timestamp
string: ActionType Application LogonType Protocol FailureReason AccountName AccountDomain AccountUpn AccountSid AccountObjectId AccountDisplayName DeviceName DeviceType OSPlatform IPAddress DestinationDeviceName DestinationIPAddress TargetDeviceName TargetAccountDisplayName Location ISP ReportId
dynamic: AdditionalFields`},
	{"AlertEvidence", "entities of alerts of Defender XDR", `
datetime: Timestamp
string: AlertId EntityType EvidenceRole SHA1 SHA256 RemoteIP LocalIP RemoteUrl AccountName AccountDomain AccountSid AccountObjectId AccountUpn DeviceId DeviceName ThreatFamily FileName FolderPath ServiceSource DetectionSource
dynamic: AdditionalFields`},
	{"W3CIISLog", "requests to IIS", `
string: Computer sSiteName sIP csMethod csUriStem csUriQuery sComputerName csUserName cIP csUserAgent csVersion csCookie csReferer csHost scStatus scSubStatus scWin32Status StorageAccount AzureDeploymentID Role RoleInstance FileUri RemoteIPCountry MaliciousIP IndicatorThreatType Description TLPLevel FirstReportedDateTime LastReportedDateTime IsActive ReportReferenceLink AdditionalInformation Date Time FileOffset ManagementGroupName
int: sPort Confidence Severity
long: TimeTaken scBytes csBytes
real: RemoteIPLongitude RemoteIPLatitude`},
	{"VMConnection", "connections of machines of VM insights", `
string: Computer Direction ProcessName SourceIp DestinationIp Protocol RemoteIp RemoteDnsQuestions RemoteDnsCanonicalNames RemoteCountry RemoteClassification MaliciousIp IndicatorThreatType Description TLPLevel FirstReportedDateTime LastReportedDateTime IsActive ReportReferenceLink AdditionalInformation Machine Process ConnectionId AgentId BlobPath Confidence Severity
int: DestinationPort
long: BytesSent BytesReceived LinksEstablished LinksTerminated LinksFailed LinksLive Responses ResponseTimeMin ResponseTimeMax ResponseTimeSum
real: RemoteLongitude RemoteLatitude`},
	{"WireData", "connections of machines of Wire Data", `
string: Computer Direction SessionState ProcessName ProcessID LocalIP LocalMAC LocalSubnet RemoteIP RemoteMAC RemoteIPCountry ProtocolName ApplicationProtocol ApplicationServiceName IPVersion MaliciousIP IndicatorThreatType Severity TLPLevel Confidence Description ReportReferenceLink AdditionalInformation IsActive FirstReportedDateTime LastReportedDateTime ManagementGroupName
int: LocalPortNumber RemotePortNumber SequenceNumber
long: SentBytes SentPackets ReceivedBytes ReceivedPackets TotalBytes LatencyMilliseconds LatencySamplingFailureRate LatencySamplingTimeStamp
real: RemoteIPLongitude RemoteIPLatitude
datetime: SessionStartTime SessionEndTime`},
	{"DnsEvents", "queries to DNS servers of Windows", `
string: Computer SubType Name Message ClientIP IPAddresses QueryType QType Result RemoteIPCountry MaliciousIP IndicatorThreatType Severity Description TLPLevel Confidence ReportReferenceLink AdditionalInformation IsActive FirstReportedDateTime LastReportedDateTime TaskCategory Operation Zone ManagementGroupName
int: EventId ResultCode Duration
real: RemoteIPLongitude RemoteIPLatitude`},
	{"DnsInventory", "inventory of DNS servers", `
string: Computer SubType DynamicDnsStatus ForwardersIPAddresses ZoneName`},
	{"Heartbeat", "signs of life of agents", `
string: SourceComputerId ComputerIP Computer Category OSType OSName OSMajorVersion OSMinorVersion Version SCAgentChannel ComputerEnvironment RemoteIPCountry SubscriptionId ResourceGroup ResourceProvider Resource ResourceId ResourceType VMUUID Solutions ManagementGroupName
bool: IsGatewayInstalled
real: RemoteIPLongitude RemoteIPLatitude
dynamic: ComputerPrivateIPs`},
	{"Usage", "amounts of data that a workspace took in", `
string: Computer ResourceUri DataType Solution BatchesOutsideSla BatchesCapped QuantityUnit LinkedMeterId LinkedResourceUri
bool: IsBillable
real: Quantity AvgLatencyInSeconds
long: TotalBatches BatchesWithinSla
datetime: StartTime EndTime`},
	{"Operation", "how a workspace works", `string: OperationCategory OperationStatus Detail CorrelationId Computer EventId ErrorId HelpLink Solution OperationKey`},
	{"Update", "updates of machines", `
string: Computer Title Classification MSRCSeverity KBID UpdateState Product ProductVersion OSType OSName ResourceId UpdateID RevisionNumber BulletinID BulletinUrl
bool: Optional RebootBehavior Approved
datetime: PublishedDate`},
	{"ConfigurationChange", "changes of machines", `
string: Computer ConfigChangeType ChangeCategory SvcChangeType SvcDisplayName SvcName SvcState SvcStartupType SvcAccount SvcPath FileSystemPath RegistryKey ValueName ValueData SoftwareName SoftwareType Publisher Current Previous
datetime: DateModified`},
	{"ConfigurationData", "services and software of machines", `
string: Computer ConfigDataType SoftwareName SoftwareType CurrentVersion Publisher SvcDisplayName SvcName SvcState SvcStartupType SvcAccount SvcPath FileSystemPath`},
	{"ProtectionStatus", "state of malware protection", `
string: Computer DeviceName ThreatStatus ThreatStatusRank Threat ThreatStatusDetails TypeofProtection ProtectionStatus ProtectionStatusDetails ProtectionStatusRank DetectionId
datetime: ScanDate DateCollected`},
	{"SecurityBaseline", "judgements of baselines", `string: Computer Description RuleSeverity AnalyzeResult BaselineRuleId CceId ActualResult ExpectedResult`},
	{"SecurityDetection", "detections", `string: Computer AlertTitle AlertSeverity Description ProviderName`},
	{"LinuxAuditLog", "audit log of Linux", `string: Computer RecordType AuditID SerialNumber user_name audit_user_name effective_user_name exe cmdline comm cwd key`},
	{"IdentityInfo", "who is who, from Entra ID", `
string: AccountName AccountDomain AccountUPN AccountDisplayName AccountObjectId AccountSID AccountTenantId AccountCloudSID Address Applications BlastRadius City ChangeSource CloudSid CompanyName Country CriticalityLevel Department DistinguishedName EmailAddress EmployeeId GivenName IdentityEnvironment JobTitle MailAddress Manager OnPremObjectId OnPremSid OnPremisesDistinguishedName OnPremisesExtensionAttributes Phone ReportId RiskLevel RiskLevelDetails RiskState RiskStatus SAMAccountName SipProxyAddress SourceProvider SourceSystem State StreetAddress Surname Tags TenantMembershipType UACFlags UserState UserType
bool: IsAccountEnabled IsMFARegistered IsServiceAccount
int: InvestigationPriority InvestigationPriorityPercentile EntityRiskScore
datetime: AccountCreationTime CreatedDateTime DeletedDateTime LastSeenDate Timestamp UserStateChangedOn
dynamic: AdditionalMailAddresses AssignedRoles ExtensionProperty GroupMembership OtherMailAddresses PrivilegedEntraPimRoles RelatedAccounts ServicePrincipals SourceProviders UserAccountControl`},
	{"EnrichedMicrosoft365AuditLogs", "audit log of Microsoft 365 with what Global Secure Access knows of the device", `
string: AadAppId ApplicationId ClientIp CorrelationId DeviceId DeviceOperatingSystem DeviceOperatingSystemVersion Id ObjectId Operation OrganizationId RecordType ResultStatus Scope SourceIp UniqueTokenId UserId UserKey UserType Workload
dynamic: AdditionalProperties AppAccessContext`},
	{"BehaviorAnalytics", "what is unusual, from the behaviour analytics of Sentinel", `
datetime: TimeProcessed
string: SourceRecordId EventSource ActivityType ActionType UserName UserPrincipalName UserSid SourceIPAddress SourceIPLocation SourceDevice DestinationIPAddress DestinationIPLocation DestinationDevice EventProductVersion EventVendor NativeTableName TenantId_ EventType ActorName ActorPrincipalName TargetName TargetPrincipalName Device
dynamic: UsersInsights DevicesInsights ActivityInsights
int: InvestigationPriority`},
	{"UserPeerAnalytics", "who works alike, from the behaviour analytics of Sentinel", `
string: AADTenantId UserId UserName UserPrincipalName PeerUserId PeerUserName PeerUserPrincipalName
int: Rank`},
	{"UserAccessAnalytics", "who may do what, from the behaviour analytics of Sentinel", `
string: AADTenantId SourceEntityId SourceEntityName SourceEntityType TargetEntityId TargetEntityName TargetEntityType AccessType AccessLevel AccessId`},
	{"Anomalies", "anomalies that Sentinel found", `
string: Id WorkspaceId VendorName AnomalyTemplateId AnomalyTemplateName AnomalyTemplateVersion RuleId RuleStatus RuleName RuleConfigVersion Description UserName UserPrincipalName SourceIpAddress DestinationIpAddress SourceDevice DestinationDevice Tactics Techniques
real: Score
datetime: StartTime EndTime
dynamic: ExtendedLinks Entities AnomalyDetails AnomalyReasons UserInsights DeviceInsights ActivityInsights SourceLocation DestinationLocation ExtendedProperties`},
	{"HuntingBookmark", "bookmarks of hunts", `
string: BookmarkId BookmarkName BookmarkType Notes QueryText QueryResultRow Tags CreatedBy UpdatedBy
datetime: CreatedTime LastUpdatedTime EventTime QueryStartTime QueryEndTime
dynamic: Entities
bool: SoftDeleted`},
	{"Watchlist", "rows of watchlists", `
string: WatchlistId WatchlistName WatchlistAlias WatchlistItemId SearchKey Provider Source AzureTenantId CorrelationId DefaultDuration WatchlistCategory Notes
dynamic: WatchlistItem EntityMapping Labels CreatedBy UpdatedBy
datetime: CreatedTimeUTC LastUpdatedTimeUTC TimeToLive`},
	{"ThreatIntelligenceIndicator", "indicators, in the older table", `
string: Action ActivityGroupNames AdditionalInformation ApplicationId AzureTenantId Description DiamondModel DomainName EmailEncoding EmailLanguage EmailRecipient EmailSenderAddress EmailSenderName EmailSourceDomain EmailSourceIpAddress EmailSubject EmailXMailer ExternalIndicatorId FileHashType FileHashValue FileMutexName FileName FilePacker FilePath FileType IndicatorId IndicatorProvider KnownFalsePositives MalwareNames NetworkCidrBlock NetworkDestinationCidrBlock NetworkDestinationIP NetworkIP NetworkSourceCidrBlock NetworkSourceIP Tags ThreatType TrafficLightProtocolLevel Url UserAgent
bool: Active KillChainActions KillChainC2 KillChainDelivery KillChainExploitation KillChainReconnaissance KillChainWeaponization PassiveOnly
real: ConfidenceScore
int: FileSize NetworkDestinationAsn NetworkDestinationPort NetworkPort NetworkProtocol NetworkSourceAsn NetworkSourcePort ThreatSeverity
datetime: ExpirationDateTime FileCompileDateTime FileCreatedDateTime`},
	{"ThreatIntelIndicators", "indicators, in the newer table", `
string: Id LastUpdateMethod ObservableKey ObservableValue Pattern Tags AzureTenantId WorkspaceId IngestionRulesVersion
bool: IsActive IsDeleted Revoked
int: Confidence
datetime: Created Modified ValidFrom ValidUntil
dynamic: AdditionalFields Data`},
	{"ThreatIntelObjects", "other objects of threat intelligence", `
string: Id LastUpdateMethod StixType Tags WorkspaceId
bool: IsDeleted
dynamic: AdditionalFields Data`},
	{"AlertInfo", "alerts of Defender XDR", `
datetime: Timestamp
string: AlertId Title Category Severity ServiceSource DetectionSource AttackTechniques ReportId`},
	{"EmailPostDeliveryEvents", "what was done to mails after they arrived", `
datetime: Timestamp
string: NetworkMessageId InternetMessageId Action ActionType ActionTrigger ActionResult RecipientEmailAddress DeliveryLocation ThreatTypes DetectionMethods ReportId`},
	{"UrlClickEvents", "clicks on links that Safe Links saw", `
datetime: Timestamp
string: Url ActionType AccountUpn Workload NetworkMessageId ThreatTypes DetectionMethods IPAddress UrlChain ReportId AppName AppVersion SourceId
bool: IsClickedThrough`},
	{"IdentityDirectoryEvents", "changes of the directory that Defender for Identity saw", `
datetime: Timestamp
string: ActionType Application TargetAccountUpn TargetAccountDisplayName TargetDeviceName DestinationDeviceName DestinationIPAddress Protocol AccountName AccountDomain AccountUpn AccountSid AccountObjectId AccountDisplayName DeviceName IPAddress Location ISP ReportId
int: Port DestinationPort
dynamic: AdditionalFields`},
	{"IdentityQueryEvents", "queries of the directory that Defender for Identity saw", `
datetime: Timestamp
string: ActionType Application QueryType QueryTarget Query Protocol AccountName AccountDomain AccountUpn AccountSid AccountObjectId AccountDisplayName DeviceName IPAddress DestinationDeviceName DestinationIPAddress TargetDeviceName TargetAccountUpn TargetAccountDisplayName Location ReportId
int: Port DestinationPort
dynamic: AdditionalFields`},
	{"DeviceFileCertificateInfo", "signatures of files", `
string: SHA1 SignatureType Signer SignerHash Issuer IssuerHash CertificateSerialNumber CrlDistributionPointUrls
bool: IsSigned IsTrusted IsRootSignerMicrosoft
datetime: CertificateCreationTime CertificateExpirationTime CertificateCountersignatureTime`},
	{"DeviceTvmSoftwareVulnerabilities", "weaknesses of software on machines", `
string: OSPlatform OSVersion OSArchitecture SoftwareVendor SoftwareName SoftwareVersion CveId VulnerabilitySeverityLevel RecommendedSecurityUpdate RecommendedSecurityUpdateId
dynamic: CveTags`},
	{"DeviceTvmSoftwareInventory", "software on machines", `
string: OSPlatform OSVersion OSArchitecture SoftwareVendor SoftwareName SoftwareVersion EndOfSupportStatus ProductCodeCpe
datetime: EndOfSupportDate`},
	{"LAQueryLogs", "queries that were run in a workspace", `
string: CorrelationId AADObjectId AADTenantId AADEmail AADClientId RequestClientApp QueryText RequestTarget WorkspaceRegion
datetime: QueryTimeRangeStart QueryTimeRangeEnd
int: ResponseCode ResponseDurationMs ResponseRowCount
real: StatsCPUTimeMs StatsDataProcessedKB StatsRegionCount StatsWorkspaceCount
bool: IsBillableQuery IsWorkspaceOnlyQuery
dynamic: RequestContext RequestContextFilters`},
	{"SentinelHealth", "health of Sentinel's connectors and rules", `
string: OperationName SentinelResourceId SentinelResourceName SentinelResourceType SentinelResourceKind Status Description Reason WorkspaceId RecordId
dynamic: ExtendedProperties`},
	{"SentinelAudit", "changes of Sentinel's own settings", `
string: OperationName SentinelResourceId SentinelResourceName SentinelResourceType SentinelResourceKind Status Description WorkspaceId
dynamic: ExtendedProperties`},
	{"AzureDevOpsAuditing", "audit log of Azure DevOps", `
string: Id OperationName Category CategoryDisplayName Area Details ActorUPN ActorUserId ActorCUID ActorClientId ActorDisplayName AuthenticationMechanism CorrelationId IpAddress ProjectId ProjectName ScopeId ScopeType ScopeDisplayName ActivityId UserAgent
dynamic: Data`},
	{"WindowsFirewall", "firewall of Windows", `
string: Computer FirewallAction Protocol SourceIP DestinationIP CommunicationDirection Info
int: SourcePort DestinationPort`},
	{"KubeEvents", "events of clusters", `string: Computer ClusterName ClusterId Namespace Name ObjectKind Reason Message SourceComponent KubeEventType
real: Count
datetime: FirstSeen LastSeen`},
	{"Perf", "counters of machines", `string: Computer ObjectName CounterName InstanceName CounterPath
real: CounterValue`},
	{"Alert", "alerts of Log Analytics", `string: AlertName AlertSeverity AlertDescription AlertState Computer SourceDisplayName Query RuleName`},
	{"AppTraces", "traces of Application Insights", `string: Message AppRoleName AppRoleInstance OperationId OperationName UserId SessionId ClientIP ClientCountryOrRegion
int: SeverityLevel
dynamic: Properties Measurements`},
	{"AppRequests", "requests to what Application Insights watches", `string: Name Url ResultCode Source AppRoleName AppRoleInstance OperationId OperationName UserId SessionId ClientIP ClientCountryOrRegion
bool: Success
real: DurationMs
dynamic: Properties Measurements`},
	{"PowerPlatformAdminActivity", "activities of administrators of Power Platform", `string: EventOriginalType EventOriginalUid ActorName ActorUserId ActorUserType UserId RecordType Workload Operation ResultStatus ClientIp OrganizationId
dynamic: PropertyCollection`},
	{"DataverseActivity", "activities in Dataverse", `string: UserId UserKey UserType UserUpn OriginalObjectId EntityName EntityId Message Operation ClientIp InstanceUrl UserAgent OrganizationId CorrelationId ItemType ItemUrl Workload ResultStatus
dynamic: Fields QueryResults PrimaryFieldValue`},
	{"Dynamics365Activity", "activities of Dynamics 365", `string: UserId UserKey UserType OriginalObjectId EntityName EntityId Message ClientIP InstanceUrl UserAgent OrganizationId CorrelationId Operation ResultStatus
dynamic: Fields QueryResults`},
	{"GitHubRepo", "repositories of GitHub, in the names of a parser", `
string: Organization Repository Action Actor Country Reason vulnerableManifestFilename vulnerableManifestPath Description Link Severity Summary
datetime: DismmisedAt PublishedAt`},
	{"SquidProxy_CL", "requests through Squid", `string: RawData Computer`},
	{"Apache_httpd_CL", "requests to Apache", `string: RawData Computer`},
	{"ApacheHTTPServer_CL", "requests to Apache", `string: RawData Computer`},
	{"NGINX_CL", "requests to NGINX", `string: RawData Computer`},
	{"AzureMetrics", "metrics of Azure", `
string: ResourceId Resource ResourceGroup ResourceProvider SubscriptionId MetricName UnitName TimeGrain CallerIPAddress
real: Total Count Maximum Minimum Average`},
	{"AppServiceAuditLogs", "sign-ins to publish web apps", `string: OperationName User UserDisplayName UserAddress Protocol Category`},
	{"AppServiceConsoleLogs", "console of web apps", `string: OperationName Host Level ResultDescription Category ContainerId`},
	{"ContainerLog", "logs of containers", `string: Computer TimeOfCommand ContainerID Image ImageTag Repository Name LogEntry LogEntrySource`},
	{"ContainerLogV2", "logs of containers", `string: Computer ContainerId ContainerName PodName PodNamespace LogSource LogLevel
dynamic: LogMessage KubernetesMetadata`},
	{"KubePodInventory", "pods of clusters", `string: Computer ClusterName ClusterId Name Namespace PodStatus ControllerName ControllerKind ServiceName ContainerName PodIp`},
	{"InformationProtectionLogs_CL", "labels of Azure Information Protection", `string: User_s Activity_s LabelName_s ObjectId_s ProcessName_s Operation_s Computer_s IPv4_s`},
	{"McasShadowItReporting", "cloud apps that are used", `string: StreamName AppId AppName AppCategory UserName MachineName IpAddress
long: DownloadedBytes UploadedBytes TotalBytes TotalEvents AppScore`},
	{"ADReplicationResult", "replication of Active Directory", `string: Computer SourceServer DestinationServer`},
	{"SecurityRegulatoryCompliance", "judgements of Defender for Cloud", `string: ComplianceStandard ComplianceControl AssessedResourceId State`},
	{"SecurityRecommendation", "advice of Defender for Cloud", `string: RecommendationDisplayName RecommendationId RecommendationState AssessedResourceId RecommendationSeverity Description`},
	{"MicrosoftPurviewInformationProtection", "labels of Purview", `string: UserId Operation LabelName RecordType Workload ObjectId`},
	{"DynamicsActivity", "activities of Dynamics 365", `string: UserId UserKey UserType Operation ClientIP EntityName EntityId InstanceUrl Message OrganizationId`},
	{"PowerBIActivity", "activities of Power BI", `string: UserId UserKey Operation ClientIP ItemName WorkSpaceName ObjectId Activity`},
	{"ProjectActivity", "activities of Project", `string: UserId Operation ClientIP Entity Action`},
	{"NetworkAccessTraffic", "traffic of Global Secure Access", `
string: TransactionId ConnectionId UserId UserPrincipalName DeviceId SourceIp DestinationIp DestinationFqdn DestinationUrl Action TrafficType PolicyName InitiatingProcessName
int: SourcePort DestinationPort
long: SentBytes ReceivedBytes`},
	{"NTANetAnalytics", "flows, as the newer Traffic Analytics has them", `
string: SubType FlowType SrcIp DestIp SrcPublicIps DestPublicIps L4Protocol FlowDirection FlowStatus AclRule AclGroup MacAddress SrcVm DestVm SrcSubscription DestSubscription Country SrcRegion DestRegion
int: SrcPort DestPort
long: BytesSrcToDest BytesDestToSrc PacketsSrcToDest PacketsDestToSrc AllowedInFlows DeniedInFlows AllowedOutFlows DeniedOutFlows
datetime: FlowStartTime FlowEndTime`},
	{"AZFWNetworkRule", "network rules of Azure Firewall", `string: Protocol SourceIp DestinationIp Action ActionReason Rule RuleCollection RuleCollectionGroup Policy
int: SourcePort DestinationPort`},
	{"AZFWApplicationRule", "application rules of Azure Firewall", `string: Protocol SourceIp Fqdn TargetUrl Action ActionReason Rule RuleCollection RuleCollectionGroup Policy WebCategory
int: SourcePort DestinationPort
bool: IsTlsInspected IsExplicitProxyRequest`},
	{"AZFWThreatIntel", "threat intelligence of Azure Firewall", `string: Protocol SourceIp DestinationIp Fqdn TargetUrl Action ThreatDescription
int: SourcePort DestinationPort`},
	{"AZFWDnsQuery", "DNS queries through Azure Firewall", `string: SourceIp QueryId QueryType QueryClass QueryName Protocol ResponseCode ResponseFlags ErrorMessage
int: SourcePort RequestSize ResponseSize
bool: DnssecOkBit
real: RequestDurationSecs`},
	{"AzureFirewall", "logs of Azure Firewall, in the names of a parser", `string: Protocol SourceIP DestinationIP Action Message`},
	{"SQLSecurityAuditEvents", "audit log of Azure SQL", `string: EventType ClientIp ActionName Statement ServerPrincipalName DatabaseName`},
	{"Corelight_CL", "logs of Corelight", `string: Message`},
	{"Zscaler_CL", "logs of Zscaler", `string: RawData`},
	{"Cisco_Umbrella_dns_CL", "DNS queries through Umbrella", `string: Domain_s InternalIp_s ExternalIp_s Action_s QueryType_s ResponseCode_s Identities_s`},
	{"ProofpointPOD_message_CL", "mails through Proofpoint", `string: msg_header_from_s envelope_from_s envelope_rcpts_s filter_disposition_s guid_g`},
}
