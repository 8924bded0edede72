package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/lake/proof"
	"github.com/yagura-sec/yagura/report"
)

type lakeVerifyCmd struct {
	Digest            string   `placeholder:"DIR" help:"Copies of CloudTrail's digests and log files, in the folders of their bucket or not."`
	Keys              []string `placeholder:"FILE" sep:"none" help:"Public keys, as aws cloudtrail list-public-keys prints them; may be repeated."`
	From              string   `placeholder:"TIME" help:"Look at digests from this time on; a chain may begin there."`
	To                string   `placeholder:"TIME" help:"Look at digests up to this time; a chain that ends earlier is a fault."`
	AcceptUnsignedEnd bool     `help:"Take the last digest of a chain as it is where its signature was not copied."`
	All               bool     `help:"Print what is valid too."`
	Format            string   `enum:"list,jsonl" default:"list" help:"list or jsonl (one result per line)."`
	Lang              string   `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of messages; without it, that of LANG."`
}

// Help is the text below the usage of lake verify.
func (lakeVerifyCmd) Help() string {
	return `
With --digest, copies of CloudTrail's digests and log files are verified against AWS's public keys: offline, wherever they lie, also unpacked. Each altered, missing, moved or unlisted file is named with what was expected; so is every time without digests.

AWS keeps the signature of a digest in the metadata of its object. Each digest repeats that of the digest before it, so that only the last one of a chain needs it: copy with rclone copy --metadata, or put what aws s3api head-object prints beside it as NAME.metadata.json.

Examples:

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
		return usage("lake verify: give --digest DIR and --keys FILE")
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
	enc := json.NewEncoder(env.stdout)
	enc.SetEscapeHTML(false)
	said := false
	sum, err := app.VerifyDigests(env.ctx, app.DigestOptions{Dir: c.Digest, Keys: c.Keys, From: from, To: to, AcceptUnsignedEnd: c.AcceptUnsignedEnd},
		func(r proof.Result) error {
			said = true
			switch {
			case r.Status == proof.Valid && !c.All:
				return nil
			case c.Format == "jsonl":
				return enc.Encode(r)
			}
			_, err := fmt.Fprintln(env.stdout, report.Escape(resultLine(r, ja)))
			return err
		})
	if env.ctx.Err() != nil {
		return err
	}
	if err != nil {
		if said {
			return err
		}
		return &exitError{exitNothing, err}
	}
	fmt.Fprintln(env.stderr, report.Escape(verifiedLine(sum, ja)))
	if sum.UnsignedAtEnds > 0 {
		fmt.Fprintf(env.stderr, in(ja, "%d digests at the end of a chain were accepted without a signature\n", "チェーン末尾のダイジェスト %d 件は、署名なしのまま受け入れました\n"), sum.UnsignedAtEnds)
	}
	switch {
	case sum.Faults > 0:
		return &exitError{code: exitFailOn}
	case sum.Digests == 0:
		return &exitError{exitNothing, errors.New(in(ja, "no digest lies in this time", "この期間のダイジェストがありません"))}
	}
	return nil
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
	kind := map[string]string{"digest": "ダイジェスト", "log": "ログ", "manifest": "マニフェスト", "head": "head ファイル", "raw": "raw ファイル"}[r.Kind]
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
