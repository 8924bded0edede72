package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/usual"
	"github.com/yagura-sec/yagura/usual/geo"
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
	engine     *lazyEngine
	copies     *lakeCopies
	places     *geo.Places
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
	var values *usual.Values
	if values, h.places, err = usualValues(cfg); err != nil {
		return nil, err
	}
	h.engine = &lazyEngine{data: cfg.Data, o: duck.Options{Threads: o.Threads, Memory: o.Memory, Timeout: o.Timeout, Dirs: []string{dir}, Functions: usualFunctions(values)}}
	if cfg.Data != "" {
		lists, err := filepath.Abs(h.Watchlists.Dir)
		if err != nil {
			return nil, err
		}
		h.engine.o.Dirs = append(h.engine.o.Dirs, lists)
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
	return errors.Join(h.engine.close(), h.places.Close()) // no query looks an address up any more
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

// lazyEngine starts the engine when it is asked, and makes lake/duck fit hunt.
type lazyEngine struct {
	o    duck.Options
	data string

	mu     sync.Mutex
	engine *duck.Engine
	temp   string
}

// scratch is a folder for temporary files that the engine may read.
func (l *lazyEngine) scratch() (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dir()
}

// dir makes the folder: below the data folder, where there is room, else where the
// system has temporary files.
func (l *lazyEngine) dir() (string, error) {
	if l.temp != "" {
		return l.temp, nil
	}
	if l.data != "" {
		tmp := filepath.Join(l.data, "tmp")
		if err := os.MkdirAll(tmp, 0o700); err == nil {
			if d, err := os.MkdirTemp(tmp, "hunt-*"); err == nil {
				if l.temp, err = filepath.Abs(d); err != nil {
					return "", err
				}
				return l.temp, nil
			}
		}
	}
	d, err := os.MkdirTemp("", "yagura-hunt-*")
	if err != nil {
		return "", err
	}
	l.temp = d
	return d, nil
}

func (l *lazyEngine) get() (*duck.Engine, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.engine != nil {
		return l.engine, nil
	}
	if !duck.Available {
		return nil, duck.ErrNoEngine
	}
	dir, err := l.dir()
	if err != nil {
		return nil, err
	}
	o := l.o
	o.Temp = filepath.Join(dir, "spill")
	o.Dirs = append(slices.Clip(o.Dirs), dir)
	if err := os.MkdirAll(o.Temp, 0o700); err != nil {
		return nil, err
	}
	l.engine, err = duck.Open(o)
	return l.engine, err
}

func (l *lazyEngine) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.engine != nil {
		err = l.engine.Close()
		l.engine = nil
	}
	if l.temp != "" {
		err = errors.Join(err, os.RemoveAll(l.temp))
		l.temp = ""
		if l.data != "" {
			// Gone when this was the last hunt; when it is not, it stays.
			if e := os.Remove(filepath.Join(l.data, "tmp")); e != nil && errors.Is(e, fs.ErrPermission) {
				err = errors.Join(err, e)
			}
		}
	}
	return err
}

// Inspect implements hunt.Engine.
func (l *lazyEngine) Inspect(ctx context.Context, sql string) ([]hunt.Use, error) {
	e, err := l.get()
	if err != nil {
		return nil, err
	}
	o, err := e.Inspect(ctx, sql)
	if err != nil {
		return nil, huntError(err)
	}
	uses := make([]hunt.Use, len(o.Tables))
	for i, t := range o.Tables {
		uses[i] = hunt.Use{Table: t.Table, Columns: t.Columns, Star: t.Star}
	}
	return uses, nil
}

// Query implements hunt.Engine.
func (l *lazyEngine) Query(ctx context.Context, q hunt.Query) (hunt.Rows, error) {
	e, err := l.get()
	if err != nil {
		return nil, err
	}
	r := duck.Request{SQL: q.SQL, Params: q.Params, Now: q.Now, MaxRows: q.MaxRows, MaxBytes: q.MaxBytes, Timeout: q.Timeout}
	for _, v := range q.Views {
		r.Views = append(r.Views, duck.View{Name: v.Name, SQL: v.SQL})
	}
	rows, err := e.Query(ctx, r)
	if err != nil {
		return nil, huntError(err)
	}
	return engineRows{rows}, nil
}

// engineRows makes the engine's rows fit.
type engineRows struct{ *duck.Rows }

// Columns implements hunt.Rows.
func (r engineRows) Columns() []hunt.Column {
	list := r.Rows.Columns()
	out := make([]hunt.Column, len(list))
	for i, c := range list {
		out[i] = hunt.Column{Name: c.Name, Type: c.Type}
	}
	return out
}

// Err implements hunt.Rows.
func (r engineRows) Err() error { return huntError(r.Rows.Err()) }

// EngineStats implements hunt.Rows.
func (r engineRows) EngineStats() hunt.Stats {
	s := r.Stats()
	return hunt.Stats{RowsScanned: s.RowsScanned, BytesScanned: s.BytesScanned, Rows: s.Rows, Bytes: s.Bytes, Time: s.Time, Limit: s.Limit}
}

func huntError(err error) error {
	var e *duck.Error
	if !errors.As(err, &e) {
		return err
	}
	return &hunt.Error{Line: e.Line, Col: e.Col, Message: e.Message, Hint: e.Hint, Refused: e.Kind == duck.KindRefused, Limit: e.Kind == duck.KindLimit}
}
