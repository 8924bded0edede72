//go:build cgo

package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// limit stands before a function of the engine that makes as much text or as long a list as
// one number asks for, or takes very long for long arguments: where a measure of the
// arguments is more than most, the call is an error.
type limit struct {
	name  string
	also  []string // other names of it
	takes string   // for the error: what it takes,
	makes string   // or what it makes too many of
	most  int
	forms [][2]string // its lists of arguments, each with the measure
}

var limits = []limit{
	// These compare every character with every other, and are not interrupted meanwhile.
	{name: "levenshtein", also: []string{"editdist3"}, takes: "short texts", most: 250000, forms: twoTexts},
	{name: "damerau_levenshtein", takes: "short texts", most: 250000, forms: twoTexts},
	{name: "jaro_similarity", takes: "short texts", most: 250000, forms: twoTexts},
	{name: "jaro_winkler_similarity", takes: "short texts", most: 250000, forms: twoTexts},
	{name: "repeat", makes: "characters", most: 65536, forms: [][2]string{{"s, n", "n::HUGEINT * length(s)"}}},
	{name: "lpad", makes: "characters", most: 65536, forms: [][2]string{{"s, n, c", "n"}}},
	{name: "rpad", makes: "characters", most: 65536, forms: [][2]string{{"s, n, c", "n"}}},
	// These look through one list for each element of the other.
	{name: "list_intersect", also: []string{"array_intersect"}, takes: "short lists", most: 100000000, forms: [][2]string{{"a, b", "len(a)::HUGEINT * len(b)"}}},
	{name: "list_has_any", also: []string{"array_has_any", "&&"}, takes: "short lists", most: 50000, forms: twoLists},
	{name: "list_has_all", also: []string{"array_has_all", "@>"}, takes: "short lists", most: 50000, forms: twoLists},
	// A list is made for each of a vector's 2048 rows before anybody may end the query, and
	// a long one is copied for each.
	{name: "list_append", also: []string{"array_append", "array_push_back"}, makes: "elements", most: mostElements, forms: [][2]string{{"l, e", "len(l)"}}},
	{name: "list_prepend", also: []string{"array_prepend"}, makes: "elements", most: mostElements, forms: [][2]string{{"e, l", "len(l)"}}},
	{name: "list_concat", also: []string{"array_concat", "list_cat", "array_cat"}, makes: "elements", most: mostElements, forms: manyLists()},
	{name: "list_resize", also: []string{"array_resize"}, makes: "elements", most: mostElements, forms: [][2]string{{"l, n", "n"}, {"l, n, v", "n"}}},
	{name: "range", makes: "elements", most: mostElements, forms: steps},
	{name: "generate_series", makes: "elements", most: mostElements, forms: steps},
}

// mostElements is how many elements the lists have at most that a call makes.
const mostElements = 131072

var (
	twoTexts = [][2]string{{"a, b", "length(a) * length(b)"}}
	twoLists = [][2]string{{"a, b", "len(a) + len(b)"}}
	steps    = [][2]string{
		{"n", "n"},
		{"a, b", "CASE WHEN typeof(a) LIKE '%INT%' THEN TRY_CAST(b AS HUGEINT) - TRY_CAST(a AS HUGEINT) END"},
		{"a, b, c", "steps_between(a, b, c)"},
	}
)

// manyLists are the forms of a function of up to eight lists; more are nested.
func manyLists() [][2]string {
	var forms [][2]string
	var names, lengths []string
	for i := range 8 {
		names, lengths = append(names, fmt.Sprint("l", i)), append(lengths, fmt.Sprintf("coalesce(len(l%d), 0)", i))
		forms = append(forms, [2]string{strings.Join(names, ", "), strings.Join(lengths, " + ")})
	}
	return forms
}

// macros are the statements that put the limit before the function.
func (l limit) macros() []string {
	says := l.name + " takes " + l.takes
	if l.makes != "" {
		says = fmt.Sprintf("%s makes more than %d %s", l.name, l.most, l.makes)
	}
	var forms, same []string
	for _, f := range l.forms {
		forms = append(forms, fmt.Sprintf("(%s) AS CASE WHEN %s > %d THEN error('%s') ELSE system.main.%s(%[1]s) END", f[0], f[1], l.most, says, l.name))
		same = append(same, fmt.Sprintf("(%s) AS %s(%[1]s)", f[0], l.name))
	}
	out := []string{"CREATE MACRO " + l.name + strings.Join(forms, ", ")}
	for _, n := range l.also {
		out = append(out, `CREATE MACRO "`+n+`"`+strings.Join(same, ", "))
	}
	return out
}

