package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, written 90s, 15m, 36h or 7d.
type Duration time.Duration

// ParseDuration reads a length of time; d is a day of 24 hours.
func ParseDuration(text string) (Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36_500 {
			return Duration(n) * Duration(24*time.Hour), nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no length of time: write 90s, 15m, 36h or 7d", text)
	}
	return Duration(d), nil
}

// Bytes is a size, written 512MB, 20GB or as a number of bytes.
type Bytes int64

// ParseBytes reads a size.
func ParseBytes(text string) (Bytes, error) {
	n := strings.TrimRight(text, "kKMGTiB")
	unit := text[len(n):]
	factor := map[string]int64{"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[unit]
	v, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
	if err != nil || factor == 0 || v < 0 || v > 1<<62/factor {
		return 0, fmt.Errorf("%q is no size: write 512MB or 20GB", text)
	}
	return Bytes(v * factor), nil
}

// Price is an amount of money, 0 where none is said.
type Price float64

// ParsePrice reads an amount.
func ParsePrice(text string) (Price, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is no price: write 0.023", text)
	}
	return Price(v), nil
}

// Server is what `yagura serve` listens on.
type Server struct {
	Listen  string `yaml:"listen"`
	TLSCert string `yaml:"tls_cert"`
	TLSKey  string `yaml:"tls_key"`
	// URL is how people and sinks reach the server from outside.
	URL string `yaml:"url"`
	// ClientCA asks everybody for a certificate of one of its authorities.
	ClientCA string `yaml:"client_ca"`
	// Metrics says who may read /metrics: a token, or nobody but loopback without one.
	MetricsToken Secret `yaml:"metrics_token"`
	// Connections bounds all of them, and those of one address.
	Connections int `yaml:"max_connections"`
	PerAddress  int `yaml:"max_connections_per_address"`
}

// Keep bounds what is kept of the records.
type Keep struct {
	Age  Duration `yaml:"age"`
	Size Bytes    `yaml:"size"`
}

// Lake says where and how records are kept.
type Lake struct {
	Dir    string   `yaml:"dir"`    // folder, or s3://, gs://, az://; "": the folder lake of the data folder
	Flush  Duration `yaml:"flush"`  // how long a record waits for its file; 0 is a minute
	Cut    Bytes    `yaml:"cut"`    // of records at which a file is written; 0 is 64 MB
	Memory Bytes    `yaml:"memory"` // of what waits; 0 is 96 MB
	Cache  Bytes    `yaml:"cache"`  // of copies of an object store's files, for hunts; 0 is 10 GiB
	Seal   Secret   `yaml:"seal"`   // the key that manifests are sealed with; "": none
	// Compact is how many bytes of records become one sorted file; 0 is 128 MB.
	Compact Bytes `yaml:"compact"`
	// Iceberg has the lake be published as Iceberg tables whenever its files changed.
	Iceberg bool `yaml:"iceberg"`
	// Originals keeps a copy of every file and object of a bucket, as it was received.
	Originals bool `yaml:"originals"`
	// Retention says for how long what is kept: the first entry that a record fits decides.
	Retention []LakeRetention `yaml:"retention"`
	Holds     []LakeHold      `yaml:"holds"`
	Price     LakePrice       `yaml:"price"`
}

// LakePrice is what the place of the lake costs. Yagura knows no price by itself: where none is
// given none is said. A GB is 10⁹ bytes.
type LakePrice struct {
	Stored   Price  `yaml:"stored"`   // of a GB that is kept for a month
	Received Price  `yaml:"received"` // of a GB of records that comes in, once
	Currency string `yaml:"currency"` // is said behind amounts, as it is
}

// LakeRetention is for records of a log type and an account, patterns both.
type LakeRetention struct {
	Format  string   `yaml:"format"`
	Account string   `yaml:"account"`
	Keep    Duration `yaml:"keep"` // the whole; 0: for ever
	Raw     Duration `yaml:"raw"`  // the record as it was received; 0: as long as the rest
}

// LakeHold keeps records whatever the retention says.
type LakeHold struct {
	Format  string `yaml:"format"`
	Account string `yaml:"account"`
	From    string `yaml:"from"` // days of events, 2026-03-14, both within
	To      string `yaml:"to"`
	Reason  string `yaml:"reason"`
}

