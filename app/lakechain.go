package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/lake/proof"
	"github.com/yagura-sec/yagura/secret"
	"github.com/yagura-sec/yagura/store"
)

// proofPrefix is where the manifests lie, below the lake.
const proofPrefix = "proof"

// sealAfter is how long after its end an hour is sealed: what was being written has become
// a file by then, mostly.
const sealAfter = 5 * time.Minute

// lakeChain is the chain of manifests of a lake. It is opened when it is first needed.
type lakeChain struct {
	cfg *config.Config
	now func() time.Time

	mu    sync.Mutex
	chain *proof.Chain
}

// sealKey is the key that a configuration has for manifests; nil: none.
func sealKey(ctx context.Context, cfg *config.Config) (proof.Key, error) {
	text := cfg.Lake.Seal.Reveal()
	if text == "" {
		return nil, nil
	}
	k, err := SealKey(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("lake.seal: %w", err)
	}
	return k, nil
}

// SealKey reads a key for manifests, or what a reference to one refers to.
func SealKey(ctx context.Context, text string) (proof.Key, error) {
	if secret.IsRef(text) {
		var err error
		if text, err = secret.Resolve(ctx, text, secret.Options{}); err != nil {
			return nil, err
		}
	}
	return proof.ParseKey(text)
}

// with has f work on the chain, alone.
func (l *lakeChain) with(ctx context.Context, f func(*proof.Chain) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.chain == nil {
		key, err := sealKey(ctx, l.cfg)
		if err != nil {
			return err
		}
		s, err := lakeStore(ctx, l.cfg)
		if err == nil && s == nil {
			s, err = blob.OpenDisk(LakeDir(l.cfg), l.now())
		}
		if err != nil {
			return err
		}
		c, err := proof.OpenChain(ctx, proof.InStore(s, proofPrefix), key)
		if err != nil {
			err = fmt.Errorf("lake: %w", err)
			if d, ok := s.(io.Closer); ok {
				err = errors.Join(err, d.Close())
			}
			return err
		}
		l.chain = c
	}
	return f(l.chain)
}

// seal appends the manifests of the hours that are over.
func (l *lakeChain) seal(ctx context.Context, cat store.Lake) error {
	return l.with(ctx, func(c *proof.Chain) error {
		if err := c.Refresh(ctx); err != nil {
			return err
		}
		_, err := c.SealUntil(ctx, arrived{cat}, l.now().Add(-sealAfter))
		return err
	})
}

// arrived is the catalogue as the chain asks it.
type arrived struct{ cat store.Lake }

// FilesAfter lists files by their commit.
func (a arrived) FilesAfter(ctx context.Context, seq int64) ([]yagura.LakeFile, int64, error) {
	files, err := a.cat.Files(ctx, yagura.LakeFilter{After: seq})
	for _, f := range files {
		seq = max(seq, f.Seq)
	}
	return files, seq, err
}

// ObjectsBetween lists what was received whole.
func (a arrived) ObjectsBetween(ctx context.Context, from, to time.Time) ([]proof.Object, error) {
	list, err := a.cat.Received(ctx, from, to)
	out := make([]proof.Object, 0, len(list))
	for _, r := range list {
		out = append(out, proof.Object{Source: r.Source, Object: r.Object, Records: r.Records, SHA256: r.Sum})
	}
	return out, err
}

// provenCatalogue says in the chain what is about to go, before it goes: also what no
// manifest names yet, as one may at this moment. Where there is no chain, nothing is said.
type provenCatalogue struct {
	store.Lake
	chain *lakeChain
}

// proven is the catalogue of a lake that tells its chain.
func proven(cat store.Lake, cfg *config.Config, now func() time.Time) lake.Catalogue {
	return provenCatalogue{cat, &lakeChain{cfg: cfg, now: now}}
}

// Drop takes files out of the lake.
func (p provenCatalogue) Drop(ctx context.Context, files []lake.File) error {
	if err := p.tell(ctx, files, "retention"); err != nil {
		return err
	}
	return p.Lake.Drop(ctx, files)
}

