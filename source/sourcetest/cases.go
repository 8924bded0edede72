package sourcetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/source"
)

func arrive(t *testing.T, w *world) {
	names := numbered("m", 25)
	w.put(t, names...)
	got := w.until(t, names...)
	ids, identities := map[string]bool{}, map[string]bool{}
	for name, a := range got {
		if ids[a.ID] || identities[a.identity] {
			t.Errorf("%q shares the ID %q or the identity %q", name, a.ID, a.identity)
		}
		ids[a.ID], identities[a.identity] = true, true
		if a.Attempts != 1 {
			t.Errorf("%q: Attempts is %d at the first coming", name, a.Attempts)
		}
	}
	w.ackAll(t, got)
}

func acknowledged(t *testing.T, w *world) {
	w.put(t, "a", "b")
	w.ackAll(t, w.until(t, "a", "b"))
	w.silent(t, "c", "a", "b")
	w.Clock.Advance(13 * time.Hour)
	w.silent(t, "d", "a", "b", "c")
	if w.Repeats {
		return
	}
	if err := w.r.Close(); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	w.silent(t, "e", "a", "b", "c", "d")
}

func restart(t *testing.T, w *world) { again(t, w, true) }

// crash opens a second receiver while the first was never closed.
func crash(t *testing.T, w *world) { again(t, w, false) }

func again(t *testing.T, w *world, closed bool) {
	w.put(t, "a", "b", "c", "d")
	first := w.until(t, "a", "b", "c", "d")
	w.ack(t, first["b"])
	old := w.r
	if closed {
		if err := w.r.Close(); err != nil {
			t.Fatal(err)
		}
	} else {
		t.Cleanup(func() { _ = old.Close() })
	}
	w.Clock.Advance(first["a"].Lease + time.Second)
	w.open(t)
	second := w.until(t, "a", "c", "d")
	for _, n := range []string{"a", "c", "d"} {
		same(t, first[n], second[n])
	}
	if b, came := second["b"]; came {
		if !w.Repeats {
			t.Error("an acknowledged message came again")
		}
		same(t, first["b"], b)
	}
	w.ackAll(t, second)
}

func once(t *testing.T, w *world) {
	w.put(t, "a", "b", "c")
	out := w.until(t, "a", "b", "c")
	w.silent(t, "d", "a", "b", "c")
	w.ackAll(t, out)
	w.silent(t, "e", "a", "b", "c", "d")
}

func extend(t *testing.T, w *world) {
	w.put(t, "a")
	a := w.until(t, "a")["a"]
	lease := a.Lease
	if lease == 0 {
		lease = time.Hour
	}
	for _, behind := range numbered("behind", 4) {
		w.Clock.Advance(lease * 2 / 3)
		if err := w.r.Extend(t.Context(), a.Message); err != nil {
			t.Fatalf("Extend: %v", err)
		}
		w.silent(t, behind, "a")
	}
	w.ack(t, a)
	w.Clock.Advance(lease + time.Second)
	w.silent(t, "z", "a")
}

func leaseEnds(t *testing.T, w *world) {
	w.put(t, "a")
	first := w.until(t, "a")["a"]
	if first.Lease == 0 {
		t.Skip("messages of this receiver are out for ever")
	}
	w.Clock.Advance(first.Lease + time.Second)
	second := w.until(t, "a")["a"]
	same(t, first, second)
	if second.Attempts <= first.Attempts {
		t.Errorf("Attempts went from %d to %d", first.Attempts, second.Attempts)
	}
	w.ack(t, second)
	w.Clock.Advance(second.Lease + time.Second)
	w.silent(t, "z", "a")
}

func (w *world) release(t *testing.T, a arrival, after time.Duration) {
	t.Helper()
	if err := w.r.Release(t.Context(), a.Message, after, errAgain); err != nil {
		t.Fatalf("Release %s: %v", a.ID, err)
	}
}

func releaseNow(t *testing.T, w *world) {
	w.put(t, "a")
	first := w.until(t, "a")["a"]
	w.release(t, first, 0)
	second := w.until(t, "a")["a"]
	same(t, first, second)
	if second.Attempts != 2 {
		t.Errorf("Attempts is %d at the second coming", second.Attempts)
	}
	w.ack(t, second)
	w.silent(t, "z", "a")
}

func releaseLater(t *testing.T, w *world) {
	w.put(t, "a", "b")
	first := w.until(t, "a", "b")
	w.release(t, first["a"], 10*time.Minute)
	w.release(t, first["b"], 20*time.Minute)
	w.silent(t, "y", "a", "b")
	w.Clock.Advance(10*time.Minute + time.Second)
	a := w.until(t, "a")
	same(t, first["a"], a["a"])
	if _, came := a["b"]; came {
		t.Error("b came before its time")
	}
	w.Clock.Advance(10 * time.Minute)
	// The lease of a may have ended meanwhile; extended or not, b has to come.
	for came := false; !came; {
		for _, m := range w.some(t) {
			came = came || m.name == "b"
			w.ack(t, m)
		}
	}
}

func releasedForEver(t *testing.T, w *world) {
	w.put(t, "bad")
	bad := w.until(t, "bad")["bad"]
	for i, name := range numbered("good", 6) {
		w.release(t, bad, 0)
		w.put(t, name)
		got := w.until(t, name)
		w.ack(t, got[name])
		again, came := got["bad"]
		if !came {
			again = w.until(t, "bad")["bad"]
		}
		same(t, bad, again)
		if again.Attempts != i+2 {
			t.Errorf("Attempts is %d at coming %d", again.Attempts, i+2)
		}
		bad = again
	}
	w.ack(t, bad)
}

