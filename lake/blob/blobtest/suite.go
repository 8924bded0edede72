package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/yagura-sec/yagura/lake/blob"
)

// Options say what stands before a store.
type Options struct {
	// Faults is the server of the store; nil where there is none. The store's Retry must have
	// at least four attempts, a Sleep that does not wait, and a short Stall.
	Faults *Faults
}

// Run holds a store to its contract. It must be empty.
func Run(t *testing.T, s blob.Store, o Options) {
	t.Helper()
	ctx := context.Background()
	t.Run("round trip", func(t *testing.T) { roundTrip(ctx, t, s) })
	t.Run("if absent", func(t *testing.T) { ifAbsent(ctx, t, s) })
	t.Run("ranges", func(t *testing.T) { ranges(ctx, t, s) })
	t.Run("keys", func(t *testing.T) { keys(ctx, t, s) })
	t.Run("list", func(t *testing.T) { list(ctx, t, s) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, s) })
	if o.Faults != nil {
		t.Run("faults", func(t *testing.T) { faults(ctx, t, s, o.Faults) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pattern is content of which every part tells its place.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13 + i>>16)
	}
	return b
}

func roundTrip(ctx context.Context, t *testing.T, s blob.Store) {
	for _, n := range []int{0, 1, 4096, 300_001} {
		key := fmt.Sprintf("round/trip-%d.parquet", n)
		data := pattern(n)
		info, err := blob.PutBytes(ctx, s, key, data, blob.PutOptions{Sum: sha256.Sum256(data)})
		must(t, err)
		if info.Size != int64(n) || info.Key != key || info.Sum != sha256.Sum256(data) {
			t.Errorf("put: %+v", info)
		}
		got, info, err := blob.ReadAll(ctx, s, key, 1<<20)
		must(t, err)
		if !bytes.Equal(got, data) || info.Size != int64(n) || info.Key != key {
			t.Errorf("%d bytes: got %d, %+v", n, len(got), info)
		}
		stat, err := s.Stat(ctx, key)
		must(t, err)
		if stat.Size != int64(n) || stat.Key != key || stat.Modified.IsZero() || stat.Sum != [32]byte{} && stat.Sum != sha256.Sum256(data) {
			t.Errorf("stat: %+v", stat)
		}
		// Without a condition the newer takes the older's place.
		_, err = blob.PutBytes(ctx, s, key, []byte("newer"), blob.PutOptions{})
		must(t, err)
		if got, _, err := blob.ReadAll(ctx, s, key, 100); err != nil || string(got) != "newer" {
			t.Errorf("%q %v", got, err)
		}
		must(t, s.Delete(ctx, key))
		must(t, s.Delete(ctx, key))
		if _, err := s.Stat(ctx, key); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("stat of nothing: %v", err)
		}
		if _, _, err := s.Get(ctx, key); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("get of nothing: %v", err)
		}
		if err := s.ReadRange(ctx, key, 0, make([]byte, 1)); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("range of nothing: %v", err)
		}
	}
	if _, err := blob.PutBytes(ctx, s, "round/wrong", []byte("x"), blob.PutOptions{Sum: [32]byte{1}}); !errors.Is(err, blob.ErrChecksum) {
		t.Errorf("wrong sum: %v", err)
	}
	if _, err := s.Put(ctx, "round/short", strings.NewReader("x"), 2, blob.PutOptions{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short content: %v", err)
	}
	for _, key := range []string{"round/wrong", "round/short"} {
		if _, err := s.Stat(ctx, key); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("%s appeared: %v", key, err)
		}
	}
	_, err := blob.PutBytes(ctx, s, "round/limit", pattern(100), blob.PutOptions{})
	must(t, err)
	if _, _, err := blob.ReadAll(ctx, s, "round/limit", 99); err == nil {
		t.Error("more than the limit was read")
	}
	must(t, s.Delete(ctx, "round/limit"))
}

