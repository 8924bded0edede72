package notify_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

// bodies serves a handler that reads with b and answers the length.
func bodies(t *testing.T, b *notify.Bodies, hold func()) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, done, no := b.Read(w, r)
		if no != nil {
			http.Error(w, no.Reason, no.Status)
			return
		}
		defer done()
		if hold != nil {
			hold()
		}
		if r.Context().Err() != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprint(w, len(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// say writes a request as it is given, and returns the status and whether the connection is
// to be closed.
func say(t *testing.T, s *httptest.Server, request string) (status int, closes bool) {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(c, request) }()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Close
}

func TestBodies(t *testing.T) {
	const most = 100_000
	s := bodies(t, notify.NewBodies(most, 300*time.Millisecond), nil)
	head := "POST / HTTP/1.1\r\nHost: x\r\n"
	full := strings.Repeat("x", most)
	chunk := func(n int) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", n, strings.Repeat("x", n)) }
	for _, c := range []struct {
		name, request string
		want          int
		closes        bool
	}{
		{"empty", head + "Content-Length: 0\r\n\r\n", 200, false},
		{"full", head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", most, full), 200, false},
		{"full in chunks", head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(most), 200, false},
		{"too large, and said so", head + "Content-Length: 1099511627776\r\n\r\n", 413, true},
		{"too large in chunks", head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(most+1), 413, true},
		{"slow", head + "Content-Length: 10\r\n\r\n{", 408, true},
		{"slow in chunks", head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{", 408, true},
		{"wrong chunks", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, true},
		{"gzip", head + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", 415, false},
		{"identity", head + "Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}", 200, false},
	} {
		if got, closes := say(t, s, c.request); got != c.want || closes != c.closes {
			t.Errorf("%s: %d, closes %v; want %d, %v", c.name, got, closes, c.want, c.closes)
		}
	}
}

// TestBodiesRoom has many strangers hold large bodies: what they hold together is bounded,
// small ones are still read, and the room is there again when they have left.
func TestBodiesRoom(t *testing.T) {
	const most = 4 << 20
	var held sync.WaitGroup
	release := make(chan struct{})
	held.Add(4)
	s := bodies(t, notify.NewBodies(most, time.Minute), func() { held.Done(); <-release })
	large := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", most, strings.Repeat("x", most))
	var got sync.WaitGroup
	for range 4 {
		got.Go(func() {
			if status, _ := say(t, s, large); status != http.StatusOK {
				t.Errorf("one of those that there is room for: %d", status)
			}
		})
	}
	held.Wait()
	if status, closes := say(t, s, large); status != http.StatusTooManyRequests || !closes {
		t.Errorf("no room: %d, closes %v", status, closes)
	}
	held.Add(1)
	got.Go(func() {
		if status, _ := say(t, s, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 32000\r\n\r\n"+strings.Repeat("x", 32000)); status != http.StatusOK {
			t.Errorf("a small one: %d", status)
		}
	})
	held.Wait()
	close(release)
	got.Wait()
	held.Add(1)
	if status, _ := say(t, s, large); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}
