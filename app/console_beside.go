package app

import (
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Beside calls a handler in this process as a client calls a server, so that the command line
// speaks to a store that lies beside it as it does to a server.
func Beside(h http.Handler) http.RoundTripper { return beside{h} }

type beside struct{ h http.Handler }

// RoundTrip serves a request. The body of the answer comes as it is written.
func (b beside) RoundTrip(r *http.Request) (*http.Response, error) {
	// What a client leaves to its transport a server finds set.
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "", r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	body, out := io.Pipe()
	w := &answerWriter{head: http.Header{}, out: out, began: make(chan struct{})}
	failed := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				err := fmt.Errorf("the answer broke off: %v", p)
				select {
				case failed <- err:
				default:
				}
				out.CloseWithError(err) //nolint:errcheck // it returns nil
				return
			}
			w.WriteHeader(http.StatusOK)
			out.Close() //nolint:errcheck // it returns nil
		}()
		b.h.ServeHTTP(w, in)
	}()
	select {
	case <-w.began:
	case err := <-failed:
		return nil, err
	case <-r.Context().Done():
		body.CloseWithError(r.Context().Err()) //nolint:errcheck // it returns nil
		return nil, r.Context().Err()
	}
	return &http.Response{Status: http.StatusText(w.code), StatusCode: w.code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Body: body,
		ContentLength: -1, Request: r}, nil
}

// answerWriter hands an answer on.
type answerWriter struct {
	head  http.Header
	sent  http.Header
	code  int
	out   *io.PipeWriter
	once  sync.Once
	began chan struct{}
}

// Header returns the header that is about to be sent.
func (a *answerWriter) Header() http.Header { return a.head }

// WriteHeader sends the header.
func (a *answerWriter) WriteHeader(code int) {
	a.once.Do(func() {
		a.code, a.sent = code, a.head.Clone()
		close(a.began)
	})
}

// Write sends a part of the body.
func (a *answerWriter) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.out.Write(p)
}

// Flush does nothing: everything is handed on at once.
func (a *answerWriter) Flush() {}
