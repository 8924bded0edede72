package sigma

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// quoted shows a regular expression: control characters escaped, backslashes as
// they are.
func quoted(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(strconv.Quote(s))
}

func quoteRegex(t string) string { return regexp.QuoteMeta(t) }

// compileRegex compiles the source of a regular expression. Sigma means PCRE's
// plain part; what needs backtracking is refused by its name.
func compileRegex(source, flags string, prefix, suffix bool) (*regexp.Regexp, error) {
	source, err := portable(source)
	if err != nil {
		return nil, err
	}
	if prefix || suffix {
		source = "(?:" + source + ")"
	}
	if prefix {
		source = `\A` + source
	}
	if suffix {
		source += `\z`
	}
	if flags != "" {
		source = "(?" + flags + ")" + source
	}
	re, err := regexp.Compile(source)
	if err == nil {
		return re, nil
	}
	if bad, ok := errors.AsType[*syntax.Error](err); ok {
		if bad.Code == syntax.ErrInvalidRepeatSize {
			return nil, fmt.Errorf("%s: a part may be repeated 1000 times at most", bad.Expr)
		}
		return nil, fmt.Errorf("%s: %s", bad.Code, quoted(bad.Expr))
	}
	return nil, err
}

// notRE2 names what PCRE has and an engine without backtracking cannot have.
var notRE2 = []struct{ start, name string }{
	{"(?=", "a lookahead"}, {"(?!", "a lookahead"}, {"(?<=", "a lookbehind"}, {"(?<!", "a lookbehind"},
	{"(?>", "an atomic group"}, {"(?|", "a branch reset group"}, {"(?(", "a conditional"}, {"(?R)", "a recursion"},
	{"(?&", "a recursion"}, {"(?P=", "a backreference"}, {"(?P>", "a recursion"},
}

// portable rewrites the few escapes that differ and names what is not possible.
func portable(source string) (string, error) {
	var b strings.Builder
	class := false
	for i := 0; i < len(source); i++ {
		c := source[i]
		switch {
		case c == '\\' && i+1 < len(source):
			i++
			switch e := source[i]; {
			case !class && (e >= '1' && e <= '9' || e == 'k' || e == 'g'):
				return "", fmt.Errorf("a backreference (\\%c) needs backtracking, which is not done", e)
			case e == 'K' || e == 'G' || e == 'X' || e == 'R' || e == 'Z':
				if e != 'Z' {
					return "", fmt.Errorf("\\%c is PCRE's own", e)
				}
				b.WriteString(`(?:\n?\z)`)
			case e == 'h' && !class:
				b.WriteString(`[ \t]`)
			case e == 'h':
				b.WriteString(` \t`)
			case e == '_' || e == ' ' || e >= 0x80: // PCRE: an escaped sign is the sign
				b.WriteByte(e)
			case e == 'e':
				b.WriteString(`\x1b`)
			default:
				b.WriteByte('\\')
				b.WriteByte(e)
			}
			continue
		case class:
			if c == ']' {
				class = false
			}
		case c == '[':
			class = true
			b.WriteByte(c)
			if i+1 < len(source) && source[i+1] == '^' {
				i++
				b.WriteByte('^')
			}
			if i+1 < len(source) && source[i+1] == ']' { // a bracket in the first place is itself
				i++
				b.WriteString(`\]`)
			}
			continue
		case strings.HasPrefix(source[i:], "(?#"): // a comment
			end := strings.IndexByte(source[i:], ')')
			if end < 0 {
				return "", fmt.Errorf("a comment is not closed")
			}
			i += end
			continue
		case c == '(':
			for _, x := range notRE2 {
				if strings.HasPrefix(source[i:], x.start) {
					return "", fmt.Errorf("%s (%s) needs backtracking, which is not done", x.name, x.start)
				}
			}
		case c == '+' && i > 0 && strings.IndexByte("*+?}", source[i-1]) >= 0 && !escapedAt(source, i-1):
			return "", fmt.Errorf("a possessive quantifier (%c+) needs backtracking, which is not done", source[i-1])
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// escapedAt says whether the byte at i stands behind an odd number of backslashes.
func escapedAt(s string, i int) bool {
	n := 0
	for i > 0 && s[i-1] == '\\' {
		i--
		n++
	}
	return n%2 == 1
}
