package api

import (
	"errors"
	"net/http"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
)

// Gate says who asks.
type Gate interface {
	// Identify returns who a request comes from, or [auth.ErrNobody].
	Identify(r *http.Request) (*auth.Identity, error)
	// CheckWrite says whether a write comes from our own pages, or from a program that holds
	// its secret itself. id is nil at endpoints for strangers.
	CheckWrite(r *http.Request, id *auth.Identity) error
	// CheckNetwork refuses addresses that may not come here at all.
	CheckNetwork(r *http.Request) error
	// From is the address that a request comes from, behind trusted gateways.
	From(r *http.Request) string
}

// refusal turns what the gate says into a problem.
func refusal(err error) error {
	var r *auth.Refusal
	if !errors.As(err, &r) {
		return err
	}
	p := Refuse(Code(r.Code), r.Detail, r.Ja)
	if _, ok := statuses[p.Code]; !ok {
		p.Code = CodeForbidden
	}
	p.Reason, p.retry = r.Reason, r.RetryAfter
	return p
}

// Beside is the gate of a command line that has the store itself: whoever calls is who, and
// may do everything.
func Beside(who string) Gate { return beside(who) }

type beside string

func (b beside) Identify(*http.Request) (*auth.Identity, error) {
	return &auth.Identity{Who: string(b), Bindings: []yagura.Binding{{Role: yagura.RoleAdmin}}}, nil
}
func (beside) CheckWrite(*http.Request, *auth.Identity) error { return nil }
func (beside) CheckNetwork(*http.Request) error               { return nil }
func (beside) From(*http.Request) string                      { return "" }
