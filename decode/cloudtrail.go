package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// Header fields of AWS CloudTrail. The names are those of the "CloudTrail record
// contents" page of the AWS documentation.
const (
	ctEventVersion = iota
	ctEventName
	ctEventSource
	ctEventID
	ctRecipientAccount
	ctEventTime
	ctRegion
	ctUserType
	ctUserARN
	ctPrincipalID
	ctUserAccount
	ctInvokedBy
	ctErrorCode
	ctErrorMessage
	ctInsightState
	ctInsightName
	ctTargetARN
	ctTargetUser
	ctTargetRole
	ctTargetHost
	ctTargetKey
	ctTargetAccount
	ctTargetNamed
	// The fields below are read by the header only.
	ctUserName
	ctAccessKey
	ctIssuerARN
	ctOnBehalfOf
	ctSourceIdentity
	ctSourceIP
	ctSignIn
	ctServiceSignIn
	ctVpcEndpoint
	ctVpcEndpointAccount
	ctMadeSession
	ctMadeKey
	ctResourceAccount
	ctInsightIdentity
	ctCenterUser
	ctInScopeOf
)

var cloudTrailFields = fieldList(false, []string{
	ctEventVersion:     "eventVersion",
	ctEventName:        "eventName",
	ctEventSource:      "eventSource",
	ctEventID:          "eventID",
	ctRecipientAccount: "recipientAccountId",
	ctEventTime:        "eventTime",
	ctRegion:           "awsRegion",
	ctUserType:         "userIdentity.type",
	ctUserARN:          "userIdentity.arn",
	ctPrincipalID:      "userIdentity.principalId",
	ctUserAccount:      "userIdentity.accountId",
	ctInvokedBy:        "userIdentity.invokedBy",
	ctErrorCode:        "errorCode",
	ctErrorMessage:     "errorMessage",
	ctInsightState:     "insightDetails.state",
	ctInsightName:      "insightDetails.eventName",
	ctTargetARN: "resources.ARN|responseElements.user.arn|responseElements.role.arn|" +
		"responseElements.group.arn|responseElements.policy.arn|responseElements.trailARN|" +
		"responseElements.keyMetadata.arn|responseElements.functionArn|responseElements.topicArn|" +
		"responseElements.instanceProfile.arn|responseElements.virtualMFADevice.serialNumber|" +
		"responseElements.loadBalancers.loadBalancerArn|responseElements.targetGroups.targetGroupArn|" +
		"responseElements.listeners.listenerArn|responseElements.trustAnchor.trustAnchorArn|" +
		"responseElements.stackId|responseElements.dBInstanceArn|responseElements.dBClusterArn|" +
		"responseElements.globalClusterArn|responseElements.resolverQueryLogConfig.arn",
	ctTargetUser: "requestParameters.userName",
	ctTargetRole: "requestParameters.roleName|requestParameters.roleArn|requestParameters.role",
	ctTargetHost: "requestParameters.instanceId|requestParameters.instancesSet.items.instanceId|" +
		"requestParameters.instanceIds|requestParameters.target|requestParameters.targets.values|" +
		"requestParameters.ModifyInstanceMetadataOptionsRequest.InstanceId|" +
		"requestParameters.AssociateIamInstanceProfileRequest.InstanceId|" +
		"responseElements.instancesSet.items.instanceId",
	ctTargetKey:     "requestParameters.accessKeyId|responseElements.accessKey.accessKeyId",
	ctTargetAccount: "requestParameters.accountId|responseElements.createAccountStatus.accountId",
	ctTargetNamed: requestNames("groupName", "groupId", "policyArn", "policyName", "bucketName", "keyId", "name",
		"names", "trailName", "trailARN", "functionName", "layerName", "secretId", "secretIdList", "tableName",
		"dBInstanceIdentifier", "dBClusterIdentifier", "dBSnapshotIdentifier", "dBClusterSnapshotIdentifier",
		"snapshotId", "imageId", "volumeId", "vpcId", "allocationId", "loadBalancerArn", "loadBalancerName",
		"targetGroupArn", "listenerArn", "topicArn", "queueUrl", "logGroupName", "logStreamName", "detectorId",
		"hostedZoneId", "instanceProfileName", "serialNumber", "resourceArn", "resourceARN", "resourceId",
		"stackName", "clusterName", "cluster", "repositoryName", "restApiId", "distributionId", "fileSystemId",
		"domainName", "keyName", "networkAclId", "routeTableId", "internetGatewayId", "subnetId", "workGroup",
		"sAMLProviderArn", "openIDConnectProviderArn", "configRuleName", "configurationRecorderName",
		"deliveryChannelName", "modelId", "trustAnchorId", "identityPoolId", "userPoolId", "streamName",
		"resourceArns", "documentName", "publicIp", "networkInterfaceId", "id", "sessionId", "alarmNames",
		"stackSetName", "mountTargetId", "globalClusterIdentifier", "resolverQueryLogConfigId",
		"securityGroupRuleIds.items", "ReplicationConfiguration.Rule.Destination.Bucket",
		"resource", "resourceIdentifier", "policyId", "targetId", "organizationalUnitId", "permissionSetArn", "userId",
		"webACLArn", "webACLId", "ruleGroupArn", "firewallArn", "firewallName", "firewallPolicyArn", "analyzerName",
		"graphArn", "aliasName", "certificateArn", "clusterIdentifier", "cacheClusterId", "replicationGroupId",
		"backupVaultName", "recoveryPointArn", "projectName", "stateMachineArn", "taskDefinition", "nodegroupName",
		"notebookInstanceName", "endpointName", "deliveryStreamName", "eventBusName", "apiId", "natGatewayId",
		"launchTemplateId", "launchTemplateName", "transitGatewayId", "meshName", "jobName", "databaseName",
		"emailIdentity", "identity", "CreateFlowLogsRequest.ResourceId.content", "CreateVpcEndpointRequest.VpcId",
		"ModifyVpcEndpointRequest.VpcEndpointId", "DeleteVpcEndpointsRequest.VpcEndpointId.content",
		"CreateLaunchTemplateVersionRequest.LaunchTemplateId", "CreateLaunchTemplateRequest.LaunchTemplateName",
		"DeleteTransitGatewayVpcAttachmentRequest.TransitGatewayAttachmentId") +
		"|requestParameters.DescribeFlowLogsRequest.FlowLogId|requestParameters.DeleteFlowLogsRequest.FlowLogId.content" +
		"|responseElements.groupId|responseElements.allocationId|responseElements.stackSetId|responseElements.detectorId" +
		"|responseElements.volumeId|responseElements.snapshotId|responseElements.imageId|responseElements.jobArn" +
		"|responseElements.distribution.id|responseElements.cluster.clusterId|responseElements.vpc.vpcId" +
		"|responseElements.securityGroupRuleSet.items.securityGroupRuleId" +
		"|responseElements.CreateTrafficMirrorFilterResponse.trafficMirrorFilter.trafficMirrorFilterId" +
		"|responseElements.CreateTrafficMirrorFilterRuleResponse.trafficMirrorFilterRule.trafficMirrorFilterRuleId" +
		"|responseElements.CreateTrafficMirrorSessionResponse.trafficMirrorSession.trafficMirrorSessionId" +
		"|responseElements.CreateTrafficMirrorTargetResponse.trafficMirrorTarget.trafficMirrorTargetId",

	ctUserName:           "userIdentity.userName",
	ctAccessKey:          "userIdentity.accessKeyId",
	ctIssuerARN:          "userIdentity.sessionContext.sessionIssuer.arn",
	ctOnBehalfOf:         "userIdentity.onBehalfOf.userId",
	ctSourceIdentity:     "userIdentity.sessionContext.sourceIdentity",
	ctSourceIP:           "sourceIPAddress",
	ctSignIn:             "responseElements.ConsoleLogin|responseElements.CheckMfa|responseElements.SwitchRole|responseElements.ExitRole|responseElements.RenewRole|responseElements.PasswordRecoveryRequested|responseElements.PasswordRecoveryCompleted|responseElements.PasswordUpdated|responseElements.GetSigninToken",
	ctServiceSignIn:      "serviceEventDetails.UserAuthentication|serviceEventDetails.CredentialChallenge|serviceEventDetails.CredentialVerification",
	ctVpcEndpoint:        "vpcEndpointId",
	ctVpcEndpointAccount: "vpcEndpointAccountId",
	ctMadeSession:        "responseElements.assumedRoleUser.arn|responseElements.federatedUser.arn",
	ctMadeKey:            "responseElements.credentials.accessKeyId",
	ctResourceAccount:    "resources.accountId|userIdentity.invokedByDelegate.accountId",
	ctCenterUser:         "additionalEventData.UserName",
	ctInScopeOf:          "userIdentity.inScopeOf.sourceArn|userIdentity.inScopeOf.credentialsIssuedTo",
	ctInsightIdentity:    "insightDetails.insightContext.attributions.insight.value",
})

