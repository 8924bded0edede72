package auth_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/store"
)

func bind(r yagura.Role, accounts ...string) yagura.Binding {
	return yagura.Binding{Role: r, Scope: yagura.Scope{Accounts: accounts}}
}

func ptr[T any](v T) *T { return &v }

// TestUsers: who may change whom, and how.
func TestUsers(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	admin, _ := h.admin()
	second, _ := h.user(admin, "second@example.com", bind(yagura.RoleAdmin))
	half, hb := h.user(admin, "half@example.com", bind(yagura.RoleAdmin, "111122223333"))
	responder, _ := h.user(admin, "responder@example.com", bind(yagura.RoleResponder))
	read := func(id string) (u *yagura.User) {
		if err := h.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			u, err = tx.User(ctx, id, yagura.LockNone)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return u
	}
	change := func(by *auth.Identity, id string, c auth.UserChange) error {
		c.Version = read(id).Version
		_, err := h.ChangeUser(ctx, by, id, c)
		return err
	}
	me, other, victim := admin.User.ID, second.User.ID, responder.User.ID
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"by a responder":          {change(responder, victim, auth.UserChange{Display: ptr("x")}), "forbidden"},
		"by an admin of a part":   {change(half, victim, auth.UserChange{Display: ptr("x")}), "forbidden"},
		"by nobody":               {change(nil, victim, auth.UserChange{Display: ptr("x")}), "forbidden"},
		"one's own rights":        {change(responder, victim, auth.UserChange{Bindings: &[]yagura.Binding{bind(yagura.RoleAdmin)}}), "forbidden"},
		"disable oneself":         {change(admin, me, auth.UserChange{Disabled: ptr(true)}), "own"},
		"remove oneself":          {h.RemoveUser(ctx, admin, me), "own"},
		"no role":                 {change(admin, victim, auth.UserChange{Bindings: &[]yagura.Binding{bind("root")}}), "unprocessable"},
		"a scope with nothing":    {change(admin, victim, auth.UserChange{Bindings: &[]yagura.Binding{bind(yagura.RoleViewer, "")}}), "unprocessable"},
		"too many":                {change(admin, victim, auth.UserChange{Bindings: ptr(slices.Repeat([]yagura.Binding{bind(yagura.RoleViewer)}, 101))}), "unprocessable"},
		"a name that is taken":    {change(admin, victim, auth.UserChange{Name: ptr("Second@example.com")}), "name_taken"},
		"no name":                 {change(admin, victim, auth.UserChange{Name: ptr("<script>")}), "unprocessable"},
		"control characters":      {change(admin, victim, auth.UserChange{Display: ptr("a\x1b[31m")}), "unprocessable"},
		"pin a local user":        {change(admin, victim, auth.UserChange{Pinned: ptr(true)}), "unprocessable"},
		"nobody there":            {h.RemoveUser(ctx, admin, "x"), "not_found"},
		"removed by a responder":  {h.RemoveUser(ctx, responder, other), "forbidden"},
		"invited by a responder":  {func() error { _, err := h.Invite(ctx, responder, other); return err }(), "forbidden"},
		"a good change":           {change(admin, victim, auth.UserChange{Display: ptr("R."), Name: ptr("r@example.com"), Bindings: &[]yagura.Binding{bind(yagura.RoleViewer, "1")}}), ""},
		"added by a responder":    {func() error { _, _, err := h.AddUser(ctx, responder, auth.NewUser{Name: "n"}); return err }(), "forbidden"},
		"added under a used name": {func() error { _, _, err := h.AddUser(ctx, admin, auth.NewUser{Name: "SECOND@example.com"}); return err }(), "name_taken"},
		"stale": {func() error {
			_, err := h.ChangeUser(ctx, admin, victim, auth.UserChange{Version: 77, Display: ptr("x")})
			return err
		}(), "stale"},
	} {
		want(t, name, c.err, c.want)
	}
	if u := read(victim); u.Name != "r@example.com" || u.Display != "R." || u.Bindings[0].Role != yagura.RoleViewer {
		t.Errorf("%+v", u)
	}
	// What is changed holds with the next request.
	if id, err := h.Identify(hb.request()); err != nil || len(id.Permissions()) != 6 {
		t.Fatalf("%+v, %v", id, err)
	}
	want(t, "fewer rights", change(admin, half.User.ID, auth.UserChange{Bindings: &[]yagura.Binding{bind(yagura.RoleViewer)}}), "")
	if id, err := h.Identify(hb.request()); err != nil || len(id.Permissions()) != 1 {
		t.Errorf("%+v, %v", id, err)
	}
	want(t, "disable", change(admin, half.User.ID, auth.UserChange{Disabled: ptr(true)}), "")
	_, err := h.Identify(hb.request())
	want(t, "disabled", err, "nobody")
	want(t, "enable", change(admin, half.User.ID, auth.UserChange{Disabled: ptr(false)}), "")
	_, err = h.Identify(hb.request())
	want(t, "enabled again, the old session", err, "nobody")
	// Also when somebody else than the gate disables: a session that is left is of no use.
	left, lb := h.user(admin, "left@example.com", bind(yagura.RoleViewer))
	if err := h.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := tx.User(ctx, left.User.ID, yagura.LockChange)
		if err != nil {
			return err
		}
		u.Disabled = true
		u.Version++
		return tx.PutUser(ctx, u)
	}); err != nil {
		t.Fatal(err)
	}
	_, err = h.Identify(lb.request())
	want(t, "disabled beside the gate", err, "nobody")
	// The last admin stays, whoever asks.
	cli := &auth.Identity{Who: "cli:root", Bindings: []yagura.Binding{{Role: yagura.RoleAdmin}}}
	want(t, "one of two admins", h.RemoveUser(ctx, second, me), "")
	want(t, "the last admin, removed", h.RemoveUser(ctx, cli, other), "last_admin")
	want(t, "the last admin, disabled", change(cli, other, auth.UserChange{Disabled: ptr(true)}), "last_admin")
	want(t, "the last admin, with less", change(cli, other, auth.UserChange{Bindings: &[]yagura.Binding{bind(yagura.RoleAdmin, "1")}}), "last_admin")
	if h.lines("user.remove", "done") != 1 || h.lines("user.change", "done") != 4 {
		t.Errorf("%+v", h.trail())
	}
}

