package blob

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retry says how requests that failed in passing are made again.
type Retry struct {
	Attempts int           // of one request; 0: 6
	Base     time.Duration // the first pause is random and up to this long, each further one up to twice as long; 0: 200 ms
	Max      time.Duration // no pause is longer; 0: 20 s
	// Stall ends an attempt in which nothing moved for so long; 0: 30 s.
	Stall time.Duration
	// Sleep waits; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

func (r Retry) complete() Retry {
	r.Attempts = cmp.Or(r.Attempts, 6)
	r.Base = cmp.Or(r.Base, 200*time.Millisecond)
	r.Max = cmp.Or(r.Max, 20*time.Second)
	r.Stall = cmp.Or(r.Stall, 30*time.Second)
	if r.Sleep == nil {
		r.Sleep = func(ctx context.Context, d time.Duration) error {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-t.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return r
}

// pause is how long to wait before the attempt of this number (from 1), or as long as the
// store asks for.
func (r Retry) pause(attempt int, asked time.Duration) time.Duration {
	top := min(r.Base<<min(attempt-1, 20), r.Max)
	n, err := rand.Int(rand.Reader, big.NewInt(int64(top)+1))
	if err != nil {
		return top
	}
	return max(time.Duration(n.Int64()), min(asked, r.Max))
}

// backend makes one request each, without trying again. Keys are whole already.
type backend interface {
	put(ctx context.Context, key string, body io.ReadSeeker, size int64, w write) (Info, error)
	// get asks for a part from off on (n < 0: all behind it); with a version, of that one alone.
	get(ctx context.Context, key, version string, off, n int64) (io.ReadCloser, Info, error)
	stat(ctx context.Context, key string) (Info, error)
	list(ctx context.Context, prefix, after string, limit int) (Page, error)
	remove(ctx context.Context, key string) error
	name() string
}

// write is what a PUT carries beside its content.
type write struct {
	absent bool
	sum    [32]byte
	md5    [16]byte
	mark   string // of this write: who finds it in the object knows that it was this one
}

// The names of metadata: Azure allows no dash in them, and proxies drop headers with an _.
const (
	sumMeta  = "yagurasha256"
	markMeta = "yagurawrite"
)

// describe takes our metadata into an Info.
func describe(info *Info, meta func(name string) string) {
	if b, err := hex.DecodeString(meta(sumMeta)); err == nil && len(b) == len(info.Sum) {
		copy(info.Sum[:], b)
	}
	info.mark = meta(markMeta)
}

// statusError is an answer that is no success.
type statusError struct {
	status int
	code   string // the store's word for it
	text   string
	after  time.Duration // the pause that it asks for
	anew   bool          // a new token may be taken
}

// Error returns what the store said.
func (e *statusError) Error() string {
	s := strconv.Itoa(e.status) + " " + cmp.Or(e.code, http.StatusText(e.status))
	if e.text != "" {
		s += ": " + e.text
	}
	return s
}

// What a failed request means.
type outcome int

const (
	final   outcome = iota // it will fail again
	refused                // it was not done, and may be made again
	unclear                // it may have been done, and may be made again
	exists                 // the condition does not hold
)

func outcomeOf(err error) outcome {
	if s, ok := errors.AsType[*statusError](err); ok {
		switch s.status {
		case http.StatusUnauthorized:
			if s.anew {
				return refused
			}
			return final
		case http.StatusPreconditionFailed:
			return exists
		case http.StatusTooManyRequests:
			return refused
		case http.StatusConflict: // S3: another conditional write is under way
			if s.code == "ConditionalRequestConflict" || s.code == "OperationAborted" {
				return refused
			}
			return final
		case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return unclear
		}
		return final
	}
	if errors.Is(err, errLied) || errors.Is(err, errStalled) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return unclear
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return unclear
	}
	if errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "broken pipe") {
		return unclear
	}
	return final
}

var (
	errStalled = errors.New("nothing moved for too long")
	errLied    = errors.New("the answer is not what was asked for")
)

// remote is a store behind requests: it tries again, finds out, and verifies.
type remote struct {
	b      backend
	prefix string // "" or with a slash at its end
	retry  Retry
}

// String is where the store is.
func (r *remote) String() string { return strings.TrimSuffix(r.b.name()+"/"+r.prefix, "/") }

func (r *remote) fail(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	hint := ""
	if s, ok := errors.AsType[*statusError](err); ok {
		switch s.status {
		case http.StatusNotFound:
			err = fmt.Errorf("%w: %w", ErrNotFound, err)
			if s.code == "NoSuchBucket" || s.code == "ContainerNotFound" {
				err, hint = s, "the bucket or container does not exist: make it first"
			}
		case http.StatusPreconditionFailed:
			err = fmt.Errorf("%w: %w", ErrExists, err)
		case http.StatusUnauthorized, http.StatusForbidden:
			err, hint = fmt.Errorf("%w: %w", ErrDenied, err), denied(op)
		}
	}
	return &Error{Op: op, Name: r.String() + "/" + key, Err: err, Hint: hint}
}

func denied(op string) string {
	what := map[string]string{"put": "write", "get": "read", "read": "read", "stat": "read", "list": "list", "delete": "delete"}[op]
	return "the identity must be allowed to " + what + " objects here, see docs/lake-storage.md"
}

// again makes a request until it succeeds, fails for good, or the attempts are used up.
func (r *remote) again(ctx context.Context, do func(ctx context.Context) error) error {
	for n := 1; ; n++ {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return cmp.Or(err, ctx.Err())
		}
		if o := outcomeOf(err); n >= r.retry.Attempts || o != refused && o != unclear {
			return err
		}
		if err := r.wait(ctx, n, err); err != nil {
			return err
		}
	}
}

