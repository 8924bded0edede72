package saml

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

const (
	enveloped      = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	exclusive      = "http://www.w3.org/2001/10/xml-exc-c14n#"
	exclusiveNotes = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
)

// Methods that are taken. What uses SHA-1 is not among them, and no configuration brings it in.
var (
	signatureMethods = map[string]bool{
		dsig.RSASHA256SignatureMethod: true, dsig.RSASHA384SignatureMethod: true, dsig.RSASHA512SignatureMethod: true,
		dsig.ECDSASHA256SignatureMethod: true, dsig.ECDSASHA384SignatureMethod: true, dsig.ECDSASHA512SignatureMethod: true,
	}
	digestMethods = map[string]bool{
		"http://www.w3.org/2001/04/xmlenc#sha256": true, "http://www.w3.org/2001/04/xmldsig-more#sha384": true, "http://www.w3.org/2001/04/xmlenc#sha512": true,
	}
)

// signatureOf returns the signature of an element: a child at the place where the schema has
// it, after the Issuer if there is one. It is nil where there is none.
func signatureOf(e *etree.Element) (*etree.Element, error) {
	all := children(e, nsSignature, "Signature")
	if len(all) == 0 {
		return nil, nil
	}
	if len(all) > 1 {
		return nil, fmt.Errorf("%s has %d signatures", e.Tag, len(all))
	}
	kids := e.ChildElements()
	if at := 0; kids[at] != all[0] {
		if at = 1; !is(kids[0], nsAssertion, "Issuer") || kids[at] != all[0] {
			return nil, fmt.Errorf("the signature of %s is not in its place", e.Tag)
		}
	}
	return all[0], nil
}

// checkSignature refuses signatures of a form that nobody needs: one reference, to the element
// that the signature is in, by its ID; the two transforms of the profile; methods that are
// taken; nothing beside.
func checkSignature(e, sig *etree.Element) error {
	id := attr(e, "ID")
	if !ncName.MatchString(id) {
		return fmt.Errorf("%s is signed and has no usable ID", e.Tag)
	}
	if err := only(sig, nsSignature, "SignedInfo", "SignatureValue", "KeyInfo"); err != nil {
		return err
	}
	info, err := one(sig, nsSignature, "SignedInfo")
	if err != nil {
		return err
	}
	if _, err := one(sig, nsSignature, "SignatureValue"); err != nil {
		return err
	}
	if len(children(sig, nsSignature, "KeyInfo")) > 1 {
		return errors.New("a signature has several KeyInfo")
	}
	if err := only(info, nsSignature, "CanonicalizationMethod", "SignatureMethod", "Reference"); err != nil {
		return err
	}
	canonical, err := one(info, nsSignature, "CanonicalizationMethod")
	if err != nil {
		return err
	}
	if a := attr(canonical, "Algorithm"); a != exclusive && a != exclusiveNotes {
		return fmt.Errorf("the signature's canonical form is %.100q", a)
	}
	method, err := one(info, nsSignature, "SignatureMethod")
	if err != nil {
		return err
	}
	if a := attr(method, "Algorithm"); !signatureMethods[a] {
		return fmt.Errorf("it is signed with %.100q (hint: let the provider use SHA-256)", a)
	}
	if len(method.ChildElements()) > 0 {
		return errors.New("the signature's method has parameters")
	}
	ref, err := one(info, nsSignature, "Reference")
	if err != nil {
		return err
	}
	if uri := attr(ref, "URI"); uri != "#"+id {
		return fmt.Errorf("the signature in %s %.80q is of %.80q", e.Tag, id, uri)
	}
	if err := only(ref, nsSignature, "Transforms", "DigestMethod", "DigestValue"); err != nil {
		return err
	}
	transforms, err := one(ref, nsSignature, "Transforms")
	if err != nil {
		return err
	}
	if err := only(transforms, nsSignature, "Transform"); err != nil {
		return err
	}
	all := transforms.ChildElements()
	if len(all) != 2 || attr(all[0], "Algorithm") != enveloped || attr(all[1], "Algorithm") != exclusive && attr(all[1], "Algorithm") != exclusiveNotes {
		return errors.New("the signature's transforms are not those of the profile: enveloped signature, then exclusive canonical form")
	}
	if len(all[0].ChildElements()) > 0 {
		return errors.New("the transform of an enveloped signature has parameters")
	}
	for _, p := range all[1].ChildElements() {
		if !is(p, exclusive, "InclusiveNamespaces") || len(p.ChildElements()) > 0 {
			return errors.New("the exclusive canonical form has unknown parameters")
		}
	}
	digest, err := one(ref, nsSignature, "DigestMethod")
	if err != nil {
		return err
	}
	if a := attr(digest, "Algorithm"); !digestMethods[a] {
		return fmt.Errorf("it is digested with %.100q (hint: let the provider use SHA-256)", a)
	}
	_, err = one(ref, nsSignature, "DigestValue")
	return err
}

