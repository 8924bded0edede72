package decode

import "github.com/yagura-sec/yagura"

// Header fields of OneLogin events, as the Events API, the webhook and the
// EventBridge partner source give them.
const (
	olType = iota
	olAccount
	olID
	olCreated
	olActor
	olActorID
	olUser
	olUserID
	// The fields below are read by the header only.
	olName
	olIP
	olApp
	olRole
	olGroup
	olError
	olAssuming
	olSystem
)

var oneLoginEvents = &Format{
	Name:   "onelogin.events",
	Detail: detailList(false, "user_agent=browser_fingerprint|user_agent", "error=error_description", "app=app_name"),
	Fields: fieldList(false, []string{
		olType:     "event_type_id",
		olAccount:  "account_id",
		olID:       "uuid|id",
		olCreated:  "created_at|event_timestamp",
		olActor:    "actor_user_name",
		olActorID:  "actor_user_id",
		olUser:     "user_name",
		olUserID:   "user_id",
		olName:     "event_type_name|event_type",
		olIP:       "ipaddr",
		olApp:      "app_name",
		olRole:     "role_name",
		olGroup:    "group_name",
		olError:    "error_description",
		olAssuming: "assuming_acting_user_id",
		olSystem:   "actor_system",
	}),
	Hot: olName,
	Is: func(r *Record) bool {
		return r.has(olType) && (r.has(olAccount) || r.has(olCreated) && (r.has(olUserID) || r.has(olActorID)))
	},
	Key:    oneLoginKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(olCreated)) },
	Header: oneLoginHeader,
}

// oneLoginKey: the event's id and account.
func oneLoginKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(nanos(r.scalar(olCreated)), r.either(olActorID, olActor), r.scalar(olType), r.scalar(olUserID))
	id := r.scalar(olID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("onelogin.events")
	k.part(id)
	k.part(r.scalar(olAccount))
	return k.sum(), content, true
}

func oneLoginHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(olID)
	e.Time = timeOf(nanos(r.scalar(olCreated)))
	e.Account = r.str(olAccount)
	e.Action = r.str(olName, olType) // the log numbers its event types
	var more []yagura.Entity
	switch {
	case r.either(olActorID, olActor) != nil:
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: r.str(olActorID, olActor), Name: r.str(olActor)}
	case r.either(olUserID, olUser) != nil: // a user who acted alone, as at a sign-in
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: r.str(olUserID, olUser), Name: r.str(olUser)}
	case r.has(olSystem):
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: r.str(olSystem), Name: r.str(olSystem)}
	}
	e.Actor.SessionOf = r.str(olAssuming)
	e.Targets = addEntity(e.Targets, yagura.EntityUser, r.str(olUserID, olUser))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(olApp))
	e.Targets = addEntity(e.Targets, yagura.EntityRole, r.str(olRole))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(olGroup))
	more = append(more, yagura.Entity{Type: yagura.EntityUser, ID: r.str(olActor)}, yagura.Entity{Type: yagura.EntityUser, ID: r.str(olUser)})
	e.SrcIP = firstAddress(r, olIP)
	e.Outcome = yagura.OutcomeUnknown // the meaning of the numbers is not in the record
	if r.scalar(olError) != nil {
		e.Outcome = yagura.OutcomeFailure
	}
	finish(e, more...)
}
