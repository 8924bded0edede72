package fn

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

func funcsDynamic() []Func {
	d := Dynamic
	// one makes a function of values that answers a value.
	one := func(name string, n int, call func(a []value) value) Func {
		args := make([]Type, n)
		for i := range args {
			args[i] = d
		}
		return total(name, args, d, func(r row) any {
			a := make([]value, n)
			for i := range a {
				a[i] = r.dyn(i)
			}
			return call(a).result()
		})
	}
	return []Func{
		total("dynamic_to_json", []Type{d}, String, func(r row) any {
			if r.null(0) {
				return ""
			}
			v := r.dyn(0)
			if v.kind == isText {
				return v.text
			}
			return sorted(v).json()
		}),
		one("array_concat", 1, func(a []value) value { return concat(a[0]) }),
		total("array_slice", []Type{d, Long, Long}, d, func(r row) any {
			v := r.dyn(0)
			if v.kind != isArray || r.null(1) || r.null(2) {
				return nil
			}
			n := int64(len(v.list))
			from, to := r.long(1, 0), r.long(2, -1)
			if from < 0 {
				from = max(0, from+n)
			}
			if to < 0 {
				to += n
			}
			to = min(to, n-1)
			if from > to {
				return "[]"
			}
			return arrayValue(v.list[from : to+1]).result()
		}),
		one("array_split", 2, arraySplit),
		total("array_shift", []Type{d, Long, d}, d, func(r row) any {
			v := r.dyn(0)
			if v.kind != isArray || r.null(1) {
				return nil
			}
			out := make([]value, len(v.list))
			by, fill := r.long(1, 0), r.dyn(2)
			for i := range out {
				out[i] = fill
				if j := int64(i) + by; j >= 0 && j < int64(len(out)) {
					out[i] = v.list[j]
				}
			}
			return arrayValue(out).result()
		}),
		total("array_rotate", []Type{d, Long}, d, func(r row) any {
			v := r.dyn(0)
			if v.kind != isArray || r.null(1) {
				return nil
			}
			n := int64(len(v.list))
			if n == 0 {
				return "[]"
			}
			k := (r.long(1, 0)%n + n) % n
			return arrayValue(slices.Concat(v.list[k:], v.list[:k])).result()
		}),
		one("array_reverse", 1, func(a []value) value {
			if a[0].kind != isArray {
				return nothing
			}
			slices.Reverse(a[0].list)
			return a[0]
		}),
		total("array_sum", []Type{d}, Real, func(r row) any {
			v := r.dyn(0)
			if v.kind != isArray {
				return nil
			}
			sum := 0.0
			for _, e := range v.list {
				f, ok := e.real()
				if !ok || e.kind == isText {
					return nil
				}
				sum += f
			}
			return sum
		}),
		total("array_sort", []Type{d, d, Bool, Bool}, d, func(r row) any {
			return arraySort(r.dyn(0), r.dyn(1), r.flag(2, false), r.flag(3, true)).result()
		}),
		one("array_iff", 3, arrayIff),
		total("array_index_of", []Type{d, d, Long, Long, Long}, Long, arrayIndexOf),
		one("bag_keys", 1, func(a []value) value {
			if a[0].kind != isBag {
				return nothing
			}
			var l []value
			for _, m := range a[0].bag {
				l = append(l, textValue(m.key))
			}
			return arrayValue(l)
		}),
		one("bag_merge", 1, func(a []value) value { return bagMerge(a[0].list) }),
		one("bag_pack", 1, func(a []value) value {
			v := bagValue()
			at := map[string]int{}
			for i := 0; i+1 < len(a[0].list); i += 2 {
				k := a[0].list[i].string()
				if j, ok := at[k]; ok {
					v.bag[j].val = a[0].list[i+1]
					continue
				}
				at[k] = len(v.bag)
				v.bag = append(v.bag, member{k, a[0].list[i+1]})
			}
			return v
		}),
		total("bag_has_key", []Type{d, String}, Bool, func(r row) any {
			v := r.dyn(0)
			if v.kind != isBag {
				return nil
			}
			_, ok := find(v, keyPath(r.text(1)))
			return ok
		}),
		total("bag_remove_keys", []Type{d, d}, d, func(r row) any {
			v, keys := r.dyn(0), r.dyn(1)
			if v.kind != isBag || keys.kind != isArray {
				return nil
			}
			for _, k := range keys.list {
				if k.kind == isText {
					v = remove(v, keyPath(k.text))
				}
			}
			return v.result()
		}),
		total("bag_set_key", []Type{d, String, d}, d, func(r row) any {
			v := r.dyn(0)
			if v.kind != isBag {
				return nil
			}
			path := keyPath(r.text(1))
			if len(path) > maxDepth {
				return nil
			}
			return set(v, path, r.dyn(2)).result()
		}),
		one("bag_zip", 2, func(a []value) value {
			if a[0].kind != isArray {
				return nothing
			}
			v := bagValue()
			for i, k := range a[0].list {
				if k.kind != isText {
					continue
				}
				e := nothing
				if a[1].kind == isArray && i < len(a[1].list) {
					e = a[1].list[i]
				}
				v = set(v, []string{k.text}, e)
			}
			return v
		}),
		total("repeat", []Type{d, Long}, d, func(r row) any {
			n := r.long(1, -1)
			if n < 0 || n > maxItems || r.null(1) {
				return nil
			}
			l := make([]value, n)
			for i := range l {
				l[i] = r.dyn(0)
				if i > 0 {
					l[i] = l[0]
				}
			}
			if n > 0 && n*int64(len(r.text(0))) > maxText {
				return nil
			}
			return arrayValue(l).result()
		}),
		one("set_union", 1, func(a []value) value {
			s := newSet()
			for _, l := range a[0].list {
				for _, e := range l.list {
					s.add(e)
				}
			}
			return arrayValue(s.list)
		}),
		one("set_intersect", 1, func(a []value) value { return setIntersect(a[0].list) }),
		one("set_difference", 1, func(a []value) value {
			if len(a[0].list) == 0 || a[0].list[0].kind != isArray {
				return nothing
			}
			not := newSet()
			for _, l := range a[0].list[1:] {
				for _, e := range l.list {
					not.add(e)
				}
			}
			s := newSet()
			for _, e := range a[0].list[0].list {
				if !not.has(e) {
					s.add(e)
				}
			}
			return arrayValue(s.list)
		}),
		total("set_has_element", []Type{d, d}, Bool, func(r row) any {
			v := r.dyn(0)
			if v.kind != isArray {
				return nil
			}
			w := r.dyn(1)
			return slices.ContainsFunc(v.list, func(e value) bool { return same(e, w) })
		}),
		total("set_equals", []Type{d, d}, Bool, func(r row) any {
			a, b := r.dyn(0), r.dyn(1)
			if a.kind != isArray || b.kind != isArray {
				return nil
			}
			x, y := newSet(), newSet()
			for _, e := range a.list {
				x.add(e)
			}
			for _, e := range b.list {
				y.add(e)
				if !x.has(e) {
					return false
				}
			}
			return len(x.list) == len(y.list)
		}),
		total("jaccard_index", []Type{d, d}, Real, func(r row) any {
			a, b := r.dyn(0), r.dyn(1)
			if a.kind != isArray || b.kind != isArray {
				return nil
			}
			x, u := newSet(), newSet()
			for _, e := range a.list {
				x.add(e)
				u.add(e)
			}
			both := newSet()
			for _, e := range b.list {
				if x.has(e) {
					both.add(e)
				}
				u.add(e)
			}
			if len(u.list) == 0 {
				return nil
			}
			return float64(len(both.list)) / float64(len(u.list))
		}),
		one("zip", 1, func(a []value) value {
			n := 0
			for _, l := range a[0].list {
				n = max(n, len(l.list))
			}
			if n*len(a[0].list) > maxItems {
				return nothing
			}
			out := make([]value, n)
			for i := range out {
				l := make([]value, len(a[0].list))
				for j, e := range a[0].list {
					if i < len(e.list) {
						l[j] = e.list[i]
					}
				}
				out[i] = arrayValue(l)
			}
			return arrayValue(out)
		}),
		one("treepath", 1, func(a []value) value {
			var l []value
			treepath("", a[0], &l)
			if l == nil {
				return nothing
			}
			return arrayValue(l)
		}),
		total("strcat_array", []Type{d, String}, String, func(r row) any {
			v := r.dyn(0)
			if v.kind != isArray {
				return v.string()
			}
			l := make([]string, len(v.list))
			for i, e := range v.list {
				l[i] = e.string()
			}
			if len(r.text(1))*len(l) > maxText {
				return ""
			}
			return strings.Join(l, r.text(1))
		}),
		one("buildschema", 1, func(a []value) value { return buildSchema(a[0].list) }),
		one("bag_without_empty", 1, func(a []value) value {
			a[0].bag = slices.DeleteFunc(a[0].bag, func(m member) bool {
				return m.val.kind == isNull || m.val.kind == isText && m.val.text == ""
			})
			return a[0]
		}),
		total("distinct", []Type{d, Long}, d, func(r row) any {
			s := newSet()
			for _, e := range r.dyn(0).list {
				if e.kind != isNull && int64(len(s.list)) < r.long(1, maxItems) {
					s.add(e)
				}
			}
			return arrayValue(s.list).result()
		}),
		total("percentile_weighted", []Type{d, Real}, Real, func(r row) any {
			return weighted(r.dyn(0), r.real(1, 50))
		}),
	}
}

