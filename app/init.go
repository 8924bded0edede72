package app

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/triage"
)

// InitOptions say what a configuration to begin with is about. What is empty is filled in
// with a word or number that says so.
type InitOptions struct {
	Dir      string // absolute
	Japanese bool
	Sources  []string // kinds
	Sinks    []string // kinds

	Region     string
	Account    string // that Yagura runs in
	LogAccount string // that owns the bucket of the logs
	Bucket     string // bucket, or bucket/prefix
	Queue      string // name
	Via        string // how the bucket tells the queue: s3, sns or eventbridge
	Topic      string // name, for sns
	Role       string // ARN of a role that may read the bucket, for another account
	KMSKeys    []string
	Repository string
	Channel    string
	// Organisation lists the accounts of an AWS organisation, by a role where one is named.
	Organisation     bool
	OrganisationRole string
	// Recheck asks the accounts about open issues, by a role in each.
	Recheck bool
}

// InitFile is one file that init writes, by a path below its folder.
type InitFile struct {
	Name   string
	Text   string
	Secret bool // it is for this user alone, and one that is there is kept
}

// ExampleAccount stands where no account was named.
const ExampleAccount = "111122223333"

func (o *InitOptions) complete() {
	def := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	def(&o.Region, "us-east-1")
	def(&o.Account, ExampleAccount)
	def(&o.LogAccount, o.Account)
	def(&o.Bucket, logBucket+"/AWSLogs/")
	def(&o.Queue, "yagura-trail")
	def(&o.Via, "s3")
	def(&o.Topic, "yagura-trail")
	def(&o.Repository, "OWNER/REPOSITORY")
	def(&o.Channel, "#security")
	if !strings.Contains(o.Bucket, "/") {
		o.Bucket += "/AWSLogs/"
	}
}

func (o *InitOptions) has(kind string) bool { return slices.Contains(o.Sources, kind) }

func (o *InitOptions) bucket() (name, prefix string) {
	name, prefix, _ = strings.Cut(o.Bucket, "/")
	return name, prefix
}

func (o *InitOptions) queueURL() string {
	return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", o.Region, o.Account, o.Queue)
}

func (o *InitOptions) topicARN() string {
	return fmt.Sprintf("arn:aws:sns:%s:%s:%s", o.Region, o.LogAccount, o.Topic)
}

func (o *InitOptions) recheckRole() string {
	return "arn:aws:iam::" + accountMark + ":role/yagura-recheck"
}

func (o *InitOptions) ownRole() string { return "arn:aws:iam::" + o.Account + ":role/yagura" }

// ownRoles are all roles that Yagura runs as and takes on.
func (o *InitOptions) ownRoles() []string {
	out := []string{q(o.ownRole())}
	for _, r := range []string{o.Role, o.OrganisationRole} {
		if r != "" {
			out = append(out, q(r))
		}
	}
	return out
}

// aws reports whether anything of AWS is used.
func (o *InitOptions) aws() bool {
	return o.has("sqs") || o.has("bucket") || o.has("sns") || o.has("eventbridge") || o.Organisation ||
		slices.Contains(o.Sinks, "securityhub") || slices.Contains(o.Sinks, "cloudwatch")
}

// Init writes the files of a configuration to begin with. secret makes a random text; it is
// called once for each secret that the service itself gives out.
func Init(o InitOptions, secret func(name string) (string, error)) ([]InitFile, error) {
	o.complete()
	w := &initWriter{o: &o, secrets: map[string]string{}}
	for _, name := range o.secretNames() {
		text, err := secret(name)
		if err != nil {
			return nil, err
		}
		w.secrets[name] = text
		w.files = append(w.files, InitFile{Name: "secrets/" + name, Text: text + "\n", Secret: true})
	}
	w.config()
	w.file("yagura.yaml", w.b.String())
	w.file("policy.yaml", triage.DefaultPolicyText())
	w.file("accounts.yaml", w.accounts())
	if len(w.env) > 0 {
		w.file("yagura.env.example", w.environment())
	}
	if o.aws() {
		w.iam()
	}
	return w.files, nil
}