// ifAbsent has many writers of one name, and readers that look meanwhile.
func ifAbsent(ctx context.Context, t *testing.T, s blob.Store) {
	for round := range 5 {
		key := fmt.Sprintf("absent/%d/one.parquet", round)
		var won atomic.Int32
		var winner atomic.Value
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				data := bytes.Repeat([]byte{byte('a' + i)}, 50_000)
				switch _, err := blob.PutBytes(ctx, s, key, data, blob.PutOptions{IfAbsent: true}); {
				case err == nil:
					won.Add(1)
					winner.Store(data)
				case !errors.Is(err, blob.ErrExists):
					t.Errorf("writer %d: %v", i, err)
				}
			})
			wg.Go(func() {
				data, _, err := blob.ReadAll(ctx, s, key, 1<<20)
				if err != nil && !errors.Is(err, blob.ErrNotFound) {
					t.Errorf("reader: %v", err)
				}
				if err == nil && (len(data) != 50_000 || bytes.Count(data, data[:1]) != 50_000) {
					t.Errorf("a part of an object was seen: %d bytes", len(data))
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d writers succeeded", won.Load())
		}
		data, _, err := blob.ReadAll(ctx, s, key, 1<<20)
		must(t, err)
		if !bytes.Equal(data, winner.Load().([]byte)) {
			t.Error("the object is not the winner's")
		}
		must(t, s.Delete(ctx, key))
	}
}

func ranges(ctx context.Context, t *testing.T, s blob.Store) {
	data := pattern(100_000)
	_, err := blob.PutBytes(ctx, s, "range/a.parquet", data, blob.PutOptions{})
	must(t, err)
	for _, r := range [][2]int{{0, 1}, {0, 100_000}, {99_999, 1}, {12_345, 54_321}, {5, 0}} {
		p := make([]byte, r[1])
		must(t, s.ReadRange(ctx, "range/a.parquet", int64(r[0]), p))
		if !bytes.Equal(p, data[r[0]:r[0]+r[1]]) {
			t.Errorf("range %v", r)
		}
	}
	for _, r := range [][2]int{{99_999, 2}, {100_000, 1}, {200_000, 5}} {
		if err := s.ReadRange(ctx, "range/a.parquet", int64(r[0]), make([]byte, r[1])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("range %v behind the end: %v", r, err)
		}
	}
	must(t, s.Delete(ctx, "range/a.parquet"))
}

func keys(ctx context.Context, t *testing.T, s blob.Store) {
	for _, key := range []string{"", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".hidden", "a/.writing", "a\\b", "a\nb", "a\x00", "\xff", strings.Repeat("x", 201), strings.Repeat("x/", 600) + "x"} {
		if _, err := blob.PutBytes(ctx, s, key, []byte("x"), blob.PutOptions{}); err == nil {
			t.Errorf("put of %q", key)
		}
		if _, _, err := s.Get(ctx, key); err == nil {
			t.Errorf("get of %q", key)
		}
		if err := s.Delete(ctx, key); err == nil {
			t.Errorf("delete of %q", key)
		}
	}
	// What people and formats put into names.
	good := []string{"keys/aws.cloudtrail/day=unknown/x", "keys/a b+c%2F?d#e&f=g", "keys/日本語/ü.parquet", "keys/" + strings.Repeat("y", 200)}
	for _, key := range good {
		_, err := blob.PutBytes(ctx, s, key, []byte(key), blob.PutOptions{IfAbsent: true})
		must(t, err)
		if got, _, err := blob.ReadAll(ctx, s, key, 1000); err != nil || string(got) != key {
			t.Errorf("%q: %q %v", key, got, err)
		}
	}
	var found []string
	for info, err := range blob.All(ctx, s, "keys/") {
		must(t, err)
		found = append(found, info.Key)
	}
	slices.Sort(good)
	if !slices.Equal(found, good) {
		t.Errorf("listed %q", found)
	}
	for _, key := range good {
		must(t, s.Delete(ctx, key))
	}
}

