package cloudwatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/cloudwatch"
	"github.com/yagura-sec/yagura/notify/cloudwatch/cloudwatchtest"
)

var start = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

const group = "/yagura/notices"

func sink(t *testing.T, change func(*cloudwatch.Options)) (*cloudwatch.Sink, *cloudwatchtest.Server) {
	t.Helper()
	srv := cloudwatchtest.New(func() time.Time { return start })
	t.Cleanup(srv.Close)
	srv.AddGroup(group)
	o := cloudwatch.Options{Name: "log", AWS: srv.Config(), Group: group, Window: time.Millisecond, Now: func() time.Time { return start }}
	if change != nil {
		change(&o)
	}
	s, err := cloudwatch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, srv
}

func notice(id string) *yagura.Notice {
	n := notify.Sample(yagura.OpOpen)
	n.ID, n.Created = id, start.Add(-time.Minute)
	return n
}

func deliver(t *testing.T, s *cloudwatch.Sink, n *yagura.Notice) yagura.Receipt {
	t.Helper()
	r, err := s.Deliver(t.Context(), n)
	if err != nil {
		t.Fatalf("notice %s: %v", n.ID, err)
	}
	return r
}

// TestEvent: the stream is made, and every kind of notice is an event that is known as ours.
func TestEvent(t *testing.T) {
	s, srv := sink(t, nil)
	for i, op := range []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpClose, yagura.OpReopen,
		yagura.OpComment, yagura.OpAsk, yagura.OpDigest, yagura.OpTest} {
		n := notify.Sample(op)
		n.ID, n.Created = fmt.Sprint("n", i), start
		if r := deliver(t, s, n); r.Doubled {
			t.Errorf("%s: doubled", op)
		}
		all := srv.Events(group, "yagura")
		e := all[len(all)-1]
		var got struct {
			V                  int
			Notice, From, Text string
			Op                 yagura.Op
			Issue              *yagura.Issue
			Finding            *yagura.Finding
		}
		if err := json.Unmarshal([]byte(e.Message), &got); err != nil {
			t.Fatal(err)
		}
		if got.V != 1 || got.Notice != n.ID || got.Op != op || got.From != "yagura" || got.Text != n.Text ||
			(got.Issue == nil) != (n.Issue == nil) || got.Issue != nil && got.Issue.ID != n.Issue.ID || !e.At.Equal(start) {
			t.Errorf("%s: %s", op, e.Message)
		}
		if id, own := cloudwatch.Own([]byte(e.Message)); !own || id != n.ID {
			t.Errorf("%s: own %v, %q", op, own, id)
		}
	}
	for _, m := range []string{"", "{}", `{"from":"yagura"}`, `{"notice":"x","note":"yagura"}`, `[1,"yagura"]`} {
		if _, own := cloudwatch.Own([]byte(m)); own {
			t.Errorf("%s is ours", m)
		}
	}
}

// TestMissing: a group that is not there is made only where that is allowed.
func TestMissing(t *testing.T) {
	s, srv := sink(t, func(o *cloudwatch.Options) { o.Group = "/other" })
	_, err := s.Deliver(t.Context(), notice("n1"))
	e := (*notify.Error)(nil)
	if !errors.As(err, &e) || e.Permanent || !e.NotSent || !strings.Contains(err.Error(), "create_group") {
		t.Errorf("%v", err)
	}
	if srv.Stats().Calls["CreateLogGroup"] != 0 {
		t.Error("the group was made")
	}
	s, srv = sink(t, func(o *cloudwatch.Options) { o.Group, o.CreateGroup = "/other", true })
	srv.Deny("CreateLogGroup", true)
	if _, err = s.Deliver(t.Context(), notice("n1")); !errors.As(err, &e) || e.Permanent || !strings.Contains(err.Error(), "logs:CreateLogGroup") {
		t.Errorf("%v", err)
	}
	srv.Deny("CreateLogGroup", false)
	deliver(t, s, notice("n1"))
	if n := srv.Notices("/other", "yagura"); n["n1"] != 1 {
		t.Errorf("%v", n)
	}
}

