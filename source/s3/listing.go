package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// ListingOptions configure the receiver of a bucket's list.
type ListingOptions struct {
	// Name is the source's name in the configuration.
	Name string
	// Address is s3://bucket/prefix. A prefix that ends in AWSLogs/, or in a folder of
	// accounts, an account, CloudTrail/ or a region below it, is taken for CloudTrail's layout:
	// AWSLogs/[o-…/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/. Every other is listed as it is.
	Address string
	// Store opens the objects.
	Store *Store
	// Accounts and Regions are those to list, in CloudTrail's layout; none is all.
	Accounts, Regions []string
	// Service is the folder of the logs in that layout ("": CloudTrail).
	Service string
	// From and To are days, both listed: of the keys in CloudTrail's layout, of the last
	// write elsewhere. Zero is no bound; with Every, zero From is Lookback ago.
	From, To time.Time
	// Include and Exclude are globs of keys, see [source.Keys].
	Include, Exclude []string
	// Every lists again what is new, this often; 0 lists once and is then finished. What
	// arrives late is found for Lookback (0: 48 hours).
	Every, Lookback time.Duration
	// Cursor keeps how far it got; nil begins anew at each start.
	Cursor source.Cursor
	// Known says which objects were delivered already, by their identities; nil asks nobody.
	// It spares work and is not needed for correctness.
	Known func(ctx context.Context, objects []source.Object) ([]bool, error)
	// Batch is how many messages one Receive brings at most (0: 16), MaxOut how many may be
	// out before Receive waits for acknowledgements (0: 10,000).
	Batch, MaxOut int
	// Now and Wake are the clock (nil: the machine's). Wake's channel gets the time once it
	// is at or later. Log is told what a person should know (nil: nobody).
	Now  func() time.Time
	Wake func(at time.Time) <-chan time.Time
	Log  *slog.Logger
}

// Listing receives the objects of a bucket by listing it. Objects are known by key and ETag,
// so listing the same days again is cheap and safe; the cursor moves only over a stretch of
// the list of which everything is acknowledged.
type Listing struct {
	options        ListingOptions
	bucket         *Bucket
	prefix         string
	keys           *source.Keys
	plan           string // what the cursor belongs to
	first, changed chan struct{}

	mu       sync.Mutex
	pass     *pass // being listed; nil between passes
	passes   int
	next     time.Time // when the next pass begins
	listed   time.Time // when the last pass began whose list came to its end
	order    []*entry  // in the order of the list, from the first that is not finished
	ready    []*object
	delayed  []*object
	items    map[string]*object // ready, delayed or out, by identity
	known    map[string]int     // acknowledged, by identity: the last pass that listed it
	out      int
	state    state // at the end of what is finished
	loaded   bool
	dirty    bool
	saved    time.Time
	saveErr  error
	progress Progress
	closed   bool

	saving sync.Mutex
}

var _ source.Receiver = (*Listing)(nil)

// object is one that was listed and is not finished.
type object struct {
	source.Object
	identity string
	attempts int
	out      bool
	finished bool
	due      time.Time // when it may come again
}

// Progress is how far a listing got.
type Progress struct {
	Pass     int // from 1; later ones look for what is new
	Listed   int64
	Skipped  int64 // left out by the globs, or delivered before
	Done     int64
	Bytes    int64  // stored, of what is done
	At       string // the key that was listed last
	Complete bool   // the list of this pass is at its end
}

