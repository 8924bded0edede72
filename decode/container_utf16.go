package decode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Order returns the byte order of text that starts with the mark of UTF-16, nil
// for other text.
func utf16Order(head []byte) binary.ByteOrder {
	if len(head) < 2 {
		return nil
	}
	switch {
	case head[0] == 0xff && head[1] == 0xfe:
		return binary.LittleEndian
	case head[0] == 0xfe && head[1] == 0xff:
		return binary.BigEndian
	}
	return nil
}

// utf16Reader turns UTF-16 into UTF-8. A lone surrogate becomes U+FFFD.
type utf16Reader struct {
	src   *bufio.Reader
	order binary.ByteOrder
	rest  []byte // of a character that did not fit
	hold  [utf8.UTFMax]byte
	begun bool
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	for n < len(p) {
		r, err := u.rune()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if !u.begun {
			u.begun = true
			if r == 0xfeff {
				continue
			}
		}
		if n+utf8.UTFMax <= len(p) {
			n += utf8.EncodeRune(p[n:], r)
			continue
		}
		u.rest = u.hold[:utf8.EncodeRune(u.hold[:], r)]
		k := copy(p[n:], u.rest)
		u.rest = u.rest[k:]
		n += k
	}
	return n, nil
}

func (u *utf16Reader) rune() (rune, error) {
	a, err := u.unit(true)
	if err != nil || !utf16.IsSurrogate(rune(a)) {
		return rune(a), err
	}
	b, err := u.unit(false)
	if err != nil {
		return utf8.RuneError, nil
	}
	r := utf16.DecodeRune(rune(a), rune(b))
	if r != utf8.RuneError {
		_, _ = u.src.Discard(2)
	}
	return r, nil
}

// unit reads the next 16 bits, and goes past them where take is set.
func (u *utf16Reader) unit(take bool) (uint16, error) {
	b, err := u.src.Peek(2)
	if len(b) < 2 {
		if len(b) == 1 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	v := u.order.Uint16(b)
	if take {
		_, _ = u.src.Discard(2)
	}
	return v, nil
}