// bounded are the statements that put limits before functions of the engine.
func bounded() []string {
	out := slices.Clone(patterns)
	for _, f := range []string{"like_escape", "ilike_escape", "not_like_escape", "not_ilike_escape"} {
		out = append(out, "CREATE MACRO "+f+"(s, p, e) AS CASE WHEN like_much(s, p, '%') THEN error('LIKE with ESCAPE takes a pattern with fewer % for so long a text') ELSE system.main."+f+"(s, p, e) END")
	}
	out = append(out, stepsBetween)
	for _, l := range limits {
		out = append(out, l.macros()...)
	}
	// These are other names too, and take their arguments in the other order.
	out = append(out, `CREATE MACRO "<@"(a, b) AS list_has_all(b, a)`, `CREATE MACRO array_push_front(l, e) AS list_prepend(e, l)`)
	return append(out, replacements...)
}

// The engine tries each % of a pattern at every character, for each % before it. Where that
// is much, a regular expression of the same meaning takes its place.
var patterns = []string{
	`CREATE MACRO like_much(s, p, sign) AS strlen(p) - strlen(system.main.replace(p, sign, '')) > 2
		AND pow(strlen(s)::DOUBLE, strlen(p) - strlen(system.main.replace(p, sign, '')) - 1) > 1000000000`,
	`CREATE MACRO like_regex(p) AS system.main.replace(system.main.replace(regexp_escape(p), '\%', '.*'), '_', '.')`,
	`CREATE MACRO "~~"(s, p) AS CASE WHEN like_much(s, p, '%') THEN regexp_full_match(s, '(?s)' || like_regex(p)) ELSE system.main."~~"(s, p) END`,
	`CREATE MACRO "!~~"(s, p) AS NOT "~~"(s, p)`,
	`CREATE MACRO "~~*"(s, p) AS CASE WHEN like_much(s, p, '%') THEN regexp_full_match(s, '(?is)' || like_regex(p)) ELSE system.main."~~*"(s, p) END`,
	`CREATE MACRO "!~~*"(s, p) AS NOT "~~*"(s, p)`,
	`CREATE MACRO "~~~"(s, p) AS CASE WHEN like_much(s, p, '*') THEN error('GLOB takes a pattern with fewer * for so long a text') ELSE system.main."~~~"(s, p) END`,
}

const stepsBetween = `CREATE MACRO steps_between(a, b, c) AS CASE WHEN typeof(c) = 'INTERVAL'
	THEN abs(epoch_ms(TRY_CAST(b::VARCHAR AS TIMESTAMP)) - epoch_ms(TRY_CAST(a::VARCHAR AS TIMESTAMP))) / greatest(abs(epoch_ms(TRY_CAST(c::VARCHAR AS INTERVAL))), 1)
	ELSE abs(TRY_CAST(b::VARCHAR AS DOUBLE) - TRY_CAST(a::VARCHAR AS DOUBLE)) / greatest(abs(TRY_CAST(c::VARCHAR AS DOUBLE)), 1) END`

// A replacement may be put in at every character. What it makes is counted where it could
// be much.
var replacements = []string{
	`CREATE MACRO replace(s, a, b) AS CASE WHEN strlen(b) > strlen(a) AND strlen(s) * strlen(b) > 1048576
		AND (strlen(s) - strlen(system.main.replace(s, a, ''))) // greatest(strlen(a), 1) * strlen(b) + strlen(s) > 4194304
		THEN error('replace makes more than 4194304 bytes') ELSE system.main.replace(s, a, b) END`,
	`CREATE MACRO regexp_replace(s, p, r) AS CASE WHEN contains(r, '\') AND strlen(s) * strlen(r) > 4194304
			THEN error('regexp_replace makes more than 4194304 bytes') ELSE system.main.regexp_replace(s, p, r) END,
		(s, p, r, o) AS CASE WHEN strlen(s) * strlen(r) > 4194304 AND (contains(r, '\') OR strlen(r) * len(regexp_extract_all(s, p)) + strlen(s) > 4194304)
			THEN error('regexp_replace makes more than 4194304 bytes') ELSE system.main.regexp_replace(s, p, r, o) END`,
}

