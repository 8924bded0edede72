package decode

import "github.com/yagura-sec/yagura"

// Header fields of an event in LEEF.
const (
	leVersion = iota
	leVendor
	leEvent
	leTime
	leStamp
	leYear
	leUser
	leTarget
	leResult
	// The fields below are read by the header only.
	leSource
	leAction
	leHost
	leDevice
	leResource
)

var leefEvent = &Format{
	Name: "leef",
	Fields: fieldList(false, []string{
		leVersion:  "leefVersion",
		leVendor:   "vendor",
		leEvent:    "eventId",
		leTime:     "devTime",
		leStamp:    "syslog_timestamp",
		leYear:     "syslog_year",
		leUser:     "usrName|accountName|user",
		leTarget:   "dst",
		leResult:   "outcome|result|status",
		leSource:   "src|identSrc",
		leAction:   "action|act",
		leHost:     "dstHostName|identHostName|dhost",
		leDevice:   "syslog_hostname",
		leResource: "resource|url",
	}),
	Hot: leSource,
	Is:  func(r *Record) bool { return r.has(leVersion) && r.has(leVendor) },
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(leefTime(r), r.scalar(leUser), r.scalar(leEvent), r.scalar(leTarget), r.scalar(leResult)), false
	},
	Time:   leefTime,
	Header: leefHeader,
}

func leefTime(r *Record) int64 {
	if ns := nanos(r.scalar(leTime)); ns != 0 {
		return ns
	}
	return syslogTime(r, leStamp, leYear)
}

func leefHeader(r *Record, e *yagura.Event) {
	e.Time = timeOf(leefTime(r))
	act := r.str(leAction)
	if e.Action = r.str(leEvent); e.Action == "" {
		e.Action = act
	}
	if e.Outcome = outcomeWord(r.scalar(leResult)); e.Outcome == yagura.OutcomeUnknown {
		e.Outcome = actOutcome(act)
	}
	e.SrcIP = firstAddress(r, leSource)
	if user := r.str(leUser); user != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: user, Name: user}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(leHost))
	e.Targets = addEntity(e.Targets, yagura.EntityIP, firstAddress(r, leTarget))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(leResource))
	finish(e, yagura.Entity{Type: yagura.EntityHost, ID: r.str(leDevice)})
}
