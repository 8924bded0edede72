package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSameWork: for a user who is not there, or has no password, as much is computed as for
// one who has.
func TestSameWork(t *testing.T) {
	cost := Cost{Memory: 96, Time: 2, Threads: 1}
	h, err := newHasher(cost, nil)
	if err != nil {
		t.Fatal(err)
	}
	known, err := h.hash(t.Context(), "a quiet harbour at dusk")
	if err != nil {
		t.Fatal(err)
	}
	for _, phc := range []string{known, h.dummy} {
		c, salt, sum, err := parsePHC(phc)
		if err != nil || c != cost || len(salt) != saltBytes || len(sum) != hashBytes {
			t.Errorf("%s: %+v, %v", phc, c, err)
		}
	}
	for phc, want := range map[string]bool{known: true, "": false} {
		ok, stale, err := h.verify(t.Context(), phc, "a quiet harbour at dusk")
		if ok != want || stale || err != nil {
			t.Errorf("%q: %v, %v, %v", phc, ok, stale, err)
		}
	}
	if ok, _, err := h.verify(t.Context(), known, "a quiet harbour at dusk."); ok || err != nil {
		t.Error(ok, err)
	}
	// The usual cost is what is documented, and more than the least of OWASP.
	if defaultCost.Memory < 46<<10 {
		t.Error(defaultCost)
	}
}

func TestParsePHC(t *testing.T) {
	const salt, sum = "c29tZXNhbHRzb21lc2FsdA", "c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g"
	for text, ok := range map[string]bool{
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + sum:         true,
		"$argon2i$v=19$m=65536,t=2,p=1$" + salt + "$" + sum:          false,
		"$argon2id$v=16$m=65536,t=2,p=1$" + salt + "$" + sum:         false,
		"$argon2id$v=19$m=999999999,t=2,p=1$" + salt + "$" + sum:     false,
		"$argon2id$v=19$m=65536,t=0,p=1$" + salt + "$" + sum:         false,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$":               false,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + sum + "$x":  false,
		"$argon2id$v=19$m=65536,t=2,p=999$" + salt + "$" + sum:       false,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$not base64 !!!": false,
		"": false, strings.Repeat("$", 5): false,
	} {
		if _, _, _, err := parsePHC(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestFewAtATime: sign-ins by the thousand take the memory of a few, and who waits too long or
// in too long a queue is told so.
func TestFewAtATime(t *testing.T) {
	h, err := newHasher(Cost{64, 1, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var leave []func()
	for range cap(h.turns) {
		l, err := h.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	full, ended := 0, 0
	for range maxWaiting + 20 {
		wg.Go(func() {
			_, err := h.enter(ctx)
			mu.Lock()
			defer mu.Unlock()
			switch r := asRefusal(err); {
			case r != nil && r.Code == codeRateLimited && r.RetryAfter > 0:
				full++
			case errors.Is(err, context.Canceled):
				ended++
			default:
				t.Error(err)
			}
		})
	}
	for {
		mu.Lock()
		n := full
		mu.Unlock()
		if n == 20 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	wg.Wait()
	if full != 20 || ended != maxWaiting {
		t.Errorf("%d were refused, %d waited", full, ended)
	}
	leave[0]()
	if _, err := h.enter(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestWaitsAreBounded: strangers choose the keys, and take no more memory than there is.
func TestWaitsAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	w := newWaits(func() time.Time { return now })
	w.most = 100
	for i := range 10_000 {
		w.try(counted{strings.Repeat("x", i%7) + string(rune('a'+i%26)) + time.Duration(i).String(), pacePair})
	}
	if len(w.of) > 100 {
		t.Errorf("%d keys", len(w.of))
	}
	// Waits grow to their bound, and are forgotten after a quiet day.
	k := counted{"k", pacePair}
	var waits []time.Duration
	for range 40 {
		d := w.try(k)
		if d > 0 {
			now = now.Add(d)
			waits = append(waits, d)
		}
	}
	for i, d := range waits {
		if want := min(time.Second<<i, pacePair.most); d != want {
			t.Errorf("wait %d: %s, want %s", i, d, want)
		}
	}
	now = now.Add(25 * time.Hour)
	for i := range pacePair.free {
		if d := w.try(k); d != 0 {
			t.Errorf("after a day, try %d waits %s", i, d)
		}
	}
}

// TestTOTP: the values of RFC 6238, appendix B, in six digits.
func TestTOTP(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := totpCode(secret, at/30); got != want {
			t.Errorf("%d: %s, want %s", at, got, want)
		}
		for off, ok := range map[int64]bool{-60: false, -30: true, 0: true, 30: true, 60: false} {
			if step, got := totpStep(secret, want[:3]+" "+want[3:], time.Unix(at+off, 0)); at+off >= 0 && (got != ok || ok && step != at/30) {
				t.Errorf("%d, %d off: %v", at, off, got)
			}
		}
	}
	if _, ok := totpStep(nil, "", time.Unix(59, 0)); ok {
		t.Error("no code fits")
	}
}
