package auth

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
)

func gateAt(t testing.TB, change func(*Options)) *Gate {
	t.Helper()
	o := Options{Store: nowhere{}, Cost: Cost{8, 1, 1}, Gateways: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}}
	if change != nil {
		change(&o)
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// nowhere is for what asks no store.
type nowhere struct{ Store }

// TestFrom: whose word is taken for an address. An address that cannot be told is none.
func TestFrom(t *testing.T) {
	g := gateAt(t, nil)
	for name, c := range map[string]struct {
		remote, xff, forwarded string
		want                   string
	}{
		"direct":                    {"203.0.113.7:1", "", "", "203.0.113.7"},
		"a stranger's header":       {"203.0.113.7:1", "10.0.0.1", "", "203.0.113.7"},
		"a stranger's Forwarded":    {"203.0.113.7:1", "", "for=10.0.0.1", "203.0.113.7"},
		"gateway alone":             {"10.1.0.7:1", "", "", "10.1.0.7"},
		"one hop":                   {"10.1.0.7:1", "203.0.113.7", "", "203.0.113.7"},
		"a client's lie":            {"10.1.0.7:1", "192.0.2.1, 203.0.113.7", "", "203.0.113.7"},
		"two gateways":              {"10.1.0.7:1", "192.0.2.1, 203.0.113.7, 10.1.0.8", "", "203.0.113.7"},
		"gateways all the way":      {"10.1.0.7:1", "10.1.0.9, 10.1.0.8", "", "10.1.0.9"},
		"port":                      {"10.1.0.7:1", "203.0.113.7:4711", "", "203.0.113.7"},
		"port, 6":                   {"10.1.0.7:1", "[2001:db8::7]:4711", "", "2001:db8::7"},
		"brackets":                  {"10.1.0.7:1", "[2001:db8::7]", "", "2001:db8::7"},
		"gateway by 6":              {"[2001:db8:1::9]:1", "203.0.113.7", "", "203.0.113.7"},
		"4 in 6":                    {"[::ffff:10.1.0.7]:1", "::ffff:203.0.113.7", "", "203.0.113.7"},
		"zone":                      {"[fe80::1%eth0]:1", "", "", "fe80::1"},
		"no address on the right":   {"10.1.0.7:1", "203.0.113.7, unknown", "", ""},
		"empty":                     {"10.1.0.7:1", "203.0.113.7,", "", ""},
		"rubbish on the left":       {"10.1.0.7:1", "<script>, 203.0.113.7", "", "203.0.113.7"},
		"too many":                  {"10.1.0.7:1", strings.Repeat("203.0.113.7,", 100) + "203.0.113.7", "", ""},
		"Forwarded":                 {"10.1.0.7:1", "", `for=203.0.113.7;proto=https`, "203.0.113.7"},
		"Forwarded, 6":              {"10.1.0.7:1", "", `for="[2001:db8::7]:47011"`, "2001:db8::7"},
		"Forwarded, two":            {"10.1.0.7:1", "", `for=192.0.2.1, For="203.0.113.7", for=10.1.0.8`, "203.0.113.7"},
		"Forwarded, a comma inside": {"10.1.0.7:1", "", `for=192.0.2.1;host="a, for=192.0.2.2", for=203.0.113.7`, "203.0.113.7"},
		"Forwarded, hidden":         {"10.1.0.7:1", "", `for=203.0.113.7, for=_gazonk`, ""},
		"Forwarded, unknown":        {"10.1.0.7:1", "", `for=unknown`, ""},
		"Forwarded, broken":         {"10.1.0.7:1", "", `for="203.0.113.7`, ""},
		"Forwarded, twice":          {"10.1.0.7:1", "", `for=192.0.2.1;for=203.0.113.7`, ""},
		"both agree":                {"10.1.0.7:1", "192.0.2.1, 203.0.113.7", "for=203.0.113.7", "203.0.113.7"},
		"both differ":               {"10.1.0.7:1", "203.0.113.7", "for=192.0.2.1", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.xff != "" {
			r.Header.Set("X-Forwarded-For", c.xff)
		}
		if c.forwarded != "" {
			r.Header.Set("Forwarded", c.forwarded)
		}
		if got := g.From(r); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	// Lines of a header are one list.
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "10.1.0.7:1"
	r.Header["X-Forwarded-For"] = []string{"192.0.2.1", "203.0.113.7"}
	if got := g.From(r); got != "203.0.113.7" {
		t.Error(got)
	}
}

// TestNetworks: only addresses of the list are answered; one that cannot be told is not.
func TestNetworks(t *testing.T) {
	g := gateAt(t, func(o *Options) {
		o.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.1.0.0/16")}
	})
	for name, c := range map[string]struct {
		remote, xff, forwarded string
		ok                     bool
	}{
		"inside":              {"192.0.2.9:1", "", "", true},
		"outside":             {"203.0.113.9:1", "", "", false},
		"outside, lying":      {"203.0.113.9:1", "192.0.2.9", "", false},
		"behind, inside":      {"10.1.0.7:1", "192.0.2.9", "", true},
		"behind, outside":     {"10.1.0.7:1", "203.0.113.9", "", false},
		"behind, lying":       {"10.1.0.7:1", "192.0.2.9, 203.0.113.9", "", false},
		"behind, two headers": {"10.1.0.7:1", "203.0.113.9", "for=192.0.2.9", false},
		"behind, hidden":      {"10.1.0.7:1", "unknown", "", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		for k, v := range map[string]string{"X-Forwarded-For": c.xff, "Forwarded": c.forwarded} {
			if v != "" {
				r.Header.Set(k, v)
			}
		}
		err := g.CheckNetwork(r)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if _, ierr := g.Identify(r); (asRefusal(ierr) == nil) != c.ok {
			t.Errorf("%s: Identify says %v", name, ierr)
		}
	}
}

// TestCheckWrite: which writes another site may have sent.
func TestCheckWrite(t *testing.T) {
	g := gateAt(t, func(o *Options) { o.Public = &url.URL{Scheme: "https", Host: "yagura.example.com"} })
	person := &Identity{Session: &yagura.Session{}, CSRF: csrf("secret")}
	machine := &Identity{}
	for name, c := range map[string]struct {
		id                         *Identity
		host, remote               string
		site, origin, token, proto string
		plain                      bool
		want                       bool
	}{
		"token of the session":         {id: person, token: person.CSRF, want: true},
		"same origin":                  {id: person, token: person.CSRF, site: "same-origin", origin: "https://yagura.example.com", want: true},
		"origin with its port":         {id: person, token: person.CSRF, origin: "https://yagura.example.com:443", want: true},
		"no token":                     {id: person, site: "same-origin", origin: "https://yagura.example.com"},
		"another session's":            {id: person, token: csrf("other")},
		"cross site":                   {id: person, token: person.CSRF, site: "cross-site"},
		"same site":                    {id: person, token: person.CSRF, site: "same-site"},
		"unknown word":                 {id: person, token: person.CSRF, site: "x"},
		"another origin":               {id: person, token: person.CSRF, origin: "https://evil.example.com"},
		"another port":                 {id: person, token: person.CSRF, origin: "https://yagura.example.com:8443"},
		"plain origin":                 {id: person, token: person.CSRF, origin: "http://yagura.example.com"},
		"null origin":                  {id: person, token: person.CSRF, origin: "null"},
		"sub-domain":                   {id: person, token: person.CSRF, origin: "https://evil.yagura.example.com"},
		"prefix":                       {id: person, token: person.CSRF, origin: "https://yagura.example.com.evil.example"},
		"sign-in":                      {want: true},
		"sign-in, own page":            {site: "same-origin", origin: "https://yagura.example.com", want: true},
		"sign-in from another site":    {site: "cross-site"},
		"sign-in from another origin":  {origin: "https://evil.example.com"},
		"machine":                      {id: machine, site: "cross-site", origin: "https://evil.example.com", want: true},
		"by the host that was asked":   {id: person, token: person.CSRF, host: "10.9.9.9:8443", origin: "https://10.9.9.9:8443", want: true},
		"this machine":                 {id: person, token: person.CSRF, host: "localhost:8080", remote: "127.0.0.1:1", origin: "http://localhost:8080", plain: true, want: true},
		"behind a gateway, inner host": {id: person, token: person.CSRF, host: "yagura.internal", remote: "10.1.0.7:1", proto: "https", origin: "https://yagura.example.com", plain: true, want: true},
	} {
		r := httptest.NewRequest("POST", "https://yagura.example.com/api/v1/x", nil)
		if c.host != "" {
			r.Host = c.host
		}
		if c.remote != "" {
			r.RemoteAddr = c.remote
		}
		if c.plain {
			r.TLS = nil
		}
		for k, v := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin, "X-CSRF-Token": c.token, "X-Forwarded-Proto": c.proto} {
			if v != "" {
				r.Header.Set(k, v)
			}
		}
		if err := g.CheckWrite(r, c.id); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := httptest.NewRequest("POST", "https://yagura.example.com/api/v1/x", nil)
	r.Header["Origin"] = []string{"https://yagura.example.com", "https://evil.example.com"}
	r.TLS = &tls.ConnectionState{}
	if g.CheckWrite(r, nil) == nil {
		t.Error("two origins are taken")
	}
	if got := csrf("secret"); got == "secret" || got != csrf("secret") || len(got) != 43 {
		t.Error(got)
	}
}

func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"", "for=1.2.3.4", `for="[::1]:80";proto=http, for=_x`, `for="a\"b", ,`, "for=1.2.3.4;for=5.6.7.8", ";;=", `a="\`, "1.2.3.4, 5.6.7.8:9"} {
		f.Add(s, s)
	}
	g := gateAt(f, nil)
	f.Fuzz(func(t *testing.T, a, b string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "10.1.0.7:1"
		r.Header = http.Header{"Forwarded": {a}, "X-Forwarded-For": {b}}
		// Whatever a client wrote on the left, what the gateway adds on the right decides.
		r.Header["Forwarded"] = []string{a, "for=203.0.113.7"}
		r.Header["X-Forwarded-For"] = []string{b, "203.0.113.7"}
		if got := g.From(r); got != "203.0.113.7" && got != "" {
			t.Errorf("%q, %q: %q", a, b, got)
		}
		delete(r.Header, "Forwarded")
		if got := g.From(r); got != "203.0.113.7" && (got != "" || strings.Count(b, ",") < maxHops-2) {
			t.Errorf("%q: %q", b, got)
		}
	})
}
