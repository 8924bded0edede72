package saml

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/auth/flow"
)

// Skew is how far the clocks of the provider and of this server may be apart.
const Skew = 2 * time.Minute

const (
	// maxAge is how old a response may be: it is made when the browser is sent here.
	maxAge = 10 * time.Minute
	// maxLife is how long an assertion may say that it is good for. Its id is kept so long.
	maxLife = 24 * time.Hour
)

// Formats of a NameID.
const (
	formatEmail     = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	formatTransient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	formatUnset     = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

// Config is one provider.
type Config struct {
	Name string
	// Metadata is where the provider describes itself: an https address, or a file.
	Metadata string
	// MetadataCertificate, in PEM, is what the metadata must be signed with; "" asks for no
	// signature of it.
	MetadataCertificate string
	// IDPEntityID says which provider is meant where the metadata has several.
	IDPEntityID string
	// EntityID is ours; "" is the address of our metadata.
	EntityID string
	// Key and Certificate are ours, in PEM: requests are signed with them, and assertions are
	// encrypted for them.
	Key, Certificate string
	// Sign signs requests. They are signed too where the provider's metadata asks for it.
	Sign bool
	// Binding is how a request is sent: "redirect" or "post"; "" is redirect, where the
	// provider has it.
	Binding string
	// Signed says what the provider has to sign: "assertion", "response", "both", or "either";
	// "" is either. What is not signed is not believed in any case.
	Signed string
	// IDPInitiated takes responses that nobody here asked for.
	IDPInitiated bool
	// NameID is which kind of name a user has to have: "email" or "any"; "" is email.
	NameID string
	// The attributes that say who a user is; "" are the usual names.
	NameAttribute, EmailAttribute, DisplayAttribute, GroupsAttribute string
	// Private lets the metadata be on loopback or in a private network.
	Private bool
	Roots   *x509.CertPool // nil: those of the system
}

func (c *Config) check() (*keyPair, *x509.Certificate, error) {
	if c.Metadata == "" {
		return nil, nil, errors.New("metadata: the address or file of the provider's metadata is needed")
	}
	if c.fromAddress() {
		u, err := url.Parse(c.Metadata)
		if err == nil {
			err = flow.CheckURL(u, c.Private)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("metadata: %w", err)
		}
	}
	for _, o := range []struct {
		name, value string
		want        []string
	}{
		{"binding", c.Binding, []string{"redirect", "post"}},
		{"signed", c.Signed, []string{"either", "assertion", "response", "both"}},
		{"name_id", c.NameID, []string{"email", "any"}},
	} {
		if o.value != "" && !slices.Contains(o.want, o.value) {
			return nil, nil, fmt.Errorf("%s %q: want %s", o.name, o.value, strings.Join(o.want, ", "))
		}
	}
	if len(c.EntityID) > 1024 || strings.ContainsAny(c.EntityID, " <>\"'\n\t") {
		return nil, nil, fmt.Errorf("entity_id %.80q: want an address or a URN", c.EntityID)
	}
	var pinned *x509.Certificate
	if c.MetadataCertificate != "" {
		var err error
		if pinned, err = parseCertificate(c.MetadataCertificate); err != nil {
			return nil, nil, fmt.Errorf("metadata_certificate: %w", err)
		}
	}
	if (c.Key == "") != (c.Certificate == "") {
		return nil, nil, errors.New("a key and its certificate belong together")
	}
	if c.Key == "" {
		if c.Sign {
			return nil, nil, errors.New("sign: a key and a certificate are needed to sign with")
		}
		return nil, pinned, nil
	}
	pair, err := parsePair(c.Certificate, c.Key)
	return pair, pinned, err
}

func (c *Config) fromAddress() bool {
	return strings.HasPrefix(c.Metadata, "https://") || strings.HasPrefix(c.Metadata, "http://")
}

// keyPair is our own key.
type keyPair struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

func parsePair(certificate, key string) (*keyPair, error) {
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		return nil, fmt.Errorf("key and certificate: %w", err)
	}
	k, ok := pair.PrivateKey.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("key: want an RSA key, as providers encrypt with nothing else")
	}
	c, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	if err := checkKey(c); err != nil {
		return nil, fmt.Errorf("key: %w is too weak", err)
	}
	return &keyPair{key: k, certificate: c}, nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, errors.New("want one certificate in PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	return c, checkKey(c)
}
