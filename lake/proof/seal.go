package proof

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
)

// Key seals manifests, or only checks seals where it is the public half.
type Key interface {
	// ID names the key without giving it away; it is in every manifest that the key sealed.
	ID() string
	// Seal signs; nil where the key can only check.
	Seal(data []byte) []byte
	Check(data, seal []byte) bool
}

// ParseKey reads a key as a secret holds it:
//
//	hmac-sha256:BASE64      at least 32 bytes; who can check can also seal
//	ed25519:BASE64          the seed of 32 bytes, or the private key of 64
//	ed25519-public:BASE64   the public key of 32 bytes, which checks and cannot seal
//	-----BEGIN PRIVATE KEY-----, or PUBLIC KEY: an Ed25519 key in PKCS #8 or PKIX
//
// An error holds nothing of the key.
func ParseKey(s string) (Key, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "-----BEGIN ") {
		return parsePEM(s)
	}
	kind, text, _ := strings.Cut(s, ":")
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("the key is not base64 (hint: ed25519:… or hmac-sha256:…)")
	}
	switch kind {
	case "hmac-sha256":
		if len(data) < 32 {
			return nil, errors.New("a key for HMAC needs 32 bytes at least (hint: openssl rand -base64 32)")
		}
		return hmacKey(data), nil
	case "ed25519":
		switch len(data) {
		case ed25519.SeedSize:
			return edKey{private: ed25519.NewKeyFromSeed(data)}.whole(), nil
		case ed25519.PrivateKeySize:
			return edKey{private: data}.whole(), nil
		}
		return nil, errors.New("an Ed25519 key has a seed of 32 bytes")
	case "ed25519-public":
		if len(data) != ed25519.PublicKeySize {
			return nil, errors.New("a public Ed25519 key has 32 bytes")
		}
		return edKey{public: data}, nil
	}
	return nil, errors.New("the kind of key is not known (hint: ed25519:…, ed25519-public:… or hmac-sha256:…)")
}

func parsePEM(s string) (Key, error) {
	block, _ := pem.Decode([]byte(s))
	if block == nil {
		return nil, errors.New("the PEM block of the key cannot be read")
	}
	if block.Type == "PUBLIC KEY" {
		k, err := x509.ParsePKIXPublicKey(block.Bytes)
		if public, ok := k.(ed25519.PublicKey); err == nil && ok {
			return edKey{public: public}, nil
		}
		return nil, errors.New("the public key is no Ed25519 key")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if private, ok := k.(ed25519.PrivateKey); err == nil && ok {
		return edKey{private: private}.whole(), nil
	}
	return nil, errors.New("the private key is no Ed25519 key in PKCS #8")
}

type hmacKey []byte

// ID is the kind and a fingerprint of the key.
func (k hmacKey) ID() string {
	m := hmac.New(sha256.New, k)
	m.Write([]byte("yagura manifest key")) //nolint:errcheck // a hash returns no error
	return "hmac-sha256:" + hex.EncodeToString(m.Sum(nil)[:8])
}

// Seal signs.
func (k hmacKey) Seal(data []byte) []byte {
	m := hmac.New(sha256.New, k)
	m.Write(data) //nolint:errcheck // a hash returns no error
	return m.Sum(nil)
}

// Check says whether a seal is of this key.
func (k hmacKey) Check(data, seal []byte) bool {
	return subtle.ConstantTimeCompare(k.Seal(data), seal) == 1
}

type edKey struct {
	private ed25519.PrivateKey
	public  ed25519.PublicKey
}

func (k edKey) whole() edKey {
	// The public half is derived, so that a private key whose halves differ signs nothing
	// that its own half would not check.
	k.private = ed25519.NewKeyFromSeed(k.private.Seed())
	k.public, _ = k.private.Public().(ed25519.PublicKey)
	return k
}

// ID is the kind and a fingerprint of the public half.
func (k edKey) ID() string {
	sum := sha256.Sum256(k.public)
	return "ed25519:" + hex.EncodeToString(sum[:8])
}

// Seal signs.
func (k edKey) Seal(data []byte) []byte {
	if k.private == nil {
		return nil
	}
	return ed25519.Sign(k.private, data)
}

// Check says whether a seal is of this key.
func (k edKey) Check(data, seal []byte) bool { return ed25519.Verify(k.public, data, seal) }
