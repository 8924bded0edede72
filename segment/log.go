package segment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options of a [Log]. The zero value is ready to use.
type Options struct {
	MaxBytes int64            // a file of this size is followed by the next; 0: 64 MB
	MaxAge   time.Duration    // a file of this age, too; 0: any age
	Now      func() time.Time // nil: time.Now
	FS       FS               // nil: [OS]
}

// Recovery is what [Open] found and mended in the last file.
type Recovery struct {
	Cut    int64     // bytes of a torn end that were cut
	At     Position  // where
	Damage []*Damage // stretches before it that cannot be read
}

// Info is one file of a log.
type Info struct {
	Number  uint64
	Name    string // in the directory
	Bytes   int64
	Created time.Time // zero when the header cannot be read
}

// Log is the writer of a directory. Its methods may be called from many goroutines.
type Log struct {
	dir  string
	o    Options
	fs   FS
	lock io.Closer
	rec  Recovery

	syncing sync.Mutex // held over fsync; taken before mu

	mu      sync.Mutex
	files   []Info // oldest first; the last one is written unless ended
	f       File   // nil after ended
	head    fileHeader
	end     Position
	synced  Position // everything before it is durable, but for lost
	lost    []lostSpan
	buf     []byte
	grown   chan struct{} // closed and replaced when frames are added
	waiters bool
	torn    bool // something stands behind end that is no frame
	closed  bool
}

// lostSpan is what a failed fsync left in doubt.
type lostSpan struct {
	from, to Position
	err      error
}

// Open opens the log of a directory for writing, making the directory where there is
// none. A torn end is cut.
func Open(dir string, o Options) (*Log, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = OS
	}
	l := &Log{dir: dir, o: o, fs: o.FS, grown: make(chan struct{})}
	if err := l.fs.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	lock, err := l.fs.Lock(filepath.Join(dir, lockKey))
	if err != nil {
		return nil, fmt.Errorf("segment: lock %w", err)
	}
	l.lock = lock
	if err := l.recover(); err != nil {
		if l.f != nil {
			_ = l.f.Close()
		}
		_ = lock.Close()
		return nil, fmt.Errorf("segment %s: open: %w", dir, err)
	}
	return l, nil
}

// recover finds the files, mends the last one and makes it durable.
func (l *Log) recover() error {
	files, err := list(l.fs, l.dir)
	if err != nil {
		return err
	}
	l.files = files
	if len(files) == 0 {
		return l.create(1)
	}
	// Files before the last are durable, unless their fsync failed and the process died.
	for _, info := range files[:len(files)-1] {
		f, err := l.fs.OpenFile(l.path(info.Number), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("%s: %w", info.Name, err)
		}
	}
	last := &l.files[len(files)-1]
	f, err := l.fs.OpenFile(l.path(last.Number), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	l.f = f
	b := make([]byte, FileOverhead)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", last.Name, err)
	}
	switch head, err := parseFileHeader(b[:n], last.Number); {
	case n < FileOverhead:
		// The process died while it made the file: there is no frame in it.
		l.rec.Cut, l.rec.At = int64(n), Position{last.Number, 0}
		l.f = nil
		if err := errors.Join(f.Close(), l.fs.Remove(l.path(last.Number))); err != nil {
			return err
		}
		number := last.Number
		l.files = l.files[:len(files)-1]
		return l.create(number)
	case errors.Is(err, errHeader):
		// What is in the file can still be read; writing goes on in the next one.
		l.rec.Damage = append(l.rec.Damage, &Damage{File: last.Name, Number: last.Number, To: FileOverhead, Reason: err.Error()})
		l.f = nil
		return errors.Join(f.Close(), l.create(last.Number+1))
	case err != nil:
		return fmt.Errorf("%s: %w", last.Name, err)
	default:
		l.head = head
	}
	c := &cursor{f: f, number: last.Number, salt: l.head.salt, salted: true, off: FileOverhead, limit: last.Bytes}
	for {
		_, err := c.next()
		var d *Damage
		if errors.Is(err, io.EOF) {
			break
		} else if errors.As(err, &d) && d.Tail {
			if err := f.Truncate(d.From); err != nil {
				return fmt.Errorf("%s: cut the torn end at byte %d: %w", last.Name, d.From, err)
			}
			l.rec.Cut, l.rec.At = d.To-d.From, Position{last.Number, d.From}
			last.Bytes = d.From
			break
		} else if d != nil {
			l.rec.Damage = append(l.rec.Damage, d)
		} else if err != nil {
			return err
		}
	}
	if err := errors.Join(f.Sync(), l.fs.SyncDir(l.dir)); err != nil {
		return fmt.Errorf("%s: %w", last.Name, err)
	}
	l.end = Position{last.Number, last.Bytes}
	l.synced = l.end
	return nil
}

