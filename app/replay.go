package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/segment"
)

// The bounds of the records that a replay holds at a time. A finding whose record is beyond
// them is judged without it, which the comparison counts.
const (
	maxReplayRecord  = 1 << 20 // a policy looks into none that is larger
	maxReplayRecords = 256 << 20
	maxReplayKeys    = 2_000_000
)

// Records looks the records of findings up in what the server keeps, for a policy that asks
// for the event. Of a server with several replicas only what lies below this data folder is
// found.
func (s *FiledSince) Records(ctx context.Context) (func(*yagura.Filed) ([]byte, error), error) {
	found := map[yagura.Key][]byte{}
	var first, last time.Time
	err := s.Filed(ctx, func(f yagura.Filed) error {
		at := f.Finding.Event.Time
		if !ofOneEvent(&f.Finding) || len(found) >= maxReplayKeys {
			return nil
		}
		found[f.Finding.Event.Key] = nil
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	size := 0
	take := func(key yagura.Key, raw []byte) {
		have, wanted := found[key]
		if wanted && have == nil && len(raw) <= maxReplayRecord && size+len(raw) <= maxReplayRecords {
			size += len(raw)
			found[key] = append([]byte(nil), raw...)
		}
	}
	if len(found) == 0 {
		return func(*yagura.Filed) ([]byte, error) { return nil, nil }, nil
	}
	// A file that is damaged or gone costs its records, which are counted, and no others.
	catalogue, blobs, err := LakeCatalogue(ctx, s.cfg, s.db, false)
	if err != nil {
		return nil, err
	}
	for e, err := range lake.NewReader(catalogue, blobs).All(ctx, lake.Filter{From: first, To: last.Add(1)}) {
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue
		}
		take(e.Key, e.Raw)
	}
	if err := s.segments(ctx, first, last, take); err != nil {
		return nil, err
	}
	return func(f *yagura.Filed) ([]byte, error) {
		if !ofOneEvent(&f.Finding) {
			return nil, nil
		}
		return found[f.Finding.Event.Key], nil
	}, nil
}

// segments takes the records that an earlier version kept in segment files.
func (s *FiledSince) segments(ctx context.Context, first, last time.Time, take func(yagura.Key, []byte)) error {
	dir := filepath.Join(s.data, "keep")
	if _, err := os.Stat(dir); s.data == "" || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for e, err := range keep.NewReader(dir, nil).All(ctx, keep.Filter{Since: first, Until: last.Add(1)}) {
		if damage := (*segment.Damage)(nil); errors.As(err, &damage) {
			continue // what is there no more is counted
		}
		if err != nil {
			return err
		}
		take(e.Key, e.Raw)
	}
	return nil
}

// ofOneEvent reports whether a finding is about one record: one about a window has none that
// a policy could ask for.
func ofOneEvent(f *yagura.Finding) bool {
	return len(f.Events) == 1 && f.Event.Key != (yagura.Key{}) && !f.Event.Time.IsZero()
}
