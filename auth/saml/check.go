package saml

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/yagura-sec/yagura/auth/flow"
)

const (
	statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"
	methodBearer  = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
)

// expected is what a response has to fit.
type expected struct {
	idp      *idp
	entityID string // ours
	acs      string // where responses are sent
	request  string // the id of our request; "" where nobody here asked
	signed   string // as Config.Signed
	key      *rsa.PrivateKey
	now      time.Time
}

// statement is what a response says of a user, once it is believed.
type statement struct {
	id         string // of the assertion
	nameID     string
	format     string
	method     string // how the user signed in at the provider
	until      time.Time
	attributes map[string][]string
}

// check reads a response. The order is that of the package comment. What is read comes out of
// what is signed, but for the few things around an assertion that is signed by itself; those
// may refuse, and grant nothing.
func check(body []byte, x expected) (*statement, error) {
	root, err := parse(body, responseBounds)
	if err != nil {
		return nil, err
	}
	if err := checkShape(root); err != nil {
		return nil, err
	}
	responseSig, err := signatureOf(root)
	if err != nil {
		return nil, err
	}
	signedResponse := responseSig != nil
	if signedResponse {
		if root, err = verify(root, x.idp.certificates, x.now); err != nil {
			return nil, err
		}
		if err := checkShape(root); err != nil {
			return nil, err
		}
	}
	if err := checkResponse(root, signedResponse, x); err != nil {
		return nil, err
	}
	assertion, err := assertionOf(root, signedResponse, x)
	if err != nil {
		return nil, err
	}
	sig, err := signatureOf(assertion)
	if err != nil {
		return nil, err
	}
	signedAssertion := sig != nil
	if signedAssertion {
		if assertion, err = verify(assertion, x.idp.certificates, x.now); err != nil {
			return nil, err
		}
	}
	if err := enough(x.signed, signedResponse, signedAssertion); err != nil {
		return nil, err
	}
	return checkAssertion(assertion, x)
}

// enough says whether what has to be signed is.
func enough(want string, response, assertion bool) error {
	switch {
	case !response && !assertion:
		return errors.New("neither the response nor the assertion is signed")
	case (want == "assertion" || want == "both") && !assertion:
		return errors.New("the assertion is not signed")
	case (want == "response" || want == "both") && !response:
		return errors.New("the response is not signed")
	}
	return nil
}

// checkShape refuses a response that is anything but a Response with one assertion, with
// signatures at the two places where they belong. An element of a telling name at any other
// place, in whatever namespace, is how signatures are made to cover one thing while another is
// read.
func checkShape(root *etree.Element) error {
	if !is(root, nsProtocol, "Response") {
		return fmt.Errorf("it is a %.80q of %.100q and no Response", root.Tag, root.NamespaceURI())
	}
	for _, t := range root.Child {
		switch t := t.(type) {
		case *etree.CharData:
			if strings.TrimSpace(t.Data) != "" {
				return errors.New("Response has text")
			}
		case *etree.Element:
			if !is(t, nsProtocol, "Status") && !is(t, nsSignature, "Signature") && !is(t, nsAssertion, "Issuer") && !is(t, nsAssertion, "Assertion") && !is(t, nsAssertion, "EncryptedAssertion") {
				return fmt.Errorf("Response has a %.80q", t.Tag)
			}
		}
	}
	assertions := 0
	return walk(root, func(e *etree.Element) error {
		parent := e.Parent()
		inEncrypted := false
		for at := parent; at != nil; at = at.Parent() {
			inEncrypted = inEncrypted || is(at, nsAssertion, "EncryptedAssertion")
		}
		switch e.Tag {
		case "Response":
			if e != root {
				return errors.New("there is a Response inside the Response")
			}
		case "Assertion", "EncryptedAssertion":
			if assertions++; assertions > 1 {
				return errors.New("there are two assertions")
			}
			if parent != root || e.NamespaceURI() != nsAssertion {
				return errors.New("there is an assertion that is not a child of the Response")
			}
		case "Signature", "SignedInfo":
			good := e.NamespaceURI() == nsSignature && !inEncrypted
			if e.Tag == "Signature" {
				good = good && (parent == root || is(parent, nsAssertion, "Assertion") && parent.Parent() == root)
			} else {
				good = good && is(parent, nsSignature, "Signature")
			}
			if !good {
				return errors.New("there is a signature at a place where none belongs")
			}
		case "Object", "Manifest", "Extensions", "Advice":
			return fmt.Errorf("there is a %s", e.Tag)
		}
		return nil
	})
}

