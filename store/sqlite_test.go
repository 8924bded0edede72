package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// What this test binary does instead of testing when it is started as another process.
const (
	writerVariable = "YAGURA_TEST_WRITER" // a directory: write to it and say what is written
	limitVariable  = "YAGURA_TEST_LIMIT"  // how large a file may grow
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerVariable); dir != "" {
		if err := write(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// write files groups of findings with their counts, notices and books, and says which
// groups are committed, until it is killed.
func write(dir string) error {
	if err := limitFiles(os.Getenv(limitVariable)); err != nil {
		return err
	}
	db, err := store.Open(context.Background(), store.Options{Dir: dir, AcceptLoss: true})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return writeGroup(ctx, tx, n) })
		if err != nil {
			fmt.Println("error", err)
			return fmt.Errorf("group %d: %w", n, err)
		}
		fmt.Println(n)
	}
}

const groupSize = 20

func writeGroup(ctx context.Context, tx *store.Tx, n int) error {
	object := fmt.Sprintf("object %d", n)
	known, err := tx.Deliveries(ctx, "s", []string{object})
	if err != nil || len(known) > 0 {
		return err // written before the crash
	}
	got, err := tx.IssuesByCause(ctx, []string{"cause"}, store.Change)
	if err != nil {
		return err
	}
	x := got["cause"]
	if x == nil {
		x = storetest.Issue("cause")
		if err := tx.PutIssue(ctx, x); err != nil {
			return err
		}
	}
	var filed []yagura.Filed
	var rows []yagura.WindowRow
	for i := range groupSize {
		filed = append(filed, storetest.Filed(fmt.Sprintf("%d/%d", n, i), x.ID))
		rows = append(rows, yagura.WindowRow{Group: []byte("g"), Sort: fmt.Appendf(nil, "%d/%d", n, i), Body: make([]byte, 100)})
	}
	if _, err := tx.PutFindings(ctx, filed); err != nil {
		return err
	}
	if _, err := tx.AddWindowRows(ctx, rows); err != nil {
		return err
	}
	if err := tx.AddCounts(ctx, []yagura.Count{{IssueID: x.ID, Findings: groupSize}}); err != nil {
		return err
	}
	if n%10 == 0 {
		if _, err := tx.FoldCounts(ctx, 100); err != nil {
			return err
		}
	}
	if err := tx.Owe(ctx, []yagura.Notice{storetest.Notice("sink", x, yagura.OpComment, object)}); err != nil {
		return err
	}
	return tx.PutDeliveries(ctx, []yagura.Delivery{{Source: "s", Object: object, Judged: groupSize, Total: groupSize, Findings: groupSize, Done: time.Unix(1, 0)}})
}

