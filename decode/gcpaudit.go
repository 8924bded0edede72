package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a Google Cloud LogEntry that holds an AuditLog: as Cloud Logging
// exports it (a file, a sink, Pub/Sub), in BigQuery's column names
// (protopayload_auditlog), and in the flat columns that the Sentinel connectors
// make of it (GCP_IAM_CL and kin, GCPAuditLogs).
const (
	gaType = iota
	gaLogName
	gaInsertID
	gaTimestamp
	gaService
	gaMethod
	gaActivityType
	gaEmail
	gaSubject
	gaResourceName
	gaStatus
	gaProject
	gaReceived
	// The fields below are read by the header only.
	gaGoogleEvent
	gaCallerIP
	gaDelegate
	gaKeyName
	gaThirdParty
	gaLabelRegion
	gaLabelLocation
	gaLabelZone
	gaLocations
	gaMembers
	gaMadeAccount
	gaPermission
	gaGranted
	gaCount
)

var gcpFields = fieldList(false, []string{
	gaType:         inPayload("@type", "_type_s"),
	gaLogName:      "logName|log_name_s|LogName|log_name",
	gaInsertID:     "insertId|insert_id_s|InsertId|insert_id",
	gaTimestamp:    "timestamp|timestamp_t|timestamp_t [UTC]|Timestamp",
	gaService:      inPayload("serviceName", "_serviceName_s") + "|ServiceName",
	gaMethod:       inPayload("methodName", "_methodName_s") + "|MethodName",
	gaActivityType: "protoPayload.metadata.@type",
	gaEmail:        inPayload("authenticationInfo.principalEmail", "_authenticationInfo_principalEmail_s") + "|PrincipalEmail",
	gaSubject:      inPayload("authenticationInfo.principalSubject", "_authenticationInfo_principalSubject_s"),
	gaResourceName: inPayload("resourceName", "_resourceName_s") + "|GCPResourceName",
	gaStatus:       inPayload("status.code", "_status_code_d") + "|Status.code",
	gaGoogleEvent:  "protoPayload.metadata.event.eventName",
	gaCallerIP: inPayload("requestMetadata.callerIp", "_requestMetadata_callerIp_s") +
		"|protoPayload.requestMetadata.callerIP|RequestMetadata.callerIp",
	gaDelegate: "protoPayload.authenticationInfo.serviceAccountDelegationInfo.firstPartyPrincipal.principalEmail|" +
		"protoPayload.authenticationInfo.serviceAccountDelegationInfo.principalSubject",
	gaKeyName:       inPayload("authenticationInfo.serviceAccountKeyName", "_authenticationInfo_serviceAccountKeyName_s"),
	gaThirdParty:    "protoPayload.authenticationInfo.thirdPartyPrincipal.principal_subject|protoPayload.authenticationInfo.authoritySelector",
	gaProject:       "resource.labels.project_id|resource_labels_project_id_s|ProjectId",
	gaLabelRegion:   "resource.labels.region|resource_labels_region_s",
	gaLabelLocation: "resource.labels.location|resource_labels_location_s",
	gaLabelZone:     "resource.labels.zone|resource_labels_zone_s",
	gaLocations:     "protoPayload.resourceLocation.currentLocations|ResourceLocation.currentLocations",
	gaMembers: "protoPayload.serviceData.policyDelta.bindingDeltas.member|" +
		"protoPayload.metadata.policyDelta.bindingDeltas.member",
	gaMadeAccount: "protoPayload.response.email",
	gaPermission:  inPayload("authorizationInfo.permission", "_authorizationInfo_permission_s"),
	gaGranted:     inPayload("authorizationInfo.granted", "_authorizationInfo_granted_b"),
	gaReceived:    "receiveTimestamp|TimeGenerated|TimeGenerated [UTC]",
})

// inPayload lists the paths of a field of an AuditLog; flat is its name behind
// "payload" in the flat columns.
func inPayload(path, flat string) string {
	return "protoPayload." + path + "|protopayload_auditlog." + path + "|payload" + flat
}

var gcpAudit = &Format{
	Name: "gcp.audit",
	Detail: shaped(detailList(false, "service="+inPayload("serviceName", "_serviceName_s")+"|ServiceName",
		"user_agent="+inPayload("requestMetadata.callerSuppliedUserAgent", "_requestMetadata_callerSuppliedUserAgent_s"),
		"access_key="+inPayload("authenticationInfo.serviceAccountKeyName", "_authenticationInfo_serviceAccountKeyName_s"), "error="+inPayload("status.code", "_status_code_d")+"|Status.code",
		"src_host="+inPayload("requestMetadata.callerIp", "_requestMetadata_callerIp_s"), "error_message="+inPayload("status.message", "_status_message_s"),
		"log_name=logName|log_name_s|LogName", "resource_name="+inPayload("resourceName", "_resourceName_s"), "resource_type=resource.type|resource_type_s", "severity=severity|severity_s"), "error", notZero),
	Fields: gcpFields,
	Hot:    gaGoogleEvent,
	Is:     func(r *Record) bool { return isGoogleAudit(r) && !isWorkspaceService(r) },
	Key:    func(r *Record) (yagura.Key, uint64, bool) { return googleAuditKey(r, "gcp.audit") },
	Time:   googleAuditTime,
	Header: googleAuditHeader,
}

// isGoogleAudit: the payload says that it is an AuditLog, or stands in one of the
// four logs of Cloud Audit Logs and names a method, or names service and method
// with the caller or resource (an excerpt without the fields around the payload).
func isGoogleAudit(r *Record) bool {
	if t := r.scalar(gaType); t != nil {
		return bytes.HasSuffix(t, []byte("google.cloud.audit.AuditLog"))
	}
	return r.has(gaMethod) && (bytes.Contains(r.scalar(gaLogName), []byte("cloudaudit.googleapis.com")) ||
		r.has(gaService) && (r.has(gaInsertID) || r.has(gaLogName) || r.has(gaEmail) || r.has(gaResourceName)))
}

