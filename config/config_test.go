package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

func load(t *testing.T, text string, environ ...string) (*Config, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("y.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load("y.yaml", environ)
}

func TestLoad(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := load(t, `
rules: [a, b]
routing: false
placeholders: {admins: [alice, bob], one: carol}
accounts:
  "111122223333": {name: prod, owner: platform, tags: [x]}
output: {format: jsonl, fail_on: high, min_severity: 低}
s3:
  access_key_id: id
  secret_access_key_file: `+secret+`
workers: 3
`, "PATH=/bin", "YAGURA_WORKERS=5", "YAGURA_PIPELINES=p, q", "YAGURA_OUTPUT_LANG=ja", "YAGURA_CONFIG=ignored")
	if err != nil {
		t.Fatal(err)
	}
	no := false
	want := &Config{Rules: []string{"a", "b"}, Routing: &no, Workers: 5, Pipelines: []string{"p", "q"},
		Placeholders: map[string][]string{"admins": {"alice", "bob"}, "one": {"carol"}},
		Accounts:     map[string]Account{"111122223333": {Name: "prod", Owner: "platform", Tags: []string{"x"}}},
		Output:       Output{Format: "jsonl", Lang: "ja", FailOn: yagura.SeverityHigh, MinSeverity: yagura.SeverityLow},
		S3:           S3{AccessKeyID: "id", SecretAccessKey: "from a file"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNothing(t *testing.T) {
	got, err := Load("", nil)
	if d := cmp.Diff(&Config{}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if got, err := load(t, "# only a comment\n"); err != nil || cmp.Diff(&Config{}, got) != "" {
		t.Error(got, err)
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		environ []string
		want    []string
	}{
		"unknown key": {text: "rulez: [a]\n", want: []string{`y.yaml:1:1: unknown key "rulez" (hint: did you mean rules?)`}},
		"nothing near": {text: "id: 3\n", want: []string{
			`y.yaml:1:1: unknown key "id" (hint: known here: ` + strings.Join(keys(reflect.TypeFor[Config]()), ", ") + `)`}},
		"unknown inner key": {text: "output:\n  colour: red\n",
			want: []string{`y.yaml:2:3: unknown key "output.colour" (hint: known here: format, lang, explain, fail_on, min_severity)`}},
		"all at once": {text: "workers: many\noutput: {fail_on: bad}\nstrict: maybe\n", want: []string{
			`y.yaml:1:10: workers: "many" is not a whole number`,
			`y.yaml:2:19: output.fail_on: severity "bad": want critical, high, medium, low or none`,
			`y.yaml:3:9: strict: "maybe" is not true or false`}},
		"twice":         {text: "strict: true\nstrict: false\n", want: []string{`y.yaml:2:1: key "strict" is there twice (hint: keep one)`}},
		"wrong kind":    {text: "workers: [1]\n", want: []string{`y.yaml:1:10: workers is a list here (hint: want a whole number)`}},
		"a list":        {text: "- a\n", want: []string{`y.yaml:1:1: the file is a list here (hint: want key: value pairs)`}},
		"syntax":        {text: "a: [\n", want: []string{`y.yaml:1:1: did not find expected node content`}},
		"documents":     {text: "strict: true\n---\nworkers: 1\n", want: []string{`y.yaml:2:1: there is a second document (hint: keep one)`}},
		"alias":         {text: "rules: &r [a]\npipelines: *r\n", want: []string{`y.yaml:2:12: aliases are not read here (hint: write the value out)`}},
		"format":        {text: "output: {format: xml}\n", want: []string{`y.yaml:1:18: output.format is "xml" (hint: write one of table, jsonl, ocsf, sarif)`}},
		"half":          {text: "s3: {access_key_id: x}\n", want: []string{`y.yaml:1:21: s3.access_key_id is half a credential (hint: give secret_access_key_file too)`}},
		"empty half":    {text: "s3: {access_key_id: x, secret_access_key: ''}\n", want: []string{`y.yaml:1:21: s3.access_key_id is half a credential (hint: give secret_access_key_file too)`}},
		"other half":    {environ: []string{"YAGURA_S3_SECRET_ACCESS_KEY=hunter2"}, want: []string{`YAGURA_S3_SECRET_ACCESS_KEY: s3.secret_access_key is half a credential (hint: give access_key_id too)`}},
		"bounds":        {text: "workers: 2000\nrepeat_window: -1\n", want: []string{`y.yaml:1:10: workers is 2000 (hint: write 0 (one per processor) to 1024)`, `y.yaml:2:16: repeat_window is -1 (hint: write 0 (as many as can be) to 10000000)`}},
		"environ bound": {text: "workers: 2\n", environ: []string{"YAGURA_WORKERS=-2"}, want: []string{`YAGURA_WORKERS: workers is -2 (hint: write 0 (one per processor) to 1024)`}},
		"no severity":   {text: "output:\n  fail_on:\n", want: []string{`y.yaml:2:11: output.fail_on is empty (hint: want critical, high, medium, low or none, or leave it out)`}},
		"no member":     {text: "rules: [~]\n", want: []string{`y.yaml:1:9: rules[0] is empty (hint: want text, or leave it out)`}},
		"secret list":   {text: "s3: {access_key_id: x, secret_access_key_file: [a]}\n", want: []string{`y.yaml:1:48: s3.secret_access_key_file names no file (hint: want the name of a file that holds the secret and nothing else)`}},
		"secret file": {text: "s3: {access_key_id: x, secret_access_key_file: gone}\n", want: []string{
			`y.yaml:1:48: s3.secret_access_key_file: gone: no such file or directory`}},
		"environ": {environ: []string{"YAGURA_WORKERS=x", "YAGURA_RULE=a", "YAGURA_XYZZY=1"}, want: []string{
			`YAGURA_WORKERS: "x" is not a whole number`,
			`YAGURA_RULE: unknown environment variable (hint: did you mean YAGURA_RULES?)`,
			`YAGURA_XYZZY: unknown environment variable (hint: see yagura scan --help for the variables that are read)`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.text, c.environ...)
			if err == nil {
				t.Fatal("accepted")
			}
			if d := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); d != "" {
				t.Error(d)
			}
			if f := (*Fault)(nil); !errors.As(err, &f) {
				t.Errorf("%T is no fault", err)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "gone"), nil); err == nil || !strings.HasSuffix(err.Error(), ": no such file or directory") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestVariables(t *testing.T) {
	got := Variables()
	for _, want := range []string{"YAGURA_RULES", "YAGURA_S3_SECRET_ACCESS_KEY_FILE", "YAGURA_OUTPUT_FAIL_ON"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in %q", want, got)
		}
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	s := struct{ Key Secret }{"hunter2"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", s.Key, "whole", s)
	j, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %s %q", s, s, s.Key, s.Key), string(j), log.String()} {
		if strings.Contains(shown, "hunter2") || !strings.Contains(shown, "***") {
			t.Errorf("shown as %s", shown)
		}
	}
	if s.Key.Reveal() != "hunter2" || Secret("").String() != "" {
		t.Error("the secret itself is lost")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("rules: [a]\noutput: {format: jsonl}\n")
	f.Add("a: &a [*a]\n")
	f.Add("placeholders: {x: [y]}\naccounts: {1: {name: z}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		var c Config
		for _, bad := range decodeFile("f", []byte(text), &c, places{}) {
			if bad.Where == "" || bad.Reason == "" {
				t.Errorf("a fault without place or reason: %+v", bad)
			}
		}
	})
}
