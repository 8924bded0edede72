package app

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/lake/duck"
)

var everything = api.Reach{All: true}

func ofAccount(ids ...string) api.Reach {
	return api.Reach{Scopes: []yagura.Scope{{Accounts: ids}}}
}

// consoleStand is a service with records of two accounts: what belongs to the second one has
// the word SECRET in it.
func consoleStand(t *testing.T) *stand {
	t.Helper()
	s := newStand(t)
	began := time.Now()
	s.clock = func() time.Time { return time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC).Add(time.Since(began)) }
	s.start()
	mine := trail("2026-03-02T09:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`)
	theirs := strings.ReplaceAll(trail("2026-03-02T10:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"SECRET-trail"}`), "111122223333", "999988887777")
	theirs = strings.ReplaceAll(theirs, "user/bob", "user/SECRET-bob")
	s.post(mine, theirs)
	s.settled()
	return s
}

func (s *stand) hunt(reach api.Reach, text string) (*api.HuntResult, error) {
	return s.serve.hunts.Hunt(s.t.Context(), reach, "user:test", api.HuntAsk{Text: text, From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
}

// TestHuntWithin: who may see one account sees it, and nothing of another gets out by any
// question: not as a row, not as a number, and not in the text of an error.
func TestHuntWithin(t *testing.T) {
	if !duck.Available {
		t.Skip(duck.ErrNoEngine)
	}
	s := consoleStand(t)
	s.until("the findings are there", func() bool {
		r, err := s.hunt(everything, "SELECT count(*) FROM findings")
		return err == nil && len(r.Rows) == 1 && r.Rows[0][0] != int64(0)
	})
	whole, err := s.hunt(everything, "SELECT account, raw FROM events ORDER BY account")
	if err != nil || len(whole.Rows) != 2 || !strings.Contains(text(t, whole), "SECRET") || whole.Stats.ScannedBytes == 0 {
		t.Fatalf("everything: %v %+v", err, whole)
	}
	mine := ofAccount("111122223333")
	got, err := s.hunt(mine, "SELECT account, action, count(*) FROM events GROUP BY ALL")
	if err != nil || len(got.Rows) != 1 || got.Rows[0][0] != "111122223333" || got.Stats.ScannedBytes+got.Stats.ScannedRows != 0 {
		t.Fatalf("one account: %v %+v", err, got)
	}
	// Of strangers every row is another's, so an error about a value tells one.
	strangers := api.Reach{Scopes: []yagura.Scope{{Accounts: []string{"000000000000"}, Formats: []string{"aws.cloudtrail"}}, {Accounts: []string{"000000000001", "000000000002"}}}}
	for _, q := range []string{
		"SELECT * FROM events",
		"SELECT raw FROM events WHERE account = '999988887777'",
		"SELECT raw FROM events WHERE account <> '111122223333' OR true",
		"SELECT raw FROM aws_cloudtrail WHERE 1=1 OR account = 'x'",
		"WITH events AS (SELECT * FROM aws_cloudtrail) SELECT * FROM events",
		"SELECT * FROM AWSCloudTrail",
		"SELECT * FROM findings", "SELECT * FROM issues",
		"SELECT a.raw FROM events a RIGHT JOIN aws_cloudtrail b ON true",
		"SELECT (SELECT string_agg(raw, '') FROM events)",
		"SELECT max(raw) FROM events WHERE raw LIKE '%SECRET%'",
		"events | where raw has 'SECRET'", "AWSCloudTrail | where RequestParameters contains 'SECRET' | project RequestParameters",
		"union * | where tostring(pack_all()) contains 'SECRET'", "search 'SECRET'",
		"findings | where output has 'SECRET'", "find in (AWSCloudTrail) where EventName == 'StopLogging'",
		"AWSCloudTrail | evaluate pivot(UserIdentityArn)", "AWSCloudTrail | evaluate bag_unpack(todynamic(RequestParameters))",
		// The errors of casts name what could not be cast.
		"SELECT CAST(raw AS INTEGER) FROM events", "SELECT count(*) FROM events WHERE CAST(actor_id AS INTEGER) = 1",
		"SELECT count(*) FROM events WHERE CASE WHEN account = '999988887777' THEN CAST(raw AS INTEGER) ELSE 1 END = 1",
		"SELECT count(*) FROM events WHERE account = '999988887777' AND CAST(raw AS TIMESTAMP) > now()",
		"SELECT count(*) FROM events WHERE CASE WHEN account = '999988887777' THEN error(raw) ELSE 'x' END = 'x'",
		"SELECT * FROM events ORDER BY CASE WHEN account = '999988887777' THEN CAST(raw AS INTEGER) END",
		"SELECT count(*) FROM aws_cloudtrail a JOIN events b ON CAST(a.raw AS INTEGER) = b.size",
		"SELECT strptime(raw, '%Y') FROM events", "SELECT raw::DATE FROM events WHERE account LIKE '9%'",
		// Files, catalogues and settings.
		"SELECT * FROM read_parquet('" + LakeDir(s.cfg) + "/**/*.parquet')", "FROM '" + LakeDir(s.cfg) + "/head/*/*/*.parquet'",
		"SELECT * FROM glob('**')", "SELECT sql FROM duckdb_views()", "SELECT * FROM information_schema.tables", "SELECT current_query()",
		"SELECT * FROM events; SELECT * FROM events", "COPY events TO '/tmp/x'", "SELECT getenv('HOME')",
		`SELECT * FROM "events" WHERE account IN ('111122223333') UNION ALL SELECT * FROM "aws_cloudtrail"`,
		"SELECT * FROM query('SELECT * FROM events')", "SELECT * FROM query_table('events')",
	} {
		if r, err := s.hunt(strangers, q); err != nil && (strings.Contains(err.Error(), "Could not convert") || strings.Contains(err.Error(), "SECRET-")) ||
			err == nil && (strings.Contains(text(t, r), "SECRET") || strings.Contains(text(t, r), "bob")) {
			t.Errorf("strangers: %s: %v %s", q, err, text(t, r))
		}
		r, err := s.hunt(mine, q)
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			// Only what was asked itself may say the word.
			if !strings.Contains(q, "SECRET") || strings.Contains(err.Error(), "SECRET-") {
				t.Errorf("%s: the error tells: %v", q, err)
			}
		}
		if p := (*api.Problem)(nil); err != nil && !errors.As(err, &p) {
			t.Errorf("%s: an error that is not told: %v", q, err)
		}
		if err == nil && strings.Contains(text(t, r), "SECRET") {
			t.Errorf("%s: %s", q, text(t, r))
		}
		if err == nil && strings.Contains(text(t, r), "999988887777") && !strings.Contains(q, "999988887777") {
			t.Errorf("%s: it names the account: %s", q, text(t, r))
		}
	}
	for _, nothing := range []api.Reach{{}, {Scopes: []yagura.Scope{{Tenants: []string{"nobody"}}}}, {Scopes: []yagura.Scope{{Formats: []string{"gcp.audit"}}}}} {
		for _, q := range []string{"SELECT count(*) FROM events", "SELECT count(*) FROM findings", "events | count"} {
			r, err := s.hunt(nothing, q)
			if err != nil || len(r.Rows) != 1 || r.Rows[0][0] != int64(0) {
				t.Errorf("%+v: %s: %v %+v", nothing, q, err, r)
			}
		}
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestHuntAsked: checks, completion, history, exports, saved hunts, limits.
func TestHuntAsked(t *testing.T) {
	if !duck.Available {
		t.Skip(duck.ErrNoEngine)
	}
	s := consoleStand(t)
	h, ctx := s.serve.hunts, t.Context()
	for _, c := range []struct {
		text, want string
		line, col  int
	}{
		{"AWSCloudTrail | where Nope == 1", "Nope", 1, 23},
		{"AWSCloudTrail\n| wher EventName == 'x'", "wher", 2, 3},
		{"SELECT actoin FROM events", "actoin", 1, 8},
		{"SELECT *\nFROM nothing", "nothing", 2, 6},
		{"SELECT count(*) FROM findings WHERE severity = 'high'", "", 0, 0},
		{"AWSCloudTrail | summarize n = count() by EventName", "", 0, 0},
		{"", "", 0, 0},
	} {
		got, err := h.CheckHunt(ctx, api.HuntAsk{Text: c.text})
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" {
			if len(got.Problems) > 0 {
				t.Errorf("%s: %+v", c.text, got.Problems)
			}
			continue
		}
		if len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Message, c.want) || got.Problems[0].Line != c.line || got.Problems[0].Column != c.col {
			t.Errorf("%s: %+v, want %d:%d %s", c.text, got.Problems, c.line, c.col, c.want)
		}
	}
	if got, err := h.CheckHunt(ctx, api.HuntAsk{Text: "AWSCloudTrail | project EventName, TimeGenerated"}); err != nil || len(got.Columns) != 2 || len(got.Tables) != 1 {
		t.Errorf("%v %+v", err, got)
	}
	if got, err := h.CompleteHunt(ctx, api.HuntPlace{Text: "AWSCloudTrail | su", At: 18}); err != nil || len(got.Items) == 0 || got.Items[0].Text != "summarize" {
		t.Errorf("%v %+v", err, got)
	}
	r, err := s.hunt(everything, "SELECT 9007199254740993 AS big, TIMESTAMP '2026-03-02 01:02:03' AS at, 'nan'::DOUBLE AS none, {'a': 1} AS made FROM range(1)")
	if err != nil || text(t, r.Rows) != `[["9007199254740993","2026-03-02T01:02:03Z","NaN",{"a":1}]]` {
		t.Errorf("%v %s", err, text(t, r.Rows))
	}
	if _, err := s.hunt(everything, "SELECT nope FROM events"); err == nil {
		t.Error("a column that is not there")
	}
	past, err := h.HuntHistory(ctx, "user:test")
	if err != nil || len(past) != 2 || past[0].Error == "" || past[1].Rows != 1 {
		t.Errorf("%v %+v", err, past)
	}
	if past, err := h.HuntHistory(ctx, "user:other"); err != nil || len(past) != 0 {
		t.Errorf("another's: %v %+v", err, past)
	}
	var out strings.Builder
	if err := h.ExportHunt(ctx, everything, "user:test", api.HuntAsk{Text: "SELECT '=1+1' AS x, 2 AS y"}, "csv", &out); err != nil || out.String() != "x,y\n'=1+1,2\n" {
		t.Errorf("%v %q", err, out.String())
	}

	// Hunts of the team's own.
	own := api.SavedHunt{Name: "stopped-trails", Title: api.Words{En: "Stopped trails", Ja: "停止された証跡"}, Lang: "kql", Range: "7d", Text: "AWSCloudTrail | where EventName == 'StopLogging'"}
	if _, err := h.SaveHunt(ctx, own, false); err != nil {
		t.Fatal(err)
	}
	var p *api.Problem
	if _, err := h.SaveHunt(ctx, own, false); !errors.As(err, &p) || p.Code != api.CodeConflict {
		t.Errorf("twice: %v", err)
	}
	if _, err := h.SaveHunt(ctx, api.SavedHunt{Name: "../x", Text: "events"}, false); !errors.As(err, &p) || p.Code != api.CodeUnprocessable {
		t.Errorf("a name that is a path: %v", err)
	}
	if got, err := h.SavedHunt(ctx, own.Name); err != nil || got.Title.Ja != own.Title.Ja || got.Range != "7d" || got.Shipped {
		t.Errorf("%v %+v", err, got)
	}
	if got, err := h.Hunt(ctx, everything, "user:test", api.HuntAsk{Hunt: own.Name}); err != nil || len(got.Rows) != 2 {
		t.Errorf("%v %+v", err, got)
	}

	// Hunts are a list like any other.
	listed := func(q string) string {
		t.Helper()
		a := api.Ask{Limit: 500}
		parsed, err := filter.Parse(filter.Hunts, q)
		if err != nil {
			t.Fatal(err)
		}
		a.Query = parsed.At(s.clock(), time.UTC)
		a.Order, _ = filter.Hunts.Sort("")
		list, err := h.SavedHunts(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, x := range list.Items {
			names = append(names, x.Name)
		}
		return strings.Join(names, " ")
	}
	for q, want := range map[string]string{"shipped:no": own.Name, "証跡 shipped:no": own.Name, "停止された証跡": own.Name, "name:stopped-*": own.Name, "scheduled:yes": "",
		"shipped:no lang:sql": "", "updated:* lang:kql": own.Name} {
		if got := listed(q); got != want {
			t.Errorf("hunts %s: %q, want %q", q, got, want)
		}
	}
	if got := strings.Fields(listed("")); len(got) < 10 || !slices.IsSorted(got) {
		t.Errorf("all hunts: %v", got)
	}

	// A hunt becomes a rule that runs by itself.
	rule, err := h.ScheduleHunt(ctx, "user:test", own.Name, api.HuntSchedule{Severity: "high", Every: "1h"})
	if err != nil {
		t.Fatal(err)
	}
	if rule.ID != "hunt-stopped-trails" || rule.Every != "1h" || rule.Severity != "high" || !rule.Own || rule.State != "on" {
		t.Errorf("%+v", rule)
	}
	if got := listed("scheduled:yes"); got != own.Name {
		t.Errorf("hunts that run by themselves: %q", got)
	}
	if n := len(s.serve.scheduled()); n != 1 {
		t.Errorf("%d rules on a schedule", n)
	}
	if _, err := h.ScheduleHunt(ctx, "user:test", own.Name, api.HuntSchedule{Severity: "high", Every: "10s"}); err == nil {
		t.Error("every 10 seconds")
	}
	if err := h.DeleteHunt(ctx, own.Name); err != nil {
		t.Error(err)
	}
	if err := h.DeleteHunt(ctx, own.Name); !errors.Is(err, api.NotFound) {
		t.Errorf("gone: %v", err)
	}

	// One asker has so many places, and who goes gives theirs back.
	var leave []func()
	for range consoleAtOnceEach {
		done, err := h.place(ctx, "user:busy")
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, done)
	}
	if _, err := h.place(ctx, "user:busy"); !errors.As(err, &p) || p.Code != api.CodeRateLimited {
		t.Errorf("one more: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for range consoleAtOnce - consoleAtOnceEach {
		done, err := h.place(ctx, "user:other")
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, done)
	}
	if _, err := h.place(gone, "user:third"); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone: %v", err)
	}
	for _, done := range leave {
		done()
	}
	if len(h.asking) != 0 {
		t.Errorf("still asking: %v", h.asking)
	}
	if _, err := h.Hunt(gone, everything, "user:third", api.HuntAsk{Text: "events | count"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that is gone: %v", err)
	}
}
