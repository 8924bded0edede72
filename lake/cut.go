package lake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/column"
)

// batch is a batch on its way. It is durable when every buffer that has something of it is.
type batch struct {
	object [2]string
	left   atomic.Int64 // buffers, and one for Put itself
	done   func([]yagura.KeptRange, error)
	mu     sync.Mutex
	err    error
	ready  bool // guarded by the order's lock
}

func (b *batch) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = errors.Join(b.err, err)
}

// order calls back the batches of one object in the order in which they were put.
type order struct {
	mu      sync.Mutex
	waiting map[[2]string][]*batch
}

func (o *order) enter(b *batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting[b.object] = append(o.waiting[b.object], b)
}

// settle says that one of those who had something of a batch is finished with it.
func (l *Lake) settle(b *batch) {
	if b.left.Add(-1) > 0 {
		return
	}
	o := &l.order
	o.mu.Lock()
	defer o.mu.Unlock()
	b.ready = true
	list := o.waiting[b.object]
	for len(list) > 0 && list[0].ready {
		first := list[0]
		list = list[1:]
		if first.err != nil {
			l.stats.failed.Add(1)
		} else {
			l.stats.batches.Add(1)
		}
		if first.done != nil {
			first.done(nil, first.err)
		}
	}
	if len(list) == 0 {
		delete(o.waiting, b.object)
	} else {
		o.waiting[b.object] = list
	}
}

// job is a buffer that is to be written.
type job struct {
	p *partition
	r *rows
}

// jobs is the queue of buffers. Who cuts holds a partition's lock and must not wait, so it is
// bounded by the memory of the lake alone.
type jobs struct {
	mu     sync.Mutex
	cond   sync.Cond
	list   []job
	busy   int
	closed bool
}

func (q *jobs) push(j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, j)
	q.cond.Broadcast()
}

func (q *jobs) pop() (job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) == 0 && !q.closed {
		q.cond.Wait()
	}
	if len(q.list) == 0 {
		return job{}, false
	}
	j := q.list[0]
	q.list = q.list[1:]
	q.busy++
	return j, true
}

func (q *jobs) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy--
	q.cond.Broadcast()
}

// cut hands the buffer of a partition, which is locked, to the writers.
func (l *Lake) cut(p *partition) {
	r := p.active
	if r == nil {
		return
	}
	p.active = nil
	p.flight = append(p.flight, r)
	r.memory = p.size.Swap(0)
	l.jobs.push(job{p, r})
}

// Flush has everything that was put written now, without waiting for it.
func (l *Lake) Flush() {
	for _, p := range l.partitions() {
		p.mu.Lock()
		l.cut(p)
		p.mu.Unlock()
	}
}

// Sync writes everything that was put, and waits for it.
func (l *Lake) Sync(ctx context.Context) error {
	l.Flush()
	q := &l.jobs
	stop := context.AfterFunc(ctx, func() { q.mu.Lock(); q.cond.Broadcast(); q.mu.Unlock() })
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list)+q.busy > 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		q.cond.Wait()
	}
	return nil
}

// cutLargest cuts the buffer that takes most memory.
func (l *Lake) cutLargest() {
	var largest *partition
	for _, p := range l.partitions() {
		if n := p.size.Load(); n > 0 && (largest == nil || n > largest.size.Load()) {
			largest = p
		}
	}
	if largest != nil {
		largest.mu.Lock()
		l.cut(largest)
		largest.mu.Unlock()
	}
}

// idleAfter is how long a partition that nothing comes for stays in memory.
const idleAfter = 10 * time.Minute

// tick cuts what has waited long enough.
func (l *Lake) tick() {
	t := time.NewTicker(max(10*time.Millisecond, min(l.o.Flush/8, time.Second)))
	defer t.Stop()
	for {
		select {
		case <-t.C:
			l.due(l.o.Now())
		case <-l.ending:
			return
		}
	}
}

// due cuts what has waited long enough at a time, and forgets partitions that are not used.
func (l *Lake) due(now time.Time) {
	for _, p := range l.partitions() {
		p.mu.Lock()
		if p.active != nil && now.Sub(p.active.since) >= l.o.Flush {
			l.cut(p)
		}
		if p.active == nil && len(p.flight) == 0 && now.Sub(p.used) >= idleAfter {
			p.dead = true
		}
		dead := p.dead
		p.mu.Unlock()
		if dead {
			l.mu.Lock()
			if l.parts[p.partKey] == p {
				delete(l.parts, p.partKey)
			}
			l.mu.Unlock()
		}
	}
}

// Close writes what was put, calls back, and ends. What cannot be written gets an error.
func (l *Lake) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		l.done.Wait()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.ending)
	l.wake()
	l.puts.Wait()
	l.Flush()
	l.jobs.mu.Lock()
	l.jobs.closed = true
	l.jobs.cond.Broadcast()
	l.jobs.mu.Unlock()
	l.done.Wait()
	return nil
}