// verify checks the signature that an element has, and returns the element as the signed bytes
// say it. Nothing may be read out of e itself afterwards.
func verify(e *etree.Element, certificates []*x509.Certificate, now time.Time) (*etree.Element, error) {
	sig, err := signatureOf(e)
	if err != nil {
		return nil, err
	}
	if sig == nil {
		return nil, fmt.Errorf("%s is not signed", e.Tag)
	}
	if err := checkSignature(e, sig); err != nil {
		return nil, err
	}
	above, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		return nil, err
	}
	alone, err := etreeutils.NSDetatch(above, e)
	if err != nil {
		return nil, err
	}
	if sig, err = signatureOf(alone); err != nil {
		return nil, err
	}
	// What a signature says of its key is not looked at: the keys are those of the metadata,
	// and each is tried.
	for _, info := range children(sig, nsSignature, "KeyInfo") {
		sig.RemoveChild(info)
	}
	value, err := one(sig, nsSignature, "SignatureValue")
	if err != nil {
		return nil, err
	}
	given, err := text(value)
	if err != nil {
		return nil, err
	}
	given = strings.Join(strings.Fields(given), "")
	last := errors.New("the provider has no key to check signatures with")
	for _, c := range certificates {
		v, err := signatureValue(given, c)
		if err != nil {
			last = err
			continue
		}
		value.SetText(v)
		ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{c}})
		ctx.Clock = dsig.NewFakeClockAt(now)
		signed, err := ctx.Validate(alone)
		if err != nil {
			last = err
			continue
		}
		if signed == nil || signed.Tag != e.Tag || signed.NamespaceURI() != e.NamespaceURI() || attr(signed, "ID") != attr(e, "ID") {
			return nil, errors.New("the signature is of another element")
		}
		return signed, nil
	}
	return nil, fmt.Errorf("the signature of %s: %w", e.Tag, last)
}

// signatureValue returns a signature as crypto/x509 reads it. XML has the two numbers of ECDSA
// one after the other, and X.509 has them in ASN.1.
func signatureValue(given string, c *x509.Certificate) (string, error) {
	pub, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return given, nil
	}
	raw, err := base64.StdEncoding.DecodeString(given)
	if err != nil {
		return "", err
	}
	size := (pub.Params().BitSize + 7) / 8
	if len(raw) != 2*size {
		return "", errors.New("the signature is not of this key")
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:size]), new(big.Int).SetBytes(raw[size:])})
	return base64.StdEncoding.EncodeToString(der), err
}

// checkKey refuses keys that are too weak to vouch for anybody.
func checkKey(c *x509.Certificate) error {
	switch pub := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := pub.N.BitLen(); n < 2048 || n > 8192 {
			return fmt.Errorf("a certificate with an RSA key of %d bits", n)
		}
	case *ecdsa.PublicKey:
		if n := pub.Params().BitSize; n < 256 {
			return fmt.Errorf("a certificate with an elliptic curve of %d bits", n)
		}
	default:
		return fmt.Errorf("a certificate with a key that is not RSA or ECDSA (%T)", pub)
	}
	return nil
}
