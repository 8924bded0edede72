package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify/securityhub/securityhubtest"
)

const guardDutyARN = "arn:aws:guardduty:eu-west-1:111122223333:detector/d1/finding/f1"

func guardDutyAlert(updated string, severity float64, archived bool) string {
	return fmt.Sprintf(`{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-west-1","partition":"aws","id":"f1","arn":%q,"type":"Recon:EC2/Portscan",`+
		`"resource":{"resourceType":"Instance","instanceDetails":{"instanceId":"i-0aa11bb22cc33dd44"}},"service":{"serviceName":"guardduty","archived":%v,"count":3},`+
		`"severity":%v,"createdAt":"2026-03-02T09:00:00.000Z","updatedAt":%q,"title":"A port scan","description":"An instance scans ports."}`, guardDutyARN, archived, severity, updated)
}

func inEventBridge(kind, source, detail string) string {
	return fmt.Sprintf(`{"version":"0","id":"e","detail-type":%q,"source":%q,"account":"111122223333","time":"2026-03-02T09:00:00Z","region":"eu-west-1","resources":[],"detail":%s}`, kind, source, detail)
}

// TestAlertLife: every version of one alert of GuardDuty is of one issue, whoever brings it.
// The issue rises, is closed by its source and opened again, and what comes late changes
// nothing.
func TestAlertLife(t *testing.T) {
	s := newStand(t)
	s.start()
	s.post(inEventBridge("GuardDuty Finding", "aws.guardduty", guardDutyAlert("2026-03-02T09:05:00.000Z", 5, false)))
	first := s.issue("A port scan")
	if first.Severity != yagura.SeverityMedium || first.SeverityOriginal != "5" || first.Kind != yagura.Behaviour || first.Account != "111122223333" ||
		first.Rule.ID != "alert-guardduty/Recon:EC2/Portscan" || first.Rule.Engine != yagura.EngineBuiltin || first.CauseKey != "v1|-|111122223333|alert: format=aws.guardduty id="+guardDutyARN {
		t.Fatalf("%+v", first)
	}
	s.post(guardDutyAlert("2026-03-02T09:05:00.000Z", 5, false)) // the same again: a repeat
	s.post(guardDutyAlert("2026-03-02T10:05:00.000Z", 8, false))
	if is := s.issue("A port scan"); is.ID != first.ID || is.Severity != yagura.SeverityHigh || is.Count != 2 {
		t.Fatalf("%+v", is)
	}
	// Security Hub brings the same finding of GuardDuty.
	s.post(inEventBridge("Security Hub Findings - Imported", "aws.securityhub", fmt.Sprintf(`{"findings":[{"SchemaVersion":"2018-10-08","Id":%q,"ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/guardduty",`+
		`"GeneratorId":"arn:aws:guardduty:eu-west-1:111122223333:detector/d1","AwsAccountId":"111122223333","Types":["TTPs/Discovery/Recon:EC2-Portscan"],"CreatedAt":"2026-03-02T09:00:00.000Z",`+
		`"UpdatedAt":"2026-03-02T10:05:00.000Z","Severity":{"Label":"HIGH","Normalized":80},"Title":"A port scan","Description":"x","Resources":[],"RecordState":"ACTIVE","Workflow":{"Status":"NEW"}}]}`, guardDutyARN)))
	if is := s.issue("A port scan"); is.ID != first.ID || is.Count != 3 {
		t.Fatalf("%+v", is)
	}
	s.post(guardDutyAlert("2026-03-02T11:05:00.000Z", 8, true))
	if is := s.issue("A port scan"); is.Status != yagura.StatusClosed || is.CloseReason != yagura.ClosedBySource {
		t.Fatalf("%+v", is)
	}
	s.post(guardDutyAlert("2026-03-02T10:45:00.000Z", 8, false)) // late
	if is := s.issue("A port scan"); is.Status != yagura.StatusClosed {
		t.Fatalf("what came late opened it: %+v", is)
	}
	s.post(guardDutyAlert("2026-03-02T12:05:00.000Z", 8, false))
	if is := s.issue("A port scan"); is.ID != first.ID || is.Status != yagura.StatusOpen || is.Episode != 2 {
		t.Fatalf("%+v", is)
	}
	s.settled()
	if at := s.gh.Issues("acme/security"); len(at) != 1 || !at[0].Open {
		t.Fatalf("%+v", at)
	}
}

func prowler(resource, code, at string) string {
	return fmt.Sprintf(`{"message":"m","metadata":{"event_code":"s3_bucket_public","product":{"name":"Prowler","vendor_name":"Prowler"},"version":"1.5.0"},"severity_id":4,"severity":"High","status":"New","status_id":1,`+
		`"status_code":%q,"activity_id":1,"category_uid":2,"class_uid":2004,"type_uid":200401,"finding_info":{"uid":"prowler-%s","title":"Bucket is closed: %s"},"cloud":{"account":{"uid":"111122223333"},"region":"eu-west-1"},"time_dt":%q,"time":%d}`,
		code, resource, resource, at, must(time.Parse(time.RFC3339, at)).Unix())
}

