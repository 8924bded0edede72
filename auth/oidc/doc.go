// Package oidc lets people in for whom a provider vouches that speaks OpenID Connect: Entra ID,
// Okta, Google, Keycloak and others. It is a relying party with the authorization code flow and
// PKCE, and nothing else: no implicit flow, no tokens that are kept, no calls in the user's name
// but one for the user's own claims.
//
// The libraries go-oidc, go-jose and oauth2 speak the protocol; this room decides what is
// believed beyond that: which algorithms and keys, whose answer to which browser, how old, and
// which claims are a name and groups. What is common with SAML is in auth/flow; users, roles
// and sessions are auth's.
//
// A worked example:
//
//	p, err := oidc.New(oidc.Config{Name: "entra", Issuer: issuer, ClientID: id, ClientSecret: secret}, options)
//	mux.Handle("/auth/oidc/entra/", p.Handler())
//	// the provider is told the address p.RedirectURL()
package oidc
