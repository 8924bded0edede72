package decode

import "github.com/yagura-sec/yagura"

// Header fields of the logs of Cisco Duo's Admin API: administrator actions
// (duo.admin) and authentications (duo.auth, version 1 and 2 of that API).
const (
	duAction = iota
	duObject
	duUsername
	duISO
	duTime
	duEventType
	duFactor
	duResult
	duTxID
	duUserKey
	duUserName
	duDescription
	// The fields below are read by the header only.
	duIP
	duApp
	duDevice
	duEmail
)

var duoFields = fieldList(false, []string{
	duAction:      "action",
	duObject:      "object",
	duUsername:    "username",
	duISO:         "isotimestamp",
	duTime:        "timestamp",
	duEventType:   "event_type",
	duFactor:      "factor",
	duResult:      "result",
	duTxID:        "txid",
	duUserKey:     "user.key",
	duUserName:    "user.name",
	duDescription: "description",
	duIP:          "ip|access_device.ip|description.ip_address",
	duApp:         "application.name|integration",
	duDevice:      "access_device.hostname",
	duEmail:       "email|description.email",
})

// duoAdmin is an administrator action. Its log has no native id: the reader keys it
// by file and record number.
var duoAdmin = &Format{
	Name:   "duo.admin",
	Fields: duoFields,
	Hot:    duIP,
	Is: func(r *Record) bool {
		// The name is empty where Duo itself acts, and what says nothing may be absent.
		return r.has(duAction) && r.First(duUsername) >= 0 && r.has(duTime) && r.First(duObject) >= 0 &&
			(r.First(duDescription) >= 0 || r.has(duISO))
	},
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(duoTime(r), r.scalar(duUsername), r.scalar(duAction), r.scalar(duObject)), false
	},
	Time:   duoTime,
	Header: duoHeader,
}

// duoAuth is an authentication. Key: its txid; version 1 of the API has none.
var duoAuth = &Format{
	Name:   "duo.auth",
	Fields: duoFields,
	Hot:    duIP,
	Is: func(r *Record) bool {
		return r.has(duFactor) && r.has(duResult) && (r.has(duISO) || r.has(duTime)) &&
			(r.has(duTxID) || r.has(duUsername) || r.has(duUserKey)) ||
			r.has(duTxID) && r.has(duEventType) && r.has(duResult)
	},
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		content := contentHash(duoTime(r), r.either(duUserKey, duUsername), r.either(duEventType, duFactor), r.scalar(duResult))
		id := r.scalar(duTxID)
		if id == nil {
			return yagura.Key{}, content, false
		}
		var k keyer
		k.start("duo.auth")
		k.part(id)
		return k.sum(), content, true
	},
	Time:   duoTime,
	Header: duoHeader,
}

func duoTime(r *Record) int64 {
	if ns := nanos(r.scalar(duISO)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(duTime))
}

func duoHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(duTxID)
	e.Time = timeOf(duoTime(r))
	if e.Action = r.str(duAction, duEventType); e.Action == "" {
		e.Action = "authentication" // version 1 gives authentications no name
	}
	failed := isAny(r.scalar(duAction), "admin_login_error", "admin_2fa_error")
	if id := r.str(duUserKey, duUsername, duUserName); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(duUserName, duUsername)}
	} else if id := r.str(duEmail); failed && id != "" { // nobody signed in: whoever tried is told by the address given
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: id}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(duObject))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(duApp))
	e.SrcIP = firstAddress(r, duIP)
	if r.has(duAction) {
		e.Outcome = yagura.OutcomeSuccess // administrator actions are things that were done
		if failed {
			e.Outcome = yagura.OutcomeFailure
		}
	} else {
		e.Outcome = outcomeWord(r.scalar(duResult))
	}
	finish(e, yagura.Entity{Type: yagura.EntityUser, ID: r.str(duUserName, duUsername)}, yagura.Entity{Type: yagura.EntityUser, ID: r.str(duEmail)},
		yagura.Entity{Type: yagura.EntityHost, ID: r.str(duDevice)})
}
