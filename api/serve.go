package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/auth"
)

// Options are what an API is made of.
type Options struct {
	Gate  Gate
	Parts Parts
	Hub   *Hub // nil: there is no stream
	Log   *slog.Logger
	Now   func() time.Time
	NewID func() string // of requests and changes
	Rates Rates
	Zone  string // IANA name of the team's time zone, where days begin
}

// Rates are how often may be called. The zero value of each is the usual one.
type Rates struct {
	Address  Rate // of one address, whoever asks
	Identity Rate // of one identity
	SignIn   Rate // of passwords and codes from one address
}

// The usual rates. A console that somebody works with asks a few times a second.
var usualRates = Rates{
	Address:  Rate{Burst: 600, Every: 10 * time.Millisecond},
	Identity: Rate{Burst: 300, Every: 20 * time.Millisecond},
	SignIn:   Rate{Burst: 10, Every: 6 * time.Second},
}

// NoRates lets everybody call as often as they like: of a command line beside the store.
var NoRates = Rates{Address: unbound, Identity: unbound, SignIn: unbound}

var unbound = Rate{Burst: -1}

// API answers.
type API struct {
	gate  Gate
	parts Parts
	hub   *Hub
	log   *slog.Logger
	now   func() time.Time
	newID func() string
	zone  string

	mux       *http.ServeMux
	routes    []Route
	openapi   []byte
	addresses *buckets
	people    *buckets
	signIns   *buckets
}

// New makes an API. What is wrong with its table of routes is an error here.
func New(o Options) (*API, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	rate := func(r, usual Rate, most int) *buckets {
		if r == (Rate{}) {
			r = usual
		}
		return newBuckets(r, most, o.Now)
	}
	a := &API{gate: o.Gate, parts: o.Parts, hub: o.Hub, log: o.Log, now: o.Now, newID: o.NewID, zone: o.Zone, mux: http.NewServeMux(),
		addresses: rate(o.Rates.Address, usualRates.Address, 20_000), people: rate(o.Rates.Identity, usualRates.Identity, 20_000),
		signIns: rate(o.Rates.SignIn, usualRates.SignIn, 20_000)}
	a.routes = a.Routes()
	if err := check(a.routes); err != nil {
		return nil, err
	}
	var err error
	if a.openapi, err = OpenAPI(a.routes); err != nil {
		return nil, err
	}
	for i := range a.routes {
		r := &a.routes[i]
		a.mux.HandleFunc(r.Method+" "+Prefix+r.Path, func(w http.ResponseWriter, req *http.Request) { a.serve(w, req, r) })
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, nil) })
	return a, nil
}

// ServeHTTP answers a request below [Prefix].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// japanese says how a request wants to be spoken to.
func japanese(r *http.Request) bool {
	switch r.URL.Query().Get("lang") {
	case "ja":
		return true
	case "en":
		return false
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
		switch tag {
		case "ja":
			return true
		case "en":
			return false
		}
	}
	return false
}

// serve is what every request goes through; route is nil where there is none.
func (a *API) serve(w http.ResponseWriter, r *http.Request, route *Route) {
	id := a.newID()
	r = r.WithContext(auth.WithRequest(r.Context(), id))
	c := &call{Request: id, Japanese: japanese(r), api: a, route: route, w: w, r: r, now: a.now()}
	h := w.Header()
	h.Set("X-Request-Id", c.Request)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Add("Vary", "Accept, Accept-Language, Authorization, Cookie")
	err := c.admit()
	if err == nil {
		err = c.handle()
	} else if route != nil && !route.reads && c.Who != nil {
		// A write that somebody known was refused leaves a trace.
		err = c.audited(r.Context(), c.newEntry(route.audit), func(context.Context) error { return err })
	}
	if err == nil {
		return
	}
	p, own := asProblem(err)
	if !own && (r.Context().Err() == nil || p.Code == CodeInternal && !errors.Is(err, context.Canceled)) {
		a.log.LogAttrs(r.Context(), slog.LevelError, "a call of the API went wrong", slog.String("request", c.Request),
			slog.String("route", r.Pattern), slog.String("code", string(p.Code)), slog.Any("error", err))
	}
	writeProblem(w, p, c.Request, c.Japanese)
}

