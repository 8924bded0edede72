package decode

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// Header fields of the resource logs of Azure: what services below a subscription write
// by diagnostic settings, to Event Hubs and storage accounts, into the table
// AzureDiagnostics (columns with _s, _g, _d behind their names) and into the tables of
// their own that have the same columns (StorageBlobLogs, AZKVAuditLogs, AZFW…, AGW…).
const (
	arCategory = iota
	arTable
	arResource
	arOperation
	arTime
	arEventDataID
	arAuthorization
	arCorrelation
	arResultType
	arStatus
	arUPN
	arObjectID
	arAppID
	arURI
	arKind
	arKubernetes
	// The fields below are read by the header only.
	arHTTPStatus
	arAuth
	arToken
	arCallerIP
	arClientIP
	arTargetIP
	arSubscription
	arTenant
	arLocation
	arMessage
	arAction
	arHost
	arQuery
)

var azureResource = &Format{
	Name: "azure.resource",
	Detail: shaped(detailList(true, "service=resourceProvider|operationName", "user_agent=properties.userAgentHeader|userAgentHeader|properties.clientInfo|clientInfo_s", "category=category", "result=resultType",
		"correlation_id=correlationId"), "service", beforeSlash),
	Fields: fieldList(true, []string{
		arCategory:      "category",
		arTable:         "type",
		arResource:      "resourceId|_resourceId",
		arOperation:     "operationName|eventName",
		arTime:          "time|timeGenerated|timeGenerated [UTC]|timestamp|timeStamp|eventTimeString",
		arEventDataID:   "eventDataId|properties.eventDataId",
		arAuthorization: "authorization.action|identity.authorization.action",
		arCorrelation:   "correlationId|correlationId_g|properties.trackingReference|properties.transactionId|trackingReference_s|transactionId_s",
		arResultType:    "resultType",
		arStatus:        "statusText|properties.result|status",
		arUPN: "identity.claim.[http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn]|identity.claim.upn|identity.requester.upn|requesterUpn|" +
			"identity_claim_http_schemas_xmlsoap_org_ws_2005_05_identity_claims_upn_s|identity_claim_upn_s",
		arObjectID: "identity.claim.[http://schemas.microsoft.com/identity/claims/objectidentifier]|identity.claim.oid|identity.requester.objectId|requesterObjectId|" +
			"identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g|identity_claim_oid_g",
		arAppID:        "identity.claim.appid|identity.requester.appId|requesterAppId|identity_claim_appid_g",
		arURI:          "properties.id|uri|properties.requestUri|id_s|requestUri_s|properties.objectKey",
		arKind:         "provider",
		arKubernetes:   "properties.log|log_s",
		arHTTPStatus:   "properties.httpStatusCode|httpStatusCode_d|httpStatusCode|statusCode|properties.httpStatus",
		arAuth:         "identity.type|authenticationType",
		arToken:        "identity.tokenHash|authenticationHash",
		arCallerIP:     "callerIpAddress",
		arClientIP:     "properties.clientIp|properties.sourceIp|properties.socketIp|clientIp_s|clientIP_s|sourceIp|clientIp|callerIPAddress_s|properties.clientIpAddress",
		arTargetIP:     "properties.destinationIp|destinationIp",
		arSubscription: "subscriptionId",
		arTenant:       "identity.requester.tenantId|requesterTenantId",
		arLocation:     "location|region",
		arMessage:      "properties.msg|msg_s",
		arAction:       "properties.action|action_s|action|operationType",
		arHost:         "properties.host|properties.hostname|host_s|hostname_s|properties.fqdn|fqdn",
		arQuery:        "properties.queryName|queryName",
	}),
	Hot:    arHTTPStatus,
	Is:     isAzureResource,
	Key:    azureResourceKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(arTime)) },
	Header: azureResourceHeader,
}

// isAzureResource: a category and mostly an operation of a resource below a subscription, which
// is neither the Activity log (its categories, its ids), nor a flow log, nor the audit log
// of Entra, nor that of a cluster, which has an envelope of its own.
func isAzureResource(r *Record) bool {
	if !hasPrefixFold(r.scalar(arResource), "/subscriptions/") || !r.has(arTime) || r.has(arEventDataID) {
		return false
	}
	category, table := r.scalar(arCategory), r.scalar(arTable)
	switch {
	case !r.has(arOperation):
		return hasPrefixFold(category, "AZFW") // the structured logs of Azure Firewall may have none
	case isAny(table, "AzureActivity"), isActivityCategory(category), isFlowCategory(category), holdsKubernetesAudit(r, category),
		isAny(category, "AuditLogs") && !ofSubscription(r.scalar(arResource)): // Entra's own
		return false
	case r.has(arAuthorization):
		return hasPrefixFold(category, "Storage")
	}
	return category != nil || table != nil
}

// holdsKubernetesAudit says whether the record is the envelope of an audit event of a
// cluster, as an object or as text.
func holdsKubernetesAudit(r *Record, category []byte) bool {
	return hasPrefixFold(category, "kube-audit") &&
		(r.kind(arKubernetes) == slot.Object || bytes.Contains(r.scalar(arKubernetes), []byte("auditID")))
}

