package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/repeat"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/triage"
)

// The bounds of a piece: it is cut at the first that is reached.
const (
	pieceRecords  = 4096
	pieceBytes    = 2 << 20
	pieceFindings = 256
	pieceAge      = 300 * time.Millisecond // of a source that writes on and on
)

// An object whose content cannot be read to its end is tried so often before it is kept as a
// dead letter, so that nothing waits behind it for good. One that cannot be reached (its store
// is away, a permission is missing) is waited for: that says nothing about the object.
const (
	maxTries = 6
	maxAway  = 72 * time.Hour
)

// piece is what a worker says of a run of records of one object. Records are counted from
// 0, broken ones included.
type piece struct {
	msg      *message
	source   string
	object   string
	from, to int64
	last     bool // the object has no more
	message  bool // it stands for a message without objects
	err      error
	items    []repeat.Item
	itemAt   []itemPlace // what an item is, where something was found in it
	cases    []pieceCase
	bases    []pieceBase
	dead     []yagura.DeadLetter
	broken   int64
	own      int64
	events   int64
	first    time.Time
	latest   time.Time
	accounts map[string]bool // that some of its records are of
	keep     keep.Batch
	heads    []yagura.Event // of keep's records
	arena    []byte         // where the records of keep stand
	bytes    int64
	sum      string // of the object as it was received, in its last piece
	unkept   error  // it could not be handed to the keeper
	gen      string
	attempts int
	away     bool // err is of what the object is read from, and not of what is in it
	since    time.Time
	seen     time.Time
}

type pieceCase struct {
	item int // index into items, negative for a record without an id of its own
	c    triage.Found
}

type pieceBase struct {
	item int
	rows []yagura.WindowRow
}

// itemPlace says which record an item is.
type itemPlace struct {
	item  int
	event yagura.EventRef
}

// worker judges objects, one after the other.
func (in *Intake) worker(ctx context.Context) {
	w := &worker{in: in}
	for j := range in.work {
		w.object(ctx, j)
	}
}

type worker struct {
	in      *Intake
	gen     *Generation
	matcher *detect.Matcher
	job     *job
	p       *piece
	n       int64 // records of the object so far
	skip    int64 // records that are judged already
	event   yagura.Event
	began   time.Time
	before  yagura.Delivery
	away    atomic.Bool // the object could not be reached, or not to its end
}

// object reads one object to its end. What was judged of it before is passed over.
func (w *worker) object(ctx context.Context, j *job) {
	in := w.in
	w.job, w.n = j, 0
	if ctx.Err() != nil {
		in.fail(j.msg, ctx.Err())
		return
	}
	name := j.msg.from.Name()
	if !in.claim(name, j.id, j.msg) {
		return // it is at work for another message, and this one is finished with it
	}
	err := in.o.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		rows, err := tx.Deliveries(ctx, name, []string{j.id})
		w.before = rows[j.id]
		return err
	})
	if err != nil {
		in.release(ctx, name, j.id, err)
		in.fail(j.msg, err)
		return
	}
	if !w.before.Done.IsZero() {
		in.release(ctx, name, j.id, nil)
		in.done(ctx, j.msg)
		return
	}
	// Records that are judged and not kept are read again to be kept.
	w.skip = min(w.before.Judged, w.before.Kept)
	if gen := in.o.Generation(); gen != w.gen {
		w.gen, w.matcher = gen, nil
	}
	if w.matcher == nil {
		w.matcher = w.gen.Engine.NewMatcher()
	}
	w.open()
	err = w.read(ctx)
	w.p.last, w.p.err, w.p.away = true, err, w.away.Load()
	w.flush(ctx)
}

func (w *worker) open() {
	w.p = &piece{msg: w.job.msg, source: w.job.msg.from.Name(), object: w.job.id, from: w.n, to: w.n, gen: w.gen.Hash, seen: w.in.o.Now(),
		attempts: w.before.Attempts + 1, since: w.before.Received}
	w.began = w.p.seen
	if w.p.since.IsZero() {
		w.p.since = w.p.seen
	}
}

