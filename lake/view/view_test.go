package view_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/view"
)

var update = flag.Bool("update", false, "rewrite the goldens and docs/hunt-tables.md")

// TestTables holds every table to what a query relies on.
func TestTables(t *testing.T) {
	types := strings.Fields("bool int long real decimal string guid datetime timespan dynamic")
	for _, tab := range view.All() {
		if tab.Title == "" || len(tab.Columns) == 0 {
			t.Errorf("%s: no title or no columns", tab.Name)
		}
		if got, ok := view.Lookup(tab.Name); !ok || got != tab {
			t.Errorf("%s is not found by its name", tab.Name)
		}
		if tab.Time == "" {
			t.Errorf("%s has no column for a time range", tab.Name)
		}
		for _, c := range tab.Columns {
			if !slices.Contains(types, c.Type) {
				t.Errorf("%s.%s has the type %q", tab.Name, c.Name, c.Type)
			}
			if got, ok := tab.Column(strings.ToUpper(c.Name)); !ok || got.Name != c.Name {
				t.Errorf("%s.%s is not found without regard to case", tab.Name, c.Name)
			}
			if strings.Contains(c.SQL, "{") {
				t.Errorf("%s.%s: a place is left in %q", tab.Name, c.Name, c.SQL)
			}
		}
	}
	for _, name := range []string{"awscloudtrail", "", "AWSCloudTrail ", `x"; DROP`} {
		if _, ok := view.Lookup(name); ok {
			t.Errorf("there is a table %q", name)
		}
	}
}

// TestFormats: every format that decode knows has a table, and no table is of another.
func TestFormats(t *testing.T) {
	var known []string
	for _, f := range decode.Formats() {
		known = append(known, f.Name)
		if _, ok := view.Lookup(strings.ReplaceAll(f.Name, ".", "_")); !ok {
			t.Errorf("%s has no table", f.Name)
		}
	}
	for _, tab := range view.All() {
		for _, f := range tab.Formats {
			if !slices.Contains(known, f) {
				t.Errorf("%s is of the format %q, which nothing decodes", tab.Name, f)
			}
		}
	}
}

