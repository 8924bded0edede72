package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/accounts"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/s3"
	"github.com/yagura-sec/yagura/store"
)

// tryWithin bounds the trial of one sink or source.
const tryWithin = time.Minute

// resolve resolves all secrets and tries the store, every sink and every source.
func (k *check) resolve(ctx context.Context) {
	resolved, err := resolveSecrets(ctx, k.cfg)
	if err != nil {
		for _, e := range unjoin(err) {
			if s := (*secretError)(nil); errors.As(e, &s) {
				k.at(s.path, s.err)
			} else {
				k.fault(e)
			}
		}
		k.warn("", "sinks and sources were not tried: resolve the secrets first", "シークレットを解決できないため、通知先と収集元は試していません")
		return
	}
	k.cfg = resolved
	var all sync.WaitGroup
	var trials []*check
	try := func(f func(ctx context.Context, k *check)) {
		own := &check{o: k.o, cfg: k.cfg, where: k.where}
		trials = append(trials, own)
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, tryWithin)
			defer cancel()
			f(ctx, own)
		})
	}
	try(func(ctx context.Context, k *check) { k.store(ctx) })
	if k.cfg.Organizations.Enabled {
		try(func(ctx context.Context, k *check) { k.organisation(ctx) })
	}
	if k.cfg.Recheck.Enabled {
		try(func(ctx context.Context, k *check) { k.recheckRole(ctx) })
	}
	t := NewTrial(k.cfg, k.o)
	for i := range k.cfg.Sources {
		try(func(ctx context.Context, k *check) {
			src := &k.cfg.Sources[i]
			said, err := t.Source(ctx, src)
			if err != nil {
				k.at(fmt.Sprintf("sources[%d].%s", i, src.Kind()), err)
				return
			}
			for _, w := range said.Warnings {
				k.warn(fmt.Sprintf("sources[%d].%s", i, src.Kind()), w, w)
			}
			k.ok(fmt.Sprintf("source %s: %s", src.Name, said.Text), fmt.Sprintf("収集元 %s: %s", src.Name, said.Japanese))
		})
	}
	for i := range k.cfg.Sinks {
		try(func(ctx context.Context, k *check) {
			c := &k.cfg.Sinks[i]
			sink, tested, err := t.Sink(ctx, c)
			switch {
			case err != nil:
				k.at(fmt.Sprintf("sinks[%d].%s", i, c.Kind()), err)
			case tested:
				k.ok(fmt.Sprintf("sink %s: credentials and permissions are good", sink.Name()), fmt.Sprintf("通知先 %s: 認証と権限は問題ありません", sink.Name()))
			default:
				k.warn(fmt.Sprintf("sinks[%d].%s", i, c.Kind()), "it cannot be tried without telling somebody (yagura sink test does)", "通知なしでは確認できません (yagura sink test で確認できます)")
			}
		})
	}
	all.Wait()
	for _, x := range trials {
		for _, c := range x.out {
			k.add(c)
		}
	}
}

