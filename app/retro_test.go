package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/file"
	"github.com/yagura-sec/yagura/store"
)

// findingSet collects findings by id.
type findingSet map[string]yagura.Finding

func (s findingSet) Write(it report.Item) error {
	f := *it.Finding
	// Where the record came from is said by how it was read.
	f.Source, f.Retro = "", false
	s[f.ID] = f
	return nil
}
func (findingSet) Flush() error { return nil }
func (findingSet) Close() error { return nil }

// lakeOf imports files into a new lake.
func lakeOf(t testing.TB, paths ...string) (*config.Config, *Books) {
	t.Helper()
	cfg := &config.Config{Data: t.TempDir()}
	books, err := OpenBooks(t.Context(), cfg, store.Serve, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.DB.Close() })
	importInto(t, cfg, books, ImportOptions{}, paths...)
	return cfg, books
}

// retroOf judges a lake anew.
func retroOf(t testing.TB, cfg *config.Config, books *Books, rules *Rules, from, to time.Time, out report.Writer) *Summary {
	t.Helper()
	catalogue, blobs, err := LakeCatalogue(t.Context(), cfg, books.DB, false)
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := LakePieces(t.Context(), catalogue, lake.NewReader(catalogue, blobs), RuleFormats(rules.Rules), from, to)
	if err != nil {
		t.Fatal(err)
	}
	scan, src, left, err := NewRetro(rules, RetroOptions{ScanOptions: ScanOptions{RulesOnly: true, Problem: func(err error) { t.Log(err) }}, From: from, To: to, Pieces: pieces})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d pieces; left out: %v", len(pieces), left)
	sum, err := scan.Run(t.Context(), out, src)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestRetroSame holds the findings of a lake to those of a scan of the originals.
func TestRetroSame(t *testing.T) {
	dir := t.TempDir()
	var lines []string
	for i := range 300 {
		name := []string{"StopLogging", "DescribeTrails", "DeleteTrail"}[i%3]
		lines = append(lines, event(i%250, i, name, []string{"alice", "carol"}[i%2])) // the last ones come again
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), lines[:150]...)
	writeFile(t, filepath.Join(dir, "b.jsonl"), lines[150:]...)
	same(t, rulesFor(t, testRules), dir)
}

// TestRetroGiven is the same over the given logs with the shipped and the given rules.
func TestRetroGiven(t *testing.T) {
	shared := filepath.Join("..", "..", "shared", "data")
	if _, err := os.Stat(shared); err != nil {
		t.Skipf("the given data are not here: %v", err)
	}
	rules, err := LoadRules(RuleOptions{Paths: []string{Shipped, filepath.Join(shared, "rules", "sigma"), filepath.Join(shared, "rules", "falco")}})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, p := range []string{"aws", "entra", "azure", "gcp", "graph"} {
		paths = append(paths, filepath.Join(shared, p))
	}
	same(t, rules, paths...)
}

func same(t *testing.T, rules *Rules, paths ...string) {
	t.Helper()
	counted := *rules
	counted.Rules = slices.DeleteFunc(slices.Clone(rules.Rules), func(r *rule.Rule) bool { return r.Counted != nil })
	scan, err := NewScan(&counted, ScanOptions{RulesOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var sources []source.Source
	for _, p := range paths {
		sources = append(sources, file.New(file.Options{}, p))
	}
	want := findingSet{}
	if _, err := scan.Run(t.Context(), want, sources...); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(want, func(_ string, f yagura.Finding) bool { return f.Rule.Engine == yagura.EngineBuiltin })
	if len(want) == 0 {
		t.Fatal("the scan found nothing: nothing is compared")
	}
	cfg, books := lakeOf(t, paths...)
	got := findingSet{}
	retroOf(t, cfg, books, rules, time.Time{}, time.Time{}, got)
	missing, more, other := 0, 0, 0
	for id, f := range want {
		g, ok := got[id]
		if len(f.Events) > 1 {
			// Of events of one moment the last is the one that came last, and files come in
			// another order.
			g.Event.Key = f.Event.Key
		}
		if !ok {
			if missing++; missing < 4 {
				t.Errorf("retro lacks %s %q about %s %s", f.Format, f.Rule.Title, f.Event.ID, f.Event.Key)
			}
			continue
		}
		if d := cmp.Diff(f, g); d != "" {
			if other++; other < 4 {
				t.Errorf("%s %q: %s", f.Format, f.Rule.Title, d)
			}
		}
	}
	for id, f := range got {
		if _, ok := want[id]; !ok {
			if more++; more < 4 {
				t.Errorf("retro alone has %s %q about %s", f.Format, f.Rule.Title, f.Event.ID)
			}
		}
	}
	t.Logf("%d findings of the scan, %d of retro; %d are missing, %d more, %d differ", len(want), len(got), missing, more, other)
}

// TestRetroRange judges a stretch of time, and files what it finds once, telling nobody.
func TestRetroRange(t *testing.T) {
	dir := t.TempDir()
	var lines []string
	for i := range 60 {
		lines = append(lines, event(i, i, "StopLogging", fmt.Sprintf("user%d", i)))
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), lines...)
	cfg, books := lakeOf(t, dir)
	rules := rulesFor(t, testRules)
	from := time.Date(2026, 3, 2, 0, 10, 0, 0, time.UTC)
	out := &Retro{Keep: true}
	retroOf(t, cfg, books, rules, from, from.Add(20*time.Minute), out)
	if out.Total != 20 || len(out.Findings) != 20 || !out.First.Equal(from) || !out.Last.Equal(from.Add(19*time.Minute)) {
		t.Fatalf("got %d findings from %v to %v", out.Total, out.First, out.Last)
	}
	if rows := out.Sorted(); len(rows) != 1 || out.Rows[rows[0]] != 20 || rows[0].Account != "111122223333" || rows[0].Day != "2026-03-02" {
		t.Fatalf("rows %+v", out.Rows)
	}
	kept, err := books.Keep(t.Context(), out.Findings, nil, rules, false)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Fresh != 20 || kept.Issues == 0 || kept.Notices != 0 {
		t.Errorf("kept %+v", kept)
	}
	again, err := books.Keep(t.Context(), out.Findings, nil, rules, true)
	if err != nil {
		t.Fatal(err)
	}
	if again.Fresh != 0 || again.Known != 20 || again.Issues != 0 {
		t.Errorf("the second time %+v", again)
	}
	n := 0
	err = books.Since(time.Time{}).Filed(t.Context(), func(f yagura.Filed) error {
		n++
		if line, err := json.Marshal(f.Finding); err != nil || !bytes.Contains(line, []byte(`"retro":true`)) {
			t.Errorf("the finding is not marked: %s %v", line, err)
		}
		return nil
	})
	if err != nil || n != 20 {
		t.Errorf("%d findings are filed: %v", n, err)
	}
}
