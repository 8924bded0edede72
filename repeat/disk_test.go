package repeat

import (
	"testing"
)

func openDisk(t testing.TB, dir string, o DiskOptions) *Disk {
	t.Helper()
	d, err := OpenDisk(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func judge(t testing.TB, d *Disk, mark uint64, items ...Item) []Verdict {
	t.Helper()
	out := make([]Verdict, len(items))
	if err := d.Judge(items, out, mark); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDiskVerdicts(t *testing.T) {
	for _, together := range []bool{true, false} {
		d := openDisk(t, t.TempDir(), DiskOptions{})
		steps := []struct {
			item Item
			want Verdict
		}{
			{Item{key(1), 10}, Fresh}, {Item{key(2), 10}, Fresh}, {Item{key(1), 10}, Repeat}, {Item{key(1), 11}, Conflict},
			{Item{key(1), 12}, ConflictAgain}, {Item{key(1), 11}, Repeat}, {Item{key(1), 10}, Repeat}, {Item{key(2), 10}, Repeat},
			{Item{key(0), 0}, Fresh}, {Item{key(0), 0}, Repeat},
		}
		var items []Item
		for i, s := range steps {
			items = append(items, s.item)
			if !together {
				if got := judge(t, d, uint64(i)+1, s.item)[0]; got != s.want {
					t.Errorf("step %d: %v, want %v", i, got, s.want)
				}
			}
		}
		if together {
			for i, got := range judge(t, d, 1, items...) {
				if got != steps[i].want {
					t.Errorf("together, step %d: %v, want %v", i, got, steps[i].want)
				}
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDiskMarks(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, DiskOptions{})
	judge(t, d, 1, Item{key(1), 0}, Item{key(2), 0})
	judge(t, d, 2, Item{key(3), 0})
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
	d.Committed(1)
	if err := d.Judge([]Item{{key(4), 0}}, make([]Verdict, 1), 1); err == nil {
		t.Error("a committed mark was taken again")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openDisk(t, dir, DiskOptions{Committed: 1})
	if got := judge(t, d, 2, Item{key(1), 0}, Item{key(2), 0}, Item{key(4), 0}); got[0] != Repeat || got[1] != Repeat || got[2] != Fresh {
		t.Errorf("after recovery: %v", got)
	}
	d.Committed(2)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openDisk(t, dir, DiskOptions{Committed: 2})
	if got := judge(t, d, 3, Item{key(3), 0}, Item{key(4), 0}); got[0] != Fresh || got[1] != Repeat {
		t.Errorf("a mark that was used again brought back what was dropped: %v", got)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
