//go:build unix

package push

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPush sends from 64 connections over loopback to the handler with its file log
// on a real disk, while one receiver takes everything out again. The senders, which
// share the processors, write and read plain bytes.
func BenchmarkPush(b *testing.B) {
	one := `{"eventVersion":"1.08","eventID":"%08d-0000-0000-0000-000000000000","eventName":"GetObject","x":"` + strings.Repeat("abcdefgh", 136) + `"}`
	for _, c := range []struct {
		name   string
		events int
		named  bool
	}{{"one event", 1, false}, {"one event with an id", 1, true}, {"100 events", 100, false}} {
		b.Run(c.name, func(b *testing.B) { benchPush(b, one, c.events, c.named) })
	}
}

// cpu is the processor time of the process, senders included.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchPush(b *testing.B, one string, events int, named bool) {
	e := bearer(b, func(o *GenericOptions) { o.Log = openLog(b, FileLogOptions{Dir: b.TempDir() + "/received"}) })
	l, err := listen()
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: e, ReadHeaderTimeout: time.Second}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var objects, bytesOut atomic.Int64
	go func() {
		for {
			list, err := e.Receive(ctx)
			if err != nil {
				return
			}
			for _, m := range list {
				objects.Add(1)
				r, err := m.Objects[0].Open(ctx)
				if err != nil {
					return
				}
				n, _ := io.Copy(io.Discard, r)
				bytesOut.Add(n)
				if err := e.Ack(ctx, m); err != nil {
					return
				}
			}
		}
	}()
	var body bytes.Buffer
	for i := range events {
		fmt.Fprintf(&body, one+"\n", i)
	}
	b.SetBytes(int64(body.Len()))
	b.ResetTimer()
	before := cpu(b)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			in := bufio.NewReader(c)
			head := fmt.Sprintf("POST /in HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", auth, body.Len())
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				h := head
				if named {
					h += fmt.Sprintf("Webhook-Id: msg-%d\r\n", n)
				}
				if _, err := c.Write(append([]byte(h+"\r\n"), body.Bytes()...)); err != nil {
					b.Error(err)
					return
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil || resp.StatusCode != 200 {
					b.Error(resp, err)
					return
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	// On a machine that others use, processor time says more than the clock does.
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N*events), "cpu-µs/event")
	b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	b.ReportMetric(float64(b.N)/float64(max(objects.Load(), 1)), "requests/object")
}
