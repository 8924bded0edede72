package lake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/lake/column"
)

// Engines are what [DDL] knows.
func Engines() []string { return []string{"athena", "bigquery", "clickhouse", "duckdb", "trino"} }

// DDL returns the statements by which an engine reads a lake: its two tables, head and raw, and
// the view events that joins them. place is where the lake is, as that engine spells it:
// s3://bucket/prefix, gs://bucket/prefix, a folder. formats are the log types that it holds; days
// begin with first (2006-01-02), for engines that enumerate partitions. Columns that only some
// log types have are in it too, and NULL in the files of the others.
func DDL(engine, place string, formats []string, more []string, first string) (string, error) {
	place = strings.TrimRight(place, "/")
	if place == "" || strings.ContainsAny(place, "'`\\\n\r\x00") {
		return "", fmt.Errorf("%q is no place of a lake: write s3://bucket/prefix, gs://bucket/prefix or a folder", place)
	}
	d := ddl{place: place, head: HeadColumns(), raw: RawColumns()}
	for _, name := range more {
		d.head = append(d.head, column.Spec{Name: name})
	}
	for _, f := range formats {
		d.formats = append(d.formats, safe(f))
	}
	slices.Sort(d.formats)
	d.first = first
	if d.first == "" {
		d.first = "2020-01-01"
	}
	switch engine {
	case "athena":
		return d.athena(), nil
	case "trino":
		return d.trino(), nil
	case "clickhouse":
		return d.clickhouse(), nil
	case "bigquery":
		return d.bigquery()
	case "duckdb":
		return d.duckdb(), nil
	}
	return "", fmt.Errorf("engine %q: want one of %s", engine, strings.Join(Engines(), ", "))
}

type ddl struct {
	place, first string
	head, raw    []column.Spec
	formats      []string
}

// folders are the columns that are in no file: the names of the folders say them.
var folders = []column.Spec{{Name: "log"}, {Name: "day"}}

// types are how engines call the kinds of columns.
type types struct{ text, bytes, int64, int32, time, uuid string }

func (t *types) of(k column.Kind) string {
	switch k {
	case column.Bytes:
		return t.bytes
	case column.Int64:
		return t.int64
	case column.Int32:
		return t.int32
	case column.Time:
		return t.time
	case column.UUID:
		return t.uuid
	}
	return t.text
}

// columns writes a list of columns, one a line.
func (t *types) columns(list []column.Spec, quote string) string {
	var out []string
	for _, c := range list {
		out = append(out, "  "+quote+c.Name+quote+" "+t.of(c.Kind))
	}
	return strings.Join(out, ",\n")
}

// names lists columns of the head for the view.
func (d *ddl) names(prefix, quote string) string {
	var out []string
	for _, c := range d.head {
		out = append(out, prefix+quote+c.Name+quote)
	}
	return strings.Join(out, ", ")
}

// athena uses partition projection: nothing has to be told of a new day. Text, bytes and keys
// are what Hive calls string and binary. A day that is no date cannot be projected beside
// days that are.
func (d *ddl) athena() string {
	t := types{text: "string", bytes: "binary", int64: "bigint", int32: "int", time: "timestamp", uuid: "binary"}
	var b strings.Builder
	b.WriteString("-- one statement at a time; records that do not say when they happened (day=unknown) are left out\n")
	for _, half := range []struct {
		name string
		list []column.Spec
	}{{"head", d.head}, {"raw", d.raw}} {
		fmt.Fprintf(&b, "CREATE EXTERNAL TABLE yagura_%s (\n%s\n)\nPARTITIONED BY (log string, day string)\nSTORED AS PARQUET\nLOCATION '%s/%s/'\nTBLPROPERTIES (\n"+
			"  'projection.enabled' = 'true',\n  'projection.log.type' = 'enum',\n  'projection.log.values' = '%s',\n"+
			"  'projection.day.type' = 'date',\n  'projection.day.format' = 'yyyy-MM-dd',\n  'projection.day.range' = '%s,NOW+1DAYS',\n"+
			"  'storage.location.template' = '%s/%s/log=${log}/day=${day}/'\n);\n\n",
			half.name, t.columns(half.list, "`"), d.place, half.name, strings.Join(d.formats, ","), d.first, d.place, half.name)
	}
	fmt.Fprintf(&b, "CREATE VIEW yagura_events AS\nSELECT %s, h.log, h.day, r.raw\nFROM yagura_head h JOIN yagura_raw r ON h.log = r.log AND h.day = r.day AND h.\"row\" = r.\"row\";\n", d.names("h.", `"`))
	return b.String()
}

