package falco

import (
	"bytes"
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// maxGlob bounds a glob, in bytes.
const maxGlob = 1 << 14

// globPart is one step of a glob: a literal byte, ?, * or a set of bytes.
type globPart struct {
	kind byte // 'c', '?', '*', '['
	c    byte
	set  *[256]bool
}

// parseGlob reads a pattern as fnmatch does without flags: * and ? cross slashes,
// [a-z] and [!a-z] are sets, a backslash takes the next byte as it is, and a [
// without its ] is a literal. It works on bytes. With fold ASCII case is ignored.
func parseGlob(s string, fold bool) (parts []globPart, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '*':
			if n := len(parts); n == 0 || parts[n-1].kind != '*' {
				parts = append(parts, globPart{kind: '*'})
			}
		case '?':
			parts = append(parts, globPart{kind: '?'})
		case '[':
			set, n := globSet(s[i+1:], fold)
			if set == nil {
				parts = append(parts, globPart{kind: 'c', c: c})
				continue
			}
			parts = append(parts, globPart{kind: '[', set: set})
			i += n
		case '\\':
			if i++; i >= len(s) {
				return nil, false // matches nothing
			}
			c = s[i]
			fallthrough
		default:
			if fold {
				c = lowerByte(c)
			}
			parts = append(parts, globPart{kind: 'c', c: c})
		}
	}
	return parts, true
}

// globSet reads a set after its opening bracket and returns it with its length, nil
// when it is not closed.
func globSet(s string, fold bool) (*[256]bool, int) {
	var set [256]bool
	i, negate := 0, false
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		negate = true
		i++
	}
	for first := true; ; first = false {
		if i >= len(s) {
			return nil, 0
		}
		c := s[i]
		if c == ']' && !first {
			i++
			break
		}
		if c == '[' && i+1 < len(s) && s[i+1] == ':' {
			if name, _, ok := strings.Cut(s[i+2:], ":]"); ok && posixClass(name) != nil {
				for b := range set {
					set[b] = set[b] || posixClass(name)(byte(b))
				}
				i += len(name) + 4
				continue
			}
		}
		if c == '\\' && i+1 < len(s) {
			i++
			c = s[i]
		}
		i++
		hi := c
		if i+1 < len(s) && s[i] == '-' && s[i+1] != ']' {
			hi = s[i+1]
			i += 2
			if hi == '\\' && i < len(s) {
				hi = s[i]
				i++
			}
		}
		for b := int(c); b <= int(hi); b++ {
			set[b] = true
		}
	}
	if fold {
		for b := byte('a'); b <= 'z'; b++ {
			both := set[b] || set[b-'a'+'A']
			set[b], set[b-'a'+'A'] = both, both
		}
	}
	if negate {
		for b := range set {
			set[b] = !set[b]
		}
	}
	return &set, i
}

func posixClass(name string) func(byte) bool {
	lower := func(c byte) bool { return 'a' <= c && c <= 'z' }
	upper := func(c byte) bool { return 'A' <= c && c <= 'Z' }
	graph := func(c byte) bool { return '!' <= c && c <= '~' }
	switch name {
	case "alpha":
		return isAlpha
	case "digit":
		return isDigit
	case "alnum":
		return func(c byte) bool { return isAlpha(c) || isDigit(c) }
	case "lower":
		return lower
	case "upper":
		return upper
	case "space":
		return isSpace
	case "blank":
		return func(c byte) bool { return c == ' ' || c == '\t' }
	case "punct":
		return func(c byte) bool { return graph(c) && !isAlpha(c) && !isDigit(c) }
	case "xdigit":
		return func(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
	case "print":
		return func(c byte) bool { return graph(c) || c == ' ' }
	case "graph":
		return graph
	case "cntrl":
		return func(c byte) bool { return c < ' ' || c == 127 }
	}
	return nil
}

// matchGlob matches the whole of text in time linear in text for each star.
func matchGlob(parts []globPart, text []byte, fold bool) bool {
	i, j, star, mark := 0, 0, -1, 0
	for i < len(text) {
		if j < len(parts) {
			switch p := parts[j]; {
			case p.kind == '*':
				star, mark = j, i
				j++
				continue
			case p.kind == '?',
				p.kind == '[' && p.set[text[i]],
				p.kind == 'c' && (p.c == text[i] || fold && p.c == lowerByte(text[i])):
				i++
				j++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		i, j = mark, star+1
	}
	for j < len(parts) && parts[j].kind == '*' {
		j++
	}
	return j == len(parts)
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func upperByte(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// containsFold looks for needle, which is in lower case, without regard to ASCII case.
func containsFold(text []byte, needle string) bool {
	for i := 0; i+len(needle) <= len(text); i++ {
		j := 0
		for j < len(needle) && lowerByte(text[i+j]) == needle[j] {
			j++
		}
		if j == len(needle) {
			return true
		}
	}
	return false
}

// lowerASCII lowers the ASCII letters of s.
func lowerASCII(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lowerByte(b[i])
	}
	return string(b)
}

// searchPath is one path of pmatch, split at its slashes.
type searchPath []pathPart

type pathPart struct {
	text string
	glob []globPart // nil for a component without wildcards
}

func parsePath(s string) searchPath {
	path := searchPath{}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" {
			continue
		}
		p := pathPart{text: part}
		if strings.ContainsAny(part, "?*[") {
			parts, ok := parseGlob(part, false)
			if !ok {
				parts = []globPart{} // a backslash at the end matches nothing but ""
			}
			p.glob = parts
		}
		path = append(path, p)
	}
	return path
}

// prefixes says whether the components of the path begin those of text. The path
// without components begins everything.
func (s searchPath) prefixes(text []byte) bool {
	for _, want := range s {
		part := []byte(nil)
		for len(text) > 0 && len(part) == 0 {
			part, text, _ = bytes.Cut(text, []byte("/"))
		}
		if len(part) == 0 {
			return false
		}
		if want.glob != nil && !matchGlob(want.glob, part, false) || want.glob == nil && string(part) != want.text {
			return false
		}
	}
	return true
}

// compileRegex compiles a POSIX extended expression that must match the whole text,
// as RE2 does it with its option posix_syntax: no \d, no (?i), and a negated set
// matches a newline. The error is in RE2's words.
func compileRegex(s string) (*regexp.Regexp, string) {
	parsed, err := syntax.Parse(s, syntax.ClassNL)
	if err != nil {
		return nil, "invalid regex pattern: " + re2Error(err)
	}
	re, err := regexp.Compile(`\A(?:` + parsed.String() + `)\z`)
	if err != nil {
		return nil, "invalid regex pattern: " + re2Error(err)
	}
	return re, ""
}

func re2Error(err error) string {
	var e *syntax.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	words := string(e.Code)
	switch e.Code {
	case syntax.ErrMissingParen:
		words = "missing )"
	case syntax.ErrMissingBracket:
		words = "missing ]"
	case syntax.ErrMissingRepeatArgument:
		words = "no argument for repetition operator"
	case syntax.ErrInvalidRepeatOp:
		words = "bad repetition operator"
	case syntax.ErrInvalidRepeatSize:
		words = "invalid repetition size"
	case syntax.ErrTrailingBackslash:
		return `trailing \`
	}
	return words + ": " + e.Expr
}
