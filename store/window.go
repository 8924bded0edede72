package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

// sortLimit is the longest Sort of a row: it is part of an index.
const sortLimit = 512

// groupKey is the key of a group: a hash, as values of group-by may be of any length.
func groupKey(corr yagura.Key, group []byte) []byte {
	sum := sha256.Sum256(append(corr[:len(corr):len(corr)], group...))
	return sum[:16]
}

// originKey is how a row says which finding made it, "" for a row that no finding made.
// A finding may feed several correlations.
func originKey(corr yagura.Key, origin string) []byte {
	if origin == "" {
		return nil
	}
	sum := sha256.Sum256(append(corr[:len(corr):len(corr)], origin...))
	return sum[:16]
}

type windowRow struct {
	grp, sort, origin, body []byte
}

func (tx *Tx) windowRows(rows []yagura.WindowRow) ([]windowRow, error) {
	out := make([]windowRow, len(rows))
	for i, r := range rows {
		if len(r.Sort) == 0 || len(r.Sort) > sortLimit {
			return nil, fmt.Errorf("window row %d of the batch: its sort has %d bytes, want 1 to %d", i, len(r.Sort), sortLimit)
		}
		out[i] = windowRow{groupKey(r.Corr, r.Group), r.Sort, originKey(r.Corr, r.Origin), r.Body}
		g := tx.group(string(out[i].grp))
		g.corr, g.name = r.Corr, r.Group
	}
	slices.SortStableFunc(out, func(a, b windowRow) int {
		return cmp.Or(bytes.Compare(a.grp, b.grp), bytes.Compare(a.sort, b.sort))
	})
	return out, nil
}

func windowColumns(rows []windowRow) []column {
	grp, sort, origin, body := make([][]byte, len(rows)), make([][]byte, len(rows)), make([][]byte, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		grp[i], sort[i], origin[i], body[i] = r.grp, r.sort, r.origin, r.body
	}
	return []column{blobColumn("grp", grp), blobColumn("sort", sort), blobColumn("origin", origin), blobColumn("body", body)}
}

// AddWindowRows adds base matches and says how many of them are new. Groups with new rows
// are dirty from now on.
func (tx *Tx) AddWindowRows(ctx context.Context, rows []yagura.WindowRow) (fresh int64, err error) {
	all, err := tx.windowRows(rows)
	if err != nil {
		return 0, err
	}
	return tx.many(ctx, `INSERT INTO window_row (grp, sort, origin, body, arrived) SELECT grp, sort, origin, body, CAST(? AS BIGINT) FROM d WHERE true
		ON CONFLICT (grp, sort) DO NOTHING RETURNING grp`, windowColumns(all), func(rows *sql.Rows) error {
		var grp []byte
		err := rows.Scan(&grp)
		g := tx.group(string(grp))
		g.rows++
		g.dirty = true
		return err
	}, ns(tx.now))
}

// flushGroups writes what changed in groups: their rows, their stamps, that they are dirty.
func (tx *Tx) flushGroups(ctx context.Context, changes map[string]*groupChange) error {
	var grp, corr, name [][]byte
	v := numbers{names: []string{"row_count", "dirty", "due"}}
	for _, k := range slices.Sorted(maps.Keys(changes)) {
		g := changes[k]
		if g.rows == 0 && !g.dirty {
			continue
		}
		grp, corr, name = append(grp, []byte(k)), append(corr, g.corr[:]), append(name, g.name)
		v.add(g.rows, flag(g.dirty), ns(tx.now))
	}
	// A leased group stays leased: its due time is the end of the lease, and its stamp says
	// to whoever has it that there is more.
	_, err := tx.many(ctx, `INSERT INTO window_group (grp, corr, name, row_count, stamp, dirty, due, touched, owner, sealed)
		SELECT grp, corr, name, row_count, dirty, dirty, due, due, '', {empty} FROM d WHERE true
		ON CONFLICT (grp) DO UPDATE SET row_count = window_group.row_count + excluded.row_count, stamp = window_group.stamp + excluded.dirty,
			dirty = {greatest}(window_group.dirty, excluded.dirty), touched = excluded.touched,
			due = CASE WHEN excluded.dirty = 0 OR window_group.owner <> '' THEN window_group.due
				WHEN window_group.dirty = 1 THEN {least}(window_group.due, excluded.due) ELSE excluded.due END`,
		append([]column{blobColumn("grp", grp), blobColumn("corr", corr), blobColumn("name", name)}, v.columns()...), nil)
	return err
}

