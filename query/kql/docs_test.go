//go:build cgo

package kql_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/query/kql"
	"github.com/yagura-sec/yagura/query/kql/fn"
)

const documented = "../../../shared/data/oracle/kql/cases.jsonl"

type docCase struct {
	ID       string
	Query    string
	Columns  []string
	Types    []string
	Rows     [][]any
	Ordered  bool
	Kept     bool `json:"order_kept"`
	Source   bool `json:"order_from_source"`
	Plain    bool
	Strong   bool
	Volatile any
	Nondet   any
	Header   string `json:"header_match"`
}

func documentation(t testing.TB) []docCase {
	t.Helper()
	f, err := os.Open(cmp.Or(os.Getenv("KQL_CASES"), documented))
	if err != nil {
		t.Skipf("the examples of the Kusto documentation are not here: %v", err)
	}
	defer func() { _ = f.Close() }()
	var out []docCase
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		var c docCase
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func engine(t testing.TB) *duck.Engine {
	t.Helper()
	e, err := duck.Open(duck.Options{Threads: 1, Memory: 1 << 30, Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

var docNow = time.Date(2024, 5, 15, 10, 20, 30, 0, time.UTC)

func run(t testing.TB, e *duck.Engine, p *kql.Plan, views ...duck.View) ([][]any, error) {
	t.Helper()
	rows, err := e.Query(context.Background(), duck.Request{SQL: p.SQL, Now: docNow, MaxRows: 100_000, MaxBytes: 64 << 20, Timeout: 20 * time.Second, Views: views})
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out [][]any
	for rows.Next() {
		out = append(out, append([]any(nil), rows.Values()...))
	}
	return out, rows.Err()
}

// differs are documented examples whose rows are not the printed ones, with the
// reason.
var differs = map[string]string{
	"array-iff-function.md#3":               "the page prints other values of the first column than its query gives",
	"hash-combine-function.md#1":            "how Kusto combines hashes is not documented",
	"exp-function.md#1":                     "the page prints six decimals of e²",
	"replace-string-function.md#2":          "the page prints a long with six decimals",
	"toguid-function.md#1":                  "the page words the text otherwise than its query",
	"url-encode-component-function.md#1":    "the page leaves out the encoded slash at the end",
	"url-encode-function.md#1":              "the page adds a slash to the text of its query",
	"variancepif-aggregation-function.md#1": "the page prints the variance of a sample (850); of the population it is 833",
}

// TestDocumentation runs the examples of Microsoft's documentation that print their
// rows. KQL_ONLY names one by a part of its id and prints it, KQL_ALL runs those too that
// are beside the aim, KQL_CASES is another file of such examples.
func TestDocumentation(t *testing.T) {
	cases := documentation(t)
	e := engine(t)
	only := os.Getenv("KQL_ONLY")
	good, target := 0, 0
	other, otherGood := 0, 0
	for _, c := range cases {
		if only != "" && !strings.Contains(c.ID, only) {
			continue
		}
		aim := c.Plain && c.Strong
		why := docRun(t, e, c, only != "")
		if aim {
			target++
			if why == "" {
				good++
			} else {
				if reason, ok := differs[c.ID]; ok {
					t.Logf("%s differs as known: %s", c.ID, reason)
				} else {
					t.Errorf("BAD %s: %s", c.ID, why)
				}
			}
			if _, ok := differs[c.ID]; ok && why == "" {
				t.Errorf("%s gives the printed rows; take it out of the list", c.ID)
			}
		} else if os.Getenv("KQL_ALL") != "" {
			other++
			if why == "" {
				otherGood++
			} else {
				t.Logf("OTHER %s: %s", c.ID, why)
			}
		}
	}
	t.Logf("%d of %d examples give exactly the printed rows; of the others %d of %d", good, target, otherGood, other)
	if only == "" && os.Getenv("KQL_CASES") == "" && len(differs)*100 > target*4 {
		t.Errorf("%d listed differences are more than 4 %% of %d examples", len(differs), target)
	}
}

// discovered asks the engine for the columns that depend on the data.
func discovered(t testing.TB, e *duck.Engine) func(p *kql.Plan) ([]string, error) {
	return func(p *kql.Plan) ([]string, error) {
		rows, err := run(t, e, p)
		var out []string
		for _, r := range rows {
			if s, ok := r[0].(string); ok {
				out = append(out, s)
			}
		}
		return out, err
	}
}

func docRun(t *testing.T, e *duck.Engine, c docCase, show bool) string {
	p, err := kql.Compile(c.Query, kql.Tables(nil), kql.Options{Now: docNow, Discover: discovered(t, e)})
	if err != nil {
		return "compile: " + err.Error()
	}
	if show {
		t.Logf("%s\n%s", c.Query, p.SQL)
	}
	rows, err := run(t, e, p)
	if err != nil {
		var de *duck.Error
		_ = errors.As(err, &de)
		return fmt.Sprintf("run: %.300v", err)
	}
	var names []string
	for _, c := range p.Columns {
		names = append(names, c.Name)
	}
	if show {
		for _, r := range rows {
			t.Logf("%v", r)
		}
	}
	if len(names) != len(c.Columns) {
		return fmt.Sprintf("columns %v, not %v", names, c.Columns)
	}
	for i := range names {
		if !strings.EqualFold(names[i], c.Columns[i]) && c.Header != "" && c.Header == "exact" {
			return fmt.Sprintf("columns %v, not %v", names, c.Columns)
		}
	}
	for i, ty := range c.Types {
		if i < len(p.Columns) && ty != "" && string(p.Columns[i].Type) != ty {
			return fmt.Sprintf("column %s is %s, not %s", names[i], p.Columns[i].Type, ty)
		}
	}
	var got, want []string
	for _, r := range rows {
		var cells []string
		for i, v := range r {
			cells = append(cells, normal(v, p.Columns[i].Type))
		}
		got = append(got, strings.Join(cells, " ¦ "))
	}
	for _, r := range c.Rows {
		var cells []string
		for i, v := range r {
			s, _ := v.(string)
			ty := kql.Type(fn.String)
			if i < len(p.Columns) {
				ty = p.Columns[i].Type
			}
			cells = append(cells, printed(s, ty))
		}
		want = append(want, strings.Join(cells, " ¦ "))
	}
	if !c.Ordered && !c.Kept {
		sort.Strings(got)
		sort.Strings(want)
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d rows, not %d: %.300s ≠ %.300s", len(got), len(want), got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Sprintf("got %.250s want %.250s", got[i], want[i])
		}
	}
	return ""
}

// normal writes a value so that equal values are equal texts.
func normal(v any, ty kql.Type) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case time.Time:
		return x.UTC().Format("2006-01-02T15:04:05.000000")
	case float64:
		return number(x)
	case bool:
		return strconv.FormatBool(x)
	case int64:
		if ty == fn.Bool {
			return strconv.FormatBool(x != 0)
		}
		return strconv.FormatInt(x, 10)
	case json.Number:
		f, _ := x.Float64()
		return number(f)
	case string:
		if ty == fn.Dynamic {
			return jsonText(x)
		}
		if ty == fn.Decimal {
			f, _ := strconv.ParseFloat(x, 64)
			return number(f)
		}
		return strings.TrimSpace(strings.ReplaceAll(x, "\u00a0", " "))
	}
	return fmt.Sprint(v)
}

func number(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', 12, 64)
}

func jsonText(s string) string {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return s
	}
	v = plain(v)
	if s, ok := v.(string); ok { // a text is printed without quotes
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func plain(v any) any {
	switch x := v.(type) {
	case json.Number:
		f, _ := x.Float64()
		return json.Number(number(f))
	case []any:
		for i := range x {
			x[i] = plain(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = plain(x[k])
		}
	case string:
		if tm, ok := when(x); ok {
			return tm.Format("2006-01-02T15:04:05.000000")
		}
	}
	return v
}

var spaceDate = regexp.MustCompile(`^\d{4}-\d\d-\d\d`)

func when(s string) (time.Time, bool) {
	if !spaceDate.MatchString(s) {
		return time.Time{}, false
	}
	for _, l := range []string{"2006-01-02T15:04:05.999999999Z", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02", "2006-01-02 15:04:05 Z"} {
		if t, err := time.Parse(l, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// printed reads a cell as the documentation prints it.
func printed(s string, ty kql.Type) string {
	t := strings.TrimSpace(strings.ReplaceAll(s, "\u00a0", " "))
	if strings.HasPrefix(t, "<http") && strings.HasSuffix(t, ">") { // a link of Markdown
		t = t[1 : len(t)-1]
	}
	if ty != fn.String && (t == "" || t == "null") {
		return "null"
	}
	switch ty {
	case fn.Datetime:
		if v, ok := when(t); ok {
			return v.Format("2006-01-02T15:04:05.000000")
		}
	case fn.Real, fn.Decimal:
		if f, err := strconv.ParseFloat(strings.NewReplacer(",", "", "∞", "Inf").Replace(t), 64); err == nil {
			return number(f)
		}
	case fn.Bool:
		return strconv.FormatBool(strings.EqualFold(t, "true") || t == "1")
	case fn.Timespan:
		if v, ok := kql.ParseTimespan(t); ok {
			return strconv.FormatInt(v, 10)
		}
	case fn.Dynamic:
		return jsonText(t)
	case fn.Long, fn.Int:
		return strings.ReplaceAll(t, ",", "")
	}
	return t
}
