package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

var backupCases = []testCase{
	{"backup/restored", testRestored},
	{"backup/damaged", testDamaged},
}

// Fill puts something of everything into a database.
func Fill(t testing.TB, db *store.DB) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		var deliveries []yagura.Delivery
		for i, s := range hostile {
			deliveries = append(deliveries, yagura.Delivery{Source: "s", Object: s, Received: at(i), Judged: 1, Total: 2, Error: s})
		}
		if err := tx.PutDeliveries(ctx, deliveries); err != nil {
			return err
		}
		var filed []yagura.Filed
		for i := range 700 {
			filed = append(filed, Filed(name("f", i), "i"))
		}
		if _, err := tx.PutFindings(ctx, filed); err != nil {
			return err
		}
		x := Issue("cause")
		x.ID = "i"
		if err := tx.PutIssue(ctx, x); err != nil {
			return err
		}
		if err := tx.PutAlias(ctx, "old cause", "i"); err != nil {
			return err
		}
		if err := tx.AddCounts(ctx, []yagura.Count{{IssueID: "i", Findings: 3, First: at(1), Last: at(2)}}); err != nil {
			return err
		}
		if err := tx.AddEntries(ctx, []yagura.Entry{{IssueID: "i", What: yagura.EntryOpened, At: at(0)}}); err != nil {
			return err
		}
		if err := tx.PutEpisode(ctx, yagura.Episode{IssueID: "i", N: 1, Opened: at(0)}); err != nil {
			return err
		}
		first, second := Notice("sink", x, yagura.OpOpen, "first"), Notice("sink", x, yagura.OpClose, "second")
		if err := tx.Owe(ctx, []yagura.Notice{first, second}); err != nil {
			return err
		}
		if _, err := tx.AddWindowRows(ctx, []yagura.WindowRow{row("g", "1", "a"), row("g", "2\x00", "")}); err != nil {
			return err
		}
		if err := tx.PutTicket(ctx, yagura.TicketRef{IssueID: "i", Sink: "sink", Ref: "7"}); err != nil {
			return err
		}
		if _, err := tx.SeenChange(ctx, "sink", "c", at(0)); err != nil {
			return err
		}
		if err := tx.PutDead(ctx, []yagura.DeadLetter{{ID: "d", Bytes: []byte{0, 1, 0xff}, At: at(0)}}); err != nil {
			return err
		}
		if err := tx.PutKept(ctx, []yagura.KeptRange{{Source: "s", Object: "o", Count: 3}}); err != nil {
			return err
		}
		if _, err := tx.ClaimRecheck(ctx, "i", at(1), at(2)); err != nil {
			return err
		}
		if err := tx.PutState(ctx, "k", []byte("v")); err != nil {
			return err
		}
		mary, s := person("u", "mary@example.com"), session("s", "u", 1000)
		if err := errors.Join(tx.PutUser(ctx, &mary), tx.PutUserSecrets(ctx, "u", []byte{0}), tx.AddSession(ctx, store.Secret{1}, &s),
			tx.PutView(ctx, &yagura.View{ID: "v", List: "issues", Owner: "u"}), tx.AddAudit(ctx, line("sign_in"))); err != nil {
			return err
		}
		return tx.AppendReceived(ctx, "push", [][]byte{[]byte("body")}, at(0))
	})
	// Something is leased while the backup is made.
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.LeaseWindowGroups(ctx, "gone", at(0), at(1000), 10); err != nil {
			return err
		}
		_, err := tx.LeaseReceived(ctx, "push", "gone", at(0), at(1000), 10)
		return err
	})
}

