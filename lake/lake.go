package lake

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
)

// Options of a [Lake]. Catalogue and Blobs are needed; the rest of the zero value is ready to
// use.
type Options struct {
	Catalogue Catalogue
	Blobs     Blobs
	// Writer names who writes. Two processes that write at one time have two names, and one
	// that is started again has its old one.
	Writer  string
	Flush   time.Duration // how long a record waits at most before its file is written; 0: 60 s
	Cut     int64         // bytes of records at which a file is written; 0: 64 MB
	Memory  int64         // bytes of all that is not written; Put waits beyond it; 0: 384 MB
	Level   int           // of zstd, as [zstd.EncoderLevel]; 0: fastest
	Workers int           // files that are written at once; 0: one per processor
	// Columns names the columns that a format has behind the common ones; nil: none.
	Columns func(format string) []string
	Now     func() time.Time
	Version string // of the program, for the files' created_by
	// Temp is a folder for bytes on their way to a copy of an original; "": the system's.
	Temp string
}

// Lake keeps batches in files. It implements [keep.Keep].
type Lake struct {
	o Options

	mu     sync.Mutex
	parts  map[partKey]*partition
	closed bool
	puts   sync.WaitGroup

	memory atomic.Int64
	room   sync.Cond // on roomMu: memory was given back, or the lake is closed
	roomMu sync.Mutex

	jobs    jobs
	ending  chan struct{} // closed by Close
	done    sync.WaitGroup
	order   order
	stats   counters
	free    chan *rows
	lastErr atomic.Pointer[string]
}

var _ keep.Keep = (*Lake)(nil)

type partKey struct{ format, day string }

// partition is one format on one day.
type partition struct {
	partKey
	size atomic.Int64 // bytes of active

	mu     sync.Mutex
	loaded bool
	known  known
	active *rows
	flight []*rows
	used   time.Time
	dead   bool // it is in the map no more
}

// counters are the books since the lake was opened.
type counters struct {
	records, rows, repeats, files, rawBytes, fileBytes, failed, orphans atomic.Int64
	batches                                                             atomic.Int64
}

// Stats are the books of a [Lake] since it was opened.
type Stats struct {
	Batches  int64 // durable
	Records  int64 // durable, repeats among them
	Rows     int64 // written
	Repeats  int64
	Files    int64
	RawBytes int64 // of written records
	Bytes    int64 // of written files
	Failed   int64 // batches that got an error
	Orphans  int64 // files of a crash that were removed
	Memory   int64 // bytes that are not written yet
	// Oldest is when the record came that waits longest to be written; zero: none waits.
	Oldest    time.Time
	LastError string // "" after a success
}

