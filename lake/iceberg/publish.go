package iceberg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/lake"
)

// Place is where the lake's files are, and the metadata among them.
type Place interface {
	lake.Blobs
	// Replace makes a file with this content, or puts it in the place of the one of that name, in
	// one step.
	Replace(ctx context.Context, name string, content []byte) error
}

// ErrConcurrent is returned where another process published the same version first.
var ErrConcurrent = errors.New("another process published the table meanwhile")

// Options of [Publish]. Place and Location are needed.
type Options struct {
	Files []lake.File // that are live
	Place Place
	// Location is where the lake is as engines spell it, such as s3://bucket/prefix. Files are
	// named by it in the metadata.
	Location string
	Now      func() time.Time
}

// Table says what became of a table.
type Table struct {
	Name     string // head or raw
	Metadata string // the newest metadata file, as engines spell it
	Version  int
	Snapshot int64 // 0: there is none, as there was never a file
	Files    int
	Rows     int64
	Added    int // files that were not in the snapshot before
	Removed  int // files that were
}

// How much stays for readers that have begun.
const (
	keptSnapshots = 10
	keptVersions  = 10
)

// Publish brings both tables to the files that are live. Where nothing changed nothing is
// written. A table that was published for another location is begun anew, with its columns.
func Publish(ctx context.Context, o Options) ([]Table, error) {
	o.Location = strings.TrimRight(o.Location, "/")
	if o.Location == "" || strings.ContainsAny(o.Location, "\n\r\x00") {
		return nil, fmt.Errorf("iceberg: %q is no place of a lake: write s3://bucket/prefix, gs://bucket/prefix or a folder", o.Location)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	var out []Table
	for _, name := range []string{"head", "raw"} {
		p := publisher{o: o, table: name, layout: layouts[name]}
		t, err := p.publish(ctx)
		if err != nil {
			return out, fmt.Errorf("iceberg: table %s: %w", name, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// publisher publishes one table.
type publisher struct {
	o      Options
	table  string
	layout layout
	meta   *metadata
	schema schema
	spec   partitionSpec
	grown  bool     // schema has columns that the last version's has not
	fresh  []string // files that were written and that nothing refers to yet
}

func (p *publisher) uri(name string) string { return p.o.Location + "/" + name }

// name is the name in the lake of what a metadata file names.
func (p *publisher) name(uri string) (string, error) {
	base := p.uri(p.table)
	if p.meta != nil {
		base = p.meta.Location
	}
	name, ok := strings.CutPrefix(uri, base+"/metadata/")
	if !ok || strings.Contains(name, "/") {
		return "", fmt.Errorf("%s is not below %s/metadata", uri, base)
	}
	return p.table + "/metadata/" + name, nil
}

// half returns the name and the size of the file of the table; "" where it was dropped.
func (p *publisher) half(f *lake.File) (string, int64) {
	if p.table == "raw" {
		if f.RawSize == 0 {
			return "", 0
		}
		return f.Raw, f.RawSize
	}
	return f.Head, f.HeadSize
}

func (p *publisher) publish(ctx context.Context) (t Table, err error) {
	version, meta, err := newest(ctx, p.o.Place, p.table)
	if err != nil {
		return t, err
	}
	p.meta = meta
	if err := p.begin(); err != nil {
		return t, err
	}
	var old []manifest
	var before []entry
	moved := meta != nil && meta.Location != p.uri(p.table)
	if meta != nil && !moved {
		if old, before, err = p.last(ctx); err != nil {
			return t, err
		}
	}
	entries, same, err := p.compare(ctx, before)
	if err != nil {
		return t, err
	}
	t = Table{Name: p.table, Version: version, Files: len(entries)}
	for i := range entries {
		switch entries[i].status {
		case deleted:
			t.Removed++
			t.Files--
			continue
		case added:
			t.Added++
		}
		t.Rows += entries[i].rows
	}
	if !moved && !p.grown && t.Added+t.Removed == 0 {
		t.Metadata, t.Snapshot = p.uri(versionFile(p.table, version)), max(meta.Current, 0)
		return t, nil
	}
	next, gone, err := p.next(ctx, version, moved, entries, same, old, &t)
	if err != nil {
		return t, errors.Join(err, p.undo(ctx))
	}
	text, err := json.Marshal(next)
	if err != nil {
		return t, errors.Join(err, p.undo(ctx))
	}
	t.Version, t.Metadata, t.Snapshot = version+1, p.uri(versionFile(p.table, version+1)), max(next.Current, 0)
	err = p.o.Place.Put(ctx, versionFile(p.table, version+1), text)
	if errors.Is(err, fs.ErrExist) {
		return t, errors.Join(fmt.Errorf("%w: %w", ErrConcurrent, err), p.undo(ctx))
	}
	if err != nil {
		return t, err // it may have been written all the same, so what it refers to stays
	}
	if err := p.o.Place.Replace(ctx, p.table+"/metadata/version-hint.text", fmt.Appendf(nil, "%d", version+1)); err != nil {
		return t, err
	}
	for _, name := range gone {
		if err := p.o.Place.Delete(ctx, name); err != nil {
			return t, err
		}
	}
	return t, nil
}

// undo removes what was written and is not referred to.
func (p *publisher) undo(ctx context.Context) (err error) {
	for _, name := range p.fresh {
		err = errors.Join(err, p.o.Place.Delete(context.WithoutCancel(ctx), name))
	}
	return err
}

// last reads what the newest snapshot has.
func (p *publisher) last(ctx context.Context) ([]manifest, []entry, error) {
	s := p.meta.snapshot()
	if s == nil {
		return nil, nil, nil
	}
	list, err := p.manifests(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	var out []entry
	for i := range list {
		name, err := p.name(list[i].path)
		if err != nil {
			return nil, nil, err
		}
		b, err := read(ctx, p.o.Place, name)
		if err != nil {
			return nil, nil, err
		}
		err = readContainer(b, func(d *decoder) {
			x := readEntry(d, len(p.spec.Fields))
			_, group, gerr := p.parts(strings.TrimPrefix(x.path, p.o.Location+"/"), x.parts[0])
			if d.err == nil && gerr != nil {
				d.err = gerr
			}
			x.group, list[i].group = group, group
			if x.status != deleted {
				out = append(out, x)
			}
		})
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return list, out, nil
}

// manifests reads the manifest list of a snapshot.
func (p *publisher) manifests(ctx context.Context, s *snapshot) ([]manifest, error) {
	name, err := p.name(s.List)
	if err != nil {
		return nil, err
	}
	b, err := read(ctx, p.o.Place, name)
	if err != nil {
		return nil, err
	}
	var out []manifest
	if err := readContainer(b, func(d *decoder) { out = append(out, readManifest(d)) }); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// compare returns the files of the next snapshot, those that are gone among them, and the groups
// in which nothing changed. It reads the footers of new files.
func (p *publisher) compare(ctx context.Context, before []entry) ([]entry, map[string]bool, error) {
	known := make(map[string]entry, len(before))
	same := map[string]bool{}
	for _, x := range before {
		known[x.path] = x
		same[x.group] = true
	}
	var out []entry
	for i := range p.o.Files {
		f := &p.o.Files[i]
		name, size := p.half(f)
		if name == "" {
			continue
		}
		path := p.uri(name)
		if x, ok := known[path]; ok {
			x.status = existing
			out = append(out, x)
			delete(known, path)
			continue
		}
		parts, group, err := p.parts(name, f.Format)
		if err != nil {
			return nil, nil, err
		}
		s, err := p.stats(ctx, f, name, size)
		if err != nil {
			return nil, nil, err
		}
		x := entry{status: added, path: path, parts: parts, group: group, rows: f.Rows, data: dataFile(path, parts, f.Rows, size, s)}
		same[x.group] = false
		out = append(out, x)
	}
	for _, path := range slices.Sorted(maps.Keys(known)) {
		x := known[path]
		x.status = deleted
		same[x.group] = false
		out = append(out, x)
	}
	return out, same, nil
}

// parts says of which partition a file is, and which files share a manifest with it: of head those
// of its format and month, of raw those of its folder for the log and month.
func (p *publisher) parts(name, format string) (parts []string, group string, err error) {
	folders := strings.Split(name, "/")
	if len(folders) == 4 {
		log, isLog := strings.CutPrefix(folders[1], "log=")
		day, isDay := strings.CutPrefix(folders[2], "day=")
		if isLog && isDay {
			parts = []string{format}
			if p.table == "raw" {
				parts = []string{log, day}
			}
			return parts, parts[0] + "/" + day[:min(len(day), len("2026-05"))], nil
		}
	}
	return nil, "", fmt.Errorf("%q is no name of a lake file", name)
}

// next makes the metadata of the next version, writes the manifests and their list, and says
// which files nobody needs once it is there.
func (p *publisher) next(ctx context.Context, version int, moved bool, entries []entry, same map[string]bool, old []manifest, t *Table) (*metadata, []string, error) {
	now := p.o.Now().UnixMilli()
	m := metadata{Format: 2, UUID: randomUUID(), Current: -1, LastPartition: firstPartition + len(p.spec.Fields) - 1, Specs: []partitionSpec{p.spec},
		Orders: []sortOrder{{Fields: []struct{}{}}}, Refs: map[string]ref{}, Snapshots: []snapshot{}, SnapshotLog: []snapshotLog{}, MetadataLog: []metadataLog{},
		Statistics: []struct{}{}, PartitionStats: []struct{}{}}
	var unused []string
	if p.meta != nil {
		last := *p.meta
		m.UUID, m.Sequence, m.Schemas, m.MetadataLog = last.UUID, last.Sequence, slices.Clone(last.Schemas), slices.Clone(last.MetadataLog)
		if !moved {
			m.Current, m.Snapshots, m.SnapshotLog = last.Current, slices.Clone(last.Snapshots), slices.Clone(last.SnapshotLog)
			m.MetadataLog = append(m.MetadataLog, metadataLog{last.Updated, p.uri(versionFile(p.table, version))})
		} else if gone, err := p.all(ctx, version); err != nil {
			return nil, nil, err
		} else {
			m.MetadataLog, unused = m.MetadataLog[:0], gone
		}
		now = max(now, last.Updated+1) // snapshots of one table follow one another in time
	}
	m.Updated, m.Location = now, p.uri(p.table)
	if p.grown {
		p.schema.ID = len(m.Schemas)
		m.Schemas = append(m.Schemas, p.schema)
	}
	m.CurrentSchema, m.LastColumn = p.schema.ID, p.schema.last()
	mapping, err := p.schema.mapping()
	if err != nil {
		return nil, nil, err
	}
	// Without gc.enabled no engine's clean-up deletes lake files, which the catalogue alone may do.
	m.Properties = map[string]string{ownerProperty: owner, nameMapping: mapping, "gc.enabled": "false", "write.format.default": "parquet"}

	if t.Added+t.Removed > 0 {
		s, err := p.snapshot(ctx, &m, entries, same, old, t)
		if err != nil {
			return nil, nil, err
		}
		m.Sequence, m.Current = s.Sequence, s.ID
		m.Snapshots = append(m.Snapshots, *s)
		m.SnapshotLog = append(m.SnapshotLog, snapshotLog{now, s.ID})
		gone, err := p.expire(ctx, &m)
		if err != nil {
			return nil, nil, err
		}
		unused = append(unused, gone...)
	}
	if m.Current >= 0 {
		m.Refs["main"] = ref{m.Current, "branch"}
	}
	for len(m.MetadataLog) > keptVersions {
		if name, err := p.name(m.MetadataLog[0].File); err == nil {
			unused = append(unused, name)
		}
		m.MetadataLog = m.MetadataLog[1:]
	}
	return &m, unused, nil
}

// put writes a file that nothing refers to yet.
func (p *publisher) put(ctx context.Context, name string, content []byte) error {
	p.fresh = append(p.fresh, name)
	return p.o.Place.Put(ctx, name, content)
}
