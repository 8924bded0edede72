package keep_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/segment"
	"github.com/yagura-sec/yagura/segment/segtest"
)

var errInjected = errors.New("the disk fails")

// TestCrashes puts batches from several goroutines while writes fail, the disk is full,
// and the machine dies: every range that was called back is there, byte for byte.
func TestCrashes(t *testing.T) {
	seeds := 5
	if os.Getenv("YAGURA_PROVE") != "" {
		seeds = 500
	}
	var acknowledged, failed, crashes int
	for seed := range seeds {
		r := rand.New(rand.NewPCG(9, uint64(seed)))
		disk := segtest.New(uint64(seed))
		options := func() keep.Options {
			return keep.Options{FS: disk, FlushEvery: time.Microsecond, FlushBytes: 20_000, FrameBytes: 3000, FileBytes: 40_000, MaxWaiting: 50_000}
		}
		k, err := keep.Open("d", options())
		if err != nil {
			t.Fatal(err)
		}
		type kept struct {
			batch  *keep.Batch
			ranges []yagura.KeptRange
		}
		var mu sync.Mutex
		var all []kept
		object := 0
		for range 6 {
			var wait sync.WaitGroup
			for range 3 {
				var batches []*keep.Batch
				for range 10 {
					object++
					batches = append(batches, &keep.Batch{Source: "s3", Object: fmt.Sprint(object), Runs: []keep.Run{{Format: "f", First: int64(r.IntN(9)), Records: records(r, r.IntN(40))}}})
				}
				wait.Go(func() {
					for _, b := range batches {
						done := make(chan result, 2)
						b.Done = func(ranges []yagura.KeptRange, err error) { done <- result{ranges, err} }
						if err := k.Put(context.Background(), b); errors.Is(err, keep.ErrClosed) {
							return
						} else if err != nil {
							t.Error(err)
							return
						}
						res := <-done
						mu.Lock()
						switch {
						case res.err == nil:
							all = append(all, kept{b, res.ranges})
						case errors.Is(res.err, syscall.ENOSPC), errors.Is(res.err, errInjected):
							failed++
						default:
							t.Error(res.err)
						}
						mu.Unlock()
					}
				})
			}
			op := []string{"WriteAt", "Sync", "SyncDir", "Truncate", "OpenFile", "none"}[r.IntN(6)]
			left := 1 + r.IntN(4)
			disk.SetFail(func(did, _ string) error {
				if did == op && left > 0 {
					left--
					return errInjected
				}
				return nil
			})
			if r.IntN(3) == 0 {
				disk.SetRoom(int64(r.IntN(20_000)))
			}
			// A disk that is full has room again some time, or the keeper is closed before.
			ended := make(chan struct{})
			go func() { wait.Wait(); close(ended) }()
			closes := r.IntN(2) == 0
			for stuck := true; stuck; {
				select {
				case <-ended:
					stuck = false
				default:
					if k.Stats().LastError == "" {
						runtime.Gosched()
						continue
					}
					if closes {
						_ = k.Close() // what it says is of the disk
					}
					disk.SetRoom(-1)
					<-ended
				}
			}
			disk.SetFail(nil)
			disk.SetRoom(-1)
			old := k
			if r.IntN(2) == 0 {
				disk = disk.Crash()
			} else {
				disk = disk.Kill()
			}
			_ = old.Close() // its disk is gone
			crashes++
			if k, err = keep.Open("d", options()); err != nil {
				t.Fatal(err)
			}
			for _, a := range all {
				var got []keep.Entry
				for _, kept := range a.ranges {
					for e, err := range k.Read(t.Context(), kept) {
						if err != nil {
							t.Fatalf("seed %d: %v", seed, err)
						}
						e.Raw = append([]byte(nil), e.Raw...)
						got = append(got, e)
					}
				}
				if want := entries(a.batch); !slices.EqualFunc(want, got, equal) {
					t.Fatalf("seed %d: %s", seed, cmp.Diff(want, got))
				}
			}
		}
		acknowledged += len(all)
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d crashes, %d batches kept, %d failed", crashes, acknowledged, failed)
	if acknowledged == 0 || failed == 0 {
		t.Error("the test did not see everything")
	}
}

// equal is much faster than cmp.
func equal(a, b keep.Entry) bool {
	return a.Source == b.Source && a.Object == b.Object && a.Format == b.Format && a.Number == b.Number && a.Key == b.Key && a.Time.Equal(b.Time) && bytes.Equal(a.Raw, b.Raw)
}

func TestDrop(t *testing.T) {
	now := time.Unix(1e9, 0)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	k := open(t, "d", keep.Options{FS: segtest.New(1), FlushEvery: time.Nanosecond, FileAge: time.Hour, Now: clock})
	var ranges []yagura.KeptRange
	for i := range 10 {
		b := &keep.Batch{Source: "s", Object: fmt.Sprint(i), Runs: []keep.Run{{Format: "f", Records: []keep.Record{{Raw: make([]byte, 100)}}}}}
		ranges = append(ranges, put(t, k, b).ranges...)
		mu.Lock()
		now = now.Add(time.Hour)
		mu.Unlock()
	}
	if n := k.Stats().Files; n != 10 {
		t.Fatalf("%d files", n)
	}
	gone, err := k.Drop(time.Unix(1e9, 0).Add(3*time.Hour), 0)
	if err != nil || len(gone) != 3 || gone[0].File != ranges[0].File || !gone[2].To.Equal(time.Unix(1e9, 0).Add(3*time.Hour)) {
		t.Fatalf("dropped by age: %+v, %v", gone, err)
	}
	for _, err := range k.Read(t.Context(), ranges[0]) {
		if !errors.Is(err, segment.ErrGone) {
			t.Errorf("a dropped range: %v", err)
		}
	}
	size := k.Stats().Bytes
	gone, err = k.Drop(time.Time{}, size/2)
	if err != nil || len(gone) != 4 || k.Stats().Bytes > size/2 {
		t.Fatalf("dropped by size: %+v, %v, %+v", gone, err, k.Stats())
	}
	if gone, err = k.Drop(clock().Add(time.Hour), 1); err != nil || len(gone) != 2 {
		t.Fatalf("dropped everything but the file that is written: %+v, %v", gone, err)
	}
	for _, err := range k.Read(t.Context(), ranges[9]) {
		if err != nil {
			t.Error(err)
		}
	}
}

// TestPace: the first batch after a pause is durable at once, those after it share one
// fsync within the time, and much at once does not wait for it.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := segtest.New(1)
		syncs := 0
		k := open(t, "d", keep.Options{FS: disk, FlushBytes: 10_000})
		disk.SetFail(func(op, _ string) error {
			if op == "Sync" {
				syncs++
			}
			return nil
		})
		begin := time.Now()
		r := rand.New(rand.NewPCG(1, 1))
		noise := func(n int) []keep.Record {
			raw := make([]byte, n)
			for i := range raw {
				raw[i] = byte(r.Uint32())
			}
			return []keep.Record{{Raw: raw}}
		}
		send := func(n int) chan time.Duration {
			done := make(chan time.Duration, 1)
			b := &keep.Batch{Source: "s", Object: "o", Runs: []keep.Run{{Format: "f", Records: noise(n)}},
				Done: func(_ []yagura.KeptRange, err error) {
					if err != nil {
						t.Error(err)
					}
					done <- time.Since(begin)
				}}
			if err := k.Put(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			return done
		}
		if at := <-send(100); at != 0 || syncs != 1 {
			t.Errorf("the first batch after %s, %d fsyncs", at, syncs)
		}
		a, b := send(100), send(100)
		if a, b := <-a, <-b; a != 200*time.Millisecond || b != a || syncs != 2 {
			t.Errorf("the next ones after %s and %s, %d fsyncs", a, b, syncs)
		}
		if at := <-send(20_000); at != 200*time.Millisecond || syncs != 3 {
			t.Errorf("much after %s, %d fsyncs", at, syncs)
		}
	})
}

