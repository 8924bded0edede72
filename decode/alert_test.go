package decode

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

// alerts reads the alerts of data; the record's format must have one for each.
func alerts(t *testing.T, data []byte) []Alert {
	t.Helper()
	var list []Alert
	r := standard().NewReader(bytes.NewReader(data), "test")
	defer r.Close()
	for {
		rec, err := r.Next()
		if err != nil {
			return list
		}
		if rec.Format.Alert == nil {
			t.Fatalf("%s has no alerts: %s", rec.Format.Name, rec.Doc.Record())
		}
		a, ok := rec.Format.Alert(rec)
		if !ok {
			t.Fatalf("no alert: %s", rec.Doc.Record())
		}
		list = append(list, a)
	}
}

// TestAlerts: what the fixtures say, in order.
func TestAlerts(t *testing.T) {
	for file, want := range map[string][]string{
		"aws.guardduty/export.json": {
			"guardduty Recon:EC2/PortProbeUnprotectedPort low 2",
			"guardduty UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom medium 5.4",
			"guardduty Backdoor:EC2/C&CActivity.B!DNS high 8",
			"guardduty Recon:EC2/PortProbeUnprotectedPort low 2 resolved archived",
			"guardduty AttackSequence:IAM/CompromisedCredentials critical 9.5"},
		"aws.securityhub/alone.json": {
			"securityhub S3.8 high HIGH posture",
			"securityhub S3.8 none INFORMATIONAL posture resolved Workflow RESOLVED",
			"securityhub S3.8 medium MEDIUM posture resolved RecordState ARCHIVED",
			"securityhub TTPs/Command and Control/Backdoor:EC2-C&CActivity.B!DNS high HIGH",
			"securityhub S3.8 none LOW posture Workflow SUPPRESSED"},
		"aws.securityhub/minimal.json": {
			"securityhub security-control/S3.8 medium 45 posture",
			"securityhub security-control/S3.8 none 0 posture",
			"securityhub security-control/S3.8 medium  posture"},
		"falco.alert/http_output.json": {
			"falco Terminal shell in container low Notice attack.execution attack.t1059",
			"falco Read sensitive file untrusted medium Warning attack.credential-access attack.t1555",
			"falco Console Login Without MFA critical Critical"},
		"ocsf.finding/classes.json": {
			"ocsf Watcher/odd-signin high 4 attack.t1078.004",
			"ocsf Watcher/odd-signin high 4 resolved activity Close",
			"ocsf Watcher/odd-signin critical 5 posture",
			"ocsf Example/class 2005 medium 3",
			"ocsf Old/class 2001 medium Severe",
			"ocsf Watcher/odd-signin low 2 posture",
			"ocsf Watcher/odd-signin none 1 posture resolved compliance passed"},
		"microsoft.alert/graph.json": {
			"microsoft microsoftDefenderForEndpoint/Suspicious execution of hidden file high high attack.t1564.001",
			"microsoft microsoftDefenderForEndpoint/Suspicious execution of hidden file high high resolved status resolved",
			"microsoft IPC/Unfamiliar sign-in properties medium medium",
			"microsoft Microsoft/Multi-stage incident medium medium"},
		"microsoft.alert/defender.json": {
			"microsoft Azure Security Center/VM_SuspectDownload low Low",
			"microsoft Microsoft Defender for Cloud/KV_OperationVolumeAnomaly medium Medium resolved status Dismissed attack.t1555.006",
			"microsoft Microsoft/EICAR was prevented none Informational"},
		"microsoft.alert/sentinel.json": {
			"microsoft Azure Sentinel/rule_1 medium Medium attack.t1098",
			"microsoft Microsoft/Rare operation high High resolved status Closed",
			"microsoft AAD Identity Protection/Anomalous token high High attack.t1528",
			"microsoft Microsoft/Token theft medium Medium",
			"microsoft Microsoft/Suspicious inbox rule low Low resolved status Resolved"},
		"prowler.finding/v3.json": {
			"prowler s3_bucket_public_access high high posture",
			"prowler s3_bucket_public_access high high posture resolved status PASS",
			"prowler iam_contact none medium posture status MANUAL"},
		"ocsf.finding/prowler.json": {
			"ocsf Prowler/s3_bucket_public_access critical Critical posture",
			"ocsf Prowler/s3_bucket_public_access critical Critical posture resolved status_code PASS",
			"ocsf Prowler/s3_bucket_public_access none High posture status_code MANUAL"},
	} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range alerts(t, data) {
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
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", file, diff)
		}
	}
}

// TestLevelsOfGuardDuty: the borders of the table.
func TestLevelsOfGuardDuty(t *testing.T) {
	for text, want := range map[string]yagura.Severity{"0": yagura.SeverityLow, "3.9": yagura.SeverityLow, "4": yagura.SeverityMedium, "6.9": yagura.SeverityMedium, "7.0": yagura.SeverityHigh,
		"8.9": yagura.SeverityHigh, "9": yagura.SeverityCritical, "10": yagura.SeverityCritical, `"HIGH"`: yagura.SeverityHigh, `"8"`: yagura.SeverityHigh, `"?"`: yagura.SeverityMedium, "true": yagura.SeverityMedium} {
		a := alerts(t, []byte(`{"arn":"arn:aws:guardduty:eu-west-1:1:detector/d/finding/f","type":"a:b/c","id":"f","accountId":"1","severity":`+text+`}`))
		if len(a) != 1 || a[0].Severity != want {
			t.Errorf("%s: %+v", text, a)
		}
	}
}

