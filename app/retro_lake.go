package app

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/rule"
)

// LakePieces lists the files of a lake that hold events of some formats (none: all) in a
// stretch of event time. Files of records that do not say their time are among them.
func LakePieces(ctx context.Context, cat lake.Catalogue, reader *lake.Reader, formats []string, from, to time.Time) ([]PastPiece, error) {
	files, err := cat.Files(ctx, lake.Filter{Formats: formats, From: from, To: to})
	if err != nil {
		return nil, err
	}
	if !from.IsZero() || !to.IsZero() {
		timeless, err := cat.Files(ctx, lake.Filter{Formats: formats, Day: lake.Unknown})
		if err != nil {
			return nil, err
		}
		for _, f := range timeless {
			if !slices.ContainsFunc(files, func(x lake.File) bool { return x.Number == f.Number }) {
				files = append(files, f)
			}
		}
	}
	pieces := make([]PastPiece, len(files))
	for i, f := range files {
		pieces[i] = PastPiece{Name: f.Raw, Bytes: f.RawBytes, Records: func(ctx context.Context) iter.Seq2[*keep.Entry, error] {
			return func(yield func(*keep.Entry, error) bool) {
				for e, err := range reader.Records(ctx, f) {
					if err != nil {
						yield(nil, err)
						return
					}
					if !yield(&e.Entry, nil) {
						return
					}
				}
			}
		}}
	}
	return pieces, nil
}

// RuleFormats lists the formats that some rules judge; nil means all.
func RuleFormats(rules []*rule.Rule) []string {
	var out []string
	for _, r := range rules {
		if r.Correlation != nil {
			continue
		}
		if r.Formats == nil {
			return nil
		}
		for _, f := range r.Formats {
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	slices.Sort(out)
	return out
}