// NewListing makes the receiver. Nothing is asked of the network yet.
func NewListing(o ListingOptions) (*Listing, error) {
	fail := func(what, hint string) (*Listing, error) {
		return nil, &source.Error{Name: o.Address, Err: errors.New(what), Hint: hint}
	}
	name, prefix, ok := ParseURL(o.Address)
	switch {
	case !ok || name == "":
		return fail("not an address of S3", "write s3://bucket/prefix")
	case o.Name == "":
		return fail("a source without a name", "")
	case o.Store == nil:
		return fail("no store to open objects", "")
	case o.Every < 0 || o.Lookback < 0 || o.Every > 0 && o.Every < time.Second:
		return fail("a time that cannot be", "")
	case o.Every > 0 && !o.To.IsZero():
		return fail("an end for what goes on for ever", "leave out the last day, or the interval")
	case !o.To.IsZero() && o.To.Before(o.From):
		return fail("the last day lies before the first", "")
	}
	for _, a := range o.Accounts {
		if !account.MatchString(a) {
			return fail(fmt.Sprintf("%q is no account", a), "an account has twelve digits")
		}
	}
	keys, err := source.NewKeys(o.Include, o.Exclude)
	if err != nil {
		return fail(err.Error(), "")
	}
	if o.Service == "" {
		o.Service = "CloudTrail"
	}
	if (len(o.Accounts) > 0 || len(o.Regions) > 0) && !layered(prefix, o.Service) {
		return fail("accounts and regions can be chosen in CloudTrail's layout only", "give the prefix up to AWSLogs/")
	}
	if o.Lookback == 0 {
		o.Lookback = 48 * time.Hour
	}
	if o.Batch <= 0 {
		o.Batch = 16
	}
	if o.MaxOut <= 0 {
		o.MaxOut = 10_000
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
	o.From, o.To = day(o.From), day(o.To)
	l := &Listing{options: o, prefix: prefix, keys: keys, bucket: o.Store.bucket(Ref{Bucket: name}),
		first: make(chan struct{}, 1), changed: make(chan struct{}), items: map[string]*object{}, known: map[string]int{}}
	l.plan = fmt.Sprintf("%s %v %v %s %d %d %q %q %t", o.Address, o.Accounts, o.Regions, o.Service, o.From.Unix(), o.To.Unix(), o.Include, o.Exclude, o.Every > 0)
	return l, nil
}

func day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(24 * time.Hour)
}

var account = regexp.MustCompile(`^\d{12}$`)

// layered reports whether a prefix lies in CloudTrail's layout, at the end of a folder.
func layered(prefix, service string) bool {
	at := strings.LastIndex("/"+prefix, "/AWSLogs/")
	if at < 0 || !strings.HasSuffix(prefix, "/") {
		return false
	}
	rest := strings.Split(strings.TrimSuffix(prefix[at+len("AWSLogs/"):], "/"), "/")
	if rest[0] == "" {
		return true
	}
	if strings.HasPrefix(rest[0], "o-") {
		rest = rest[1:]
	}
	return len(rest) == 0 || account.MatchString(rest[0]) && (len(rest) == 1 || rest[1] == service && len(rest) <= 3)
}

// Name is the name of the source.
func (l *Listing) Name() string { return l.options.Name }

// Progress tells how far it is.
func (l *Listing) Progress() Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.progress
}

var errClosed = errors.New("the receiver is closed")

// signal wakes those who wait for a change. It is called with the lock held.
func (l *Listing) signal() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Receive returns the next objects of the list, listing on as they are asked for.
func (l *Listing) Receive(ctx context.Context) ([]*source.Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.mu.Lock()
		now := l.options.Now()
		if l.closed {
			l.mu.Unlock()
			return nil, errClosed
		}
		if err := l.saveErr; err != nil {
			l.saveErr = nil
			l.mu.Unlock()
			return nil, &source.Error{Name: l.options.Address, Err: fmt.Errorf("its cursor cannot be kept: %w", err)}
		}
		if out := l.hand(now); len(out) > 0 {
			l.mu.Unlock()
			return out, nil
		}
		full := l.out >= l.options.MaxOut
		idle := l.loaded && l.pass == nil && (l.options.Every == 0 && l.passes > 0 || now.Before(l.next))
		finished := idle && l.options.Every == 0 && len(l.items) == 0
		changed, wake := l.changed, l.wake()
		l.mu.Unlock()
		switch {
		case finished:
			if err := l.save(ctx, true); err != nil {
				return nil, err
			}
			return nil, source.ErrFinished
		case full || idle:
			select {
			case <-changed:
			case <-wake:
			case <-ctx.Done():
			}
			continue
		}
		// One lists, others wait for what it brings.
		select {
		case l.first <- struct{}{}:
			err := l.advance(ctx)
			l.mu.Lock()
			<-l.first
			l.signal()
			l.mu.Unlock()
			if err != nil {
				return nil, err
			}
		case <-changed:
		case <-wake:
		case <-ctx.Done():
		}
	}
}

