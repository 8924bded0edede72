package server

import (
	"net"
	"sync"
)

// limited bounds the connections of a listener. Beyond the bound a new one is closed at
// once: a sender tries again, and nobody else waits behind those who hold connections.
type limited struct {
	net.Listener
	most, each int

	mu   sync.Mutex
	all  int
	from map[string]int
}

func limit(l net.Listener, most, each int) *limited {
	return &limited{Listener: l, most: most, each: each, from: map[string]int{}}
}

// Accept returns the next connection that is within the bounds.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err != nil {
			host = c.RemoteAddr().String()
		}
		if l.enter(host) {
			return &conn{Conn: c, leave: sync.OnceFunc(func() { l.leave(host) })}, nil
		}
		_ = c.Close() // it was never served
	}
}

func (l *limited) enter(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.most || l.from[host] >= l.each {
		return false
	}
	l.all++
	l.from[host]++
	return true
}

func (l *limited) leave(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.from[host]--; l.from[host] == 0 {
		delete(l.from, host)
	}
}

type conn struct {
	net.Conn
	leave func()
}

// Close closes the connection and makes room.
func (c *conn) Close() error {
	c.leave()
	return c.Conn.Close()
}
