package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/file"
	"github.com/yagura-sec/yagura/store"
)

// playback runs a service on a clock that is walked from outside: files that are there at a
// moment are received, decoded, judged and kept as ever, windows are evaluated, chores done
// and notices delivered, all as of that moment. So what is written down of a week that is
// played in seconds says when it would have happened. A playback is either played to its end
// or thrown away, so it brings its data to the disk once, at its end, and not at each commit.
type playback struct {
	serve  *Serve
	clock  *walked
	hands  map[string]*hand
	judged chan error
	owed   *atomic.Bool
	found  uint64    // findings when stories were told last
	hourly time.Time // when the chores of an hour were done last
	cancel context.CancelFunc
	ended  chan error
}

// walked is a clock that stands until it is set.
type walked struct{ at atomic.Int64 }

func (w *walked) now() time.Time   { return time.Unix(0, w.at.Load()).UTC() }
func (w *walked) set(at time.Time) { w.at.Store(at.UnixNano()) }

// newPlayback makes the service of a configuration, standing at a moment. Nothing listens, and
// rules on a schedule are not run: the service that goes on with the folder runs them.
func newPlayback(ctx context.Context, o ServeOptions, at time.Time) (*playback, error) {
	p := &playback{clock: &walked{}, hands: map[string]*hand{}, judged: make(chan error, 1024), owed: &atomic.Bool{}, ended: make(chan error, 1)}
	p.clock.set(at)
	cfg := *o.Config
	cfg.Server.Listen, cfg.Schedule.Off = "", true
	cfg.Lake.Flush = max(cfg.Lake.Flush, config.Duration(playbackFlush))
	o.Config, o.Now, o.hands, o.unsynced = &cfg, p.clock.now, map[string]source.Receiver{}, true
	for i := range cfg.Sources {
		h := &hand{name: cfg.Sources[i].Name, give: make(chan *source.Message)}
		p.hands[h.name], o.hands[h.name] = h, h
	}
	o.judged = func(_, object string, err error) {
		if err != nil {
			err = fmt.Errorf("%s: %w", object, err)
		}
		p.judged <- err
	}
	var err error
	if p.serve, err = NewServe(ctx, o); err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	go func() { p.ended <- p.serve.in.Run(run) }()
	return p, nil
}

// close ends the service, and brings what it wrote to the disk: nothing is there for good
// before close has returned without an error.
func (p *playback) close() error {
	p.cancel()
	if err := errors.Join(<-p.ended, p.serve.close()); err != nil {
		return err
	}
	return syncTree(p.serve.o.Config.Data)
}

// playbackFlush is how much time passes on the walked clock before files of the lake are
// written: of a week that is played in seconds a minute would be a file of a few records.
const playbackFlush = 12 * time.Hour

// received is a file that a source finds.
type received struct {
	source, path    string
	records, broken int
}

// step walks to a moment and has everything done that is due by then.
func (p *playback) step(ctx context.Context, at time.Time, files []received) error {
	p.clock.set(at)
	if err := p.receive(ctx, files); err != nil {
		return err
	}
	if len(files) > 0 {
		if err := p.serve.in.Evaluate(ctx); err != nil {
			return err
		}
	}
	if n := p.serve.in.Stats.Findings.Load(); n != p.found {
		p.found = n
		if err := errors.Join(p.serve.house.fold(ctx, at), p.serve.house.story(ctx, at)); err != nil {
			return err
		}
		p.owed.Store(true)
	}
	if at.Sub(p.hourly) >= time.Hour {
		p.hourly = at
		h := p.serve.house
		if err := errors.Join(h.silence(ctx, at), h.tick(ctx, at), h.digest(ctx, at), h.tellStopped(ctx, at)); err != nil {
			return err
		}
		p.owed.Store(true)
	}
	return p.deliver(ctx)
}

// receive has files received and judged.
func (p *playback) receive(ctx context.Context, files []received) error {
	var sending sync.WaitGroup
	defer sending.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	sending.Go(func() {
		for _, f := range files {
			o, err := file.Whole(f.path)
			if err == nil {
				m := &source.Message{ID: o.Identity(), Objects: []source.Object{o}, Received: p.clock.now(), Attempts: 1}
				select {
				case p.hands[f.source].give <- m:
					continue
				case <-ctx.Done():
					err = ctx.Err()
				}
			}
			failed <- err
			return
		}
	})
	for range files {
		select {
		case err := <-p.judged:
			if err != nil {
				return err
			}
		case err := <-failed:
			return err
		case err := <-p.ended:
			p.ended <- nil
			return fmt.Errorf("the playback ended early: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// change applies what a person did.
func (p *playback) change(ctx context.Context, c yagura.Change) error {
	_, err := p.serve.inbox().Apply(ctx, c)
	p.owed.Store(true)
	return err
}

// deliver brings what is owed to the sinks.
func (p *playback) deliver(ctx context.Context) error {
	if !p.owed.Swap(false) {
		return nil
	}
	for _, d := range p.serve.senders {
		if err := d.Drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// issues returns the issues as they are, at most a thousand.
func (p *playback) issues(ctx context.Context) (list []yagura.Issue, err error) {
	err = p.serve.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		list, _, err = latest(ctx, tx, issuesThat(), "", issuePage)
		return err
	})
	return list, err
}

// finish does once what a service does that has run for a week.
func (p *playback) finish(ctx context.Context) error {
	h, now := p.serve.house, p.clock.now()
	if err := p.serve.lake.Sync(ctx); err != nil {
		return err
	}
	return errors.Join(h.fold(ctx, now), h.story(ctx, now), h.status(ctx, now))
}

// hand is a receiver that hands out what it is given.
type hand struct {
	name string
	give chan *source.Message
}

var _ source.Receiver = (*hand)(nil)

// Name is that of the source which it stands for.
func (h *hand) Name() string { return h.name }

// Receive waits for the next file.
func (h *hand) Receive(ctx context.Context) ([]*source.Message, error) {
	select {
	case m := <-h.give:
		return []*source.Message{m}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Ack has nothing to take back: the file stays where it is.
func (*hand) Ack(context.Context, *source.Message) error { return nil }

// Extend has no lease.
func (*hand) Extend(context.Context, *source.Message) error { return nil }

// Release needs nothing: the service that goes on finds the file in its folder, undelivered.
func (*hand) Release(context.Context, *source.Message, time.Duration, error) error { return nil }

// Lag is none.
func (*hand) Lag(context.Context) (source.Lag, error) { return source.Lag{Dead: -1}, nil }

// Close ends nothing.
func (*hand) Close() error { return nil }
