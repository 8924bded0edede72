package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/secret"
)

var (
	nameWord     = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)
	pathWord     = regexp.MustCompile(`^(/[A-Za-z0-9_.~-]+)+$`)
	accountWord  = regexp.MustCompile(`^[0-9]{12}$`)
	roleWord     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$`)
	ownWord      = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$`)
	recheckWord  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\{account\}:role/[A-Za-z0-9+=,.@_/-]+$`)
	topicWord    = regexp.MustCompile(`^arn:aws[a-z-]*:sns:([a-z0-9-]+\*?|\*):[0-9]{12}:([A-Za-z0-9_.-]+\*?|\*)$`)
	actionWord   = regexp.MustCompile(`^[a-z0-9-]+:[A-Za-z0-9]+$`)
	bucketWord   = regexp.MustCompile(`^s3://[a-z0-9.-]+(/.*)?$`)
	repoWord     = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	teamWord     = regexp.MustCompile(`^T[A-Z0-9]+$`)
	currencyWord = regexp.MustCompile(`^[\p{L}\p{Sc}]{1,8}$`)
	tenantWord   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)
)

// The words of the kinds.
var (
	sourceKinds = []string{"sqs", "folder", "bucket", "push", "sns", "eventbridge", "falco"}
	sinkKinds   = []string{"github", "pagerduty", "slack", "securityhub", "cloudwatch", "webhook", "falcosidekick"}
)

// serveCheck looks at what serve needs.
type serveCheck struct {
	c      *Config
	at     places
	before map[string]bool // places that a fault names already
	bad    faults
	names  map[string]string // what has a name
	paths  map[string]string // what has a path of the server
}

// checkServe looks at what serve needs; before are the faults that are known.
func (c *Config) checkServe(at places, before faults) faults {
	k := &serveCheck{c: c, at: at, before: map[string]bool{}, names: map[string]string{}, paths: map[string]string{}}
	for _, f := range before {
		k.before[f.Where] = true
	}
	k.server()
	k.times()
	for i := range c.Sources {
		k.source(&c.Sources[i], fmt.Sprintf("sources[%d]", i))
	}
	for i := range c.Sinks {
		k.sink(&c.Sinks[i], fmt.Sprintf("sinks[%d]", i))
	}
	k.account()
	k.console(&c.Console)
	if c.Server.Listen == "" {
		for _, url := range slices.Sorted(maps.Keys(k.paths)) {
			k.fault(k.paths[url], " needs a server, and nothing listens", "server: {listen: 127.0.0.1:8080}")
		}
	}
	return k.bad
}

// fault notes what is wrong. A place that another fault names is not named twice: what is
// missed there may be what could not be read.
func (k *serveCheck) fault(path, reason, hint string) {
	where := k.at.of(path)
	if where != "" && k.before[where] {
		return
	}
	k.bad = append(k.bad, &Fault{Where: where, Reason: path + reason, Hint: hint})
}

func (k *serveCheck) form(path, value string, form *regexp.Regexp, hint string) {
	if value != "" && !form.MatchString(value) {
		k.fault(path, fmt.Sprintf(" is %q", value), hint)
	}
}

// forms is form for the members of a list.
func (k *serveCheck) forms(path string, values []string, form *regexp.Regexp, hint string) {
	for i, v := range values {
		if !form.MatchString(v) {
			k.fault(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf(" is %q", v), hint)
		}
	}
}

func (k *serveCheck) pair(a string, hasA bool, b string, hasB bool) {
	switch {
	case hasA && !hasB:
		k.fault(a, " is there without "+b[strings.LastIndexByte(b, '.')+1:], "give both or none")
	case hasB && !hasA:
		k.fault(b, " is there without "+a[strings.LastIndexByte(a, '.')+1:], "give both or none")
	}
}

func (k *serveCheck) least(path string, n, least int) {
	if n < least {
		k.fault(path, fmt.Sprintf(" is %d", n), fmt.Sprintf("write %d or more, or leave it out", least))
	}
}

// address looks at an http address; it is not shown, it may hold a token.
func (k *serveCheck) address(path, text string, plain bool) {
	if text == "" || secret.IsRef(text) {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		k.fault(path, " is no address", "https://example.com/…")
	case u.Scheme == "http" && !plain:
		k.fault(path, " is not encrypted", "write https://")
	}
}

