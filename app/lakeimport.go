package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/source"
)

// ImportOptions configure an [Import].
type ImportOptions struct {
	Formats []*decode.Format // nil means all
	Workers int              // objects that are read at once; 0: one per processor
	Problem func(error)      // is told of what went wrong without ending the run
	Now     func() time.Time
	// Again reads objects that are in the lake already, too. Their records are repeats.
	Again bool
	// Originals keeps a copy of each file and each object of a bucket, as it was received.
	Originals bool
}

// ImportSummary is what an import came to.
type ImportSummary struct {
	Objects, Skipped, Unreadable, Broken int64 // Skipped were in the lake already
	Records                              int64
	BytesRead, BytesDecoded              int64
	Elapsed                              time.Duration
	Interrupted                          bool
	Lake                                 lake.Stats
}

// Import brings what sources list into a lake.
type Import struct {
	o        ImportOptions
	lake     *lake.Lake
	cat      lake.Catalogue
	decoder  *decode.Decoder
	progress progress

	mu       sync.Mutex
	sum      ImportSummary
	finished []yagura.LakeObject
	fault    error // of the lake: nothing more can be kept
}

// NewImport prepares an import into a lake with its catalogue. Run closes the lake.
func NewImport(l *lake.Lake, cat lake.Catalogue, o ImportOptions) (*Import, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Problem == nil {
		o.Problem = func(error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	decoder, err := decode.New(decode.Options{Formats: o.Formats, Detail: true})
	if err != nil {
		return nil, err
	}
	return &Import{o: o, lake: l, cat: cat, decoder: decoder}, nil
}

// The bounds of a batch that is handed to the lake.
const (
	importRecords = 512
	importBytes   = 1 << 20
)

// settleEvery is how often the objects that are finished are written down.
const settleEvery = time.Second

// Run imports everything that sources list. Cancelling ctx ends it: what was read is written,
// and the next run goes on behind the objects that were finished.
func (im *Import) Run(ctx context.Context, sources ...source.Source) (*ImportSummary, error) {
	began := im.o.Now()
	work, stop := context.WithCancel(ctx)
	defer stop()
	jobs := make(chan source.Object)
	var workers, settler sync.WaitGroup
	for range im.o.Workers {
		workers.Go(func() {
			w := &importer{im: im, events: make([]yagura.Event, importRecords)}
			for o := range jobs {
				if work.Err() == nil {
					w.object(work, &o)
				}
			}
		})
	}
	ended := make(chan struct{})
	settler.Go(func() {
		t := time.NewTicker(settleEvery)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				if err := im.settle(context.WithoutCancel(ctx)); err != nil {
					im.failed(err)
					stop()
				}
			case <-ended:
				return
			}
		}
	})
	im.list(work, sources, jobs)
	close(jobs)
	workers.Wait()
	err := im.lake.Close()
	close(ended)
	settler.Wait()
	err = errors.Join(im.fault, err, im.settle(context.WithoutCancel(ctx)))
	if im.o.Originals && ctx.Err() == nil { // there may be no server that does so
		_, serr := im.lake.SweepCopies(ctx)
		err = errors.Join(err, serr)
	}
	im.sum.Elapsed, im.sum.Interrupted, im.sum.Lake = im.o.Now().Sub(began), ctx.Err() != nil, im.lake.Stats()
	im.sum.BytesRead = im.progress.read.Load()
	return &im.sum, err
}

// listAtOnce is how many objects are asked for at a time whether they are in the lake.
const listAtOnce = 500

// list hands out the objects that are not in the lake.
func (im *Import) list(ctx context.Context, sources []source.Source, jobs chan<- source.Object) {
	for _, src := range sources {
		var page []source.Object
		for o, err := range src.Objects(ctx) {
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				im.unread(err)
				continue
			}
			if o.Source == "file" {
				if abs, err := filepath.Abs(o.Name); err == nil {
					o.Name = abs // the same file has one name, wherever it is imported from
				}
			}
			if o.Size > 0 {
				im.progress.total.Add(o.Size)
			}
			// A page is full, or its objects are open: those of buckets are fetched as they are listed.
			if page = append(page, o); len(page) >= listAtOnce || o.Source == "s3" || o.Streaming {
				im.hand(ctx, page, jobs)
				page = page[:0]
			}
		}
		im.hand(ctx, page, jobs)
	}
	im.progress.listed.Store(true)
}