// admit lets a request to its handler, or says why not.
func (c *call) admit() error {
	a, from := c.api, addressGroup(c.api.gate.From(c.r))
	if wait := a.addresses.take(from); wait > 0 {
		return tooOften(wait)
	}
	if err := refusal(a.gate.CheckNetwork(c.r)); err != nil {
		return err
	}
	if c.route == nil {
		return c.noRoute()
	}
	if c.route.strict {
		if wait := a.signIns.take(from); wait > 0 {
			return tooOften(wait)
		}
	}
	if c.route.Access == Public {
		if c.route.reads {
			return nil
		}
		return refusal(a.gate.CheckWrite(c.r, nil))
	}
	id, err := a.gate.Identify(c.r)
	if err != nil {
		return refusal(err)
	}
	if id == nil {
		return auth.ErrNobody
	}
	c.Who = id
	if id.User != nil && c.r.URL.Query().Get("lang") == "" && id.User.Lang != "" {
		c.Japanese = id.User.Lang == "ja"
	}
	if wait := a.people.take(id.Who); wait > 0 {
		return tooOften(wait)
	}
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		if err := refusal(a.gate.CheckWrite(c.r, id)); err != nil {
			return err
		}
	}
	p := c.route.Access.permission()
	if p == "" {
		return nil
	}
	if c.Reach, err = c.Need(p); err != nil {
		return err
	}
	if c.route.whole && !c.Reach.All {
		return Refuse(CodeForbidden, "it is about everything, and the permission is bound to a part", "全体に関わる操作のため、範囲を限定した権限では行えません")
	}
	return nil
}

// handle runs the handler and writes its answer.
func (c *call) handle() error {
	ctx, cancel := c.context()
	defer cancel()
	if c.route.reads {
		out, err := c.route.call(ctx, c)
		if err != nil {
			return err
		}
		return c.answer(out)
	}
	var out any
	c.entry = c.newEntry(c.route.audit)
	err := c.audited(ctx, c.entry, func(ctx context.Context) (err error) {
		out, err = c.route.call(ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	return c.answer(out)
}

// noRoute says whether a path takes other methods.
func (c *call) noRoute() error {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		r := c.r.Clone(c.r.Context())
		r.Method = m
		if _, pattern := c.api.mux.Handler(r); pattern != "/" && pattern != "" {
			allow = append(allow, m)
		}
	}
	if len(allow) == 0 {
		return notFound()
	}
	p := Refuse(CodeMethod, "the path takes "+strings.Join(allow, ", "), "このパスで使えるメソッドは "+strings.Join(allow, "、")+" です")
	p.allow = strings.Join(allow, ", ")
	return p
}

func tooOften(wait time.Duration) *Problem {
	return &Problem{Code: CodeRateLimited, Detail: "wait a little and ask again", DetailJA: "少し待ってから再度お試しください", retry: wait}
}

// addressGroup is what shares a rate: an address of IPv4, or a /64 of IPv6, which one
// subscriber has whole.
func addressGroup(from string) string {
	ip, err := netip.ParseAddr(from)
	if err != nil || ip.Unmap().Is4() {
		return from
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return from
	}
	return p.String()
}

// describe is the OpenAPI description.
func (a *API) describe(_ context.Context, c *Call[struct{}]) (*Description, error) {
	return &Description{a.openapi}, nil
}

// Description is the OpenAPI description of the API.
type Description struct{ body []byte }

// MarshalJSON returns it.
func (d *Description) MarshalJSON() ([]byte, error) { return d.body, nil }

// Tag is the sum of it.
func (d *Description) Tag() string {
	sum := sha256.Sum256(d.body)
	return hex.EncodeToString(sum[:8])
}
