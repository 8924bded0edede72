package decode

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a check of Prowler in its own JSON: version 3 (of AWS, Azure and Google
// Cloud) and version 2. Its OCSF is ocsf.finding, its ASFF aws.securityhub. A check that
// passes closes what the same check of the same resource opened when it failed.
const (
	prUID = iota
	prCheck
	prOldCheck
	prStatus
	prSeverity
	prTime
	prAccount
	prOldAccount
	prRegion
	prARN
	prResource
	prService
	// The fields below are read by the header only.
	prTitle
	prText
	prMessage
	prProvider
)

var prowlerFinding = &Format{
	Name: "prowler.finding",
	Fields: fieldList(false, []string{
		prUID:        "FindingUniqueId",
		prCheck:      "CheckID",
		prOldCheck:   "Control ID|TITLE_ID|Control",
		prStatus:     "Status",
		prSeverity:   "Severity",
		prTime:       "AssessmentStartTime|Timestamp",
		prAccount:    "AccountId|Subscription|SubscriptionId|ProjectId|Context",
		prOldAccount: "Account Number",
		prRegion:     "Region|Location",
		prARN:        "ResourceArn",
		prResource:   "ResourceId|ResourceName|Resource ID",
		prService:    "ServiceName|Service",
		prTitle:      "CheckTitle|Control",
		prText:       "StatusExtended|Description|Message",
		prMessage:    "Message",
		prProvider:   "Provider",
	}),
	Hot: prTitle,
	Is: func(r *Record) bool {
		if !r.has(prStatus) || !r.has(prSeverity) {
			return false
		}
		return r.has(prCheck) && r.has(prUID) || r.has(prOldCheck) && r.has(prOldAccount) && r.has(prService)
	},
	Key:    prowlerKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(prTime)) },
	Header: prowlerHeader,
	Alert:  prowlerAlert,
	Says:   []int{prCheck, prOldCheck, prTitle},
}

// prowlerKey: the finding's id, else check, account, region and resource; with status and
// the time of the assessment.
func prowlerKey(r *Record) (yagura.Key, uint64, bool) {
	at := nanos(r.scalar(prTime))
	var k keyer
	k.start("prowler.finding")
	k.part(r.scalar(prUID))
	k.part(r.either(prCheck, prOldCheck))
	k.part(r.either(prAccount, prOldAccount))
	k.part(r.scalar(prRegion))
	k.part(r.either(prARN, prResource, prMessage))
	k.part(r.scalar(prStatus))
	k.number(at / 1e6)
	return k.sum(), contentHash(at, r.either(prAccount, prOldAccount), r.either(prCheck, prOldCheck), r.either(prARN, prResource), r.scalar(prStatus)), true
}

func prowlerHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(prUID)
	e.Time = timeOf(nanos(r.scalar(prTime)))
	e.Account = r.str(prAccount, prOldAccount)
	e.Region = r.str(prRegion)
	e.Action = r.str(prCheck, prOldCheck)
	if id := r.str(prARN, prResource); id != "" {
		typ := yagura.EntityResource
		if strings.HasPrefix(id, "arn:") {
			typ = arnType(id)
		}
		e.Targets = addEntity(e.Targets, typ, id)
	}
	if s := r.scalar(prStatus); isAny(s, "PASS") {
		e.Outcome = yagura.OutcomeSuccess
	} else if isAny(s, "FAIL") {
		e.Outcome = yagura.OutcomeFailure
	}
	finish(e)
}

func prowlerAlert(r *Record) (Alert, bool) {
	check := r.str(prCheck, prOldCheck)
	a := Alert{Family: "prowler", Scope: "prowler.finding", Rule: check, Title: r.str(prTitle, prCheck, prOldCheck), Text: r.str(prText), Posture: true}
	// The id holds provider, check, account, region and resource, and not the status.
	a.Key = cmp.Or(r.str(prUID), strings.Join([]string{check, r.str(prAccount, prOldAccount), r.str(prRegion), r.str(prARN, prResource)}, " "))
	a.Original = r.str(prSeverity)
	if a.Severity = severityWord(r.scalar(prSeverity)); a.Severity == 0 {
		a.Severity = yagura.SeverityMedium
	}
	switch s := r.scalar(prStatus); {
	case isAny(s, "PASS"):
		a.Resolved, a.State = true, "status PASS"
	case isAny(s, "MANUAL", "INFO", "MUTED", "WARNING") || bytes.HasPrefix(s, []byte("MUTED")):
		a.Severity, a.State = yagura.SeverityNone, "status "+string(s)
	}
	return a, true
}
