package sigma

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// caseOfText is pySigma's way to make matching with or without regard to case by
// regular expressions: what it means is said of the text itself.
func caseOfText(p *params, _ *pipeItem) applyFunc {
	method := p.optional("method")
	switch method {
	case "", "plain", "ignore_case_flag", "ignore_case_brackets":
	default:
		p.r.refuse(p.n, "write plain, ignore_case_flag or ignore_case_brackets", "method %q of regex", method)
	}
	return mapStrings(func(s str) ([]str, *fault) {
		if s.has(partHole) {
			return nil, spanless("placeholder in %q: give its values before", s)
		}
		s.cased = method == "plain"
		return []str{s}, nil
	}, false)
}

// handledHoles reads which placeholders a transformation is for.
func handledHoles(p *params) func(string) bool {
	var include, exclude []string
	if get(p.n, "include") != nil {
		include = p.texts("include")
	}
	if get(p.n, "exclude") != nil {
		exclude = p.texts("exclude")
	}
	if include != nil && exclude != nil {
		p.r.refuse(p.n, "", "include and exclude together")
	}
	return func(name string) bool {
		return (include == nil || slices.Contains(include, name)) && !slices.Contains(exclude, name)
	}
}

// fillHoles puts values in place of placeholders.
func fillHoles(lookup func(p *pass, name string, regex bool) ([]str, bool)) applyFunc {
	return func(p *pass, d *document, it *pipeItem) *fault {
		var flt *fault
		d.walkAll(func(x *item) {
			if flt != nil || !it.matches(x, d) {
				return
			}
			for i := range x.values {
				v, ok := x.values[i].fill(func(name string, regex bool) ([]str, bool) { return lookup(p, name, regex) })
				if !ok {
					flt = faultAt(x.at, "give the placeholders fewer values", "the placeholders stand for more than %d texts", maxVariants)
					return
				}
				x.values[i] = v
			}
			it.mark(x)
		})
		return flt
	}
}

// mapStrings replaces the texts of items, and numbers when they are asked for too.
func mapStrings(f func(str) ([]str, *fault), numbers bool) applyFunc {
	return func(_ *pass, d *document, it *pipeItem) *fault {
		var flt *fault
		d.walkAll(func(x *item) {
			if flt != nil || !it.matches(x, d) {
				return
			}
			for i := range x.values {
				if numbers && x.values[i].kind == valueNum {
					x.values[i].asText()
				}
				if x.values[i], flt = x.values[i].mapStr(f); flt != nil {
					return
				}
			}
			it.mark(x)
		})
		return flt
	}
}

var pythonGroup = regexp.MustCompile(`\\(?:g<(\w+)>|(\d))`)

// replaceString replaces what a regular expression finds in texts.
func replaceString(p *params, _ *pipeItem) applyFunc {
	source, replacement := p.text("regex"), p.text("replacement")
	skip, interpret := p.flag("skip_special"), p.flag("interpret_special")
	re, err := compileRegex(source, "", false, false)
	if err != nil {
		p.r.refuse(p.n, "", "regular expression %q: %v", source, err)
		return nil
	}
	replacement = pythonGroup.ReplaceAllString(strings.ReplaceAll(replacement, "$", "$$"), "$${$1$2}")
	replacement = strings.ReplaceAll(replacement, `\\`, `\`)
	return mapStrings(func(s str) ([]str, *fault) {
		if skip {
			return []str{s.mapText(func(t string) []part {
				t = re.ReplaceAllString(t, replacement)
				if interpret {
					return parseStr(t).parts
				}
				return []part{{partText, t}}
			})}, nil
		}
		t := re.ReplaceAllString(s.String(), replacement)
		var b strings.Builder
		for i := 0; i < len(t); i++ {
			b.WriteByte(t[i])
			if t[i] == '\\' && (i+1 == len(t) || t[i+1] != '*' && t[i+1] != '?') {
				b.WriteByte('\\')
			}
		}
		out := parseStr(b.String())
		out.cased = s.cased
		if s.has(partHole) {
			out = out.mapText(markHoles)
		}
		return []str{out}, nil
	}, true)
}

// optionalSuffix lets a text also stand with a suffix, and one that has it without.
func optionalSuffix(p *params, _ *pipeItem) applyFunc {
	suffix := p.text("suffix")
	if suffix == "" {
		p.r.refuse(p.n, "write the text that may follow", "\"suffix\" is empty")
	}
	return mapStrings(func(s str) ([]str, *fault) {
		n := len(s.parts)
		if n == 0 || s.parts[n-1].kind != partText {
			return []str{s}, nil
		}
		last := s.parts[n-1].text
		other := str{cased: s.cased, parts: slices.Clone(s.parts[:n-1])}
		if without, ok := strings.CutSuffix(last, suffix); ok {
			other.add(part{partText, without})
		} else {
			other.add(part{partText, last + suffix})
		}
		return []str{s, other}, nil
	}, false)
}

// setValue puts one value in place of all values of an item.
func setValue(p *params, _ *pipeItem) applyFunc {
	n, force := p.get("value"), p.optional("force_type")
	if n == nil || n.Kind != yaml.ScalarNode {
		p.r.refuse(p.n, "", "\"value\" is missing")
		return nil
	}
	v := scalarValue(n)
	switch force {
	case "":
	case "str":
		if !v.asText() {
			p.r.refuse(n, "write a text or a number", "null is not text")
		}
	case "num":
		num, text, ok := numberOf(n.Value)
		if !ok {
			p.r.refuse(n, "", "%q is not a number", n.Value)
		}
		v.kind, v.num, v.text = valueNum, num, text
	default:
		p.r.refuse(p.n, "write str or num", "force_type %q", force)
	}
	return func(_ *pass, d *document, it *pipeItem) *fault {
		d.walkAll(func(x *item) {
			if !it.matches(x, d) {
				return
			}
			for i := range x.values {
				at := x.values[i].at
				x.values[i] = v.clone()
				x.values[i].at = at
			}
			it.mark(x)
		})
		return nil
	}
}

// convertType makes texts of numbers, or numbers of texts.
func convertType(p *params, _ *pipeItem) applyFunc {
	target := p.text("target_type")
	if target != "str" && target != "num" {
		p.r.refuse(p.n, "write str or num", "target_type %q", target)
	}
	var convert func(v *value) *fault
	convert = func(v *value) *fault {
		for i := range v.each {
			if f := convert(&v.each[i]); f != nil {
				return f
			}
		}
		switch {
		case target == "str" && (v.kind == valueNum || v.kind == valueBool):
			v.asText()
		case target == "num" && v.kind == valueStr:
			num, text, ok := numberOf(v.str.String())
			if !ok {
				return faultAt(v.at, "", "%q is not a number", v.str)
			}
			v.kind, v.num, v.text = valueNum, num, text
		}
		return nil
	}
	return func(_ *pass, d *document, it *pipeItem) *fault {
		var f *fault
		d.walkAll(func(x *item) {
			for i := range x.values {
				if f == nil && it.matches(x, d) {
					f = convert(&x.values[i])
					it.mark(x)
				}
			}
		})
		return f
	}
}