// TestBackPressure: Put waits while too much waits for the disk, and ends with its context.
func TestBackPressure(t *testing.T) {
	disk := segtest.New(1)
	block := make(chan bool)
	var once sync.Once
	entered := make(chan bool)
	k := open(t, "d", keep.Options{FS: disk, MaxWaiting: 1000, FlushEvery: time.Nanosecond})
	disk.SetFail(func(op, _ string) error {
		if op == "Sync" {
			once.Do(func() {
				close(entered)
			})
			<-block
		}
		return nil
	})
	done := make(chan error, 10)
	b := &keep.Batch{Source: "s", Object: "o", Runs: []keep.Run{{Format: "f", Records: records(rand.New(rand.NewPCG(1, 1)), 20)}},
		Done: func(_ []yagura.KeptRange, err error) { done <- err }}
	if err := k.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	refused := make(chan error)
	go func() { refused <- k.Put(ctx, b) }()
	cancel()
	if err := <-refused; !errors.Is(err, context.Canceled) {
		t.Errorf("put while the disk is busy: %v", err)
	}
	close(block)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := k.Put(t.Context(), b); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFullDisk: what finds no room waits, and what comes behind it too; with room again all of
// it is kept, in order, and a disk whose fsync fails is no different.
func TestFullDisk(t *testing.T) {
	for _, full := range []string{"WriteAt", "Sync"} {
		synctest.Test(t, func(t *testing.T) {
			disk := segtest.New(1)
			k := open(t, "d", keep.Options{FS: disk})
			disk.SetFail(func(op, _ string) error {
				if op == full {
					return syscall.ENOSPC
				}
				return nil
			})
			r := rand.New(rand.NewPCG(1, 1))
			var batches []*keep.Batch
			var mu sync.Mutex
			var order []string
			kept := map[string][]yagura.KeptRange{}
			for i := range 5 {
				b := &keep.Batch{Source: "s", Object: fmt.Sprint(i), Runs: []keep.Run{{Format: "f", Records: records(r, 20)}}}
				b.Done = func(ranges []yagura.KeptRange, err error) {
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					order = append(order, b.Object)
					kept[b.Object] = ranges
				}
				batches = append(batches, b)
				if err := k.Put(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Hour)
			mu.Lock()
			if s := k.Stats(); len(order) != 0 || s.LastError == "" || s.Failed != 0 {
				t.Fatalf("%s: while there is no room: %v done, %+v", full, order, s)
			}
			mu.Unlock()
			disk.SetFail(nil)
			time.Sleep(2 * time.Minute)
			mu.Lock()
			defer mu.Unlock()
			if s := k.Stats(); !slices.Equal(order, []string{"0", "1", "2", "3", "4"}) || s.LastError != "" || s.Waiting != 0 {
				t.Fatalf("%s: with room again: %v done, %+v", full, order, s)
			}
			for _, b := range batches {
				var got []keep.Entry
				for _, kept := range kept[b.Object] {
					for e, err := range k.Read(t.Context(), kept) {
						if err != nil {
							t.Fatal(err)
						}
						e.Raw = append([]byte(nil), e.Raw...)
						got = append(got, e)
					}
				}
				if want := entries(b); !slices.EqualFunc(want, got, equal) {
					t.Fatalf("%s: %s", full, cmp.Diff(want, got))
				}
			}
		})
	}
}

// TestSharedFailure: a failed fsync is one failure, however many batches shared it: the next
// try is no later for many than for one.
func TestSharedFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := segtest.New(1)
		k := open(t, "d", keep.Options{FS: disk})
		var done sync.WaitGroup
		put := func(object string) {
			done.Add(1)
			b := &keep.Batch{Source: "s", Object: object, Runs: []keep.Run{{Format: "f", Records: []keep.Record{{Raw: []byte("{}")}}}}}
			b.Done = func(_ []yagura.KeptRange, err error) {
				if err != nil {
					t.Error(err)
				}
				done.Done()
			}
			if err := k.Put(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		put("first") // those behind it share an fsync
		done.Wait()
		begin := time.Now()
		disk.SetFail(func(op, _ string) error {
			if op == "Sync" && time.Since(begin) < time.Second {
				return syscall.EIO
			}
			return nil
		})
		for i := range 10 {
			put(fmt.Sprint(i))
		}
		done.Wait()
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("durable after %s", took)
		}
	})
}
