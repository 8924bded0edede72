package github

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// auth gives requests their credential.
type auth interface {
	// header returns the Authorization header for requests about a repository.
	header(ctx context.Context, s *Sink, repo string) (string, error)
	// refused tells that GitHub did not take the credential; again says whether another
	// attempt with a new one makes sense.
	refused(repo string) (again bool)
	// identity says who we are at GitHub.
	identity(ctx context.Context, s *Sink, repo string) (identity, error)
}

// identity is an account of GitHub as the author of what we write.
type identity struct {
	login string
	bot   bool // an App's: nobody else writes as it
}

type tokenAuth string

func (t tokenAuth) header(context.Context, *Sink, string) (string, error) {
	return "Bearer " + string(t), nil
}

func (t tokenAuth) refused(string) bool { return false }

func (t tokenAuth) identity(ctx context.Context, s *Sink, repo string) (identity, error) {
	var u struct{ Login, Type string }
	if err := s.do(ctx, call{method: http.MethodGet, path: "/user", repo: repo}, &u); err != nil {
		return identity{}, err
	}
	if u.Login == "" {
		return identity{}, errors.New("/user names no login")
	}
	return identity{login: u.Login}, nil
}

// appAuth is a GitHub App: a signed statement of who it is buys tokens for installations.
type appAuth struct {
	id  string
	key *rsa.PrivateKey

	mu     sync.Mutex
	owners map[string]int64 // installation by owner, lower case
	tokens map[int64]installToken
}

type installToken struct {
	token   string
	expires time.Time
}

func newAppAuth(a App) (*appAuth, error) {
	if a.ID == "" {
		return nil, errors.New("want its id")
	}
	block, _ := pem.Decode(a.Key)
	if block == nil {
		return nil, errors.New("key: want PEM (-----BEGIN RSA PRIVATE KEY-----)")
	}
	var key *rsa.PrivateKey
	switch block.Type {
	case "RSA PRIVATE KEY":
		k, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("key: the PEM holds no RSA key")
		}
		key = k
	case "PRIVATE KEY":
		k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("key: the PEM holds no key")
		}
		var ok bool
		if key, ok = k.(*rsa.PrivateKey); !ok {
			return nil, errors.New("key: want an RSA key")
		}
	default:
		return nil, fmt.Errorf("key: the PEM is a %s; want an RSA private key", block.Type)
	}
	return &appAuth{id: a.ID, key: key, owners: map[string]int64{}, tokens: map[int64]installToken{}}, nil
}

// jwt says who the App is, for ten minutes less than GitHub lets clocks differ.
func (a *appAuth) jwt(now time.Time) (string, error) {
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`))
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-30 * time.Second).Unix(), "exp": now.Add(9 * time.Minute).Unix(), "iss": a.id})
	if err != nil {
		return "", err
	}
	text := head + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign for the app: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

func (a *appAuth) header(ctx context.Context, s *Sink, repo string) (string, error) {
	owner, _, _ := strings.Cut(strings.ToLower(repo), "/")
	now := s.o.Now()
	a.mu.Lock()
	id, known := a.owners[owner]
	tok := a.tokens[id]
	a.mu.Unlock()
	if known && now.Before(tok.expires.Add(-5*time.Minute)) {
		return "Bearer " + tok.token, nil
	}
	if !known {
		if repo == "" {
			return "", errors.New("no repository to find the app's installation by")
		}
		var in struct{ ID int64 }
		if err := s.do(ctx, call{method: http.MethodGet, path: "/repos/" + repo + "/installation", app: a}, &in); err != nil {
			return "", fmt.Errorf("find the app's installation (hint: install the app for %s): %w", repo, err)
		}
		id = in.ID
	}
	var out struct {
		Token     string
		ExpiresAt time.Time `json:"expires_at"`
	}
	body := map[string]any{"permissions": map[string]string{"issues": "write", "metadata": "read"}}
	if err := s.do(ctx, call{method: http.MethodPost, path: fmt.Sprintf("/app/installations/%d/access_tokens", id), body: body, app: a, safe: true}, &out); err != nil {
		a.forget(owner, id)
		return "", fmt.Errorf("installation token: %w", err)
	}
	if out.Token == "" {
		return "", errors.New("installation token: the answer holds none")
	}
	a.mu.Lock()
	a.owners[owner], a.tokens[id] = id, installToken{out.Token, out.ExpiresAt}
	a.mu.Unlock()
	return "Bearer " + out.Token, nil
}

func (a *appAuth) forget(owner string, id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.owners, owner)
	delete(a.tokens, id)
}

func (a *appAuth) refused(repo string) bool {
	owner, _, _ := strings.Cut(strings.ToLower(repo), "/")
	a.mu.Lock()
	id, known := a.owners[owner]
	a.mu.Unlock()
	if known {
		a.forget(owner, id)
	}
	return known
}

func (a *appAuth) identity(ctx context.Context, s *Sink, _ string) (identity, error) {
	var app struct{ Slug string }
	if err := s.do(ctx, call{method: http.MethodGet, path: "/app", app: a}, &app); err != nil {
		return identity{}, err
	}
	if app.Slug == "" {
		return identity{}, errors.New("/app names no slug")
	}
	return identity{login: app.Slug + "[bot]", bot: true}, nil
}

// whoami returns who we are, asked once.
func (s *Sink) whoami(ctx context.Context, repo string) (identity, error) {
	s.mu.Lock()
	self := s.self
	s.mu.Unlock()
	if self.login != "" {
		return self, nil
	}
	self, err := s.auth.identity(ctx, s, repo)
	if err != nil {
		return identity{}, err
	}
	s.mu.Lock()
	s.self = self
	s.authors[strings.ToLower(self.login)] = true
	s.mu.Unlock()
	return self, nil
}

// ours says whether a login is one that we write as.
func (s *Sink) ours(login string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return login != "" && s.authors[strings.ToLower(login)]
}
