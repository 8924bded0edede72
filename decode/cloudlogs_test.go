package decode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

// TestCloudAlerts: what the fixtures of AWS and Google Cloud say, in order; "-" is a record
// that is no alert.
func TestCloudAlerts(t *testing.T) {
	for file, want := range map[string][]string{
		"aws.config/eventbridge.json": {"-", "config restricted-ssh medium  posture"},
		"aws.config/sns.json":         {"-", "-", "config restricted-ssh medium  posture resolved compliance COMPLIANT"},
		"aws.config/snapshot.json":    {"-", "-", "-", "-"},
		"aws.inspector/eventbridge.json": {
			"inspector CVE-2099-0001 high HIGH posture",
			"inspector CVE-2099-0001 high HIGH posture resolved status CLOSED"},
		"aws.inspector/report.json": {
			"inspector CVE-2099-0001 high HIGH posture",
			"inspector NETWORK_REACHABILITY none MEDIUM posture status SUPPRESSED",
			"inspector python/hardcoded-credentials@v1.0 critical CRITICAL posture",
			"inspector CVE-2099-0001 medium UNTRIAGED posture"},
		"aws.accessanalyzer/eventbridge.json": {
			"accessanalyzer ExternalAccess medium external posture",
			"accessanalyzer PublicAccess high public posture",
			"accessanalyzer ExternalAccess medium external posture resolved status RESOLVED",
			"accessanalyzer UnusedIAMRole low unused posture",
			"accessanalyzer InternalAccess low internal posture"},
		"aws.accessanalyzer/api.json": {
			"accessanalyzer ExternalAccess medium external posture",
			"accessanalyzer ExternalAccess medium external posture resolved status ARCHIVED"},
		"aws.macie/eventbridge.json": {
			"macie SensitiveData:S3Object/Personal high High",
			"macie Policy:IAMUser/S3BucketPublic high High posture",
			"macie SensitiveData:S3Object/Personal high High resolved archived"},
		"aws.macie/api.json": {
			"macie SensitiveData:S3Object/Personal high High",
			"macie SensitiveData:S3Object/Personal none Low a sample"},
		"gcp.scc/notification.json": {
			"scc OPEN_FIREWALL high HIGH posture",
			"scc Persistence: IAM Anomalous Grant high HIGH attack.persistence",
			"scc OPEN_FIREWALL high HIGH posture resolved state INACTIVE",
			"scc OPEN_FIREWALL high HIGH posture resolved mute MUTED"},
		"gcp.scc/list.json": {
			"scc OPEN_FIREWALL high HIGH posture",
			"scc OPEN_FIREWALL low Low posture"},
		"gcp.scc/others.json": {
			"scc OPEN_FIREWALL high HIGH posture",
			"scc C2: Bad IP medium ",
			"scc ssh_brute_force high HIGH"},
		"google_workspace.alert/list.json": {
			"workspace Google identity/Leaked password high HIGH",
			"workspace Sensitive Admin Action/Super admin password reset high HIGH resolved status CLOSED",
			"workspace Gmail phishing/User reported phishing low LOW",
			"workspace Security Center rules/Activity Rule medium "},
	} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		r := standard().NewReader(bytes.NewReader(data), file)
		for {
			rec, err := r.Next()
			if err != nil {
				break
			}
			a, ok := rec.Format.Alert(rec)
			if !ok {
				got = append(got, "-")
				continue
			}
			line := fmt.Sprintf("%s %s %s %s", a.Family, a.Rule, a.Severity, a.Original)
			for _, x := range []struct {
				yes  bool
				word string
			}{{a.Posture, "posture"}, {a.Resolved, "resolved"}, {a.State != "", a.State}, {len(a.Tags) > 0, strings.Join(a.Tags, " ")}} {
				if x.yes {
					line += " " + x.word
				}
			}
			got = append(got, line)
			if a.Key == "" || a.Scope == "" || a.Title == "" {
				t.Errorf("%s: %+v", file, a)
			}
		}
		r.Close()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", file, diff)
		}
	}
}

