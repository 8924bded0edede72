package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// The errors that callers tell apart, with errors.Is.
var (
	// ErrNotFound says that there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrCursor says that a cursor of a list names no place in it.
	ErrCursor = errors.New("it is not one that was given out")
	// ErrLeaseLost says that a lease ran out and somebody else has the row, or that it is
	// finished already: what was done with it must not be written down.
	ErrLeaseLost = errors.New("the lease is lost")
	// ErrMoved says that an issue or a user was changed by somebody else since it was read. Update
	// runs the function again a few times before it gives the error back.
	ErrMoved = errors.New("changed by somebody else meanwhile")
	// ErrTaken says that a cause key belongs to another issue, for good.
	ErrTaken = errors.New("the cause key belongs to another issue")
	// ErrUserTaken says that another user has the name, or is what the provider calls so.
	ErrUserTaken = errors.New("another user has the name or the subject")
	// ErrInDoubt says that the answer to a commit was lost and could not be looked up while
	// the context lived: the transaction may be committed or not.
	ErrInDoubt = errors.New("it is not known whether the transaction was committed")
	// ErrServed says that another process serves this directory.
	ErrServed = errors.New("another process serves this directory")
	// ErrNameTaken says that another process has the name of this replica, with PostgreSQL:
	// nothing can be committed under it.
	ErrNameTaken = errors.New("another process has the name of this replica")
)

// Mode says what a process wants of the database.
type Mode uint8

// The modes.
const (
	Serve    Mode = iota // the one process that serves a SQLite directory, or a replica's name with PostgreSQL
	Shared               // beside a server: reads, and small changes
	ReadOnly             // beside a server: reads
)

// Options say which database is opened, and how.
type Options struct {
	URL        string // "": SQLite in Dir; else postgres://…
	Dir        string // of SQLite's files and of the replica's name
	AcceptLoss bool   // SQLite may be where commits do not last
	// Unsynced has SQLite leave commits to the system, and not bring them to the disk: who sets
	// it syncs the files in Dir once the database is closed, or throws them away.
	Unsynced bool
	Replica  string // "": a ULID that is kept in Dir/replica
	Mode     Mode
	Now      func() time.Time // nil: time.Now
	// Trouble is told of every error that Update waits out (a server that is away, a lock
	// of another process), before the wait. It must be quick. May be nil.
	Trouble func(err error, wait time.Duration)
	// Progress is told now and then how far work has come that takes long when a database is
	// brought up to this version: what it is about, and how much is done and left. May be nil.
	Progress func(what string, done, left int64)
	// Patience is how long PostgreSQL may still hold the name of this replica for a process
	// that is gone, before Open refuses; 0: a bit more than a server takes to notice.
	Patience time.Duration
}

// DB is an open database. Its methods may be used by many goroutines at once.
type DB struct {
	dialect *dialect
	replica string
	home    string // the name of the folder, which is that of the replica that serves it
	shard   int64
	mode    Mode
	now     func() time.Time
	trouble func(error, time.Duration)
	told    func(what string, done, left int64)
	dir     string
	steps   []migration
	grace   time.Duration // how long a commit without an answer is looked up after the context ended

	pool  *sql.DB
	turn  chan *session // SQLite: whoever holds its one element writes; nil is a session to be made
	reads chan *session // SQLite: the same for those that read
	lock  *os.File      // held by the process that serves the folder
	line  *line         // SQLite: where processes that write wait
	claim *claim        // PostgreSQL: the hold on the name of this replica, when it serves

	texts sync.Map
	tail  tailCache
	slots slots
	use   use
}

// use counts the transactions that run, so that Close can wait for them.
type use struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

func (u *use) enter() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return errClosed
	}
	u.wg.Add(1)
	return nil
}

func (u *use) leave() { u.wg.Done() }

// close lets nobody enter any more and waits for those who are in; first says whether
// it is the first call.
func (u *use) close() (first bool) {
	u.mu.Lock()
	first = !u.closed
	u.closed = true
	u.mu.Unlock()
	u.wg.Wait()
	return first
}

// Open opens the database, makes it new or brings it up to this version, and returns when
// it can be used.
func Open(ctx context.Context, o Options) (*DB, error) {
	steps, err := migrations(migrationFiles)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return open(ctx, o, steps)
}

