package segment_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/segment"
	"github.com/yagura-sec/yagura/segment/segtest"
)

var errInjected = errors.New("the disk fails")

type written struct {
	number  uint64
	span    segment.Span
	synced  bool
	removed bool
}

// TestCrashes appends, syncs and removes while writes fail, the disk is full, and the
// process or the machine dies: what was acknowledged is there, in order, and nothing that
// was not appended.
func TestCrashes(t *testing.T) {
	seeds := 40
	if os.Getenv("YAGURA_PROVE") != "" {
		seeds = 5000
	}
	var crashes, faults, cuts, damaged, lost int
	for seed := range seeds {
		r := rand.New(rand.NewPCG(3, uint64(seed)))
		disk := segtest.New(uint64(seed))
		now := time.Unix(1e9, 0)
		options := func() segment.Options {
			return segment.Options{MaxBytes: 2000, MaxAge: time.Hour, FS: disk, Now: func() time.Time { return now }}
		}
		l := open(t, "d", options())
		var all []*written
		number := uint64(0)
		torn := map[uint64]bool{}
		for step := range 400 {
			fail := func(format string, args ...any) {
				t.Helper()
				t.Fatalf("seed %d, step %d: %s", seed, step, fmt.Sprintf(format, args...))
			}
			expected := func(err error) bool {
				if errors.Is(err, errInjected) || errors.Is(err, syscall.ENOSPC) {
					faults++
					return true
				}
				if err != nil {
					fail("%v", err)
				}
				return false
			}
			switch p := r.IntN(100); {
			case p < 60:
				frames := make([][]byte, 1+r.IntN(3))
				for i := range frames {
					number++
					frames[i] = append(binary.LittleEndian.AppendUint64(nil, number), make([]byte, r.IntN(200))...)
				}
				span, err := l.Append(frames...)
				if errors.Is(err, segment.ErrTorn) {
					torn[number], torn[number-1], torn[number-2] = true, true, true
				}
				if expected(err) {
					continue
				}
				p := span.First
				for i, f := range frames {
					next := segment.Position{File: p.File, Offset: p.Offset + int64(len(f)) + segment.FrameOverhead}
					all = append(all, &written{number: number - uint64(len(frames)-1-i), span: segment.Span{First: p, End: next}})
					p = next
				}
			case p < 75 && len(all) > 0:
				w := all[r.IntN(len(all))]
				if w.removed || expected(l.Sync(w.span)) {
					continue
				}
				w.synced = true
			case p < 80:
				if !expected(l.Sync()) {
					for _, w := range all { // but for those that a failed fsync left in doubt
						if !w.removed && l.Sync(w.span) == nil {
							w.synced = true
						}
					}
				}
			case p < 83:
				now = now.Add(time.Duration(r.IntN(60)) * time.Minute)
				expected(l.Tick())
			case p < 86 && len(all) > 0:
				upto := all[r.IntN(len(all))].span.First
				gone, err := l.RemoveBefore(upto)
				expected(err)
				for _, info := range gone {
					if info.Number >= upto.File {
						fail("%s was removed, it is not before %s", info.Name, upto)
					}
				}
				for _, w := range all {
					for _, info := range gone {
						w.removed = w.removed || w.span.First.File == info.Number
					}
				}
			case p < 88:
				disk.SetRoom(int64(r.IntN(1500)))
			case p < 92:
				disk.SetRoom(-1)
				disk.SetFail(nil)
			case p < 96:
				op := []string{"WriteAt", "Sync", "SyncDir", "Truncate", "OpenFile", "Remove"}[r.IntN(6)]
				left := 1 + r.IntN(3)
				disk.SetFail(func(did, _ string) error {
					if did == op && left > 0 {
						left--
						return errInjected
					}
					return nil
				})
			default:
				crashes++
				disk.SetRoom(-1)
				disk.SetFail(nil)
				power := r.IntN(2) == 0
				old := l
				if power {
					disk = disk.Crash()
				} else {
					disk = disk.Kill()
				}
				_ = old.Close() // its disk is gone
				l = open(t, "d", options())
				if l.Recovered().Cut > 0 {
					cuts++
				}
				// After a kill everything that was appended is there; after a loss of power, what was synced.
				found := map[uint64]segment.Position{}
				last := uint64(0)
				for f, err := range l.Read(segment.Position{}) {
					if _, ok := errors.AsType[*segment.Damage](err); ok {
						damaged++
						continue
					} else if err != nil {
						fail("%v", err)
					}
					n := binary.LittleEndian.Uint64(f.Data)
					if n <= last || !bytes.Equal(f.Data[8:], make([]byte, len(f.Data)-8)) {
						fail("frame %d after %d", n, last)
					}
					last, found[n] = n, f.Position
				}
				var kept []*written
				for _, w := range all {
					at, ok := found[w.number]
					switch {
					case ok && at != w.span.First:
						fail("frame %d is at %s, was at %s", w.number, at, w.span.First)
					case !ok && !w.removed && (w.synced || !power):
						fail("frame %d at %s is lost (synced: %v, power: %v)", w.number, w.span.First, w.synced, power)
					case !ok && !w.removed:
						lost++
					}
					if ok {
						w.synced, w.removed = true, false // recovery made it durable
						kept = append(kept, w)
					}
					delete(found, w.number)
				}
				for n := range torn {
					delete(found, n)
				}
				if len(found) > 0 {
					fail("frames that were never acknowledged by Append: %v", found)
				}
				all = kept
			}
		}
		disk.SetFail(nil)
		disk.SetRoom(-1)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d crashes, %d faults, %d torn ends, %d times damage, %d frames lost that were not synced", crashes, faults, cuts, damaged, lost)
	if crashes == 0 || faults == 0 || cuts == 0 || lost == 0 {
		t.Error("the test did not see everything")
	}
}
