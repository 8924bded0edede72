package view

import "strings"

// alertTables are the tables of alerts and incidents.
func alertTables() []spec {
	// The alerts of other vendors, in the words of SecurityAlert.
	other := func(format, product, vendor string, columns string) feed {
		return feed{format: format, columns: strings.NewReplacer("VENDOR", vendor, "PRODUCT", product).Replace(foreignAlert) + columns}
	}
	return []spec{
		{name: "SecurityAlert", title: "alerts of Microsoft's products and of others", system: "Detection", columns: securityAlert,
			from: []feed{
				{format: "microsoft.alert", where: `{IncidentNumber} IS NULL AND coalesce({"@odata.type"}, '') NOT LIKE '%incident'`},
				other("aws.guardduty", "GuardDuty", "AWS", `
AlertName string = coalesce({title}, {Title}, h."action")
DisplayName string = coalesce({title}, {Title}, h."action")
Description string description Description
AlertSeverity string = CASE WHEN TRY_CAST(coalesce({severity}, {Severity}) AS DOUBLE) >= 7 THEN 'High' WHEN TRY_CAST(coalesce({severity}, {Severity}) AS DOUBLE) >= 4 THEN 'Medium' ELSE 'Low' END
StartTime datetime service.eventFirstSeen Service.EventFirstSeen createdAt CreatedAt
EndTime datetime service.eventLastSeen Service.EventLastSeen updatedAt UpdatedAt
ExtendedProperties string service Service
ResourceId string arn Arn
`),
				other("aws.securityhub", "Security Hub", "AWS", `
AlertName string Title title
DisplayName string Title title
Description string Description description
AlertSeverity string = `+titled(`coalesce({Severity.Label}, {severity.label})`)+`
Tactics string Types types
`),
				other("gcp.scc", "Security Command Center", "Google", `
AlertName string = h."action"
DisplayName string = h."action"
Description string finding.description description
AlertSeverity string = `+titled(`coalesce({finding.severity}, {severity})`)+`
ResourceId string finding.resourceName resourceName
`),
				other("falco.alert", "Falco", "Falco", `
AlertName string rule
DisplayName string rule
Description string output
AlertSeverity string = CASE lower({priority}) WHEN 'emergency' THEN 'High' WHEN 'alert' THEN 'High' WHEN 'critical' THEN 'High' WHEN 'error' THEN 'High' WHEN 'warning' THEN 'Medium' WHEN 'notice' THEN 'Low' ELSE 'Informational' END
ExtendedProperties string output_fields
`),
				other("ocsf.finding", "OCSF", "OCSF", `
AlertName string finding_info.title finding.title
DisplayName string finding_info.title finding.title
Description string finding_info.desc finding.desc message
AlertSeverity string = `+titled(`{severity}`)+`
ProductName string metadata.product.name
VendorName string metadata.product.vendor_name
`),
				other("google_workspace.alert", "Google Workspace Alert Center", "Google", `
AlertName string type
DisplayName string type
Description string source
AlertSeverity string = `+titled(`{metadata.severity}`)+`
StartTime datetime startTime
EndTime datetime endTime
`),
			}},
		{name: "SecurityIncident", title: "incidents", system: "Azure", columns: securityIncident,
			from: []feed{{format: "microsoft.alert", where: `({IncidentNumber} IS NOT NULL OR {Type} = 'SecurityIncident')`}}},
	}
}

// titled writes a severity in the words of SecurityAlert.
func titled(text string) string {
	return "CASE lower(coalesce(" + text + ", '')) WHEN 'critical' THEN 'High' WHEN 'high' THEN 'High' WHEN 'medium' THEN 'Medium' " +
		"WHEN 'low' THEN 'Low' WHEN '' THEN '' ELSE 'Informational' END"
}

