package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Kind is the sink's kind in the configuration.
const Kind = "slack"

// Options say how to reach Slack.
type Options struct {
	Name string
	// Token is the bot token (xoxb-).
	Token string
	// AppToken (xapp-, scope connections:write) turns Socket Mode on.
	AppToken string
	// SigningSecret turns the signed HTTP handler on, for teams that prefer it.
	SigningSecret string
	// Channel is where issues go that nothing else gives a channel: an id (C…) or a name.
	Channel string
	// BySeverity are channels of single levels. The account's own channel comes first.
	BySeverity map[yagura.Severity]string
	// DigestChannel takes the daily digest; empty is Channel.
	DigestChannel string
	Language      notify.Lang
	// Template is a file whose blocks replace the built-in ones; empty for none.
	Template string
	// Zone is the team's, for the times in texts and the day that a suppression ends; nil is UTC.
	Zone *time.Location
	// IssueURL gives the page of an issue, "" for none.
	IssueURL func(issueID string) string
	// Teams are ids of further workspaces (T…) whose people may act, in an organisation of
	// several. In shared channels everybody else is not heard.
	Teams []string
	// Key signs the buttons of "was this you?"; empty derives one from Token.
	Key []byte
	// Every is the time between two messages in one channel: Slack takes about one a second.
	Every time.Duration
	// API is the root of the Web API, Hooks that of the answers to interactions.
	API, Hooks string
	HTTP       *http.Client
	Now        func() time.Time
	Log        *slog.Logger
}

// Sink is a [notify.Sink], [notify.Tester], [notify.Reader] and [notify.Inbound].
type Sink struct {
	o         Options
	c         *client
	templates *notify.Templates
	key       []byte
	first     *cache[string]   // by ref: the notice that made the thread
	people    *cache[person]   // by user id
	channels  *cache[string]   // by name: the id
	seen      *cache[struct{}] // signatures of requests: replays
	socket    socketTimes
}

var (
	_ notify.Sink    = (*Sink)(nil)
	_ notify.Tester  = (*Sink)(nil)
	_ notify.Reader  = (*Sink)(nil)
	_ notify.Inbound = (*Sink)(nil)
)