// writer writes one buffer after the other.
type writer struct {
	l         *Lake
	enc       *column.Encoder
	head, raw bytes.Buffer
}

func (l *Lake) newWriter() (*writer, error) {
	level := zstd.EncoderLevel(l.o.Level)
	if level == 0 {
		level = zstd.SpeedFastest
	}
	enc, err := column.NewEncoder(level)
	if err != nil {
		return nil, err
	}
	return &writer{l: l, enc: enc}, nil
}

func (w *writer) run() {
	for {
		j, ok := w.l.jobs.pop()
		if !ok {
			return
		}
		w.write(j)
		w.l.jobs.end()
	}
}

// The pauses between tries of a disk or a catalogue that takes nothing.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 30 * time.Second
)

// write writes a buffer. What is not taken it tries again until it is; those who put wait
// meanwhile once the memory is full. Only at the end is a buffer given up.
func (w *writer) write(j job) {
	l := w.l
	pause := firstPause
	for {
		ending := l.ended()
		file, hashes, err := w.once(context.Background(), j)
		if err == nil {
			l.note("")
			l.finish(j, file, hashes)
			return
		}
		l.note(err.Error())
		if ending {
			l.abandon(j, err)
			return
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-l.ending:
			t.Stop()
		}
		pause = min(2*pause, maxPause)
	}
}

// finish takes a written buffer out of its partition and calls back.
func (l *Lake) finish(j job, file *File, hashes []uint64) {
	r, p := j.r, j.p
	p.mu.Lock()
	if file != nil {
		p.known.add(file, hashes)
		p.known.seq = max(p.known.seq, file.Seq)
	}
	p.flight = slices.DeleteFunc(p.flight, func(x *rows) bool { return x == r })
	p.mu.Unlock()
	if file != nil {
		l.stats.files.Add(1)
		l.stats.rows.Add(file.Rows)
		l.stats.rawBytes.Add(file.RawBytes)
		l.stats.fileBytes.Add(file.HeadSize + file.RawSize)
		l.stats.records.Add(file.Rows)
	}
	l.stats.repeats.Add(r.repeats)
	l.stats.records.Add(r.repeats)
	l.release(r)
}

// abandon gives a buffer up.
func (l *Lake) abandon(j job, err error) {
	r, p := j.r, j.p
	p.mu.Lock()
	p.flight = slices.DeleteFunc(p.flight, func(x *rows) bool { return x == r })
	p.mu.Unlock()
	for _, b := range r.batches {
		b.fail(fmt.Errorf("lake: %w", err))
	}
	l.release(r)
}

// release calls back the batches of a buffer and gives its memory back.
func (l *Lake) release(r *rows) {
	for _, b := range r.batches {
		l.settle(b)
	}
	l.memory.Add(-r.memory)
	r.reset()
	select {
	case l.free <- r:
	default:
	}
	l.wake()
}

// once tries to write a buffer: both files, then the catalogue. It returns nil for the file
// where all records were repeats.
func (w *writer) once(ctx context.Context, j job) (*File, []uint64, error) {
	l, r := w.l, j.r
	for {
		if r.n == 0 {
			var c Commit
			if r.repeats > 0 {
				c.Repeats = []yagura.LakeRepeats{{Format: j.p.format, Day: j.p.day, Count: r.repeats}}
				if _, _, err := l.o.Catalogue.Commit(ctx, c); err != nil {
					return nil, nil, err
				}
			}
			return nil, nil, nil
		}
		files := []File{w.describe(j)}
		f := &files[0]
		if err := l.o.Catalogue.Begin(ctx, files, name); err != nil {
			return nil, nil, err
		}
		newer, err := w.file(ctx, j, f)
		if err != nil {
			return nil, nil, errors.Join(err, w.undo(ctx, f))
		}
		if newer == nil {
			hashes := make([]uint64, 0, r.n)
			for i := range r.n {
				hashes = append(hashes, ident{r.head[hKey].Keys[i], uint32(r.head[hContent].Ints[i])}.hash())
			}
			return f, hashes, nil
		}
		// Others have written to the partition, and what they wrote has records of ours.
		if err := w.undo(ctx, f); err != nil {
			return nil, nil, err
		}
	}
}

// undo removes a file that was not committed.
func (w *writer) undo(ctx context.Context, f *File) error {
	return w.l.remove(ctx, []File{*f})
}

// describe makes the catalogue's row of a buffer.
func (w *writer) describe(j job) File {
	r := j.r
	f := File{Format: j.p.format, Day: j.p.day, Rows: int64(r.n), Repeats: r.repeats, RawBytes: r.rawBytes, Writer: w.l.o.Writer, Created: w.l.o.Now()}
	if r.min != column.Null {
		f.Min, f.Max = time.UnixMicro(r.min).UTC(), time.UnixMicro(r.max).UTC()
	}
	f.SeenMin, f.SeenMax = time.UnixMicro(r.seen[0]).UTC(), time.UnixMicro(r.seen[1]).UTC()
	j.p.mu.Lock()
	f.Checked = j.p.known.seq
	j.p.mu.Unlock()
	return f
}

