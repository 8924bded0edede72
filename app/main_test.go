package app

import (
	"os"
	"testing"
)

// TestMain is the engine's process when a test asks the lake.
func TestMain(m *testing.M) {
	BeEngine()
	code := m.Run()
	if building.dir != "" {
		_ = os.RemoveAll(building.dir)
	}
	os.Exit(code)
}