// register makes the functions of KQL, further ones and the bounds known to the engine.
func register(ctx context.Context, c *sql.Conn, more []fn.Func, end *ending) error {
	for _, f := range slices.Concat(fn.Funcs(), more) {
		u, err := newUDF(f, end)
		if err != nil {
			return fmt.Errorf("function %s: %w", f.Name, err)
		}
		if err := duckdb.RegisterScalarUDF(c, f.Name, u); err != nil {
			return fmt.Errorf("function %s: %w", f.Name, plain(err))
		}
	}
	for _, m := range slices.Concat(bounded(), fn.Macros()) {
		if _, err := c.ExecContext(ctx, m); err != nil {
			return fmt.Errorf("%.80s: %w", m, plain(err))
		}
	}
	return nil
}

// udf is a function of fn for the driver.
type udf struct {
	f      fn.Func
	end    *ending
	config duckdb.ScalarFuncConfig
}

func newUDF(f fn.Func, end *ending) (*udf, error) {
	u := &udf{f: f, end: end, config: duckdb.ScalarFuncConfig{Volatile: f.Volatile, SpecialNullHandling: true}}
	for _, t := range f.Args {
		info, err := typeInfo(t)
		if err != nil {
			return nil, err
		}
		u.config.InputTypeInfos = append(u.config.InputTypeInfos, info)
	}
	info, err := typeInfo(f.Result)
	if err != nil {
		return nil, err
	}
	u.config.ResultTypeInfo = info
	return u, nil
}

func typeInfo(t fn.Type) (duckdb.TypeInfo, error) {
	switch t {
	case fn.Bool:
		return duckdb.NewTypeInfo(duckdb.TYPE_BOOLEAN)
	case fn.Int:
		return duckdb.NewTypeInfo(duckdb.TYPE_INTEGER)
	case fn.Long, fn.Timespan:
		return duckdb.NewTypeInfo(duckdb.TYPE_BIGINT)
	case fn.Real, fn.Decimal:
		return duckdb.NewTypeInfo(duckdb.TYPE_DOUBLE)
	case fn.String, fn.GUID, fn.Dynamic:
		return duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	case fn.Datetime:
		return duckdb.NewTypeInfo(duckdb.TYPE_TIMESTAMP)
	}
	return nil, fmt.Errorf("no type %q", t)
}

// Config is the function's types.
func (u *udf) Config() duckdb.ScalarFuncConfig { return u.config }

// Executor calls the function for every row.
func (u *udf) Executor() duckdb.ScalarFuncExecutor {
	if u.f.Texts != nil {
		// The driver would set its own context from several threads at once where nothing was
		// bound; what is bound is never asked.
		return duckdb.ScalarFuncExecutor{ChunkContextExecutor: u.texts, ScalarBinder: func(context.Context, []duckdb.ScalarUDFArg) (context.Context, error) {
			return context.Background(), nil
		}}
	}
	return duckdb.ScalarFuncExecutor{RowExecutor: func(values []driver.Value) (any, error) {
		if u.end.late.Load() > 0 {
			return nil, errEnding
		}
		return u.call(values)
	}}
}

// call keeps a panic from going through C.
func (u *udf) call(values []driver.Value) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", u.f.Name, p)
		}
	}()
	args := make([]any, len(values))
	for i, v := range values {
		if t, ok := v.(time.Time); ok {
			v = t.UTC()
		}
		args[i] = v
	}
	return u.f.Call(args)
}

// texts calls a function of texts for the rows of a vector. NULL is an empty text to it.
func (u *udf) texts(_ context.Context, rows *duckdb.ChunkIteratorState) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", u.f.Name, p)
		}
	}()
	in := rows.GetInputChunk()
	views := make([]duckdb.VectorView[string], rows.ColumnCount())
	for i := range views {
		v, err := in.GetVector(i)
		if err == nil {
			views[i], err = duckdb.GetVectorView[string](v)
		}
		if err != nil {
			return err
		}
	}
	out, err := duckdb.GetVectorWriter[string](rows.GetResultVector())
	if err != nil {
		return err
	}
	args := make([]string, len(views))
	for row := range in.GetSize() {
		if u.end.late.Load() > 0 {
			return errEnding
		}
		for i := range views {
			if args[i], _, err = views[i].GetValueBorrowed(row); err != nil {
				return err
			}
		}
		if err := out.Set(row, u.f.Texts(args)); err != nil {
			return err
		}
	}
	return nil
}
