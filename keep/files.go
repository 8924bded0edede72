package keep

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/segment"
)

// Options of [Files]. The zero value is ready to use.
type Options struct {
	FlushEvery time.Duration // at most one fsync in this time; 0: 200 ms
	FlushBytes int64         // unless so many compressed bytes wait; 0: 4 MB
	MaxWaiting int64         // Put waits while so many compressed bytes wait; 0: 16 MB
	FrameBytes int           // of records in a frame, before compression; 0: 1 MB
	FileBytes  int64         // of a file; 0: 256 MB
	FileAge    time.Duration // of a file; 0: one hour
	Encoders   int           // batches that are compressed at a time; 0: 2
	Now        func() time.Time
	FS         segment.FS
}

// Files keeps batches in the files of a segment log.
type Files struct {
	*Reader
	o    Options
	log  *segment.Log
	free chan *encoder

	queue chan *put
	stop  chan struct{} // closed by Close
	ended chan struct{} // closed when the writer has ended
	puts  sync.WaitGroup

	mu      sync.Mutex
	waiting int64
	room    chan struct{} // closed and replaced when waiting shrinks
	closed  bool
	stats   Stats
}

// put is one batch on its way.
type put struct {
	frames [][]byte
	ranges []yagura.KeptRange
	owner  []int
	bytes  int64 // of frames
	raw    int64 // of records
	span   segment.Span
	done   func([]yagura.KeptRange, error)
}

// Stats are the books of [Files] since it was opened.
type Stats struct {
	Batches, Records int64 // durable
	RawBytes         int64 // of durable records
	Failed           int64 // batches that got an error
	Waiting          int64 // compressed bytes that are not durable yet
	Files            int
	Bytes            int64 // of all files
	Syncs            int64
	LastError        string // "" after a success
	Recovered        segment.Recovery
}

var _ Keep = (*Files)(nil)

// Open opens the directory of kept records, making it where there is none.
func Open(dir string, o Options) (*Files, error) {
	if o.FlushEvery <= 0 {
		o.FlushEvery = 200 * time.Millisecond
	}
	if o.FlushBytes <= 0 {
		o.FlushBytes = 4 << 20
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = 16 << 20
	}
	if o.FrameBytes <= 0 {
		o.FrameBytes = 1 << 20
	}
	o.FrameBytes = min(o.FrameBytes, maxBody)
	if o.FileBytes <= 0 {
		o.FileBytes = 256 << 20
	}
	if o.FileAge <= 0 {
		o.FileAge = time.Hour
	}
	if o.Encoders <= 0 {
		o.Encoders = 2
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	log, err := segment.Open(dir, segment.Options{MaxBytes: o.FileBytes, MaxAge: o.FileAge, Now: o.Now, FS: o.FS})
	if err != nil {
		return nil, fmt.Errorf("keep: %w", err)
	}
	k := &Files{Reader: NewReader(dir, o.FS), o: o, log: log, free: make(chan *encoder, o.Encoders),
		queue: make(chan *put, 64), stop: make(chan struct{}), ended: make(chan struct{}), room: make(chan struct{})}
	for range o.Encoders {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("keep: %w", err), log.Close())
		}
		k.free <- &encoder{z: z, target: o.FrameBytes}
	}
	go k.write()
	return k, nil
}

