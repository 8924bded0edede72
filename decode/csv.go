package decode

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/slot"
)

// Tables as CSV: what Log Analytics, Purview and the portals export. The first row names
// the columns; each row behind it is an object by those names. Cells that hold a JSON object or
// list become one, so that a row is what the table's own JSON would be.

// csvLines reads the rows of one table.
type csvLines struct {
	sep    byte
	header []string // the names as they are written, nil before they were read
	tree   []column // the members of a row
	table  portalTable
	in     bool // a cell in quotation marks goes on in the next line
	cells  [][]byte
}

// startCSV takes the first line of a text where it can be nothing but the header of a table: it
// has a column that a known table has, or the row below has as many cells.
func startCSV(l firstLine) lineReader {
	if !l.top || l.line[0] == '#' || bytes.IndexByte(l.line, '{') >= 0 {
		return nil
	}
	sep := separatorOf(l.line)
	if sep == 0 {
		return nil
	}
	names := headerNames(l.line, sep)
	if names == nil {
		return nil
	}
	if !slices.ContainsFunc(names, func(n string) bool { return knownColumns[n] }) {
		row, _, _ := bytes.Cut(l.next(), []byte{'\n'})
		cells, open := countCells(trimCR(row), sep)
		if len(names) < 3 || cells == 0 || cells > len(names) || cells < len(names) && !open {
			return nil
		}
	}
	return &csvLines{sep: sep}
}

// separatorOf returns what stands between the cells of a header, 0 when it is no table.
func separatorOf(line []byte) byte {
	best, most := byte(0), 0
	for _, sep := range []byte{',', ';', '\t'} {
		if n := bytes.Count(line, []byte{sep}); n > most {
			best, most = sep, n
		}
	}
	return best
}

var columnName = regexp.MustCompile(`^[\pL_@$][\pL\pN_ .:()\[\]/@$%#'&?-]{0,127}$`)

// headerNames returns the names of the columns, nil when the line is no header: names are
// words, and no two are the same.
func headerNames(line []byte, sep byte) []string {
	var names []string
	seen := map[string]bool{}
	for rest, more := line, true; more; {
		var cell []byte
		var ok bool
		cell, rest, more, ok = cutCell(rest, sep)
		if !ok || len(names) == maxColumns {
			return nil
		}
		name := strings.TrimSpace(string(bytes.TrimPrefix(cell, utf8BOM)))
		if name == "" && !more && len(names) > 1 {
			break // the comma behind the last column
		}
		if !columnName.MatchString(name) || seen[name] {
			return nil
		}
		seen[name] = true
		names = append(names, name)
	}
	if len(names) < 2 {
		return nil
	}
	return names
}

// countCells counts the cells of a row, up to one in quotation marks that is open at its end and
// goes on in the next line.
func countCells(row []byte, sep byte) (n int, open bool) {
	if len(row) == 0 {
		return 0, false
	}
	for more := true; more; n++ {
		if open = len(row) > 0 && row[0] == '"' && bytes.Count(row, []byte{'"'})%2 == 1; open && bytes.IndexByte(row[1:], '"') < 0 {
			return n + 1, true
		}
		var good bool
		if _, row, more, good = cutCell(row, sep); !good {
			return 0, false
		}
	}
	return n, false
}

// cutCell cuts the first cell off a row, unquoted. ok is false where a quotation mark is not closed,
// or text follows it.
func cutCell(row []byte, sep byte) (cell, rest []byte, more, ok bool) {
	if len(row) == 0 || row[0] != '"' {
		cell, rest, more = bytes.Cut(row, []byte{sep})
		return cell, rest, more, true
	}
	for i := 1; ; {
		n := bytes.IndexByte(row[i:], '"')
		if n < 0 {
			return nil, nil, false, false
		}
		if i+n+1 < len(row) && row[i+n+1] == '"' {
			cell = append(cell, row[i:i+n+1]...)
			i += n + 2
			continue
		}
		if cell == nil {
			cell = row[i : i+n]
		} else {
			cell = append(cell, row[i:i+n]...)
		}
		rest = row[i+n+1:]
		switch {
		case len(rest) == 0:
			return cell, nil, false, true
		case rest[0] == sep:
			return cell, rest[1:], true, true
		}
		return nil, nil, false, false
	}
}

func (c *csvLines) open(line []byte) bool {
	if line == nil {
		c.in = false
		return false
	}
	if bytes.Count(line, []byte{'"'})%2 == 1 {
		c.in = !c.in
	}
	return c.in
}

func (c *csvLines) owns(byte) bool { return c.header != nil }

func (c *csvLines) read(dst, record []byte) ([]byte, error) {
	if c.header == nil {
		if c.header = headerNames(record, c.sep); c.header == nil {
			return dst, errors.New("the first row does not name the columns")
		}
		var names []string
		names, c.table = columnsOf(c.header)
		c.tree = treeOf(names)
		c.cells = make([][]byte, len(c.header))
		return dst, nil
	}
	at := 0
	for rest, more := record, true; more; at++ {
		var cell []byte
		var ok bool
		if cell, rest, more, ok = cutCell(rest, c.sep); !ok {
			return dst, fmt.Errorf("cell %d of a row is not quoted as it should be", at+1)
		}
		switch {
		case at < len(c.cells):
			c.cells[at] = cell
		case len(bytes.TrimSpace(cell)) > 0:
			return dst, fmt.Errorf("a row has more cells than the %d columns", len(c.cells))
		}
	}
	if at < len(c.cells) {
		return dst, fmt.Errorf("a row has %d cells, and the table %d columns", at, len(c.cells))
	}
	if !c.table.only {
		dst = c.appendColumns(dst, c.tree)
	}
	for i := 0; i < len(c.table.fixed); i += 2 {
		dst = appendMember(dst, c.table.fixed[i], []byte(c.table.fixed[i+1]))
	}
	if c.table.more != nil {
		dst = c.table.more(dst, c.get)
	}
	return closeObject(dst), nil
}

func (c *csvLines) appendColumns(dst []byte, columns []column) []byte {
	for _, m := range columns {
		if m.inner == nil {
			dst = appendCell(dst, m.name, c.cells[m.cell])
		} else if inner := c.appendColumns(nil, m.inner); len(inner) > 0 {
			dst = append(appendName(dst, m.name), closeObject(inner)...)
		}
	}
	return dst
}

// get returns the cell of a column of the row that is read.
func (c *csvLines) get(name string) []byte {
	if i := slices.Index(c.header, name); i >= 0 {
		return c.cells[i]
	}
	return nil
}

// appendCell appends a cell under its column's name, as it is written, or as the structure that
// it holds. What may be taken for a list of records stays text.
func appendCell(dst []byte, name string, cell []byte) []byte {
	if len(cell) == 0 {
		return dst
	}
	if c := cell[0]; c == '{' || c == '[' {
		if _, list := listKeys[name]; !(list && c == '[') && slot.Valid(cell) {
			return append(appendName(dst, name), bytes.TrimSpace(cell)...)
		}
	}
	return appendQuoted(appendName(dst, name), cell)
}