// TestCloudShapes: one record has one key in whatever shape it comes, and one issue where it
// is an alert; what is said anew has another.
func TestCloudShapes(t *testing.T) {
	key := func(file string, n int) yagura.Key {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		list := events(t, data, file)
		if n >= len(list) {
			t.Fatalf("%s has %d records", file, len(list))
		}
		return list[n].Key
	}
	type place struct {
		file string
		n    int
	}
	for _, same := range [][]place{
		{{"aws.config/eventbridge.json", 0}, {"aws.config/sns.json", 0}, {"aws.config/snapshot.json", 0}, {"aws.config/rule.json", 0}},
		{{"aws.waf/log.json", 0}, {"aws.waf/cloudwatch.json", 0}, {"aws.waf/table.json", 0}},
		{{"aws.inspector/eventbridge.json", 0}, {"aws.inspector/report.json", 0}},
		{{"aws.accessanalyzer/eventbridge.json", 0}, {"aws.accessanalyzer/api.json", 0}},
		{{"aws.macie/eventbridge.json", 0}, {"aws.macie/api.json", 0}},
		{{"gcp.scc/notification.json", 0}, {"gcp.scc/pubsub.json", 0}, {"gcp.scc/list.json", 0}, {"gcp.scc/others.json", 0}},
		{{"gcp.asset/feed.json", 0}, {"gcp.asset/export.json", 0}, {"gcp.asset/list.json", 0}},
		{{"gcp.vpcflow/log.json", 0}, {"gcp.vpcflow/pubsub.json", 0}},
		{{"gcp.firewall/log.json", 0}, {"gcp.firewall/pubsub.json", 0}},
		{{"gcp.dns/log.json", 0}, {"gcp.dns/table.json", 0}},
		{{"gcp.loadbalancer/log.json", 0}, {"gcp.loadbalancer/pubsub.json", 0}},
		{{"gcp.accesstransparency/log.json", 0}, {"gcp.accesstransparency/pubsub.json", 0}},
	} {
		for _, p := range same[1:] {
			if key(p.file, p.n) != key(same[0].file, same[0].n) {
				t.Errorf("%s %d has another key than %s %d", p.file, p.n, same[0].file, same[0].n)
			}
		}
	}
	for _, file := range []string{"aws.config/sns.json", "aws.waf/log.json", "aws.inspector/report.json", "aws.accessanalyzer/eventbridge.json", "aws.macie/eventbridge.json",
		"gcp.scc/notification.json", "gcp.asset/feed.json", "google_workspace.alert/list.json", "aws.route53resolver/log.json"} {
		seen := map[yagura.Key]bool{}
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range events(t, data, file) {
			if seen[e.Key] {
				t.Errorf("%s: record %d has the key of another", file, i)
			}
			seen[e.Key] = true
		}
	}
	data, err := os.ReadFile("testdata/gcp.scc/notification.json")
	if err != nil {
		t.Fatal(err)
	}
	if list := alerts(t, data); list[0].Key != list[2].Key || list[0].Key == list[1].Key {
		t.Errorf("the second version of the API names a finding otherwise: %q, %q", list[0].Key, list[2].Key)
	}
}

// TestInspectorTimes: the times as EventBridge, the API and collectors write them.
func TestInspectorTimes(t *testing.T) {
	want := time.Date(2022, 1, 19, 22, 46, 15, 0, time.UTC).UnixNano()
	for _, text := range []string{"Jan 19, 2022, 10:46:15 PM", "Jan 19, 2022, 10:46:15\u202fPM", "2022-01-19T22:46:15Z", "1642632375", "1642632375.0", "1.642632375E9"} {
		if got := inspectorNanos([]byte(text)); got != want {
			t.Errorf("%s is %d, want %d", text, got, want)
		}
	}
	for _, text := range []string{"", "Jan", "January 19 2022", "Jan 99, 2022, 10:46:15 PM", "Jan 19, 2022, 10:46:15 XM", "9.9E99", "1E1", "Jan ,,,,,,,,,,", "Jan \u202f\u202f\u202f\u202f", "Jan" + strings.Repeat("1", 100)} {
		if got := inspectorNanos([]byte(text)); got != 0 {
			t.Errorf("%q is %d", text, got)
		}
	}
}

