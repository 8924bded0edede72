package kql

import (
	"strings"
	"testing"
)

// TestOperators: what is said to stand behind a pipe is supported there.
func TestOperators(t *testing.T) {
	for _, op := range append(Operators(), "no-such-operator") {
		_, err := Parse("T | " + op)
		known := err == nil || !strings.Contains(err.Error(), "unknown operator") && !strings.Contains(err.Error(), "not supported")
		if want := op != "no-such-operator"; known != want {
			t.Errorf("%s: %v", op, err)
		}
	}
	scalar, aggregate := Functions()
	if len(scalar) < 200 || len(aggregate) < 30 {
		t.Errorf("%d functions, %d aggregates", len(scalar), len(aggregate))
	}
}
