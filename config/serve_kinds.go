package config

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/secret"
)

const noCredential = "nobody may post without a credential"

func (k *serveCheck) source(s *Source, path string) {
	kind := s.Kind()
	k.named(path, s.Name, nil, kind)
	if kind == "" {
		k.fault(path, " has no kind, or several", "give exactly one of "+strings.Join(sourceKinds, ", "))
		return
	}
	path += "." + kind
	switch {
	case s.SQS != nil:
		if s.SQS.Queue == "" {
			k.fault(path, " has no queue", "queue: https://sqs.eu-west-1.amazonaws.com/111122223333/yagura-trail")
		} else {
			k.address(path+".queue", s.SQS.Queue, true)
		}
		k.least(path+".pollers", s.SQS.Pollers, 0)
		k.aws(path+".aws", &s.SQS.AWS)
		k.aws(path+".s3", &s.SQS.S3)
	case s.Folder != nil:
		if len(s.Folder.Paths) == 0 {
			k.fault(path, " has no paths", "paths: [/var/lib/yagura/drop]")
		}
		word, to, _ := strings.Cut(s.Folder.After, ":")
		if !slices.Contains([]string{"", "keep", "delete", "move"}, word) || (word == "move") != (to != "") {
			k.fault(path+".after", fmt.Sprintf(" is %q", s.Folder.After), "keep, delete or move:FOLDER")
		}
	case s.Bucket != nil:
		k.bucket(s.Bucket, path)
	case s.Push != nil:
		k.endpoint(path, s.Push.Path, "tokens or secrets", noCredential, len(s.Push.Tokens)+len(s.Push.Secrets))
		k.long(path+".tokens", s.Push.Tokens)
		if s.Push.Both && (len(s.Push.Tokens) == 0 || len(s.Push.Secrets) == 0) {
			k.fault(path+".both", " is there without tokens and secrets", "give both, or leave it out")
		}
	case s.SNS != nil:
		k.endpoint(path, s.SNS.Path, "topics", "the ARNs of the topics that may send", len(s.SNS.Topics))
		k.forms(path+".topics", s.SNS.Topics, topicWord, "the ARN of a topic, such as arn:aws:sns:eu-west-1:111122223333:trail")
		k.long(path+".secrets", s.SNS.Secrets)
		for i, text := range s.SNS.Private {
			if _, err := netip.ParsePrefix(text); err != nil {
				k.fault(fmt.Sprintf("%s.private[%d]", path, i), fmt.Sprintf(" is %q", text), "a network, such as 10.0.0.0/8")
			}
		}
		k.aws(path+".s3", &s.SNS.S3)
	case s.EventBridge != nil:
		k.endpoint(path, s.EventBridge.Path, "keys", noCredential, len(s.EventBridge.Keys))
		k.long(path+".keys", s.EventBridge.Keys)
		k.form(path+".header", s.EventBridge.Header, headerWord, "the name of a header, such as X-Api-Key")
		k.aws(path+".s3", &s.EventBridge.S3)
	case s.Falco != nil:
		k.endpoint(path, s.Falco.Path, "tokens", noCredential, len(s.Falco.Tokens))
		k.long(path+".tokens", s.Falco.Tokens)
	}
}

var headerWord = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

func (k *serveCheck) endpoint(path, url, what, why string, n int) {
	k.served(path+".path", url)
	if url == "" {
		k.fault(path, " has no path", "a path of its own, such as /in/trail")
	}
	if n == 0 {
		k.fault(path, " has no "+what, why)
	}
}

// leastSecret is what the endpoints ask of a credential.
const leastSecret = 16

func (k *serveCheck) long(path string, list []Secret) {
	for i, s := range list {
		if text := s.Reveal(); !secret.IsRef(text) && len(text) < leastSecret {
			k.fault(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf(" is shorter than %d bytes", leastSecret), "openssl rand -hex 32")
		}
	}
}

func (k *serveCheck) bucket(b *BucketSource, path string) {
	if !strings.HasPrefix(b.URL, "s3://") || len(b.URL) < 8 {
		k.fault(path+".url", fmt.Sprintf(" is %q", b.URL), "s3://bucket/prefix")
	}
	var days [2]time.Time
	for i, d := range []struct{ key, text string }{{".from", b.From}, {".to", b.To}} {
		if d.text == "" {
			continue
		}
		var err error
		if days[i], err = time.Parse(time.DateOnly, d.text); err != nil {
			k.fault(path+d.key, fmt.Sprintf(" is %q", d.text), "a day, such as 2026-03-14")
		}
	}
	switch {
	case !days[0].IsZero() && !days[1].IsZero() && days[1].Before(days[0]):
		k.fault(path+".to", " is before from", "both days are listed")
	case b.To != "" && b.Every != 0:
		k.fault(path+".to", " is there with every", "what is listed for ever has no end")
	}
	k.forms(path+".accounts", b.Accounts, accountWord, "12 digits with their zeros")
	k.aws(path+".aws", &b.AWS)
}

