package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Options configure a sink. One of Token and App is needed.
type Options struct {
	Name       string // in the configuration
	Repository string // owner/name, for accounts that name none
	BaseURL    string // of the API; "" is https://api.github.com; https://HOST/api/v3 on GitHub Enterprise Server
	Token      string
	App        *App
	// WebhookSecrets sign what GitHub sends to [Sink.Handler]; several while one is replaced
	// by the next. Without any there is no handler.
	WebhookSecrets []string
	// AllowPublic lets issues be filed in public repositories, where everybody reads them.
	AllowPublic bool
	// People are GitHub logins of assignees that go by other names ("mary@example.com",
	// "slack:U123").
	People map[string]string
	// Authors are further accounts whose issues and comments are ours: those that the
	// credential had before.
	Authors  []string
	Lang     notify.Lang
	Zone     *time.Location
	Template string // file that replaces single text blocks; see docs
	// ContentPerMinute and ContentPerHour bound what is created, per credential and process;
	// 0 are GitHub's 80 and 500. PointsPerMinute is 900.
	ContentPerMinute, ContentPerHour, PointsPerMinute int
	// Settle is how far apart two looks are that must both find nothing before something is
	// made again; 0 is 30 s.
	Settle time.Duration

	HTTP  *http.Client // nil makes one
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration) error // waits; nil waits by the clock
}

// App is a GitHub App as the sink's identity.
type App struct {
	ID  string // client id (Iv23…) or numeric id
	Key []byte // PEM of its RSA private key
}

// Stats are counts since the start.
type Stats struct {
	Duplicates int64 // issues and comments that were there twice and are closed or removed now
	Refiled    int64 // issues that people deleted and that were filed again
}

// Sink is a [notify.Sink].
type Sink struct {
	o         Options
	base      *url.URL
	http      *http.Client
	auth      auth
	templates *notify.Templates
	limits    *limits

	mu      sync.Mutex
	repos   map[string]repoInfo  // by the name that was asked for, lower case
	labels  map[string]labelSet  // by full name
	status  map[string]int64     // ref → id of the status comment
	absent  map[string]time.Time // what was looked for and not found, with when
	authors map[string]bool      // logins, lower case
	self    identity
	stats   Stats
}

// The sink's interfaces.
var (
	_ notify.Sink    = (*Sink)(nil)
	_ notify.Tester  = (*Sink)(nil)
	_ notify.Reader  = (*Sink)(nil)
	_ notify.Inbound = (*Sink)(nil)
)

// New makes a sink. It sends nothing.
func New(o Options) (*Sink, error) {
	if o.Name == "" {
		return nil, errors.New("github: the sink has no name")
	}
	if o.Repository != "" && !validRepo(o.Repository) {
		return nil, fmt.Errorf("github: repository %q: want owner/name", o.Repository)
	}
	if (o.Token == "") == (o.App == nil) {
		return nil, errors.New("github: want either a token or an app")
	}
	if o.BaseURL == "" {
		o.BaseURL = "https://api.github.com"
	}
	base, err := url.Parse(strings.TrimSuffix(o.BaseURL, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, fmt.Errorf("github: base URL: want https://HOST/api/v3")
	}
	if base.Scheme != "https" && !(base.Scheme == "http" && loopback(base.Hostname())) {
		return nil, fmt.Errorf("github: base URL %s: want https (the token would travel in the clear)", base.Redacted())
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.Settle <= 0 {
		o.Settle = 30 * time.Second
	}
	client := o.HTTP
	if client == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = 30 * time.Second
		client = &http.Client{Transport: t, Timeout: time.Minute}
	}
	// A redirect is followed by us, after a look at where it goes, never by the client.
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s := &Sink{o: o, base: base, http: &own, limits: newLimits(o), repos: map[string]repoInfo{}, labels: map[string]labelSet{},
		status: map[string]int64{}, absent: map[string]time.Time{}, authors: map[string]bool{}}
	for _, a := range o.Authors {
		s.authors[strings.ToLower(a)] = true
	}
	if o.App != nil {
		if s.auth, err = newAppAuth(*o.App); err != nil {
			return nil, fmt.Errorf("github: app: %w", err)
		}
	} else {
		s.auth = tokenAuth(o.Token)
	}
	if s.templates, err = layout.LoadFile(o.Lang, o.Template); err != nil {
		return nil, fmt.Errorf("github: %w", err)
	}
	return s, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// Name is the name in the configuration.
func (s *Sink) Name() string { return s.o.Name }

// Kind is "github".
func (s *Sink) Kind() string { return "github" }

// Listen returns at once: GitHub calls, it is not called.
func (s *Sink) Listen(context.Context, notify.Inbox) error { return nil }

// Stats returns the counts.
func (s *Sink) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Test proves that the credential works and that the default repository can be filed in.
func (s *Sink) Test(ctx context.Context) error {
	if _, err := s.whoami(ctx, s.o.Repository); err != nil {
		return fmt.Errorf("github: who the credential is: %w", err)
	}
	if s.o.Repository == "" {
		return nil
	}
	info, err := s.repo(ctx, s.o.Repository, true)
	if err != nil {
		return fmt.Errorf("github: repository %s: %w", s.o.Repository, err)
	}
	if err := s.usable(info); err != nil {
		return err
	}
	if info.noPush {
		return notify.Permanent("github: %s: the credential may read but not write (hint: give it the permission Issues: read and write)", info.name)
	}
	return nil
}

// text makes the words of a notice.
func (s *Sink) text(n *yagura.Notice) *notify.Text {
	return notify.NewText(n, notify.TextOptions{Lang: s.o.Lang, Zone: s.o.Zone})
}
