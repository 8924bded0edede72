package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/yagura-sec/yagura/source"
)

// list yields the objects under the prefix, page by page. The next page is asked for by
// the token that the store gave, since not every store lists in the order of keys; or by
// a key where there is none, or where a page of old dates is to be followed by a jump.
func (b *Bucket) list(ctx context.Context) iter.Seq[listed] {
	return func(yield func(listed) bool) {
		token, after := "", ""
		for {
			page, err := b.page(ctx, b.prefix, token, after, "")
			if err != nil {
				if ctx.Err() == nil {
					yield(listed{err: source.Asked(b.name(b.prefix), explain(b.name(b.prefix), err))})
				}
				return
			}
			last := ""
			for _, c := range page.Contents {
				key, err := keyOf(page, aws.ToString(c.Key))
				if err != nil {
					if !yield(listed{err: &source.Error{Name: b.name(b.prefix), Err: err}}) {
						return
					}
					continue
				}
				if token == "" && after != "" && key <= after {
					yield(listed{err: b.stuck(after)}) // it would come for ever
					return
				}
				last = key
				if l, ok := b.object(key, &c); ok && !yield(l) {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			before, next := token+after, aws.ToString(page.NextContinuationToken)
			token, after = next, jump(last, b.options.Since)
			switch {
			case after > last:
				token = ""
			case next == "":
				after = last
			default:
				after = ""
			}
			if token+after == before || token+after == "" {
				yield(listed{err: b.stuck(last)})
				return
			}
		}
	}
}

// stuck is the error of a store that cannot be made to list what comes next.
func (b *Bucket) stuck(last string) error {
	return &source.Error{Name: b.name(b.prefix), Err: errors.New("the list does not go on after " + strconv.Quote(last))}
}

// page asks for one page of the list. Keys are asked for encoded, since XML cannot say
// every character.
func (b *Bucket) page(ctx context.Context, prefix, token, after, delimiter string) (*s3.ListObjectsV2Output, error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix, EncodingType: types.EncodingTypeUrl}
	if delimiter != "" {
		in.Delimiter = &delimiter
	}
	switch {
	case token != "":
		in.ContinuationToken = &token
	case after != "":
		in.StartAfter = &after
	}
	ctx, cancel := b.patience(ctx)
	defer cancel()
	b.counts.list()
	out, err := b.api().ListObjectsV2(ctx, in)
	if err != nil && b.follow(ctx, err) {
		b.counts.list()
		out, err = b.api().ListObjectsV2(ctx, in)
	}
	return out, err
}

// patience is a context for one request whose answer is short.
func (b *Bucket) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, b.options.Stall*time.Duration(b.options.MaxAttempts+1), errStalled)
}

// keyOf returns a key as it is; a store may not have encoded it.
func keyOf(page *s3.ListObjectsV2Output, key string) (string, error) {
	if page.EncodingType != types.EncodingTypeUrl {
		return key, nil
	}
	plain, err := url.QueryUnescape(key)
	if err != nil {
		return "", fmt.Errorf("the list names an object that cannot be read: %w", err)
	}
	return plain, nil
}

// object is what the list says of one; ok is false for what is passed over.
func (b *Bucket) object(key string, c *types.Object) (l listed, ok bool) {
	size, modified, etag := aws.ToInt64(c.Size), aws.ToTime(c.LastModified), aws.ToString(c.ETag)
	if strings.HasSuffix(key, "/") && size == 0 {
		return l, false // the marker of a folder
	}
	if !b.options.Since.IsZero() && modified.Before(b.options.Since) {
		return l, false
	}
	l = listed{key: key, etag: etag, object: source.Object{Source: "s3", Name: b.name(key), Size: size, Modified: modified, Tag: strings.Trim(etag, `"`), Whole: true}}
	l.object.Open = func(ctx context.Context) (io.ReadCloser, error) {
		return b.open(ctx, key, version{etag: etag}, size)
	}
	return l, true
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
