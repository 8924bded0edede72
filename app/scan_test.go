package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/file"
)

// event is a CloudTrail record: number, minute of the day, name, user.
func event(n, minute int, name, user string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/%s","accountId":"111122223333","userName":"%[1]s"},`+
		`"eventTime":"2026-03-02T%02d:%02d:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7",`+
		`"requestParameters":{"name":"trail-%d"},"eventID":"00000000-0000-4000-8000-%012d","readOnly":false,"eventType":"AwsApiCall","recipientAccountId":"111122223333"}`,
		user, minute/60%24, minute%60, name, n, n)
}

func writeFile(t *testing.T, name string, lines ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

const testRules = `
title: Trail stopped
id: 11111111-1111-4111-8111-111111111111
name: stopped
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventName: StopLogging}, condition: selection}
level: high
---
title: Many trails stopped
id: 22222222-2222-4222-8222-222222222222
correlation: {type: event_count, rules: [stopped], group-by: [userIdentity.arn], timespan: 10m, condition: {gte: 4}, generate: true}
level: critical
`

func rulesFor(t *testing.T, text string) *Rules {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rules.yml")
	writeFile(t, name, text)
	rules, err := LoadRules(RuleOptions{Paths: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rules.Refusals {
		t.Error(&rules.Refusals[i])
	}
	return rules
}

// runScan returns the findings as lines, the problems and the summary.
func runScan(t *testing.T, rules *Rules, o ScanOptions, paths ...string) (lines, problems []string, sum *Summary) {
	t.Helper()
	o.Problem = func(err error) { problems = append(problems, err.Error()) }
	o.Now = func() time.Time { return time.Time{} }
	scan, err := NewScan(rules, o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := report.New("jsonl", &out, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum, err = scan.Run(t.Context(), w, file.New(file.Options{}, paths...))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(out.String(), "\n"), "\n"), problems, sum
}

// TestWorkersChangeNothing scans files with repeats, conflicts, broken records and
// windows over several files by one and by many workers: the output is byte for
// byte the same, and so are the counts.
func TestWorkersChangeNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	n := 0
	for f := range 12 {
		var lines []string
		for i := range 400 {
			switch {
			case i%97 == 13 && n > 50:
				lines = append(lines, event(n-40, n/60, "StopLogging", "alice")) // a conflict
			case i%89 == 5 && f > 0:
				m := (f-1)*400 + 53
				lines = append(lines, event(m, m/60, "StopLogging", "alice")) // a repeat from the file before
			case i%151 == 7:
				lines = append(lines, `{"eventVersion":`)
			case i%50 == 3:
				lines = append(lines, event(n, n/60, "StopLogging", "alice"))
			default:
				lines = append(lines, event(n, n/60, "DescribeTrails", "bob"))
			}
			n++
		}
		writeFile(t, fmt.Sprintf("logs/%02d.jsonl", f), lines...)
	}
	rules := rulesFor(t, testRules)
	want, wantProblems, wantSum := runScan(t, rules, ScanOptions{Workers: 1}, "logs")
	if wantSum.Repeats == 0 || wantSum.Conflicts == 0 || wantSum.Broken == 0 || wantSum.Findings[yagura.SeverityCritical] == 0 || wantSum.Findings[yagura.SeverityHigh] == 0 {
		t.Fatalf("the test covers too little: %+v", wantSum)
	}
	for _, workers := range []int{2, 3, 8} {
		got, problems, sum := runScan(t, rules, ScanOptions{Workers: workers}, "logs")
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d workers: %s", workers, d)
		}
		if d := cmp.Diff(wantProblems, problems); d != "" {
			t.Errorf("%d workers: %s", workers, d)
		}
		if d := cmp.Diff(wantSum, sum); d != "" {
			t.Errorf("%d workers: %s", workers, d)
		}
	}
}

// TestOrderOfFiles gives the same files in another order: which of two repeats is
// dropped may change, what is found does not.
func TestOrderOfFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for f := range 5 {
		var lines []string
		for i := range 30 {
			lines = append(lines, event(f*20+i, f*20+i, map[bool]string{true: "StopLogging", false: "GetTrail"}[i%3 == 0], "alice"))
		}
		writeFile(t, fmt.Sprintf("%d.jsonl", f), lines...)
	}
	rules := rulesFor(t, testRules)
	ids := func(paths ...string) map[string]bool {
		lines, _, _ := runScan(t, rules, ScanOptions{}, paths...)
		out := map[string]bool{}
		for _, l := range lines {
			id := l[:strings.Index(l, `,"cause_key"`)]
			if out[id] {
				t.Errorf("%v: %s twice", paths, id)
			}
			out[id] = true
		}
		return out
	}
	want := ids("0.jsonl", "1.jsonl", "2.jsonl", "3.jsonl", "4.jsonl")
	if d := cmp.Diff(want, ids("3.jsonl", "1.jsonl", "4.jsonl", "0.jsonl", "2.jsonl")); d != "" || len(want) == 0 {
		t.Error(d)
	}
}

// TestConflictFlood gives many ids a second content: a thousand are named, the
// rest is one finding that counts them.
func TestConflictFlood(t *testing.T) {
	t.Chdir(t.TempDir())
	var a, b []string
	for i := range 1300 {
		a, b = append(a, event(i, 1, "GetTrail", "alice")), append(b, event(i, 1, "GetTrail", "mallory"))
	}
	b = append(b, event(7, 1, "GetTrail", "third")) // the same id a third time is not named again
	writeFile(t, "a.jsonl", a...)
	writeFile(t, "b.jsonl", b...)
	lines, _, sum := runScan(t, rulesFor(t, testRules), ScanOptions{}, "a.jsonl", "b.jsonl")
	if len(lines) != 1001 || sum.Conflicts != 1301 || sum.Repeats != 0 {
		t.Errorf("%d findings, %d conflicts, %d repeats", len(lines), sum.Conflicts, sum.Repeats)
	}
	if first := lines[0]; !strings.Contains(first, `"event":{"id":"00000000-0000-4000-8000-`) || strings.Contains(first, "mallory") {
		t.Errorf("the first conflict does not name its event, or names one of two versions: %s", first)
	}
	// The other way round the same are named.
	back, _, _ := runScan(t, rulesFor(t, testRules), ScanOptions{}, "b.jsonl", "a.jsonl")
	slices.Sort(lines[:1000])
	slices.Sort(back[:1000])
	if d := cmp.Diff(lines, back); d != "" {
		t.Error(d)
	}
	if last := lines[1000]; !strings.Contains(last, "301 more events") || !strings.Contains(last, "the first 1000 are named one by one") {
		t.Errorf("the last says %s", last)
	}
}

// TestConflictIDs: findings about two contents of one id are two findings, whatever
// their order; those about a repeat are one.
func TestConflictIDs(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "a.jsonl", event(1, 1, "StopLogging", "alice"), event(1, 1, "StopLogging", "mallory"), event(1, 1, "StopLogging", "alice"))
	writeFile(t, "b.jsonl", event(1, 1, "StopLogging", "mallory"), event(1, 1, "StopLogging", "alice"))
	ids := func(name string) (out []string) {
		lines, _, _ := runScan(t, rulesFor(t, testRules), ScanOptions{}, name)
		for _, line := range lines {
			var f yagura.Finding
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatal(err)
			}
			if f.Rule.Title == "Trail stopped" {
				out = append(out, f.ID)
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	a, b := ids("a.jsonl"), ids("b.jsonl")
	if d := cmp.Diff(a, b); d != "" || len(a) != 2 {
		t.Errorf("%d ids\n%s", len(a), d)
	}
}

// TestConflictsCount: events with one id and different content count as those that they
// are in windows, repeats of them do not.
func TestConflictsCount(t *testing.T) {
	t.Chdir(t.TempDir())
	var lines []string
	for minute := range 4 {
		lines = append(lines, event(1, minute, "StopLogging", "alice"), event(1, minute, "StopLogging", "alice"))
	}
	for n, want := range map[int]uint64{3: 0, 4: 1} {
		writeFile(t, "a.jsonl", lines[:2*n]...)
		_, _, sum := runScan(t, rulesFor(t, testRules), ScanOptions{}, "a.jsonl")
		if got := sum.Findings[yagura.SeverityCritical]; got != want || sum.Repeats != uint64(n) {
			t.Errorf("%d versions: %d windows, %d repeats", n, got, sum.Repeats)
		}
	}
}

func TestBrokenFlood(t *testing.T) {
	t.Chdir(t.TempDir())
	lines := []string{event(1, 1, "StopLogging", "alice")}
	for range 50 {
		lines = append(lines, `{"eventVersion": nonsense}`)
	}
	lines = append(lines, event(2, 1, "StopLogging", "alice"))
	writeFile(t, "a.jsonl", lines...)
	found, problems, sum := runScan(t, rulesFor(t, testRules), ScanOptions{}, "a.jsonl")
	if sum.Broken != 50 || sum.Events != 2 || len(found) != 3 {
		t.Errorf("%d broken, %d events, %d findings", sum.Broken, sum.Events, len(found))
	}
	if len(problems) != 21 || problems[20] != "a.jsonl: 30 more broken records" {
		t.Errorf("%d lines, the last %q", len(problems), problems[len(problems)-1])
	}
}

// TestBrokenCount: beyond a thousand in a row broken records are no longer reported
// one by one, and all of them are counted, however they lie in files.
func TestBrokenCount(t *testing.T) {
	t.Chdir(t.TempDir())
	var bad []string
	for range 2500 {
		bad = append(bad, `{"eventVersion": nonsense}`)
	}
	good := event(1, 1, "StopLogging", "alice")
	writeFile(t, "a.jsonl", append(append(bad, good), bad...)...)
	writeFile(t, "b.jsonl", bad...)
	lines, problems, sum := runScan(t, rulesFor(t, testRules), ScanOptions{}, "a.jsonl", "b.jsonl")
	if sum.Broken != 7500 || sum.Events != 1 {
		t.Errorf("%d broken, %d events", sum.Broken, sum.Events)
	}
	if all := strings.Join(lines, "\n"); !strings.Contains(all, "5000 records of a.jsonl") || !strings.Contains(all, "2500 records of b.jsonl") {
		t.Error(all)
	}
	if !slices.Contains(problems, "a.jsonl: 4980 more broken records") || !slices.Contains(problems, "b.jsonl: 2480 more broken records") {
		t.Errorf("%q", problems)
	}
}

func TestSinceAndSeverity(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "a.jsonl", event(1, 10, "StopLogging", "alice"), event(2, 20, "StopLogging", "alice"))
	_, _, sum := runScan(t, rulesFor(t, testRules), ScanOptions{Since: time.Date(2026, 3, 2, 0, 15, 0, 0, time.UTC)}, "a.jsonl")
	if sum.TooOld != 1 || sum.Findings[yagura.SeverityHigh] != 1 || sum.Worst != yagura.SeverityHigh {
		t.Errorf("%+v", sum)
	}
	_, _, sum = runScan(t, rulesFor(t, testRules), ScanOptions{MinSeverity: yagura.SeverityCritical}, "a.jsonl")
	if sum.Hidden != 2 || sum.Findings[yagura.SeverityHigh] != 0 || sum.Worst != yagura.SeverityHigh {
		t.Errorf("%+v", sum)
	}
}

// TestRelativeTime counts from the first record of each file.
func TestRelativeTime(t *testing.T) {
	t.Chdir(t.TempDir())
	for i, minute := range []int{10, 100} {
		writeFile(t, fmt.Sprint(i, ".jsonl"), event(10*i, minute, "A", "u"), event(10*i+1, minute+1, "StopLogging", "u"), event(10*i+2, minute+3, "StopLogging", "u"))
	}
	rules := rulesFor(t, "- rule: r\n  desc: d\n  condition: ct.name=StopLogging\n  output: after %evt.reltime.s s\n  priority: NOTICE\n  source: aws_cloudtrail\n")
	lines, _, _ := runScan(t, rules, ScanOptions{Workers: 1}, "0.jsonl", "1.jsonl")
	for i, want := range []string{"after 60 s", "after 180 s", "after 60 s", "after 180 s"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d: want %s of %s", i, want, lines)
		}
	}
}

