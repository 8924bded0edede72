package repeat

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestProveKeyWindow fills a window with YAGURA_PROVE_KEYS keys (in YAGURA_PROVE_DIR, or
// a temporary directory), and measures opening, memory, and judging at 20,000 events a
// second for YAGURA_PROVE_SECONDS (60), and as fast as it goes; with YAGURA_PROVE_MERGE=1
// also while everything is merged.
func TestProveKeyWindow(t *testing.T) {
	n, err := strconv.ParseInt(os.Getenv("YAGURA_PROVE_KEYS"), 10, 64)
	if err != nil {
		t.Skip("YAGURA_PROVE_KEYS is not set: how many keys the window holds, 500000000 for the bar")
	}
	seconds := 60
	if s, err := strconv.Atoi(os.Getenv("YAGURA_PROVE_SECONDS")); err == nil {
		seconds = s
	}
	dir := os.Getenv("YAGURA_PROVE_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	dir = filepath.Join(dir, "keys")
	if _, err := os.Stat(dir); err != nil {
		begin := time.Now()
		if err := Fill(dir, n, DiskOptions{}, 1); err != nil {
			t.Fatal(err)
		}
		t.Logf("filled %d keys in %s", n, time.Since(begin).Round(time.Millisecond))
	}
	known, err := Filled(dir, 200_000)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	t.Logf("RSS before opening: %d MB", rss(t))
	begin := time.Now()
	d, err := OpenDisk(dir, DiskOptions{Committed: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	opened := time.Since(begin)
	s := d.Stats()
	t.Logf("opened in %s: %d keys, %d files, %d MB", opened.Round(time.Millisecond), s.Keys, s.Files, s.Bytes>>20)
	r := rand.New(rand.NewPCG(5, uint64(time.Now().UnixNano())))
	mark := uint64(1 << 40)
	items, out := make([]Item, 2000), make([]Verdict, 2000)
	var events, wrong int
	var sync time.Duration
	judge := func(share int) time.Duration { // a share in percent of known keys
		want := make([]Verdict, len(items))
		for i := range items {
			for j := range items[i].Key {
				items[i].Key[j] = byte(r.Uint32())
			}
			items[i].Content, want[i] = 0, Fresh
			if r.IntN(100) < share {
				items[i], want[i] = known[r.IntN(len(known))], Repeat
			}
		}
		mark++
		begin := time.Now()
		if err := d.Judge(items, out, mark); err != nil {
			t.Fatal(err)
		}
		took := time.Since(begin)
		begin = time.Now()
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
		sync += time.Since(begin)
		d.Committed(mark)
		events += len(items)
		for i := range out {
			if out[i] != want[i] {
				wrong++
			}
		}
		return took
	}
	judge(50)
	t.Logf("first verdicts %s after opening began", time.Since(begin).Round(time.Millisecond))
	for d.loading() {
		runtime.Gosched()
	}
	t.Logf("filters loaded %s after opening began", time.Since(begin).Round(time.Millisecond))
	var times []time.Duration
	most, busy := 0, cpu(t)
	events, sync = 0, 0
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	before := d.Stats()
	for range 10 * seconds {
		<-tick.C
		times = append(times, judge(5))
		most = max(most, rss(t))
	}
	slices.Sort(times)
	s = d.Stats()
	t.Logf("%d events in %d s: a batch of %d takes %s at the median, %s at the 99th percentile, %s at most; %.2f pages read per event; fsync %s each; %.1f%% of a core; RSS at most %d MB",
		events, seconds, len(items), times[len(times)/2], times[len(times)*99/100], times[len(times)-1],
		float64(s.Reads-before.Reads)/float64(events), (sync / time.Duration(len(times))).Round(time.Microsecond), 100*(cpu(t)-busy).Seconds()/float64(seconds), most)
	events, sync = 0, 0
	begin = time.Now()
	var judged time.Duration
	for time.Since(begin) < time.Duration(seconds/4)*time.Second {
		judged += judge(5)
		most = max(most, rss(t))
	}
	t.Logf("as fast as it goes: %.0f events/s in Judge, %.0f with fsync and making keys; RSS at most %d MB; %+v", float64(events)/judged.Seconds(), float64(events)/time.Since(begin).Seconds(), most, d.Stats())
	if os.Getenv("YAGURA_PROVE_MERGE") != "" {
		// Keys come as fast as it goes until they are merged into the shards; while that goes
		// on, 20,000 a second.
		first := d.files().shards[0]
		begin = time.Now()
		for d.files().shards[0] == first {
			judge(0)
			most = max(most, rss(t))
		}
		t.Logf("%d keys after %s: they are merged into the shards; RSS at most %d MB", d.Stats().Keys, time.Since(begin).Round(time.Second), most)
		begin, times, most, busy = time.Now(), nil, 0, cpu(t)
		for last := d.files().shards[shards-1]; d.files().shards[shards-1] == last; {
			<-tick.C
			times = append(times, judge(5))
			most = max(most, rss(t))
		}
		took := time.Since(begin)
		slices.Sort(times)
		t.Logf("merged in %s: a batch of %d takes %s at the median, %s at the 99th percentile, %s at most meanwhile; %.1f%% of a core; RSS at most %d MB; %+v", took.Round(time.Second),
			len(items), times[len(times)/2], times[len(times)*99/100], times[len(times)-1], 100*(cpu(t)-busy).Seconds()/took.Seconds(), most, d.Stats())
	}
	for _, p := range d.Problems() {
		t.Error(p)
	}
	if wrong > 0 {
		t.Errorf("%d verdicts are wrong", wrong)
	}
	begin = time.Now()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("closed in %s", time.Since(begin).Round(time.Millisecond))
	begin = time.Now()
	if d, err = OpenDisk(dir, DiskOptions{Committed: mark}); err != nil {
		t.Fatal(err)
	}
	t.Logf("opened again in %s, %+v", time.Since(begin).Round(time.Millisecond), d.Stats())
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func (d *Disk) loading() bool {
	for f := range d.files().all {
		if f.filter.Load() == nil {
			return true
		}
	}
	return false
}

// rss returns the resident memory of the process in megabytes.
func rss(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("this system does not say how much memory a process takes")
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	var kb int
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}
