package oidc

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/auth/flow"
)

// Skew is how far the clocks of the provider and of this server may be apart.
const Skew = time.Minute

// maxAge is how old a token may be that was just made for a code.
const maxAge = 10 * time.Minute

// Config is one provider.
type Config struct {
	Name string
	// Issuer is the provider's name for itself, to the letter.
	Issuer       string
	ClientID     string
	ClientSecret string // "" is a public client, with PKCE alone
	// Scopes are asked for beside openid; none are profile and email.
	Scopes []string
	// NameClaim says what a user is called here; "" is preferred_username, then email, upn.
	NameClaim string
	// GroupsClaim says which groups a user is in: the name of a claim, or a path of names with
	// dots between ("realm_access.roles"); "" is groups.
	GroupsClaim string
	// HostedDomain is the only Google Workspace that people may come from; "" is any.
	HostedDomain string
	// AllowUnverifiedEmail lets people in of whose e-mail address the provider says that
	// nobody looked whether it is theirs.
	AllowUnverifiedEmail bool
	// TokenAuth is how the secret is sent for a token: "basic", "post", or "" for what the
	// provider says it takes.
	TokenAuth string
	// Private lets the provider be on loopback or in a private network.
	Private bool
	Roots   *x509.CertPool // nil: those of the system
}

// algorithms are those that a token may be signed with. None and those with a shared secret are
// not among them, and no configuration brings them in.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func (c *Config) check() error {
	u, err := url.Parse(c.Issuer)
	if err != nil || c.Issuer == "" {
		return fmt.Errorf("issuer %q: want an https address", c.Issuer)
	}
	if err := flow.CheckURL(u, c.Private); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return fmt.Errorf("issuer %q: an issuer has no query", c.Issuer)
	}
	if strings.HasSuffix(u.Path, "/.well-known/openid-configuration") {
		return fmt.Errorf("issuer %q: this is where its description is (hint: leave /.well-known/openid-configuration out)", c.Issuer)
	}
	if strings.EqualFold(u.Hostname(), "login.microsoftonline.com") {
		tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		if slices.Contains([]string{"common", "organizations", "consumers", ""}, tenant) {
			return fmt.Errorf("issuer %q: anybody of any organisation could sign in (hint: put your tenant's id in the place of %q)", c.Issuer, tenant)
		}
	}
	if c.ClientID == "" {
		return errors.New("client_id: it is needed")
	}
	if !slices.Contains([]string{"", "basic", "post"}, c.TokenAuth) {
		return fmt.Errorf("token_auth %q: want basic or post", c.TokenAuth)
	}
	if c.HostedDomain == "*" {
		return errors.New("hosted_domain *: name the domain")
	}
	return nil
}

func (c *Config) scopes() []string {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = []string{"profile", "email"}
	}
	out := []string{"openid"}
	for _, s := range scopes {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
