package config

import "github.com/yagura-sec/yagura"

// Console is the console and the API: how they are reached, and who may sign in.
type Console struct {
	// Off keeps both from being served; sources, sinks and /healthz stay.
	Off bool `yaml:"off"`
	// URL is how browsers reach the console; "" is server.url.
	URL string `yaml:"url"`
	// Networks are the only ones that the console and the API answer; none are all.
	Networks []string `yaml:"networks"`
	// Gateways are the addresses and networks of proxies in front, whose word is taken for
	// the address of a client, the scheme and the client's certificate.
	Gateways []string `yaml:"trusted_gateways"`
	// CertificateHeader is where a trusted gateway puts the client's certificate.
	CertificateHeader string `yaml:"client_certificate_header"`
	// ClientCA asks who connects for a certificate of one of its authorities and takes one who
	// has none: tokens that are bound to a certificate are used so.
	ClientCA string          `yaml:"client_ca"`
	Sessions ConsoleSessions `yaml:"sessions"`
	// Local is whether people sign in with a name and a password. Nil means true.
	Local *bool  `yaml:"local"`
	OIDC  []OIDC `yaml:"oidc"`
	SAML  []SAML `yaml:"saml"`
	ACME  ACME   `yaml:"acme"`
}

// LocalSignIn reports whether people sign in with a name and a password.
func (c *Console) LocalSignIn() bool { return c.Local == nil || *c.Local }

// ConsoleSessions bounds sign-ins.
type ConsoleSessions struct {
	Idle Duration `yaml:"idle"` // without a request; 0 is 12h
	Age  Duration `yaml:"age"`  // whatever happens; 0 is 7d
}

// OIDC is an identity provider that speaks OpenID Connect.
type OIDC struct {
	// Name stands in addresses and in what users are known by: it never changes.
	Name         string   `yaml:"name"`
	Label        string   `yaml:"label"` // on the button; "" is the name
	Issuer       string   `yaml:"issuer"`
	ClientID     string   `yaml:"client_id"`
	ClientSecret Secret   `yaml:"client_secret"` // "" is a public client, with PKCE alone
	Scopes       []string `yaml:"scopes"`        // beside openid; none are profile and email
	// The claims that say what a user is called and which groups there are; "" are
	// preferred_username (or email) and groups.
	NameClaim   string        `yaml:"name_claim"`
	GroupsClaim string        `yaml:"groups_claim"`
	Roles       []RoleMapping `yaml:"roles"`
	// HostedDomain is the one Google Workspace domain whose users are let in (claim hd).
	HostedDomain string `yaml:"hosted_domain"`
	// UnverifiedEmail takes e-mail addresses that the provider does not say it has verified.
	UnverifiedEmail bool   `yaml:"allow_unverified_email"`
	TokenAuth       string `yaml:"token_auth"` // how the secret is sent: basic or post; "" is as the provider says
	CA              string `yaml:"ca"`         // file of authorities of the provider's certificate
	// SignOut sends the browser to the provider's own sign-out after ours.
	SignOut bool `yaml:"sign_out"`
	// Private lets the provider be on loopback or in a private network.
	Private bool `yaml:"allow_private"`
}

// SAML is an identity provider that speaks SAML 2.0.
type SAML struct {
	Name     string `yaml:"name"`
	Label    string `yaml:"label"`
	Metadata string `yaml:"metadata"` // https address or file of the provider's metadata
	// MetadataCertificate is a file: the metadata must be signed with its key.
	MetadataCertificate string `yaml:"metadata_certificate"`
	// IdPEntityID says which provider, where the metadata has several.
	IdPEntityID string `yaml:"idp_entity_id"`
	EntityID    string `yaml:"entity_id"` // ours; "" is the address of our metadata
	// Key and Certificate are ours: requests are signed with them, assertions are decrypted.
	Key         Secret `yaml:"key"`
	Certificate string `yaml:"certificate"` // file
	Sign        bool   `yaml:"sign"`        // sign requests
	Binding     string `yaml:"binding"`     // of requests: redirect or post; "" is redirect
	Signed      string `yaml:"signed"`      // what must be: assertion, response or both; "" is either
	NameID      string `yaml:"name_id"`     // form of the NameID: email or any; "" is email
	// IdPInitiated takes assertions that nobody here asked for.
	IdPInitiated bool `yaml:"idp_initiated"`
	// The attributes that say what a user is called and which groups there are; "" are the
	// usual names.
	NameAttribute    string        `yaml:"name_attribute"`
	EmailAttribute   string        `yaml:"email_attribute"`
	DisplayAttribute string        `yaml:"display_attribute"`
	GroupsAttribute  string        `yaml:"groups_attribute"`
	Roles            []RoleMapping `yaml:"roles"`
	CA               string        `yaml:"ca"` // file of authorities of the metadata's address
	Private          bool          `yaml:"allow_private"`
}

// RoleMapping gives a role to those whom a provider says to be in a group, or to have an
// e-mail address.
type RoleMapping struct {
	Group string      `yaml:"group"` // as the provider says it; * is everybody
	Email string      `yaml:"email"` // an address, or *@example.com
	Role  yagura.Role `yaml:"role"`
	// The scope; without any it is everything.
	Tenants  []string `yaml:"tenants"`
	Accounts []string `yaml:"accounts"`
	Formats  []string `yaml:"formats"`
}

// Binding is what the mapping gives.
func (m *RoleMapping) Binding() yagura.Binding {
	return yagura.Binding{Role: m.Role, Scope: yagura.Scope{Tenants: m.Tenants, Accounts: m.Accounts, Formats: m.Formats}}
}

// ACME gets the server's certificate from an authority.
type ACME struct {
	Hosts     []string `yaml:"hosts"` // names of the server
	Email     string   `yaml:"email"`
	Directory string   `yaml:"directory"` // "" is Let's Encrypt
	// Accept says that the authority's terms are agreed to.
	Accept bool `yaml:"accept_terms"`
	// HTTP is an address for the challenge HTTP-01, such as :80; "" is TLS-ALPN-01 alone.
	HTTP string `yaml:"http"`
	// CA is a file of authorities that the directory's own certificate is checked against.
	CA string `yaml:"ca"`
}
