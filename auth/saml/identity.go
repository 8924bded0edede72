package saml

import (
	"slices"
	"strings"
	"unicode"

	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/auth/flow"
)

// The usual names of attributes, of Entra ID, AD FS, Okta, Google, Keycloak and eduPerson.
var (
	usualEmail = []string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "email", "mail", "emailAddress", "Email"}
	usualName  = []string{"http://schemas.microsoft.com/identity/claims/displayname", "urn:oid:2.16.840.1.113730.3.1.241", "displayName", "displayname", "name", "cn", "urn:oid:2.5.4.3"}
	usualGiven = []string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "urn:oid:2.5.4.42", "givenName", "firstName", "first_name"}
	usualLast  = []string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "urn:oid:2.5.4.4", "sn", "surname", "lastName", "last_name"}
	usualGroup = []string{"groups", "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", "http://schemas.xmlsoap.org/claims/Group", "memberOf", "Groups"}
)

// overage is what Entra ID says in the place of groups that are too many.
const overage = "http://schemas.microsoft.com/claims/groups.link"

// first returns the first of some attributes that has one value.
func (s *statement) first(given string, usual []string) (string, error) {
	names := usual
	if given != "" {
		names = []string{given}
	}
	for _, n := range names {
		values := s.attributes[n]
		if len(values) > 1 && given != "" {
			return "", flow.Refusef(flow.IdentityRefused, "the attribute %.100q has %d values", n, len(values))
		}
		if len(values) == 1 && values[0] != "" {
			return values[0], nil
		}
	}
	return "", nil
}

// identity reads who a user is out of a statement that was checked.
func (c *Config) identity(s *statement) (auth.Assertion, error) {
	refuse := func(code, format string, args ...any) (auth.Assertion, error) {
		return auth.Assertion{}, flow.Refusef(code, format, args...)
	}
	a := auth.Assertion{Via: c.Name, Subject: s.nameID, Method: s.method, ID: "saml/" + c.Name + "/" + s.id, Until: s.until.Add(2 * Skew)}
	if a.Subject == "" || len(a.Subject) > 255 || !printable(a.Subject) {
		return refuse(flow.IdentityRefused, "the NameID is empty, or longer than 255 bytes, or not text")
	}
	if s.format == formatTransient {
		return refuse(flow.NotConfigured, "the NameID is another one at each sign-in: format transient (hint: let the provider send an e-mail address or a persistent name)")
	}
	var err error
	if a.Email, err = s.first(c.EmailAttribute, usualEmail); err != nil {
		return a, err
	}
	if c.NameID != "any" {
		if s.format != formatEmail && s.format != "" && s.format != formatUnset || !emailForm(a.Subject) {
			return refuse(flow.NotConfigured, "the NameID %.100q of the format %.100q is no e-mail address (hint: let the provider send one, or name_id: any)", a.Subject, s.format)
		}
		// Addresses are compared as people do: a provider that changes the case of one
		// speaks of the same user.
		a.Subject = strings.ToLower(a.Subject)
		a.Email, a.EmailVerified = s.nameID, true
	}
	if a.Email != "" && !emailForm(a.Email) {
		return refuse(flow.IdentityRefused, "the address %.100q is none", a.Email)
	}
	name, err := s.first(c.NameAttribute, nil)
	switch {
	case err != nil:
		return a, err
	case name == "" && c.NameAttribute != "":
		return refuse(flow.IdentityRefused, "there is no attribute %q", c.NameAttribute)
	case name == "" && a.Email != "":
		name = a.Email
	case name == "":
		name = s.nameID
	}
	if a.Name = strings.ToLower(name); len(a.Name) > auth.MostAsserted || !printable(a.Name) {
		return refuse(flow.IdentityRefused, "the name %.100q is not text, or too long", name)
	}
	if a.Display, err = s.first(c.DisplayAttribute, usualName); err != nil {
		return a, err
	}
	if a.Display == "" {
		given, _ := s.first("", usualGiven)
		last, _ := s.first("", usualLast)
		a.Display = strings.TrimSpace(given + " " + last)
	}
	if a.Display == "" || len(a.Display) > auth.MostAsserted || !printable(a.Display) {
		a.Display = a.Name
	}
	a.Groups, err = c.groups(s)
	return a, err
}

func (c *Config) groups(s *statement) ([]string, error) {
	names := usualGroup
	if c.GroupsAttribute != "" {
		names = []string{c.GroupsAttribute}
	}
	var out []string
	for _, n := range names {
		if values := s.attributes[n]; len(values) > 0 {
			out = slices.Clone(values)
			break
		}
	}
	if _, left := s.attributes[overage]; left && len(out) == 0 {
		return nil, flow.Refusef(flow.GroupsOverage, "the provider left the groups out, as the user is in too many (hint: Entra ID: in the groups claim, choose groups assigned to the application)")
	}
	if len(out) > auth.MostGroups {
		return nil, flow.Refusef(flow.IdentityRefused, "there are %d groups, more than %d", len(out), auth.MostGroups)
	}
	for _, g := range out {
		if g == "" || len(g) > auth.MostAsserted || !printable(g) {
			return nil, flow.Refusef(flow.IdentityRefused, "there is a group %.80q", g)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func emailForm(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(s) <= 254 && !strings.ContainsAny(s, " <>\"(),;:\\") && !strings.Contains(domain, "@") && printable(s)
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar })
}
