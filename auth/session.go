package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/yagura-sec/yagura"
)

// Names of the cookies. The prefix has a browser take them over TLS alone, for this host alone
// and every path; on plain http of this machine it would take none.
const (
	cookieName  = "yagura"
	deviceName  = "yagura-device"
	hostPrefix  = "__Host-"
	deviceAge   = 180 * 24 * time.Hour
	seenEvery   = time.Minute
	agentLength = 512
)

func (g *Gate) cookieName(r *http.Request, name string) string {
	if c := g.client(r); c.local && !c.secure {
		return name
	}
	return hostPrefix + name
}

func (g *Gate) cookieValue(r *http.Request, name string) string {
	cookies := r.CookiesNamed(g.cookieName(r, name))
	if len(cookies) != 1 || len(cookies[0].Value) > 256 {
		return ""
	}
	return cookies[0].Value
}

func (g *Gate) setCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration, site http.SameSite) {
	c := &http.Cookie{Name: g.cookieName(r, name), Value: value, Path: "/", HttpOnly: true, SameSite: site, MaxAge: int(age / time.Second)}
	c.Secure = c.Name != name
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// csrf is what the writes of a session carry: it tells nothing of the session's secret, and
// there is nothing to keep.
func csrf(secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("yagura csrf 1"))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// session says whose session a request belongs to. User and bindings are those of this moment:
// what changes holds with the next request.
func (g *Gate) session(r *http.Request) (*Identity, error) {
	secret := g.cookieValue(r, cookieName)
	if secret == "" {
		return nil, ErrNobody
	}
	var s *yagura.Session
	var u *yagura.User
	err := g.o.Store.View(r.Context(), func(ctx context.Context, tx Tx) (err error) {
		if s, err = tx.SessionBySecret(ctx, sumOf(secret)); err != nil || s == nil {
			return err
		}
		u, err = tx.User(ctx, s.UserID, yagura.LockNone)
		return err
	})
	now := g.o.Now()
	switch {
	case err != nil:
		return nil, err
	case s == nil || u == nil || !now.Before(s.Expires) || now.Sub(s.Seen) > g.o.Idle || u.Disabled || !g.live(s.Via) || s.Via != u.Via:
		return nil, ErrNobody
	}
	if now.Sub(s.Seen) >= seenEvery && g.due("session "+s.ID, seenEvery) {
		// Who asks is answered though it cannot be noted; the session then ends sooner.
		if err := g.o.Store.Update(r.Context(), func(ctx context.Context, tx Tx) error { return tx.SeeSession(ctx, s.ID, now.UTC()) }); err != nil {
			g.o.Logger.Warn("a session's last use could not be noted", "error", err)
		}
		s.Seen = now.UTC()
	}
	return g.person(r, u, s, secret), nil
}

func (g *Gate) person(r *http.Request, u *yagura.User, s *yagura.Session, secret string) *Identity {
	return &Identity{Who: "user:" + u.Name, User: u, Session: s, Bindings: u.Bindings, CSRF: csrf(secret), From: g.From(r)}
}

// begin makes a session within a transaction. The secret is a new one at every sign-in, and
// the session that the browser had before ends: one that was put into a browser from outside
// never becomes somebody's.
func (g *Gate) begin(ctx context.Context, tx Tx, r *http.Request, u *yagura.User) (secret string, s *yagura.Session, err error) {
	now := g.o.Now().UTC()
	if old := g.cookieValue(r, cookieName); old != "" {
		before, err := tx.SessionBySecret(ctx, sumOf(old))
		if err == nil && before != nil {
			_, err = tx.EndSession(ctx, before.ID, before.UserID)
		}
		if err != nil {
			return "", nil, err
		}
	}
	if secret, err = g.secret(); err != nil {
		return "", nil, err
	}
	id, err := g.newID(now)
	if err != nil {
		return "", nil, err
	}
	s = &yagura.Session{ID: id, UserID: u.ID, Created: now, Seen: now, Expires: now.Add(g.o.Age), From: g.From(r), Agent: cut(r.UserAgent(), agentLength), Via: u.Via}
	u.SignedIn = now
	if err := tx.PutUser(ctx, u); err != nil {
		return "", nil, err
	}
	return secret, s, tx.AddSession(ctx, sumOf(secret), s)
}

// SignOut ends the session of a browser.
func (g *Gate) SignOut(ctx context.Context, w http.ResponseWriter, r *http.Request, id *Identity) error {
	g.setCookie(w, r, cookieName, "", 0, http.SameSiteLaxMode)
	if id == nil || id.Session == nil {
		return nil
	}
	return g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.EndSession(ctx, id.Session.ID, id.User.ID); err != nil {
			return err
		}
		return g.audit(ctx, tx, yagura.Audit{Who: id.Who, What: "sign_out", On: "session/" + id.Session.ID, Outcome: done, From: id.From})
	})
}

// Sessions returns the sessions of a user that are alive, the newest first.
func (g *Gate) Sessions(ctx context.Context, userID string) (out []yagura.Session, err error) {
	now := g.o.Now()
	err = g.o.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		all, err := tx.SessionsOf(ctx, userID)
		out = out[:0]
		for _, s := range all {
			if now.Before(s.Expires) && now.Sub(s.Seen) <= g.o.Idle {
				out = append(out, s)
			}
		}
		return err
	})
	return out, err
}

// EndSession ends one session: of oneself, or of anybody for who manages.
func (g *Gate) EndSession(ctx context.Context, by *Identity, id string) error {
	owner := ""
	if !manages(by) {
		if by.User == nil {
			return refuseForbidden("", "sessions are ended by their user or an admin", "セッションを終了できるのは本人か管理者だけです")
		}
		owner = by.User.ID
	}
	return g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		was, err := tx.EndSession(ctx, id, owner)
		switch {
		case err != nil:
			return err
		case !was:
			return refuseMissing("session", "セッション")
		}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "session.end", On: "session/" + id, Outcome: done, From: by.From})
	})
}

// EndSessions ends all sessions of a user, or with "" of everybody, and counts them.
func (g *Gate) EndSessions(ctx context.Context, by *Identity, userID string) (n int, err error) {
	if !manages(by) && (userID == "" || by.User == nil || by.User.ID != userID) {
		return 0, refuseForbidden("", "sessions are ended by their user or an admin", "セッションを終了できるのは本人か管理者だけです")
	}
	err = g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) (err error) {
		if n, err = tx.EndSessions(ctx, userID, ""); err != nil {
			return err
		}
		on := "user/" + userID
		if userID == "" {
			on = "user/*"
		}
		return g.audit(ctx, tx, yagura.Audit{Who: by.Who, What: "session.end_all", On: on, Outcome: done, From: by.From})
	})
	return n, err
}

// Sweep removes what is over: sessions, and ids that were taken once. It may be called at any
// time; once an hour is enough.
func (g *Gate) Sweep(ctx context.Context) error {
	now := g.o.Now().UTC()
	return g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.SweepSessions(ctx, now, now.Add(-g.o.Idle)); err != nil {
			return err
		}
		_, err := tx.SweepOnce(ctx, now)
		return err
	})
}
