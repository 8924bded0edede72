package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a finding of AWS Security Hub in the AWS Security Finding Format (ASFF):
// alone, listed in an EventBridge event, as the API answers, or as somebody imports it.
const (
	shProduct = iota
	shGenerator
	shID
	shAccount
	shUpdated
	shObserved
	shCreated
	shRecordState
	shWorkflow
	shCompliance
	shLabel
	shNormalized
	// The fields below are read by the header only.
	shOldWorkflow
	shProviderLabel
	shOriginal
	shRegion
	shResourceRegion
	shTitle
	shText
	shTypes
	shControl
	shOldControl
	shResource
	shUser
	shIP
	shRemote
	shDirection
)

// guardDutyField is where a field of GuardDuty's action stands in a finding that GuardDuty
// sent to Security Hub: under one long name among the fields of the product.
func guardDutyField(name string) string {
	return "ProductFields.aws/guardduty/service/action/" + name
}

var securityHub = &Format{
	Name: "aws.securityhub",
	Fields: fieldList(false, []string{
		shProduct:        "ProductArn",
		shGenerator:      "GeneratorId",
		shID:             "Id",
		shAccount:        "AwsAccountId",
		shUpdated:        "UpdatedAt",
		shObserved:       "LastObservedAt",
		shCreated:        "CreatedAt",
		shRecordState:    "RecordState",
		shWorkflow:       "Workflow.Status",
		shCompliance:     "Compliance.Status",
		shLabel:          "Severity.Label",
		shNormalized:     "Severity.Normalized",
		shOldWorkflow:    "WorkflowState",
		shProviderLabel:  "FindingProviderFields.Severity.Label",
		shOriginal:       "Severity.Original|FindingProviderFields.Severity.Original",
		shRegion:         "Region",
		shResourceRegion: "Resources.Region",
		shTitle:          "Title",
		shText:           "Description",
		shTypes:          "Types|FindingProviderFields.Types",
		shControl:        "Compliance.SecurityControlId",
		shOldControl:     "ProductFields.ControlId|ProductFields.RuleId",
		shResource:       "Resources.Id",
		shUser:           "Resources.Details.AwsIamAccessKey.PrincipalName|Resources.Details.AwsIamAccessKey.UserName",
		shIP: "Action.AwsApiCallAction.RemoteIpDetails.IpAddressV4|Action.PortProbeAction.PortProbeDetails.RemoteIpDetails.IpAddressV4|" +
			guardDutyField("awsApiCallAction/remoteIpDetails/ipAddressV4") + "|" +
			guardDutyField("kubernetesApiCallAction/remoteIpDetails/ipAddressV4") + "|" +
			guardDutyField("portProbeAction/portProbeDetails:0/remoteIpDetails/ipAddressV4") + "|" +
			guardDutyField("rdsLoginAttemptAction/remoteIpDetails/ipAddressV4") + "|" +
			"Network.SourceIpV4|Network.SourceIpV6",
		shRemote: "Action.NetworkConnectionAction.RemoteIpDetails.IpAddressV4|" +
			guardDutyField("networkConnectionAction/remoteIpDetails/ipAddressV4"),
		shDirection: "Action.NetworkConnectionAction.ConnectionDirection|" +
			guardDutyField("networkConnectionAction/connectionDirection"),
	}),
	Hot:    shOldWorkflow,
	Is:     isSecurityHub,
	Key:    securityHubKey,
	Time:   securityHubTime,
	Header: securityHubHeader,
	Alert:  securityHubAlert,
	Says:   []int{shControl, shOldControl, shTypes, shGenerator, shTitle},
}

// isSecurityHub: the names of product, generator, account and finding. Where the product's ARN
// was made unreadable the state of the record tells.
func isSecurityHub(r *Record) bool {
	return (bytes.HasPrefix(r.scalar(shProduct), []byte("arn:")) || r.has(shProduct) && r.has(shRecordState)) && r.has(shGenerator) && r.has(shID) && r.has(shAccount)
}

// securityHubTime is that of the version.
func securityHubTime(r *Record) int64 {
	for _, i := range [...]int{shUpdated, shObserved, shCreated} {
		if ns := nanos(r.scalar(i)); ns != 0 {
			return ns
		}
	}
	return 0
}

