package decode

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
)

// sharedData returns the folder of logs of other people that may lie beside the
// repository, and skips the test where there is none.
func sharedData(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	data := filepath.Join(filepath.Dir(dir), "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skip("no shared data beside the repository")
	}
	return data
}

// TestGivenLogs decodes logs of other people and asks that every record of a known
// format has id, time, account, action and actor. The exceptions are named, with
// what the record lacks.
func TestGivenLogs(t *testing.T) {
	data := sharedData(t)
	// What a record lacks, by file and id: these fields are not in the record.
	nobody := map[string]bool{ // formats whose records name no actor, or not always
		"gcp.scc": true, "gcp.vpcflow": true, "gcp.dns": true, "gcp.loadbalancer": true,
	}
	lacks := map[string]string{
		"event-cloud-trail-bedrock-create-customization-jobs.json ":                                   "id time actor", // cut down by hand: no userIdentity, eventID, eventTime
		"csa-google.storage.objects.get-notInSameVPC.json 1lpqk13d1fdt":                               "actor",         // Google left the caller out
		"splunk_data_sources_examples.jsonl sGwvFCkFU4qlMxatCoJRgW87P7Ee8bKQor3U6lRt6I6jaFvLC7vcPA==": "account actor", // CloudFront knows neither
		"splunk_data_sources_examples.jsonl ":                                                         "id actor",      // a flow has neither
		"cloudwatch_log_cloudtrail.json":                                                              "",
	}
	var loners []*lone
	for _, f := range Formats() {
		if f != generic {
			loners = append(loners, alone(f))
		}
	}
	for _, group := range []struct {
		glob    string
		formats string // the formats that may come out
		other   int    // records that are rightly of no known format
	}{
		{"aws/cloudtrail/*.jsonl", "aws.cloudtrail", 0},
		{"aws/cloudtrail/stratus-detonation/aws*.json", "aws.cloudtrail", 0},
		{"aws/eventbridge/*cloud-trail*.json", "aws.cloudtrail", 0},
		{"gcp/audit/c7n-*.json", "gcp.audit gcp.scc", 0},
		{"gcp/audit/csa-*.json", "gcp.audit google_workspace.audit gcp.loadbalancer gcp.vpcflow", 0},
		{"gcp/audit/plaso-*.jsonl", "gcp.audit", 2}, // system logs of a guest
		{"gcp/audit/sentinel-GCP_IAM*.json", "gcp.audit", 0},
		{"gcp/audit/sentinel-GCP_DNS*.json", "gcp.audit gcp.dns", 0},
		{"entra/det-eng-samples/*.json", "m365.audit", 0},
		{"azure/activity/*.jsonl", "azure.activity", 0},
		{"datadog/DERIVED_*.jsonl", "entra.audit entra.signin", 0},
		{"datadog/forwarder/aws/logs_monitoring/tools/integration_tests/snapshots/cloudwatch_log_cloudtrail.json", "aws.cloudtrail", 0},
		{"entra/splunk_data_sources_examples.jsonl", "entra.audit entra.signin azure.activity google_workspace.audit aws.securityhub aws.cloudfront aws.vpcflow", 1}, // a line of Falco
	} {
		files, err := filepath.Glob(filepath.Join(data, group.glob))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no files (%v)", group.glob, err)
			continue
		}
		known, other := 0, 0
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			base := filepath.Base(file)
			for _, e := range events(t, raw, base) {
				if e.Format == "json" {
					other++
					continue
				}
				known++
				for _, l := range loners { // no other format takes it
					if is := l.rec.Format.Is(l.scan(t, e.Raw)); is != (l.rec.Format.Name == e.Format) {
						t.Errorf("%s: Is of %s says %v of a record of %s: %.200s", base, l.rec.Format.Name, is, e.Format, e.Raw)
					}
				}
				if !strings.Contains(" "+group.formats+" ", " "+e.Format+" ") {
					t.Errorf("%s: a record is taken for %s: %.200s", base, e.Format, e.Raw)
				}
				if got := missing(&e); got != lacks[base+" "+e.ID] && (got != "actor" || !nobody[e.Format]) {
					t.Errorf("%s %s: the header lacks %q, the record %q: %.300s", base, e.ID, got, lacks[base+" "+e.ID], e.Raw)
				}
			}
		}
		if known == 0 || other != group.other {
			t.Errorf("%s: %d records of known formats, %d of none, want %d of none", group.glob, known, other, group.other)
		}
	}
}

// missing names the header fields that are empty. The account of a Kubernetes, Okta
// or Duo record is not in it.
func missing(e *yagura.Event) string {
	var list []string
	for _, f := range []struct {
		name  string
		empty bool
	}{
		{"id", e.ID == ""}, {"time", e.Time.IsZero()}, {"account", e.Account == ""},
		{"action", e.Action == ""}, {"actor", e.Actor.ID == "" || e.Actor.Type == ""},
	} {
		if f.empty {
			list = append(list, f.name)
		}
	}
	return strings.Join(list, " ")
}

