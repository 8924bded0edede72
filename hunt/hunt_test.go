package hunt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

func TestGuess(t *testing.T) {
	for text, want := range map[string]Language{
		"SELECT 1": SQL, "  select 1": SQL, "with x as (select 1) from x": SQL, "FROM events": SQL, "(SELECT 1) UNION (SELECT 2)": SQL,
		"-- a comment\nSELECT 1": SQL, "/* a */ VALUES (1)": SQL, "COPY x TO 'y'": SQL, "PRAGMA x": SQL,
		"AWSCloudTrail | take 5": KQL, "AWSCloudTrail": KQL, "let x = 5; T | where a == x": KQL, "// select\nT | take 1": KQL,
		"union T, U": KQL, "selected | take 1": KQL, "search 'select'": KQL, "": KQL, "range x from 1 to 5 step 1": KQL, "print 1": KQL,
	} {
		if got := Guess(text); got != want {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}

func TestDefaultRange(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"T | take 5": 30 * day, "T | where TimeGenerated > ago(1d)": 30 * day, "T | where TimeGenerated > ago(90d)": 90 * day,
		"let start = 14d; let end = 45d; T": 59 * day, "T | where x > ago(9000d)": 400 * day, "SELECT 1 WHERE time > now() - INTERVAL 60 DAY": 60 * day,
		"SELECT 1 WHERE time > now() - INTERVAL '3 month'": 93 * day, "SELECT 1 WHERE time > now() - INTERVAL 3 MONTH": 93 * day, "T | where a == '99dd'": 30 * day,
		"ago(60d) ago(60d)": 60 * day,
	} {
		if got := defaultRange(text); got != want {
			t.Errorf("%q reaches back %s, want %s", text, got, want)
		}
	}
}

func TestRange(t *testing.T) {
	now := time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)
	from := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		r    Request
		want Range
	}{
		{Request{Now: now}, Range{now.Add(-DefaultRange), now, true}},
		{Request{Now: now, From: from}, Range{from, now, false}},
		{Request{Now: now, To: from}, Range{from.Add(-DefaultRange), from, true}},
		{Request{Now: now, Last: time.Hour}, Range{now.Add(-time.Hour), now, true}},
		{Request{Now: now, Text: "T | where t > todatetime('{{StartTimeISO}}')"}, Range{now.Add(-24 * time.Hour), now, true}},
		{Request{Now: now, Text: "T | where t between (datetime('2019-01-20T10:02:51.000') - 3d .. 6h)"}, Range{time.Date(2019, 1, 16, 18, 0, 0, 0, time.UTC), now, true}},
		{Request{Now: now, Text: "SELECT 1 WHERE t > TIMESTAMP '2026-01-01'"}, Range{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), now, true}},
		{Request{Now: now, From: from, Text: "T | where t > datetime(2019-01-20)"}, Range{from, now, false}},
	} {
		got, err := rangeOf(tc.r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%+v: %s", tc.r, diff)
		}
	}
	if _, err := rangeOf(Request{Now: now, From: now, To: from}); err == nil {
		t.Error("a range that ends before it begins is taken")
	}
}

// fakeEngine stands where lake/duck stands; it says what it was asked. What the
// room makes of a question is tested here, that it runs in app and cmd/yagura.
type fakeEngine struct {
	uses  []Use
	asked Query
	err   error
}

func (f *fakeEngine) Inspect(context.Context, string) ([]Use, error) { return f.uses, nil }

func (f *fakeEngine) Query(_ context.Context, q Query) (Rows, error) {
	f.asked = q
	return &fakeRows{}, f.err
}

type fakeRows struct{}

func (*fakeRows) Columns() []Column  { return nil }
func (*fakeRows) Next() bool         { return false }
func (*fakeRows) Values() []any      { return nil }
func (*fakeRows) Err() error         { return nil }
func (*fakeRows) Close() error       { return nil }
func (*fakeRows) EngineStats() Stats { return Stats{RowsScanned: 500, BytesScanned: -1} }

// listed is a lake of two files.
type listed struct {
	formats  []string
	raw      bool
	from, to time.Time
}

func (l *listed) Files(_ context.Context, formats []string, from, to time.Time, raw bool) ([]File, error) {
	l.formats, l.raw, l.from, l.to = formats, raw, from, to
	return []File{{yagura.LakeFile{Format: "aws.cloudtrail", HeadSize: 10, RawSize: 100, Rows: 7}, "/lake/1.head.parquet", "/lake/1.raw.parquet"},
		{yagura.LakeFile{Format: "aws.cloudtrail", HeadSize: 10, RawSize: 100, Rows: 7}, "/lake/2.head.parquet", "/lake/2.raw.parquet"}}, nil
}

