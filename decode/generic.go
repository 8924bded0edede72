package decode

import (
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of JSON that no other format knows, by the names that logs commonly
// use. Names compare without regard to case.
const (
	jsTime = iota
	jsCreated
	jsID
	jsAction
	jsKind
	jsActor
	jsOutcome
	jsTarget
	jsTable
	jsRowTime
	// The fields below are read by the header only.
	jsAccount
	jsRegion
	jsIP
	jsActorName
	jsSchema
	jsError
	jsGuard
	jsRowID
	jsRowAction
	jsRowUser
	jsRowUPN
	jsRowSID
	jsRowName
	jsRowIP
	jsRowLocalIP
	jsRowTargetUser
	jsRowTarget
	jsRowDevice
)

// generic, "json", is the last resort: whatever is JSON is an event. Its id is shown but is no
// key, since nothing says that it is unique: the reader keys it by file and record
// number, so that two equal lines in one file are two events.
var generic = &Format{
	Name: "json",
	Fields: fieldList(true, []string{
		jsTime:      "time|timestamp|@timestamp|eventTime|event_time|_time|ts|date|datetime|timeGenerated|eventTimestamp|event.created|published|event.timestamp|digestEndTime",
		jsCreated:   "created_at|createdAt|createdDateTime|creationTime|created|start_time|startTime",
		jsID:        "id|uuid|eventId|event_id|_id|guid|event.id|insertId|requestId|request_id",
		jsAction:    "action|eventName|event_name|operation|operationName|event.action|evt.name|methodName",
		jsKind:      "eventType|event_type|event|event.event_type|type|method|name|detail-type",
		jsActor:     "userIdentity.arn|identity.arn|actor.id|actor.email|actor.name|actor|user.id|user.email|user.name|user|username|user_name|userName|userId|user_id|principal|principalId|caller|usr.id|usr.name|email|login|account_name",
		jsOutcome:   "outcome|outcome.result|result|status|evt.outcome|event.outcome|success|resultType|alert.action|event.alert.action",
		jsTarget:    "target|target.id|target.name|resource|resource.id|resource.name|resourceId|resource_id|resourceName|object|objectId|dest_ip|dst_ip|event.dest_ip|digestS3Object|modelId",
		jsAccount:   "account|accountId|account_id|awsAccountId|recipientAccountId|tenantId|tenant_id|projectId|project_id|subscriptionId|org|organization|organizationId|cloud.account.id",
		jsTable:     "category",
		jsRowTime:   "properties.timestamp",
		jsRegion:    "region|awsRegion|aws_region|cloud.region|location",
		jsIP:        "src_ip|source_ip|sourceIPAddress|source_ip_address|srcIp|client_ip|clientIp|clientIP|client.ip|source.ip|event.src_ip|network.client.ip|remote_addr|remoteAddress|remote_ip|ip|ipAddress|ip_address|callerIp|callerIpAddress|actor_ip|httpRequest.clientIp",
		jsActorName: "actor.name|actor.displayName|user.name|user.displayName|username|user_name|userName|usr.name",
		jsSchema:    "schemaType",
		jsError:     "errorCode|error_code",
		jsGuard:     "output.outputBodyJson.amazon-bedrock-guardrailAction",

		jsRowID:         "properties.reportId",
		jsRowAction:     "properties.actionType",
		jsRowUser:       "properties.accountObjectId|properties.accountId",
		jsRowUPN:        "properties.accountUpn",
		jsRowSID:        "properties.accountSid",
		jsRowName:       "properties.accountName",
		jsRowIP:         "properties.ipAddress",
		jsRowLocalIP:    "properties.localIP",
		jsRowTargetUser: "properties.targetAccountUpn",
		jsRowTarget:     "properties.azureResourceId|properties.resourceId|properties.objectId",
		jsRowDevice:     "properties.deviceName",
	}),
	Hot: jsAccount,
	Is:  func(*Record) bool { return true },
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(anyTime(r), r.scalar(jsActor), r.either(jsAction, jsKind), r.scalar(jsTarget), r.scalar(jsOutcome)), false
	},
	Time:   anyTime,
	Header: anyHeader,
}

// isHuntingRow says whether the record is a row of a table of advanced hunting that Defender
// XDR streams: what happened is below "properties", around it is when it was published.
func isHuntingRow(r *Record) bool {
	return hasPrefixFold(r.scalar(jsTable), "AdvancedHunting-")
}

func anyTime(r *Record) int64 {
	if isHuntingRow(r) {
		if ns := nanos(r.scalar(jsRowTime)); ns != 0 {
			return ns
		}
	}
	for _, i := range [...]int{jsTime, jsCreated} {
		for v := r.First(i); v >= 0; v = r.Doc.Next(v) {
			if ns := nanos(r.Doc.Text(v)); ns != 0 {
				return ns
			}
		}
	}
	return 0
}

func anyHeader(r *Record, e *yagura.Event) {
	if isHuntingRow(r) {
		huntingHeader(r, e)
		return
	}
	e.ID = r.str(jsID)
	e.Time = timeOf(anyTime(r))
	e.Account = r.str(jsAccount)
	e.Region = r.str(jsRegion)
	if e.Action = r.str(jsAction, jsKind); len(e.Action) > 128 || strings.ContainsAny(e.Action, "\t\r\n") {
		e.Action = "" // a log line, not a name
	}
	if id := r.str(jsActor); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(jsActorName)}
		if strings.HasPrefix(id, "arn:") {
			e.Actor.Type = arnType(id)
		}
	}
	for _, id := range r.texts(jsTarget) {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, id)
	}
	e.SrcIP = firstAddress(r, jsIP)
	e.Outcome = outcomeWord(r.scalar(jsOutcome))
	if isAny(r.scalar(jsSchema), "ModelInvocationLog") { // of Amazon Bedrock: an error or a guardrail, or an answer
		e.Outcome = yagura.OutcomeSuccess
		if r.has(jsError) || slices.Contains(r.texts(jsGuard), "INTERVENED") {
			e.Outcome = yagura.OutcomeFailure
		}
	}
	finish(e)
}

func huntingHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(jsRowID)
	e.Time = timeOf(anyTime(r))
	e.Account = r.str(jsAccount)
	e.Action = r.str(jsRowAction)
	if id := r.str(jsRowUser, jsRowUPN, jsRowSID, jsRowName); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(jsRowName, jsRowUPN)}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityUser, r.str(jsRowTargetUser))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(jsRowTarget))
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(jsRowDevice))
	e.SrcIP = firstAddress(r, jsRowIP, jsRowLocalIP)
	switch {
	case strings.HasSuffix(e.Action, "Success"):
		e.Outcome = yagura.OutcomeSuccess
	case strings.HasSuffix(e.Action, "Failed"):
		e.Outcome = yagura.OutcomeFailure
	default:
		e.Outcome = yagura.OutcomeUnknown
	}
	finish(e, yagura.Entity{Type: yagura.EntityUser, ID: r.str(jsRowUPN)}, yagura.Entity{Type: yagura.EntityUser, ID: r.str(jsRowSID)})
}
