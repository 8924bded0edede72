package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
)

// LeaseNotices hands out notices of a sink that are due: of each issue the first that is
// not finished, and only while nobody else has it; those first that are due longest.
// Each lease is an attempt. A lease that runs out without an answer leaves the notice
// uncertain for the next.
func (tx *Tx) LeaseNotices(ctx context.Context, sink, owner string, now, until time.Time, limit int) ([]yagura.Notice, error) {
	var ids []string
	err := tx.each(ctx, `SELECT id FROM notice WHERE sink = ? AND state = 0 AND head = 1 AND due <= ? ORDER BY due, id LIMIT ? {skip locked}`,
		[]any{key(sink), ns(now), int64(bound(limit))}, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	place := make(map[string]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	out := make([]yagura.Notice, len(ids))
	_, err = tx.many(ctx, `UPDATE notice SET owner = ?, due = ?, attempts = attempts + 1, unsure = unsure + 1,
			first_tried = CASE WHEN first_tried = 0 THEN CAST(? AS BIGINT) ELSE first_tried END
		FROM d WHERE notice.id = d.i
		RETURNING id, body, seq, attempts, unsure, first_tried, coalesce((SELECT ref FROM ticket WHERE ticket.sink = notice.sink AND ticket.issue_id = notice.issue_id), '')`,
		[]column{textColumn("i", ids)}, func(rows *sql.Rows) error {
			var id, ref string
			var body []byte
			var seq, attempts, unsure, first int64
			if err := rows.Scan(&id, &body, &seq, &attempts, &unsure, &first, &ref); err != nil {
				return err
			}
			n := &out[place[id]]
			if err := json.Unmarshal(body, n); err != nil {
				return fmt.Errorf("notice %s: %w", id, err)
			}
			n.Seq, n.Attempts, n.Uncertain, n.FirstTried, n.Ref = seq, int(attempts-1), unsure > 1, at(first), unclean(ref)
			return nil
		}, clean(owner), ns(until), ns(now))
	return out, err
}

// held is a notice that somebody finishes, as columns hold it.
type held struct{ id, sink, issue string }

// hold locks the lane of a notice, and the notice, and says what they are.
func (tx *Tx) hold(ctx context.Context, id string) (h held, state int64, owner string, err error) {
	h.id = key(id)
	if err = tx.one(ctx, `SELECT sink, issue_id FROM notice WHERE id = ?`, []any{h.id}, &h.sink, &h.issue); err != nil {
		return h, 0, "", fmt.Errorf("notice %q: %w", cut(id, 64), err)
	}
	if h.issue != "" {
		var n int64
		if err = tx.one(ctx, `SELECT waiting FROM lane WHERE sink = ? AND issue_id = ? {for update}`, []any{h.sink, h.issue}, &n); err != nil {
			return h, 0, "", fmt.Errorf("notice %q: its lane: %w", cut(id, 64), err)
		}
	}
	err = tx.one(ctx, `SELECT state, owner FROM notice WHERE id = ? {for update}`, []any{h.id}, &state, &owner)
	return h, state, owner, err
}

// leased holds a notice that owner has leased, or returns [ErrLeaseLost].
func (tx *Tx) leased(ctx context.Context, id, owner string) (held, error) {
	h, state, has, err := tx.hold(ctx, id)
	if err == nil && (state != stateWaiting || has != clean(owner)) {
		err = fmt.Errorf("notice %q: %w", cut(id, 64), ErrLeaseLost)
	}
	return h, err
}

// next makes the first notice of a lane that waits its head, after one was finished
// (finished 1) or the order changed.
func (tx *Tx) next(ctx context.Context, h held, finished int64) error {
	if h.issue == "" {
		return nil
	}
	if finished != 0 {
		if _, err := tx.exec(ctx, `UPDATE lane SET waiting = waiting - ? WHERE sink = ? AND issue_id = ?`, finished, h.sink, h.issue); err != nil {
			return err
		}
	}
	var id string
	var head int64
	err := tx.one(ctx, `SELECT id, head FROM notice WHERE sink = ? AND issue_id = ? AND state = 0 ORDER BY seq LIMIT 1`, []any{h.sink, h.issue}, &id, &head)
	if errors.Is(err, ErrNotFound) || err == nil && head == 1 {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE notice SET head = CASE WHEN id = ? THEN 1 ELSE 0 END WHERE sink = ? AND issue_id = ? AND state = 0 AND (head = 1 OR id = ?)`,
		id, h.sink, h.issue, id)
	return err
}

// SettleNotice says that a sink has a notice. What the sink calls the ticket is kept with
// it. It returns [ErrLeaseLost] when owner has the notice no more.
func (tx *Tx) SettleNotice(ctx context.Context, id, owner string, r yagura.Receipt, now time.Time) error {
	h, err := tx.leased(ctx, id, owner)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `UPDATE notice SET state = 1, head = 0, owner = '', done = ?, detail = ?, last_error = '' WHERE id = ?`,
		ns(now), clean(r.Detail), h.id); err != nil {
		return err
	}
	if err := tx.next(ctx, h, 1); err != nil {
		return err
	}
	c := tx.sinkChange(unclean(h.sink))
	c.delivered++
	if r.Doubled { // by every attempt before this one that ended without an answer
		var unsure int64
		if err := tx.one(ctx, `SELECT unsure FROM notice WHERE id = ?`, []any{h.id}, &unsure); err != nil {
			return err
		}
		c.doubled += max(unsure-1, 1)
	}
	c.lastError, c.told = "", ns(now)
	if r.Ref == "" || h.issue == "" {
		return nil
	}
	return tx.PutTicket(ctx, yagura.TicketRef{IssueID: unclean(h.issue), Sink: unclean(h.sink), Ref: r.Ref, URL: r.URL})
}

// RetryNotice gives a notice back to be tried again at due. notSent says that the sink
// surely did nothing, so the attempt leaves no doubt.
func (tx *Tx) RetryNotice(ctx context.Context, id, owner string, due time.Time, reason string, notSent bool) error {
	h, err := tx.leased(ctx, id, owner)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `UPDATE notice SET owner = '', due = ?, last_error = ?, unsure = unsure - ? WHERE id = ?`,
		ns(due), clean(reason), flag(notSent), h.id); err != nil {
		return err
	}
	c := tx.sinkChange(unclean(h.sink))
	c.lastError, c.told = reason, ns(tx.now)
	return tx.next(ctx, h, 0)
}

// HastenNotices makes notices of a sink that wait for their time due now: of each issue the
// first that is not finished, where nobody has it.
func (tx *Tx) HastenNotices(ctx context.Context, sink string, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE notice SET due = ? WHERE id IN
		(SELECT id FROM notice WHERE sink = ? AND state = 0 AND head = 1 AND due > ? AND owner = '' ORDER BY due, id {skip locked})`,
		ns(now), key(sink), ns(now))
	return err
}

// KillNotice gives a notice up. Those behind it go on.
func (tx *Tx) KillNotice(ctx context.Context, id, owner, reason string, now time.Time) error {
	h, err := tx.leased(ctx, id, owner)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `UPDATE notice SET state = 2, head = 0, owner = '', done = ?, last_error = ? WHERE id = ?`,
		ns(now), clean(reason), h.id); err != nil {
		return err
	}
	if err := tx.next(ctx, h, 1); err != nil {
		return err
	}
	c := tx.sinkChange(unclean(h.sink))
	c.dead++
	c.lastError, c.told = reason, ns(now)
	return nil
}

// ReviveNotice makes a dead notice wait again, in its old place: before later ones of its
// sink and issue that are not finished, but behind one that is being delivered now.
func (tx *Tx) ReviveNotice(ctx context.Context, id string) error {
	h, state, _, err := tx.hold(ctx, id)
	if err != nil {
		return err
	}
	if state != stateDead {
		return fmt.Errorf("notice %q: %w among the dead", cut(id, 64), ErrNotFound)
	}
	leased := int64(0)
	if h.issue != "" {
		// A head that is being delivered keeps its place until it is finished.
		if err := tx.one(ctx, `SELECT count(*) FROM notice WHERE sink = ? AND issue_id = ? AND state = 0 AND head = 1 AND owner <> ''`,
			[]any{h.sink, h.issue}, &leased); err != nil {
			return err
		}
		if leased == 0 {
			// One that is leased at this very moment is no longer free, and stays the head.
			if _, err := tx.exec(ctx, `UPDATE notice SET head = 0 WHERE sink = ? AND issue_id = ? AND state = 0 AND head = 1 AND owner = ''`, h.sink, h.issue); err != nil {
				return err
			}
			if err := tx.one(ctx, `SELECT count(*) FROM notice WHERE sink = ? AND issue_id = ? AND state = 0 AND head = 1`, []any{h.sink, h.issue}, &leased); err != nil {
				return err
			}
		}
	}
	head := int64(0)
	if h.issue == "" {
		head = 1
	}
	if _, err := tx.exec(ctx, `UPDATE notice SET state = 0, head = ?, owner = '', due = ?, done = 0 WHERE id = ?`, head, ns(tx.now), h.id); err != nil {
		return err
	}
	tx.sinkChange(unclean(h.sink)).dead--
	if h.issue == "" {
		return nil
	}
	if _, err := tx.exec(ctx, `UPDATE lane SET waiting = waiting + 1 WHERE sink = ? AND issue_id = ?`, h.sink, h.issue); err != nil {
		return err
	}
	if leased > 0 {
		return nil
	}
	return tx.next(ctx, h, 0)
}

// NextNotice says when the next notice of a sink can be leased: when it is due, or when
// the lease of whoever has it ends.
func (tx *Tx) NextNotice(ctx context.Context, sink string) (due time.Time, ok bool, err error) {
	var n int64
	err = tx.one(ctx, `SELECT due FROM notice WHERE sink = ? AND state = 0 AND head = 1 ORDER BY due, id LIMIT 1`, []any{key(sink)}, &n)
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, false, nil
	}
	return at(n), err == nil, err
}

