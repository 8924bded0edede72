package decode

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/yagura-sec/yagura/slot"
)

// rewriteDatadog turns the attributes of a Datadog log back into the record that
// was sent to Datadog. Datadog's pipelines move fields to names of their own
// (operationName to evt.name, callerIpAddress to network.client.ip,
// properties.userPrincipalName to usr.id, properties.userAgent to http.useragent;
// see the azure.activedirectory pipeline of DataDog/integrations-core), with or
// without keeping the original; here every original that is missing is put back
// from its new name, and nothing is taken away.
//
// timestamp is the JSON value of the log's own time, RFC 3339 or milliseconds since
// 1970, for records that have lost theirs; message is that of its message, which
// Datadog makes of the description of an Entra record's result and then takes that
// away. All arguments must be valid JSON; the last two may be nothing.
func rewriteDatadog(attributes, timestamp, message []byte) ([]byte, error) {
	attributes = bytes.TrimSpace(attributes)
	if len(attributes) < 2 || attributes[0] != '{' {
		return nil, errors.New("attributes are not an object")
	}
	if data := lookup(attributes, "data"); lookup(data, "protoPayload") != nil || lookup(data, "logName") != nil {
		// A Google Cloud LogEntry travels whole below "data".
		out := moveBack(data, attributes, datadogGCP)
		return graft(out, quoteTime(timestamp), "timestamp"), nil
	}
	switch {
	case lookup(attributes, "eventSource") != nil || lookup(attributes, "awsRegion") != nil || lookup(attributes, "userIdentity") != nil:
		return graft(moveBack(attributes, attributes, datadogCloudTrail), quoteTime(timestamp), "eventTime"), nil
	case lookup(attributes, "published") != nil || lookup(attributes, "authenticationContext") != nil:
		return graft(moveBack(attributes, attributes, datadogOkta), quoteTime(timestamp), "published"), nil
	case lookup(attributes, "properties") != nil || lookup(attributes, "resourceId") != nil:
		return datadogAzure(attributes, timestamp, message), nil
	case lookup(attributes, "_document_id") != nil:
		return moveBack(attributes, attributes, datadogGitHub), nil
	case lookup(attributes, "evt", "actor") != nil: // the audit trail of Datadog itself
		return graft(attributes, quoteTime(timestamp), "timestamp"), nil
	}
	return attributes, nil
}

// datadogAzure puts the fields of an Entra or Azure diagnostic record back.
func datadogAzure(attributes, timestamp, message []byte) []byte {
	out := moveBack(attributes, attributes, datadogAzureAll)
	if !isWords(message) {
		message = nil
	}
	category := unquote(lookup(out, "category"))
	if signIn := bytes.HasSuffix(category, []byte("SignInLogs")); signIn {
		out = moveBack(out, attributes, datadogSignIn)
		code := lookup(out, "properties", "status", "errorCode")
		if len(code) > 0 && code[0] != '"' {
			out = graft(out, []byte(strconv.Quote(string(code))), "resultType")
		}
		if string(unquote(code)) == "0" { // a success has no description of its own
			out = graft(out, message, "properties", "status", "additionalDetails")
		} else {
			out = graft(out, message, "resultDescription")
		}
	} else if string(category) == "AuditLogs" {
		out = graft(moveBack(out, attributes, datadogAudit), message, "resultDescription")
		if lookup(out, "properties", "initiatedBy") == nil {
			out = graft(out, lookup(attributes, "usr", "id"), "properties", "initiatedBy", "user", "userPrincipalName")
		}
	} else {
		out = moveBack(out, attributes, datadogActivity)
	}
	if t := lookup(out, "time"); len(t) > 0 && t[0] != '"' {
		if text := quoteTime(t); text != nil {
			start := offsetOf(out, t)
			out = append(append(append([]byte(nil), out[:start]...), text...), out[start+len(t):]...)
		}
	}
	return graft(out, quoteTime(timestamp), "time")
}

// isWords says whether a log's message is text, and not the record once more.
func isWords(message []byte) bool {
	text := bytes.TrimSpace(unquote(message))
	return len(text) > 0 && message[0] == '"' && text[0] != '{' && text[0] != '['
}

// move says where a pipeline took a field from, and to.
type move struct{ from, to []string }

func moves(pairs ...string) []move {
	list := make([]move, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, move{splitPath(pairs[i]), splitPath(pairs[i+1])})
	}
	return list
}

