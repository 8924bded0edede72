package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

var consoleCases = []testCase{
	{"console/users", testUsers},
	{"console/users-at-once", testUsersAtOnce},
	{"console/secrets", testSecrets},
	{"console/sessions", testSessions},
	{"console/tokens", testTokens},
	{"console/once", testOnce},
	{"console/views", testViews},
	{"console/audit", testAudit},
	{"console/audit-at-once", testAuditAtOnce},
}

func person(id, mail string) yagura.User {
	return yagura.User{ID: id, Name: mail, Display: "監査 太郎", Via: "local", Created: at(0), Version: 1,
		Bindings: []yagura.Binding{{Role: yagura.RoleAnalyst, Scope: yagura.Scope{Accounts: []string{"111122223333"}}}}}
}

func testUsers(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	mary, bob := person("u1", "mary@example.com"), person("u2", "bob@example.com")
	bob.Via, bob.Subject = "okta", "00u1"
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.PutUser(ctx, &bob), tx.PutUser(ctx, &mary))
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		// The transaction goes on behind a name that is taken.
		double := person("u3", "mary@example.com")
		if err := tx.PutUser(ctx, &double); !errors.Is(err, store.ErrUserTaken) {
			t.Errorf("a name twice: %v", err)
		}
		double = person("u3", "robert@example.com")
		double.Via, double.Subject = "okta", "00u1"
		if err := tx.PutUser(ctx, &double); !errors.Is(err, store.ErrUserTaken) {
			t.Errorf("a subject twice: %v", err)
		}
		double.Via = "entra"
		if err := tx.PutUser(ctx, &double); err != nil {
			t.Errorf("the same subject at another provider: %v", err)
		}
		return nil
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.UserByName(ctx, "mary@example.com", store.Change)
		if diff := cmp.Diff(&mary, got); diff != "" || err != nil {
			t.Errorf("by name: %v\n%s", err, diff)
			return err
		}
		if got, err := tx.UserBySubject(ctx, "okta", "00u1", store.NoLock); err != nil || got == nil || got.ID != "u2" {
			t.Errorf("by subject: %+v, %v", got, err)
		}
		if got, err := tx.UserBySubject(ctx, "local", "", store.NoLock); got != nil || err != nil {
			t.Errorf("by no subject: %+v, %v", got, err)
		}
		if previous, err := tx.MarkVisit(ctx, "u1", at(20)); err != nil || !previous.IsZero() {
			t.Errorf("first visit: %v, %v", previous, err)
		}
		if previous, err := tx.MarkVisit(ctx, "u1", at(30)); err != nil || !previous.Equal(at(20)) {
			t.Errorf("second visit: %v, %v", previous, err)
		}
		got.SignedIn = at(9)
		if err := tx.PutUser(ctx, got); err != nil {
			return err
		}
		got.Version, got.Disabled, got.Name = 2, true, "mary.b@example.com"
		return tx.PutUser(ctx, got)
	})
	for _, version := range []int64{1, 4} {
		err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			stale := mary
			stale.Version = version
			return tx.PutUser(ctx, &stale)
		})
		if !errors.Is(err, store.ErrMoved) {
			t.Errorf("version %d in place of 2: %v", version, err)
		}
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.User(ctx, "u1", store.Share)
		if err != nil || got == nil || got.Version != 2 || !got.Disabled || !got.SignedIn.Equal(at(9)) {
			t.Errorf("changed: %+v, %v", got, err)
		}
		list, err := tx.Users(ctx, store.Change)
		if err != nil || len(list) != 3 || list[0].ID != "u1" || list[2].ID != "u3" {
			t.Errorf("list: %+v, %v", list, err)
		}
		secret := sha256.Sum256([]byte("c"))
		s := session("s", "u1", 100)
		if err := errors.Join(tx.PutUserSecrets(ctx, "u1", []byte("x")), tx.AddSession(ctx, secret, &s),
			tx.PutView(ctx, &yagura.View{ID: "v1", List: "issues", Owner: "u1"}), tx.PutView(ctx, &yagura.View{ID: "v2", List: "issues", Owner: "u1", Shared: true}),
			tx.DropUser(ctx, "u1"), tx.DropUser(ctx, "u1")); err != nil {
			return err
		}
		gone, err := tx.User(ctx, "u1", store.NoLock)
		secrets, err2 := tx.UserSecrets(ctx, "u1")
		over, err3 := tx.SessionBySecret(ctx, secret)
		if err := errors.Join(err, err2, err3); err != nil || gone != nil || secrets != nil || over != nil {
			t.Errorf("of a user who is gone: %v, %v, %v, %v", gone, secrets, over, err)
		}
		views, err := tx.Views(ctx, "u1", "", 10)
		if err != nil || len(views) != 1 || views[0].ID != "v2" {
			t.Errorf("views of a user who is gone: %+v, %v", views, err)
		}
		return nil
	})
}