// reached notes when what an object is read from breaks off. A reader may read ahead.
type reached struct {
	io.Reader
	away *atomic.Bool
}

// reach returns what the decoder reads. A file stays one: archives are read in place there.
func (w *worker) reach(body io.Reader) io.Reader {
	if _, ok := body.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		return body
	}
	return reached{body, &w.away}
}

func (r reached) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.away.Store(true)
	}
	return n, err
}

// read judges the records of the object. The error is about the object as a whole.
func (w *worker) read(ctx context.Context) error {
	w.away.Store(false)
	body, err := w.job.object.Open(ctx)
	if err != nil {
		w.away.Store(true)
		return err
	}
	defer body.Close() //nolint:errcheck // it is only read
	w.matcher.Begin()
	sum := source.NewSum(body)
	defer sum.Close() //nolint:errcheck // what it removes has no name any more, or is removed at the next start
	copied := w.in.o.Copies != nil && w.job.object.Whole
	if copied {
		if err := sum.Copy(w.in.o.Copies); err != nil {
			w.away.Store(true)
			return err
		}
	}
	reader := w.gen.Decoder.NewReader(w.reach(sum.Reader()), w.job.object.Name)
	defer reader.Close()
	reader.Around(w.job.object.Modified)
	if head := w.job.object.Head; head != nil {
		reader.After(head())
	}
	for {
		if w.n&0xff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		rec, err := reader.Next()
		var bad *decode.RecordError
		switch {
		case err == nil:
			w.record(rec)
		case errors.As(err, &bad):
			w.broken(bad)
		case errors.Is(err, io.EOF):
			if w.job.object.Streaming {
				return nil
			}
			// All records are there: a sum that cannot be taken is no reason to read them again,
			// but a copy that cannot be kept is.
			var err error
			if w.p.sum, err = sum.Keep(ctx); err != nil && copied {
				w.away.Store(true)
				return err
			}
			return nil
		default:
			return err
		}
		p := w.p
		if p.to-p.from >= pieceRecords || p.bytes >= pieceBytes || len(p.cases)+len(p.dead) >= pieceFindings || w.n&0x3f == 0 && w.in.o.Now().Sub(w.began) >= pieceAge {
			w.flush(ctx)
			if ctx.Err() != nil {
				w.open()
				return ctx.Err()
			}
			w.open()
		}
	}
}