// securityHubKey: Id, ProductArn, AwsAccountId, time of the update in milliseconds, and what
// customers change without an update: RecordState, Workflow.Status, Compliance.Status and
// the label of the severity.
func securityHubKey(r *Record) (yagura.Key, uint64, bool) {
	at := securityHubTime(r)
	var k keyer
	k.start("aws.securityhub")
	k.part(r.scalar(shID))
	k.part(r.scalar(shProduct))
	k.part(r.scalar(shAccount))
	k.number(at / 1e6)
	k.part(r.scalar(shRecordState))
	k.part(r.scalar(shWorkflow))
	k.part(r.scalar(shCompliance))
	k.part(r.scalar(shLabel))
	return k.sum(), contentHash(at, r.scalar(shAccount), r.scalar(shGenerator), r.scalar(shID), r.scalar(shCompliance)), true
}

func securityHubHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(shID)
	e.Time = timeOf(securityHubTime(r))
	e.Account = r.str(shAccount)
	e.Region = r.str(shRegion, shResourceRegion)
	if e.Region == "" {
		e.Region = arnRegion(r.str(shProduct))
	}
	e.Action = r.str(shTypes, shGenerator)
	if id := r.str(shUser); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: id}
	}
	for _, id := range r.texts(shResource) {
		typ := yagura.EntityResource
		if strings.HasPrefix(id, "arn:") {
			typ = arnType(id)
		}
		if account, ok := strings.CutPrefix(id, "AWS::::Account:"); ok {
			typ, id = yagura.EntityAccount, account
		}
		e.Targets = addEntity(e.Targets, typ, id)
	}
	e.SrcIP = firstAddress(r, shIP)
	if remote := firstAddress(r, shRemote); isAny(r.scalar(shDirection), "OUTBOUND", "OUT") {
		e.Targets = addEntity(e.Targets, yagura.EntityIP, remote)
	} else if remote != "" {
		e.SrcIP = remote
	}
	if c := r.scalar(shCompliance); isAny(c, "PASSED") {
		e.Outcome = yagura.OutcomeSuccess
	} else if isAny(c, "FAILED") {
		e.Outcome = yagura.OutcomeFailure
	}
	finish(e)
}

// arnRegion is the fourth part of an ARN.
func arnRegion(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[3]
	}
	return ""
}

func securityHubAlert(r *Record) (Alert, bool) {
	a := Alert{Family: "securityhub", Scope: "aws.securityhub", Title: r.str(shTitle), Text: r.str(shText), Key: r.str(shID)}
	if ofGuardDuty(a.Key) {
		a.Scope = scopeGuardDuty // so that it is one issue with what GuardDuty itself sends
		a.Rule = r.str(shTypes, shGenerator)
	} else {
		a.Rule = r.str(shControl, shOldControl, shGenerator, shTypes)
	}
	switch product := r.scalar(shProduct); { // likewise
	case ofInspector(a.Key):
		a.Scope = scopeInspector
	case bytes.HasSuffix(product, []byte("product/aws/macie")):
		a.Scope = scopeMacie
	}
	label := r.either(shLabel, shProviderLabel)
	a.Severity = severityWord(label)
	if a.Original = r.str(shLabel, shProviderLabel); a.Original == "" {
		a.Original = r.str(shOriginal, shNormalized)
	}
	if a.Severity == 0 {
		a.Severity = normalized(r.scalar(shNormalized))
	}
	compliance := r.scalar(shCompliance)
	a.Posture = len(compliance) > 0 || bytes.HasPrefix(r.scalar(shTypes), []byte("Software and Configuration Checks"))
	switch {
	case isAny(r.scalar(shRecordState), "ARCHIVED"):
		a.Resolved, a.State = true, "RecordState ARCHIVED"
	case isAny(r.either(shWorkflow, shOldWorkflow), "RESOLVED"):
		a.Resolved, a.State = true, "Workflow RESOLVED"
	case isAny(compliance, "PASSED"):
		a.Resolved, a.State = true, "Compliance PASSED"
	case isAny(compliance, "NOT_AVAILABLE"):
		a.Severity, a.State = yagura.SeverityNone, "Compliance NOT_AVAILABLE"
	case isAny(r.scalar(shWorkflow), "SUPPRESSED"):
		a.Severity, a.State = yagura.SeverityNone, "Workflow SUPPRESSED"
	}
	return a, true
}

// normalized reads the older scale of 0 to 100; what is no number is medium.
func normalized(text []byte) yagura.Severity {
	switch n, ok := decimal(text); {
	case !ok:
		return yagura.SeverityMedium
	case n >= 90:
		return yagura.SeverityCritical
	case n >= 70:
		return yagura.SeverityHigh
	case n >= 40:
		return yagura.SeverityMedium
	case n >= 1:
		return yagura.SeverityLow
	}
	return yagura.SeverityNone
}
