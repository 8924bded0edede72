package coverage

import (
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMatrix holds the reference table to its form.
func TestMatrix(t *testing.T) {
	id := regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)
	all := Matrix()
	if len(all) < 160 {
		t.Fatalf("%d techniques", len(all))
	}
	for i, x := range all {
		if !id.MatchString(x.ID) || x.Name == "" || len(x.Tactics) == 0 || len(x.Platforms) == 0 || len(x.Logs) == 0 {
			t.Errorf("%+v", x)
		}
		if i > 0 && natural(all[i-1].ID, x.ID) >= 0 {
			t.Errorf("%s stands behind %s", x.ID, all[i-1].ID)
		}
		for _, tactic := range x.Tactics {
			if !slices.Contains(Tactics(), tactic) {
				t.Errorf("%s: tactic %q", x.ID, tactic)
			}
		}
	}
}

func cells(list []Cell) map[string]Cell {
	out := map[string]Cell{}
	for _, c := range list {
		out[c.ID] = c
	}
	return out
}

// TestCloud: a technique is covered by its sub-technique's rule, not without its logs, and
// what has no rule says where it would show.
func TestCloud(t *testing.T) {
	all := cells(Cloud(sample(), nil))
	if c := all["T1562.008"]; c.State != Covered || len(c.Rules) != 2 || c.Name == "" {
		t.Errorf("%+v", c)
	}
	if c := all["T1562"]; c.State != Covered || len(c.Rules) != 2 {
		t.Errorf("a sub-technique does not cover: %+v", c)
	}
	if c := all["T1613"]; c.State != NoRule || !slices.Contains(c.Missing, "kubernetes.audit") {
		t.Errorf("%+v", c)
	}
	some := cells(Cloud(sample(), []string{"aws.cloudtrail"}))
	if c := some["T1530"]; c.State != NoData || !cmp.Equal(c.Missing, []string{"gcp.audit"}) || len(c.Rules) != 1 {
		t.Errorf("%+v", c)
	}
	if c := some["T1485"]; c.State != Covered || len(c.Rules) != 1 { // the correlation has no log to judge
		t.Errorf("%+v", c)
	}
	if c := some["T1110"]; c.State != Covered { // a rule that judges every log
		t.Errorf("%+v", c)
	}
}
