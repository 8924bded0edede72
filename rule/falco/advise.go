package falco

import (
	"fmt"
	"net/netip"
	"strings"
)

// Falco's code of a warning about a condition.
const codeCompileCondition = "LOAD_COMPILE_CONDITION"

// adviseValue says what Falco says of a value that may not mean what it was meant to.
func (c *compiler) adviseValue(op, v string, at place) {
	bare := strings.Map(func(r rune) rune {
		if r < 0x80 && isSpace(byte(r)) {
			return -1
		}
		return r
	}, v)
	if op == "regex" && !needsRegex(v) {
		c.warn(codeCompileCondition, fmt.Sprintf("regex check with '%s' may be optimized with simpler operators such as "+
			"'=', 'contains', 'startswith', 'endswith'", v), "", at)
	}
	// Falco reads the value as a field with its argument.
	name, rest, hasArg := strings.Cut(bare, "[")
	if d := c.src.fields[name]; d != nil {
		if (d.arg == argKey || d.arg == argMustFind) && !hasArg || hasArg && d.arg == argNone {
			return
		}
		if !hasArg || strings.HasSuffix(rest, "]") && strings.Count(rest, "]") == 1 {
			c.warn(codeCompileCondition, fmt.Sprintf("'%s' may be a valid field misused as a const string value", v),
				"to compare with the field write val("+bare+")", at)
		}
	}
	for _, t := range append([]string{"val"}, transNames()...) {
		if strings.HasPrefix(bare, t+"(") && strings.HasSuffix(bare, ")") {
			c.warn(codeCompileCondition, fmt.Sprintf("'%s' may be a valid field transformer misused as a const string value", v),
				"write it without quotes", at)
		}
	}
}

// needsRegex says whether an expression has a special character other than anchors
// and wildcards at its ends.
func needsRegex(v string) bool {
	for i := 0; i < len(v); i++ {
		switch {
		case i == 0 && v[i] == '^', i == len(v)-1 && v[i] == '$':
			continue
		case (i == 0 && len(v) > 1 || i == len(v)-2) && v[i] == '.' && strings.IndexByte("+*?", v[i+1]) >= 0:
			i++
			continue
		}
		if strings.IndexByte(`.+*?^$()[]{}|\`, v[i]) >= 0 {
			return true
		}
	}
	return false
}

// adviseCheck warns of conditions that Falco accepts and that cannot mean what they
// seem to. We follow Falco in them; these warnings are ours.
func (c *compiler) adviseCheck(n *check, left *value, values []literal) {
	if left.list && left.nul {
		c.warn("", fmt.Sprintf("%s %s (…) never holds: Falco counts a NUL at the end of a transformed text", left.shown, n.op),
			"compare the list without the transformer", n.at)
	}
	if left.typ != tString {
		return
	}
	switch n.op {
	case "<", "<=", ">", ">=":
		c.warn("", fmt.Sprintf("%s %s compares texts, not numbers: \"10\" is less than \"5\"", left.shown, n.op),
			"compare the length too, or use a field that is a number", n.at)
	case "=", "!=", "in", "intersects":
		for _, v := range values {
			if _, err := netip.ParsePrefix(v.text); err == nil && strings.Contains(strings.ToLower(left.base), "ip") {
				c.warn("", fmt.Sprintf("%s is compared as text and is never %q", left.shown, v.text),
					"Falco knows no networks for log fields: use startswith, or a Sigma rule with cidr", v.at)
			}
		}
	}
}
