package api

import (
	"context"
	"strings"

	"github.com/yagura-sec/yagura/filter"
)

// ListField is something a list can be asked by.
type ListField struct {
	Name     string     `json:"name"`
	Japanese string     `json:"japanese,omitempty"`
	Aliases  []string   `json:"aliases,omitempty"`
	Kind     string     `json:"kind"`
	Words    []ListWord `json:"words,omitempty"`
	Doc      string     `json:"doc"`
	DocJA    string     `json:"doc_ja"`
	Many     bool       `json:"many,omitempty"`
}

// ListWord is a word that a field may have.
type ListWord struct {
	Name     string `json:"name"`
	Japanese string `json:"japanese,omitempty"`
}

// ListDoc is what can be asked of a list.
type ListDoc struct {
	Name   string      `json:"name"`
	Fields []ListField `json:"fields"`
	Sorts  []string    `json:"sorts"`
	Doc    string      `json:"doc"`
	DocJA  string      `json:"doc_ja"`
}

// ListDocs are all lists.
type ListDocs struct {
	Items []ListDoc `json:"items"`
}

func (a *API) lists(context.Context, *Call[struct{}]) (*ListDocs, error) {
	out := &ListDocs{}
	for _, l := range filter.Lists() {
		d := ListDoc{Name: l.Name, Sorts: l.Sorts, Doc: l.Doc, DocJA: l.DocJA}
		for _, f := range l.Fields {
			x := ListField{Name: f.Name, Japanese: f.Japanese, Aliases: f.Aliases, Kind: f.Kind.String(), Doc: f.Doc, DocJA: f.DocJA, Many: f.Many}
			for _, w := range f.Words {
				x.Words = append(x.Words, ListWord{w.Name, w.Japanese})
			}
			d.Fields = append(d.Fields, x)
		}
		out.Items = append(out.Items, d)
	}
	return out, nil
}

func listNamed(name string) (*filter.List, error) {
	l := filter.Named(name)
	if l == nil {
		var all []string
		for _, l := range filter.Lists() {
			all = append(all, l.Name)
		}
		return nil, Refuse(CodeBadRequest, "list: there is no list "+cutText(name), "list: その一覧はありません").Hinted("want "+strings.Join(all, ", "), strings.Join(all, "、")+" のいずれか")
	}
	return l, nil
}

type queryIn struct {
	List string `query:"list" doc:"Name of the list."`
	Q    string `query:"q"`
}

// QueryCheck is what is wrong with a query.
type QueryCheck struct {
	OK       bool    `json:"ok"`
	Problems []Fault `json:"problems"`
	Places   []Place `json:"places" doc:"Of the problems, in their order."`
}

func (a *API) queryCheck(_ context.Context, c *Call[queryIn]) (*QueryCheck, error) {
	l, err := listNamed(c.In.List)
	if err != nil {
		return nil, err
	}
	_, err = parseQuery(l, c.In.Q)
	p, ok := err.(*Problem)
	if err != nil && !ok {
		return nil, err
	}
	out := &QueryCheck{OK: err == nil}
	if p != nil {
		out.Problems, out.Places = p.Problems, p.places
	}
	return out, nil
}

type completeIn struct {
	List string `query:"list" doc:"Name of the list."`
	Q    string `query:"q"`
	At   int    `query:"at" doc:"Where somebody writes, in bytes of q."`
}

// Completion is what may stand at a place of a query.
type Completion struct {
	From  int              `json:"from" doc:"What an item takes the place of, in bytes of q."`
	To    int              `json:"to"`
	Items []CompletionItem `json:"items"`
}

// CompletionItem is one thing that may be written.
type CompletionItem struct {
	Text string `json:"text"`
	Doc  string `json:"doc,omitempty" doc:"In the language of the call."`
	Kind string `json:"kind" enum:"field,value,operator,example,term"`
}

// mostItems is how many values are offered.
const mostItems = 20

func (a *API) queryComplete(ctx context.Context, c *Call[completeIn]) (*Completion, error) {
	l, err := listNamed(c.In.List)
	if err != nil {
		return nil, err
	}
	if len(c.In.Q) > mostQuery || c.In.At < 0 || c.In.At > len(c.In.Q) {
		return nil, Refuse(CodeBadRequest, "at: it lies outside of q", "at が q の範囲外です")
	}
	help := filter.Help{Japanese: c.Japanese}
	if a.parts.Values != nil {
		help.Said = a.parts.Values.Said
		help.Values = func(field, typed string) []string {
			list, err := a.parts.Values.Values(ctx, c.Reach, l.Name, field, typed, mostItems)
			if err != nil {
				a.log.Warn("values could not be offered", "request", c.Request, "list", l.Name, "field", field, "error", err)
			}
			return list
		}
	}
	found := filter.Complete(l, c.In.Q, c.In.At, help)
	out := &Completion{From: found.From, To: found.To}
	for _, x := range found.Items {
		out.Items = append(out.Items, CompletionItem{Text: x.Text, Doc: x.Doc, Kind: x.Kind})
	}
	return out, nil
}
