package iceberg

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/column"
)

// field is a column of a table, as the metadata spells it.
type field struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	Required bool   `json:"required"`
	Type     string `json:"type"`
}

// schema is the schema of a table.
type schema struct {
	Type   string  `json:"type"`
	ID     int     `json:"schema-id"`
	Fields []field `json:"fields"`
}

// partitionField is a field of the partition spec.
type partitionField struct {
	Source    int    `json:"source-id"`
	ID        int    `json:"field-id"`
	Name      string `json:"name"`
	Transform string `json:"transform"`
}

type partitionSpec struct {
	ID     int              `json:"spec-id"`
	Fields []partitionField `json:"fields"`
}

// The properties of our tables, and the ids of the fields of a partition.
const (
	firstPartition       = 1000
	fieldString          = "string"
	nameMapping          = "schema.name-mapping.default"
	ownerProperty, owner = "yagura.table", "lake"
)

// layout is what differs between the two tables.
type layout struct {
	columns    []column.Spec
	virtual    []string // columns that are in no file: readers take them from the partition
	partitions []string // columns that files are parted by
}

// layouts of the tables. A head file says itself of which format it is, and its bounds tell its
// times. A raw file says neither, so what its folders say becomes columns.
var layouts = map[string]layout{
	"head": {columns: lake.HeadColumns(), partitions: []string{"format"}},
	"raw":  {columns: lake.RawColumns(), virtual: []string{"log", "day"}, partitions: []string{"log", "day"}},
}

// spec is the partition spec of a table.
func (l *layout) spec(s *schema) partitionSpec {
	var out partitionSpec
	for i, name := range l.partitions {
		out.Fields = append(out.Fields, partitionField{Source: s.find(name).ID, ID: firstPartition + i, Name: name, Transform: "identity"})
	}
	return out
}

// typeOf says what a column is called in Iceberg. Times have no zone there: they are UTC, as in
// the files.
func typeOf(k column.Kind) string {
	switch k {
	case column.Bytes:
		return "binary"
	case column.Int64:
		return "long"
	case column.Int32:
		return "int"
	case column.Time:
		return "timestamp"
	case column.UUID:
		return "uuid"
	}
	return fieldString
}

// begin makes the schema: that of the last version, with what it may lack of the columns that every
// file of the table has. No column is required: an engine that writes a filter may assume less,
// and files of later versions may leave one out.
func (p *publisher) begin() (err error) {
	p.schema = schema{Type: "struct"}
	if p.meta != nil {
		if p.schema, err = p.meta.schema(); err != nil {
			return err
		}
		p.schema.Fields = slices.Clone(p.schema.Fields)
	}
	for _, name := range p.layout.virtual {
		p.column(name, fieldString)
	}
	for _, c := range p.layout.columns {
		p.column(c.Name, typeOf(c.Kind))
	}
	p.spec = p.layout.spec(&p.schema)
	return nil
}

// column makes sure that the schema has a column.
func (p *publisher) column(name, kind string) *field {
	if f := p.schema.find(name); f != nil {
		return f
	}
	p.schema.add(name, kind)
	p.grown = true
	return p.schema.find(name)
}

// add appends a column with the next id. Ids are never used again, as columns are never taken
// out.
func (s *schema) add(name, kind string) {
	s.Fields = append(s.Fields, field{ID: s.last() + 1, Name: name, Type: kind})
}

func (s *schema) last() int {
	if len(s.Fields) == 0 {
		return 0
	}
	return s.Fields[len(s.Fields)-1].ID
}

