package detections_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/detections"
)

// firing is an event that a detection's test says it fires on.
type firing struct {
	file, folder, rule string // of the test; rule is the file of the rule
	name               string
	many               bool // it takes many events like it
	event              map[string]any
}

// firings are the events on which the tests of all detections fire.
func firings(t *testing.T) []firing {
	t.Helper()
	tests, err := detections.Tests()
	if err != nil {
		t.Fatal(err)
	}
	var list []firing
	for _, f := range tests {
		folder, name := detections.Folder(f.Path)
		var doc struct {
			Fires []struct {
				Name   string
				Repeat *yaml.Node
				Event  map[string]any
			}
		}
		if err := yaml.Unmarshal(f.Data, &doc); err != nil {
			t.Fatal(err)
		}
		for _, c := range doc.Fires {
			if c.Event != nil {
				list = append(list, firing{f.Path, folder, "detections/" + folder + "/" + name + "/rule.yml", c.Name, c.Repeat != nil, c.Event})
			}
		}
	}
	return list
}

// judgeOne judges a record: its findings, and that of the rule, nil for none.
func (f *firing) judgeOne(t *testing.T, j *judge, event map[string]any) (found []yagura.Finding, of *yagura.Finding) {
	t.Helper()
	data, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	found, records := j.read(t, bytes.NewReader(data), "event.json")
	if records != 1 {
		t.Errorf("%s: %q is %d records", f.file, f.name, records)
	}
	if at := slices.IndexFunc(found, func(x yagura.Finding) bool { return x.Rule.File == f.rule }); at >= 0 {
		of = &found[at]
	}
	return found, of
}

// TestEntraShapes writes the firing events of the Entra ID rules, which are in the
// shape of Event Hub, in the other shapes in which the same record arrives, and holds
// that the rules still fire, about the same cause and the same entities.
func TestEntraShapes(t *testing.T) {
	j, checked := newJudge(t), 0
	for _, f := range firings(t) {
		if f.folder != "entra" || f.many || f.event["category"] != "AuditLogs" {
			continue
		}
		_, first := f.judgeOne(t, j, f.event)
		if first == nil {
			t.Errorf("%s: %q does not fire", f.file, f.name)
			continue
		}
		checked++
		for shape, event := range map[string]map[string]any{"log analytics": logAnalytics(t, f.event), "graph": graph(f.event), "datadog": datadog(f.event), "unified log": unified(t, f.event)} {
			if shape == "unified log" && f.event["properties"].(map[string]any)["loggedByService"] == "Authentication Methods" {
				continue // it does not say which method
			}
			checked++
			_, x := f.judgeOne(t, j, event)
			if x == nil {
				t.Errorf("%s: %q does not fire in the shape of %s", f.file, f.name, shape)
			} else if _, a, _ := strings.Cut(first.CauseKey, " "); shape == "unified log" {
				// Its header names people by their addresses only.
				if _, b, _ := strings.Cut(x.CauseKey, " "); a != b {
					t.Errorf("%s: %q has another cause in the shape of %s: %s, not %s", f.file, f.name, shape, b, a)
				}
			} else if d := cmp.Diff(causeOf(first), causeOf(x)); d != "" {
				t.Errorf("%s: %q has another cause in the shape of %s: %s", f.file, f.name, shape, d)
			}
		}
	}
	if checked < 30 {
		t.Errorf("%d records only", checked)
	}
}

// TestKubernetesTable writes the firing events of the Kubernetes rules as rows of the
// table AKSAudit, as an export writes them, and holds that the findings say the same.
func TestKubernetesTable(t *testing.T) {
	j, checked := newJudge(t), 0
	for _, f := range firings(t) {
		if f.folder != "kubernetes" || f.many {
			continue
		}
		_, plain := f.judgeOne(t, j, f.event)
		_, row := f.judgeOne(t, j, aksTable(t, f.event))
		if plain == nil || row == nil {
			t.Fatalf("%s: %q does not fire in both shapes", f.file, f.name)
		}
		if d := cmp.Diff(causeOf(plain), causeOf(row)); d != "" {
			t.Errorf("%s: %q: %s", f.file, f.name, d)
		}
		checked++
	}
	if checked < 8 {
		t.Errorf("%d records only", checked)
	}
}

// aksTable is a row of AKSAudit, whose columns are capitalised and, where they nest, text.
func aksTable(t *testing.T, event map[string]any) map[string]any {
	row := map[string]any{"Type": "AKSAudit", "TimeGenerated": event["stageTimestamp"]}
	for name, v := range event {
		switch v.(type) {
		case map[string]any, []any:
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			v = string(b)
		}
		switch name {
		case "kind", "apiVersion":
			continue
		case "auditID":
			name = "AuditId"
		case "requestURI":
			name = "RequestUri"
		case "sourceIPs":
			name = "SourceIps"
		}
		row[strings.ToUpper(name[:1])+name[1:]] = v
	}
	return row
}

// TestEntitiesAreNamed holds that no finding is about what a log writes for want of a
// name.
func TestEntitiesAreNamed(t *testing.T) {
	j := newJudge(t)
	for _, f := range firings(t) {
		found, _ := f.judgeOne(t, j, f.event)
		for _, x := range found {
			for _, e := range x.Entities {
				if slices.Contains([]string{"", "unknown", "null", "N/A"}, e.ID) {
					t.Errorf("%s: %s is about the %s %q", f.file, x.Rule.Title, e.Type, e.ID)
				}
			}
		}
	}
}

// causeOf is what a finding is about, but for the tenant, which Graph does not name.
func causeOf(f *yagura.Finding) []string {
	_, cause, _ := strings.Cut(f.CauseKey, " ")
	out := []string{cause}
	for _, e := range f.Entities {
		if e.Type != yagura.EntityAccount {
			out = append(out, e.Type+" "+e.ID)
		}
	}
	slices.Sort(out)
	return out
}

