package intake

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/repeat"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/triage"
)

// Tx is what the intake writes in one transaction.
type Tx interface {
	triage.Book
	Deliveries(ctx context.Context, source string, objects []string) (map[string]yagura.Delivery, error)
	PutDeliveries(ctx context.Context, rows []yagura.Delivery) error
	PutDead(ctx context.Context, rows []yagura.DeadLetter) error
	PutKept(ctx context.Context, rows []yagura.KeptRange) error
	Windows
	State(ctx context.Context, key string) ([]byte, bool, error)
	PutState(ctx context.Context, key string, value []byte) error
}

// Windows is what the evaluation of correlations needs of the store.
type Windows interface {
	AddWindowRows(ctx context.Context, rows []yagura.WindowRow) (int64, error)
	LeaseWindowGroups(ctx context.Context, owner string, now, until time.Time, limit int) ([]yagura.WindowGroup, error)
	WindowRows(ctx context.Context, corr yagura.Key, group, after []byte, yield func(yagura.WindowRow) error) error
	ReplaceOrigin(ctx context.Context, corr yagura.Key, origins []string, rows []yagura.WindowRow) error
	SettleWindowGroup(ctx context.Context, g yagura.WindowGroup, owner string, sealed []byte, due time.Time) error
	DropWindowRows(ctx context.Context, corr yagura.Key, group, upTo []byte) error
	Supersede(ctx context.Context, findings []string) error
}

// Store runs transactions. The function may run again; it has no effects outside it.
type Store interface {
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	View(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
}

// Keys is the window of event keys, see [repeat.Disk].
type Keys interface {
	Judge(items []repeat.Item, out []repeat.Verdict, mark uint64) error
	Sync() error
	// Committed says that the store has the mark: its keys may leave the log.
	Committed(mark uint64)
}

// Generation is one load of the rules.
type Generation struct {
	Hash    string
	Engine  *detect.Engine
	Decoder *decode.Decoder
}

// Own is what a record is to us.
type Own struct {
	// Own: it is our own traffic. It is kept and counted, and not judged.
	Own bool
	// Finding says that it is ours and should not be; the rules judge it all the same.
	Finding *yagura.Finding
}

// Options configure an [Intake].
type Options struct {
	Receivers []source.Receiver
	Store     Store
	Desk      *triage.Desk
	Keys      Keys
	Keep      keep.Keep
	// Copies keeps the bytes of whole objects, before they are acknowledged; nil: nobody does.
	Copies source.Copies
	// Heads has every record handed to Keep with its header.
	Heads bool
	// Generation returns the rules that hold now; it is asked for every object.
	Generation func() *Generation
	// Own says what a record is to us; nil: nothing.
	Own func(format string, record []byte) Own
	// Mark is the last mark that the store has, MarkKey the key that it is kept under.
	Mark    uint64
	MarkKey string
	Owner   string // of leases: this process
	Workers int    // 0: one per processor
	// Lateness is how long after an event its record may come (0: 20 minutes): windows that
	// are judged at their end wait so long, and base matches are settled after it.
	Lateness time.Duration
	Now      func() time.Time
	Log      *slog.Logger
	// Committed is called after every commit that owed notices.
	Committed func()
	// Judged is told of each object that is judged to its end, after the commit, with what
	// ended the reading early; nil: nobody is. It must be quick.
	Judged func(source, object string, err error)
	// Stepped says that somebody walks the clock: windows are evaluated by [Intake.Evaluate]
	// and at no other time.
	Stepped bool
	// Trace is told when something begins that takes time; nil: nobody is. It must be quick
	// and safe for many goroutines.
	Trace func(b Begin) Span
}

// Begin is what a span begins with: a message that was received ("receive"), or one commit
// of what was judged ("commit").
type Begin struct {
	Name string
	// Source, Message, Objects and Attempts are of a message.
	Source   string
	Message  string
	Objects  int
	Attempts int
	// From are the spans of the messages that a commit is of.
	From []Span
}

// Span is under way until it is ended, once.
type Span interface{ End(End) }

// End is what a span came to.
type End struct {
	Err error
	// Records, Findings, Notices and Attempts are of a commit.
	Records, Findings, Notices, Attempts int
}

// Intake is the way of records from the receivers to the store.
type Intake struct {
	o      Options
	pieces chan *piece
	kept   chan keptNote
	room   *weight
	work   chan *job
	wake   chan struct{} // of the evaluation of windows
	ended  chan struct{} // closed when the committer has ended

	stuck   atomic.Pointer[error] // why nothing is committed at the moment
	mu      sync.Mutex
	out     map[*message]bool     // handed out, not finished
	byObj   map[string][]*message // objects at work in this process, and what else waits for them
	Stats   Stats
	sources map[string]*sourceState
	// accounts has when a record of an account came last, by source, since it was asked.
	accounts map[string]map[string]time.Time
}

// Stats are counters since the start; they may be read at any time.
type Stats struct {
	Records, Repeats, Broken, Own, Findings atomic.Uint64
	Commits, Retries, Bytes                 atomic.Uint64
	Evaluated                               atomic.Uint64
}

// sourceState is what is shown of a source.
type sourceState struct {
	LastEvent time.Time
	LastSeen  time.Time
	Error     string
	ErrorAt   time.Time
	Lag       source.Lag
}

// SourceStatus is what is known of a source in this process.
type SourceStatus struct {
	Name      string
	LastEvent time.Time // event time of the latest record
	LastSeen  time.Time // when a message came last
	Error     string    // of the last attempt to receive; "" when it went well
	ErrorAt   time.Time
	Lag       source.Lag
}

// New returns an Intake.
func New(o Options) *Intake {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Lateness <= 0 {
		o.Lateness = 20 * time.Minute
	}
	if o.Own == nil {
		o.Own = func(string, []byte) Own { return Own{} }
	}
	if o.Committed == nil {
		o.Committed = func() {}
	}
	in := &Intake{o: o, pieces: make(chan *piece, 256), kept: make(chan keptNote, 256), work: make(chan *job), wake: make(chan struct{}, 1), ended: make(chan struct{}),
		out: map[*message]bool{}, byObj: map[string][]*message{}, sources: map[string]*sourceState{}, accounts: map[string]map[string]time.Time{}, room: newWeight(maxFlight)}
	for _, r := range o.Receivers {
		in.sources[r.Name()] = &sourceState{}
	}
	return in
}

// maxFlight bounds the bytes of records between the workers and the store.
const maxFlight = 48 << 20

// Run works until ctx ends. Then nothing more is received, what workers hold is given
// back, and what is with the committer is committed. The error is one that cannot be
// worked around; a source or a store that is away is waited for.
func (in *Intake) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The committer outlives the receivers, so that nothing that was read is read in vain.
	hard, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var receivers, workers, rest sync.WaitGroup
	for _, r := range in.o.Receivers {
		receivers.Go(func() { in.receive(ctx, r) })
	}
	for range in.o.Workers {
		workers.Go(func() { in.worker(ctx) })
	}
	var fault error
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		defer close(in.ended)
		if fault = in.commit(hard); fault != nil {
			cancel() // without it nothing else is of use
		}
	}()
	for _, r := range in.o.Receivers {
		rest.Go(func() { in.heartbeat(ctx, r) })
		rest.Go(func() { in.lag(ctx, r) })
	}
	if !in.o.Stepped {
		rest.Go(func() { in.evaluate(ctx) })
	}
	done := make(chan struct{})
	go func() {
		receivers.Wait()
		close(in.work)
		workers.Wait()
		if k, ok := in.o.Keep.(interface{ Flush() }); ok {
			k.Flush() // nothing more comes that it could wait for
		}
		close(in.pieces)
		close(done)
	}()
	select {
	case <-done:
	case <-committed:
	}
	// A store that is away must not hold up the end for good.
	timer := time.AfterFunc(stopWithin, stop)
	<-committed
	timer.Stop()
	rest.Wait()
	in.giveBack(context.WithoutCancel(ctx))
	return fault
}