// record judges one record.
func (w *worker) record(rec *decode.Record) {
	at := w.n
	w.n++
	w.p.to = w.n
	raw := rec.Raw()
	t := rec.Format.Time(rec)
	if at >= w.before.Kept {
		w.keep(rec, raw, at, t)
	}
	meta := query.Meta{Num: rec.Num, Time: t, Format: rec.Format.Name, File: rec.File}
	if at < w.before.Judged {
		w.matcher.Pass(rec.Format.Name, rec.Doc, meta)
		return
	}
	w.p.events++
	w.p.bytes += int64(len(raw)) + 64
	if t != 0 {
		when := time.Unix(0, t).UTC()
		if w.p.first.IsZero() || when.Before(w.p.first) {
			w.p.first = when
		}
		if when.After(w.p.latest) {
			w.p.latest = when
		}
	}
	if (at-w.p.from)&accountEvery == 0 {
		w.sampled(rec)
	}
	item := -1
	if rec.Keyed {
		item = len(w.p.items)
		w.p.items = append(w.p.items, repeat.Item{Key: rec.Key, Content: rec.Content})
	}
	switch own := w.in.o.Own(rec.Format.Name, raw); {
	case own.Own:
		w.p.own++
		w.matcher.Pass(rec.Format.Name, rec.Doc, meta)
		return
	case own.Finding != nil:
		f := *own.Finding
		f.Source = w.p.source
		w.p.cases = append(w.p.cases, pieceCase{item, triage.Found{Finding: f, Event: bytes.Clone(raw), Generation: w.gen.Hash}})
	}
	defer func() {
		if p := recover(); p != nil {
			w.panicked(rec, raw, at, p)
		}
	}()
	if c, ok := Alert(rec, w.p.source); ok {
		if len(raw) <= maxEvent {
			c.Event = bytes.Clone(raw)
		}
		c.Generation = w.gen.Hash
		w.p.cases = append(w.p.cases, pieceCase{item, c})
		w.p.bytes += 2048 + int64(len(c.Event))
	}
	hits := w.matcher.Match(rec.Format.Name, rec.Doc, meta)
	if len(hits) == 0 {
		return
	}
	rec.Head(&w.event)
	w.event.Source, w.event.Seen = w.p.source, w.p.seen
	for _, h := range hits {
		if h.Finds {
			var ev []byte // shared by the findings of its entries
			if len(raw) <= maxEvent {
				ev = append(ev, raw...)
			}
			w.p.bytes += int64(len(ev))
			for f := range w.matcher.Findings(h, &w.event) {
				w.p.cases = append(w.p.cases, pieceCase{item, triage.Found{Finding: f, Event: ev, Generation: w.gen.Hash}})
				w.p.bytes += 2048
			}
		}
		if h.Feeds {
			if rows := w.gen.Engine.Rows(w.matcher.Base(h, &w.event)); rows != nil {
				w.p.bases = append(w.p.bases, pieceBase{item, rows})
				w.p.bytes += 512
			}
		}
	}
}

// accountEvery is the mask of the records that are asked for their account: all would cost
// as much as the rules, and who sends often is met soon.
const accountEvery = 0xf

// sampled notes the account of a record.
func (w *worker) sampled(rec *decode.Record) {
	rec.Head(&w.event)
	if w.p.accounts == nil {
		w.p.accounts = map[string]bool{}
	}
	if w.event.Account != "" && len(w.event.Account) <= maxAccount {
		w.p.accounts[w.event.Account] = true
	}
}

const maxAccount = 256

// maxEvent bounds the record that a policy can look into.
const maxEvent = 256 << 10

// panicked keeps a record that made a rule panic. Its other findings stand.
func (w *worker) panicked(rec *decode.Record, raw []byte, at int64, cause any) {
	w.matcher = w.gen.Engine.NewMatcher() // the old one is in no known state
	w.matcher.Begin()
	w.p.broken++
	d := w.letter(at, rec.Offset, rec.Format.Name, fmt.Sprintf("a rule panicked: %v", cause), raw)
	w.p.dead = append(w.p.dead, d)
	w.p.cases = append(w.p.cases, pieceCase{-1, triage.Found{Finding: panicFinding(&d), Generation: w.gen.Hash}})
}

// broken keeps what could not be decoded.
func (w *worker) broken(bad *decode.RecordError) {
	at := w.n
	n := int64(max(bad.Records, 1))
	w.n += n
	w.p.to = w.n
	if at < w.before.Judged {
		return
	}
	w.p.broken += n
	w.p.events += n
	d := w.letter(at, bad.Offset, "", bad.Reason, bad.Bytes)
	w.p.dead = append(w.p.dead, d)
	w.p.cases = append(w.p.cases, pieceCase{-1, triage.Found{Finding: brokenFinding(&d, n), Generation: w.gen.Hash}})
	w.p.bytes += int64(len(d.Bytes)) + 2048
}

// maxDead bounds the bytes of a dead letter.
const maxDead = 1 << 20

func (w *worker) letter(at, offset int64, format, reason string, raw []byte) yagura.DeadLetter {
	return yagura.DeadLetter{ID: letterID(w.p.source, w.p.object, at), Source: w.p.source, Object: w.p.object, Record: at, Offset: offset, Format: format,
		Reason: reason, Bytes: append([]byte(nil), raw[:min(len(raw), maxDead)]...), Size: int64(len(raw)), At: w.p.seen}
}

