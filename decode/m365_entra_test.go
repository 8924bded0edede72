package decode_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/decode"
)

// judged reads one record and returns what rules see of it beside its own members.
func judged(t *testing.T, record string) map[string]any {
	t.Helper()
	d, err := decode.New(decode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := d.NewReader(strings.NewReader(record), "audit.json")
	rec, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(rec.Raw()); got != record || string(rec.Event().Raw) != record {
		t.Errorf("the record is kept as %s", got)
	}
	var all, own map[string]any
	if err := json.Unmarshal(rec.Doc.Record(), &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(record), &own); err != nil {
		t.Fatal(err)
	}
	for name := range own {
		delete(all, name)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the record: %v", err)
	}
	return all
}

func TestUnifiedAudit(t *testing.T) {
	got := judged(t, `{"CreationTime":"2026-03-02T09:15:00","Id":"00000000-0000-4000-8000-000000000100","Operation":"Add member to role.","OrganizationId":"00000000-0000-4000-8000-000000000001","RecordType":8,"ResultStatus":"Success","UserKey":"1003","UserType":0,"Workload":"AzureActiveDirectory","ObjectId":"carol@example.com","UserId":"alice@example.com",`+
		`"ExtendedProperties":[{"Name":"additionalDetails","Value":"{\"AppId\":\"00000000-0000-4000-8000-000000000030\"}"}],`+
		`"ModifiedProperties":[{"Name":"Role.ObjectID","NewValue":"00000000-0000-4000-8000-000000000004","OldValue":""},{"Name":"Role.DisplayName","NewValue":"Company Administrator","OldValue":""},{"Name":"Arrow","NewValue":"[] => [x]","OldValue":""},{"Name":"List","NewValue":"[\r\n  \"a b\"\r\n]","OldValue":"[]"}],`+
		`"Actor":[{"ID":"alice@example.com","Type":5},{"ID":"1003","Type":3},{"ID":"User_00000000-0000-4000-8000-000000000002","Type":2},{"ID":"00000000-0000-4000-8000-000000000002","Type":2},{"ID":"User","Type":2}],`+
		`"Target":[{"ID":"User_00000000-0000-4000-8000-000000000003","Type":2},{"ID":"00000000-0000-4000-8000-000000000003","Type":2},{"ID":"User","Type":2},{"ID":"carol@example.com","Type":5}]}`)
	want := map[string]any{
		"operationName": "Add member to role", "category": "AuditLogs",
		"properties": map[string]any{
			"activityDisplayName": "Add member to role", "result": "success",
			"initiatedBy":       map[string]any{"user": map[string]any{"id": "00000000-0000-4000-8000-000000000002", "userPrincipalName": "alice@example.com"}},
			"additionalDetails": []any{map[string]any{"key": "AppId", "value": "00000000-0000-4000-8000-000000000030"}},
			"targetResources": []any{map[string]any{"id": "00000000-0000-4000-8000-000000000003", "type": "User", "userPrincipalName": "carol@example.com",
				"modifiedProperties": []any{
					map[string]any{"displayName": "Role.ObjectID", "oldValue": `""`, "newValue": `"00000000-0000-4000-8000-000000000004"`},
					map[string]any{"displayName": "Role.DisplayName", "oldValue": `""`, "newValue": `"Company Administrator"`},
					map[string]any{"displayName": "Arrow", "oldValue": `""`, "newValue": `"[] => [x]"`},
					map[string]any{"displayName": "List", "oldValue": "[]", "newValue": `["a b"]`},
				}}, map[string]any{"id": "00000000-0000-4000-8000-000000000004", "type": "Role", "modifiedProperties": []any{}}},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestUnifiedSignIn(t *testing.T) {
	record := `{"CreationTime":"2026-03-02T09:15:00","Id":"00000000-0000-4000-8000-000000000100","Operation":"UserLoginFailed","OrganizationId":"00000000-0000-4000-8000-000000000001","RecordType":15,"ResultStatus":"Failed","Workload":"AzureActiveDirectory","UserId":"alice@example.com","ClientIP":"198.51.100.7","ApplicationId":"app","ObjectId":"resource","LogonError":"InvalidUserNameOrPassword",` +
		`"Actor":[{"ID":"00000000-0000-4000-8000-000000000002","Type":0},{"ID":"alice@example.com","Type":5}],"ExtendedProperties":[{"Name":"UserAgent","Value":"agent"}]}`
	want := map[string]any{
		"operationName": "Sign-in activity", "category": "SignInLogs", "callerIpAddress": "198.51.100.7", "resultType": "50126",
		"properties": map[string]any{
			"userPrincipalName": "alice@example.com", "userId": "00000000-0000-4000-8000-000000000002", "ipAddress": "198.51.100.7",
			"appId": "app", "resourceId": "resource", "userAgent": "agent", "deviceDetail": map[string]any{},
			"status": map[string]any{"errorCode": "50126", "failureReason": "InvalidUserNameOrPassword"},
		},
	}
	if d := cmp.Diff(want, judged(t, record)); d != "" {
		t.Error(d)
	}
	// The code that the record gives is taken before the word.
	if got := judged(t, strings.Replace(record, `"Actor"`, `"ErrorNumber":50053,"Actor"`, 1)); got["resultType"] != "50053" {
		t.Errorf("the code is %v", got["resultType"])
	}
}

// TestUnifiedAlone: other records get nothing, whatever they hold in the places of ours.
func TestUnifiedAlone(t *testing.T) {
	for name, record := range map[string]string{
		"another workload": `{"CreationTime":"2026-03-02T09:15:00","Id":"a","Operation":"New-InboxRule","OrganizationId":"b","RecordType":1,"Workload":"Exchange","UserId":"alice@example.com"}`,
		"no operation":     `{"CreationTime":"2026-03-02T09:15:00","Id":"a","Operation":"","OrganizationId":"b","RecordType":8,"Workload":"AzureActiveDirectory"}`,
	} {
		if got := judged(t, record); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, record := range map[string]string{
		"lists that are none": `{"CreationTime":"2026-03-02T09:15:00","Id":"a","Operation":"Add user.","OrganizationId":"b","RecordType":{},"Workload":"AzureActiveDirectory","Actor":7,"Target":{"ID":"x"},"ModifiedProperties":"[{","ExtendedProperties":[1,"x",null]}`,
		"names of ours":       `{"CreationTime":"2026-03-02T09:15:00","Id":"a","Operation":"Add user.","OrganizationId":"b","RecordType":8,"Workload":"AzureActiveDirectory","properties":[],"operationName":7}`,
	} {
		t.Run(name, func(t *testing.T) { judged(t, record) })
	}
}

// FuzzUnified: whatever a record of Entra ID in the unified log holds, rules get JSON
// that has the record's own members unchanged.
func FuzzUnified(f *testing.F) {
	f.Add(`"Operation":"Add user.","Actor":[{"ID":"User_x","Type":2}],"ModifiedProperties":[{"Name":"a","NewValue":"[ 1 ]"}]`)
	f.Add(`"Operation":"UserLoggedIn","ExtendedProperties":"[{\"Name\":\"UserAgent\",\"Value\":\"\\ud800\"}]","ErrorNumber":0`)
	d, err := decode.New(decode.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, members string) {
		record := `{"CreationTime":"2026-03-02T09:15:00","Id":"a","OrganizationId":"b","RecordType":8,"Workload":"AzureActiveDirectory",` + members + `}`
		if !json.Valid([]byte(record)) {
			return
		}
		r := d.NewReader(strings.NewReader(record), "audit.json")
		for {
			rec, err := r.Next()
			if err != nil {
				return
			}
			if rec.Format.Name != "m365.audit" {
				continue
			}
			if !json.Valid(rec.Doc.Record()) {
				t.Fatalf("judged as %s", rec.Doc.Record())
			}
			if !strings.HasPrefix(string(rec.Doc.Record()), strings.TrimSuffix(string(rec.Raw()), "}")) {
				t.Fatalf("%s is judged as %s", rec.Raw(), rec.Doc.Record())
			}
			var own map[string]any
			if json.Unmarshal(rec.Raw(), &own) != nil {
				t.Fatalf("kept as %q", rec.Raw())
			}
		}
	})
}