func isActivityCategory(category []byte) bool {
	return isAny(category, "Administrative", "Security", "ServiceHealth", "Alert", "Recommendation",
		"Policy", "Autoscale", "ResourceHealth", "Write", "Delete", "Action")
}

// azureResourceKey: correlation id, time, category, operation, resource and result; one
// request may be logged more than once under its id.
func azureResourceKey(r *Record) (yagura.Key, uint64, bool) {
	ns := nanos(r.scalar(arTime))
	result := r.either(arResultType, arStatus)
	content := contentHash(ns, r.either(arUPN, arObjectID, arAppID), r.scalar(arOperation), r.either(arURI, arResource), result)
	id := r.scalar(arCorrelation)
	if id == nil || ns == 0 {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("azure.resource")
	k.part(id)
	k.number(ns)
	k.part(r.scalar(arCategory))
	k.part(r.scalar(arOperation))
	k.part(r.scalar(arResource))
	k.part(result)
	return k.sum(), content, true
}

func azureResourceHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(arCorrelation)
	e.Time = timeOf(nanos(r.scalar(arTime)))
	e.Action = r.str(arOperation, arCategory)
	e.Region = r.str(arLocation)
	resource := r.str(arResource)
	if parts := strings.SplitN(resource, "/", 4); len(parts) > 2 {
		e.Account = parts[2]
	}
	e.Account = cmp.Or(r.str(arSubscription), e.Account)
	if id := r.str(arUPN, arObjectID, arAppID); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: id, Name: id}
		if r.has(arUPN) {
			e.Actor.Type = yagura.EntityUser
		}
	} else if r.has(arToken) && isAny(r.scalar(arAuth), "AccountKey", "SAS", "DelegationSas", "AccountSas", "ServiceSas") {
		id = r.str(arToken)
		e.Actor = yagura.Actor{Type: yagura.EntityKey, ID: id, Name: r.str(arAuth)}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, resource)
	if uri := r.str(arURI); len(uri) <= maxGraphPath {
		before, _, _ := strings.Cut(uri, "?") // behind it may stand a signature
		e.Targets = addEntity(e.Targets, yagura.EntityResource, before)
	}
	e.SrcIP = firstAddress(r, arCallerIP, arClientIP)
	from, to := endsInMessage(r.str(arMessage))
	e.SrcIP = cmp.Or(e.SrcIP, address(from))
	e.Targets = addEntity(e.Targets, yagura.EntityIP, cmp.Or(firstAddress(r, arTargetIP), address(to)))
	e.Targets = addEntity(e.Targets, yagura.EntityDomain, cmp.Or(r.str(arHost), dnsName(r.str(arQuery)), hostName(to)))
	e.Outcome = outcomeWord(r.either(arResultType, arStatus))
	if n, ok := decimal(r.scalar(arHTTPStatus)); ok && n >= 100 && n < 600 && (e.Outcome == yagura.OutcomeUnknown || n >= 400) {
		e.Outcome = statusOutcome(r.scalar(arHTTPStatus)) // Key Vault says Success of a request that it answered with 403
	} else if e.Outcome == yagura.OutcomeUnknown {
		e.Outcome = actionOutcome(r.str(arAction), r.str(arMessage))
	}
	finish(e, yagura.Entity{Type: e.Actor.Type, ID: r.str(arObjectID)}, yagura.Entity{Type: yagura.EntityServicePrincipal, ID: r.str(arAppID)},
		yagura.Entity{Type: yagura.EntityAccount, ID: r.str(arTenant)})
}

// actionOutcome reads what a firewall did, of an older record from its text: "…. Action:
// Deny.". A rule that matched or was logged did not end the request.
func actionOutcome(action, message string) string {
	if action == "" {
		_, rest, _ := strings.Cut(message, "Action: ")
		action, _, _ = strings.Cut(rest, ".")
		action, _, _ = strings.Cut(action, " ")
	}
	if strings.EqualFold(action, "block") || strings.EqualFold(action, "drop") {
		return yagura.OutcomeFailure
	}
	return outcomeWord([]byte(action))
}

// endsInMessage finds both ends of a connection in the text of a firewall's record: "TCP
// request from 192.0.2.1:1234 to example.com:443. Action: …".
func endsInMessage(text string) (from, to string) {
	_, rest, ok := strings.Cut(text, " from ")
	if !ok {
		return "", ""
	}
	from, rest, _ = strings.Cut(rest, " ")
	if after, ok := strings.CutPrefix(rest, "to "); ok {
		to, _, _ = strings.Cut(after, " ")
	}
	return strings.TrimRight(from, ".,:"), strings.TrimRight(to, ".,:")
}

// hostName is the name in host:port, "" where an address or no name stands there.
func hostName(end string) string {
	name, _, _ := strings.Cut(end, ":")
	if address(end) != "" || strings.IndexByte(name, '.') <= 0 {
		return ""
	}
	return name
}