func (r *remote) wait(ctx context.Context, n int, err error) error {
	var asked time.Duration
	if s, ok := errors.AsType[*statusError](err); ok {
		asked = s.after
	}
	if werr := r.retry.Sleep(ctx, r.retry.pause(n, asked)); werr != nil {
		return errors.Join(werr, err)
	}
	return nil
}

// moving is a context that ends when nothing moved for too long.
type moving struct {
	ctx    context.Context //nolint:containedctx // it is the context of one attempt
	cancel context.CancelCauseFunc
	timer  *time.Timer
	after  time.Duration
}

func (r *remote) moving(ctx context.Context) *moving {
	c, cancel := context.WithCancelCause(ctx)
	m := &moving{ctx: c, cancel: cancel, after: r.retry.Stall}
	m.timer = time.AfterFunc(m.after, func() { cancel(errStalled) })
	return m
}

func (m *moving) moved() { m.timer.Reset(m.after) }

func (m *moving) end() {
	m.timer.Stop()
	m.cancel(nil)
}

// cause is the error of an attempt, named as what ended it.
func (m *moving) cause(err error) error {
	if err != nil && errors.Is(context.Cause(m.ctx), errStalled) {
		return fmt.Errorf("%w (%s)", errStalled, m.after)
	}
	return err
}

// movingReader tells that something moved.
type movingReader struct {
	io.Reader
	m *moving
}

// Read reads on.
func (r movingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.m.moved()
	}
	return n, err
}

// movingSection is the same for a content that is sent.
type movingSection struct {
	*io.SectionReader
	m *moving
}

// Read reads on.
func (s movingSection) Read(p []byte) (int, error) {
	s.m.moved()
	return s.SectionReader.Read(p)
}

// WriteTo is not offered: it would go past Read.
func (s movingSection) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{s})
}

// Put writes an object.
func (r *remote) Put(ctx context.Context, key string, content io.ReaderAt, size int64, o PutOptions) (Info, error) {
	info, err := r.put(ctx, key, content, size, o)
	return info, r.fail("put", key, err)
}

func (r *remote) put(ctx context.Context, key string, content io.ReaderAt, size int64, o PutOptions) (Info, error) {
	if err := checkPut(ctx, key, size); err != nil {
		return Info{}, err
	}
	w := write{absent: o.IfAbsent}
	var err error
	if w.sum, w.md5, err = sumsOf(content, size, o.Sum); err != nil {
		return Info{}, err
	}
	var random [16]byte
	rand.Read(random[:]) //nolint:errcheck // it never fails
	w.mark = hex.EncodeToString(random[:])
	doubt := false // an attempt may have been done
	for n := 1; ; n++ {
		m := r.moving(ctx)
		info, err := r.b.put(m.ctx, r.prefix+key, movingSection{io.NewSectionReader(content, 0, size), m}, size, w)
		err = m.cause(err)
		m.end()
		if err == nil {
			info.Key, info.Size, info.Sum = key, size, w.sum
			return info, nil
		}
		switch o := outcomeOf(err); {
		case ctx.Err() != nil:
			return r.settle(ctx, key, size, w, doubt || o != refused, ctx.Err())
		case o == exists && doubt:
			return r.settle(ctx, key, size, w, true, err)
		case o == exists || o == final:
			if doubt && o == final {
				return r.settle(ctx, key, size, w, true, err)
			}
			return Info{}, err
		case n >= r.retry.Attempts:
			return r.settle(ctx, key, size, w, doubt || o == unclear, err)
		default:
			doubt = doubt || o == unclear
		}
		if werr := r.wait(ctx, n, err); werr != nil {
			return r.settle(ctx, key, size, w, doubt, werr)
		}
	}
}

