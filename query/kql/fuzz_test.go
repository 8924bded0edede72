package kql_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/query/kql"
)

var smallSchema = kql.Tables{
	{Name: "T", Time: "TimeGenerated", Columns: []kql.Column{
		{Name: "TimeGenerated", Type: "datetime"}, {Name: "Name", Type: "string"}, {Name: "name", Type: "string"},
		{Name: "Data", Type: "dynamic"}, {Name: "Count", Type: "long"}, {Name: "Ok", Type: "bool"},
		{Name: "Took", Type: "timespan"}, {Name: "Share", Type: "real"}, {Name: "Id", Type: "guid"},
	}},
	{Name: "U", Time: "TimeGenerated", Columns: []kql.Column{
		{Name: "TimeGenerated", Type: "datetime"}, {Name: "Name", Type: "string"}, {Name: "Count", Type: "string"}, {Name: "Extra", Type: "dynamic"},
	}},
}

// seeds are one query for each feature; the goldens run many of them.
var seeds = []string{
	`T | where Name == "alice" and Count > 3 or not(Ok) | take 5`,
	`let a = 5; let f = (x:long, y:string="q") { strcat(y, x) }; T | extend z = f(Count), w = f(a, "r")`,
	`let g = (t:(Name:string), n:long) { t | where Count > n }; g(T, 3) | summarize count() by Name, bin(TimeGenerated, 1h)`,
	`T | join kind=leftouter (U | project Name, Extra) on Name | project-away Name1`,
	`T | join kind=rightanti hint.strategy=shuffle (U) on $left.Name == $right.Name`,
	`union isfuzzy=true withsource=Src T, (U | where Name has "x"), Missing | summarize arg_max(TimeGenerated, *) by Name`,
	`T | mv-expand k = Data.list to typeof(string), Data limit 10 | summarize make_set(k) by Name`,
	`T | mv-apply e = Data on (where e.x > 1 | summarize s = sum(tolong(e.x))) | project Name, s`,
	`T | parse Name with * "a=" a:long "," b:string " " * | where a > 0`,
	`T | make-series n = count(), m = avg(Count) default=0 on TimeGenerated from ago(1d) to now() step 1h by Name`,
	`T | sort by Name asc nulls last, Count | extend p = prev(Count, 1), r = row_number(), c = row_cumsum(Count, Name != prev(Name))`,
	`datatable(a:string, b:dynamic, c:datetime, d:timespan)["x", dynamic({'k':[1,2,{"z":null}]}), datetime(2024-01-02), 1.5h, 'y', dynamic(null), datetime(null), 3d]`,
	`range x from 1 to 10 step 2 | extend y = x * 2.5 | where x in (1, 3) or y between (2 .. 5)`,
	`print a = dynamic(["x"])[0], b = "q" "r", c = @'\d', d = h"secret", e = 1d + 2h, f = datetime(2024-01-01) - 1d`,
	`T | where Name in~ ("A", "b") and Data.x has_any ("p", "q") and Name !startswith "z" and Name matches regex @"^a.*b$"`,
	`let L = dynamic(["a","b"]); T | where Name in (L) | distinct Name, tostring(Data.k["v w"])`,
	`T | where Name in (U | where isnotempty(Name) | project Name) | count`,
	`T | extend x = toscalar(U | summarize max(TimeGenerated)) | project-reorder x, *, Name | project-rename y = x | project-keep y, N*`,
	`search in (T, U) "alice" | take 3`,
	`find in (T, U) where Name == "a" project Name, TimeGenerated`,
	`T | top 3 by Count desc | as X | union X | getschema`,
	`T | evaluate pivot(Name, sum(Count), Ok) : (Ok:bool, alice:long) | render timechart with (title="x")`,
	`T | partition by Name (top 1 by Count) | serialize n = row_number() | invoke f()`,
	`T | parse-kv Name as (k:string, v:long) with (pair_delimiter=";", kv_delimiter="=") | evaluate bag_unpack(Data) | where zz == "1"`,
	`T | top-nested 2 of Name by count(), top-nested 1 of Ok by max(Count) | sample-distinct 3 of Name | facet by Name`,
	"print ```a\nb```, ['a b'] = 1 // end",
	`declare query_parameters(who:string = "alice"); T | where Name =~ who and TimeGenerated > ago(2d)`,
}

