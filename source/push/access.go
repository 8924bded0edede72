package push

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
)

// Access says who may send. Any one of the credentials opens; several of a kind let
// them be changed without a gap. Only hashes of them are held in memory.
type Access struct {
	// Bearer are tokens of "Authorization: Bearer …".
	Bearer []string
	// Basic are user and password of "Authorization: Basic …".
	Basic []Basic
	// Header are secrets in headers of their own, such as X-Api-Key.
	Header []Header
	// Path are secrets that stand behind the path where the endpoint is mounted
	// ("/in/falco/" and then the secret), for senders that can set nothing but an address.
	Path []string
	// Anyone lets everybody in: for a listener behind mutual TLS or on loopback.
	Anyone bool
}

// Basic is a user with a password.
type Basic struct{ User, Password string }

// Header is a header with its secret value.
type Header struct{ Name, Value string }

// MinSecret is the least length of a secret: what is shorter can be guessed.
const MinSecret = 16

type digest [sha256.Size]byte

type access struct {
	bearer, basic, path []digest
	header              map[string][]digest
	anyone              bool
}

func newAccess(a Access) (*access, error) {
	out := &access{anyone: a.Anyone}
	add := func(to *[]digest, kind, secret, hashed string) error {
		if len(secret) < MinSecret {
			return fmt.Errorf("%s: a secret of %d bytes is too short (hint: at least %d, such as the output of `openssl rand -hex 32`)", kind, len(secret), MinSecret)
		}
		*to = append(*to, sha256.Sum256([]byte(hashed)))
		return nil
	}
	for _, s := range a.Bearer {
		if err := add(&out.bearer, "bearer token", s, s); err != nil {
			return nil, err
		}
	}
	for _, b := range a.Basic {
		if strings.Contains(b.User, ":") {
			return nil, fmt.Errorf("basic user %q: a user must not have a colon", b.User)
		}
		if err := add(&out.basic, "basic password", b.Password, b.User+":"+b.Password); err != nil {
			return nil, err
		}
	}
	for _, h := range a.Header {
		name := textproto.CanonicalMIMEHeaderKey(h.Name)
		if name == "" || strings.ContainsAny(name, " :\r\n") || name == "Authorization" {
			return nil, fmt.Errorf("header %q: not the name of a header for a secret", h.Name)
		}
		if out.header == nil {
			out.header = make(map[string][]digest)
		}
		list := out.header[name]
		if err := add(&list, "header "+name, h.Value, h.Value); err != nil {
			return nil, err
		}
		out.header[name] = list
	}
	for _, s := range a.Path {
		if strings.Contains(s, "/") {
			return nil, fmt.Errorf("path secret: it must not have a slash")
		}
		if err := add(&out.path, "path secret", s, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// none says that nobody is named.
func (a *access) none() bool {
	return !a.anyone && len(a.bearer)+len(a.basic)+len(a.path)+len(a.header) == 0
}

// secrets says whether a credential is known, so that it can be asked for.
func (a *access) secrets() bool {
	return len(a.bearer)+len(a.basic)+len(a.path)+len(a.header) > 0
}

// allows says whether the request has one of the credentials. It takes the same time
// whichever it is and however much of it is right.
func (a *access) allows(r *http.Request) bool {
	ok := 0
	if a.anyone {
		ok = 1
	}
	if scheme, value, found := strings.Cut(r.Header.Get("Authorization"), " "); found {
		value = strings.TrimSpace(value)
		if strings.EqualFold(scheme, "Bearer") {
			ok |= among(a.bearer, value)
		}
		if user, password, found := r.BasicAuth(); found {
			ok |= among(a.basic, user+":"+password)
		}
	}
	for name, list := range a.header {
		if v := r.Header[name]; len(v) > 0 {
			ok |= among(list, v[0])
		}
	}
	if len(a.path) > 0 {
		path := strings.TrimSuffix(r.URL.Path, "/")
		ok |= among(a.path, path[strings.LastIndexByte(path, '/')+1:])
	}
	return ok == 1
}

func among(list []digest, secret string) int {
	sum := sha256.Sum256([]byte(secret))
	ok := 0
	for i := range list {
		ok |= subtle.ConstantTimeCompare(list[i][:], sum[:])
	}
	return ok
}

// challenge is what a refused sender is told to send.
func (a *access) challenge() string {
	switch {
	case len(a.basic) > 0:
		// Amazon SNS sends user and password only after it was asked for them.
		return `Basic realm="yagura", charset="UTF-8"`
	case len(a.bearer) > 0:
		return `Bearer realm="yagura"`
	}
	return `Secret realm="yagura"`
}