// sorted is v with the keys of every bag in order.
func sorted(v value) value {
	switch v.kind {
	case isArray:
		l := make([]value, len(v.list))
		for i, e := range v.list {
			l[i] = sorted(e)
		}
		return arrayValue(l)
	case isBag:
		b := make([]member, len(v.bag))
		for i, m := range v.bag {
			b[i] = member{m.key, sorted(m.val)}
		}
		slices.SortStableFunc(b, func(x, y member) int { return strings.Compare(x.key, y.key) })
		return value{kind: isBag, bag: b}
	}
	return v
}

// set is a set of values in the order they came.
type setOf struct {
	list []value
	seen map[string]bool
}

func newSet() *setOf { return &setOf{list: []value{}, seen: map[string]bool{}} }

func (s *setOf) has(v value) bool { return s.seen[canon(v)] }

func (s *setOf) add(v value) {
	k := canon(v)
	if !s.seen[k] {
		s.seen[k] = true
		s.list = append(s.list, v)
	}
}

func setIntersect(lists []value) value {
	if len(lists) == 0 || lists[0].kind != isArray {
		return nothing
	}
	keep := newSet()
	for _, e := range lists[0].list {
		keep.add(e)
	}
	for _, l := range lists[1:] {
		if l.kind != isArray {
			return nothing
		}
		in := newSet()
		for _, e := range l.list {
			in.add(e)
		}
		next := newSet()
		for _, e := range keep.list {
			if in.has(e) {
				next.add(e)
			}
		}
		keep = next
	}
	return arrayValue(keep.list)
}

