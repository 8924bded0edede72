package store

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzText: a text column holds every string, in a form that PostgreSQL takes, and no two
// strings in the same.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", "\x00", "\xff\x10", "\x1000", "\x10+", "é", strings.Repeat("\xff", 700), strings.Repeat("あ", 300)} {
		f.Add(s, s+"x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		c := clean(a)
		if !utf8.ValidString(c) || strings.IndexByte(c, 0) >= 0 {
			t.Errorf("clean(%q) is %q", a, c)
		}
		if back := unclean(c); back != a {
			t.Errorf("%q came back as %q", a, back)
		}
		k := key(a)
		if !utf8.ValidString(k) || strings.IndexByte(k, 0) >= 0 || len(k) > keyLimit {
			t.Errorf("key(%q) is %q", a, k)
		}
		if (k == key(b)) != (a == b) {
			t.Errorf("the keys of %q and %q", a, b)
		}
		if l := long(a); l == "" && unclean(k) != a || l != "" && unclean(l) != a {
			t.Errorf("long(%q) is %q", a, l)
		}
	})
}

// FuzzCursor: what is no cursor of ours is refused or harmless.
func FuzzCursor(f *testing.F) {
	f.Add(cursor(5, "id"))
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		n, id, err := parseCursor(s)
		if err == nil && (!utf8.ValidString(id) || strings.IndexByte(id, 0) >= 0) {
			t.Errorf("cursor %q: %d %q", s, n, id)
		}
	})
}

func TestTimes(t *testing.T) {
	for _, x := range []time.Time{{}, time.Unix(0, 1).UTC(), time.Unix(0, -1).UTC(), time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), time.Unix(0, math.MaxInt64-2e9).UTC(), time.Unix(0, math.MinInt64+2e9).UTC()} {
		if got := at(ns(x)); !got.Equal(x) {
			t.Errorf("%v came back as %v", x, got)
		}
	}
	if ns(time.Date(50_000, 1, 1, 0, 0, 0, 0, time.UTC)) != math.MaxInt64 || ns(time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC)) != math.MinInt64 {
		t.Error("times outside the range are not cut to it")
	}
	if at(ns(time.Unix(0, 0))).IsZero() {
		t.Error("the epoch is no time")
	}
}
