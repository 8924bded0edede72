package decode

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the alerts of Microsoft's security products: Microsoft Graph (alerts_v2
// and the older alerts, incidents), Defender for Cloud (continuous export and the REST
// API's shape below "properties"), Sentinel's tables SecurityAlert and SecurityIncident,
// Defender for Endpoint, and Defender XDR's AlertInfo. Names compare without regard to
// case.
const (
	maID = iota
	maSystemID
	maAlertID
	maIncident
	maIncidentName
	maTable
	maCategory
	maKind
	maODataType
	maSeverity
	maStatus
	maType
	maTitle
	maDisplay
	maService
	maVendorProvider
	maUpdated
	maCreated
	maGenerated
	maMachine
	maDetection
	maProvider
	// The fields below are read by the header only.
	maText
	maProduct
	maTactic
	maTechnique
	maResource
	maCompromised
	maHost
	maUserID
	maUPN
	maAccountName
	maIP
	maSubscription
	maWorkspace
	maTenant
	maAADTenant
	maActivityTime
	maApp
)

var microsoftAlert = &Format{
	Name: "microsoft.alert",
	Fields: fieldList(true, []string{
		maID:             "id",
		maSystemID:       "systemAlertId|properties.systemAlertId",
		maAlertID:        "alertId|properties.alertId",
		maIncident:       "incidentId",
		maIncidentName:   "incidentName|name",
		maTable:          "type",
		maCategory:       "category",
		maKind:           "incidentNumber|incidentWebUrl|redirectIncidentId|incidentUri|properties.incidentNumber",
		maODataType:      "[@odata.type]",
		maSeverity:       "severity|alertSeverity|properties.severity|properties.reportedSeverity",
		maStatus:         "status|properties.status|properties.state|state",
		maType:           "alertType|properties.alertType|properties.alertName",
		maTitle:          "title|properties.title",
		maDisplay:        "alertDisplayName|properties.alertDisplayName|displayName|alertName",
		maService:        "serviceSource|properties.serviceSource",
		maVendorProvider: "vendorInformation.provider",
		maUpdated:        "lastUpdateDateTime|lastModifiedDateTime|lastUpdateTime|lastModifiedTime|processingEndTime|properties.lastModifiedTimeUtc|properties.processingEndTimeUtc|properties.detectedTimeUtc",
		maCreated:        "createdDateTime|eventDateTime|alertCreationTime|createdTime|timeGenerated|timeGenerated [UTC]|properties.timeGeneratedUtc|properties.timeGenerated|properties.createdTimeUtc|time",
		maGenerated:      "properties.timestamp|timestamp",
		maMachine:        "machineId",
		maDetection:      "detectionSource|properties.detectionSource",
		maProvider:       "providerName|productName|properties.productName|properties.vendorName|vendorName",
		maText:           "description|properties.description",
		maProduct:        "productName|properties.productName",
		maTactic:         "tactics|intent|properties.intent",
		maTechnique:      "mitreTechniques|techniques|properties.techniques|attackTechniques|properties.attackTechniques",
		maResource: "resourceIdentifiers.azureResourceId|properties.resourceIdentifiers.azureResourceId|evidence.resourceId|resourceId|properties.associatedResource|" +
			"azureResourceId",
		maCompromised:  "compromisedEntity|properties.compromisedEntity",
		maHost:         "computerDnsName|hostStates.fqdn|evidence.deviceDnsName|entities.hostName|properties.entities.hostName|properties.deviceName|deviceName",
		maUserID:       "evidence.userAccount.azureAdUserId|userStates.aadUserId|entities.aadUserId|properties.entities.aadUserId|properties.accountObjectId|accountObjectId",
		maUPN:          "evidence.userAccount.userPrincipalName|userStates.userPrincipalName|entities.upn|entities.userPrincipalName|properties.entities.upn|properties.accountUpn|accountUpn",
		maAccountName:  "evidence.userAccount.accountName|userStates.accountName|relatedUser.userName|entities.name|properties.entities.name|properties.accountName|accountName",
		maIP:           "evidence.ipAddress|userStates.logonIp|networkConnections.sourceAddress|entities.address|properties.entities.address|properties.remoteIP|remoteIP|properties.localIP|localIP",
		maSubscription: "azureSubscriptionId|subscriptionId",
		maWorkspace:    "workspaceSubscriptionId",
		maTenant:       "tenantId|azureTenantId",
		maAADTenant:    "aadTenantId",
		maActivityTime: "firstActivityDateTime|startTimeUtc|properties.startTimeUtc|startTime|firstEventTime",
		maApp:          "evidence.appId|evidence.servicePrincipalObjectId|entities.appId",
	}),
	Hot:    maText,
	Is:     isMicrosoftAlert,
	Key:    microsoftAlertKey,
	Time:   microsoftAlertTime,
	Header: microsoftAlertHeader,
	Alert:  microsoftAlertOf,
	Says:   []int{maType, maIncidentName, maDisplay, maTitle},
}

