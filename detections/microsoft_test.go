package detections_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// ownDoing are recorded files that hold nothing but what the service does by itself,
// and techniques that the record shows by another of ATT&CK's names.
var (
	ownDoing = []string{"t1098.002_Mail Account Delegation full access permissions.csv"}
	known    = map[string]string{"t1482": "t1087.004"} // AzureHound maps users and groups
)

// TestMicrosoftAttacks runs the shipped rules over recorded attacks on Microsoft 365 and
// Entra ID: each must give its technique at medium or above.
func TestMicrosoftAttacks(t *testing.T) {
	files := sharedFiles(t, "entra/det-eng-samples/*")
	j, hit := newJudge(t), 0
	for _, file := range files {
		name := filepath.Base(file)
		found, records := j.file(t, file)
		if records == 0 {
			t.Errorf("%s: no record", name)
			continue
		}
		want, _, _ := strings.Cut(name, "_")
		if other, ok := known[want]; ok {
			want = other
		}
		byRecord := map[string]bool{}
		ok := false
		for _, f := range found {
			for _, id := range f.Events {
				if len(f.Events) == 1 {
					if byRecord[f.Rule.ID+id] {
						t.Errorf("%s: two findings of %s about record %s", name, f.Rule.Title, id)
					}
					byRecord[f.Rule.ID+id] = true
				}
			}
			for _, tag := range f.Rule.Tags {
				// A technique is shown by itself or by one of its kind.
				ok = ok || f.Severity >= yagura.SeverityMedium && strings.HasPrefix(strings.TrimPrefix(tag, "attack.")+".", want+".")
			}
		}
		switch {
		case ok:
			hit++
		case slices.Contains(ownDoing, name):
			t.Logf("%s: the service itself, %d findings", name, len(found))
		default:
			t.Errorf("%s: nothing of %s at medium or above in %d findings", name, want, len(found))
		}
	}
	t.Logf("%d of %d files", hit, len(files))
}

// TestMicrosoftNoise counts what fires on recorded days of a laboratory.
func TestMicrosoftNoise(t *testing.T) {
	j := newJudge(t)
	for _, pattern := range []string{"entra/sentinel-lab-*.csv", "azure/activity/*", "entra/splunk_data_sources_examples.jsonl"} {
		for _, file := range sharedFiles(t, pattern) {
			found, records := j.file(t, file)
			_, high := atLeast(found, yagura.SeverityHigh)
			titles, medium := atLeast(found, yagura.SeverityMedium)
			t.Logf("%s: %d records: %d events at high or above, %d at medium or above: %s", filepath.Base(file), records, len(high), len(medium), strings.Join(titles, "; "))
			if strings.HasPrefix(filepath.Base(file), "sentinel-lab") && len(medium)*10 > records {
				t.Errorf("%s: more than a tenth at medium or above", file)
			}
		}
	}
}

// TestPermissionMeets: what an application asks for, is consented to and is granted is of
// one issue, which has the level of the grant when that has come.
func TestPermissionMeets(t *testing.T) {
	j, keys := newJudge(t), map[string][]string{}
	for _, f := range firings(t) {
		switch filepath.Base(filepath.Dir(f.rule)) {
		case "risky-permission-requested", "permission-requested", "app-role-granted", "consent-to-application", "admin-consent-for-all-users", "risky-consent", "risky-app-role-granted":
			_, x := f.judgeOne(t, j, f.event)
			if x == nil {
				t.Fatalf("%s: %q does not fire", f.file, f.name)
			}
			if strings.Contains(x.CauseKey, "app=00000000-0000-4000-8000-000000000090") {
				keys[x.CauseKey] = append(keys[x.CauseKey], x.Rule.Title)
			}
		}
	}
	if len(keys) != 1 {
		t.Fatalf("%d causes: %v", len(keys), keys)
	}
	for _, titles := range keys {
		if len(titles) < 5 {
			t.Errorf("only %v meet", titles)
		}
	}
}

// TestAllowedNetwork is the example of docs/detections.md: a filter names the networks
// that service principals may come from, an overlay raises what is left.
func TestAllowedNetwork(t *testing.T) {
	const own = `title: Our networks
logsource:
  product: azure
  service: signinlogs
filter:
  rules: [Service principal signed in]
  ours:
    callerIpAddress|cidr: [192.0.2.0/24]
  condition: not ours
`
	const raise = `overlay:
  rules: [Service principal signed in]
  severity: {level: high, reason: our pipelines run in 192.0.2.0/24 only}
`
	files, err := detections.Files()
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f rule.File) bool { return !strings.Contains(f.Path, "/service-principal-sign-in/") })
	rules, refusals := sigma.Load(append(files, rule.File{Path: "own.yml", Data: []byte(own)}), sigma.Options{})
	overlays, more := rule.ParseOverlay(rule.File{Path: "raise.yml", Data: []byte(raise)})
	refusals = append(append(refusals, more...), rule.ApplyOverlays(rules, overlays)...)
	for i := range refusals {
		t.Error(&refusals[i])
	}
	eng, err := detect.New(rules, detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := decode.New(decode.Options{Want: eng.Want})
	if err != nil {
		t.Fatal(err)
	}
	j := &judge{eng, dec}
	for _, f := range firings(t) {
		if !strings.Contains(f.rule, "/service-principal-sign-in/") {
			continue
		}
		if found, _ := f.judgeOne(t, j, f.event); len(found) != 1 || found[0].Severity != yagura.SeverityHigh {
			t.Errorf("from elsewhere: %+v", found)
		}
		f.event["callerIpAddress"] = "192.0.2.7"
		f.event["properties"].(map[string]any)["ipAddress"] = "192.0.2.7"
		if found, _ := f.judgeOne(t, j, f.event); len(found) != 0 {
			t.Errorf("from our network: %d findings", len(found))
		}
	}
}
