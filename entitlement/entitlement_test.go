package entitlement

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTables(t *testing.T) {
	for _, c := range []struct {
		table          string
		columns, least int
	}{{graphTable, 3, 1500}, {otherTable, 4, 20}, {appTable, 2, 30}} {
		var ids []string
		for line := range strings.Lines(c.table) {
			if strings.HasPrefix(line, "#") {
				if len(ids) > 0 {
					t.Errorf("a comment stands behind the first id: %s", line)
				}
				continue
			}
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(f) != c.columns || len(f[0]) != idLen || f[0] != strings.ToLower(f[0]) {
				t.Errorf("line %q", line)
			}
			if len(f) > 2 && f[1] != Application && f[1] != Delegated {
				t.Errorf("kind of %q", line)
			}
			if got := lines(c.table, f[0]); !slices.Contains(got, strings.TrimSuffix(line, "\n")) {
				t.Errorf("%s is not found: %q", f[0], got)
			}
			ids = append(ids, f[0])
		}
		if !slices.IsSorted(ids) || len(ids) < c.least {
			t.Errorf("%d ids, sorted: %v", len(ids), slices.IsSorted(ids))
		}
	}
}

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		id, kind string
		want     Permission
	}{
		{"8ba4a692-bc31-4128-9094-475872af8a53", "", Permission{Name: "Calendars.ReadBasic.All", Kind: Application, Resource: "Microsoft Graph", Risk: Low}},
		{"9E3F62CF-CA93-4989-B6CE-BF83C28F9FE8", Application, Permission{Name: "RoleManagement.ReadWrite.Directory", Kind: Application, Resource: "Microsoft Graph", Risk: High}},
		{"810c84a8-4a9e-49e6-bf7d-12d183f40d01", Application, Permission{Name: "Mail.Read", Kind: Application, Resource: "Microsoft Graph", Risk: High}},
		{"570282fd-fa5c-430d-a7fd-fc8dc98a9dca", Delegated, Permission{Name: "Mail.Read", Kind: Delegated, Resource: "Microsoft Graph", Risk: Medium}},
		{"e1fe6dd8-ba31-4d61-89e7-88639da4683d", "", Permission{Name: "User.Read", Kind: Delegated, Resource: "Microsoft Graph", Risk: Low}},
		{"dc890d15-9560-4a4c-9b7f-a736ec74ec40", "", Permission{Name: "full_access_as_app", Kind: Application, Resource: "Office 365 Exchange Online", Risk: High}},
		{"11111111-2222-3333-4444-555555555555", "", Permission{Name: "11111111-2222-3333-4444-555555555555", Risk: Unknown}},
		{"zzzzzzzz-2222-3333-4444-555555555555", Delegated, Permission{Name: "zzzzzzzz-2222-3333-4444-555555555555", Kind: Delegated, Risk: Unknown}},
		{"", "", Permission{Risk: Unknown}},
		{"#", "", Permission{Name: "#", Risk: Unknown}},
	} {
		c.want.ID = c.id
		if diff := cmp.Diff(c.want, Lookup(c.id, c.kind)); diff != "" {
			t.Errorf("%s: %s", c.id, diff)
		}
	}
	if got := Find("mail.read"); len(got) != 2 || got[0].Risk == got[1].Risk || got[0].Name != "Mail.Read" {
		t.Errorf("Find: %+v", got)
	}
	if got := Find("8BA4A692-bc31-4128-9094-475872af8a53"); len(got) != 1 || got[0].Name != "Calendars.ReadBasic.All" {
		t.Errorf("Find by id: %+v", got)
	}
	if got := Find("nothing"); got != nil {
		t.Errorf("Find: %+v", got)
	}
	if got := App("00000003-0000-0000-C000-000000000000"); got != "Microsoft Graph" {
		t.Errorf("App: %q", got)
	}
	if got := App("99999999-0000-0000-c000-000000000000"); got != "99999999-0000-0000-c000-000000000000" {
		t.Errorf("App of one that is not known: %q", got)
	}
}

// TestRisks pins the rating of the permissions by which tenants were taken over or
// robbed, and of some that must not alarm. The whole listing is in testdata/risks.txt.
func TestRisks(t *testing.T) {
	for _, c := range []struct {
		kind, names string
		want        Risk
	}{
		{Application, "RoleManagement.ReadWrite.Directory AppRoleAssignment.ReadWrite.All Application.ReadWrite.All Mail.Read Mail.ReadWrite Mail.Send Files.ReadWrite.All Sites.FullControl.All full_access_as_app Exchange.ManageAsApp Policy.ReadWrite.ConditionalAccess UserAuthMethod-TAP.ReadWrite.All", High},
		{Application, "Application.ReadWrite.OwnedBy Directory.Read.All Calendars.Read AuditLog.Read.All User.EnableDisableAccount.All", Medium},
		{Application, "User.Read.All Group.Read.All Mail.ReadBasic.All Sites.Selected ServiceHealth.Read.All", Low},
		{Delegated, "Directory.AccessAsUser.All RoleManagement.ReadWrite.Directory Application.ReadWrite.All", High},
		{Delegated, "Mail.Read Mail.Send Files.ReadWrite.All user_impersonation EWS.AccessAsUser.All Calendars.ReadWrite", Medium},
		{Delegated, "User.Read openid offline_access profile email User.ReadBasic.All Files.Read.Selected Tasks.ReadWrite", Low},
		{Application, "Orders.Approve user.read", Unknown},
	} {
		for _, p := range Scopes(c.names, c.kind) {
			if p.Risk != c.want {
				t.Errorf("%s %s: %s, want %s", c.kind, p.Name, p.Risk, c.want)
			}
		}
	}
}

