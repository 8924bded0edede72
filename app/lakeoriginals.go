package app

import (
	"context"
	"iter"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/source"
)

// Original is a file, and what was received with the same bytes.
type Original struct {
	Name     string
	Sum      string // SHA-256, hexadecimal
	Received []yagura.LakeObject
}

// originals is what knows the sums of what was received.
type originals interface {
	Originals(ctx context.Context, sum string) ([]yagura.LakeObject, error)
}

// Originals compares what sources list with what was received. An error is about one file, or
// ends the list where the catalogue cannot be asked.
func Originals(ctx context.Context, catalogue originals, sources ...source.Source) iter.Seq2[Original, error] {
	return func(yield func(Original, error) bool) {
		for _, src := range sources {
			for o, err := range src.Objects(ctx) {
				if ctx.Err() != nil {
					return
				}
				out := Original{Name: o.Name}
				if err == nil {
					out.Sum, err = sumOf(ctx, &o)
				}
				if err != nil {
					if !yield(out, err) {
						return
					}
					continue
				}
				if out.Received, err = catalogue.Originals(ctx, out.Sum); err != nil {
					yield(out, err)
					return
				}
				if !yield(out, nil) {
					return
				}
			}
		}
	}
}

func sumOf(ctx context.Context, o *source.Object) (string, error) {
	body, err := o.Open(ctx)
	if err != nil {
		return "", &Problem{o.Name, err}
	}
	defer body.Close() //nolint:errcheck // it is only read
	sum, err := source.NewSum(body).Text()
	if err != nil {
		return "", &Problem{o.Name, err}
	}
	return sum, nil
}
