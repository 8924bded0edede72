package decode

import (
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
)

func keyOf(parts ...string) yagura.Key {
	var k keyer
	k.start("f")
	for _, p := range parts {
		k.part([]byte(p))
	}
	return k.sum()
}

func TestKeyer(t *testing.T) {
	seen := map[yagura.Key]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {strings.Repeat("x", 1000)}} {
		k := keyOf(parts...)
		if have, ok := seen[k]; ok {
			t.Errorf("%q and %s have one key", parts, have)
		}
		seen[k] = strings.Join(parts, "|")
		if k != keyOf(parts...) {
			t.Errorf("%q has two keys", parts)
		}
	}
	// Keys outlive a version: this one is written down.
	if got, want := keyOf("id", "111122223333").String(), "cf7039b53569389b50af49f56fe6a4da"; got != want {
		t.Errorf("the recipe changed: %s, was %s", got, want)
	}
}

// keysOf decodes records of one text and returns key and content of each.
func keysOf(t *testing.T, text string) (keys []yagura.Key, contents []uint64) {
	t.Helper()
	r := standard().NewReader(strings.NewReader(text), "keys.json")
	defer r.Close()
	for {
		rec, err := r.Next()
		if err != nil {
			return keys, contents
		}
		keys, contents = append(keys, rec.Key), append(contents, rec.Content)
	}
}

// TestKeys pins the recipes: what makes one key, what makes two, and what makes one
// key with another content.
func TestKeys(t *testing.T) {
	trail := `{"eventVersion":"1.08","eventID":"E","eventTime":"2024-03-05T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","recipientAccountId":"A","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/u"},"requestParameters":{"userName":"x"}}`
	insight := `{"eventVersion":"1.07","eventID":"E","eventTime":"2024-03-05T10:00:00Z","eventType":"AwsCloudTrailInsight","recipientAccountId":"A","insightDetails":{"state":"Start","eventName":"RunInstances"}}`
	google := `{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","methodName":"m","authenticationInfo":{"principalEmail":"a@example.com"}},"insertId":"I","timestamp":"2024-03-05T10:00:00.1Z","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","resource":{"labels":{"project_id":"p"}}}`
	kube := `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"K","stage":"RequestReceived","verb":"get","requestURI":"/api","stageTimestamp":"2024-03-05T10:00:00.000001Z"}`
	entra := `{"category":"SignInLogs","operationName":"Sign-in activity","time":"2024-03-05T10:00:00Z","resultType":"0","properties":{"id":"S","userId":"u"}}`
	github := `{"@timestamp":1709672400123,"_document_id":"D","action":"repo.destroy","actor":"dave","org":"o"}`
	okta := `{"uuid":"O","published":"2024-03-05T10:00:00Z","eventType":"user.session.start","outcome":{"result":"SUCCESS"}}`
	workspace := `{"kind":"admin#reports#activity","id":{"time":"2024-03-05T10:00:00Z","uniqueQualifier":"Q","applicationName":"admin","customerId":"C"},"actor":{"email":"a@example.com"},"events":{"name":"CHANGE_APPLICATION_SETTING","parameters":[{"name":"SETTING_NAME","value":"s"}]}}`
	for _, c := range []struct {
		record, from, to  string
		sameKey, sameHash bool
	}{
		{trail, `{"eventVersion"`, `{ "awsRegion":"us-east-1", "eventVersion"`, true, true}, // order, space and other fields do not matter
		{trail, `"eventID":"E"`, `"eventID":"F"`, false, true},
		{trail, `"recipientAccountId":"A"`, `"recipientAccountId":"B"`, false, true},
		{trail, `CreateUser`, `DeleteUser`, true, false},
		{trail, `T10:`, `T11:`, true, false},
		{trail, `user/u`, `user/v`, true, false},
		{trail, `"userName":"x"`, `"userName":"y"`, true, false},
		{trail, `{"eventVersion"`, `{"errorCode":"AccessDenied","eventVersion"`, true, false},
		{insight, `Start`, `End`, false, true},
		{google, `"insertId":"I"`, `"insertId":"J"`, false, true},
		{google, `projects/p/`, `projects/q/`, false, true},
		{google, `"project_id":"p"`, `"project_id":"q"`, false, true},
		{google, `00.1Z`, `00.2Z`, false, false},
		{google, `00.1Z`, `00.100Z`, true, true},
		{google, `00.1Z`, `00.1000004Z`, true, true}, // BigQuery cuts it to microseconds
		{google, `"m"`, `"n"`, true, false},
		{kube, `"auditID":"K"`, `"auditID":"L"`, false, true},
		{kube, `RequestReceived`, `ResponseComplete`, false, true},
		{kube, `000001Z`, `000002Z`, false, true},
		{kube, `"verb":"get"`, `"verb":"list"`, true, false},
		{entra, `"id":"S"`, `"id":"T"`, false, true},
		{entra, `SignInLogs`, `NonInteractiveUserSignInLogs`, false, true},
		{entra, `"resultType":"0"`, `"resultType":"50126"`, true, false},
		{workspace, `"Q"`, `"R"`, false, true},
		{workspace, `"s"`, `"t"`, false, true}, // another event of one activity
		{workspace, `"value":"s"`, ` "value" : "s" `, true, true},
		{workspace, `a@example.com`, `b@example.com`, true, false},
		{github, `"D"`, `"E"`, false, true},
		{github, `repo.destroy`, `repo.create`, true, false},
		{okta, `"O"`, `"P"`, false, true},
		{okta, `SUCCESS`, `FAILURE`, true, false},
	} {
		other := strings.Replace(c.record, c.from, c.to, 1)
		if other == c.record {
			t.Fatalf("%s is not in %s", c.from, c.record)
		}
		keys, contents := keysOf(t, c.record+"\n"+other)
		if len(keys) != 2 || (keys[0] == keys[1]) != c.sameKey || (contents[0] == contents[1]) != c.sameHash {
			t.Errorf("%s → %s: keys %v contents %x, want same key %v, same content %v", c.from, c.to, keys, contents, c.sameKey, c.sameHash)
		}
	}
	// Records without an id of their own are never one.
	for _, record := range []string{`{"a":1}`, strings.Replace(trail, `"eventID":"E",`, "", 1), `{"id":"7","time":"2024-03-05T10:00:00Z"}`} {
		if keys, _ := keysOf(t, record+"\n"+record); len(keys) != 2 || keys[0] == keys[1] {
			t.Errorf("two records are one: %s", record)
		}
	}
}

