package app

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/repeat"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/source"
)

// ScanOptions configure a [Scan].
type ScanOptions struct {
	// Formats are the log types to recognise; nil means all.
	Formats []*decode.Format
	// Workers is how many objects are judged at once; 0 means one per processor.
	Workers int
	// Since leaves out events that say they happened before it.
	Since time.Time
	// RulesOnly leaves out what no rule says: alerts of vendors, ids with several contents.
	RulesOnly bool
	// MinSeverity hides findings below it; 0 hides none.
	MinSeverity yagura.Severity
	// RepeatWindow is how many events are remembered; 0 means [repeat.DefaultWindow].
	RepeatWindow int
	// Problem is told of what went wrong without ending the run, in the order of the
	// objects; nil ignores it. The summary counts it either way.
	Problem func(error)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Scan judges the records of some sources by some rules, once.
type Scan struct {
	o        ScanOptions
	engine   *detect.Engine
	decoder  *decode.Decoder
	since    int64
	cut      cut
	progress progress
	items    sync.Pool
}

// waitingBytes bounds the batches of workers that are ahead of the sequencer.
const waitingBytes = 64 << 20

// largeBytes bounds what the readers of workers that are ahead of the sequencer hold
// beyond the usual.
const largeBytes = 40 << 20

// unitsAhead bounds the objects between the workers and the sequencer, jobsAhead those
// that are listed and not yet begun.
const (
	unitsAhead = 1024
	jobsAhead  = 16_384
)

// NewScan compiles the rules for every format.
func NewScan(rules *Rules, o ScanOptions) (*Scan, error) {
	engine, err := detect.New(rules.Rules, detect.Options{})
	if err != nil {
		return nil, err
	}
	decoder, err := decode.New(decode.Options{Formats: o.Formats, Want: engine.Want})
	if err != nil {
		return nil, err
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.RepeatWindow == 0 {
		o.RepeatWindow = repeat.DefaultWindow
	}
	if o.Problem == nil {
		o.Problem = func(error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Scan{o: o, engine: engine, decoder: decoder, cut: cut{batchRecords, batchFindings}}
	s.items.New = func() any { return make([]repeat.Item, 0, batchRecords) }
	if !o.Since.IsZero() {
		s.since = o.Since.UnixNano()
	}
	return s, nil
}

// Run judges everything that sources list and writes the findings to out, which it
// closes. Cancelling ctx ends the run with what was found until then; that is no error.
// The error is about out, or about the engine's own means; the summary is valid with it.
func (s *Scan) Run(ctx context.Context, out report.Writer, sources ...source.Source) (*Summary, error) {
	began := s.o.Now()
	window, err := repeat.New(s.o.RepeatWindow)
	if err != nil {
		return nil, err
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	q := &sequencer{scan: s, out: out, window: window, windows: s.engine.NewWindows(),
		sum: &Summary{Formats: map[string]uint64{}, Findings: map[yagura.Severity]uint64{}}}
	f := newFlow(waitingBytes, largeBytes)
	order := make(chan *unit, unitsAhead)
	todo := make(chan *unit)
	jobs := make(chan job, jobsAhead)
	taken := make(chan struct{}, 1)
	go s.list(work, sources, jobs, taken)
	go dispatch(work, jobs, taken, order, todo)
	var workers sync.WaitGroup
	for range s.o.Workers {
		workers.Go(func() {
			w := &worker{scan: s, matcher: s.engine.NewMatcher(), flow: f}
			for u := range todo {
				w.judge(work, u)
			}
		})
	}
	for u := range order {
		f.begin(u)
		q.begin(u)
		for b := f.next(u); b != nil; b = f.next(u) {
			if q.batch(b) != nil {
				stop() // the units on their way are drained without being looked at
			}
		}
	}
	workers.Wait()
	err = q.end(ctx)
	q.sum.Elapsed = s.o.Now().Sub(began)
	q.sum.Interrupted = ctx.Err() != nil
	return q.sum, errors.Join(err, window.Close())
}

// list lists every object into jobs. It runs ahead of the workers, so that the total
// is soon known, but for objects that are fetched once they are listed (S3): there it
// goes on when the last one was taken.
func (s *Scan) list(ctx context.Context, sources []source.Source, jobs chan<- job, taken <-chan struct{}) {
	defer close(jobs)
	for _, src := range sources {
		for obj, err := range src.Objects(ctx) {
			if ctx.Err() != nil {
				return
			}
			if err == nil && obj.Size > 0 {
				s.progress.total.Add(obj.Size)
			}
			select {
			case jobs <- job{obj, err}:
			case <-ctx.Done():
				return
			}
			if obj.Source == "s3" {
				select {
				case <-taken:
				case <-ctx.Done():
					return
				}
			}
		}
	}
	s.progress.listed.Store(true)
}

// dispatch hands every job to the sequencer, then to a worker.
func dispatch(ctx context.Context, jobs <-chan job, taken chan<- struct{}, order, todo chan<- *unit) {
	defer close(order)
	defer close(todo)
	for j := range jobs {
		if ctx.Err() != nil {
			continue // the lister sees it too
		}
		u := &unit{job: j}
		order <- u
		todo <- u
		if j.object.Source == "s3" {
			taken <- struct{}{}
		}
	}
}

// Progress is where a run stands.
type Progress struct {
	Read, Total int64 // stored bytes; Total is a lower bound until Listed
	Listed      bool
	Events      uint64
	Findings    uint64
}

// Progress may be asked at any time by any goroutine.
func (s *Scan) Progress() Progress {
	p := &s.progress
	return Progress{p.read.Load(), p.total.Load(), p.listed.Load(), p.events.Load(), p.findings.Load()}
}