func (k *serveCheck) server() {
	c := k.c
	if l := c.Server.Listen; l != "" {
		if _, port, err := net.SplitHostPort(l); err != nil || port == "" {
			k.fault("server.listen", fmt.Sprintf(" is %q", l), "host:port, such as 127.0.0.1:8080 or :8443")
		}
	}
	k.pair("server.tls_cert", c.Server.TLSCert != "", "server.tls_key", c.Server.TLSKey != "")
	if c.Server.ClientCA != "" && c.Server.TLSCert == "" && len(c.Console.ACME.Hosts) == 0 {
		k.fault("server.client_ca", " is there without tls_cert", "certificates are asked for over TLS")
	}
	k.least("server.max_connections", c.Server.Connections, 0)
	k.least("server.max_connections_per_address", c.Server.PerAddress, 0)
	k.address("server.url", c.Server.URL, true)
	if s := c.Store.Reveal(); s != "" && !secret.IsRef(s) && !strings.HasPrefix(s, "postgres://") && !strings.HasPrefix(s, "postgresql://") {
		k.fault("store", " is no address of PostgreSQL", "postgres://user@host/database, or leave it out for SQLite below data")
	}
	k.form("tenant", c.Tenant, tenantWord, "one word of letters, digits, - _ and . ; it must never change")
	k.address("watchdog.url", c.Watchdog.URL.Reveal(), true)
	if c.Watchdog.Every != 0 && c.Watchdog.URL == "" {
		k.fault("watchdog.every", " is there without url", "give watchdog.url too")
	}
	k.address("tracing.endpoint", c.Tracing.Endpoint, true)
	k.least("storm", c.Storm, 0)
	k.least("repeats.keys", c.Repeats.Keys, 0)
	if scheme, _, remote := strings.Cut(c.Lake.Dir, "://"); remote && !slices.Contains([]string{"s3", "gs", "az"}, scheme) {
		k.fault("lake.dir", fmt.Sprintf(" is %q", c.Lake.Dir), "a folder, s3://bucket/prefix, gs://bucket/prefix or az://account/container/prefix")
	}
	if f := time.Duration(c.Lake.Flush); f != 0 && (f < 10*time.Millisecond || f > time.Hour) {
		k.fault("lake.flush", fmt.Sprintf(" is %s", f), "10ms to 1h; nothing is acknowledged before")
	}
	if n := int64(c.Lake.Cut); n != 0 && (n < 1<<20 || n > 1<<30) {
		k.fault("lake.cut", fmt.Sprintf(" is %d bytes", n), "1MB to 1GB")
	}
	if n := int64(c.Lake.Memory); n != 0 && n < 16<<20 {
		k.fault("lake.memory", fmt.Sprintf(" is %d bytes", n), "16MiB or more, or leave it out")
	}
	if p := &c.Lake.Price; p.Currency != "" && p.Stored == 0 && p.Received == 0 {
		k.fault("lake.price.currency", " is there without a price", "give lake.price.stored too, of a GB and month")
	}
	k.form("lake.price.currency", c.Lake.Price.Currency, currencyWord, "a short word, such as USD")
	k.retention(&c.Lake)
}

// retention checks what is said of how long records are kept.
func (k *serveCheck) retention(l *Lake) {
	if n := int64(l.Compact); n != 0 && n < 1<<20 {
		k.fault("lake.compact", fmt.Sprintf(" is %d bytes", n), "1MB or more, or leave it out")
	}
	pattern := func(at, text string) {
		if _, err := path.Match(text, ""); err != nil {
			k.fault(at, fmt.Sprintf(" is %q", text), "a pattern such as aws.* or 1111*")
		}
	}
	for i, r := range l.Retention {
		at := fmt.Sprintf("lake.retention[%d]", i)
		pattern(at+".format", r.Format)
		pattern(at+".account", r.Account)
		if r.Raw > 0 && r.Keep > 0 && r.Raw > r.Keep {
			k.fault(at+".raw", " is longer than keep", "the record is not kept longer than its header")
		}
	}
	for i := range l.Holds {
		h, at := &l.Holds[i], fmt.Sprintf("lake.holds[%d]", i)
		pattern(at+".format", h.Format)
		pattern(at+".account", h.Account)
		from, to, err := h.Times()
		switch {
		case err != nil:
			k.fault(at, " has a time that is none: "+err.Error(), "days of events, both within")
		case !from.IsZero() && !to.IsZero() && !from.Before(to):
			k.fault(at+".to", " is before from", "days of events, both within")
		}
	}
}