// LeaseWindowGroups hands out groups that are dirty and due, those first that are due
// longest. Nobody else gets them until the lease ends.
func (tx *Tx) LeaseWindowGroups(ctx context.Context, owner string, now, until time.Time, limit int) ([]yagura.WindowGroup, error) {
	if err := tx.flush(ctx); err != nil {
		return nil, err
	}
	var groups [][]byte
	err := tx.each(ctx, `SELECT grp FROM window_group WHERE dirty = 1 AND due <= ? ORDER BY due, grp LIMIT ? {skip locked}`,
		[]any{ns(now), int64(bound(limit))}, func(rows *sql.Rows) error {
			var grp []byte
			err := rows.Scan(&grp)
			groups = append(groups, grp)
			return err
		})
	if err != nil || len(groups) == 0 {
		return nil, err
	}
	place := make(map[string]int, len(groups))
	for i, g := range groups {
		place[string(g)] = i
	}
	out := make([]yagura.WindowGroup, len(groups))
	_, err = tx.many(ctx, `UPDATE window_group SET owner = ?, due = ? FROM d WHERE window_group.grp = d.g
		RETURNING grp, corr, name, row_count, sealed, stamp`, []column{blobColumn("g", groups)}, func(rows *sql.Rows) error {
		var grp, corr []byte
		var g yagura.WindowGroup
		if err := rows.Scan(&grp, &corr, &g.Group, &g.Rows, &g.Sealed, &g.Stamp); err != nil {
			return err
		}
		g.Corr = yagura.Key(corr)
		if len(g.Sealed) == 0 {
			g.Sealed = nil
		}
		out[place[string(grp)]] = g
		return nil
	}, clean(owner), ns(until))
	return out, err
}

// windowPage is how many rows of a window are read at once.
const windowPage = 1000

// WindowRows calls yield for the rows of a group behind a Sort (nil: all), in the order of
// it. yield may use the transaction. Origin is not read back.
func (tx *Tx) WindowRows(ctx context.Context, corr yagura.Key, group, after []byte, yield func(yagura.WindowRow) error) error {
	grp := groupKey(corr, group)
	if after == nil {
		after = []byte{}
	}
	page := make([]yagura.WindowRow, 0, 16) // most groups are small
	for {
		page = page[:0]
		err := tx.each(ctx, `SELECT sort, body, arrived FROM window_row WHERE grp = ? AND sort > ? ORDER BY sort LIMIT ?`,
			[]any{grp, after, int64(windowPage)}, func(rows *sql.Rows) error {
				r := yagura.WindowRow{Corr: corr, Group: group}
				var arrived int64
				err := rows.Scan(&r.Sort, &r.Body, &arrived)
				r.Arrived = at(arrived)
				page = append(page, r)
				return err
			})
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := yield(r); err != nil {
				return err
			}
		}
		if len(page) < windowPage {
			return nil
		}
		after = page[len(page)-1].Sort
	}
}