// FuzzCompile holds the compiler to errors with a place, within its limits.
func FuzzCompile(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Add(strings.Repeat("(", 5000))
	f.Add("T | where " + strings.Repeat("not(", 3000))
	f.Add("let f=(x:long){x+x+x+x}; print f(f(f(f(f(f(f(f(f(f(1))))))))))")
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 4096 {
			return
		}
		p, err := kql.Compile(src, smallSchema, kql.Options{Now: time.Date(2024, 5, 15, 0, 0, 0, 0, time.UTC), MaxNodes: 3000})
		if err != nil {
			var e *kql.Error
			if !errors.As(err, &e) {
				t.Fatalf("error without a place: %v", err)
			}
			if e.Line < 1 || e.Col < 1 || e.Message == "" {
				t.Fatalf("bad error %+v", e)
			}
			return
		}
		if p.SQL == "" || len(p.Columns) == 0 && p.SQL == "" {
			t.Fatal("empty plan")
		}
	})
}

// TestLimits says what is too much.
func TestLimits(t *testing.T) {
	o := kql.Options{Now: time.Date(2024, 5, 15, 0, 0, 0, 0, time.UTC)}
	for name, src := range map[string]string{
		"brackets": "print " + strings.Repeat("(", 100_000) + "1",
		"not":      "T | where " + strings.Repeat("not(", 10_000) + "Ok" + strings.Repeat(")", 10_000),
		"minus":    "print " + strings.Repeat("-", 100_000) + "1",
		"long":     strings.Repeat("T|", 600_000),
		"pipes":    "T" + strings.Repeat(" | take 1", 5000),
		"dynamic":  "print dynamic(" + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + ")",
		"doubling": "let a=(x:long){x+x}; let b=(x:long){a(x)+a(x)}; let c=(x:long){b(x)+b(x)}; let d=(x:long){c(x)+c(x)}; let e=(x:long){d(x)+d(x)}; let f=(x:long){e(x)+e(x)}; let g=(x:long){f(x)+f(x)}; let h=(x:long){g(x)+g(x)}; let i=(x:long){h(x)+h(x)}; let j=(x:long){i(x)+i(x)}; let k=(x:long){j(x)+j(x)}; let l=(x:long){k(x)+k(x)}; let m=(x:long){l(x)+l(x)}; let n=(x:long){m(x)+m(x)+m(x)+m(x)+m(x)+m(x)}; T | extend y = n(Count)",
		"loop":     "let f=(x:long){g(x)}; let g=(x:long){f(x)}; print g(1)",
		"member":   "print Data" + strings.Repeat(".a", 100_000),
		"lets":     "let a = b; let b = a; print b",
	} {
		start := time.Now()
		if _, err := kql.Compile(src, smallSchema, o); err == nil {
			t.Errorf("%s is not refused", name)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s takes %v", name, d)
		}
	}
}

// TestErrors holds errors to their place and hint.
func TestErrors(t *testing.T) {
	for src, want := range map[string]string{
		"T |\n wher Name == 1":                "2:2: unknown operator 'wher' (did you mean where?)",
		"T | where Nam == \"x\"":              "1:11: there is no column 'Nam' (did you mean Name?)",
		"Tt | take 1":                         "1:1: there is no table 'Tt' (did you mean T?)",
		"T | extend x = tolowr(Name)":         "1:16: unknown function 'tolowr' (did you mean tolower?)",
		"T | where Name == ":                  "1:19: expected an expression, not the end of the query",
		"T | where Name == \"x":               "1:19: text that does not end (close the quote)",
		"T | reduce by Name":                  "1:5: reduce is not supported (summarize by a text that replace_regex() has made coarser)",
		"externaldata(a:string)['https://x']": "1:1: externaldata reaches outside and is not supported (import the list with yagura watchlist import --address URL)",
		"T | where Took == Name":              "1:11: a timespan cannot be compared with a string (convert one of them, for instance with tostring())",
		"T | summarize x = Name by Ok":        "1:15: summarize takes aggregates (use any(), max() … or put it after by)",
		"T | extend x = count()":              "1:16: count() is an aggregate (use it in summarize)",
		"T | take 1 take 2":                   "1:12: unexpected 'take' after the end of an expression (an operator follows a |)",
		"print \"\\q\"":                       "1:8: unknown escape \\q (write \\\\ for a backslash, or put @ before the quote)",
		"":                                    "1:1: query is empty (a query begins with the name of a table)",
	} {
		_, err := kql.Compile(src, smallSchema, kql.Options{Now: time.Date(2024, 5, 15, 0, 0, 0, 0, time.UTC)})
		if err == nil {
			t.Errorf("%q is not refused", src)
		} else if err.Error() != want {
			t.Errorf("%q: got  %s\n\twant %s", src, err, want)
		}
	}
}
