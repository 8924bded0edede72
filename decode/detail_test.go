package decode

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

// TestDetail reads what the lake keeps beside the header of records of several formats.
func TestDetail(t *testing.T) {
	d, err := New(Options{Detail: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, record string
		want         yagura.Detail
	}{
		{"aws.cloudtrail", `{"eventVersion":"1.08","eventID":"e1","eventName":"StopLogging","eventSource":"cloudtrail.amazonaws.com","eventTime":"2026-05-01T10:00:00Z","awsRegion":"eu-west-1","readOnly":false,"eventType":"AwsApiCall","userAgent":"aws-cli/2","sourceIPAddress":"cloudformation.amazonaws.com","errorCode":"AccessDenied","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:alice","accessKeyId":"ASIAEXAMPLE","sessionContext":{"attributes":{"mfaAuthenticated":"true"},"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/admin"}}}}`,
			yagura.Detail{Service: "cloudtrail.amazonaws.com", UserAgent: "aws-cli/2", AccessKey: "ASIAEXAMPLE", Error: "AccessDenied", SrcHost: "cloudformation.amazonaws.com",
				More: []yagura.Column{{Name: "event_type", Value: "AwsApiCall"}, {Name: "read_only", Value: "false"}, {Name: "principal_id", Value: "AROAEXAMPLE:alice"}, {Name: "identity_type", Value: "AssumedRole"},
					{Name: "error_message"}, {Name: "issuer_arn", Value: "arn:aws:iam::111122223333:role/admin"}, {Name: "mfa", Value: "true"}, {Name: "category"}}}},
		{"kubernetes.audit", `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a1","stage":"ResponseComplete","verb":"get","userAgent":"kubectl","requestURI":"/api/v1/secrets","user":{"username":"carol"},"objectRef":{"resource":"secrets","namespace":"prod","name":"db"},"responseStatus":{"code":200},"stageTimestamp":"2026-05-01T10:00:00Z"}`,
			yagura.Detail{UserAgent: "kubectl", More: []yagura.Column{{Name: "verb", Value: "get"}, {Name: "namespace", Value: "prod"}, {Name: "resource", Value: "secrets"}, {Name: "subresource"},
				{Name: "name", Value: "db"}, {Name: "uri", Value: "/api/v1/secrets"}, {Name: "stage", Value: "ResponseComplete"}, {Name: "decision"}}}},
		{"azure.activity", `{"time":"2026-05-01T10:00:00Z","resourceId":"/SUBSCRIPTIONS/12121212-0000-4000-8000-000000000007/X","operationName":"MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE","category":"Administrative","resultType":"Success","correlationId":"c1","caller":"alice@example.com"}`,
			yagura.Detail{Service: "MICROSOFT.COMPUTE", More: []yagura.Column{{Name: "category", Value: "Administrative"}, {Name: "status", Value: "Success"}, {Name: "resource_group"},
				{Name: "correlation_id", Value: "c1"}, {Name: "level"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec, err := d.NewReader(strings.NewReader(c.record), "x").Next()
			if err != nil {
				t.Fatal(err)
			}
			if rec.Format.Name != c.name {
				t.Fatalf("format %s", rec.Format.Name)
			}
			var e yagura.Event
			rec.Head(&e)
			if diff := cmp.Diff(c.want, e.Detail); diff != "" {
				t.Error(diff)
			}
			var names []string
			for _, m := range e.Detail.More {
				names = append(names, m.Name)
			}
			if diff := cmp.Diff(names, rec.Format.Columns()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDetailNotAsked: who does not ask gets none, and no more slots are read.
func TestDetailNotAsked(t *testing.T) {
	wide, err := New(Options{Detail: true})
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	record := `{"eventVersion":"1.08","eventID":"e1","eventName":"StopLogging","eventSource":"cloudtrail.amazonaws.com","userAgent":"aws-cli/2"}`
	rec, err := narrow.NewReader(strings.NewReader(record), "x").Next()
	if err != nil {
		t.Fatal(err)
	}
	var e yagura.Event
	rec.Head(&e)
	if diff := cmp.Diff(yagura.Detail{}, e.Detail); diff != "" {
		t.Error(diff)
	}
	w, err := wide.NewReader(strings.NewReader(record), "x").Next()
	if err != nil {
		t.Fatal(err)
	}
	if n, m := rec.Doc.Plan().Len(), w.Doc.Plan().Len(); n >= m {
		t.Errorf("%d slots without details, %d with them", n, m)
	}
}
