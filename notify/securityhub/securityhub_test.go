package securityhub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/securityhub"
	"github.com/yagura-sec/yagura/notify/securityhub/securityhubtest"
)

var start = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

func issue(id string) *yagura.Issue {
	return &yagura.Issue{V: 1, ID: id, CauseKey: "v1|t|" + securityhubtest.Account + "|open-port|sg-1", Kind: yagura.Posture,
		Title: "Port 22 is open to the world", TitleJA: "ポート22が全世界に公開されています",
		Rule:     yagura.RuleRef{ID: "aws-open-port", Title: "Open port", Tags: []string{"attack.initial_access"}},
		Format:   "aws.cloudtrail",
		Severity: yagura.SeverityHigh, SeverityOriginal: "high", Status: yagura.StatusOpen, Episode: 1,
		FirstSeen: start, LastSeen: start, Count: 1, Account: securityhubtest.Account,
		Entities: []yagura.Entity{{Type: "resource", ID: "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"},
			{Type: "ip", ID: "203.0.113.9"}, {Type: "account", ID: securityhubtest.Account}},
		Latest: &yagura.Finding{ID: "f1", Output: "0.0.0.0/0 may reach port 22 of sg-1"}}
}

func notice(id string, seq int64, op yagura.Op, is *yagura.Issue) *yagura.Notice {
	return &yagura.Notice{ID: id, IssueID: is.ID, Sink: "hub", Seq: seq, Op: op, Created: start, Issue: is}
}

func hub(t *testing.T, change func(*securityhub.Options)) (*securityhub.Sink, *securityhubtest.Server) {
	t.Helper()
	srv := securityhubtest.New()
	t.Cleanup(srv.Close)
	o := securityhub.Options{Name: "hub", AWS: srv.Config(securityhubtest.Account), Window: time.Millisecond,
		Now: func() time.Time { return start }}
	if change != nil {
		change(&o)
	}
	s, err := securityhub.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, srv
}

func deliver(t *testing.T, s *securityhub.Sink, n *yagura.Notice) yagura.Receipt {
	t.Helper()
	r, err := s.Deliver(t.Context(), n)
	if err != nil {
		t.Fatalf("notice %s: %v", n.ID, err)
	}
	return r
}

