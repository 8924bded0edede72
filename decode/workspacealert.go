package decode

import (
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of an alert of Google Workspace's Alert Center.
const (
	waID = iota
	waType
	waSource
	waCustomer
	waUpdated
	waCreated
	waStart
	waStatus
	waSeverity
	waDeleted
	// The fields below are read by the header only.
	waTitle
	waText
	waActor
	waUser
	waIP
	waMore
	waDevice
	waLink
)

var workspaceAlert = &Format{
	Name: "google_workspace.alert",
	Fields: fieldList(false, []string{
		waID:       "alertId",
		waType:     "type",
		waSource:   "source",
		waCustomer: "customerId",
		waUpdated:  "updateTime",
		waCreated:  "createTime",
		waStart:    "startTime",
		waStatus:   "metadata.status",
		waSeverity: "metadata.severity",
		waDeleted:  "deleted",
		waTitle:    "data.displayName|data.title|data.name|data.ruleViolationInfo.ruleInfo.displayName",
		waText:     "data.description|data.header",
		waActor:    "data.actorEmail|data.ruleViolationInfo.triggeringUserEmail",
		waUser:     "data.email|data.affectedUserEmails|data.messages.recipient|data.superAdminPasswordResetEvent.userEmail|data.primaryAdminChangedEvent.updatedAdminEmail",
		waIP:       "data.loginDetails.ipAddress|data.sourceIp",
		waMore:     "data.maliciousEntity.fromHeader|data.maliciousEntity.entity.emailAddress|data.primaryAdminChangedEvent.previousAdminEmail",
		waDevice:   "data.events.deviceId",
		waLink:     "data.ruleViolationInfo.resourceInfo.documentId",
	}),
	Hot: waTitle,
	Is: func(r *Record) bool {
		return r.has(waID) && r.has(waType) && r.has(waSource) && (r.has(waCustomer) || r.has(waStart))
	},
	Key:    workspaceAlertKey,
	Time:   workspaceAlertTime,
	Header: workspaceAlertHeader,
	Alert:  workspaceAlertAlert,
	Says:   []int{waType, waTitle},
}

// workspaceAlertTime is that of the version.
func workspaceAlertTime(r *Record) int64 {
	for _, i := range [...]int{waUpdated, waCreated, waStart} {
		if ns := nanos(r.scalar(i)); ns != 0 {
			return ns
		}
	}
	return 0
}

// workspaceAlertKey: alertId, customerId, time of the update in milliseconds, status, deleted.
func workspaceAlertKey(r *Record) (yagura.Key, uint64, bool) {
	at := workspaceAlertTime(r)
	var k keyer
	k.start("google_workspace.alert")
	k.part(r.scalar(waID))
	k.part(r.scalar(waCustomer))
	k.number(at / 1e6)
	k.part(r.scalar(waStatus))
	k.part(truth(r.scalar(waDeleted)))
	return k.sum(), contentHash(at, r.scalar(waSource), r.scalar(waType), r.scalar(waID), r.scalar(waStatus)), true
}

func workspaceAlertHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(waID)
	e.Time = timeOf(workspaceAlertTime(r))
	e.Account = r.str(waCustomer)
	e.Action = r.str(waType)
	e.Actor = googlePrincipal(r.str(waActor))
	for _, user := range r.few(waUser) {
		e.Targets = addEntity(e.Targets, yagura.EntityUser, user)
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(waLink))
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(waDevice))
	e.SrcIP = firstAddress(r, waIP)
	var more []yagura.Entity
	for _, mail := range r.few(waMore) {
		more = append(more, yagura.Entity{Type: yagura.EntityUser, ID: mail})
	}
	finish(e, more...)
}

func workspaceAlertAlert(r *Record) (Alert, bool) {
	a := Alert{Family: "workspace", Scope: "google_workspace.alert", Rule: r.str(waSource) + "/" + r.str(waType), Key: r.str(waID), Title: r.str(waType),
		Text: r.str(waText), Original: r.str(waSeverity), Severity: severityWord(r.scalar(waSeverity))}
	if title := r.str(waTitle); title != "" && !strings.EqualFold(title, a.Title) {
		a.Title += ": " + title
	}
	if a.Severity == 0 {
		a.Severity = yagura.SeverityMedium
	}
	switch {
	case isAny(r.scalar(waStatus), "CLOSED"):
		a.Resolved, a.State = true, "status CLOSED"
	case isAny(r.scalar(waDeleted), "true"):
		a.Resolved, a.State = true, "deleted"
	}
	return a, true
}
