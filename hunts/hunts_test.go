package hunts_test

import (
	"testing"

	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/hunts"
)

// TestShipped holds every shipped hunt to its form, in both languages.
func TestShipped(t *testing.T) {
	list, err := hunt.ReadAll(hunts.FS, "hunts", true)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("there are none")
	}
	for _, s := range list {
		if s.Title.En == "" || s.Title.Ja == "" || s.Description.En == "" || s.Description.Ja == "" || len(s.Tactics) == 0 {
			t.Errorf("%s: title, description (both languages) and a tactic are wanted", s.File)
		}
	}
}
