package main

import (
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/app"
)

func TestBarText(t *testing.T) {
	p := app.Progress{Read: 25_000_000, Total: 100_000_000, Listed: true, Events: 1_000_000, Findings: 12}
	for width, want := range map[int]string{
		120: "█████░░░░░░░░░░░░░░░  25%  25.0 MB of 100 MB  200,000 events/s  12 findings  15s left",
		70:  "█░░░░  25%  25.0 MB of 100 MB  200,000 events/s  12 findings  15s left",
		65:  "25.0 MB of 100 MB  200,000 events/s  12 findings  15s left",
		10:  "25.0 MB of",
		0:   "",
	} {
		if got := barText(p, 5*time.Second, width, false); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
	for width, want := range map[int]string{
		80: "█░░░░░░  25%  25.0 MB / 100 MB  イベント 200,000 件/秒  検出結果 12 件  残り 15s",
		20: "25.0 MB / 100 MB  イ",
		19: "25.0 MB / 100 MB  ",
	} {
		if got := barText(p, 5*time.Second, width, true); got != want {
			t.Errorf("%d columns in Japanese: %q, want %q", width, got, want)
		}
	}
	p.Listed, p.Total = false, 0
	if got := barText(p, 5*time.Second, 80, false); got != "25.0 MB  200,000 events/s  12 findings" {
		t.Errorf("without a total: %q", got)
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.00 kB", 9_994: "9.99 kB", 9_996: "10.0 kB", 99_960: "100 kB", 999_400: "999 kB",
		999_500: "1.00 MB", 1_234_567_890: "1.23 GB", 5e15: "5.00 PB", 5e18: "5000 PB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if got := thousands(1234567); got != "1,234,567" || thousands(12) != "12" {
		t.Error(got)
	}
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{"2026-03-01": time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "2026-03-01T10:00:00+09:00": time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC),
		"36h": now.Add(-36 * time.Hour), "7d": now.AddDate(0, 0, -7), "": {}} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"-1h", "d", "1.5d", "7dd", "yesterday", "9999999d"} {
		if _, err := parseSince(bad, now); err == nil || !strings.Contains(err.Error(), "is no time") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestScreen keeps the bar at the last line while lines are written above it.
func TestScreen(t *testing.T) {
	var b strings.Builder
	s := &screen{w: &b, bar: "half"}
	s.line("refused: x")
	if got := b.String(); got != "\r\x1b[Krefused: x\nhalf" {
		t.Errorf("%q", got)
	}
}

// TestUnderBar takes the bar away before the first byte of the table.
func TestUnderBar(t *testing.T) {
	var b strings.Builder
	s := &screen{w: &b, bar: "half", stop: make(chan struct{})}
	w := underBar{&b, s}
	for _, text := range []string{"a", "b"} {
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.String(); got != "\r\x1b[Kab" {
		t.Errorf("%q", got)
	}
	if w := s.under(&b); w != &b {
		t.Errorf("%T for what is no terminal", w)
	}
}
