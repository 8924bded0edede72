package sigma_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
	"github.com/yagura-sec/yagura/slot"
)

// shape is one form in which records of a format arrive: a record that a rule's
// values are put into, and where values may be put.
type shape struct {
	format string
	record string
	fields []string // paths that such records have; a last "*" is anything below
	lists  []string // of them, those that are lists
	// objects are paths whose value is an object or a list, never plain text.
	objects []string
	word    string // where a keyword of a rule is put
}

// shapes are written after the providers' documentation of each log.
var shapes = []shape{
	{
		format: "aws.cloudtrail",
		record: `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/mary"},
			"eventTime":"2026-03-01T10:00:00Z","eventSource":"x.amazonaws.com","eventName":"X","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7",
			"userAgent":"aws-cli","requestID":"r","eventID":"00000000-0000-4000-8000-000000000001","eventType":"AwsApiCall","recipientAccountId":"111122223333"}`,
		fields: []string{"userIdentity.*", "eventSource", "eventName", "eventType", "eventCategory", "sourceIPAddress", "userAgent",
			"errorCode", "errorMessage", "requestParameters", "requestParameters.*", "responseElements", "responseElements.*",
			"additionalEventData.*", "serviceEventDetails.*", "readOnly", "resources.*"},
		objects: []string{"requestParameters", "responseElements"},
		lists:   []string{"requestParameters.containerDefinitions", "requestParameters.layers"},
	},
	{
		format: "entra.audit", // Event Hub
		record: `{"time":"2026-03-01T10:00:00Z","resourceId":"/tenants/00000000-0000-4000-8000-00000000000a/providers/Microsoft.aadiam",
			"operationName":"X","operationVersion":"1.0","category":"AuditLogs","tenantId":"00000000-0000-4000-8000-00000000000a","resultSignature":"None",
			"correlationId":"c","identity":"i","Level":4,"properties":{"id":"Directory_1","activityDateTime":"2026-03-01T10:00:00Z","loggedByService":"Core Directory",
			"initiatedBy":{"user":{"id":"u","userPrincipalName":"mary@example.com"}}}}`,
		fields: []string{"operationName", "resultDescription", "identity", "properties.category", "properties.result", "properties.resultReason",
			"properties.activityDisplayName", "properties.loggedByService", "properties.operationType", "properties.userAgent",
			"properties.initiatedBy.user.userPrincipalName", "properties.initiatedBy.app.displayName", "properties.targetResources",
			"properties.targetResources.type", "properties.targetResources.displayName", "properties.targetResources.id", "properties.targetResources.userPrincipalName",
			"properties.targetResources.modifiedProperties", "properties.targetResources.modifiedProperties.displayName",
			"properties.targetResources.modifiedProperties.newValue", "properties.additionalDetails", "properties.additionalDetails.value"},
		lists:   []string{"properties.targetResources", "properties.targetResources.modifiedProperties", "properties.additionalDetails"},
		objects: []string{"properties.targetResources", "properties.targetResources.modifiedProperties"},
	},
	{
		format: "entra.signin", // Event Hub
		record: `{"time":"2026-03-01T10:00:00Z","resourceId":"/tenants/00000000-0000-4000-8000-00000000000a/providers/Microsoft.aadiam",
			"operationName":"Sign-in activity","operationVersion":"1.0","category":"SignInLogs","tenantId":"00000000-0000-4000-8000-00000000000a",
			"resultType":"1","callerIpAddress":"192.0.2.7","correlationId":"c","identity":"i","Level":4,"location":"JP",
			"properties":{"id":"00000000-0000-4000-8000-000000000002","createdDateTime":"2026-03-01T10:00:00Z","userId":"u","appId":"a"}}`,
		fields: []string{"operationName", "resultType", "resultDescription", "resultSignature", "location", "properties.userPrincipalName", "properties.appDisplayName",
			"properties.status.errorCode", "properties.status.failureReason", "properties.status.additionalDetails", "properties.clientAppUsed",
			"properties.userAgent", "properties.deviceDetail.*", "properties.location.*", "properties.conditionalAccessStatus",
			"properties.authenticationRequirement", "properties.networkLocationDetails", "properties.resourceDisplayName", "properties.riskState",
			"properties.riskEventTypes", "properties.authenticationProtocol", "properties.homeTenantId", "properties.resourceTenantId", "properties.userType",
			"properties.mfaDetail.*", "properties.appId"},
		lists: []string{"properties.networkLocationDetails"},
	},
	{
		format: "entra.risk", // Event Hub
		record: `{"time":"2026-03-01T10:00:00Z","resourceId":"/tenants/00000000-0000-4000-8000-00000000000a/providers/microsoft.aadiam","operationName":"User Risk Detection",
			"category":"UserRiskEvents","tenantId":"00000000-0000-4000-8000-00000000000a","properties":{"id":"1","riskEventType":"x","riskState":"atRisk","riskLevel":"high",
			"userId":"u","activityDateTime":"2026-03-01T10:00:00Z"}}`,
		fields: []string{"properties.riskEventType", "properties.riskState", "properties.riskLevel", "properties.activity"},
	},
	{
		format: "azure.activity", // Event Hub
		record: `{"time":"2026-03-01T10:00:00Z","resourceId":"/SUBSCRIPTIONS/00000000-0000-4000-8000-00000000000B/RESOURCEGROUPS/R","operationName":"X","category":"Administrative",
			"resultType":"Success","correlationId":"c","identity":{"authorization":{"action":"x"},"claims":{}},"level":"Information"}`,
		fields: []string{"operationName", "category", "resultType", "resourceId", "properties.message", "properties.eventCategory", "identity.*"},
		word:   "operationName",
	},
	{
		format: "azure.activity", // the table AzureActivity
		record: `{"TimeGenerated":"2026-03-01T10:00:00Z","Type":"AzureActivity","OperationName":"X","OperationNameValue":"X","CategoryValue":"Administrative",
			"ResourceProviderValue":"X","_ResourceId":"/subscriptions/00000000-0000-4000-8000-00000000000b/x","Caller":"mary@example.com","ActivityStatusValue":"Success","CorrelationId":"c"}`,
		fields: []string{"operationNameValue", "categoryValue", "resourceProviderValue", "_resourceId", "activityStatusValue", "properties.message"},
		word:   "OperationNameValue",
	},
	{
		format: "gcp.audit",
		record: `{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","authenticationInfo":{"principalEmail":"mary@example.com"},
			"serviceName":"x.googleapis.com","methodName":"X","resourceName":"r","request":{"metadata":{"labels":{}}}},"insertId":"i","resource":{"type":"x","labels":{"project_id":"p"}},
			"timestamp":"2026-03-01T10:00:00Z","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity"}`,
		fields: []string{"protoPayload.methodName", "protoPayload.serviceName", "protoPayload.resourceName", "protoPayload.authorizationInfo.permission",
			"protoPayload.authorizationInfo.granted", "protoPayload.request.*", "protoPayload.response.*", "protoPayload.status.*", "resource.type", "logName"},
		lists: []string{"protoPayload.authorizationInfo"},
		word:  "protoPayload.request.metadata.labels.+",
	},
	{
		format: "google_workspace.audit",
		record: `{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","authenticationInfo":{"principalEmail":"mary@example.com"},
			"serviceName":"login.googleapis.com","methodName":"google.login.LoginService.x","resourceName":"organizations/1",
			"metadata":{"@type":"type.googleapis.com/ccc_hosted_reporting.ActivityProto"}},"insertId":"i",
			"timestamp":"2026-03-01T10:00:00Z","logName":"organizations/1/logs/cloudaudit.googleapis.com%2Factivity"}`,
		fields: []string{"protoPayload.serviceName", "protoPayload.metadata.event.eventName", "protoPayload.metadata.event.parameter",
			"protoPayload.metadata.event.parameter.value"},
		lists: []string{"protoPayload.metadata.event", "protoPayload.metadata.event.parameter"},
	},
	{
		format: "m365.audit",
		record: `{"CreationTime":"2026-03-01T10:00:00","Id":"00000000-0000-4000-8000-000000000003","Operation":"X","OrganizationId":"00000000-0000-4000-8000-00000000000a",
			"RecordType":1,"UserKey":"k","UserType":2,"Workload":"X","UserId":"mary@example.com"}`,
		fields: []string{"Operation", "Workload", "ResultStatus", "ObjectId", "ApplicationId", "Parameters", "OperationProperties", "ExtendedProperties",
			"ExtendedProperties.Value", "Directionality", "DeliveryAction", "Name", "Data"},
		lists:   []string{"Parameters", "OperationProperties", "ExtendedProperties"},
		objects: []string{"Parameters", "OperationProperties"},
	},
	{
		format: "okta.system",
		record: `{"uuid":"00000000-0000-4000-8000-000000000004","published":"2026-03-01T10:00:00.000Z","eventType":"x","version":"0","severity":"INFO","displayMessage":"x",
			"actor":{"id":"u","type":"User"},"outcome":{"result":"SUCCESS"},"transaction":{"id":"t"}}`,
		fields: []string{"eventType", "legacyEventType", "displayMessage", "actor.alternateId", "outcome.reason", "outcome.result", "target.displayName",
			"debugContext.debugData.*", "securityContext.isProxy"},
		lists: []string{"target"},
	},
	{
		format: "github.audit",
		record: `{"@timestamp":1772359200000,"action":"x.y","actor":"mary","org":"example","created_at":1772359200000,"_document_id":"d"}`,
		fields: []string{"action"},
	},
	{
		format: "kubernetes.audit",
		record: `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"00000000-0000-4000-8000-000000000005","stage":"ResponseComplete","requestURI":"/api",
			"verb":"get","user":{"username":"mary"},"objectRef":{"resource":"x"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-03-01T10:00:00.000000Z"}`,
		fields: []string{"verb", "requestURI", "userAgent", "objectRef.*", "responseStatus.code", "requestObject.*", "annotations.authorization.k8s.io/decision"},
		lists:  []string{"requestObject.spec.volumes", "requestObject.spec.containers"},
	},
	{
		format: "bitbucket.audit",
		record: `{"affectedObjects":[],"auditType":{"action":"x","category":"y","level":"BASE"},"author":{"id":"1","name":"mary"},"source":"192.0.2.7","timestamp":"2026-03-01T10:00:00Z"}`,
		fields: []string{"auditType.action", "auditType.category"},
	},
	{
		format: "onelogin.events",
		record: `{"id":1,"created_at":"2026-03-01T10:00:00.000Z","account_id":2,"user_id":3,"event_type_id":0}`,
		fields: []string{"event_type_id"},
	},
	{
		format: "duo.auth",
		record: `{"event_type":"x","factor":"x","isotimestamp":"2026-03-01T10:00:00+00:00","result":"success","timestamp":1772359200,"txid":"t","user":{"key":"k","name":"mary"}}`,
		fields: []string{"event_type", "reason", "result", "factor"},
	},
}

