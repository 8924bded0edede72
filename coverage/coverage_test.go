package coverage

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

func sample() []*rule.Rule {
	base := &rule.Rule{ID: "b", Title: "base", Silent: true, Formats: []string{"gcp.audit"}, Tags: []string{"attack.t9999"}}
	return []*rule.Rule{
		{ID: "1", Title: "stop", Severity: yagura.SeverityHigh, Formats: []string{"aws.cloudtrail"},
			Tags: []string{"attack.defense_evasion", "attack.t1562.008", "cis-aws.4.10", "nist-800-53.au-12"}},
		{ID: "2", Title: "delete <b>", Severity: yagura.SeverityMedium, Formats: []string{"aws.cloudtrail"},
			Tags: []string{"attack.impact", "attack.T1562.008", "attack.t1562.008", "attack.t1485", "cis-aws.4.9"}, SideCar: rule.SideCar{Kind: yagura.Posture, ResolvedBy: "closed"}},
		{ID: "3", Title: "many", Severity: yagura.SeverityLow, Tags: []string{"attack.t1485"}, Correlation: &rule.Correlation{Rules: []*rule.Rule{base}}},
		base,
		{ID: "4", Title: "closed", Severity: yagura.SeverityNone, Tags: []string{"attack.t1485"},
			SideCar: rule.SideCar{Kind: yagura.Posture, Mode: rule.ModeCount}},
		{ID: "6", Title: "counted", Severity: yagura.SeverityLow, Formats: []string{"gcp.audit"}, Tags: []string{"attack.t1530"},
			SideCar: rule.SideCar{Kind: yagura.Posture, Mode: rule.ModeCount}}, // by an overlay: it is seen all the same
		{ID: "5", Title: "T1110 alone", Severity: yagura.SeverityNone, Engine: yagura.EngineFalco, Tags: []string{"T1110", "TA0001"}},
	}
}

func TestTable(t *testing.T) {
	want := []Row{
		{ID: "T1110", Tactics: []string{}, Formats: []string{"*"}, Rules: []Rule{{"5", "T1110 alone", yagura.SeverityNone, ""}}},
		{ID: "T1485", Tactics: []string{"impact"}, Formats: []string{"aws.cloudtrail", "gcp.audit"},
			Rules: []Rule{{"2", "delete <b>", yagura.SeverityMedium, ""}, {"3", "many", yagura.SeverityLow, ""}}},
		{ID: "T1530", Tactics: []string{}, Formats: []string{"gcp.audit"}, Rules: []Rule{{"6", "counted", yagura.SeverityLow, ""}}},
		{ID: "T1562.008", Tactics: []string{"defense-evasion", "impact"}, Formats: []string{"aws.cloudtrail"},
			Rules: []Rule{{"1", "stop", yagura.SeverityHigh, ""}, {"2", "delete <b>", yagura.SeverityMedium, ""}}},
	}
	if d := cmp.Diff(want, Table(sample())); d != "" {
		t.Error(d)
	}
}

func TestStandard(t *testing.T) {
	rows, err := Standard(sample(), "cis-aws")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.ID+" "+r.Rules[0].Title)
	}
	if d := cmp.Diff([]string{"4.9 delete <b>", "4.10 stop"}, got); d != "" {
		t.Error(d)
	}
	if _, err := Standard(nil, "iso"); err == nil {
		t.Error("an unknown standard was taken")
	}
}

func TestNavigator(t *testing.T) {
	var b bytes.Buffer
	if err := Navigator(&b, "ours", sample()); err != nil {
		t.Fatal(err)
	}
	var l struct {
		Name, Domain, Description string
		Versions                  struct{ Layer, Navigator string }
		Gradient                  struct{ MinValue, MaxValue int }
		Techniques                []struct {
			TechniqueID, Comment string
			Score                int
		}
	}
	if err := json.Unmarshal(b.Bytes(), &l); err != nil {
		t.Fatal(err)
	}
	if l.Name != "ours" || l.Domain != "enterprise-attack" || l.Versions.Layer != "4.5" || l.Versions.Navigator == "" || l.Description != "Techniques covered by 5 rules" {
		t.Errorf("%+v", l)
	}
	i := slices.IndexFunc(l.Techniques, func(x struct {
		TechniqueID, Comment string
		Score                int
	}) bool {
		return x.TechniqueID == "T1485"
	})
	if i < 0 || l.Techniques[i].Score != 2 || l.Techniques[i].Comment != "delete <b> (medium)\nmany (low)" {
		t.Errorf("%+v", l.Techniques)
	}
	b.Reset()
	if err := Navigator(&b, "none", nil); err != nil || !bytes.Contains(b.Bytes(), []byte(`"techniques": []`)) {
		t.Errorf("%v %s", err, b.Bytes())
	}
	if err := json.Unmarshal(b.Bytes(), &l); err != nil || l.Gradient.MaxValue <= l.Gradient.MinValue {
		t.Errorf("%v: a gradient from %d to %d", err, l.Gradient.MinValue, l.Gradient.MaxValue)
	}
}

func TestNatural(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"1.9", "1.10", -1}, {"AC-2", "AC-10", -1}, {"AC-2", "AC-2", 0}, {"T1562", "T1562.001", -1}, {"AU-1", "AC-9", 1}, {"1.01", "1.1", 1}} {
		if got := natural(tt.a, tt.b); got != tt.want {
			t.Errorf("%s %s: %d", tt.a, tt.b, got)
		}
		if got := natural(tt.b, tt.a); got != -tt.want {
			t.Errorf("%s %s: %d", tt.b, tt.a, got)
		}
	}
}
