package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/lake/proof"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type lakeVerifyCmd struct {
	lakeFlags
	Digest            string   `placeholder:"DIR" help:"Copies of CloudTrail's digests and log files, in the folders of their bucket or not."`
	Keys              []string `placeholder:"FILE" sep:"none" help:"Public keys, as aws cloudtrail list-public-keys prints them; may be repeated."`
	From              string   `placeholder:"TIME" help:"Look at digests from this time on; a chain may begin there."`
	To                string   `placeholder:"TIME" help:"Look at digests up to this time; a chain that ends earlier is a fault."`
	AcceptUnsignedEnd bool     `help:"Take the last digest of a chain as it is where its signature was not copied."`
	Seal              string   `placeholder:"REF" help:"Reference to the key that manifests are sealed with, or its public half; without it, lake.seal of the configuration."`
	Head              string   `placeholder:"N:SHA256" help:"Number and hash of a manifest that was kept elsewhere."`
	All               bool     `help:"Print what is valid too."`
	Quiet             bool     `short:"q" help:"No progress and no summary."`
	Format            string   `enum:"list,jsonl" default:"list" help:"list or jsonl (one result per line)."`
}

// Help is the text below the usage of lake verify.
func (lakeVerifyCmd) Help() string {
	return `
Without --digest, the lake is verified: the chain of hourly manifests of what arrived and what was written, against the catalogue and every file. One flipped bit in any file is found, and in any copy of an original. It may run beside a server.

With --digest, copies of CloudTrail's digests and log files are verified against AWS's public keys: offline, wherever they lie, also unpacked. Each altered, missing, moved or unlisted file is named with what was expected; so is every time without digests.

AWS keeps the signature of a digest in the metadata of its object. Each digest repeats that of the digest before it, so that only the last one of a chain needs it: copy with rclone copy --metadata, or put what aws s3api head-object prints beside it as NAME.metadata.json.

Examples:

    yagura lake verify --data /var/lib/yagura
    yagura lake verify --config yagura.yaml --seal ref+file:///etc/yagura/seal.pub --head 4711:5f3a…
    aws cloudtrail list-public-keys --start-time 2026-01-01 --end-time 2026-06-01 --output json > keys.json
    yagura lake verify --digest copies/ --keys keys.json
    yagura lake verify --digest copies/ --keys keys.json --from 2026-05-01 --to 2026-06-01 --format jsonl --all

Exit codes: 0 everything is proven, 1 something is not, 2 usage, 3 there was nothing to verify, 130 interrupted.
`
}

// timeFlag reads a time as people write it: a day, a minute or RFC 3339, in UTC.
func timeFlag(name, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usage("--%s: %q is not a time (hint: 2026-05-01 or 2026-05-01T09:00:00Z)", name, s)
}

// Run verifies.
func (c *lakeVerifyCmd) Run(env *environment) error {
	if c.Digest == "" {
		return c.lake(env)
	}
	if len(c.Keys) == 0 {
		return usage("lake verify: no public keys (hint: --keys FILE, with what `aws cloudtrail list-public-keys --start-time … --end-time …` prints)")
	}
	from, err := timeFlag("from", c.From)
	if err != nil {
		return err
	}
	to, err := timeFlag("to", c.To)
	if err != nil {
		return err
	}
	ja := env.japanese(c.Lang, "")
	s := &screen{w: env.stderr}
	p := &proofPrinter{c: c, env: env, s: s, ja: ja}
	sum, err := app.VerifyDigests(env.ctx, app.DigestOptions{Dir: c.Digest, Keys: c.Keys, From: from, To: to, AcceptUnsignedEnd: c.AcceptUnsignedEnd,
		Progress: c.digestProgress(env, s, ja)}, p.print)
	s.progress("")
	if err := p.failed(err); err != nil {
		return err
	}
	if !c.Quiet {
		s.line(report.Escape(verifiedLine(sum, ja)))
		if sum.UnsignedAtEnds > 0 {
			s.line(fmt.Sprintf(in(ja, "%d digests at the end of a chain were accepted without a signature", "チェーン末尾のダイジェスト %d 件は、署名なしのまま受け入れました"), sum.UnsignedAtEnds))
		}
	}
	if sum.Faults == 0 && sum.Digests == 0 {
		return &exitError{exitNothing, errors.New(in(ja, "no digest lies in this time", "この期間のダイジェストがありません"))}
	}
	return p.verdict(sum)
}

// proofPrinter prints results as they come.
type proofPrinter struct {
	c    *lakeVerifyCmd
	env  *environment
	s    *screen
	ja   bool
	said bool
}

