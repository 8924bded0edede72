package webhooktest

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is what goes wrong with a request.
type Fault struct {
	Status     int // 0: nothing goes wrong
	RetryAfter string
	Location   string
	Body       string
	Lose       bool // take it, then close the connection without an answer
	Hang       bool // take it, then never answer
	Cut        bool // close the connection without taking it
}

// Request is one that was taken.
type Request struct {
	ID     string
	Header http.Header
	Body   string
	At     time.Time // as its timestamp says
}

// Server is the receiver.
type Server struct {
	*httptest.Server

	mu       sync.Mutex
	now      func() time.Time
	verify   []func(message []byte, signature string) bool
	check    func(body []byte) string
	fault    func() Fault
	requests []Request
	refused  []string
}

// New makes a receiver whose clock is now (nil: the real one) that wants a signature by one
// of keys (whsec_ or whpk_; none: no signature). check says what is wrong with a body; nil
// takes all. It is started by Start or StartTLS, and Close ends it.
func New(now func() time.Time, check func(body []byte) string, keys ...string) *Server {
	if now == nil {
		now = time.Now
	}
	s := &Server{now: now, check: check}
	for _, k := range keys {
		s.verify = append(s.verify, verifier(k))
	}
	s.Server = httptest.NewUnstartedServer(s)
	return s
}

func verifier(key string) func([]byte, string) bool {
	if text, ok := strings.CutPrefix(key, "whpk_"); ok {
		public, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(public) != ed25519.PublicKeySize {
			panic("webhooktest: not a public key")
		}
		return func(message []byte, signature string) bool {
			sig, ok := strings.CutPrefix(signature, "v1a,")
			raw, err := base64.StdEncoding.DecodeString(sig)
			return ok && err == nil && ed25519.Verify(public, message, raw)
		}
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	if err != nil {
		panic("webhooktest: not a key")
	}
	return func(message []byte, signature string) bool {
		mac := hmac.New(sha256.New, raw)
		mac.Write(message)
		return hmac.Equal([]byte(signature), []byte("v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))))
	}
}

// SetFault decides what goes wrong with each request; nil ends it.
func (s *Server) SetFault(f func() Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Requests are those that were taken, in the order of coming.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// IDs counts the requests that were taken by their webhook-id.
func (s *Server) IDs() map[string]int {
	out := map[string]int{}
	for _, r := range s.Requests() {
		out[r.ID]++
	}
	return out
}

// Refused says why requests were refused.
func (s *Server) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// ServeHTTP takes one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	fault := Fault{}
	if s.fault != nil {
		fault = s.fault()
	}
	why := ""
	switch {
	case fault.Cut || fault.Status != 0 && !fault.Lose && !fault.Hang:
	default:
		if why = s.take(r, body); why != "" {
			s.refused = append(s.refused, why)
		}
	}
	s.mu.Unlock()
	if fault.Hang {
		<-r.Context().Done()
	}
	if fault.Lose || fault.Hang || fault.Cut {
		panic(http.ErrAbortHandler)
	}
	if fault.RetryAfter != "" {
		w.Header().Set("Retry-After", fault.RetryAfter)
	}
	if fault.Location != "" {
		w.Header().Set("Location", fault.Location)
	}
	switch {
	case fault.Status != 0:
		w.WriteHeader(fault.Status)
		_, _ = io.WriteString(w, fault.Body)
	case why != "":
		http.Error(w, why, http.StatusBadRequest)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) take(r *http.Request, body []byte) string {
	id, stamp, signatures := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	at := time.Unix(seconds, 0)
	switch {
	case r.Method != http.MethodPost:
		return "method " + r.Method
	case id == "" || strings.Contains(id, "."):
		return "webhook-id " + strconv.Quote(id)
	case err != nil:
		return "webhook-timestamp " + strconv.Quote(stamp)
	}
	if d := s.now().Sub(at); d > 5*time.Minute || d < -5*time.Minute {
		return "webhook-timestamp is " + d.String() + " old"
	}
	message := append([]byte(id+"."+stamp+"."), body...)
	verified := len(s.verify) == 0
	for sig := range strings.FieldsSeq(signatures) {
		for _, v := range s.verify {
			verified = verified || v(message, sig)
		}
	}
	if !verified {
		return "no signature holds"
	}
	if s.check != nil {
		if why := s.check(body); why != "" {
			return why
		}
	}
	s.requests = append(s.requests, Request{id, r.Header.Clone(), string(body), at})
	return ""
}
