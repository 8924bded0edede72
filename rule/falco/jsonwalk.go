package falco

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// The functions below read compact JSON that is known to be valid, as fields under
// [query.ConvRaw] hold it. They build nothing.

// jsonEnd returns the length of the value at the start of b.
func jsonEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(b))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i
			}
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// jsonEach calls f for each member of an array until it returns false. It reports
// whether b is an array.
func jsonEach(b []byte, f func(i int, member []byte) bool) bool {
	if len(b) < 2 || b[0] != '[' {
		return false
	}
	b = b[1:]
	for i := 0; len(b) > 0 && b[0] != ']'; i++ {
		n := jsonEnd(b)
		if n == 0 || !f(i, b[:n]) {
			break
		}
		b = b[n:]
		if len(b) > 0 && b[0] == ',' {
			b = b[1:]
		}
	}
	return true
}

// jsonFields calls f for each pair of an object, the key raw, until it returns false.
func jsonFields(b []byte, f func(key, value []byte) bool) bool {
	if len(b) < 2 || b[0] != '{' {
		return false
	}
	b = b[1:]
	for len(b) > 0 && b[0] == '"' {
		k := jsonEnd(b)
		if k < 2 || k >= len(b) || b[k] != ':' {
			break
		}
		key, rest := b[1:k-1], b[k+1:]
		n := jsonEnd(rest)
		if n == 0 || !f(key, rest[:n]) {
			break
		}
		b = rest[n:]
		if len(b) > 0 && b[0] == ',' {
			b = b[1:]
		}
	}
	return true
}

// jsonGet walks down objects by keys that need no escapes; nil if there is no such value.
func jsonGet(b []byte, keys ...string) []byte {
	for _, want := range keys {
		var found []byte
		jsonFields(b, func(key, value []byte) bool {
			if string(key) == want {
				found = value
				return false
			}
			return true
		})
		if found == nil {
			return nil
		}
		b = found
	}
	return b
}

// jsonString returns the text of a string; nil for anything else.
func jsonString(b []byte) []byte {
	if len(b) < 2 || b[0] != '"' {
		return nil
	}
	body := b[1 : len(b)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		return slices.Clip(body)
	}
	var s string
	if json.Unmarshal(b, &s) != nil {
		return body
	}
	return []byte(s)
}

// jsonText returns a string as itself and all else as it stands.
func jsonText(b []byte) []byte {
	if s := jsonString(b); s != nil {
		return s
	}
	return b
}

// cString cuts text at its first NUL, as Falco's strings are C strings.
func cString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// appendQuoted appends text as a JSON string.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		c := text[0]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c < 0x20:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c >= utf8.RuneSelf:
			_, n := utf8.DecodeRune(text)
			dst = append(dst, text[:n]...)
			text = text[n:]
			continue
		default:
			dst = append(dst, c)
		}
		text = text[1:]
	}
	return append(dst, '"')
}
