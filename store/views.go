package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/yagura-sec/yagura"
)

func (tx *Tx) views(ctx context.Context, q string, args ...any) (out []yagura.View, err error) {
	err = tx.each(ctx, `SELECT body FROM saved_view WHERE `+q, args, func(rows *sql.Rows) error {
		var v yagura.View
		err := scanJSON(rows, &v)
		out = append(out, v)
		return err
	})
	return out, err
}

// SavedView returns one view, or nil.
func (tx *Tx) SavedView(ctx context.Context, id string, lock Lock) (*yagura.View, error) {
	return first(tx.views(ctx, `id = ?`+locking(lock), key(id)))
}

// Views returns the views that a user may use, its own and those that are shared, by
// their ids; list "" stands for all lists.
func (tx *Tx) Views(ctx context.Context, userID, list string, limit int) ([]yagura.View, error) {
	return tx.views(ctx, `(owner = ? OR shared = 1) AND (? = '' OR list = ?) ORDER BY id LIMIT ?`, key(userID), key(list), key(list), int64(bound(limit)))
}

// PutView writes a view, in place of what is there under its id.
func (tx *Tx) PutView(ctx context.Context, v *yagura.View) error {
	if v.ID == "" || v.List == "" {
		return errors.New("view: want an id and a list")
	}
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("view %q: %w", cut(v.Name, 64), err)
	}
	_, err = tx.exec(ctx, `INSERT INTO saved_view (id, list, owner, shared, body) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET list = excluded.list, owner = excluded.owner, shared = excluded.shared, body = excluded.body`,
		key(v.ID), key(v.List), key(v.Owner), flag(v.Shared), body)
	return err
}

// DeleteView removes a view, and says whether it was there.
func (tx *Tx) DeleteView(ctx context.Context, id string) (bool, error) {
	n, err := tx.exec(ctx, `DELETE FROM saved_view WHERE id = ?`, key(id))
	return n > 0, err
}
