package repeat

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/segment"
)

// DiskOptions of a [Disk]. The zero value is ready to use for a caller that has
// committed nothing yet.
type DiskOptions struct {
	// Window is how long a key is remembered after its last arrival; 0: 72 hours.
	Window time.Duration
	// MaxKeys is how many of the latest keys are remembered at least, inside the window;
	// beyond that and an eighth more the oldest are forgotten. 0: 500 million.
	MaxKeys int64
	// FilterBytes is about how much memory the filters and page indexes may take; 0: 160 MB.
	FilterBytes int64
	// Committed is the mark of the caller's last commit. What was judged under a later one
	// is forgotten: it was never judged.
	Committed uint64
	Now       func() time.Time
	FS        segment.FS

	retry     time.Duration // after a failed write of a file of keys; 0: a second
	tableKeys int           // entries of a memory table; 0: defaultTableKeys
}

// DefaultMaxKeys is how many keys a [Disk] remembers unless told otherwise.
const DefaultMaxKeys = 500_000_000

// An epoch is the unit of age: a 200th of the window.
const (
	windowEpochs = 200
	// refreshEpochs is how old a remembered event is when its repeat renews it. Entries
	// live so much longer than the window, so that no repeat falls out early.
	refreshEpochs = 25
	liveEpochs    = windowEpochs + refreshEpochs

	maxItems = 1 << 20 // of one Judge

	// defaultTableKeys fill three quarters of a memory table of 16 MB.
	defaultTableKeys = 780_000
)

// The errors that callers tell apart.
var (
	ErrClosed = errors.New("the key window is closed")
	// ErrBehind is wrapped by Judge's error when the keys do not come to the disk: the
	// disk is full, or [Disk.Committed] was not called.
	ErrBehind = errors.New("too many keys wait to be written")
)

// Disk is the window of event keys of a service: like [Window] in what it says, but it
// remembers hundreds of millions of keys in files, over restarts and crashes.
type Disk struct {
	dir string
	o   DiskOptions
	log *segment.Log

	epochLen int64 // nanoseconds

	installing sync.Mutex // held over a change of the view; taken before mu
	background sync.WaitGroup
	stop       chan struct{} // closed by Close
	full       chan struct{} // a table waits to be written, or its mark was committed
	wake       chan struct{} // there may be something to merge or to expire

	mu        sync.Mutex
	view      *view
	nextSeq   uint64
	epoch     int64        // of the last Judge
	stuck     error        // why tables are not written
	tables    []*diskTable // the first one takes new entries; the others wait to be written
	committed uint64
	mark      uint64 // of the last Judge
	unsynced  []logged
	problems  []error
	stats     DiskStats
	closed    bool

	scratch judgeScratch
}

// diskTable is a memory table with its place in the log.
type diskTable struct {
	*memtable
	logEnd segment.Position // everything of the table is in the log before it
}

// logged is a frame of the log that is not known to be durable.
type logged struct {
	span  segment.Span
	frame []byte
}

// DiskStats are the books of a [Disk].
type DiskStats struct {
	Keys     int64     // in memory and in files; a key that came again late may count twice
	Files    int       // of keys
	Bytes    int64     // of files and log
	Expired  int64     // forgotten because they left the window, since opening
	Evicted  int64     // forgotten because there were too many, since opening
	Dropped  int64     // forgotten at opening because they were judged and not committed
	Oldest   time.Time // arrival of the oldest key, to a 200th of the window; zero when there is none
	Reads    int64     // pages read to judge, since opening
	Problems int64     // since opening
}

