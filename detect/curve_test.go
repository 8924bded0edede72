package detect

import (
	"fmt"
	"testing"
)

// BenchmarkRules measures cost against the number of rules, the pass over the JSON
// included. docs/performance.md shows the curve.
func BenchmarkRules(b *testing.B) {
	for _, n := range []int{1, 30, 100, 300, 1000, 3000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchSynth(b, n) })
	}
}
