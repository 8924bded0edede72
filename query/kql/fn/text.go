package fn

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// patterns compiles regular expressions once. A query has few of them; a
// pattern that comes from a record may be any, so the cache is emptied when it
// is full and long patterns are refused.
type patterns struct {
	mu   sync.Mutex
	kept map[string]*regexp.Regexp
}

const (
	maxPattern  = 8 << 10
	maxPatterns = 128
)

// get is the compiled pattern, or nil where it is none.
func (p *patterns) get(s string) *regexp.Regexp {
	if len(s) > maxPattern {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if re, ok := p.kept[s]; ok {
		return re
	}
	re, err := regexp.Compile(s)
	if err != nil {
		re = nil
	}
	if p.kept == nil || len(p.kept) >= maxPatterns {
		p.kept = map[string]*regexp.Regexp{}
	}
	p.kept[s] = re
	return re
}

func funcsText() []Func {
	re := &patterns{}
	var anyLists, allLists [2]memo[[]string]
	// list is argument 1, in lower case where case does not matter.
	list := func(m *[2]memo[[]string], r row, cs bool) []string {
		if r.null(1) {
			return nil
		}
		if cs {
			return m[1].get(r.text(1), listed(false))
		}
		return m[0].get(r.text(1), listed(true))
	}
	return []Func{
		total("indexof", []Type{String, String, Long, Long, Long}, Long, indexof),
		total("indexof_regex", []Type{String, String, Long, Long, Long}, Long, func(r row) any { return indexofRegex(re, r) }),
		total("countof", []Type{String, String}, Long, func(r row) any {
			return countof(r.text(0), r.text(1))
		}),
		total("countof_regex", []Type{String, String}, Long, func(r row) any {
			x := re.get(r.text(1))
			if x == nil {
				return int64(0)
			}
			return int64(len(x.FindAllStringIndex(r.text(0), maxItems)))
		}),
		total("extract_all", []Type{String, Dynamic, String}, Dynamic, func(r row) any {
			x := re.get(r.text(0))
			if x == nil {
				return nil
			}
			return extractAll(x, r.dyn(1), r.text(2)).result()
		}),
		total("extract_groups", []Type{String, String}, Dynamic, func(r row) any {
			x := re.get(r.text(0))
			if x == nil {
				return nil
			}
			m := x.FindStringSubmatch(r.text(1))
			if m == nil {
				return nil
			}
			return texts(m).result()
		}),
		total("replace_strings", []Type{String, Dynamic, Dynamic}, String, func(r row) any {
			return replaceStrings(r.text(0), r.dyn(1), r.dyn(2))
		}),
		total("translate", []Type{String, String, String}, String, func(r row) any {
			return translate(r.text(0), r.text(1), r.text(2))
		}),
		total("bordered", []Type{String, String, Bool, Bool}, Bool, func(r row) any {
			return hasTerm(r.text(0), r.text(1), r.flag(2, true), r.flag(3, true))
		}),
		total("has_any", []Type{String, Dynamic, Bool}, Bool, func(r row) any {
			cs := r.flag(2, false)
			return hasAny(r.text(0), list(&anyLists, r, cs), cs)
		}),
		total("has_all", []Type{String, Dynamic, Bool}, Bool, func(r row) any {
			cs := r.flag(2, false)
			return hasAll(r.text(0), list(&allLists, r, cs), cs)
		}),
		total("make_string", []Type{Dynamic}, String, func(r row) any {
			var b strings.Builder
			return string(makeString(&b, r.dyn(0)))
		}),
		total("codepoints", []Type{String}, Dynamic, func(r row) any {
			var l []value
			for _, c := range r.text(0) {
				l = append(l, longValue(int64(c)))
				if len(l) >= maxItems {
					break
				}
			}
			return arrayValue(l).result()
		}),
	}
}

func texts(l []string) value {
	out := make([]value, len(l))
	for i, s := range l {
		out[i] = textValue(s)
	}
	return arrayValue(out)
}

// byteAt is the place in s of rune n, or len(s) where s is shorter.
func byteAt(s string, n int64) int {
	if n <= 0 {
		return 0
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// window is the part of s that a search may look at, and where it begins in
// runes. ok is false where the bounds are ones Kusto calls invalid.
func window(r row, s string) (part string, from int64, ok bool) {
	from = r.long(2, 0)
	size := r.long(3, -1)
	n := int64(utf8.RuneCountInString(s))
	if from < 0 {
		from = max(0, n+from)
	}
	if size < -1 {
		return "", 0, false
	}
	s = s[byteAt(s, from):]
	if size >= 0 {
		s = s[:byteAt(s, size)]
	}
	return s, from, true
}

// indexof finds the nth occurrence. The search for each begins behind the one
// before and may look at as many characters as the first, as Kusto's does.
func indexof(r row) any {
	s, want := r.text(0), r.text(1)
	part, from, ok := window(r, s)
	nth, size := r.long(4, 1), r.long(3, -1)
	if !ok || nth <= 0 {
		return nil
	}
	s = s[byteAt(s, from):]
	for {
		i := strings.Index(part, want)
		if i < 0 {
			return int64(-1)
		}
		nth--
		from += int64(utf8.RuneCountInString(s[:i]))
		if nth == 0 {
			return from
		}
		if i >= len(s) {
			return int64(-1)
		}
		_, w := utf8.DecodeRuneInString(s[i:])
		from++
		s = s[i+w:]
		part = s
		if size >= 0 {
			part = s[:byteAt(s, size)]
		}
	}
}

func indexofRegex(re *patterns, r row) any {
	part, from, ok := window(r, r.text(0))
	nth := r.long(4, 1)
	x := re.get(r.text(1))
	if !ok || nth <= 0 || x == nil || r.long(2, 0) < 0 {
		return nil
	}
	if nth > maxItems {
		return int64(-1)
	}
	all := x.FindAllStringIndex(part, int(nth))
	if int64(len(all)) < nth {
		return int64(-1)
	}
	return from + int64(utf8.RuneCountInString(part[:all[nth-1][0]]))
}

// countof counts hits that may overlap.
func countof(s, want string) any {
	if want == "" {
		return int64(0)
	}
	var n int64
	for {
		i := strings.Index(s, want)
		if i < 0 {
			return n
		}
		n++
		s = s[i+1:]
	}
}

// extractAll gives the groups of every match: flat for one group, an array for
// each match otherwise. want selects groups by number or name.
func extractAll(x *regexp.Regexp, want value, s string) value {
	var groups []int
	if want.kind == isArray {
		for _, w := range want.list {
			if n, ok := w.long(); ok && n >= 0 && n <= int64(x.NumSubexp()) {
				groups = append(groups, int(n))
			} else if w.kind == isText {
				if i := x.SubexpIndex(w.text); i >= 0 {
					groups = append(groups, i)
				}
			}
		}
	} else {
		for i := 1; i <= x.NumSubexp(); i++ {
			groups = append(groups, i)
		}
	}
	if len(groups) == 0 {
		return nothing
	}
	var out []value
	for _, m := range x.FindAllStringSubmatch(s, maxItems/len(groups)) {
		if len(groups) == 1 {
			out = append(out, textValue(m[groups[0]]))
			continue
		}
		l := make([]value, len(groups))
		for i, g := range groups {
			l[i] = textValue(m[g])
		}
		out = append(out, arrayValue(l))
	}
	if out == nil {
		return nothing
	}
	return arrayValue(out)
}

// replaceStrings replaces each text of from by the one of to at its place, in
// order; what was put in is not looked at again.
func replaceStrings(s string, from, to value) string {
	if from.kind != isArray || to.kind != isArray || len(from.list) != len(to.list) || len(from.list) > 1024 {
		return s
	}
	type piece struct {
		text string
		done bool
	}
	pieces := []piece{{text: s}}
	for i, f := range from.list {
		want, with := f.string(), to.list[i].string()
		if want == "" {
			continue
		}
		if to.list[i].kind != isText {
			// What is no text replaces nothing, but what it would replace is done.
			with = want
		}
		var next []piece
		for _, p := range pieces {
			if p.done {
				next = append(next, p)
				continue
			}
			for {
				before, after, found := strings.Cut(p.text, want)
				if before != "" {
					next = append(next, piece{text: before})
				}
				if !found {
					break
				}
				next = append(next, piece{with, true})
				p.text = after
			}
			if len(next) > maxItems {
				return ""
			}
		}
		pieces = next
	}
	size := 0
	for _, p := range pieces {
		size += len(p.text)
	}
	if size > maxText {
		return ""
	}
	var b strings.Builder
	b.Grow(size)
	for _, p := range pieces {
		b.WriteString(p.text)
	}
	return b.String()
}

// translate replaces characters of from by those of to at the same place; a
// shorter to is filled up with its last character, an empty one removes.
func translate(from, to, s string) string {
	f, t := []rune(from), []rune(to)
	if len(f) > 1024 {
		return s
	}
	table := make(map[rune]rune, len(f))
	for i, c := range f {
		if _, ok := table[c]; ok {
			continue
		}
		switch {
		case len(t) == 0:
			table[c] = -1
		case i < len(t):
			table[c] = t[i]
		default:
			table[c] = t[len(t)-1]
		}
	}
	return strings.Map(func(c rune) rune {
		if to, ok := table[c]; ok {
			return to
		}
		return c
	}, s)
}

// alnum reports whether c is an ASCII letter or digit.
func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// inTerm reports whether c belongs to a term: a letter or a digit of any script.
func inTerm(c rune) bool {
	if c < utf8.RuneSelf {
		return alnum(byte(c))
	}
	return unicode.IsLetter(c) || unicode.IsNumber(c)
}

// Borders reports on which sides of a term that is looked for no other may go on: where it
// ends itself with a letter or a digit.
func Borders(term string) (left, right bool) {
	first, _ := utf8.DecodeRuneInString(term)
	last, _ := utf8.DecodeLastRuneInString(term)
	return inTerm(first), inTerm(last)
}

// hasTerm reports whether want stands in s with nothing of a term beside it, on its left
// and on its right where these are asked for.
func hasTerm(s, want string, left, right bool) bool {
	if want == "" {
		return true
	}
	l, r := Borders(want)
	left, right = left && l, right && r
	for at := 0; ; {
		i := strings.Index(s[at:], want)
		if i < 0 {
			return false
		}
		i += at
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+len(want):])
		if (!left || !inTerm(before)) && (!right || !inTerm(after)) {
			return true
		}
		at = i + 1
	}
}

// wants are the strings a list holds; nested lists are opened.
func wants(v value, fold bool) []string {
	var out []string
	switch v.kind {
	case isArray:
		for _, e := range v.list {
			out = append(out, wants(e, fold)...)
		}
	case isNull:
	default:
		s := v.string()
		if fold {
			s = strings.ToLower(s)
		}
		out = append(out, s)
	}
	return out
}

func hasAny(s string, list []string, cs bool) bool {
	if !cs {
		s = strings.ToLower(s)
	}
	for _, w := range list {
		if w != "" && hasTerm(s, w, true, true) {
			return true
		}
	}
	return false
}

func hasAll(s string, list []string, cs bool) bool {
	if !cs {
		s = strings.ToLower(s)
	}
	for _, w := range list {
		if !hasTerm(s, w, true, true) {
			return false
		}
	}
	return true
}

func makeString(b *strings.Builder, v value) []byte {
	for _, e := range v.list {
		if e.kind == isArray {
			makeString(b, e)
			continue
		}
		if n, ok := e.long(); ok && n >= 0 && n <= utf8.MaxRune {
			b.WriteRune(rune(n))
		}
	}
	return []byte(b.String())
}
