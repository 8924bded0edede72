package store

import (
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// asker asks the rows of blocks.
type asker struct {
	q      *filter.Query
	scopes []yagura.Scope
	all    bool
	need   [][][]uint32 // of each term its alternatives: bits that must all be set
	must   []string     // free texts, folded
	seen   [2]int64     // what seen and time must be within, ends excluded
	time   [2]int64
}

func newAsker(q *filter.Query, scopes []yagura.Scope, all bool) *asker {
	a := &asker{q: q, scopes: scopes, all: all, seen: [2]int64{-1 << 63, 1<<63 - 1}, time: [2]int64{-1 << 63, 1<<63 - 1}}
	if q != nil {
		for i := range q.Terms {
			a.term(&q.Terms[i])
		}
	}
	if !all && len(scopes) > 0 {
		a.needScopes()
	}
	return a
}

const mostAlternatives = 64

func (a *asker) needScopes() {
	var alternatives [][]uint32
	for _, s := range a.scopes {
		switch {
		case len(s.Tenants)+len(s.Accounts) > 0:
			for _, id := range s.Accounts {
				alternatives = append(alternatives, bitsOf(scopeTokens[colScope], id))
			}
		case len(s.Formats) > 0:
			for _, f := range s.Formats {
				alternatives = append(alternatives, bitsOf(scopeTokens[colLogType], f))
			}
		default:
			return
		}
	}
	if len(alternatives) <= mostAlternatives {
		a.need = append(a.need, alternatives)
	}
}

// term notes which bits a block must have for a term.
func (a *asker) term(t *filter.Term) {
	if t.Not {
		return
	}
	if t.Field == nil {
		a.must = append(a.must, filter.Fold(t.Values[0].Text))
	}
	if t.Field != nil && t.Field.Kind == filter.Time && len(t.Values) == 1 && t.Values[0].Op != filter.Has && t.Values[0].Op != filter.Lacks {
		within := &a.seen
		if t.Field.Name == "time" {
			within = &a.time
		}
		if v := t.Values[0]; !v.Time.IsZero() {
			within[0] = max(within[0], ns(v.Time))
		}
		if v := t.Values[0]; !v.End.IsZero() {
			within[1] = min(within[1], ns(v.End))
		}
		return
	}
	var alternatives [][]uint32
	for i := range t.Values {
		list, ok := valueBits(t.Field, &t.Values[i])
		if !ok {
			return
		}
		alternatives = append(alternatives, list...)
	}
	if len(alternatives) <= mostAlternatives {
		a.need = append(a.need, alternatives)
	}
}

func textBits(parts ...string) (bits []uint32) {
	for _, p := range parts {
		for _, h := range askedPieces(filter.Fold(p), true) {
			bits = append(bits, bitOf(h))
		}
	}
	return bits
}

// valueBits returns the bits that a block has whose rows may hold a value, in alternatives;
// ok is false where nothing is known.
func valueBits(f *filter.Field, v *filter.Value) (alternatives [][]uint32, ok bool) {
	one := func(bits []uint32) ([][]uint32, bool) { return [][]uint32{bits}, len(bits) > 0 }
	switch {
	case f == nil:
		return one(textBits(v.Text))
	case v.Op == filter.Has || v.Op == filter.Lacks:
		return nil, false
	case f.Kind == filter.Severity:
		for s := max(v.Number, 1); s <= min(v.To, 5); s++ {
			alternatives = append(alternatives, bitsOf("severity", fmt.Sprint(s)))
		}
		return alternatives, true
	case f.Kind == filter.Flag:
		if v.Number == 1 {
			return one(bitsOf(f.Name, "1"))
		}
		return nil, false
	case f.Kind == filter.Number || f.Kind == filter.Time || f.Kind == filter.Length:
		return nil, false
	case v.Parts != nil:
		return one(textBits(v.Parts...))
	case f.Within:
		return one(textBits(v.Text))
	case f.Kind == filter.Entity && v.Entity != "":
		return one(bitsOf("entity", filter.Fold(cut(v.Text, 2048))+entityMark+v.Entity))
	case f.Kind == filter.Address && v.Block.IsValid():
		best := 0
		addr := v.Block.Addr().Unmap()
		for _, bits := range networkBits(addr) {
			if bits <= v.Block.Bits() {
				best = bits
			}
		}
		if p, err := addr.Prefix(best); err == nil && best > 0 {
			return one(bitsOf("net", p.String()))
		}
		return nil, false
	}
	return one(bitsOf(f.Name, filter.Fold(cut(v.Text, 2048))))
}

// inScope reports whether a row of an account and format is within the scopes.
func (a *asker) inScope(account, format string) bool {
	if a.all {
		return true
	}
	for _, s := range a.scopes {
		if len(s.Tenants)+len(s.Accounts) > 0 && account == "" {
			continue
		}
		s.Tenants = append([]string(nil), s.Tenants...)
		if s.Holds("", account, format) {
			return true
		}
	}
	return false
}

// rows calls yield for the rows of a block that answer the query.
func (a *asker) rows(b *block, yield func(row int)) {
	var tests []func(row int) bool
	if !a.all {
		memo := map[[2]uint32]bool{}
		tests = append(tests, func(row int) bool {
			k := [2]uint32{b.texts[colScope].of(row)[0], b.texts[colLogType].of(row)[0]}
			in, ok := memo[k]
			if !ok {
				in = a.inScope(b.dict[k[0]], b.dict[k[1]])
				memo[k] = in
			}
			return in
		})
	}
	if a.q != nil {
		for i := range a.q.Terms {
			t := a.q.Terms[i]
			tests = append(tests, a.test(b, t))
		}
	}
rows:
	for row := range b.rows {
		for _, ok := range tests {
			if !ok(row) {
				continue rows
			}
		}
		yield(row)
	}
}

// test returns what a term asks of a row. A text is asked once, however many rows have it.
func (a *asker) test(b *block, t filter.Term) func(row int) bool {
	negated := t.Not
	t.Not = false
	q := &filter.Query{List: a.q.List, Terms: []filter.Term{t}, Now: a.q.Now}
	ask := func(cells ...any) bool { return q.Match(func(string) []any { return cells }) }
	number := func(cell func(row int) any) func(int) bool {
		return func(row int) bool { return ask(cell(row)) != negated }
	}
	var cols []int
	switch {
	case t.Field == nil:
		cols = make([]int, 0, blockFree+1)
		for col := range blockFree {
			cols = append(cols, col)
		}
		cols = append(cols, colID)
	case t.Field.Name == "severity":
		var holds [8]bool
		for s := 1; s <= 5; s++ {
			holds[s] = ask(yagura.Severity(s)) != negated
		}
		return func(row int) bool { return holds[b.nums[numSeverity][row]&7] }
	case t.Field.Name == "seen":
		return number(func(row int) any { return at(b.nums[numSeen][row]) })
	case t.Field.Name == "time":
		return number(func(row int) any { return at(b.nums[numTime][row]) })
	case t.Field.Name == "suppressed":
		return number(func(row int) any { return b.nums[numFlags][row]&1 != 0 })
	case t.Field.Name == "retro":
		return number(func(row int) any { return b.nums[numFlags][row]&2 != 0 })
	default:
		cols = blockOf[t.Field.Name]
	}
	const unknown, no, yes = 0, 1, 2
	memo := make([]uint8, len(b.dict))
	if t.Field == nil { // the quick way to ask many texts
		want := filter.Fold(t.Values[0].Text)
		for code, s := range b.dict {
			memo[code] = no
			if strings.Contains(s, want) {
				memo[code] = yes
			}
		}
		for _, code := range b.texts[colEntity].list {
			if id, _, _ := strings.Cut(b.dict[code], entityMark); memo[code] == yes && !strings.Contains(id, want) {
				memo[code] = no
			}
		}
		for _, code := range b.texts[colID].list {
			if memo[code] == no && strings.Contains(filter.Fold(b.dict[code]), want) {
				memo[code] = yes
			}
		}
	}
	empty := ask() // of a row without the field
	return func(row int) bool {
		holds, any := false, false
		for _, col := range cols {
			for _, code := range b.texts[col].of(row) {
				any = true
				m := memo[code]
				if m == unknown {
					if m = no; ask(cellOf(col, b.dict[code])) {
						m = yes
					}
					memo[code] = m
				}
				if holds = m == yes; holds {
					return !negated
				}
			}
		}
		if !any {
			holds = empty
		}
		return holds != negated
	}
}
