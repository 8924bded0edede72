package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/pagerduty/pagerdutytest"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

const testToken = "0123456789abcdef0123456789abcdef"
const testRouting = "R0123456789abcdef0123456789abcde"

// stand is a service in this process, with honest sinks.
type stand struct {
	t      *testing.T
	cfg    *config.Config
	serve  *Serve
	gh     *githubtest.Server
	pd     *pagerdutytest.Server
	cancel context.CancelFunc
	done   chan error
	sent   int
	clock  func() time.Time // nil: that of the machine
	rules  RuleOptions
	alter  func(*Serve) // before it runs; nil leaves it
}

// testLog writes what is logged to the test.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", bytes.TrimSpace(p))
	return len(p), nil
}

func newStand(t *testing.T) *stand {
	s := &stand{t: t, gh: githubtest.New(t, githubtest.Options{ContentPerMinute: -1, ContentPerHour: -1, RequestsPerHour: -1}), pd: pagerdutytest.New(testRouting)}
	t.Cleanup(s.pd.Close)
	s.gh.AddRepo("acme/security", githubtest.Repo{Private: true})
	s.gh.AddToken("ghp_secret0123456789", "yagura-bot")
	s.cfg = &config.Config{Data: t.TempDir(), AcceptLoss: true, Lake: config.Lake{Flush: config.Duration(10 * time.Millisecond)}, Server: config.Server{Listen: "127.0.0.1:0"},
		Sources: []config.Source{{Name: "in", Push: &config.PushSource{Path: "/in", Tokens: []config.Secret{testToken}}}},
		Sinks: []config.Sink{
			{Name: "github", GitHub: &config.GitHubSink{Repository: "acme/security", URL: s.gh.URL, Token: "ghp_secret0123456789"}},
			{Name: "pagerduty", PagerDuty: &config.PagerDutySink{RoutingKey: testRouting, URL: s.pd.Endpoint()}},
		}}
	return s
}

