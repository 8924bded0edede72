package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

const scheduleColumns = `rule, owner, lease, watermark, body`

func scanSchedule(rows *sql.Rows) (s yagura.ScheduleState, err error) {
	var rule, owner string
	var lease, watermark int64
	err = rows.Scan(&rule, &owner, &lease, &watermark, &s.Body)
	s.Rule, s.Owner, s.Lease, s.Watermark = unclean(rule), unclean(owner), at(lease), at(watermark)
	return s, err
}

// Schedules returns the rules on a schedule behind one, in the order of their ids.
func (tx *Tx) Schedules(ctx context.Context, after string, limit int) (list []yagura.ScheduleState, err error) {
	err = tx.each(ctx, `SELECT `+scheduleColumns+` FROM schedule WHERE rule > ? ORDER BY rule LIMIT ?`, []any{after, int64(bound(limit))}, func(rows *sql.Rows) error {
		s, err := scanSchedule(rows)
		list = append(list, s)
		return err
	})
	return list, err
}

// LeaseSchedule takes a rule until a time, and returns how far it has come. One that is not
// known yet begins at a watermark. ok is false when another owner has it.
func (tx *Tx) LeaseSchedule(ctx context.Context, rule, owner string, now, until, begin time.Time) (s yagura.ScheduleState, ok bool, err error) {
	n, err := tx.exec(ctx, `INSERT INTO schedule (rule, owner, lease, watermark, body) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (rule) DO UPDATE SET owner = excluded.owner, lease = excluded.lease
		WHERE schedule.owner = excluded.owner OR schedule.lease <= ?`, key(rule), key(owner), ns(until), ns(begin), []byte{}, ns(now))
	if err != nil || n == 0 {
		return s, false, err
	}
	err = tx.each(ctx, `SELECT `+scheduleColumns+` FROM schedule WHERE rule = ?`, []any{key(rule)}, func(rows *sql.Rows) (err error) {
		s, err = scanSchedule(rows)
		return err
	})
	return s, err == nil, err
}

// PutSchedule notes how far a rule has come. It returns [ErrLeaseLost] when s.Owner does not
// have the rule any more; a zero Lease gives it back.
func (tx *Tx) PutSchedule(ctx context.Context, s yagura.ScheduleState) error {
	body := s.Body
	if body == nil {
		body = []byte{}
	}
	n, err := tx.exec(ctx, `UPDATE schedule SET lease = ?, watermark = ?, body = ? WHERE rule = ? AND owner = ?`, ns(s.Lease), ns(s.Watermark), body, key(s.Rule), key(s.Owner))
	if err == nil && n == 0 {
		err = tx.fail(fmt.Errorf("schedule of %q: %w", cut(s.Rule, 64), ErrLeaseLost))
	}
	return err
}

// DropSchedules forgets rules: they are loaded no more.
func (tx *Tx) DropSchedules(ctx context.Context, rules []string) error {
	keys := make([]string, len(rules))
	for i, r := range rules {
		keys[i] = key(r)
	}
	for _, table := range []string{"schedule_finding", "schedule"} {
		if _, err := tx.many(ctx, `DELETE FROM `+table+` WHERE rule IN (SELECT r FROM d)`, []column{textColumn("r", keys)}, nil); err != nil {
			return err
		}
	}
	return nil
}

// WindowFindings returns what the windows of a rule say that end from one time until before
// another.
func (tx *Tx) WindowFindings(ctx context.Context, rule string, from, to time.Time) (list []yagura.WindowFinding, err error) {
	err = tx.each(ctx, `SELECT at, finding FROM schedule_finding WHERE rule = ? AND at >= ? AND at < ? ORDER BY at, finding`, []any{key(rule), ns(from), ns(to)}, func(rows *sql.Rows) error {
		var end int64
		var id string
		err := rows.Scan(&end, &id)
		list = append(list, yagura.WindowFinding{Window: at(end), Finding: unclean(id)})
		return err
	})
	return list, err
}

// FirstWindow returns the end of the first window of a rule that says a finding; ok is false
// when none does.
func (tx *Tx) FirstWindow(ctx context.Context, rule, finding string) (end time.Time, ok bool, err error) {
	var n int64
	err = tx.one(ctx, `SELECT at FROM schedule_finding WHERE rule = ? AND finding = ? ORDER BY at LIMIT 1`, []any{key(rule), key(finding)}, &n)
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, false, nil
	}
	return at(n), err == nil, err
}

// PutWindowFindings replaces what a window of a rule says.
func (tx *Tx) PutWindowFindings(ctx context.Context, rule string, window time.Time, findings []string) error {
	if _, err := tx.exec(ctx, `DELETE FROM schedule_finding WHERE rule = ? AND at = ?`, key(rule), ns(window)); err != nil {
		return err
	}
	ids := make([]string, len(findings))
	for i, f := range findings {
		ids[i] = key(f)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	_, err := tx.many(ctx, `INSERT INTO schedule_finding (rule, at, finding) SELECT ?, CAST(? AS BIGINT), f FROM d`, []column{textColumn("f", ids)}, nil, key(rule), ns(window))
	return err
}

// DropWindowFindings forgets what the windows of a rule said that ended before a time: they
// are not run again.
func (tx *Tx) DropWindowFindings(ctx context.Context, rule string, before time.Time) error {
	_, err := tx.exec(ctx, `DELETE FROM schedule_finding WHERE rule = ? AND at < ?`, key(rule), ns(before))
	return err
}