func poison(t *testing.T, w *world) {
	if w.Poison == nil {
		t.Skip("this receiver cannot get poison")
	}
	refused := 0
	good := map[string]bool{}
	for _, n := range numbered("x", 15) {
		w.Poison(t, "poison-"+n)
	}
	names := numbered("good", 15)
	w.put(t, names...)
	for len(good) < len(names) || (!w.PoisonHidden && refused < 15) {
		for _, a := range w.some(t) {
			if a.Refused != nil {
				refused++
				if len(a.Body) == 0 || len(a.Body) > 1<<20 {
					t.Errorf("%s: refused with a body of %d bytes", a.ID, len(a.Body))
				}
			} else {
				good[a.name] = true
			}
			w.ack(t, a)
		}
	}
	switch {
	case w.PoisonHidden && refused > 0:
		t.Errorf("%d poisonous messages were handed out", refused)
	case !w.PoisonHidden && refused > 15:
		t.Errorf("poison came %d times for 15", refused)
	}
}

func cancels(t *testing.T, w *world) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := w.r.Receive(ctx)
		done <- err
	}()
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Receive says %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Receive goes on waiting after ctx ended")
	}
	// A receive that was given up takes nothing with it for good.
	w.put(t, "a")
	w.Clock.Advance(13 * time.Hour)
	// On a busy machine its request may arrive only now, and take the message once more.
	later := time.AfterFunc(patience/6, func() { w.Clock.Advance(13 * time.Hour) })
	defer later.Stop()
	w.ackAll(t, w.until(t, "a"))
}

func backPressure(t *testing.T, w *world) {
	names := numbered("m", 60)
	w.put(t, names...)
	seen := map[string]arrival{}
	for len(seen) < len(names) {
		for _, a := range w.some(t) {
			seen[a.name] = a
		}
		l := w.lag(t)
		if l.Out >= 0 && l.Out != int64(len(seen)) {
			t.Fatalf("%d messages are out, and %d were asked for", l.Out, len(seen))
		}
	}
	w.ackAll(t, seen)
}

func many(t *testing.T, w *world) {
	names := numbered("m", 100)
	w.put(t, names...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	got := map[string]int{}
	failed := map[string]bool{} // released once
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				ms, err := w.r.Receive(ctx)
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("Receive: %v", err)
					}
					return
				}
				for _, m := range ms {
					text := contents(t, &m.Objects[0])
					mu.Lock()
					first := !failed[text] && len(failed) < 10
					if first {
						failed[text] = true
					}
					mu.Unlock()
					if err := w.r.Extend(ctx, m); err != nil && ctx.Err() == nil {
						t.Errorf("Extend: %v", err)
					}
					if first {
						err = w.r.Release(ctx, m, 0, errAgain)
					} else {
						err = w.r.Ack(ctx, m)
					}
					if err != nil && ctx.Err() == nil {
						t.Errorf("Ack or Release: %v", err)
					}
					if first {
						continue
					}
					mu.Lock()
					if got[text]++; len(got) == len(names) {
						cancel()
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if len(got) != len(names) {
		t.Errorf("%d of %d came", len(got), len(names))
	}
	for text, n := range got {
		if n != 1 {
			t.Errorf("%q was acknowledged %d times", text, n)
		}
	}
}

func (w *world) lag(t *testing.T) source.Lag {
	t.Helper()
	l, err := w.r.Lag(t.Context())
	if err != nil {
		t.Fatalf("Lag: %v", err)
	}
	if l.Waiting < -1 || l.Out < -1 || l.Dead < -1 {
		t.Errorf("a lag that cannot be: %+v", l)
	}
	return l
}

func lag(t *testing.T, w *world) {
	w.put(t, numbered("m", 25)...)
	if l := w.lag(t); !w.Uncounted && l.Waiting != 25 {
		t.Errorf("%+v, and 25 wait", l)
	}
	out := map[string]arrival{}
	for _, a := range w.some(t) {
		out[a.name] = a
	}
	n := int64(len(out))
	if l := w.lag(t); (!w.Uncounted || l.Waiting != -1) && l.Waiting != 25-n || l.Out != -1 && l.Out != n {
		t.Errorf("%+v, and %d of 25 are out", l, n)
	}
	w.ackAll(t, out)
	for len(out) < 25 {
		for _, a := range w.some(t) {
			out[a.name] = a
			w.ack(t, a)
		}
	}
	if l := w.lag(t); l.Waiting > 0 || l.Out > 0 || !l.Oldest.IsZero() {
		t.Errorf("%+v, and nothing waits", l)
	}
}

func reopen(t *testing.T, w *world) {
	w.put(t, "a")
	a := w.until(t, "a")["a"]
	for range 2 {
		if text := contents(t, &a.Objects[0]); text != w.bodies["a"] {
			t.Errorf("opened again, it holds %q", text)
		}
	}
	w.ack(t, a)
}

func closes(t *testing.T, w *world) {
	w.put(t, "a", "b")
	out := w.until(t, "a", "b")
	done := make(chan error, 1)
	go func() {
		for {
			if _, err := w.r.Receive(t.Context()); err != nil {
				done <- err
				return
			}
		}
	}()
	if err := w.r.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("Receive goes on waiting after Close")
	}
	if err := w.r.Ack(t.Context(), out["a"].Message); err == nil {
		t.Error("a message was acknowledged after Close")
	}
	if err := w.r.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	w.Clock.Advance(out["a"].Lease + time.Second)
	w.open(t)
	w.ackAll(t, w.until(t, "a", "b"))
}