func list(ctx context.Context, t *testing.T, s blob.Store) {
	var want []string
	for i := range 23 {
		want = append(want, fmt.Sprintf("list/d%d/f%02d", i%3, i), fmt.Sprintf("list/d%d.x%02d", i%3, i))
	}
	want = append(want, "list/d1", "list-other/a")
	if _, ok := s.(*blob.Disk); ok { // a name cannot be a file and a folder there
		want = slices.DeleteFunc(want, func(k string) bool { return k == "list/d1" })
	}
	for _, k := range want {
		_, err := blob.PutBytes(ctx, s, k, []byte(k), blob.PutOptions{})
		must(t, err)
	}
	slices.Sort(want)
	for _, prefix := range []string{"list/", "list/d1", "list/d1/", "list", "nothing/", "list/d1/f0"} {
		var expect []string
		for _, k := range want {
			if strings.HasPrefix(k, prefix) {
				expect = append(expect, k)
			}
		}
		for _, limit := range []int{1, 5, 1000} {
			var got []string
			after := ""
			for range 200 {
				page, err := s.List(ctx, prefix, after, limit)
				must(t, err)
				if len(page.Objects) > limit {
					t.Fatalf("%d objects on a page of %d", len(page.Objects), limit)
				}
				for _, o := range page.Objects {
					got = append(got, o.Key)
					if o.Size != int64(len(o.Key)) {
						t.Errorf("%s has %d bytes", o.Key, o.Size)
					}
					after = o.Key
				}
				if !page.More {
					break
				}
			}
			if !slices.Equal(got, expect) {
				t.Errorf("prefix %q, pages of %d:\n got %q\nwant %q", prefix, limit, got, expect)
			}
		}
	}
	// Any key may be begun behind, also one that is not there.
	page, err := s.List(ctx, "list/", "list/d1/f05", 2)
	must(t, err)
	if len(page.Objects) == 0 || page.Objects[0].Key != "list/d1/f07" {
		t.Errorf("behind a key that is not there: %+v", page)
	}
	for _, k := range want {
		must(t, s.Delete(ctx, k))
	}
	if page, err := s.List(ctx, "", "", 0); err != nil || len(page.Objects) > 0 || page.More {
		t.Errorf("left: %+v %v", page, err)
	}
}