// isWorkspaceService says whether an AuditLog was written by Google Workspace.
func isWorkspaceService(r *Record) bool {
	if bytes.HasSuffix(r.scalar(gaActivityType), []byte("ccc_hosted_reporting.ActivityProto")) {
		return true
	}
	return isAny(r.scalar(gaService), "admin.googleapis.com", "login.googleapis.com", "cloudidentity.googleapis.com",
		"oauth2.googleapis.com")
}

func googleAuditTime(r *Record) int64 {
	if ns := nanos(r.scalar(gaTimestamp)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(gaReceived))
}

// googleAuditKey: timestamp, log name, insert id and project, as Cloud Logging
// itself tells repeats apart. BigQuery keeps microseconds, and so does the key.
func googleAuditKey(r *Record, format string) (yagura.Key, uint64, bool) {
	ns := nanos(r.scalar(gaTimestamp))
	content := contentHash(ns, r.either(gaEmail, gaSubject), r.scalar(gaMethod), r.scalar(gaResourceName), r.scalar(gaStatus))
	id := r.scalar(gaInsertID)
	if id == nil || ns == 0 {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start(format)
	k.number(ns / 1e3)
	k.part(r.scalar(gaLogName))
	k.part(id)
	k.part(r.scalar(gaProject))
	return k.sum(), content, true
}

func googleAuditHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(gaInsertID)
	e.Time = timeOf(googleAuditTime(r))
	e.Action = r.str(gaMethod)
	logName := r.str(gaLogName)
	if e.Account = r.str(gaProject); e.Account == "" {
		// projects/{id}/logs/…, organizations/…, folders/…, billingAccounts/…
		if parts := strings.SplitN(logName, "/", 3); len(parts) == 3 {
			e.Account = parts[1]
		}
	}
	e.Region = googleRegion(r)

	subject := r.str(gaSubject)
	email := r.str(gaEmail)
	id := email
	if id == "" {
		id = subject
	}
	if id == "" {
		id = r.str(gaThirdParty)
	}
	e.Actor = googlePrincipal(id)
	if delegates := r.texts(gaDelegate); len(delegates) > 0 {
		e.Actor.SessionOf = strings.TrimPrefix(strings.TrimPrefix(delegates[0], "user:"), "serviceAccount:")
	}
	var more []yagura.Entity
	for _, d := range r.texts(gaDelegate) {
		more = append(more, entityOf(googlePrincipal(d)))
	}
	more = append(more, yagura.Entity{Type: yagura.EntityKey, ID: r.str(gaKeyName)})

	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(gaResourceName))
	e.Targets = addEntity(e.Targets, yagura.EntityServicePrincipal, r.str(gaMadeAccount))
	for _, member := range r.texts(gaMembers) {
		t := entityOf(googlePrincipal(member))
		e.Targets = addEntity(e.Targets, t.Type, t.ID)
	}
	e.SrcIP = firstAddress(r, gaCallerIP)

	switch code := r.scalar(gaStatus); {
	case len(code) > 0 && string(code) != "0" && string(code) != "0.0":
		e.Outcome = yagura.OutcomeFailure
	case bytes.HasSuffix(r.scalar(gaMethod), []byte("Failure")), isAny(r.scalar(gaGoogleEvent), "login_failure"):
		e.Outcome = yagura.OutcomeFailure
	case len(code) == 0 && r.denied():
		e.Outcome = yagura.OutcomeFailure
	default:
		e.Outcome = yagura.OutcomeSuccess // an absent status is google.rpc.Status OK
	}
	finish(e, more...)
}

// denied says whether permissions were asked for and none was granted; what is false may be
// left out of the record.
func (r *Record) denied() bool {
	for _, granted := range r.few(gaGranted) {
		if granted == "true" || granted == "True" {
			return false
		}
	}
	return r.has(gaPermission)
}

func entityOf(a yagura.Actor) yagura.Entity { return yagura.Entity{Type: a.Type, ID: a.ID} }

// googlePrincipal reads an IAM principal: an e-mail address, or one with a prefix
// ("user:", "serviceAccount:", "group:"), or a workforce or workload identity.
func googlePrincipal(id string) yagura.Actor {
	if id == "" {
		return yagura.Actor{}
	}
	typ := yagura.EntityUser
	if kind, rest, ok := strings.Cut(id, ":"); ok && !strings.HasPrefix(rest, "//") {
		switch kind {
		case "user":
			id = rest
		case "serviceAccount":
			id, typ = rest, yagura.EntityServicePrincipal
		case "group", "domain", "projectOwner", "projectEditor", "projectViewer", "deleted":
			typ = yagura.EntityResource
		}
	}
	switch {
	case id == "allUsers", id == "allAuthenticatedUsers", strings.HasPrefix(id, "principalSet:"):
		typ = yagura.EntityResource
	case strings.HasSuffix(id, ".gserviceaccount.com"), strings.HasSuffix(id, ".svc.id.goog"),
		strings.Contains(id, "/workloadIdentityPools/"), id == "system@google.com",
		kubernetesUser(id) == yagura.EntityServicePrincipal:
		typ = yagura.EntityServicePrincipal
	}
	return yagura.Actor{Type: typ, ID: id, Name: id}
}

// googleRegion: the labels region, location or zone of the monitored resource, or
// the first current location; a zone is cut to its region.
func googleRegion(r *Record) string {
	where := r.str(gaLabelRegion, gaLabelLocation, gaLabelZone)
	if where == "" {
		where = r.str(gaLocations)
	}
	return cutZone(where)
}