// version names an object as it was listed. A file may have been read while it was still being
// written to: when it has grown it is another version, and is read again. Its records keep the
// file's own name, so those that were there are repeats.
func version(o *source.Object) string {
	if o.Source != "file" || o.Tag != "" || o.Size < 0 {
		return o.Identity()
	}
	return fmt.Sprintf("%s#%d-%s", o.Name, o.Size, strconv.FormatInt(o.Modified.UnixNano(), 36))
}

func (im *Import) hand(ctx context.Context, page []source.Object, jobs chan<- source.Object) {
	bySource := map[string][]string{}
	for i := range page {
		bySource[page[i].Source] = append(bySource[page[i].Source], version(&page[i]))
	}
	there := map[string]map[string]bool{}
	for name, ids := range bySource {
		done, err := im.cat.Objects(ctx, name, ids)
		if err != nil {
			im.failed(err)
			return
		}
		there[name] = done
	}
	for _, o := range page {
		if !im.o.Again && !o.Streaming && there[o.Source][version(&o)] {
			im.mu.Lock()
			im.sum.Skipped++
			im.mu.Unlock()
			im.progress.read.Add(max(o.Size, 0))
			continue
		}
		select {
		case jobs <- o:
		case <-ctx.Done():
			return
		}
	}
}

func (im *Import) unread(err error) {
	im.mu.Lock()
	im.sum.Unreadable++
	im.mu.Unlock()
	im.o.Problem(err)
}

// left says that an object is left for the next import: it cannot be read, or the lake cannot
// keep a copy of it.
func (im *Import) left(ctx context.Context, name string, err error) {
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, source.ErrCopy) && !errors.Is(err, blob.ErrChecksum): // else it was changed meanwhile
		im.failed(&Problem{name, err})
	default:
		im.unread(&Problem{name, err})
	}
}

func (im *Import) failed(err error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.fault = errors.Join(im.fault, err)
}

// settle writes down which objects are finished.
func (im *Import) settle(ctx context.Context) error {
	im.mu.Lock()
	list := im.finished
	im.finished = nil
	im.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	_, _, err := im.cat.Commit(ctx, lake.Commit{Objects: list})
	return err
}

// Progress says where the import stands.
func (im *Import) Progress() Progress {
	p := &im.progress
	return Progress{p.read.Load(), p.total.Load(), p.listed.Load(), p.events.Load(), p.findings.Load()}
}

// importing is one object on its way.
type importing struct {
	im     *Import
	object yagura.LakeObject
	mu     sync.Mutex
	left   int // batches, and one for the reading
	bad    bool
}

func (x *importing) done(err error) {
	x.mu.Lock()
	x.left--
	x.bad = x.bad || err != nil
	last := x.left == 0
	x.mu.Unlock()
	if err != nil {
		x.im.failed(err)
	}
	if !last || x.bad {
		return
	}
	x.im.mu.Lock()
	defer x.im.mu.Unlock()
	x.object.At = x.im.o.Now()
	x.im.finished = append(x.im.finished, x.object)
}

// importer reads objects, one after the other.
type importer struct {
	im     *Import
	events []yagura.Event
	batch  keep.Batch
	arena  []byte
	n      int
}

