package report

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
)

// TestTableHoldsLittle: what a table holds of a cause does not grow with the texts that
// a log names.
func TestTableHoldsLittle(t *testing.T) {
	var out bytes.Buffer
	w, err := New("table", &out, Options{Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const causes, size = 100, 1 << 20
	for i := range causes {
		long := fmt.Sprint(i) + strings.Repeat("櫓x", size/4)
		f := yagura.Finding{V: 1, CauseKey: fmt.Sprint(i), Severity: yagura.SeverityHigh, Rule: yagura.RuleRef{ID: "r", Title: "R"}, Output: long, Events: []string{long},
			Event: yagura.EventRef{ID: long, Account: long, Actor: yagura.Actor{ID: "arn:" + long + "/" + long, Name: long, SessionOf: "arn:aws:iam::1:role/x"}},
			Why:   []yagura.Why{{Field: "f", Op: "equals", Value: long, Actual: long}}}
		if err := w.Write(Item{Finding: &f}); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > causes*32<<10 {
		t.Errorf("%d bytes are held of %d causes", grown, causes)
	}
	if err := w.Close(); err != nil || strings.Count(out.String(), "because") != causes {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
}
