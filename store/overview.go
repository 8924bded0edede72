package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

const (
	hour = int64(time.Hour)
	day  = 24 * hour
)

// down returns the beginning of the stretch that a time is in.
func down(n, stretch int64) int64 {
	if r := n % stretch; r >= 0 {
		return n - r
	} else {
		return n - r - stretch
	}
}

type (
	hourKey struct {
		at              int64
		account, format string
	}
	dayKey struct {
		at                    int64
		rule, account, format string
	}
)

// addFindingCounts counts findings that come into blocks, each the first time that it does.
func (tx *Tx) addFindingCounts(ctx context.Context, list []waiting) error {
	hours, days := map[hourKey]int64{}, map[dayKey]int64{}
	all := make([]*waiting, len(list))
	for i := range list {
		all[i] = &list[i]
	}
	countWaiting(all, hours, days)
	type counted struct {
		at, n  int64
		values [3]string
	}
	write := func(rows []counted, q string, names ...string) error {
		slices.SortFunc(rows, func(a, b counted) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.values[0], b.values[0]), cmp.Compare(a.values[1], b.values[1]), cmp.Compare(a.values[2], b.values[2]))
		})
		at, n := make([]int64, len(rows)), make([]int64, len(rows))
		cols := []column{}
		for i, r := range rows {
			at[i], n[i] = r.at, r.n
		}
		cols = append(cols, intColumn("at", at), intColumn("n", n))
		for j, name := range names {
			texts := make([]string, len(rows))
			for i, r := range rows {
				texts[i] = r.values[j]
			}
			cols = append(cols, textColumn(name, texts))
		}
		_, err := tx.many(ctx, q, cols, nil)
		return err
	}
	var rows []counted
	for k, n := range hours {
		rows = append(rows, counted{k.at, n, [3]string{k.account, k.format}})
	}
	if err := write(rows, `INSERT INTO finding_hour (hour, account, format, n) SELECT at, account, format, n FROM d WHERE true
		ON CONFLICT (hour, account, format) DO UPDATE SET n = finding_hour.n + excluded.n`, "account", "format"); err != nil {
		return err
	}
	rows = nil
	for k, n := range days {
		rows = append(rows, counted{k.at, n, [3]string{k.rule, k.account, k.format}})
	}
	return write(rows, `INSERT INTO finding_day (day, rule, account, format, n) SELECT at, rule, account, format, n FROM d WHERE true
		ON CONFLICT (day, rule, account, format) DO UPDATE SET n = finding_day.n + excluded.n`, "rule", "account", "format")
}

func countWaiting(list []*waiting, hours map[hourKey]int64, days map[dayKey]int64) {
	for i := range list {
		w := list[i]
		if w.again {
			continue
		}
		account, format := key(w.f.Finding.Event.Account), key(w.f.Finding.Format)
		hours[hourKey{down(ns(w.f.Seen), hour), account, format}]++
		days[dayKey{down(ns(w.f.Seen), day), key(w.f.Finding.Rule.ID), account, format}]++
	}
}

// OpenCount is how many issues of a severity are not closed; Suppressed are those of them that
// are kept quiet, Unassigned those that are nobody's.
type OpenCount struct {
	Severity                                   yagura.Severity
	Open, Acknowledged, Suppressed, Unassigned int64
}

// OpenCounts counts the issues within scopes that are not closed, the highest severity first.
func (tx *Tx) OpenCounts(ctx context.Context, scopes []yagura.Scope, all bool) ([]OpenCount, error) {
	out := make([]OpenCount, 0, 5)
	for _, s := range yagura.Severities() {
		out = append(out, OpenCount{Severity: s})
	}
	within := reach(scopes, all, "f.account", "f.format")
	err := tx.each(ctx, `SELECT f.severity, f.status, count(*), CAST(coalesce(sum(CASE WHEN f.suppressed > ? THEN 1 ELSE 0 END), 0) AS BIGINT),
		CAST(coalesce(sum(CASE WHEN f.assignee = '' THEN 1 ELSE 0 END), 0) AS BIGINT) FROM issue_fact f WHERE f.status < 2 AND `+within.sql+` GROUP BY f.severity, f.status`, append([]any{ns(tx.now)}, within.args...), func(rows *sql.Rows) error {
		var severity, status, n, quiet, nobodys int64
		if err := rows.Scan(&severity, &status, &n, &quiet, &nobodys); err != nil {
			return err
		}
		i := slices.IndexFunc(out, func(c OpenCount) bool { return c.Severity == yagura.Severity(severity) })
		if status == 0 {
			out[i].Open += n
		} else {
			out[i].Acknowledged += n
		}
		out[i].Suppressed, out[i].Unassigned = out[i].Suppressed+quiet, out[i].Unassigned+nobodys
		return nil
	})
	return out, err
}

// AckTime is how long issues took from their opening until somebody took them on. Severity is
// 0 for all of them.
type AckTime struct {
	Severity    yagura.Severity
	N           int64
	Median, P90 time.Duration
}

// AckTimes returns how long it took to take on the issues within scopes that were taken on
// since a time, in their present episodes: of all, and then by severity, the highest first.
func (tx *Tx) AckTimes(ctx context.Context, scopes []yagura.Scope, all bool, since time.Time) ([]AckTime, error) {
	within := reach(scopes, all, "f.account", "f.format")
	took := map[yagura.Severity][]int64{}
	err := tx.each(ctx, `SELECT f.severity, f.acked - f.opened FROM issue_fact f WHERE f.acked >= ? AND f.acked >= f.opened AND f.acked <> 0 AND `+within.sql,
		append([]any{ns(since)}, within.args...), func(rows *sql.Rows) error {
			var severity, t int64
			err := rows.Scan(&severity, &t)
			took[0] = append(took[0], t)
			took[yagura.Severity(severity)] = append(took[yagura.Severity(severity)], t)
			return err
		})
	if err != nil {
		return nil, err
	}
	var out []AckTime
	for _, s := range append([]yagura.Severity{0}, yagura.Severities()...) {
		list := took[s]
		a := AckTime{Severity: s, N: int64(len(list))}
		if len(list) > 0 {
			slices.Sort(list)
			a.Median, a.P90 = time.Duration(list[(len(list)-1)/2]), time.Duration(list[(len(list)-1)*9/10])
		}
		out = append(out, a)
	}
	return out, nil
}

