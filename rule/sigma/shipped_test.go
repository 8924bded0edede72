package sigma_test

import (
	"testing"

	"github.com/yagura-sec/yagura/rule/sigma"
)

// TestWordsOfLogs judges records by rules whose words are not those of the log: what
// the portal calls a sign-in, how a name ends, a field that one shape does not have.
func TestWordsOfLogs(t *testing.T) {
	const certificates = "Update application – Certificates and secrets management "
	cases := []struct {
		service, selection string
		hold, not          []string
	}{
		{"auditlogs", "properties.message: Update application – Certificates and secrets management",
			[]string{`{"operationName":"` + certificates + `"}`, `{"activityDisplayName":"Update application – Certificates and secrets management"}`},
			[]string{`{"operationName":"Update application"}`}},
		{"auditlogs", "OperationName: Update application - Certificates and secrets management",
			[]string{`{"OperationName":"` + certificates + `"}`}, []string{`{"OperationName":"Update application - Certificates"}`}},
		{"auditlogs", "operationName: '" + certificates + "'",
			[]string{`{"operationName":"` + certificates + `"}`}, []string{`{"operationName":"Update application"}`}},
		{"signinlogs", "Status: Success",
			[]string{`{"status":{"errorCode":0,"failureReason":"Other."}}`, `{"resultType":"0","resultSignature":"None","properties":{"status":{"errorCode":0}}}`, `{"Status":"{\"errorCode\":0}"}`, `{"ResultSignature":"SUCCESS"}`},
			[]string{`{"status":{"errorCode":50126}}`, `{"resultType":"50126","resultSignature":"None"}`, `{}`}},
		{"signinlogs", "Status|contains: MFA Denied",
			[]string{`{"status":{"errorCode":500121,"additionalDetails":"MFA denied; user declined"}}`}, []string{`{"status":{"errorCode":0}}`}},
		{"activitylogs", "caller: cccccccc-0000-4000-8000-000000000003",
			[]string{`{"identity":{"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":"cccccccc-0000-4000-8000-000000000003"}}}`, `{"Caller":"cccccccc-0000-4000-8000-000000000003"}`},
			[]string{`{"identity":{"claims":{"http://schemas":{"microsoft":{"com/identity/claims/objectidentifier":"cccccccc-0000-4000-8000-000000000003"}}}}}`}},
		{"keyvault", "{operationName: SecretGet, upn: alice@example.com}",
			[]string{`{"operationName":"SecretGet","identity":{"claim":{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"alice@example.com"}}}`,
				`{"OperationName":"SecretGet","identity_claim_http_schemas_xmlsoap_org_ws_2005_05_identity_claims_upn_s":"alice@example.com"}`},
			[]string{`{"operationName":"SecretGet","identity":{"claim":{"appid":"alice@example.com"}}}`}},
		{"activitylogs", "ResourceProviderValue: Microsoft.ADHybridHealthService",
			[]string{`{"operationName":"MICROSOFT.ADHYBRIDHEALTHSERVICE/SERVICES/DELETE"}`, `{"ResourceProviderValue":"microsoft.adhybridhealthservice"}`},
			[]string{`{"operationName":"MICROSOFT.ADHYBRIDHEALTHSERVICES/DELETE"}`, `{"operationName":"MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE"}`}},
	}
	for _, c := range cases {
		t.Run(c.service+" "+c.selection, func(t *testing.T) {
			text := "title: T\nlogsource: {product: azure, service: " + c.service + "}\ndetection:\n  s:\n    " + c.selection + "\n  condition: s\n"
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

// TestOlderLogsources: an older name of a logsource has its field names too.
func TestOlderLogsources(t *testing.T) {
	r := one(t, "title: T\nlogsource: {product: azure, service: azure.signinlogs}\ndetection:\n  s: {ResultType: 50053}\n  condition: s\n", sigma.Options{Pipelines: shipped})
	if !newMatcher(t, r.When).match(t, `{"status":{"errorCode":50053}}`) {
		t.Error("azure.signinlogs does not know the fields of signinlogs")
	}
}

// TestCapitalisedColumns: a rule for Kubernetes finds the columns of the table AKSAudit.
func TestCapitalisedColumns(t *testing.T) {
	r := one(t, "title: T\nlogsource: {product: kubernetes, service: audit}\ndetection:\n  s: {verb: create, objectRef.resource: pods, hostPath: '*'}\n  condition: s\n", sigma.Options{Pipelines: shipped})
	m := newMatcher(t, r.When)
	if !m.match(t, `{"Verb":"create","ObjectRef":"{\"resource\":\"pods\"}","RequestObject":{"spec":{"volumes":[{"hostPath":{"path":"/"}}]}}}`) {
		t.Error("a row of AKSAudit is not found")
	}
	if m.match(t, `{"Verb":"create","ObjectRef":{"resource":"pods"},"RequestObject":{"spec":{"volumes":[{"secret":{}}]}}}`) {
		t.Error("a row without the field is found")
	}
}

// TestTextLogs: a rule for web servers finds the lines of load balancers, CloudFront and S3,
// and one for flow logs finds them by either spelling of a name.
func TestTextLogs(t *testing.T) {
	for _, c := range []struct {
		logsource, selection string
		hold, not            []string
	}{
		{"category: webserver", "{cs-method: GET, c-uri|contains: /.env, sc-status: 403, cs-user-agent|contains: curl}",
			[]string{`{"request_verb":"GET","request_url":"https://www.example.com:443/.env","elb_status_code":"403","user_agent":"curl/8"}`,
				`{"cs-method":"GET","cs-uri-stem":"/.env","sc-status":"403","cs(User-Agent)":"curl/8"}`,
				`{"requesturi_operation":"GET","requesturi_key":"/.env","httpstatus":"403","useragent":"curl/8"}`},
			[]string{`{"request_verb":"GET","request_url":"https://www.example.com:443/","elb_status_code":"403","user_agent":"curl/8"}`}},
		{"category: webserver", "{cs-uri-query|contains: 'union select', c-ip: 192.0.2.1}",
			[]string{`{"request_query":"a=union select","client_ip":"192.0.2.1"}`, `{"cs-uri-query":"a=union select","c-ip":"192.0.2.1"}`}, []string{`{"request_query":"a","client_ip":"192.0.2.1"}`}},
		{"category: firewall", "{src_ip: 192.0.2.1, dst_port: 22, action: [blocked, REJECT]}",
			[]string{`{"src":"192.0.2.1","dpt":"22","act":"blocked"}`, `{"srcaddr":"192.0.2.1","dstport":"22","action":"REJECT"}`},
			[]string{`{"src":"192.0.2.1","dpt":"23","act":"blocked"}`}},
		{"product: linux, service: sshd", "{message|contains: Failed password}",
			[]string{`{"appname":"sshd","message":"Failed password for alice"}`}, []string{`{"appname":"sshd","message":"Accepted password"}`}},
		{"product: aws, service: vpcflow", "{flow_direction: egress, dstport: 22, log-status: OK}",
			[]string{`{"flow-direction":"egress","dstport":"22","log-status":"OK"}`, `{"flow_direction":"egress","destinationport":22,"log_status":"OK"}`},
			[]string{`{"flow-direction":"ingress","dstport":"22","log-status":"OK"}`}},
	} {
		text := "title: T\nlogsource: {" + c.logsource + "}\ndetection:\n  s: " + c.selection + "\n  condition: s\n"
		r := one(t, text, sigma.Options{Pipelines: shipped})
		if len(r.Formats) == 0 {
			t.Errorf("%s is routed nowhere", c.logsource)
		}
		m := newMatcher(t, r.When)
		for _, rec := range c.hold {
			if !m.match(t, rec) {
				t.Errorf("%s: does not hold for %s", c.selection, rec)
			}
		}
		for _, rec := range c.not {
			if m.match(t, rec) {
				t.Errorf("%s: holds for %s", c.selection, rec)
			}
		}
	}
}

// TestUnifiedAuditLog: lists of named values read as objects, and operations with and
// without their dot, in the shapes in which a record may arrive.
func TestUnifiedAuditLog(t *testing.T) {
	for selection, c := range map[string]struct{ hold, not []string }{
		"Operation: Consent to application": {
			[]string{`{"Operation":"Consent to application."}`, `{"AuditData":"{\"Operation\":\"Consent to application.\"}"}`, `{"Operation":"Consent to application"}`},
			[]string{`{"Operation":"Consent to application.."}`}},
		"Operation: Add app role assignment to service principal.": {
			[]string{`{"Operation":"Add app role assignment to service principal"}`, `{"Operation":"Add app role assignment to service principal."}`}, nil},
		"eventName: Update application - Certificates and secrets management": {
			[]string{`{"Operation":"Update application – Certificates and secrets management "}`, `{"Operation":"Update application – Certificates and secrets management."}`}, []string{`{"Operation":"Update application."}`}},
		"Parameters.ForwardTo|exists: true": {
			[]string{`{"Parameters":[{"Name":"Identity","Value":"a"},{"Name":"ForwardTo","Value":"b"}]}`, `{"AuditData":{"Parameters":[{"Name":"ForwardTo","Value":"b"}]}}`,
				`{"AuditData":"{\"Parameters\":[{\"Name\":\"ForwardTo\",\"Value\":\"b\"}]}"}`, `{"Parameters":"[{\"Name\":\"ForwardTo\",\"Value\":\"b\"}]"}`},
			[]string{`{"Parameters":[{"Name":"Identity","Value":"ForwardTo"}]}`}},
		"ExtendedProperties.UserAgent|contains: python": {
			[]string{`{"ExtendedProperties":[{"Name":"UserAgent","Value":"python-requests"},{"Name":"RequestType","Value":"x"}]}`},
			[]string{`{"ExtendedProperties":[{"Name":"RequestType","Value":"python"}]}`}},
		`ModifiedProperties.Role\.DisplayName.NewValue: Global Administrator`: {
			[]string{`{"ModifiedProperties":[{"Name":"Role.DisplayName","NewValue":"Global Administrator","OldValue":""}]}`, `{"ModifiedProperties":[{"Name":"Role.DisplayName","NewValue":"\"Global Administrator\""}]}`},
			[]string{`{"ModifiedProperties":[{"Name":"Role.DisplayName","NewValue":"x","OldValue":"Global Administrator"}]}`}},
		"AppAccessContext.ClientAppId: a": {[]string{`{"AppAccessContext":{"ClientAppId":"a"}}`, `{"AuditData":"{\"AppAccessContext\":{\"ClientAppId\":\"a\"}}"}`}, nil},
	} {
		for _, version := range []string{"", "sigma-version: 3\n"} {
			text := "title: T\n" + version + "logsource: {product: m365, service: audit}\ndetection:\n  s:\n    " + selection + "\n  condition: s\n"
			m := newMatcher(t, one(t, text, sigma.Options{Pipelines: shipped}).When)
			for _, rec := range c.hold {
				if !m.match(t, rec) {
					t.Errorf("%s does not hold for %s", selection, rec)
				}
			}
			for _, rec := range c.not {
				if m.match(t, rec) {
					t.Errorf("%s holds for %s", selection, rec)
				}
			}
		}
	}
}
