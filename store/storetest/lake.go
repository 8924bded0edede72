package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

var lakeCases = []testCase{
	{"lake/files", testLakeFiles},
	{"lake/commit", testLakeCommit},
	{"lake/orphans", testLakeOrphans},
	{"lake/at once", testLakeAtOnce},
	{"lake/drop", testLakeDrop},
	{"lake/replace", testLakeReplace},
	{"lake/copies", testLakeCopies},
}

// lakeFile is a file of a day, as a writer describes it.
func lakeFile(writer, day string, second int) yagura.LakeFile {
	return yagura.LakeFile{Format: "aws.cloudtrail", Day: day, Rows: 10, Repeats: 1, RawBytes: 1000, HeadSize: 20, RawSize: 100, Min: at(second), Max: at(second + 5),
		SeenMin: at(second + 10), SeenMax: at(second + 11), HeadSum: [32]byte{1}, RawSum: [32]byte{2}, Writer: writer, Created: at(second)}
}

func lakeName(f *yagura.LakeFile) {
	f.Head, f.Raw = fmt.Sprintf("f%d.head", f.Number), fmt.Sprintf("f%d.raw", f.Number)
}

func lakeBegin(t *testing.T, l store.Lake, files ...yagura.LakeFile) []yagura.LakeFile {
	t.Helper()
	if err := l.Begin(context.Background(), files, lakeName); err != nil {
		t.Fatal(err)
	}
	return files
}

func lakeCommit(t *testing.T, l store.Lake, c yagura.LakeCommit) (newer []yagura.LakeFile, seq int64) {
	t.Helper()
	newer, seq, err := l.Commit(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return newer, seq
}

func lakeList(t *testing.T, l store.Lake, f yagura.LakeFilter) []yagura.LakeFile {
	t.Helper()
	out, err := l.Files(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func lakeNumbers(files []yagura.LakeFile) (out []int64) {
	for _, f := range files {
		out = append(out, f.Number)
	}
	return out
}

func testLakeFiles(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	l, elsewhere := db.LakeAt("here"), db.LakeAt("there")
	files := lakeBegin(t, l, lakeFile("w", "2026-03-04", 0), lakeFile("w", "2026-03-05", 100), lakeFile("w", "unknown", 0))
	files[2].Min, files[2].Max = time.Time{}, time.Time{}
	if got := lakeList(t, l, yagura.LakeFilter{}); len(got) > 0 {
		t.Fatalf("%d files are listed that are being written", len(got))
	}
	if newer, seq := lakeCommit(t, l, yagura.LakeCommit{Files: files}); len(newer) > 0 || seq != 1 {
		t.Fatalf("%v, %d", newer, seq)
	}
	for i := range files {
		files[i].Seq = 1
	}
	same(t, "all", files, lakeList(t, l, yagura.LakeFilter{}))
	same(t, "another place", []int64(nil), lakeNumbers(lakeList(t, elsewhere, yagura.LakeFilter{})))
	for name, c := range map[string]struct {
		f    yagura.LakeFilter
		want []int64
	}{
		"format":       {yagura.LakeFilter{Formats: []string{"aws.cloudtrail"}}, []int64{1, 2, 3}},
		"other format": {yagura.LakeFilter{Formats: []string{"gcp.audit"}}, nil},
		"from":         {yagura.LakeFilter{From: at(6)}, []int64{2}},
		"from within":  {yagura.LakeFilter{From: at(5)}, []int64{1, 2}},
		"to":           {yagura.LakeFilter{To: at(100)}, []int64{1}},
		"to within":    {yagura.LakeFilter{To: at(101)}, []int64{1, 2}},
		"day":          {yagura.LakeFilter{Day: "unknown"}, []int64{3}},
		"after":        {yagura.LakeFilter{After: 1}, nil},
	} {
		same(t, name, c.want, lakeNumbers(lakeList(t, l, c.f)))
	}
}

func testLakeCommit(t *testing.T, open Open) {
	ctx := context.Background()
	db := open(t, store.Options{Now: Clock(0)})
	l := db.LakeAt("here")
	a := lakeBegin(t, l, lakeFile("a", "2026-03-04", 0))
	b := lakeBegin(t, l, lakeFile("b", "2026-03-04", 0))
	ranges := []yagura.KeptRange{{Source: "s", Object: "o", Format: "aws.cloudtrail", First: 3, Count: 4, File: a[0].Raw, Offset: 1, Length: 4, Min: at(1), Max: at(2), Checksum: [32]byte{2}}}
	lakeCommit(t, l, yagura.LakeCommit{Files: a, Ranges: ranges, Repeats: []yagura.LakeRepeats{{Format: "aws.cloudtrail", Day: "2026-03-04", Count: 5}, {Format: "aws.cloudtrail", Day: "2026-03-04", Count: 2}},
		Objects: []yagura.LakeObject{{Source: "s", Object: "o", Records: 7, At: at(3), Sum: "ab12"}}})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Kept(ctx, "s", "o")
		same(t, "ranges", ranges, got)
		return err
	})
	// Another writer that has not seen that file is told of it, and nothing is done.
	newer, _ := lakeCommit(t, l, yagura.LakeCommit{Files: b, Objects: []yagura.LakeObject{{Source: "s", Object: "p"}}})
	same(t, "newer", []int64{a[0].Number}, lakeNumbers(newer))
	done, err := l.Objects(ctx, "s", []string{"o", "p"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "objects", map[string]bool{"o": true, "p": false}, done)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.PutDeliveries(ctx, []yagura.Delivery{
			{Source: "q", Object: "m", Judged: 2, Kept: 2, Total: 2, Received: at(1), Done: at(2), Sum: "ab12"},
			{Source: "q", Object: "half", Judged: 1, Total: -1, Received: at(1)},
		})
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error { // who judges does not know the sum
		return tx.PutDeliveries(ctx, []yagura.Delivery{{Source: "q", Object: "m", Judged: 2, Kept: 2, Total: 2}})
	})
	for sum, want := range map[string][]yagura.LakeObject{
		"ab12": {{Source: "q", Object: "m", Records: 2, At: at(2), Sum: "ab12"}, {Source: "s", Object: "o", Records: 7, At: at(3), Sum: "ab12"}},
		"":     nil, "cd": nil,
	} {
		got, err := l.Originals(ctx, sum)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "originals of "+sum, want, got)
	}
	b[0].Checked = newer[0].Seq
	if newer, seq := lakeCommit(t, l, yagura.LakeCommit{Files: b}); len(newer) > 0 || seq <= b[0].Checked {
		t.Errorf("%v, %d", newer, seq)
	}
	// What a writer wrote itself it knows.
	more := lakeBegin(t, l, lakeFile("b", "2026-03-04", 0))
	more[0].Checked = b[0].Checked
	if newer, _ := lakeCommit(t, l, yagura.LakeCommit{Files: more}); len(newer) > 0 {
		t.Errorf("%v", newer)
	}
	if _, _, err := l.Commit(ctx, yagura.LakeCommit{Files: more}); err == nil {
		t.Error("a file was committed twice")
	}
	totals, err := l.Totals(ctx)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "totals", []yagura.LakeTotal{{Format: "aws.cloudtrail", Day: "2026-03-04", Files: 3, Rows: 30, Repeats: 10, RawBytes: 3000, HeadSize: 60, RawSize: 300, Min: at(0), Max: at(5)}}, totals)
}

