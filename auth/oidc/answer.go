package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/auth/flow"
)

const (
	mostCode  = 4 << 10
	mostToken = 64 << 10
)

// callback takes the provider's answer, which the browser carries.
func (p *Provider) callback(w http.ResponseWriter, r *http.Request) {
	a, path, err := p.answer(w, r)
	if err != nil {
		var refusal *flow.Refusal
		if !errors.As(err, &refusal) {
			refusal = &flow.Refusal{Code: flow.Internal, Err: err}
		}
		p.flow.Refuse(w, r, refusal)
		return
	}
	p.flow.Admit(w, r, a, path)
}

func (p *Provider) answer(w http.ResponseWriter, r *http.Request) (auth.Assertion, string, error) {
	var none auth.Assertion
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return none, "", flow.Refusef(flow.IdentityRefused, "the answer is no query: %w", err)
	}
	for _, name := range []string{"state", "code", "iss", "error", "error_description"} {
		if len(q[name]) > 1 || len(q.Get(name)) > mostCode {
			return none, "", flow.Refusef(flow.IdentityRefused, "the answer's %s is there twice, or too long", name)
		}
	}
	// The state comes first: what no browser of ours asked for is not looked at any further,
	// and no secret leaves this server because of it.
	pending, err := p.flow.Resume(w, r, q.Get("state"))
	if err != nil {
		return none, "", err
	}
	d, err := p.describe(r.Context())
	if err != nil {
		return none, "", &flow.Refusal{Code: flow.Unavailable, Err: err}
	}
	if iss, there := q["iss"]; there && iss[0] != p.c.Issuer || !there && d.saysIssuer {
		return none, "", flow.Refusef(flow.IdentityRefused, "the answer comes from the issuer %.200q and not %q", q.Get("iss"), p.c.Issuer)
	}
	if code := q.Get("error"); code != "" {
		return none, "", flow.Refusef(flow.ProviderRefused, "the provider says %.80q: %.300q", code, q.Get("error_description"))
	}
	if q.Get("code") == "" {
		return none, "", flow.Refusef(flow.IdentityRefused, "the answer has no code")
	}
	ctx := gooidc.ClientContext(r.Context(), p.client)
	token, err := d.oauth.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(pending.Verifier))
	if err != nil {
		return none, "", exchangeRefusal(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return none, "", flow.Refusef(flow.IdentityRefused, "the provider gave no id_token (hint: the scope openid, and a provider that speaks OpenID Connect)")
	}
	cl, id, err := p.verify(ctx, d, raw, pending.Nonce)
	if err != nil {
		return none, "", err
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return none, "", flow.Refusef(flow.IdentityRefused, "at_hash: %w", err)
		}
	}
	if d.provider != nil && token.AccessToken != "" && p.c.wants(cl) {
		if err := p.complete(ctx, d, token, cl); err != nil {
			return none, "", err
		}
	}
	a, err := p.c.identity(cl)
	if err != nil {
		return none, "", err
	}
	sum := sha256.Sum256([]byte(raw))
	a.ID = "oidc/" + p.c.Name + "/" + base64.RawURLEncoding.EncodeToString(sum[:])
	a.Until = id.Expiry.Add(2 * Skew)
	return a, pending.Return, nil
}

// exchangeRefusal says why the provider gave no token. Its answer is cut: it may repeat what was
// sent.
func exchangeRefusal(err error) error {
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) && answered.ErrorCode != "" {
		hint := ""
		switch answered.ErrorCode {
		case "invalid_client", "unauthorized_client":
			hint = " (hint: client_id, client_secret and token_auth)"
		case "invalid_grant":
			hint = " (hint: the code was used before, is too old, or is for another redirect address)"
		}
		return flow.Refusef(flow.ProviderRefused, "the provider gives no token: %.80q: %.200q%s", answered.ErrorCode, answered.ErrorDescription, hint)
	}
	if answered != nil {
		return flow.Refusef(flow.Unavailable, "the provider gives no token: %s", answered.Response.Status)
	}
	return flow.Refusef(flow.Unavailable, "the provider gives no token: %w", err)
}

