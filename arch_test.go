package yagura_test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/yagura-sec/yagura"

// may says what each room may import of this module, beside itself. A room that
// is not listed fails the test: adding a room means deciding its place. "*" is
// everything. The drawing of the same is in docs/architecture.md.
var may = map[string][]string{
	"":                       {},
	"filter":                 {""},
	"auth":                   {"", "secret"},
	"auth/flow":              {"", "auth", "bound"},
	"auth/oidc":              {"", "auth", "auth/flow"},
	"auth/idptest":           {},
	"auth/saml":              {"", "auth", "auth/flow"},
	"api":                    {"", "auth", "filter"},
	"web":                    {},
	"demo/generate":          {},
	"slot":                   {},
	"entitlement":            {},
	"query":                  {"", "slot"},
	"rule":                   {"", "query"},
	"rule/sigma":             {"", "entitlement", "query", "rule", "slot"},
	"rule/falco":             {"", "query", "rule", "slot"},
	"decode":                 {"", "slot"},
	"detect":                 {"", "query", "rule", "slot"},
	"repeat":                 {"", "segment"},
	"source":                 {},
	"source/file":            {"source"},
	"source/s3":              {"source"},
	"source/sqs":             {"", "source", "source/s3"},
	"source/push":            {"", "segment", "source"},
	"source/sourcetest":      {"source"},
	"accounts":               {""},
	"segment":                {},
	"server":                 {},
	"segment/segtest":        {"segment"},
	"keep":                   {"", "segment"},
	"store":                  {"", "filter"},
	"store/storetest":        {"", "filter", "store"},
	"triage":                 {"", "rule"},
	"intake":                 {"", "decode", "detect", "query", "repeat", "rule", "slot", "source", "triage", "keep"},
	"notify":                 {""},
	"notify/notifytest":      {"", "notify"},
	"notify/github":          {"", "notify"},
	"notify/pagerduty":       {"", "notify"},
	"notify/slack":           {"", "notify"},
	"notify/securityhub":     {"", "notify", "notify/awscall"},
	"notify/cloudwatch":      {"", "notify", "notify/awscall"},
	"notify/awscall":         {"notify"},
	"notify/webhook":         {"", "notify", "report"},
	"recheck":                {""},
	"secret":                 {},
	"config":                 {"", "secret"},
	"ocsf":                   {""},
	"ocsf/ocsftest":          {},
	"report":                 {"", "ocsf"},
	"coverage":               {"", "rule"},
	"bound":                  {},
	"pack":                   {"bound"},
	"ruletest":               {"", "decode", "detect", "query", "rule"},
	"detections":             {"rule"},
	"demo":                   {},
	"lake":                   {"", "keep", "lake/blob", "lake/column"},
	"lake/column":            {},
	"lake/iceberg":           {"lake", "lake/column"},
	"lake/laketest":          {},
	"lake/laketest/generate": {"lake/laketest"},
	"lake/blob":              {},
	"lake/blob/blobtest":     {"lake/blob"},
	"lake/proof":             {"", "lake/blob"},
	"lake/view":              {},
	"lake/duck":              {"query/kql/fn"},
	"query/kql":              {"query/kql/fn"},
	"query/kql/fn":           {},
	"query/sql":              {"", "query", "slot"},
	"rule/sentinel":          {"", "rule", "query/kql", "usual"},
	"schedule":               {"", "rule", "rule/sentinel"},
	"hunt":                   {"", "lake", "lake/view", "query/kql", "query/sql"},
	"hunt/apart":             {"", "hunt"},
	"hunts":                  {},
	"usual":                  {""},
	"usual/geo":              {"usual"},
	"app":                    {"*"},
	"cmd/yagura":             {"*"},

	// The fakes of services, for tests of this module.
	"notify/pagerduty/pagerdutytest":     {},
	"notify/slack/slacktest":             {},
	"notify/securityhub/securityhubtest": {},
	"notify/cloudwatch/cloudwatchtest":   {},
	"notify/webhook/webhooktest":         {"ocsf/ocsftest"},
	"notify/github/githubtest":           {},
	"recheck/rechecktest":                {},
	"usual/geo/geotest":                  {},
}

// pure rooms do no I/O: they may not reach these packages by themselves.
var pure = map[string][]string{
	"":            {"os", "net", "net/http", "os/exec", "database/sql"},
	"slot":        {"os", "net", "net/http", "os/exec", "io/ioutil"},
	"entitlement": {"os", "net", "net/http", "os/exec"},
	"query":       {"os", "net", "net/http", "os/exec"},
	"rule":        {"os", "net", "net/http", "os/exec"},
	"rule/sigma":  {"os", "net", "net/http", "os/exec"},
	"rule/falco":  {"os", "net", "net/http", "os/exec"},
	"decode":      {"os", "net", "net/http", "os/exec"},
	"ocsf":        {"os", "net", "net/http", "os/exec"},

	"lake/view":     {"os", "net", "net/http", "os/exec"},
	"query/kql":     {"os", "net/http", "os/exec"},
	"query/kql/fn":  {"os", "net/http", "os/exec"},
	"query/sql":     {"os", "net", "net/http", "os/exec"},
	"rule/sentinel": {"os", "net", "net/http", "os/exec"},
	"usual":         {"os", "net", "net/http", "os/exec"},
}

type listed struct {
	ImportPath string
	Name       string
	Doc        string
	Standard   bool
	Imports    []string
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Standard,Imports", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func room(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

// TestDirection keeps the direction of imports between the rooms.
func TestDirection(t *testing.T) {
	for _, p := range list(t) {
		r := room(p.ImportPath)
		allowed, ok := may[r]
		if !ok {
			t.Errorf("room %q is not in the plan: add it to arch_test.go and docs/architecture.md", r)
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(pure[r], imp) {
				t.Errorf("%q imports %s: this room does no I/O", r, imp)
			}
			if imp != module && !strings.HasPrefix(imp, module+"/") {
				if r == "" && strings.Contains(strings.Split(imp, "/")[0], ".") {
					t.Errorf("the root imports %s: it may use the standard library only", imp)
				}
				continue
			}
			if to := room(imp); to != r && !slices.Contains(allowed, "*") && !slices.Contains(allowed, to) {
				t.Errorf("%q imports %q: not allowed", r, to)
			}
		}
	}
}

// TestRooms keeps names that say nothing out, and a doc.go in every room.
func TestRooms(t *testing.T) {
	for _, p := range list(t) {
		r := room(p.ImportPath)
		base := r[strings.LastIndex(r, "/")+1:]
		if slices.Contains([]string{"util", "utils", "common", "types", "models", "pkg", "helpers"}, base) {
			t.Errorf("room %q: the name says nothing", r)
		}
		if p.Doc == "" {
			t.Errorf("room %q has no package comment", r)
		}
		dir := filepath.FromSlash(r)
		if _, err := os.Stat(filepath.Join(dir, "doc.go")); err != nil && p.Name != "main" {
			t.Errorf("room %q has no doc.go", r)
		}
	}
}

// TestClock keeps the clock out of the rooms that must be pure functions of
// their input.
func TestClock(t *testing.T) {
	for r := range pure {
		files, err := filepath.Glob(filepath.Join(filepath.FromSlash("./"+r), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{"time.Now(", "time.Since(", "time.Until("} {
				if strings.Contains(string(data), call) {
					t.Errorf("%s takes the clock: %s", f, call)
				}
			}
		}
	}
}