var (
	datadogAzureAll   = moves("operationName", "evt.name", "category", "evt.category", "callerIpAddress", "network.client.ip")
	datadogSignIn     = moves("properties.userPrincipalName", "usr.id", "properties.userPrincipalName", "usr.email", "properties.userDisplayName", "usr.name", "properties.userAgent", "http.useragent", "properties.ipAddress", "network.client.ip")
	datadogAudit      = moves("properties.result", "evt.outcome", "properties.userAgent", "http.useragent")
	datadogActivity   = moves("resultType", "evt.outcome")
	datadogCloudTrail = moves("eventName", "evt.name", "sourceIPAddress", "network.client.ip", "userAgent", "http.useragent", "errorCode", "error.kind", "errorMessage", "error.message", "userIdentity.userName", "usr.name")
	datadogGCP        = moves("protoPayload.methodName", "evt.name", "protoPayload.authenticationInfo.principalEmail", "usr.id", "protoPayload.requestMetadata.callerIp", "network.client.ip", "protoPayload.requestMetadata.callerSuppliedUserAgent", "http.useragent")
	datadogOkta       = moves("eventType", "evt.name", "outcome.result", "evt.outcome", "client.ipAddress", "network.client.ip", "actor.alternateId", "usr.email", "actor.id", "usr.id", "actor.displayName", "usr.name", "client.userAgent.rawUserAgent", "http.useragent")
	datadogGitHub     = moves("action", "evt.name", "actor", "usr.name", "actor_ip", "network.client.ip", "user_agent", "http.useragent")
)

// moveBack grafts onto out the fields that moved, as attributes hold them.
func moveBack(out, attributes []byte, list []move) []byte {
	for _, m := range list {
		out = graft(out, lookup(attributes, m.to...), m.from...)
	}
	return out
}

// graft returns object with value put at path, unless something stands there
// already, value is nothing, or a step of the path is not an object.
func graft(object, value []byte, path ...string) []byte {
	if len(value) == 0 || string(value) == "null" || len(object) < 2 || object[0] != '{' {
		return object
	}
	if inner := lookup(object, path[0]); inner != nil {
		if len(path) == 1 || inner[0] != '{' {
			return object
		}
		grown := graft(inner, value, path[1:]...)
		if len(grown) == len(inner) {
			return object
		}
		start := offsetOf(object, inner)
		out := make([]byte, 0, len(object)+len(grown)-len(inner))
		out = append(out, object[:start]...)
		out = append(out, grown...)
		return append(out, object[start+len(inner):]...)
	}
	out := make([]byte, 0, len(object)+len(value)+32)
	out = append(out, '{')
	for i, key := range path {
		out = append(out, '"')
		out = append(out, key...)
		out = append(out, '"', ':')
		if i < len(path)-1 {
			out = append(out, '{')
		}
	}
	out = append(out, value...)
	for range path[1:] {
		out = append(out, '}')
	}
	rest := bytes.TrimLeft(object[1:], " \t\r\n")
	if rest[0] != '}' {
		out = append(out, ',')
	}
	return append(out, rest...)
}

// offsetOf returns where part, a slice of whole, starts. Slices of one array end
// their capacity at one place, so the difference of the capacities is the offset.
func offsetOf(whole, part []byte) int { return cap(whole) - cap(part) }

// lookup returns the value at a path of keys in a JSON object, as it is written,
// nil when there is none. Of duplicate keys the first counts.
func lookup(object []byte, path ...string) []byte {
	for _, want := range path {
		if len(object) == 0 || object[0] != '{' {
			return nil
		}
		found := []byte(nil)
		for rest := object[1:]; ; {
			key, value, after := member(rest)
			if value == nil {
				break
			}
			if string(key) == want {
				found = value
				break
			}
			rest = after
		}
		if found == nil {
			return nil
		}
		object = found
	}
	return object
}

// member reads the next member of an object from valid JSON; value is nil at the end.
func member(t []byte) (key, value, rest []byte) {
	t = bytes.TrimLeft(t, " \t\r\n,")
	if len(t) == 0 || t[0] != '"' {
		return nil, nil, nil
	}
	end := valueEnd(t)
	key, t = t[1:max(end-1, 1)], bytes.TrimLeft(t[end:], " \t\r\n:")
	end = valueEnd(t)
	if end == 0 {
		return nil, nil, nil
	}
	if bytes.IndexByte(key, '\\') >= 0 {
		key = slot.Unescape(nil, key)
	}
	return key, t[:end], t[end:]
}

// valueEnd returns where the value at the start of t ends.
func valueEnd(t []byte) int {
	depth := 0
	for i := 0; i < len(t); i++ {
		switch t[i] {
		case '"':
			for i++; i < len(t) && t[i] != '"'; i++ {
				if t[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(t))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			} else if depth < 0 {
				return i
			}
		case ',', ' ', '\t', '\r', '\n', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(t)
}

// unquote returns the text between the quotes of a JSON string.
func unquote(value []byte) []byte {
	if len(value) >= 2 && value[0] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}

// quoteTime returns a time as a JSON string in RFC 3339: as it is when it is text,
// written out when it is a number; nil when it is neither.
func quoteTime(value []byte) []byte {
	value = bytes.TrimSpace(value)
	if len(value) > 2 && value[0] == '"' {
		return value
	}
	ns, ok := parseTime(value)
	if !ok {
		return nil
	}
	return strconv.AppendQuote(nil, time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.999999999Z"))
}
