package fn

import (
	"cmp"
	"slices"
	"strings"
)

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

// weight is a value with its weight.
type weight[T any] struct {
	v T
	w float64
}

// reached is the smallest value whose weight, with that of all before it, is at least p
// percent of the whole.
func reached[T any](l []weight[T], p float64, compare func(a, b T) int) (v T, ok bool) {
	sum, seen := 0.0, 0.0
	for _, e := range l {
		sum += e.w
	}
	slices.SortStableFunc(l, func(a, b weight[T]) int { return compare(a.v, b.v) })
	for _, e := range l {
		v, ok = e.v, true
		if seen += e.w; seen >= sum*p/100 {
			break
		}
	}
	return v, ok
}

// weighted is the percentile of a list of [value, weight]; what is no number is left out.
func weighted(list value, p float64) any {
	var l []weight[float64]
	for _, e := range list.list {
		if len(e.list) != 2 {
			continue
		}
		v, ok := e.list[0].real()
		w, ok2 := e.list[1].real()
		if ok && ok2 && w > 0 {
			l = append(l, weight[float64]{v, w})
		}
	}
	if v, ok := reached(l, p, cmp.Compare[float64]); ok {
		return v
	}
	return nil
}

// rankOf is the weight of all values of a list of [value, weight] up to v, or how many
// percent of the whole it is.
func rankOf(list, v value, percent bool) any {
	sum, seen := 0.0, 0.0
	for _, e := range list.list {
		if len(e.list) != 2 || e.list[0].kind == isNull {
			continue
		}
		w, ok := e.list[1].real()
		if !ok || w <= 0 {
			continue
		}
		sum += w
		if order(e.list[0], v) <= 0 {
			seen += w
		}
	}
	switch {
	case sum == 0:
		return nil
	case percent:
		return seen * 100 / sum
	}
	return seen
}

// percentileOf is the percentile of a list of [value, weight], as the value stands there:
// values may be numbers, or times as text.
func percentileOf(list value, p float64) value {
	var l []weight[value]
	for _, e := range list.list {
		if len(e.list) != 2 || e.list[0].kind == isNull {
			continue
		}
		if w, ok := e.list[1].real(); ok && w > 0 {
			l = append(l, weight[value]{e.list[0], w})
		}
	}
	if v, ok := reached(l, p, order); ok {
		return v
	}
	return nothing
}
