package slot

import (
	"unicode/utf8"
	"unsafe"
)

// maxTexts is how many levels of JSON inside strings are entered.
const maxTexts = 8

// value reads the value at i, which is not white space, for state st, which is not
// nil. depth is the number of containers around it. It returns the position after it.
func (d *Doc) value(i int, st *state, depth int) (int, code) {
	p, n := d.p, d.n
	switch c := at(p, i); c {
	case '"':
		end, esc, ec := str(p, i+1, n)
		if ec != ok {
			return end, ec
		}
		for _, id := range st.slots {
			d.add(id, i+1, end, String, esc)
		}
		if st.inner != nil && d.level < maxTexts && end-i > 2 {
			d.text(i+1, end, esc, st.inner)
		}
		return end + 1, ok
	case '{':
		if depth >= MaxDepth {
			return i, tooDeep
		}
		if st.tab == nil && st.fold == nil {
			return d.whole(i, st, Object, depth)
		}
		from := d.open(st, i, Object)
		end, ec := d.object(i+1, st, depth+1)
		d.close(st, from, end)
		return end, ec
	case '[':
		if depth >= MaxDepth {
			return i, tooDeep
		}
		if st.member == nil && st.at == nil {
			return d.whole(i, st, Array, depth)
		}
		from := d.open(st, i, Array)
		end, ec := d.array(i+1, st, depth+1)
		d.close(st, from, end)
		return end, ec
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		end, ec := number(p, i, n)
		if ec != ok {
			return end, ec
		}
		for _, id := range st.slots {
			d.add(id, i, end, Number, false)
		}
		return end, ok
	default:
		end, ec := literal(p, i, n)
		if ec != ok {
			return end, ec
		}
		k := Bool
		if c == 'n' {
			k = Null
		}
		for _, id := range st.slots {
			d.add(id, i, end, k, false)
		}
		return end, ok
	}
}

// whole reads a container that nothing is wanted from but itself.
func (d *Doc) whole(i int, st *state, k Kind, depth int) (int, code) {
	end, ec := skip(d.p, i, d.n, depth)
	if ec == ok {
		for _, id := range st.slots {
			d.add(id, i, end, k, false)
		}
	}
	return end, ec
}

// open adds a container whose end is not known yet; close tells it.
func (d *Doc) open(st *state, i int, k Kind) int {
	from := len(d.values)
	for _, id := range st.slots {
		d.add(id, i, i, k, false)
	}
	return from
}

func (d *Doc) close(st *state, from, end int) {
	for k := range st.slots {
		d.values[from+k].end = uint32(end)
	}
}

// object reads an object from i, just after its brace.
func (d *Doc) object(i int, st *state, depth int) (int, code) {
	p, n := d.p, d.n
	var ec code
	if i = space(p, i, n); i >= n {
		return i, short
	}
	if at(p, i) == '}' {
		return i + 1, ok
	}
	last := st.num
	for {
		if at(p, i) != '"' {
			return i, badKey
		}
		i++
		var t *state
		if e := d.after[last]; e != nil && e.at(p, i, n) {
			t = e.st
			if e.without != nil {
				t = d.only(&e.target)
			}
			last = e.num
			i += len(e.key) + 1
			goto value
		}
		{
			// The key: its end, and its first and last eight bytes.
			var e *entry
			key := i
			esc := false
			if i+8 <= n {
				w := load64(p, i)
				if m := special(w); m != 0 {
					k := first(m)
					i += k
					if at(p, i) == '"' {
						t, e = d.lookup(st, key, k, w&(1<<(uint(k)*8)-1), 0)
						goto colon
					}
					i = key
				}
			}
			if i, esc, ec = str(p, i, n); ec != ok {
				return i, ec
			}
			if esc || i-key < 8 {
				t, e = d.find(st, key, i, esc)
			} else {
				t, e = d.lookup(st, key, i-key, load64(p, key), load64(p, i-8))
			}
		colon:
			if e != nil {
				if e.plain {
					d.after[last] = e
				}
				last = e.num
			}
			i++
			if i >= n {
				return i, short
			}
			if at(p, i) != ':' {
				if i = space(p, i, n); i >= n {
					return i, short
				}
				if at(p, i) != ':' {
					return i, badColon
				}
			}
		}
	value:
		i++
		if i >= n {
			return i, short
		}
		if at(p, i) <= ' ' {
			if i = space(p, i, n); i >= n {
				return i, short
			}
		}
		if t != nil {
			i, ec = d.value(i, t, depth)
		} else if at(p, i) == '"' {
			if i, _, ec = str(p, i+1, n); ec == ok {
				i++
			}
		} else {
			i, ec = skip(p, i, n, depth)
		}
		if ec != ok {
			return i, ec
		}
		if i >= n {
			return i, short
		}
		c := at(p, i)
		if c <= ' ' {
			if i = space(p, i, n); i >= n {
				return i, short
			}
			c = at(p, i)
		}
		if c == '}' {
			return i + 1, ok
		}
		if c != ',' {
			return i, badObject
		}
		i++
		if i >= n {
			return i, short
		}
		if at(p, i) <= ' ' {
			if i = space(p, i, n); i >= n {
				return i, short
			}
		}
	}
}