// TestAlertNames: the vendor's own name of the thing. It stays the same over versions and
// shapes; two things of Falco never have one.
func TestAlertNames(t *testing.T) {
	key := func(record string) string {
		a := alerts(t, []byte(record))
		if len(a) != 1 {
			t.Fatalf("%d alerts: %s", len(a), record)
		}
		return a[0].Scope + " " + a[0].Key
	}
	falco := func(rule, fields string) string {
		return fmt.Sprintf(`{"rule":%q,"priority":"Error","time":"2026-03-02T10:00:00Z","output":"x","hostname":"h","source":"syscall","output_fields":{%s}}`, rule, fields)
	}
	for record, want := range map[string]string{
		falco("A shell", `"container.id":"host","user.name":"bob"`):                                                                                                          `falco.alert rule="A shell" host=h user=bob`,
		falco("A", `"container.id":"c1","k8s.pod.name":"<NA>","user.name":"<NA>"`):                                                                                           `falco.alert rule=A host=h container=c1`,
		falco("A", `"container.id":"c1","k8s.ns.name":"n","k8s.pod.name":"p","user.name":"root"`):                                                                            `falco.alert rule=A namespace=n pod=p user=root`,
		falco("A", `"user.name":"bob container=c1"`):                                                                                                                         `falco.alert rule=A host=h user="bob container=c1"`,
		falco("A", `"ct.user":"bob","ct.user.arn":"arn:aws:iam::1:user/bob"`):                                                                                                `falco.alert rule=A host=h user=arn:aws:iam::1:user/bob`,
		`{"FindingUniqueId":"u","CheckID":"c","Status":"PASS","Severity":"low"}`:                                                                                             `prowler.finding u`,
		`{"TITLE_ID":"c","Account Number":"1","Region":"r","Resource ID":"x","Service":"s","Status":"FAIL","Severity":"low"}`:                                                `prowler.finding c 1 r x`,
		`{"Type":"SecurityIncident","IncidentName":"i","IncidentNumber":3,"Title":"t","Severity":"Low","Status":"New"}`:                                                      `microsoft.alert i`,
		`{"class_uid":2004,"metadata":{"version":"1","product":{"name":"P"}},"finding_info":{"uid":"u"}}`:                                                                    `ocsf.finding/P u`,
		`{"class_uid":2004,"metadata":{"version":"1","product":{"vendor_name":"V","name":"P"}},"finding_info":{"uid":"arn:aws:guardduty:eu-west-1:1:detector/d/finding/f"}}`: `aws.guardduty arn:aws:guardduty:eu-west-1:1:detector/d/finding/f`,
	} {
		if got := key(record); got != want {
			t.Errorf("%s:\n got %s\nwant %s", record, got, want)
		}
	}
}

// TestAlertVersions: a version is an event of its own, the same version in another shape a
// repeat.
func TestAlertVersions(t *testing.T) {
	keys := func(file string) (out []yagura.Key) {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events(t, data, file) {
			out = append(out, e.Key)
		}
		return out
	}
	for _, file := range []string{"aws.guardduty/export.json", "aws.securityhub/alone.json", "ocsf.finding/classes.json", "falco.alert/falcosidekick.json"} {
		seen := map[yagura.Key]bool{}
		for i, k := range keys(file) {
			if seen[k] {
				t.Errorf("%s: record %d has the key of another", file, i)
			}
			seen[k] = true
		}
	}
	export, bridge, api := keys("aws.guardduty/export.json"), keys("aws.guardduty/eventbridge.json"), keys("aws.guardduty/api.json")
	if export[0] != bridge[0] || export[0] != api[0] || export[4] != bridge[2] || export[2] != api[2] {
		t.Error("a finding of GuardDuty has another key in another shape")
	}
	if alone, bridge := keys("aws.securityhub/alone.json"), keys("aws.securityhub/eventbridge.json"); alone[0] != bridge[0] || alone[1] != bridge[2] {
		t.Error("a finding of Security Hub has another key in another shape")
	}
}

// TestAlertAccount: the account of an alert is where it happened, not the workspace that
// collects it.
func TestAlertAccount(t *testing.T) {
	const alert = `{"VendorName":"Microsoft","AlertType":"VM_Login","ProductName":"Microsoft Defender for Cloud","TimeGenerated":"2024-03-05T19:20:00Z","Severity":"Medium","SystemAlertId":"2517-9","AlertDisplayName":"Login",%s"WorkspaceSubscriptionId":"bbbbbbbb-0000-4000-8000-000000000002"}`
	for resource, want := range map[string]string{
		`"AzureResourceId":"/SUBSCRIPTIONS/aaaaaaaa-0000-4000-8000-000000000001/RESOURCEGROUPS/shop",`: "aaaaaaaa-0000-4000-8000-000000000001",
		``: "bbbbbbbb-0000-4000-8000-000000000002",
	} {
		list := events(t, fmt.Appendf(nil, alert, resource), "f")
		if len(list) != 1 || list[0].Format != "microsoft.alert" || list[0].Account != want {
			t.Errorf("%s: %+v, want account %s", resource, list, want)
		}
	}
}
