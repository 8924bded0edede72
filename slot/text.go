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

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(src []byte) rune {
	if len(src) < 4 {
		return -1
	}
	var r rune
	for _, c := range src[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// Compact appends the valid JSON value src to dst without the white space between
// its tokens. Strings and numbers stay as they are written.
func Compact(dst, src []byte) []byte {
	p, n := start(src)
	from := 0
	for i := 0; i < n; {
		c := at(p, i)
		switch {
		case c == '"':
			end, _, ec := str(p, i+1, n)
			if ec != ok {
				return append(dst, src[from:]...)
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
