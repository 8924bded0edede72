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
