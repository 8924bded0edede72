package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/report"
)

type initCmd struct {
	Source       []string `enum:"sqs,folder,bucket,push,sns,eventbridge,falco" placeholder:"KIND" help:"sqs, folder, bucket, push, sns, eventbridge or falco; may be repeated. Without any source or sink it is asked, at a terminal; elsewhere they are folder and push."`
	Sink         []string `enum:"github,pagerduty,slack,securityhub,cloudwatch,webhook,falcosidekick" placeholder:"KIND" help:"github, pagerduty, slack, securityhub, cloudwatch, webhook or falcosidekick; may be repeated."`
	Region       string   `placeholder:"REGION" help:"AWS region of queue and topic."`
	Account      string   `placeholder:"ID" help:"AWS account that Yagura runs in."`
	LogAccount   string   `placeholder:"ID" help:"AWS account of the bucket; without it that of --account."`
	Bucket       string   `placeholder:"BUCKET[/PREFIX]" help:"Bucket of the logs; without a prefix AWSLogs/."`
	Queue        string   `placeholder:"NAME" help:"Name of the queue."`
	Via          string   `enum:"s3,sns,eventbridge" default:"s3" help:"How the bucket tells the queue: s3 (default), sns or eventbridge."`
	Topic        string   `placeholder:"NAME" help:"Name of the SNS topic."`
	Role         string   `placeholder:"ARN" help:"Role of another account that reads the bucket."`
	KMSKey       []string `name:"kms-key" placeholder:"ARN" help:"KMS key that encrypts bucket or queue; may be repeated."`
	Repository   string   `placeholder:"OWNER/NAME" help:"GitHub repository."`
	Channel      string   `placeholder:"CHANNEL" help:"Slack channel."`
	Organization bool     `help:"List accounts from AWS Organizations."`
	OrgRole      string   `name:"organization-role" placeholder:"ARN" help:"Role of the management account that lists them; it implies --organization."`
	Recheck      bool     `help:"Ask AWS whether open posture issues still are so, by a role in every listed account."`
	Lang         string   `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of comments and notices; without it, that of LANG."`
	Force        bool     `help:"Overwrite files. Secrets that are there are kept all the same."`
	Dir          string   `arg:"" optional:"" default:"." help:"Folder to write to; without it this one."`
}

// Help is the text below the usage of init.
func (initCmd) Help() string {
	return `
Writes yagura.yaml with comments, a copy of the default policy, a registry of accounts, secrets that Yagura itself gives out (below secrets/, for this user alone), and where AWS is used the exact policies of roles, queue, bucket and topic (below iam/, with the commands that put them in place). What others give out is named as variables in yagura.env.example and stands nowhere.

Examples:

    yagura init                                             # asks
    yagura init --source sqs --sink github --sink slack --account 111122223333 --region eu-west-1 --bucket org-trail /etc/yagura
    yagura init --source sqs --via sns --log-account 444455556666 --role arn:aws:iam::444455556666:role/yagura-read conf/
    yagura config check /etc/yagura/yagura.yaml
`
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	roleForm    = regexp.MustCompile(`^arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	wordForm    = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,80}$`)
	bucketForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$`)
	keyForm     = regexp.MustCompile(`^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	repoForm    = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
)

