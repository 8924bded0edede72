package secret_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/secret"
)

// surroundings is a fake world: variables, and a server on loopback that answers for every
// host.
type surroundings struct {
	env  map[string]string
	mux  *http.ServeMux
	o    secret.Options
	seen []*http.Request
}

type toLoopback struct{ to string }

func (t toLoopback) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Scheme", r.URL.Scheme)
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = "http", t.to
	return http.DefaultTransport.RoundTrip(r)
}

func world(t *testing.T) *surroundings {
	t.Helper()
	w := &surroundings{env: map[string]string{}, mux: http.NewServeMux()}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.seen = append(w.seen, r)
		w.mux.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	w.o = secret.Options{Env: func(k string) (string, bool) { v, ok := w.env[k]; return v, ok }, Backoff: time.Millisecond,
		Client: &http.Client{Transport: toLoopback{strings.TrimPrefix(srv.URL, "http://")}},
		Now:    func() time.Time { return time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC) }}
	return w
}

// want resolves and compares; a want of "!x" is an error that says x.
func (w *surroundings) want(t *testing.T, ref, want string) {
	t.Helper()
	got, err := secret.Resolve(t.Context(), ref, w.o)
	if says, ok := strings.CutPrefix(want, "!"); ok {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.100s: %q, %v; want an error that says %q", ref, got, err, says)
		}
		if got != "" {
			t.Errorf("%s: an error and a value", ref)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the value: %v", ref, err)
		}
		return
	}
	if err != nil || got != want {
		t.Errorf("%s: %q, %v; want %q", ref, got, err, want)
	}
}