// The bounds of row groups: of a head in rows, of records in bytes.
const (
	groupRows  = 128 << 10
	groupBytes = 8 << 20
)

// file writes both halves and commits. newer are files of others with records of this buffer,
// which were taken out of it.
func (w *writer) file(ctx context.Context, j job, f *File) (newer []File, err error) {
	l, r := w.l, j.r
	if err := w.encode(r, f); err != nil {
		return nil, err
	}
	f.HeadSize, f.RawSize = int64(w.head.Len()), int64(w.raw.Len())
	f.HeadSum, f.RawSum = sha256.Sum256(w.head.Bytes()), sha256.Sum256(w.raw.Bytes())
	if err := l.o.Blobs.Put(ctx, f.Raw, w.raw.Bytes()); err != nil {
		return nil, err
	}
	if err := l.o.Blobs.Put(ctx, f.Head, w.head.Bytes()); err != nil {
		return nil, err
	}
	c := Commit{Files: []File{*f}, Ranges: r.ranges(f)}
	for {
		newer, seq, err := l.o.Catalogue.Commit(ctx, c)
		if err != nil {
			if live, lerr := w.live(ctx, f); lerr != nil || !live {
				return nil, errors.Join(err, lerr)
			}
			return nil, nil // the answer was lost, and nothing else
		}
		if len(newer) == 0 {
			f.Seq = seq
			return nil, nil
		}
		j.p.mu.Lock()
		err = j.p.known.take(ctx, l, newer)
		f.Checked = j.p.known.seq
		j.p.mu.Unlock()
		if err != nil {
			return nil, err
		}
		c.Files[0].Checked = f.Checked
		dropped, err := w.sift(ctx, j)
		if err != nil {
			return nil, err
		}
		if dropped {
			return newer, nil
		}
	}
}

// live says whether a file is in the catalogue. It asks until it is told, or the lake ends.
func (w *writer) live(ctx context.Context, f *File) (bool, error) {
	pause := firstPause
	for {
		list, err := w.l.o.Catalogue.Files(ctx, Filter{Formats: []string{f.Format}, Day: f.Day, After: f.Checked})
		if err == nil {
			for i := range list {
				if list[i].Number == f.Number {
					f.Seq = list[i].Seq
					return true, nil
				}
			}
			return false, nil
		}
		if w.l.ended() {
			return false, err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-w.l.ending:
			t.Stop()
		}
		pause = min(2*pause, maxPause)
	}
}

// encode writes a buffer as two Parquet files into memory.
func (w *writer) encode(r *rows, f *File) error {
	row := r.head[hRow].Ints[:0]
	for i := range r.n {
		row = append(row, f.Number<<RowBits|int64(i))
	}
	r.head[hRow].Ints, r.raw[0].Ints = row, append(r.raw[0].Ints[:0], row...)
	o := column.Options{Encoder: w.enc, CreatedBy: "yagura " + w.l.o.Version}
	w.head.Reset()
	head := column.NewWriter(&w.head, o, r.head...)
	for at := 0; at < r.n; at += groupRows {
		if err := head.Rows(at, min(at+groupRows, r.n)); err != nil {
			return err
		}
	}
	if err := head.Close(); err != nil {
		return err
	}
	w.raw.Reset()
	raw := column.NewWriter(&w.raw, o, r.raw...)
	from, size := 0, 0
	for i := range r.n {
		if size += len(r.raw[1].Text.At(i)); size >= groupBytes || i+1 == r.n {
			if err := raw.Rows(from, i+1); err != nil {
				return err
			}
			from, size = i+1, 0
		}
	}
	return raw.Close()
}

// ranges says where the records of each object are.
func (r *rows) ranges(f *File) []yagura.KeptRange {
	out := make([]yagura.KeptRange, 0, len(r.spans))
	for _, s := range r.spans {
		out = append(out, yagura.KeptRange{Source: s.source, Object: s.object, Format: s.format, First: s.first, Count: s.count,
			File: f.Raw, Offset: int64(s.row), Length: int64(s.rows), Min: s.min, Max: s.max, Checksum: f.RawSum})
	}
	return out
}

// sift takes rows out of a buffer that are in live files, and says whether there were any.
func (w *writer) sift(ctx context.Context, j job) (bool, error) {
	r, p := j.r, j.p
	p.mu.Lock()
	defer p.mu.Unlock()
	keep := make([]int, 0, r.n)
	for i := range r.n {
		id := ident{r.head[hKey].Keys[i], uint32(r.head[hContent].Ints[i])}
		have, err := p.known.has(ctx, w.l, p.partKey, id)
		if err != nil {
			return false, err
		}
		if !have {
			keep = append(keep, i)
		}
	}
	if len(keep) == r.n {
		return false, nil
	}
	r.pick(keep)
	return true, nil
}
