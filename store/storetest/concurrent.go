package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

var concurrentCases = []testCase{
	{"replicas/one hot issue", testHotIssue},
	{"replicas/one state", testHeldState},
	{"replicas/share and change", testShareAndChange},
	{"replicas/one cause at once", testOneCause},
	{"replicas/leases", testSharedLeases},
	{"replicas/a growing window", testGrowingWindow},
	{"replicas/open at once", testOpenAtOnce},
	{"close waits", testClose},
}

// replicas opens a database n times and runs fn on each at the same time.
func replicas(t *testing.T, open Open, n int, fn func(i int, db *store.DB) error) []*store.DB {
	t.Helper()
	dbs := make([]*store.DB, n)
	for i := range dbs {
		dbs[i] = open(t, store.Options{Replica: fmt.Sprintf("replica %d", i)})
	}
	var wg sync.WaitGroup
	for i, db := range dbs {
		wg.Go(func() {
			if err := fn(i, db); err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	return dbs
}

// testHotIssue: three replicas file findings of one cause in groups, as fast as they can,
// and fold its counts, while it is closed and re-opened beside them. Nothing deadlocks, no
// count is lost, no closing starves.
func testHotIssue(t *testing.T, open Open) {
	x := Issue("hot")
	first := open(t, store.Options{})
	putIssues(t, first, x)
	const perReplica, group = 5000, 100
	var retries, closings, longest atomic.Int64
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var judging sync.WaitGroup
	judging.Add(3)
	stop := make(chan struct{})
	go func() { judging.Wait(); close(stop) }()
	dbs := replicas(t, open, 3, func(i int, db *store.DB) error {
		var wg sync.WaitGroup
		errs := make(chan error, 3)
		wg.Go(func() { // judges
			defer judging.Done()
			for n := 0; n < perReplica; n += group {
				err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
					retries.Add(1)
					got, err := tx.IssuesByCause(ctx, []string{"hot"}, store.Share)
					if err != nil {
						return err
					}
					var filed []yagura.Filed
					for k := range group {
						filed = append(filed, Filed(fmt.Sprintf("%d/%d", i, n+k), got["hot"].ID))
					}
					states, err := tx.PutFindings(ctx, filed)
					if err != nil {
						return err
					}
					fresh := uint64(0)
					for _, s := range states {
						if s == yagura.FiledNew {
							fresh++
						}
					}
					return tx.AddCounts(ctx, []yagura.Count{{IssueID: got["hot"].ID, Findings: fresh, First: at(n), Last: at(n)}})
				})
				if err != nil {
					errs <- err
					return
				}
			}
		})
		wg.Go(func() { // folds
			for {
				if err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { _, err := tx.FoldCounts(ctx, 1000); return err }); err != nil {
					errs <- err
					return
				}
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
		wg.Go(func() { // closes and opens again
			for {
				start := time.Now()
				err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
					got, err := tx.IssuesByCause(ctx, []string{"hot"}, store.Change)
					if err != nil {
						return err
					}
					y := got["hot"]
					y.Version++
					if y.Status = yagura.StatusClosed; y.Version%2 == 1 {
						y.Status = yagura.StatusOpen
						y.Episode++
					}
					if err := tx.PutIssue(ctx, y); err != nil {
						return err
					}
					if err := tx.AddEntries(ctx, []yagura.Entry{{IssueID: y.ID, What: yagura.EntryClosed, At: at(0)}}); err != nil {
						return err
					}
					return tx.Owe(ctx, []yagura.Notice{Notice("sink", y, yagura.OpClose, "")})
				})
				if err != nil {
					errs <- err
					return
				}
				closings.Add(1)
				for took := int64(time.Since(start)); ; {
					if old := longest.Load(); took <= old || longest.CompareAndSwap(old, took) {
						break
					}
				}
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		})
		wg.Wait()
		close(errs)
		return <-errs
	})
	t.Logf("%s: %d groups judged in %d runs, %d closings, the longest took %v, all %v", dbs[0].Dialect(), 3*perReplica/group, retries.Load(), closings.Load(),
		time.Duration(longest.Load()).Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	if t.Failed() {
		return
	}
	if closings.Load() < 6 {
		t.Errorf("%d closings came through", closings.Load())
	}
	check := func() {
		t.Helper()
		got := issueOf(t, dbs[1], x.ID)
		if got.Count != 3*perReplica || got.Version != 1+closings.Load() || !got.LastSeen.Equal(at(perReplica-group)) {
			t.Errorf("count %d, version %d after %d closings, last seen %v", got.Count, got.Version, closings.Load(), got.LastSeen)
		}
	}
	check()
	for n := 1; n > 0; {
		update(t, dbs[0], func(ctx context.Context, tx *store.Tx) (err error) { n, err = tx.FoldCounts(ctx, 1000); return err })
	}
	check()
	view(t, dbs[2], func(ctx context.Context, tx *store.Tx) error {
		entries, err := tx.Entries(ctx, x.ID, 0, 10_000)
		for i, e := range entries {
			if e.Seq != int64(i+1) {
				t.Fatalf("entry %d has seq %d", i+1, e.Seq)
			}
		}
		owed, _, err2 := tx.Notices(ctx, "sink", x.ID, nil, "", 10_000)
		if int64(len(entries)) != closings.Load() || int64(len(owed)) != closings.Load() || err2 != nil {
			t.Errorf("%d entries, %d notices after %d closings, %v", len(entries), len(owed), closings.Load(), err2)
		}
		return err
	})
}

// testHeldState: replicas count up a value that is not there at first. No step is lost.
func testHeldState(t *testing.T, open Open) {
	const each = 25
	dbs := replicas(t, open, 3, func(_ int, db *store.DB) error {
		for range each {
			if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				value, _, err := tx.HoldState(ctx, "n")
				if err != nil {
					return err
				}
				return tx.PutState(ctx, "n", append(value, 1))
			}); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, dbs[0], func(ctx context.Context, tx *store.Tx) error {
		value, _, err := tx.State(ctx, "n")
		same(t, "steps", 3*each, len(value))
		return err
	})
}

// testShareAndChange: an issue is held by Share all the time, by transactions that
// overlap. Whoever wants to change it gets its turn.
func testShareAndChange(t *testing.T, open Open) {
	x := Issue("hot")
	putIssues(t, open(t, store.Options{}), x)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stop := make(chan struct{})
	var sharing sync.WaitGroup
	replicas(t, open, 3, func(i int, db *store.DB) error {
		if i == 0 {
			defer sharing.Wait()
			defer close(stop)
			for range 10 {
				if err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
					got, err := tx.Issue(ctx, x.ID, store.Change)
					if err != nil {
						return err
					}
					got.Version++
					return tx.PutIssue(ctx, got)
				}); err != nil {
					return err
				}
			}
			return nil
		}
		for range 4 {
			sharing.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
						_, err := tx.IssuesByCause(ctx, []string{"hot"}, store.Share)
						time.Sleep(time.Duration(5+rand.IntN(20)) * time.Millisecond) // the work of a group of findings
						return err
					}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		return nil
	})
}

// testOneCause: findings of new causes come to three replicas at once. Each cause gets
// one issue, and the open notice once.
func testOneCause(t *testing.T, open Open) {
	open(t, store.Options{})
	const causes, group = 60, 6
	dbs := replicas(t, open, 3, func(i int, db *store.DB) error {
		for n := 0; n < causes; n += group {
			err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				var keys []string
				for k := range group {
					keys = append(keys, name("c", n+k))
				}
				got, err := tx.IssuesByCause(ctx, keys, store.Change)
				if err != nil {
					return err
				}
				for _, k := range keys {
					x := got[k]
					if x != nil {
						continue
					}
					x = Issue(k)
					if err := tx.PutIssue(ctx, x); err != nil {
						return err
					}
					if err := tx.Owe(ctx, []yagura.Notice{Notice("sink", x, yagura.OpOpen, k)}); err != nil {
						return err
					}
					got[k] = x
				}
				var counts []yagura.Count
				for _, k := range keys {
					counts = append(counts, yagura.Count{IssueID: got[k].ID, Findings: 1})
				}
				return tx.AddCounts(ctx, counts)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	view(t, dbs[0], func(ctx context.Context, tx *store.Tx) error {
		list, _, err := tx.FindIssues(ctx, nil, true, nil, "", "", 1000)
		if len(list) != causes {
			t.Errorf("%d issues of %d causes", len(list), causes)
		}
		for _, x := range list {
			if x.Count != 3 {
				t.Errorf("%s: count %d", x.CauseKey, x.Count)
			}
		}
		if err != nil {
			return err
		}
		books, err := tx.SinkTotals(ctx)
		if len(books) != 1 || books[0].Owed != causes || books[0].Waiting != causes {
			t.Errorf("books: %+v", books)
		}
		return err
	})
}

// testSharedLeases: three replicas deliver notices and evaluate groups, and one in ten
// workers vanishes between lease and settle. Every notice is settled once, in order.
func testSharedLeases(t *testing.T, open Open) {
	db := open(t, store.Options{})
	const issues, each = 40, 5
	var list []yagura.Notice
	var rows []yagura.WindowRow
	for i := range issues {
		x := Issue(name("c", i))
		for k := range each {
			n := Notice("sink", x, yagura.OpComment, fmt.Sprint(k))
			n.ID = ulid.Make().String()
			list = append(list, n)
		}
		rows = append(rows, row(name("g", i), "1", ""))
	}
	owe(t, db, list...)
	add(t, db, rows...)
	var mu sync.Mutex
	groups := map[string]int{}
	var attempts atomic.Int64
	start := time.Now()
	const leaseFor = 300 * time.Millisecond
	replicas(t, open, 3, func(i int, db *store.DB) error {
		owner := fmt.Sprintf("w%d", i)
		for time.Since(start) < time.Minute {
			var got []yagura.Notice
			var gs []yagura.WindowGroup
			now := time.Now()
			err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
				if got, err = tx.LeaseNotices(ctx, "sink", owner, now, now.Add(leaseFor), 7); err != nil {
					return err
				}
				gs, err = tx.LeaseWindowGroups(ctx, owner, now, now.Add(leaseFor), 3)
				return err
			})
			if err != nil {
				return err
			}
			for _, n := range got {
				if attempts.Add(1)%10 == 0 {
					continue // as if the process had died here
				}
				err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					return tx.SettleNotice(ctx, n.ID, owner, yagura.Receipt{}, time.Now())
				})
				if err != nil && !errors.Is(err, store.ErrLeaseLost) { // on a slow machine the lease may run out
					return err
				}
			}
			for _, g := range gs {
				err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					return tx.SettleWindowGroup(ctx, g, owner, nil, time.Time{})
				})
				if errors.Is(err, store.ErrLeaseLost) {
					continue
				} else if err != nil {
					return err
				}
				mu.Lock()
				groups[string(g.Group)]++
				mu.Unlock()
			}
			if len(got) == 0 {
				var ok bool
				if err := db.View(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
					_, ok, err = tx.NextNotice(ctx, "sink")
					return err
				}); err != nil {
					return err
				}
				if !ok {
					return nil
				}
				time.Sleep(10 * time.Millisecond) // another replica has what is left
			}
		}
		return fmt.Errorf("not done within a minute")
	})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		owed, _, err := tx.Notices(ctx, "sink", "", nil, "", 1000)
		if len(owed) != issues*each || err != nil {
			t.Errorf("%d notices, %v", len(owed), err)
		}
		slices.SortFunc(owed, func(a, b yagura.Owed) int { return int(a.Notice.Seq - b.Notice.Seq) })
		last := map[string]time.Time{}
		for _, o := range owed {
			if o.State != yagura.NoticeDelivered || !o.Done.After(last[o.Notice.IssueID]) {
				t.Errorf("issue %s, seq %d: %s, done %v, the one before %v", o.Notice.IssueID, o.Notice.Seq, o.State, o.Done, last[o.Notice.IssueID])
			}
			last[o.Notice.IssueID] = o.Done
		}
		books, err := tx.SinkTotals(ctx)
		same(t, "books", []yagura.SinkTotals{{Sink: "sink", Owed: issues * each, Delivered: issues * each}}, books)
		return err
	})
	if len(groups) != issues {
		t.Errorf("%d groups", len(groups))
	}
	for g, n := range groups {
		if n != 1 {
			t.Errorf("group %s was evaluated %d times", g, n)
		}
	}
}

