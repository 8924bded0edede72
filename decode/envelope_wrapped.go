package decode

import (
	"bytes"

	"github.com/yagura-sec/yagura/slot"
)

// Wrappers that a collector or an export puts around a record. Each is opened only
// where what it holds is a record of a known format.

// auditData is a row of a Search-UnifiedAuditLog export, a record of Microsoft Graph's audit
// log query or a row of Defender's table CloudAppEvents: the record is in AuditData or
// RawEventData, as an object or as text.
var auditData = Envelope{
	Name:      "unified audit log export",
	Fields:    fieldList(false, []string{"AuditData|auditData|RawEventData", "ActionType|RecordType|Operations|UserIds|CreationDate|auditLogRecordType"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return r.has(1) && holdsJSON(r, 0) },
	Open:      emitHeld(0),
}

// cloudAppEvent is a row of CloudAppEvents, Defender's table of what was done in cloud
// applications, streamed or exported: the record that it was made of is in RawEventData.
var cloudAppEvent = Envelope{
	Name:      "Defender CloudAppEvents",
	Fields:    fieldList(true, []string{"properties.RawEventData|RawEventData", "category|type|properties.actionType|actionType"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return r.has(1) && holdsJSON(r, 0) },
	Open:      emitHeld(0),
}

// splunkEvent is an event of Splunk's HTTP Event Collector, as objects or text below
// "event", and of others who use that name.
var splunkEvent = Envelope{
	Name:      "Splunk event",
	Fields:    fieldList(false, []string{"event"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return holdsJSON(r, 0) },
	Open:      emitHeld(0),
}

// elasticHit is a document as Elasticsearch hands it out: the record is the document.
var elasticHit = Envelope{
	Name:      "Elasticsearch document",
	Fields:    fieldList(false, []string{"_source", "_index"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return r.has(1) && r.kind(0) == slot.Object },
	Open:      emitHeld(0),
}

// aksAudit is a Kubernetes audit event in the diagnostic logs of AKS, from an event hub
// or storage account, or in the table AzureDiagnostics.
var aksAudit = Envelope{
	Name:      "AKS diagnostic log",
	Fields:    fieldList(true, []string{"properties.log|log_s", "category"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return hasPrefixFold(r.scalar(1), "kube-audit") && holdsJSON(r, 0) },
	Open:      emitHeld(0),
}

// textLine is a record as the text of a line that a shipper read: Filebeat and
// Logstash (message, event.original; also in a document of Elasticsearch), Fluent Bit
// and Docker (log), CloudWatch Logs Insights (@message), Graylog (short_message),
// Splunk's export (_raw).
var textLine = Envelope{
	Name: "line of a log shipper",
	Fields: fieldList(false, []string{"message|@message|event.original|log|short_message|_raw|result._raw|" +
		"_source.event.original|_source.message"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return jsonLine(r) != nil },
	Open:      func(r *Record, emit func([]byte)) error { emit(jsonLine(r)); return nil },
}

// jsonLine returns the first of the texts that is JSON or a line of a known form: beside the line as it was read
// there may be words made of it.
func jsonLine(r *Record) []byte {
	for v := r.First(0); v >= 0; v = r.Doc.Next(v) {
		if r.Doc.Kind(v) == slot.String {
			if text := r.Doc.Text(v); opens(text) || textual(text, true) {
				return text
			}
		}
	}
	return nil
}

// githubSyslog is a line that GitHub Enterprise Server forwards by syslog: the record
// stands behind "github_audit: ".
var githubSyslog = Envelope{
	Name:      "GitHub Enterprise Server syslog",
	Fields:    fieldList(false, []string{"message"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return opens(behindGitHubAudit(r.Text(0))) },
	Open: func(r *Record, emit func([]byte)) error {
		emit(behindGitHubAudit(r.Text(0)))
		return nil
	},
}

func behindGitHubAudit(line []byte) []byte {
	if _, record, ok := bytes.Cut(line, []byte("github_audit: ")); ok {
		return record
	}
	return nil
}

// duoResponse is a page of authentications as version 2 of Duo's Admin API gives it.
var duoResponse = Envelope{
	Name:   "Duo Admin API",
	Fields: fieldList(false, []string{"response.authlogs", "stat"}),
	Is:     func(r *Record) bool { return r.has(1) && r.kind(0) == slot.Array },
	Open:   func(r *Record, emit func([]byte)) error { emit(r.Doc.Raw(r.First(0))); return nil },
}

// heldData is a record below "data", as an object or as text: a message of Pub/Sub as
// Splunk's add-on and other clients hand it on, and a CloudEvent (Eventarc).
var heldData = Envelope{
	Name:      "message with data",
	Fields:    fieldList(false, []string{"data"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return holdsJSON(r, 0) },
	Open:      emitHeld(0),
}

// holdsJSON says whether the first value of field i is an object, or text that is one or a line
// of a known form.
func holdsJSON(r *Record, i int) bool {
	switch r.kind(i) {
	case slot.Object:
		return true
	case slot.String:
		text := r.Text(i)
		return opens(text) || textual(text, true)
	}
	return false
}

// emitHeld hands out what [holdsJSON] found, an object as it is written.
func emitHeld(i int) func(*Record, func([]byte)) error {
	return func(r *Record, emit func([]byte)) error {
		if v := r.First(i); r.Doc.Kind(v) == slot.Object {
			emit(r.Doc.Raw(v))
			return nil
		}
		emit(r.Text(i))
		return nil
	}
}