// has says whether records of the shape have a field.
func (s *shape) has(path string) bool {
	return slices.ContainsFunc(s.fields, func(f string) bool {
		if below, ok := strings.CutSuffix(f, ".*"); ok {
			return len(path) > len(below) && strings.EqualFold(path[:len(below)], below) && path[len(below)] == '.'
		}
		return strings.EqualFold(f, path)
	})
}

// want is what one place of a record must hold for a rule.
type want struct {
	path                          string
	equal                         *string
	prefix, suffix, glob          string
	inside                        []string
	present, number, list, truths bool
	key, name                     string // of a member of a bag
}

// maker makes a record that a condition accepts.
type maker struct {
	shape   *shape
	wants   []*want
	words   []string
	missing []string
}

func pathText(p slot.Path) string {
	keys := make([]string, len(p.Segs))
	for i, s := range p.Segs {
		keys[i] = s.Key
	}
	return strings.Join(keys, ".")
}

// hold collects what makes e hold (or not hold). It reports false when e cannot.
func (m *maker) hold(e query.Expr, yes bool) bool {
	switch e := e.(type) {
	case *query.And, *query.Or:
		list, all := []query.Expr(nil), yes
		if a, ok := e.(*query.And); ok {
			list = a.X
		} else {
			list, all = e.(*query.Or).X, !yes
		}
		for _, x := range list {
			before := *m
			ok := m.hold(x, yes)
			if !all && ok {
				return true
			}
			if !ok {
				if all {
					return false
				}
				missing := m.missing
				*m = before
				m.missing = missing
			}
		}
		return all
	case *query.Not:
		return m.hold(e.X, !yes)
	case *query.Each:
		if !yes {
			return true // no such list
		}
		return m.each(e)
	case *query.Pred:
		return m.pred(e, yes)
	}
	return false
}