// secretNames are the secrets that the service itself gives out.
func (o *InitOptions) secretNames() (names []string) {
	if o.has("push") {
		names = append(names, "push_token")
	}
	if o.has("falco") {
		names = append(names, "falco_token")
	}
	if o.has("eventbridge") {
		names = append(names, "eventbridge_key")
	}
	if o.Role != "" || o.OrganisationRole != "" || o.Recheck {
		names = append(names, "external_id")
	}
	return names
}

type initWriter struct {
	o       *InitOptions
	b       strings.Builder
	files   []InitFile
	secrets map[string]string
	env     []string // names of variables
}

func (w *initWriter) file(name, text string) {
	w.files = append(w.files, InitFile{Name: name, Text: text})
}

func (w *initWriter) say(en, ja string) string {
	if w.o.Japanese {
		return ja
	}
	return en
}

// c writes a comment.
func (w *initWriter) c(indent, en, ja string) {
	for line := range strings.SplitSeq(w.say(en, ja), "\n") {
		fmt.Fprintf(&w.b, "%s# %s\n", indent, line)
	}
}

func (w *initWriter) f(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// q quotes a text for YAML.
func q(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a form
	}
	return string(b)
}

func (w *initWriter) path(name string) string { return q(filepath.Join(w.o.Dir, name)) }

// ref is a reference to a secret that init made.
func (w *initWriter) ref(name string) string {
	return q("ref+file://" + filepath.ToSlash(filepath.Join(w.o.Dir, "secrets", name)))
}

// envRef is a reference to a variable that the user gives.
func (w *initWriter) envRef(name string) string {
	w.env = append(w.env, name)
	return "ref+env://" + name
}

