package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/store"
)

// HuntOptions are the limits of hunting.
type HuntOptions struct {
	Threads int
	Memory  int64
	Timeout time.Duration
	Lake    string // folder of the lake; "": that of the configuration
	// Cached is a folder where lake files of an object store are kept; "" for none.
	Cached string
}

// Hunting is everything that a hunt needs, opened. The engine is started by the
// first question and not before.
type Hunting struct {
	*hunt.Hunter
	Watchlists hunt.Watchlists
	engine     *engine
	copies     *lakeCopies
}

// HuntingEngine says why this program cannot hunt; nil where it can.
func HuntingEngine() error {
	if duck.Available {
		return nil
	}
	_, err := duck.Open(duck.Options{})
	return err
}

// OpenHunting makes a hunter over the lake of a configuration. The books may be nil:
// then there are no findings and issues.
func OpenHunting(ctx context.Context, cfg *config.Config, b *Books, o HuntOptions, now func() time.Time) (*Hunting, error) {
	if o.Lake != "" {
		other := *cfg
		other.Lake.Dir = o.Lake
		cfg = &other
	}
	copies, err := openLakeCopies(ctx, cfg, o, now)
	if err != nil {
		return nil, err
	}
	dir := ""
	if copies != nil {
		dir = copies.dir()
	} else if dir, err = filepath.Abs(LakeDir(cfg)); err != nil {
		return nil, err
	}
	h := &Hunting{copies: copies, Watchlists: hunt.Watchlists{Dir: watchlistDir(cfg)}}
	setup := engineSetup{Threads: o.Threads, Memory: o.Memory, Timeout: o.Timeout, Dirs: []string{dir}, engineValues: valuesOf(cfg)}
	if cfg.Data != "" {
		lists, err := filepath.Abs(h.Watchlists.Dir)
		if err != nil {
			return nil, err
		}
		setup.Dirs = append(setup.Dirs, lists)
	}
	if h.engine, err = newEngine(cfg.Data, setup); err != nil {
		return nil, err
	}
	h.Hunter = &hunt.Hunter{Engine: h.engine, Now: now, Lake: noLake{}, Extra: []hunt.Extra{h.Watchlists}}
	if b != nil {
		catalogue, _, err := LakeCatalogue(ctx, cfg, b.DB, false)
		if err != nil {
			return nil, err
		}
		h.Lake = lakeFiles{catalogue: catalogue, dir: dir, copies: copies, scratch: h.engine.scratch}
	}
	tables := storeTables{scratch: h.engine.scratch}
	if b != nil {
		tables.db = b.DB
	}
	h.Extra = append(h.Extra, tables)
	return h, nil
}

// watchlistDir is where watchlists are.
func watchlistDir(cfg *config.Config) string { return filepath.Join(cfg.Data, "watchlists") }

// Close ends the engine where it was started, and removes its temporary files.
func (h *Hunting) Close() error {
	h.copies.release()
	return h.engine.Close()
}

// lakeFiles lists files of the catalogue, as paths below the lake's folder, or of copies
// where they are in an object store.
type lakeFiles struct {
	catalogue store.Lake
	dir       string
	copies    *lakeCopies
	scratch   func() (string, error) // a folder that the engine reads
}

// Remote implements hunt.Remote.
func (l lakeFiles) Remote() bool { return l.copies != nil }

// Records implements hunt.Remote.
func (l lakeFiles) Records(ctx context.Context, files []hunt.File, rows map[int64][]hunt.Span) ([]hunt.File, error) {
	dir, err := l.scratch()
	if err != nil {
		return nil, err
	}
	out, err := l.copies.records(ctx, files, rows, dir)
	return out, wentAway(err)
}

// wentAway says in the words of hunt that compaction or retention took a file away after it was
// listed.
func wentAway(err error) error {
	if errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("%w: %w", hunt.ErrGone, err)
	}
	return err
}

// Files implements hunt.Lake.
func (l lakeFiles) Files(ctx context.Context, formats []string, from, to time.Time, raw bool) ([]hunt.File, error) {
	list, err := l.catalogue.Files(ctx, yagura.LakeFilter{Formats: formats, From: from, To: to})
	if err != nil {
		return nil, err
	}
	out := make([]hunt.File, len(list))
	for i, f := range list {
		if !filepath.IsLocal(filepath.FromSlash(f.Head)) || !filepath.IsLocal(filepath.FromSlash(f.Raw)) {
			return nil, fmt.Errorf("the catalogue names %q, which is not below the lake", f.Head)
		}
		out[i] = hunt.File{LakeFile: f, HeadPath: filepath.Join(l.dir, filepath.FromSlash(f.Head)), RawPath: filepath.Join(l.dir, filepath.FromSlash(f.Raw))}
	}
	if l.copies != nil {
		err = l.copies.fetch(ctx, list, raw, func(i int, head, raw string) { out[i].HeadPath, out[i].RawPath = head, raw })
	}
	return out, wentAway(err)
}

// noLake is where no lake was named: what asks for none of its tables works all the same.
type noLake struct{}

// Files implements hunt.Lake.
func (noLake) Files(context.Context, []string, time.Time, time.Time, bool) ([]hunt.File, error) {
	return nil, errors.New("the query asks for records, and no lake was named (hint: --data DIR, or --config FILE of the server)")
}
