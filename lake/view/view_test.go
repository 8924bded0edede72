package view

import "testing"

func TestSpecs(t *testing.T) {
	for _, tab := range All() {
		if len(tab.Columns) == 0 || tab.Title == "" {
			t.Errorf("%s: no columns or no title", tab.Name)
		}
	}
	t.Log(len(All()))
}
