package detect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/yagura-sec/yagura"
)

// WindowOptions bound the evaluation of correlations.
type WindowOptions struct {
	// SpillDir is where base matches go that memory cannot hold; "" means the system's
	// directory for temporary files.
	SpillDir string
	// SpillBytes is how many bytes of base matches are held in memory (0: 64 MB).
	SpillBytes int64
	// MaxEvents is how many events a finding names (0: 1000).
	MaxEvents int
	// MaxWindow is how many different values of one window are told apart (0: 200,000; a
	// correlation that counts to more tells apart as many as it counts), and 20 times as
	// many numbers ranked. Base matches beyond it are counted in Stats.Trimmed.
	MaxWindow int
}

func (o WindowOptions) whole() WindowOptions {
	if o.SpillDir == "" {
		o.SpillDir = os.TempDir()
	}
	if o.SpillBytes <= 0 {
		o.SpillBytes = 64 << 20
	}
	if o.MaxEvents <= 0 {
		o.MaxEvents = 1000
	}
	if o.MaxWindow <= 0 {
		o.MaxWindow = 200_000
	}
	return o
}

// Windows collects base matches and evaluates the correlations over all of them at
// the end. What it finds depends on the set of base matches alone, not on the order
// in which they came. Add is safe for concurrent use.
type Windows struct {
	e     *Engine
	o     WindowOptions
	mu    sync.Mutex
	in    *sorter
	stats Stats
	done  bool
}

// NewWindows returns an empty Windows. Close removes its temporary files.
func (e *Engine) NewWindows() *Windows {
	o := e.options.Windows.whole()
	return &Windows{e: e, o: o, in: &sorter{dir: o.SpillDir, limit: o.SpillBytes, most: maxRuns}}
}

// Correlations reports whether any rule of e is a correlation.
func (e *Engine) Correlations() bool { return len(e.corrs) > 0 }

// Add takes a base match in; nil is none. The error is that of the spill file.
func (w *Windows) Add(b *BaseMatch) error {
	if b == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return fmt.Errorf("windows: a base match after the end")
	}
	w.stats.add(b.stats)
	for _, rec := range b.records {
		if err := w.in.add(rec); err != nil {
			return fmt.Errorf("windows: %w", err)
		}
	}
	return nil
}

// Stats returns what was counted so far.
func (w *Windows) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Spilled = w.in.total
	return s
}

// Close removes the temporary files.
func (w *Windows) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	return w.in.close()
}

// Finish evaluates all correlations and calls emit for every finding: by
// correlation, group and time, a correlation after those it is built on. An error of
// emit ends it. It may be called once.
func (w *Windows) Finish(emit func(yagura.Finding) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return fmt.Errorf("windows: finished already")
	}
	w.done = true
	direct, err := w.in.sorted()
	if err != nil {
		return fmt.Errorf("windows: %w", err)
	}
	chained := map[int]*sorter{}
	limit := w.chainLimit()
	defer func() {
		for _, s := range chained {
			w.stats.Spilled += s.total
			_ = s.close() // what it held is judged
		}
	}()
	for i, c := range w.e.corrs {
		var chain *merge
		if s := chained[i]; s != nil {
			if chain, err = s.sorted(); err != nil {
				return fmt.Errorf("windows: %w", err)
			}
		}
		in := &w.e.info[c.num]
		done := func(win *window) error {
			f, g, err := w.finding(c, in, win)
			if err != nil {
				return err
			}
			if in.finds {
				if err := emit(f); err != nil {
					return err
				}
			}
			w.stats.Cut += win.cut
			for _, fd := range in.feeds {
				add := func(rec []byte) error {
					if chained[fd.corr] == nil {
						chained[fd.corr] = &sorter{dir: w.o.SpillDir, limit: limit, most: maxChainRuns}
					}
					return chained[fd.corr].add(rec)
				}
				if err := w.chain(c, fd, &f, g, win, add); err != nil {
					return err
				}
			}
			return nil
		}
		if err := w.evaluate(i, c, direct, chain, done); err != nil {
			return fmt.Errorf("windows: %w", err)
		}
	}
	return nil
}

// evaluate runs correlation number i over its base matches: those of direct, and
// those that other correlations made.
func (w *Windows) evaluate(i int, c *correlation, direct, chain *merge, done func(*window) error) (err error) {
	held := &queue{dir: w.o.SpillDir, limit: w.o.SpillBytes / 4, corrs: w.e.corrs}
	defer func() {
		w.stats.Spilled += held.total
		err = errors.Join(err, held.close())
	}()
	eval := newEvaluator(c, w.o, &w.stats, held, done)
	var group, lastKey []byte
	lastBase, first := -1, true
	var lastTime int64
	for {
		rec, err := next(i, direct, chain)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		r := &record{}
		if err := decodeRecord(rec, w.e.corrs, r); err != nil {
			return err
		}
		if first || !bytes.Equal(group, r.group) {
			if !first {
				if err := eval.end(); err != nil {
					return err
				}
			}
			group, lastKey, first = r.group, nil, false
			eval.begin(group)
		}
		if lastKey != nil && r.time == lastTime && bytes.Equal(r.key, lastKey) {
			if r.base == lastBase {
				w.stats.Repeats++
				continue
			}
			lastBase = r.base
			if !c.temporal() {
				continue // one event counts once, however many base rules it matches
			}
		}
		lastKey, lastBase, lastTime = r.key, r.base, r.time
		w.stats.Matches++
		if err := eval.add(r); err != nil {
			return err
		}
	}
	if first {
		return nil
	}
	return eval.end()
}

// next returns the next record of correlation i from two sorted sources.
func next(i int, direct, chain *merge) ([]byte, error) {
	var a, b []byte
	for {
		a = direct.peek()
		if a == nil || corrOf(a) >= i {
			break
		}
		if _, err := direct.next(); err != nil { // of a correlation that was not evaluated: none
			return nil, err
		}
	}
	if a != nil && corrOf(a) != i {
		a = nil
	}
	if chain != nil {
		b = chain.peek()
	}
	switch {
	case a == nil && b == nil:
		return nil, io.EOF
	case b == nil || a != nil && bytes.Compare(a, b) <= 0:
		return direct.next()
	default:
		return chain.next()
	}
}

func corrOf(rec []byte) int { return int(binary.BigEndian.Uint32(rec)) }
