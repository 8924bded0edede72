package decode

import (
	"cmp"

	"github.com/yagura-sec/yagura"
)

// Header fields of Cloudflare Zero Trust: Access requests (who signed in to an
// application; Logpush and API) and the gateway's DNS, HTTP and network datasets.
const (
	czEmail = iota
	czUser
	czAction
	czAllowed
	czAppID
	czApp
	czRay
	czTime
	czIP
	czDevice
	czQuery
	czDecision
	czSession
	czURL
	czTransport
	czHost
	// The fields below are read by the header only.
	czDestination
	czDeviceName
	czAccount
	czSNI
)

func zeroTrustFields() []string {
	return []string{
		czEmail:       "Email|user_email",
		czUser:        "UserUID|UserID|user_uid",
		czAction:      "Action|action",
		czAllowed:     "Allowed|allowed",
		czAppID:       "AppUUID|app_uid|app_uuid",
		czApp:         "AppDomain|app_domain",
		czRay:         "RayID|ray_id|RequestID|QueryID",
		czTime:        "CreatedAt|created_at|Datetime|SessionStartTime",
		czIP:          "IPAddress|ip_address|SourceIP|SrcIP",
		czDevice:      "DeviceID",
		czQuery:       "QueryName",
		czDecision:    "ResolverDecision",
		czSession:     "SessionID",
		czURL:         "URL",
		czTransport:   "Transport",
		czHost:        "HTTPHost",
		czDestination: "DestinationIP|DstIP",
		czDeviceName:  "DeviceName",
		czAccount:     "AccountID",
		czSNI:         "SNI",
	}
}

var cloudflareAccess = &Format{
	Name:   "cloudflare.access",
	Fields: fieldList(false, zeroTrustFields()),
	Hot:    czDestination,
	Is: func(r *Record) bool {
		return r.has(czAppID) && r.has(czAllowed) && r.has(czAction) && r.has(czTime)
	},
	Key:  func(r *Record) (yagura.Key, uint64, bool) { return zeroTrustKey(r, "cloudflare.access") },
	Time: func(r *Record) int64 { return nanos(r.scalar(czTime)) },
	Header: func(r *Record, e *yagura.Event) {
		e.Action = r.str(czAction)
		e.Targets = addEntity(e.Targets, yagura.EntityDomain, r.str(czApp))
		e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(czAppID))
		e.Outcome = outcomeWord(r.scalar(czAllowed))
		zeroTrustHeader(r, e)
	},
}

var cloudflareGateway = &Format{
	Name:   "cloudflare.gateway",
	Fields: fieldList(false, zeroTrustFields()),
	Hot:    czDestination,
	// A query with the resolver's decision, or an action on a request or connection, which
	// has no device where it came from a network.
	Is: func(r *Record) bool {
		if r.has(czAppID) || !r.has(czTime) || !r.has(czIP) {
			return false
		}
		return r.has(czQuery) && r.has(czDecision) ||
			r.has(czAction) && (r.has(czHost) && r.has(czURL) || r.has(czTransport) && r.has(czSession) ||
				r.has(czDevice) && (r.has(czURL) || r.has(czTransport) || r.has(czSession)))
	},
	Key:  func(r *Record) (yagura.Key, uint64, bool) { return zeroTrustKey(r, "cloudflare.gateway") },
	Time: func(r *Record) int64 { return nanos(r.scalar(czTime)) },
	Header: func(r *Record, e *yagura.Event) {
		e.Action = r.str(czAction, czDecision)
		name := cmp.Or(r.str(czQuery), r.str(czHost), r.str(czSNI))
		e.Targets = addEntity(e.Targets, yagura.EntityDomain, name)
		e.Targets = addEntity(e.Targets, yagura.EntityIP, firstAddress(r, czDestination))
		switch word := r.either(czAction, czDecision); {
		case hasPrefixFold(word, "block"), hasPrefixFold(word, "deny"):
			e.Outcome = yagura.OutcomeFailure
		case hasPrefixFold(word, "allow"), hasPrefixFold(word, "bypass"), hasPrefixFold(word, "override"):
			e.Outcome = yagura.OutcomeSuccess
		default:
			e.Outcome = yagura.OutcomeUnknown
		}
		zeroTrustHeader(r, e)
	},
}

// zeroTrustKey: ray, request or query id, time and user; without such an id there is none.
func zeroTrustKey(r *Record, format string) (yagura.Key, uint64, bool) {
	at := nanos(r.scalar(czTime))
	content := contentHash(at, r.either(czUser, czEmail), r.either(czAction, czDecision), r.either(czAppID, czQuery, czURL), r.scalar(czAllowed))
	id := r.scalar(czRay)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start(format)
	k.part(id)
	k.number(at)
	k.part(r.scalar(czUser))
	return k.sum(), content, true
}

func zeroTrustHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(czRay)
	e.Time = timeOf(nanos(r.scalar(czTime)))
	e.Account = r.str(czAccount)
	if id := r.str(czUser, czEmail); id != "" && id != "00000000-0000-0000-0000-000000000000" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(czEmail)}
	} else if email := r.str(czEmail); email != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: email, Name: email}
	}
	e.SrcIP = firstAddress(r, czIP)
	finish(e, yagura.Entity{Type: yagura.EntityUser, ID: r.str(czEmail)}, yagura.Entity{Type: yagura.EntityHost, ID: r.str(czDevice)},
		yagura.Entity{Type: yagura.EntityHost, ID: r.str(czDeviceName)})
}
