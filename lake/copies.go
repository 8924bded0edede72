package lake

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// copyName gives a copy its name. The number in it makes sure that what removes a copy never
// meets another one of the same bytes that is being written.
func copyName(c *Copy) {
	c.Name = fmt.Sprintf("originals/sha256/%s/%s.%012x", c.Sum[:2], c.Sum, c.Number)
}

// copyGrace is how long a copy stays at least after its bytes came last: its records may be on
// their way meanwhile, and what came is not yet known as received.
const copyGrace = orphanAge

// firstLook is when it is first looked at whether a record is there that came from a copy's
// object: they are in files by then, mostly.
const firstLook = 10 * time.Minute

// tempCopy begins the names of files for bytes on their way to a copy.
const tempCopy = "original-"

// TempCopy makes a file for bytes of which it is not known yet what they will be. It has no name
// any more where the system allows that, so that a crash leaves nothing.
func (l *Lake) TempCopy() (*os.File, error) {
	if l.o.Temp != "" {
		if err := os.MkdirAll(l.o.Temp, 0o700); err != nil {
			return nil, err
		}
	}
	f, err := os.CreateTemp(l.o.Temp, tempCopy)
	if err == nil {
		_ = os.Remove(f.Name()) // else whoever closes it removes it
	}
	return f, err
}

// cleanTemp removes what crashes left in the folder of [Lake.TempCopy].
func cleanTemp(dir string, now time.Time) error {
	if dir == "" {
		return nil
	}
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range list {
		info, ierr := e.Info()
		if ierr != nil || !strings.HasPrefix(e.Name(), tempCopy) || now.Sub(info.ModTime()) < orphanAge {
			continue // gone meanwhile, or somebody's who is at work
		}
		if rerr := os.Remove(filepath.Join(dir, e.Name())); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}

// KeepCopy keeps the size bytes of r, whose SHA-256 in hexadecimal digits is sum, as the copy of
// an original. It is durable when KeepCopy returns; bytes of which there is a copy are not
// written again. What is larger than an object store takes at once (5 GiB) has no copy there.
func (l *Lake) KeepCopy(ctx context.Context, sum string, r io.ReaderAt, size int64) error {
	want, err := hex.DecodeString(sum)
	if err != nil || len(want) != 32 {
		return fmt.Errorf("lake: %q is no SHA-256", sum)
	}
	if b, ok := l.o.Blobs.(interface{ most() int64 }); ok && size > b.most() {
		return nil
	}
	cat := l.o.Catalogue
	c := Copy{Sum: hex.EncodeToString(want), Size: size, Writer: l.o.Writer, Seen: l.o.Now()}
	there, err := cat.BeginCopy(ctx, &c, copyName)
	if there || err != nil {
		return err
	}
	err = l.o.Blobs.PutFrom(ctx, c.Name, r, size, [32]byte(want))
	if err == nil {
		there, err = cat.CommitCopy(ctx, &c, c.Seen.Add(firstLook))
	}
	if err == nil && !there {
		return nil
	}
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	live, uerr := cat.UndoCopy(undo, c.Number)
	if live { // the answer was lost, and nothing else
		return nil
	}
	if uerr == nil { // else it stays, and the next one who cleans up finds it
		uerr = forgetCopies(undo, cat, l.o.Blobs, []Copy{c})
	}
	return errors.Join(err, uerr)
}

// SweepCopies drops the copies that no record is left of, and removes them. It says which it
// found; those whose bytes came within a day go later.
func SweepCopies(ctx context.Context, cat Catalogue, blobs Blobs, now time.Time) (unused yagura.LakeCopies, err error) {
	const atOnce = 500
	for looked := atOnce; looked == atOnce; {
		var some yagura.LakeCopies
		if looked, some, err = cat.DropUnusedCopies(ctx, now, now.Add(-copyGrace), atOnce); err != nil {
			return unused, fmt.Errorf("lake: copies of originals: %w", err)
		}
		unused.Copies, unused.Bytes = unused.Copies+some.Copies, unused.Bytes+some.Bytes
	}
	if _, err := removeCopies(ctx, cat, blobs, "", now); err != nil {
		return unused, fmt.Errorf("lake: copies of originals: %w", err)
	}
	return unused, nil
}

// SweepCopies is [SweepCopies] of this lake.
func (l *Lake) SweepCopies(ctx context.Context) (yagura.LakeCopies, error) {
	return SweepCopies(ctx, l.o.Catalogue, l.o.Blobs, l.o.Now())
}

// removeCopies removes copies that were dropped, and what a crash left: of a writer that is dead
// ("": none), and of whoever is long gone.
func removeCopies(ctx context.Context, cat Catalogue, blobs Blobs, writer string, now time.Time) (n int64, err error) {
	list, err := cat.DroppedCopies(ctx, writer, now.Add(-orphanAge))
	if err != nil {
		return 0, err
	}
	for len(list) > 0 {
		some := list[:min(len(list), 500)]
		list = list[len(some):]
		if err := forgetCopies(ctx, cat, blobs, some); err != nil {
			return n, err
		}
		n += int64(len(some))
	}
	return n, nil
}

// forgetCopies removes copies that are not live, then forgets them.
func forgetCopies(ctx context.Context, cat Catalogue, blobs Blobs, list []Copy) error {
	var numbers []int64
	for i := range list {
		if err := blobs.Delete(ctx, list[i].Name); err != nil {
			return err
		}
		numbers = append(numbers, list[i].Number)
	}
	return cat.ForgetCopies(ctx, numbers)
}
