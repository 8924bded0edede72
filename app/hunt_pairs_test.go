//go:build unix

package app

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/lake/laketest"
	"github.com/yagura-sec/yagura/store"
)

// pairs are questions in KQL, and the same as we should write them in SQL: over the same
// tables, with regard to case where KQL's operator has it and without where it has not.
var pairs = []struct{ name, kql, sql string }{
	{"count by", `AWSCloudTrail | summarize n = count() by EventName`,
		`SELECT EventName, count(*) AS n FROM AWSCloudTrail GROUP BY EventName`},
	{"where, count by", `AWSCloudTrail | where EventName == "GetRole" and ErrorCode != "" | summarize n = count() by UserIdentityArn, ErrorCode`,
		`SELECT UserIdentityArn, ErrorCode, count(*) AS n FROM AWSCloudTrail WHERE EventName = 'GetRole' AND ErrorCode <> '' GROUP BY ALL`},
	{"has on a column", `AWSCloudTrail | where UserAgent has "terraform" | summarize n = count() by AWSRegion`,
		`SELECT AWSRegion, count(*) AS n FROM AWSCloudTrail WHERE regexp_matches(UserAgent, '(?i)(^|[^a-z0-9])terraform($|[^a-z0-9])') GROUP BY ALL`},
	{"contains on a column", `AWSCloudTrail | where UserAgent contains "BOTOCORE" | count`,
		`SELECT count(*) FROM AWSCloudTrail WHERE contains(lower(UserAgent), 'botocore')`},
	{"in", `AWSCloudTrail | where EventName in ("CreateAccessKey", "ConsoleLogin", "RunInstances") | summarize n = count() by EventName, RecipientAccountId`,
		`SELECT EventName, RecipientAccountId, count(*) AS n FROM AWSCloudTrail WHERE EventName IN ('CreateAccessKey', 'ConsoleLogin', 'RunInstances') GROUP BY ALL`},
	{"in~", `AWSCloudTrail | where EventName in~ ("createaccesskey", "consolelogin") | summarize n = count() by AWSRegion`,
		`SELECT AWSRegion, count(*) AS n FROM AWSCloudTrail WHERE lower(EventName) IN ('createaccesskey', 'consolelogin') GROUP BY ALL`},
	{"top", `AWSCloudTrail | where EventName == "Decrypt" | top 20 by TimeGenerated desc | project TimeGenerated, UserIdentityArn, SourceIpAddress`,
		`SELECT TimeGenerated, UserIdentityArn, SourceIpAddress FROM AWSCloudTrail WHERE EventName = 'Decrypt' ORDER BY TimeGenerated DESC LIMIT 20`},
	{"distinct", `AWSCloudTrail | distinct SourceIpAddress, UserIdentityArn`,
		`SELECT DISTINCT SourceIpAddress, UserIdentityArn FROM AWSCloudTrail`},
	{"dcount", `AWSCloudTrail | summarize agents = dcount(UserAgent) by UserIdentityArn`,
		`SELECT UserIdentityArn, count(DISTINCT UserAgent) AS agents FROM AWSCloudTrail GROUP BY ALL`},
	{"time bins", `AWSCloudTrail | summarize n = count() by bin(TimeGenerated, 1h), AWSRegion`,
		`SELECT date_trunc('hour', TimeGenerated) AS t, AWSRegion, count(*) AS n FROM AWSCloudTrail GROUP BY ALL`},
	{"make-series", `AWSCloudTrail | make-series n = count() default = 0 on TimeGenerated from datetime(2026-05-01) to datetime(2026-05-31) step 1d by AWSRegion`,
		`WITH c AS (SELECT AWSRegion, date_trunc('day', TimeGenerated) AS d, count(*) AS n FROM AWSCloudTrail GROUP BY ALL),
		 g AS (SELECT AWSRegion, d FROM (SELECT DISTINCT AWSRegion FROM c), (SELECT unnest(range(TIMESTAMP '2026-05-01', TIMESTAMP '2026-05-31', INTERVAL 1 DAY)) AS d))
		 SELECT AWSRegion, list(d ORDER BY d) AS t, list(coalesce(n, 0) ORDER BY d) AS n FROM g LEFT JOIN c USING (AWSRegion, d) GROUP BY AWSRegion`},
	{"arg_max", `AWSCloudTrail | summarize arg_max(TimeGenerated, EventName, SourceIpAddress) by UserIdentityArn`,
		`SELECT UserIdentityArn, max(TimeGenerated) AS t, arg_max({'a': EventName, 'b': SourceIpAddress}, TimeGenerated) AS v FROM AWSCloudTrail GROUP BY ALL`},
	{"join", `let denied = AWSCloudTrail | where ErrorCode == "AccessDenied" | summarize denied = count() by UserIdentityArn;
		AWSCloudTrail | where EventName == "CreateAccessKey" | summarize keys = count() by UserIdentityArn | join kind=inner denied on UserIdentityArn | project UserIdentityArn, keys, denied`,
		`WITH d AS (SELECT UserIdentityArn, count(*) AS denied FROM AWSCloudTrail WHERE ErrorCode = 'AccessDenied' GROUP BY ALL),
		 k AS (SELECT UserIdentityArn, count(*) AS keys FROM AWSCloudTrail WHERE EventName = 'CreateAccessKey' GROUP BY ALL)
		 SELECT UserIdentityArn, keys, denied FROM k JOIN d USING (UserIdentityArn)`},
	{"let, used twice", `let logins = AWSCloudTrail | where EventName == "ConsoleLogin" | summarize n = count() by SourceIpAddress;
		logins | where n > 3 | union (logins | where n == 1) | summarize count() by n`,
		`WITH l AS (SELECT SourceIpAddress, count(*) AS n FROM AWSCloudTrail WHERE EventName = 'ConsoleLogin' GROUP BY ALL)
		 SELECT n, count(*) FROM (SELECT * FROM l WHERE n > 3 UNION ALL SELECT * FROM l WHERE n = 1) GROUP BY n`},
	{"let list in", `let busy = AWSCloudTrail | where EventName == "RunInstances" | summarize n = count() by UserIdentityArn | top 5 by n | project UserIdentityArn;
		AWSCloudTrail | where UserIdentityArn in (busy) | summarize n = count() by EventName`,
		`WITH b AS (SELECT UserIdentityArn, count(*) AS n FROM AWSCloudTrail WHERE EventName = 'RunInstances' GROUP BY ALL ORDER BY n DESC LIMIT 5)
		 SELECT EventName, count(*) AS n FROM AWSCloudTrail WHERE UserIdentityArn IN (SELECT UserIdentityArn FROM b) GROUP BY ALL`},
	{"union", `union (AWSCloudTrail | where EventName == "GetRole" | project TimeGenerated, SourceIpAddress), (AWSCloudTrail | where EventName == "Invoke" | project TimeGenerated, SourceIpAddress) | summarize n = count() by SourceIpAddress`,
		`SELECT SourceIpAddress, count(*) AS n FROM (SELECT TimeGenerated, SourceIpAddress FROM AWSCloudTrail WHERE EventName = 'GetRole' UNION ALL SELECT TimeGenerated, SourceIpAddress FROM AWSCloudTrail WHERE EventName = 'Invoke') GROUP BY ALL`},
	{"parse_json", `AWSCloudTrail | where EventName == "RunInstances" | extend p = parse_json(RequestParameters) | extend type = tostring(p.instanceType), image = tostring(p.instancesSet.items[0].imageId) | summarize n = dcount(image) by type`,
		`SELECT RequestParameters->>'$.instanceType' AS type, count(DISTINCT RequestParameters->>'$.instancesSet.items[0].imageId') AS n FROM AWSCloudTrail WHERE EventName = 'RunInstances' GROUP BY ALL`},
	{"fields of a record", `AWSCloudTrail | extend p = parse_json(RequestParameters) | where tostring(p.roleName) != "" | summarize n = count() by tostring(p.roleName), EventName`,
		`SELECT RequestParameters->>'$.roleName' AS role, EventName, count(*) AS n FROM AWSCloudTrail WHERE RequestParameters->>'$.roleName' <> '' GROUP BY ALL`},
	{"has on a record's field", `AWSCloudTrail | where RequestParameters has "` + laketest.Needle + `" | project TimeGenerated, EventName`,
		`SELECT TimeGenerated, EventName FROM AWSCloudTrail WHERE contains(lower(RequestParameters), '` + laketest.Needle + `')`},
	{"contains, has_any", `AWSCloudTrail | where UserAgent has_any ("terraform", "boto3") and UserIdentityArn contains "team-1" | summarize n = count(), first = min(TimeGenerated), last = max(TimeGenerated) by UserIdentityArn`,
		`SELECT UserIdentityArn, count(*) AS n, min(TimeGenerated), max(TimeGenerated) FROM AWSCloudTrail WHERE regexp_matches(lower(UserAgent), '(^|[^a-z0-9])(terraform|boto3)($|[^a-z0-9])') AND contains(lower(UserIdentityArn), 'team-1') GROUP BY ALL`},
	{"case, iff, strcat", `AWSCloudTrail | extend kind = case(EventName startswith "Describe", "look", EventName startswith "Get", "read", "other"), who = strcat(UserIdentityArn, "@", SourceIpAddress) | summarize n = count(), people = dcount(who) by kind, iff(ErrorCode == "", "fine", "denied")`,
		`SELECT CASE WHEN EventName ILIKE 'describe%' THEN 'look' WHEN EventName ILIKE 'get%' THEN 'read' ELSE 'other' END AS kind, CASE WHEN ErrorCode = '' THEN 'fine' ELSE 'denied' END AS f, count(*) AS n, count(DISTINCT UserIdentityArn || '@' || SourceIpAddress) AS people FROM AWSCloudTrail GROUP BY ALL`},
	{"a piece of a split text", `AWSCloudTrail | extend user = tostring(split(UserIdentityArn, "/")[1]) | summarize count() by user`,
		`SELECT split_part(UserIdentityArn, '/', 2) AS u, count(*) FROM AWSCloudTrail GROUP BY ALL`},
	{"tolower, contains", `AWSCloudTrail | where tolower(UserAgent) contains "boto" | summarize count() by tolower(EventName)`,
		`SELECT lower(EventName), count(*) FROM AWSCloudTrail WHERE contains(lower(UserAgent), 'boto') GROUP BY ALL`},
	{"start of day", `AWSCloudTrail | extend day = startofday(TimeGenerated) | summarize dcount(UserIdentityArn) by day`,
		`SELECT date_trunc('day', TimeGenerated) AS d, count(DISTINCT UserIdentityArn) FROM AWSCloudTrail GROUP BY ALL`},
	{"extract", `AWSCloudTrail | extend team = extract("user/([a-z]+)", 1, UserIdentityArn) | summarize count() by team`,
		`SELECT regexp_extract(UserIdentityArn, 'user/([a-z]+)', 1) AS team, count(*) FROM AWSCloudTrail GROUP BY ALL`},
	{"make_set", `AWSCloudTrail | summarize make_set(EventName), countif(ErrorCode != "") by UserIdentityArn`,
		`SELECT UserIdentityArn, list(DISTINCT EventName), count(*) FILTER (ErrorCode <> '') FROM AWSCloudTrail GROUP BY ALL`},
	{"mv-expand", `AWSCloudTrail | where EventName == "RunInstances" | mv-expand i = parse_json(RequestParameters).instancesSet.items | summarize count() by tostring(i.imageId)`,
		`SELECT i->>'$.imageId', count(*) FROM (SELECT unnest(json_extract(RequestParameters, '$.instancesSet.items[*]')) AS i FROM AWSCloudTrail WHERE EventName = 'RunInstances') GROUP BY ALL`},
}

