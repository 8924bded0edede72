package decode

import (
	"github.com/yagura-sec/yagura"
)

// Header fields of Cloudflare's audit logs: version 1 and 2, by Logpush (capitalised
// names) and as the API lists them.
const (
	cfaID = iota
	cfaType
	cfaTime
	cfaActorID
	cfaResource
	cfaResult
	cfaActorType
	cfaResourceType
	cfaLogID
	// The fields below are read by the header only.
	cfaEmail
	cfaIP
	cfaAccount
	cfaZone
	cfaToken
	cfaInfo
)

var cloudflareAudit = &Format{
	Name:   "cloudflare.audit",
	Detail: detailList(true, "user_agent=UserAgent|raw.user_agent", "resource_type=ResourceType|resource.type"),
	Fields: fieldList(false, []string{
		cfaID:           "ID|AuditLogID|id",
		cfaType:         "ActionType|action.type",
		cfaTime:         "When|ActionTimestamp|when|action.time",
		cfaActorID:      "ActorID|actor.id",
		cfaResource:     "ResourceID|resource.id",
		cfaResult:       "ActionResult|action.result",
		cfaActorType:    "ActorType|actor.type",
		cfaResourceType: "ResourceType|ResourceProduct|resource.type|resource.product",
		cfaLogID:        "AuditLogID",
		cfaEmail:        "ActorEmail|actor.email",
		cfaIP:           "ActorIP|ActorIPAddress|actor.ip|actor.ip_address",
		cfaAccount:      "OwnerID|AccountID|owner.id|account.id",
		cfaZone:         "ZoneID|zone.id",
		cfaToken:        "actor.token_id|ActorTokenDetails.id|ActorTokenDetails.ID",
		cfaInfo:         "ActionDescription|action.description",
	}),
	Hot: cfaEmail,
	Is: func(r *Record) bool {
		return r.has(cfaID) && r.has(cfaType) && r.has(cfaTime) && r.has(cfaResult) && r.has(cfaActorType) &&
			(r.has(cfaResourceType) || r.First(cfaLogID) >= 0) // version 2 may have left the resource out
	},
	Key:    cloudflareAuditKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(cfaTime)) },
	Header: cloudflareAuditHeader,
}

// cloudflareAuditKey: the entry's id.
func cloudflareAuditKey(r *Record) (yagura.Key, uint64, bool) {
	var k keyer
	k.start("cloudflare.audit")
	k.part(r.scalar(cfaID))
	return k.sum(), contentHash(nanos(r.scalar(cfaTime)), r.scalar(cfaActorID), r.scalar(cfaType), r.scalar(cfaResource), r.scalar(cfaResult)), true
}

func cloudflareAuditHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(cfaID)
	e.Time = timeOf(nanos(r.scalar(cfaTime)))
	e.Account = r.str(cfaAccount)
	e.Action = r.str(cfaType, cfaInfo)
	if id := r.str(cfaActorID, cfaEmail, cfaToken); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(cfaEmail)}
		if t := r.scalar(cfaActorType); isAny(t, "system", "service", "cloudflare_admin", "cloudflare-admin", "Cloudflare") || !r.has(cfaEmail) && isAny(t, "account", "token") {
			e.Actor.Type = yagura.EntityServicePrincipal
		}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(cfaResource))
	e.SrcIP = firstAddress(r, cfaIP)
	e.Outcome = outcomeWord(r.scalar(cfaResult))
	finish(e, yagura.Entity{Type: yagura.EntityUser, ID: r.str(cfaEmail)}, yagura.Entity{Type: yagura.EntityKey, ID: r.str(cfaToken)},
		yagura.Entity{Type: yagura.EntityResource, ID: r.str(cfaZone)})
}
