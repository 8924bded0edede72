package sentinel_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

// TestGivenRules reads rules as they are published. They lie outside the project; without
// them the test is skipped.
func TestGivenRules(t *testing.T) {
	root := "../../../shared/data/rules/sentinel"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no ../shared/data/rules/sentinel beside the project")
	}
	var files []rule.File
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".json"}, filepath.Ext(name)) {
			return err
		}
		data, err := os.ReadFile(name)
		files = append(files, rule.File{Path: name, Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rules, refusals := sentinel.Load(files, sentinel.Options{})
	scheduled, hunts := 0, 0
	for _, r := range rules {
		switch {
		case r.Schedule == nil:
			hunts++
		default:
			scheduled++
		}
		for _, tag := range r.Tags {
			if strings.Contains(tag, " ") && strings.HasPrefix(tag, "attack.") {
				t.Errorf("%s: tag %q", r.File, tag)
			}
		}
	}
	for i := range refusals {
		t.Log(&refusals[i])
	}
	t.Logf("%d files: %d scheduled, %d hunting queries, %d refusals", len(files), scheduled, hunts, len(refusals))
	if len(rules) < len(files)-2 {
		t.Errorf("%d rules of %d files", len(rules), len(files))
	}
}
