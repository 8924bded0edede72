package lake_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

// killMode says what the process that is killed does: nothing but write, keep house, or both.
const killMode = "YAGURA_LAKE_KILL_MODE"

// Accounts of the kill tests' records, and what retention says of them.
const (
	killKept = "111122223333"
	killGone = "999900000001" // due at once
	killBare = "999900000002" // keeps its headers alone
)

var killRetention = lake.Retention{Entries: []lake.RetentionEntry{{Account: killGone, Head: time.Hour}, {Account: killBare, Raw: time.Hour}}}

func killAccount(number int) string {
	return []string{killKept, killKept, killGone, killBare}[number%4]
}

// told says every call that changes what is on the disk, before and after.
type told struct{ lake.Blobs }

var toldMu sync.Mutex

func tell(what string) {
	toldMu.Lock()
	defer toldMu.Unlock()
	fmt.Println(what)
}

func (b told) Put(ctx context.Context, name string, content []byte) error {
	tell("begin")
	defer tell("end")
	return b.Blobs.Put(ctx, name, content)
}

func (b told) PutFrom(ctx context.Context, name string, r io.ReaderAt, size int64, sum [32]byte) error {
	tell("begin")
	defer tell("end")
	return b.Blobs.PutFrom(ctx, name, r, size, sum)
}

func (b told) Delete(ctx context.Context, name string) error {
	tell("begin")
	defer tell("end")
	return b.Blobs.Delete(ctx, name)
}

// keepHouse merges files and drops what is due, over and over, until it is killed.
func keepHouse(cat lake.Catalogue, dir string) error {
	ctx, blobs := context.Background(), told{lake.Disk(filepath.Join(dir, "lake"))}
	c, err := lake.NewCompactor(lake.CompactOptions{Catalogue: cat, Blobs: blobs, Writer: "w", Settled: -1, Bytes: 96 << 10})
	if err != nil {
		return err
	}
	k, err := lake.NewRetainer(lake.RetainOptions{Catalogue: cat, Blobs: blobs, Writer: "w"})
	if err != nil {
		return err
	}
	if err := c.Clean(ctx); err != nil {
		return err
	}
	for {
		_, err := c.Run(ctx)
		_, rerr := k.Run(ctx, killRetention)
		if err := errors.Join(err, rerr); err != nil {
			return err
		}
		time.Sleep(time.Millisecond) // nothing to do is no reason to spin
	}
}

// TestKillHouse kills a process while it merges files and drops what is due, with a writer
// beside it and without. No row that was durable and is not due is lost, doubled or torn; what
// is due goes in the end; nothing is left over.
func TestKillHouse(t *testing.T) {
	rounds := rounds(6, 60)
	p := &pond{t: t, dir: t.TempDir()}
	durable := map[int]bool{}
	random := rand.New(rand.NewPCG(11, uint64(rounds)))
	var done struct{ batches, calls int }
	for round := range rounds {
		mode, wait := "all", 20+random.IntN(120)
		if round%3 == 2 { // files that lie there, and nobody who adds to them
			mode, wait = "house", 1+random.IntN(30)
		}
		var moment time.Duration // after the first call, between calls as well as in them; 0: at a call
		if round%3 == 1 {
			moment, wait = time.Duration(1+random.IntN(150_000))*time.Microsecond, math.MaxInt
		}
		var idle *time.Timer
		runVictim(t, p.dir, mode, durable, func(kill func()) func(string) {
			idle = time.AfterFunc(5*time.Second, kill) // a house in order has nothing to say
			said := 0
			return func(line string) {
				if n, err := strconv.Atoi(line); err == nil {
					durable[n] = true
					done.batches++
				} else {
					done.calls++
				}
				if said++; said == wait {
					kill()
				}
				if said == 1 && moment > 0 {
					idle.Reset(moment)
				}
			}
		})
		idle.Stop()
	}
	if done.batches == 0 || done.calls < rounds {
		t.Fatalf("%d batches and %d calls: nothing happened that could go wrong", done.batches, done.calls)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: p.dir, AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	p.db = db
	l := p.open(lake.Options{Writer: "w"})
	c, err := lake.NewCompactor(lake.CompactOptions{Catalogue: db.LakeAt("here"), Blobs: p.blobs(), Writer: "w", Settled: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.onDisk(l)
	p.killed(l, durable, false)
	k, err := lake.NewRetainer(lake.RetainOptions{Catalogue: db.LakeAt("here"), Blobs: p.blobs(), Writer: "w"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Run(t.Context(), killRetention); err != nil {
		t.Fatal(err)
	}
	p.onDisk(l)
	p.killed(l, durable, true)
	t.Logf("%d kills, %d durable batches, %d calls to the disk", rounds, len(durable), done.calls)
}

type killHead struct {
	Row     int64  `parquet:"row"`
	ID      string `parquet:"id"`
	Account string `parquet:"account"`
}

type killedRaw struct {
	Row int64  `parquet:"row"`
	Raw string `parquet:"raw"`
}

// killed compares what the lake has with what was durable. ended says that what is due has gone.
func (p *pond) killed(l *lake.Lake, durable map[int]bool, ended bool) {
	p.t.Helper()
	files, err := l.Files(p.t.Context(), lake.Filter{})
	if err != nil {
		p.t.Fatal(err)
	}
	seen := map[string]int{}
	for _, f := range files {
		for name, sum := range map[string][32]byte{f.Head: f.HeadSum, f.Raw: f.RawSum} {
			content, err := os.ReadFile(filepath.Join(string(p.blobs()), name))
			if err != nil {
				p.t.Fatal(err)
			}
			if sha256.Sum256(content) != sum {
				p.t.Errorf("%s is not what the catalogue has the checksum of", name)
			}
		}
		// Read by nothing of the lake's own, which passes over headers without a record.
		heads, err := parquet.ReadFile[killHead](filepath.Join(string(p.blobs()), f.Head))
		if err != nil {
			p.t.Fatal(err)
		}
		raws, err := parquet.ReadFile[killedRaw](filepath.Join(string(p.blobs()), f.Raw))
		if err != nil {
			p.t.Fatal(err)
		}
		if len(heads) != len(raws) || int64(len(heads)) != f.Rows {
			p.t.Fatalf("%s has %d rows, %s has %d, the catalogue says %d", f.Head, len(heads), f.Raw, len(raws), f.Rows)
		}
		for i, h := range heads {
			seen[h.ID]++
			n, err := strconv.Atoi(strings.TrimPrefix(h.ID, "k"))
			if err != nil || h.Account != killAccount(n) || h.Row != raws[i].Row {
				p.t.Fatalf("%s row %d: %+v, and in raw row %d", f.Head, i, h, raws[i].Row)
			}
			bare := h.Account == killBare && (ended || raws[i].Raw == "")
			if bare && raws[i].Raw != "" || !bare && raws[i].Raw != killRaw(n) {
				p.t.Fatalf("%s of account %s holds %.100q", h.ID, h.Account, raws[i].Raw)
			}
		}
	}
	for id, n := range seen {
		if n > 1 {
			p.t.Errorf("%s is there %d times", id, n)
		}
	}
	for n := range durable {
		for _, r := range killBatch(n) {
			number, _ := strconv.Atoi(strings.TrimPrefix(r.Event.ID, "k"))
			have, gone := seen[r.Event.ID] > 0, killAccount(number) == killGone
			if !have && !gone {
				p.t.Errorf("%s of batch %d is lost", r.Event.ID, n)
			}
			if have && gone && ended {
				p.t.Errorf("%s is due and still there", r.Event.ID)
			}
		}
	}
}
