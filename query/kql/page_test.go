package kql

import (
	"os"
	"regexp"
	"testing"
)

// TestFunctionsPage holds the page of the functions to the functions there are.
func TestFunctionsPage(t *testing.T) {
	b, err := os.ReadFile("../../docs/kql-functions.md")
	if err != nil {
		t.Fatal(err)
	}
	page := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z_0-9]+)`").FindAllStringSubmatch(string(b), -1) {
		page[m[1]] = true
	}
	known := map[string]bool{"windows": true}
	for _, list := range [][]string{namesOf(scalars), namesOf(aggs), namesOf(special), namesOf(multiFuncs)} {
		for _, n := range list {
			known[n] = true
			if !page[n] {
				t.Errorf("docs/kql-functions.md does not name %s", n)
			}
		}
	}
	for n := range page {
		if !known[n] {
			t.Errorf("docs/kql-functions.md names %s, which is no function here", n)
		}
	}
}
