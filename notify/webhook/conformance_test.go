package webhook_test

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
	"github.com/yagura-sec/yagura/notify/webhook"
	"github.com/yagura-sec/yagura/notify/webhook/webhooktest"
)

var loopback = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

type bench struct {
	sink *webhook.Sink
	srv  *webhooktest.Server

	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T, format string, check func([]byte) string) *bench {
	b := &bench{now: start}
	b.srv = webhooktest.New(b.Now, check, key(0))
	b.srv.Start()
	t.Cleanup(b.srv.Close)
	o := local(b.srv.URL)
	o.URL += "/secret-path-of-the-hook"
	o.Name, o.Now, o.Format, o.Keys, o.Headers = "soc", b.Now, format, []string{key(0)}, map[string]string{"Authorization": "Bearer secret-bearer"}
	s, err := webhook.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b.sink = s
	return b
}

func (b *bench) Sink() notify.Sink { return b.sink }

func (b *bench) Made() []notifytest.Thing {
	var out []notifytest.Thing
	for _, r := range b.srv.Requests() {
		var v any
		if err := json.Unmarshal([]byte(r.Body), &v); err != nil {
			panic(err)
		}
		out = append(out, notifytest.Thing{Notice: r.ID, Text: texts(v)})
	}
	return out
}

// texts are the decoded strings of a body, as its reader sees them.
func texts(v any) string {
	switch v := v.(type) {
	case string:
		return v + "\n"
	case []any:
		out := ""
		for _, x := range v {
			out += texts(x)
		}
		return out
	case map[string]any:
		out := ""
		for k, x := range v {
			out += k + " " + texts(x)
		}
		return out
	}
	return ""
}

func (b *bench) Refusals() []string { return b.srv.Refused() }

func (b *bench) Ticket(string) (open, ok bool) { return false, false }

func (b *bench) Fail(f notifytest.Fault, n int) bool {
	fault := webhooktest.Fault{Lose: f.Kind == notifytest.Lose, Hang: f.Kind == notifytest.Hang}
	if f.RetryAfter > 0 {
		fault.RetryAfter = strconv.Itoa(int(f.RetryAfter / time.Second))
	}
	switch f.Kind {
	case notifytest.Answer:
		fault.Status = f.Status
	case notifytest.Limit:
		fault.Status = 429
	case notifytest.Refuse:
		fault.Status = 422
	}
	b.srv.SetFault(func() webhooktest.Fault {
		if n <= 0 {
			return webhooktest.Fault{}
		}
		n--
		return fault
	})
	return true
}

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

// TestConformance holds the sink to the contract of all sinks, in both forms.
func TestConformance(t *testing.T) {
	for format, check := range map[string]func([]byte) string{webhook.OCSF: webhooktest.CheckOCSF, webhook.Falcosidekick: webhooktest.CheckFalco} {
		t.Run(format, func(t *testing.T) {
			notifytest.Run(t, notifytest.Harness{Guarantee: notifytest.AtLeastOnce,
				Secrets: []string{key(0)[6:], "secret-bearer", "secret-path-of-the-hook"},
				New:     func(t *testing.T) notifytest.Bench { return newBench(t, format, check) }})
		})
	}
}
