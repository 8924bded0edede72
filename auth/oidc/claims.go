package oidc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/auth/flow"
)

// claims are what a provider says of a user.
type claims map[string]any

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return strings.TrimSpace(s)
}

// yes reads a truth value. Some providers write it as text or a number.
func (c claims) yes(name string) (value, there bool) {
	switch v := c[name].(type) {
	case bool:
		return v, true
	case string:
		return v == "true" || v == "1", true
	case float64:
		return v == 1, true
	}
	return false, false
}

// at returns a claim by its name, or by a path of names with dots between. A whole name comes
// first: names with dots are usual, as "https://example.com/groups".
func (c claims) at(path string) (any, bool) {
	if v, ok := c[path]; ok {
		return v, true
	}
	var v any = map[string]any(c)
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// identity reads who a user is out of claims that were checked.
func (c *Config) identity(cl claims) (auth.Assertion, error) {
	a := auth.Assertion{Via: c.Name, Subject: cl.text("sub"), Email: cl.text("email"), Display: cl.text("name"), Method: method(cl)}
	if a.Subject == "" || len(a.Subject) > 255 || !printable(a.Subject) {
		return a, flow.Refusef(flow.IdentityRefused, "the token's sub is empty, or longer than 255 bytes, or not text")
	}
	if c.HostedDomain != "" && !strings.EqualFold(cl.text("hd"), c.HostedDomain) {
		return a, flow.Refusef(flow.WrongDomain, "the user's hd is %.80q and not %q", cl.text("hd"), c.HostedDomain)
	}
	if a.Email != "" && !emailForm(a.Email) {
		return a, flow.Refusef(flow.IdentityRefused, "email %.80q is not an address", a.Email)
	}
	verified, said := cl.yes("email_verified")
	if !said {
		// Entra ID does not say email_verified; xms_edov says that the address is in a domain
		// that the tenant has proven to own.
		verified, _ = cl.yes("xms_edov")
	}
	if said && !verified && a.Email != "" && !c.AllowUnverifiedEmail {
		return a, flow.Refusef(flow.EmailUnverified, "the provider has not verified the address %.80q", a.Email)
	}
	a.EmailVerified = verified && a.Email != ""

	names := []string{"preferred_username", "email", "upn"}
	if c.NameClaim != "" {
		names = []string{c.NameClaim}
	}
	for _, n := range names {
		if v, _ := cl.at(n); a.Name == "" {
			s, _ := v.(string)
			a.Name = strings.ToLower(strings.TrimSpace(s))
		}
	}
	if a.Name == "" || len(a.Name) > auth.MostAsserted || !printable(a.Name) {
		return a, flow.Refusef(flow.IdentityRefused, "there is no usable name in %s (hint: scopes: [profile, email], or name_claim)", strings.Join(names, ", "))
	}
	if a.Display == "" {
		a.Display = strings.TrimSpace(cl.text("given_name") + " " + cl.text("family_name"))
	}
	if a.Display == "" || len(a.Display) > auth.MostAsserted || !printable(a.Display) {
		a.Display = a.Name
	}
	var err error
	a.Groups, err = c.groups(cl)
	return a, err
}

// groupsClaim is the claim that says the groups.
func (c *Config) groupsClaim() string {
	if c.GroupsClaim == "" {
		return "groups"
	}
	return c.GroupsClaim
}

func (c *Config) groups(cl claims) ([]string, error) {
	path := c.groupsClaim()
	top, _, _ := strings.Cut(path, ".")
	// A provider that leaves the groups out because they are many says where they could be
	// asked for. To take that for "no group" would take roles away, or give what is meant for
	// everybody else.
	elsewhere, _ := cl["_claim_names"].(map[string]any)
	_, distributed := elsewhere[top]
	_, distributedWhole := elsewhere[path]
	has, _ := cl.yes("hasgroups")
	if distributed || distributedWhole || has && path == "groups" {
		return nil, flow.Refusef(flow.GroupsOverage, "the provider left the claim %s out, as the user is in too many groups (hint: Entra ID: in Token configuration, edit the groups claim to emit groups assigned to the application; or define app roles and set groups_claim: roles)", path)
	}
	v, ok := cl.at(path)
	if !ok || v == nil {
		return nil, nil
	}
	var out []string
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, one := range v {
			s, ok := one.(string)
			if !ok {
				return nil, flow.Refusef(flow.IdentityRefused, "the claim %s holds something that is not text", path)
			}
			out = append(out, s)
		}
	default:
		return nil, flow.Refusef(flow.IdentityRefused, "the claim %s is not a list of texts", path)
	}
	if len(out) > auth.MostGroups {
		return nil, flow.Refusef(flow.IdentityRefused, "the claim %s has %d groups, more than %d", path, len(out), auth.MostGroups)
	}
	for _, g := range out {
		if g == "" || len(g) > auth.MostAsserted || !printable(g) {
			return nil, flow.Refusef(flow.IdentityRefused, "the claim %s holds the group %.80q", path, g)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// wants reports whether claims lack something that the provider may tell at its userinfo
// endpoint.
func (c *Config) wants(cl claims) bool {
	name := c.NameClaim
	if name == "" {
		name = "email"
	}
	_, named := cl.at(name)
	_, grouped := cl.at(c.groupsClaim())
	_, elsewhere := cl["_claim_names"]
	return !named || !grouped && !elsewhere
}

func method(cl claims) string {
	var out []string
	if s := cl.text("acr"); s != "" {
		out = append(out, "acr="+s)
	}
	if amr, _ := cl["amr"].([]any); len(amr) > 0 {
		out = append(out, fmt.Sprintf("amr=%v", amr))
	}
	s := strings.Join(out, " ")
	if len(s) > auth.MostAsserted || !printable(s) {
		return ""
	}
	return s
}

func emailForm(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(s) <= 254 && !strings.ContainsAny(s, " <>\"(),;:\\") && !strings.Contains(domain, "@") && printable(s)
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar })
}

func parseClaims(body []byte) (claims, error) {
	var c claims
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, err
	}
	return c, nil
}
