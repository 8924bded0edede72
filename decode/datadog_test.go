package decode

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRewriteDatadog(t *testing.T) {
	for _, c := range []struct{ name, attributes, timestamp, want string }{
		{"audit", `{"evt":{"name":"Add user","category":"AuditLogs","outcome":"success"},"network":{"client":{"ip":"203.0.113.1"}},"properties":{"id":"i","initiatedBy":{"app":{"displayName":"x"}}},"usr":{"id":"a@example.com"}}`,
			`"2024-03-05T12:00:00Z"`,
			`{"time":"2024-03-05T12:00:00Z","callerIpAddress":"203.0.113.1","category":"AuditLogs","operationName":"Add user","evt":{"name":"Add user","category":"AuditLogs","outcome":"success"},"network":{"client":{"ip":"203.0.113.1"}},"properties":{"result":"success","id":"i","initiatedBy":{"app":{"displayName":"x"}}},"usr":{"id":"a@example.com"}}`},
		{"audit without initiator", `{"evt":{"category":"AuditLogs"},"properties":{},"usr":{"id":"a@example.com"}}`, `1709640001123`,
			`{"time":"2024-03-05T12:00:01.123Z","category":"AuditLogs","evt":{"category":"AuditLogs"},"properties":{"initiatedBy":{"user":{"userPrincipalName":"a@example.com"}}},"usr":{"id":"a@example.com"}}`},
		{"sign-in with a number for its time", `{"time":1709640001123,"evt":{"name":"Sign-in activity","category":"SignInLogs"},"http":{"useragent":"x/1"},"properties":{"status":{"errorCode":50126}},"usr":{"id":"a@example.com","name":"A"}}`, ``,
			`{"resultType":"50126","category":"SignInLogs","operationName":"Sign-in activity","time":"2024-03-05T12:00:01.123Z","evt":{"name":"Sign-in activity","category":"SignInLogs"},"http":{"useragent":"x/1"},"properties":{"userAgent":"x/1","userDisplayName":"A","userPrincipalName":"a@example.com","status":{"errorCode":50126}},"usr":{"id":"a@example.com","name":"A"}}`},
		{"what is kept is kept", `{"operationName":"kept","category":"AuditLogs","evt":{"name":"other"},"time":"2024-03-05T12:00:00.1234567Z","properties":{"result":"failure"}}`, `"2020-01-01T00:00:00Z"`,
			`{"operationName":"kept","category":"AuditLogs","evt":{"name":"other"},"time":"2024-03-05T12:00:00.1234567Z","properties":{"result":"failure"}}`},
		{"CloudTrail", `{"eventSource":"iam.amazonaws.com","userIdentity":{"type":"IAMUser"},"evt":{"name":"CreateUser"},"network":{"client":{"ip":"203.0.113.1"}},"usr":{"name":"alice"}}`, `"2024-03-05T12:00:00Z"`,
			`{"eventTime":"2024-03-05T12:00:00Z","sourceIPAddress":"203.0.113.1","eventName":"CreateUser","eventSource":"iam.amazonaws.com","userIdentity":{"userName":"alice","type":"IAMUser"},"evt":{"name":"CreateUser"},"network":{"client":{"ip":"203.0.113.1"}},"usr":{"name":"alice"}}`},
		{"Google Cloud", `{"data":{"protoPayload":{"methodName":"m"},"insertId":"i"},"usr":{"id":"a@example.com"}}`, `"2024-03-05T12:00:00Z"`,
			`{"timestamp":"2024-03-05T12:00:00Z","protoPayload":{"authenticationInfo":{"principalEmail":"a@example.com"},"methodName":"m"},"insertId":"i"}`},
		{"escaped keys", `{"resourceId":"/tenants/t","\u0065vt":{"n\u0061me":"n"}}`, ``, `{"operationName":"n","resourceId":"/tenants/t","evt":{"name":"n"}}`},
		{"nothing known", `{"a":1}`, `1`, `{"a":1}`},
		{"keys with escapes and braces in text", `{"x\"{":"}{","resourceId":"/tenants/t","evt":{"name":"n\"}"}}`, ``,
			`{"operationName":"n\"}","x\"{":"}{","resourceId":"/tenants/t","evt":{"name":"n\"}"}}`},
	} {
		got, err := rewriteDatadog([]byte(c.attributes), []byte(c.timestamp), nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var a, b any
		if err := json.Unmarshal(got, &a); err != nil {
			t.Errorf("%s: %v: %s", c.name, err, got)
			continue
		}
		if err := json.Unmarshal([]byte(c.want), &b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Errorf("%s: %s\n%s", c.name, got, diff)
		}
	}
	if _, err := rewriteDatadog([]byte(`[1]`), nil, nil); err == nil {
		t.Error("attributes that are a list are taken")
	}
}

// TestDatadogMessage: what Datadog made the log's message is the description of the
// result again, in each of the shapes of its logs.
func TestDatadogMessage(t *testing.T) {
	const failed = `{"resourceId":"/tenants/t","category":"SignInLogs","properties":{"id":"i","status":{"errorCode":50074}}}`
	const passed = `{"resourceId":"/tenants/t","category":"SignInLogs","properties":{"id":"i","status":{"errorCode":0}}}`
	const audit = `{"resourceId":"/tenants/t","category":"AuditLogs","operationName":"o","properties":{"id":"i"}}`
	for _, c := range []struct{ name, log, want string }{
		{"version 1", `{"content":{"message":"Strong Auth required.","tags":[],"attributes":` + failed + `}}`, `"resultDescription":"Strong Auth required."`},
		{"version 2", `{"type":"log","attributes":{"message":"Strong Auth required.","tags":[],"attributes":` + failed + `}}`, `"resultDescription":"Strong Auth required."`},
		{"archive", `{"date":"2024-03-05T10:00:00Z","message":"Strong Auth required.","tags":[],"attributes":` + failed + `}`, `"resultDescription":"Strong Auth required."`},
		{"audit", `{"content":{"message":"User registered Authenticator App","tags":[],"attributes":` + audit + `}}`, `"resultDescription":"User registered Authenticator App"`},
		{"success", `{"content":{"message":"MFA requirement satisfied","tags":[],"attributes":` + passed + `}}`, `"additionalDetails":"MFA requirement satisfied"`},
		{"the record once more", `{"content":{"message":"{\"a\":1}","tags":[],"attributes":` + audit + `}}`, `{"id":"i"}`},
	} {
		list := events(t, []byte(c.log), c.name)
		if len(list) != 1 || !strings.HasPrefix(list[0].Format, "entra.") || !strings.Contains(string(list[0].Raw), c.want) || strings.Contains(string(list[0].Raw), `{\"a`) {
			t.Errorf("%s: %+v", c.name, list)
		}
	}
}

// FuzzDatadog: of any valid object a valid object is made, from which nothing is lost.
func FuzzDatadog(f *testing.F) {
	for _, s := range []string{`{"evt":{"name":"x","category":"SignInLogs"},"properties":{"a":[1,{"b":"\\\""}]},"usr":{"id":"u"}}`,
		`{"data":{"protoPayload":{}},"evt":{"name":"m"}}`, `{"eventSource":"s","evt":{"name":null}}`, `{"published":1,"usr":{}}`, `{ "resourceId" : 1 , "time" : 1709640001123 }`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, attributes []byte) {
		var before map[string]json.RawMessage
		if json.Unmarshal(attributes, &before) != nil || before == nil {
			return
		}
		got, err := rewriteDatadog(attributes, []byte(`1709640001123`), []byte(`"words"`))
		if err != nil {
			t.Fatal(err)
		}
		var after map[string]json.RawMessage
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%v: %s from %s", err, got, attributes)
		}
		if before["data"] != nil {
			return // a LogEntry is taken out of its wrapping
		}
		for k := range before {
			if _, ok := after[k]; !ok {
				t.Errorf("%q is lost: %s from %s", k, got, attributes)
			}
		}
	})
}
