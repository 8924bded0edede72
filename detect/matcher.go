package detect

import (
	"slices"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// Matcher judges records one after the other. It belongs to one goroutine.
type Matcher struct {
	e        *Engine
	name     string // of cur
	cur      *formatState
	st       *query.State
	states   map[string]*formatState
	found    []int32 // positions of the rules that match
	hits     []Hit
	cause    cause // memory for the cause key of a finding
	base     baseMemory
	track    bool
	doc      *slot.Doc // of the record judged last
	splitter splitter
}

// formatState is what one goroutine needs to judge the records of one format.
type formatState struct {
	*formatRules
	st    *query.State
	seen  []uint32 // by rule: the stamp of the record that it was tried for
	stamp uint32
	// records counts those judged, and filled has, by slot, whether any of them had a
	// value there; both only where [Matcher.Track] was called.
	records int
	filled  map[slot.ID]bool
	count   count
}

// Hit is a rule that matches the record judged last.
type Hit struct {
	Rule *rule.Rule
	// Finds says that the match is a finding, Feeds that correlations count it.
	Finds, Feeds bool
	num          int32 // of the rule in the engine
	pos          int32 // in the format's rules
	host         int   // 1 + the place among the hits of the one whose cause is this one's too; 0: its own
}

// NewMatcher returns a Matcher. Formats that are asked for later by [Engine.Want]
// are known to it too.
func (e *Engine) NewMatcher() *Matcher {
	return &Matcher{e: e, states: map[string]*formatState{}}
}

// Match returns the rules that match a record of a format, in the order of the
// rules, those that join the event's issue after the others. doc must come from the plan for which [Engine.Want] was asked; a format
// that was never asked for matches nothing. What Match returns is valid until the
// next call, and so are [Matcher.Findings] and [Matcher.Base]. It does not allocate
// once warm.
func (m *Matcher) Match(format string, doc *slot.Doc, meta query.Meta) []Hit {
	if m.cur == nil || m.name != format {
		if !m.turn(format) {
			return nil
		}
	}
	cur := m.cur
	m.hits, m.found = m.hits[:0], m.found[:0]
	if len(cur.rules) == 0 {
		return nil
	}
	if cur.stamp++; cur.stamp == 0 {
		clear(cur.seen)
		cur.stamp = 1
	}
	m.doc = doc
	m.st.Begin(doc, meta)
	if cur.counted != nil {
		m.st.SetMeta(m.number(meta))
	}
	cur.index.candidates(m, doc)
	if m.track {
		cur.note(doc)
	}
	slices.Sort(m.found)
	for _, pos := range m.found {
		num := cur.rules[pos].num
		in := &m.e.info[num]
		m.hits = append(m.hits, Hit{Rule: m.e.rules[num], Finds: in.finds, Feeds: len(in.feeds) > 0, num: num, pos: pos})
	}
	if len(m.hits) > 1 {
		m.hits = aside(exclusive(m.hits))
	}
	return m.hits
}

// Trim forgets all records judged so far and the memory that they took. It costs as much
// as a new Matcher, and is for after records of many megabytes. What [Matcher.Track]
// noted is kept.
func (m *Matcher) Trim() {
	if !m.track {
		m.cur, m.st, m.doc, m.states, m.splitter, m.base = nil, nil, nil, map[string]*formatState{}, splitter{}, baseMemory{}
	}
}

// turn makes format the current one.
func (m *Matcher) turn(format string) bool {
	s := m.states[format]
	if s == nil {
		m.e.mu.RLock()
		f := m.e.formats[format]
		m.e.mu.RUnlock()
		if f == nil {
			return false
		}
		f.once.Do(func() { f.compile(m.e) })
		s = &formatState{formatRules: f, st: f.set.NewState(), seen: make([]uint32, len(f.rules))}
		m.states[format] = s
	}
	m.name, m.cur, m.st = format, s, s.st
	return true
}

func (m *Matcher) tryAll(list []cluster) {
	for i := range list {
		c := &list[i]
		if c.guard >= 0 && !m.st.Pred(c.guard) {
			continue
		}
		for _, n := range c.rules {
			m.try(n)
		}
	}
}

// try judges the record by one rule, once.
func (m *Matcher) try(pos int32) {
	cur := m.cur
	if cur.seen[pos] == cur.stamp {
		return
	}
	cur.seen[pos] = cur.stamp
	if cur.rules[pos].prog.Holds(m.st) {
		m.found = append(m.found, pos)
	}
}
