package decode

import (
	"bytes"
	"cmp"
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
	moCreation
	// The fields below are read by the header only.
	moClientIP
	moClientIPAddress
	moActorIP
	moSenderIP
	moActor
	moTarget
	moMailbox
	moTargetUser
	moSentFor
	moMembers
	moTeam
	moAppID
	moSession
	moAlertUser
)

var m365Audit = &Format{
	Name: "m365.audit",
	Detail: shaped(detailList(false, "service=Workload|OfficeWorkload", "user_agent=UserAgent|ClientInfoString", "error=ErrorNumber|ResultStatusDetail", "record_type=RecordType",
		"result_status=ResultStatus", "user_type=UserType", "app_id=AppId|ApplicationId|ClientAppId", "site_url=SiteUrl|Site_Url", "client_ip=ClientIP|ClientIPAddress|ActorIpAddress"), "error", notZero),
	Fields: fieldList(false, []string{
		moTime:            "CreationTime|TimeGenerated",
		moID:              "Id|OfficeId",
		moOperation:       "Operation",
		moOrganization:    "OrganizationId",
		moRecordType:      "RecordType",
		moWorkload:        "Workload|OfficeWorkload",
		moUserID:          "UserId",
		moUserKey:         "UserKey",
		moUserType:        "UserType",
		moObject:          "ObjectId|OfficeObjectId",
		moStatus:          "ResultStatus",
		moTable:           "Type",
		moAlertSource:     "eventSource",
		moAlertName:       "eventName",
		moAlertStatus:     "status",
		moCreation:        "CreationTime",
		moClientIP:        "ClientIP",
		moClientIPAddress: "ClientIPAddress|Client_IPAddress",
		moActorIP:         "ActorIpAddress",
		moSenderIP:        "SenderIp",
		moActor:           "Actor",
		moTarget:          "Target",
		moMailbox:         "MailboxOwnerUPN",
		moTargetUser:      "TargetUserOrGroupName",
		moSentFor:         "SendAsUserSmtp|SendOnBehalfOfUserSmtp",
		moMembers:         "Members.UPN",
		moTeam:            "TeamName|TeamGuid",
		moAppID:           "AppId|ApplicationId|ClientAppId|AppAccessContext.ClientAppId",
		moSession:         "SessionId|AppAccessContext.AADSessionId",
		moAlertUser:       "user|userId",
	}),
	Hot:    moClientIP,
	Is:     isM365,
	Key:    m365Key,
	Time:   func(r *Record) int64 { return nanos(r.scalar(moTime)) },
	Header: m365Header,
	Also:   m365Entra,
}

// isM365: an operation with the fields that every record of the unified audit log
// has; the schema's own words for id, time and kind of record, whatever else was left
// out; or an alert of the Security and Compliance Center.
func isM365(r *Record) bool {
	if r.has(moTime) {
		switch {
		case r.has(moOperation) && (r.has(moWorkload) || r.has(moOrganization) && (r.has(moRecordType) || r.has(moUserKey))):
			return true
		case r.has(moRecordType) && r.has(moID) && r.First(moCreation) >= 0:
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
	actor, target := m365Names(r, moActor), m365Names(r, moTarget)
	user := ""
	for _, i := range [...]int{moUserID, moUserKey, moAlertUser} {
		if user = r.str(i); user != "" && !notSaid(user) {
			break
		}
		user = cmp.Or(actor.upn, actor.id, actor.name)
	}
	user = strings.TrimPrefix(user, "urn:spo:guest#") // a guest of SharePoint, by their mail address
	if user != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: user, Name: user}
		if actor.typ == yagura.EntityServicePrincipal {
			e.Actor.Type, e.Actor.Name = actor.typ, cmp.Or(actor.name, user)
		}
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
	case notSaid(object):
		e.Targets = addEntity(e.Targets, target.typ, cmp.Or(target.upn, target.id, target.name))
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
	if len(e.Targets) == 0 {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(moTeam)) // made, deleted, set up
	}
	e.SrcIP = firstAddress(r, moClientIP, moClientIPAddress, moActorIP, moSenderIP) // the second may be a server of Exchange

	switch said := r.either(moStatus, moAlertStatus); {
	case bytes.HasSuffix(r.scalar(moOperation), []byte("Failed")): // its status may say that the call went well
		e.Outcome = yagura.OutcomeFailure
	case r.has(moOperation) && (said == nil || isAny(said, "New", "Active", "InProgress", "Resolved", "Dismissed")):
		e.Outcome = yagura.OutcomeSuccess // workloads without a status, or with that of an alert, record what was done
	case said != nil:
		e.Outcome = outcomeWord(said)
	default:
		e.Outcome = yagura.OutcomeUnknown
	}
	more := []yagura.Entity{{Type: yagura.EntityServicePrincipal, ID: r.str(moAppID)}, {Type: yagura.EntitySession, ID: r.str(moSession)}}
	if id, ok := strings.CutPrefix(user, "ServicePrincipal_"); ok {
		more = append(more, yagura.Entity{Type: yagura.EntityServicePrincipal, ID: id})
	}
	for _, n := range [...]m365Name{actor, target} {
		more = append(more, yagura.Entity{Type: yagura.EntityUser, ID: n.upn})
		for _, id := range n.ids {
			more = append(more, yagura.Entity{Type: n.typ, ID: id})
		}
	}
	finish(e, more...)
}

// notSaid says whether a text stands where it is not known who or what.
func notSaid(text string) bool {
	return text == "Unknown" || text == "Not Available" || text == "NotAvailable" || text == "00000000-0000-0000-0000-000000000000"
}

// m365Name is who or what a list of identities names.
type m365Name struct {
	typ           string   // of the entity
	id, upn, name string   // the object, the user principal name, the name shown
	ids           []string // all ids: those of the object and of the application
}

// m365Names reads the lists Actor and Target of Entra's records: pairs of an id and the
// number of its kind (1 a name, 5 a user principal name, others a PUID, an object or
// application id, one with its type before it, or the type alone).
func m365Names(r *Record, i int) m365Name {
	var list []struct {
		ID   looseText
		Type looseText
	}
	r.decode(i, &list)
	n := m365Name{typ: yagura.EntityResource}
	for k, x := range list {
		if k == maxIdentities {
			break
		}
		id := string(x.ID)
		switch before, rest, prefixed := strings.Cut(id, "_"); {
		case notSaid(id) || id == "":
		case string(x.Type) == "5":
			n.upn = cmp.Or(n.upn, id)
		case string(x.Type) == "1":
			n.name = cmp.Or(n.name, id)
		case isGUID(id):
			n.ids = append(n.ids, id)
		case prefixed && isGUID(rest):
			n.typ, n.id = entraType(before), rest
		case entraType(id) != yagura.EntityResource:
			n.typ = entraType(id)
		}
	}
	if n.id == "" && len(n.ids) > 0 {
		n.id = n.ids[0]
	}
	if n.upn != "" && n.typ == yagura.EntityResource {
		n.typ = yagura.EntityUser
	}
	return n
}

const maxIdentities = 100

// isGUID says whether text is an id such as 00000003-0000-0000-c000-000000000000.
func isGUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}
