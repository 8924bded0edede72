package hunts_test

import (
	"os"
	"testing"

	"github.com/yagura-sec/yagura/app"
)

// TestMain is the engine's process when a test asks the lake.
func TestMain(m *testing.M) {
	app.BeEngine()
	os.Exit(m.Run())
}