func TestIsRef(t *testing.T) {
	for s, want := range map[string]bool{
		"ref+env://X": true, "ref+typo://X": true, `{{ kv "https://a.vault.azure.net/secrets/x" }}`: true, "{{kv x}}": true, `{{- kv "x" -}}`: true,
		"": false, "hunter2": false, "env://X": false, "ref+": false, "ref+env:X": false, "{{ .Title }}": false, "{{ kvetch }}": false, "x ref+env://X": false,
	} {
		if got := secret.IsRef(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestForms(t *testing.T) {
	w := world(t)
	w.env["A"], w.env["J"], w.env["E"] = "hunter2", `{"a":{"b":["x",{"c":7.50}],"n":null,"o":true},"d.e":"dotted","h":"hunter2"}`, ""
	w.env["BIG"] = strings.Repeat("x", 64<<10+1)
	w.env["a?b%"] = "odd"
	for ref, want := range map[string]string{
		"ref+env://A":                            "hunter2",
		"ref+env://J?key=a.b.0":                  "x",
		"ref+env://J?key=a.b.1.c":                "7.50",
		"ref+env://J?key=a.o":                    "true",
		"ref+env://J?key=d.e":                    "dotted",
		"ref+env://a%3Fb%25":                     "odd",
		"ref+env://J?key=a.n":                    "!not a text",
		"ref+env://J?key=a.b":                    "!not a text",
		"ref+env://J?key=a.b.2":                  "!no key",
		"ref+env://J?key=h.x":                    "!no key",
		"ref+env://J?key=":                       "!key is empty",
		"ref+env://A?key=x":                      "!not JSON",
		"ref+env://E":                            "!is empty",
		"ref+env://BIG":                          "!more than 64 KB",
		"ref+env://NONE":                         "!secret ref+env://NONE: the variable is not set",
		"ref+env://":                             "!no name",
		"ref+env://A?x=1":                        `!"x" is not known`,
		"ref+env://A?key=a&key=b":                "!twice",
		"ref+env://A%zz":                         "!%25",
		"ref+env://A?%zz":                        "!behind ?",
		"ref+typo://A":                           "!awssecrets",
		"A":                                      "!ref+scheme",
		"ref+env://" + strings.Repeat("x", 5000): "!more than 4096",
	} {
		w.want(t, ref, want)
	}
}

func TestFiles(t *testing.T) {
	w, dir := world(t), t.TempDir()
	write := func(name, text string) string {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	w.want(t, "ref+file://"+write("a", "hunter2\n"), "hunter2")
	w.want(t, "ref+file://"+write("b", "x\r\n"), "x")
	w.want(t, "ref+file://"+write("c", "x\n\n"), "x\n")
	w.want(t, "ref+file://"+write("d", "-----BEGIN\nx\n-----END\n"), "-----BEGIN\nx\n-----END")
	w.want(t, "ref+file://"+write("e", `{"p":"x"}`)+"?key=p", "x")
	w.want(t, "ref+file://"+write("f", "\n"), "!is empty")
	w.want(t, "ref+file://"+write("g", strings.Repeat("x", 64<<10)+"\n"), strings.Repeat("x", 64<<10))
	w.want(t, "ref+file://"+write("h", strings.Repeat("x", 70<<10)), "!more than 64 KB")
	w.want(t, "ref+file://"+filepath.Join(dir, "none"), "!no such file")
	w.want(t, "ref+file://"+dir, "!not a regular file")
	w.want(t, "ref+file://a", "!three slashes")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.want(t, "ref+file://"+filepath.Join(dir, "pipe"), "!not a regular file")
	w.want(t, "ref+systemd://a", "!LoadCredential")
	w.env["CREDENTIALS_DIRECTORY"] = dir
	w.want(t, "ref+systemd://a", "hunter2")
	w.want(t, "ref+systemd://none", "!no such file")
	for _, name := range []string{"..", "../a", "a/b", ".", "..%2fa"} {
		w.want(t, "ref+systemd://"+name, "!not the name")
	}
}

func TestExec(t *testing.T) {
	w, dir := world(t), t.TempDir()
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"+`case "$1" in
print) shift; printf '%s\n' "$*" ;;
fail) echo hunter2; echo hunter2 >&2; exit 3 ;;
flood) yes hunter2 ;;
hang) exec sleep 60 ;;
esac`), 0o700); err != nil {
		t.Fatal(err)
	}
	w.want(t, "ref+exec://"+script+"?arg=print&arg=a%20b&arg=%24HOME%3B", "a b $HOME;")
	w.want(t, "ref+exec://echo?arg=x", "x")
	w.want(t, "ref+exec://"+script+"?arg=print&arg=%7B%22a%22:%22x%22%7D&key=a", "x")
	w.want(t, "ref+exec://"+script+"?arg=fail", "!exit status 3")
	w.want(t, "ref+exec://"+script, "!is empty")
	w.want(t, "ref+exec://"+filepath.Join(dir, "none"), "!no such file")
	w.want(t, "ref+exec://no-such-program-here", "!not found")
	w.want(t, "ref+exec://./script", "!absolute path")
	start := time.Now()
	w.want(t, "ref+exec://"+script+"?arg=flood", "!more than 64 KB")
	w.o.Timeout = 100 * time.Millisecond
	w.want(t, "ref+exec://"+script+"?arg=hang", "!too long")
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
	_, err := secret.Resolve(t.Context(), "ref+exec://"+script+"?arg=fail&arg=another-secret", w.o)
	if err == nil || strings.Contains(err.Error(), "another-secret") {
		t.Errorf("the arguments are shown: %v", err)
	}
}

// TestCache asks for one secret once, and a new resolver asks again.
func TestCache(t *testing.T) {
	w, dir := world(t), t.TempDir()
	log := filepath.Join(dir, "log")
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho x >>"+log+"\n"+`echo '{"a":"1","b":"2"}'`), 0o700); err != nil {
		t.Fatal(err)
	}
	count := func() int { data, _ := os.ReadFile(log); return strings.Count(string(data), "x") }
	r := secret.New(w.o)
	for key, want := range map[string]string{"a": "1", "b": "2"} {
		for range 2 {
			if v, err := r.Resolve(t.Context(), "ref+exec://"+script+"?key="+key); err != nil || v != want {
				t.Errorf("%q, %v", v, err)
			}
		}
	}
	if n := count(); n != 1 {
		t.Errorf("the program ran %d times", n)
	}
	w.want(t, "ref+exec://"+script+"?key=a", "1")
	if n := count(); n != 2 {
		t.Errorf("the program ran %d times", n)
	}
}

func TestCancelled(t *testing.T) {
	w := world(t)
	w.mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(503) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := secret.Resolve(ctx, "ref+gcpsecrets://my-project/x", w.o); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("%v", err)
	}
}

// FuzzResolve holds errors to one line and to showing nothing of the value, whatever is
// written.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{"ref+env://A", "ref+env://A?key=a.b", `{{ kv "https://name.vault.azure.net/secrets/x" }}`, "ref+vault://a/b?field=c",
		"ref+azurekeyvault://v/n/0", "ref+gcpsecrets://p/n", "ref+systemd://..", "ref+awssecrets://arn:aws:x", "ref+env://%00"} {
		f.Add(s, `{"a":{"b":"hunter2"}}`)
	}
	f.Fuzz(func(t *testing.T, ref, value string) {
		if strings.HasPrefix(ref, "ref+exec") || strings.HasPrefix(ref, "ref+file") || strings.HasPrefix(ref, "ref+aws") {
			t.Skip("no programs, files or services of fuzzers")
		}
		o := secret.Options{Backoff: 1, Client: &http.Client{Transport: nobody{}}, Env: func(k string) (string, bool) { return value, k == "A" }}
		v, err := secret.Resolve(t.Context(), ref, o)
		if (v == "") == (err == nil) {
			t.Fatalf("%q, %v", v, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\r\x00\x1b") {
			t.Fatalf("%q", err)
		}
		if err == nil && !secret.IsRef(ref) {
			t.Fatalf("%q was resolved, and is no reference", ref)
		}
	})
}

type nobody struct{}

func (nobody) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 404, Body: http.NoBody, Header: http.Header{}}, nil
}
