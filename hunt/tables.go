package hunt

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/lake/view"
)

// ExtraColumn is a column of an Extra.
type ExtraColumn struct {
	Name string
	Type string // of KQL
}

// Extra is a table that is not of the lake: of the store, or a watchlist.
type Extra interface {
	// Tables lists what there is as of a time.
	Tables(ctx context.Context, now time.Time) ([]ExtraTable, error)
}

// ExtraTable is one of them.
type ExtraTable struct {
	Name    string
	KQL     string // the name in KQL where it has another: _GetWatchlist('x')
	Title   string
	Columns []ExtraColumn
	Time    string // the column that a time range is about, "" for none
	// Addresses are those of externaldata in KQL that the table stands for, and Listed its
	// columns in the order of the list that is found there.
	Addresses, Listed []string
	// Select writes the SELECT that is the table: it has all columns, and of rows that belong
	// to an account only those within.
	Select func(ctx context.Context, from, to time.Time, within *view.Within) (string, error)
}

// Table is a table as it is listed for people.
type Table struct {
	Name, Title, Group string
	Columns            []ExtraColumn
	Time               string
}

// tableSet are the tables of one question.
type tableSet struct {
	extra []ExtraTable
}

func (h *Hunter) tables(ctx context.Context, now time.Time) (*tableSet, error) {
	s := &tableSet{}
	for _, e := range h.Extra {
		list, err := e.Tables(ctx, now)
		if err != nil {
			return nil, err
		}
		s.extra = append(s.extra, list...)
	}
	return s, nil
}

// Tables lists all tables.
func (h *Hunter) Tables(ctx context.Context) ([]Table, error) {
	set, err := h.tables(ctx, h.Now())
	if err != nil {
		return nil, err
	}
	var out []Table
	for _, t := range view.All() {
		if _, ok := set.named(t.Name); ok {
			continue
		}
		l := Table{Name: t.Name, Title: t.Title, Group: t.Group, Time: t.Time}
		for _, c := range t.Columns {
			l.Columns = append(l.Columns, ExtraColumn{Name: c.Name, Type: c.Type})
		}
		out = append(out, l)
	}
	for _, e := range set.extra {
		group := "house"
		if e.KQL != "" {
			group = "watchlist"
		}
		out = append(out, Table{Name: e.Name, Title: e.Title, Group: group, Columns: e.Columns, Time: e.Time})
	}
	return out, nil
}

// named finds a table that is not of the lake. It goes before one of the lake of
// the same name, which knows less.
func (s *tableSet) named(name string) (*ExtraTable, bool) {
	for i := range s.extra {
		if strings.EqualFold(s.extra[i].Name, name) || s.extra[i].KQL != "" && s.extra[i].KQL == name {
			return &s.extra[i], true
		}
	}
	return nil, false
}

// external finds the list that stands for all addresses of externaldata.
func (s *tableSet) external(addresses []string) (*ExtraTable, bool) {
	for i := range s.extra {
		t := &s.extra[i]
		if len(addresses) > 0 && !slices.ContainsFunc(addresses, func(a string) bool { return !slices.Contains(t.Addresses, a) }) {
			return t, true
		}
	}
	return nil, false
}

// ofLake finds a table of the lake: by its name as it is written, else without
// regard to case, as SQL compares names.
func ofLake(name string) (*view.Table, bool) {
	if t, ok := view.Lookup(name); ok {
		return t, true
	}
	for _, t := range view.All() {
		if strings.EqualFold(t.Name, name) {
			return t, true
		}
	}
	return nil, false
}

// views writes the tables that a question uses.
func (h *Hunter) views(ctx context.Context, p *Plan, uses []Use, set *tableSet, rng Range) error {
	files := map[string]bool{}
	for _, u := range uses {
		p.Stats.Tables = append(p.Stats.Tables, u.Table)
		if e, ok := set.named(u.Table); ok {
			p.Stats.extra = true
			sql, err := e.Select(ctx, rng.From, rng.To, p.within)
			if err != nil {
				return fmt.Errorf("table %s: %w", u.Table, err)
			}
			p.Query.Views = append(p.Query.Views, View{Name: u.Table, SQL: sql})
			continue
		}
		t, ok := ofLake(u.Table)
		if !ok {
			continue // the engine refuses it, with its place
		}
		v, err := h.view(ctx, p, t, u, rng, files)
		if err != nil {
			return err
		}
		p.Query.Views = append(p.Query.Views, v)
	}
	return nil
}

// view writes one table of the lake over the files of the range, with the columns
// that are used.
func (h *Hunter) view(ctx context.Context, p *Plan, t *view.Table, u Use, rng Range, counted map[string]bool) (View, error) {
	var want []string
	raw := false
	for _, c := range t.Columns {
		if u.Star || slices.ContainsFunc(u.Columns, func(n string) bool { return strings.EqualFold(n, c.Name) }) {
			want = append(want, c.Name)
			raw = raw || c.Raw
		}
	}
	if len(want) == 0 {
		// Rows are counted and nothing else: one column of the head is enough.
		want = []string{cheapest(t)}
	}
	var pairs []view.Pair
	if len(t.Formats) > 0 || t.Group == "house" {
		list, read, err := h.files(ctx, p, t, u, rng, raw || needsRaw(t))
		if err != nil {
			return View{}, fmt.Errorf("files of the lake for %s: %w", t.Name, err)
		}
		for _, f := range read {
			pairs = append(pairs, view.Pair{Format: f.Format, Head: f.HeadPath, Raw: f.RawPath})
		}
		for _, f := range list {
			if counted[f.HeadPath] || !p.within.Format(f.Format) {
				continue
			}
			counted[f.HeadPath] = true
			p.files = append(p.files, f.HeadPath)
			p.Stats.Files++
			p.Stats.FileBytes += f.HeadSize
			p.Stats.FileRows += f.Rows
			if raw {
				p.Stats.RawFiles++
				p.Stats.FileBytes += f.RawSize
			}
		}
	}
	sql, err := t.SelectWithin(want, pairs, rng.From, rng.To, u.Holds, p.within)
	if err != nil {
		return View{}, err
	}
	return View{Name: cmp.Or(u.Name, u.Table), SQL: sql}, nil
}

// formatsOf are the formats of a table; none is all.
func formatsOf(t *view.Table) []string {
	if slices.Contains(t.Formats, "") || slices.Contains(t.Formats, "*") {
		return nil
	}
	return t.Formats
}

// needsRaw says whether the table's own condition looks into the record.
func needsRaw(t *view.Table) bool {
	return strings.Contains(t.Where, "{") || strings.Contains(t.Where, "raw")
}

// cheapest is a column that a head file has.
func cheapest(t *view.Table) string {
	if c, ok := t.Column(t.Time); ok && !c.Raw {
		return c.Name
	}
	for _, c := range t.Columns {
		if !c.Raw {
			return c.Name
		}
	}
	return t.Columns[0].Name
}
