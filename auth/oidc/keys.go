package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/yagura-sec/yagura/auth/flow"
)

const (
	keysFresh = time.Hour        // then they are fetched again, so that a key that was withdrawn ends
	keysStale = 24 * time.Hour   // so long they are believed while the provider does not answer
	keysPause = 10 * time.Second // between two fetches because of a key that is not known
	keysMost  = 64
)

// keys are the public keys of a provider. They satisfy go-oidc's KeySet. go-oidc's own would
// take keys that are too short, and would never forget one that was withdrawn.
type keys struct {
	client *http.Client
	url    string
	now    func() time.Time

	mu      sync.Mutex
	set     []jose.JSONWebKey
	fetched time.Time
	tried   time.Time
}

// VerifySignature returns the payload of a token that one of the provider's keys has signed.
func (k *keys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, joseAlgorithms(algorithms))
	if err != nil {
		return nil, err
	}
	header := jws.Signatures[0].Protected
	set, err := k.current(ctx, false)
	if err != nil {
		return nil, err
	}
	if payload, err := verifyWith(jws, header, set); err == nil {
		return payload, nil
	}
	// The provider may have a new key.
	if set, err = k.current(ctx, true); err != nil {
		return nil, err
	}
	return verifyWith(jws, header, set)
}

func verifyWith(jws *jose.JSONWebSignature, header jose.Header, set []jose.JSONWebKey) ([]byte, error) {
	for _, key := range set {
		if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, fmt.Errorf("no key of the provider has signed it (algorithm %q, key %.80q)", header.Algorithm, header.KeyID)
}

// current returns the keys, fetched anew where they are old, or where again asks for it.
func (k *keys) current(ctx context.Context, again bool) ([]jose.JSONWebKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	age := now.Sub(k.fetched)
	if k.set != nil && (age < keysFresh && !again || now.Sub(k.tried) < keysPause && age < keysStale) {
		return k.set, nil
	}
	if now.Sub(k.tried) < keysPause {
		return nil, errors.New("the provider's keys could not be fetched a moment ago")
	}
	k.tried = now
	body, err := flow.Fetch(context.WithoutCancel(ctx), k.client, k.url, "application/jwk-set+json, application/json")
	var set []jose.JSONWebKey
	if err == nil {
		set, err = parseKeys(body)
	}
	if err != nil {
		if k.set != nil && age < keysStale {
			return k.set, nil
		}
		return nil, fmt.Errorf("the provider's keys: %w", err)
	}
	k.set, k.fetched = set, now
	return set, nil
}

// parseKeys returns the keys of a set that may sign tokens. Others are left out, as providers
// publish keys of kinds and uses that are not ours beside them.
func parseKeys(body []byte) ([]jose.JSONWebKey, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, err
	}
	if len(raw.Keys) > keysMost {
		return nil, fmt.Errorf("a set of %d keys, more than %d", len(raw.Keys), keysMost)
	}
	var out []jose.JSONWebKey
	var weak error
	for _, one := range raw.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(one, &key) != nil || !key.Valid() || key.Use != "" && key.Use != "sig" {
			continue
		}
		if key.Algorithm != "" && !slices.Contains(algorithms, key.Algorithm) {
			continue
		}
		switch pub := key.Key.(type) {
		case *rsa.PublicKey:
			if n := pub.N.BitLen(); n < 2048 || n > 8192 || pub.E < 3 {
				weak = fmt.Errorf("an RSA key of %d bits", n)
				continue
			}
		case *ecdsa.PublicKey, ed25519.PublicKey:
		default: // symmetric, private, or of a kind that is not known
			continue
		}
		out = append(out, key)
	}
	if len(out) == 0 {
		return nil, errors.Join(errors.New("no key that may sign tokens"), weak)
	}
	return out, nil
}

func joseAlgorithms(names []string) []jose.SignatureAlgorithm {
	out := make([]jose.SignatureAlgorithm, len(names))
	for i, n := range names {
		out[i] = jose.SignatureAlgorithm(n)
	}
	return out
}
