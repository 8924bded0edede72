package query

import (
	"net/netip"
	"regexp"

	"github.com/yagura-sec/yagura/slot"
)

// Expr is one node of a condition: [*And], [*Or], [*Not], [*Pred], [*Each] or [Const].
type Expr interface{ expr() }

// Span is a place in a rule's file. Line and Column count from 1; 0 is unknown.
type Span struct{ Line, Column int }

// And holds when all of X hold; an empty And holds.
type And struct{ X []Expr }

// Or holds when one of X holds; an empty Or does not.
type Or struct{ X []Expr }

// Not holds when X does not.
type Not struct{ X Expr }

// Const always holds, or never.
type Const bool

// Each judges the members of arrays as records of their own (Sigma SEP #212:
// `field[any]`, `[all]`, `[all_or_empty]`, `[none]`). Paths inside Where start at
// the member; a Path with no Segs means the member itself. A value that is not an
// array counts as an array of one, null as no array.
type Each struct {
	Field Field
	Quant Quant
	Where Expr
	Span  Span
}

// Quant says how many members of an [Each] must hold.
type Quant uint8

// The quantifiers. EachAll is false for an absent or empty array, EachAllOrEmpty
// true. EachNone is true when no member holds, also for an absent array.
const (
	EachAny Quant = iota
	EachAll
	EachAllOrEmpty
	EachNone
)

// Pred asks one question of one field.
//
// A field holds a list of values (none when absent). For most operators the
// predicate holds when one value satisfies one of Args; [Exists] and [IsNull] ask
// about the list itself. With no values it does not hold, [IsNull] excepted.
type Pred struct {
	Field Field
	Op    Op
	Args  []Arg
	// Fold compares text without regard to case, as Unicode simple folding does.
	Fold bool
	// Ref compares with the values of another field in place of Args (Eq, Prefix,
	// Suffix, Contains and the comparisons): it holds when one value of Field and one of
	// Ref satisfy the operator. Null and absent values satisfy none.
	Ref *Field
	// Test is the question of [Func], ListTest of [ListFunc]. They must be pure and
	// safe for concurrent use, and must not keep or change the text.
	Test     func(text []byte) bool
	ListTest func(list Texts) bool
	// OpName is the operator as the rule writes it, for explanations ("glob").
	OpName string
	// Clause is the name of the part of the rule that this came from ("selection").
	Clause string
	Span   Span
}

// Op is the question of a [Pred].
type Op uint8

// The operators on text compare the text of a value under the field's [Conv].
const (
	Eq       Op = iota // text equal; under ConvAny a JSON number also by value, however written (403, 403.0, 4.03e2)
	Prefix             // text starts with
	Suffix             // text ends with
	Contains           // text contains
	Glob               // text matches Arg.Pattern whole
	Regex              // Arg.Regexp finds a match in text (anchor the pattern for a full match)
	CIDR               // text is an address inside Arg.Net; IPv4 may be written as ::ffff:192.0.2.1
	Lt                 // numeric: the value is a number, or text that reads as one
	Lte
	Gt
	Gte
	StrLt // text compares bytewise (Falco's < on strings)
	StrLte
	StrGt
	StrGte
	Exists   // the field is present (null is present); Args[0].Bool says whether it must be
	IsNull   // the field is absent or one of its values is null
	TimePart // Arg.Unit of the value read as a time equals Arg.Num (Cmp says another comparison)
	Func     // Test holds for the text of one value
	ListFunc // ListTest holds for the texts of all values; asked even when there are none
	// Keyword looks for Arg.Pattern (or Text, contained) in every scalar and every object
	// key of the record (Sigma applies keywords to the full log message); Field is not
	// used. A Pattern must match the whole scalar or key, so one that is to be found
	// inside has both ends open.
	Keyword
)

// Arg is one value that a rule names.
type Arg struct {
	Text  string // as the rule means it, escapes resolved
	Shown string // as the rule writes it; "" when the same as Text
	// Number says that Text was written as a number, not as a text: Eq then compares
	// by value with text that reads as a number too (403 and the event's "403.0").
	Number  bool
	Pattern *Pattern
	Regexp  *regexp.Regexp
	Net     netip.Prefix
	Num     float64
	Bool    bool
	Unit    TimeUnit
	Cmp     Op // TimePart: Eq, Lt, Lte, Gt or Gte
}

// TimeUnit is the part of a time that [TimePart] reads, always in UTC.
type TimeUnit uint8

// The parts of a time. Week is the ISO week, Day the day of the month.
const (
	Minute TimeUnit = iota
	Hour
	Day
	Week
	Month
	Year
)

// Pattern is a text with wildcards: the pieces between the stars, in order.
// `?` inside a piece stands for any one character and is kept apart in Any.
type Pattern struct {
	Pieces []Piece
	// OpenStart and OpenEnd say that a star stands before the first and after the last piece.
	OpenStart, OpenEnd bool
}

// Piece is text between two stars; where Any[i] is true, rune i is a wildcard `?`.
type Piece struct {
	Runes []rune
	Any   []bool
}

// Conv says how a JSON value becomes the text that operators compare.
type Conv uint8

const (
	// ConvAny (Sigma): strings as themselves, numbers, booleans and null as written,
	// objects and arrays as compact JSON with only the escapes that JSON needs; Contains,
	// Prefix, Suffix, Glob and Regex also try the compact JSON with inner escaped quotes
	// resolved (a policy document held in a string). A null value is present but equals no
	// text, contains none and matches no wildcard.
	ConvAny Conv = iota
	// ConvString (Falco ct.* and kin): strings as themselves, cut at the first NUL
	// character (Falco's strings are C strings); any other present value as "".
	ConvString
	// ConvRaw (Falco json.value): strings as themselves, cut at the first NUL
	// character, all else as compact JSON.
	ConvRaw
)

// Field is what a predicate reads.
type Field struct {
	// Name is the field as the rule writes it, for people.
	Name string
	// Paths is where the field stands, aliases included. See [slot.Field].
	Paths []slot.Path
	Conv  Conv
	// Derive computes the field from others in place of Paths.
	Derive *Derived
}

// Derived is a field that is computed, such as Falco's ct.user or tolower(ct.name).
// Two Derived with the same Name are the same field and are computed once a record.
type Derived struct {
	Name string
	Deps []Field
	// Fn appends the values to out. It must be pure and safe for concurrent use.
	// Returning without a value means that the field is absent.
	Fn func(in Input, out *Values)
}

// Meta is what is known of a record apart from its bytes.
type Meta struct {
	// Num is the number of the record in its file, from 1; for a rule that says which
	// records count, among those.
	Num  uint64
	Time int64 // event time in nanoseconds since 1970, 0 when unknown
	// First is the event time of the first record of the file, among those that count; 0
	// when unknown. It is there only for rules that say which records count.
	First  int64
	Format string
	File   string
}

func (*And) expr()  {}
func (*Or) expr()   {}
func (*Not) expr()  {}
func (*Pred) expr() {}
func (*Each) expr() {}
func (Const) expr() {}