func must(t time.Time, err error) time.Time {
	if err != nil {
		panic(err)
	}
	return t
}

// TestPostureAlerts: a check that passes opens nothing and closes what it failed for, also
// where both come in the wrong order.
func TestPostureAlerts(t *testing.T) {
	s := newStand(t)
	s.start()
	s.post(prowler("a", "PASS", "2026-03-02T09:00:00Z"), prowler("b", "FAIL", "2026-03-02T09:00:00Z"))
	if n := len(s.issues()); n != 1 {
		t.Fatalf("%d issues: %+v", n, s.issues())
	}
	if is := s.issue("Bucket is closed: b"); is.Kind != yagura.Posture || is.Severity != yagura.SeverityHigh {
		t.Fatalf("%+v", is)
	}
	s.post(prowler("b", "PASS", "2026-03-03T09:00:00Z"))
	if is := s.issue("Bucket is closed: b"); is.Status != yagura.StatusClosed || is.CloseReason != yagura.ClosedBySource {
		t.Fatalf("%+v", is)
	}
	s.post(prowler("a", "FAIL", "2026-03-01T09:00:00Z"))
	if is := s.issue("Bucket is closed: a"); is.Status != yagura.StatusClosed || is.CloseReason != yagura.ClosedBySource {
		t.Fatalf("it was fixed before it was known: %+v", is)
	}
	s.post(prowler("b", "FAIL", "2026-03-04T09:00:00Z"))
	if is := s.issue("Bucket is closed: b"); is.Status != yagura.StatusOpen || is.Episode != 2 {
		t.Fatalf("%+v", is)
	}
}

// TestFalcoAlerts: the same rule at the same place by the same user is one issue, and
// counted; another pod is another.
func TestFalcoAlerts(t *testing.T) {
	s := newStand(t)
	s.start()
	shell := func(pod, priority string, second int) string {
		return fmt.Sprintf(`{"hostname":"node-1","output":"a shell","priority":%q,"rule":"Terminal shell","source":"syscall","tags":["T1059"],"time":"2026-03-02T10:00:%02d.000000000Z",`+
			`"output_fields":{"container.id":"c%d","k8s.ns.name":"shop","k8s.pod.name":%q,"user.name":"root"}}`, priority, second, second, pod)
	}
	s.post(shell("web", "Warning", 1), shell("web", "Warning", 2), shell("db", "Warning", 3), shell("web", "Critical", 4))
	var counts []uint64
	for _, is := range s.issues() {
		counts = append(counts, is.Count)
		if is.Count == 3 && (is.Severity != yagura.SeverityCritical || is.SeverityOriginal != "Warning") {
			t.Errorf("%+v", is)
		}
	}
	if len(counts) != 2 || counts[0]+counts[1] != 4 {
		t.Fatalf("%v", counts)
	}
}

// loop is a stand whose sinks lead back into its source.
type loop struct {
	*stand
	back atomic.Int64 // records that came back
}