// testUsersAtOnce: of several who take one name at once one gets it, and the others are told.
func testUsersAtOnce(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			errs[i] = db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				u := person(fmt.Sprint("u", i), "mary@example.com")
				return tx.PutUser(ctx, &u)
			})
		})
	}
	wg.Wait()
	taken := 0
	for _, err := range errs {
		if errors.Is(err, store.ErrUserTaken) {
			taken++
		} else if err != nil {
			t.Error(err)
		}
	}
	if taken != len(errs)-1 {
		t.Errorf("%d of %d were told that the name is taken", taken, len(errs))
	}
}

func testSecrets(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	mary := person("u", "mary@example.com")
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if body, err := tx.UserSecrets(ctx, "u"); body != nil || err != nil {
			t.Errorf("before there are any: %q, %v", body, err)
		}
		return errors.Join(tx.PutUser(ctx, &mary), tx.PutUserSecrets(ctx, "u", nil), tx.PutUserSecrets(ctx, "u", []byte{0}))
	})
	// Whoever holds the user counts what is in its secrets once, however many do so at once.
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			update(t, db, func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.User(ctx, "u", store.Change); err != nil {
					return err
				}
				body, err := tx.UserSecrets(ctx, "u")
				if err != nil {
					return err
				}
				return tx.PutUserSecrets(ctx, "u", []byte{body[0] + 1})
			})
		})
	}
	wg.Wait()
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		body, err := tx.UserSecrets(ctx, "u")
		if len(body) != 1 || body[0] != 8 {
			t.Errorf("counted %d, want 8", body)
		}
		return err
	})
}

func session(id, user string, end int) yagura.Session {
	return yagura.Session{ID: id, UserID: user, Created: at(0), Seen: at(0), Expires: at(end), From: "192.0.2.1", Agent: "<script>\x00", Via: "local"}
}

func testSessions(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	secrets := map[string]store.Secret{}
	update(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		for _, s := range []yagura.Session{session("s1", "u", 100), session("s2", "u", 200), session("s3", "v", 200), session("s4", "v", 200)} {
			secrets[s.ID] = sha256.Sum256([]byte(s.ID))
			err = errors.Join(err, tx.AddSession(ctx, secrets[s.ID], &s))
		}
		return errors.Join(err, tx.SeeSession(ctx, "s1", at(60)), tx.SeeSession(ctx, "s1", at(30)), tx.SeeSession(ctx, "s2", at(9)))
	})
	ids := func(ctx context.Context, tx *store.Tx, user, want string) {
		t.Helper()
		list, err := tx.SessionsOf(ctx, user)
		var out []string
		for _, s := range list {
			out = append(out, s.ID)
		}
		if got := strings.Join(out, " "); got != want || err != nil {
			t.Errorf("sessions of %q: %s, want %s (%v)", user, got, want, err)
		}
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.SessionBySecret(ctx, secrets["s1"])
		want := session("s1", "u", 100)
		want.Seen = at(60)
		if diff := cmp.Diff(&want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		if got, err := tx.SessionBySecret(ctx, sha256.Sum256(nil)); got != nil || err != nil {
			t.Errorf("a secret that is none: %v, %v", got, err)
		}
		ids(ctx, tx, "u", "s2 s1")
		ids(ctx, tx, "", "s4 s3 s2 s1")
		if there, err := tx.EndSession(ctx, "s1", "v"); there || err != nil {
			t.Errorf("of another user: %v, %v", there, err)
		}
		if n, err := tx.SweepSessions(ctx, at(101), at(0)); n != 1 || err != nil {
			t.Errorf("swept what is over: %d, %v", n, err)
		}
		if n, err := tx.SweepSessions(ctx, at(101), at(9)); n != 2 || err != nil {
			t.Errorf("swept what is idle: %d, %v", n, err)
		}
		ids(ctx, tx, "", "s2")
		return nil
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		for i, s := range []yagura.Session{session("s5", "u", 100), session("s6", "v", 100), session("s7", "v", 100)} {
			if err := tx.AddSession(ctx, sha256.Sum256([]byte{byte(i)}), &s); err != nil {
				return err
			}
		}
		if there, err := tx.EndSession(ctx, "s2", "u"); !there || err != nil {
			t.Errorf("ended: %v, %v", there, err)
		}
		if there, err := tx.EndSession(ctx, "s2", ""); there || err != nil {
			t.Errorf("ended twice: %v, %v", there, err)
		}
		if got, err := tx.SessionBySecret(ctx, secrets["s2"]); got != nil || err != nil {
			t.Errorf("a session that was ended: %v, %v", got, err)
		}
		if n, err := tx.EndSessions(ctx, "v", "s7"); n != 1 || err != nil {
			t.Errorf("all but one ended: %d, %v", n, err)
		}
		ids(ctx, tx, "", "s7 s5")
		if n, err := tx.EndSessions(ctx, "", ""); n != 2 || err != nil {
			t.Errorf("everybody's ended: %d, %v", n, err)
		}
		return nil
	})
}

