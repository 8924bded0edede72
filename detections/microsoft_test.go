package detections_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
)

// ownDoing are recorded files that hold nothing but what the service does by itself,
// and techniques that the record shows by another of ATT&CK's names.
var (
	ownDoing = []string{"t1098.002_Mail Account Delegation full access permissions.csv"}
	known    = map[string]string{"t1482": "t1087.004"} // AzureHound maps users and groups
)

// TestMicrosoftAttacks runs the shipped rules over recorded attacks on Microsoft 365 and
// Entra ID: each must give its technique at medium or above.
func TestMicrosoftAttacks(t *testing.T) {
	files := sharedFiles(t, "entra/det-eng-samples/*")
	j, hit := newJudge(t), 0
	for _, file := range files {
		name := filepath.Base(file)
		found, records := j.file(t, file)
		if records == 0 {
			t.Errorf("%s: no record", name)
			continue
		}
		want, _, _ := strings.Cut(name, "_")
		if other, ok := known[want]; ok {
			want = other
		}
		byRecord := map[string]bool{}
		ok := false
		for _, f := range found {
			for _, id := range f.Events {
				if len(f.Events) == 1 {
					if byRecord[f.Rule.ID+id] {
						t.Errorf("%s: two findings of %s about record %s", name, f.Rule.Title, id)
					}
					byRecord[f.Rule.ID+id] = true
				}
			}
			for _, tag := range f.Rule.Tags {
				// A technique is shown by itself or by one of its kind.
				ok = ok || f.Severity >= yagura.SeverityMedium && strings.HasPrefix(strings.TrimPrefix(tag, "attack.")+".", want+".")
			}
		}
		switch {
		case ok:
			hit++
		case slices.Contains(ownDoing, name):
			t.Logf("%s: the service itself, %d findings", name, len(found))
		default:
			t.Errorf("%s: nothing of %s at medium or above in %d findings", name, want, len(found))
		}
	}
	t.Logf("%d of %d files", hit, len(files))
}

// TestMicrosoftNoise counts what fires on recorded days of a laboratory.
func TestMicrosoftNoise(t *testing.T) {
	j := newJudge(t)
	for _, pattern := range []string{"entra/sentinel-lab-*.csv", "azure/activity/*", "entra/splunk_data_sources_examples.jsonl"} {
		for _, file := range sharedFiles(t, pattern) {
			found, records := j.file(t, file)
			_, high := atLeast(found, yagura.SeverityHigh)
			titles, medium := atLeast(found, yagura.SeverityMedium)
			t.Logf("%s: %d records: %d events at high or above, %d at medium or above: %s", filepath.Base(file), records, len(high), len(medium), strings.Join(titles, "; "))
			if strings.HasPrefix(filepath.Base(file), "sentinel-lab") && len(medium)*10 > records {
				t.Errorf("%s: more than a tenth at medium or above", file)
			}
		}
	}
}

// TestPermissionMeets: what an application asks for, is consented to and is granted is of
// one issue, which has the level of the grant when that has come.
func TestPermissionMeets(t *testing.T) {
	j, keys := newJudge(t), map[string][]string{}
	for _, f := range firings(t) {
		switch filepath.Base(filepath.Dir(f.rule)) {
		case "risky-permission-requested", "permission-requested", "app-role-granted", "consent-to-application", "admin-consent-for-all-users", "risky-consent", "risky-app-role-granted":
			_, x := f.judgeOne(t, j, f.event)
			if x == nil {
				t.Fatalf("%s: %q does not fire", f.file, f.name)
			}
			if strings.Contains(x.CauseKey, "app=00000000-0000-4000-8000-000000000090") {
				keys[x.CauseKey] = append(keys[x.CauseKey], x.Rule.Title)
			}
		}
	}
	if len(keys) != 1 {
		t.Fatalf("%d causes: %v", len(keys), keys)
	}
	for _, titles := range keys {
		if len(titles) < 5 {
			t.Errorf("only %v meet", titles)
		}
	}
}

