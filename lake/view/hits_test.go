//go:build cgo

package view_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The hits are records that are made so that a given query finds something. They are written
// short: under the query's name one line for each record,
//
//	kind[@ago][*times[/step]] key=value …
//
// The kind is a record in a shape that a source sends, the keys are paths into it, or short
// names for what differs most. A value is JSON where it starts as JSON, a number where # stands
// before it, else text. ago is how long before the hunt it happened (an hour without it);
// times is how many there are, each a step later, with its number in place of %d. "mp" in a
// target is its modified properties as [name, old, new]. A line "list [...]" is a row of the list that the query
// fetches with externaldata.

// huntAt is when the queries run.
var huntAt = time.Date(2024, 3, 5, 12, 0, 0, 0, time.UTC)

type hit struct {
	name string
	skip string // why no record can make it find something
	rows []string
	list [][]string // what externaldata of the query gives
}

func readHits(t testing.TB) []hit {
	t.Helper()
	files, err := filepath.Glob("testdata/hits/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no hits: %v", err)
	}
	var out []hit
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for n, l := range strings.Split(string(data), "\n") {
			switch {
			case l == "" || l[0] == '#':
			case strings.HasPrefix(l, "== "):
				out = append(out, hit{name: l[3:]})
			case strings.HasPrefix(l, "list "):
				var row []string
				if err := json.Unmarshal([]byte(l[5:]), &row); err != nil {
					t.Fatalf("%s:%d: %v", f, n+1, err)
				}
				out[len(out)-1].list = append(out[len(out)-1].list, row)
			case strings.HasPrefix(l, "skip "):
				out[len(out)-1].skip = l[5:]
			default:
				rows, err := expand(l)
				if err != nil {
					t.Fatalf("%s:%d: %v", f, n+1, err)
				}
				out[len(out)-1].rows = append(out[len(out)-1].rows, rows...)
			}
		}
	}
	return out
}

