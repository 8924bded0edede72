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

// bounded stand before the engine's own functions of the same names, which make
// as much text or as long a list as one number asks for.
var bounded = []string{
	// These compare every character with every other, and are not interrupted meanwhile.
	`CREATE MACRO levenshtein(a, b) AS CASE WHEN length(a) * length(b) > 250000 THEN error('levenshtein takes short texts') ELSE system.main.levenshtein(a, b) END`,
	`CREATE MACRO editdist3(a, b) AS levenshtein(a, b)`,
	`CREATE MACRO damerau_levenshtein(a, b) AS CASE WHEN length(a) * length(b) > 250000 THEN error('damerau_levenshtein takes short texts') ELSE system.main.damerau_levenshtein(a, b) END`,
	`CREATE MACRO jaro_similarity(a, b) AS CASE WHEN length(a) * length(b) > 250000 THEN error('jaro_similarity takes short texts') ELSE system.main.jaro_similarity(a, b) END`,
	`CREATE MACRO jaro_winkler_similarity(a, b) AS CASE WHEN length(a) * length(b) > 250000 THEN error('jaro_winkler_similarity takes short texts') ELSE system.main.jaro_winkler_similarity(a, b) END`,
	`CREATE MACRO repeat(s, n) AS CASE WHEN n::HUGEINT * length(s) > 65536 THEN error('repeat makes more than 65536 characters') ELSE system.main.repeat(s, n) END`,
	// The engine tries each % of a pattern at every character, for each % before it.
	// Where that is much, a regular expression of the same meaning takes its place.
	`CREATE MACRO like_much(s, p) AS strlen(p) - strlen(system.main.replace(p, '%', '')) > 2
		AND pow(strlen(s)::DOUBLE, strlen(p) - strlen(system.main.replace(p, '%', '')) - 1) > 1000000000`,
	`CREATE MACRO like_regex(p) AS system.main.replace(system.main.replace(regexp_escape(p), '\%', '.*'), '_', '.')`,
	`CREATE MACRO "~~"(s, p) AS CASE WHEN like_much(s, p) THEN regexp_full_match(s, '(?s)' || like_regex(p)) ELSE system.main."~~"(s, p) END`,
	`CREATE MACRO "!~~"(s, p) AS NOT "~~"(s, p)`,
	`CREATE MACRO "~~*"(s, p) AS CASE WHEN like_much(s, p) THEN regexp_full_match(s, '(?is)' || like_regex(p)) ELSE system.main."~~*"(s, p) END`,
	`CREATE MACRO "!~~*"(s, p) AS NOT "~~*"(s, p)`,
	`CREATE MACRO "~~~"(s, p) AS CASE WHEN strlen(p) - strlen(system.main.replace(p, '*', '')) > 2
		AND pow(strlen(s)::DOUBLE, strlen(p) - strlen(system.main.replace(p, '*', '')) - 1) > 1000000000
		THEN error('GLOB takes a pattern with fewer * for so long a text') ELSE system.main."~~~"(s, p) END`,
	`CREATE MACRO like_escape(s, p, e) AS CASE WHEN like_much(s, p) THEN error('LIKE with ESCAPE takes a pattern with fewer % for so long a text') ELSE system.main.like_escape(s, p, e) END`,
	`CREATE MACRO ilike_escape(s, p, e) AS CASE WHEN like_much(s, p) THEN error('LIKE with ESCAPE takes a pattern with fewer % for so long a text') ELSE system.main.ilike_escape(s, p, e) END`,
	`CREATE MACRO not_like_escape(s, p, e) AS CASE WHEN like_much(s, p) THEN error('LIKE with ESCAPE takes a pattern with fewer % for so long a text') ELSE system.main.not_like_escape(s, p, e) END`,
	`CREATE MACRO not_ilike_escape(s, p, e) AS CASE WHEN like_much(s, p) THEN error('LIKE with ESCAPE takes a pattern with fewer % for so long a text') ELSE system.main.not_ilike_escape(s, p, e) END`,
	// These look through one list for each element of the other.
	`CREATE MACRO list_intersect(a, b) AS CASE WHEN len(a)::HUGEINT * len(b) > 100000000 THEN error('list_intersect takes short lists') ELSE system.main.list_intersect(a, b) END`,
	`CREATE MACRO array_intersect(a, b) AS list_intersect(a, b)`,
	`CREATE MACRO list_has_any(a, b) AS CASE WHEN len(a) + len(b) > 50000 THEN error('list_has_any takes short lists') ELSE system.main.list_has_any(a, b) END`,
	`CREATE MACRO array_has_any(a, b) AS list_has_any(a, b)`,
	`CREATE MACRO "&&"(a, b) AS list_has_any(a, b)`,
	`CREATE MACRO list_has_all(a, b) AS CASE WHEN len(a) + len(b) > 50000 THEN error('list_has_all takes short lists') ELSE system.main.list_has_all(a, b) END`,
	`CREATE MACRO array_has_all(a, b) AS list_has_all(a, b)`,
	`CREATE MACRO "@>"(a, b) AS list_has_all(a, b)`,
	`CREATE MACRO "<@"(a, b) AS list_has_all(b, a)`,
	// A long list is copied for each row.
	`CREATE MACRO list_append(l, e) AS CASE WHEN len(l) > 131072 THEN error('list_append makes more than 131072 elements') ELSE system.main.list_append(l, e) END`,
	`CREATE MACRO array_append(l, e) AS list_append(l, e)`,
	`CREATE MACRO array_push_back(l, e) AS list_append(l, e)`,
	`CREATE MACRO list_prepend(e, l) AS CASE WHEN len(l) > 131072 THEN error('list_prepend makes more than 131072 elements') ELSE system.main.list_prepend(e, l) END`,
	`CREATE MACRO array_prepend(e, l) AS list_prepend(e, l)`,
	`CREATE MACRO array_push_front(l, e) AS list_prepend(e, l)`,
	listConcat(),
	`CREATE MACRO array_concat(a, b) AS list_concat(a, b), (a, b, c) AS list_concat(a, b, c)`,
	`CREATE MACRO list_cat(a, b) AS list_concat(a, b), (a, b, c) AS list_concat(a, b, c)`,
	`CREATE MACRO array_cat(a, b) AS list_concat(a, b), (a, b, c) AS list_concat(a, b, c)`,
	// A replacement may be put in at every character. What it makes is counted where it
	// could be much.
	`CREATE MACRO replace(s, a, b) AS CASE WHEN strlen(b) > strlen(a) AND strlen(s) * strlen(b) > 1048576
		AND (strlen(s) - strlen(system.main.replace(s, a, ''))) // greatest(strlen(a), 1) * strlen(b) + strlen(s) > 4194304
		THEN error('replace makes more than 4194304 bytes') ELSE system.main.replace(s, a, b) END`,
	`CREATE MACRO regexp_replace(s, p, r) AS CASE WHEN contains(r, '\') AND strlen(s) * strlen(r) > 4194304
			THEN error('regexp_replace makes more than 4194304 bytes') ELSE system.main.regexp_replace(s, p, r) END,
		(s, p, r, o) AS CASE WHEN strlen(s) * strlen(r) > 4194304 AND (contains(r, '\') OR strlen(r) * len(regexp_extract_all(s, p)) + strlen(s) > 4194304)
			THEN error('regexp_replace makes more than 4194304 bytes') ELSE system.main.regexp_replace(s, p, r, o) END`,
	`CREATE MACRO lpad(s, n, c) AS CASE WHEN n > 65536 THEN error('lpad makes more than 65536 characters') ELSE system.main.lpad(s, n, c) END`,
	`CREATE MACRO rpad(s, n, c) AS CASE WHEN n > 65536 THEN error('rpad makes more than 65536 characters') ELSE system.main.rpad(s, n, c) END`,
	// A list is made for each of a vector's 2048 rows before anybody may end the query.
	`CREATE MACRO list_resize(l, n) AS CASE WHEN n > 131072 THEN error('list_resize makes more than 131072 elements') ELSE system.main.list_resize(l, n) END,
		(l, n, v) AS CASE WHEN n > 131072 THEN error('list_resize makes more than 131072 elements') ELSE system.main.list_resize(l, n, v) END`,
	`CREATE MACRO array_resize(l, n) AS list_resize(l, n), (l, n, v) AS list_resize(l, n, v)`,
	`CREATE MACRO steps_between(a, b, c) AS CASE WHEN typeof(c) = 'INTERVAL'
		THEN abs(epoch_ms(TRY_CAST(b::VARCHAR AS TIMESTAMP)) - epoch_ms(TRY_CAST(a::VARCHAR AS TIMESTAMP))) / greatest(abs(epoch_ms(TRY_CAST(c::VARCHAR AS INTERVAL))), 1)
		ELSE abs(TRY_CAST(b::VARCHAR AS DOUBLE) - TRY_CAST(a::VARCHAR AS DOUBLE)) / greatest(abs(TRY_CAST(c::VARCHAR AS DOUBLE)), 1) END`,
	`CREATE MACRO range(n) AS CASE WHEN n > 131072 THEN error('range makes more than 131072 elements') ELSE system.main.range(n) END,
		(a, b) AS CASE WHEN typeof(a) LIKE '%INT%' AND TRY_CAST(b AS HUGEINT) - TRY_CAST(a AS HUGEINT) > 131072 THEN error('range makes more than 131072 elements') ELSE system.main.range(a, b) END,
		(a, b, c) AS CASE WHEN steps_between(a, b, c) > 131072 THEN error('range makes more than 131072 elements') ELSE system.main.range(a, b, c) END`,
	`CREATE MACRO generate_series(n) AS CASE WHEN n > 131072 THEN error('generate_series makes more than 131072 elements') ELSE system.main.generate_series(n) END,
		(a, b) AS CASE WHEN typeof(a) LIKE '%INT%' AND TRY_CAST(b AS HUGEINT) - TRY_CAST(a AS HUGEINT) > 131072 THEN error('generate_series makes more than 131072 elements') ELSE system.main.generate_series(a, b) END,
		(a, b, c) AS CASE WHEN steps_between(a, b, c) > 131072 THEN error('generate_series makes more than 131072 elements') ELSE system.main.generate_series(a, b, c) END`,
}