func tickets(t *testing.T, s *securityhub.Sink, since time.Time, refs ...string) []notify.Ticket {
	t.Helper()
	var out []notify.Ticket
	if err := s.Actual(t.Context(), since, refs, func(x notify.Ticket) error { out = append(out, x); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLife: one finding through open, rise, close and re-open, with a clock that stands.
func TestLife(t *testing.T) {
	s, srv := hub(t, nil)
	is := issue("01J0000000000000000000000A")
	ref := ""
	for i, step := range []struct {
		op    yagura.Op
		do    func()
		state string
	}{
		{yagura.OpOpen, func() {}, "ACTIVE"},
		{yagura.OpRise, func() { is.Severity = yagura.SeverityCritical }, "ACTIVE"},
		{yagura.OpComment, func() {}, "ACTIVE"},
		{yagura.OpClose, func() { is.Status, is.CloseReason = yagura.StatusClosed, yagura.ClosedFixed }, "ARCHIVED"},
		{yagura.OpUpdate, func() {}, "ARCHIVED"},
		{yagura.OpReopen, func() { is.Status, is.CloseReason, is.Episode = yagura.StatusOpen, "", 2 }, "ACTIVE"},
	} {
		step.do()
		n := notice(fmt.Sprint("n", i), int64(i+1), step.op, is)
		n.Ref = ref
		r := deliver(t, s, n)
		ref = r.Ref
		all := srv.Findings()
		if len(all) != 1 {
			t.Fatalf("%s: %d findings", step.op, len(all))
		}
		f := all[0]
		if f["RecordState"] != step.state {
			t.Errorf("%s: %v, want %s", step.op, f["RecordState"], step.state)
		}
		if got := f["ProductFields"].(map[string]any)["yagura/notice"]; got != n.ID {
			t.Errorf("%s: the finding is that of notice %v", step.op, got)
		}
		if f["CreatedAt"] != "2026-11-27T09:00:00.000Z" {
			t.Errorf("%s: CreatedAt %v", step.op, f["CreatedAt"])
		}
	}
	if st := srv.Stats(); st.Taken != 6 || st.Ignored != 0 || len(st.Refused) != 0 {
		t.Errorf("taken %d, ignored %d, refused %q", st.Taken, st.Ignored, st.Refused)
	}
}

// TestClocksGoBack: a replica whose clock is an hour behind still moves the finding on.
func TestClocksGoBack(t *testing.T) {
	now := start
	s, srv := hub(t, func(o *securityhub.Options) { o.Now = func() time.Time { return now } })
	is := issue("01J0000000000000000000000A")
	r := deliver(t, s, notice("n1", 1, yagura.OpOpen, is))
	now = start.Add(-time.Hour)
	n := notice("n2", 2, yagura.OpClose, is)
	n.Ref = r.Ref
	deliver(t, s, n)
	if f := srv.Findings()[0]; f["RecordState"] != "ARCHIVED" {
		t.Errorf("the close was ignored: %v", f["UpdatedAt"])
	}
}

// TestAnswerLost: the import happened and the answer did not come; the next attempt looks,
// and nothing is there twice. The same with a sink that may not read.
func TestAnswerLost(t *testing.T) {
	for _, mayRead := range []bool{true, false} {
		s, srv := hub(t, nil)
		srv.Deny("GetFindings", !mayRead)
		srv.SetFault(func(string) securityhubtest.Fault { return securityhubtest.Fault{Lose: true} })
		n := notice("n1", 1, yagura.OpOpen, issue("01J0000000000000000000000A"))
		_, err := s.Deliver(context.Background(), n)
		if err == nil {
			// Only STS may have been asked.
			t.Fatal("no error")
		}
		srv.SetFault(func(action string) securityhubtest.Fault {
			return securityhubtest.Fault{Lose: action == "BatchImportFindings"}
		})
		_, err = s.Deliver(t.Context(), n)
		if e := (*notify.Error)(nil); err == nil || errors.As(err, &e) && (e.NotSent || e.Permanent) {
			t.Fatalf("an answer that was lost: %#v", err)
		}
		srv.SetFault(nil)
		n.Uncertain = true
		r := deliver(t, s, n)
		if mayRead && r.Detail != "already there" {
			t.Errorf("the receipt says %q", r.Detail)
		}
		if st := srv.Stats(); len(srv.Findings()) != 1 || st.Notices["n1"] != 1 {
			t.Errorf("may read %v: %d findings, %v", mayRead, len(srv.Findings()), st.Notices)
		}
		c := notice("n2", 2, yagura.OpClose, issue("01J0000000000000000000000A"))
		c.Ref = r.Ref
		deliver(t, s, c)
		if f := srv.Findings()[0]; f["RecordState"] != "ARCHIVED" {
			t.Errorf("may read %v: the close was ignored", mayRead)
		}
	}
}

// TestBatches: concurrent notices share calls, and each gets its own answer.
func TestBatches(t *testing.T) {
	s, srv := hub(t, func(o *securityhub.Options) { o.Window = 200 * time.Millisecond })
	srv.Throttle(true)
	srv.Refuse("yagura/issue/i007", "InvalidInput")
	srv.Refuse("yagura/issue/i008", "InternalFailure")
	var wg sync.WaitGroup
	for i := range 250 {
		wg.Go(func() {
			id := fmt.Sprintf("i%03d", i)
			_, err := s.Deliver(t.Context(), notice("n"+id, 1, yagura.OpOpen, issue(id)))
			e := (*notify.Error)(nil)
			switch errors.As(err, &e); {
			case i == 7 && (e == nil || !e.Permanent):
				t.Errorf("%s: %v, want a permanent error", id, err)
			case i == 8 && (e == nil || e.Permanent || !e.NotSent):
				t.Errorf("%s: %v, want an error to try again", id, err)
			case i != 7 && i != 8 && err != nil:
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	wg.Wait()
	st := srv.Stats()
	if len(srv.Findings()) != 248 || st.Throttled != 0 {
		t.Errorf("%d findings, %d calls throttled", len(srv.Findings()), st.Throttled)
	}
	if st.Calls["BatchImportFindings"] > 10 || st.Largest > 100 {
		t.Errorf("%d calls, the largest of %d", st.Calls["BatchImportFindings"], st.Largest)
	}
	if got := tickets(t, s, time.Time{}); len(got) != 248 {
		t.Errorf("%d tickets over pages", len(got))
	}
}

// TestWholeBatchRefused: a call that is refused as a whole is cut until the culprit is alone.
func TestWholeBatchRefused(t *testing.T) {
	s, srv := hub(t, func(o *securityhub.Options) { o.Window = 100 * time.Millisecond })
	calls := 0
	srv.SetFault(func(action string) securityhubtest.Fault {
		if action == "BatchImportFindings" {
			if calls++; calls <= 2 {
				return securityhubtest.Fault{Status: 413, Code: "RequestEntityTooLarge"}
			}
		}
		return securityhubtest.Fault{}
	})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := s.Deliver(t.Context(), notice(fmt.Sprint(i), 1, yagura.OpOpen, issue(fmt.Sprint("i", i)))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(srv.Findings()); n != 8 {
		t.Errorf("%d findings", n)
	}
}

// TestFaults says what each failure means for the next attempt.
func TestFaults(t *testing.T) {
	for _, x := range []struct {
		name  string
		fault securityhubtest.Fault
		want  notify.Error
		hint  string
	}{
		{"throttled", securityhubtest.Fault{Status: 429, Code: "TooManyRequestsException", RetryAfter: "7"},
			notify.Error{NotSent: true, All: true, After: 7 * time.Second}, "10 calls a second"},
		{"throttled without a time", securityhubtest.Fault{Status: 400, Code: "ThrottlingException"},
			notify.Error{NotSent: true, All: true, After: 2 * time.Second}, ""},
		{"limit", securityhubtest.Fault{Status: 429, Code: "LimitExceededException"},
			notify.Error{NotSent: true, All: true, After: 2 * time.Second}, ""},
		{"denied", securityhubtest.Fault{Status: 403, Code: "AccessDeniedException"},
			notify.Error{NotSent: true, All: true, After: time.Minute}, "securityhub:BatchImportFindings"},
		{"off", securityhubtest.Fault{Status: 401, Code: "InvalidAccessException"},
			notify.Error{NotSent: true, All: true, After: time.Minute}, "Security Hub must be on"},
		{"expired", securityhubtest.Fault{Status: 403, Code: "ExpiredTokenException"},
			notify.Error{NotSent: true, All: true, After: time.Minute}, "expired"},
		{"broken", securityhubtest.Fault{Status: 500, Code: "InternalException"}, notify.Error{}, "500"},
		{"gateway", securityhubtest.Fault{Status: 503}, notify.Error{}, "503"},
		{"invalid", securityhubtest.Fault{Status: 400, Code: "InvalidInputException"}, notify.Error{Permanent: true, NotSent: true}, "InvalidInput"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s, srv := hub(t, func(o *securityhub.Options) { o.Account = securityhubtest.Account })
			srv.SetFault(func(string) securityhubtest.Fault { return x.fault })
			n := notice("n1", 1, yagura.OpOpen, issue("01J0000000000000000000000A"))
			_, err := s.Deliver(t.Context(), n)
			e := (*notify.Error)(nil)
			if !errors.As(err, &e) {
				t.Fatalf("%v", err)
			}
			if e.NotSent != x.want.NotSent || e.All != x.want.All || e.After != x.want.After || e.Permanent != x.want.Permanent {
				t.Errorf("%+v, want %+v", e, x.want)
			}
			if !strings.Contains(err.Error(), x.hint) {
				t.Errorf("%q does not say %q", err, x.hint)
			}
			srv.SetFault(nil)
			if !e.Permanent {
				deliver(t, s, n)
			}
		})
	}
}

// TestUnreachable: nobody listens, so nothing was sent.
func TestUnreachable(t *testing.T) {
	s, srv := hub(t, func(o *securityhub.Options) { o.Account = securityhubtest.Account })
	srv.Close()
	_, err := s.Deliver(t.Context(), notice("n1", 1, yagura.OpOpen, issue("01J0000000000000000000000A")))
	if e := (*notify.Error)(nil); !errors.As(err, &e) || !e.NotSent || e.Permanent {
		t.Errorf("%#v", err)
	}
}

// TestNoCredentials says so, and that nothing was sent.
func TestNoCredentials(t *testing.T) {
	s, _ := hub(t, func(o *securityhub.Options) {
		o.Account = securityhubtest.Account
		o.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("nobody gives any")
		})
	})
	_, err := s.Deliver(t.Context(), notice("n1", 1, yagura.OpOpen, issue("01J0000000000000000000000A")))
	if e := (*notify.Error)(nil); !errors.As(err, &e) || !e.NotSent || !e.All || !strings.Contains(err.Error(), "nobody gives any") {
		t.Errorf("%v", err)
	}
}

// TestAccounts: an account with a connection of its own has its findings there, others are
// with us and say which account they are about.
func TestAccounts(t *testing.T) {
	_, srv := hub(t, func(o *securityhub.Options) {
		o.Account = ""
		other := o.AWS.Copy()
		other.Credentials = nil
		o.Accounts = map[string]aws.Config{}
	})
	with := srv.Config("444455556666")
	s, err := securityhub.New(securityhub.Options{Name: "hub", AWS: srv.Config(securityhubtest.Account), Window: time.Millisecond,
		Accounts: map[string]aws.Config{"444455556666": with}, Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"444455556666", "777788889999", "my-project", ""} {
		is := issue("i-" + account)
		is.Account, is.Entities = account, nil
		deliver(t, s, notice("n-"+account, 1, yagura.OpOpen, is))
	}
	var where []string
	for _, f := range srv.Findings() {
		r := f["Resources"].([]any)[0].(map[string]any)
		where = append(where, fmt.Sprint(f["Id"], " in ", f["AwsAccountId"], " about ", r["Id"]))
	}
	want := []string{
		"yagura/issue/i- in 111122223333 about AWS::::Account:111122223333",
		"yagura/issue/i-777788889999 in 111122223333 about AWS::::Account:777788889999",
		"yagura/issue/i-my-project in 111122223333 about my-project",
		"yagura/issue/i-444455556666 in 444455556666 about AWS::::Account:444455556666",
	}
	if strings.Join(where, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s", strings.Join(where, "\n"))
	}
	if got := tickets(t, s, time.Time{}, "yagura/issue/i-444455556666", "yagura/issue/none"); len(got) != 5 || !got[4].Gone {
		t.Errorf("tickets %+v", got)
	}
	if st := srv.Stats(); st.Calls["GetCallerIdentity"] != 1 {
		t.Errorf("STS was asked %d times", st.Calls["GetCallerIdentity"])
	}
	if err := s.Test(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPeople: what people do in the console comes back, once per episode.
func TestPeople(t *testing.T) {
	s, srv := hub(t, nil)
	ref := map[string]string{}
	for _, id := range []string{"a", "b", "c", "d"} {
		ref[id] = deliver(t, s, notice("n"+id, 1, yagura.OpOpen, issue(id))).Ref
	}
	for id, status := range map[string]string{"a": "RESOLVED", "b": "SUPPRESSED", "c": "NOTIFIED"} {
		if err := srv.Move("yagura/issue/"+id, status, "we know", "mary"); err != nil {
			t.Fatal(err)
		}
	}
	srv.Delete("yagura/issue/d")
	later := start.Add(24 * time.Hour) // nothing was updated since then
	got := map[string]notify.Ticket{}
	for _, x := range tickets(t, s, later, ref["a"], ref["d"]) {
		got[x.IssueID] = x
	}
	if len(got) != 4 || !got["d"].Gone || got["d"].Ref != ref["d"] {
		t.Fatalf("tickets %+v", got)
	}
	for id, want := range map[string]yagura.ChangeKind{"a": yagura.ChangeClose, "b": yagura.ChangeSuppress, "c": yagura.ChangeAck} {
		x := got[id]
		if len(x.Changes) != 1 || x.Changes[0].What != want || x.Changes[0].Who != "securityhub:mary" || x.Changes[0].Text != "we know" {
			t.Errorf("%s: %+v", id, x.Changes)
		}
		if x.Ref != ref[id] || !x.Open || len(x.Notices) != 1 || x.Notices[0] != "n"+id {
			t.Errorf("%s: %+v", id, x)
		}
	}
	first := got["a"].Changes[0].ID
	if again := tickets(t, s, later)[0].Changes[0].ID; again != first {
		t.Errorf("the id of one change was %q, then %q", first, again)
	}
	// Closed, re-opened and resolved again: another change.
	is := issue("a")
	is.Status, is.CloseReason = yagura.StatusClosed, yagura.ClosedByHuman
	n := notice("na2", 2, yagura.OpClose, is)
	n.Ref = ref["a"]
	r := deliver(t, s, n)
	is.Status, is.Episode = yagura.StatusOpen, 2
	n = notice("na3", 3, yagura.OpReopen, is)
	n.Ref = r.Ref
	deliver(t, s, n)
	for _, x := range tickets(t, s, time.Time{}) {
		if x.IssueID == "a" && len(x.Changes) != 0 {
			t.Errorf("re-opened, it still says %+v", x.Changes)
		}
	}
	if err := srv.Move("yagura/issue/a", "RESOLVED", "", ""); err != nil {
		t.Fatal(err)
	}
	if second := tickets(t, s, later)[0].Changes[0].ID; second == first {
		t.Errorf("two changes have the id %q", first)
	}
}

// TestOwn recognises what comes back.
func TestOwn(t *testing.T) {
	s, srv := hub(t, nil)
	deliver(t, s, notice("n1", 1, yagura.OpOpen, issue("01J0000000000000000000000A")))
	f := srv.Findings()[0]
	id, own := securityhub.Own(f["ProductArn"].(string), f["GeneratorId"].(string), f["Id"].(string))
	if !own || id != "01J0000000000000000000000A" {
		t.Errorf("own %v, issue %q", own, id)
	}
	for _, x := range [][3]string{
		{"arn:aws:securityhub:eu-west-1::product/aws/guardduty", "yagura/x", "yagura/issue/1"},
		{"arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default", "prowler-x", "yagura/issue/1"},
		{"arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default", "yagura/x", "other"},
	} {
		if _, own := securityhub.Own(x[0], x[1], x[2]); own {
			t.Errorf("%q is ours", x)
		}
	}
}

// TestTest tells which permission is missing, and the test notice is one archived finding.
func TestTest(t *testing.T) {
	s, srv := hub(t, nil)
	if err := s.Test(t.Context()); err != nil {
		t.Error(err)
	}
	for _, action := range []string{"GetFindings", "BatchImportFindings"} {
		srv.Deny(action, true)
		if err := s.Test(t.Context()); err == nil || !strings.Contains(err.Error(), "securityhub:"+action) {
			t.Errorf("%s is denied: %v", action, err)
		}
		srv.Deny(action, false)
	}
	for range 2 {
		if _, err := s.Deliver(t.Context(), &yagura.Notice{ID: "t", Op: yagura.OpTest, Text: "hello"}); err != nil {
			t.Fatal(err)
		}
	}
	if all := srv.Findings(); len(all) != 1 || all[0]["RecordState"] != "ARCHIVED" || all[0]["Description"] != "hello" {
		t.Errorf("%v", all)
	}
	if got := tickets(t, s, time.Time{}); len(got) != 0 {
		t.Errorf("the test is a ticket: %+v", got)
	}
}

// FuzzFinding holds what is written to the published format, whatever is in an issue.
func FuzzFinding(f *testing.F) {
	f.Add("title", "output", "arn:aws:iam::111122223333:user/mary", "key", uint64(1))
	f.Add("\x00\xff", " \n\t ", "\u202eevil", strings.Repeat("あ", 3000), uint64(2))
	f.Add("", "", "", "", uint64(3))
	f.Add(strings.Repeat("x", 5000), "AKIAIOSFODNN7EXAMPLE", "arn:aws:s3:::b/"+strings.Repeat("k", 3000), "https://x", uint64(4))
	s, err := securityhub.New(securityhub.Options{Name: "hub", Account: securityhubtest.Account, AWS: aws.Config{Region: securityhubtest.Region},
		Link: func(id string) string { return "https://yagura.example/issues/" + id }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b, c, d string, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		pick := func() string { return []string{a, b, c, d, ""}[rng.IntN(5)] }
		is := &yagura.Issue{ID: "i" + fmt.Sprint(seed), CauseKey: pick(), Kind: yagura.Kind(pick()), Title: pick(), TitleJA: pick(),
			Rule:     yagura.RuleRef{ID: pick(), Title: pick(), Tags: []string{pick(), "attack." + pick(), "attack.impact"}},
			Severity: yagura.Severity(rng.IntN(7)), SeverityOriginal: pick(), Status: yagura.Status(pick()), Account: pick(),
			Assignee: pick(), Labels: []string{pick(), pick()}, Links: []yagura.Link{{Title: pick(), URL: pick()}, {Title: pick(), URL: "https://" + pick()}},
			FirstSeen: time.Unix(rng.Int64N(1<<40)-1<<39, 0), Count: rng.Uint64(), Actor: yagura.Actor{ID: pick(), Name: pick()}}
		for range rng.IntN(60) {
			is.Entities = append(is.Entities, yagura.Entity{Type: pick(), ID: pick() + fmt.Sprint(rng.IntN(50))})
		}
		is.Entities = append(is.Entities, yagura.Entity{Type: pick(), ID: pick()}, yagura.Entity{Type: "account", ID: pick()})
		if rng.IntN(2) == 0 {
			is.Latest = &yagura.Finding{ID: pick(), Output: pick(), Why: []yagura.Why{{Field: pick(), Actual: pick()}}}
		}
		n := &yagura.Notice{ID: pick(), Op: yagura.OpUpdate, Issue: is, Entry: &yagura.Entry{Who: pick(), Text: pick()}}
		if n.ID == "" {
			n.ID = "n"
		}
		body := s.Render(n)
		if why := securityhubtest.Check(body); why != "" {
			t.Fatalf("%s\n%s", why, body)
		}
	})
}
