package api

import (
	"context"

	"github.com/yagura-sec/yagura"
)

// SessionPage is what a page must know of who uses it.
type SessionPage struct {
	Who         string              `json:"who" doc:"As timelines and the audit trail name the caller."`
	User        *yagura.User        `json:"user,omitempty" doc:"Absent for tokens and the command line."`
	Token       *yagura.Token       `json:"token,omitempty"`
	Session     *yagura.Session     `json:"session,omitempty"`
	Permissions []yagura.Permission `json:"permissions"`
	Scopes      []yagura.Scope      `json:"scopes,omitempty" doc:"What may be seen; absent for everything."`
	CSRF        string              `json:"csrf,omitempty" doc:"For X-CSRF-Token of writes."`
	Server      About               `json:"server"`
}

func (a *API) session(ctx context.Context, c *Call[struct{}]) (*SessionPage, error) {
	about, err := a.parts.Server.About(ctx)
	if err != nil {
		return nil, err
	}
	out := &SessionPage{Who: c.Who.Who, User: c.Who.User, Token: c.Who.Token, Session: c.Who.Session, Permissions: c.Who.Permissions(), CSRF: c.Who.CSRF, Server: *about}
	out.Scopes, _ = c.Who.Scopes(yagura.PermitView)
	return out, nil
}
