package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// Header fields that every LogEntry of Google Cloud has, whatever log it is of. Those of a
// log follow them.
const (
	glLogName = iota
	glInsertID
	glTimestamp
	glReceived
	glProject
	glCount
)

// logFields are the fields of a LogEntry, then those of one log.
func logFields(paths ...string) []slot.Field {
	return fieldList(false, append([]string{
		glLogName:   "logName|log_name|log_name_s",
		glInsertID:  "insertId|insert_id|insert_id_s",
		glTimestamp: "timestamp|timestamp_t",
		glReceived:  "receiveTimestamp|receive_timestamp",
		glProject:   "resource.labels.project_id|resource_labels_project_id_s",
	}, paths...))
}

func logTime(r *Record) int64 {
	if ns := nanos(r.scalar(glTimestamp)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(glReceived))
}

// logKey: timestamp in microseconds, log name, insert id and project, as gcp.audit's.
func logKey(r *Record, format string) (key yagura.Key, ok bool) {
	ns, id := nanos(r.scalar(glTimestamp)), r.scalar(glInsertID)
	if id == nil || ns == 0 {
		return yagura.Key{}, false
	}
	var k keyer
	k.start(format)
	k.number(ns / 1e3)
	k.part(r.scalar(glLogName))
	k.part(id)
	k.part(r.scalar(glProject))
	return k.sum(), true
}

// isLog says whether a LogEntry is of the log of that name, of any service; a slash in the
// name of a log is written as %2F.
func isLog(r *Record, names ...string) bool {
	log := r.scalar(glLogName)
	for _, name := range names {
		if cut := len(log) - len(name); cut > 0 && string(log[cut:]) == name && (log[cut-1] == '/' || bytes.HasSuffix(log[:cut], []byte("%2F"))) {
			return true
		}
	}
	return false
}

// logHeader fills what a LogEntry says of itself.
func logHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(glInsertID)
	e.Time = timeOf(logTime(r))
	if e.Account = r.str(glProject); e.Account == "" {
		// projects/{id}/logs/…, organizations/…, folders/…, billingAccounts/…
		if parts := strings.SplitN(r.str(glLogName), "/", 3); len(parts) == 3 {
			e.Account = parts[1]
		}
	}
}

// cutZone cuts a zone of Google Cloud to its region: us-central1-f to us-central1.
func cutZone(where string) string {
	if i := len(where) - 2; i > 4 && where[i] == '-' && where[i+1] >= 'a' && where[i+1] <= 'z' && where[i-1] >= '0' && where[i-1] <= '9' {
		return where[:i]
	}
	return where
}

// placeIn is the zone, region or location in the name of a resource of Google Cloud, a zone
// cut to its region.
func placeIn(name string) string {
	for _, kind := range [...]string{"/zones/", "/regions/", "/locations/"} {
		if _, rest, ok := strings.Cut(name, kind); ok {
			place, _, _ := strings.Cut(rest, "/")
			return cutZone(place)
		}
	}
	return ""
}
