package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

func envNumber(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return usual
}

// TestLists measures lists with 100,000 issues and 5 million findings, and holds them to what
// docs/adr/0020-lists.md says: with YAGURA_PROVE=1, as it takes a while and 15 GB. The database
// is made in YAGURA_PROVE_DIR and used again where it is there; YAGURA_PROVE_ISSUES and
// YAGURA_PROVE_FINDINGS make a smaller one, YAGURA_PROVE_STORE=postgres one of PostgreSQL.
func TestLists(t *testing.T) {
	if os.Getenv("YAGURA_PROVE") == "" {
		t.Skip("set YAGURA_PROVE=1 to measure lists")
	}
	issues, findings := envNumber("YAGURA_PROVE_ISSUES", 100_000), envNumber("YAGURA_PROVE_FINDINGS", 5_000_000)
	end := time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)
	dir := os.Getenv("YAGURA_PROVE_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	o := store.Options{Dir: dir, AcceptLoss: true, Now: func() time.Time { return end }}
	if os.Getenv("YAGURA_PROVE_STORE") == "postgres" {
		o = store.Options{URL: storetest.Postgres(t), Now: o.Now}
	}
	made := filepath.Join(dir, fmt.Sprintf("made-%d-%d", issues, findings))
	if _, err := os.Stat(made); err != nil || o.URL != "" {
		db := opens(t, o)
		begin := time.Now()
		if err := storetest.Many(t.Context(), db, issues, findings, end, func(n int) {
			fmt.Fprintf(os.Stderr, "%d findings, %v\n", n, time.Since(begin).Round(time.Second))
		}); err != nil {
			t.Fatal(err)
		}
		t.Logf("filled in %v", time.Since(begin).Round(time.Second))
		if o.URL == "" {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		} else {
			storetest.TheServer(t).Exec(t, "VACUUM ANALYZE")
		}
		if err := os.WriteFile(made, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cold := time.Now()
	if o.URL != "" {
		o.Mode = store.Shared
	}
	db := opens(t, o)
	find := func(list *filter.List, text, sort string, scopes []yagura.Scope) (n int, more bool, err error) {
		q, err := filter.Parse(list, text)
		if err != nil {
			return 0, false, err
		}
		q = q.At(end, time.UTC)
		err = db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var next string
			if list == filter.Entities {
				x, after, _, _, err := tx.FindEntities(ctx, scopes, scopes == nil, q, sort, "", 100)
				n, more = len(x), after != ""
				return err
			}
			if list == filter.Issues {
				x, after, err := tx.FindIssues(ctx, scopes, scopes == nil, q, sort, "", 100)
				n, next = len(x), after
				more = next != ""
				return err
			}
			x, after, err := tx.FindFindings(ctx, scopes, scopes == nil, q, sort, "", 100)
			n, more = len(x), after != ""
			return err
		})
		return n, more, err
	}
	if _, _, err := find(filter.Issues, "status:open", "-severity", nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(cold); took > time.Second {
		t.Errorf("first page after the start: %v, want less than 1 s", took)
	} else {
		t.Logf("first page after the start: %v", took.Round(time.Millisecond))
	}
	scope := []yagura.Scope{{Accounts: []string{"100000000000", "100000079190"}}, {Formats: []string{"gcp.audit"}}}
	rounds := envNumber("YAGURA_PROVE_ROUNDS", 20)
	measure := func(name string, bound time.Duration, ask func() (string, error)) {
		var took []time.Duration
		said, used := "", processTime()
		for range rounds {
			begin := time.Now()
			s, err := ask()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			took = append(took, time.Since(begin))
			said = s
		}
		slices.Sort(took)
		p50, p95 := took[len(took)/2], took[(len(took)*95+99)/100-1]
		t.Logf("%-64s %-14s p50 %6.1f ms  p95 %6.1f ms  processor %6.1f ms", name, said, float64(p50.Microseconds())/1000, float64(p95.Microseconds())/1000,
			float64((processTime()-used).Microseconds())/1000/float64(rounds))
		if p95 > bound {
			t.Errorf("%s: p95 %v, want at most %v", name, p95, bound)
		}
	}
	type question struct {
		text, sort string
		scopes     []yagura.Scope
	}
	const page, filtered = 100 * time.Millisecond, 200 * time.Millisecond
	for _, c := range []struct {
		list  *filter.List
		bound time.Duration
		ask   []question
	}{
		{filter.Issues, page, []question{{"", "", nil}, {"", "-severity", nil}, {"", "-seen", nil}, {"", "-opened", nil}, {"", "-count", nil}, {"", "title", nil}, {"", "assignee", nil}, {"status:open", "-severity", nil}, {"status:open", "", scope}}},
		{filter.Issues, filtered, []question{
			{"severity:critical status:open", "", nil}, {"account:100000079190 status:open", "", nil}, {"label:wave-7", "-severity", nil}, {"assignee:none status:open", "-count", nil},
			{"entity:*person77", "", nil}, {"entity:user=arn:aws:iam::100000609763:user/person77", "", nil}, {"ip:11.0.0.0/16", "", nil}, {"technique:T1007", "", nil}, {"seen:<24h", "-seen", nil}, {"opened:>7d count:>4000", "-count", nil},
			{"権限", "", nil}, {"漏洩", "-severity", nil}, {"監査 status:open", "", nil}, {"bucket-" + "5feceb66ffc8", "", nil}, {"ceb66ff", "", nil}, {"計画どおり", "", nil}, {"zzz", "", nil}, {"qx", "", nil}, {"-label:known episode:3 kind:posture region:eu-west-1", "", nil}, {"権限", "", scope}}},
		{filter.Entities, page, []question{{"", "", nil}, {"", "-issues", nil}, {"", "", scope}}},
		{filter.Entities, filtered, []question{{"type:user issues:>3", "", nil}, {"entity:user=arn:aws:iam::100000609763:user/person77", "", nil}, {"person77", "", nil}, {"ip:11.0.0.0/16", "", nil}, {"zzz", "", nil}, {"qx", "", nil}}},
		{filter.Findings, page, []question{{"", "", nil}, {"", "-severity", nil}, {"", "-time", nil}, {"", "rule", nil}, {"", "account", nil}, {"", "", scope}, {"severity:critical", "", nil}}},
		{filter.Findings, filtered, []question{
			{"severity:>=high account:100000079190", "", nil}, {"actor:person77", "", nil}, {"actor:person3999", "", nil}, {"ip:11.0.0.0/16", "", nil}, {"technique:T1007", "-severity", nil}, {"seen:<24h", "-time", nil}, {"seen:>80d action:StopLogging", "", nil},
			{"権限", "", nil}, {"person3999", "", nil}, {"bucket-5feceb66ffc8", "", nil}, {"ceb66ffc8", "", nil}, {"issue:01J00000000000000000050000", "", nil}, {"id:*0a1b2c*", "", nil}, {"zzzz", "", nil}, {"qx", "", nil}, {"suppressed:yes outcome:failure", "", nil}, {"person3999", "", scope}}},
	} {
		for _, q := range c.ask {
			name := c.list.Name + " " + q.text + " " + q.sort
			if q.scopes != nil {
				name += " (scoped)"
			}
			measure(name, c.bound, func() (string, error) {
				n, more, err := find(c.list, q.text, q.sort, q.scopes)
				return fmt.Sprintf("%d%s", n, map[bool]string{true: "+"}[more]), err
			})
		}
	}
	whole := func(name string, fn func(ctx context.Context, tx *store.Tx) error) {
		measure(name, filtered, func() (string, error) { return "", db.View(t.Context(), fn) })
	}
	for _, text := range []string{"", "status:open", "権限", "severity:>=high"} {
		q, err := filter.Parse(filter.Issues, text)
		if err != nil {
			t.Fatal(err)
		}
		whole("count and facets of issues "+text, func(ctx context.Context, tx *store.Tx) error {
			if _, _, err := tx.CountIssues(ctx, nil, true, q, store.MostCounted); err != nil {
				return err
			}
			_, err := tx.IssueFacets(ctx, nil, true, q)
			return err
		})
	}
	whole("overview", func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.OpenCounts(ctx, nil, true); err != nil {
			return err
		}
		if _, err := tx.AckTimes(ctx, nil, true, end.AddDate(0, 0, -7)); err != nil {
			return err
		}
		if _, err := tx.FindingHours(ctx, nil, true, end.AddDate(0, 0, -7), end); err != nil {
			return err
		}
		_, err := tx.FindingRules(ctx, nil, true, end.AddDate(0, 0, -7))
		return err
	})
	for _, text := range []string{"severity:critical", "actor:person77"} {
		q, err := filter.Parse(filter.Findings, text)
		if err != nil {
			t.Fatal(err)
		}
		whole("count of findings "+text, func(ctx context.Context, tx *store.Tx) error {
			_, _, err := tx.CountFindings(ctx, nil, true, q, store.MostCounted)
			return err
		})
	}
}