// OpenDisk opens the key window of a directory, making it where there is none.
func OpenDisk(dir string, o DiskOptions) (*Disk, error) {
	if o.Window <= 0 {
		o.Window = 72 * time.Hour
	}
	if o.MaxKeys <= 0 {
		o.MaxKeys = DefaultMaxKeys
	}
	if o.FilterBytes <= 0 {
		o.FilterBytes = 160 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = segment.OS
	}
	if o.retry <= 0 {
		o.retry = time.Second
	}
	if o.tableKeys <= 0 {
		o.tableKeys = defaultTableKeys
	}
	d := &Disk{dir: dir, o: o, epochLen: max(int64(o.Window)/windowEpochs, 1), committed: o.Committed, mark: o.Committed,
		view: &view{}, stop: make(chan struct{}), full: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	if err := o.FS.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("repeat: %w", err)
	}
	log, err := segment.Open(filepath.Join(dir, "log"), segment.Options{MaxBytes: 1 << 30, Now: o.Now, FS: o.FS})
	if err != nil {
		return nil, fmt.Errorf("repeat: %w", err)
	}
	d.log = log
	if err := d.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("repeat: open %s: %w", dir, err), d.release())
	}
	return d, nil
}

func (d *Disk) load() error {
	for _, damage := range d.log.Recovered().Damage {
		d.problem(fmt.Errorf("repeat: log: %w: repeats of the events that stood there are not noticed", damage))
	}
	if err := d.openFiles(); err != nil {
		return err
	}
	d.push(segment.Position{})
	dropped, err := d.replay()
	if err != nil {
		return err
	}
	if d.stats.Dropped += dropped; dropped > 0 {
		if err := d.snapshot(); err != nil {
			return err
		}
	}
	d.background.Add(2)
	go d.flush()
	go d.work()
	signal(d.full)
	signal(d.wake)
	return nil
}

// release frees what Close and a failed opening leave.
func (d *Disk) release() error {
	err := d.log.Close()
	for _, t := range d.tables {
		err = errors.Join(err, t.free())
	}
	d.tables = nil
	for f := range d.view.all {
		err = errors.Join(err, f.close())
	}
	d.view = &view{}
	return err
}

// now returns the epoch of the clock.
func (d *Disk) now() (time.Time, int64) {
	t := d.o.Now()
	return t, floorDiv(t.UnixNano(), d.epochLen)
}

// push makes a new table take the entries from here on.
func (d *Disk) push(logEnd segment.Position) {
	if len(d.tables) > 0 {
		d.tables[0].logEnd = logEnd
	}
	d.tables = append([]*diskTable{{memtable: newMemtable(0)}}, d.tables...)
}

// rebase makes the stamps of an empty table begin at an epoch, or a little before it: the
// clock may go back.
func (t *memtable) rebase(epoch int64, exactly bool) {
	if t.used == 0 {
		if t.base = epoch; !exactly {
			t.base -= 8
		}
	}
}

// remember adds an entry to the table that takes them.
func (d *Disk) remember(e entry, epoch int64, mark uint64) {
	d.tables[0].add(e, epoch, mark)
}

// problem notes what the operator should know. The lock is held, or nobody else is there.
func (d *Disk) problem(err error) {
	d.stats.Problems++
	if len(d.problems) < 100 {
		d.problems = append(d.problems, err)
	}
}

// Problems returns what was found damaged or could not be done since it was last asked,
// at most a hundred of them.
func (d *Disk) Problems() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.problems
	d.problems = nil
	return p
}

// Judge judges events in order and remembers them under a mark: a number above that of
// every commit the caller has made, and not below that of the Judge before. Later calls
// see the keys at once; they are durable after [Disk.Sync]. When Judge returns an error,
// nothing was remembered and out means nothing. It is for one goroutine.
func (d *Disk) Judge(items []Item, out []Verdict, mark uint64) error {
	if len(items) > maxItems {
		return fmt.Errorf("repeat: %d events in one call: at most %d", len(items), maxItems)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return fmt.Errorf("repeat: %w", ErrClosed)
	case mark <= d.committed || mark < d.mark:
		return fmt.Errorf("repeat: mark %d: %d is committed and %d was judged", mark, d.committed, d.mark)
	case len(items) == 0:
		return nil
	}
	now, epoch := d.now()
	d.freeze(epoch)
	if t := d.tables[0]; t.used >= d.o.tableKeys && len(d.tables) > maxTables || t.used > 0 && epoch-t.base > maxStamps-2 {
		return fmt.Errorf("repeat: %w: %w", ErrBehind, d.reason())
	}
	if epoch != d.epoch {
		d.epoch = epoch
		signal(d.wake)
	}
	s := &d.scratch
	s.reset(items)
	d.search(s, epoch)
	fresh := s.decide(items, out[:len(items)], epoch)
	if len(fresh) > 0 {
		frame := appendArrived(make([]byte, 0, arrivedHead+len(fresh)*arrivedBytes), mark, now, fresh)
		span, err := d.log.Append(frame)
		if err != nil {
			return fmt.Errorf("repeat: %w", err)
		}
		d.unsynced = append(d.unsynced, logged{span, frame})
		d.tables[0].rebase(epoch, false)
		for _, e := range fresh {
			d.remember(e, epoch, mark)
		}
		d.freeze(epoch)
	}
	d.mark = mark
	return nil
}

