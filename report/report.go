package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// Item is a finding and the place of its event, a window's last event.
type Item struct {
	Finding *yagura.Finding
	File    string
	Offset  int64 // of the record's first byte in the decompressed file; negative when unknown
}

// Writer writes findings in one format.
type Writer interface {
	// Write takes one finding. It does not keep it.
	Write(Item) error
	// Flush sends what can already be said, so that a reader at the other end sees it.
	Flush() error
	// Close writes what stands at the end. It does not close what it writes to.
	Close() error
}

// Options configure a [Writer].
type Options struct {
	Version string // of the product, for OCSF and SARIF
	// Japanese prints headings, severities and, where Title gives them, titles in Japanese.
	Japanese bool
	// Title returns what to print as the title of a rule; nil prints its own.
	Title func(yagura.RuleRef) string
	// Rule returns more about a rule for SARIF; nil leaves it out.
	Rule func(yagura.RuleRef) RuleText
	// Account returns the name of an account, "" where none is known; nil names none.
	Account func(id string) string
	Explain bool // table: say why under every cause
	Color   bool // table
	Width   int  // table: columns of the terminal, 0 for no limit
	// MaxCauses bounds the rows of a table (0: 10,000).
	MaxCauses int
	// Location is where times are shown; nil is UTC.
	Location *time.Location
}

// RuleText is what a rule says of itself.
type RuleText struct {
	Description string
	HelpURI     string
}

// Formats lists the formats of findings.
func Formats() []string { return []string{"table", "jsonl", "ocsf", "sarif"} }

// New returns the writer of a format.
func New(format string, w io.Writer, o Options) (Writer, error) {
	switch format {
	case "", "table":
		return newTable(w, o), nil
	case "jsonl":
		return newJSONLines(w), nil
	case "ocsf":
		return newOCSF(w, o), nil
	case "sarif":
		return newSARIF(w, o), nil
	}
	return nil, fmt.Errorf("format %q: want one of %s", format, strings.Join(Formats(), ", "))
}
