package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// cutter is a wire between client and server that breaks at a commit.
type cutter struct {
	server string
	plan   func(n int64) string // what happens to the n-th commit: "", "before", "after", "late"
	seen   atomic.Int64
	down   atomic.Bool // connections are refused
	wg     sync.WaitGroup
}

// listen returns the URL of the wire for a database behind it.
func (c *cutter) listen(t *testing.T, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	c.server = u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); c.wg.Wait() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.wg.Go(func() { c.carry(conn) })
		}
	}()
	u.Host = l.Addr().String()
	return u.String()
}

func (c *cutter) carry(client net.Conn) {
	defer client.Close()
	if c.down.Load() {
		return
	}
	server, err := net.Dial("tcp", c.server)
	if err != nil {
		return
	}
	defer server.Close()
	var deaf atomic.Bool // the client gets nothing more
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if deaf.Load() {
				return // the server has answered
			}
			if n > 0 {
				if _, err := client.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 && bytes.Contains(buf[:n], []byte("COMMIT\x00")) {
			switch c.plan(c.seen.Add(1)) {
			case "before": // the commit never comes to the server
				return
			case "after": // the answer never comes to the client
				deaf.Store(true)
				_, _ = server.Write(buf[:n])
				<-done
				return
			case "late": // the client sees the end before the server sees the commit
				deaf.Store(true)
				client.Close()
				time.Sleep(300 * time.Millisecond)
				_, _ = server.Write(buf[:n])
				<-done
				return
			}
		}
		if n > 0 {
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// TestLostAnswers: the connection breaks at commits, before and after the server did
// them. Nothing is done twice and nothing that was acknowledged is lost.
func TestLostAnswers(t *testing.T) {
	direct := storetest.Postgres(t)
	wire := &cutter{plan: func(n int64) string { return [...]string{"", "after", "before", "", "late", "after"}[n%6] }}
	db := opens(t, store.Options{URL: wire.listen(t, direct)})
	const writers, each = 4, 15
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					return tx.AddCounts(ctx, []yagura.Count{{IssueID: "x", Findings: 1}})
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if wire.seen.Load() <= writers*each {
		t.Errorf("%d commits were seen of %d transactions: nothing was cut", wire.seen.Load(), writers*each)
	}
	var n int
	if err := admin(t, direct).QueryRow("SELECT sum(findings) FROM issue_count").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != writers*each {
		t.Errorf("%d transactions were acknowledged, %d were done", writers*each, n)
	}
}

// TestInDoubt: the context ends right after a commit whose answer is lost. The commit is
// looked up all the same; where the server is gone for good, the error says that nobody
// knows.
func TestInDoubt(t *testing.T) {
	direct := storetest.Postgres(t)
	for _, back := range []bool{true, false} {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var cuts atomic.Bool
		wire := &cutter{}
		wire.plan = func(int64) string {
			if !cuts.Load() {
				return ""
			}
			cancel()
			wire.down.Store(!back)
			return "after"
		}
		db := opens(t, store.Options{URL: wire.listen(t, direct)})
		db.SetGrace(2 * time.Second)
		cuts.Store(true)
		err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.PutState(ctx, "k", []byte("v")) })
		if back && err != nil || !back && !errors.Is(err, store.ErrInDoubt) {
			t.Errorf("the server comes back %v: %v", back, err)
		}
	}
}

// TestServerCrashes: the server stops as in a crash, and comes back, while replicas write.
func TestServerCrashes(t *testing.T) {
	server := storetest.Start(t)
	o := store.Options{URL: server.Database(t)}
	var troubles atomic.Int64
	o.Trouble = func(error, time.Duration) { troubles.Add(1) }
	var dbs []*store.DB
	for range 2 {
		dbs = append(dbs, opens(t, o))
	}
	stop := make(chan struct{})
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := dbs[i%2].Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					return tx.AddCounts(ctx, []yagura.Count{{IssueID: "x", Findings: 1}})
				}); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	for range 3 {
		before := done.Load()
		storetest.Wait(t, "writing", func() bool { return done.Load() > before+50 })
		server.Stop(t)
		server.Restart(t)
	}
	before := done.Load()
	storetest.Wait(t, "writing at the end", func() bool { return done.Load() > before+50 })
	close(stop)
	wg.Wait()
	var n int64
	if err := admin(t, o.URL).QueryRow("SELECT sum(findings) FROM issue_count").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != done.Load() {
		t.Errorf("%d transactions were acknowledged, %d were done", done.Load(), n)
	}
	if troubles.Load() == 0 {
		t.Error("nobody was told of the trouble")
	}
}