// TestHead: no expression names a column of the head that the lake does not write for that
// format.
func TestHead(t *testing.T) {
	column := regexp.MustCompile(`h\."([^"]+)"`)
	for _, tab := range view.All() {
		formats := tab.Formats
		if len(formats) == 0 {
			formats = []string{"json"} // of any format: what all have
		}
		for _, f := range formats {
			var have []string
			for _, c := range lake.HeadColumns() {
				have = append(have, c.Name)
			}
			have = append(have, formatColumns(f)...)
			sql, err := tab.Select(nil, []view.Pair{{Format: f, Head: "h", Raw: "r"}}, time.Time{}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range column.FindAllStringSubmatch(sql, -1) {
				if !slices.Contains(have, m[1]) {
					t.Errorf("%s: %s has no column %q", tab.Name, f, m[1])
				}
			}
		}
		if tab.Group == "house" && len(tab.Formats) == 1 {
			for _, c := range formatColumns(tab.Formats[0]) {
				if _, ok := tab.Column(c); !ok && strings.ReplaceAll(tab.Formats[0], ".", "_") == tab.Name {
					t.Errorf("%s lacks %s", tab.Name, c)
				}
			}
		}
	}
}

// formatColumns are the columns that head files of a format have behind the common ones.
func formatColumns(format string) []string {
	var out []string
	for _, f := range decode.Formats() {
		for _, d := range f.Detail {
			if f.Name == format && !slices.Contains([]string{"service", "user_agent", "access_key", "error", "src_host"}, d.Column) {
				out = append(out, d.Column)
			}
		}
	}
	return out
}

// TestSargable: what queries of Sentinel filter on most is in the head alone, so that the
// record is not read for it.
func TestSargable(t *testing.T) {
	for table, columns := range map[string]string{
		"AWSCloudTrail":                 "TimeGenerated EventName EventSource SourceIpAddress UserAgent ErrorCode UserIdentityType UserIdentityArn AWSRegion RecipientAccountId UserIdentityAccessKeyId ReadOnly",
		"AuditLogs":                     "TimeGenerated OperationName Result LoggedByService CorrelationId",
		"SigninLogs":                    "TimeGenerated ResultType UserPrincipalName IPAddress AppDisplayName AppId Location ConditionalAccessStatus ClientAppUsed RiskLevelDuringSignIn",
		"AADServicePrincipalSignInLogs": "TimeGenerated ResultType IPAddress AppId Location",
		"AzureActivity":                 "TimeGenerated OperationNameValue ActivityStatusValue ActivityStatus Caller CallerIpAddress ResourceGroup CategoryValue _ResourceId ResourceProviderValue",
		"OfficeActivity":                "TimeGenerated Operation OfficeWorkload UserId ClientIP RecordType ResultStatus",
		"GCPAuditLogs":                  "TimeGenerated MethodName ServiceName PrincipalEmail GCPResourceName Severity",
		"AWSGuardDuty":                  "TimeGenerated ActivityType Severity Title",
		"AWSVPCFlow":                    "TimeGenerated SrcAddr DstAddr DstPort Action Bytes",
		"_Im_Authentication":            "TimeGenerated TargetUsername SrcIpAddr EventResult EventType",
	} {
		tab, ok := view.Lookup(table)
		if !ok {
			t.Fatalf("no table %s", table)
		}
		sql, err := tab.Select(strings.Fields(columns), []view.Pair{{Format: tab.Formats[0], Head: "h", Raw: "the raw file"}}, time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(sql, "the raw file") {
			t.Errorf("%s reads the record for %s:\n%s", table, columns, sql)
		}
	}
}

func TestSelect(t *testing.T) {
	tab, _ := view.Lookup("AWSCloudTrail")
	from := time.Date(2024, 3, 5, 9, 0, 0, 0, time.FixedZone("", 9*3600))
	for _, c := range []struct {
		name    string
		columns []string
		files   []view.Pair
		want    string
	}{
		{"head", []string{"eventname", "TimeGenerated", "EventName"}, []view.Pair{{"aws.cloudtrail", "a.head", "a.raw"}, {"gcp.audit", "b.head", "b.raw"}},
			"SELECT h.\"action\" AS \"EventName\", h.\"time\" AS \"TimeGenerated\"\nFROM read_parquet(['a.head']) h\nWHERE h.\"time\" >= TIMESTAMP '2024-03-05 00:00:00.000000'"},
		{"raw", []string{"RequestParameters"}, []view.Pair{{"aws.cloudtrail", "it's.head", "it's.raw"}},
			"SELECT coalesce(h.t__[1], '') AS \"RequestParameters\"\nFROM (SELECT h.*, TRY(json_extract_string(CASE WHEN h.\"row\" = r.\"row\" THEN nullif(r.\"raw\", '') END, ['$.requestParameters'])) AS t__\n" +
				"  FROM read_parquet(['it''s.head']) h JOIN read_parquet(['it''s.raw']) r ON r.\"row\" = h.\"row\"\n  WHERE h.\"time\" >= TIMESTAMP '2024-03-05 00:00:00.000000') h"},
		{"no file", []string{"EventName", "ReadOnly"}, nil, `SELECT CAST(NULL AS VARCHAR) AS "EventName", CAST(NULL AS BOOLEAN) AS "ReadOnly" WHERE false`},
	} {
		got, err := tab.Select(c.columns, c.files, from, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	for name, call := range map[string]func() (string, error){
		"a column": func() (string, error) { return tab.Select([]string{"Nope"}, nil, from, from) },
		"a path":   func() (string, error) { return tab.Select(nil, []view.Pair{{Head: "a\x00b"}}, from, from) },
		"a length": func() (string, error) {
			return tab.Select(nil, []view.Pair{{Head: strings.Repeat("x", 5000)}}, from, from)
		},
	} {
		if sql, err := call(); err == nil {
			t.Errorf("%s is not refused: %s", name, sql)
		}
	}
}

// TestPrelude: a function that is called comes before the query, one that is only named does
// not, and the line is one.
func TestPrelude(t *testing.T) {
	for query, want := range map[string]string{
		"_Im_Dns(starttime=ago(1h)) | count":         "_Im_Dns",
		"union (imAuthentication  (pack=true)), b":   "imAuthentication",
		"_Im_Dns | count":                            "",
		"my_Im_Dns(1)":                               "",
		"SigninLogs | where x == 'ASimDns' | take 1": "",
	} {
		got := view.Prelude(query)
		if want == "" && got != "" || want != "" && (!strings.HasPrefix(got, "let "+want+" ") || strings.Count(got, "\n") != 1) {
			t.Errorf("%s: %q", query, got)
		}
	}
	for _, f := range view.Functions() {
		if _, ok := view.Lookup(f.Name); !ok {
			t.Errorf("%s is a function and no table", f.Name)
		}
	}
}

// TestDocument holds docs/hunt-tables.md to the tables.
func TestDocument(t *testing.T) {
	const path = "../../docs/hunt-tables.md"
	got := document()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s is not that of the tables (hint: go test ./lake/view -run TestDocument -update): %s", path, d)
	}
}

const preface = `# Tables of a hunt

Which tables a query over the lake may name. The names and types are those of KQL; in SQL they are the same tables with DuckDB's types (bool BOOLEAN, int INTEGER, long BIGINT, real DOUBLE, string VARCHAR, datetime TIMESTAMP in UTC, dynamic JSON). This page is made from the tables themselves.

- A text is never null: it is empty where a record says nothing.
- A column marked ⁺ is read from the record; all others stand in the head file, which is small, and a query that uses only those does not read the record at all. Filter on them first.
- A record arrives in several shapes (Event Hub, a table's row as JSON or CSV, Microsoft Graph, the unified audit log, Datadog): the columns are right for each.
- A table of which the lake has no record is empty, so that a query over several tables runs. Rows that were exported from a workspace (JSON or CSV with the table's name in the column Type) and rows that Defender XDR streams (category AdvancedHunting-…) are rows of the table that they name.
- The tables of Microsoft Sentinel also have TenantId (the workspace, where a row names one), SourceSystem, Type, _ItemId (the event's key), _ResourceId, _SubscriptionId, _TimeReceived (when it arrived here; what ingestion_time() answers), _BilledSize (bytes of the record) and _IsBillable (always empty). They are left out below.

Differences from what a workspace would show:

- OfficeActivity.UserId is the actor as Yagura reads it: a guest of SharePoint without ` + "`urn:spo:guest#`" + `, and where the record says that the user is not available, whom it lists as actor.
- SigninLogs.UserPrincipalName of a sign-in that names no user principal is the name that was typed, else the display name.
- A sign-in of Microsoft Graph without a category is in SigninLogs where a user signed in, else in AADServicePrincipalSignInLogs.
- AzureActivity.OperationNameValue of a row of the older table, which has names for people only, is that name.
- AzureActivity.ActivityStatus says Started, Succeeded, Failed and Accepted also where a record has the newer words.
- SecurityAlert has the alerts of other vendors too: their own severity in Microsoft's words, and as entities the targets.

## ASIM

The tables whose names begin with _Im_, im, _ASim_ and ASim are the normalised schemas. Each may be called with the filters of ASIM's parsers as named arguments, for example ` + "`_Im_Dns(starttime=ago(1h), domain_has_any=dynamic([\"example.net\"]))`" + `.

| schema | arguments beside starttime, endtime, disabled and pack |
|---|---|
`

// document writes docs/hunt-tables.md.
func document() string {
	var b strings.Builder
	b.WriteString(preface)
	for _, f := range view.Functions() {
		schema, ok := strings.CutPrefix(f.Name, "_Im_")
		if !ok {
			continue
		}
		var names []string
		for _, p := range f.Params[2 : len(f.Params)-2] {
			names = append(names, p.Name)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", schema, strings.Join(names, ", "))
	}
	titles := map[string]string{"house": "Yagura's own", "sentinel": "Microsoft Sentinel's", "asim": "Normalised (ASIM)", "declared": "Known, with rows only where they were exported or streamed"}
	group := ""
	standard := strings.Fields("TenantId SourceSystem Type _ItemId _ResourceId _SubscriptionId _TimeReceived _BilledSize _IsBillable")
	for _, tab := range view.All() {
		if tab.Group != group {
			group = tab.Group
			fmt.Fprintf(&b, "\n## %s\n", titles[group])
			if group == "declared" {
				b.WriteString("\nTheir columns are those of the reference of Azure Monitor that queries use; `<table> | getschema` lists them.\n\n")
			}
		}
		if group == "asim" && !strings.HasPrefix(tab.Name, "_Im_") {
			continue
		}
		if group == "declared" {
			fmt.Fprintf(&b, "- %s: %s (%d columns)\n", tab.Name, tab.Title, len(tab.Columns))
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s.", tab.Name, strings.ToUpper(tab.Title[:1])+tab.Title[1:])
		if len(tab.Formats) > 0 && (group != "house" || tab.Name == "NetworkSecurityGroupFlow") && group != "declared" {
			fmt.Fprintf(&b, " From %s.", strings.Join(tab.Formats, ", "))
		}
		b.WriteString("\n\n")
		var cols []string
		for _, c := range tab.Columns {
			if group != "house" && slices.Contains(standard, c.Name) {
				continue
			}
			mark := ""
			if c.Raw && group != "declared" {
				mark = "⁺"
			}
			cols = append(cols, c.Name+mark+" "+c.Type)
		}
		if group == "house" && tab.Name != "events" && tab.Name != "NetworkSecurityGroupFlow" {
			cols = cols[:len(cols)-1] // the record
			cols = cols[slices.Index(cols, "size int")+1:]
			if len(cols) == 0 {
				b.WriteString("The columns of events.\n")
				continue
			}
			b.WriteString("The columns of events, and: ")
		}
		b.WriteString(strings.Join(cols, ", ") + "\n")
	}
	return b.String()
}
