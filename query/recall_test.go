package query

import (
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"testing"
)

// TestRecall: what was said of a text comes back, of that text only, and texts that do
// not repeat are soon not looked up.
func TestRecall(t *testing.T) {
	var r recall
	seed := maphash.MakeSeed()
	look := func(text string) (*said, bool) { return r.look(seed, []byte(text)) }
	said := func(text string) []PredID {
		p, known := look(text)
		if !known {
			return nil
		}
		return p.preds
	}
	keep := func(text string, preds ...PredID) {
		p, _ := look(text)
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
	// The same place for two texts: the later one is known.
	a, b := "0", ""
	for i := 1; b == ""; i++ {
		if x := strconv.Itoa(i); maphash.String(seed, x)%recallSize == maphash.String(seed, a)%recallSize {
			b = x
		}
	}
	keep(a, 7)
	if got := said(b); got != nil {
		t.Errorf("another text is known: %v", got)
	}
	keep(b, 8)
	if said(a) != nil || said(b)[0] != 8 {
		t.Error("the later text is not the one that is known")
	}
	if p, _ := look(strings.Repeat("x", recallText+1)); p != nil {
		t.Error("a long text is remembered")
	}
	for i := range 2 * recallTrial {
		if p, _ := look(fmt.Sprint("once-", i)); p == nil {
			break
		}
	}
	if r.rest == 0 || r.said != nil {
		t.Error("no rest after texts that came once")
	}
}
