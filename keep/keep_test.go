package keep_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/segment"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 890, time.UTC)

// records returns records like those of a cloud log, each of them different.
func records(r *rand.Rand, n int) []keep.Record {
	all := make([]keep.Record, n)
	for i := range all {
		all[i].Time = start.Add(time.Duration(r.IntN(1e12)))
		if r.IntN(10) == 0 {
			all[i].Time = time.Time{}
		}
		for j := range all[i].Key {
			all[i].Key[j] = byte(r.Uint32())
		}
		all[i].Raw = fmt.Appendf(nil, `{"eventVersion":"1.08","eventTime":%q,"eventName":"DescribeInstances","awsRegion":"ap-northeast-%d","sourceIPAddress":"198.51.100.%d","requestID":"%x","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/r/%d"}}`,
			all[i].Time.Format(time.RFC3339), r.IntN(3), r.IntN(256), all[i].Key, r.IntN(50))
	}
	return all
}

type result struct {
	ranges []yagura.KeptRange
	err    error
}

// put hands a batch over and waits until it is called back.
func put(t testing.TB, k keep.Keep, b *keep.Batch) result {
	t.Helper()
	done := make(chan result, 2)
	b.Done = func(ranges []yagura.KeptRange, err error) { done <- result{ranges, err} }
	if err := k.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return <-done
}

func open(t testing.TB, dir string, o keep.Options) *keep.Files {
	t.Helper()
	k, err := keep.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func entries(b *keep.Batch) []keep.Entry {
	var all []keep.Entry
	for _, run := range b.Runs {
		for i, rec := range run.Records {
			all = append(all, keep.Entry{Source: b.Source, Object: b.Object, Format: run.Format, Number: run.First + int64(i), Record: rec})
		}
	}
	return all
}

func TestPutAndRead(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	k := open(t, dir, keep.Options{FlushEvery: time.Millisecond, FrameBytes: 20_000, FileBytes: 100_000})
	var want []keep.Entry
	for i := range 30 {
		b := &keep.Batch{Source: "s3", Object: fmt.Sprintf("s3://bucket/%d", i), Runs: []keep.Run{
			{Format: "aws.cloudtrail", First: 0, Records: records(r, r.IntN(300))},
			{Format: "aws.guardduty", First: 300, Records: records(r, 1+r.IntN(5))},
			{Format: "aws.cloudtrail", First: 400, Records: records(r, 1+r.IntN(5))},
		}}
		res := put(t, k, b)
		if res.err != nil {
			t.Fatal(res.err)
		}
		var got []keep.Entry
		for _, kept := range res.ranges {
			for e, err := range k.Read(t.Context(), kept) {
				if err != nil {
					t.Fatal(err)
				}
				e.Raw = append([]byte(nil), e.Raw...)
				if !e.Time.IsZero() && (e.Time.Before(kept.Min) || e.Time.After(kept.Max)) {
					t.Fatalf("time %s outside of %s to %s", e.Time, kept.Min, kept.Max)
				}
				got = append(got, e)
			}
		}
		if want := entries(b); !slices.EqualFunc(want, got, equal) {
			t.Fatal(cmp.Diff(want, got))
		}
		want = append(want, got...)
	}
	var got []keep.Entry
	for e, err := range keep.NewReader(dir, nil).All(t.Context(), keep.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		e.Raw = append([]byte(nil), e.Raw...)
		got = append(got, e)
	}
	if !slices.EqualFunc(want, got, equal) {
		t.Fatal(cmp.Diff(want, got))
	}
	for _, f := range []keep.Filter{{Format: "aws.guardduty"}, {Object: "s3://bucket/7"}, {Since: start.Add(200 * time.Second), Until: start.Add(201 * time.Second)}, {Source: "none"}} {
		n, count := 0, 0
		for _, e := range want {
			in := e.Time.IsZero() || (f.Since.IsZero() || !e.Time.Before(f.Since)) && (f.Until.IsZero() || e.Time.Before(f.Until))
			if in && (f.Format == "" || e.Format == f.Format) && (f.Object == "" || e.Object == f.Object) && (f.Source == "" || e.Source == f.Source) {
				n++
			}
		}
		for _, err := range k.All(t.Context(), f) {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
		if n != count {
			t.Errorf("filter %+v: %d records, want %d", f, count, n)
		}
	}
	if s := k.Stats(); s.Batches != 30 || s.Records != int64(len(want)) || s.Waiting != 0 || s.Files < 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestChecksum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	k := open(t, dir, keep.Options{FlushEvery: time.Millisecond})
	b := &keep.Batch{Source: "s3", Object: "o", Runs: []keep.Run{{Format: "f", Records: records(r, 100)}}}
	first, second := put(t, k, b).ranges[0], put(t, k, b).ranges[0]
	name := filepath.Join(dir, first.File)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[first.Offset+first.Length/2] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range k.Read(t.Context(), first) {
		if !errors.Is(err, keep.ErrChecksum) {
			t.Errorf("damaged: %v", err)
		}
	}
	var n int
	for _, err := range k.Read(t.Context(), second) {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	var damage *segment.Damage
	var all int
	for _, err := range k.All(t.Context(), keep.Filter{}) {
		if !errors.As(err, &damage) {
			if err != nil {
				t.Fatal(err)
			}
			all++
		}
	}
	if n != 100 || all != 100 || damage == nil || damage.From != first.Offset-segment.FrameOverhead || damage.To != first.Offset+first.Length {
		t.Errorf("%d records, %d of all, damage %v", n, all, damage)
	}
}

func TestClose(t *testing.T) {
	k, err := keep.Open(t.TempDir(), keep.Options{})
	if err != nil {
		t.Fatal(err)
	}
	calls := make(chan error, 10)
	b := &keep.Batch{Source: "s", Object: "o", Runs: []keep.Run{{Format: "f", Records: []keep.Record{{Raw: []byte("{}")}}}},
		Done: func(_ []yagura.KeptRange, err error) { calls <- err }}
	for range 3 {
		if err := k.Put(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := <-calls; err != nil {
			t.Error(err)
		}
	}
	if err := k.Put(context.Background(), b); !errors.Is(err, keep.ErrClosed) {
		t.Errorf("put after close: %v", err)
	}
}
