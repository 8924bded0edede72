package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// The pace of the claim on a name. A server lets go of the lock of a process that vanished
// by its keep-alives, or after the time that a transaction may be idle: a minute at most.
const (
	claimBeat     = 10 * time.Second
	claimAgain    = time.Second
	claimWithin   = 10 * time.Second
	claimPatience = 75 * time.Second
)

// claim is what this process holds of its replica's name, with PostgreSQL. Leases and the
// mark of the key window go by the name, so a copied data directory must not serve beside
// its original.
//
// Two things make that so. A lock on the name is held by a transaction that stays open on a
// connection of its own, so that it also holds behind a pool of connections: it refuses
// whoever comes second. A number beside the name, which the holder of the lock puts there,
// is looked at by every commit: a process whose lock went with its connection, and whose
// name another one took since, commits nothing more.
type claim struct {
	name string
	slot string // of the number, in commit_mark
	n    int64
	lost chan struct{} // closed when another process has taken the name
	once sync.Once
	wake chan struct{} // looks after the lock now
	stop context.CancelFunc
	done chan struct{}
}

// Lost is closed when another process has taken the name of this replica: nothing can be
// committed any more. It is nil for SQLite, whose directory is locked.
func (db *DB) Lost() <-chan struct{} {
	if db.claim == nil {
		return nil
	}
	return db.claim.lost
}

// LostName says which name another process has taken, once [DB.Lost] is closed.
func (db *DB) LostName() error { return db.claim.taken() }

func (c *claim) lose() error {
	c.once.Do(func() { close(c.lost) })
	return c.taken()
}

func (c *claim) taken() error {
	return fmt.Errorf("%w: %q (hint: if its data directory was copied, remove replica and keys/ from the copy, which then gets a name of its own)", ErrNameTaken, c.name)
}

// takeName claims the name of this replica and prunes what commits of long ago left. Numbers of
// names stay: the clock of another machine must not end a process that lives.
func (db *DB) takeName(ctx context.Context, patience time.Duration) error {
	if patience == 0 {
		patience = claimPatience
	}
	c := &claim{name: db.replica, slot: "replica/" + key(db.replica), n: rand.Int64(), //nolint:gosec // only different, not secret
		lost: make(chan struct{}), wake: make(chan struct{}, 1), done: make(chan struct{})}
	var s *session
	for start := time.Now(); ; {
		var err error
		if s, err = db.lockName(ctx, c); err == nil {
			break
		}
		if !errors.Is(err, ErrNameTaken) || time.Since(start)+claimAgain > patience {
			return err
		}
		if db.trouble != nil {
			db.trouble(err, claimAgain)
		}
		if !after(ctx, claimAgain) {
			return ctx.Err()
		}
	}
	err := db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, "DELETE FROM commit_mark WHERE at < ? AND slot NOT LIKE 'replica/%'", ns(tx.now.Add(-30*24*time.Hour))); err != nil {
			return err
		}
		return c.write(ctx, tx)
	})
	if err != nil {
		s.discard()
		return err
	}
	db.claim = c
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	go db.watchName(watch, s)
	return nil
}

// write puts the number of this process beside its name. It waits for commits under the
// number before.
func (c *claim) write(ctx context.Context, tx *Tx) error {
	_, err := tx.exec(ctx, `INSERT INTO commit_mark (slot, tx, at) VALUES (?, ?, ?)
		ON CONFLICT (slot) DO UPDATE SET tx = excluded.tx, at = excluded.at`, c.slot, c.n, ns(tx.now))
	return err
}

// lockName takes the lock, once. The session is in the transaction that holds it.
func (db *DB) lockName(ctx context.Context, c *claim) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, claimWithin)
	defer cancel()
	s, err := db.postgresSession(ctx)
	if err != nil {
		return nil, err
	}
	got := false
	if err = s.plain(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"); err == nil {
		got, err = s.scanOne(ctx, "SELECT pg_try_advisory_xact_lock(hashtextextended('yagura/' || current_schema() || '/replica/' || ?, 0))", key(c.name))
	}
	if err == nil && got {
		return s, nil
	}
	s.discard()
	if err == nil {
		err = c.taken()
	}
	return nil, err
}

// scanOne reads the one truth value that a query comes to.
func (s *session) scanOne(ctx context.Context, q string, args ...any) (yes bool, err error) {
	rows, err := s.query(ctx, q, args...)
	if err != nil {
		return false, err
	}
	err = drain(rows, func(rows *sql.Rows) error { return rows.Scan(&yes) })
	return yes, err
}

// watchName keeps the lock: it is taken again when its connection is lost.
func (db *DB) watchName(ctx context.Context, s *session) {
	c := db.claim
	defer close(c.done)
	defer func() {
		if s == nil {
			return
		}
		// The lock goes now, and not when the server sees that the connection has ended: who
		// starts next need not wait.
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.plain(within, "ROLLBACK") // where it does not, the lock goes with the connection
		s.discard()
	}()
	for pause := claimBeat; ; {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-c.lost:
			timer.Stop()
			return
		case <-timer.C:
		case <-c.wake:
			timer.Stop()
		}
		err := db.beat(ctx, &s)
		pause = claimBeat
		if err != nil && ctx.Err() == nil {
			pause = claimAgain
			if db.trouble != nil {
				db.trouble(fmt.Errorf("the lock on the replica's name: %w", err), pause)
			}
		}
	}
}

// beat looks whether the lock and the number are still ours, and takes the lock again when
// it is not.
func (db *DB) beat(ctx context.Context, s **session) (err error) {
	if *s == nil {
		if *s, err = db.lockName(ctx, db.claim); err != nil {
			return errors.Join(err, db.ours(ctx))
		}
	}
	within, cancel := context.WithTimeout(ctx, claimWithin)
	defer cancel()
	ours, err := (*s).scanOne(within, "SELECT EXISTS (SELECT 1 FROM commit_mark WHERE slot = ? AND tx = ?)", db.claim.slot, db.claim.n)
	switch {
	case err != nil:
		(*s).discard()
		*s = nil
	case !ours:
		err = db.claim.lose()
	}
	return err
}

// ours looks at the number alone.
func (db *DB) ours(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, claimWithin)
	defer cancel()
	s, err := db.postgresSession(ctx)
	if err != nil {
		return err
	}
	ours, err := s.scanOne(ctx, "SELECT EXISTS (SELECT 1 FROM commit_mark WHERE slot = ? AND tx = ?)", db.claim.slot, db.claim.n)
	db.give(nil, s, err == nil)
	if err == nil && !ours {
		err = db.claim.lose()
	}
	return err
}

// unclaim gives the name up.
func (c *claim) unclaim() {
	if c == nil {
		return
	}
	c.stop()
	<-c.done
}

// after waits, and says whether the context lives.
func after(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