// TestGivenHeaders compares the header of every given CloudTrail record with the
// fields of the record, read by encoding/json.
func TestGivenHeaders(t *testing.T) {
	data := sharedData(t)
	files, _ := filepath.Glob(filepath.Join(data, "aws/cloudtrail/stratus-detonation/aws*.json"))
	files = append(files, filepath.Join(data, "aws/cloudtrail/opensearch-catalog.jsonl"))
	n := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events(t, raw, filepath.Base(file)) {
			var r struct {
				EventID, EventName, EventTime, AWSRegion, SourceIPAddress, RecipientAccountID string
				ErrorCode                                                                     string
				UserIdentity                                                                  struct{ Type, ARN, InvokedBy string }
			}
			if err := json.Unmarshal(e.Raw, &r); err != nil {
				t.Fatal(err)
			}
			actor := r.UserIdentity.ARN
			if r.UserIdentity.Type == "AWSService" {
				actor = r.UserIdentity.InvokedBy
			}
			ip := r.SourceIPAddress
			if strings.HasSuffix(ip, ".amazonaws.com") || ip == "AWS Internal" || strings.Contains(ip, "*") {
				ip = ""
			}
			outcome := "success"
			if r.ErrorCode != "" {
				outcome = "failure"
			}
			got := fmt.Sprint(e.ID, e.Action, e.Time.Format("2006-01-02T15:04:05Z"), e.Region, e.SrcIP, e.Account, e.Actor.ID, e.Outcome)
			want := fmt.Sprint(r.EventID, r.EventName, r.EventTime, r.AWSRegion, ip, r.RecipientAccountID, actor, outcome)
			if actor != "" && got != want {
				t.Errorf("%s:\n got %s\nwant %s", filepath.Base(file), got, want)
			}
			n++
		}
	}
	if n < 1000 {
		t.Errorf("only %d records", n)
	}
}

// TestGivenTables turns the rows of Log Analytics exports into objects, as the
// portal's JSON export has them, and decodes those.
func TestGivenTables(t *testing.T) {
	data := sharedData(t)
	for file, format := range map[string]string{
		"entra/sentinel-lab-signin.csv":                   "entra.signin",
		"entra/sentinel-lab-disabled_accounts_signin.csv": "entra.signin",
		"azure/activity/sentinel-lab-azure_activity.csv":  "azure.activity",
	} {
		f, err := os.Open(filepath.Join(data, file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		names := rows[0]
		names[0] = strings.TrimPrefix(names[0], "\ufeff")
		for i, row := range rows[1:] {
			object := map[string]string{}
			for j, v := range row {
				object[names[j]] = v
			}
			raw, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events(t, raw, file) {
				if e.Format != format {
					t.Errorf("%s row %d is taken for %s", file, i+1, e.Format)
				}
				if got := missing(&e); got != "" {
					t.Errorf("%s row %d: the header lacks %s: %s", file, i+1, got, raw)
				}
			}
		}
	}
}

// TestGivenCases decodes the cases of a rule set whose records are cut down and
// full of placeholders: the formats at least are recognised.
func TestGivenCases(t *testing.T) {
	data := sharedData(t)
	f, err := os.Open(filepath.Join(data, "labelled/streamalert_cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := map[string]string{
		"cloudtrail:events": "aws.cloudtrail", "cloudtrail:insight": "aws.cloudtrail", "cloudwatch:cloudtrail": "aws.cloudtrail",
		"cloudwatch:events": "aws.cloudtrail", "duo:administrator": "duo.admin", "duo:authentication": "duo.auth",
		"onelogin:events": "onelogin.events", "gsuite:reports": "google_workspace.audit", "okta:logevents": "okta.system",
		"cloudwatch:rds_aurora": "json", // lines of a database
		"ghe:general":           "github.audit",
	}
	for dec := json.NewDecoder(f); dec.More(); {
		var c struct {
			LogType string `json:"log_type"`
			Title   string
			Event   json.RawMessage
		}
		if err := dec.Decode(&c); err != nil {
			t.Fatal(err)
		}
		format, ok := want[c.LogType]
		if !ok || string(c.Event) == "null" {
			continue
		}
		for _, e := range events(t, c.Event, c.Title) {
			if e.Format != format && strings.Contains(string(e.Raw), `"detail-type":"GuardDuty Finding"`) {
				continue // an EventBridge event that is not CloudTrail's
			}
			if e.Format != format {
				t.Errorf("%s (%s) is taken for %s: %.300s", c.Title, c.LogType, e.Format, e.Raw)
			}
		}
	}
}