func admin(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func run(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// TestLeastPrivileges: the rights that docs/store.md tells are enough, for a role that may
// change the schema and for one that may not.
func TestLeastPrivileges(t *testing.T) {
	server := storetest.Start(t) // roles are of the whole server
	direct := server.Database(t)
	db := admin(t, direct)
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	run(t, db, "REVOKE ALL ON DATABASE "+name+" FROM PUBLIC", "REVOKE ALL ON SCHEMA public FROM PUBLIC",
		"CREATE ROLE yagura_owner LOGIN", "CREATE ROLE yagura_app LOGIN",
		"GRANT CONNECT ON DATABASE "+name+" TO yagura_owner, yagura_app",
		"CREATE SCHEMA yagura AUTHORIZATION yagura_owner",
		"ALTER ROLE yagura_owner SET search_path = yagura", "ALTER ROLE yagura_app SET search_path = yagura")
	as := func(role string) store.Options {
		v := *u
		v.User = url.User(role)
		return store.Options{URL: v.String(), Now: storetest.Clock(0)}
	}
	owner := opens(t, as("yagura_owner"))
	run(t, db, "GRANT USAGE ON SCHEMA yagura TO yagura_app",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA yagura TO yagura_app",
		"GRANT USAGE ON ALL SEQUENCES IN SCHEMA yagura TO yagura_app")
	storetest.Fill(t, owner)
	app := opens(t, as("yagura_app"))
	storetest.Check(t, app, false)
	var b bytes.Buffer
	if err := app.Backup(context.Background(), &b); err != nil {
		t.Error(err)
	}
}

func TestPostgresRefused(t *testing.T) {
	server := storetest.TheServer(t)
	latin := strings.Replace(server.Database(t), "/t", "/latin_t", 1)
	u, _ := url.Parse(latin)
	name := strings.TrimPrefix(u.Path, "/")
	db := admin(t, storetest.Postgres(t))
	run(t, db, "CREATE DATABASE "+name+" ENCODING 'SQL_ASCII' TEMPLATE template0")
	t.Cleanup(func() { _, _ = db.Exec("DROP DATABASE " + name) })
	for _, c := range []struct{ url, want string }{
		{latin, "encoded in SQL_ASCII"},
		{storetest.Postgres(t) + "&search_path=nowhere", "no schema"},
		{"mysql://user:secret@host/db", "mysql:"},
		{"postgres://user:secret@host:notaport/db", "cannot be read"},
		{"postgres://user:secret@127.0.0.1:1/db?sslmode=disable", "postgres"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := store.Open(ctx, store.Options{URL: c.url})
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", c.want, err)
		}
	}
}

// TestContextEnds: a context that ends in the middle of a statement gives its own error.
func TestContextEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		db := opens(t, o)
		hold := make(chan struct{})
		held := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				err := tx.PutState(ctx, "k", []byte("v"))
				close(held)
				<-hold
				return err
			})
		})
		<-held
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		err := db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.PutState(ctx, "k", []byte("w")) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for a lock: %v", err)
		}
		close(hold)
		wg.Wait()
		if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.PutState(ctx, "k", []byte("x")) }); err != nil {
			t.Error(err)
		}
	})
}