// checkResponse looks at the outer element.
func checkResponse(r *etree.Element, signed bool, x expected) error {
	if v := attr(r, "Version"); v != "2.0" {
		return fmt.Errorf("Response has the version %.20q", v)
	}
	if !ncName.MatchString(attr(r, "ID")) {
		return errors.New("Response has no usable ID")
	}
	if err := recent(r, x.now); err != nil {
		return err
	}
	if d := attr(r, "Destination"); d != x.acs && (d != "" || signed) {
		return fmt.Errorf("Response is for the Destination %.200q and not %q", d, x.acs)
	}
	if has(r, "InResponseTo") && x.request == "" {
		return errors.New("Response answers a request, and this browser has none under way")
	}
	if in := attr(r, "InResponseTo"); in != x.request {
		return fmt.Errorf("Response answers the request %.100q and not this browser's", in)
	}
	if all := children(r, nsAssertion, "Issuer"); len(all) > 1 {
		return errors.New("Response has two Issuer")
	} else if len(all) == 1 {
		if err := checkIssuer(all[0], x.idp.entityID); err != nil {
			return err
		}
	} else if signed {
		return errors.New("Response is signed and does not say by whom")
	}
	return checkStatus(r)
}

func checkStatus(r *etree.Element) error {
	status, err := one(r, nsProtocol, "Status")
	if err != nil {
		return err
	}
	code, err := one(status, nsProtocol, "StatusCode")
	if err != nil {
		return err
	}
	if attr(code, "Value") == statusSuccess {
		return nil
	}
	says := []string{attr(code, "Value")}
	for _, c := range children(code, nsProtocol, "StatusCode") {
		says = append(says, attr(c, "Value"))
	}
	for _, m := range children(status, nsProtocol, "StatusMessage") {
		if t, err := text(m); err == nil {
			says = append(says, t)
		}
	}
	return flow.Refusef(flow.ProviderRefused, "the provider says %.400q", says)
}

// assertionOf returns the assertion of a response, decrypted.
func assertionOf(r *etree.Element, signed bool, x expected) (*etree.Element, error) {
	plain, encrypted := children(r, nsAssertion, "Assertion"), children(r, nsAssertion, "EncryptedAssertion")
	switch {
	case len(plain)+len(encrypted) != 1:
		return nil, fmt.Errorf("Response has %d assertions and not one", len(plain)+len(encrypted))
	case len(plain) == 1:
		return plain[0], nil
	}
	a, err := decrypt(encrypted[0], x.key, signed)
	if err != nil {
		return nil, err
	}
	// The shape of what was encrypted is looked at now, in the place of an assertion.
	around := etree.NewElement("p:Response")
	around.CreateAttr("xmlns:p", nsProtocol)
	around.AddChild(a)
	return a, checkShape(around)
}

func checkIssuer(e *etree.Element, want string) error {
	if f := attr(e, "Format"); f != "" && f != "urn:oasis:names:tc:SAML:2.0:nameid-format:entity" {
		return fmt.Errorf("Issuer has the format %.100q", f)
	}
	got, err := text(e)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("it is issued by %.200q and not by %q", got, want)
	}
	return nil
}

// recent looks at IssueInstant.
func recent(e *etree.Element, now time.Time) error {
	t, err := parseTime(attr(e, "IssueInstant"))
	switch {
	case err != nil:
		return fmt.Errorf("%s: IssueInstant: %w", e.Tag, err)
	case t.After(now.Add(Skew)):
		return fmt.Errorf("%s was made at %s, which has not come yet (hint: look at both clocks)", e.Tag, t.UTC().Format(time.RFC3339))
	case t.Before(now.Add(-maxAge - Skew)):
		return fmt.Errorf("%s was made at %s, too long ago", e.Tag, t.UTC().Format(time.RFC3339))
	}
	return nil
}

