package auth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// books is the store as the gate asks for it, on SQLite.
type books struct{ db *store.DB }

func (b books) View(ctx context.Context, fn func(context.Context, auth.Tx) error) error {
	return b.db.View(ctx, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, page{tx}) })
}

func (b books) Update(ctx context.Context, fn func(context.Context, auth.Tx) error) error {
	return b.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, page{tx}) })
}

type page struct{ *store.Tx }

func (p page) State(ctx context.Context, name string, lock yagura.Lock) (value []byte, err error) {
	if lock == yagura.LockNone {
		value, _, err = p.Tx.State(ctx, name)
	} else {
		value, _, err = p.Tx.HoldState(ctx, name)
	}
	return value, err
}

// house is a gate with its store and clock.
type house struct {
	*auth.Gate
	t   *testing.T
	db  *store.DB
	o   auth.Options
	mu  sync.Mutex
	now time.Time
}

const password = "a quiet harbour at dusk"

// cheap keeps the tests quick; the cost of the service is another.
var cheap = auth.Cost{Memory: 64, Time: 1, Threads: 1}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// both runs a test on SQLite and on PostgreSQL: what two do at once, each decides in its own way.
func both(t *testing.T, change func(*auth.Options), run func(t *testing.T, h *house)) {
	t.Run("sqlite", func(t *testing.T) { run(t, open(t, change)) })
	t.Run("postgres", func(t *testing.T) { run(t, openOn(t, store.Options{URL: storetest.Postgres(t)}, change)) })
}

func open(t *testing.T, change func(*auth.Options)) *house {
	t.Helper()
	return openOn(t, store.Options{Dir: t.TempDir(), AcceptLoss: true}, change)
}

func openOn(t *testing.T, where store.Options, change func(*auth.Options)) *house {
	t.Helper()
	h := &house{t: t, now: time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)}
	where.Now = h.clock
	db, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h.db = db
	h.o = auth.Options{Store: books{db}, Public: &url.URL{Scheme: "https", Host: "yagura.example.com"}, Local: true, Now: h.clock, Cost: cheap}
	if change != nil {
		change(&h.o)
	}
	h.again()
	return h
}