// testOpenAtOnce: several replicas start on an empty database at once; it is made once.
func testOpenAtOnce(t *testing.T, open Open) {
	mode := store.Serve
	if db := open(t, store.Options{}); db.Dialect() == "sqlite" {
		mode = store.Shared
	}
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			db := open(t, store.Options{Mode: mode})
			update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.PutState(ctx, fmt.Sprint(i), []byte("v")) })
		})
	}
	wg.Wait()
}

// testGrowingWindow: rows are added to a few groups by three replicas, which evaluate the
// groups meanwhile and lock an issue for it, as those who add do. Whoever evaluates a group
// last has seen all of its rows.
func testGrowingWindow(t *testing.T, open Open) {
	x := Issue("of the window")
	putIssues(t, open(t, store.Options{}), x)
	const batches, size, groups = 30, 12, 3
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var mu sync.Mutex
	last := map[string]int{}
	var adding atomic.Int64
	adding.Store(3)
	replicas(t, open, 3, func(i int, db *store.DB) error {
		var wg sync.WaitGroup
		var failed atomic.Pointer[error]
		wg.Go(func() {
			defer adding.Add(-1)
			for n := range batches {
				if err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
					if _, err := tx.IssuesByCause(ctx, []string{"of the window"}, store.Change); err != nil {
						return err
					}
					var rows []yagura.WindowRow
					for k := range size {
						rows = append(rows, row(name("g", k%groups), fmt.Sprintf("%d/%d/%d", n, i, k), ""))
					}
					_, err := tx.AddWindowRows(ctx, rows)
					return err
				}); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
		wg.Go(func() {
			owner := fmt.Sprint("w", i)
			for {
				over := adding.Load() == 0
				var list []yagura.WindowGroup
				err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
					list, err = tx.LeaseWindowGroups(ctx, owner, time.Now(), time.Now().Add(time.Minute), 2)
					return err
				})
				seen := map[string]int{}
				if err == nil && len(list) > 0 {
					err = db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
						clear(seen)
						for _, g := range list {
							if err := tx.WindowRows(ctx, g.Corr, g.Group, nil, func(yagura.WindowRow) error { seen[string(g.Group)]++; return nil }); err != nil {
								return err
							}
							if err := tx.SettleWindowGroup(ctx, g, owner, nil, time.Time{}); err != nil {
								return err
							}
						}
						_, err := tx.IssuesByCause(ctx, []string{"of the window"}, store.Change)
						return err
					})
				}
				if err != nil {
					failed.Store(&err)
					return
				}
				mu.Lock()
				for g, n := range seen {
					last[g] = max(last[g], n)
				}
				mu.Unlock()
				if over && len(list) == 0 {
					return
				}
			}
		})
		wg.Wait()
		if err := failed.Load(); err != nil {
			return *err
		}
		return nil
	})
	for g := range groups {
		same(t, "rows seen of "+name("g", g), 3*batches*size/groups, last[name("g", g)])
	}
}

// testClose: Close waits for a transaction that runs, and lets none begin.
func testClose(t *testing.T, open Open) {
	db := open(t, store.Options{})
	begun, closed := make(chan struct{}), make(chan struct{})
	go func() {
		<-begun
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		close(closed)
	}()
	err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		close(begun)
		for { // until Close has begun
			if err := db.View(ctx, func(context.Context, *store.Tx) error { return nil }); err != nil {
				break
			}
		}
		return tx.PutState(ctx, "k", []byte("v"))
	})
	if err != nil {
		t.Errorf("the transaction that ran: %v", err)
	}
	<-closed
	if err := db.Update(context.Background(), func(context.Context, *store.Tx) error { return nil }); err == nil {
		t.Error("a transaction begins after Close")
	}
	view(t, open(t, store.Options{}), func(ctx context.Context, tx *store.Tx) error {
		_, ok, err := tx.State(ctx, "k")
		if !ok {
			t.Error("what was committed is gone")
		}
		return err
	})
}
