package app

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/source"
)

// DecodeOptions say how logs are read where nothing judges them.
type DecodeOptions struct {
	Formats []*decode.Format // nil means all
	// Problem is told of what went wrong without ending the run; the summary counts it too.
	Problem func(error)
	Now     func() time.Time
}

// reading reads the records of sources one after the other, for what needs no workers.
// What cannot be read is said and counted as a [Scan] says and counts it.
type reading struct {
	o       DecodeOptions
	decoder *decode.Decoder
	sum     *Summary
	// each takes a record of an object. An error ends the reading.
	each func(obj source.Object, rec *decode.Record) error
	// flush is called before a read that may wait for a writer; nil does nothing.
	flush func() error
}

// run reads everything that the sources list. The error is that of each; cancelling ctx
// ends the reading without one.
func (r *reading) run(ctx context.Context, sources []source.Source) (*Summary, error) {
	r.sum = &Summary{Formats: map[string]uint64{}}
	began := r.o.Now()
	err := r.sources(ctx, sources)
	if more := r.sum.Unsupported - maxProblems; more > 0 {
		r.o.Problem(moreUnsupported(more))
	}
	r.sum.Elapsed = r.o.Now().Sub(began)
	r.sum.Interrupted = ctx.Err() != nil
	return r.sum, err
}

func (r *reading) sources(ctx context.Context, sources []source.Source) error {
	for _, src := range sources {
		for obj, err := range src.Objects(ctx) {
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				r.unreadable(err)
			default:
				if err := r.object(ctx, obj); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *reading) unreadable(err error) {
	r.sum.unreadable(err)
	r.o.Problem(err)
}

func (r *reading) object(ctx context.Context, obj source.Object) error {
	body, err := obj.Open(ctx)
	if err != nil {
		if ctx.Err() == nil { // else the run is ending, and nothing is wrong with the object
			r.unreadable(&Problem{obj.Name, err})
		}
		return nil
	}
	defer body.Close() //nolint:errcheck // it is only read
	r.sum.Objects++
	var in io.Reader = body
	if obj.Streaming && r.flush != nil {
		in = &flushFirst{body, r.flush}
	}
	records := r.decoder.NewReader(in, obj.Name)
	records.Around(written(&obj, r.o.Now))
	faults := faults{r: r}
	defer func() {
		faults.end(obj.Name)
		r.sum.BytesRead += records.BytesRead()
		r.sum.BytesLogs += max(records.BytesDecoded(), records.BytesRead())
		records.Close()
	}()
	for n := 0; ; n++ {
		if n&0xff == 0 && ctx.Err() != nil {
			return nil
		}
		rec, err := records.Next()
		var bad *decode.RecordError
		switch {
		case err == nil:
			faults.settle(rec.File)
		case errors.As(err, &bad):
			faults.add(bad)
			continue
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return nil
		default:
			r.unreadable(&Problem{obj.Name, err})
			return nil
		}
		r.sum.Events++
		r.sum.Formats[rec.Format.Name]++
		if err := r.each(obj, rec); err != nil {
			return err
		}
	}
}

// written says about when an object was written: at its last change, or now where nobody says.
func written(o *source.Object, now func() time.Time) time.Time {
	if o.Modified.IsZero() {
		return now()
	}
	return o.Modified
}

// faults are the broken records of one object, and the files in it that are no logs.
type faults struct {
	r      *reading
	sieve  sieve
	broken uint64
}

// add takes a broken record in.
func (f *faults) add(bad *decode.RecordError) {
	f.settle(bad.File)
	if !f.sieve.holds(bad) {
		f.say(bad)
	}
}

// settle says what the broken record that is held back was; file is where the next
// record is from.
func (f *faults) settle(file string) {
	bad, foreign := f.sieve.settle(file)
	if bad != nil {
		f.say(bad)
	}
	if foreign != nil {
		if f.r.sum.Unsupported++; f.r.sum.Unsupported <= maxProblems {
			f.r.o.Problem(foreign)
		}
	}
}

func (f *faults) say(bad *decode.RecordError) {
	n := max(bad.Records, 1)
	f.r.sum.Broken += n
	if f.broken += n; f.broken <= maxProblems {
		f.r.o.Problem(bad)
	}
}

// end says what could only be said once the whole object was read.
func (f *faults) end(object string) {
	f.settle("")
	if f.broken > maxProblems {
		f.r.o.Problem(&Problem{object, moreBroken(f.broken - maxProblems)})
	}
}

// flushFirst sends what was written before a read that may wait for a writer.
type flushFirst struct {
	io.Reader
	flush func() error
}

// Read reads on.
func (f *flushFirst) Read(p []byte) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.Reader.Read(p)
}
