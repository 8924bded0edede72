package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
)

const page = "../docs/configuration.md"

// TestDocsExample loads the file that the page about the configuration shows.
func TestDocsExample(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)## A whole file\n\n```yaml\n(.*?)```").FindSubmatch(text)
	if example == nil {
		t.Fatal("the page has no example")
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("secrets", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"yagura.yaml": example[1], filepath.Join("secrets", "s3"): []byte("hunter2\n")} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load("yagura.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.S3.SecretAccessKey.Reveal() != "hunter2" || c.Output.FailOn != yagura.SeverityHigh || c.Accounts["111122223333"].Name != "production" ||
		len(c.Placeholders["admins"]) != 2 || c.Rules[0] != "shipped" || c.Overlays == nil || c.Mappings == nil {
		t.Errorf("%+v", c)
	}
}

// TestDocsServe loads the server's file that the page shows.
func TestDocsServe(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)## A server's file\n\n```yaml\n(.*?)```").FindSubmatch(text)
	if example == nil {
		t.Fatal("the page has no example of a server")
	}
	c, err := load(t, string(example[1]))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sources) != 4 || len(c.Sinks) != 4 || c.Sinks[2].Slack.Channels["high"] == "" || c.Organizations.ExternalID.Reveal() != "ref+env://ORG_EXTERNAL_ID" {
		t.Errorf("%+v", c)
	}
}

// TestDocsPages: what other pages show of the configuration is accepted.
func TestDocsPages(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, p := range pages {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		texts[p] = string(data)
	}
	shown := 0
	for p, text := range texts {
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`(?m)^(sources|sinks|organizations|server|console):`).MatchString(block[1]) {
				continue
			}
			shown++
			served := block[1]
			if !strings.Contains(served, "\nserver:") && !strings.HasPrefix(served, "server:") {
				served += "\nserver: {listen: \":8443\"}\n"
			}
			if _, err := load(t, served); err != nil {
				t.Errorf("%s: %v\n%s", p, err, block[1])
			}
		}
	}
	if shown < 5 {
		t.Errorf("only %d pages show something", shown)
	}
}

// TestDocsKinds: the page names every key of every kind of source, sink and identity provider,
// and no other.
func TestDocsKinds(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	add := func(kind string, typ reflect.Type) {
		for _, key := range keys(typ) {
			known[kind+" "+key] = true
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[Source](), reflect.TypeFor[Sink]()} {
		for i, kind := range keys(typ) {
			if f := typ.Field(i).Type; f.Kind() == reflect.Pointer {
				add(kind, f.Elem())
			}
		}
	}
	add("aws", reflect.TypeFor[AWS]())
	add("oidc", reflect.TypeFor[OIDC]())
	add("saml", reflect.TypeFor[SAML]())
	add("role", reflect.TypeFor[RoleMapping]())
	for _, row := range regexp.MustCompile("(?m)^\\| \\[?([a-z0-9]+)(?:\\]\\([a-z.-]+\\))? \\| `([a-z0-9_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		name := row[1] + " " + row[2]
		if !known[name] {
			t.Errorf("the page has a key %s that there is not, or has it twice", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("the page lacks the key %s", name)
	}
}

// TestDocsKeys: the page names every key and every variable, and no other.
func TestDocsKeys(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		for i, key := range keys(typ) {
			if f := typ.Field(i).Type; f.Kind() == reflect.Struct {
				walk(f, join(path, key))
			} else {
				known[join(path, key)] = true
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
	for _, name := range Variables() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the page lacks %s", name)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_.]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		if !known[row[1]] {
			t.Errorf("the page has a key %s that there is not", row[1])
		}
		delete(known, row[1])
	}
	for key := range known {
		t.Errorf("the page lacks the key %s", key)
	}
}
