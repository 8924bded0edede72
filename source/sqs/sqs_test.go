package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/s3"
	"github.com/yagura-sec/yagura/source/sourcetest"
)

// world is a queue and a bucket on loopback.
type world struct {
	clock   *sourcetest.Clock
	sqs     *sourcetest.SQS
	url     string
	s3      *httptest.Server
	backend *s3mem.Backend
	log     bytes.Buffer

	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request) bool
}

func serve(t *testing.T, maxReceive int) *world {
	t.Helper()
	w := &world{clock: sourcetest.NewClock(), backend: s3mem.New()}
	w.sqs = sourcetest.NewSQS(t, w.clock)
	dead := ""
	if maxReceive > 0 {
		dead = "dead"
		w.sqs.Create(dead, "", 0)
	}
	w.url = w.sqs.Create("trail", dead, maxReceive)
	inner := gofakes3.New(w.backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	w.s3 = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		before := w.before
		w.mu.Unlock()
		if before == nil || !before(rw, r) {
			inner.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(w.s3.Close)
	if err := w.backend.CreateBucket("logs"); err != nil {
		t.Fatal(err)
	}
	return w
}

// put stores an object and returns its ETag.
func (w *world) put(t *testing.T, key, text string) string {
	t.Helper()
	if _, err := w.backend.PutObject("logs", key, map[string]string{}, strings.NewReader(text), int64(len(text)), nil); err != nil {
		t.Fatal(err)
	}
	o, err := w.backend.HeadObject("logs", key)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", o.Hash)
}

func notice(key, etag string, size int) string {
	return sourcetest.Notice("logs", key, etag, size)
}

func (w *world) options(t *testing.T) Options {
	t.Helper()
	store, err := s3.NewStore(t.Context(), s3.StoreOptions{Options: s3.Options{Endpoint: w.s3.URL, Region: "us-east-1", AccessKeyID: "key", SecretAccessKey: "secret", MaxAttempts: 2}})
	if err != nil {
		t.Fatal(err)
	}
	return Options{Name: "trail", Queue: w.url, Store: store, Now: w.clock.Now, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		AWS: s3.Options{Endpoint: w.sqs.URL, Region: "us-east-1", AccessKeyID: "key", SecretAccessKey: "secret", MaxAttempts: 2}}
}

func (w *world) open(t *testing.T, change func(*Options)) *Receiver {
	t.Helper()
	o := w.options(t)
	if change != nil {
		change(&o)
	}
	r, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// TestConformance holds the receiver to the contract, with and without a dead-letter queue.
func TestConformance(t *testing.T) {
	for name, receives := range map[string]int{"redrive": 1000, "no redrive": 0} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T) sourcetest.Harness {
				w := serve(t, receives)
				return sourcetest.Harness{
					Clock: w.clock, PoisonHidden: receives > 0,
					Open: func(t *testing.T) source.Receiver { return w.open(t, nil) },
					Put: func(t *testing.T, name, body string) {
						key := "AWSLogs/111122223333/CloudTrail/a b+c/" + name + ".json"
						w.sqs.Send("trail", notice(key, w.put(t, key, body), len(body)))
					},
					Poison: func(_ *testing.T, name string) { w.sqs.Send("trail", "hello "+name) },
				}
			})
		})
	}
}

// receive gets the next messages, or fails.
func receive(t *testing.T, r *Receiver) []*source.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ms, err := r.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return ms
}

