package cloudwatch_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/cloudwatch"
	"github.com/yagura-sec/yagura/notify/cloudwatch/cloudwatchtest"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

type bench struct {
	sink *cloudwatch.Sink
	srv  *cloudwatchtest.Server

	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T) *bench {
	b := &bench{now: start}
	b.srv = cloudwatchtest.New(b.Now)
	t.Cleanup(b.srv.Close)
	b.srv.AddGroup(group)
	s, err := cloudwatch.New(cloudwatch.Options{Name: "log", AWS: b.srv.Config(), Group: group, Window: time.Millisecond, Now: b.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.sink = s
	return b
}

func (b *bench) Sink() notify.Sink { return b.sink }

func (b *bench) Made() []notifytest.Thing {
	var out []notifytest.Thing
	for _, e := range b.srv.Events(group, "yagura") {
		// What a reader of the stream sees is the decoded text.
		var v any
		if err := json.Unmarshal([]byte(e.Message), &v); err != nil {
			panic(err)
		}
		id, _ := cloudwatch.Own([]byte(e.Message))
		out = append(out, notifytest.Thing{Notice: id, Text: texts(v)})
	}
	return out
}

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

func (b *bench) Refusals() []string { return b.srv.Stats().Refused }

func (b *bench) Ticket(string) (open, ok bool) { return false, false }

func (b *bench) Fail(f notifytest.Fault, n int) bool {
	fault := cloudwatchtest.Fault{Lose: f.Kind == notifytest.Lose, Hang: f.Kind == notifytest.Hang}
	if f.RetryAfter > 0 {
		fault.RetryAfter = cloudwatchtest.Seconds(f.RetryAfter)
	}
	switch f.Kind {
	case notifytest.Answer:
		fault.Status = f.Status
	case notifytest.Limit:
		fault.Status, fault.Code = 400, "ThrottlingException"
	case notifytest.Refuse:
		fault.Status, fault.Code = 400, "InvalidParameterException"
	}
	b.srv.SetFault(func(action string) cloudwatchtest.Fault {
		if action != "PutLogEvents" || n <= 0 {
			return cloudwatchtest.Fault{}
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
	notifytest.Run(t, notifytest.Harness{Guarantee: notifytest.AtLeastOnce, Secrets: []string{"secret"},
		New: func(t *testing.T) notifytest.Bench { return newBench(t) }})
}