// stopWithin is how long the end waits for the store.
const stopWithin = 20 * time.Second

// Sources says how the sources of this process are.
func (in *Intake) Sources() []SourceStatus {
	in.mu.Lock()
	defer in.mu.Unlock()
	var out []SourceStatus
	for _, r := range in.o.Receivers {
		s := in.sources[r.Name()]
		out = append(out, SourceStatus{r.Name(), s.LastEvent, s.LastSeen, s.Error, s.ErrorAt, s.Lag})
	}
	return out
}

// Stuck says why nothing can be judged at the moment; nil when it can.
func (in *Intake) Stuck() error {
	if p := in.stuck.Load(); p != nil {
		return *p
	}
	return nil
}

// Accounts returns when records of each account came last, by source, since it was
// asked before.
func (in *Intake) Accounts() map[string]map[string]time.Time {
	in.mu.Lock()
	defer in.mu.Unlock()
	out := in.accounts
	in.accounts = map[string]map[string]time.Time{}
	return out
}

// Heard gives back what [Intake.Accounts] returned of a source and could not be written down.
func (in *Intake) Heard(source string, at map[string]time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for account, t := range at {
		if in.accounts[source] == nil {
			in.accounts[source] = map[string]time.Time{}
		}
		if t.After(in.accounts[source][account]) {
			in.accounts[source][account] = t
		}
	}
}

// weight bounds what is in flight, in bytes.
type weight struct {
	mu    sync.Mutex
	cond  sync.Cond
	n     int64
	limit int64
}

func newWeight(limit int64) *weight {
	w := &weight{limit: limit}
	w.cond.L = &w.mu
	return w
}

// take waits for room; one that is larger than the limit waits for all of it.
func (w *weight) take(ctx context.Context, n int64) error {
	stop := context.AfterFunc(ctx, func() { w.mu.Lock(); w.cond.Broadcast(); w.mu.Unlock() })
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.n > 0 && w.n+n > w.limit {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.cond.Wait()
	}
	w.n += n
	return nil
}

func (w *weight) give(n int64) {
	w.mu.Lock()
	w.n -= n
	w.cond.Broadcast()
	w.mu.Unlock()
}

// sleep waits on the clock of the world; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
