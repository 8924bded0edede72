package detections_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
	"github.com/yagura-sec/yagura/ruletest"
)

// shipped loads the shipped rules; a refusal or warning is a failure.
func shipped(t testing.TB) []*rule.Rule {
	t.Helper()
	files, err := detections.Files()
	if err != nil {
		t.Fatal(err)
	}
	rules, refusals := sigma.Load(files, sigma.Options{Placeholders: detections.Placeholders()})
	for i := range refusals {
		t.Errorf("%v", &refusals[i])
	}
	if len(rules) < len(files) {
		t.Fatalf("%d rules of %d files", len(rules), len(files))
	}
	return rules
}

func loud(rules []*rule.Rule) []*rule.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r *rule.Rule) bool { return r.Silent })
}

// TestRules runs every test.yml.
func TestRules(t *testing.T) {
	tests, err := detections.Tests()
	if err != nil {
		t.Fatal(err)
	}
	rules := shipped(t)
	if len(tests) != len(loud(rules)) {
		t.Errorf("%d test files, %d rules", len(tests), len(loud(rules)))
	}
	rep := ruletest.Run(rules, tests, ruletest.Options{})
	for _, f := range rep.Failures {
		t.Error(f)
	}
	t.Logf("%d rules, %d cases", rep.Rules, rep.Cases)
}

var technique = regexp.MustCompile(`^attack\.t[0-9]{4}(\.[0-9]{3})?$`)

// TestForm holds every rule to the form of docs/detections.md.
func TestForm(t *testing.T) {
	rules := shipped(t)
	byID := map[string]*rule.Rule{}
	titles := map[string]string{}
	for _, r := range rules {
		if o := byID[r.ID]; o != nil {
			t.Errorf("%s: id of %s", r.File, o.File)
		}
		byID[r.ID] = r
	}
	for _, r := range loud(rules) {
		bad := func(format string, args ...any) { t.Errorf("%s: %s", r.File, fmt.Sprintf(format, args...)) }
		if o := titles[r.Title]; o != "" {
			bad("title of %s", o)
		}
		titles[r.Title] = r.File
		if !uuid4.MatchString(r.ID) {
			bad("id %q is not a random UUID", r.ID)
		}
		if r.Description == "" || r.Author != "Yagura" || len(r.References) == 0 || len(r.FalsePositives) == 0 || r.SeverityOriginal == "" {
			bad("description, author, references, falsepositives or level is missing")
		}
		for _, ref := range r.References {
			if !strings.HasPrefix(ref, "https://") {
				bad("reference %q", ref)
			}
		}
		if !slices.ContainsFunc(r.Tags, technique.MatchString) {
			bad("no ATT&CK technique")
		}
		if !japanese(r.Japanese.Title) || !japanese(r.Japanese.Description) {
			bad("no Japanese title or description")
		}
		if r.SideCar.Mode != rule.ModeCount { // what only ends others needs none of these
			book, ja := r.SideCar.Runbook, r.Japanese.Runbook
			if r.SideCar.Reason == "" || len(book.Check) == 0 || len(book.Do) == 0 {
				bad("no reason, or not said what to check and do")
			}
			if len(ja.Check) != len(book.Check) || len(ja.Do) != len(book.Do) || !japanese(strings.Join(ja.Check, "")) || !japanese(strings.Join(ja.Do, "")) {
				bad("the runbook is not the same in Japanese")
			}
		}
		if r.SideCar.Kind == "" || len(r.SideCar.CauseKey) == 0 {
			bad("no kind or cause_key")
		}
		if r.SideCar.Mode != rule.ModeCount {
			en, ja := r.SideCar.Runbook, r.Japanese.Runbook
			if r.SideCar.Reason == "" || len(en.Check) == 0 || len(en.Do) == 0 {
				bad("no reason for its level, or no runbook")
			}
			if len(ja.Check) == 0 || len(ja.Do) == 0 || !japanese(strings.Join(ja.Check, "")) || !japanese(strings.Join(ja.Do, "")) {
				bad("no runbook in Japanese")
			}
		}
		for _, x := range r.SideCar.Data {
			format, _, _ := strings.Cut(x, " ")
			if !slices.ContainsFunc(decode.Formats(), func(f *decode.Format) bool { return f.Name == format }) {
				bad("data %q does not begin with a format", x)
			}
		}
		if by := r.SideCar.Joins; by != "" && by != rule.JoinsSharper && by != rule.JoinsEvent && (byID[by] == nil || by == r.ID) {
			bad("joins %s is no other shipped rule", by)
		}
		if len(r.Formats) == 0 && r.Correlation == nil {
			bad("judges every format")
		}
		if by := r.SideCar.ResolvedBy; by != "" {
			switch x := byID[by]; {
			case x == nil:
				bad("resolved_by %s is no shipped rule", by)
			case x.SideCar.Mode != rule.ModeCount || x.Severity != yagura.SeverityNone:
				bad("resolved_by %s notifies", x.File)
			}
		} else if r.SideCar.Kind == yagura.Posture && r.SideCar.Mode != rule.ModeCount && r.SideCar.Joins == "" && !unresolved[r.File] {
			bad("a posture without resolved_by")
		}
	}
}

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// unresolved names postures that only a re-check can end.
var unresolved = map[string]bool{}

