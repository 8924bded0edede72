package detections_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// TestTrees: trees.zst holds every rule file as it is now, and a rule that is read from it
// is what its text says.
func TestTrees(t *testing.T) {
	files, err := detections.Files()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		data, err := detections.WriteTrees(files, sigma.Tree)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("trees.zst", data, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, f := range files {
		if !bytes.Equal(f.Tree, sigma.Tree(f.Data)) {
			t.Fatalf("%s: trees.zst is out of date: go test ./detections -run TestTrees -update", f.Path)
		}
	}
	opts := sigma.Options{Placeholders: detections.Placeholders()}
	fast, _ := sigma.Load(files, opts)
	for i := range files {
		files[i].Tree = nil
	}
	slow, _ := sigma.Load(files, opts)
	if len(fast) != len(slow) {
		t.Fatalf("%d rules of the trees, %d of the texts", len(fast), len(slow))
	}
	for i := range fast {
		a, b := *fast[i], *slow[i]
		a.When, b.When, a.Fields, b.Fields, a.SideFields, b.SideFields, a.Captures, b.Captures = nil, nil, nil, nil, nil, nil, nil, nil
		a.Correlation, b.Correlation, a.Variants, b.Variants, a.Counted, b.Counted = nil, nil, nil, nil, nil, nil
		if d := cmp.Diff(a, b); d != "" {
			t.Errorf("%s: %s", a.File, d)
		}
	}
}

// TestEmbedded: no folder of rules is left out of the binary.
func TestEmbedded(t *testing.T) {
	shipped, err := detections.Files()
	if err != nil {
		t.Fatal(err)
	}
	there, err := filepath.Glob("*/*/rule.yml")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, p := range there {
		want = append(want, "detections/"+filepath.ToSlash(p))
	}
	for _, f := range shipped {
		got = append(got, f.Path)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