// OpenedSince counts the issues within scopes whose episode began at a time or later.
func (tx *Tx) OpenedSince(ctx context.Context, scopes []yagura.Scope, all bool, since time.Time) (n int64, err error) {
	within := reach(scopes, all, "f.account", "f.format")
	err = tx.one(ctx, `SELECT count(*) FROM issue_fact f WHERE f.opened >= ? AND `+within.sql, append([]any{ns(since)}, within.args...), &n)
	return n, err
}

// HourCount is how many findings were judged in an hour.
type HourCount struct {
	At time.Time
	N  int64
}

// FindingHours counts the findings within scopes by the hour in which they were judged, those
// of hours that begin at from or later and before to. Hours without any are left out.
func (tx *Tx) FindingHours(ctx context.Context, scopes []yagura.Scope, all bool, from, to time.Time) ([]HourCount, error) {
	within := reach(scopes, all, "f.account", "f.format")
	sums := map[int64]int64{}
	err := tx.each(ctx, `SELECT f.hour, CAST(sum(f.n) AS BIGINT) FROM finding_hour f WHERE f.hour >= ? AND f.hour < ? AND `+within.sql+` GROUP BY f.hour`,
		append([]any{ns(from), ns(to)}, within.args...), func(rows *sql.Rows) error {
			var at, n int64
			err := rows.Scan(&at, &n)
			sums[at] += n
			return err
		})
	if err != nil {
		return nil, err
	}
	hours, _, err := tx.waitingCounts(ctx, scopes, all)
	for k, n := range hours {
		if k.at >= ns(from) && k.at < ns(to) {
			sums[k.at] += n
		}
	}
	out := make([]HourCount, 0, len(sums))
	for at64, n := range sums {
		out = append(out, HourCount{at(at64), n})
	}
	slices.SortFunc(out, func(a, b HourCount) int { return a.At.Compare(b.At) })
	return out, err
}

// waitingCounts counts the findings within scopes that are in no block yet.
func (tx *Tx) waitingCounts(ctx context.Context, scopes []yagura.Scope, all bool) (map[hourKey]int64, map[dayKey]int64, error) {
	list, err := tx.tailFindings(ctx)
	if err != nil {
		return nil, nil, err
	}
	ask := asker{scopes: scopes, all: all}
	list = slices.DeleteFunc(list, func(w *waiting) bool { return !ask.inScope(w.f.Finding.Event.Account, w.f.Finding.Format) })
	hours, days := map[hourKey]int64{}, map[dayKey]int64{}
	countWaiting(list, hours, days)
	return hours, days, nil
}

// RuleCount is how much of a rule there is.
type RuleCount struct {
	Rule             string // id
	Findings, Issues int64  // issues that are not closed
}

// FindingRules counts the findings within scopes by their rule, the most first, those that were
// judged on days (UTC) that begin at from or later; and the issues of the rules that are not
// closed. Findings that were taken back later are counted.
func (tx *Tx) FindingRules(ctx context.Context, scopes []yagura.Scope, all bool, from time.Time) ([]RuleCount, error) {
	within := reach(scopes, all, "f.account", "f.format")
	sums := map[string]*RuleCount{}
	of := func(rule string) *RuleCount {
		r := sums[rule]
		if r == nil {
			r = &RuleCount{Rule: unclean(rule)}
			sums[rule] = r
		}
		return r
	}
	err := tx.each(ctx, `SELECT f.rule, CAST(sum(f.n) AS BIGINT) FROM finding_day f WHERE f.day >= ? AND `+within.sql+` GROUP BY f.rule`,
		append([]any{ns(from)}, within.args...), func(rows *sql.Rows) error {
			var rule string
			var n int64
			err := rows.Scan(&rule, &n)
			of(rule).Findings += n
			return err
		})
	if err != nil {
		return nil, err
	}
	_, days, err := tx.waitingCounts(ctx, scopes, all)
	if err != nil {
		return nil, err
	}
	for k, n := range days {
		if k.at >= ns(from) {
			of(k.rule).Findings += n
		}
	}
	open, err := tx.openBy(ctx, "rule", within)
	out := make([]RuleCount, 0, len(sums))
	for _, r := range sums {
		r.Issues = open[fold(r.Rule)]
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(b.Findings, a.Findings), cmp.Compare(a.Rule, b.Rule))
	})
	return out, err
}

// openBy counts the issues that meet a condition and are not closed by a column of theirs. They
// are read in the order of the index of open issues: left to itself SQLite takes another, and
// looks every issue up.
func (tx *Tx) openBy(ctx context.Context, column string, within cond) (map[string]int64, error) {
	open := map[string]int64{}
	err := tx.each(ctx, `SELECT c.value, CAST(sum(c.n) AS BIGINT) FROM (SELECT f.severity, f.status, f.`+column+` AS value, count(*) AS n FROM issue_fact f
		WHERE f.status < 2 AND `+within.sql+` GROUP BY f.severity, f.status, f.`+column+`) c GROUP BY c.value`, within.args, func(rows *sql.Rows) error {
		var value string
		var n int64
		err := rows.Scan(&value, &n)
		open[value] = n
		return err
	})
	return open, err
}
