package file

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/yagura-sec/yagura/source"
)

// What happens to a whole file when it is acknowledged.
const (
	AfterNothing = ""
	AfterDelete  = "delete"
	AfterMove    = "move"
)

// WatchOptions configure the receiver of a folder.
type WatchOptions struct {
	// Name is the source's name in the configuration.
	Name string
	// Paths are folders, with all that is in them, and files. One that does not exist yet is
	// waited for.
	Paths []string
	// Follow are globs of the names of files that are written to line by line (nil: *.jsonl,
	// *.ndjson and *.log). They are read on from the last line that was read. Every other file
	// is read whole once it is finished.
	Follow []string
	// Include and Exclude are globs of paths, see [source.Keys].
	Include, Exclude []string
	// Settle is how long a file has to stay unchanged to be finished (0: 5 s, negative: not at
	// all, for files that are always renamed into place).
	Settle time.Duration
	// Rescan is how often the paths are looked through, beside what the system tells (0: 10 s).
	Rescan time.Duration
	// After is what happens to a whole file when it is acknowledged: nothing, AfterDelete, or
	// AfterMove into the folder MoveTo. Files that are followed are never touched.
	After, MoveTo string
	// Cursor keeps how far files were followed; nil reads them from their beginning at each
	// start.
	Cursor source.Cursor
	// Known says which whole files were delivered already, by their identities; without it all
	// that lie there come again after a restart.
	Known func(ctx context.Context, objects []source.Object) ([]bool, error)
	// Slice is how many bytes of a followed file are one object at most (0: 8 MB), Line how
	// long a line may be (0: 64 MB); a longer one is poison.
	Slice, Line int64
	// Batch is how many messages one Receive brings at most (0: 16).
	Batch int
	// Now and Wake are the clock (nil: the machine's). Wake's channel gets the time once it
	// is at or later. Log is told what a person should know (nil: nobody).
	Now  func() time.Time
	Wake func(at time.Time) <-chan time.Time
	Log  *slog.Logger
}

// gap is the least time between two scans.
const gap = 200 * time.Millisecond

// Watch receives the files of folders as they come, and the lines of logs as they are
// written.
type Watch struct {
	options WatchOptions
	keys    *source.Keys
	notify  *fsnotify.Watcher // nil where the system has none to give
	ended   chan struct{}
	one     chan struct{} // held by who scans

	mu        sync.Mutex
	changed   chan struct{}
	dirty     bool      // something happened since the last scan
	last      time.Time // when the last scan began
	scanned   bool
	more      bool      // what was seen is not all cut
	settles   time.Time // when the next file is finished, zero when none is waited for
	whole     map[string]*whole
	followed  []*followed
	ready     []*item
	delayed   []*item
	out       int
	said      map[string]bool // errors that were told
	problems  []error
	unsaved   bool // how far files are followed
	saved     time.Time
	loaded    bool
	closed    bool
	digesting sync.Mutex // of the cursor
}

var _ source.Receiver = (*Watch)(nil)

// item is an object that is not finished: a whole file, or a slice of a followed one.
type item struct {
	source.Object
	whole    *whole
	file     *followed
	slice    *slice
	attempts int
	out      bool
	due      time.Time
	refused  error
	body     []byte
}

