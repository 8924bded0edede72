package falco

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/rule"
)

// shared finds the data beside the repository, and skips the test without it.
func shared(t *testing.T, elem ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(append([]string{dir, "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs %s beside the repository", filepath.Join(elem...))
	}
	return path
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// lines decodes a file of JSON lines.
func lines[T any](t *testing.T, path string) []T {
	t.Helper()
	var out []T
	sc := bufio.NewScanner(bytes.NewReader(readFile(t, path)))
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		var v T
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// verdict is what Falco says of a rule file.
type verdict struct {
	Case     string      `json:"case"`
	OK       *bool       `json:"ok"`
	Errors   [][2]string `json:"errors"`
	Warnings [][2]string `json:"warnings"`
}

// falcoVerdict says our refusals as Falco does: the first error refuses the file.
func falcoVerdict(refusals []rule.Refusal) (ok bool, errors, warnings [][2]string) {
	ok = true
	for _, r := range refusals {
		switch {
		case isError(r.Code):
			if ok {
				errors = append(errors, [2]string{r.Code, r.Reason})
			}
			ok = false
		case strings.HasPrefix(r.Code, "LOAD_"):
			warnings = append(warnings, [2]string{r.Code, r.Reason})
		}
	}
	return ok, errors, warnings
}

// verdictDifferences are the cases in which we differ from Falco on purpose.
var verdictDifferences = map[string]string{
	"plugin_missing": "the plugin okta is stood in for here, and Falco was run without it",
	"unknown_source": "older cloud style: Falco skips the rule, here it is judged on CloudTrail records",
}

func TestOracleVerdicts(t *testing.T) {
	dir := shared(t, "oracle", "falco", "load-errors")
	for _, want := range lines[verdict](t, filepath.Join(dir, "verdicts.jsonl")) {
		t.Run(want.Case, func(t *testing.T) {
			file := rule.File{Path: want.Case + ".yaml", Data: readFile(t, filepath.Join(dir, want.Case+".yaml"))}
			_, refusals := Load([]rule.File{file}, Options{Strict: true})
			ok, errors, warnings := falcoVerdict(refusals)
			if why := verdictDifferences[want.Case]; why != "" {
				if !ok {
					t.Errorf("refused, though %s: %v", why, errors)
				}
				return
			}
			// Falco ends at once where a plugin does not fit; that is an error here.
			wantOK := want.OK != nil && *want.OK
			for i, e := range want.Errors {
				if e[0] == "EXIT" {
					want.Errors[i] = [2]string{codeValidate, strings.TrimPrefix(e[1], "Error: ")}
				}
				if e[0] == codeYAMLParse && len(errors) == 1 && errors[0][0] == codeYAMLParse {
					want.Errors[i] = errors[0] // the YAML reader has words of its own
				}
			}
			if ok != wantOK {
				t.Errorf("ok = %v, want %v", ok, wantOK)
			}
			if diff := cmp.Diff(want.Errors, errors, equateEmpty()); diff != "" {
				t.Errorf("errors (-falco +ours):\n%s", diff)
			}
			byText := func(w [][2]string) {
				sort.Slice(w, func(i, j int) bool { return w[i][0]+w[i][1] < w[j][0]+w[j][1] })
			}
			byText(want.Warnings)
			byText(warnings)
			if diff := cmp.Diff(want.Warnings, warnings, equateEmpty()); diff != "" {
				t.Errorf("warnings (-falco +ours):\n%s", diff)
			}
			for _, r := range refusals {
				if r.Line == 0 || r.File == "" {
					t.Errorf("no place: %+v", r)
				}
			}
		})
	}
}

// equateEmpty holds nil and an empty list for equal.
func equateEmpty() cmp.Option {
	return cmp.Transformer("nil", func(x [][2]string) [][2]string {
		if x == nil {
			return [][2]string{}
		}
		return x
	})
}

func TestOracleRejected(t *testing.T) {
	path := shared(t, "oracle", "falco", "conditions", "rejected.jsonl")
	rules := string(readFile(t, filepath.Join(filepath.Dir(path), "rules.yaml")))
	lists, _, _ := strings.Cut(rules, "\n- rule:")
	for _, want := range lines[struct{ Rule, Block, Code, Message string }](t, path) {
		_, refusals := Load([]rule.File{{Path: "rejected.yaml", Data: []byte(lists + "\n" + want.Block)}}, Options{})
		i := slices.IndexFunc(refusals, func(r rule.Refusal) bool { return r.Rule == want.Rule && !r.Warning })
		if i < 0 {
			t.Errorf("%s: loaded, and Falco says %s", want.Rule, want.Message)
			continue
		}
		if got := refusals[i]; got.Code != want.Code || got.Reason != want.Message {
			t.Errorf("%s: %s %q, want %s %q", want.Rule, got.Code, got.Reason, want.Code, want.Message)
		}
	}
}

// officialFiles are the rule files of Falco's cloud plugins, in load order.
func officialFiles(t *testing.T) []rule.File {
	dir := shared(t, "rules", "falco", "plugins")
	var files []rule.File
	for _, name := range []string{
		"cloudtrail/rules/aws_cloudtrail_rules.yaml", "gcpaudit/rules/gcp_auditlog_rules.yaml",
		"okta/rules/okta_rules.yaml", "github/rules/github.yaml", "k8saudit/rules/k8s_audit_rules.yaml",
		"k8saudit-gke/rules/k8s_audit_rules_gke.yaml",
	} {
		files = append(files, rule.File{Path: name, Data: readFile(t, filepath.Join(dir, name))})
	}
	return files
}

func TestOfficialRulesLoad(t *testing.T) {
	files := officialFiles(t)
	rules, refusals := Load(files, Options{}) // those that are disabled too
	for _, r := range refusals {
		if r.Warning {
			t.Log(r.Error())
		} else {
			t.Error(r.Error())
		}
	}
	byFormat := map[string]int{}
	for _, r := range rules {
		byFormat[r.Formats[0]]++
	}
	want := map[string]int{"aws.cloudtrail": 22, "gcp.audit": 39, "okta.system": 21, "github.audit": 15, "kubernetes.audit": 48}
	if diff := cmp.Diff(want, byFormat); diff != "" {
		t.Errorf("rules loaded (-want +got):\n%s", diff)
	}
}

func TestOracleConditions(t *testing.T) {
	dir := shared(t, "oracle", "falco", "conditions")
	rules, refusals := Load([]rule.File{{Path: "rules.yaml", Data: readFile(t, filepath.Join(dir, "rules.yaml"))}}, Options{Hostname: "oracle"})
	matrix := map[string][]string{}
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "matrix.json")), &matrix); err != nil {
		t.Fatal(err)
	}
	for _, r := range refusals {
		if _, loaded := matrix[r.Rule]; loaded && !r.Warning && len(matrix[r.Rule]) > 0 {
			t.Error(r.Error())
		}
	}
	var trail struct{ Records []json.RawMessage }
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "events.json")), &trail); err != nil {
		t.Fatal(err)
	}
	j := newJudge(t, rules, "aws.cloudtrail")
	got := map[string][]string{}
	outputs := map[[2]string]string{}
	num, first := uint64(0), int64(0)
	for _, record := range trail.Records {
		meta, id, ok := cloudtrailMeta(t, record, num+1, first)
		if !ok {
			continue
		}
		num++
		first = meta.First
		for _, a := range j.fire(t, record, meta) {
			got[a.rule] = append(got[a.rule], id)
			outputs[[2]string{id, a.rule}] = a.output
		}
	}
	for name, want := range matrix {
		if len(want) == 0 {
			delete(matrix, name)
		}
	}
	if diff := cmp.Diff(matrix, got); diff != "" {
		t.Errorf("rules and the events that they fire on (-falco +ours):\n%s", diff)
	}
	compared := 0
	for _, want := range lines[struct {
		Message, Rule string
		Tags          []string
		Fields        map[string]any `json:"output_fields"`
	}](t, filepath.Join(dir, "alerts.jsonl")) {
		id, _ := want.Fields["ct.id"].(string)
		if text, ok := outputs[[2]string{id, want.Rule}]; ok && text != want.Message {
			t.Errorf("%s on %s:\n got %q\nwant %q", want.Rule, id, text, want.Message)
		}
		compared++
	}
	if compared != 2942 {
		t.Errorf("compared %d alerts, want all 2942", compared)
	}
}
