package view

// entraTables are the tables of Entra ID and Microsoft Graph.
func entraTables() []spec {
	// The category of a sign-in stands in the head as its record says it. Microsoft Graph says none:
	// there who signed in tells.
	signIn := func(name, title, more string, names string) spec {
		where := expr(`replace(lower(h."category"), 'aad', '') = '` + names + `'`)
		if names == "signinlogs" {
			where = expr(`(` + where + ` OR h."category" = '' AND h."actor_type" = 'user')`)
		}
		if names == "serviceprincipalsigninlogs" {
			where = expr(`(` + where + ` OR h."category" = '' AND h."actor_type" <> 'user')`)
		}
		return spec{name: name, title: title, system: "Azure AD", shape: diagnosed, columns: more,
			from: []feed{{format: "entra.signin", where: where}}}
	}
	risk := func(names string) expr {
		return expr(`replace(lower(coalesce({category}, {Category}, {Type}, CASE WHEN {riskEventType} IS NOT NULL THEN ` +
			`CASE WHEN {servicePrincipalId} IS NOT NULL THEN 'serviceprincipalriskevents' ELSE 'userriskevents' END ` +
			`WHEN {servicePrincipalType} IS NOT NULL OR {appId} IS NOT NULL THEN 'riskyserviceprincipals' ELSE 'riskyusers' END)), 'aad', '') = '` + names + `'`)
	}
	return []spec{
		{name: "AuditLogs", title: "audit log of Entra ID", system: "Azure AD", shape: diagnosed, columns: entraAudit,
			from: []feed{{format: "entra.audit"}}},
		signIn("SigninLogs", "interactive sign-ins of users", signInLogs, "signinlogs"),
		signIn("AADNonInteractiveUserSignInLogs", "sign-ins on behalf of users", nonInteractive, "noninteractiveusersigninlogs"),
		signIn("AADServicePrincipalSignInLogs", "sign-ins of service principals", principalSignIn, "serviceprincipalsigninlogs"),
		signIn("AADManagedIdentitySignInLogs", "sign-ins of managed identities", principalSignIn, "managedidentitysigninlogs"),
		signIn("ADFSSignInLogs", "sign-ins through AD FS", nonInteractive, "adfssigninlogs"),
		{name: "AADProvisioningLogs", title: "what Entra ID provisioned elsewhere", system: "Azure AD", shape: diagnosed, columns: provisioning,
			from: []feed{{format: "entra.provisioning"}}},
		{name: "AADUserRiskEvents", title: "risks of users that ID Protection found", system: "Azure AD", shape: diagnosed, columns: userRisk,
			from: []feed{{format: "entra.risk", where: risk("userriskevents")}}},
		{name: "AADRiskyUsers", title: "users at risk", system: "Azure AD", shape: diagnosed, columns: riskyUsers,
			from: []feed{{format: "entra.risk", where: risk("riskyusers")}}},
		{name: "AADServicePrincipalRiskEvents", title: "risks of service principals", system: "Azure AD", shape: diagnosed, columns: principalRisk,
			from: []feed{{format: "entra.risk", where: risk("serviceprincipalriskevents")}}},
		{name: "AADRiskyServicePrincipals", title: "service principals at risk", system: "Azure AD", shape: diagnosed, columns: riskyPrincipals,
			from: []feed{{format: "entra.risk", where: risk("riskyserviceprincipals")}}},
		{name: "MicrosoftGraphActivityLogs", title: "requests to Microsoft Graph", system: "Azure AD", shape: diagnosed, columns: graphActivity,
			from: []feed{{format: "microsoft.graph_activity", where: expr(`coalesce({httpMethod}, {properties.httpMethod}) IS NULL`)}}},
		{name: "AADGraphActivityLogs", title: "requests to Azure AD Graph", system: "Azure AD", shape: diagnosed, columns: graphActivity,
			from: []feed{{format: "microsoft.graph_activity", where: expr(`coalesce({httpMethod}, {properties.httpMethod}) IS NOT NULL`),
				columns: "ResponseStatusCode int properties.httpStatusCode httpStatusCode"}}},
	}
}

const entraAudit = `
TimeGenerated datetime = h."time"
OperationName string = h."action"
ActivityDisplayName string
ActivityDateTime datetime
AADOperationType string properties.operationType operationType AADOperationType
AADTenantId string = h."account"
Category string properties.category Category category
CorrelationId string = h."correlation_id"
Result string = h."result"
ResultReason string = h."error"
ResultType string resultType ResultType properties.result result
ResultDescription string
ResultSignature string
Identity string identity Identity initiatedBy.user.displayName initiatedBy.app.displayName
InitiatedBy dynamic
TargetResources dynamic
AdditionalDetails dynamic
LoggedByService string = h."service"
Id string = h."id"
DurationMs long durationMs DurationMs
Level string level Level
Location string location Location
OperationVersion string
Resource string = coalesce({Resource}, 'Microsoft.aadiam')
ResourceGroup string = coalesce({ResourceGroup}, 'Microsoft.aadiam')
ResourceId string resourceId ResourceId
ResourceProvider string ResourceProvider
`

