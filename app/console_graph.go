package app

import (
	"context"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
)

// The bounds of what is shown around something.
const (
	mostNodes     = 150
	issuesOfNode  = 12
	findingsOfOne = 1000 // that an entity's page looks at
	shownOfEntity = 50
)

// graph grows from a node: an issue joins its entities, an entity the issues that it is in.
type graph struct {
	c        *console
	scopes   []yagura.Scope
	all      bool
	nodes    map[string]*api.GraphNode
	issues   map[string]*yagura.Issue
	entities map[string]yagura.Entity
	edges    map[[2]string]*api.GraphEdge
	order    []string
	cut      bool
}

func (c *console) newGraph(reach api.Reach) *graph {
	g := &graph{c: c, nodes: map[string]*api.GraphNode{}, issues: map[string]*yagura.Issue{}, entities: map[string]yagura.Entity{}, edges: map[[2]string]*api.GraphEdge{}}
	g.scopes, g.all = c.within(reach)
	return g
}

func (g *graph) issue(is *yagura.Issue) (id string, ok bool) {
	id = "issue/" + is.ID
	if g.nodes[id] == nil {
		if !g.room(id) {
			return id, false
		}
		severity := is.Severity
		g.nodes[id] = &api.GraphNode{ID: id, Type: "issue", Label: is.Title, N: int64(is.Count), Severity: &severity}
		g.issues[id] = is
	}
	return id, true
}

func (g *graph) entity(e yagura.Entity) (id string, ok bool) {
	id = e.Type + "/" + e.ID
	if g.nodes[id] == nil {
		if !g.room(id) {
			return id, false
		}
		g.nodes[id] = &api.GraphNode{ID: id, Type: e.Type, Label: e.ID}
		g.entities[id] = e
	}
	return id, true
}

func (g *graph) room(id string) bool {
	if len(g.nodes) >= mostNodes {
		g.cut = true
		return false
	}
	g.order = append(g.order, id)
	return true
}

// join draws an edge once.
func (g *graph) join(is *yagura.Issue, e yagura.Entity) {
	a, ok := g.issue(is)
	if !ok {
		return
	}
	b, ok := g.entity(e)
	if !ok || g.edges[[2]string{a, b}] != nil {
		return
	}
	label := "involves"
	if is.Actor.Type == e.Type && is.Actor.ID == e.ID {
		label = "actor"
	}
	g.edges[[2]string{a, b}] = &api.GraphEdge{From: a, To: b, Label: label, N: int64(is.Count)}
	g.nodes[b].N += int64(is.Count)
}

// grow goes on from what was found, step by step. The account is in too many issues to say
// anything, and is not gone on from.
func (g *graph) grow(ctx context.Context, tx *store.Tx, depth int) error {
	done := map[string]bool{}
	for range depth {
		for _, id := range slices.Clone(g.order) {
			if done[id] {
				continue
			}
			done[id] = true
			if is := g.issues[id]; is != nil {
				for _, e := range is.Entities {
					g.join(is, e)
				}
				continue
			}
			e := g.entities[id]
			if e.Type == yagura.EntityAccount && len(done) > 1 {
				continue
			}
			q, err := about(filter.Issues, e)
			if err != nil {
				return err
			}
			list, next, err := tx.FindIssues(ctx, g.scopes, g.all, q.At(g.c.now(), time.UTC), "", "", issuesOfNode)
			if err != nil {
				return err
			}
			g.cut = g.cut || next != ""
			for i := range list {
				g.join(&list[i], e)
			}
		}
	}
	return nil
}

func (g *graph) shown() *api.Graph {
	out := &api.Graph{Cut: g.cut}
	for _, id := range g.order {
		out.Nodes = append(out.Nodes, *g.nodes[id])
	}
	for _, e := range g.edges {
		out.Edges = append(out.Edges, *e)
	}
	slices.SortFunc(out.Edges, func(a, b api.GraphEdge) int {
		return slices.Compare([]string{a.From, a.To}, []string{b.From, b.To})
	})
	return out
}

// IssueGraph returns what hangs together around an issue.
func (c *console) IssueGraph(ctx context.Context, reach api.Reach, id string, depth int) (*api.Graph, error) {
	g := c.newGraph(reach)
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		is, err := c.issue(ctx, tx, reach, id, yagura.LockNone)
		if err != nil {
			return err
		}
		g.issue(is)
		return g.grow(ctx, tx, depth)
	})
	if err != nil {
		return nil, err
	}
	return g.shown(), nil
}

