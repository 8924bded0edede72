package flow

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The codes that the page of sign-in has words for.
const (
	Unavailable     = "provider_unavailable" // the provider does not answer, or not as it should
	ProviderRefused = "provider_refused"     // the provider says that the user may not
	FlowLost        = "flow_lost"            // another browser, or too late: begin again
	FlowUsed        = "flow_used"            // answered before
	IdentityRefused = "identity_refused"     // what the provider sent is not to be believed
	EmailUnverified = "email_unverified"
	WrongDomain     = "wrong_domain"
	GroupsOverage   = "groups_overage" // the provider left the groups out: too many
	NotConfigured   = "not_configured" // an answer of a form that the configuration does not allow
	Internal        = "internal"
)

// Refusal is why somebody is not let in.
type Refusal struct {
	Code string
	Err  error // for the log and the audit trail; it may hold hostile text, never a secret
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Refusef makes a refusal.
func Refusef(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Err: fmt.Errorf(format, args...)}
}

// Refuse sends the browser to the page of sign-in with the refusal's code and the id of the
// request. The reason goes to the log and the audit trail alone: a stranger who tries forged
// answers learns nothing from what differs.
func (f *Flow) Refuse(w http.ResponseWriter, r *http.Request, refusal *Refusal) {
	f.o.Door.RefusedExternal(r, f.name, refusal.Code, clean(refusal.Err.Error()))
	f.send(w, r, refusal.Code, refusal.Err.Error())
}

func (f *Flow) send(w http.ResponseWriter, r *http.Request, code, detail string) {
	id := requestID(w)
	f.Logger().Warn("sign-in by provider refused", "code", code, "reason", clean(detail), "request", id, "path", r.URL.Path)
	q := url.Values{"problem": {code}, "provider": {f.name}, "request": {id}}
	seeOther(w, f.local("/sign-in?"+q.Encode()))
}

// requestID returns the id that the server gave the request, and gives one where there is none.
func requestID(w http.ResponseWriter) string {
	const header = "X-Request-Id"
	id := w.Header().Get(header)
	if id == "" {
		b := make([]byte, 8)
		_, _ = rand.Read(b) // it never returns an error
		id = hex.EncodeToString(b)
		w.Header().Set(header, id)
	}
	return id
}

// clean bounds text that a provider or a stranger wrote, and takes what moves a terminal out.
func clean(s string) string {
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
	const most = 600
	if len(s) > most {
		s = s[:most]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return s
}
