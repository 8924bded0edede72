package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a syslog line, and of a row of Log Analytics' table Syslog.
const (
	syTime = iota
	syYear
	syHost
	syMessage
	syPriority
	syProgram
	syFacility
	syTable
	// The fields below are read by the header only.
	syMsgID
)

var syslogLine = &Format{
	Name: "syslog",
	Fields: fieldList(false, []string{
		syTime:     "timestamp|EventTime|TimeGenerated",
		syYear:     "year",
		syHost:     "hostname|HostName|Computer",
		syMessage:  "message|SyslogMessage",
		syPriority: "pri",
		syProgram:  "appname|ProcessName",
		syFacility: "facility|Facility",
		syTable:    "SyslogMessage",
		syMsgID:    "msgid",
	}),
	Hot: syMsgID,
	Is: func(r *Record) bool {
		if r.has(syTable) { // of Log Analytics
			return r.has(syFacility) && r.has(syTime)
		}
		return r.has(syPriority) && r.has(syFacility) && (r.has(syMessage) || r.has(syTime)) || r.has(syHost) && r.has(syTime) && r.has(syProgram)
	},
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(syslogTime(r, syTime, syYear), r.scalar(syHost), r.scalar(syProgram), r.scalar(syMessage), nil), false
	},
	Time:   func(r *Record) int64 { return syslogTime(r, syTime, syYear) },
	Header: syslogLineHeader,
}

// syslogTime reads a time that may have its year in another field.
func syslogTime(r *Record, at, year int) int64 {
	t := r.scalar(at)
	if ns := nanos(t); ns != 0 {
		return ns
	}
	y := r.scalar(year)
	if n, ok := digits(y, len(y)); ok && len(y) == 4 {
		ns, _ := parseMonthFirst(t, n)
		return ns
	}
	return 0
}

func syslogLineHeader(r *Record, e *yagura.Event) {
	e.Time = timeOf(syslogTime(r, syTime, syYear))
	program := r.str(syProgram)
	if e.Action = r.str(syMsgID); e.Action == "" {
		e.Action = program
	}
	if m := r.scalar(syMessage); strings.HasPrefix(program, "sshd") {
		sshLogin(m, e)
	} else if program == "sudo" {
		if who, _, ok := bytes.Cut(m, []byte(" : ")); ok && bytes.Contains(m, []byte("COMMAND=")) {
			name := string(bytes.TrimSpace(who))
			e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: name, Name: name}
		}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(syHost))
	finish(e)
}

// sshLogin reads what OpenSSH's server says of somebody who logs in, or tries to.
func sshLogin(message []byte, e *yagura.Event) {
	verb, rest, _ := bytes.Cut(message, []byte{' '})
	switch string(verb) {
	case "Accepted":
		e.Outcome = yagura.OutcomeSuccess
	case "Failed", "Invalid":
		e.Outcome = yagura.OutcomeFailure
	default:
		return
	}
	// The name is whatever the client sent: the last " from " is the server's own.
	at := bytes.LastIndex(rest, []byte(" from "))
	if at < 0 {
		e.Outcome = yagura.OutcomeUnknown
		return
	}
	e.Action = "ssh_login"
	who := rest[:at]
	if string(verb) == "Invalid" {
		who = bytes.TrimPrefix(who, []byte("user "))
	} else if _, after, ok := bytes.Cut(who, []byte(" for ")); ok {
		who = bytes.TrimPrefix(after, []byte("invalid user "))
	}
	from, _, _ := bytes.Cut(rest[at+len(" from "):], []byte{' '})
	e.SrcIP = address(string(from))
	if name := strings.ToValidUTF8(string(who), "\uFFFD"); name != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: name, Name: name}
	}
}