// Times are the bounds of a hold: zero where there is none, the second one behind its day.
func (h *LakeHold) Times() (from, to time.Time, err error) {
	if h.From != "" {
		if from, err = time.Parse(time.DateOnly, h.From); err != nil {
			return from, to, fmt.Errorf("%q is no day: write 2026-03-14", h.From)
		}
	}
	if h.To != "" {
		if to, err = time.Parse(time.DateOnly, h.To); err != nil {
			return from, to, fmt.Errorf("%q is no day: write 2026-03-14", h.To)
		}
		to = to.AddDate(0, 0, 1)
	}
	return from, to, nil
}

// Repeats bounds the window of event keys.
type Repeats struct {
	Age    Duration `yaml:"age"`
	Keys   int      `yaml:"keys"`
	Memory Bytes    `yaml:"memory"`
}

// Target is how long an issue of a level may wait.
type Target struct {
	Acknowledge Duration `yaml:"acknowledge"`
	Close       Duration `yaml:"close"`
}

// Own says what of the logs is our own doing.
type Own struct {
	// Roles are the ARNs of the roles that Yagura runs as.
	Roles []string `yaml:"roles"`
	// Buckets are the places that queues and topics tell of, s3://bucket/prefix: what else
	// the roles read is not ours.
	Buckets []string `yaml:"buckets"`
	// Actions are what they may call, beyond what the published policies allow: s3:GetObject.
	Actions []string `yaml:"actions"`
}

// Watchdog is told again and again that all is well; its silence is the alarm.
type Watchdog struct {
	URL   Secret   `yaml:"url"`
	Every Duration `yaml:"every"`
}

// Tracing sends traces over OTLP/HTTP.
type Tracing struct {
	Endpoint string `yaml:"endpoint"`
}

// Organizations says how the accounts of an AWS organisation are listed.
type Organizations struct {
	Enabled    bool   `yaml:"enabled"`
	Region     string `yaml:"region"`
	Endpoint   string `yaml:"endpoint"`
	Role       string `yaml:"role"`
	ExternalID Secret `yaml:"external_id"`
	// The keys of tags that name an account's owner and so on; the first that it has counts.
	OwnerTags       []string `yaml:"owner_tags"`
	EnvironmentTags []string `yaml:"environment_tags"`
	ChannelTags     []string `yaml:"channel_tags"`
	RepositoryTags  []string `yaml:"repository_tags"`
	// Age is how old the list may be before it is read anew; 0 is six hours.
	Age Duration `yaml:"age"`
}

// Recheck says how the cloud is asked whether posture issues still hold.
type Recheck struct {
	Enabled bool `yaml:"enabled"`
	// Every is how often one issue is looked at; 0 is half an hour.
	Every Duration `yaml:"every"`
	// Role is taken on in the account of an issue: an ARN with {account} in it.
	Role       string `yaml:"role"`
	ExternalID Secret `yaml:"external_id"`
	// PerMinute is how many issues one replica looks at in a minute at most; 0 is 60.
	PerMinute int `yaml:"per_minute"`
	// Accounts are the only ones that are asked; none are all of the registry.
	Accounts []string `yaml:"accounts"`
	// Region is where the role is taken on; Endpoint is of other services than AWS's.
	Region   string `yaml:"region"`
	Endpoint string `yaml:"endpoint"`
}

// Schedule says how rules on a schedule are run over the lake.
type Schedule struct {
	// Off keeps this replica from running them.
	Off bool `yaml:"off"`
	// Settle is how long an event may take from its arrival until a query sees it; 0 is 3m.
	Settle Duration `yaml:"settle"`
	// Late is how long after it happened an event may come and have its windows run again;
	// 0 is 14 days.
	Late Duration `yaml:"late"`
	// CatchUp is how far back windows are run that were missed while nothing ran; 0 is 7 days.
	CatchUp Duration `yaml:"catch_up"`
	// Memory and Threads are what the engine takes; 0 is 512 MB and one.
	Memory  Bytes `yaml:"memory"`
	Threads int   `yaml:"threads"`
}

// Usual says what is usual for an entity.
type Usual struct {
	// ASN and City are databases of addresses in MaxMind's format; "" is none. City may be one
	// of countries: then nobody travels.
	ASN  string `yaml:"asn"`
	City string `yaml:"city"`
	// Ignore are networks that say nothing of where somebody is, such as those of a VPN.
	Ignore []string `yaml:"ignore"`
	// Period is how far back is looked, and Learning how long an entity must be known; 0 is 90
	// and 14 days. Events is how many events it must have; 0 is 50.
	Period   Duration `yaml:"period"`
	Learning Duration `yaml:"learning"`
	Events   int      `yaml:"events"`
	// Timeout is how long a batch of findings waits for the answers; 0 is 2s.
	Timeout Duration `yaml:"timeout"`
	// Questions is how many are asked for one batch; 0 is 500.
	Questions int `yaml:"questions"`
	// Memory is what the engine takes; 0 is 256 MB.
	Memory Bytes `yaml:"memory"`
}

