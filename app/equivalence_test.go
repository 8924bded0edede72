package app

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var recordPage = flag.Bool("record", false, "write the lists of docs/differences.md again")

// pair is one condition in both languages. A record is the members of a CloudTrail
// record that matter; plainMembers gives it the rest.
type pair struct {
	name  string
	sigma string // members of detection, or of its only selection; YAML in flow style
	falco string // a condition
	hit   []string
	miss  []string
	more  more
}

// more is what a pair needs beside its conditions.
type more struct {
	sigmaKeys string // of the rule, above detection
	sigmaDocs string // further documents
	falcoKeys string // of the rule, below condition
	falcoList string // items before the rule
}

// plainMembers are the members of a record that does not name them itself.
var plainMembers = []struct{ key, value string }{
	{"eventVersion", `"1.11"`},
	{"eventTime", `"2026-03-02T09:15:00Z"`},
	{"eventSource", `"iam.amazonaws.com"`},
	{"eventName", `"GetUser"`},
	{"awsRegion", `"eu-west-1"`},
	{"sourceIPAddress", `"192.0.2.10"`},
	{"userAgent", `"aws-cli/2.17.9"`},
	{"userIdentity", `{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","userName":"alice"}`},
	{"eventType", `"AwsApiCall"`},
	{"recipientAccountId", `"111122223333"`},
}