// verify checks a token, and returns its claims.
func (p *Provider) verify(ctx context.Context, d *described, raw, nonce string) (claims, *gooidc.IDToken, error) {
	refuse := func(format string, args ...any) (claims, *gooidc.IDToken, error) {
		return nil, nil, flow.Refusef(flow.IdentityRefused, "token: "+format, args...)
	}
	if len(raw) > mostToken {
		return refuse("it has %d bytes, more than %d", len(raw), mostToken)
	}
	if err := checkHeader(raw); err != nil {
		return refuse("%w", err)
	}
	id, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		return refuse("%w", err)
	}
	var body json.RawMessage
	if err := id.Claims(&body); err != nil {
		return refuse("%w", err)
	}
	cl, err := parseClaims(body)
	if err != nil {
		return refuse("%w", err)
	}
	now := p.flow.Now()
	switch {
	case nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1:
		return refuse("its nonce is not that of this sign-in")
	case id.Expiry.Unix() <= 0:
		return refuse("it does not say when it expires")
	case id.IssuedAt.Unix() <= 0:
		return refuse("it does not say when it was made")
	case id.IssuedAt.After(now.Add(Skew)):
		return refuse("it was made at %s, which has not come yet (hint: look at both clocks)", id.IssuedAt.UTC().Format(time.RFC3339))
	case id.IssuedAt.Before(now.Add(-maxAge)):
		return refuse("it was made at %s, too long ago", id.IssuedAt.UTC().Format(time.RFC3339))
	}
	if nbf, ok := cl["nbf"].(float64); ok && now.Add(Skew).Before(time.Unix(int64(nbf), 0)) {
		return refuse("it is not valid yet")
	}
	azp, has := cl["azp"]
	if has && azp != p.c.ClientID || !has && len(id.Audience) > 1 {
		return refuse("it was made for %.80q (audience %.200q) and not for %q", azp, id.Audience, p.c.ClientID)
	}
	return cl, id, nil
}

// checkHeader refuses headers that tell how a token is to be checked: the configuration and the
// provider's own keys do, and nothing in a token.
func checkHeader(raw string) error {
	part, rest, ok := strings.Cut(raw, ".")
	if !ok || strings.Count(rest, ".") != 1 {
		return errors.New("it is not of three parts")
	}
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return fmt.Errorf("its header: %w", err)
	}
	var h map[string]json.RawMessage
	if err := json.Unmarshal(b, &h); err != nil {
		return fmt.Errorf("its header: %w", err)
	}
	for name := range h {
		switch strings.ToLower(name) {
		case "jwk", "jku", "x5u", "crit", "b64", "zip", "enc":
			return fmt.Errorf("its header has %.40q", name)
		}
	}
	var alg, typ string
	if json.Unmarshal(h["alg"], &alg) != nil || !slices.Contains(algorithms, alg) {
		return fmt.Errorf("it is signed with %.40q", h["alg"])
	}
	if t, ok := h["typ"]; ok && (json.Unmarshal(t, &typ) != nil || !strings.EqualFold(typ, "JWT")) {
		return fmt.Errorf("it is a %.40q and no token of identity", t)
	}
	return nil
}

// complete asks the provider for claims that the token lacks: some put little into tokens. What
// the token says is never replaced.
func (p *Provider) complete(ctx context.Context, d *described, token *oauth2.Token, cl claims) error {
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token.AccessToken}))
	if err != nil {
		return flow.Refusef(flow.Unavailable, "userinfo: %w", err)
	}
	var more claims
	if err := info.Claims(&more); err != nil {
		return flow.Refusef(flow.IdentityRefused, "userinfo: %w", err)
	}
	if info.Subject == "" || info.Subject != cl.text("sub") {
		return flow.Refusef(flow.IdentityRefused, "userinfo speaks of %.80q and the token of %.80q", info.Subject, cl.text("sub"))
	}
	// An address and what is said of it belong together.
	_, emailInToken := cl["email"]
	for name, v := range more {
		if _, there := cl[name]; there || name == "email_verified" && emailInToken {
			continue
		}
		switch name {
		case "iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "hd", "acr", "amr":
			continue
		}
		cl[name] = v
	}
	return nil
}
