package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
)

// TestProbe: a running server is asked for a source that is pushed to; nothing is stored.
func TestProbe(t *testing.T) {
	s := newStand(t)
	s.start()
	cfg := *s.cfg
	cfg.Server.URL = "http://" + s.serve.Addr()
	said, err := NewTrial(&cfg, CheckOptions{Now: time.Now}).Probe(t.Context(), &cfg.Sources[0])
	if err != nil || !strings.Contains(said.Text, "takes the credential") {
		t.Errorf("%+v, %v", said, err)
	}
	wrong := config.Source{Name: "in", Push: &config.PushSource{Path: "/in", Tokens: []config.Secret{"00000000000000000000000000000000"}}}
	if _, err := NewTrial(&cfg, CheckOptions{Now: time.Now}).Probe(t.Context(), &wrong); err == nil || !strings.Contains(err.Error(), "does not take the credential") {
		t.Error(err)
	}
	wrong.Push.Path = "/nowhere"
	if _, err := NewTrial(&cfg, CheckOptions{Now: time.Now}).Probe(t.Context(), &wrong); err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Error(err)
	}
	if l := s.ledger(); len(l.Sources) != 0 {
		t.Errorf("something was stored: %+v", l.Sources)
	}
}

// TestLook: what a folder holds is looked into and stays.
func TestLook(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(file, []byte(trail("2026-03-02T09:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{}`)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	src := &config.Source{Name: "f", Folder: &config.FolderSource{Paths: []string{dir}, After: "delete"}}
	list, err := NewTrial(&config.Config{}, CheckOptions{Now: time.Now}).Look(t.Context(), src, nil)
	if err != nil || len(list) != 1 || list[0].Formats["aws.cloudtrail"] != 1 || list[0].Problem != "" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}
