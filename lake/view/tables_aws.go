package view

// awsTables are the tables of Sentinel's connectors for AWS.
func awsTables() []spec {
	return []spec{
		{name: "AWSCloudTrail", title: "CloudTrail: calls of the AWS API and sign-ins", system: "AWS", columns: cloudTrail,
			from: []feed{{format: "aws.cloudtrail"}}},
		{name: "AWSGuardDuty", title: "findings of GuardDuty", system: "AWS", shape: lowered, columns: guardDuty,
			from: []feed{{format: "aws.guardduty"}}},
		{name: "AWSVPCFlow", title: "flow logs of VPCs", system: "AWS", columns: vpcFlow, from: []feed{{format: "aws.vpcflow"}}},
		{name: "AWSS3ServerAccess", title: "access log of S3 buckets", system: "AWS", columns: s3Access, from: []feed{{format: "aws.s3access"}}},
		{name: "AWSWAF", title: "requests that AWS WAF judged", system: "AWS", shape: lowered, columns: awsWAF, from: []feed{{format: "aws.waf"}}},
		{name: "AWSCloudWatch", title: "lines of CloudWatch Logs that are of no known format", system: "AWS", columns: cloudWatch,
			from: []feed{{format: "json", where: `h."source" = 'cloudwatch'`}}},
		{name: "AWSRoute53Resolver", title: "DNS queries from VPCs", system: "AWS", columns: resolver, from: []feed{{format: "aws.route53resolver"}}},
		bucketTable("AwsBucketAPILogs_CL"), bucketTable("AWSS3BucketAPILogParsed"),
		{name: "AWSSecurityHubFindings", title: "findings of Security Hub", system: "AWS", shape: lowered, columns: securityHub,
			from: []feed{{format: "aws.securityhub"}}},
	}
}

// In CloudTrail most of what queries filter on stands in the head. The ARN of an identity is
// the actor of all types that have one; the user's name is the actor's of IAM users only.
const cloudTrail = `
TimeGenerated datetime = h."time"
EventName string = h."action"
EventSource string = h."service"
EventTypeName string = h."event_type"
AWSRegion string = h."region"
SourceIpAddress string = h."src_ip"
UserAgent string = h."user_agent"
ErrorCode string = h."error"
ErrorMessage string = h."error_message"
UserIdentityType string = h."identity_type"
UserIdentityArn string = CASE WHEN starts_with(h."actor_id", 'arn:') THEN h."actor_id" ELSE '' END
UserIdentityPrincipalid string = h."principal_id"
UserIdentityAccountId string userIdentity.accountId
UserIdentityUserName string userIdentity.userName
UserIdentityAccessKeyId string = h."access_key"
UserIdentityInvokedBy string userIdentity.invokedBy
UserIdentityStoreArn string userIdentity.onBehalfOf.identityStoreArn
UserIdentityUserId string userIdentity.onBehalfOf.userId
SessionIssuerArn string = h."issuer_arn"
SessionIssuerType string userIdentity.sessionContext.sessionIssuer.type
SessionIssuerPrincipalId string userIdentity.sessionContext.sessionIssuer.principalId
SessionIssuerAccountId string userIdentity.sessionContext.sessionIssuer.accountId
SessionIssuerUserName string userIdentity.sessionContext.sessionIssuer.userName
SessionMfaAuthenticated bool = CASE h."mfa" WHEN 'true' THEN true WHEN 'false' THEN false END
SessionCreationDate datetime userIdentity.sessionContext.attributes.creationDate
EC2RoleDelivery string userIdentity.sessionContext.ec2RoleDelivery
RequestParameters string requestParameters
ResponseElements string responseElements
AdditionalEventData string additionalEventData
ServiceEventDetails string serviceEventDetails
Resources string resources
RecipientAccountId string = h."account"
AwsEventId string = h."id"
AwsRequestId string requestID
AwsRequestId_ string requestID
APIVersion string apiVersion
EventVersion string eventVersion
ReadOnly bool = CASE h."read_only" WHEN 'true' THEN true WHEN 'false' THEN false END
ManagementEvent bool managementEvent
Category string = h."category"
OperationName string = 'CloudTrail'
SharedEventId string sharedEventID
VpcEndpointId string vpcEndpointId
TlsVersion string tlsDetails.tlsVersion
CipherSuite string tlsDetails.cipherSuite
ClientProvidedHostHeader string tlsDetails.clientProvidedHostHeader
CidrIp string requestParameters.cidrIp requestParameters.ipPermissions.items[0].ipRanges.items[0].cidrIp
IpProtocol string requestParameters.ipProtocol requestParameters.ipPermissions.items[0].ipProtocol
SourcePort string requestParameters.fromPort requestParameters.ipPermissions.items[0].fromPort
DestinationPort string requestParameters.toPort requestParameters.ipPermissions.items[0].toPort
`

