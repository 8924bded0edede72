package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

func copyNamed(c *yagura.LakeCopy) { c.Name = fmt.Sprintf("c%d", c.Number) }

// copySums returns the SHA-256 of live copies.
func copySums(t *testing.T, l store.Lake) string {
	t.Helper()
	list, err := l.Copies(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		out = append(out, c.Sum)
	}
	return strings.Join(out, " ")
}

// testLakeCopies: bytes have one live copy at a place, whoever writes it, and it is there until
// the last range of an object with these bytes is gone.
func testLakeCopies(t *testing.T, open Open) {
	ctx := context.Background()
	db := open(t, store.Options{Now: Clock(0)})
	l, elsewhere := db.LakeAt("here"), db.LakeAt("there")
	put := func(l store.Lake, sum string) {
		t.Helper()
		c := yagura.LakeCopy{Sum: sum, Size: 10, Writer: "w", Seen: at(0)}
		if there, err := l.BeginCopy(ctx, &c, copyNamed); there || err != nil {
			t.Fatal(there, err)
		}
		if got := copySums(t, l); strings.Contains(got, sum) {
			t.Errorf("%s is live while it is written", sum)
		}
		if there, err := l.CommitCopy(ctx, &c, at(1)); there || err != nil {
			t.Fatal(there, err)
		}
		if there, err := l.CommitCopy(ctx, &c, at(1)); there || err != nil { // the answer was lost
			t.Fatal(there, err)
		}
	}
	for _, sum := range []string{"aa", "bb", "cc", "dd"} {
		put(l, sum)
	}
	put(elsewhere, "aa")
	again := yagura.LakeCopy{Sum: "bb", Seen: at(50)}
	if there, err := l.BeginCopy(ctx, &again, copyNamed); !there || err != nil {
		t.Error(there, err)
	}
	// Of several at once one becomes live.
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	var four [4]yagura.LakeCopy
	for i := range four {
		four[i] = yagura.LakeCopy{Sum: "ee", Size: 5, Writer: "x", Seen: at(0)}
		if _, err := l.BeginCopy(ctx, &four[i], copyNamed); err != nil {
			t.Fatal(err)
		}
	}
	for i := range four {
		all.Go(func() {
			there, err := l.CommitCopy(ctx, &four[i], at(1))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !there {
				won++
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d of four became live", won)
	}
	orphans := func(writer string, before time.Time) (numbers []int64) {
		t.Helper()
		list, err := l.DroppedCopies(ctx, writer, before)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			numbers = append(numbers, c.Number)
		}
		return numbers
	}
	if a, b := orphans("w", at(0)), orphans("", at(0)); len(a)+len(b) > 0 {
		t.Errorf("%v, %v", a, b)
	}
	if live, err := l.UndoCopy(ctx, 1); !live || err != nil {
		t.Errorf("a live copy was undone: %v", err)
	}
	undone := yagura.LakeCopy{Sum: "ff", Writer: "x", Seen: at(0)}
	if _, err := l.BeginCopy(ctx, &undone, copyNamed); err != nil {
		t.Fatal(err)
	}
	if live, err := l.UndoCopy(ctx, undone.Number); live || err != nil {
		t.Error(live, err)
	}
	if a, b := orphans("", at(0)), orphans("x", at(0)); len(a) != 1 || len(b) != 4 {
		t.Errorf("%v, %v", a, b)
	}
	if _, err := l.CommitCopy(ctx, &undone, at(1)); err == nil {
		t.Error("a copy was committed that was undone")
	}
	if err := l.ForgetCopies(ctx, append(orphans("x", at(0)), 1)); err != nil {
		t.Fatal(err)
	}
	if got := copySums(t, l); !strings.HasPrefix(got, "aa bb cc dd ee") || len(orphans("x", at(9))) > 0 {
		t.Errorf("live: %s", got)
	}

	// Records of aa and bb are in the first file, those of bb and cc in the second; no record is
	// of dd and ee. aa was delivered, bb imported twice, cc both.
	files := lakeBegin(t, l, lakeFile("w", "d", 0), lakeFile("w", "d", 0))
	ranges := func(file, object string, first int64) yagura.KeptRange {
		return yagura.KeptRange{Source: "s", Object: object, First: first, Count: 1, File: files[file[0]-'0'].Raw}
	}
	lakeCommit(t, l, yagura.LakeCommit{Files: files,
		Ranges: []yagura.KeptRange{ranges("0", "a", 0), ranges("0", "b", 0), ranges("1", "b2", 0), ranges("1", "c", 0), ranges("1", "c", 7)},
		Objects: []yagura.LakeObject{{Source: "s", Object: "b#1", Rows: "b", Sum: "bb", At: at(1)}, {Source: "s", Object: "b2", Sum: "bb", At: at(1)},
			{Source: "file", Object: "c#1", Rows: "c", Sum: "cc", At: at(1)}, {Source: "file", Object: "c#2", Rows: "c", Sum: "dd", At: at(2)}}})
	lakeCommit(t, l, yagura.LakeCommit{Objects: []yagura.LakeObject{{Source: "s", Object: "b2", Sum: "other", At: at(3)}}}) // stays what it was
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.PutDeliveries(ctx, []yagura.Delivery{
			{Source: "s", Object: "a", Judged: 1, Kept: 1, Total: 1, Received: at(0), Done: at(1), Sum: "aa"},
			{Source: "s", Object: "c", Judged: 1, Kept: 1, Total: 1, Received: at(0), Done: at(1), Sum: "cc"}})
	})
	sweep := func(now, since time.Time, want string, unused int64) {
		t.Helper()
		_, n, err := l.DropUnusedCopies(ctx, now, since, 10)
		if err != nil || n.Copies != unused {
			t.Errorf("%d unused, want %d, %v", n.Copies, unused, err)
		}
		if got := copySums(t, l); got != want {
			t.Errorf("live: %q, want %q", got, want)
		}
	}
	sweep(at(0), at(-10), "aa bb cc dd ee", 0) // none is due
	sweep(at(5), at(-5), "aa bb cc dd ee", 2)  // dd and ee are young
	sweep(at(9), at(-1), "aa bb cc dd ee", 0)
	if all, used, err := l.CopyTotals(ctx); err != nil || all != (yagura.LakeCopies{Copies: 5, Bytes: 45}) || used != (yagura.LakeCopies{Copies: 3, Bytes: 30}) {
		t.Errorf("%+v, %+v, %v", all, used, err)
	}
	sweep(at(10), at(0), "aa bb cc", 2)
	if got := orphans("", at(-9)); len(got) != 2 {
		t.Errorf("%d were dropped", len(got))
	}
	by := lakeBegin(t, l, lakeFile("w", "d", 0))
	by[0].Bare = []yagura.ObjectRef{{Source: "s", Object: "c"}, {Source: "s", Object: "b"}} // b is not in the second file
	if _, err := l.Replace(ctx, files[1:], &by[0]); err != nil {
		t.Fatal(err)
	}
	sweep(at(100), at(90), "aa bb", 1)
	if err := l.Drop(ctx, files[:1]); err != nil {
		t.Fatal(err)
	}
	sweep(at(100), at(90), "bb", 1)
	if _, err := l.Replace(ctx, by, nil); err != nil {
		t.Fatal(err)
	}
	sweep(at(100), at(90), "", 1)
	if got := copySums(t, elsewhere); got != "aa" {
		t.Errorf("at another place: %q", got)
	}
	for name, want := range map[string]string{"a": "aa", "b": "", "c": "cc dd", "c#1": "cc", "c#": "", "none": ""} {
		sums, err := l.OriginalSums(ctx, name)
		if err != nil || len(strings.Fields(want)) != len(sums) {
			t.Errorf("%s: %v, %v", name, sums, err)
		}
		for _, s := range sums {
			if !strings.Contains(want, s) {
				t.Errorf("%s: %v, want %q", name, sums, want)
			}
		}
	}
}