// ReplaceOrigin makes rows the only rows of a correlation that come from the findings
// origins. Groups whose rows are the same as before are left clean.
func (tx *Tx) ReplaceOrigin(ctx context.Context, corr yagura.Key, origins []string, rows []yagura.WindowRow) error {
	for i, r := range rows {
		if r.Corr != corr || !slices.Contains(origins, r.Origin) {
			return fmt.Errorf("window row %d of the batch: its correlation or origin is not among those that are replaced", i)
		}
	}
	want, err := tx.windowRows(rows)
	if err != nil {
		return err
	}
	type place struct{ grp, sort string }
	missing := make(map[place]windowRow, len(want))
	for _, r := range want {
		missing[place{string(r.grp), string(r.sort)}] = r
	}
	keys := make([][]byte, 0, len(origins))
	for _, o := range origins {
		if o == "" {
			return fmt.Errorf("an origin is empty")
		}
		keys = append(keys, originKey(corr, o))
	}
	slices.SortFunc(keys, bytes.Compare)
	keys = slices.CompactFunc(keys, bytes.Equal)
	var gone []windowRow
	_, err = tx.many(ctx, `SELECT grp, sort, origin, body FROM window_row WHERE length(origin) > 0 AND origin IN (SELECT o FROM d)`,
		[]column{blobColumn("o", keys)}, func(rows *sql.Rows) error {
			var r windowRow
			if err := rows.Scan(&r.grp, &r.sort, &r.origin, &r.body); err != nil {
				return err
			}
			p := place{string(r.grp), string(r.sort)}
			if w, ok := missing[p]; ok && bytes.Equal(w.body, r.body) && bytes.Equal(w.origin, r.origin) {
				delete(missing, p)
			} else {
				gone = append(gone, r)
			}
			return nil
		})
	if err != nil {
		return err
	}
	if err := tx.removeRows(ctx, gone); err != nil {
		return err
	}
	added := want[:0:0]
	for _, r := range want {
		if m, ok := missing[place{string(r.grp), string(r.sort)}]; ok && bytes.Equal(m.body, r.body) {
			added = append(added, r)
			delete(missing, place{string(r.grp), string(r.sort)})
		}
	}
	_, err = tx.many(ctx, `INSERT INTO window_row (grp, sort, origin, body, arrived) SELECT grp, sort, origin, body, CAST(? AS BIGINT) FROM d WHERE true
		ON CONFLICT (grp, sort) DO NOTHING RETURNING grp`, windowColumns(added), func(rows *sql.Rows) error {
		var grp []byte
		err := rows.Scan(&grp)
		g := tx.group(string(grp))
		g.rows++
		g.dirty = true
		return err
	}, ns(tx.now))
	return err
}

func (tx *Tx) removeRows(ctx context.Context, rows []windowRow) error {
	slices.SortFunc(rows, func(a, b windowRow) int {
		return cmp.Or(bytes.Compare(a.grp, b.grp), bytes.Compare(a.sort, b.sort))
	})
	_, err := tx.many(ctx, `DELETE FROM window_row WHERE (grp, sort) IN (SELECT grp, sort FROM d) RETURNING grp`, windowColumns(rows)[:2],
		func(rows *sql.Rows) error {
			var grp []byte
			err := rows.Scan(&grp)
			g := tx.group(string(grp))
			g.rows--
			g.dirty = true
			return err
		})
	return err
}

// SettleWindowGroup gives a leased group back after it was evaluated. sealed says up to
// where its rows are judged for good; at due it is looked at again (zero: only when rows
// come). A group that got rows since it was leased is due at once. It returns
// [ErrLeaseLost] when owner does not have the group any more.
func (tx *Tx) SettleWindowGroup(ctx context.Context, g yagura.WindowGroup, owner string, sealed []byte, due time.Time) error {
	if !tx.write {
		return tx.fail(errReadOnly)
	}
	grp := groupKey(g.Corr, g.Group)
	has := ""
	err := tx.one(ctx, `SELECT owner FROM window_group WHERE grp = ?`, []any{grp}, &has)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if owner == "" || has != clean(owner) {
		return fmt.Errorf("window group %s: %w", hex.EncodeToString(grp), ErrLeaseLost)
	}
	if tx.late.settled == nil {
		tx.late.settled = map[string]settledGroup{}
	}
	tx.late.settled[string(grp)] = settledGroup{owner: clean(owner), stamp: g.Stamp, due: ns(due), sealed: sealed}
	return nil
}