func (m *maker) each(e *query.Each) bool {
	both, ok := e.Where.(*query.And)
	if !ok || len(both.X) != 2 {
		return false
	}
	name, value := both.X[0].(*query.Pred), both.X[1].(*query.Pred)
	for _, p := range e.Field.Paths {
		list := pathText(p)
		if !m.shape.has(list) {
			continue
		}
		w := &want{path: list + "." + pathText(value.Field.Paths[0]), key: pathText(name.Field.Paths[0]), name: name.Args[0].Text}
		m.fill(w, value)
		m.wants = append(m.wants, w)
		return true
	}
	m.missing = append(m.missing, e.Field.Name)
	return false
}

func (m *maker) pred(p *query.Pred, yes bool) bool {
	if !yes || p.Op == query.IsNull {
		return !yes || true // what is not named is absent
	}
	if p.Op == query.Keyword {
		m.words = append(m.words, p.Args[0].Text)
		return m.shape.word != ""
	}
	for _, path := range p.Field.Paths {
		at := pathText(path)
		if !m.shape.has(at) {
			continue
		}
		var w *want
		for _, o := range m.wants {
			if o.path == at {
				w = o
			}
		}
		if w != nil && w.equal != nil {
			continue // something else must stand there
		}
		if w == nil {
			w = &want{path: at}
			m.wants = append(m.wants, w)
		}
		m.fill(w, p)
		return true
	}
	m.missing = append(m.missing, p.Field.Name)
	return false
}

