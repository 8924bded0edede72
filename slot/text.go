package slot

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unescape appends the text of a JSON string to dst. src is what stands between
// the quotes of a valid string. A lone surrogate becomes U+FFFD, invalid UTF-8
// stays as it is.
func Unescape(dst, src []byte) []byte {
	for {
		k := bytes.IndexByte(src, '\\')
		if k < 0 || k+1 >= len(src) {
			return append(dst, src...)
		}
		dst = append(dst, src[:k]...)
		c := src[k+1]
		src = src[k+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(src)
			if r < 0 {
				return append(append(dst, '\\', 'u'), src...)
			}
			src = src[4:]
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if len(src) >= 6 && src[0] == '\\' && src[1] == 'u' {
					low = hex4(src[2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					src = src[6:]
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// unpercent appends src to dst with its percent-encoding (RFC 3986) resolved, and
// reports whether every percent sign in it had its two digits.
func unpercent(dst, src []byte) ([]byte, bool) {
	for {
		k := bytes.IndexByte(src, '%')
		if k < 0 {
			return append(dst, src...), true
		}
		if k+3 > len(src) {
			return dst, false
		}
		high, low := hex(src[k+1]), hex(src[k+2])
		if high < 0 || low < 0 {
			return dst, false
		}
		dst = append(append(dst, src[:k]...), byte(high<<4|low))
		src = src[k+3:]
	}
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(src []byte) rune {
	if len(src) < 4 {
		return -1
	}
	var r rune
	for _, c := range src[:4] {
		digit := hex(c)
		if digit < 0 {
			return -1
		}
		r = r<<4 | digit
	}
	return r
}

// hex reads one hexadecimal digit, or returns -1.
func hex(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c - 'a' + 10)
	case c >= 'A' && c <= 'F':
		return rune(c - 'A' + 10)
	}
	return -1
}

// Compact appends the valid JSON value src to dst without the white space between
// its tokens, and with only those escapes in its strings that JSON needs: \u006f is
// written o, \/ is written /, control characters in their short form or as \u00xx. A
// lone surrogate becomes U+FFFD. Numbers stay as they are written.
func Compact(dst, src []byte) []byte {
	p, n := start(src)
	from := 0
	for i := 0; i < n; {
		c := at(p, i)
		switch {
		case c == '"':
			end, esc, ec := str(p, i+1, n)
			if ec != ok {
				return append(dst, src[from:]...)
			}
			if esc {
				dst = append(dst, src[from:i+1]...)
				dst = reescape(dst, src[i+1:end])
				from = end
			}
			i = end + 1
		case class[c]&clsSpace != 0:
			dst = append(dst, src[from:i]...)
			i = space(p, i, n)
			from = i
		default:
			i++
		}
	}
	return append(dst, src[from:]...)
}

// reescape appends the inside of a valid JSON string to dst with only the escapes
// that JSON needs.
func reescape(dst, src []byte) []byte {
	for {
		k := bytes.IndexByte(src, '\\')
		if k < 0 || k+1 >= len(src) {
			return append(dst, src...)
		}
		dst = append(dst, src[:k]...)
		src = src[k:]
		n := 2
		if src[1] == 'u' {
			n = min(6, len(src))
			if n == 6 && utf16.IsSurrogate(hex4(src[2:])) && len(src) >= 12 && src[6] == '\\' && src[7] == 'u' &&
				utf16.DecodeRune(hex4(src[2:]), hex4(src[8:])) != utf8.RuneError {
				n = 12
			}
		}
		mark := len(dst)
		dst = Unescape(dst, src[:n])
		if c := dst[mark]; c < ' ' || c == '"' || c == '\\' {
			dst = appendEscape(dst[:mark], c)
		}
		src = src[n:]
	}
}

// appendEscape appends the escape of a quote, a backslash or a control character.
func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '\b':
		c = 'b'
	case '\f':
		c = 'f'
	case '\n':
		c = 'n'
	case '\r':
		c = 'r'
	case '\t':
		c = 't'
	case '"', '\\':
	default:
		const hex = "0123456789abcdef"
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(dst, '\\', c)
}
