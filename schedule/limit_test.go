package schedule

import (
	"testing"

	"github.com/yagura-sec/yagura/rule/sentinel"
)

// TestMostRows: the largest threshold that a rule may name can be passed by the rows of one query.
func TestMostRows(t *testing.T) {
	s := sentinel.Schedule{Trigger: sentinel.Greater, Threshold: 10_000}
	if !s.Holds(maxRows) {
		t.Errorf("a rule that asks for more than %d rows never holds, as a query gives %d", s.Threshold, maxRows)
	}
}
