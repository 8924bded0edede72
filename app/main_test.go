package app

import (
	"os"
	"testing"
)

// TestMain is the engine's process when a test asks the lake.
func TestMain(m *testing.M) {
	BeEngine()
	os.Exit(m.Run())
}
