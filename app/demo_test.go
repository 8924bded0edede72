package app

import (
	"log/slog"
	"os"
	"testing"
	"time"
)

var demoEnd = time.Date(2026, 11, 27, 6, 30, 0, 0, time.UTC)

func TestDemoFill(t *testing.T) {
	dir := t.TempDir() + "/demo"
	if v := os.Getenv("DEMO"); v != "" {
		dir = v
	}
	d, err := NewDemo(DemoOptions{Dir: dir, Listen: "127.0.0.1:0", Seed: 1, End: demoEnd, Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := d.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(start), d.Filled, d.inbox.taken, d.inbox.refused)
}
