package query

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
	"unsafe"
)

// isNumber reports whether text is a decimal number as JSON writes it; a leading
// plus and leading zeros are allowed too.
func isNumber(text []byte) bool {
	i, n := 0, len(text)
	digits := func() bool {
		from := i
		for i < n && '0' <= text[i] && text[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < n && (text[i] == '-' || text[i] == '+') {
		i++
	}
	if !digits() {
		return false
	}
	if i < n && text[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < n && (text[i] == 'e' || text[i] == 'E') {
		i++
		if i < n && (text[i] == '-' || text[i] == '+') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == n
}

// parseNumber reads a decimal number as a float64.
func parseNumber(text []byte) (float64, bool) {
	if !isNumber(text) {
		return 0, false
	}
	if len(text) <= 15 {
		// Up to 15 digits are exact in a float64.
		var v int64
		i, neg := 0, false
		if text[0] == '-' || text[0] == '+' {
			neg = text[0] == '-'
			i = 1
		}
		for ; i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
			v = v*10 + int64(text[i]-'0')
		}
		if i == len(text) {
			if neg {
				v = -v
			}
			return float64(v), true
		}
	}
	// The string lives as long as text, and ParseFloat keeps nothing of it.
	f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// appendDecimal appends a form of a decimal number that is the same for all ways to
// write one value (403, 403.0, 4.03e2): sign, digits without zeros at either end,
// and exponent. No digit is lost, however long the number. ok is false for text that
// is no number and for exponents beyond nine digits, which compare as text only.
func appendDecimal(dst, text []byte) (out []byte, ok bool) {
	if !isNumber(text) {
		return dst, false
	}
	mark := len(dst)
	if text[0] == '-' {
		dst = append(dst, '-')
	}
	if text[0] == '-' || text[0] == '+' {
		text = text[1:]
	}
	first := len(dst)
	exp, i, point := 0, 0, false
	for ; i < len(text) && text[i] != 'e' && text[i] != 'E'; i++ {
		if text[i] == '.' {
			point = true
			continue
		}
		if point {
			exp--
		}
		if text[i] == '0' && len(dst) == first {
			continue
		}
		dst = append(dst, text[i])
	}
	if i < len(text) {
		e, neg := 0, false
		i++
		if text[i] == '-' || text[i] == '+' {
			neg = text[i] == '-'
			i++
		}
		for ; i < len(text); i++ {
			if e = e*10 + int(text[i]-'0'); e > 999_999_999 {
				return dst[:mark], false
			}
		}
		if neg {
			e = -e
		}
		exp += e
	}
	for len(dst) > first && dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
		exp++
	}
	if len(dst) == first {
		return append(dst[:mark], '0'), true
	}
	return strconv.AppendInt(append(dst, 'e'), int64(exp), 10), true
}

// compareDecimal compares two numbers in the form of appendDecimal; the result is
// negative, 0 or positive.
func compareDecimal(a, b []byte) int {
	signA, signB := signOf(a), signOf(b)
	if signA != signB || signA == 0 {
		return signA - signB
	}
	digitsA, topA := magnitude(a)
	digitsB, topB := magnitude(b)
	if topA != topB {
		return signA * cmp.Compare(topA, topB)
	}
	return signA * bytes.Compare(digitsA, digitsB)
}

func signOf(decimal []byte) int {
	switch decimal[0] {
	case '-':
		return -1
	case '0':
		return 0
	}
	return 1
}

// magnitude splits a number other than 0 in the form of appendDecimal: its digits, and
// the power of ten just above it.
func magnitude(decimal []byte) (digits []byte, top int) {
	if decimal[0] == '-' {
		decimal = decimal[1:]
	}
	e := bytes.IndexByte(decimal, 'e')
	exp, neg := 0, false
	for _, c := range decimal[e+1:] {
		if c == '-' {
			neg = true
			continue
		}
		exp = exp*10 + int(c-'0')
	}
	if neg {
		exp = -exp
	}
	return decimal[:e], e + exp
}