// TestListTails: what stands behind a list of records is passed over.
func TestListTails(t *testing.T) {
	for text, format := range map[string]string{
		`{"configurationItems":[{"configurationItemCaptureTime":"2026-03-02T10:00:00Z","configurationItemStatus":"OK","resourceType":"AWS::S3::Bucket","resourceId":"b","awsAccountId":"1"}],"fileVersion":"1.0"}`: "aws.config",
		`{"findings":[{"findingArn":"arn:aws:inspector2:eu-west-1:1:finding/f","awsAccountId":"1","severity":"LOW","type":"x"}],"nextToken":"x"}`:                                                                  "aws.inspector",
		`{"listFindingsResults":[{"finding":{"name":"organizations/1/sources/2/findings/3","category":"X"}}],"readTime":"2026-03-02T10:00:00Z","totalSize":1}`:                                                     "gcp.scc",
		`{"assets":[{"name":"//a.googleapis.com/b","assetType":"a.googleapis.com/B","updateTime":"2026-03-02T10:00:00Z"}],"readTime":"2026-03-02T10:00:00Z"}`:                                                      "gcp.asset",
		`{"alerts":[{"alertId":"a","type":"t","source":"s","customerId":"c"}],"nextPageToken":"x"}`:                                                                                                                "google_workspace.alert",
	} {
		if list := events(t, []byte(text), "f"); len(list) != 1 || list[0].Format != format {
			t.Errorf("%s: %+v", text, list)
		}
	}
	for _, empty := range []string{`{"fileVersion":"1.0","configSnapshotId":"x","configurationItems":[]}`, `{"listFindingsResults":[],"readTime":"x"}`} {
		if list := events(t, []byte(empty), "f"); len(list) != 0 {
			t.Errorf("%s: %+v", empty, list)
		}
	}
}

// TestOrigin: an audit event of EKS gets its log group and account from the envelope, a
// message that is no object stays as it is.
func TestOrigin(t *testing.T) {
	for record, want := range map[string]string{
		`{"kind":"Event"}`:       `{"kind":"Event","cloudwatch":{"owner":"1","logGroup":"/aws/eks/c/cluster"}}`,
		" {\"a\":{\"b\":1} } \n": ` {"a":{"b":1} ,"cloudwatch":{"owner":"1","logGroup":"/aws/eks/c/cluster"}}`,
		`{}`:                     `{}`,
		`{ }`:                    `{ }`,
		`[{"a":1}]`:              `[{"a":1}]`,
	} {
		if got := string(withOrigin([]byte(record), []byte("1"), []byte("/aws/eks/c/cluster"))); got != want || !json.Valid([]byte(got)) {
			t.Errorf("%s becomes %s, want %s", record, got, want)
		}
	}
}

