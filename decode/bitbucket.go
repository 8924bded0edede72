package decode

import (
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the audit log of Bitbucket Data Center 7 and later, as its log
// file and its REST API give it, which calls the type of an event "type".
const (
	bbAction = iota
	bbCategory
	bbTime
	bbSecond
	bbNano
	bbAuthor
	bbAuthorID
	bbObject
	bbObjects
	bbFile
	// The fields below are read by the header only.
	bbSource
	bbSystem
	bbNode
	bbAuthorType
)

var bitbucketAudit = &Format{
	Name: "bitbucket.audit",
	Fields: fieldList(false, []string{
		bbAction:     "auditType.action|type.action",
		bbCategory:   "auditType.category|type.category",
		bbTime:       "timestamp",
		bbSecond:     "timestamp.epochSecond",
		bbNano:       "timestamp.nano",
		bbAuthor:     "author.name",
		bbAuthorID:   "author.id",
		bbObject:     "affectedObjects.id",
		bbObjects:    "affectedObjects",
		bbFile:       "auditType",
		bbSource:     "source",
		bbSystem:     "system",
		bbNode:       "node",
		bbAuthorType: "author.type",
	}),
	Hot: bbSource,
	Is: func(r *Record) bool {
		return r.has(bbAction) && r.has(bbCategory) &&
			(r.has(bbFile) || r.First(bbObjects) >= 0 && (r.has(bbTime) || r.has(bbSecond)))
	},
	// The log has no native id: the reader keys it by file and record number.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(bitbucketTime(r), r.either(bbAuthorID, bbAuthor), r.scalar(bbAction), r.scalar(bbObject)), false
	},
	Time:   bitbucketTime,
	Header: bitbucketHeader,
}

func bitbucketTime(r *Record) int64 {
	if ns := nanos(r.scalar(bbTime)); ns != 0 {
		return ns
	}
	seconds := nanos(r.scalar(bbSecond))
	if n, ok := digits(r.scalar(bbNano), len(r.scalar(bbNano))); ok && seconds != 0 && len(r.scalar(bbNano)) <= 9 {
		seconds += int64(n)
	}
	return seconds
}

func bitbucketHeader(r *Record, e *yagura.Event) {
	e.Time = timeOf(bitbucketTime(r))
	e.Action = r.str(bbAction)
	e.Account = r.str(bbSystem)
	if id := r.str(bbAuthor, bbAuthorID); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: id}
		if isAny(r.scalar(bbAuthorType), "system") {
			e.Actor.Type = yagura.EntityServicePrincipal
		}
	}
	var objects []struct{ ID, Name, Type looseText }
	r.decode(bbObjects, &objects)
	for _, o := range objects {
		typ, id := yagura.EntityResource, string(o.Name)
		if strings.EqualFold(string(o.Type), "user") {
			typ = yagura.EntityUser
		}
		if id == "" {
			id = string(o.ID)
		}
		e.Targets = addEntity(e.Targets, typ, id)
	}
	e.SrcIP = firstAddress(r, bbSource)
	e.Outcome = yagura.OutcomeSuccess // the log records what was done, unless its name says otherwise
	if name := strings.ToLower(e.Action); strings.Contains(name, "failed") || strings.Contains(name, "rejected") {
		e.Outcome = yagura.OutcomeFailure
	}
	finish(e, yagura.Entity{Type: yagura.EntityHost, ID: r.str(bbNode)})
}
