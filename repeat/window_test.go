package repeat

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/yagura-sec/yagura"
)

func key(n uint64) yagura.Key {
	var k yagura.Key
	binary.LittleEndian.PutUint64(k[:8], n)
	return k
}

func open(t testing.TB, events int) *Window {
	t.Helper()
	w, err := New(events)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestVerdicts(t *testing.T) {
	w := open(t, 1000)
	for i, step := range []struct {
		key     uint64
		content uint64
		want    Verdict
	}{
		{1, 10, Fresh}, {2, 10, Fresh}, {1, 10, Repeat}, {1, 11, Conflict}, {1, 12, ConflictAgain},
		{1, 11, Repeat}, {1, 10, Repeat}, {2, 10, Repeat}, {0, 0, Fresh}, {0, 0, Repeat},
	} {
		if got := w.Add(key(step.key), step.content); got != step.want {
			t.Errorf("step %d: key %d content %d: %v, want %v", i, step.key, step.content, got, step.want)
		}
	}
}

func TestBadSize(t *testing.T) {
	for _, n := range []int{0, -1, DefaultWindow + 1} {
		if _, err := New(n); err == nil {
			t.Errorf("a window of %d events was accepted", n)
		}
	}
}

// TestAgainstMap compares with a map that remembers everything: inside the window
// the verdicts are equal; beyond the window's generations everything is fresh again.
func TestAgainstMap(t *testing.T) {
	for _, window := range []int{199, 1000, 50_000} {
		w := open(t, window)
		r := rand.New(rand.NewPCG(1, uint64(window)))
		type seen struct {
			content uint64
			at      int
		}
		last := map[uint64][]seen{}
		memory := liveGenerations * w.perGen
		var repeats, conflicts, gone int
		for i := range 12 * max(window, 1000) {
			k := uint64(r.IntN(3 * window))
			content := uint64(0)
			if r.IntN(20) == 0 {
				content = uint64(1 + r.IntN(2))
			}
			got := w.Add(key(k), content)
			recent, maybe, same, sameMaybe := 0, 0, false, false
			for _, s := range last[k] {
				inside, possibly := i-s.at <= window, i-s.at <= memory
				if s.content == content {
					same, sameMaybe = inside, possibly
					continue
				}
				if inside {
					recent++
				}
				if possibly {
					maybe++
				}
			}
			switch {
			case same && got != Repeat:
				t.Fatalf("window %d, event %d: %v, want a repeat", window, i, got)
			case !sameMaybe && got == Repeat:
				t.Fatalf("window %d, event %d: a repeat of something outside the window", window, i)
			case got == Fresh && recent > 0, got == Conflict && (maybe == 0 || recent > 1), got == ConflictAgain && maybe < 2:
				t.Fatalf("window %d, event %d: %v with %d to %d other contents", window, i, got, recent, maybe)
			}
			switch got {
			case Repeat:
				repeats++
			case Conflict, ConflictAgain:
				conflicts++
			case Fresh:
				if len(last[k]) > 0 {
					gone++
				}
			}
			kept := last[k][:0]
			for _, s := range last[k] {
				if s.content != content && i-s.at <= memory {
					kept = append(kept, s)
				}
			}
			last[k] = append(kept, seen{content, i})
		}
		if w.Evicted() > 0 {
			t.Errorf("window %d: %d entries forgotten early", window, w.Evicted())
		}
		if repeats == 0 || conflicts == 0 || gone == 0 {
			t.Errorf("window %d: the test saw %d repeats, %d conflicts, %d keys that had left the window", window, repeats, conflicts, gone)
		}
	}
}

// TestGrowth fills the table through several doublings: everything stays known.
func TestGrowth(t *testing.T) {
	w := open(t, DefaultWindow)
	const n = 400_000
	items := make([]Item, n)
	out := make([]Verdict, n)
	for i := range items {
		items[i] = Item{key(uint64(i)), uint64(i)}
	}
	for round, want := range []Verdict{Fresh, Repeat} {
		w.Judge(items, out)
		for i, v := range out {
			if v != want {
				t.Fatalf("round %d, key %d: %v, want %v", round, i, v, want)
			}
		}
	}
	if w.doublings < 4 || w.used != n || w.Evicted() != 0 {
		t.Errorf("%d doublings, %d used, %d evicted", w.doublings, w.used, w.Evicted())
	}
}

// TestFlood gives thousands of contents to one key: the table stays sound, what is
// forgotten is counted, and other keys stay known.
func TestFlood(t *testing.T) {
	w := open(t, DefaultWindow)
	w.Add(key(2), 0)
	for i := range uint64(5000) {
		w.Add(key(1), i)
	}
	if w.Evicted() == 0 {
		t.Error("nothing was evicted by a flood of one key")
	}
	if w.used > 17 {
		t.Errorf("one key takes %d entries", w.used)
	}
	if got := w.Add(key(2), 0); got != Repeat {
		t.Errorf("the other key: %v", got)
	}
}

// TestFullWindow fills a table of a sixteenth of the real size to the real load: more
// than the window of distinct keys, none forgotten early, the last ones all known,
// the first ones gone. BenchmarkJudge does the same at the real size.
func TestFullWindow(t *testing.T) {
	const window = DefaultWindow / 16
	w := sized(window, maxDoublings-4)
	const n = window + window/5
	items := make([]Item, 1000)
	out := make([]Verdict, len(items))
	for at := uint64(0); at < n; at += uint64(len(items)) {
		for i := range items {
			items[i] = Item{key(at + uint64(i)), 5}
		}
		w.Judge(items, out)
		for i, v := range out {
			if v != Fresh {
				t.Fatalf("key %d: %v", at+uint64(i), v)
			}
		}
	}
	if w.Evicted() != 0 {
		t.Errorf("%d entries forgotten early", w.Evicted())
	}
	if got := w.Add(key(n-window+1), 5); got != Repeat {
		t.Errorf("the oldest event of the window: %v", got)
	}
	if got := w.Add(key(0), 5); got != Fresh {
		t.Errorf("an event far outside the window: %v", got)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if bytes := 8 * baseBuckets << maxDoublings * bucketWords; bytes > 200_000_000 {
		t.Errorf("the table takes %d bytes", bytes)
	}
}

func BenchmarkJudge(b *testing.B) {
	w := open(b, DefaultWindow)
	items := make([]Item, 16384)
	out := make([]Verdict, len(items))
	n := uint64(0)
	fill := func() {
		for i := range items {
			items[i] = Item{key(n), n}
			n++
		}
	}
	for n < DefaultWindow {
		fill()
		w.Judge(items, out)
	}
	b.ResetTimer()
	for b.Loop() {
		fill()
		w.Judge(items, out)
	}
	if w.Evicted() > 0 {
		b.Errorf("%d entries forgotten early", w.Evicted())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(items)), "ns/event")
}
