//go:build cgo

package kql_test

import (
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/query/kql"
)

// The columns of these depend on the data, which is asked for them.
func TestDiscovered(t *testing.T) {
	e := engine(t)
	const bags = `datatable(Id:long, name:string, d:dynamic)[
		1, "a", dynamic({"name":"x", "n":1, "r":1, "on":true, "mix":1, "none":null, "a key":"k", "it's":[1]}),
		2, "b", dynamic({"n":2, "r":2.5, "on":null, "mix":"m", "it's":{"k":1}}),
		3, "c", dynamic([["n", 7]]), 4, "d", dynamic(null), 5, "e", dynamic("n")] | where Id <= top | `
	for _, c := range []struct{ query, want, err string }{
		{bags + `evaluate bag_unpack(d, columnsConflict = "keep_source") | getschema | project ColumnName, ColumnType`,
			"Id long; name string; a key string; it's dynamic; mix dynamic; n long; none dynamic; on bool; r real", ""},
		{bags + `evaluate bag_unpack(d, columnsConflict = "replace_source") | project name, n, r, on, mix, ["a key"], ["it's"], none`,
			"x 1 1 true 1 k [1] null;  2 2.5 null m  {\"k\":1} null;  null null null null  null null;  null null null null  null null;  null null null null  null null", ""},
		{bags + `evaluate bag_unpack(d, "p_", ignoredProperties = dynamic(["mix", "it's", "none", "a key"])) | getschema | project ColumnName`,
			"Id; name; p_n; p_name; p_on; p_r", ""},
		{bags + `evaluate bag_unpack(d) | getschema | project ColumnName | take 3`,
			"Id; name; a key", ""},
		{bags + `evaluate bag_unpack(d, "", "error")`,
			"", "a key of bag_unpack() is called name as a column is"},
		{bags + `where Id > 2 | evaluate bag_unpack(d)`,
			"3 c; 4 d; 5 e", ""},
		{bags + `evaluate bag_unpack(d, columnsConflict = "keep_source") | where n > 1 or r > 9 | summarize s = sum(n), m = max(r)`,
			"2 2.5", ""},
	} {
		q := "let top = 5;\n" + strings.Join(strings.Fields(c.query), " ")
		p, err := kql.Compile(q, smallSchema, kql.Options{Now: docNow, Discover: discovered(t, e)})
		if err != nil {
			if c.err == "" || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s\n%v", c.query, err)
			}
			continue
		}
		if c.err != "" {
			t.Errorf("%s\nis taken", c.query)
			continue
		}
		rows, err := run(t, e, p)
		if err != nil {
			t.Errorf("%s\n%v\n%s", c.query, err, p.SQL)
			continue
		}
		var lines []string
		for _, r := range rows {
			var cells []string
			for i, v := range r {
				cells = append(cells, normal(v, p.Columns[i].Type))
			}
			lines = append(lines, strings.Join(cells, " "))
		}
		if got := strings.Join(lines, "; "); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.want)
		}
	}
}
