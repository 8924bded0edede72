package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
)

// askOf is a question to a list, as the API asks it.
func askOf(t *testing.T, list *filter.List, q string, now time.Time) api.Ask {
	t.Helper()
	parsed, err := filter.Parse(list, q)
	if err != nil {
		t.Fatal(err)
	}
	order, err := list.Sort("")
	if err != nil {
		t.Fatal(err)
	}
	return api.Ask{Query: parsed.At(now, time.UTC), Order: order, Limit: 1000}
}

func TestDocuments(t *testing.T) {
	s := newStand(t)
	s.start()
	c, ctx := &consoleDocuments{s: s.serve}, t.Context()
	refused := func(what string, err error, code api.Code) {
		t.Helper()
		if p := (*api.Problem)(nil); !errors.As(err, &p) || p.Code != code {
			t.Errorf("%s: %v, want %s", what, err, code)
		}
	}
	match := func(want string) func(string) error {
		return func(tag string) error {
			if want != tag {
				return api.Refuse(api.CodeStale, "stale", "stale")
			}
			return nil
		}
	}
	paths := func(q string) string {
		t.Helper()
		list, err := c.ListDocuments(ctx, askOf(t, filter.Documents, q, s.serve.o.Now()))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, d := range list.Items {
			out = append(out, d.Path)
		}
		return strings.Join(out, " ")
	}
	if got := paths("rule:none"); got != "" {
		t.Errorf("documents before there is a folder: %q", got)
	}

	// One is written, once, and then over the version that was read.
	const path = "runbooks/ルート.ja.md"
	text := "# ルートのサインイン\n\n多要素認証を確認する。\n"
	refused("without a version", func() error { _, err := c.PutDocument(ctx, path, text, false, match("x")); return err }(), api.CodeStale)
	d, err := c.PutDocument(ctx, path, text, true, match("x"))
	if err != nil || d.Title != "ルートのサインイン" || d.Kind != "runbook" || d.Lang != "ja" || d.Text != text || !d.Editable || d.Shipped || d.Updated.IsZero() {
		t.Fatalf("%v %+v", err, d)
	}
	refused("again as a new one", func() error { _, err := c.PutDocument(ctx, path, "x", true, match("x")); return err }(), api.CodeStale)
	refused("over another version", func() error { _, err := c.PutDocument(ctx, path, "x", false, match("x")); return err }(), api.CodeStale)
	if d, err = c.PutDocument(ctx, path, text+"\n追記。\n", false, match(d.ETag)); err != nil || !strings.Contains(d.Text, "追記") {
		t.Fatalf("%v %+v", err, d)
	}
	if data, err := os.ReadFile(filepath.Join(s.cfg.Data, "documents", filepath.FromSlash(path))); err != nil || string(data) != d.Text {
		t.Errorf("%v %q", err, data)
	}
	if _, err := c.PutDocument(ctx, "handbook.md", "# On call\n\nWho is called when.\n", true, match("")); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[string]string{"rule:none": "handbook.md " + path, "rule:none lang:ja": path, "多要素認証 rule:none": path, "kind:handbook": "handbook.md", "種類:手順書 ルートのサインイン rule:none": path,
		`title:"on call" rule:none`: "handbook.md", "updated:<1h rule:none kind:runbook": path, "path:runbooks/*": path} {
		if got := paths(q); got != want {
			t.Errorf("documents %s: %q, want %q", q, got, want)
		}
	}

	// The runbooks of rules are there in both languages, and are not written here.
	rules := strings.Fields(paths("rule:* shipped:yes kind:runbook lang:ja"))
	if len(rules) == 0 {
		t.Fatal("no runbook of a rule")
	}
	r, err := c.Document(ctx, rules[0])
	if err != nil || r.Editable || !r.Shipped || r.Rule == "" || !strings.Contains(r.Text, "確認すること") {
		t.Errorf("%v %+v", err, r)
	}
	refused("the runbook of a rule", func() error { _, err := c.PutDocument(ctx, rules[0], "x", false, match(r.ETag)); return err }(), api.CodeConflict)
	refused("the runbook of a rule", c.DeleteDocument(ctx, rules[0], match(r.ETag)), api.CodeConflict)

	// No path leads out of the folder.
	out := t.TempDir()
	secret := filepath.Join(out, "secret.md")
	if err := os.WriteFile(secret, []byte("# SECRET\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(s.cfg.Data, "documents")
	for name, to := range map[string]string{"link.md": secret, "folder": out} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"../secret.md", "..", "", ".", "/etc/passwd", "/etc/x.md", "a/../../secret.md", "runbooks/../../policy.yaml", "a//b.md", `..\secret.md`, "C:/x.md", ".hidden.md", "a/.git/x.md",
		"x.html", "x", ".md", "a\x00.md", "a\n.md", strings.Repeat("a", 300) + ".md", strings.Repeat("a/", 20) + "x.md"} {
		if _, err := c.Document(ctx, p); !errors.Is(err, api.NotFound) {
			t.Errorf("%q is read: %v", p, err)
		}
		refused("write "+p, func() error { _, err := c.PutDocument(ctx, p, "x", true, match("")); return err }(), api.CodeBadRequest)
		if err := c.DeleteDocument(ctx, p, match("")); !errors.Is(err, api.NotFound) {
			t.Errorf("%q is deleted: %v", p, err)
		}
	}
	for _, p := range []string{"link.md", "folder/secret.md", "folder/new.md"} {
		if _, err := c.Document(ctx, p); !errors.Is(err, api.NotFound) {
			t.Errorf("%q is read: %v", p, err)
		}
		_, _ = c.PutDocument(ctx, p, "# mine\n", true, match("")) // over a link it may put a file of the folder
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != "# SECRET\n" {
		t.Errorf("what a link leads to was written: %v %q", err, data)
	}
	if _, err := os.Stat(filepath.Join(out, "new.md")); err == nil {
		t.Error("a file was written out of the folder")
	}
	if got := paths("SECRET rule:none"); got != "" {
		t.Errorf("what links lead to is listed: %s", got)
	}

	// What is too large is neither written nor read.
	refused("too large", func() error {
		_, err := c.PutDocument(ctx, "large.md", strings.Repeat("a", documentBytes+1), true, match(""))
		return err
	}(), api.CodeTooLarge)
	if err := os.WriteFile(filepath.Join(dir, "large.md"), make([]byte, documentBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = c.Document(ctx, "large.md")
	refused("too large", err, api.CodeTooLarge)
	if got := paths("path:large.md"); got != "" {
		t.Errorf("listed: %s", got)
	}

	// Doubts.
	faults, err := c.CheckDocument(ctx, "runbooks/x.md", "no heading\n[a](ルート.ja.md) [b](../handbook.md#x) 障害は [c](none.md) [d](https://example.com/x.md)\n```\n[e](in-code.md)\n")
	if err != nil || len(faults) != 3 || faults[1].Line != 2 || faults[1].Column != 46 || !strings.Contains(faults[1].Reason, "runbooks/none.md") || faults[2].Line != 3 {
		t.Errorf("%v %+v", err, faults)
	}
	if faults, err := c.CheckDocument(ctx, "../x.md", "# X"); err != nil || len(faults) != 1 {
		t.Errorf("%v %+v", err, faults)
	}

	// It goes, and leaves nothing half.
	refused("delete another version", c.DeleteDocument(ctx, path, match("x")), api.CodeStale)
	if err := c.DeleteDocument(context.Background(), path, match(d.ETag)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Document(ctx, path); !errors.Is(err, api.NotFound) {
		t.Errorf("gone: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", ".part-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v %v", err, left)
	}
}

// TestDocumentsAreReadOnce: a list looks at every file and reads those that changed, in whatever
// way they did.
func TestDocumentsAreReadOnce(t *testing.T) {
	s := newStand(t)
	s.start()
	c := &consoleDocuments{s: s.serve}
	dir := filepath.Join(s.cfg.Data, "documents")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "a.md")
	write := func(name, text string, at time.Time) {
		t.Helper()
		if err := errors.Join(os.WriteFile(name, []byte(text), 0o600), os.Chtimes(name, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	title := func() string {
		t.Helper()
		list, err := c.ListDocuments(t.Context(), askOf(t, filter.Documents, "rule:none", s.serve.o.Now()))
		if err != nil {
			t.Fatal(err)
		}
		out := make([]string, len(list.Items))
		for i, d := range list.Items {
			out[i] = d.Title
		}
		return strings.Join(out, " ")
	}
	is := func(what, want string) {
		t.Helper()
		if got := title(); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	now := s.serve.o.Now()
	early, later := now.Add(-time.Hour), now.Add(-time.Minute)
	write(name, "# One", early)
	is("at first", "One")
	// A file that is the same in all that can be seen of it from outside is not read again.
	write(name, "# Two", early)
	is("not changed to be seen", "One")
	write(name, "# Two", later)
	is("changed later", "Two")
	write(name, "# Three", later)
	is("longer", "Three")
	// Another file of its name, size and time.
	other := filepath.Join(dir, "other")
	write(other, "# Seven", later)
	if err := os.Rename(other, name); err != nil {
		t.Fatal(err)
	}
	is("put in its place", "Seven")
	// Changed a moment ago, and again within the grain of the clock of the file system.
	for _, text := range []string{"# Eight", "# Fifty"} {
		write(name, text, now)
		is("changed a moment ago", strings.TrimPrefix(text, "# "))
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	is("gone", "")
	if len(c.kept.files) != 0 {
		t.Errorf("what is gone is kept: %v", c.kept.files)
	}
}
