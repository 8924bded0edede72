package app

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// TestNewGate: what the configuration says of sign-in is what the gate does, on the real
// store.
func TestNewGate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "y.yaml")
	if err := os.WriteFile(file, []byte(`
server: {listen: ":8443"}
console:
  url: https://yagura.example.com/
  networks: [192.0.2.0/24]
  trusted_gateways: [10.1.0.7]
  sessions: {idle: 1h, age: 2h}
  oidc: [{name: entra, issuer: "https://login.example.com/v2.0", client_id: x, roles: [{group: ops, role: admin}]}]
  saml: [{name: adfs, label: ADFS, metadata: m.xml, roles: [{group: "*", role: viewer, accounts: ["1"]}]}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), AcceptLoss: true, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	gate, err := newGate(cfg, auth.Options{Store: gateStore{db}, Now: clock, Cost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	key, err := gate.SetUpKey(t.Context())
	if err != nil || key == "" {
		t.Fatal(key, err)
	}
	r := httptest.NewRequest("POST", "https://yagura.example.com/api/v1/setup", nil)
	r.TLS, r.RemoteAddr = nil, "10.1.0.7:1"
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	r.Header.Set("X-Forwarded-Proto", "https")
	if _, err := gate.SetUp(t.Context(), httptest.NewRecorder(), r, key, "mary", "", "a quiet harbour at dusk"); err == nil {
		t.Error("an address beyond console.networks is let in")
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.9")
	id, err := gate.SetUp(t.Context(), httptest.NewRecorder(), r, key, "mary", "", "a quiet harbour at dusk")
	if err != nil || id.Session.Expires.Sub(now) != 2*time.Hour || id.From != "192.0.2.9" {
		t.Fatalf("%+v, %v", id, err)
	}
	o, err := gate.Offer(t.Context(), r)
	if err != nil || o.SetUp || len(o.Providers) != 2 || o.Providers[0].Label != "entra" || o.Providers[1].Start != "/auth/saml/adfs/start" {
		t.Errorf("%+v, %v", o, err)
	}
	if err := gate.SignInExternal(t.Context(), httptest.NewRecorder(), r, auth.Assertion{Via: "adfs", Subject: "s", Name: "bob"}); err != nil {
		t.Error(err)
	}
}
