package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the Azure Activity log: as Event Hubs and storage accounts get
// it, as the table AzureActivity, as the Monitor REST API returns it
// (eventDataId), and as the Python SDK prints that (event_data_id).
const (
	aaCategory = iota
	aaTable
	aaResource
	aaOperationValue
	aaOperation
	aaOperationID
	aaEventDataID
	aaEventTime
	aaTime
	aaCaller
	aaAuthorization
	aaCorrelation
	aaStatus
	aaActivityStatus
	aaResultType
	aaUPN
	aaObjectID
	aaAppID
	// The fields below are read by the header only.
	aaEmail
	aaLogin
	aaName
	aaIDType
	aaCallerIP
	aaHTTPIP
	aaClaimIP
	aaSubscription
	aaTenant
	aaScope
	aaMessage
)

const azureClaims = "identity.claims.[|claims.[|claims_d.["

// claim lists the paths of one claim of the caller's token.
func claim(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		for prefix := range strings.SplitSeq(azureClaims, "|") {
			if b.Len() > 0 {
				b.WriteByte('|')
			}
			b.WriteString(prefix + name + "]")
		}
	}
	return b.String()
}

var azureActivity = &Format{
	Name: "azure.activity",
	Detail: shaped(detailList(true, "service=resourceProviderValue|resourceProviderName.value|resourceProviderName|operationName.value|operationNameValue|operationName",
		"error=properties.statusCode|httpRequest.statusCode|resultSignature", "category=category.value|categoryValue|category", "status=status.value|activityStatusValue|activityStatus|status|resultType",
		"resource_group=resourceGroupName|resourceGroup", "correlation_id=correlationId", "level=level"), "service", beforeSlash),
	Fields: fieldList(true, []string{
		aaCategory:       "category|category.value|categoryValue|properties.eventCategory",
		aaTable:          "type",
		aaResource:       "resourceId|resource_id|resourceUri|_resourceId",
		aaOperationValue: "operationName.value|operation_name.value|operationNameValue",
		aaOperation:      "operationName",
		aaOperationID:    "operationId|operation_id",
		aaEventDataID:    "eventDataId|event_data_id|properties.eventDataId",
		aaEventTime:      "eventTimestamp|event_timestamp",
		aaTime:           "time|timeGenerated|timeGenerated [UTC]",
		aaCaller:         "caller",
		aaAuthorization:  "authorization.action|identity.authorization.action|authorization_d.action",
		aaCorrelation:    "correlationId|correlation_id",
		aaStatus:         "status.value|status",
		aaActivityStatus: "activityStatusValue|activityStatus",
		aaResultType:     "resultType",
		aaUPN:            claim("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"),
		aaObjectID:       claim("http://schemas.microsoft.com/identity/claims/objectidentifier"),
		aaAppID:          claim("appid"),
		aaEmail:          claim("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"),
		aaLogin:          claim("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"),
		aaName:           claim("name"),
		aaIDType:         claim("idtyp"),
		aaCallerIP:       "callerIpAddress",
		aaHTTPIP:         "httpRequest.clientIpAddress|http_request.client_ip_address",
		aaClaimIP:        claim("ipaddr"),
		aaSubscription:   "subscriptionId|subscription_id",
		aaTenant:         "tenantId|tenant_id",
		aaScope:          "authorization.scope|identity.authorization.scope|authorization_d.scope",
		aaMessage:        "properties.message|properties_d.message",
	}),
	Hot:    aaEmail,
	Is:     isAzureActivity,
	Key:    azureActivityKey,
	Time:   azureActivityTime,
	Header: azureActivityHeader,
	Also:   azureActivityAlso,
}

// isAzureActivity: the table says so, or an event data id stands beside an
// operation, or a resource below a subscription has one of the categories of the
// Activity log (Write, Delete and Action are those of its older export). What happens
// above subscriptions has no such resource, and shortened records may have none at all:
// there the operation is one of a provider of Microsoft.
func isAzureActivity(r *Record) bool {
	operation := r.has(aaOperation) || r.has(aaOperationValue)
	switch {
	case !operation:
		return false
	case isAny(r.scalar(aaTable), "AzureActivity"), r.has(aaEventDataID):
		return true
	}
	category := r.scalar(aaCategory)
	activity := isActivityCategory(category)
	if hasPrefixFold(r.scalar(aaResource), "/subscriptions/") {
		return activity || r.has(aaAuthorization) && !hasPrefixFold(category, "Storage") // see azure.resource
	}
	return activity && (r.has(aaAuthorization) || r.has(aaActivityStatus) && r.has(aaCaller) ||
		hasPrefixFold(r.scalar(aaOperation), "Microsoft.") && isAzureOperation(r.scalar(aaOperation)))
}