// TestShapesAreRepeats: a sign-in that arrives in another shape is the same event, with
// the same content. Graph cuts its time to seconds and names the application signed in
// to at the top.
func TestShapesAreRepeats(t *testing.T) {
	shapes := []string{
		`{"category":"SignInLogs","operationName":"Sign-in activity","time":"2024-03-05T10:00:09Z","resourceId":"/tenants/t/providers/Microsoft.aadiam","resultType":"50126","properties":{"id":"S","createdDateTime":"2024-03-05T10:00:00.7654321+00:00","userId":"u","appId":"a","resourceId":"api","status":{"errorCode":50126}}}`,
		`{"Type":"SigninLogs","Category":"SignInLogs","OperationName":"Sign-in activity","TimeGenerated":"2024-03-05T10:00:00.7654321Z","CreatedDateTime":"2024-03-05T10:00:00.7654321Z","ResourceId":"/tenants/t/providers/Microsoft.aadiam","ResultType":"50126","Id":"S","UserId":"u","AppId":"a","ResourceIdentity":"api"}`,
		`{"id":"S","createdDateTime":"2024-03-05T10:00:00Z","userId":"u","userPrincipalName":"u@example.com","appId":"a","resourceId":"api","clientAppUsed":"Browser","isInteractive":true,"status":{"errorCode":50126}}`,
		`{"content":{"timestamp":1709632809000,"attributes":{"evt":{"name":"Sign-in activity","category":"SignInLogs"},"resourceId":"/tenants/t/providers/Microsoft.aadiam","properties":{"id":"S","createdDateTime":"2024-03-05T10:00:00.7654321+00:00","userId":"u","appId":"a","resourceId":"api","status":{"errorCode":50126}}}}}`,
	}
	keys, contents := keysOf(t, strings.Join(shapes, "\n"))
	if len(keys) != len(shapes) {
		t.Fatalf("%d records, want %d", len(keys), len(shapes))
	}
	for i := range keys {
		if keys[i] != keys[0] || contents[i] != contents[0] {
			t.Errorf("shape %d has key %s and content %x, the first %s and %x", i, keys[i], contents[i], keys[0], contents[0])
		}
	}
}
