//go:build cgo

package kql_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/query/kql"
)

// views are the tables of smallSchema with a few rows.
var views = []duck.View{
	{Name: "T", SQL: `SELECT TIMESTAMP '2024-05-14 10:00:00' + to_hours(CAST(i AS INTEGER)) AS "TimeGenerated", ['alice','Alice','','carol'][i%4+1] AS "Name",
		'x' || i AS "name", CASE i%3 WHEN 0 THEN NULL WHEN 1 THEN '{"k":1,"list":["a",null]}'::JSON ELSE '[1,"2"]'::JSON END AS "Data", CASE WHEN i%5>0 THEN i END AS "Count",
		i%2=0 AS "Ok", CASE WHEN i%4>0 THEN i*10000000 END AS "Took", CASE WHEN i%3>0 THEN i/2.0::DOUBLE END AS "Share", NULL::VARCHAR AS "Id" FROM range(20) AS t(i)`},
	{Name: "U", SQL: `SELECT TIMESTAMP '2024-05-15 00:00:00' AS "TimeGenerated", 'alice' AS "Name", '5' AS "Count", NULL::JSON AS "Extra"`},
}

// TestAccepted holds every compiled query to be one that the engine runs: the
// seeds, and chains of operators put together at random.
func TestAccepted(t *testing.T) {
	e := engine(t)
	o := kql.Options{Now: time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC)}
	compiled := 0
	check := func(q string) {
		p, err := kql.Compile(q, smallSchema, o)
		if err != nil {
			return
		}
		compiled++
		var vs []duck.View
		for _, u := range p.Tables {
			for _, v := range views {
				if v.Name == u.Table {
					vs = append(vs, v)
				}
			}
		}
		rows, err := run(t, e, p, vs...)
		if err != nil {
			t.Errorf("%s\nthe engine refuses it: %v\n%s", q, err, p.SQL)
			return
		}
		for _, r := range rows {
			for i, c := range p.Columns {
				if c.Type == "string" && r[i] == nil {
					t.Errorf("%s\ncolumn %s is NULL\n%s", q, c.Name, p.SQL)
					return
				}
			}
		}
	}
	for _, q := range seeds {
		check(q)
	}
	if compiled < 20 {
		t.Errorf("only %d of %d seeds compile", compiled, len(seeds))
	}
	r := rand.New(rand.NewPCG(1, 2))
	cols := []string{"Name", "name", "Data", "Count", "Ok", "Took", "Share", "TimeGenerated", "Id", "Data.k", "Data[0]", "x", "n"}
	col := func() string { return cols[r.IntN(len(cols))] }
	lits := []string{`"alice"`, `""`, "3", "2.5", "1h", "true", "datetime(2024-05-14)", "dynamic(null)", "long(null)", `dynamic(["a",1])`}
	lit := func() string { return lits[r.IntN(len(lits))] }
	ops := []string{"==", "!=", "<", ">=", "has", "!contains", "=~", "startswith", "in", "has_any", "+", "-", "/", "%"}
	var expr func(d int) string
	expr = func(d int) string {
		if d == 0 || r.IntN(3) == 0 {
			if r.IntN(3) == 0 {
				return lit()
			}
			return col()
		}
		switch r.IntN(5) {
		case 0:
			f := []string{"tostring", "tolong", "isempty", "isnull", "not", "toreal", "todatetime", "parse_json", "tolower", "strlen"}[r.IntN(10)]
			return f + "(" + expr(d-1) + ")"
		case 1:
			return "iff(" + expr(d-1) + ", " + expr(d-1) + ", " + expr(d-1) + ")"
		case 2:
			return "(" + expr(d-1) + [2]string{" and ", " or "}[r.IntN(2)] + expr(d-1) + ")"
		default:
			op := ops[r.IntN(len(ops))]
			if op == "in" || op == "has_any" {
				return "(" + expr(d-1) + " " + op + " (" + lit() + ", " + lit() + "))"
			}
			return "(" + expr(d-1) + " " + op + " " + expr(d-1) + ")"
		}
	}
	steps := []func() string{
		func() string { return "where " + expr(2) },
		func() string { return "extend x = " + expr(3) },
		func() string { return fmt.Sprintf("extend n = %s, Name = tostring(%s)", expr(2), expr(1)) },
		func() string { return "project Name, x = " + expr(2) + ", Data, Count, TimeGenerated, Ok, n = 1" },
		func() string {
			return "summarize n = count(), x = max(" + col() + ") by Name, Data = tostring(Data), Count"
		},
		func() string { return "summarize arg_max(" + col() + ", *) by " + col() },
		func() string {
			return "join kind=" + []string{"inner", "leftouter", "innerunique", "leftanti", "fullouter", "rightsemi"}[r.IntN(6)] + " (T | where " + expr(1) + ") on Name"
		},
		func() string { return "union (U | extend x = " + expr(1) + ")" },
		func() string { return "mv-expand Data" },
		func() string {
			return "sort by " + col() + " asc, Name | extend n = row_number(), x = prev(" + col() + ")"
		},
		func() string { return "top 5 by " + col() },
		func() string { return "distinct Name, Count" },
		func() string { return "make-series n = count() on TimeGenerated from ago(1d) to now() step 6h by Name" },
		func() string { return "parse Name with * \"a\" x \"c\" n:long *" },
	}
	for range 1500 {
		var b strings.Builder
		b.WriteString("T")
		for range 1 + r.IntN(5) {
			b.WriteString(" | " + steps[r.IntN(len(steps))]())
		}
		check(b.String())
	}
	t.Logf("%d queries compiled and ran", compiled)
	if compiled < 200 {
		t.Errorf("only %d queries compiled", compiled)
	}
}
