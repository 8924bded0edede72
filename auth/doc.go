// Package auth says who asks: people with a password and a second factor, people for whom an
// identity provider vouches, machines with a token that may be bound to a certificate. It
// makes sessions and ends them, and it says what an identity may do, and of which part of the
// data.
//
// It knows HTTP requests as far as they identify somebody (cookies, headers, certificates,
// addresses), and no route: api asks it. It keeps nothing by itself: what must last goes
// through small interfaces that store implements. auth/oidc and auth/saml speak to identity
// providers.
//
// A worked example:
//
//	id, err := gate.Identify(r)          // *Identity, or ErrNobody
//	id.Can(yagura.PermitDecide)          // true for a responder
//	scopes, all := id.Scopes(yagura.PermitView)
//	// all is false: lists are bound to scopes, in the statement that reads them
package auth