// again is a restart: what is in memory is gone.
func (h *house) again() {
	h.t.Helper()
	g, err := auth.New(h.o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.Gate = g
}

// browser keeps cookies, as a browser does on https.
type browser struct {
	addr    string
	cookies map[string]*http.Cookie
}

func newBrowser(addr string) *browser {
	return &browser{addr: addr, cookies: map[string]*http.Cookie{}}
}

func (b *browser) request() *http.Request {
	r := httptest.NewRequest("POST", "https://yagura.example.com/api/v1/x", nil)
	r.RemoteAddr = b.addr + ":4711"
	r.Header.Set("User-Agent", "Mozilla/5.0 <script>")
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	return r
}

func (b *browser) take(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
}

func (h *house) signIn(b *browser, name, password, code string) (*auth.Identity, error) {
	w := httptest.NewRecorder()
	id, err := h.SignIn(h.t.Context(), w, b.request(), name, password, code)
	b.take(w)
	return id, err
}

// admin sets the house up, and returns the first admin in a browser.
func (h *house) admin() (*auth.Identity, *browser) {
	h.t.Helper()
	key, err := h.SetUpKey(h.t.Context())
	if err != nil || key == "" {
		h.t.Fatal(key, err)
	}
	b, w := newBrowser("198.51.100.1"), httptest.NewRecorder()
	id, err := h.SetUp(h.t.Context(), w, b.request(), key, "Mary@Example.com", "Mary", password)
	if err != nil {
		h.t.Fatal(err)
	}
	b.take(w)
	return id, b
}

// user makes a user with a password.
func (h *house) user(by *auth.Identity, name string, bindings ...yagura.Binding) (*auth.Identity, *browser) {
	h.t.Helper()
	_, key, err := h.AddUser(h.t.Context(), by, auth.NewUser{Name: name, Bindings: bindings})
	if err != nil {
		h.t.Fatal(err)
	}
	b, w := newBrowser("198.51.100.2"), httptest.NewRecorder()
	id, err := h.SetUp(h.t.Context(), w, b.request(), key, "", "", password)
	if err != nil {
		h.t.Fatal(err)
	}
	b.take(w)
	return id, b
}

// trail returns the audit trail as "what outcome who".
func (h *house) trail() []yagura.Audit {
	h.t.Helper()
	var out []yagura.Audit
	err := h.db.View(h.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = tx.AuditTrail(ctx, 0, 1000)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h *house) lines(what, outcome string) (n int) {
	for _, a := range h.trail() {
		if a.What == what && a.Outcome == outcome {
			n++
		}
	}
	return n
}

// problem is the finest word of a refusal, "" for none.
func problem(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	if errors.Is(err, auth.ErrNobody) {
		return "nobody"
	}
	var r *auth.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("not a refusal: %v", err)
	}
	if r.Detail == "" || r.Ja == "" {
		t.Errorf("%+v says nothing in one of the languages", r)
	}
	return r.Problem()
}

func want(t *testing.T, what string, err error, word string) {
	t.Helper()
	if got := problem(t, err); got != word {
		t.Errorf("%s: %q (%v), want %q", what, got, err, word)
	}
}

// TestSetUp: the first admin is made with the key, once, within a day, and by nobody else.
func TestSetUp(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	set := func(key, name, pw string) error {
		_, err := h.SetUp(ctx, httptest.NewRecorder(), newBrowser("198.51.100.9").request(), key, name, "", pw)
		return err
	}
	if o, err := h.Offer(ctx, newBrowser("198.51.100.9").request()); err != nil || !o.SetUp || !o.Local {
		t.Errorf("%+v, %v", o, err)
	}
	old, _ := h.SetUpKey(ctx)
	h.pass(25 * time.Hour)
	want(t, "old key", set(old, "a@example.com", password), "key")
	key, err := h.SetUpKey(ctx)
	if err != nil || key == old || len(key) < 40 {
		t.Fatal(key, err)
	}
	second, _ := h.SetUpKey(ctx) // of another replica
	h.again()
	want(t, "no key", set("", "a@example.com", password), "key")
	want(t, "wrong key", set(strings.Repeat("A", len(key)), "a@example.com", password), "key")
	want(t, "short password", set(key, "a@example.com", "short"), "unprocessable")
	want(t, "no name", set(key, "a b", password), "unprocessable")
	want(t, "good key", set(key, " A@Example.com ", password), "")
	want(t, "key again", set(key, "b@example.com", password), "key")
	want(t, "the other key", set(second, "b@example.com", password), "key")
	if again, err := h.SetUpKey(ctx); again != "" || err != nil {
		t.Errorf("a key though there is a user: %q, %v", again, err)
	}
	if o, _ := h.Offer(ctx, newBrowser("198.51.100.9").request()); o.SetUp {
		t.Error("still offers the set-up")
	}
	if id, err := h.signIn(newBrowser("198.51.100.9"), "a@example.com", password, ""); err != nil || !id.Can(yagura.PermitManage) {
		t.Error(id, err)
	}
	if h.lines("setup", "refused") != 5 || h.lines("setup", "done") != 1 {
		t.Errorf("%+v", h.trail())
	}
}

// TestSetUpAtOnce: of many who hold keys at once, one becomes the admin.
func TestSetUpAtOnce(t *testing.T) { both(t, nil, setUpAtOnce) }

func setUpAtOnce(t *testing.T, h *house) {
	key, err := h.SetUpKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	made := make(chan string, 8)
	for i := range cap(made) {
		wg.Go(func() {
			name := string(rune('a'+i)) + "@example.com"
			if _, err := h.SetUp(t.Context(), httptest.NewRecorder(), newBrowser("198.51.100."+string(rune('1'+i))).request(), key, name, "", password); err == nil {
				made <- name
			}
		})
	}
	wg.Wait()
	if len(made) != 1 {
		t.Errorf("%d admins", len(made))
	}
}

// TestSession: a session lasts as long as it may, belongs to one browser, and sees what was
// changed at once.
func TestSession(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	admin, b := h.admin()
	c := b.cookies["__Host-yagura"]
	if c == nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || len(c.Value) != 43 {
		t.Fatalf("%+v", c)
	}
	id, err := h.Identify(b.request())
	if err != nil || id.Who != "user:mary@example.com" || id.CSRF == "" || id.CSRF == c.Value || id.From != "198.51.100.1" || !id.Can(yagura.PermitManage) {
		t.Fatalf("%+v, %v", id, err)
	}
	// The store has no secret.
	var found bool
	if err := h.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := tx.SessionBySecret(ctx, store.Secret([]byte(c.Value)[:32]))
		found = s != nil
		return err
	}); err != nil || found {
		t.Error(found, err)
	}
	for name, change := range map[string]func(r *http.Request){
		"no cookie":     func(r *http.Request) { r.Header.Del("Cookie") },
		"other cookie":  func(r *http.Request) { r.Header.Set("Cookie", "__Host-yagura="+strings.Repeat("A", 43)) },
		"plain name":    func(r *http.Request) { r.Header.Set("Cookie", "yagura="+c.Value) },
		"two cookies":   func(r *http.Request) { r.Header.Set("Cookie", "__Host-yagura="+c.Value+"; __Host-yagura=x") },
		"basic":         func(r *http.Request) { r.SetBasicAuth("mary@example.com", password) },
		"two headers":   func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer x", "Bearer y"} },
		"plain http":    func(r *http.Request) { r.TLS = nil; r.Host = "localhost"; r.RemoteAddr = "127.0.0.1:1" },
		"secret as sum": func(r *http.Request) { r.Header.Set("Cookie", "__Host-yagura="+admin.Session.ID) },
	} {
		r := b.request()
		change(r)
		_, err := h.Identify(r)
		want(t, name, err, "nobody")
	}
	// A sign-in gives the browser a new secret, and ends the old session.
	if _, err := h.signIn(b, "mary@example.com", password, ""); err != nil {
		t.Fatal(err)
	}
	if b.cookies["__Host-yagura"].Value == c.Value {
		t.Error("the secret is the old one")
	}
	stale := newBrowser("198.51.100.1")
	stale.cookies["x"] = c
	_, err = h.Identify(stale.request())
	want(t, "old session", err, "nobody")
	// What somebody planted in the browser never becomes the session of who signs in there, and
	// a session that was planted ends.
	_, eve := h.user(admin, "eve@example.com", yagura.Binding{Role: yagura.RoleViewer})
	for name, value := range map[string]string{"a session": eve.cookies["__Host-yagura"].Value, "a value": strings.Repeat("A", 43)} {
		planted := newBrowser("198.51.100.9")
		planted.cookies["__Host-yagura"] = &http.Cookie{Name: "__Host-yagura", Value: value}
		if _, err := h.signIn(planted, "mary@example.com", password, ""); err != nil {
			t.Fatal(err)
		}
		if planted.cookies["__Host-yagura"].Value == value {
			t.Errorf("%s that was planted is the session's secret", name)
		}
		kept := newBrowser("198.51.100.66")
		kept.cookies["__Host-yagura"] = &http.Cookie{Name: "__Host-yagura", Value: value}
		_, err = h.Identify(kept.request())
		want(t, name+" that was planted", err, "nobody")
	}
	// It lives while it is used, up to its age.
	for range 16 {
		h.pass(10 * time.Hour)
		if _, err := h.Identify(b.request()); err != nil {
			t.Fatal(err)
		}
	}
	h.pass(9 * time.Hour)
	_, err = h.Identify(b.request())
	want(t, "age", err, "nobody")
	if _, err := h.signIn(b, "mary@example.com", password, ""); err != nil {
		t.Fatal(err)
	}
	h.pass(12*time.Hour + time.Second)
	_, err = h.Identify(b.request())
	want(t, "idle", err, "nobody")
	// Sign-out ends it, also for who kept the cookie.
	id, err = h.signIn(b, "mary@example.com", password, "")
	if err != nil {
		t.Fatal(err)
	}
	kept := newBrowser("198.51.100.1")
	kept.cookies["x"] = b.cookies["__Host-yagura"]
	w := httptest.NewRecorder()
	if err := h.SignOut(ctx, w, b.request(), id); err != nil {
		t.Fatal(err)
	}
	b.take(w)
	if b.cookies["__Host-yagura"] != nil {
		t.Error("the cookie is still there")
	}
	_, err = h.Identify(kept.request())
	want(t, "signed out", err, "nobody")
	if err := h.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if all, err := h.Sessions(ctx, admin.User.ID); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestRevoke: sessions end one by one, all of a user, all; by whom they may be ended.
