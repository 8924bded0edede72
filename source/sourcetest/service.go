package sourcetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Time is what a fake takes for the time: a [Clock], or [Wall].
type Time interface {
	Now() time.Time
	Wake(at time.Time) <-chan time.Time
}

// Wall is the real time.
type Wall struct{}

// Now is the time of the machine.
func (Wall) Now() time.Time { return time.Now() }

// Wake waits by the time of the machine.
func (Wall) Wake(at time.Time) <-chan time.Time { return time.After(time.Until(at)) }

// service is what the fakes have in common: a server on loopback that takes signed requests.
type service struct {
	*httptest.Server
	scope string // in the signature: "sqs", "sts", …
	time  Time

	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request, action string) bool
	calls  map[string]int
	keys   func(accessKeyID, action string) bool
}

func (s *service) serve(t testing.TB, scope string, clock Time, answer func(w http.ResponseWriter, r *http.Request, body []byte)) {
	s.scope, s.time, s.calls = scope, clock, map[string]int{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2<<20))
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r, body)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
}

// Before sets what sees each request first and answers it in the fake's place when it
// returns true.
func (s *service) Before(before func(w http.ResponseWriter, r *http.Request, action string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
}

// Allow sets who may do what; without it every key may do everything.
func (s *service) Allow(keys func(accessKeyID, action string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

// Calls is how often an action was asked for.
func (s *service) Calls(action string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[action]
}

var errUnsigned = errors.New("the request is not signed for this service")

// admit counts a request and says whether the fake is to answer it, and whether it may.
func (s *service) admit(w http.ResponseWriter, r *http.Request, action string) (answered bool, err error) {
	s.mu.Lock()
	before, keys := s.before, s.keys
	s.calls[action]++
	s.mu.Unlock()
	if before != nil && before(w, r, action) {
		return true, nil
	}
	key, ok := accessKey(r, s.scope)
	switch {
	case !ok:
		return false, errUnsigned
	case keys != nil && !keys(key, action):
		return false, fmt.Errorf("%s is not authorized to perform %s", key, action)
	}
	return false, nil
}

// accessKey reads who signed a request for a service.
func accessKey(r *http.Request, scope string) (string, bool) {
	_, credential, ok := strings.Cut(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=")
	if !ok {
		return "", false
	}
	credential, _, _ = strings.Cut(credential, ",")
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[0] == "" || parts[2] == "" || parts[3] != scope || parts[4] != "aws4_request" {
		return "", false
	}
	return parts[0], true
}

// AccessKey is the access key id that signed a request for an AWS service.
func AccessKey(r *http.Request, service string) string {
	key, _ := accessKey(r, service)
	return key
}

// fault is an error as the services of the JSON protocol say it.
type fault struct {
	code, query, message string
}

// Error returns the code and the message.
func (f *fault) Error() string { return f.code + ": " + f.message }

func faultf(code, format string, args ...any) *fault {
	return &fault{code: code, message: fmt.Sprintf(format, args...)}
}

func (f *fault) write(w http.ResponseWriter, namespace string) {
	if f.query != "" {
		w.Header().Set("X-Amzn-Query-Error", f.query+";Sender")
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": namespace + f.code, "message": f.message}) // the client may be gone
}

// strict reads a request and refuses fields that the service does not know.
func strict(body []byte, into any) *fault {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return faultf("SerializationException", "%v", err)
	}
	return nil
}
