package decode

import (
	"bytes"

	"github.com/yagura-sec/yagura"
)

// Header fields of Slack's audit logs: the entries of the API, and the same streamed.
const (
	slID = iota
	slAction
	slTime
	slActorType
	slUser
	slEntityType
	slLocation
	slTarget
	// The fields below are read by the header only.
	slEmail
	slName
	slIP
	slSession
	slApp
	slTargetUser
	slTargetName
)

var slackAudit = &Format{
	Name:   "slack.audit",
	Detail: detailList(false, "user_agent=context.ua", "session_id=context.session_id"),
	Fields: fieldList(false, []string{
		slID:         "id",
		slAction:     "action",
		slTime:       "date_create",
		slActorType:  "actor.type",
		slUser:       "actor.user.id",
		slEntityType: "entity.type",
		slLocation:   "context.location.id",
		slTarget: "entity.user.id|entity.workspace.id|entity.enterprise.id|entity.file.id|entity.channel.id|entity.app.id|entity.usergroup.id|entity.workflow.id|" +
			"entity.message.channel|entity.barrier.id|entity.role.id|entity.account_type_role.id|entity.huddle.id|entity.canvas.id|entity.list.id",
		slEmail:      "actor.user.email",
		slName:       "actor.user.name",
		slIP:         "context.ip_address",
		slSession:    "context.session_id",
		slApp:        "context.app.id|details.app_id|entity.app.id",
		slTargetUser: "entity.user.email|details.target_user.email|details.target_user",
		slTargetName: "entity.workspace.name|entity.enterprise.name|entity.file.name|entity.channel.name|entity.app.name|entity.usergroup.name|entity.workflow.name|entity.role.name",
	}),
	Hot: slEmail,
	Is: func(r *Record) bool {
		return r.has(slTime) && r.has(slAction) && r.has(slActorType) && r.has(slEntityType)
	},
	Key:    slackKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(slTime)) },
	Header: slackHeader,
}

// slackKey: the entry's id.
func slackKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(nanos(r.scalar(slTime)), r.scalar(slUser), r.scalar(slAction), r.scalar(slTarget), nil)
	id := r.scalar(slID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("slack.audit")
	k.part(id)
	return k.sum(), content, true
}

func slackHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(slID)
	e.Time = timeOf(nanos(r.scalar(slTime)))
	e.Account = r.str(slLocation)
	e.Action = r.str(slAction)
	if id := r.str(slUser, slEmail, slName); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(slEmail, slName)}
		if isAny(r.scalar(slActorType), "app", "bot", "service") {
			e.Actor.Type = yagura.EntityServicePrincipal
		}
	}
	typ := yagura.EntityResource
	switch {
	case isAny(r.scalar(slEntityType), "user"):
		typ = yagura.EntityUser
	case isAny(r.scalar(slEntityType), "app"):
		typ = yagura.EntityServicePrincipal
	case isAny(r.scalar(slEntityType), "workspace", "enterprise"):
		typ = yagura.EntityAccount
	case isAny(r.scalar(slEntityType), "role", "account_type_role"):
		typ = yagura.EntityRole
	}
	e.Targets = addEntity(e.Targets, typ, r.str(slTarget, slTargetName))
	e.SrcIP = firstAddress(r, slIP)
	e.Outcome = yagura.OutcomeSuccess // the log tells what was done
	if a := r.scalar(slAction); bytes.Contains(a, []byte("failed")) || bytes.Contains(a, []byte("denied")) || bytes.Contains(a, []byte("blocked")) {
		e.Outcome = yagura.OutcomeFailure
	}
	finish(e, yagura.Entity{Type: yagura.EntityUser, ID: r.str(slEmail)}, yagura.Entity{Type: yagura.EntityUser, ID: r.str(slTargetUser)},
		yagura.Entity{Type: yagura.EntityServicePrincipal, ID: r.str(slApp)}, yagura.Entity{Type: yagura.EntitySession, ID: r.str(slSession)})
}