// Put compresses b and hands it to the disk.
func (k *Files) Put(ctx context.Context, b *Batch) error {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return ErrClosed
	}
	k.puts.Add(1)
	k.mu.Unlock()
	defer k.puts.Done()

	var e *encoder
	select {
	case e = <-k.free:
	case <-ctx.Done():
		return fmt.Errorf("keep %s: %w", b.Object, ctx.Err())
	case <-k.stop:
		return ErrClosed
	}
	err := e.batch(b)
	var raw int64
	for i := range b.Runs {
		for j := range b.Runs[i].Records {
			raw += int64(len(b.Runs[i].Records[j].Raw))
		}
	}
	p := &put{frames: e.frames, ranges: e.ranges, owner: e.owner, raw: raw, done: b.Done}
	e.frames, e.ranges, e.owner, e.parts, e.meta, e.raw, e.last = nil, nil, nil, e.parts[:0], e.meta[:0], e.raw[:0], 0
	if cap(e.raw) > 4*k.o.FrameBytes {
		e.raw = nil // after a giant
	}
	k.free <- e
	if err != nil {
		return fmt.Errorf("keep %s: %w", b.Object, err)
	}
	for _, f := range p.frames {
		p.bytes += int64(len(f))
	}
	if err := k.take(ctx, p.bytes); err != nil {
		return fmt.Errorf("keep %s: %w", b.Object, err)
	}
	select {
	case k.queue <- p: // the writer ends only when no Put is under way
		return nil
	case <-ctx.Done():
		k.give(p.bytes)
		return fmt.Errorf("keep %s: %w", b.Object, ctx.Err())
	}
}

// give gives room free.
func (k *Files) give(n int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting -= n
	close(k.room)
	k.room = make(chan struct{})
}

