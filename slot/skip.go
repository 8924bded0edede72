package slot

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
	"unsafe"
)

// MaxDepth is how deep arrays and objects may nest in one record, and in one text
// inside a string.
const MaxDepth = 1000

// ErrShort says that the buffer ends inside a value: more bytes may complete it.
var ErrShort = errors.New("unexpected end of JSON")

// SyntaxError says that a value is not JSON as RFC 8259 defines it, or nests
// deeper than [MaxDepth].
type SyntaxError struct {
	Offset int64 // of the offending byte in the buffer
	Msg    string
}

// Error returns the message with its offset.
func (e *SyntaxError) Error() string {
	return "invalid JSON at byte " + strconv.FormatInt(e.Offset, 10) + ": " + e.Msg
}

// code is what went wrong in the hot functions, which return it with a position.
type code uint8

const (
	ok code = iota
	short
	badValue
	badKey
	badColon
	badObject
	badArray
	badControl
	badEscape
	badNumber
	badLiteral
	tooDeep
)

var messages = [...]string{
	short:      "unexpected end",
	badValue:   "a value should start here",
	badKey:     "an object key in quotes should start here",
	badColon:   "a colon should follow the object key",
	badObject:  "a comma or closing brace should follow the object member",
	badArray:   "a comma or closing bracket should follow the array member",
	badControl: "a control character inside a string",
	badEscape:  "an unknown escape inside a string",
	badNumber:  "a malformed number",
	badLiteral: "a malformed literal",
	tooDeep:    "nested deeper than " + strconv.Itoa(MaxDepth) + " levels",
}

func (c code) err(at int) error {
	switch c {
	case ok:
		return nil
	case short:
		return ErrShort
	}
	return &SyntaxError{Offset: int64(at), Msg: messages[c]}
}

// The functions below read through p, the start of a buffer of n bytes. Every load
// is guarded by a comparison with n; the pointers spare the bounds checks that the
// compiler cannot prove away.

func at(p unsafe.Pointer, i int) byte { return *(*byte)(unsafe.Add(p, i)) }

func load64(p unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}

func load32(p unsafe.Pointer, i int) uint32 {
	return binary.LittleEndian.Uint32((*[4]byte)(unsafe.Add(p, i))[:])
}