// config writes yagura.yaml.
func (w *initWriter) config() {
	o := w.o
	w.c("", "Configuration of `yagura serve`: docs/configuration.md has every key.\nCheck it:  yagura config check yagura.yaml\nTry it:    yagura config check --resolve yagura.yaml\nRun it:    yagura serve --config yagura.yaml\nNo secret stands here: ref+env://NAME is a variable, ref+file:///path a file; docs/secrets.md has more.",
		"`yagura serve` の設定です。すべてのキーは docs/configuration.md にあります。\n検査:     yagura config check yagura.yaml\n接続確認: yagura config check --resolve yagura.yaml\n起動:     yagura serve --config yagura.yaml\nシークレットはここに書きません。ref+env://NAME は環境変数、ref+file:///path はファイルを指します (docs/secrets.md)。")
	w.f("")
	w.c("", "Everything that must survive: the store, keys of events, kept records. A local disk.", "失ってはならないものをすべて置くフォルダー (ストア、イベントキー、保存レコード)。ローカルディスクに置いてください。")
	w.f("data: %s", w.path("data"))
	w.c("", "Without it SQLite below data. For several replicas:", "省略時は data の下の SQLite を使います。複数レプリカの場合:")
	w.f("# store: ref+env://DATABASE_URL   # postgres://yagura@db.example.com/yagura\n")
	w.c("", "What a finding is worth and who is told; which accounts are whose.", "検出結果の重大度と通知先のポリシー、アカウントの台帳。")
	w.f("policy: %s", w.path("policy.yaml"))
	w.f("registry: %s\n", w.path("accounts.yaml"))
	w.c("", "For sources that are pushed to, /healthz, /readyz and /metrics (from this machine, or with metrics_token).\nBeyond this machine give tls_cert and tls_key, or put a proxy before it.", "プッシュ受信、/healthz、/readyz、/metrics (このマシンから、または metrics_token で参照) 用です。\n外部に公開する場合は tls_cert と tls_key を指定するか、プロキシの後ろに置いてください。")
	w.f("server:\n  listen: 127.0.0.1:8080\n  # url: https://yagura.example.com\n")
	w.c("", "A daily list of what is low or none, to Slack and webhooks.", "重大度が低・対応不要のものの日次一覧 (Slack と Webhook へ)。")
	if o.Japanese {
		w.f("digest: \"08:30\"\ntimezone: Asia/Tokyo\n")
	} else {
		w.f("digest: \"08:30\"\ntimezone: UTC\n")
	}
	w.c("", "How long an issue may wait before it is reminded of.", "課題の対応期限。過ぎると催促します。")
	w.f("targets:\n  critical: {acknowledge: 15m, close: 1d}\n  high: {acknowledge: 1h, close: 3d}\n  medium: {acknowledge: 1d, close: 14d}\n")
	w.c("", "How long the records themselves are kept.", "レコード本体の保存期間と上限。")
	w.f("keep: {age: 90d, size: 50GB}\n")
	if o.aws() {
		w.c("", "The roles that Yagura runs as. What they do by their published policies is not judged; anything else they do is a high finding.", "Yagura が使うロール。公開ポリシーの範囲の操作は判定せず、範囲外の操作は重大度「高」の検出結果になります。")
		w.f("own:\n  roles: [%s]", strings.Join(o.ownRoles(), ", "))
		if name, _ := o.bucket(); name != logBucket && (o.has("sqs") || o.has("sns") || o.has("eventbridge")) {
			w.f("  buckets: [%s]", q("s3://"+o.Bucket))
		}
		w.f("")
	}
	if o.Organisation {
		w.c("", "Accounts, owners and environments as AWS Organizations lists them.", "AWS Organizations からアカウント、担当チーム、環境を読み取ります。")
		w.f("organizations:\n  enabled: true")
		if o.OrganisationRole != "" {
			w.f("  role: %s\n  external_id_file: %s", q(o.OrganisationRole), w.path("secrets/external_id"))
		}
		w.f("  owner_tags: [owner, team]\n  environment_tags: [environment, env]\n")
	}
	if o.Recheck {
		w.c("", "Asks AWS whether open posture issues still are so, by a role in every listed account (iam/yagura-recheck-*).", "未完了の状態の課題を AWS で再確認します。台帳の各アカウントのロールを使います (iam/yagura-recheck-*)。")
		w.f("recheck:\n  enabled: true\n  role: %s\n  external_id_file: %s\n  region: %s\n", q(o.recheckRole()), w.path("secrets/external_id"), q(o.Region))
	}
	w.f("sources:")
	for _, kind := range o.Sources {
		w.source(kind)
	}
	if len(o.Sources) == 0 {
		w.f("  []")
	}
	w.f("\nsinks:")
	for _, kind := range o.Sinks {
		w.sink(kind)
	}
	if len(o.Sinks) == 0 {
		w.f("  []")
	}
}

// role writes the role that reads objects.
func (w *initWriter) role(indent string) {
	if w.o.Role != "" {
		w.f("%srole: %s\n%sexternal_id_file: %s", indent, q(w.o.Role), indent, w.path("secrets/external_id"))
	}
}

