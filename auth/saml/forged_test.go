package saml

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// evil makes a copy of an element that names somebody else and has no signature.
func evil(e *etree.Element, id string) *etree.Element {
	c := e.Copy()
	for _, s := range c.FindElements(".//Signature") {
		s.Parent().RemoveChild(s)
	}
	c.CreateAttr("ID", id)
	if a := c.FindElement("./Assertion"); a != nil {
		a.CreateAttr("ID", id+"_a")
	}
	if n := c.FindElement(".//NameID"); n != nil {
		n.SetText("admin@example.com")
	}
	return c
}

// forgery is one attack: what is done before the provider signs (which makes it a fault of the
// provider, or a response that was meant for somebody else), after, and to the bytes.
type forgery struct {
	name    string
	before  func(t *testing.T, r *etree.Element)
	signed  string // "" the assertion; "response", "both", "none"
	by      *signer
	method  string
	form    dsig.Canonicalizer
	after   func(t *testing.T, r *etree.Element) *etree.Element // nil result: r
	bytes   func(string) string
	config  func(*Config)
	keys    []*signer
	relay   func(id string) string
	noMatch bool // the browser has no cookie
	later   time.Duration
	want    string
}

func set(path, attribute, value string) func(*testing.T, *etree.Element) {
	return func(t *testing.T, r *etree.Element) {
		t.Helper()
		e := r
		if path != "" {
			e = r.FindElement(path)
		}
		if value == "" {
			e.RemoveAttr(attribute)
			return
		}
		e.CreateAttr(attribute, value)
	}
}

func setText(path, value string) func(*testing.T, *etree.Element) {
	return func(_ *testing.T, r *etree.Element) { r.FindElement(path).SetText(value) }
}

func drop(path string) func(*testing.T, *etree.Element) {
	return func(_ *testing.T, r *etree.Element) { e := r.FindElement(path); e.Parent().RemoveChild(e) }
}

func replace(old, new string) func(string) string {
	return func(s string) string {
		if !strings.Contains(s, old) {
			panic("there is no " + old)
		}
		return strings.Replace(s, old, new, 1)
	}
}

const (
	inAssertion  = "./Assertion"
	confirmation = "./Assertion/Subject/SubjectConfirmation"
	confirmData  = confirmation + "/SubjectConfirmationData"
	conditions   = "./Assertion/Conditions"
)

