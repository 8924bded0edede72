package saml

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/auth/flow"
)

const (
	metadataFresh = time.Hour
	metadataStale = 24 * time.Hour  // so long it is believed while it cannot be had again
	metadataPause = 5 * time.Second // between two tries

	mostForm = 1 << 20
	atOnce   = 4 // responses that are read at once: reading is work that a stranger may ask for
)

// Provider is one identity provider.
type Provider struct {
	c      Config
	flow   *flow.Flow
	client *http.Client
	pair   *keyPair // nil where there is no key of ours
	pinned *x509.Certificate
	slots  chan struct{}

	mu      sync.Mutex
	current *idp
	fetched time.Time
	tried   time.Time
	failure error
}

// New makes a provider. It does not ask for its metadata yet: a provider that is down when the
// server starts keeps nobody else out.
func New(c Config, o flow.Options) (*Provider, error) {
	pair, pinned, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("saml %s: %w", c.Name, err)
	}
	f, err := flow.New("saml", c.Name, true, o)
	if err != nil {
		return nil, fmt.Errorf("saml %s: %w", c.Name, err)
	}
	return &Provider{c: c, flow: f, pair: pair, pinned: pinned, slots: make(chan struct{}, atOnce),
		client: flow.Client(flow.FetchOptions{Private: c.Private, Roots: c.Roots})}, nil
}

// ACS is where the provider has to send responses.
func (p *Provider) ACS() string { return p.flow.URL(p.flow.Path("acs")) }

// MetadataURL is where our metadata is.
func (p *Provider) MetadataURL() string { return p.flow.URL(p.flow.Path("metadata")) }

// EntityID is our name for the provider.
func (p *Provider) EntityID() string {
	if p.c.EntityID != "" {
		return p.c.EntityID
	}
	return p.MetadataURL()
}

// StartPath is where a browser begins to sign in.
func (p *Provider) StartPath() string { return p.flow.Path("start") }

// Check asks for the provider's metadata.
func (p *Provider) Check(ctx context.Context) error {
	d, err := p.describe(ctx)
	if err == nil {
		_, err = p.signs(d)
	}
	if err != nil {
		return fmt.Errorf("saml %s: %w", p.c.Name, err)
	}
	return nil
}

// describe returns the provider's metadata, from memory while that is fresh.
func (p *Provider) describe(ctx context.Context) (*idp, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.flow.Now()
	good := p.current != nil && (p.current.until.IsZero() || now.Before(p.current.until))
	if good && now.Sub(p.fetched) < metadataFresh {
		return p.current, nil
	}
	if now.Sub(p.tried) >= metadataPause {
		p.tried = now
		// Who asked may go away; those who wait for the same answer stay.
		d, err := p.read(context.WithoutCancel(ctx), now)
		if err == nil {
			p.current, p.fetched, p.failure = d, now, nil
			return d, nil
		}
		p.failure = fmt.Errorf("metadata %s: %w", p.c.Metadata, err)
		p.flow.Logger().Warn("identity provider's metadata", "error", p.failure)
	}
	if good && now.Sub(p.fetched) < metadataStale {
		return p.current, nil
	}
	return nil, p.failure
}

func (p *Provider) read(ctx context.Context, now time.Time) (*idp, error) {
	var body []byte
	var err error
	if p.c.fromAddress() {
		body, err = flow.Fetch(ctx, p.client, p.c.Metadata, "application/samlmetadata+xml, application/xml, text/xml, */*")
	} else {
		body, err = readFile(p.c.Metadata)
	}
	if err != nil {
		return nil, err
	}
	d, err := parseMetadata(body, p.c.IDPEntityID, p.pinned, p.c.Private, now)
	if err != nil {
		return nil, err
	}
	if !d.until.IsZero() && !now.Before(d.until) {
		return nil, fmt.Errorf("it was valid until %s", d.until.UTC().Format(time.RFC3339))
	}
	return d, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, int64(metadataBounds.bytes)+1))
}

// signs returns our key where requests are signed.
func (p *Provider) signs(d *idp) (*keyPair, error) {
	if !p.c.Sign && !d.wantsSigned {
		return nil, nil
	}
	if p.pair == nil {
		return nil, errors.New("the provider wants signed requests (hint: key and certificate)")
	}
	return p.pair, nil
}

// Handler serves /auth/saml/NAME/start, /acs and /metadata.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+p.flow.Path("start"), p.start)
	mux.HandleFunc("POST "+p.flow.Path("acs"), p.acs)
	mux.HandleFunc("GET "+p.flow.Path("metadata"), p.serveMetadata)
	return mux
}