func cancelled(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := blob.PutBytes(ctx, s, "cancelled/a", []byte("x"), blob.PutOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.List(ctx, "", "", 0); !errors.Is(err, context.Canceled) {
		t.Errorf("list: %v", err)
	}
	if _, err := s.Stat(context.Background(), "cancelled/a"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("it was written: %v", err)
	}
}

// writes are requests that write.
func writes(r *http.Request) bool { return r.Method == http.MethodPut || r.Method == http.MethodPost }

// reads are requests that read content or its description.
func reads(r *http.Request) bool { return r.Method == http.MethodGet }

func faults(ctx context.Context, t *testing.T, s blob.Store, f *Faults) {
	data := pattern(200_000)
	done := func(t *testing.T) {
		t.Helper()
		if f.Left() != 0 {
			t.Errorf("%d faults did not happen", f.Left())
		}
		f.Next(nil)
	}
	n := 0
	fresh := func() string { n++; return fmt.Sprintf("faults/%d.parquet", n) }
	for _, plan := range [][]Fault{{Throttle}, {Busy, Throttle, Busy}, {Lost}, {Error}, {Hang}, {Lost, Busy}, {Busy, Lost, Throttle}} {
		for _, absent := range []bool{true, false} {
			t.Run(fmt.Sprintf("put %v absent %t", plan, absent), func(t *testing.T) {
				key := fresh()
				f.Next(writes, plan...)
				if _, err := blob.PutBytes(ctx, s, key, data, blob.PutOptions{IfAbsent: absent}); err != nil {
					t.Errorf("the write is not known as done: %v", err)
				}
				done(t)
				if got, _, err := blob.ReadAll(ctx, s, key, 1<<20); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
	}
	t.Run("somebody else was first", func(t *testing.T) {
		// The same content, so that nothing but the mark of the write can tell.
		key := fresh()
		_, err := blob.PutBytes(ctx, s, key, data, blob.PutOptions{IfAbsent: true})
		must(t, err)
		f.Next(writes, Lost, Error)
		if _, err := blob.PutBytes(ctx, s, key, data, blob.PutOptions{IfAbsent: true}); !errors.Is(err, blob.ErrExists) {
			t.Errorf("%v", err)
		}
		done(t)
	})
	t.Run("it is said when nothing is known", func(t *testing.T) {
		key := fresh()
		f.Next(nil, slices.Concat([]Fault{Lost}, slices.Repeat([]Fault{Busy}, 60))...)
		_, err := blob.PutBytes(ctx, s, key, data, blob.PutOptions{IfAbsent: true})
		f.Next(nil)
		if !errors.Is(err, blob.ErrUnknown) {
			t.Errorf("%v", err)
		}
	})
	t.Run("given up", func(t *testing.T) {
		key := fresh()
		f.Next(nil, slices.Repeat([]Fault{Throttle}, 60)...)
		_, err := blob.PutBytes(ctx, s, key, data, blob.PutOptions{IfAbsent: true})
		f.Next(nil)
		if err == nil || errors.Is(err, blob.ErrUnknown) || errors.Is(err, blob.ErrExists) {
			t.Errorf("%v", err)
		}
		if _, err := s.Stat(ctx, key); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
	t.Run("denied", func(t *testing.T) {
		before := f.Requests()
		f.Next(nil, Deny)
		_, err := blob.PutBytes(ctx, s, fresh(), data, blob.PutOptions{})
		if !errors.Is(err, blob.ErrDenied) || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("%v", err)
		}
		if n := f.Requests() - before; n != 1 {
			t.Errorf("%d requests: what is denied is not asked for again", n)
		}
		done(t)
	})

	key := fresh()
	_, err := blob.PutBytes(ctx, s, key, data, blob.PutOptions{})
	must(t, err)
	for _, plan := range [][]Fault{{Throttle}, {Busy, Busy}, {Lost}, {Hang}, {Cut}, {Cut, Cut}} {
		t.Run(fmt.Sprintf("read %v", plan), func(t *testing.T) {
			f.Next(reads, plan...)
			if got, _, err := blob.ReadAll(ctx, s, key, 1<<20); err != nil || !bytes.Equal(got, data) {
				t.Errorf("get: %d bytes, %v", len(got), err)
			}
			done(t)
			f.Next(reads, plan...)
			p := make([]byte, 70_000)
			if err := s.ReadRange(ctx, key, 50_000, p); err != nil || !bytes.Equal(p, data[50_000:120_000]) {
				t.Errorf("range: %v", err)
			}
			done(t)
			f.Next(nil, plan...)
			if page, err := s.List(ctx, key, "", 10); err != nil || len(page.Objects) != 1 {
				t.Errorf("list: %+v %v", page, err)
			}
			done(t)
			f.Next(nil, plan[0])
			if _, err := s.Stat(ctx, key); err != nil {
				t.Errorf("stat: %v", err)
			}
			f.Next(nil)
		})
	}
	content := func(r *http.Request) bool {
		return r.Method == http.MethodGet && (!strings.Contains(r.URL.Path, "/storage/v1/") || r.URL.Query().Get("alt") == "media")
	}
	t.Run("a flipped bit is found", func(t *testing.T) {
		f.Next(content, Flip)
		if _, _, err := blob.ReadAll(ctx, s, key, 1<<20); !errors.Is(err, blob.ErrChecksum) {
			t.Errorf("%v", err)
		}
		done(t)
	})
	t.Run("the whole in place of a part", func(t *testing.T) {
		f.Next(content, Whole)
		p := make([]byte, 100)
		if err := s.ReadRange(ctx, key, 1000, p); err != nil || !bytes.Equal(p, data[1000:1100]) {
			t.Errorf("%v", err)
		}
		done(t)
	})
	for i := range n {
		must(t, s.Delete(ctx, fmt.Sprintf("faults/%d.parquet", i+1)))
	}
}
