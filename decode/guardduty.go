package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a finding of Amazon GuardDuty: as an EventBridge event carries it and as it
// is exported to S3, and with capitalised names as the API answers.
const (
	gdARN = iota
	gdType
	gdID
	gdAccount
	gdService
	gdUpdated
	gdSeen
	gdCreated
	gdArchived
	gdSeverity
	gdResource
	gdInstance
	gdAccessKey
	// The fields below are read by the header only.
	gdRegion
	gdTitle
	gdText
	gdActorKind
	gdActorID
	gdActorName
	gdOthers
	gdIP
	gdDomain
	gdAction
)

var guardDuty = &Format{
	Name: "aws.guardduty",
	Fields: fieldList(true, []string{
		gdARN:       "arn",
		gdType:      "type",
		gdID:        "id",
		gdAccount:   "accountId",
		gdService:   "service.serviceName",
		gdUpdated:   "updatedAt",
		gdSeen:      "service.eventLastSeen",
		gdCreated:   "createdAt",
		gdArchived:  "service.archived",
		gdSeverity:  "severity",
		gdResource:  "resource.resourceType",
		gdInstance:  "resource.instanceDetails.instanceId",
		gdAccessKey: "resource.accessKeyDetails.accessKeyId",
		gdRegion:    "region",
		gdTitle:     "title",
		gdText:      "description",
		gdActorKind: "resource.accessKeyDetails.userType",
		gdActorID:   "resource.accessKeyDetails.principalId|resource.kubernetesDetails.kubernetesUserDetails.uid|resource.rdsDbUserDetails.user",
		gdActorName: "resource.accessKeyDetails.userName|resource.kubernetesDetails.kubernetesUserDetails.username",
		gdOthers: "resource.s3BucketDetails.arn|resource.eksClusterDetails.arn|resource.ecsClusterDetails.arn|resource.lambdaDetails.functionArn|" +
			"resource.rdsDbInstanceDetails.dbInstanceArn|resource.ebsVolumeDetails.scannedVolumeDetails.volumeArn|resource.containerDetails.id|" +
			"resource.kubernetesDetails.kubernetesWorkloadDetails.name",
		gdIP: "service.action.awsApiCallAction.remoteIpDetails.ipAddressV4|service.action.networkConnectionAction.remoteIpDetails.ipAddressV4|" +
			"service.action.portProbeAction.portProbeDetails.remoteIpDetails.ipAddressV4|service.action.kubernetesApiCallAction.remoteIpDetails.ipAddressV4|" +
			"service.action.rdsLoginAttemptAction.remoteIpDetails.ipAddressV4",
		gdDomain: "service.action.dnsRequestAction.domain",
		gdAction: "service.action.awsApiCallAction.api",
	}),
	Hot:    gdRegion,
	Is:     isGuardDuty,
	Key:    guardDutyKey,
	Time:   guardDutyTime,
	Header: guardDutyHeader,
	Alert:  guardDutyAlert,
}

// isGuardDuty: a type and an id with an ARN of GuardDuty, or with its name as the service.
func isGuardDuty(r *Record) bool {
	return r.has(gdType) && r.has(gdID) && r.has(gdSeverity) && r.has(gdAccount) &&
		(bytes.Contains(r.scalar(gdARN), []byte(":guardduty:")) || isAny(r.scalar(gdService), "guardduty"))
}

// scopeGuardDuty is the scope of alerts that GuardDuty named, whoever brings them.
const scopeGuardDuty = "aws.guardduty"

// ofGuardDuty says whether an id is the ARN of a finding of GuardDuty.
func ofGuardDuty(id string) bool {
	return strings.HasPrefix(id, "arn:") && strings.Contains(id, ":guardduty:") && strings.Contains(id, "/finding/")
}

// guardDutyTime is that of the version: a finding that goes on is the same finding, updated.
func guardDutyTime(r *Record) int64 {
	for _, i := range [...]int{gdUpdated, gdSeen, gdCreated} {
		if ns := nanos(r.scalar(i)); ns != 0 {
			return ns
		}
	}
	return 0
}

// guardDutyKey: id, accountId, time of the update in milliseconds, archived.
func guardDutyKey(r *Record) (yagura.Key, uint64, bool) {
	at := guardDutyTime(r)
	var k keyer
	k.start("aws.guardduty")
	k.part(r.scalar(gdID))
	k.part(r.scalar(gdAccount))
	k.number(at / 1e6)
	k.part(truth(r.scalar(gdArchived)))
	return k.sum(), contentHash(at, r.scalar(gdAccessKey), r.scalar(gdType), r.either(gdInstance, gdResource)), true
}

var yes, no = []byte("true"), []byte("false")

// truth is "true" or "false"; what is not true is false.
func truth(text []byte) []byte {
	if isAny(text, "true") {
		return yes
	}
	return no
}

func guardDutyHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(gdID)
	e.Time = timeOf(guardDutyTime(r))
	e.Account = r.str(gdAccount)
	e.Region = r.str(gdRegion)
	e.Action = r.str(gdType)
	if id := r.str(gdActorID, gdActorName); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(gdActorName)}
		switch {
		case isAny(r.scalar(gdActorKind), "AssumedRole", "FederatedUser"):
			e.Actor.Type = yagura.EntitySession
		case isAny(r.scalar(gdActorKind), "Role"):
			e.Actor.Type = yagura.EntityRole
		case isAny(r.scalar(gdActorKind), "AWSService"):
			e.Actor.Type = yagura.EntityServicePrincipal
		}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(gdInstance))
	for _, id := range r.texts(gdOthers) {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, id)
	}
	e.SrcIP = firstAddress(r, gdIP)
	finish(e, yagura.Entity{Type: yagura.EntityKey, ID: r.str(gdAccessKey)}, yagura.Entity{Type: yagura.EntityDomain, ID: r.str(gdDomain)})
}

func guardDutyAlert(r *Record) (Alert, bool) {
	a := Alert{Family: "guardduty", Scope: scopeGuardDuty, Rule: r.str(gdType), Title: r.str(gdTitle), Text: r.str(gdText), Original: r.str(gdSeverity), Key: r.str(gdARN, gdID), Severity: yagura.SeverityMedium}
	switch n, ok := decimal(r.scalar(gdSeverity)); {
	case !ok: // a word in its place
		if s := severityWord(r.scalar(gdSeverity)); s != 0 {
			a.Severity = s
		}
	case n >= 9:
		a.Severity = yagura.SeverityCritical
	case n >= 7:
		a.Severity = yagura.SeverityHigh
	case n < 4:
		a.Severity = yagura.SeverityLow
	}
	if a.Resolved = isAny(r.scalar(gdArchived), "true"); a.Resolved {
		a.State = "archived"
	}
	return a, true
}