func TestRevoke(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	admin, ab := h.admin()
	bob, bb := h.user(admin, "bob@example.com", yagura.Binding{Role: yagura.RoleAnalyst})
	eve, eb := h.user(admin, "eve@example.com", yagura.Binding{Role: yagura.RoleAnalyst})
	want(t, "another's", h.EndSession(ctx, eve, bob.Session.ID), "not_found")
	_, err := h.EndSessions(ctx, eve, bob.User.ID)
	want(t, "all of another", err, "forbidden")
	_, err = h.EndSessions(ctx, eve, "")
	want(t, "all", err, "forbidden")
	want(t, "one's own", h.EndSession(ctx, eve, eve.Session.ID), "")
	_, err = h.Identify(eb.request())
	want(t, "ended", err, "nobody")
	if _, err = h.Identify(bb.request()); err != nil {
		t.Error(err)
	}
	n, err := h.EndSessions(ctx, admin, bob.User.ID)
	if n != 1 || err != nil {
		t.Error(n, err)
	}
	_, err = h.Identify(bb.request())
	want(t, "ended by the admin", err, "nobody")
	if n, err := h.EndSessions(ctx, admin, ""); n != 1 || err != nil {
		t.Error(n, err)
	}
	_, err = h.Identify(ab.request())
	want(t, "all ended", err, "nobody")
}

