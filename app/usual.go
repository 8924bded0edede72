package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/query/kql/fn"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/usual"
)

// WithoutPlaces lists the titles of rules that find nothing, as they ask where addresses are and
// the configuration names no database of cities.
func WithoutPlaces(cfg *config.Config, rules []*sentinel.Rule) (titles []string) {
	for _, r := range rules {
		if r.Unusual != nil && r.Unusual.Travel && !r.Disabled && cfg.Usual.City == "" {
			titles = append(titles, r.Title)
		}
	}
	return titles
}

// usualBounds are those of a configuration.
func usualBounds(cfg *config.Config) usual.Bounds {
	return usual.Bounds{Period: time.Duration(cfg.Usual.Period), Learning: time.Duration(cfg.Usual.Learning), Events: int64(cfg.Usual.Events)}.Filled()
}

// usualFunctions are the functions of usual for the engine.
func usualFunctions(v *usual.Values) (out []fn.Func) {
	types := map[string]fn.Type{usual.Text: fn.String, usual.Whole: fn.Long, usual.Real: fn.Real}
	for _, f := range usual.Functions(v) {
		x := fn.Func{Name: f.Name, Result: types[f.Result], Texts: f.Texts, Call: func(args []any) (any, error) { return f.Call(args), nil }}
		for _, a := range f.Args {
			x.Args = append(x.Args, types[a])
		}
		out = append(out, x)
	}
	return out
}

// UsualAsker answers what is usual from the lake.
type UsualAsker struct {
	Hunter *hunt.Hunter
	Bounds usual.Bounds
}

var _ usual.Asker = (*UsualAsker)(nil)

// NewUsualAsker makes one over the lake that is hunted.
func NewUsualAsker(cfg *config.Config, h *Hunting) *UsualAsker {
	return &UsualAsker{Hunter: h.Hunter, Bounds: usualBounds(cfg)}
}

// Ask implements [usual.Asker]: one query for each hundred questions.
func (a *UsualAsker) Ask(ctx context.Context, questions []usual.Question) ([]usual.Answer, error) {
	var out []usual.Answer
	for part := range slices.Chunk(questions, usual.MaxQuestions) {
		q, from, to, err := usual.Ask(part, a.Bounds)
		if err != nil {
			return nil, fmt.Errorf("usual: %w", err)
		}
		rows, err := usualRows(ctx, a.Hunter, q, from, to)
		if err != nil {
			return nil, fmt.Errorf("usual: %w", err)
		}
		answers, err := usual.Judge(part, a.Bounds, rows)
		if err != nil {
			return nil, fmt.Errorf("usual: %w", err)
		}
		out = append(out, answers...)
	}
	return out, nil
}

// usualRows asks one query of the room usual.
func usualRows(ctx context.Context, h *hunt.Hunter, q usual.Query, from, to time.Time) (out [][]any, err error) {
	rows, err := h.Run(ctx, hunt.Request{Language: hunt.SQL, Text: q.SQL, Params: q.Params, From: from, To: to, Now: to, Limit: usual.MaxRows})
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its rows are read
	for rows.Next() {
		values := slices.Clone(rows.Values())
		for i, v := range values {
			if n, ok := v.(json.Number); ok {
				if values[i], err = n.Int64(); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, values)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if limit := rows.Stats().Limit; limit != "" {
		return nil, fmt.Errorf("the query gave more than it may (limit of %s)", limit)
	}
	return out, nil
}

// UsualReport is what an entity is used to do, and what of the recent time is not.
type UsualReport struct {
	Entity  yagura.Entity
	Habits  []usual.Habit
	Unusual []UsualNews // first or rare in the recent time, or new and not judged
	More    int         // recent values that were not asked about
}

// UsualNews is a value of the recent time, judged by what happened before that time.
type UsualNews struct {
	At time.Time // of its first event in the recent time
	usual.Answer
}

// UsualEntities lists the entities that a name may mean.
func (a *UsualAsker) UsualEntities(ctx context.Context, name string, before time.Time) ([]usual.Candidate, error) {
	q, from, to := usual.Named(name, before, a.Bounds)
	rows, err := usualRows(ctx, a.Hunter, q, from, to)
	if err != nil {
		return nil, err
	}
	return usual.Candidates(rows)
}

// maxRecent is how many values of the recent time one report asks about.
const maxRecent = 5 * usual.MaxQuestions

// Report says what an entity is used to do by what it did in the period before a time, and
// judges each value of the recent time by what happened before it.
func (a *UsualAsker) Report(ctx context.Context, entity yagura.Entity, dimensions []usual.Dimension, before time.Time, recent time.Duration) (*UsualReport, error) {
	q, from, to, err := usual.Baseline(entity, dimensions, before, a.Bounds, recent)
	if err != nil {
		return nil, err
	}
	rows, err := usualRows(ctx, a.Hunter, q, from, to)
	if err != nil {
		return nil, err
	}
	out := &UsualReport{Entity: entity}
	if out.Habits, err = usual.Habits(dimensions, rows); err != nil {
		return nil, err
	}
	var questions []usual.Question
	var at []time.Time
	for _, h := range out.Habits {
		switch {
		case h.Recent.IsZero():
		case len(questions) == maxRecent:
			out.More++
		default:
			questions = append(questions, usual.Question{Entity: entity, Of: h.Of, Value: h.Value, Before: before.Add(-recent)})
			at = append(at, h.Recent)
		}
	}
	answers, err := a.Ask(ctx, questions)
	if err != nil {
		return nil, err
	}
	for i, x := range answers {
		if x.First || x.Rare || (x.Learning || x.Restless) && x.Count == 0 {
			out.Unusual = append(out.Unusual, UsualNews{at[i], x})
		}
	}
	slices.SortStableFunc(out.Unusual, func(a, b UsualNews) int { return a.At.Compare(b.At) })
	return out, nil
}
