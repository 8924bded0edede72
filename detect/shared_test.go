package detect

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// shared returns a path below the folder of given data beside the repository, or
// skips the test.
func shared(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
	p := filepath.Join(dir, "..", "shared", path)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("the given data are not here: %v", err)
	}
	return p
}

// givenRules loads the Sigma rules below a folder of the given data.
func givenRules(t testing.TB, path string, o sigma.Options) []*rule.Rule {
	t.Helper()
	var files []rule.File
	root := shared(t, path)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".yml") {
			return err
		}
		data, err := os.ReadFile(p)
		files = append(files, rule.File{Path: strings.TrimPrefix(p, root), Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rules, refusals := sigma.Load(files, o)
	for _, r := range refusals {
		if !r.Warning {
			t.Log(r.Error())
		}
	}
	return rules
}

// givenTrail returns the CloudTrail records of the given data, by event id, and
// their order.
func givenTrail(t testing.TB) (ids []string, records map[string][]byte) {
	t.Helper()
	records = map[string][]byte{}
	add := func(raw json.RawMessage) {
		var head struct{ EventID string }
		if err := json.Unmarshal(raw, &head); err != nil {
			t.Fatal(err)
		}
		if _, ok := records[head.EventID]; !ok {
			ids = append(ids, head.EventID)
		}
		records[head.EventID] = raw
	}
	data, err := os.ReadFile(shared(t, "data/aws/cloudtrail/opensearch-catalog.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		add(json.RawMessage(strings.TrimSpace(line)))
	}
	files, err := filepath.Glob(shared(t, "data/aws/cloudtrail/stratus-detonation") + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var list []json.RawMessage
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, raw := range list {
			add(raw)
		}
	}
	return ids, records
}

// TestExpected compares the hits of SigmaHQ's AWS rules on the given CloudTrail
// events with those of an independent evaluator.
func TestExpected(t *testing.T) {
	rules := givenRules(t, "data/rules/sigma/rules/cloud/aws", sigma.Options{NoRouting: true})
	ids, records := givenTrail(t)
	want := map[string]bool{}
	data, err := os.ReadFile(shared(t, "data/oracle/sigma/cloudtrail-expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var x struct {
			EventID string `json:"event_id"`
			RuleID  string `json:"rule_id"`
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		want[x.EventID+" "+x.RuleID] = true
	}
	s := newStand(t, Options{}, rules...)
	got := map[string]bool{}
	for _, id := range ids {
		for _, h := range s.match(string(records[id])) {
			got[id+" "+h.Rule.ID] = true
			if !want[id+" "+h.Rule.ID] {
				t.Errorf("event %s: rule %s must not fire", id, h.Rule.File)
			}
		}
	}
	for x := range want {
		if !got[x] {
			t.Errorf("missing: %s", x)
		}
	}
	if len(want) == 0 {
		t.Error("nothing is expected")
	}
}

// TestIndexGiven compares hits with and without the index: all given Sigma rules on
// all given CloudTrail records.
func TestIndexGiven(t *testing.T) {
	rules := givenRules(t, "data/rules/sigma", sigma.Options{NoRouting: true})
	ids, records := givenTrail(t)
	on, off := newStand(t, Options{}, rules...), newStand(t, Options{NoIndex: true}, rules...)
	total := 0
	for _, id := range ids {
		a, b := hitIDs(on.match(string(records[id]))), hitIDs(off.match(string(records[id])))
		if a != b {
			t.Errorf("event %s: with index %s, without %s", id, a, b)
		}
		total += strings.Count(a, " ")
	}
	if len(rules) < 200 || total == 0 {
		t.Errorf("%d rules, %d hits", len(rules), total)
	}
}

func hitIDs(hits []Hit) string {
	var b strings.Builder
	for _, h := range hits {
		b.WriteString(h.Rule.ID + " ")
	}
	return b.String()
}