// within looks at NotBefore and NotOnOrAfter, and returns the latter; zero where it is not said.
func within(e *etree.Element, now time.Time) (time.Time, error) {
	var end time.Time
	if has(e, "NotBefore") {
		t, err := parseTime(attr(e, "NotBefore"))
		if err != nil {
			return end, fmt.Errorf("%s: NotBefore: %w", e.Tag, err)
		}
		if now.Add(Skew).Before(t) {
			return end, fmt.Errorf("%s is not valid before %s", e.Tag, t.UTC().Format(time.RFC3339))
		}
	}
	if has(e, "NotOnOrAfter") {
		t, err := parseTime(attr(e, "NotOnOrAfter"))
		if err != nil {
			return end, fmt.Errorf("%s: NotOnOrAfter: %w", e.Tag, err)
		}
		if !now.Add(-Skew).Before(t) {
			return end, fmt.Errorf("%s has expired at %s", e.Tag, t.UTC().Format(time.RFC3339))
		}
		if t.After(now.Add(maxLife)) {
			return end, fmt.Errorf("%s is valid until %s, longer than %s", e.Tag, t.UTC().Format(time.RFC3339), maxLife)
		}
		end = t
	}
	return end, nil
}

// checkAssertion reads an assertion whose signature, or whose response's, was checked.
func checkAssertion(a *etree.Element, x expected) (*statement, error) {
	if err := only(a, nsAssertion, "Issuer", "Signature", "Subject", "Conditions", "AuthnStatement", "AttributeStatement"); err != nil {
		return nil, err
	}
	s := &statement{id: attr(a, "ID")}
	if v := attr(a, "Version"); v != "2.0" {
		return nil, fmt.Errorf("Assertion has the version %.20q", v)
	}
	if !ncName.MatchString(s.id) {
		return nil, errors.New("Assertion has no usable ID")
	}
	if err := recent(a, x.now); err != nil {
		return nil, err
	}
	issuer, err := one(a, nsAssertion, "Issuer")
	if err != nil {
		return nil, err
	}
	if err := checkIssuer(issuer, x.idp.entityID); err != nil {
		return nil, err
	}
	subject, err := one(a, nsAssertion, "Subject")
	if err != nil {
		return nil, err
	}
	if err := s.subject(subject, x); err != nil {
		return nil, err
	}
	conditions, err := one(a, nsAssertion, "Conditions")
	if err != nil {
		return nil, err
	}
	if err := checkConditions(conditions, x); err != nil {
		return nil, err
	}
	if err := s.authentication(children(a, nsAssertion, "AuthnStatement"), x.now); err != nil {
		return nil, err
	}
	return s, s.readAttributes(children(a, nsAssertion, "AttributeStatement"))
}

// subject reads whom an assertion is about, and whether it may be used here and now by who
// carries it.
func (s *statement) subject(e *etree.Element, x expected) error {
	if err := only(e, nsAssertion, "NameID", "SubjectConfirmation"); err != nil {
		return err
	}
	name, err := one(e, nsAssertion, "NameID")
	if err != nil {
		return err
	}
	if s.nameID, err = text(name); err != nil {
		return err
	}
	s.format = attr(name, "Format")
	all := children(e, nsAssertion, "SubjectConfirmation")
	if len(all) == 0 || len(all) > 8 {
		return fmt.Errorf("Subject has %d SubjectConfirmation", len(all))
	}
	var last error
	for _, c := range all {
		if s.until, last = confirmed(c, x); last == nil {
			return nil
		}
	}
	return last
}

