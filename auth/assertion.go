package auth

import "time"

// The bounds of what an identity provider says of somebody. Whatever goes beyond them is
// refused and never cut: with some of the groups left out, roles would be taken away or given
// that the others decide about.
const (
	MostGroups   = 2000
	MostAsserted = 256 // bytes of a group, or of a name
)

// Assertion is what an identity provider says of somebody. Whoever makes one has checked that
// the provider said so, for this server, a moment ago, and to this browser: auth/oidc and
// auth/saml do.
type Assertion struct {
	// Via is the name of the provider in the configuration.
	Via string
	// Subject is what the provider calls the user; it is never empty, and never changes.
	Subject string
	// Name is what the user is called here: an e-mail address mostly, in lower case.
	Name  string
	Email string // "" where the provider gave none
	// EmailVerified says that the provider vouches for Email, not only repeats it.
	EmailVerified bool
	Display       string
	Groups        []string // as the provider calls them; roles are given by them
	// Method says how the user proved to the provider who they are, in the provider's words
	// (acr, amr, AuthnContextClassRef): for the audit trail alone.
	Method string
	// ID is the assertion's own name, or something as unique: whoever lets the user in takes it
	// once, until Until, in the same transaction, so that an assertion that is sent again is
	// refused.
	ID    string
	Until time.Time
}
