//go:build !noui

package web

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func ask(t *testing.T, method, target string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const html = "text/html,application/xhtml+xml,*/*;q=0.8"

func TestPagesGetTheDocument(t *testing.T) {
	for _, path := range []string{"/", "/issues", "/issues/01J8", "/entities/ip/203.0.113.7", "/sign-in?next=/x", "/documents/runbooks/a.md"} {
		res := ask(t, "GET", path, "Accept", html)
		if got := body(t, res); res.StatusCode != 200 || !strings.Contains(got, `<div id="root">`) || strings.Contains(got, "__NONCE__") {
			t.Errorf("%s: %d %s", path, res.StatusCode, got)
		}
	}
}

func TestWhatIsNoPageIsMissing(t *testing.T) {
	for _, c := range []struct{ path, accept, dest string }{
		{"/assets/gone.js", html, ""}, {"/api/v1/gone", html, ""}, {"/auth/oidc/x", html, ""},
		{"/issues.json", "application/json", ""}, {"/logo.png", "image/avif,*/*", "image"}, {"/x.js", "*/*", "script"},
	} {
		res := ask(t, "GET", c.path, "Accept", c.accept, "Sec-Fetch-Dest", c.dest)
		if res.StatusCode != 404 {
			t.Errorf("%s: %d", c.path, res.StatusCode)
		}
	}
	if res := ask(t, "POST", "/nowhere"); res.StatusCode != 404 {
		t.Errorf("POST of a program: %d", res.StatusCode)
	}
	if res := ask(t, "POST", "/issues", "Accept", html); res.StatusCode != 405 {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

// A nonce that is used twice is none.
func TestPolicyOfTheDocument(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		res := ask(t, "GET", "/", "Accept", html)
		policy := res.Header.Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`style-src 'self' 'nonce-([\w-]{24})'`).FindStringSubmatch(policy)
		if nonce == nil || seen[nonce[1]] || !strings.Contains(body(t, res), `content="`+nonce[1]+`"`) {
			t.Fatalf("nonce of %q", policy)
		}
		seen[nonce[1]] = true
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%q is not in %q", want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
		if res.Header.Get("ETag") != "" || res.Header.Get("X-Frame-Options") != "DENY" || res.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("headers %v", res.Header)
		}
	}
}

// The document names scripts by address only: an inline one would not run, and the page with it.
func TestDocumentHasNoInlineScriptOrStyle(t *testing.T) {
	page := body(t, ask(t, "GET", "/", "Accept", html))
	for _, tag := range regexp.MustCompile(`(?s)<script[^>]*>(.*?)</script>`).FindAllStringSubmatch(page, -1) {
		if strings.TrimSpace(tag[1]) != "" {
			t.Errorf("inline script %q", tag[0])
		}
	}
	if regexp.MustCompile(`(?i)<style|\son\w+=|\sstyle=`).MatchString(page) {
		t.Errorf("inline style or handler in %s", page)
	}
}

func TestFilesHaveETagAndCompression(t *testing.T) {
	target := "/assets/index.js?v=" + Build()
	plain := ask(t, "GET", target)
	want := body(t, plain)
	etag := plain.Header.Get("ETag")
	if plain.StatusCode != 200 || etag == "" || plain.Header.Get("Cache-Control") != "no-cache" || !strings.HasPrefix(plain.Header.Get("Content-Type"), "text/javascript") {
		t.Fatalf("%d %v", plain.StatusCode, plain.Header)
	}
	packed := ask(t, "GET", target, "Accept-Encoding", "br, gzip;q=0.8")
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || string(got) != want {
		t.Fatalf("unpacked: %d bytes, want %d, %v", len(got), len(want), err)
	}
	if packed.Header.Get("ETag") == etag {
		t.Error("two forms have one ETag")
	}
	if n := packed.Header.Get("Content-Length"); n == fmt.Sprint(len(want)) {
		t.Error("the length is that of the plain form")
	}
	for _, refuse := range []string{"gzip;q=0", "identity", "", "gzip; q=0.0"} {
		if res := ask(t, "GET", target, "Accept-Encoding", refuse); res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%q got %s", refuse, res.Header.Get("Content-Encoding"))
		}
	}
	if res := ask(t, "GET", target, "If-None-Match", `"x", W/`+etag); res.StatusCode != 304 || body(t, res) != "" {
		t.Errorf("If-None-Match: %d", res.StatusCode)
	}
	if res := ask(t, "HEAD", target); res.StatusCode != 200 || body(t, res) != "" {
		t.Errorf("HEAD: %d", res.StatusCode)
	}
}

// A page of an older build must not get chunks of this one.
func TestAnotherBuildIsMissing(t *testing.T) {
	if len(Build()) != 12 {
		t.Fatalf("build %q", Build())
	}
	res := ask(t, "GET", "/assets/index.js?v=000000000000")
	if res.StatusCode != 404 || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

// Every address that a chunk has of another carries the build: one without it would be a
// second copy of the same module.
func TestEveryAddressCarriesTheBuild(t *testing.T) {
	bare := regexp.MustCompile("[\"'`(](?:\\./|/?assets/)[\\w.-]+\\.(?:js|css)[\"'`)]")
	n := 0
	for name, f := range load().files {
		if !strings.HasSuffix(name, ".js") && !strings.HasSuffix(name, ".css") {
			continue
		}
		for _, m := range bare.FindAllString(string(f.body), -1) {
			t.Errorf("%s: %s", name, m)
		}
		n += strings.Count(string(f.body), "?v="+Build())
	}
	if n == 0 {
		t.Error("no address carries the build")
	}
}

func TestDev(t *testing.T) {
	vite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "vite ", r.URL.Path, " ", r.Host != "")
	}))
	defer vite.Close()
	h, err := Dev(vite.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/src/main.tsx", nil))
	if got := w.Body.String(); got != "vite /src/main.tsx true" {
		t.Errorf("got %q", got)
	}
	if p := w.Header().Get("Content-Security-Policy"); !strings.Contains(p, "frame-ancestors 'none'") || !strings.Contains(p, "ws:") {
		t.Errorf("policy %q", p)
	}
	for _, bad := range []string{"", "5173", "ftp://x", "http://"} {
		if _, err := Dev(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	vite.Close()
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 502 || !strings.Contains(w.Body.String(), "npm run dev") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