// What all tables of sign-ins have. A name of a column that differs from the field's is
// written out: Graph and Event Hub say status.errorCode where the table says ResultType.
const signInShared = `
TimeGenerated datetime = h."time"
OperationName string = h."action"
OperationVersion string operationVersion OperationVersion
Category string category Category
ResultType string = CASE WHEN h."error" <> '' THEN h."error" WHEN h."outcome" = 'success' THEN '0' ELSE '' END
ResultSignature string resultSignature ResultSignature
ResultDescription string resultDescription ResultDescription properties.status.failureReason status.failureReason
DurationMs long durationMs DurationMs
CorrelationId string = h."correlation_id"
ResourceGroup string = coalesce({ResourceGroup}, 'Microsoft.aadiam')
Identity string identity Identity userDisplayName servicePrincipalName
Level string level Level
Location string = h."country"
AADTenantId string = h."account"
AppDisplayName string = h."app_name"
AppId string = h."app_id"
AppOwnerTenantId string
AuthenticationContextClassReferences string
AuthenticationProcessingDetails string
AutonomousSystemNumber string
ConditionalAccessStatus string = h."conditional_access"
CreatedDateTime datetime
CrossTenantAccessType string
HomeTenantId string
HomeTenantName string
Id string = h."id"
IPAddress string = h."src_ip"
NetworkLocationDetails string
ResourceDisplayName string = h."service"
ResourceIdentity string properties.resourceId ResourceIdentity resourceId
ResourceOwnerTenantId string
ResourceServicePrincipalId string
ResourceTenantId string
ServicePrincipalId string
SessionId string
UniqueTokenIdentifier string
UserAgent string = h."user_agent"
IncomingTokenType string
ClientCredentialType string
FederatedCredentialId string
`

const signInUsers = `
AlternateSignInName string
AppliedEventListeners dynamic
AuthenticationDetails string
AuthenticationMethodsUsed string
AuthenticationProtocol string
AuthenticationRequirement string
AuthenticationRequirementPolicies string
ClientAppUsed string = h."client_app"
GlobalSecureAccessIpAddress string
IsInteractive bool
IsRisky bool
IsTenantRestricted bool
IsThroughGlobalSecureAccess bool
OriginalRequestId string
OriginalTransferMethod string
ProcessingTimeInMilliseconds string
RiskDetail string
RiskEventTypes string
RiskEventTypes_V2 string properties.riskEventTypes_v2 riskEventTypes_v2 RiskEventTypes_V2
RiskLevelAggregated string
RiskLevelDuringSignIn string = h."risk_level"
RiskState string
SessionLifetimePolicies string
SignInIdentifierType string
TokenIssuerName string
TokenIssuerType string
UserDisplayName string
UserId string
UserPrincipalName string = h."actor_name"
UserType string
`

const signInLogs = signInShared + signInUsers + `
AppliedConditionalAccessPolicies string
ConditionalAccessPolicies dynamic properties.appliedConditionalAccessPolicies appliedConditionalAccessPolicies ConditionalAccessPolicies properties.conditionalAccessPolicies
ConditionalAccessAudiences dynamic
DeviceDetail dynamic
LocationDetails dynamic = CASE WHEN json_type(coalesce({{properties.location}}, {{location}})) = 'OBJECT' THEN coalesce({{properties.location}}, {{location}}) WHEN json_type({{LocationDetails}}) = 'VARCHAR' THEN TRY_CAST({LocationDetails} AS JSON) ELSE {{LocationDetails}} END
MfaDetail dynamic
Status dynamic
TokenProtectionStatusDetails dynamic
Agent dynamic
FlaggedForReview bool
RiskLevel string
IPAddressFromResourceProvider string
Resource string = coalesce({Resource}, 'Microsoft.aadiam')
ResourceId string resourceId ResourceId
ResourceProvider string ResourceProvider
ServicePrincipalName string
SignInEventTypes dynamic
SignInIdentifier string
SourceAppClientId string
AuthenticationAppDeviceDetails string
AuthenticationAppPolicyEvaluationDetails string
`

