package lake_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/lake"
)

// fullDisk is a disk with so many bytes left. What is removed makes room.
type fullDisk struct {
	lake.Disk
	free int64
	hits int // writes that found no room
}

func (d *fullDisk) Put(ctx context.Context, name string, content []byte) error {
	if int64(len(content)) > d.free {
		d.hits++
		return &fs.PathError{Op: "write", Path: name, Err: syscall.ENOSPC}
	}
	d.free -= int64(len(content))
	return d.Disk.Put(ctx, name, content)
}

func (d *fullDisk) Delete(ctx context.Context, name string) error {
	if info, err := os.Stat(filepath.Join(string(d.Disk), filepath.FromSlash(name))); err == nil {
		d.free += info.Size()
	}
	return d.Disk.Delete(ctx, name)
}

// TestCompactFullDisk merges files on a disk with no room, with room for a half of the new file
// and so on up to enough. Until then all is as it was, with nothing left over; then it is merged.
func TestCompactFullDisk(t *testing.T) {
	h := newHouse(t)
	l := h.open(h.Blobs)
	for i := range 3 {
		h.put(l, fmt.Sprint("o", i), 0, 2)
	}
	before, files := h.all(), h.named()
	d := &fullDisk{Disk: h.Blobs.(lake.Disk)}
	c := h.compactor(h.db.Lake(), d)
	full := 0
	for room := int64(0); ; room += 256 {
		d.free, d.hits = room, 0
		s, err := c.Run(t.Context())
		if diff := cmp.Diff(before, h.all()); diff != "" {
			t.Fatalf("%d bytes of room: records changed (-before +after)\n%s", room, diff)
		}
		if diff := cmp.Diff(h.named(), h.stored()); diff != "" {
			t.Fatalf("%d bytes of room: files are left over (-named +stored)\n%s", room, diff)
		}
		if d.hits == 0 {
			if err != nil || s.Files != 3 || s.Into != 1 || room == 0 {
				t.Errorf("%d bytes of room: %+v, %v", room, s, err)
			}
			break
		}
		if !errors.Is(err, syscall.ENOSPC) || s.Files != 0 {
			t.Fatalf("%d bytes of room: %+v, %v", room, s, err)
		}
		if diff := cmp.Diff(files, h.named()); diff != "" {
			t.Fatalf("%d bytes of room: other files (-before +after)\n%s", room, diff)
		}
		if d.free != room {
			t.Fatalf("%d bytes of room: %d are left after what was written was taken back", room, d.free)
		}
		full++
	}
	if full < 2 {
		t.Errorf("the disk was full %d times", full)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRetentionFullDisk drops what is due on a disk without room. Files that are due as a whole
// go at once, as that makes room; what must be written anew for it stays whole until there is some.
func TestRetentionFullDisk(t *testing.T) {
	const day = 24 * time.Hour
	h := newHouse(t)
	l := h.open(h.Blobs)
	h.put(l, "o", 0, 8) // records 0 and 1 are of the first day
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	h.now = start.Add(40*day + 3*time.Hour)
	r := lake.Retention{Entries: []lake.RetentionEntry{{Account: "*1", Head: day}, {Head: 40 * day}}}
	d := &fullDisk{Disk: h.Blobs.(lake.Disk), free: -1 << 20} // more is needed than the first day makes free
	k, err := lake.NewRetainer(lake.RetainOptions{Catalogue: h.db.Lake(), Blobs: d, Writer: "r", Now: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	out, err := k.Run(t.Context(), r)
	if !errors.Is(err, syscall.ENOSPC) || len(out.Dropped) != 1 || out.Rewritten != 0 {
		t.Fatalf("no room: %+v, %v", out, err)
	}
	for room := int64(0); ; room += 256 {
		if got := h.numbers(); got != "2 3 4 5 6 7" {
			t.Fatalf("%d bytes of room: records %q", room, got)
		}
		d.free, d.hits = room, 0
		out, err := k.Run(t.Context(), r)
		if diff := cmp.Diff(h.named(), h.stored()); diff != "" {
			t.Fatalf("%d bytes of room: files are left over (-named +stored)\n%s", room, diff)
		}
		if d.hits == 0 {
			if err != nil || out.Rewritten != 1 || out.Rows != 2 {
				t.Errorf("%d bytes of room: %+v, %v", room, out, err)
			}
			break
		}
		if !errors.Is(err, syscall.ENOSPC) || out.Rewritten != 0 || d.free != room {
			t.Fatalf("%d bytes of room: %+v, %v, %d left", room, out, err, d.free)
		}
	}
	if got := h.numbers(); got != "2 3 5 6" {
		t.Errorf("records %q", got)
	}
}
