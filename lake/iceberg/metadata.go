package iceberg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// metadata is the metadata file of a table, format version 2.
type metadata struct {
	Format         int               `json:"format-version"`
	UUID           string            `json:"table-uuid"`
	Location       string            `json:"location"`
	Sequence       int64             `json:"last-sequence-number"`
	Updated        int64             `json:"last-updated-ms"`
	LastColumn     int               `json:"last-column-id"`
	CurrentSchema  int               `json:"current-schema-id"`
	Schemas        []schema          `json:"schemas"`
	DefaultSpec    int               `json:"default-spec-id"`
	Specs          []partitionSpec   `json:"partition-specs"`
	LastPartition  int               `json:"last-partition-id"`
	DefaultOrder   int               `json:"default-sort-order-id"`
	Orders         []sortOrder       `json:"sort-orders"`
	Properties     map[string]string `json:"properties"`
	Current        int64             `json:"current-snapshot-id"`
	Refs           map[string]ref    `json:"refs"`
	Snapshots      []snapshot        `json:"snapshots"`
	SnapshotLog    []snapshotLog     `json:"snapshot-log"`
	MetadataLog    []metadataLog     `json:"metadata-log"`
	Statistics     []struct{}        `json:"statistics"`
	PartitionStats []struct{}        `json:"partition-statistics"`
}

type sortOrder struct {
	ID     int        `json:"order-id"`
	Fields []struct{} `json:"fields"`
}

type ref struct {
	Snapshot int64  `json:"snapshot-id"`
	Type     string `json:"type"`
}

type snapshot struct {
	ID       int64             `json:"snapshot-id"`
	Parent   *int64            `json:"parent-snapshot-id,omitempty"`
	Sequence int64             `json:"sequence-number"`
	At       int64             `json:"timestamp-ms"`
	List     string            `json:"manifest-list"`
	Summary  map[string]string `json:"summary"`
	Schema   int               `json:"schema-id"`
}

type snapshotLog struct {
	At int64 `json:"timestamp-ms"`
	ID int64 `json:"snapshot-id"`
}

type metadataLog struct {
	At   int64  `json:"timestamp-ms"`
	File string `json:"metadata-file"`
}

func text[N int | int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// schema returns the current schema.
func (m *metadata) schema() (schema, error) {
	for _, s := range m.Schemas {
		if s.ID == m.CurrentSchema {
			return s, nil
		}
	}
	return schema{}, fmt.Errorf("it has no schema %d", m.CurrentSchema)
}

// snapshot returns the current snapshot, nil for a table without one.
func (m *metadata) snapshot() *snapshot {
	for i := range m.Snapshots {
		if m.Snapshots[i].ID == m.Current {
			return &m.Snapshots[i]
		}
	}
	return nil
}

// read reads a file of the metadata whole.
func read(ctx context.Context, p Place, name string) ([]byte, error) {
	f, err := p.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it is only read
	if f.Size() > maxMetadata {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", name, f.Size(), maxMetadata)
	}
	return io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
}

// maxMetadata bounds a file of the metadata; a manifest of ten thousand files has some megabytes.
const maxMetadata = 512 << 20

// newest finds the newest version of a table: what the hint says, or what a publisher left behind
// it that did not come to write the hint. 0: there is none.
func newest(ctx context.Context, p Place, table string) (int, *metadata, error) {
	version := 0
	hint, err := read(ctx, p, table+"/metadata/version-hint.text")
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return 0, nil, err
	default:
		version, err = strconv.Atoi(strings.TrimSpace(string(hint)))
		if err != nil || version < 1 {
			return 0, nil, fmt.Errorf("%s/metadata/version-hint.text does not say a version (hint: write into it the number of the newest v….metadata.json beside it)", table)
		}
	}
	var found []byte
	for n := max(version, 1); ; n++ {
		b, err := read(ctx, p, versionFile(table, n))
		if errors.Is(err, fs.ErrNotExist) {
			if n == version {
				return 0, nil, fmt.Errorf("%s is not there (hint: version-hint.text beside it names it; remove the folder %s/metadata to begin the table anew)", versionFile(table, n), table)
			}
			break
		}
		if err != nil {
			return 0, nil, err
		}
		version, found = n, b
	}
	if found == nil {
		return 0, nil, nil
	}
	var m metadata
	if err := json.Unmarshal(found, &m); err != nil {
		return 0, nil, fmt.Errorf("%s: %w", versionFile(table, version), err)
	}
	if m.Format != 2 || m.Properties[ownerProperty] != owner {
		return 0, nil, fmt.Errorf("%s is not ours (hint: nobody else may commit to this table; remove the folder %s/metadata to begin it anew)", versionFile(table, version), table)
	}
	return version, &m, nil
}

func versionFile(table string, n int) string {
	return table + "/metadata/v" + text(n) + ".metadata.json"
}
