package push

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/segment"
	"github.com/yagura-sec/yagura/segment/segtest"
)

func openDisk(t *testing.T, disk *segtest.FS, c *clock, change func(*FileLogOptions)) *FileLog {
	t.Helper()
	o := FileLogOptions{Dir: "received", FS: disk, Now: c.now}
	if change != nil {
		change(&o)
	}
	l, err := OpenFileLog(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func entry(identity, body string) Entry {
	return Entry{Identity: identity, Received: time.Unix(1000, 0), Body: []byte(body)}
}

func mustAppend(t *testing.T, l *FileLog, list ...Entry) []bool {
	t.Helper()
	known, err := l.Append(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func bodies(t *testing.T, l *FileLog, n int) (list []string, rows []Leased) {
	t.Helper()
	rows, err := l.Lease(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		list = append(list, string(r.Body))
		b, err := r.Again(t.Context())
		if err != nil || string(b) != string(r.Body) {
			t.Errorf("%s again: %q, %v; want %q", r.ID, b, err, r.Body)
		}
	}
	return list, rows
}

func TestKnown(t *testing.T) {
	disk, c := segtest.New(1), newClock()
	l := openDisk(t, disk, c, nil)
	mustAppend(t, l, entry("", "1"), entry("a", "2"))
	got := mustAppend(t, l, entry("a", "2"), entry("b", "3"), entry("b", "3"), entry("", "1"))
	if diff := cmp.Diff([]bool{true, false, true, false}, got); diff != "" {
		t.Error(diff)
	}
	list, rows := bodies(t, l, 10)
	if diff := cmp.Diff([]string{"1", "2", "3", "1"}, list); diff != "" {
		t.Error(diff)
	}
	for _, r := range rows[:2] {
		if err := l.Ack(t.Context(), []string{r.ID}); err != nil {
			t.Fatal(err)
		}
	}
	// What is done is remembered for a while, and what waits as long as it waits, also by
	// the next process.
	disk = disk.Kill()
	l = openDisk(t, disk, c, nil)
	if diff := cmp.Diff([]bool{true, true, false}, mustAppend(t, l, entry("a", "2"), entry("b", "3"), entry("c", "4"))); diff != "" {
		t.Error(diff)
	}
	list, rows = bodies(t, l, 10)
	if diff := cmp.Diff([]string{"3", "1", "4"}, list); diff != "" {
		t.Error(diff)
	}
	if rows[0].Attempts != 2 || rows[2].Attempts != 1 {
		t.Errorf("attempts %d and %d, want 2 and 1", rows[0].Attempts, rows[2].Attempts)
	}
	c.add(31 * time.Minute)
	if known := mustAppend(t, l, entry("a", "2")); known != nil {
		t.Error("a name is remembered for ever")
	}
}

func TestFull(t *testing.T) {
	disk, c := segtest.New(1), newClock()
	l := openDisk(t, disk, c, func(o *FileLogOptions) { o.MaxBytes, o.FileBytes = 20_000, 4_000 })
	body := strings.Repeat("x", 900)
	n := 0
	for ; n < 100; n++ {
		if _, err := l.Append(t.Context(), []Entry{entry("", body)}); errors.Is(err, ErrFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n < 15 || n > 25 {
		t.Fatalf("full after %d entries of 900 bytes, want about 20", n)
	}
	// All but the first are done: it is moved out of the way, under its old name.
	_, rows := bodies(t, l, 100)
	for _, r := range rows[1:] {
		if err := l.Ack(t.Context(), []string{r.ID}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		mustAppend(t, l, entry("", body))
		_, more := bodies(t, l, 100)
		for _, r := range more {
			if r.ID == rows[0].ID {
				t.Fatalf("round %d: what is out was handed out again", i)
			}
			if err := l.Ack(t.Context(), []string{r.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if b, err := rows[0].Again(t.Context()); err != nil || string(b) != body {
		t.Errorf("the one that was moved: %d bytes, %v", len(b), err)
	}
	l = openDisk(t, disk.Kill(), c, nil)
	_, again := bodies(t, l, 10)
	if len(again) != 1 || again[0].ID != rows[0].ID {
		t.Fatalf("after a restart %d wait, want the one that was moved, as %s: %+v", len(again), rows[0].ID, again)
	}
	if err := l.Ack(t.Context(), []string{again[0].ID}); err != nil {
		t.Fatal(err)
	}
	if lag, err := l.Lag(t.Context()); err != nil || lag.Waiting != 0 || lag.Out != 0 {
		t.Errorf("lag %+v, %v", lag, err)
	}
}

func TestDiskFull(t *testing.T) {
	disk, c := segtest.New(1), newClock()
	l := openDisk(t, disk, c, func(o *FileLogOptions) { o.FileBytes = 2_000 })
	for range 3 {
		mustAppend(t, l, entry("", strings.Repeat("x", 900)))
	}
	disk.SetRoom(100)
	if _, err := l.Append(t.Context(), []Entry{entry("id", strings.Repeat("y", 900))}); !errors.Is(err, ErrFull) {
		t.Fatalf("got %v on a full disk", err)
	}
	_, rows := bodies(t, l, 10)
	disk.SetRoom(0)
	for _, r := range rows {
		// The note does not fit, and the room comes from what is done all the same.
		_ = l.Ack(t.Context(), []string{r.ID})
	}
	if n := len(l.entries.Files()); n > 2 {
		t.Errorf("%d files stay when all is done", n)
	}
	disk.SetRoom(-1)
	// It was not stored, so its name is not known.
	if known := mustAppend(t, l, entry("id", "y")); known != nil {
		t.Error("a name is known that was never stored")
	}
	if list, _ := bodies(t, l, 10); len(list) != 1 || list[0] != "y" {
		t.Errorf("got %q", list)
	}
}

func TestFailedSync(t *testing.T) {
	disk, c := segtest.New(1), newClock()
	l := openDisk(t, disk, c, nil)
	mustAppend(t, l, entry("", "1"))
	broken := errors.New("the disk is broken")
	disk.SetFail(func(op, _ string) error {
		if op == "Sync" {
			return broken
		}
		return nil
	})
	if _, err := l.Append(t.Context(), []Entry{entry("a", "2"), entry("", "3")}); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	disk.SetFail(nil)
	mustAppend(t, l, entry("a", "2"), entry("", "3"))
	// What was refused and then sent again is there once.
	if list, _ := bodies(t, l, 10); !cmp.Equal(list, []string{"1", "2", "3"}) {
		t.Errorf("got %q", list)
	}
}

func TestOneProcess(t *testing.T) {
	disk, c := segtest.New(1), newClock()
	l := openDisk(t, disk, c, nil)
	if _, err := OpenFileLog(FileLogOptions{Dir: "received", FS: disk}); !errors.Is(err, segment.ErrLocked) {
		t.Errorf("got %v", err)
	}
	mustAppend(t, l, entry("", "1"))
	_, rows := bodies(t, l, 1)
	// A log that was lost and began anew gives no entry a name that was used before.
	other := openDisk(t, segtest.New(2), c, nil)
	mustAppend(t, other, entry("", "1"))
	if _, rows2 := bodies(t, other, 1); rows2[0].ID == rows[0].ID {
		t.Errorf("two logs call an entry %s", rows[0].ID)
	}
	if err := other.Ack(t.Context(), []string{rows[0].ID, "", "x-1", "nonsense"}); err != nil {
		t.Errorf("what is not there is acknowledged with %v", err)
	}
	if lag, _ := other.Lag(t.Context()); lag.Out != 1 {
		t.Errorf("another log's entry was acknowledged: %+v", lag)
	}
}

func TestDamage(t *testing.T) {
	disk, c, said := segtest.New(1), newClock(), new(logger)
	l := openDisk(t, disk, c, nil)
	for i := range 10 {
		mustAppend(t, l, entry("", fmt.Sprintf("body %d %s", i, strings.Repeat("z", 100))))
	}
	disk = disk.Kill()
	for _, name := range disk.Names() {
		if strings.Contains(name, "entries") && strings.HasSuffix(name, ".seg") {
			if err := disk.Damage(name, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }); err != nil {
				t.Fatal(err)
			}
		}
	}
	l = openDisk(t, disk, c, func(o *FileLogOptions) { o.Logger = said.slog() })
	list, rows := bodies(t, l, 20)
	if len(list) != 9 {
		t.Errorf("%d of 10 entries can be read, want 9", len(list))
	}
	if !strings.Contains(said.String(), "damaged") {
		t.Errorf("nothing was said of the damage: %s", said)
	}
	for _, r := range rows {
		if err := l.Ack(t.Context(), []string{r.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if list, _ := bodies(t, l, 20); len(list) != 0 {
		t.Errorf("%d come again", len(list))
	}
}

// TestTurns releases more than a Lease takes, over and over: what is new comes all the
// same.
func TestTurns(t *testing.T) {
	disk, c := segtest.New(1), newClock()
	l := openDisk(t, disk, c, nil)
	for range 20 {
		mustAppend(t, l, entry("", "bad"))
	}
	mustAppend(t, l, entry("", "good"))
	for range 20 {
		list, rows := bodies(t, l, 3)
		for i, r := range rows {
			if list[i] == "good" {
				return
			}
			if err := l.Release(t.Context(), r.ID, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Error("what is new waits behind what is given back")
}

// TestLostLater damages an entry while it is out: it is said, and the others go on.
func TestLostLater(t *testing.T) {
	disk, c, said := segtest.New(1), newClock(), new(logger)
	l := openDisk(t, disk, c, func(o *FileLogOptions) { o.Logger = said.slog() })
	mustAppend(t, l, entry("", "first"))
	_, rows := bodies(t, l, 1)
	for _, name := range disk.Names() {
		if strings.Contains(name, "entries") && strings.HasSuffix(name, ".seg") {
			if err := disk.Damage(name, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustAppend(t, l, entry("", "second"))
	if err := l.Release(t.Context(), rows[0].ID, 0); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 3 {
		list, _ := bodies(t, l, 5)
		got = append(got, list...)
	}
	if !cmp.Equal(got, []string{"second"}) || !strings.Contains(said.String(), "damaged") {
		t.Errorf("got %q, said %s", got, said)
	}
}

// TestModel runs the log at random against a list, with kills and losses of power: what
// was appended and not acknowledged is handed out, each under one name, and nothing else.
func TestModel(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { model(t, seed) })
	}
}

func model(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	disk, c := segtest.New(seed), newClock()
	small := func(o *FileLogOptions) { o.FileBytes, o.MaxBytes = 3_000, 30_000 }
	l := openDisk(t, disk, c, small)
	waiting := map[string]bool{} // bodies that were appended and never acknowledged
	maybe := map[string]bool{}   // bodies whose acknowledgement a loss of power may have taken
	done := map[string]bool{}    // bodies that were acknowledged in this life
	names := map[string]string{} // by body
	out := map[string]Leased{}   // by body
	last := 0
	for step := range 400 {
		c.add(time.Duration(rnd.IntN(5)) * time.Second)
		switch k := rnd.IntN(20); {
		case k < 7:
			var list []Entry
			for range 1 + rnd.IntN(4) {
				last++
				e := entry("", fmt.Sprintf("%d %s", last, strings.Repeat("b", rnd.IntN(400))))
				if rnd.IntN(2) == 0 {
					e.Identity = fmt.Sprint("id", last)
				}
				list = append(list, e)
			}
			known, err := l.Append(t.Context(), list)
			if errors.Is(err, ErrFull) {
				continue
			} else if err != nil || known != nil {
				t.Fatalf("step %d: %v %v", step, known, err)
			}
			for _, e := range list {
				waiting[string(e.Body)] = true
			}
		case k < 11:
			rows, err := l.Lease(t.Context(), 1+rnd.IntN(6))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				b := string(r.Body)
				if _, twice := out[b]; twice || !waiting[b] && !maybe[b] {
					t.Fatalf("step %d: %.8q was handed out; out %v, waits %v", step, b, twice, waiting[b])
				}
				if names[b] != "" && names[b] != r.ID {
					t.Fatalf("step %d: %.8q is called %s and then %s", step, b, names[b], r.ID)
				}
				names[b], out[b] = r.ID, r
			}
		case k < 16:
			for b, r := range out {
				if rnd.IntN(3) > 0 {
					continue
				}
				if again, err := r.Again(t.Context()); err != nil || string(again) != b {
					t.Fatalf("step %d: %.8q again: %v", step, b, err)
				}
				if err := l.Ack(t.Context(), []string{r.ID}); err != nil {
					t.Fatal(err)
				}
				delete(out, b)
				delete(waiting, b)
				delete(maybe, b)
				done[b] = true
			}
		case k < 18:
			for b, r := range out {
				if err := l.Release(t.Context(), r.ID, time.Duration(rnd.IntN(20))*time.Second); err != nil {
					t.Fatal(err)
				}
				delete(out, b)
				break
			}
		default:
			if rnd.IntN(2) == 0 {
				disk = disk.Kill() // a process that is killed forgets nothing that it has written
			} else {
				disk = disk.Crash()
				maps.Copy(maybe, done)
			}
			clear(done)
			l = openDisk(t, disk, c, small)
			clear(out)
		}
	}
	c.add(time.Hour)
	for {
		rows, err := l.Lease(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			b := string(r.Body)
			if !waiting[b] && !maybe[b] {
				t.Fatalf("%.8q came and does not wait", b)
			}
			out[b] = r
		}
	}
	for b := range waiting {
		if _, ok := out[b]; !ok {
			t.Errorf("%.8q is lost", b)
		}
	}
	if lag, err := l.Lag(t.Context()); err != nil || lag.Out != int64(len(out)) || lag.Waiting != 0 {
		t.Errorf("lag %+v, %v; %d are out", lag, err, len(out))
	}
}

func segPosition(file uint64, offset int64) segment.Position {
	return segment.Position{File: file, Offset: offset}
}