// azureActivityAlso returns the operation of a record that only shows its display name,
// as the older form of the table does: that of the properties' message, else that of the
// authorization, which may be of a call above it (the deletion of the resource group).
func azureActivityAlso(r *Record) []byte {
	if r.has(aaOperationValue) || isAzureOperation(r.scalar(aaOperation)) {
		return nil
	}
	for _, i := range [...]int{aaMessage, aaAuthorization} {
		if text := r.scalar(i); isAzureOperation(text) {
			return append(append([]byte(`"operationNameValue":"`), text...), '"')
		}
	}
	return nil
}

// isAzureOperation says whether text is an operation such as
// Microsoft.Network/networkSecurityGroups/write.
func isAzureOperation(text []byte) bool {
	provider, rest, found := bytes.Cut(text, []byte("/"))
	if !found || len(provider) == 0 || len(rest) == 0 || len(text) > 500 {
		return false
	}
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9', (c|0x20) >= 'a' && (c|0x20) <= 'z', c == '.', c == '/', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

func azureActivityTime(r *Record) int64 {
	if ns := nanos(r.scalar(aaEventTime)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(aaTime))
}

// azureActivityKey: the event data id. Event Hubs do not carry it; there the key
// is correlation id, time, operation, resource and result.
func azureActivityKey(r *Record) (yagura.Key, uint64, bool) {
	ns := azureActivityTime(r)
	operation, resource := r.either(aaOperationValue, aaOperation), r.scalar(aaResource)
	result := r.either(aaStatus, aaActivityStatus, aaResultType)
	content := contentHash(ns, r.either(aaCaller, aaUPN, aaObjectID, aaAppID), operation, resource, result)
	var k keyer
	k.start("azure.activity")
	if id := r.scalar(aaEventDataID); id != nil {
		k.part(id)
		return k.sum(), content, true
	}
	id := r.scalar(aaCorrelation)
	if id == nil || ns == 0 {
		return yagura.Key{}, content, false
	}
	k.part(id)
	k.number(ns)
	k.part(operation)
	k.part(resource)
	k.part(result)
	return k.sum(), content, true
}

func azureActivityHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(aaEventDataID, aaCorrelation)
	e.Time = timeOf(azureActivityTime(r))
	e.Action = r.str(aaOperationValue, aaOperation, aaAuthorization)
	resource := r.str(aaResource, aaScope)
	if e.Account = r.str(aaSubscription); e.Account == "" {
		parts := strings.SplitN(resource, "/", 4) // "/subscriptions/{id}/…"
		if len(parts) > 2 && strings.EqualFold(parts[1], "subscriptions") {
			e.Account = parts[2]
		} else {
			e.Account = r.str(aaTenant)
		}
	}
	id := r.str(aaCaller, aaUPN, aaEmail, aaLogin, aaObjectID, aaAppID)
	e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(aaUPN, aaEmail, aaLogin, aaName)}
	switch {
	case id == "":
		e.Actor = yagura.Actor{}
	case strings.HasPrefix(id, "Microsoft."), isAny(r.scalar(aaIDType), "app"), !strings.Contains(id, "@"):
		e.Actor.Type = yagura.EntityServicePrincipal
	}
	if e.Actor.Name == "" {
		e.Actor.Name = id
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, resource)
	e.SrcIP = firstAddress(r, aaCallerIP, aaHTTPIP, aaClaimIP)
	if result := r.either(aaStatus, aaActivityStatus, aaResultType); !isAny(result, "accept", "accepted") { // it goes on; another record says how it ended
		e.Outcome = outcomeWord(result)
	} else {
		e.Outcome = yagura.OutcomeUnknown
	}
	var more []yagura.Entity
	if e.Actor.ID != "" {
		more = append(more, yagura.Entity{Type: e.Actor.Type, ID: r.str(aaObjectID)},
			yagura.Entity{Type: yagura.EntityServicePrincipal, ID: r.str(aaAppID)})
	}
	if !isAny(r.scalar(aaTable), "AzureActivity") && !r.has(aaActivityStatus) { // in the table it is the workspace
		more = append(more, yagura.Entity{Type: yagura.EntityAccount, ID: r.str(aaTenant)})
	}
	finish(e, more...)
}
