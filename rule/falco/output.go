package falco

import (
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// Limits of an output template.
const (
	maxOutput = 1 << 16
	maxPad    = 4096
)

// notAvailable stands for a field without a value.
const notAvailable = "<NA>"

// template is a compiled output. It is a [rule.Output].
type template struct {
	parts  []part
	fields []query.Field
}

// part is text, or a field where field >= 0.
type part struct {
	text  string
	field int
	list  bool
	pad   bool // numbers have nine digits
	width int  // bytes to pad or cut to, 0 for as it is
}

// Fields lists what the text needs.
func (t *template) Fields() []query.Field { return t.fields }

// Render writes the text: a field without a value as <NA>, a list as (a,b).
func (t *template) Render(in query.Input) string {
	var b strings.Builder
	for _, p := range t.parts {
		if p.field < 0 {
			b.WriteString(p.text)
			continue
		}
		start := b.Len()
		switch values := in.Dep(p.field); {
		case values.Len() == 0:
			b.WriteString(notAvailable)
		case p.list:
			b.WriteByte('(')
			for i := range values.Len() {
				if i > 0 {
					b.WriteByte(',')
				}
				b.Write(values.At(i))
			}
			b.WriteByte(')')
		default:
			text := values.At(0)
			if p.pad {
				for n := len(text); n < 9; n++ {
					b.WriteByte('0')
				}
			}
			b.Write(text)
		}
		if p.width > 0 {
			whole := b.String()
			cut := start + p.width
			if len(whole) > cut {
				b.Reset()
				b.WriteString(whole[:cut])
			}
			for b.Len() < cut {
				b.WriteByte(' ')
			}
		}
	}
	return b.String()
}

// output compiles an output template. As Falco does, it takes for each % the
// longest text after it that is a field or a transformer.
func (c *compiler) output(t text) (*template, *syntaxError) {
	if t.s == "" {
		return nil, &syntaxError{msg: "empty formatting token", at: t.place(0)}
	}
	if len(t.s) > maxOutput {
		return nil, &syntaxError{msg: fmt.Sprintf("output is longer than %d bytes", maxOutput), at: t.place(0)}
	}
	// A star at the start only says that missing fields may be missing.
	if t.s[0] == '*' {
		t = t.slice(1, len(t.s))
	}
	out := &template{}
	index := map[string]int{}
	start := 0
	for i := 0; i < len(t.s); i++ {
		if t.s[i] != '%' {
			continue
		}
		if start < i {
			out.parts = append(out.parts, part{text: t.s[start:i], field: -1})
		}
		at := t.place(i)
		if i == len(t.s)-1 {
			return nil, &syntaxError{
				msg: "invalid formatting syntax: formatting cannot end with a %", at: at,
				hint: "there is no way to write a plain %: write percent",
			}
		}
		p := part{}
		for i+1 < len(t.s) && isDigit(t.s[i+1]) {
			if p.width = p.width*10 + int(t.s[i+1]-'0'); p.width > maxPad {
				return nil, &syntaxError{msg: fmt.Sprintf("a width of more than %d", maxPad), at: at}
			}
			if i++; i == len(t.s)-1 {
				return nil, &syntaxError{msg: "invalid formatting syntax: formatting cannot end with a number", at: at}
			}
		}
		v, length, err := c.outputField(t.slice(i+1, len(t.s)))
		if err != nil {
			err.at = at
			return nil, err
		}
		if _, ok := index[v.shown]; !ok {
			index[v.shown] = len(out.fields)
			out.fields = append(out.fields, c.full(v))
		}
		p.field, p.list, p.pad = index[v.shown], v.list, v.pad
		out.parts = append(out.parts, p)
		i += length
		start = i + 1
	}
	if start < len(t.s) {
		out.parts = append(out.parts, part{text: t.s[start:], field: -1})
	}
	return out, nil
}

// outputField reads the field or transformer at the start of t. It tries the whole
// text and then ever shorter ones, but for lengths that can make no difference.
func (c *compiler) outputField(t text) (v *value, length int, err *syntaxError) {
	unknown := ""
	for size := len(t.s); size > 0; {
		p := newParser(t.slice(0, size))
		o, err := p.fieldOrTransformer()
		if err == nil && o != nil {
			// Trying shall leave no trace in what the condition reads.
			try := newCompiler(c.src, c.mem)
			if v, err := try.value(o); err == nil {
				for _, note := range v.notes {
					c.warn("", note, "", t.place(0))
				}
				c.counts = c.counts || try.counts
				return v, p.pos, nil
			} else if unknown == "" {
				unknown = err.msg
				if err.hint != "" {
					unknown += "; " + err.hint
				}
			}
		}
		size = min(size-1, p.seen, shorter(t.slice(0, size), p.closed))
	}
	hint := unknown
	if hint == "" {
		hint = "after % there must be a field; there is no way to write a plain %"
	}
	return nil, 0, &syntaxError{msg: "unknown filter: unexpected token after '", hint: hint}
}

// longestField is more than the length of any field's name.
const longestField = 100

// shorter returns the length to try after t, which has failed. A transformer can do
// no better than without the brackets after it, whose place is closed, and a field
// than without its argument or with a shorter name.
func shorter(t text, closed int) int {
	p := newParser(t)
	if p.fieldName() {
		if p.pos < len(t.s) {
			return p.pos
		}
		return min(p.pos-1, longestField)
	}
	if p.transformer() {
		if closed < len(t.s) {
			return closed
		}
		return 0
	}
	return len(t.s)
}
