package app

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/auth"
	signin "github.com/yagura-sec/yagura/auth/flow"
	"github.com/yagura-sec/yagura/auth/oidc"
	"github.com/yagura-sec/yagura/auth/saml"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// openProviders serves what identity providers send browsers to.
func (s *Serve) openProviders(ctx context.Context, cfg *config.Config) error {
	c := &cfg.Console
	if len(c.OIDC)+len(c.SAML) == 0 {
		return nil
	}
	public, err := url.Parse(publicURL(cfg))
	if err != nil {
		return &config.Fault{Where: "console.url", Reason: err.Error()}
	}
	public.Path = strings.TrimSuffix(public.Path, "/")
	key, err := flowKey(ctx, s.db)
	if err != nil {
		return err
	}
	s.signOuts = map[string]func() string{}
	o := signin.Options{Public: public, Key: key, Once: onceStore{s.db}, Door: s.gate, Logger: s.log, Now: s.o.Now}
	for i := range c.OIDC {
		p, err := newOIDC(&c.OIDC[i], o)
		if err != nil {
			return &config.Fault{Where: fmt.Sprintf("console.oidc[%d]", i), Reason: err.Error()}
		}
		s.mux.Handle("/auth/oidc/"+c.OIDC[i].Name+"/", s.byProvider(p.Handler()))
		if c.OIDC[i].SignOut {
			s.signOuts[c.OIDC[i].Name] = p.SignOut
		}
	}
	for i := range c.SAML {
		p, err := newSAML(&c.SAML[i], o)
		if err != nil {
			return &config.Fault{Where: fmt.Sprintf("console.saml[%d]", i), Reason: err.Error()}
		}
		s.mux.Handle("/auth/saml/"+c.SAML[i].Name+"/", s.byProvider(p.Handler()))
	}
	return nil
}

// signOutAt is where users whom a provider let in sign out there.
func (s *Serve) signOutAt(via string) string {
	if at := s.signOuts[via]; at != nil {
		return at()
	}
	return ""
}

// byProvider gives requests an id, and keeps those out that come from where nobody may.
func (s *Serve) byProvider(next http.Handler) http.Handler {
	newID := NewID(s.o.Now)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := strings.ToLower(newID())
		w.Header().Set("X-Request-Id", id)
		r = r.WithContext(auth.WithRequest(r.Context(), id))
		if err := s.gate.CheckNetwork(r); err != nil {
			http.Error(w, "this address may not come here", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func newOIDC(c *config.OIDC, o signin.Options) (*oidc.Provider, error) {
	roots, err := rootsFrom(c.CA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return oidc.New(oidc.Config{
		Name: c.Name, Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Scopes: c.Scopes,
		NameClaim: c.NameClaim, GroupsClaim: c.GroupsClaim, HostedDomain: c.HostedDomain, AllowUnverifiedEmail: c.UnverifiedEmail,
		TokenAuth: c.TokenAuth, Private: c.Private, Roots: roots,
	}, o)
}

func newSAML(c *config.SAML, o signin.Options) (*saml.Provider, error) {
	roots, err := rootsFrom(c.CA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	out := saml.Config{
		Name: c.Name, Metadata: c.Metadata, IDPEntityID: c.IdPEntityID, EntityID: c.EntityID, Key: c.Key.Reveal(), Sign: c.Sign,
		Binding: c.Binding, Signed: c.Signed, IDPInitiated: c.IdPInitiated, NameID: c.NameID,
		NameAttribute: c.NameAttribute, EmailAttribute: c.EmailAttribute, DisplayAttribute: c.DisplayAttribute, GroupsAttribute: c.GroupsAttribute,
		Private: c.Private, Roots: roots,
	}
	for _, f := range []struct {
		name, file string
		to         *string
	}{{"certificate", c.Certificate, &out.Certificate}, {"metadata_certificate", c.MetadataCertificate, &out.MetadataCertificate}} {
		if f.file == "" {
			continue
		}
		b, err := os.ReadFile(f.file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		*f.to = string(b)
	}
	return saml.New(out, o)
}

func rootsFrom(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, errors.New("there is no certificate in it")
	}
	return pool, nil
}

// onceStore takes ids, each in a transaction of its own.
type onceStore struct{ db *store.DB }

// TakeOnce takes an id of a kind until a time, and says whether it was free.
func (o onceStore) TakeOnce(ctx context.Context, kind, id string, until time.Time) (free bool, err error) {
	err = o.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		free, err = tx.TakeOnce(ctx, kind, id, until.UTC())
		return err
	})
	return free, err
}

// flowKey is what the cookies of sign-ins that are under way are sealed with. It is made once,
// and all replicas have it from the store: an answer may come to another one than the question.
func flowKey(ctx context.Context, db *store.DB) (key []byte, err error) {
	const name = "auth.flow.key"
	err = db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		var there bool
		if key, there, err = tx.HoldState(ctx, name); err != nil || there && len(key) >= 32 {
			return err
		}
		key = make([]byte, 32)
		_, _ = rand.Read(key) // it never returns an error
		return tx.PutState(ctx, name, key)
	})
	return key, err
}
