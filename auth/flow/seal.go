package flow

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// atOnce is how many sign-ins by one provider a browser may have under way: one per tab. The
// cookie would grow without end otherwise, for whoever makes a browser begin sign-ins.
const atOnce = 4

// Pending is a sign-in that a browser began.
type Pending struct {
	// ID is the state of OpenID Connect, or the id of the request of SAML.
	ID       string `json:"i"`
	Nonce    string `json:"n,omitempty"`
	Verifier string `json:"v,omitempty"` // of PKCE
	Return   string `json:"r,omitempty"` // where the browser goes in the end
	Until    int64  `json:"u"`           // Unix seconds; Begin sets it
}

func newSeal(key []byte) (cipher.AEAD, error) {
	if len(key) < 32 {
		return nil, errors.New("the key that seals cookies is shorter than 32 bytes")
	}
	own, err := hkdf.Key(sha256.New, key, nil, "yagura auth/flow cookie 1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (f *Flow) cookieName() string {
	name := "yagura-" + f.kind + "-" + f.name
	if f.o.Public.Scheme == "https" {
		return "__Host-" + name
	}
	return name
}

// bound says what a cookie is good for: it is authenticated with it, so that the cookie of one
// provider says nothing to another.
func (f *Flow) bound() []byte { return []byte(f.kind + "/" + f.name) }

// pendings are the sign-ins that a browser began and that may still end.
func (f *Flow) pendings(r *http.Request) []Pending {
	c, err := r.Cookie(f.cookieName())
	if err != nil || len(c.Value) > 8<<10 {
		return nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return nil
	}
	body, err := f.seal.Open(nil, nil, sealed, f.bound())
	if err != nil {
		return nil
	}
	var all []Pending
	if json.Unmarshal(body, &all) != nil {
		return nil
	}
	now := f.o.Now().Unix()
	return slices.DeleteFunc(all, func(p Pending) bool { return p.ID == "" || p.Until <= now })
}

func (f *Flow) keep(w http.ResponseWriter, all []Pending) error {
	c := &http.Cookie{Name: f.cookieName(), Path: "/", HttpOnly: true, Secure: f.o.Public.Scheme == "https", SameSite: http.SameSiteLaxMode}
	if f.crossSite {
		// None is only taken with Secure. Without https, on loopback, the attribute is left
		// out: browsers then send the cookie with a posted answer for some minutes.
		c.SameSite = http.SameSiteDefaultMode
		if c.Secure {
			c.SameSite = http.SameSiteNoneMode
		}
	}
	if len(all) == 0 {
		c.MaxAge = -1
	} else {
		body, err := json.Marshal(all)
		if err != nil {
			return err
		}
		c.Value = base64.RawURLEncoding.EncodeToString(f.seal.Seal(nil, nil, body, f.bound()))
		c.MaxAge = int(Within / time.Second)
	}
	http.SetCookie(w, c)
	return nil
}

// Begin binds a sign-in to the browser.
func (f *Flow) Begin(w http.ResponseWriter, r *http.Request, p Pending) error {
	p.Until = f.o.Now().Add(Within).Unix()
	p.Return = ReturnPath(p.Return)
	all := append(f.pendings(r), p)
	return f.keep(w, all[max(0, len(all)-atOnce):])
}

// Began reports whether this browser has a sign-in under way: a look, before work is done for
// a stranger.
func (f *Flow) Began(r *http.Request) bool { return len(f.pendings(r)) > 0 }

// Resume returns the sign-in of an id that this browser began, and ends it: the id is taken,
// and a second answer to it is refused, from whatever browser. Errors are refusals.
func (f *Flow) Resume(w http.ResponseWriter, r *http.Request, id string) (Pending, error) {
	all := f.pendings(r)
	i := slices.IndexFunc(all, func(p Pending) bool { return p.ID == id })
	if id == "" || i < 0 {
		return Pending{}, Refusef(FlowLost, "this browser began no sign-in with the id %.80q, or it took longer than %s", id, Within)
	}
	p := all[i]
	// The time is a little longer than the cookie lasts, as clocks of replicas differ.
	free, err := f.take(r.Context(), id, time.Unix(p.Until, 0).Add(Within))
	switch {
	case err != nil:
		return Pending{}, &Refusal{Code: Internal, Err: fmt.Errorf("take the id of a sign-in: %w", err)}
	case !free:
		return Pending{}, Refusef(FlowUsed, "the sign-in with the id %.80q was answered before", id)
	}
	if err := f.keep(w, slices.Delete(all, i, i+1)); err != nil {
		return Pending{}, &Refusal{Code: Internal, Err: err}
	}
	return p, nil
}

func (f *Flow) take(ctx context.Context, id string, until time.Time) (bool, error) {
	return f.o.Once.TakeOnce(ctx, "flow", f.kind+"/"+f.name+"/"+id, until)
}
