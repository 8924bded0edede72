package decode

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// markAt finds a mark with a version and at least so many bars behind it, at the start of the line or
// behind a blank, a colon or the byte order mark.
func markAt(line, mark []byte, bars int) int {
	for from := 0; ; {
		i := bytes.Index(line[from:], mark)
		if i < 0 {
			return -1
		}
		at := from + i
		from = at + len(mark)
		if at > 0 && line[at-1] != ' ' && line[at-1] != ':' && line[at-1] != utf8BOM[2] && line[at-1] != '\t' {
			continue
		}
		rest := line[from:]
		n := 0
		for n < len(rest) && n < 4 && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '.') {
			n++
		}
		if n == 0 || n >= len(rest) || rest[n] != '|' || bytes.Count(rest, []byte{'|'}) < bars {
			continue
		}
		return at
	}
}

// cutBar cuts the text up to the next bar that no backslash hides.
func cutBar(text []byte) (field, rest []byte, ok bool) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '|':
			return unescapeBars(text[:i], `|\`), text[i+1:], true
		}
	}
	return unescapeBars(text, `|\`), nil, false
}

// appendCEF appends the members of an event: the fields of its prefix, those of its extension by
// their keys, and what has a label under its label too.
func appendCEF(dst, event []byte) ([]byte, bool) {
	names := [...]string{"cefVersion", "deviceVendor", "deviceProduct", "deviceVersion", "deviceEventClassId", "name", "severity"}
	rest := event[len("CEF:"):]
	for i, name := range names {
		v, after, ok := cutBar(rest)
		if !ok && i < len(names)-1 {
			return dst, false
		}
		dst, rest = appendMember(dst, name, v), after
	}
	pairs := extension(rest)
	seen := append([]string(nil), names[:]...)
	for _, p := range pairs {
		if !slices.Contains(seen, p.key) {
			dst = appendMember(dst, p.key, p.value)
			seen = append(seen, p.key)
		}
	}
	for _, p := range pairs {
		of, ok := strings.CutSuffix(p.key, "Label")
		label := string(bytes.TrimSpace(p.value))
		if !ok || label == "" || len(label) > 128 || slices.Contains(seen, label) {
			continue
		}
		if i := slices.IndexFunc(pairs, func(q pair) bool { return q.key == of }); i >= 0 {
			dst = appendMember(dst, label, pairs[i].value)
			seen = append(seen, label)
		}
	}
	return dst, true
}

// pair is a key of an extension and its value.
type pair struct {
	key   string
	value []byte
}

// maxPairs bounds the fields of one event.
const maxPairs = 512

// extension reads "key=value key=value", where values may hold blanks: a value ends before the
// last word in front of the next equals sign that no backslash hides.
func extension(text []byte) []pair {
	var pairs []pair
	eq := nextEquals(text, 0)
	for eq >= 0 && len(pairs) < maxPairs {
		key := text[bytes.LastIndexByte(text[:eq], ' ')+1 : eq]
		text = text[eq+1:]
		end := len(text)
		for eq = nextEquals(text, 0); eq >= 0; eq = nextEquals(text, eq+1) {
			// What stands before an equals sign is a key only behind a blank, and as one word.
			blank := bytes.LastIndexByte(text[:eq], ' ')
			if blank >= 0 && isKey(text[blank+1:eq]) {
				end = blank
				break
			}
		}
		if len(key) > 0 && len(key) <= 128 {
			pairs = append(pairs, pair{string(key), unescapeValue(bytes.TrimRight(text[:end], " "))})
		}
	}
	return pairs
}

// nextEquals returns where the next equals sign is that no backslash hides.
func nextEquals(text []byte, from int) int {
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '=':
			return i
		}
	}
	return -1
}

// isKey says whether text may be the key of an extension.
func isKey(text []byte) bool {
	for _, c := range text {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' || c == '[' || c == ']') {
			return false
		}
	}
	return len(text) > 0
}

// unescapeValue undoes \=, \\, \n, \r and \| in a value.
func unescapeValue(v []byte) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) {
			switch v[i+1] {
			case '=', '\\', '|':
				i++
			case 'n':
				out = append(out, '\n')
				i++
				continue
			case 'r':
				out = append(out, '\r')
				i++
				continue
			}
		}
		out = append(out, v[i])
	}
	return out
}

// appendLEEF appends the members of an event: the fields of its header, and its attributes by
// their keys. Version 1.0 has tabs between them, version 2.0 may say otherwise.
func appendLEEF(dst, event []byte) ([]byte, bool) {
	rest := event[len("LEEF:"):]
	names := [...]string{"leefVersion", "vendor", "product", "version", "eventId"}
	two := bytes.HasPrefix(rest, []byte{'2'})
	for i, name := range names {
		v, after, ok := cutBar(rest)
		if !ok && i < len(names)-1 {
			return dst, false
		}
		dst, rest = appendMember(dst, name, v), after
	}
	sep := []byte{'\t'}
	if two {
		if by, after, ok := cutBar(rest); ok && len(by) <= 6 {
			rest = after
			if s := leefSeparator(by); s != nil {
				sep = s
			}
		}
	}
	if string(sep) == "\t" && bytes.IndexByte(rest, '\t') < 0 && bytes.Count(rest, []byte{'='}) > 1 {
		return appendPairs(dst, names[:], extension(rest)), true // blanks, or tabs that became blanks on the way
	}
	var pairs []pair
	for len(rest) > 0 && len(pairs) < maxPairs {
		var one []byte
		one, rest, _ = bytes.Cut(rest, sep)
		key, value, ok := bytes.Cut(one, []byte{'='})
		if key = bytes.TrimSpace(key); ok && len(key) > 0 && len(key) <= 128 {
			pairs = append(pairs, pair{string(key), bytes.TrimSpace(value)})
		}
	}
	return appendPairs(dst, names[:], pairs), true
}

func appendPairs(dst []byte, seen []string, pairs []pair) []byte {
	seen = slices.Clone(seen)
	for _, p := range pairs {
		if !slices.Contains(seen, p.key) {
			dst = appendMember(dst, p.key, p.value)
			seen = append(seen, p.key)
		}
	}
	return dst
}

// leefSeparator reads the character between attributes, or its number in hexadecimal (x09,
// 0x09); nil when there is none.
func leefSeparator(text []byte) []byte {
	if len(text) == 1 {
		return text
	}
	hex, ok := strings.CutPrefix(strings.TrimPrefix(string(text), "0"), "x")
	if !ok {
		return nil
	}
	n, err := strconv.ParseUint(hex, 16, 16)
	if err != nil || n == 0 {
		return nil
	}
	return []byte(string(rune(n)))
}