func (k *serveCheck) sink(s *Sink, path string) {
	kind := s.Kind()
	k.named(path, s.Name, sinkKinds, kind)
	if s.Lang != "" && s.Lang != "en" && s.Lang != "ja" {
		k.fault(path+".lang", fmt.Sprintf(" is %q", s.Lang), "en or ja")
	}
	if kind == "" {
		k.fault(path, " has no kind, or several", "give exactly one of "+strings.Join(sinkKinds, ", "))
		return
	}
	if s.Template != "" && s.GitHub == nil && s.Slack == nil && s.Webhook == nil {
		k.fault(path+".template", " is not read by "+kind, "github, slack and webhook have templates")
	}
	path += "." + kind
	switch {
	case s.GitHub != nil:
		k.github(s.GitHub, path)
	case s.PagerDuty != nil:
		p := s.PagerDuty
		if p.RoutingKey == "" {
			k.fault(path, " has no routing_key", "that of an Events API v2 integration: ref+env://PAGERDUTY_ROUTING_KEY")
		}
		switch {
		case !slices.Contains([]string{"", "us", "eu"}, p.Region):
			k.fault(path+".region", fmt.Sprintf(" is %q", p.Region), "us or eu")
		case p.Region != "" && p.URL != "":
			k.fault(path+".region", " is there with url", "give one of them")
		}
		k.served(path+".webhook_path", p.WebhookPath)
		k.pair(path+".webhook_path", p.WebhookPath != "", path+".webhook_secrets", len(p.WebhookSecret) > 0)
		k.address(path+".url", p.URL, true)
	case s.Slack != nil:
		k.slack(s.Slack, path)
	case s.SecurityHub != nil:
		k.form(path+".account", s.SecurityHub.Account, accountWord, "12 digits with their zeros")
		k.aws(path+".aws", &s.SecurityHub.AWS)
		for _, id := range slices.Sorted(maps.Keys(s.SecurityHub.Accounts)) {
			a := s.SecurityHub.Accounts[id]
			k.form(join(path+".accounts", id), id, accountWord, "12 digits with their zeros")
			k.aws(join(path+".accounts", id), &a)
		}
	case s.CloudWatch != nil:
		if s.CloudWatch.Group == "" {
			k.fault(path, " has no group", "group: /yagura/notices")
		}
		k.aws(path+".aws", &s.CloudWatch.AWS)
	case s.Webhook != nil:
		w := s.Webhook
		k.target(path, w.URL, w.AllowHTTP)
		k.address(path+".proxy", w.Proxy.Reveal(), true)
		if w.ContentType != "" && s.Template == "" {
			k.fault(path+".content_type", " is there without template", "it is the type of what a template makes")
		}
		k.pair(path+".client_cert", w.ClientCert != "", path+".client_key", w.ClientKey != "")
	case s.Falcosidekick != nil:
		k.target(path, s.Falcosidekick.URL, s.Falcosidekick.AllowHTTP)
	}
}

func (k *serveCheck) target(path string, url Secret, plain bool) {
	if url == "" {
		k.fault(path, " has no url", "url: https://example.com/hook")
		return
	}
	k.address(path+".url", url.Reveal(), plain)
}

func (k *serveCheck) github(g *GitHubSink, path string) {
	if g.Repository == "" {
		k.fault(path, " has no repository", "repository: owner/name")
	}
	k.form(path+".repository", g.Repository, repoWord, "owner/name")
	k.address(path+".url", g.URL, true)
	k.served(path+".webhook_path", g.WebhookPath)
	k.pair(path+".webhook_path", g.WebhookPath != "", path+".webhook_secret", g.WebhookSecret != "")
	k.pair(path+".app_id", g.AppID != "", path+".app_key", g.AppKey != "")
	switch {
	case g.Token == "" && g.AppID == "" && g.AppKey == "":
		k.fault(path, " has no token, and no app_id with app_key", "token: ref+env://GITHUB_TOKEN")
	case g.Token != "" && g.AppID != "":
		k.fault(path+".token", " is there with app_id", "give one of them")
	}
	k.least(path+".writes_per_minute", g.WritesPerMin, 0)
	k.least(path+".writes_per_hour", g.WritesPerHour, 0)
}

func (k *serveCheck) slack(s *SlackSink, path string) {
	if s.Token == "" {
		k.fault(path, " has no token", "that of the bot: ref+env://SLACK_BOT_TOKEN")
	}
	if s.Channel == "" {
		k.fault(path, " has no channel", `channel: "#security"`)
	}
	k.served(path+".path", s.Path)
	k.pair(path+".path", s.Path != "", path+".signing_secret", s.SigningSecret != "")
	k.address(path+".url", s.URL, true)
	k.forms(path+".teams", s.Teams, teamWord, "the id of a workspace, such as T0123456789")
	for _, level := range slices.Sorted(maps.Keys(s.Channels)) {
		if _, err := yagura.ParseSeverity(level); err != nil {
			k.fault(join(path+".channels", level), ": "+err.Error(), `channels: {high: "#security-alerts"}`)
		}
	}
}
