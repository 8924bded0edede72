package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/cloudwatch"
	"github.com/yagura-sec/yagura/notify/github"
	"github.com/yagura-sec/yagura/notify/pagerduty"
	"github.com/yagura-sec/yagura/notify/securityhub"
	"github.com/yagura-sec/yagura/notify/slack"
	"github.com/yagura-sec/yagura/notify/webhook"
	"github.com/yagura-sec/yagura/source/s3"
)

// openSinks makes the sinks of the configuration and their senders.
func (s *Serve) openSinks(ctx context.Context, cfg *config.Config) error {
	var errs []error
	for i := range cfg.Sinks {
		c := &cfg.Sinks[i]
		sink, path, err := s.openSink(ctx, c)
		if err != nil {
			errs = append(errs, fmt.Errorf("sinks[%d] %s: %w", i, c.Name, err))
			continue
		}
		live, sink := newRenewable(sink)
		s.renewable, s.sinks = append(s.renewable, live), append(s.sinks, sink)
		s.senders = append(s.senders, &notify.Deliverer{Sink: sink, Outbox: outbox{s.db, s.desk, s.wake}, Owner: s.db.Replica(), Now: s.o.Now, Log: s.log, Trace: s.tracer.deliver()})
		s.mountSink(path, sink)
	}
	return errors.Join(errs...)
}

// issueURL gives the page of an issue. There is none before the console.
func (s *Serve) issueURL(string) string { return "" }

// zone is the team's, of the times in texts.
func (s *Serve) zone() *time.Location {
	zone, err := time.LoadLocation(s.o.Config.Timezone)
	if err != nil {
		return time.UTC // the configuration was checked
	}
	return zone
}

func lang(word string) notify.Lang {
	if word == "ja" {
		return notify.Japanese
	}
	return notify.English
}

// awsConfig is how a sink reaches its service: as whom, and where.
func awsConfig(ctx context.Context, a config.AWS) (aws.Config, error) {
	cfg, err := s3.Config(ctx, awsOptions(a))
	if err != nil {
		return cfg, err
	}
	if a.Role != "" {
		cfg = s3.Assume(cfg, awsRole(a), "")
	}
	if a.Endpoint != "" {
		cfg.BaseEndpoint = &a.Endpoint
	}
	return cfg, nil
}

func (s *Serve) openSink(ctx context.Context, c *config.Sink) (sink notify.Sink, path string, err error) {
	switch {
	case c.GitHub != nil:
		g := c.GitHub
		o := github.Options{Name: c.Name, Repository: g.Repository, BaseURL: g.URL, Token: g.Token.Reveal(), AllowPublic: g.AllowPublic, Lang: lang(c.Lang),
			Zone: s.zone(), People: g.People, Template: c.Template, ContentPerMinute: g.WritesPerMin, ContentPerHour: g.WritesPerHour, HTTP: s.o.Client, Now: s.o.Now}
		if g.AppID != "" {
			o.App = &github.App{ID: g.AppID, Key: []byte(g.AppKey.Reveal())}
		}
		if g.WebhookSecret != "" {
			o.WebhookSecrets = []string{g.WebhookSecret.Reveal()}
		}
		sink, err = github.New(o)
		path = g.WebhookPath
	case c.PagerDuty != nil:
		p := c.PagerDuty
		teams := map[string]string{}
		for team, key := range p.Teams {
			teams[team] = key.Reveal()
		}
		sink, err = pagerduty.New(pagerduty.Options{Name: c.Name, RoutingKey: p.RoutingKey.Reveal(), Teams: teams, Region: p.Region, Endpoint: p.URL, Language: lang(c.Lang), Zone: s.zone(), APIToken: p.APIToken.Reveal(),
			IssueURL: s.issueURL, WebhookSecrets: reveal(p.WebhookSecret), HTTP: s.o.Client, Now: s.o.Now, Log: s.log})
		path = p.WebhookPath
	case c.SecurityHub != nil:
		h := c.SecurityHub
		cfg, cerr := awsConfig(ctx, h.AWS)
		if cerr != nil {
			return nil, "", cerr
		}
		accounts := map[string]aws.Config{}
		for id, a := range h.Accounts {
			if accounts[id], cerr = awsConfig(ctx, a); cerr != nil {
				return nil, "", cerr
			}
		}
		sink, err = securityhub.New(securityhub.Options{Name: c.Name, AWS: cfg, Account: h.Account, Accounts: accounts, SuppressFor: time.Duration(h.SuppressFor),
			Link: s.issueURL, Lang: lang(c.Lang), Now: s.o.Now})
	case c.CloudWatch != nil:
		w := c.CloudWatch
		cfg, cerr := awsConfig(ctx, w.AWS)
		if cerr != nil {
			return nil, "", cerr
		}
		sink, err = cloudwatch.New(cloudwatch.Options{Name: c.Name, AWS: cfg, Group: w.Group, Stream: w.Stream, CreateGroup: w.CreateGroup, Lang: lang(c.Lang), Now: s.o.Now})
	default:
		sink, path, err = s.openChat(ctx, c)
	}
	return sink, strings.TrimSpace(path), err
}

