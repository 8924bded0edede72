package main

import (
	"encoding/json"
	"fmt"

	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type ledgerCmd struct {
	serverFlags
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help is the text below the usage of ledger.
func (ledgerCmd) Help() string {
	return `
The books of a server: of every source, records received = judged + waiting; of every sink, notices owed = delivered + waiting + dead. It may be asked while the server runs. Exit code 1 when they do not balance.
`
}

// Run prints the books.
func (c *ledgerCmd) Run(env *environment) error {
	b, ja, err := c.books(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	l, err := b.Ledger(env.ctx, env.now())
	if err != nil {
		return err
	}
	if c.Format == "json" {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(l)
	} else {
		t := &columnWriter{w: env.stdout}
		fmt.Fprintln(t, in(ja, "SOURCE\tRECEIVED\tJUDGED\tWAITING\tKEPT\tREPEATS\tBROKEN\tOWN\tOBJECTS\tDONE\tLAST EVENT", "収集元\t受信\t判定済\t待ち\t保存済\t重複\t破損\t自身\tオブジェクト\t完了\t最新イベント"))
		for _, s := range l.Sources {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", report.Escape(s.Source), s.Received, s.Judged, s.Waiting, s.Kept, s.Repeats, s.Broken, s.Own,
				s.Objects, s.ObjectsDone, timeWord(s.LastEvent))
		}
		fmt.Fprintln(t, in(ja, "\nSINK\tOWED\tDELIVERED\tWAITING\tDEAD\tFOLDED\tDOUBLED\t\t\t\tLAST ERROR", "\n通知先\t通知\t配信済\t待ち\t拒否\t統合\t二重\t\t\t\t最後のエラー"))
		for _, s := range l.Sinks {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\t\t\t%s\n", report.Escape(s.Sink), s.Owed, s.Delivered, s.Waiting, s.Dead, s.Folded, s.Doubled, report.Escape(s.LastError))
		}
		fmt.Fprintf(t, "\n%s\t%d / %d\n", in(ja, "dead letters (waiting / all)", "デッドレター (未処理 / 総数)"), l.DeadWaiting, l.DeadAll)
		err = t.Flush()
	}
	if err != nil || l.Balanced {
		return err
	}
	for _, f := range l.Faults {
		fmt.Fprintf(env.stderr, "yagura: %s\n", report.Escape(f))
	}
	return &exitError{code: exitFailOn}
}
