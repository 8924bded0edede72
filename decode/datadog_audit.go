package decode

import (
	"github.com/yagura-sec/yagura"
)

// Header fields of Datadog's own audit trail: what people and keys did in Datadog. The
// envelope of Datadog is opened before.
const (
	ddName = iota
	ddActorType
	ddAction
	ddUser
	ddEmail
	ddAsset
	ddAssetType
	ddTime
	ddOrg
	ddStatus
	// The fields below are read by the header only.
	ddUserName
	ddIP
	ddID
	ddHTTPStatus
	ddKey
)

var datadogTrail = &Format{
	Name: "datadog.audit",
	Fields: fieldList(false, []string{
		ddName:       "evt.name",
		ddActorType:  "evt.actor.type",
		ddAction:     "action",
		ddUser:       "usr.uuid|usr.id",
		ddEmail:      "usr.email",
		ddAsset:      "asset.id|asset.name",
		ddAssetType:  "asset.type",
		ddTime:       "timestamp|date|@timestamp",
		ddOrg:        "org.uuid|org.id|metadata.org_uuid",
		ddStatus:     "status|evt.outcome",
		ddUserName:   "usr.name",
		ddIP:         "network.client.ip",
		ddID:         "id|evt.id",
		ddHTTPStatus: "http.status_code",
		ddKey:        "auth_method|metadata.api_key.id|metadata.application_key.id",
	}),
	Hot: ddUserName,
	Is: func(r *Record) bool {
		return r.has(ddName) && r.has(ddActorType) && (r.has(ddAction) || r.has(ddAssetType))
	},
	Key: func(r *Record) (yagura.Key, uint64, bool) { // by file and number: the attributes have no id
		return yagura.Key{}, contentHash(nanos(r.scalar(ddTime)), r.either(ddUser, ddEmail), r.either(ddAction, ddName), r.scalar(ddAsset), r.scalar(ddStatus)), false
	},
	Time: func(r *Record) int64 { return nanos(r.scalar(ddTime)) },
	Header: func(r *Record, e *yagura.Event) {
		e.ID = r.str(ddID)
		e.Time = timeOf(nanos(r.scalar(ddTime)))
		e.Account = r.str(ddOrg)
		e.Action = r.str(ddName)
		if action := r.str(ddAction); action != "" {
			e.Action += " " + action
		}
		if id := r.str(ddEmail, ddUser, ddUserName); id != "" {
			e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(ddUserName, ddEmail)}
		}
		if isAny(r.scalar(ddActorType), "API_KEY", "APPLICATION_KEY", "SERVICE_ACCOUNT", "DATADOG", "SUPPORT_USER", "SYSTEM") && e.Actor.ID != "" {
			e.Actor.Type = yagura.EntityServicePrincipal
		}
		e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(ddAsset))
		e.SrcIP = firstAddress(r, ddIP)
		if e.Outcome = statusOutcome(r.scalar(ddHTTPStatus)); e.Outcome == yagura.OutcomeUnknown {
			if isAny(r.scalar(ddStatus), "error", "failed", "failure") {
				e.Outcome = yagura.OutcomeFailure
			} else {
				e.Outcome = yagura.OutcomeSuccess // the trail tells what was done
			}
		}
		finish(e, yagura.Entity{Type: yagura.EntityUser, ID: r.str(ddUser)})
	},
}
