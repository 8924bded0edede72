package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of an event in the Open Cybersecurity Schema Framework (OCSF) that is no
// finding: API activity, authentication, account changes, network and other activity, of
// any producer, such as Security Lake. Findings are ocsf.finding.
const (
	oeClass = iota
	oeMetaUID
	oeProduct
	oeVendor
	oeVersion
	oeTime
	oeActivity
	oeType
	oeStatusID
	oeStatus
	oeOperation
	oeActorUID
	oeActorName
	oeAccount
	oeResource
	// The fields below are read by the header only.
	oeTypeName
	oeActivityName
	oeActorType
	oeUserUID
	oeUserName
	oeInvoked
	oeSession
	oeIssuer
	oeCredential
	oeRegion
	oeSrcIP
	oeDstIP
	oeDstHost
	oeResourceName
	oeHost
	oeActorAccount
	oeGroup
	oeGroupName
	oeEntity
	oeEntityName
	oeStatusCode
	oeDisposition
	oeQuery
	oeURL
	oeEmail
	oeRCode
	oeCode
)

var ocsfEvent = &Format{
	Name: "ocsf.event",
	Fields: fieldList(false, []string{ //nolint:gosec // names of fields, no credentials
		oeClass:        "class_uid",
		oeMetaUID:      "metadata.uid",
		oeProduct:      "metadata.product.name",
		oeVendor:       "metadata.product.vendor_name",
		oeVersion:      "metadata.version",
		oeTime:         "time|time_dt",
		oeActivity:     "activity_id",
		oeType:         "type_uid",
		oeStatusID:     "status_id",
		oeStatus:       "status",
		oeOperation:    "api.operation",
		oeActorUID:     "actor.user.uid",
		oeActorName:    "actor.user.name",
		oeAccount:      "cloud.account.uid|cloud.account_uid",
		oeResource:     "resources.uid",
		oeTypeName:     "type_name",
		oeActivityName: "activity_name",
		oeActorType:    "actor.user.type",
		oeUserUID:      "user.uid",
		oeUserName:     "user.name|user.email_addr",
		oeInvoked:      "actor.invoked_by|actor.app_name|actor.app_uid",
		oeSession:      "actor.session.uid|session.uid",
		oeIssuer:       "actor.session.issuer",
		oeCredential:   "actor.user.credential_uid",
		oeRegion:       "cloud.region",
		oeSrcIP:        "src_endpoint.ip",
		oeDstIP:        "dst_endpoint.ip",
		oeDstHost:      "dst_endpoint.hostname|dst_endpoint.svc_name",
		oeResourceName: "resources.name|resource.name|resource.uid|web_resources.name|web_resources.url_string",
		oeHost:         "device.hostname|device.uid|device.name",
		oeActorAccount: "actor.user.account.uid|actor.user.account_uid",
		oeGroup:        "group.uid",
		oeGroupName:    "group.name",
		oeEntity:       "entity.uid",
		oeEntityName:   "entity.name|file.path",
		oeStatusCode:   "status_code",
		oeDisposition:  "disposition|action",
		oeQuery:        "query.hostname",
		oeURL:          "http_request.url.hostname",
		oeEmail:        "actor.user.email_addr",
		oeRCode:        "rcode_id",
		oeCode:         "api.response.code|http_response.code|http_status",
	}),
	Hot:    oeTypeName,
	Is:     isOCSFEvent,
	Key:    ocsfEventKey,
	Time:   func(r *Record) int64 { return firstNanos(r, oeTime) },
	Header: ocsfEventHeader,
}

// isOCSFEvent: the number of a class that is none of findings, with the version of the
// schema and a time.
func isOCSFEvent(r *Record) bool {
	c := r.scalar(oeClass)
	if len(c) < 4 || len(c) > 8 || !r.has(oeTime) || !(r.has(oeVersion) || r.has(oeProduct) || r.has(oeVendor)) {
		return false
	}
	for _, d := range c {
		if d < '0' || d > '9' {
			return false
		}
	}
	return len(c) > 4 || !bytes.HasPrefix(c, []byte("200")) || c[3] < '1' || c[3] > '7'
}

