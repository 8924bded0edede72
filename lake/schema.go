package lake

import (
	"bytes"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake/column"
)

// The columns of the head, in order.
const (
	hRow = iota
	hTime
	hSeen
	hKey
	hID
	hFormat
	hSource
	hObject
	hNumber
	hAccount
	hRegion
	hService
	hAction
	hActorType
	hActorID
	hActorName
	hSessionOf
	hAccessKey
	hSrcIP
	hUserAgent
	hOutcome
	hError
	hTargetType
	hTargetID
	hTargets
	hSize
	hContent
	headColumns
)

// HeadColumns returns the columns that the head files of every format begin with. Columns of
// a format's own follow, see [FormatColumns].
func HeadColumns() []column.Spec {
	return []column.Spec{
		hRow:        {Name: "row", Kind: column.Int64},
		hTime:       {Name: "time", Kind: column.Time, Nullable: true},
		hSeen:       {Name: "seen", Kind: column.Time},
		hKey:        {Name: "key", Kind: column.UUID, Bloom: true},
		hID:         {Name: "id", Plain: true, Bloom: true},
		hFormat:     {Name: "format"},
		hSource:     {Name: "source"},
		hObject:     {Name: "object"},
		hNumber:     {Name: "number", Kind: column.Int64},
		hAccount:    {Name: "account"},
		hRegion:     {Name: "region"},
		hService:    {Name: "service"},
		hAction:     {Name: "action"},
		hActorType:  {Name: "actor_type"},
		hActorID:    {Name: "actor_id", Bloom: true},
		hActorName:  {Name: "actor_name"},
		hSessionOf:  {Name: "session_of"},
		hAccessKey:  {Name: "access_key", Bloom: true},
		hSrcIP:      {Name: "src_ip", Bloom: true},
		hUserAgent:  {Name: "user_agent"},
		hOutcome:    {Name: "outcome"},
		hError:      {Name: "error"},
		hTargetType: {Name: "target_type"},
		hTargetID:   {Name: "target_id"},
		hTargets:    {Name: "targets"},
		hSize:       {Name: "size", Kind: column.Int32},
		hContent:    {Name: "content", Kind: column.Int32},
	}
}

// RawColumns returns the columns of the raw files. raw is the record as text that everybody
// can read, and empty where retention took the record; where a record is not UTF-8, or has half
// of a surrogate pair in it, that is not what was received, and bytes is.
func RawColumns() []column.Spec {
	return []column.Spec{
		{Name: "row", Kind: column.Int64},
		{Name: "raw", Plain: true},
		{Name: "bytes", Kind: column.Bytes},
	}
}

// rows are rows of one partition in memory.
type rows struct {
	head []*column.Buffer
	more []string // names of the columns behind the common ones
	raw  []*column.Buffer

	n        int
	rawBytes int64
	repeats  int64
	min, max int64 // event times in microseconds, column.Null for none
	seen     [2]int64
	ids      map[ident]struct{}
	spans    []span
	batches  []*batch
	since    time.Time // when the first came, by our clock
	memory   int64     // that was counted for it when it was cut
	targets  []byte
}

// ident is what tells a record from all others of its partition: its key, and half of the hash
// of its content, as that takes place in every row.
type ident struct {
	key     yagura.Key
	content uint32
}

// span is records of one object that follow one another, in rows that do.
type span struct {
	source, object string
	format         string
	first, count   int64 // numbers of records
	row, rows      int   // fewer rows than records: there were repeats among them
	min, max       time.Time
}

func newRows(more []string) *rows {
	r := &rows{more: more, ids: map[ident]struct{}{}}
	for _, s := range HeadColumns() {
		r.head = append(r.head, column.New(s))
	}
	for _, name := range more {
		r.head = append(r.head, column.New(column.Spec{Name: name}))
	}
	for _, s := range RawColumns() {
		r.raw = append(r.raw, column.New(s))
	}
	r.reset()
	return r
}

// reset makes r empty and keeps its memory.
func (r *rows) reset() {
	for _, b := range slices.Concat(r.head, r.raw) {
		b.Reset()
	}
	clear(r.ids)
	clear(r.spans)
	clear(r.batches)
	r.n, r.rawBytes, r.repeats, r.min, r.max, r.seen = 0, 0, 0, column.Null, column.Null, [2]int64{}
	r.spans, r.batches, r.since = r.spans[:0], r.batches[:0], time.Time{}
}

// bytes says about how much memory the rows take.
func (r *rows) bytes() int64 {
	n := int64(len(r.ids)) * 48
	for _, b := range r.head {
		n += int64(b.Bytes())
	}
	for _, b := range r.raw {
		n += int64(b.Bytes())
	}
	return n
}

// identOf returns what tells a record from others. The key of one without a native id is its
// place in its object, and its bytes are what it says.
func identOf(rec *keep.Record) ident {
	id := ident{key: rec.Key}
	if rec.Keyed {
		if rec.Event != nil {
			id.content = uint32(rec.Event.Content)
		}
		return id
	}
	id.content = uint32(xxhash.Sum64(rec.Raw))
	return id
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return column.Null
	}
	return t.UnixMicro()
}

// empty is the header of a record that came without one.
var empty yagura.Event

