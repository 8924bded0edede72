package config

import (
	"net/netip"
	"strings"
	"testing"
)

// console is a configuration of the console that nothing is wrong with.
const console = `server: {listen: ":8443"}
console:
  url: https://yagura.example.com
  networks: [10.0.0.0/8, "2001:db8::/32", 192.0.2.7]
  trusted_gateways: [10.1.0.0/24]
  client_certificate_header: Client-Cert
  sessions: {idle: 8h, age: 1d}
  local: false
  oidc:
    - name: entra
      label: Entra ID
      issuer: https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0
      client_id: abc
      client_secret: ref+env://OIDC_SECRET
      roles:
        - {group: security, role: admin}
        - {email: "*@example.com", role: viewer, accounts: ["111122223333"], formats: [aws.cloudtrail], tenants: [shop]}
  saml:
    - name: adfs
      metadata: https://adfs.example.com/FederationMetadata/2007-06/FederationMetadata.xml
      key: ref+env://SAML_KEY
      certificate: saml.crt
      sign: true
      roles: [{group: "*", role: viewer}]
  acme: {hosts: [yagura.example.com], email: ops@example.com, accept_terms: true, http: ":80"}
`

// TestConsole: every setting that cannot be is refused, with its place and what to do.
func TestConsole(t *testing.T) {
	c, err := load(t, console)
	if err != nil {
		t.Fatal(err)
	}
	if b := c.Console.OIDC[0].Roles[1].Binding(); c.Console.LocalSignIn() || b.Role != "viewer" || !b.Scope.Holds("", "111122223333", "aws.cloudtrail") || b.Scope.Holds("", "444455556666", "aws.cloudtrail") {
		t.Errorf("%+v", c.Console)
	}
	for name, c := range map[string]struct{ old, text, want string }{
		"off":          {"  url: https://yagura.example.com\n", "  off: true\n", "y.yaml:3:8: console.off is there with other settings"},
		"path":         {"yagura.example.com\n  networks", "yagura.example.com/console\n  networks", `y.yaml:3:8: console.url is "https://yagura.example.com/console" (hint: scheme and host alone`},
		"plain":        {"url: https", "url: http", "y.yaml:3:8: console.url is not encrypted"},
		"no address":   {"url: https://yagura.example.com", "url: yagura", "y.yaml:3:8: console.url is no address"},
		"network":      {"10.0.0.0/8", "10.0.0.0/33", `y.yaml:4:14: console.networks[0] is "10.0.0.0/33"`},
		"gateway":      {"[10.1.0.0/24]", "[proxy]", `y.yaml:5:22: console.trusted_gateways[0] is "proxy"`},
		"everybody":    {"[10.1.0.0/24]", "[0.0.0.0/0]", `y.yaml:5:22: console.trusted_gateways[0] is "0.0.0.0/0", which is everybody`},
		"header":       {"header: Client-Cert", "header: 'Client Cert'", `y.yaml:6:30: console.client_certificate_header is "Client Cert"`},
		"no gateway":   {"  trusted_gateways: [10.1.0.0/24]\n", "", "y.yaml:5:30: console.client_certificate_header is there without trusted_gateways"},
		"idle":         {"idle: 8h", "idle: 1m", "y.yaml:7:20: console.sessions.idle is shorter than 5m"},
		"age":          {"age: 1d", "age: 91d", "y.yaml:7:29: console.sessions.age is longer than 90d"},
		"order":        {"idle: 8h", "idle: 30h", "y.yaml:7:20: console.sessions.idle is longer than age"},
		"no issuer":    {"      issuer: https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0\n", "", "y.yaml:10:7: console.oidc[0] has no issuer"},
		"plain issuer": {"issuer: https", "issuer: http", "y.yaml:12:15: console.oidc[0].issuer is not encrypted"},
		"query":        {"/v2.0", "/v2.0?x=1", "y.yaml:12:15: console.oidc[0].issuer is no address of an issuer"},
		"no client":    {"      client_id: abc\n", "", "console.oidc[0] has no client_id"},
		"role":         {"role: admin", "role: root", `y.yaml:16:35: console.oidc[0].roles[0].role is "root"`},
		"no role":      {"group: security, role: admin", "group: security", "y.yaml:16:11: console.oidc[0].roles[0] has no role"},
		"both":         {"group: security, role", "group: security, email: a@b.example, role", "y.yaml:16:11: console.oidc[0].roles[0] has no group or e-mail address, or both"},
		"email":        {`"*@example.com"`, `"*@*"`, `y.yaml:17:19: console.oidc[0].roles[1].email is "*@*"`},
		"no roles":     {"      roles: [{group: \"*\", role: viewer}]\n", "", "y.yaml:19:7: console.saml[0] has no roles"},
		"same name":    {"name: adfs", "name: entra", `y.yaml:19:13: console.saml[0].name is "entra", as that of console.oidc[0]`},
		"local name":   {"name: adfs", "name: local", `y.yaml:19:13: console.saml[0].name is "local"`},
		"metadata":     {"metadata: https", "metadata: http", "y.yaml:20:17: console.saml[0].metadata is no https address"},
		"binding":      {"sign: true", "sign: true\n      binding: soap", `y.yaml:24:16: console.saml[0].binding is "soap" (hint: redirect or post, or leave it out)`},
		"signed":       {"sign: true", "sign: true\n      signed: none", `y.yaml:24:15: console.saml[0].signed is "none"`},
		"name id":      {"sign: true", "sign: true\n      name_id: x509", `y.yaml:24:16: console.saml[0].name_id is "x509"`},
		"token auth":   {"client_id: abc", "client_id: abc\n      token_auth: jwt", `y.yaml:14:19: console.oidc[0].token_auth is "jwt"`},
		"domain":       {"client_id: abc", "client_id: abc\n      hosted_domain: '@example.com'", `console.oidc[0].hosted_domain is "@example.com"`},
		"no admin":     {"role: admin", "role: admin, accounts: ['1']", "y.yaml:8:10: console.local is false, and no identity provider makes anybody an admin"},
		"half key":     {"      certificate: saml.crt\n", "", "y.yaml:21:12: console.saml[0].key is there without certificate"},
		"unsigned":     {"      key: ref+env://SAML_KEY\n      certificate: saml.crt\n", "", "y.yaml:21:13: console.saml[0].sign is there without key"},
		"no url":       {"  url: https://yagura.example.com\n", "", "console has identity providers and no url"},
		"hosts":        {"hosts: [yagura.example.com]", "hosts: [https://yagura.example.com]", `y.yaml:25:18: console.acme.hosts[0] is "https://yagura.example.com"`},
		"no hosts":     {"hosts: [yagura.example.com], ", "", "y.yaml:25:9: console.acme has no hosts"},
		"terms":        {"accept_terms: true, ", "", "y.yaml:25:9: console.acme does not accept the terms"},
		"both tls":     {`{listen: ":8443"}`, `{listen: ":8443", tls_cert: a, tls_key: b}`, "y.yaml:25:9: console.acme is there with server.tls_cert"},
		"http":         {`http: ":80"`, `http: "80"`, `console.acme.http is "80"`},
		"client ca":    {"  acme: {hosts: [yagura.example.com], email: ops@example.com, accept_terms: true, http: \":80\"}\n", "  client_ca: x\n", "y.yaml:25:14: console.client_ca is there without TLS"},
		"nobody":       {"  oidc:", "  odic:", `unknown key "console.odic" (hint: did you mean oidc?)`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(console, c.old) {
				t.Fatalf("the configuration has no %q", c.old)
			}
			_, err := load(t, strings.Replace(console, c.old, c.text, 1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
	for text, want := range map[string]string{
		"console: {local: false}\n": "y.yaml:1:18: console.local is false, and there is no identity provider",
		"server: {listen: ':1', tls_cert: a, tls_key: b, client_ca: x}\nconsole: {client_ca: y}":        "y.yaml:2:22: console.client_ca is there with server.client_ca",
		"console: {url: 'http://127.0.0.1:8080'}":                                                       "",
		"server: {listen: ':1'}\nsources: [{name: a, push: {path: /auth/x, tokens: ['ref+env://T']}}]":  `sources[0].push.path is "/auth/x"`,
		"server: {listen: ':1'}\nsources: [{name: a, push: {path: /authors, tokens: ['ref+env://T']}}]": "",
	} {
		if _, err := load(t, text); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{"10.1.2.3/8": "10.0.0.0/8", "192.0.2.7": "192.0.2.7/32", "::1": "::1/128", "::ffff:10.0.0.1": "10.0.0.1/32",
		"::ffff:10.0.0.0/104": "", "fe80::1%eth0": "", "": "", "example.com": ""} {
		got, err := ParseNetwork(text)
		if want == "" && err == nil || want != "" && got != netip.MustParsePrefix(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
