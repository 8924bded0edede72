package s3

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/yagura-sec/yagura/source"
)

// Options configure a source; the zero value takes everything from the environment.
type Options struct {
	Region   string
	Endpoint string // of another store than AWS's; its buckets are addressed by path
	// AccessKeyID and SecretAccessKey go before the credentials of the environment.
	AccessKeyID, SecretAccessKey, SessionToken string
	// Since passes over objects that were last written before it.
	Since time.Time
	// Ahead is how many objects are fetched before they are asked for (0: 8, negative: none).
	Ahead int
	// MaxAttempts bounds the tries of one request and of one place in a body (0: 6).
	MaxAttempts int
	// Stall is how long a store may say nothing (0: two minutes).
	Stall time.Duration
}

func (o Options) complete() Options {
	if o.Ahead == 0 {
		o.Ahead = 8
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 6
	}
	if o.Stall == 0 {
		o.Stall = 2 * time.Minute
	}
	return o
}

// aheadBytes bounds what is held in memory of an object that nobody reads yet.
const aheadBytes = 1 << 20

// Bucket is a [source.Source] of the objects under a prefix.
type Bucket struct {
	options        Options
	bucket, prefix string
	connect        func(region string) *s3.Client
	counts         *counts // nil where nobody counts

	mu     sync.Mutex
	client *s3.Client // of the region
	region string
}

var _ source.Source = (*Bucket)(nil)

// ParseURL splits s3://bucket/prefix. ok is false for anything that is not an s3 URL.
func ParseURL(text string) (bucket, prefix string, ok bool) {
	rest, ok := strings.CutPrefix(text, "s3://")
	if !ok {
		return "", "", false
	}
	bucket, prefix, _ = strings.Cut(rest, "/")
	return bucket, prefix, true
}

// New connects to the bucket of an s3://bucket/prefix URL and finds its region.
func New(ctx context.Context, address string, o Options) (*Bucket, error) {
	bucket, prefix, ok := ParseURL(address)
	if !ok || bucket == "" {
		return nil, &source.Error{Name: address, Err: errors.New("not an address of S3"), Hint: "write s3://bucket/prefix"}
	}
	o = o.complete()
	cfg, err := Config(ctx, o)
	if err != nil {
		if e := (*source.Error)(nil); errors.As(err, &e) {
			e.Name = address
			return nil, e
		}
		return nil, explain(address, err)
	}
	b := &Bucket{bucket: bucket, prefix: prefix, options: o, connect: connector(cfg), region: cfg.Region}
	b.client = b.connect(cfg.Region)
	if err := b.find(ctx); err != nil {
		return nil, explain(address, err)
	}
	return b, nil
}

// find asks for the bucket and follows it into its region.
func (b *Bucket) find(ctx context.Context) error {
	ctx, cancel := b.patience(ctx)
	defer cancel()
	_, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.bucket})
	if err == nil {
		return nil
	}
	if region := bucketRegion(err); region != "" && b.move(region) {
		return nil
	}
	// A role may list a prefix without being allowed to ask for the bucket: the
	// list itself will say.
	if status(err) == 403 {
		return nil
	}
	return err
}

// Objects lists the objects in key order.
func (b *Bucket) Objects(ctx context.Context) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) {
		var ahead []listed
		defer func() {
			for _, l := range ahead { // nobody will ask for these
				if l.fetch != nil {
					l.fetch.drop()
				}
			}
		}()
		any := false
		for l := range b.list(ctx) {
			any = true
			if l.err == nil && b.options.Ahead > 0 {
				l.fetch = b.startFetch(ctx, l.key, l.etag, l.object.Size)
				fetch, again := l.fetch, l.object.Open
				l.object.Open = func(ctx context.Context) (io.ReadCloser, error) {
					if fetch.taken.Swap(true) {
						return again(ctx)
					}
					return fetch.open()
				}
			}
			ahead = append(ahead, l)
			if len(ahead) <= b.options.Ahead {
				continue
			}
			head := ahead[0]
			ahead = ahead[1:]
			if !yield(head.object, head.err) {
				return
			}
		}
		for len(ahead) > 0 {
			head := ahead[0]
			ahead = ahead[1:]
			if !yield(head.object, head.err) {
				return
			}
		}
		if !any && ctx.Err() == nil {
			why := "there are no objects under this prefix"
			if !b.options.Since.IsZero() {
				why += " since " + b.options.Since.UTC().Format(time.RFC3339)
			}
			yield(source.Object{}, &source.Error{Name: b.name(b.prefix), Err: errors.New(why)})
		}
	}
}

func (b *Bucket) name(key string) string { return "s3://" + b.bucket + "/" + key }

type listed struct {
	object    source.Object
	key, etag string
	fetch     *fetch
	err       error
}
