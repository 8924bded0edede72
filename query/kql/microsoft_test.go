package kql_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query/kql"
)

// TestMicrosoftParser compares what is accepted and refused as syntax with
// Microsoft's own parser, over the queries of Sentinel's rules and of the
// documentation. It needs node and the npm package @kusto/language-service-next,
// whose folder KUSTO_LANGUAGE names.
func TestMicrosoftParser(t *testing.T) {
	if os.Getenv("KUSTO_LANGUAGE") == "" {
		t.Skip("KUSTO_LANGUAGE does not name the folder of @kusto/language-service-next")
	}
	var names, queries []string
	_ = filepath.WalkDir("../../../shared/data/rules/sentinel", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var rule struct{ Query string }
		if yaml.Unmarshal(b, &rule) == nil && rule.Query != "" {
			names, queries = append(names, filepath.Base(path)), append(queries, rule.Query)
		}
		return nil
	})
	if b, err := os.ReadFile("../../../shared/data/oracle/kql/cases.jsonl"); err == nil {
		for l := range bytes.SplitSeq(b, []byte("\n")) {
			var c struct{ ID, Query string }
			if json.Unmarshal(l, &c) == nil && c.Query != "" {
				names, queries = append(names, c.ID), append(queries, c.Query)
			}
		}
	}
	if len(queries) == 0 {
		t.Skip("there is no corpus here")
	}
	in, err := json.Marshal(queries)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "testdata/parse.js")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var errs []int
	if err := json.Unmarshal(out, &errs); err != nil || len(errs) != len(queries) {
		t.Fatalf("answer of node: %v, %d of %d", err, len(errs), len(queries))
	}
	same := 0
	for i, q := range queries {
		_, err := kql.Parse(q)
		// What is refused by name is read as far as that.
		if (err == nil) == (errs[i] == 0) || err != nil && strings.Contains(err.Error(), "is not supported") {
			same++
			continue
		}
		t.Logf("%s: Microsoft's parser finds %d errors, this one says %v", names[i], errs[i], err)
	}
	t.Logf("%d of %d queries are accepted or refused as by Microsoft's parser", same, len(queries))
	if same*100 < len(queries)*95 {
		t.Errorf("%d of %d is less than 95 %%", same, len(queries))
	}
}
