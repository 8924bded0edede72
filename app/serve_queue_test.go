package app

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/source"
)

// handQueue is a queue that a test fills by hand. Its clock runs fast: what was given back
// comes again at once.
type handQueue struct {
	name string
	mu   sync.Mutex
	wait []*source.Message
	more chan struct{}
	acks int // how many acknowledgements are still lost
	done atomic.Int64

	extend func(ctx context.Context) error // nil: all is well
	beats  atomic.Int64
}

func newHandQueue(name string) *handQueue {
	return &handQueue{name: name, more: make(chan struct{}, 1)}
}

func (q *handQueue) put(m *source.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	m.Attempts++
	q.wait = append(q.wait, m)
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *handQueue) Name() string { return q.name }

func (q *handQueue) Receive(ctx context.Context) ([]*source.Message, error) {
	for {
		q.mu.Lock()
		list := q.wait
		q.wait = nil
		q.mu.Unlock()
		for _, m := range list {
			m.Received = time.Now()
		}
		if len(list) > 0 {
			return list, nil
		}
		select {
		case <-q.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *handQueue) Ack(_ context.Context, m *source.Message) error {
	q.mu.Lock()
	lost := q.acks > 0
	if lost {
		q.acks--
	}
	q.mu.Unlock()
	if lost {
		q.put(m)
		return errors.New("connection reset by peer")
	}
	q.done.Add(1)
	return nil
}

func (q *handQueue) Extend(ctx context.Context, _ *source.Message) error {
	q.beats.Add(1)
	if q.extend != nil {
		return q.extend(ctx)
	}
	return nil
}

func (q *handQueue) Release(_ context.Context, m *source.Message, _ time.Duration, cause error) error {
	if !errors.Is(cause, context.Canceled) {
		q.put(m)
	}
	return nil
}

func (q *handQueue) Lag(context.Context) (source.Lag, error) { return source.Lag{}, nil }
func (q *handQueue) Close() error                            { return nil }

// queued makes a stand whose sources are queues.
func queued(t *testing.T, queues ...*handQueue) *stand {
	s := newStand(t)
	s.alter = func(serve *Serve) {
		var list []source.Receiver
		for _, q := range queues {
			list = append(list, q)
		}
		serve.in = intake.New(serve.intakeOptions(list, 0))
	}
	return s
}

// flaky is a body that breaks off.
type flaky struct{ io.Reader }

func (f flaky) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("connection reset by peer")
	}
	return n, err
}

// TestObjectStoreOutage: objects that cannot be reached are no dead letters: they come again
// as long as the outage lasts, and are judged once when it is over. What is damaged itself is
// given up soon.
func TestObjectStoreOutage(t *testing.T) {
	q := newHandQueue("queue")
	s := queued(t, q)
	s.start()
	record := trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`)
	var opens, reads atomic.Int64
	q.put(&source.Message{ID: "away", Objects: []source.Object{{Source: "s3", Name: "s3://logs/away", Open: func(context.Context) (io.ReadCloser, error) {
		if opens.Add(1) <= 20 {
			return nil, errors.New("503 Slow Down")
		}
		return io.NopCloser(strings.NewReader(record)), nil
	}}}})
	q.put(&source.Message{ID: "torn", Objects: []source.Object{{Source: "s3", Name: "s3://logs/torn", Open: func(context.Context) (io.ReadCloser, error) {
		if reads.Add(1) <= 20 {
			return io.NopCloser(flaky{strings.NewReader(record[:40])}), nil
		}
		return io.NopCloser(strings.NewReader(record)), nil
	}}}})
	q.put(&source.Message{ID: "damaged", Objects: []source.Object{{Source: "s3", Name: "s3://logs/damaged.gz", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03what is no deflate")), nil
	}}}})
	s.until("all messages are acknowledged", func() bool { return q.done.Load() == 3 })
	l := s.ledger()
	if l.DeadAll != 1 {
		t.Errorf("%d dead letters, want that of the damaged object", l.DeadAll)
	}
	if is := s.issue("CloudTrail logging disabled"); is.Count != 1 {
		t.Errorf("%d findings of one event in two objects", is.Count)
	}
}

// TestPoisonOnce: a message that is not understood is one dead letter and one finding, also
// when its acknowledgement was lost and it comes again.
func TestPoisonOnce(t *testing.T) {
	q := newHandQueue("queue")
	q.acks = 2
	s := queued(t, q)
	s.start()
	q.put(&source.Message{ID: "m-1", Refused: errors.New("this is no notification"), Body: []byte("hello")})
	s.until("the message is acknowledged", func() bool { return q.done.Load() == 1 })
	if l := s.ledger(); l.DeadAll != 1 {
		t.Errorf("%d dead letters of one message", l.DeadAll)
	}
	if is := s.issue(intake.MessageRule.Title); is.Count != 1 {
		t.Errorf("%d findings of one message", is.Count)
	}
}

// TestHeartbeat: a queue whose service does not answer keeps no other from being told that its
// messages are at work.
func TestHeartbeat(t *testing.T) {
	away, well := newHandQueue("away"), newHandQueue("well")
	away.extend = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	s := queued(t, away, well)
	s.start()
	work := make(chan struct{})
	for _, q := range []*handQueue{away, well} {
		q.put(&source.Message{ID: q.name, Lease: 3 * time.Second, Objects: []source.Object{{Source: "s3", Name: "s3://logs/" + q.name,
			Open: func(context.Context) (io.ReadCloser, error) { <-work; return io.NopCloser(strings.NewReader("")), nil }}}})
	}
	s.until("the slow queue is asked", func() bool { return away.beats.Load() > 0 })
	before := well.beats.Load()
	s.until("the other is told meanwhile", func() bool { return well.beats.Load() >= before+3 })
	if n := away.beats.Load(); n != 1 {
		t.Errorf("%d beats of a queue that answers none", n)
	}
	close(work)
	s.until("both are acknowledged", func() bool { return away.done.Load() == 1 && well.done.Load() == 1 })
}