// EntityGraph returns what hangs together around an entity.
func (c *console) EntityGraph(ctx context.Context, reach api.Reach, e yagura.Entity, depth int) (*api.Graph, error) {
	if _, err := c.Entity(ctx, reach, e); err != nil {
		return nil, err
	}
	g := c.newGraph(reach)
	g.entity(e)
	if err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error { return g.grow(ctx, tx, depth) }); err != nil {
		return nil, err
	}
	return g.shown(), nil
}

// Entity returns what is known of an entity. One that no finding within reach names is not
// found.
func (c *console) Entity(ctx context.Context, reach api.Reach, e yagura.Entity) (*api.EntityPage, error) {
	scopes, all := c.within(reach)
	findings, err := about(filter.Findings, e)
	if err != nil {
		return nil, api.NotFound
	}
	issues, err := about(filter.Issues, e)
	if err != nil {
		return nil, api.NotFound
	}
	findings, issues = findings.At(c.now(), time.UTC), issues.At(c.now(), time.UTC)
	page := &api.EntityPage{Entity: e}
	var list []yagura.Filed
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		next := ""
		for {
			part, after, err := tx.FindFindings(ctx, scopes, all, findings, "-time", next, findingsOfOne)
			if err != nil {
				return err
			}
			list, next = append(list, part...), after
			if next == "" || len(list) >= findingsOfOne {
				break
			}
		}
		page.Cut = next != ""
		var err error
		if page.Issues, _, err = tx.CountIssues(ctx, scopes, all, issues, store.MostCounted); err != nil {
			return err
		}
		if len(list) == 0 && page.Issues == 0 {
			return store.ErrNotFound
		}
		page.Findings = int64(len(list))
		if page.Cut {
			if page.Findings, _, err = tx.CountFindings(ctx, scopes, all, findings, store.MostCounted); err != nil {
				return err
			}
		}
		first, _, err := tx.FindFindings(ctx, scopes, all, findings, "time", "", 1)
		if err == nil && len(first) > 0 {
			page.FirstSeen = first[0].Finding.Time
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	c.tell(page, list)
	return page, nil
}

// tell sums up the findings of an entity.
func (c *console) tell(page *api.EntityPage, list []yagura.Filed) {
	days, actions, others := map[time.Time]int64{}, map[string]int64{}, map[yagura.Entity]int64{}
	usual := map[string]bool{}
	for i := range list {
		f := &list[i].Finding
		if f.Time.After(page.LastSeen) {
			page.LastSeen = f.Time
		}
		if page.FirstSeen.IsZero() || f.Time.Before(page.FirstSeen) {
			page.FirstSeen = f.Time
		}
		days[f.Time.UTC().Truncate(24*time.Hour)]++
		if f.Event.Action != "" {
			actions[f.Event.Action]++
		}
		for _, o := range f.Entities {
			if o != page.Entity {
				others[o]++
			}
		}
		for _, u := range f.Usual {
			if key := u.Of + " " + u.Value; !usual[key] && len(page.Usual) < shownOfEntity {
				usual[key] = true
				page.Usual = append(page.Usual, u)
			}
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(days), time.Time.Compare) {
		page.Activity = append(page.Activity, api.CountedAt{At: at, N: days[at]})
	}
	for action, n := range actions {
		page.Actions = append(page.Actions, api.CountedAction{Action: action, N: n})
	}
	sort.Slice(page.Actions, func(i, j int) bool {
		a, b := page.Actions[i], page.Actions[j]
		return a.N > b.N || a.N == b.N && a.Action < b.Action
	})
	page.Actions = page.Actions[:min(len(page.Actions), shownOfEntity)]
	for e, n := range others {
		page.Related = append(page.Related, api.CountedEntity{Type: e.Type, ID: e.ID, N: n})
	}
	sort.Slice(page.Related, func(i, j int) bool {
		a, b := page.Related[i], page.Related[j]
		return a.N > b.N || a.N == b.N && (a.Type < b.Type || a.Type == b.Type && a.ID < b.ID)
	})
	page.Related = page.Related[:min(len(page.Related), shownOfEntity)]
}