// reason says why tables wait. The lock is held.
func (d *Disk) reason() error {
	if d.stuck != nil {
		return d.stuck
	}
	if t := d.tables[len(d.tables)-1]; t.mark > d.committed {
		return fmt.Errorf("mark %d was not committed, only %d (hint: call Committed after each commit)", t.mark, d.committed)
	}
	return errors.New("the disk is slow")
}

// Sync returns when the keys of every Judge so far are durable. It may run beside Judge.
// When it fails, the next Sync tries again for the same keys.
func (d *Disk) Sync() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return fmt.Errorf("repeat: %w", ErrClosed)
	}
	if len(d.unsynced) == 0 {
		d.mu.Unlock()
		return nil
	}
	spans := d.spans()
	d.mu.Unlock()
	// Judge goes on meanwhile.
	err := d.log.Sync(spans...)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		return d.sync()
	}
	d.durable(len(spans))
	return nil
}

// sync makes the log durable with the lock held. Of frames whose fsync failed nobody
// knows what the disk holds: they are written once more, to another file; twice there is
// as good as once.
func (d *Disk) sync() error {
	if len(d.unsynced) == 0 {
		return nil
	}
	if err := d.log.Sync(d.spans()...); err != nil {
		for i := range d.unsynced {
			span, aerr := d.log.Append(d.unsynced[i].frame)
			if aerr != nil {
				return fmt.Errorf("repeat: %w", errors.Join(err, aerr))
			}
			d.unsynced[i].span = span
		}
		if err := d.log.Sync(d.spans()...); err != nil {
			return fmt.Errorf("repeat: %w", err)
		}
	}
	d.durable(len(d.unsynced))
	return nil
}

// spans returns where the frames stand that are not known to be durable.
func (d *Disk) spans() []segment.Span {
	spans := make([]segment.Span, len(d.unsynced))
	for i, u := range d.unsynced {
		spans[i] = u.span
	}
	return spans
}

// durable forgets the first frames: they need not be written again.
func (d *Disk) durable(n int) {
	d.unsynced = append(d.unsynced[:0:0], d.unsynced[n:]...)
}

// Committed tells that the caller's commit of a mark stands. Keys leave the log for the
// files of keys only when their mark is committed, so it must be called after commits.
func (d *Disk) Committed(mark uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.committed = max(d.committed, mark)
	if len(d.tables) > 1 {
		signal(d.full)
	}
}

// Stats returns the books.
func (d *Disk) Stats() DiskStats {
	files := d.log.Files()
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stats
	oldest := int64(math.MaxInt64)
	for _, t := range d.tables {
		s.Keys += int64(t.used)
		oldest = min(oldest, t.first)
	}
	for f := range d.view.all {
		s.Files++
		s.Keys += f.meta.keys
		s.Bytes += f.meta.size()
		for i, n := range f.meta.stamps {
			if n > 0 {
				oldest = min(oldest, f.epochs[i])
				break
			}
		}
	}
	for _, f := range files {
		s.Bytes += f.Bytes
	}
	if s.Keys > 0 {
		s.Oldest = time.Unix(0, oldest*d.epochLen)
	}
	return s
}

// Close makes everything durable and ends.
func (d *Disk) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	err := d.sync()
	d.closed = true
	d.mu.Unlock()
	close(d.stop)
	d.background.Wait()
	return errors.Join(err, d.release())
}
