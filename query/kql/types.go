package kql

import (
	"strings"
	"time"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// Type is a type of Kusto.
type Type = fn.Type

// Column is a column of a table or of a result.
type Column struct {
	Name   string
	Type   Type
	Source string // the name in SQL where it is another; several columns may have one
}

// Table is a table that a query may name.
type Table struct {
	Name string
	// SQL is its name in the SQL of a plan, where that is not Name: Kusto tells names apart by
	// case and DuckDB does not.
	SQL     string
	Columns []Column
	Time    string // the column that the time range of a hunt is about; "" if none
}

// Schema knows the tables. Names are case-sensitive.
type Schema interface {
	Table(name string) (*Table, bool)
}

// Tables is a schema made of a list.
type Tables []*Table

// Table implements Schema.
func (t Tables) Table(name string) (*Table, bool) {
	for _, x := range t {
		if x.Name == name {
			return x, true
		}
	}
	return nil, false
}

// Options of Compile.
type Options struct {
	// Now is what now() and ago() count from. It must be set.
	Now time.Time
	// From and To bound the time column of every table that the query does not
	// bound itself: From <= time < To. A zero time bounds nothing.
	From, To time.Time
	// Always applies From and To to every table, also where the query bounds it.
	Always bool
	// Params are the values of declare query_parameters, as KQL literals.
	Params map[string]string
	// Discover runs a plan of one column of text and gives its values. Plugins whose
	// columns depend on the data (pivot, bag_unpack) need it, or need their columns
	// said in the query; nil refuses them.
	Discover func(p *Plan) ([]string, error)
	// External gives the local copy of a list that externaldata names by address, as
	// a table whose columns are those of the list in order. nil refuses them all.
	External func(addresses []string, format string, columns int) (*Table, bool)
	// MaxNodes limits the number of operators and expressions after functions
	// are written out; 0 means 50,000.
	MaxNodes int
}

// Use says which columns of a table a plan reads, and which rows: those for which every
// Where is true, and that have every one of Holds. A reader that gives others too does
// nothing wrong.
type Use struct {
	Table   string
	SQL     string // the table's name in SQL, as Table.SQL says
	Columns []string
	Where   []Cond
	Holds   []Hold
}

// Plan is a compiled query.
type Plan struct {
	// SQL is one SELECT of DuckDB. Its columns are named by the compiler; the
	// names to show are those of Columns, in the same order.
	SQL     string
	Columns []Column
	Tables  []Use
	// Ordered says that the rows come in an order the query asked for.
	Ordered bool
	// Bounded says that From and To were applied to at least one table.
	Bounded bool
	// Missing says what a union with isfuzzy left out: the names of tables that are
	// not here, or why a leg could not be read, with its place.
	Missing []string
	// Chart is the kind of chart that render asked for; "" if none.
	Chart string
}

// column is one column while a query is compiled. Every column has a name in SQL
// of its own, because Kusto tells names apart by case and DuckDB does not.
type column struct {
	name   string // as the query spells it where the column was made
	sql    string // unique in the plan, without quotes
	typ    Type
	def    *Expr     // what it is computed from; nil for a column of a table
	deps   []*column // other columns it stands for (branches of a union, an alias)
	nonull bool      // never NULL
	used   bool
	source string // the name in its table, where it is read from one
}

// quote writes an identifier of SQL.
func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// QuoteString writes a string literal of SQL. DuckDB has no NUL in text, so it is
// left out; it cannot be in a column either.
func QuoteString(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
