package store

import (
	"context"
	"fmt"

	"github.com/yagura-sec/yagura"
)

// Replace puts a file that is being written (nil: none) in the place of live ones, and moves
// what is known of where records are to it. Where one of the old files is not live any more,
// or is on hold and the new one is not, it changes nothing and returns
// [yagura.ErrLakeChanged]. Of objects that are bare in the new file nothing is known any more.
func (l Lake) Replace(ctx context.Context, old []yagura.LakeFile, by *yagura.LakeFile) (seq int64, err error) {
	err = l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		var err error
		if seq, err = tx.lakeCounter(ctx, lakeSeq, 1); err != nil {
			return err
		}
		for i := range old {
			var state string
			var hold int64
			if err := tx.one(ctx, `SELECT state, hold FROM lake_file WHERE place = ? AND number = ? {for update}`, []any{l.place, old[i].Number}, &state, &hold); err != nil {
				return fmt.Errorf("lake file %d: %w: %w", old[i].Number, yagura.ErrLakeChanged, err)
			}
			if state != lakeLive || hold != 0 && (by == nil || !by.Hold) {
				return fmt.Errorf("lake file %d is %s, hold %d: %w", old[i].Number, state, hold, yagura.ErrLakeChanged)
			}
		}
		if by != nil {
			if err := tx.lakeWriters(ctx, []yagura.LakeFile{*by}); err != nil {
				return err
			}
			if err := tx.putLakeFiles(ctx, l.place, []yagura.LakeFile{*by}, lakeLive, seq); err != nil {
				return err
			}
		}
		for i := range old {
			if _, err := tx.exec(ctx, `UPDATE lake_file SET state = ?, seq = ? WHERE number = ?`, lakeDropped, seq, old[i].Number); err != nil {
				return err
			}
			q, args := `DELETE FROM kept_range WHERE file = ?`, []any{clean(old[i].Raw)}
			if by == nil {
				if err := tx.lookAtCopies(ctx, l.place, "k.file IN (SELECT f FROM d)", textColumn("f", []string{clean(old[i].Raw)})); err != nil {
					return err
				}
			} else {
				q, args = `UPDATE kept_range SET file = ?, checksum = ?, start = 0, length = 0 WHERE file = ?`, []any{clean(by.Raw), by.RawSum[:], clean(old[i].Raw)}
			}
			if _, err := tx.exec(ctx, q, args...); err != nil {
				return err
			}
		}
		if by == nil || len(by.Bare) == 0 {
			return nil
		}
		file := clean(by.Raw)
		var sources, objects, files []string
		for _, o := range by.Bare {
			sources, objects, files = append(sources, key(o.Source)), append(objects, key(o.Object)), append(files, file)
		}
		cols := []column{textColumn("s", sources), textColumn("o", objects), textColumn("f", files)}
		if err := tx.lookAtCopies(ctx, l.place, "(k.source, k.object, k.file) IN (SELECT s, o, f FROM d)", cols...); err != nil {
			return err
		}
		_, err = tx.many(ctx, `DELETE FROM kept_range WHERE (source, object, file) IN (SELECT s, o, f FROM d)`, cols, nil)
		return err
	})
	return seq, err
}