// TestCloudOddities: records at the edges of the formats.
func TestCloudOddities(t *testing.T) {
	for name, c := range map[string]struct{ record, format, want string }{
		"the configuration of a rule that was deleted": {`{"messageType":"ComplianceChangeNotification","configRuleName":"r","awsAccountId":"1","awsRegion":"eu-west-1","resourceType":"AWS::S3::Bucket","resourceId":"b","newEvaluationResult":null,"oldEvaluationResult":{"complianceType":"NON_COMPLIANT"},"notificationCreationTime":"2026-03-02T10:00:00Z"}`,
			"aws.config", "1 r unknown  b"},
		"a row of a query": {`{"Results":["{\"resourceId\":\"b\",\"resourceType\":\"AWS::S3::Bucket\",\"supplementaryConfiguration\":{},\"configuration\":{\"name\":\"b\"}}"],"QueryInfo":{"SelectFields":[{"Name":"resourceId"}]}}`,
			"aws.config", " AWS::S3::Bucket unknown  b"},
		"a history's delivery": {`{"s3ObjectKey":"k","s3Bucket":"b","notificationCreationTime":"2026-03-02T10:00:00Z","messageType":"ConfigurationHistoryDeliveryCompleted","recordVersion":"1.1"}`, "json", "  unknown  "},
		"a request of no known resource": {`{"timestamp":1592357192516,"formatVersion":1,"webaclId":"arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/a/b","terminatingRuleId":"Default_Action","action":"ALLOW","httpSourceName":"-","httpSourceId":"-","httpRequest":{"clientIp":"192.0.2.1","requestId":"null"}}`,
			"aws.waf", "111122223333 ALLOW success 192.0.2.1 arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/a/b"},
		"a log of a load balancer":      {`{"resource":{"type":"http_load_balancer","labels":{"project_id":"p"}},"httpRequest":{"requestUrl":"http://[2001:db8::1]:80/","status":500,"remoteIp":"[2001:db8::2]:4"}}`, "gcp.loadbalancer", "p  failure 2001:db8::2 2001:db8::1"},
		"an order of Cloud Armor":       {`{"jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","enforcedSecurityPolicy":{"outcome":"DENY"}},"httpRequest":{"requestMethod":"GET","status":302}}`, "gcp.loadbalancer", " GET failure  "},
		"a flow without the log's name": {`{"jsonPayload":{"reporter":"SRC","start_time":"2026-03-02T10:00:00Z","connection":{"src_ip":"10.0.0.1","dest_ip":"10.0.0.2"}},"timestamp":"2026-03-02T10:00:00Z"}`, "gcp.vpcflow", " flow success 10.0.0.1 10.0.0.2"},
		"a finding about AWS": {`{"finding":{"name":"organizations/1/sources/2/locations/global/findings/3","category":"OPEN_GROUP","resourceName":"arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"},"resource":{"cloudProvider":"AMAZON_WEB_SERVICES","awsMetadata":{"account":{"id":"111122223333"}},"location":"eu-west-1"}}`,
			"gcp.scc", "111122223333 OPEN_GROUP unknown  arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"},
		"an asset that was deleted": {`{"asset":{"name":"//storage.googleapis.com/b","assetType":"storage.googleapis.com/Bucket","ancestors":["projects/1"]},"deleted":true,"window":{"startTime":"2026-03-02T10:00:00Z"}}`,
			"gcp.asset", "1 storage.googleapis.com/Bucket deleted unknown  //storage.googleapis.com/b"},
		"a web ACL of the first WAF": {`{"timestamp":1533689070589,"formatVersion":1,"webaclId":"385cb038","terminatingRuleId":"Default_Action","action":"ALLOW","httpSourceName":"CF","httpSourceId":"E1","httpRequest":{"clientIp":"192.0.2.1","headers":null}}`,
			"aws.waf", " ALLOW success 192.0.2.1 E1"},
	} {
		list := events(t, []byte(c.record), name)
		if len(list) != 1 {
			t.Errorf("%s: %d records", name, len(list))
			continue
		}
		e, target := list[0], ""
		if len(e.Targets) > 0 {
			target = e.Targets[0].ID
		}
		if got := fmt.Sprintf("%s %s %s %s %s", e.Account, e.Action, e.Outcome, e.SrcIP, target); e.Format != c.format || got != c.want {
			t.Errorf("%s: %s %q, want %s %q", name, e.Format, got, c.format, c.want)
		}
	}
}

