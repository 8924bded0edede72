package fn

import (
	"slices"
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
			treepath("", a[0], map[string]bool{}, &l)
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
		total("percentile_tdigest", []Type{d, Real}, d, func(r row) any {
			if r.null(1) {
				return nil
			}
			return percentileOf(r.dyn(0), r.real(1, 50)).result()
		}),
		total("rank_tdigest", []Type{d, d, Bool}, Real, func(r row) any {
			if r.null(0) || r.null(1) {
				return nil
			}
			return rankOf(r.dyn(0), r.dyn(1), r.flag(2, false))
		}),
		total("percentile_weighted", []Type{d, Real}, Real, func(r row) any {
			return weighted(r.dyn(0), r.real(1, 50))
		}),
	}
}
