package app

import (
	"fmt"
	"os"
	"testing"
)

// TestMain is the engine's process when a test asks the lake.
func TestMain(m *testing.M) {
	if !IsEngine() {
		os.Exit(m.Run())
	}
	if err := ServeEngine(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