// TestGivenCloudLogs: every record of the shared samples of AWS and Google Cloud is of its
// format and has what its format has. It skips where there is no ../shared.
func TestGivenCloudLogs(t *testing.T) {
	data := sharedData(t)
	for _, c := range []struct {
		glob, formats string
		records       int
		native        int // events of EventBridge that are of no format
	}{
		{"aws/waf/*", "aws.waf", 266, 0},
		{"aws/eventbridge/*.json", "aws.cloudtrail aws.config", 27, 4},
		{"aws/securityhub/*.json", "aws.securityhub", 3, 1},
		{"aws/securityhub/asr/*.json", "aws.securityhub", 109, 0},
		{"gcp/scc/*.json", "gcp.scc", 22, 0},
	} {
		files, err := filepath.Glob(filepath.Join(data, c.glob))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no files (%v)", c.glob, err)
			continue
		}
		known, native := 0, 0
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events(t, raw, filepath.Base(file)) {
				switch {
				case e.Format == "json" && bytes.Contains(e.Raw, []byte(`"detail-type"`)):
					native++
					continue
				case !slices.Contains(strings.Fields(c.formats), e.Format):
					t.Errorf("%s is taken for %s", filepath.Base(file), e.Format)
				case e.Action == "" || e.Account == "" || len(e.Targets) == 0 && e.Format != "aws.cloudtrail":
					t.Errorf("%s: action %q, account %q, targets %v", filepath.Base(file), e.Action, e.Account, e.Targets)
				}
				known++
			}
		}
		if known != c.records || native != c.native {
			t.Errorf("%s: %d records and %d of no format, want %d and %d", c.glob, known, native, c.records, c.native)
		}
	}
}

// TestGivenWAF compares the headers of the shared log of WAF with the fields of its records,
// read by encoding/json. It skips where there is no ../shared.
func TestGivenWAF(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(sharedData(t), "aws/waf/opensearch-waf-raw.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events(t, raw, "waf") {
		var r struct {
			Timestamp                       int64
			WebaclID, Action, HTTPSourceID  string
			HTTPRequest                     struct{ ClientIP, RequestID string }
			TerminatingRuleID, FormatString string
		}
		if err := json.Unmarshal(e.Raw, &r); err != nil {
			t.Fatal(err)
		}
		arn := strings.Split(r.WebaclID, ":")
		got := fmt.Sprint(e.ID, e.Time.UnixMilli(), e.Account, e.Region, e.Action, e.SrcIP, e.Targets)
		want := fmt.Sprint(r.HTTPRequest.RequestID, r.Timestamp, arn[4], arn[3], r.Action, r.HTTPRequest.ClientIP, []yagura.Entity{{Type: "resource", ID: r.HTTPSourceID}, {Type: "resource", ID: r.WebaclID}})
		if got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// TestInScopeOf: what credentials were made for is an entity beside whom they make act.
func TestInScopeOf(t *testing.T) {
	const function = "arn:aws:lambda:eu-west-1:111122223333:function:hello"
	list := events(t, []byte(`{"eventVersion":"1.11","eventID":"e","eventTime":"2026-03-02T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/hello/hello","invokedBy":"lambda.amazonaws.com","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/hello"}},"inScopeOf":{"sourceArn":"`+function+`","sourceAccount":"111122223333","issuerType":"AWS::Lambda","credentialsIssuedTo":"`+function+`"}}}`), "f")
	if len(list) != 1 || list[0].Actor.SessionOf != "arn:aws:iam::111122223333:role/hello" {
		t.Fatalf("%+v", list)
	}
	for _, want := range []yagura.Entity{{Type: "session", ID: "arn:aws:sts::111122223333:assumed-role/hello/hello"}, {Type: "role", ID: "arn:aws:iam::111122223333:role/hello"},
		{Type: "service_principal", ID: "lambda.amazonaws.com"}, {Type: "resource", ID: function}} {
		if !slices.Contains(list[0].Entities, want) {
			t.Errorf("%v is not among %v", want, list[0].Entities)
		}
	}
}

// TestGivenOnBehalf: a call that a service made for somebody is attributed to both, in every
// shared record of CloudTrail. It skips where there is no ../shared.
func TestGivenOnBehalf(t *testing.T) {
	data := sharedData(t)
	both, n := 0, 0
	for _, glob := range []string{"aws/cloudtrail/*.jsonl", "aws/cloudtrail/stratus-detonation/aws*.json", "aws/eventbridge/*.json"} {
		files, err := filepath.Glob(filepath.Join(data, glob))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files (%v)", glob, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events(t, raw, filepath.Base(file)) {
				if e.Format != "aws.cloudtrail" {
					continue
				}
				n++
				var r struct {
					UserIdentity struct {
						ARN, InvokedBy string
						SessionContext struct{ SessionIssuer struct{ ARN string } }
					}
				}
				if err := json.Unmarshal(e.Raw, &r); err != nil {
					t.Fatal(err)
				}
				u := r.UserIdentity
				for _, id := range []string{u.ARN, u.InvokedBy, u.SessionContext.SessionIssuer.ARN} {
					if id != "" && !slices.ContainsFunc(e.Entities, func(x yagura.Entity) bool { return x.ID == id }) {
						t.Errorf("%s %s: %s is no entity: %v", filepath.Base(file), e.ID, id, e.Entities)
					}
				}
				if u.ARN != "" && u.InvokedBy != "" {
					both++
					if e.Actor.ID != u.ARN {
						t.Errorf("%s %s: the actor is %s, not %s", filepath.Base(file), e.ID, e.Actor.ID, u.ARN)
					}
				}
			}
		}
	}
	if n < 1000 || both == 0 {
		t.Errorf("%d records, %d of a service on somebody's behalf", n, both)
	}
}

