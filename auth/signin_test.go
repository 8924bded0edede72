package auth_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/store"
)

// TestSignIn: whatever does not fit, the answer is the same, and the trail knows which it was.
func TestSignIn(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	admin, _ := h.admin()
	bob, _ := h.user(admin, "bob@example.com", yagura.Binding{Role: yagura.RoleViewer})
	off := true
	if _, err := h.ChangeUser(ctx, admin, bob.User.ID, auth.UserChange{Version: bob.User.Version, Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.AddUser(ctx, admin, auth.NewUser{Name: "new@example.com"}); err != nil {
		t.Fatal(err)
	}
	h.o.Providers = []auth.Provider{{Name: "entra", Roles: []auth.Mapping{{Group: "*", Binding: yagura.Binding{Role: yagura.RoleViewer}}}}}
	h.again()
	if err := h.SignInExternal(ctx, httptest.NewRecorder(), newBrowser("198.51.100.3").request(), auth.Assertion{Via: "entra", Subject: "1", Name: "sso@example.com"}); err != nil {
		t.Fatal(err)
	}
	var first error
	for i, c := range []struct{ name, password string }{
		{"mary@example.com", "wrong"}, {"mary@example.com", ""}, {"nobody@example.com", password}, {"", ""}, {"bob@example.com", password},
		{"new@example.com", ""}, {"sso@example.com", ""}, {"sso@example.com", password}, {strings.Repeat("x", 100_000), password}, {"mary@example.com\x00", password},
		{"mary@example.com", password + strings.Repeat("x", 100_000)},
	} {
		_, err := h.signIn(newBrowser(fmt.Sprintf("198.51.100.%d", 100+i)), c.name, c.password, "")
		want(t, c.name, err, "unauthenticated")
		if first == nil {
			first = err
		} else if err != nil && err.Error() != first.Error() {
			t.Errorf("%.20s: %v, and %v before", c.name, err, first)
		}
	}
	if n := h.lines("sign_in", "refused"); n != 11 {
		t.Errorf("%d lines", n)
	}
	for _, a := range h.trail() {
		if a.What == "sign_in" && a.Outcome == "refused" && (a.Who != "" || a.From == "" || strings.Contains(a.Detail, "nobody@example.com") || strings.Contains(a.Detail, password)) {
			t.Errorf("%+v", a)
		}
	}
	if id, err := h.signIn(newBrowser("198.51.100.1"), " MARY@example.com ", password, ""); err != nil || id.Who != "user:mary@example.com" {
		t.Error(err)
	}
}

// TestRehash: a hash that was cheaper than what is asked now is made anew at the next sign-in,
// and a sign-in still works.
func TestRehash(t *testing.T) {
	h := open(t, nil)
	admin, _ := h.admin()
	read := func() (body string) {
		if err := h.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			b, err := tx.UserSecrets(ctx, admin.User.ID)
			body = string(b)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return body
	}
	if b := read(); !strings.Contains(b, "$argon2id$v=19$m=64,t=1,p=1$") || strings.Contains(b, password) {
		t.Fatal(b)
	}
	h.o.Cost = auth.Cost{Memory: 128, Time: 2, Threads: 1}
	h.again()
	for range 2 {
		if _, err := h.signIn(newBrowser("198.51.100.1"), "mary@example.com", password, ""); err != nil {
			t.Fatal(err)
		}
		if b := read(); !strings.Contains(b, "$argon2id$v=19$m=128,t=2,p=1$") {
			t.Fatal(b)
		}
	}
}

// TestComposed: a password is the same whichever way a keyboard composes it.
func TestComposed(t *testing.T) {
	h := open(t, nil)
	key, _ := h.SetUpKey(t.Context())
	if _, err := h.SetUp(t.Context(), httptest.NewRecorder(), newBrowser("198.51.100.1").request(), key, "mary", "", "café au petit-déjeuner"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.signIn(newBrowser("198.51.100.1"), "mary", "cafe\u0301 au petit-de\u0301jeuner", ""); err != nil {
		t.Error(err)
	}
}

// TestWaits: tries are slowed down by name and address, for accounts that there are as for
// others; the owner's browser and a restart are free, and no wait is for good.
func TestWaits(t *testing.T) {
	h := open(t, nil)
	_, owner := h.admin()
	// The owner signs in once more: the browser is remembered from then on.
	if _, err := h.signIn(owner, "mary@example.com", password, ""); err != nil {
		t.Fatal(err)
	}
	var waits [2][]string
	for i, name := range []string{"mary@example.com", "nobody@example.com"} {
		b := newBrowser(fmt.Sprintf("198.51.100.%d", 50+i))
		for range 9 {
			_, err := h.signIn(b, name, "wrong wrong wrong", "")
			waits[i] = append(waits[i], problem(t, err))
			if r := refusal(err); r.RetryAfter > 0 {
				h.pass(r.RetryAfter)
			}
		}
	}
	if !slices.Equal(waits[0], waits[1]) || !slices.Contains(waits[0], "rate_limited") {
		t.Errorf("%v\n%v", waits[0], waits[1])
	}
	// Many addresses at one name: strangers wait, and never for longer than a minute.
	var longest time.Duration
	for i := range 200 {
		_, err := h.signIn(newBrowser(fmt.Sprintf("203.0.%d.%d", i/200, i%200)), "mary@example.com", "wrong wrong wrong", "")
		longest = max(longest, refusal(err).RetryAfter)
	}
	if longest == 0 || longest > time.Minute {
		t.Errorf("strangers wait %s", longest)
	}
	_, err := h.signIn(newBrowser("192.0.2.77"), "mary@example.com", password, "")
	want(t, "a new browser amid an attack", err, "rate_limited")
	if _, err := h.signIn(owner, "mary@example.com", password, ""); err != nil {
		t.Errorf("the owner is locked out: %v", err)
	}
	h.pass(time.Minute + time.Second)
	if _, err := h.signIn(newBrowser("192.0.2.77"), "mary@example.com", password, ""); err != nil {
		t.Errorf("after a minute: %v", err)
	}
	// A browser that was remembered waits too when it guesses.
	got := ""
	for range 7 {
		_, err := h.signIn(owner, "mary@example.com", "wrong wrong wrong", "")
		got = problem(t, err)
	}
	if got != "rate_limited" {
		t.Errorf("a known browser guesses freely: %s", got)
	}
	// One address at many names.
	limited := 0
	for i := range 40 {
		_, err := h.signIn(newBrowser("192.0.2.5"), fmt.Sprintf("u%d@example.com", i), "wrong wrong wrong", "")
		if problem(t, err) == "rate_limited" {
			limited++
		}
	}
	if limited < 15 {
		t.Errorf("one address tried %d names", 40-limited)
	}
	h.again()
	if _, err := h.signIn(newBrowser("192.0.2.5"), "mary@example.com", password, ""); err != nil {
		t.Error(err)
	}
}

// TestManyAtOnce: tries at once are counted before they are answered.
func TestManyAtOnce(t *testing.T) {
	h := open(t, nil)
	h.admin()
	out := make(chan string, 60)
	for range cap(out) {
		go func() {
			_, err := h.SignIn(t.Context(), httptest.NewRecorder(), newBrowser("198.51.100.50").request(), "mary@example.com", "wrong wrong wrong", "")
			out <- refusal(err).Code
		}()
	}
	tried := 0
	for range cap(out) {
		if <-out == "unauthenticated" {
			tried++
		}
	}
	if tried > 5 {
		t.Errorf("%d guesses were looked at", tried)
	}
}

func refusal(err error) *auth.Refusal {
	if r, ok := err.(*auth.Refusal); ok {
		return r
	}
	return &auth.Refusal{}
}

// code is what an authenticator app shows, written from RFC 6238 alone.
func code(secret string, at time.Time) string {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		panic(err)
	}
	m := hmac.New(sha1.New, key)
	_ = binary.Write(m, binary.BigEndian, at.Unix()/30)
	s := m.Sum(nil)
	o := s[19] & 15
	return fmt.Sprintf("%06d", (uint32(s[o]&0x7f)<<24|uint32(s[o+1])<<16|uint32(s[o+2])<<8|uint32(s[o+3]))%1_000_000)
}

// TestSecondFactor: codes of the app one step to either side, each once; recovery codes, each
// once; what the second factor ends and who may remove it.
func TestSecondFactor(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	admin, b := h.admin()
	other, err := h.signIn(newBrowser("198.51.100.1"), "mary@example.com", password, "")
	if err != nil {
		t.Fatal(err)
	}
	secret, uri, err := h.StartTOTP(ctx, admin)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(uri); err != nil || u.Scheme != "otpauth" || u.Query().Get("secret") != secret || u.Path != "/Yagura:mary@example.com" {
		t.Error(uri, err)
	}
	// It is not asked for before it is confirmed.
	if _, err := h.signIn(newBrowser("198.51.100.1"), "mary@example.com", password, ""); err != nil {
		t.Error(err)
	}
	_, err = h.ConfirmTOTP(ctx, admin, "000000")
	want(t, "a wrong first code", err, "unprocessable")
	recovery, err := h.ConfirmTOTP(ctx, admin, code(secret, h.clock()))
	if err != nil || len(recovery) != 10 || len(recovery[0]) != 19 {
		t.Fatal(recovery, err)
	}
	if _, err := h.Identify(b.request()); err != nil {
		t.Errorf("one's own session: %v", err)
	}
	if all, _ := h.Sessions(ctx, other.User.ID); len(all) != 1 {
		t.Errorf("%d sessions are left", len(all))
	}
	in := func(c string) error {
		_, err := h.signIn(newBrowser("198.51.100.1"), "mary@example.com", password, c)
		return err
	}
	want(t, "without", in(""), "second_factor")
	want(t, "wrong", in("123456"), "code")
	want(t, "that of the set-up", in(code(secret, h.clock())), "code")
	want(t, "one step behind", in(code(secret, h.clock().Add(-30*time.Second))), "")
	want(t, "once more", in(code(secret, h.clock().Add(-30*time.Second))), "code")
	want(t, "one step ahead", in(code(secret, h.clock().Add(30*time.Second))), "")
	want(t, "two steps ahead", in(code(secret, h.clock().Add(60*time.Second))), "code")
	want(t, "two steps behind", in(code(secret, h.clock().Add(-60*time.Second))), "code")
	h.pass(time.Hour)
	want(t, "recovery", in(" "+strings.ToUpper(recovery[3])), "")
	want(t, "recovery again", in(recovery[3]), "code")
	want(t, "another one", in(strings.ReplaceAll(recovery[4], "-", "")), "")
	want(t, "wrong password", func() error {
		_, err := h.signIn(newBrowser("198.51.100.1"), "mary@example.com", "wrong wrong wrong", code(secret, h.clock()))
		return err
	}(), "unauthenticated")
	// It goes with the password alone.
	h.pass(time.Hour)
	want(t, "removal, wrong password", h.RemoveTOTP(ctx, b.request(), admin, "wrong wrong wrong"), "unprocessable")
	_, _, err = h.StartTOTP(ctx, admin)
	want(t, "a second one", err, "conflict")
	want(t, "removal", h.RemoveTOTP(ctx, b.request(), admin, password), "")
	want(t, "without again", in(""), "")
	for _, what := range []string{"user.totp_on", "user.totp_off", "user.recovery_code"} {
		if h.lines(what, "done") == 0 {
			t.Errorf("no line %s", what)
		}
	}
}

// TestGuessCodes: who knows the password does not get to guess codes for long, from however
// many addresses.
func TestGuessCodes(t *testing.T) {
	h := open(t, nil)
	admin, _ := h.admin()
	secret, _, err := h.StartTOTP(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ConfirmTOTP(t.Context(), admin, code(secret, h.clock())); err != nil {
		t.Fatal(err)
	}
	looked := 0
	for i := range 24 * 60 {
		_, err := h.signIn(newBrowser(fmt.Sprintf("203.0.%d.%d", i/200, i%200)), "mary@example.com", password, "000000")
		if refusal(err).Code == "second_factor" {
			looked++
		}
		h.pass(time.Minute)
	}
	if looked > 50 {
		t.Errorf("%d codes were looked at in a day", looked)
	}
}

// TestPasswords: what a new password may be.
func TestPasswords(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	admin, b := h.admin()
	other := newBrowser("198.51.100.9")
	if _, err := h.signIn(other, "mary@example.com", password, ""); err != nil {
		t.Fatal(err)
	}
	old := password
	for pw, ok := range map[string]bool{
		"correct horse battery staple": true, "漏洩した権限を調べる毎朝の仕事": true, "xK9#mQ2$vL7!": true, "aaaaaaaaaaaa": false, "password1234": false, "Passw0rd2026!": false,
		"mary@example.com": false, "mary.example.2026": false, "123456789012": false, "qwertyuiop12": false, "short": false, "éléphants": false, "elevenchars": false,
		"tab\tin the middle": false, strings.Repeat("long enough ", 90): false, "yaguraadmin!": false, "abababababab": false,
	} {
		err := h.ChangePassword(ctx, b.request(), admin, old, pw)
		if (err == nil) != ok {
			t.Errorf("%q: %v", pw, err)
		}
		if err == nil {
			old = pw
		} else {
			want(t, pw, err, "unprocessable")
		}
	}
	_, err := h.Identify(other.request())
	want(t, "another session", err, "nobody")
	if _, err := h.Identify(b.request()); err != nil {
		t.Errorf("one's own session: %v", err)
	}
	want(t, "the same", h.ChangePassword(ctx, b.request(), admin, old, old), "unprocessable")
	want(t, "the old one is wrong", h.ChangePassword(ctx, b.request(), admin, password, "correct horse battery stable"), "unprocessable")
	got := ""
	for range 8 {
		got = problem(t, h.ChangePassword(ctx, b.request(), admin, "wrong wrong wrong", "correct horse battery stable"))
	}
	if got != "rate_limited" {
		t.Errorf("a session guesses its password freely: %s", got)
	}
}

// TestRefusedLines: strangers cannot fill the audit trail, and what is left out is counted.
func TestRefusedLines(t *testing.T) {
	h := open(t, nil)
	h.admin()
	for i := range 500 {
		_, _ = h.signIn(newBrowser(fmt.Sprintf("203.0.113.%d", i%250)), fmt.Sprintf("u%d@example.com", i), "wrong wrong wrong", "")
	}
	if n := h.lines("sign_in", "refused"); n == 0 || n > 60 {
		t.Errorf("%d lines", n)
	}
	h.pass(2 * time.Minute)
	_, _ = h.signIn(newBrowser("192.0.2.1"), "x@example.com", "wrong wrong wrong", "")
	last := h.trail()
	if d := last[len(last)-1].Detail; !strings.Contains(d, "lines before it were left out") {
		t.Error(d)
	}
}

// TestLocalOff: where local sign-in is switched off nobody comes in by it, also with a session
// that was made before.
func TestLocalOff(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	admin, b := h.admin()
	_, invite, err := h.AddUser(ctx, admin, auth.NewUser{Name: "bob@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	h.o.Local = false
	h.o.Providers = []auth.Provider{{Name: "entra"}}
	h.again()
	_, err = h.Identify(b.request())
	want(t, "an old session", err, "nobody")
	_, err = h.signIn(newBrowser("198.51.100.1"), "mary@example.com", password, "")
	want(t, "sign-in", err, "local_off")
	_, err = h.SetUp(ctx, httptest.NewRecorder(), newBrowser("198.51.100.1").request(), invite, "", "", password)
	want(t, "invitation", err, "local_off")
	if key, err := h.SetUpKey(ctx); key != "" || err != nil {
		t.Error(key, err)
	}
	if o, err := h.Offer(ctx, b.request()); err != nil || o.Local || o.SetUp || len(o.Providers) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	_, _, err = h.AddUser(ctx, admin, auth.NewUser{Name: "eve@example.com"})
	want(t, "a local user", err, "local_off")
}

// TestCodeOnce: a code that arrives many times at once lets in once, on either store.
func TestCodeOnce(t *testing.T) { both(t, nil, codeOnce) }

func codeOnce(t *testing.T, h *house) {
	admin, _ := h.admin()
	secret, _, err := h.StartTOTP(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ConfirmTOTP(t.Context(), admin, code(secret, h.clock())); err != nil {
		t.Fatal(err)
	}
	c := code(secret, h.clock().Add(30*time.Second))
	got := make(chan bool, 6)
	for i := range cap(got) {
		go func() {
			_, err := h.SignIn(t.Context(), httptest.NewRecorder(), newBrowser(fmt.Sprintf("198.51.100.%d", i)).request(), "mary@example.com", password, c)
			got <- err == nil
		}()
	}
	in := 0
	for range cap(got) {
		if <-got {
			in++
		}
	}
	if in != 1 {
		t.Errorf("let in %d times", in)
	}
}