// Open opens a lake and removes what a crash of this writer left behind.
func Open(ctx context.Context, o Options) (*Lake, error) {
	if o.Catalogue == nil || o.Blobs == nil || o.Writer == "" {
		return nil, errors.New("lake: a catalogue, a place for files and the name of the writer are needed")
	}
	if o.Flush <= 0 {
		o.Flush = time.Minute
	}
	if o.Cut <= 0 {
		o.Cut = 64 << 20
	}
	if o.Memory <= 0 {
		o.Memory = 384 << 20
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Columns == nil {
		o.Columns = func(string) []string { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Lake{o: o, parts: map[partKey]*partition{}, ending: make(chan struct{}), free: make(chan *rows, o.Workers)}
	l.room.L = &l.roomMu
	l.order.waiting = map[[2]string][]*batch{}
	l.jobs.cond.L = &l.jobs.mu
	if err := l.clean(ctx); err != nil {
		return nil, fmt.Errorf("lake: what a crash left behind: %w", err)
	}
	if err := cleanTemp(o.Temp, o.Now()); err != nil {
		return nil, fmt.Errorf("lake: what a crash left behind: %w", err)
	}
	for range o.Workers {
		w, err := l.newWriter()
		if err != nil {
			return nil, err
		}
		l.done.Go(w.run)
	}
	l.done.Go(l.tick)
	return l, nil
}

// Put copies the records of b.
func (l *Lake) Put(ctx context.Context, b *keep.Batch) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return keep.ErrClosed
	}
	l.puts.Add(1)
	l.mu.Unlock()
	defer l.puts.Done()
	if err := l.wait(ctx); err != nil {
		return fmt.Errorf("lake: keep %s: %w", b.Object, err)
	}
	if err := l.load(ctx, b); err != nil {
		return fmt.Errorf("lake: keep %s: %w", b.Object, err)
	}
	bt := &batch{done: b.Done, object: [2]string{b.Source, b.Object}}
	bt.left.Store(1)
	l.order.enter(bt)
	for i := range b.Runs {
		run := &b.Runs[i]
		for at := 0; at < len(run.Records); {
			day, n := dayOf(run.Records[at].Time), 1
			for at+n < len(run.Records) && sameDay(run.Records[at].Time, run.Records[at+n].Time) {
				n++
			}
			if err := l.append(ctx, partKey{run.Format, day}, b, run, at, n, bt); err != nil {
				bt.fail(err)
			}
			at += n
		}
	}
	l.settle(bt)
	return nil
}

// sameDay says whether two times are of one partition without making its name.
func sameDay(a, b time.Time) bool {
	if a.IsZero() || b.IsZero() {
		return a.IsZero() == b.IsZero()
	}
	const day = 24 * 60 * 60
	x, y := a.Unix(), b.Unix()
	return x >= 0 && y >= 0 && x/day == y/day && x < maxSecond && y < maxSecond || dayOf(a) == dayOf(b)
}

// maxSecond is the first of the year 10000.
const maxSecond = 253402300800

// load makes ready what is known of the partitions of a batch, before anything of it is taken.
func (l *Lake) load(ctx context.Context, b *keep.Batch) error {
	var last *partition
	for i := range b.Runs {
		run := &b.Runs[i]
		for j := range run.Records {
			if last != nil && last.format == run.Format && j > 0 && sameDay(run.Records[j-1].Time, run.Records[j].Time) {
				continue
			}
			p, err := l.partition(ctx, partKey{run.Format, dayOf(run.Records[j].Time)})
			if err != nil {
				return err
			}
			p.mu.Unlock()
			last = p
		}
	}
	return nil
}

// partition returns a partition, locked, with what is in its files.
func (l *Lake) partition(ctx context.Context, k partKey) (*partition, error) {
	for {
		l.mu.Lock()
		p := l.parts[k]
		if p == nil {
			p = &partition{partKey: k}
			l.parts[k] = p
		}
		l.mu.Unlock()
		p.mu.Lock()
		if p.dead {
			p.mu.Unlock()
			continue
		}
		p.used = l.o.Now()
		if !p.loaded {
			if err := p.known.refresh(ctx, l, k.format, k.day); err != nil {
				p.known = known{}
				p.mu.Unlock()
				return nil, err
			}
			p.loaded = true
		}
		return p, nil
	}
}

// append adds the records of a run from one on to a partition.
func (l *Lake) append(ctx context.Context, k partKey, b *keep.Batch, run *keep.Run, at, n int, bt *batch) error {
	p, err := l.partition(ctx, k)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	r := p.active
	if r == nil {
		r = l.newRows(k.format)
		r.since = l.o.Now()
		p.active = r
	}
	if len(r.batches) == 0 || r.batches[len(r.batches)-1] != bt {
		r.batches = append(r.batches, bt)
		bt.left.Add(1)
	}
	s := span{source: b.Source, object: b.Object, format: run.Format, first: run.First + int64(at), count: int64(n), row: r.n}
	// The time is taken while the buffer is held, which waits since before: so whoever asks for
	// the oldest that waits never hears of a later time than that of a row to come.
	seen := b.Seen
	if seen.IsZero() {
		seen = l.o.Now()
	}
	micro := seen.UnixMicro()
	for i := at; i < at+n; i++ {
		rec := &run.Records[i]
		id := identOf(rec)
		repeat, err := p.has(ctx, l, id)
		if err != nil {
			return err
		}
		if !rec.Time.IsZero() {
			if s.min.IsZero() || rec.Time.Before(s.min) {
				s.min = rec.Time
			}
			if rec.Time.After(s.max) {
				s.max = rec.Time
			}
		}
		if repeat {
			r.repeats++
			continue
		}
		r.ids[id] = struct{}{}
		r.add(b.Source, b.Object, run.Format, run.First+int64(i), rec, id, micro)
	}
	if s.rows = r.n - s.row; s.rows > 0 {
		r.spans = append(r.spans, s)
	}
	size := r.bytes()
	l.memory.Add(size - p.size.Swap(size))
	if r.rawBytes >= l.o.Cut || r.n >= maxRows {
		l.cut(p)
	}
	return nil
}

// maxRows is how many rows a file of small records has.
const maxRows = 1 << 20

// has says whether a record is in the partition: in its files, or on the way there.
func (p *partition) has(ctx context.Context, l *Lake, id ident) (bool, error) {
	if _, ok := p.active.ids[id]; ok {
		return true, nil
	}
	for _, r := range p.flight {
		if _, ok := r.ids[id]; ok {
			return true, nil
		}
	}
	return p.known.has(ctx, l, p.partKey, id)
}

func (l *Lake) newRows(format string) *rows {
	more := l.o.Columns(format)
	select {
	case r := <-l.free:
		r.columns(more)
		return r
	default:
		return newRows(more)
	}
}

// wait waits until there is memory. The largest buffer is written meanwhile.
func (l *Lake) wait(ctx context.Context) error {
	if l.memory.Load() <= l.o.Memory {
		return nil
	}
	stop := context.AfterFunc(ctx, l.wake)
	defer stop()
	for l.memory.Load() > l.o.Memory {
		l.cutLargest()
		l.roomMu.Lock()
		if l.memory.Load() > l.o.Memory && ctx.Err() == nil && !l.ended() {
			l.room.Wait()
		}
		l.roomMu.Unlock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if l.ended() {
			return keep.ErrClosed
		}
	}
	return nil
}

func (l *Lake) ended() bool {
	select {
	case <-l.ending:
		return true
	default:
		return false
	}
}

func (l *Lake) wake() {
	l.roomMu.Lock()
	l.room.Broadcast()
	l.roomMu.Unlock()
}

// Files lists the live files, in the order of their numbers.
func (l *Lake) Files(ctx context.Context, f Filter) ([]File, error) {
	return l.o.Catalogue.Files(ctx, f)
}

// Catalogue returns the catalogue.
func (l *Lake) Catalogue() Catalogue { return l.o.Catalogue }

// Totals sums up what there is, by format and day.
func (l *Lake) Totals(ctx context.Context) ([]yagura.LakeTotal, error) {
	return l.o.Catalogue.Totals(ctx)
}

// Stats returns the books.
func (l *Lake) Stats() Stats {
	c := &l.stats
	s := Stats{Batches: c.batches.Load(), Records: c.records.Load(), Rows: c.rows.Load(), Repeats: c.repeats.Load(), Files: c.files.Load(),
		RawBytes: c.rawBytes.Load(), Bytes: c.fileBytes.Load(), Failed: c.failed.Load(), Orphans: c.orphans.Load(), Memory: l.memory.Load()}
	if p := l.lastErr.Load(); p != nil {
		s.LastError = *p
	}
	for _, p := range l.partitions() {
		p.mu.Lock()
		list := p.flight
		if p.active != nil {
			list = append(slices.Clip(list), p.active)
		}
		for _, r := range list {
			if s.Oldest.IsZero() || r.since.Before(s.Oldest) {
				s.Oldest = r.since
			}
		}
		p.mu.Unlock()
	}
	return s
}

func (l *Lake) partitions() []*partition {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*partition, 0, len(l.parts))
	for _, p := range l.parts {
		list = append(list, p)
	}
	return list
}

// note remembers what is wrong; "" when nothing is.
func (l *Lake) note(reason string) {
	if reason == "" {
		l.lastErr.Store(nil)
		return
	}
	l.lastErr.Store(&reason)
}