func TestRawIsReadOnlyWhereItIsNeeded(t *testing.T) {
	now := time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		uses []Use
		raw  bool
	}{
		{[]Use{{Table: "events", Columns: []string{"action", "n"}}}, false},
		{[]Use{{Table: "EVENTS"}}, false},
		{[]Use{{Table: "events", Columns: []string{"RAW"}}}, true},
		{[]Use{{Table: "events", Star: true}}, true},
		{[]Use{{Table: "AWSCloudTrail", Columns: []string{"EventName", "SourceIpAddress"}}}, false},
		{[]Use{{Table: "AWSCloudTrail", Columns: []string{"RequestParameters"}}}, true},
	} {
		lake, engine := &listed{}, &fakeEngine{uses: tc.uses}
		h := &Hunter{Engine: engine, Lake: lake, Now: func() time.Time { return now }}
		r, err := h.Run(t.Context(), Request{Language: SQL, Text: "SELECT …"})
		if err != nil {
			t.Fatal(err)
		}
		sql := engine.asked.Views[0].SQL
		if got := strings.Contains(sql, ".raw.parquet"); got != tc.raw || lake.raw != tc.raw {
			t.Errorf("%+v: raw files are read: %v, want %v:\n%s", tc.uses, got, tc.raw, sql)
		}
		want := Stats{Range: Range{now.Add(-DefaultRange), now, true}, Tables: []string{tc.uses[0].Table}, Files: 2, FileRows: 14, FileBytes: 20, RowsScanned: 14, BytesScanned: 20}
		if tc.raw {
			want.RawFiles, want.FileBytes, want.BytesScanned = 2, 220, 220
		}
		if diff := cmp.Diff(want, r.Stats(), cmp.AllowUnexported(Stats{})); diff != "" {
			t.Errorf("%+v: %s", tc.uses, diff)
		}
	}
}

