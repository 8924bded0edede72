package slack_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
	"github.com/yagura-sec/yagura/notify/slack"
	"github.com/yagura-sec/yagura/notify/slack/slacktest"
)

type bench struct {
	fake *slacktest.Server
	sink *slack.Sink
	soc  string // the default channel
	mary string

	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T, change ...func(*bench, *slack.Options)) *bench {
	t.Helper()
	b := &bench{fake: slacktest.New(), now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
	t.Cleanup(b.fake.Close)
	b.fake.Clock(b.Now)
	b.soc = b.fake.AddChannel("soc", true)
	b.mary = b.fake.AddUser("Mary", "mary@example.com")
	o := slack.Options{Name: "soc", Token: b.fake.Token, AppToken: b.fake.AppToken, SigningSecret: b.fake.SigningSecret, Channel: b.soc,
		API: b.fake.API(), Hooks: b.fake.Hooks(), Now: b.Now, Every: time.Nanosecond,
		IssueURL: func(id string) string { return "https://yagura.example/issues/" + id }}
	for _, f := range change {
		f(b, &o)
	}
	var err error
	if b.sink, err = slack.New(o); err != nil {
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

// Made lists the messages of the channel by their time; the first of a thread is the
// opening's, whatever edited it since.
func (b *bench) Made() (all []notifytest.Thing) {
	messages := b.fake.Messages(b.soc)
	if im := b.fake.IM(b.mary); im != "" {
		messages = append(messages, b.fake.Messages(im)...)
	}
	slices.SortStableFunc(messages, func(x, y slacktest.Message) int { return cmp.Compare(x.TS, y.TS) })
	for _, m := range messages {
		id := m.Payload("notice_id")
		if m.Payload("part") == "thread" {
			id = m.Payload("first_notice_id")
		}
		all = append(all, notifytest.Thing{Ref: m.Channel + ":" + cmp.Or(m.Thread, m.TS), Notice: id, Text: m.Text + "\n" + string(m.Blocks)})
	}
	return all
}

func (b *bench) Refusals() []string { return b.fake.Refused() }

func (b *bench) Ticket(ref string) (open, ok bool) {
	channel, ts, _ := strings.Cut(ref, ":")
	for _, m := range b.fake.Messages(channel) {
		if m.TS == ts {
			return m.Payload("status") != "closed", true
		}
	}
	return false, false
}

func (b *bench) Fail(f notifytest.Fault, n int) bool {
	b.fake.Heal()
	const method = "chat.*"
	retry := int(f.RetryAfter / time.Second)
	switch f.Kind {
	case notifytest.Answer:
		b.fake.Fail(method, n, f.Status, retry)
	case notifytest.Limit:
		b.fake.Fail(method, n, http.StatusTooManyRequests, retry)
	case notifytest.Refuse:
		b.fake.Refuse(method, n, "channel_not_found")
	case notifytest.Lose:
		b.fake.Lose(method, n)
	case notifytest.Hang:
		b.fake.Hang(method, n)
	}
	return true
}

func TestSuite(t *testing.T) {
	fake := slacktest.New()
	fake.Close()
	notifytest.Run(t, notifytest.Harness{Guarantee: notifytest.ReadBack, Tickets: true, Secrets: []string{fake.Token, fake.AppToken, fake.SigningSecret},
		New: func(t *testing.T) notifytest.Bench { return newBench(t) },
		CheckText: func(t *testing.T, text string) {
			for _, bad := range []string{"<!", "<@", "<#", "<http", "<mailto", "<https"} {
				for rest := text; ; {
					i := strings.Index(rest, bad)
					if i < 0 {
						break
					}
					// The runbook of the sample is the only link of these notices.
					if !strings.HasPrefix(rest[i:], "<https://example.com/") {
						t.Errorf("%q stands in a text", rest[i:min(len(rest), i+60)])
					}
					rest = rest[i+1:]
				}
			}
		}})
}

// TestSuiteSmallPages reads back in pages of one message.
func TestSuiteSmallPages(t *testing.T) {
	notifytest.Run(t, notifytest.Harness{Guarantee: notifytest.ReadBack, Tickets: true,
		New: func(t *testing.T) notifytest.Bench {
			return newBench(t, func(b *bench, o *slack.Options) {
				b.fake.Pages(1)
				o.Channel = "soc" // by name
			})
		}})
}
