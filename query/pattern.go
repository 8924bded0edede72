package query

import (
	"bytes"
	"unicode/utf8"
)

// PatternBuilder puts a [Pattern] together from left to right. The zero value is
// ready; without a call it makes the pattern of the empty text.
type PatternBuilder struct {
	p    Pattern
	cur  Piece
	star bool
}

// Rune appends a character that stands for itself.
func (b *PatternBuilder) Rune(r rune) { b.add(r, false) }

// Any appends a wildcard for exactly one character.
func (b *PatternBuilder) Any() { b.add(0, true) }

// Star appends a wildcard for any text, line ends included; stars in a row are one.
func (b *PatternBuilder) Star() {
	b.flush()
	if len(b.p.Pieces) == 0 {
		b.p.OpenStart = true
	}
	b.star = true
}

func (b *PatternBuilder) add(r rune, any bool) {
	b.star = false
	b.cur.Runes = append(b.cur.Runes, r)
	b.cur.Any = append(b.cur.Any, any)
}

func (b *PatternBuilder) flush() {
	if len(b.cur.Runes) > 0 {
		b.p.Pieces = append(b.p.Pieces, b.cur)
		b.cur = Piece{}
	}
}

// Pattern returns what was put together. The builder must not be used afterwards.
func (b *PatternBuilder) Pattern() *Pattern {
	b.flush()
	b.p.OpenEnd = b.star
	return &b.p
}

// Literal returns the plainer question that p asks, if there is one: Eq, Prefix,
// Suffix or Contains of one text.
func (p *Pattern) Literal() (op Op, text string, ok bool) {
	if len(p.Pieces) > 1 || len(p.Pieces) == 1 && p.Pieces[0].hasAny() {
		return 0, "", false
	}
	if len(p.Pieces) == 1 {
		text = string(p.Pieces[0].Runes)
	}
	switch {
	case p.OpenStart && p.OpenEnd:
		return Contains, text, true
	case p.OpenStart:
		return Suffix, text, true
	case p.OpenEnd:
		return Prefix, text, true
	}
	return Eq, text, true
}

func (p *Piece) hasAny() bool {
	for _, any := range p.Any {
		if any {
			return true
		}
	}
	return false
}

// Match reports whether p matches the whole of text.
func (p *Pattern) Match(text []byte, fold bool) bool {
	c := compilePattern(p, fold)
	if fold {
		text = AppendFold(nil, text)
	}
	return c.match(text)
}

// pattern is a Pattern ready to match folded (or, without fold, plain) text.
type pattern struct {
	pieces             []piece
	openStart, openEnd bool
}

// piece is text without a star: plain bytes where it has no `?`.
type piece struct {
	text  []byte
	runes []rune
	any   []bool
}

func compilePattern(p *Pattern, fold bool) *pattern {
	c := &pattern{openStart: p.OpenStart, openEnd: p.OpenEnd}
	for i := range p.Pieces {
		src := &p.Pieces[i]
		var out piece
		if src.hasAny() {
			out.any = src.Any
			for _, r := range src.Runes {
				if fold {
					r = foldRune(r)
				}
				out.runes = append(out.runes, r)
			}
		} else if out.text = []byte(string(src.Runes)); fold {
			out.text = AppendFold(nil, out.text)
		}
		c.pieces = append(c.pieces, out)
	}
	if len(c.pieces) == 0 && (c.openStart || c.openEnd) {
		c.openStart, c.openEnd = true, true
	}
	return c
}

// match finds the pieces from left to right, each at its first place: as a piece
// without stars has a fixed number of characters, an earlier place is never worse.
func (c *pattern) match(text []byte) bool {
	if len(c.pieces) == 0 {
		return c.openStart || len(text) == 0
	}
	pieces := c.pieces
	if !c.openStart {
		n := pieces[0].head(text)
		if n < 0 {
			return false
		}
		text, pieces = text[n:], pieces[1:]
		if len(pieces) == 0 {
			return c.openEnd || len(text) == 0
		}
	}
	if !c.openEnd {
		last := &pieces[len(pieces)-1]
		n := last.tail(text)
		if n < 0 {
			return false
		}
		text, pieces = text[:len(text)-n], pieces[:len(pieces)-1]
	}
	for i := range pieces {
		n := pieces[i].find(text)
		if n < 0 {
			return false
		}
		text = text[n:]
	}
	return true
}

// head returns the length of p at the start of text, -1 when it is not there.
func (p *piece) head(text []byte) int {
	if p.any == nil {
		if bytes.HasPrefix(text, p.text) {
			return len(p.text)
		}
		return -1
	}
	n := 0
	for i, want := range p.runes {
		if n == len(text) {
			return -1
		}
		r, size := decodeRune(text[n:])
		if !p.any[i] && r != want {
			return -1
		}
		n += size
	}
	return n
}

// tail returns the length of p at the end of text, -1 when it is not there.
func (p *piece) tail(text []byte) int {
	if p.any == nil {
		if bytes.HasSuffix(text, p.text) {
			return len(p.text)
		}
		return -1
	}
	at := len(text)
	for range p.runes {
		if at == 0 {
			return -1
		}
		_, size := utf8.DecodeLastRune(text[:at])
		at -= size
	}
	if p.head(text[at:]) < 0 {
		return -1
	}
	return len(text) - at
}

// find returns the end of the first place of p in text, -1 when there is none.
func (p *piece) find(text []byte) int {
	if p.any == nil {
		i := bytes.Index(text, p.text)
		if i < 0 {
			return -1
		}
		return i + len(p.text)
	}
	for i := 0; ; {
		if n := p.head(text[i:]); n >= 0 {
			return i + n
		}
		if i == len(text) {
			return -1
		}
		_, size := utf8.DecodeRune(text[i:])
		i += size
	}
}

// decodeRune is utf8.DecodeRune, but a byte that is not UTF-8 is a character that
// only `?` matches, not U+FFFD.
func decodeRune(text []byte) (rune, int) {
	r, n := utf8.DecodeRune(text)
	if r == utf8.RuneError && n == 1 {
		return -1, 1
	}
	return r, n
}

// literal returns the longest piece without `?`, and where it must stand.
func (c *pattern) literal() (text []byte, at anchor) {
	best := -1
	for i := range c.pieces {
		if p := &c.pieces[i]; p.any == nil && (best < 0 || len(p.text) > len(c.pieces[best].text)) {
			best = i
		}
	}
	if best < 0 {
		return nil, anywhere
	}
	switch {
	case best == 0 && !c.openStart:
		at = atStart
	case best == len(c.pieces)-1 && !c.openEnd:
		at = atEnd
	}
	return c.pieces[best].text, at
}