// take waits until there is room for n more compressed bytes.
func (k *Files) take(ctx context.Context, n int64) error {
	for {
		k.mu.Lock()
		if k.closed {
			k.mu.Unlock()
			return ErrClosed
		}
		// A batch that is larger than the room goes alone.
		if k.waiting == 0 || k.waiting+n <= k.o.MaxWaiting {
			k.waiting += n
			k.mu.Unlock()
			return nil
		}
		room := k.room
		k.mu.Unlock()
		select {
		case <-room:
		case <-k.stop:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// The pauses between tries of a disk that takes nothing, in units of FlushEvery.
const (
	firstPause = 5
	maxPause   = 300
)

// write is the goroutine that owns the log. What the disk does not take it tries again, in
// order, and takes nothing else meanwhile: those who put wait, and so does what is behind
// them. Only at the end is a batch given up.
func (k *Files) write() {
	defer close(k.ended)
	var stuck, pending []*put // not written; written and not known to be durable
	var bytes int64           // of pending
	var last time.Time        // of the last fsync
	var pause time.Duration   // before the next try; 0 when the last one went well
	stop := k.stop
	due, again := time.NewTimer(time.Hour), time.NewTimer(time.Hour)
	defer due.Stop()
	defer again.Stop()
	tick := time.NewTicker(max(k.o.FileAge/8, time.Second))
	defer tick.Stop()
	failed := func(err error) {
		k.note(err)
		pause = min(max(2*pause, firstPause*k.o.FlushEvery), maxPause*k.o.FlushEvery)
		again.Reset(pause)
	}
	for open := true; open || len(pending)+len(stuck) > 0; {
		queue := k.queue
		if pause > 0 && stop != nil {
			queue = nil
		}
		try := pause == 0
		select {
		case p, ok := <-queue:
			if !ok {
				open = false
				break
			}
			stuck = append(stuck, p)
		case <-due.C:
		case <-again.C:
			try = true
		case <-stop:
			stop = nil // what is there gets one more try
		case <-tick.C:
			if err := k.log.Tick(); err != nil {
				k.note(err)
			}
		}
		for ending := stop == nil; (try || ending) && len(stuck) > 0; {
			p := stuck[0]
			err := k.append(p)
			switch {
			case err == nil:
				pending, bytes = append(pending, p), bytes+p.bytes
				if len(pending) == 1 {
					due.Reset(max(0, k.o.FlushEvery-time.Since(last)))
				}
			case ending:
				k.done(p, err)
			default:
				failed(err)
				try = false
				continue
			}
			stuck = stuck[1:]
		}
		if len(pending) == 0 || open && len(stuck) == 0 && bytes < k.o.FlushBytes && time.Since(last) < k.o.FlushEvery {
			continue
		}
		if open && bytes < k.o.FlushBytes && queue != nil && len(k.queue) > 0 {
			continue // what has come already shares the fsync
		}
		spans := make([]segment.Span, len(pending))
		for i, p := range pending {
			spans[i] = p.span
		}
		err := k.log.Sync(spans...)
		last = time.Now()
		var lost []*put
		for _, p := range pending {
			each := err
			if err != nil { // it may concern only some of them
				each = k.log.Sync(p.span)
			}
			if each != nil && stop != nil {
				lost, err = append(lost, p), each // nobody knows what the disk holds of it: it is written again
				continue
			}
			k.done(p, each)
		}
		if len(lost) > 0 {
			failed(err) // once, however many it concerns
			stuck = append(lost, stuck...)
		} else if len(stuck) == 0 {
			pause = 0
		}
		pending, bytes = nil, 0
	}
}

// append writes the frames of a batch and fills in their places.
func (k *Files) append(p *put) error {
	if len(p.frames) == 0 {
		return nil // nothing to keep
	}
	span, err := k.log.Append(p.frames...)
	if err != nil {
		return err
	}
	p.span = span
	name, at := segment.FileName(span.First.File), span.First.Offset
	r := 0
	for i, f := range p.frames {
		at += segment.FrameOverhead
		sum := sha256.Sum256(f)
		for ; r < len(p.ranges) && p.owner[r] == i; r++ {
			p.ranges[r].File, p.ranges[r].Offset, p.ranges[r].Length, p.ranges[r].Checksum = name, at, int64(len(f)), sum
		}
		at += int64(len(f))
	}
	return nil
}

// done tells the owner of a batch and gives its room free.
func (k *Files) done(p *put, err error) {
	p.frames = nil
	k.give(p.bytes)
	k.mu.Lock()
	if err != nil {
		k.stats.Failed++
		k.stats.LastError = err.Error()
	} else {
		k.stats.Batches++
		k.stats.RawBytes += p.raw
		k.stats.LastError = ""
		for _, r := range p.ranges {
			k.stats.Records += r.Count
		}
	}
	k.mu.Unlock()
	if err != nil {
		p.done(nil, fmt.Errorf("keep: %w", err))
		return
	}
	p.done(p.ranges, nil)
}

// note remembers what the disk says.
func (k *Files) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stats.LastError = err.Error()
}

// Close makes durable what was put and ends.
func (k *Files) Close() error {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		<-k.ended
		return nil
	}
	k.closed = true
	k.mu.Unlock()
	close(k.stop)
	k.puts.Wait()
	close(k.queue)
	<-k.ended
	if err := k.log.Close(); err != nil {
		return fmt.Errorf("keep: %w", err)
	}
	return nil
}

// Stats returns the books.
func (k *Files) Stats() Stats {
	files := k.log.Files()
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.stats
	s.Waiting, s.Files, s.Recovered = k.waiting, len(files), k.log.Recovered()
	for _, f := range files {
		s.Bytes += f.Bytes
	}
	return s
}

// Oldest is the name of the oldest file, "" when there is none.
func (k *Files) Oldest() string {
	files := k.log.Files()
	if len(files) == 0 {
		return ""
	}
	return files[0].Name
}

// Dropped is a file that was removed by [Files.Drop].
type Dropped struct {
	File     string
	Bytes    int64
	From, To time.Time // when it was begun and when it was ended, by our clock
}

// Drop removes whole files, oldest first: those that were ended before a time (zero: none
// for their age), and those beyond a total size (zero: any size). It says what it removed.
func (k *Files) Drop(before time.Time, most int64) ([]Dropped, error) {
	files := k.log.Files()
	var total int64
	for _, f := range files {
		total += f.Bytes
	}
	var gone []Dropped
	for i := 0; i+1 < len(files); i++ {
		old := !before.IsZero() && !files[i+1].Created.After(before)
		if !old && (most <= 0 || total <= most) {
			break
		}
		total -= files[i].Bytes
		gone = append(gone, Dropped{files[i].Name, files[i].Bytes, files[i].Created, files[i+1].Created})
	}
	if len(gone) == 0 {
		return nil, nil
	}
	removed, err := k.log.RemoveBefore(segment.Position{File: files[len(gone)].Number})
	if err != nil {
		return gone[:len(removed)], fmt.Errorf("keep: %w", err)
	}
	return gone[:len(removed)], nil
}
