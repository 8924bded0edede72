package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/api"
)

// TestTeamFiles: what is written of accounts and of how people are told is checked, holds at
// once and after a restart, and what is refused leaves everything as it was.
func TestTeamFiles(t *testing.T) {
	s := newStand(t)
	s.cfg.Digest, s.cfg.Storm = "07:00", 5
	s.start()
	files := &consoleTeamFiles{s.serve}
	ctx := t.Context()
	read := func(name string) *api.TeamFile {
		t.Helper()
		f, err := files.TeamFile(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	put := func(name, text, tag string) error {
		_, err := files.PutTeamFile(ctx, name, text, func(now string) error {
			if now != tag {
				return api.Refuse(api.CodeConflict, "moved", "moved")
			}
			return nil
		})
		return err
	}
	for name := range teamFiles {
		f := read(name)
		checked, err := files.CheckTeamFile(ctx, name, f.Text)
		if err != nil || !f.Fresh || checked.Refused || len(checked.Problems) > 0 {
			t.Errorf("%s: the text to begin with: %+v %+v %v", name, f, checked, err)
		}
		// What stands in its comments is an example that may be taken.
		var example strings.Builder
		for line := range strings.Lines(f.Text) {
			if rest, ok := strings.CutPrefix(line, "# "); ok && !strings.HasPrefix(line, "# The ") && !strings.HasPrefix(line, "# How ") && !strings.HasPrefix(line, "# not is") {
				example.WriteString(rest)
			}
		}
		if checked, err = files.CheckTeamFile(ctx, name, example.String()); err != nil || len(checked.Problems) > 0 {
			t.Errorf("%s: its example: %+v %v\n%s", name, checked, err, example.String())
		}
	}
	if _, err := files.TeamFile(ctx, "../yagura"); !errors.Is(err, api.NotFound) {
		t.Errorf("another file: %v", err)
	}

	f := read("accounts")
	registry := "accounts:\n  \"111122223333\": {name: shop, owner: platform, environment: prod}\n"
	if err := put("accounts", registry, "something else"); err == nil {
		t.Error("another version was written over")
	}
	if err := put("accounts", registry, f.ETag); err != nil {
		t.Fatal(err)
	}
	if got := s.serve.registry.load().Lookup("111122223333"); got.Name != "shop" || got.Owner != "platform" {
		t.Errorf("%+v", got)
	}
	f = read("accounts")
	if f.Text != registry || f.Fresh || f.File != filepath.Join(s.cfg.Data, "registry.yaml") {
		t.Errorf("%+v", f)
	}
	var p *api.Problem
	if err := put("accounts", "accounts:\n  \"11112222333\": {name: shop, cloud: aws}\n", f.ETag); !errors.As(err, &p) || len(p.Problems) != 1 || p.Problems[0].Line != 2 {
		t.Errorf("an id of 11 digits: %v %+v", err, p)
	}
	if data, err := os.ReadFile(f.File); err != nil || string(data) != registry {
		t.Errorf("%q %v", data, err)
	}

	if err := put("notifications", "digest: \"08:30\"\ntargets: {high: {acknowledge: 1h, close: 3d}}\n", read("notifications").ETag); err != nil {
		t.Fatal(err)
	}
	holds := func(what string) {
		t.Helper()
		if c := s.serve.config.Load(); c.Digest != "08:30" || c.Storm != 5 || time.Duration(c.Targets["high"].Close) != 72*time.Hour {
			t.Errorf("%s: digest %q, storm %d, targets %v", what, c.Digest, c.Storm, c.Targets)
		}
	}
	holds("after writing")
	for text, line := range map[string]int{"digest: 8.30\n": 1, "storm: -1\n": 1, "\ntargets:\n  high: {acknowledge: 3d, close: 1h}\n": 3, "sinks: []\n": 1, "digest: [\n": 1} {
		checked, err := files.CheckTeamFile(ctx, "notifications", text)
		if err != nil || !checked.Refused || checked.Problems[0].Line != line || checked.Problems[0].Reason == "" {
			t.Errorf("%q: %+v %v", text, checked, err)
		}
		if err := put("notifications", text, read("notifications").ETag); !errors.As(err, &p) || len(p.Problems) == 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
	holds("after refusals")
	if err := s.serve.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	holds("after a reload")
	s.stop()
	s.start()
	holds("after a restart")
	if got := s.serve.registry.load().Lookup("111122223333"); got.Name != "shop" {
		t.Errorf("after a restart: %+v", got)
	}
	s.stop()

	// Written by hand and wrong, it is not passed over.
	file := NotificationsFile(s.cfg.Data)
	if err := os.WriteFile(file, []byte("digest: noon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewServe(ctx, ServeOptions{Config: s.cfg}); err == nil || !strings.Contains(err.Error(), file+":1:") {
		t.Errorf("a wrong file at the start: %v", err)
	}
}