func (w *initWriter) source(kind string) {
	o := w.o
	switch kind {
	case "sqs":
		w.c("  ", "Objects in S3 that a queue tells of. The name is part of what deliveries are known by: never change what it means.", "キューが知らせる S3 オブジェクト。名前は配信記録の一部です。別の意味に使い回さないでください。")
		w.f("  - name: trail\n    sqs:\n      queue: %s\n      aws: {region: %s}\n      s3:\n        region: %s", q(o.queueURL()), q(o.Region), q(o.Region))
		w.role("        ")
	case "bucket":
		w.c("  ", "A bucket that is listed: for what is there already. With every it is listed for ever.", "バケットを一覧して読み取ります (過去分の取り込み用)。every を指定すると繰り返し一覧します。")
		w.f("  - name: backfill\n    bucket:\n      url: %s\n      # from: 2026-01-01\n      # every: 10m\n      aws:\n        region: %s", q("s3://"+o.Bucket), q(o.Region))
		w.role("        ")
	case "folder":
		w.c("  ", "Files that are dropped here; lines of .jsonl and .log files are followed. after: keep, delete or move:FOLDER.", "このフォルダーに置かれたファイルを読み取ります (.jsonl と .log は追記を追跡)。after は keep、delete、move:FOLDER。")
		w.f("  - name: drop\n    folder:\n      paths: [%s]\n      after: keep", w.path("drop"))
	case "push":
		w.c("  ", "Any JSON over HTTP: curl -H \"Authorization: Bearer $(cat secrets/push_token)\" -H \"Content-Type: application/json\" --data-binary @file http://127.0.0.1:8080/in/push", "HTTP で任意の JSON を受信します: curl -H \"Authorization: Bearer $(cat secrets/push_token)\" -H \"Content-Type: application/json\" --data-binary @file http://127.0.0.1:8080/in/push")
		w.f("  - name: push\n    push:\n      path: /in/push\n      tokens: [%s]", w.ref("push_token"))
	case "sns":
		w.c("  ", "A topic that is subscribed over HTTPS.", "HTTPS で購読する SNS トピック。")
		w.f("  - name: topic\n    sns:\n      path: /in/sns\n      topics: [%s]\n      s3:\n        region: %s", q(o.topicARN()), q(o.Region))
		w.role("        ")
	case "eventbridge":
		w.c("  ", "An API destination of EventBridge; its connection sends the header with the key.", "EventBridge の API 送信先。接続がこのヘッダーにキーを付けて送信します。")
		w.f("  - name: events\n    eventbridge:\n      path: /in/eventbridge\n      header: X-Api-Key\n      keys: [%s]\n      s3:\n        region: %s", w.ref("eventbridge_key"), q(o.Region))
		w.role("        ")
	case "falco":
		w.c("  ", "Falco's http_output and falcosidekick's webhook.", "Falco の http_output と falcosidekick の webhook。")
		w.f("  - name: falco\n    falco:\n      path: /in/falco\n      tokens: [%s]", w.ref("falco_token"))
	}
}

func (w *initWriter) sink(kind string) {
	o := w.o
	lang := "en"
	if o.Japanese {
		lang = "ja"
	}
	switch kind {
	case "github":
		w.c("  ", "One GitHub issue per issue. With webhook_path and webhook_secret a human's close is here at once, else within ten minutes.", "課題ごとに GitHub Issue を作成します。webhook_path と webhook_secret を指定すると人の操作が即時に、なければ 10 分以内に反映されます。")
		w.f("  - name: github\n    lang: %s\n    github:\n      repository: %s\n      token: %s\n      # webhook_path: /hook/github\n      # webhook_secret: ref+env://GITHUB_WEBHOOK_SECRET", lang, q(o.Repository), w.envRef("GITHUB_TOKEN"))
	case "pagerduty":
		w.f("  - name: pagerduty\n    lang: %s\n    pagerduty:\n      routing_key: %s", lang, w.envRef("PAGERDUTY_ROUTING_KEY"))
	case "slack":
		w.c("  ", "One thread per issue. app_token (Socket Mode) lets people answer with buttons.", "課題ごとに 1 スレッド。app_token (Socket Mode) があるとボタンで操作できます。")
		w.f("  - name: slack\n    lang: %s\n    slack:\n      token: %s\n      # app_token: ref+env://SLACK_APP_TOKEN\n      channel: %s", lang, w.envRef("SLACK_BOT_TOKEN"), q(o.Channel))
	case "securityhub":
		w.f("  - name: securityhub\n    lang: %s\n    securityhub:\n      account: %s\n      aws: {region: %s}", lang, q(o.Account), q(o.Region))
	case "cloudwatch":
		w.f("  - name: cloudwatch\n    lang: %s\n    cloudwatch:\n      group: /yagura/notices\n      stream: yagura\n      create_group: true\n      aws: {region: %s}", lang, q(o.Region))
	case "webhook":
		w.f("  - name: webhook\n    lang: %s\n    webhook:\n      url: %s\n      # secrets: [ref+env://WEBHOOK_SECRET]", lang, w.envRef("WEBHOOK_URL"))
	case "falcosidekick":
		w.f("  - name: falcosidekick\n    falcosidekick:\n      url: %s", w.envRef("FALCOSIDEKICK_URL"))
	}
}

