package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/notify/github"
	"github.com/yagura-sec/yagura/notify/slack"
	"github.com/yagura-sec/yagura/notify/webhook"
	"github.com/yagura-sec/yagura/triage"
)

// Checked is one thing that a check of a configuration says.
type Checked struct {
	// Fault: serve would not start with it, or would not work.
	Fault bool
	// Warning: it may not be what was meant. Neither: it was tried, and works.
	Warning bool
	// Text and Japanese say what; a fault begins with file:line:column. Japanese is "" where
	// there is English only.
	Text, Japanese string
}

// CheckOptions say what is checked.
type CheckOptions struct {
	File    string
	Environ []string
	// Resolve resolves secrets too, and tries every sink and source. Nothing is changed.
	Resolve bool
	Version string
	Now     func() time.Time
	Client  *http.Client
}

// CheckConfig says everything that is wrong with a configuration: itself, and the mapping
// files, rules, policy, registry, keys and folders that it names.
func CheckConfig(ctx context.Context, o CheckOptions) ([]Checked, error) {
	cfg, where, bad, err := config.Inspect(o.File, o.Environ)
	if err != nil {
		return nil, err
	}
	k := &check{o: o, cfg: cfg, where: where}
	for _, f := range bad {
		k.fault(f)
	}
	k.rules()
	k.policy(len(bad) == 0)
	k.files()
	k.recheck()
	if o.Resolve {
		if len(bad) > 0 {
			k.warn("", "nothing was tried: mend the configuration first", "設定に誤りがあるため、接続は試していません")
			return k.out, nil
		}
		k.resolve(ctx)
	}
	return k.out, nil
}

type check struct {
	o     CheckOptions
	cfg   *config.Config
	where func(string) string
	mu    sync.Mutex
	out   []Checked
}

func (k *check) add(c Checked) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.out, c) {
		k.out = append(k.out, c)
	}
}

func (k *check) fault(err error) { k.add(Checked{Fault: true, Text: err.Error()}) }

// at is a fault about what a key names.
func (k *check) at(path string, err error) {
	// An error about a file says its name; what it was done with does not help.
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	k.fault(&config.Fault{Where: k.where(path), Reason: path + ": " + err.Error()})
}

func (k *check) warn(path, text, japanese string) {
	if path != "" {
		place := k.where(path)
		text, japanese = place+": "+path+": "+text, place+": "+path+": "+japanese
	}
	k.add(Checked{Warning: true, Text: text, Japanese: japanese})
}

func (k *check) ok(text, japanese string) { k.add(Checked{Text: text, Japanese: japanese}) }

// rules reads mapping files and rules.
func (k *check) rules() {
	c := k.cfg
	good := true
	for i, name := range c.Mappings {
		if _, err := LoadMappings([]string{name}); err != nil {
			k.named(fmt.Sprintf("mappings[%d]", i), err)
			good = false
		}
	}
	var formats []*decode.Format
	if good {
		var err error
		if formats, err = LoadMappings(c.Mappings); err != nil {
			k.named("mappings", err)
		}
	}
	placeholders, err := Placeholders(c)
	if err != nil { // the registry is looked at by itself
		placeholders = c.Placeholders
	}
	rules, err := LoadRules(RuleOptions{Paths: c.Rules, Overlays: c.Overlays, Pipelines: c.Pipelines, Formats: formats, Placeholders: placeholders,
		NoRouting: c.Routing != nil && !*c.Routing, FalcoConfig: c.FalcoConfig, Data: c.Data})
	if err != nil {
		k.named(k.ruleKey(err), err)
		return
	}
	for i := range rules.Refusals {
		r := &rules.Refusals[i]
		k.add(Checked{Fault: !r.Warning, Warning: r.Warning, Text: r.Error()})
	}
	if len(rules.Rules) == 0 && !rules.runs() {
		k.at("rules", errors.New("no rule could be loaded"))
		return
	}
	k.ok(fmt.Sprintf("%d rules", len(rules.All())), fmt.Sprintf("ルール %d 件", len(rules.All())))
}

// ruleKey finds the key that named what could not be read.
func (k *check) ruleKey(err error) string {
	c := k.cfg
	for _, l := range []struct {
		key  string
		list []string
	}{{"rules", c.Rules}, {"overlays", c.Overlays}, {"pipelines", c.Pipelines}} {
		for i, name := range l.list {
			if strings.Contains(err.Error(), name) {
				return fmt.Sprintf("%s[%d]", l.key, i)
			}
		}
	}
	if c.FalcoConfig != "" && strings.Contains(err.Error(), c.FalcoConfig) {
		return "falco_config"
	}
	return "rules"
}

// named is a fault in a file that a key names: one that has no place of its own is that of
// the key.
func (k *check) named(path string, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if m := lineOnly.FindStringSubmatch(line); m != nil {
			line = m[1] + ":" + m[2] + ":1: " + m[3]
		}
		if placed(line) {
			k.add(Checked{Fault: true, Text: line})
		} else {
			k.fault(&config.Fault{Where: k.where(path), Reason: path + ": " + line})
		}
	}
}

// lineOnly is how a YAML parser says where it stopped.
var lineOnly = regexp.MustCompile(`^(.+): line ([0-9]+): (.*)$`)

// placed reports whether a line begins with file:line:column.
func placed(line string) bool {
	parts := strings.SplitN(line, ":", 4)
	return len(parts) == 4 && number(parts[1]) && number(parts[2])
}

