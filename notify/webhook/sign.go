package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// signer makes one signature over id.timestamp.body.
type signer func(message []byte) string

// newSigner reads a key. Its errors do not show it.
func newSigner(key string) (signer, error) {
	if text, ok := strings.CutPrefix(key, "whsec_"); ok {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(raw) < 24 || len(raw) > 64 {
			return nil, errors.New("want whsec_ and 24 to 64 bytes in base64 (hint: echo whsec_$(openssl rand -base64 32))")
		}
		return func(message []byte) string {
			mac := hmac.New(sha256.New, raw)
			mac.Write(message)
			return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		}, nil
	}
	if text, ok := strings.CutPrefix(key, "whsk_"); ok {
		raw, err := base64.StdEncoding.DecodeString(text)
		var private ed25519.PrivateKey
		switch {
		case err == nil && len(raw) == ed25519.SeedSize:
			private = ed25519.NewKeyFromSeed(raw)
		case err == nil && len(raw) == ed25519.PrivateKeySize:
			private = ed25519.PrivateKey(raw)
		default:
			return nil, errors.New("want whsk_ and an Ed25519 key of 32 or 64 bytes in base64")
		}
		return func(message []byte) string {
			return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, message))
		}, nil
	}
	return nil, errors.New("want a key that begins with whsec_ (or whsk_)")
}

// sign returns the timestamp and the signatures of one attempt.
func sign(signers []signer, id string, at time.Time, body []byte) (timestamp, signatures string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	message := append([]byte(id+"."+timestamp+"."), body...)
	list := make([]string, len(signers))
	for i, s := range signers {
		list[i] = s(message)
	}
	return timestamp, strings.Join(list, " ")
}
