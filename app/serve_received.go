package app

import (
	"context"
	"strconv"
	"time"

	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/push"
	"github.com/yagura-sec/yagura/store"
)

// tableLog keeps what was pushed in a table that all replicas share: whoever is free
// judges it.
type tableLog struct {
	db     *store.DB
	source string
	owner  string
	now    func() time.Time
}

// tableLease is how long an entry is out without Extend.
const tableLease = 2 * time.Minute

// Append makes the entries durable. An identity that was there is not stored again.
func (l *tableLog) Append(ctx context.Context, entries []push.Entry) (known []bool, err error) {
	err = l.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		known = make([]bool, len(entries))
		var bodies [][]byte
		for i, e := range entries {
			if e.Identity != "" {
				fresh, err := tx.SeenChange(ctx, "received/"+l.source, e.Identity, l.now())
				if err != nil {
					return err
				}
				if !fresh {
					known[i] = true
					continue
				}
			}
			bodies = append(bodies, e.Body)
		}
		if bodies == nil {
			return nil
		}
		return tx.AppendReceived(ctx, l.source, bodies, l.now())
	})
	return known, err
}

// Lease hands out what waits.
func (l *tableLog) Lease(ctx context.Context, limit int) (out []push.Leased, err error) {
	now := l.now()
	var rows []store.Received
	err = l.db.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		rows, err = tx.LeaseReceived(ctx, l.source, l.owner, now, now.Add(tableLease), limit)
		return err
	})
	for _, r := range rows {
		body := r.Body
		out = append(out, push.Leased{ID: strconv.FormatInt(r.ID, 10), Received: r.At, Attempts: r.Attempts + 1, Lease: tableLease, Body: body,
			Again: func(context.Context) ([]byte, error) { return body, nil }})
	}
	return out, err
}

func ids(list []string) ([]int64, error) {
	out := make([]int64, len(list))
	for i, s := range list {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// Extend keeps entries out.
func (l *tableLog) Extend(ctx context.Context, list []string) error {
	n, err := ids(list)
	if err != nil {
		return err
	}
	return l.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.ExtendReceived(ctx, n, l.owner, l.now().Add(tableLease))
	})
}

// Ack removes entries.
func (l *tableLog) Ack(ctx context.Context, list []string) error {
	n, err := ids(list)
	if err != nil {
		return err
	}
	return l.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.AckReceived(ctx, n) })
}

// Release gives an entry back.
func (l *tableLog) Release(ctx context.Context, id string, after time.Duration) error {
	n, err := ids([]string{id})
	if err != nil {
		return err
	}
	return l.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.ReleaseReceived(ctx, n[0], l.now().Add(after))
	})
}

// Lag is how much waits.
func (l *tableLog) Lag(ctx context.Context) (lag source.Lag, err error) {
	lag = source.Lag{Out: -1, Dead: -1}
	err = l.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		lag.Waiting, lag.Oldest, err = tx.LagReceived(ctx, l.source)
		return err
	})
	return lag, err
}

// Close does nothing: the table belongs to the store.
func (l *tableLog) Close() error { return nil }
