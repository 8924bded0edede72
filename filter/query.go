package filter

import "time"

// Kind says what the values of a field are.
type Kind uint8

// The kinds.
const (
	Text     Kind = iota // any text; * stands for any part of it; compared without case
	Word                 // one of the field's Words
	Number               // a whole number; may be compared
	Time                 // a date, a time, or how long ago; may be compared
	Severity             // critical … none, or 緊急 … 対応不要; may be compared
	Flag                 // yes or no
	Entity               // the id of an entity, or type=id
)

// Field is something a list can be asked by.
type Field struct {
	Name string
	// Aliases are other names that are read as Name.
	Aliases []string
	Kind    Kind
	Words   []Choice // of a field of words, and of sort keys
	// Doc says what it is, for completion, in English and in Japanese.
	Doc, DocJA string
	// Many says that a row has several values (labels, entities): a term holds when one of
	// them does, and a negated one when none does.
	Many bool
}

// Choice is a word that a field may have.
type Choice struct{ Name, Japanese string }

// List is what can be listed.
type List struct {
	Name   string // "issues", as in the path of the API
	Fields []Field
	// Sorts are the orders that the list can be read in; "-" before one turns it round. The
	// first is the usual one.
	Sorts []string
}

// Op compares.
type Op uint8

// The operators.
const (
	Is Op = iota
	Less
	AtMost
	More
	AtLeast
	Between // Value.Time to Value.End, or Value.Number to Value.To; both belong to it
)

// Span is a place in the text of a query, in bytes.
type Span struct{ Start, End int }

// Value is one value of a term.
type Value struct {
	Span
	Op Op
	// Text is what was written, unquoted; words are as the list writes them. Exact says that
	// it was quoted: a * in it is a star.
	Text  string
	Exact bool
	// Number is of numbers and severities, To the end of a range.
	Number, To int64
	// Ago is of a Time that is written as a length ("24h"): the time is that long before now,
	// and Less means less long ago. Time is of one that is written as a date or time, and End
	// is its end: of the day, hour or second that was written.
	Ago       time.Duration
	Time, End time.Time
	// Entity is the type of an entity, "" where only the id was written.
	Entity string
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
}
