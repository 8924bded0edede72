package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/source/file"
)

const determinismRules = `title: Trail stopped
name: stopped
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: StopLogging}, condition: s}
level: high
---
title: Denied
name: denied
logsource: {product: aws, service: cloudtrail}
detection: {s: {errorCode|contains: Denied}, condition: s}
level: low
---
title: Key in a request
logsource: {product: aws, service: cloudtrail}
detection: {s: [trail-1], condition: s}
level: medium
---
title: Role given
name: role
logsource: {product: azure, service: auditlogs}
detection: {s: {operationName: Add member to role}, condition: s}
level: medium
---
title: Policy set
name: policy
logsource: {product: gcp, service: gcp.audit}
detection: {s: {gcp.audit.method_name: SetIamPolicy}, condition: s}
level: medium
---
title: Often denied
correlation: {type: event_count, rules: [denied], group-by: [userIdentity.arn], timespan: 20m, condition: {gte: 4}, generate: true}
level: high
---
title: Seldom denied
correlation: {type: event_count, rules: [denied], group-by: [userIdentity.arn], timespan: 20m, condition: {lt: 2}}
level: low
---
title: Many addresses
correlation: {type: value_count, rules: [denied, stopped], group-by: [userIdentity.arn], timespan: 30m, condition: {gte: 3, field: sourceIPAddress}, generate: true}
level: high
---
title: Much
correlation: {type: value_sum, rules: [denied], timespan: 30m, condition: {gte: 100, field: requestParameters.size}}
level: medium
---
title: Middle
correlation: {type: value_median, rules: [denied], group-by: [userIdentity.arn], timespan: 30m, condition: {gte: 50, field: requestParameters.size}}
level: medium
---
title: Denied and then stopped
name: chain
correlation: {type: temporal_ordered, rules: [denied, stopped], group-by: [userIdentity.arn], timespan: 15m, generate: true}
level: critical
---
title: Stopped without a denial
correlation: {type: temporal, rules: [denied, stopped], group-by: [userIdentity.arn], timespan: 15m, condition: stopped and not denied, generate: true}
level: medium
---
title: Over clouds
correlation:
  type: temporal
  rules: [role, policy, stopped]
  timespan: 30m
  condition: {gte: 2}
  generate: true
level: high
---
title: Chains
correlation: {type: event_count, rules: [chain], timespan: 6h, condition: {gte: 2}, generate: true}
level: critical
---
title: Door opened
name: door
logsource: {product: door}
detection: {s: {act: open}, condition: s}
level: low
`

const determinismFalco = `- macro: failed
  condition: ct.error exists
- rule: Falco denied
  desc: d
  condition: failed and ct.error contains Denied
  output: "%ct.user of %ct.region did %ct.name from %ct.srcip (%ct.info)"
  priority: ERROR
  source: aws_cloudtrail
- rule: Falco policy
  desc: d
  condition: gcp.methodName=SetIamPolicy
  output: "%gcp.user"
  priority: NOTICE
  source: gcp_auditlog
`

// logRecord is a record as it may be written in several ways.
type logRecord struct {
	text    string
	kind    string // ct, entra, gcp, json, broken
	balance bool   // a broken record whose brackets balance
}

