package app

import (
	"reflect"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/config"
)

// fillSecrets puts a text into every secret of a value, wherever it is, and counts them.
func fillSecrets(v reflect.Value) (n int) {
	if v.Type() == reflect.TypeFor[config.Secret]() {
		v.SetString("HUSH-HUSH")
		return 1
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return fillSecrets(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				n += fillSecrets(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fillSecrets(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		x := reflect.New(v.Type().Elem()).Elem()
		n = fillSecrets(x)
		v.SetMapIndex(reflect.ValueOf("k").Convert(v.Type().Key()), x)
	}
	return n
}

// TestSettingsText shows no secret of any kind of source, sink or provider, and everything else
// as the configuration's file writes it.
func TestSettingsText(t *testing.T) {
	var all config.Config
	n := fillSecrets(reflect.ValueOf(&all).Elem())
	text, err := settingsText(&all)
	if err != nil || strings.Contains(text, "HUSH") {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := strings.Count(text, "***"); n < 20 || got != n {
		t.Errorf("%d of %d secrets are shown as such\n%s", got, n, text)
	}

	no := false
	cfg := &config.Config{Data: "data", Rules: []string{"shipped", "rules"}, Storm: 5, Routing: &no, Placeholders: map[string][]string{"admins": {"mary"}}}
	cfg.Console.Sessions.Idle = config.Duration(3600e9)
	cfg.Tracing.Endpoint = "http://mary:hunter2@collector:4318"
	text, err = settingsText(cfg)
	if err != nil || strings.Contains(text, "hunter2") {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, want := range []string{"data: data\n", "storm: 5\n", "routing: false\n", "idle: 1h0m0s\n", "- mary\n", "endpoint: http://***@collector:4318\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	if strings.Contains(text, "sinks") || strings.Contains(text, "strict") {
		t.Errorf("what is not set is shown:\n%s", text)
	}
	if text, err := settingsText(&config.Config{}); err != nil || text != "" {
		t.Errorf("%v %q", err, text)
	}
}

func TestSettings(t *testing.T) {
	s := newStand(t)
	s.start()
	cfg := *s.serve.config.Load()
	cfg.Console.URL = "https://yagura.example.com/"
	cfg.Console.OIDC = []config.OIDC{{Name: "entra", Issuer: "https://login.example.com", ClientID: "id", ClientSecret: "HUSH", Roles: []config.RoleMapping{{Group: "security", Role: "responder", Tenants: []string{"home"}}}}}
	cfg.Console.SAML = []config.SAML{{Name: "okta", Label: "Okta", Key: "HUSH"}}
	s.serve.config.Store(&cfg)
	got, err := (&consoleSettings{s.serve}).Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Providers) != 2 || !got.Local || got.Sessions.Idle != 12*3600 || got.Sessions.Age != 7*24*3600 || strings.Contains(got.Text, "HUSH") {
		t.Fatalf("%+v", got)
	}
	if p := got.Providers[0]; p.Redirect != "https://yagura.example.com/auth/oidc/entra/callback" || p.Label != "entra" || len(p.Roles) != 1 || p.Roles[0].Role != "responder" || p.Roles[0].Tenants[0] != "home" {
		t.Errorf("%+v", p)
	}
	if p := got.Providers[1]; p.ACS != "https://yagura.example.com/auth/saml/okta/acs" || p.Metadata != "https://yagura.example.com/auth/saml/okta/metadata" || p.EntityID != p.Metadata {
		t.Errorf("%+v", p)
	}
}
