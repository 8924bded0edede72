package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
)

// setUpState is where the keys of the set-up are kept.
const setUpState = "auth.setup"

// setUpAge is how long a key of the set-up is good.
const setUpAge = 24 * time.Hour

// inviteAge is how long a link is good by which a user sets a password.
const inviteAge = 72 * time.Hour

// maxKeys bounds the keys of the set-up: each replica that starts makes one.
const maxKeys = 8

// SetUpKey makes a key by which the first admin is made, or returns "" where there is a user
// already, or none signs in by password. The key is shown once; only its sum is kept.
func (g *Gate) SetUpKey(ctx context.Context) (key string, err error) {
	if !g.o.Local {
		return "", nil
	}
	secret, err := g.secret()
	if err != nil {
		return "", err
	}
	now := g.o.Now().UTC()
	err = g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		key = ""
		keys, err := setUpKeys(ctx, tx, now)
		if err != nil {
			return err
		}
		users, err := tx.Users(ctx, yagura.LockNone)
		if err != nil || len(users) > 0 {
			return err
		}
		keys = append(keys, expires{hexSum(secret), now.Add(setUpAge)})
		body, err := json.Marshal(keys[max(0, len(keys)-maxKeys):])
		if err != nil {
			return err
		}
		key = secret
		return tx.PutState(ctx, setUpState, body)
	})
	return key, err
}

// setUpKeys reads the keys that are good, and holds them until the end of the transaction: of
// two set-ups at once the second sees the first one's user.
func setUpKeys(ctx context.Context, tx Tx, now time.Time) ([]expires, error) {
	body, err := tx.State(ctx, setUpState, yagura.LockChange)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	var keys []expires
	if err := json.Unmarshal(body, &keys); err != nil {
		return nil, fmt.Errorf("keys of the set-up: %w", err)
	}
	return slices.DeleteFunc(keys, func(e expires) bool { return !now.Before(e.Until) }), nil
}

// SetUp makes the first admin with the key of the set-up link, or sets the password of a user
// with the key of an invitation, and signs in.
func (g *Gate) SetUp(ctx context.Context, w http.ResponseWriter, r *http.Request, key, name, display, password string) (*Identity, error) {
	if err := g.checkPassing(r); err != nil {
		g.refuse(ctx, g.From(r), yagura.Audit{What: "setup", Detail: err.Problem()})
		return nil, err
	}
	address := counted{"setup " + neighbourhood(g.client(r).addr), paceAddress}
	if wait := g.waits.try(address); wait > 0 {
		g.refuse(ctx, g.From(r), yagura.Audit{What: "setup", Detail: "too many tries"})
		return nil, refuseWait(wait)
	}
	if id, secret, ok := strings.Cut(key, "."); ok {
		return g.accept(ctx, w, r, id, secret, password)
	}
	// The key is looked at first: without it nothing is told, and no work is done.
	now := g.o.Now().UTC()
	good := false
	err := g.o.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		body, err := tx.State(ctx, setUpState, yagura.LockNone)
		var keys []expires
		if err == nil && len(body) > 0 {
			err = json.Unmarshal(body, &keys)
		}
		good = slices.ContainsFunc(keys, func(e expires) bool { return e.fits(key, now) })
		return err
	})
	if err != nil {
		return nil, err
	}
	if !good {
		g.refuse(ctx, g.From(r), yagura.Audit{What: "setup", Detail: "the key is not right"})
		return nil, refuseKey()
	}
	if name, display, err = checkNames(name, display); err != nil {
		return nil, err
	}
	if err := checkPassword(password, name, display); err != nil {
		return nil, err
	}
	phc, err := g.hash.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	return g.enter(ctx, w, r, func(ctx context.Context, tx Tx) (*yagura.User, error) {
		keys, err := setUpKeys(ctx, tx, now)
		if err != nil {
			return nil, err
		}
		users, err := tx.Users(ctx, yagura.LockNone)
		if err != nil {
			return nil, err
		}
		if len(users) > 0 || !slices.ContainsFunc(keys, func(e expires) bool { return e.fits(key, now) }) {
			return nil, refuseKey()
		}
		id, err := g.newID(now)
		if err != nil {
			return nil, err
		}
		u := &yagura.User{ID: id, Name: name, Display: display, Via: viaLocal, Bindings: []yagura.Binding{{Role: yagura.RoleAdmin}}, Created: now, Version: 1}
		if strings.Contains(name, "@") {
			u.Email = name
		}
		if err := tx.PutUser(ctx, u); err != nil {
			return nil, err
		}
		if err := putSecrets(ctx, tx, id, secrets{Password: phc}); err != nil {
			return nil, err
		}
		// The row stays: it is what the next set-up waits for.
		if err := tx.PutState(ctx, setUpState, []byte("[]")); err != nil {
			return nil, err
		}
		return u, g.audit(ctx, tx, yagura.Audit{Who: "user:" + name, What: "setup", On: "user/" + id, Outcome: done, From: g.From(r), Detail: "the first admin"})
	})
}