// TestPlainHTTP: over plain http nobody signs in, but from this machine to this machine.
func TestPlainHTTP(t *testing.T) {
	h := open(t, func(o *auth.Options) { o.Gateways = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")} })
	h.admin()
	for name, c := range map[string]struct {
		remote, host, proto string
		tls                 bool
		want, cookie        string
	}{
		"tls":              {"198.51.100.1:1", "yagura.example.com", "", true, "", "__Host-yagura"},
		"plain":            {"198.51.100.1:1", "yagura.example.com", "", false, "insecure", ""},
		"a stranger's say": {"198.51.100.1:1", "yagura.example.com", "https", false, "insecure", ""},
		"gateway":          {"10.1.0.7:1", "yagura.example.com", "https", false, "", "__Host-yagura"},
		"gateway, plain":   {"10.1.0.7:1", "yagura.example.com", "http", false, "insecure", ""},
		"one hop plain":    {"10.1.0.7:1", "yagura.example.com", "https, http", false, "insecure", ""},
		"gateway, silent":  {"10.1.0.7:1", "yagura.example.com", "", false, "insecure", ""},
		"this machine":     {"127.0.0.1:1", "localhost:8080", "", false, "", "yagura"},
		"this machine, 6":  {"[::1]:1", "[::1]:8080", "", false, "", "yagura"},
		"rebound name":     {"127.0.0.1:1", "evil.example.com", "", false, "insecure", ""},
	} {
		r := newBrowser("").request()
		r.RemoteAddr, r.Host, r.TLS = c.remote, c.host, nil
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		w := httptest.NewRecorder()
		_, err := h.SignIn(t.Context(), w, r, "mary@example.com", password, "")
		want(t, name, err, c.want)
		got := ""
		for _, k := range w.Result().Cookies() {
			if strings.HasSuffix(k.Name, "yagura") {
				got = k.Name
				if k.Secure != strings.HasPrefix(k.Name, "__Host-") {
					t.Errorf("%s: %+v", name, k)
				}
			}
		}
		if got != c.cookie {
			t.Errorf("%s: cookie %q, want %q", name, got, c.cookie)
		}
	}
}
