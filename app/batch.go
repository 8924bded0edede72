package app

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/repeat"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/source"
)

// The bounds of a batch. A batch is cut at the first that is reached.
const (
	batchRecords  = 16_384
	batchFindings = 512
	batchBytes    = 2 << 20 // of findings, base matches and broken records
	itemBytes     = 24
)

// cut says where a batch is cut. It changes the speed and nothing else, which tests
// show with other values.
type cut struct{ records, findings int }

// batch is what a worker says of a run of records of one object.
type batch struct {
	items   []repeat.Item // the records that have an id of their own, in order
	places  []place       // where items stand, by the record that begins a new file inside an archive
	hits    []hit
	counts  map[string]uint64 // records by format
	tooOld  uint64
	broken  []*decode.RecordError
	foreign []*unsupported
	unread  error // what ended the object before its end
	opened  bool  // the object could be opened
	read    int64 // bytes of the object since the batch before
	decoded int64
	weight  int64 // bytes of hits and broken
	bytes   int64 // what the batch weighs while it waits
}

// add takes a hit in.
func (b *batch) add(h hit) {
	b.hits = append(b.hits, h)
	if h.base != nil {
		b.weight += int64(h.base.Size())
		return
	}
	f := h.finding.Finding
	n := 1<<10 + len(f.CauseKey) + len(f.Output) + len(f.Event.ID) + len(f.Event.Actor.ID) + len(f.Event.Actor.Name)
	for _, x := range f.Entities {
		n += len(x.ID) + 32
	}
	for _, w := range f.Why {
		n += len(w.Field) + len(w.Value) + len(w.Actual) + 64
	}
	b.weight += int64(n)
}

// hit is a finding or a base match, with the record that it is about.
type hit struct {
	item    int // index into items, negative for a record without an id of its own
	finding *report.Item
	base    *detect.BaseMatch
}

// place says which record of a file an item is, so that it can be found again.
type place struct {
	item   int // from this item on
	file   string
	format *decode.Format
	num    uint64
}

// job is one object to judge.
type job struct {
	object source.Object
	err    error // instead of an object
}

// worker judges objects one after the other.
type worker struct {
	scan    *Scan
	matcher *detect.Matcher
	flow    *flow
	cur     *batch
	unit    *unit
	event   yagura.Event // of the record that is judged
	reader  *decode.Reader
	read    int64 // bytes of reader that have been reported
	decoded int64
	file    string // of the last item
	format  *decode.Format
	next    uint64 // number of the record that would follow the last item
	sieve   sieve
	origin  origins // of the records that are read, where they were kept before
}

// origins is implemented by the body of an object that holds records which were kept: it says
// of the one that begins at an offset what it was when it came.
type origins interface {
	origin(offset int64) *origin
}

// origin is what a record was when it came.
type origin struct {
	end            int64 // where it ends in the body
	source, object string
	key            yagura.Key
}

// judge works through one unit and closes it.
func (w *worker) judge(ctx context.Context, u *unit) {
	defer w.flow.end(u)
	w.unit, w.cur = u, &batch{}
	if u.job.err != nil {
		w.cur.unread = u.job.err
		w.flush()
		return
	}
	body, err := u.job.object.Open(ctx)
	if err != nil && ctx.Err() != nil {
		return // the run is ending: nothing is wrong with the object
	}
	if err != nil {
		w.cur.unread = &Problem{u.job.object.Name, err}
		w.flush()
		return
	}
	w.cur.opened = true
	w.read, w.decoded, w.file, w.format = 0, 0, "", nil
	w.matcher.Begin()
	w.origin, _ = body.(origins)
	var in io.Reader = body
	if u.job.object.Streaming {
		in = &flushing{body, w}
	}
	w.reader = w.scan.decoder.NewReader(in, u.job.object.Name)
	w.reader.Around(written(&u.job.object, w.scan.o.Now))
	large := false
	w.reader.Ask(func(bytes int64) {
		large = true
		w.flow.ask(u, bytes)
	})
	w.records(ctx)
	w.settle("")
	w.flush()
	w.reader.Close()
	w.reader = nil
	if large {
		w.matcher.Trim()
	}
	if err := body.Close(); err != nil && w.cur.unread == nil {
		w.cur.unread = &Problem{u.job.object.Name, err}
		w.flush()
	}
}

// records judges every record of the reader.
func (w *worker) records(ctx context.Context) {
	for n := 0; ; n++ {
		if n&0xff == 0 && ctx.Err() != nil {
			return
		}
		rec, err := w.reader.Next()
		var bad *decode.RecordError
		switch {
		case err == nil:
			if w.sieve.held != nil {
				w.settle(rec.File)
			}
			w.record(rec)
		case errors.As(err, &bad):
			w.settle(bad.File)
			if !w.sieve.holds(bad) {
				w.cur.broken = append(w.cur.broken, bad)
				w.cur.weight += int64(256 + len(bad.Bytes))
			}
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return
		default:
			w.cur.unread = &Problem{w.unit.job.object.Name, err}
			return
		}
		if len(w.cur.items) >= w.scan.cut.records || len(w.cur.hits)+len(w.cur.broken)+len(w.cur.foreign) >= w.scan.cut.findings || w.cur.weight >= batchBytes {
			w.flush()
		}
	}
}

