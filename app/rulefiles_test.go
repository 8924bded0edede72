package app

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/detections"
)

// TestRuleFolders loads folders with links into and around them.
func TestRuleFolders(t *testing.T) {
	dir := t.TempDir()
	rule := func(name string) string {
		return "title: " + name + "\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName: x}, condition: s}\n"
	}
	for name, text := range map[string]string{
		"rules/a.yml": rule("a"), "rules/sub/b.yaml": rule("b"), "elsewhere/c.yml": rule("c"), "elsewhere/deep/d.YML": rule("d"), "rules/.git/e.yml": rule("e"),
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"rules/linked": "../elsewhere", "rules/loop": "..", "rules/sub/again.yml": "../a.yml", "rules/gone.yml": "nowhere", "elsewhere/back": "../rules",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	load := func(paths ...string) (titles, said []string) {
		t.Helper()
		for i := range paths {
			paths[i] = filepath.Join(dir, paths[i])
		}
		got, err := LoadRules(RuleOptions{Paths: paths})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Rules {
			titles = append(titles, r.Title)
		}
		for _, x := range got.Refusals {
			said = append(said, filepath.Base(x.File)+": "+x.Reason)
		}
		slices.Sort(titles)
		return titles, said
	}
	for _, paths := range [][]string{{"rules"}, {"rules", "rules/a.yml"}, {"elsewhere", "rules"}, {"rules/a.yml", "rules/sub/again.yml", "rules"}} {
		titles, said := load(slices.Clone(paths)...)
		if diff := cmp.Diff([]string{"a", "b", "c", "d"}, titles); diff != "" {
			t.Errorf("%v: %s", paths, diff)
		}
		if diff := cmp.Diff([]string{"gone.yml: no such file or directory"}, said); diff != "" {
			t.Errorf("%v: %s", paths, diff)
		}
	}
}

// TestRuleTooLarge refuses a file in a folder alone, and says its name once.
func TestRuleTooLarge(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yml")
	f, err := os.Create(large)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(maxRuleFile+1), f.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := LoadRules(RuleOptions{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for i := range got.Refusals {
		said = append(said, got.Refusals[i].Error())
	}
	if diff := cmp.Diff([]string{large + ": 16777217 bytes are more than the limit of 16777216 for a rule file"}, said); diff != "" {
		t.Error(diff)
	}
}

// TestRunbook: an issue carries what the rule says a person should do, in both languages.
func TestRunbook(t *testing.T) {
	rules, err := LoadRules(RuleOptions{Placeholders: detections.Placeholders()})
	if err != nil {
		t.Fatal(err)
	}
	found := rules.Lookup("Network changed outside the pipeline")
	if len(found) != 1 {
		t.Fatalf("%d rules", len(found))
	}
	r := found[0]
	book := rules.Runbook(yagura.RuleRef{ID: r.ID, Title: r.Title, File: r.File})
	if check, do := book.In(false); len(check) == 0 || len(do) == 0 {
		t.Errorf("%+v", book)
	}
	if check, _ := book.In(true); len(check) == 0 || check[0] == book.Check[0] {
		t.Errorf("%+v", book)
	}
	if b := rules.Runbook(yagura.RuleRef{ID: "nobody"}); b != nil {
		t.Errorf("%+v", b)
	}
}
