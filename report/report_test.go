package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

func finding(n int, title string, s yagura.Severity) *yagura.Finding {
	at := time.Date(2026, 3, 14, 9, 26, n, 0, time.UTC)
	return &yagura.Finding{V: 1, ID: fmt.Sprintf("f%d", n), CauseKey: title + "/alice", Kind: yagura.Behaviour,
		Rule:     yagura.RuleRef{ID: "id-" + title, Title: title, Engine: yagura.EngineSigma, File: "r.yml", Tags: []string{"attack.t1562.008", "attack.defense-evasion"}},
		Severity: s, SeverityOriginal: "x", Format: "aws.cloudtrail", Source: "file", Time: at,
		Event: yagura.EventRef{ID: fmt.Sprintf("e%d", n), Time: at, Account: "111122223333", Region: "eu-west-1", Action: "StopLogging",
			Actor: yagura.Actor{Type: "user", ID: "arn:aws:iam::111122223333:user/alice", Name: "alice"}, SrcIP: "192.0.2.7", Outcome: "success"},
		Events: []string{fmt.Sprintf("e%d", n)}, Entities: []yagura.Entity{{Type: "ip", ID: "192.0.2.7"}, {Type: "user", ID: "alice"}},
		Why:    []yagura.Why{{Field: "eventName", Op: "equals", Value: "StopLogging", Actual: "StopLogging"}, {Field: "errorCode", Op: "exists", Value: "false"}},
		Output: title + " by alice"}
}

