package api

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
)

// pulse is a feed that has one piece of news for each call.
type pulse struct{ n int }

func (p *pulse) News(context.Context) ([]News, bool, error) {
	p.n++
	return []News{{Event: "issue", Data: p.n, Account: "a"}, {Event: "issue", Data: -p.n, Account: "b"}}, p.n%50 == 0, nil
}

// TestHubTogether: watchers come and go while news is told; nobody meets what lies beyond its
// scope, and nobody is left.
func TestHubTogether(t *testing.T) {
	h := NewHub("boot")
	ctx, stop := context.WithCancel(t.Context())
	tick := make(chan time.Time)
	var all, running sync.WaitGroup
	running.Go(func() { h.Run(ctx, &pulse{}, tick, func(err error) { t.Error(err) }) })
	for i := range 8 {
		all.Go(func() {
			who := string(rune('a' + i))
			for range 50 {
				w, _, err := h.watch(who, Reach{Scopes: []yagura.Scope{{Accounts: []string{"a"}}}}, "")
				if err != nil {
					t.Error(err)
					return
				}
				h.Wake()
				select {
				case <-w.ready:
				case <-time.After(10 * time.Second):
					t.Error("no news came")
				}
				frames, _, _ := h.next(w)
				for _, f := range frames {
					if containsMinus(f) {
						t.Errorf("beyond the scope: %s", f)
					}
				}
				h.leave(w)
				h.leave(w) // once is enough
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for ended := false; !ended; {
		select {
		case tick <- time.Time{}:
		case <-done:
			ended = true
		}
	}
	stop()
	running.Wait()
	if h.Watching() != 0 || len(h.by) != 0 {
		t.Errorf("%d watchers are left", h.Watching())
	}
}

func containsMinus(f []byte) bool {
	for i := range f {
		if f[i] == '-' && i > 0 && f[i-1] == ' ' {
			return true
		}
	}
	return false
}