// LastDelivered says when a sink was last told of an issue; zero when it never was.
func (tx *Tx) LastDelivered(ctx context.Context, sink, issueID string) (time.Time, error) {
	var n int64
	// The notices of an issue are few; those of a sink that were delivered are all there ever were.
	err := tx.one(ctx, `SELECT coalesce(max(done), 0) FROM notice WHERE issue_id = ? AND issue_id <> '' AND sink || '' = ? AND state + 0 = 1`, []any{key(issueID), key(sink)}, &n)
	return at(n), err
}

// Reclaim gives back what owner has leased: notices, window groups, what was received. A
// process that starts again under the same name calls it, so that it need not wait for its
// own leases to run out. Attempts that it began stay uncertain.
func (tx *Tx) Reclaim(ctx context.Context, owner string) error {
	sinks, err := tx.sinks(ctx)
	if err != nil {
		return err
	}
	now, name := ns(tx.now), clean(owner)
	for _, sink := range sinks {
		if _, err := tx.exec(ctx, `UPDATE notice SET owner = '', due = {least}(due, ?) WHERE sink = ? AND state = 0 AND head = 1 AND owner = ?`, now, sink, name); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, `UPDATE window_group SET owner = '', due = {least}(due, ?) WHERE dirty = 1 AND due > 0 AND owner = ?`, now, name); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE received SET owner = '', due = {least}(due, ?) WHERE owner = ?`, now, name)
	return err
}
