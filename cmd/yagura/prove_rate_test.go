//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/yagura-sec/yagura/repeat"
)

// rated is what a run at a steady rate is asked to do.
type rated struct {
	rate, seconds int   // events a second, for how long
	keys          int64 // that the key window holds before
	limits        bool  // hold the run to the limits of docs/performance.md
}

// TestRate brings events through the queue and the bucket at a steady rate, with a new cause
// every three seconds, and looks when its notice comes to a webhook. As long as
// YAGURA_PROVE_SECONDS is not set it is short, and holds the run to the counts only; with it,
// YAGURA_PROVE_RATE (20,000) and YAGURA_PROVE_KEYS (0) say what is brought, and time and
// memory count too. The data is in YAGURA_PROVE_DIR if that is set.
func TestRate(t *testing.T) {
	number := func(name string, otherwise int64) int64 {
		if s := os.Getenv(name); s != "" {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return n
		}
		return otherwise
	}
	want := rated{rate: 1000, seconds: 6}
	if s := number("YAGURA_PROVE_SECONDS", 0); s > 0 {
		want = rated{rate: int(number("YAGURA_PROVE_RATE", 20_000)), seconds: int(s), keys: number("YAGURA_PROVE_KEYS", 0), limits: true}
	}
	l := newLab(t, false)
	if dir := os.Getenv("YAGURA_PROVE_DIR"); dir != "" {
		l.dir = dir
	}
	hook := newArrivals()
	defer hook.server.Close()
	l.only = hook.server.URL
	if keys := filepath.Join(l.replica(0), "keys"); want.keys > 0 {
		if _, err := os.Stat(keys); err != nil {
			if err := repeat.Fill(keys, want.keys, repeat.DiskOptions{}, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	began := time.Now()
	p := l.start(0)
	started := time.Since(began)
	time.Sleep(time.Second)
	idle, _ := p.memory(t)

	sent := l.sendAtRate(p, want)
	l.received(2 * time.Minute)
	l.delivered(time.Minute)
	most, peak := p.memory(t)
	most = max(most, sent.most)

	led := l.ledger()
	if !led.Balanced || led.Sources[0].Judged != sent.events || led.Sources[0].Repeats != sent.repeats {
		t.Errorf("balanced: %v; %d judged of %d, %d repeats of %d: %v", led.Balanced, led.Sources[0].Judged, sent.events, led.Sources[0].Repeats, sent.repeats, led.Faults)
	}
	var took []time.Duration
	for name, at := range sent.alerts {
		if came, ok := hook.at(name); !ok {
			t.Errorf("no notice of %s came", name)
		} else {
			took = append(took, came.Sub(at))
		}
	}
	slices.Sort(took)
	p99, seconds := took[len(took)*99/100], time.Duration(want.seconds)*time.Second
	t.Logf("%d keys before, started in %v, idle %d MB; %d events in %v (%d repeats), %.1f us of processor time each, %.0f%% of a core; alerts: %d, %v in the median, %v at the 99th percentile, %v at most; at most %d events waiting; %d MB at most, peak %d MB",
		want.keys, started.Round(time.Millisecond), idle, sent.events, sent.took.Round(time.Second), sent.repeats, sent.cpu.Seconds()*1e6/float64(sent.events), 100*sent.cpu.Seconds()/sent.took.Seconds(),
		len(took), took[len(took)/2].Round(time.Millisecond), p99.Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), sent.behind*want.rate/10, most, peak)
	if want.limits {
		if started > time.Second || want.keys == 0 && idle >= 80 || most >= 400 || p99 >= 3*time.Second {
			t.Error("past a limit: start 1 s, idle 80 MB (the filters of a full key window are beside it), 400 MB, 99th percentile 3 s")
		}
		if sent.took > seconds*101/100 {
			t.Errorf("the load took %v to be made, not %v: this machine is too slow to say", sent.took, seconds)
		}
	}
	l.term(0)
}

// sent is what a run brought.
type sent struct {
	events, repeats int64
	alerts          map[string]time.Time // by group, when it was announced
	took, cpu       time.Duration
	most, behind    int // MB, objects
}

// sendAtRate announces an object every tenth of a second. Every fiftieth comes once more.
func (l *lab) sendAtRate(p *process, want rated) *sent {
	type object struct {
		name, group string
		body        []byte
	}
	ready := make(chan object, 5)
	done := make(chan struct{})
	defer close(done)
	go func() {
		rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))
		for n := 0; ; n++ {
			o := object{name: fmt.Sprintf("AWSLogs/111122223333/CloudTrail/ap-northeast-1/2026/11/27/%07d.json.gz", n)}
			if n%30 == 7 {
				o.group = fmt.Sprintf("sg-%09d", n)
			}
			o.body = loadObject(rnd, want.rate/10, o.group, n)
			select {
			case ready <- o:
			case <-done:
				return
			}
		}
	}()
	s := &sent{alerts: map[string]time.Time{}}
	cpu, begin := p.cpu(l.t), time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var names []string
	var last object
	for n := range 10 * want.seconds {
		<-tick.C
		o := <-ready
		l.put(o.name, o.body)
		names = append(names, o.name)
		if o.group != "" {
			s.alerts[o.group] = time.Now()
		}
		l.announce(o.name)
		s.events += int64(want.rate / 10)
		if n%50 == 20 { // as a second trail brings it
			l.put(last.name+"-again", last.body)
			names = append(names, last.name+"-again")
			l.announce(last.name + "-again")
			s.events += int64(want.rate / 10)
			s.repeats += int64(want.rate / 10)
		}
		last = o
		if n%10 == 0 {
			now, _ := p.memory(l.t)
			s.most, s.behind = max(s.most, now), max(s.behind, len(l.sqs.Bodies("trail")))
		}
		if len(names) > 600 { // what is long past need not be there
			if _, err := l.objects.DeleteObject(labBucket, names[0]); err != nil {
				l.t.Fatal(err)
			}
			names = names[1:]
		}
	}
	s.took, s.cpu = time.Since(begin), p.cpu(l.t)-cpu
	return s
}