// keep puts a record into the batch that is kept.
func (w *worker) keep(rec *decode.Record, raw []byte, at, t int64) {
	p := w.p
	if cap(p.arena)-len(p.arena) < len(raw) {
		p.arena = make([]byte, 0, max(min(2*cap(p.arena), arenaMost), arenaFirst, len(raw))) // the full one stays with its records
	}
	from := len(p.arena)
	p.arena = append(p.arena, raw...)
	r := keep.Record{Raw: p.arena[from:len(p.arena):len(p.arena)], Key: rec.Key, Keyed: rec.Keyed}
	if w.in.o.Heads {
		if len(p.heads) == cap(p.heads) {
			p.heads = make([]yagura.Event, 0, min(headsAtOnce, 2*cap(p.heads)+16)) // the full ones stay with their records
		}
		p.heads = p.heads[:len(p.heads)+1]
		r.Event = &p.heads[len(p.heads)-1]
		rec.Head(r.Event)
	}
	if t != 0 {
		r.Time = time.Unix(0, t).UTC()
	}
	runs := p.keep.Runs
	if n := len(runs); n > 0 && runs[n-1].Format == rec.Format.Name && runs[n-1].First+int64(len(runs[n-1].Records)) == at {
		runs[n-1].Records = append(runs[n-1].Records, r)
		return
	}
	p.keep.Runs = append(runs, keep.Run{Format: rec.Format.Name, First: at, Records: []keep.Record{r}})
}

// headsAtOnce is for how many headers memory is taken at once.
const headsAtOnce = 256

// The memory for records that is taken at once: little at first, as most objects are small.
const (
	arenaFirst = 8 << 10
	arenaMost  = 256 << 10
)

// flush hands the piece to the keeper and to the committer.
func (w *worker) flush(ctx context.Context) { w.in.send(ctx, w.p) }

// send hands a piece to the keeper, and to the committer once there is room for it. Also at
// the end every piece goes through, so that nothing waits for it.
func (in *Intake) send(ctx context.Context, p *piece) {
	p.bytes += 1024
	if !p.message {
		b := p.keep
		b.Source, b.Object = p.source, p.object
		b.Done = func(ranges []yagura.KeptRange, err error) { in.note(keptNote{p, ranges, err}) }
		err := in.o.Keep.Put(ctx, &b)
		p.keep, p.arena, p.heads = keep.Batch{}, nil, nil
		if err != nil {
			p.unkept = err
		}
	}
	if err := in.room.take(ctx, p.bytes); err != nil {
		p.bytes = 0
	}
	select {
	case in.pieces <- p:
	case <-in.ended:
	}
}

// note tells the committer what was kept.
func (in *Intake) note(n keptNote) {
	select {
	case in.kept <- n:
	case <-in.ended: // nobody acknowledges any more
	}
}

// claim takes an object for a message. When it is at work for another already, the message
// waits for what comes of that, and claim returns false.
func (in *Intake) claim(source, id string, msg *message) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	k := source + "\x00" + id
	waiting, busy := in.byObj[k]
	if busy {
		in.byObj[k] = append(waiting, msg)
		return false
	}
	in.byObj[k] = nil
	return true
}

// release lets an object go, and tells the messages that waited for it what came of it.
func (in *Intake) release(ctx context.Context, source, id string, err error) {
	in.mu.Lock()
	k := source + "\x00" + id
	waiting := in.byObj[k]
	delete(in.byObj, k)
	in.mu.Unlock()
	for _, msg := range waiting {
		if err != nil {
			go in.fail(msg, err) //nolint:gosec // giving back may take its time, and is bounded
		} else {
			go in.done(ctx, msg)
		}
	}
}
