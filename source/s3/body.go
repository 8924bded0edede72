package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/yagura-sec/yagura/source"
)

// body reads one version of one object and resumes where a connection broke.
type body struct {
	ctx    context.Context
	b      *Bucket
	key    string
	want   version
	size   int64 // as listed; negative until the first answer says it
	at     int64
	in     io.ReadCloser
	broken int    // tries at this place
	got    string // the ETag of the first answer
}

// version says which version of an object is wanted. By its ETag it is asked for first,
// because that needs no permission beyond s3:GetObject; by its id once another has taken
// its place.
type version struct {
	etag string // in quotes; "" where it is not known
	id   string // "" where the bucket keeps no versions
	byID bool
	// strict refuses another ETag than the wanted in the first answer, as that of a store
	// that does not know conditions.
	strict bool
}

func (b *Bucket) open(ctx context.Context, key string, want version, size int64) (io.ReadCloser, error) {
	r := &body{ctx: ctx, b: b, key: key, want: want, size: size}
	if err := r.get(); err != nil {
		return nil, explain(b.name(key), err)
	}
	return r, nil
}

func (r *body) get() error {
	in := &s3.GetObjectInput{Bucket: &r.b.bucket, Key: &r.key}
	switch {
	case r.want.byID:
		in.VersionId = &r.want.id
	case r.want.etag != "":
		in.IfMatch = &r.want.etag
	}
	if r.at > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", r.at))
	}
	r.b.counts.get()
	out, err := r.b.api().GetObject(r.ctx, in)
	switch {
	case err == nil:
	case r.b.follow(r.ctx, err):
		return r.get()
	case r.want.id != "" && !r.want.byID && errors.Is(explain("", err), source.ErrGone):
		r.want.byID = true // another version stands in its place, and this one is kept
		return r.get()
	default:
		return err
	}
	r.in = &watched{ReadCloser: out.Body, after: r.b.options.Stall}
	err = r.goOn(out)
	if err == nil {
		return nil
	}
	r.hangUp()
	if r.want.id != "" && !r.want.byID && errors.Is(err, source.ErrGone) {
		r.want.byID = true
		return r.get()
	}
	return err
}

// goOn brings the body of an answer to where the reading stands. A store may not know
// ranges, or versions: then what it sends is another part, or of another object.
func (r *body) goOn(out *s3.GetObjectOutput) error {
	etag := aws.ToString(out.ETag)
	if r.at == 0 {
		if r.got = etag; r.want.strict && !r.want.byID && etag != "" && strings.TrimPrefix(etag, "W/") != r.want.etag {
			return errReplaced
		}
		if r.size < 0 {
			r.size = aws.ToInt64(out.ContentLength)
		}
		return nil
	}
	if etag != r.got {
		return errReplaced
	}
	if out.ContentRange == nil {
		n, err := io.CopyN(io.Discard, r.in, r.at)
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("at byte %d of %d: %w", n, r.size, io.ErrUnexpectedEOF)
		}
		return err
	}
	if !strings.HasPrefix(*out.ContentRange, fmt.Sprintf("bytes %d-", r.at)) {
		return fmt.Errorf("the store sent other bytes than were asked for: %q from byte %d on", *out.ContentRange, r.at)
	}
	return nil
}

// errStalled is a request or a body of which nothing more came.
var errStalled = errors.New("the store did not answer")

// watched ends a read that takes too long.
type watched struct {
	io.ReadCloser
	after time.Duration
}

// Read reads on.
func (a *watched) Read(p []byte) (int, error) {
	late := time.AfterFunc(a.after, func() {
		_ = a.Close() // it ends the read
	})
	n, err := a.ReadCloser.Read(p)
	if !late.Stop() && err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w in %s", errStalled, a.after)
	}
	return n, err
}

// Read reads on. An error other than io.EOF has been tried again already.
func (r *body) Read(p []byte) (int, error) {
	for {
		if r.in == nil {
			if err := r.get(); err != nil {
				return 0, explain(r.b.name(r.key), err)
			}
		}
		n, err := r.in.Read(p)
		r.at += int64(n)
		if n > 0 {
			r.broken = 0
		}
		if errors.Is(err, io.EOF) && r.at < r.size {
			err = io.ErrUnexpectedEOF
		}
		if n > 0 && err != nil && !errors.Is(err, io.EOF) {
			// What arrived is handed on; the next Read goes on from there.
			r.hangUp()
			return n, nil
		}
		if err == nil || errors.Is(err, io.EOF) {
			return n, err
		}
		r.hangUp()
		if r.broken++; r.broken >= r.b.options.MaxAttempts || r.ctx.Err() != nil {
			return 0, explain(r.b.name(r.key), fmt.Errorf("at byte %d of %d: %w", r.at, r.size, err))
		}
		select {
		case <-time.After(min(100*time.Millisecond<<r.broken, 10*time.Second)):
		case <-r.ctx.Done():
			return 0, r.ctx.Err()
		}
	}
}

func (r *body) hangUp() {
	if r.in != nil {
		_ = r.in.Close() // the connection is broken or given up
		r.in = nil
	}
}

// Close ends the reading.
func (r *body) Close() error {
	r.hangUp()
	return nil
}

// fetch is an object whose first bytes are read before anybody asks for it.
type fetch struct {
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
	taken  atomic.Bool // it was opened: a second reader starts anew
	head   []byte
	rest   io.ReadCloser // nil when head is all
	err    error         // of the first request
	readTo error         // what ended reading ahead, when it was an error
}

func (b *Bucket) startFetch(ctx context.Context, key, etag string, size int64) *fetch {
	ctx, cancel := context.WithCancel(ctx)
	f := &fetch{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		r, err := b.open(ctx, key, version{etag: etag}, size)
		if err != nil {
			f.err = err
			return
		}
		f.rest = r
		f.head = make([]byte, max(0, min(size, aheadBytes)))
		n, err := io.ReadFull(r, f.head)
		f.head = f.head[:n]
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			f.readTo = err
		}
	}()
	return f
}

// open hands the object over to its reader.
func (f *fetch) open() (io.ReadCloser, error) {
	<-f.done
	if f.err != nil {
		f.drop()
		return nil, f.err
	}
	return &fetched{fetch: f}, nil
}

// drop gives an object up.
func (f *fetch) drop() {
	f.cancel()
	f.once.Do(func() {
		go func() {
			<-f.done
			if f.rest != nil {
				_ = f.rest.Close()
			}
		}()
	})
}

type fetched struct {
	*fetch
	at int
}

// Read returns what was read ahead, then reads on.
func (r *fetched) Read(p []byte) (int, error) {
	if r.at < len(r.head) {
		n := copy(p, r.head[r.at:])
		if r.at += n; r.at == len(r.head) {
			r.head, r.at = nil, 0
		}
		return n, nil
	}
	if r.readTo != nil {
		return 0, r.readTo
	}
	return r.rest.Read(p)
}

// Close ends the reading.
func (r *fetched) Close() error {
	r.drop()
	return nil
}
