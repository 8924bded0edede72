package view

import (
	"fmt"
	"strconv"
	"strings"
)

// expr is an SQL expression with places in it: {a.b} is the text at a path of the record, {$}
// the record as it was received,
// {{a.b}} the JSON there. Everything else is SQL over h.
type expr string

// paths collects the paths that a SELECT takes from the record, so that the record is
// parsed once for all texts and once for all JSON values.
type paths struct {
	text, json []string
	whole      bool // the record itself, which is not parsed
}

// whole is the path of the record itself.
const whole = "$"

// none says whether nothing of the record is wanted.
func (ps *paths) none() bool { return len(ps.text)+len(ps.json) == 0 && !ps.whole }

func place(list *[]string, p string) int {
	for i, have := range *list {
		if have == p {
			return i + 1
		}
	}
	*list = append(*list, p)
	return len(*list)
}

// raw says whether the expression needs the record.
func (e expr) raw() bool { return strings.Contains(string(e), "{") }

// walk calls text and json for each place in the expression and puts what they return
// there.
func (e expr) walk(text, json func(path string) string) string {
	var b strings.Builder
	s := string(e)
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		open, shut, put := "{", "}", text
		if strings.HasPrefix(s[i:], "{{") {
			open, shut, put = "{{", "}}", json
		}
		end := strings.Index(s[i:], shut)
		if end < 0 {
			panic(fmt.Sprintf("view: expression %q: a place is not closed", e))
		}
		b.WriteString(put(jsonPath(s[i+len(open) : i+end])))
		s = s[i+end+len(shut):]
	}
}

// sql writes the expression by itself, over h and r.raw.
func (e expr) sql() string {
	return e.walk(
		func(p string) string {
			if p == whole {
				return "r.raw"
			}
			return "json_extract_string(r.raw, " + quote(p) + ")"
		},
		func(p string) string { return "json_extract(r.raw, " + quote(p) + ")" })
}

// over writes the expression over the lists t and j of a SELECT that took all paths at
// once.
func (e expr) over(ps *paths) string {
	return e.walk(
		func(p string) string {
			if p == whole {
				ps.whole = true
				return "h.raw__"
			}
			return "h.t__[" + strconv.Itoa(place(&ps.text, p)) + "]"
		},
		func(p string) string { return "h.j__[" + strconv.Itoa(place(&ps.json, p)) + "]" })
}

// jsonPath writes a path of a specification as DuckDB reads it.
func jsonPath(p string) string {
	if strings.HasPrefix(p, "$") {
		return p
	}
	return "$." + p
}

// quote writes a text as an SQL literal.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// ident writes a name as an SQL identifier.
func ident(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// duckTypes are DuckDB's types for those of KQL.
var duckTypes = map[string]string{
	"bool": "BOOLEAN", "int": "INTEGER", "long": "BIGINT", "real": "DOUBLE", "decimal": "DECIMAL(38,18)",
	"string": "VARCHAR", "guid": "VARCHAR", "datetime": "TIMESTAMP", "timespan": "BIGINT", "dynamic": "JSON",
}

// empty is the value of a column where nothing has one.
func empty(typ string) string {
	if typ == "string" || typ == "guid" {
		return "''"
	}
	return "CAST(NULL AS " + duckTypes[typ] + ")"
}

// fromPaths is the expression of a column that stands at the first of some paths.
func fromPaths(typ string, ps []string) expr {
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = "{" + p + "}"
	}
	text := texts[0]
	if len(texts) > 1 {
		text = "coalesce(" + strings.Join(texts, ", ") + ")"
	}
	switch typ {
	case "dynamic":
		for i, p := range ps {
			texts[i] = "{{" + p + "}}"
		}
		return expr(unfold(texts))
	case "string":
		return expr("coalesce(" + strings.Join(texts, ", ") + ", '')")
	}
	return convert(typ, text)
}

// unfold takes the first JSON value that is there and not null; where it is text that holds
// an object or a list, that.
func unfold(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = "CASE json_type(" + v + ") WHEN 'NULL' THEN NULL WHEN 'VARCHAR' THEN " +
			"coalesce(TRY_CAST(nullif(" + v + "->>'$', '') AS JSON), " + v + ") ELSE " + v + " END"
	}
	if len(out) == 1 {
		return out[0]
	}
	return "coalesce(" + strings.Join(out, ", ") + ")"
}

// convert reads a text as a value of a type; what is not of the type is null.
func convert(typ, text string) expr {
	switch typ {
	case "string":
		return expr("coalesce(" + text + ", '')")
	case "guid":
		return expr("lower(coalesce(" + text + ", ''))")
	case "datetime":
		return expr(timestamp(text))
	case "dynamic":
		return expr("TRY_CAST(nullif(" + text + ", '') AS JSON)")
	}
	return expr("TRY_CAST(" + text + " AS " + duckTypes[typ] + ")")
}

// timestamp reads a time as logs write it: RFC 3339, as a portal writes it for people, and as
// seconds or milliseconds since 1970.
func timestamp(text string) string {
	return "coalesce(TRY_CAST(" + text + " AS TIMESTAMP), " +
		"try_strptime(" + text + ", ['%m/%d/%Y, %I:%M:%S.%f %p', '%m/%d/%Y, %I:%M:%S %p', '%m/%d/%Y %I:%M:%S %p']), " +
		"CASE WHEN TRY_CAST(" + text + " AS BIGINT) > 100000000000 THEN TRY(make_timestamp_ms(TRY_CAST(" + text + " AS BIGINT))) " +
		"ELSE TRY(make_timestamp(TRY_CAST(" + text + " AS BIGINT) * 1000000)) END)"
}