// Check looks for what Fill put, in a database that was restored or only opened again.
func Check(t testing.TB, db *store.DB, restored bool) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if !restored {
			if err := tx.Reclaim(ctx, "gone"); err != nil {
				return err
			}
		}
		deliveries, err := tx.Deliveries(ctx, "s", hostile)
		if len(deliveries) != len(hostile) || err != nil {
			t.Errorf("%d deliveries, %v", len(deliveries), err)
		}
		books, err := tx.SourceTotals(ctx)
		n := int64(len(hostile))
		if d := cmp.Diff([]yagura.SourceTotals{{Source: "s", Objects: n, Received: 2 * n, Judged: n, Waiting: n, Oldest: at(0), LastError: hostile[len(hostile)-1]}}, books); d != "" {
			t.Errorf("books: %v %s", err, d)
		}
		// A restored trail is whole, and browsers are signed out.
		if n, err := tx.VerifyAudit(ctx); n != 1 || err != nil {
			t.Errorf("audit trail: %d lines, %v", n, err)
		}
		if s, err := tx.SessionBySecret(ctx, store.Secret{1}); (s == nil) != restored || err != nil {
			t.Errorf("session: %v, %v", s, err)
		}
		f, err := tx.Finding(ctx, name("f", 699))
		if d := cmp.Diff(Filed(name("f", 699), "i"), f); d != "" {
			t.Errorf("finding: %v %s", err, d)
		}
		got, err := tx.IssuesByCause(ctx, []string{"old cause"}, store.Change)
		if x := got["old cause"]; x == nil || x.Count != 3 {
			t.Fatalf("issue: %+v %v", x, err)
		}
		// Numbers go on behind those that are there.
		more := []yagura.Entry{{IssueID: "i", What: yagura.EntryNote, At: at(0)}}
		if err := tx.AddEntries(ctx, more); err != nil || more[0].Seq != 2 {
			t.Errorf("next entry: %d %v", more[0].Seq, err)
		}
		if err := tx.AddCounts(ctx, []yagura.Count{{IssueID: "i", Findings: 1}}); err != nil {
			return err
		}
		if n, err := tx.FoldCounts(ctx, 10); n != 2 || err != nil {
			t.Errorf("folded %d %v", n, err)
		}
		if err := tx.AppendReceived(ctx, "push", [][]byte{[]byte("next")}, at(0)); err != nil {
			return err
		}
		bodies, err := tx.LeaseReceived(ctx, "push", "w", at(1), at(9), 10)
		if len(bodies) != 2 || string(bodies[0].Body) != "body" || err != nil {
			t.Errorf("received: %v %v", bodies, err)
		}
		groups, err := tx.LeaseWindowGroups(ctx, "w", at(1), at(9), 10)
		if len(groups) != 1 || groups[0].Rows != 2 || err != nil {
			t.Errorf("groups: %v %v", groups, err)
		}
		notices, err := tx.LeaseNotices(ctx, "sink", "w", at(1), at(9), 10)
		if len(notices) != 1 || notices[0].Text != "first" || notices[0].Uncertain != restored || notices[0].Ref != "7" || err != nil {
			t.Errorf("notices: %+v %v", notices, err)
		}
		waiting, all, err := tx.DeadTotals(ctx)
		if waiting != 1 || all != 1 || err != nil {
			t.Errorf("dead letters: %d of %d %v", waiting, all, err)
		}
		letter, err := tx.DeadLetter(ctx, "d")
		if !bytes.Equal(letter.Bytes, []byte{0, 1, 0xff}) || err != nil {
			t.Errorf("dead letter: %v %v", letter, err)
		}
		value, _, err := tx.State(ctx, "k")
		if string(value) != "v" || err != nil {
			t.Errorf("state: %q %v", value, err)
		}
		return err
	})
}

func testRestored(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	Fill(t, db)
	var backup bytes.Buffer
	if err := db.Backup(context.Background(), &backup); err != nil {
		t.Fatal(err)
	}
	if err := db.Restore(context.Background(), bytes.NewReader(backup.Bytes())); err == nil {
		t.Error("restored over what is there")
	}
}

func testDamaged(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	var empty bytes.Buffer
	if err := db.Backup(context.Background(), &empty); err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(&empty)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	pack := func(text []byte) *bytes.Buffer {
		var b bytes.Buffer
		w, _ := zstd.NewWriter(&b)
		_, _ = w.Write(text)
		_ = w.Close()
		return &b
	}
	r := rand.New(rand.NewSource(1))
	for range 60 {
		bad := bytes.Clone(text)
		switch r.Intn(3) {
		case 0:
			bad = bad[:r.Intn(len(bad))]
		case 1:
			bad[r.Intn(len(bad))] ^= 1 << r.Intn(7)
		default:
			i := r.Intn(len(bad))
			bad = append(bad[:i:i], append([]byte("x"), text[i:]...)...)
		}
		if err := db.Restore(context.Background(), pack(bad)); err == nil && !bytes.Equal(bytes.TrimSpace(bad), bytes.TrimSpace(text)) {
			t.Errorf("restored from a damaged backup:\n%s", bad)
		}
	}
	if err := db.Restore(context.Background(), bytes.NewReader([]byte("no backup at all"))); err == nil {
		t.Error("restored from something else")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Restore(ctx, pack(text)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
	if err := db.Restore(context.Background(), pack(text)); err != nil {
		t.Errorf("the whole one: %v", err)
	}
}
