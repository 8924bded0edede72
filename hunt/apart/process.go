package apart

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/hunt"
)

// process is one process of the engine.
type process struct {
	cmd   *exec.Cmd
	in    io.Closer
	out   *sender
	said  first         // what it wrote on standard error
	ready chan struct{} // closed when it took the setup, or did not: bad
	bad   error
	done  chan struct{} // closed when it has ended

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]*waiter
	ending  bool
	why     *hunt.Error // that it was ended; nil: it ended by itself, or was not needed
	known   bool        // whose fault that was: of nobody who still waits
}

type waiter struct {
	answer answer
	done   chan error // nil: the answer is complete
}

// start starts a process and has it set up.
func start(o *Options) (*process, error) {
	var limits []byte
	if o.Setup != nil {
		var err error
		if limits, err = o.Setup(); err != nil {
			return nil, err
		}
	}
	cmd, err := o.Command()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ready: make(chan struct{}), done: make(chan struct{}), waiting: map[uint64]*waiter{}}
	cmd.Stderr = &p.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.in, p.out = in, newSender(in)
	go p.read(out)
	go p.send(request{Kind: setup, Setup: limits})
	if o.Memory > 0 {
		go p.watch(o.Memory)
	}
	return p, nil
}

// send sends a message. A process that takes none is ended by whoever waits for its answer.
func (p *process) send(r request) {
	if err := p.out.send(r); err != nil {
		p.end(nil)
	}
}

// read takes answers until the process ends.
func (p *process) read(from io.Reader) {
	dec := gob.NewDecoder(bufio.NewReaderSize(from, 256<<10))
	var up response
	err := dec.Decode(&up)
	if err == nil {
		p.bad = up.error()
		close(p.ready)
	}
	for err == nil {
		var r response
		if err = dec.Decode(&r); err == nil {
			p.take(&r)
		}
	}
	p.end(nil) // it ends, or makes no sense
	exit := p.cmd.Wait()
	close(p.done)
	if up.End {
		p.lose(exit)
		return
	}
	p.bad = p.reason(exit)
	close(p.ready)
}

// take takes a part of an answer.
func (p *process) take(r *response) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.waiting[r.ID]
	if w == nil {
		return // it was given up
	}
	if r.Columns != nil {
		w.answer.columns = r.Columns
	}
	if len(r.Rows) > 0 {
		w.answer.parts = append(w.answer.parts, r.Rows)
	}
	if r.End {
		w.answer.last = *r
		delete(p.waiting, r.ID)
		w.done <- r.error()
	}
}

// lose tells everybody who waits that the process has ended.
func (p *process) lose(exit error) {
	reason := p.reason(exit)
	p.mu.Lock()
	defer p.mu.Unlock()
	lost := &lostError{why: reason, alone: len(p.waiting) == 1 && !p.known}
	for id, w := range p.waiting {
		delete(p.waiting, id)
		w.done <- lost
	}
}

// reason says why the process ended.
func (p *process) reason(exit error) *hunt.Error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.why != nil {
		return p.why
	}
	text := "the hunting engine ended in the middle of the query"
	if exit != nil {
		text += ": " + exit.Error()
	}
	if line := p.said.line(); line != "" {
		text += ": " + line
	}
	return &hunt.Error{Message: text, Limit: true, Hint: "the query is more than the engine bears: ask for less at once"}
}

// readyWithin is how long a process may take until it is ready. It does not count as time of
// the question that it was started for.
const readyWithin = time.Minute

// wait waits until the process took its setup.
func (p *process) wait(ctx context.Context) error {
	late := time.NewTimer(readyWithin)
	defer late.Stop()
	select {
	case <-p.ready:
		return p.bad
	case <-late.C:
		err := &hunt.Error{Limit: true, Message: fmt.Sprintf("the hunting engine was not ready after %s", readyWithin)}
		p.end(err)
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ask asks a question. When it is not answered after the time that it may take and the grace,
// or the grace after ctx has ended, the process is ended.
func (p *process) ask(ctx context.Context, r request, limit, grace time.Duration) (*answer, error) {
	w := &waiter{done: make(chan error, 1)}
	p.mu.Lock()
	if p.ending {
		p.mu.Unlock()
		return nil, &lostError{why: &hunt.Error{Message: "the hunting engine ended"}}
	}
	p.next++
	r.ID = p.next
	p.waiting[r.ID] = w
	p.mu.Unlock()
	go p.send(r)
	late := time.NewTimer(limit + grace)
	defer late.Stop()
	select {
	case err := <-w.done:
		return &w.answer, err
	case <-late.C:
		err := &hunt.Error{Limit: true, Message: fmt.Sprintf("the query was ended after %s, with the process that worked on it", limit+grace), Hint: "take a shorter time range or fewer columns"}
		p.giveUp(r.ID, err)
		return nil, err
	case <-ctx.Done():
	}
	go p.send(request{ID: r.ID, Kind: cancel})
	late.Reset(grace)
	select {
	case <-w.done: //nolint:errcheck // nobody waits for the answer any more
	case <-late.C:
		p.giveUp(r.ID, &hunt.Error{Limit: true, Message: "the query was given up and did not end"})
	}
	return nil, context.Cause(ctx)
}

// giveUp ends the process because of one question: who waits for others asks again.
func (p *process) giveUp(id uint64, why *hunt.Error) {
	p.mu.Lock()
	delete(p.waiting, id)
	p.known = p.known || !p.ending
	p.mu.Unlock()
	p.end(why)
}

// end ends the process. The reason is told to those who wait.
func (p *process) end(why *hunt.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending {
		return
	}
	p.ending, p.why = true, why
	_ = p.cmd.Process.Kill() // it is gone already, or goes
	_ = p.in.Close()
}

// over reports whether the process takes no more questions.
func (p *process) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ending
}

// look is how often memory is looked at.
const look = 50 * time.Millisecond

// watch ends the process when it holds more memory than it may.
func (p *process) watch(most int64) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	statm := fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid)
	for {
		select {
		case <-p.done:
			return
		case <-ticker.C:
		}
		data, err := os.ReadFile(statm)
		if errors.Is(err, os.ErrNotExist) {
			return // it has ended, or this system does not say
		}
		if fields := bytes.Fields(data); len(fields) > 1 {
			pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
			if held := pages * int64(os.Getpagesize()); held > most {
				p.end(&hunt.Error{Limit: true, Message: fmt.Sprintf("the query was ended with the process that worked on it: it held %d MB, %d MB are allowed", held>>20, most>>20), Hint: "make less text of one row, or ask for less at once"})
				return
			}
		}
	}
}

// first keeps the beginning of what is written.
type first struct {
	mu   sync.Mutex
	kept []byte
}

// Write implements io.Writer.
func (f *first) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = append(f.kept, b[:min(len(b), 4<<10-len(f.kept))]...)
	return len(b), nil
}

// line is the first line, quoted where it has characters that do not print.
func (f *first) line() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	line, _, _ := strings.Cut(strings.TrimSpace(string(f.kept)), "\n")
	if q := strconv.Quote(line); q != `"`+line+`"` {
		return q
	}
	return line
}
