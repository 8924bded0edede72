package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

// lakeOptions says how the lake of a configuration is opened by a writer.
func lakeOptions(cfg *config.Config, db *store.DB, formats []*decode.Format, writer string, now func() time.Time) lake.Options {
	if formats == nil {
		formats = decode.Formats()
	}
	columns := map[string][]string{}
	for _, f := range formats {
		columns[f.Name] = f.Columns()
	}
	return lake.Options{Catalogue: db.Lake(), Blobs: lake.Disk(lakeDir(cfg)), Writer: writer, Now: now,
		Columns: func(format string) []string { return columns[format] }}
}

// lakeDir is where the files of the lake are.
func lakeDir(cfg *config.Config) string { return filepath.Join(cfg.Data, "lake") }

// OpenLake opens the lake of a configuration for reading and importing, beside a server or
// without one.
func OpenLake(ctx context.Context, cfg *config.Config, db *store.DB, formats []*decode.Format, now func() time.Time) (*lake.Lake, error) {
	return lake.Open(ctx, lakeOptions(cfg, db, formats, "import/"+db.Replica(), now))
}