// unjoin takes joined errors apart.
func unjoin(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

// store opens the store as one that only reads.
func (k *check) store(ctx context.Context) {
	c := k.cfg
	if c.Store == "" {
		if c.Data == "" {
			return
		}
		if _, err := os.Stat(c.Data); errors.Is(err, os.ErrNotExist) {
			k.ok("store: serve will make it", "ストア: 起動時に作成されます")
			return
		}
		if found, err := filepath.Glob(filepath.Join(c.Data, "yagura.db")); err == nil && len(found) == 0 {
			k.ok("store: serve will make it", "ストア: 起動時に作成されます")
			return
		}
	}
	db, err := store.Open(ctx, store.Options{URL: c.Store.Reveal(), Dir: c.Data, AcceptLoss: c.AcceptLoss, Mode: store.ReadOnly, Now: k.o.Now})
	if err != nil {
		key := "data"
		if c.Store != "" {
			key = "store"
		}
		k.at(key, err)
		return
	}
	defer db.Close() //nolint:errcheck // it was only read
	if err := db.View(ctx, func(context.Context, *store.Tx) error { return nil }); err != nil {
		k.at("store", err)
		return
	}
	k.ok("store: it can be read", "ストア: 読み取れます")
}

// organisation lists accounts and keeps nothing.
func (k *check) organisation(ctx context.Context) {
	o := accountsOptions(k.cfg, k.o.Now)
	o.Cache, o.MaxAttempts = "", 3
	list, err := accounts.Load(ctx, o)
	if err != nil {
		k.at("organizations", err)
		return
	}
	if list.Partial != nil {
		k.warn("organizations", list.Partial.Error(), list.Partial.Error())
	}
	k.ok(fmt.Sprintf("organisation %s: %d accounts", list.Organisation, len(list.Accounts)), fmt.Sprintf("組織 %s: アカウント %d 件", list.Organisation, len(list.Accounts)))
}

// Trial tries single sinks and sources of a configuration whose secrets are resolved.
type Trial struct {
	s   *Serve
	cfg *config.Config
}

// NewTrial returns a Trial.
func NewTrial(cfg *config.Config, o CheckOptions) *Trial {
	return &Trial{cfg: cfg, s: &Serve{o: ServeOptions{Config: cfg, Version: o.Version, Now: o.Now, Client: o.Client}, log: slog.New(slog.DiscardHandler)}}
}

// ResolveSecrets returns the configuration with every secret that is a reference replaced
// by what it refers to.
func ResolveSecrets(ctx context.Context, cfg *config.Config) (*config.Config, error) {
	return resolveSecrets(ctx, cfg)
}

// Tried is what a trial says.
type Tried struct {
	Text, Japanese string
	Warnings       []string
}

// Sink opens a sink and proves its credentials and permissions without telling anybody;
// tested is false when the sink cannot do that.
func (t *Trial) Sink(ctx context.Context, c *config.Sink) (sink notify.Sink, tested bool, err error) {
	sink, _, err = t.s.openSink(ctx, c)
	if err != nil {
		return nil, false, err
	}
	tester, ok := sink.(notify.Tester)
	if !ok {
		return sink, false, nil
	}
	return sink, true, tester.Test(ctx)
}

// Source reaches a source without receiving anything.
func (t *Trial) Source(ctx context.Context, src *config.Source) (Tried, error) {
	switch {
	case src.SQS != nil:
		said := &warnings{}
		s := &Serve{o: t.s.o, log: slog.New(said)}
		r, err := s.openSQS(ctx, src)
		if err != nil {
			return Tried{}, err
		}
		defer r.Close() //nolint:errcheck // nothing was received
		lag, err := r.Lag(ctx)
		if err != nil {
			return Tried{}, err
		}
		out := Tried{Text: fmt.Sprintf("the queue holds %d messages", lag.Waiting), Japanese: fmt.Sprintf("キューのメッセージ %d 件", lag.Waiting), Warnings: said.list}
		if lag.Dead < 0 && len(said.list) == 0 {
			out.Warnings = append(out.Warnings, "the queue has no dead-letter queue: poison is kept by yagura")
		}
		return out, nil
	case src.Bucket != nil:
		return t.bucket(ctx, src)
	case src.Folder != nil:
		for _, name := range src.Folder.Paths {
			if err := readable(name); err != nil {
				return Tried{}, err
			}
		}
		return Tried{Text: "it can be read", Japanese: "読み取れます"}, nil
	case src.SNS != nil, src.EventBridge != nil:
		var at config.AWS
		if src.SNS != nil {
			at = src.SNS.S3
		} else {
			at = src.EventBridge.S3
		}
		if _, err := t.s.objectStore(ctx, at); err != nil {
			return Tried{}, err
		}
	}
	return Tried{Text: "it is pushed to (yagura source test asks a running server)", Japanese: "プッシュで受信します (稼働中のサーバーには yagura source test で確認できます)"}, nil
}

// bucket lists the beginning of a bucket.
func (t *Trial) bucket(ctx context.Context, src *config.Source) (Tried, error) {
	once := *src.Bucket
	once.Every = 0
	o, err := t.s.listingOptions(ctx, src.Name, &once)
	if err != nil {
		return Tried{}, err
	}
	o.Batch = 1
	l, err := s3.NewListing(o)
	if err != nil {
		return Tried{}, err
	}
	defer l.Close() //nolint:errcheck // nothing was read
	list, err := l.Receive(ctx)
	if err != nil && !errors.Is(err, source.ErrFinished) {
		return Tried{}, err
	}
	if len(list) == 0 {
		return Tried{Text: "it can be listed, and nothing is there", Japanese: "一覧できます。オブジェクトはありません"}, nil
	}
	return Tried{Text: "it can be listed", Japanese: "一覧できます"}, nil
}

// warnings collects what is logged as a warning.
type warnings struct {
	mu   sync.Mutex
	list []string
}

// Enabled takes warnings and errors.
func (w *warnings) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle collects one.
func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	text := []string{r.Message}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			text = append(text, a.Value.String())
		}
		return true
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, strings.Join(text, ": "))
	return nil
}

// WithAttrs changes nothing.
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup changes nothing.
func (w *warnings) WithGroup(string) slog.Handler { return w }
