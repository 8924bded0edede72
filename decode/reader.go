package decode

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// The limits of a Reader. All of them bound memory, not the length of a log.
const (
	// DefaultMaxRecord is how long one record may be, in bytes, unless Options say otherwise.
	DefaultMaxRecord = 32 << 20
	// MaxEnvelopes is how many envelopes may lie in one another.
	MaxEnvelopes = 8
	// maxShown is how much of a broken record a RecordError carries.
	maxShown = 4 << 10
	// maxStreak is how many broken records in a row are reported one by one; the rest
	// of the row is counted and reported as one.
	maxStreak = 1000
)

// Decoder recognises records. It is immutable and safe for concurrent use; each
// Reader made from it is for one goroutine.
type Decoder struct {
	formats   []*Format // in order of recognition, generic last
	plans     []*plan   // plans[k] serves records of formats[k]
	maxRecord int
	want      func(format string, b *slot.Builder)
	detail    bool
	scratch   sync.Pool // of *scratch
}

// plan is what is read of a record that is thought to be of one format. It also
// holds the fields of every format before it, so that a record which two formats take
// is of the earlier one whatever came before it. The format asked first, CloudTrail,
// pays nothing for that.
type plan struct {
	*slot.Plan // made, as all of the plan, with the first Doc: most logs need two or three of the plans
	once       sync.Once
	ask        []int       // the formats to ask, in order, the plan's own last
	slots      [][]slot.ID // by format, nil for those after the own one
	envelopes  [][]slot.ID // by envelope; in the last plan only
	detail     []slot.ID   // of the own format
}

// newDoc returns a Doc of plan k.
func (d *Decoder) newDoc(k int) *slot.Doc {
	p := d.plans[k]
	p.once.Do(func() { d.prepare(p, k) })
	return p.NewDoc()
}

func (d *Decoder) prepare(p *plan, k int) {
	b := slot.NewBuilder()
	p.slots = make([][]slot.ID, len(d.formats))
	for j, f := range d.formats[:k+1] {
		fields := f.hot()
		if j == k {
			fields = f.Fields
		}
		p.slots[j] = slotsOf(b, fields)
		p.ask = append(p.ask, j)
	}
	if k == len(d.formats)-1 {
		for i := range envelopes {
			p.envelopes = append(p.envelopes, slotsOf(b, envelopes[i].Fields))
		}
	}
	if d.detail {
		p.detail = []slot.ID{}
		for i := range d.formats[k].Detail {
			p.detail = append(p.detail, b.Slot(d.formats[k].Detail[i].Field))
		}
	}
	if d.want != nil {
		d.want(d.formats[k].Name, b)
	}
	p.Plan = b.Plan()
}

// New returns a Decoder. It is an error to name a format twice.
func New(o Options) (*Decoder, error) {
	formats := o.Formats
	if formats == nil {
		formats = Formats()
	}
	d := &Decoder{maxRecord: o.MaxRecord, want: o.Want, detail: o.Detail}
	if d.maxRecord <= 0 {
		d.maxRecord = DefaultMaxRecord
	}
	seen := map[string]bool{generic.Name: true}
	for _, f := range formats {
		if f == generic {
			continue
		}
		if seen[f.Name] {
			return nil, fmt.Errorf("decode: format %s is given twice", f.Name)
		}
		seen[f.Name] = true
		d.formats = append(d.formats, f)
	}
	d.formats = append(d.formats, generic)
	for range d.formats {
		d.plans = append(d.plans, &plan{})
	}
	d.scratch.New = func() any { return newScratch(d) }
	return d, nil
}

func slotsOf(b *slot.Builder, fields []slot.Field) []slot.ID {
	ids := make([]slot.ID, len(fields))
	for i, f := range fields {
		ids[i] = b.Slot(f)
	}
	return ids
}

// hot returns the fields that tell whether a record is of the format.
func (f *Format) hot() []slot.Field {
	if f.Hot > 0 {
		return f.Fields[:f.Hot]
	}
	return f.Fields
}

// scratch is the memory of a Reader, which goes from one Reader to the next.
type scratch struct {
	docs   []*slot.Doc // by plan
	levels []*stream   // the stream of the file, and those of opened envelopes
	unpack unpacker
	words  words
	usage  usage
	also   []byte // a record with the members of Format.Also
}

func newScratch(d *Decoder) *scratch {
	return &scratch{docs: make([]*slot.Doc, len(d.plans))}
}

// Reader hands out the records of one file.
type Reader struct {
	d    *Decoder
	file string // the name as given
	*scratch
	depth int // of the level that is read

	rec     Record
	held    bool   // rec is still to be handed out
	looked  bool   // enter has read a member of a list into the Doc of the last plan
	streak  int    // broken records since the last good one
	muted   uint64 // of them, how many were not reported
	mutedAt int64
	err     error      // how the Reader ended
	after   lineReader // of the text that this one goes on, nil for none
	around  int64      // when the file was written; 0 when nobody knows

	read    atomic.Int64 // bytes of the file as given
	decoded atomic.Int64 // bytes after unpacking, of all layers
	records atomic.Uint64
	errors  atomic.Uint64
}