// benchLake is a lake for benchmarks: one of huntBenchEvents records, or, where the
// environment names the data folder of one that laketest/generate and yagura lake import
// have made (YAGURA_BENCH_LAKE), that.
func benchLake(b *testing.B) *Hunting {
	b.Helper()
	if !duck.Available {
		b.Skip(duck.ErrNoEngine)
	}
	var cfg *config.Config
	var books *Books
	if dir := os.Getenv("YAGURA_BENCH_LAKE"); dir != "" {
		cfg = &config.Config{Data: dir}
		var err error
		if books, err = OpenBooks(b.Context(), cfg, store.Shared, time.Now); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { books.DB.Close() }) //nolint:errcheck // it was only read
	} else {
		cfg, books, _ = benchCorpus(b)
	}
	h, err := OpenHunting(b.Context(), cfg, books, HuntOptions{}, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { h.Close() }) //nolint:errcheck // temporary files of a benchmark
	return h
}

// BenchmarkKQL holds KQL against SQL written by hand: x-sql is how many times more processor
// time the question takes in KQL, by the least of the runs of each, which take turns.
func BenchmarkKQL(b *testing.B) {
	h := benchLake(b)
	inside, err := h.engine.setup.start() // so that its time is that of this process
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { inside.Close() }) //nolint:errcheck // it was only read
	h.Engine = inside
	ask := func(b *testing.B, language hunt.Language, text string) (time.Duration, int) {
		start := processorTime(b)
		r, err := h.Run(b.Context(), hunt.Request{Language: language, Text: text, From: laketest.Corpus{}.Time(0), To: laketest.Corpus{}.Time(0).AddDate(0, 0, 31)})
		if err != nil {
			b.Fatalf("%s: %v", text, err)
		}
		rows := 0
		for r.Next() {
			rows++
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
		return processorTime(b) - start, rows
	}
	ratios := map[string]float64{}
	for _, p := range pairs {
		b.Run(p.name, func(b *testing.B) {
			fastest := [2]time.Duration{time.Hour, time.Hour}
			var rows [2]int
			for range 3 {
				for i, q := range []struct {
					language hunt.Language
					text     string
				}{{hunt.KQL, p.kql}, {hunt.SQL, p.sql}} {
					var d time.Duration
					d, rows[i] = ask(b, q.language, q.text)
					fastest[i] = min(fastest[i], d)
				}
			}
			for b.Loop() {
				d, _ := ask(b, hunt.KQL, p.kql)
				fastest[0] = min(fastest[0], d)
				d, _ = ask(b, hunt.SQL, p.sql)
				fastest[1] = min(fastest[1], d)
			}
			if rows[0] != rows[1] || rows[0] == 0 {
				b.Errorf("%d rows in KQL, %d in SQL", rows[0], rows[1])
			}
			ratios[p.name] = float64(fastest[0]) / float64(fastest[1])
			b.ReportMetric(ratios[p.name], "x-sql")
			b.ReportMetric(float64(fastest[0].Microseconds())/1000, "kql-cpu-ms")
			b.ReportMetric(float64(fastest[1].Microseconds())/1000, "sql-cpu-ms")
		})
	}
	all := make([]float64, 0, len(ratios))
	for _, r := range ratios {
		all = append(all, r)
	}
	if slices.Sort(all); len(all) == len(pairs) {
		fmt.Printf("median of %d pairs: %.2f times SQL, at most %.2f\n", len(all), all[len(all)/2], all[len(all)-1])
	}
}

// processorTime is what the process has taken so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