// gone is an output whose reader has gone away.
type gone struct{ after int }

func (g *gone) Write(report.Item) error {
	if g.after--; g.after < 0 {
		return syscall.EPIPE
	}
	return nil
}
func (g *gone) Flush() error { return nil }
func (g *gone) Close() error { return nil }

func TestOutputGoesAway(t *testing.T) {
	t.Chdir(t.TempDir())
	for f := range 20 {
		var lines []string
		for i := range 1000 {
			lines = append(lines, event(f*1000+i, 1, "StopLogging", "alice"))
		}
		writeFile(t, fmt.Sprintf("logs/%02d.jsonl", f), lines...)
	}
	scan, err := NewScan(rulesFor(t, testRules), ScanOptions{Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scan.Run(t.Context(), &gone{after: 5}, file.New(file.Options{}, "logs")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v", err)
	}
}

// slow is a source whose second object waits until the run is cancelled.
type slow struct{ cancel context.CancelFunc }

func (s slow) Objects(context.Context) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) {
		text := event(1, 1, "StopLogging", "alice") + "\n"
		open := func(r io.Reader) func(context.Context) (io.ReadCloser, error) {
			return func(ctx context.Context) (io.ReadCloser, error) { return file.Interruptible(ctx, r), nil }
		}
		waiting, writer := io.Pipe()
		_ = yield(source.Object{Source: "file", Name: "a", Open: open(strings.NewReader(text))}, nil) &&
			yield(source.Object{Source: "stdin", Name: "-", Streaming: true, Open: open(waiting)}, nil)
		go func() {
			_, _ = io.WriteString(writer, strings.Replace(text, "000000000001", "000000000002", 1))
			_, _ = io.WriteString(writer, " ") // returns once the first was taken
			s.cancel()
		}()
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	// One worker: it has judged the first object before it waits for the second.
	scan, err := NewScan(rulesFor(t, testRules), ScanOptions{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := report.New("jsonl", &out, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := scan.Run(ctx, w, slow{cancel})
	if err != nil || !sum.Interrupted || sum.Unreadable != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	if n := strings.Count(out.String(), `"title":"Trail stopped"`); n != 2 {
		t.Errorf("%d findings were kept:\n%s", n, out.String())
	}
}

func TestUnreadable(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "a.jsonl", event(1, 1, "GetTrail", "alice"))
	_, problems, sum := runScan(t, rulesFor(t, testRules), ScanOptions{}, "gone", "a.jsonl")
	if len(problems) != 1 || !strings.HasPrefix(problems[0], "gone: no such file") || sum.NothingRead() || sum.Unreadable != 1 || sum.Absent != 1 {
		t.Errorf("%q, %+v", problems, sum)
	}
	// What lies in a folder was not asked for by its own path.
	if err := os.MkdirAll("logs", 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", "logs/b.jsonl"); err != nil {
		t.Fatal(err)
	}
	if _, _, sum = runScan(t, rulesFor(t, testRules), ScanOptions{}, "logs", "a.jsonl"); sum.Unreadable != 1 || sum.Absent != 0 {
		t.Errorf("%+v", sum)
	}
	if _, _, sum = runScan(t, rulesFor(t, testRules), ScanOptions{}, "gone"); !sum.NothingRead() {
		t.Errorf("%+v", sum)
	}
}
