package triage

import (
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
)

// TestStagePanics: a stage that panics decides nothing more, the stages after it go on, and
// the judgement says so.
func TestStagePanics(t *testing.T) {
	p := *DefaultPolicy()
	p.clauses = append([]*clause{nil}, p.clauses...)
	j := p.Judge(Input{Finding: &yagura.Finding{Severity: yagura.SeverityHigh}, Now: time.Unix(0, 0)})
	if !strings.Contains(j.Stopped, "policy") || j.Severity != yagura.SeverityHigh || len(j.Routes) == 0 {
		t.Errorf("%+v", j)
	}
	if len(j.Clauses) == 0 || !strings.Contains(j.Clauses[0].Text, "panicked") {
		t.Errorf("%+v", j.Clauses)
	}
}