func testTokens(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	secret := sha256.Sum256([]byte("ygr_"))
	want := yagura.Token{ID: "t1", Name: "ci", Bindings: []yagura.Binding{{Role: yagura.RoleViewer}}, Certificate: "abc", Created: at(0), CreatedBy: "user:mary", Expires: at(50)}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.AddToken(ctx, secret, &want), tx.AddToken(ctx, sha256.Sum256(nil), &yagura.Token{ID: "t2", Name: "x", Expires: at(1)}))
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, sum, err := tx.Token(ctx, "t1", store.Change)
		if diff := cmp.Diff(&want, got); diff != "" || err != nil || sum != secret {
			t.Errorf("%x, %v\n%s", sum, err, diff)
		}
		if got, _, err := tx.Token(ctx, "none", store.NoLock); got != nil || err != nil {
			t.Errorf("a token that is not there: %v, %v", got, err)
		}
		want.Used, want.Revoked = at(9), at(10)
		if err := tx.PutToken(ctx, &yagura.Token{ID: "none"}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("replace a token that is not there: %v", err)
		}
		return tx.PutToken(ctx, &want)
	})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, sum, err := tx.Token(ctx, "t1", store.NoLock)
		if diff := cmp.Diff(&want, got); diff != "" || err != nil || sum != secret {
			t.Errorf("%x, %v\n%s", sum, err, diff)
		}
		list, err := tx.Tokens(ctx, "", 10)
		if len(list) != 2 || list[0].ID != "t1" || list[1].ID != "t2" {
			t.Errorf("list: %+v", list)
		}
		return err
	})
}

func testOnce(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	// Of several who bring one assertion at once, one is the first.
	var wg sync.WaitGroup
	firsts := make([]bool, 8)
	for i := range firsts {
		wg.Go(func() {
			update(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
				firsts[i], err = tx.TakeOnce(ctx, "saml", "_a\x00", at(60))
				return err
			})
		})
	}
	wg.Wait()
	if n := len(slices.DeleteFunc(firsts, func(b bool) bool { return !b })); n != 1 {
		t.Errorf("an assertion was taken %d times", n)
	}
	take := func(ctx context.Context, tx *store.Tx, kind string, want bool) {
		t.Helper()
		if first, err := tx.TakeOnce(ctx, kind, "_a\x00", at(60)); err != nil || first != want {
			t.Errorf("taken: %v, want %v (%v)", first, want, err)
		}
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		take(ctx, tx, "totp", true)
		if n, err := tx.SweepOnce(ctx, at(60)); n != 0 || err != nil {
			t.Errorf("swept: %d, %v", n, err)
		}
		take(ctx, tx, "saml", false)
		if n, err := tx.SweepOnce(ctx, at(61)); n != 2 || err != nil {
			t.Errorf("swept: %d, %v", n, err)
		}
		take(ctx, tx, "saml", true)
		return nil
	})
}

