package app

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/file"
	"github.com/yagura-sec/yagura/source/s3"
)

// SourceOptions say how paths are read.
type SourceOptions struct {
	Stdin io.Reader
	Since time.Time
	S3    config.S3
}

// Sources makes the sources of paths, in their order: files, folders, "-" for standard
// input, s3://bucket/prefix. A bucket is connected to at once; one that cannot be
// reached is listed as an error.
func Sources(ctx context.Context, paths []string, o SourceOptions) []source.Source {
	var out []source.Source
	var files []string
	flush := func() {
		if files != nil {
			out = append(out, file.New(file.Options{Stdin: o.Stdin, Since: o.Since}, files...))
			files = nil
		}
	}
	for _, p := range paths {
		if _, _, ok := s3.ParseURL(p); !ok {
			files = append(files, p)
			continue
		}
		flush()
		b, err := s3.New(ctx, p, s3.Options{Region: o.S3.Region, Endpoint: o.S3.Endpoint, AccessKeyID: o.S3.AccessKeyID,
			SecretAccessKey: o.S3.SecretAccessKey.Reveal(), SessionToken: o.S3.SessionToken.Reveal(), Since: o.Since})
		if err != nil {
			out = append(out, unreachable{source.Asked(p, err)})
			continue
		}
		out = append(out, b)
	}
	flush()
	return out
}

// unreachable is a source that could not be connected to.
type unreachable struct{ err error }

// Objects lists the error.
func (u unreachable) Objects(context.Context) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) { yield(source.Object{}, u.err) }
}
