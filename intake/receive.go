package intake

import (
	"context"
	"errors"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/source"
)

// message is one message that is out.
type message struct {
	from source.Receiver
	m    *source.Message
	left int   // objects that are not finished
	err  error // of the first object that failed
	dead bool  // it is finished or given back
	span Span  // nil when nobody traces
}

// job is one object to judge.
type job struct {
	msg    *message
	object source.Object
	id     string // identity: name and tag
}

// The pauses after an error of a source, and before what failed is handed out again.
const (
	firstPause = time.Second
	maxPause   = time.Minute
	giveAfter  = 30 * time.Second
)

// receive takes messages from one receiver and hands their objects to the workers. Nothing
// is received while the workers have enough, so what is too much waits at its source.
func (in *Intake) receive(ctx context.Context, r source.Receiver) {
	pause := firstPause
	for ctx.Err() == nil {
		list, err := r.Receive(ctx)
		in.received(r, err)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			if errors.Is(err, source.ErrFinished) {
				in.received(r, nil)
				in.o.Log.Info("a source was received to its end", "source", r.Name())
				return
			}
			in.o.Log.Warn("a source cannot be read", "source", r.Name(), "error", err, "again_in", pause)
			if !sleep(ctx, pause) {
				return
			}
			pause = min(2*pause, maxPause)
			continue
		}
		pause = firstPause
		for _, m := range list {
			in.take(ctx, r, m)
		}
	}
}

func (in *Intake) received(r source.Receiver, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.sources[r.Name()]
	if err != nil {
		s.Error, s.ErrorAt = err.Error(), in.o.Now()
		return
	}
	s.Error, s.LastSeen = "", in.o.Now()
}

// take brings one message on its way.
func (in *Intake) take(ctx context.Context, r source.Receiver, m *source.Message) {
	msg := &message{from: r, m: m, left: len(m.Objects)}
	if in.o.Trace != nil {
		msg.span = in.o.Trace(Begin{Name: "receive", Source: r.Name(), Message: m.ID, Objects: len(m.Objects), Attempts: m.Attempts})
	}
	in.mu.Lock()
	in.out[msg] = true
	in.mu.Unlock()
	if m.Refused != nil {
		in.poison(ctx, msg)
		return
	}
	if len(m.Objects) == 0 {
		in.finish(ctx, msg)
		return
	}
	for _, o := range m.Objects {
		select {
		case in.work <- &job{msg: msg, object: o, id: o.Identity()}:
		case <-ctx.Done():
			in.fail(msg, ctx.Err())
		}
	}
}

// poison keeps a message that names nothing as a dead letter and acknowledges it, so
// that it blocks no other.
func (in *Intake) poison(ctx context.Context, msg *message) {
	p := &piece{source: msg.from.Name(), object: msg.from.Name() + "/" + msg.m.ID, msg: msg, last: true, message: true}
	p.dead = append(p.dead, yagura.DeadLetter{ID: letterID(p.source, p.object, -2), Source: p.source, Object: p.object, Reason: msg.m.Refused.Error(),
		Bytes: msg.m.Body, Size: int64(len(msg.m.Body)), At: in.o.Now()})
	msg.left = 1
	in.send(ctx, p)
}

// done says that one object of a message is judged and kept.
func (in *Intake) done(ctx context.Context, msg *message) {
	in.mu.Lock()
	msg.left--
	last := msg.left == 0 && !msg.dead
	in.mu.Unlock()
	if last {
		in.finish(ctx, msg)
	}
}

// fail says that one object of a message could not be finished.
func (in *Intake) fail(msg *message, err error) {
	in.mu.Lock()
	msg.left--
	if msg.err == nil {
		msg.err = err
	}
	last := msg.left == 0 && !msg.dead
	in.mu.Unlock()
	if last {
		in.finish(context.Background(), msg)
	}
}

// finish acknowledges a message, or gives it back when something in it failed.
func (in *Intake) finish(ctx context.Context, msg *message) {
	in.mu.Lock()
	if msg.dead {
		in.mu.Unlock()
		return
	}
	msg.dead = true
	delete(in.out, msg)
	err := msg.err
	in.mu.Unlock()
	if msg.span != nil {
		defer msg.span.End(End{Err: err})
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackWithin)
	defer cancel()
	if err != nil {
		after := giveAfter * time.Duration(min(max(msg.m.Attempts, 1), 20))
		if errors.Is(err, context.Canceled) {
			after = 0
		}
		if rerr := msg.from.Release(ctx, msg.m, after, err); rerr != nil {
			in.o.Log.Warn("a message could not be given back", "source", msg.from.Name(), "message", msg.m.ID, "error", rerr)
		}
		return
	}
	if aerr := msg.from.Ack(ctx, msg.m); aerr != nil {
		// It comes again, is found judged and kept, and is acknowledged then.
		in.o.Log.Warn("a message could not be acknowledged", "source", msg.from.Name(), "message", msg.m.ID, "error", aerr)
	}
}

// ackWithin bounds one call of Ack, Extend or Release.
const ackWithin = 30 * time.Second

// heartbeat extends what is out of one source, well before its lease ends. Sources are told
// beside each other: one whose service does not answer must not cost others their leases.
func (in *Intake) heartbeat(ctx context.Context, r source.Receiver) {
	extended := map[*message]time.Time{}
	for sleep(ctx, time.Second) {
		now := in.o.Now()
		in.mu.Lock()
		var due []*message
		for msg := range in.out {
			if msg.from != r {
				continue
			}
			at, ok := extended[msg]
			if !ok {
				at = msg.m.Received
			}
			if msg.m.Lease > 0 && now.Sub(at) >= msg.m.Lease/3 {
				due = append(due, msg)
			}
		}
		for msg := range extended {
			if !in.out[msg] {
				delete(extended, msg)
			}
		}
		in.mu.Unlock()
		for _, msg := range due {
			ectx, cancel := context.WithTimeout(ctx, ackWithin)
			if err := msg.from.Extend(ectx, msg.m); err != nil && ctx.Err() == nil {
				in.o.Log.Warn("a message could not be extended", "source", msg.from.Name(), "message", msg.m.ID, "error", err)
			}
			cancel()
			extended[msg] = now
		}
	}
}

// lagEvery is how often sources are asked how far behind they are.
const lagEvery = 15 * time.Second

// lag asks one source how far behind it is, again and again.
func (in *Intake) lag(ctx context.Context, r source.Receiver) {
	for {
		lctx, cancel := context.WithTimeout(ctx, ackWithin)
		l, err := r.Lag(lctx)
		cancel()
		if err == nil { // Receive says what is wrong with the source
			in.mu.Lock()
			in.sources[r.Name()].Lag = l
			in.mu.Unlock()
		}
		if !sleep(ctx, lagEvery) {
			return
		}
	}
}

// giveBack releases what is still out at the end.
func (in *Intake) giveBack(ctx context.Context) {
	in.mu.Lock()
	var left []*message
	for msg := range in.out {
		left = append(left, msg)
	}
	in.mu.Unlock()
	for _, msg := range left {
		in.mu.Lock()
		if msg.err == nil {
			msg.err = context.Canceled
		}
		in.mu.Unlock()
		in.finish(ctx, msg)
	}
}
