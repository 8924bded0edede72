package app

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/intake"
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

// windowBook notes what is written about windows.
type windowBook struct {
	mu     sync.Mutex
	rows   []yagura.WindowRow
	states map[string][]byte
}

type windowStore struct {
	intake.Store
	book *windowBook
}

func (w windowStore) Update(ctx context.Context, fn func(ctx context.Context, tx intake.Tx) error) error {
	return w.Store.Update(ctx, func(ctx context.Context, tx intake.Tx) error { return fn(ctx, windowTx{tx, w.book}) })
}

type windowTx struct {
	intake.Tx
	book *windowBook
}

func (w windowTx) AddWindowRows(ctx context.Context, rows []yagura.WindowRow) (int64, error) {
	w.book.mu.Lock()
	w.book.rows = append(w.book.rows, rows...)
	w.book.mu.Unlock()
	return w.Tx.AddWindowRows(ctx, rows)
}

func (w windowTx) PutState(ctx context.Context, name string, value []byte) error {
	if strings.HasPrefix(name, "window/") {
		w.book.mu.Lock()
		w.book.states[name] = value
		w.book.mu.Unlock()
	}
	return w.Tx.PutState(ctx, name, value)
}

const countRules = `title: User created
id: 0d4c7d3a-6f0e-4d21-9d3c-5b8b6a4f0a01
name: user_created
status: test
logsource: {product: aws, service: cloudtrail}
detection: {a: {eventName: CreateUser}, condition: a}
level: low
---
title: Many users created
id: 0d4c7d3a-6f0e-4d21-9d3c-5b8b6a4f0a02
correlation: {type: event_count, rules: [user_created], group-by: [userIdentity.arn], timespan: 10m, condition: {gte: 3}}
level: high
`

// TestSettledWindowsAreForgotten: what is left of a window that is settled goes after a week,
// rows, group and what was reported of it, or else every address that ever did anything would
// stay in the store for good.
func TestSettledWindowsAreForgotten(t *testing.T) {
	clock := &shifted{}
	book := &windowBook{states: map[string][]byte{}}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "rule.yml"), countRules)
	s := newStand(t)
	s.clock = clock.now
	s.rules = RuleOptions{Paths: []string{filepath.Join(dir, "rule.yml")}}
	s.alter = func(serve *Serve) {
		o := serve.intakeOptions(serve.receivers, 0)
		o.Store = windowStore{o.Store, book}
		serve.in = intake.New(o)
	}
	s.start()
	var records []string
	for range 4 {
		records = append(records, trail(clock.now().UTC().Format("2006-01-02T15:04:05Z"), "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	}
	s.post(records...)
	s.until("the window is found", func() bool {
		for _, is := range s.issues() {
			if is.Title == "Many users created" {
				return true
			}
		}
		return false
	})
	clock.advance(2 * time.Hour)
	s.until("nothing of it may change any more", func() bool {
		book.mu.Lock()
		defer book.mu.Unlock()
		left := 0
		for _, v := range book.states {
			if v != nil {
				left++
			}
		}
		return len(book.states) == 1 && left == 0
	})
	s.until("rows of settled windows are dropped", func() bool {
		clock.advance(8 * 24 * time.Hour)
		if err := s.serve.house.prune(t.Context(), clock.now()); err != nil {
			t.Fatal(err)
		}
		rows := 0
		err := s.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.WindowRows(ctx, book.rows[0].Corr, book.rows[0].Group, nil, func(yagura.WindowRow) error { rows++; return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
		return rows == 0
	})
}

// settlingStore counts how many groups each transaction gives back.
type settlingStore struct {
	intake.Store
	mu      sync.Mutex
	commits []int
}

func (x *settlingStore) Update(ctx context.Context, fn func(ctx context.Context, tx intake.Tx) error) error {
	var n int
	err := x.Store.Update(ctx, func(ctx context.Context, tx intake.Tx) error {
		n = 0
		return fn(ctx, settlingTx{tx, &n})
	})
	if err == nil && n > 0 {
		x.mu.Lock()
		x.commits = append(x.commits, n)
		x.mu.Unlock()
	}
	return err
}

type settlingTx struct {
	intake.Tx
	n *int
}

func (x settlingTx) SettleWindowGroup(ctx context.Context, g yagura.WindowGroup, owner string, sealed []byte, due time.Time) error {
	*x.n++
	return x.Tx.SettleWindowGroup(ctx, g, owner, sealed, due)
}

// TestGroupsTogether: groups that are due at once share transactions, and none is left out. One
// whose finding the store never takes becomes a dead letter, and holds up none of its
// neighbours.
func TestGroupsTogether(t *testing.T) {
	const users, refused = 100, "arn:aws:iam::111122223333:user/u042"
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "rule.yml"), countRules)
	for _, hostile := range []bool{false, true} {
		t.Run(fmt.Sprintf("hostile %t", hostile), func(t *testing.T) {
			s := newStand(t)
			s.cfg.Storm = 10_000
			s.rules = RuleOptions{Paths: []string{filepath.Join(dir, "rule.yml")}}
			book := &settlingStore{}
			s.alter = func(serve *Serve) {
				o := serve.intakeOptions(serve.receivers, 0)
				if book.Store = o.Store; hostile {
					book.Store = refusingStore{Store: o.Store, action: "Many users created", cause: refused}
				}
				o.Store = book
				serve.in = intake.New(o)
			}
			s.start()
			at := time.Now().UTC().Format(time.RFC3339)
			var records []string
			for range 3 {
				for u := range users {
					records = append(records, strings.ReplaceAll(trail(at, "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`), "user/bob", fmt.Sprintf("user/u%03d", u)))
				}
			}
			s.post(records...)
			found := func() (causes []string) {
				err := s.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					list, _, err := latest(ctx, tx, issuesThat(), "", issuePage)
					for _, is := range list {
						if is.Title == "Many users created" {
							causes = append(causes, is.CauseKey)
						}
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				return causes
			}
			if hostile {
				s.until("all but one are found, and that one is said", func() bool { return len(found()) == users-1 && s.ledger().DeadAll == 1 })
				if slices.ContainsFunc(found(), func(cause string) bool { return strings.Contains(cause, refused) }) {
					t.Error("what the store refuses is there")
				}
				return
			}
			s.until("all are found", func() bool { return len(found()) == users })
			book.mu.Lock()
			defer book.mu.Unlock()
			if n := len(book.commits); n > 4 {
				t.Errorf("%d groups took %d commits: %v", users, n, book.commits)
			}
		})
	}
}
