package app

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/source"
)

// DecodeOptions configure [Decode].
type DecodeOptions struct {
	Formats []*decode.Format // nil means all
	Problem func(error)
	Now     func() time.Time
}

// Decode writes the event of every record of the sources to out, which it closes. It
// drops no repeats: what stands in the logs is printed. Cancelling ctx ends it.
func Decode(ctx context.Context, out report.EventWriter, o DecodeOptions, sources ...source.Source) (*Summary, error) {
	decoder, err := decode.New(decode.Options{Formats: o.Formats})
	if err != nil {
		return nil, err
	}
	d := &decoding{o: o, decoder: decoder, out: out, sum: &Summary{Formats: map[string]uint64{}}}
	began := o.Now()
	d.seen = began.UTC()
	for _, src := range sources {
		for obj, err := range src.Objects(ctx) {
			if ctx.Err() != nil {
				break
			}
			if err == nil {
				err = d.object(ctx, obj)
			}
			if lost, ok := errors.AsType[*outputError](err); ok {
				return d.sum, lost.error
			}
			if err != nil {
				d.sum.Unreadable++
				o.Problem(err)
			}
		}
	}
	if more := d.sum.Unsupported - maxProblems; more > 0 {
		o.Problem(moreUnsupported(more))
	}
	d.sum.Elapsed = o.Now().Sub(began)
	d.sum.Interrupted = ctx.Err() != nil
	return d.sum, out.Close()
}

type decoding struct {
	o       DecodeOptions
	decoder *decode.Decoder
	out     report.EventWriter
	sum     *Summary
	seen    time.Time
}

// outputError is an error of what is written to, which ends the run.
type outputError struct{ error }

func (d *decoding) object(ctx context.Context, obj source.Object) error {
	body, err := obj.Open(ctx)
	if err != nil && ctx.Err() != nil {
		return nil // the run is ending: nothing is wrong with the object
	}
	if err != nil {
		return &Problem{obj.Name, err}
	}
	defer body.Close() //nolint:errcheck // it is only read
	d.sum.Objects++
	var in io.Reader = body
	if obj.Streaming {
		in = &flushFirst{body, d.out}
	}
	r := d.decoder.NewReader(in, obj.Name)
	defer func() {
		d.sum.BytesRead += r.BytesRead()
		d.sum.BytesLogs += max(r.BytesDecoded(), r.BytesRead())
		r.Close()
	}()
	var broken uint64
	say := func(bad *decode.RecordError) {
		n := max(bad.Records, 1)
		d.sum.Broken += n
		if broken += n; broken <= maxProblems {
			d.o.Problem(bad)
		}
	}
	var sieve sieve
	settle := func(file string) {
		bad, foreign := sieve.settle(file)
		if bad != nil {
			say(bad)
		}
		if foreign != nil {
			if d.sum.Unsupported++; d.sum.Unsupported <= maxProblems {
				d.o.Problem(foreign)
			}
		}
	}
	defer func() { settle("") }()
	for n := 0; ; n++ {
		if n&0xff == 0 && ctx.Err() != nil {
			return nil
		}
		rec, err := r.Next()
		var bad *decode.RecordError
		switch {
		case err == nil:
			settle(rec.File)
		case errors.As(err, &bad):
			settle(bad.File)
			if !sieve.holds(bad) {
				say(bad)
			}
			continue
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			if broken > maxProblems {
				d.o.Problem(&Problem{obj.Name, moreBroken(broken - maxProblems)})
			}
			return nil
		default:
			return &Problem{obj.Name, err}
		}
		d.sum.Events++
		d.sum.Formats[rec.Format.Name]++
		e := rec.Event()
		e.Source, e.Seen = obj.Source, d.seen
		if err := d.out.Write(&e); err != nil {
			return &outputError{err}
		}
	}
}

// flushFirst sends what was written before a read that may wait for a writer.
type flushFirst struct {
	io.Reader
	out report.EventWriter
}

// Read reads on.
func (f *flushFirst) Read(p []byte) (int, error) {
	if err := f.out.Flush(); err != nil {
		return 0, err
	}
	return f.Reader.Read(p)
}
