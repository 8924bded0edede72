package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func checkText(t *testing.T, o CheckOptions) string {
	t.Helper()
	o.Now = time.Now
	list, err := CheckConfig(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range list {
		switch {
		case c.Fault:
			b.WriteString("error: ")
		case c.Warning:
			b.WriteString("warning: ")
		default:
			b.WriteString("ok: ")
		}
		b.WriteString(c.Text + "\n")
	}
	return b.String()
}

// TestInitIsAccepted: whatever init writes, config check finds nothing wrong with it, and
// it holds no secret.
func TestInitIsAccepted(t *testing.T) {
	all := InitOptions{Sources: []string{"sqs", "folder", "bucket", "push", "sns", "eventbridge", "falco"},
		Sinks: []string{"github", "pagerduty", "slack", "securityhub", "cloudwatch", "webhook", "falcosidekick"}}
	var cases []InitOptions
	for _, ja := range []bool{false, true} {
		o := all
		o.Japanese = ja
		cases = append(cases, o, InitOptions{Japanese: ja})
		for _, via := range []string{"s3", "sns", "eventbridge"} {
			o.Via, o.Role, o.Organisation, o.OrganisationRole = via, "arn:aws:iam::444455556666:role/yagura-read", true, "arn:aws:iam::444455556666:role/yagura-accounts"
			cases = append(cases, o)
		}
	}
	for _, kind := range all.Sources {
		cases = append(cases, InitOptions{Sources: []string{kind}})
	}
	for _, kind := range all.Sinks {
		cases = append(cases, InitOptions{Sinks: []string{kind}})
	}
	const secret = "0123456789abcdef0123456789abcdef"
	for _, o := range cases {
		o.Dir = t.TempDir()
		files, err := Init(o, func(string) (string, error) { return secret, nil })
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"data", "drop"} {
			if err := os.Mkdir(filepath.Join(o.Dir, dir), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range files {
			name := filepath.Join(o.Dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(f.Text), 0o600); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(f.Text, secret) && !f.Secret && !strings.HasSuffix(f.Name, "-trust.json") {
				t.Errorf("%s holds a secret", f.Name)
			}
		}
		if said := checkText(t, CheckOptions{File: filepath.Join(o.Dir, "yagura.yaml")}); strings.Contains(said, "error: ") || !strings.Contains(said, " rules\n") {
			t.Errorf("%v %v: %s", o.Sources, o.Sinks, said)
		}
	}
}

func TestCheckConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"y.yaml": `data: d
policy: p.yaml
registry: accounts.yaml
mappings: [m.yml, gone.yml]
rules: [shipped, rules]
server: {listen: ":1", tls_cert: gone.crt, tls_key: gone.key}
sources:
  - name: f
    folder: {paths: [drop, gone], after: "move:away"}
sinks:
  - name: h
    template: gone.tmpl
    webhook: {url: "https://example.com/", ca_cert: gone.ca}
`,
		"p.yaml":           "version: 1\nroutes: {critical: [h], high: [webhook], medium: [], low: []}\nclauses:\n  - name: x\n    when: \"true\"\n    route: {add: [nowhere]}\n",
		"accounts.yaml":    "accounts:\n  \"12345678901\": {name: x}\n",
		"m.yml":            "a: [\n",
		"rules/broken.yml": "title: x\ndetection: {sel: {a: 1}, condition: sel}\n",
		"drop/x":           "",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := checkText(t, CheckOptions{File: "y.yaml"})
	for _, want := range []string{
		"error: m.yml:1:1: ",
		"error: y.yaml:4:19: mappings[1]: gone.yml: no such file or directory\n",
		"error: rules/broken.yml:1:1: ",
		"error: accounts.yaml:2:3: ",
		"warning: p.yaml:6:19: clause \"x\": route: there is no sink \"nowhere\"",
		"error: y.yaml:6:34: server.tls_cert: gone.crt: no such file or directory\n",
		"error: y.yaml:9:28: sources[0].folder.paths[1]: gone: no such file or directory\n",
		"error: y.yaml:9:42: sources[0].folder.after: away: no such file or directory\n",
		"error: y.yaml:12:15: sinks[0].template: gone.tmpl: no such file or directory\n",
		"error: y.yaml:13:53: sinks[0].webhook.ca_cert: gone.ca: no such file or directory\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
}

// TestCheckResolve: secrets, sinks and sources are tried, and nothing is changed.
func TestCheckResolve(t *testing.T) {
	s := newStand(t)
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("GH", "ghp_secret0123456789")
	t.Setenv("BAD", "ghp_wrong0123456789x")
	write := func(token string) {
		text := "data: d\nserver: {listen: \"127.0.0.1:1\"}\nsources:\n  - name: in\n    push: {path: /in, tokens: [\"ref+env://GH\"]}\nsinks:\n  - name: gh\n    github:\n" +
			"      repository: acme/security\n      url: " + s.gh.URL + "\n      token: " + token + "\n"
		if err := os.WriteFile("y.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ref+env://GH")
	said := checkText(t, CheckOptions{File: "y.yaml", Resolve: true})
	if strings.Contains(said, "error: ") || !strings.Contains(said, "ok: sink gh: credentials and permissions are good\n") || !strings.Contains(said, "ok: store: serve will make it\n") {
		t.Error(said)
	}
	write("ref+env://BAD")
	if said = checkText(t, CheckOptions{File: "y.yaml", Resolve: true}); !strings.Contains(said, "error: y.yaml:9:7: sinks[0].github: ") || strings.Contains(said, "ghp_wrong") {
		t.Error(said)
	}
	write("ref+env://NOT_THERE")
	if said = checkText(t, CheckOptions{File: "y.yaml", Resolve: true}); !strings.Contains(said, "error: y.yaml:11:14: sinks[0].github.token: ") || !strings.Contains(said, "not tried") {
		t.Error(said)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("something was written: %v, %v", entries, err)
	}
	if got := s.gh.Issues("acme/security"); len(got) != 0 {
		t.Errorf("somebody was told: %+v", got)
	}
}