// TestAllRisks holds the rating of every permission of Microsoft Graph against a list
// that people can read; UPDATE_RISKS=1 writes it anew.
func TestAllRisks(t *testing.T) {
	var got []string
	for line := range strings.Lines(graphTable) {
		if f := strings.Fields(line); len(f) == 3 {
			got = append(got, Lookup(f[0], f[1]).Risk.String()+"\t"+f[1]+"\t"+f[2]+"\n")
		}
	}
	slices.Sort(got)
	text := strings.Join(got, "")
	const file = "testdata/risks.txt"
	if os.Getenv("UPDATE_RISKS") != "" {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Error(diff)
	}
}

func TestAdded(t *testing.T) {
	const (
		mail     = "810c84a8-4a9e-49e6-bf7d-12d183f40d01"
		calendar = "8ba4a692-bc31-4128-9094-475872af8a53"
		user     = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"
	)
	access := func(entries ...string) string {
		var list []string
		for _, e := range entries {
			id, kind, _ := strings.Cut(e, " ")
			list = append(list, `{"EntitlementId":"`+id+`","DirectAccessGrant":`+map[bool]string{true: "true", false: "false"}[kind == "app"]+`,"ImpersonationAccessGrants":[]}`)
		}
		return `[{"ResourceAppId":"00000003-0000-0000-c000-000000000000","RequiredAppPermissions":[` + strings.Join(list, ",") + `],"EncodingVersion":1}]`
	}
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	for name, c := range map[string]struct {
		properties []Property
		want       []string // name/kind/risk
	}{
		"asked for": {[]Property{{"DisplayName", "", `["demo"]`}, {"RequiredResourceAccess", "[]", access(mail+" app", user)}},
			[]string{"Mail.Read/application/high", "User.Read/delegated/low"}},
		"asked for in addition": {[]Property{{"RequiredResourceAccess", access(mail+" app", user), access(mail+" app", user, calendar+" app")}},
			[]string{"Calendars.ReadBasic.All/application/low"}},
		"given up":           {[]Property{{"RequiredResourceAccess", access(mail + " app"), access()}}, nil},
		"quoted once more":   {[]Property{{"RequiredResourceAccess", "", quoted(access(mail + " app"))}}, []string{"Mail.Read/application/high"}},
		"of the manifest":    {[]Property{{"RequiredResourceAccess", "", `[{"resourceAppId":"x","resourceAccess":[{"id":"` + mail + `","type":"Role"}]}]`}}, []string{"Mail.Read/application/high"}},
		"unknown id":         {[]Property{{"RequiredResourceAccess", "", access("11111111-2222-3333-4444-555555555555 app")}}, []string{"11111111-2222-3333-4444-555555555555/application/unknown"}},
		"role granted":       {[]Property{{"AppRole.Id", "", quoted(mail)}, {"AppRole.Value", "", quoted("Mail.Read")}}, []string{"Mail.Read/application/high"}},
		"role, no name":      {[]Property{{"AppRole.Id", "", quoted(mail)}}, []string{"Mail.Read/application/high"}},
		"role of one's own":  {[]Property{{"AppRole.Id", "", quoted("11111111-2222-3333-4444-555555555555")}, {"AppRole.Value", "", quoted("Orders.Approve")}}, []string{"Orders.Approve/application/unknown"}},
		"no role":            {[]Property{{"AppRole.Id", "", quoted("00000000-0000-0000-0000-000000000000")}, {"AppRole.Value", "", `""`}}, nil},
		"role taken away":    {[]Property{{"AppRole.Value", quoted("Mail.Read"), ""}}, nil},
		"scopes":             {[]Property{{"DelegatedPermissionGrant.Scope", quoted("User.Read"), quoted(" User.Read Mail.Send")}}, []string{"Mail.Send/delegated/medium"}},
		"role as a list":     {[]Property{{"AppRole.Value", "[]", "[\r\n  \"Mail.Read\"\r\n]"}}, []string{"Mail.Read/application/high"}},
		"consent":            {[]Property{{"ConsentAction.Permissions", "", quoted("[] => [[Id: a, ClientId: b, PrincipalId: c, ResourceId: d, ConsentType: Principal, Scope: Mail.Read openid, CreatedDateTime: , LastModifiedDateTime ]]; ")}}, []string{"Mail.Read/delegated/medium", "openid/delegated/low"}},
		"consent of another": {[]Property{{"ConsentAction.Permissions", "", quoted("[[Id: a, PrincipalId: c, ResourceId: d, Scope: User.Read]] => [[Id: a, PrincipalId: c, ResourceId: d, Scope: User.Read], [Id: e, PrincipalId: f, ResourceId: d, Scope: User.Read]]; ")}}, []string{"User.Read/delegated/low"}},
		"hostile":            {[]Property{{"RequiredResourceAccess", "{", "[[[["}, {"ConsentAction.Permissions", "", "=> [Id: [Id: Scope:"}, {"AppRole.Id", "", "\"\xff"}}, []string{"\"\xff/application/unknown"}},
	} {
		var got []string
		for _, p := range Added(c.properties) {
			got = append(got, p.Name+"/"+p.Kind+"/"+p.Risk.String())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	many := strings.Repeat("a ", 3*maxPermissions)
	if got := Scopes(many, Delegated); len(got) != maxPermissions {
		t.Errorf("%d permissions of a very long list", len(got))
	}
	if got := Highest(nil); got != None || got.String() != "" {
		t.Errorf("of no permission: %v", got)
	}
}
