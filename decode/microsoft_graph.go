package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the activity log of Microsoft Graph, one record for each request to
// it: Event Hub and storage (MicrosoftGraphActivityLogs, fields below "properties"), and
// the table of that name. The older Azure AD Graph has the same under
// AzureADGraphActivityLogs.
const (
	mgCategory = iota
	mgTable
	mgRequest
	mgMethod
	mgURI
	mgStatus
	mgUser
	mgPrincipal
	mgApp
	mgGenerated
	mgTime
	mgResource
	// The fields below are read by the header only.
	mgCallerIP
	mgIP
	mgAADTenant
	mgTenant
	mgLocation
	mgSession
	mgRoles
	mgScopes
	mgWids
	mgDevice
	mgResultSignature
)

var microsoftGraph = &Format{
	Name: "microsoft.graph_activity",
	Detail: shaped(detailList(true, "user_agent=properties.userAgent|userAgent", "error=properties.responseStatusCode|responseStatusCode|properties.httpStatusCode|httpStatusCode",
		"uri=properties.requestUri|requestUri", "method=properties.requestMethod|requestMethod", "app_id=properties.appId|appId", "scopes=properties.scopes|scopes"), "error", failed),
	Fields: fieldList(true, []string{
		mgCategory:        "category",
		mgTable:           "type",
		mgRequest:         "properties.requestId|requestId",
		mgMethod:          "properties.requestMethod|requestMethod|properties.httpMethod|httpMethod",
		mgURI:             "properties.requestUri|requestUri",
		mgStatus:          "properties.responseStatusCode|responseStatusCode|properties.httpStatusCode|httpStatusCode",
		mgUser:            "properties.userId|userId",
		mgPrincipal:       "properties.servicePrincipalId|servicePrincipalId",
		mgApp:             "properties.appId|appId",
		mgGenerated:       "properties.timeGenerated|timeGenerated|timeGenerated [UTC]",
		mgTime:            "time",
		mgResource:        "resourceId",
		mgCallerIP:        "callerIpAddress|properties.callerIpAddress",
		mgIP:              "properties.ipAddress|ipAddress",
		mgAADTenant:       "aadTenantId",
		mgTenant:          "tenantId|properties.tenantId",
		mgLocation:        "location|properties.location",
		mgSession:         "properties.sessionId|sessionId|properties.signInActivityId|signInActivityId",
		mgRoles:           "properties.roles|roles",
		mgScopes:          "properties.scopes|scopes",
		mgWids:            "properties.wids|wids",
		mgDevice:          "properties.deviceId|deviceId",
		mgResultSignature: "resultSignature",
	}),
	Hot:    mgCallerIP,
	Is:     isMicrosoftGraph,
	Key:    microsoftGraphKey,
	Time:   microsoftGraphTime,
	Header: microsoftGraphHeader,
}

// isMicrosoftGraph: the category or table says so and there is a request, or a request
// with its uri, status code and the ids of what was asked and who asked, as only this
// table has them.
func isMicrosoftGraph(r *Record) bool {
	if !r.has(mgMethod) || !r.has(mgURI) || hasPrefixFold(r.scalar(mgResource), "/subscriptions/") {
		return false
	}
	for _, said := range [...][]byte{r.scalar(mgCategory), r.scalar(mgTable)} {
		if isAny(said, "MicrosoftGraphActivityLogs", "AzureADGraphActivityLogs", "AADGraphActivityLogs") {
			return true
		}
	}
	return !r.has(mgCategory) && r.has(mgRequest) && r.has(mgStatus) && r.has(mgApp) && bytes.Contains(r.scalar(mgURI), []byte("://graph."))
}

func microsoftGraphTime(r *Record) int64 {
	first, second := mgTime, mgGenerated
	if isAny(r.scalar(mgCategory), "AzureADGraphActivityLogs") { // it has no time of its own beside
		first, second = second, first
	}
	if ns := nanos(r.scalar(first)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(second))
}

// microsoftGraphKey: request id, method and uri: the requests of a batch share their id.
func microsoftGraphKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(microsoftGraphTime(r), r.either(mgUser, mgPrincipal, mgApp), r.scalar(mgMethod), r.scalar(mgURI), r.scalar(mgStatus))
	id := r.scalar(mgRequest)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("microsoft.graph_activity")
	k.part(id)
	k.part(r.scalar(mgMethod))
	k.part(r.scalar(mgURI))
	return k.sum(), content, true
}

func microsoftGraphHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(mgRequest)
	e.Time = timeOf(microsoftGraphTime(r))
	if e.Account = r.str(mgAADTenant, mgTenant); e.Account == "" {
		e.Account = entraTenant(r, mgAADTenant, mgResource)
	}
	e.Region = r.str(mgLocation)
	path := graphPath(r.str(mgURI))
	e.Action = strings.TrimSpace(r.str(mgMethod) + " " + path)
	switch {
	case r.has(mgUser):
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: r.str(mgUser)}
	case r.either(mgPrincipal, mgApp) != nil:
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: r.str(mgPrincipal, mgApp)}
	}
	for _, id := range graphIDs(r.str(mgURI)) {
		e.Targets = addEntity(e.Targets, id.Type, id.ID)
	}
	e.SrcIP = firstAddress(r, mgCallerIP, mgIP)
	e.Outcome = statusOutcome(r.either(mgStatus, mgResultSignature))
	more := []yagura.Entity{{Type: yagura.EntityServicePrincipal, ID: r.str(mgApp)}, {Type: yagura.EntityServicePrincipal, ID: r.str(mgPrincipal)},
		{Type: yagura.EntitySession, ID: r.str(mgSession)}, {Type: yagura.EntityHost, ID: r.str(mgDevice)}}
	for _, i := range [...]int{mgRoles, mgScopes, mgWids} { // what the token may do
		for _, text := range r.texts(i) {
			for name := range strings.FieldsSeq(text) {
				if len(more) < maxIdentities {
					more = append(more, yagura.Entity{Type: yagura.EntityRole, ID: name})
				}
			}
		}
	}
	finish(e, more...)
}

// statusOutcome reads a status code of HTTP, or a word.
func statusOutcome(text []byte) string {
	if n, ok := decimal(text); ok && n >= 100 && n < 600 {
		if n < 400 {
			return yagura.OutcomeSuccess
		}
		return yagura.OutcomeFailure
	}
	return outcomeWord(text)
}

// graphPath is the path of a request to Microsoft Graph without its version and query,
// and with {id} for the ids in it, so that the same call has one name:
// https://graph.microsoft.com/v1.0/users/7f…/messages?$top=10 is /users/{id}/messages.
func graphPath(uri string) string {
	var b strings.Builder
	for _, part := range graphParts(uri) {
		b.WriteByte('/')
		switch open := strings.IndexByte(part, '('); {
		case open > 0 && strings.HasSuffix(part, ")") && open+2 < len(part): // users('…'), reports by period='D7'
			b.WriteString(part[:open] + "({id})")
		case isGraphID(part):
			b.WriteString("{id}")
		default:
			b.WriteString(part)
		}
	}
	if b.Len() > maxGraphPath {
		return strings.ToValidUTF8(b.String()[:maxGraphPath], "")
	}
	return b.String()
}

const maxGraphPath = 512

func graphParts(uri string) []string {
	_, path, ok := strings.Cut(uri, "://")
	if ok {
		_, path, _ = strings.Cut(path, "/")
	} else {
		path = strings.TrimPrefix(uri, "/")
	}
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, "#")
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && len(parts) < maxIdentities {
			parts = append(parts, part)
		}
	}
	if len(parts) > 0 && (parts[0] == "beta" || len(parts[0]) > 1 && parts[0][0] == 'v' && parts[0][1] >= '0' && parts[0][1] <= '9') {
		parts = parts[1:]
	}
	if len(parts) > 1 && isGUID(parts[0]) { // Azure AD Graph has the tenant before its paths
		parts = parts[1:]
	}
	return parts
}

// isGraphID says whether a part of a path is an id rather than a word of the API: a
// GUID, an e-mail address, a number, a file's name after a colon, or a long text with
// digits (ids of messages, chats, drives and sites).
func isGraphID(part string) bool {
	if isGUID(part) || strings.ContainsAny(part, "@,!:=") {
		return true
	}
	digits, upper := 0, 0
	for i := range len(part) {
		switch c := part[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'A' && c <= 'Z':
			upper++
		}
	}
	return digits == len(part) || len(part) >= 20 && digits > 0 || len(part) >= 40 && upper > 3
}

// graphIDs lists the objects that a request names, by the collection before each.
func graphIDs(uri string) (list []yagura.Entity) {
	parts := graphParts(uri)
	for i, part := range parts {
		before := ""
		if i > 0 {
			before = parts[i-1]
		}
		if name, id, ok := strings.Cut(part, "('"); ok && strings.HasSuffix(id, "')") { // users('…')
			before, part = name, strings.TrimSuffix(id, "')")
		}
		if !isGUID(part) && !strings.Contains(part, "@") {
			continue
		}
		typ := yagura.EntityResource
		switch strings.ToLower(before) {
		case "users":
			typ = yagura.EntityUser
		case "serviceprincipals", "applications":
			typ = yagura.EntityServicePrincipal
		case "devices", "manageddevices":
			typ = yagura.EntityHost
		case "directoryroles", "roledefinitions":
			typ = yagura.EntityRole
		}
		list = append(list, yagura.Entity{Type: typ, ID: part})
	}
	return list
}