const foreignAlert = `
AlertType string = h."action"
SystemAlertId string = h."id"
VendorOriginalId string = h."id"
ProductName string = 'PRODUCT'
ProviderName string = 'PRODUCT'
VendorName string = 'VENDOR'
StartTime datetime = h."time"
EndTime datetime = h."time"
ProcessingEndTime datetime = h."seen"
CompromisedEntity string = h."target_id"
Status string = 'New'
Entities string = h."targets"
`

const securityAlert = `
TimeGenerated datetime = h."time"
DisplayName string DisplayName AlertDisplayName alertDisplayName properties.alertDisplayName title properties.Title
AlertName string AlertName AlertDisplayName alertDisplayName properties.alertDisplayName title properties.Title DisplayName
AlertSeverity string = coalesce({AlertSeverity}, ` + severityTitle + `, '')
Description string Description description properties.description
ProviderName string ProviderName properties.ProviderName vendorInformation.provider serviceSource properties.ServiceSource properties.providerName
VendorName string VendorName vendorInformation.vendor properties.vendorName
VendorOriginalId string VendorOriginalId providerAlertId properties.AlertId
SystemAlertId string = h."id"
ResourceId string ResourceId properties.resourceIdentifiers[0].azureResourceId ResourceIdentifiers[0].AzureResourceId AzureResourceId
SourceComputerId string SourceComputerId
AlertType string AlertType alertType properties.alertType detectionSource
ConfidenceLevel string ConfidenceLevel
ConfidenceScore real ConfidenceScore
IsIncident bool IsIncident
StartTime datetime StartTime StartTimeUtc properties.startTimeUtc firstActivityDateTime eventDateTime
EndTime datetime EndTime EndTimeUtc properties.endTimeUtc lastActivityDateTime eventDateTime
ProcessingEndTime datetime ProcessingEndTime properties.processingEndTimeUtc createdDateTime
RemediationSteps string RemediationSteps properties.remediationSteps recommendedActions recommendedAction
ExtendedProperties string ExtendedProperties properties.extendedProperties additionalData additionalDataString
Entities string Entities properties.entities evidence
ExtendedLinks string ExtendedLinks properties.extendedLinks
AlertLink string AlertLink AlertUri properties.alertUri alertWebUrl
ProductName string ProductName properties.productName serviceSource properties.ServiceSource vendorInformation.provider
ProductComponentName string ProductComponentName properties.productComponentName
CompromisedEntity string CompromisedEntity properties.compromisedEntity
WorkspaceSubscriptionId string WorkspaceSubscriptionId
WorkspaceResourceGroup string WorkspaceResourceGroup
Status string Status properties.status status
Tactics string Tactics Intent properties.intent category properties.Category
Techniques string Techniques properties.techniques mitreTechniques properties.AttackTechniques
SubTechniques string SubTechniques
`

const severityTitle = `CASE lower(coalesce({Severity}, {properties.severity}, {properties.Severity}, {severity}, '')) WHEN 'high' THEN 'High' WHEN 'medium' THEN 'Medium' WHEN 'low' THEN 'Low' WHEN '' THEN NULL ELSE 'Informational' END`

const securityIncident = `
TimeGenerated datetime = h."time"
IncidentName string IncidentName
Title string Title
Description string Description
Severity string Severity
Status string Status
Classification string Classification
ClassificationComment string ClassificationComment
ClassificationReason string ClassificationReason
Owner dynamic Owner
ProviderName string ProviderName
ProviderIncidentId string ProviderIncidentId
FirstActivityTime datetime FirstActivityTime
LastActivityTime datetime LastActivityTime
FirstModifiedTime datetime FirstModifiedTime
LastModifiedTime datetime LastModifiedTime
CreatedTime datetime CreatedTime
ClosedTime datetime ClosedTime
IncidentNumber int IncidentNumber
RelatedAnalyticRuleIds dynamic RelatedAnalyticRuleIds
AlertIds dynamic AlertIds
BookmarkIds dynamic BookmarkIds
Comments dynamic Comments
Tasks dynamic Tasks
Labels dynamic Labels
IncidentUrl string IncidentUrl
AdditionalData dynamic AdditionalData
ModifiedBy string ModifiedBy
`
