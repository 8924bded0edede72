package app

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/config"
)

// TestPlaceholdersOfRegistry: what the registry says of pipelines wakes the rules about
// changes outside them, and what the configuration says goes before it.
func TestPlaceholdersOfRegistry(t *testing.T) {
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	text := `accounts:
  "111122223333": {cloud: aws, pipelines: ["arn:aws:iam::111122223333:role/deploy"]}
  "444455556666": {cloud: aws}
patterns:
  - {match: "shop-*", pipelines: [deploy@shop.iam.gserviceaccount.com]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	waiting := func(cfg *config.Config) (titles []string) {
		values, err := Placeholders(cfg)
		if err != nil {
			t.Fatal(err)
		}
		rules, err := LoadRules(RuleOptions{Placeholders: values})
		if err != nil || rules.Refused() > 0 {
			t.Fatal(err, rules.Refusals)
		}
		for _, r := range rules.Disabled {
			titles = append(titles, r.Waits...)
		}
		slices.Sort(titles)
		return slices.Compact(titles)
	}
	if d := cmp.Diff([]string{"allowed_networks", "pipeline_accounts", "pipeline_identities"}, waiting(&config.Config{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"allowed_networks"}, waiting(&config.Config{Registry: file})); d != "" {
		t.Error(d)
	}
	got, err := Placeholders(&config.Config{Registry: file, Placeholders: map[string][]string{"pipeline_accounts": {"1"}}})
	want := map[string][]string{"pipeline_accounts": {"1"},
		"pipeline_identities": {"arn:aws:iam::111122223333:role/deploy", "deploy@shop.iam.gserviceaccount.com"}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Error(err, d)
	}
}
