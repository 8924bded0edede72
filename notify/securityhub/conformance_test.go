package securityhub_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
	"github.com/yagura-sec/yagura/notify/securityhub"
	"github.com/yagura-sec/yagura/notify/securityhub/securityhubtest"
)

type bench struct {
	sink *securityhub.Sink
	srv  *securityhubtest.Server

	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T) *bench {
	b := &bench{srv: securityhubtest.New(), now: start}
	t.Cleanup(b.srv.Close)
	s, err := securityhub.New(securityhub.Options{Name: "hub", AWS: b.srv.Config(securityhubtest.Account), Window: time.Millisecond, Now: b.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.sink = s
	return b
}

func (b *bench) Sink() notify.Sink { return b.sink }

func (b *bench) Made() []notifytest.Thing {
	var out []notifytest.Thing
	for _, f := range b.srv.Findings() {
		text, _ := json.Marshal(f)
		n, _ := f["ProductFields"].(map[string]any)["yagura/notice"].(string)
		out = append(out, notifytest.Thing{Ref: f["Id"].(string), Notice: n, Text: string(text)})
	}
	return out
}

func (b *bench) Refusals() []string { return b.srv.Stats().Refused }

func (b *bench) Ticket(ref string) (open, ok bool) {
	for _, f := range b.srv.Findings() {
		if f["Id"] == ref {
			return f["RecordState"] == "ACTIVE", true
		}
	}
	return false, false
}

func (b *bench) Fail(f notifytest.Fault, n int) bool {
	fault := securityhubtest.Fault{Lose: f.Kind == notifytest.Lose, Hang: f.Kind == notifytest.Hang}
	if f.RetryAfter > 0 {
		fault.RetryAfter = securityhubtest.Seconds(f.RetryAfter)
	}
	switch f.Kind {
	case notifytest.Answer:
		fault.Status = f.Status
	case notifytest.Limit:
		fault.Status, fault.Code = 429, "TooManyRequestsException"
	case notifytest.Refuse:
		fault.Status, fault.Code = 400, "InvalidInputException"
	}
	b.srv.SetFault(func(action string) securityhubtest.Fault {
		if action != "BatchImportFindings" || n <= 0 {
			return securityhubtest.Fault{}
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

// TestConformance holds the sink to the contract of all sinks.
func TestConformance(t *testing.T) {
	notifytest.Run(t, notifytest.Harness{Guarantee: notifytest.ReadBack, Tickets: true, Secrets: []string{"secret"},
		New: func(t *testing.T) notifytest.Bench { return newBench(t) }})
}