func refuseKey() *Refusal {
	return refuseForbidden("key", "the link is not right, was used, or is too old", "リンクが正しくないか、使用済みか、期限切れです")
}

// accept sets a password by an invitation. What was proven before ends: sessions and second
// factor go.
func (g *Gate) accept(ctx context.Context, w http.ResponseWriter, r *http.Request, id, secret, password string) (*Identity, error) {
	now := g.o.Now().UTC()
	var u *yagura.User
	good := func(ctx context.Context, tx Tx, lock yagura.Lock) (s secrets, err error) {
		if u, err = tx.User(ctx, id, lock); err != nil {
			return s, err
		}
		body, err := tx.UserSecrets(ctx, id)
		if err != nil {
			return s, err
		}
		if s, err = readSecrets(body); err != nil {
			return s, err
		}
		if u == nil || u.Disabled || u.Via != viaLocal || !s.Invite.fits(secret, now) {
			return s, refuseKey()
		}
		return s, nil
	}
	err := g.o.Store.View(ctx, func(ctx context.Context, tx Tx) error { _, err := good(ctx, tx, yagura.LockNone); return err })
	if err != nil {
		g.refuse(ctx, g.From(r), yagura.Audit{What: "setup", Detail: "the key of an invitation is not right"})
		return nil, err
	}
	if err := checkPassword(password, u.Name, u.Display, u.Email); err != nil {
		return nil, err
	}
	phc, err := g.hash.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	return g.enter(ctx, w, r, func(ctx context.Context, tx Tx) (*yagura.User, error) {
		if _, err := good(ctx, tx, yagura.LockChange); err != nil {
			return nil, err
		}
		if err := putSecrets(ctx, tx, id, secrets{Password: phc}); err != nil {
			return nil, err
		}
		if _, err := tx.EndSessions(ctx, id, ""); err != nil {
			return nil, err
		}
		u.TOTP = false
		return u, g.audit(ctx, tx, yagura.Audit{Who: "user:" + u.Name, What: "user.password", On: "user/" + id, Outcome: done, From: g.From(r), Detail: "by a link"})
	})
}

// enter runs what makes or changes a user, begins a session of it in the same transaction, and
// gives the browser its cookie.
func (g *Gate) enter(ctx context.Context, w http.ResponseWriter, r *http.Request, change func(ctx context.Context, tx Tx) (*yagura.User, error)) (*Identity, error) {
	var u *yagura.User
	var s *yagura.Session
	var secret string
	err := g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) (err error) {
		if u, err = change(ctx, tx); err != nil {
			return err
		}
		secret, s, err = g.begin(ctx, tx, r, u)
		return err
	})
	if err != nil {
		return nil, err
	}
	g.setCookie(w, r, cookieName, secret, g.o.Age, http.SameSiteLaxMode)
	return g.person(r, u, s, secret), nil
}

var nameForm = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}\p{M}._@+-]{0,199}$`)

// checkNames returns the forms of a name and a display name that are kept.
func checkNames(name, display string) (string, string, error) {
	name, display = normalName(name), strings.TrimSpace(display)
	if !nameForm.MatchString(name) {
		return "", "", refuseInput("a name is an e-mail address or a word of letters, digits and . _ @ + -", "名前はメールアドレスか、文字・数字・. _ @ + - からなる語にしてください")
	}
	if display == "" {
		display = name
	}
	if !goodText(display, 200) {
		return "", "", refuseInput("the display name is too long, or has control characters", "表示名が長すぎるか、制御文字を含んでいます")
	}
	return name, display, nil
}

func goodText(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 })
}
