package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// Retried says what came of one dead letter.
type Retried struct {
	ID       string
	Records  int
	Findings int
	Err      error // why it stays a dead letter
}

// RetryDead judges the record of a dead letter again, by the rules as they are now. One that
// can be decoded and judged is marked as retried, in the transaction that files what was
// found in it; its findings have the ids that they would have had.
func (b *Books) RetryDead(ctx context.Context, g *Retrier, d yagura.DeadLetter, now time.Time) (out Retried) {
	out.ID = d.ID
	found, rows, n, err := g.judge(d)
	out.Records = n
	if err != nil {
		out.Err = err
		return out
	}
	b.desk.Learn(ctx, found)
	force := false
	for {
		err := b.DB.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			if len(rows) > 0 {
				if _, err := tx.AddWindowRows(ctx, rows); err != nil {
					return err
				}
			}
			taken, err := b.desk.Take(ctx, bookTx{tx}, found, force)
			if err != nil {
				return err
			}
			out.Findings = taken.Fresh
			return tx.MarkRetried(ctx, d.ID, now)
		})
		if errors.Is(err, triage.ErrUpgrade) {
			force = true
			continue
		}
		out.Err = err
		return out
	}
}

// Retrier judges dead letters by some rules.
type Retrier struct{ g *generation }

// NewRetrier compiles the rules.
func NewRetrier(rules *Rules, formats []*decode.Format) (*Retrier, error) {
	g, err := newGeneration(rules, formats)
	if err != nil {
		return nil, err
	}
	return &Retrier{g}, nil
}

func (r *Retrier) judge(d yagura.DeadLetter) (found []triage.Found, rows []yagura.WindowRow, n int, err error) {
	if len(d.Bytes) == 0 {
		return nil, nil, 0, errors.New("nothing of it is kept: its source must bring it again")
	}
	if d.Size > int64(len(d.Bytes)) {
		return nil, nil, 0, fmt.Errorf("only %d of its %d bytes are kept", len(d.Bytes), d.Size)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a rule still stops on it: %v", p)
		}
	}()
	reader := r.g.Decoder.NewReader(bytes.NewReader(d.Bytes), d.Object)
	defer reader.Close()
	m := r.g.Engine.NewMatcher()
	m.Begin()
	for {
		rec, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, n, err
		}
		n++
		found, rows = r.record(m, rec, d, found, rows)
	}
	if n == 0 {
		return nil, nil, 0, errors.New("there is no record in it")
	}
	return found, rows, n, nil
}

func (r *Retrier) record(m *detect.Matcher, rec *decode.Record, d yagura.DeadLetter, found []triage.Found, rows []yagura.WindowRow) ([]triage.Found, []yagura.WindowRow) {
	meta := query.Meta{Num: rec.Num, Time: rec.Format.Time(rec), Format: rec.Format.Name, File: rec.File}
	// The alert of a record that made a rule panic was told then: only the rules are owed.
	if c, ok := intake.Alert(rec, d.Source); ok && d.Format == "" {
		c.Event, c.Generation = bytes.Clone(rec.Raw()), r.g.Hash
		found = append(found, c)
	}
	hits := m.Match(rec.Format.Name, rec.Doc, meta)
	if len(hits) == 0 {
		return found, rows
	}
	var ev yagura.Event
	rec.Head(&ev)
	ev.Source, ev.Seen = d.Source, d.At
	for _, h := range hits {
		if h.Finds {
			raw := bytes.Clone(rec.Raw())
			for f := range m.Findings(h, &ev) {
				found = append(found, triage.Found{Finding: f, Event: raw, Generation: r.g.Hash})
			}
		}
		if h.Feeds {
			rows = append(rows, r.g.Engine.Rows(m.Base(h, &ev))...)
		}
	}
	return found, rows
}