func revealMap(m map[string]config.Secret) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k] = v.Reveal()
	}
	return out
}

// openChat makes the sinks that are pages of people, or anybody's.
func (s *Serve) openChat(_ context.Context, c *config.Sink) (sink notify.Sink, path string, err error) {
	switch {
	case c.Slack != nil:
		k := c.Slack
		o := slack.Options{Name: c.Name, Token: k.Token.Reveal(), AppToken: k.AppToken.Reveal(), SigningSecret: k.SigningSecret.Reveal(), Channel: k.Channel,
			BySeverity: map[yagura.Severity]string{}, Teams: k.Teams, Language: lang(c.Lang), Zone: s.zone(), Template: c.Template, IssueURL: s.issueURL, API: k.URL, HTTP: s.o.Client, Now: s.o.Now, Log: s.log}
		for level, channel := range k.Channels {
			sev, err := yagura.ParseSeverity(level)
			if err != nil {
				return nil, "", err
			}
			o.BySeverity[sev] = channel
		}
		sink, err = slack.New(o)
		path = k.Path
	case c.Webhook != nil:
		w := c.Webhook
		o := webhook.Options{Name: c.Name, URL: w.URL.Reveal(), Format: webhook.OCSF, Keys: reveal(w.Secrets), Headers: revealMap(w.Headers), AllowHTTP: w.AllowHTTP,
			AllowPrivate: w.AllowPrivate, Proxy: w.Proxy.Reveal(), MaxBody: int(w.MaxBody), Lang: lang(c.Lang), Version: s.o.Version, Link: s.issueURL, Now: s.o.Now}
		if c.Template != "" {
			o.Format, o.TemplateFile, o.ContentType = webhook.Template, c.Template, w.ContentType
		}
		for _, f := range []struct {
			name string
			to   *[]byte
		}{{w.CACert, &o.CA}, {w.ClientCert, &o.ClientCert}, {w.ClientKey, &o.ClientKey}} {
			if f.name == "" {
				continue
			}
			if *f.to, err = os.ReadFile(f.name); err != nil {
				return nil, "", err
			}
		}
		sink, err = webhook.New(o)
	case c.Falcosidekick != nil:
		w := c.Falcosidekick
		sink, err = webhook.New(webhook.Options{Name: c.Name, URL: w.URL.Reveal(), Format: webhook.Falcosidekick, Headers: revealMap(w.Headers), AllowHTTP: w.AllowHTTP,
			AllowPrivate: w.AllowPrivate, Lang: lang(c.Lang), Version: s.o.Version, Link: s.issueURL, Now: s.o.Now})
	default:
		err = errors.New("a kind of sink that is not known")
	}
	return sink, path, err
}
