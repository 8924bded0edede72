package lake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
)

// File is one file of the lake.
type File = yagura.LakeFile

// Copy is a copy of an original.
type Copy = yagura.LakeCopy

// Filter says which files are listed.
type Filter = yagura.LakeFilter

// Commit is what becomes true at once.
type Commit = yagura.LakeCommit

// Catalogue knows which files there are. What it does is durable when it returns.
type Catalogue interface {
	// Begin writes down that files are being written. It gives them numbers that no other file
	// of the lake ever had, and has name make their names.
	Begin(ctx context.Context, files []File, name func(*File)) error
	// Commit makes files live and the rest of c true, in one step, and says with which Seq. Where
	// a partition got other files since Checked it does nothing and returns those.
	Commit(ctx context.Context, c Commit) (newer []File, seq int64, err error)
	// Replace puts a file that is being written (nil: none) in the place of live ones, in one step,
	// with the ranges that were in them. Where one of those is not live any more, or is held
	// and the new one is not, nothing is done and the error wraps [yagura.ErrLakeChanged].
	Replace(ctx context.Context, old []File, by *File) (seq int64, err error)
	// Files lists live files in the order of their numbers, by format where formats are given.
	Files(ctx context.Context, f Filter) ([]File, error)
	// Orphans lists files that are not live: those of a writer, and those of anybody that were
	// begun before a time.
	Orphans(ctx context.Context, writer string, before time.Time) ([]File, error)
	// Drop takes live files that are not on hold out of every list, with where records are in them.
	// Until they are forgotten they are orphans.
	Drop(ctx context.Context, files []File) error
	// Forget takes files that are not live out.
	Forget(ctx context.Context, numbers []int64) error
	// Objects says of which objects all records are in the lake.
	Objects(ctx context.Context, source string, objects []string) (map[string]bool, error)
	// Totals sums up what there is, by format and day.
	Totals(ctx context.Context) ([]yagura.LakeTotal, error)
	CopyCatalogue
}

// CopyCatalogue knows which copies of originals there are.
type CopyCatalogue interface {
	// BeginCopy writes down that a copy is being written, as Begin does, unless there is one of
	// these bytes. Then it is taken for seen now.
	BeginCopy(ctx context.Context, c *Copy, name func(*Copy)) (there bool, err error)
	// CommitCopy makes a copy live, unless there is one of these bytes by now. due is when it is
	// first looked at.
	CommitCopy(ctx context.Context, c *Copy, due time.Time) (there bool, err error)
	// Copies lists live copies; sum is "" for all, or the SHA-256 of one.
	Copies(ctx context.Context, sum string) ([]Copy, error)
	// CopyTotals sums up live copies, and apart those of which it is known that a record is left.
	CopyTotals(ctx context.Context) (all, used yagura.LakeCopies, err error)
	// DropUnusedCopies takes those of the copies that are due out of every list that no record is
	// left of, and whose bytes came last at since or before it. Copies become due when Drop or
	// Replace take records away that came from their objects.
	DropUnusedCopies(ctx context.Context, now, since time.Time, limit int) (looked int, unused yagura.LakeCopies, err error)
	// UndoCopy drops a copy that is not live, and says whether it is.
	UndoCopy(ctx context.Context, number int64) (live bool, err error)
	// DroppedCopies lists copies that were dropped. Before that it drops those that are being
	// written by a writer ("": none), and by anybody since before a time.
	DroppedCopies(ctx context.Context, writer string, before time.Time) ([]Copy, error)
	// ForgetCopies takes copies that are not live out.
	ForgetCopies(ctx context.Context, numbers []int64) error
}

// Unknown is the day of records that do not say when they happened.
const Unknown = "unknown"

// dayOf returns the partition of an event time.
func dayOf(t time.Time) string {
	if t.IsZero() {
		return Unknown
	}
	if y := t.UTC().Year(); y < 1970 || y > 9999 {
		return Unknown // a time that is none
	}
	return t.UTC().Format(time.DateOnly)
}

// name gives a file the names of its two halves. They lie in two trees whose folders are named
// as engines that read whole folders want partitions named.
func name(f *File) {
	base := fmt.Sprintf("log=%s/day=%s/%012x", safe(f.Format), f.Day, f.Number)
	f.Head, f.Raw = "head/"+base+".head.parquet", "raw/"+base+".raw.parquet"
}

// safe makes the name of a format one of a folder: formats of one's own are named freely.
func safe(format string) string {
	b := []byte(format)
	for i, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && i > 0:
		default:
			b[i] = '_'
		}
	}
	if len(b) > 100 {
		b = b[:100]
	}
	if len(b) == 0 {
		return "_"
	}
	return string(b)
}

// orphanAge is how long a file may be in the making before it is taken for what a crash left.
const orphanAge = 24 * time.Hour

// clean removes what a crash left behind: files that this writer, or one that is long gone,
// began and did not commit.
func (l *Lake) clean(ctx context.Context) error {
	list, err := l.o.Catalogue.Orphans(ctx, l.o.Writer, l.o.Now().Add(-orphanAge))
	if err != nil {
		return err
	}
	for len(list) > 0 {
		some := list[:min(len(list), 500)]
		list = list[len(some):]
		if err := l.remove(ctx, some); err != nil {
			return err
		}
		l.stats.orphans.Add(int64(len(some)))
	}
	n, err := removeCopies(ctx, l.o.Catalogue, l.o.Blobs, l.o.Writer, l.o.Now())
	l.stats.orphans.Add(n)
	return err
}

// remove deletes files that are not live, then forgets them.
func (l *Lake) remove(ctx context.Context, files []File) error {
	return removeFiles(ctx, l.o.Catalogue, l.o.Blobs, files)
}

func removeFiles(ctx context.Context, cat Catalogue, blobs Blobs, files []File) error {
	var numbers []int64
	for i := range files {
		if err := errors.Join(blobs.Delete(ctx, files[i].Head), blobs.Delete(ctx, files[i].Raw)); err != nil {
			return err
		}
		numbers = append(numbers, files[i].Number)
	}
	return cat.Forget(ctx, numbers)
}