// trino makes tables of the Hive connector, which knows no UUID, and whose times have the one
// precision that the catalogue or the session says.
func (d *ddl) trino() string {
	t := types{text: "varchar", bytes: "varbinary", int64: "bigint", int32: "integer", time: "timestamp(6)", uuid: "varbinary"}
	var b strings.Builder
	b.WriteString("-- in a schema of the Hive connector; where hive.timestamp-precision is not MICROSECONDS (hive is the name of the catalogue):\n" +
		"SET SESSION hive.timestamp_precision = 'MICROSECONDS';\n\n")
	for _, half := range []struct {
		name string
		list []column.Spec
	}{{"head", d.head}, {"raw", d.raw}} {
		fmt.Fprintf(&b, "CREATE TABLE yagura_%s (\n%s\n)\nWITH (external_location = '%s/%s/', format = 'PARQUET', partitioned_by = ARRAY['log', 'day']);\n"+
			"-- after new days: CALL system.sync_partition_metadata(CURRENT_SCHEMA, 'yagura_%s', 'ADD');\n\n",
			half.name, t.columns(slices.Concat(half.list, folders), `"`), d.place, half.name, half.name)
	}
	fmt.Fprintf(&b, "CREATE VIEW yagura_events AS\nSELECT %s, h.log, h.day, r.raw\nFROM yagura_head h JOIN yagura_raw r ON h.log = r.log AND h.day = r.day AND h.\"row\" = r.\"row\";\n", d.names("h.", `"`))
	return b.String()
}

// glob is the pattern of all files of a half.
func (d *ddl) glob(half string) string { return d.place + "/" + half + "/*/*/*.parquet" }

func (d *ddl) clickhouse() string {
	t := types{text: "String", bytes: "String", int64: "Int64", int32: "Int32", time: "Nullable(DateTime64(6, 'UTC'))", uuid: "UUID"}
	source := func(half string, list []column.Spec) string {
		list = slices.Concat(list, folders) // which it takes from the names, since 24.10
		structure := strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(t.columns(list, "`")), "\n", " "), "'", "\\'")
		switch {
		case strings.HasPrefix(d.place, "s3://"):
			bucket, prefix, _ := strings.Cut(strings.TrimPrefix(d.place, "s3://"), "/")
			url := "https://" + bucket + ".s3.amazonaws.com/"
			if prefix != "" {
				url += prefix + "/"
			}
			return fmt.Sprintf("s3('%s%s/*/*/*.parquet', 'Parquet', '%s')", url, half, structure)
		case strings.HasPrefix(d.place, "gs://"):
			return fmt.Sprintf("gcs('https://storage.googleapis.com/%s/%s/*/*/*.parquet', 'Parquet', '%s')", strings.TrimPrefix(d.place, "gs://"), half, structure)
		}
		return fmt.Sprintf("file('%s', 'Parquet', '%s')", d.glob(half), structure)
	}
	return fmt.Sprintf("CREATE VIEW yagura_head AS SELECT * FROM %s;\n\nCREATE VIEW yagura_raw AS SELECT * FROM %s;\n\nCREATE VIEW yagura_events AS\nSELECT %s, h.log AS log, h.day AS day, r.raw\nFROM yagura_raw r JOIN yagura_head h ON h.log = r.log AND h.day = r.day AND h.`row` = r.`row`;\n",
		source("head", d.head), source("raw", d.raw), strings.Replace(d.names("h.", "`"), "h.`row`", "h.`row` AS `row`", 1)) // a name that both sides have would be h.row
}

func (d *ddl) bigquery() (string, error) {
	if !strings.HasPrefix(d.place, "gs://") {
		return "", fmt.Errorf("bigquery reads lakes in Cloud Storage: %q is not gs://bucket/prefix", d.place)
	}
	var b strings.Builder
	b.WriteString("-- in a dataset of the bucket's region; columns are those of one of the files, so those that only some log types have may be missing:\n" +
		"-- the option reference_file_schema_uri names the file\n")
	for _, half := range []string{"head", "raw"} {
		fmt.Fprintf(&b, "CREATE EXTERNAL TABLE yagura_%s\nWITH PARTITION COLUMNS (log STRING, day STRING)\nOPTIONS (format = 'PARQUET', uris = ['%s/%s/*.parquet'], hive_partition_uri_prefix = '%s/%s');\n\n", half, d.place, half, d.place, half)
	}
	b.WriteString("CREATE VIEW yagura_events AS\nSELECT h.*, r.raw\nFROM yagura_head h JOIN yagura_raw r ON h.log = r.log AND h.day = r.day AND h.`row` = r.`row`;\n")
	return b.String(), nil
}

func (d *ddl) duckdb() string {
	read := func(half string) string {
		return fmt.Sprintf("read_parquet('%s', union_by_name = true, hive_partitioning = true, hive_types_autocast = false)", d.glob(half))
	}
	return fmt.Sprintf("CREATE VIEW yagura_head AS SELECT * FROM %s;\n\nCREATE VIEW yagura_raw AS SELECT * FROM %s;\n\nCREATE VIEW yagura_events AS\nSELECT h.*, nullif(r.raw, '') AS raw\nFROM yagura_head h JOIN yagura_raw r ON h.log = r.log AND h.day = r.day AND h.\"row\" = r.\"row\";\n",
		read("head"), read("raw"))
}