func testViews(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	want := yagura.View{ID: "v1", Name: "夜間", List: "issues", Query: `severity:>=high "漏洩"`, Owner: "u", Created: at(0), Updated: at(1)}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.PutView(ctx, &want), tx.PutView(ctx, &yagura.View{ID: "v2", List: "issues", Owner: "w", Shared: true}),
			tx.PutView(ctx, &yagura.View{ID: "v3", List: "issues", Owner: "w"}), tx.PutView(ctx, &yagura.View{ID: "v4", List: "findings", Owner: "u"}))
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		v, err := tx.SavedView(ctx, "v1", store.Change)
		if diff := cmp.Diff(&want, v); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		want.Shared = true
		return tx.PutView(ctx, &want)
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.SavedView(ctx, "v1", store.NoLock)
		if diff := cmp.Diff(&want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		for q, want := range map[[2]string]string{{"u", ""}: "v1 v2 v4", {"u", "issues"}: "v1 v2", {"w", "issues"}: "v1 v2 v3", {"x", "findings"}: ""} {
			list, err := tx.Views(ctx, q[0], q[1], 10)
			var ids []string
			for _, v := range list {
				ids = append(ids, v.ID)
			}
			if got := strings.Join(ids, " "); got != want || err != nil {
				t.Errorf("views of %s for %q: %s, want %s (%v)", q[0], q[1], got, want, err)
			}
		}
		for _, want := range []bool{true, false} {
			if there, err := tx.DeleteView(ctx, "v1"); there != want || err != nil {
				t.Errorf("deleted: %v, want %v (%v)", there, want, err)
			}
		}
		if v, err := tx.SavedView(ctx, "v1", store.NoLock); v != nil || err != nil {
			t.Errorf("a view that is gone: %v, %v", v, err)
		}
		return nil
	})
}

func line(what string) *yagura.Audit {
	return &yagura.Audit{Who: "user:mary", What: what, On: "issue/1", Outcome: "done", Detail: "<b>\x00\xff"}
}

func testAudit(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(3)})
	verify := func(want int64) {
		t.Helper()
		view(t, db, func(ctx context.Context, tx *store.Tx) error {
			if n, err := tx.VerifyAudit(ctx); n != want || err != nil {
				t.Errorf("verified %d lines, want %d: %v", n, want, err)
			}
			return nil
		})
	}
	verify(0)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.AddAudit(ctx, line("sign_in")), tx.AddAudit(ctx, line("issue.close")))
	})
	stop := errors.New("stop")
	err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.AddAudit(ctx, line("never")), stop)
	})
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.AddAudit(ctx, line("sign_out")) })
	verify(3)
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.AuditTrail(ctx, 1, 10)
		var want []yagura.Audit
		for i, what := range []string{"issue.close", "sign_out"} {
			a := line(what)
			a.Seq, a.At, a.Detail = int64(i+2), at(3), "<b>\x00\ufffd"
			want = append(want, *a)
		}
		if diff := cmp.Diff(want, list); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		return nil
	})
	err = db.View(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.AddAudit(ctx, line("read")) })
	if err == nil {
		t.Error("a line in a transaction that reads")
	}
}

// testAuditAtOnce: numbers are in the order of commits, without gaps, whoever writes.
func testAuditAtOnce(t *testing.T, open Open) {
	dbs := []*store.DB{open(t, store.Options{Replica: "a"}), open(t, store.Options{Replica: "b"})}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				_ = dbs[i%2].Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					if err := tx.AddAudit(ctx, line(fmt.Sprint(i, j))); err != nil || j%3 != 0 {
						return err
					}
					return errors.New("no")
				})
			}
		})
	}
	// Whoever reads meanwhile sees numbers without gaps.
	seen := int64(0)
	for range 20 {
		view(t, dbs[0], func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.VerifyAudit(ctx)
			if n < seen {
				t.Errorf("%d lines after %d", n, seen)
			}
			seen = n
			return err
		})
	}
	wg.Wait()
	view(t, dbs[1], func(ctx context.Context, tx *store.Tx) error {
		if n, err := tx.VerifyAudit(ctx); n != 8*6 || err != nil {
			t.Errorf("%d lines, want 48: %v", n, err)
		}
		return nil
	})
}
