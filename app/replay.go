package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
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
	dir := filepath.Join(s.data, "keep")
	if _, err := os.Stat(dir); s.data == "" || errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
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
	for e, err := range keep.NewReader(dir, nil).All(ctx, keep.Filter{Since: first, Until: last.Add(1)}) {
		if damage := (*segment.Damage)(nil); errors.As(err, &damage) {
			continue // what is there no more is counted
		}
		if err != nil {
			return nil, err
		}
		have, wanted := found[e.Key]
		if !wanted || have != nil || len(e.Raw) > maxReplayRecord || size+len(e.Raw) > maxReplayRecords {
			continue
		}
		size += len(e.Raw)
		found[e.Key] = append([]byte(nil), e.Raw...)
	}
	return func(f *yagura.Filed) ([]byte, error) {
		if !ofOneEvent(&f.Finding) {
			return nil, nil
		}
		return found[f.Finding.Event.Key], nil
	}, nil
}

// ofOneEvent reports whether a finding is about one record: one about a window has none that
// a policy could ask for.
func ofOneEvent(f *yagura.Finding) bool {
	return len(f.Events) == 1 && f.Event.Key != (yagura.Key{}) && !f.Event.Time.IsZero()
}
