package auth

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// secrets is what proves a user, as the store keeps it.
type secrets struct {
	Password string    `json:"password,omitempty"` // PHC form
	TOTP     []byte    `json:"totp,omitempty"`
	Pending  []byte    `json:"pending,omitempty"`  // a second factor that was not confirmed yet
	Recovery []string  `json:"recovery,omitempty"` // sums, in hexadecimal digits
	Devices  []expires `json:"devices,omitempty"`  // browsers that the user signed in from
	Invite   *expires  `json:"invite,omitempty"`   // link by which a password is set
}

// expires is a sum that is good until a time.
type expires struct {
	Sum   string    `json:"sum"`
	Until time.Time `json:"until"`
}

func (e *expires) fits(secret string, now time.Time) bool {
	return e != nil && now.Before(e.Until) && same(e.Sum, hexSum(secret))
}

// maxDevices bounds the browsers that are remembered of a user.
const maxDevices = 8

func hexSum(secret string) string {
	s := sumOf(secret)
	return hex.EncodeToString(s[:])
}

func readSecrets(body []byte) (s secrets, err error) {
	if len(body) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, fmt.Errorf("secrets of a user: %w", err)
	}
	return s, nil
}

func putSecrets(ctx context.Context, tx Tx, id string, s secrets) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.PutUserSecrets(ctx, id, body)
}

// normalName is the one form of the name that is typed to sign in.
func normalName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// SignIn lets somebody in with a name, a password, and the code of a second factor where the
// user has one. Whatever does not fit, the answer and the work are the same.
func (g *Gate) SignIn(ctx context.Context, w http.ResponseWriter, r *http.Request, name, password, code string) (*Identity, error) {
	from := g.From(r)
	if err := g.checkPassing(r); err != nil {
		g.refuse(ctx, from, yagura.Audit{What: "sign_in", Detail: err.Problem()})
		return nil, err
	}
	name = normalName(name)
	u, body, err := g.lookUp(ctx, name)
	if err != nil {
		return nil, err
	}
	sec, err := readSecrets(body)
	if err != nil {
		return nil, err
	}
	device := g.cookieValue(r, deviceName)
	own, shared := g.tried(r, name, device, sec)
	if wait := g.waits.try(append(slices.Clip(own), shared...)...); wait > 0 {
		g.refuse(ctx, from, signInLine(u, "too many tries"))
		return nil, refuseWait(wait)
	}
	fits, stale, err := g.hash.verify(ctx, sec.Password, password)
	if err != nil {
		return nil, err
	}
	if !fits || u.Disabled || u.Via != viaLocal {
		g.refuse(ctx, from, signInLine(u, "name or password is not right"))
		return nil, refuseSignIn()
	}
	if len(sec.TOTP) > 0 && code == "" {
		// The password was right: this try is not counted, the one with the code is.
		g.waits.good(own, shared)
		return nil, &Refusal{Code: codeSecondFactor, Detail: "the code of the second factor is asked", Ja: "二要素認証のコードを入力してください"}
	}
	factor := counted{"factor " + u.ID + " " + knownDevice(device, sec, g.o.Now()), paceFactor}
	if len(sec.TOTP) > 0 {
		if wait := g.waits.try(factor); wait > 0 {
			g.refuse(ctx, from, signInLine(u, "too many codes"))
			return nil, refuseWait(wait)
		}
	}
	fresh := ""
	if stale {
		if fresh, err = g.hash.hash(ctx, password); err != nil {
			return nil, err
		}
	}
	var secret, remember string
	var s *yagura.Session
	var bad bool
	id := u.ID
	err = g.o.Store.Update(ctx, func(ctx context.Context, tx Tx) (err error) {
		bad = false
		if u, err = tx.User(ctx, id, yagura.LockChange); err != nil {
			return err
		}
		now, err := tx.UserSecrets(ctx, userID(u))
		if err != nil {
			return err
		}
		if u == nil || u.Disabled || !bytes.Equal(now, body) {
			bad = true // something was changed meanwhile; the next try sees it
			return nil
		}
		if sec, err = readSecrets(now); err != nil {
			return err
		}
		if len(sec.TOTP) > 0 {
			if bad, err = g.secondFactor(ctx, tx, u, &sec, code); err != nil || bad {
				return err
			}
		}
		if fresh != "" {
			sec.Password = fresh
		}
		if remember, err = g.remember(&sec, device); err != nil {
			return err
		}
		if err := putSecrets(ctx, tx, u.ID, sec); err != nil {
			return err
		}
		if secret, s, err = g.begin(ctx, tx, r, u); err != nil {
			return err
		}
		return g.audit(ctx, tx, yagura.Audit{Who: "user:" + u.Name, What: "sign_in", On: "user/" + u.ID, Outcome: done, From: from, Detail: "with a password"})
	})
	switch {
	case err != nil:
		return nil, err
	case bad && len(sec.TOTP) > 0:
		g.refuse(ctx, from, signInLine(u, "the code of the second factor is not right"))
		return nil, &Refusal{Code: codeSecondFactor, Reason: "code", Detail: "the code is not right, or was used already", Ja: "コードが正しくないか、すでに使われています"}
	case bad:
		return nil, refuseSignIn()
	}
	g.waits.good(append(own, factor), shared)
	g.setCookie(w, r, cookieName, secret, g.o.Age, http.SameSiteLaxMode)
	g.setCookie(w, r, deviceName, remember, deviceAge, http.SameSiteStrictMode)
	return g.person(r, u, s, secret), nil
}

