package detections_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
)

// TestStateJoins holds that a state which AWS Config records belongs to the issue of the
// call that made it: on the events of the tests, both rules write one cause key. So does
// the state that is right again, and the call that ended the matter.
func TestStateJoins(t *testing.T) {
	j := newJudge(t)
	byID, byFile := map[string]*rule.Rule{}, map[string]*rule.Rule{}
	for _, r := range shipped(t) {
		byID[r.ID] = r
		if !r.Silent {
			byFile[r.File] = r
		}
	}
	keys := map[string]map[string]bool{} // by file of the rule
	for _, f := range firings(t) {
		if f.folder != "aws" || f.many {
			continue
		}
		found, _ := f.judgeOne(t, j, f.event)
		for _, x := range found {
			if keys[x.Rule.File] == nil {
				keys[x.Rule.File] = map[string]bool{}
			}
			keys[x.Rule.File][x.CauseKey] = true
		}
	}
	meet := func(a, b string) {
		t.Helper()
		for k := range keys[a] {
			if keys[b][k] {
				return
			}
		}
		t.Errorf("%s and %s have no cause key in common:\n%s\n%s", a, b,
			strings.Join(slices.Sorted(maps.Keys(keys[a])), "\n"), strings.Join(slices.Sorted(maps.Keys(keys[b])), "\n"))
	}
	states, ends := 0, 0
	for _, file := range slices.Sorted(maps.Keys(byFile)) {
		r := byFile[file]
		if r.SideCar.Joins == "" || !strings.HasPrefix(file, "detections/aws/config-") {
			continue
		}
		call := byID[r.SideCar.Joins]
		if call == nil {
			t.Errorf("%s joins %s, which is no shipped rule", file, r.SideCar.Joins)
			continue
		}
		meet(file, call.File)
		states++
		if r.SideCar.Mode != rule.ModeCount {
			continue
		}
		for other, o := range byFile { // what the state ends: the call's finding and the state's
			opens := o.SideCar.ResolvedBy == call.ID
			if to := byID[o.SideCar.Joins]; to != nil && to.SideCar.ResolvedBy == call.ID {
				opens = true
			}
			if opens {
				meet(file, other)
				ends++
			}
		}
	}
	if states < 20 || ends < 8 {
		t.Errorf("%d states, %d ends only", states, ends)
	}
}
