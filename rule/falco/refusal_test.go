package falco

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/rule"
)

var record = flag.Bool("update", false, "write what is said about testdata/bad into its .want files")

// TestRefusals loads one faulty file after the other and compares what is said, and
// which rules of the file are loaded all the same.
func TestRefusals(t *testing.T) {
	paths, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files", err)
	}
	for _, p := range paths {
		name := strings.TrimSuffix(filepath.Base(p), ".yaml")
		t.Run(name, func(t *testing.T) {
			rules, refusals := Load([]rule.File{{Path: name + ".yaml", Data: readFile(t, p)}}, Options{})
			var said strings.Builder
			for i := range refusals {
				if refusals[i].Warning {
					said.WriteString("warning: ")
				}
				said.WriteString(strings.TrimSpace(refusals[i].Code+" "+refusals[i].Error()) + "\n")
			}
			for _, r := range rules {
				said.WriteString("loaded: " + r.Title + " for " + strings.Join(r.Formats, " ") + "\n")
			}
			golden := strings.TrimSuffix(p, ".yaml") + ".want"
			if *record {
				if err := os.WriteFile(golden, []byte(said.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(readFile(t, golden)), said.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
