// Package flow is what a sign-in at an identity provider needs whatever the protocol is: the
// sealed cookie that binds a sign-in to the browser that began it, the client that fetches the
// provider's documents within bounds, the path that a browser goes back to, and the one way in
// which a refusal is answered: a redirect to the page of sign-in with a code, with the reason
// in the log and the audit trail alone.
//
// It knows neither OpenID Connect nor SAML: auth/oidc and auth/saml do, and decide what is to
// be believed. It makes no user and no session: a [Door] does, which auth's gate is. It keeps
// nothing by itself.
//
// A worked example:
//
//	f, err := flow.New("oidc", "entra", false, flow.Options{Public: public, Key: key, Once: once, Door: gate})
//	f.Begin(w, r, flow.Pending{ID: state, Nonce: nonce, Return: flow.ReturnPath(r.URL.Query().Get("return"))})
//	// … later, when the provider sent the browser back:
//	p, err := f.Resume(w, r, state) // once, by this browser alone, within ten minutes
//	f.Admit(w, r, assertion, p.Return)
package flow
