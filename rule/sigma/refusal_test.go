package sigma_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

var update = flag.Bool("update", false, "write what is said about testdata/bad into its .want files")

// TestRefusals loads one faulty file after the other and compares what is said.
func TestRefusals(t *testing.T) {
	paths, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files", err)
	}
	for _, p := range paths {
		name := strings.TrimSuffix(filepath.Base(p), ".yml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			if strings.HasPrefix(name, "pipeline_") {
				_, refusals := sigma.ParsePipeline(rule.File{Path: name + ".yml", Data: data})
				said = lines(refusals)
			} else {
				rules, refusals := sigma.Load([]rule.File{{Path: name + ".yml", Data: data}}, sigma.Options{Pipelines: []*sigma.Pipeline{}, NoRouting: true})
				said = lines(refusals)
				for _, r := range rules {
					said = append(said, "loaded: "+r.Title)
				}
			}
			got := strings.Join(said, "\n") + "\n"
			golden := strings.TrimSuffix(p, ".yml") + ".want"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func lines(refusals []rule.Refusal) []string {
	var out []string
	for i := range refusals {
		s := refusals[i].Error()
		if refusals[i].Warning {
			s = "warning: " + s
		}
		out = append(out, s)
	}
	return out
}