// startWriter starts another process that writes to dir.
func startWriter(t *testing.T, dir string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(append(os.Environ(), writerVariable+"="+dir), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// checkGroups looks whether a database holds the first groups whole, at least as many as
// were acknowledged, and whether its books say the same.
func checkGroups(t *testing.T, dir string, acknowledged int) {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{Dir: dir, AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		books, err := tx.SourceTotals(ctx)
		if err != nil || len(books) == 0 {
			return err
		}
		b := books[0]
		n := b.ObjectsDone
		sinks, err := tx.SinkTotals(ctx)
		if err != nil {
			return err
		}
		got, err := tx.IssuesByCause(ctx, []string{"cause"}, store.NoLock)
		if err != nil {
			return err
		}
		filed := int64(0)
		for after := ""; ; {
			page, next, err := tx.Findings(ctx, got["cause"].ID, after, 10_000)
			if err != nil {
				return err
			}
			filed += int64(len(page))
			if after = next; next == "" {
				break
			}
		}
		rows := int64(0)
		if err := tx.WindowRows(ctx, yagura.Key{}, []byte("g"), nil, func(yagura.WindowRow) error { rows++; return nil }); err != nil {
			return err
		}
		if n < int64(acknowledged) || b.Judged != n*groupSize || sinks[0].Owed != n || filed != n*groupSize || rows != n*groupSize || int64(got["cause"].Count) != n*groupSize {
			t.Errorf("%d groups acknowledged; %d there, with %d judged, %d owed, %d findings, %d rows, count %d", acknowledged, n, b.Judged, sinks[0].Owed, filed, rows, got["cause"].Count)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestKilled: a process that writes is killed again and again; what it acknowledged is
// there, whole, and nothing half.
func TestKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGKILL here")
	}
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	acknowledged := 0
	for round := range rounds {
		cmd, lines := startWriter(t, dir)
		kill := acknowledged + 1 + round*7%23
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("writer: %s", lines.Text())
			}
			if acknowledged = max(acknowledged, n+1); n >= kill {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		for lines.Scan() { // what it still said
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				acknowledged = max(acknowledged, n+1)
			}
		}
		_ = cmd.Wait()
		checkGroups(t, dir, acknowledged)
	}
	t.Logf("%d groups acknowledged in %d processes", acknowledged, rounds)
}

// TestDiskFull: writing fails in the middle; the error comes back, and the database is
// sound.
func TestDiskFull(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the limit of a file's size is tried on Linux")
	}
	dir := t.TempDir()
	acknowledged := 0
	for limit := 400_000; limit < 1_400_000; limit += 100_000 {
		cmd, lines := startWriter(t, dir, limitVariable+"="+strconv.Itoa(limit))
		said := ""
		for lines.Scan() {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				acknowledged = max(acknowledged, n+1)
			} else {
				said = lines.Text()
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the writer ended without an error")
		}
		if acknowledged > 0 && !strings.Contains(said, "disk") {
			t.Errorf("the writer said %q", said)
		}
		checkGroups(t, dir, acknowledged)
	}
	if acknowledged == 0 {
		t.Error("nothing was written at all")
	}
}

// TestServedOnce: one process serves a directory; others come beside it as they may.
func TestServedOnce(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	open := func(mode store.Mode) (*store.DB, error) {
		return store.Open(ctx, store.Options{Dir: dir, AcceptLoss: true, Mode: mode})
	}
	if _, err := open(store.Shared); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a command where there is nothing: %v", err)
	}
	db, err := open(store.Serve)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(store.Serve); !errors.Is(err, store.ErrServed) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("a second server: %v", err)
	}
	shared, err := open(store.Shared)
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	if err := shared.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.PutState(ctx, "k", []byte("v")) }); err != nil {
		t.Error(err)
	}
	reader, err := open(store.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := reader.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		v, _, err := tx.State(ctx, "k")
		if string(v) != "v" {
			t.Errorf("state %q", v)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if err := reader.Update(ctx, func(context.Context, *store.Tx) error { return nil }); err == nil {
		t.Error("a reader writes")
	}
	if err := reader.Restore(ctx, strings.NewReader("")); err == nil {
		t.Error("a reader restores")
	}
	name := db.Replica()
	db.Close()
	if db, err = open(store.Serve); err != nil {
		t.Fatalf("after the server ended: %v", err)
	}
	defer db.Close()
	if db.Replica() != name {
		t.Errorf("replica %s became %s", name, db.Replica())
	}
	for _, f := range []string{"yagura.db", "replica"} {
		if st, err := os.Stat(filepath.Join(dir, f)); err != nil || st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", f, st.Mode(), err)
		}
	}
}

// TestMemoryRefused: SQLite in memory is refused, unless the loss is accepted.
func TestMemoryRefused(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the test knows a memory file system on Linux only")
	}
	dir, err := os.MkdirTemp("/dev/shm", "yagura-")
	if err != nil {
		t.Skip("no /dev/shm")
	}
	defer os.RemoveAll(dir)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, link} {
		if _, err := store.Open(context.Background(), store.Options{Dir: d}); err == nil || !strings.Contains(err.Error(), "tmpfs") || !strings.Contains(err.Error(), "hint") {
			t.Errorf("%s: %v", d, err)
		}
	}
	db, err := store.Open(context.Background(), store.Options{Dir: link, AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
}

// TestNothingScans: no statement of the suite's paths walks through a whole table, but for
// the few that have to.
func TestNothingScans(t *testing.T) {
	db := opens(t, store.Options{Dir: t.TempDir(), AcceptLoss: true, Now: storetest.Clock(0)})
	storetest.Fill(t, db)
	statements := map[string]bool{}
	err := db.Explain(context.Background(), func(ctx context.Context, tx *store.Tx) error { return storetest.Touch(ctx, tx) }, func(statement, step string) {
		statements[statement] = true
		for _, word := range []string{"SCAN ", "TEMP B-TREE"} {
			i := strings.Index(step, word)
			if i < 0 {
				continue
			}
			what, _, _ := strings.Cut(step[i+len(word):], " ")
			if strings.Contains(step, "CONSTANT ROW") {
				continue
			}
			switch what {
			case "d", "source_total", "sink_total", "counter", "migration": // given rows, and tables of few rows
				continue
			case "received": // once at the start
				if strings.Contains(statement, "WHERE owner = ?") {
					continue
				}
			case "issue_text": // what is not indexed yet, by the index of it
				if strings.Contains(step, "issue_text_new") {
					continue
				}
			case "issue_count": // from its beginning, as many as are folded
				if strings.Contains(statement, "ORDER BY seq LIMIT") {
					continue
				}
			}
			if word == "TEMP B-TREE" && sortsFew(statement) {
				continue
			}
			t.Errorf("%s\n  in %s", step, statement)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(statements) < 60 {
		t.Errorf("only %d statements were looked at", len(statements))
	}
}

// sortsFew says that a statement sorts only rows that it was given or asked for by name.
func sortsFew(statement string) bool {
	return strings.Contains(statement, "IN (SELECT") || strings.Contains(statement, "FROM d ORDER BY")
}