// trailRecord completes a record; its own members stay as they are written.
func trailRecord(t *testing.T, n int, members string) string {
	t.Helper()
	var own map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+members+"}"), &own); err != nil {
		t.Fatalf("%s: %v", members, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"eventID":"00000000-0000-4000-8000-%012d"`, n)
	for _, m := range plainMembers {
		if _, ok := own[m.key]; !ok {
			fmt.Fprintf(&b, `,%q:%s`, m.key, m.value)
		}
	}
	if members != "" {
		b.WriteString("," + members)
	}
	return b.String() + "}"
}

func (p pair) sigmaRule(n int) string {
	detection := p.sigma
	if !strings.Contains(detection, "condition:") {
		detection = "selection: {" + detection + "}, condition: selection"
	}
	text := fmt.Sprintf("title: s%03d\nid: 00000000-0000-4000-8000-%012d\nlogsource: {product: aws, service: cloudtrail}\nlevel: medium\n", n, n)
	if p.more.sigmaKeys != "" {
		text += p.more.sigmaKeys + "\n"
	}
	text += "detection: {" + detection + "}\n"
	if p.more.sigmaDocs != "" {
		text += "---\n" + strings.ReplaceAll(p.more.sigmaDocs, "RULE", fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) + "\n"
	}
	return text
}

func (p pair) falcoRule(n int) string {
	text := ""
	if p.more.falcoList != "" {
		text = strings.ReplaceAll(p.more.falcoList, "NUM", fmt.Sprint(n)) + "\n"
	}
	text += fmt.Sprintf("- rule: f%03d\n  desc: d\n  condition: '%s'\n  output: hit\n  priority: WARNING\n  source: aws_cloudtrail\n",
		n, strings.ReplaceAll(strings.ReplaceAll(p.falco, "NUM", fmt.Sprint(n)), "'", "''"))
	if p.more.falcoKeys != "" {
		text += "  " + strings.ReplaceAll(p.more.falcoKeys, "\n", "\n  ") + "\n"
	}
	return text
}

// found is one finding without what names its rule.
type found struct {
	Kind, Severity, Time string
	Event, Entities      json.RawMessage
	Events               []string
}

// judge scans records by the rules of all pairs and returns the findings by the
// rule's title and the number of the record. A rule that is refused has no title there.
func judge(t *testing.T, pairs []pair, records []string) (byRule map[string]map[int]found, refused map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	refused = map[string]string{}
	var paths []string
	for i, p := range pairs {
		s, f := fmt.Sprintf("rules/s%03d.yml", i), fmt.Sprintf("rules/f%03d.yaml", i)
		writeFile(t, s, p.sigmaRule(i))
		writeFile(t, f, p.falcoRule(i))
		paths = append(paths, s, f)
	}
	writeFile(t, "log.jsonl", records...)
	rules, err := LoadRules(RuleOptions{Paths: paths, Placeholders: map[string][]string{"admins": {"alice", "bob"}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rules.Refusals {
		if r := &rules.Refusals[i]; !r.Warning {
			refused[strings.TrimSuffix(filepath.Base(r.File), filepath.Ext(r.File))] = r.Error()
		}
	}
	lines, problems, _ := runScan(t, rules, ScanOptions{}, "log.jsonl")
	for _, p := range problems {
		t.Error(p)
	}
	byRule = map[string]map[int]found{}
	for _, l := range lines {
		var f struct {
			found
			Rule struct{ Title, Engine string }
		}
		if err := json.Unmarshal([]byte(l), &f); err != nil {
			t.Fatal(err)
		}
		if len(f.Events) != 1 {
			t.Fatalf("a finding about %d events: %s", len(f.Events), l)
		}
		var n int
		if _, err := fmt.Sscanf(strings.TrimLeft(f.Events[0][24:], "0")+" ", "%d", &n); err != nil {
			n = 0
		}
		m := byRule[f.Rule.Title]
		if m == nil {
			m = map[int]found{}
			byRule[f.Rule.Title] = m
		}
		if _, twice := m[n]; twice {
			t.Errorf("%s fires twice for record %d", f.Rule.Title, n)
		}
		m[n] = f.found
	}
	return byRule, refused
}

// TestEquivalence judges every record of every pair by all the conditions in both
// languages: the findings are equal, and each pair's own records hit and miss as said.
func TestEquivalence(t *testing.T) {
	if len(equalPairs) < 60 {
		t.Errorf("%d pairs, want 60", len(equalPairs))
	}
	var records []string
	add := func(list []string) (first int) {
		first = len(records)
		for _, r := range list {
			records = append(records, trailRecord(t, len(records), r))
		}
		return first
	}
	add(plainRecords)
	hits, misses := make([]int, len(equalPairs)), make([]int, len(equalPairs))
	for i, p := range equalPairs {
		hits[i], misses[i] = add(p.hit), add(p.miss)
	}
	byRule, refused := judge(t, equalPairs, records)
	for name, why := range refused {
		t.Errorf("%s: %s", name, why)
	}
	for i, p := range equalPairs {
		t.Run(p.name, func(t *testing.T) {
			s, f := byRule[fmt.Sprintf("s%03d", i)], byRule[fmt.Sprintf("f%03d", i)]
			if d := cmp.Diff(s, f); d != "" {
				for n := range records {
					_, inS := s[n]
					_, inF := f[n]
					if inS != inF {
						t.Errorf("Sigma %v, Falco %v: %s", inS, inF, records[n])
					}
				}
				if !t.Failed() {
					t.Error(d)
				}
			}
			if len(p.hit) == 0 || len(p.miss) == 0 {
				t.Error("a pair needs records that hit and records that miss")
			}
			for k, r := range p.hit {
				if _, ok := s[hits[i]+k]; !ok {
					t.Errorf("does not hold for %s", r)
				}
			}
			for k, r := range p.miss {
				if _, ok := s[misses[i]+k]; ok {
					t.Errorf("holds for %s", r)
				}
			}
		})
	}
}

// verdicts are what the two languages say of one record.
type verdicts struct {
	record       string
	sigma, falco bool
}

// difference is a pair of conditions that look alike and mean different things.
type difference struct {
	name, why    string
	sigma, falco string
	cases        []verdicts
	// refusal is a part of the reason for which Falco's language refuses the condition.
	refusal string
	more    more
}

// TestDifferences pins what is different between the languages, and that the lists of
// docs/differences.md say so.
func TestDifferences(t *testing.T) {
	var records []string
	var pairs []pair
	first := make([]int, len(differences))
	for i, d := range differences {
		pairs = append(pairs, pair{sigma: d.sigma, falco: d.falco, more: d.more})
		first[i] = len(records)
		for _, c := range d.cases {
			records = append(records, trailRecord(t, len(records), c.record))
		}
	}
	page := filepath.Join(root(t), "docs", "differences.md")
	byRule, refused := judge(t, pairs, records)
	for i, d := range differences {
		t.Run(d.name, func(t *testing.T) {
			s, f := fmt.Sprintf("s%03d", i), fmt.Sprintf("f%03d", i)
			if why := refused[s]; why != "" {
				t.Error(why)
			}
			if why := refused[f]; (d.refusal == "") != (why == "") || !strings.Contains(why, d.refusal) {
				t.Errorf("refused: %q, want %q", why, d.refusal)
			}
			apart := d.refusal != ""
			for k, c := range d.cases {
				_, inS := byRule[s][first[i]+k]
				_, inF := byRule[f][first[i]+k]
				if inS != c.sigma || inF != c.falco {
					t.Errorf("Sigma %v, Falco %v, want %v and %v: %s", inS, inF, c.sigma, c.falco, records[first[i]+k])
				}
				apart = apart || inS != inF
			}
			if !apart {
				t.Error("no record tells the two apart")
			}
			if !strings.HasSuffix(d.why, ".") {
				t.Errorf("%q is no sentence", d.why)
			}
		})
	}
	checkPage(t, page)
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		} else if dir == filepath.Dir(dir) {
			break
		}
	}
	t.Fatalf("there is no go.mod above: %v", err)
	return ""
}

const (
	beginList = "<!-- begin %s -->\n"
	endList   = "<!-- end %s -->\n"
)

// checkPage compares the lists of the page with those of the tests.
func checkPage(t *testing.T, name string) {
	t.Helper()
	lists := map[string]string{"equal": equalTable(), "different": differenceTable()}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, list := range slices.Sorted(maps.Keys(lists)) {
		begin, end := fmt.Sprintf(beginList, list), fmt.Sprintf(endList, list)
		before, rest, ok := strings.Cut(page, begin)
		old, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no marks %q and %q", name, begin, end)
		}
		if *recordPage {
			page = before + begin + lists[list] + end + after
		} else if d := cmp.Diff(strings.Split(lists[list], "\n"), strings.Split(old, "\n")); d != "" {
			t.Errorf("the list %q of %s is not that of the tests (write it with -record):\n%s", list, name, d)
		}
	}
	if *recordPage && !bytes.Equal(data, []byte(page)) {
		if err := os.WriteFile(name, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// cell writes text as code in a table of Markdown.
func cell(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) }

// code writes text as code in Markdown.
func code(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	mark := "`"
	for strings.Contains(s, mark) {
		mark += "`"
	}
	if len(mark) > 1 {
		return mark + " " + s + " " + mark
	}
	return mark + s + mark
}

func equalTable() string {
	var b strings.Builder
	b.WriteString("| | Sigma | Falco |\n|---|---|---|\n")
	for _, p := range equalPairs {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", p.name, with(p.sigma, p.more.sigmaKeys, p.more.sigmaDocs), with(p.falco, p.more.falcoList, p.more.falcoKeys))
	}
	return b.String()
}

// with writes a condition and what it needs beside itself.
func with(condition string, more ...string) string {
	s := cell(condition)
	for _, m := range more {
		if m != "" {
			s += " with " + cell(m)
		}
	}
	return strings.ReplaceAll(s, "_NUM", "")
}

func differenceTable() string {
	var b strings.Builder
	for _, d := range differences {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", strings.ToUpper(d.name[:1])+d.name[1:], d.why)
		fmt.Fprintf(&b, "Sigma %s, Falco %s\n\n", code(d.sigma), code(d.falco))
		if d.refusal != "" {
			fmt.Fprintf(&b, "Falco's language refuses this: %s.\n\n", d.refusal)
		}
		b.WriteString("| record | Sigma | Falco |\n|---|---|---|\n")
		word := map[bool]string{true: "fires", false: "–"}
		for _, c := range d.cases {
			record := cell(c.record)
			if c.record == "" {
				record = "without the field"
			}
			falco := word[c.falco]
			if d.refusal != "" {
				falco = "refused"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", record, word[c.sigma], falco)
		}
		b.WriteString("\n")
	}
	return b.String()
}