func testLakeOrphans(t *testing.T, open Open) {
	ctx := context.Background()
	db := open(t, store.Options{Now: Clock(0)})
	l := db.LakeAt("here")
	mine, others, old := lakeBegin(t, l, lakeFile("w", "d", 100)), lakeBegin(t, l, lakeFile("x", "d", 100)), lakeBegin(t, l, lakeFile("x", "d", 0))
	live := lakeBegin(t, l, lakeFile("w", "d", 0))
	lakeCommit(t, l, yagura.LakeCommit{Files: live})
	got, err := l.Orphans(ctx, "w", at(50))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "orphans", []int64{mine[0].Number, old[0].Number}, lakeNumbers(got))
	if err := l.Forget(ctx, append(lakeNumbers(got), live[0].Number)); err != nil {
		t.Fatal(err)
	}
	if got, err = l.Orphans(ctx, "x", at(1000)); err != nil {
		t.Fatal(err)
	}
	same(t, "left", lakeNumbers(others), lakeNumbers(got))
	same(t, "live", lakeNumbers(live), lakeNumbers(lakeList(t, l, yagura.LakeFilter{})))
	if next := lakeBegin(t, l, lakeFile("w", "d", 0)); next[0].Number <= live[0].Number {
		t.Errorf("number %d comes again", next[0].Number)
	}
}

// testLakeAtOnce: writers of one partition that commit at one time see each other, all but one.
func testLakeAtOnce(t *testing.T, open Open) {
	const writers = 4
	var all sync.WaitGroup
	for i := range writers {
		l := open(t, store.Options{Now: Clock(0), Replica: fmt.Sprint("r", i)}).LakeAt("here")
		all.Go(func() {
			ctx := context.Background()
			for range 5 {
				files := []yagura.LakeFile{lakeFile(fmt.Sprint("w", i), "2026-03-04", 0)}
				if err := l.Begin(ctx, files, lakeName); err != nil {
					t.Error(err)
					return
				}
				for {
					newer, seq, err := l.Commit(ctx, yagura.LakeCommit{Files: files})
					if err != nil {
						t.Error(err)
						return
					}
					if len(newer) == 0 {
						break
					}
					checked := files[0].Checked
					for _, f := range newer {
						if f.Seq <= checked || f.Seq >= seq {
							t.Errorf("a file of commit %d is newer than %d, in commit %d", f.Seq, checked, seq)
						}
						files[0].Checked = max(files[0].Checked, f.Seq)
					}
				}
			}
		})
	}
	all.Wait()
	seen := map[int64]bool{}
	for _, f := range lakeList(t, open(t, store.Options{Now: Clock(0), Replica: "last"}).LakeAt("here"), yagura.LakeFilter{}) {
		if seen[f.Seq] {
			t.Errorf("two commits have the number %d", f.Seq)
		}
		seen[f.Seq] = true
	}
	if len(seen) != 5*writers {
		t.Errorf("%d commits", len(seen))
	}
}

