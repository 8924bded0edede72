package decode

import (
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the Google Workspace audit log: an activity of the Reports API,
// or an AuditLog that Workspace wrote to Cloud Logging (the fields of gcp.audit,
// which come first).
const (
	gwKind = iota + gaCount
	gwTime
	gwQualifier
	gwApplication
	gwCustomer
	gwEmail
	gwProfile
	gwCallerKey
	gwEvent
	gwType
	gwIP
	gwParameters
	gwLoggedParameters
)

var googleWorkspace = &Format{
	Name:   "google_workspace.audit",
	Detail: detailList(false, "service=id.applicationName|protoPayload.serviceName", "error=events.status.errorCode|protoPayload.status.code", "user_agent=protoPayload.requestMetadata.callerSuppliedUserAgent"),
	Fields: append(gcpFields[:gaCount:gaCount], fieldList(false, []string{
		gwKind - gaCount:             "kind",
		gwTime - gaCount:             "id.time",
		gwQualifier - gaCount:        "id.uniqueQualifier",
		gwApplication - gaCount:      "id.applicationName",
		gwCustomer - gaCount:         "id.customerId",
		gwEmail - gaCount:            "actor.email",
		gwProfile - gaCount:          "actor.profileId",
		gwCallerKey - gaCount:        "actor.key",
		gwEvent - gaCount:            "events.name|event.name",
		gwType - gaCount:             "events.type|event.type",
		gwIP - gaCount:               "ipAddress",
		gwParameters - gaCount:       "events.parameters|event.parameters",
		gwLoggedParameters - gaCount: "protoPayload.metadata.event.parameter",
	})...),
	Is:     isWorkspace,
	Key:    workspaceKey,
	Time:   workspaceTime,
	Header: workspaceHeader,
}

// isWorkspace: an activity of the Reports API, by its kind or by its compound id
// with an event, or an AuditLog of a Workspace service.
func isWorkspace(r *Record) bool {
	if isAny(r.scalar(gwKind), "admin#reports#activity") || r.has(gwApplication) && r.has(gwTime) && r.has(gwEvent) {
		return true
	}
	return isGoogleAudit(r) && isWorkspaceService(r)
}

func workspaceTime(r *Record) int64 {
	if ns := nanos(r.scalar(gwTime)); ns != 0 {
		return ns
	}
	return googleAuditTime(r)
}

// workspaceKey: for the Reports API unique qualifier, time, application, customer,
// and the name and parameters of the first event (collectors make a record of each of
// the events, which may have one name); for Cloud Logging the recipe of gcp.audit.
func workspaceKey(r *Record) (yagura.Key, uint64, bool) {
	if !r.has(gwTime) {
		return googleAuditKey(r, "google_workspace.audit")
	}
	ns := nanos(r.scalar(gwTime))
	content := contentHash(ns, r.either(gwEmail, gwProfile, gwCallerKey), r.scalar(gwEvent), r.scalar(gwIP))
	id := r.scalar(gwQualifier)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("google_workspace.audit")
	k.part(id)
	k.number(ns)
	k.part(r.scalar(gwApplication))
	k.part(r.scalar(gwCustomer))
	k.part(r.scalar(gwEvent))
	k.part(r.Text(gwParameters))
	return k.sum(), content, true
}

func workspaceHeader(r *Record, e *yagura.Event) {
	var parameters []workspaceParameter
	if !r.has(gwTime) {
		googleAuditHeader(r, e)
		r.decode(gwLoggedParameters, &parameters)
	} else {
		e.ID = r.str(gwQualifier)
		e.Time = timeOf(nanos(r.scalar(gwTime)))
		e.Account = r.str(gwCustomer)
		e.Action = r.str(gwEvent)
		e.Actor = googlePrincipal(r.str(gwEmail))
		if e.Actor.ID == "" {
			e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: r.str(gwProfile)}
		}
		if e.Actor.ID == "" { // a robot account, or a client that acts for nobody
			e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: r.str(gwCallerKey)}
		}
		if e.Actor.ID == "" {
			e.Actor = yagura.Actor{}
		}
		e.SrcIP = firstAddress(r, gwIP)
		r.decode(gwParameters, &parameters)
		e.Outcome = workspaceOutcome(e.Action, parameters)
	}
	for _, p := range parameters {
		switch {
		case e.SrcIP == "" && p.Name == "ip_address": // of who was in a meeting
			e.SrcIP = address(string(p.Value))
		default:
			typ := workspaceTarget(string(p.Name))
			e.Targets = addEntity(e.Targets, typ, string(p.Value))
			for _, value := range p.MultiValue[:min(len(p.MultiValue), maxFew)] {
				e.Targets = addEntity(e.Targets, typ, string(value))
			}
		}
	}
	finish(e, e.Entities...)
}

// workspaceParameter is a parameter of an activity, with one value or several.
type workspaceParameter struct {
	Name, Value looseText
	MultiValue  []looseText
}

// workspaceTarget is the type of whom or what a parameter names that an activity is about;
// "" where it names nothing of the kind.
func workspaceTarget(name string) string {
	switch name {
	case "USER_EMAIL", "user_email", "target_user", "target_users", "affected_email_address", "member_id",
		"grantee_email", "email_forwarding_destination_address", "OWNER_EMAIL", "resource_owner_email",
		"TARGET_USER_EMAIL", "target_email", "event_guest", "recipient_email", "resource_recipients":
		return yagura.EntityUser
	case "GROUP_EMAIL", "group_email", "group_id", "ROLE_NAME", "doc_id", "APPLICATION_NAME", "app_name", "application_name", "SETTING_NAME",
		"client_id", "APP_ID", "calendar_id", "event_id", "room_id", "resource_id", "rule_name", "CAA_APPLICATION", "RESOURCE_NAME",
		"matter_id", "meeting_code", "note_name", "ASSET_ID":
		return yagura.EntityResource
	case "DEVICE_ID", "device_id", "CAA_DEVICE_ID", "DIRECTORY_DEVICE_ID":
		return yagura.EntityHost
	}
	return ""
}

// workspaceOutcome: activities are things that were done, unless the name says otherwise, or a
// challenge at a sign-in was not passed, or the status says that it failed.
func workspaceOutcome(action string, parameters []workspaceParameter) string {
	name := strings.ToLower(action)
	if strings.Contains(name, "fail") || strings.Contains(name, "blocked") || strings.Contains(name, "access_deny") {
		return yagura.OutcomeFailure
	}
	for _, p := range parameters {
		value := strings.ToLower(string(p.Value))
		if p.Name == "login_challenge_status" && value != "" && !strings.Contains(value, "passed") ||
			p.Name == "status" && value == "failed" {
			return yagura.OutcomeFailure
		}
	}
	return yagura.OutcomeSuccess
}
