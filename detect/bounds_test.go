package detect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
)

// TestDistinctIsBounded: an open window holds so many different values and no more,
// and its finding says so. Its events are all counted.
func TestDistinctIsBounded(t *testing.T) {
	a := baseRule("a")
	r := corr("x", rule.ValueCount, 60, []*rule.Rule{a}, true, bound("gte", 3))
	var events []small
	for i := range 50 {
		events = append(events, small{key: i, at: i, names: "a", group: []string{"g"}, value: []string{fmt.Sprint("v", i)}})
	}
	got, stats := run(t, Options{Windows: WindowOptions{MaxWindow: 10}}, events, 2, r)
	if len(got) != 1 || len(got[0].Events) != 50 || stats.Trimmed != 40 {
		t.Fatalf("%v, %+v", brief(got), stats)
	}
	if caps := strings.Join(got[0].Caps, "; "); caps != "values: more than 10; those of 40 events were left out" {
		t.Errorf("the finding says %q", caps)
	}
	if w := got[0].Why[1]; w.Actual != "10" || w.Op != "gte" {
		t.Errorf("%+v", w)
	}
}

// TestNumbersAreBounded: no number of a record makes a sum that the next cannot change.
func TestNumbersAreBounded(t *testing.T) {
	for text, want := range map[string]bool{"1e290": true, "-1e290": true, "1e291": false, "-1.7e308": false, "1e999": false, "NaN": false, "Inf": false, "0": true} {
		if _, ok := number(text); ok != want {
			t.Errorf("%s: %v", text, ok)
		}
	}
}
