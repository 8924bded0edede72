package decode

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGraphPath: the same call has one name, whoever and whatever it is about.
func TestGraphPath(t *testing.T) {
	long := strings.Repeat("AbC1", 30)
	for uri, want := range map[string]string{
		"https://graph.microsoft.com/v1.0/users/cccccccc-0000-4000-8000-000000000003/messages?$top=10":                     "/users/{id}/messages",
		"/v2/aaaaaaaa-0000-4000-8000-000000000001/applications/dddddddd-0000-4000-8000-000000000004":                       "/applications/{id}",
		"https://graph.microsoft.com/beta/users/carol@example.com/mailFolders/inbox/messages":                              "/users/{id}/mailFolders/inbox/messages",
		"https://graph.microsoft.com/v1.0/me/messages/" + long + "/attachments":                                            "/me/messages/{id}/attachments",
		"https://graph.microsoft.us/v1.0/users('carol@example.com')/memberOf":                                              "/users({id})/memberOf",
		"https://graph.microsoft.com/v1.0/reports/getEmailActivityUserDetail(period='D7')":                                 "/reports/getEmailActivityUserDetail({id})",
		"https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments":                                        "/roleManagement/directory/roleAssignments",
		"https://graph.microsoft.com/v1.0/directoryRoles/roleTemplateId=62e90394-69f5-4237-9190-012177145e10/members/$ref": "/directoryRoles/{id}/members/$ref",
		"https://graph.microsoft.com/v1.0/sites/example.sharepoint.com,a,b/drive":                                          "/sites/{id}/drive",
		"https://graph.microsoft.com//v1.0//me/":                                                                           "/me",
		"/v1.0/$batch":                                                                                                     "/$batch",
		"":                                                                                                                 "",
		"https://graph.microsoft.com/v1.0/" + strings.Repeat("x/", 1000):                                                   strings.Repeat("/x", 99),
	} {
		if got := graphPath(uri); got != want {
			t.Errorf("%s:\n got %s\nwant %s", uri, got, want)
		}
	}
}

// TestFlowTuples: every flow of a record is an event, also one that is cut or hostile.
func TestFlowTuples(t *testing.T) {
	record := `{"time":"2024-03-05T18:40:00Z","category":"NetworkSecurityGroupFlowEvent","properties":{"Version":2,"flows":[{"rule":"r","flows":[{"mac":"m","flowTuples":[
		"1709664000,198.51.100.10,10.0.0.4,1,22,T,I,D,B,,,,","","\"},{\"category\":\"x","1709664000,a,b,99999999999999999999,-1,X,Y,Z,Q,01,1e9,+2,"]}]}]}}`
	var got []string
	r := standard().NewReader(strings.NewReader(record), "flows.json")
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e := rec.Event()
		got = append(got, e.Format+" "+e.Action+" "+e.SrcIP)
		if bytes.Contains(e.Raw, []byte("Port\":-")) {
			t.Errorf("a number that is none: %s", e.Raw)
		}
	}
	huge := `{"time":"2024-03-05T18:40:00Z","category":"NetworkSecurityGroupFlowEvent","resourceId":"` + strings.Repeat("r", 1<<20) + `","properties":{"flows":[{"rule":"r","flows":[{"flowTuples":[""` + strings.Repeat(`,""`, 1000) + `]}]}]}}`
	n, failed := 0, 0
	for rd := standard().NewReader(strings.NewReader(huge), "flows.json"); ; {
		_, err := rd.Next()
		if err == io.EOF {
			break
		}
		if n++; err != nil {
			failed++
		}
	}
	if n > 80 || failed != 1 {
		t.Errorf("of a record that grows to 1 GB: %d flows, %d errors", n, failed)
	}
	want := []string{"azure.nsgflow deny inbound 198.51.100.10", "azure.nsgflow unknown ", "azure.nsgflow unknown ", "azure.nsgflow  "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
