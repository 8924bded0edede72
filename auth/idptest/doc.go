// Package idptest starts identity providers that are not ours, on loopback, for tests: an OpenID
// provider (oidc-provider) and two providers of SAML (samlp, on xml-crypto, and samlify), all
// in Node. What this module understands of the protocols is proven against what others do.
//
// The packages are installed with npm ci in this folder, which make test does. Without Node or
// the packages a test is skipped, and says so; with YAGURA_TEST_REQUIRE_IDP=1 it fails.
//
// A worked example:
//
//	idp := idptest.Start(t, "oidc.mjs", map[string]any{"redirect_uris": []string{callback}})
//	issuer := idp.Says["issuer"]
package idptest
