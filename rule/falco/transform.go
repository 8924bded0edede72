package falco

import (
	"sync"

	"github.com/yagura-sec/yagura/query"
)

// expression computes values from the fields of a record: a transformer over other
// expressions. eval appends its values to out and returns false when there is none
// to be had, which makes the whole field absent.
type expression interface {
	eval(in query.Input, mem *memory, out *query.Values) bool
}

// memory hands out value lists to be reused from record to record.
type memory struct{ pool, bufs sync.Pool }

func (m *memory) get() *query.Values {
	if v, ok := m.pool.Get().(*query.Values); ok {
		v.Reset()
		return v
	}
	return &query.Values{}
}

func (m *memory) put(v *query.Values) { m.pool.Put(v) }

// buf hands out an empty buffer, to be given back with done.
func (m *memory) buf() *[]byte {
	if b, ok := m.bufs.Get().(*[]byte); ok {
		*b = (*b)[:0]
		return b
	}
	b := make([]byte, 0, 128)
	return &b
}

func (m *memory) done(b *[]byte) { m.bufs.Put(b) }

// fieldExpr is the n-th dependency.
type fieldExpr int

func (e fieldExpr) eval(in query.Input, _ *memory, out *query.Values) bool {
	values := in.Dep(int(e))
	for i := range values.Len() {
		out.Add(values.At(i))
	}
	return values.Len() > 0
}

// constExpr is a literal.
type constExpr string

func (e constExpr) eval(_ query.Input, _ *memory, out *query.Values) bool {
	out.AddString(string(e))
	return true
}

// mapExpr applies a function to each value. The function appends to dst and returns
// nil when it cannot.
type mapExpr struct {
	arg expression
	f   func(dst, text []byte) []byte
}

func (e *mapExpr) eval(in query.Input, mem *memory, out *query.Values) bool {
	values := mem.get()
	defer mem.put(values)
	if !e.arg.eval(in, mem, values) {
		return false
	}
	buf := mem.buf()
	defer mem.done(buf)
	for i := range values.Len() {
		text := values.At(i)
		for len(text) > 0 && text[len(text)-1] == 0 {
			text = text[:len(text)-1]
		}
		result := e.f((*buf)[:0], text)
		if result == nil {
			return false
		}
		*buf = result
		out.Add(result)
	}
	return true
}

// lenExpr is the number of bytes of a text, or of members of a list.
type lenExpr struct {
	arg  expression
	list bool
}

func (e *lenExpr) eval(in query.Input, mem *memory, out *query.Values) bool {
	values := mem.get()
	defer mem.put(values)
	if !e.arg.eval(in, mem, values) {
		return false
	}
	n := values.Len()
	if !e.list {
		if n == 0 {
			return false
		}
		n = len(cString(values.At(0)))
	}
	addUint(out, uint64(n))
	return true
}

// joinExpr puts a separator between the members of a list.
type joinExpr struct{ sep, list expression }

func (e *joinExpr) eval(in query.Input, mem *memory, out *query.Values) bool {
	sep, values := mem.get(), mem.get()
	defer mem.put(sep)
	defer mem.put(values)
	if !e.sep.eval(in, mem, sep) || sep.Len() == 0 || !e.list.eval(in, mem, values) {
		return false
	}
	buf := mem.buf()
	defer mem.done(buf)
	joined := *buf
	for i := range values.Len() {
		if i > 0 {
			joined = append(joined, sep.At(0)...)
		}
		joined = append(joined, cString(values.At(i))...)
	}
	*buf = joined
	out.Add(joined)
	return true
}

// listExpr is a list of expressions, or with glue their values in one text.
type listExpr struct {
	items []expression
	glue  bool
}

func (e *listExpr) eval(in query.Input, mem *memory, out *query.Values) bool {
	values := mem.get()
	defer mem.put(values)
	buf := mem.buf()
	defer mem.done(buf)
	glued := *buf
	for _, item := range e.items {
		values.Reset()
		if !item.eval(in, mem, values) || values.Len() == 0 {
			return false
		}
		if e.glue {
			glued = append(glued, cString(values.At(0))...)
			continue
		}
		for i := range values.Len() {
			out.Add(values.At(i))
		}
	}
	if e.glue {
		out.Add(glued)
	}
	*buf = glued
	return true
}

