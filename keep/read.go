package keep

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/segment"
)

// Reader reads kept records, also while [Files] of another process writes them.
type Reader struct {
	dir  string
	fs   segment.FS
	free chan *decoder
}

// NewReader returns a reader of a directory. A nil fsys is the system's.
func NewReader(dir string, fsys segment.FS) *Reader {
	if fsys == nil {
		fsys = segment.OS
	}
	return &Reader{dir: dir, fs: fsys, free: make(chan *decoder, 1)}
}

// decoder returns one that is free or a new one; making one takes longer than a frame.
func (r *Reader) decoder() (*decoder, error) {
	select {
	case d := <-r.free:
		return d, nil
	default:
		return newDecoder()
	}
}

func (r *Reader) giveBack(d *decoder) {
	if cap(d.buf) > 4<<20 {
		d.buf = nil
	}
	select {
	case r.free <- d:
	default:
		d.close()
	}
}

// Filter says which records [Reader.All] hands out. The zero value is all. A record that
// does not say its time passes Since and Until.
type Filter struct {
	Source, Object, Format string    // "": any
	Since, Until           time.Time // event time, Until not included; zero: no bound
}

// part says whether some record of a part may pass.
func (f *Filter) part(p *part) bool {
	if f.Format != "" && f.Format != p.format {
		return false
	}
	return p.timeless > 0 || (f.Since.IsZero() || !p.max.Before(f.Since)) && (f.Until.IsZero() || p.min.Before(f.Until))
}

func (f *Filter) time(t time.Time) bool {
	if t.IsZero() {
		return true
	}
	return (f.Since.IsZero() || !t.Before(f.Since)) && (f.Until.IsZero() || t.Before(f.Until))
}

// Read hands out the records of a range, in order. An error ends it: that the checksum
// is wrong ([ErrChecksum]), or that the file is not there any more ([segment.ErrGone]).
func (r *Reader) Read(ctx context.Context, kept yagura.KeptRange) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := r.read(ctx, kept, yield); err != nil {
			yield(Entry{}, fmt.Errorf("keep: %s: byte %d: %w", kept.File, kept.Offset, err))
		}
	}
}

func (r *Reader) read(ctx context.Context, kept yagura.KeptRange, yield func(Entry, error) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, ok := segment.FileNumber(kept.File); !ok || kept.Offset < segment.FileOverhead || kept.Length < 0 || kept.Length > segment.MaxFrame {
		return errors.New("this names no kept records")
	}
	f, err := r.fs.OpenFile(filepath.Join(r.dir, kept.File), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return segment.ErrGone
	} else if err != nil {
		return err
	}
	b := make([]byte, kept.Length)
	n, err := f.ReadAt(b, kept.Offset)
	if cerr := f.Close(); n == len(b) {
		err = cerr
	}
	if err != nil {
		return err
	}
	if sha256.Sum256(b) != kept.Checksum {
		return ErrChecksum
	}
	h, err := parseHead(b)
	if err != nil {
		return err
	}
	if h.source != kept.Source || h.object != kept.Object {
		return fmt.Errorf("records of %s %s are kept here, not of %s %s", h.source, h.object, kept.Source, kept.Object)
	}
	d, err := r.decoder()
	if err != nil {
		return err
	}
	defer r.giveBack(d)
	var found int64
	more, err := d.records(h, func(p *part, number int64) bool {
		return p.format == kept.Format && number >= kept.First && number-kept.First < kept.Count
	}, func(e Entry) bool {
		found++
		return yield(e, nil)
	})
	if err == nil && more && found != kept.Count {
		err = fmt.Errorf("%d of %d records are there", found, kept.Count)
	}
	return err
}

// All hands out every kept record that passes the filter, in the order of keeping. A
// damaged stretch is a [*segment.Damage] and does not end it; any other error does.
func (r *Reader) All(ctx context.Context, filter Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		d, err := r.decoder()
		if err != nil {
			yield(Entry{}, fmt.Errorf("keep: %w", err))
			return
		}
		defer r.giveBack(d)
		for frame, err := range segment.NewReader(r.dir, r.fs).Read(segment.Position{}) {
			if err == nil {
				err = ctx.Err()
			}
			var more bool
			if err == nil {
				more, err = r.frame(d, frame, &filter, yield)
			}
			var damage *segment.Damage
			switch {
			case errors.As(err, &damage):
				if !yield(Entry{}, damage) {
					return
				}
			case err != nil:
				yield(Entry{}, fmt.Errorf("keep: %w", err))
				return
			case !more:
				return
			}
		}
	}
}

// frame hands out the records of one frame that pass the filter.
func (r *Reader) frame(d *decoder, frame segment.Frame, filter *Filter, yield func(Entry, error) bool) (bool, error) {
	damage := func(err error) error {
		return &segment.Damage{File: segment.FileName(frame.Position.File), Number: frame.Position.File,
			From: frame.Position.Offset, To: frame.End.Offset, Reason: err.Error()}
	}
	h, err := parseHead(frame.Data)
	if err != nil {
		return true, damage(err)
	}
	if filter.Source != "" && filter.Source != h.source || filter.Object != "" && filter.Object != h.object {
		return true, nil
	}
	wanted := false
	for i := range h.parts {
		wanted = wanted || filter.part(&h.parts[i])
	}
	if !wanted {
		return true, nil
	}
	more, err := d.records(h, func(p *part, _ int64) bool { return filter.part(p) }, func(e Entry) bool {
		return !filter.time(e.Time) || yield(e, nil)
	})
	if err != nil {
		return more, damage(err)
	}
	return more, nil
}
