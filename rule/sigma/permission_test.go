package sigma_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/rule/sigma"
)

// TestPermissions: what a record asks for or grants has a name and a risk in every shape
// in which the record may arrive.
func TestPermissions(t *testing.T) {
	const (
		access = `[{\"ResourceAppId\":\"00000003-0000-0000-c000-000000000000\",\"RequiredAppPermissions\":[{\"EntitlementId\":\"8ba4a692-bc31-4128-9094-475872af8a53\",\"DirectAccessGrant\":true,\"ImpersonationAccessGrants\":[]},{\"EntitlementId\":\"810c84a8-4a9e-49e6-bf7d-12d183f40d01\",\"DirectAccessGrant\":true,\"ImpersonationAccessGrants\":[]}]}]`
		before = `[{\"ResourceAppId\":\"00000003-0000-0000-c000-000000000000\",\"RequiredAppPermissions\":[{\"EntitlementId\":\"810c84a8-4a9e-49e6-bf7d-12d183f40d01\",\"DirectAccessGrant\":true,\"ImpersonationAccessGrants\":[]}]}]`
		entra  = `{"displayName":"RequiredResourceAccess","oldValue":"OLD","newValue":"NEW"}`
		log    = `{"Name":"RequiredResourceAccess","OldValue":"OLD","NewValue":"NEW"}`
	)
	fill := func(text, before, after string) string {
		return strings.NewReplacer("OLD", before, "NEW", after).Replace(text)
	}
	escape := func(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }
	asked := fill(entra, "[]", access)
	cases := []struct {
		logsource, selection string
		hold, not            []string
	}{
		{"product: azure, service: auditlogs", "permission.risk: high",
			[]string{
				`{"operationName":"Update application","properties":{"targetResources":[{"modifiedProperties":[` + asked + `]}]}}`,
				`{"targetResources":[{"type":"User","modifiedProperties":[]},{"modifiedProperties":[{"displayName":"x","newValue":"y"},` + asked + `]}]}`,
				`{"TargetResources":"` + escape(`[{"modifiedProperties":[`+asked+`]}]`) + `"}`,
				`{"targetResources":[{"modifiedProperties":[{"displayName":"AppRole.Id","newValue":"\"x\""},{"displayName":"AppRole.Value","newValue":"\"Mail.ReadWrite\""}]}]}`,
				`{"TargetResources":[{"modifiedProperties":"` + escape(`[{"displayName":"AppRole.Value","newValue":"\"Mail.ReadWrite\""}]`) + `"}]}`,
			},
			[]string{
				`{"targetResources":[{"modifiedProperties":[` + fill(entra, access, before) + `]}]}`,
				`{"targetResources":[{"modifiedProperties":[` + fill(entra, before, access) + `]}]}`,
				`{"targetResources":[{"modifiedProperties":[{"displayName":"AppRole.Value","oldValue":"\"Mail.ReadWrite\"","newValue":null}]}]}`,
				`{"targetResources":[{"modifiedProperties":[{"displayName":"AppRole.Value","newValue":"\"User.Read.All\""}]}]}`,
				`{"targetResources":[]}`, `{"permission":{"risk":"high"}}`,
			}},
		{"product: azure, service: auditlogs", "permission.name: Calendars.ReadBasic.All",
			[]string{`{"properties":{"targetResources":[{"modifiedProperties":[` + fill(entra, before, access) + `]}]}}`},
			[]string{`{"properties":{"targetResources":[{"modifiedProperties":[` + fill(entra, access, access) + `]}]}}`}},
		{"product: azure, service: auditlogs", "{permission.resource: Microsoft Graph, permission.type: application}",
			[]string{`{"properties":{"targetResources":[{"modifiedProperties":[` + asked + `]}]}}`},
			[]string{`{"properties":{"targetResources":[{"modifiedProperties":[{"displayName":"DelegatedPermissionGrant.Scope","newValue":"\" Mail.Read\""}]}]}}`}},
		{"product: azure, service: auditlogs", "permission.name: null",
			[]string{`{"operationName":"Add user"}`},
			[]string{`{"properties":{"targetResources":[{"modifiedProperties":[` + asked + `]}]}}`}},
		{"product: azure, service: microsoftgraphactivitylogs", "{permission.risk: high, permission.name: Application.ReadWrite.All}",
			[]string{`{"properties":{"roles":"User.Read.All Application.ReadWrite.All","scopes":null}}`, `{"Roles":"","Scopes":"User.Read Application.ReadWrite.All"}`},
			[]string{`{"properties":{"roles":"User.Read.All"}}`, `{"Roles":"Application.ReadWrite.Allx"}`}},
		{"product: m365, service: audit", "{permission.risk: high, permission.name|endswith: '.Read'}",
			[]string{
				`{"Operation":"Update application.","ModifiedProperties":[` + fill(log, "[]", access) + `]}`,
				`{"AuditData":{"ModifiedProperties":[{"Name":"AppRole.Value","NewValue":"Mail.Read","OldValue":""}]}}`,
				`{"AuditData":"` + escape(`{"ModifiedProperties":[{"Name":"AppRole.Value","NewValue":"Mail.Read","OldValue":""}]}`) + `"}`,
			},
			[]string{`{"ModifiedProperties":[{"Name":"AppRole.Value","NewValue":"User.Read","OldValue":""}]}`}},
	}
	for _, version := range []string{"", "sigma-version: 3\n"} {
		for _, c := range cases {
			t.Run(version+c.selection, func(t *testing.T) {
				text := "title: T\n" + version + "logsource: {" + c.logsource + "}\ndetection:\n  s:\n    " + c.selection + "\n  condition: s\n"
				if strings.HasPrefix(c.selection, "{") {
					text = strings.Replace(text, "s:\n    {", "s: {", 1)
				}
				m := newMatcher(t, one(t, text, sigma.Options{Pipelines: shipped}).When)
				for _, rec := range c.hold {
					if !m.match(t, rec) {
						t.Errorf("does not hold for %s", rec)
					}
				}
				for _, rec := range c.not {
					if m.match(t, rec) {
						t.Errorf("holds for %s", rec)
					}
				}
			})
		}
	}
}

// TestPermissionCaptured: correlations, and so cause keys, have the values too.
func TestPermissionCaptured(t *testing.T) {
	rules := load(t, `title: B
name: granted
logsource: {product: azure, service: auditlogs}
detection:
  s: {operationName: x}
  condition: s
---
title: C
correlation:
  type: value_count
  rules: [granted]
  group-by: [permission.risk]
  timespan: 5m
  condition: {gte: 2, field: permission.name}
`, sigma.Options{Pipelines: shipped})
	const record = `{"targetResources":[{"modifiedProperties":[{"displayName":"DelegatedPermissionGrant.Scope","newValue":"\" Mail.Read openid Orders.Approve\""}]}]}`
	var got []string
	for _, f := range rules[0].Captures {
		got = append(got, strings.Join(valuesOf(t, f, record), "|"))
	}
	if diff := cmp.Diff([]string{"medium", "Mail.Read|openid|Orders.Approve"}, got); diff != "" {
		t.Error(diff)
	}
}
