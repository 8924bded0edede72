package view

import (
	"slices"
	"strings"
	"sync"
)

// Pair is one lake file: the paths of its two Parquet files, and the format of its rows.
type Pair struct {
	Format string // "aws.cloudtrail"; where it is "", the file has rows of any source of the table
	Head   string
	Raw    string
}

// Column is one column of a table.
type Column struct {
	Name string
	Type string // of KQL: bool, int, long, real, decimal, string, guid, datetime, timespan, dynamic
	SQL  string // over h.<head column> and r.raw; of the table's first source where there are several
	Raw  bool   // some source needs the record for it
}

// Table is a table that a query may name.
type Table struct {
	Name    string
	Title   string   // one line that says what its rows are
	Columns []Column // in the order in which they are shown
	Formats []string // that have rows for it; none: known and empty
	Where   string   // which records of the first source's format are rows, as SQL; "" is all
	Time    string   // the column that a time range is about; "" where the table has none
	Group   string   // "house", "sentinel", "asim" or "declared"
	// Aliases are names of columns that differ from theirs in capital letters alone, as
	// another product writes them. KQL tells them apart, SQL does not.
	Aliases []string

	sources []source
	index   map[string]int // lower-case name of a column to its place
}

// source is one way by which records become rows of a table.
type source struct {
	format string
	where  expr
	exprs  []expr // one for each column
	copied []bool // of each column, whether its text is a part of the record's
}

// Column returns a column by its name, without regard to case.
func (t *Table) Column(name string) (Column, bool) {
	i, ok := t.index[strings.ToLower(name)]
	if !ok {
		return Column{}, false
	}
	return t.Columns[i], true
}

// Lookup finds a table by its name. Sentinel compares table names with regard to case; so
// does this.
func Lookup(name string) (*Table, bool) {
	t, ok := tables().byName[name]
	return t, ok
}

// All returns all tables, by group and name.
func All() []*Table { return slices.Clone(tables().all) }

type catalogue struct {
	all    []*Table
	byName map[string]*Table
}

// tables reads the specifications once. What it returns is never changed.
var tables = sync.OnceValue(func() *catalogue {
	c := &catalogue{byName: map[string]*Table{}}
	for _, s := range specs() {
		t := s.table()
		if c.byName[t.Name] != nil {
			panic("view: two tables named " + t.Name)
		}
		c.byName[t.Name] = t
		c.all = append(c.all, t)
	}
	slices.SortStableFunc(c.all, func(a, b *Table) int {
		if d := slices.Index(groups, a.Group) - slices.Index(groups, b.Group); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return c
})

var groups = []string{"house", "sentinel", "asim", "declared"}