// TestGrowingTables: statements that were planned when their tables were small do not walk
// through them when they are large, though the server has no new statistics of them.
func TestGrowingTables(t *testing.T) {
	o := store.Options{URL: storetest.Postgres(t), Now: storetest.Clock(0)}
	stats := admin(t, o.URL)
	run(t, stats, "SET search_path = public")
	db := opens(t, o)
	for _, table := range []string{"delivery", "finding", "issue", "cause", "notice", "lane", "window_row", "window_group", "issue_tally"} {
		run(t, stats, "ALTER TABLE "+table+" SET (autovacuum_enabled = false)")
	}
	const batches, size, many = 10, 200, 100_000
	read := func() map[string]int {
		rows, err := stats.Query("SELECT relname, seq_tup_read FROM pg_stat_user_tables")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		out := map[string]int{}
		for rows.Next() {
			var table string
			var n int
			if err := rows.Scan(&table, &n); err != nil {
				t.Fatal(err)
			}
			out[table] = n
		}
		return out
	}
	var before map[string]int
	for n := range 2 * batches {
		if n == batches {
			// Batches go on with the same connections on tables that are large now.
			const series = " FROM generate_series(1, 100000) i"
			run(t, stats, "INSERT INTO cause SELECT 'm' || i, 'm' || i"+series,
				"INSERT INTO lane SELECT 'sink', 'm' || i, 1, 0, ''"+series,
				"INSERT INTO issue_tally SELECT 'm' || i, 0, 0, 0, 0"+series,
				"INSERT INTO window_group SELECT sha256(i::text::bytea), '', '', 1, 1, 0, 0, 0, '', ''"+series,
				"INSERT INTO delivery SELECT 's', 'm' || i, '', 1, 1, 1, 1, 0, 0, 0, 0, 0, '', 1, 0, 0"+series,
				"INSERT INTO notice SELECT 'm' || i, 'sink', 'm' || i, 1, 'open', 1, 0, 1, 1, '', 0, 0, 0, 1, '', '', ''"+series,
				"INSERT INTO finding SELECT 'm' || i, 'm' || i, 1, 1, '', 0, 0, '', 1, '', '', ''"+series,
				"SELECT pg_stat_force_next_flush()")
			before = read()
		}
		if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			var names, keys []string
			var deliveries []yagura.Delivery
			var filed []yagura.Filed
			var issues []*yagura.Issue
			var notices []yagura.Notice
			var entries []yagura.Entry
			var rows []yagura.WindowRow
			for i := range size {
				id := fmt.Sprintf("%04d/%04d", n, i)
				names, keys = append(names, id), append(keys, id)
				deliveries = append(deliveries, yagura.Delivery{Source: "s", Object: id, Total: 1})
				x := storetest.Issue(id)
				issues, filed = append(issues, x), append(filed, storetest.Filed(id, x.ID), storetest.Filed("0000/0000", x.ID))
				notices, entries = append(notices, storetest.Notice("sink", x, yagura.OpOpen, "")), append(entries, yagura.Entry{IssueID: x.ID})
				rows = append(rows, yagura.WindowRow{Group: []byte(id), Sort: []byte("1")})
			}
			if _, err := tx.Deliveries(ctx, "s", names); err != nil {
				return err
			}
			if err := tx.PutDeliveries(ctx, append(deliveries, yagura.Delivery{Source: "s", Object: "0000/0000", Judged: int64(n)})); err != nil {
				return err
			}
			if _, err := tx.PutFindings(ctx, filed); err != nil {
				return err
			}
			if _, err := tx.IssuesByCause(ctx, keys, store.Change); err != nil {
				return err
			}
			if err := tx.PutIssues(ctx, issues); err != nil {
				return err
			}
			if err := tx.AddEntries(ctx, entries); err != nil {
				return err
			}
			if _, err := tx.AddWindowRows(ctx, rows); err != nil {
				return err
			}
			return tx.Owe(ctx, notices)
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			now := storetest.Clock(n)()
			if _, err := tx.LeaseWindowGroups(ctx, "w", now, now.Add(time.Hour), 50); err != nil {
				return err
			}
			list, err := tx.LeaseNotices(ctx, "sink", "w", now, now.Add(time.Hour), 10)
			if err != nil {
				return err
			}
			for _, x := range list {
				if err := tx.SettleNotice(ctx, x.ID, "w", yagura.Receipt{}, now); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	db.Close() // its connections report what they did
	storetest.Wait(t, "the server's statistics", func() bool {
		var n int
		_ = stats.QueryRow("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'notice'").Scan(&n)
		return n == 2*batches*size+many
	})
	for table, n := range read() {
		if n -= before[table]; n >= many {
			t.Errorf("%s: %d rows were walked through", table, n)
		}
	}
}