// isMicrosoftAlert: a severity beside what only one of the products writes.
func isMicrosoftAlert(r *Record) bool {
	if !r.has(maSeverity) && !isAlertEvidence(r) {
		return false
	}
	table := r.scalar(maTable)
	switch {
	case isAny(table, "SecurityAlert", "SecurityIncident", "AlertInfo"):
		return true
	case isAlertEvidence(r):
		return r.has(maAlertID)
	case hasPrefixFold(table, "Microsoft.Security/") && hasPrefixFold(table[max(len(table)-len("alerts"), 0):], "alerts"):
		return r.has(maType)
	case hasPrefixFold(r.scalar(maCategory), "AdvancedHunting-AlertInfo"):
		return r.has(maAlertID)
	case r.has(maSystemID): // Defender for Cloud and Sentinel
		return r.has(maType) || r.has(maDisplay)
	case r.has(maVendorProvider): // the older alerts of Graph
		return r.has(maTitle) && r.has(maStatus)
	case r.has(maService): // alerts_v2
		return (r.has(maID) || r.has(maAlertID)) && r.has(maTitle)
	case r.has(maMachine) && r.has(maDetection): // Defender for Endpoint
		return r.has(maID) && r.has(maTitle)
	case isMicrosoftIncident(r):
		return r.has(maStatus) && (r.has(maID) || r.has(maIncident)) && (r.has(maTitle) || r.has(maDisplay) || r.has(maIncidentName))
	}
	return false
}

// isAlertEvidence says whether a record is one thing that an alert of Defender XDR is
// about: an event with its entities, no alert of its own.
func isAlertEvidence(r *Record) bool {
	return isAny(r.scalar(maTable), "AlertEvidence") || hasPrefixFold(r.scalar(maCategory), "AdvancedHunting-AlertEvidence")
}

// isMicrosoftIncident tells an incident of Graph, Defender XDR or Sentinel from an alert,
// which may name its incident too.
func isMicrosoftIncident(r *Record) bool {
	return r.has(maKind) && !r.has(maService) && !r.has(maVendorProvider) && !r.has(maSystemID) && !r.has(maMachine)
}

// microsoftAlertID is the id of the alert, of an incident its own.
func microsoftAlertID(r *Record) []byte {
	if isMicrosoftIncident(r) {
		return r.either(maIncident, maIncidentName, maID)
	}
	if r.has(maMachine) || r.has(maVendorProvider) {
		return r.either(maID)
	}
	return r.either(maSystemID, maAlertID, maID)
}

// microsoftAlertTime is that of the version: when it was updated, else when it was made.
func microsoftAlertTime(r *Record) int64 {
	for _, i := range [...]int{maUpdated, maGenerated, maCreated, maActivityTime} {
		if i < maText { // the last is read by the header only
			if ns := firstNanos(r, i); ns != 0 {
				return ns
			}
		}
	}
	return 0
}

