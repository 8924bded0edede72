package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/lake/laketest"
)

// huntBenchEvents is how many records the lake of the benchmarks has. The bars of
// docs/performance.md are about a million; a tenth of that tells the same ratios.
const huntBenchEvents = 100_000

var benchRecords = laketest.Corpus{Events: huntBenchEvents, Seed: 1}

// benchCorpus makes a lake of the made-up records that are in a folder.
func benchCorpus(b *testing.B) (*config.Config, *Books, string) {
	b.Helper()
	if !duck.Available {
		b.Skip(duck.ErrNoEngine)
	}
	dir := b.TempDir()
	if err := benchRecords.Write(dir, 400); err != nil {
		b.Fatal(err)
	}
	cfg, books := lakeOf(b, dir)
	return cfg, books, dir
}

// BenchmarkHunt asks a lake and, as the floor, has zgrep look for the same in the
// files that it was made of. The metric x-zgrep is how many times faster the hunt is;
// counting by a column is held against zgrep too, which does less.
func BenchmarkHunt(b *testing.B) {
	cfg, books, dir := benchCorpus(b)
	h, err := OpenHunting(b.Context(), cfg, books, HuntOptions{}, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	floor := zgrep(b, dir, laketest.Needle)
	for _, bench := range []struct{ name, text string }{
		{"column", "SELECT action, count(*) AS n FROM events GROUP BY action ORDER BY n DESC"},
		{"address", "SELECT time, action, actor_id FROM events WHERE src_ip = '" + laketest.NeedleIP + "' ORDER BY time"},
		{"address in KQL", `AWSCloudTrail | where SourceIpAddress == "` + laketest.NeedleIP + `" | project TimeGenerated, EventName, UserIdentityArn`},
		{"path", "SELECT raw->>'$.userIdentity.type' AS t, count(*) AS n FROM events GROUP BY t"},
		{"needle", "SELECT time, id FROM events WHERE contains(raw, '" + laketest.Needle + "')"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			rows := 0
			for b.Loop() {
				r, err := h.Run(b.Context(), hunt.Request{Text: bench.text, From: benchRecords.Time(0), To: benchRecords.Time(huntBenchEvents).Add(time.Hour)})
				if err != nil {
					b.Fatal(err)
				}
				for rows = 0; r.Next(); rows++ {
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			if rows == 0 {
				b.Fatal("nothing was found")
			}
			if floor > 0 {
				b.ReportMetric(float64(floor)*float64(b.N)/float64(b.Elapsed()), "x-zgrep")
			}
		})
	}
}

// zgrep is how long it takes to look for a text in all files; 0 where there is no zgrep.
func zgrep(b *testing.B, dir, text string) time.Duration {
	path, err := exec.LookPath("zgrep")
	if err != nil {
		return 0
	}
	var files []string
	err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".gz") {
			files = append(files, p)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		b.Fatalf("%d files, %v", len(files), err)
	}
	start := time.Now()
	out, err := exec.CommandContext(b.Context(), path, append([]string{"-l", text}, files...)...).Output() //nolint:gosec // a test's own files
	if err != nil || len(out) == 0 {
		b.Fatalf("zgrep: %s %v", out, err)
	}
	return time.Since(start)
}
