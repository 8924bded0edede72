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

// joinHint guesses what was meant where a condition should go on or end.
func (p *parser) joinHint() string {
	rest := p.s[p.pos:]
	word := rest[:p.run(p.pos, isAlpha)-p.pos]
	at := p.here()
	switch lower := strings.ToLower(word); {
	case at.off == 0 && at.frag != p.text.place(0).frag:
		return "a condition that is appended begins with and, or or"
	case p.last == "val":
		return "val() stands on the right side: name the field alone"
	case p.last == "exists":
		return "exists takes no value; its opposite is: not field exists"
	case rest[0] == ')':
		return "there is no ( for this )"
	case word != lower && (lower == "and" || lower == "or" || lower == "not"):
		return "operators are written in lower case: " + lower
	case rest[0] == '&' || rest[0] == '|':
		return "write and, or"
	case word != "" || isDigit(rest[0]):
		return "a value with a space stands in quotes"
	}
	return ""
}

// operatorHint guesses what was meant where an operator is missing.
func (p *parser) operatorHint() string {
	word, _, _ := strings.Cut(p.s[p.pos:], " ")
	lower := strings.ToLower(word)
	for _, op := range operators() {
		if word != lower && lower == op {
			return "operators are written in lower case: " + op
		}
	}
	switch {
	case word == "" || strings.HasPrefix(word, ")") || word == "and" || word == "or":
		return "a field alone is no condition; to ask for its presence write: exists"
	case lower == "not":
		return "negate the whole check: not field in (…)"
	case lower == "like" || lower == "matches":
		return "write glob, contains or regex"
	}
	return ""
}

// openHint finds the quote that is not closed.
func (p *parser) openHint() string {
	switch c := p.peek(); {
	case p.pos >= len(p.s):
		return "the value is missing"
	case c == '"' || c == '\'':
		return "this quote is not closed"
	}
	return ""
}
