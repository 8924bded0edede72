package decode

import "github.com/yagura-sec/yagura/slot"

// The shapes in which logs come out of Datadog. What a pipeline of Datadog moved is
// put back by rewriteDatadog. A log whose attributes are no record of a known format
// stays as it is.

// datadogContent is a log of the Logs API version 1, and of a webhook.
var datadogContent = Envelope{
	Name:      "Datadog log",
	Fields:    fieldList(false, []string{"content.attributes", "content.timestamp", "content.tags|content.service|content.host", "content.message"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return r.kind(0) == slot.Object && (r.has(1) || r.has(2)) },
	Open:      openDatadog,
}

// datadogData is a log of the Logs API version 2.
var datadogData = Envelope{
	Name:      "Datadog log",
	Fields:    fieldList(false, []string{"attributes.attributes", "attributes.timestamp", "type|attributes.tags|attributes.service", "attributes.message"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return r.kind(0) == slot.Object && (r.has(1) || r.has(2)) },
	Open:      openDatadog,
}

// datadogArchive is a log as Datadog archives it.
var datadogArchive = Envelope{
	Name:      "Datadog log",
	Fields:    fieldList(false, []string{"attributes", "date|timestamp", "tags|service|source|ddsource", "message"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return r.kind(0) == slot.Object && (r.has(1) || r.has(2)) },
	Open:      openDatadog,
}

// datadogAttributes is the attributes alone.
var datadogAttributes = Envelope{
	Name:      "Datadog attributes",
	Fields:    fieldList(false, []string{"evt", "network|usr|http|resourceId|service|title"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return r.kind(0) == slot.Object && r.has(1) },
	Open: func(r *Record, emit func([]byte)) error {
		record, err := rewriteDatadog(r.Doc.Record(), nil, nil)
		if err == nil {
			emit(record)
		}
		return err
	},
}

func openDatadog(r *Record, emit func([]byte)) error {
	var timestamp, message []byte
	if v := r.First(1); v >= 0 {
		timestamp = r.Doc.JSON(v)
	}
	if v := r.First(3); v >= 0 {
		message = r.Doc.JSON(v)
	}
	record, err := rewriteDatadog(r.Doc.Raw(r.First(0)), timestamp, message)
	if err == nil {
		emit(record)
	}
	return err
}
