package file

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFollowProperty writes, rotates, stops and crashes in any order: in the objects, each
// identity counted once, every line is there exactly once.
func TestFollowProperty(t *testing.T) {
	seeds := 40
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			f := folder(t)
			open := func() *Watch {
				return f.open(t, func(o *WatchOptions) { o.Slice = int64(40 + r.IntN(200)) })
			}
			w := open()
			objects := map[string]string{}
			read := func(ackMost bool) {
				f.clock.Advance(2 * time.Second)
				if err := w.scan(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.mu.Lock()
				ms := w.hand(f.clock.Now())
				w.mu.Unlock()
				for _, m := range ms {
					if m.Refused != nil {
						t.Fatal(m.Refused)
					}
					o := m.Objects[0]
					in, err := o.Open(t.Context())
					if err != nil {
						t.Fatalf("%s: %v", o.Identity(), err)
					}
					text, err := io.ReadAll(in)
					if err != nil {
						t.Fatal(err)
					}
					if was, ok := objects[o.Identity()]; ok && was != string(text) {
						t.Fatalf("%s held %q and holds %q", o.Identity(), was, text)
					}
					objects[o.Identity()] = string(text)
					if ackMost || r.IntN(4) > 0 {
						err = w.Ack(t.Context(), m)
					} else {
						err = w.Release(t.Context(), m, time.Duration(r.IntN(5))*time.Second, nil)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			written := 0
			turn := map[string]int{}
			for range 60 {
				name := []string{"a.log", "b.jsonl"}[r.IntN(2)]
				path := filepath.Join(f.dir, name)
				switch r.IntN(9) {
				case 0, 1, 2:
					for range 1 + r.IntN(6) {
						f.add(t, name, fmt.Sprintf(`{"n":%d,"x":%q}`+"\n", written, strings.Repeat("x", r.IntN(80))))
						written++
					}
				case 3: // a line in two parts, read in between
					f.add(t, name, `{"n":`)
					read(false)
					f.add(t, name, fmt.Sprintf("%d}\n", written))
					written++
				case 4:
					read(false)
				case 5:
					if _, err := os.Stat(path); err == nil {
						turn[name]++
						if err := os.Rename(path, fmt.Sprintf("%s.%d", path, turn[name])); err != nil {
							t.Fatal(err)
						}
					}
				case 8: // rotation by copy
					text, err := os.ReadFile(path)
					if err != nil || len(text) == 0 {
						continue
					}
					turn[name]++
					write(t, fmt.Sprintf("%s.%d", path, turn[name]), string(text))
					if err := os.Truncate(path, 0); err != nil {
						t.Fatal(err)
					}
				case 6:
					if err := w.Close(); err != nil {
						t.Fatal(err)
					}
					w = open()
				case 7:

					w = open()
				}
			}
			for range 200 {
				read(true)
			}
			count := map[int]int{}
			for id, text := range objects {
				for line := range strings.Lines(text) {
					n := -1
					if _, err := fmt.Sscanf(line, `{"n":%d`, &n); err != nil {
						t.Fatalf("%s holds %q", id, line)
					}
					count[n]++
				}
			}
			for n := range written {
				if count[n] != 1 {
					t.Errorf("line %d of %d is there %d times", n, written, count[n])
				}
			}
		})
	}
}
