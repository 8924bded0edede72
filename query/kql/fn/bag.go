package fn

import (
	"slices"
	"strconv"
	"strings"
)

// bagMerge joins bags; of a key that several have, the first wins.
func bagMerge(bags []value) value {
	v := bagValue()
	seen := map[string]bool{}
	any := false
	for _, b := range bags {
		if b.kind != isBag {
			continue
		}
		any = true
		for _, m := range b.bag {
			if !seen[m.key] {
				seen[m.key] = true
				v.bag = append(v.bag, m)
			}
		}
	}
	if !any {
		return nothing
	}
	return v
}

// keyPath opens a JSONPath of keys such as $.a.b or $['a'].b; anything else is
// one key.
func keyPath(s string) []string {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok || rest == "" {
		return []string{s}
	}
	var out []string
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "['"):
			i := strings.Index(rest, "']")
			if i < 0 {
				return []string{s}
			}
			out = append(out, rest[2:i])
			rest = rest[i+2:]
		case rest[0] == '[':
			i := strings.IndexByte(rest, ']')
			if i < 0 {
				return []string{s}
			}
			out = append(out, strings.Trim(rest[1:i], `"`))
			rest = rest[i+1:]
		case rest[0] == '.':
			rest = rest[1:]
			i := strings.IndexAny(rest, ".[")
			if i < 0 {
				i = len(rest)
			}
			if i == 0 {
				return []string{s}
			}
			out = append(out, rest[:i])
			rest = rest[i:]
		default:
			return []string{s}
		}
	}
	return out
}

func find(v value, path []string) (value, bool) {
	for _, k := range path {
		if v.kind == isArray {
			i, err := strconv.Atoi(k)
			if err != nil || i < 0 || i >= len(v.list) {
				return nothing, false
			}
			v = v.list[i]
			continue
		}
		i := slices.IndexFunc(v.bag, func(m member) bool { return m.key == k })
		if i < 0 {
			return nothing, false
		}
		v = v.bag[i].val
	}
	return v, true
}

func remove(v value, path []string) value {
	i := slices.IndexFunc(v.bag, func(m member) bool { return m.key == path[0] })
	if i < 0 {
		return v
	}
	b := slices.Clone(v.bag)
	if len(path) == 1 {
		b = slices.Delete(b, i, i+1)
	} else {
		b[i].val = remove(b[i].val, path[1:])
	}
	v.bag = b
	return v
}

func set(v value, path []string, to value) value {
	if v.kind != isBag {
		v = bagValue()
	}
	b := slices.Clone(v.bag)
	i := slices.IndexFunc(b, func(m member) bool { return m.key == path[0] })
	if i < 0 {
		b = append(b, member{key: path[0]})
		i = len(b) - 1
	}
	if len(path) == 1 {
		b[i].val = to
	} else {
		b[i].val = set(b[i].val, path[1:], to)
	}
	v.bag = b
	return v
}

// treepath adds the paths to every value within v that are not among seen. [0] stands for
// every element of an array.
func treepath(at string, v value, seen map[string]bool, out *[]value) {
	add := func(p string, within value) {
		if !seen[p] && len(*out) < maxItems {
			seen[p] = true
			*out = append(*out, textValue(p))
		}
		treepath(p, within, seen, out)
	}
	switch v.kind {
	case isBag:
		for _, m := range v.bag {
			add(at+"['"+m.key+"']", m.val)
		}
	case isArray:
		for _, e := range v.list {
			add(at+"[0]", e)
		}
	}
}

// buildSchema describes the least schema that admits all values.
func buildSchema(l []value) value {
	var types []value
	add := func(t value) {
		if !slices.ContainsFunc(types, func(x value) bool { return same(x, t) }) {
			types = append(types, t)
		}
	}
	fields := map[string][]value{}
	var keys []string
	var elements []value
	bags, arrays := false, false
	for _, v := range l {
		switch v.kind {
		case isBool:
			add(textValue("bool"))
		case isText:
			add(textValue("string"))
		case isNumber:
			if v.whole() {
				add(textValue("long"))
			} else {
				add(textValue("double"))
			}
		case isBag:
			bags = true
			for _, m := range v.bag {
				if _, ok := fields[m.key]; !ok {
					keys = append(keys, m.key)
				}
				fields[m.key] = append(fields[m.key], m.val)
			}
		case isArray:
			arrays = true
			elements = append(elements, v.list...)
		}
	}
	if bags || arrays {
		b := bagValue()
		for _, k := range keys {
			b.bag = append(b.bag, member{k, buildSchema(fields[k])})
		}
		if arrays {
			b.bag = append(b.bag, member{"`indexer`", buildSchema(elements)})
		}
		add(b)
	}
	switch len(types) {
	case 0:
		return nothing
	case 1:
		return types[0]
	}
	return arrayValue(types)
}
