package saml

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/yagura-sec/yagura/auth/flow"
)

// The bindings.
const (
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	bindingPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// idp is a provider as its metadata describes it.
type idp struct {
	entityID     string
	certificates []*x509.Certificate // that it may sign with: several while it changes keys
	redirect     string              // where requests go; "" where the binding is not offered
	post         string
	wantsSigned  bool
	until        time.Time // the metadata is good until then; zero is as long as it can be had
}

// parseMetadata reads the metadata of a provider. With pinned, only what that certificate has
// signed is read.
func parseMetadata(body []byte, entityID string, pinned *x509.Certificate, private bool, now time.Time) (*idp, error) {
	root, err := parse(body, metadataBounds)
	if err != nil {
		return nil, err
	}
	if pinned != nil {
		if root, err = verify(root, []*x509.Certificate{pinned}, now); err != nil {
			return nil, err
		}
	}
	var all []*etree.Element
	if err := descriptors(root, &all, now); err != nil {
		return nil, err
	}
	var found *etree.Element
	for _, e := range all {
		if len(children(e, nsMetadata, "IDPSSODescriptor")) == 0 || entityID != "" && attr(e, "entityID") != entityID {
			continue
		}
		if found != nil {
			return nil, errors.New("there are several providers in it (hint: idp_entity_id says which)")
		}
		found = e
	}
	if found == nil {
		if entityID != "" {
			return nil, fmt.Errorf("there is no identity provider %q in it", entityID)
		}
		return nil, errors.New("there is no identity provider in it (hint: this may be the metadata of a service)")
	}
	p, err := describe(found, private)
	if err != nil {
		return nil, err
	}
	p.until, err = earliest(root, found)
	return p, err
}

// descriptors collects the entities of a document.
func descriptors(e *etree.Element, out *[]*etree.Element, now time.Time) error {
	switch {
	case is(e, nsMetadata, "EntityDescriptor"):
		*out = append(*out, e)
		return nil
	case is(e, nsMetadata, "EntitiesDescriptor"):
		for _, c := range e.ChildElements() {
			if c.NamespaceURI() == nsMetadata && (c.Tag == "EntityDescriptor" || c.Tag == "EntitiesDescriptor") {
				if err := descriptors(c, out, now); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return fmt.Errorf("it is a %.80q and no metadata of SAML 2.0", e.Tag)
}

// earliest is when the metadata of an entity ends, with that of what is around it.
func earliest(root, e *etree.Element) (time.Time, error) {
	var out time.Time
	for at := e; at != nil; at = at.Parent() {
		if v := attr(at, "validUntil"); v != "" {
			t, err := parseTime(v)
			if err != nil {
				return out, fmt.Errorf("validUntil: %w", err)
			}
			if out.IsZero() || t.Before(out) {
				out = t
			}
		}
		if at == root {
			break
		}
	}
	return out, nil
}

func describe(e *etree.Element, private bool) (*idp, error) {
	p := &idp{entityID: attr(e, "entityID")}
	if p.entityID == "" || len(p.entityID) > 1024 {
		return nil, errors.New("the provider has no usable entityID")
	}
	role, err := one(e, nsMetadata, "IDPSSODescriptor")
	if err != nil {
		return nil, err
	}
	if !strings.Contains(" "+attr(role, "protocolSupportEnumeration")+" ", " "+nsProtocol+" ") {
		return nil, errors.New("the provider does not speak SAML 2.0")
	}
	p.wantsSigned = isTrue(attr(role, "WantAuthnRequestsSigned"))
	var weak error
	for _, k := range children(role, nsMetadata, "KeyDescriptor") {
		if use := attr(k, "use"); use != "" && use != "signing" {
			continue
		}
		certificates, err := certificatesOf(k)
		if err != nil {
			return nil, err
		}
		for _, c := range certificates {
			if err := checkKey(c); err != nil {
				weak = err
				continue
			}
			p.certificates = append(p.certificates, c)
		}
	}
	switch {
	case len(p.certificates) == 0 && weak != nil:
		return nil, fmt.Errorf("the provider has %w alone, which is too weak", weak)
	case len(p.certificates) == 0:
		return nil, errors.New("the provider has no certificate that it signs with")
	case len(p.certificates) > 8:
		return nil, fmt.Errorf("the provider has %d certificates", len(p.certificates))
	}
	for _, s := range children(role, nsMetadata, "SingleSignOnService") {
		binding, where := attr(s, "Binding"), attr(s, "Location")
		if binding != bindingRedirect && binding != bindingPost {
			continue
		}
		u, err := url.Parse(where)
		if err == nil {
			err = flow.CheckURL(u, private)
		}
		if err == nil && u.Fragment != "" {
			err = fmt.Errorf("%q has a fragment", where)
		}
		if err != nil {
			return nil, fmt.Errorf("SingleSignOnService: %w", err)
		}
		if binding == bindingRedirect && p.redirect == "" {
			p.redirect = where
		}
		if binding == bindingPost && p.post == "" {
			p.post = where
		}
	}
	if p.redirect == "" && p.post == "" {
		return nil, errors.New("the provider takes no requests by redirect or POST")
	}
	return p, nil
}

func certificatesOf(k *etree.Element) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, info := range children(k, nsSignature, "KeyInfo") {
		for _, data := range children(info, nsSignature, "X509Data") {
			for _, c := range children(data, nsSignature, "X509Certificate") {
				t, err := text(c)
				if err != nil {
					return nil, err
				}
				der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(t), ""))
				if err != nil {
					return nil, fmt.Errorf("X509Certificate: %w", err)
				}
				cert, err := x509.ParseCertificate(der)
				if err != nil {
					return nil, fmt.Errorf("X509Certificate: %w", err)
				}
				out = append(out, cert)
			}
		}
	}
	return out, nil
}

func isTrue(s string) bool { return s == "true" || s == "1" }

// parseTime reads a time of XML, which has a zone in SAML.
func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(s))
	if err != nil {
		return t, fmt.Errorf("%.60q is no time with a zone", s)
	}
	return t, nil
}