func text(t *testing.T, o source.Object) string {
	t.Helper()
	in, err := o.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestOneIdentity: however an object is told of, it is known by the same name.
func TestOneIdentity(t *testing.T) {
	w := serve(t, 5)
	key := "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/14/a file.json"
	etag := w.put(t, key, "text")
	quoted, err := json.Marshal(notice(key, etag, 4))
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		notice(key, etag, 4),
		fmt.Sprintf(`{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:us-east-1:1:t","Message":%s}`, quoted),
		fmt.Sprintf(`{"version":"0","id":"i","detail-type":"Object Created","source":"aws.s3","account":"111122223333","time":"2026-03-14T01:02:03Z","region":"us-east-1","detail":{"version":"0","bucket":{"name":"logs"},"object":{"key":%q,"size":4,"etag":%q,"sequencer":"00"}}}`, key, etag),
		fmt.Sprintf(`{"s3Bucket":"logs","s3ObjectKey":[%q]}`, key),
		fmt.Sprintf(`{"bucket":"logs","key":%q}`, key),
	} {
		w.sqs.Send("trail", body)
	}
	r := w.open(t, nil)
	n := 0
	for n < 5 {
		for _, m := range receive(t, r) {
			n++
			if got, want := m.Objects[0].Identity(), "s3://logs/"+key+"#"+etag; got != want || len(m.Objects) != 1 {
				t.Errorf("known as %q, want %q", got, want)
			}
			if got := text(t, m.Objects[0]); got != "text" || m.Objects[0].Size != 4 {
				t.Errorf("holds %q, of size %d", got, m.Objects[0].Size)
			}
			if err := r.Ack(t.Context(), m); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestRecordsInMessages: bodies that are records are objects themselves.
func TestRecordsInMessages(t *testing.T) {
	w := serve(t, 0)
	guard := `{"version":"0","id":"i","detail-type":"GuardDuty Finding","source":"aws.guardduty","detail":{"id":"f"}}`
	id := w.sqs.Send("trail", guard)
	r := w.open(t, nil)
	m := receive(t, r)[0]
	if got := text(t, m.Objects[0]); got != guard || m.Objects[0].Identity() != "sqs://trail/"+id || m.Objects[0].Source != "sqs" {
		t.Errorf("%q as %s", got, m.Objects[0].Identity())
	}
}

// TestTextInMessages: lines of a log are an object where somebody knows them.
func TestTextInMessages(t *testing.T) {
	w := serve(t, 0)
	const line = "CEF:0|a|b|c|d|e|f|src=192.0.2.1\n"
	w.sqs.Send("trail", line)
	r := w.open(t, func(o *Options) { o.Textual = func(body []byte) bool { return string(body) == line } })
	if got := text(t, receive(t, r)[0].Objects[0]); got != line {
		t.Errorf("got %q", got)
	}
}

// TestNothingToDo: tests, digests and deletions are acknowledged and counted, and hold up nobody.
func TestNothingToDo(t *testing.T) {
	w := serve(t, 0)
	w.sqs.Send("trail", `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-03-14T01:02:03.000Z","Bucket":"logs"}`)
	w.sqs.Send("trail", "CloudTrail validation message.")
	w.sqs.Send("trail", notice("AWSLogs/1/CloudTrail-Digest/x.json.gz", "e", 1))
	w.sqs.Send("trail", strings.Replace(notice("a", "e", 1), "ObjectCreated:Put", "ObjectRemoved:Delete", 1))
	w.sqs.Send("trail", notice("other/x", "e", 1))
	etag := w.put(t, "AWSLogs/x", "x")
	w.sqs.Send("trail", notice("AWSLogs/x", etag, 1))
	r := w.open(t, func(o *Options) { o.Include, o.Exclude = []string{"AWSLogs/*"}, []string{"*.tmp"} })
	ms := receive(t, r)
	if len(ms) != 1 || ms[0].Objects[0].Name != "s3://logs/AWSLogs/x" {
		t.Fatalf("got %+v", ms)
	}
	if err := r.Ack(t.Context(), ms[0]); err != nil {
		t.Fatal(err)
	}
	got := r.Stats()
	got.Requests, got.Last = 0, time.Time{}
	if d := cmp.Diff(Stats{Messages: 6, Objects: 1, Tests: 2, Ignored: 1, Skipped: 2}, got); d != "" {
		t.Error(d)
	}
	if left := w.sqs.Bodies("trail"); len(left) != 0 {
		t.Errorf("left in the queue: %q", left)
	}
}

// TestDeadLetters: poison goes where the queue says, and Lag counts it.
func TestDeadLetters(t *testing.T) {
	w := serve(t, 3)
	w.sqs.Send("trail", "poison")
	r := w.open(t, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			ms, err := r.Receive(t.Context())
			if err != nil {
				return
			}
			for _, m := range ms {
				t.Errorf("handed out: %+v", m)
			}
		}
	}()
	for len(w.sqs.Bodies("dead")) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("it never got there")
		}
		w.clock.Advance(time.Minute)
	}
	l, err := r.Lag(t.Context())
	if err != nil || l.Dead != 1 || l.Waiting != 0 || l.Out != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if s := r.Stats(); s.Refused != 3 {
		t.Errorf("it was looked at %d times", s.Refused)
	}
	_ = r.Close()
	<-done
}