// checkPassing refuses a request by which nobody signs in with a password, whoever it is.
func (g *Gate) checkPassing(r *http.Request) *Refusal {
	err := g.CheckNetwork(r)
	if err == nil {
		err = g.checkSecure(r)
	}
	if err == nil && !g.o.Local {
		return refuseForbidden("local_off", "sign-in with a password is switched off; an identity provider lets people in", "パスワードでのサインインは無効です。ID プロバイダーでサインインしてください")
	}
	return asRefusal(err)
}

func userID(u *yagura.User) string {
	if u == nil {
		return ""
	}
	return u.ID
}

// lookUp reads a user and what proves it, with the same statements for one who is not there.
func (g *Gate) lookUp(ctx context.Context, name string) (u *yagura.User, body []byte, err error) {
	err = g.o.Store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		if u, err = tx.UserByName(ctx, name, yagura.LockNone); err != nil {
			return err
		}
		body, err = tx.UserSecrets(ctx, userID(u))
		return err
	})
	if u == nil {
		body = nil
	}
	return u, body, err
}

// tried are the counters of a try. A browser that the user signed in from before has one of
// its own, which what strangers try does not touch.
func (g *Gate) tried(r *http.Request, name, device string, sec secrets) (own, shared []counted) {
	key := hexSum(name) // names are as long as strangers like
	if d := knownDevice(device, sec, g.o.Now()); d != "" {
		return []counted{{"device " + key + " " + d, pacePair}}, nil
	}
	from := neighbourhood(g.client(r).addr)
	return []counted{{"pair " + key + " " + from, pacePair}}, []counted{{"address " + from, paceAddress}, {"name " + key, paceName}}
}

// knownDevice is the sum of a device that a user signed in from before, "" of any other.
func knownDevice(device string, sec secrets, now time.Time) string {
	if device == "" {
		return ""
	}
	for _, d := range sec.Devices {
		if d.fits(device, now) {
			return d.Sum
		}
	}
	return ""
}

// remember notes the browser, under the secret that it has or a new one.
func (g *Gate) remember(sec *secrets, device string) (secret string, err error) {
	now := g.o.Now().UTC()
	known := knownDevice(device, *sec, now)
	if secret = device; known == "" {
		if secret, err = g.secret(); err != nil {
			return "", err
		}
	}
	sec.Devices = slices.DeleteFunc(sec.Devices, func(d expires) bool { return d.Sum == known || !now.Before(d.Until) })
	sec.Devices = append(sec.Devices, expires{hexSum(secret), now.Add(deviceAge)})
	if n := len(sec.Devices) - maxDevices; n > 0 {
		sec.Devices = sec.Devices[n:]
	}
	return secret, nil
}

// secondFactor takes a code of the app, each step once, or a recovery code, each once. bad says
// that it does not fit.
func (g *Gate) secondFactor(ctx context.Context, tx Tx, u *yagura.User, sec *secrets, code string) (bad bool, err error) {
	now := g.o.Now()
	if step, ok := totpStep(sec.TOTP, code, now); ok {
		fresh, err := tx.TakeOnce(ctx, "totp", onceTOTP(u.ID, step), now.Add(4*totpPeriod).UTC())
		return !fresh, err
	}
	sum := hexSum(plainRecovery(code))
	for i, r := range sec.Recovery {
		if same(r, sum) {
			sec.Recovery = slices.Delete(sec.Recovery, i, i+1)
			return false, g.audit(ctx, tx, yagura.Audit{Who: "user:" + u.Name, What: "user.recovery_code", On: "user/" + u.ID, Outcome: done,
				Detail: fmt.Sprintf("%d left", len(sec.Recovery))})
		}
	}
	return true, nil
}

func onceTOTP(id string, step int64) string { return id + " " + strconv.FormatInt(step, 10) }

// signInLine names whom a refused sign-in was about, if there is such a user: what strangers
// type as a name may be a password.
func signInLine(u *yagura.User, why string) yagura.Audit {
	a := yagura.Audit{What: "sign_in", Detail: why}
	if u != nil {
		a.On = "user/" + u.ID
		a.Detail = u.Name + ": " + why
	} else {
		a.Detail = "no such user: " + why
	}
	return a
}