// TestOneIssue: a finding that also comes through Security Hub is of the issue of its source.
func TestOneIssue(t *testing.T) {
	const arn = "arn:aws:inspector2:eu-west-1:111122223333:finding/f1"
	for name, records := range map[string][]string{
		"aws.inspector " + arn: {
			`{"findingArn":"` + arn + `","awsAccountId":"111122223333","severity":"LOW","type":"PACKAGE_VULNERABILITY"}`,
			`{"ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/inspector","GeneratorId":"AWSInspector","Id":"` + arn + `","AwsAccountId":"111122223333"}`,
			`{"class_uid":2002,"metadata":{"version":"1","product":{"name":"Inspector"}},"finding_info":{"uid":"` + arn + `"}}`},
		"aws.macie 64b9": {
			`{"id":"64b9","type":"Policy:IAMUser/S3BucketPublic","category":"POLICY","accountId":"111122223333","resourcesAffected":{"s3Bucket":{"name":"b"}}}`,
			`{"ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/macie","GeneratorId":"aws/macie","Id":"64b9","AwsAccountId":"111122223333"}`},
		"aws.securityhub x": {`{"ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/securityhub","GeneratorId":"g","Id":"x","AwsAccountId":"111122223333"}`},
	} {
		for _, record := range records {
			if a := alerts(t, []byte(record)); len(a) != 1 || a[0].Scope+" "+a[0].Key != name {
				t.Errorf("%s is %+v, not %s", record, a, name)
			}
		}
	}
}

