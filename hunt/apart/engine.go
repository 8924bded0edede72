package apart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/yagura-sec/yagura/hunt"
)

// Limits that hold where Options says nothing.
const (
	defaultTimeout = time.Minute
	defaultGrace   = time.Second
	defaultIdle    = 5 * time.Minute
)

// Options are of an Engine.
type Options struct {
	// Command makes the process: what it starts calls Serve with its standard input and output.
	Command func() (*exec.Cmd, error)
	// Setup is what Serve gives to its open, made anew for each process; nil: nothing.
	Setup func() ([]byte, error)

	Timeout time.Duration // of a question that says none, and the longest
	Grace   time.Duration // that the engine has to end a question by itself
	Memory  int64         // bytes that the process may hold; 0: not looked at
	Idle    time.Duration // after which the process is ended when nothing was asked
}

// Engine asks in another process. It is safe for use by several goroutines.
type Engine struct {
	o Options
	// A question that is asked again is alone: it holds all of these, the others one each.
	places *semaphore.Weighted

	mu     sync.Mutex
	now    *process // nil while there is none
	idle   *time.Timer
	asking int // questions that are being answered
	closed bool
}

var _ hunt.Engine = (*Engine)(nil)

// manyQuestions is how many are sent at once; how many of them it works on is the engine's.
const manyQuestions = 1 << 10

// New makes an engine; its process starts with the first question.
func New(o Options) *Engine {
	o.Timeout, o.Grace, o.Idle = cmp.Or(o.Timeout, defaultTimeout), cmp.Or(o.Grace, defaultGrace), cmp.Or(o.Idle, defaultIdle)
	return &Engine{o: o, places: semaphore.NewWeighted(manyQuestions)}
}

// Inspect implements hunt.Engine.
func (e *Engine) Inspect(ctx context.Context, sql string) ([]hunt.Use, error) {
	a, err := e.answer(ctx, request{Kind: inspect, SQL: sql})
	if err != nil {
		return nil, err
	}
	return a.last.Uses, nil
}

// Query implements hunt.Engine. Its rows are all there when it returns.
func (e *Engine) Query(ctx context.Context, q hunt.Query) (hunt.Rows, error) {
	w, err := toWire(q)
	if err != nil {
		return nil, err
	}
	a, err := e.answer(ctx, request{Kind: ask, Query: w})
	if err != nil {
		return nil, err
	}
	return &rows{columns: a.columns, parts: a.parts, stats: a.last.Stats}, nil
}

// answer asks, and asks again where the process ended for a reason that may be another's.
func (e *Engine) answer(ctx context.Context, r request) (*answer, error) {
	a, err := e.once(ctx, r, 1)
	if lost, ok := errors.AsType[*lostError](err); ok && !lost.alone {
		a, err = e.once(ctx, r, manyQuestions)
	}
	if lost, ok := errors.AsType[*lostError](err); ok {
		return nil, lost.why
	}
	return a, err
}

// once asks while it holds so many places.
func (e *Engine) once(ctx context.Context, r request, places int64) (*answer, error) {
	if err := e.places.Acquire(ctx, places); err != nil {
		return nil, fmt.Errorf("wait for the hunting engine: %w", context.Cause(ctx))
	}
	defer e.places.Release(places)
	p, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer e.leave()
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	limit := e.o.Timeout
	if t := r.Query.Timeout; t > 0 {
		limit = min(limit, t)
	}
	return p.ask(ctx, r, limit, e.o.Grace)
}

// enter starts a process where there is none, and keeps it from being ended as idle.
func (e *Engine) enter() (*process, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("the hunting engine is closed")
	}
	if e.idle != nil {
		e.idle.Stop()
	}
	if e.now == nil || e.now.over() {
		p, err := start(&e.o)
		if err != nil {
			return nil, fmt.Errorf("start the hunting engine: %w", err)
		}
		e.now = p
	}
	e.asking++
	return e.now, nil
}

func (e *Engine) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.asking--; e.asking == 0 && !e.closed {
		e.idle = time.AfterFunc(e.o.Idle, e.rest)
	}
}

// rest ends a process that nobody asks.
func (e *Engine) rest() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.asking == 0 && e.now != nil {
		e.now.end(nil)
		e.now = nil
	}
}

// Close ends the process, and with it the questions that are being answered.
func (e *Engine) Close() error {
	e.mu.Lock()
	p := e.now
	e.now, e.closed = nil, true
	if e.idle != nil {
		e.idle.Stop()
	}
	e.mu.Unlock()
	if p != nil {
		p.end(nil)
		<-p.done
	}
	return nil
}

// answer is what came back to a question.
type answer struct {
	columns []hunt.Column
	parts   [][]byte
	last    response
}

// rows are those of an answer.
type rows struct {
	columns []hunt.Column
	parts   [][]byte
	stats   hunt.Stats
	values  []any
	err     error
}

// Columns implements hunt.Rows.
func (r *rows) Columns() []hunt.Column { return r.columns }

// Next implements hunt.Rows.
func (r *rows) Next() bool {
	for len(r.parts) > 0 && len(r.parts[0]) == 0 {
		r.parts = r.parts[1:]
	}
	if r.err != nil || len(r.parts) == 0 {
		return false
	}
	r.values = make([]any, len(r.columns))
	for i := range r.values {
		if r.values[i], r.parts[0], r.err = readValue(r.parts[0]); r.err != nil {
			return false
		}
	}
	return len(r.columns) > 0
}

// Values implements hunt.Rows.
func (r *rows) Values() []any { return r.values }

// Err implements hunt.Rows.
func (r *rows) Err() error { return r.err }

// Close implements hunt.Rows.
func (r *rows) Close() error {
	r.parts = nil
	return nil
}

// EngineStats implements hunt.Rows.
func (r *rows) EngineStats() hunt.Stats { return r.stats }

// lostError is that a process ended while it worked on a question.
type lostError struct {
	why   *hunt.Error // for whoever is at fault
	alone bool        // nobody else can be
}

func (l *lostError) Error() string { return l.why.Error() }
