package lake_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

// The kill test runs this test's binary as the process that is killed.
const killDir = "YAGURA_LAKE_KILL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// killBatch makes the records of one batch: three days, and every fifth record comes again in
// the batch behind.
func killBatch(n int) []keep.Record {
	var out []keep.Record
	for i := range 40 {
		number := n*40 + i
		if i < 8 && n > 0 {
			number = (n-1)*40 + i*5 // of the batch before
		}
		r := record(fmt.Sprintf("k%015d", number), monday.Add(time.Duration(number%3)*24*time.Hour))
		r.Raw = []byte(killRaw(number))
		r.Event.Account = killAccount(number)
		out = append(out, r)
	}
	return out
}

func killRaw(number int) string {
	return fmt.Sprintf(`{"n":%d,"pad":"%s"}`, number, strings.Repeat(strconv.Itoa(number%10), number%900))
}

// victim puts batch after batch, from the one that standard input names, and says which are
// durable, until it is killed.
func victim(dir string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{Dir: dir, AcceptLoss: true})
	if err != nil {
		return err
	}
	switch os.Getenv(killMode) {
	case "house":
		return keepHouse(db.LakeAt("here"), dir)
	case "all", "copies":
		go func() {
			fmt.Fprintln(os.Stderr, keepHouse(hasty{db.LakeAt("here")}, dir))
			os.Exit(1)
		}()
	}
	l, err := lake.Open(ctx, lake.Options{Catalogue: db.LakeAt("here"), Blobs: lake.Disk(filepath.Join(dir, "lake")), Writer: "w", Flush: 20 * time.Millisecond, Cut: 256 << 10,
		Columns: func(string) []string { return []string{"colour"} }})
	if err != nil {
		return err
	}
	first, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	from, err := strconv.Atoi(string(first))
	if err != nil {
		return err
	}
	if os.Getenv(killMode) == "copies" {
		return keepCopies(l, dir, from)
	}
	for n := from; ; n++ {
		err := l.Put(ctx, &keep.Batch{Source: "test", Object: fmt.Sprint("o", n), Seen: monday, Runs: []keep.Run{{Format: "aws.cloudtrail", Records: killBatch(n)}}, Done: func(_ []yagura.KeptRange, err error) {
			if err == nil {
				tell(strconv.Itoa(n))
			}
		}})
		if err != nil {
			return err
		}
		time.Sleep(time.Millisecond) // else the folder grows without bound
	}
}

// runVictim runs the process that is killed, from the first batch on that is not durable: what
// nobody was told of comes again, as it does from a source. begin is called once it runs, with
// what kills it, and what it returns with every line that the process says.
func runVictim(t *testing.T, dir, mode string, durable map[int]bool, begin func(kill func()) (heard func(line string))) {
	t.Helper()
	next := 0
	for durable[next] {
		next++
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$") //nolint:gosec // this test itself
	cmd.Env = append(os.Environ(), killDir+"="+dir, killMode+"="+mode)
	cmd.Stdin = strings.NewReader(strconv.Itoa(next))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var killed atomic.Bool
	heard := begin(func() {
		killed.Store(true)
		_ = cmd.Process.Kill()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		heard(lines.Text())
	}
	_ = cmd.Wait()
	if !killed.Load() {
		t.Fatalf("the process (mode %q, from batch %d) ended by itself: %s", mode, next, stderr.String())
	}
}

// rounds is how often a process is killed: few times, and many to prove it.
func rounds(few, many int) int {
	if os.Getenv("YAGURA_PROVE") != "" {
		return many
	}
	return few
}

// TestKill kills a writing process again and again. Of what it had said to be durable nothing
// is lost, nothing is there twice, nothing is torn, and nothing is left over.
func TestKill(t *testing.T) {
	rounds := rounds(5, 50)
	p := &pond{t: t, dir: t.TempDir()}
	durable := map[int]bool{}
	random := rand.New(rand.NewPCG(7, uint64(rounds)))
	for range rounds {
		runVictim(t, p.dir, "", durable, func(kill func()) func(string) {
			// It is killed when so many batches are durable: wherever the writer is by then.
			wait, said := 1+random.IntN(60), 0
			return func(line string) {
				n, err := strconv.Atoi(line)
				if err != nil {
					t.Fatalf("%q", line)
				}
				durable[n] = true
				if said++; said == wait {
					kill()
				}
			}
		})
	}
	db, err := store.Open(t.Context(), store.Options{Dir: p.dir, AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	p.db = db
	l := p.open(lake.Options{Writer: "w"})
	seen := map[string]int{}
	for e, err := range l.Reader().All(t.Context(), lake.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimPrefix(e.ID, "k"))
		if err != nil || string(e.Raw) != killRaw(n) {
			t.Fatalf("%s holds %.100q", e.ID, e.Raw)
		}
		seen[e.ID]++
	}
	for id, n := range seen {
		if n > 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
	for n := range durable {
		for _, r := range killBatch(n) {
			if seen[r.Event.ID] == 0 {
				t.Errorf("%s of batch %d is lost", r.Event.ID, n)
			}
		}
	}
	p.onDisk(l)
	t.Logf("%d kills, %d durable batches, %d records, %d orphans removed at the end", rounds, len(durable), len(seen), l.Stats().Orphans)
}
