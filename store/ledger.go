package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

const owedColumns = `id, body, seq, state, due, attempts, unsure, first_tried, last_error, done, detail`

func scanOwed(rows *sql.Rows) (yagura.Owed, error) {
	var o yagura.Owed
	var id, lastError, detail string
	var body []byte
	var seq, state, due, unsure, first, done int64
	if err := rows.Scan(&id, &body, &seq, &state, &due, &o.Attempts, &unsure, &first, &lastError, &done, &detail); err != nil {
		return o, err
	}
	if err := json.Unmarshal(body, &o.Notice); err != nil {
		return o, fmt.Errorf("notice %s: %w", id, err)
	}
	o.Notice.Seq, o.Notice.Attempts, o.Notice.Uncertain, o.Notice.FirstTried = seq, o.Attempts, unsure > 0, at(first)
	o.State, o.Due, o.LastError, o.Done, o.Detail = noticeStates[state], at(due), unclean(lastError), at(done), unclean(detail)
	return o, nil
}

// NoticeIssue returns the issue that a notice is of, "" for one of no issue; ok is false when
// there is no such notice.
func (tx *Tx) NoticeIssue(ctx context.Context, id string) (issueID string, ok bool, err error) {
	err = tx.each(ctx, `SELECT issue_id FROM notice WHERE id = ?`, []any{key(id)}, func(rows *sql.Rows) error {
		ok = true
		return rows.Scan(&issueID)
	})
	return unclean(issueID), ok, err
}

// Notices returns notices in the order of their ids, which is that of their making; "" and
// nil stand for all sinks, all issues, all states. next is the cursor of the page behind,
// "" at the end.
func (tx *Tx) Notices(ctx context.Context, sink, issueID string, states []yagura.NoticeState, after string, limit int) (list []yagura.Owed, next string, err error) {
	limit = bound(limit)
	var wanted []int64
	for i, s := range noticeStates {
		if len(states) == 0 || slices.Contains(states, s) {
			wanted = append(wanted, int64(i))
		}
	}
	scan := func(rows *sql.Rows) error {
		o, err := scanOwed(rows)
		list = append(list, o)
		return err
	}
	after = key(after)
	if issueID != "" {
		// The notices of one issue are few: they are read in order and looked at.
		q, args := `SELECT `+owedColumns+` FROM notice WHERE issue_id = ? AND issue_id <> '' AND id > ?`, []any{key(issueID), after}
		if sink != "" {
			q, args = q+` AND sink = ?`, append(args, key(sink))
		}
		q += ` AND state IN (-1`
		for _, s := range wanted {
			q, args = q+`, ?`, append(args, s)
		}
		err = tx.each(ctx, q+`) ORDER BY id LIMIT ?`, append(args, int64(limit)), scan)
	} else {
		// One walk along the index per sink and state; the pages are merged.
		sinks := []string{key(sink)}
		if sink == "" {
			if sinks, err = tx.sinks(ctx); err != nil {
				return nil, "", err
			}
		}
		for _, s := range sinks {
			for _, state := range wanted {
				if err := tx.each(ctx, `SELECT `+owedColumns+` FROM notice WHERE sink = ? AND state = ? AND id > ? ORDER BY id LIMIT ?`,
					[]any{s, state, after, int64(limit)}, scan); err != nil {
					return nil, "", err
				}
			}
		}
		slices.SortFunc(list, func(a, b yagura.Owed) int { return cmp.Compare(key(a.Notice.ID), key(b.Notice.ID)) })
		list = list[:min(limit, len(list))]
	}
	if len(list) == limit {
		next = list[limit-1].Notice.ID
	}
	return list, next, err
}

// sinks returns the names of all sinks that ever were owed something, as columns hold them.
func (tx *Tx) sinks(ctx context.Context) ([]string, error) {
	if err := tx.flushIfWriting(ctx); err != nil {
		return nil, err
	}
	var out []string
	err := tx.each(ctx, `SELECT DISTINCT sink FROM sink_total ORDER BY sink`, nil, func(rows *sql.Rows) error {
		var s string
		err := rows.Scan(&s)
		out = append(out, s)
		return err
	})
	return out, err
}

