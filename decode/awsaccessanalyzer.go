package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a finding of IAM Access Analyzer, of access from outside, from inside and
// not used: as EventBridge carries it, and as both versions of the API answer.
const (
	anID = iota
	anType
	anResource
	anResourceType
	anStatus
	anUpdated
	anAnalyzed
	anAccount
	anOwner
	anRegion
	// The fields below are read by the header only.
	anPublic
	anPrincipals
	anPrincipalAccount
	anActions
	anDeleted
)

var awsAccessAnalyzer = &Format{
	Name: "aws.accessanalyzer",
	Fields: fieldList(false, []string{
		anID:           "id|findingId",
		anType:         "findingType",
		anResource:     "resource",
		anResourceType: "resourceType",
		anStatus:       "status",
		anUpdated:      "updatedAt",
		anAnalyzed:     "analyzedAt",
		anAccount:      "accountId",
		anOwner:        "resourceOwnerAccount",
		anRegion:       "region",
		anPublic:       "isPublic|findingDetails.externalAccessDetails.isPublic",
		anPrincipals: "principal.AWS|principal.Federated|principal.CanonicalUser|principal.Service|" +
			"findingDetails.externalAccessDetails.principal.AWS|findingDetails.externalAccessDetails.principal.Federated|" +
			"findingDetails.internalAccessDetails.principal.AWS",
		anPrincipalAccount: "principalOwnerAccount|findingDetails.internalAccessDetails.principalOwnerAccount",
		anActions:          "action|findingDetails.externalAccessDetails.action|findingDetails.internalAccessDetails.action",
		anDeleted:          "isDeleted",
	}),
	Hot:    anPublic,
	Is:     isAccessAnalyzer,
	Key:    accessAnalyzerKey,
	Time:   accessAnalyzerTime,
	Header: accessAnalyzerHeader,
	Alert:  accessAnalyzerAlert,
	Says:   []int{anType, anResource},
}

// isAccessAnalyzer: a finding's id and status on a resource of AWS, with the time of the
// analysis.
func isAccessAnalyzer(r *Record) bool {
	return r.has(anID) && r.has(anStatus) && r.has(anAnalyzed) && r.has(anResource) && bytes.Contains(r.scalar(anResourceType), []byte("::"))
}

func accessAnalyzerTime(r *Record) int64 {
	if ns := nanos(r.scalar(anUpdated)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(anAnalyzed))
}

// accessAnalyzerKey: id, owner of the resource, time of the update in milliseconds, status.
func accessAnalyzerKey(r *Record) (yagura.Key, uint64, bool) {
	at := accessAnalyzerTime(r)
	var k keyer
	k.start("aws.accessanalyzer")
	k.part(r.scalar(anID))
	k.part(r.either(anOwner, anAccount))
	k.number(at / 1e6)
	k.part(r.scalar(anStatus))
	return k.sum(), contentHash(at, r.either(anOwner, anAccount), r.scalar(anResourceType), r.scalar(anResource), r.scalar(anStatus)), true
}

func accessAnalyzerHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(anID)
	e.Time = timeOf(accessAnalyzerTime(r))
	arn := r.str(anResource)
	if e.Account = r.str(anOwner, anAccount); e.Account == "" {
		e.Account = arnAccount(arn)
	}
	if e.Region = r.str(anRegion); e.Region == "" {
		e.Region = arnRegion(arn)
	}
	e.Action = r.findingType()
	typ := configType(r.str(anResourceType))
	if strings.HasPrefix(arn, "arn:") {
		typ = arnType(arn)
	}
	e.Targets = addEntity(e.Targets, typ, arn)
	var more []yagura.Entity
	for _, p := range r.few(anPrincipals) {
		more = append(more, awsPrincipal(p))
	}
	finish(e, append(more, yagura.Entity{Type: yagura.EntityAccount, ID: r.str(anPrincipalAccount)})...)
}

// awsPrincipal is the entity of a principal as a policy names it: an ARN, an account, a
// service, a provider of identities; everybody ("*") is none.
func awsPrincipal(p string) yagura.Entity {
	switch {
	case p == "*":
		return yagura.Entity{}
	case strings.HasPrefix(p, "arn:"):
		if _, account, resource, ok := splitARN(p); ok && resource == "root" {
			return yagura.Entity{Type: yagura.EntityAccount, ID: account}
		}
		return yagura.Entity{Type: arnType(p), ID: p}
	case len(p) == 12 && strings.Trim(p, "0123456789") == "":
		return yagura.Entity{Type: yagura.EntityAccount, ID: p}
	case strings.HasSuffix(p, ".amazonaws.com"):
		return yagura.Entity{Type: yagura.EntityServicePrincipal, ID: p}
	}
	return yagura.Entity{Type: yagura.EntityResource, ID: p}
}

// findingType is what was found. The first of the findings, those of access from outside,
// had no type.
func (r *Record) findingType() string {
	if t := r.str(anType); t != "" {
		return t
	}
	return "ExternalAccess"
}

func accessAnalyzerAlert(r *Record) (Alert, bool) {
	typ, on, resource := r.findingType(), r.str(anResourceType), r.str(anResource)
	a := Alert{Family: "accessanalyzer", Scope: "aws.accessanalyzer", Rule: typ, Key: r.str(anID), Posture: true, Title: typ + ": " + on + " " + resource}
	switch public := isAny(r.scalar(anPublic), "true"); {
	case public:
		a.Rule, a.Severity, a.Original = "PublicAccess", yagura.SeverityHigh, "public"
		a.Title = "Public access: " + on + " " + resource
	case strings.HasPrefix(typ, "Unused"):
		a.Severity, a.Original = yagura.SeverityLow, "unused"
	case typ == "InternalAccess":
		a.Severity, a.Original = yagura.SeverityLow, "internal"
	default:
		a.Severity, a.Original = yagura.SeverityMedium, "external"
	}
	if list := r.few(anActions); len(list) > 0 {
		a.Text = "Allowed: " + strings.Join(list[:min(len(list), 20)], ", ") + "."
	}
	switch status := r.scalar(anStatus); {
	case isAny(status, "RESOLVED"):
		a.Resolved, a.State = true, "status RESOLVED"
	case isAny(status, "ARCHIVED"):
		a.Resolved, a.State = true, "status ARCHIVED"
	case isAny(r.scalar(anDeleted), "true"): // with its resource or its analyzer
		a.Resolved, a.State = true, "deleted"
	}
	return a, true
}