// TestBatch: many at once share calls within the limits, in the order of time.
func TestBatch(t *testing.T) {
	s, srv := sink(t, func(o *cloudwatch.Options) { o.Window = 300 * time.Millisecond })
	var wg sync.WaitGroup
	const many = 600
	for i := range many {
		wg.Go(func() {
			n := notice(fmt.Sprint("n", i))
			n.Created = start.Add(-time.Duration(i*7919%many) * 200 * time.Second) // 33 hours, in no order
			if _, err := s.Deliver(t.Context(), n); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	st := srv.Stats()
	if st.Events != many || st.Rejected != 0 || len(st.Refused) != 0 {
		t.Errorf("%+v", st)
	}
	if st.Calls["PutLogEvents"] > 40 {
		t.Errorf("%d calls", st.Calls["PutLogEvents"])
	}
	for id, times := range srv.Notices(group, "yagura") {
		if times != 1 {
			t.Errorf("%s is there %d times", id, times)
		}
	}
}

// TestOldNotice: an outage of a month loses nothing, whatever the retention.
func TestOldNotice(t *testing.T) {
	s, srv := sink(t, nil)
	srv.SetRetention(24 * time.Hour)
	for i, age := range []time.Duration{30 * 24 * time.Hour, 25 * time.Hour, -72 * time.Hour} {
		n := notice(fmt.Sprint("n", i))
		n.Created = start.Add(-age)
		deliver(t, s, n)
	}
	if n := srv.Notices(group, "yagura"); len(n) != 3 {
		t.Errorf("%v", n)
	}
}

// TestRejected: where the clocks disagree, what the service rejects is a dead letter, and
// what it took of the same call is not.
func TestRejected(t *testing.T) {
	now := start.Add(-15 * 24 * time.Hour)
	s, _ := sink(t, func(o *cloudwatch.Options) { o.Now = func() time.Time { return now } })
	n := notice("n1")
	n.Created = now
	_, err := s.Deliver(t.Context(), n)
	if e := (*notify.Error)(nil); !errors.As(err, &e) || !e.Permanent || !strings.Contains(err.Error(), "too old") {
		t.Errorf("%v", err)
	}
	now = start.Add(3 * time.Hour)
	n.Created = now
	_, err = s.Deliver(t.Context(), n)
	if e := (*notify.Error)(nil); !errors.As(err, &e) || !e.Permanent || !strings.Contains(err.Error(), "too new") {
		t.Errorf("%v", err)
	}
	// One call with an event that is rejected and one that is not.
	s, srv := sink(t, func(o *cloudwatch.Options) {
		o.Window = 200 * time.Millisecond
		o.Now = func() time.Time { return start.Add(150 * time.Minute) }
	})
	var wg sync.WaitGroup
	for id, at := range map[string]time.Time{"good": start, "bad": start.Add(150 * time.Minute)} {
		wg.Go(func() {
			n := notice(id)
			n.Created = at
			if _, err := s.Deliver(t.Context(), n); (err != nil) != (id == "bad") {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	wg.Wait()
	if got := srv.Notices(group, "yagura"); len(got) != 1 || got["good"] != 1 {
		t.Errorf("%v", got)
	}
}

// TestAnswerLost: never lost, found again where that is possible, counted where it is not.
func TestAnswerLost(t *testing.T) {
	for _, x := range []struct {
		name    string
		prepare func(*cloudwatch.Options, *cloudwatchtest.Server)
		times   int
		doubled bool
	}{
		{"searchable", func(*cloudwatch.Options, *cloudwatchtest.Server) {}, 1, false},
		{"not yet", func(_ *cloudwatch.Options, s *cloudwatchtest.Server) { s.Hide(1) }, 2, true},
		{"not allowed", func(_ *cloudwatch.Options, s *cloudwatchtest.Server) { s.Deny("FilterLogEvents", true) }, 2, true},
		{"not wanted", func(o *cloudwatch.Options, _ *cloudwatchtest.Server) { o.NoReadBack = true }, 2, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			srv := cloudwatchtest.New(func() time.Time { return start })
			defer srv.Close()
			srv.AddGroup(group)
			o := cloudwatch.Options{Name: "log", AWS: srv.Config(), Group: group, Window: time.Millisecond, Now: func() time.Time { return start }}
			x.prepare(&o, srv)
			s, err := cloudwatch.New(o)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 120 { // so that the search has pages
				n := notice(fmt.Sprint("other", i))
				n.Created = start.Add(-2 * time.Minute)
				deliver(t, s, n)
			}
			srv.SetFault(func(action string) cloudwatchtest.Fault {
				return cloudwatchtest.Fault{Lose: action == "PutLogEvents"}
			})
			n := notice("n1")
			_, err = s.Deliver(t.Context(), n)
			if e := (*notify.Error)(nil); err == nil || errors.As(err, &e) && (e.NotSent || e.Permanent) {
				t.Fatalf("%#v", err)
			}
			srv.SetFault(nil)
			n.Uncertain, n.Attempts, n.FirstTried = true, 1, start
			r := deliver(t, s, n)
			if got := srv.Notices(group, "yagura")["n1"]; got != x.times || r.Doubled != x.doubled {
				t.Errorf("there %d times, doubled %v, %q", got, r.Doubled, r.Detail)
			}
		})
	}
}

// TestFaults says what each failure means for the next attempt.
func TestFaults(t *testing.T) {
	for _, x := range []struct {
		fault cloudwatchtest.Fault
		want  notify.Error
	}{
		{cloudwatchtest.Fault{Status: 400, Code: "ThrottlingException"}, notify.Error{NotSent: true, All: true, After: 2 * time.Second}},
		{cloudwatchtest.Fault{Status: 429, RetryAfter: "9"}, notify.Error{NotSent: true, All: true, After: 9 * time.Second}},
		{cloudwatchtest.Fault{Status: 400, Code: "AccessDeniedException"}, notify.Error{NotSent: true, All: true, After: time.Minute}},
		{cloudwatchtest.Fault{Status: 400, Code: "UnrecognizedClientException"}, notify.Error{NotSent: true, All: true, After: time.Minute}},
		{cloudwatchtest.Fault{Status: 500, Code: "InternalFailure"}, notify.Error{}},
		{cloudwatchtest.Fault{Status: 503, Code: "ServiceUnavailableException"}, notify.Error{}},
		{cloudwatchtest.Fault{Status: 400, Code: "InvalidParameterException"}, notify.Error{Permanent: true, NotSent: true}},
		{cloudwatchtest.Fault{Cut: true}, notify.Error{}},
	} {
		s, srv := sink(t, nil)
		srv.SetFault(func(string) cloudwatchtest.Fault { return x.fault })
		_, err := s.Deliver(context.Background(), notice("n1"))
		e := (*notify.Error)(nil)
		if !errors.As(err, &e) || e.NotSent != x.want.NotSent || e.All != x.want.All || e.After != x.want.After || e.Permanent != x.want.Permanent {
			t.Errorf("%+v: %+v", x.fault, e)
		}
		srv.SetFault(nil)
		if e != nil && !e.Permanent {
			deliver(t, s, notice("n1"))
		}
	}
}

// TestHuge: an issue of any size is an event within the bound, and says that it was cut.
func TestHuge(t *testing.T) {
	for _, most := range []int{16 << 10, 0, 1<<20 - 26} {
		s, srv := sink(t, func(o *cloudwatch.Options) { o.MaxEvent = most })
		n := notice("n1")
		for i := range 20000 {
			n.Issue.Entities = append(n.Issue.Entities, yagura.Entity{Type: "ip", ID: fmt.Sprint(i, strings.Repeat("\x01", 80))})
		}
		n.Finding.Output = strings.Repeat("あ", 1<<20)
		deliver(t, s, n)
		e := srv.Events(group, "yagura")[0]
		var got struct{ Cut int }
		if err := json.Unmarshal([]byte(e.Message), &got); err != nil || got.Cut == 0 {
			t.Errorf("%d bytes, cut %d, %v", len(e.Message), got.Cut, err)
		}
	}
}

// TestTest names the permission that is missing.
func TestTest(t *testing.T) {
	s, srv := sink(t, nil)
	if err := s.Test(t.Context()); err != nil {
		t.Error(err)
	}
	for _, action := range []string{"CreateLogStream", "PutLogEvents", "FilterLogEvents"} {
		srv.Deny(action, true)
		if err := s.Test(t.Context()); err == nil || !strings.Contains(err.Error(), "logs:"+action) {
			t.Errorf("%s: %v", action, err)
		}
		srv.Deny(action, false)
	}
	if st := srv.Stats(); st.Events != 0 {
		t.Errorf("the test wrote %d events", st.Events)
	}
}

// FuzzRender holds events to JSON and to the bound.
func FuzzRender(f *testing.F) {
	f.Add("title", "output", int64(1), uint8(3))
	f.Add("\x00\xff\u202e", strings.Repeat("\x01", 5000), int64(1)<<40, uint8(0))
	f.Add(`"}],{`, "<>&", int64(-1)<<60, uint8(200))
	s, err := cloudwatch.New(cloudwatch.Options{Name: "log", AWS: cloudwatchtest.New(nil).Config(), Group: group, MaxEvent: 16 << 10})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b string, at int64, n uint8) {
		a, b = a[:min(len(a), 300)], b[:min(len(b), 300)] // sizes have a test of their own
		no := notify.Sample(yagura.OpComment)
		no.Issue.Title, no.Issue.CauseKey, no.Entry.Text, no.Text, no.Finding.Output = a, b, a, b, a+b
		no.Issue.LastSeen, no.Finding.Time = time.Unix(at, 0), time.Unix(at, 0)
		for range n % 20 {
			no.Issue.Entities = append(no.Issue.Entities, yagura.Entity{Type: a, ID: b})
			no.Finding.Why = append(no.Finding.Why, yagura.Why{Field: a, Actual: b})
		}
		body, err := s.Render(no)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(body) || len(body) > 16<<10 || len(body) == 0 {
			t.Fatalf("%d bytes: %.300s", len(body), body)
		}
		if id, own := cloudwatch.Own(body); !own || id != no.ID {
			t.Fatalf("own %v %q", own, id)
		}
	})
}
