package app

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

// TestUnknownCorrelation: base matches of a rule that only another replica has read yet are
// not thrown away by one that does not know it; those of a rule that is gone are, after a day.
func TestUnknownCorrelation(t *testing.T) {
	clock := &shifted{}
	s := newStand(t)
	s.clock = clock.now
	s.start()
	corr, group := yagura.Key{1, 2, 3}, []byte("bob")
	sort := make([]byte, 26)
	binary.BigEndian.PutUint64(sort, uint64(clock.now().UnixNano())^1<<63)
	err := s.serve.db.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddWindowRows(ctx, []yagura.WindowRow{{Corr: corr, Group: group, Sort: sort, Body: []byte("x")}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := func() (n int) {
		err := s.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			n = 0
			return tx.WindowRows(ctx, corr, group, nil, func(yagura.WindowRow) error { n++; return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	looked := func() bool { return s.serve.in.Stats.Evaluated.Load() > 0 }
	s.until("the group is looked at", looked)
	again := s.serve.in.Stats.Evaluated.Load()
	clock.advance(5 * time.Minute)
	s.until("it is looked at again", func() bool { return s.serve.in.Stats.Evaluated.Load() > again })
	if n := rows(); n != 1 {
		t.Fatalf("%d rows of a rule that may be another replica's, want 1", n)
	}
	clock.advance(25 * time.Hour)
	s.until("rows of a rule that is gone are dropped", func() bool { return rows() == 0 })
}