// Run writes.
func (c *initCmd) Run(env *environment) error {
	ja := env.japanese(c.Lang, "")
	if len(c.Source) == 0 && len(c.Sink) == 0 {
		if isTerminal(env.stdin) {
			if err := c.ask(env, ja); err != nil {
				return err
			}
		} else {
			c.Source = []string{"folder", "push"}
		}
	}
	for _, x := range []struct {
		flag, value string
		form        *regexp.Regexp
		hint        string
	}{{"--account", c.Account, accountForm, "12 digits"}, {"--log-account", c.LogAccount, accountForm, "12 digits"}, {"--region", c.Region, regionForm, "such as eu-west-1"},
		{"--role", c.Role, roleForm, "arn:aws:iam::444455556666:role/yagura-read"}, {"--organization-role", c.OrgRole, roleForm, "arn:aws:iam::444455556666:role/yagura-accounts"},
		{"--queue", c.Queue, wordForm, "letters, digits, - and _"}, {"--topic", c.Topic, wordForm, "letters, digits, - and _"}, {"--bucket", c.Bucket, bucketForm, "bucket or bucket/prefix"},
		{"--repository", c.Repository, repoForm, "owner/name"}} {
		if x.value != "" && !x.form.MatchString(x.value) {
			return usage("%s: %q (hint: %s)", x.flag, x.value, x.hint)
		}
	}
	for _, k := range c.KMSKey {
		if !keyForm.MatchString(k) {
			return usage("--kms-key: %q (hint: arn:aws:kms:eu-west-1:111122223333:key/…)", k)
		}
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	unique := func(list []string) []string {
		var out []string
		for _, x := range list {
			if !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
		return out
	}
	files, err := app.Init(app.InitOptions{Dir: dir, Japanese: ja, Sources: unique(c.Source), Sinks: unique(c.Sink), Region: c.Region, Account: c.Account,
		LogAccount: c.LogAccount, Bucket: c.Bucket, Queue: c.Queue, Via: c.Via, Topic: c.Topic, Role: c.Role, KMSKeys: c.KMSKey, Repository: c.Repository,
		Channel: c.Channel, Organisation: c.Organization || c.OrgRole != "", OrganisationRole: c.OrgRole, Recheck: c.Recheck},
		func(name string) (string, error) { return keptSecret(filepath.Join(dir, "secrets", name)) })
	if err != nil {
		return err
	}
	return c.write(env, dir, files, ja)
}

// keptSecret is the secret that a file holds, or a new one where there is none.
func keptSecret(file string) (string, error) {
	data, err := os.ReadFile(file)
	switch {
	case err == nil && strings.TrimSpace(string(data)) != "":
		return strings.TrimSpace(string(data)), nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// write writes all files or, where one is there already, none.
func (c *initCmd) write(env *environment, dir string, files []app.InitFile, ja bool) error {
	var there []string
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.Name)); err == nil && !f.Secret {
			there = append(there, f.Name)
		}
	}
	if len(there) > 0 && !c.Force {
		return usage(in(ja, "%s: already there: %s (hint: --force overwrites)", "%s: 既に存在します: %s (ヒント: --force で上書きします)"), dir, strings.Join(there, ", "))
	}
	for _, d := range []string{"", "data", "drop"} {
		if d == "drop" && !slices.Contains(c.Source, "folder") {
			continue
		}
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	for _, f := range files {
		name := filepath.Join(dir, f.Name)
		mode := fs.FileMode(0o644)
		if f.Secret || strings.HasSuffix(f.Name, "-trust.json") {
			mode = 0o600
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if f.Secret {
			if _, err := os.Lstat(name); err == nil {
				continue
			}
		}
		if err := os.WriteFile(name, []byte(f.Text), mode); err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "%s %s\n", in(ja, "wrote", "作成"), report.Escape(name))
	}
	fmt.Fprintf(env.stdout, "\n%s\n  yagura config check %s\n", in(ja, "next:", "次に:"), report.Escape(filepath.Join(dir, "yagura.yaml")))
	for _, f := range files {
		if f.Name == "yagura.env.example" {
			fmt.Fprintf(env.stdout, "  %s\n", in(ja, "give the variables of yagura.env.example", "yagura.env.example の環境変数を設定"))
		}
		if f.Name == "iam/README.md" {
			fmt.Fprintf(env.stdout, "  %s\n", in(ja, "put the policies of iam/ in place (iam/README.md)", "iam/ のポリシーを設定 (iam/README.md)"))
			if c.Account == "" {
				fmt.Fprintf(env.stdout, "  %s %s\n", in(ja, "no --account was given: replace", "--account の指定がありません。置き換えてください:"), app.ExampleAccount)
			}
		}
	}
	_, err := fmt.Fprintf(env.stdout, "  yagura serve --config %s\n", report.Escape(filepath.Join(dir, "yagura.yaml")))
	return err
}

// ask asks what the flags did not say.
func (c *initCmd) ask(env *environment, ja bool) error {
	r := bufio.NewReader(env.stdin)
	line := func(en, jp, def string) (string, error) {
		fmt.Fprintf(env.stdout, "%s [%s]: ", in(ja, en, jp), def)
		text, err := r.ReadString('\n')
		if err != nil {
			return "", usage("%s", in(ja, "the answers ended", "入力が終了しました"))
		}
		if text = strings.TrimSpace(text); text == "" {
			text = def
		}
		return text, nil
	}
	kinds := func(en, jp, def string, known []string) ([]string, error) {
		for {
			text, err := line(en+" ("+strings.Join(known, ", ")+")", jp+" ("+strings.Join(known, ", ")+")", def)
			if err != nil {
				return nil, err
			}
			list := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
			if bad := slices.IndexFunc(list, func(s string) bool { return !slices.Contains(known, s) }); bad >= 0 {
				fmt.Fprintf(env.stdout, "%s: %s\n", in(ja, "not known", "不明な種類です"), report.Escape(list[bad]))
				continue
			}
			return list, nil
		}
	}
	var err error
	if c.Source, err = kinds("sources", "収集元", "folder, push", []string{"sqs", "folder", "bucket", "push", "sns", "eventbridge", "falco"}); err != nil {
		return err
	}
	if c.Sink, err = kinds("sinks", "通知先", "slack", []string{"github", "pagerduty", "slack", "securityhub", "cloudwatch", "webhook", "falcosidekick"}); err != nil {
		return err
	}
	has := func(list []string, words ...string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(words, s) })
	}
	for _, x := range []struct {
		want   bool
		en, jp string
		def    string
		to     *string
	}{
		{has(c.Source, "sqs", "bucket", "sns", "eventbridge") || has(c.Sink, "securityhub", "cloudwatch"), "AWS account that Yagura runs in", "Yagura を実行する AWS アカウント", app.ExampleAccount, &c.Account},
		{has(c.Source, "sqs", "bucket", "sns", "eventbridge") || has(c.Sink, "securityhub", "cloudwatch"), "AWS region", "AWS リージョン", "us-east-1", &c.Region},
		{has(c.Source, "sqs", "bucket"), "bucket of the logs", "ログのバケット", "log-bucket", &c.Bucket},
		{has(c.Sink, "github"), "GitHub repository", "GitHub リポジトリ", "OWNER/REPOSITORY", &c.Repository},
		{has(c.Sink, "slack"), "Slack channel", "Slack チャンネル", "#security", &c.Channel},
	} {
		if x.want && *x.to == "" {
			if *x.to, err = line(x.en, x.jp, x.def); err != nil {
				return err
			}
		}
	}
	return nil
}