// settledGroup is a group that is given back just before the commit: rows of groups are
// locked last, as those who add to them do.
type settledGroup struct {
	owner      string
	stamp, due int64
	sealed     []byte
}

// holdGroups locks groups in order, where some are changed and others settled.
func (tx *Tx) holdGroups(ctx context.Context, l late) error {
	if len(l.settled) == 0 || !tx.s.d.postgres {
		return nil
	}
	all := slices.AppendSeq(slices.Collect(maps.Keys(l.settled)), maps.Keys(l.groups))
	slices.Sort(all)
	all = slices.Compact(all)
	groups := make([][]byte, len(all))
	for i, g := range all {
		groups[i] = []byte(g)
	}
	_, err := tx.many(ctx, `SELECT grp FROM window_group WHERE grp IN (SELECT g FROM d) ORDER BY grp {for update}`, []column{blobColumn("g", groups)},
		func(*sql.Rows) error { return nil })
	return err
}

func (tx *Tx) flushSettled(ctx context.Context, settled map[string]settledGroup) error {
	var groups, seals [][]byte
	var owners []string
	v := numbers{names: []string{"s", "due"}}
	for _, k := range slices.Sorted(maps.Keys(settled)) {
		g := settled[k]
		groups, seals, owners = append(groups, []byte(k)), append(seals, g.sealed), append(owners, g.owner)
		v.add(g.stamp, g.due)
	}
	n, err := tx.many(ctx, `UPDATE window_group SET owner = '', sealed = d.sealed, touched = ?,
			dirty = CASE WHEN stamp <> d.s OR d.due <> 0 THEN 1 ELSE 0 END, due = CASE WHEN stamp <> d.s THEN CAST(? AS BIGINT) ELSE d.due END
		FROM d WHERE window_group.grp = d.g AND window_group.owner = d.o`,
		append([]column{blobColumn("g", groups), blobColumn("sealed", seals), textColumn("o", owners)}, v.columns()...), nil, ns(tx.now), ns(tx.now))
	if err == nil && n != int64(len(groups)) {
		// A lease was lost since it was asked for: running again tells which.
		err = tx.fail(fmt.Errorf("window groups: %w", errAgain))
	}
	return err
}

// DropWindowRows removes the rows of a group up to and with a Sort. It does not make the
// group dirty.
func (tx *Tx) DropWindowRows(ctx context.Context, corr yagura.Key, group, upTo []byte) error {
	grp := groupKey(corr, group)
	n, err := tx.exec(ctx, `DELETE FROM window_row WHERE grp = ? AND sort <= ?`, grp, upTo)
	if err != nil || n == 0 {
		return err
	}
	g := tx.group(string(grp))
	g.corr, g.name = corr, group
	g.rows -= n
	return nil
}

// PruneWindowGroups forgets groups that are settled and were not touched since a time, at
// most limit of them, and says how many. Their last rows, which are kept for what comes late,
// and what they had sealed are forgotten with them.
func (tx *Tx) PruneWindowGroups(ctx context.Context, before time.Time, limit int) (int64, error) {
	if err := tx.flush(ctx); err != nil {
		return 0, err
	}
	// Whoever adds rows to a group writes to it before the commit: one that is held here and
	// is clean has no rows that were not seen.
	var groups [][]byte
	err := tx.each(ctx, `SELECT grp FROM window_group WHERE dirty = 0 AND touched < ? ORDER BY touched LIMIT ? {skip locked}`,
		[]any{ns(before), int64(bound(limit))}, func(rows *sql.Rows) error {
			var grp []byte
			err := rows.Scan(&grp)
			groups = append(groups, grp)
			return err
		})
	if err != nil {
		return 0, err
	}
	col := []column{blobColumn("g", groups)}
	if _, err := tx.many(ctx, `DELETE FROM window_row WHERE grp IN (SELECT g FROM d)`, col, nil); err != nil {
		return 0, err
	}
	return tx.many(ctx, `DELETE FROM window_group WHERE grp IN (SELECT g FROM d)`, col, nil)
}
