package blobtest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
)

// Fault is what goes wrong with one request.
type Fault string

// The faults.
const (
	Throttle Fault = "throttle" // 429, nothing was done
	Busy     Fault = "busy"     // 503, nothing was done
	Lost     Fault = "lost"     // it was done, and the connection breaks in place of an answer
	Error    Fault = "error"    // it was done, and the answer is 500
	Hang     Fault = "hang"     // it was done, and no answer comes
	Cut      Fault = "cut"      // the answer ends after half of its body
	Flip     Fault = "flip"     // one bit of the body is another
	Whole    Fault = "whole"    // the answer to a part is the whole object
	Deny     Fault = "deny"     // 403
)

// Faults is a server that does to the next requests what it is told.
type Faults struct {
	Handler http.Handler

	mu       sync.Mutex
	next     []Fault
	only     func(*http.Request) bool
	requests int
}

// Next plans faults for the next requests, those for which only says true (nil: all).
func (f *Faults) Next(only func(*http.Request) bool, faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next, f.only = faults, only
}

// Left is how many faults have not happened yet.
func (f *Faults) Left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.next)
}

// Requests counts the requests so far.
func (f *Faults) Requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

func (f *Faults) take(r *http.Request) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	if len(f.next) == 0 || f.only != nil && !f.only(r) {
		return ""
	}
	one := f.next[0]
	f.next = f.next[1:]
	return one
}

// ServeHTTP answers, or does not.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := f.take(r)
	switch fault {
	case "":
		f.Handler.ServeHTTP(w, r)
		return
	case Throttle:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case Busy:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case Deny:
		w.WriteHeader(http.StatusForbidden)
		return
	case Whole:
		r.Header.Del("Range")
		r.Header.Del("X-Ms-Range")
	}
	rec := httptest.NewRecorder()
	f.Handler.ServeHTTP(rec, r)
	body := rec.Body.Bytes()
	switch fault {
	case Lost:
		breakOff(w)
		return
	case Error:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case Hang:
		<-r.Context().Done()
		return
	case Flip:
		if len(body) > 0 {
			body[len(body)/2] ^= 1
		}
	}
	maps.Copy(w.Header(), rec.Header())
	if r.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(rec.Code)
	if fault == Cut {
		_, _ = w.Write(body[:len(body)/2]) // the client notices what does not come
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		breakOff(w)
		return
	}
	_, _ = w.Write(body) // as above
}

func breakOff(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			_ = c.Close() // that is the fault
			return
		}
	}
	panic(http.ErrAbortHandler)
}