// makeLog makes a log of many kinds with repeats, ids with several contents and broken
// records.
func makeLog(r *rand.Rand, n int) []logRecord {
	users, regions := []string{"alice", "bob", "carol"}, []string{"eu-west-1", "us-east-1"}
	addresses := []string{"192.0.2.1", "192.0.2.2", "198.51.100.3", "2001:db8::4", "iam.amazonaws.com"}
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	at := func(sec int) string {
		return time.Date(2026, 3, 2, 0, 0, sec, 0, time.UTC).Format(time.RFC3339)
	}
	trail := func(id int, action string) string {
		code := ""
		if r.IntN(3) == 0 {
			code = `"errorCode":"AccessDenied",`
		}
		user := pick(users)
		return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/%s","accountId":"111122223333","userName":"%[1]s"},`+
			`"eventTime":%q,"eventSource":"cloudtrail.amazonaws.com","eventName":%q,"awsRegion":%q,"sourceIPAddress":%q,%s"requestParameters":{"name":"trail-%d","size":%d},`+
			`"readOnly":false,"eventID":"00000000-0000-4000-8000-%012d","eventType":"AwsApiCall","recipientAccountId":"111122223333"}`,
			user, at(r.IntN(10*3600)), action, pick(regions), pick(addresses), code, r.IntN(30), r.IntN(60), id)
	}
	var log []logRecord
	for i := range n {
		switch k := r.IntN(20); {
		case k < 9:
			log = append(log, logRecord{text: trail(i, pick([]string{"StopLogging", "GetTrail", "DescribeTrails", "DeleteTrail"})), kind: "ct"})
		case k < 11:
			log = append(log, logRecord{kind: "entra", text: fmt.Sprintf(`{"time":%q,"resourceId":"/tenants/aaaaaaaa-0000-4000-8000-000000000001/providers/Microsoft.aadiam","operationName":%q,"category":"AuditLogs","tenantId":"aaaaaaaa-0000-4000-8000-000000000001",`+
				`"properties":{"id":"Directory_%d","result":"success","activityDateTime":%[1]q,"initiatedBy":{"user":{"id":"u-%[4]s","userPrincipalName":"%[4]s@example.com"}},"targetResources":[{"id":"t-%[5]d","type":"User","userPrincipalName":"dave@example.com"}]}}`,
				at(r.IntN(10*3600)), pick([]string{"Add member to role", "Update user"}), i, pick(users), r.IntN(4))})
		case k < 13:
			log = append(log, logRecord{kind: "gcp", text: fmt.Sprintf(`{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","authenticationInfo":{"principalEmail":"%s@example.com"},"requestMetadata":{"callerIp":%q},"serviceName":"cloudresourcemanager.googleapis.com","methodName":%q,"resourceName":"projects/example"},`+
				`"insertId":"i%d","resource":{"type":"project","labels":{"project_id":"example"}},"timestamp":%q,"logName":"projects/example/logs/cloudaudit.googleapis.com%%2Factivity"}`,
				pick(users), pick(addresses), pick([]string{"SetIamPolicy", "GetIamPolicy"}), i, at(r.IntN(10*3600)))})
		case k < 14:
			log = append(log, logRecord{kind: "json", text: fmt.Sprintf(`{"door":"d-%d","act":%q,"id":"door-%d","time":%q}`, r.IntN(5), pick([]string{"open", "shut"}), i, at(40_000+i))})
		case k < 15:
			bad := []logRecord{{`{"eventVersion":"1.11","eventName":nothing}`, "broken", true}, {`{"a":1,,"b":2}`, "broken", true}, {`{"a":"\x"}`, "broken", true},
				{`{"eventVersion":"1.11","eventName":"Stop`, "broken", false}, {`{"a":[1,2`, "broken", false}}
			log = append(log, bad[r.IntN(len(bad))])
		case k < 18 && len(log) > 0: // an earlier record again
			if old := log[r.IntN(len(log))]; old.kind != "json" && old.kind != "broken" {
				log = append(log, old)
			}
		default: // an id that may have been there, with other content
			log = append(log, logRecord{text: trail(r.IntN(i+1), "StopLogging"), kind: "ct"})
		}
	}
	return log
}

