package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/triage"
)

// baseline answers what is usual.
type baseline interface {
	// Questions are those that can be asked about a finding, without their answers.
	Questions(c *triage.Found) []yagura.Usual
	// Answer answers questions, in their order.
	Answer(ctx context.Context, questions []yagura.Usual) ([]yagura.Usual, error)
}

// The bounds of what is asked unless the configuration says otherwise.
const (
	usualTimeout = 2 * time.Second
	usualAtMost  = 500
	usualMemory  = 256 << 20
	// usualAtOnce is how many batches ask at a time: a lake that hangs takes no more than
	// so many goroutines with it.
	usualAtOnce = 2
	// usualCached is how many answers are remembered twice over; usualLong is how long a
	// value may be to be remembered.
	usualCached = 20_000
	usualLong   = 1024
	// After an ask that failed nobody waits for the lake for a while, which doubles.
	usualPause   = 5 * time.Second
	usualPauseTo = time.Minute
)

// Baselines tells the desk how usual the values of findings are, and never holds a finding
// up for it: it asks for many at once, within a time, and what it does not learn it says.
//
// The answer to a question depends on the events before the full hour of the finding. The
// same question has the same answer: that which was filed with the finding, or one of a
// moment ago, before the lake is asked again.
type Baselines struct {
	ask     baseline
	timeout time.Duration
	most    int
	now     func() time.Time
	log     *slog.Logger
	// filed returns what was known of findings when they were filed, by id; nil: nothing is.
	filed func(ctx context.Context, ids []string) (map[string][]yagura.Usual, error)
	slots chan struct{}
	close func() error

	mu     sync.Mutex
	cache  [2]map[usualKey]yagura.Usual // of now, and the one before
	until  time.Time                    // nobody is asked before
	pause  time.Duration
	reason string // of the pause
	logged time.Time

	stats usualStats
}

// usualStats counts questions by where their answers came from.
type usualStats struct{ lake, remembered, filed, unknown atomic.Uint64 }

type usualKey struct {
	of     string
	entity yagura.Entity
	value  string
	before int64
}

func keyOfUsual(u *yagura.Usual) usualKey { return usualKey{u.Of, u.Entity, u.Value, u.Before.Unix()} }

func newBaselines(ask baseline, timeout time.Duration, most int, now func() time.Time, log *slog.Logger) *Baselines {
	return &Baselines{ask: ask, timeout: cmp.Or(timeout, usualTimeout), most: cmp.Or(most, usualAtMost), now: now, log: log,
		slots: make(chan struct{}, usualAtOnce), close: func() error { return nil }}
}

// Close ends what answers.
func (b *Baselines) Close() error {
	if b == nil {
		return nil
	}
	return b.close()
}

// Learn writes into findings what is known of their values in some dimensions. It comes back
// within the time limit, whatever the lake does.
func (b *Baselines) Learn(ctx context.Context, cases []*triage.Found, of []string) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	asked := b.questions(cases, of)
	b.fromFiled(ctx, cases, asked)
	open := b.fromCache(asked)
	reason, answers := "", map[usualKey]yagura.Usual(nil)
	if len(open) > 0 {
		answers, reason = b.fromLake(ctx, open)
	}
	for i, list := range asked {
		for k := range list {
			q := &list[k]
			if q.answered {
				continue
			}
			if a, ok := answers[keyOfUsual(&q.Usual)]; ok {
				q.Usual = a
				b.stats.lake.Add(1)
			} else {
				q.Unknown = cmp.Or(reason, fmt.Sprintf("more than %d questions at once", b.most))
				b.stats.unknown.Add(1)
			}
		}
		f := &cases[i].Finding
		keep := slices.DeleteFunc(slices.Clone(f.Usual), func(u yagura.Usual) bool { return slices.Contains(of, u.Of) })
		for k := range list {
			keep = append(keep, list[k].Usual)
		}
		f.Usual = keep
	}
}

// question is one question about a finding, with its answer as soon as it is there.
type question struct {
	yagura.Usual
	answered bool
}

// questions lists what is to be found out of each finding. What it says itself is an answer.
func (b *Baselines) questions(cases []*triage.Found, of []string) [][]question {
	out := make([][]question, len(cases))
	for i, c := range cases {
		for _, u := range b.questionsOf(c) {
			if !slices.Contains(of, u.Of) {
				continue
			}
			q := question{Usual: u}
			if u.Unknown != "" { // it cannot be asked
				q.answered = true
				b.stats.unknown.Add(1)
			}
			q.answeredBy(c.Finding.Usual)
			out[i] = append(out[i], q)
		}
	}
	return out
}

// questionsOf lists the questions of one finding. One that makes it panic has none.
func (b *Baselines) questionsOf(c *triage.Found) (list []yagura.Usual) {
	defer func() {
		if p := recover(); p != nil {
			b.complain(fmt.Errorf("finding %s: %v", c.Finding.ID, p))
			list = nil
		}
	}()
	return b.ask.Questions(c)
}

