package app

import (
	"context"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// Books is the store as the command line reads and changes it, beside a server or without
// one.
type Books struct {
	DB       *store.DB
	cfg      *config.Config
	data     string // the folder of the server, "" when it is not known
	accounts *triage.Accounts
	inbox
}

// OpenBooks opens the store of a configuration. A change owes notices, which the server
// delivers.
func OpenBooks(ctx context.Context, cfg *config.Config, mode store.Mode, now func() time.Time) (*Books, error) {
	if cfg.Data == "" && cfg.Store == "" {
		return nil, &config.Fault{Where: "data", Reason: "there is no folder of a server", Hint: "name the configuration of the server with --config, or its data folder with YAGURA_DATA"}
	}
	// The secrets of sources and sinks are the server's: who works on issues need not have them.
	secrets, err := resolveSecrets(ctx, &config.Config{Store: cfg.Store})
	if err != nil {
		return nil, err
	}
	accounts, err := LoadAccounts(cfg)
	if err != nil {
		return nil, err
	}
	listed, err := KeptAccounts(cfg)
	if err != nil {
		return nil, err
	}
	accounts = accounts.Merge(listed)
	policy, err := LoadPolicy(cfg)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{URL: secrets.Store.Reveal(), Dir: cfg.Data, AcceptLoss: cfg.AcceptLoss, Mode: mode, Now: now})
	if err != nil {
		return nil, err
	}
	desk := &triage.Desk{Policy: func() *triage.Policy { return policy }, Account: func(id string) yagura.AccountInfo { return accounts.Lookup(id) },
		Now: now, NewID: NewID(now), Tenant: cfg.Tenant}
	return &Books{DB: db, data: cfg.Data, cfg: cfg, accounts: accounts, inbox: inbox{db: db, desk: desk}}, nil
}

// Change applies what a person did.
func (b *Books) Change(ctx context.Context, c yagura.Change) (*yagura.Issue, bool, error) {
	return b.apply(ctx, c)
}

// IssueByWord finds the one issue that a word names: its id, or the beginning of one.
func (b *Books) IssueByWord(ctx context.Context, word string) ([]yagura.Issue, error) {
	return b.Find(ctx, word, "", 10)
}

// Ledger is the books: received = judged + waiting, owed = delivered + waiting + dead.
type Ledger struct {
	V           int                   `json:"v"`
	At          time.Time             `json:"at"`
	Sources     []yagura.SourceTotals `json:"sources"`
	Sinks       []yagura.SinkTotals   `json:"sinks"`
	DeadWaiting int64                 `json:"dead_letters_waiting"`
	DeadAll     int64                 `json:"dead_letters"`
	Balanced    bool                  `json:"balanced"`
	Faults      []string              `json:"faults,omitempty"`
}

// Ledger reads the books and says whether they balance.
func (b *Books) Ledger(ctx context.Context, now time.Time) (*Ledger, error) {
	l := &Ledger{V: 1, At: now.UTC()}
	err := b.DB.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if l.Sources, err = tx.SourceTotals(ctx); err != nil {
			return err
		}
		if l.Sinks, err = tx.SinkTotals(ctx); err != nil {
			return err
		}
		l.DeadWaiting, l.DeadAll, err = tx.DeadTotals(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	l.Faults = ledgerFaults(l)
	l.Balanced = len(l.Faults) == 0
	return l, nil
}

// Since reads the findings of a server that were judged since a time, in that order.
func (b *Books) Since(from time.Time) *FiledSince {
	return &FiledSince{db: b.DB, data: b.data, cfg: b.cfg, from: from}
}

// FiledSince reads findings.
type FiledSince struct {
	db   *store.DB
	data string
	cfg  *config.Config
	from time.Time
	// to is the end, zero for none, and most how many are read, 0 for all: the newest, with cut
	// set where there were more.
	to   time.Time
	most int
	cut  bool
}

// Filed yields the findings.
func (s *FiledSince) Filed(ctx context.Context, yield func(yagura.Filed) error) error {
	after, from, to := "", s.from, s.to
	if to.IsZero() {
		to = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if s.most > 0 {
		err := s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
			newest, err := tx.NewestFindings(ctx, from, to, s.most)
			if err == nil && newest.After(from) {
				from, s.cut = newest, true
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for {
		var page []yagura.Filed
		err := s.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			page, after, err = tx.FindingsBetween(ctx, from, to, after, 1000)
			return err
		})
		if err != nil {
			return err
		}
		for _, f := range page {
			if err := yield(f); err != nil {
				return err
			}
		}
		if after == "" {
			return nil
		}
	}
}
