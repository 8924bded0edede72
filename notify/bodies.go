package notify

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Bodies reads the bodies of webhooks. A signature can be judged only when the whole body is
// there, so until then it may be anybody's: it is bounded in bytes and in time, and so is
// what all of them that are under way take together.
type Bodies struct {
	most   int64
	within time.Duration
	room   atomic.Int64
}

const (
	// freeBody is what a body may take before it takes from the room of all: what is sent in
	// truth is seldom larger, so those who fill the room shut out few.
	freeBody = 32 << 10
	// bodyRoom is the room of all bodies of one handler.
	bodyRoom = 16 << 20
)

// NewBodies bounds each body to so many bytes, which must come within a time.
func NewBodies(most int64, within time.Duration) *Bodies {
	b := &Bodies{most: most, within: within}
	b.room.Store(max(bodyRoom, 2*most))
	return b
}

// Refusal is the answer to a request whose body is not taken.
type Refusal struct {
	Status int
	Reason string
}

// Read reads the body of a request, and moves the connection's read deadline meanwhile. The
// caller has the body until it calls done.
func (b *Bodies) Read(w http.ResponseWriter, r *http.Request) (body []byte, done func(), no *Refusal) {
	if e := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); e != "" && e != "identity" {
		return nil, nil, &Refusal{http.StatusUnsupportedMediaType, "a compressed body is not taken here"}
	}
	if r.ContentLength > b.most {
		return nil, nil, b.refuse(w, errBodyLarge)
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(b.within)) // a recorder in a test has no connection
	body, taken, err := b.fill(r.Body)
	if err != nil {
		b.room.Add(taken)
		return nil, nil, b.refuse(w, err)
	}
	// A deadline that stays would end the watch over the connection, and with it the
	// request's context.
	_ = control.SetReadDeadline(time.Time{})
	return body, func() { b.room.Add(taken) }, nil
}

var (
	errBodyLarge = errors.New("the body is too large")
	errBodyRoom  = errors.New("too much is being received at a time")
)

// fill takes room as bytes come, not as they are promised.
func (b *Bodies) fill(r io.Reader) (body []byte, taken int64, err error) {
	body = make([]byte, 0, 4<<10)
	for {
		if len(body) == cap(body) {
			size := min(2*int64(cap(body)), b.most+1)
			if need := size - freeBody - taken; need > 0 {
				if b.room.Add(-need) < 0 {
					b.room.Add(need)
					return nil, taken, errBodyRoom
				}
				taken += need
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if int64(len(body)) > b.most {
			return nil, taken, errBodyLarge
		}
		if err == io.EOF {
			return body, taken, nil
		}
		if err != nil {
			return nil, taken, err
		}
	}
}

// refuse sorts what went wrong. The connection has the rest of a body on it: it is not used
// again.
func (b *Bodies) refuse(w http.ResponseWriter, err error) *Refusal {
	w.Header().Set("Connection", "close")
	var timeout net.Error
	switch {
	case errors.Is(err, errBodyLarge):
		return &Refusal{http.StatusRequestEntityTooLarge, errBodyLarge.Error()}
	case errors.Is(err, errBodyRoom):
		w.Header().Set("Retry-After", "1")
		return &Refusal{http.StatusTooManyRequests, errBodyRoom.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &Refusal{http.StatusRequestTimeout, "the body came too slowly"}
	}
	return &Refusal{http.StatusBadRequest, "the body could not be read to its end"}
}
