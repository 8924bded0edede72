package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of what AWS Config says of resources: a configuration item, alone (files of
// history and snapshots, the API's answers and queries) or in a notification of its change,
// and the notification that a rule judges a resource otherwise than before. Files write ARN
// and awsAccountId, the API arn and accountId.
const (
	cfMessage = iota
	cfCapture
	acStatus
	cfStateID
	cfType
	cfResource
	cfAccount
	cfRegion
	cfARN
	cfConfiguration
	cfNotified
	cfRule
	cfRuleARN
	cfCompliance
	cfRecorded
	// The fields below are read by the header only.
	cfName
	cfAnnotation
	cfVPC
)

var awsConfig = &Format{
	Name: "aws.config",
	Fields: fieldList(true, []string{
		cfMessage:       "messageType",
		cfCapture:       inItem("configurationItemCaptureTime"),
		acStatus:        inItem("configurationItemStatus"),
		cfStateID:       inItem("configurationStateId"),
		cfType:          inItem("resourceType") + "|newEvaluationResult.evaluationResultIdentifier.evaluationResultQualifier.resourceType|evaluationResultIdentifier.evaluationResultQualifier.resourceType",
		cfResource:      inItem("resourceId") + "|newEvaluationResult.evaluationResultIdentifier.evaluationResultQualifier.resourceId|evaluationResultIdentifier.evaluationResultQualifier.resourceId",
		cfAccount:       inItem("awsAccountId") + "|accountId",
		cfRegion:        inItem("awsRegion"),
		cfARN:           inItem("ARN"),
		cfConfiguration: "configuration|configurationItem.configuration",
		cfNotified:      "notificationCreationTime",
		cfRule:          "configRuleName|newEvaluationResult.evaluationResultIdentifier.evaluationResultQualifier.configRuleName|evaluationResultIdentifier.evaluationResultQualifier.configRuleName",
		cfRuleARN:       "configRuleARN|configRuleInfo.configRuleArn",
		cfCompliance:    "newEvaluationResult.complianceType|complianceType",
		cfRecorded:      "newEvaluationResult.resultRecordedTime|resultRecordedTime",
		cfName:          inItem("resourceName"),
		cfAnnotation:    "newEvaluationResult.annotation|annotation",
		cfVPC:           "configuration.vpcId|configurationItem.configuration.vpcId",
	}),
	Hot:    cfName,
	Is:     isAWSConfig,
	Key:    awsConfigKey,
	Time:   awsConfigTime,
	Header: awsConfigHeader,
	Alert:  awsConfigAlert,
	Says:   []int{cfRule},
}

// inItem lists the paths of a field of a configuration item.
func inItem(name string) string {
	return name + "|configurationItem." + name + "|configurationItemSummary." + name
}

// isAWSConfig: the type and id of a resource with what only Config says of them, or a
// notification that a rule judges one.
func isAWSConfig(r *Record) bool {
	if !r.has(cfType) || !r.has(cfResource) || !bytes.Contains(r.scalar(cfType), []byte("::")) {
		return false
	}
	if r.isCompliance() {
		return r.has(cfRule)
	}
	// A query answers with the columns that it was asked for.
	return r.has(acStatus) || r.has(cfStateID) || r.has(cfConfiguration) || r.has(cfCapture) && r.has(cfARN)
}

// isCompliance says whether the record is a rule's judgement: its notification, or what
// get-compliance-details-by-config-rule answers.
func (r *Record) isCompliance() bool {
	return isAny(r.scalar(cfMessage), "ComplianceChangeNotification") || !r.has(cfMessage) && r.has(cfCompliance) && r.has(cfRule)
}

func awsConfigTime(r *Record) int64 {
	return timeIn(r, cfRecorded, cfCapture, cfNotified)
}

// awsConfigKey: of an item resourceType, resourceId, account, region, time of the capture in
// milliseconds, configurationStateId, and whether the configuration is there (what is too
// long for a notification comes whole in the history); of a judgement the rule's ARN or
// name, resourceType, resourceId, account, region, time and complianceType. An item is the
// same in a notification, the history, a snapshot and the API's answer.
func awsConfigKey(r *Record) (yagura.Key, uint64, bool) {
	at := awsConfigTime(r)
	var k keyer
	k.start("aws.config")
	if r.isCompliance() {
		k.part(r.either(cfRuleARN, cfRule))
		k.part(r.scalar(cfCompliance))
	} else {
		k.part(r.scalar(cfStateID))
		k.part(truthOf(r.has(cfConfiguration)))
	}
	k.part(r.scalar(cfType))
	k.part(r.scalar(cfResource))
	k.part(r.scalar(cfAccount))
	k.part(r.scalar(cfRegion))
	k.number(at / 1e6)
	return k.sum(), contentHash(at, r.scalar(cfRule), r.scalar(cfType), r.scalar(cfResource), r.either(cfCompliance, acStatus)), at != 0
}

func truthOf(b bool) []byte {
	if b {
		return yes
	}
	return no
}

func awsConfigHeader(r *Record, e *yagura.Event) {
	e.Time = timeOf(awsConfigTime(r))
	e.Account = r.str(cfAccount)
	e.Region = r.str(cfRegion)
	arn := r.str(cfARN)
	if e.Account == "" {
		e.Account = arnAccount(arn)
	}
	if rule := r.str(cfRuleARN); r.isCompliance() && e.Account == "" {
		e.Account = arnAccount(rule)
		e.Region = arnRegion(rule)
	}
	if arn != "" {
		e.Targets = addEntity(e.Targets, arnType(arn), arn)
	}
	id := r.str(cfResource)
	if strings.HasPrefix(id, "arn:") {
		e.Targets = addEntity(e.Targets, arnType(id), id)
	} else {
		e.Targets = addNamed(e.Targets, configType(r.str(cfType)), id)
	}
	var more []yagura.Entity
	if r.isCompliance() {
		e.Action = r.str(cfRule)
		switch c := r.scalar(cfCompliance); {
		case isAny(c, "COMPLIANT"):
			e.Outcome = yagura.OutcomeSuccess
		case isAny(c, "NON_COMPLIANT"):
			e.Outcome = yagura.OutcomeFailure
		}
		finish(e)
		return
	}
	e.ID = r.str(cfStateID)
	e.Action = strings.TrimSpace(r.str(cfType) + " " + r.str(acStatus))
	if name := r.str(cfName); name != "" && name != id {
		e.Targets = addNamed(e.Targets, configType(r.str(cfType)), name)
	}
	more = append(more, yagura.Entity{Type: yagura.EntityResource, ID: r.str(cfVPC)})
	finish(e, more...)
}

// configType names the entity type of a type of resource.
func configType(typ string) string {
	switch typ {
	case "AWS::EC2::Instance", "AWS::SSM::ManagedInstanceInventory":
		return yagura.EntityHost
	case "AWS::IAM::User":
		return yagura.EntityUser
	case "AWS::IAM::Role":
		return yagura.EntityRole
	case "AWS::::Account":
		return yagura.EntityAccount
	}
	return yagura.EntityResource
}

// awsConfigAlert reads the judgement of a rule; a configuration item is no alert.
func awsConfigAlert(r *Record) (Alert, bool) {
	if !r.isCompliance() {
		return Alert{}, false
	}
	rule, typ, id, compliance := r.str(cfRule), r.str(cfType), r.str(cfResource), r.str(cfCompliance)
	name := r.str(cfRuleARN)
	if name == "" {
		name = r.str(cfRegion) + "/" + rule
	}
	a := Alert{Family: "config", Scope: "aws.config", Rule: rule, Key: name + " " + typ + " " + id, Posture: true, Severity: yagura.SeverityMedium,
		Title: rule + ": " + typ + " " + id, Text: r.str(cfAnnotation)}
	if strings.Contains(name, "/securityhub.amazonaws.com/") {
		a.Severity = yagura.SeverityLow // a rule of Security Hub, which says its own level of what it finds
	}
	switch {
	case isAny([]byte(compliance), "COMPLIANT", "NOT_APPLICABLE"):
		a.Resolved, a.State = true, "compliance "+compliance
	case !isAny([]byte(compliance), "NON_COMPLIANT"): // INSUFFICIENT_DATA, or the rule or resource is gone
		if compliance == "" {
			a.Resolved, a.State = true, "no judgement"
			break
		}
		a.Severity, a.State = yagura.SeverityNone, "compliance "+compliance
	}
	return a, true
}