// NewReader reads records from r, the content of file. file is the name that
// records and errors carry; it decides nothing. Where r is also an io.ReaderAt and
// an io.Seeker, a zip archive is read in place.
func (d *Decoder) NewReader(r io.Reader, file string) *Reader {
	rd := &Reader{d: d, file: file, scratch: d.scratch.Get().(*scratch)}
	rd.unpack.start(rd, r, file)
	return rd
}

// Ask makes r ask before it holds more than a megabyte or so: long records, archives that
// cannot be read in place, great windows of zstd. ask is told how many bytes more that is
// than ever before, and may wait until there is room for them. What a Reader holds is given
// back when it has ended.
func (r *Reader) Ask(ask func(bytes int64)) { r.usage.ask = ask }

// Around tells r when the file was written, or received. Times that have no year, as in older
// syslog, are those nearest to it; without it such a record has no time.
func (r *Reader) Around(t time.Time) {
	if !t.IsZero() {
		r.around = t.UnixNano()
	}
}

// BytesRead returns how many bytes were read of the file as given. It may be called
// at any time by any goroutine.
func (r *Reader) BytesRead() int64 { return r.read.Load() }

// BytesDecoded returns how many bytes came out of the file's compression, all
// layers added up; it is 0 for a plain file. It may be called at any time.
func (r *Reader) BytesDecoded() int64 { return r.decoded.Load() }

// Records returns how many records were handed out.
func (r *Reader) Records() uint64 { return r.records.Load() }

// Errors returns how many broken records there were.
func (r *Reader) Errors() uint64 { return r.errors.Load() }

// Next returns the next record, valid until the next call. The error is a
// [*RecordError] for a broken record, after which Next can be called again; io.EOF
// at the end; and any other error when the underlying reader fails.
func (r *Reader) Next() (*Record, error) {
	if r.held {
		r.held = false
		r.records.Add(1)
		return &r.rec, nil
	}
	if r.err != nil {
		return nil, r.err
	}
	for {
		bad, err := r.step()
		switch {
		case err != nil:
			r.err = err
			r.release()
			if r.muted > 0 {
				return nil, r.unmute()
			}
			return nil, err
		case bad != nil:
			if r.streak++; r.streak > maxStreak {
				if r.muted == 0 {
					r.mutedAt = bad.Offset
				}
				r.muted++
				continue
			}
			r.errors.Add(1)
			return nil, bad
		}
		r.streak = 0
		if r.muted > 0 {
			r.held = true
			return nil, r.unmute()
		}
		r.records.Add(1)
		return &r.rec, nil
	}
}

// unmute reports the broken records that were only counted.
func (r *Reader) unmute() *RecordError {
	e := &RecordError{File: r.file, Offset: r.mutedAt, Records: r.muted,
		Reason: fmt.Sprintf("%d more broken records in a row", r.muted),
		Hint:   fmt.Sprintf("after %d in a row they are counted only", maxStreak)}
	r.errors.Add(r.muted)
	r.muted = 0
	return e
}

// release gives the memory back once nothing more is read.
func (r *Reader) release() {
	s := r.scratch
	s.unpack.close()
	for _, l := range s.levels {
		l.rest()
	}
	r.scratch, r.rec.Doc = nil, nil
	if s.usage.most == 0 { // else it refers to much that the next file does not need
		s.usage = usage{}
		r.d.scratch.Put(s)
	}
}

// Close gives back the memory of a Reader that was not read to its end. Records
// handed out are no longer valid.
func (r *Reader) Close() {
	if r.err == nil {
		r.err = io.EOF
		r.release()
	}
	r.held = false
}

// Event makes the event of a record: its header, and a copy of its bytes. Source
// and Seen are the caller's to fill.
func (r *Record) Event() yagura.Event {
	var e yagura.Event
	r.Head(&e)
	e.Raw = bytes.Clone(r.Raw())
	return e
}

// Head makes e the event of a record without its bytes, for whoever needs its header
// only. The memory of its details is used again.
func (r *Record) Head(e *yagura.Event) {
	more := e.Detail.More[:0]
	*e = yagura.Event{V: 1, Key: r.Key, Content: r.Content, Format: r.Format.Name, File: r.File, Offset: r.Offset, Outcome: yagura.OutcomeUnknown}
	r.Format.Header(r, e)
	if r.detail != nil {
		e.Detail.More = more
		r.details(e)
	}
}

// Error returns file, place and reason: "trail.json.gz: record 3 at byte 4711: …".
func (e *RecordError) Error() string {
	var s strings.Builder
	s.WriteString(e.File)
	if e.Num > 0 {
		fmt.Fprintf(&s, ": record %d at byte %d", e.Num, e.Offset)
	} else if e.Offset > 0 {
		fmt.Fprintf(&s, ": byte %d", e.Offset)
	}
	s.WriteString(": " + e.Reason)
	if e.Hint != "" {
		s.WriteString(" (hint: " + e.Hint + ")")
	}
	return s.String()
}

// placeKey keys a record that has no id of its own: by its file and its number there.
func placeKey(file string, num uint64) yagura.Key {
	var k keyer
	k.start("place")
	k.text(file)
	k.number(int64(num))
	return k.sum()
}