func (p *Provider) serveMetadata(w http.ResponseWriter, r *http.Request) {
	body, err := p.metadata()
	if err != nil {
		p.flow.Logger().Error("metadata", "error", err)
		http.Error(w, "metadata could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/samlmetadata+xml")
	h.Set("Content-Disposition", `attachment; filename="yagura-`+p.c.Name+`.xml"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(body)
}

func (p *Provider) start(w http.ResponseWriter, r *http.Request) {
	if err := p.begin(w, r); err != nil {
		p.refuse(w, r, err)
	}
}

func (p *Provider) begin(w http.ResponseWriter, r *http.Request) error {
	d, err := p.describe(r.Context())
	if err != nil {
		return &flow.Refusal{Code: flow.Unavailable, Err: err}
	}
	pair, err := p.signs(d)
	if err != nil {
		return &flow.Refusal{Code: flow.NotConfigured, Err: err}
	}
	where, byPost := d.redirect, false
	if p.c.Binding == "post" || where == "" && p.c.Binding == "" {
		where, byPost = d.post, true
	}
	if where == "" {
		return flow.Refusef(flow.NotConfigured, "the provider takes no requests by %s (hint: binding)", p.c.Binding)
	}
	id := flow.NewID()
	request := p.request(id, where, p.flow.Now())
	// The id is the relay state too: it says nothing by itself, and finds this sign-in in the
	// browser's cookie.
	if err := p.flow.Begin(w, r, flow.Pending{ID: id, Return: r.URL.Query().Get("return")}); err != nil {
		return err
	}
	if byPost {
		if pair != nil {
			if err := sign(request, pair); err != nil {
				return err
			}
		}
		return writePost(w, where, request, id)
	}
	to, err := redirectURL(where, request, id, pair)
	if err != nil {
		return err
	}
	flow.Redirect(w, to)
	return nil
}

func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *flow.Refusal
	if !errors.As(err, &refusal) {
		refusal = &flow.Refusal{Code: flow.Internal, Err: err}
	}
	p.flow.Refuse(w, r, refusal)
}

// acs takes the provider's response, which the browser posts.
func (p *Provider) acs(w http.ResponseWriter, r *http.Request) {
	a, path, err := p.answer(w, r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	p.flow.Admit(w, r, a, path)
}

func (p *Provider) answer(w http.ResponseWriter, r *http.Request) (auth.Assertion, string, error) {
	var none auth.Assertion
	form, err := readForm(w, r)
	if err != nil {
		return none, "", &flow.Refusal{Code: flow.IdentityRefused, Err: err}
	}
	// Whether this browser asked comes first: for a stranger nothing is read.
	pending, err := p.flow.Resume(w, r, form.Get("RelayState"))
	var refusal *flow.Refusal
	if lost := errors.As(err, &refusal) && refusal.Code == flow.FlowLost; lost && p.c.IDPInitiated {
		// The relay state is the provider's own then, and is not looked at.
		pending, err = flow.Pending{}, nil
	}
	if err != nil {
		return none, "", err
	}
	d, err := p.describe(r.Context())
	if err != nil {
		return none, "", &flow.Refusal{Code: flow.Unavailable, Err: err}
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-r.Context().Done():
		return none, "", &flow.Refusal{Code: flow.Internal, Err: r.Context().Err()}
	}
	body, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(form.Get("SAMLResponse")), ""))
	if err != nil {
		return none, "", flow.Refusef(flow.IdentityRefused, "SAMLResponse: %w", err)
	}
	s, err := check(body, expected{idp: d, entityID: p.EntityID(), acs: p.ACS(), request: pending.ID, signed: p.c.Signed, key: p.key(), now: p.flow.Now()})
	if err != nil {
		if said := (*flow.Refusal)(nil); !errors.As(err, &said) {
			err = flow.Refusef(flow.IdentityRefused, "response: %w", err)
		}
		return none, "", err
	}
	a, err := p.c.identity(s)
	return a, pending.Return, err
}

func (p *Provider) key() *rsa.PrivateKey {
	if p.pair == nil {
		return nil
	}
	return p.pair.key
}

// readForm reads the form that a response comes in.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/x-www-form-urlencoded" {
		return nil, errors.New("the response is no form")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostForm))
	if err != nil {
		return nil, fmt.Errorf("the form: %w", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("the form: %w", err)
	}
	if len(form["SAMLResponse"]) != 1 || len(form["RelayState"]) > 1 {
		return nil, errors.New("the form has not one SAMLResponse")
	}
	return form, nil
}