func japanese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han)
	})
}

// fitted finds what belongs to one recording: accounts, addresses, resource and key
// ids, event ids.
var fitted = regexp.MustCompile(`\b[0-9]{12}\b|\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b|\b(AKIA|ASIA|AIDA|AROA)[A-Z0-9]{8}|\b(i|sg|vpc|ami|snap|eni)-[0-9a-f]{8}|userAgent|user_agent|eventID|sourceIPAddress`)

// reserved are networks that belong to nobody, by which a rule asks whether an address
// is of the internet, and the system of a client, which is no user agent.
var reserved = regexp.MustCompile(`\b(10\.0\.0\.0/8|172\.16\.0\.0/12|192\.168\.0\.0/16|100\.64\.0\.0/10|169\.254\.0\.0/16|127\.0\.0\.0/8)|client\.userAgent\.os`)

// told names the rules whose subject is what the caller, or the console for it, says of itself.
var told = map[string]bool{
	"detections/aws/attack-tool-by-name/rule.yml":           true,
	"detections/aws/attack-tool-changes-something/rule.yml": true,
	"detections/aws/attack-tool-user-agent/rule.yml":        true,
	"detections/aws/change-by-hand-firewall/rule.yml":       true,
	"detections/aws/change-by-hand-iam/rule.yml":            true,
	"detections/aws/change-by-hand-logging/rule.yml":        true,
	"detections/aws/change-by-hand-network/rule.yml":        true,
	"detections/entra/attack-tool-reads-graph/rule.yml":     true,
	"detections/entra/attack-tool-sign-in/rule.yml":         true,
	"detections/entra/legacy-authentication/rule.yml":       true,
}

// TestGeneral holds the conditions of rules to what any attacker's events have.
func TestGeneral(t *testing.T) {
	files, err := detections.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		dec := yaml.NewDecoder(strings.NewReader(string(f.Data)))
		for {
			var doc struct{ Detection yaml.Node }
			if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", f.Path, err)
			}
			text, err := yaml.Marshal(&doc.Detection)
			if err != nil {
				t.Fatal(err)
			}
			if told[f.Path] {
				text = bytes.ReplaceAll(text, []byte("userAgent"), nil)
			}
			if m := fitted.FindString(reserved.ReplaceAllString(string(text), "")); m != "" {
				t.Errorf("%s: the condition names %q", f.Path, m)
			}
		}
	}
}

// TestTestsProve holds every test.yml to what it must prove: a near miss for each
// rule, a counter-event for each posture that has one, a cause key of the event's own.
func TestTestsProve(t *testing.T) {
	tests, err := detections.Tests()
	if err != nil {
		t.Fatal(err)
	}
	resolved := map[string]bool{}
	for _, r := range shipped(t) {
		if r.SideCar.ResolvedBy != "" {
			resolved[strings.TrimSuffix(r.File, "rule.yml")] = true
		}
	}
	for _, f := range tests {
		var doc struct {
			Fires []struct {
				Severity string
			}
			NearMisses []any `yaml:"near_misses"`
			Resolves   []any
		}
		if err := yaml.Unmarshal(f.Data, &doc); err != nil {
			t.Errorf("%s: %v", f.Path, err)
			continue
		}
		if len(doc.Fires) == 0 || len(doc.NearMisses) == 0 {
			t.Errorf("%s: %d firing events, %d near misses", f.Path, len(doc.Fires), len(doc.NearMisses))
		}
		for _, c := range doc.Fires {
			if c.Severity == "" {
				t.Errorf("%s: a firing event without its severity", f.Path)
			}
		}
		if resolved[strings.TrimSuffix(f.Path, "test.yml")] && len(doc.Resolves) == 0 {
			t.Errorf("%s: no counter-event, although the rule names resolved_by", f.Path)
		}
	}
}