// find returns the column of a name.
func (s *schema) find(name string) *field {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// mapping is the property that says which column of a file without ids has which.
func (s *schema) mapping() (string, error) {
	type mapped struct {
		ID    int      `json:"field-id"`
		Names []string `json:"names"`
	}
	var out []mapped
	for _, f := range s.Fields {
		out = append(out, mapped{f.ID, []string{f.Name}})
	}
	b, err := json.Marshal(out)
	return string(b), err
}

// keyValue is an array of pairs with integer keys: Avro's maps have none.
func keyValue(name string, id, key, value int, kind string) string {
	return fmt.Sprintf(`{"name":%q,"type":["null",{"type":"array","logicalType":"map","items":{"type":"record","name":"k%d_v%d","fields":[`+
		`{"name":"key","type":"int","field-id":%d},{"name":"value","type":%q,"field-id":%d}]}}],"default":null,"field-id":%d}`,
		name, key, value, key, kind, value, id)
}

// entrySchema is the Avro schema of a manifest. What entry.append writes is in this order.
func entrySchema(spec *partitionSpec) string {
	var parts []string
	for _, f := range spec.Fields {
		parts = append(parts, fmt.Sprintf(`{"name":%q,"type":["null","string"],"default":null,"field-id":%d}`, f.Name, f.ID))
	}
	return `{"type":"record","name":"manifest_entry","fields":[` +
		`{"name":"status","type":"int","field-id":0},` +
		`{"name":"snapshot_id","type":["null","long"],"default":null,"field-id":1},` +
		`{"name":"sequence_number","type":["null","long"],"default":null,"field-id":3},` +
		`{"name":"file_sequence_number","type":["null","long"],"default":null,"field-id":4},` +
		`{"name":"data_file","type":{"type":"record","name":"r2","fields":[` +
		`{"name":"content","type":"int","field-id":134},` +
		`{"name":"file_path","type":"string","field-id":100},` +
		`{"name":"file_format","type":"string","field-id":101},` +
		`{"name":"partition","type":{"type":"record","name":"r102","fields":[` + strings.Join(parts, ",") + `]},"field-id":102},` +
		`{"name":"record_count","type":"long","field-id":103},` +
		`{"name":"file_size_in_bytes","type":"long","field-id":104},` +
		keyValue("column_sizes", 108, 117, 118, "long") + "," +
		keyValue("value_counts", 109, 119, 120, "long") + "," +
		keyValue("null_value_counts", 110, 121, 122, "long") + "," +
		keyValue("lower_bounds", 125, 126, 127, "bytes") + "," +
		keyValue("upper_bounds", 128, 129, 130, "bytes") + "," +
		`{"name":"split_offsets","type":["null",{"type":"array","items":"long","element-id":133}],"default":null,"field-id":132}` +
		`]},"field-id":2}]}`
}

// listSchema is the Avro schema of a manifest list. What manifest.append writes is in this order.
const listSchema = `{"type":"record","name":"manifest_file","fields":[` +
	`{"name":"manifest_path","type":"string","field-id":500},` +
	`{"name":"manifest_length","type":"long","field-id":501},` +
	`{"name":"partition_spec_id","type":"int","field-id":502},` +
	`{"name":"content","type":"int","field-id":517},` +
	`{"name":"sequence_number","type":"long","field-id":515},` +
	`{"name":"min_sequence_number","type":"long","field-id":516},` +
	`{"name":"added_snapshot_id","type":"long","field-id":503},` +
	`{"name":"added_files_count","type":"int","field-id":504},` +
	`{"name":"existing_files_count","type":"int","field-id":505},` +
	`{"name":"deleted_files_count","type":"int","field-id":506},` +
	`{"name":"added_rows_count","type":"long","field-id":512},` +
	`{"name":"existing_rows_count","type":"long","field-id":513},` +
	`{"name":"deleted_rows_count","type":"long","field-id":514},` +
	`{"name":"partitions","type":["null",{"type":"array","items":{"type":"record","name":"r508","fields":[` +
	`{"name":"contains_null","type":"boolean","field-id":509},` +
	`{"name":"contains_nan","type":["null","boolean"],"default":null,"field-id":518},` +
	`{"name":"lower_bound","type":["null","bytes"],"default":null,"field-id":510},` +
	`{"name":"upper_bound","type":["null","bytes"],"default":null,"field-id":511}]},"element-id":508}],"default":null,"field-id":507}]}`
