package decode

import (
	"encoding/json"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the Entra ID audit log. Names compare without regard to case,
// which makes one list serve three shapes: Event Hub and diagnostic settings
// (below "properties"), the Log Analytics table AuditLogs (PascalCase columns, in
// which objects may be JSON text), and Microsoft Graph's directoryAudit. Datadog's
// envelope is turned back into the first of them before a format sees it.
const (
	eaCategory = iota
	eaTable
	eaActivity
	eaOperation
	eaActivityTime
	eaTime
	eaLoggedBy
	eaID
	eaResource
	eaUserID
	eaUserUPN
	eaUserName
	eaAppID
	eaAppName
	eaAppPrincipal
	eaAppPrincipalName
	eaTargets
	eaTargetID
	eaResult
	eaResultType
	eaProperties
	// The fields below are read by the header only.
	eaUserIP
	eaCallerIP
	eaDetails
	eaIdentity
	eaAADTenant
	eaTenant
	eaUserTenant
)

var entraAudit = &Format{
	Name: "entra.audit",
	Detail: detailList(true, "service=properties.loggedByService|loggedByService", "user_agent=properties.userAgent|userAgent|properties.additionalDetails.userAgent",
		"error=properties.resultReason|resultReason", "category=properties.category|category", "correlation_id=correlationId|properties.correlationId", "result=properties.result|result"),
	Fields: fieldList(true, []string{
		eaCategory:         "category",
		eaTable:            "type",
		eaActivity:         "properties.activityDisplayName|activityDisplayName",
		eaOperation:        "operationName",
		eaActivityTime:     "properties.activityDateTime|activityDateTime|activityDateTime [UTC]",
		eaTime:             "time|timeGenerated|timeGenerated [UTC]",
		eaLoggedBy:         "properties.loggedByService|loggedByService",
		eaID:               "properties.id|id",
		eaResource:         "resourceId",
		eaUserID:           "properties.initiatedBy.user.id|initiatedBy.user.id",
		eaUserUPN:          "properties.initiatedBy.user.userPrincipalName|initiatedBy.user.userPrincipalName",
		eaUserName:         "properties.initiatedBy.user.displayName|initiatedBy.user.displayName",
		eaAppID:            "properties.initiatedBy.app.appId|initiatedBy.app.appId",
		eaAppName:          "properties.initiatedBy.app.displayName|initiatedBy.app.displayName",
		eaAppPrincipal:     "properties.initiatedBy.app.servicePrincipalId|initiatedBy.app.servicePrincipalId",
		eaAppPrincipalName: "properties.initiatedBy.app.servicePrincipalName|initiatedBy.app.servicePrincipalName",
		eaTargets:          "properties.targetResources|targetResources",
		eaTargetID:         "properties.targetResources.id|targetResources.id",
		eaResult:           "properties.result|result",
		eaResultType:       "resultType",
		eaProperties:       "properties",
		eaUserIP:           "properties.initiatedBy.user.ipAddress|initiatedBy.user.ipAddress",
		eaCallerIP:         "callerIpAddress",
		eaDetails:          "properties.additionalDetails|additionalDetails",
		eaIdentity:         "identity",
		eaAADTenant:        "aadTenantId",
		eaTenant:           "tenantId",
		eaUserTenant:       "properties.initiatedBy.user.homeTenantId|initiatedBy.user.homeTenantId",
	}),
	Hot:    eaUserIP,
	Is:     isEntraAudit,
	Key:    entraAuditKey,
	Time:   entraAuditTime,
	Header: entraAuditHeader,
}

// isEntraAudit: the category or table says AuditLogs, or the record has the fields
// of a directoryAudit, which has no "properties" (a record that has them but lost
// its category comes from Datadog). Other services of Azure have a category
// AuditLogs too; their resources stand below a subscription, Entra's below a tenant.
func isEntraAudit(r *Record) bool {
	if isAny(r.scalar(eaCategory), "AuditLogs") || isAny(r.scalar(eaTable), "AuditLogs") {
		return (r.has(eaOperation) || r.has(eaActivity)) && !ofSubscription(r.scalar(eaResource))
	}
	if r.has(eaProperties) {
		return false
	}
	if r.has(eaActivity) && r.has(eaActivityTime) {
		return r.has(eaLoggedBy) || r.has(eaTargets) && (r.has(eaUserID) || r.has(eaUserUPN) || r.has(eaAppID) || r.has(eaAppName))
	}
	return r.has(eaLoggedBy) && r.has(eaOperation) && (r.has(eaTargets) || r.has(eaResult))
}

// ofSubscription says whether a resource id stands below a subscription. Entra itself does so
// where it writes of the roles of a subscription.
func ofSubscription(resource []byte) bool {
	if !hasPrefixFold(resource, "/subscriptions/") {
		return false
	}
	for i := range resource {
		if hasPrefixFold(resource[i:], "/providers/microsoft.aadiam") {
			return false
		}
	}
	return true
}

func entraAuditTime(r *Record) int64 {
	if ns := nanos(r.scalar(eaActivityTime)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(eaTime))
}

// entraAuditKey: the record's id.
func entraAuditKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(entraAuditTime(r),
		r.either(eaUserID, eaUserUPN, eaAppPrincipal, eaAppID, eaAppName),
		r.either(eaActivity, eaOperation), r.scalar(eaTargetID), r.either(eaResult, eaResultType))
	id := r.scalar(eaID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("entra.audit")
	k.part(id)
	return k.sum(), content, true
}

func entraAuditHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(eaID)
	e.Time = timeOf(entraAuditTime(r))
	e.Account = entraTenant(r, eaAADTenant, eaResource, eaTenant, eaUserTenant)
	e.Action = r.str(eaOperation, eaActivity)
	var more []yagura.Entity

	upn, app := r.str(eaUserUPN), r.str(eaAppPrincipal, eaAppID)
	switch {
	case r.either(eaUserID, eaUserUPN, eaUserName) != nil:
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: r.str(eaUserID, eaUserUPN, eaUserName), Name: r.str(eaUserUPN, eaUserName)}
		more = append(more, yagura.Entity{Type: yagura.EntityUser, ID: upn},
			yagura.Entity{Type: yagura.EntityServicePrincipal, ID: app})
	case r.either(eaAppPrincipal, eaAppID, eaAppName, eaAppPrincipalName) != nil:
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: r.str(eaAppPrincipal, eaAppID, eaAppName, eaAppPrincipalName),
			Name: r.str(eaAppName, eaAppPrincipalName)}
		more = append(more, yagura.Entity{Type: yagura.EntityServicePrincipal, ID: r.str(eaAppID)})
	case r.scalar(eaIdentity) != nil:
		name := r.str(eaIdentity)
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: name, Name: name}
		if strings.Contains(name, "@") {
			e.Actor.Type = yagura.EntityUser
		}
	}

	var targets []struct{ ID, DisplayName, Type, UserPrincipalName looseText }
	r.decode(eaTargets, &targets)
	for _, t := range targets {
		typ := entraType(string(t.Type))
		id := string(t.ID)
		if id == "" {
			id = string(t.UserPrincipalName)
		}
		if id == "" {
			id = string(t.DisplayName)
		}
		e.Targets = addEntity(e.Targets, typ, id)
		more = append(more, yagura.Entity{Type: yagura.EntityUser, ID: string(t.UserPrincipalName)})
	}

	if e.SrcIP = firstAddress(r, eaUserIP, eaCallerIP); e.SrcIP == "" {
		var details []struct{ Key, Value looseText }
		r.decode(eaDetails, &details)
		for _, d := range details {
			if e.SrcIP == "" && strings.EqualFold(string(d.Key), "ipaddr") { // as Privileged Identity Management writes it
				e.SrcIP = address(string(d.Value))
			}
		}
	}
	e.Outcome = outcomeWord(r.either(eaResult, eaResultType))
	finish(e, more...)
}

