package slack

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

const (
	// burst is how many messages a channel takes at once; then it is one per Every.
	burst = 3
	// patience is how long a call waits for its turn. A longer wait is the caller's.
	patience = 15 * time.Second
)

// turns keeps a bucket of tokens per channel, and what Slack said of waiting.
type turns struct {
	every time.Duration
	now   func() time.Time

	mu     sync.Mutex
	free   map[string]time.Time // by channel: when the bucket would be full again
	blocks map[string]time.Time // by method and channel
}

func newTurns(every time.Duration, now func() time.Time) *turns {
	return &turns{every: every, now: now, free: map[string]time.Time{}, blocks: map[string]time.Time{}}
}

// reserve takes a token and says how long to wait for it; one that is further away than
// patience is not taken.
func (t *turns) reserve(channel string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if len(t.free) > 1024 {
		for c, full := range t.free {
			if full.Before(now) {
				delete(t.free, c)
			}
		}
	}
	full := t.free[channel]
	if full.Before(now) {
		full = now
	}
	full = full.Add(t.every)
	wait := full.Sub(now) - burst*t.every
	if wait <= patience {
		t.free[channel] = full
	}
	return wait
}

// wait returns when it is the channel's turn.
func (t *turns) wait(ctx context.Context, channel string) error {
	d := t.reserve(channel)
	if d <= 0 {
		return nil
	}
	if end, ok := ctx.Deadline(); d > patience || ok && time.Until(end) < d {
		return &notify.Error{NotSent: true, After: d, Err: fmt.Errorf("slack: channel %s: too many messages wait for their turn", channel)}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return &notify.Error{NotSent: true, Err: fmt.Errorf("slack: channel %s: waiting for a turn: %w", channel, ctx.Err())}
	case <-timer.C:
		return nil
	}
}

func (t *turns) block(method, channel string, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.blocks[method+" "+channel] = t.now().Add(d)
}

// blocked says how long Slack still wants to be left alone.
func (t *turns) blocked(method, channel string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, wait := t.now(), time.Duration(0)
	for _, key := range []string{method + " " + channel, method + " "} {
		if till, ok := t.blocks[key]; ok {
			if d := till.Sub(now); d > 0 {
				wait = max(wait, d)
			} else {
				delete(t.blocks, key)
			}
		}
	}
	return wait
}
