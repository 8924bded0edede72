//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/store/storetest"
)

// long reports whether the long form of a proof is asked for.
func long() bool { return os.Getenv("YAGURA_PROVE") != "" }

// labScale is how much a kill loop sends and kills.
type labScale struct{ objects, size, causes, probers, kills int }

func scale() labScale {
	if long() {
		return labScale{600, 60, 24, 8, 50}
	}
	return labScale{90, 25, 6, 3, 4}
}

// writeRules gives a lab the correlations.
func (l *lab) writeRules() {
	l.t.Helper()
	name := filepath.Join(l.dir, "rules", "lab.yml")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(labRules), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.rules = append(l.rules, filepath.Dir(name))
}

// scanned is what a scan of the same bytes finds.
func (l *lab) scanned(tr *traffic) map[string]string {
	l.t.Helper()
	dir := filepath.Join(l.dir, "scan")
	for name, body := range tr.objects {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			l.t.Fatal(err)
		}
		if err := os.WriteFile(file, body, 0o600); err != nil {
			l.t.Fatal(err)
		}
	}
	for i, body := range tr.pushed {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("pushed%d.jsonl", i)), body, 0o600); err != nil {
			l.t.Fatal(err)
		}
	}
	args := []string{"scan", "--format", "jsonl", "--quiet", "-o", filepath.Join(l.dir, "scan.jsonl")}
	for _, r := range l.rules {
		args = append(args, "--rules", r)
	}
	l.yagura(append(args, dir)...) // its exit code speaks of the broken records
	data, err := os.ReadFile(filepath.Join(l.dir, "scan.jsonl"))
	if err != nil {
		l.t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		var f yagura.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			l.t.Fatal(err)
		}
		if f.Rule.Engine != yagura.EngineBuiltin { // those speak of files there and of objects here
			out[f.ID] = findingLine(&f)
		}
	}
	return out
}

// TestKillLoop kills the processes under load at random moments, until everything was sent,
// and then looks whether anything was lost or doubled. YAGURA_PROVE_SEED makes another
// traffic and other moments.
func TestKillLoop(t *testing.T) {
	s := scale()
	seed := uint64(7)
	if n, err := strconv.ParseUint(os.Getenv("YAGURA_PROVE_SEED"), 10, 64); err == nil {
		seed = n
	}
	tr := makeTraffic(seed, s.objects, s.size, s.causes, s.probers)
	calm := newLab(t, false)
	calm.writeRules()
	want := calm.scanned(tr)
	kinds := map[string]int{}
	for _, line := range want {
		title, _, _ := strings.Cut(line, " [")
		kinds[title]++
	}
	for _, title := range []string{"Many probes", "Probes from many addresses", "Probe and take", "Many probes again and again", "CloudTrail logging disabled"} {
		if kinds[title] == 0 {
			t.Fatalf("the traffic makes no finding %q: %v", title, kinds)
		}
	}
	causes := calm.uninterrupted(tr, want)
	t.Run("sqlite", func(t *testing.T) {
		l := newLab(t, true)
		l.writeRules()
		l.killLoop(tr, s, seed, 1, want, causes)
	})
	t.Run("postgres", func(t *testing.T) {
		l := newLab(t, true)
		l.store = storetest.Postgres(t)
		l.writeRules()
		l.killLoop(tr, s, seed, 3, want, causes)
	})
}

// causeCounts are the issues of a store: their causes, and how many findings they have.
func (l *lab) causeCounts() map[string]string {
	l.t.Helper()
	out := map[string]string{}
	for _, is := range l.issues() {
		if is.Rule.Engine == yagura.EngineBuiltin {
			continue
		}
		if out[is.CauseKey] != "" {
			l.t.Errorf("two issues of cause %s", is.CauseKey)
		}
		out[is.CauseKey] = fmt.Sprintf("%s ×%d", is.Severity, is.Count)
	}
	return out
}

// uninterrupted serves the traffic without a kill.
func (l *lab) uninterrupted(tr *traffic, want map[string]string) map[string]string {
	l.t.Helper()
	p := l.start(0)
	for _, name := range tr.names {
		l.put(name, tr.objects[name])
		l.announce(name)
	}
	for _, body := range tr.pushed {
		if !l.push(p.addr, body) {
			l.t.Fatal("a push was refused")
		}
	}
	l.received(5 * time.Minute)
	l.windowsSettle(want)
	led := l.ledger()
	l.checkSources(led, tr, false, true)
	causes := l.causeCounts()
	l.term(0)
	return causes
}

