package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/yagura-sec/yagura"
)

// Options of a [Gate].
type Options struct {
	Store Store
	// Public is how browsers reach the console; nil where nobody said.
	Public *url.URL
	// Networks are the only ones that are answered; none are all. Gateways are the proxies
	// whose headers count. CertificateHeader is where these put a client's certificate.
	Networks, Gateways []netip.Prefix
	CertificateHeader  string
	// Idle and Age bound sessions; 0: 12 h and 7 days.
	Idle, Age time.Duration
	// Local lets people sign in with a name and a password.
	Local     bool
	Providers []Provider
	Now       func() time.Time // nil: time.Now
	Rand      io.Reader        // nil: crypto/rand
	Cost      Cost             // of passwords; zero: the usual
	Logger    *slog.Logger     // nil: nothing is said
}

// Provider is an identity provider as the gate knows it.
type Provider struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"` // "oidc" or "saml"
	Label string `json:"label"`
	Start string `json:"start"` // path that a browser is sent to
	// Roles say who gets which bindings.
	Roles []Mapping `json:"-"`
	// Hidden keeps it out of what a sign-in page offers: there is another way to it.
	Hidden bool `json:"-"`
}

// Mapping gives a binding to those in a group ("*" is everybody), or with an e-mail address
// (also "*@example.com") that the provider has verified.
type Mapping struct {
	Group, Email string
	Binding      yagura.Binding
}

// Gate lets people and machines in.
type Gate struct {
	o         Options
	providers map[string]Provider
	hash      *hasher
	waits     *waits
	refused   *refusals

	mu   sync.Mutex
	seen map[string]time.Time // sessions and tokens (with address), when last noted in the store
}

// New makes a gate.
func New(o Options) (*Gate, error) {
	if o.Store == nil {
		return nil, errors.New("auth: there is no store")
	}
	o.Idle, o.Age = cmp.Or(o.Idle, 12*time.Hour), cmp.Or(o.Age, 7*24*time.Hour)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h, err := newHasher(o.Cost, o.Rand)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	g := &Gate{o: o, providers: map[string]Provider{}, hash: h, waits: newWaits(o.Now), refused: newRefusals(o.Now), seen: map[string]time.Time{}}
	for _, p := range o.Providers {
		g.providers[p.Name] = p
	}
	return g, nil
}

// Offer is how somebody may sign in.
type Offer struct {
	SetUp     bool       `json:"setup"` // there is no user yet: the set-up link makes the first
	Local     bool       `json:"local"`
	Providers []Provider `json:"providers"`
}

// Offer says how somebody may sign in.
func (g *Gate) Offer(ctx context.Context, r *http.Request) (Offer, error) {
	o := Offer{Local: g.o.Local, Providers: slices.DeleteFunc(append([]Provider{}, g.o.Providers...), func(p Provider) bool { return p.Hidden })}
	if err := g.CheckNetwork(r); err != nil || !g.o.Local {
		return o, err
	}
	err := g.o.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		users, err := tx.Users(ctx, yagura.LockNone)
		o.SetUp = len(users) == 0
		return err
	})
	return o, err
}

// Identify says who asks: by a bearer token, else by the cookie of a session. It returns
// [ErrNobody] for a stranger, and a [Refusal] for a token that is of no use.
func (g *Gate) Identify(r *http.Request) (*Identity, error) {
	if err := g.CheckNetwork(r); err != nil {
		return nil, err
	}
	switch headers := r.Header.Values("Authorization"); len(headers) {
	case 0:
		return g.session(r)
	case 1:
		word, token, _ := strings.Cut(headers[0], " ")
		if strings.EqualFold(word, "bearer") {
			return g.token(r, strings.TrimSpace(token))
		}
	}
	return nil, ErrNobody
}

// live reports whether whoever vouches for a user still may.
func (g *Gate) live(via string) bool {
	if via == viaLocal {
		return g.o.Local
	}
	_, ok := g.providers[via]
	return ok
}

// viaLocal is the Via of who signs in with a password.
const viaLocal = "local"

// random returns n bytes.
func (g *Gate) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(g.o.Rand, b); err != nil {
		return nil, fmt.Errorf("randomness: %w", err)
	}
	return b, nil
}

// secret is 256 bits as text.
func (g *Gate) secret() (string, error) {
	b, err := g.random(32)
	return base64.RawURLEncoding.EncodeToString(b), err
}

func (g *Gate) newID(now time.Time) (string, error) {
	id, err := ulid.New(ulid.Timestamp(now), g.o.Rand)
	return id.String(), err
}

func sumOf(secret string) Sum { return sha256.Sum256([]byte(secret)) }

// same compares in a time that tells nothing of where two texts differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func sameSum(a, b Sum) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

// due reports whether something was last noted longer ago than every, and notes it. The
// store is told so often alone.
func (g *Gate) due(key string, every time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.o.Now()
	if last, ok := g.seen[key]; ok && now.Sub(last) < every && now.Sub(last) >= 0 {
		return false
	}
	if len(g.seen) >= 20_000 {
		clear(g.seen) // each is noted once more
	}
	g.seen[key] = now
	return true
}