// Source is one source: a name and exactly one of the kinds.
type Source struct {
	Name        string             `yaml:"name"`
	SQS         *SQSSource         `yaml:"sqs"`
	Folder      *FolderSource      `yaml:"folder"`
	Bucket      *BucketSource      `yaml:"bucket"`
	Push        *PushSource        `yaml:"push"`
	SNS         *SNSSource         `yaml:"sns"`
	EventBridge *EventBridgeSource `yaml:"eventbridge"`
	Falco       *FalcoSource       `yaml:"falco"`
}

// AWS says how an AWS service is reached where the environment of the AWS tools does not.
type AWS struct {
	Region          string `yaml:"region"`
	Endpoint        string `yaml:"endpoint"`
	AccessKeyID     string `yaml:"access_key_id"`
	SecretAccessKey Secret `yaml:"secret_access_key"`
	SessionToken    Secret `yaml:"session_token"`
	Role            string `yaml:"role"`
	ExternalID      Secret `yaml:"external_id"`
}

// SQSSource reads S3 objects that a queue names, or records that lie in the queue.
type SQSSource struct {
	Queue   string   `yaml:"queue"`
	AWS     AWS      `yaml:"aws"`
	S3      AWS      `yaml:"s3"` // where the objects are, when it differs
	Include []string `yaml:"include"`
	Exclude []string `yaml:"exclude"`
	Pollers int      `yaml:"pollers"`
}

// FolderSource watches a folder or files.
type FolderSource struct {
	Paths []string `yaml:"paths"`
	After string   `yaml:"after"` // keep (default), delete, or move:FOLDER
}

// BucketSource lists a bucket again and again.
type BucketSource struct {
	URL      string   `yaml:"url"`
	AWS      AWS      `yaml:"aws"`
	Every    Duration `yaml:"every"`
	From     string   `yaml:"from"`
	To       string   `yaml:"to"`
	Accounts []string `yaml:"accounts"`
	Regions  []string `yaml:"regions"`
}

// PushSource takes records over HTTP.
type PushSource struct {
	Path    string   `yaml:"path"`
	Tokens  []Secret `yaml:"tokens"`
	Secrets []Secret `yaml:"secrets"` // of Standard Webhooks signatures
	Both    bool     `yaml:"both"`    // a token and a signature
	MaxBody Bytes    `yaml:"max_body"`
}

// SNSSource takes what a topic sends over HTTPS.
type SNSSource struct {
	Path   string   `yaml:"path"`
	Topics []string `yaml:"topics"`
	S3     AWS      `yaml:"s3"`
	// Secrets stand behind the path; a message without a signature (raw delivery) needs one.
	Secrets []Secret `yaml:"secrets"`
	// Private are networks that SNS may be in beside the public ones: those of VPC endpoints.
	Private []string `yaml:"private"`
}

// EventBridgeSource takes what an API destination sends.
type EventBridgeSource struct {
	Path   string   `yaml:"path"`
	Header string   `yaml:"header"`
	Keys   []Secret `yaml:"keys"`
	S3     AWS      `yaml:"s3"`
}

// FalcoSource takes alerts of Falco and falcosidekick.
type FalcoSource struct {
	Path   string   `yaml:"path"`
	Tokens []Secret `yaml:"tokens"`
}

// Sink is one sink: a name and exactly one of the kinds.
type Sink struct {
	Name          string             `yaml:"name"`
	GitHub        *GitHubSink        `yaml:"github"`
	PagerDuty     *PagerDutySink     `yaml:"pagerduty"`
	Slack         *SlackSink         `yaml:"slack"`
	SecurityHub   *SecurityHubSink   `yaml:"securityhub"`
	CloudWatch    *CloudWatchSink    `yaml:"cloudwatch"`
	Webhook       *WebhookSink       `yaml:"webhook"`
	Falcosidekick *FalcosidekickSink `yaml:"falcosidekick"`
	Lang          string             `yaml:"lang"`
	Template      string             `yaml:"template"`
}

