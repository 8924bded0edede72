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
	return lake.Options{Catalogue: db.Lake(), Blobs: lake.Disk(LakeDir(cfg)), Writer: writer, Now: now, Flush: time.Duration(cfg.Lake.Flush),
		Cut: int64(cfg.Lake.Cut), Memory: int64(cfg.Lake.Memory), Columns: func(format string) []string { return columns[format] }}
}

// LakeDir is where the files of the lake are.
func LakeDir(cfg *config.Config) string {
	if cfg.Lake.Dir != "" {
		return cfg.Lake.Dir
	}
	return filepath.Join(cfg.Data, "lake")
}

// serveLakeMemory is what the service's lake takes unless it is told otherwise.
const serveLakeMemory = 96 << 20

// openServeLake opens the lake of the service.
func (s *Serve) openServeLake(ctx context.Context, cfg *config.Config) (err error) {
	o := lakeOptions(cfg, s.db, s.o.Rules.Formats, s.db.Replica(), s.o.Now)
	if o.Memory == 0 {
		o.Memory = serveLakeMemory
	}
	o.Workers, o.Version = 1, s.o.Version
	s.lake, err = lake.Open(ctx, o)
	return err
}

// OpenLake opens the lake of a configuration for reading and importing, beside a server or
// without one.
func OpenLake(ctx context.Context, cfg *config.Config, db *store.DB, formats []*decode.Format, now func() time.Time) (*lake.Lake, error) {
	return lake.Open(ctx, lakeOptions(cfg, db, formats, "import/"+db.Replica(), now))
}