// TestWarnsOnce: a queue without a dead-letter queue is said once.
func TestWarnsOnce(t *testing.T) {
	w := serve(t, 0)
	r := w.open(t, nil)
	for i := range 3 {
		w.sqs.Send("trail", notice(fmt.Sprint("k", i), "e", 1))
		receive(t, r)
		w.clock.Advance(11 * time.Minute)
	}
	if n := strings.Count(w.log.String(), "no dead-letter queue"); n != 1 {
		t.Errorf("said %d times: %s", n, &w.log)
	}
}

// TestTwelveHours: a message that is worked on for a day is not handed out twice.
func TestTwelveHours(t *testing.T) {
	w := serve(t, 1000)
	etag := w.put(t, "a", "x")
	w.sqs.Send("trail", notice("a", etag, 1))
	r := w.open(t, func(o *Options) { o.Lease = time.Hour })
	long := receive(t, r)[0]
	for i := range 30 {
		w.clock.Advance(50 * time.Minute)
		if err := r.Extend(t.Context(), long); err != nil {
			t.Fatalf("after %d extensions: %v", i, err)
		}
		w.sqs.Send("trail", notice(fmt.Sprint("b", i), "e", 1))
		for _, m := range receive(t, r) {
			if m.ID == long.ID {
				t.Fatalf("handed out again after %d extensions", i)
			}
			if err := r.Ack(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Ack(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	if left := w.sqs.Bodies("trail"); len(left) != 0 {
		t.Errorf("left in the queue: %d", len(left))
	}
	if s := r.Stats(); s.Absorbed != 2 {
		t.Errorf("it came again %d times", s.Absorbed)
	}
}

// TestTwice: a standard queue may give a message twice while it is out.
func TestTwice(t *testing.T) {
	w := serve(t, 1000)
	id := w.sqs.Send("trail", notice("a", "e", 1))
	r := w.open(t, nil)
	m := receive(t, r)[0]
	w.sqs.Redeliver("trail", id)
	w.sqs.Send("trail", notice("b", "e", 1))
	got := receive(t, r)
	if len(got) != 1 || got[0].ID == id {
		t.Fatalf("got %+v", got)
	}
	for _, m := range []*source.Message{m, got[0]} {
		if err := r.Ack(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if left := w.sqs.Bodies("trail"); len(left) != 0 {
		t.Errorf("left in the queue: %q", left)
	}
}

// TestPartialFailure: what fails of a batch is sent again, and nothing else.
func TestPartialFailure(t *testing.T) {
	w := serve(t, 1000)
	for i := range 10 {
		w.sqs.Send("trail", notice(fmt.Sprint(i), "e", 1))
	}
	r := w.open(t, func(o *Options) { o.Pollers = 1 })
	ms := receive(t, r)
	failures := 0
	w.sqs.Before(func(rw http.ResponseWriter, rq *http.Request, action string) bool {
		var in struct {
			Entries []struct{ Id string } //nolint:revive // the name of the protocol
		}
		if action != "DeleteMessageBatch" || failures == 3 {
			return false
		}
		failures++
		if err := json.NewDecoder(rq.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		failed := []map[string]any{}
		for _, e := range in.Entries {
			failed = append(failed, map[string]any{"Id": e.Id, "Code": "InternalError", "SenderFault": false})
		}
		rw.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_ = json.NewEncoder(rw).Encode(map[string]any{"Successful": []any{}, "Failed": failed})
		return true
	})
	var wg sync.WaitGroup
	for _, m := range ms {
		wg.Go(func() {
			if err := r.Ack(t.Context(), m); err != nil {
				t.Errorf("%s: %v", m.ID, err)
			}
		})
	}
	wg.Wait()
	if left := w.sqs.Bodies("trail"); len(left) != 0 {
		t.Errorf("left in the queue: %d", len(left))
	}
	if n := w.sqs.Calls("DeleteMessageBatch"); n >= 10 {
		t.Errorf("%d calls for 10 messages", n)
	}
}

// TestObjects: what is wrong with an object is said when it is opened.
func TestObjects(t *testing.T) {
	w := serve(t, 1000)
	old := w.put(t, "replaced", "old")
	w.put(t, "replaced", "new")
	w.put(t, "denied", "x")
	w.put(t, "archived", "x")
	w.mu.Lock()
	w.before = func(rw http.ResponseWriter, r *http.Request) bool {
		code := map[string]string{"/logs/denied": "AccessDenied", "/logs/archived": "InvalidObjectState"}[r.URL.Path]
		if code == "" {
			return false
		}
		rw.WriteHeader(http.StatusForbidden)
		if r.Method != http.MethodHead {
			_, _ = fmt.Fprintf(rw, `<?xml version="1.0"?><Error><Code>%s</Code><Message>no</Message></Error>`, code)
		}
		return true
	}
	w.mu.Unlock()
	r := w.open(t, nil)
	for body, c := range map[string]struct {
		want string
		gone bool
	}{
		notice("gone", "e", 1):                            {"s3://logs/gone: the object is gone", true},
		`{"bucket":"logs","key":"gone"}`:                  {"s3://logs/gone: the object, or its bucket, is gone", true},
		notice("replaced", old, 3):                        {"s3://logs/replaced: the object was replaced", true},
		notice("denied", "e", 1):                          {"s3://logs/denied: access denied (hint: the identity needs s3:ListBucket on the bucket and s3:GetObject", false},
		`{"s3Bucket":"logs","s3ObjectKey":["denied"]}`:    {"s3://logs/denied: access denied", false},
		notice("archived", "e", 1):                        {"s3://logs/archived: the object is archived", false},
		`{"s3Bucket":"nowhere","s3ObjectKey":["denied"]}`: {"s3://nowhere/denied: the object, or its bucket, is gone", true},
	} {
		w.sqs.Send("trail", body)
		m := receive(t, r)[0]
		if err := r.Ack(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		_, err := m.Objects[0].Open(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || errors.Is(err, source.ErrGone) != c.gone {
			t.Errorf("%s\n got %v, gone %v\nwant %s", body, err, errors.Is(err, source.ErrGone), c.want)
		}
	}
}

// TestStoreIsDown: a message whose object cannot be asked about now comes again.
func TestStoreIsDown(t *testing.T) {
	w := serve(t, 1000)
	w.put(t, "a", "x")
	down := true
	w.before = func(rw http.ResponseWriter, _ *http.Request) bool {
		if down {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
		return down
	}
	w.sqs.Send("trail", `{"s3Bucket":"logs","s3ObjectKey":["a"]}`)
	r := w.open(t, nil)
	got := make(chan []*source.Message)
	go func() {
		ms, err := r.Receive(t.Context())
		if err != nil {
			t.Error(err)
		}
		got <- ms
	}()
	for w.sqs.Calls("ChangeMessageVisibilityBatch") == 0 {
		if t.Context().Err() != nil {
			t.Fatal("it was not given back")
		}
	}
	w.mu.Lock()
	down = false
	w.mu.Unlock()
	var ms []*source.Message
	for ms == nil {
		w.clock.Advance(time.Minute)
		select {
		case ms = <-got:
		default:
		}
	}
	if len(ms) != 1 || text(t, ms[0].Objects[0]) != "x" || ms[0].Attempts != 2 {
		t.Errorf("got %+v", ms)
	}
}

// TestErrors: what is wrong with the queue is said with what to do.
func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		allow  func(key, action string) bool
		before func(w http.ResponseWriter, r *http.Request, action string) bool
		want   string
	}{
		"no queue": {change: func(o *Options) { o.Queue += "x" }, want: "there is no such queue (hint: check the URL"},
		"denied": {allow: func(_, action string) bool { return action != "ReceiveMessage" },
			want: "access denied (hint: the identity needs sqs:ReceiveMessage"},
		"no key": {before: func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#KmsDisabled","message":"off"}`)
			return true
		}, want: "the key of the queue cannot be used (hint: the identity needs kms:Decrypt"},
		"full": {before: func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#OverLimit","message":"over"}`)
			return true
		}, want: "too many messages of the queue are out"},
		"broken": {before: func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}, want: "the service answered with status 500"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(t, 0)
			if c.allow != nil {
				w.sqs.Allow(c.allow)
			}
			w.sqs.Before(c.before)
			_, err := w.open(t, c.change).Receive(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), w.url) {
				t.Errorf("got %v", err)
			}
			if strings.Contains(fmt.Sprint(err, &w.log), "secret") {
				t.Errorf("the secret is told: %v", err)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	w := serve(t, 0)
	for want, change := range map[string]func(*Options){
		"without a name":    func(o *Options) { o.Name = "" },
		"not the URL":       func(o *Options) { o.Queue = "trail" },
		"no store":          func(o *Options) { o.Store = nil },
		"a lease of 13h":    func(o *Options) { o.Lease = 13 * time.Hour },
		"a wait of 30s":     func(o *Options) { o.Wait = 30 * time.Second },
		"names no region":   func(o *Options) { o.AWS = s3.Options{} },
		"pattern of 0":      func(o *Options) { o.Exclude = []string{""} },
		"endpoint \"x\" is": func(o *Options) { o.AWS.Endpoint = "x" },
	} {
		o := w.options(t)
		change(&o)
		if _, err := New(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", want, err)
		}
	}
	for host, want := range map[string]string{
		"sqs.eu-west-1.amazonaws.com": "eu-west-1", "sqs.cn-north-1.amazonaws.com.cn": "cn-north-1", "eu-west-1.queue.amazonaws.com": "eu-west-1",
		"sqs.us-east-1.api.aws": "us-east-1", "vpce-0a-b.sqs.ap-northeast-1.vpce.amazonaws.com": "ap-northeast-1", "127.0.0.1:1": "", "sqs.evil.com": "",
	} {
		if got := regionOf(host); got != want {
			t.Errorf("%s is in %q, want %q", host, got, want)
		}
	}
}

// TestLateExtend: a heartbeat that comes too late takes nothing back.
func TestLateExtend(t *testing.T) {
	w := serve(t, 1000)
	w.sqs.Send("trail", notice("a", "e", 1))
	r := w.open(t, nil)
	m := receive(t, r)[0]
	if err := r.Release(t.Context(), m, 10*time.Minute, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Extend(t.Context(), m); err == nil {
		t.Error("a released message was extended")
	}
	w.clock.Advance(10*time.Minute + time.Second)
	again := receive(t, r)[0]
	if again.ID != m.ID {
		t.Fatalf("got %s", again.ID)
	}
	// A lease that ended is taken up again where nobody else has the message.
	w.clock.Advance(4*time.Minute + 59*time.Second)
	if err := r.Extend(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if err := r.Ack(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if err := r.Ack(t.Context(), again); err == nil {
		t.Error("acknowledged twice")
	}
	if left := w.sqs.Bodies("trail"); len(left) != 0 {
		t.Errorf("left in the queue: %q", left)
	}
}

// TestDeadLettersDenied: the numbers of the queue are told without those of the other.
func TestDeadLettersDenied(t *testing.T) {
	w := serve(t, 3)
	w.sqs.Send("trail", "x")
	w.sqs.Allow(func(_, action string) bool { return action != "GetQueueUrl" })
	r := w.open(t, nil)
	for range 2 {
		if l, err := r.Lag(t.Context()); err != nil || l.Waiting != 1 || l.Dead != -1 {
			t.Errorf("%+v, %v", l, err)
		}
	}
	if n := strings.Count(w.log.String(), "sqs:GetQueueUrl"); n != 1 {
		t.Errorf("said %d times: %s", n, &w.log)
	}
}
