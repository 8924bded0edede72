package segment_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/yagura-sec/yagura/segment"
)

func open(t testing.TB, dir string, o segment.Options) *segment.Log {
	t.Helper()
	l, err := segment.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// readAll returns the frames and the damage of a log.
func readAll(t testing.TB, l *segment.Log, from segment.Position) (frames []string, damage []*segment.Damage) {
	t.Helper()
	for f, err := range l.Read(from) {
		var d *segment.Damage
		switch {
		case errors.As(err, &d):
			damage = append(damage, d)
		case err != nil:
			t.Fatal(err)
		default:
			frames = append(frames, string(f.Data))
		}
	}
	return frames, damage
}

func TestAppendAndRead(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, segment.Options{MaxBytes: 1000})
	var want []string
	var places []segment.Position
	for i := range 100 {
		a, b := fmt.Sprintf("frame %d", i), string(bytes.Repeat([]byte{byte(i)}, i))
		span, err := l.Append([]byte(a), []byte(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Sync(span); err != nil {
			t.Fatal(err)
		}
		want, places = append(want, a, b), append(places, span.First)
	}
	check := func() {
		t.Helper()
		got, damage := readAll(t, l, segment.Position{})
		if fmt.Sprint(got) != fmt.Sprint(want) || damage != nil {
			t.Fatalf("read %d frames, want %d; damage %v", len(got), len(want), damage)
		}
		for i, p := range places {
			if data, err := l.Frame(p); err != nil || string(data) != want[2*i] {
				t.Fatalf("frame at %s: %q, %v", p, data, err)
			}
		}
		if got, _ := readAll(t, l, places[50]); len(got) != 100 || got[0] != want[100] {
			t.Fatalf("read from %s: %d frames", places[50], len(got))
		}
	}
	check()
	if n := len(l.Files()); n < 5 {
		t.Errorf("%d files", n)
	}
	if _, err := segment.Open(dir, segment.Options{}); !errors.Is(err, segment.ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, segment.Options{MaxBytes: 1000})
	check()
	if r := l.Recovered(); r.Cut != 0 || r.Damage != nil {
		t.Errorf("recovered %+v", r)
	}
	removed, err := l.RemoveBefore(places[60])
	if err != nil || len(removed) == 0 {
		t.Fatalf("removed %v, %v", removed, err)
	}
	got, damage := readAll(t, l, segment.Position{})
	if damage != nil || len(got) < 80 || got[len(got)-1] != want[199] {
		t.Errorf("after the removal: %d frames, damage %v", len(got), damage)
	}
	if _, err := l.Frame(places[0]); !errors.Is(err, segment.ErrGone) {
		t.Errorf("a removed frame: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
