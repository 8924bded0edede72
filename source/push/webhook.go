package push

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// WebhookKeys are the keys of senders that sign as Standard Webhooks says: the headers
// webhook-id, webhook-timestamp and webhook-signature, over "id.timestamp.body".
type WebhookKeys struct {
	// Secrets are shared keys, "whsec_" and base64 of 24 to 64 bytes (signatures v1,
	// HMAC-SHA256). Several let a key be changed.
	Secrets []string
	// Public are public keys, "whpk_" and base64 of 32 bytes (signatures v1a, Ed25519).
	Public []string
	// Tolerance is how far the timestamp may be from now; 0: 5 minutes.
	Tolerance time.Duration
}

type webhook struct {
	secrets   [][]byte
	public    []ed25519.PublicKey
	tolerance time.Duration
}

// maxSignatures bounds how many signatures of one request are looked at.
const maxSignatures = 16

// newWebhook returns nil when there are no keys.
func newWebhook(k WebhookKeys) (*webhook, error) {
	if len(k.Secrets)+len(k.Public) == 0 {
		return nil, nil
	}
	w := &webhook{tolerance: k.Tolerance}
	if w.tolerance <= 0 {
		w.tolerance = 5 * time.Minute
	}
	for i, s := range k.Secrets {
		key, err := decodeKey(s, "whsec_")
		if err != nil || len(key) < 24 || len(key) > 64 {
			return nil, fmt.Errorf("webhook secret %d: not base64 of 24 to 64 bytes (hint: whsec_ and the output of `openssl rand -base64 32`)", i+1)
		}
		w.secrets = append(w.secrets, key)
	}
	for i, s := range k.Public {
		key, err := decodeKey(s, "whpk_")
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("webhook public key %d: not base64 of %d bytes", i+1, ed25519.PublicKeySize)
		}
		w.public = append(w.public, key)
	}
	return w, nil
}

var errNoKey = errors.New("not a key")

func decodeKey(s, prefix string) ([]byte, error) {
	s = strings.TrimPrefix(strings.TrimSpace(s), prefix)
	if b, err := base64.StdEncoding.DecodeString(s); err == nil {
		return b, nil
	}
	if b, err := base64.RawStdEncoding.DecodeString(s); err == nil {
		return b, nil
	}
	return nil, errNoKey // the reason of base64 would show a part of the key
}

// headers judges what can be judged before the body is there.
func (w *webhook) headers(h http.Header, now time.Time) *refusal {
	id, stamp, signature := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), h.Get("Webhook-Signature")
	if id == "" || stamp == "" || signature == "" {
		return refuse(http.StatusUnauthorized, "the credential is missing or wrong (hint: a signed request has webhook-id, webhook-timestamp and webhook-signature)")
	}
	if len(id) > 256 || len(stamp) > 20 || len(signature) > 8<<10 {
		return refuse(http.StatusBadRequest, "a webhook header is too long")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return refuse(http.StatusBadRequest, "webhook-timestamp is not a number of seconds")
	}
	if d := now.Sub(time.Unix(seconds, 0)); d > w.tolerance || d < -w.tolerance {
		return refuse(http.StatusUnauthorized, "webhook-timestamp is more than %s from now", w.tolerance)
	}
	return nil
}

// verify says whether one of the signatures is of one of the keys.
func (w *webhook) verify(h http.Header, body []byte) bool {
	head := h.Get("Webhook-Id") + "." + h.Get("Webhook-Timestamp") + "."
	macs := make([][]byte, 0, len(w.secrets))
	for _, key := range w.secrets {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(head))
		m.Write(body)
		macs = append(macs, m.Sum(nil))
	}
	var signed []byte // made once it is asked for: it copies the body
	good, looked := false, 0
	for s := range strings.FieldsSeq(strings.Join(h.Values("Webhook-Signature"), " ")) {
		if looked++; looked > maxSignatures {
			break
		}
		version, text, _ := strings.Cut(s, ",")
		given, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			continue
		}
		switch version {
		case "v1":
			for _, mac := range macs {
				good = hmac.Equal(mac, given) || good
			}
		case "v1a":
			if len(given) != ed25519.SignatureSize || len(w.public) == 0 {
				continue
			}
			if signed == nil {
				signed = append([]byte(head), body...)
			}
			for _, key := range w.public {
				good = ed25519.Verify(key, signed, given) || good
			}
		}
	}
	return good
}