func confirmed(c *etree.Element, x expected) (time.Time, error) {
	var none time.Time
	if m := attr(c, "Method"); m != methodBearer {
		return none, fmt.Errorf("the subject is confirmed by %.100q and not as bearer", m)
	}
	data, err := one(c, nsAssertion, "SubjectConfirmationData")
	if err != nil {
		return none, err
	}
	if r := attr(data, "Recipient"); r != x.acs {
		return none, fmt.Errorf("the assertion is for the Recipient %.200q and not %q", r, x.acs)
	}
	if has(data, "InResponseTo") && x.request == "" {
		return none, errors.New("the assertion answers a request, and this browser has none under way")
	}
	if in := attr(data, "InResponseTo"); in != x.request {
		return none, fmt.Errorf("the assertion answers the request %.100q and not this browser's", in)
	}
	end, err := within(data, x.now)
	if err == nil && end.IsZero() {
		err = errors.New("SubjectConfirmationData does not say when it expires")
	}
	return end, err
}

func checkConditions(c *etree.Element, x expected) error {
	// A condition that is not known must make an assertion invalid.
	if err := only(c, nsAssertion, "AudienceRestriction", "OneTimeUse", "ProxyRestriction"); err != nil {
		return err
	}
	if _, err := within(c, x.now); err != nil {
		return err
	}
	all := children(c, nsAssertion, "AudienceRestriction")
	if len(all) == 0 {
		return errors.New("the assertion does not say for which audience it is")
	}
	for _, r := range all {
		var names []string
		found := false
		for _, a := range children(r, nsAssertion, "Audience") {
			t, err := text(a)
			if err != nil {
				return err
			}
			names = append(names, t)
			found = found || t == x.entityID
		}
		if !found {
			return fmt.Errorf("the assertion is for the audience %.300q and not %q", names, x.entityID)
		}
	}
	return nil
}

// authentication reads how and when the user signed in at the provider.
func (s *statement) authentication(all []*etree.Element, now time.Time) error {
	if len(all) == 0 {
		return errors.New("the assertion does not say that the user signed in")
	}
	for _, e := range all {
		at, err := parseTime(attr(e, "AuthnInstant"))
		if err != nil {
			return fmt.Errorf("AuthnInstant: %w", err)
		}
		if at.After(now.Add(Skew)) {
			return errors.New("the user signed in at a time that has not come yet")
		}
		if has(e, "SessionNotOnOrAfter") {
			end, err := parseTime(attr(e, "SessionNotOnOrAfter"))
			if err != nil {
				return fmt.Errorf("SessionNotOnOrAfter: %w", err)
			}
			if !now.Add(-Skew).Before(end) {
				return errors.New("the user's session at the provider has ended")
			}
		}
		for _, c := range children(e, nsAssertion, "AuthnContext") {
			for _, ref := range children(c, nsAssertion, "AuthnContextClassRef") {
				if t, err := text(ref); err == nil && len(t) < 200 && printable(t) {
					s.method = t
				}
			}
		}
	}
	return nil
}

func (s *statement) readAttributes(all []*etree.Element) error {
	s.attributes = map[string][]string{}
	n := 0
	for _, st := range all {
		// An encrypted attribute would be left out without a word.
		if err := only(st, nsAssertion, "Attribute"); err != nil {
			return err
		}
		for _, a := range children(st, nsAssertion, "Attribute") {
			name := attr(a, "Name")
			if _, there := s.attributes[name]; !there {
				s.attributes[name] = nil
			}
			for _, v := range children(a, nsAssertion, "AttributeValue") {
				if n++; n > 5000 {
					return errors.New("there are more than 5000 values of attributes")
				}
				t, err := text(v)
				if err != nil {
					t, err = nested(v)
				}
				if err != nil {
					return fmt.Errorf("the attribute %.100q: %w", name, err)
				}
				s.attributes[name] = append(s.attributes[name], t)
			}
		}
	}
	return nil
}

// nested reads a value that is a NameID, as eduPersonTargetedID is; other elements in values say
// nothing here.
func nested(v *etree.Element) (string, error) {
	if kids := v.ChildElements(); len(kids) == 1 && is(kids[0], nsAssertion, "NameID") {
		if err := only(v, nsAssertion, "NameID"); err != nil {
			return "", err
		}
		return text(kids[0])
	}
	return "", errors.New("a value has elements in it")
}