// requestNames lists the paths of request parameters.
func requestNames(names ...string) string {
	return "requestParameters." + strings.Join(names, "|requestParameters.")
}

// cloudTrail is AWS CloudTrail: management, data, network activity and Insights
// events. Key: eventID, account (recipientAccountId, or else
// userIdentity.accountId) and, for Insights, insightDetails.state, because the
// start and the end of an insight are delivered under ids of their own kind.
var cloudTrail = &Format{
	Name: "aws.cloudtrail",
	Detail: detailList(false, "service=eventSource", "user_agent=userAgent", "access_key=userIdentity.accessKeyId", "error=errorCode", "src_host=sourceIPAddress",
		"event_type=eventType", "read_only=readOnly", "principal_id=userIdentity.principalId", "identity_type=userIdentity.type", "error_message=errorMessage",
		"issuer_arn=userIdentity.sessionContext.sessionIssuer.arn", "mfa=userIdentity.sessionContext.attributes.mfaAuthenticated|additionalEventData.MFAUsed", "category=eventCategory"),
	Fields: cloudTrailFields,
	Hot:    ctUserName,
	Is:     isCloudTrail,
	Key:    cloudTrailKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(ctEventTime)) },
	Header: cloudTrailHeader,
	Also:   cloudTrailAlso,
}

