package duck

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Use is a table that a statement reads, and what of it.
type Use struct {
	Table   string   // as the statement spells it
	Columns []string // every name in the statement that may be one of its columns, sorted
	Star    bool     // all columns
}

// Outline is what a statement reads.
type Outline struct {
	Tables []Use
}

// tableFunctions may stand in FROM. They make rows out of their arguments.
var tableFunctions = []string{"unnest", "range", "generate_series", "json_each", "json_tree", "regexp_split_to_table", "repeat_row"}

// deniedFunctions read files, the catalogue, settings or variables, run a text
// as SQL, wait, write logs, or make what a log of another query said.
var deniedFunctions = []string{
	"getenv", "current_setting", "getvariable", "query", "query_table", "sleep_ms", "pg_sleep", "write_log",
	"nextval", "currval", "setseed", "json_serialize_plan", "json_serialize_sql", "json_deserialize_sql",
	"json_execute_serialized_sql", "which_secret", "glob", "current_query", "current_query_id",
	"current_connection_id", "current_transaction_id", "txid_current", "current_database", "current_catalog", "current_schemas",
	"current_schema", "in_search_path", "parse_duckdb_log_message", "get_block_size", "pg_get_viewdef", "pg_get_constraintdef",
	"pg_conf_load_time", "pg_postmaster_start_time", "variant_bytes_to_variant", "create_sort_key", "vector_type", "stats",
	"is_histogram_other_bin", "constant_or_null", "enum_range", "variant_to_parquet_variant", "finalize", "combine", "cast_to_type", "make_type", "replace_type",
	// Their memory is as large as one number says, or they trust their arguments.
	"reservoir_quantile", "equi_width_bins", "bitstring", "bitstring_agg", "sum_no_overflow", "remap_struct", "map_to_pg_oid", "enum_code", "steps_between",
	// What folds a list may double its value at every element, and is not interrupted meanwhile.
	"list_reduce", "array_reduce", "reduce",
}

// deniedPrefixes are families of functions of the same sort.
var deniedPrefixes = []string{"read_", "pragma_", "duckdb_", "parquet_", "sniff_", "has_", "pg_", "inet_", "scan_", "arrow_", "sql_", "__"}

// allowedAnyway have a denied prefix and are harmless.
var allowedAnyway = []string{"has_any", "pg_typeof", "pg_size_pretty"}

func denied(function string) bool {
	f := strings.ToLower(function)
	if slices.Contains(allowedAnyway, f) {
		return false
	}
	return slices.Contains(deniedFunctions, f) || slices.ContainsFunc(deniedPrefixes, func(p string) bool { return strings.HasPrefix(f, p) })
}

// schemas are the catalogues and schemas of the engine.
var schemas = []string{"system", "temp", "memory", "pg_catalog", "information_schema"}