// New checks the options and makes the sink. It sends nothing.
func New(o Options) (*Sink, error) {
	place := "slack " + o.Name
	switch {
	case o.Name == "":
		return nil, fmt.Errorf("slack: name: want one")
	case !strings.HasPrefix(o.Token, "xoxb-"):
		return nil, fmt.Errorf("%s: token: want a bot token, which begins with xoxb-", place)
	case o.AppToken != "" && !strings.HasPrefix(o.AppToken, "xapp-"):
		return nil, fmt.Errorf("%s: app token: want an app-level token, which begins with xapp-", place)
	case o.SigningSecret != "" && len(o.SigningSecret) < 16:
		return nil, fmt.Errorf("%s: signing secret: shorter than 16 characters (hint: it stands under Basic Information of the app)", place)
	}
	all := []string{o.Channel}
	if o.DigestChannel != "" {
		all = append(all, o.DigestChannel)
	}
	for _, c := range o.BySeverity {
		all = append(all, c)
	}
	for _, c := range all {
		if !channelID.MatchString(c) && !channelName.MatchString(c) {
			return nil, fmt.Errorf("%s: channel %q: want an id such as C0123456789, or a name", place, c)
		}
	}
	if o.API == "" {
		o.API = "https://slack.com/api/"
	}
	if o.Hooks == "" {
		o.Hooks = "https://hooks.slack.com/"
	}
	for _, u := range []*string{&o.API, &o.Hooks} {
		if p, err := url.Parse(*u); err != nil || p.Host == "" || p.User != nil || p.Scheme != "https" && p.Scheme != "http" {
			return nil, fmt.Errorf("%s: %q: want an http or https URL", place, *u)
		}
		*u = strings.TrimRight(*u, "/") + "/"
	}
	lang, err := notify.ParseLang(string(o.Language))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	o.Language = lang
	if o.Every == 0 {
		o.Every = time.Second
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	templates, err := layout.LoadFile(o.Language, o.Template)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	key := o.Key
	if len(key) == 0 {
		mac := hmac.New(sha256.New, []byte(o.Token))
		mac.Write([]byte("yagura: was this you?"))
		key = mac.Sum(nil)
	}
	return &Sink{o: o, c: newClient(o), templates: templates, key: key, socket: defaultTimes,
		first: newCache[string](4096, 0, o.Now), people: newCache[person](4096, time.Hour, o.Now),
		channels: newCache[string](1024, time.Hour, o.Now), seen: newCache[struct{}](8192, 2*skew, o.Now)}, nil
}

var (
	channelID   = regexp.MustCompile(`^[CGD][A-Z0-9]{7,20}$`)
	channelName = regexp.MustCompile(`^#?[^\s#@<>&,A-Z]{1,80}$`)
	userID      = regexp.MustCompile(`^[UW][A-Z0-9]{7,20}$`)
	messageTS   = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{6}$`)
)

// Name returns the name in the configuration.
func (s *Sink) Name() string { return s.o.Name }

// Kind returns "slack".
func (s *Sink) Kind() string { return Kind }

// joinRef is what the sink calls a thread; splitRef reads it.
func joinRef(channel, ts string) string { return channel + ":" + ts }

func splitRef(ref string) (channel, ts string, ok bool) {
	channel, ts, ok = strings.Cut(ref, ":")
	return channel, ts, ok && channelID.MatchString(channel) && messageTS.MatchString(ts)
}

// wanted are the channels where an issue may be, the one where it goes first.
func (s *Sink) wanted(n *yagura.Notice) []string {
	var all []string
	add := func(c string) {
		if c == "" {
			return
		}
		if slices.Contains(all, c) {
			return
		}
		all = append(all, c)
	}
	if n.Issue != nil {
		add(n.Issue.AccountInfo.Channel)
		add(s.o.BySeverity[n.Issue.Severity])
	}
	add(s.o.Channel)
	return all
}

// channel makes an id of a channel's id or name. Only channels that the app is in are
// found by name: in others it could post, but not look.
func (s *Sink) channel(ctx context.Context, name string) (string, error) {
	if channelID.MatchString(name) {
		return name, nil
	}
	name = strings.TrimPrefix(name, "#")
	if id, ok := s.channels.get(name); ok {
		return id, nil
	}
	cursor := ""
	for range maxPages {
		var out struct {
			Channels []struct{ ID, Name string } `json:"channels"`
			paged
		}
		args := url.Values{"types": {"public_channel,private_channel"}, "exclude_archived": {"true"}, "limit": {"200"}}
		if cursor != "" {
			args.Set("cursor", cursor)
		}
		if err := s.c.read(ctx, "users.conversations", "", args, &out); err != nil {
			return "", err
		}
		for _, c := range out.Channels {
			s.channels.put(c.Name, c.ID)
		}
		if cursor = out.next(); cursor == "" {
			break
		}
	}
	if id, ok := s.channels.get(name); ok {
		return id, nil
	}
	return "", &notify.Error{Permanent: true, NotSent: true, Err: fmt.Errorf("slack: the app is in no channel %q (hint: /invite the app there, or give the channel's id)", name)}
}

// self is what Slack says of the bot.
type self struct {
	URL    string `json:"url"` // of the workspace
	Team   string `json:"team"`
	TeamID string `json:"team_id"`
	User   string `json:"user_id"`
	Bot    string `json:"bot_id"`
}

// link is the address of a message; "" while the workspace's is not known.
func (s *Sink) link(ctx context.Context, channel, ts string) string {
	me, err := s.c.whoami(ctx)
	if err != nil || !strings.HasPrefix(me.URL, "http") {
		return ""
	}
	return strings.TrimRight(me.URL, "/") + "/archives/" + channel + "/p" + strings.Replace(ts, ".", "", 1)
}