func load16(p unsafe.Pointer, i int) uint16 {
	return binary.LittleEndian.Uint16((*[2]byte)(unsafe.Add(p, i))[:])
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the high bit of each byte of w that ends a run of plain string
// bytes: a quote, a backslash or a control character. The lowest mark is exact;
// a byte above a marked one may be marked wrongly by the borrow.
func special(w uint64) uint64 {
	return ((w - 0x20*ones) | ((w ^ '"'*ones) - ones) | ((w ^ '\\'*ones) - ones)) &^ w & highs
}

// first returns the number of the byte that the lowest mark of m stands in.
func first(m uint64) int { return bits.TrailingZeros64(m) >> 3 }

const (
	clsSpace  = 1 << iota // white space
	clsStop               // ends a run of plain string bytes
	clsEscape             // may follow a backslash, u excepted
	clsHex
	clsDigit
)

var class = func() (t [256]uint8) {
	for _, c := range " \t\r\n" {
		t[c] |= clsSpace
	}
	for c := range 0x20 {
		t[c] |= clsStop
	}
	t['"'] |= clsStop
	t['\\'] |= clsStop
	for _, c := range `"\/bfnrt` {
		t[c] |= clsEscape
	}
	for _, c := range "0123456789abcdefABCDEF" {
		t[c] |= clsHex
	}
	for _, c := range "0123456789" {
		t[c] |= clsDigit
	}
	return t
}()

// space returns the position of the first byte at or after i that is not white space.
func space(p unsafe.Pointer, i, n int) int {
	for i < n {
		for i+8 <= n && load64(p, i) == ' '*ones {
			i += 8
		}
		if i >= n || class[at(p, i)]&clsSpace == 0 {
			break
		}
		i++
	}
	return i
}

// str reads a string from i, just after its opening quote, and returns the
// position of its closing quote and whether it holds escapes.
func str(p unsafe.Pointer, i, n int) (int, bool, code) {
	esc := false
	for {
		for i+8 <= n {
			if m := special(load64(p, i)); m != 0 {
				i += first(m)
				goto stop
			}
			i += 8
		}
		for i < n && class[at(p, i)]&clsStop == 0 {
			i++
		}
		if i >= n {
			return i, esc, short
		}
	stop:
		switch at(p, i) {
		case '"':
			return i, esc, ok
		case '\\':
			esc = true
			if i+1 >= n {
				return i, esc, short
			}
			e := at(p, i+1)
			if class[e]&clsEscape != 0 {
				i += 2
				continue
			}
			if e != 'u' {
				return i, esc, badEscape
			}
			for j := i + 2; j < i+6; j++ {
				if j >= n {
					return j, esc, short
				}
				if class[at(p, j)]&clsHex == 0 {
					return i, esc, badEscape
				}
			}
			i += 6
		default:
			return i, esc, badControl
		}
	}
}

// number reads a number that starts at i and returns the position after it.
func number(p unsafe.Pointer, i, n int) (int, code) {
	if at(p, i) == '-' {
		i++
		if i >= n {
			return i, short
		}
	}
	c := at(p, i)
	switch {
	case c == '0':
		i++
	case class[c]&clsDigit != 0:
		for i++; i < n && class[at(p, i)]&clsDigit != 0; i++ {
		}
	default:
		return i, badNumber
	}
	if i >= n {
		return i, ok
	}
	if c = at(p, i); c == '.' {
		i++
		start := i
		for ; i < n && class[at(p, i)]&clsDigit != 0; i++ {
		}
		if i == start {
			if i >= n {
				return i, short
			}
			return i, badNumber
		}
		if i >= n {
			return i, ok
		}
		c = at(p, i)
	}
	if c|0x20 == 'e' {
		i++
		if i < n && (at(p, i) == '+' || at(p, i) == '-') {
			i++
		}
		start := i
		for ; i < n && class[at(p, i)]&clsDigit != 0; i++ {
		}
		if i == start {
			if i >= n {
				return i, short
			}
			return i, badNumber
		}
	}
	return i, ok
}

const (
	wordTrue = 't' | 'r'<<8 | 'u'<<16 | 'e'<<24
	wordAlse = 'a' | 'l'<<8 | 's'<<16 | 'e'<<24
	wordNull = 'n' | 'u'<<8 | 'l'<<16 | 'l'<<24
)

// literal reads true, false or null from i and returns the position after it.
func literal(p unsafe.Pointer, i, n int) (int, code) {
	if i+5 <= n {
		switch load32(p, i) {
		case wordTrue, wordNull:
			return i + 4, ok
		}
		if at(p, i) == 'f' && load32(p, i+1) == wordAlse {
			return i + 5, ok
		}
	}
	var word string
	switch at(p, i) {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	case 'n':
		word = "null"
	default:
		return i, badValue
	}
	for j := range len(word) {
		if i+j >= n {
			return n, short
		}
		if at(p, i+j) != word[j] {
			return i + j, badLiteral
		}
	}
	return i + len(word), ok
}

// skip validates the value that starts at i, which is not white space, and returns
// the position after it. depth is the number of containers around it.
func skip(p unsafe.Pointer, i, n, depth int) (int, code) {
	var stack [MaxDepth/64 + 1]uint64 // one bit a level: set for an object
	var c byte
	var ec code
	base := depth
	inObject := false
	goto value

member: // after a comma in an object, or its opening brace
	if i >= n {
		return i, short
	}
	if c = at(p, i); c != '"' {
		if i = space(p, i, n); i >= n {
			return i, short
		}
		if at(p, i) != '"' {
			return i, badKey
		}
	}
	i++
	if i+8 <= n {
		if m := special(load64(p, i)); m != 0 && at(p, i+first(m)) == '"' {
			i += first(m)
			goto colon
		}
	}
	if i, _, ec = str(p, i, n); ec != ok {
		return i, ec
	}
colon:
	i++
	if i >= n {
		return i, short
	}
	if at(p, i) != ':' {
		if i = space(p, i, n); i >= n {
			return i, short
		}
		if at(p, i) != ':' {
			return i, badColon
		}
	}
	i++
spaceValue:
	if i >= n {
		return i, short
	}
	if at(p, i) <= ' ' {
		if i = space(p, i, n); i >= n {
			return i, short
		}
	}
value:
	switch c = at(p, i); c {
	case '"':
		i++
		if i+8 <= n {
			if m := special(load64(p, i)); m != 0 && at(p, i+first(m)) == '"' {
				i += first(m) + 1
				goto after
			}
		}
		if i, _, ec = str(p, i, n); ec != ok {
			return i, ec
		}
		i++
	case '{':
		if depth >= MaxDepth {
			return i, tooDeep
		}
		stack[uint(depth)>>6%uint(len(stack))] |= 1 << (uint(depth) & 63)
		depth++
		inObject = true
		if i = space(p, i+1, n); i >= n {
			return i, short
		}
		if at(p, i) != '}' {
			goto member
		}
		goto closing
	case '[':
		if depth >= MaxDepth {
			return i, tooDeep
		}
		stack[uint(depth)>>6%uint(len(stack))] &^= 1 << (uint(depth) & 63)
		depth++
		inObject = false
		if i = space(p, i+1, n); i >= n {
			return i, short
		}
		if at(p, i) != ']' {
			goto value
		}
		goto closing
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if i, ec = number(p, i, n); ec != ok {
			return i, ec
		}
	default:
		if i, ec = literal(p, i, n); ec != ok {
			return i, ec
		}
	}
after:
	if depth == base {
		return i, ok
	}
	if i >= n {
		return i, short
	}
	if c = at(p, i); c <= ' ' {
		if i = space(p, i, n); i >= n {
			return i, short
		}
		c = at(p, i)
	}
	if inObject {
		if c == ',' {
			i++
			goto member
		}
		if c != '}' {
			return i, badObject
		}
	} else {
		if c == ',' {
			i++
			goto spaceValue
		}
		if c != ']' {
			return i, badArray
		}
	}
closing:
	i++
	depth--
	if depth == base {
		return i, ok
	}
	inObject = stack[uint(depth-1)>>6%uint(len(stack))]>>(uint(depth-1)&63)&1 != 0
	goto after
}

func start(buf []byte) (unsafe.Pointer, int) { return unsafe.Pointer(unsafe.SliceData(buf)), len(buf) }

// Skip validates one JSON value at the start of buf (white space before it is
// skipped) and returns the number of bytes read. The errors are those of [Plan.Scan].
func Skip(buf []byte) (n int, err error) {
	p, l := start(buf)
	i := space(p, 0, l)
	if i >= l {
		return i, ErrShort
	}
	i, c := skip(p, i, l, 0)
	return i, c.err(i)
}

// Valid reports whether buf is one JSON value with nothing but white space around it.
func Valid(buf []byte) bool {
	i, err := Skip(buf)
	if err != nil {
		return false
	}
	p, l := start(buf)
	return space(p, i, l) == l
}
