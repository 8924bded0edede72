package flow_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/auth/flow"
)

type ids struct {
	mu    sync.Mutex
	taken map[string]bool
}

func (o *ids) TakeOnce(_ context.Context, kind, id string, _ time.Time) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.taken[kind+id] {
		return false, nil
	}
	if o.taken == nil {
		o.taken = map[string]bool{}
	}
	o.taken[kind+id] = true
	return true, nil
}

type door struct {
	in      []auth.Assertion
	refused []string
	err     error
}

func (d *door) SignInExternal(_ context.Context, _ http.ResponseWriter, _ *http.Request, a auth.Assertion) error {
	if d.err == nil {
		d.in = append(d.in, a)
	}
	return d.err
}

func (d *door) RefusedExternal(_ *http.Request, via, code, detail string) {
	d.refused = append(d.refused, via+" "+code+" "+detail)
}

type problem string

func (p problem) Error() string   { return "no: " + string(p) }
func (p problem) Problem() string { return string(p) }

type bench struct {
	now  time.Time
	ids  ids
	door door
}

func (b *bench) flow(t *testing.T, kind, name, public string, crossSite bool) *flow.Flow {
	t.Helper()
	u, err := url.Parse(public)
	if err != nil {
		t.Fatal(err)
	}
	f, err := flow.New(kind, name, crossSite, flow.Options{Public: u, Key: []byte(strings.Repeat("k", 32)), Once: &b.ids, Door: &b.door, Now: func() time.Time { return b.now }})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// begin begins a sign-in with the cookies of a browser, and returns those it has then.
func begin(t *testing.T, f *flow.Flow, had []*http.Cookie, p flow.Pending) []*http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := f.Begin(w, request(had), p); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()
}

