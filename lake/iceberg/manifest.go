package iceberg

import (
	"encoding/json"
	"maps"
	"slices"
)

// What became of a file in a snapshot.
const (
	existing = 0
	added    = 1
	deleted  = 2
)

// entry is a file of a table as a manifest has it.
type entry struct {
	status   int
	snapshot int64 // that it was added or deleted by
	sequence int64
	path     string
	parts    []string // its partition
	group    string   // of files that share a manifest: a format or folder of one, and a month
	rows     int64
	data     []byte // the record data_file in Avro's form
}

// stats are what a manifest says of the columns of a file, by the ids of fields.
type stats struct {
	sizes, values, nulls map[int]int64
	lower, upper         map[int][]byte
	offsets              []int64 // of the row groups
}

// dataFile writes the record data_file of a file of the lake.
func dataFile(path string, parts []string, rows, size int64, s *stats) []byte {
	var e encoder
	e.int(0) // data, not deletes
	e.text(path)
	e.text("PARQUET")
	for _, v := range parts {
		e.someText(v)
	}
	e.long(rows)
	e.long(size)
	for _, m := range []map[int]int64{s.sizes, s.values, s.nulls} {
		pairs(&e, m, e.long)
	}
	for _, m := range []map[int][]byte{s.lower, s.upper} {
		pairs(&e, m, e.bytes)
	}
	if len(s.offsets) == 0 {
		e.none()
		return e.b
	}
	e.some()
	e.int(len(s.offsets))
	for _, n := range s.offsets {
		e.long(n)
	}
	e.int(0)
	return e.b
}

// pairs writes a map with integer keys, or null for an empty one.
func pairs[V any](e *encoder, m map[int]V, write func(V)) {
	if len(m) == 0 {
		e.none()
		return
	}
	e.some()
	e.int(len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		e.int(k)
		write(m[k])
	}
	e.int(0)
}

// append writes an entry.
func (x *entry) append(e *encoder) {
	e.int(x.status)
	for _, n := range []int64{x.snapshot, x.sequence, x.sequence} {
		e.some()
		e.long(n)
	}
	e.b = append(e.b, x.data...)
}

// readEntry reads an entry of a table with so many partition fields. Its data stays as it was
// written.
func readEntry(d *decoder, fields int) entry {
	x := entry{status: int(d.long())}
	optional := func() int64 {
		if d.some() {
			return d.long()
		}
		return 0
	}
	x.snapshot, x.sequence = optional(), optional()
	optional() // the sequence of the file is that of its data: files are never rewritten
	whole := d.b
	d.long()
	x.path = d.text()
	d.text()
	for range fields {
		x.parts = append(x.parts, d.someText())
	}
	x.rows = d.long()
	d.long()
	for range 3 {
		if d.some() {
			d.array(func() { d.long(); d.long() })
		}
	}
	for range 2 {
		if d.some() {
			d.array(func() { d.long(); d.bytes() })
		}
	}
	if d.some() {
		d.array(func() { d.long() })
	}
	if d.err == nil {
		x.data = whole[:len(whole)-len(d.b)]
	}
	return x
}

// manifest is a manifest file as the list of a snapshot has it.
type manifest struct {
	path            string
	length          int64
	sequence, least int64
	snapshot        int64
	files           [3]int // by status
	rows            [3]int64
	lower, upper    []string // of the partitions
	group           string   // of its files; the list does not say it
}

// append writes it.
func (m *manifest) append(e *encoder) {
	e.text(m.path)
	e.long(m.length)
	e.int(0) // the partition spec, of which there is one
	e.int(0) // of data files
	e.long(m.sequence)
	e.long(m.least)
	e.long(m.snapshot)
	for _, status := range []int{added, existing, deleted} {
		e.int(m.files[status])
	}
	for _, status := range []int{added, existing, deleted} {
		e.long(m.rows[status])
	}
	e.some()
	e.int(len(m.lower))
	for i := range m.lower {
		e.bool(false)
		e.none()
		e.someText(m.lower[i])
		e.someText(m.upper[i])
	}
	e.int(0)
}

// readManifest reads one.
func readManifest(d *decoder) manifest {
	m := manifest{path: d.text(), length: d.long()}
	d.long()
	d.long()
	m.sequence, m.least, m.snapshot = d.long(), d.long(), d.long()
	for _, status := range []int{added, existing, deleted} {
		m.files[status] = int(d.long())
	}
	for _, status := range []int{added, existing, deleted} {
		m.rows[status] = d.long()
	}
	if d.some() {
		d.array(func() {
			d.bool()
			if d.some() {
				d.bool()
			}
			m.lower = append(m.lower, d.someText())
			m.upper = append(m.upper, d.someText())
		})
	}
	return m
}

// add counts an entry.
func (m *manifest) add(x *entry) {
	if m.files == [3]int{} {
		m.lower, m.upper, m.least = slices.Clone(x.parts), slices.Clone(x.parts), x.sequence
	}
	m.files[x.status]++
	m.rows[x.status] += x.rows
	for i, v := range x.parts {
		m.lower[i], m.upper[i] = min(m.lower[i], v), max(m.upper[i], v)
	}
	m.least = min(m.least, x.sequence)
}

// manifestBytes is the file of a manifest.
func manifestBytes(s *schema, spec *partitionSpec, list []entry) ([]byte, error) {
	inside, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	parts, err := json.Marshal(spec.Fields)
	if err != nil {
		return nil, err
	}
	return container(entrySchema(spec), []pair{{"schema", string(inside)}, {"schema-id", text(s.ID)}, {"partition-spec", string(parts)},
		{"partition-spec-id", text(spec.ID)}, {"format-version", "2"}, {"content", "data"}}, len(list), func(i int, e *encoder) { list[i].append(e) })
}

// listBytes is the file of a manifest list.
func listBytes(s *snapshot, list []manifest) ([]byte, error) {
	parent := "null"
	if s.Parent != nil {
		parent = text(*s.Parent)
	}
	return container(listSchema, []pair{{"snapshot-id", text(s.ID)}, {"parent-snapshot-id", parent}, {"sequence-number", text(s.Sequence)}, {"format-version", "2"}},
		len(list), func(i int, e *encoder) { list[i].append(e) })
}
