package iceberg

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
)

// snapshot writes the manifests of a snapshot and their list.
func (p *publisher) snapshot(ctx context.Context, m *metadata, entries []entry, same map[string]bool, old []manifest, t *Table) (*snapshot, error) {
	s := &snapshot{ID: randomID(), Sequence: m.Sequence + 1, At: m.Updated, Schema: p.schema.ID}
	if m.Current >= 0 {
		parent := m.Current
		s.Parent = &parent
	}
	groups := map[string][]entry{}
	var addedRows, removedRows int64
	for _, x := range entries {
		switch x.status {
		case added:
			x.snapshot, x.sequence = s.ID, s.Sequence
			addedRows += x.rows
		case deleted:
			x.snapshot = s.ID
			removedRows += x.rows
		}
		groups[x.group] = append(groups[x.group], x)
	}
	var list []manifest
	for i := range old {
		if same[old[i].group] && old[i].files[deleted] == 0 {
			list = append(list, old[i])
			delete(groups, old[i].group)
		}
	}
	for i, g := range slices.Sorted(maps.Keys(groups)) {
		b, err := manifestBytes(&p.schema, &p.spec, groups[g])
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("%s/metadata/%d-m%d.avro", p.table, s.ID, i)
		if err := p.put(ctx, name, b); err != nil {
			return nil, err
		}
		one := manifest{path: p.uri(name), length: int64(len(b)), sequence: s.Sequence, snapshot: s.ID}
		for j := range groups[g] {
			one.add(&groups[g][j])
		}
		list = append(list, one)
	}
	b, err := listBytes(s, list)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s/metadata/snap-%d.avro", p.table, s.ID)
	if err := p.put(ctx, name, b); err != nil {
		return nil, err
	}
	s.List = p.uri(name)
	s.Summary = map[string]string{"operation": "append", "added-data-files": text(t.Added), "added-records": text(addedRows),
		"total-data-files": text(t.Files), "total-records": text(t.Rows), "total-delete-files": "0", "total-position-deletes": "0", "total-equality-deletes": "0"}
	if t.Removed > 0 {
		s.Summary["operation"] = "overwrite"
		s.Summary["deleted-data-files"], s.Summary["deleted-records"] = text(t.Removed), text(removedRows)
	}
	return s, nil
}

// all names every file that the newest version refers to, and itself.
func (p *publisher) all(ctx context.Context, version int) ([]string, error) {
	out := map[string]bool{versionFile(p.table, version): true}
	take := func(uri string) {
		if name, err := p.name(uri); err == nil {
			out[name] = true
		}
	}
	for _, l := range p.meta.MetadataLog {
		take(l.File)
	}
	for i := range p.meta.Snapshots {
		list, err := p.manifests(ctx, &p.meta.Snapshots[i])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		take(p.meta.Snapshots[i].List)
		for _, m := range list {
			take(m.path)
		}
	}
	return slices.Sorted(maps.Keys(out)), nil
}

// expire takes the oldest snapshots out and says which manifests and lists nobody needs then.
func (p *publisher) expire(ctx context.Context, m *metadata) ([]string, error) {
	n := len(m.Snapshots) - keptSnapshots
	if n <= 0 {
		return nil, nil
	}
	unused := map[string]bool{}
	for i := range m.Snapshots {
		list, err := p.manifests(ctx, &m.Snapshots[i])
		if errors.Is(err, fs.ErrNotExist) && i < n {
			continue // an earlier run came as far as to delete it
		}
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			if name, err := p.name(x.path); err == nil && i < n {
				unused[name] = true
			} else if err == nil {
				delete(unused, name)
			}
		}
		if i < n {
			name, err := p.name(m.Snapshots[i].List)
			if err != nil {
				return nil, err
			}
			unused[name] = true
		}
	}
	m.Snapshots = slices.Clone(m.Snapshots[n:]) // the first one still names its parent, which nobody needs
	m.SnapshotLog = slices.DeleteFunc(m.SnapshotLog, func(l snapshotLog) bool {
		return !slices.ContainsFunc(m.Snapshots, func(s snapshot) bool { return s.ID == l.ID })
	})
	return slices.Sorted(maps.Keys(unused)), nil
}

// randomID makes the id of a snapshot.
func randomID() int64 {
	var b [8]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	return max(int64(binary.LittleEndian.Uint64(b[:])&math.MaxInt64), 1)
}

// randomUUID makes the UUID of a table, version 4.
func randomUUID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