// settle says what the broken record that is held back was; file is where the next
// record is from.
func (w *worker) settle(file string) {
	bad, foreign := w.sieve.settle(file)
	if bad != nil {
		w.cur.broken = append(w.cur.broken, bad)
	}
	if foreign != nil {
		w.cur.foreign = append(w.cur.foreign, foreign)
	}
}

func (w *worker) record(rec *decode.Record) {
	b := w.cur
	if b.counts == nil {
		b.counts = map[string]uint64{}
	}
	b.counts[rec.Format.Name]++
	at := rec.Format.Time(rec)
	file, source, offset := rec.File, w.unit.job.object.Source, rec.Offset
	if w.origin != nil {
		if o := w.origin.origin(rec.Offset); o != nil {
			file, source, offset, rec.Key = o.object, o.source, -1, o.key
		}
	}
	meta := query.Meta{Num: rec.Num, Time: at, Format: rec.Format.Name, File: rec.File}
	if w.scan.since != 0 && at != 0 && at < w.scan.since {
		b.tooOld++
		w.matcher.Pass(rec.Format.Name, rec.Doc, meta)
		return
	}
	item := -1
	if rec.Keyed {
		item = len(b.items)
		if item == 0 || rec.File != w.file || rec.Format != w.format || rec.Num != w.next {
			b.places = append(b.places, place{item, rec.File, rec.Format, rec.Num})
			w.file, w.format = rec.File, rec.Format
		}
		w.next = rec.Num + 1
		if b.items == nil {
			b.items = w.scan.items.Get().([]repeat.Item)
		}
		b.items = append(b.items, repeat.Item{Key: rec.Key, Content: rec.Content})
	}
	if !w.scan.o.RulesOnly {
		if c, ok := intake.Alert(rec, source); ok && !c.Resolved {
			b.add(hit{item: item, finding: &report.Item{Finding: &c.Finding, File: file, Offset: offset}})
		}
	}
	hits := w.matcher.Match(rec.Format.Name, rec.Doc, meta)
	if len(hits) == 0 {
		return
	}
	rec.Head(&w.event)
	w.event.Source = source
	for _, h := range hits {
		if h.Finds {
			for f := range w.matcher.Findings(h, &w.event) {
				x := &struct { // one piece of memory for both
					item    report.Item
					finding yagura.Finding
				}{finding: f}
				x.item = report.Item{Finding: &x.finding, File: file, Offset: offset}
				b.add(hit{item: item, finding: &x.item})
			}
		}
		if h.Feeds {
			if base := w.matcher.Base(h, &w.event); base != nil {
				b.add(hit{item: item, base: base})
			}
		}
	}
}

// flush hands the batch to the sequencer and begins another.
func (w *worker) flush() {
	b := w.cur
	if w.reader != nil {
		read, decoded := w.reader.BytesRead(), w.reader.BytesDecoded()
		b.read, b.decoded = read-w.read, max(decoded, read)-max(w.decoded, w.read)
		w.read, w.decoded = read, decoded
		w.scan.progress.read.Add(b.read)
	}
	var n uint64
	for _, c := range b.counts {
		n += c
	}
	w.scan.progress.events.Add(n)
	if cap(b.items) > 2*len(b.items) && len(b.items) > 0 {
		// A small batch waits in a small piece of memory.
		small := make([]repeat.Item, len(b.items))
		copy(small, b.items)
		w.scan.items.Put(b.items[:0]) //nolint:staticcheck // the slice header is small beside what it saves
		b.items = small
	}
	b.bytes = int64(cap(b.items)*itemBytes+256) + b.weight
	w.flow.push(w.unit, b)
	w.cur = &batch{}
}

// flushing hands on what is known before a read that may wait for a writer.
type flushing struct {
	io.Reader
	w *worker
}

// Read reads on.
func (f *flushing) Read(p []byte) (int, error) {
	if b := f.w.cur; len(b.items)+len(b.hits)+len(b.broken)+len(b.foreign) > 0 {
		f.w.flush()
	}
	return f.Reader.Read(p)
}

// progress is what a run has done so far; it can be read while it runs.
type progress struct {
	total    atomic.Int64 // bytes of the objects that were listed
	read     atomic.Int64
	events   atomic.Uint64
	findings atomic.Uint64
	listed   atomic.Bool // all objects are listed, total is final
}
