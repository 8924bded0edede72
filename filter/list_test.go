package filter

import (
	"strings"
	"testing"
)

// TestLists: no name of a list means two fields, and everything is said in both languages.
func TestLists(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range Lists() {
		if seen[l.Name] || Named(l.Name) != l || l.Doc == "" || l.Japanese == "" || l.DocJA == "" {
			t.Errorf("%s: twice, not found by its name, or not described", l.Name)
		}
		seen[l.Name] = true
		names := map[string]string{}
		for i := range l.Fields {
			f := &l.Fields[i]
			if f.Name != Fold(f.Name) || f.Doc == "" || f.DocJA == "" || f.Japanese == "" && f.Name != "id" {
				t.Errorf("%s: %s is not said in both languages", l.Name, f.Name)
			}
			for _, n := range append([]string{f.Name, f.Japanese}, f.Aliases...) {
				n = Fold(n)
				if other, twice := names[n]; twice && n != "" {
					t.Errorf("%s: %q is %s and %s", l.Name, n, other, f.Name)
				}
				names[n] = f.Name
				if n != "" && l.Field(strings.ToUpper(n)) != f {
					t.Errorf("%s: %q does not find %s", l.Name, n, f.Name)
				}
			}
			if (f.Kind == Word) != (len(f.Words) > 0 && f.Kind != Severity && f.Kind != Flag && f.Kind != Entity) {
				t.Errorf("%s: %s: words and kind do not agree", l.Name, f.Name)
			}
			for _, w := range f.Words {
				if f.choice(w.Name) != w.Name || w.Japanese != "" && f.choice(w.Japanese) != w.Name {
					t.Errorf("%s: %s: %q is ambiguous", l.Name, f.Name, w.Name)
				}
			}
		}
		for _, s := range l.Sorts {
			if o, err := l.Sort(s); err != nil || o.String() != s {
				t.Errorf("%s: sort %q: %v, %v", l.Name, s, o, err)
			}
			if key := strings.TrimPrefix(s, "-"); l.Field(key) == nil {
				t.Errorf("%s: sort %q is no field", l.Name, key)
			}
		}
	}
}

func TestSort(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		o, err := Issues.Sort(text)
		got := o.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	f("", "-updated")
	f("updated", "updated")
	f("-severity", "-severity")
	f("sevrity", `sort "sevrity": issues can be sorted by updated, severity, seen, first, opened, count, status, title, account, rule, assignee (hint: did you mean severity?)`)
}
