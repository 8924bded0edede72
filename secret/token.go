package secret

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// tokenLasts is how long a token is used: Google and Entra give out tokens for an hour, and
// metadata services may hand on one that has been in use for a while, for five minutes at
// least.
const tokenLasts = 4 * time.Minute

// Token gets access tokens for a cloud's services, from where references to that cloud's
// secrets get theirs: the metadata service of the machine, or what the environment names.
// Each call asks anew.
type Token func(ctx context.Context) (token string, ends time.Time, err error)

// GoogleToken gets tokens for Google Cloud.
func GoogleToken(o Options) Token {
	return newToken(o, func(ctx context.Context, r *Resolver) (string, error) { return r.gcpToken(ctx) })
}

// AzureToken gets tokens of Entra for the resource of a service of Azure, such as
// https://storage.azure.com in the public cloud.
func AzureToken(o Options, resource string) Token {
	return newToken(o, func(ctx context.Context, r *Resolver) (string, error) {
		u, err := url.Parse(resource)
		if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			return "", errors.New("the resource is not an address")
		}
		cloud := "vault.azure.net"
		switch {
		case strings.HasSuffix(u.Host, ".cn"):
			cloud = "vault.azure.cn"
		case strings.HasSuffix(u.Host, ".us") || strings.HasSuffix(u.Host, "usgovcloudapi.net"):
			cloud = "vault.usgovcloudapi.net"
		}
		return r.azureTokenFor(ctx, cloud, "https://"+u.Host)
	})
}

func newToken(o Options, ask func(context.Context, *Resolver) (string, error)) Token {
	return func(ctx context.Context) (string, time.Time, error) {
		r := New(o)
		ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
		defer cancel()
		t, err := ask(ctx, r)
		if err != nil {
			return "", time.Time{}, fmt.Errorf("secret: access token: %w", err)
		}
		if t == "" || strings.ContainsAny(t, "\r\n") {
			return "", time.Time{}, errors.New("secret: access token: the answer has none")
		}
		return t, r.o.Now().Add(tokenLasts), nil
	}
}
