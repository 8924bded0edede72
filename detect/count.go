package detect

import (
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// count numbers the records of one file and format that a rule says are counted.
type count struct {
	file  string
	last  uint64 // number of the last record in the file
	n     uint64 // records that were counted
	first int64  // time of the first of them
}

// Begin says that the next record is the first of another object, so that records
// are numbered anew. It is for rules that ask for the number of a record.
func (m *Matcher) Begin() {
	for _, s := range m.states {
		s.count = count{}
	}
}

// Pass takes note of a record that is not judged, for rules that ask for the number
// of those after it.
func (m *Matcher) Pass(format string, doc *slot.Doc, meta query.Meta) {
	if (m.cur == nil || m.name != format) && !m.turn(format) || m.cur.counted == nil {
		return
	}
	m.st.Begin(doc, meta)
	m.number(meta)
}

// number returns the Meta of the record that was begun, as its rules count it. A
// record that is not counted has the number that it would have had.
func (m *Matcher) number(meta query.Meta) query.Meta {
	c := &m.cur.count
	if c.file != meta.File || c.last >= meta.Num {
		*c = count{file: meta.File}
	}
	c.last = meta.Num
	meta.Num = c.n + 1
	if m.st.Texts(m.cur.counted[0]).Len() > 0 {
		if c.n++; c.first == 0 {
			c.first = meta.Time
		}
	}
	meta.First = c.first
	return meta
}