func newLoop(t *testing.T) *loop {
	l := &loop{stand: newStand(t)}
	forward := func(record []byte) bool {
		req, err := http.NewRequest(http.MethodPost, "http://"+l.serve.Addr()+"/in", bytes.NewReader(record))
		if err != nil {
			t.Error(err)
			return false
		}
		req.Header.Set("Authorization", "Bearer "+testToken)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			l.back.Add(1)
		}
		return resp.StatusCode == http.StatusOK
	}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !forward(body) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(hook.Close)
	hub := securityhubtest.New()
	t.Cleanup(hub.Close)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		hub.ServeHTTP(w, r)
		if r.URL.Path != "/findings/import" {
			return
		}
		var call struct{ Findings []json.RawMessage }
		if err := json.Unmarshal(body, &call); err != nil {
			t.Error(err)
		}
		for _, f := range call.Findings {
			for !forward([]byte(inEventBridge("Security Hub Findings - Imported", "aws.securityhub", `{"findings":[`+string(f)+`]}`))) {
				select {
				case <-t.Context().Done():
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		}
	}))
	t.Cleanup(front.Close)
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	all := "[webhook, falcosidekick, securityhub]"
	if err := os.WriteFile(policy, []byte("version: 1\nroutes: {critical: "+all+", high: "+all+", medium: "+all+", low: "+all+"}\nclauses: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.cfg.Policy = policy
	l.cfg.Storm = 1000
	l.cfg.Sinks = []config.Sink{
		{Name: "ocsf", Webhook: &config.WebhookSink{URL: config.Secret(hook.URL), AllowHTTP: true, AllowPrivate: true, Secrets: []config.Secret{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}},
		{Name: "sidekick", Falcosidekick: &config.FalcosidekickSink{URL: config.Secret(hook.URL), AllowHTTP: true, AllowPrivate: true}},
		{Name: "hub", SecurityHub: &config.SecurityHubSink{AWS: config.AWS{Region: securityhubtest.Region, Endpoint: front.URL, AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}}},
	}
	return l
}

// TestSinksIntoSource: every sink leads back into the source. The number of findings is that
// of the events, every notice that comes back is counted as own, and nothing goes round.
func TestSinksIntoSource(t *testing.T) {
	l := newLoop(t)
	l.start()
	const events = 20
	var records []string
	for i := range events {
		records = append(records, strings.ReplaceAll(guardDutyAlert("2026-03-02T09:05:00.000Z", 8, false), "f1", fmt.Sprintf("n%d", i)))
	}
	l.push(records...)
	sent := int64(events)
	quiet := func() bool {
		x := l.ledger()
		for _, k := range x.Sinks {
			if k.Waiting > 0 {
				return false
			}
		}
		return len(x.Sinks) == 3 && x.Sources[0].Judged == sent+l.back.Load() && x.Sources[0].Waiting == 0
	}
	l.until("all notices came back", quiet)
	x := l.ledger()
	if back := l.back.Load(); back != 3*events || x.Sources[0].Own != back || x.Sources[0].Findings != events || len(l.issues()) != events {
		t.Fatalf("%d came back, %d own, %d findings, %d issues", back, x.Sources[0].Own, x.Sources[0].Findings, len(l.issues()))
	}

	// Who borrows the marker of a notice that is not there hides nothing.
	l.push(`{"output":"a shell","priority":"Critical","rule":"Hidden","time":"2026-03-02T10:00:00Z","source":"yagura","hostname":"h","tags":["yagura"],"output_fields":{"yagura.notice":"01KJQ0000000000000000000ZZ"}}`)
	sent++
	l.until("the forged one is an issue, and told", func() bool { return len(l.issues()) == events+1 && quiet() && l.back.Load() == 3*(events+1) })
	if x := l.ledger(); x.Sources[0].Own != 3*(events+1) || x.Sources[0].Findings != events+1 {
		t.Errorf("%+v", x.Sources[0])
	}
	if is := l.issue("Hidden"); is.Severity != yagura.SeverityCritical {
		t.Errorf("%+v", is)
	}
}

// push sends records without waiting.
func (l *loop) push(records ...string) {
	l.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+l.serve.Addr()+"/in", strings.NewReader(strings.Join(records, "\n")))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		l.t.Fatalf("status %d", resp.StatusCode)
	}
}

// TestMappedLog: a JSON log that a mapping file describes is judged by a Sigma rule, pushed
// and dropped into a folder.
func TestMappedLog(t *testing.T) {
	s := newStand(t)
	dir := t.TempDir()
	drop := t.TempDir()
	for name, text := range map[string]string{
		"acme.yml": "name: acme.vpn\nrecognise: [{field: product, equals: acme-vpn}]\ntime: [ts]\nid: uuid\nkey: [uuid]\naccount: tenant\naction: event.name\nactor: {type: user, id: user.id}\n",
		"rule.yml": "title: VPN policy switched off\nid: 5c4d3f0e-0000-4000-8000-000000000001\nstatus: test\nlogsource: {product: acme, service: vpn}\ndetection:\n  selection: {event.name: policy.disabled}\n  condition: selection\nlevel: high\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	formats, err := LoadMappings([]string{filepath.Join(dir, "acme.yml")})
	if err != nil {
		t.Fatal(err)
	}
	s.cfg.Sources = append(s.cfg.Sources, config.Source{Name: "drop", Folder: &config.FolderSource{Paths: []string{drop}}})
	s.rules = RuleOptions{Paths: []string{filepath.Join(dir, "rule.yml")}, Formats: formats}
	s.start()
	record := func(id, user string) string {
		return fmt.Sprintf(`{"product":"acme-vpn","ts":"2026-03-02T09:00:00Z","uuid":%q,"tenant":"north","event":{"name":"policy.disabled"},"user":{"id":%q}}`, id, user)
	}
	if err := os.WriteFile(filepath.Join(drop, "log.json"), []byte(record("2", "bob")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	body := record("1", "ann")
	l := loop{stand: s}
	l.push(body)
	s.until("both are issues", func() bool { return len(s.issues()) == 2 })
	for _, is := range s.issues() {
		if is.Format != "acme.vpn" || is.Account != "north" || is.Severity != yagura.SeverityHigh || is.Title != "VPN policy switched off" {
			t.Errorf("%+v", is)
		}
	}
}

// TestRetriedAlert: an alert that could not be read is told when it is tried again; one whose
// record made a rule panic was told already.
func TestRetriedAlert(t *testing.T) {
	rules, err := LoadRules(RuleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRetrier(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	record := []byte(guardDutyAlert("2026-03-02T09:05:00.000Z", 5, false))
	for format, want := range map[string]int{"": 1, "aws.guardduty": 0} {
		found, _, _, err := r.judge(yagura.DeadLetter{Source: "in", Object: "o", Format: format, Bytes: record, Size: int64(len(record))})
		if err != nil || len(found) != want || want > 0 && (!found[0].Alert || found[0].Finding.Source != "in") {
			t.Errorf("%q: %+v, %v", format, found, err)
		}
	}
}
