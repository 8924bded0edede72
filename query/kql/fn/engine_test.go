//go:build cgo

package fn_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"testing"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// udf is a function of this room as the driver wants it.
type udf struct{ f fn.Func }

func (u udf) Config() duckdb.ScalarFuncConfig {
	c := duckdb.ScalarFuncConfig{Volatile: u.f.Volatile, SpecialNullHandling: true, ResultTypeInfo: info(u.f.Result)}
	for _, t := range u.f.Args {
		c.InputTypeInfos = append(c.InputTypeInfos, info(t))
	}
	return c
}

func (u udf) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: func(v []driver.Value) (any, error) {
		args := make([]any, len(v))
		for i := range v {
			args[i] = v[i]
		}
		return u.f.Call(args)
	}}
}

func info(t fn.Type) duckdb.TypeInfo {
	d := duckdb.TYPE_VARCHAR
	switch t {
	case fn.Bool:
		d = duckdb.TYPE_BOOLEAN
	case fn.Int:
		d = duckdb.TYPE_INTEGER
	case fn.Long, fn.Timespan:
		d = duckdb.TYPE_BIGINT
	case fn.Real:
		d = duckdb.TYPE_DOUBLE
	case fn.Datetime:
		d = duckdb.TYPE_TIMESTAMP
	}
	i, err := duckdb.NewTypeInfo(d)
	if err != nil {
		panic(err)
	}
	return i
}

// engine is DuckDB with everything of this room registered.
func engine(t testing.TB) *sql.Conn {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fn.Funcs() {
		if err := duckdb.RegisterScalarUDF(c, f.Name, udf{f}); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	for _, m := range fn.Macros() {
		if _, err := c.ExecContext(context.Background(), m); err != nil {
			t.Fatalf("%s: %v", m, err)
		}
	}
	return c
}

// answer is the one value of SELECT x, as text; NULL where it is none.
func answer(t *testing.T, c *sql.Conn, x string) string {
	t.Helper()
	var s sql.NullString
	if err := c.QueryRowContext(context.Background(), "SELECT CAST(("+x+") AS VARCHAR)").Scan(&s); err != nil {
		return fmt.Sprint("error: ", err)
	}
	if !s.Valid {
		return "NULL"
	}
	return s.String
}
