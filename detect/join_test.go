package detect

import (
	"testing"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// TestJoin: a rule that joins another makes findings of that one's cause, through a chain
// too; what joins a rule that resolves has the cause of the resolved; a ring joins nothing.
func TestJoin(t *testing.T) {
	text := func(id, name, car string) string {
		return "title: " + id + "\nid: " + id + "\nlogsource: {product: aws, service: cloudtrail}\n" +
			"detection: {s: {eventName: " + name + "}, condition: s}\nlevel: low\nyagura: {kind: posture, cause_key: [bucket=requestParameters.bucketName]" + car + "}\n"
	}
	files := []rule.File{
		{Path: "a.yml", Data: []byte(text("open", "Open", ", resolved_by: close"))},
		{Path: "b.yml", Data: []byte(text("close", "Close", ""))},
		{Path: "c.yml", Data: []byte(text("state", "State", ", joins: open"))},
		{Path: "d.yml", Data: []byte(text("again", "Again", ", joins: state"))},
		{Path: "e.yml", Data: []byte(text("state-closed", "StateClosed", ", joins: close"))},
		{Path: "f.yml", Data: []byte(text("ring-1", "Ring1", ", joins: ring-2"))},
		{Path: "g.yml", Data: []byte(text("ring-2", "Ring2", ", joins: ring-1"))},
		{Path: "h.yml", Data: []byte(text("lost", "Lost", ", joins: nobody"))},
	}
	rules, refusals := sigma.Load(files, sigma.Options{})
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	e, err := New(rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"open": "open", "close": "open", "state": "open", "again": "open", "state-closed": "open",
		"ring-1": "ring-1", "ring-2": "ring-2", "lost": "lost"}
	for i, r := range e.Rules() {
		if got := e.info[i].scope; got != want[r.ID] {
			t.Errorf("%s has the scope of %q, want %q", r.ID, got, want[r.ID])
		}
	}
}