// Replace puts a file in the place of others.
func (p provenCatalogue) Replace(ctx context.Context, old []lake.File, by *lake.File) (int64, error) {
	if err := p.tell(ctx, old, "compaction"); err != nil {
		return 0, err
	}
	return p.Lake.Replace(ctx, old, by)
}

func (p provenCatalogue) tell(ctx context.Context, files []lake.File, why string) error {
	return p.chain.with(ctx, func(c *proof.Chain) error {
		if err := c.Refresh(ctx); err != nil {
			return err
		}
		if n, _ := c.Head(); n == 0 {
			return nil
		}
		drops := make([]proof.Drop, 0, len(files))
		for _, f := range files {
			drops = append(drops, proof.Drop{Number: f.Number, Why: why})
		}
		return c.Drop(ctx, drops, p.chain.now())
	})
}

// sealHours is a chore: it seals the hours that are over, of the service's lake.
func (h *house) sealHours(ctx context.Context, _ time.Time) error {
	if c, ok := h.s.lake.Catalogue().(provenCatalogue); ok {
		return c.chain.seal(ctx, c.Lake)
	}
	return nil
}

// LakeVerifyOptions say how a lake is verified.
type LakeVerifyOptions struct {
	Keys     []proof.Key // nil: that of the configuration, if there is one
	Number   int64       // and hash of a manifest that was kept elsewhere; "" is none
	Hash     string
	Workers  int
	Progress func(proof.ChainProgress)
}

// VerifyLake follows the chain of manifests of a lake and reads every file.
func VerifyLake(ctx context.Context, cfg *config.Config, db *store.DB, o LakeVerifyOptions, each func(proof.Result) error) (proof.Summary, error) {
	cat, _, err := LakeCatalogue(ctx, cfg, db, false)
	if err != nil {
		return proof.Summary{}, err
	}
	if o.Keys == nil {
		key, err := sealKey(ctx, cfg)
		if err != nil {
			return proof.Summary{}, err
		}
		if key != nil {
			o.Keys = []proof.Key{key}
		}
	}
	live, err := cat.Files(ctx, yagura.LakeFilter{})
	if err != nil {
		return proof.Summary{}, err
	}
	if live == nil {
		live = []yagura.LakeFile{}
	}
	copies, err := cat.Copies(ctx, "")
	if err != nil {
		return proof.Summary{}, err
	}
	open, s, err := lakeReader(ctx, cfg)
	if err != nil {
		return proof.Summary{}, err
	}
	co := proof.ChainOptions{Keys: o.Keys, Live: live, Copies: copies, Number: o.Number, Hash: o.Hash, Workers: o.Workers, Progress: o.Progress,
		Still: func(ctx context.Context, number int64) (bool, error) {
			now, err := cat.Files(ctx, yagura.LakeFilter{})
			if err != nil || slices.ContainsFunc(now, func(f yagura.LakeFile) bool { return f.Number == number }) {
				return err == nil, err
			}
			left, err := cat.Copies(ctx, "")
			return slices.ContainsFunc(left, func(c yagura.LakeCopy) bool { return c.Number == number }), err
		},
		Open: open}
	if s == nil {
		return proof.VerifyChain(ctx, proof.InFolder(filepath.Join(LakeDir(cfg), proofPrefix)), co, each)
	}
	return proof.VerifyChain(ctx, proof.InStore(s, proofPrefix), co, each)
}

// lakeReader returns what opens a file of a lake to be read from its beginning to its end, and the
// object store that it is in; nil: it is in a folder.
func lakeReader(ctx context.Context, cfg *config.Config) (func(ctx context.Context, name string) (io.ReadCloser, error), blob.Store, error) {
	s, err := lakeStore(ctx, cfg)
	if err != nil || s != nil {
		return func(ctx context.Context, name string) (io.ReadCloser, error) {
			r, _, err := s.Get(ctx, name)
			return r, err
		}, s, err
	}
	return func(ctx context.Context, name string) (io.ReadCloser, error) {
		f, err := lake.Disk(LakeDir(cfg)).Get(ctx, name)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.NewSectionReader(f, 0, f.Size()), f}, nil
	}, nil, nil
}
