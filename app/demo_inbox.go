package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// demoInbox is where the sinks of the demo deliver to: an on-call service and a chat, both of
// which are this small server on loopback. It takes what comes, really over HTTP, and
// remembers how much that was. One kind of message it refuses for good, as an endpoint does
// whose filter is too strict, so that there is a dead notice to see.
type demoInbox struct {
	server  *http.Server
	address string
	mu      sync.Mutex
	taken   map[string]int
	refused int
}

func newDemoInbox() (*demoInbox, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &demoInbox{address: l.Addr().String(), taken: map[string]int{}}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = b.server.Serve(l) }() // it ends with close
	return b, nil
}

func (b *demoInbox) url(name string) string { return "http://" + b.address + "/" + name }

func (b *demoInbox) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := b.server.Shutdown(ctx); err != nil {
		return errors.Join(err, b.server.Close())
	}
	return nil
}

// demoRefused is the title of the issue that the chat does not take.
const demoRefused = "Guest invited"

// ServeHTTP takes a message.
func (b *demoInbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || !json.Valid(body) {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.URL.Path == "/sec-chat" && strings.Contains(string(body), demoRefused) {
		b.refused++
		http.Error(w, "the filter of this channel does not take the word", http.StatusUnprocessableEntity)
		return
	}
	b.taken[strings.TrimPrefix(r.URL.Path, "/")]++
	w.WriteHeader(http.StatusNoContent)
}
