package push

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	secretA = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of thirty-two bytes....")) //nolint:gosec // of a test
	secretB = "whsec_" + base64.StdEncoding.EncodeToString([]byte("another one, of the same length."))
)

// sign makes a v1 signature as the standard describes it.
func sign(secret, id string, at time.Time, body string) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic(err)
	}
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%s.%d.%s", id, at.Unix(), body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// TestWebhookVector holds the signature to one that openssl made:
//
//	printf 'evt_7.1795770000.{"n":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:… -binary | base64
func TestWebhookVector(t *testing.T) {
	w, err := newWebhook(WebhookKeys{Secrets: []string{"whsec_eWFndXJhIHRlc3Qga2V5LCB0aGlydHktdHdvIGJ5dGU="}})
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{"Webhook-Id": {"evt_7"}, "Webhook-Timestamp": {"1795770000"}, "Webhook-Signature": {"v1,Y+TdfmrxkJFOnlPhA5WZtylcro7r1aPaxPVoMuy0Ffg="}}
	if !w.verify(h, []byte(`{"n":1}`)) {
		t.Error("the signature is not taken")
	}
	if w.verify(h, []byte(`{"n":2}`)) {
		t.Error("the signature is taken for another body")
	}
}

func TestWebhook(t *testing.T) {
	c := newClock()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewGeneric(GenericOptions{
		Common:  Common{Name: "hook", Log: openLog(t, FileLogOptions{Now: c.now}), Now: c.now},
		Webhook: WebhookKeys{Secrets: []string{secretA, secretB}, Public: []string{"whpk_" + base64.StdEncoding.EncodeToString(public)}},
	})
	e = closing(t, e, err)
	now := c.now()
	body := `{"a":1}`
	asym := "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, fmt.Appendf(nil, "m3.%d.%s", now.Unix(), body)))
	other := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	stamp := func(t time.Time) string { return fmt.Sprint(t.Unix()) }
	packed := string(pack(t, "gzip", []byte(body)))
	for _, c := range []struct {
		name, id, stamp, signature, body string
		status                           int
		says                             string
	}{
		{"good", "m1", stamp(now), sign(secretA, "m1", now, body), body, 200, "stored"},
		{"replay", "m1", stamp(now), sign(secretA, "m1", now, body), body, 200, "known"},
		{"second key", "m2", stamp(now), sign(secretB, "m2", now, body), body, 200, "stored"},
		{"ed25519", "m3", stamp(now), asym, body, 200, "stored"},
		{"one of several", "m4", stamp(now), "v1,AAAA v2,x v1a,AAAA " + sign(other, "m4", now, body) + " " + sign(secretA, "m4", now, body), body, 200, "stored"},
		{"sent again later", "m1", stamp(now.Add(time.Minute)), sign(secretA, "m1", now.Add(time.Minute), body), body, 200, "known"},
		{"four minutes old", "m5", stamp(now.Add(-4 * time.Minute)), sign(secretA, "m5", now.Add(-4*time.Minute), body), body, 200, "stored"},
		{"too old", "m6", stamp(now.Add(-6 * time.Minute)), sign(secretA, "m6", now.Add(-6*time.Minute), body), body, 401, "5m"},
		{"from the future", "m6", stamp(now.Add(6 * time.Minute)), sign(secretA, "m6", now.Add(6*time.Minute), body), body, 401, "5m"},
		{"other body", "m7", stamp(now), sign(secretA, "m7", now, body), body + " ", 401, "signature"},
		{"other id", "m8", stamp(now), sign(secretA, "m7", now, body), body, 401, "signature"},
		{"other time", "m8", stamp(now.Add(time.Second)), sign(secretA, "m8", now, body), body, 401, "signature"},
		{"other key", "m8", stamp(now), sign(other, "m8", now, body), body, 401, "signature"},
		{"version of the other kind", "m8", stamp(now), strings.Replace(sign(secretA, "m8", now, body), "v1,", "v1a,", 1), body, 401, "signature"},
		{"no version", "m8", stamp(now), strings.TrimPrefix(sign(secretA, "m8", now, body), "v1,"), body, 401, "signature"},
		{"no signature", "m8", stamp(now), "", body, 401, "hint"},
		{"no id", "", stamp(now), sign(secretA, "", now, body), body, 401, "hint"},
		{"time is no number", "m8", "now", sign(secretA, "m8", now, body), body, 400, "seconds"},
		{"time is huge", "m8", "99999999999999999999", sign(secretA, "m8", now, body), body, 400, "seconds"},
		{"too many signatures", "m8", stamp(now), strings.Repeat("v1,AAAA ", 16) + sign(secretA, "m8", now, body), body, 401, "signature"},
		{"headers too long", strings.Repeat("m", 300), stamp(now), sign(secretA, "m8", now, body), body, 400, "too long"},
		{"packed, signed as sent", "m9", stamp(now), sign(secretA, "m9", now, packed), packed, 200, "stored"},
		{"packed, signed before", "m10", stamp(now), sign(secretA, "m10", now, body), packed, 200, "stored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := post(e, c.body, "Webhook-Id", c.id, "Webhook-Timestamp", c.stamp, "Webhook-Signature", c.signature)
			want(t, w, c.status, c.says)
		})
	}
	if m := receive(t, e); len(m) != 7 {
		t.Errorf("%d messages came, want 7", len(m))
	}
}

func TestBoth(t *testing.T) {
	c := newClock()
	for _, both := range []bool{false, true} {
		e, err := NewGeneric(GenericOptions{
			Common: Common{Name: "hook", Log: openLog(t, FileLogOptions{}), Now: c.now},
			Access: Access{Bearer: []string{token}}, Webhook: WebhookKeys{Secrets: []string{secretA}}, Both: both,
		})
		e = closing(t, e, err)
		signed := []string{"Webhook-Id", "m", "Webhook-Timestamp", fmt.Sprint(c.now().Unix()), "Webhook-Signature", sign(secretA, "m", c.now(), "{}")}
		alone := 200
		if both {
			alone = 401
		}
		want(t, post(e, "{}", signed...), alone, "")
		want(t, post(e, "{}", "Authorization", auth), alone, "")
		want(t, post(e, "{}", append(signed, "Authorization", auth)...), 200, "")
		want(t, post(e, "{}", append(signed, "Authorization", auth+"x")...), alone, "")
		want(t, post(e, "{}"), 401, "")
	}
}

// TestStrangersRoom: whoever can only be told by a signature over the body takes no room from
// those who have a token.
func TestStrangersRoom(t *testing.T) {
	clock := newClock()
	memory, strangers := NewMemory(1<<20), NewMemory(1<<20)
	e := bearer(t, func(o *GenericOptions) {
		o.Now, o.Memory, o.Strangers, o.Webhook = clock.now, memory, strangers, WebhookKeys{Secrets: []string{secretA}}
	})
	if !strangers.take(1 << 20) { // stalled bodies hold it
		t.Fatal("no room at the start")
	}
	body := `{"a":"` + strings.Repeat("x", 200_000) + `"}`
	now := clock.now()
	signed := []string{"Webhook-Id", "m", "Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10), "Webhook-Signature", sign(secretA, "m", now, body)}
	want(t, post(e, body, signed...), 429, "too much")
	want(t, post(e, body, "Authorization", auth), 200, "stored")
	strangers.free.Add(1 << 20)
	want(t, post(e, body, signed...), 200, "stored")
	if memory.free.Load() != 1<<20 || strangers.free.Load() != 1<<20 {
		t.Errorf("room was not given back: %d, %d", memory.free.Load(), strangers.free.Load())
	}
}