func (k *serveCheck) times() {
	c := k.c
	if c.Digest != "" {
		if _, err := time.Parse("15:04", c.Digest); err != nil || len(c.Digest) != 5 {
			k.fault("digest", fmt.Sprintf(" is %q", c.Digest), "a time of day, such as 08:30")
		}
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil || c.Timezone == "Local" {
		k.fault("timezone", fmt.Sprintf(" is %q", c.Timezone), "a name such as Asia/Tokyo; without it, UTC")
	}
	for _, level := range slices.Sorted(maps.Keys(c.Targets)) {
		path := join("targets", level)
		if _, err := yagura.ParseSeverity(level); err != nil {
			k.fault(path, ": "+err.Error(), "targets: {high: {acknowledge: 1h, close: 3d}}")
		}
		if t := c.Targets[level]; t.Acknowledge > 0 && t.Close > 0 && t.Acknowledge > t.Close {
			k.fault(path, ": acknowledge is longer than close", "what is closed has been acknowledged")
		}
	}
}

func (k *serveCheck) account() {
	c := k.c
	k.forms("own.roles", c.Own.Roles, ownWord, "the ARN of a role or user, such as arn:aws:iam::111122223333:role/yagura")
	k.forms("own.buckets", c.Own.Buckets, bucketWord, "s3://bucket/prefix")
	k.forms("own.actions", c.Own.Actions, actionWord, "an IAM action, such as s3:GetObject")
	k.recheck(&c.Recheck)
	k.schedule(&c.Schedule, time.Duration(c.Lake.Flush))
	k.usual(&c.Usual)
	o := &c.Organizations
	k.form("organizations.role", o.Role, roleWord, "the ARN of a role, such as arn:aws:iam::111122223333:role/yagura-accounts")
	k.address("organizations.endpoint", o.Endpoint, true)
	if o.ExternalID != "" && o.Role == "" {
		k.fault("organizations.external_id", " is there without role", "it is sent when a role is taken on")
	}
	if !o.Enabled && (o.Role != "" || o.Region != "" || o.Endpoint != "" || len(o.OwnerTags)+len(o.EnvironmentTags)+len(o.ChannelTags)+len(o.RepositoryTags) > 0 || o.Age != 0) {
		k.fault("organizations", " is set up and not enabled", "enabled: true")
	}
}

func (k *serveCheck) recheck(r *Recheck) {
	if !r.Enabled {
		if r.Role != "" || r.Every != 0 || r.PerMinute != 0 || len(r.Accounts) > 0 || r.Region != "" || r.Endpoint != "" || r.ExternalID != "" {
			k.fault("recheck", " is set up and not enabled", "enabled: true")
		}
		return
	}
	const hint = "arn:aws:iam::{account}:role/yagura-recheck: the same role in every account"
	if r.Role == "" {
		k.fault("recheck.role", " is missing", hint)
	}
	k.form("recheck.role", r.Role, recheckWord, hint)
	k.forms("recheck.accounts", r.Accounts, accountWord, "12 digits, in quotes")
	k.least("recheck.per_minute", r.PerMinute, 0)
	k.address("recheck.endpoint", r.Endpoint, true)
	if r.Every != 0 && time.Duration(r.Every) < 5*time.Minute {
		k.fault("recheck.every", " is shorter than 5m", "leave it out for half an hour")
	}
}

func (k *serveCheck) schedule(s *Schedule, flush time.Duration) {
	if flush == 0 {
		flush = time.Minute
	}
	if s.Settle != 0 && time.Duration(s.Settle) < flush+10*time.Second {
		k.fault("schedule.settle", fmt.Sprintf(" is shorter than lake.flush (%s) and ten seconds", flush), "a record is in no file before that, and its rules would never see it")
	}
	if s.Late != 0 && time.Duration(s.Late) < time.Hour {
		k.fault("schedule.late", " is shorter than 1h", "CloudTrail alone takes a quarter of an hour")
	}
	k.least("schedule.threads", s.Threads, 0)
}

func (k *serveCheck) usual(u *Usual) {
	for _, f := range []struct{ path, name string }{{"usual.asn", u.ASN}, {"usual.city", u.City}} {
		if f.name == "" {
			continue
		}
		switch info, err := os.Stat(f.name); {
		case errors.Is(err, fs.ErrNotExist):
			k.fault(f.path, fmt.Sprintf(": there is no file %s", f.name), "a database in MaxMind's format (.mmdb), such as GeoLite2; none comes with the program")
		case err != nil:
			k.fault(f.path, ": "+err.Error(), "")
		case !info.Mode().IsRegular():
			k.fault(f.path, fmt.Sprintf(": %s is no file", f.name), "name the .mmdb file itself")
		}
	}
	for i, n := range u.Ignore {
		if _, err := netip.ParsePrefix(n); err != nil {
			k.fault(fmt.Sprintf("usual.ignore[%d]", i), fmt.Sprintf(" is %q", n), "a network, such as 203.0.113.0/24")
		}
	}
	day := Duration(24 * time.Hour)
	period, learning := cmp.Or(u.Period, 90*day), cmp.Or(u.Learning, 14*day)
	switch {
	case period < day || period > 366*day:
		k.fault("usual.period", " is not from 1d to 366d", "leave it out for 90d")
	case learning >= period:
		k.fault("usual.learning", " is not shorter than usual.period", "nobody would ever be known for long enough")
	}
	k.least("usual.events", u.Events, 0)
	k.least("usual.questions", u.Questions, 0)
	if t := time.Duration(u.Timeout); t != 0 && (t < 10*time.Millisecond || t > 30*time.Second) {
		k.fault("usual.timeout", " is not 10ms to 30s", "findings wait for it: leave it out for 2s")
	}
}

// named takes the name of a source or sink.
func (k *serveCheck) named(path, name string, kinds []string, kind string) {
	switch first := k.names[name]; {
	case name == "":
		k.fault(path, " has no name", "a word that never changes: small letters, digits, - _ and .")
		return
	case !nameWord.MatchString(name):
		k.fault(path+".name", fmt.Sprintf(" is %q", name), "small letters, digits, - _ and . ; it must never be given to something else")
	case first != "":
		k.fault(path+".name", fmt.Sprintf(" is %q, as that of %s", name, first), "every source and sink has a name of its own")
	case slices.Contains(kinds, name) && name != kind && kind != "":
		k.fault(path+".name", fmt.Sprintf(" is %q, which is the word of another kind", name), "a route that says so would mean both")
	}
	k.names[name] = path
}

// ownPaths are those of the server itself, with all that is below them.
var ownPaths = []string{"/api", "/auth", "/assets", "/healthz", "/readyz", "/metrics"}

// served takes a path of the server.
func (k *serveCheck) served(path, url string) {
	switch first := k.paths[url]; {
	case url == "":
		return
	case !pathWord.MatchString(url) || strings.Contains(url, "/.") || slices.ContainsFunc(ownPaths, func(own string) bool { return url == own || strings.HasPrefix(url, own+"/") }):
		k.fault(path, fmt.Sprintf(" is %q", url), "a path of its own, such as /in/trail")
		return
	case first != "":
		k.fault(path, fmt.Sprintf(" is %q, as that of %s", url, first), "every source and sink has a path of its own")
	}
	k.paths[url] = path
}

func (k *serveCheck) aws(path string, a *AWS) {
	k.pair(path+".access_key_id", a.AccessKeyID != "", path+".secret_access_key", a.SecretAccessKey != "")
	k.address(path+".endpoint", a.Endpoint, true)
	k.form(path+".role", a.Role, roleWord, "the ARN of a role, such as arn:aws:iam::444455556666:role/yagura-read")
	if a.ExternalID != "" && a.Role == "" {
		k.fault(path+".external_id", " is there without role", "it is sent when a role is taken on")
	}
}
