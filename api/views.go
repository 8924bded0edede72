package api

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
)

// ViewPage is a list that somebody kept.
type ViewPage struct {
	yagura.View
	Mine bool `json:"mine"`
}

// Tag changes with every change.
func (v *ViewPage) Tag() string { return viewTag(&v.View) }

func viewTag(v *yagura.View) string { return strconv.FormatInt(v.Updated.UnixNano(), 36) }

type viewsIn struct {
	List string `query:"list" doc:"Those of one list alone."`
}

// owner is whose views a caller has: a user's id, or the name of a token.
func (c *call) owner() string {
	if c.Who.User != nil {
		return c.Who.User.ID
	}
	return c.Who.Who
}

func (a *API) views(ctx context.Context, c *Call[viewsIn]) (*List[ViewPage], error) {
	list, err := a.parts.Views.ListViews(ctx, c.owner(), c.In.List)
	if err != nil {
		return nil, err
	}
	out := &List[ViewPage]{}
	for _, v := range list {
		out.Items = append(out.Items, ViewPage{v, v.Owner == c.owner()})
	}
	return out, nil
}

// ViewIn is what a view is made of.
type ViewIn struct {
	Name   string `json:"name"`
	List   string `json:"list"`
	Query  string `json:"query"`
	Sort   string `json:"sort,omitempty"`
	Shared bool   `json:"shared,omitempty" doc:"Everybody sees it."`
}

func (in *ViewIn) check() error {
	in.Name = strings.TrimSpace(in.Name)
	if n := utf8.RuneCountInString(in.Name); n == 0 || n > 100 {
		return Refuse(CodeBadRequest, "name: want 1 to 100 characters", "name は 1 文字から 100 文字までです")
	}
	l, err := listNamed(in.List)
	if err != nil {
		return err
	}
	if _, err := l.Sort(in.Sort); err != nil {
		return badSort(err, l)
	}
	if len(in.Query) > mostQuery {
		return Refuse(CodeBadQuery, "the query is too long", "検索式が長すぎます")
	}
	_, err = parseQuery(l, in.Query)
	return err
}

type addViewIn struct{ Body ViewIn }

func (a *API) addView(ctx context.Context, c *Call[addViewIn]) (*ViewPage, error) {
	in := &c.In.Body
	if err := in.check(); err != nil {
		return nil, err
	}
	v := &yagura.View{ID: a.newID(), Name: in.Name, List: in.List, Query: in.Query, Sort: in.Sort, Owner: c.owner(), Shared: in.Shared,
		Created: c.now.UTC(), Updated: c.now.UTC()}
	c.Did("view.add", "view/"+v.ID, in.Name)
	return &ViewPage{*v, true}, a.parts.Views.PutView(ctx, v)
}

type viewIn struct {
	ID string `path:"id"`
}

func (a *API) view(ctx context.Context, c *Call[viewIn]) (*ViewPage, error) {
	v, err := a.parts.Views.View(ctx, c.owner(), c.In.ID)
	if err != nil {
		return nil, err
	}
	return &ViewPage{*v, v.Owner == c.owner()}, nil
}

type setViewIn struct {
	ID   string `path:"id"`
	Body ViewIn
}

// own returns a view that the caller may change: one's own, and a shared one of whoever
// manages.
func (a *API) own(ctx context.Context, c *call, id string) (*yagura.View, error) {
	v, err := a.parts.Views.View(ctx, c.owner(), id)
	if err != nil {
		return nil, err
	}
	if v.Owner != c.owner() {
		if reach, err := c.Need(yagura.PermitManage); err != nil || !reach.All {
			return nil, Refuse(CodeForbidden, "it is somebody else's view", "ほかの人のビューは変更できません")
		}
	}
	return v, nil
}

func (a *API) setView(ctx context.Context, c *Call[setViewIn]) (*ViewPage, error) {
	c.Did("view.change", "view/"+c.In.ID, c.In.Body.Name)
	v, err := a.own(ctx, c.call, c.In.ID)
	if err != nil {
		return nil, err
	}
	if err := c.Match(viewTag(v)); err != nil {
		return nil, err
	}
	in := &c.In.Body
	if err := in.check(); err != nil {
		return nil, err
	}
	v.Name, v.List, v.Query, v.Sort, v.Shared, v.Updated = in.Name, in.List, in.Query, in.Sort, in.Shared, c.now.UTC()
	return &ViewPage{*v, v.Owner == c.owner()}, a.parts.Views.PutView(ctx, v)
}

func (a *API) deleteView(ctx context.Context, c *Call[viewIn]) (Nothing, error) {
	c.Did("view.delete", "view/"+c.In.ID, "")
	v, err := a.own(ctx, c.call, c.In.ID)
	if err != nil {
		return Nothing{}, err
	}
	c.Did("", "", v.Name)
	return Nothing{}, a.parts.Views.DeleteView(ctx, v.ID)
}
