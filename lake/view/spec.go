package view

import (
	"slices"
	"strings"
	"unicode"
)

// anyFormat is the format of a source that takes every file.
const anyFormat = "*"

// spec is a table as it is written down in this room.
//
// Columns are lines "Name type places". Places are, of the record, paths that are tried in
// turn ("properties.id id Id"); or, after "=", an SQL expression over h with {paths}; or "-"
// where nothing of ours has the value. Without places a column stands where the shapes of
// the table have it (see paths of shape). A line that starts with # is a comment.
type spec struct {
	name, title string
	group       string // "" is sentinel
	system      string // SourceSystem
	shape       shape
	columns     string
	aliases     string // other spellings of columns
	plain       bool   // no standard columns
	from        []feed
}

// feed is one source of a spec: what it says differently from the columns' own places.
type feed struct {
	format  string
	where   expr
	columns string
}

// shape says where a column without places stands.
type shape int

const (
	asNamed   shape = iota // under the column's own name
	diagnosed              // properties.name, name, Name: Event Hub, Microsoft Graph, table
	lowered                // name, Name
	exported               // Name, properties.Name: a row of a table, as exported or streamed
)

// standard are the columns that every table of Log Analytics has.
const standard = `
TenantId string TenantId
SourceSystem string
Type string
_ItemId string = replace(CAST(h."key" AS VARCHAR), '-', '')
_ResourceId string = ''
_SubscriptionId string = ''
_TimeReceived datetime = h."seen"
_BilledSize real = CAST(h."size" AS DOUBLE)
_IsBillable string = ''
`

// line is one column of a spec.
type line struct {
	name, typ string
	places    string
}

func lines(text string) []line {
	var out []line
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		name, rest, ok := strings.Cut(l, " ")
		if !ok {
			panic("view: column " + l + " has no type")
		}
		typ, places, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if duckTypes[typ] == "" {
			panic("view: column " + name + " has the type " + typ)
		}
		out = append(out, line{name, typ, strings.TrimSpace(places)})
	}
	return out
}

// table reads a spec. A spec is part of the program: what is wrong in it is a panic, and a
// test reads all of them.
func (s spec) table() *Table {
	t := &Table{Name: s.name, Title: s.title, Group: s.group, Aliases: strings.Fields(s.aliases), index: map[string]int{}}
	if t.Group == "" {
		t.Group = "sentinel"
	}
	all := lines(s.columns)
	if !s.plain {
		for _, l := range lines(standard) {
			if !slices.ContainsFunc(all, func(have line) bool { return strings.EqualFold(have.name, l.name) }) {
				switch l.name {
				case "SourceSystem":
					l.places = "= " + quote(s.system)
				case "Type":
					l.places = "= " + quote(s.name)
				}
				all = append(all, l)
			}
		}
	}
	for _, a := range t.Aliases {
		i := slices.IndexFunc(all, func(l line) bool { return strings.EqualFold(l.name, a) && l.name != a })
		if i < 0 {
			panic("view: table " + s.name + " has no column of another spelling than " + a)
		}
		if all[i].places == "" { // a field may be written so too
			all[i].places = strings.Join(append(s.shape.paths(all[i].name), s.shape.paths(a)...), " ")
		}
	}
	for i, l := range all {
		if _, ok := t.index[strings.ToLower(l.name)]; ok {
			panic("view: table " + s.name + " has two columns " + l.name)
		}
		t.index[strings.ToLower(l.name)] = i
		t.Columns = append(t.Columns, Column{Name: l.name, Type: l.typ})
		if t.Time == "" && l.typ == "datetime" && (l.name == "TimeGenerated" || l.name == "time") {
			t.Time = l.name
		}
	}
	for _, f := range s.from {
		t.sources = append(t.sources, f.source(s, all, t))
		if f.format != anyFormat && !slices.Contains(t.Formats, f.format) {
			t.Formats = append(t.Formats, f.format)
		}
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		c.SQL = empty(c.Type)
		for j := range t.sources {
			if e := t.sources[j].exprs[i]; e.raw() {
				c.Raw = true
			}
			if j == 0 {
				c.SQL = t.sources[j].exprs[i].sql()
			}
		}
	}
	if len(t.sources) > 0 {
		t.Where = t.sources[0].where.sql()
	}
	return t
}

func (f feed) source(s spec, all []line, t *Table) source {
	own := map[string]line{}
	for _, l := range lines(f.columns) {
		i, ok := t.index[strings.ToLower(l.name)]
		if !ok || all[i].typ != l.typ {
			panic("view: table " + s.name + ", source " + f.format + ": no column " + l.name + " " + l.typ)
		}
		own[l.name] = l
	}
	out := source{format: f.format, where: f.where}
	for _, l := range all {
		if o, ok := own[l.name]; ok {
			l = o
		}
		out.exprs = append(out.exprs, l.expr(s.shape))
		out.copied = append(out.copied, l.copied())
	}
	return out
}

// copied says whether the text of the column is a part of the record's text.
func (l line) copied() bool {
	if l.typ != "string" && l.typ != "dynamic" {
		return false
	}
	return l.places == "= {$}" || l.places != "-" && !strings.HasPrefix(l.places, "=")
}

// expr is the expression that the places of a column come to.
func (l line) expr(s shape) expr {
	switch {
	case l.places == "-":
		return expr(empty(l.typ))
	case strings.HasPrefix(l.places, "="):
		return expr(strings.TrimSpace(l.places[1:]))
	case l.places == "":
		return fromPaths(l.typ, s.paths(l.name))
	}
	return fromPaths(l.typ, strings.Fields(l.places))
}

// paths lists where a column without places stands.
func (s shape) paths(column string) []string {
	low := lower(column)
	switch s {
	case diagnosed:
		return []string{"properties." + low, low, column}
	case lowered:
		return []string{low, column}
	case exported:
		return []string{column, "properties." + column}
	}
	return []string{column}
}

// lower writes a column's name as a field's: AppDisplayName as appDisplayName, IPAddress as
// ipAddress.
func lower(name string) string {
	r := []rune(name)
	for i := range r {
		if !unicode.IsUpper(r[i]) || i > 0 && i+1 < len(r) && unicode.IsLower(r[i+1]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	return string(r)
}

// override puts the columns of a schema behind those that all schemas share; a column that
// both have is the schema's.
func override(shared, own string) string {
	mine := map[string]bool{}
	for _, l := range lines(own) {
		mine[l.name] = true
	}
	var b strings.Builder
	for _, l := range lines(shared) {
		if !mine[l.name] {
			b.WriteString(l.name + " " + l.typ + " " + l.places + "\n")
		}
	}
	return b.String() + own
}
