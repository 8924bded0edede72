package decode

import (
	"bytes"
	"cmp"

	"github.com/yagura-sec/yagura"
)

// Header fields of Entra ID Protection: risk detections and risky users, by Event
// Hub (UserRiskEvents, ServicePrincipalRiskEvents, RiskyUsers,
// RiskyServicePrincipals), Log Analytics (AADUserRiskEvents, …) and Graph
// (riskDetection, riskyUser), and the alerts of Privileged Identity Management, in
// the same form or as Graph gives them: what happened is their type.
const (
	erCategory = iota
	erTable
	erAlert
	erRiskEvent
	erRiskState
	erRiskUpdated
	erActivityTime
	erDetectedTime
	erTime
	erUpdatedTime
	erID
	erUserID
	erUserUPN
	erPrincipalID
	erRiskLevel
	erOperation
	erResource
	// The fields below are read by the header only.
	erUserName
	erPrincipalName
	erIP
	erAADTenant
	erTenant
)

var entraRisk = &Format{
	Name: "entra.risk",
	Fields: fieldList(true, []string{
		erCategory:      "category",
		erTable:         "type",
		erAlert:         "[@odata.type]",
		erRiskEvent:     "properties.riskEventType|riskEventType",
		erRiskState:     "properties.riskState|riskState",
		erRiskUpdated:   "properties.riskLastUpdatedDateTime|riskLastUpdatedDateTime",
		erActivityTime:  "properties.activityDateTime|activityDateTime",
		erDetectedTime:  "properties.detectedDateTime|detectedDateTime",
		erTime:          "time|timeGenerated|timeGenerated [UTC]",
		erUpdatedTime:   "properties.lastUpdatedDateTime|lastUpdatedDateTime",
		erID:            "properties.id|id",
		erUserID:        "properties.userId|userId|assigneeId",
		erUserUPN:       "properties.userPrincipalName|userPrincipalName|assigneeUserPrincipalName",
		erPrincipalID:   "properties.servicePrincipalId|servicePrincipalId",
		erRiskLevel:     "properties.riskLevel|riskLevel",
		erOperation:     "operationName",
		erUserName:      "properties.userDisplayName|userDisplayName|assigneeDisplayName",
		erPrincipalName: "properties.servicePrincipalDisplayName|servicePrincipalDisplayName",
		erIP:            "properties.ipAddress|ipAddress|callerIpAddress",
		erAADTenant:     "aadTenantId",
		erResource:      "resourceId",
		erTenant:        "tenantId",
	}),
	Hot:    erUserName,
	Is:     isEntraRisk,
	Key:    entraRiskKey,
	Time:   entraRiskTime,
	Header: entraRiskHeader,
}

func isEntraRisk(r *Record) bool {
	if hasPrefixFold(r.scalar(erResource), "/subscriptions/") {
		return false
	}
	if r.has(erRiskEvent) || pimAlert(r) != nil {
		return true
	}
	for _, said := range [...][]byte{r.scalar(erCategory), r.scalar(erTable)} {
		if isAny(said, "UserRiskEvents", "ServicePrincipalRiskEvents", "RiskyUsers", "RiskyServicePrincipals",
			"AADUserRiskEvents", "AADServicePrincipalRiskEvents", "AADRiskyUsers", "AADRiskyServicePrincipals") {
			return true
		}
	}
	return r.has(erRiskState) && r.has(erRiskUpdated)
}

// pimAlert returns the type of an incident that Privileged Identity Management alerts
// of, nil for what is none.
func pimAlert(r *Record) []byte {
	name, ok := bytes.CutPrefix(r.scalar(erAlert), []byte("#microsoft.graph."))
	if !ok || !bytes.HasSuffix(name, []byte("AlertIncident")) || !r.has(erID) {
		return nil
	}
	return name
}

// entraRiskTime is when the judgement was made or last changed: what a record by Event
// Hub has as its own time, to the second, and one of Graph as its last update.
func entraRiskTime(r *Record) int64 {
	return timeIn(r, erTime, erUpdatedTime, erRiskUpdated, erDetectedTime, erActivityTime)
}

// entraRiskActivity is when that happened which was judged; all shapes give it alike.
func entraRiskActivity(r *Record) int64 {
	return timeIn(r, erActivityTime, erDetectedTime, erRiskUpdated, erTime)
}

// entraRiskKey: the record's id, what was detected (the type of an alert), and the risk
// state with its time of change, because a risk is sent again under its id whenever its
// state changes.
func entraRiskKey(r *Record) (yagura.Key, uint64, bool) {
	event := r.scalar(erRiskEvent)
	if event == nil {
		event = pimAlert(r) // not any type: a record by Event Hub has none
	}
	content := contentHash(entraRiskActivity(r), r.either(erUserID, erUserUPN, erPrincipalID), r.either(erRiskEvent, erOperation),
		r.scalar(erRiskLevel), r.scalar(erRiskState))
	id := r.scalar(erID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("entra.risk")
	k.part(id)
	k.part(event)
	k.part(r.scalar(erRiskState))
	k.part(r.scalar(erRiskUpdated))
	return k.sum(), content, true
}

func entraRiskHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(erID)
	e.Time = timeOf(entraRiskTime(r))
	e.Account = entraTenant(r, erAADTenant, erResource, erTenant)
	if e.Action = r.str(erOperation, erRiskEvent); e.Action == "" {
		e.Action = cmp.Or(string(pimAlert(r)), r.str(erRiskState))
	}
	if r.either(erUserID, erUserUPN) != nil {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: r.str(erUserID, erUserUPN), Name: r.str(erUserUPN, erUserName)}
		if !r.has(erUserID) && !r.has(erRiskEvent) && isGUID(e.ID) { // a risky user is the object that the record is about
			e.Actor.ID = e.ID
		}
	} else if r.scalar(erPrincipalID) != nil {
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: r.str(erPrincipalID), Name: r.str(erPrincipalName)}
	}
	e.SrcIP = firstAddress(r, erIP)
	e.Outcome = yagura.OutcomeUnknown // a risk is a judgement, not something that was tried
	finish(e, yagura.Entity{Type: yagura.EntityUser, ID: r.str(erUserUPN)})
}