var forgeries = []forgery{
	// Signature wrapping, by the usual numbers.
	{name: "XSW1: the signed response inside the signature of a forged one", signed: "response", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		e, original := evil(r, "_evil"), r.Copy()
		sig := original.FindElement("./Signature")
		moved := sig.Copy()
		original.RemoveChild(sig)
		moved.AddChild(original)
		e.InsertChildAt(1, moved)
		return e
	}, want: "inside the Response"},
	{name: "XSW2: the signed response beside the signature in a forged one", signed: "response", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		e, original := evil(r, "_evil"), r.Copy()
		sig := original.FindElement("./Signature")
		moved := sig.Copy()
		original.RemoveChild(sig)
		e.InsertChildAt(1, moved)
		e.InsertChildAt(1, original)
		return e
	}, want: "Response has a \"Response\""},
	{name: "XSW3: a forged assertion before the signed one", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		r.InsertChildAt(a.Index(), evil(a, "_evil"))
		return r
	}, want: "two assertions"},
	{name: "XSW4: the signed assertion inside a forged one", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		e := evil(a, "_evil")
		r.RemoveChild(a)
		e.AddChild(a)
		r.AddChild(e)
		return r
	}, want: "two assertions"},
	{name: "XSW5: a forged assertion with the signature of one at the end", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		e, sig := evil(a, "_evil"), a.FindElement("./Signature")
		a.RemoveChild(sig)
		e.InsertChildAt(1, sig)
		r.InsertChildAt(a.Index(), e)
		return r
	}, want: "two assertions"},
	{name: "XSW6: the signed assertion inside the signature of a forged one", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		e, sig := evil(a, "_evil"), a.FindElement("./Signature")
		a.RemoveChild(sig)
		r.RemoveChild(a)
		sig.AddChild(a)
		e.InsertChildAt(1, sig)
		r.AddChild(e)
		return r
	}, want: "two assertions"},
	{name: "XSW7: a forged assertion in Extensions", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		x := etree.NewElement("samlp:Extensions")
		x.AddChild(evil(r.FindElement(inAssertion), "_a1x"))
		r.InsertChildAt(1, x)
		return r
	}, want: "Response has a \"Extensions\""},
	{name: "XSW8: the signed assertion in an Object of the signature of a forged one", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		e, sig := evil(a, "_evil"), a.FindElement("./Signature")
		a.RemoveChild(sig)
		r.RemoveChild(a)
		sig.CreateElement("ds:Object").AddChild(a)
		e.InsertChildAt(1, sig)
		r.AddChild(e)
		return r
	}, want: "there "},
	{name: "forged assertion with the same ID", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		r.InsertChildAt(a.Index(), evil(a, "_a1"))
		return r
	}, want: "two elements have the ID"},
	{name: "forged assertion with the same ID in a lower-case attribute", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		r.FindElement(inAssertion+"/Subject").CreateAttr("id", "_a1")
		return r
	}, want: "two elements have the ID"},
	{name: "forged assertion under another namespace", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		e := evil(a, "_evil")
		e.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:1.0:assertion")
		r.InsertChildAt(a.Index(), e)
		return r
	}, want: "Response has a \"Assertion\""},
	{name: "signed assertion hidden in a status detail", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		e := evil(a, "_evil")
		r.RemoveChild(a)
		r.FindElement("./Status").CreateElement("samlp:StatusDetail").AddChild(a)
		r.AddChild(e)
		return r
	}, want: "not a child of the Response"},
	{name: "signature of the assertion moved to the response", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		sig := a.FindElement("./Signature")
		a.RemoveChild(sig)
		r.InsertChildAt(1, sig)
		return r
	}, want: `the signature in Response "_r1" is of "#_a1"`},
	{name: "signature at another place in the assertion", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		sig := a.FindElement("./Signature")
		a.RemoveChild(sig)
		a.AddChild(sig)
		return r
	}, want: "not in its place"},
	{name: "two signatures", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		a.InsertChildAt(1, a.FindElement("./Signature").Copy())
		return r
	}, want: "2 signatures"},
	{name: "a second reference", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		i := r.FindElement(".//SignedInfo")
		i.AddChild(i.FindElement("./Reference").Copy())
		return r
	}, want: "2 Reference"},
	{name: "a second SignedInfo", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		s := r.FindElement(".//Signature")
		s.AddChild(s.FindElement("./SignedInfo").Copy())
		return r
	}, want: "2 SignedInfo"},
	{name: "a reference to the whole document", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		r.FindElement(".//Reference").CreateAttr("URI", "")
		return r
	}, want: `is of ""`},
	{name: "a reference by XPointer", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		r.FindElement(".//Reference").CreateAttr("URI", "#xpointer(id('_a1'))")
		return r
	}, want: "is of \"#xpointer"},
	{name: "a reference to another server", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		r.FindElement(".//Reference").CreateAttr("URI", "http://evil.example/x")
		return r
	}, want: "is of \"http"},
	{name: "a transform by XSLT", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		r.FindElement(".//Transforms").CreateElement("ds:Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
		return r
	}, want: "transforms"},
	{name: "a transform by XPath", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		r.FindElement(".//Transforms").ChildElements()[1].CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
		return r
	}, want: "transforms"},
	{name: "digest value with a comment inside", bytes: replace("<ds:DigestValue>", "<ds:DigestValue><!--x-->"), want: "comment"},
	{name: "digest value twice", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		ref := r.FindElement(".//Reference")
		ref.AddChild(ref.FindElement("./DigestValue").Copy())
		return r
	}, want: "2 DigestValue"},
	{name: "inclusive canonical form", form: dsig.MakeC14N11Canonicalizer(), want: "canonical form"},

	// Keys and methods.
	{name: "not signed", signed: "none", want: "neither the response nor the assertion is signed"},
	{name: "signature taken off", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		s := r.FindElement(".//Signature")
		s.Parent().RemoveChild(s)
		return r
	}, want: "neither the response nor the assertion is signed"},
	{name: "the response alone signed, where the assertion has to be", signed: "response", config: func(c *Config) { c.Signed = "assertion" }, want: "the assertion is not signed"},
	{name: "the assertion alone signed, where the response has to be", config: func(c *Config) { c.Signed = "response" }, want: "the response is not signed"},
	{name: "the assertion alone signed, where both have to be", config: func(c *Config) { c.Signed = "both" }, want: "the response is not signed"},
	{name: "signed by a stranger, whose certificate is in the signature", by: strangerKey(), want: "the signature of Assertion"},
	{name: "the provider's certificate in a stranger's signature", by: &signer{strangerKey().key, idpKey().certificate}, want: "the signature of Assertion"},
	{name: "the response signed by the provider, the assertion by a stranger", signed: "response", before: func(t *testing.T, r *etree.Element) {
		strangerKey().sign(t, r.FindElement(inAssertion))
	}, want: "the signature of Assertion"},
	{name: "a key that was taken out of the metadata", by: secondKey(), want: "the signature of Assertion"},
	{name: "an expired certificate", by: oldKey(), keys: []*signer{oldKey()}, want: "not valid at this time"},
	{name: "a weak key beside a good one", by: weakKey(), keys: []*signer{idpKey(), weakKey()}, want: "the signature of Assertion"},
	{name: "RSA with SHA-1", method: dsig.RSASHA1SignatureMethod, want: "rsa-sha1"},
	{name: "ECDSA with SHA-1", by: ecKey(), keys: []*signer{ecKey()}, method: dsig.ECDSASHA1SignatureMethod, want: "ecdsa-sha1"},
	{name: "a digest with SHA-1", bytes: replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"), want: "digested with"},
	{name: "HMAC with the certificate as its key", bytes: replace(dsig.RSASHA256SignatureMethod, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), want: "signed with"},
	{name: "no method", bytes: replace(` Algorithm="`+dsig.RSASHA256SignatureMethod+`"`, ""), want: "signed with"},
	{name: "an empty signature", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		r.FindElement(".//SignatureValue").SetText("")
		return r
	}, want: "the signature of Assertion"},

	// Changed after the provider signed.
	{name: "another name", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		r.FindElement(".//NameID").SetText("admin@example.com")
		return r
	}, want: "the signature of Assertion"},
	{name: "another group", after: func(_ *testing.T, r *etree.Element) *etree.Element {
		r.FindElements(".//AttributeValue")[1].SetText("admins")
		return r
	}, want: "the signature of Assertion"},
	{name: "a later end", bytes: func(s string) string { return strings.ReplaceAll(s, stamp(300), stamp(3000)) }, want: "the signature of Assertion"},
	{name: "a comment that cuts the name", before: setText(".//NameID", "mary@example.com.evil.example"), bytes: replace("mary@example.com.evil", "mary@example.com<!---->.evil"), want: "it has a comment"},
	{name: "a comment that the provider signed", signed: "response", before: func(_ *testing.T, r *etree.Element) {
		n := r.FindElement(".//NameID")
		n.SetText("mary@example.com")
		n.CreateComment("x")
		n.CreateText(".evil.example")
	}, want: "it has a comment"},
	{name: "a processing instruction that cuts the name", bytes: replace("Mary@example.com", "Mary@example.com<?x?>.evil.example"), want: "processing instruction"},
	{name: "CDATA that hides a name", bytes: replace("Mary@example.com", "<![CDATA[admin@example.com]]>"), want: "CDATA"},
	{name: "an element that cuts the name", before: func(_ *testing.T, r *etree.Element) {
		n := r.FindElement(".//NameID")
		n.CreateElement("saml:x")
		n.CreateText(".evil.example")
	}, want: "not text"},

	// Meant for another place, time, or browser.
	{name: "another Destination", signed: "response", before: set("", "Destination", "https://other.example/acs"), want: "Destination"},
	{name: "another Destination around a signed assertion", before: set("", "Destination", "https://other.example/acs"), want: "Destination"},
	{name: "no Destination in a signed response", signed: "response", before: set("", "Destination", ""), want: "Destination"},
	{name: "another Recipient", before: set(confirmData, "Recipient", "https://other.example/acs"), want: "Recipient"},
	{name: "a Recipient that only begins like ours", before: set(confirmData, "Recipient", acsURL+"/x"), want: "Recipient"},
	{name: "no Recipient", before: set(confirmData, "Recipient", ""), want: "Recipient"},
	{name: "another audience", before: setText(conditions+"/AudienceRestriction/Audience", "https://other.example/sp"), want: "audience"},
	{name: "no audience", before: drop(conditions + "/AudienceRestriction"), want: "for which audience"},
	{name: "our audience, and a second restriction without us", before: func(_ *testing.T, r *etree.Element) {
		r.FindElement(conditions).CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText("https://other.example/sp")
	}, want: "audience"},
	{name: "another issuer of the assertion", before: setText(inAssertion+"/Issuer", "https://other.example/idp"), want: "issued by"},
	{name: "another issuer of the response", before: setText("./Issuer", "https://other.example/idp"), want: "issued by"},
	{name: "an issuer of another format", before: set(inAssertion+"/Issuer", "Format", "urn:x"), want: "format"},
	{name: "no issuer of a signed response", signed: "response", before: drop("./Issuer"), after: func(_ *testing.T, r *etree.Element) *etree.Element {
		// A signature stands first where there is no issuer.
		sig := r.FindElement("./Signature")
		r.RemoveChild(sig)
		r.InsertChildAt(0, sig)
		return r
	}, want: "does not say by whom"},
	{name: "an answer to another request", before: func(t *testing.T, r *etree.Element) {
		set("", "InResponseTo", "y_other")(t, r)
		set(confirmData, "InResponseTo", "y_other")(t, r)
	}, want: "answers the request"},
	{name: "the outer answer ours, the signed one another's", before: set(confirmData, "InResponseTo", "y_other"), want: "the assertion answers the request"},
	{name: "an assertion that answers nothing", before: set(confirmData, "InResponseTo", ""), want: "the assertion answers the request"},
	{name: "another browser", noMatch: true, want: "flow_lost: "},
	{name: "another relay state", relay: func(string) string { return "https://evil.example/" }, want: "flow_lost: "},
	{name: "expired beyond the skew", before: set(confirmData, "NotOnOrAfter", stamp(-121)), want: "expired"},
	{name: "conditions expired", before: set(conditions, "NotOnOrAfter", stamp(-121)), want: "expired"},
	{name: "not valid yet, beyond the skew", before: set(conditions, "NotBefore", stamp(121)), want: "not valid before"},
	{name: "no end", before: set(confirmData, "NotOnOrAfter", ""), want: "when it expires"},
	{name: "an end in ten years", before: set(confirmData, "NotOnOrAfter", stamp(300_000_000)), want: "longer than"},
	{name: "a time without a zone", before: set(conditions, "NotOnOrAfter", "2030-01-01T00:00:00"), want: "no time with a zone"},
	{name: "a time that is none", before: set(confirmData, "NotOnOrAfter", "9999999999"), want: "no time with a zone"},
	{name: "made in the future", before: set(inAssertion, "IssueInstant", stamp(121)), want: "has not come yet"},
	{name: "made long ago", before: set(inAssertion, "IssueInstant", stamp(-721)), want: "too long ago"},
	{name: "the provider's session has ended", before: set(inAssertion+"/AuthnStatement", "SessionNotOnOrAfter", stamp(-121)), want: "session at the provider has ended"},
	{name: "signed in in the future", before: set(inAssertion+"/AuthnStatement", "AuthnInstant", stamp(121)), want: "not come yet"},
	{name: "kept for a while", later: 8 * time.Minute, want: "expired"},

	// A form that is not that of the profile.
	{name: "no bearer", before: set(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"), want: "not as bearer"},
	{name: "holder of key", before: set(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"), want: "not as bearer"},
	{name: "no confirmation", before: drop(confirmation), want: "0 SubjectConfirmation"},
	{name: "no subject", before: drop(inAssertion + "/Subject"), want: "0 Subject"},
	{name: "two names", before: func(_ *testing.T, r *etree.Element) {
		s := r.FindElement(inAssertion + "/Subject")
		s.InsertChildAt(0, s.FindElement("./NameID").Copy())
	}, want: "2 NameID"},
	{name: "two subjects", before: func(_ *testing.T, r *etree.Element) {
		a := r.FindElement(inAssertion)
		a.AddChild(a.FindElement("./Subject").Copy())
	}, want: "2 Subject"},
	{name: "no conditions", before: drop(conditions), want: "0 Conditions"},
	{name: "an unknown condition", before: func(_ *testing.T, r *etree.Element) {
		r.FindElement(conditions).CreateElement("saml:Condition")
	}, want: "Conditions has a Condition"},
	{name: "no sign-in at the provider", before: drop(inAssertion + "/AuthnStatement"), want: "does not say that the user signed in"},
	{name: "an encrypted name", before: func(_ *testing.T, r *etree.Element) {
		r.FindElement(inAssertion + "/Subject/NameID").Tag = "EncryptedID"
	}, want: "EncryptedID"},
	{name: "an encrypted attribute", before: func(_ *testing.T, r *etree.Element) {
		r.FindElement(inAssertion + "/AttributeStatement").CreateElement("saml:EncryptedAttribute")
	}, want: "EncryptedAttribute"},
	{name: "SAML 1.1", before: set(inAssertion, "Version", "1.1"), want: "version"},
	{name: "a response of another version", before: set("", "Version", "2.1"), want: "version"},
	{name: "no assertion", before: drop(inAssertion), signed: "response", want: "0 assertions"},
	{name: "another document", bytes: func(string) string { return metadataOf(idpKey()) }, want: "no Response"},
	{name: "the provider says no", signed: "none", before: func(t *testing.T, r *etree.Element) {
		drop(inAssertion)(t, r)
		code := r.FindElement("./Status/StatusCode")
		code.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
		code.CreateElement("samlp:StatusCode").CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")
	}, want: "provider_refused: "},
	{name: "success below a failure", before: func(_ *testing.T, r *etree.Element) {
		code := r.FindElement("./Status/StatusCode")
		code.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
		code.CreateElement("samlp:StatusCode").CreateAttr("Value", statusSuccess)
	}, want: "provider_refused: "},
	{name: "two statuses", before: func(_ *testing.T, r *etree.Element) { r.InsertChildAt(1, r.FindElement("./Status").Copy()) }, want: "2 Status"},

	// XML that readers differ about, and XML that is too much.
	{name: "a document type", bytes: func(s string) string { return `<!DOCTYPE x>` + s }, want: "document type"},
	{name: "entities that grow", bytes: func(s string) string {
		return `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + strings.Replace(s, "Mary@", "&b;@", 1)
	}, want: "document type"},
	{name: "an entity of a file", bytes: func(s string) string {
		return `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + strings.Replace(s, "Mary@", "&x;@", 1)
	}, want: "document type"},
	{name: "an entity that nothing declares", bytes: replace("Mary@", "&nbsp;@"), want: "well-formed"},
	{name: "a stylesheet", bytes: func(s string) string { return `<?xml-stylesheet href="x"?>` + s }, want: "processing instruction"},
	{name: "cut off", bytes: func(s string) string { return s[:len(s)-20] }, want: "well-formed"},
	{name: "nothing", bytes: func(string) string { return "" }, want: "cut off"},
	{name: "no XML", bytes: func(string) string { return "hello" }, want: "text outside"},
	{name: "something after the end", bytes: func(s string) string { return s + "<x/>" }, want: "two elements at the top"},
	{name: "text after the end", bytes: func(s string) string { return s + "x" }, want: "text outside"},
	{name: "text in the response", bytes: replace("<samlp:Status>", "x<samlp:Status>"), want: "Response has text"},
	{name: "another encoding", bytes: func(s string) string { return `<?xml version="1.0" encoding="ISO-8859-1"?>` + s }, want: "UTF-8"},
	{name: "no UTF-8", bytes: replace("Mary@", "Mary\xff@"), want: "not UTF-8"},
	{name: "too long", bytes: func(s string) string { return s + strings.Repeat(" ", 600<<10) }, want: "bytes, more than"},
	{name: "too deep", bytes: replace("<samlp:Status>", strings.Repeat("<samlp:Status>", 30)), want: "deep"},
	{name: "too many elements", bytes: replace("<samlp:Status>", strings.Repeat("<samlp:Status/>", 10_001)+"<samlp:Status>"), want: "elements"},
	{name: "too many attributes", bytes: func(s string) string {
		var b strings.Builder
		for i := range 60 {
			fmt.Fprintf(&b, ` a%d="x"`, i)
		}
		return strings.Replace(s, "<samlp:Status>", "<samlp:Status"+b.String()+">", 1)
	}, want: "attributes"},
	{name: "an attribute twice", bytes: replace(`ID="_a1"`, `ID="_a1" ID="_a2"`), want: "twice"},
	{name: "an attribute twice, by two prefixes", bytes: replace(`<samlp:Status>`, `<samlp:Status xmlns:a="urn:x" xmlns:b="urn:x" a:k="1" b:k="2">`), want: "twice"},
	{name: "a prefix that nothing declares", bytes: replace("<samlp:Status>", "<samlp:Status zz:a=\"1\">"), want: "not declared"},
	{name: "a name with two colons", bytes: replace("<samlp:Status>", "<samlp:x:Status>"), want: "well-formed"},
	{name: "a name that begins with a colon", bytes: replace("<samlp:Status>", "<samlp:Status :a=\"1\">"), want: "name"},
	{name: "a prefix of XML bound to SAML", bytes: replace("<samlp:Status>", `<samlp:Status xmlns:xml="urn:x">`), want: "declares the prefix"},
	{name: "namespace taken back", bytes: replace("<samlp:Status>", `<samlp:Status xmlns:samlp="">`), want: "declares the prefix"},

	// Who it is.
	{name: "no address", before: setText(".//NameID", "mary"), want: "not_configured: "},
	{name: "a name that is another one each time", before: set(".//NameID", "Format", formatTransient), config: func(c *Config) { c.NameID = "any" }, want: "format transient"},
	{name: "a name of another format", before: set(".//NameID", "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"), want: "not_configured: "},
	{name: "an empty name", before: setText(".//NameID", " "), config: func(c *Config) { c.NameID = "any" }, want: "NameID is empty"},
	{name: "two addresses", before: setText(".//NameID", "a@example.com,b@example.com"), want: "no e-mail address"},
	{name: "a name with a zero-width mark", before: setText(".//NameID", "mary\u200b@example.com"), want: "not text"},
	{name: "groups left out", before: func(_ *testing.T, r *etree.Element) {
		r.FindElements(".//Attribute")[1].CreateAttr("Name", overage)
	}, want: "groups_overage: "},
	{name: "a group with a line end", before: func(_ *testing.T, r *etree.Element) { r.FindElements(".//AttributeValue")[1].SetText("a\nadmins") }, want: "there is a group"},
	{name: "a value with elements", before: func(_ *testing.T, r *etree.Element) {
		r.FindElements(".//AttributeValue")[1].CreateElement("saml:x")
	}, want: "elements in it"},

	// Encryption.
	{name: "encrypted, and no key here", after: encrypted(encryption{}), want: "no key here"},
	{name: "encrypted for somebody else", config: withKey, after: func(t *testing.T, r *etree.Element) *etree.Element {
		encrypt(t, r, strangerKey(), encryption{})
		return r
	}, want: "does not open"},
	{name: "encrypted, and not signed by anybody", signed: "none", config: withKey, after: encrypted(encryption{}), want: "neither the response nor the assertion is signed"},
	{name: "encrypted with CBC in a response that is not signed", config: withKey, after: encrypted(encryption{cbc: true}), want: "CBC in a response that is not signed"},
	{name: "encrypted with GCM, and changed", config: withKey, after: encrypted(encryption{flip: true}), want: "does not open"},
	{name: "a key by RSA 1.5", config: withKey, after: encrypted(encryption{rsa15: true}), want: "rsa-1_5"},
	{name: "Triple DES", config: withKey, after: encrypted(encryption{method: nsEncrypt + "tripledes-cbc"}), want: "tripledes"},
	{name: "a key of another length", config: withKey, after: encrypted(encryption{method: nsEncrypt11 + "aes128-gcm"}), want: "does not open"},
	{name: "encrypted comment", config: withKey, after: encrypted(encryption{plain: func(b []byte) []byte {
		return []byte(strings.Replace(string(b), "Mary@example.com", "Mary@example.com<!---->.evil.example", 1))
	}}), want: "it has a comment"},
	{name: "two encrypted assertions in one", config: withKey, after: encrypted(encryption{plain: func(b []byte) []byte { return append(b, b...) }}), want: "two elements"},
	{name: "an encrypted response", config: withKey, after: encrypted(encryption{plain: func([]byte) []byte {
		return []byte(`<p:Response xmlns:p="` + nsProtocol + `"/>`)
	}}), want: "no assertion"},
	{name: "a forged assertion wrapped into the encrypted one", config: withKey, after: func(t *testing.T, r *etree.Element) *etree.Element {
		a := r.FindElement(inAssertion)
		e := evil(a, "_evil")
		r.RemoveChild(a)
		e.AddChild(a)
		r.AddChild(e)
		encrypt(t, r, ourKey(), encryption{})
		return r
	}, want: "two assertions"},
	{name: "an encrypted and a plain assertion", config: withKey, after: func(t *testing.T, r *etree.Element) *etree.Element {
		e := evil(r.FindElement(inAssertion), "_evil")
		encrypt(t, r, ourKey(), encryption{})
		r.AddChild(e)
		return r
	}, want: "two assertions"},
}

func encrypted(how encryption) func(*testing.T, *etree.Element) *etree.Element {
	return func(t *testing.T, r *etree.Element) *etree.Element {
		encrypt(t, r, ourKey(), how)
		return r
	}
}

// TestForgedResponses: every row is one attack, or one thing that a provider did wrong. Each is
// refused, for the reason that the row says; and where nothing is done, the user is let in.
func TestForgedResponses(t *testing.T) {
	for _, f := range append(forgeries, forgery{name: "nothing wrong", want: "let in"}) {
		t.Run(f.name, func(t *testing.T) {
			h := newHouse(t, f.config, f.keys...)
			id, cookies := h.begin()
			r := response(t, id)
			if f.before != nil {
				f.before(t, r)
			}
			by, form := f.by, f.form
			if by == nil {
				by = idpKey()
			}
			if form == nil {
				form = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
			}
			if f.signed == "" || f.signed == "both" {
				by.signAs(t, r.FindElement(inAssertion), f.method, form)
			}
			if f.signed == "response" || f.signed == "both" {
				by.signAs(t, r, f.method, form)
			}
			if f.after != nil {
				r = f.after(t, r)
			}
			body := write(t, r)
			if f.bytes != nil {
				body = f.bytes(body)
			}
			if f.noMatch {
				cookies = nil
			}
			relay := id
			if f.relay != nil {
				relay = f.relay(id)
			}
			h.now = h.now.Add(f.later)
			to := h.post(body, relay, cookies)
			if f.want == "let in" {
				if len(h.in) != 1 {
					t.Errorf("refused: %v", h.refused)
				}
				return
			}
			if len(h.in) != 0 || len(h.refused) != 1 {
				t.Fatalf("let in: %+v, refused %v", h.in, h.refused)
			}
			if !strings.Contains(h.refused[0], f.want) {
				t.Errorf("refused as %q, want %q", h.refused[0], f.want)
			}
			code, _, _ := strings.Cut(h.refused[0], ":")
			if !strings.HasPrefix(to, "/sign-in?problem="+code+"&provider=corp&request=") {
				t.Errorf("the browser is told %s", to)
			}
		})
	}
}

func TestResponseIsTakenOnce(t *testing.T) {
	h := newHouse(t, nil)
	id, cookies := h.begin()
	r := response(t, id)
	idpKey().sign(t, r)
	if h.post(write(t, r), id, cookies); len(h.in) != 1 {
		t.Fatal(h.refused)
	}
	if to := h.post(write(t, r), id, cookies); !strings.HasPrefix(to, "/sign-in?problem=flow_used&") || len(h.in) != 1 {
		t.Errorf("sent to %s, let in %v", to, h.in)
	}
	// The same assertion in an answer to another request is not possible: it names the request.
	second, cookies := h.begin()
	if to := h.post(write(t, r), second, cookies); !strings.HasPrefix(to, "/sign-in?problem=identity_refused&") || len(h.in) != 1 {
		t.Errorf("sent to %s, let in %v", to, h.in)
	}
}

// TestForms: what comes to the address of responses and is no response in a form.
func TestForms(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.IDPInitiated = true })
	send := func(method, kind, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/auth/saml/corp/acs", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		h.provider.Handler().ServeHTTP(w, r)
		return w
	}
	if w := send("GET", "", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	const kind = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct{ kind, body, want string }{
		"multipart":     {"multipart/form-data; boundary=x", "SAMLResponse=x", "no form"},
		"JSON":          {"application/json", `{"SAMLResponse":"x"}`, "no form"},
		"two responses": {kind, "SAMLResponse=a&SAMLResponse=b", "not one SAMLResponse"},
		"none":          {kind, "x=y", "not one SAMLResponse"},
		"too long":      {kind, "SAMLResponse=" + strings.Repeat("A", 2<<20), "too large"},
		"no base64":     {kind, "SAMLResponse=" + url.QueryEscape("<x/>"), "SAMLResponse: "},
		"bad escape":    {kind, "SAMLResponse=%zz", "the form"},
	} {
		h.refused = nil
		w := send("POST", c.kind, c.body)
		if w.Code != http.StatusSeeOther || len(h.refused) != 1 || !strings.Contains(h.refused[0], c.want) || len(h.in) != 0 {
			t.Errorf("%s: %d %v, want %q", name, w.Code, h.refused, c.want)
		}
	}
}

// TestEveryPlace puts forged parts at every place of signed responses, and takes every part of
// them away: what is believed is what the provider signed, or nothing.
func TestEveryPlace(t *testing.T) {
	h := newHouse(t, withKey)
	x := expected{idp: &idp{entityID: theirs, certificates: []*x509.Certificate{idpKey().certificate}}, entityID: ourEntity, acs: acsURL, request: "y1", key: h.provider.key(), now: h.now}
	tried, believed := 0, 0
	try := func(r *etree.Element, why string) {
		tried++
		s, err := check([]byte(write(t, r)), x)
		if err != nil {
			return
		}
		believed++
		if s.nameID != "Mary@example.com" || s.id != "_a1" || strings.Join(s.attributes["groups"], " ") != "security all" || strings.Join(s.attributes["displayName"], " ") != "花子 Mary" {
			t.Errorf("%s: believed %+v", why, s)
		}
	}
	for _, how := range []string{"assertion", "response", "both"} {
		make := func() *etree.Element {
			r := response(t, "y1")
			if how != "response" {
				idpKey().sign(t, r.FindElement(inAssertion))
			}
			if how != "assertion" {
				idpKey().sign(t, r)
			}
			return r
		}
		original := make()
		try(original, "as signed")
		places := len(original.FindElements(".//*")) + 1
		at := func(r *etree.Element, n int) *etree.Element {
			if n == 0 {
				return r
			}
			return r.FindElements(".//*")[n-1]
		}
		for n := 1; n < places; n++ {
			r := original.Copy()
			e := at(r, n)
			e.Parent().RemoveChild(e)
			try(r, how+": without "+at(original, n).GetPath())
		}
		forged := map[string]*etree.Element{"response": evil(original, "_e")}
		for _, path := range []string{inAssertion, inAssertion + "/Subject", ".//NameID", ".//AttributeStatement", ".//Attribute[@Name='groups']", ".//AttributeValue"} {
			e := evil(original.FindElement(path), "_e")
			if e.Tag != "Assertion" {
				e.RemoveAttr("ID")
			}
			for _, v := range append(e.FindElements(".//AttributeValue"), e) {
				if v.Tag == "AttributeValue" || v.Tag == "NameID" {
					v.SetText("admin@example.com")
				}
			}
			forged[path] = e
		}
		for name, e := range forged {
			for n := range places {
				for i := range len(at(original, n).Child) + 1 {
					r := original.Copy()
					at(r, n).InsertChildAt(i, e.Copy())
					try(r, fmt.Sprintf("%s: forged %s at %d of %s", how, name, i, at(original, n).GetPath()))
				}
			}
		}
	}
	if believed < 3 || tried < 1000 {
		t.Errorf("tried %d, believed %d", tried, believed)
	}
	t.Logf("tried %d places, %d left what was signed as it was", tried, believed)
}
