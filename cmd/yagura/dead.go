package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type deadCmd struct {
	List  deadListCmd  `cmd:"" help:"List the records that could not be decoded or judged."`
	Show  deadShowCmd  `cmd:"" help:"Show one, with its bytes."`
	Retry deadRetryCmd `cmd:"" help:"Judge them again, by the rules as they are now."`
}

type deadListCmd struct {
	serverFlags
	All    bool   `help:"Those that a retry judged, too."`
	Limit  int    `default:"100" help:"Dead letters of a page."`
	After  string `placeholder:"CURSOR" help:"The next page, as the page before named it."`
	Format string `enum:"table,jsonl" default:"table" help:"table or jsonl."`
}

// Run lists.
func (c *deadListCmd) Run(env *environment) error {
	b, ja, err := c.books(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	var list []yagura.DeadLetter
	err = b.DB.View(env.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		list, err = tx.DeadLetters(ctx, !c.All, c.After, c.Limit)
		return err
	})
	if err != nil {
		return err
	}
	if c.Format == "jsonl" {
		enc := json.NewEncoder(env.stdout)
		for i := range list {
			if err := enc.Encode(&list[i]); err != nil {
				return err
			}
		}
	} else {
		if len(list) == 0 {
			fmt.Fprintln(env.stdout, in(ja, "no dead letters", "デッドレターはありません"))
		}
		t := &columnWriter{w: env.stdout}
		for i := range list {
			d := &list[i]
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", d.ID, timeWord(d.At), report.Escape(d.Source), report.Escape(d.Object), d.Record, report.Escape(d.Reason))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(list) > 0 && len(list) == c.Limit {
		fmt.Fprintf(env.stderr, "yagura: %s --after %s\n", in(ja, "there may be more:", "続きがあるかもしれません:"), list[len(list)-1].ID)
	}
	return nil
}

type deadShowCmd struct {
	serverFlags
	Raw bool   `help:"The bytes and nothing else."`
	ID  string `arg:"" name:"id"`
}

// Run shows.
func (c *deadShowCmd) Run(env *environment) error {
	b, ja, err := c.books(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	d, err := deadLetter(env, b, c.ID)
	if err != nil {
		return err
	}
	if c.Raw {
		_, err := env.stdout.Write(d.Bytes)
		return err
	}
	fmt.Fprintf(env.stdout, "%s\n%s: %s\n%s: %s\n%s: %d, %s %d\n%s: %s\n", d.ID, in(ja, "source", "収集元"), report.Escape(d.Source), in(ja, "object", "オブジェクト"),
		report.Escape(d.Object), in(ja, "record", "レコード"), d.Record, in(ja, "byte", "バイト"), d.Offset, in(ja, "reason", "理由"), report.Escape(d.Reason))
	if !d.Retried.IsZero() {
		fmt.Fprintf(env.stdout, "%s: %s\n", in(ja, "judged by a retry", "再試行で判定済"), timeWord(d.Retried))
	}
	_, err = fmt.Fprintf(env.stdout, "%s (%d / %d):\n%s\n", in(ja, "bytes", "内容"), len(d.Bytes), d.Size, report.Escape(string(d.Bytes)))
	return err
}

func deadLetter(env *environment, b *app.Books, id string) (d yagura.DeadLetter, err error) {
	err = b.DB.View(env.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		d, err = tx.DeadLetter(ctx, id)
		return err
	})
	return d, err
}

type deadRetryCmd struct {
	ruleFlags
	serverFlags
	All bool     `help:"All that wait."`
	IDs []string `arg:"" optional:"" name:"id"`
}

// Run retries. Exit code 1 when one stays a dead letter.
func (c *deadRetryCmd) Run(env *environment) error {
	if c.All == (len(c.IDs) > 0) {
		return usage("name dead letters, or --all")
	}
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	rules, formats, err := readRules(c.ruleFlags, cfg)
	if err != nil {
		return err
	}
	r, err := app.NewRetrier(rules, formats)
	if err != nil {
		return err
	}
	b, ja, err := c.books(env, store.Shared)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // what was done is durable
	baselines, err := b.Baselines(env.ctx)
	if err != nil {
		return err
	}
	defer baselines.Close() //nolint:errcheck // it was only asked
	left := 0
	one := func(d yagura.DeadLetter) error {
		got := b.RetryDead(env.ctx, r, d, env.now())
		if got.Err != nil {
			left++
			fmt.Fprintf(env.stdout, "%s  %s: %s\n", d.ID, in(ja, "stays", "未処理のまま"), report.Escape(got.Err.Error()))
			return env.ctx.Err()
		}
		_, err := fmt.Fprintf(env.stdout, "%s  %s\n", d.ID, in(ja, fmt.Sprintf("%d records judged, %d findings", got.Records, got.Findings), fmt.Sprintf("%d 件を判定、検出結果 %d 件", got.Records, got.Findings)))
		return err
	}
	for _, id := range c.IDs {
		d, err := deadLetter(env, b, id)
		if err != nil {
			return err
		}
		if err := one(d); err != nil {
			return err
		}
	}
	for after := ""; c.All; {
		var list []yagura.DeadLetter
		err := b.DB.View(env.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			list, err = tx.DeadLetters(ctx, true, after, 100)
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range list {
			if err := one(d); err != nil {
				return err
			}
		}
		if len(list) < 100 {
			break
		}
		after = list[len(list)-1].ID
	}
	if left > 0 {
		return &exitError{code: exitFailOn}
	}
	return nil
}
