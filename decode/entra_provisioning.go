package decode

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the Entra ID provisioning log: Event Hub (ProvisioningLogs), the
// table AADProvisioningLogs, whose columns may hold objects as text, and Microsoft
// Graph's provisioningObjectSummary.
const (
	epCategory = iota
	epTable
	epAction
	epJob
	epID
	epActivityTime
	epTime
	epStatus
	epResultType
	epInitiator
	epTarget
	epResource
	epOperation
	// The fields below are read by the header only.
	epInitiatorName
	epInitiatorType
	epTargetName
	epTargetType
	epSource
	epSourceName
	epPrincipal
	epAADTenant
	epTenant
	epIP
	epLocation
)

var entraProvisioning = &Format{
	Name: "entra.provisioning",
	Fields: fieldList(true, []string{
		epCategory:      "category",
		epTable:         "type",
		epAction:        "properties.provisioningAction|provisioningAction|properties.action",
		epJob:           "properties.jobId|jobId",
		epID:            "properties.id|id",
		epActivityTime:  "properties.activityDateTime|activityDateTime|activityDateTime [UTC]",
		epTime:          "time|timeGenerated|timeGenerated [UTC]",
		epStatus:        "properties.provisioningStatusInfo.status|provisioningStatusInfo.status|properties.statusInfo.status|statusInfo.status",
		epResultType:    "resultType",
		epInitiator:     "properties.initiatedBy.id|initiatedBy.id",
		epTarget:        "properties.targetIdentity.id|targetIdentity.id",
		epResource:      "resourceId",
		epOperation:     "operationName",
		epInitiatorName: "properties.initiatedBy.name|initiatedBy.name|properties.initiatedBy.displayName|initiatedBy.displayName",
		epInitiatorType: "properties.initiatedBy.type|initiatedBy.type|properties.initiatedBy.initiatorType|initiatedBy.initiatorType",
		epTargetName:    "properties.targetIdentity.name|targetIdentity.name|properties.targetIdentity.displayName|targetIdentity.displayName",
		epTargetType:    "properties.targetIdentity.type|targetIdentity.type|properties.targetIdentity.identityType|targetIdentity.identityType",
		epSource:        "properties.sourceIdentity.id|sourceIdentity.id",
		epSourceName:    "properties.sourceIdentity.name|sourceIdentity.name|properties.sourceIdentity.displayName|sourceIdentity.displayName",
		epPrincipal:     "properties.servicePrincipal.id|servicePrincipal.id",
		epAADTenant:     "aadTenantId",
		epTenant:        "tenantId|properties.tenantId",
		epIP:            "callerIpAddress",
		epLocation:      "location",
	}),
	Hot:    epInitiatorName,
	Is:     isEntraProvisioning,
	Key:    entraProvisioningKey,
	Time:   entraProvisioningTime,
	Header: entraProvisioningHeader,
}

// isEntraProvisioning: the category or table says so, or an action of provisioning
// stands beside the job that did it.
func isEntraProvisioning(r *Record) bool {
	if hasPrefixFold(r.scalar(epResource), "/subscriptions/") {
		return false
	}
	if isAny(r.scalar(epCategory), "ProvisioningLogs") || isAny(r.scalar(epTable), "AADProvisioningLogs") {
		return r.has(epOperation) || r.has(epAction) || r.has(epJob)
	}
	return r.has(epAction) && r.has(epJob)
}

// entraProvisioningTime is the record's own time; Graph only has that of the activity.
func entraProvisioningTime(r *Record) int64 {
	return timeIn(r, epTime, epActivityTime)
}

// entraProvisioningActivity is the time that all shapes give alike.
func entraProvisioningActivity(r *Record) int64 {
	return timeIn(r, epActivityTime, epTime)
}

// entraProvisioningKey: the record's id.
func entraProvisioningKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(entraProvisioningActivity(r), r.scalar(epInitiator), r.either(epAction, epOperation),
		r.scalar(epTarget), r.either(epStatus, epResultType))
	id := r.scalar(epID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("entra.provisioning")
	k.part(id)
	return k.sum(), content, true
}

func entraProvisioningHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(epID)
	e.Time = timeOf(entraProvisioningTime(r))
	if e.Account = r.str(epAADTenant, epTenant); e.Account == "" {
		e.Account = entraTenant(r, epAADTenant, epResource)
	}
	e.Region = r.str(epLocation)
	e.Action = r.str(epOperation, epAction)
	if id := r.str(epInitiator, epInitiatorName); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: id, Name: r.str(epInitiatorName)}
		if isAny(r.scalar(epInitiatorType), "user") {
			e.Actor.Type = yagura.EntityUser
		}
	}
	kind := r.str(epTargetType)
	typ := entraType(kind[strings.LastIndexByte(kind, ':')+1:]) // urn:ietf:params:scim:schemas:core:2.0:User
	e.Targets = addEntity(e.Targets, typ, cmp.Or(r.str(epTarget, epTargetName), r.str(epSource, epSourceName)))
	e.SrcIP = firstAddress(r, epIP)
	e.Outcome = outcomeWord(r.either(epResultType, epStatus))
	more := []yagura.Entity{{Type: yagura.EntityServicePrincipal, ID: r.str(epPrincipal)}}
	for _, i := range [...]int{epTargetName, epSource, epSourceName} {
		more = append(more, yagura.Entity{Type: typ, ID: r.str(i)})
	}
	finish(e, more...)
}
