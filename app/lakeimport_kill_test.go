//go:build linux

package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/lake/laketest"
)

// TestKilledImport kills the command that fills a lake again and again, and begins it again
// each time. In the end every record is there once, as it was, and no file too many.
func TestKilledImport(t *testing.T) {
	kills, events := 4, 8_000
	if os.Getenv("YAGURA_PROVE") != "" {
		kills, events = 50, 60_000
	}
	bin, dir := program(t), t.TempDir()
	trail, data := filepath.Join(dir, "trail"), filepath.Join(dir, "data")
	if err := (laketest.Corpus{Events: events, Days: 5}).Write(trail, 40); err != nil {
		t.Fatal(err)
	}
	// Small files, so that there are many moments at which half of one is there.
	conf := filepath.Join(dir, "yagura.yaml")
	writeFile(t, conf, "data: "+data+"\nlake: {flush: 1s, cut: 1MiB, originals: true}\n")
	files := func(half string) int {
		list, err := filepath.Glob(filepath.Join(data, "lake", half, "*", "*", "*.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	random := rand.New(rand.NewPCG(5, uint64(kills)))
	killed := 0
	for range kills {
		cmd := exec.Command(bin, "lake", "import", "--config", conf, trail)
		cmd.Env = childEnviron()
		var words bytes.Buffer
		cmd.Stderr = &words
		at := files("raw") + random.IntN(3)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		gone := make(chan error, 1)
		go func() { gone <- cmd.Wait() }()
		look := time.NewTicker(time.Millisecond)
		for alive := true; alive; {
			select {
			case err := <-gone:
				if alive = false; err == nil {
					break // it was done before
				} else if cmd.ProcessState.ExitCode() != -1 {
					t.Fatalf("%v: %s", err, words.String())
				}
				killed++
			case <-look.C:
				if files("raw") > at {
					_ = cmd.Process.Kill()
				}
			}
		}
		look.Stop()
	}
	if killed == 0 {
		t.Fatal("nothing was killed")
	}
	run := func(args ...string) []byte {
		cmd := exec.Command(bin, append([]string{"lake"}, args...)...)
		cmd.Env = childEnviron()
		var words bytes.Buffer
		cmd.Stderr = &words
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, words.String())
		}
		return out
	}
	run("import", "--config", conf, trail)
	seen := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(run("export", "--config", conf)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r struct {
			EventID string `json:"eventID"`
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil || r.EventID == "" {
			t.Fatalf("%v: %.200s", err, lines.Text())
		}
		seen[r.EventID]++
	}
	twice := 0
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	if len(seen) != events || twice > 0 {
		t.Errorf("%d of %d records are there, %d of them more than once", len(seen), events, twice)
	}
	if head, raw := files("head"), files("raw"); head != raw {
		t.Errorf("%d files of heads and %d of records: a crash left some behind", head, raw)
	}
	// A copy of each file, and nothing else.
	contents := map[string]bool{}
	err := filepath.WalkDir(trail, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		contents[sha(b)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	copies, err := filepath.Glob(filepath.Join(data, "lake", "originals", "sha256", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range copies {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !contents[sha(b)] || !strings.HasPrefix(filepath.Base(name), sha(b)) {
			t.Errorf("%s is no copy of a file, or not the only one", name)
		}
		delete(contents, sha(b))
	}
	if len(contents) > 0 || len(copies) == 0 {
		t.Errorf("%d copies, and %d files without one", len(copies), len(contents))
	}
	t.Log(fmt.Sprint(killed, " kills, ", files("raw"), " files"))
}
