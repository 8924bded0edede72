package api

import (
	"context"
	"time"

	"github.com/yagura-sec/yagura"
)

// Configuration says how the service is set up. Secrets are never in it.
type Configuration interface {
	Settings(ctx context.Context) (*Settings, error)
}

// Settings are the configuration that holds.
type Settings struct {
	File      string           `json:"file,omitempty" doc:"The file that it was read from."`
	Text      string           `json:"text" doc:"In YAML, what was left out left out; every secret is ***."`
	Providers []SignInProvider `json:"providers"`
	Local     bool             `json:"local" doc:"People sign in with a name and a password."`
	Networks  []string         `json:"networks" doc:"The only ones that the console answers; none are all."`
	Sessions  SessionBounds    `json:"sessions"`
}

// SessionBounds are when sessions end, in seconds.
type SessionBounds struct {
	Idle int64 `json:"idle_s" doc:"Without a request."`
	Age  int64 `json:"age_s" doc:"Whatever happens."`
}

// SignInProvider is an identity provider, with the addresses that it has to be told.
type SignInProvider struct {
	Name             string         `json:"name"`
	Kind             string         `json:"kind" enum:"oidc,saml"`
	Label            string         `json:"label"`
	Issuer           string         `json:"issuer,omitempty"`
	ClientID         string         `json:"client_id,omitempty"`
	Redirect         string         `json:"redirect,omitempty" doc:"Where it sends browsers back to, of OpenID Connect."`
	Metadata         string         `json:"metadata,omitempty" doc:"The address of our metadata, of SAML."`
	ACS              string         `json:"acs,omitempty" doc:"Where it sends its assertions, of SAML."`
	EntityID         string         `json:"entity_id,omitempty" doc:"Ours."`
	CertificateUntil time.Time      `json:"certificate_until,omitzero" doc:"When our certificate ends."`
	Roles            []ProviderRole `json:"roles"`
}

// ProviderRole gives a role to those whom the provider says to be in a group, or to have an
// e-mail address.
type ProviderRole struct {
	Group    string      `json:"group,omitempty"`
	Email    string      `json:"email,omitempty"`
	Role     yagura.Role `json:"role"`
	Tenants  []string    `json:"tenants,omitempty"`
	Accounts []string    `json:"accounts,omitempty"`
	Formats  []string    `json:"formats,omitempty"`
}

func (a *API) settings(ctx context.Context, _ *Call[struct{}]) (*Settings, error) {
	if err := served(a.parts.Configuration != nil); err != nil {
		return nil, err
	}
	return a.parts.Configuration.Settings(ctx)
}
