package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// marks are the fields by which a body is known to be a record itself, or to hold records.
// Each line is one kind; all its fields have to be there.
var marks = [][]string{
	{"detail-type", "source", "detail"},          // EventBridge: GuardDuty, Security Hub, AWS API Call via CloudTrail …
	{"eventVersion", "eventSource", "eventName"}, // a CloudTrail record
	{"Records"},                     // a CloudTrail file; S3's notifications are known before
	{"class_uid", "metadata"},       // OCSF
	{"SchemaVersion", "ProductArn"}, // ASFF
	{"Findings"},                    // a list of ASFF findings
	{"findings"},                    // the same, as the event has it
	{"schemaVersion", "accountId", "type", "severity"}, // a GuardDuty finding
	{"messageType", "logGroup", "logEvents"},           // CloudWatch Logs by subscription
	{"protoPayload", "logName"},                        // a Google Cloud audit log
	{"auditID", "stage", "verb"},                       // a Kubernetes audit event
	{"rule", "priority", "output_fields"},              // a Falco alert
}

// record reports whether an object is a record of a kind that is known.
func record(fields map[string]json.RawMessage) bool {
	return slices.ContainsFunc(marks, func(names []string) bool {
		for _, n := range names {
			if fields[n] == nil {
				return false
			}
		}
		return true
	})
}

// list reports whether an array holds such records.
func list(text string) bool {
	var items []map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &items) == nil && len(items) > 0 && record(items[0])
}

// some names a few fields of an object, for an error.
func some(fields map[string]json.RawMessage) string {
	names := slices.Sorted(maps.Keys(fields))
	more := ""
	if len(names) > 8 {
		names, more = names[:8], " …"
	}
	for i, n := range names {
		if len(n) > 40 {
			n = n[:40] + "…"
		}
		names[i] = strconv.Quote(n)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ") + more
}
