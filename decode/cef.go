package decode

import "github.com/yagura-sec/yagura"

// Header fields of an event in CEF: by the keys of its own dictionary, by their full names, and
// by the columns of Microsoft's table CommonSecurityLog. Names compare without regard to case.
const (
	ceVendor = iota
	ceProduct
	ceClass
	ceReceived
	ceStamp
	ceYear
	ceEnd
	ceStart
	ceAction
	ceName
	ceUser
	ceOutcome
	ceTarget
	// The fields below are read by the header only.
	ceSource
	ceTargetUser
	ceTargetHost
	ceDevice
	ceExternal
	ceUserID
	ceSourceHost
	ceFile
)

var cefEvent = &Format{
	Name: "cef",
	Fields: fieldList(true, []string{
		ceVendor:     "deviceVendor",
		ceProduct:    "deviceProduct",
		ceClass:      "cefVersion|deviceEventClassId|signatureId|activity",
		ceReceived:   "rt|deviceReceiptTime|receiptTime",
		ceStamp:      "syslog_timestamp|timeGenerated",
		ceYear:       "syslog_year",
		ceEnd:        "end|endTime",
		ceStart:      "start|startTime",
		ceAction:     "act|deviceAction",
		ceName:       "name|activity",
		ceUser:       "suser|sourceUserName",
		ceOutcome:    "outcome|eventOutcome",
		ceTarget:     "dst|destinationAddress|destinationIP",
		ceSource:     "src|sourceAddress|sourceIP|c6a2|deviceCustomIPv6Address2",
		ceTargetUser: "duser|destinationUserName",
		ceTargetHost: "dhost|destinationHostName",
		ceDevice:     "dvchost|deviceHostName|deviceName|syslog_hostname|computer",
		ceExternal:   "externalId|extID",
		ceUserID:     "suid|sourceUserId",
		ceSourceHost: "shost|sourceHostName",
		ceFile:       "filePath|fname|fileName",
	}),
	Hot: ceSource,
	Is:  func(r *Record) bool { return r.has(ceVendor) && r.has(ceProduct) && r.has(ceClass) },
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(cefTime(r), r.scalar(ceUser), r.either(ceAction, ceName), r.scalar(ceTarget), r.scalar(ceOutcome)), false
	},
	Time:   cefTime,
	Header: cefHeader,
}

// cefTime is when the device got to know of the event; else what the line before it says, else when
// the activity ended or began.
func cefTime(r *Record) int64 {
	if ns := nanos(r.scalar(ceReceived)); ns != 0 {
		return ns
	}
	if ns := syslogTime(r, ceStamp, ceYear); ns != 0 {
		return ns
	}
	if ns := nanos(r.scalar(ceEnd)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(ceStart))
}

func cefHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(ceExternal)
	e.Time = timeOf(cefTime(r))
	act := r.str(ceAction)
	if e.Action = act; act == "" {
		e.Action = r.str(ceName)
	}
	if e.Outcome = outcomeWord(r.scalar(ceOutcome)); e.Outcome == yagura.OutcomeUnknown {
		e.Outcome = actOutcome(act)
	}
	e.SrcIP = firstAddress(r, ceSource)
	user, target := r.str(ceUser, ceUserID), r.str(ceTargetUser)
	switch {
	case user != "":
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: user, Name: r.str(ceUser)}
		e.Targets = addEntity(e.Targets, yagura.EntityUser, target)
	case target != "": // who signed in, where nobody else acts
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: target, Name: target}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(ceTargetHost))
	e.Targets = addEntity(e.Targets, yagura.EntityIP, firstAddress(r, ceTarget))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(ceFile))
	finish(e, yagura.Entity{Type: yagura.EntityHost, ID: r.str(ceDevice)}, yagura.Entity{Type: yagura.EntityHost, ID: r.str(ceSourceHost)})
}

// actOutcome judges by what a device did with a connection or file.
func actOutcome(act string) string {
	text := []byte(act)
	if o := outcomeWord(text); o != yagura.OutcomeUnknown {
		return o
	}
	switch {
	case isAny(text, "block", "drop", "dropped", "prevent", "prevented", "quarantined", "quarantine", "discard", "discarded", "reset", "stopped", "refuse", "refused"):
		return yagura.OutcomeFailure
	case isAny(text, "permit", "permitted", "pass", "forwarded", "monitored", "detected"):
		return yagura.OutcomeSuccess
	}
	return yagura.OutcomeUnknown
}
