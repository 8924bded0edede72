package pack

import (
	"context"
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// gitServer serves repositories below a folder as git itself does.
func gitServer(t *testing.T) (root, url string) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	root = t.TempDir()
	server := httptest.NewServer(&cgi.Handler{Path: git, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"}})
	t.Cleanup(server.Close)
	return root, server.URL
}

// commit writes files into a work tree and commits them; "" removes one.
func commit(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	run := func(args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
			"GIT_CONFIG_GLOBAL=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		run("init", "-q", "-b", "main")
		run("config", "uploadpack.allowReachableSHA1InWant", "true")
	}
	for name, text := range files {
		p := filepath.Join(dir, name)
		if text == "" {
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run("add", "-A")
	run("commit", "-q", "-m", "x")
	return run("rev-parse", "HEAD")
}

func now() time.Time { return time.Date(2026, 3, 2, 9, 15, 0, 0, time.UTC) }

// TestGit: a pack is what its paths choose, with the licence above them; it is locked to
// its commit, and moves when that is asked for.
func TestGit(t *testing.T) {
	root, url := gitServer(t)
	dir := filepath.Join(root, "rules")
	commit(t, dir, map[string]string{
		"LICENSE": "Detection Rule License (DRL) 1.1\n\nPermission is hereby granted, free of charge\n", "README.md": "no",
		"rules/cloud/a.yml": "title: a\n", "rules/cloud/deep/b.yaml": "title: b\n", "rules/windows/c.yml": "title: c\n", "rules/cloud/run.sh": "no",
	})
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "rules/cloud/link.yml")); err != nil {
		t.Fatal(err)
	}
	first := commit(t, dir, map[string]string{"x": "y"})
	p, err := Parse(url+"/rules", "", "", []string{"rules/cloud/"})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Into: t.TempDir(), Pack: p, Now: now}
	done, err := Fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	names := func(l Lock) (out []string) {
		for f := range l.Files {
			out = append(out, f)
		}
		slices.Sort(out)
		return out
	}
	if d := cmp.Diff([]string{"LICENSE", "rules/cloud/a.yml", "rules/cloud/deep/b.yaml"}, names(done.Lock)); d != "" {
		t.Error(d)
	}
	if done.Lock.Version != first || done.Lock.Licences[0].Name != "Detection Rule License" || len(done.Added) != 3 {
		t.Errorf("%+v", done)
	}
	second := commit(t, dir, map[string]string{"rules/cloud/a.yml": "title: a2\n", "rules/cloud/deep/b.yaml": "", "rules/cloud/d.yml": "title: d\n"})

	// What is locked stays, without a question. What was changed is not thrown away unless
	// that is asked for; what is missing comes back.
	if done, err = Fetch(t.Context(), o); err != nil || !done.Present || done.Lock.Version != first {
		t.Errorf("%+v, %v", done, err)
	}
	if err := os.WriteFile(filepath.Join(done.Folder, "rules/cloud/a.yml"), []byte("title: evil\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"rules/cloud/a.yml: changed"}, Verify(done.Folder)); d != "" {
		t.Error(d)
	}
	if err := os.WriteFile(filepath.Join(done.Folder, "mine.yml"), []byte("title: mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	folder := done.Folder
	for _, update := range []bool{false, true} {
		o.Update = update
		var changes *LocalChanges
		if _, err := Fetch(t.Context(), o); !errors.As(err, &changes) {
			t.Fatalf("update %v: %v", update, err)
		}
		if d := cmp.Diff([]string{"mine.yml: not of the pack", "rules/cloud/a.yml: changed"}, changes.Files); d != "" {
			t.Error(d)
		}
	}
	o.Update, o.Force = false, true
	if done, err = Fetch(t.Context(), o); err != nil || done.Present || done.Lock.Version != first || len(Verify(done.Folder)) > 0 {
		t.Errorf("%+v, %v", done, err)
	}
	o.Force = false
	if err := os.Remove(filepath.Join(folder, "rules/cloud/a.yml")); err != nil {
		t.Fatal(err)
	}
	if done, err = Fetch(t.Context(), o); err != nil || done.Present || len(Verify(folder)) > 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if got, err := Installed(o.Into, "rules"); err != nil || !cmp.Equal(got, p) {
		t.Errorf("%+v, %v", got, err)
	}

	// A folder that no fetch made is not thrown away either.
	own := Options{Into: t.TempDir(), Pack: p, Now: now}
	if err := os.Mkdir(p.Folder(own.Into), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.Folder(own.Into), "x.yml"), []byte("title: x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Fetch(t.Context(), own); err == nil || !strings.Contains(err.Error(), "no pack was fetched into it") {
		t.Errorf("%v", err)
	}

	o.Update = true
	if done, err = Fetch(t.Context(), o); err != nil || done.Lock.Version != second {
		t.Fatalf("%+v, %v", done, err)
	}
	if d := cmp.Diff([][]string{{"rules/cloud/d.yml"}, {"rules/cloud/a.yml"}, {"rules/cloud/deep/b.yaml"}}, [][]string{done.Added, done.Changed, done.Removed}); d != "" {
		t.Error(d)
	}
	if f := Verify(done.Folder); f != nil {
		t.Error(f)
	}

	// By its commit, and by what it must be.
	o = Options{Into: t.TempDir(), Pack: p, Now: now, Sum: done.Lock.Sum}
	o.Pack.Ref = first
	if _, err := Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "was changed") {
		t.Errorf("other files than the checksum says were taken: %v", err)
	}
	if left, _ := os.ReadDir(o.Into); len(left) > 0 {
		t.Errorf("a refused pack left %v", left)
	}
	o.Sum = ""
	if done, err = Fetch(t.Context(), o); err != nil || done.Lock.Version != first {
		t.Errorf("%+v, %v", done, err)
	}
	for _, ref := range []string{"nosuch", strings.Repeat("0", 40)} {
		o.Into, o.Pack.Ref = t.TempDir(), ref
		if _, err := Fetch(t.Context(), o); err == nil {
			t.Errorf("ref %s was found", ref)
		}
	}
	o.Pack.Ref, o.Pack.Paths = "main", []string{"nothing/here"}
	if _, err := Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no rule file") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o.Pack.Paths = nil
	if _, err := Fetch(ctx, o); err == nil {
		t.Error("a cancelled fetch went on")
	}
}

// TestPlain: only this machine is asked over plain HTTP.
func TestPlain(t *testing.T) {
	for host, want := range map[string]bool{"127.0.0.1:80": true, "localhost": true, "[::1]:1": true, "192.0.2.1:80": false, "git.example.com": false} {
		if thisMachine(host) != want {
			t.Errorf("%s: %v", host, !want)
		}
	}
	req, _ := http.NewRequest(http.MethodGet, "http://git.example.com/x", nil)
	if _, err := newClient().Do(req); err == nil || !strings.Contains(err.Error(), "plain HTTP") {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	for what, want := range map[string]Pack{
		"falco":                                  {"falco", Source{OCI: "ghcr.io/falcosecurity/rules/falco-rules"}},
		"https://git.example.com/acme/Rules.git": {"rules", Source{Git: "https://git.example.com/acme/Rules.git"}},
		"oci://localhost:5000/r/x:1.2":           {"x", Source{OCI: "localhost:5000/r/x", Ref: "1.2"}},
		"oci://localhost:5000/r/x":               {"x", Source{OCI: "localhost:5000/r/x"}},
		"oci://example.com/r@sha256:00":          {"r", Source{OCI: "example.com/r", Ref: "sha256:00"}},
	} {
		got, err := Parse(what, "", "", nil)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Error(what, err, d)
		}
	}
	for _, what := range []string{"nosuch", "ssh://x/y", "file:///etc", "https://git.example.com/.."} {
		if p, err := Parse(what, "", "", nil); err == nil {
			t.Errorf("%s: %+v", what, p)
		}
	}
	if _, err := Parse("sigma", "../x", "", nil); err == nil {
		t.Error("a name outside the folder")
	}
	if _, err := Parse("sigma", "", "", []string{"../../etc"}); err == nil {
		t.Error("a path outside the pack")
	}
}
