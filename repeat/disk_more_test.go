package repeat

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/segment"
	"github.com/yagura-sec/yagura/segment/segtest"
)

// settled judges nothing, and waits until nothing is left to be written or merged.
func settled(t testing.TB, d *Disk) {
	t.Helper()
	for {
		d.mu.Lock()
		tables, runs := len(d.tables), 0
		for _, r := range d.view.runs {
			if r.meta.tier == 0 {
				runs++
			}
		}
		var young, old int64
		for _, r := range d.view.runs {
			young += r.meta.keys
		}
		for _, s := range d.view.shards {
			if s != nil {
				old += s.meta.keys
			}
		}
		d.mu.Unlock()
		if tables == 1 && runs < tierRuns && young < max(old/youngShare, int64(youngTables*d.o.tableKeys)) {
			return
		}
		time.Sleep(time.Millisecond) // for the disk, not for the clock
	}
}

// judgeAll judges in batches and commits each.
func judgeAll(t testing.TB, d *Disk, mark *uint64, items []Item) []Verdict {
	t.Helper()
	var all []Verdict
	for part := range slices.Chunk(items, 500) {
		out := make([]Verdict, len(part))
		for {
			err := d.Judge(part, out, *mark+1)
			if errors.Is(err, ErrBehind) {
				time.Sleep(time.Millisecond) // for the disk
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			break
		}
		*mark++
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
		d.Committed(*mark)
		all = append(all, out...)
	}
	return all
}

// TestDiskConflictsAcrossFiles: the contents of a key lie in shards, runs and memory.
func TestDiskConflictsAcrossFiles(t *testing.T) {
	d := openDisk(t, t.TempDir(), DiskOptions{tableKeys: 300})
	mark := uint64(0)
	n := uint64(0)
	fill := func(count int) {
		items := make([]Item, count)
		for i := range items {
			n++
			items[i] = Item{key(1<<40 + n), 1}
		}
		for i, v := range judgeAll(t, d, &mark, items) {
			if v != Fresh {
				t.Fatalf("filler %d: %v", i, v)
			}
		}
		settled(t, d)
	}
	const keys = 200
	ask := func(content uint64, want Verdict) {
		t.Helper()
		items := make([]Item, keys)
		for i := range items {
			items[i] = Item{key(uint64(i)), content}
		}
		for i, v := range judgeAll(t, d, &mark, items) {
			if v != want {
				t.Fatalf("key %d, content %d: %v, want %v", i, content, v, want)
			}
		}
	}
	ask(10, Fresh)
	fill(3000)
	ask(11, Conflict)
	fill(700)
	ask(12, ConflictAgain)
	fill(350)
	for range 2 {
		ask(10, Repeat)
		ask(11, Repeat)
		ask(12, Repeat)
		ask(13+uint64(mark), ConflictAgain)
	}
	v := d.files()
	if v.shards[0] == nil || len(v.runs) == 0 || d.Stats().Reads == 0 {
		t.Errorf("the keys are in %d runs, shard %v", len(v.runs), v.shards[0] != nil)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDiskTailKeys: keys that differ in one bit anywhere are different keys.
func TestDiskTailKeys(t *testing.T) {
	d := openDisk(t, t.TempDir(), DiskOptions{tableKeys: 500})
	mark := uint64(0)
	var items []Item
	r := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		var base yagura.Key
		binary.BigEndian.PutUint64(base[:], r.Uint64())
		for bit := range 128 {
			k := base
			k[bit/8] ^= 1 << (bit % 8)
			items = append(items, Item{k, 7})
		}
	}
	for i, v := range judgeAll(t, d, &mark, items) {
		if v != Fresh {
			t.Fatalf("key %d: %v", i, v)
		}
	}
	settled(t, d)
	for i, v := range judgeAll(t, d, &mark, items) {
		if v != Repeat {
			t.Fatalf("key %d again: %v", i, v)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDiskMaxKeys: beyond the most the oldest go, and never more than has to.
func TestDiskMaxKeys(t *testing.T) {
	var clock atomic.Int64
	clock.Store(1e9)
	const most = 20_000
	d := openDisk(t, "d", DiskOptions{MaxKeys: most, tableKeys: 500, FS: segtest.New(1), Now: func() time.Time { return time.Unix(clock.Load(), 0) }})
	mark := uint64(0)
	batch := make([]Item, 500)
	total := 0
	for total < 3*most {
		for i := range batch {
			batch[i] = Item{key(uint64(total)), 0}
			total++
		}
		judgeAll(t, d, &mark, batch)
		settled(t, d) // the clock stands still for the background
		if total == most {
			clock.Add(3600)
		}
		if s := d.Stats(); s.Keys > most+most/8+2000 {
			t.Fatalf("after %d events: %+v", total, s)
		}
	}
	s := d.Stats()
	if s.Evicted == 0 || s.Keys < most || s.Expired != 0 {
		t.Errorf("%+v", s)
	}
	known := 0
	for i := range total {
		s := &d.scratch
		s.reset([]Item{{key(uint64(i)), 0}})
		d.mu.Lock()
		d.search(s, d.epoch)
		d.mu.Unlock()
		if len(s.found) > 0 {
			known++
			if i < most/2 {
				t.Fatalf("event %d of %d is known", i, total)
			}
		}
	}
	if known < most {
		t.Errorf("%d of the last %d events are known", known, most)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDiskDamage damages, shortens and removes each file of a window: it opens, says what
// is wrong, and knows the rest.
func TestDiskDamage(t *testing.T) {
	const n = 4000
	make1 := func(disk *segtest.FS) uint64 {
		d := openDisk(t, "d", DiskOptions{tableKeys: 500, FS: disk})
		mark := uint64(0)
		items := make([]Item, n)
		for i := range items {
			items[i] = Item{key(uint64(i)), 0}
		}
		judgeAll(t, d, &mark, items)
		settled(t, d)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		return mark
	}
	plain := segtest.New(1)
	mark := make1(plain)
	r := rand.New(rand.NewPCG(4, 4))
	names := plain.Names()
	for i, name := range names {
		if strings.HasSuffix(name, "LOCK") || i%16 > 1 && strings.HasSuffix(name, keysSuffix) {
			continue
		}
		for _, how := range []string{"flip a bit near the start", "flip a bit near the end", "cut it", "empty it", "remove it", "zero it"} {
			disk := plain.Kill() // a copy
			if err := disk.Damage(name, func(b []byte) []byte {
				switch {
				case len(b) == 0:
				case how == "flip a bit near the start":
					b[r.IntN(min(len(b), 200))] ^= 1 << r.IntN(8)
				case how == "flip a bit near the end":
					b[len(b)-1-r.IntN(min(len(b), 200))] ^= 1 << r.IntN(8)
				case how == "cut it":
					b = b[:r.IntN(len(b))]
				case how == "empty it":
					b = b[:0]
				case how == "zero it":
					clear(b)
				}
				return b
			}); err != nil {
				t.Fatal(err)
			}
			if how == "remove it" {
				if err := disk.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
			d, err := OpenDisk("d", DiskOptions{tableKeys: 500, FS: disk, Committed: mark})
			if err != nil {
				t.Fatalf("%s: %s: %v", name, how, err)
			}
			items := make([]Item, n)
			for k := range items {
				items[k] = Item{key(uint64(k)), 0}
			}
			known := 0
			for _, v := range judge(t, d, mark+1, items...) {
				if v == Repeat {
					known++
				}
			}
			problems := d.Problems()
			if lost := n - known; lost > 0 && len(problems) == 0 && !strings.Contains(name, "/log/") || lost > 1100 {
				t.Errorf("%s: %s: %d of %d keys are forgotten, problems %v", name, how, lost, n, problems)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDiskBackup: a caller that went back behind the keys gets its events judged again.
func TestDiskBackup(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, DiskOptions{tableKeys: 100})
	mark := uint64(0)
	items := make([]Item, 2000)
	for i := range items {
		items[i] = Item{key(uint64(i)), 0}
	}
	judgeAll(t, d, &mark, items)
	settled(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openDisk(t, dir, DiskOptions{tableKeys: 100, Committed: 1})
	if len(d.Problems()) == 0 {
		t.Error("nothing was said")
	}
	mark = 1
	for i, v := range judgeAll(t, d, &mark, items[600:]) {
		if v != Fresh {
			t.Fatalf("event %d: %v", 600+i, v)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDiskBehind: without commits the window says so and takes no more, and goes on after one.
func TestDiskBehind(t *testing.T) {
	d := openDisk(t, t.TempDir(), DiskOptions{tableKeys: 100})
	var err error
	n := uint64(0)
	for err == nil && n < 10_000 {
		n++
		err = d.Judge([]Item{{key(n), 0}}, make([]Verdict, 1), 1)
	}
	if !errors.Is(err, ErrBehind) || !strings.Contains(err.Error(), "Committed") {
		t.Fatalf("after %d events: %v", n, err)
	}
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
	d.Committed(1)
	for {
		err := d.Judge([]Item{{key(n), 0}, {key(1), 0}}, make([]Verdict, 2), 2)
		if err == nil {
			break
		} else if !errors.Is(err, ErrBehind) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // for the disk
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDiskKill judges in a process that is killed with SIGKILL again and again: what it
// said was committed is known, and what it had not committed is not.
func TestDiskKill(t *testing.T) {
	if dir := os.Getenv("YAGURA_TEST_KILL_DIR"); dir != "" {
		killedProcess(dir)
		return
	}
	rounds := 5
	if os.Getenv("YAGURA_PROVE") != "" {
		rounds = 100
	}
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	committed := uint64(0)
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestDiskKill$")
		cmd.Env = append(os.Environ(), "YAGURA_TEST_KILL_DIR="+dir, "YAGURA_TEST_KILL_COMMITTED="+strconv.FormatUint(committed, 10))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 1 + r.IntN(400); n > 0 && lines.Scan(); n-- {
			if !strings.HasPrefix(lines.Text(), "commit ") {
				t.Fatal(lines.Text())
			}
			if committed, err = strconv.ParseUint(lines.Text()[7:], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it said before it died
			if s, ok := strings.CutPrefix(lines.Text(), "commit "); ok {
				if m, err := strconv.ParseUint(s, 10, 64); err == nil {
					committed = m
				}
			}
		}
		_ = cmd.Wait()
		d := openDisk(t, dir, DiskOptions{tableKeys: 200, Committed: committed})
		for _, p := range d.Problems() {
			t.Error(p)
		}
		for m := uint64(1); m <= committed+3; m++ {
			item := Item{key(m*10 + uint64(r.IntN(10))), m}
			s := &d.scratch
			s.reset([]Item{item})
			d.mu.Lock()
			_, now := d.now()
			d.search(s, now)
			d.mu.Unlock()
			if known := len(s.found) > 0; known != (m <= committed) {
				t.Fatalf("round %d: a key of mark %d is known: %v; %d is committed", round, m, known, committed)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d commits", committed)
}

// killedProcess judges ten events under each mark and says when one is committed.
func killedProcess(dir string) {
	committed, err := strconv.ParseUint(os.Getenv("YAGURA_TEST_KILL_COMMITTED"), 10, 64)
	if err != nil {
		panic(err)
	}
	d, err := OpenDisk(dir, DiskOptions{tableKeys: 200, Committed: committed})
	if err != nil {
		panic(err)
	}
	out := make([]Verdict, 10)
	for mark := committed + 1; ; mark++ {
		var items []Item
		for i := range uint64(10) {
			items = append(items, Item{key(mark*10 + i), mark})
		}
		for {
			if err := d.Judge(items, out, mark); err == nil {
				break
			} else if !errors.Is(err, ErrBehind) {
				panic(err)
			}
			time.Sleep(time.Millisecond) // for the disk
		}
		if slices.Contains(out, Repeat) {
			fmt.Printf("mark %d: a repeat: %v\n", mark, out)
			return
		}
		if err := d.Sync(); err != nil {
			panic(err)
		}
		fmt.Printf("commit %d\n", mark)
		d.Committed(mark)
	}
}

// FuzzKeyFile opens and searches files of keys that are anything.
func FuzzKeyFile(f *testing.F) {
	disk := segtest.New(1)
	w, err := newKeyWriter(disk, "d", keyPlan{seq: 1, shard: -1, most: 300, bitsPerKey: 10, epochLen: 1})
	if err != nil {
		f.Fatal(err)
	}
	for i := range uint64(300) {
		if err := w.add(entry{i << 50, i << 40}); err != nil {
			f.Fatal(err)
		}
	}
	if _, err := w.finish(1); err != nil {
		f.Fatal(err)
	}
	var image []byte
	if err := disk.Damage("d/"+keysName(1), func(b []byte) []byte { image = slices.Clone(b); return b }); err != nil {
		f.Fatal(err)
	}
	f.Add(image, false, uint64(3)<<50)
	f.Add(image[:footerBytes], true, uint64(0))
	f.Add(image[len(image)-footerBytes:], true, uint64(0))
	f.Fuzz(func(t *testing.T, data []byte, mend bool, a uint64) {
		if mend && len(data) >= footerBytes { // checksums alone would keep everything out
			footer := data[len(data)-footerBytes:]
			copy(footer, footerMagic)
			binary.LittleEndian.PutUint32(footer[footerBytes-4:], crc32.Checksum(footer[:footerBytes-4], castagnoli))
		}
		disk := segtest.New(1)
		file, err := disk.OpenFile(filepath.Join("d", keysName(1)), os.O_CREATE|os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(data, 0); err != nil {
			t.Fatal(err)
		}
		k, err := openKeys(disk, "d", keysName(1), 7)
		if err != nil {
			return
		}
		_ = k.loadFilter()
		var page [pageBytes]byte
		_, _, _ = k.find(entry{a, a << 32}, &page, func(uint64, int64) {})
		m, err := newMerger(&Disk{}, []*keyFile{k}, a, a|1<<60)
		for err == nil {
			var ok bool
			if _, _, ok, err = m.next(); !ok {
				break
			}
		}
		if err := k.close(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzKeyLog parses frames of the log, and the list of files.
func FuzzKeyLog(f *testing.F) {
	f.Add(appendArrived(nil, 7, time.Unix(1e9, 0), []entry{{1, 1 << 40}, {2, 2 << 40}}))
	f.Add(append([]byte{logSnapshot}, make([]byte, 24+32)...))
	m, err := formatManifest(manifest{V: 1, Next: 9, Files: []string{keysName(1)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m)
	f.Fuzz(func(t *testing.T, data []byte) {
		if frame, err := parseLogFrame(data); err == nil {
			n := 0
			frame.entries(func(e entry, _ int64) { n++ })
			if n*entryBytes > len(data)+entryBytes && frame.epoch > 0 {
				t.Errorf("%d entries in %d bytes", n, len(data))
			}
		}
		_, _ = parseManifest(data)
		disk := segtest.New(1)
		l, err := segment.Open("d/log", segment.Options{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(data, data); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		d, err := OpenDisk("d", DiskOptions{FS: disk, Committed: 1 << 63})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
