package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// NoBaselines says why nothing answers what is usual where a configuration holds, "" where the
// lake does.
func NoBaselines(cfg *config.Config) string {
	switch {
	case cfg.Data == "" && cfg.Lake.Dir == "":
		return "there is no lake, as the configuration has no data folder"
	case !duck.Available:
		return "this program has no engine to ask the lake"
	}
	return ""
}

// openBaselines makes what tells a desk of what is usual by the lake of a configuration. The
// engine starts with the first question.
func openBaselines(ctx context.Context, cfg *config.Config, b *Books, decoder func() (*decode.Decoder, error), timeout time.Duration, most int, now func() time.Time, log *slog.Logger) (*Baselines, error) {
	h, err := OpenHunting(ctx, cfg, b, HuntOptions{Threads: 1, Memory: cmp.Or(int64(cfg.Usual.Memory), usualMemory), Timeout: cmp.Or(timeout, usualTimeout)}, now)
	if err != nil {
		return nil, fmt.Errorf("usual: %w", err)
	}
	out := newBaselines(asking{decoder, NewUsualAsker(cfg, h)}, timeout, most, now, log)
	out.close = h.Close
	return out, nil
}

// filedUsual reads from a store what was known of findings when they were filed.
func filedUsual(db *store.DB) func(ctx context.Context, ids []string) (map[string][]yagura.Usual, error) {
	return func(ctx context.Context, ids []string) (out map[string][]yagura.Usual, err error) {
		err = db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
			out, err = tx.FiledUsual(ctx, ids)
			return err
		})
		return out, err
	}
}

// newServeBaselines has the desk ask the lake. The policy may name usual with the next
// reload, so it is always ready to; it costs nothing until then.
func newServeBaselines(ctx context.Context, s *Serve, cfg *config.Config) (*Baselines, error) {
	b, err := openBaselines(ctx, cfg, &Books{DB: s.db, data: cfg.Data}, func() (*decode.Decoder, error) { return s.rules.Load().Decoder, nil },
		time.Duration(cfg.Usual.Timeout), cfg.Usual.Questions, s.o.Now, s.log)
	if err != nil {
		return nil, err
	}
	b.filed = filedUsual(s.db)
	s.desk.Usual = b.Learn
	return b, nil
}

// booksTimeout is how long the command line waits for answers: nobody is told late by it.
const booksTimeout = time.Minute

// booksQuestions is how many questions it asks at once.
const booksQuestions = 5000

// Baselines has the desk of the books ask the lake what is usual, where the policy wants to
// know.
func (b *Books) Baselines(ctx context.Context) (*Baselines, error) {
	if b.desk.Policy().Usual() == nil {
		return nil, nil
	}
	u, err := b.OpenBaselines(ctx)
	if err == nil {
		u.filed = filedUsual(b.DB)
		b.desk.Usual = u.Learn
	}
	return u, err
}

// OpenBaselines makes what says what was usual by the lake of the books.
func (b *Books) OpenBaselines(ctx context.Context) (*Baselines, error) {
	decoder := sync.OnceValues(func() (*decode.Decoder, error) {
		formats, err := LoadMappings(b.cfg.Mappings)
		if err != nil {
			return nil, err
		}
		return decode.New(decode.Options{Formats: formats, Detail: true})
	})
	return openBaselines(ctx, b.cfg, b, decoder, booksTimeout, booksQuestions, b.desk.Now, nil)
}

// FiledReader hands out findings as they were filed.
type FiledReader interface {
	Filed(ctx context.Context, yield func(yagura.Filed) error) error
}

// Learning hands out findings with what was usual before each of them. What was filed with a
// finding stands, the rest is asked of the lake as of the time of its event.
type Learning struct {
	From      FiledReader
	Baselines *Baselines
	Of        []string
	// Event returns the record of a finding; nil: there are none.
	Event func(*yagura.Filed) ([]byte, error)
}

// learnedAtOnce is how many findings are asked about at once.
const learnedAtOnce = 500

// Filed yields the findings.
func (l Learning) Filed(ctx context.Context, yield func(yagura.Filed) error) error {
	var batch []yagura.Filed
	flush := func() error {
		found := make([]*triage.Found, len(batch))
		for i := range batch {
			found[i] = &triage.Found{Finding: batch[i].Finding}
			if l.Event != nil {
				var err error
				if found[i].Event, err = l.Event(&batch[i]); err != nil {
					return err
				}
			}
		}
		l.Baselines.Learn(ctx, found, l.Of)
		for i, f := range batch {
			f.Finding.Usual = found[i].Finding.Usual
			if err := yield(f); err != nil {
				return err
			}
		}
		batch = batch[:0]
		return ctx.Err()
	}
	err := l.From.Filed(ctx, func(f yagura.Filed) error {
		batch = append(batch, f)
		if len(batch) < learnedAtOnce {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}
