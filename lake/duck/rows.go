//go:build cgo

package duck

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// Rows are the rows of a result. They are all there when Query returns; closing
// them gives the connection back.
type Rows struct {
	q        *running
	res      driver.Rows
	raw      []driver.Value
	columns  []Column
	max      int
	maxBytes int64
	values   []any
	stats    Stats
	err      error
	ended    bool
	closed   bool
}

// Columns are the columns as the statement names them.
func (r *Rows) Columns() []Column { return r.columns }

// Next goes to the next row. It stops at the limits, which Stats says.
func (r *Rows) Next() bool {
	if r.ended || r.err != nil || r.closed {
		return false
	}
	switch err := r.res.Next(r.raw); {
	case err == io.EOF: //nolint:errorlint // the driver returns it bare
		r.ended = true
		return false
	case err != nil:
		r.err = fmt.Errorf("read a row: %w", err)
		return false
	}
	if r.stats.Rows >= int64(r.max) {
		r.ended, r.stats.Limit = true, "rows"
		return false
	}
	values := make([]any, len(r.columns))
	var size int64
	for i, v := range r.raw {
		values[i] = value(v, r.columns[i].Type)
		size += sizeOf(values[i])
	}
	if r.stats.Bytes+size > r.maxBytes {
		r.ended, r.stats.Limit = true, "bytes"
		return false
	}
	r.stats.Rows++
	r.stats.Bytes += size
	r.values = values
	return true
}

// Values are the values of the row; the slice is the caller's.
func (r *Rows) Values() []any { return r.values }

// Err is why the rows ended before they were all read; nil at a limit.
func (r *Rows) Err() error { return r.err }

// Stats says what it cost. It is complete when Next has returned false.
func (r *Rows) Stats() Stats { return r.stats }

// Close gives the connection back. It may be called again.
func (r *Rows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	return errors.Join(r.res.Close(), r.q.end())
}

// value turns a value of the driver into one of those that doc.go names.
func value(v any, typ string) any {
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v
	case string:
		if strings.HasPrefix(typ, "DECIMAL") || typ == "HUGEINT" || typ == "UHUGEINT" || typ == "BIGNUM" {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil && !strings.HasPrefix(typ, "DECIMAL") {
				return n
			}
			return json.Number(v)
		}
		return v
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	case uint64:
		if v > 1<<63-1 {
			return json.Number(strconv.FormatUint(v, 10))
		}
		return int64(v)
	case float32:
		return float64(v)
	case time.Time:
		return v.UTC()
	case []byte:
		return string(v)
	case *big.Int:
		return json.Number(v.String())
	}
	return fmt.Sprint(v)
}

func sizeOf(v any) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v))
	case json.Number:
		return int64(len(v))
	}
	return 8
}

// scanned is how many rows the scans of a plan looked at. The engine counts a file
// that several threads read once for each of them, which the number of rows that
// it holds bounds; hunt knows that.
func scanned(info duckdb.ProfilingInfo) int64 {
	var n int64
	if info.Metrics["OPERATOR_TYPE"] == "TABLE_SCAN" {
		f, _ := strconv.ParseFloat(info.Metrics["OPERATOR_ROWS_SCANNED"], 64)
		n = int64(f)
	}
	for _, c := range info.Children {
		n += scanned(c)
	}
	return n
}

// profile reads what the engine counted for the last statement of a connection.
func (s *Stats) profile(c *sql.Conn) {
	info, err := duckdb.GetProfilingInfo(c)
	if err != nil {
		return
	}
	number := func(name string) int64 {
		f, _ := strconv.ParseFloat(info.Metrics[name], 64)
		return int64(f)
	}
	s.RowsScanned = scanned(info)
	s.Peak = number("SYSTEM_PEAK_BUFFER_MEMORY")
}

// typeName is a type as DuckDB spells it; nested types by their outermost word.
func typeName(info duckdb.TypeInfo) string {
	if info.Alias() == "JSON" {
		return "JSON"
	}
	switch info.InternalType() {
	case duckdb.TYPE_BOOLEAN:
		return "BOOLEAN"
	case duckdb.TYPE_TINYINT:
		return "TINYINT"
	case duckdb.TYPE_SMALLINT:
		return "SMALLINT"
	case duckdb.TYPE_INTEGER:
		return "INTEGER"
	case duckdb.TYPE_BIGINT:
		return "BIGINT"
	case duckdb.TYPE_UTINYINT:
		return "UTINYINT"
	case duckdb.TYPE_USMALLINT:
		return "USMALLINT"
	case duckdb.TYPE_UINTEGER:
		return "UINTEGER"
	case duckdb.TYPE_UBIGINT:
		return "UBIGINT"
	case duckdb.TYPE_FLOAT:
		return "FLOAT"
	case duckdb.TYPE_DOUBLE:
		return "DOUBLE"
	case duckdb.TYPE_TIMESTAMP, duckdb.TYPE_TIMESTAMP_S, duckdb.TYPE_TIMESTAMP_MS, duckdb.TYPE_TIMESTAMP_NS:
		return "TIMESTAMP"
	case duckdb.TYPE_TIMESTAMP_TZ:
		return "TIMESTAMPTZ"
	case duckdb.TYPE_DATE:
		return "DATE"
	case duckdb.TYPE_TIME:
		return "TIME"
	case duckdb.TYPE_INTERVAL:
		return "INTERVAL"
	case duckdb.TYPE_HUGEINT:
		return "HUGEINT"
	case duckdb.TYPE_UHUGEINT:
		return "UHUGEINT"
	case duckdb.TYPE_BIGNUM:
		return "BIGNUM"
	case duckdb.TYPE_VARCHAR:
		return "VARCHAR"
	case duckdb.TYPE_BLOB:
		return "BLOB"
	case duckdb.TYPE_DECIMAL:
		return "DECIMAL"
	case duckdb.TYPE_LIST:
		return "LIST"
	case duckdb.TYPE_ARRAY:
		return "ARRAY"
	case duckdb.TYPE_STRUCT:
		return "STRUCT"
	case duckdb.TYPE_MAP:
		return "MAP"
	case duckdb.TYPE_UNION:
		return "UNION"
	case duckdb.TYPE_UUID:
		return "UUID"
	case duckdb.TYPE_ENUM:
		return "ENUM"
	case duckdb.TYPE_SQLNULL:
		return "NULL"
	}
	return "OTHER"
}