// ocsfEventKey: metadata.uid with product, class and time.
func ocsfEventKey(r *Record) (yagura.Key, uint64, bool) {
	at := firstNanos(r, oeTime)
	content := contentHash(at, r.either(oeActorUID, oeActorName), r.either(oeOperation, oeType, oeActivity), r.scalar(oeResource), r.either(oeStatusID, oeStatus))
	id := r.scalar(oeMetaUID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("ocsf.event")
	k.part(r.either(oeProduct, oeVendor))
	k.part(r.scalar(oeClass))
	k.part(id)
	k.number(at / 1e6)
	return k.sum(), content, true
}

func ocsfEventHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(oeMetaUID)
	e.Time = timeOf(firstNanos(r, oeTime))
	if e.Account = r.str(oeAccount, oeActorAccount); strings.HasPrefix(e.Account, "arn:") { // EKS: who called
		e.Account = arnAccount(e.Account)
	}
	e.Region = r.str(oeRegion)
	e.Action = r.str(oeOperation, oeActivityName, oeTypeName)
	// Of a sign-in the user is who signs in; where there is an actor, or accounts, rights or
	// groups are managed, he is whom it is about.
	id, name := r.str(oeActorUID, oeActorName, oeEmail), r.str(oeActorName, oeEmail)
	if id == "" && !isAny(r.scalar(oeClass), "3001", "3003", "3004", "3005", "3006") {
		id, name = r.str(oeUserUID, oeUserName), r.str(oeUserName)
	} else if user := r.str(oeUserUID, oeUserName); user != id {
		e.Targets = addEntity(e.Targets, ocsfUserType(user, nil), user)
	}
	if id == "" {
		id = r.str(oeInvoked)
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: id, Name: id}
	} else {
		e.Actor = yagura.Actor{Type: ocsfUserType(id, r.scalar(oeActorType)), ID: id, Name: name, SessionOf: r.str(oeIssuer)}
	}
	if id == "" {
		e.Actor = yagura.Actor{}
	}
	resources := r.texts(oeResource)
	if len(resources) == 0 {
		resources = r.texts(oeResourceName)
	}
	for k, id := range resources {
		typ := yagura.EntityResource
		if strings.HasPrefix(id, "arn:") {
			typ = arnType(id)
		}
		if k < maxIdentities {
			e.Targets = addEntity(e.Targets, typ, id)
		}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(oeGroup, oeGroupName))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(oeEntity, oeEntityName))
	e.Targets = addEntity(e.Targets, yagura.EntityIP, firstAddress(r, oeDstIP))
	for _, i := range [...]int{oeDstHost, oeQuery, oeURL} {
		if name := r.str(i); name != "-" { // of a flow without a service
			e.Targets = addEntity(e.Targets, yagura.EntityDomain, dnsName(name))
		}
	}
	e.SrcIP = firstAddress(r, oeSrcIP)
	switch status := r.scalar(oeStatusID); {
	case string(status) == "1":
		e.Outcome = yagura.OutcomeSuccess
	case string(status) == "2":
		e.Outcome = yagura.OutcomeFailure
	default:
		if e.Outcome = outcomeWord(r.scalar(oeStatus)); e.Outcome == yagura.OutcomeUnknown {
			e.Outcome = outcomeWord(r.scalar(oeDisposition))
		}
		if e.Outcome == yagura.OutcomeUnknown {
			e.Outcome = httpOutcome(r.scalar(oeCode))
		}
		if code := r.scalar(oeRCode); e.Outcome == yagura.OutcomeUnknown && len(code) > 0 { // the answer to a DNS query
			e.Outcome = yagura.OutcomeFailure
			if string(code) == "0" {
				e.Outcome = yagura.OutcomeSuccess
			}
		}
	}
	finish(e, yagura.Entity{Type: yagura.EntityServicePrincipal, ID: r.str(oeInvoked)}, yagura.Entity{Type: yagura.EntityKey, ID: r.str(oeCredential)},
		yagura.Entity{Type: yagura.EntitySession, ID: r.str(oeSession)}, yagura.Entity{Type: yagura.EntityHost, ID: r.str(oeHost)},
		yagura.Entity{Type: yagura.EntityAccount, ID: r.str(oeActorAccount)})
}

// ocsfUserType is the entity type of a user: by its ARN, else by the type that the
// producer gives, such as AWSService.
func ocsfUserType(id string, typ []byte) string {
	switch {
	case strings.HasPrefix(id, "arn:"):
		return arnType(id)
	case isAny(typ, "AWSService", "System", "Service", "ServicePrincipal"):
		return yagura.EntityServicePrincipal
	}
	return yagura.EntityUser
}