// samples are texts that the regular expressions of the given rules find.
var samples = []string{"arn:aws:sts::111122223333:assumed-role/aws:ec2-instance/i-1"}

func (m *maker) fill(w *want, p *query.Pred) {
	a := p.Args[0]
	switch p.Op {
	case query.Eq:
		if w.equal == nil {
			w.equal, w.number = &a.Text, a.Number
		}
		w.list = a.Text == "[]"
		w.truths = a.Text == "true" || a.Text == "false"
	case query.Prefix:
		w.prefix = a.Text
	case query.Suffix:
		w.suffix = a.Text
	case query.Contains:
		w.inside = append(w.inside, a.Text)
	case query.Glob:
		w.present = len(a.Pattern.Pieces) == 0
		plain := strings.NewReplacer("*", "1", "?", "1").Replace(strings.Trim(a.Text, "*"))
		switch {
		case w.present:
			w.glob = "1"
		case a.Pattern.OpenStart && a.Pattern.OpenEnd:
			w.inside = append(w.inside, plain)
		default:
			w.glob = plain
		}
	case query.Regex:
		for _, s := range samples {
			if a.Regexp.MatchString(s) {
				w.glob = s
			}
		}
	}
}

// value is what the place holds.
func (w *want) value(object bool) any {
	text := w.prefix + strings.Join(w.inside, " ") + w.suffix
	switch {
	case w.list:
		return []any{}
	case w.equal != nil:
		text = *w.equal
	case w.glob != "":
		text = w.glob
	}
	switch {
	case w.equal != nil && w.number:
		return json.Number(text)
	case w.equal != nil && w.truths:
		return text == "true"
	case object:
		return map[string]any{"Name": "x", "Value": text}
	}
	return text
}

// put writes a value into a tree; members of lists are in the one element there is.
func (m *maker) put(tree map[string]any, w *want, value any) {
	keys, path := strings.Split(w.path, "."), ""
	if rest, ok := strings.CutPrefix(w.path, "annotations."); ok {
		keys = []string{"annotations", rest}
	}
	at := tree
	for i, key := range keys {
		path = strings.TrimPrefix(path+"."+key, ".")
		for k := range at { // as the record spells it
			if strings.EqualFold(k, key) {
				key = k
			}
		}
		isList := slices.ContainsFunc(m.shape.lists, func(l string) bool { return strings.EqualFold(l, path) })
		if i == len(keys)-1 {
			if w.key != "" {
				at[w.key] = w.name
			}
			if _, none := value.([]any); isList && !none {
				value = []any{value}
			}
			at[key] = value
			return
		}
		next, ok := at[key].(map[string]any)
		if l, isThere := at[key].([]any); isThere && len(l) > 0 {
			next, ok = l[0].(map[string]any)
		}
		if !ok {
			next = map[string]any{}
			if at[key] = next; isList {
				at[key] = []any{next}
			}
		}
		at = next
	}
}

