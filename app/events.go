package app

import (
	"context"
	"slices"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/source"
)

// FormatsIn reads logs and lists the formats of their records, sorted; those that were
// taken for no known log are not among them.
func FormatsIn(ctx context.Context, o DecodeOptions, sources ...source.Source) ([]string, *Summary, error) {
	decoder, err := decode.New(decode.Options{Formats: o.Formats})
	if err != nil {
		return nil, nil, err
	}
	r := &reading{o: o, decoder: decoder, flush: func() error { return nil }, each: func(source.Object, *decode.Record) error { return nil }}
	sum, err := r.run(ctx, sources)
	if err != nil {
		return nil, sum, err
	}
	formats := []string{}
	for f := range sum.Formats {
		if f != "json" {
			formats = append(formats, f)
		}
	}
	slices.Sort(formats)
	return formats, sum, nil
}

// Decode writes the event of every record of the sources to out, which it closes. It
// drops no repeats: what stands in the logs is printed. Cancelling ctx ends it. The
// error is about out; the summary is valid with it.
func Decode(ctx context.Context, out report.EventWriter, o DecodeOptions, sources ...source.Source) (*Summary, error) {
	decoder, err := decode.New(decode.Options{Formats: o.Formats})
	if err != nil {
		return nil, err
	}
	seen := o.Now().UTC()
	r := &reading{o: o, decoder: decoder, flush: out.Flush, each: func(obj source.Object, rec *decode.Record) error {
		e := rec.Event()
		e.Source, e.Seen = obj.Source, seen
		return out.Write(&e)
	}}
	sum, err := r.run(ctx, sources)
	if err != nil {
		return sum, err
	}
	return sum, out.Close()
}
