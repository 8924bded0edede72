package rule_test

import (
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b        string
		limit, want int
	}{
		{"", "", 3, 0}, {"", "ab", 3, 2}, {"ab", "", 3, 2}, {"contain", "contains", 3, 1}, {"condition", "conditoin", 3, 1},
		{"kitten", "sitting", 4, 3}, {"kitten", "sitting", 3, 3}, {"kitten", "sitting", 2, 2}, {"abcd", "badc", 3, 2},
		{"ca", "abc", 4, 3}, {"name", "entirely other", 3, 3}, {strings.Repeat("x", 65), strings.Repeat("x", 65), 3, 3},
	} {
		if got := rule.Distance(c.a, c.b, c.limit); got != c.want {
			t.Errorf("%q to %q below %d: %d, want %d", c.a, c.b, c.limit, got, c.want)
		}
		if got := rule.Distance(c.b, c.a, c.limit); got != c.want {
			t.Errorf("%q to %q below %d: %d, want %d", c.b, c.a, c.limit, got, c.want)
		}
	}
}