// NewWatch makes the receiver and asks the system to tell of changes.
func NewWatch(o WatchOptions) (*Watch, error) {
	fail := func(what, hint string) (*Watch, error) {
		return nil, &source.Error{Name: o.Name, Err: errors.New(what), Hint: hint}
	}
	switch {
	case o.Name == "":
		return fail("a source without a name", "")
	case len(o.Paths) == 0:
		return fail("nothing to watch", "name a folder or a file")
	case o.After != AfterNothing && o.After != AfterDelete && o.After != AfterMove:
		return fail(fmt.Sprintf("after: %q", o.After), "write delete or move, or leave it out")
	case (o.After == AfterMove) != (o.MoveTo != ""):
		return fail("move needs a folder to move to, and only move does", "")
	case o.Rescan < 0 || o.Slice < 0 || o.Line < 0:
		return fail("a size or time below zero", "")
	}
	keys, err := source.NewKeys(o.Include, o.Exclude)
	if err != nil {
		return fail(err.Error(), "")
	}
	if o.Follow == nil {
		o.Follow = []string{"*.jsonl", "*.ndjson", "*.log"}
	}
	for _, g := range o.Follow {
		if _, err := filepath.Match(g, ""); err != nil {
			return fail(fmt.Sprintf("%q is not a pattern", g), "")
		}
	}
	if o.Settle == 0 {
		o.Settle = 5 * time.Second
	}
	if o.Rescan == 0 {
		o.Rescan = 10 * time.Second
	}
	if o.Slice == 0 {
		o.Slice = 8 << 20
	}
	if o.Line == 0 {
		o.Line = 64 << 20
	}
	if o.Batch <= 0 {
		o.Batch = 16
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wake == nil {
		o.Wake = func(at time.Time) <-chan time.Time { return time.After(time.Until(at)) }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MoveTo != "" {
		o.MoveTo = real(o.MoveTo)
	}
	w := &Watch{options: o, keys: keys, ended: make(chan struct{}), one: make(chan struct{}, 1), changed: make(chan struct{}),
		whole: map[string]*whole{}, said: map[string]bool{}}
	if w.notify, err = fsnotify.NewWatcher(); err != nil {
		o.Log.Warn("the system cannot tell of changes; files are looked for by scanning alone", "source", o.Name, "error", err)
		w.notify = nil
	} else {
		go w.listen()
	}
	return w, nil
}

// listen notes that something happened. What it was the next scan finds out.
func (w *Watch) listen() {
	for {
		select {
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if e.Has(fsnotify.Create) {
				if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
					_ = w.notify.Add(e.Name) // the next scan tries again
				}
			}
		case _, ok := <-w.notify.Errors: // above all, too many events at once
			if !ok {
				return
			}
		case <-w.ended:
			return
		}
		w.mu.Lock()
		w.dirty = true
		w.signal()
		w.mu.Unlock()
	}
}

// Name is the name of the source.
func (w *Watch) Name() string { return w.options.Name }

var errClosed = errors.New("the receiver is closed")

// signal wakes those who wait for a change. It is called with the lock held.
func (w *Watch) signal() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// Receive returns what is finished and what was written, looking for it as it is asked for.
func (w *Watch) Receive(ctx context.Context) ([]*source.Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w.mu.Lock()
		now := w.options.Now()
		if w.closed {
			w.mu.Unlock()
			return nil, errClosed
		}
		if out := w.hand(now); len(out) > 0 {
			w.mu.Unlock()
			return out, nil
		}
		if len(w.problems) > 0 {
			err := w.problems[0]
			w.problems = w.problems[1:]
			w.mu.Unlock()
			return nil, err
		}
		at, work := w.next(), w.scan
		if w.more {
			at, work = now, w.cut // there is work without looking for it
		}
		changed := w.changed
		w.mu.Unlock()
		if !at.After(now) {
			select {
			case w.one <- struct{}{}:
				err := work(ctx)
				w.mu.Lock()
				<-w.one
				w.signal()
				w.mu.Unlock()
				if err != nil {
					return nil, err
				}
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		select {
		case <-changed:
		case <-w.options.Wake(at):
		case <-ctx.Done():
		}
	}
}

// next is when to scan, or to hand out what was released. It is called with the lock held.
func (w *Watch) next() time.Time {
	if !w.scanned {
		return time.Time{}
	}
	at := w.last.Add(w.options.Rescan)
	if w.dirty {
		at = w.last.Add(gap)
	}
	if !w.settles.IsZero() && w.settles.Before(at) {
		at = w.settles
	}
	if least := w.last.Add(gap); at.Before(least) {
		at = least
	}
	for _, i := range w.delayed {
		if i.due.Before(at) {
			at = i.due
		}
	}
	return at
}

// hand takes what is ready. It is called with the lock held.
func (w *Watch) hand(now time.Time) (out []*source.Message) {
	rest := w.delayed[:0]
	for _, i := range w.delayed {
		switch {
		case i.due.After(now):
			rest = append(rest, i)
		case i.whole == nil || i.whole.item == i: // a newer version takes its place
			w.ready = append(w.ready, i)
		}
	}
	w.delayed = rest
	for len(w.ready) > 0 && len(out) < w.options.Batch {
		i := w.ready[0]
		w.ready = w.ready[1:]
		i.out, i.attempts = true, i.attempts+1
		w.out++
		m := &source.Message{ID: i.Identity(), Received: now, Attempts: i.attempts, Handle: i}
		if i.refused != nil {
			m.Refused, m.Body = i.refused, i.body
		} else {
			m.Objects = []source.Object{i.Object}
		}
		out = append(out, m)
	}
	return out
}

// own finds what a message that is out holds. It is called with the lock held.
func (w *Watch) own(m *source.Message) (*item, error) {
	i, ok := m.Handle.(*item)
	switch {
	case w.closed:
		return nil, errClosed
	case !ok:
		return nil, fmt.Errorf("%s is no message of the source %s", m.ID, w.options.Name)
	case !i.out:
		return nil, fmt.Errorf("%s is not out", m.ID)
	}
	return i, nil
}

// Ack says that a file, or a slice of one, is finished. A file that cannot be deleted or
// moved is told to the log, and does not come again.
func (w *Watch) Ack(ctx context.Context, m *source.Message) error {
	w.mu.Lock()
	i, err := w.own(m)
	if err != nil {
		w.mu.Unlock()
		return err
	}
	i.out = false
	w.out--
	if i.whole != nil {
		i.whole.done = i.Tag
		if i.whole.item == i {
			i.whole.item = nil
		}
	} else {
		i.file.finish(i.slice)
		w.unsaved = true
	}
	w.mu.Unlock()
	if i.whole != nil {
		w.after(ctx, i)
		return nil
	}
	if err := w.save(ctx, false); err != nil {
		w.options.Log.WarnContext(ctx, "how far files were followed cannot be kept", "source", w.options.Name, "error", err)
	}
	return nil
}

// Extend has nothing to do: a file is out until it is acknowledged or released.
func (w *Watch) Extend(_ context.Context, m *source.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.own(m)
	return err
}

// Release lets a file come again after a while.
func (w *Watch) Release(_ context.Context, m *source.Message, after time.Duration, _ error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.own(m)
	if err != nil {
		return err
	}
	i.out, i.due = false, w.options.Now().Add(max(after, 0))
	w.out--
	w.delayed = append(w.delayed, i)
	w.signal()
	return nil
}

// Lag looks for what is there: whole files, finished or not, and followed files with lines
// that nobody has read.
func (w *Watch) Lag(ctx context.Context) (source.Lag, error) {
	select {
	case w.one <- struct{}{}:
	case <-ctx.Done():
		return source.Lag{Waiting: -1, Out: -1, Dead: -1}, ctx.Err()
	}
	err := w.scan(ctx)
	<-w.one
	w.mu.Lock()
	defer w.mu.Unlock()
	l := source.Lag{Out: int64(w.out), Dead: -1}
	older := func(at time.Time) {
		l.Waiting++
		if l.Oldest.IsZero() || at.Before(l.Oldest) {
			l.Oldest = at
		}
	}
	for _, list := range [][]*item{w.ready, w.delayed} {
		for _, i := range list {
			older(i.Modified)
		}
	}
	for _, f := range w.whole {
		if f.item == nil && f.tag() != f.done && f.size > 0 {
			older(f.modified)
		}
	}
	for _, f := range w.followed {
		if f.State.Next < f.size {
			older(f.modified)
		}
	}
	return l, err
}

// Close ends the receiver and keeps how far it got.
func (w *Watch) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	close(w.ended)
	w.signal()
	w.mu.Unlock()
	w.one <- struct{}{} // whoever scans comes to an end
	defer func() { <-w.one }()
	if w.notify != nil {
		_ = w.notify.Close() // it only ends listening
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return w.save(ctx, true)
}