// windowsSettle waits until the windows are what a scan finds: correlations are judged
// a moment after the records.
func (l *lab) windowsSettle(want map[string]string) {
	l.t.Helper()
	var got map[string]string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if got = l.found(); maps.Equal(got, want) {
			return
		}
	}
	l.t.Errorf("findings (-scan +serve):\n%s", cmp.Diff(want, got))
}

// checkSources looks at the books of the sources.
func (l *lab) checkSources(led *app.Ledger, tr *traffic, again, oneWindow bool) {
	l.t.Helper()
	if !led.Balanced {
		l.t.Errorf("the books do not balance: %v", led.Faults)
	}
	var judged, repeats, broken, kept int64
	for _, s := range led.Sources {
		judged, repeats, broken, kept = judged+s.Judged, repeats+s.Repeats, broken+s.Broken, kept+s.Kept
		if s.Source == "trail" && s.Judged != int64(tr.records) {
			l.t.Errorf("%d records were announced, %d judged", tr.records, s.Judged)
		}
		if s.Source == "pushed" && (s.Judged < int64(tr.inPushed) || !again && s.Judged != int64(tr.inPushed)) {
			l.t.Errorf("%d records were pushed, %d judged", tr.inPushed, s.Judged)
		}
	}
	if kept != judged {
		l.t.Errorf("%d judged, %d kept", judged, kept)
	}
	if broken != int64(tr.broken) {
		l.t.Errorf("%d broken, %d counted", tr.broken, broken)
	}
	if events := judged - repeats - broken; oneWindow && events != int64(tr.distinct) || events < int64(tr.distinct) {
		l.t.Errorf("%d distinct events (%d judged, %d repeats, %d broken), want %d", events, judged, repeats, broken, tr.distinct)
	}
}

// killLoop sends the traffic to some replicas and kills one after the other meanwhile.
func (l *lab) killLoop(tr *traffic, s labScale, seed uint64, replicas int, want, causes map[string]string) {
	r := rand.New(rand.NewPCG(seed, uint64(replicas)))
	t := l.t
	for n := range replicas {
		l.start(n)
	}
	began := time.Now()
	names, pushed := slices.Clone(tr.names), slices.Clone(tr.pushed)
	fell := func(upTo time.Duration) {
		time.Sleep(time.Duration(r.Int64N(int64(upTo))))
		n := r.IntN(replicas)
		if r.IntN(5) == 0 {
			l.term(n) // in order, and as suddenly
		} else {
			l.procs[n].kill()
		}
		l.redeliver()
		if r.IntN(2) == 0 {
			time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
		}
		l.start(n)
	}
	// Two thirds fall while they judge, the others while they deliver.
	first := (2*s.kills + 2) / 3
	for k := range first {
		objects := len(names) / (first - k)
		for batch := range slices.Chunk(names[:objects], 1+r.IntN(3)) {
			for _, name := range batch {
				l.put(name, tr.objects[name])
			}
			l.announce(batch...)
			if r.IntN(8) == 0 {
				l.announce(batch...) // a second message of the same objects
			}
		}
		names = names[objects:]
		bodies := len(pushed) / (first - k)
		for _, body := range pushed[:bodies] {
			for !l.push(l.procs[r.IntN(replicas)].addr, body) {
				time.Sleep(20 * time.Millisecond)
			}
		}
		pushed = pushed[bodies:]
		fell([]time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second}[k%3])
	}
	if l.store != "" { // the database goes away and comes back under load
		server := storetest.TheServer(t)
		server.Stop(t)
		time.Sleep(500 * time.Millisecond)
		server.Restart(t)
	}
	for range s.kills - first {
		fell(2 * time.Second)
	}
	l.received(5 * time.Minute)
	t.Logf("%d kills, %d objects, all received after %v", s.kills, len(tr.names), time.Since(began).Round(time.Second))
	l.windowsSettle(want)
	l.delivered(10 * time.Minute)
	t.Logf("all delivered after %v", time.Since(began).Round(time.Second))
	// What was settled is the same when nothing more can come.
	for n := range replicas {
		l.term(n)
	}
	l.late = time.Second
	l.start(0)
	time.Sleep(3 * time.Second)
	l.windowsSettle(want)
	l.delivered(5 * time.Minute)
	l.checkSources(l.ledger(), tr, true, replicas == 1)
	if diff := cmp.Diff(causes, l.causeCounts()); diff != "" {
		t.Errorf("issues (-uninterrupted +killed):\n%s", diff)
	}
	l.checkSinks()
	if out, code := l.yagura("ledger", "--config", l.configFile(0)); code != 0 {
		t.Errorf("yagura ledger ends with %d:\n%s", code, out)
	}
	l.term(0)
}
