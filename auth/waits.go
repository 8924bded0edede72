package auth

import (
	"net/netip"
	"sync"
	"time"
)

// pace is how tries are slowed down: some are free, then each one waits twice as long as the
// one before, to a bound. What is quiet for forget begins anew.
type pace struct {
	free   int
	most   time.Duration
	forget time.Duration
}

// The paces. No wait is longer than most, so nobody is locked out for good; and who has
// signed in from a browser before is not slowed by what strangers try elsewhere.
var (
	// pacePair is of one name from one address, or of one name in a browser that is known.
	pacePair = pace{5, 15 * time.Minute, 24 * time.Hour}
	// paceAddress is of one address, whatever the name.
	paceAddress = pace{20, 15 * time.Minute, time.Hour}
	// paceName is of one name from all addresses, but for browsers that are known.
	paceName = pace{30, time.Minute, time.Hour}
	// paceFactor is of the second factors of one account: only who knows the password gets there.
	paceFactor = pace{10, time.Hour, 24 * time.Hour}
)

// waits counts tries in memory. It is bounded: strangers choose the keys. Each replica counts
// its own, and a restart forgets.
type waits struct {
	now  func() time.Time
	mu   sync.Mutex
	of   map[string]*tries
	most int
}

type tries struct {
	n     int
	last  time.Time
	until time.Time
}

func newWaits(now func() time.Time) *waits {
	return &waits{now: now, of: map[string]*tries{}, most: 50_000}
}

// counted is a key with its pace.
type counted struct {
	key string
	pace
}

// try counts one try of all keys, or says how long to wait: then nothing is counted. A try is
// counted before its outcome is known, so that many at once are no way around.
func (w *waits) try(keys ...counted) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	var wait time.Duration
	for _, k := range keys {
		if t := w.of[k.key]; t != nil {
			wait = max(wait, t.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for _, k := range keys {
		t := w.of[k.key]
		if t == nil || now.Sub(t.last) > k.forget {
			w.room()
			t = &tries{}
			w.of[k.key] = t
		}
		t.n++
		t.last = now
		if over := t.n - k.free; over >= 0 {
			t.until = now.Add(min(time.Second<<min(over, 30), k.most))
		}
	}
	return 0
}

// good takes back what a try counted that turned out well. Of keys that are the user's alone
// nothing is left; of others one try is: whoever has an account is not free to try others.
func (w *waits) good(own, shared []counted) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range own {
		delete(w.of, k.key)
	}
	for _, k := range shared {
		if t := w.of[k.key]; t != nil {
			if t.n--; t.n < k.free {
				t.until = time.Time{}
			}
		}
	}
}

// room makes room for one more: of a few, the one that is quiet for longest goes.
func (w *waits) room() {
	if len(w.of) < w.most {
		return
	}
	oldest, looked := "", 0
	for k, t := range w.of {
		if oldest == "" || t.last.Before(w.of[oldest].last) {
			oldest = k
		}
		if looked++; looked == 16 {
			break
		}
	}
	delete(w.of, oldest)
}

// neighbourhood is what one customer of a network has: an address of IPv4, 64 bits of IPv6.
func neighbourhood(a netip.Addr) string {
	if !a.IsValid() {
		return "?"
	}
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
