package triage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

func TestAccounts(t *testing.T) {
	a, problems := ParseAccounts("accounts.yaml", []byte(`
organisation: Example
accounts:
  "012345678901": {name: shop, cloud: aws, owner: platform, environment: prod, tags: [pci], channel: "#sec-prod", repository: example/infra}
  444455556666:
  my-project: {cloud: gcp, organisation: Other}
patterns:
  - {match: "prod-*", environment: prod, listed: true}
  - {match: "*-sandbox", environment: dev, owner: research}
  - {match: "4444*", owner: by pattern}
`))
	if len(problems) > 0 {
		t.Fatal(said(problems))
	}
	a = a.Merge([]yagura.AccountInfo{
		{ID: "012345678901", Name: "Shop at AWS", Owner: "", Channel: "x"},
		{ID: "444455556666", Name: "Logs", Environment: "prod"},
		{ID: "777788889999", Name: "New"}, {Name: "no id"}})
	for id, want := range map[string]yagura.AccountInfo{
		"012345678901": {ID: "012345678901", Name: "shop", Cloud: "aws", Organisation: "Example", Owner: "platform", Environment: "prod",
			Tags: []string{"pci"}, Channel: "#sec-prod", Repository: "example/infra", Listed: true},
		"444455556666": {ID: "444455556666", Name: "Logs", Organisation: "Example", Owner: "by pattern", Environment: "prod", Listed: true},
		"777788889999": {ID: "777788889999", Name: "New", Listed: true},
		"my-project":   {ID: "my-project", Cloud: "gcp", Organisation: "Other", Listed: true},
		"prod-eu":      {ID: "prod-eu", Organisation: "Example", Environment: "prod", Listed: true},
		"a-sandbox":    {ID: "a-sandbox", Organisation: "Example", Owner: "research", Environment: "dev"},
		"12345678901":  {ID: "12345678901"}, // without its zero it is another
		"":             {},
	} {
		if d := cmp.Diff(want, a.Lookup(id)); d != "" {
			t.Errorf("%s: %s", id, d)
		}
	}
	if l := a.List(); len(l) != 4 || l[0].ID != "012345678901" {
		t.Errorf("listed: %+v", l)
	}
	if got := (*Accounts)(nil).Lookup("x"); got.ID != "x" || got.Listed {
		t.Errorf("without a registry: %+v", got)
	}
}

func TestAccountsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"acounts: {}": `a:1:1: the registry has no key "acounts" (hint: did you mean accounts?)`,
		"accounts:\n  a: {owner: x}\n  a: {owner: y}":          `a:3:3: a is there twice (hint: keep one)`,
		"accounts:\n  a: {ownr: x}":                            `a:2:7: account a has no key "ownr" (hint: did you mean owner?)`,
		"accounts:\n  12345678901: {}":                         `a:2:3: account 12345678901 has 11 digits: a zero is missing at its front (hint: write "012345678901", in quotes)`,
		"accounts:\n  abc: {cloud: aws}":                       `a:2:3: account "abc" is not an AWS account: want 12 digits`,
		"accounts:\n  prod-*: {}":                              `a:2:3: account "prod-*" is a pattern (hint: patterns have a list of their own: patterns: [{match: prod-*, environment: prod}])`,
		"accounts:\n  a: {repository: https://github.com/a/b}": `a:2:19: repository is "https://github.com/a/b" (hint: write owner/name)`,
		"accounts:\n  a: {owner: }":                            `a:2:14: owner is empty (hint: write text, or leave the key out)`,
		"accounts:\n  a: {tags: [x, x]}":                       `a:2:17: tags names "x" twice (hint: keep one)`,
		"patterns: [{environment: prod}]":                      `a:1:12: the pattern does not say what it matches (hint: write match: prod-*)`,
		"patterns: [{match: a*}, {match: a*}]":                 `a:1:33: pattern "a*" is there twice (hint: keep one)`,
		"accounts: [a]":                                        `a:1:11: accounts is a list (hint: write key: value pairs)`,
	} {
		a, problems := ParseAccounts("a", []byte(text))
		if got := strings.Join(said(problems), "\n"); a != nil || got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	if a, problems := ParseAccounts("a", nil); a == nil || len(problems) > 0 {
		t.Errorf("an empty registry: %v", problems)
	}
}
