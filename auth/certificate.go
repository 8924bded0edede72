package auth

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxCertificate bounds the text of a certificate in a header.
const maxCertificate = 24 << 10

// Thumbprint is the x5t#S256 of RFC 8705: the SHA-256 of a certificate's DER.
func Thumbprint(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ParseThumbprint reads what people have of a certificate: its PEM, its x5t#S256, or its
// SHA-256 in hexadecimal digits with or without colons.
func ParseThumbprint(text string) (string, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "-----BEGIN") {
		return thumbprintPEM([]byte(text))
	}
	if b, err := hex.DecodeString(strings.ReplaceAll(text, ":", "")); err == nil && len(b) == sha256.Size {
		return base64.RawURLEncoding.EncodeToString(b), nil
	}
	if b, err := base64.RawURLEncoding.Strict().DecodeString(text); err == nil && len(b) == sha256.Size {
		return text, nil
	}
	return "", errors.New("want a certificate in PEM, its x5t#S256, or its SHA-256 in hexadecimal digits")
}

// certificate is the thumbprint of the certificate whose key a client has, "" for none. Of a
// trusted gateway it is what the header says, where one is named: the certificate of the
// connection is the gateway's own. From anybody else the header means nothing.
func (g *Gate) certificate(r *http.Request) (string, error) {
	if name := g.o.CertificateHeader; name != "" && g.gateway(r) {
		values := r.Header.Values(name)
		switch len(values) {
		case 0:
			return "", nil
		case 1:
			return parseCertificateHeader(values[0])
		}
		return "", fmt.Errorf("%s is there %d times (hint: the gateway must replace what a client sends)", name, len(values))
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", nil
	}
	return Thumbprint(r.TLS.PeerCertificates[0].Raw), nil
}

var errCertificate = errors.New("the header holds no certificate that can be read")

// parseCertificateHeader reads what gateways write of a client's certificate: RFC 9440
// (:base64:), Envoy's X-Forwarded-Client-Cert (Hash=…;Cert="…"), PEM with percent escapes,
// base64 of DER. The forms exclude each other. "" is no certificate.
func parseCertificateHeader(v string) (string, error) {
	v = strings.TrimSpace(v)
	unescaped := ""
	if strings.HasPrefix(v, "-----BEGIN") {
		// The escapes of a PEM that begins in the clear are those of its base64 and line ends.
		unescaped, _ = url.PathUnescape(v)
	} else if strings.HasPrefix(v, "%2D") || strings.HasPrefix(v, "%2d") {
		unescaped, _ = url.PathUnescape(v)
	}
	switch {
	case v == "" || v == "(null)": // what nginx and Apache write where there is none
		return "", nil
	case len(v) > maxCertificate:
		return "", errCertificate
	case unescaped != "":
		return thumbprintPEM([]byte(unescaped))
	case v[0] == ':':
		inner, ok := strings.CutSuffix(v[1:], ":")
		if !ok {
			return "", errCertificate
		}
		return thumbprintDER(inner)
	case strings.Contains(v, ";") || strings.HasPrefix(strings.ToLower(v), "hash=") || strings.HasPrefix(strings.ToLower(v), "by=") || strings.HasPrefix(strings.ToLower(v), "cert="):
		return thumbprintXFCC(v)
	}
	return thumbprintDER(v)
}

// thumbprintXFCC takes the last element: the one that the gateway next to us wrote.
func thumbprintXFCC(v string) (string, error) {
	elements, ok := parseElements(v, maxHops)
	if !ok || len(elements) == 0 {
		return "", errCertificate
	}
	hash, cert := "", ""
	for _, p := range elements[len(elements)-1] {
		switch strings.ToLower(p.name) {
		case "hash":
			hash = p.value
		case "cert":
			cert = p.value
		}
	}
	if hash != "" {
		b, err := hex.DecodeString(hash)
		if err != nil || len(b) != sha256.Size {
			return "", errCertificate
		}
		return base64.RawURLEncoding.EncodeToString(b), nil
	}
	text, err := url.PathUnescape(cert)
	if err != nil || cert == "" {
		return "", errCertificate
	}
	return thumbprintPEM([]byte(text))
}

// thumbprintPEM takes the first certificate: the client's own comes before those of its
// authorities.
func thumbprintPEM(text []byte) (string, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return "", errCertificate
	}
	return checked(block.Bytes)
}

func thumbprintDER(text string) (string, error) {
	text, _, _ = strings.Cut(text, ",") // Traefik writes the whole chain, the client's first
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errCertificate
	}
	return checked(der)
}

func checked(der []byte) (string, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return "", errCertificate
	}
	return Thumbprint(c.Raw), nil
}