// The kinds of nodes that the walk knows. Everything else is refused, so that a
// new version of the engine cannot slip something past it.
var (
	refTypes     = []string{"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST", "PIVOT"}
	nodeTypes    = []string{"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
	exprClasses  = []string{"CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "DEFAULT", "FUNCTION", "OPERATOR", "STAR", "SUBQUERY", "WINDOW", "PARAMETER", "COLLATE", "LAMBDA", "POSITIONAL_REFERENCE", "BETWEEN", "LAMBDA_REF", "TYPE"}
	joinsOfNames = []string{"NATURAL"}
)

// walker goes through the tree that json_serialize_sql makes.
type walker struct {
	text    string
	table   func(name string) bool // nil: every name that no common table expression has is a table
	scopes  []map[string]bool
	uses    map[string]*Use
	aliases map[string]bool
	names   map[string]bool
	// qualifiers are the names before a dot: a table, or a column with a field behind the dot.
	// A table's name alone is its whole row, and there it is all columns.
	qualifiers map[string]bool
	stars      map[string]bool // qualified stars, lower case
	star       bool
	err        *Error
	depth      int
	lambdas    int // lambdas that the walk is in
}

// serialized is the answer of json_serialize_sql.
type serialized struct {
	Error        bool            `json:"error"`
	ErrorType    string          `json:"error_type"`
	ErrorMessage string          `json:"error_message"`
	Position     json.RawMessage `json:"position"`
	Statements   []struct {
		Node   any   `json:"node"`
		Params []any `json:"named_param_map"`
	} `json:"statements"`
}

// outline reads a serialized statement and returns what it reads, or why it is
// refused. Offsets in errors are in text. With a nil table every table name is
// taken: what it says is then only for choosing views.
func outline(tree []byte, text string, table func(string) bool) (*Outline, error) {
	var s serialized
	if err := json.Unmarshal(tree, &s); err != nil {
		return nil, fmt.Errorf("the parser's tree: %w", err)
	}
	if s.Error {
		return nil, parseError(s, text)
	}
	if len(s.Statements) != 1 {
		return nil, &Error{Kind: KindRefused, Message: fmt.Sprintf("%d statements", len(s.Statements)), Hint: "a hunt is one SELECT"}
	}
	w := &walker{text: text, table: table, uses: map[string]*Use{}, aliases: map[string]bool{}, names: map[string]bool{}, qualifiers: map[string]bool{}, stars: map[string]bool{}}
	w.query(s.Statements[0].Node)
	if w.err != nil {
		return nil, w.err
	}
	o := &Outline{}
	if len(s.Statements[0].Params) > 0 && table != nil {
		return nil, &Error{Kind: KindRefused, Message: "a parameter without a name", Hint: "write $name"}
	}
	for name := range w.aliases {
		w.star = w.star || w.names[name]
	}
	maps.Copy(w.names, w.qualifiers)
	names := make([]string, 0, len(w.names))
	for n := range w.names {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, u := range w.uses {
		u.Columns, u.Star = names, w.star
		o.Tables = append(o.Tables, *u)
	}
	slices.SortFunc(o.Tables, func(a, b Use) int { return strings.Compare(a.Table, b.Table) })
	return o, nil
}

func parseError(s serialized, text string) error {
	if strings.HasPrefix(s.ErrorMessage, "Only SELECT statements") {
		return &Error{Line: 1, Col: 1, Kind: KindRefused, Message: "this is not a SELECT", Hint: "a hunt reads; it is one SELECT, FROM … or WITH … SELECT"}
	}
	e := &Error{Kind: KindSyntax, Message: s.ErrorMessage}
	var at int
	if json.Unmarshal([]byte(strings.Trim(string(s.Position), `"`)), &at) == nil && len(s.Position) > 0 {
		e.Line, e.Col = place(text, at)
		e.offset = at + 1
	}
	return e
}

// refuse keeps the first reason.
func (w *walker) refuse(node map[string]any, message, hint string) {
	if w.err != nil {
		return
	}
	w.err = &Error{Kind: KindRefused, Message: message, Hint: hint}
	if at, ok := node["query_location"].(float64); ok && at < float64(len(w.text)) {
		w.err.Line, w.err.Col = place(w.text, int(at))
		w.err.offset = int(at) + 1
	}
}

// query walks a query node with its common table expressions, each of which sees
// those before it, and itself only where it is recursive: another name in FROM
// would be looked up elsewhere.
func (w *walker) query(v any) {
	node, ok := v.(map[string]any)
	if !ok || w.err != nil {
		return
	}
	kind, _ := node["type"].(string)
	if !slices.Contains(nodeTypes, kind) {
		w.refuse(node, "a query of the kind "+kind, "a hunt is one SELECT")
		return
	}
	scope := map[string]bool{}
	w.scopes = append(w.scopes, scope)
	defer func() { w.scopes = w.scopes[:len(w.scopes)-1] }()
	if m, ok := node["cte_map"].(map[string]any); ok {
		entries, _ := m["map"].([]any)
		for _, e := range entries {
			entry, _ := e.(map[string]any)
			name, _ := entry["key"].(string)
			value, _ := entry["value"].(map[string]any)
			body, _ := value["query"].(map[string]any)
			inner, _ := body["node"].(map[string]any)
			if inner == nil {
				w.refuse(node, "a common table expression that is not a SELECT", "")
				return
			}
			recursive := inner["type"] == "RECURSIVE_CTE_NODE"
			if recursive {
				w.scopes = append(w.scopes, map[string]bool{strings.ToLower(name): true})
			}
			w.any(value, "query")
			w.query(inner)
			if recursive {
				w.scopes = w.scopes[:len(w.scopes)-1]
			}
			scope[strings.ToLower(name)] = true
		}
	}
	if kind == "CTE_NODE" {
		w.refuse(node, "a materialised query node", "")
		return
	}
	for key, child := range node {
		switch key {
		case "cte_map", "type":
		case "left", "right", "children":
			w.sides(child)
		default:
			w.value(child)
		}
	}
}

// sides walks the queries of a set operation or of a recursive expression.
func (w *walker) sides(v any) {
	if list, ok := v.([]any); ok {
		for _, c := range list {
			w.sides(c)
		}
		return
	}
	if m, ok := v.(map[string]any); ok {
		if inner, ok := m["node"].(map[string]any); ok {
			m = inner
		}
		w.query(m)
	}
}

// value walks what stands below a node: expressions, table references, queries.
func (w *walker) value(v any) {
	if w.err != nil {
		return
	}
	if w.depth++; w.depth > 4*maxDepth {
		w.err = &Error{Kind: KindRefused, Message: "the statement nests too deep"}
	}
	defer func() { w.depth-- }()
	switch v := v.(type) {
	case []any:
		for _, c := range v {
			w.value(c)
		}
	case map[string]any:
		w.node(v)
	}
}

func (w *walker) node(m map[string]any) {
	kind, _ := m["type"].(string)
	if class, ok := m["class"].(string); ok {
		w.expression(m, class)
		return
	}
	if _, ok := m["cte_map"]; ok {
		w.query(m)
		return
	}
	if inner, ok := m["node"].(map[string]any); ok {
		w.any(m, "node")
		w.query(inner)
		return
	}
	_, isRef := m["sample"]
	if _, hasAlias := m["alias"]; isRef && hasAlias {
		w.reference(m, kind)
		return
	}
	w.any(m)
}

// any walks all values of a node but the named ones.
func (w *walker) any(m map[string]any, except ...string) {
	for key, child := range m {
		if !slices.Contains(except, key) {
			w.value(child)
		}
	}
}

// reference walks a table reference.
func (w *walker) reference(m map[string]any, kind string) {
	if alias, _ := m["alias"].(string); alias != "" {
		w.aliases[strings.ToLower(alias)] = true
	}
	if !slices.Contains(refTypes, kind) {
		what := "a table of the kind " + kind
		if kind == "SHOW_REF" {
			what = "DESCRIBE, SHOW and SUMMARIZE"
		}
		w.refuse(m, what+" is not for hunts", "yagura hunt tables lists the tables and their columns")
		return
	}
	switch kind {
	case "BASE_TABLE":
		w.base(m)
	case "TABLE_FUNCTION":
		f, _ := m["function"].(map[string]any)
		name, _ := f["function_name"].(string)
		if f == nil || f["class"] != "FUNCTION" || !slices.Contains(tableFunctions, strings.ToLower(name)) {
			w.refuse(m, fmt.Sprintf("the table function %s is not for hunts", name), "allowed are "+strings.Join(tableFunctions, ", "))
			return
		}
	case "PIVOT":
		w.star = true
	case "JOIN":
		if t, _ := m["ref_type"].(string); slices.Contains(joinsOfNames, t) {
			w.star = true
		}
		if using, ok := m["using_columns"].([]any); ok {
			for _, u := range using {
				if s, ok := u.(string); ok {
					w.names[strings.ToLower(s)] = true
				}
			}
		}
	}
	if renamed, ok := m["column_name_alias"].([]any); ok && len(renamed) > 0 {
		w.star = true
	}
	w.any(m)
}

// base walks the name of a table.
func (w *walker) base(m map[string]any) {
	name, _ := m["table_name"].(string)
	schema, _ := m["schema_name"].(string)
	catalog, _ := m["catalog_name"].(string)
	if schema != "" || catalog != "" {
		w.refuse(m, fmt.Sprintf("there is no table %s", strings.TrimPrefix(strings.Join([]string{catalog, schema, name}, "."), ".")), "the tables of hunts have no schema before them; yagura hunt tables lists them")
		return
	}
	if m["at_clause"] != nil {
		w.refuse(m, "AT is not for hunts", "give a time range")
		return
	}
	lower := strings.ToLower(name)
	for _, s := range w.scopes {
		if s[lower] {
			return
		}
	}
	if w.table != nil && !w.table(name) {
		w.refuse(m, fmt.Sprintf("there is no table %s", name), "yagura hunt tables lists the tables")
		return
	}
	w.aliases[lower] = true
	if w.uses[lower] == nil {
		w.uses[lower] = &Use{Table: name}
	}
}

// expression walks an expression.
func (w *walker) expression(m map[string]any, class string) {
	if !slices.Contains(exprClasses, class) {
		w.refuse(m, "an expression of the kind "+class+" is not for hunts", "")
		return
	}
	switch class {
	case "FUNCTION", "WINDOW":
		name, _ := m["function_name"].(string)
		for _, key := range []string{"schema", "catalog"} {
			if s, _ := m[key].(string); s != "" && !strings.EqualFold(s, "main") {
				// Another schema has the functions that bounds stand before.
				if slices.Contains(schemas, strings.ToLower(s)) {
					w.refuse(m, fmt.Sprintf("the function %s.%s is not for hunts", s, name), "write "+name+"() alone")
					return
				}
				// a.b(c) is how DuckDB writes chained calls as well: then a is a column.
				w.names[strings.ToLower(s)] = true
			}
		}
		if denied(name) {
			w.refuse(m, fmt.Sprintf("the function %s is not for hunts", name), "")
			return
		}
		if lower := strings.ToLower(name); (lower == "printf" || lower == "format") && !narrow(m) {
			w.refuse(m, name+" takes a constant form with widths below 10000", "use lpad for a width that is computed")
			return
		}
	case "COLUMN_REF":
		parts, _ := m["column_names"].([]any)
		for i, p := range parts {
			s, ok := p.(string)
			switch {
			case !ok:
			case i == 0 && len(parts) > 1:
				w.qualifiers[strings.ToLower(s)] = true
			default:
				w.names[strings.ToLower(s)] = true
			}
		}
	case "STAR":
		w.star = true
	case "CAST":
		// Reading a long number of this type takes the square of its digits, and is not
		// interrupted meanwhile.
		if has(m["cast_type"], "BIGNUM") {
			w.refuse(m, "the type BIGNUM is not for hunts", "DECIMAL(38, 0) and HUGEINT hold 38 digits")
			return
		}
	case "LAMBDA":
		// A lambda in a lambda runs as often as both lists are long, multiplied, and the
		// engine cannot be interrupted until it is through with both.
		if w.lambdas++; w.lambdas > 1 {
			w.refuse(m, "a lambda in a lambda is not for hunts", "unnest the outer list")
			return
		}
		defer func() { w.lambdas-- }()
	case "CONSTANT":
		return
	}
	w.any(m)
}

// has says whether a type is, or is made of, the one that is named.
func has(typ any, id string) bool {
	switch t := typ.(type) {
	case []any:
		return slices.ContainsFunc(t, func(v any) bool { return has(v, id) })
	case map[string]any:
		if t["id"] == id {
			return true
		}
		for _, v := range t {
			if has(v, id) {
				return true
			}
		}
	}
	return false
}

// narrow says whether the form of a printf is a constant whose widths are small:
// one number in it makes a text of any length.
func narrow(call map[string]any) bool {
	children, _ := call["children"].([]any)
	if len(children) == 0 {
		return true
	}
	first, _ := children[0].(map[string]any)
	value, _ := first["value"].(map[string]any)
	form, ok := value["value"].(string)
	if !ok || first["class"] != "CONSTANT" || strings.Contains(form, "*") {
		return false
	}
	digits := 0
	for i, c := range form {
		switch {
		case c >= '0' && c <= '9':
			if digits++; digits > 4 {
				return false
			}
		case c == '{' && strings.Contains(form[:i], "{") && !strings.Contains(form[strings.LastIndexByte(form[:i], '{'):i], "}"):
			return false // a width that is an argument: {:{}}
		default:
			digits = 0
		}
	}
	return true
}
