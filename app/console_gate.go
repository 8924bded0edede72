package app

import (
	"cmp"
	"context"
	"net/netip"
	"net/url"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// gateStore is the store as the gate asks for it.
type gateStore struct{ db *store.DB }

// View runs fn on one snapshot.
func (s gateStore) View(ctx context.Context, fn func(ctx context.Context, tx auth.Tx) error) error {
	return s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, gateTx{tx}) })
}

// Update runs fn in one write transaction.
func (s gateStore) Update(ctx context.Context, fn func(ctx context.Context, tx auth.Tx) error) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, gateTx{tx}) })
}

type gateTx struct{ *store.Tx }

// State reads what is kept by a name, nil for nothing.
func (tx gateTx) State(ctx context.Context, name string, lock yagura.Lock) (value []byte, err error) {
	if lock == yagura.LockNone {
		value, _, err = tx.Tx.State(ctx, name)
	} else {
		value, _, err = tx.HoldState(ctx, name)
	}
	return value, err
}

// publicURL is how browsers reach the console, "" where nobody said.
func publicURL(cfg *config.Config) string { return cmp.Or(cfg.Console.URL, cfg.Server.URL) }

// newGate makes the gate of a configuration. o has what that does not say: the store, the clock,
// further providers.
func newGate(cfg *config.Config, o auth.Options) (*auth.Gate, error) {
	c := &cfg.Console
	o.CertificateHeader, o.Idle, o.Age, o.Local = c.CertificateHeader, time.Duration(c.Sessions.Idle), time.Duration(c.Sessions.Age), c.LocalSignIn()
	if text := publicURL(cfg); text != "" {
		u, err := url.Parse(text)
		if err != nil {
			return nil, &config.Fault{Where: "console.url", Reason: err.Error()}
		}
		o.Public = &url.URL{Scheme: u.Scheme, Host: u.Host}
	}
	for _, list := range []struct {
		where string
		from  []string
		to    *[]netip.Prefix
	}{{"console.networks", c.Networks, &o.Networks}, {"console.trusted_gateways", c.Gateways, &o.Gateways}} {
		for _, text := range list.from {
			p, err := config.ParseNetwork(text)
			if err != nil {
				return nil, &config.Fault{Where: list.where, Reason: err.Error()}
			}
			*list.to = append(*list.to, p)
		}
	}
	provider := func(kind, name, label string, roles []config.RoleMapping) {
		p := auth.Provider{Name: name, Kind: kind, Label: cmp.Or(label, name), Start: "/auth/" + kind + "/" + name + "/start"}
		for i := range roles {
			p.Roles = append(p.Roles, auth.Mapping{Group: roles[i].Group, Email: roles[i].Email, Binding: roles[i].Binding()})
		}
		o.Providers = append(o.Providers, p)
	}
	for i := range c.OIDC {
		provider("oidc", c.OIDC[i].Name, c.OIDC[i].Label, c.OIDC[i].Roles)
	}
	for i := range c.SAML {
		provider("saml", c.SAML[i].Name, c.SAML[i].Label, c.SAML[i].Roles)
	}
	return auth.New(o)
}
