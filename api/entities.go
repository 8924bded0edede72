package api

import (
	"context"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

// EntityRow is an entity in a list. What it says is added up from the issues that name it.
type EntityRow struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	FirstSeen time.Time       `json:"first_seen,omitzero" doc:"The first finding of these issues."`
	LastSeen  time.Time       `json:"last_seen,omitzero" doc:"The last finding of these issues."`
	Issues    int64           `json:"issues" doc:"Issues that name it."`
	Findings  int64           `json:"findings" doc:"All findings of these issues."`
	Worst     yagura.Severity `json:"worst,omitempty" doc:"The highest severity of one that is not closed; absent where all are."`
	Accounts  []string        `json:"accounts" doc:"The accounts of these issues."`
}

type entitiesIn struct{ ListIn }

func (a *API) entities(ctx context.Context, c *Call[entitiesIn]) (*List[EntityRow], error) {
	return a.parts.Entities.ListEntities(ctx, c.Reach, c.Ask)
}

// CountedAt is how much was in an hour or day.
type CountedAt struct {
	At time.Time `json:"at"`
	N  int64     `json:"n"`
}

// CountedAction is how often something was done.
type CountedAction struct {
	Action string `json:"action"`
	N      int64  `json:"n"`
}

// CountedEntity is how often an entity was met together with another.
type CountedEntity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	N    int64  `json:"n"`
}

// EntityPage is what is known of an entity.
type EntityPage struct {
	Entity    yagura.Entity   `json:"entity"`
	FirstSeen time.Time       `json:"first_seen,omitzero"`
	LastSeen  time.Time       `json:"last_seen,omitzero"`
	Issues    int64           `json:"issues_n"`
	Findings  int64           `json:"findings_n"`
	Activity  []CountedAt     `json:"activity" doc:"Findings per day."`
	Actions   []CountedAction `json:"actions" doc:"The most frequent first."`
	Usual     []yagura.Usual  `json:"usual" doc:"What is known to be usual for it, where rules asked."`
	Related   []CountedEntity `json:"related" doc:"Entities in the same findings, the most frequent first."`
	Cut       bool            `json:"cut,omitempty" doc:"Activity, actions and related are of the latest findings alone."`
}

type entityIn struct {
	Type string `path:"type" doc:"A type of entity: user, ip, resource …"`
	ID   string `path:"id" doc:"Escaped: an ARN has slashes."`
}

var entityTypes = []string{yagura.EntityUser, yagura.EntityRole, yagura.EntitySession, yagura.EntityServicePrincipal, yagura.EntityKey,
	yagura.EntityIP, yagura.EntityDomain, yagura.EntityHost, yagura.EntityResource, yagura.EntityAccount}

func (in *entityIn) entity() (yagura.Entity, error) {
	if !slices.Contains(entityTypes, in.Type) || in.ID == "" {
		return yagura.Entity{}, notFound()
	}
	return yagura.Entity{Type: in.Type, ID: in.ID}, nil
}

func (a *API) entity(ctx context.Context, c *Call[entityIn]) (*EntityPage, error) {
	e, err := c.In.entity()
	if err != nil {
		return nil, err
	}
	return a.parts.Entities.Entity(ctx, c.Reach, e)
}

type entityGraphIn struct {
	entityIn
	Depth int `query:"depth" doc:"Steps from the entity: 1 to 3, usually 1."`
}

func (a *API) entityGraph(ctx context.Context, c *Call[entityGraphIn]) (*Graph, error) {
	e, err := c.In.entity()
	if err != nil {
		return nil, err
	}
	depth, err := depthOf(c.In.Depth)
	if err != nil {
		return nil, err
	}
	return a.parts.Entities.EntityGraph(ctx, c.Reach, e, depth)
}