func request(cookies []*http.Cookie) *http.Request {
	r := httptest.NewRequest("GET", "/auth/oidc/a/callback", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func TestPendingBelongsToOneBrowserAndOneProviderOnce(t *testing.T) {
	b := &bench{now: time.Unix(1_800_000_000, 0)}
	f := b.flow(t, "oidc", "a", "https://yagura.example.com", false)
	cookies := begin(t, f, nil, flow.Pending{ID: "s1", Nonce: "n", Verifier: "v", Return: "/issues?q=x"})
	refused := func(name string, f *flow.Flow, cookies []*http.Cookie, id, code string) {
		t.Helper()
		_, err := f.Resume(httptest.NewRecorder(), request(cookies), id)
		var r *flow.Refusal
		if !errors.As(err, &r) || r.Code != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
	}
	refused("no cookie", f, nil, "s1", flow.FlowLost)
	refused("another id", f, cookies, "s2", flow.FlowLost)
	refused("no id", f, cookies, "", flow.FlowLost)
	other := b.flow(t, "oidc", "b", "https://yagura.example.com", false)
	moved := *cookies[0]
	moved.Name = "__Host-yagura-oidc-b"
	refused("the cookie of another provider", other, []*http.Cookie{&moved}, "s1", flow.FlowLost)
	broken := *cookies[0]
	broken.Value = "A" + broken.Value[1:]
	if broken.Value == cookies[0].Value {
		broken.Value = "B" + broken.Value[1:]
	}
	refused("a cookie that was changed", f, []*http.Cookie{&broken}, "s1", flow.FlowLost)
	plain := *cookies[0]
	plain.Value = "W3siaSI6InMxIiwidSI6OTk5OTk5OTk5OX1d"
	refused("a cookie that nobody sealed", f, []*http.Cookie{&plain}, "s1", flow.FlowLost)

	b.now = b.now.Add(flow.Within - time.Second)
	p, err := f.Resume(httptest.NewRecorder(), request(cookies), "s1")
	if err != nil || p.Nonce != "n" || p.Verifier != "v" || p.Return != "/issues?q=x" {
		t.Fatalf("%+v %v", p, err)
	}
	refused("a second time, with the same cookie", f, cookies, "s1", flow.FlowUsed)

	cookies = begin(t, f, nil, flow.Pending{ID: "s3"})
	b.now = b.now.Add(flow.Within)
	refused("too late", f, cookies, "s3", flow.FlowLost)
}

func TestTabsDoNotDisturbEachOtherAndTheCookieIsBounded(t *testing.T) {
	b := &bench{now: time.Unix(1_800_000_000, 0)}
	f := b.flow(t, "oidc", "a", "https://yagura.example.com", false)
	var cookies []*http.Cookie
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		cookies = begin(t, f, cookies, flow.Pending{ID: id, Return: "/" + strings.Repeat("x", 1000)})
	}
	if n := len(cookies[0].Value); n > 7<<10 {
		t.Errorf("the cookie has %d bytes", n)
	}
	if _, err := f.Resume(httptest.NewRecorder(), request(cookies), "1"); err == nil {
		t.Error("the oldest of five is still there")
	}
	for _, id := range []string{"3", "2", "5", "4"} {
		w := httptest.NewRecorder()
		if _, err := f.Resume(w, request(cookies), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		cookies = w.Result().Cookies()
	}
	if len(cookies) != 1 || cookies[0].MaxAge != -1 {
		t.Errorf("after the last one the cookie stays: %+v", cookies)
	}
}

func TestCookieAttributes(t *testing.T) {
	b := &bench{now: time.Unix(1_800_000_000, 0)}
	for _, c := range []struct {
		public    string
		crossSite bool
		want      string
	}{
		{"https://yagura.example.com", false, "__Host-yagura-oidc-a=V; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"},
		{"https://yagura.example.com", true, "__Host-yagura-oidc-a=V; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None"},
		{"http://localhost:8080", false, "yagura-oidc-a=V; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"},
		{"http://127.0.0.1:8080", true, "yagura-oidc-a=V; Path=/; Max-Age=600; HttpOnly"},
	} {
		f := b.flow(t, "oidc", "a", c.public, c.crossSite)
		w := httptest.NewRecorder()
		if err := f.Begin(w, request(nil), flow.Pending{ID: "s"}); err != nil {
			t.Fatal(err)
		}
		got := w.Header().Get("Set-Cookie")
		name, rest, _ := strings.Cut(got, "=")
		_, attributes, _ := strings.Cut(rest, ";")
		if got = name + "=V;" + attributes; got != c.want {
			t.Errorf("%s: %s, want %s", c.public, got, c.want)
		}
	}
}

func TestReturnPath(t *testing.T) {
	for in, want := range map[string]string{
		"/issues?q=severity:high&sort=-seen": "/issues?q=severity:high&sort=-seen",
		"/entities/ip/192.0.2.1":             "/entities/ip/192.0.2.1",
		"/issues#x":                          "/issues",
		"/":                                  "/",
		"":                                   "/",
		"issues":                             "/",
		"https://evil.example":               "/",
		"//evil.example":                     "/",
		"///evil.example":                    "/",
		`/\evil.example`:                     "/",
		`\\evil.example`:                     "/",
		"/\t/evil.example":                   "/",
		"/\n/evil.example":                   "/",
		"/%5cevil.example":                   "/",
		"/%2f/evil.example":                  "/",
		"/%2fevil.example":                   "/",
		"javascript:alert(1)":                "/",
		"/auth/oidc/a/start":                 "/",
		"/api/v1/sign-out":                   "/",
		"/sign-in?problem=x":                 "/",
		"/setup":                             "/",
		"/%zz":                               "/",
		"/" + strings.Repeat("a", 2000):      "/",
	} {
		if got := flow.ReturnPath(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestAdmitAndRefuse(t *testing.T) {
	b := &bench{now: time.Unix(1_800_000_000, 0)}
	f := b.flow(t, "saml", "a", "https://yagura.example.com", true)
	w := httptest.NewRecorder()
	f.Admit(w, request(nil), auth.Assertion{Subject: "s"}, "//evil.example")
	if w.Code != 303 || w.Header().Get("Location") != "/" || len(b.door.in) != 1 {
		t.Errorf("%d %q", w.Code, w.Header().Get("Location"))
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{problem("no_role"), "/sign-in?problem=no_role&provider=a&request=r1"},
		{errors.New("disk full"), "/sign-in?problem=internal&provider=a&request=r1"},
	} {
		b.door.err = c.err
		w = httptest.NewRecorder()
		w.Header().Set("X-Request-Id", "r1")
		f.Admit(w, request(nil), auth.Assertion{Subject: "s"}, "/issues")
		if got := w.Header().Get("Location"); w.Code != 303 || got != c.want {
			t.Errorf("%v: %d %q", c.err, w.Code, got)
		}
	}
	w = httptest.NewRecorder()
	f.Refuse(w, request(nil), flow.Refusef(flow.IdentityRefused, "bad \x1b[31m\r\nline %s", strings.Repeat("é", 600)))
	if got := w.Header().Get("Location"); !strings.HasPrefix(got, "/sign-in?problem=identity_refused&provider=a&request=") || strings.Contains(got, "bad") {
		t.Errorf("location %q", got)
	}
	last := b.door.refused[len(b.door.refused)-1]
	if strings.ContainsAny(last, "\x1b\r\n") || len(last) > 700 || !strings.HasPrefix(last, "a identity_refused bad ") {
		t.Errorf("audit trail: %q", last)
	}
}

func TestNewRefuses(t *testing.T) {
	good, _ := url.Parse("https://yagura.example.com")
	b := &bench{}
	for name, c := range map[string]struct {
		provider, public string
		key              int
	}{
		"name":           {"A b", good.String(), 32},
		"path in name":   {"a/b", good.String(), 32},
		"plain http":     {"a", "http://yagura.example.com", 32},
		"no host":        {"a", "/x", 32},
		"secret in URL":  {"a", "https://u:p@yagura.example.com", 32},
		"short key":      {"a", good.String(), 31},
		"another scheme": {"a", "ftp://yagura.example.com", 32},
	} {
		u, _ := url.Parse(c.public)
		if _, err := flow.New("oidc", c.provider, false, flow.Options{Public: u, Key: make([]byte, c.key), Once: &b.ids, Door: &b.door}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestFetchIsBounded(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/good", http.StatusFound) })
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2000000")
		_, _ = w.Write(make([]byte, 2_000_000))
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for range 40 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "secret words", 500) })
	s := httptest.NewServer(mux)
	defer s.Close()
	inside := flow.Client(flow.FetchOptions{Private: true})
	if body, err := flow.Fetch(t.Context(), inside, s.URL+"/good", "*/*"); err != nil || string(body) != "ok" {
		t.Fatalf("%q %v", body, err)
	}
	for path, want := range map[string]string{"/away": "sends elsewhere", "/big": "2000000 bytes", "/endless": "more than 1048576", "/error": "500"} {
		_, err := flow.Fetch(t.Context(), inside, s.URL+path, "*/*")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret words") {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	outside := flow.Client(flow.FetchOptions{})
	if _, err := flow.Fetch(t.Context(), outside, s.URL+"/good", "*/*"); err == nil || !strings.Contains(err.Error(), "not https") {
		t.Errorf("plain http without leave: %v", err)
	}
	// A name that resolves to an address inside is refused when it is dialled.
	tls := httptest.NewTLSServer(mux)
	defer tls.Close()
	if _, err := flow.Fetch(t.Context(), outside, strings.Replace(tls.URL, "127.0.0.1", "localhost", 1), "*/*"); err == nil || !strings.Contains(err.Error(), "address inside") {
		t.Errorf("localhost without leave: %v", err)
	}
}

func TestCheckURL(t *testing.T) {
	for in, c := range map[string]struct{ open, private bool }{
		"https://login.example.com/x":        {true, true},
		"https://[2001:db8::1]/":             {true, true},
		"http://login.example.com/x":         {false, false},
		"http://127.0.0.1:9/x":               {false, true},
		"https://127.0.0.1/":                 {false, true},
		"https://[::ffff:127.0.0.1]/":        {false, true},
		"https://10.1.2.3/":                  {false, true},
		"https://100.64.0.1/":                {false, true},
		"https://[fd12::1]/":                 {false, true},
		"https://[64:ff9b::a01:203]/":        {false, true},
		"https://169.254.169.254/latest":     {false, false},
		"https://[::ffff:169.254.169.254]/":  {false, false},
		"https://[64:ff9b::a9fe:a9fe]/":      {false, false},
		"https://[fe80::1]/":                 {false, false},
		"https://[fd00:ec2::254]/":           {false, false},
		"https://0.0.0.0/":                   {false, false},
		"https://224.0.0.1/":                 {false, false},
		"https://user:pw@login.example.com/": {false, false},
		"file:///etc/passwd":                 {false, false},
		"gopher://login.example.com/":        {false, false},
		"https:///x":                         {false, false},
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := flow.CheckURL(u, false) == nil; got != c.open {
			t.Errorf("%s: %v", in, got)
		}
		if got := flow.CheckURL(u, true) == nil; got != c.private {
			t.Errorf("%s with leave for inside: %v", in, got)
		}
	}
}
