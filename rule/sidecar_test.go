package rule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// sideCarOf parses the value of the key yagura of a document.
func sideCarOf(t testing.TB, text string) (SideCar, Words, []Refusal) {
	t.Helper()
	var doc struct {
		Yagura yaml.Node `yaml:"yagura"`
	}
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return ParseSideCar(&doc.Yagura, "a.yml")
}

func TestParseSideCar(t *testing.T) {
	car, ja, refusals := sideCarOf(t, `
yagura:
  kind: posture
  cause_key: [account, requestParameters.groupId, port=requestParameters.port!=-1]
  cause_alias: [entry=responseElements.id]
  entries:
    - responseElements.items
    - [requestParameters.items, requestParameters.items.ranges]
  resolved_by: 7d3f0d0a-0000-4000-8000-000000000001
  entities:
    - {type: user, field: requestParameters.userName}
    - type: resource
      field: requestParameters.groupId
  severity: {level: low, reason: we do this every day}
  mode: count
  ja:
    title: ポート開放
    description: 説明
`)
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	want := SideCar{
		Kind: yagura.Posture, CauseKey: []string{"account", "requestParameters.groupId", "port=requestParameters.port!=-1"},
		CauseAlias: []string{"entry=responseElements.id"}, Entries: [][]string{{"responseElements.items"}, {"requestParameters.items", "requestParameters.items.ranges"}},
		ResolvedBy: "7d3f0d0a-0000-4000-8000-000000000001", Named: []Named{{"resolved_by", "7d3f0d0a-0000-4000-8000-000000000001", "a.yml", 9, 16}},
		Entities: []EntityField{{"user", "requestParameters.userName"},
			{"resource", "requestParameters.groupId"}},
		Severity: yagura.SeverityLow, SeverityReason: "we do this every day", Mode: "count",
	}
	if d := cmp.Diff(want, car); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Words{Title: "ポート開放", Description: "説明"}, ja); d != "" {
		t.Error(d)
	}
}

func TestParseSideCarAlias(t *testing.T) {
	car, _, refusals := sideCarOf(t, "k: &k [actor, target]\nyagura: {kind: behaviour, cause_key: *k}\n")
	if len(refusals) > 0 || !cmp.Equal(car.CauseKey, []string{"actor", "target"}) {
		t.Errorf("got %+v, %v", car, refusals)
	}
}

