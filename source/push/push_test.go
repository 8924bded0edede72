package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/source"
)

const token = "a-token-of-some-length-for-tests"

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func openLog(t testing.TB, o FileLogOptions) *FileLog {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "received")
	}
	l, err := OpenFileLog(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// logger collects lines of log.
type logger struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logger) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logger) slog() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func closing(t testing.TB, e *Endpoint, err error) *Endpoint {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// post sends a request through a recorder.
func post(h http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/in/x", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	if r.Header.Get("Content-Length") == "" {
		r.Header.Set("Content-Length", fmt.Sprint(len(body)))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func want(t *testing.T, w *httptest.ResponseRecorder, status int, part string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), part) {
		t.Fatalf("status %d %s, want %d with %q", w.Code, w.Body, status, part)
	}
}

// receive takes what there is.
func receive(t *testing.T, r source.Receiver) []*source.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	list, err := r.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// nothing says that nothing waits.
func nothing(t *testing.T, r source.Receiver) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if list, err := r.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("received %d messages, %v; want none", len(list), err)
	}
}

func content(t *testing.T, o source.Object) string {
	t.Helper()
	r, err := o.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func ack(t *testing.T, r source.Receiver, list ...*source.Message) {
	t.Helper()
	for _, m := range list {
		if err := r.Ack(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGenericWay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "received")
	open := func() *Endpoint {
		log, err := OpenFileLog(FileLogOptions{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewGeneric(GenericOptions{Common: Common{Name: "ci", Log: log}, Access: Access{Bearer: []string{token}}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open()
	if e.Name() != "ci" {
		t.Errorf("name %q", e.Name())
	}
	nothing(t, e)
	want(t, post(e, `{"a":1}`, "Authorization", "Bearer "+token), 200, "stored")
	first := receive(t, e)
	if len(first) != 1 || len(first[0].Objects) != 1 || first[0].Attempts != 1 {
		t.Fatalf("got %+v", first)
	}
	o := first[0].Objects[0]
	if got := content(t, o); got != `{"a":1}` || o.Source != "push" || o.Size != 7 || !strings.HasPrefix(o.Name, "push:") {
		t.Errorf("%q %+v", got, o)
	}
	nothing(t, e) // it is out
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, post(e, `{"a":2}`, "Authorization", "Bearer "+token), 503, "now")

	// The process ended between the answer and the judgement.
	e = open()
	again := receive(t, e)
	if len(again) != 1 || again[0].ID != first[0].ID || again[0].Objects[0].Name != o.Name || again[0].Attempts != 2 {
		t.Fatalf("got %+v after the restart, want %+v", again[0], first[0])
	}
	ack(t, e, again...)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = closing(t, open(), nil)
	nothing(t, e)
	if lag, err := e.Lag(t.Context()); err != nil || lag.Waiting != 0 || lag.Out != 0 || lag.Dead != -1 {
		t.Errorf("lag %+v, %v", lag, err)
	}
}

func TestRelease(t *testing.T) {
	c := newClock()
	e, err := NewGeneric(GenericOptions{Common: Common{Name: "ci", Log: openLog(t, FileLogOptions{Now: c.now}), Now: c.now, Poll: 5 * time.Millisecond}, Access: Access{Bearer: []string{token}}})
	e = closing(t, e, err)
	want(t, post(e, `{"a":1}`, "Authorization", "Bearer "+token), 200, "stored")
	m := receive(t, e)[0]
	if err := e.Extend(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := e.Release(t.Context(), m, time.Minute, errors.New("the store is away")); err != nil {
		t.Fatal(err)
	}
	nothing(t, e)
	if lag, err := e.Lag(t.Context()); err != nil || lag.Waiting != 1 || !lag.Oldest.Equal(c.now()) {
		t.Errorf("lag %+v, %v", lag, err)
	}
	c.add(time.Minute)
	again := receive(t, e)
	if len(again) != 1 || again[0].ID != m.ID || again[0].Attempts != 2 {
		t.Fatalf("got %+v", again)
	}
	ack(t, e, again...)
	ack(t, e, again...) // once more is no error
	nothing(t, e)
}
