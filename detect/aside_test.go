package detect

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// TestAside: a finding of a rule that joins what else its event is has the cause of what
// another finds there at its level or above, and its own where none does; what joins nothing
// is preferred to a general rule, and the most severe of several.
func TestAside(t *testing.T) {
	one := func(id string, level yagura.Severity, car rule.SideCar) *rule.Rule {
		r := simple(id, pred(field("name"), query.Eq, "open"))
		r.Severity, r.SideCar = level, car
		r.SideCar.CauseKey = []string{"name"}
		return r
	}
	how := one("a-how", yagura.SeverityMedium, rule.SideCar{Joins: rule.JoinsEvent})
	general := one("b-general", yagura.SeverityMedium, rule.SideCar{Joins: rule.JoinsSharper})
	sharp := one("c-sharp", yagura.SeverityHigh, rule.SideCar{})
	low := one("d-low", yagura.SeverityLow, rule.SideCar{})
	also := one("e-also", yagura.SeverityMedium, rule.SideCar{})
	counted := one("f-counted", yagura.SeverityHigh, rule.SideCar{Mode: rule.ModeCount})
	for _, c := range []struct {
		name  string
		rules []*rule.Rule
		want  []string // rule, and the rule whose cause its finding is of
	}{
		{"alone", []*rule.Rule{how}, []string{"a-how a-how"}},
		{"a general rule and a sharp one", []*rule.Rule{general, sharp}, []string{"c-sharp c-sharp", "b-general c-sharp"}},
		{"the most severe of two", []*rule.Rule{general, also, sharp}, []string{"e-also e-also", "c-sharp c-sharp", "b-general c-sharp"}},
		{"all three", []*rule.Rule{how, general, sharp}, []string{"c-sharp c-sharp", "b-general c-sharp", "a-how c-sharp"}},
		{"how, and a general rule", []*rule.Rule{how, general}, []string{"b-general b-general", "a-how b-general"}},
		{"what is less severe is joined by none", []*rule.Rule{how, low}, []string{"d-low d-low", "a-how a-how"}},
		{"nor what is only counted", []*rule.Rule{how, counted}, []string{"f-counted f-counted", "a-how a-how"}},
	} {
		s := newStand(t, Options{}, c.rules...)
		var got []string
		for _, h := range s.match(`{"name":"open"}`) {
			for f := range s.m.Findings(h, &yagura.Event{Account: "1"}) {
				of := f.CauseKey[len("1 ") : len(f.CauseKey)-len(" name=open")]
				got = append(got, f.Rule.ID+" "+of)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	// The cause of a host with several entries is that of the first.
	host := opened()
	host.Severity = yagura.SeverityHigh
	general.When = pred(field("name"), query.Eq, "g")
	s := newStand(t, Options{}, general, host)
	var keys []string
	for _, h := range s.match(`{"name":"g","in":[{"port":22,"ranges":[{"cidr":"0.0.0.0/0"}]},{"port":80,"ranges":[{"cidr":"::/0"}]}]}`) {
		for f := range s.m.Findings(h, &yagura.Event{Account: "1"}) {
			keys = append(keys, f.Rule.ID+": "+f.CauseKey)
		}
	}
	if diff := cmp.Diff([]string{"r: 1 r name=g port=22 cidr=0.0.0.0/0", "r: 1 r name=g port=80 cidr=::/0", "b-general: 1 r name=g port=22 cidr=0.0.0.0/0"}, keys); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}