// comparable reads findings and takes out what depends on how the log is cut into
// files: the place of records that are known by their place alone, and what is said
// of broken records by file. The result is sorted.
func comparable(t *testing.T, lines []string, streamed bool) []string {
	t.Helper()
	var out []string
	for _, l := range lines {
		if l == "" {
			continue
		}
		var f map[string]any
		if err := json.Unmarshal([]byte(l), &f); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		rule := f["rule"].(map[string]any)["id"]
		if rule == brokenRule.ID {
			continue
		}
		if f["format"] == "json" {
			delete(f, "id")
			delete(f["event"].(map[string]any), "key")
		}
		if streamed { // what came over a stream cannot be read again for its native id
			delete(f, "source")
			if rule == conflictRule.ID {
				f = map[string]any{"id": f["id"], "cause_key": f["cause_key"]}
			}
		}
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	slices.Sort(out)
	return out
}

// counted is the part of a summary that does not depend on how a log is cut.
type counted struct {
	Events, Repeats, Conflicts, Broken, Forgotten, TooOld, Hidden uint64
	Formats                                                       map[string]uint64
	Findings                                                      map[yagura.Severity]uint64
	NoTime, NoGroup, NoValue, Matches, Cut, Trimmed, Unreadable   int
}

func countedOf(s *Summary, broken int) counted {
	f := map[yagura.Severity]uint64{}
	maps.Copy(f, s.Findings)
	f[yagura.SeverityLow] -= uint64(broken)
	w := s.Windows
	return counted{s.Events, s.Repeats, s.Conflicts, s.Broken, s.Forgotten, s.TooOld, s.Hidden, s.Formats, f,
		w.NoTime, w.NoGroup, w.NoValue, w.Matches, w.Cut, w.Trimmed, s.Unreadable}
}

// TestDeterminism scans logs of many kinds in another order, cut into other files, in
// other containers and envelopes, by other numbers of workers and in batches of other
// sizes: the findings are equal in every letter, and so is what is counted.
func TestDeterminism(t *testing.T) {
	seeds, ways, records := 4, 5, 400
	if os.Getenv("YAGURA_PROVE") != "" {
		seeds, ways, records = 150, 12, 1500
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "rules", "sigma.yml"), determinismRules)
	writeFile(t, filepath.Join(dir, "rules", "falco.yaml"), determinismFalco)
	rules, err := LoadRules(RuleOptions{Paths: []string{filepath.Join(dir, "rules")}, NoRouting: false})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rules.Refusals {
		if r := &rules.Refusals[i]; !r.Warning {
			t.Error(r)
		}
	}
	fired := map[string]bool{}
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 11))
		log := makeLog(r, records)
		t.Chdir(filepath.Join(dir))
		one := fmt.Sprintf("one-%d.jsonl", seed)
		writeFile(t, one, texts(log)...)
		want, wantCounts := scanAs(t, rules, way{workers: 1}, one)
		for _, l := range want {
			var f struct{ Rule struct{ Title string } }
			if err := json.Unmarshal([]byte(l), &f); err != nil {
				t.Fatal(err)
			}
			fired[f.Rule.Title] = true
		}
		if wantCounts.Repeats == 0 || wantCounts.Conflicts == 0 || wantCounts.Broken == 0 {
			t.Fatalf("seed %d covers too little: %+v", seed, wantCounts)
		}
		for k := range ways {
			folder := fmt.Sprintf("way-%d-%d", seed, k)
			w := way{workers: []int{1, 2, 3, 8}[r.IntN(4)]}
			if r.IntN(2) == 0 {
				w.cut = cut{1 + r.IntN(20), 1 + r.IntN(5)}
			}
			shuffled := slices.Clone(log)
			if k > 0 {
				r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			}
			w.streamed = r.IntN(5) == 0
			paths := writeLog(t, r, folder, shuffled)
			got, gotCounts := scanAs(t, rules, w, paths...)
			if w.streamed {
				got, gotCounts = scanStream(t, rules, w, texts(shuffled))
				if d := cmp.Diff(comparable(t, want, true), comparable(t, got, true)); d != "" {
					t.Errorf("seed %d, way %d, %+v: %s", seed, k, w, d)
				}
			} else if d := cmp.Diff(want, got); d != "" {
				t.Errorf("seed %d, way %d, %+v: %s", seed, k, w, d)
			}
			if d := cmp.Diff(wantCounts, gotCounts); d != "" {
				t.Errorf("seed %d, way %d, %+v: %s", seed, k, w, d)
			}
			if t.Failed() {
				return
			}
			if err := os.RemoveAll(folder); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, x := range rules.Rules {
		if x.Silent || x.Title == "Door opened" {
			continue // judges no format that is known: it is loaded and warned of
		}
		if !fired[x.Title] {
			t.Errorf("%q never fired: the test says nothing of it", x.Title)
		}
	}
}

// way is how a log is scanned.
type way struct {
	workers  int
	cut      cut
	streamed bool
}

func texts(log []logRecord) []string {
	out := make([]string, len(log))
	for i, r := range log {
		out[i] = r.text
	}
	return out
}

// scanAs scans files and returns what can be compared.
func scanAs(t *testing.T, rules *Rules, w way, paths ...string) ([]string, counted) {
	t.Helper()
	return scanWith(t, rules, w, file.New(file.Options{}, paths...))
}

// scanStream scans lines that come over standard input, a few bytes at a time.
func scanStream(t *testing.T, rules *Rules, w way, lines []string) ([]string, counted) {
	t.Helper()
	in := &dripping{text: []byte(strings.Join(lines, "\n") + "\n")}
	return scanWith(t, rules, w, file.New(file.Options{Stdin: in}, "-"))
}

// dripping is a reader that gives little at a time.
type dripping struct {
	text []byte
	n    int
}

func (d *dripping) Read(p []byte) (int, error) {
	d.n++
	n := copy(p[:min(len(p), 1+d.n*37%3000)], d.text)
	d.text = d.text[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func scanWith(t *testing.T, rules *Rules, w way, src *file.Files) ([]string, counted) {
	t.Helper()
	scan, err := NewScan(rules, ScanOptions{Workers: w.workers, RepeatWindow: 200_000, Now: func() time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	if w.cut.records > 0 {
		scan.cut = w.cut
	}
	var buf bytes.Buffer
	out, err := report.New("jsonl", &buf, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := scan.Run(t.Context(), out, src)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(buf.String(), "\n"), "\n")
	return comparable(t, lines, false), countedOf(sum, strings.Count(buf.String(), `"rule":{"id":"`+brokenRule.ID+`"`))
}
