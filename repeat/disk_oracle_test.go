package repeat

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/segment/segtest"
)

// oracle remembers everything, with the mark and the time of each arrival.
type oracle struct {
	keys      map[uint64]map[uint64][]arrival
	committed uint64
}

type arrival struct {
	mark uint64
	at   time.Time
}

// crash forgets what was not committed.
func (o *oracle) crash() {
	for _, contents := range o.keys {
		for c, all := range contents {
			for len(all) > 0 && all[len(all)-1].mark > o.committed {
				all = all[:len(all)-1]
			}
			contents[c] = all
		}
	}
}

// check compares a verdict with what it must and may be, and remembers the arrival.
// Between the two the age decides.
func (o *oracle) check(k, content uint64, got Verdict, mark uint64, now time.Time, must, may time.Duration) error {
	contents := o.keys[k]
	if contents == nil {
		contents = map[uint64][]arrival{}
		o.keys[k] = contents
	}
	least, most := 0, 0
	sameMust, sameMay := false, false
	for c, all := range contents {
		if len(all) == 0 {
			continue
		}
		age := now.Sub(all[len(all)-1].at)
		if c == content {
			sameMust, sameMay = age <= must, age <= may
			continue
		}
		if age <= must {
			least++
		}
		if age <= may {
			most++
		}
	}
	contents[content] = append(contents[content], arrival{mark, now})
	switch {
	case sameMust && got != Repeat, !sameMay && got == Repeat:
		return fmt.Errorf("key %d: verdict %d, a repeat: must be %v, may be %v", k, got, sameMust, sameMay)
	case got == Fresh && least > 0, got == Conflict && (most == 0 || least > 1), got == ConflictAgain && most < 2:
		return fmt.Errorf("key %d: verdict %d with %d to %d other contents", k, got, least, most)
	}
	return nil
}

// TestDiskAgainstMap compares with a map while memory tables are written and merged, the
// clock runs, writes fail, the disk is full, and the process or the machine dies.
func TestDiskAgainstMap(t *testing.T) {
	seeds := 3
	if os.Getenv("YAGURA_PROVE") != "" {
		seeds = 300
	}
	var total DiskStats
	crashes, faults, behind := 0, 0, 0
	for seed := range seeds {
		r := rand.New(rand.NewPCG(7, uint64(seed)))
		disk := segtest.New(uint64(seed))
		var clock atomic.Int64 // seconds
		begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		read := func() time.Time { return begin.Add(time.Duration(clock.Load()) * time.Second) }
		const window = 1000 * time.Second
		o := &oracle{keys: map[uint64]map[uint64][]arrival{}}
		options := func() DiskOptions {
			return DiskOptions{Window: window, FilterBytes: 1 << 16, Committed: o.committed, FS: disk, retry: time.Millisecond, tableKeys: 40 + 40*(seed%3), Now: read}
		}
		d := openDisk(t, "d", options())
		mark := uint64(1)
		steps := 3000
		for step := range steps {
			fail := func(err error) {
				t.Helper()
				t.Fatalf("seed %d, step %d: %v (problems: %v)", seed, step, err, d.Problems())
			}
			switch p := r.IntN(1000); {
			case p < 700:
				items := make([]Item, 1+r.IntN(20))
				ks := make([]uint64, len(items))
				for i := range items {
					ks[i] = r.Uint64N(3000)
					items[i] = Item{key(ks[i]), 0}
					if r.IntN(20) == 0 {
						items[i].Content = 1 + r.Uint64N(2)
					}
				}
				out := make([]Verdict, len(items))
				err := d.Judge(items, out, mark)
				if errors.Is(err, ErrBehind) {
					behind++
					if !d.waitsForCommit() { // the disk is given a chance
						for range 100 {
							runtime.Gosched()
						}
					}
					continue
				} else if errors.Is(err, syscall.ENOSPC) || errors.Is(err, errInjected) {
					faults++
					continue
				} else if err != nil {
					fail(err)
				}
				for i := range items {
					if err := o.check(ks[i], items[i].Content, out[i], mark, read(), window, window/windowEpochs*(liveEpochs+2)); err != nil {
						fail(err)
					}
				}
				if r.IntN(2) == 0 {
					mark++
				}
			case p < 900:
				if err := d.Sync(); errors.Is(err, syscall.ENOSPC) || errors.Is(err, errInjected) {
					faults++
					continue
				} else if err != nil {
					fail(err)
				}
				o.committed = mark // the caller's commit
				mark++
				if r.IntN(10) > 0 {
					d.Committed(o.committed)
				}
			case p < 950:
				clock.Add(r.Int64N(10))
			case p < 955:
				clock.Add(r.Int64N(400))
			case p < 965:
				if r.IntN(4) == 0 {
					disk.SetRoom(int64(r.IntN(20000)))
				} else {
					disk.SetRoom(-1)
				}
			case p < 985:
				disk.SetFail(nil)
				if r.IntN(2) == 0 {
					op := []string{"WriteAt", "Sync", "SyncDir", "Rename", "Truncate", "OpenFile", "Remove"}[r.IntN(7)]
					left := 1 + r.IntN(5)
					disk.SetFail(func(did, _ string) error {
						if did == op && left > 0 {
							left--
							return errInjected
						}
						return nil
					})
				}
			default:
				crashes++
				disk.SetFail(nil)
				disk.SetRoom(-1)
				old, stats := disk, d.Stats()
				switch r.IntN(3) {
				case 0:
					disk = disk.Kill()
				case 1:
					disk = disk.Crash()
				default:
					if err := d.Close(); err != nil {
						fail(err)
					}
					old = nil
				}
				if old != nil {
					_ = d.Close() // the disk is gone
				}
				total.Expired += stats.Expired
				total.Reads += stats.Reads
				total.Files = max(total.Files, stats.Files)
				o.crash()
				d = openDisk(t, "d", options())
				mark = o.committed + 1
				for _, p := range d.Problems() {
					// What was not fsynced may look damaged; it was not committed.
					if !strings.Contains(p.Error(), "log: ") {
						fail(p)
					}
				}
			}
		}
		if err := d.Close(); err != nil && !errors.Is(err, errInjected) && !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	t.Logf("%d crashes, %d faults, %d times behind, %+v", crashes, faults, behind, total)
	if crashes < 10 || faults == 0 || total.Reads == 0 || total.Expired == 0 || total.Files < 5 {
		t.Errorf("the test saw %d crashes, %d faults, %+v", crashes, faults, total)
	}
}

func (d *Disk) waitsForCommit() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tables[len(d.tables)-1].mark > d.committed
}

var errInjected = errors.New("the disk fails")
