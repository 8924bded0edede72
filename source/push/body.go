package push

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// Limits bound what one request may cost. The zero value is the defaults.
type Limits struct {
	// Body is the most bytes of a body as it is sent; 0: 10 MB.
	Body int64
	// Unpacked is the most bytes of a body that was compressed; 0: 32 MB.
	Unpacked int64
	// Ratio is how many bytes one compressed byte may become, once there are 4 MB of them;
	// 0: 200. Logs reach 10 to 50.
	Ratio int64
	// Within is how long a body may take; 0: 30 s. Idle is how long nothing may come; 0:
	// 10 s. Both need a server that can set deadlines.
	Within, Idle time.Duration
	// Concurrent is the most requests under way at a time; 0: 256.
	Concurrent int
}

func (l *Limits) defaults() error {
	if l.Body < 0 || l.Unpacked < 0 || l.Ratio < 0 || l.Within < 0 || l.Idle < 0 || l.Concurrent < 0 {
		return errors.New("limits: a limit is negative")
	}
	set := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	set(&l.Body, 10<<20)
	set(&l.Unpacked, max(32<<20, l.Body))
	set(&l.Ratio, 200)
	set((*int64)(&l.Within), int64(30*time.Second))
	set((*int64)(&l.Idle), int64(10*time.Second))
	if l.Concurrent == 0 {
		l.Concurrent = 256
	}
	if most := int64(MaxEntry - 4096); l.Body > most || l.Unpacked > most {
		return fmt.Errorf("limits: a body may have at most %d bytes", most)
	}
	return nil
}

// Memory bounds what the bodies that are being received take, over all endpoints that
// share it, and how many are unpacked at a time. See [NewMemory].
type Memory struct {
	free                 atomic.Int64
	chunks, gzips, zstds sync.Pool     // what was used and can be used again
	unpacking            chan struct{} // how many bodies at a time: each has windows of its own
}

// NewMemory returns a bound of so many bytes; 0: 64 MB.
func NewMemory(bytes int64) *Memory {
	m := &Memory{unpacking: make(chan struct{}, 8)}
	if bytes == 0 {
		bytes = 64 << 20
	}
	m.free.Store(bytes)
	return m
}

func (m *Memory) take(n int64) bool {
	if m.free.Add(-n) < 0 {
		m.free.Add(n)
		return false
	}
	return true
}

// refusal is an answer other than 200. reason is told to the sender and must not say
// anything that only we know.
type refusal struct {
	status int
	reason string
	retry  int   // Retry-After in seconds; 0: none
	cause  error // for our own log
}

func (r *refusal) Error() string {
	if r.cause != nil {
		return r.reason + ": " + r.cause.Error()
	}
	return r.reason
}

func (r *refusal) Unwrap() error { return r.cause }

func refuse(status int, format string, a ...any) *refusal {
	return &refusal{status: status, reason: fmt.Sprintf(format, a...)}
}

var (
	errTooLarge = errors.New("too large")
	errBomb     = errors.New("unpacks to far more than it is")
	errMemory   = errors.New("too many bodies at a time")
)

// buffer is a body in memory. It is read into chunks that are used again and again, so
// that what is refused leaves nothing behind, and made one piece at its end.
type buffer struct {
	b      []byte
	chunks []*chunk
	taken  int64
	memory *Memory
}

const chunkBytes = 32 << 10

type chunk [chunkBytes]byte

func (m *Memory) chunk() *chunk {
	if c, ok := m.chunks.Get().(*chunk); ok {
		return c
	}
	return new(chunk)
}

// free gives the memory back; nobody may use b any more.
func (f *buffer) free() {
	f.memory.free.Add(f.taken)
	f.letChunks()
	f.b, f.taken = nil, 0
}

func (f *buffer) letChunks() {
	for _, c := range f.chunks {
		f.memory.chunks.Put(c)
	}
	f.chunks = nil
}