func testLakeDrop(t *testing.T, open Open) {
	ctx := context.Background()
	db := open(t, store.Options{Now: Clock(0)})
	l := db.LakeAt("here")
	held := lakeFile("w", "d", 0)
	held.Hold = true
	files := lakeBegin(t, l, lakeFile("w", "d", 0), held, lakeFile("w", "d", 0))
	lakeCommit(t, l, yagura.LakeCommit{Files: files, Ranges: []yagura.KeptRange{{Source: "s", Object: "o", File: files[0].Raw, Count: 1}, {Source: "s", Object: "p", File: files[2].Raw, Count: 1}}})
	if err := l.Drop(ctx, files[:2]); err == nil {
		t.Error("a file on hold was dropped")
	}
	same(t, "live", lakeNumbers(files), lakeNumbers(lakeList(t, l, yagura.LakeFilter{})))
	if err := l.Drop(ctx, files[:1]); err != nil {
		t.Fatal(err)
	}
	same(t, "live", lakeNumbers(files[1:]), lakeNumbers(lakeList(t, l, yagura.LakeFilter{})))
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		for object, want := range map[string]int{"o": 0, "p": 1} {
			got, err := tx.Kept(ctx, "s", object)
			if err != nil || len(got) != want {
				t.Errorf("%s: %d ranges, %v", object, len(got), err)
			}
		}
		return nil
	})
	orphans, err := l.Orphans(ctx, "w", at(0))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "to be removed", []int64{files[0].Number}, lakeNumbers(orphans))
}

// testLakeReplace: one file takes the place of several in one step, with what is known of where
// records are; where one of them is not what it was nothing happens.
func testLakeReplace(t *testing.T, open Open) {
	ctx := context.Background()
	db := open(t, store.Options{Now: Clock(0)})
	l := db.LakeAt("here")
	var old []yagura.LakeFile
	for i := range 3 {
		f := lakeBegin(t, l, lakeFile("a", "2026-03-04", 0))
		lakeCommit(t, l, yagura.LakeCommit{Files: f, Ranges: []yagura.KeptRange{{Source: "s", Object: "o", Format: "aws.cloudtrail", First: int64(10 * i), Count: 10, File: f[0].Raw}}})
		old = append(old, f...)
	}
	by := lakeBegin(t, l, lakeFile("c", "2026-03-04", 0))
	seq, err := l.Replace(ctx, old[:2], &by[0])
	if err != nil || seq == 0 {
		t.Fatalf("seq %d, %v", seq, err)
	}
	live, err := l.Files(ctx, yagura.LakeFilter{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "live", []int64{old[2].Number, by[0].Number}, lakeNumbers(live))
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Kept(ctx, "s", "o")
		var files []string
		for _, r := range got {
			files = append(files, r.File)
		}
		same(t, "files of ranges", []string{by[0].Raw, by[0].Raw, old[2].Raw}, files)
		return err
	})
	orphans, err := l.Orphans(ctx, "a", at(-1))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "to be removed", []int64{old[0].Number, old[1].Number}, lakeNumbers(orphans))

	again := lakeBegin(t, l, lakeFile("d", "2026-03-04", 0))
	for _, list := range [][]yagura.LakeFile{{old[2], old[0]}, {{Number: 1 << 40}}} {
		if _, err := l.Replace(ctx, list, &again[0]); !errors.Is(err, yagura.ErrLakeChanged) {
			t.Errorf("files that are not live were replaced: %v", err)
		}
	}
	if _, err := db.LakeAt("elsewhere").Replace(ctx, old[2:], nil); !errors.Is(err, yagura.ErrLakeChanged) {
		t.Errorf("a file of another place was replaced: %v", err)
	}
	if _, err := l.Replace(ctx, old[2:], nil); err != nil { // by nothing
		t.Fatal(err)
	}
	if live, err = l.Files(ctx, yagura.LakeFilter{}); err != nil {
		t.Fatal(err)
	}
	same(t, "live", []int64{by[0].Number}, lakeNumbers(live))
}
