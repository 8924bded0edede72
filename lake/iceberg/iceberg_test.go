package iceberg_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/iceberg"
	"github.com/yagura-sec/yagura/store"
)

var start = time.Date(2026, 4, 30, 22, 0, 0, 0, time.UTC)

// shore is a lake in a folder with a real catalogue, and its tables.
type shore struct {
	t       *testing.T
	db      *store.DB
	disk    lake.Disk
	mu      sync.Mutex // writers of a lake ask for the time too
	now     time.Time
	columns []string // that records have beside the common ones
}

func newShore(t *testing.T) *shore {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(dir, "data"), AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &shore{t: t, db: db, disk: lake.Disk(filepath.Join(dir, "lake")), now: start.Add(1000 * time.Hour), columns: []string{"event_type"}}
}

func (s *shore) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Second)
	return s.now
}

// put keeps records of one object, one per hour, and a last one that does not say its time.
func (s *shore) put(object string, n int) {
	s.t.Helper()
	l, err := lake.Open(s.t.Context(), lake.Options{Catalogue: s.db.Lake(), Blobs: s.disk, Writer: "w", Flush: time.Hour, Now: s.clock,
		Columns: func(string) []string { return s.columns }})
	if err != nil {
		s.t.Fatal(err)
	}
	run := keep.Run{Format: "aws.cloudtrail"}
	for i := range n {
		e := &yagura.Event{ID: fmt.Sprintf("%s-%d", object, i), Account: fmt.Sprint("11112222333", i%3), Action: strings.Repeat("あ", 40) + fmt.Sprint(i), Time: start.Add(time.Duration(i) * time.Hour), Content: uint64(i)}
		if i == n-1 {
			e.Time = time.Time{}
		}
		for _, c := range s.columns {
			e.Detail.More = append(e.Detail.More, yagura.Column{Name: c, Value: c + object})
		}
		r := keep.Record{Raw: fmt.Appendf(nil, `{"object":%q,"n":%d}`, object, i), Time: e.Time, Event: e, Keyed: true}
		copy(r.Key[:], fmt.Sprintf("%-10s%06d", object, i))
		run.Records = append(run.Records, r)
	}
	if err := l.Put(s.t.Context(), &keep.Batch{Source: "s", Object: object, Runs: []keep.Run{run}, Done: func(_ []yagura.KeptRange, err error) {
		if err != nil {
			s.t.Error(err)
		}
	}}); err != nil {
		s.t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shore) compact() {
	s.t.Helper()
	c, err := lake.NewCompactor(lake.CompactOptions{Catalogue: s.db.Lake(), Blobs: s.disk, Writer: "w", Settled: -1, Now: s.clock})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := c.Run(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shore) files() []lake.File {
	s.t.Helper()
	list, err := s.db.Lake().Files(s.t.Context(), lake.Filter{})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *shore) options() iceberg.Options {
	return iceberg.Options{Files: s.files(), Place: s.disk, Location: string(s.disk), Now: s.clock}
}

func (s *shore) publish() []iceberg.Table {
	s.t.Helper()
	tables, err := iceberg.Publish(s.t.Context(), s.options())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range []string{"head", "raw"} {
		s.check(name)
	}
	return tables
}

// state is what a reader of another make finds in a table.
type state struct {
	meta      map[string]any
	ids       map[string]int64 // of columns
	snapshot  map[string]any
	entries   []map[string]any // of the current snapshot, deleted ones too
	manifests []map[string]any
	refers    map[string]bool // names of all files that the metadata refers to
}

func (s *shore) read(uri any) []byte {
	s.t.Helper()
	b, err := os.ReadFile(uri.(string))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// load reads a table from its version hint on.
func (s *shore) load(table string) *state {
	s.t.Helper()
	dir := filepath.Join(string(s.disk), table, "metadata")
	hint := string(s.read(filepath.Join(dir, "version-hint.text")))
	newest := filepath.Join(dir, "v"+hint+".metadata.json")
	st := &state{ids: map[string]int64{}, refers: map[string]bool{newest: true, filepath.Join(dir, "version-hint.text"): true}}
	d := json.NewDecoder(bytes.NewReader(s.read(newest)))
	d.UseNumber() // the ids of snapshots do not fit into a float
	if err := d.Decode(&st.meta); err != nil {
		s.t.Fatal(err)
	}
	for _, x := range st.meta["metadata-log"].([]any) {
		st.refers[x.(map[string]any)["metadata-file"].(string)] = true
	}
	mapping := st.meta["properties"].(map[string]any)["schema.name-mapping.default"].(string)
	var mapped []struct {
		ID    int64    `json:"field-id"`
		Names []string `json:"names"`
	}
	if err := json.Unmarshal([]byte(mapping), &mapped); err != nil {
		s.t.Fatal(err)
	}
	for _, m := range mapped {
		st.ids[m.Names[0]] = m.ID
	}
	for _, x := range st.meta["snapshots"].([]any) {
		snap := x.(map[string]any)
		st.refers[snap["manifest-list"].(string)] = true
		meta, list := readAvro(s.t, s.read(snap["manifest-list"]))
		if meta["snapshot-id"] != snap["snapshot-id"].(json.Number).String() {
			s.t.Errorf("the list of snapshot %v says it is of %s", snap["snapshot-id"], meta["snapshot-id"])
		}
		for _, m := range list {
			st.refers[m["manifest_path"].(string)] = true
			if snap["snapshot-id"] == st.meta["current-snapshot-id"] {
				st.snapshot = snap
				st.manifests = append(st.manifests, m)
				data := s.read(m["manifest_path"])
				if int64(len(data)) != m["manifest_length"].(int64) {
					s.t.Errorf("%s has %d bytes, not %d", m["manifest_path"], len(data), m["manifest_length"])
				}
				_, entries := readAvro(s.t, data)
				st.entries = append(st.entries, entries...)
			}
		}
	}
	return st
}

// check holds a table against the catalogue.
func (s *shore) check(table string) *state {
	s.t.Helper()
	st := s.load(table)
	live := map[string]*lake.File{}
	for _, f := range s.files() {
		name := f.Head
		if table == "raw" {
			name = f.Raw
		}
		if table == "head" || f.RawSize > 0 {
			live[filepath.Join(string(s.disk), filepath.FromSlash(name))] = &f
		}
	}
	var rows int64
	for _, x := range st.entries {
		if x["status"] == int64(2) {
			continue
		}
		data := x["data_file"].(map[string]any)
		f := live[data["file_path"].(string)]
		if f == nil {
			s.t.Errorf("%s is in the table and not live, or twice", data["file_path"])
			continue
		}
		delete(live, data["file_path"].(string))
		rows += f.Rows
		size, parts := f.HeadSize, map[string]any{"format": f.Format}
		if table == "raw" {
			size, parts = f.RawSize, map[string]any{"log": f.Format, "day": f.Day}
		}
		if diff := cmp.Diff(parts, data["partition"]); diff != "" {
			s.t.Errorf("partition: %s", diff)
		}
		if data["record_count"] != f.Rows || data["file_size_in_bytes"] != size || data["file_format"] != "PARQUET" || data["content"] != int64(0) {
			s.t.Errorf("%s, and the catalogue says %+v", words(data), f)
		}
		s.bounds(st, data)
	}
	for name := range live {
		s.t.Errorf("%s is live and not in the table %s", name, table)
	}
	if st.snapshot != nil {
		if got := st.snapshot["summary"].(map[string]any)["total-records"]; got != fmt.Sprint(rows) {
			s.t.Errorf("total-records is %v, not %d", got, rows)
		}
	}
	err := filepath.WalkDir(filepath.Join(string(s.disk), table, "metadata"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !st.refers[path] {
			s.t.Errorf("%s is there, and nothing refers to it", path)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// bounds reads a Parquet file and holds what the manifest says of its columns against it.
func (s *shore) bounds(st *state, data map[string]any) {
	s.t.Helper()
	f, err := os.Open(data["file_path"].(string))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it is only read
	info, err := f.Stat()
	if err != nil {
		s.t.Fatal(err)
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		s.t.Fatal(err)
	}
	lower, upper := data["lower_bounds"].(map[int64]any), data["upper_bounds"].(map[int64]any)
	if len(lower) == 0 || len(lower) != len(upper) {
		s.t.Errorf("%d lower and %d upper bounds", len(lower), len(upper))
	}
	counts, nulls := data["value_counts"].(map[int64]any), data["null_value_counts"].(map[int64]any)
	for _, column := range file.Schema().Fields() {
		fid, ok := st.ids[column.Name()]
		if !ok {
			s.t.Errorf("the column %s has no id", column.Name())
			continue
		}
		leaf, _ := file.Schema().Lookup(column.Name())
		var values, empty int64
		for _, g := range file.RowGroups() {
			pages := g.ColumnChunks()[leaf.ColumnIndex].Pages()
			for {
				page, err := pages.ReadPage()
				if err != nil {
					break
				}
				list := make([]parquet.Value, page.NumValues())
				n, _ := page.Values().ReadValues(list) //nolint:errcheck // fewer values are an error below
				for _, v := range list[:n] {
					values++
					if v.IsNull() {
						empty++
						continue
					}
					if lo, bounded := lower[fid].([]byte); bounded && !within(v, lo, upper[fid].([]byte)) {
						s.t.Errorf("%s: %v is not within %q and %q", column.Name(), v, lo, upper[fid])
					}
				}
			}
			pages.Close() //nolint:errcheck // it is only read
		}
		if counts[fid] != values || nulls[fid] != empty {
			s.t.Errorf("%s: %v values and %v nulls, not %d and %d", column.Name(), counts[fid], nulls[fid], values, empty)
		}
	}
}

func within(v parquet.Value, lo, hi []byte) bool {
	switch v.Kind() {
	case parquet.Int64:
		return int64(binary.LittleEndian.Uint64(lo)) <= v.Int64() && v.Int64() <= int64(binary.LittleEndian.Uint64(hi))
	case parquet.Int32:
		return int32(binary.LittleEndian.Uint32(lo)) <= v.Int32() && v.Int32() <= int32(binary.LittleEndian.Uint32(hi))
	}
	return string(lo) <= string(v.ByteArray()) && string(v.ByteArray()) <= string(hi)
}

// statuses counts the entries of the current snapshot: existing, added, deleted.
func (st *state) statuses() (n [3]int) {
	for _, x := range st.entries {
		n[x["status"].(int64)]++
	}
	return n
}

func TestPublish(t *testing.T) {
	s := newShore(t)
	s.put("a", 30) // two months, three days and no time
	tables := s.publish()
	if tables[0].Added != 4 || tables[0].Rows != 30 || tables[0].Version != 1 || tables[1].Name != "raw" || tables[1].Files != 4 {
		t.Errorf("%+v", tables)
	}
	st := s.check("head")
	if st.statuses() != [3]int{0, 4, 0} || st.snapshot["summary"].(map[string]any)["operation"] != "append" || st.snapshot["parent-snapshot-id"] != nil {
		t.Errorf("%v %v", st.statuses(), st.snapshot)
	}
	first := st.ids

	// Nothing changed: nothing is written.
	if again := s.publish(); again[0].Version != 1 || again[0].Snapshot != tables[0].Snapshot || again[0].Added+again[0].Removed != 0 || again[0].Rows != 30 {
		t.Errorf("%+v", again)
	}

	// More files, with a column more: those from before stay what they were, and the manifests of
	// months that nothing came for are the same.
	before := map[string]bool{}
	for _, m := range st.manifests {
		before[m["manifest_path"].(string)] = true
	}
	s.columns = []string{"read_only", "event_type"}
	s.put("b", 2)
	tables = s.publish()
	st = s.check("head")
	if tables[0].Added != 2 || tables[0].Files != 6 || st.statuses() != [3]int{2, 4, 0} { // two of a manifest that is used again were added by the first
		t.Errorf("%+v %v", tables[0], st.statuses())
	}
	reused := 0
	for _, m := range st.manifests {
		if before[m["manifest_path"].(string)] {
			reused++
		}
		if m["sequence_number"].(int64) < m["min_sequence_number"].(int64) {
			t.Errorf("%s", words(m))
		}
	}
	if reused != 1 || len(st.manifests) != 3 {
		t.Errorf("%d of %d manifests are used again", reused, len(st.manifests))
	}
	for name, id := range first {
		if st.ids[name] != id {
			t.Errorf("%s had the id %d and has %d", name, id, st.ids[name])
		}
	}
	if len(st.ids) != len(first)+1 || st.meta["current-schema-id"] != json.Number("1") || len(st.meta["schemas"].([]any)) != 2 {
		t.Errorf("%d columns after %d, schema %v", len(st.ids), len(first), st.meta["current-schema-id"])
	}

	// Compaction: files are gone, and others have their rows.
	s.compact()
	tables = s.publish()
	st = s.check("head")
	if n := st.statuses(); tables[0].Removed != n[2] || n[2] == 0 || st.snapshot["summary"].(map[string]any)["operation"] != "overwrite" || tables[0].Rows != 32 {
		t.Errorf("%+v %v", tables[0], n)
	}
	for _, x := range st.entries {
		if x["snapshot_id"] == nil || x["sequence_number"] == nil || x["file_sequence_number"] == nil {
			t.Errorf("an entry does not say of which snapshot it is: %s", words(x))
		}
	}
	s.put("c", 2) // deleted ones are said once
	s.publish()
	if n := s.check("head").statuses(); n[2] != 0 {
		t.Errorf("%v", n)
	}
}

// TestExpire publishes many times: what is old goes, and nothing that is referred to.
func TestExpire(t *testing.T) {
	s := newShore(t)
	for i := range 24 {
		s.put(fmt.Sprint("o", i), 3)
		if i%5 == 4 {
			s.compact()
		}
		s.publish()
	}
	st := s.check("raw")
	if n := len(st.meta["snapshots"].([]any)); n != 10 {
		t.Errorf("%d snapshots", n)
	}
	for name := range st.refers {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

func TestEmptyAndRetained(t *testing.T) {
	s := newShore(t)
	if tables := s.publish(); tables[0].Version != 1 || tables[0].Snapshot != 0 {
		t.Errorf("%+v", tables)
	}
	s.put("a", 5)
	k, err := lake.NewRetainer(lake.RetainOptions{Catalogue: s.db.Lake(), Blobs: s.disk, Writer: "r", Now: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	s.publish()
	if _, err := k.Run(t.Context(), lake.Retention{Entries: []lake.RetentionEntry{{Raw: time.Hour}}}); err != nil {
		t.Fatal(err)
	}
	tables := s.publish()
	if tables[0].Rows != 5 || tables[1].Rows != 5 || tables[0].Removed != 2 { // what does not say its time has just come
		t.Errorf("%+v", tables)
	}
}