// isCloudTrail asks for the name and service of an API call together with one of
// the fields that only CloudTrail has, or for the details of an insight. The name may
// be empty where the version of CloudTrail's format is given. Messages of
// S3, Kinesis and others to Lambda have a name and a source too, which starts with "aws:".
func isCloudTrail(r *Record) bool {
	named := r.has(ctEventName) || r.has(ctEventVersion) && r.First(ctEventName) >= 0
	if named && r.has(ctEventSource) {
		source := r.scalar(ctEventSource)
		return !bytes.HasPrefix(source, []byte("aws:")) && (r.has(ctEventVersion) || r.has(ctRegion) || r.has(ctUserType) || r.has(ctUserARN) ||
			r.has(ctPrincipalID) || r.has(ctRecipientAccount) || bytes.HasSuffix(source, []byte(".amazonaws.com")))
	}
	return r.has(ctInsightState) && (r.has(ctEventVersion) || r.has(ctEventID))
}

// cloudTrailAlso says of an empty errorCode, which exports with a column for every field
// write of a call that went well, that it is null as well: a rule asks for null where it
// means success. The empty text stays for rules that ask for it.
func cloudTrailAlso(r *Record) []byte {
	if r.First(ctErrorCode) < 0 || r.kind(ctErrorCode) != slot.String || r.has(ctErrorCode) {
		return nil
	}
	return []byte(`"errorCode":null`)
}

func cloudTrailKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(nanos(r.scalar(ctEventTime)),
		r.either(ctUserARN, ctPrincipalID, ctInvokedBy, ctUserAccount),
		r.scalar(ctEventSource), r.either(ctEventName, ctInsightName),
		r.either(ctTargetARN, ctTargetUser, ctTargetRole, ctTargetHost, ctTargetKey, ctTargetNamed),
		r.scalar(ctErrorCode))
	id := r.scalar(ctEventID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("aws.cloudtrail")
	k.part(id)
	k.part(r.either(ctRecipientAccount, ctUserAccount))
	k.part(r.scalar(ctInsightState))
	return k.sum(), content, true
}