// GitHubSink files GitHub issues.
type GitHubSink struct {
	Repository    string `yaml:"repository"`
	URL           string `yaml:"url"` // of the API; GitHub Enterprise Server has its own
	Token         Secret `yaml:"token"`
	AppID         string `yaml:"app_id"`
	AppKey        Secret `yaml:"app_key"`
	WebhookPath   string `yaml:"webhook_path"`
	WebhookSecret Secret `yaml:"webhook_secret"`
	AllowPublic   bool   `yaml:"allow_public"`
	WritesPerMin  int    `yaml:"writes_per_minute"`
	WritesPerHour int    `yaml:"writes_per_hour"`
	// People are GitHub logins of assignees that go by other names: mary@example.com.
	People map[string]string `yaml:"people"`
}

// PagerDutySink triggers incidents.
type PagerDutySink struct {
	RoutingKey    Secret            `yaml:"routing_key"`
	Teams         map[string]Secret `yaml:"teams"` // routing keys by account owner
	Region        string            `yaml:"region"`
	URL           string            `yaml:"url"`
	WebhookPath   string            `yaml:"webhook_path"`
	WebhookSecret []Secret          `yaml:"webhook_secrets"`
	APIToken      Secret            `yaml:"api_token"` // to find the issue of a note
}

// SlackSink keeps one thread per issue.
type SlackSink struct {
	Token         Secret            `yaml:"token"`
	AppToken      Secret            `yaml:"app_token"`
	SigningSecret Secret            `yaml:"signing_secret"`
	Path          string            `yaml:"path"`
	Channel       string            `yaml:"channel"`
	Channels      map[string]string `yaml:"channels"` // by severity
	Teams         []string          `yaml:"teams"`    // further workspaces whose people may act
	URL           string            `yaml:"url"`
}

// SecurityHubSink writes findings to AWS Security Hub.
type SecurityHubSink struct {
	Account     string         `yaml:"account"`
	AWS         AWS            `yaml:"aws"`
	Accounts    map[string]AWS `yaml:"accounts"`     // of accounts whose findings go there
	SuppressFor Duration       `yaml:"suppress_for"` // what is SUPPRESSED there
}

// CloudWatchSink writes to a log stream.
type CloudWatchSink struct {
	Group       string `yaml:"group"`
	Stream      string `yaml:"stream"`
	CreateGroup bool   `yaml:"create_group"`
	AWS         AWS    `yaml:"aws"`
}

// WebhookSink posts OCSF, or what a template makes.
type WebhookSink struct {
	URL          Secret            `yaml:"url"`
	Secrets      []Secret          `yaml:"secrets"`
	Headers      map[string]Secret `yaml:"headers"`
	AllowPrivate bool              `yaml:"allow_private"`
	AllowHTTP    bool              `yaml:"allow_http"`
	CACert       string            `yaml:"ca_cert"`
	ClientCert   string            `yaml:"client_cert"`
	ClientKey    string            `yaml:"client_key"`
	Proxy        Secret            `yaml:"proxy"`
	ContentType  string            `yaml:"content_type"` // of what a template makes
	MaxBody      Bytes             `yaml:"max_body"`
}

// FalcosidekickSink posts what falcosidekick takes.
type FalcosidekickSink struct {
	URL          Secret            `yaml:"url"`
	Headers      map[string]Secret `yaml:"headers"`
	AllowPrivate bool              `yaml:"allow_private"`
	AllowHTTP    bool              `yaml:"allow_http"`
}

// Kind returns the word of the one kind that is given, "" for none or several.
func (s *Source) Kind() string {
	return only(map[string]bool{"sqs": s.SQS != nil, "folder": s.Folder != nil, "bucket": s.Bucket != nil, "push": s.Push != nil,
		"sns": s.SNS != nil, "eventbridge": s.EventBridge != nil, "falco": s.Falco != nil})
}

// Kind returns the word of the one kind that is given, "" for none or several.
func (s *Sink) Kind() string {
	return only(map[string]bool{"github": s.GitHub != nil, "pagerduty": s.PagerDuty != nil, "slack": s.Slack != nil, "securityhub": s.SecurityHub != nil,
		"cloudwatch": s.CloudWatch != nil, "webhook": s.Webhook != nil, "falcosidekick": s.Falcosidekick != nil})
}

func only(given map[string]bool) string {
	word := ""
	for k, ok := range given {
		switch {
		case !ok:
		case word != "":
			return ""
		default:
			word = k
		}
	}
	return word
}
