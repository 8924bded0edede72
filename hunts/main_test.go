package hunts_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/yagura-sec/yagura/app"
)

// TestMain is the engine's process when a test asks the lake.
func TestMain(m *testing.M) {
	if !app.IsEngine() {
		os.Exit(m.Run())
	}
	if err := app.ServeEngine(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
