package detections_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	common := func(a, b string) bool {
		for k := range keys[a] {
			if keys[b][k] {
				return true
			}
		}
		return false
	}
	meet := func(a, b string) {
		t.Helper()
		if !common(a, b) {
			t.Errorf("%s and %s have no cause key in common:\n%s\n%s", a, b,
				strings.Join(slices.Sorted(maps.Keys(keys[a])), "\n"), strings.Join(slices.Sorted(maps.Keys(keys[b])), "\n"))
		}
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
		state := false
		for other, o := range byFile { // what it ends: the call's finding, and a state's
			if o.SideCar.ResolvedBy == call.ID {
				meet(file, other)
				ends++
			}
			if to := byID[o.SideCar.Joins]; to != nil && to.SideCar.ResolvedBy == call.ID && common(file, other) {
				state = true
			}
		}
		if !state {
			t.Errorf("%s ends no state", file)
		}
	}
	if states < 20 || ends < 8 {
		t.Errorf("%d states, %d ends only", states, ends)
	}
}

// TestConfigShapes writes the items on which the rules for AWS Config fire as a
// notification and as the API answers them, and holds that the findings are the same.
func TestConfigShapes(t *testing.T) {
	j, checked := newJudge(t), 0
	byFile := map[string]*rule.Rule{}
	for _, r := range loud(shipped(t)) {
		byFile[r.File] = r
	}
	for _, f := range firings(t) {
		if f.folder != "aws" || !strings.HasPrefix(f.rule, "detections/aws/config-") || f.event["resourceType"] == nil {
			continue
		}
		causes := func(shape string, event map[string]any) []string {
			found, of := f.judgeOne(t, j, event)
			if of == nil {
				t.Errorf("%s: %q does not fire as %s", f.file, f.name, shape)
				return nil
			}
			var out []string
			for _, x := range found {
				if x.Rule.File == f.rule {
					out = append(out, x.CauseKey)
				}
			}
			slices.Sort(out)
			return out
		}
		item := causes("an item", f.event)
		for shape, event := range map[string]map[string]any{
			"a notification": {
				"messageType": "ConfigurationItemChangeNotification", "notificationCreationTime": "2026-03-02T09:21:00.000Z",
				"recordVersion": "1.3", "configurationItemDiff": nil, "configurationItem": f.event,
			},
			"an answer of the API": answered(t, f.event),
		} {
			checked++
			// The members of a list inside a text are no causes of their own.
			inText := shape != "a notification" && len(byFile[f.rule].SideCar.Entries) > 0
			if d := cmp.Diff(item, causes(shape, event)); d != "" && !inText {
				t.Errorf("%s: %q as %s: %s", f.file, f.name, shape, d)
			}
		}
	}
	if checked < 50 {
		t.Errorf("%d records only", checked)
	}
}

// answered is an item as GetResourceConfigHistory answers it: what nests is text.
func answered(t *testing.T, item map[string]any) map[string]any {
	text := func(v any) any {
		if _, ok := v.(string); ok || v == nil {
			return v
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	out := maps.Clone(item)
	out["accountId"], out["arn"] = out["awsAccountId"], out["ARN"]
	delete(out, "awsAccountId")
	delete(out, "ARN")
	out["configuration"] = text(out["configuration"])
	more := map[string]any{}
	for name, v := range out["supplementaryConfiguration"].(map[string]any) {
		more[name] = text(v)
	}
	out["supplementaryConfiguration"] = more
	return out
}