func (w *initWriter) accounts() string {
	return w.say("# Whose accounts are whose: docs/accounts.md. An account that sends logs and is not listed is a finding.\n",
		"# アカウントの台帳です (docs/accounts.md)。台帳にないアカウントからログが届くと検出結果になります。\n") +
		"#\n# organisation: Example\naccounts: {}\n#  \"111122223333\":\n#    name: shop\n#    cloud: aws\n#    owner: platform\n#    environment: prod\n#    channel: \"#sec-shop\"\n#    repository: example/shop\n" +
		w.say("#    # Who deploys here: changes of network, permissions or logging by somebody else are findings.\n", "#    # デプロイを行う ID。それ以外によるネットワーク、権限、ログ設定の変更は検出結果になります。\n") +
		"#    pipelines: [\"arn:aws:iam::111122223333:role/deploy\"]\n# patterns:\n#   - {match: \"sandbox-*\", environment: dev, listed: true}\n"
}

func (w *initWriter) environment() string {
	var b strings.Builder
	b.WriteString(w.say("# Variables that yagura.yaml refers to. Copy it to yagura.env, readable by the service alone, and fill it in.\n",
		"# yagura.yaml が参照する環境変数です。yagura.env にコピーし、サービスだけが読める権限にして値を入れてください。\n"))
	for _, name := range w.env {
		b.WriteString(name + "=\n")
	}
	return b.String()
}

// parsed reads what was written, for the policies.
func (w *initWriter) parsed() *config.Config {
	o := w.o
	cfg := &config.Config{}
	role := config.AWS{Region: o.Region, Role: o.Role}
	if o.Role != "" {
		role.ExternalID = "x"
	}
	for _, kind := range o.Sources {
		switch kind {
		case "sqs":
			cfg.Sources = append(cfg.Sources, config.Source{Name: "trail", SQS: &config.SQSSource{Queue: o.queueURL(), AWS: config.AWS{Region: o.Region}, S3: role}})
		case "bucket":
			cfg.Sources = append(cfg.Sources, config.Source{Name: "backfill", Bucket: &config.BucketSource{URL: "s3://" + o.Bucket, AWS: role}})
		case "sns":
			cfg.Sources = append(cfg.Sources, config.Source{Name: "topic", SNS: &config.SNSSource{S3: role}})
		case "eventbridge":
			cfg.Sources = append(cfg.Sources, config.Source{Name: "events", EventBridge: &config.EventBridgeSource{S3: role}})
		}
	}
	for _, kind := range o.Sinks {
		switch kind {
		case "securityhub":
			cfg.Sinks = append(cfg.Sinks, config.Sink{Name: kind, SecurityHub: &config.SecurityHubSink{}})
		case "cloudwatch":
			cfg.Sinks = append(cfg.Sinks, config.Sink{Name: kind, CloudWatch: &config.CloudWatchSink{Group: "/yagura/notices", CreateGroup: true, AWS: config.AWS{Region: o.Region}}})
		}
	}
	cfg.Organizations = config.Organizations{Enabled: o.Organisation, Role: o.OrganisationRole}
	if o.OrganisationRole != "" {
		cfg.Organizations.ExternalID = "x"
	}
	if o.Recheck {
		cfg.Recheck = config.Recheck{Enabled: true, Role: o.recheckRole(), ExternalID: "x"}
	}
	return cfg
}