func (q *question) answeredBy(list []yagura.Usual) bool {
	for i := range list {
		if u := &list[i]; u.Unknown == "" && u.Asks(&q.Usual) {
			q.Usual, q.answered = *u, true
			return true
		}
	}
	return false
}

// fromFiled takes the answers of findings that are filed already: one that comes again, or
// whose window has grown, is judged by what was known when it came first.
func (b *Baselines) fromFiled(ctx context.Context, cases []*triage.Found, asked [][]question) {
	if b.filed == nil {
		return
	}
	var ids []string
	for i, list := range asked {
		if slices.ContainsFunc(list, func(q question) bool { return !q.answered }) {
			ids = append(ids, cases[i].Finding.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	filed, err := b.filed(ctx, ids)
	if err != nil {
		return // the store is away: it will be waited for when they are filed
	}
	for i, list := range asked {
		for k := range list {
			if !list[k].answered && list[k].answeredBy(filed[cases[i].Finding.ID]) {
				b.stats.filed.Add(1)
			}
		}
	}
}

// fromCache takes answers that are remembered, and returns the questions that are left, each
// once and no more than may be asked.
func (b *Baselines) fromCache(asked [][]question) (open []yagura.Usual) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := map[usualKey]bool{}
	for _, list := range asked {
		for k := range list {
			q := &list[k]
			if q.answered {
				continue
			}
			key := keyOfUsual(&q.Usual)
			if a, ok := b.remembered(key); ok {
				q.Usual, q.answered = a, true
				b.stats.remembered.Add(1)
				continue
			}
			if !seen[key] && len(open) < b.most {
				seen[key] = true
				open = append(open, q.Usual)
			}
		}
	}
	return open
}

func (b *Baselines) remembered(key usualKey) (yagura.Usual, bool) {
	if a, ok := b.cache[0][key]; ok {
		return a, true
	}
	a, ok := b.cache[1][key]
	if ok {
		b.remember(key, a)
	}
	return a, ok
}

func (b *Baselines) remember(key usualKey, a yagura.Usual) {
	if len(key.value)+len(key.entity.ID) > usualLong {
		return
	}
	if len(b.cache[0]) >= usualCached || b.cache[0] == nil {
		b.cache[0], b.cache[1] = map[usualKey]yagura.Usual{}, b.cache[0]
	}
	b.cache[0][key] = a
}

// fromLake asks; without answers it says why there are none.
func (b *Baselines) fromLake(ctx context.Context, open []yagura.Usual) (answers map[usualKey]yagura.Usual, reason string) {
	b.mu.Lock()
	now := b.now()
	if now.Before(b.until) {
		reason = b.reason
	}
	b.mu.Unlock()
	if reason != "" {
		return nil, reason
	}
	got, err := b.answer(ctx, open)
	if err == nil && len(got) != len(open) {
		err = fmt.Errorf("%d answers to %d questions", len(got), len(open))
	}
	if err != nil {
		reason = oneLineOf(err)
		if errors.Is(err, context.DeadlineExceeded) {
			reason = fmt.Sprintf("the lake did not answer within %s", b.timeout)
		}
		b.mu.Lock()
		b.pause = min(max(2*b.pause, usualPause), usualPauseTo)
		b.until, b.reason = now.Add(b.pause), reason
		b.mu.Unlock()
		if !errors.Is(err, duck.ErrNoEngine) {
			err = errors.New(reason)
		}
		b.complain(err)
		return nil, reason
	}
	answers = make(map[usualKey]yagura.Usual, len(open))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pause, b.until, b.reason = 0, time.Time{}, ""
	for i := range open {
		key := keyOfUsual(&open[i])
		a := got[i]
		answers[key] = a
		b.remember(key, a)
	}
	return answers, ""
}

// answer asks the lake and waits no longer than ctx: an engine that does not listen to it is
// left alone.
func (b *Baselines) answer(ctx context.Context, open []yagura.Usual) ([]yagura.Usual, error) {
	type result struct {
		list []yagura.Usual
		err  error
	}
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{nil, fmt.Errorf("asking the lake panicked: %v", p)}
			}
			<-b.slots
			done <- r
		}()
		r.list, r.err = b.ask.Answer(ctx, slices.Clone(open))
	}()
	select {
	case r := <-done:
		if r.err != nil && ctx.Err() != nil {
			r.err = ctx.Err()
		}
		return r.list, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// complain logs what went wrong, once a minute at most.
func (b *Baselines) complain(err error) {
	b.mu.Lock()
	now := b.now()
	quiet := !b.logged.IsZero() && (now.Sub(b.logged) < time.Minute || errors.Is(err, duck.ErrNoEngine)) // that will not change
	if !quiet {
		b.logged = now
	}
	b.mu.Unlock()
	if !quiet && b.log != nil {
		b.log.Warn("it is not known what is usual: findings are judged without it", "error", err)
	}
}

// oneLineOf is an error on one line of bounded length.
func oneLineOf(err error) string {
	s := []rune(err.Error())
	for i, r := range s {
		if r < ' ' || r == 0x7F {
			s[i] = ' '
		}
	}
	return string(s[:min(len(s), 200)])
}
