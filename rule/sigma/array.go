package sigma

import (
	"slices"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// step is a stretch of a field's name up to a selector that judges members one by
// one ([any], [all], [all_or_empty], [none]), or to its end.
type step struct {
	said  string // in the words of the name, selector included
	segs  []slot.Seg
	each  bool
	quant query.Quant
}

// maxNumbered bounds the parts of a stretch in which members are chosen by number: names
// that choose at different places of one chain double, part by part, what the plan of a
// record has to tell apart.
const maxNumbered = 12

var quants = map[string]query.Quant{
	"any": query.EachAny, "all": query.EachAll, "all_or_empty": query.EachAllOrEmpty, "none": query.EachNone,
}

// segments splits a field's name at its dots; a dot behind a backslash is one of a key.
// A name with an empty part is one key.
func segments(name string) []slot.Seg {
	if name == "." {
		return nil
	}
	keys := strings.Split(name, ".")
	for i := 0; i+1 < len(keys); {
		before, escaped := strings.CutSuffix(keys[i], `\`)
		if !escaped {
			i++
			continue
		}
		keys[i] = before + "." + keys[i+1]
		keys = slices.Delete(keys, i+1, i+2)
	}
	if slices.Contains(keys, "") {
		keys = []string{name}
	}
	return slot.Keys(keys...).Segs
}

// parseSelectors reads a field's name with the array selectors of SEP #212. A
// bracket behind a backslash is a bracket.
func parseSelectors(name string, at query.Span) ([]step, *fault) {
	var steps []step
	var cur step
	var b strings.Builder
	flush := func() {
		key := strings.TrimPrefix(b.String(), ".")
		if len(steps) == 0 && len(cur.segs) == 0 {
			key = b.String()
		}
		b.Reset()
		if key != "" {
			cur.segs = append(cur.segs, segments(key)...)
		}
	}
	closed, start := false, 0
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '\\' && i+1 < len(name) && (name[i+1] == '[' || name[i+1] == ']'):
			i++
			b.WriteByte(name[i])
		case c == '[':
			end := strings.IndexByte(name[i:], ']')
			if end < 0 {
				return nil, faultAt(at, `write \[ for a bracket in a name`, "the selector in %q is not closed", name)
			}
			word := name[i+1 : i+end]
			if b.Len() == 0 && !closed {
				return nil, faultAt(at, "", "the selector [%s] in %q has no field before it", word, name)
			}
			flush()
			i += end
			closed = true
			if n, err := strconv.Atoi(word); err == nil && word[0] != '-' && word[0] != '+' {
				cur.segs = append(cur.segs, slot.Seg{Index: n, IsIndex: true})
				continue
			}
			q, ok := quants[word]
			if !ok {
				hint := nearest(word, []string{"any", "all", "all_or_empty", "none"})
				if hint == "" {
					hint = `write [any], [all], [all_or_empty], [none] or a number from 0; \[ for a bracket in a name`
				}
				return nil, faultAt(at, hint, "unknown array selector [%s] in %q", word, name)
			}
			cur.said, cur.each, cur.quant = name[start:i+1], true, q
			start = min(i+2, len(name)) // the dot that follows, too
			steps = append(steps, cur)
			cur = step{}
			continue
		case c == ']':
			return nil, faultAt(at, `write \] for a bracket in a name`, "a closing bracket without an opening one in %q", name)
		default:
			if closed && c != '.' && b.Len() == 0 {
				return nil, faultAt(at, "write a dot behind the selector", "text right behind a selector in %q", name)
			}
			b.WriteByte(c)
		}
	}
	flush()
	if len(cur.segs) > 0 || len(steps) == 0 {
		cur.said = name[start:]
		steps = append(steps, cur)
	}
	for _, st := range steps {
		if len(st.segs) > maxNumbered && slices.ContainsFunc(st.segs, func(s slot.Seg) bool { return s.IsIndex }) {
			return nil, faultAt(at, "write [any] for a number, or fewer parts", "%q has more than %d parts about a selector that is a number", name, maxNumbered)
		}
	}
	return steps, nil
}

// splitSelector cuts a name before its first selector, so that a pipeline can map
// what stands before it.
func splitSelector(name string) (base, rest string) {
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' {
			i++
			continue
		}
		if name[i] == '[' {
			return name[:i], name[i:]
		}
	}
	return name, ""
}