// add appends a record.
func (r *rows) add(source, object, format string, number int64, rec *keep.Record, id ident, seen int64) {
	e, h := rec.Event, r.head
	if e == nil {
		e = &empty
	}
	when := micros(rec.Time)
	if when != column.Null {
		if r.min == column.Null || when < r.min {
			r.min = when
		}
		r.max = max(r.max, when)
	}
	if r.seen[0] == 0 || seen < r.seen[0] {
		r.seen[0] = seen
	}
	r.seen[1] = max(r.seen[1], seen)
	src := e.SrcIP
	if e.Detail.SrcHost != "" {
		src = e.Detail.SrcHost
	}
	outcome := e.Outcome
	if outcome == "" {
		outcome = yagura.OutcomeUnknown
	}
	h[hTime].Ints = append(h[hTime].Ints, when)
	h[hSeen].Ints = append(h[hSeen].Ints, seen)
	h[hKey].Keys = append(h[hKey].Keys, rec.Key)
	h[hID].Text.Append(e.ID)
	h[hFormat].Text.Append(format)
	h[hSource].Text.Append(source)
	h[hObject].Text.Append(object)
	h[hNumber].Ints = append(h[hNumber].Ints, number)
	h[hAccount].Text.Append(e.Account)
	h[hRegion].Text.Append(e.Region)
	h[hService].Text.Append(e.Detail.Service)
	h[hAction].Text.Append(e.Action)
	h[hActorType].Text.Append(e.Actor.Type)
	h[hActorID].Text.Append(e.Actor.ID)
	h[hActorName].Text.Append(e.Actor.Name)
	h[hSessionOf].Text.Append(e.Actor.SessionOf)
	h[hAccessKey].Text.Append(e.Detail.AccessKey)
	h[hSrcIP].Text.Append(src)
	h[hUserAgent].Text.Append(e.Detail.UserAgent)
	h[hOutcome].Text.Append(outcome)
	h[hError].Text.Append(e.Detail.Error)
	if len(e.Targets) > 0 {
		h[hTargetType].Text.Append(e.Targets[0].Type)
		h[hTargetID].Text.Append(e.Targets[0].ID)
	} else {
		h[hTargetType].Text.Append("")
		h[hTargetID].Text.Append("")
	}
	r.targets = appendTargets(r.targets[:0], e.Targets)
	h[hTargets].Text.AppendBytes(r.targets)
	h[hSize].Ints = append(h[hSize].Ints, int64(len(rec.Raw)))
	h[hContent].Ints = append(h[hContent].Ints, int64(int32(id.content)))
	for i, name := range r.more {
		h[headColumns+i].Text.Append(valueOf(e.Detail.More, i, name))
	}
	text := readable(rec.Raw)
	r.raw[1].Text.AppendBytes(text)
	if utf8.Valid(rec.Raw) && bytes.Equal(text, rec.Raw) {
		r.raw[2].Text.Append("")
	} else {
		r.raw[2].Text.AppendBytes(rec.Raw)
	}
	r.n++
	r.rawBytes += int64(len(rec.Raw))
}

// valueOf returns the value of a column, which stands at its place where all are given.
func valueOf(list []yagura.Column, i int, name string) string {
	if i < len(list) && list[i].Name == name {
		return list[i].Value
	}
	for _, c := range list {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// columns makes r, which is empty, hold rows of a format with columns of its own.
func (r *rows) columns(more []string) {
	if slices.Equal(r.more, more) {
		return
	}
	r.more, r.head = more, r.head[:headColumns]
	for _, name := range more {
		r.head = append(r.head, column.New(column.Spec{Name: name}))
	}
}

// pick leaves rows out that are not among those given, which ascend. The rest moves up.
func (r *rows) pick(keep []int) {
	place := func(row int) int { // of the first kept row that is not before
		i, _ := slices.BinarySearch(keep, row)
		return i
	}
	other := newRows(r.more)
	for i := range r.head {
		if i != hRow {
			other.head[i].Pick(r.head[i], keep)
		}
	}
	for i := range r.raw {
		if i != 0 {
			other.raw[i].Pick(r.raw[i], keep)
		}
	}
	spans := r.spans[:0]
	for _, s := range r.spans {
		from, to := place(s.row), place(s.row+s.rows)
		if s.row, s.rows = from, to-from; s.rows > 0 {
			spans = append(spans, s)
		}
	}
	r.spans, r.repeats, r.n = spans, r.repeats+int64(r.n-len(keep)), len(keep)
	r.head, r.raw, r.rawBytes = other.head, other.raw, 0
	for _, n := range r.head[hSize].Ints {
		r.rawBytes += n
	}
	// The times stay those of all: a filter by them finds no fewer files than it must.
}

// appendTargets writes targets as a JSON array.
func appendTargets(dst []byte, list []yagura.Entity) []byte {
	dst = append(dst, '[')
	for i, t := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendJSON(append(dst, `{"type":`...), t.Type), `,"id":`...)
		dst = append(appendJSON(dst, t.ID), '}')
	}
	return append(dst, ']')
}

// appendJSON appends a JSON string. What is not UTF-8 is put right where the column is written.
func appendJSON(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