func open(ctx context.Context, o Options, steps []migration) (*DB, error) {
	db := &DB{now: o.Now, mode: o.Mode, dir: o.Dir, trouble: o.Trouble, told: o.Progress, steps: steps, grace: 10 * time.Second}
	if db.now == nil {
		db.now = time.Now
	}
	var err error
	if db.replica, err = replicaName(o); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if db.home, err = homeName(o, db.replica); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	h := fnv.New32a()
	h.Write([]byte(db.replica))
	db.shard = int64(h.Sum32() % shards)
	switch scheme, _, _ := strings.Cut(o.URL, ":"); {
	case o.URL == "":
		err = db.openSQLite(ctx, o)
	case scheme == "postgres" || scheme == "postgresql":
		err = db.openPostgres(ctx, o)
	default:
		// The rest of the URL may hold a password.
		err = fmt.Errorf("%q: want postgres://… or nothing for SQLite", scheme+":")
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", errors.Join(err, db.shut()))
	}
	return db, nil
}

// shards is how many rows the counters of one source or sink are spread over, so that
// replicas do not wait for each other.
const shards = 16

func replicaName(o Options) (string, error) {
	switch {
	case o.Replica != "":
		return o.Replica, nil
	case o.Dir == "" || o.Mode != Serve:
		return ulid.Make().String(), nil
	}
	return folderName(o)
}

// homeName returns the name of the data folder: of the process that serves it, whatever process
// asks. It is "" where there is no folder, or none that a process that only reads could name.
func homeName(o Options, replica string) (string, error) {
	switch {
	case o.Replica != "" || o.Mode == Serve:
		return replica, nil
	case o.Dir == "":
		return "", nil
	case o.Mode == ReadOnly:
		text, err := os.ReadFile(filepath.Join(o.Dir, "replica"))
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		return strings.TrimSpace(string(text)), err
	}
	return folderName(o)
}

// folderName returns the name that a data folder has, and gives it one where it has none.
func folderName(o Options) (string, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(o.Dir, "replica")
	for {
		text, err := os.ReadFile(path)
		if name := strings.TrimSpace(string(text)); err == nil && name != "" {
			return name, nil
		} else if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		// The name appears whole or not at all, and the first who writes it wins.
		part, err := os.CreateTemp(o.Dir, "replica-*")
		if err != nil {
			return "", err
		}
		_, err = part.WriteString(ulid.Make().String() + "\n")
		err = errors.Join(err, part.Sync(), part.Close())
		if err == nil && len(text) == 0 {
			if _, stat := os.Stat(path); stat == nil {
				err = os.Rename(part.Name(), path) // an empty file of a crash
			} else if err = os.Link(part.Name(), path); errors.Is(err, os.ErrExist) {
				err = nil
			}
		}
		os.Remove(part.Name()) //nolint:errcheck // a name that is left over does no harm
		if err != nil {
			return "", err
		}
	}
}

// Replica returns the name of this process among those that share the database.
func (db *DB) Replica() string { return db.replica }

// Home returns the name of the data folder, which is that of the replica that serves it.
func (db *DB) Home() string { return db.home }

// Dialect returns "sqlite" or "postgres".
func (db *DB) Dialect() string { return db.dialect.name }

// Close waits for transactions that run and closes the database.
func (db *DB) Close() error {
	if !db.use.close() {
		return nil
	}
	if err := db.shut(); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

func (db *DB) shut() error {
	var errs []error
	db.claim.unclaim()
	for _, sessions := range []chan *session{db.turn, db.reads} {
		for range cap(sessions) {
			if s := <-sessions; s != nil {
				errs = append(errs, s.close())
			}
		}
	}
	if db.pool != nil {
		errs = append(errs, db.pool.Close())
	}
	if db.line != nil {
		errs = append(errs, db.line.close())
	}
	// The lock is given up last: SQLite has moved its log into the database by then.
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
	}
	return errors.Join(errs...)
}

// errClosed is what a transaction on a closed database gets.
var errClosed = errors.New("the database is closed")

// slots hands out names under which transactions mark their commits, so that no two
// transactions that run at once share one.
type slots struct {
	mu   sync.Mutex
	base string
	free []*slot
	made int
}

type slot struct {
	name string
	last int64
}

func (s *slots) take() *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		sl := s.free[n-1]
		s.free = s.free[:n-1]
		return sl
	}
	if s.base == "" {
		s.base = ulid.Make().String()
	}
	s.made++
	return &slot{name: fmt.Sprintf("%s/%d", s.base, s.made)}
}

func (s *slots) give(sl *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, sl)
}