func (s *stand) start() {
	s.t.Helper()
	serve, err := NewServe(s.t.Context(), ServeOptions{Config: s.cfg, Now: s.clock, Rules: s.rules, cost: cheap, Log: slog.New(slog.NewTextHandler(testLog{s.t}, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		s.t.Fatal(err)
	}
	if s.alter != nil {
		s.alter(serve)
	}
	s.run(serve)
}

func (s *stand) run(serve *Serve) {
	ctx, cancel := context.WithCancel(context.Background())
	s.serve, s.cancel, s.done = serve, cancel, make(chan error, 1)
	go func() { s.done <- serve.Run(ctx) }()
	s.t.Cleanup(s.stop)
}

func (s *stand) stop() {
	if s.cancel == nil {
		return
	}
	s.cancel()
	s.cancel = nil
	if err := <-s.done; err != nil {
		s.t.Errorf("serve ended: %v", err)
	}
}

// send sends records and waits for the answer.
func (s *stand) send(records ...string) error {
	req, err := http.NewRequest(http.MethodPost, "http://"+s.serve.Addr()+"/in", strings.NewReader(strings.Join(records, "\n")))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// post sends records and waits until they are judged and kept.
func (s *stand) post(records ...string) {
	s.t.Helper()
	if err := s.send(records...); err != nil {
		s.t.Fatal(err)
	}
	s.sent += len(records)
	s.until("all is judged and kept", func() bool {
		l := s.ledger()
		return len(l.Sources) == 1 && l.Sources[0].Judged == int64(s.sent) && l.Sources[0].Kept == int64(s.sent) && l.Sources[0].Waiting == 0
	})
}

// until waits for something that happens by itself, in bounded time.
func (s *stand) until(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			l, _ := json.MarshalIndent(s.ledger(), "", " ")
			s.t.Fatalf("never: %s\n%s", what, l)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (s *stand) ledger() *Ledger {
	b := &Books{DB: s.serve.db}
	l, err := b.Ledger(s.t.Context(), time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	if !l.Balanced {
		s.t.Fatalf("the books do not balance: %v", l.Faults)
	}
	return l
}

// tick has the service look at what is due by now, and waits until nothing is owed.
func (s *stand) tick() {
	s.t.Helper()
	if err := s.serve.house.tick(s.t.Context(), s.clock()); err != nil {
		s.t.Fatal(err)
	}
	s.settled()
}

// settled waits until nothing is owed.
func (s *stand) settled() {
	s.t.Helper()
	s.until("nothing is owed", func() bool {
		for _, x := range s.ledger().Sinks {
			if x.Waiting > 0 {
				return false
			}
		}
		return true
	})
}

func (s *stand) issues() (list []yagura.Issue) {
	err := s.serve.db.View(s.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		list, _, err = latest(ctx, tx, issuesThat(), "", 100)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// issue returns the one issue with a title.
func (s *stand) issue(title string) yagura.Issue {
	s.t.Helper()
	var found []yagura.Issue
	for _, is := range s.issues() {
		if is.Title == title {
			found = append(found, is)
		}
	}
	if len(found) != 1 {
		s.t.Fatalf("%d issues %q: %+v", len(found), title, found)
	}
	return found[0]
}

func (s *stand) story(id string) (out []string) {
	err := s.serve.db.View(s.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.Entries(ctx, id, 0, 1000)
		for _, e := range list {
			out = append(out, string(e.What))
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// bothStores runs a test on SQLite and on PostgreSQL.
func bothStores(t *testing.T, f func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, "") })
	t.Run("postgres", func(t *testing.T) { f(t, storetest.Postgres(t)) })
}

var eventNumber int

// trail is a CloudTrail record of bob.
func trail(at, source, name, parameters string) string {
	eventNumber++
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLEBOB000000","arn":"arn:aws:iam::111122223333:user/bob","accountId":"111122223333","userName":"bob"},`+
		`"eventTime":"%s","eventSource":"%s","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.17.9","requestParameters":%s,"responseElements":null,`+
		`"requestID":"r%d","eventID":"00000000-0000-4000-8000-%012d","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`,
		at, source, name, parameters, eventNumber, eventNumber)
}

func ingress(cidr string) string {
	return fmt.Sprintf(`{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"%s"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}`, cidr)
}

// TestOneIssuePerCause: opened, closed by the counter-event and re-opened is one issue, here
// and at GitHub, with two episodes. Who stops a trail and starts it again stays open.
func TestOneIssuePerCause(t *testing.T) {
	bothStores(t, func(t *testing.T, url string) {
		s := newStand(t)
		s.cfg.Store = config.Secret(url)
		oneIssuePerCause(t, s)
	})
}

func oneIssuePerCause(t *testing.T, s *stand) {
	s.start()
	const open = "Remote administration port opened to the internet"
	s.post(trail("2026-03-02T09:00:00Z", "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")))
	s.settled()
	first := s.issue(open) // with the finding of the general rule, on changes of groups
	if first.Status != yagura.StatusOpen || first.Count != 2 || first.Episode != 1 {
		t.Fatalf("%+v", first)
	}
	s.post(trail("2026-03-02T10:00:00Z", "ec2.amazonaws.com", "RevokeSecurityGroupIngress", ingress("0.0.0.0/0")))
	s.settled()
	if is := s.issue(open); is.Status != yagura.StatusClosed || is.CloseReason != yagura.ClosedFixed {
		t.Fatalf("%+v", is)
	}
	if at := s.gh.Issues("acme/security"); len(at) != 1 || at[0].Open {
		t.Fatalf("%+v", at)
	}
	s.post(trail("2026-03-02T11:00:00Z", "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")))
	s.settled()
	if is := s.issue(open); is.ID != first.ID || is.Status != yagura.StatusOpen || is.Episode != 2 || is.Count != 4 {
		t.Fatalf("%+v", is)
	}
	if at := s.gh.Issues("acme/security"); len(at) != 1 || !at[0].Open {
		t.Fatalf("%+v", at)
	}
	// What comes late from before the fix opens nothing.
	s.post(trail("2026-03-02T09:30:00Z", "ec2.amazonaws.com", "RevokeSecurityGroupIngress", ingress("0.0.0.0/0")))
	if is := s.issue(open); is.Status != yagura.StatusOpen {
		t.Fatalf("a late counter-event closed it: %+v", is)
	}

	const stopped = "CloudTrail logging disabled"
	s.post(trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	s.post(trail("2026-03-02T12:05:00Z", "cloudtrail.amazonaws.com", "StartLogging", `{"name":"audit"}`))
	s.settled()
	if is := s.issue(stopped); is.Status != yagura.StatusOpen {
		t.Fatalf("%+v", is)
	}
	if story := s.story(s.issue(stopped).ID); !strings.Contains(strings.Join(story, " "), "counter_event") {
		t.Errorf("the counter-event is not in the story: %v", story)
	}

	// A crash or stop loses nothing, and a restart doubles nothing.
	before := s.issues()
	s.stop()
	s.start()
	s.settled()
	if after := s.issues(); len(after) != len(before) {
		t.Errorf("%d issues before the restart, %d after", len(before), len(after))
	}
	if n := len(s.gh.Issues("acme/security")); n != len(before) {
		t.Errorf("%d issues, %d at GitHub", len(before), n)
	}
}

// TestRename: an issue is called after the finding that its severity is from, at its
// sinks too: a consent of one user, then the one for all of them.
func TestRename(t *testing.T) {
	s := newStand(t)
	s.start()
	consent := func(at, onBehalfOfAll, kind string) string {
		return `{"time":"` + at + `","resourceId":"/tenants/00000000-0000-4000-8000-000000000001/providers/Microsoft.aadiam",
			"operationName":"Consent to application","operationVersion":"1.0","category":"AuditLogs","tenantId":"00000000-0000-4000-8000-000000000001",
			"resultSignature":"None","durationMs":0,"callerIpAddress":"198.51.100.7","correlationId":"c-` + kind + `","Level":4,"properties":{
			"id":"Directory_` + kind + `","category":"ApplicationManagement","correlationId":"c-` + kind + `","result":"success","resultReason":"",
			"activityDisplayName":"Consent to application","activityDateTime":"` + at + `","loggedByService":"Core Directory","operationType":"Assign",
			"initiatedBy":{"user":{"id":"00000000-0000-4000-8000-000000000002","displayName":null,"userPrincipalName":"alice@example.com","ipAddress":"198.51.100.7","roles":[]}},
			"targetResources":[{"id":"00000000-0000-4000-8000-000000000010","displayName":"payroll","type":"ServicePrincipal","modifiedProperties":[
			{"displayName":"ConsentContext.OnBehalfOfAll","oldValue":null,"newValue":"\"` + onBehalfOfAll + `\""},
			{"displayName":"ConsentAction.Permissions","oldValue":null,"newValue":"\"[] => [[Id: x, ConsentType: ` + kind + `, Scope: User.Read]]; \""}]}],"additionalDetails":[]}}`
	}
	const one, all = "Consent to an application", "Consent to an application on behalf of all users"
	s.post(consent("2026-03-02T09:00:00Z", "False", "Principal"))
	s.settled()
	first := s.issue(one)
	s.post(consent("2026-03-02T10:00:00Z", "True", "AllPrincipals"))
	s.settled()
	is := s.issue(all)
	if is.ID != first.ID || is.Severity != yagura.SeverityMedium || is.TitleJA == first.TitleJA || is.Runbook == nil || is.Rule.Title != all {
		t.Fatalf("%+v", is)
	}
	if at := s.gh.Issues("acme/security"); len(at) != 1 || !strings.Contains(at[0].Title, all) {
		t.Errorf("at GitHub: %+v", at)
	}
	// What is lower leaves the name as it is.
	s.post(strings.ReplaceAll(consent("2026-03-02T11:00:00Z", "False", "Principal"), "Directory_Principal", "Directory_later"))
	s.settled()
	if is := s.issue(all); is.Count < 3 {
		t.Errorf("%+v", is)
	}
}

// TestTwoEntries: of two open entries of one group one is revoked: the other's issue stays.
func TestTwoEntries(t *testing.T) {
	s := newStand(t)
	s.start()
	s.post(trail("2026-03-02T09:00:00Z", "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")),
		trail("2026-03-02T09:01:00Z", "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", strings.ReplaceAll(ingress("0.0.0.0/0"), "22", "3389")))
	s.post(trail("2026-03-02T10:00:00Z", "ec2.amazonaws.com", "RevokeSecurityGroupIngress", ingress("0.0.0.0/0")))
	s.settled()
	var open, closed int
	for _, is := range s.issues() {
		if is.Status == yagura.StatusClosed {
			closed++
		} else {
			open++
		}
	}
	if open != 1 || closed != 1 {
		t.Fatalf("%d open, %d closed", open, closed)
	}
}