const guardDuty = `
TimeGenerated datetime = h."time"
TimeCreated datetime createdAt CreatedAt TimeCreated
AccountId string = h."account"
ActivityType string = h."action"
Arn string arn Arn
Description string description Description
Id string = h."id"
Partition string partition Partition
Region string = h."region"
ResourceDetails dynamic resource Resource ResourceDetails
SchemaVersion string schemaVersion SchemaVersion
ServiceDetails dynamic service Service ServiceDetails
Severity int = CAST(floor(TRY_CAST(h."severity" AS DOUBLE)) AS INTEGER)
Title string = h."title"
`

// The record names a field as its header did: with hyphens, with underscores, or in words.
const vpcFlow = `
TimeGenerated datetime = h."time"
Version int version
AccountId string = h."account"
InterfaceId string = h."interface_id"
SrcAddr string = h."src_ip"
DstAddr string = h."dst_ip"
SrcPort int = TRY_CAST(h."src_port" AS INTEGER)
DstPort int = TRY_CAST(h."dst_port" AS INTEGER)
Protocol int = TRY_CAST(h."protocol" AS INTEGER)
Packets int = TRY_CAST(h."packets" AS INTEGER)
Bytes long = TRY_CAST(h."bytes" AS BIGINT)
Start datetime = TRY(make_timestamp(TRY_CAST(h."start" AS BIGINT) * 1000000))
End datetime = TRY(make_timestamp(TRY_CAST(h."end" AS BIGINT) * 1000000))
Action string = CASE h."outcome" WHEN 'success' THEN 'ACCEPT' WHEN 'failure' THEN 'REJECT' ELSE '' END
LogStatus string = h."status"
VpcId string = h."vpc_id"
SubnetId string "subnet-id" subnet_id
InstanceId string = h."instance_id"
TcpFlags int "tcp-flags" tcp_flags
TrafficType string type
PktSrcAddr string "pkt-srcaddr" pkt_srcaddr
PktDstAddr string "pkt-dstaddr" pkt_dstaddr
Region string = h."region"
AzId string "az-id" az_id
SublocationType string "sublocation-type" sublocation_type
SublocationId string "sublocation-id" sublocation_id
PktSrcAwsService string "pkt-src-aws-service" pkt_src_aws_service
PktDstAwsService string "pkt-dst-aws-service" pkt_dst_aws_service
FlowDirection string = h."direction"
TrafficPath string "traffic-path" traffic_path
EcsClusterArn string "ecs-cluster-arn" ecs_cluster_arn
EcsClusterName string "ecs-cluster-name" ecs_cluster_name
EcsContainerId string "ecs-container-id" ecs_container_id
EcsContainerInstanceArn string "ecs-container-instance-arn" ecs_container_instance_arn
EcsContainerInstanceId string "ecs-container-instance-id" ecs_container_instance_id
EcsSecondContainerId string "ecs-second-container-id" ecs_second_container_id
EcsServiceName string "ecs-service-name" ecs_service_name
EcsTaskArn string "ecs-task-arn" ecs_task_arn
EcsTaskDefinitionArn string "ecs-task-definition-arn" ecs_task_definition_arn
EcsTaskId string "ecs-task-id" ecs_task_id
`

const s3Access = `
TimeGenerated datetime = h."time"
BucketOwner string bucketowner bucket_owner
BucketName string = h."bucket"
EventTime datetime = h."time"
RemoteIp string = h."src_ip"
RequesterId string requester
RequestId string requestid
Operation string = h."action"
Key string = h."object_key"
RequestUri string request_uri
HttpStatusCode int = TRY_CAST(h."status" AS INTEGER)
ErrorCode string = h."error"
BytesSent long = TRY_CAST(h."bytes_sent" AS BIGINT)
ObjectSize long objectsize
TotalTime long totaltime
TurnAroundTime long turnaroundtime
Referrer string referrer
UserAgent string = h."user_agent"
VersionId string versionid
HostId string hostid
SignatureVersion string sigv
CipherSuite string ciphersuite
AuthenticationType string authtype
HostHeader string endpoint
TlsVersion string tlsversion
AccessPointArn string accesspointarn
AclRequired string aclrequired
`