func (l *Log) path(number uint64) string { return filepath.Join(l.dir, FileName(number)) }

// create makes the file of a number durable and the one that is written.
func (l *Log) create(number uint64) error {
	// A file of this number can only be what a failed attempt has left.
	f, err := l.fs.OpenFile(l.path(number), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	head := fileHeader{number: number, created: l.o.Now(), salt: rand.Uint32()} //nolint:gosec // it tells frames apart, it guards nothing
	_, err = f.WriteAt(head.append(nil), 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = l.fs.SyncDir(l.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("make %s: %w", FileName(number), err), f.Close(), l.fs.Remove(l.path(number)))
	}
	l.f, l.head = f, head
	l.files = append(l.files, Info{Number: number, Name: FileName(number), Bytes: FileOverhead, Created: head.created})
	l.end = Position{number, FileOverhead}
	l.synced = l.end
	return nil
}

// Recovered says what Open found and mended.
func (l *Log) Recovered() Recovery { return l.rec }

// Dir returns the directory.
func (l *Log) Dir() string { return l.dir }

// Append adds frames, all to one file, and returns their places. They are durable after
// [Log.Sync] of the span. When it fails, nothing was added
// (but see [ErrTorn]).
func (l *Log) Append(frames ...[]byte) (Span, error) {
	var size int64
	for _, f := range frames {
		if len(f) > MaxFrame {
			return Span{}, fmt.Errorf("segment %s: a frame of %d bytes: at most %d", l.dir, len(f), MaxFrame)
		}
		size += FrameOverhead + int64(len(f))
	}
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return Span{}, fmt.Errorf("segment %s: %w", l.dir, ErrClosed)
		}
		if l.f != nil && !l.due(size) {
			break
		}
		l.mu.Unlock()
		if err := l.rotate(size); err != nil {
			return Span{}, err
		}
	}
	defer l.mu.Unlock()
	if err := l.cut(); err != nil {
		return Span{}, fmt.Errorf("segment %s: %w", l.dir, err)
	}
	b, at := l.buf[:0], l.end.Offset
	for _, f := range frames {
		b = appendFrame(b, f, l.end.File, at+int64(len(b)), l.head.salt)
	}
	if l.buf = b; cap(b) > 1<<20 {
		l.buf = nil
	}
	if n, err := l.f.WriteAt(b, at); err != nil {
		err = fmt.Errorf("segment %s: %d of %d bytes were written at %s: %w", l.dir, n, len(b), l.end, err)
		l.torn = true
		if terr := l.cut(); terr != nil {
			return Span{}, fmt.Errorf("%w; %w", err, terr)
		}
		return Span{}, fmt.Errorf("%w; they are cut again", err)
	}
	span := Span{First: l.end}
	l.end.Offset += int64(len(b))
	l.files[len(l.files)-1].Bytes = l.end.Offset
	span.End = l.end
	if l.waiters {
		close(l.grown)
		l.grown, l.waiters = make(chan struct{}), false
	}
	return span, nil
}

// ErrTorn is wrapped by Append's error when what it wrote could not be cut again: the next
// Append tries it first. If the process dies before, the first of its frames may be found.
var ErrTorn = errors.New("they could not be cut")

// cut takes away what a failed write has left behind the last frame.
func (l *Log) cut() error {
	if !l.torn {
		return nil
	}
	if err := l.f.Truncate(l.end.Offset); err != nil {
		return fmt.Errorf("%w: %w", ErrTorn, err)
	}
	l.torn = false
	return nil
}

// due says whether the file is full or old. A file without frames is neither.
func (l *Log) due(size int64) bool {
	if l.end.Offset == FileOverhead {
		return false
	}
	return l.end.Offset+size > l.o.MaxBytes || l.o.MaxAge > 0 && l.o.Now().Sub(l.head.created) >= l.o.MaxAge
}

// abandon ends the file that is written without fsync: what of it is not durable is
// lost for Sync.
func (l *Log) abandon(cause error) {
	if l.synced.Compare(l.end) < 0 {
		if l.lost = append(l.lost, lostSpan{l.synced, l.end, cause}); len(l.lost) > 256 {
			l.lost = l.lost[1:]
		}
	}
	l.synced, l.torn = l.end, false
	_ = l.f.Close()
	l.f = nil
}

