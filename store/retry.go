package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// How often a transaction runs again for reasons that ought to go away at once.
const (
	mostRaces = 50 // deadlocks, serialization failures
	mostMoves = 10 // rows that others made or changed: by then fn does not look for them
)

// again runs once until it is done, fails for good, or ctx ends.
func (db *DB) again(ctx context.Context, once func() error) error {
	races, moves, waits := 0, 0, 0
	for {
		err := once()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			// The context's own error has to be found in it, whatever the driver made of it.
			if errors.Is(err, ctx.Err()) {
				return err
			}
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		var wait time.Duration
		switch db.classify(err) {
		case raced:
			if races++; races > mostRaces {
				return err
			}
			if db.moved(err) {
				if moves++; moves > mostMoves {
					return err
				}
			}
			wait = time.Duration(rand.Int64N(int64(min(races, 10)) * int64(2*time.Millisecond))) //nolint:gosec // chance, not a secret
		case busy, broken:
			waits++
			wait = 10 * time.Millisecond << min(waits, 8)
			wait = wait/2 + time.Duration(rand.Int64N(int64(wait/2))) //nolint:gosec // chance, not a secret
			if db.trouble != nil {
				db.trouble(err, wait)
			}
		default:
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// moved says whether a transaction failed for a row that another one made or changed.
func (db *DB) moved(err error) bool {
	var e *pgconn.PgError
	return errors.Is(err, ErrMoved) || errors.Is(err, errAgain) || errors.As(err, &e) && e.Code == "23505"
}

func (db *DB) classify(err error) trouble {
	if errors.Is(err, ErrInDoubt) || errors.Is(err, errClosed) {
		return fatal
	}
	if e, ok := errors.AsType[*ended](err); ok {
		err = e.cause
	}
	switch {
	case errors.Is(err, errAgain), errors.Is(err, ErrMoved):
		return raced
	case errors.Is(err, driver.ErrBadConn):
		return busy
	}
	return db.dialect.classify(err)
}
