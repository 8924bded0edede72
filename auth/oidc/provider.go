package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/yagura-sec/yagura/auth/flow"
)

const (
	descriptionFresh = time.Hour
	descriptionStale = 24 * time.Hour
	descriptionPause = 5 * time.Second // between two tries at a provider that does not answer
)

// Provider is one identity provider.
type Provider struct {
	c      Config
	flow   *flow.Flow
	client *http.Client

	mu      sync.Mutex
	current *described
	tried   time.Time
	failure error
}

// described is a provider as it describes itself.
type described struct {
	fetched    time.Time
	oauth      oauth2.Config
	provider   *gooidc.Provider
	verifier   *gooidc.IDTokenVerifier
	keys       *keys
	saysIssuer bool   // its answers carry iss (RFC 9207)
	endSession string // where a browser may sign out at the provider; "" where it cannot
}

// description is what a provider publishes at /.well-known/openid-configuration.
type description struct {
	Issuer     string   `json:"issuer"`
	Authorize  string   `json:"authorization_endpoint"`
	Token      string   `json:"token_endpoint"`
	UserInfo   string   `json:"userinfo_endpoint"`
	Keys       string   `json:"jwks_uri"`
	EndSession string   `json:"end_session_endpoint"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
	TokenAuth  []string `json:"token_endpoint_auth_methods_supported"`
	PKCE       []string `json:"code_challenge_methods_supported"`
	SaysIssuer bool     `json:"authorization_response_iss_parameter_supported"`
}

// New makes a provider. It asks nothing of it yet: a provider that is down when the server
// starts keeps nobody else out.
func New(c Config, o flow.Options) (*Provider, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("oidc %s: %w", c.Name, err)
	}
	f, err := flow.New("oidc", c.Name, false, o)
	if err != nil {
		return nil, fmt.Errorf("oidc %s: %w", c.Name, err)
	}
	return &Provider{c: c, flow: f, client: flow.Client(flow.FetchOptions{Private: c.Private, Roots: c.Roots})}, nil
}

// RedirectURL is the address that the provider has to know this server by.
func (p *Provider) RedirectURL() string { return p.flow.URL(p.flow.Path("callback")) }

// StartPath is where a browser begins to sign in.
func (p *Provider) StartPath() string { return p.flow.Path("start") }

// Check asks the provider for its description and keys.
func (p *Provider) Check(ctx context.Context) error {
	d, err := p.describe(ctx)
	if err == nil {
		_, err = d.keys.current(ctx, false)
	}
	if err != nil {
		return fmt.Errorf("oidc %s: %w", p.c.Name, err)
	}
	return nil
}

// SignOut is where a browser may go after sign-out so that the user is signed out at the
// provider too; "" where the provider offers no such place, or has not been asked yet.
func (p *Provider) SignOut() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil || p.current.endSession == "" {
		return ""
	}
	u, err := url.Parse(p.current.endSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.c.ClientID)
	q.Set("post_logout_redirect_uri", p.flow.URL("/sign-in"))
	u.RawQuery = q.Encode()
	return u.String()
}

// describe returns the provider as it describes itself, from memory while that is fresh.
func (p *Provider) describe(ctx context.Context) (*described, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.flow.Now()
	if p.current != nil && now.Sub(p.current.fetched) < descriptionFresh {
		return p.current, nil
	}
	if now.Sub(p.tried) >= descriptionPause {
		p.tried = now
		// Who asked may go away; those who wait for the same answer stay.
		d, err := p.fetch(context.WithoutCancel(ctx))
		if err == nil {
			if p.current != nil && p.current.keys.url == d.keys.url {
				d.keys = p.current.keys
			}
			p.link(d)
			p.current, p.failure = d, nil
			return d, nil
		}
		p.failure = err
		p.flow.Logger().Warn("identity provider does not describe itself", "error", err)
	}
	if p.current != nil && now.Sub(p.current.fetched) < descriptionStale {
		return p.current, nil
	}
	return nil, p.failure
}

func (p *Provider) link(d *described) {
	d.verifier = gooidc.NewVerifier(p.c.Issuer, d.keys, &gooidc.Config{
		ClientID:             p.c.ClientID,
		SupportedSigningAlgs: algorithms,
		Now:                  func() time.Time { return p.flow.Now().Add(-Skew) },
	})
}

func (p *Provider) fetch(ctx context.Context) (*described, error) {
	where := strings.TrimSuffix(p.c.Issuer, "/") + "/.well-known/openid-configuration"
	body, err := flow.Fetch(ctx, p.client, where, "application/json")
	if err != nil {
		return nil, err
	}
	var d description
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if d.Issuer != p.c.Issuer {
		return nil, fmt.Errorf("%s: it calls itself %.200q and not %q (hint: the issuer has to be written as the provider writes it, with or without a slash at the end)", where, d.Issuer, p.c.Issuer)
	}
	for _, e := range []struct {
		name, address string
		needed        bool
	}{
		{"authorization_endpoint", d.Authorize, true}, {"token_endpoint", d.Token, true}, {"jwks_uri", d.Keys, true},
		{"userinfo_endpoint", d.UserInfo, false}, {"end_session_endpoint", d.EndSession, false},
	} {
		if e.address == "" && !e.needed {
			continue
		}
		u, err := url.Parse(e.address)
		if err == nil {
			err = flow.CheckURL(u, p.c.Private)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", where, e.name, err)
		}
	}
	if len(d.Algorithms) > 0 && !slices.ContainsFunc(d.Algorithms, func(a string) bool { return slices.Contains(algorithms, a) }) {
		return nil, fmt.Errorf("%s: it signs tokens with %v alone (hint: let it use RS256 or ES256 for this client)", where, d.Algorithms)
	}
	if len(d.PKCE) > 0 && !slices.Contains(d.PKCE, "S256") {
		return nil, fmt.Errorf("%s: it takes PKCE with %v alone, and S256 is needed", where, d.PKCE)
	}
	style := oauth2.AuthStyleInHeader
	if p.c.ClientSecret == "" || p.c.TokenAuth == "post" ||
		p.c.TokenAuth == "" && len(d.TokenAuth) > 0 && !slices.Contains(d.TokenAuth, "client_secret_basic") && slices.Contains(d.TokenAuth, "client_secret_post") {
		style = oauth2.AuthStyleInParams
	}
	out := &described{
		fetched: p.flow.Now(),
		oauth: oauth2.Config{
			ClientID: p.c.ClientID, ClientSecret: p.c.ClientSecret, RedirectURL: p.RedirectURL(), Scopes: p.c.scopes(),
			Endpoint: oauth2.Endpoint{AuthURL: d.Authorize, TokenURL: d.Token, AuthStyle: style},
		},
		keys:       &keys{client: p.client, url: d.Keys, now: p.flow.Now},
		saysIssuer: d.SaysIssuer,
		endSession: d.EndSession,
	}
	if d.UserInfo != "" {
		pc := gooidc.ProviderConfig{IssuerURL: d.Issuer, AuthURL: d.Authorize, TokenURL: d.Token, UserInfoURL: d.UserInfo, JWKSURL: d.Keys, Algorithms: algorithms}
		out.provider = pc.NewProvider(gooidc.ClientContext(context.Background(), p.client))
	}
	return out, nil
}

// Handler serves /auth/oidc/NAME/start and /callback.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+p.flow.Path("start"), p.start)
	mux.HandleFunc("GET "+p.flow.Path("callback"), p.callback)
	return mux
}

func (p *Provider) start(w http.ResponseWriter, r *http.Request) {
	d, err := p.describe(r.Context())
	if err != nil {
		p.flow.Refuse(w, r, &flow.Refusal{Code: flow.Unavailable, Err: err})
		return
	}
	pending := flow.Pending{ID: flow.NewID(), Nonce: flow.NewID(), Verifier: oauth2.GenerateVerifier(), Return: r.URL.Query().Get("return")}
	if err := p.flow.Begin(w, r, pending); err != nil {
		p.flow.Refuse(w, r, &flow.Refusal{Code: flow.Internal, Err: err})
		return
	}
	options := []oauth2.AuthCodeOption{gooidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)}
	if p.c.HostedDomain != "" {
		options = append(options, oauth2.SetAuthURLParam("hd", p.c.HostedDomain))
	}
	flow.Redirect(w, d.oauth.AuthCodeURL(pending.ID, options...))
}