func cloudTrailHeader(r *Record, e *yagura.Event) {
	e.ID = string(r.scalar(ctEventID)) // every record has another: no word to keep
	e.Time = timeOf(nanos(r.scalar(ctEventTime)))
	e.Account = r.str(ctRecipientAccount, ctUserAccount)
	e.Region = r.str(ctRegion)
	e.Action = r.str(ctEventName, ctInsightName)
	e.Actor = cloudTrailActor(r)
	e.Outcome = cloudTrailOutcome(r)
	if e.Account == "" {
		e.Account = arnAccount(r.str(ctUserARN))
	}

	for v := r.First(ctTargetARN); v >= 0; v = r.Doc.Next(v) {
		arn := r.word(v)
		e.Targets = addEntity(e.Targets, arnType(arn), arn)
	}
	for _, named := range [...]struct {
		field int
		typ   string
	}{
		{ctTargetUser, yagura.EntityUser}, {ctTargetRole, yagura.EntityRole}, {ctTargetHost, yagura.EntityHost},
		{ctTargetKey, yagura.EntityKey}, {ctTargetAccount, yagura.EntityAccount}, {ctTargetNamed, yagura.EntityResource},
	} {
		for v := r.First(named.field); v >= 0; v = r.Doc.Next(v) {
			name, typ := r.word(v), named.typ
			switch {
			case name == "*": // every machine: the account
				continue
			case strings.HasPrefix(name, "arn:"):
				typ = arnType(name)
			case typ == yagura.EntityHost && !strings.HasPrefix(name, "i-") && !strings.HasPrefix(name, "mi-"):
				typ = yagura.EntityResource
			}
			e.Targets = addNamed(e.Targets, typ, name)
		}
	}

	var room [8]yagura.Entity
	more := room[:0]
	add := func(typ, id string) {
		if id != "" {
			more = append(more, yagura.Entity{Type: typ, ID: id})
		}
	}
	add(arnType(e.Actor.SessionOf), e.Actor.SessionOf)
	add(yagura.EntityUser, r.str(ctSourceIdentity)) // who took the role, whatever roles came after it
	add(yagura.EntityUser, r.str(ctOnBehalfOf))
	add(yagura.EntityKey, r.str(ctAccessKey))
	add(yagura.EntityServicePrincipal, r.str(ctInvokedBy))
	for v := r.First(ctInScopeOf); v >= 0; v = r.Doc.Next(v) { // the function or machine that the credentials were made for
		arn := r.word(v)
		add(arnType(arn), arn)
	}
	for v := r.First(ctMadeSession); v >= 0; v = r.Doc.Next(v) {
		add(yagura.EntitySession, r.word(v))
	}
	for v := r.First(ctMadeKey); v >= 0; v = r.Doc.Next(v) {
		add(yagura.EntityKey, r.word(v))
	}
	if r.has(ctInsightState) {
		for v := r.First(ctInsightIdentity); v >= 0; v = r.Doc.Next(v) {
			if arn := r.word(v); strings.HasPrefix(arn, "arn:") {
				add(arnType(arn), arn)
			}
		}
	}
	source := r.str(ctSourceIP)
	if e.SrcIP = address(source); e.SrcIP == "" && strings.IndexByte(source, '.') > 0 {
		add(yagura.EntityDomain, source) // a call that an AWS service made
	}
	add(yagura.EntityResource, r.str(ctVpcEndpoint))
	add(yagura.EntityAccount, r.str(ctVpcEndpointAccount))
	add(yagura.EntityAccount, r.str(ctUserAccount))
	for v := r.First(ctResourceAccount); v >= 0; v = r.Doc.Next(v) {
		add(yagura.EntityAccount, r.word(v))
	}
	finish(e, more...)
}

