package filter

import (
	"net/netip"
	"time"
)

// Kind says what the values of a field are.
type Kind uint8

// The kinds.
const (
	Text     Kind = iota // any text; * stands for any part of it; compared by [Fold]
	Word                 // one of the field's Words
	Number               // a whole number; may be compared
	Time                 // a date, a time, or how long ago; may be compared
	Severity             // critical … none, or 緊急 … 対応不要; may be compared
	Flag                 // yes or no
	Entity               // the id of an entity, or type=id
	Address              // an IP address, a block of them (CIDR), or any text, as logs have names there too
	Length               // a length of time, compared: >5m
)

var kindNames = [...]string{"text", "word", "number", "time", "severity", "flag", "entity", "address", "length"}

// String returns the kind's name in the API: "text", "word" …
func (k Kind) String() string { return kindNames[k] }

// ordered reports whether values of a kind may be compared with < and >, and make ranges.
func (k Kind) ordered() bool { return k == Number || k == Time || k == Severity || k == Length }

// Field is something a list can be asked by.
type Field struct {
	Name string
	// Japanese is its name in Japanese: what heads a column, and is read as Name too.
	Japanese string
	// Aliases are other names that are read as Name.
	Aliases []string
	Kind    Kind
	Words   []Choice // of a field of words
	// Doc says what it is, for completion, in English and in Japanese.
	Doc, DocJA string
	// Many says that a row has several values (labels, entities): a term holds when one of
	// them does, and a negated one when none does.
	Many bool
	// Within says that a value need only be part of the text, as in titles.
	Within bool
	// Under, where not empty, says that a value holds for what lies below it too: with "." the
	// value T1078 holds for T1078.004, and aws for aws.cloudtrail.
	Under string
	// Me says that the values are users, of whom `me` is the one who asks: see [Query.As].
	Me bool
	// Ahead says that its times lie ahead: a length counts from now onwards, and `<7d` is
	// "in less than seven days".
	Ahead bool
}

// Choice is a word that a field may have.
type Choice struct{ Name, Japanese string }

// List is what can be listed.
type List struct {
	Name     string // "issues", as in the path of the API
	Japanese string
	Fields   []Field
	// Sorts are the orders that the list can be read in, each in the direction in which it is
	// of most use: with "-" before it, the greatest first. The first is the usual one. Either
	// direction of each may be asked: see [List.Sort].
	Sorts []string
	// Doc says what free text is looked for in.
	Doc, DocJA string
}

// Op compares.
type Op uint8

// The operators. Who answers a query need look at none but Is, Has and Lacks: all others say
// again what Number and To, or Time and End, say.
const (
	Is Op = iota
	Less
	AtMost
	More
	AtLeast
	Between // both ends belong to it
	Has     // *: there is any value
	Lacks   // none: there is no value
)

// Span is a place in the text of a query, in bytes.
type Span struct{ Start, End int }

// Value is one value of a term.
type Value struct {
	Span
	Op Op
	// Text is what was written, unquoted; words are as the list writes them.
	Text string
	// Parts is of a text with stars what stands between them, so at least two: `a*b` is "a" and
	// "b", `a*` is "a" and "". It is nil for any other value; a star in quotes is a star.
	Parts []string
	// Number and To are the least and the greatest number, severity or length (in nanoseconds)
	// that the value holds for, whatever its Op; math.MinInt64 and math.MaxInt64 are no bound.
	// Of a flag, Number is 1 for yes and 0 for no.
	Number, To int64
	// Time and End are, whatever the Op, what a value of a Time holds for, End excluded; zero
	// is no bound. They are there once [Query.At] said when it is, and not before.
	Time, End time.Time
	// Entity is the type of an entity, "" where only the id was written.
	Entity string
	// Block is the addresses that a value of an Address holds for, of one address it alone. It
	// is not valid where the value is another text.
	Block netip.Prefix
	// Me says that the value is whoever asks; [Query.As] puts a name in its place.
	Me bool

	from, until moment // of a Time, as written
}

// Term is one condition.
type Term struct {
	Span
	Not   bool
	Field *Field // nil: free text
	// Values are alternatives; of free text exactly one.
	Values []Value
}

// Query is a list's question. The zero value asks for everything.
type Query struct {
	List  *List
	Text  string
	Terms []Term
	// Now is what [Query.At] was given: before it, times have no bounds yet.
	Now time.Time
}
