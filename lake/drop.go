package lake

import (
	"context"
	"slices"
	"time"
)

// Drop removes whole files: those whose newest record happened before a time (zero: none for
// their age), and of the rest the oldest until no more than so many bytes are left (0: any
// size). Files on hold stay. It says what it removed.
func (l *Lake) Drop(ctx context.Context, before time.Time, most int64) ([]File, error) {
	files, err := l.o.Catalogue.Files(ctx, Filter{})
	if err != nil {
		return nil, err
	}
	age := func(f *File) time.Time {
		if f.Max.IsZero() {
			return f.SeenMax // what does not say when it happened is as old as its arrival
		}
		return f.Max
	}
	slices.SortStableFunc(files, func(a, b File) int { return age(&a).Compare(age(&b)) })
	var total int64
	for i := range files {
		total += files[i].HeadSize + files[i].RawSize
	}
	var gone []File
	for i := range files {
		f := &files[i]
		old := !before.IsZero() && age(f).Before(before)
		if f.Hold || !old && (most <= 0 || total <= most) {
			continue
		}
		total -= f.HeadSize + f.RawSize
		gone = append(gone, *f)
	}
	for at := 0; at < len(gone); at += dropAtOnce {
		some := gone[at:min(at+dropAtOnce, len(gone))]
		if err := l.o.Catalogue.Drop(ctx, some); err != nil {
			return gone[:at], err
		}
		if err := l.remove(ctx, some); err != nil {
			return gone[:at], err
		}
	}
	return gone, nil
}

const dropAtOnce = 200
