package secret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	maxRef   = 4 << 10
	maxValue = 64 << 10
)

// Options say where to look; the zero value is the process's own surroundings.
type Options struct {
	// Env looks a variable up; nil is os.LookupEnv.
	Env func(string) (string, bool)
	// Client is used for Google, Azure and Vault; nil makes one that follows no redirects,
	// takes the proxy of the environment, and none for metadata services.
	Client *http.Client
	// AWS returns a connection to a region ("" is the default one); nil loads the SDK's
	// default configuration.
	AWS func(ctx context.Context, region string) (aws.Config, error)
	// Timeout bounds one reference (0: 20 s).
	Timeout time.Duration
	// Backoff is the first wait before a request that failed is made again (0: 200 ms).
	Backoff time.Duration
	Now     func() time.Time // nil: time.Now
}

// Resolver resolves references and remembers what it fetched. It is made anew for every
// load of a configuration.
type Resolver struct {
	o Options

	mu      sync.Mutex
	fetched map[string]string // by reference without key
	tokens  map[string]string
	regions map[string]aws.Config
}

// New makes a resolver.
func New(o Options) *Resolver {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	o.Timeout = cmp.Or(o.Timeout, 20*time.Second)
	o.Backoff = cmp.Or(o.Backoff, 200*time.Millisecond)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Resolver{o: o, fetched: map[string]string{}, tokens: map[string]string{}, regions: map[string]aws.Config{}}
}

// Resolve resolves one reference.
func Resolve(ctx context.Context, ref string, o Options) (string, error) {
	return New(o).Resolve(ctx, ref)
}

var (
	refForm = regexp.MustCompile(`^ref\+([a-z0-9]+)://`)
	kvForm  = regexp.MustCompile(`^\s*\{\{-?\s*kv\s`)
	kvWhole = regexp.MustCompile(`^\s*\{\{-?\s*kv\s+"(https://[^"\s]+)"\s*-?\}\}\s*$`)
)

// IsRef says whether a value of the configuration is a reference, also one that cannot be
// resolved because it is written wrongly.
func IsRef(s string) bool { return refForm.MatchString(s) || kvForm.MatchString(s) }

// reference is a reference in its parts.
type reference struct {
	scheme string
	body   string // unescaped
	query  url.Values
	shown  string // for errors: without arguments
}

// scheme is how references of one kind are fetched.
type scheme struct {
	params []string // of the query
	fetch  func(*Resolver, context.Context, reference) (string, error)
}

// schemes is a function because a variable would refer to itself.
func schemes() map[string]scheme {
	return map[string]scheme{
		"env":           {[]string{"key"}, (*Resolver).env},
		"file":          {[]string{"key"}, (*Resolver).file},
		"systemd":       {[]string{"key"}, (*Resolver).systemd},
		"exec":          {[]string{"key", "arg"}, (*Resolver).exec},
		"awssecrets":    {[]string{"key", "region", "version"}, (*Resolver).awsSecrets},
		"awsssm":        {[]string{"key", "region"}, (*Resolver).awsSSM},
		"gcpsecrets":    {[]string{"key"}, (*Resolver).gcpSecrets},
		"azurekeyvault": {[]string{"key"}, (*Resolver).azureKeyVault},
		"vault":         {[]string{"field", "version"}, (*Resolver).vault},
	}
}

// parse takes a reference apart.
func parse(ref string) (reference, scheme, error) {
	if len(ref) > maxRef {
		return reference{shown: "reference"}, scheme{}, fmt.Errorf("it has more than %d bytes", maxRef)
	}
	if kvForm.MatchString(ref) {
		m := kvWhole.FindStringSubmatch(ref)
		if m == nil {
			return reference{shown: "{{ kv … }}"}, scheme{}, errors.New(`want {{ kv "https://NAME.vault.azure.net/secrets/X" }}`)
		}
		u, err := url.Parse(m[1])
		r := reference{scheme: "azurekeyvault", shown: "{{ kv … }}"}
		if err != nil || u.User != nil || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" {
			return r, scheme{}, errors.New("want https://NAME.vault.azure.net/secrets/X")
		}
		path, ok := strings.CutPrefix(u.Path, "/secrets/")
		if !ok {
			return r, scheme{}, errors.New("want https://NAME.vault.azure.net/secrets/X")
		}
		r.body, r.query = u.Host+"/"+path, url.Values{}
		r.shown = `{{ kv "https://` + visible(r.body) + `" }}`
		return r, schemes()["azurekeyvault"], nil
	}
	m := refForm.FindStringSubmatch(ref)
	if m == nil {
		return reference{shown: "reference"}, scheme{}, errors.New("want ref+scheme://…")
	}
	r := reference{scheme: m[1]}
	body, query, _ := strings.Cut(ref[len(m[0]):], "?")
	r.shown = "ref+" + m[1] + "://" + visible(body)
	s, ok := schemes()[m[1]]
	if !ok {
		return r, s, errors.New("the scheme is not known (hint: env, file, systemd, exec, awssecrets, awsssm, gcpsecrets, azurekeyvault or vault)")
	}
	var err error
	if r.body, err = url.PathUnescape(body); err != nil {
		return r, s, errors.New("a % must be followed by two hexadecimal digits (hint: % itself is %25)")
	}
	if r.query, err = url.ParseQuery(query); err != nil {
		return r, s, errors.New("the part behind ? cannot be read")
	}
	for name, values := range r.query {
		switch {
		case !slices.Contains(s.params, name):
			return r, s, fmt.Errorf("parameter %q is not known (hint: %s)", visible(name), strings.Join(s.params, ", "))
		case len(values) > 1 && name != "arg":
			return r, s, fmt.Errorf("parameter %s is there twice", name)
		}
	}
	if r.body == "" || strings.ContainsRune(r.body, 0) || !utf8.ValidString(r.body) {
		return r, s, errors.New("there is no name behind ://")
	}
	return r, s, nil
}

func visible(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	q := fmt.Sprintf("%q", s)
	return q[1 : len(q)-1]
}

// Resolve resolves one reference. Its errors name the reference and never show a value.
func (r *Resolver) Resolve(ctx context.Context, ref string) (string, error) {
	p, s, err := parse(ref)
	if err == nil {
		var v string
		if v, err = r.value(ctx, p, s); err == nil {
			return v, nil
		}
	}
	return "", fmt.Errorf("secret %s: %w", p.shown, err)
}

func (r *Resolver) value(ctx context.Context, p reference, s scheme) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	path := p.query.Get("key")
	if p.query.Has("key") && path == "" {
		return "", errors.New("key is empty")
	}
	rest := url.Values{}
	for k, v := range p.query {
		if k != "key" {
			rest[k] = v
		}
	}
	p.query = rest
	id := p.scheme + "://" + p.body + "?" + rest.Encode()
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.fetched[id]
	if !ok {
		var err error
		if v, err = s.fetch(r, ctx, p); err != nil {
			return "", err
		}
		if len(v) > maxValue {
			return "", fmt.Errorf("the value has more than %d KB", maxValue>>10)
		}
		r.fetched[id] = v
	}
	if path != "" {
		var err error
		if v, err = pick(v, path); err != nil {
			return "", err
		}
	}
	if v == "" {
		return "", errors.New("the value is empty")
	}
	return v, nil
}
