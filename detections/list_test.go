package detections_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/rule"
)

var update = flag.Bool("update", false, "write the list of shipped detections into docs/detections.md")

var vendors = []struct{ folder, name string }{
	{"aws", "AWS"}, {"entra", "Microsoft Entra ID"}, {"azure", "Azure (Activity log)"},
	{"m365", "Microsoft 365 (unified audit log)"}, {"gcp", "Google Cloud"}, {"workspace", "Google Workspace"},
	{"kubernetes", "Kubernetes"}, {"github", "GitHub"}, {"okta", "Okta"}, {"slack", "Slack"},
	{"onelogin", "OneLogin"}, {"duo", "Duo"}, {"bitbucket", "Bitbucket"}, {"cross", "More than one cloud"},
}

// list writes the shipped detections as tables.
func list(rules []*rule.Rule) string {
	title := map[string]string{}
	for _, r := range rules {
		title[r.ID] = r.Title
	}
	var b strings.Builder
	counted := 0
	for _, r := range rules {
		if r.SideCar.Mode == rule.ModeCount {
			counted++
		}
	}
	fmt.Fprintf(&b, "%d rules, of which %d only end what others opened. ATT&CK: `yagura rule coverage`.\n", len(rules), counted)
	for _, v := range vendors {
		fmt.Fprintf(&b, "\n### %s\n\n| detection | 日本語 | severity | kind | ATT&CK | ended by |\n|---|---|---|---|---|---|\n", v.name)
		for _, r := range rules {
			folder, name := detections.Folder(r.File)
			if folder != v.folder {
				continue
			}
			var techniques []string
			for _, tag := range r.Tags {
				if technique.MatchString(tag) {
					techniques = append(techniques, strings.ToUpper(strings.TrimPrefix(tag, "attack.")))
				}
			}
			kind := string(r.SideCar.Kind)
			if r.SideCar.Mode == rule.ModeCount {
				kind += ", counted"
			}
			fmt.Fprintf(&b, "| [%s](../detections/%s/%s/rule.yml) | %s | %s | %s | %s | %s |\n", r.Title, folder, name,
				r.Japanese.Title, r.EffectiveSeverity(), kind, strings.Join(techniques, ", "), title[r.SideCar.ResolvedBy])
		}
	}
	return b.String()
}

// TestList keeps the list of docs/detections.md up to date.
func TestList(t *testing.T) {
	const file, from, to = "../docs/detections.md", "<!-- list -->\n", "<!-- /list -->"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), from)
	old, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("%s: no place for the list", file)
	}
	rules := loud(shipped(t))
	for _, r := range rules {
		folder, _ := detections.Folder(r.File)
		if !slices.ContainsFunc(vendors, func(v struct{ folder, name string }) bool { return v.folder == folder }) {
			t.Errorf("%s: vendor %q has no heading", r.File, folder)
		}
	}
	want := list(rules)
	if *update {
		if err := os.WriteFile(file, []byte(head+from+want+to+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != want {
		t.Errorf("%s is out of date: go test ./detections -run TestList -update", file)
	}
}