// array reads an array from i, just after its bracket.
func (d *Doc) array(i int, st *state, depth int) (int, code) {
	p, n := d.p, d.n
	var ec code
	if i = space(p, i, n); i >= n {
		return i, short
	}
	if at(p, i) == ']' {
		return i + 1, ok
	}
	for k := 0; ; k++ {
		t := st.member
		if k <= st.last {
			if own := st.at[k]; own != nil {
				t = own
			}
		}
		if t != nil {
			i, ec = d.value(i, t, depth)
		} else {
			i, ec = skip(p, i, n, depth)
		}
		if ec != ok {
			return i, ec
		}
		if i = space(p, i, n); i >= n {
			return i, short
		}
		c := at(p, i)
		if c == ']' {
			return i + 1, ok
		}
		if c != ',' {
			return i, badArray
		}
		if i = space(p, i+1, n); i >= n {
			return i, short
		}
	}
}

// at reports whether the key of e stands at position i, with its closing quote and
// a colon right behind it.
func (e *entry) at(p unsafe.Pointer, i, n int) bool {
	l := len(e.key)
	if i+max(l, 8)+2 > n || load16(p, i+l) != '"'|':'<<8 {
		return false
	}
	w := load64(p, i)
	if l < 8 {
		return w&(1<<(uint(l)*8)-1) == e.lo
	}
	return w == e.lo && load64(p, i+l-8) == e.hi && (l <= 16 || e.key == unsafe.String((*byte)(unsafe.Add(p, i)), l))
}

// lookup finds where a key of n bytes at position i leads from st. lo and hi are its
// ends as the function ends makes them. The entry is nil for a key that was found
// without regard to case.
func (d *Doc) lookup(st *state, i, n int, lo, hi uint64) (*state, *entry) {
	if st.tab != nil {
		mask := uint64(len(st.tab) - 1)
		for h := hash(lo, hi, n, st.mul) >> (st.shift & 63); ; h++ {
			k := st.tab[h&mask]
			if k == 0 {
				break
			}
			e := &st.entries[k-1]
			if e.lo == lo && e.hi == hi && len(e.key) == n &&
				(n <= 16 || e.key == unsafe.String((*byte)(unsafe.Add(d.p, i)), n)) {
				if e.without == nil {
					return e.st, e
				}
				return d.only(&e.target), e
			}
		}
	}
	if st.fold != nil {
		return d.folded(st, unsafe.Slice((*byte)(unsafe.Add(d.p, i)), n)), nil
	}
	return nil, nil
}

// find is lookup for a key with escapes, or one too near the end of the buffer for
// a load of eight bytes.
func (d *Doc) find(st *state, from, to int, esc bool) (*state, *entry) {
	key := unsafe.Slice((*byte)(unsafe.Add(d.p, from)), to-from)
	if esc {
		d.key = Unescape(d.key[:0], key)
		key = d.key
	}
	for k := range st.entries {
		if e := &st.entries[k]; e.key == string(key) {
			return d.only(&e.target), e
		}
	}
	if st.fold != nil {
		return d.folded(st, key), nil
	}
	return nil, nil
}

func (d *Doc) folded(st *state, key []byte) *state {
	d.lower = appendLower(d.lower[:0], key)
	if t := st.fold[string(d.lower)]; t != nil {
		return d.only(t)
	}
	return nil
}

// only follows t, less the nodes of Exact paths that an earlier key of the same
// name has reached.
func (d *Doc) only(t *target) *state {
	if t.without == nil {
		return t.st
	}
	drop := 0
	for k, num := range t.once {
		if d.seen[num] == d.gen {
			drop |= 1 << k
		}
		d.seen[num] = d.gen
	}
	return t.without[drop]
}

// text enters the text of the string between from and to, where it is itself an
// object or array, for state st. It may be percent-encoded, as IAM writes policy
// documents in its answers. Text that is not JSON is left alone.
func (d *Doc) text(from, to int, esc bool, st *state) {
	p, n := d.p, to
	i := from
	if c := at(p, i); c != '{' && c != '[' && c != '\\' && c != '%' && class[c]&clsSpace == 0 {
		return
	}
	mark := len(d.arena)
	buf := unsafe.Slice((*byte)(unsafe.Add(p, from)), to-from)
	own := esc
	if esc {
		d.arena = Unescape(d.arena, buf)
		buf = d.arena[mark:len(d.arena):len(d.arena)]
	}
	if len(buf) > 0 && buf[0] == '%' {
		var whole bool
		behind := len(d.arena)
		if d.arena, whole = unpercent(d.arena, buf); !whole || !utf8.Valid(d.arena[behind:]) {
			d.arena = d.arena[:mark]
			return
		}
		buf, own = d.arena[behind:len(d.arena):len(d.arena)], true
	}
	if own {
		p, n = start(buf)
		i = 0
	}
	if !container(p, i, n) {
		d.arena = d.arena[:mark]
		return
	}
	i = space(p, i, n)
	op, on, osrc := d.p, d.n, d.src
	if own {
		d.texts = append(d.texts, buf)
		d.src = int32(len(d.texts))
	}
	d.p, d.n = p, n
	d.level++
	d.value(i, st, 0)
	d.level--
	d.p, d.n, d.src = op, on, osrc
}

// container reports whether the n bytes at p, from i on, are one valid object or array.
func container(p unsafe.Pointer, i, n int) bool {
	if i = space(p, i, n); i >= n || at(p, i) != '{' && at(p, i) != '[' {
		return false
	}
	end, ec := skip(p, i, n, 0)
	return ec == ok && space(p, end, n) == n
}
