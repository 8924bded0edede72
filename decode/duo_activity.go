package decode

import "github.com/yagura-sec/yagura"

// Header fields of Duo's activity log, version 2 of the Admin API: what administrators and
// users did with accounts, devices, policies and applications.
const (
	dvID = iota
	dvTime
	dvAction
	dvAccount
	dvActor
	dvTarget
	dvResult
	// The fields below are read by the header only.
	dvActorName
	dvActorType
	dvTargetName
	dvTargetType
	dvIP
	dvDevice
	dvApp
)

var duoActivity = &Format{
	Name: "duo.activity",
	Fields: fieldList(false, []string{
		dvID:         "activity_id",
		dvTime:       "ts",
		dvAction:     "action.name",
		dvAccount:    "akey",
		dvActor:      "actor.key|actor.name",
		dvTarget:     "target.key|target.name",
		dvResult:     "outcome.result",
		dvActorName:  "actor.name",
		dvActorType:  "actor.type",
		dvTargetName: "target.name",
		dvTargetType: "target.type",
		dvIP:         "access_device.ip.address|access_device.ip",
		dvDevice:     "access_device.hostname",
		dvApp:        "application.name",
	}),
	Hot: dvActorName,
	Is: func(r *Record) bool {
		return r.has(dvID) && r.has(dvTime) && r.has(dvAction)
	},
	// The key: the activity's id and the account.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		content := contentHash(nanos(r.scalar(dvTime)), r.scalar(dvActor), r.scalar(dvAction), r.scalar(dvTarget), r.scalar(dvResult))
		var k keyer
		k.start("duo.activity")
		k.part(r.scalar(dvID))
		k.part(r.scalar(dvAccount))
		return k.sum(), content, true
	},
	Time:   func(r *Record) int64 { return nanos(r.scalar(dvTime)) },
	Header: duoActivityHeader,
}

func duoActivityHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(dvID)
	e.Time = timeOf(nanos(r.scalar(dvTime)))
	e.Account = r.str(dvAccount)
	e.Action = r.str(dvAction)
	if id := r.str(dvActor); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(dvActorName)}
		if isAny(r.scalar(dvActorType), "system", "api", "integration", "directory_sync") {
			e.Actor.Type = yagura.EntityServicePrincipal
		}
	}
	typ := yagura.EntityResource
	if isAny(r.scalar(dvTargetType), "user", "admin") {
		typ = yagura.EntityUser
	}
	e.Targets = addEntity(e.Targets, typ, r.str(dvTarget))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(dvApp))
	e.SrcIP = firstAddress(r, dvIP)
	if e.Outcome = outcomeWord(r.scalar(dvResult)); !r.has(dvResult) {
		e.Outcome = yagura.OutcomeSuccess // an activity is something that was done
	}
	finish(e, yagura.Entity{Type: e.Actor.Type, ID: r.str(dvActorName)}, yagura.Entity{Type: typ, ID: r.str(dvTargetName)},
		yagura.Entity{Type: yagura.EntityHost, ID: r.str(dvDevice)})
}
