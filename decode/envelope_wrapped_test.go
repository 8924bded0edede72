package decode

import (
	"strconv"
	"testing"
)

// TestWrapped opens what collectors put around a record, and leaves alone what only
// looks like it.
func TestWrapped(t *testing.T) {
	trail := `{"eventVersion":"1.08","eventID":"e1","eventTime":"2024-03-05T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1"}`
	unified := `{"CreationTime":"2024-03-05T18:00:00","Id":"m1","Operation":"New-InboxRule","OrganizationId":"o1","RecordType":1,"UserKey":"1003","Workload":"Exchange"}`
	audit := `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a1","stage":"ResponseComplete","verb":"get","requestURI":"/api","stageTimestamp":"2024-03-05T22:00:00Z"}`
	github := `{"action":"repo.create","actor":"dave","org":"example","created_at":1709672400123,"data":{"_document_id":"d1"}}`
	entry := `{"insertId":"g1","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","timestamp":"2024-03-05T10:00:00Z","protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","methodName":"storage.buckets.delete","serviceName":"storage.googleapis.com"}}`
	login := `{"event_type":"authentication","factor":"duo_push","isotimestamp":"2024-03-05T23:22:00.123456+00:00","result":"success","txid":"t1","user":{"key":"DU1","name":"dave"}}`
	permission := `{"timestamp":"2024-03-05T23:02:00.000Z","author":{"name":"admin","id":"2"},"type":{"category":"Permissions","action":"Global permission granted"},"affectedObjects":[]}`
	for _, c := range []struct{ name, in, format, id string }{
		{"Duo's Admin API", `{"response":{"authlogs":[` + login + `],"metadata":{"next_offset":["1","x"]}},"stat":"OK"}`, "duo.auth", "t1"},
		{"Duo's Admin API, version 1", `{"stat":"OK","response":[` + login + `]}`, "duo.auth", "t1"},
		{"a response of one's own", `{"stat":"OK","id":"r","response":{"users":[{"id":"u"}]}}`, "json", "r"},
		{"Bitbucket's audit API", `{"pagingInfo":{"lastPage":true,"size":1},"entities":[` + permission + `]}`, "bitbucket.audit", ""},
		{"a record with a type of its own", `{"id":"b","timestamp":"2024-03-05T23:02:00Z","type":{"category":"a","action":"b"}}`, "json", "b"},
		{"export row with text", `{"RecordType":"ExchangeAdmin","Operations":"New-InboxRule","AuditData":` + strconv.Quote(unified) + `}`, "m365.audit", "m1"},
		{"export row with an object", `{"RecordType":"ExchangeAdmin","UserIds":"x","AuditData":` + unified + `}`, "m365.audit", "m1"},
		{"Graph's audit log query", `{"id":"q","auditLogRecordType":"ExchangeAdmin","operation":"New-InboxRule","auditData":` + unified + `}`, "m365.audit", "m1"},
		{"Splunk object", `{"time":1,"sourcetype":"aws:cloudtrail","event":` + trail + `}`, "aws.cloudtrail", "e1"},
		{"Splunk text", `{"sourcetype":"aws:cloudtrail","event":` + strconv.Quote(trail) + `}`, "aws.cloudtrail", "e1"},
		{"AKS", `{"time":"2024-03-05T22:00:00Z","category":"kube-audit","resourceId":"/SUBSCRIPTIONS/S/X","properties":{"log":` + strconv.Quote(audit) + `}}`, "kubernetes.audit", "a1"},
		{"AKS in AzureDiagnostics", `{"TimeGenerated":"2024-03-05T22:00:00Z","Category":"kube-audit-admin","Type":"AzureDiagnostics","log_s":` + strconv.Quote(audit) + `}`, "kubernetes.audit", "a1"},
		{"Graylog", `{"version":"1.1","host":"h","timestamp":1709672400.1,"_appID":"kubernetes","short_message":` + strconv.Quote(audit) + `}`, "kubernetes.audit", "a1"},
		{"Filebeat", `{"@timestamp":"2024-03-05T10:00:01Z","message":` + strconv.Quote(trail) + `}`, "aws.cloudtrail", "e1"},
		{"Filebeat, words beside the line", `{"message":"user logged in","event":{"original":` + strconv.Quote(trail) + `}}`, "aws.cloudtrail", "e1"},
		{"Elasticsearch document", `{"_index":"i","_id":"x","_source":` + trail + `}`, "aws.cloudtrail", "e1"},
		{"Filebeat in Elasticsearch", `{"_index":"i","_id":"x","_source":{"@timestamp":"2024-03-05T10:00:01Z","event":{"original":` + strconv.Quote(trail) + `}}}`, "aws.cloudtrail", "e1"},
		{"Elasticsearch document of one's own", `{"_index":"i","_id":"x","_source":{"a":1}}`, "json", "x"},
		{"Fluent Bit", `{"log":` + strconv.Quote(audit) + `,"stream":"stdout"}`, "kubernetes.audit", "a1"},
		{"Splunk export", `{"preview":false,"result":{"_raw":` + strconv.Quote(trail) + `}}`, "aws.cloudtrail", "e1"},
		{"GitHub Enterprise Server", `{"message":` + strconv.Quote("<190>Mar 5 12:05:54 host github_audit: "+github) + `,"program":"github_audit"}`, "github.audit", "d1"},
		{"Pub/Sub message by Splunk", `{"attributes":{"logging.googleapis.com/timestamp":"2024-03-05T10:00:00Z"},"data":` + entry + `,"publish_time":1709632800.5}`, "gcp.audit", "g1"},
		{"Pub/Sub message with text", `{"data":` + strconv.Quote(entry) + `,"messageId":"5","publishTime":"2024-03-05T10:00:01Z"}`, "gcp.audit", "g1"},
		{"CloudEvent", `{"specversion":"1.0","id":"c","type":"google.cloud.audit.log.v1.written","source":"//cloudaudit.googleapis.com/projects/p/logs/activity","data":` + entry + `}`, "gcp.audit", "g1"},
		{"data of one's own", `{"id":"w","data":{"type":"click"}}`, "json", "w"},
		{"an event of one's own", `{"id":"x","event":{"type":"click"}}`, "json", "x"},
		{"a message of one's own", `{"id":"y","message":"{\"a\":1}"}`, "json", "y"},
		{"text that is not JSON", `{"id":"z","message":"{broken"}`, "json", "z"},
	} {
		list := events(t, []byte(c.in), c.name)
		if len(list) != 1 || list[0].Format != c.format || list[0].ID != c.id {
			t.Errorf("%s: got %+v", c.name, list)
		}
	}
}
