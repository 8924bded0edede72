package detect

import (
	"fmt"
	"iter"
	"slices"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// Bounds of the entries of one record. What is beyond them is one finding together,
// which says so.
const (
	maxEntries    = 256
	maxEntryBytes = 16 << 20 // of all records that are made of one
	maxAliases    = 8        // of one cause in one record
)

// Findings makes the findings of a hit on the record judged last, whose event is ev: one,
// or where the rule's side-car names lists of entries one for each cause. A record with
// several entries is judged like as many records with one: each entry stands in a copy of
// the record in which the lists hold nothing else, and only those count that the rule
// matches. Of groups of lists the first with such an entry counts; the others name its causes
// further. Where it matches none by itself, there is one finding of the whole record. A rule
// that joins the event's issue has the cause of the first finding there.
func (m *Matcher) Findings(h Hit, ev *yagura.Event) iter.Seq[yagura.Finding] {
	return func(yield func(yagura.Finding) bool) {
		c := &m.cur.rules[h.pos]
		if h.host > 0 {
			f := m.finding(h, m.st, ev)
			for first := range m.Findings(m.hits[h.host-1], ev) {
				f.CauseKey, f.FormerKeys, f.AliasKeys = first.CauseKey, first.FormerKeys, first.AliasKeys
				break
			}
			yield(f)
			return
		}
		if len(c.entries) > 0 {
			if list := m.entries(h, c, ev); len(list) > 0 {
				for _, f := range list {
					if !yield(f) {
						return
					}
				}
				return
			}
		}
		yield(m.finding(h, m.st, ev))
	}
}

// entries makes the findings of the entries of a record: none where the record has not
// more than one, or where the rule matches none by itself.
func (m *Matcher) entries(h Hit, c *compiled, ev *yagura.Event) []yagura.Finding {
	lists, groups := m.listsOf(c)
	if len(groups) < 2 {
		return nil
	}
	st := m.splitter.begin(m.cur.formatRules, m.doc.Plan())
	record, judged, spent := m.doc.Record(), 0, 0
	var out []yagura.Finding
	seen := map[string]int{} // by cause key, in out
	first := -1
	for g := range c.entries {
		for i := 0; i < len(groups); i++ {
			if groups[i] != g {
				continue
			}
			to := i + 1
			if len(out) > 0 && first != g && (judged >= 2*maxEntries || spent > 2*maxEntryBytes) {
				break
			}
			if (len(out) == 0 || first == g) && (judged >= maxEntries || spent > maxEntryBytes) {
				to = len(groups)
			}
			b := m.splitter.cut(record, lists, i, to)
			judged++
			spent += len(b)
			if !m.splitter.read(b, m.st.Meta()) || !c.prog.Holds(st) {
				i = to - 1
				continue
			}
			f := m.finding(h, st, ev)
			if to > i+1 {
				f.Caps = append(f.Caps, fmt.Sprintf("entries: %d of %d are one finding", to-i, len(groups)))
			}
			switch n, ok := seen[f.CauseKey]; {
			case ok:
				for _, key := range f.AliasKeys {
					if !slices.Contains(out[n].AliasKeys, key) && len(out[n].AliasKeys) < maxAliases {
						out[n].AliasKeys = append(out[n].AliasKeys, key)
					}
				}
			case first < 0 || first == g:
				first, seen[f.CauseKey] = g, len(out)
				out = append(out, f)
			}
			i = to - 1
		}
		if len(out) > 0 && len(c.alias) == 0 {
			break // others could only add names
		}
	}
	if len(out) > 1 {
		for i := range out {
			sum := digest("entry", []byte(out[i].ID), []byte(out[i].CauseKey))
			out[i].ID = hexText(&sum)
		}
	}
	return out
}

// list is one array of entries in a record, by its place there, and member one of
// its members. Entries are members without lists in them; they are numbered through the
// record, and a member has those from first on, up to last.
type list struct {
	start, end int
	group      int
	members    []member
}

type member struct {
	start, end  int
	first, last int
	lists       []list
}

// listsOf finds the lists of entries in the record judged last. Groups has the group of
// each entry.
func (m *Matcher) listsOf(c *compiled) (lists []list, groups []int) {
	var flat []list
	for g, slots := range c.entries {
		for _, s := range slots {
			for v := m.doc.First(s); v >= 0; v = m.doc.Next(v) {
				if m.doc.Kind(v) != slot.Array {
					continue
				}
				if start, end, ok := m.doc.Span(v); ok {
					flat = append(flat, list{start: start, end: end, group: g})
				}
			}
		}
	}
	slices.SortFunc(flat, func(a, b list) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	flat = slices.CompactFunc(flat, func(a, b list) bool { return a.start == b.start })
	record := m.doc.Record()
	var nest func(end int) []list
	nest = func(end int) (out []list) {
		for len(flat) > 0 && flat[0].start < end {
			l := flat[0]
			flat = flat[1:]
			l.members = split(record[l.start:l.end], l.start)
			for i := range l.members {
				x := &l.members[i]
				x.first = len(groups)
				x.lists = nest(x.end)
				if len(groups) == x.first { // nothing in it: an entry itself
					groups = append(groups, l.group)
				}
				x.last = len(groups)
			}
			out = append(out, l)
		}
		return out
	}
	return nest(len(record)), groups
}

// split finds the members of a JSON array, which is known to be well formed and stands at
// a place in its record.
func split(array []byte, at int) (out []member) {
	depth, start := 0, -1
	done := func(end int) {
		if start >= 0 {
			out = append(out, member{start: at + start, end: at + end})
		}
		start = -1
	}
	for i := 1; i < len(array)-1; i++ {
		switch ch := array[i]; ch {
		case ' ', '\t', '\n', '\r':
			continue
		case ',':
			if depth == 0 {
				done(i)
				continue
			}
		case '[', '{':
			if start < 0 {
				start = i
			}
			depth++
		case ']', '}':
			depth--
		case '"':
			if start < 0 {
				start = i
			}
			for i++; array[i] != '"'; i++ {
				if array[i] == '\\' {
					i++
				}
			}
		default:
			if start < 0 {
				start = i
			}
		}
	}
	done(len(array) - 1)
	return out
}

// splitter makes records of entries and reads them. It belongs to one Matcher.
type splitter struct {
	of  *formatRules
	doc *slot.Doc
	st  *query.State
	buf []byte
}

// begin makes c ready for records of a format and returns the state that judges them.
func (c *splitter) begin(of *formatRules, plan *slot.Plan) *query.State {
	if c.of != of || c.doc.Plan() != plan {
		*c = splitter{of: of, doc: plan.NewDoc(), st: of.set.NewState()}
	}
	return c.st
}

func (c *splitter) read(record []byte, meta query.Meta) bool {
	if _, err := c.doc.Plan().Scan(record, c.doc); err != nil {
		return false
	}
	c.st.Begin(c.doc, meta)
	return true
}

// cut returns the record with the entries from on, up to to, and no others. It is valid
// until the next call.
func (c *splitter) cut(record []byte, lists []list, from, to int) []byte {
	b := c.buf[:0]
	var write func(start, end int, lists []list)
	write = func(start, end int, lists []list) {
		for i := range lists {
			l := &lists[i]
			b = append(append(b, record[start:l.start]...), '[')
			for j, more := 0, false; j < len(l.members); j++ {
				x := &l.members[j]
				if x.first >= to || x.last <= from {
					continue
				}
				if more {
					b = append(b, ',')
				}
				more = true
				write(x.start, x.end, x.lists)
			}
			b = append(b, ']')
			start = l.end
		}
		b = append(b, record[start:end]...)
	}
	write(0, len(record), lists)
	c.buf = b
	return b
}
