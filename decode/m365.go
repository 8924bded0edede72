package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the Microsoft 365 unified audit log: the records of the
// Office 365 Management Activity API (an export of Search-UnifiedAuditLog carries them
// in an envelope), and the Log Analytics table OfficeActivity.
const (
	moTime = iota
	moID
	moOperation
	moOrganization
	moRecordType
	moWorkload
	moUserID
	moUserKey
	moUserType
	moObject
	moStatus
	moTable
	moAlertSource
	moAlertName
	moAlertStatus
	// The fields below are read by the header only.
	moClientIP
	moActorIP
	moMailbox
	moTargetUser
	moSentFor
	moMembers
	moAppID
	moSession
	moAlertUser
)

var m365Audit = &Format{
	Name: "m365.audit",
	Fields: fieldList(false, []string{
		moTime:         "CreationTime|TimeGenerated",
		moID:           "Id|OfficeId",
		moOperation:    "Operation",
		moOrganization: "OrganizationId",
		moRecordType:   "RecordType",
		moWorkload:     "Workload|OfficeWorkload",
		moUserID:       "UserId",
		moUserKey:      "UserKey",
		moUserType:     "UserType",
		moObject:       "ObjectId|OfficeObjectId",
		moStatus:       "ResultStatus",
		moTable:        "Type",
		moAlertSource:  "eventSource",
		moAlertName:    "eventName",
		moAlertStatus:  "status",
		moClientIP:     "ClientIP|ClientIPAddress|Client_IPAddress",
		moActorIP:      "ActorIpAddress",
		moMailbox:      "MailboxOwnerUPN",
		moTargetUser:   "TargetUserOrGroupName",
		moSentFor:      "SendAsUserSmtp|SendOnBehalfOfUserSmtp",
		moMembers:      "Members.UPN",
		moAppID:        "AppId|ApplicationId|ClientAppId",
		moSession:      "SessionId|AppAccessContext.AADSessionId",
		moAlertUser:    "user|userId",
	}),
	Hot:    moClientIP,
	Is:     isM365,
	Key:    m365Key,
	Time:   func(r *Record) int64 { return nanos(r.scalar(moTime)) },
	Header: m365Header,
}

// isM365: an operation with the fields that every record of the unified audit log
// has, or an alert of the Security and Compliance Center.
func isM365(r *Record) bool {
	if r.has(moOperation) && r.has(moTime) {
		if r.has(moWorkload) || r.has(moOrganization) && (r.has(moRecordType) || r.has(moUserKey)) {
			return true
		}
	}
	return isAny(r.scalar(moAlertSource), "SecurityComplianceCenter") && r.has(moAlertName)
}

// m365Key: the record's id and organization.
func m365Key(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(nanos(r.scalar(moTime)), r.either(moUserID, moUserKey), r.either(moOperation, moAlertName),
		r.scalar(moObject), r.either(moStatus, moAlertStatus))
	id := r.scalar(moID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("m365.audit")
	k.part(id)
	k.part(r.scalar(moOrganization))
	return k.sum(), content, true
}

func m365Header(r *Record, e *yagura.Event) {
	e.ID = r.str(moID)
	e.Time = timeOf(nanos(r.scalar(moTime)))
	e.Account = r.str(moOrganization)
	e.Action = r.str(moOperation, moAlertName)
	user := r.str(moUserID, moUserKey, moAlertUser)
	if user != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: user, Name: user}
		switch r.str(moUserType) { // the numbers of the schema's UserType
		case "4", "5", "6", "System", "Application", "ServicePrincipal":
			e.Actor.Type = yagura.EntityServicePrincipal
		}
		switch {
		case strings.HasPrefix(user, "ServicePrincipal_"), strings.HasPrefix(user, `NT AUTHORITY\`),
			user == "S-1-5-18": // the system of Windows
			e.Actor.Type = yagura.EntityServicePrincipal
		}
	}
	switch object := r.str(moObject); {
	case object == "Unknown", object == "Not Available": // it is not said what
	case strings.Contains(object, "@") && !strings.ContainsAny(object, "/\\ "):
		e.Targets = addEntity(e.Targets, yagura.EntityUser, object)
	default:
		e.Targets = addEntity(e.Targets, yagura.EntityResource, object)
	}
	e.Targets = addEntity(e.Targets, yagura.EntityUser, r.str(moMailbox))
	e.Targets = addEntity(e.Targets, yagura.EntityUser, r.str(moTargetUser))
	e.Targets = addEntity(e.Targets, yagura.EntityUser, r.str(moSentFor))
	for _, member := range r.texts(moMembers) { // of a team or a chat
		e.Targets = addEntity(e.Targets, yagura.EntityUser, member)
	}
	e.SrcIP = firstAddress(r, moClientIP, moActorIP)

	switch said := r.either(moStatus, moAlertStatus); {
	case said != nil:
		e.Outcome = outcomeWord(said)
	case bytes.HasSuffix(r.scalar(moOperation), []byte("Failed")):
		e.Outcome = yagura.OutcomeFailure
	case r.has(moOperation):
		e.Outcome = yagura.OutcomeSuccess // workloads without a status record what was done
	default:
		e.Outcome = yagura.OutcomeUnknown
	}
	finish(e, yagura.Entity{Type: yagura.EntityServicePrincipal, ID: r.str(moAppID)},
		yagura.Entity{Type: yagura.EntitySession, ID: r.str(moSession)})
}
