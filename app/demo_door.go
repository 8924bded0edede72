package app

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
)

// DemoDoor lets the visitor of a demo in without a password: by a link that works once, from
// this machine alone. Whoever has read access to the terminal that shows it has as much as
// whoever started the demo.
type DemoDoor struct {
	mu  sync.Mutex
	key string
}

// demoProvider vouches for the visitor; nobody else can be vouched for by it.
const demoProvider = "demo"

// DemoVisitor is the name of who visits a demo.
const DemoVisitor = "visitor@kogarashi.example"

// DemoDoorPath is where the link leads.
const DemoDoorPath = "/auth/demo"

// Link makes the path of a link that works once; the one before works no more.
func (d *DemoDoor) Link() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.key = base64.RawURLEncoding.EncodeToString(b)
	return DemoDoorPath + "?key=" + d.key, nil
}

// take uses the key up.
func (d *DemoDoor) take(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.key == "" || subtle.ConstantTimeCompare([]byte(d.key), []byte(key)) != 1 {
		return false
	}
	d.key = ""
	return true
}

// providers are what the gate is to know of the door: none where there is no demo.
func (d *DemoDoor) providers() []auth.Provider {
	if d == nil {
		return nil
	}
	return []auth.Provider{{Name: demoProvider, Kind: demoProvider, Label: demoProvider, Hidden: true,
		Roles: []auth.Mapping{{Group: "*", Binding: yagura.Binding{Role: yagura.RoleAdmin}}}}}
}

// handler answers the link.
func (d *DemoDoor) handler(gate *auth.Gate, now func() time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if !loopback(r) {
			http.Error(w, "the demo is for this machine alone", http.StatusForbidden)
			return
		}
		if !d.take(r.URL.Query().Get("key")) {
			// The link was used. Its visitor may be in already; the others are told so there.
			if _, err := gate.Identify(r); err == nil {
				http.Redirect(w, r, "/", http.StatusSeeOther)
				return
			}
			http.Redirect(w, r, "/sign-in?problem=flow_used", http.StatusSeeOther)
			return
		}
		t := now()
		err := gate.SignInExternal(r.Context(), w, r, auth.Assertion{Via: demoProvider, Subject: "visitor", Name: DemoVisitor, Display: "Visitor", ID: rand.Text(), Until: t.Add(time.Hour), Method: "link"})
		problem := interface{ Problem() string }(nil)
		switch {
		case errors.As(err, &problem):
			http.Redirect(w, r, "/sign-in?problem="+problem.Problem(), http.StatusSeeOther)
		case err != nil:
			http.Error(w, "the sign-in could not be written down", http.StatusInternalServerError)
		default:
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}
	}
}