const awsWAF = `
TimeGenerated datetime = h."time"
FormatVersion int formatVersion FormatVersion
WebAclId string = h."web_acl"
TerminatingRuleId string = h."rule"
TerminatingRuleType string
Action string = h."action"
TerminatingRuleMatchDetails dynamic
HttpSourceName string
HttpSourceId string
RuleGroupList dynamic
RateBasedRuleList dynamic
NonTerminatingMatchingRules dynamic
RequestHeadersInserted dynamic
ResponseCodeSent int
ClientIp string = h."src_ip"
Country string httpRequest.country Country HttpRequest.country
Headers dynamic httpRequest.headers Headers HttpRequest.headers
Uri string httpRequest.uri Uri HttpRequest.uri
Args string httpRequest.args Args HttpRequest.args
HttpVersion string httpRequest.httpVersion HttpVersion HttpRequest.httpVersion
HttpMethod string httpRequest.httpMethod HttpMethod HttpRequest.httpMethod
HttpRequest dynamic httpRequest HttpRequest
RequestId string httpRequest.requestId RequestId HttpRequest.requestId
Labels dynamic labels Labels
OversizeFields dynamic
CaptchaResponse dynamic
ChallengeResponse dynamic
Ja3Fingerprint string
`

const cloudWatch = `
TimeGenerated datetime = h."time"
Message string = {$}
ExtractedTime datetime = h."time"
`

const resolver = `
TimeGenerated datetime = h."time"
Version string version
AccountId string = h."account"
Region string = h."region"
VpcId string vpc_id
QueryTimestamp datetime query_timestamp
QueryName string query_name
QueryType string query_type
QueryClass string query_class
Rcode string rcode
Answers dynamic answers
SrcAddr string srcaddr
SrcPort int srcport
Transport string transport
SrcIds dynamic srcids
FirewallRuleAction string firewall_rule_action
FirewallRuleGroupId string firewall_rule_group_id
FirewallDomainListId string firewall_domain_list_id
`

const securityHub = `
TimeGenerated datetime = h."time"
AwsAccountId string = h."account"
AwsSecurityFindingId string = h."id"
AwsSecurityFindingTitle string Title title
AwsSecurityFindingDescription string Description description
AwsSecurityFindingGeneratorId string GeneratorId generatorId
AwsSecurityFindingProductName string ProductName productName
AwsSecurityFindingCompanyName string CompanyName companyName
AwsSecurityFindingType dynamic Types types
AwsSecurityFindingSeverity string Severity.Label severity.label
AwsSecurityFindingSeverityNormalized int Severity.Normalized severity.normalized
AwsSecurityFindingComplianceStatus string Compliance.Status compliance.status
AwsSecurityFindingComplianceSecurityControlId string Compliance.SecurityControlId compliance.securityControlId
AwsSecurityFindingRegion string = h."region"
AwsSecurityFindingResources dynamic Resources resources
AwsSecurityFindingProductFields dynamic ProductFields productFields
AwsSecurityFindingWorkflowStatus string Workflow.Status workflow.status
AwsSecurityFindingRecordState string RecordState recordState
AwsSecurityFindingFirstObservedAt datetime FirstObservedAt firstObservedAt
AwsSecurityFindingLastObservedAt datetime LastObservedAt lastObservedAt
AwsSecurityFindingCreatedAt datetime CreatedAt createdAt
AwsSecurityFindingUpdatedAt datetime UpdatedAt updatedAt
AwsSecurityFindingRemediation dynamic Remediation remediation
`

// bucketTable is CloudTrail's data events of S3, in the names of Sentinel's older parser.
func bucketTable(name string) spec {
	return spec{name: name, title: "calls on objects in S3 buckets", system: "AWS", columns: bucketLogs,
		from: []feed{{format: "aws.cloudtrail", where: `h."service" = 's3.amazonaws.com'`}}}
}

const bucketLogs = `
TimeGenerated datetime = h."time"
EventTime datetime = h."time"
EventName string = h."action"
EventSource string = h."service"
EventVersion string eventVersion
AWSRegion string = h."region"
SourceIPAddress string = h."src_ip"
UserAgent string = h."user_agent"
ErrorCode string = h."error"
ErrorMessage string = h."error_message"
UserIdentityType string = h."identity_type"
UserIdentityArn string = CASE WHEN starts_with(h."actor_id", 'arn:') THEN h."actor_id" ELSE '' END
UserIdentityPrincipalId string = h."principal_id"
UserIdentityAccountId string userIdentity.accountId
UserIdentityUserName string userIdentity.userName
SessionUserName string userIdentity.sessionContext.sessionIssuer.userName
SessionMfaAuthenticated string = h."mfa"
BucketName string requestParameters.bucketName
Key string requestParameters.key
Host string requestParameters.Host
AuthenticationMethod string additionalEventData.AuthenticationMethod
SignatureVersion string additionalEventData.SignatureVersion
BytesTransferredIn long additionalEventData.bytesTransferredIn
BytesTransferredOut long additionalEventData.bytesTransferredOut
EventId string = h."id"
RecipientAccountId string = h."account"
`
