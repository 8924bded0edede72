//go:build cgo

package kql_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/lake/view"
	"github.com/yagura-sec/yagura/query/kql"
)

const sentinelRules = "../../../shared/data/rules/sentinel"

// lakeSchema is the schema of a lake's tables.
type lakeSchema struct{}

func (s lakeSchema) Table(name string) (*kql.Table, bool) {
	t, ok := view.Lookup(name)
	if !ok {
		return nil, false
	}
	out := &kql.Table{Name: t.Name, Time: t.Time}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, kql.Column{Name: c.Name, Type: kql.Type(c.Type)})
	}
	return out, true
}

func (s lakeSchema) Names() []string {
	var out []string
	for _, t := range view.All() {
		out = append(out, t.Name)
	}
	return out
}

// TestSentinel compiles the queries of Sentinel's rules over the tables of a lake
// and lets the engine plan them over tables without rows.
func TestSentinel(t *testing.T) {
	if _, err := os.Stat(sentinelRules); err != nil {
		t.Skipf("the rules of Sentinel are not here: %v", err)
	}
	e := engine(t)
	only := os.Getenv("KQL_ONLY")
	total, compiled, ran := 0, 0, 0
	err := filepath.WalkDir(sentinelRules, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") && !strings.HasSuffix(path, ".yml") {
			return err
		}
		if only != "" && !strings.Contains(path, only) {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var rule struct{ Query string }
		if yaml.Unmarshal(b, &rule) != nil || rule.Query == "" {
			t.Logf("NOQUERY %s", path)
			return nil
		}
		total++
		name := strings.TrimPrefix(path, sentinelRules+"/")
		p, err := kql.Compile(rule.Query, lakeSchema{}, kql.Options{Now: docNow, External: list})
		if err != nil {
			t.Logf("COMPILE %s: %v", name, err)
			return nil
		}
		compiled++
		if only != "" {
			t.Logf("%s\n%s", rule.Query, p.SQL)
		}
		if _, err := run(t, e, p, empty(p)...); err != nil {
			t.Logf("RUN %s: %.400v", name, err)
			return nil
		}
		ran++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d queries, %d compiled, %d accepted by the engine", total, compiled, ran)
	if only == "" && ran*100 < total*90 {
		t.Errorf("%d of %d queries run, which is less than 90 %%", ran, total)
	}
}

// list stands for the local copy of a list whose address is allowed.
func list(_ []string, _ string, columns int) (*kql.Table, bool) {
	t := &kql.Table{Name: "list"}
	for i := range columns {
		t.Columns = append(t.Columns, kql.Column{Name: fmt.Sprintf("c%d", i), Type: "string"})
	}
	return t, true
}

// empty are the tables of a plan without rows.
func empty(p *kql.Plan) []duck.View {
	var out []duck.View
	for _, u := range p.Tables {
		t, ok := lakeSchema{}.Table(u.Table)
		if !ok {
			t, _ = list(nil, "", 50)
		}
		var cols []string
		for _, c := range t.Columns {
			for _, n := range u.Columns {
				if n == c.Name {
					cols = append(cols, "CAST(NULL AS "+c.Type.SQL()+") AS \""+c.Name+"\"")
				}
			}
		}
		if len(cols) == 0 {
			cols = []string{"1 AS \"_\""}
		}
		out = append(out, duck.View{Name: u.Table, SQL: "SELECT " + strings.Join(cols, ", ") + " WHERE false"})
	}
	return out
}