func TestParseSideCarRefusals(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"not a mapping", "yagura: 3", `a.yml:1:9: yagura is not a mapping (hint: write kind, cause_key`},
		{"unknown key", "yagura:\n  kind: posture\n  causekey: [a]", `a.yml:3:3: unknown key "causekey" in yagura (hint: did you mean cause_key?)`},
		{"far key", "yagura:\n  kind: posture\n  zzzzzzzz: 1", `a.yml:3:3: unknown key "zzzzzzzz" in yagura (hint: one of kind, `},
		{"twice", "yagura:\n  kind: posture\n  mode: count\n  mode: notify", `appears twice`},
		{"no kind", "yagura:\n  mode: count", `a.yml:2:3: kind is missing`},
		{"kind", "yagura: {kind: behavior}", `a.yml:1:16: unknown kind "behavior" (hint: did you mean behaviour?)`},
		{"behaviour resolved", "yagura: {kind: behaviour, resolved_by: x}", `a.yml:1:40: resolved_by in a rule of kind behaviour`},
		{"mode", "yagura: {kind: posture, mode: silent}", `unknown mode "silent" (hint: one of notify, count)`},
		{"empty list", "yagura: {kind: posture, cause_key: []}", `cause_key is empty`},
		{"empty text", "yagura: {kind: posture, cause_key: ['']}", `cause_key entry is empty`},
		{"null", "yagura: {kind: posture, cause_key: [null]}", `cause_key entry is not text`},
		{"nested", "yagura: {kind: posture, cause_key: [[a]]}", `cause_key entry is not text`},
		{"same word twice", "yagura: {kind: posture, cause_key: [a, a]}", `cause_key names "a" twice`},
		{"no field", "yagura: {kind: posture, cause_key: [a=]}", `cause_key entry "a=" is not word=field`},
		{"nothing excepted", "yagura: {kind: posture, cause_key: ['a!=']}", `cause_key entry "a!=" is not word=field`},
		{"header word excepted", "yagura: {kind: posture, cause_key: ['actor!=x']}", `gives a header word another name`},
		{"alias", "yagura: {kind: posture, cause_alias: [a=]}", `cause_alias entry "a=" is not word=field`},
		{"empty entries", "yagura: {kind: posture, entries: []}", `entries is empty`},
		{"empty group", "yagura: {kind: posture, entries: [[]]}", `entries is empty`},
		{"deep entries", "yagura: {kind: posture, entries: [[[a]]]}", `entries entry is not text`},
		{"two signs", "yagura: {kind: posture, cause_key: [a=b=c]}", `is not word=field`},
		{"header word renamed", "yagura: {kind: posture, cause_key: [who=actor]}", `gives a header word another name`},
		{"header word taken", "yagura: {kind: posture, cause_key: [actor=user]}", `gives a header word another name`},
		{"entity type", "yagura: {kind: posture, entities: [{type: usr, field: a}]}", `unknown entity type "usr" (hint: did you mean user?)`},
		{"entity field", "yagura: {kind: posture, entities: [{type: user}]}", `entities entry has no field`},
		{"entity key", "yagura: {kind: posture, entities: [{type: user, feld: a}]}", `unknown key "feld" in entities entry (hint: did you mean field?)`},
		{"severity text", "yagura: {kind: posture, severity: low}", `severity is not a mapping (hint: write level, reason as keys)`},
		{"severity level", "yagura: {kind: posture, severity: {level: urgent, reason: x}}", `severity "urgent": want critical, high`},
		{"severity reason", "yagura: {kind: posture, severity: {level: low}}", `severity has no reason`},
		{"ja", "yagura: {kind: posture, ja: {titel: x}}", `unknown key "titel" in ja (hint: did you mean title?)`},
		{"long list", "yagura: {kind: posture, cause_key: [" + numbered(65) + "]}", `cause_key has 65 entries, more than 64`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			car, _, refusals := sideCarOf(t, tt.text)
			if len(refusals) == 0 {
				t.Fatalf("accepted as %+v", car)
			}
			if got := refusals[0].Error(); !strings.Contains(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if refusals[0].Line == 0 {
				t.Error("no line")
			}
		})
	}
}

func numbered(n int) string {
	s := make([]string, n)
	for i := range s {
		s[i] = fmt.Sprintf("f%d", i)
	}
	return strings.Join(s, ", ")
}

func TestEffectiveSeverity(t *testing.T) {
	r := Rule{Severity: yagura.SeverityHigh}
	if got := r.EffectiveSeverity(); got != yagura.SeverityHigh {
		t.Errorf("without a side-car: %v", got)
	}
	r.SideCar.Severity = yagura.SeverityNone
	if got := r.EffectiveSeverity(); got != yagura.SeverityNone {
		t.Errorf("with a side-car: %v", got)
	}
}

func FuzzParseSideCar(f *testing.F) {
	f.Add("kind: posture\ncause_key: [a]\n")
	f.Add("kind: behaviour\nentities: [{type: user, field: a}]\nseverity: {level: low, reason: x}\nja: {title: あ}")
	f.Add("&a [*a]")
	f.Add("<<: {kind: posture}")
	f.Fuzz(func(t *testing.T, text string) {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 {
			return
		}
		car, _, refusals := ParseSideCar(doc.Content[0], "f.yml")
		if len(refusals) == 0 && car.Kind == "" {
			t.Fatal("accepted without a kind")
		}
		for i := range refusals {
			if refusals[i].Reason == "" || refusals[i].Line == 0 {
				t.Fatalf("refusal without reason or place: %+v", refusals[i])
			}
		}
	})
}

func TestCausePart(t *testing.T) {
	for entry, want := range map[string][3]string{
		"actor":     {"actor", "actor"},
		"a.b":       {"a.b", "a.b"},
		"w=a.b":     {"w", "a.b"},
		"w=a.b!=-1": {"w", "a.b", "-1"},
		"a.b!=x=y":  {"a.b", "a.b", "x=y"},
	} {
		if CauseExcept(entry) != want[2] {
			t.Errorf("%s: except %q", entry, CauseExcept(entry))
		}
		if word, field := CausePart(entry); word != want[0] || field != want[1] {
			t.Errorf("%s: %s, %s", entry, word, field)
		}
	}
}
