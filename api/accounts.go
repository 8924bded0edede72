package api

import (
	"context"
	"time"
)

// Accounts lists accounts.
type Accounts interface {
	ListAccounts(ctx context.Context, reach Reach, ask Ask) (*List[Account], error)
}

// Account is an account, project, subscription or tenant, as the registry has it, with how much
// there is of it. Those that send and are in no registry are here too.
type Account struct {
	ID          string    `json:"id"`
	Name        string    `json:"name,omitempty"`
	Cloud       string    `json:"cloud,omitempty" doc:"aws, gcp, azure, or what the registry calls it."`
	Tenant      string    `json:"tenant,omitempty" doc:"The organisation that it belongs to."`
	Owner       string    `json:"owner,omitempty" doc:"The team that owns it."`
	Environment string    `json:"environment,omitempty"`
	Tags        []string  `json:"tags"`
	Listed      bool      `json:"listed" doc:"The registry knows it."`
	FirstSeen   time.Time `json:"first_seen,omitzero" doc:"When its first record arrived; only for who sees all of it."`
	LastSeen    time.Time `json:"last_seen,omitzero" doc:"When its last record arrived; only for who sees all of it."`
	Sources     []string  `json:"sources" doc:"That its records come by; only for who sees all of it."`
	Silent      bool      `json:"silent,omitempty" doc:"It has been quiet for longer than it ever is."`
	Issues      int64     `json:"issues" doc:"That are not closed."`
	Findings    int64     `json:"findings" doc:"Of 7 days."`
}

type accountsIn struct{ ListIn }

func (a *API) accounts(ctx context.Context, c *Call[accountsIn]) (*List[Account], error) {
	return a.parts.Accounts.ListAccounts(ctx, c.Reach, c.Ask)
}