// settle ends a write that did not succeed: where it may have been done, the object tells.
// A caller that gave up meanwhile gets the time of one attempt for it.
func (r *remote) settle(ctx context.Context, key string, size int64, w write, doubt bool, err error) (Info, error) {
	if !doubt {
		return Info{}, err
	}
	look, cancel := ctx, func() {}
	if ctx.Err() != nil {
		look, cancel = context.WithTimeout(context.WithoutCancel(ctx), min(r.retry.Stall, 5*time.Second))
	}
	defer cancel()
	found, lookErr := r.Stat(look, key)
	switch {
	case errors.Is(lookErr, ErrNotFound):
		return Info{}, err
	case lookErr != nil:
		return Info{}, fmt.Errorf("%w: %w; then %w", ErrUnknown, err, lookErr)
	case found.mark == w.mark:
		return found, nil
	case found.mark == "" && found.Sum == [32]byte{}:
		// A store that drops metadata: the content decides.
		same, cmpErr := r.same(look, key, size, w.sum)
		if cmpErr != nil {
			return Info{}, fmt.Errorf("%w: %w; then %w", ErrUnknown, err, cmpErr)
		}
		if same {
			found.Sum = w.sum
			return found, nil
		}
	}
	if w.absent {
		return Info{}, fmt.Errorf("%w, written by somebody else (%w)", ErrExists, err)
	}
	return Info{}, err
}

func (r *remote) same(ctx context.Context, key string, size int64, sum [32]byte) (bool, error) {
	in, info, err := r.Get(ctx, key)
	if err != nil || info.Size != size {
		return false, err
	}
	defer in.Close() //nolint:errcheck // it was only read
	got, n, err := hashAll(in)
	return n == size && got == sum, err
}

// Get reads an object. A connection that breaks is taken up again where it broke, for the
// same version.
func (r *remote) Get(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	if err := errors.Join(CheckKey(key), ctx.Err()); err != nil {
		return nil, Info{}, r.fail("get", key, err)
	}
	b := &body{r: r, ctx: ctx, key: key}
	err := r.again(ctx, func(ctx context.Context) error { return b.connect(ctx) })
	if err != nil {
		return nil, Info{}, r.fail("get", key, err)
	}
	b.info.Key = key
	return verify(b, b.info, r.String()+"/"+key), b.info, nil
}

// body is the content of an object while it is read.
type body struct {
	r      *remote
	ctx    context.Context //nolint:containedctx // io.Reader has none
	key    string
	info   Info
	at     int64
	in     io.ReadCloser
	m      *moving
	broken int
}

func (b *body) connect(ctx context.Context) error {
	m := b.r.moving(ctx)
	n := int64(-1)
	in, info, err := b.r.b.get(m.ctx, b.r.prefix+b.key, b.info.Version, b.at, n)
	if err != nil {
		err = m.cause(err)
		m.end()
		return err
	}
	if b.at == 0 {
		b.info = info
	} else if info.Version != b.info.Version {
		_ = in.Close()
		m.end()
		return fmt.Errorf("%w: another version of the object", errLied)
	}
	b.in, b.m = in, m
	return nil
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	for {
		if b.in == nil {
			if err := b.r.again(b.ctx, b.connect); err != nil {
				return 0, err
			}
		}
		n, err := b.in.Read(p)
		if b.at += int64(n); n > 0 {
			b.broken = 0
			b.m.moved()
		}
		if errors.Is(err, io.EOF) && b.at < b.info.Size {
			err = io.ErrUnexpectedEOF
		}
		if err == nil || errors.Is(err, io.EOF) {
			return n, err
		}
		err = b.m.cause(err)
		b.hangUp()
		if b.broken++; b.broken >= b.r.retry.Attempts || b.ctx.Err() != nil || outcomeOf(err) == final {
			return n, cmp.Or(b.ctx.Err(), err)
		}
		if n > 0 {
			return n, nil
		}
		if werr := b.r.wait(b.ctx, b.broken, err); werr != nil {
			return 0, werr
		}
	}
}