// TestEntraSignInShapes writes the firing events of the sign-in and risk rules, which are
// in the shape of Event Hub, as rows of Log Analytics and as Microsoft Graph has them.
func TestEntraSignInShapes(t *testing.T) {
	tables := map[string]string{"SignInLogs": "SigninLogs", "ServicePrincipalSignInLogs": "AADServicePrincipalSignInLogs",
		"UserRiskEvents": "AADUserRiskEvents", "RiskyUsers": "AADRiskyUsers"}
	j, checked := newJudge(t), 0
	for _, f := range firings(t) {
		category, _ := f.event["category"].(string)
		table := tables[category]
		if f.folder != "entra" || f.many || table == "" {
			continue
		}
		p := f.event["properties"].(map[string]any)
		row := map[string]any{"TimeGenerated": f.event["time"], "Type": table, "OperationName": f.event["operationName"], "Category": category,
			"CorrelationId": f.event["correlationId"], "AADTenantId": f.event["tenantId"], "SourceSystem": "Azure AD"}
		if code, ok := f.event["resultType"]; ok {
			row["ResultType"] = code
		}
		same := map[string]any{}
		for name, v := range p {
			same[name] = v
			switch v.(type) {
			case map[string]any, []any:
				b, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				v = string(b)
			}
			if name == "ipAddress" {
				name = "IPAddress"
			}
			row[strings.ToUpper(name[:1])+name[1:]] = v
		}
		shapes := map[string]map[string]any{"log analytics": row}
		switch category {
		case "ServicePrincipalSignInLogs":
			if p["status"] != nil { // else Graph would not say how it ended
				same["signInEventTypes"] = []any{"servicePrincipal"}
				shapes["graph"] = same
			}
		case "UserRiskEvents":
			shapes["graph"] = same
		case "SignInLogs":
			if p["status"] != nil {
				shapes["graph"] = same
				shapes["datadog"] = datadog(f.event)
			}
		}
		for shape, event := range shapes {
			checked++
			if _, x := f.judgeOne(t, j, event); x == nil {
				t.Errorf("%s: %q does not fire in the shape of %s", f.file, f.name, shape)
			}
		}
	}
	if checked < 30 {
		t.Errorf("%d records only", checked)
	}
}

// TestAzureActivityShapes writes the firing events of the Azure rules, which are in the
// shape of Event Hub, as rows of AzureActivity, as the Monitor REST API has them, and in
// Datadog's envelope.
func TestAzureActivityShapes(t *testing.T) {
	j, checked := newJudge(t), 0
	for _, f := range firings(t) {
		if f.folder != "azure" || f.many || f.event["category"] != "Administrative" {
			continue
		}
		identity, p := f.event["identity"].(map[string]any), f.event["properties"].(map[string]any)
		text := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		operation := f.event["operationName"]
		table := map[string]any{"TimeGenerated": f.event["time"], "Type": "AzureActivity", "OperationNameValue": operation, "ActivityStatusValue": "Success",
			"_ResourceId": f.event["resourceId"], "Caller": "alice@example.com", "CallerIpAddress": f.event["callerIpAddress"], "CategoryValue": "Administrative",
			"CorrelationId": f.event["correlationId"], "Properties": text(p), "Properties_d": p, "Authorization": text(identity["authorization"])}
		rest := map[string]any{"eventDataId": f.event["correlationId"], "eventTimestamp": f.event["time"], "operationName": map[string]any{"value": operation, "localizedValue": operation},
			"status": map[string]any{"value": "Succeeded"}, "resourceId": f.event["resourceId"], "caller": "alice@example.com", "category": map[string]any{"value": "Administrative"},
			"properties": p, "authorization": identity["authorization"], "claims": identity["claims"]}
		for shape, event := range map[string]map[string]any{"table": table, "rest": rest, "datadog": datadog(f.event)} {
			checked++
			if _, x := f.judgeOne(t, j, event); x == nil {
				t.Errorf("%s: %q does not fire in the shape of %s", f.file, f.name, shape)
			}
		}
		for _, started := range []string{"Start", "Started"} {
			table["ActivityStatusValue"], rest["status"] = started, map[string]any{"value": started}
			for shape, event := range map[string]map[string]any{"table": table, "rest": rest} {
				if _, x := f.judgeOne(t, j, event); x != nil {
					t.Errorf("%s: %q fires on the beginning in the shape of %s", f.file, f.name, shape)
				}
			}
		}
	}
	if checked < 150 {
		t.Errorf("%d records only", checked)
	}
}
