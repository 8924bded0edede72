package flow

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/auth"
)

// Within is how long a sign-in may take from its beginning to the provider's answer.
const Within = 10 * time.Minute

// Once keeps ids that may be used one time.
type Once interface {
	// TakeOnce takes an id of a kind until a time. It is false when it was taken already, also
	// when two take it at once.
	TakeOnce(ctx context.Context, kind, id string, until time.Time) (bool, error)
}

// Door lets people in.
type Door interface {
	// SignInExternal makes or finds the user, makes the session, and sets its cookie. An error
	// that has a method Problem() string says by it what the page of sign-in shows.
	SignInExternal(ctx context.Context, w http.ResponseWriter, r *http.Request, a auth.Assertion) error
	// RefusedExternal writes a refusal into the audit trail. detail may hold hostile text.
	RefusedExternal(r *http.Request, via, code, detail string)
}

// Options of a [Flow]. All are needed but Logger and Now.
type Options struct {
	// Public is how browsers reach the console. Every address that a provider gets is made
	// from it, and never from what a request says of its host.
	Public *url.URL
	// Key seals cookies. It is 32 bytes or more, and the same on all replicas.
	Key    []byte
	Once   Once
	Door   Door
	Logger *slog.Logger     // nil: nothing is logged
	Now    func() time.Time // nil: time.Now
}

// Flow is the way in by one provider.
type Flow struct {
	kind, name string
	crossSite  bool
	o          Options
	seal       cipher.AEAD
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// New makes the way in by one provider. kind is "oidc" or "saml". crossSite says that the
// provider's answer is posted by the provider's page: a cookie that is kept to this site would
// not come with it.
func New(kind, name string, crossSite bool, o Options) (*Flow, error) {
	switch {
	case !nameForm.MatchString(name):
		return nil, fmt.Errorf("name %q: want small letters, digits, - _ and ., as it stands in addresses", name)
	case o.Public == nil || o.Public.Host == "" || o.Public.Scheme != "https" && o.Public.Scheme != "http" || o.Public.User != nil || o.Public.RawQuery != "" || o.Public.Fragment != "":
		return nil, errors.New("the console needs its public address, as browsers see it (hint: url: https://yagura.example.com)")
	case o.Public.Scheme == "http" && !loopbackName(o.Public.Hostname()):
		return nil, fmt.Errorf("the public address %s is not https: sign-in by a provider would send secrets in the open", o.Public)
	case o.Once == nil || o.Door == nil:
		return nil, errors.New("a flow needs a door and what keeps ids")
	}
	aead, err := newSeal(o.Key)
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Flow{kind: kind, name: name, crossSite: crossSite, o: o, seal: aead}, nil
}

// Name returns the provider's name.
func (f *Flow) Name() string { return f.name }

// Now returns the time.
func (f *Flow) Now() time.Time { return f.o.Now() }

// Logger returns where to log.
func (f *Flow) Logger() *slog.Logger { return f.o.Logger.With("provider", f.name) }

// Path returns the path of one of the flow's addresses on this server: "start", "callback".
func (f *Flow) Path(leaf string) string { return "/auth/" + f.kind + "/" + f.name + "/" + leaf }

// URL returns the public address of a path of this server.
func (f *Flow) URL(path string) string {
	u := *f.o.Public
	u.Path = strings.TrimSuffix(u.Path, "/") + path
	u.RawPath = ""
	return u.String()
}

// Admit lets the user in of whom the provider speaks, and sends the browser to a path of this
// server.
func (f *Flow) Admit(w http.ResponseWriter, r *http.Request, a auth.Assertion, path string) {
	if err := f.o.Door.SignInExternal(r.Context(), w, r, a); err != nil {
		var named interface{ Problem() string }
		if errors.As(err, &named) && named.Problem() != "" {
			// The gate wrote the line of the audit trail itself: it knows the user.
			f.send(w, r, named.Problem(), err.Error())
			return
		}
		f.Refuse(w, r, &Refusal{Code: Internal, Err: err})
		return
	}
	f.Logger().Info("sign-in by provider", "name", clean(a.Name), "request", requestID(w))
	seeOther(w, f.local(ReturnPath(path)))
}

// local returns a path of this server as the browser has to ask for it.
func (f *Flow) local(path string) string { return strings.TrimSuffix(f.o.Public.Path, "/") + path }

// seeOther sends the browser on with GET. http.Redirect is not used: it would clean the path.
func seeOther(w http.ResponseWriter, location string) {
	h := w.Header()
	h.Set("Location", location)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// Redirect sends the browser to the provider.
func Redirect(w http.ResponseWriter, location string) { seeOther(w, location) }

// NewID returns 256 random bits as text that is also a name in XML.
func NewID() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never returns an error
	return "y" + base64.RawURLEncoding.EncodeToString(b)
}

func loopbackName(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || isLoopback(host)
}
