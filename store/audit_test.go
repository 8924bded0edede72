package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

// TestAuditBroken: whatever is done to a line of the audit trail is found.
func TestAuditBroken(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		db := opens(t, o)
		err := db.Update(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			for i := range 4 {
				err = errors.Join(err, tx.AddAudit(ctx, &yagura.Audit{Who: "user:mary", What: fmt.Sprint("what", i), Outcome: "done"}))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ q, line string }{
			{`DELETE FROM audit WHERE seq = 2`, "line 2"},
			{`DELETE FROM audit WHERE seq = 4`, "line 4"},
			{`UPDATE audit SET who = 'user:eve' WHERE seq = 3`, "line 3"},
			{`UPDATE audit SET at = at + 1 WHERE seq = 1`, "line 1"},
			{`UPDATE audit SET body = (SELECT body FROM audit WHERE seq = 2) WHERE seq = 3`, "line 3"},
			{`INSERT INTO audit SELECT 5, at, who, what, target, outcome, body, sum FROM audit WHERE seq = 4`, "line 5"},
			{`DELETE FROM audit`, "line 1"},
			{`UPDATE audit_head SET sum = (SELECT sum FROM audit WHERE seq = 1)`, "line 5"},
		} {
			takenBack := errors.New("taken back")
			err := db.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := tx.Meddle(ctx, c.q); err != nil {
					return err
				}
				if _, err := tx.VerifyAudit(ctx); !errors.Is(err, store.ErrAuditBroken) || !strings.Contains(err.Error(), c.line+":") {
					t.Errorf("%s: %v, want %s", c.q, err, c.line)
				}
				return takenBack
			})
			if !errors.Is(err, takenBack) {
				t.Fatal(err)
			}
		}
	})
}
