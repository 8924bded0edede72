package s3

import (
	"context"
	"io"
	"iter"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/yagura-sec/yagura/source"
)

// list yields the objects under the prefix, page by page. Pages are asked for by the
// last key (start-after), so that a page of old dates can be followed by a jump.
func (b *Bucket) list(ctx context.Context) iter.Seq[listed] {
	return func(yield func(listed) bool) {
		after := ""
		for {
			in := &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &b.prefix}
			if after != "" {
				in.StartAfter = &after
			}
			page, err := b.client.ListObjectsV2(ctx, in)
			if err != nil {
				if ctx.Err() == nil {
					yield(listed{err: explain(b.name(b.prefix), err)})
				}
				return
			}
			last := ""
			for _, c := range page.Contents {
				last = aws.ToString(c.Key)
				modified := aws.ToTime(c.LastModified)
				if strings.HasSuffix(last, "/") && aws.ToInt64(c.Size) == 0 {
					continue // the marker of a folder
				}
				if !b.options.Since.IsZero() && modified.Before(b.options.Since) {
					continue
				}
				l := listed{key: last, etag: aws.ToString(c.ETag), object: source.Object{Source: "s3",
					Name: b.name(last), Size: aws.ToInt64(c.Size), Modified: modified}}
				key, etag, size := l.key, l.etag, l.object.Size
				l.object.Open = func(ctx context.Context) (io.ReadCloser, error) {
					return b.open(ctx, key, etag, size)
				}
				if !yield(l) {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) || last == "" {
				return
			}
			after = max(last, jump(last, b.options.Since))
		}
	}
}

var dated = regexp.MustCompile(`^(.*/)(\d{4}/\d{2}/\d{2})/`)

// jump returns the key to go on after when a key carries its day and that day lies
// before since: the first day that can hold something newer. The day before since is
// still listed, because a file stands under the day on which it was begun.
func jump(key string, since time.Time) string {
	if since.IsZero() {
		return ""
	}
	m := dated.FindStringSubmatch(key)
	if m == nil {
		return ""
	}
	day, err := time.Parse("2006/01/02", m[2])
	first := since.UTC().Add(-24 * time.Hour).Truncate(24 * time.Hour)
	if err != nil || !day.Before(first) {
		return ""
	}
	return m[1] + first.Format("2006/01/02") + "/"
}