// cloudTrailActor reads userIdentity. Its types are those of the "CloudTrail
// userIdentity element" page of the AWS documentation.
func cloudTrailActor(r *Record) yagura.Actor {
	arn, name := r.str(ctUserARN), r.str(ctUserName)
	principal, account, invokedBy := r.str(ctPrincipalID), r.str(ctUserAccount), r.str(ctInvokedBy)
	first := func(ids ...string) string {
		for _, id := range ids {
			if id != "" {
				return id
			}
		}
		return ""
	}
	switch r.str(ctUserType) {
	case "IAMUser":
		return yagura.Actor{Type: yagura.EntityUser, ID: first(arn, principal, name, account), Name: first(name, lastPart(arn))}
	case "Root":
		return yagura.Actor{Type: yagura.EntityUser, ID: first(arn, principal, account), Name: first(name, "root")}
	case "AssumedRole", "FederatedUser":
		session := lastPart(arn)
		if arn == "" {
			_, session, _ = strings.Cut(principal, ":")
		}
		return yagura.Actor{Type: yagura.EntitySession, ID: first(arn, principal, account), Name: first(session, name),
			SessionOf: r.str(ctIssuerARN)}
	case "Role":
		return yagura.Actor{Type: yagura.EntityRole, ID: first(arn, principal, account), Name: first(name, lastPart(arn))}
	case "SAMLUser", "WebIdentityUser":
		return yagura.Actor{Type: yagura.EntityUser, ID: first(arn, principal, name, account), Name: name}
	case "IdentityCenterUser":
		user := r.str(ctOnBehalfOf)
		return yagura.Actor{Type: yagura.EntityUser, ID: first(arn, user, principal, account), Name: first(name, r.str(ctCenterUser))}
	case "AWSService":
		return yagura.Actor{Type: yagura.EntityServicePrincipal, ID: first(invokedBy, principal, arn), Name: invokedBy}
	case "AWSAccount":
		if arn != "" {
			return yagura.Actor{Type: arnType(arn), ID: arn, Name: first(name, lastPart(arn))}
		}
		return yagura.Actor{Type: yagura.EntityAccount, ID: first(account, principal), Name: principal}
	}
	switch {
	case strings.HasPrefix(arn, "arn:"):
		return yagura.Actor{Type: arnType(arn), ID: arn, Name: first(name, lastPart(arn)), SessionOf: r.str(ctIssuerARN)}
	case arn != "" || principal != "" || name != "":
		return yagura.Actor{Type: yagura.EntityUser, ID: first(arn, principal, name), Name: name}
	case invokedBy != "":
		return yagura.Actor{Type: yagura.EntityServicePrincipal, ID: invokedBy, Name: invokedBy}
	case account != "":
		return yagura.Actor{Type: yagura.EntityAccount, ID: account}
	}
	return yagura.Actor{}
}

// cloudTrailOutcome: an error code or message is a failure; sign-in events say it in
// responseElements or serviceEventDetails; an insight is neither.
func cloudTrailOutcome(r *Record) string {
	if r.scalar(ctErrorCode) != nil || r.scalar(ctErrorMessage) != nil {
		return yagura.OutcomeFailure
	}
	if r.has(ctInsightState) {
		return yagura.OutcomeUnknown
	}
	if said := r.either(ctSignIn, ctServiceSignIn); isAny(said, "failure", "failed", "denied") {
		return yagura.OutcomeFailure
	}
	return yagura.OutcomeSuccess
}

// arnType names the entity type of an ARN: users, roles, sessions and accounts by
// what IAM and STS call them, instances as hosts, everything else a resource.
func arnType(arn string) string {
	service, _, resource, ok := splitARN(arn)
	if !ok {
		return yagura.EntityResource
	}
	kind, _, _ := strings.Cut(resource, "/")
	switch service {
	case "iam":
		switch kind {
		case "user", "root":
			return yagura.EntityUser
		case "role":
			return yagura.EntityRole
		}
	case "sts":
		if kind == "assumed-role" || kind == "federated-user" {
			return yagura.EntitySession
		}
	case "ec2":
		if kind == "instance" {
			return yagura.EntityHost
		}
	}
	return yagura.EntityResource
}

// arnAccount returns the account in an ARN.
func arnAccount(arn string) string {
	_, account, _, _ := splitARN(arn)
	return account
}

// splitARN cuts arn:partition:service:region:account:resource; ok is false for what
// has fewer parts.
func splitARN(arn string) (service, account, resource string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "arn:")
	if !ok {
		return "", "", "", false
	}
	_, rest, _ = strings.Cut(rest, ":")
	service, rest, _ = strings.Cut(rest, ":")
	_, rest, _ = strings.Cut(rest, ":")
	if account, resource, ok = strings.Cut(rest, ":"); !ok {
		return "", "", "", false
	}
	return service, account, resource, true
}

// lastPart returns what stands after the last slash.
func lastPart(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