func (b *body) hangUp() {
	if b.in != nil {
		_ = b.in.Close() // the connection is broken or given up
		b.m.end()
		b.in = nil
	}
}

// Close ends the reading.
func (b *body) Close() error {
	b.hangUp()
	return nil
}

// ReadRange reads a part of an object.
func (r *remote) ReadRange(ctx context.Context, key string, off int64, p []byte) error {
	err := errors.Join(CheckKey(key), ctx.Err())
	if err == nil && off < 0 {
		err = fmt.Errorf("offset %d", off)
	}
	if err != nil || len(p) == 0 {
		return r.fail("read", key, err)
	}
	return r.fail("read", key, r.again(ctx, func(ctx context.Context) error {
		m := r.moving(ctx)
		defer m.end()
		in, _, err := r.b.get(m.ctx, r.prefix+key, "", off, int64(len(p)))
		if err == nil {
			_, err = io.ReadFull(movingReader{in, m}, p)
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			_ = in.Close() // all that was wanted of it was read, or it broke
		}
		if s, ok := errors.AsType[*statusError](err); ok && s.status == http.StatusRequestedRangeNotSatisfiable {
			return &Error{Op: "read", Name: r.String() + "/" + key, Err: fmt.Errorf("byte %d: %w", off, io.ErrUnexpectedEOF)}
		}
		return m.cause(err)
	}))
}

// Stat describes an object.
func (r *remote) Stat(ctx context.Context, key string) (Info, error) {
	var info Info
	err := errors.Join(CheckKey(key), ctx.Err())
	if err == nil {
		err = r.again(ctx, func(ctx context.Context) (err error) {
			m := r.moving(ctx)
			defer m.end()
			info, err = r.b.stat(m.ctx, r.prefix+key)
			return m.cause(err)
		})
	}
	info.Key = key
	return info, r.fail("stat", key, err)
}

// List lists objects in the order of their keys. A store that gives keys outside of what
// was asked for, or out of order, is not believed.
func (r *remote) List(ctx context.Context, prefix, after string, limit int) (Page, error) {
	if err := errors.Join(checkPrefix(prefix), ctx.Err()); err != nil {
		return Page{}, r.fail("list", prefix, err)
	}
	if limit <= 0 || limit > maxList {
		limit = maxList
	}
	if after != "" {
		after = r.prefix + after
	}
	var page Page
	err := r.again(ctx, func(ctx context.Context) (err error) {
		m := r.moving(ctx)
		defer m.end()
		page, err = r.b.list(m.ctx, r.prefix+prefix, after, limit)
		return m.cause(err)
	})
	if err != nil {
		return Page{}, r.fail("list", prefix, err)
	}
	last, out := after, page.Objects[:0]
	for _, o := range page.Objects {
		if !strings.HasPrefix(o.Key, r.prefix+prefix) || o.Key <= last {
			return Page{}, r.fail("list", prefix, fmt.Errorf("%w: key %q behind %q", errLied, o.Key, last))
		}
		last = o.Key
		o.Key = o.Key[len(r.prefix):]
		if CheckKey(o.Key) == nil { // others' objects are none of ours
			out = append(out, o)
		}
	}
	if page.More && len(out) == 0 && last != after {
		return r.List(ctx, prefix, last[len(r.prefix):], limit)
	}
	page.Objects = out
	return page, nil
}

// Delete removes an object.
func (r *remote) Delete(ctx context.Context, key string) error {
	err := errors.Join(CheckKey(key), ctx.Err())
	if err == nil {
		err = r.again(ctx, func(ctx context.Context) error {
			m := r.moving(ctx)
			defer m.end()
			return m.cause(r.b.remove(m.ctx, r.prefix+key))
		})
	}
	if s, ok := errors.AsType[*statusError](err); ok && s.status == http.StatusNotFound && s.code != "NoSuchBucket" && s.code != "ContainerNotFound" {
		err = nil
	}
	return r.fail("delete", key, err)
}