// expand makes the records of one line.
func expand(l string) ([]string, error) {
	head, rest, _ := strings.Cut(l, " ")
	kind, ago, times, step := head, time.Hour, 1, time.Duration(0)
	var err error
	if before, after, ok := strings.Cut(kind, "*"); ok {
		kind = before
		n, s, ok := strings.Cut(after, "/")
		if times, err = strconv.Atoi(n); err != nil {
			return nil, err
		}
		if ok {
			if step, err = span(s); err != nil {
				return nil, err
			}
		}
	}
	if before, after, ok := strings.Cut(kind, "@"); ok {
		kind = before
		if ago, err = span(after); err != nil {
			return nil, err
		}
	}
	var out []string
	for i := range times {
		text := strings.ReplaceAll(rest, "%d", strconv.Itoa(i+1))
		r, err := makeRecord(kind, huntAt.Add(-ago+time.Duration(i)*step), text, i)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func span(s string) (time.Duration, error) {
	if d, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(d)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

type pair struct {
	key string
	val any
}

// pairs reads key=value ….
func pairs(s string) ([]pair, error) {
	var out []pair
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		key, rest, ok := strings.Cut(s, "=")
		if !ok || strings.ContainsAny(key, " {\"") {
			return nil, fmt.Errorf("%q: want key=value", s)
		}
		var v any
		switch {
		case rest != "" && strings.ContainsRune(`{["`, rune(rest[0])):
			d := json.NewDecoder(strings.NewReader(rest))
			if err := d.Decode(&v); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			s = rest[d.InputOffset():]
		default:
			var word string
			word, s, _ = strings.Cut(rest, " ")
			v = word
			if n, ok := strings.CutPrefix(word, "#"); ok {
				v = json.Number(n)
			}
		}
		out = append(out, pair{key, v})
	}
	return out, nil
}

// put sets a path of an object.
func put(m map[string]any, path string, v any) {
	head, rest, ok := strings.Cut(path, ".")
	if !ok {
		m[head] = v
		return
	}
	inner, ok := m[head].(map[string]any)
	if !ok {
		inner = map[string]any{}
		m[head] = inner
	}
	put(inner, rest, v)
}

const (
	tenant       = "aaaaaaaa-0000-4000-8000-000000000001"
	subscription = "/subscriptions/12121212-0000-4000-8000-000000000007"
	machine      = subscription + "/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"
)

// makeRecord writes a record of a kind.
func makeRecord(kind string, at time.Time, text string, n int) (string, error) {
	ps, err := pairs(text)
	if err != nil {
		return "", err
	}
	when := at.Format("2006-01-02T15:04:05.000Z")
	id := fmt.Sprintf("%s-%d-%d", kind, at.UnixMilli(), n)
	var m map[string]any
	short := map[string][]string{}
	switch kind {
	case "trail":
		m = map[string]any{"eventVersion": "1.08", "eventTime": at.Format(time.RFC3339), "eventID": id, "eventType": "AwsApiCall",
			"eventName": "DescribeInstances", "eventSource": "ec2.amazonaws.com", "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.4",
			"userAgent": "aws-cli/2", "requestParameters": nil, "responseElements": nil, "recipientAccountId": "123456789012",
			"userIdentity": map[string]any{"type": "IAMUser", "userName": "carol", "arn": "arn:aws:iam::123456789012:user/carol",
				"accountId": "123456789012", "principalId": "AIDAEXAMPLE"}}
	case "duty":
		m = map[string]any{"schemaVersion": "2.0", "accountId": "123456789012", "region": "eu-west-1", "partition": "aws", "id": id,
			"arn": "arn:aws:guardduty:eu-west-1:123456789012:detector/d/finding/" + id, "createdAt": when, "updatedAt": when, "title": "A finding",
			"description": "It says so.", "severity": 5, "type": "Recon:EC2/Portscan", "service": map[string]any{"serviceName": "guardduty", "count": 1, "archived": false},
			"resource": map[string]any{"resourceType": "Instance"}}
	case "audit":
		m = map[string]any{"time": when, "resourceId": "/tenants/" + tenant + "/providers/Microsoft.aadiam", "operationName": "Update user",
			"operationVersion": "1.0", "category": "AuditLogs", "tenantId": tenant, "resultSignature": "None", "durationMs": 0,
			"callerIpAddress": "203.0.113.20", "correlationId": id, "identity": "Alice", "level": "Informational",
			"properties": map[string]any{"id": id, "category": "Directory", "result": "success", "resultReason": "", "activityDisplayName": "Update user",
				"activityDateTime": when, "loggedByService": "Core Directory", "operationType": "Update",
				"initiatedBy": map[string]any{"user": map[string]any{"id": "u-1", "displayName": nil, "userPrincipalName": "alice@example.com",
					"ipAddress": "203.0.113.20", "roles": []any{}}},
				"targetResources": []any{}, "additionalDetails": []any{map[string]any{"key": "User-Agent", "value": "Mozilla/5.0"}}}}
		short = map[string][]string{"op": {"operationName", "properties.activityDisplayName"}, "cat": {"properties.category"},
			"type": {"properties.operationType"}, "by": {"properties.initiatedBy.user.userPrincipalName"},
			"ip": {"properties.initiatedBy.user.ipAddress", "callerIpAddress"}, "svc": {"properties.loggedByService"}, "result": {"properties.result"},
			"reason": {"properties.resultReason"}, "corr": {"correlationId", "properties.correlationId"}, "id": {"properties.id"},
			"t": {"properties.targetResources"}, "d": {"properties.additionalDetails"}, "appname": {"properties.initiatedBy.app.displayName"},
			"spid": {"properties.initiatedBy.app.servicePrincipalId"}}
	case "signin", "nonint", "adfs", "spsignin":
		category := map[string]string{"signin": "SignInLogs", "nonint": "NonInteractiveUserSignInLogs", "adfs": "ADFSSignInLogs",
			"spsignin": "ServicePrincipalSignInLogs"}[kind]
		m = map[string]any{"time": when, "resourceId": "/tenants/" + tenant + "/providers/Microsoft.aadiam", "operationName": "Sign-in activity",
			"category": category, "tenantId": tenant, "resultType": "0", "resultSignature": "None", "resultDescription": "", "durationMs": 0,
			"callerIpAddress": "203.0.113.30", "correlationId": id, "identity": "Dave", "level": "4", "location": "JP",
			"properties": map[string]any{"id": id, "createdDateTime": when, "appId": "app-portal", "appDisplayName": "Office",
				"ipAddress": "203.0.113.30", "status": map[string]any{"errorCode": json.Number("0")}, "clientAppUsed": "Browser", "userAgent": "Mozilla/5.0",
				"deviceDetail":            map[string]any{"deviceId": "", "operatingSystem": "Windows 11", "browser": "Edge"},
				"location":                map[string]any{"city": "Tokyo", "state": "Tokyo", "countryOrRegion": "JP"},
				"conditionalAccessStatus": "notApplied", "isInteractive": kind == "signin", "riskState": "none", "resourceDisplayName": "Office",
				"resourceId": "r-1", "resourceTenantId": tenant, "homeTenantId": tenant, "authenticationDetails": []any{},
				"autonomousSystemNumber": 64500, "userDisplayName": "Dave", "userPrincipalName": "dave@example.com", "userId": "u-9"}}
		if kind == "spsignin" {
			p := m["properties"].(map[string]any)
			p["servicePrincipalId"], p["servicePrincipalName"] = "sp-1", "helper"
			delete(p, "userPrincipalName")
			delete(p, "userId")
			delete(p, "userDisplayName")
			m["identity"] = "helper"
		}
		short = map[string][]string{"upn": {"properties.userPrincipalName"}, "ip": {"callerIpAddress", "properties.ipAddress"}, "code": {"resultType"},
			"app": {"properties.appDisplayName"}, "appid": {"properties.appId"}, "city": {"properties.location.city"}, "state": {"properties.location.state"},
			"country": {"location", "properties.location.countryOrRegion"}, "desc": {"resultDescription"}, "corr": {"correlationId"},
			"userid": {"properties.userId"}, "asn": {"properties.autonomousSystemNumber"}}
	case "activity":
		m = map[string]any{"time": when, "resourceId": machine, "operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE", "category": "Administrative",
			"resultType": "Success", "resultSignature": "Succeeded.", "durationMs": 1, "callerIpAddress": "203.0.113.50", "correlationId": id,
			"identity": map[string]any{"authorization": map[string]any{"scope": machine, "action": "x"},
				"claims": map[string]any{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "alice@example.com", "appid": "app-1", "name": "Alice"}},
			"level": "Information", "location": "global", "properties": map[string]any{"eventCategory": "Administrative"}}
		short = map[string][]string{"op": {"operationName"}, "status": {"resultType"}, "ip": {"callerIpAddress"},
			"rid": {"resourceId", "identity.authorization.scope"}, "corr": {"correlationId"}}
	case "actrow":
		m = map[string]any{"TimeGenerated": when, "Type": "AzureActivity", "OperationNameValue": "Microsoft.Compute/virtualMachines/write",
			"CategoryValue": "Administrative", "Category": "Administrative", "ActivityStatusValue": "Succeeded", "Caller": "alice@example.com",
			"CallerIpAddress": "203.0.113.50", "CorrelationId": id, "EventDataId": id, "SubscriptionId": "12121212-0000-4000-8000-000000000007",
			"_ResourceId": machine, "ResourceGroup": "rg"}
	case "office":
		m = map[string]any{"CreationTime": at.Format("2006-01-02T15:04:05"), "Id": id, "Operation": "FileAccessed", "OrganizationId": tenant,
			"RecordType": 6, "UserKey": "k", "UserType": 0, "Version": 1, "Workload": "SharePoint", "ClientIP": "203.0.113.9",
			"UserId": "dave@example.com", "ObjectId": "https://example.sharepoint.com/x"}
	case "diag":
		m = map[string]any{"time": when, "resourceId": machine, "operationName": "Get", "category": "AuditEvent", "resultType": "Success",
			"correlationId": id, "callerIpAddress": "203.0.113.8", "properties": map[string]any{}}
	case "nsg":
		m = map[string]any{"time": when, "category": "NetworkSecurityGroupFlowEvent", "operationName": "NetworkSecurityGroupFlowEvents",
			"resourceId": subscription + "/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg1", "macAddress": "000D3A000001"}
		short = map[string][]string{"rid": {"resourceId"}}
	case "cef":
		m = map[string]any{"TimeGenerated": when, "Type": "CommonSecurityLog", "DeviceVendor": "Example", "DeviceProduct": "Gate",
			"DeviceVersion": "1", "DeviceEventClassID": "100", "Activity": "x", "LogSeverity": "3"}
	case "syslogrow":
		m = map[string]any{"TimeGenerated": when, "Type": "Syslog", "SeverityLevel": "info", "HostName": "vm1"}
	case "alert":
		m = map[string]any{"TimeGenerated": when, "Type": "SecurityAlert", "AlertName": "x", "AlertSeverity": "High", "ProviderName": "ASC",
			"VendorName": "Microsoft", "ProductName": "Defender", "SystemAlertId": id, "AlertType": "x", "Status": "New", "Entities": "[]",
			"StartTime": when, "EndTime": when}
	case "ti":
		m = map[string]any{"TimeGenerated": huntAt.Add(-24 * time.Hour).Format(time.RFC3339), "Type": "ThreatIntelligenceIndicator", "IndicatorId": "i-1",
			"Active": true, "ExpirationDateTime": huntAt.Add(240 * time.Hour).Format(time.RFC3339), "ThreatType": "C2", "ConfidenceScore": 90}
	case "identity":
		m = map[string]any{"TimeGenerated": when, "Type": "IdentityInfo"}
	case "row":
		m = map[string]any{"TimeGenerated": when}
	default:
		return "", fmt.Errorf("no kind %q", kind)
	}
	for _, p := range ps {
		switch {
		case kind == "audit" && p.key == "t":
			p.val = targets(p.val)
		case kind == "audit" && p.key == "by" && p.val == "":
			put(m, "properties.initiatedBy", map[string]any{})
			continue
		case kind == "nsg" && p.key == "flow":
			m["properties"] = map[string]any{"Version": 1, "flows": []any{map[string]any{"rule": "r", "flows": []any{map[string]any{"mac": "000D3A000001",
				"flowTuples": []any{fmt.Sprintf("%d,%s", at.Unix(), p.val)}}}}}}
			continue
		case kind == "activity" && p.key == "caller":
			m["identity"].(map[string]any)["claims"].(map[string]any)["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] = p.val
			continue
		case p.key == "code":
			put(m, "properties.status.errorCode", json.Number(p.val.(string)))
		}
		keys := short[p.key]
		if keys == nil {
			keys = []string{p.key}
		}
		for _, k := range keys {
			put(m, k, p.val)
		}
	}
	data, err := json.Marshal(m)
	return string(data), err
}

// targets writes out the modified properties.
func targets(v any) any {
	list, _ := v.([]any)
	for _, t := range list {
		m, _ := t.(map[string]any)
		props := []any{}
		short, _ := m["mp"].([]any)
		for _, p := range short {
			p, _ := p.([]any)
			if len(p) == 3 {
				props = append(props, map[string]any{"displayName": p[0], "oldValue": p[1], "newValue": p[2]})
			}
		}
		delete(m, "mp")
		m["modifiedProperties"] = props
	}
	return list
}

// TestHits decodes every record: each is of a format, and none of the kinds falls to json
// that should not.
func TestHits(t *testing.T) {
	db := openDuck(t)
	for _, h := range readHits(t) {
		if h.skip == "" && len(h.rows) == 0 {
			t.Errorf("%s: neither records nor a reason", h.name)
		}
		l := &testLake{db: db, rows: map[string][]headRow{}}
		for _, f := range l.add(t, strings.NewReader(strings.Join(h.rows, "\n")), "hit.jsonl") {
			if f == "json" && !strings.Contains(strings.Join(h.rows, "\n"), `"Type":"`) {
				t.Errorf("%s: a record of the format json", h.name)
			}
		}
	}
}
