package lake_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

// hasty is a catalogue for which no copy is young.
type hasty struct{ lake.Catalogue }

func (h hasty) DropUnusedCopies(ctx context.Context, now, _ time.Time, limit int) (int, yagura.LakeCopies, error) {
	return h.Catalogue.DropUnusedCopies(ctx, now.Add(time.Hour), now, limit)
}

// killedCopy is what object n holds: of six objects in a row three contents, each twice, of
// which the records of one stay, those of one go, and those of one lose what was received.
func killedCopy(n int) (content []byte, account string) {
	of := n - n%6 + n%3
	return bytes.Repeat(fmt.Appendf(nil, "content %d\n", of), 5000), []string{killKept, killGone, killBare}[n%3]
}

// keepCopies puts object after object, each with a copy, and says which are done, until it is
// killed.
func keepCopies(l *lake.Lake, dir string, from int) error {
	ctx := context.Background()
	copies, err := lake.Open(ctx, lake.Options{Catalogue: l.Catalogue(), Blobs: told{lake.Disk(filepath.Join(dir, "lake"))}, Writer: "copier", Temp: filepath.Join(dir, "tmp")})
	if err != nil {
		return err
	}
	for n := from; ; n++ {
		content, account := killedCopy(n)
		var records []keep.Record
		for i := range 4 {
			r := record(fmt.Sprintf("k%015d", n*4+i), monday)
			r.Event.Account = account
			records = append(records, r)
		}
		done := make(chan error, 1)
		object := fmt.Sprint("o", n)
		if err := l.Put(ctx, &keep.Batch{Source: "test", Object: object, Seen: monday, Runs: []keep.Run{{Format: "aws.cloudtrail", Records: records}},
			Done: func(_ []yagura.KeptRange, err error) { done <- err }}); err != nil {
			return err
		}
		if err := <-done; err != nil {
			return err
		}
		sum := sumOf(string(content))
		if _, _, err := l.Catalogue().Commit(ctx, lake.Commit{Objects: []yagura.LakeObject{{Source: "test", Object: object, Records: 4, At: monday, Sum: sum}}}); err != nil {
			return err
		}
		temp, err := copies.TempCopy()
		if err != nil {
			return err
		}
		if _, err := temp.Write(content); err != nil {
			return err
		}
		if err := copies.KeepCopy(ctx, sum, temp, int64(len(content))); err != nil {
			return err
		}
		if err := temp.Close(); err != nil {
			return err
		}
		tell(strconv.Itoa(n))
	}
}

// TestKillCopies kills a process while it keeps copies, merges files, and drops what is due with
// the copies of it. Each copy of an object that was done is there, whole, as long as a record of
// it is; those of which no record is left go in the end, and nothing is left over.
func TestKillCopies(t *testing.T) {
	rounds := rounds(6, 50)
	p := &pond{t: t, dir: t.TempDir()}
	durable := map[int]bool{}
	random := rand.New(rand.NewPCG(13, uint64(rounds)))
	for range rounds {
		wait := 1 + random.IntN(300) // objects that are done, and calls to the disk, before and after
		runVictim(t, p.dir, "copies", durable, func(kill func()) func(string) {
			said := 0
			return func(line string) {
				if n, err := strconv.Atoi(line); err == nil {
					durable[n] = true
				}
				if said++; said == wait {
					kill()
				}
			}
		})
	}
	if len(durable) < rounds {
		t.Fatalf("%d objects were done: nothing happened that could go wrong", len(durable))
	}
	db, err := store.Open(t.Context(), store.Options{Dir: p.dir, AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	p.db = db
	l := p.open(lake.Options{Writer: "w"})
	p.open(lake.Options{Writer: "copier"})
	k, err := lake.NewRetainer(lake.RetainOptions{Catalogue: hasty{l.Catalogue()}, Blobs: p.blobs(), Writer: "w"})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := lake.NewCompactor(lake.CompactOptions{Catalogue: l.Catalogue(), Blobs: p.blobs(), Writer: "w", Settled: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.onDisk(l)
	check := func(ended bool) (n int) {
		t.Helper()
		have := copied(t, l.Catalogue(), p.blobs())
		for n := range durable {
			content, account := killedCopy(n)
			got, ok := have[sumOf(string(content))]
			if account == killKept && got != string(content) {
				t.Errorf("the copy of object %d is lost", n)
			}
			if account != killKept && ok && ended {
				t.Errorf("the copy of object %d is there, and no record of it", n)
			}
		}
		return len(have)
	}
	check(false)
	if _, err := k.Run(t.Context(), killRetention); err != nil {
		t.Fatal(err)
	}
	p.onDisk(l)
	n := check(true)
	if left, err := os.ReadDir(filepath.Join(p.dir, "tmp")); err != nil || len(left) > 0 {
		var names []string
		for _, e := range left {
			names = append(names, e.Name())
		}
		t.Errorf("left of what was on its way: %s, %v", strings.Join(names, " "), err)
	}
	t.Logf("%d kills, %d objects done, %d copies", rounds, len(durable), n)
}
