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
	gdDirection
	gdLocal
)

var guardDuty = &Format{
	Name: "aws.guardduty",
	Detail: detailList(true, "service=service.serviceName", "access_key=resource.accessKeyDetails.accessKeyId", "finding_type=type", "severity=severity", "title=title",
		"resource_type=resource.resourceType", "count=service.count", "archived=service.archived"),
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
		gdAccessKey: "resource.accessKeyDetails.accessKeyId|" + inSequence("actors.user.credentialUid"),
		gdRegion:    "region",
		gdTitle:     "title",
		gdText:      "description",
		gdActorKind: "resource.accessKeyDetails.userType|" + inSequence("actors.user.type"),
		gdActorID:   "resource.accessKeyDetails.principalId|resource.kubernetesDetails.kubernetesUserDetails.uid|resource.rdsDbUserDetails.user|" + inSequence("actors.user.uid"),
		gdActorName: "resource.accessKeyDetails.userName|resource.kubernetesDetails.kubernetesUserDetails.username|" + inSequence("actors.user.name"),
		gdOthers: "resource.s3BucketDetails.arn|resource.s3BucketDetails.s3ObjectDetails.objectArn|resource.eksClusterDetails.arn|resource.ecsClusterDetails.arn|resource.lambdaDetails.functionArn|" +
			"resource.rdsDbInstanceDetails.dbInstanceArn|resource.ebsVolumeDetails.scannedVolumeDetails.volumeArn|resource.containerDetails.id|" +
			"resource.kubernetesDetails.kubernetesWorkloadDetails.name|" + inSequence("resources.uid"),
		gdIP: remoteAddress("awsApiCallAction", "networkConnectionAction", "portProbeAction.portProbeDetails", "kubernetesApiCallAction", "rdsLoginAttemptAction") +
			"|service.action.kubernetesApiCallAction.sourceIPs|" + inSequence("endpoints.ip"),
		gdDomain:    "service.action.dnsRequestAction.domain",
		gdAction:    "service.action.awsApiCallAction.api",
		gdDirection: "service.action.networkConnectionAction.connectionDirection",
		gdLocal:     "service.action.networkConnectionAction.localIpDetails.ipAddressV4|service.action.networkConnectionAction.localIpDetails.ipAddressV6",
	}),
	Hot:    gdRegion,
	Is:     isGuardDuty,
	Key:    guardDutyKey,
	Time:   guardDutyTime,
	Header: guardDutyHeader,
	Alert:  guardDutyAlert,
	Says:   []int{gdType, gdTitle},
}

// inSequence is the path of a part of an attack sequence, the findings of which tell several
// actors, addresses and resources; the first is the actor and the source.
func inSequence(path string) string { return "service.detection.sequence." + path }

// remoteAddress lists the paths of the other side's address in actions of these kinds.
func remoteAddress(actions ...string) string {
	var paths []string
	for _, a := range actions {
		paths = append(paths, "service.action."+a+".remoteIpDetails.ipAddressV4", "service.action."+a+".remoteIpDetails.ipAddressV6")
	}
	return strings.Join(paths, "|")
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
	for _, id := range r.few(gdOthers) {
		e.Targets = addEntity(e.Targets, arnType(id), id)
	}
	if isAny(r.scalar(gdResource), "AccessKey") { // the key is what the finding is about
		e.Targets = addEntity(e.Targets, yagura.EntityKey, r.str(gdAccessKey))
	}
	var more []yagura.Entity
	for _, ip := range r.few(gdIP) {
		more = append(more, yagura.Entity{Type: yagura.EntityIP, ID: address(ip)})
	}
	e.SrcIP = firstAddress(r, gdIP)
	if isAny(r.scalar(gdDirection), "OUTBOUND") { // the machine is the source, the other side its target
		e.Targets = addEntity(e.Targets, yagura.EntityIP, e.SrcIP)
		e.SrcIP = firstAddress(r, gdLocal)
	}
	if ids := r.few(gdActorID); len(ids) > 1 { // the others of a sequence
		for _, id := range ids[1:] {
			more = append(more, yagura.Entity{Type: yagura.EntityUser, ID: id})
		}
	}
	for _, id := range r.few(gdAccessKey) {
		more = append(more, yagura.Entity{Type: yagura.EntityKey, ID: id})
	}
	finish(e, append(more, yagura.Entity{Type: yagura.EntityDomain, ID: r.str(gdDomain)})...)
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