// fill reads r to its end, at most limit bytes. Memory is taken as bytes come, not as
// they are promised; the first chunk is free. check, if it is set, sees the length after
// each read.
func (f *buffer) fill(r io.Reader, limit int64, check func(n int64) error) error {
	var n int64
	for at := chunkBytes; ; {
		if at == chunkBytes {
			if len(f.chunks) > 0 {
				if !f.memory.take(chunkBytes) {
					return errMemory
				}
				f.taken += chunkBytes
			}
			f.chunks = append(f.chunks, f.memory.chunk())
			at = 0
		}
		got, err := r.Read(f.chunks[len(f.chunks)-1][at:])
		at += got
		if n += int64(got); n > limit {
			return errTooLarge
		}
		if check != nil && got > 0 {
			if err := check(n); err != nil {
				return err
			}
		}
		if err == io.EOF {
			f.join(int(n))
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// join makes one piece of the chunks.
func (f *buffer) join(n int) {
	if len(f.chunks) == 1 {
		f.b = f.chunks[0][:n:n]
		return
	}
	b := make([]byte, 0, n)
	for _, c := range f.chunks {
		b = append(b, c[:min(chunkBytes, n-len(b))]...)
	}
	f.letChunks()
	f.b = b
}

// deadlined moves the read deadline of the connection along, so that a sender that
// trickles is cut off.
type deadlined struct {
	io.Reader
	control *http.ResponseController
	end     time.Time
	idle    time.Duration
}

// Read reads on.
func (d *deadlined) Read(p []byte) (int, error) {
	if d.control != nil {
		now := time.Now() // a deadline is of the operating system's clock
		at := now.Add(d.idle)
		if at.After(d.end) {
			at = d.end
		}
		if err := d.control.SetReadDeadline(at); err != nil {
			d.control = nil // a recorder in a test has no connection
		} else if !now.Before(d.end) {
			return 0, os.ErrDeadlineExceeded
		}
	}
	return d.Reader.Read(p)
}

// received is a body as it was sent and as it reads.
type received struct {
	sent, plain *buffer // the same one when it was not compressed
}

func (r *received) free() {
	if r.plain != r.sent {
		r.plain.free()
	}
	r.sent.free()
}

// readBody reads and unpacks the body of a request; known says that its sender is known.
func (e *Endpoint) readBody(w http.ResponseWriter, r *http.Request, known bool) (*received, *refusal) {
	l := &e.common.Limits
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	switch encoding {
	case "", "identity", "gzip", "x-gzip", "deflate", "zstd":
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Encoding %.40q is not known (hint: gzip, zstd or deflate, one of them)", encoding)
	}
	if r.ContentLength > l.Body {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body has %d bytes, at most %d are taken (hint: send it in parts)", r.ContentLength, l.Body)
	}
	if r.ContentLength == 0 && r.Header.Get("Content-Length") == "" && len(r.TransferEncoding) == 0 && r.ProtoMajor == 1 {
		return nil, refuse(http.StatusLengthRequired, "the request has neither Content-Length nor chunks")
	}
	in := &deadlined{Reader: r.Body, control: http.NewResponseController(w), end: time.Now().Add(l.Within), idle: l.Idle}
	memory := e.common.Memory
	if !known {
		memory = e.common.Strangers
	}
	sent := &buffer{memory: memory}
	err := sent.fill(in, l.Body, nil)
	if in.control != nil {
		// A deadline that stays would end the watch over the connection, and with it the
		// request's context.
		_ = in.control.SetReadDeadline(time.Time{})
	}
	if err != nil {
		sent.free()
		return nil, e.bodyRefusal(err, l.Body)
	}
	body := &received{sent: sent, plain: sent}
	unpack := memory.unpacker(encoding, sent.b)
	if unpack == nil {
		return body, nil
	}
	body.plain = &buffer{memory: memory}
	packed := bytes.NewReader(sent.b)
	memory.unpacking <- struct{}{} // what is unpacked is here already, so this wait is short
	defer func() { <-memory.unpacking }()
	err = unpack(packed, func(src io.Reader) error {
		return body.plain.fill(src, l.Unpacked, func(n int64) error {
			if n > 4<<20 && n > l.Ratio*(packed.Size()-int64(packed.Len())) {
				return errBomb
			}
			return nil
		})
	})
	if err == nil {
		return body, nil
	}
	body.free()
	if errors.Is(err, errTooLarge) || errors.Is(err, errBomb) || errors.Is(err, errMemory) {
		return nil, e.bodyRefusal(err, l.Unpacked)
	}
	return nil, refuse(http.StatusBadRequest, "the body cannot be unpacked: %v", err)
}

func (e *Endpoint) bodyRefusal(err error, limit int64) *refusal {
	var timeout net.Error
	switch {
	case errors.Is(err, errTooLarge):
		return refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes (hint: send it in parts)", limit)
	case errors.Is(err, errBomb):
		return refuse(http.StatusRequestEntityTooLarge, "the body unpacks to more than %d times its size", e.common.Limits.Ratio)
	case errors.Is(err, errMemory):
		return &refusal{status: http.StatusTooManyRequests, reason: "too much is being received at a time", retry: 1}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return refuse(http.StatusRequestTimeout, "the body came too slowly")
	}
	return &refusal{status: http.StatusBadRequest, reason: "the body could not be read to its end", cause: err}
}

// unpacker returns how a body is opened, by what it says of itself or else by its
// first bytes: a body that is gzip and does not say so is held to the same limits.
func (m *Memory) unpacker(encoding string, b []byte) func(*bytes.Reader, func(io.Reader) error) error {
	switch {
	case encoding == "gzip", encoding == "x-gzip", len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b:
		return m.ungzip
	case encoding == "zstd", bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return m.unzstd
	case encoding == "deflate":
		return inflate
	}
	return nil
}

func (m *Memory) ungzip(b *bytes.Reader, use func(io.Reader) error) error {
	z, _ := m.gzips.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer m.gzips.Put(z)
	if err := z.Reset(b); err != nil {
		return err
	}
	return use(z)
}

// maxWindow bounds what a zstd frame may ask for before it has said anything.
const maxWindow = 8 << 20

func (m *Memory) unzstd(b *bytes.Reader, use func(io.Reader) error) error {
	z, _ := m.zstds.Get().(*zstd.Decoder)
	if z == nil {
		var err error
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
	}
	defer func() {
		_ = z.Reset(nil)
		m.zstds.Put(z)
	}()
	if err := z.Reset(b); err != nil {
		return err
	}
	return use(z)
}

// inflate opens what calls itself deflate: zlib as the standard says, or the bare
// stream that many send.
func inflate(b *bytes.Reader, use func(io.Reader) error) error {
	if z, err := zlib.NewReader(b); err == nil {
		defer z.Close() //nolint:errcheck // it is only read
		return use(z)
	}
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		return err
	}
	z := flate.NewReader(b)
	defer z.Close() //nolint:errcheck // it is only read
	return use(z)
}
