package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
)

// stoppedRule is the rule of findings about parts of the service that panicked.
var stoppedRule = yagura.RuleRef{ID: "yagura-part-stopped", Title: "A part of Yagura stopped on something", Engine: yagura.EngineBuiltin, Tags: []string{}}

// stops remembers parts that panicked until a finding has said so. A panic ends the work at
// hand and not the process.
type stops struct {
	total atomic.Uint64
	mu    sync.Mutex
	news  map[string]string // why, by part
}

// stopped notes a panic.
func (s *Serve) stopped(part, why string) {
	s.stops.total.Add(1)
	s.log.Error("a part of the service panicked: what it was at is left out or done again", "part", part, "error", why)
	s.stops.mu.Lock()
	defer s.stops.mu.Unlock()
	if s.stops.news == nil {
		s.stops.news = map[string]string{}
	}
	s.stops.news[part] = why
}

// tellStopped files one finding a day of each part that panicked.
func (h *house) tellStopped(ctx context.Context, now time.Time) error {
	st := &h.s.stops
	st.mu.Lock()
	news := st.news
	st.news = nil
	st.mu.Unlock()
	var findings []yagura.Finding
	for _, part := range slices.Sorted(maps.Keys(news)) {
		findings = append(findings, builtinFinding(stoppedRule, yagura.SeverityHigh, h.s.db.Replica()+"/"+part+"/"+day(now), "part="+part,
			fmt.Sprintf("%s panicked, and the rest goes on: %s; the log has more", part, news[part]), now))
	}
	if findings == nil {
		return nil
	}
	err := h.s.take(ctx, findings...)
	if err != nil {
		st.mu.Lock()
		defer st.mu.Unlock()
		if st.news == nil {
			st.news = map[string]string{}
		}
		for part, why := range news {
			if _, newer := st.news[part]; !newer {
				st.news[part] = why
			}
		}
	}
	return err
}

// safely does a chore. A panic is an error of it.
func (h *house) safely(ctx context.Context, j chore) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.s.stopped("chore: "+j.name, fmt.Sprint(p))
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	return j.do(ctx, h.s.o.Now())
}
