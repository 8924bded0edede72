package decode

import (
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the Okta System Log, as its API and its EventBridge partner
// source give it.
const (
	okID = iota
	okPublished
	okEventType
	okActorID
	okActorType
	okTargets
	okTargetID
	okResult
	// The fields below are read by the header only.
	okActorLogin
	okActorName
	okClientIP
	okChainIP
	okSession
	okRootSession
	okDevice
	okOrg
)

var oktaSystem = &Format{
	Name: "okta.system",
	Detail: detailList(false, "user_agent=client.userAgent.rawUserAgent", "error=outcome.reason", "country=client.geographicalContext.country", "severity=severity",
		"session_id=authenticationContext.externalSessionId", "result=outcome.result", "display_message=displayMessage"),
	Fields: fieldList(false, []string{
		okID:          "uuid",
		okPublished:   "published",
		okEventType:   "eventType",
		okActorID:     "actor.id",
		okActorType:   "actor.type",
		okTargets:     "target",
		okTargetID:    "target.id",
		okResult:      "outcome.result",
		okActorLogin:  "actor.alternateId",
		okActorName:   "actor.displayName",
		okClientIP:    "client.ipAddress",
		okChainIP:     "request.ipChain.ip",
		okSession:     "authenticationContext.externalSessionId",
		okRootSession: "authenticationContext.rootSessionId",
		okDevice:      "device.id",
		okOrg:         "debugContext.debugData.orgId|transaction.detail.orgId",
	}),
	Hot: okActorLogin,
	Is: func(r *Record) bool {
		return r.has(okEventType) && r.has(okPublished) && (r.has(okID) || r.has(okActorID) || r.has(okResult))
	},
	Key:    oktaKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(okPublished)) },
	Header: oktaHeader,
}

// oktaKey: the record's uuid.
func oktaKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(nanos(r.scalar(okPublished)), r.scalar(okActorID), r.scalar(okEventType),
		r.scalar(okTargetID), r.scalar(okResult))
	id := r.scalar(okID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("okta.system")
	k.part(id)
	return k.sum(), content, true
}

func oktaHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(okID)
	e.Time = timeOf(nanos(r.scalar(okPublished)))
	e.Account = r.str(okOrg) // rarely there: the System Log does not name its org
	e.Action = r.str(okEventType)
	var more []yagura.Entity
	if r.either(okActorID, okActorLogin) != nil {
		e.Actor = yagura.Actor{Type: oktaType(r.str(okActorType)), ID: r.str(okActorID, okActorLogin), Name: r.str(okActorLogin, okActorName)}
		if login := r.str(okActorLogin); e.Actor.ID == "unknown" && login != "unknown" && login != "" {
			e.Actor.ID = login // nobody of the org: told by the name that was given
		}
		if strings.Contains(e.Actor.Name, "@") {
			more = append(more, yagura.Entity{Type: e.Actor.Type, ID: e.Actor.Name})
		}
	}
	if id := r.str(okSession, okRootSession); id != "unknown" {
		more = append(more, yagura.Entity{Type: yagura.EntitySession, ID: id})
	}
	more = append(more, yagura.Entity{Type: yagura.EntityHost, ID: r.str(okDevice)})

	var targets []struct{ ID, Type, AlternateID, DisplayName looseText }
	r.decode(okTargets, &targets)
	for _, t := range targets {
		id := string(t.ID)
		if name := string(t.AlternateID); id == "" || id == "unknown" && name != "" {
			id = name
		}
		typ := oktaType(string(t.Type))
		e.Targets = addEntity(e.Targets, typ, id)
		if login := string(t.AlternateID); strings.Contains(login, "@") {
			more = append(more, yagura.Entity{Type: typ, ID: login})
		}
	}
	e.SrcIP = firstAddress(r, okClientIP, okChainIP)

	switch r.str(okResult) {
	case "SUCCESS", "ALLOW":
		e.Outcome = yagura.OutcomeSuccess
	case "FAILURE", "DENY", "ABANDONED", "RATE_LIMIT", "UNANSWERED":
		e.Outcome = yagura.OutcomeFailure
	default: // SKIPPED, CHALLENGE, DEFERRED, SCHEDULED, UNKNOWN, none
		e.Outcome = yagura.OutcomeUnknown
	}
	finish(e, more...)
}

// oktaType names the entity type of an Okta actor or target.
func oktaType(typ string) string {
	switch typ {
	case "User", "AppUser", "":
		return yagura.EntityUser
	case "SystemPrincipal", "PublicClientApp", "PublicClientAppEntity", "AppInstance", "Client", "ServiceClient", "AgentInstance":
		return yagura.EntityServicePrincipal
	case "Device":
		return yagura.EntityHost
	case "ApiToken", "Token", "access_token", "refresh_token":
		return yagura.EntityKey
	case "ROLE", "Role", "CUSTOM_ROLE":
		return yagura.EntityRole
	}
	return yagura.EntityResource
}