// wake is when something may be handed out by itself. It is called with the lock held.
func (l *Listing) wake() <-chan time.Time {
	at := l.next
	if l.options.Every == 0 {
		at = time.Time{}
	}
	for _, o := range l.delayed {
		if at.IsZero() || o.due.Before(at) {
			at = o.due
		}
	}
	if at.IsZero() {
		return nil
	}
	return l.options.Wake(at)
}

// hand takes what is ready. It is called with the lock held.
func (l *Listing) hand(now time.Time) (out []*source.Message) {
	rest := l.delayed[:0]
	for _, o := range l.delayed {
		if o.due.After(now) {
			rest = append(rest, o)
		} else {
			l.ready = append(l.ready, o)
		}
	}
	l.delayed = rest
	for len(l.ready) > 0 && len(out) < l.options.Batch && l.out < l.options.MaxOut {
		o := l.ready[0]
		l.ready = l.ready[1:]
		o.out, o.attempts = true, o.attempts+1
		l.out++
		out = append(out, &source.Message{ID: o.identity, Objects: []source.Object{o.Object}, Received: now, Attempts: o.attempts, Handle: o})
	}
	return out
}

// own finds the object of a message that is out.
func (l *Listing) own(m *source.Message) (*object, error) {
	o, ok := m.Handle.(*object)
	switch {
	case l.closed:
		return nil, errClosed
	case !ok:
		return nil, fmt.Errorf("%s is no message of the source %s", m.ID, l.options.Name)
	case !o.out:
		return nil, fmt.Errorf("%s is not out", m.ID)
	}
	return o, nil
}

// Ack says that an object is finished. An error of the cursor is told by Receive: the
// object is acknowledged all the same, and comes again after a restart at worst.
func (l *Listing) Ack(ctx context.Context, m *source.Message) error {
	l.mu.Lock()
	o, err := l.own(m)
	if err != nil {
		l.mu.Unlock()
		return err
	}
	o.out, o.finished = false, true
	l.out--
	delete(l.items, o.identity)
	l.known[o.identity] = l.passes
	l.progress.Done++
	l.progress.Bytes += max(o.Size, 0)
	l.drain()
	l.signal()
	l.mu.Unlock()
	_ = l.save(ctx, false) // it is told by Receive
	return nil
}

// Extend has nothing to do: an object is out until it is acknowledged or released.
func (l *Listing) Extend(_ context.Context, m *source.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.own(m)
	return err
}

// Release lets an object come again after a while.
func (l *Listing) Release(_ context.Context, m *source.Message, after time.Duration, _ error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	o, err := l.own(m)
	if err != nil {
		return err
	}
	o.out, o.due = false, l.options.Now().Add(max(after, 0))
	l.out--
	l.delayed = append(l.delayed, o)
	l.signal()
	return nil
}

// Lag counts what is listed; how much is not listed yet nobody knows.
func (l *Listing) Lag(context.Context) (source.Lag, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lag := source.Lag{Waiting: int64(len(l.ready) + len(l.delayed)), Out: int64(l.out), Dead: -1}
	for _, list := range [][]*object{l.ready, l.delayed} {
		for _, o := range list {
			if lag.Oldest.IsZero() || o.Modified.Before(lag.Oldest) {
				lag.Oldest = o.Modified
			}
		}
	}
	if l.pass != nil || l.passes == 0 {
		lag.Waiting = -1
	}
	return lag, nil
}

// Close ends the receiver and keeps the cursor.
func (l *Listing) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.signal()
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return l.save(ctx, true)
}