// record makes the record. Where mutate is a number of a want, its value is another.
func (m *maker) record(t *testing.T, mutate int) string {
	tree := map[string]any{}
	if err := json.Unmarshal([]byte(m.shape.record), &tree); err != nil {
		t.Fatal(err)
	}
	for i, w := range m.wants {
		object := slices.ContainsFunc(m.shape.objects, func(o string) bool { return strings.EqualFold(o, w.path) })
		value := w.value(object)
		if i == mutate {
			value = "another"
			if w.present {
				continue
			}
		}
		m.put(tree, w, value)
	}
	if len(m.words) > 0 {
		word := m.words[0]
		if mutate == len(m.wants) {
			word = "another"
		}
		path, asKey := strings.CutSuffix(m.shape.word, ".+")
		if asKey {
			m.put(tree, &want{path: path}, map[string]any{word: "true"})
		} else {
			m.put(tree, &want{path: path}, word)
		}
	}
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// notAsWritten lists the given rules whose condition no real record meets, with the
// reason, though records of that form fire them.
var notAsWritten = map[string]string{
	"azure_user_password_change.yml":                        "asks for the text \"UPN\" where a name stands",
	"azure_privileged_account_creation.yml":                 "asks one operation name to hold two names at once",
	"azure_app_uri_modifications.yml":                       "names an operation that Entra ID does not have",
	"azure_device_or_configuration_modified_or_deleted.yml": "names operations of Entra's audit log in the Activity log",
}

// TestEveryGivenRuleCanFire makes, for every given rule, a record in a shape that
// really arrives, which the decoder takes for the rule's format, which fires the
// rule, and in which one other value stops it.
func TestEveryGivenRuleCanFire(t *testing.T) {
	files := ruleFiles(t, shared(t, "data/rules/sigma"))
	rules, _ := sigma.Load(files, sigma.Options{})
	dec, err := decode.New(decode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var rest []string
	for _, r := range rules {
		if reason := reach(t, dec, r); reason != "" {
			rest = append(rest, fmt.Sprintf("%s: %s", r.File[strings.LastIndex(r.File, "/")+1:], reason))
		}
	}
	sort.Strings(rest)
	fires := len(rules) - len(rest)
	t.Logf("%d of %d rules fire on a record in a shape that arrives and stop when one value changes; the rest:\n%s", fires, len(rules), strings.Join(rest, "\n"))
	unreal := 0
	for name, why := range notAsWritten {
		t.Logf("no real record has what it asks for: %s %s", name, why)
		unreal++
	}
	if 100*(fires-unreal) < 95*len(rules) {
		t.Errorf("%d of %d rules, less %d that real values never meet, are under 95 %%", fires, len(rules), unreal)
	}
}

// reach returns why no record fires the rule and stops firing, "" when one does.
func reach(t *testing.T, dec *decode.Decoder, r *rule.Rule) string {
	match := newMatcher(t, r.When)
	var reasons []string
	for i := range shapes {
		s := &shapes[i]
		if !slices.Contains(r.Formats, s.format) {
			continue
		}
		m := &maker{shape: s}
		if !m.hold(r.When, true) {
			reasons = append(reasons, fmt.Sprintf("records of %s have no field %v", s.format, slices.Compact(m.missing)))
			continue
		}
		record := m.record(t, -1)
		if got := formatOf(t, dec, record); got != s.format {
			reasons = append(reasons, fmt.Sprintf("%s is taken for %s", record, got))
			continue
		}
		if !match.match(t, record) {
			reasons = append(reasons, "does not fire on "+record)
			continue
		}
		for j := 0; j <= len(m.wants); j++ {
			if !match.match(t, m.record(t, j)) {
				return ""
			}
		}
		reasons = append(reasons, "no one value stops it on "+record)
	}
	if len(reasons) == 0 {
		return fmt.Sprintf("no shape of %v is written here", r.Formats)
	}
	return strings.Join(reasons, "; ")
}

// formatOf returns what the decoder takes a record for.
func formatOf(t *testing.T, dec *decode.Decoder, record string) string {
	t.Helper()
	rd := dec.NewReader(bytes.NewReader([]byte(record+"\n")), "record.json")
	defer rd.Close()
	rec, err := rd.Next()
	if err != nil {
		t.Fatalf("%s: %v", record, err)
	}
	return rec.Format.Name
}