// microsoftAlertKey: id, time of the version in milliseconds, status and severity.
func microsoftAlertKey(r *Record) (yagura.Key, uint64, bool) {
	at, id := microsoftAlertTime(r), microsoftAlertID(r)
	content := contentHash(at, nil, r.either(maType, maTitle, maDisplay, maIncidentName), id, r.scalar(maStatus))
	if id == nil || isAlertEvidence(r) { // many records with one id and time
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("microsoft.alert")
	k.part(id)
	k.number(at / 1e6)
	k.part(r.scalar(maStatus))
	k.part(r.scalar(maSeverity))
	return k.sum(), content, true
}

func microsoftAlertHeader(r *Record, e *yagura.Event) {
	e.ID = r.words.string(microsoftAlertID(r))
	e.Time = timeOf(microsoftAlertTime(r))
	e.Action = microsoftAlertName(r)
	resources := r.texts(maResource)
	for _, id := range resources {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, id)
	}
	if len(resources) == 0 {
		for k, host := range r.texts(maHost) {
			if k < maxIdentities {
				e.Targets = addEntity(e.Targets, yagura.EntityHost, host)
			}
		}
		if len(e.Targets) == 0 {
			e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(maCompromised))
		}
	}
	e.Account = r.str(maSubscription)
	if e.Account == "" {
		for _, id := range append(resources, r.str(maID)) {
			if parts := strings.SplitN(id, "/", 4); len(parts) > 2 && strings.EqualFold(parts[1], "subscriptions") {
				e.Account = parts[2]
				break
			}
		}
	}
	if e.Account == "" { // where it is collected, which need not be where it happened
		e.Account = r.str(maWorkspace)
	}
	if e.Account == "" && !isAny(r.scalar(maTable), "SecurityAlert", "SecurityIncident") { // in these tables it is the workspace
		e.Account = r.str(maAADTenant, maTenant)
	}
	if id := r.str(maUserID, maUPN, maAccountName); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(maUPN, maAccountName)}
	} else if app := r.str(maApp); app != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: app}
	}
	e.SrcIP = firstAddress(r, maIP)
	e.Outcome = yagura.OutcomeUnknown // an alert is a judgement
	var more []yagura.Entity
	add := func(typ string, i int) {
		for k, id := range r.texts(i) {
			if k < maxIdentities {
				more = append(more, yagura.Entity{Type: typ, ID: id})
			}
		}
	}
	add(yagura.EntityUser, maUserID)
	add(yagura.EntityUser, maUPN)
	add(yagura.EntityHost, maHost)
	add(yagura.EntityServicePrincipal, maApp)
	for k, ip := range r.texts(maIP) {
		if a := address(ip); k < maxIdentities {
			more = append(more, yagura.Entity{Type: yagura.EntityIP, ID: a})
		}
	}
	finish(e, more...)
}

// microsoftAlertName is what was found: the type of the alert, else its title.
func microsoftAlertName(r *Record) string {
	return r.str(maType, maTitle, maDisplay, maIncidentName)
}

func microsoftAlertOf(r *Record) (Alert, bool) {
	id := r.words.string(microsoftAlertID(r))
	if id == "" || isAlertEvidence(r) {
		return Alert{}, false
	}
	a := Alert{Family: "microsoft", Scope: "microsoft.alert", Key: id, Title: r.str(maTitle, maDisplay, maIncidentName, maType), Text: r.str(maText)}
	rule := microsoftAlertName(r)
	a.Rule = cmp.Or(r.str(maService, maVendorProvider, maProduct, maProvider), "Microsoft") + "/" + cmp.Or(rule, "alert")
	severity := r.scalar(maSeverity)
	a.Original = string(severity)
	if a.Severity = severityWord(severity); a.Severity == 0 || isAny(severity, "unknown") {
		a.Severity = yagura.SeverityMedium
	}
	for _, v := range r.texts(maTechnique) {
		for word := range strings.FieldsFuncSeq(v, func(c rune) bool { return strings.ContainsRune(`[]", ()`, c) }) {
			if tag := attackTag([]byte(word)); tag != "" && len(a.Tags) < 20 {
				a.Tags = append(a.Tags, tag)
			}
		}
	}
	if status := r.scalar(maStatus); isAny(status, "resolved", "dismissed", "closed", "redirected", "autoDismissed") {
		a.Resolved, a.State = true, "status "+string(status)
	}
	return a, true
}