// TestLastAdmins: of two admins who remove each other at once, one stays.
func TestLastAdmins(t *testing.T) { both(t, nil, lastAdmins) }

func lastAdmins(t *testing.T, h *house) {
	a, _ := h.admin()
	b, _ := h.user(a, "b@example.com", bind(yagura.RoleAdmin))
	var wg sync.WaitGroup
	gone := make(chan bool, 2)
	for _, p := range [][2]*auth.Identity{{a, b}, {b, a}} {
		wg.Go(func() { gone <- h.RemoveUser(t.Context(), p[0], p[1].User.ID) == nil })
	}
	wg.Wait()
	if one, two := <-gone, <-gone; one == two {
		t.Errorf("removed: %v, %v", one, two)
	}
}

// TestInvite: a link sets a password once, within its time; what was proven before ends.
func TestInvite(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	admin, _ := h.admin()
	bob, bb := h.user(admin, "bob@example.com", bind(yagura.RoleAnalyst))
	secret, _, err := h.StartTOTP(ctx, bob)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ConfirmTOTP(ctx, bob, code(secret, h.clock())); err != nil {
		t.Fatal(err)
	}
	set := func(key, pw string) error {
		_, err := h.SetUp(ctx, httptest.NewRecorder(), newBrowser("198.51.100.7").request(), key, "eve@example.com", "Eve", pw)
		return err
	}
	old, err := h.Invite(ctx, admin, bob.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	key, err := h.Invite(ctx, admin, bob.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Identify(bb.request()); err != nil {
		t.Errorf("a link alone ends something: %v", err)
	}
	const fresh = "another harbour at dawn"
	want(t, "the link before", set(old, fresh), "key")
	want(t, "of another user", set(admin.User.ID+key[26:], fresh), "key")
	want(t, "short", set(key, "short"), "unprocessable")
	want(t, "good", set(key, fresh), "")
	want(t, "again", set(key, fresh), "key")
	_, err = h.Identify(bb.request())
	want(t, "the old session", err, "nobody")
	_, err = h.signIn(newBrowser("198.51.100.2"), "bob@example.com", password, "")
	want(t, "the old password", err, "unauthenticated")
	if id, err := h.signIn(newBrowser("198.51.100.2"), "bob@example.com", fresh, ""); err != nil || id.User.TOTP || id.User.Name != "bob@example.com" || id.Can(yagura.PermitManage) {
		t.Errorf("%+v, %v", id, err)
	}
	if key, err = h.Invite(ctx, admin, bob.User.ID); err != nil {
		t.Fatal(err)
	}
	h.pass(73 * time.Hour)
	want(t, "too old", set(key, fresh), "key")
}

// TestExternal: who an identity provider vouches for, what the groups give, and what they
// cannot.
func TestExternal(t *testing.T) {
	roles := []auth.Mapping{
		{Group: "admins", Binding: bind(yagura.RoleAdmin)},
		{Group: "security", Binding: bind(yagura.RoleResponder)},
		{Group: "shop", Binding: bind(yagura.RoleViewer, "111122223333")},
		{Email: "*@example.com", Binding: yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Formats: []string{"aws.cloudtrail"}}}},
	}
	h := open(t, func(o *auth.Options) {
		o.Providers = []auth.Provider{{Name: "entra", Kind: "oidc", Roles: roles}, {Name: "okta", Kind: "saml", Roles: roles}}
	})
	ctx := t.Context()
	admin, _ := h.admin()
	n := 0
	in := func(a auth.Assertion) (*auth.Identity, *browser, error) {
		n++
		if a.ID == "" {
			a.ID = "id-" + string(rune('A'+n))
		}
		a.Until = h.clock().Add(5 * time.Minute)
		b, w := newBrowser("198.51.100.4"), httptest.NewRecorder()
		if err := h.SignInExternal(ctx, w, b.request(), a); err != nil {
			if len(w.Result().Cookies()) > 0 {
				t.Errorf("%+v is refused and has a cookie", a)
			}
			return nil, b, err
		}
		b.take(w)
		id, err := h.Identify(b.request())
		return id, b, err
	}
	bob := auth.Assertion{Via: "entra", Subject: "s-bob", Name: "bob@example.com", Email: "bob@example.com", Display: "Bob\x1b", Groups: []string{"shop", "shop", "x"}, Method: "mfa"}
	id, _, err := in(bob)
	if err != nil || id.Who != "user:bob@example.com" || id.User.Display != "Bob" || len(id.Bindings) != 1 || id.Bindings[0].Scope.Accounts[0] != "111122223333" || len(id.User.Groups) != 2 {
		t.Fatalf("%+v, %v", id, err)
	}
	for name, c := range map[string]struct {
		change func(a *auth.Assertion)
		want   string
	}{
		"no group with a role":     {func(a *auth.Assertion) { a.Subject, a.Name, a.Groups = "s2", "x@example.com", nil }, "no_role"},
		"a group in other letters": {func(a *auth.Assertion) { a.Subject, a.Name, a.Groups = "s2", "x@example.com", []string{"Admins"} }, "no_role"},
		"an address that is not proven": {func(a *auth.Assertion) {
			a.Subject, a.Name, a.Email, a.Groups = "s2", "x@example.com", "x@example.com", nil
		}, "no_role"},
		"a domain behind another": {func(a *auth.Assertion) {
			a.Subject, a.Name, a.Email, a.EmailVerified, a.Groups = "s2", "x@example.com", "x@example.com.evil.example", true, nil
		}, "no_role"},
		"a sub-domain": {func(a *auth.Assertion) {
			a.Subject, a.Name, a.Email, a.EmailVerified, a.Groups = "s2", "x@example.com", "x@evil.example.com", true, nil
		}, "no_role"},
		"an address in an address": {func(a *auth.Assertion) {
			a.Subject, a.Name, a.Email, a.EmailVerified, a.Groups = "s2", "x@example.com", "x@example.com@evil.example", true, nil
		}, "no_role"},
		"a provider that there is not":  {func(a *auth.Assertion) { a.Via = "x" }, "not_configured"},
		"the word of local users":       {func(a *auth.Assertion) { a.Via = "local" }, "not_configured"},
		"no subject":                    {func(a *auth.Assertion) { a.Subject = "" }, "identity_refused"},
		"no name":                       {func(a *auth.Assertion) { a.Name = "" }, "identity_refused"},
		"a name that is none":           {func(a *auth.Assertion) { a.Name = "a b<script>" }, "identity_refused"},
		"the name of a local user":      {func(a *auth.Assertion) { a.Subject, a.Name = "s3", "mary@example.com" }, "name_taken"},
		"the name of another's":         {func(a *auth.Assertion) { a.Via, a.Subject = "okta", "s4" }, "name_taken"},
		"the subject at another":        {func(a *auth.Assertion) { a.Via = "okta" }, "name_taken"},
		"another subject of one's name": {func(a *auth.Assertion) { a.Subject = "s5" }, "name_taken"},
		"an assertion that was used":    {func(a *auth.Assertion) { a.ID = "id-B" }, "flow_used"},
		"a verified address of a domain": {func(a *auth.Assertion) {
			a.Subject, a.Name, a.Email, a.EmailVerified, a.Groups = "s6", "y@example.com", "Y@EXAMPLE.com", true, nil
		}, ""},
	} {
		a := bob
		c.change(&a)
		_, _, err := in(a)
		want(t, name, err, c.want)
	}
	// The groups of now give the roles of now: of as many as there may be, the last too.
	for i := range auth.MostGroups - len(bob.Groups) - 3 {
		bob.Groups = append(bob.Groups, "a group of many "+strconv.Itoa(i))
	}
	bob.Groups = append(bob.Groups, "security", "shop", "admins")
	id, _, err = in(bob)
	if err != nil || !id.Can(yagura.PermitManage) || len(id.Bindings) != 1 {
		t.Fatalf("%+v, %v", id, err)
	}
	// Of more, or of such as cannot be kept whole, none is left out: nobody is let in.
	for name, more := range map[string]string{"one group too many": "one more", "an empty group": "", "a group that is too long": strings.Repeat("x", auth.MostAsserted+1)} {
		many := bob
		if many.Groups = append(slices.Clone(bob.Groups), more); name != "one group too many" {
			many.Groups = many.Groups[1:]
		}
		_, _, err := in(many)
		want(t, name, err, "identity_refused")
	}
	version := id.User.Version
	_, err = h.ChangeUser(ctx, admin, id.User.ID, auth.UserChange{Version: version, Bindings: &[]yagura.Binding{bind(yagura.RoleViewer)}})
	want(t, "roles of a user that is not pinned", err, "unprocessable")
	u, err := h.ChangeUser(ctx, admin, id.User.ID, auth.UserChange{Version: version, Pinned: ptr(true), Bindings: &[]yagura.Binding{bind(yagura.RoleViewer)}})
	if err != nil {
		t.Fatal(err)
	}
	if id, _, err = in(bob); err != nil || id.Can(yagura.PermitWork) {
		t.Errorf("pinned: %+v, %v", id, err)
	}
	if u, err = h.ChangeUser(ctx, admin, u.ID, auth.UserChange{Version: id.User.Version, Pinned: ptr(false)}); err != nil {
		t.Fatal(err)
	}
	// In no group any more: refused, and what is open ends.
	id, open, err := in(bob)
	if err != nil {
		t.Fatal(err)
	}
	none := bob
	none.Groups = nil
	_, _, err = in(none)
	want(t, "in no group any more", err, "no_role")
	_, err = h.Identify(open.request())
	want(t, "the session of before", err, "nobody")
	id, open, err = in(bob)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = h.ChangeUser(ctx, admin, u.ID, auth.UserChange{Version: id.User.Version, Disabled: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	_, _, err = in(bob)
	want(t, "disabled", err, "disabled")
	_, err = h.Identify(open.request())
	want(t, "the session of a disabled user", err, "nobody")
	// A provider that is taken out of the configuration vouches for nobody any more.
	id, open, err = in(auth.Assertion{Via: "okta", Subject: "s9", Name: "z", Groups: []string{"shop"}})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "an external user's password", h.ChangePassword(ctx, open.request(), id, "", password), "external")
	_, _, err = h.StartTOTP(ctx, id)
	want(t, "an external user's second factor", err, "external")
	h.o.Providers = h.o.Providers[:1]
	h.again()
	_, err = h.Identify(open.request())
	want(t, "the provider is gone", err, "nobody")
	for _, a := range h.trail() {
		if strings.ContainsAny(a.Detail, "\x1b\x00") {
			t.Errorf("%+v", a)
		}
	}
}

// TestAssertionOnce: an assertion that arrives many times at once lets in once.
func TestAssertionOnce(t *testing.T) {
	both(t, func(o *auth.Options) {
		o.Providers = []auth.Provider{{Name: "entra", Roles: []auth.Mapping{{Group: "*", Binding: bind(yagura.RoleViewer)}}}}
	}, assertionOnce)
}

func assertionOnce(t *testing.T, h *house) {
	got := make(chan bool, 8)
	var wg sync.WaitGroup
	for range cap(got) {
		wg.Go(func() {
			got <- h.SignInExternal(t.Context(), httptest.NewRecorder(), newBrowser("198.51.100.4").request(),
				auth.Assertion{Via: "entra", Subject: "s", Name: "bob", ID: "one", Until: h.clock().Add(time.Minute)}) == nil
		})
	}
	wg.Wait()
	close(got)
	in := 0
	for ok := range got {
		if ok {
			in++
		}
	}
	if in != 1 {
		t.Errorf("let in %d times", in)
	}
}
