package sigma

import (
	"net/netip"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
)

// valueKind is the type of a value after its modifiers.
type valueKind uint8

const (
	valueStr valueKind = iota
	valueNum
	valueBool
	valueNull
	valueExpansion // one of several values, also under `all`
	valueRegex
	valueCIDR
	valueRef
	valueExists
	valueCompare
	valueTime
)

var kindNames = [...]string{"text", "a number", "a truth value", "null", "text", "a regular expression", "a network",
	"a field reference", "a test for existence", "a comparison", "a part of a time"}

// value is one value of a field, as its modifiers left it.
type value struct {
	kind  valueKind
	at    query.Span
	shown string // as the rule writes it

	str    str     // text; the source of a regular expression (texts and placeholders only)
	num    float64 // numbers, comparisons, parts of times
	text   string  // a number in its canonical form; the name of a referenced field
	truth  bool    // truth values and tests for existence
	each   []value // of an expansion
	net    netip.Prefix
	cmp    query.Op // Lt … Gte; Eq for a part of a time without comparison
	unit   query.TimeUnit
	flags  string // of a regular expression: i, m, s
	prefix bool   // a regular expression or a reference is bound to the start of the field
	suffix bool   // … to its end
	cased  bool   // a reference is compared with regard to case
	// refs are the names that a referenced field has after mapping.
	refs []string
}

// scalarValue reads a scalar.
func scalarValue(n *yaml.Node) value {
	v := value{at: spanOf(n), shown: n.Value}
	switch kindOf(n) {
	case scalarNull:
		v.kind, v.shown = valueNull, "null"
	case scalarBool:
		v.kind = valueBool
		v.truth, _ = boolOf(n.Value)
	case scalarInt, scalarFloat:
		if num, text, ok := numberOf(n.Value); ok {
			v.kind, v.num, v.text = valueNum, num, text
			return v
		}
		v.str = plain(n.Value) // infinity and no-number are no values of a log
	default:
		v.str = parseStr(n.Value)
	}
	return v
}

// asText turns a number or truth value into text, so that it can be contained in a
// field. It reports false for anything that is not text then.
func (v *value) asText() bool {
	switch v.kind {
	case valueStr:
		return true
	case valueNum:
		v.kind, v.str = valueStr, plain(v.shown)
		return true
	case valueBool:
		v.kind, v.str = valueStr, plain(truthText(v.truth))
		return true
	}
	return false
}

func truthText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// mapStr replaces the strings of a value, those of an expansion too.
func (v value) mapStr(f func(str) ([]str, *fault)) (value, *fault) {
	switch v.kind {
	case valueExpansion:
		out := v
		out.each = nil
		for _, e := range v.each {
			m, flt := e.mapStr(f)
			if flt != nil {
				return v, flt
			}
			if m.kind == valueExpansion {
				out.each = append(out.each, m.each...)
			} else {
				out.each = append(out.each, m)
			}
			if len(out.each) > maxVariants {
				return v, faultAt(v.at, "split the value", "the value stands for more than %d texts", maxVariants)
			}
		}
		return out, nil
	case valueStr:
		list, flt := f(v.str)
		if flt != nil {
			return v, flt
		}
		if len(list) == 1 {
			v.str = list[0]
			return v, nil
		}
		out := v
		out.kind, out.str, out.each = valueExpansion, str{}, nil
		for _, s := range list {
			e := v
			e.str = s
			out.each = append(out.each, e)
		}
		return out, nil
	}
	return v, nil
}

// clone copies a value so that a pipeline may change it.
func (v value) clone() value {
	v.each = append([]value(nil), v.each...)
	for i := range v.each {
		v.each[i] = v.each[i].clone()
	}
	v.str.parts = append([]part(nil), v.str.parts...)
	v.refs = append([]string(nil), v.refs...)
	return v
}

// fill puts values in place of the placeholders that lookup knows. It reports
// false when they stand for too many texts.
func (v value) fill(lookup func(name string, regex bool) ([]str, bool)) (value, bool) {
	switch v.kind {
	case valueExpansion:
		out := v
		out.each = nil
		for _, e := range v.each {
			x, ok := e.fill(lookup)
			if !ok || len(out.each) > maxVariants {
				return v, false
			}
			if x.kind == valueExpansion {
				out.each = append(out.each, x.each...)
			} else {
				out.each = append(out.each, x)
			}
		}
		return out, true
	case valueStr, valueRegex, valueCIDR:
		if !v.str.has(partHole) {
			return v, true
		}
		list, ok := v.str.fill(func(name string) ([]str, bool) { return lookup(name, v.kind == valueRegex) })
		if !ok {
			return v, false
		}
		if len(list) == 1 {
			v.str = list[0]
			return v, true
		}
		out := v
		out.kind, out.str, out.each = valueExpansion, str{}, nil
		for _, s := range list {
			e := v
			e.str = s
			out.each = append(out.each, e)
		}
		return out, true
	}
	return v, true
}