func number(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// policy reads the policy and the registry, and what in them cannot be meant for these
// sinks and accounts.
func (k *check) policy(sinks bool) {
	c := k.cfg
	accounts := triage.NewAccounts(ConfiguredAccounts(c))
	if c.Registry != "" {
		data, err := os.ReadFile(c.Registry)
		if err != nil {
			k.at("registry", err)
		} else {
			read, problems := triage.ParseAccounts(c.Registry, data)
			k.problems(problems)
			if read != nil {
				accounts = read.Merge(ConfiguredAccounts(c))
			}
		}
	}
	p := triage.DefaultPolicy().For(SinkNames(c))
	if c.Policy != "" {
		data, err := os.ReadFile(c.Policy)
		if err != nil {
			k.at("policy", err)
			return
		}
		var problems []triage.Problem
		if p, problems = triage.ParsePolicy(c.Policy, data, triage.PolicyOptions{Now: k.o.Now(), Sinks: SinkNames(c)}); p == nil {
			k.problems(problems)
			return
		}
		k.problems(problems)
	}
	if !sinks || len(c.Sources) == 0 && len(c.Sinks) == 0 {
		return // who is told is of no interest to a scan
	}
	o := triage.CheckOptions{Now: k.o.Now(), Sinks: SinkNames(c), Unusual: NoBaselines(c)}
	if o.Sinks == nil {
		o.Sinks = []triage.SinkName{}
	}
	if !accounts.Empty() && !c.Organizations.Enabled {
		o.Accounts = accounts
	}
	k.problems(p.Check(o))
}

func (k *check) problems(list []triage.Problem) {
	for i := range list {
		k.add(Checked{Fault: !list[i].Warning, Warning: list[i].Warning, Text: list[i].Error()})
	}
}

// files looks at the files and folders that serve needs.
func (k *check) files() {
	c := k.cfg
	serves := len(c.Sources) > 0 || len(c.Sinks) > 0 || c.Server.Listen != ""
	switch {
	case c.Data != "":
		k.data()
	case serves:
		k.fault(&config.Fault{Where: k.where("data"), Reason: "data: serve needs a folder for what must survive", Hint: "data: /var/lib/yagura"})
	}
	if serves && len(c.Sources) == 0 {
		k.warn("sources", "there are none: nothing will come in", "収集元がありません。何も受信しません")
	}
	if c.Lake.Originals && len(c.Sources) > 0 && !slices.ContainsFunc(c.Sources, func(s config.Source) bool { return s.Push == nil && s.Falco == nil }) {
		k.warn("lake.originals", "no source brings files or objects of a bucket: of what is pushed no copy is kept beside its records", "ファイルやバケットのオブジェクトを取り込む収集元がありません。プッシュされたものは、レコードのほかに写しを保存しません")
	}
	if c.Server.TLSCert != "" && c.Server.TLSKey != "" {
		if _, err := tls.LoadX509KeyPair(c.Server.TLSCert, c.Server.TLSKey); err != nil {
			k.at("server.tls_cert", err)
		}
	}
	for i := range c.Sources {
		f := c.Sources[i].Folder
		if f == nil {
			continue
		}
		path := fmt.Sprintf("sources[%d].folder", i)
		for j, name := range f.Paths {
			if err := readable(name); err != nil {
				k.at(fmt.Sprintf("%s.paths[%d]", path, j), err)
			}
		}
		if to, ok := strings.CutPrefix(f.After, "move:"); ok && to != "" {
			if info, err := os.Stat(to); err != nil {
				k.at(path+".after", err)
			} else if !info.IsDir() {
				k.at(path+".after", fmt.Errorf("%s is no folder", to))
			}
		}
	}
	for i := range c.Sinks {
		path := fmt.Sprintf("sinks[%d]", i)
		files := map[string]string{}
		if w := c.Sinks[i].Webhook; w != nil {
			files[".webhook.ca_cert"], files[".webhook.client_cert"], files[".webhook.client_key"] = w.CACert, w.ClientCert, w.ClientKey
		}
		if err := k.template(&c.Sinks[i]); errors.Is(err, fs.ErrNotExist) {
			k.at(path+".template", err)
		} else if err != nil {
			k.named(path+".template", err)
		}
		for _, key := range []string{".webhook.ca_cert", ".webhook.client_cert", ".webhook.client_key"} {
			if name := files[key]; name != "" {
				if err := readable(name); err != nil {
					k.at(path+key, err)
				}
			}
		}
	}
}

// template tries the templates of a sink on a sample of every kind of notice.
func (k *check) template(s *config.Sink) error {
	switch l := lang(s.Lang); {
	case s.Template == "":
		return nil
	case s.GitHub != nil:
		return github.CheckTemplate(l, s.Template)
	case s.Slack != nil:
		return slack.CheckTemplate(l, s.Template)
	case s.Webhook != nil:
		return webhook.CheckTemplate(l, s.Template, s.Webhook.ContentType)
	}
	return nil // the kind reads none, which is said
}

// readable opens a file or folder and closes it.
func readable(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// data looks at the folder of what must survive, or at the one that it would be made in.
func (k *check) data() {
	dir, err := filepath.Abs(k.cfg.Data)
	if err != nil {
		k.at("data", err)
		return
	}
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			k.at("data", fmt.Errorf("%s is no folder", dir))
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			dir = filepath.Dir(dir)
			continue
		case err != nil:
			k.at("data", err)
		case !mayWrite(dir):
			k.warn("data", dir+" may not be written by this user", dir+" に書き込めません (現在のユーザー)")
		}
		return
	}
}