// loadObject is an object of n records: ordinary work, one user created in a thousand, and
// the opening of a group if it is named.
func loadObject(rnd *rand.Rand, n int, group string, seq int) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // the level is one that exists
	io.WriteString(z, `{"Records":[`)
	now := time.Now().UTC()
	for i := range n {
		if i > 0 {
			io.WriteString(z, ",")
		}
		if group != "" && i == n/2 {
			entry := fmt.Sprintf(`{"groupId":"%s","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}`, group)
			io.WriteString(z, trailEvent(900_000_000+seq, now, "dev", "198.51.100.7", "ec2", "AuthorizeSecurityGroupIngress", entry, ""))
			continue
		}
		ordinaryRecord(z, rnd, now, rnd.IntN(1000) == 0)
	}
	io.WriteString(z, `]}`)
	_ = z.Close() // into memory
	return out.Bytes()
}

// arrivals is a webhook that notes when a group was named first.
type arrivals struct {
	server *httptest.Server

	mu    sync.Mutex
	first map[string]time.Time
}

var groupName = regexp.MustCompile(`sg-[0-9]{9}`)

func newArrivals() *arrivals {
	a := &arrivals{first: map[string]time.Time{}}
	a.server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // it comes again
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, name := range groupName.FindAll(body, -1) {
			if _, ok := a.first[string(name)]; !ok {
				a.first[string(name)] = time.Now()
			}
		}
	}))
	return a
}

func (a *arrivals) at(group string) (time.Time, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.first[group]
	return at, ok
}

// memory is what a process has resident, now and at most so far, in MB.
func (p *process) memory(t *testing.T) (now, peak int) {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]*int{"VmRSS:": &now, "VmHWM:": &peak} {
		_, rest, _ := strings.Cut(string(data), name)
		if _, err := fmt.Sscan(rest, to); err != nil {
			t.Fatal(err)
		}
		*to >>= 10
	}
	return now, peak
}

// cpu is the processor time that a process took.
func (p *process) cpu(t *testing.T) time.Duration {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	var ticks time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond // USER_HZ is 100 on every Linux
}
