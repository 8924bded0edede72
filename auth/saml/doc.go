// Package saml lets people in for whom a provider vouches that speaks SAML 2.0. It is a service
// provider of the Web Browser SSO profile: requests by redirect or POST, responses by POST, our
// metadata, the provider's metadata from an address or a file. Single Logout is not spoken:
// sign-out ends the session here, and the provider's own session is the provider's.
//
// The library goxmldsig checks signatures over XML; everything else is decided here, and
// strictly: a response is a small form with a fixed shape, and whatever has another shape is
// refused before a signature is looked at. What is read is read out of the bytes that the
// signature covers, and of nothing else. What is common with OpenID Connect is in auth/flow;
// users, roles and sessions are auth's.
//
// The order of things: size, what may stand in the bytes at all (no document type, no entity,
// no comment), names and depth, one parse, the shape, signatures, decryption, the conditions,
// who it is.
//
// A worked example:
//
//	p, err := saml.New(saml.Config{Name: "okta", Metadata: "https://example.okta.com/app/x/sso/saml/metadata"}, options)
//	mux.Handle("/auth/saml/okta/", p.Handler())
//	// the provider is given p.MetadataURL(), or p.EntityID() and p.ACS()
package saml
