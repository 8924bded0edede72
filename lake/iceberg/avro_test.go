package iceberg_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
)

// readAvro reads an Avro file by nothing but the schema in it: what a reader of another make
// would see. Records become maps by field, and it checks that every field has an id.
func readAvro(t *testing.T, data []byte) (meta map[string]string, items []map[string]any) {
	t.Helper()
	r := &avroReader{t: t, r: bytes.NewReader(data), named: map[string]any{}}
	if magic := r.bytes(4); string(magic) != "Obj\x01" {
		t.Fatalf("it begins with %q", magic)
	}
	meta = map[string]string{}
	for n := r.long(); n != 0; n = r.long() {
		for range n {
			key := string(r.bytes(r.long()))
			meta[key] = string(r.bytes(r.long()))
		}
	}
	var schema any
	if err := json.Unmarshal([]byte(meta["avro.schema"]), &schema); err != nil {
		t.Fatalf("avro.schema: %v in %s", err, meta["avro.schema"])
	}
	sync := string(r.bytes(16))
	for r.r.Len() > 0 {
		n, packed := r.long(), r.bytes(r.long())
		if string(r.bytes(16)) != sync {
			t.Fatal("a block does not end with the mark of the file")
		}
		plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
		if err != nil {
			t.Fatal(err)
		}
		block := &avroReader{t: t, r: bytes.NewReader(plain), named: r.named}
		for range n {
			items = append(items, block.value(schema).(map[string]any))
		}
		if block.r.Len() > 0 {
			t.Fatalf("%d bytes are left of a block", block.r.Len())
		}
	}
	return meta, items
}

type avroReader struct {
	t     *testing.T
	r     *bytes.Reader
	named map[string]any
}

func (r *avroReader) long() int64 {
	n, err := binary.ReadVarint(r.r)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *avroReader) bytes(n int64) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *avroReader) value(schema any) any {
	switch s := schema.(type) {
	case string:
		switch s {
		case "null":
			return nil
		case "int", "long":
			return r.long()
		case "string":
			return string(r.bytes(r.long()))
		case "bytes":
			return r.bytes(r.long())
		case "boolean":
			return r.bytes(1)[0] == 1
		}
		if named, ok := r.named[s]; ok {
			return r.value(named)
		}
	case []any:
		return r.value(s[r.long()])
	case map[string]any:
		switch s["type"] {
		case "record":
			r.named[s["name"].(string)] = s
			out := map[string]any{}
			for _, f := range s["fields"].([]any) {
				field := f.(map[string]any)
				if _, ok := field["field-id"].(float64); !ok {
					r.t.Fatalf("the field %v has no id", field["name"])
				}
				out[field["name"].(string)] = r.value(field["type"])
			}
			return out
		case "array":
			out := []any{}
			for n := r.long(); n != 0; n = r.long() {
				for range n {
					out = append(out, r.value(s["items"]))
				}
			}
			if s["logicalType"] != "map" {
				return out
			}
			m := map[int64]any{}
			for _, x := range out {
				m[x.(map[string]any)["key"].(int64)] = x.(map[string]any)["value"]
			}
			return m
		default:
			return r.value(s["type"])
		}
	}
	r.t.Fatalf("no type: %v", schema)
	return nil
}

// words says of an item what it is, for messages.
func words(m map[string]any) string {
	var b strings.Builder
	fmt.Fprint(&b, m)
	return b.String()
}