// SinkTotals returns the books of all sinks, by name. LastError is that of the last
// attempt, "" when that one succeeded.
func (tx *Tx) SinkTotals(ctx context.Context) ([]yagura.SinkTotals, error) {
	if err := tx.flushIfWriting(ctx); err != nil {
		return nil, err
	}
	var out []yagura.SinkTotals
	told := int64(0)
	err := tx.each(ctx, `SELECT sink, owed, delivered, dead, folded, doubled, last_error, told FROM sink_total ORDER BY sink, shard`, nil, func(rows *sql.Rows) error {
		var sink, lastError string
		var s yagura.SinkTotals
		var when int64
		if err := rows.Scan(&sink, &s.Owed, &s.Delivered, &s.Dead, &s.Folded, &s.Doubled, &lastError, &when); err != nil {
			return err
		}
		sink = unclean(sink)
		if n := len(out); n == 0 || out[n-1].Sink != sink {
			out, told = append(out, yagura.SinkTotals{Sink: sink}), 0
		}
		t := &out[len(out)-1]
		t.Owed += s.Owed
		t.Delivered += s.Delivered
		t.Dead += s.Dead
		t.Folded += s.Folded
		t.Doubled += s.Doubled
		if when > told {
			told, t.LastError = when, unclean(lastError)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		t := &out[i]
		t.Waiting = t.Owed - t.Delivered - t.Dead
		var oldest int64
		err := tx.one(ctx, `SELECT created FROM notice WHERE sink = ? AND state = 0 ORDER BY id LIMIT 1`, []any{key(t.Sink)}, &oldest)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		t.Oldest = at(oldest)
	}
	return out, nil
}

// PutTicket keeps what a sink calls the ticket of an issue, in place of what it was called.
func (tx *Tx) PutTicket(ctx context.Context, t yagura.TicketRef) error {
	_, err := tx.exec(ctx, `INSERT INTO ticket (sink, issue_id, ref, url) VALUES (?, ?, ?, ?)
		ON CONFLICT (sink, issue_id) DO UPDATE SET ref = excluded.ref, url = CASE WHEN excluded.url = '' AND excluded.ref = ticket.ref THEN ticket.url ELSE excluded.url END`,
		key(t.Sink), key(t.IssueID), key(t.Ref), clean(t.URL))
	return err
}

const ticketColumns = `sink, issue_id, ref, url`

func (tx *Tx) tickets(ctx context.Context, q string, args ...any) ([]yagura.TicketRef, error) {
	var out []yagura.TicketRef
	err := tx.each(ctx, q, args, func(rows *sql.Rows) error {
		var sink, issue, ref, url string
		err := rows.Scan(&sink, &issue, &ref, &url)
		out = append(out, yagura.TicketRef{Sink: unclean(sink), IssueID: unclean(issue), Ref: unclean(ref), URL: unclean(url)})
		return err
	})
	return out, err
}

// LiveTickets returns the tickets at a sink of issues that are not closed, or that changed
// since a time, in the order of their issues' ids, those behind the issue after.
func (tx *Tx) LiveTickets(ctx context.Context, sink string, since time.Time, after string, limit int) ([]yagura.TicketRef, error) {
	return tx.tickets(ctx, `SELECT `+ticketColumns+` FROM ticket WHERE sink = ? AND issue_id > ? AND ref <> ''
		AND EXISTS (SELECT 1 FROM issue WHERE issue.id = ticket.issue_id AND (issue.status <> ? OR issue.updated >= ?)) ORDER BY issue_id LIMIT ?`,
		key(sink), key(after), string(yagura.StatusClosed), ns(since), int64(bound(limit)))
}

// TicketsOf returns the tickets of an issue, by sink.
func (tx *Tx) TicketsOf(ctx context.Context, issueID string) ([]yagura.TicketRef, error) {
	return tx.tickets(ctx, `SELECT `+ticketColumns+` FROM ticket WHERE issue_id = ? ORDER BY sink`, key(issueID))
}
