package decode

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
)

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1":               "192.0.2.1",
		" 192.0.2.1 ":             "192.0.2.1",
		"192.0.2.1, 198.51.100.1": "192.0.2.1",
		"2001:db8::1, " + strings.Repeat("2001:db8::2, ", 9): "2001:db8::1",
		"[2001:db8::1]:443,198.51.100.1":                     "2001:db8::1",
		"unknown, 198.51.100.1":                              "",
		", 198.51.100.1":                                     "",
		"192.0.2.1:443":                                      "192.0.2.1",
		"[192.0.2.1]:443":                                    "192.0.2.1",
		"192.000.002.001":                                    "192.000.002.001",
		"2001:db8::1":                                        "2001:db8::1",
		"[2001:db8::1]:443":                                  "2001:db8::1",
		"[2001:db8::1]":                                      "2001:db8::1",
		"2001:db8:0:0:0:0:0:1":                               "2001:db8:0:0:0:0:0:1",
		"2001:db8:0:0:0:0:0:1:443":                           "2001:db8:0:0:0:0:0:1",
		"::ffff:192.0.2.1":                                   "::ffff:192.0.2.1",
		"2001:db8:0:0:0:0:0:1#443":                           "2001:db8:0:0:0:0:0:1",
		"2001:db8::1p443":                                    "2001:db8::1",
		"2001:db8::1 port 443":                               "2001:db8::1",
		"2001:db8::1.443":                                    "2001:db8::1",
		"2001:db8::1 port https":                             "",
		"192.0.2.1#443":                                      "",
		"MAIL01 (192.0.2.1)":                                 "192.0.2.1",
		"[MAIL01 (192.0.2.1)]":                               "192.0.2.1",
		"MAIL01 (2001:db8::1)\n":                             "2001:db8::1",
		"MAIL01 (192.0.2.900)":                               "",
		"192.0.2.256":                                        "",
		"192.0.2":                                            "",
		"[192.0.2.1":                                         "",
		"ec2.amazonaws.com":                                  "",
		"localhost:443":                                      "",
		"AWS Internal":                                       "",
		"1:2:3:4:5:6:7:8:9:10":                               "",
		"2001:db8::1 and far more than an address takes, so that it need not be looked at": "",
		"": "",
	} {
		if got := address(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestKubernetesUser(t *testing.T) {
	for name, want := range map[string]string{
		"alice": "user", "system:anonymous": "user", "system:admin": "user", "kubernetes-admin": "user",
		"system:serviceaccount:default:app": "service_principal", "system:node:n1": "service_principal",
		"eks:node-manager": "service_principal", "aksService": "service_principal",
	} {
		if got := kubernetesUser(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := googlePrincipal("system@google.com").Type; got != "service_principal" {
		t.Errorf("Google's own system: %s", got)
	}
	if got := googlePrincipal("system:anonymous").Type; got != "user" { // as GKE writes it
		t.Errorf("system:anonymous of GKE: %s", got)
	}
}

// TestCallerIP: the caller's address of Google's audit logs, as collectors write its name.
func TestCallerIP(t *testing.T) {
	for _, name := range []string{"callerIp", "callerIP"} {
		record := `{"insertId":"i","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","timestamp":"2024-03-05 10:00:00.123","protoPayload":{"methodName":"m","requestMetadata":{"` + name + `":"192.0.2.1"}}}`
		if list := events(t, []byte(record), name); len(list) != 1 || list[0].SrcIP != "192.0.2.1" || list[0].Format != "gcp.audit" {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

// TestAuditLogExcerpt: the payload of Google's audit logs without the fields around it.
func TestAuditLogExcerpt(t *testing.T) {
	for record, want := range map[string]string{
		`{"timestamp":"2024-03-05T10:00:00Z","protoPayload":{"serviceName":"storage.googleapis.com","methodName":"storage.buckets.delete","resourceName":"projects/_/buckets/b"}}`:                            "gcp.audit",
		`{"timestamp":"2024-03-05T10:00:00Z","protoPayload":{"serviceName":"iam.googleapis.com","methodName":"m","authenticationInfo":{"principalEmail":"alice@example.com"}}}`:                               "gcp.audit",
		`{"timestamp":"2024-03-05T10:00:00Z","protoPayload":{"serviceName":"login.googleapis.com","methodName":"m","authenticationInfo":{"principalEmail":"alice@example.com"}}}`:                             "google_workspace.audit",
		`{"timestamp":"2024-03-05T10:00:00Z","protoPayload":{"methodName":"m","authenticationInfo":{"principalEmail":"alice@example.com"}}}`:                                                                  "json",
		`{"timestamp":"2024-03-05T10:00:00Z","protoPayload":{"@type":"type.googleapis.com/google.appengine.logging.v1.RequestLog","serviceName":"s","methodName":"m","resourceName":"projects/_/buckets/b"}}`: "json",
	} {
		if list := events(t, []byte(record), "excerpt.json"); len(list) != 1 || list[0].Format != want {
			t.Errorf("%s: %+v, want %s", record, list, want)
		}
	}
}

// TestKubernetesAddressesAsText: an export of AKSAudit writes its lists as text.
func TestKubernetesAddressesAsText(t *testing.T) {
	const record = `{"TimeGenerated":"2026-03-02T09:15:00Z","Type":"AKSAudit","AuditId":"a","Stage":"ResponseComplete","Verb":"get","RequestUri":"/api","Level":"Metadata","User":"{\"username\":\"alice\"}","SourceIps":%s}`
	for _, ips := range []string{`["192.0.2.1","192.0.2.2"]`, `"[\"192.0.2.1\",\"192.0.2.2\"]"`} {
		list := events(t, fmt.Appendf(nil, record, ips), "aks.json")
		if len(list) != 1 || list[0].SrcIP != "192.0.2.1" || !slices.Contains(list[0].Entities, yagura.Entity{Type: yagura.EntityIP, ID: "192.0.2.2"}) {
			t.Errorf("%s: %+v", ips, list)
		}
	}
}
