package push

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/yagura-sec/yagura/segment"
	"github.com/yagura-sec/yagura/source"
)

// FileLogOptions configure a [FileLog].
type FileLogOptions struct {
	// Dir is a directory of this log alone, made where there is none.
	Dir string
	// MaxBytes is how much may lie there before [ErrFull]; 0: 1 GB.
	MaxBytes int64
	// FileBytes is the size of one file; 0: 16 MB. Files go when all in them is done.
	FileBytes int64
	// Memory is how long the identity of an entry that is done is remembered; 0: 15
	// minutes. It bounds what a sender's repeats cost; that they are judged once is held by
	// the names of the objects, for ever.
	Memory time.Duration
	Now    func() time.Time // nil: time.Now
	FS     segment.FS       // nil: segment.OS
	// Logger is told of damage that is found in the files; nil: nobody.
	Logger *slog.Logger
}

// FileLog is a [Log] in the files of one directory and one process. Append is durable
// against loss of power. Ack is durable against the end of the process; after a loss of
// power, what was acknowledged last may come again.
//
// The directory holds the entries (entries/), what became of them (done/), and a random
// name that keeps the places of this log apart from those of any other (name).
type FileLog struct {
	o       FileLogOptions
	name    string
	entries *segment.Log
	done    *segment.Log

	mu     sync.Mutex
	next   segment.Position // nothing from here on was handed out
	end    segment.Position // behind the last entry that is durable
	states map[segment.Position]*state
	back   []*state // given back, in no order
	files  map[uint64]*fileCount
	skip   map[segment.Position]bool // done, and not yet passed by next
	tries  map[segment.Position]int  // of before the process started
	marks  []doneMark
	ids    memory
	buf    []byte
	// newFirst says which of the two kinds of entries the last Lease began with.
	newFirst bool
	closed   bool
}

// state is an entry that was handed out and is not done.
type state struct {
	id       segment.Position // where it was first: its name
	at       segment.Position // where it is now
	attempts int
	out      bool
	due      time.Time // when it may be handed out again
	identity [16]byte
	received time.Time
}

type fileCount struct{ total, done int64 }

// doneMark is about one file of the done log: it can go when the entries it speaks of
// are gone and its identities are old.
type doneMark struct {
	number uint64
	most   uint64 // highest file of entries
	last   time.Time
}

// OpenFileLog opens the log of a directory, alone among all processes.
func OpenFileLog(o FileLogOptions) (*FileLog, error) {
	if o.Dir == "" {
		return nil, errors.New("received log: no directory")
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.FileBytes <= 0 {
		o.FileBytes = 16 << 20
	}
	if o.Memory <= 0 {
		o.Memory = 15 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = segment.OS
	}
	l := &FileLog{
		o: o, states: map[segment.Position]*state{}, files: map[uint64]*fileCount{},
		skip: map[segment.Position]bool{}, tries: map[segment.Position]int{}, ids: memory{window: o.Memory},
	}
	var err error
	if l.entries, err = segment.Open(filepath.Join(o.Dir, "entries"), segment.Options{MaxBytes: o.FileBytes, Now: o.Now, FS: o.FS}); err != nil {
		return nil, fmt.Errorf("received log: %w", err)
	}
	if l.done, err = segment.Open(filepath.Join(o.Dir, "done"), segment.Options{MaxBytes: 4 << 20, Now: o.Now, FS: o.FS}); err != nil {
		return nil, errors.Join(fmt.Errorf("received log: %w", err), l.entries.Close())
	}
	if err := l.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("received log %s: %w", o.Dir, err), l.entries.Close(), l.done.Close())
	}
	return l, nil
}

// load reads what is there.
func (l *FileLog) load() error {
	if err := l.loadName(); err != nil {
		return err
	}
	for f, err := range l.done.Read(segment.Position{}) {
		if l.damaged(err) {
			continue // what it said is forgotten: those entries come again
		} else if err != nil {
			return err
		}
		if err := l.loadDone(f); err != nil {
			return err
		}
	}
	copies := map[segment.Position]segment.Position{} // of entries that were moved: the last
	for f, err := range l.entries.Read(segment.Position{}) {
		if l.damaged(err) {
			continue
		} else if err != nil {
			return err
		}
		e, err := openEntry(f.Data)
		if err != nil {
			return fmt.Errorf("entry %s: %w", f.Position, err)
		}
		l.count(f.Position.File).total++
		if l.skip[f.Position] {
			l.count(f.Position.File).done++
			continue
		}
		if e.hash != ([16]byte{}) {
			l.ids.add(e.hash, l.o.Now())
		}
		if e.moved != (segment.Position{}) {
			// The process may have ended between the copy and the note that the one before it is
			// done.
			l.finished(cmp.Or(copies[e.moved], e.moved))
			copies[e.moved] = f.Position
		}
	}
	l.end = l.entries.End()
	// Reading begins at the first file in which something waits.
	l.next = l.end
	for _, f := range l.entries.Files() {
		if c := l.files[f.Number]; c != nil && c.done < c.total {
			l.next = segment.Position{File: f.Number}
			break
		}
	}
	for p := range l.skip {
		if p.Compare(l.next) < 0 {
			delete(l.skip, p)
		}
	}
	return l.trim()
}

// finished counts an entry that load has passed as done.
func (l *FileLog) finished(p segment.Position) {
	if c := l.files[p.File]; c != nil && !l.skip[p] {
		l.skip[p] = true
		c.done++
	}
}

func (l *FileLog) damaged(err error) bool {
	d, ok := errors.AsType[*segment.Damage](err)
	if ok {
		l.o.Logger.Error("the log of received messages is damaged; what can be read goes on", slog.String("dir", l.o.Dir), slog.String("error", d.Error()))
	}
	return ok
}

