package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type sourceListCmd struct {
	serverFlags
	Format string `enum:"table,jsonl" default:"table" help:"table or jsonl."`
}

// Help is the text below the usage of source list.
func (sourceListCmd) Help() string {
	return `
Of every source, as its server said it last: how far behind it is, the latest event, the last error, and what its requests cost since the server started (about, by the list price of AWS in us-east-1).
`
}

// Run lists.
func (c *sourceListCmd) Run(env *environment) error {
	b, ja, err := c.books(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	list, err := b.SourceStates(env.ctx)
	if err != nil {
		return err
	}
	if c.Format == "jsonl" {
		enc := json.NewEncoder(env.stdout)
		for _, s := range list {
			if err := enc.Encode(s); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(env.stdout, in(ja, "no server has said anything yet", "サーバーからの報告はまだありません"))
		return err
	}
	t := &columnWriter{w: env.stdout}
	fmt.Fprintln(t, in(ja, "SOURCE\tWAITING\tOUT\tDEAD\tOLDEST\tLAST EVENT\tLAST MESSAGE\tREQUESTS\tCOST\tSAID\tERROR",
		"収集元\t待ち\t処理中\tデッド\t最古\t最新イベント\t最終受信\tリクエスト\t費用\t報告\tエラー"))
	for _, s := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t$%.4f\t%s\t%s\n", report.Escape(s.Source), orUnknown(s.Waiting), orUnknown(s.Out), orUnknown(s.Dead), timeWord(s.Oldest),
			timeWord(s.LastEvent), timeWord(s.LastSeen), s.Requests, s.Dollars, env.now().Sub(s.At).Round(time.Second), report.Escape(s.Error))
	}
	return t.Flush()
}

func orUnknown(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