// getoptExpr reads short options from a list of words as getopt(3) does. With a
// selector it is the value of that option, the last one if it is given twice.
type getoptExpr struct {
	words, spec expression
	selector    byte // 0 for none
}

func (e *getoptExpr) eval(in query.Input, mem *memory, out *query.Values) bool {
	spec, words := mem.get(), mem.get()
	defer mem.put(spec)
	defer mem.put(words)
	if !e.spec.eval(in, mem, spec) || spec.Len() == 0 || !e.words.eval(in, mem, words) {
		return false
	}
	known, withArg := optionSets(spec.At(0))
	selected, found := []byte(nil), false
	emit := func(option, value []byte, hasValue bool) {
		if e.selector != 0 {
			if found = true; hasValue {
				selected = value
			} else {
				selected = option
			}
			return
		}
		out.Add(option)
		if hasValue {
			out.Add(value)
		}
	}
	for w := 0; w < words.Len(); w++ {
		word := words.At(w)
		if string(word) == "--" || len(word) < 2 || word[0] != '-' {
			break
		}
		if word[1] == '-' {
			continue // long options are not read
		}
		for i := 1; i < len(word); i++ {
			option := word[i]
			if option == ':' || !known[option] {
				if e.selector == 0 {
					out.AddString("?")
				}
				continue
			}
			wanted := e.selector == 0 || option == e.selector
			if !withArg[option] {
				if wanted {
					emit(word[i:i+1], nil, false)
				}
				continue
			}
			switch {
			case i+1 < len(word):
				if wanted {
					emit(word[i:i+1], word[i+1:], true)
				}
			case w+1 < words.Len():
				w++
				if wanted {
					emit(word[i:i+1], words.At(w), true)
				}
			case wanted:
				emit(nil, nil, false)
			}
			break
		}
	}
	if e.selector == 0 {
		return true
	}
	if found {
		out.Add(selected)
	}
	return found
}

// optionSets reads the specification of getopt(3): letters, with a colon after
// those that take an argument.
func optionSets(spec []byte) (known, withArg [256]bool) {
	for i := 0; i < len(spec); i++ {
		c := spec[i]
		if c == ':' {
			continue
		}
		known[c] = true
		if i+1 < len(spec) && spec[i+1] == ':' {
			withArg[c] = true
			i++
		}
	}
	return known, withArg
}

// mapper returns the function of a transformer that maps a text to a text.
func mapper(name string) func(dst, text []byte) []byte {
	switch name {
	case "tolower":
		return func(dst, text []byte) []byte {
			for _, c := range text {
				dst = append(dst, lowerByte(c))
			}
			return dst
		}
	case "toupper":
		return func(dst, text []byte) []byte {
			for _, c := range text {
				dst = append(dst, upperByte(c))
			}
			return dst
		}
	case "basename":
		return func(dst, text []byte) []byte {
			for i := len(text); i > 0; i-- {
				if text[i-1] == '/' {
					return append(dst, text[i:]...)
				}
			}
			return append(dst, text...)
		}
	case "b64":
		return decodeBase64
	}
	return nil
}

// decodeBase64 decodes standard base64 with or without padding; nil for anything
// else, bits left over included.
func decodeBase64(dst, text []byte) []byte {
	if len(text) > 0 && text[len(text)-1] == '=' {
		text = text[:len(text)-1]
		if len(text) > 0 && text[len(text)-1] == '=' {
			text = text[:len(text)-1]
		}
		if len(text) == 0 {
			return nil
		}
	}
	if len(text)%4 == 1 {
		return nil
	}
	bits, n := uint32(0), 0
	for _, c := range text {
		v := uint32(0)
		switch {
		case 'A' <= c && c <= 'Z':
			v = uint32(c - 'A')
		case 'a' <= c && c <= 'z':
			v = uint32(c-'a') + 26
		case isDigit(c):
			v = uint32(c-'0') + 52
		case c == '+':
			v = 62
		case c == '/':
			v = 63
		default:
			return nil
		}
		bits, n = bits<<6|v, n+6
		if n >= 8 {
			n -= 8
			dst = append(dst, byte(bits>>n))
			bits &= 1<<n - 1
		}
	}
	if bits != 0 {
		return nil
	}
	return dst
}