func (l *FileLog) loadName() error {
	path := filepath.Join(l.o.Dir, "name")
	f, err := l.o.FS.OpenFile(path, os.O_RDONLY, 0)
	if err == nil {
		b := make([]byte, 16)
		n, rerr := f.ReadAt(b, 0)
		if err := f.Close(); err != nil {
			return err
		}
		if n == len(b) {
			l.name = string(b)
			return nil
		}
		if rerr != nil && !errors.Is(rerr, io.EOF) {
			return rerr
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// No place was given a name yet, or all of those that were can no longer be told: the
	// entries that lie here come under new names.
	l.name = hex.EncodeToString(binary.BigEndian.AppendUint64(nil, rand.Uint64())) //nolint:gosec // it tells logs apart, it guards nothing
	f, err = l.o.FS.OpenFile(path+".new", os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(l.name), 0)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return errors.Join(l.o.FS.Rename(path+".new", path), l.o.FS.SyncDir(l.o.Dir))
}

func (l *FileLog) count(file uint64) *fileCount {
	c := l.files[file]
	if c == nil {
		c = new(fileCount)
		l.files[file] = c
	}
	return c
}

// label is the ID of an entry.
func (l *FileLog) label(p segment.Position) string {
	return l.name + "-" + strconv.FormatUint(p.File, 10) + "-" + strconv.FormatInt(p.Offset, 10)
}

func (l *FileLog) place(id string) (segment.Position, bool) {
	name, rest, _ := strings.Cut(id, "-")
	file, offset, _ := strings.Cut(rest, "-")
	f, err1 := strconv.ParseUint(file, 10, 64)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	return segment.Position{File: f, Offset: o}, name == l.name && err1 == nil && err2 == nil
}

// Append makes entries durable.
func (l *FileLog) Append(ctx context.Context, entries []Entry) ([]bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, segment.ErrClosed
	}
	var known []bool
	frames := make([][]byte, 0, len(entries))
	var fresh [][16]byte
	room := 0
	for _, e := range entries {
		room += len(e.Body) + entryOverhead
	}
	if cap(l.buf) < room {
		l.buf = make([]byte, 0, room)
	}
	b := l.buf[:0]
	if cap(b) > 4*gatherBytes {
		l.buf = nil
	}
	var size int64
	for i, e := range entries {
		if len(e.Body) > MaxEntry {
			return nil, fmt.Errorf("received log: an entry of %d bytes: at most %d", len(e.Body), MaxEntry)
		}
		hash := hashIdentity(e.Identity)
		if hash != ([16]byte{}) {
			if l.ids.has(hash, l.o.Now()) || containsHash(fresh, hash) {
				if known == nil {
					known = make([]bool, len(entries))
				}
				known[i] = true
				continue
			}
			fresh = append(fresh, hash)
		}
		start := len(b)
		b = sealEntry(b, hash, segment.Position{}, e.Received, e.Body)
		frames = append(frames, b[start:len(b):len(b)])
		size += int64(len(b)-start) + segment.FrameOverhead
	}
	if len(frames) == 0 {
		return known, nil
	}
	if l.bytes()+size > l.o.MaxBytes {
		if err := l.compact(); err != nil {
			return nil, fmt.Errorf("received log: %w", err)
		}
		if l.bytes()+size > l.o.MaxBytes {
			return nil, fmt.Errorf("received log %s: %w: %d bytes wait", l.o.Dir, ErrFull, l.bytes())
		}
	}
	span, err := l.write(frames)
	if err != nil {
		return nil, fmt.Errorf("received log: %w", err)
	}
	l.count(span.First.File).total += int64(len(frames))
	l.end = span.End
	for _, h := range fresh {
		l.ids.add(h, l.o.Now())
	}
	return known, nil
}

// write makes frames durable. The lock is held over the fsync: who leases meanwhile
// waits for a commit, as who appends does.
func (l *FileLog) write(frames [][]byte) (segment.Span, error) {
	span, err := l.entries.Append(frames...)
	if err == nil {
		if err = l.entries.Sync(span); err != nil {
			// The frames may be in the file all the same. Their senders are told to come again,
			// so here they are done.
			at := span.First
			for _, f := range frames {
				l.skip[at] = true
				at.Offset += segment.FrameOverhead + int64(len(f))
			}
			c := l.count(span.First.File)
			c.total += int64(len(frames))
			c.done += int64(len(frames))
		}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	return span, err
}

func (l *FileLog) bytes() int64 {
	var n int64
	for _, f := range l.entries.Files() {
		n += f.Bytes
	}
	return n
}

// Lag returns what waits.
func (l *FileLog) Lag(ctx context.Context) (source.Lag, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return source.Lag{}, segment.ErrClosed
	}
	lag := source.Lag{Dead: -1}
	for _, c := range l.files {
		lag.Waiting += c.total - c.done
	}
	for _, s := range l.states {
		if s.out {
			lag.Out++
		}
	}
	lag.Waiting -= lag.Out
	if lag.Waiting == 0 {
		return lag, nil
	}
	oldest := func(t time.Time) {
		if lag.Oldest.IsZero() || t.Before(lag.Oldest) {
			lag.Oldest = t
		}
	}
	for _, s := range l.back {
		oldest(s.received)
	}
	for f, err := range l.entries.Read(l.next) {
		if err != nil || l.skip[f.Position] {
			continue
		}
		if e, err := openEntry(f.Data); err == nil {
			oldest(e.received)
		}
		break
	}
	return lag, nil
}

// Close makes what is known of done entries durable and lets go of the directory.
func (l *FileLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	return errors.Join(l.done.Close(), l.entries.Close())
}
