package decode

import (
	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// Format knows one log type. Its functions are pure and safe for concurrent use;
// they read the record's header slots, numbered as in Fields.
type Format struct {
	Name string // "aws.cloudtrail"
	// Fields are the header fields that the functions below read.
	Fields []slot.Field
	// Hot is how many of Fields, from the first, Is, Key and Time read; 0 means all.
	// Where a record is thought to be of another format, no more are read.
	Hot int
	// Is says whether a record is of this format, by content. It is asked of every
	// record, so it looks at a few slots only.
	Is func(r *Record) bool
	// Key makes the record's 128-bit key by the format's recipe, written out in the
	// format's file and in docs/formats.md, and a hash of its time, actor, action,
	// target and outcome: the same key with another hash is two events and a
	// finding. ok is false for a record without its native id: the reader then keys
	// it by file and record number. It must not allocate.
	Key func(r *Record) (key yagura.Key, content uint64, ok bool)
	// Time returns the event time in nanoseconds since 1970; 0 when the record has none.
	Time func(r *Record) int64
	// Header fills all of e that the format knows: ID, Time, Account, Region,
	// Action, Actor, Targets, SrcIP, Outcome, Entities.
	Header func(r *Record, e *yagura.Event)
	// Alert is set where the records are a vendor's own findings, and reads one: what it
	// says beyond the header. ok is false for a record that is none.
	Alert func(r *Record) (a Alert, ok bool)
	// Says lists the fields in which an alert names what was found, in the order in which
	// Alert looks for its rule, and the title last.
	Says []int
	// Detail is what is read beside the header where [Options.Detail] asks for it.
	Detail []Detail
	// Also, where not nil, returns members (JSON without its braces) by which a record
	// is judged beside its own: what it says in the words of another log, or in those that
	// the log itself has and an export changed. The Doc holds them; [Record.Raw] does not.
	Also func(r *Record) []byte
}

// Record is one record as the reader hands it out, valid until the next one.
type Record struct {
	Format  *Format
	Doc     *slot.Doc
	Num     uint64 // number of the record in its file, from 1
	Offset  int64  // of the record's first byte in the decompressed file
	File    string
	Key     yagura.Key
	Content uint64
	// Keyed says that Key was made from the record by its format's recipe; where it is
	// false the record is keyed by file and number, and cannot be a repeat.
	Keyed bool
	raw   []byte    // as it was read, where the Doc holds more
	slots []slot.ID // slot of each of Format.Fields, or of the hot ones
	words *words    // of the reader, for the header; nil for none
	// detail has the slot of each of Format.Detail; nil where nobody asked.
	detail []slot.ID
}

// Text returns the text of the first value of header field i, nil when absent or null.
// It may be called by several functions of a Format; it does not allocate for a
// string without escapes.
func (r *Record) Text(i int) []byte {
	v := r.Doc.First(r.slots[i])
	if v < 0 || r.Doc.Kind(v) == slot.Null {
		return nil
	}
	return r.Doc.Text(v)
}

// Raw returns the record as it was read. That is not [slot.Doc.Record] where the format
// knows the record by another log's names too.
func (r *Record) Raw() []byte {
	if r.raw != nil {
		return r.raw
	}
	return r.Doc.Record()
}

// First returns the first value of header field i, negative when absent.
func (r *Record) First(i int) slot.Value { return r.Doc.First(r.slots[i]) }

// Options configure a Decoder.
type Options struct {
	// Formats are the formats to recognise, in order; nil means all of [Formats].
	Formats []*Format
	// Want is called once for a format, before its first record is read, so that others
	// can ask for fields of its records beyond the header. The slots are those of
	// Record.Doc. Two formats may be asked about at once, by Readers of two goroutines.
	Want func(format string, b *slot.Builder)
	// MaxRecord bounds one record in bytes (0: 32 MB). Its nesting is bounded by
	// [slot.MaxDepth].
	MaxRecord int
	// Detail has [Record.Head] fill in [yagura.Event.Detail]. Without it those fields are not
	// even looked for.
	Detail bool
}

// RecordError is a record that could not be decoded. The reader goes on after it.
type RecordError struct {
	File   string
	Offset int64
	Num    uint64
	Reason string
	Hint   string
	Bytes  []byte // the first bytes of the record, at most 4 KB
	// Records is how many broken records in a row the error stands for; 0 means one.
	Records uint64
}
