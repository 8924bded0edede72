package app

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/secret"
	"github.com/yagura-sec/yagura/store"
)

// LakeCatalogue returns the catalogue of the lake of a configuration, and where its files are.
// Replicas that are given one folder share the lake in it; where there is none yet the catalogue
// is empty, or create makes the lake.
func LakeCatalogue(ctx context.Context, cfg *config.Config, db *store.DB, create bool) (store.Lake, lake.Blobs, error) {
	blobs, err := lakeBlobs(ctx, cfg)
	if err != nil {
		return store.Lake{}, nil, err
	}
	if cfg.Lake.Dir == "" || cfg.Store == "" {
		return db.Lake(), blobs, nil
	}
	place, err := lake.Place(ctx, blobs, create)
	return db.LakeAt(place), blobs, err
}

// lakeBlobs opens where the files of the lake are: a folder or an object store.
func lakeBlobs(ctx context.Context, cfg *config.Config) (lake.Blobs, error) {
	s, err := lakeStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return lake.Disk(LakeDir(cfg)), nil
	}
	return lake.Stored(s), nil
}

// lakeStore opens the object store that the files of the lake are in; nil: they are in a folder.
func lakeStore(ctx context.Context, cfg *config.Config) (blob.Store, error) {
	if !strings.Contains(cfg.Lake.Dir, "://") {
		return nil, nil
	}
	var o blob.Options
	o.S3.Region, o.S3.Endpoint, o.S3.AccessKeyID = cfg.S3.Region, cfg.S3.Endpoint, cfg.S3.AccessKeyID
	o.S3.SecretAccessKey, o.S3.SessionToken = cfg.S3.SecretAccessKey.Reveal(), cfg.S3.SessionToken.Reveal()
	o.GCS.Token = blob.TokenSource(secret.GoogleToken(secret.Options{}))
	o.Azure.Token = blob.TokenSource(secret.AzureToken(secret.Options{}, "https://storage.azure.com"))
	return blob.Open(ctx, cfg.Lake.Dir, o)
}

// lakeOptions says how the lake of a configuration is opened by a writer.
func lakeOptions(ctx context.Context, cfg *config.Config, db *store.DB, formats []*decode.Format, writer string, now func() time.Time) (lake.Options, error) {
	catalogue, blobs, err := LakeCatalogue(ctx, cfg, db, true)
	if err != nil {
		return lake.Options{}, err
	}
	if formats == nil {
		formats = decode.Formats()
	}
	columns := map[string][]string{}
	for _, f := range formats {
		columns[f.Name] = f.Columns()
	}
	return lake.Options{Catalogue: proven(catalogue, cfg, now), Blobs: blobs, Writer: writer, Now: now, Flush: time.Duration(cfg.Lake.Flush),
		Cut: int64(cfg.Lake.Cut), Memory: int64(cfg.Lake.Memory), Columns: func(format string) []string { return columns[format] },
		Temp: filepath.Join(cfg.Data, "tmp")}, nil
}

// LakeDir is the folder, or the address, where the files of the lake are.
func LakeDir(cfg *config.Config) string {
	if cfg.Lake.Dir != "" {
		return cfg.Lake.Dir
	}
	return filepath.Join(cfg.Data, "lake")
}

// LakePlace is [LakeDir] for programs that begin in a folder of their own: a folder is named from
// the root on.
func LakePlace(cfg *config.Config) (string, error) {
	dir := LakeDir(cfg)
	if strings.Contains(dir, "://") {
		return dir, nil
	}
	return filepath.Abs(dir)
}

// serveLakeMemory is what the service's lake takes unless it is told otherwise.
const serveLakeMemory = 96 << 20

// openServeLake opens the lake of the service.
func (s *Serve) openServeLake(ctx context.Context, cfg *config.Config) (err error) {
	o, err := lakeOptions(ctx, cfg, s.db, s.o.Rules.Formats, s.db.Replica(), s.o.Now)
	if err != nil {
		return err
	}
	if o.Memory == 0 {
		o.Memory = serveLakeMemory
	}
	o.Workers, o.Version = 1, s.o.Version
	s.lake, err = lake.Open(ctx, o)
	return err
}

// OpenLake opens the lake of a configuration for reading and importing, beside a server or
// without one. One process at a time may import: what another left half written is removed.
func OpenLake(ctx context.Context, cfg *config.Config, db *store.DB, formats []*decode.Format, now func() time.Time) (*lake.Lake, error) {
	o, err := lakeOptions(ctx, cfg, db, formats, "import/"+db.Home(), now)
	if err != nil {
		return nil, err
	}
	return lake.Open(ctx, o)
}

// CompactOptions says how the lake of a configuration is compacted.
func CompactOptions(ctx context.Context, cfg *config.Config, db *store.DB, writer string, now func() time.Time) (lake.CompactOptions, error) {
	catalogue, blobs, err := LakeCatalogue(ctx, cfg, db, true)
	return lake.CompactOptions{Catalogue: proven(catalogue, cfg, now), Blobs: blobs, Writer: writer, Now: now}, err
}

// retention is what a configuration says of how long records are kept.
func retention(cfg *config.Config) (lake.Retention, error) {
	r := lake.Retention{Size: int64(cfg.Keep.Size)}
	for _, e := range cfg.Lake.Retention {
		r.Entries = append(r.Entries, lake.RetentionEntry{Format: e.Format, Account: e.Account, Head: time.Duration(e.Keep), Raw: time.Duration(e.Raw)})
	}
	if age := time.Duration(cfg.Keep.Age); age > 0 {
		r.Entries = append(r.Entries, lake.RetentionEntry{Head: age})
	}
	for i := range cfg.Lake.Holds {
		h := &cfg.Lake.Holds[i]
		from, to, err := h.Times()
		if err != nil {
			return r, err
		}
		r.Holds = append(r.Holds, lake.Hold{Format: h.Format, Account: h.Account, From: from, To: to})
	}
	return r, nil
}

// Retainer returns what drops records that a configuration does not ask to be kept any more, and
// what it asks for. Both are nil where all is kept for ever. plan: it says what it would do.
func Retainer(ctx context.Context, cfg *config.Config, db *store.DB, writer string, plan bool, now func() time.Time) (*lake.Retainer, *lake.Retention, error) {
	r, err := retention(cfg)
	if err != nil || len(r.Entries) == 0 && r.Size <= 0 {
		return nil, nil, err
	}
	o, err := CompactOptions(ctx, cfg, db, writer, now)
	if err != nil {
		return nil, nil, err
	}
	k, err := lake.NewRetainer(lake.RetainOptions{Catalogue: o.Catalogue, Blobs: o.Blobs, Writer: writer, Plan: plan, Now: now})
	return k, &r, err
}
