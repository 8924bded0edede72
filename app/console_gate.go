package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
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
		value, _, err = tx.Tx.HoldState(ctx, name)
	}
	return value, err
}

// publicURL is how browsers reach the console, nil where nobody says.
func publicURL(cfg *config.Config) (*url.URL, error) {
	text := cmp.Or(cfg.Console.URL, cfg.Server.URL)
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// openGate makes the gate of a configuration.
func openGate(cfg *config.Config, db *store.DB, now func() time.Time, log *slog.Logger) (*auth.Gate, error) {
	c := &cfg.Console
	o := auth.Options{Store: gateStore{db}, CertificateHeader: c.CertificateHeader, Idle: time.Duration(c.Sessions.Idle), Age: time.Duration(c.Sessions.Age),
		Local: c.LocalSignIn(), Now: now, Logger: log}
	var err error
	if o.Public, err = publicURL(cfg); err != nil {
		return nil, err
	}
	for _, list := range []struct {
		from []string
		to   *[]netip.Prefix
	}{{c.Networks, &o.Networks}, {c.Gateways, &o.Gateways}} {
		for _, text := range list.from {
			p, err := config.ParseNetwork(text)
			if err != nil {
				return nil, err
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

// setUpLink makes the link by which the first admin is made, or returns "" where there is a
// user. listens is where the server listens, for who has no better address.
func setUpLink(ctx context.Context, cfg *config.Config, gate *auth.Gate, listens string) (string, error) {
	key, err := gate.SetUpKey(ctx)
	if err != nil || key == "" {
		return "", err
	}
	u, err := publicURL(cfg)
	if err != nil {
		return "", err
	}
	if u == nil {
		u = &url.URL{Scheme: "http", Host: strings.NewReplacer("[::]", "localhost", "0.0.0.0", "localhost").Replace(listens)}
		if cfg.Server.TLSCert != "" {
			u.Scheme = "https"
		}
		if hosts := cfg.Console.ACME.Hosts; len(hosts) > 0 {
			u.Scheme, u.Host = "https", hosts[0]
		}
	}
	// The key stands behind #: browsers send it to no server and write it into no log.
	return fmt.Sprintf("%s/setup#key=%s", u, key), nil
}