func (p *proofPrinter) print(r proof.Result) error {
	p.said = true
	if r.Status == proof.Valid && !p.c.All {
		return nil
	}
	if p.c.Format == "jsonl" {
		p.s.progress("")
		enc := json.NewEncoder(p.env.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	p.s.progress("")
	_, err := fmt.Fprintln(p.env.stdout, report.Escape(resultLine(r, p.ja)))
	return err
}

// progress shows text at the last line, in place of what it showed before; "" takes it away.
func (s *screen) progress(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.bar = text
	s.draw()
}

// failed is the end of a verification that could not be done, nil where it was.
func (p *proofPrinter) failed(err error) error {
	if err == nil || p.said || p.env.ctx.Err() != nil {
		return err
	}
	return &exitError{exitNothing, err}
}

func (p *proofPrinter) verdict(sum proof.Summary) error {
	if sum.Faults > 0 {
		return &exitError{code: exitFailOn}
	}
	return nil
}

// watched says whether progress is shown.
func (c *lakeVerifyCmd) watched(env *environment) bool {
	f, ok := env.stderr.(*os.File)
	return ok && !c.Quiet && isTerminal(f)
}

// digestProgress shows how far a verification is, once a second.
func (c *lakeVerifyCmd) digestProgress(env *environment, s *screen, ja bool) func(proof.Summary) {
	if !c.watched(env) {
		return nil
	}
	last := env.now()
	return func(sum proof.Summary) {
		if now := env.now(); now.Sub(last) >= time.Second {
			last = now
			s.progress(fmt.Sprintf(in(ja, "%d digests, %d log files, %d faults", "ダイジェスト %d 件、ログ %d 件、問題 %d 件"), sum.Digests, sum.Logs, sum.Faults))
		}
	}
}

// lake verifies the lake itself.
func (c *lakeVerifyCmd) lake(env *environment) (err error) {
	if len(c.Keys) > 0 || c.From != "" || c.To != "" || c.AcceptUnsignedEnd {
		return usage("lake verify: --keys, --from, --to and --accept-unsigned-end belong to --digest DIR")
	}
	o := app.LakeVerifyOptions{}
	if c.Head != "" {
		n, hash, ok := strings.Cut(c.Head, ":")
		if o.Number, err = strconv.ParseInt(n, 10, 64); err != nil || !ok || o.Number < 1 || len(hash) != 64 {
			return usage("--head: %q is not a number and a SHA-256 with : between", c.Head)
		}
		o.Hash = strings.ToLower(hash)
	}
	if c.Seal != "" {
		key, err := app.SealKey(env.ctx, c.Seal)
		if err != nil {
			return &exitError{exitUsage, fmt.Errorf("--seal: %w", err)}
		}
		o.Keys = []proof.Key{key}
	}
	cfg, b, ja, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.DB.Close()) }()
	s := &screen{w: env.stderr}
	if c.watched(env) {
		last := env.now()
		o.Progress = func(d proof.ChainProgress) {
			if now := env.now(); now.Sub(last) >= time.Second {
				last = now
				s.progress(fmt.Sprintf(in(ja, "%d manifests, %d of %d files, %s of %s, %d faults", "マニフェスト %d 件、ファイル %d / %d、%s / %s、問題 %d 件"),
					d.Manifests, d.Files, d.FilesAll, bytesText(d.Bytes), bytesText(d.BytesAll), d.Faults))
			}
		}
	}
	p := &proofPrinter{c: c, env: env, s: s, ja: ja}
	sum, err := app.VerifyLake(env.ctx, cfg, b.DB, o, p.print)
	s.progress("")
	if err := p.failed(err); err != nil {
		return err
	}
	if !c.Quiet {
		s.line(fmt.Sprintf(in(ja, "%d manifests valid, %d files and %d originals valid (%s), %d lake files not sealed yet, %d faults, %d notes",
			"有効なマニフェスト %d 件、有効なファイル %d 件と原本 %d 件 (%s)、未封印のレイクファイル %d 件、問題 %d 件、参考 %d 件"),
			sum.Manifests, sum.Files, sum.Originals, bytesText(sum.Bytes), sum.Unsealed, sum.Faults, sum.Notes))
	}
	if sum.Faults == 0 && sum.Manifests+sum.Files == 0 {
		return &exitError{exitNothing, errors.New(in(ja, "there is nothing in the lake", "レイクは空です"))}
	}
	return p.verdict(sum)
}

func verifiedLine(s proof.Summary, ja bool) string {
	span := s.From.UTC().Format(time.RFC3339) + " – " + s.To.UTC().Format(time.RFC3339)
	if s.Digests == 0 {
		span = "-"
	}
	return fmt.Sprintf(in(ja, "%d digests valid (%d without log files), %d log files valid, %d faults, %d notes; proven: %s",
		"有効なダイジェスト %d 件 (ログなし %d 件)、有効なログファイル %d 件、問題 %d 件、参考 %d 件。証明できた期間: %s"),
		s.Digests, s.Empty, s.Logs, s.Faults, s.Notes, span)
}

// proofWord is what a status is called for people.
func proofWord(s proof.Status, ja bool) string {
	if !ja {
		return string(s)
	}
	switch s {
	case proof.Valid:
		return "有効"
	case proof.Altered:
		return "改変"
	case proof.Missing:
		return "欠落"
	case proof.BadSign:
		return "署名不一致"
	case proof.Unsigned:
		return "署名なし"
	case proof.NoKey:
		return "公開鍵なし"
	case proof.Moved:
		return "移動"
	case proof.Unreadable:
		return "読み取り不可"
	case proof.Unproven:
		return "未証明"
	case proof.Unlisted:
		return "記載なし"
	case proof.Ends:
		return "途中終了"
	case proof.Broken:
		return "チェーン断絶"
	case proof.Gap:
		return "空白期間"
	case proof.Begins:
		return "開始"
	case proof.Outside:
		return "期間外"
	case proof.Expired:
		return "保持期限切れ"
	}
	return string(s)
}

func resultLine(r proof.Result, ja bool) string {
	if !ja {
		return r.String()
	}
	kind := map[string]string{"digest": "ダイジェスト", "log": "ログ", "manifest": "マニフェスト", "head": "head ファイル", "raw": "raw ファイル", "original": "原本の写し"}[r.Kind]
	s := kind + " " + r.Object + ": " + proofWord(r.Status, ja)
	if !r.From.IsZero() && r.Kind != "log" {
		s += fmt.Sprintf(" [%s – %s]", r.From.UTC().Format(time.RFC3339), r.To.UTC().Format(time.RFC3339))
	}
	if r.Want != "" {
		s += " 期待値 " + r.Want
	}
	if r.Got != "" {
		s += " 実際 " + r.Got
	}
	if r.By != "" {
		s += " (記載元 " + r.By + ")"
	}
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	return s
}
