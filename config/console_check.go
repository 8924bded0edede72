package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

var (
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	hostWord   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)
	emailWord  = regexp.MustCompile(`^(\*|[^@\s*]+)@[^@\s*]+\.[^@\s*]+$`)
	mailWord   = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

// ParseNetwork reads an address or a network.
func ParseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is no address and no network", text)
	}
	return p.Masked(), nil
}

func (k *serveCheck) console(c *Console) {
	if c.Off && (c.URL != "" || len(c.OIDC)+len(c.SAML)+len(c.Networks) > 0) {
		k.fault("console.off", " is there with other settings of the console", "leave it out, or leave them out")
	}
	k.origin("console.url", c.URL)
	for i, n := range c.Networks {
		if _, err := ParseNetwork(n); err != nil {
			k.fault(fmt.Sprintf("console.networks[%d]", i), fmt.Sprintf(" is %q", n), "a network or an address, such as 10.0.0.0/8")
		}
	}
	for i, n := range c.Gateways {
		p, err := ParseNetwork(n)
		switch {
		case err != nil:
			k.fault(fmt.Sprintf("console.trusted_gateways[%d]", i), fmt.Sprintf(" is %q", n), "the address or network of a proxy in front, such as 10.1.0.0/24")
		case p.Bits() == 0:
			k.fault(fmt.Sprintf("console.trusted_gateways[%d]", i), fmt.Sprintf(" is %q, which is everybody", n), "only what stands in front: anybody else could claim any address and certificate")
		}
	}
	k.form("console.client_certificate_header", c.CertificateHeader, headerName, "the name of a header, such as Client-Cert or X-Forwarded-Client-Cert")
	if c.CertificateHeader != "" && len(c.Gateways) == 0 {
		k.fault("console.client_certificate_header", " is there without trusted_gateways", "the header is taken from those alone")
	}
	if c.ClientCA != "" && k.c.Server.TLSCert == "" && len(c.ACME.Hosts) == 0 {
		k.fault("console.client_ca", " is there without TLS", "give server.tls_cert or console.acme; behind a gateway, client_certificate_header")
	}
	if c.ClientCA != "" && k.c.Server.ClientCA != "" {
		k.fault("console.client_ca", " is there with server.client_ca", "server.client_ca asks everybody for a certificate already")
	}
	idle, age := time.Duration(c.Sessions.Idle), time.Duration(c.Sessions.Age)
	switch {
	case idle != 0 && idle < 5*time.Minute:
		k.fault("console.sessions.idle", " is shorter than 5m", "leave it out for 12h")
	case age != 0 && age < 5*time.Minute:
		k.fault("console.sessions.age", " is shorter than 5m", "leave it out for 7d")
	case age > 90*24*time.Hour:
		k.fault("console.sessions.age", " is longer than 90d", "leave it out for 7d")
	case idle != 0 && age != 0 && idle > age:
		k.fault("console.sessions.idle", " is longer than age", "a session ends at its age whatever happens")
	}
	if !c.LocalSignIn() && len(c.OIDC)+len(c.SAML) == 0 {
		k.fault("console.local", " is false, and there is no identity provider", "give console.oidc or console.saml: nobody could sign in")
	} else if !c.LocalSignIn() && !slices.ContainsFunc(c.OIDC, func(o OIDC) bool { return slices.ContainsFunc(o.Roles, manages) }) &&
		!slices.ContainsFunc(c.SAML, func(s SAML) bool { return slices.ContainsFunc(s.Roles, manages) }) {
		k.fault("console.local", " is false, and no identity provider makes anybody an admin", "add a role admin without tenants, accounts and formats to the roles of one")
	}
	providers := map[string]string{}
	for i := range c.OIDC {
		k.oidc(&c.OIDC[i], fmt.Sprintf("console.oidc[%d]", i), providers)
	}
	for i := range c.SAML {
		k.saml(&c.SAML[i], fmt.Sprintf("console.saml[%d]", i), providers)
	}
	if len(providers) > 0 && c.URL == "" && k.c.Server.URL == "" {
		k.fault("console", " has identity providers and no url", "url: https://yagura.example.com, as browsers reach it")
	}
	k.acme(&c.ACME)
}

// origin looks at an address that has no path: the console is at its root.
func (k *serveCheck) origin(path, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		k.fault(path, " is no address", "https://yagura.example.com")
	case u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		k.fault(path, fmt.Sprintf(" is %q", u.Redacted()), "scheme and host alone: the console is at the root of its host")
	case u.Scheme == "http" && !loopbackName(u.Hostname()):
		k.fault(path, " is not encrypted", "write https://: cookies are sent over TLS alone, but on this machine")
	}
}