// The table of sign-ins that are not interactive has as text what SigninLogs has as
// dynamic values.
const nonInteractive = signInShared + signInUsers + `
Agent string
AuthenticatorAppLocation string
ClientSessionId string
ConditionalAccessAudiences string
ConditionalAccessPolicies string properties.appliedConditionalAccessPolicies appliedConditionalAccessPolicies ConditionalAccessPolicies properties.conditionalAccessPolicies
DeviceDetail string
LocationDetails string = CASE WHEN json_type(coalesce({{properties.location}}, {{location}})) = 'OBJECT' THEN coalesce({properties.location}, {location}) ELSE coalesce({LocationDetails}, '') END
MfaDetail string
ProcessingTimeInMs string properties.processingTimeInMilliseconds processingTimeInMilliseconds ProcessingTimeInMs
SignInEventTypes string
Status string
TokenProtectionStatusDetails string
`

const principalSignIn = signInShared + `
Agent string
AuthenticationContextClassReference string
ConditionalAccessAudiences string
ConditionalAccessPolicies string properties.appliedConditionalAccessPolicies appliedConditionalAccessPolicies ConditionalAccessPolicies properties.conditionalAccessPolicies
IPAddressFromResourceProvider string
LocationDetails string = CASE WHEN json_type(coalesce({{properties.location}}, {{location}})) = 'OBJECT' THEN coalesce({properties.location}, {location}) ELSE coalesce({LocationDetails}, '') END
ManagedServiceIdentity string
ServicePrincipalCredentialKeyId string
ServicePrincipalCredentialThumbprint string
ServicePrincipalName string
SourceAppClientId string
UserPrincipalName string
`

const provisioning = `
TimeGenerated datetime = h."time"
OperationName string = h."action"
OperationVersion string operationVersion OperationVersion
Category string category Category
ResultType string resultType ResultType properties.provisioningStatusInfo.Status provisioningStatusInfo.status
ResultSignature string resultSignature ResultSignature
ResultDescription string resultDescription ResultDescription
DurationMs long durationMs DurationMs
CorrelationId string correlationId CorrelationId
Identity string identity Identity
Location string location Location
AADTenantId string = h."account"
ActivityDateTime datetime
ChangeId string
CycleId string
Id string = h."id"
InitiatedBy string
JobId string
ModifiedProperties string
OperationType string
ProvisioningAction string
ProvisioningStatusInfo string
ProvisioningSteps string
ServicePrincipal string
SourceIdentity string
SourceSystemDetails string properties.sourceSystem sourceSystem SourceSystemDetails
StatusInfo string properties.statusInfo statusInfo StatusInfo properties.provisioningStatusInfo
TargetIdentity string
TargetSystem string
`

const riskShared = `
TimeGenerated datetime = h."time"
OperationName string = h."action"
CorrelationId string
Id string = h."id"
RiskDetail string
RiskLastUpdatedDateTime datetime
RiskLevel string
RiskState string
`

const userRisk = riskShared + `
Activity string
ActivityDateTime datetime
AdditionalInfo dynamic
DetectedDateTime datetime
DetectionTimingType string
IpAddress string = h."src_ip"
LastUpdatedDateTime datetime
Location dynamic
RequestId string
RiskEventType string
Source string
TokenIssuerType string
UserDisplayName string
UserId string
UserPrincipalName string
`

const riskyUsers = riskShared + `
IsDeleted bool
IsProcessing bool
UserDisplayName string
UserPrincipalName string
UserId string
`

const principalRisk = riskShared + `
Activity string
ActivityDateTime datetime
AdditionalInfo dynamic
AppId string
DetectedDateTime datetime
DetectionTimingType string
IpAddress string = h."src_ip"
KeyIds string
LastUpdatedDateTime datetime
Location dynamic
RequestId string
RiskEventType string
ServicePrincipalDisplayName string
ServicePrincipalId string
Source string
TokenIssuerType string
`

const riskyPrincipals = riskShared + `
AppId string
DisplayName string
IsEnabled bool
IsProcessing bool
ServicePrincipalType string
`

const graphActivity = `
TimeGenerated datetime = h."time"
AadTenantId string properties.tenantId AadTenantId tenantId
ApiVersion string
AppId string = h."app_id"
ATContent string properties.atContent ATContent
ATContentH string properties.atContentH ATContentH
ATContentP string properties.atContentP ATContentP
ClientAuthMethod int
ClientRequestId string
DeviceId string
DurationMs int
IdentityProvider string
IPAddress string = h."src_ip"
Location string
OperationId string
RequestId string = h."id"
RequestMethod string = h."method"
RequestUri string = h."uri"
ResponseSizeBytes int
ResponseStatusCode int
Roles string
Scopes string = h."scopes"
ServicePrincipalId string
SessionId string
SignInActivityId string
TokenIssuedAt datetime
UniqueTokenId string
UserAgent string = h."user_agent"
UserId string
UserPrincipalObjectID string properties.UserPrincipalObjectID userPrincipalObjectID
Wids string
`
