package decode

import "github.com/yagura-sec/yagura"

// Header fields of Access Transparency: what people of Google did with the customer's
// content, and why.
const (
	atType = glCount + iota
	atMethod
	atResource
	atReason
	atEventID
	// The fields below are read by the header only.
	atJob
	atEmployer
	atLocation
)

var gcpTransparency = &Format{
	Name: "gcp.accesstransparency",
	Fields: logFields("jsonPayload.@type", "jsonPayload.accesses.methodName", "jsonPayload.accesses.resourceName", "jsonPayload.reason.type", "jsonPayload.eventId",
		"jsonPayload.principalJobTitle", "jsonPayload.location.principalEmployingEntity", "resource.labels.location|resource.labels.region"),
	Hot: atJob,
	Is: func(r *Record) bool {
		return isTypeOf(r.scalar(atType), "google.cloud.audit.TransparencyLog") || isLog(r, "access_transparency") && (r.has(atMethod) || r.has(atReason))
	},
	Time: logTime,
	// Key: timestamp (in microseconds), logName, insertId, project.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		key, ok := logKey(r, "gcp.accesstransparency")
		return key, contentHash(logTime(r), r.scalar(atEventID), r.scalar(atMethod), r.scalar(atResource), r.scalar(atReason)), ok
	},
	Header: gcpTransparencyHeader,
}

func gcpTransparencyHeader(r *Record, e *yagura.Event) {
	logHeader(r, e)
	e.Region = cutZone(r.str(atLocation))
	e.Action = r.str(atMethod)
	// The log names nobody: a job and a company.
	e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: "Google", Name: r.str(atJob)}
	if company := r.str(atEmployer); company != "" {
		e.Actor.ID = company
	}
	if e.Actor.Name == "" {
		e.Actor.Name = e.Actor.ID
	}
	for _, name := range r.few(atResource) {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, name)
	}
	e.Outcome = yagura.OutcomeSuccess // the log holds accesses that were made
	finish(e)
}