func TestKQLIsPlanned(t *testing.T) {
	now := time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)
	engine := &fakeEngine{}
	h := &Hunter{Engine: engine, Lake: &listed{}, Now: func() time.Time { return now }}
	p, err := h.Plan(t.Context(), Request{Language: KQL, Text: "declare query_parameters(who:string = 'x', n:long = 1);\nAWSCloudTrail | where UserIdentityUserName == who | count | render barchart",
		Params: map[string]any{"who": `a"b\`, "n": "5"}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Chart == nil || p.Chart.Kind != "barchart" || len(p.Query.Views) != 1 || !strings.Contains(p.Query.SQL, `a"b\`) {
		t.Errorf("%+v", p)
	}
	var e *Error
	if _, err := h.Plan(t.Context(), Request{Language: KQL, Text: "AWSCloudTrail\n| whree x"}); !errors.As(err, &e) || e.Line != 2 || e.Col != 3 {
		t.Errorf("%v", err)
	}
	p, err = h.Plan(t.Context(), Request{Language: KQL, Text: "_Im_Dns(starttime=ago(1h), domain_has_any=dynamic(['example.net'])) | project DnsQuery, SrcIpAddr"})
	if err != nil || len(p.Columns) != 2 {
		t.Errorf("a function of ASIM: %v %v", p, err)
	}
	if _, err := h.Plan(t.Context(), Request{Language: KQL, Text: "_Im_Dns(pack=true)\n| whree x"}); !errors.As(err, &e) || e.Line != 2 || e.Col != 3 {
		t.Errorf("the place of a mistake behind a function: %v", err)
	}
	// Two spellings of one column of the table are two of the query.
	p, err = h.Plan(t.Context(), Request{Language: KQL, Text: "IdentityInfo | where isnotempty(AccountUpn) | project AccountUPN, AccountUpn"})
	if err != nil || len(p.Columns) != 2 || p.Columns[1].Name != "AccountUpn" || !strings.Contains(p.Query.Views[0].SQL, `AS "AccountUPN"`) || strings.Contains(p.Query.Views[0].SQL, `"AccountUpn"`) {
		t.Errorf("an alias of a column: %+v %v", p, err)
	}
	if _, err := h.Plan(t.Context(), Request{Language: KQL, Text: "awscloudtrail | take 1"}); err == nil {
		t.Error("KQL takes a table's name without regard to case")
	}
}

// TestTablesApartByCase: KQL tells Syslog of Sentinel and syslog apart and the engine does
// not, so a question over every table has a view for each.
func TestTablesApartByCase(t *testing.T) {
	now := time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)
	engine := &fakeEngine{}
	h := &Hunter{Engine: engine, Lake: &listed{}, Now: func() time.Time { return now }}
	for _, text := range []string{
		"union withsource=t (syslog | project a = tostring(action)), (Syslog | project a = SyslogMessage) | summarize count() by t",
		"find where Computer == 'x' or actor_id == 'x'",
	} {
		p, err := h.Plan(t.Context(), Request{Language: KQL, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, v := range p.Query.Views {
			if names[strings.ToLower(v.Name)] {
				t.Errorf("%s: two views are called %s", text, v.Name)
			}
			names[strings.ToLower(v.Name)] = true
			if strings.HasPrefix(strings.ToLower(v.Name), "syslog") && !strings.Contains(p.Query.SQL, ` FROM "`+v.Name+`"`) {
				t.Errorf("%s: the view %s is not asked", text, v.Name)
			}
		}
		both := 0
		for _, name := range p.Stats.Tables {
			if strings.EqualFold(name, "syslog") {
				both++
			}
		}
		if both != 2 {
			t.Errorf("%s reads %q, not both tables", text, p.Stats.Tables)
		}
	}
}

func TestSavedErrorsHaveTheirPlace(t *testing.T) {
	const good = "name: x\ntitle: X\nlanguage: sql\nquery: SELECT 1\n"
	if _, err := Read("x.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ text, want string }{
		{"name: [", "x.yaml:1:1: "},
		{"- a", "x.yaml:1:1: a hunt is a mapping"},
		{"", "x.yaml"},
		{good + "other: 1\n", `x.yaml:5:1: the key "other" is not known`},
		{good + "title: Y\n", `x.yaml:5:1: the key "title" stands twice`},
		{"title: X\nlanguage: sql\nquery: SELECT 1\n", "x.yaml:1:1: the key name is missing"},
		{strings.Replace(good, "name: x", "name: X Y", 1), "x.yaml:1:7: name: "},
		{strings.Replace(good, "sql", "sequel", 1), "x.yaml:3:11: language"},
		{good + "tactics: [hacking]\n", `x.yaml:5:11: "hacking" is not a tactic`},
		{good + "techniques: [T1]\n", `x.yaml:5:14: "T1" is not a technique`},
		{good + "range: soon\n", "x.yaml:5:8: range"},
		{good + "parameters:\n  - {name: a, type: number}\n", "x.yaml:6:21: type"},
		{good + "parameters:\n  - {name: a, type: int, default: x}\n", "x.yaml:6:35: default:"},
		{good + "parameters:\n  - {name: a}\n  - {name: A}\n", "x.yaml:7:5: the parameter A stands twice"},
		{good + "parameters:\n  - {name: a-b}\n", "x.yaml:6:5: a parameter has a name"},
		{good + "a: &x 1\nb: *x\n", "x.yaml:5:1: "},
	} {
		_, err := Read("x.yaml", []byte(tc.text))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got %v, want %s", tc.text, err, tc.want)
		}
	}
}

func TestSavedIsWrittenAsItIsRead(t *testing.T) {
	s := &Saved{Name: "x-1", Title: Words{"An: odd 'title'", "題"}, Tactics: []string{"impact"}, Techniques: []string{"T1485"}, Language: KQL, Range: 36 * time.Hour,
		Parameters: []Parameter{{Name: "a", Type: "string", Default: "yes"}, {Name: "b", Type: "int", Default: int64(-3)}, {Name: "c", Type: "list", Default: []string{"x", "y"}},
			{Name: "d", Type: "datetime", Default: time.Date(2026, 5, 1, 2, 3, 4, 5000, time.UTC)}, {Name: "e", Type: "timespan", Default: 90 * time.Minute}, {Name: "f", Type: "bool", Default: false},
			{Name: "g", Type: "real", Default: 0.5}, {Name: "h", Type: "string"}},
		Query: "T\n| where a == '#'\n"}
	dir := t.TempDir()
	path, err := s.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := ReadAll(os.DirFS(dir), dir, false)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	want := *s
	want.File = path
	got := list[0]
	if lines := strings.Split(mustRead(t, path), "\n"); got.Line < 1 || strings.TrimSpace(lines[got.Line-1]) != "T" {
		t.Errorf("line %d is not the query's first", got.Line)
	}
	want.Line = got.Line
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestBind(t *testing.T) {
	s := &Saved{Name: "x", Parameters: []Parameter{{Name: "a", Type: "int", Default: int64(1)}, {Name: "b", Type: "string"}}}
	got, err := s.Bind(map[string]string{"b": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"a": int64(1), "b": "x"}, got); diff != "" {
		t.Error(diff)
	}
	for _, given := range []map[string]string{{}, {"a": "x", "b": "y"}, {"b": "x", "c": "y"}} {
		if _, err := s.Bind(given); err == nil {
			t.Errorf("%v is taken", given)
		}
	}
}

// TestOpenRange fills in the range of Sentinel's hunting queries. The tables are read from
// as far before it as the query looks back; one that the query does not bound is bounded by it.
func TestOpenRange(t *testing.T) {
	now := time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)
	lake := &listed{}
	h := &Hunter{Engine: &fakeEngine{}, Lake: lake, Now: func() time.Time { return now }}
	p, err := h.Plan(t.Context(), Request{Now: now, From: now.Add(-48 * time.Hour), Language: KQL, Text: `let starttime = todatetime('{{StartTimeISO}}');
let endtime = todatetime('{{EndTimeISO}}');
let lookback = starttime - 14d;
AWSCloudTrail | where TimeGenerated between (lookback .. endtime) | union (AWSGuardDuty | project TimeGenerated) | summarize count()`})
	if err != nil {
		t.Fatal(err)
	}
	if from := now.Add(-16 * 24 * time.Hour); !lake.from.Equal(from) || !lake.to.Equal(now) {
		t.Errorf("files of %s to %s are read, want from %s", lake.from, lake.to, from)
	}
	for _, want := range []string{"'2026-05-15 00:00:00", "'2026-05-31 00:00:00", "'2026-05-29 00:00:00"} {
		if !strings.Contains(p.Query.SQL, want) {
			t.Errorf("%s is not in %s", want, p.Query.SQL)
		}
	}
	if want := (Range{now.Add(-48 * time.Hour), now, false}); p.Stats.Range != want {
		t.Errorf("the range is shown as %v", p.Stats.Range)
	}
}

func TestWatchlists(t *testing.T) {
	w := Watchlists{Dir: filepath.Join(t.TempDir(), "watchlists")}
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	if list, err := w.List(); err != nil || len(list) != 0 {
		t.Fatalf("%v %v", list, err)
	}
	l, err := w.Import(Watchlist{Name: "vip-users", Origin: "x.csv", Imported: now, Expires: now.Add(time.Hour), Key: "USER"}, strings.NewReader("\xef\xbb\xbfuser,team's\nalice,blue\n\"carol, x\",\"re\"\"d\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Watchlist{Name: "vip-users", Key: "user", Columns: []string{"user", "team's"}, Rows: 2, Origin: "x.csv", Imported: now, Expires: now.Add(time.Hour)}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
	for at, empty := range map[time.Time]bool{now: false, now.Add(time.Hour): true} {
		tables, err := w.Tables(t.Context(), at)
		if err != nil || len(tables) != 1 || tables[0].Name != "watchlist_vip_users" || tables[0].KQL != "_GetWatchlist('vip-users')" {
			t.Fatalf("%+v %v", tables, err)
		}
		sql, err := tables[0].Select(t.Context(), now, now, nil)
		if err != nil || strings.Contains(sql, "WHERE false") != empty || !strings.Contains(sql, `'team''s': 'VARCHAR'`) {
			t.Errorf("at %s: %s %v", at, sql, err)
		}
	}
	for _, bad := range []struct{ name, text, want string }{
		{"../x", "a\n1\n", "is no name"}, {"x", "", "empty"}, {"x", "a,A\n1,2\n", "two columns"}, {"x", "a,\n1,2\n", "has no name"}, {"x", "a\n\"x\n", ":2:"},
		{"x", "[1]", "row 1"}, {"x", "{\"a\":1}{\"A\":1}", "two columns"}, {"x", "a\n\xff\n", "UTF-8"}, {"x", "{}", "0 columns"},
	} {
		if _, err := w.Import(Watchlist{Name: bad.name, Origin: "f"}, strings.NewReader(bad.text)); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%q %q: %v, want %s", bad.name, bad.text, err, bad.want)
		}
	}
	// Sentinel's aliases have capitals and underscores.
	if l, err := w.Import(Watchlist{Name: "Break_GlassAccounts"}, strings.NewReader("upn\nx\n")); err != nil || l.Name != "break-glassaccounts" {
		t.Errorf("%+v %v", l, err)
	}
	tables, err := w.Tables(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := (schema{&tableSet{tables}}).Table("_GetWatchlist('Break_GlassAccounts')"); !ok {
		t.Error("a watchlist is not found by its alias")
	}
	if err := w.Delete("Break_GlassAccounts"); err != nil {
		t.Error(err)
	}
	if _, err := w.Import(Watchlist{Name: "x", Key: "z"}, strings.NewReader("a\n1\n")); err == nil {
		t.Error("a key that is no column is taken")
	}
	if err := w.Delete("vip-users"); err != nil {
		t.Fatal(err)
	}
	if err := w.Delete("vip-users"); err == nil {
		t.Error("what is not there is deleted")
	}
	if files, _ := os.ReadDir(w.Dir); len(files) != 0 {
		t.Errorf("%v stay", files)
	}
}

func TestDraw(t *testing.T) {
	width := func(s string) int { return len([]rune(s)) }
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	columns := []Column{{Name: "name"}, {Name: "n"}}
	got := Draw(columns, [][]any{{"a", int64(10)}, {"long", int64(5)}, {"none", nil}}, 30, width)
	if got != "a     ████████████ 10\nlong  ██████ 5\nnone   0\n" {
		t.Errorf("bars:\n%s", got)
	}
	got = Draw([]Column{{Name: "t"}, {Name: "n"}}, [][]any{{at, int64(1)}, {at.Add(time.Hour), int64(8)}}, 40, width)
	if !strings.HasPrefix(got, "▂        █  n (max 8)\n") {
		t.Errorf("a line:\n%s", got)
	}
	for _, rows := range [][][]any{nil, {{"a", "b"}}, {{"a", nil}}} {
		if got := Draw(columns, rows, 30, width); got != "" {
			t.Errorf("%v is drawn: %s", rows, got)
		}
	}
}

// moving is a lake whose files are others each time that they are listed, and an engine that
// finds those of one listing only.
type moving struct {
	fakeEngine
	listings, there, asked int
}

func (m *moving) Files(context.Context, []string, time.Time, time.Time, bool) ([]File, error) {
	m.listings++
	n := strconv.Itoa(min(m.listings, m.there))
	return []File{{yagura.LakeFile{Format: "aws.cloudtrail"}, "/lake/" + n + ".head.parquet", "/lake/" + n + ".raw.parquet"}}, nil
}

func (m *moving) Query(_ context.Context, q Query) (Rows, error) {
	m.asked++
	if !strings.Contains(q.Views[0].SQL, "/"+strconv.Itoa(m.there)+".head") {
		return nil, errors.New("there is no such file")
	}
	return &fakeRows{}, m.err
}

// leaving is a lake that says of its first listings that a file went away after it was listed.
type leaving struct {
	listed
	times int
}

func (l *leaving) Files(ctx context.Context, formats []string, from, to time.Time, raw bool) ([]File, error) {
	if l.times--; l.times >= 0 {
		return nil, fmt.Errorf("%w: there is no such object", ErrGone)
	}
	return l.listed.Files(ctx, formats, from, to, raw)
}

// TestFilesThatGoWhileAsked: it is planned anew where the lake itself says that files went away.
func TestFilesThatGoWhileAsked(t *testing.T) {
	for times, fails := range map[int]bool{0: false, 1: false, 3: false, 4: true} {
		h := &Hunter{Engine: &fakeEngine{uses: []Use{{Table: "events", Columns: []string{"raw"}}}}, Lake: &leaving{times: times}, Now: time.Now}
		if _, err := h.Run(t.Context(), Request{Language: SQL, Text: "SELECT …"}); (err != nil) != fails || fails && !errors.Is(err, ErrGone) {
			t.Errorf("%d times: %v", times, err)
		}
	}
}

// TestFilesThatWentAway: a question is asked anew over the files that there are, not without
// end, and not where the error has another reason.
func TestFilesThatWentAway(t *testing.T) {
	for _, c := range []struct {
		there, asked int
		err          error
		fails        bool
	}{
		{there: 1, asked: 1},
		{there: 3, asked: 3},
		{there: 4, asked: 4},
		{there: 9, asked: 4, fails: true},
		{there: 2, asked: 2, err: errors.New("another reason"), fails: true},
	} {
		m := &moving{fakeEngine: fakeEngine{uses: []Use{{Table: "events", Columns: []string{"action"}}}, err: c.err}, there: c.there}
		h := &Hunter{Engine: m, Lake: m, Now: time.Now}
		_, err := h.Run(t.Context(), Request{Language: SQL, Text: "SELECT …"})
		if (err != nil) != c.fails || m.asked != c.asked {
			t.Errorf("%+v: asked %d times: %v", c, m.asked, err)
		}
	}
}
