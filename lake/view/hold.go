package view

import (
	"regexp"
	"slices"
	"strings"
)

// Hold says that of the rows of a table only those are wanted that have one of some texts,
// without regard to case, in the text of one of some columns.
type Hold struct {
	Any []Text
}

// Text is a text in a column.
type Text struct {
	Column, Text string
}

// These characters stand in a record as they do in the value, unless the record writes one
// with \u, for which it is searched as well. What JSON may escape in another way is not
// among them.
var plainRun = regexp.MustCompile(`[A-Za-z0-9_.@-]+`)

// run is the longest part of a text by which a record that has it can be told; "" where
// there is none. What may be a part of a number is none, because numbers are written anew
// when they are taken from a record.
func run(text string) string {
	longest := ""
	for _, s := range plainRun.FindAllString(text, -1) {
		if len(s) > len(longest) && len(s) >= 3 && strings.Trim(s, "0123456789.eE-") != "" {
			longest = s
		}
	}
	return longest
}

// fewRuns is up to how many texts are searched for one by one. The engine finds one by its first
// letters, in an eighth of the time that it takes to look at each byte for all of them.
const fewRuns = 6

// test is a condition on the record r.raw without which no hold is met; "" where there is
// no such condition. It is a search through bytes, so that only records that may be wanted
// are parsed.
func (s *source) test(t *Table, h Hold) string {
	var runs []string
	for _, x := range h.Any {
		i, ok := t.index[strings.ToLower(x.Column)]
		r := run(x.Text)
		if !ok || !s.copied[i] || r == "" {
			return ""
		}
		if r = regexp.QuoteMeta(strings.ToLower(r)); !slices.Contains(runs, r) {
			runs = append(runs, r)
		}
	}
	if len(runs) == 0 {
		return ""
	}
	pattern := strings.Join(runs, "|")
	patterns := []string{pattern}
	if len(runs) <= fewRuns {
		patterns = runs
	}
	var conds []string
	for _, p := range patterns {
		conds = append(conds, `regexp_matches(r."raw", `+quote("(?i)"+p)+`)`)
	}
	// Two letters that are not ASCII become one that is in lower case: the sign of Kelvin,
	// which (?i) takes for a k, and the dotted capital I, which it does not take for an i.
	conds = append(conds, `contains(r."raw", '\u')`)
	if strings.Contains(pattern, "i") {
		conds = append(conds, `contains(r."raw", 'İ')`)
	}
	return "(" + strings.Join(conds, " OR ") + ")"
}
