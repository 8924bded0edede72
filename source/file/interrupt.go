package file

import (
	"context"
	"io"
)

// Interruptible reads r in a goroutine of its own, so that a Read that waits for a
// writer ends when ctx does. Closing it does not close r.
func Interruptible(ctx context.Context, r io.Reader) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	i := &interruptible{ctx: ctx, cancel: cancel, full: make(chan chunk), empty: make(chan []byte, chunks)}
	for range chunks {
		i.empty <- make([]byte, chunkSize)
	}
	go i.pump(r)
	return i
}

const (
	chunks    = 3
	chunkSize = 128 << 10
)

type chunk struct {
	data []byte
	err  error
}

type interruptible struct {
	ctx    context.Context
	cancel context.CancelFunc
	full   chan chunk
	empty  chan []byte
	now    chunk // what is being handed out
	at     int
}

func (i *interruptible) pump(r io.Reader) {
	for {
		var buf []byte
		select {
		case buf = <-i.empty:
		case <-i.ctx.Done():
			return
		}
		n, err := r.Read(buf[:chunkSize])
		select {
		case i.full <- chunk{buf[:n], err}:
		case <-i.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// Read returns what has arrived. After ctx has ended it returns the context's error.
func (i *interruptible) Read(p []byte) (int, error) {
	for i.at == len(i.now.data) {
		if i.now.err != nil {
			return 0, i.now.err
		}
		if i.now.data != nil {
			i.empty <- i.now.data
		}
		select {
		case i.now = <-i.full:
			i.at = 0
		case <-i.ctx.Done():
			i.now, i.at = chunk{err: i.ctx.Err()}, 0
		}
	}
	n := copy(p, i.now.data[i.at:])
	i.at += n
	return n, nil
}

// Close ends the reading goroutine after its current read.
func (i *interruptible) Close() error {
	i.cancel()
	return nil
}