func (w *importer) object(ctx context.Context, o *source.Object) {
	im := w.im
	body, err := o.Open(ctx)
	if err != nil {
		if ctx.Err() == nil {
			im.unread(&Problem{o.Name, err})
		}
		return
	}
	defer body.Close() //nolint:errcheck // it is only read
	x := &importing{im: im, object: yagura.LakeObject{Source: o.Source, Object: version(o), Rows: o.Identity()}, left: 1}
	sum := source.NewSum(body)
	defer sum.Close() //nolint:errcheck // what it removes has no name any more, or is removed at the next start
	copied := im.o.Originals && o.Whole
	if copied {
		if err := sum.Copy(im.lake); err != nil {
			im.failed(&Problem{o.Name, err})
			return
		}
	}
	reader := im.decoder.NewReader(sum.Reader(), o.Name)
	defer reader.Close()
	reader.Around(written(o, im.o.Now))
	w.begin(o, x)
	var number, broken, before int64
	whole := true
	for {
		rec, err := reader.Next()
		var bad *decode.RecordError
		switch {
		case err == nil:
			w.record(rec, number)
			number++
		case errors.As(err, &bad):
			n := int64(max(bad.Records, 1))
			number, broken = number+n, broken+n
			im.o.Problem(bad)
		case errors.Is(err, io.EOF):
		default:
			whole = false
			im.left(ctx, o.Name, err)
		}
		end := err != nil && bad == nil
		if end || w.n == importRecords || len(w.arena) >= importBytes {
			if !w.put(ctx, x) {
				whole = false
				break
			}
			read := reader.BytesRead()
			im.progress.read.Add(read - before)
			before = read
		}
		if end || ctx.Err() != nil {
			break
		}
	}
	whole = whole && ctx.Err() == nil
	x.object.Records = number
	if whole && !o.Streaming {
		switch x.object.Sum, err = sum.Keep(ctx); {
		case err == nil:
		case !copied:
			im.o.Problem(&Problem{o.Name, fmt.Errorf("its checksum: %w", err)})
		default: // the next import reads it again
			whole = false
			im.left(ctx, o.Name, err)
		}
	}
	im.mu.Lock()
	im.sum.Objects++
	im.sum.Records += number - broken
	im.sum.Broken += broken
	im.sum.BytesDecoded += max(reader.BytesDecoded(), reader.BytesRead())
	im.mu.Unlock()
	if !whole {
		x.mu.Lock()
		x.bad = true
		x.mu.Unlock()
	}
	x.done(nil)
}

func (w *importer) begin(o *source.Object, x *importing) {
	w.batch = keep.Batch{Source: o.Source, Object: o.Identity(), Runs: w.batch.Runs[:0],
		Done: func(_ []yagura.KeptRange, err error) { x.done(err) }}
	w.arena, w.n = w.arena[:0], 0
}

// record copies a record into the batch.
func (w *importer) record(rec *decode.Record, number int64) {
	e := &w.events[w.n]
	w.n++
	rec.Head(e)
	raw := rec.Raw()
	from := len(w.arena)
	if cap(w.arena)-from < len(raw) {
		// Records that are there keep the memory that they are in.
		w.arena, from = make([]byte, 0, max(importBytes+importBytes/4, len(raw))), 0
	}
	w.arena = append(w.arena, raw...)
	r := keep.Record{Raw: w.arena[from:len(w.arena):len(w.arena)], Key: rec.Key, Keyed: rec.Keyed, Event: e, Time: e.Time}
	runs := w.batch.Runs
	if n := len(runs); n > 0 && runs[n-1].Format == rec.Format.Name && runs[n-1].First+int64(len(runs[n-1].Records)) == number {
		runs[n-1].Records = append(runs[n-1].Records, r)
		return
	}
	if n := len(runs); n < cap(runs) {
		w.batch.Runs = runs[:n+1]
		run := &w.batch.Runs[n]
		run.Format, run.First, run.Records = rec.Format.Name, number, append(run.Records[:0], r)
		return
	}
	w.batch.Runs = append(runs, keep.Run{Format: rec.Format.Name, First: number, Records: []keep.Record{r}})
}

// put hands the batch to the lake and begins another.
func (w *importer) put(ctx context.Context, x *importing) bool {
	if w.n == 0 {
		return true
	}
	x.mu.Lock()
	x.left++
	x.mu.Unlock()
	if err := w.im.lake.Put(ctx, &w.batch); err != nil {
		x.mu.Lock()
		x.left, x.bad = x.left-1, true
		x.mu.Unlock()
		if ctx.Err() == nil {
			w.im.failed(err)
		}
		return false
	}
	w.im.progress.events.Add(uint64(w.n))
	w.batch.Runs, w.arena, w.n = w.batch.Runs[:0], w.arena[:0], 0
	return true
}
