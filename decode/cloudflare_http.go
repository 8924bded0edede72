package decode

import (
	"github.com/yagura-sec/yagura"
)

// Header fields of what Cloudflare's edge answers: the dataset HTTP requests of Logpush,
// and firewall events, the rules that such a request met.
const (
	cfhRay = iota
	cfhStart
	cfhEnd
	cfhTime
	cfhIP
	cfhMethod
	cfhHost
	cfhStatus
	cfhAction
	cfhSource
	cfhRule
	cfhMatch
	cfhKind
	// The fields below are read by the header only.
	cfhURI
	cfhZone
	cfhAccount
	cfhOrigin
)

func cloudflareFields() []string {
	return []string{
		cfhRay:     "RayID",
		cfhStart:   "EdgeStartTimestamp",
		cfhEnd:     "EdgeEndTimestamp",
		cfhTime:    "Datetime",
		cfhIP:      "ClientIP",
		cfhMethod:  "ClientRequestMethod",
		cfhHost:    "ClientRequestHost",
		cfhStatus:  "EdgeResponseStatus",
		cfhAction:  "Action",
		cfhSource:  "Source",
		cfhRule:    "RuleID",
		cfhMatch:   "MatchIndex",
		cfhKind:    "Kind",
		cfhURI:     "ClientRequestURI|ClientRequestPath",
		cfhZone:    "ZoneName|ZoneID",
		cfhAccount: "AccountID",
		cfhOrigin:  "OriginIP",
	}
}

var cloudflareHTTP = &Format{
	Name:   "cloudflare.http",
	Fields: fieldList(false, cloudflareFields()),
	Hot:    cfhURI,
	Is: func(r *Record) bool {
		return r.has(cfhIP) && !isCloudflareFirewall(r) && (r.has(cfhStart) || r.has(cfhEnd) || r.has(cfhHost) && r.has(cfhStatus)) && (r.has(cfhRay) || r.has(cfhMethod))
	},
	// The key: the ray, which names one request.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		content := contentHash(cloudflareTime(r), r.scalar(cfhIP), r.scalar(cfhMethod), r.scalar(cfhHost), r.scalar(cfhStatus))
		ray := r.scalar(cfhRay)
		if ray == nil {
			return yagura.Key{}, content, false
		}
		var k keyer
		k.start("cloudflare.http")
		k.part(ray)
		k.number(cloudflareTime(r))
		return k.sum(), content, true
	},
	Time: cloudflareTime,
	Header: func(r *Record, e *yagura.Event) {
		cloudflareHeader(r, e)
		e.Action = r.str(cfhMethod)
		e.Outcome = statusOutcome(r.scalar(cfhStatus))
	},
}

var cloudflareFirewall = &Format{
	Name:   "cloudflare.firewall",
	Fields: fieldList(false, cloudflareFields()),
	Hot:    cfhURI,
	Is:     isCloudflareFirewall,
	// The key: the ray, the rule and its place among those that the request met.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		content := contentHash(cloudflareTime(r), r.scalar(cfhIP), r.scalar(cfhAction), r.scalar(cfhHost), r.scalar(cfhStatus))
		ray := r.scalar(cfhRay)
		if ray == nil {
			return yagura.Key{}, content, false
		}
		var k keyer
		k.start("cloudflare.firewall")
		k.part(ray)
		k.part(r.scalar(cfhRule))
		k.part(r.scalar(cfhMatch))
		k.part(r.scalar(cfhAction))
		return k.sum(), content, true
	},
	Time: cloudflareTime,
	Header: func(r *Record, e *yagura.Event) {
		cloudflareHeader(r, e)
		e.Action = r.str(cfhAction)
		switch a := r.scalar(cfhAction); { // what became of the request
		case isAny(a, "allow", "skip", "log", "bypass", "managedChallengeBypassed", "challengeSolved", "jschallengeSolved", "managedChallengeNonInteractiveSolved", "managedChallengeInteractiveSolved"):
			e.Outcome = yagura.OutcomeSuccess
		case isAny(a, "block", "drop", "connectionClose", "challengeFailed", "jschallengeFailed", "challenge", "jschallenge", "managedChallenge", "managed_challenge"):
			e.Outcome = yagura.OutcomeFailure
		}
	},
}

// isCloudflareFirewall: an action with the part of the firewall that took it, about a
// client's address and ray.
func isCloudflareFirewall(r *Record) bool {
	return r.has(cfhAction) && r.has(cfhSource) && r.has(cfhIP) && (r.has(cfhRay) || r.has(cfhRule)) &&
		(r.has(cfhRule) || r.has(cfhMatch) || r.has(cfhKind)) && !r.has(cfhStart) && !r.has(cfhEnd)
}

func cloudflareTime(r *Record) int64 {
	return timeIn(r, cfhStart, cfhTime, cfhEnd)
}

func cloudflareHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(cfhRay)
	e.Time = timeOf(cloudflareTime(r))
	e.Account = r.str(cfhAccount)
	e.Targets = addEntity(e.Targets, yagura.EntityDomain, r.str(cfhHost))
	e.SrcIP = firstAddress(r, cfhIP)
	e.Outcome = yagura.OutcomeUnknown
	finish(e, yagura.Entity{Type: yagura.EntityIP, ID: firstAddress(r, cfhOrigin)}, yagura.Entity{Type: yagura.EntityResource, ID: r.str(cfhZone)})
}