func render(t *testing.T, format string, o Options, items ...Item) string {
	t.Helper()
	var b bytes.Buffer
	w, err := New(format, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		if err := w.Write(it); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func items(fs ...*yagura.Finding) (out []Item) {
	for _, f := range fs {
		out = append(out, Item{Finding: f, File: "logs/a b.json.gz", Offset: 17})
	}
	return out
}

func TestUnknownFormat(t *testing.T) {
	if _, err := New("xml", nil, Options{}); err == nil || !strings.Contains(err.Error(), "want one of table, jsonl, ocsf, sarif") {
		t.Error(err)
	}
	if _, err := NewEvents("xml", nil, Options{}); err == nil {
		t.Error("an unknown format of events was accepted")
	}
}

func TestTable(t *testing.T) {
	low := finding(1, "Low thing", yagura.SeverityLow)
	low.Mode = "count"
	got := render(t, "table", Options{}, items(low, finding(2, "Trail stopped", yagura.SeverityHigh), finding(5, "Trail stopped", yagura.SeverityHigh))...)
	want := `SEVERITY  RULE                      COUNT  ACCOUNT       ACTOR  TARGET  TIME (UTC)
high      Trail stopped                 2  111122223333  alice          2026-03-14 09:26:02 – 09:26:05
low       Low thing [counted only]      1  111122223333  alice          2026-03-14 09:26:01
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := render(t, "table", Options{}); got != "" {
		t.Errorf("nothing found prints %q", got)
	}
}

func TestTableExplainJapanese(t *testing.T) {
	f := finding(2, "Trail stopped", yagura.SeverityHigh)
	f.Why = append(f.Why, yagura.Why{Field: "name", Op: "contains", Value: "a", Actual: "evil\x1b[2J\u202eabc"})
	var all []*yagura.Finding
	for i := range 7 {
		one := *f
		one.ID, one.Event.Key, one.Events = fmt.Sprintf("f%d", i), yagura.Key{byte(i + 1)}, []string{fmt.Sprintf("e%d", i)}
		all = append(all, &one)
	}
	got := render(t, "table", Options{Explain: true, Japanese: true, Title: func(yagura.RuleRef) string { return "証跡の停止" },
		Account: func(id string) string { return map[string]string{"111122223333": "本番"}[id] },
	}, items(all...)...)
	want := `重大度  ルール      件数  アカウント  実行者  対象  時刻 (UTC)
高      証跡の停止     7  本番        alice         2026-03-14 09:26:02
    Trail stopped by alice
    理由      eventName equals "StopLogging"
              errorCode exists "false" (値なし)
              name contains "a" (実際の値 "evil\x1b[2J\u202eabc")
    イベント  e0, e1, e2, e3, e4 ほか 2 件
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestTableOrder: worst first, then by time, whatever the count and whatever came first;
// what has no time stands last.
func TestTableOrder(t *testing.T) {
	often := finding(30, "Often", yagura.SeverityHigh)
	timeless := finding(0, "Timeless", yagura.SeverityHigh)
	timeless.Time = time.Time{}
	got := render(t, "table", Options{}, items(timeless, often, often, finding(5, "Low", yagura.SeverityLow), finding(20, "Middle", yagura.SeverityHigh), finding(10, "First", yagura.SeverityHigh))...)
	var titles []string
	for line := range strings.Lines(got) {
		titles = append(titles, strings.Fields(line)[1])
	}
	if d := cmp.Diff([]string{"RULE", "First", "Middle", "Often", "Timeless", "Low"}, titles); d != "" {
		t.Error(d)
	}
}

// TestTableTarget shows in what two causes of one rule, account and actor differ.
func TestTableTarget(t *testing.T) {
	for key, want := range map[string]string{
		`111122223333 rule-1 actor=arn:aws:iam::111122223333:user/alice target=arn:aws:s3:::invoices`:                              "invoices",
		`111122223333 rule-1 userIdentity.arn=arn:aws:iam::111122223333:user/alice`:                                                "",
		`111122223333 "My rule" requestParameters.groupId=sg-1 "a b"="22, 80" port=`:                                               "sg-1, 22, 80",
		`111122223333 rule-1 role=arn:aws:iam::111122223333:role/path/admin fn=arn:aws:lambda:eu-west-1:111122223333:function:one`: "admin, function:one",
		`- rule-1 trail="cut inside…0123456789abcdef`:                                                                              `"cut`,
		`only`: "",
		``:     "",
	} {
		f := finding(1, "x", yagura.SeverityLow)
		f.CauseKey = key
		if got := target(f); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// TestTableActor: a window of one address is the deed of the address. Whom its last event
// names is one of those that were tried.
func TestTableActor(t *testing.T) {
	group := func(actual string) yagura.Why { return yagura.Why{Field: "f", Op: "group-by", Actual: actual} }
	for name, c := range map[string]struct {
		why           []yagura.Why
		actor, target string
	}{
		"one event":             {nil, "alice", "198.51.100.7"},
		"of the address":        {[]yagura.Why{group("198.51.100.7"), {Field: "value_count", Op: "gte", Value: "10", Actual: "12"}}, "198.51.100.7", ""},
		"and of the account":    {[]yagura.Why{group("111122223333"), group("198.51.100.7")}, "198.51.100.7", ""},
		"of the account alone":  {[]yagura.Why{group("111122223333")}, "alice", "198.51.100.7"},
		"and of the user":       {[]yagura.Why{group("198.51.100.7"), group("alice")}, "alice", "198.51.100.7"},
		"of some other address": {[]yagura.Why{group("203.0.113.9")}, "alice", "198.51.100.7"},
	} {
		f := finding(1, "x", yagura.SeverityLow)
		f.Event = yagura.EventRef{Account: "111122223333", Actor: yagura.Actor{ID: "alice"}, SrcIP: "198.51.100.7"}
		f.CauseKey, f.Why = "111122223333 rule-1 src_ip=198.51.100.7", c.why
		if actor, target := actorOf(f), target(f); actor != c.actor || target != c.target {
			t.Errorf("%s: actor %q and target %q, want %q and %q", name, actor, target, c.actor, c.target)
		}
	}
}

func FuzzCauseParts(f *testing.F) {
	f.Add(`111122223333 "My rule" a=b "c d"="e\"f" g=`)
	f.Add(`"`)
	f.Fuzz(func(t *testing.T, key string) {
		if n := len(causeParts(key)); n > len(key)+1 {
			t.Errorf("%d parts of %q", n, key)
		}
	})
}

// TestTableFitsTheTerminal: no line is wider, the severity and the count are whole, and
// in a narrow terminal a row takes two lines.
func TestTableFitsTheTerminal(t *testing.T) {
	f := finding(1, strings.Repeat("long title ", 20), yagura.SeverityCritical)
	f.Event.Actor.Name = strings.Repeat("名", 40)
	f.CauseKey = "111122223333 rule target=" + strings.Repeat("t", 100)
	g := finding(2, "Broken", yagura.SeverityLow)
	g.Rule.Engine, g.Event = yagura.EngineBuiltin, yagura.EventRef{}
	for _, japanese := range []bool{false, true} {
		for width, lines := range map[int]int{80: 6, 100: 6, 110: 3, 120: 3, 160: 3, 400: 3} {
			got := render(t, "table", Options{Width: width, Color: true, Japanese: japanese}, append(items(f), Item{Finding: g, File: strings.Repeat("folder/", 30) + "end.json"})...)
			n := 0
			for line := range strings.Lines(got) {
				n++
				plain := strings.NewReplacer("\x1b[1m", "", "\x1b[2m", "", "\x1b[1;35m", "", "\x1b[36m", "", "\x1b[0m", "", "\n", "").Replace(line)
				if strings.Contains(plain, "\x1b") {
					t.Errorf("an unknown sequence in %q", plain)
				}
				if columns(plain) > width {
					t.Errorf("%d columns of %d: %s", columns(plain), width, plain)
				}
			}
			if n != lines {
				t.Errorf("%d columns: %d lines, want %d:\n%s", width, n, lines, got)
			}
			if width >= 110 && !strings.Contains(got, "/end.json") {
				t.Errorf("%d columns: the end of the file's name is cut:\n%s", width, got)
			}
		}
	}
}

func TestTableIsBounded(t *testing.T) {
	var all []Item
	for i := range 50 {
		f := finding(i, "Noise", yagura.SeverityLow)
		f.CauseKey = fmt.Sprint(i)
		all = append(all, items(f)...)
	}
	got := render(t, "table", Options{MaxCauses: 3}, all...)
	if n := strings.Count(got, "\n"); n != 1+3+1+1 {
		t.Errorf("%d lines:\n%s", n, got)
	}
	if !strings.Contains(got, "Noise (further causes)     47") || !strings.HasSuffix(got, "more than 3 causes: the further ones are counted per rule\n") {
		t.Error(got)
	}
}

func TestColumns(t *testing.T) {
	var b strings.Builder
	if err := WriteColumns(&b, [][]string{{"重大度", "A", "Z"}, {"高", "long"}, {"x", "", "y"}}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("重大度  A     Z\n高      long\nx             y\n", b.String()); d != "" {
		t.Error(d)
	}
}

func TestJSONLines(t *testing.T) {
	f := &yagura.Finding{V: 1, ID: "f", Kind: yagura.Posture, Severity: yagura.SeverityNone, Output: "<a&b>"}
	got := render(t, "jsonl", Options{}, items(f, finding(3, "T", yagura.SeverityHigh))...)
	lines := strings.Split(got, "\n")
	want := `{"v":1,"id":"f","cause_key":"","kind":"posture","rule":{"id":"","title":"","engine":"","file":"","tags":[]},"severity":"none","severity_original":"","format":"","source":"","time":"0001-01-01T00:00:00Z","event":{"id":"","key":"00000000000000000000000000000000","time":"0001-01-01T00:00:00Z","account":"","region":"","action":"","actor":{},"src_ip":"","outcome":""},"events":[],"entities":[],"why":[],"output":"<a&b>"}`
	if d := cmp.Diff(want, lines[0]); d != "" || len(lines) != 3 {
		t.Error(d, len(lines))
	}
	var back yagura.Finding
	if err := json.Unmarshal([]byte(lines[1]), &struct {
		*yagura.Finding
		Event json.RawMessage `json:"event"`
	}{Finding: &back}); err != nil || back.Rule.Title != "T" || back.Severity != yagura.SeverityHigh {
		t.Error(err, back)
	}
}

func tree(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// dig follows keys and indexes; nil when something is missing.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

type field struct {
	path []any
	want any
}

func at(want any, path ...any) field { return field{path, want} }

func expect(t *testing.T, m map[string]any, fields ...field) {
	t.Helper()
	for _, f := range fields {
		if d := cmp.Diff(f.want, dig(m, f.path...)); d != "" {
			t.Errorf("%v: %s", f.path, d)
		}
	}
}

// TestOCSFFinding holds the attributes that class 2004 requires and recommends.
// TestEventLinesAreUTF8: a line is JSON for whoever reads it strictly, also where the
// record holds other bytes.
func TestEventLinesAreUTF8(t *testing.T) {
	var out bytes.Buffer
	w, err := NewEvents("jsonl", &out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&yagura.Event{Action: "Create\xffUser", Raw: []byte("{\"name\":\"Create\xffUser\"}")}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(out.Bytes()) || !strings.Contains(out.String(), `"raw":{"name":"Create`+"\ufffd"+`User"}`) {
		t.Errorf("got %q", out.String())
	}
}

func TestOCSFFinding(t *testing.T) {
	m := tree(t, render(t, "ocsf", Options{Version: "9"}, items(finding(3, "T", yagura.SeverityCritical))...))
	expect(t, m,
		at(1.0, "activity_id"), at(2.0, "category_uid"), at(2004.0, "class_uid"), at(200401.0, "type_uid"), at(5.0, "severity_id"),
		at(float64(time.Date(2026, 3, 14, 9, 26, 3, 0, time.UTC).UnixMilli()), "time"),
		at("f3", "finding_info", "uid"), at("T", "finding_info", "title"), at(1.0, "finding_info", "analytic", "type_id"),
		at("T1562", "finding_info", "attacks", 0, "technique", "uid"), at("T1562.008", "finding_info", "attacks", 0, "sub_technique", "uid"),
		at("1.4.0", "metadata", "version"), at("Yagura", "metadata", "product", "vendor_name"), at("cloud", "metadata", "profiles", 0),
		at("AWS", "cloud", "provider"), at("111122223333", "cloud", "account", "uid"),
		at("192.0.2.7", "evidences", 0, "src_endpoint", "ip"), at("StopLogging", "evidences", 0, "api", "operation"),
		at("alice", "evidences", 0, "actor", "user", "name"), at("eventName", "evidences", 0, "data", "why", 0, "field"),
		at(2.0, "observables", 0, "type_id"), at("192.0.2.7", "observables", 0, "value"), at("evidences[].src_endpoint.ip", "observables", 0, "name"))
	for s, want := range map[yagura.Severity]float64{yagura.SeverityNone: 1, yagura.SeverityLow: 2, yagura.SeverityMedium: 3, yagura.SeverityHigh: 4} {
		expect(t, tree(t, render(t, "ocsf", Options{}, items(finding(1, "T", s))...)), at(want, "severity_id"))
	}
}

// TestSARIF holds what the 2.1.0 schema requires of a log, a run, a result and a rule.
func TestSARIF(t *testing.T) {
	counted := finding(4, "U", yagura.SeverityHigh)
	counted.Mode = "count"
	fs := items(finding(1, "T", yagura.SeverityMedium), finding(2, "T", yagura.SeverityMedium), counted)
	fs[2].File, fs[2].Offset = "s3://trail/a/b c.json", -1
	m := tree(t, render(t, "sarif", Options{Version: "9", Rule: func(yagura.RuleRef) RuleText { return RuleText{"about", "https://example.com/r"} }}, fs...))
	expect(t, m, at("2.1.0", "version"), at("Yagura", "runs", 0, "tool", "driver", "name"),
		at("id-T", "runs", 0, "results", 0, "ruleId"), at(0.0, "runs", 0, "results", 1, "ruleIndex"), at(1.0, "runs", 0, "results", 2, "ruleIndex"),
		at("warning", "runs", 0, "results", 0, "level"), at("T by alice", "runs", 0, "results", 0, "message", "text"),
		at("logs/a%20b.json.gz", "runs", 0, "results", 0, "locations", 0, "physicalLocation", "artifactLocation", "uri"),
		at(17.0, "runs", 0, "results", 0, "locations", 0, "physicalLocation", "properties", "byteOffset"),
		at("s3://trail/a/b%20c.json", "runs", 0, "results", 2, "locations", 0, "physicalLocation", "artifactLocation", "uri"),
		at(nil, "runs", 0, "results", 2, "locations", 0, "physicalLocation", "properties"),
		at("none", "runs", 0, "results", 2, "level"), at("informational", "runs", 0, "results", 2, "kind"),
		at("id-T", "runs", 0, "tool", "driver", "rules", 0, "id"), at("about", "runs", 0, "tool", "driver", "rules", 0, "fullDescription", "text"),
		at("warning", "runs", 0, "tool", "driver", "rules", 0, "defaultConfiguration", "level"), at(nil, "runs", 0, "tool", "driver", "rules", 2))
	expect(t, tree(t, render(t, "sarif", Options{})), at([]any{}, "runs", 0, "results"), at([]any{}, "runs", 0, "tool", "driver", "rules"))
}

// TestSARIFForGitHub holds what GitHub's code scanning asks for beyond the schema: it
// refuses the whole log for one result without a file and a line.
func TestSARIFForGitHub(t *testing.T) {
	window := Item{Finding: finding(1, "T", yagura.SeverityHigh), Offset: -1}
	other := Item{Finding: finding(2, "T", yagura.SeverityHigh), File: "a.json", Offset: 3}
	other.Finding.CauseKey = "another cause"
	again := other
	builtin := Item{Finding: finding(3, "B", yagura.SeverityLow), Offset: -1}
	builtin.Finding.Rule.File = ""
	window.Finding.Rule.Tags = []string{"attack.t1078", "security", "attack.t1078"} // the schema wants each once
	m := tree(t, render(t, "sarif", Options{}, window, other, again, builtin))
	for i, file := range []string{"r.yml", "a.json", "a.json", "yagura"} {
		place := []any{"runs", 0, "results", i, "locations", 0, "physicalLocation"}
		expect(t, m, field{append(place, "artifactLocation", "uri"), file}, field{append(place, "region", "startLine"), 1.0})
	}
	hash := func(i int) any {
		return dig(m, "runs", 0, "results", i, "partialFingerprints", "primaryLocationLineHash")
	}
	if hash(0) == hash(1) || hash(1) != hash(2) || hash(0) == nil {
		t.Errorf("the causes have the hashes %v, %v and %v", hash(0), hash(1), hash(2))
	}
	expect(t, m, at("8.0", "runs", 0, "tool", "driver", "rules", 0, "properties", "security-severity"), at([]any{"security", "attack.t1078"}, "runs", 0, "tool", "driver", "rules", 0, "properties", "tags"),
		at("T", "runs", 0, "tool", "driver", "rules", 0, "help", "text"), at("T", "runs", 0, "tool", "driver", "rules", 0, "fullDescription", "text"))
}

func TestOCSFEvents(t *testing.T) {
	write := func(e yagura.Event) map[string]any {
		var b bytes.Buffer
		w, err := NewEvents("ocsf", &b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&e); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return tree(t, b.String())
	}
	call := yagura.Event{ID: "e", Format: "aws.cloudtrail", Action: "DeleteTrail", Account: "111122223333", Outcome: "failure", SrcIP: "192.0.2.7",
		Actor: yagura.Actor{ID: "arn", Name: "alice"}, Targets: []yagura.Entity{{Type: "resource", ID: "trail"}}, Raw: json.RawMessage(`{"a":1}`)}
	expect(t, write(call), at(6003.0, "class_uid"), at(4.0, "activity_id"), at(600304.0, "type_uid"), at(2.0, "status_id"), at("192.0.2.7", "src_endpoint", "ip"),
		at("DeleteTrail", "api", "operation"), at("arn", "actor", "user", "uid"), at("AWS", "cloud", "provider"), at("trail", "resources", 0, "uid"), at(`{"a":1}`, "raw_data"))
	call.SrcIP, call.Actor = "251.234.045.249", yagura.Actor{Type: "user"} // neither is what the schema calls an address or a user
	expect(t, write(call), at(nil, "src_endpoint", "ip"), at("251.234.045.249", "src_endpoint", "name"), at("unknown", "actor", "user", "name"))
	signIn := yagura.Event{Format: "entra.signin", Action: "Sign-in activity", Actor: yagura.Actor{ID: "u"}, Outcome: "success"}
	expect(t, write(signIn), at(3002.0, "class_uid"), at(300201.0, "type_uid"), at("u", "user", "uid"), at("Microsoft Entra ID", "service", "name"), at(nil, "src_endpoint"))
	expect(t, write(yagura.Event{Format: "json"}), at(0.0, "class_uid"), at(0.0, "type_uid"), at(0.0, "category_uid"), at(nil, "cloud"))
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "日本語 émoji 🙂": "日本語 émoji 🙂", "\x1b[31mred": `\x1b[31mred`, "a\nb\tc\r": `a\nb\tc\r`, "\x7f\u0085\u009b": `\x7f\x85\x9b`,
		"\u202eevil\u2066": `\u202eevil\u2066`, "a\u200bb\ufeff": `a\u200bb\ufeff`, "\xff\xfe": `\xff\xfe`, "\U000e0041": `\U000e0041`, "\u2028": `\u2028`, "�": "�",
	} {
		if got := Escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("\x1b]0;title\x07")
	f.Add("\u202e\xc3\x28")
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		for _, r := range got {
			if harmful(r) {
				t.Errorf("%q leaves %U", s, r)
			}
		}
		if Escape(got) != got {
			t.Errorf("%q is not stable", s)
		}
		for _, n := range []int{0, 1, 5, 40} {
			if c := columns(fit(got, n)); c != n {
				t.Errorf("%q fitted to %d takes %d columns", got, n, c)
			}
		}
	})
}
