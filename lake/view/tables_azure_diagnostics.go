package view

import "strings"

// moreDiagnostics are the columns that AzureDiagnostics has in every workspace beside those
// of azureDiagnostics. Their names end in the letter of their type; the field is the rest,
// below properties.
const moreDiagnostics = `
string _s: AdHocOrScheduledJob Caller DatabaseName ElasticPoolName Environment EventName JobDurationInSecs JobFailureCode JobOperation JobOperationSubType JobStartDateTime JobStatus Region RunOn RunbookName avg_cpu_percent avg_mean_time backendHostname callerId calls ccpNamespace clientIpAddress code collectionName container db_id direction error_code error_message errorLevel event_class event_subclass httpStatusCode instance instanceId ip is_column_permission jobId level listenerName macAddress max_time mean_time min_time originalRequestUriWithArgs partitionKey policyMode primaryIPv4Address properties query_hash query_plan_hash querytext requestCharge requestResourceId requestResourceType reserved_storage_mb resultCode resultMessage rootCauseAnalysis routingRuleName ruleCollection schema_name server_principal_sid serverStatus session_context subnetPrefix target_database_principal_name target_server_principal_name transactionId upstreamSourcePort url userPrincipalName workspace
string _g: ActivityId JobId JobUniqueId sequence_group_id vnetResourceGuid
real _d: audit_schema_version count_executions cpu_time dop duration execution_type interval_end_time interval_start_time log_bytes_used logical_io_reads logical_io_writes matchedConnections max_cpu_time max_dop max_duration max_log_bytes_used max_logical_io_reads max_logical_io_writes max_num_physical_io_reads max_physical_io_reads max_query_max_used_memory max_rowcount num_physical_io_reads object_id physical_io_reads plan_id priority query_id query_max_used_memory query_time receivedBytes rowcount sentBytes sequence_number session_id timeTaken transaction_id user_defined_event_id
datetime _t: endTime event_time
string _s conditions.: None destinationIP destinationPortRange protocols sourceIP sourcePortRange
datetime _t executionInfo.: endTime startTime
real _d executionInfo.: exitCode
bool _b properties.: enabledForDeployment enabledForDiskEncryption enabledForTemplateDeployment
string _s properties.: sku.Family sku.Name
string _g properties.: tenantId
string _s resource.: actionName location originRunId resourceGroupName runId triggerName workflowName
string _g resource.: subscriptionId workflowId
`

// diagnosticsLines writes moreDiagnostics as a line for each column: a row of the table has it by
// its name, an Event Hub below properties.
func diagnosticsLines() string {
	var b strings.Builder
	for l := range strings.SplitSeq(moreDiagnostics, "\n") {
		head, fields, ok := strings.Cut(l, ": ")
		if !ok {
			continue
		}
		how := strings.Fields(head) // type, ending, and the object that the fields stand in
		typ, ending, in := how[0], how[1], ""
		if len(how) > 2 {
			in = how[2]
		}
		for f := range strings.FieldsSeq(fields) {
			name := strings.ReplaceAll(in+f, ".", "_") + ending
			b.WriteString(name + " " + typ + " " + name + " properties." + in + f + "\n")
		}
	}
	return b.String()
}

// A record of kube-audit holds the event of Kubernetes as text and is kept as that event, so
// that the name of the cluster is not known here. Of a cluster in another cloud the account is.
const kubeAudit = `
Category string = 'kube-audit'
OperationName string = 'Microsoft.ContainerService/managedClusters/diagnosticLogs/Read'
ResultType string = ''
ResourceProvider string = 'MICROSOFT.CONTAINERSERVICE'
ResourceType string = 'MANAGEDCLUSTERS'
CorrelationId string = ''
CallerIPAddress string = ''
Level string = ''
log_s string = {$}
`

// backupTables are the tables that Recovery Services vaults write about what is backed up.
func backupTables() []spec {
	table := func(name, title, columns string) spec {
		return spec{name: name, title: title, system: "Azure", shape: diagnosed,
			columns: "TimeGenerated datetime = h.\"time\"\nOperationName string properties.OperationName operationName OperationName\nCategory string = h.\"category\"\n" +
				"ResourceId string resourceId ResourceId _ResourceId\n_ResourceId string = lower(coalesce({resourceId}, {ResourceId}, {_ResourceId}, ''))\n" + inPlaces(columns),
			from: []feed{{format: "azure.resource", where: expr(`coalesce({category}, {Category}, {Type}) = ` + quote(name))}}}
	}
	return []spec{
		table("CoreAzureBackup", "what is backed up in Recovery Services vaults", `
string: AgentVersion AzureBackupAgentVersion AzureDataCenter BackupItemAppVersion BackupItemFriendlyName BackupItemName BackupItemProtectionState BackupItemType BackupItemUniqueId BackupManagementServerName BackupManagementServerOSVersion BackupManagementServerType BackupManagementServerUniqueId BackupManagementServerVersion BackupManagementType PolicyName PolicyUniqueId ProtectedContainerFriendlyName ProtectedContainerLocation ProtectedContainerName ProtectedContainerOSType ProtectedContainerOSVersion ProtectedContainerProtectionState ProtectedContainerType ProtectedContainerUniqueId ProtectedContainerWorkloadType ResourceGroupName SchemaVersion SecondaryBackupProtectionState State StorageReplicationType VaultName VaultTags VaultType VaultUniqueId
real: BackupItemFrontEndSize
bool: IsBackupItemEncrypted`),
		table("AddonAzureBackupJobs", "jobs of Recovery Services vaults", `
string: AdHocOrScheduledJob BackupItemUniqueId BackupManagementServerUniqueId BackupManagementType DatasourceSetFriendlyName JobFailureCode JobOperation JobOperationSubType JobStatus JobUniqueId ProtectedContainerUniqueId RecoveryJobDestination RecoveryJobLocation RecoveryLocationType RecoveryPointDateTime SchemaVersion VaultUniqueId
datetime: JobStartDateTime
real: DataTransferredInMB JobDurationInSecs`),
		table("AddonAzureBackupAlerts", "alerts of Recovery Services vaults", `
string: AlertCode AlertConsolidationStatus AlertRaisedOn AlertSeverity AlertStatus AlertType AlertUniqueId BackupItemUniqueId BackupManagementServerUniqueId BackupManagementType CountOfAlertsConsolidated ProtectedContainerUniqueId RecommendedAction SchemaVersion VaultUniqueId
datetime: AlertOccurrenceDateTime`),
		table("AddonAzureBackupPolicy", "policies of Recovery Services vaults", `
string: BackupDaysOfTheWeek BackupFrequency BackupManagementServerUniqueId BackupManagementType BackupTimes DailyRetentionTimes PolicyName PolicyTimeZone PolicyUniqueId RetentionType SchemaVersion State VaultUniqueId
int: DailyRetentionDuration MonthlyRetentionDuration WeeklyRetentionDuration YearlyRetentionDuration SynchronisationFrequencyPerDay`),
	}
}

// inPlaces writes "string: A B" as lines of fields that have their columns' own names, below
// properties in an Event Hub.
func inPlaces(text string) string {
	var b strings.Builder
	for l := range strings.SplitSeq(text, "\n") {
		typ, names, ok := strings.Cut(strings.TrimSpace(l), ":")
		if !ok {
			continue
		}
		for n := range strings.FieldsSeq(names) {
			b.WriteString(n + " " + typ + " properties." + n + " " + n + "\n")
		}
	}
	return b.String()
}
