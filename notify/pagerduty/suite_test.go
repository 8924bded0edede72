package pagerduty_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
	"github.com/yagura-sec/yagura/notify/pagerduty"
	"github.com/yagura-sec/yagura/notify/pagerduty/pagerdutytest"
)

const (
	mainKey = "0123456789abcdef0123456789abcdef"
	teamKey = "fedcba9876543210fedcba9876543210"
	secret  = "webhook-secret-of-a-subscription"
)

type bench struct {
	fake *pagerdutytest.Server
	sink *pagerduty.Sink

	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T, change ...func(*pagerduty.Options)) *bench {
	t.Helper()
	b := &bench{fake: pagerdutytest.New(mainKey, teamKey), now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
	t.Cleanup(b.fake.Close)
	b.fake.Clock(b.Now)
	o := pagerduty.Options{Name: "oncall", RoutingKey: mainKey, Teams: map[string]string{"payments": teamKey}, Endpoint: b.fake.Endpoint(), API: b.fake.URL(),
		WebhookSecrets: []string{secret}, Now: b.Now, IssueURL: func(id string) string { return "https://yagura.example/issues/" + id }}
	for _, f := range change {
		f(&o)
	}
	var err error
	if b.sink, err = pagerduty.New(o); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) Sink() notify.Sink { return b.sink }

func (b *bench) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) Advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) Made() (all []notifytest.Thing) {
	for _, in := range b.fake.Incidents() {
		all = append(all, notifytest.Thing{Ref: in.Key, Notice: in.Notice, Text: string(in.Body)})
	}
	return all
}

func (b *bench) Refusals() []string { return b.fake.Refused() }

func (b *bench) Ticket(ref string) (open, ok bool) {
	key, _, _ := strings.Cut(ref, "@")
	for _, in := range slices.Backward(b.fake.Incidents()) {
		if in.Key == key {
			return in.Status != "resolved", true
		}
	}
	return false, false
}

func (b *bench) Fail(f notifytest.Fault, n int) bool {
	b.fake.Heal()
	retry := ""
	if f.RetryAfter > 0 {
		retry = f.RetryAfter.Round(time.Second).String()
		retry = strings.TrimSuffix(retry, "s")
		if f.RetryAfter >= time.Minute {
			retry = "60"
		}
	}
	switch f.Kind {
	case notifytest.Answer:
		b.fake.Fail(n, f.Status, retry)
	case notifytest.Limit:
		b.fake.Fail(n, http.StatusTooManyRequests, retry)
	case notifytest.Refuse:
		b.fake.Fail(n, http.StatusBadRequest, "")
	case notifytest.Lose:
		b.fake.Lose(n)
	case notifytest.Hang:
		b.fake.Hang(n)
	}
	return true
}

func TestSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Harness{Guarantee: notifytest.Keyed, Tickets: true, Secrets: []string{mainKey, teamKey, secret},
		New: func(t *testing.T) notifytest.Bench { return newBench(t) }})
}
