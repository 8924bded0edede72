package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of an asset of Google's Cloud Asset Inventory: in the notification of a feed
// and in the history (with the window in which it was so), and as it is exported and listed.
// Exports write names with underscores.
const (
	gsName = iota
	gsType
	gsUpdated
	gsSince
	gsDeleted
	gsPrior
	gsPriorState
	gsAncestors
	gsResource
	gsPolicy
	gsOrgPolicy
	// The fields below are read by the header only.
	gsLocation
	gsProject
	gsMembers
	gsEmail
	gsRelated
)

var gcpAsset = &Format{
	Name: "gcp.asset",
	Fields: fieldList(false, []string{
		gsName:       inAsset("name"),
		gsType:       inAsset("assetType"),
		gsUpdated:    inAsset("updateTime"),
		gsSince:      underscored("window.", "startTime"),
		gsDeleted:    "deleted",
		gsPrior:      underscored("", "priorAsset.name"),
		gsPriorState: underscored("", "priorAssetState"),
		gsAncestors:  inAsset("ancestors"),
		gsResource:   inAsset("resource"),
		gsPolicy:     inAsset("iamPolicy"),
		gsOrgPolicy:  inAsset("orgPolicy"),
		gsLocation:   inAsset("resource.location"),
		gsProject:    inAsset("resource.data.projectId"),
		gsMembers:    inAsset("iamPolicy.bindings.members"),
		gsEmail:      inAsset("resource.data.email"),
		gsRelated:    inAsset("relatedAsset.asset"),
	}),
	Hot:    gsLocation,
	Is:     isGCPAsset,
	Key:    gcpAssetKey,
	Time:   gcpAssetTime,
	Header: gcpAssetHeader,
}

// inAsset lists the paths of a field of an asset.
func inAsset(path string) string { return underscored("asset.", path) + "|" + underscored("", path) }

// isGCPAsset: the full name of a resource ("//compute.googleapis.com/…") with its type.
func isGCPAsset(r *Record) bool {
	return bytes.HasPrefix(r.scalar(gsName), []byte("//")) && bytes.Contains(r.scalar(gsType), []byte(".googleapis.com/")) &&
		(r.has(gsAncestors) || r.has(gsUpdated) || r.has(gsResource) || r.has(gsPolicy) || r.has(gsOrgPolicy) || r.has(gsSince))
}

// gcpAssetTime is that since when it is so.
func gcpAssetTime(r *Record) int64 {
	if ns := nanos(r.scalar(gsSince)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(gsUpdated))
}

// gcpAssetKey: name, assetType, the kind of content, time in milliseconds, deleted. A feed
// and an export tell one state of an asset by one time.
func gcpAssetKey(r *Record) (yagura.Key, uint64, bool) {
	at := nanos(r.scalar(gsUpdated))
	if at == 0 {
		at = gcpAssetTime(r)
	}
	var k keyer
	k.start("gcp.asset")
	k.part(r.scalar(gsName))
	k.part(r.scalar(gsType))
	k.part(truthOf(r.has(gsResource)))
	k.part(truthOf(r.has(gsPolicy)))
	k.part(truthOf(r.has(gsOrgPolicy)))
	k.number(at / 1e6)
	k.part(truth(r.scalar(gsDeleted)))
	return k.sum(), contentHash(at, r.scalar(gsType), r.scalar(gsName), truth(r.scalar(gsDeleted))), at != 0
}

func gcpAssetHeader(r *Record, e *yagura.Event) {
	name := r.str(gsName)
	e.Time = timeOf(gcpAssetTime(r))
	e.Action = r.str(gsType) + " " + r.assetState()
	if e.Region = cutZone(r.str(gsLocation)); e.Region == "" {
		e.Region = placeIn(name)
	}
	e.Account = r.assetAccount(name)
	if email := r.str(gsEmail); email != "" && r.str(gsType) == "iam.googleapis.com/ServiceAccount" {
		e.Targets = addEntity(e.Targets, yagura.EntityServicePrincipal, email)
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, name)
	var more []yagura.Entity
	for _, m := range r.few(gsMembers) {
		more = append(more, entityOf(googlePrincipal(m)))
	}
	finish(e, append(more, yagura.Entity{Type: yagura.EntityResource, ID: r.str(gsRelated)})...)
}

// assetState says what a record tells of an asset: that it is, or what became of it.
func (r *Record) assetState() string {
	switch {
	case isAny(r.scalar(gsDeleted), "true"):
		return "deleted"
	case isAny(r.scalar(gsPriorState), "DOES_NOT_EXIST"):
		return "created"
	case isAny(r.scalar(gsPriorState), "DELETED"):
		return "restored"
	case r.has(gsPrior), r.has(gsPriorState) && !isAny(r.scalar(gsPriorState), "PRIOR_ASSET_STATE_UNSPECIFIED", "INVALID"):
		return "changed"
	}
	return "present"
}

// assetAccount is the project of an asset: its id where it is told, else its number, else
// the folder or organization.
func (r *Record) assetAccount(name string) string {
	if id := r.str(gsProject); id != "" && r.str(gsType) == "cloudresourcemanager.googleapis.com/Project" {
		return id
	}
	id := projectIn(name)
	if id != "" && !isNumber([]byte(id)) {
		return id
	}
	if ancestors := r.few(gsAncestors); id == "" && len(ancestors) > 0 {
		_, id, _ = strings.Cut(ancestors[0], "/")
	}
	return id
}