// rotate makes the file that is written durable and begins the next one, if that is
// still due for a frame of this size (below zero: in any case).
func (l *Log) rotate(size int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("segment %s: %w", l.dir, ErrClosed)
	}
	if l.f != nil {
		if size >= 0 && !l.due(size) || l.end.Offset == FileOverhead {
			return nil
		}
		if err := l.cut(); err != nil {
			return fmt.Errorf("segment %s: %w", l.dir, err)
		}
		if err := l.f.Sync(); err != nil {
			// Whoever waits for its frames is told by Sync.
			l.abandon(err)
		} else if err := l.f.Close(); err != nil {
			l.f = nil
			return fmt.Errorf("segment %s: close %s: %w", l.dir, FileName(l.end.File), err)
		}
		l.f, l.synced = nil, l.end
	}
	if err := l.create(l.files[len(l.files)-1].Number + 1); err != nil {
		return fmt.Errorf("segment %s: %w", l.dir, err)
	}
	return nil
}

// Rotate makes everything durable and begins a new file, unless the last one is empty.
func (l *Log) Rotate() error { return l.rotate(-1) }

// Tick begins a new file if the last one is older than the options want, also when
// nothing is appended.
func (l *Log) Tick() error { return l.rotate(0) }

// Sync returns when the frames of the spans (that Append returned) are durable; without
// spans, when everything is. Callers that come together share one fsync. When an fsync
// failed, those get its error who ask for a span that it concerns, each time they ask.
func (l *Log) Sync(spans ...Span) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	f, end := l.f, l.end
	if len(spans) == 0 {
		spans = []Span{{First: l.synced, End: end}}
	}
	wait := false
	for _, s := range spans {
		if s.End.Compare(end) > 0 {
			l.mu.Unlock()
			return fmt.Errorf("segment %s: sync to %s: the log ends at %s", l.dir, s.End, end)
		}
		wait = wait || l.synced.Compare(s.End) < 0
	}
	if l.closed {
		l.mu.Unlock()
		return fmt.Errorf("segment %s: %w", l.dir, ErrClosed)
	}
	l.mu.Unlock()
	var err error
	if wait && f != nil {
		err = f.Sync()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !wait || l.f != f: // an Append may have given the file up meanwhile
	case err != nil:
		l.abandon(err)
	default:
		l.synced = end
	}
	for _, s := range spans {
		for _, lost := range l.lost {
			if lost.from.Compare(s.End) < 0 && s.First.Compare(lost.to) < 0 {
				return fmt.Errorf("segment %s: fsync %s: %w", l.dir, FileName(lost.from.File), lost.err)
			}
		}
	}
	return nil
}

// End returns the position behind the last frame.
func (l *Log) End() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// Files lists the files, oldest first.
func (l *Log) Files() []Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Info(nil), l.files...)
}

// RemoveBefore removes the files that hold nothing but frames before p, oldest first,
// never the one that is written, and returns what it removed.
func (l *Log) RemoveBefore(p Position) ([]Info, error) {
	l.syncing.Lock() // one at a time
	defer l.syncing.Unlock()
	var removed []Info
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return removed, fmt.Errorf("segment %s: %w", l.dir, ErrClosed)
		}
		first := l.files[0]
		stop := len(l.files) == 1 || first.Number > p.File || first.Number == p.File && p.Offset < first.Bytes
		l.mu.Unlock()
		if stop {
			return removed, nil
		}
		// A crash must not leave a hole: each name is gone for good before the next one goes.
		err := l.fs.Remove(l.path(first.Number))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fmt.Errorf("segment: %w", err)
		}
		l.mu.Lock()
		l.files = l.files[1:]
		l.mu.Unlock()
		removed = append(removed, first)
		if err := l.fs.SyncDir(l.dir); err != nil {
			return removed, fmt.Errorf("segment %s: %w", l.dir, err)
		}
	}
}

// wait returns when the log has frames behind p.
func (l *Log) wait(ctx context.Context, p Position) error {
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return ErrClosed
		}
		if p.Compare(l.end) < 0 {
			l.mu.Unlock()
			return nil
		}
		grown := l.grown
		l.waiters = true
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-grown:
		}
	}
}

// Close makes everything durable, and gives the directory free.
func (l *Log) Close() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var err error
	if l.f != nil {
		err = errors.Join(l.cut(), l.f.Sync(), l.f.Close())
	}
	close(l.grown)
	if err = errors.Join(err, l.lock.Close()); err != nil {
		return fmt.Errorf("segment %s: close: %w", l.dir, err)
	}
	return nil
}
