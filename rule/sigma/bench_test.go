package sigma_test

import (
	"testing"

	"github.com/yagura-sec/yagura/rule/sigma"
)

// BenchmarkLoad loads all given rules with the shipped pipelines.
func BenchmarkLoad(b *testing.B) {
	files := ruleFiles(b, shared(b, "data/rules/sigma"))
	for b.Loop() {
		sigma.Load(files, sigma.Options{})
	}
	b.ReportMetric(float64(len(files))*float64(b.N)/b.Elapsed().Seconds(), "rules/s")
}