// listConcat bounds list_concat of up to eight lists; more are nested.
func listConcat() string {
	var forms []string
	for n := 1; n <= 8; n++ {
		var names, lengths []string
		for i := range n {
			names, lengths = append(names, fmt.Sprint("l", i)), append(lengths, fmt.Sprintf("coalesce(len(l%d), 0)", i))
		}
		list := strings.Join(names, ", ")
		forms = append(forms, fmt.Sprintf("(%s) AS CASE WHEN %s > 131072 THEN error('list_concat makes more than 131072 elements') ELSE system.main.list_concat(%s) END", list, strings.Join(lengths, " + "), list))
	}
	return "CREATE MACRO list_concat" + strings.Join(forms, ", ")
}

// register makes the functions of KQL, further ones and the bounds known to the engine.
func register(ctx context.Context, c *sql.Conn, more []fn.Func) error {
	for _, f := range slices.Concat(fn.Funcs(), more) {
		u, err := newUDF(f)
		if err != nil {
			return fmt.Errorf("function %s: %w", f.Name, err)
		}
		if err := duckdb.RegisterScalarUDF(c, f.Name, u); err != nil {
			return fmt.Errorf("function %s: %w", f.Name, plain(err))
		}
	}
	for _, m := range append(append([]string(nil), bounded...), fn.Macros()...) {
		if _, err := c.ExecContext(ctx, m); err != nil {
			return fmt.Errorf("%.80s: %w", m, plain(err))
		}
	}
	return nil
}

// udf is a function of fn for the driver.
type udf struct {
	f      fn.Func
	config duckdb.ScalarFuncConfig
}

func newUDF(f fn.Func) (*udf, error) {
	u := &udf{f: f, config: duckdb.ScalarFuncConfig{Volatile: f.Volatile, SpecialNullHandling: true}}
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
	return duckdb.ScalarFuncExecutor{RowContextExecutor: func(ctx context.Context, values []driver.Value) (any, error) {
		if ctx != nil && ctx.Err() != nil {
			return nil, context.Cause(ctx)
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