// graph is the record as Microsoft Graph's directoryAudits hands it out.
func graph(event map[string]any) map[string]any {
	return maps.Clone(event["properties"].(map[string]any))
}

// datadog is the record as Datadog hands it out: some fields have the names of its own
// pipeline.
func datadog(event map[string]any) map[string]any {
	p := maps.Clone(event["properties"].(map[string]any))
	outcome := p["result"]
	delete(p, "result")
	attributes := maps.Clone(event)
	for _, moved := range []string{"operationName", "category", "callerIpAddress", "time"} {
		delete(attributes, moved)
	}
	maps.Copy(attributes, map[string]any{
		"properties": p,
		"evt":        map[string]any{"name": event["operationName"], "category": event["category"], "outcome": outcome},
		"network":    map[string]any{"client": map[string]any{"ip": event["callerIpAddress"]}},
	})
	return map[string]any{"id": "AwAAAY", "content": map[string]any{
		"timestamp": event["time"], "service": "azure.activedirectory", "attributes": attributes,
	}}
}

// unified is the record as the unified audit log of Microsoft 365 has it.
func unified(t *testing.T, event map[string]any) map[string]any {
	p := event["properties"].(map[string]any)
	text := func(v any) string { s, _ := v.(string); return s }
	list := func(v any) []any { l, _ := v.([]any); return l }
	object := func(v any) map[string]any { m, _ := v.(map[string]any); return m }
	identity := func(kind, id, name, upn string) (out []any) {
		for _, x := range []struct {
			id   string
			kind int
		}{{upn, 5}, {kind + "_" + id, 2}, {id, 2}, {kind, 2}, {name, 1}} {
			if x.id != "" {
				out = append(out, map[string]any{"ID": x.id, "Type": x.kind})
			}
		}
		return out
	}
	user, app := object(object(p["initiatedBy"])["user"]), object(object(p["initiatedBy"])["app"])
	actor, upn := identity("User", text(user["id"]), "", text(user["userPrincipalName"])), text(user["userPrincipalName"])
	if app != nil {
		actor = identity("ServicePrincipal", text(app["servicePrincipalId"]), text(app["displayName"]), "")
		upn = "ServicePrincipal_" + text(app["servicePrincipalId"])
	}
	out := map[string]any{
		"CreationTime": strings.SplitN(text(event["time"]), ".", 2)[0], "Id": "00000000-0000-4000-8000-000000000900", "RecordType": 8,
		"Operation": text(event["operationName"]) + ".", "OrganizationId": event["tenantId"], "Workload": "AzureActiveDirectory",
		"ResultStatus": strings.ToUpper(text(p["result"])[:1]) + text(p["result"])[1:], "UserId": upn, "UserKey": "1003", "UserType": 0, "Version": 1,
		"Actor": actor, "ModifiedProperties": []any{}, "ActorIpAddress": text(event["callerIpAddress"]),
	}
	if targets := list(p["targetResources"]); len(targets) > 0 {
		first := object(targets[0])
		kind := text(first["type"])
		if kind == "" {
			kind = "Other"
		}
		out["Target"] = identity(kind, text(first["id"]), text(first["displayName"]), text(first["userPrincipalName"]))
		var modified []any
		for _, m := range list(first["modifiedProperties"]) {
			value := func(v any) string {
				var s string
				if json.Unmarshal([]byte(text(v)), &s) == nil {
					return s
				}
				var b bytes.Buffer
				if json.Indent(&b, []byte(text(v)), "", "  ") == nil {
					return strings.ReplaceAll(b.String(), "\n", "\r\n")
				}
				return text(v)
			}
			modified = append(modified, map[string]any{"Name": object(m)["displayName"], "OldValue": value(object(m)["oldValue"]), "NewValue": value(object(m)["newValue"])})
		}
		out["ModifiedProperties"] = modified
		if len(modified) == 0 { // else they tell of the others
			target, _ := out["Target"].([]any)
			for _, x := range targets[1:] {
				target = append(target, identity(text(object(x)["type"]), text(object(x)["id"]), text(object(x)["displayName"]), text(object(x)["userPrincipalName"]))...)
			}
			out["Target"] = target
		}
	}
	details := map[string]any{}
	for _, d := range list(p["additionalDetails"]) {
		details[text(object(d)["key"])] = object(d)["value"]
	}
	b, err := json.Marshal(details)
	if err != nil {
		t.Fatal(err)
	}
	out["ExtendedProperties"] = []any{map[string]any{"Name": "additionalDetails", "Value": string(b)}, map[string]any{"Name": "extendedAuditEventCategory", "Value": "Other"}}
	return out
}

// logAnalytics is the row of the table AuditLogs, whose nested columns are text.
func logAnalytics(t *testing.T, event map[string]any) map[string]any {
	p := event["properties"].(map[string]any)
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return map[string]any{
		"TimeGenerated": event["time"], "OperationName": event["operationName"], "Category": p["category"],
		"Result": p["result"], "ResultReason": p["resultReason"], "CorrelationId": p["correlationId"], "Id": p["id"],
		"ActivityDisplayName": p["activityDisplayName"], "ActivityDateTime": p["activityDateTime"], "LoggedByService": p["loggedByService"],
		"AADOperationType": p["operationType"], "AADTenantId": event["tenantId"], "InitiatedBy": text(p["initiatedBy"]),
		"TargetResources": text(p["targetResources"]), "AdditionalDetails": text(p["additionalDetails"]), "Identity": "",
		"ResourceId": strings.ToUpper(event["resourceId"].(string)), "SourceSystem": "Azure AD", "Type": "AuditLogs",
	}
}
