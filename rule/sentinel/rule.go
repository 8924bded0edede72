package sentinel

import (
	"time"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/usual"
)

// Language is the language of a rule's query.
type Language string

// The languages.
const (
	KQL Language = "kql"
	SQL Language = "sql"
)

// Rule is a query that runs on a schedule. The embedded rule has neither When nor
// Correlation: nothing of it is judged while records stream by.
type Rule struct {
	rule.Rule
	Language Language
	Query    string
	// Unusual is what a rule of kind Unusual says, nil for others; Query is made of it.
	Unusual *usual.Spec
	// Schedule is nil for a hunting query.
	Schedule *Schedule
	// Entities are taken from columns of the rows.
	Entities []Entity
	// Details are the custom details, by name.
	Details  []Detail
	Alert    Alert
	Grouping Grouping
	Incident Incident
	// Suppress is how long the rule says nothing more after it has found something; zero: never.
	Suppress time.Duration
	// Tables and Columns are what the checker found: the tables that the query reads, and the
	// columns of its rows. Both are nil when nobody checked.
	Tables  []string
	Columns []string
	query   place
	// byName says that Entities are read off the names of columns: the file maps none.
	byName bool
	// template says that ID is that of the template which the rule was made from.
	template bool
}

// Schedule says when a rule runs, over what, and when its rows count.
type Schedule struct {
	Every  time.Duration
	Period time.Duration // how far it looks back; never shorter than Every
	// Near says that the rule is of kind NRT: it runs every minute, over what has come.
	Near      bool
	Trigger   Operator
	Threshold int64
}

// Operator compares the number of rows with the threshold.
type Operator string

// The operators.
const (
	Greater  Operator = "gt"
	Less     Operator = "lt"
	Equal    Operator = "eq"
	NotEqual Operator = "ne"
)

// Holds reports whether a number of rows makes the rule fire.
func (s *Schedule) Holds(rows int64) bool {
	switch s.Trigger {
	case Less:
		return rows < s.Threshold
	case Equal:
		return rows == s.Threshold
	case NotEqual:
		return rows != s.Threshold
	}
	return rows > s.Threshold
}

// Entity is one entity mapping: what of the entity stands in which column.
type Entity struct {
	Type   string // as Sentinel spells it: Account, IP, Host …
	Fields []EntityField
}

// EntityField is an identifier of an entity and the column that holds it.
type EntityField struct{ Identifier, Column string }

// Detail is one custom detail.
type Detail struct{ Name, Column string }

// Alert is how a rule writes its findings from their rows.
type Alert struct {
	Name        string // {{Column}} is replaced
	Description string
	Severity    string // the column that holds the level
	Tactics     string // the column that holds the tactics
	Properties  []Detail
}

// Grouping says how rows become findings.
type Grouping string

// The groupings. ByCause is that of a file which names none.
const (
	ByCause Grouping = ""               // rows of one event, or of the same entities, are one finding
	Single  Grouping = "SingleAlert"    // all rows of a window are one finding
	PerRow  Grouping = "AlertPerResult" // each row is one
)

// Incident says which findings are of one issue.
type Incident struct {
	// Create is false where the file wants no incident: findings are counted, not notified.
	Create bool
	// Match is the matching method, "" where grouping is not switched on.
	Match    Match
	Entities []string // for Selected: entity types
	Details  []string // for Selected: custom details
}

// Match is how Sentinel groups alerts into incidents.
type Match string

// The matching methods.
const (
	AnyAlert    Match = "AnyAlert"
	AllEntities Match = "AllEntities"
	Selected    Match = "Selected"
)

// Checked is what a checker knows of a query.
type Checked struct {
	Tables  []string
	Columns []string
	Formats []string // the log types that the tables hold; nil where they hold any
}

// Fault is a fault at a place of a query, counted from 1.
type Fault struct {
	Line, Column int
	Reason, Hint string
}

// Checker compiles a query without running it. A query that cannot run gives a fault.
type Checker func(language Language, query string) (Checked, *Fault)

// Options say how rules are read.
type Options struct {
	// Check compiles queries; nil leaves them unchecked.
	Check Checker
}
