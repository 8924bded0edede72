package detect

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
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
	// MaxWindow is how many base matches of one window are held (0: 200,000); a
	// correlation that counts to more holds as many as it counts.
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
	return &Windows{e: e, o: o, in: &sorter{dir: o.SpillDir, limit: o.SpillBytes}}
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
	defer func() {
		for _, s := range chained {
			w.stats.Spilled += s.total
			s.close()
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
			if in.alerts {
				if err := emit(f); err != nil {
					return err
				}
			}
			for _, fd := range in.feeds {
				rec := w.chain(fd, &f, g, win)
				if rec == nil {
					continue
				}
				if chained[fd.corr] == nil {
					chained[fd.corr] = &sorter{dir: w.o.SpillDir, limit: w.o.SpillBytes}
				}
				if err := chained[fd.corr].add(rec); err != nil {
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
func (w *Windows) evaluate(i int, c *correlation, direct, chain *merge, done func(*window) error) error {
	eval := newEvaluator(c, w.o, &w.stats, done)
	var group, lastKey []byte
	lastBase, first := -1, true
	var lastTime int64
	for {
		rec, err := next(i, direct, chain)
		if err == io.EOF {
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

func corrOf(rec []byte) int {
	return int(rec[0])<<24 | int(rec[1])<<16 | int(rec[2])<<8 | int(rec[3])
}

// chain makes a base match of a finding: it happened when its window's last event
// did. It is nil when the correlation
// measures a number and the finding's group has none.
func (w *Windows) chain(fd feed, f *yagura.Finding, group []string, win *window) []byte {
	c := w.e.corrs[fd.corr]
	at := c.Base[fd.base]
	var tuple []byte
	for _, k := range at.Group {
		tuple = appendPart(tuple, []byte(group[k]))
	}
	var key yagura.Key
	hex.Decode(key[:], []byte(f.ID))
	rec := encodeKey(nil, fd, tuple, win.last, key)
	values := []byte{0}
	switch {
	case c.Type == rule.ValueCount:
		var v []byte
		for _, k := range at.Values {
			v = appendPart(v, []byte(group[k]))
		}
		values = encodeValues([][]byte{v})
	case c.valued():
		n, ok := number(group[at.Values[0]])
		if !ok {
			w.stats.NoValue++
			return nil
		}
		values = encodeValues([][]byte{appendFloat(nil, n)})
	}
	return appendHead(append(rec, values...), f.Event, f.Format, f.Source, f.Events, win.total, f.Entities)
}
