package rule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

const overlayText = `# what we know of other people's rules
overlay:
  rules: [11111111-1111-4111-8111-111111111111, Second rule, absent]
  kind: posture
  resolved_by: closer
  severity: {level: low, reason: seen every day}
  ja: {title: 二番目}
---
overlay:
  engine: falco
  mode: count
`

func TestOverlays(t *testing.T) {
	overlays, refusals := ParseOverlay(File{Path: "o.yml", Data: []byte(overlayText)})
	if len(refusals) > 0 || len(overlays) != 2 {
		t.Fatalf("got %d overlays, %v", len(overlays), refusals)
	}
	rules := []*Rule{
		{ID: "11111111-1111-4111-8111-111111111111", Title: "First", Engine: yagura.EngineSigma, Severity: yagura.SeverityHigh,
			SideCar: SideCar{Kind: yagura.Behaviour, CauseKey: []string{"actor"}}},
		{ID: "Second rule", Title: "Second rule", Engine: yagura.EngineFalco},
		{ID: "x", Title: "untouched", Engine: yagura.EngineSigma},
	}
	warnings := ApplyOverlays(rules, overlays)
	if len(warnings) != 1 || !warnings[0].Warning || !strings.HasPrefix(warnings[0].Error(), `o.yml:3:62: overlay names "absent"`) {
		t.Errorf("warnings: %v", warnings)
	}
	if r := rules[0]; r.EffectiveSeverity() != yagura.SeverityLow || r.SideCar.Kind != yagura.Posture ||
		r.SideCar.ResolvedBy != "closer" || !cmp.Equal(r.SideCar.CauseKey, []string{"actor"}) || r.SideCar.Mode != "" {
		t.Errorf("first: %+v", r.SideCar)
	}
	if r := rules[1]; r.SideCar.Mode != ModeCount || r.Japanese.Title != "二番目" {
		t.Errorf("second: %+v %+v", r.SideCar, r.Japanese)
	}
	if d := cmp.Diff(SideCar{}, rules[2].SideCar); d != "" {
		t.Error(d)
	}
}

func TestApplyOverlaysKind(t *testing.T) {
	posture := func() *Rule {
		return &Rule{ID: "p", Title: "P", SideCar: SideCar{Kind: yagura.Posture, ResolvedBy: "c"}}
	}
	r := posture()
	if bad := ApplyOverlays([]*Rule{r}, []Overlay{{Rules: []string{"p"}, SideCar: SideCar{Kind: yagura.Behaviour}}}); len(bad) > 0 {
		t.Error(bad)
	}
	if r.SideCar.Kind != yagura.Behaviour || r.SideCar.ResolvedBy != "" {
		t.Errorf("a behaviour that closes by itself: %+v", r.SideCar)
	}
	r = &Rule{ID: "b", Title: "B", SideCar: SideCar{Kind: yagura.Behaviour}}
	bad := ApplyOverlays([]*Rule{r}, []Overlay{{File: "o.yml", Line: 2, Rules: []string{"b"}, SideCar: SideCar{ResolvedBy: "c"}}})
	if len(bad) != 1 || bad[0].Warning || r.SideCar.ResolvedBy != "" {
		t.Errorf("got %v, %+v", bad, r.SideCar)
	}
}

func TestApplyOverlaysEntries(t *testing.T) {
	o := Overlay{File: "o.yml", Line: 2, Rules: []string{"r"}, SideCar: SideCar{Entries: [][]string{{"a", "a.b"}}, CauseAlias: []string{"id=a.id"}}}
	r := &Rule{ID: "r", Title: "R"}
	if bad := ApplyOverlays([]*Rule{r}, []Overlay{o}); len(bad) > 0 || !cmp.Equal(r.SideCar, o.SideCar) {
		t.Errorf("%v, %+v", bad, r.SideCar)
	}
	r = &Rule{ID: "r", Title: "R", Correlation: &Correlation{}}
	if bad := ApplyOverlays([]*Rule{r}, []Overlay{o}); len(bad) != 1 || bad[0].Warning || !cmp.Equal(r.SideCar, SideCar{}) {
		t.Errorf("a correlation: %v, %+v", bad, r.SideCar)
	}
}

func TestParseOverlayRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		kept             int
	}{
		{"no rules", "overlay:\n  mode: count\n", "o.yml:2:3: overlay names no rules", 0},
		{"changes nothing", "overlay: {rules: [a], engine: sigma}", "overlay changes nothing", 0},
		{"unknown key", "overlay:\n  rule: [a]\n  mode: count\n", `o.yml:2:3: unknown key "rule" in overlay (hint: did you mean rules?)`, 0},
		{"beside", "overlay: {engine: falco, mode: count}\ntitle: x", `unknown key "title" in overlay document`, 0},
		{"other document", "title: x\n", `unknown key "title" in overlay document`, 0},
		{"engine", "overlay: {engine: kqll, mode: count}", `unknown engine "kqll" (hint: did you mean kql?)`, 0},
		{"the others stay", "overlay: {engine: falco, mode: x}\n---\noverlay: {engine: falco, mode: count}\n", `unknown mode "x"`, 1},
		{"yaml", "overlay: {rules: [a], mode: count}\n---\noverlay: [\n", "o.yml:", 1},
		{"twice", "overlay: {rules: [a, a], mode: count}", `rules names "a" twice`, 0},
		{"large", "overlay:" + strings.Repeat(" ", maxOverlayFile), "larger than", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, refusals := ParseOverlay(File{Path: "o.yml", Data: []byte(tt.text)})
			if len(got) != tt.kept || len(refusals) == 0 {
				t.Fatalf("%d overlays, %v", len(got), refusals)
			}
			if s := refusals[0].Error(); !strings.Contains(s, tt.want) {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

func FuzzParseOverlay(f *testing.F) {
	f.Add([]byte(overlayText))
	f.Add([]byte("overlay: {rules: a, mode: count}"))
	f.Add([]byte("overlay: &a {rules: *a}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		overlays, refusals := ParseOverlay(File{Path: "o.yml", Data: data})
		for _, o := range overlays {
			if len(o.Rules) == 0 && o.Engine == "" {
				t.Fatal("an overlay of no rules")
			}
		}
		r := &Rule{ID: "a", Title: "a", Engine: yagura.EngineFalco}
		for _, x := range append(ApplyOverlays([]*Rule{r}, overlays), refusals...) {
			if x.Reason == "" {
				t.Fatal("a refusal without a reason")
			}
		}
		if r.SideCar.ResolvedBy != "" && r.SideCar.Kind != yagura.Posture {
			t.Fatal("a behaviour that closes by itself")
		}
	})
}