// TestWorkspaceApplications: activities of the applications of the Reports API.
func TestWorkspaceApplications(t *testing.T) {
	for _, c := range []struct{ application, events, want string }{
		{"login", `{"type":"login","name":"login_failure","parameters":[{"name":"login_type","value":"google_password"},{"name":"affected_email_address","value":"bob@example.com"}]}`, "login_failure failure user:bob@example.com"},
		{"login", `{"type":"account_warning","name":"risky_sensitive_action_blocked","parameters":[{"name":"is_suspicious","boolValue":true}]}`, "risky_sensitive_action_blocked failure"},
		{"admin", `{"type":"DELEGATED_ADMIN_SETTINGS","name":"ASSIGN_ROLE","parameters":[{"name":"ROLE_NAME","value":"_SEED_ADMIN_ROLE"},{"name":"USER_EMAIL","value":"bob@example.com"}]}`, "ASSIGN_ROLE success resource:_SEED_ADMIN_ROLE user:bob@example.com"},
		{"drive", `{"type":"acl_change","name":"change_user_access","parameters":[{"name":"doc_id","value":"d1"},{"name":"target_user","value":"eve@example.net"},{"name":"visibility","value":"shared_externally"}]}`, "change_user_access success resource:d1 user:eve@example.net"},
		{"token", `{"type":"auth","name":"authorize","parameters":[{"name":"client_id","value":"1.apps.googleusercontent.com"},{"name":"app_name","value":"Mailer"},{"name":"scope","multiValue":["https://mail.google.com/"]}]}`, "authorize success resource:1.apps.googleusercontent.com resource:Mailer"},
		{"saml", `{"type":"login","name":"login_failure","parameters":[{"name":"application_name","value":"Wiki"},{"name":"failure_type","value":"failure_app_not_enabled_for_user"}]}`, "login_failure failure resource:Wiki"},
		{"user_accounts", `{"type":"email_forwarding_change","name":"email_forwarding_out_of_domain","parameters":[{"name":"email_forwarding_destination_address","value":"eve@example.net"}]}`, "email_forwarding_out_of_domain success user:eve@example.net"},
		{"groups", `{"type":"acl_change","name":"add_user","parameters":[{"name":"group_email","value":"all@example.com"},{"name":"user_email","value":"bob@example.com"}]}`, "add_user success resource:all@example.com user:bob@example.com"},
		{"groups_enterprise", `{"type":"moderator_action","name":"add_member","parameters":[{"name":"group_id","value":"all@example.com"},{"name":"member_id","value":"bob@example.com"}]}`, "add_member success resource:all@example.com user:bob@example.com"},
		{"mobile", `{"type":"device_updates","name":"DEVICE_COMPROMISED_EVENT","parameters":[{"name":"DEVICE_ID","value":"dev1"},{"name":"USER_EMAIL","value":"bob@example.com"}]}`, "DEVICE_COMPROMISED_EVENT success host:dev1 user:bob@example.com"},
		{"context_aware_access", `{"type":"CONTEXT_AWARE_ACCESS_USER_EVENT","name":"ACCESS_DENY_EVENT","parameters":[{"name":"CAA_APPLICATION","value":"GMAIL"},{"name":"CAA_DEVICE_ID","value":"dev1"}]}`, "ACCESS_DENY_EVENT failure resource:GMAIL host:dev1"},
		{"calendar", `{"type":"calendar_change","name":"change_calendar_acls","parameters":[{"name":"calendar_id","value":"bob@example.com"},{"name":"grantee_email","value":"eve@example.net"}]}`, "change_calendar_acls success resource:bob@example.com user:eve@example.net"},
		{"rules", `{"type":"rule_match_type","name":"rule_match","parameters":[{"name":"rule_name","value":"No cards"},{"name":"resource_id","value":"d1"}]}`, "rule_match success resource:No cards resource:d1"},
	} {
		record := `{"kind":"admin#reports#activity","id":{"time":"2026-03-02T10:00:00.000Z","uniqueQualifier":"1","applicationName":"` + c.application + `","customerId":"C01example"},"actor":{"callerType":"USER","email":"alice@example.com","profileId":"1"},"ipAddress":"198.51.100.7","events":[` + c.events + `]}`
		list := events(t, []byte(record), c.application)
		if len(list) != 1 {
			t.Fatalf("%s: %d records", c.application, len(list))
		}
		e := list[0]
		got := e.Action + " " + e.Outcome
		for _, x := range e.Targets {
			got += " " + x.Type + ":" + x.ID
		}
		if e.Format != "google_workspace.audit" || e.Actor.ID != "alice@example.com" || e.SrcIP != "198.51.100.7" || e.Account != "C01example" || got != c.want {
			t.Errorf("%s: %s %q, want %q", c.application, e.Format, got, c.want)
		}
	}
}
