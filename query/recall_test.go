package query

import (
	"fmt"
	"strings"
	"testing"
)

// TestRecall: what was said of a text comes back, of that text only, and texts that do
// not repeat are soon not looked up.
func TestRecall(t *testing.T) {
	var r recall
	said := func(text string) []PredID {
		p, known := r.look([]byte(text))
		if !known {
			return nil
		}
		return p.preds
	}
	keep := func(text string, preds ...PredID) {
		p, _ := r.look([]byte(text))
		p.keep([]byte(text), preds)
	}
	keep("GetObject", 1, 2)
	keep("", 3)
	if got := said("GetObject"); len(got) != 2 || got[1] != 2 {
		t.Errorf("GetObject: %v", got)
	}
	if got := said(""); len(got) != 1 {
		t.Errorf("empty: %v", got)
	}
	// These differ only where no byte is hashed: they share a place.
	a, b := "01234567"+"a"+strings.Repeat("x", 30), "01234567"+"b"+strings.Repeat("x", 30)
	if place([]byte(a)) != place([]byte(b)) {
		t.Fatal("the texts have two places")
	}
	keep(a, 7)
	if got := said(b); got != nil {
		t.Errorf("another text is known: %v", got)
	}
	keep(b, 8)
	if said(a) != nil || said(b)[0] != 8 {
		t.Error("the later text is not the one that is known")
	}
	if p, _ := r.look([]byte(strings.Repeat("x", recallText+1))); p != nil {
		t.Error("a long text is remembered")
	}
	for i := range 2 * recallTrial {
		if p, _ := r.look(fmt.Appendf(nil, "once-%d", i)); p == nil {
			break
		}
	}
	if r.rest == 0 {
		t.Error("no rest after texts that came once")
	}
}
