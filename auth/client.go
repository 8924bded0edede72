package auth

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// client is what a request says of where it comes from.
type client struct {
	addr   netip.Addr // zero where it cannot be told
	secure bool       // by TLS, as far as this server or a trusted gateway knows
	local  bool       // from this machine to this machine, without a gateway
}

// text is the address for people.
func (c client) text() string {
	if !c.addr.IsValid() {
		return ""
	}
	return c.addr.String()
}

func within(a netip.Addr, list []netip.Prefix) bool {
	return a.IsValid() && slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// gateway reports whether a request came through a trusted gateway.
func (g *Gate) gateway(r *http.Request) bool { return within(remote(r.RemoteAddr), g.o.Gateways) }

// client reads where a request comes from. Headers count from trusted gateways alone.
func (g *Gate) client(r *http.Request) client {
	at := remote(r.RemoteAddr)
	if !g.gateway(r) {
		name := hostName(r.Host)
		own := at.IsLoopback() && (name == "localhost" || parseAddr(name).IsLoopback()) &&
			r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
		return client{addr: at, secure: r.TLS != nil, local: own}
	}
	c := client{addr: g.behind(r, at), secure: r.TLS != nil}
	if protos := r.Header.Values("X-Forwarded-Proto"); len(protos) > 0 {
		// Every hop must have been encrypted: a client may only make itself worse.
		c.secure = !slices.ContainsFunc(strings.Split(strings.Join(protos, ","), ","), func(p string) bool {
			return !strings.EqualFold(strings.TrimSpace(p), "https")
		})
	}
	return c
}

// behind is the address behind the gateways: the first from the right that is none. Two
// headers that disagree are nobody's word: a gateway that sets one may hand on the other as a
// client wrote it.
func (g *Gate) behind(r *http.Request, at netip.Addr) netip.Addr {
	var found []netip.Addr
	for header, parse := range map[string]func([]string) []netip.Addr{"X-Forwarded-For": forwardedFor, "Forwarded": forwarded} {
		values := r.Header.Values(header)
		if len(values) == 0 {
			continue
		}
		hops := parse(values)
		i := len(hops) - 1
		for i > 0 && within(hops[i], g.o.Gateways) {
			i--
		}
		found = append(found, hops[i])
	}
	switch {
	case len(found) == 0:
		return at
	case len(found) == 2 && found[0] != found[1]:
		return netip.Addr{}
	}
	return found[0]
}

// From is the address that a request came from, behind trusted gateways; "" where it cannot be
// told.
func (g *Gate) From(r *http.Request) string { return g.client(r).text() }

// CheckNetwork refuses a request from an address that the configuration does not allow.
func (g *Gate) CheckNetwork(r *http.Request) error {
	if len(g.o.Networks) == 0 || within(g.client(r).addr, g.o.Networks) {
		return nil
	}
	return refuseForbidden("network", "this address may not come here", "このアドレスからは利用できません")
}

// checkSecure refuses to hand a cookie to a browser that would send it in the clear.
func (g *Gate) checkSecure(r *http.Request) error {
	if c := g.client(r); c.secure || c.local {
		return nil
	}
	return refuseForbidden("insecure", "sign-in needs https: ask for the console by its https address; behind a gateway that terminates TLS, name the gateway in console.trusted_gateways",
		"サインインには https が必要です。TLS を終端するゲートウェイの後ろでは console.trusted_gateways にそのアドレスを書いてください")
}

// CheckWrite refuses a write that another site may have made the browser send. id is nil for
// a sign-in.
func (g *Gate) CheckWrite(r *http.Request, id *Identity) error {
	if id != nil && id.Session == nil {
		return nil // a token is sent by no browser on its own
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return &Refusal{Code: codeCSRF, Detail: "the request comes from another site", Ja: "他のサイトからの要求です"}
	}
	if origins := r.Header.Values("Origin"); len(origins) > 1 || len(origins) == 1 && !g.own(r, origins[0]) {
		return &Refusal{Code: codeCSRF, Detail: "the request comes from another origin; console.url says how browsers reach this server", Ja: "他のオリジンからの要求です。console.url にブラウザーから見たアドレスを書いてください"}
	}
	if id != nil && !same(r.Header.Get("X-CSRF-Token"), id.CSRF) {
		return &Refusal{Code: codeCSRF, Detail: "X-CSRF-Token is missing or not that of the session (hint: GET /api/v1/session has it)", Ja: "X-CSRF-Token がないか、このセッションのものではありません"}
	}
	return nil
}

// own reports whether an origin is this server's.
func (g *Gate) own(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Path != "" {
		return false
	}
	if p := g.o.Public; p != nil && u.Scheme == p.Scheme && sameHost(u.Host, p.Host, u.Scheme) {
		return true
	}
	scheme := "http"
	if g.client(r).secure {
		scheme = "https"
	}
	return u.Scheme == scheme && sameHost(u.Host, r.Host, scheme)
}

// sameHost compares hosts with their ports; the usual one may be left out.
func sameHost(a, b, scheme string) bool {
	port := map[string]string{"http": ":80", "https": ":443"}[scheme]
	return strings.EqualFold(strings.TrimSuffix(a, port), strings.TrimSuffix(b, port))
}

func hostName(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.Trim(hostPort, "[]")
}