// concat joins the arrays of an array; what is no array is an element, null is
// nothing.
func concat(v value) value {
	l := []value{}
	for _, e := range v.list {
		if e.kind == isArray {
			l = append(l, e.list...)
		} else if e.kind != isNull {
			l = append(l, e)
		}
		if len(l) > maxItems {
			return nothing
		}
	}
	return arrayValue(l)
}

func arraySplit(a []value) value {
	v, at := a[0], a[1]
	if v.kind != isArray {
		return nothing
	}
	var cuts []int64
	if n, ok := at.long(); ok {
		cuts = []int64{n}
	}
	for _, e := range at.list {
		n, ok := e.long()
		if !ok {
			return nothing
		}
		cuts = append(cuts, n)
	}
	if len(cuts) == 0 || len(cuts) > 4096 {
		return nothing
	}
	size := int64(len(v.list))
	var out []value
	from := int64(0)
	for _, c := range cuts {
		if c < 0 {
			c += size
		}
		c = min(max(c, from), size)
		out = append(out, arrayValue(v.list[from:c]))
		from = c
	}
	return arrayValue(append(out, arrayValue(v.list[from:])))
}

// order compares two values as array_sort does: numbers by value, text by its
// characters.
func order(a, b value) int {
	if x, ok := a.real(); ok && a.kind == isNumber {
		if y, ok := b.real(); ok && b.kind == isNumber {
			return cmp.Compare(x, y)
		}
	}
	return strings.Compare(a.string(), b.string())
}