// entraTenant returns the tenant of an Entra record: in Log Analytics the column
// AADTenantId (its TenantId is the workspace), else the tenant in the resource id,
// else the fields after these two.
func entraTenant(r *Record, aad, resource int, others ...int) string {
	if id := r.str(aad); id != "" {
		return id
	}
	if text := r.scalar(resource); hasPrefixFold(text, "/tenants/") {
		id, _, _ := strings.Cut(string(text[len("/tenants/"):]), "/")
		return id
	}
	return r.str(others...)
}

// entraType names the entity type of the type of a target resource.
func entraType(typ string) string {
	switch strings.ToLower(typ) {
	case "user":
		return yagura.EntityUser
	case "serviceprincipal", "application", "app":
		return yagura.EntityServicePrincipal
	case "role":
		return yagura.EntityRole
	case "device":
		return yagura.EntityHost
	}
	return yagura.EntityResource
}

// outcomeWord reads the words and codes by which logs say how it went. Words that
// are not known, and none at all, are an unknown outcome.
func outcomeWord(text []byte) string {
	switch {
	case isAny(text, "success", "succeeded", "successful", "true", "0", "ok", "allow", "allowed", "accepted", "accept", "partiallysucceeded", "granted", "passed"):
		return yagura.OutcomeSuccess
	case isAny(text, "failure", "failed", "fail", "false", "error", "deny", "denied", "rejected", "reject", "timeout", "unauthorized", "forbidden", "blocked", "fraud"):
		return yagura.OutcomeFailure
	}
	return yagura.OutcomeUnknown
}

// firstAddress returns the first of the fields that holds an IP address.
func firstAddress(r *Record, fields ...int) string {
	for _, i := range fields {
		for v := r.First(i); v >= 0; v = r.Doc.Next(v) {
			if a := address(r.word(v)); a != "" {
				return a
			}
		}
	}
	return ""
}

// decode reads the first object or array of header field i, also when it is the
// text of a string, into v. What does not fit is left out.
func (r *Record) decode(i int, v any) {
	for x := r.First(i); x >= 0; x = r.Doc.Next(x) {
		if t := r.Doc.Text(x); len(t) > 1 && (t[0] == '[' || t[0] == '{') {
			_ = json.Unmarshal(t, v) // the parts that fit are enough for a header
			return
		}
	}
}

// looseText takes any JSON scalar as text; objects, arrays and null are "".
type looseText string

func (t *looseText) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) == 0 || b[0] == '{' || b[0] == '[' || string(b) == "null":
		*t = ""
	case b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = looseText(s)
	default:
		*t = looseText(b)
	}
	return nil
}
