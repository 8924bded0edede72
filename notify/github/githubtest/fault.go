package githubtest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is how a request that makes or changes something fails.
type Fault struct {
	// Lose does what is asked and breaks the connection; Hang does it and never answers.
	Lose, Hang bool
	// Status answers with a status and does nothing. 422 is a refusal in the words of the
	// real API; 403 and 429 carry what Limit says.
	Status     int
	RetryAfter time.Duration
	// Limit refuses for the secondary limit, with RetryAfter when it is not 0.
	Limit bool
	// Only restricts the fault to requests whose path ends so; "" is all.
	Only string
	// Pass lets as many such requests through before the first that fails.
	Pass int
}

type fault struct {
	Fault
	left int
}

// Fail has the next n requests that make or change something fail; n 0 takes all faults
// back.
func (s *Server) Fail(f Fault, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n == 0 {
		s.faults = nil
		return
	}
	s.faults = append(s.faults, fault{f, n})
}

func (s *Server) fault(r *http.Request) (Fault, bool) {
	for k := range s.faults {
		f := &s.faults[k]
		if f.left > 0 && (f.Only == "" || len(r.URL.Path) >= len(f.Only) && r.URL.Path[len(r.URL.Path)-len(f.Only):] == f.Only) {
			if f.Pass > 0 {
				f.Pass--
				return Fault{}, false
			}
			f.left--
			return f.Fault, true
		}
	}
	return Fault{}, false
}

// Gate has a function look at every request first; a status other than 0 is the answer.
func (s *Server) Gate(g func(r *http.Request) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gates = append(s.gates, g)
}

// serve lets a request in, or has it fail.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body := &bytes.Buffer{}
	body.ReadFrom(http.MaxBytesReader(w, r.Body, 10<<20))
	s.mu.Lock()
	f, failing := Fault{}, false
	// What a person reads and what an App does to get in is not part of a fault.
	if r.Method != http.MethodGet && len(r.URL.Path) > 7 && r.URL.Path[:7] == "/repos/" {
		f, failing = s.fault(r)
	}
	rec := httptest.NewRecorder()
	status := 0
	for _, g := range s.gates {
		if status = g(r); status != 0 {
			break
		}
	}
	switch {
	case status != 0:
		fail(rec, status, http.StatusText(status))
	case failing && f.Limit:
		s.secondary(rec, f.RetryAfter)
	case failing && f.Status != 0:
		if f.RetryAfter > 0 {
			rec.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
		}
		if f.Status == http.StatusUnprocessableEntity {
			invalid(rec, "Issue", "title", "custom", "title is not acceptable")
		} else {
			fail(rec, f.Status, http.StatusText(f.Status))
		}
	default:
		s.route(rec, r, body.Bytes())
		s.refusal(r, rec)
	}
	s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Authorization"), rec.Code, body.String()})
	s.mu.Unlock()
	if failing && f.Hang {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	if failing && f.Lose {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	w.Write(rec.Body.Bytes())
}

// refusal keeps what was refused for its form.
func (s *Server) refusal(r *http.Request, rec *httptest.ResponseRecorder) {
	switch rec.Code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		if text := rec.Body.String(); !strings.Contains(text, "already_exists") && !strings.Contains(text, `"field":"assignees"`) {
			s.refused = append(s.refused, r.Method+" "+r.URL.Path+": "+text)
		}
	}
}

// Refused is what was answered to requests that are not of the API's schema; that a label is
// there already, or that nobody has a login, is none of it.
func (s *Server) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

func (s *Server) secondary(w http.ResponseWriter, after time.Duration) {
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	}
	fail(w, http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
}

// admit counts a request of an account and says whether it may go on.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, p *principal, content bool) bool {
	now := s.o.Now()
	if now.After(p.reset) {
		p.used, p.reset = 0, now.Add(time.Hour)
	}
	p.used++
	if limit := s.o.RequestsPerHour; limit > 0 {
		h := w.Header()
		h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(max(limit-p.used, 0)))
		h.Set("X-RateLimit-Used", strconv.Itoa(p.used))
		h.Set("X-RateLimit-Reset", strconv.FormatInt(p.reset.Unix(), 10))
		h.Set("X-RateLimit-Resource", "core")
		if p.used > limit {
			fail(w, http.StatusForbidden, fmt.Sprintf("API rate limit exceeded for user ID %d.", p.id))
			return false
		}
	}
	if !content {
		return true
	}
	recent := p.content[:0]
	minute := 0
	for _, at := range p.content {
		if now.Sub(at) < time.Hour {
			recent = append(recent, at)
			if now.Sub(at) < time.Minute {
				minute++
			}
		}
	}
	p.content = recent
	if s.o.ContentPerMinute > 0 && minute >= s.o.ContentPerMinute || s.o.ContentPerHour > 0 && len(recent) >= s.o.ContentPerHour {
		after := time.Minute
		if s.o.SilentLimit {
			after = 0
		}
		s.secondary(w, after)
		return false
	}
	p.content = append(p.content, now)
	return true
}
