package hunt

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
)

var unknownColumn = regexp.MustCompile(`^Referenced column "(.+)" (?:not found|was not found)`)

// suggest says which columns there are where a question in SQL names one that is
// not: the engine has seen only those that the question names.
func (h *Hunter) suggest(ctx context.Context, p *Plan, err error) error {
	var e *Error
	if p.Language != SQL || !errors.As(err, &e) {
		return err
	}
	m := unknownColumn.FindStringSubmatch(e.Message)
	if m == nil {
		return err
	}
	set, tablesErr := h.tables(ctx, p.Query.Now)
	if tablesErr != nil {
		return err
	}
	var names []string
	for _, name := range p.Stats.Tables {
		if x, ok := set.named(name); ok {
			for _, c := range x.Columns {
				names = append(names, c.Name)
			}
		} else if t, ok := ofLake(name); ok {
			for _, c := range t.Columns {
				names = append(names, c.Name)
			}
		}
	}
	better := *e
	better.Message = "there is no column " + m[1]
	better.Hint = "yagura hunt tables TABLE lists the columns"
	if near := nearest(m[1], names); near != "" {
		better.Hint = "did you mean " + near + "?"
	}
	return &better
}

// nearest is the name that takes the fewest changes to become another, "" where
// none is near.
func nearest(name string, names []string) string {
	best, found := max(2, len(name)/3)+1, ""
	for _, n := range slices.Sorted(slices.Values(names)) {
		if len(n) > 100 || len(name) > 100 {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < best {
			best, found = d, n
		}
	}
	return found
}

// distance counts the characters to put in, take out or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
