package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

// eventPlace is where an event may be.
type eventPlace struct {
	at     time.Time
	format string
}

// Event implements [api.Events].
func (c *console) Event(ctx context.Context, reach api.Reach, who string, key yagura.Key, at time.Time, format string) (*api.EventPage, error) {
	findings, err := c.findingsOfEvent(ctx, reach, key)
	if err != nil {
		return nil, err
	}
	var places []eventPlace
	if !at.IsZero() {
		places = append(places, eventPlace{at, format})
	}
	for _, f := range findings {
		if f.Event.Key == key {
			places = append(places, eventPlace{f.Event.Time, f.Format})
		}
	}
	row, others, err := c.lookFor(ctx, reach, key, places)
	if err == nil && row == nil {
		if places, err = c.placesOfEvent(ctx, reach, who, key); err == nil {
			row, others, err = c.lookFor(ctx, reach, key, places)
		}
	}
	if err == nil && row == nil {
		err = api.NotFound
	}
	if err != nil {
		return nil, err
	}
	return c.eventPage(row, others, findings), nil
}

func (c *console) eventPage(row *lake.Row, others int, findings []api.FindingRow) *api.EventPage {
	h := &row.Event
	p := &api.EventPage{Findings: findings, Others: others}
	p.Event = api.Event{Key: h.Key, ID: h.ID, Time: h.Time, Seen: h.Seen, Format: h.Format, Source: h.Source, Object: row.Object, Record: row.Number, Account: h.Account,
		AccountName: c.accounts().Lookup(h.Account).Name, Region: h.Region, Service: h.Detail.Service, Action: h.Action, Actor: h.Actor, AccessKey: h.Detail.AccessKey,
		SrcIP: h.SrcIP, UserAgent: h.Detail.UserAgent, Outcome: h.Outcome, Error: h.Detail.Error, Targets: h.Targets, Size: row.Size}
	for _, m := range h.Detail.More {
		if m.Value != "" {
			p.More = append(p.More, api.EventColumn{Name: m.Name, Value: m.Value})
		}
	}
	switch {
	case row.Raw == nil:
		p.Missing = "expired"
	case !utf8.Valid(row.Raw):
		p.Bytes = row.Raw
		fallthrough
	default:
		p.Raw = strings.ToValidUTF8(string(row.Raw), string(utf8.RuneError))
	}
	return p
}

// findingsOfEvent returns the newest findings within reach that name an event.
func (c *console) findingsOfEvent(ctx context.Context, reach api.Reach, key yagura.Key) ([]api.FindingRow, error) {
	q, err := askingFor(filter.Findings, "event", key.String())
	if err != nil {
		return nil, err
	}
	scopes, all := c.within(reach)
	out := []api.FindingRow{}
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		for after := ""; len(out) < mostOfEvent; {
			list, next, err := tx.FindFindings(ctx, scopes, all, q.At(c.now(), time.UTC), "-seen", after, mostOfEvent)
			if err != nil {
				return err
			}
			for _, f := range list {
				out = append(out, c.findingOf(f))
			}
			if after = next; after == "" {
				break
			}
		}
		return nil
	})
	return out[:min(len(out), mostOfEvent)], err
}

// lookFor looks for an event where it may be. The first row within reach is the event; others
// are how many more have its key and another record.
func (c *console) lookFor(ctx context.Context, reach api.Reach, key yagura.Key, places []eventPlace) (found *lake.Row, others int, err error) {
	if len(places) == 0 {
		return nil, 0, nil
	}
	cat, reader, err := c.reader(ctx)
	if err != nil {
		return nil, 0, err
	}
	looked := map[int64]bool{}
	for _, p := range places {
		var formats []string
		if p.format != "" {
			formats = []string{p.format}
		}
		files, err := cat.Files(ctx, lake.Around(p.at, formats...))
		if err != nil {
			return nil, 0, err
		}
		slices.Reverse(files)
		for _, file := range files[:min(len(files), mostFiles)] {
			if looked[file.Number] {
				continue
			}
			looked[file.Number] = true
			rows, err := reader.Look(ctx, file, key)
			if err != nil {
				return nil, 0, err
			}
			for i := range rows {
				switch r := &rows[i]; {
				case !c.holds(reach, r.Event.Account, r.Event.Format):
				case found == nil:
					found = r
				case string(found.Raw) != string(r.Raw):
					others++
				}
			}
		}
		if found != nil {
			return found, others, nil
		}
	}
	return found, others, nil
}

// placesOfEvent finds out where an event of a key may be when nobody said it: the engine looks
// through the keys of the lake, and what it cannot know, because there is none, or because an
// event does not say its time, is where the newest files are.
func (c *console) placesOfEvent(ctx context.Context, reach api.Reach, who string, key yagura.Key) ([]eventPlace, error) {
	unknown := eventPlace{} // of events without a time
	if c.serve == nil || c.serve.lake == nil {
		return c.placesOfFiles(ctx)
	}
	from, to, ok, err := c.lakeSpan(ctx)
	if err != nil || !ok {
		return []eventPlace{unknown}, err
	}
	done, err := c.serve.hunts.place(ctx, "events "+who)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := c.askLake(ctx, reach, "SELECT DISTINCT time, format FROM events WHERE key = $key", map[string]any{"key": key.String()}, from, to, mostEventTime)
	switch {
	case errors.Is(err, hunt.ErrNoEngine):
		return c.placesOfFiles(ctx)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, huntProblem(err)
	}
	var out []eventPlace
	for _, v := range rows {
		at, _ := v[0].(time.Time)
		format, _ := v[1].(string)
		out = append(out, eventPlace{at.UTC(), format})
	}
	return append(out, unknown), nil
}

// placesOfFiles are the days of the newest files.
func (c *console) placesOfFiles(ctx context.Context) ([]eventPlace, error) {
	cat, _, err := c.reader(ctx)
	if err != nil {
		return nil, err
	}
	files, err := cat.Files(ctx, lake.Filter{})
	if err != nil {
		return nil, err
	}
	slices.Reverse(files)
	out := []eventPlace{{}}
	for _, f := range files[:min(len(files), mostFiles)] {
		if !f.Min.IsZero() {
			out = append(out, eventPlace{f.Min, f.Format})
		}
	}
	return out, nil
}