// arraySort orders the indexes of v and answers list picked by them: v itself,
// or an array of the same length that goes along.
func arraySort(v, list value, desc, nullsLast bool) value {
	if v.kind != isArray {
		return nothing
	}
	if list.kind == isNull {
		list = v
	}
	if list.kind != isArray || len(list.list) != len(v.list) {
		return nothing
	}
	kinds := map[kind]bool{}
	for _, e := range v.list {
		if e.kind != isNull {
			kinds[e.kind] = true
		}
	}
	ix := make([]int, len(v.list))
	for i := range ix {
		ix[i] = i
	}
	if len(kinds) <= 1 {
		slices.SortStableFunc(ix, func(i, j int) int {
			a, b := v.list[i], v.list[j]
			switch {
			case a.kind == isNull && b.kind == isNull:
				return 0
			case a.kind == isNull || b.kind == isNull:
				if (a.kind == isNull) == nullsLast {
					return 1
				}
				return -1
			case desc:
				return order(b, a)
			}
			return order(a, b)
		})
	}
	out := make([]value, len(ix))
	for i, j := range ix {
		out[i] = list.list[j]
	}
	return arrayValue(out)
}

func arrayIff(a []value) value {
	if a[0].kind != isArray {
		return nothing
	}
	out := make([]value, len(a[0].list))
	pick := func(v value, i int) value {
		if v.kind != isArray {
			return v
		}
		if i < len(v.list) {
			return v.list[i]
		}
		return nothing
	}
	for i, c := range a[0].list {
		switch {
		case c.kind == isBool && c.yes:
			out[i] = pick(a[1], i)
		case c.kind == isBool:
			out[i] = pick(a[2], i)
		case c.kind == isNumber:
			if f, _ := c.real(); f != 0 {
				out[i] = pick(a[1], i)
			} else {
				out[i] = pick(a[2], i)
			}
		}
	}
	return arrayValue(out)
}

func arrayIndexOf(r row) any {
	v, w := r.dyn(0), r.dyn(1)
	if v.kind != isArray {
		return nil
	}
	n := int64(len(v.list))
	from, size, nth := r.long(2, 0), r.long(3, -1), r.long(4, 1)
	if from < 0 {
		from = max(0, from+n)
	}
	end := n
	if size >= 0 && size < n-from {
		end = from + size
	}
	if nth <= 0 {
		return nil
	}
	for i := from; i < end; i++ {
		if same(v.list[i], w) {
			nth--
			if nth == 0 {
				return i
			}
		}
	}
	return int64(-1)
}

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

// treepath lists the paths to every value within v.
func treepath(at string, v value, out *[]value) {
	seen := func(p string) {
		if len(*out) < maxItems {
			*out = append(*out, textValue(p))
		}
	}
	switch v.kind {
	case isBag:
		for _, m := range v.bag {
			p := at + "['" + m.key + "']"
			seen(p)
			treepath(p, m.val, out)
		}
	case isArray:
		if len(v.list) > 0 {
			p := at + "[0]"
			seen(p)
			treepath(p, v.list[0], out)
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

// weighted is the smallest value whose weight, with that of all before it, is at
// least p percent of the whole. The list has pairs of value and weight.
func weighted(list value, p float64) any {
	type at struct{ v, w float64 }
	var l []at
	sum := 0.0
	for _, e := range list.list {
		if len(e.list) != 2 {
			continue
		}
		v, ok := e.list[0].real()
		w, ok2 := e.list[1].real()
		if ok && ok2 && w > 0 {
			l = append(l, at{v, w})
			sum += w
		}
	}
	if len(l) == 0 {
		return nil
	}
	slices.SortFunc(l, func(a, b at) int { return cmp.Compare(a.v, b.v) })
	seen := 0.0
	for _, a := range l {
		if seen += a.w; seen >= sum*p/100 {
			return a.v
		}
	}
	return l[len(l)-1].v
}