func loopbackName(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (k *serveCheck) provider(path, name string, providers map[string]string) {
	switch first := providers[name]; {
	case name == "":
		k.fault(path, " has no name", "a word that never changes: users are known by it")
		return
	case !nameWord.MatchString(name) || name == "local" || name == "token":
		k.fault(path+".name", fmt.Sprintf(" is %q", name), "small letters, digits, - _ and . ; not local; users are known by it")
	case first != "":
		k.fault(path+".name", fmt.Sprintf(" is %q, as that of %s", name, first), "every identity provider has a name of its own")
	}
	providers[name] = path
}

func (k *serveCheck) oidc(o *OIDC, path string, providers map[string]string) {
	k.provider(path, o.Name, providers)
	u, err := url.Parse(o.Issuer)
	switch {
	case o.Issuer == "":
		k.fault(path, " has no issuer", "issuer: https://login.microsoftonline.com/TENANT/v2.0")
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		k.fault(path+".issuer", " is no address of an issuer", "as the provider's discovery document says it: https://…, without ? and #")
	case u.Scheme == "http" && !(o.Private && loopbackName(u.Hostname())):
		k.fault(path+".issuer", " is not encrypted", "write https://")
	}
	k.word(path+".token_auth", o.TokenAuth, "basic", "post")
	k.form(path+".hosted_domain", o.HostedDomain, hostWord, "a domain in small letters, such as example.com")
	if o.ClientID == "" {
		k.fault(path, " has no client_id", "the provider gives it when this application is registered there")
	}
	k.roles(path, o.Roles)
}

func (k *serveCheck) saml(s *SAML, path string, providers map[string]string) {
	k.provider(path, s.Name, providers)
	if s.Metadata == "" {
		k.fault(path, " has no metadata", "the https address or the file of the provider's metadata")
	} else if u, err := url.Parse(s.Metadata); strings.Contains(s.Metadata, "://") &&
		(err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && s.Private && loopbackName(u.Hostname()))) {
		k.fault(path+".metadata", " is no https address", "an https address, or a file: whoever changes it says who signs in")
	}
	k.word(path+".binding", s.Binding, "redirect", "post")
	k.word(path+".signed", s.Signed, "assertion", "response", "both")
	k.word(path+".name_id", s.NameID, "email", "any")
	k.pair(path+".key", s.Key != "", path+".certificate", s.Certificate != "")
	if s.Sign && s.Key == "" {
		k.fault(path+".sign", " is there without key", "give key and certificate too")
	}
	k.roles(path, s.Roles)
}

func (k *serveCheck) word(path, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		k.fault(path, fmt.Sprintf(" is %q", value), strings.Join(allowed, " or ")+", or leave it out")
	}
}

// manages reports whether a mapping makes admins of everything.
func manages(m RoleMapping) bool {
	b := m.Binding()
	return b.Role == yagura.RoleAdmin && b.Scope.All()
}

func (k *serveCheck) roles(path string, roles []RoleMapping) {
	if len(roles) == 0 {
		k.fault(path, " has no roles", "roles: [{group: security, role: analyst}]: who is in no such group is not let in")
	}
	for i := range roles {
		m, at := &roles[i], fmt.Sprintf("%s.roles[%d]", path, i)
		if (m.Group == "") == (m.Email == "") {
			k.fault(at, " has no group or e-mail address, or both", "give exactly one of group and email")
		}
		k.form(at+".email", m.Email, emailWord, "mary@example.com or *@example.com")
		if m.Role == "" {
			k.fault(at, " has no role", "viewer, analyst, responder or admin")
		} else if _, err := yagura.ParseRole(string(m.Role)); err != nil {
			k.fault(at+".role", fmt.Sprintf(" is %q", m.Role), "viewer, analyst, responder or admin")
		}
	}
}

func (k *serveCheck) acme(a *ACME) {
	if len(a.Hosts) == 0 {
		if a.Email != "" || a.Directory != "" || a.Accept || a.HTTP != "" || a.CA != "" {
			k.fault("console.acme", " has no hosts", "hosts: [yagura.example.com]")
		}
		return
	}
	k.forms("console.acme.hosts", a.Hosts, hostWord, "a name of this server in small letters, such as yagura.example.com")
	if !a.Accept {
		k.fault("console.acme", " does not accept the terms of the authority", "read them, then write accept_terms: true")
	}
	if k.c.Server.TLSCert != "" {
		k.fault("console.acme", " is there with server.tls_cert", "give one of them")
	}
	if k.c.Server.Listen == "" {
		k.fault("console.acme", " needs a server, and nothing listens", "server: {listen: :443}")
	}
	k.form("console.acme.email", a.Email, mailWord, "whom the authority writes to, such as ops@example.com")
	k.address("console.acme.directory", a.Directory, false)
	if a.HTTP != "" {
		if _, port, err := net.SplitHostPort(a.HTTP); err != nil || port == "" {
			k.fault("console.acme.http", fmt.Sprintf(" is %q", a.HTTP), "host:port, such as :80")
		}
	}
}
