package yagura_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

// TestRoundTrip: what a contract writes, the vocabulary reads.
func TestRoundTrip(t *testing.T) {
	want := yagura.Finding{V: 1, ID: "f", Kind: yagura.Posture, Severity: yagura.SeverityHigh, Rule: yagura.RuleRef{Tags: []string{}},
		Event: yagura.EventRef{ID: "e", Key: yagura.Key{0: 1, 15: 0xfe}}, Events: []string{"e"}, Entities: []yagura.Entity{}, Why: []yagura.Why{}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got yagura.Finding
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"", "00", "0100000000000000000000000000000g", "010000000000000000000000000000fe00"} {
		var k yagura.Key
		if err := k.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}
