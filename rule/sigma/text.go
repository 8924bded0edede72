package sigma

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/query"
)

// partKind says what a part of a Sigma string stands for.
type partKind uint8

const (
	partText partKind = iota
	partStar          // `*`: any text, none included
	partMark          // `?`: any one character
	partDash          // one of the dashes of the windash modifier
	partHole          // a placeholder, text is its name
)

// part is a piece of a Sigma string.
type part struct {
	kind partKind
	text string
}

// str is a Sigma string: text, wildcards and placeholders in order. Neighbouring
// texts and neighbouring stars are one part.
type str struct {
	parts []part
	cased bool
}

// dashes are the characters that windash takes for one another.
var dashes = []string{"-", "/", "\u2013", "\u2014", "\u2015"}

// plain makes a string that holds s literally.
func plain(s string) str {
	var out str
	out.add(part{partText, s})
	return out
}

// parseStr reads a string as the specification escapes it: a backslash makes a
// wildcard or a backslash literal and stands for itself before anything else.
func parseStr(s string) str {
	var out str
	var b strings.Builder
	flush := func() {
		out.add(part{partText, b.String()})
		b.Reset()
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\') {
				i++
			}
			b.WriteByte(s[i])
		case '*':
			flush()
			out.add(part{kind: partStar})
		case '?':
			flush()
			out.add(part{kind: partMark})
		default:
			b.WriteByte(c)
		}
	}
	flush()
	return out
}

func (s *str) add(p part) {
	n := len(s.parts)
	switch {
	case p.kind == partText && p.text == "":
	case n > 0 && p.kind == partText && s.parts[n-1].kind == partText:
		s.parts[n-1].text += p.text
	case n > 0 && p.kind == partStar && s.parts[n-1].kind == partStar:
	default:
		s.parts = append(s.parts, p)
	}
}

// with returns s between the parts before and after.
func (s str) with(before, after []part) str {
	out := str{cased: s.cased}
	for _, list := range [][]part{before, s.parts, after} {
		for _, p := range list {
			out.add(p)
		}
	}
	return out
}

// has says whether a part of one of the kinds is in s.
func (s str) has(kinds ...partKind) bool {
	for _, p := range s.parts {
		if slices.Contains(kinds, p.kind) {
			return true
		}
	}
	return false
}

// literal returns the text of a string without wildcards and placeholders.
func (s str) literal() (string, bool) {
	switch {
	case len(s.parts) == 0:
		return "", true
	case len(s.parts) == 1 && s.parts[0].kind == partText:
		return s.parts[0].text, true
	}
	return "", false
}

// String writes s without escapes, as pySigma prints it.
func (s str) String() string {
	var b strings.Builder
	for _, p := range s.parts {
		switch p.kind {
		case partText:
			b.WriteString(p.text)
		case partStar:
			b.WriteByte('*')
		case partMark:
			b.WriteByte('?')
		case partDash:
			b.WriteByte('-')
		case partHole:
			b.WriteString("%" + p.text + "%")
		}
	}
	return b.String()
}

// mapText replaces every text part by the parts that f makes of it.
func (s str) mapText(f func(string) []part) str {
	out := str{cased: s.cased}
	for _, p := range s.parts {
		if p.kind != partText {
			out.add(p)
			continue
		}
		for _, q := range f(p.text) {
			out.add(q)
		}
	}
	return out
}

// markDashes turns the dashes that start a word, and no word ends before, into
// partDash: the first dash of "-param-name".
func (s str) markDashes() str {
	word := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	return s.mapText(func(t string) []part {
		var out []part
		start := 0
		before := ' '
		for i, r := range t {
			size := utf8.RuneLen(r)
			if size > 0 && isDash(r) && !word(before) {
				if next, _ := utf8.DecodeRuneInString(t[i+size:]); i+size < len(t) && word(next) {
					out = append(out, part{partText, t[start:i]}, part{kind: partDash})
					start = i + size
				}
			}
			before = r
		}
		return append(out, part{partText, t[start:]})
	})
}

func isDash(r rune) bool {
	return slices.Contains(dashes, string(r))
}

// maxVariants bounds the strings that one value may stand for.
const maxVariants = 5 * 5 * 5 * 5 * 5

// variants writes out the dashes: every combination of them.
func (s str) variants() ([]str, bool) {
	out := []str{{cased: s.cased}}
	for _, p := range s.parts {
		if p.kind != partDash {
			for i := range out {
				out[i].add(p)
			}
			continue
		}
		if len(out)*len(dashes) > maxVariants {
			return nil, false
		}
		next := make([]str, 0, len(out)*len(dashes))
		for _, o := range out {
			for _, d := range dashes {
				v := str{cased: s.cased, parts: append([]part(nil), o.parts...)}
				v.add(part{partText, d})
				next = append(next, v)
			}
		}
		out = next
	}
	return out, true
}

var holeName = regexp.MustCompile(`\\?%(\w+)%|\\%`)

// markHoles turns %name% into placeholders; `\%` is a percent sign.
func markHoles(t string) []part {
	var out []part
	for t != "" {
		at := holeName.FindStringSubmatchIndex(t)
		if at == nil {
			break
		}
		out = append(out, part{partText, t[:at[0]]})
		if t[at[0]] == '\\' { // an escaped percent sign: what follows it may be a placeholder still
			out = append(out, part{partText, "%"})
			t = t[at[0]+2:]
			continue
		}
		out = append(out, part{partHole, t[at[2]:at[3]]})
		t = t[at[1]:]
	}
	return append(out, part{partText, t})
}

// fill puts values in place of the placeholders that lookup knows.
func (s str) fill(lookup func(name string) ([]str, bool)) ([]str, bool) {
	out := []str{{cased: s.cased}}
	for _, p := range s.parts {
		values, ok := []str(nil), false
		if p.kind == partHole {
			values, ok = lookup(p.text)
		}
		if !ok {
			for i := range out {
				out[i].add(p)
			}
			continue
		}
		if len(out)*len(values) > maxVariants {
			return nil, false
		}
		next := make([]str, 0, len(out)*len(values))
		for _, o := range out {
			for _, v := range values {
				n := str{cased: s.cased, parts: append([]part(nil), o.parts...)}
				for _, q := range v.parts {
					n.add(q)
				}
				next = append(next, n)
			}
		}
		out = next
	}
	return out, true
}

// pattern makes a pattern of a string of texts, stars and marks.
func (s str) pattern() *query.Pattern {
	var b query.PatternBuilder
	for _, q := range s.parts {
		switch q.kind {
		case partStar:
			b.Star()
		case partMark:
			b.Any()
		default:
			for _, r := range q.text {
				b.Rune(r)
			}
		}
	}
	return b.Pattern()
}

// regexp writes s as a regular expression that matches text whole.
func (s str) regexp(fold bool) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("(?s")
	if fold {
		b.WriteByte('i')
	}
	b.WriteString(`)\A(?:`)
	for _, p := range s.parts {
		switch p.kind {
		case partText:
			b.WriteString(regexp.QuoteMeta(p.text))
		case partStar:
			b.WriteString(".*")
		case partMark:
			b.WriteByte('.')
		case partDash:
			b.WriteString("[" + strings.Join(dashes, "") + "]")
		}
	}
	b.WriteString(`)\z`)
	return regexp.Compile(b.String())
}
